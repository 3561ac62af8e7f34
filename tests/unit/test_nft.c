/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans in a real kernel, each test in a network namespace of its own. Needs root; says SKIP without. */
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nft/nft_int.h"
#include "plan_help.h"
#include "zonegate/mark.h"

#define MORE                                                                                                           \
	PLAN_MAIL "," PLAN_FLOW("second", "\"10.30.1.0/24\", \"fd00:31::/48\"", "\"10.20.0.30\", \"fd00:20::30\"", "")

static struct zg_nft *nft;
static struct zg_diags diags;
static enum zg_queue_kind kind;

static struct zg_plan *plan_of(uint32_t generation, const char *flows, const char *daemon)
{
	return plan_compile(plan_policy(PLAN_ZONES, flows, daemon, &diags), generation, kind, &diags);
}

static void ok(enum zg_err err)
{
	plan_ok(err, &diags);
}

/* A shell command in our namespace; its exit status. nft warns about xtables targets that it cannot print. */
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

START_TEST(test_commit_and_read_back)
{
	static const char *const daemons[] = { PLAN_DAEMON(1), PLAN_DAEMON(4), PLAN_DAEMON(2) };
	for (size_t i = 0; i < 3; i++) {
		struct zg_plan *plan = plan_of((uint32_t)i + 1, MORE, daemons[i]);
		ok(zg_nft_commit(nft, plan, &diags));
		ok(zg_nft_verify(nft, plan, &diags));
		zg_plan_free(plan);
	}
	ck_assert_int_eq(run("nft list table inet zonegate | grep -Eq '10.30.0.25 . 10.20.0.25 . (tcp|6) . 25'"), 0);
	ck_assert_int_eq(run("nft list table inet zonegate | grep -Eq 'fd00:30::25 . fd00:20::25 . (tcp|6) . 25'"), 0);
	ck_assert_int_eq(run("nft list table inet zonegate_backstop | grep -q 'priority 1000; policy drop;'"), 0);
	if (getenv("ZG_TEST_SHOW") != NULL)
		ck_assert_int_eq(system("nft list ruleset >&2"), 0);
}
END_TEST

/* The base chains and the counters of the first commit are those of the second: nothing is unhooked in between. */
START_TEST(test_commit_again_keeps_hooks)
{
	struct zg_plan *one = plan_of(1, MORE, PLAN_DAEMON(4)), *two = plan_of(2, PLAN_MAIL, PLAN_DAEMON(1));
	ok(zg_nft_commit(nft, one, &diags));
	FILE *before = popen(
		"nft -a list ruleset 2>/dev/null | grep -E 'chain (forward|arrive)|counter [a-z_0-9]+ ' | sort", "r");
	char a[8192] = "", b[8192] = "";
	ck_assert_ptr_nonnull(before);
	ck_assert_uint_gt(fread(a, 1, sizeof a - 1, before), 100);
	pclose(before);
	ok(zg_nft_commit(nft, two, &diags));
	FILE *after = popen(
		"nft -a list ruleset 2>/dev/null | grep -E 'chain (forward|arrive)|counter [a-z_0-9]+ ' | sort", "r");
	ck_assert_ptr_nonnull(after);
	ck_assert_uint_gt(fread(b, 1, sizeof b - 1, after), 100);
	pclose(after);
	/* rules name counters too, with handles of their own: compare the lines that define something */
	for (char *line = strtok(a, "\n"); line != NULL; line = strtok(NULL, "\n"))
		if (strstr(line, "{ # handle") != NULL)
			ck_assert_msg(strstr(b, line) != NULL, "gone: %s", line);
	ck_assert_int_ne(run("nft list table inet zonegate | grep -q 10.20.0.30"), 0);
	ck_assert_int_ne(run("nft list table inet zonegate | grep -q queue_1"), 0);
	zg_plan_free(one);
	zg_plan_free(two);
}
END_TEST

START_TEST(test_dry_run_leaves_nothing)
{
	struct zg_plan *one = plan_of(1, PLAN_MAIL, PLAN_DAEMON(2)), *two = plan_of(2, MORE, PLAN_DAEMON(4));
	ok(zg_nft_dry_run(nft, one, &diags));
	ck_assert_int_eq(run("test -z \"$(nft list ruleset)\""), 0);
	ok(zg_nft_commit(nft, one, &diags));
	ok(zg_nft_dry_run(nft, two, &diags));
	ok(zg_nft_verify(nft, one, &diags));
	zg_plan_free(one);
	zg_plan_free(two);
}
END_TEST

