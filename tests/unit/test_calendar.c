/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows of time: midnight, weeks, holidays, clocks that are put forward and back. */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "zonegate/calendar.h"

#define MON_FRI 0x3e
#define EVERY	0x7f

static const zg_day holidays[] = { 20270101, 20270111 };

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

/* "2027-01-04 08:30" local time. */
static time_t at(const char *text)
{
	struct tm tm = { .tm_isdst = -1 };
	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return mktime(&tm);
}

static struct zg_schedule schedule(uint8_t days, bool on_holidays, uint16_t begin, uint16_t end)
{
	return (struct zg_schedule){ .days = days, .holidays = on_holidays, .hours = { { begin, end } }, .n_hours = 1 };
}

static void opens(const struct zg_schedule *s, const char *now, const char *begin, const char *end)
{
	struct zg_window w;
	ck_assert_msg(zg_schedule_window(s, holidays, 2, at(now), &w), "%s: never", now);
	ck_assert_msg(w.begin == at(begin) && w.end == at(end), "%s: from %ld to %ld, not from %s to %s", now, (long)w.begin,
		      (long)w.end, begin, end);
}

START_TEST(days)
{
	zg_day day;
	zone("Asia/Tokyo");
	ck_assert(zg_day_parse("2028-02-29", &day));
	ck_assert_uint_eq(day, 20280229);
	ck_assert_int_eq(zg_day_end(day), at("2028-03-01 00:00"));
	ck_assert_int_eq(zg_day_end(20271231), at("2028-01-01 00:00"));
	ck_assert_uint_eq(zg_day_of(at("2028-03-01 00:00") - 1), 20280229);
	static const char *const bad[] = { "2027-02-29", "2100-02-29", "1999-12-31", "2200-01-01", "2027-13-01",
					   "2027-00-01", "2027-01-00", "2027-1-01",  "2027-01-011", "",	"2027/01/01" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!zg_day_parse(bad[i], &day), "%s", bad[i]);
}
END_TEST

START_TEST(office)
{
	zone("Asia/Tokyo");
	const struct zg_schedule s = schedule(MON_FRI, false, 510, 1035);
	opens(&s, "2027-01-06 08:29", "2027-01-06 08:30", "2027-01-06 17:15");
	opens(&s, "2027-01-06 08:30", "2027-01-06 08:30", "2027-01-06 17:15");
	opens(&s, "2027-01-06 17:14", "2027-01-06 08:30", "2027-01-06 17:15");
	opens(&s, "2027-01-06 17:15", "2027-01-07 08:30", "2027-01-07 17:15");
	opens(&s, "2026-12-31 18:00", "2027-01-04 08:30", "2027-01-04 17:15"); /* New Year is a Friday */
	opens(&s, "2027-01-08 18:00", "2027-01-12 08:30", "2027-01-12 17:15"); /* weekend, then a Monday off */
	const struct zg_schedule daily = schedule(MON_FRI, true, 510, 1035);
	opens(&daily, "2027-01-08 18:00", "2027-01-11 08:30", "2027-01-11 17:15");
}
END_TEST

START_TEST(midnight)
{
	zone("Asia/Tokyo");
	const struct zg_schedule s = schedule(MON_FRI, false, 1320, 300);
	opens(&s, "2027-01-07 00:00", "2027-01-06 22:00", "2027-01-07 05:00");
	opens(&s, "2027-01-09 04:59", "2027-01-08 22:00", "2027-01-09 05:00"); /* Friday's night ends on Saturday */
	opens(&s, "2027-01-09 05:00", "2027-01-12 22:00", "2027-01-13 05:00"); /* nothing begins on a holiday */
	/* the evening before a holiday runs into it */
	const struct zg_schedule sunday = schedule(1, false, 1320, 300);
	opens(&sunday, "2027-01-11 01:00", "2027-01-10 22:00", "2027-01-11 05:00");
}
END_TEST

