/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a plan is in force when: windows, expiries, a clock that is not set; and that a plan that is retimed is the one that
 * would be compiled then. */
#include <stdlib.h>

#include "plan_help.h"

#define MONDAY 1799020800 /* 2027-01-04 9:00 in Tokyo */
#define HOUR   3600

#define SCHEDULES                                                                                                   \
	"max_term = 3660; schedules = ( { name = \"office\"; days = \"mon-fri\"; hours = \"08:30-17:15\"; holidays = true; },\n" \
	"{ name = \"always\"; days = \"mon-sun\"; hours = \"00:00-24:00\"; holidays = true; } );\n"

#define FLOWS                                                                                                          \
	PLAN_FLOW("plain", "\"10.30.0.1\"", "\"10.20.0.1\"", "")                                                       \
	"," PLAN_FLOW("office", "\"10.30.0.2\"", "\"10.20.0.1\"", "schedule = \"office\";")                               \
	"," PLAN_FLOW("term", "\"10.30.0.3\"", "\"10.20.0.1\"", "expires = \"2027-01-05\";")                              \
	"," PLAN_FLOW("both", "\"10.30.0.4\"", "\"10.20.0.1\"", "schedule = \"office\"; expires = \"2027-01-05\";")        \
	"," PLAN_FLOW("range", "\"10.30.1.0/24\"", "\"10.20.0.1\"", "schedule = \"office\";")                             \
	"," PLAN_FLOW("always", "\"10.30.0.5\"", "\"10.20.0.1\"", "schedule = \"always\";")

static struct zg_diags diags;

static struct zg_policy *policy_of_then(void)
{
	struct zg_policy *policy = NULL;
	char *text;
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	zg_diags_init(&diags);
	ck_assert_int_gt(asprintf(&text, "%s%sflows = ( %s );\n", PLAN_ZONES, SCHEDULES, FLOWS), 0);
	plan_ok(zg_conf_parse_for(ZG_CONF_KNOWN, MONDAY, "test.conf", text, strlen(text), &diags, &policy), &diags);
	free(text);
	return policy;
}

static struct zg_plan *compile_at(const struct zg_policy *policy, time_t now, bool clock_unset)
{
	const struct zg_plan_env env = { .now = now, .clock_unset = clock_unset };
	struct zg_plan *plan = NULL;
	plan_ok(zg_plan_compile(policy, &env, &diags, &plan), &diags);
	return plan;
}

/* One letter for each flow in force then, in their order. */
static const char *in_force(const struct zg_plan *plan, time_t now)
{
	static char letters[8];
	static const char names[] = "potbra";
	bool open[7] = { false };
	size_t n = 0;
	for (size_t t = 0; t < plan->n_tables; t++) {
		for (size_t s = 0; s < plan->tables[t].n_sets; s++) {
			const struct zg_set *set = &plan->tables[t].sets[s];
			for (size_t i = 0; set->timeout && i < set->n_elems; i++)
				open[set->elems[i].flow] |= zg_elem_in_force(&set->elems[i], now);
		}
	}
	for (size_t f = 1; f < sizeof open / sizeof open[0]; f++) {
		if (open[f])
			letters[n++] = names[f - 1];
	}
	letters[n] = '\0';
	return letters;
}

START_TEST(moments)
{
	static const struct {
		time_t now;
		const char *open;
	} cases[] = {
		{ MONDAY - 1800 - 1, "pta" }, { MONDAY - 1800, "potbra" },	{ MONDAY + 8 * HOUR + 900 - 1, "potbra" },
		{ MONDAY + 8 * HOUR + 900, "pta" }, { MONDAY + 24 * HOUR, "potbra" }, { MONDAY + 39 * HOUR - 1, "pta" },
		{ MONDAY + 39 * HOUR, "pa" },	   { MONDAY + 48 * HOUR, "pora" },
	};
	struct zg_policy *policy = policy_of_then();
	struct zg_plan *kept = compile_at(policy, cases[0].now, false);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct zg_plan_env env = { .now = cases[i].now };
		struct zg_plan *fresh = compile_at(policy, cases[i].now, false);
		size_t due;
		ck_assert_str_eq(in_force(fresh, cases[i].now), cases[i].open);
		ck_assert_int_eq(zg_plan_retime(kept, policy, &env, &due), ZG_OK);
		ck_assert_str_eq(in_force(kept, cases[i].now), cases[i].open);
		ck_assert_int_eq(zg_plan_next(kept), zg_plan_next(fresh));
		zg_plan_free(fresh);
	}
	zg_plan_free(kept);
	zg_policy_free(policy);
}
END_TEST

