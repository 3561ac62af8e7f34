/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains: what every packet that wants across meets, in this order. */
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "base/icmp.h"
#include "plan/draft.h"
#include "zonegate/mark.h"

#define PRIORITY_ARRIVE	  (-450) /* before the raw table (-300) and defragmentation (-400): no foreign mark comes in */
#define PRIORITY_FORWARD  0
#define PRIORITY_VERDICT  1    /* next behind the policy: where a packet goes on when an inspector has accepted it */
#define PRIORITY_BACKSTOP 1000 /* after everything else in the forward hook */

/* The address and the MAC of a known station belong together. Not on Ethernet, or without a MAC header, is a miss. */
static enum zg_err station_chain(struct zg_table *table, int f)
{
	const struct zg_family_desc *fam = &zg_families[f];
	const uint16_t ether = ARPHRD_ETHER;
	struct draft d = { .n = 0 };
	struct zg_chain *chain = zg_plan_chain(table, f == 0 ? "station4" : "station6", 0);
	enum zg_err err = chain == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	meta(&d, NFT_META_IIFTYPE, 0);
	cmp(&d, NFT_CMP_EQ, &ether, sizeof ether);
	iface_and_source(&d, fam);
	payload(&d, NFT_PAYLOAD_LL_HEADER, 6, 6, (uint8_t)(W_IFNAME + fam->len / 4));
	lookup(&d, f == 0 ? "station_mac4" : "station_mac6", false);
	verdict(&d, NFT_RETURN, NULL);
	err = finish(&d, chain, 0);
	refuse(&d, f == 0 ? "drop_station4" : "drop_station6", "zg:station");
	return err == ZG_OK ? finish(&d, chain, 0) : err;
}

/* Who may have sent it: state, source address. */
static enum zg_err admit_rules(struct zg_chain *chain)
{
	static const char *const sources[2] = { "source4", "source6" }, *const spoofs[2] = { "drop_spoof4",
											     "drop_spoof6" };
	struct draft d = { .n = 0 };
	enum zg_err err;

	/* an allow-list of states: invalid, untracked and whatever comes to be later are none of these */
	ct_bits(&d, NFT_CT_STATE,
		NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED) | NF_CT_STATE_BIT(IP_CT_NEW),
		NFT_CMP_EQ);
	refuse(&d, "drop_invalid", "zg:invalid");
	err = finish(&d, chain, 0);
	for (int f = 0; f < 2 && err == ZG_OK; f++) {
		family(&d, &zg_families[f]);
		iface_and_source(&d, &zg_families[f]);
		lookup(&d, sources[f], true);
		refuse(&d, spoofs[f], "zg:spoof");
		err = finish(&d, chain, 0);
	}
	return err;
}

/* A station has to show its MAC before anything else. */
static enum zg_err station_rules(const struct zg_compiler *c, struct zg_chain *chain)
{
	static const char *const ips[2] = { "station_ip4", "station_ip6" }, *const stations[2] = { "station4",
												   "station6" };
	struct draft d = { .n = 0 };
	enum zg_err err = ZG_OK;

	for (int f = 0; f < 2 && err == ZG_OK; f++) {
		if (!c->stations[f])
			continue;
		family(&d, &zg_families[f]);
		iface_and_source(&d, &zg_families[f]);
		lookup(&d, ips[f], false);
		verdict(&d, NFT_JUMP, stations[f]);
		err = finish(&d, chain, 0);
	}
	return err;
}

/* incoming interface . outgoing interface . conntrack direction decides by this map. */
static void dispatch(struct draft *d, const char *name)
{
	ct(d, NFT_CT_DIRECTION, ZG_DIR_NONE, 2 * W_IFNAME);
	map(d, name, ZG_REG_VERDICT);
}

static void both_interfaces(struct draft *d)
{
	meta(d, NFT_META_IIFNAME, 0);
	meta(d, NFT_META_OIFNAME, W_IFNAME);
}

/*
 * What a flow permits leaves here, after few rules: nothing is asked twice. The maps of the flows hold only addresses of their
 * zones, and are reached only through an interface of that zone, so that a source in them is no forged one, as long as the
 * connection's tuple is the one on the wire. Whatever does not leave meets all the rules below, which find out why.
 */
static enum zg_err quick_rule(struct zg_chain *chain)
{
	struct draft d = { .n = 0 };

