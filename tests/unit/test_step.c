/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one policy to the next: numbers of flows, and what the kernel is told (this only as root). */
#include <linux/netfilter/nf_tables.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nft/nft_int.h"
#include "plan_help.h"
#include "zonegate/mark.h"
#include "zonegate/rtab.h"

static struct zg_nft *nft;
static struct zg_diags diags;
static enum zg_queue_kind kind = ZG_QUEUE_NATIVE;
static uint32_t next_mark;

static void ok(enum zg_err err)
{
	plan_ok(err, &diags);
}

/* The policy of so many flows from 10.30.0.0/16 to 10.20.0.25, the one at index changed (SIZE_MAX = none) with another source. */
static struct zg_policy *many(size_t n, size_t changed)
{
	char *flows = NULL;
	size_t len;
	FILE *out = open_memstream(&flows, &len);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s" PLAN_FLOW("f%zu", "\"10.%u.%zu.%zu\"", "\"10.20.0.25\"", ""), i > 0 ? "," : "", i,
			i == changed ? 31u : 30u, i / 200, i % 200);
	fclose(out);
	struct zg_policy *policy = plan_policy(PLAN_ZONES, flows, PLAN_DAEMON(2), &diags);
	free(flows);
	return policy;
}

static struct zg_policy *flows_of(const char *zones, const char *flows)
{
	return plan_policy(zones, flows, PLAN_DAEMON(2), &diags);
}

/* Numbered after before, and compiled. */
static struct zg_plan *follow(struct zg_policy *policy, const struct zg_policy *before)
{
	const struct zg_plan_env env = { .queue = kind, .hash_seed = 1, .now = time(NULL) };
	struct zg_plan *plan = NULL;
	ck_assert_int_eq(zg_marks_give(policy, before, &next_mark), ZG_OK);
	ok(zg_plan_compile(policy, &env, &diags, &plan));
	return plan;
}

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static void setup_marks(void)
{
	zg_diags_init(&diags);
	next_mark = 1;
}

static void teardown_marks(void)
{
	zg_diags_free(&diags);
}

START_TEST(test_a_flow_that_stays_keeps_its_number)
{
	struct zg_policy *a = many(300, SIZE_MAX), *b = many(301, 7);
	ck_assert_int_eq(zg_marks_give(a, NULL, &next_mark), ZG_OK);
	ck_assert_uint_eq(next_mark, 301);
	ck_assert_int_eq(zg_marks_give(b, a, &next_mark), ZG_OK);
	for (size_t i = 0; i < 300; i++) {
		ck_assert_uint_eq(a->flows[i].mark, i + 1);
		ck_assert_uint_eq(b->flows[i].mark, i == 7 ? 301 : i + 1);
		ck_assert_uint_eq(zg_marks_find(b, b->flows[i].mark), i);
	}
	ck_assert_uint_eq(b->flows[300].mark, 302);
	ck_assert_uint_eq(zg_marks_find(b, 8), SIZE_MAX); /* of the flow before it changed */
	ck_assert_uint_eq(zg_marks_find(b, 0), SIZE_MAX);
	ck_assert_uint_eq(zg_marks_find(b, ZG_MARK_PASS), SIZE_MAX);
	zg_policy_free(a);
	zg_policy_free(b);
}
END_TEST

