/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies drawn at random, through text, plan and kernel and back, one after the other: each is reached from its neighbour by
 * the difference alone, and every tenth is no neighbour but another one. Needs root; says SKIP without.
 *
 * ZG_TEST_POLICIES=N draws N of them instead of 300; ZG_TEST_SEED=S others.
 */
#include <sched.h>
#include <unistd.h>

#include "nft/nft_int.h"
#include "plan_help.h"
#include "zonegate/mark.h"

#define ZONES_MAX 5
#define FLOWS_MAX 40
#define ROUNDS	  300

/* What a policy is drawn from: the same numbers give the same text. */
struct spec {
	unsigned n_zones, inspectors;
	unsigned zones[ZONES_MAX]; /* seeds */
	unsigned n_flows;
	struct {
		unsigned id, seed;
	} flows[FLOWS_MAX];
	unsigned next_id;
};

static struct zg_nft *nft;
static struct zg_diags diags;
static enum zg_queue_kind kind;

static unsigned draw(unsigned *seed, unsigned n)
{
	return (unsigned)rand_r(seed) % n;
}

/* Both families now and then; a zone has 10.Z.0.0/16 and fd00:Z::/32, its stations 10.Z.250.0/24. */
static void put_zone(FILE *out, unsigned z, unsigned seed)
{
	static const char *const kinds[ZONES_MAX] = { "lgwan", "internet", "management", "internet", "lgwan" };
	fprintf(out, "%s{ name = \"z%u\"; kind = \"%s\"; interfaces = [ \"a%u-%u\"", z > 0 ? "," : "", z, kinds[z], z, draw(&seed, 3));
	if (draw(&seed, 2))
		fprintf(out, ", \"b%u-%u\"", z, draw(&seed, 3));
	fprintf(out, " ]; addresses = [ \"10.%u.0.0/16\", \"fd00:%u::/32\" ];", z, z);
	for (unsigned i = 0, n = draw(&seed, 3); i < n; i++)
		fprintf(out, "%s { address = \"10.%u.250.%u\"; mac = \"00:53:00:00:%02x:%02x\"; }%s", i == 0 ? " stations = (" : ",", z,
			i, z, draw(&seed, 256), i + 1 == n ? " );" : "");
	fputs(" }\n", out);
}

/* One to three ports, apart from each other. */
static void put_ports(FILE *out, unsigned *seed)
{
	const unsigned first = 1 + draw(seed, 1000), n = 1 + draw(seed, 3);
	fputs("port = ( ", out);
	for (unsigned i = 0; i < n; i++) {
		const unsigned port = first + 5000 * i, last = port + 1 + draw(seed, 4000);
		fprintf(out, draw(seed, 3) ? "%s%u" : "%s\"%u-%u\"", i > 0 ? ", " : "", port, last);
	}
	fputs(" ); ", out);
}

static void put_hosts(FILE *out, const char *key, unsigned zone, unsigned third, unsigned *seed)
{
	const unsigned low = draw(seed, 100), high = low + 1 + draw(seed, 100);
	fprintf(out, "%s = [ ", key);
	switch (draw(seed, 4)) {
	case 0:
		fprintf(out, "\"10.%u.%u.%u-10.%u.%u.%u\"", zone, third, low, zone, third, high);
		break;
	case 1:
		fprintf(out, "\"10.%u.%u.%u/30\"", zone, third, low & ~3u);
		break;
	default:
		fprintf(out, "\"10.%u.%u.%u\", \"10.%u.%u.%u\"", zone, third, low, zone, third, high);
	}
	fprintf(out, ", \"fd00:%u:0:%u::%x\" ]; ", zone, third, low);
}

static void put_expiry(FILE *out, unsigned days)
{
	const time_t end = time(NULL) + (time_t)days * 86400;
	struct tm tm;
	char date[16];
	strftime(date, sizeof date, "%Y-%m-%d", localtime_r(&end, &tm));
	fprintf(out, "expires = \"%s\"; ", date);
}

/* Each flow has destinations of its own, so that no two overlap. */
static void put_flow(FILE *out, const struct spec *spec, unsigned i)
{
	unsigned seed = spec->flows[i].seed;
	const unsigned from = draw(&seed, spec->n_zones), to = (from + 1 + draw(&seed, spec->n_zones - 1)) % spec->n_zones;
	fprintf(out, "%s{ name = \"f%u\"; from = \"z%u\"; to = \"z%u\"; protocol = \"tcp\"; inspector = \"smtp\"; ticket = \"t\"; approver = \"a\"; ",
		i > 0 ? "," : "", spec->flows[i].id, from, to);
	put_hosts(out, "source", from, draw(&seed, 200), &seed);
	put_hosts(out, "destination", to, spec->flows[i].id % 200, &seed);
	put_ports(out, &seed);
	if (draw(&seed, 4) == 0)
		put_expiry(out, 1 + draw(&seed, 300));
	fprintf(out, "smtp = { max_message = %u; }; }\n", 1000000 + draw(&seed, 2));
}

static struct zg_policy *policy_of(const struct spec *spec)
{
	struct zg_policy *policy = NULL;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	fputs("version = 1; body = \"籤\"; model = \"alpha\"; zones = ( ", out);
	for (unsigned z = 0; z < spec->n_zones; z++)
		put_zone(out, z, spec->zones[z]);
	fputs(" ); flows = ( ", out);
	for (unsigned i = 0; i < spec->n_flows; i++)
		put_flow(out, spec, i);
	fprintf(out, " ); daemon = { inspectors = %u; queue_base = 100; };\n", spec->inspectors);
	fclose(out);
	plan_ok(zg_conf_parse("drawn.conf", text, len, &diags, &policy), &diags);
	plan_forget(&diags);
	free(text);
	return policy;
}