	ct_bits(&d, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_NEW), NFT_CMP_NEQ);
	ct_bits(&d, NFT_CT_STATUS, IPS_SRC_NAT | IPS_DST_NAT, NFT_CMP_EQ);
	both_interfaces(&d);
	lookup(&d, "never", true);
	dispatch(&d, "quick");
	return finish(&d, chain, 0);
}

/* Nothing comes from an interface that is cut off, and nothing goes there, whatever the policy says. */
static enum zg_err isolation_rules(struct zg_chain *chain)
{
	static const uint32_t directions[] = { NFT_META_IIFNAME, NFT_META_OIFNAME };
	struct draft d = { .n = 0 };
	enum zg_err err = ZG_OK;

	for (size_t i = 0; i < sizeof directions / sizeof *directions && err == ZG_OK; i++) {
		meta(&d, directions[i], 0);
		lookup(&d, ZG_SET_ISOLATED, false);
		refuse(&d, "drop_isolated", "zg:isolated");
		err = finish(&d, chain, 0);
	}
	return err;
}

/* What the forward chain has let go before a zone was cut off: packets that waited for a verdict go on at the next base
 * chain, and what the gate sends itself is not forwarded at all. */
static enum zg_err isolation_chains(struct zg_table *table)
{
	const uint32_t sent = ZG_MARK_SENT;
	struct draft d = { .n = 0 };
	struct zg_chain *chain = base_chain(table, "judged", NF_INET_FORWARD, PRIORITY_VERDICT, NF_ACCEPT);
	enum zg_err err = chain == NULL ? ZG_ENOMEM : isolation_rules(chain);
	if (err == ZG_OK && (chain = base_chain(table, "sent", NF_INET_LOCAL_OUT, PRIORITY_VERDICT, NF_ACCEPT)) == NULL)
		err = ZG_ENOMEM;
	if (err != ZG_OK)
		return err;
	meta(&d, NFT_META_MARK, 0);
	cmp(&d, NFT_CMP_EQ, &sent, sizeof sent);
	meta(&d, NFT_META_OIFNAME, 0);
	lookup(&d, ZG_SET_ISOLATED, false);
	counter(&d, "drop_isolated");
	verdict(&d, NF_DROP, NULL);
	return finish(&d, chain, 0);
}

/* Where it may go at all. */
static enum zg_err dispatch_rules(struct zg_chain *chain)
{
	const uint8_t icmp4 = ZG_ICMP4, icmp6 = ZG_ICMP6;
	struct draft d = { .n = 0 };
	enum zg_err err;

	both_interfaces(&d);
	lookup(&d, "never", false);
	refuse(&d, "drop_never", "zg:zone-pair");
	err = finish(&d, chain, 0);

	/* the tuple that the flow maps judge must be the one on the wire */
	if (err == ZG_OK) {
		ct_bits(&d, NFT_CT_STATUS, IPS_SRC_NAT | IPS_DST_NAT, NFT_CMP_NEQ);
		refuse(&d, "drop_nat", "zg:nat");
		err = finish(&d, chain, 0);
	}
	/* An ICMP error carries the original tuple of the connection that it quotes: the maps judge it as they judge that one, and
	 * its inspector reads it. Nothing else may borrow a tuple. */
	if (err == ZG_OK) {
		ct_bits(&d, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_RELATED), NFT_CMP_NEQ);
		meta(&d, NFT_META_L4PROTO, 0);
		cmp(&d, NFT_CMP_NEQ, &icmp4, sizeof icmp4);
		meta(&d, NFT_META_L4PROTO, 0);
		cmp(&d, NFT_CMP_NEQ, &icmp6, sizeof icmp6);
		refuse(&d, "drop_related", "zg:related");
		err = finish(&d, chain, 0);
	}
	if (err == ZG_OK) {
		both_interfaces(&d);
		dispatch(&d, "pairs");
		err = finish(&d, chain, 0);
	}
	if (err == ZG_OK) {
		refuse(&d, "drop_pair", "zg:zone-pair");
		err = finish(&d, chain, 0);
	}
	return err;
}

