/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP transactions. A flow is what goes between two ports; its client is who the policy says may begin. Every datagram of
 * the client is a request, read by the inspector; a datagram of the server passes only as the answer to a request that
 * waits, once. Tables, lists and bounds are UDP's own: a flood of datagrams takes nothing from a TCP connection.
 */
#ifndef ZONEGATE_INSPECT_UDP_H
#define ZONEGATE_INSPECT_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/flowtab.h"
#include "inspect/icmp.h"
#include "zonegate/stream.h"

struct zg_engine;
struct zg_fate;
struct zg_pkt;

/* What is counted per client address. */
struct zg_udp_source {
	struct zg_flowtab_node node; /* the address stands at both ends, without ports */
	uint32_t flows, waiting;
};

struct zg_udp_flow {
	struct zg_flowtab_node node;
	uint32_t mark; /* of the newest packet */
	uint64_t identity;
	const struct zg_inspector *inspector;
	struct zg_udp_source *source;
	struct zg_list waiting; /* struct zg_transaction, the oldest first */
	uint32_t n_waiting;
	bool unanswered;   /* a request was given up */
	uint64_t bytes[2]; /* of payload, passed */
	uint64_t opened_ms, answered_ms; /* 0 = not yet; answered: the last time */
	struct zg_icmp_told icmp;
};

/* A request that waits for its answer. */
struct zg_transaction {
	struct zg_list in_flow;
	struct zg_list in_engine; /* of all flows, by age: all wait equally long */
	struct zg_udp_flow *flow;
	uint64_t since_ms;
	_Alignas(max_align_t) uint8_t state[]; /* of the inspector */
};

struct zg_udp {
	struct zg_flowtab tab;	   /* struct zg_udp_flow; ZG_LIST_OPEN: a request waits, ZG_LIST_CLOSED: none */
	struct zg_flowtab sources; /* struct zg_udp_source */
	struct zg_list waiting;	   /* struct zg_transaction */
	uint32_t n_waiting;
};

/* On failure nothing is left to be freed. */
enum zg_err zg_udp_init(struct zg_udp *udp, uint64_t seed);
void zg_udp_fini(struct zg_engine *e);
/* A decoded datagram. */
struct zg_fate zg_udp_packet(struct zg_engine *e, const struct zg_pkt *p);
void zg_udp_tick(struct zg_engine *e);
/* The policy that permitted it is gone. */
void zg_udp_withdrawn(struct zg_engine *e, struct zg_udp_flow *f);
/* The flow with these ends, in either direction; NULL = none. */
struct zg_udp_flow *zg_udp_find(const struct zg_udp *udp, const struct zg_tuple *tuple);
/* May an ICMP error speak of a datagram of dir? A request waits, or an answer went just now. */
bool zg_udp_under_way(const struct zg_engine *e, const struct zg_udp_flow *f, enum zg_dir dir);
void zg_udp_each(const struct zg_engine *e,
		 void (*fn)(void *ctx, const struct zg_tuple *tuple, const struct zg_flow_event *now), void *ctx);

#endif
