/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of refused addresses: what is read, what is refused whole, what may be put in force. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"
#include "zonegate/blocklist.h"

static struct zg_blocklist_fault fault;
static struct zg_blocklist_spared spared;

static enum zg_err parse(const char *text, struct zg_blocklist *ret_list)
{
	return zg_blocklist_parse(text, strlen(text), ret_list, &fault);
}

/* The effective list as "range@line range@line ...". */
static const char *effective(const char *text, const struct zg_policy *policy, bool own_networks)
{
	static char all[1024];
	char range[2 * ZG_ADDRSTR_MAX];
	struct zg_blocklist raw = { 0 }, list = { 0 };
	size_t at = 0;
	all[0] = '\0';
	ck_assert_int_eq(parse(text, &raw), ZG_OK);
	ck_assert_int_eq(zg_blocklist_effective(&raw, policy, own_networks, &list, &spared), ZG_OK);
	for (size_t i = 0; i < list.n; i++)
		at += (size_t)snprintf(all + at, sizeof all - at, "%s%s@%u", i > 0 ? " " : "", zg_range_str(&list.entries[i].range, range),
				       list.entries[i].line);
	zg_blocklist_free(&raw);
	zg_blocklist_free(&list);
	return all;
}

static struct zg_range range_of(const char *text)
{
	struct zg_range range;
	ck_assert_int_eq(zg_range_parse(text, &range), ZG_OK);
	return range;
}

/* A town: LGWAN, Internet zone, and an uplink that is everywhere else. */
static const struct zg_policy *town(void)
{
	static struct zg_range lgwan[2], internet, uplink[2];
	static struct zg_zone zones[3];
	static struct zg_policy policy;
	static char names[3][9] = { "lgwan", "internet", "uplink" };
	lgwan[0] = range_of("10.20.0.0/16");
	lgwan[1] = range_of("fd00:20::/32");
	internet = range_of("192.168.0.0/16");
	uplink[0] = range_of("0.0.0.0/0");
	uplink[1] = range_of("::/0");
	zones[0] = (struct zg_zone){ .name = names[0], .kind = ZG_KIND_LGWAN, .ranges = lgwan, .n_ranges = 2 };
	zones[1] = (struct zg_zone){ .name = names[1], .kind = ZG_KIND_INTERNET, .ranges = &internet, .n_ranges = 1 };
	zones[2] = (struct zg_zone){ .name = names[2], .kind = ZG_KIND_UPLINK, .ranges = uplink, .n_ranges = 2 };
	policy = (struct zg_policy){ .zones = zones, .n_zones = 3 };
	return &policy;
}

START_TEST(test_lines)
{
	static const char text[] = "# a list\n\n192.0.2.1\n 198.51.100.0/24 ; SBL1\r\n2001:db8::/32\t# six\n203.0.113.5-203.0.113.9\n";
	ck_assert_str_eq(effective(text, town(), false), "192.0.2.1@3 198.51.100.0/24@4 203.0.113.5-203.0.113.9@6 2001:db8::/32@5");
}
END_TEST

START_TEST(test_overlaps_are_cut)
{
	ck_assert_str_eq(effective("192.0.2.7\n192.0.2.0/24\n192.0.2.128-192.0.3.4\n192.0.2.7\n", town(), false),
			 "192.0.2.0/24@2 192.0.3.0-192.0.3.4@3");
	ck_assert_str_eq(effective("223.255.255.255\n223.255.255.0/24\n::1\n", town(), false), "223.255.255.0/24@2 ::1@3");
}
END_TEST

START_TEST(test_all_or_nothing)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *what;
	} cases[] = {
		{ "", 0, "empty" },
		{ "192.0.2.1\nwww.example\n", 2, "neither" },
		{ "192.0.2.1\n192.0.2.1/24\n", 2, "neither" },
		{ "192.0.2.1 192.0.2.2\n", 1, "neither" },
		{ "192.0.2.1\n192.0.2", 2, "cut short" },
		{ "root:x:0:0\n", 1, "neither" },
	};
	struct zg_blocklist list = { NULL, 77 };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_int_eq(parse(cases[i].text, &list), ZG_EINVAL);
		ck_assert_uint_eq(list.n, 77);
		ck_assert_uint_eq(fault.line, cases[i].line);
		ck_assert_msg(strstr(fault.what, cases[i].what) != NULL, "%s", fault.what);
	}
	ck_assert_int_eq(zg_blocklist_parse("192.0.2.1\0\n", 11, &list, &fault), ZG_EINVAL);
	char longer[400];
	memset(longer, '#', sizeof longer);
	longer[sizeof longer - 1] = '\n';
	ck_assert_int_eq(zg_blocklist_parse(longer, sizeof longer, &list, &fault), ZG_EINVAL);
}
END_TEST

