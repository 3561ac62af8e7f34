/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Meters in a real kernel, each test in a network namespace of its own. Needs root; says SKIP without. */
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nft/nft_int.h"
#include "plan_help.h"

#define ALL                                                                                                               \
	"monitor = ( { zone = \"internet\"; connections = { limit = 1000000; burst = 1000000; block = 604800; };\n"       \
	" scan = { limit = 1; seconds = 3600; }; flood = { limit = 7; seconds = 3; burst = 20; block = 1; };\n"           \
	" target = { limit = 5; }; first_seen = true; }, { zone = \"lgwan\"; scan = { limit = 100; block = 60; }; } );\n" \
	PLAN_DAEMON(2)

static struct zg_nft *nft;
static struct zg_diags diags;
static enum zg_queue_kind kind;

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

static void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	zg_diags_init(&diags);
	ok(zg_nft_open(-1, &nft));
	ok(zg_nft_probe(nft, &kind));
}

static void teardown(void)
{
	zg_nft_close(nft);
	zg_diags_free(&diags);
}

/* The policy table belongs to nobody, so that a stranger can change it. */
static struct zg_plan *committed(uint32_t generation, const char *more)
{
	struct zg_plan *plan = plan_compile(plan_policy(PLAN_ZONES, PLAN_MAIL, more, &diags), generation, kind, &diags);
	zg_plan_find_table(plan, ZG_TABLE_POLICY)->owned = false;
	ok(zg_nft_commit(nft, plan, &diags));
	return plan;
}

START_TEST(test_read_back)
{
	struct zg_plan *plan = committed(1, ALL);
	ok(zg_nft_verify(nft, plan, &diags));
	zg_plan_free(plan);
}
END_TEST

/* What is in a meter is no difference, and goes on under the next policy, unless that counts in another way. */
START_TEST(test_counted_goes_on)
{
	struct zg_plan *plan = committed(1, ALL);
	ck_assert_int_eq(run("nft add element inet zonegate blocked4_internet '{ 10.30.0.9 timeout 1h }'"), 0);
	ck_assert_int_eq(run("nft add element inet zonegate blocked4_lgwan '{ 10.20.0.9 timeout 1h }'"), 0);
	ok(zg_nft_verify(nft, plan, &diags));
	zg_plan_free(plan);
	plan = committed(2, "monitor = ( { zone = \"internet\"; scan = { limit = 9; block = 2; }; } );\n" PLAN_DAEMON(1));
	ck_assert_int_eq(run("nft get element inet zonegate blocked4_internet '{ 10.30.0.9 }'"), 0);
	ck_assert_int_ne(run("nft list set inet zonegate blocked4_lgwan"), 0);
	zg_plan_free(plan);
	plan = committed(3, PLAN_DAEMON(1));
	ck_assert_int_ne(run("nft list set inet zonegate blocked4_internet"), 0);
	zg_plan_free(plan);
}
END_TEST

/* A meter with another limit, a set of another size, a rule less: seen. */
START_TEST(test_tampered)
{
	static const char *const tampers[] = {
		"nft add rule inet zonegate monitor_lgwan update @scan4_lgwan '{ ip saddr timeout 1m limit rate over 3/second }'",
		("nft -a list chain inet zonegate monitor_lgwan | sed -n 's/.*blocked4_lgwan.*handle //p' | head -n1 |"
		 " xargs nft delete rule inet zonegate monitor_lgwan handle"),
		"nft add set inet zonegate more '{ type ipv4_addr; flags dynamic,timeout; size 7; }'",
	};
	struct zg_plan *plan = committed(1, ALL);
	ck_assert_int_eq(run(tampers[_i]), 0);
	ck_assert_int_eq(zg_nft_verify(nft, plan, &diags), ZG_EDRIFT);
	zg_plan_free(plan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nft_monitor");
	TCase *tc = tcase_create("kernel");
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_read_back);
	tcase_add_test(tc, test_counted_goes_on);
	tcase_add_loop_test(tc, test_tampered, 0, 3);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
