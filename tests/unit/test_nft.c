/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans in a real kernel, in network namespaces of the tests' own. Needs root; says SKIP without. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nft/nft_int.h"
#include "unit.h"
#include "zonegate/mark.h"

static const char zones[] =
	"version = 1; body = \"見本市\"; model = \"alpha\";\n"
	"zones = (\n"
	" { name = \"mynumber\"; kind = \"mynumber\"; interfaces = [ \"mn0\" ]; addresses = [ \"10.10.0.0/24\", \"fd00:10::/64\" ]; },\n"
	" { name = \"lgwan\"; kind = \"lgwan\"; interfaces = [ \"lg0\" ]; addresses = [ \"10.20.0.0/24\", \"fd00:20::/64\" ]; },\n"
	" { name = \"internet\"; kind = \"internet\"; interfaces = [ \"in0\" ]; addresses = [ \"0.0.0.0/0\", \"::/0\" ]; } );\n";

#define FLOW(name, source, destination, more)                                                                          \
	"{ name = \"" name "\"; from = \"internet\"; to = \"lgwan\"; source = [ " source " ]; destination = [ " destination    \
	" ]; protocol = \"tcp\"; port = 25; inspector = \"smtp\"; purpose = \"p\"; ticket = \"t\"; approver = \"a\"; " more " }"

#define MAIL FLOW("mail-in", "\"10.30.0.25\", \"fd00:30::25\"", "\"10.20.0.25\", \"fd00:20::25\"", "")
#define DAEMON(n) "daemon = { inspectors = " #n "; queue_base = 100; };\n"

static struct zg_nft *nft;
static struct zg_diags diags;
static enum zg_queue_kind kind;

static struct zg_plan *plan_of(uint32_t generation, const char *flows, const char *daemon)
{
	struct zg_policy *policy = NULL;
	struct zg_plan *plan = NULL;
	char *text;
	ck_assert_int_gt(asprintf(&text, "%sflows = ( %s );\n%s", zones, flows, daemon), 0);
	enum zg_err err = zg_conf_parse("test.conf", text, strlen(text), &diags, &policy);
	if (err == ZG_OK) {
		const struct zg_plan_env env = { .queue = kind, .hash_seed = 0xfeedface, .now = time(NULL) };
		policy->generation = generation;
		err = zg_plan_compile(policy, &env, &diags, &plan);
	}
	if (err != ZG_OK) {
		char *said = zg_diags_text(&diags, false);
		ck_abort_msg("%s\n%s", zg_strerror(err), said);
	}
	zg_policy_free(policy);
	free(text);
	return plan;
}

static void ok(enum zg_err err)
{
	if (err != ZG_OK) {
		char *said = zg_diags_text(&diags, false);
		ck_abort_msg("%s\n%s", zg_strerror(err), said);
	}
}

static bool said(const char *text)
{
	for (size_t i = 0; i < diags.n; i++)
		if (strstr(diags.items[i].message, text) != NULL)
			return true;
	return false;
}

static void forget(void)
{
	zg_diags_free(&diags);
	zg_diags_init(&diags);
}

/* A shell command in our namespace; its exit status. */
static int run(const char *command)
{
	int status = system(command);
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

START_TEST(test_commit_and_read_back)
{
	struct zg_plan *plan = plan_of(1, MAIL, DAEMON(4));
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_verify(nft, plan, &diags));
	ck_assert_int_eq(run("nft list table inet zonegate >/dev/null && nft list table inet zonegate_backstop >/dev/null"), 0);
	if (getenv("ZG_TEST_SHOW") != NULL)
		run("nft list ruleset >&2");
	zg_plan_free(plan);
}
END_TEST

START_TEST(test_foreign_owner)
{
	struct zg_nft *other;
	struct zg_plan *plan = plan_of(1, MAIL, DAEMON(1));
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_open(-1, &other));
	ck_assert_int_eq(zg_nft_commit(other, plan, &diags), ZG_EPERM);
	ck_assert(said("another process owns"));
	forget();
	/* a check from outside still asks the kernel, under another name */
	ok(zg_nft_dry_run(other, plan, &diags));
	ck_assert_int_ne(run("nft list table inet zonegate_check 2>/dev/null"), 0);
	ck_assert_int_ne(run("nft flush ruleset 2>/dev/null; nft delete table inet zonegate 2>/dev/null"), 0);
	zg_nft_close(other);
	zg_plan_free(plan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nft");
	TCase *tc = tcase_create("kernel");
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_commit_and_read_back);
	tcase_add_test(tc, test_foreign_owner);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
