/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a plan ends or opens with time. The kernel holds only what is open, each element with the rest of its window as
 * its timeout, so that windows and flows end with nobody about; who opens the next window is the daemon. The plan holds an
 * element for every flow, open or not: maps and chains stay as they are when something opens.
 *
 * A timeout is running time: a clock that is set does not move it. Therefore the daemon commits anew when the clock was set,
 * and before it was set at all (a machine without a battery starts in 1970) all that depends on it is closed.
 */
#include <stdlib.h>

#include "plan/compile.h"

enum zg_err zg_times_init(struct zg_times *times, const struct zg_policy *policy, const struct zg_plan_env *env)
{
	times->policy = policy;
	times->env = env;
	times->windows = calloc(policy->n_schedules + 1, sizeof *times->windows);
	if (times->windows == NULL)
		return ZG_ENOMEM;
	for (size_t i = 0; i < policy->n_schedules; i++) {
		if (!zg_schedule_window(&policy->schedules[i], policy->holidays, policy->n_holidays, env->now,
					&times->windows[i]))
			times->windows[i] = (struct zg_window){ ZG_NEVER, ZG_NEVER };
	}
	return ZG_OK;
}

void zg_times_free(struct zg_times *times)
{
	free(times->windows);
	times->windows = NULL;
}

bool zg_times_expired(const struct zg_times *times, const struct zg_flow *flow)
{
	return !times->env->clock_unset && flow->expires != 0 && flow->expires <= times->env->now;
}

void zg_times_set(const struct zg_times *times, const struct zg_flow *flow, struct zg_elem *elem)
{
	const bool scheduled = flow->schedule != ZG_SCHEDULE_ALWAYS;
	struct zg_window window = scheduled ? times->windows[flow->schedule] : (struct zg_window){ 0, ZG_NEVER };

	/* what has no window left gets one that does not come */
	if ((scheduled || flow->expires != 0) &&
	    (times->env->clock_unset || !zg_window_cut(&window, flow->expires, times->env->now)))
		window = (struct zg_window){ ZG_NEVER, ZG_NEVER };
	elem->opens = window.begin;
	elem->expires = window.end == ZG_NEVER ? 0 : window.end;
	elem->closed = elem->opens > times->env->now;
}

bool zg_elem_in_force(const struct zg_elem *elem, time_t now)
{
	return !elem->closed && (elem->expires == 0 || elem->expires > now);
}

/* The element's flow, if its policy gives it times; NULL = it has none. */
static const struct zg_flow *timed_flow(const struct zg_policy *policy, const struct zg_elem *elem)
{
	if (elem->flow == 0 || elem->flow > policy->n_flows)
		return NULL;
	const struct zg_flow *flow = &policy->flows[elem->flow - 1];
	return flow->schedule != ZG_SCHEDULE_ALWAYS || flow->expires != 0 ? flow : NULL;
}

static bool has_timed(const struct zg_policy *policy)
{
	for (size_t i = 0; i < policy->n_flows; i++) {
		if (policy->flows[i].schedule != ZG_SCHEDULE_ALWAYS || policy->flows[i].expires != 0)
			return true;
	}
	return false;
}

void zg_times_next(struct zg_plan *plan, const struct zg_policy *policy)
{
	plan->next = ZG_NEVER;
	plan->timed = has_timed(policy);
	for (size_t t = 0; t < plan->n_tables && plan->timed; t++) {
		for (size_t s = 0; s < plan->tables[t].n_sets; s++) {
			const struct zg_set *set = &plan->tables[t].sets[s];
			for (size_t i = 0; set->timeout && i < set->n_elems; i++) {
				const struct zg_elem *e = &set->elems[i];
				/* an end matters where another window follows, and for the record */
				const time_t moment = e->opens > plan->now ? e->opens : e->expires;
				if (moment > plan->now && moment < plan->next)
					plan->next = moment;
			}
		}
	}
}

/* One element at another moment; true if it has to be added to the kernel. */
static bool retime(const struct zg_times *times, const struct zg_flow *flow, struct zg_elem *elem)
{
	const bool was = zg_elem_in_force(elem, times->env->now) && !elem->due;
	zg_times_set(times, flow, elem);
	elem->due = !was && zg_elem_in_force(elem, times->env->now);
	return elem->due;
}

enum zg_err zg_plan_retime(struct zg_plan *plan, const struct zg_policy *policy, const struct zg_plan_env *env,
			   size_t *ret_due)
{
	struct zg_times times = { 0 };
	size_t due = 0;
	enum zg_err err = zg_times_init(&times, policy, env);
	for (size_t t = 0; t < plan->n_tables && err == ZG_OK; t++) {
		for (size_t s = 0; s < plan->tables[t].n_sets; s++) {
			struct zg_set *set = &plan->tables[t].sets[s];
			for (size_t i = 0; set->timeout && i < set->n_elems; i++) {
				const struct zg_flow *flow = timed_flow(policy, &set->elems[i]);
				if (flow != NULL)
					due += retime(&times, flow, &set->elems[i]);
			}
		}
	}
	zg_times_free(&times);
	if (err != ZG_OK)
		return err;
	plan->now = env->now;
	zg_times_next(plan, policy);
	*ret_due = due;
	return ZG_OK;
}

time_t zg_plan_next(const struct zg_plan *plan)
{
	return plan->next;
}

bool zg_plan_timed(const struct zg_plan *plan)
{
	return plan->timed;
}