/* A plan that the kernel refuses: said with the flow and its line, and everything stays as it was. */
START_TEST(test_refused_plan_changes_nothing)
{
	struct zg_plan *one = plan_of(1, PLAN_MAIL, PLAN_DAEMON(2)), *two = plan_of(2, MORE, PLAN_DAEMON(2));
	struct zg_set *set = zg_table_find_set(zg_plan_find_table(two, ZG_TABLE_POLICY),
					       _i == 0 ? "flows4_internet_lgwan" : "ranges4_internet_lgwan");
	ck_assert_ptr_nonnull(set);
	ck_assert_uint_eq(set->n_elems, 1);
	struct zg_elem twin = set->elems[0], *e = zg_plan_elem(set);
	*e = twin;
	e->mark++;
	ok(zg_nft_commit(nft, one, &diags));
	ck_assert_int_eq(zg_nft_dry_run(nft, two, &diags), ZG_EKERNEL);
	plan_forget(&diags);
	ck_assert_int_eq(zg_nft_commit(nft, two, &diags), ZG_EKERNEL);
	ck_assert_uint_ge(diags.n, 1);
	ck_assert_msg(strstr(diags.items[0].message,
			     _i == 0 ? "the kernel refused an element of flow \"mail-in\": "
				     : "the kernel refused an element of flow \"second\": File exists") != NULL,
		      "%s", diags.items[0].message);
	ck_assert_uint_eq(diags.items[0].line, twin.line);
	plan_forget(&diags);
	ok(zg_nft_verify(nft, one, &diags));
	/* a rule, too: a chain that is not there */
	set->n_elems--;
	const struct zg_expr jump = { .kind = ZG_X_VERDICT, .op = (uint32_t)-3, .name = "nowhere" };
	ck_assert_ptr_nonnull(zg_plan_rule(&two->tables[1].chains[0], &jump, 1, 17));
	ck_assert_int_eq(zg_nft_commit(nft, two, &diags), ZG_EKERNEL);
	ck_assert(plan_said(&diags, "the kernel refused the rule of chain forward: No such file or directory"));
	ck_assert_uint_eq(diags.items[0].line, 17);
	plan_forget(&diags);
	ok(zg_nft_verify(nft, one, &diags));
	zg_plan_free(one);
	zg_plan_free(two);
}
END_TEST

/* A transaction that was made for another generation of the rule set. */
START_TEST(test_conflict)
{
	struct zg_plan *plan = plan_of(1, PLAN_MAIL, PLAN_DAEMON(2));
	struct zg_batch b;
	uint32_t genid;
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_genid(nft, &genid));
	ck_assert_int_eq(run("nft add table inet somebody"), 0);
	zg_batch_begin(&b, nft->seq + 1, genid);
	b.table = ZG_TABLE_BACKSTOP;
	zg_put_del_table(&b);
	zg_batch_end(&b, true);
	ck_assert_int_eq(zg_nft_transact(nft, &b, plan, &diags), ZG_EAGAIN);
	ck_assert_uint_eq(diags.n, 0);
	zg_batch_free(&b);
	ok(zg_nft_verify(nft, plan, &diags));
	zg_plan_free(plan);
}
END_TEST

START_TEST(test_foreign_owner)
{
	struct zg_nft *other;
	struct zg_plan *plan = plan_of(1, PLAN_MAIL, PLAN_DAEMON(1));
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_open(-1, &other));
	ck_assert_int_eq(zg_nft_commit(other, plan, &diags), ZG_EPERM);
	ck_assert(plan_said(&diags, "another process owns"));
	plan_forget(&diags);
	ck_assert_int_eq(zg_nft_verify(other, plan, &diags), ZG_EDRIFT);
	ck_assert(plan_said(&diags, "another process owns"));
	plan_forget(&diags);
	/* a check from outside still asks the kernel, under another name */
	ok(zg_nft_dry_run(other, plan, &diags));
	ck_assert_int_ne(run("nft list table inet zonegate_check"), 0);
	ck_assert_int_ne(run("nft delete table inet zonegate"), 0);
	ck_assert_int_ne(run("nft add rule inet zonegate forward accept"), 0);
	zg_nft_close(other);
	ok(zg_nft_verify(nft, plan, &diags));
	zg_plan_free(plan);
}
END_TEST