/* What makes another flow of it, and what does not. */
static const struct {
	const char *flow;
	bool stays;
} variants[] = {
	{ PLAN_FLOW("f", "\"10.30.0.25\"", "\"10.20.0.25\"", ""), true },
	{ PLAN_FLOW("f", "\"10.30.0.25\"", "\"10.20.0.25\"", "clause = \"2.6\";"), true },
	{ "# a line more\n" PLAN_FLOW("f", "\"10.30.0.25\"", "\"10.20.0.25\"", ""), true },
	{ PLAN_FLOW("g", "\"10.30.0.25\"", "\"10.20.0.25\"", ""), false },
	{ PLAN_FLOW("f", "\"10.30.0.26\"", "\"10.20.0.25\"", ""), false },
	{ PLAN_FLOW("f", "\"10.30.0.25\", \"10.30.0.26\"", "\"10.20.0.25\"", ""), false },
	{ PLAN_FLOW("f", "\"10.30.0.25\"", "\"10.20.0.26\"", ""), false },
	{ PLAN_FLOW("f", "\"10.30.0.25\"", "\"10.20.0.25\"", "log = \"refused\";"), false },
	{ PLAN_FLOW("f", "\"10.30.0.25\"", "\"10.20.0.25\"", "smtp = { max_message = 100000; };"), false },
	{ "{ name = \"f\"; from = \"internet\"; to = \"lgwan\"; source = [ \"10.30.0.25\" ]; destination = [ \"10.20.0.25\" ];"
	  " protocol = \"tcp\"; port = 26; inspector = \"smtp\"; ticket = \"t\"; approver = \"a\"; }",
	  false },
};

START_TEST(test_another_flow_gets_another_number)
{
	struct zg_policy *a = flows_of(PLAN_ZONES, variants[0].flow), *b = flows_of(PLAN_ZONES, variants[_i].flow);
	ck_assert_int_eq(zg_marks_give(a, NULL, &next_mark), ZG_OK);
	ck_assert_int_eq(zg_marks_give(b, a, &next_mark), ZG_OK);
	ck_assert_msg((a->flows[0].mark == b->flows[0].mark) == variants[_i].stays, "%s", variants[_i].flow);
	zg_policy_free(a);
	zg_policy_free(b);
}
END_TEST

START_TEST(test_another_end_another_number)
{
	struct zg_policy *a = flows_of(PLAN_ZONES, PLAN_MAIL), *b = flows_of(PLAN_ZONES, PLAN_MAIL);
	ck_assert_int_eq(zg_marks_give(a, NULL, &next_mark), ZG_OK);
	b->flows[0].expires = time(NULL) + 1000;
	ck_assert_int_eq(zg_marks_give(b, a, &next_mark), ZG_OK);
	ck_assert_uint_ne(a->flows[0].mark, b->flows[0].mark);
	zg_policy_free(a);
	zg_policy_free(b);
}
END_TEST

/* Where an address belongs to another zone, a flow in the same words permits something else. */
START_TEST(test_other_zones_other_numbers)
{
	static const char other[] = "version = 1; model = \"alpha\"; zones = (\n"
				    " { name = \"mynumber\"; kind = \"mynumber\"; interfaces = [ \"mn0\" ];\n"
				    "   addresses = [ \"10.10.0.0/24\", \"fd00:10::/64\" ]; },\n"
				    " { name = \"lgwan\"; kind = \"lgwan\"; interfaces = [ \"lg0\" ];\n"
				    "   addresses = [ \"10.20.0.0/25\", \"fd00:20::/64\" ]; },\n"
				    " { name = \"internet\"; kind = \"internet\"; interfaces = [ \"in0\" ]; addresses = [ "
				    "\"0.0.0.0/0\", \"::/0\" ]; } );\n";
	struct zg_policy *a = flows_of(PLAN_ZONES, PLAN_MAIL), *b = flows_of(other, PLAN_MAIL);
	ck_assert_int_eq(zg_marks_give(a, NULL, &next_mark), ZG_OK);
	ck_assert_int_eq(zg_marks_give(b, a, &next_mark), ZG_OK);
	ck_assert_uint_ne(a->flows[0].mark, b->flows[0].mark);
	zg_policy_free(a);
	zg_policy_free(b);
}
END_TEST