enum zg_err zg_compile_forward(struct zg_compiler *c, struct zg_table *table)
{
	struct zg_chain *chain = base_chain(table, "forward", NF_INET_FORWARD, PRIORITY_FORWARD, NF_DROP);
	enum zg_err err = chain == NULL ? ZG_ENOMEM : isolation_rules(chain);
	if (err == ZG_OK)
		err = station_rules(c, chain);
	if (err == ZG_OK)
		err = zg_compile_blocklist_rules(c, chain);
	if (err == ZG_OK)
		err = quick_rule(chain);
	if (err == ZG_OK)
		err = admit_rules(chain);
	if (err == ZG_OK)
		err = dispatch_rules(chain);
	for (int f = 0; f < 2 && err == ZG_OK; f++)
		if (c->stations[f])
			err = station_chain(table, f);
	if (err == ZG_OK)
		err = zg_compile_blocklist_chains(c, table);
	return err == ZG_OK ? isolation_chains(table) : err;
}

/* The original tuple decides: found in the map, the packet is marked and goes on to where it is inspected, or to opaque. */
static enum zg_err flow_rule(struct zg_chain *chain, int f, const char *flows, const char *next, unsigned line)
{
	const struct zg_family_desc *fam = &zg_families[f];
	const uint8_t words = fam->len / 4;
	struct draft d = { .n = 0 };
	family(&d, fam);
	ct(&d, fam->ct_src, IP_CT_DIR_ORIGINAL, 0);
	ct(&d, fam->ct_dst, IP_CT_DIR_ORIGINAL, words);
	ct(&d, NFT_CT_PROTOCOL, ZG_DIR_NONE, (uint8_t)(2 * words)); /* one for both directions */
	ct(&d, NFT_CT_PROTO_DST, IP_CT_DIR_ORIGINAL, (uint8_t)(2 * words + 1));
	map(&d, flows, 0);
	meta_set(&d, NFT_META_MARK, 0);
	verdict(&d, NFT_GOTO, next);
	return finish(&d, chain, line);
}

enum zg_err zg_compile_pair_chains(struct zg_table *table, const struct zg_pair_names *names, const struct zg_pair_maps *maps,
				   unsigned line)
{
	struct draft d = { .n = 0 };
	struct zg_chain *chain = zg_plan_chain(table, names->permit, line);
	enum zg_err err = chain == NULL ? ZG_ENOMEM : ZG_OK;

	for (int f = 0; f < 2 && err == ZG_OK; f++) {
		const char *inspect = f == 0 ? "inspect4" : "inspect6";
		if (maps->exact[f] != NULL)
			err = flow_rule(chain, f, maps->exact[f], inspect, line);
		if (maps->ranges[f] != NULL && err == ZG_OK)
			err = flow_rule(chain, f, maps->ranges[f], inspect, line);
		if (maps->opaque[f] != NULL && err == ZG_OK)
			err = flow_rule(chain, f, maps->opaque[f], "opaque", line);
	}
	if (err == ZG_OK && (chain = zg_plan_chain(table, names->judge, line)) == NULL)
		err = ZG_ENOMEM;
	if (err == ZG_OK) {
		verdict(&d, NFT_JUMP, names->permit);
		err = finish(&d, chain, line);
	}
	if (err == ZG_OK) {
		refuse(&d, "drop_noflow", "zg:no-flow");
		err = finish(&d, chain, line);
	}
	return err;
}

/*
 * opaque: a 特定通信 that no inspector reads passes by what the kernel itself knows of it, in both directions: the state of its
 * connection (strict, sys/sysctl.h), the tuple, the stations' MAC addresses. An ICMP error about it is checked by nobody and
 * does not pass. The packet that begins a connection, the only one that conntrack has not confirmed yet, is told.
 */
enum zg_err zg_compile_opaque(struct zg_table *table)
{
	const uint32_t pass = ZG_MARK_PASS;
	struct draft d = { .n = 0 };
	struct zg_chain *chain = zg_plan_chain(table, "opaque", 0);
	enum zg_err err = chain == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	ct_bits(&d, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_NEW), NFT_CMP_EQ);
	refuse(&d, "drop_related", "zg:opaque-error");
	err = finish(&d, chain, 0);
	if (err == ZG_OK) {
		ct_bits(&d, NFT_CT_STATUS, IPS_CONFIRMED, NFT_CMP_EQ);
		counter(&d, "opaque_opened");
		tell(&d, ZG_LOG_OPENED);
		err = finish(&d, chain, 0);
	}
	if (err == ZG_OK) {
		counter(&d, "opaque_passed");
		value_u32(&d, pass, 0);
		meta_set(&d, NFT_META_MARK, 0);
		verdict(&d, NF_ACCEPT, NULL);
		err = finish(&d, chain, 0);
	}
	return err;
}