static void add_flow(struct spec *spec, unsigned *seed)
{
	if (spec->n_flows == FLOWS_MAX)
		return;
	spec->flows[spec->n_flows].id = spec->next_id++;
	spec->flows[spec->n_flows++].seed = draw(seed, RAND_MAX);
}

static void take_flow(struct spec *spec, unsigned *seed)
{
	if (spec->n_flows == 0)
		return;
	const unsigned i = draw(seed, spec->n_flows);
	memmove(&spec->flows[i], &spec->flows[i + 1], (spec->n_flows - i - 1) * sizeof spec->flows[0]);
	spec->n_flows--;
}

/* Mostly flows, now and then what all of them stand on. */
static void mutate(struct spec *spec, unsigned *seed)
{
	const unsigned what = draw(seed, 10);
	if (what < 3)
		add_flow(spec, seed);
	else if (what < 5)
		take_flow(spec, seed);
	else if (what < 7 && spec->n_flows > 0)
		spec->flows[draw(seed, spec->n_flows)].seed = draw(seed, RAND_MAX);
	else if (what == 7)
		spec->zones[draw(seed, spec->n_zones)] = draw(seed, RAND_MAX);
	else if (what == 8)
		spec->inspectors = 1 + draw(seed, 4);
	else if (what == 9)
		for (unsigned i = draw(seed, 10); i > 0; i--)
			draw(seed, 2) ? add_flow(spec, seed) : take_flow(spec, seed);
}

static void start(struct spec *spec, unsigned *seed)
{
	*spec = (struct spec){ .n_zones = 2 + draw(seed, ZONES_MAX - 1), .inspectors = 1 + draw(seed, 4) };
	for (unsigned z = 0; z < ZONES_MAX; z++)
		spec->zones[z] = draw(seed, RAND_MAX);
	for (unsigned n = draw(seed, FLOWS_MAX); n > 0; n--)
		add_flow(spec, seed);
}

/* What the kernel holds, all of it, is what was compiled from nothing. */
static void same_as(const struct zg_plan *plan, unsigned round)
{
	struct zg_nft_state state = { 0 };
	plan_ok(zg_nft_read(nft, ZG_READ_ALL, NULL, &state), &diags);
	ck_assert_uint_eq(state.plan->n_tables, plan->n_tables);
	for (size_t i = 0; i < plan->n_tables; i++) {
		char *difference = NULL;
		const struct zg_table *have = zg_plan_find_table(state.plan, plan->tables[i].name);
		ck_assert_ptr_nonnull(have);
		ck_assert_msg(zg_table_diff(&plan->tables[i], have, time(NULL), &difference) == ZG_OK, "policy %u: %s", round,
			      difference);
	}
	zg_nft_state_free(&state);
}

START_TEST(test_drawn_policies)
{
	const char *number = getenv("ZG_TEST_POLICIES"), *other = getenv("ZG_TEST_SEED");
	const unsigned rounds = number != NULL ? (unsigned)strtoul(number, NULL, 10) : ROUNDS;
	unsigned seed = other != NULL ? (unsigned)strtoul(other, NULL, 10) : 1, steps = 0;
	struct zg_policy *policy = NULL;
	struct zg_plan *plan = NULL;
	uint32_t next_mark = 1;
	struct spec spec;

	for (unsigned round = 0; round < rounds; round++) {
		struct zg_plan *next = NULL;
		if (round % 10 == 0)
			start(&spec, &seed);
		else
			mutate(&spec, &seed);
		const struct zg_plan_env env = { .queue = kind, .hash_seed = 0xfeedface, .now = time(NULL) };
		struct zg_policy *drawn = policy_of(&spec);
		drawn->generation = round + 1;
		ck_assert_int_eq(zg_marks_give(drawn, policy, &next_mark), ZG_OK);
		plan_ok(zg_plan_compile(drawn, &env, &diags, &next), &diags);
		plan_ok(zg_nft_dry_step(nft, plan, next, &diags), &diags);
		const enum zg_err err = plan != NULL ? zg_nft_step(nft, plan, next, &diags) : ZG_ENOTSUP;
		steps += err == ZG_OK;
		if (err == ZG_ENOTSUP) /* a map has outgrown its room, or this is the first */
			plan_ok(zg_nft_commit(nft, next, &diags), &diags);
		else if (err != ZG_OK)
			ck_abort_msg("policy %u: %s: %s", round, zg_strerror(err), zg_diags_text(&diags, false));
		same_as(next, round);
		zg_plan_free(plan);
		zg_policy_free(policy);
		plan = next;
		policy = drawn;
	}
	ck_assert_uint_ge(steps, rounds / 10 * 9);
	zg_plan_free(plan);
	zg_policy_free(policy);
}
END_TEST

static void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	zg_diags_init(&diags);
	plan_ok(zg_nft_open(-1, &nft), &diags);
	plan_ok(zg_nft_probe(nft, &kind), &diags);
}

static void teardown(void)
{
	zg_nft_close(nft);
	zg_diags_free(&diags);
}

int main(void)
{
	Suite *suite = suite_create("policies");
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return EXIT_SUCCESS;
	}
	TCase *tc = tcase_create("drawn");
	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_drawn_policies);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
