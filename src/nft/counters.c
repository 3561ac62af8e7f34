/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's sums: what the events must agree with. */
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"
#include "zonegate/mark.h"

/* One entry per flow number that any map knows, in their order. */
static enum zg_err sum_flows(const struct zg_nft_state *state, struct zg_nft_counter **ret_flows, size_t *ret_n)
{
	uint32_t max = 0;
	for (int pass = 0; pass < 2; pass++) {
		struct zg_nft_counter *flows = *ret_flows;
		for (size_t t = 0; t < state->plan->n_tables; t++) {
			const struct zg_table *table = &state->plan->tables[t];
			for (size_t s = 0; s < table->n_sets; s++) {
				for (size_t i = 0; i < table->sets[s].n_elems; i++) {
					const struct zg_elem *e = &table->sets[s].elems[i];
					const uint32_t number = zg_mark_number(e->mark);
					if (number == 0)
						continue;
					if (pass == 0) {
						max = number > max ? number : max;
						continue;
					}
					struct zg_nft_counter *c = &flows[number - 1];
					snprintf(c->table, sizeof c->table, "%s", table->name);
					snprintf(c->name, sizeof c->name, "flow:%u", number - 1);
					c->packets += e->packets;
					c->bytes += e->bytes;
				}
			}
		}
		if (pass == 0) {
			*ret_flows = calloc((size_t)max + 1, sizeof **ret_flows);
			if (*ret_flows == NULL)
				return ZG_ENOMEM;
		}
	}
	*ret_n = max;
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

enum zg_err zg_nft_counters(struct zg_nft *nft, struct zg_nft_counter **ret_counters, size_t *ret_n)
{
	struct zg_nft_state state = { 0 };
	struct zg_nft_counter *flows = NULL, *all = NULL;
	size_t n_flows = 0, n;
	enum zg_err err = zg_nft_read(nft, ZG_READ_COUNTERS, NULL, &state);
	if (err != ZG_OK)
		return err;
	err = sum_flows(&state, &flows, &n_flows);
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
		if (flows[i].name[0] != '\0')
			all[n++] = flows[i];
	*ret_counters = all;
	*ret_n = n;
out:
	free(flows);
	zg_nft_state_free(&state);
	return err;
}
