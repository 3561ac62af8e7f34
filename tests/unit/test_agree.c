/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain and the kernel agree: random packets near the borders of what each policy names, asked of zg_explain() and of the
 * rules as the kernel gives them back. Every sample of the tree. Needs root; says SKIP without.
 */
#include <netinet/in.h>
#include <glob.h>
#include <limits.h>
#include <linux/if_arp.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <sched.h>
#include <unistd.h>

#include "ctl/explain.h"
#include "nft/nft_int.h"
#include "plan_eval.h"
#include "plan_help.h"
#include "zonegate/mark.h"

#define PACKETS 10000 /* per policy */
#define POOL	4096

static struct zg_diags diags;
static struct zg_nft *nft;
static enum zg_queue_kind kind;
static uint64_t seed;

/* xorshift64* */
static uint32_t draw(uint32_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * 0x2545f4914f6cdd1dull) >> 33) % n;
}

/* --- what a policy names, and what lies beside it ------------------------------------------------------------------- */

struct pool {
	struct zg_addr addrs[2][POOL]; /* IPv4, IPv6 */
	size_t n_addrs[2];
	uint16_t ports[POOL];
	size_t n_ports;
	char ifaces[64][16];
	size_t n_ifaces;
	struct zg_mac macs[64];
	size_t n_macs;
	uint8_t protocols[16];
	size_t n_protocols;
};

static void pool_addr(struct pool *p, const struct zg_addr *a)
{
	const int f = a->family == ZG_IPV6;
	if (p->n_addrs[f] < POOL)
		p->addrs[f][p->n_addrs[f]++] = *a;
}

static void pool_range(struct pool *p, const struct zg_range *r)
{
	struct zg_addr beside;
	pool_addr(p, &r->lo);
	pool_addr(p, &r->hi);
	if (zg_addr_prev(&r->lo, &beside))
		pool_addr(p, &beside);
	if (zg_addr_next(&r->hi, &beside))
		pool_addr(p, &beside);
}

static void pool_port(struct pool *p, uint16_t port)
{
	if (p->n_ports < POOL)
		p->ports[p->n_ports++] = port;
}

static void pool_ports(struct pool *p, const struct zg_ports *r)
{
	pool_port(p, r->lo);
	pool_port(p, r->hi);
	pool_port(p, (uint16_t)(r->lo - 1));
	pool_port(p, (uint16_t)(r->hi + 1));
}

static void pool_iface(struct pool *p, const char *name)
{
	if (p->n_ifaces < 64)
		snprintf(p->ifaces[p->n_ifaces++], 16, "%s", name);
}

static void pool_zone(struct pool *p, const struct zg_zone *zone)
{
	for (size_t i = 0; i < zone->n_ranges; i++)
		pool_range(p, &zone->ranges[i]);
	for (size_t i = 0; i < zone->n_ifaces; i++)
		pool_iface(p, zone->ifaces[i]);
	for (size_t i = 0; i < zone->n_stations; i++) {
		pool_addr(p, &zone->stations[i].addr);
		if (p->n_macs < 64)
			p->macs[p->n_macs++] = zone->stations[i].mac;
	}
}

