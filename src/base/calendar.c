/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/calendar.h"
#include "zonegate/policy.h"

#include <string.h>

/* The number of n digits. */
static int number(const char *digits, size_t n)
{
	int value = 0;
	for (size_t i = 0; i < n; i++)
		value = 10 * value + (digits[i] - '0');
	return value;
}

bool zg_day_parse(const char *text, zg_day *ret_day)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return false;
	for (size_t i = 0; i < 10; i++) {
		if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9'))
			return false;
	}
	int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);
	if (year < 2000 || year > 2199 || month < 1 || month > 12)
		return false;
	int leap = month == 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
	if (day < 1 || day > days[month - 1] + leap)
		return false;
	*ret_day = (zg_day)(year * 10000 + month * 100 + day);
	return true;
}

/* minutes after the midnight with which the day begins, as clocks on the wall show them; more than a day's are of a later
 * one. Where clocks are put forward, a minute that there is not is the one that mktime() puts in its place. */
static time_t moment_of(zg_day day, int days_later, int minutes)
{
	struct tm tm = {
		.tm_year = (int)(day / 10000) - 1900,
		.tm_mon = (int)(day / 100 % 100) - 1,
		.tm_mday = (int)(day % 100) + days_later,
		.tm_hour = minutes / 60,
		.tm_min = minutes % 60,
		.tm_isdst = -1,
	};
	return mktime(&tm);
}

time_t zg_day_end(zg_day day)
{
	return moment_of(day, 1, 0);
}

zg_day zg_day_of(time_t moment)
{
	struct tm tm;
	localtime_r(&moment, &tm);
	return (zg_day)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

static bool is_listed(const zg_day *days, size_t n, zg_day day)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (days[mid] < day)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && days[lo] == day;
}

/* Noon: a day later by the clock is the next day, whatever is done to clocks at night. */
static bool begins_on(const struct zg_schedule *schedule, const zg_day *holidays, size_t n_holidays, zg_day day)
{
	struct tm tm;
	time_t noon = moment_of(day, 0, 12 * 60);
	localtime_r(&noon, &tm);
	return (schedule->days >> tm.tm_wday & 1) != 0 && (schedule->holidays || !is_listed(holidays, n_holidays, day));
}

bool zg_schedule_window(const struct zg_schedule *schedule, const zg_day *holidays, size_t n_holidays, time_t now,
			struct zg_window *ret_window)
{
	struct zg_window found = { 0, 0 };
	const zg_day today = zg_day_of(now);
	bool any = false;

	/* from yesterday on: its night may reach into today */
	for (int d = -1; d <= (int)ZG_SCHEDULE_AHEAD; d++) {
		const zg_day day = zg_day_of(moment_of(today, d, 12 * 60));
		if (!begins_on(schedule, holidays, n_holidays, day))
			continue;
		for (size_t i = 0; i < schedule->n_hours; i++) {
			const struct zg_hours *h = &schedule->hours[i];
			const struct zg_window w = { moment_of(day, 0, h->begin), moment_of(day, h->end <= h->begin, h->end) };
			if (any && w.begin <= found.end) {
				found.end = w.end > found.end ? w.end : found.end;
				continue;
			}
			if (any && found.end > now)
				goto out;
			found = w;
			any = true;
		}
	}
	any = any && found.end > now;
out:
	if (any)
		*ret_window = found;
	return any;
}

bool zg_window_cut(struct zg_window *window, time_t expires, time_t now)
{
	if (expires != 0 && expires < window->end)
		window->end = expires;
	return window->end > now && window->begin < window->end;
}

bool zg_flow_window(const struct zg_policy *policy, const struct zg_flow *flow, time_t now, struct zg_window *ret_window)
{
	struct zg_window window = { 0, ZG_NEVER };
	if (flow->schedule != ZG_SCHEDULE_ALWAYS &&
	    !zg_schedule_window(&policy->schedules[flow->schedule], policy->holidays, policy->n_holidays, now, &window))
		return false;
	if (!zg_window_cut(&window, flow->expires, now))
		return false;
	*ret_window = window;
	return true;
}