/* What somebody does to the backstop is seen, named, and made good by the next commit and by zg_nft_backstop(). */
static const struct {
	const char *command, *words;
} tampers[] = {
	{ "nft delete table inet zonegate_backstop", "has no table inet zonegate_backstop" },
	{ "nft insert rule inet zonegate_backstop forward accept", "rule 1 of chain forward is \"accept\"" },
	{ "nft add rule inet zonegate_backstop arrive meta mark set 0x9a7e0001", "rule 2 of chain arrive is" },
	{ "nft flush chain inet zonegate_backstop arrive", "rule 1 of chain arrive is \"\"" },
	{ "nft 'chain inet zonegate_backstop forward { policy accept; }'", "priority 1000; policy accept" },
	{ "nft 'add chain inet zonegate_backstop more { type filter hook forward priority 1001; }'",
	  "chain more is not in the policy" },
	{ "nft 'add chain inet zonegate_backstop x; add rule inet zonegate_backstop forward jump x'",
	  "chain x is not in the policy" },
	{ "nft 'add set inet zonegate_backstop s { type ipv4_addr; }'", "set s is not in the policy" },
	{ "nft 'add table inet zonegate_backstop { flags dormant; }'", "is dormant" },
	{ "nft flush table inet zonegate_backstop && nft delete chain inet zonegate_backstop arrive",
	  "chain arrive is missing" },
	{ "nft 'flush chain inet zonegate_backstop forward; delete chain inet zonegate_backstop forward; "
	  "add chain inet zonegate_backstop forward { type filter hook input priority 0; }'",
	  "hook input" },
	{ "nft flush ruleset", "has no table inet zonegate_backstop" },
};

START_TEST(test_tampered_backstop)
{
	struct zg_plan *plan = plan_of(1, PLAN_MAIL, PLAN_DAEMON(2)), *backstop = NULL;
	ok(zg_plan_backstop(&backstop));
	ok(zg_nft_commit(nft, plan, &diags));
	for (int way = 0; way < 2; way++) {
		ck_assert_int_eq(run(tampers[_i].command), 0);
		ck_assert_int_eq(zg_nft_verify(nft, plan, &diags), ZG_EDRIFT);
		ck_assert_msg(plan_said(&diags, tampers[_i].words), "%s", diags.items[0].message);
		plan_forget(&diags);
		ok(way == 0 ? zg_nft_commit(nft, plan, &diags) : zg_nft_backstop(nft, &diags));
		ok(zg_nft_verify(nft, way == 0 ? plan : backstop, &diags));
	}
	zg_plan_free(backstop);
	zg_plan_free(plan);
}
END_TEST

/* Each expression and each element that we write is read back as something that can differ. */
START_TEST(test_own_table_differs)
{
	static const char *const tables[] = { ZG_TABLE_POLICY, ZG_TABLE_ROUTER };
	struct zg_plan *plan = plan_of(1, PLAN_MAIL, PLAN_DAEMON(2) PLAN_ROUTER);
	ok(zg_nft_commit(nft, plan, &diags));
	struct zg_table *table = zg_plan_find_table(plan, tables[_i]);
	for (size_t c = 0; c < table->n_chains; c++) {
		for (size_t r = 0; r < table->chains[c].n_rules; r++) {
			for (size_t i = 0; i < table->chains[c].rules[r].n; i++) {
				struct zg_expr *x = &table->chains[c].rules[r].exprs[i], was = *x;
				const char *name = x->name;
				if (name != NULL)
					x->name = "other";
				else if (x->kind == ZG_X_META_LOAD || x->kind == ZG_X_META_SET ||
					 x->kind == ZG_X_CT_LOAD || x->kind == ZG_X_LIMIT)
					x->key++;
				else if (x->kind == ZG_X_QUEUE || x->kind == ZG_X_TARGET)
					x->key = 1; /* bypass */
				else if (x->kind == ZG_X_HASH)
					x->seed++;
				else if (x->kind == ZG_X_VERDICT)
					x->op ^= 1;
				else if (x->kind == ZG_X_BITWISE)
					x->mask[0] ^= 1;
				else if (x->kind == ZG_X_PAYLOAD)
					x->offset++;
				else
					x->data[0] ^= 1;
				ck_assert_int_eq(zg_nft_verify(nft, plan, &diags), ZG_EDRIFT);
				plan_forget(&diags);
				*x = was;
			}
		}
	}
	ok(zg_nft_verify(nft, plan, &diags));
	zg_plan_free(plan);
}
END_TEST

