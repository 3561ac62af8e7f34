/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy -> plan, where golden texts (tests/golden/plan) do not reach: hand-made policies, clocks, comparison. */
#include <linux/netfilter.h>

#include "plan/compile.h"
#include "plan_help.h"

static struct zg_diags diags;

static void setup(void)
{
	zg_diags_init(&diags);
}

static void teardown(void)
{
	zg_diags_free(&diags);
}

static char *print(const struct zg_plan *plan)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(zg_plan_print(plan, out), ZG_OK);
	fclose(out);
	return text;
}

static bool prints(const struct zg_plan *plan, const char *part)
{
	char *text = print(plan);
	bool found = strstr(text, part) != NULL;
	free(text);
	return found;
}

/* Sets of a table, by a name that must be there. */
static struct zg_set *set_of(const struct zg_plan *plan, const char *name)
{
	struct zg_set *set = zg_table_find_set(zg_plan_find_table(plan, ZG_TABLE_POLICY), name);
	ck_assert_ptr_nonnull(set);
	return set;
}

START_TEST(test_marks_are_the_flows)
{
	struct zg_plan *plan = plan_compile(
		plan_policy(PLAN_ZONES, PLAN_MAIL "," PLAN_FLOW("second", "\"10.30.0.26\"", "\"10.20.0.25\"", ""), "",
			    &diags),
		130, ZG_QUEUE_NATIVE, &diags);
	const struct zg_set *map = set_of(plan, "flows4_internet_lgwan");
	ck_assert_uint_eq(map->n_elems, 2);
	ck_assert_uint_eq(map->elems[0].mark, 1);
	ck_assert_uint_eq(map->elems[1].mark, 2);
	ck_assert_uint_eq(map->elems[1].flow, 2);
	ck_assert_str_eq(plan->flows[1], "second");
	ck_assert_uint_gt(map->elems[1].line, 0);
	zg_plan_free(plan);
}
END_TEST

START_TEST(test_same_input_same_text)
{
	struct zg_plan *a = plan_compile(plan_policy(PLAN_ZONES, PLAN_MAIL, "", &diags), 1, ZG_QUEUE_TARGET, &diags);
	struct zg_plan *b = plan_compile(plan_policy(PLAN_ZONES, PLAN_MAIL, "", &diags), 1, ZG_QUEUE_TARGET, &diags);
	char *x = print(a), *y = print(b);
	ck_assert_str_eq(x, y);
	for (size_t i = 0; i < a->n_tables; i++) {
		char *difference = NULL;
		ck_assert_int_eq(zg_table_diff(&a->tables[i], &b->tables[i], 0, &difference), ZG_OK);
	}
	free(x);
	free(y);
	zg_plan_free(a);
	zg_plan_free(b);
}
END_TEST

/* An Internet zone of everything must not accept the inner zones' addresses as sources, nor addresses of no host. */
START_TEST(test_narrowest_zone_wins)
{
	struct zg_plan *plan = plan_compile(plan_policy(PLAN_ZONES, PLAN_MAIL, "", &diags), 1, ZG_QUEUE_NATIVE, &diags);
	const struct zg_set *set = set_of(plan, "source4");
	static const char *const outside[] = { "10.10.0.0", "10.10.0.255",     "10.20.0.7",
					       "127.0.0.1", "0.0.0.0",	       "0.1.2.3",
					       "224.0.0.1", "239.255.255.255", "255.255.255.255" };
	static const char *const inside[] = { "10.30.0.25", "10.9.255.255",    "10.10.1.0",
					      "1.0.0.0",    "223.255.255.255", "240.0.0.1" };
	for (int want = 0; want < 2; want++) {
		for (size_t i = 0; i < (want ? sizeof inside : sizeof outside) / sizeof *inside; i++) {
			struct zg_addr a;
			bool found = false;
			ck_assert_int_eq(zg_addr_parse(want ? inside[i] : outside[i], &a), ZG_OK);
			for (size_t k = 0; k < set->n_elems; k++)
				if (strcmp((const char *)set->elems[k].key, "in0") == 0 &&
				    memcmp(set->elems[k].key + 16, a.b, 4) <= 0 &&
				    memcmp(set->elems[k].end + 16, a.b, 4) >= 0)
					found = true;
			ck_assert_msg(found == (want != 0), "%s", want ? inside[i] : outside[i]);
		}
	}
	zg_plan_free(plan);
}
END_TEST

