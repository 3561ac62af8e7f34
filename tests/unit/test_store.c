/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/store.h"
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static struct zg_version v;
static char *text;
static char damaged[ZG_STORE_NAME_MAX];

static void setup(void)
{
	strcpy(dir, "/tmp/zonegate-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	text = NULL;
	memset(&v, 0, sizeof v);
}

static const char *path(const char *name)
{
	static char p[2][512];
	static unsigned turn; /* two may be needed at once */
	char *to = p[turn++ % 2];
	snprintf(to, sizeof p[0], "%s/%s", dir, name);
	return to;
}

static unsigned files(void)
{
	unsigned n = 0;
	DIR *d = opendir(dir);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void teardown(void)
{
	DIR *d = opendir(dir);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		if (unlink(path(e->d_name)) != 0)
			rmdir(path(e->d_name));
	closedir(d);
	rmdir(dir);
	free(text);
}

static enum zg_err save(uint32_t generation, const char *what)
{
	struct zg_version version = { .generation = generation, .when = 1795260872, .who = "uid 0", .file = "/etc/zonegate.conf",
				      .comment = "T-17\nnew mail", .zones = 3, .flows = 2, .bytes = strlen(what) };
	return zg_store_save(dir, &version, what);
}

static enum zg_err load(uint32_t generation)
{
	free(text);
	text = NULL;
	return zg_store_load(dir, generation, &v, &text, damaged);
}

static void put(const char *name, const char *what)
{
	FILE *f = fopen(path(name), "w");
	fputs(what, f);
	fclose(f);
}

/* One bit of a file, counted from its end, is another one. */
static void flip(const char *name, long from_end)
{
	FILE *f = fopen(path(name), "r+");
	ck_assert_ptr_nonnull(f);
	fseek(f, -from_end, SEEK_END);
	const int c = fgetc(f);
	fseek(f, -from_end, SEEK_END);
	fputc(c ^ 1, f);
	fclose(f);
}

START_TEST(gives_back_what_was_saved)
{
	ck_assert_int_eq(load(1), ZG_ENOENT);
	ck_assert_int_eq(save(41, "version = 1;\n"), ZG_OK);
	ck_assert_int_eq(save(42, "version = 2;\n"), ZG_OK);
	for (uint32_t g = 41; g <= 42; g++) {
		ck_assert_int_eq(load(g), ZG_OK);
		ck_assert_str_eq(text, g == 41 ? "version = 1;\n" : "version = 2;\n");
		ck_assert_uint_eq(v.generation, g);
		ck_assert_int_eq(v.when, 1795260872);
		ck_assert_str_eq(v.who, "uid 0");
		ck_assert_str_eq(v.file, "/etc/zonegate.conf");
		ck_assert_str_eq(v.comment, "T-17?new mail");
		ck_assert(v.zones == 3 && v.flows == 2 && v.bytes == 13 && !v.damaged);
		ck_assert_str_eq(damaged, "");
	}
	ck_assert_int_eq(load(43), ZG_ENOENT);
}
END_TEST

START_TEST(keeps_an_empty_text_apart_from_none)
{
	ck_assert_int_eq(save(1, ""), ZG_OK);
	ck_assert_int_eq(load(1), ZG_OK);
	ck_assert_uint_eq(v.bytes, 0);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(lists_the_newest_first)
{
	struct zg_version *all;
	size_t n;
	for (uint32_t g = 9; g < 12; g++)
		ck_assert_int_eq(save(g, "x = 1;\n"), ZG_OK);
	put("confirmed-7.conf", "not our way to write a name");
	put("confirmed-0000000008.conf", "not our text");
	ck_assert_int_eq(zg_store_list(dir, &all, &n), ZG_OK);
	ck_assert_uint_eq(n, 4);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(all[i].generation, 11 - i);
		ck_assert_int_eq(all[i].damaged, i == 3);
	}
	ck_assert_str_eq(all[0].name, "confirmed-0000000011.conf");
	free(all);
}
END_TEST

/* One bad sector: the copy serves, and it is said which file is bad; two: nothing serves. */
START_TEST(a_damaged_newest_has_its_copy)
{
	static const long places[] = { 1, 14, 40, 150, 300 }; /* the text, the seal, the head */
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		ck_assert_int_eq(save(5, "version = 1;\n"), ZG_OK);
		flip("confirmed-0000000005.conf", places[i]);
		ck_assert_int_eq(load(5), ZG_OK);
		ck_assert_str_eq(text, "version = 1;\n");
		ck_assert_str_eq(damaged, "confirmed-0000000005.conf");
		flip("confirmed-0000000005.copy", places[i]);
		ck_assert_int_eq(load(5), ZG_EINVAL);
	}
	ck_assert_int_eq(save(5, "version = 1;\n"), ZG_OK);
	ck_assert_int_eq(truncate(path("confirmed-0000000005.copy"), 100), 0);
	ck_assert_int_eq(load(5), ZG_OK);
	ck_assert_str_eq(damaged, "confirmed-0000000005.copy");
	unlink(path("confirmed-0000000005.conf"));
	ck_assert_int_eq(load(5), ZG_EINVAL);
	ck_assert_int_eq(save(5, "version = 1;\n"), ZG_OK);
	unlink(path("confirmed-0000000005.conf"));
	ck_assert_int_eq(load(5), ZG_OK);
	ck_assert_str_eq(damaged, "confirmed-0000000005.conf");
}
END_TEST

/* Whole files, but not where they belong. */
START_TEST(a_version_in_the_place_of_another_is_damage)
{
	ck_assert_int_eq(save(5, "version = 1;\n"), ZG_OK);
	ck_assert_int_eq(rename(path("confirmed-0000000005.conf"), path("confirmed-0000000006.conf")), 0);
	ck_assert_int_eq(load(6), ZG_EINVAL);
	unlink(path("confirmed-0000000006.conf"));
	ck_assert_int_eq(symlink("/etc/passwd", path("confirmed-0000000007.conf")), 0);
	ck_assert_int_eq(load(7), ZG_EINVAL);
}
END_TEST

START_TEST(older_ones_have_no_copy_and_their_number_is_bounded)
{
	struct zg_version *all;
	size_t n;
	for (uint32_t g = 1; g <= ZG_HISTORY_MAX + 5; g++)
		ck_assert_int_eq(save(g, "x = 1;\n"), ZG_OK);
	ck_assert_int_eq(zg_store_list(dir, &all, &n), ZG_OK);
	ck_assert_uint_eq(n, ZG_HISTORY_MAX);
	ck_assert_uint_eq(all[0].generation, ZG_HISTORY_MAX + 5);
	ck_assert_uint_eq(files(), ZG_HISTORY_MAX + 1);
	ck_assert_int_eq(load(6), ZG_OK);
	ck_assert_str_eq(damaged, "");
	free(all);
}
END_TEST

START_TEST(a_failed_save_leaves_the_old_one)
{
	struct zg_version *all;
	size_t n;
	ck_assert_int_eq(save(1, "old\n"), ZG_OK);
	const char *in_the_way = _i == 0 ? "new.conf" : "new.copy";
	ck_assert_int_eq(mkdir(path(in_the_way), 0700), 0);
	ck_assert_int_eq(save(2, "new\n"), ZG_ESYS);
	ck_assert_int_eq(zg_store_list(dir, &all, &n), ZG_OK);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(all[0].generation, 1);
	free(all);
	ck_assert_int_eq(load(1), ZG_OK);
	ck_assert_str_eq(text, "old\n");
}
END_TEST

/* Whatever was on its way when the power went is no version. */
START_TEST(half_a_save_is_none)
{
	ck_assert_int_eq(save(1, "old\n"), ZG_OK);
	put("new.conf", "# zonegate: a confirmed");
	put("new.copy", "");
	ck_assert_int_eq(load(1), ZG_OK);
	ck_assert_str_eq(text, "old\n");
	ck_assert_int_eq(save(2, "new\n"), ZG_OK);
	ck_assert_int_eq(load(2), ZG_OK);
	ck_assert_str_eq(text, "new\n");
}
END_TEST

START_TEST(the_mark)
{
	uint32_t generation = 9;
	bool unconfirmed = true;
	zg_store_marked(dir, &generation, &unconfirmed);
	ck_assert(generation == 0 && !unconfirmed);
	ck_assert_int_eq(zg_store_mark(dir, 43, true), ZG_OK);
	zg_store_marked(dir, &generation, &unconfirmed);
	ck_assert(generation == 43 && unconfirmed);
	ck_assert_int_eq(zg_store_mark(dir, 44, false), ZG_OK);
	zg_store_marked(dir, &generation, &unconfirmed);
	ck_assert(generation == 44 && !unconfirmed);
	put("last", "nonsense");
	zg_store_marked(dir, &generation, &unconfirmed);
	ck_assert(generation == 0 && !unconfirmed);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("store");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, gives_back_what_was_saved);
	tcase_add_test(t, keeps_an_empty_text_apart_from_none);
	tcase_add_test(t, lists_the_newest_first);
	tcase_add_test(t, a_damaged_newest_has_its_copy);
	tcase_add_test(t, a_version_in_the_place_of_another_is_damage);
	tcase_add_test(t, older_ones_have_no_copy_and_their_number_is_bounded);
	tcase_add_loop_test(t, a_failed_save_leaves_the_old_one, 0, 2);
	tcase_add_test(t, half_a_save_is_none);
	tcase_add_test(t, the_mark);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