static void pool_fill(struct pool *p, const struct zg_policy *policy)
{
	static const char *const everywhere[] = { "0.0.0.0",	     "127.0.0.1", "169.254.1.1", "224.0.0.1", "224.0.0.5", "224.0.0.18",
						  "224.0.0.22", "255.255.255.255", "::",	 "::1",	      "fe80::5",   "ff02::1",
						  "ff02::12", "2001:db8::7", "198.51.100.7" };
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, ZG_ROUTER_ICMP, 2, 47, 50, 89, 112, 132 };
	memset(p, 0, sizeof *p);
	for (size_t i = 0; i < policy->n_zones; i++)
		pool_zone(p, &policy->zones[i]);
	for (size_t i = 0; i < policy->n_flows; i++) {
		const struct zg_flow *flow = &policy->flows[i];
		for (size_t k = 0; k < flow->n_sources; k++)
			pool_range(p, &flow->sources[k]);
		for (size_t k = 0; k < flow->n_destinations; k++)
			pool_range(p, &flow->destinations[k]);
		for (size_t k = 0; k < flow->n_ports; k++)
			pool_ports(p, &flow->ports[k]);
	}
	for (size_t i = 0; i < policy->n_router; i++) {
		for (size_t k = 0; k < policy->router[i].n_peers; k++)
			pool_range(p, &policy->router[i].peers[k]);
		for (size_t k = 0; k < policy->router[i].n_ports; k++)
			pool_ports(p, &policy->router[i].ports[k]);
	}
	for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++) {
		struct zg_addr a;
		ck_assert_int_eq(zg_addr_parse(everywhere[i], &a), ZG_OK);
		pool_addr(p, &a);
	}
	pool_port(p, 22);
	pool_port(p, 65535);
	pool_iface(p, "other0");
	p->macs[p->n_macs++] = (struct zg_mac){ { 0x00, 0x53, 0, 0, 0xff, 0xff } };
	memcpy(p->protocols, protocols, sizeof protocols);
	p->n_protocols = sizeof protocols;
}

/* --- a packet -------------------------------------------------------------------------------------------------------- */

/* One end inside of a range. */
static struct zg_addr inside(const struct zg_range *r)
{
	return draw(2) == 0 ? r->lo : r->hi;
}

static const char *iface_of(const struct zg_zone *zone)
{
	return zone->ifaces[draw((uint32_t)zone->n_ifaces)];
}

/* What somebody permits. */
static void draw_flow(const struct zg_policy *policy, struct zg_question *q, const char **ret_near, const char **ret_far)
{
	const struct zg_flow *flow = &policy->flows[draw((uint32_t)policy->n_flows)];
	q->source = inside(&flow->sources[draw((uint32_t)flow->n_sources)]);
	q->destination = inside(&flow->destinations[draw((uint32_t)flow->n_destinations)]);
	q->protocol = (uint8_t)flow->transport;
	q->destination_port = flow->ports[draw((uint32_t)flow->n_ports)].lo;
	*ret_near = iface_of(&policy->zones[flow->from]);
	*ret_far = iface_of(&policy->zones[flow->to]);
}

static void draw_rule(const struct zg_policy *policy, struct zg_question *q, const char **ret_iface)
{
	const struct zg_router_rule *rule = &policy->router[draw((uint32_t)policy->n_router)];
	const struct zg_addr peer = inside(&rule->peers[draw((uint32_t)rule->n_peers)]);
	*(rule->out ? &q->destination : &q->source) = peer;
	q->from_router = rule->out;
	q->to_router = !rule->out;
	q->protocol = rule->protocol;
	q->icmp_type = peer.family == ZG_IPV6 ? EXPLAIN_ECHO6 : EXPLAIN_ECHO4;
	q->destination_port = rule->n_ports > 0 ? rule->ports[draw((uint32_t)rule->n_ports)].lo : 0;
	*ret_iface = rule->iface != NULL ? rule->iface : iface_of(&policy->zones[rule->zone]);
}

static struct zg_addr any_addr(const struct pool *p, int f)
{
	return p->addrs[f][draw((uint32_t)p->n_addrs[f])];
}

static void draw_any(const struct pool *p, struct zg_question *q)
{
	const int f = (int)draw(2);
	const uint32_t where = draw(3);
	q->to_router = where == 1;
	q->from_router = where == 2;
	if (!q->from_router)
		q->source = any_addr(p, f);
	if (!q->to_router)
		q->destination = any_addr(p, f);
	q->protocol = p->protocols[draw((uint32_t)p->n_protocols)];
	q->icmp_type = (uint8_t)(draw(2) == 0 ? 128 + draw(16) : draw(20));
	q->destination_port = p->ports[draw((uint32_t)p->n_ports)];
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == 132;
}

