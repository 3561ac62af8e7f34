/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an inspector is: one const record. It knows no packets, no kernel and no clock.
 *
 * One for TCP is fed the canonical stream of one connection and answers. The same bytes get the same answers however the
 * stream is cut into calls.
 *
 * One for UDP is fed whole datagrams and knows transactions: a request of the client, and the answer to it.
 */
#ifndef ZONEGATE_INSPECTOR_H
#define ZONEGATE_INSPECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/item.h"
#include "zonegate/note.h"
#include "zonegate/rd.h"
#include "zonegate/reason.h"

/* 1 in a build for tests (make test-build): only there may a configuration name an inspector that is test_only. */
#ifndef ZG_TEST_BUILD
#define ZG_TEST_BUILD 0
#endif

#define ZG_INSPECTOR_CONFIG_MAX 128 /* bytes of the fixed part: room for what one inspector is asked, in every flow */

enum zg_dir {
	ZG_CLIENT = 0, /* bytes that the client (who opened the connection) sent */
	ZG_SERVER = 1,
};

static inline enum zg_dir zg_dir_other(enum zg_dir dir)
{
	return dir == ZG_CLIENT ? ZG_SERVER : ZG_CLIENT;
}

enum zg_transport { ZG_TCP = 6, ZG_UDP = 17 };

enum zg_say {
	ZG_SAY_MORE = 0, /* go on */
	ZG_SAY_DENY,	 /* the byte at in->pos offends: nothing from it on may pass, in either direction */
	ZG_SAY_DONE,	 /* no further byte is expected in either direction; one would be refused. While
			  * draining: the client may now be told */
	/* What the three mean for a datagram stands at request and reply. */
};

/* What the client is told when its connection is refused; the gate writes the text. */
enum zg_refusal {
	ZG_REFUSAL_RESET = 0, /* only the reset */
	ZG_REFUSAL_SMTP_554,  /* "554 5.7.1 zonegate: <reason text>" and FIN */
	ZG_REFUSAL_TLS_ALERT, /* a fatal alert in the clear, which the reason chooses, and FIN */
	ZG_REFUSAL_RFB_33,    /* no security type of RFB 3.3, the reason's text and FIN */
	ZG_REFUSAL_RFB,	      /* the same of RFB 3.7 and 3.8 */
	ZG_REFUSAL_COUNT
};

struct zg_answer {
	enum zg_say say;
	/* How many bytes at the end of what was given so far, per direction, must not go yet.
	 * All before is released. Cumulative state, to be set in every answer. */
	size_t held[2];
	enum zg_reason reason;	 /* with DENY */
	enum zg_refusal refusal; /* with DENY */
	/* With DENY: the client is still sending and reads a refusal only afterwards. What it sends is
	 * swallowed (acknowledged, never forwarded) and still given to data(), beginning with the byte at
	 * in->pos, which was not consumed, until it says DONE. */
	bool drain;
	/* A message ended in these bytes (with DENY: before the byte at in->pos) that was changed so; borrowed until the next call.
	 * NULL: none. */
	const struct zg_note *note;
};

/*
 * Memory beyond the state, for what only some connections come to need, as a decompressor does: of the same bounded reserve,
 * zeroed, and given back when the state is. A lender is valid during one call, what it lent as long as the state.
 */
struct zg_lender {
	void *(*lend)(struct zg_lender *lender, size_t size); /* size <= ZG_LEND_MAX; NULL: there is none left */
};

#define ZG_LEND_MAX (34u * 1024 - 64) /* bytes in one piece: a deflate window of 32 KiB and something beside it */