/* At the end of the numbers it begins anew, and leaves out what is in use. */
START_TEST(test_numbers_begin_anew)
{
	struct zg_policy *a = many(3, SIZE_MAX), *b = many(5, 1);
	next_mark = ZG_MARK_FLOW_MAX - 1;
	ck_assert_int_eq(zg_marks_give(a, NULL, &next_mark), ZG_OK);
	ck_assert_uint_eq(a->flows[0].mark, ZG_MARK_FLOW_MAX - 1);
	ck_assert_uint_eq(a->flows[1].mark, ZG_MARK_FLOW_MAX);
	ck_assert_uint_eq(a->flows[2].mark, 1);
	next_mark = ZG_MARK_FLOW_MAX - 1;
	ck_assert_int_eq(zg_marks_give(b, a, &next_mark), ZG_OK);
	ck_assert_uint_eq(b->flows[0].mark, ZG_MARK_FLOW_MAX - 1);
	ck_assert_uint_eq(b->flows[1].mark, 2); /* it changed */
	ck_assert_uint_eq(b->flows[2].mark, 1);
	ck_assert_uint_eq(b->flows[3].mark, 3);
	ck_assert_uint_eq(b->flows[4].mark, 4);
	ck_assert_uint_eq(zg_marks_find(b, 1), 2);
	zg_policy_free(a);
	zg_policy_free(b);
}
END_TEST

static struct zg_rtab *table_of(const struct zg_policy *policy)
{
	struct zg_rtab *rtab = NULL;
	int fd = -1;
	ck_assert_int_eq(zg_rtab_make(policy, &fd), ZG_OK);
	ck_assert_int_eq(zg_rtab_map(fd, &rtab), ZG_OK);
	close(fd);
	return rtab;
}

static uint64_t identity(const struct zg_rtabs *tabs, uint32_t mark)
{
	struct zg_flow_policy p = { .identity = 0 };
	const struct zg_rtab *rtab = zg_rtabs_of(tabs, mark);
	return rtab != NULL && zg_rtab_resolve(rtab, mark, &p) ? p.identity : 0;
}

/* A packet that was queued before a change is judged by the flow that let it through, whether that stays or goes. */
START_TEST(test_packets_on_their_way)
{
	struct zg_policy *a = flows_of(PLAN_ZONES, PLAN_MAIL "," PLAN_FLOW("second", "\"10.30.0.26\"", "\"10.20.0.25\"", ""));
	struct zg_policy *b = flows_of(PLAN_ZONES, PLAN_FLOW("third", "\"10.30.0.27\"", "\"10.20.0.25\"", "") "," PLAN_MAIL);
	struct zg_rtabs tabs = { NULL, NULL };

	ck_assert_int_eq(zg_marks_give(a, NULL, &next_mark), ZG_OK);
	ck_assert_int_eq(zg_marks_give(b, a, &next_mark), ZG_OK);
	zg_rtabs_push(&tabs, table_of(a));
	const uint64_t mail = identity(&tabs, 1), second = identity(&tabs, 2);
	ck_assert(mail != 0 && second != 0 && mail != second && identity(&tabs, 3) == 0);
	zg_rtabs_push(&tabs, table_of(b));
	ck_assert(identity(&tabs, 1) == mail && identity(&tabs, 2) == second && identity(&tabs, 3) != 0);
	ck_assert(zg_rtabs_newest(&tabs, 1) && !zg_rtabs_newest(&tabs, 2) && zg_rtabs_newest(&tabs, 3));
	zg_rtabs_push(&tabs, table_of(b));
	ck_assert(identity(&tabs, 1) == mail && identity(&tabs, 2) == 0);
	zg_rtabs_clear(&tabs);
	zg_policy_free(a);
	zg_policy_free(b);
}
END_TEST

/* Each of many flows is found, and nothing else. */
START_TEST(test_every_number_is_found)
{
	struct zg_policy *p = many(1000, SIZE_MAX);
	struct zg_flow_policy found;
	srand(1);
	for (size_t i = 0; i < p->n_flows; i++)
		p->flows[i].mark = _i == 0 ? (uint32_t)i + 1 : 1 + (uint32_t)i * 2000003u % ZG_MARK_FLOW_MAX;
	struct zg_rtab *rtab = table_of(p);
	for (size_t i = 0; i < p->n_flows; i++) {
		const struct zg_range *source = &p->flows[i].sources[0], *other = &p->flows[(i + 1) % p->n_flows].sources[0];
		struct zg_tuple tuple = { .client = source->lo, .server = p->flows[i].destinations[0].lo, .server_port = 25,
					  .protocol = ZG_TCP };
		ck_assert(zg_rtab_resolve(rtab, p->flows[i].mark, &found));
		ck_assert(zg_rtab_permits(rtab, p->flows[i].mark, &tuple));
		tuple.client = other->lo;
		ck_assert(!zg_rtab_permits(rtab, p->flows[i].mark, &tuple));
	}
	ck_assert(!zg_rtab_resolve(rtab, _i == 0 ? 1001 : 2, &found));
	ck_assert(!zg_rtab_resolve(rtab, 0, &found));
	ck_assert(!zg_rtab_resolve(rtab, ZG_MARK_PASS, &found));
	zg_rtab_unmap(rtab);
	zg_policy_free(p);
}
END_TEST