START_TEST(touching)
{
	zone("Asia/Tokyo");
	struct zg_window w;
	struct zg_schedule s = schedule(MON_FRI, true, 0, 1440);
	opens(&s, "2027-01-06 12:00", "2027-01-05 00:00", "2027-01-09 00:00"); /* as far as is looked back: a day */
	s = schedule(EVERY, true, 0, 1440);
	time_t now = at("2027-01-06 12:00");
	ck_assert(zg_schedule_window(&s, NULL, 0, now, &w));
	ck_assert(w.begin <= now && w.end > now + (time_t)ZG_SCHEDULE_AHEAD * 86400 - 86400);
	/* two pieces of a day that meet, and one apart */
	s = (struct zg_schedule){ .days = EVERY, .holidays = true, .hours = { { 480, 720 }, { 720, 780 }, { 840, 900 } }, .n_hours = 3 };
	opens(&s, "2027-01-06 09:00", "2027-01-06 08:00", "2027-01-06 13:00");
	opens(&s, "2027-01-06 13:00", "2027-01-06 14:00", "2027-01-06 15:00");
}
END_TEST

START_TEST(never)
{
	zone("Asia/Tokyo");
	struct zg_window w = { 1, 2 };
	const struct zg_schedule s = schedule(0, true, 510, 1035);
	ck_assert(!zg_schedule_window(&s, holidays, 2, at("2027-01-06 12:00"), &w));
	ck_assert_int_eq(w.begin, 1);
}
END_TEST

START_TEST(before_time_was_set)
{
	zone("Asia/Tokyo");
	struct zg_window w;
	const struct zg_schedule s = schedule(EVERY, true, 510, 1035);
	ck_assert(zg_schedule_window(&s, holidays, 2, 0, &w)); /* Thursday, 9:00 in Tokyo */
	ck_assert_int_eq(w.begin, -1800);
	ck_assert_int_eq(w.end, 29700);
}
END_TEST

/* 2027-03-28 02:00 becomes 03:00, 2027-10-31 03:00 becomes 02:00. */
START_TEST(summer_time)
{
	zone("Europe/Berlin");
	const struct zg_schedule night = schedule(EVERY, true, 1320, 360), day = schedule(EVERY, true, 480, 1020);
	opens(&night, "2027-03-28 00:30", "2027-03-27 22:00", "2027-03-28 06:00");
	opens(&day, "2027-03-28 07:00", "2027-03-28 08:00", "2027-03-28 17:00");
	opens(&day, "2027-10-31 07:00", "2027-10-31 08:00", "2027-10-31 17:00");
	ck_assert_int_eq(at("2027-03-28 06:00") - at("2027-03-27 22:00"), 7 * 3600);
	ck_assert_int_eq(at("2027-10-31 06:00") - at("2027-10-30 22:00"), 9 * 3600);
	opens(&night, "2027-10-31 05:59", "2027-10-30 22:00", "2027-10-31 06:00");
	/* an hour that there is not that night opens nothing outside of the day */
	const struct zg_schedule gap = schedule(EVERY, true, 120, 180);
	struct zg_window w;
	ck_assert(zg_schedule_window(&gap, NULL, 0, at("2027-03-28 00:00"), &w));
	ck_assert(w.end - w.begin <= 3600);
}
END_TEST

START_TEST(cut)
{
	struct zg_window w = { 100, 200 };
	ck_assert(zg_window_cut(&w, 0, 150));
	ck_assert_int_eq(w.end, 200);
	ck_assert(zg_window_cut(&w, 180, 150));
	ck_assert_int_eq(w.end, 180);
	ck_assert(!zg_window_cut(&w, 0, 180));
	w = (struct zg_window){ 100, 200 };
	ck_assert(!zg_window_cut(&w, 100, 50)); /* it expires before it opens */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("calendar");
	TCase *tc = tcase_create("calendar");
	tcase_add_test(tc, days);
	tcase_add_test(tc, office);
	tcase_add_test(tc, midnight);
	tcase_add_test(tc, touching);
	tcase_add_test(tc, never);
	tcase_add_test(tc, before_time_was_set);
	tcase_add_test(tc, summer_time);
	tcase_add_test(tc, cut);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
