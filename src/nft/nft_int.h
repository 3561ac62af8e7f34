/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the nft room. */
#ifndef ZONEGATE_NFT_INT_H
#define ZONEGATE_NFT_INT_H

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <sys/types.h>

#include "nft/nft.h"
#include "plan/plan.h"

struct nftnl_expr;

/* Attributes of a stretch of bytes, of a message, of a nest; as libmnl's macros, but clean of conversions. */
#define zg_attrs(attr, begin, len)                                                                                     \
	for ((attr) = (begin); mnl_attr_ok((attr), (int)((const char *)(begin) + (len) - (const char *)(attr)));       \
	     (attr) = mnl_attr_next(attr))
#define zg_attrs_of(attr, nlh)                                                                                         \
	zg_attrs(attr, mnl_nlmsg_get_payload_offset((nlh), sizeof(struct nfgenmsg)),                                   \
		 mnl_nlmsg_get_payload_len(nlh) - sizeof(struct nfgenmsg))
#define zg_attrs_in(attr, nest) zg_attrs(attr, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))

/* Netlink's padding to 4. */
static inline size_t zg_padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* Since Linux 6.9; not in Debian 12's headers. A table with it loses its owner and stays when the owner's socket
 * closes. */
#define ZG_TABLE_F_PERSIST 0x4u

struct zg_nft {
	int fd;
	uint32_t portid; /* who we are to the kernel: the owner of the policy table */
	bool persist;	 /* the kernel knows NFT_TABLE_F_PERSIST (zg_nft_probe() finds out) */
	uint32_t seq;
	uint8_t *buf; /* one answer */
	int listener; /* hears of others' transactions; -1 = none */
	bool missed;  /* one came while it did not listen */
};

#define ZG_NFT_BUF (256u * 1024) /* bytes: larger than any message of a dump (at most 32 KiB and one element more) */

/* --- sock.c ----------------------------------------------------------------------------------------------------- */

/* Starts a request in buf (MNL_SOCKET_BUFFER_SIZE bytes). type: NFT_MSG_*. */
struct nlmsghdr *zg_nft_request(struct zg_nft *nft, void *buf, uint16_t type, uint16_t flags);
/* Sends it and feeds the answer to cb, to its end. ZG_EAGAIN: the rule set changed in the middle. ZG_ENOENT: nothing
 * of that name. Else ZG_ESYS with errno. */
enum zg_err zg_nft_ask(struct zg_nft *nft, const struct nlmsghdr *request, mnl_cb_t cb, void *data);
/* The rule set's generation id. */
enum zg_err zg_nft_genid(struct zg_nft *nft, uint32_t *ret_id);
/* Sends all at once. */
enum zg_err zg_nft_send(struct zg_nft *nft, const void *data, size_t len);
/* One datagram that is there already: bytes, 0 = none, -1 = errno. */
ssize_t zg_nft_recv(struct zg_nft *nft);

/* --- expr.c ----------------------------------------------------------------------------------------------------- */

/* NULL: out of memory. The caller frees with nftnl_expr_free() or gives it to a rule. */
struct nftnl_expr *zg_nft_expr_build(const struct zg_expr *x);
/* The inverse; what no plan can hold becomes ZG_X_UNKNOWN. ZG_ENOMEM only. */
enum zg_err zg_nft_expr_parse(const struct nftnl_expr *e, struct zg_plan *plan, struct zg_expr *ret_x);

/* --- batch.c: one transaction in one buffer ------------------------------------------------------------------------
 */

/* Where a message came from, for the diagnostic if the kernel refuses it. */
struct zg_origin {
	const char *what;	  /* "rule of chain", "set" ... */
	const char *name;	  /* NULL: none */
	const struct zg_set *set; /* with elements */
	size_t first;		  /* first element of the message */
	size_t at;		  /* of the message in the buffer */
	unsigned line;
};

struct zg_batch {
	uint8_t *data;
	size_t len, cap;
	struct zg_origin *origins; /* message i has sequence number seq + i */
	size_t n;
	uint32_t seq;
	uint32_t genid;	   /* of the rule set that it is bound to; 0 = any */
	const char *table; /* name under which the current table is written */
	bool commits;	   /* it has its end */
	bool failed;	   /* out of memory at some point */
};

void zg_batch_begin(struct zg_batch *b, uint32_t seq, uint32_t genid);
/* Starts a message; NULL once memory has run out. Up to ZG_BATCH_MESSAGE bytes may be put before zg_batch_finish(). */
struct nlmsghdr *zg_batch_message(struct zg_batch *b, uint16_t type, uint16_t flags, struct zg_origin origin);
void zg_batch_finish(struct zg_batch *b, const struct nlmsghdr *nlh);
/* Asks for the answer to the last message, and closes the batch if it shall be committed. */
void zg_batch_end(struct zg_batch *b, bool commit);
void zg_batch_free(struct zg_batch *b);

#define ZG_BATCH_MESSAGE (64u * 1024)

/* --- encode.c: plan objects as messages of a batch, into the table b->table -----------------------------------------
 */

