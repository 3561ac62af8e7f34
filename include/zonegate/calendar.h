/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Days, and windows of time that come again, in the router's local time. */
#ifndef ZONEGATE_CALENDAR_H
#define ZONEGATE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "zonegate/limits.h"

#define ZG_NEVER ((time_t)INT64_MAX) /* a moment that does not come */

/* A day as the number year * 10000 + month * 100 + day: in order as the days are. */
typedef uint32_t zg_day;

/* "2026-12-31", 2000 to 2199. */
bool zg_day_parse(const char *text, zg_day *ret_day);
/* The first second that is not that day any more. */
time_t zg_day_end(zg_day day);
zg_day zg_day_of(time_t moment);

/* Minutes of a day; end <= begin: it ends on the next day. */
struct zg_hours {
	uint16_t begin, end;
};

struct zg_schedule {
	char *name;
	uint8_t days;	/* bit 0 = Sunday: the days on which its hours begin */
	bool holidays;	/* holidays count as the day of the week that they are; else nothing begins on them */
	struct zg_hours hours[ZG_SCHEDULE_HOURS_MAX]; /* in order of begin */
	size_t n_hours;
	unsigned line;
};

struct zg_window {
	time_t begin, end; /* the first second in it, the first behind it */
};

/* The window that now lies in, or else the next one; windows that touch are one. False: none begins within
 * ZG_SCHEDULE_AHEAD days; where one goes on beyond, it ends there. holidays: in order. */
bool zg_schedule_window(const struct zg_schedule *schedule, const zg_day *holidays, size_t n_holidays, time_t now,
			struct zg_window *ret_window);

/* Its end comes no later than expires (0 = no such end). False: nothing is left of it after now. */
bool zg_window_cut(struct zg_window *window, time_t expires, time_t now);

#endif
