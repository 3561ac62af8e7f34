/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow table: connections by their two endpoints, whichever end sent the packet. The hash is keyed, so that who
 * opens connections cannot choose chains. Every flow is in one list by what it is waiting for; all flows of a list wait
 * equally long, so the list is in order of expiry and a timer is its head.
 */
#ifndef ZONEGATE_INSPECT_FLOWTAB_H
#define ZONEGATE_INSPECT_FLOWTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/list.h"
#include "inspect/source.h"
#include "zonegate/err.h"
#include "zonegate/limits.h"
#include "zonegate/stream.h"

enum zg_flow_list {
	ZG_LIST_SYN,	/* handshake not complete */
	ZG_LIST_OPEN,	/* by last packet */
	ZG_LIST_CALM,	/* open, of an inspector that is patient: by last packet */
	ZG_LIST_HALF,	/* one end has ended: by last packet */
	ZG_LIST_CLOSED, /* by end */
	ZG_LIST_REFUSED, /* the client is still being told: by denial */
	ZG_LIST_DEAD,	/* by denial */
	ZG_LIST_COUNT
};

/* The table's part of a flow; embedded in struct zg_flow. What finding it looks at stands in one cache line: with many
 * connections that line comes from memory for each packet. */
struct zg_flowtab_node {
	struct zg_flowtab_node *chain;
	uint64_t hash;
	struct zg_tuple tuple;
	enum zg_flow_list list;
	struct zg_list in_list;
	uint64_t since_ms; /* when it was put into its list */
	struct zg_flowtab_node *older, *newer; /* ZG_LIST_SYN: of the same client */
};

struct zg_flowtab {
	struct zg_flowtab_node **buckets;
	uint64_t key[2];
	struct zg_list lists[ZG_LIST_COUNT];
	uint32_t n, n_in[ZG_LIST_COUNT];
	struct zg_sources half_open; /* clients of ZG_LIST_SYN, with their nodes by age */
};

enum zg_err zg_flowtab_init(struct zg_flowtab *tab, uint64_t seed);
void zg_flowtab_fini(struct zg_flowtab *tab); /* it is empty */
/* The flow between these endpoints, in either direction; NULL = none. */
struct zg_flowtab_node *zg_flowtab_find(const struct zg_flowtab *tab, const struct zg_tuple *tuple);
/* The first of those in one of ZG_FLOWTAB_BUCKETS places; ->chain leads to the next. */
#define ZG_FLOWTAB_BUCKETS ZG_FLOWTAB_MAX /* a power of two: chains of one on average when the table is full */
struct zg_flowtab_node *zg_flowtab_bucket(const struct zg_flowtab *tab, uint32_t place);
/* node->tuple is set and in the table not yet. To ZG_LIST_SYN only while it has fewer than ZG_FLOWTAB_SYN_MAX. */
void zg_flowtab_add(struct zg_flowtab *tab, struct zg_flowtab_node *node, enum zg_flow_list list, uint64_t now_ms);
void zg_flowtab_remove(struct zg_flowtab *tab, struct zg_flowtab_node *node);
/* A node that is in its list for less than this is not moved to its end again: with many flows that costs more than
 * everything else. */
#define ZG_FLOWTAB_LAZY_MS 500u
/* To the end of a list, or of the one it is in: its time starts again. */
void zg_flowtab_move(struct zg_flowtab *tab, struct zg_flowtab_node *node, enum zg_flow_list list, uint64_t now_ms);
/* The one of a list that has waited longest; NULL = empty. */
struct zg_flowtab_node *zg_flowtab_oldest(const struct zg_flowtab *tab, enum zg_flow_list list);

/* The one of ZG_LIST_SYN that this client began first, if it has max of them or more; NULL = it has fewer. */
struct zg_flowtab_node *zg_flowtab_excess(const struct zg_flowtab *tab, const struct zg_addr *client, uint32_t max);

/* SipHash-2-4 (Aumasson and Bernstein 2012). */
uint64_t zg_siphash(const uint64_t key[static 2], const uint8_t *p, size_t len);

#endif