void zg_put_table(struct zg_batch *b, uint32_t flags);
void zg_put_del_table(struct zg_batch *b);
/* chain NULL: of the whole table. */
void zg_put_del_rules(struct zg_batch *b, const char *chain);
void zg_put_flush_set(struct zg_batch *b, const char *name);
void zg_put_del_set(struct zg_batch *b, const char *name);
void zg_put_del_chain(struct zg_batch *b, const char *name);
void zg_put_del_counter(struct zg_batch *b, const char *name);
void zg_put_counter(struct zg_batch *b, const char *name);
void zg_put_chain(struct zg_batch *b, const struct zg_chain *chain);
void zg_put_set(struct zg_batch *b, const struct zg_set *set, uint32_t id);
/* An element by its key alone, in a list of them. */
void zg_put_key(struct nlmsghdr *nlh, const struct zg_set *set, const struct zg_elem *elem, size_t key_len);
/* All of them, or n of them, as additions or removals: NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM. */
void zg_put_elems(struct zg_batch *b, const struct zg_set *set, time_t now);
void zg_put_some_elems(struct zg_batch *b, uint16_t type, const struct zg_set *set, const struct zg_elem *const *elems, size_t n,
		       time_t now);
void zg_put_rule(struct zg_batch *b, const struct zg_chain *chain, const struct zg_rule *rule);

/* --- read.c: kernel -> plan ------------------------------------------------------------------------------------------
 */

enum zg_read {
	ZG_READ_NAMES,	  /* of the tables that have an owner; of the others all */
	ZG_READ_COUNTERS, /* and the elements of sets that count */
	ZG_READ_RULES,	  /* all but elements */
	ZG_READ_ALL,
};

struct zg_nft_state {
	struct zg_plan *plan; /* the tables that exist */
	uint32_t genid;
	uint32_t owner[ZG_PLAN_TABLES]; /* of plan->tables[i]; 0 = nobody */
	bool dormant[ZG_PLAN_TABLES];
	bool persistent[ZG_PLAN_TABLES]; /* stays when its owner's socket closes */
};

/* The two tables as one consistent picture: of names only, with counters and flow elements, or everything. With of, only those
 * that this plan has: a look at the backstop must not cost what the policy's flows cost. */
enum zg_err zg_nft_read(struct zg_nft *nft, enum zg_read how, const struct zg_plan *of, struct zg_nft_state *ret_state);
void zg_nft_state_free(struct zg_nft_state *state);

/* elems.c: the elements of one set, sorted; strings go to plan. The kernel finds its place anew for each datagram of such a
 * listing, so that it costs the square of their number; and of a hash that grows meanwhile it shows some twice, others not. */
enum zg_err zg_nft_read_elems(struct zg_nft *nft, struct zg_plan *plan, const char *table, struct zg_set *set);
/* Of a sorted set: what is there twice was shown twice. */
void zg_set_drop_twins(struct zg_set *set);
/* Asks for n elements by their keys and adds what there is to got, in that order: one that is missing is left out. */
enum zg_err zg_nft_ask_elems(struct zg_nft *nft, struct zg_plan *plan, const char *table, const struct zg_set *set,
			     const struct zg_elem *const *elems, size_t n, struct zg_set *got);

/* --- delta.c ----------------------------------------------------------------------------------------------------- */

/* What is to be done with the elements of one set: gone and come are borrowed from the two sets. An element that changes is
 * in both. */
struct zg_delta {
	const struct zg_elem **gone, **come;
	size_t n_gone, n_come;
};

/* from NULL: there was no such set. What the kernel does not have, and what is not open, is neither. ZG_ENOMEM; free with zg_delta_free(). */
enum zg_err zg_delta_of(const struct zg_set *from, const struct zg_set *to, time_t now, struct zg_delta *ret_delta);
void zg_delta_free(struct zg_delta *delta);
/* Are its elements beginnings and ends, not to be asked for one by one? */
bool zg_set_has_ends(const struct zg_set *set);
/* What makes one table of the other. */
enum zg_err zg_put_delta(struct zg_batch *b, const struct zg_table *from, const struct zg_table *to, time_t now);

/* --- verify.c ---------------------------------------------------------------------------------------------------- */

/* As zg_nft_verify(), after a step: of large sets only what was to change. from NULL: all of them. */
enum zg_err zg_nft_verify_step(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *plan, struct zg_diags *diags);

/* --- monitor.c: a commit of ours is not to be told to ourselves, element by element ------------------------------- */

void zg_nft_listen_pause(struct zg_nft *nft);
/* genid: what the rule set's generation is if nobody else has committed since the pause. */
void zg_nft_listen_resume(struct zg_nft *nft, uint32_t genid);

/* --- answer.c ---------------------------------------------------------------------------------------------------- */

/* Sends the batch, reads all answers, writes a diagnostic for each refusal. names: of the flows. */
enum zg_err zg_nft_transact(struct zg_nft *nft, const struct zg_batch *b, const struct zg_plan *plan,
			    struct zg_diags *diags);

#endif