START_TEST(test_leftover_table_is_replaced)
{
	struct zg_plan *plan = plan_of(1, PLAN_MAIL, PLAN_DAEMON(2));
	ck_assert_int_eq(run("nft 'table inet zonegate { chain forward { type filter hook forward priority 5; policy "
			     "accept;\n accept\n }\n"
			     "set source4 { type ipv4_addr; }\n }'"),
			 0);
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_verify(nft, plan, &diags));
	zg_plan_free(plan);
}
END_TEST

START_TEST(test_expiry_in_the_kernel)
{
	struct zg_plan *plan = plan_of(1, MORE, PLAN_DAEMON(1));
	struct zg_table *table = zg_plan_find_table(plan, ZG_TABLE_POLICY);
	zg_table_find_set(table, "flows4_internet_lgwan")->elems[0].expires = time(NULL) + 2;
	zg_table_find_set(table, "ranges6_internet_lgwan")->elems[0].expires = time(NULL) + 2;
	zg_table_find_set(table, "ranges4_internet_lgwan")->elems[0].expires = time(NULL) + 400L * 24 * 3600 * 30;
	ok(zg_nft_commit(nft, plan, &diags));
	ck_assert_int_eq(run("nft list map inet zonegate flows4_internet_lgwan | grep -q '10.30.0.25.*expires'"), 0);
	usleep(2300000);
	ck_assert_int_ne(run("nft list map inet zonegate flows4_internet_lgwan | grep -q 10.30.0.25"), 0);
	ck_assert_int_ne(run("nft list map inet zonegate ranges6_internet_lgwan | grep -q fd00:31::"), 0);
	ck_assert_int_eq(run("nft list map inet zonegate ranges4_internet_lgwan | grep -q '10.30.1.0/24.*expires'"), 0);
	ok(zg_nft_verify(nft, plan, &diags));
	/* again, when it has ended already */
	ok(zg_nft_commit(nft, plan, &diags));
	/* one that should end and does not */
	zg_plan_free(plan);
	plan = plan_of(2, PLAN_MAIL, PLAN_DAEMON(1));
	ok(zg_nft_commit(nft, plan, &diags));
	zg_table_find_set(zg_plan_find_table(plan, ZG_TABLE_POLICY), "flows4_internet_lgwan")->elems[0].expires =
		time(NULL) + 100;
	ck_assert_int_eq(zg_nft_verify(nft, plan, &diags), ZG_EDRIFT);
	zg_plan_free(plan);
}
END_TEST

/* A line of what nft lists, with its handle; "" if there is none. */
static void line_of(const char *part, char ret_line[256])
{
	char *command;
	ck_assert_int_gt(
		asprintf(&command,
			 "nft -a list ruleset 2>/dev/null | sed -n '/table inet zonegate {/,/^}/p' | grep -F '%s'",
			 part),
		0);
	FILE *out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	if (fgets(ret_line, 256, out) == NULL)
		ret_line[0] = '\0';
	pclose(out);
	free(command);
}

/* Closing the socket never takes the backstop. The policy table goes with the last holder of its socket, or, where the
 * kernel can, stays without an owner and is taken over with its hooks and sums. */
