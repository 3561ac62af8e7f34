/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router itself: what is sent to it, and what it sends. A table of its own that belongs to nobody, so that it stands while
 * the daemon is away: neither is anything open then that was closed, nor is the administrator locked out who comes to repair it.
 *
 * As with the flows, the connection's original tuple decides, for both directions of each packet, so that what is withdrawn
 * stops at once. The peer's end of it and the interface towards the peer are the key; the router's own end may be any
 * address that is its own.
 */
#include <netinet/icmp6.h>
#include <linux/if_arp.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>

#include "base/icmp.h"
#include "plan/draft.h"
#include "zonegate/mark.h"

#define PRIORITY_ROUTER 0

/* An echo request as conntrack's destination "port": type and code, in this order. */
static const uint16_t echo_request[2] = { 8 << 8, ICMP6_ECHO_REQUEST << 8 };

static const char *const counters[] = {
	"opened",    "injected", "in_station4", "in_station6", "in_invalid", "in_spoof4",	"in_spoof6", "in_nat",
	"in_related", "in_rate",  "in_closed",	  "out_invalid",   "out_nat",	 "out_related", "out_closed",
};

/* RFC 4890 4.4.1, for a router: it asks and answers for neighbours, is asked for routers and tells of itself; it believes no
 * other router and no redirect. 130 to 132 and 143 are multicast listeners', without which a switch forgets who solicits. */
static const uint8_t discover_in[] = { 130, 131, 132, ND_ROUTER_SOLICIT, ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT, 143 };
static const uint8_t discover_out[] = { 131, 132, ND_ROUTER_ADVERT, ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT, 143 };

/* Where the original tuple's peer is: who opened the connection, or to whom. */
struct side {
	const char *sets[2]; /* by family */
	bool out;	     /* the router opened it */
};
static const struct side to_router = { { "to_router4", "to_router6" }, false };
static const struct side from_router = { { "from_router4", "from_router6" }, true };

/* --- sets ------------------------------------------------------------------------------------------------------- */

static enum zg_err discover_set(struct zg_compiler *c, struct zg_table *table, const char *name, const uint8_t *types,
				size_t n)
{
	struct zg_set *set = zg_plan_set(table, name);
	enum zg_err err = set == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	set->fields[0] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->fields[1] = (struct zg_field){ ZG_T_ICMP6_TYPE, 1 };
	set->n_fields = 2;
	for (size_t z = 0; z < c->policy->n_zones; z++) {
		const struct zg_zone *zone = &c->policy->zones[z];
		for (size_t i = 0; i < zone->n_ifaces * n && err == ZG_OK; i++) {
			struct zg_elem *elem;
			err = zg_compile_elem(c, set, zone->line, &elem);
			if (err == ZG_OK)
				zg_key_bytes(elem->key, zg_key_ifname(elem->key, 0, zone->ifaces[i / n]), &types[i % n], 1);
		}
	}
	zg_plan_sort(set);
	return err;
}

/* link6: what every interface of a zone may bring besides the zone's own addresses: the link's, and none yet (RFC 4861 4.3). */
static enum zg_err link_set(struct zg_compiler *c, struct zg_table *table)
{
	static const uint8_t ranges[2][2][16] = {
		{ { 0 }, { 0 } },
		{ { 0xfe, 0x80 }, { 0xfe, 0xbf, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 } },
	};
	struct zg_set *set = zg_plan_set(table, "link6");
	enum zg_err err = set == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	set->fields[0] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->fields[1] = (struct zg_field){ ZG_T_IPV6, 16 };
	set->n_fields = 2;
	set->interval = true;
	for (size_t z = 0; z < c->policy->n_zones; z++) {
		const struct zg_zone *zone = &c->policy->zones[z];
		for (size_t i = 0; i < 2 * zone->n_ifaces && err == ZG_OK; i++) {
			struct zg_elem *elem;
			err = zg_compile_elem(c, set, zone->line, &elem);
			if (err != ZG_OK)
				break;
			zg_key_bytes(elem->key, zg_key_ifname(elem->key, 0, zone->ifaces[i / 2]), ranges[i % 2][0], 16);
			zg_key_bytes(elem->end, zg_key_ifname(elem->end, 0, zone->ifaces[i / 2]), ranges[i % 2][1], 16);
		}
	}
	zg_plan_sort(set);
	return err;
}