START_TEST(due)
{
	struct zg_policy *policy = policy_of_then();
	struct zg_plan *plan = compile_at(policy, MONDAY - HOUR, false);
	struct zg_plan_env env = { .now = MONDAY - 1800 };
	size_t n;
	ck_assert(zg_plan_timed(plan));
	ck_assert_int_eq(zg_plan_next(plan), MONDAY - 1800);
	ck_assert_int_eq(zg_plan_retime(plan, policy, &env, &n), ZG_OK);
	ck_assert_uint_eq(n, 3); /* office, both, range */
	/* not added yet: they stay due; what the kernel has already is not */
	env.now += 60;
	ck_assert_int_eq(zg_plan_retime(plan, policy, &env, &n), ZG_OK);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(zg_plan_next(plan), MONDAY + 8 * HOUR + 900);
	/* the evening: nothing to add */
	env.now = MONDAY + 9 * HOUR;
	ck_assert_int_eq(zg_plan_retime(plan, policy, &env, &n), ZG_OK);
	ck_assert_uint_eq(n, 0);
	zg_plan_free(plan);
	zg_policy_free(policy);
}
END_TEST

START_TEST(clock_unset)
{
	struct zg_policy *policy = policy_of_then();
	struct zg_plan *plan = compile_at(policy, 9 * HOUR, true);
	ck_assert_str_eq(in_force(plan, 9 * HOUR), "p");
	ck_assert_str_eq(in_force(plan, MONDAY), "p");
	ck_assert(zg_plan_timed(plan));
	ck_assert_int_eq(zg_plan_next(plan), ZG_NEVER);
	zg_plan_free(plan);
	zg_policy_free(policy);
}
END_TEST

/* What is closed has to be absent from the kernel, what is opening right now may be; what is open has to be there. */
START_TEST(compared)
{
	struct zg_policy *policy = policy_of_then();
	struct zg_plan *want = compile_at(policy, MONDAY - HOUR, false), *have = compile_at(policy, MONDAY - HOUR, false);
	struct zg_table *kernel = zg_plan_find_table(have, ZG_TABLE_POLICY);
	const struct zg_table *table = zg_plan_find_table(want, ZG_TABLE_POLICY);
	char *difference = NULL;
	for (size_t s = 0; s < kernel->n_sets; s++) {
		struct zg_set *set = &kernel->sets[s];
		size_t kept = 0;
		for (size_t i = 0; i < set->n_elems; i++) {
			if (zg_elem_in_force(&set->elems[i], MONDAY - HOUR))
				set->elems[kept++] = set->elems[i];
		}
		set->n_elems = kept;
	}
	ck_assert_int_eq(zg_table_diff(table, kernel, MONDAY - HOUR, &difference), ZG_OK);
	zg_plan_free(want);
	want = compile_at(policy, MONDAY - 1800, false);
	table = zg_plan_find_table(want, ZG_TABLE_POLICY);
	ck_assert_int_eq(zg_table_diff(table, kernel, MONDAY - 1800 + 1, &difference), ZG_OK);
	ck_assert_int_eq(zg_table_diff(table, kernel, MONDAY - 1800 + 3, &difference), ZG_EDRIFT);
	free(difference);
	zg_plan_free(have);
	/* open in the kernel, closed in the plan */
	have = compile_at(policy, MONDAY, false);
	zg_plan_free(want);
	want = compile_at(policy, MONDAY - HOUR, false);
	ck_assert_int_eq(zg_table_diff(zg_plan_find_table(want, ZG_TABLE_POLICY), zg_plan_find_table(have, ZG_TABLE_POLICY),
				       MONDAY - HOUR, &difference),
			 ZG_EDRIFT);
	free(difference);
	zg_plan_free(want);
	zg_plan_free(have);
	zg_policy_free(policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("times");
	TCase *tc = tcase_create("times");
	tcase_add_test(tc, moments);
	tcase_add_test(tc, due);
	tcase_add_test(tc, clock_unset);
	tcase_add_test(tc, compared);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
