/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: packets in, verdicts out. Flow table, canonical TCP stream and inspectors of one process,
 * without any kernel interface, so that the inspector process, replay, tests and fuzzers run the same code.
 */
#ifndef ZONEGATE_STREAM_H
#define ZONEGATE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/addr.h"
#include "zonegate/err.h"
#include "zonegate/inspector.h"

#define ZG_SHA256_LEN 32 /* bytes */

struct zg_engine;

/* One packet from its IP header on. */
struct zg_packet {
	uint32_t id;   /* the owner's handle; every id is decided exactly once */
	uint32_t mark; /* names the flow, see resolve */
	uint8_t *data; /* len bytes; the payload may be overwritten by the inspector */
	size_t len;
	size_t wire_len;       /* length that the packet really has; > len = truncated */
	bool checksum_unfilled; /* transport checksum is still to be filled by hardware: do not check it */
	bool merged;	   /* the kernel cuts it into several packets behind us (GSO) */
	uint64_t now_ms;       /* monotonic */
};

struct zg_tuple {
	struct zg_addr client, server;
	uint16_t client_port, server_port; /* host order */
	uint8_t protocol;
};

/* What the gate is asked to send. Everything in host order. */
enum zg_inject_kind {
	ZG_INJECT_RST = 1,
	ZG_INJECT_ACK,
	ZG_INJECT_REFUSAL, /* text, then FIN */
	ZG_INJECT_ICMP,	   /* an error about a packet that the receiver sent; the only kind for UDP */
	ZG_INJECT_AGAIN,   /* bytes that went out before; they come beside the struct, 1 .. ZG_INJECT_AGAIN_MAX */
};
struct zg_inject {
	enum zg_inject_kind kind;
	uint32_t mark; /* of the flow, so that the gate can check the endpoints against the policy */
	struct zg_tuple tuple;
	bool to_client; /* who receives it; it is sent in the name of the other end */
	uint32_t seq, ack;
	bool has_ack; /* RST with or without ACK */
	uint16_t window; /* as on the wire (scaled) */
	bool timestamps;
	uint32_t ts_val, ts_ecr;
	bool sack; /* ZG_INJECT_ACK: sack_left .. sack_right came out of order (RFC 2018) */
	uint32_t sack_left, sack_right;
	enum zg_refusal refusal; /* ZG_INJECT_REFUSAL */
	enum zg_reason reason;
	/* ZG_INJECT_ICMP: one of zg_icmp_allowed(); seq is the quoted segment's, TCP only */
	uint8_t icmp_type, icmp_code;
	uint32_t mtu; /* bytes; with "too big", else 0 */
};

enum zg_flow_event_kind { ZG_FLOW_OPENED = 1, ZG_FLOW_CLOSED, ZG_FLOW_DENIED, ZG_PACKET_DENIED, ZG_CONTENT_CHANGED };
struct zg_flow_event {
	enum zg_flow_event_kind kind;
	uint32_t mark;
	struct zg_tuple tuple; /* PACKET_DENIED without a flow: as sent (client = sender); family 0 = unreadable */
	enum zg_reason reason; /* DENIED; CLOSED: ZG_R_NONE or why it was ended (idle, reset is NONE) */
	enum zg_dir dir;       /* DENIED: who sent what was refused */
	uint64_t bytes[2];     /* released per direction */
	uint64_t duration_ms;
	bool digested; /* CLOSED and DENIED, if the policy asks for it */
	uint8_t sha256[2][ZG_SHA256_LEN]; /* of the released bytes per direction */
	struct zg_note note; /* CONTENT_CHANGED; bytes: what was changed, by who sent it */
};

struct zg_flow_policy {
	const struct zg_inspector *inspector;
	const void *config;
	bool digest;	   /* the records of its end carry SHA-256 of the released bytes */
	uint64_t identity; /* equal = same flow with the same configuration, also across generations */
};