/* --- the kernel -------------------------------------------------------------------------------------------------- */

static void setup(void)
{
	setup_marks();
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ok(zg_nft_open(-1, &nft));
	ok(zg_nft_probe(nft, &kind));
}

static void teardown(void)
{
	zg_nft_close(nft);
	teardown_marks();
}

/* What the kernel tells everybody that was done: elements and other things. */
struct told {
	unsigned elems, others;
};

static int listen_in(void)
{
	const int group = NFNLGRP_NFTABLES, size = 8 << 20;
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_NETFILTER);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	return fd;
}

static struct told heard(int fd)
{
	static char buf[256 * 1024];
	struct told told = { 0, 0 };
	for (ssize_t n; (n = recv(fd, buf, sizeof buf, 0)) > 0;) {
		int len = (int)n;
		for (const struct nlmsghdr *h = (const void *)buf; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
			const unsigned type = h->nlmsg_type & 0xffu;
			if (type == NFT_MSG_NEWSETELEM || type == NFT_MSG_DELSETELEM)
				told.elems++;
			else if (type != NFT_MSG_NEWGEN)
				told.others++;
		}
	}
	return told;
}

/* Of a large set and of a small one: one element goes, one comes. */
START_TEST(test_one_changed_flow_is_one_element)
{
	static const size_t numbers[] = { 20, 6000 };
	const size_t n = numbers[_i];
	struct zg_policy *a = many(n, SIZE_MAX), *b = many(n, n / 2), *c = many(n - 1, n / 2);
	struct zg_plan *pa = follow(a, NULL), *pb = follow(b, a), *pc = follow(c, b);
	struct told told;
	ok(zg_nft_commit(nft, pa, &diags));
	const int fd = listen_in();
	ok(zg_nft_dry_step(nft, pa, pb, &diags));
	ck_assert_uint_eq(heard(fd).elems, 0);
	ok(zg_nft_step(nft, pa, pb, &diags));
	told = heard(fd);
	ck_assert_uint_eq(told.elems, 2);
	ck_assert_uint_eq(told.others, 0);
	ok(zg_nft_verify(nft, pb, &diags));
	ok(zg_nft_step(nft, pb, pc, &diags));
	told = heard(fd);
	ck_assert_uint_eq(told.elems, 1);
	ck_assert_uint_eq(told.others, 0);
	ok(zg_nft_step(nft, pc, pc, &diags));
	ck_assert_uint_eq(heard(fd).elems, 0);
	ok(zg_nft_verify(nft, pc, &diags));
	close(fd);
	zg_plan_free(pa);
	zg_plan_free(pb);
	zg_plan_free(pc);
	zg_policy_free(a);
	zg_policy_free(b);
	zg_policy_free(c);
}
END_TEST