/* 10/8 and 10.20.5/24 of one zone around 10.20/16 of another. */
START_TEST(test_zone_inside_zone_inside_zone)
{
	struct zg_policy *policy =
		plan_policy(PLAN_ZONES, PLAN_FLOW("a", "\"10.30.0.25\"", "\"10.20.0.25\"", ""), "", &diags);
	ck_assert_int_eq(zg_range_parse("10.0.0.0/8", &policy->zones[2].ranges[0]), ZG_OK);
	ck_assert_int_eq(zg_range_parse("10.20.5.0/24", &policy->zones[2].ranges[1]), ZG_OK);
	ck_assert_int_eq(zg_range_parse("10.20.0.0/16", &policy->zones[1].ranges[0]), ZG_OK);
	struct zg_plan *plan = plan_compile(policy, 1, ZG_QUEUE_NATIVE, &diags);
	ck_assert(prints(plan, "\"in0\" . 10.0.0.0-10.9.255.255\n"));
	ck_assert(prints(plan, "\"in0\" . 10.10.1.0-10.19.255.255\n"));
	ck_assert(prints(plan, "\"in0\" . 10.20.5.0/24\n"));
	ck_assert(prints(plan, "\"in0\" . 10.21.0.0-10.255.255.255\n"));
	ck_assert(prints(plan, "\"lg0\" . 10.20.0.0-10.20.4.255\n"));
	ck_assert(prints(plan, "\"lg0\" . 10.20.6.0-10.20.255.255\n"));
	zg_plan_free(plan);
}
END_TEST

/* What the checker would never let through must not come out of the compiler either. */
START_TEST(test_my_number_and_internet_never)
{
	static const enum zg_kind others[] = { ZG_KIND_INTERNET, ZG_KIND_UPLINK };
	for (int way = 0; way < 4; way++) {
		struct zg_policy *policy = plan_policy(PLAN_ZONES, PLAN_MAIL, "", &diags);
		struct zg_plan_env env = { .queue = ZG_QUEUE_NATIVE };
		struct zg_plan *plan = NULL;
		policy->zones[2].kind = others[way / 2];
		policy->flows[0].from = way % 2 == 0 ? 0 : 2;
		policy->flows[0].to = way % 2 == 0 ? 2 : 0;
		ck_assert_int_eq(zg_plan_compile(policy, &env, &diags, &plan), ZG_ECONF);
		ck_assert_ptr_null(plan);
		ck_assert(plan_said(&diags, "joins zones"));
		plan_forget(&diags);
		zg_policy_free(policy);
	}
}
END_TEST

START_TEST(test_flow_that_permits_nothing)
{
	struct zg_policy *policy =
		plan_policy(PLAN_ZONES, PLAN_FLOW("a", "\"10.30.0.25\"", "\"10.20.0.25\"", ""), "", &diags);
	const struct zg_plan_env env = { .queue = ZG_QUEUE_NATIVE };
	struct zg_plan *plan = NULL;
	/* an address of the other zone: no packet could have it */
	ck_assert_int_eq(zg_range_parse("10.20.0.26", &policy->flows[0].sources[0]), ZG_OK);
	ck_assert_int_eq(zg_plan_compile(policy, &env, &diags, &plan), ZG_ECONF);
	ck_assert(plan_said(&diags, "flow \"a\" permits nothing"));
	zg_policy_free(policy);
}
END_TEST

