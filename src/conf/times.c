/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be said about schedules and holidays once all flows are known: warnings, since nothing of it opens anything. */
#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"

#define SECONDS_A_DAY (24 * 60 * 60)

static void check_holidays(const struct conf_draft *draft, struct zg_diags *diags, const struct zg_schedule *user,
			   struct conf_at at)
{
	const struct zg_policy *policy = draft->policy;
	const unsigned year = zg_day_of(draft->now) / 10000;
	size_t this_year = 0;
	if (policy->n_holidays == 0) {
		CONF_WARNING(diags, at, "add holidays = [ \"2027-01-01\", ... ]; or say holidays = true;",
			     "schedule \"%s\" does not begin on holidays, but no holiday is listed", user->name);
		return;
	}
	for (size_t i = 0; i < policy->n_holidays; i++)
		this_year += policy->holidays[i] / 10000 == year;
	const zg_day last = policy->holidays[policy->n_holidays - 1];
	if (this_year == 0)
		CONF_WARNING(diags, draft->holidays, "add this year's holidays: on those that are not listed the schedule is open",
			     "no holiday of %u is listed, and schedule \"%s\" goes by the list", year, user->name);
	else if (zg_day_end(last) <= draft->now + (time_t)ZG_HOLIDAYS_SOON * SECONDS_A_DAY)
		CONF_WARNING(diags, draft->holidays, "add the next year's holidays: on those that are not listed the schedule is open",
			     "the list of holidays ends on %04u-%02u-%02u, and schedule \"%s\" goes by it", last / 10000,
			     last / 100 % 100, last % 100, user->name);
}

enum zg_err conf_check_times(const struct conf_draft *draft, struct zg_diags *diags)
{
	const struct zg_policy *policy = draft->policy;
	bool told = false;
	bool *used = calloc(policy->n_schedules + 1, sizeof *used);
	bool *opens = calloc(policy->n_schedules + 1, sizeof *opens);
	struct zg_window *windows = calloc(policy->n_schedules + 1, sizeof *windows);
	if (used == NULL || opens == NULL || windows == NULL)
		goto out;
	for (size_t i = 0; i < policy->n_schedules; i++)
		opens[i] = zg_schedule_window(&policy->schedules[i], policy->holidays, policy->n_holidays, draft->now,
					      &windows[i]);
	for (size_t f = 0; f < policy->n_flows; f++) {
		const struct zg_flow *flow = &policy->flows[f];
		if (flow->schedule == ZG_SCHEDULE_ALWAYS)
			continue;
		used[flow->schedule] = true;
		if (flow->expires > draft->now && opens[flow->schedule] && windows[flow->schedule].begin >= flow->expires)
			CONF_WARNING(diags, draft->flows[f].expires, "have it end later, or take the flow out",
				     "the flow expires before its schedule \"%s\" opens again: it passes nothing",
				     policy->schedules[flow->schedule].name);
	}
	for (size_t i = 0; i < policy->n_schedules; i++) {
		const struct zg_schedule *s = &policy->schedules[i];
		if (s->name == NULL || s->days == 0 || s->n_hours == 0)
			continue; /* reported already */
		if (!used[i]) {
			CONF_WARNING(diags, draft->schedules[i], "take it out, or name it in a flow: schedule = \"...\";",
				     "no flow uses schedule \"%s\"", s->name);
			continue;
		}
		if (!opens[i])
			CONF_WARNING(diags, draft->schedules[i], "look at its days and the list of holidays",
				     "schedule \"%s\" does not open within %u days: its flows pass nothing", s->name,
				     ZG_SCHEDULE_AHEAD);
		if (!s->holidays && !told && draft->now >= ZG_CLOCK_FLOOR) {
			told = true;
			check_holidays(draft, diags, s, draft->schedules[i]);
		}
	}
out:;
	enum zg_err err = used == NULL || opens == NULL || windows == NULL ? ZG_ENOMEM : ZG_OK;
	free(used);
	free(opens);
	free(windows);
	return err;
}
