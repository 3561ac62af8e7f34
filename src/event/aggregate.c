/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/aggregate.h"

#include <stdlib.h>
#include <string.h>

/* One for each reason and rule that there can be, and room for the kinds: */
#define OTHERS (ZG_REASON_COUNT + 32u)

struct zg_aggregate {
	size_t n, n_others;
	struct zg_msg_event groups[ZG_AGGREGATE_GROUPS];
	uint32_t hashes[ZG_AGGREGATE_GROUPS]; /* of groups: a flood of different ones must not cost a look at each */
	struct zg_msg_event others[OTHERS + 1]; /* beyond the groups, by kind, reason and rule; the last: of any */
};

enum zg_err zg_aggregate_new(struct zg_aggregate **ret_aggregate)
{
	struct zg_aggregate *a = calloc(1, sizeof *a);
	if (a == NULL)
		return ZG_ENOMEM;
	*ret_aggregate = a;
	return ZG_OK;
}

void zg_aggregate_free(struct zg_aggregate *a)
{
	free(a);
}

static bool equal(const struct zg_msg_event *x, const struct zg_msg_event *y)
{
	const struct zg_tuple *a = &x->flow.tuple, *b = &y->flow.tuple;
	return x->flow.kind == y->flow.kind && x->flow.reason == y->flow.reason && x->flow.mark == y->flow.mark && a->protocol == b->protocol &&
	       a->server_port == b->server_port && zg_addr_cmp(&a->client, &b->client) == 0 &&
	       zg_addr_cmp(&a->server, &b->server) == 0 && strcmp(x->iface_in, y->iface_in) == 0 &&
	       strcmp(x->iface_out, y->iface_out) == 0 && strcmp(x->prefix, y->prefix) == 0;
}

/* FNV-1a over words that differ most. */
static uint32_t hash_of(const struct zg_msg_event *e)
{
	const struct zg_tuple *t = &e->flow.tuple;
	uint32_t h = 2166136261u, words[9] = { e->flow.kind, e->flow.reason, e->flow.mark, t->server_port, t->protocol };
	memcpy(&words[5], t->client.b, 8);
	memcpy(&words[7], t->server.b, 8);
	words[5] ^= (uint32_t)t->client.b[15] << 8 | t->client.b[14];
	words[7] ^= (uint32_t)t->server.b[15] << 8 | t->server.b[14];
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		h = (h ^ words[i]) * 16777619u;
	return h;
}

static void add_up(struct zg_msg_event *group, const struct zg_msg_event *event)
{
	group->count++;
	group->flow.bytes[ZG_CLIENT] += event->flow.bytes[ZG_CLIENT];
	group->flow.bytes[ZG_SERVER] += event->flow.bytes[ZG_SERVER];
	group->flow.duration_ms += event->flow.duration_ms;
}

/* Where an event without a group of its own is counted. */
static struct zg_msg_event *other(struct zg_aggregate *a, const struct zg_msg_event *event)
{
	for (size_t i = 0; i < a->n_others; i++)
		if (a->others[i].flow.kind == event->flow.kind && a->others[i].flow.reason == event->flow.reason &&
		    strcmp(a->others[i].prefix, event->prefix) == 0)
			return &a->others[i];
	struct zg_msg_event *o = &a->others[OTHERS];
	o->flow.kind = ZG_PACKET_DENIED;
	if (a->n_others == OTHERS)
		return o;
	o = &a->others[a->n_others++];
	memset(o, 0, sizeof *o);
	o->flow.kind = event->flow.kind;
	o->flow.reason = event->flow.reason;
	memcpy(o->prefix, event->prefix, sizeof o->prefix);
	return o;
}

void zg_aggregate_add(struct zg_aggregate *a, const struct zg_msg_event *event)
{
	const uint32_t hash = hash_of(event);

	for (size_t i = 0; i < a->n; i++) {
		if (a->hashes[i] == hash && equal(&a->groups[i], event)) {
			add_up(&a->groups[i], event);
			return;
		}
	}
	if (a->n < ZG_AGGREGATE_GROUPS) {
		a->hashes[a->n] = hash;
		a->groups[a->n] = *event;
		a->groups[a->n++].count = 1;
	} else {
		add_up(other(a, event), event);
	}
}

void zg_aggregate_flush(struct zg_aggregate *a, bool (*emit)(void *ctx, const struct zg_msg_event *event), void *ctx)
{
	size_t kept = 0;
	for (size_t i = 0; i < a->n; i++) {
		if (emit(ctx, &a->groups[i]))
			continue;
		a->hashes[kept] = a->hashes[i];
		a->groups[kept++] = a->groups[i];
	}
	a->n = kept;
	for (size_t i = 0; i <= OTHERS; i++)
		if (a->others[i].count > 0 && emit(ctx, &a->others[i])) {
			a->others[i].count = a->others[i].flow.duration_ms = 0;
			a->others[i].flow.bytes[ZG_CLIENT] = a->others[i].flow.bytes[ZG_SERVER] = 0;
		}
}
