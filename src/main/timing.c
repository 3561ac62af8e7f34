/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What depends on the clock on the wall. That something ends, the kernel does by itself; here the next window is opened, a
 * clock that was set is noticed, and people are told.
 *
 * What is closed while the time is not known: every flow with a schedule or an expiry, from the start of a machine whose clock
 * stands before ZG_CLOCK_FLOOR until it is set. A clock that is merely wrong opens what would be right at that time; when it is
 * set, all of it is put anew within a second. With the daemon stopped a clock that is set changes nothing: what is open ends
 * after the running time that was left to it, and nothing opens.
 */
#include "main/supervisor.h"
#include "sys/clock.h"

#include <stdlib.h>

#define RETRY_MS       1000u /* between tries to put anew what ends by the clock */
#define EXPIRIES_SHOWN 1000u /* flows that are told one by one; the rest is told as a sum */
#define SECONDS_A_DAY  86400

/* --- what expires soon ------------------------------------------------------------------------------ */

static void day_str(time_t moment, char ret_day[static 16])
{
	const zg_day day = zg_day_of(moment);
	snprintf(ret_day, 16, "%04u-%02u-%02u", day / 10000 % 10000, day / 100 % 100, day % 100);
}

static void record_expiry(struct zg_supervisor *s, const struct zg_flow *flow)
{
	struct zg_event e;
	char day[16];
	day_str(flow->expires - 1, day); /* expires is the first second of the day after */
	zg_event_init(&e, ZG_E_FLOW_EXPIRES);
	zg_record_add_flow(s, &e, flow);
	zg_event_str(&e, ZG_F_EXPIRES, day);
	zg_event_message(&e, "flow %s expires at the end of %s (ticket %s, approved by %s)", flow->name, day, flow->ticket,
			 flow->approver);
	zg_record(s, &e);
}

static void record_expiries(struct zg_supervisor *s, time_t now)
{
	const time_t soon = now + (time_t)ZG_EXPIRY_SOON * SECONDS_A_DAY;
	size_t n = 0;
	s->timing.expiries_on = zg_day_of(now);
	for (size_t i = 0; i < s->policy->n_flows; i++) {
		const struct zg_flow *flow = &s->policy->flows[i];
		if (flow->expires > now && flow->expires <= soon && n++ < EXPIRIES_SHOWN)
			record_expiry(s, flow);
	}
	if (n > EXPIRIES_SHOWN) {
		struct zg_event e;
		zg_event_init(&e, ZG_E_FLOW_EXPIRES);
		zg_event_u64(&e, ZG_F_TOTAL, n);
		zg_event_u64(&e, ZG_F_SUPPRESSED, n - EXPIRIES_SHOWN);
		zg_event_message(&e, "%zu flows in all expire within %u days", n, ZG_EXPIRY_SOON);
		zg_record(s, &e);
	}
}

/* --- schedules ---------------------------------------------------------------------------------------- */

static void record_schedule(struct zg_supervisor *s, const struct zg_schedule *schedule, bool open, const struct zg_window *window)
{
	struct zg_event e;
	char moment[32] = "";
	struct tm tm;
	const time_t next = open ? window->end : window->begin;
	if (next != ZG_NEVER && localtime_r(&next, &tm) != NULL)
		strftime(moment, sizeof moment, "%Y-%m-%d %H:%M", &tm);
	zg_event_init(&e, ZG_E_SCHEDULE);
	zg_event_str(&e, ZG_F_SCHEDULE, schedule->name);
	zg_event_str(&e, ZG_F_STATUS, open ? "open" : "closed");
	zg_record_add_place(s, &e, schedule->line);
	zg_event_message(&e, "schedule %s is %s%s%s: its flows %s", schedule->name, open ? "open" : "closed",
			 moment[0] != '\0' ? " until " : "", moment, open ? "pass" : "pass nothing");
	zg_record(s, &e);
}

