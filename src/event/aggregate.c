/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/aggregate.h"

#include <stdlib.h>
#include <string.h>

/* One for each reason and rule that there can be, and room: */
#define OTHERS (ZG_REASON_COUNT + 16u)

struct zg_aggregate {
	size_t n, n_others;
	struct zg_msg_event groups[ZG_AGGREGATE_GROUPS];
	struct zg_msg_event others[OTHERS + 1]; /* packets beyond the groups, by reason and rule; the last: of any */
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
	return x->flow.reason == y->flow.reason && x->flow.mark == y->flow.mark && a->protocol == b->protocol &&
	       a->server_port == b->server_port && zg_addr_cmp(&a->client, &b->client) == 0 &&
	       zg_addr_cmp(&a->server, &b->server) == 0 && strcmp(x->iface_in, y->iface_in) == 0 &&
	       strcmp(x->iface_out, y->iface_out) == 0 && strcmp(x->prefix, y->prefix) == 0;
}

/* Where an event without a group of its own is counted. */
static struct zg_msg_event *other(struct zg_aggregate *a, const struct zg_msg_event *event)
{
	for (size_t i = 0; i < a->n_others; i++)
		if (a->others[i].flow.reason == event->flow.reason && strcmp(a->others[i].prefix, event->prefix) == 0)
			return &a->others[i];
	struct zg_msg_event *o = &a->others[OTHERS];
	o->flow.kind = ZG_PACKET_DENIED;
	if (a->n_others == OTHERS)
		return o;
	o = &a->others[a->n_others++];
	memset(o, 0, sizeof *o);
	o->flow.kind = ZG_PACKET_DENIED;
	o->flow.reason = event->flow.reason;
	memcpy(o->prefix, event->prefix, sizeof o->prefix);
	return o;
}

void zg_aggregate_add(struct zg_aggregate *a, const struct zg_msg_event *event)
{
	for (size_t i = 0; i < a->n; i++) {
		if (equal(&a->groups[i], event)) {
			a->groups[i].count++;
			return;
		}
	}
	if (a->n < ZG_AGGREGATE_GROUPS) {
		a->groups[a->n] = *event;
		a->groups[a->n++].count = 1;
	} else {
		other(a, event)->count++;
	}
}

void zg_aggregate_flush(struct zg_aggregate *a, bool (*emit)(void *ctx, const struct zg_msg_event *event), void *ctx)
{
	size_t kept = 0;
	for (size_t i = 0; i < a->n; i++) {
		if (!emit(ctx, &a->groups[i]))
			a->groups[kept++] = a->groups[i];
	}
	a->n = kept;
	for (size_t i = 0; i <= OTHERS; i++)
		if (a->others[i].count > 0 && emit(ctx, &a->others[i]))
			a->others[i].count = 0;
}
