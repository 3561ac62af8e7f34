/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/reach.h"

#include <stdlib.h>

/* A destination of a flow. In order of their beginnings, so that those which hold an address stand before a place found by
 * halving, and not farther back than top says. */
struct row {
	struct zg_range range;
	struct zg_addr top; /* highest end of this one and all before */
	const struct zg_flow *flow;
};

struct zg_reach {
	struct row *rows;
	size_t n;
};

static int by_beginning(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return zg_addr_cmp(&x->range.lo, &y->range.lo);
}

enum zg_err zg_reach_new(const struct zg_policy *policy, struct zg_reach **ret_reach)
{
	struct zg_reach *reach = calloc(1, sizeof *reach);
	size_t total = 0;

	for (size_t i = 0; i < policy->n_flows; i++)
		total += policy->flows[i].n_destinations;
	if (reach != NULL)
		reach->rows = calloc(total + 1, sizeof *reach->rows);
	if (reach == NULL || reach->rows == NULL) {
		zg_reach_free(reach);
		return ZG_ENOMEM;
	}
	for (size_t i = 0; i < policy->n_flows; i++)
		for (size_t k = 0; k < policy->flows[i].n_destinations; k++)
			reach->rows[reach->n++] = (struct row){ .range = policy->flows[i].destinations[k], .flow = &policy->flows[i] };
	if (reach->n > 0)
		qsort(reach->rows, reach->n, sizeof *reach->rows, by_beginning);
	for (size_t i = 0; i < reach->n; i++) {
		struct row *row = &reach->rows[i];
		row->top = i > 0 && zg_addr_cmp(&row[-1].top, &row->range.hi) > 0 ? row[-1].top : row->range.hi;
	}
	*ret_reach = reach;
	return ZG_OK;
}

void zg_reach_free(struct zg_reach *reach)
{
	if (reach == NULL)
		return;
	free(reach->rows);
	free(reach);
}

static bool permits(const struct zg_flow *flow, const struct zg_tuple *t, time_t now)
{
	bool source = false, port = false;
	if ((uint8_t)flow->transport != t->protocol || (flow->expires != 0 && flow->expires <= now))
		return false;
	for (size_t i = 0; i < flow->n_ports && !port; i++)
		port = t->server_port >= flow->ports[i].lo && t->server_port <= flow->ports[i].hi;
	for (size_t i = 0; port && i < flow->n_sources && !source; i++)
		source = zg_range_has(&flow->sources[i], &t->client);
	return source;
}

const struct zg_flow *zg_reach_find(const struct zg_reach *reach, const struct zg_tuple *tuple, time_t now)
{
	size_t lo = 0, hi = reach->n; /* those that begin at or before the address are before hi */

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		if (zg_addr_cmp(&reach->rows[mid].range.lo, &tuple->server) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t i = lo; i-- > 0 && zg_addr_cmp(&reach->rows[i].top, &tuple->server) >= 0;) {
		const struct row *row = &reach->rows[i];
		if (zg_range_has(&row->range, &tuple->server) && permits(row->flow, tuple, now))
			return row->flow;
	}
	return NULL;
}
