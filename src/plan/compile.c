/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy -> plan: pure, the same policy and environment give the same plan. */
#include <stdlib.h>

#include "plan/compile.h"

/* All of them always, whether a rule of this plan uses them or not: their sums go on over every commit. */
static const char *const counters[] = {
	"drop_isolated", "drop_invalid", "drop_spoof4",  "drop_spoof6", "drop_station4", "drop_station6",
	"drop_never",	 "drop_nat",	 "drop_related", "drop_pair",	"drop_noflow",	 "queued",
	"opaque_opened", "opaque_passed", "drop_blocklist", "drop_rate", "drop_connections", "within",
};

static enum zg_err flow_names(struct zg_plan *plan, const struct zg_policy *policy)
{
	plan->flows = calloc(policy->n_flows + 1, sizeof *plan->flows);
	if (plan->flows == NULL)
		return ZG_ENOMEM;
	for (size_t i = 0; i < policy->n_flows; i++) {
		plan->flows[i] = zg_plan_str(plan, policy->flows[i].name);
		if (plan->flows[i] == NULL)
			return ZG_ENOMEM;
		plan->n_flows++;
	}
	return ZG_OK;
}

static bool has_opaque(const struct zg_policy *policy)
{
	for (size_t i = 0; i < policy->n_flows; i++) {
		if (policy->flows[i].inspector == NULL)
			return true;
	}
	return false;
}

static enum zg_err policy_table(struct zg_compiler *c)
{
	struct zg_table *table = zg_plan_table(c->plan, ZG_TABLE_POLICY, true);
	enum zg_err err = table == NULL ? ZG_ENOMEM : ZG_OK;
	for (size_t i = 0; i < sizeof counters / sizeof *counters && err == ZG_OK; i++)
		err = zg_plan_counter(table, counters[i]);
	if (err == ZG_OK)
		err = zg_compile_zone_ranges(c);
	if (err == ZG_OK)
		err = zg_compile_zone_sets(c, table);
	if (err == ZG_OK)
		err = zg_compile_blocklist_sets(c, table);
	if (err == ZG_OK)
		err = zg_compile_isolated_set(c->env, table);
	if (err == ZG_OK)
		err = zg_compile_forward(c, table);
	if (err == ZG_OK)
		err = zg_compile_limits(c, table);
	if (err == ZG_OK)
		err = zg_compile_queues(c, table);
	if (err == ZG_OK && has_opaque(c->policy))
		err = zg_compile_opaque(table);
	if (err == ZG_OK)
		err = zg_compile_within(c, table);
	return err == ZG_OK ? zg_compile_pairs(c, table) : err;
}

enum zg_err zg_plan_compile(const struct zg_policy *policy, const struct zg_plan_env *env, struct zg_diags *diags,
			    struct zg_plan **ret_plan)
{
	struct zg_compiler c = { .policy = policy, .env = env, .diags = diags, .plan = zg_plan_new() };
	enum zg_err err = c.plan == NULL ? ZG_ENOMEM : flow_names(c.plan, policy);
	if (err == ZG_OK) {
		c.plan->now = env->now;
		c.plan->generation = policy->generation;
		err = zg_compile_backstop(c.plan);
	}
	if (err == ZG_OK)
		err = zg_times_init(&c.times, policy, env);
	if (err == ZG_OK)
		err = policy_table(&c);
	if (err == ZG_OK)
		zg_times_next(c.plan, policy);
	zg_times_free(&c.times);
	for (int f = 0; f < 2; f++) {
		for (size_t z = 0; z < policy->n_zones && c.zones[f] != NULL; z++)
			zg_intervals_free(&c.zones[f][z]);
		free(c.zones[f]);
	}
	if (err != ZG_OK)
		zg_plan_free(c.plan);
	else
		*ret_plan = c.plan;
	return err;
}

enum zg_err zg_plan_blocklists(const struct zg_policy *policy, const struct zg_plan_env *env, struct zg_plan **ret_plan)
{
	struct zg_compiler c = { .policy = policy, .env = env, .plan = zg_plan_new() };
	struct zg_table *table = c.plan != NULL ? zg_plan_table(c.plan, ZG_TABLE_POLICY, true) : NULL;
	enum zg_err err = table == NULL ? ZG_ENOMEM : zg_compile_blocklist_sets(&c, table);
	if (err != ZG_OK)
		zg_plan_free(c.plan);
	else
		*ret_plan = c.plan;
	return err;
}

enum zg_err zg_plan_isolation(const struct zg_plan_env *env, struct zg_plan **ret_plan)
{
	struct zg_plan *plan = zg_plan_new();
	struct zg_table *table = plan == NULL ? NULL : zg_plan_table(plan, ZG_TABLE_POLICY, true);
	enum zg_err err = table == NULL ? ZG_ENOMEM : zg_compile_isolated_set(env, table);
	if (err != ZG_OK)
		zg_plan_free(plan);
	else
		*ret_plan = plan;
	return err;
}

void zg_plan_isolate(struct zg_plan *plan, struct zg_plan *isolation)
{
	struct zg_set *to = zg_table_find_set(zg_plan_find_table(plan, ZG_TABLE_POLICY), ZG_SET_ISOLATED);
	struct zg_set *from = zg_table_find_set(zg_plan_find_table(isolation, ZG_TABLE_POLICY), ZG_SET_ISOLATED);
	const struct zg_set had = *to;
	to->elems = from->elems;
	to->n_elems = from->n_elems;
	from->elems = had.elems;
	from->n_elems = had.n_elems;
}

enum zg_err zg_plan_backstop(struct zg_plan **ret_plan)
{
	struct zg_plan *plan = zg_plan_new();
	enum zg_err err = plan == NULL ? ZG_ENOMEM : zg_compile_backstop(plan);
	if (err != ZG_OK)
		zg_plan_free(plan);
	else
		*ret_plan = plan;
	return err;
}