enum zg_err zg_compile_limit_chain(struct zg_table *table, const char *name, const struct zg_flow *flow)
{
	struct draft d = { .n = 0 };
	struct zg_chain *chain = zg_plan_chain(table, name, flow->line);
	enum zg_err err = chain == NULL ? ZG_ENOMEM : ZG_OK;
	/* the rate first: what it refuses does not come to the list of connections */
	if (err == ZG_OK && flow->rate.count != 0) {
		add(&d, (struct zg_expr){ .kind = ZG_X_LIMIT,
					  .modulus = flow->rate.count,
					  .len = flow->rate.seconds,
					  .threshold = flow->rate.count });
		refuse(&d, "drop_rate", "zg:rate");
		err = finish(&d, chain, flow->line);
	}
	if (err == ZG_OK && flow->connections != 0) {
		add(&d, (struct zg_expr){ .kind = ZG_X_CONNLIMIT, .modulus = flow->connections });
		refuse(&d, "drop_connections", "zg:connections");
		err = finish(&d, chain, flow->line);
	}
	return err;
}

/* What begins a connection, and conntrack has not confirmed yet, is judged by the limits of its flow, which its mark names. */
static enum zg_err limits_rule(struct zg_chain *chain)
{
	struct draft d = { .n = 0 };
	ct_bits(&d, NFT_CT_STATUS, IPS_CONFIRMED, NFT_CMP_EQ);
	meta(&d, NFT_META_MARK, 0);
	map(&d, "limits", ZG_REG_VERDICT);
	return finish(&d, chain, 0);
}

/* inspect4, inspect6: both directions of a connection come to the same queue, whatever the kind of queue expression. */
static enum zg_err inspect_chain(struct zg_compiler *c, struct zg_table *table, int f)
{
	const struct zg_family_desc *fam = &zg_families[f];
	const uint8_t words = fam->len / 4;
	struct draft d = { .n = 0 };
	struct zg_chain *chain = zg_plan_chain(table, f == 0 ? "inspect4" : "inspect6", 0);
	if (chain == NULL)
		return ZG_ENOMEM;
	if (c->limits && limits_rule(chain) != ZG_OK)
		return ZG_ENOMEM;
	if (c->policy->inspectors == 1) {
		verdict(&d, NFT_GOTO, "queue_0");
		return finish(&d, chain, 0);
	}
	/* hashed from the second register on; the result goes to the first */
	ct(&d, fam->ct_src, IP_CT_DIR_ORIGINAL, 4);
	ct(&d, fam->ct_dst, IP_CT_DIR_ORIGINAL, (uint8_t)(4 + words));
	ct(&d, NFT_CT_PROTO_SRC, IP_CT_DIR_ORIGINAL, (uint8_t)(4 + 2 * words));
	ct(&d, NFT_CT_PROTO_DST, IP_CT_DIR_ORIGINAL, (uint8_t)(4 + 2 * words + 1));
	add(&d, (struct zg_expr){ .kind = ZG_X_HASH,
				  .sreg = 4,
				  .len = 4u * (2u * words + 2),
				  .dreg = 0,
				  .modulus = c->policy->inspectors,
				  .seed = c->env->hash_seed });
	map(&d, "queues", ZG_REG_VERDICT);
	return finish(&d, chain, 0);
}

static enum zg_err queue_chain(struct zg_compiler *c, struct zg_table *table, uint32_t index, const char *name)
{
	struct draft d = { .n = 0 };
	struct zg_chain *chain = zg_plan_chain(table, name, 0);
	if (chain == NULL)
		return ZG_ENOMEM;
	counter(&d, "queued");
	/* flags 0: never bypass (without a listener the kernel drops), never fan out by CPU (it reorders) */
	add(&d, (struct zg_expr){ .kind = c->env->queue == ZG_QUEUE_NATIVE ? ZG_X_QUEUE : ZG_X_TARGET,
				  .group = c->policy->queue_base + index,
				  .modulus = 1 });
	return finish(&d, chain, 0);
}