START_TEST(test_flow_is_cut_to_its_zone)
{
	struct zg_policy *policy =
		plan_policy(PLAN_ZONES, PLAN_FLOW("a", "\"10.30.0.25\"", "\"10.20.0.25\"", ""), "", &diags);
	ck_assert_int_eq(zg_range_parse("10.19.255.254-10.20.0.1", &policy->flows[0].sources[0]), ZG_OK);
	struct zg_plan *plan = plan_compile(policy, 1, ZG_QUEUE_NATIVE, &diags);
	ck_assert(prints(plan, "\t10.19.255.254/31 . 10.20.0.25 . tcp . 25 "));
	zg_plan_free(plan);
}
END_TEST

START_TEST(test_twins)
{
	struct zg_policy *policy = plan_policy(PLAN_ZONES,
					       PLAN_FLOW("a", "\"10.30.0.25\"", "\"10.20.0.25\"",
							 "") "," PLAN_FLOW("b", "\"10.30.0.26\"", "\"10.20.0.25\"", ""),
					       "", &diags);
	const struct zg_plan_env env = { .queue = ZG_QUEUE_NATIVE };
	struct zg_plan *plan = NULL;
	policy->flows[1].sources[0] = policy->flows[0].sources[0];
	ck_assert_int_eq(zg_plan_compile(policy, &env, &diags, &plan), ZG_ECONF);
	ck_assert(plan_said(&diags, "cover the same connections"));
	zg_policy_free(policy);
}
END_TEST

/* Not equal, but crossing: the kernel would take both and use whichever it finds first. */
START_TEST(test_crossing_flows)
{
	struct zg_policy *policy = plan_policy(PLAN_ZONES,
					       PLAN_FLOW("a", "\"10.30.0.25\"", "\"10.20.0.25\"",
							 "") "," PLAN_FLOW("b", "\"10.30.0.26\"", "\"10.20.0.26\"", ""),
					       "", &diags);
	const struct zg_plan_env env = { .queue = ZG_QUEUE_NATIVE };
	struct zg_plan *plan = NULL;
	ck_assert_int_eq(zg_range_parse("10.30.0.0/24", &policy->flows[0].sources[0]), ZG_OK);
	ck_assert_int_eq(zg_range_parse("10.20.0.0/24", &policy->flows[1].destinations[0]), ZG_OK);
	ck_assert_int_eq(zg_plan_compile(policy, &env, &diags, &plan), ZG_ECONF);
	ck_assert(plan_said(&diags, "cover the same connections"));
	zg_policy_free(policy);
}
END_TEST

/* Random boxes against each with each. */
START_TEST(test_overlap_against_brute_force)
{
	unsigned seed = 7;
	int hits = 0;
	for (int round = 0; round < 3000; round++) {
		struct zg_set set = { .fields = { { 12, 1 }, { 13, 2 }, { 7, 4 } }, .n_fields = 3, .interval = true };
		const unsigned n = 2 + (unsigned)rand_r(&seed) % 40, wide = 1 + (unsigned)rand_r(&seed) % 40;
		for (unsigned i = 0; i < n; i++) {
			struct zg_elem *e = zg_plan_elem(&set);
			for (size_t byte = 0; byte <= 11; byte += byte == 0 ? 5 : 6) {
				e->key[byte] = (uint8_t)(rand_r(&seed) % 200);
				e->end[byte] = (uint8_t)(e->key[byte] + (unsigned)rand_r(&seed) % wide);
			}
		}
		bool expected = false;
		for (unsigned i = 0; i < n; i++)
			for (unsigned k = 0; k < i; k++) {
				const struct zg_elem *x = &set.elems[i], *y = &set.elems[k];
				bool apart = false;
				for (size_t byte = 0; byte <= 11; byte += byte == 0 ? 5 : 6)
					apart |= x->end[byte] < y->key[byte] || y->end[byte] < x->key[byte];
				expected |= !apart;
			}
		const struct zg_elem *a, *b;
		ck_assert_int_eq(zg_set_overlap(&set, &a, &b), ZG_OK);
		ck_assert_int_eq(a != NULL, expected);
		hits += expected;
		free(set.elems);
	}
	ck_assert_int_gt(hits, 300);
	ck_assert_int_lt(hits, 2700);
}
END_TEST

