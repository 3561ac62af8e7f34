/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which zones are cut off, over starts, policies and damage. */
#include "main/isolation.h"
#include "plan_help.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[128];
static struct zg_diags diags;
static struct zg_policy *policy;
static struct zg_isolation is;

static void setup(void)
{
	strcpy(dir, "/tmp/zonegate-isolation-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/isolated", dir);
	zg_diags_init(&diags);
	policy = plan_policy(PLAN_ZONES, PLAN_MAIL, "", &diags);
	ck_assert_int_eq(zg_isolation_load(dir, &is), ZG_OK);
}

static void teardown(void)
{
	char more[160];
	snprintf(more, sizeof more, "%s.new", path);
	unlink(path);
	unlink(more);
	rmdir(dir);
	zg_isolation_free(&is);
	zg_policy_free(policy);
	zg_diags_free(&diags);
}

static void become(struct zg_isolation next)
{
	ck_assert_ptr_nonnull(next.cuts);
	zg_isolation_free(&is);
	is = next;
}

static void again(void)
{
	ck_assert_int_eq(zg_isolation_save(dir, &is), ZG_OK);
	zg_isolation_free(&is);
	ck_assert_int_eq(zg_isolation_load(dir, &is), ZG_OK);
}

/* The interfaces that are cut off, in one string. */
static const char *cut_ifaces(const struct zg_policy *under)
{
	static char text[256];
	size_t n;
	const char **names = zg_isolation_ifaces(&is, under, &n);
	ck_assert_ptr_nonnull(names);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? " " : "", names[i]);
	free(names);
	return text;
}

START_TEST(nothing_is_cut_off_without_a_file)
{
	ck_assert(!is.damaged);
	ck_assert_uint_eq(json_array_size(is.cuts), 0);
	ck_assert_str_eq(cut_ifaces(policy), "");
}
END_TEST

START_TEST(a_cut_is_kept)
{
	become(zg_isolation_with(&is, policy, "lgwan", "uid 0", "疑い"));
	become(zg_isolation_with(&is, policy, "internet", "uid 7", "b"));
	become(zg_isolation_with(&is, policy, "lgwan", "uid 1", "another"));
	again();
	ck_assert(!is.damaged);
	ck_assert_uint_eq(json_array_size(is.cuts), 2);
	const json_t *cut = zg_isolation_find(&is, "lgwan");
	ck_assert_str_eq(json_string_value(json_object_get(cut, "reason")), "another");
	ck_assert_str_eq(json_string_value(json_object_get(cut, "who")), "uid 1");
	ck_assert_str_eq(cut_ifaces(policy), "in0 lg0");
	become(zg_isolation_without(&is, policy, "lgwan"));
	again();
	ck_assert_str_eq(cut_ifaces(policy), "in0");
	become(zg_isolation_without(&is, policy, ZG_ISOLATION_ALL));
	again();
	ck_assert_str_eq(cut_ifaces(policy), "");
}
END_TEST

START_TEST(all_but_one_is_left_of_all)
{
	become(zg_isolation_with(&is, policy, ZG_ISOLATION_ALL, "uid 0", "r"));
	again();
	ck_assert_str_eq(cut_ifaces(policy), "mn0 lg0 in0");
	become(zg_isolation_without(&is, policy, "lgwan"));
	again();
	ck_assert_str_eq(cut_ifaces(policy), "mn0 in0");
	ck_assert_str_eq(json_string_value(json_object_get(zg_isolation_find(&is, "mynumber"), "reason")), "r");
}
END_TEST

/* A zone that is renamed, or gone, does not come back by that; one whose interfaces are others is cut off there. */
START_TEST(another_policy)
{
	struct zg_diags more;
	zg_diags_init(&more);
	char *text = strdup(policy->text), *name;
	become(zg_isolation_with(&is, policy, "lgwan", "uid 0", "r"));
	ck_assert(!zg_isolation_follow(&is, policy, &more));
	ck_assert_uint_eq(more.n, 0);
	while (_i == 0 && (name = strstr(text, "\"lgwan\";")) != NULL && strstr(name, "kind = \"lgwan\"") != NULL)
		memcpy(name, "\"other\";", 8);
	if (_i == 1)
		memcpy(strstr(text, "\"lg0\""), "\"lg7\"", 5);
	if (_i == 0)
		memcpy(strstr(text, "to = \"lgwan\""), "to = \"other\"", 12);
	for (char *kind = text; _i == 0 && (kind = strstr(kind, "kind = \"other\"")) != NULL;)
		memcpy(kind, "kind = \"lgwan\"", 14);
	struct zg_policy *next = NULL;
	plan_ok(zg_conf_parse("next.conf", text, strlen(text), &diags, &next), &diags);
	ck_assert_int_eq(zg_isolation_follow(&is, next, &more), _i == 1);
	ck_assert_int_eq(plan_said(&more, "\"lgwan\" is isolated"), _i == 0);
	again();
	ck_assert_str_eq(cut_ifaces(next), _i == 0 ? "lg0" : "lg7");
	free(text);
	zg_policy_free(next);
	zg_diags_free(&more);
}
END_TEST

static void put(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* Every bit of the file counts, and its end. */
START_TEST(damage_cuts_everything_off)
{
	char text[4096];
	become(zg_isolation_with(&is, policy, "lgwan", "uid 0", "r"));
	ck_assert_int_eq(zg_isolation_save(dir, &is), ZG_OK);
	FILE *f = fopen(path, "r");
	const size_t len = fread(text, 1, sizeof text, f);
	fclose(f);
	ck_assert_uint_gt(len, 100);
	for (size_t at = 0; at <= len; at++) {
		char bad[sizeof text];
		memcpy(bad, text, len);
		if (at < len)
			bad[at] ^= 4;
		put(bad, _i == 0 ? len : at);
		zg_isolation_free(&is);
		ck_assert_int_eq(zg_isolation_load(dir, &is), ZG_OK);
		ck_assert_int_eq(is.damaged, at < len);
		ck_assert_str_eq(cut_ifaces(policy), at < len ? "mn0 lg0 in0" : "lg0");
	}
}
END_TEST

START_TEST(what_is_no_file_cuts_everything_off)
{
	if (_i == 0)
		ck_assert_int_eq(mkdir(path, 0700), 0);
	else if (_i == 1)
		ck_assert_int_eq(symlink("/dev/zero", path), 0);
	else
		ck_assert_int_eq(mkfifo(path, 0600), 0);
	zg_isolation_free(&is);
	ck_assert_int_eq(zg_isolation_load(dir, &is), ZG_OK);
	ck_assert(is.damaged);
	ck_assert_str_eq(cut_ifaces(policy), "mn0 lg0 in0");
	if (_i == 0)
		rmdir(path);
}
END_TEST

START_TEST(cannot_be_saved)
{
	become(zg_isolation_with(&is, policy, "lgwan", "uid 0", "r"));
	ck_assert_int_eq(zg_isolation_save("/nonexistent", &is), ZG_ESYS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("isolation");
	TCase *tc = tcase_create("isolation");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_cut_off_without_a_file);
	tcase_add_test(tc, a_cut_is_kept);
	tcase_add_test(tc, all_but_one_is_left_of_all);
	tcase_add_loop_test(tc, another_policy, 0, 2);
	tcase_add_loop_test(tc, damage_cuts_everything_off, 0, 2);
	tcase_add_loop_test(tc, what_is_no_file_cuts_everything_off, 0, 3);
	tcase_add_test(tc, cannot_be_saved);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