/* Those that changed, or all of them. */
static void record_schedules(struct zg_supervisor *s, const struct zg_plan_env *env, bool all)
{
	const struct zg_policy *policy = s->policy;
	for (size_t i = 0; i < s->timing.n_open; i++) {
		struct zg_window window = { ZG_NEVER, ZG_NEVER };
		const bool open = !env->clock_unset &&
				  zg_schedule_window(&policy->schedules[i], policy->holidays, policy->n_holidays, env->now, &window) &&
				  window.begin <= env->now;
		if (all || open != s->timing.open[i])
			record_schedule(s, &policy->schedules[i], open, &window);
		s->timing.open[i] = open;
	}
}

static void record_unset(struct zg_supervisor *s)
{
	struct zg_event e;
	zg_event_init(&e, ZG_E_CLOCK_UNSET);
	zg_event_message(&e, "the clock has not been set: all flows with a schedule or an expiry are closed until it is");
	zg_record(s, &e);
}

/* Another policy is in force, or the same one again: by an apply, at boot, by a return. */
static void begin(struct zg_supervisor *s, const struct zg_plan_env *env)
{
	free(s->timing.open);
	s->timing.open = calloc(s->policy->n_schedules + 1, sizeof *s->timing.open);
	s->timing.n_open = s->timing.open != NULL ? s->policy->n_schedules : 0;
	s->timing.generation = s->policy->generation;
	s->timing.due = s->timing.retry = false;
	record_schedules(s, env, true);
	if (!env->clock_unset)
		record_expiries(s, env->now);
	else if (zg_plan_timed(s->plan))
		record_unset(s);
}

/* --- the clock ---------------------------------------------------------------------------------------- */

static void record_clock(struct zg_supervisor *s, int64_t step_ms, const char *failed)
{
	struct zg_event e;
	zg_event_init(&e, ZG_E_CLOCK_SET);
	if (failed != NULL)
		zg_event_str(&e, ZG_F_DETAIL, failed);
	zg_event_message(&e, "the clock was set by %+.1f s: schedules and expiries were %s%s", (double)step_ms / 1000,
			 failed == NULL ? "put anew" : "not put anew yet: ", failed == NULL ? "" : failed);
	zg_record(s, &e);
}

/* Everything is put anew: elements that are left to their old timeouts would end at another time than the policy says. */
static void follow_clock(struct zg_supervisor *s, int64_t step_ms)
{
	struct zg_diags diags;
	const bool again = s->timing.retry;
	zg_diags_init(&diags);
	s->timing.retry = zg_change_again(s, &diags) != ZG_OK;
	s->timing.retry_ms = zg_now_ms();
	if (!s->timing.retry || !again)
		record_clock(s, step_ms, s->timing.retry ? (diags.n > 0 ? diags.items[0].message : "out of memory") : NULL);
	zg_diags_free(&diags);
}

/* --- windows ------------------------------------------------------------------------------------------- */

static void open_windows(struct zg_supervisor *s, const struct zg_plan_env *env)
{
	struct zg_diags diags;
	size_t due;
	if (zg_plan_retime(s->plan, s->policy, env, &due) != ZG_OK)
		return;
	s->timing.due = due > 0;
	if (due == 0)
		return;
	zg_diags_init(&diags);
	if (zg_nft_open_due(s->nft, s->plan, &diags) == ZG_OK)
		s->timing.due = false;
	zg_diags_free(&diags);
}

void zg_timing_tick(struct zg_supervisor *s)
{
	if (s->policy == NULL || s->plan == NULL || s->closed)
		return;
	const struct zg_plan_env env = zg_change_env(s);
	if (s->timing.generation != s->policy->generation)
		begin(s, &env);
	if (!zg_plan_timed(s->plan))
		return;
	const int64_t step_ms = zg_wall_offset_ms() - s->timing.wall_ms;
	const bool stepped = llabs(step_ms) >= ZG_CLOCK_STEP_MS;
	if (stepped && (!s->timing.retry || zg_now_ms() - s->timing.retry_ms >= RETRY_MS))
		follow_clock(s, step_ms);
	if (stepped)
		record_schedules(s, &env, false);
	else if (s->timing.due || env.now >= zg_plan_next(s->plan)) {
		open_windows(s, &env);
		if (!s->timing.due) /* told when it is true */
			record_schedules(s, &env, false);
	}
	if (!env.clock_unset && zg_day_of(env.now) != s->timing.expiries_on)
		record_expiries(s, env.now);
}