START_TEST(test_expiry)
{
	struct zg_policy *policy = plan_policy(PLAN_ZONES,
					       PLAN_FLOW("a", "\"10.30.0.25\"", "\"10.20.0.25\"",
							 "") "," PLAN_FLOW("b", "\"10.30.0.26\"", "\"10.20.0.26\"", ""),
					       "", &diags);
	struct zg_plan_env env = { .queue = ZG_QUEUE_NATIVE, .now = 1000 };
	struct zg_plan *plan = NULL;
	policy->flows[0].expires = 1000;
	policy->flows[1].expires = 1001;
	plan_ok(zg_plan_compile(policy, &env, &diags, &plan), &diags);
	ck_assert(plan_said(&diags, "\"a\" has expired"));
	ck_assert_uint_eq(diags.errors, 0);
	ck_assert_uint_eq(set_of(plan, "flows4_internet_lgwan")->n_elems, 1);
	ck_assert_int_eq(set_of(plan, "flows4_internet_lgwan")->elems[0].expires, 1001);
	ck_assert(prints(plan, "expires 1970-01-01T00:16:41Z # b"));
	zg_plan_free(plan);
	zg_policy_free(policy);
}
END_TEST

START_TEST(test_queues)
{
	struct zg_plan *one =
		plan_compile(plan_policy(PLAN_ZONES, PLAN_MAIL, PLAN_DAEMON(1), &diags), 1, ZG_QUEUE_TARGET, &diags);
	ck_assert(prints(one, "xt target NFQUEUE num 100\n"));
	ck_assert(!prints(one, "jhash"));
	ck_assert(!prints(one, "queue_1"));
	zg_plan_free(one);
	struct zg_plan *three =
		plan_compile(plan_policy(PLAN_ZONES, PLAN_MAIL, PLAN_DAEMON(3), &diags), 1, ZG_QUEUE_NATIVE, &diags);
	ck_assert(prints(three, " mod 3 seed 0xfeedface vmap @queues"));
	ck_assert(prints(three, " queue num 102\n"));
	ck_assert(!prints(three, "flags 0x") && !prints(three, " total "));
	zg_plan_free(three);

	struct zg_policy *policy = plan_policy(PLAN_ZONES, PLAN_MAIL, PLAN_DAEMON(2), &diags);
	const struct zg_plan_env env = { .queue = ZG_QUEUE_NATIVE };
	struct zg_plan *plan = NULL;
	policy->queue_base = 65535;
	ck_assert_int_eq(zg_plan_compile(policy, &env, &diags, &plan), ZG_ECONF);
	policy->queue_base = 100;
	policy->inspectors = 0;
	ck_assert_int_eq(zg_plan_compile(policy, &env, &diags, &plan), ZG_ECONF);
	zg_policy_free(policy);
}
END_TEST

START_TEST(test_too_many_elements)
{
	struct zg_policy *policy = plan_policy(PLAN_ZONES, PLAN_MAIL, "", &diags);
	const struct zg_plan_env env = { .queue = ZG_QUEUE_NATIVE };
	struct zg_plan *plan = NULL;
	struct zg_flow *flow = &policy->flows[0];
	flow->sources = zg_arena_take(&policy->arena, 1100, sizeof *flow->sources);
	flow->ports = zg_arena_take(&policy->arena, 1000, sizeof *flow->ports);
	for (size_t i = 0; i < 1100; i++) {
		ck_assert_int_eq(zg_range_parse("10.30.0.0", &flow->sources[i]), ZG_OK);
		flow->sources[i].lo.b[2] = flow->sources[i].hi.b[2] = (uint8_t)(i / 100);
		flow->sources[i].lo.b[3] = flow->sources[i].hi.b[3] = (uint8_t)(2 * (i % 100));
		flow->sources[i].lo.b[1] = flow->sources[i].hi.b[1] = 40;
	}
	for (size_t i = 0; i < 1000; i++)
		flow->ports[i] = (struct zg_ports){ (uint16_t)(2 * i + 1), (uint16_t)(2 * i + 1) };
	flow->n_sources = 1100;
	flow->n_ports = 1000;
	ck_assert_int_eq(zg_plan_compile(policy, &env, &diags, &plan), ZG_ECONF);
	ck_assert(plan_said(&diags, "more than 1000000 map elements"));
	zg_policy_free(policy);
}
END_TEST