/* The peers of a rule in one family; of a zone only what is its own. */
static enum zg_err peers_of(const struct zg_compiler *c, const struct zg_router_rule *rule, int f, struct zg_intervals *ret_set)
{
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < rule->n_peers && err == ZG_OK; i++) {
		const struct zg_range *peer = &rule->peers[i];
		const zg_u128 lo = zg_u128_of(&peer->lo), hi = zg_u128_of(&peer->hi);
		if (peer->lo.family != zg_families[f].family)
			continue;
		if (rule->group || zg_addr_link_local(&peer->lo))
			err = zg_intervals_add(ret_set, lo, hi);
		else
			err = zg_intervals_intersect(&c->zones[f][rule->zone], lo, hi, ret_set);
	}
	zg_intervals_disjoin(ret_set);
	return err;
}

static enum zg_err ports_of(const struct zg_router_rule *rule, int f, struct zg_intervals *ret_set)
{
	enum zg_err err = ZG_OK;
	if (rule->protocol == ZG_ROUTER_ICMP)
		return zg_intervals_add(ret_set, echo_request[f], echo_request[f]);
	if (rule->n_ports == 0)
		return zg_intervals_add(ret_set, 0, 0);
	for (size_t i = 0; i < rule->n_ports && err == ZG_OK; i++)
		err = zg_intervals_add(ret_set, rule->ports[i].lo, rule->ports[i].hi);
	zg_intervals_disjoin(ret_set);
	return err;
}

static void fill_key(uint8_t *key, const char *iface, const struct zg_family_desc *fam, zg_u128 peer, uint8_t protocol,
		     zg_u128 port)
{
	const size_t at = zg_key_ifname(key, 0, iface);
	const uint8_t bytes[2] = { (uint8_t)(port >> 8), (uint8_t)port };
	zg_u128_put(peer, fam->family, key + at);
	zg_key_bytes(key, zg_key_bytes(key, at + fam->len, &protocol, 1), bytes, sizeof bytes);
}

/* Peers x ports of one rule on one interface. */
static enum zg_err rule_elems(struct zg_compiler *c, struct zg_set *set, int f, const struct zg_router_rule *rule,
			      const char *iface, const char *chain)
{
	const struct zg_family_desc *fam = &zg_families[f];
	const uint8_t protocol = rule->protocol == ZG_ROUTER_ICMP && f == 1 ? ZG_ICMP6 : rule->protocol;
	struct zg_intervals peers = { 0 }, ports = { 0 };
	enum zg_err err = peers_of(c, rule, f, &peers);
	if (err == ZG_OK)
		err = ports_of(rule, f, &ports);
	for (size_t i = 0; i < peers.n * ports.n && err == ZG_OK; i++) {
		const struct zg_interval *peer = &peers.v[i / ports.n], *port = &ports.v[i % ports.n];
		struct zg_elem *elem;
		err = zg_compile_elem(c, set, rule->line, &elem);
		if (err != ZG_OK)
			break;
		fill_key(elem->key, iface, fam, peer->lo, protocol, port->lo);
		fill_key(elem->end, iface, fam, peer->hi, protocol, port->hi);
		elem->verdict = (uint32_t)NFT_GOTO;
		elem->chain = chain;
	}
	zg_intervals_free(&peers);
	zg_intervals_free(&ports);
	return err;
}

/* Two neighbours of one protocol on one interface share its groups. */
static void drop_twins(struct zg_set *set)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->n_elems; i++) {
		if (kept > 0 && memcmp(set->elems[kept - 1].key, set->elems[i].key, sizeof set->elems[i].key) == 0 &&
		    memcmp(set->elems[kept - 1].end, set->elems[i].end, sizeof set->elems[i].end) == 0)
			continue;
		set->elems[kept++] = set->elems[i];
	}
	set->n_elems = kept;
}

static const char *ping_chain_name(struct zg_compiler *c, size_t rule)
{
	return zg_plan_strf(c->plan, "ping_%zu", rule);
}

static enum zg_err side_set(struct zg_compiler *c, struct zg_table *table, int f, const struct side *side)
{
	struct zg_set *set = zg_plan_set(table, side->sets[f]);
	enum zg_err err = set == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	set->fields[0] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->fields[1] = (struct zg_field){ zg_families[f].type, zg_families[f].len };
	set->fields[2] = (struct zg_field){ ZG_T_PROTO, 1 };
	set->fields[3] = (struct zg_field){ ZG_T_SERVICE, 2 };
	set->n_fields = 4;
	set->data = ZG_SET_VERDICT;
	set->interval = set->counter = true;
	for (size_t i = 0; i < c->policy->n_router && err == ZG_OK; i++) {
		const struct zg_router_rule *rule = &c->policy->router[i];
		const struct zg_zone *zone = &c->policy->zones[rule->zone];
		const char *chain = rule->rate > 0 ? ping_chain_name(c, i) : "open";
		if (rule->out != side->out)
			continue;
		if (chain == NULL)
			return ZG_ENOMEM;
		for (size_t k = 0; k < (rule->iface != NULL ? 1 : zone->n_ifaces) && err == ZG_OK; k++)
			err = rule_elems(c, set, f, rule, rule->iface != NULL ? rule->iface : zone->ifaces[k], chain);
	}
	zg_plan_sort(set);
	drop_twins(set);
	return err;
}