/* A shell command; its exit status. */
static int run(const char *command)
{
	char *quiet;
	ck_assert_int_gt(asprintf(&quiet, "{ %s; } >/dev/null 2>&1", command), 0);
	int status = system(quiet);
	free(quiet);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define TWO_WAYS                                                                                                       \
	PLAN_MAIL ",{ name = \"back\"; from = \"lgwan\"; to = \"internet\"; source = [ \"10.20.0.25\" ]; destination = "       \
		  "[ \"10.30.0.25-10.30.0.30\" ]; protocol = \"tcp\"; port = 25; inspector = \"smtp\"; ticket = \"t\"; approver = \"a\"; }"

/* Maps, chains, rules come and go with the first and the last flow of a pair; others change their type. */
START_TEST(test_pairs_come_and_go)
{
	struct zg_policy *a = flows_of(PLAN_ZONES, PLAN_MAIL), *b = flows_of(PLAN_ZONES, TWO_WAYS);
	struct zg_policy *c = flows_of(PLAN_ZONES, "");
	struct zg_plan *pa = follow(a, NULL), *pb = follow(b, a), *pc = follow(c, b);
	ok(zg_nft_commit(nft, pa, &diags));
	ok(zg_nft_step(nft, pa, pb, &diags));
	ok(zg_nft_verify(nft, pb, &diags));
	ck_assert_int_eq(run("nft list set inet zonegate ranges4_lgwan_internet || nft list map inet zonegate ranges4_lgwan_internet"), 0);
	ok(zg_nft_step(nft, pb, pc, &diags));
	ok(zg_nft_verify(nft, pc, &diags));
	ck_assert_int_ne(run("nft list chain inet zonegate permit_lgwan_internet"), 0);
	ok(zg_nft_step(nft, pc, pa, &diags));
	ok(zg_nft_verify(nft, pa, &diags));
	/* the same name, another type: rules that look into it are made anew */
	struct zg_plan *pd = follow(b, NULL);
	struct zg_set *set = zg_table_find_set(zg_plan_find_table(pd, ZG_TABLE_POLICY), "flows4_internet_lgwan");
	set->timeout = false;
	ok(zg_nft_step(nft, pa, pd, &diags));
	ok(zg_nft_verify(nft, pd, &diags));
	zg_plan_free(pa);
	zg_plan_free(pb);
	zg_plan_free(pc);
	zg_plan_free(pd);
	zg_policy_free(a);
	zg_policy_free(b);
	zg_policy_free(c);
}
END_TEST

/* What ended by itself needs not to be taken away, and may come again. */
START_TEST(test_elements_that_ended)
{
	struct zg_policy *a = many(20, SIZE_MAX), *b = many(20, SIZE_MAX), *c = many(20, SIZE_MAX);
	a->flows[3].expires = time(NULL) + 2;
	b->flows[3].expires = a->flows[3].expires + 1000;
	struct zg_plan *pa = follow(a, NULL);
	ok(zg_nft_commit(nft, pa, &diags));
	while (time(NULL) <= a->flows[3].expires + 1)
		usleep(100000);
	struct zg_plan *pb = follow(b, a), *pc = follow(c, b);
	ok(zg_nft_step(nft, pa, pb, &diags));
	ok(zg_nft_verify(nft, pb, &diags));
	ok(zg_nft_step(nft, pb, pc, &diags));
	ok(zg_nft_verify(nft, pc, &diags));
	zg_plan_free(pa);
	zg_plan_free(pb);
	zg_plan_free(pc);
	zg_policy_free(a);
	zg_policy_free(b);
	zg_policy_free(c);
}
END_TEST

/* In doubt there is no step: nothing there, another's table, more than fits, something else there than was said. */
START_TEST(test_no_step_in_doubt)
{
	struct zg_policy *a = many(20, SIZE_MAX), *b = many(21, SIZE_MAX), *c = many(500, SIZE_MAX);
	struct zg_plan *pa = follow(a, NULL), *pb = follow(b, a), *pc = follow(c, b);
	struct zg_nft *other;
	ck_assert_int_eq(zg_nft_step(nft, pa, pb, &diags), ZG_ENOTSUP);
	ok(zg_nft_commit(nft, pa, &diags));
	ck_assert_int_eq(zg_nft_step(nft, pa, pc, &diags), ZG_ENOTSUP);
	ok(zg_nft_dry_step(nft, pa, pc, &diags)); /* of the whole, then */
	ok(zg_nft_open(-1, &other));
	ck_assert_int_eq(zg_nft_step(other, pa, pb, &diags), ZG_ENOTSUP);
	zg_nft_close(other);
	/* pb is there, and not pa: the element that comes is there already */
	ok(zg_nft_commit(nft, pb, &diags));
	ck_assert_int_eq(zg_nft_step(nft, pa, pb, &diags), ZG_EKERNEL);
	plan_forget(&diags);
	ok(zg_nft_verify(nft, pb, &diags));
	/* somebody else's table does not matter, a backstop that was changed is made good */
	ok(zg_nft_commit(nft, pa, &diags));
	ck_assert_int_eq(run("nft add table inet somebody"), 0);
	ck_assert_int_eq(run("nft insert rule inet zonegate_backstop forward accept"), 0);
	ok(zg_nft_step(nft, pa, pb, &diags));
	ok(zg_nft_verify(nft, pb, &diags));
	zg_plan_free(pa);
	zg_plan_free(pb);
	zg_plan_free(pc);
	zg_policy_free(a);
	zg_policy_free(b);
	zg_policy_free(c);
}
END_TEST

/* A start takes numbers that no element has. */
START_TEST(test_unused_numbers)
{
	static const uint32_t firsts[] = { 1, 1000, ZG_MARK_FLOW_MAX - 1, ZG_MARK_FLOW_MAX - 2 };
	struct zg_policy *a = many(3, SIZE_MAX);
	uint32_t unused = 0;
	ok(zg_nft_unused_mark(nft, &unused));
	ck_assert_uint_eq(unused, 1);
	next_mark = firsts[_i];
	struct zg_plan *plan = follow(a, NULL);
	ok(zg_nft_commit(nft, plan, &diags));
	ok(zg_nft_unused_mark(nft, &unused));
	ck_assert_uint_eq(unused, next_mark > ZG_MARK_FLOW_MAX ? 1 : next_mark);
	zg_plan_free(plan);
	zg_policy_free(a);
}
END_TEST

/* A flow's sum is asked for before it goes, and only then. */
START_TEST(test_counters_of_what_leaves)
{
	struct zg_policy *a = many(20, SIZE_MAX), *b = many(20, 4);
	struct zg_plan *pa = follow(a, NULL), *pb = follow(b, a);
	struct zg_nft_counter *leaving = NULL;
	size_t n = 0;
	ok(zg_nft_commit(nft, pa, &diags));
	ok(zg_nft_counters_leaving(nft, pa, pb, &leaving, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(leaving[0].mark, 5);
	ck_assert_str_eq(leaving[0].name, "flow:5");
	free(leaving);
	ok(zg_nft_counters_leaving(nft, pa, pa, &leaving, &n));
	ck_assert_uint_eq(n, 0);
	free(leaving);
	zg_plan_free(pa);
	zg_plan_free(pb);
	zg_policy_free(a);
	zg_policy_free(b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("step");
	TCase *marks = tcase_create("marks"), *kernel = tcase_create("kernel");
	tcase_add_checked_fixture(marks, setup_marks, teardown_marks);
	tcase_add_test(marks, test_a_flow_that_stays_keeps_its_number);
	tcase_add_loop_test(marks, test_another_flow_gets_another_number, 0, (int)(sizeof variants / sizeof *variants));
	tcase_add_test(marks, test_another_end_another_number);
	tcase_add_test(marks, test_other_zones_other_numbers);
	tcase_add_test(marks, test_numbers_begin_anew);
	tcase_add_test(marks, test_packets_on_their_way);
	tcase_add_loop_test(marks, test_every_number_is_found, 0, 2);
	suite_add_tcase(suite, marks);
	if (geteuid() == 0) {
		tcase_set_timeout(kernel, 60);
		tcase_add_checked_fixture(kernel, setup, teardown);
		tcase_add_loop_test(kernel, test_one_changed_flow_is_one_element, 0, 2);
		tcase_add_test(kernel, test_pairs_come_and_go);
		tcase_add_test(kernel, test_elements_that_ended);
		tcase_add_test(kernel, test_no_step_in_doubt);
		tcase_add_loop_test(kernel, test_unused_numbers, 0, 4);
		tcase_add_test(kernel, test_counters_of_what_leaves);
	}
	suite_add_tcase(suite, kernel);
	return unit_main(suite);
}
