/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of flows. They are kept by the kernel, since the connections of one flow are spread over all inspectors, none of which
 * sees all; and before the queue, so that what is refused costs no inspector anything. Only the packet that begins a connection
 * comes here: a map finds the chain of its flow by its mark, at the same cost whatever the number of flows.
 */
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "plan/compile.h"

static struct zg_set *limits_map(struct zg_table *table)
{
	struct zg_set *set = zg_plan_set(table, "limits");
	if (set == NULL)
		return NULL;
	set->fields[0] = (struct zg_field){ ZG_T_MARK, 4 };
	set->n_fields = 1;
	set->data = ZG_SET_VERDICT;
	return set;
}

static enum zg_err limit(struct zg_compiler *c, struct zg_table *table, struct zg_set *set, size_t index)
{
	const struct zg_flow *flow = &c->policy->flows[index];
	const uint32_t mark = flow->mark;
	const char *name = zg_plan_strf(c->plan, "limit_%s", flow->name);
	struct zg_elem *elem;
	enum zg_err err = name == NULL ? ZG_ENOMEM : zg_compile_limit_chain(table, name, flow);
	if (err == ZG_OK)
		err = zg_compile_elem(c, set, flow->line, &elem);
	if (err != ZG_OK)
		return err;
	zg_key_bytes(elem->key, 0, &mark, sizeof mark); /* host order, as the register */
	elem->verdict = (uint32_t)NFT_JUMP;
	elem->chain = name;
	return ZG_OK;
}

enum zg_err zg_compile_limits(struct zg_compiler *c, struct zg_table *table)
{
	struct zg_set *set = NULL;
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < c->policy->n_flows && err == ZG_OK; i++) {
		const struct zg_flow *flow = &c->policy->flows[i];
		if (flow->rate.count == 0 && flow->connections == 0)
			continue;
		if (set == NULL && (set = limits_map(table)) == NULL)
			return ZG_ENOMEM;
		err = limit(c, table, set, i);
	}
	if (set != NULL)
		zg_plan_sort(set);
	c->limits = set != NULL;
	return err;
}