static enum zg_err sets(struct zg_compiler *c, struct zg_table *table)
{
	enum zg_err err = zg_compile_source_sets(c, table);
	if (err == ZG_OK)
		err = link_set(c, table);
	if (err == ZG_OK)
		err = discover_set(c, table, "discover_in", discover_in, sizeof discover_in);
	if (err == ZG_OK)
		err = discover_set(c, table, "discover_out", discover_out, sizeof discover_out);
	for (int f = 0; f < 2 && err == ZG_OK; f++) {
		err = side_set(c, table, f, &to_router);
		if (err == ZG_OK)
			err = side_set(c, table, f, &from_router);
	}
	return err;
}

/* --- chains ----------------------------------------------------------------------------------------------------- */

/* What the machine says to itself. */
static enum zg_err loopback_rule(struct zg_chain *chain, uint32_t key)
{
	const uint16_t loopback = ARPHRD_LOOPBACK;
	struct draft d = { .n = 0 };
	meta(&d, key, 0);
	cmp(&d, NFT_CMP_EQ, &loopback, sizeof loopback);
	verdict(&d, NF_ACCEPT, NULL);
	return finish(&d, chain, 0);
}

/* Conntrack leaves these untracked: they are judged by interface and type. The kernel itself insists on hop limit 255 (1 of
 * listeners), so that none comes from farther than the link. */
static enum zg_err discover_rule(struct zg_chain *chain, uint32_t iface, const char *set, int code, const char *to)
{
	const uint8_t icmp6 = ZG_ICMP6;
	struct draft d = { .n = 0 };
	family(&d, &zg_families[1]);
	meta(&d, NFT_META_L4PROTO, 0);
	cmp(&d, NFT_CMP_EQ, &icmp6, sizeof icmp6);
	meta(&d, iface, 0);
	payload(&d, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, W_IFNAME);
	lookup(&d, set, false);
	verdict(&d, code, to);
	return finish(&d, chain, 0);
}

static enum zg_err discover_chain(struct zg_table *table)
{
	static const char *const known[] = { "source6", "link6" };
	struct draft d = { .n = 0 };
	struct zg_chain *chain = zg_plan_chain(table, "discover", 0);
	enum zg_err err = chain == NULL ? ZG_ENOMEM : ZG_OK;
	for (size_t i = 0; i < 2 && err == ZG_OK; i++) {
		iface_and_source(&d, &zg_families[1]);
		lookup(&d, known[i], false);
		verdict(&d, NF_ACCEPT, NULL);
		err = finish(&d, chain, 0);
	}
	if (err == ZG_OK) {
		refuse(&d, "in_spoof6", "zg:in-spoof");
		err = finish(&d, chain, 0);
	}
	return err;
}

static enum zg_err spoof_rules(struct zg_chain *chain)
{
	struct draft d = { .n = 0 };
	family(&d, &zg_families[0]);
	iface_and_source(&d, &zg_families[0]);
	lookup(&d, "source4", true);
	refuse(&d, "in_spoof4", "zg:in-spoof");
	enum zg_err err = finish(&d, chain, 0);
	if (err != ZG_OK)
		return err;
	family(&d, &zg_families[1]);
	iface_and_source(&d, &zg_families[1]);
	lookup(&d, "source6", true);
	lookup(&d, "link6", true);
	refuse(&d, "in_spoof6", "zg:in-spoof");
	return finish(&d, chain, 0);
}

/* Counters and log prefixes of what both chains refuse. */
struct refusals {
	const char *invalid[2], *nat[2], *related[2], *closed[2];
};
static const struct refusals in_refusals = { { "in_invalid", "zg:in-invalid" },
					     { "in_nat", "zg:in-nat" },
					     { "in_related", "zg:in-related" },
					     { "in_closed", "zg:in-closed" } };
static const struct refusals out_refusals = { { "out_invalid", "zg:out-invalid" },
					      { "out_nat", "zg:out-nat" },
					      { "out_related", "zg:out-related" },
					      { "out_closed", "zg:out-closed" } };