START_TEST(test_the_town_is_not_cut)
{
	ck_assert_str_eq(effective("192.0.2.1\n10.20.5.0/24\n0.0.0.0/0\n::/0\n10.0.0.0/8\nfd00:20::1\n", town(), false), "192.0.2.1@1");
	ck_assert_uint_eq(spared.n, 5);
	ck_assert_uint_eq(spared.line, 2);
	ck_assert_str_eq(spared.zone, "lgwan");
	/* said to be meant: addresses of the zones, but never the whole world */
	ck_assert_str_eq(effective("0.0.0.0/0\n10.20.5.0/24\n", town(), true), "10.20.5.0/24@2");
	ck_assert_uint_eq(spared.n, 1);
	ck_assert_uint_eq(spared.line, 1);
	ck_assert_ptr_null(spared.zone);
}
END_TEST

START_TEST(test_find)
{
	struct zg_blocklist raw = { 0 }, list = { 0 };
	ck_assert_int_eq(parse("192.0.2.0/24\n198.51.100.7\n2001:db8::/64\n", &raw), ZG_OK);
	ck_assert_int_eq(zg_blocklist_effective(&raw, town(), false, &list, &spared), ZG_OK);
	const char *const in[] = { "192.0.2.0", "192.0.2.255", "198.51.100.7", "2001:db8::ffff" }, *const out[] = { "192.0.3.0", "198.51.100.6", "2001:db9::", "0.0.0.0" };
	const unsigned lines[] = { 1, 1, 2, 3 };
	for (size_t i = 0; i < 4; i++) {
		struct zg_range a = range_of(in[i]), b = range_of(out[i]);
		ck_assert_ptr_nonnull(zg_blocklist_find(&list, &a.lo));
		ck_assert_uint_eq(zg_blocklist_find(&list, &a.lo)->line, lines[i]);
		ck_assert_ptr_null(zg_blocklist_find(&list, &b.lo));
	}
	zg_blocklist_free(&raw);
	zg_blocklist_free(&list);
}
END_TEST

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(test_files)
{
	char dir[] = "/tmp/zg-lists-XXXXXX", path[256];
	struct zg_blocklist list = { 0 };
	struct stat st;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	put(dir, "good", "192.0.2.1\n");
	ck_assert_int_eq(zg_blocklist_read(dir, "good", &list, &st, &fault), ZG_OK);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_int_eq((int)st.st_size, 10);
	zg_blocklist_free(&list);
	ck_assert_int_eq(zg_blocklist_read(dir, "gone", &list, &st, &fault), ZG_EINVAL);
	ck_assert_ptr_nonnull(strstr(fault.what, "no such file"));
	snprintf(path, sizeof path, "%s/link", dir);
	ck_assert_int_eq(symlink("good", path), 0);
	ck_assert_int_eq(zg_blocklist_read(dir, "link", &list, &st, &fault), ZG_EINVAL);
	ck_assert_ptr_nonnull(strstr(fault.what, "link"));
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(zg_blocklist_read(dir, "link", &list, &st, &fault), ZG_EINVAL);
	ck_assert_ptr_nonnull(strstr(fault.what, "regular"));
	unlink(path);
	snprintf(path, sizeof path, "%s/good", dir);
	unlink(path);
	rmdir(dir);
}
END_TEST

/* As many as there are in practice, in a time that nobody waits for; the worst order for a sort. */
START_TEST(test_hundred_thousand)
{
	const uint32_t n = 100000;
	char *text = malloc(n * 20);
	size_t len = 0;
	struct zg_blocklist raw = { 0 }, list = { 0 };
	struct timespec a, b;
	ck_assert_ptr_nonnull(text);
	for (uint32_t i = n; i-- > 0;)
		len += (size_t)sprintf(text + len, "%u.%u.%u.%u/31\n", 11 + (i >> 16), i >> 8 & 0xff, i & 0xff, 4u);
	clock_gettime(CLOCK_MONOTONIC, &a);
	ck_assert_int_eq(zg_blocklist_parse(text, len, &raw, &fault), ZG_OK);
	ck_assert_int_eq(zg_blocklist_effective(&raw, town(), false, &list, &spared), ZG_OK);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_uint_eq(list.n, n);
	ck_assert_double_lt((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9, 2.0);
	zg_blocklist_free(&raw);
	zg_blocklist_free(&list);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blocklist");
	TCase *tc = tcase_create("lists");
	tcase_add_test(tc, test_lines);
	tcase_add_test(tc, test_overlaps_are_cut);
	tcase_add_test(tc, test_all_or_nothing);
	tcase_add_test(tc, test_the_town_is_not_cut);
	tcase_add_test(tc, test_find);
	tcase_add_test(tc, test_files);
	tcase_add_test(tc, test_hundred_thousand);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