/* Every kind of difference has its words. */
static void differs(void (*change)(struct zg_table *), const char *words)
{
	struct zg_plan *want = plan_compile(plan_policy(PLAN_ZONES, PLAN_MAIL, "", &diags), 1, ZG_QUEUE_NATIVE, &diags);
	struct zg_plan *have = plan_compile(plan_policy(PLAN_ZONES, PLAN_MAIL, "", &diags), 1, ZG_QUEUE_NATIVE, &diags);
	char *difference = NULL;
	change(&have->tables[1]);
	ck_assert_int_eq(zg_table_diff(&want->tables[1], &have->tables[1], 0, &difference), ZG_EDRIFT);
	ck_assert_msg(strstr(difference, words) != NULL, "%s", difference);
	free(difference);
	zg_plan_free(want);
	zg_plan_free(have);
}

static void no_owner(struct zg_table *t)
{
	t->owned = false;
}
static void extra_chain(struct zg_table *t)
{
	zg_plan_chain(t, "open", 0);
}
static void accept_policy(struct zg_table *t)
{
	t->chains[0].policy = NF_ACCEPT;
}
static void lost_rule(struct zg_table *t)
{
	t->chains[0].n_rules--;
	free(t->chains[0].rules[t->chains[0].n_rules].exprs);
}
static void extra_rule(struct zg_table *t)
{
	const struct zg_expr x = { .kind = ZG_X_UNKNOWN, .name = "flow_offload" };
	zg_plan_rule(&t->chains[0], &x, 1, 0);
}
static void bypass(struct zg_table *t)
{
	zg_table_find_chain(t, "queue_0")->rules[0].exprs[1].key = 1;
}
static void extra_elem(struct zg_table *t)
{
	struct zg_set *set = zg_table_find_set(t, "flows4_internet_lgwan");
	struct zg_elem *e = zg_plan_elem(set);
	e->key[3] = 1;
	zg_plan_sort(set);
}
static void lost_elem(struct zg_table *t)
{
	zg_table_find_set(t, "flows6_internet_lgwan")->n_elems--;
}
static void other_mark(struct zg_table *t)
{
	zg_table_find_set(t, "flows4_internet_lgwan")->elems[0].mark++;
}
static void other_type(struct zg_table *t)
{
	zg_table_find_set(t, "source4")->other = 0x4;
}

START_TEST(test_differences)
{
	differs(no_owner, "lacks the owner flag");
	differs(extra_chain, "chain open is not in the policy");
	differs(accept_policy,
		"policy accept; ...}, it should be chain forward { type filter hook forward priority 0; policy drop");
	differs(lost_rule, "is \"\", it should be \"counter name \"drop_pair\"");
	differs(extra_rule, "is \"[flow_offload]\", it should be \"\"");
	differs(bypass, "queue num 100 flags 0x1");
	differs(extra_elem, "which is not in the policy");
	differs(lost_elem, "it should hold \"fd00:30::25 . fd00:20::25 . tcp . 25");
	differs(other_mark, "0x00000002");
	differs(other_type, "set source4");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = tcase_create("compile");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_marks_are_the_flows);
	tcase_add_test(tc, test_same_input_same_text);
	tcase_add_test(tc, test_narrowest_zone_wins);
	tcase_add_test(tc, test_zone_inside_zone_inside_zone);
	tcase_add_test(tc, test_my_number_and_internet_never);
	tcase_add_test(tc, test_flow_that_permits_nothing);
	tcase_add_test(tc, test_flow_is_cut_to_its_zone);
	tcase_add_test(tc, test_twins);
	tcase_add_test(tc, test_crossing_flows);
	tcase_add_test(tc, test_overlap_against_brute_force);
	tcase_add_test(tc, test_expiry);
	tcase_add_test(tc, test_queues);
	tcase_add_test(tc, test_too_many_elements);
	tcase_add_test(tc, test_differences);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