static enum zg_err state_rules(struct zg_chain *chain, const struct refusals *r)
{
	struct draft d = { .n = 0 };
	ct_bits(&d, NFT_CT_STATE,
		NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED) | NF_CT_STATE_BIT(IP_CT_NEW),
		NFT_CMP_EQ);
	refuse(&d, r->invalid[0], r->invalid[1]);
	enum zg_err err = finish(&d, chain, 0);
	if (err == ZG_OK) {
		ct_bits(&d, NFT_CT_STATUS, IPS_SRC_NAT | IPS_DST_NAT, NFT_CMP_NEQ);
		refuse(&d, r->nat[0], r->nat[1]);
		err = finish(&d, chain, 0);
	}
	return err;
}

static enum zg_err related_rule(struct zg_chain *chain, const struct refusals *r)
{
	const uint8_t icmp4 = ZG_ICMP4, icmp6 = ZG_ICMP6;
	struct draft d = { .n = 0 };
	ct_bits(&d, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_RELATED), NFT_CMP_NEQ);
	meta(&d, NFT_META_L4PROTO, 0);
	cmp(&d, NFT_CMP_NEQ, &icmp4, sizeof icmp4);
	meta(&d, NFT_META_L4PROTO, 0);
	cmp(&d, NFT_CMP_NEQ, &icmp6, sizeof icmp6);
	refuse(&d, r->related[0], r->related[1]);
	return finish(&d, chain, 0);
}

/* What the router tells of a connection that exists, to one of its ends: that its packet was too large, that the way ends
 * here. Of what never was a connection it tells nothing. */
static enum zg_err error_rule(struct zg_chain *chain)
{
	struct draft d = { .n = 0 };
	ct_bits(&d, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_RELATED), NFT_CMP_NEQ);
	verdict(&d, NF_ACCEPT, NULL);
	return finish(&d, chain, 0);
}

/* Packets of one direction of connections that this side's set judges. */
static enum zg_err side_rule(struct zg_chain *chain, int f, uint32_t iface, uint8_t direction, const struct side *side)
{
	const struct zg_family_desc *fam = &zg_families[f];
	const uint8_t behind = (uint8_t)(W_IFNAME + fam->len / 4);
	struct draft d = { .n = 0 };
	family(&d, fam);
	ct(&d, NFT_CT_DIRECTION, ZG_DIR_NONE, 0);
	cmp(&d, NFT_CMP_EQ, &direction, sizeof direction);
	meta(&d, iface, 0);
	ct(&d, side->out ? fam->ct_dst : fam->ct_src, IP_CT_DIR_ORIGINAL, W_IFNAME);
	ct(&d, NFT_CT_PROTOCOL, ZG_DIR_NONE, behind);
	ct(&d, NFT_CT_PROTO_DST, IP_CT_DIR_ORIGINAL, (uint8_t)(behind + 1));
	map(&d, side->sets[f], ZG_REG_VERDICT);
	return finish(&d, chain, 0);
}

/* original: whose connections the packets of the original direction belong to in this chain. */
static enum zg_err side_rules(struct zg_chain *chain, uint32_t iface, const struct side *original, const struct side *reply,
			      const struct refusals *r)
{
	struct draft d = { .n = 0 };
	enum zg_err err = ZG_OK;
	for (int f = 0; f < 2 && err == ZG_OK; f++) {
		err = side_rule(chain, f, iface, IP_CT_DIR_ORIGINAL, original);
		if (err == ZG_OK)
			err = side_rule(chain, f, iface, IP_CT_DIR_REPLY, reply);
	}
	if (err == ZG_OK) {
		refuse(&d, r->closed[0], r->closed[1]);
		err = finish(&d, chain, 0);
	}
	return err;
}

static enum zg_err input_chain(struct zg_compiler *c, struct zg_table *table)
{
	struct zg_chain *chain = base_chain(table, "input", NF_INET_LOCAL_IN, PRIORITY_ROUTER, NF_DROP);
	enum zg_err err = chain == NULL ? ZG_ENOMEM : loopback_rule(chain, NFT_META_IIFTYPE);
	if (err == ZG_OK)
		err = zg_compile_station_rules(c, chain);
	if (err == ZG_OK)
		err = discover_rule(chain, NFT_META_IIFNAME, "discover_in", NFT_GOTO, "discover");
	if (err == ZG_OK)
		err = state_rules(chain, &in_refusals);
	if (err == ZG_OK)
		err = spoof_rules(chain);
	if (err == ZG_OK)
		err = related_rule(chain, &in_refusals);
	return err == ZG_OK ? side_rules(chain, NFT_META_IIFNAME, &to_router, &from_router, &in_refusals) : err;
}