/* One thing is not as it was meant. */
static void spoil(const struct pool *p, struct zg_question *q, const char **near, const char **far)
{
	const struct zg_addr *known = q->from_router ? &q->destination : &q->source;
	const int f = known->family == ZG_IPV6;
	switch (draw(5)) {
	case 0:
		*(q->from_router ? &q->destination : &q->source) = any_addr(p, f);
		break;
	case 1:
		if (!q->from_router && !q->to_router)
			q->destination = any_addr(p, f);
		break;
	case 2:
		q->destination_port = p->ports[draw((uint32_t)p->n_ports)];
		break;
	case 3:
		q->protocol = p->protocols[draw((uint32_t)p->n_protocols)];
		break;
	default:
		*(draw(2) == 0 ? near : far) = p->ifaces[draw((uint32_t)p->n_ifaces)];
	}
}

/* The sender's MAC: its own if it is a station, or any. */
static const struct zg_mac *draw_mac(const struct zg_policy *policy, const struct pool *p, const struct zg_addr *sender)
{
	for (size_t z = 0; z < policy->n_zones; z++)
		for (size_t i = 0; i < policy->zones[z].n_stations; i++)
			if (zg_addr_cmp(&policy->zones[z].stations[i].addr, sender) == 0 && draw(4) != 0)
				return &policy->zones[z].stations[i].mac;
	return &p->macs[draw((uint32_t)p->n_macs)];
}

/* near: interface towards who opened the connection (or the one peer), far: towards the other. */
static void draw_question(const struct zg_policy *policy, const struct pool *p, struct zg_question *q)
{
	const char *near = p->ifaces[draw((uint32_t)p->n_ifaces)], *far = p->ifaces[draw((uint32_t)p->n_ifaces)];
	const uint32_t way = draw(5);
	*q = (struct zg_question){ .now = time(NULL) };
	if (way < 2 && policy->n_flows > 0) {
		draw_flow(policy, q, &near, &far);
	} else if (way < 4 && policy->n_router > 0) {
		draw_rule(policy, q, &near);
	} else {
		draw_any(p, q);
	}
	if (draw(3) == 0)
		spoil(p, q, &near, &far);
	q->source_port = (uint16_t)(1 + draw(65535));
	if (!has_ports(q->protocol))
		q->source_port = q->destination_port = 0;
	if (q->protocol == ZG_ROUTER_ICMP && q->icmp_type == 0)
		q->icmp_type = EXPLAIN_ECHO4;
	const uint32_t state = draw(10);
	q->reply = state >= 4 && state < 7;
	q->error = state == 7 || state == 8;
	q->reply = q->reply || state == 8;
	q->invalid = state == 9;
	if (q->to_router || q->from_router) {
		*(q->to_router != q->reply ? &q->iface_in : &q->iface_out) = near;
	} else {
		q->iface_in = q->reply ? far : near;
		q->iface_out = q->reply ? near : far;
	}
	q->mac = draw_mac(policy, p, q->reply ? &q->destination : &q->source);
}

/* --- the same packet for the kernel's rules --------------------------------------------------------------------------- */

/* An address of the router's own, as good as any other. */
static struct zg_addr own_address(uint8_t family)
{
	struct zg_addr a;
	ck_assert_int_eq(zg_addr_parse(family == ZG_IPV6 ? "fd00:ffff::1" : "192.0.2.254", &a), ZG_OK);
	return a;
}

/* Types that conntrack leaves alone (nf_conntrack_proto_icmpv6.c). */
static bool untracked(const struct zg_question *q, uint8_t family)
{
	return q->protocol == ZG_ROUTER_ICMP && family == ZG_IPV6 && !q->error &&
	       ((q->icmp_type >= 130 && q->icmp_type <= 137) || q->icmp_type == 143);
}

