/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/aggregate.h"

#include <stdlib.h>
#include <string.h>

struct zg_aggregate {
	size_t n;
	struct zg_msg_event groups[ZG_AGGREGATE_GROUPS];
	uint64_t others[ZG_REASON_COUNT]; /* packets beyond the groups */
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
		a->others[event->flow.reason]++;
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
	for (uint32_t r = 0; r < ZG_REASON_COUNT; r++) {
		if (a->others[r] == 0)
			continue;
		struct zg_msg_event rest = { .flow.kind = ZG_PACKET_DENIED, .flow.reason = (enum zg_reason)r, .count = a->others[r] };
		if (emit(ctx, &rest))
			a->others[r] = 0;
	}
}