enum zg_err zg_compile_queues(struct zg_compiler *c, struct zg_table *table)
{
	const uint32_t n = c->policy->inspectors;
	enum zg_err err = ZG_OK;
	if (n < 1 || n > ZG_INSPECTORS_MAX || c->policy->queue_base + n > 65536) {
		zg_diag_add(c->diags, ZG_DIAG_ERROR, 0, 0, NULL, "%u queues from number %u on are out of range", n,
			    c->policy->queue_base);
		return ZG_ECONF;
	}
	struct zg_set *queues = n > 1 ? zg_plan_set(table, "queues") : NULL;
	if (queues != NULL) {
		queues->fields[0] = (struct zg_field){ ZG_T_MARK, 4 };
		queues->n_fields = 1;
		queues->data = ZG_SET_VERDICT;
	} else if (n > 1) {
		return ZG_ENOMEM;
	}
	for (int f = 0; f < 2 && err == ZG_OK; f++)
		err = inspect_chain(c, table, f);
	for (uint32_t i = 0; i < n && err == ZG_OK; i++) {
		const char *name = zg_plan_strf(c->plan, "queue_%u", i);
		err = name == NULL ? ZG_ENOMEM : queue_chain(c, table, i, name);
		if (err != ZG_OK || queues == NULL)
			continue;
		struct zg_elem *elem;
		err = zg_compile_elem(c, queues, 0, &elem);
		if (err == ZG_OK) {
			zg_key_bytes(elem->key, 0, &i, sizeof i); /* host order, as the register */
			elem->verdict = (uint32_t)NFT_GOTO;
			elem->chain = name;
		}
	}
	if (queues != NULL)
		zg_plan_sort(queues);
	return err;
}

bool zg_zone_within(const struct zg_zone *zone)
{
	return zone->within && zone->n_ifaces > 1;
}

/*
 * From one interface of a zone to another: no boundary, so nothing is inspected, and the pass mark is given here. State, source
 * and station were looked at on the way; the set of sources knows the addresses behind the other interface too.
 */
enum zg_err zg_compile_within(struct zg_compiler *c, struct zg_table *table)
{
	static const char *const sources[2] = { "source4", "source6" };
	struct draft d = { .n = 0 };
	bool any = false;
	for (size_t z = 0; z < c->policy->n_zones; z++)
		any = any || zg_zone_within(&c->policy->zones[z]);
	struct zg_chain *chain = any ? zg_plan_chain(table, "within", 0) : NULL;
	if (chain == NULL)
		return any ? ZG_ENOMEM : ZG_OK;
	for (int f = 0; f < 2; f++) {
		const struct zg_family_desc *fam = &zg_families[f];
		family(&d, fam);
		meta(&d, NFT_META_OIFNAME, 0);
		payload(&d, NFT_PAYLOAD_NETWORK_HEADER, fam->saddr + fam->len, fam->len, W_IFNAME);
		lookup(&d, sources[f], false);
		counter(&d, "within");
		value_u32(&d, ZG_MARK_PASS, 0);
		meta_set(&d, NFT_META_MARK, 0);
		verdict(&d, NF_ACCEPT, NULL);
		enum zg_err err = finish(&d, chain, 0);
		if (err != ZG_OK)
			return err;
	}
	refuse(&d, "drop_pair", "zg:zone-pair");
	return finish(&d, chain, 0);
}

enum zg_err zg_compile_backstop(struct zg_plan *plan)
{
	const uint32_t pass = ZG_MARK_PASS;
	struct draft d = { .n = 0 };
	struct zg_table *table = zg_plan_table(plan, ZG_TABLE_BACKSTOP, false);
	enum zg_err err = table == NULL ? ZG_ENOMEM : zg_plan_counter(table, "passed");
	if (err == ZG_OK)
		err = zg_plan_counter(table, "backstop_drop");
	struct zg_chain *chain =
		err == ZG_OK ? base_chain(table, "arrive", NF_INET_PRE_ROUTING, PRIORITY_ARRIVE, NF_ACCEPT) : NULL;
	if (chain == NULL)
		return ZG_ENOMEM;
	value_u32(&d, 0, 0);
	meta_set(&d, NFT_META_MARK, 0);
	err = finish(&d, chain, 0);

	chain = err == ZG_OK ? base_chain(table, "forward", NF_INET_FORWARD, PRIORITY_BACKSTOP, NF_DROP) : NULL;
	if (chain == NULL)
		return ZG_ENOMEM;
	meta(&d, NFT_META_MARK, 0);
	cmp(&d, NFT_CMP_EQ, &pass, sizeof pass);
	counter(&d, "passed");
	value_u32(&d, 0, 0);
	meta_set(&d, NFT_META_MARK, 0);
	verdict(&d, NF_ACCEPT, NULL);
	err = finish(&d, chain, 0);
	counter(&d, "backstop_drop");
	return err == ZG_OK ? finish(&d, chain, 0) : err;
}