static void fill_state(const struct zg_question *q, uint8_t family, struct eval_packet *p)
{
	const bool fresh = !q->reply && draw(2) == 0;
	p->tracked = !q->invalid && !untracked(q, family);
	p->direction = q->reply ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
	p->state = NF_CT_STATE_BIT(q->error ? IP_CT_RELATED : fresh ? IP_CT_NEW : IP_CT_ESTABLISHED);
	if (!p->tracked)
		p->state = q->invalid && !untracked(q, family) ? NF_CT_STATE_INVALID_BIT : NF_CT_STATE_UNTRACKED_BIT;
	p->status = p->tracked && !fresh ? IPS_CONFIRMED : 0;
}

static struct eval_packet packet_of(const struct zg_question *q)
{
	const uint8_t family = q->from_router ? q->destination.family : q->source.family;
	const struct zg_addr src = q->from_router ? own_address(family) : q->source;
	const struct zg_addr dst = q->to_router ? own_address(family) : q->destination;
	const struct zg_addr *sender = q->reply ? &dst : &src, *receiver = q->reply ? &src : &dst;
	const uint8_t icmp = family == ZG_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	const uint8_t protocol = q->protocol == ZG_ROUTER_ICMP ? icmp : q->protocol;
	const size_t len = zg_addr_len(family);
	struct eval_packet p = { .nfproto = family == ZG_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4,
				 .l4proto = q->error ? icmp : protocol,
				 .iiftype = ARPHRD_ETHER,
				 .oiftype = ARPHRD_ETHER,
				 .ct_protocol = protocol };
	if (q->iface_in != NULL)
		snprintf(p.iif, sizeof p.iif, "%s", q->iface_in);
	if (q->iface_out != NULL)
		snprintf(p.oif, sizeof p.oif, "%s", q->iface_out);
	memcpy(p.network + (family == ZG_IPV6 ? 8 : 12), sender->b, len);
	memcpy(p.network + (family == ZG_IPV6 ? 24 : 16), receiver->b, len);
	p.transport[0] = q->error ? (family == ZG_IPV6 ? 1 : 3) : q->icmp_type;
	memcpy(p.ether + 6, q->mac->b, sizeof q->mac->b);
	memcpy(p.ct_src, src.b, len);
	memcpy(p.ct_dst, dst.b, len);
	p.ct_sport[0] = (uint8_t)(q->source_port >> 8);
	p.ct_sport[1] = (uint8_t)q->source_port;
	p.ct_dport[0] = q->protocol == ZG_ROUTER_ICMP ? q->icmp_type : (uint8_t)(q->destination_port >> 8);
	p.ct_dport[1] = (uint8_t)q->destination_port;
	fill_state(q, family, &p);
	return p;
}

static const char *verdict_name(enum eval_verdict v)
{
	static const char *const names[] = { "continue", "return", "drop", "accept", "queue" };
	return names[v];
}

static void tell(const char *file, const struct zg_question *q, const struct zg_explanation *answer, enum eval_verdict got,
		 const char *counter)
{
	char a[ZG_ADDRSTR_MAX], b[ZG_ADDRSTR_MAX], mac[18];
	fprintf(stderr, "# %s: protocol %u type %u %s:%u -> %s:%u in %s out %s mac %s%s%s%s: the kernel says %s (%s), explain:\n", file,
		q->protocol, q->icmp_type, q->from_router ? "router" : zg_addr_str(&q->source, a), q->source_port,
		q->to_router ? "router" : zg_addr_str(&q->destination, b), q->destination_port, q->iface_in ? q->iface_in : "-",
		q->iface_out ? q->iface_out : "-", zg_mac_str(q->mac, mac), q->reply ? " reply" : "", q->error ? " error" : "",
		q->invalid ? " invalid" : "", verdict_name(got), counter != NULL ? counter : "-");
	for (size_t i = 0; i < answer->n_steps; i++)
		fprintf(stderr, "#   %s: %s\n", answer->steps[i].name, answer->steps[i].text);
}