START_TEST(test_socket_owns_the_table)
{
	struct zg_plan *plan = plan_of(1, PLAN_MAIL, PLAN_DAEMON(2));
	struct zg_nft *again;
	char before[256], after[256];
	const bool persist = _i == 1 && nft->persist;
	nft->persist = persist;
	ok(zg_nft_commit(nft, plan, &diags));
	int stored = dup(zg_nft_fd(nft));
	zg_nft_close(nft);
	ck_assert_int_eq(run("nft list table inet zonegate"), 0);
	ok(zg_nft_open(stored, &again));
	again->persist = persist;
	ok(zg_nft_verify(again, plan, &diags));
	ok(zg_nft_commit(again, plan, &diags));
	line_of("chain forward", before);
	ck_assert_str_ne(before, "");
	zg_nft_close(again);
	ck_assert_int_eq(run("nft list table inet zonegate_backstop"), 0);
	line_of("chain forward", after);
	ck_assert_str_eq(after, persist ? before : "");
	ck_assert_int_eq(zg_nft_open(STDERR_FILENO, &again), ZG_EINVAL);

	ok(zg_nft_open(-1, &nft));
	nft->persist = persist;
	if (persist)
		ck_assert_int_eq(zg_nft_verify(nft, plan, &diags), ZG_EDRIFT);
	ok(zg_nft_dry_run(nft, plan, &diags));
	ok(zg_nft_commit(nft, plan, &diags));
	line_of("chain forward", after);
	ck_assert(!persist || strcmp(before, after) == 0);
	ck_assert_int_ne(run("nft delete table inet zonegate"), 0);
	zg_plan_free(plan);
}
END_TEST

START_TEST(test_stations)
{
	static const char zones[] = "version = 1; model = \"alpha\"; zones = (\n"
				    "{ name = \"a\"; kind = \"lgwan\"; interfaces = [ \"a0\", \"a1\" ]; addresses = [ "
				    "\"10.20.0.0/24\", \"fd00:20::/64\" ];\n"
				    "  stations = ( { address = \"10.20.0.25\"; mac = \"00:53:00:00:00:01\"; }, { "
				    "address = \"fd00:20::25\"; mac = \"00:53:00:00:00:01\"; } ); },\n"
				    "{ name = \"b\"; kind = \"internet\"; interfaces = [ \"b0\" ]; addresses = [ "
				    "\"10.30.0.0/24\" ]; } );\n";
	static const char flow[] =
		"{ name = \"f\"; from = \"b\"; to = \"a\"; source = [ \"10.30.0.25\" ]; destination = [ \"10.20.0.25\" "
		"]; protocol = \"tcp\";"
		" port = 25; inspector = \"smtp\"; purpose = \"p\"; ticket = \"t\"; approver = \"a\"; }";
	struct zg_plan *plan = plan_compile(plan_policy(zones, flow, PLAN_DAEMON(2), &diags), 1, kind, &diags);
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_verify(nft, plan, &diags));
	ck_assert_int_eq(
		run("nft list set inet zonegate station_mac6 | grep -q '\"a1\" . fd00:20::25 . 00:53:00:00:00:01'"), 0);
	zg_plan_free(plan);
	/* and away again */
	plan = plan_of(2, PLAN_MAIL, PLAN_DAEMON(2));
	ok(zg_nft_commit(nft, plan, &diags));
	ck_assert_int_ne(run("nft list set inet zonegate station_mac6"), 0);
	zg_plan_free(plan);
}
END_TEST