/* The gate's resets and what it sends again carry the mark that only who holds CAP_NET_ADMIN can set. */
static enum zg_err gate_rule(struct zg_chain *chain)
{
	const uint32_t sent = ZG_MARK_SENT;
	struct draft d = { .n = 0 };
	meta(&d, NFT_META_MARK, 0);
	cmp(&d, NFT_CMP_EQ, &sent, sizeof sent);
	counter(&d, "injected");
	verdict(&d, NF_ACCEPT, NULL);
	return finish(&d, chain, 0);
}

static enum zg_err output_chain(struct zg_table *table)
{
	struct zg_chain *chain = base_chain(table, "output", NF_INET_LOCAL_OUT, PRIORITY_ROUTER, NF_DROP);
	enum zg_err err = chain == NULL ? ZG_ENOMEM : loopback_rule(chain, NFT_META_OIFTYPE);
	if (err == ZG_OK)
		err = gate_rule(chain);
	if (err == ZG_OK)
		err = discover_rule(chain, NFT_META_OIFNAME, "discover_out", NF_ACCEPT, NULL);
	if (err == ZG_OK)
		err = state_rules(chain, &out_refusals);
	if (err == ZG_OK)
		err = related_rule(chain, &out_refusals);
	if (err == ZG_OK)
		err = error_rule(chain);
	return err == ZG_OK ? side_rules(chain, NFT_META_OIFNAME, &from_router, &to_router, &out_refusals) : err;
}

/* The first packet of a connection is recorded: conntrack has not confirmed it yet. */
static enum zg_err open_chain(struct zg_table *table)
{
	struct draft d = { .n = 0 };
	struct zg_chain *chain = zg_plan_chain(table, "open", 0);
	if (chain == NULL)
		return ZG_ENOMEM;
	ct_bits(&d, NFT_CT_STATUS, IPS_CONFIRMED, NFT_CMP_EQ);
	counter(&d, "opened");
	tell(&d, ZG_LOG_OPENED);
	enum zg_err err = finish(&d, chain, 0);
	if (err == ZG_OK) {
		verdict(&d, NF_ACCEPT, NULL);
		err = finish(&d, chain, 0);
	}
	return err;
}

/* Requests as many as the rule admits; answers are as many. */
static enum zg_err ping_chain(struct zg_compiler *c, struct zg_table *table, size_t index)
{
	const struct zg_router_rule *rule = &c->policy->router[index];
	const uint8_t reply = IP_CT_DIR_REPLY;
	struct draft d = { .n = 0 };
	const char *name = ping_chain_name(c, index);
	struct zg_chain *chain = name != NULL ? zg_plan_chain(table, name, rule->line) : NULL;
	if (chain == NULL)
		return ZG_ENOMEM;
	ct(&d, NFT_CT_DIRECTION, ZG_DIR_NONE, 0);
	cmp(&d, NFT_CMP_EQ, &reply, sizeof reply);
	verdict(&d, NFT_GOTO, "open");
	enum zg_err err = finish(&d, chain, rule->line);
	if (err == ZG_OK) {
		add(&d, (struct zg_expr){ .kind = ZG_X_LIMIT, .modulus = rule->rate, .len = 1, .threshold = rule->rate });
		refuse(&d, "in_rate", "zg:in-rate");
		err = finish(&d, chain, rule->line);
	}
	if (err == ZG_OK) {
		verdict(&d, NFT_GOTO, "open");
		err = finish(&d, chain, rule->line);
	}
	return err;
}

static enum zg_err chains(struct zg_compiler *c, struct zg_table *table)
{
	enum zg_err err = input_chain(c, table);
	if (err == ZG_OK)
		err = output_chain(table);
	for (int f = 0; f < 2 && err == ZG_OK; f++)
		if (c->stations[f])
			err = zg_compile_station_chain(table, f, f == 0 ? "in_station4" : "in_station6");
	if (err == ZG_OK)
		err = discover_chain(table);
	if (err == ZG_OK)
		err = open_chain(table);
	for (size_t i = 0; i < c->policy->n_router && err == ZG_OK; i++)
		if (c->policy->router[i].rate > 0)
			err = ping_chain(c, table, i);
	return err;
}

enum zg_err zg_compile_router(struct zg_compiler *c)
{
	struct zg_table *table = zg_plan_table(c->plan, ZG_TABLE_ROUTER, false);
	enum zg_err err = table == NULL ? ZG_ENOMEM : ZG_OK;
	for (size_t i = 0; i < sizeof counters / sizeof counters[0] && err == ZG_OK; i++)
		err = zg_plan_counter(table, counters[i]);
	if (err == ZG_OK)
		err = sets(c, table);
	return err == ZG_OK ? chains(c, table) : err;
}
