/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of refused addresses in a real kernel, each test in a network namespace of its own. Needs root; says SKIP without. */
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nft/nft_int.h"
#include "plan_help.h"

#define LISTS                                                                                                                    \
	"blocklists = ( { name = \"drop\"; file = \"drop\"; }, { name = \"here\"; file = \"here\"; zones = \"internet\"; } );\n" \
	PLAN_DAEMON(2)
#define MANY 100000u

static struct zg_nft *nft;
static struct zg_diags diags;
static struct zg_policy *policy;
static struct zg_blocklist lists[2];
static struct zg_plan_env env;

static void ok(enum zg_err err)
{
	plan_ok(err, &diags);
}

static int run(const char *command)
{
	char *quiet;
	ck_assert_int_gt(asprintf(&quiet, "{ %s; } >/dev/null 2>&1", command), 0);
	int status = system(quiet);
	free(quiet);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	zg_diags_init(&diags);
	env = (struct zg_plan_env){ .hash_seed = 1, .now = time(NULL), .blocklists = lists };
	ok(zg_nft_open(-1, &nft));
	ok(zg_nft_probe(nft, &env.queue));
	policy = plan_policy(PLAN_ZONES, PLAN_MAIL, LISTS, &diags);
	policy->generation = 1;
}

static void teardown(void)
{
	zg_blocklist_free(&lists[0]);
	zg_blocklist_free(&lists[1]);
	zg_policy_free(policy);
	zg_nft_close(nft);
	zg_diags_free(&diags);
}

static void fill(size_t i, const char *text)
{
	struct zg_blocklist raw = { 0 };
	struct zg_blocklist_fault fault = { 0, "" };
	struct zg_blocklist_spared spared;
	zg_blocklist_free(&lists[i]);
	ck_assert_msg(zg_blocklist_parse(text, strlen(text), &raw, &fault) == ZG_OK, "%s", fault.what);
	ok(zg_blocklist_effective(&raw, policy, false, &lists[i], &spared));
	zg_blocklist_free(&raw);
}

static struct zg_plan *compiled(void)
{
	struct zg_plan *plan = NULL;
	ok(zg_plan_compile(policy, &env, &diags, &plan));
	return plan;
}

/* Neighbours, single ones, both ends of the space, both families: what is read back is what was given. */
START_TEST(test_read_back)
{
	fill(0, "192.0.2.0/24\n192.0.3.0/25\n198.51.100.7\n1.0.0.0/8\n255.0.0.0/8\n2001:db8::/32\nff00::/16\n::1\nffff::/16\n");
	fill(1, "# nothing yet\n");
	struct zg_plan *plan = compiled();
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_verify(nft, plan, &diags));
	ck_assert_int_eq(run("nft get element inet zonegate block4 '{ 192.0.3.127 }'"), 0);
	ck_assert_int_ne(run("nft get element inet zonegate block4 '{ 192.0.3.128 }'"), 0);
	ck_assert_int_eq(run("nft get element inet zonegate block4 '{ 255.255.255.255 }'"), 0);
	ck_assert_int_eq(run("nft get element inet zonegate block6 '{ ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff }'"), 0);
	ck_assert_int_ne(run("nft get element inet zonegate block4_here '{ 192.0.2.1 }'"), 0);
	zg_plan_free(plan);
}
END_TEST

/* A list that is read again changes its sets and nothing else; all of it or nothing. */
START_TEST(test_refill)
{
	struct zg_plan *only = NULL;
	fill(0, "192.0.2.0/24\n");
	fill(1, "198.51.100.0/24\n");
	struct zg_plan *plan = compiled();
	ok(zg_nft_commit(nft, plan, &diags));
	zg_plan_free(plan);
	fill(0, "203.0.113.0/24\n2001:db8::/32\n");
	ok(zg_plan_blocklists(policy, &env, &only));
	ok(zg_nft_refill(nft, only, &diags));
	zg_plan_free(only);
	ck_assert_int_ne(run("nft get element inet zonegate block4 '{ 192.0.2.1 }'"), 0);
	ck_assert_int_eq(run("nft get element inet zonegate block4 '{ 203.0.113.255 }'"), 0);
	ck_assert_int_eq(run("nft get element inet zonegate block4_here '{ 198.51.100.1 }'"), 0);
	/* and the whole is what the policy with the new lists would be */
	plan = compiled();
	ok(zg_nft_verify(nft, plan, &diags));
	zg_plan_free(plan);
}
END_TEST

/* Taken out of a table that nobody owns, as a stranger could: seen. */
START_TEST(test_tampered)
{
	static const char *const tampers[] = {
		"nft delete element inet zonegate block4 '{ 192.0.2.0/24 }'",
		"nft add element inet zonegate block4 '{ 203.0.113.1 }'",
		"nft 'delete element inet zonegate block4 { 192.0.2.0/24 } ; add element inet zonegate block4 { 192.0.2.0/25 }'",
	};
	fill(0, "192.0.2.0/24\n198.51.100.7\n");
	struct zg_plan *plan = compiled();
	zg_plan_find_table(plan, ZG_TABLE_POLICY)->owned = false;
	ok(zg_nft_commit(nft, plan, &diags));
	ck_assert_int_eq(run(tampers[_i]), 0);
	ck_assert_int_eq(zg_nft_verify(nft, plan, &diags), ZG_EDRIFT);
	ck_assert(plan_said(&diags, "block4 holds"));
	zg_plan_free(plan);
}
END_TEST

/* As large as lists get: loaded, and read again, each within a second on a machine that is not busy. */
START_TEST(test_hundred_thousand)
{
	char *text = malloc(MANY * 20);
	size_t len = 0;
	struct zg_plan *only = NULL;
	ck_assert_ptr_nonnull(text);
	for (uint32_t i = 0; i < MANY; i++)
		len += (size_t)sprintf(text + len, "%u.%u.%u.%u\n", 11 + (i >> 14), i >> 6 & 0xff, (i & 0x3f) * 4, i % 251);
	fill(0, text);
	ck_assert_uint_eq(lists[0].n, MANY);
	struct zg_plan *plan = compiled();
	const double t0 = seconds();
	ok(zg_nft_commit(nft, plan, &diags));
	const double t1 = seconds();
	ok(zg_plan_blocklists(policy, &env, &only));
	ok(zg_nft_refill(nft, only, &diags));
	const double t2 = seconds();
	if (getenv("ZG_TEST_SHOW") != NULL)
		fprintf(stderr, "# 100,000 entries: commit and read back %.2f s, filled anew and read back %.2f s\n", t1 - t0, t2 - t1);
	ck_assert_double_lt(t2 - t1, 10.0);
	zg_plan_free(only);
	zg_plan_free(plan);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nft_lists");
	TCase *tc = tcase_create("kernel");
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_read_back);
	tcase_add_test(tc, test_refill);
	tcase_add_loop_test(tc, test_tampered, 0, 3);
	tcase_add_test(tc, test_hundred_thousand);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
