/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a schedule, and the list of holidays. */
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"

struct schedule_pair {
	struct zg_schedule *schedule;
	struct conf_at *at;
};

#define DAY_MINUTES (24 * 60)

static void read_name(struct reader *r, const config_setting_t *value, void *object)
{
	struct schedule_pair *pair = object;
	*pair->at = place_of(value)->value;
	take_name(r, value, &pair->schedule->name);
}

/* "mon": 0 = Sunday; -1 = none. */
static int weekday(const char *text, size_t len)
{
	static const char *const names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
	for (int i = 0; i < 7; i++) {
		if (len == 3 && strncmp(names[i], text, 3) == 0)
			return i;
	}
	return -1;
}

/* "mon", "mon-fri", "sat-sun" as bits. */
static bool parse_days(const char *text, uint8_t *ret_days)
{
	const char *dash = strchr(text, '-');
	int first = weekday(text, dash != NULL ? (size_t)(dash - text) : strlen(text));
	int last = dash != NULL ? weekday(dash + 1, strlen(dash + 1)) : first;
	if (first < 0 || last < 0)
		return false;
	*ret_days = 0;
	for (int day = first;; day = (day + 1) % 7) {
		*ret_days |= (uint8_t)(1u << day);
		if (day == last)
			return true;
	}
}

static void read_days(struct reader *r, const config_setting_t *value, void *object)
{
	struct schedule_pair *pair = object;
	size_t n = count_of(r, value, 7);
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *element = element_of(value, i);
		const char *text = text_of(r, element);
		uint8_t days;
		if (text == NULL)
			continue;
		if (parse_days(text, &days))
			pair->schedule->days |= days;
		else
			CONF_ERROR(r->diags, place_of(element)->value,
				   "write \"mon\" or \"mon-fri\"; the days are mon tue wed thu fri sat sun",
				   "\"%s\" is not a day of the week", text);
	}
}

/* "08:30", and "24:00" as an end; -1 = no time of day. */
static int parse_minute(const char *text, size_t len)
{
	if (len != 5 || text[2] != ':')
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (i != 2 && (text[i] < '0' || text[i] > '9'))
			return -1;
	}
	int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
	return minute < 60 && hour * 60 + minute <= DAY_MINUTES ? hour * 60 + minute : -1;
}

static bool parse_hours(const char *text, struct zg_hours *ret_hours)
{
	const char *dash = strchr(text, '-');
	int begin = dash != NULL ? parse_minute(text, (size_t)(dash - text)) : -1;
	int end = dash != NULL ? parse_minute(dash + 1, strlen(dash + 1)) : -1;
	if (begin < 0 || end < 0 || begin == DAY_MINUTES || begin == end)
		return false;
	*ret_hours = (struct zg_hours){ (uint16_t)begin, (uint16_t)end };
	return true;
}

static int compare_hours(const void *a_, const void *b_)
{
	const struct zg_hours *a = a_, *b = b_;
	return a->begin != b->begin ? (int)a->begin - (int)b->begin : (int)a->end - (int)b->end;
}

static void read_hours(struct reader *r, const config_setting_t *value, void *object)
{
	struct schedule_pair *pair = object;
	struct zg_schedule *s = pair->schedule;
	size_t n = count_of(r, value, ZG_SCHEDULE_HOURS_MAX);
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *element = element_of(value, i);
		const char *text = text_of(r, element);
		if (text == NULL)
			continue;
		if (parse_hours(text, &s->hours[s->n_hours]))
			s->n_hours++;
		else
			CONF_ERROR(r->diags, place_of(element)->value,
				   "write \"08:30-17:15\"; \"22:00-05:00\" goes over midnight, \"00:00-24:00\" is the whole day",
				   "\"%s\" is not a time from and to", text);
	}
	qsort(s->hours, s->n_hours, sizeof *s->hours, compare_hours);
}

static void read_whether_holidays(struct reader *r, const config_setting_t *value, void *object)
{
	struct schedule_pair *pair = object;
	take_bool(r, value, &pair->schedule->holidays);
}

static const struct key keys[] = {
	{ "name", "name = \"office\";", read_name },
	{ "days", "days = [ \"mon-fri\" ];", read_days },
	{ "hours", "hours = \"08:30-17:15\";", read_hours },
	{ "holidays", "holidays = false; nothing begins on a holiday; true: holidays are days like others", read_whether_holidays },
};
static const struct group group = { "schedule", keys, sizeof keys / sizeof keys[0], NULL };

void read_schedules(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_policy *policy = r->draft->policy;
	(void)object;
	size_t first = policy->n_schedules, n = length_of(r, value, first, ZG_SCHEDULES_MAX);
	if (!reader_grow(r, &policy->schedules, first, n, sizeof *policy->schedules) ||
	    !reader_grow(r, &r->draft->schedules, first, n, sizeof *r->draft->schedules))
		return;
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		struct schedule_pair pair = { &policy->schedules[first + i], &r->draft->schedules[first + i] };
		policy->n_schedules++;
		*pair.at = place_of(element)->value;
		read_group(r, element, &group, &pair);
		pair.schedule->line = pair.at->line;
	}
}

static int compare_days(const void *a, const void *b)
{
	const zg_day *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

void read_holidays(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_policy *policy = r->draft->policy;
	size_t n = count_of(r, value, ZG_HOLIDAYS_MAX - policy->n_holidays);
	(void)object;
	r->draft->holidays = place_of(value)->key;
	if (!reader_grow(r, &policy->holidays, policy->n_holidays, n, sizeof *policy->holidays))
		return;
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		const char *text = text_of(r, element);
		if (text == NULL)
			continue;
		if (zg_day_parse(text, &policy->holidays[policy->n_holidays]))
			policy->n_holidays++;
		else
			CONF_ERROR(r->diags, place_of(element)->value,
				   "write \"2027-01-01\", in the western calendar, from 2000 to 2199",
				   "\"%s\" is not a date", text);
	}
	if (policy->n_holidays > 1)
		qsort(policy->holidays, policy->n_holidays, sizeof *policy->holidays, compare_days);
}