START_TEST(test_counters)
{
	struct zg_plan *plan = plan_of(5, MORE, PLAN_DAEMON(2));
	struct zg_nft_counter *counters;
	size_t n, named = 0, flows = 0;
	ok(zg_nft_counters(nft, true, &counters, &n));
	ck_assert_uint_eq(n, 0);
	free(counters);
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_counters(nft, true, &counters, &n));
	for (size_t i = 0; i < n; i++) {
		named += strcmp(counters[i].name, "drop_noflow") == 0 || strcmp(counters[i].name, "passed") == 0;
		flows += strcmp(counters[i].name, "flow:1") == 0 || strcmp(counters[i].name, "flow:2") == 0;
	}
	ck_assert_uint_eq(named, 2);
	ck_assert_uint_eq(flows, 2);
	free(counters);
	/* nothing has passed yet */
	ok(zg_nft_counters(nft, false, &counters, &n));
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(counters[i].mark, 0);
	ck_assert_uint_gt(n, 0);
	free(counters);
	zg_plan_free(plan);
}
END_TEST

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 50,000 flows, every hundredth with a range: whole transaction and its proof within seconds. */
/* Whoever else commits is heard, with the name of the process; we are not. */
START_TEST(test_others_are_heard)
{
	struct zg_nft_changes by;
	struct zg_plan *plan = plan_of(1, MORE, PLAN_DAEMON(2)), *cut = NULL;
	static const char *const names[] = { "lg0" };
	const struct zg_plan_env env = { .isolated = names, .n_isolated = 1 };
	uint32_t genid;
	ok(zg_nft_listen(nft));
	ok(zg_nft_dry_run(nft, plan, &diags));
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_plan_isolation(&env, &cut));
	ok(zg_nft_refill(nft, cut, &diags));
	zg_plan_free(cut);
	zg_nft_heard(nft, &by);
	ck_assert(!by.any);
	ck_assert_int_eq(run("for i in 1 2 3; do nft add table ip other$i; done"), 0);
	zg_nft_heard(nft, &by);
	ck_assert(by.any);
	ck_assert_uint_eq(by.n, 3);
	for (size_t i = 0; i < by.n; i++) {
		ck_assert_str_eq(by.actors[i].name, "nft");
		ck_assert_uint_ne(by.actors[i].pid, 0);
	}
	zg_nft_heard(nft, &by);
	ck_assert(!by.any);
	/* more processes than there are names kept of */
	ck_assert_int_eq(run("for i in 1 2 3 4 5 6; do nft add table ip x$i; done"), 0);
	zg_nft_heard(nft, &by);
	ck_assert(by.any);
	ck_assert_uint_eq(by.n, ZG_NFT_ACTORS);
	/* one that falls into a commit of ours: heard of, nameless */
	ok(zg_nft_genid(nft, &genid));
	zg_nft_listen_pause(nft);
	ck_assert_int_eq(run("nft add table ip meanwhile"), 0);
	zg_nft_listen_resume(nft, genid);
	zg_nft_heard(nft, &by);
	ck_assert(by.any);
	ck_assert_uint_eq(by.n, 0);
	zg_plan_free(plan);
}
END_TEST

static bool finds(const char *text)
{
	struct zg_nft_foreign *list;
	size_t n, hits = 0;
	bool partial;
	ok(zg_nft_foreign(&list, &n, &partial));
	for (size_t i = 0; i < n; i++)
		hits += strcmp(list[i].text, text) == 0;
	free(list);
	ck_assert_uint_le(hits, 1);
	return hits == 1;
}

/* What another table could do to packets of the boundary, each once; what ends at the router itself is its own affair. */
START_TEST(test_foreign_tables)
{
	struct zg_plan *plan = plan_of(1, MORE, PLAN_DAEMON(2));
	struct zg_nft_foreign *list;
	size_t n;
	bool partial;
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_foreign(&list, &n, &partial));
	ck_assert_uint_eq(n, 0);
	ck_assert(!partial);
	free(list);
	ck_assert_int_eq(run("nft 'table inet a { chain f { type filter hook forward priority 5; policy drop; notrack; notrack; "
			     "ip ttl set 9; }; chain i { type filter hook input priority 0; }; chain x { }; }'"), 0);
	ck_assert(finds("table inet a: chain f hooks forward (filter, priority 5, policy drop)"));
	ck_assert(finds("table inet a: rules with notrack"));
	ck_assert(finds("table inet a: rules that rewrite packets"));
	ok(zg_nft_foreign(&list, &n, &partial));
	ck_assert_uint_eq(n, 3);
	free(list);
	ck_assert_int_eq(run("ip link add d0 type veth peer name d1 && nft 'table netdev b { chain in { type filter hook ingress device d0 "
			     "priority -7; fwd to d1; }; }'"), 0);
	ck_assert(finds("table netdev b: chain in hooks ingress (filter, priority -7, policy accept)"));
	ck_assert(finds("table netdev b: rules with fwd"));
	ck_assert_int_eq(run("nft delete table inet a; nft delete table netdev b"), 0);
	ok(zg_nft_foreign(&list, &n, &partial));
	ck_assert_uint_eq(n, 0);
	free(list);
	zg_plan_free(plan);
}
END_TEST

/* However many there are, a bounded number is looked at. */
START_TEST(test_foreign_crowd)
{
	struct zg_nft_foreign *list;
	size_t n;
	bool partial;
	ck_assert_int_eq(run(_i == 0 ? "{ echo 'table ip a { chain x {'; yes 'counter' | head -n 9000; echo '}; }'; } | nft -f -" :
			     _i == 1 ? "for i in $(seq 200); do echo \"table ip t$i { chain x { type filter hook forward priority 0; }; }\"; "
				       "done | nft -f -" :
				       "{ echo 'table ip a {'; for i in $(seq 9000); do echo \"chain x$i { }\"; done; echo '}'; } | nft -f -"),
			 0);
	ok(zg_nft_foreign(&list, &n, &partial));
	ck_assert(partial);
	ck_assert_uint_le(n, 128);
	free(list);
}
END_TEST