/* True: explain and the rules say the same. */
static bool agree(const char *file, const struct zg_policy *policy, const struct zg_plan *plan, const struct zg_question *q,
		  bool *ret_passed)
{
	const bool router = q->to_router || q->from_router;
	const struct zg_table *table = zg_plan_find_table(plan, router ? ZG_TABLE_ROUTER : ZG_TABLE_POLICY);
	const char *chain = !router ? "forward" : q->to_router != q->reply ? "input" : "output", *counter = NULL;
	struct eval_packet packet = packet_of(q);
	struct zg_explanation answer;
	const enum eval_verdict got = eval_run(table, chain, &packet, &counter);
	zg_explain(policy, q, &answer);
	const enum eval_verdict inspected = answer.inspect && answer.flow->inspector == NULL ? EVAL_ACCEPT : EVAL_QUEUE;
	const enum eval_verdict want = answer.inspect ? inspected : answer.permit || answer.pass ? EVAL_ACCEPT : EVAL_DROP;
	bool same = got == want;
	if (same && got == EVAL_QUEUE) /* what is opaque has the pass mark by now */
		same = packet.mark == answer.flow->mark;
	if (!same)
		tell(file, q, &answer, got, counter);
	*ret_passed = got != EVAL_DROP;
	return same;
}

/* --- all policies ------------------------------------------------------------------------------------------------------- */

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

static void try_policy(const char *file, size_t *ret_passed)
{
	struct zg_policy *policy = NULL;
	struct zg_plan *plan = NULL;
	struct zg_nft_state state = { 0 };
	static struct pool pool;
	size_t differ = 0;
	plan_ok(zg_conf_load_for(ZG_CONF_KNOWN, file, &diags, &policy), &diags);
	policy->generation = 1;
	const struct zg_plan_env env = { .queue = kind, .hash_seed = 1, .now = time(NULL) };
	plan_ok(zg_plan_compile(policy, &env, &diags, &plan), &diags);
	plan_ok(zg_nft_commit(nft, plan, &diags), &diags);
	plan_ok(zg_nft_read(nft, ZG_READ_ALL, plan, &state), &diags);
	pool_fill(&pool, policy);
	*ret_passed = 0;
	for (size_t i = 0; i < PACKETS; i++) {
		struct zg_question q;
		bool passed;
		draw_question(policy, &pool, &q);
		differ += !agree(file, policy, state.plan, &q, &passed);
		*ret_passed += passed;
		ck_assert_msg(differ < 10, "%s: explain and the kernel's rules disagree", file);
	}
	ck_assert_msg(differ == 0, "%s: %zu of %d packets", file, differ, PACKETS);
	zg_nft_state_free(&state);
	zg_plan_free(plan);
	zg_policy_free(policy);
}

/* The tree that this program was built in: BUILD/tests/NAME. */
static void top(char path[static PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	ck_assert_int_gt((int)n, 0);
	path[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
}

START_TEST(test_explain_agrees_with_the_kernel)
{
	static const char *const patterns[] = { "conf/*.conf", "conf/towns/*.conf", "conf/models/*.conf", "tests/golden/plan/*.conf", "tests/golden/conf/*-ok.conf" };
	const char *given = getenv("ZG_TEST_SEED");
	char dir[PATH_MAX], pattern[PATH_MAX + 64];
	glob_t found = { 0 };
	top(dir);
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		snprintf(pattern, sizeof pattern, "%s/%s", dir, patterns[i]);
		(void)glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, &found);
	}
	ck_assert_uint_ge(found.gl_pathc, 10);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t passed;
		seed = (given != NULL ? strtoull(given, NULL, 0) : 0x5eed) + i + 1;
		try_policy(found.gl_pathv[i], &passed);
		/* that most things are refused is no agreement: enough has to pass */
		ck_assert_msg(passed > PACKETS / 20, "%s: only %zu packets passed", found.gl_pathv[i], passed);
	}
	globfree(&found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("agree");
	TCase *tc = tcase_create("agree");
	if (geteuid() != 0) {
		puts("1..0 # SKIP needs root: network namespaces");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_explain_agrees_with_the_kernel);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
