/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock is a number that the tests turn. */
#include "main/trial.h"
#include "unit.h"

static struct zg_trial t;
static struct zg_policy *policy; /* in force */
static const struct zg_version version = { .who = "uid 0" };

static struct zg_policy *make(uint32_t generation)
{
	struct zg_policy *p = calloc(1, sizeof *p);
	ck_assert_ptr_nonnull(p);
	p->generation = generation;
	return p;
}

static void setup(void)
{
	t = (struct zg_trial){ 0 };
	policy = make(1);
}

static void teardown(void)
{
	zg_policy_free(policy);
	zg_policy_free(t.fallback);
}

static void begin(uint32_t generation, uint64_t until_ms)
{
	zg_trial_begin(&t, &policy, make(generation), &version, until_ms);
}

static void expire(uint64_t now_ms)
{
	ck_assert(zg_trial_due(&t, now_ms));
	zg_policy_free(zg_trial_return(&t, &policy));
}

START_TEST(nothing_is_on_trial_at_first)
{
	ck_assert(!zg_trial_due(&t, UINT64_MAX));
	ck_assert(!zg_trial_confirm(&t, 0));
	ck_assert_uint_eq(zg_trial_left(&t, 0), 0);
	ck_assert_int_eq(zg_trial_of(&t, 1), ZG_TRIAL_NONE);
}
END_TEST

START_TEST(confirmed_in_time_it_stays)
{
	begin(2, 60000);
	ck_assert_uint_eq(policy->generation, 2);
	ck_assert_uint_eq(t.fallback->generation, 1);
	ck_assert_uint_eq(zg_trial_left(&t, 0), 60);
	ck_assert_uint_eq(zg_trial_left(&t, 59001), 1);
	ck_assert_int_eq(zg_trial_of(&t, 2), ZG_TRIAL_RUNNING);
	ck_assert(!zg_trial_due(&t, 59999));
	ck_assert(zg_trial_confirm(&t, 2));
	ck_assert(!zg_trial_due(&t, 60000));
	ck_assert_ptr_null(t.fallback);
	ck_assert_uint_eq(policy->generation, 2);
	ck_assert_int_eq(zg_trial_of(&t, 2), ZG_TRIAL_CONFIRMED);
	ck_assert(!zg_trial_confirm(&t, 2)); /* once */
}
END_TEST

START_TEST(not_confirmed_the_one_before_comes_back)
{
	begin(2, 60000);
	expire(60000);
	ck_assert_uint_eq(policy->generation, 1);
	ck_assert_int_eq(zg_trial_of(&t, 2), ZG_TRIAL_RETURNED);
	ck_assert(!zg_trial_due(&t, UINT64_MAX));
	ck_assert(!zg_trial_confirm(&t, 0)); /* too late */
}
END_TEST

START_TEST(confirming_another_one_is_nothing)
{
	begin(2, 60000);
	ck_assert(!zg_trial_confirm(&t, 1));
	ck_assert(!zg_trial_confirm(&t, 3));
	ck_assert(t.running);
	ck_assert(zg_trial_confirm(&t, 0));
}
END_TEST

START_TEST(a_second_trial_has_its_own_time_and_the_same_fallback)
{
	begin(2, 60000);
	begin(3, 90000);
	ck_assert(!zg_trial_confirm(&t, 2)); /* who confirms the first has not seen the second */
	ck_assert_int_eq(zg_trial_of(&t, 2), ZG_TRIAL_REPLACED);
	ck_assert(!zg_trial_due(&t, 60000));
	expire(90000);
	ck_assert_uint_eq(policy->generation, 1);
}
END_TEST

START_TEST(put_in_force_for_good_ends_the_trial)
{
	begin(2, 60000);
	zg_trial_applied(&t, &policy, make(3));
	ck_assert(!zg_trial_due(&t, UINT64_MAX));
	ck_assert_uint_eq(policy->generation, 3);
	ck_assert_ptr_null(t.fallback);
	ck_assert_int_eq(zg_trial_of(&t, 2), ZG_TRIAL_REPLACED);
	zg_trial_applied(&t, &policy, make(4));
	ck_assert_uint_eq(policy->generation, 4);
}
END_TEST

START_TEST(without_one_before_nothing_comes_after)
{
	zg_policy_free(policy);
	policy = NULL;
	begin(2, 10);
	expire(10);
	ck_assert_ptr_null(policy);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trial");
	TCase *tc = tcase_create("trial");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_on_trial_at_first);
	tcase_add_test(tc, confirmed_in_time_it_stays);
	tcase_add_test(tc, not_confirmed_the_one_before_comes_back);
	tcase_add_test(tc, confirming_another_one_is_nothing);
	tcase_add_test(tc, a_second_trial_has_its_own_time_and_the_same_fallback);
	tcase_add_test(tc, put_in_force_for_good_ends_the_trial);
	tcase_add_test(tc, without_one_before_nothing_comes_after);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