START_TEST(test_large_policy)
{
	struct zg_nft_changes by;
	const size_t n_ranges = getenv("ZG_TEST_RANGES") != NULL ? strtoul(getenv("ZG_TEST_RANGES"), NULL, 10) : 100;
	struct zg_policy *policy = plan_policy(PLAN_ZONES, PLAN_MAIL, PLAN_DAEMON(4), &diags);
	const struct zg_plan_env env = { .queue = kind, .hash_seed = 1, .now = time(NULL) };
	struct zg_flow *one = policy->flows, *many = calloc(50000, sizeof *many);
	struct zg_range *sources = calloc(50000, sizeof *sources);
	struct zg_plan *plan = NULL;
	ck_assert(many != NULL && sources != NULL);
	for (size_t i = 0; i < 50000; i++) {
		many[i] = *one;
		sources[i] = one->sources[0];
		sources[i].lo.b[1] = sources[i].hi.b[1] = (uint8_t)(100 + i / 25000);
		sources[i].lo.b[2] = sources[i].hi.b[2] = (uint8_t)(i % 25000 / 125);
		sources[i].lo.b[3] = sources[i].hi.b[3] = (uint8_t)(2 * (i % 125));
		if (i % n_ranges == 0)
			sources[i].hi.b[3]++;
		many[i].sources = &sources[i];
		many[i].n_sources = 1;
		many[i].mark = (uint32_t)i + 1;
	}
	policy->flows = many;
	policy->n_flows = 50000;
	double t0 = seconds();
	ok(zg_plan_compile(policy, &env, &diags, &plan));
	double t1 = seconds();
	ok(zg_nft_dry_run(nft, plan, &diags));
	double t2 = seconds();
	ok(zg_nft_listen(nft));
	ok(zg_nft_commit(nft, plan, &diags));
	zg_nft_heard(nft, &by);
	ck_assert(!by.any);
	double t3 = seconds();
	ok(zg_nft_commit(nft, plan, &diags));
	double t4 = seconds();
	ok(zg_nft_verify(nft, plan, &diags));
	double t5 = seconds();
	struct zg_nft_counter *counters;
	size_t n;
	ok(zg_nft_counters(nft, true, &counters, &n));
	ck_assert_uint_gt(n, 50000);
	ck_assert_str_eq(counters[n - 1].name, "flow:50000");
	free(counters);
	if (getenv("ZG_TEST_SHOW") != NULL)
		fprintf(stderr,
			"# 50,000 flows: compile %.2f s, dry run %.2f s, commit and read back %.2f s, again %.2f s, "
			"read back %.2f s\n",
			t1 - t0, t2 - t1, t3 - t2, t4 - t3, t5 - t4);
	ck_assert(t4 - t3 < 15);
	zg_plan_free(plan);
	policy->flows = one;
	policy->n_flows = 1;
	free(many);
	free(sources);
	zg_policy_free(policy);
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
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_commit_and_read_back);
	tcase_add_test(tc, test_commit_again_keeps_hooks);
	tcase_add_test(tc, test_dry_run_leaves_nothing);
	tcase_add_loop_test(tc, test_refused_plan_changes_nothing, 0, 2);
	tcase_add_test(tc, test_conflict);
	tcase_add_test(tc, test_foreign_owner);
	tcase_add_loop_test(tc, test_tampered_backstop, 0, (int)(sizeof tampers / sizeof *tampers));
	tcase_add_loop_test(tc, test_own_table_differs, 0, 2);
	tcase_add_test(tc, test_leftover_table_is_replaced);
	tcase_add_test(tc, test_expiry_in_the_kernel);
	tcase_add_loop_test(tc, test_socket_owns_the_table, 0, 2);
	tcase_add_test(tc, test_stations);
	tcase_add_test(tc, test_counters);
	tcase_add_test(tc, test_others_are_heard);
	tcase_add_test(tc, test_foreign_tables);
	tcase_add_loop_test(tc, test_foreign_crowd, 0, 3);
	tcase_add_test(tc, test_large_policy);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
