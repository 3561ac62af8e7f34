/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/supervisor.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[128];

static void setup(void)
{
	strcpy(dir, "/tmp/zonegate-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/confirmed.conf", dir);
}

static void teardown(void)
{
	char more[160];
	snprintf(more, sizeof more, "%s.new", path);
	unlink(path);
	unlink(more);
	rmdir(dir);
}

static void put(const char *text)
{
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

START_TEST(gives_back_what_was_saved)
{
	char *text = NULL;
	size_t len;
	uint32_t generation;
	ck_assert_int_eq(zg_store_load(dir, &text, &len, &generation), ZG_ENOENT);
	ck_assert_int_eq(zg_store_save(dir, "version = 1;\n", 13, 41), ZG_OK);
	ck_assert_int_eq(zg_store_save(dir, "version = 2;\n", 13, 42), ZG_OK);
	ck_assert_int_eq(zg_store_load(dir, &text, &len, &generation), ZG_OK);
	ck_assert_uint_eq(generation, 42);
	ck_assert_uint_eq(len, 13);
	ck_assert_str_eq(text, "version = 2;\n");
	free(text);
}
END_TEST

START_TEST(keeps_an_empty_text_apart_from_none)
{
	char *text = NULL;
	size_t len = 9;
	uint32_t generation;
	ck_assert_int_eq(zg_store_save(dir, "", 0, 1), ZG_OK);
	ck_assert_int_eq(zg_store_load(dir, &text, &len, &generation), ZG_OK);
	ck_assert_uint_eq(len, 0);
	free(text);
}
END_TEST

START_TEST(refuses_what_it_did_not_write)
{
	char *text = NULL;
	size_t len;
	uint32_t generation;
	put("");
	ck_assert_int_eq(zg_store_load(dir, &text, &len, &generation), ZG_EINVAL);
	put("version = 1;\n");
	ck_assert_int_eq(zg_store_load(dir, &text, &len, &generation), ZG_EINVAL);
	put("# confirmed policy, written by zonegated; generation 3");
	ck_assert_int_eq(zg_store_load(dir, &text, &len, &generation), ZG_EINVAL);
	unlink(path);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_eq(zg_store_load(dir, &text, &len, &generation), ZG_ESYS);
}
END_TEST

START_TEST(a_failed_save_leaves_the_old_one)
{
	char *text = NULL, more[160];
	size_t len;
	uint32_t generation;
	ck_assert_int_eq(zg_store_save(dir, "old\n", 4, 1), ZG_OK);
	snprintf(more, sizeof more, "%s.new", path);
	ck_assert_int_eq(mkdir(more, 0700), 0); /* in the way of the new file */
	ck_assert_int_eq(zg_store_save(dir, "new\n", 4, 2), ZG_ESYS);
	rmdir(more);
	ck_assert_int_eq(zg_store_load(dir, &text, &len, &generation), ZG_OK);
	ck_assert_str_eq(text, "old\n");
	ck_assert_uint_eq(generation, 1);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("store");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, gives_back_what_was_saved);
	tcase_add_test(t, keeps_an_empty_text_apart_from_none);
	tcase_add_test(t, refuses_what_it_did_not_write);
	tcase_add_test(t, a_failed_save_leaves_the_old_one);
	suite_add_tcase(s, t);
	return unit_main(s);
}
