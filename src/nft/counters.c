/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's sums: what the events must agree with. */
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"
#include "zonegate/mark.h"

static int compare_marks(const void *a_, const void *b_)
{
	const struct zg_nft_counter *a = a_, *b = b_;
	return a->mark < b->mark ? -1 : a->mark > b->mark;
}

/* Is it an element of a flow, and one that is asked for? */
static bool counts(const struct zg_elem *e, bool idle)
{
	return zg_mark_is_flow(e->mark) && (idle || e->packets > 0);
}

/* One entry per flow that any of the tables knows, in the order of their marks; idle: of those without packets too. */
static enum zg_err sum_flows(const struct zg_plan *plan, bool idle, struct zg_nft_counter **ret_flows, size_t *ret_n)
{
	size_t n = 0, kept = 0;
	for (size_t t = 0; t < plan->n_tables; t++)
		for (size_t s = 0; s < plan->tables[t].n_sets; s++)
			for (size_t i = 0; i < plan->tables[t].sets[s].n_elems; i++)
				n += counts(&plan->tables[t].sets[s].elems[i], idle);
	struct zg_nft_counter *flows = calloc(n + 1, sizeof *flows);
	if (flows == NULL)
		return ZG_ENOMEM;
	n = 0;
	for (size_t t = 0; t < plan->n_tables; t++) {
		const struct zg_table *table = &plan->tables[t];
		for (size_t s = 0; s < table->n_sets; s++) {
			for (size_t i = 0; i < table->sets[s].n_elems; i++) {
				const struct zg_elem *e = &table->sets[s].elems[i];
				if (!counts(e, idle))
					continue;
				struct zg_nft_counter *c = &flows[n++];
				*c = (struct zg_nft_counter){ .mark = e->mark, .packets = e->packets, .bytes = e->bytes };
				snprintf(c->table, sizeof c->table, "%s", table->name);
			}
		}
	}
	qsort(flows, n, sizeof *flows, compare_marks);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && flows[kept - 1].mark == flows[i].mark) {
			flows[kept - 1].packets += flows[i].packets;
			flows[kept - 1].bytes += flows[i].bytes;
			continue;
		}
		flows[kept] = flows[i];
		snprintf(flows[kept].name, sizeof flows[kept].name, "flow:%u", flows[kept].mark);
		kept++;
	}
	*ret_flows = flows;
	*ret_n = kept;
	return ZG_OK;
}

static size_t named(const struct zg_nft_state *state, struct zg_nft_counter *ret_counters)
{
	size_t n = 0;
	for (size_t t = 0; t < state->plan->n_tables; t++) {
		const struct zg_table *table = &state->plan->tables[t];
		for (size_t i = 0; i < table->n_counters; i++, n++) {
			if (ret_counters == NULL)
				continue;
			struct zg_nft_counter *c = &ret_counters[n];
			*c = (struct zg_nft_counter){ .packets = table->counters[i].packets,
						      .bytes = table->counters[i].bytes };
			snprintf(c->table, sizeof c->table, "%s", table->name);
			snprintf(c->name, sizeof c->name, "%s", table->counters[i].name);
		}
	}
	return n;
}

enum zg_err zg_nft_counters(struct zg_nft *nft, bool idle, struct zg_nft_counter **ret_counters, size_t *ret_n)
{
	struct zg_nft_state state = { 0 };
	struct zg_nft_counter *flows = NULL, *all = NULL;
	size_t n_flows = 0, n;
	enum zg_err err = zg_nft_read(nft, ZG_READ_COUNTERS, NULL, &state);
	if (err != ZG_OK)
		return err;
	err = sum_flows(state.plan, idle, &flows, &n_flows);
	if (err != ZG_OK)
		goto out;
	n = named(&state, NULL);
	all = calloc(n + n_flows + 1, sizeof *all);
	if (all == NULL) {
		err = ZG_ENOMEM;
		goto out;
	}
	named(&state, all);
	for (size_t i = 0; i < n_flows; i++)
		all[n++] = flows[i];
	*ret_counters = all;
	*ret_n = n;
out:
	free(flows);
	zg_nft_state_free(&state);
	return err;
}

/* The elements of one set that go, with their counts, into a set of the same name in table. */
static enum zg_err ask_leaving(struct zg_nft *nft, struct zg_plan *plan, struct zg_table *table, const struct zg_set *from,
			       const struct zg_set *to)
{
	const struct zg_set none = { .name = from->name };
	struct zg_delta delta;
	struct zg_set *got = zg_plan_set(table, from->name);
	enum zg_err err = got == NULL ? ZG_ENOMEM : zg_delta_of(from, to != NULL ? to : &none, time(NULL), &delta);
	if (err != ZG_OK)
		return err;
	err = zg_nft_ask_elems(nft, plan, table->name, from, delta.gone, delta.n_gone, got);
	zg_delta_free(&delta);
	return err;
}

enum zg_err zg_nft_counters_leaving(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *to,
				    struct zg_nft_counter **ret_counters, size_t *ret_n)
{
	struct zg_plan *found = zg_plan_new();
	enum zg_err err = found == NULL ? ZG_ENOMEM : ZG_OK;
	for (size_t t = 0; t < from->n_tables && err == ZG_OK; t++) {
		const struct zg_table *old = &from->tables[t], *new = zg_plan_find_table(to, old->name);
		struct zg_table *table = zg_plan_table(found, old->name, false);
		for (size_t s = 0; s < old->n_sets && err == ZG_OK; s++)
			if (old->sets[s].counter)
				err = ask_leaving(nft, found, table, &old->sets[s],
						  new != NULL ? zg_table_find_set(new, old->sets[s].name) : NULL);
	}
	if (err == ZG_OK)
		err = sum_flows(found, true, ret_counters, ret_n);
	zg_plan_free(found);
	return err;
}

enum zg_err zg_nft_unused_mark(struct zg_nft *nft, uint32_t *ret_mark)
{
	struct zg_nft_state state = { 0 };
	struct zg_nft_counter *flows = NULL;
	size_t n = 0;
	uint32_t after = 0, widest = 0;
	enum zg_err err = zg_nft_read(nft, ZG_READ_COUNTERS, NULL, &state);
	if (err == ZG_OK)
		err = sum_flows(state.plan, true, &flows, &n);
	/* behind each, how far to the next; behind the last, round to the first */
	for (size_t i = 0; i < n && err == ZG_OK; i++) {
		const uint32_t gap = i + 1 < n ? flows[i + 1].mark - flows[i].mark : ZG_MARK_FLOW_MAX - flows[i].mark + flows[0].mark;
		if (gap > widest) {
			widest = gap;
			after = flows[i].mark;
		}
	}
	if (err == ZG_OK)
		*ret_mark = after < ZG_MARK_FLOW_MAX ? after + 1 : 1;
	free(flows);
	zg_nft_state_free(&state);
	return err;
}