struct zg_engine_owner {
	void *ctx;
	/* The flow that a mark names; false = not in any policy known. */
	bool (*resolve)(void *ctx, uint32_t mark, struct zg_flow_policy *ret_policy);
	/* Does the flow that a mark names permit this one, so that its client may be who begins? NULL: whoever sends first is
	 * the client. TCP too: a SYN says who wants to open, not who may, and a mark is of both directions. */
	bool (*permits)(void *ctx, uint32_t mark, const struct zg_tuple *tuple);
	/* The mark under which the newest policy permits a connection of the flow with this identity; 0 = it does not. NULL:
	 * zg_engine_revise() is not used. */
	uint32_t (*revised)(void *ctx, uint64_t identity, const struct zg_tuple *tuple);
	/* Decides one packet. packet != NULL: accept with these bytes instead (same length, checksums done). */
	void (*verdict)(void *ctx, uint32_t id, bool accept, const uint8_t *packet, size_t len);
	void (*inject)(void *ctx, const struct zg_inject *inject);
	/* ZG_INJECT_AGAIN: with len bytes of the stream as they were released. NULL: nobody can send any. */
	void (*again)(void *ctx, const struct zg_inject *inject, const uint8_t *bytes, size_t len);
	void (*event)(void *ctx, const struct zg_flow_event *event);
	/* Bytes accepted by the inspector and not held, in order, as the far side will read them, at the time of the answer:
	 * on a denial up to the offending byte, so that the sum does not depend on how the stream was cut into segments
	 * (the packet with the offending byte itself never leaves). May be NULL. */
	void (*released)(void *ctx, const struct zg_tuple *tuple, enum zg_dir dir, const uint8_t *bytes, size_t len);
	/* The packets have been exchanged already and are only looked at (replay): a host may have acknowledged what is
	 * still held here. */
	bool passive;
};

struct zg_engine_stats {
	uint64_t packets, accepted, dropped, injected, rewritten;
	uint64_t again; /* segments sent again for a sender who was told that they came */
	uint64_t flows_opened, flows_denied;
	uint64_t evicted; /* half-open connections forgotten for newer ones */
	uint64_t dropped_by[ZG_REASON_COUNT];
	uint32_t flows; /* now */
	uint32_t waiting; /* UDP requests without an answer now */
	uint32_t held;	/* packets waiting for a verdict now */
	uint64_t bytes; /* of memory that flows have now */
};

/* seed: random, keys the flow hash. owner is copied. Free with zg_engine_free(), which drops what is held. */
enum zg_err zg_engine_new(const struct zg_engine_owner *owner, uint64_t seed, struct zg_engine **ret_engine);
void zg_engine_free(struct zg_engine *engine);
/* Every packet gets its verdict now, or is held and gets it in a later call. Never fails: what cannot be
 * handled is dropped with a reason. */
void zg_engine_packet(struct zg_engine *engine, const struct zg_packet *packet);
/* Timers; call at least once a second. */
void zg_engine_tick(struct zg_engine *engine, uint64_t now_ms);
/* Another policy is in force: connections that it does not permit are ended, both ends reset; the others carry its marks from
 * now on. A part of the work; true = there is more, and only what was begun is gone on with. A packet that comes meanwhile is
 * judged by its own mark. */
bool zg_engine_revise(struct zg_engine *engine, bool begin);
/* Stats are a snapshot. */
void zg_engine_stats(const struct zg_engine *engine, struct zg_engine_stats *ret_stats);
/* During verdict() with a packet in place of another: the mark of its flow, of a generation that the gate knows. */
uint32_t zg_engine_rewrite_mark(const struct zg_engine *engine);
/* Calls fn for every flow still known (replay: what is incomplete). */
void zg_engine_each(const struct zg_engine *engine,
		    void (*fn)(void *ctx, const struct zg_tuple *tuple, const struct zg_flow_event *now), void *ctx);

#endif