struct zg_inspector {
	const char *name;
	enum zg_transport transport;
	bool test_only; /* for replay and test builds: it lets through what no policy should */
	const char *blind; /* what passes it unseen, one line for people; NULL = nothing but what text and pictures can carry */
	/* What it holds is acknowledged at once, in the receiver's name: the sender may have nothing else to send before it is
	 * acknowledged, and nothing of what is held may be let go (see settle). */
	bool acknowledges;
	bool sanitises; /* nothing malicious can ride on what it accepts (無害化): it may stand between LGWAN and Internet */
	bool patient;	/* its connections may be silent for ZG_IDLE_LONG_MS, those of others for ZG_IDLE_MS */
	/* Bytes of state per connection, zeroed before begin, or per transaction, zeroed before request, and then at most
	 * ZG_UDP_STATE_MAX; no pointers to free in it. */
	size_t state_size;
	/* <= ZG_INSPECTOR_CONFIG_MAX; plain bytes, no pointers. Behind them lie the strings that items speak of. */
	size_t config_size;
	const struct zg_item *items;
	size_t n_items;

	/* --- ZG_TCP; NULL in one for UDP --- */

	/* Start of a connection. */
	void (*begin)(void *state, const void *config);
	/* The next in->len bytes of dir, in order, each exactly once. On return with MORE or DONE in->pos is
	 * in->len. Bytes may be overwritten in place (zg_rw_replace) as long as they are not yet released, the last
	 * ZG_HELD_REWRITE that are held from earlier calls too (zg_rw_amend). in->lender is never NULL, unless the connection
	 * was denied before. */
	void (*data)(void *state, const void *config, enum zg_dir dir, struct zg_rw *in, struct zg_answer *ret_answer);
	/* The sender repeats what is held: it may wait for an acknowledgement before it goes on. Nothing of dir may be held in
	 * the answer. May be NULL, in an inspector that holds nothing. */
	void (*settle)(void *state, enum zg_dir dir, struct zg_answer *ret_answer);
	/* dir ended (FIN). May be NULL. */
	void (*end)(void *state, const void *config, enum zg_dir dir, struct zg_answer *ret_answer);

	/* --- ZG_UDP; NULL in one for TCP --- */

	/* Both get a whole datagram, which may be empty; bytes may be overwritten in place (zg_rw_replace), its length never
	 * changes. Of an answer only say and reason count. What passes was read to its end: with in->pos before in->len it is
	 * refused (ZG_R_UDP_UNREAD). */

	/* A datagram of the client begins a transaction: MORE = it passes and waits for its answer, DONE = it passes and is
	 * not answered, DENY = it is dropped. */
	void (*request)(void *state, const void *config, struct zg_rw *in, struct zg_answer *ret_answer);
	/* A datagram of the server, offered to every request that waits between the same ports, the oldest first, until one
	 * takes it: MORE = not the answer to this request (what was overwritten is undone), DONE = its answer, which passes
	 * and ends the transaction, DENY = it is dropped, and the request waits on. */
	void (*reply)(void *state, const void *config, struct zg_rw *in, struct zg_answer *ret_answer);
};

/* The registry (src/inspect/registry.c). Index 0 is never valid, so that zeroed memory names none. */
const struct zg_inspector *zg_inspector_by_name(const char *name);
const struct zg_inspector *zg_inspector_by_index(uint32_t index);
uint32_t zg_inspector_index(const struct zg_inspector *inspector); /* 0 = not registered */
/* Fills config (config_size bytes) with the defaults of its items, see zonegate/config.h too. */
void zg_inspector_defaults(const struct zg_inspector *inspector, void *ret_config);

/* May a policy of this build name it? */
static inline bool zg_inspector_usable(const struct zg_inspector *inspector)
{
	return ZG_TEST_BUILD || !inspector->test_only;
}

extern const struct zg_inspector zg_smtp;     /* src/proto/smtp.c */
extern const struct zg_inspector zg_tls;      /* src/proto/tls.c */
extern const struct zg_inspector zg_rdp;      /* src/proto/rdp.c */
extern const struct zg_inspector zg_rfb;      /* src/proto/rfb.c */
extern const struct zg_inspector zg_stream;   /* src/proto/stream.c; test_only */
extern const struct zg_inspector zg_datagram; /* src/proto/datagram.c; test_only */

#endif
