/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Meters of what a zone opens. Only packets of connections that nobody has answered yet come here, so that an established
 * connection costs one comparison. Everything is counted in dynamic sets of bounded size by source (of IPv6 the /64, which
 * one host can fill as it likes) or by target; what the sets have no room for is not counted, and goes on to the flows.
 */
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>

#include "plan/draft.h"

#define PAIR_PORT 2u /* bytes */

/* The kernel's counter and the log's prefix of what is over a meter. */
static const struct {
	const char *count, *prefix;
} overs[ZG_METER_COUNT] = {
	[ZG_METER_CONNECTIONS] = { "over_connections", "zg:conn-rate" },
	[ZG_METER_SCAN] = { "over_scan", "zg:scan" },
	[ZG_METER_FLOOD] = { "over_flood", "zg:flood" },
	[ZG_METER_TARGET] = { "over_target", "zg:target" },
};

static bool blocks(const struct zg_monitor *m)
{
	for (int k = 0; k < ZG_METER_COUNT; k++)
		if (m->meters[k].limit > 0 && m->meters[k].block > 0)
			return true;
	return false;
}

/* "scan4_internet" */
static const char *set_name(const struct zg_compiler *c, const struct zg_monitor *m, const char *what, int f)
{
	return zg_plan_strf(c->plan, "%s%s_%s", what, zg_families[f].digit, c->policy->zones[m->zone].name);
}

/* --- sets --------------------------------------------------------------------------------------- */

static enum zg_err dynamic_set(struct zg_compiler *c, struct zg_table *table, const struct zg_monitor *m, const char *what, int f,
			       uint32_t size, const struct zg_field *more, size_t n_more)
{
	struct zg_set *set = zg_plan_set(table, set_name(c, m, what, f));
	if (set == NULL || set->name == NULL)
		return ZG_ENOMEM;
	set->fields[0] = (struct zg_field){ zg_families[f].type, zg_families[f].len };
	for (size_t i = 0; i < n_more; i++)
		set->fields[1 + i] = more[i];
	set->n_fields = 1 + n_more;
	set->dynamic = set->timeout = true;
	set->size = size;
	set->line = m->line;
	return ZG_OK;
}

static enum zg_err meter_set(struct zg_compiler *c, struct zg_table *table, const struct zg_monitor *m, enum zg_meter_kind kind, int f)
{
	const struct zg_field proto = { ZG_T_PROTO, 1 };
	const struct zg_field pair[] = { { zg_families[f].type, zg_families[f].len }, { ZG_T_SERVICE, PAIR_PORT } };
	const bool by_protocol = kind == ZG_METER_FLOOD || kind == ZG_METER_TARGET;
	if (m->meters[kind].limit == 0)
		return ZG_OK;
	enum zg_err err = dynamic_set(c, table, m, zg_meter_name(kind), f, ZG_METER_SOURCES, &proto, by_protocol);
	if (err == ZG_OK && kind == ZG_METER_SCAN)
		err = dynamic_set(c, table, m, "pairs", f, ZG_METER_PAIRS, pair, sizeof pair / sizeof *pair);
	return err;
}

/* monitors: interface -> the chain of its zone. */
static enum zg_err dispatch_map(struct zg_compiler *c, struct zg_table *table)
{
	struct zg_set *set = zg_plan_set(table, "monitors");
	if (set == NULL)
		return ZG_ENOMEM;
	set->fields[0] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->n_fields = 1;
	set->data = ZG_SET_VERDICT;
	for (size_t i = 0; i < c->policy->n_monitors; i++) {
		const struct zg_zone *zone = &c->policy->zones[c->policy->monitors[i].zone];
		const char *chain = zg_plan_strf(c->plan, "monitor_%s", zone->name);
		for (size_t k = 0; k < zone->n_ifaces; k++) {
			struct zg_elem *elem = zg_plan_elem(set);
			if (elem == NULL || chain == NULL)
				return ZG_ENOMEM;
			zg_key_ifname(elem->key, 0, zone->ifaces[k]);
			elem->verdict = (uint32_t)NFT_JUMP;
			elem->chain = chain;
			elem->line = c->policy->monitors[i].line;
		}
	}
	zg_plan_sort(set);
	return ZG_OK;
}

enum zg_err zg_compile_monitor_sets(struct zg_compiler *c, struct zg_table *table)
{
	enum zg_err err = c->policy->n_monitors > 0 ? dispatch_map(c, table) : ZG_OK;
	for (size_t i = 0; i < 2 * c->policy->n_monitors && err == ZG_OK; i++) {
		const struct zg_monitor *m = &c->policy->monitors[i / 2];
		const int f = (int)(i % 2);
		if (blocks(m))
			err = dynamic_set(c, table, m, "blocked", f, ZG_METER_BLOCKED, NULL, 0);
		for (int k = 0; k < ZG_METER_COUNT && err == ZG_OK; k++)
			err = meter_set(c, table, m, (enum zg_meter_kind)k, f);
		if (err == ZG_OK && m->first_seen)
			err = dynamic_set(c, table, m, "seen", f, ZG_SEEN_MAX, NULL, 0);
	}
	return err;
}

/* --- rules -------------------------------------------------------------------------------------- */

/* Source from word 0 on; of IPv6 the /64. The words behind it are free. */
static void source(struct draft *d, const struct zg_family_desc *fam)
{
	family(d, fam);
	payload(d, NFT_PAYLOAD_NETWORK_HEADER, fam->saddr, fam->len, 0);
	if (fam->family == ZG_IPV6)
		add(d, (struct zg_expr){ .kind = ZG_X_BITWISE, .len = 16, .mask = { 255, 255, 255, 255, 255, 255, 255, 255 } });
}

static void destination(struct draft *d, const struct zg_family_desc *fam, uint8_t reg)
{
	payload(d, NFT_PAYLOAD_NETWORK_HEADER, (uint32_t)fam->saddr + fam->len, fam->len, reg);
}

static void put(struct draft *d, uint32_t op, const char *set, uint32_t timeout)
{
	add(d, (struct zg_expr){ .kind = ZG_X_DYNSET, .op = op, .name = set, .timeout = timeout });
}

/* Goes on for what is over the meter. A key is remembered until its bucket would be full again, and a little longer. */
static void over(struct draft *d, const struct zg_meter *meter, const char *set)
{
	add(d, (struct zg_expr){ .kind = ZG_X_DYNSET,
				 .op = NFT_DYNSET_OP_UPDATE,
				 .name = set,
				 .timeout = meter->seconds + (uint32_t)((uint64_t)meter->burst * meter->seconds / meter->limit) + 1,
				 .rate = meter->limit,
				 .unit = meter->seconds,
				 .burst = meter->burst });
}

static enum zg_err meter_rule(struct zg_compiler *c, struct zg_chain *chain, const struct zg_monitor *m, enum zg_meter_kind kind, int f)
{
	const struct zg_family_desc *fam = &zg_families[f];
	const struct zg_meter *meter = &m->meters[kind];
	const uint8_t words = fam->len / 4;
	const char *set = set_name(c, m, zg_meter_name(kind), f), *pairs = set_name(c, m, "pairs", f), *blocked = set_name(c, m, "blocked", f);
	struct draft d = { .n = 0 };

	if (meter->limit == 0)
		return ZG_OK;
	if (set == NULL || pairs == NULL || blocked == NULL)
		return ZG_ENOMEM;
	/* the first packet of a connection, as long as none of it has passed */
	if (kind == ZG_METER_CONNECTIONS)
		ct_bits(&d, NFT_CT_STATUS, IPS_CONFIRMED, NFT_CMP_EQ);
	if (kind == ZG_METER_TARGET) {
		family(&d, fam);
		destination(&d, fam, 0);
	} else {
		source(&d, fam);
	}
	if (kind == ZG_METER_FLOOD || kind == ZG_METER_TARGET)
		meta(&d, NFT_META_L4PROTO, words);
	if (kind == ZG_METER_SCAN) {
		/* a pair that is known is not counted again; of ICMP the type stands for the port */
		destination(&d, fam, words);
		ct(&d, NFT_CT_PROTO_DST, IP_CT_DIR_ORIGINAL, (uint8_t)(2 * words));
		lookup(&d, pairs, true);
		put(&d, NFT_DYNSET_OP_ADD, pairs, meter->seconds);
	}
	over(&d, meter, set);
	counter(&d, overs[kind].count);
	if (meter->block > 0)
		put(&d, NFT_DYNSET_OP_ADD, blocked, meter->block);
	tell(&d, overs[kind].prefix);
	if (meter->block > 0)
		verdict(&d, NF_DROP, NULL);
	return finish(&d, chain, m->line);
}

/* Who is blocked opens nothing; what he has open goes on, since nobody shall be able to cut another's connections by sending
 * in his name. */
static enum zg_err blocked_rule(struct zg_compiler *c, struct zg_chain *chain, const struct zg_monitor *m, int f)
{
	const char *set = set_name(c, m, "blocked", f);
	struct draft d = { .n = 0 };
	if (set == NULL)
		return ZG_ENOMEM;
	source(&d, &zg_families[f]);
	lookup(&d, set, false);
	refuse(&d, "drop_blocked", "zg:blocked");
	return finish(&d, chain, m->line);
}

static enum zg_err first_seen_rule(struct zg_compiler *c, struct zg_chain *chain, const struct zg_monitor *m, int f)
{
	const char *set = set_name(c, m, "seen", f);
	struct draft d = { .n = 0 };
	enum zg_err err = set == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	/* with no room left nothing is told: an add that fails ends the rule */
	family(&d, &zg_families[f]);
	destination(&d, &zg_families[f], 0);
	lookup(&d, set, true);
	put(&d, NFT_DYNSET_OP_ADD, set, ZG_SEEN_S);
	counter(&d, "first_seen");
	tell(&d, "zg:first-seen");
	err = finish(&d, chain, m->line);
	/* in use it is not forgotten */
	family(&d, &zg_families[f]);
	destination(&d, &zg_families[f], 0);
	lookup(&d, set, false);
	put(&d, NFT_DYNSET_OP_UPDATE, set, ZG_SEEN_S);
	return err == ZG_OK ? finish(&d, chain, m->line) : err;
}

enum zg_err zg_compile_monitor_rules(const struct zg_compiler *c, struct zg_chain *chain)
{
	struct draft d = { .n = 0 };
	if (c->policy->n_monitors == 0)
		return ZG_OK;
	ct_bits(&d, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_NEW), NFT_CMP_NEQ);
	meta(&d, NFT_META_IIFNAME, 0);
	map(&d, "monitors", ZG_REG_VERDICT);
	return finish(&d, chain, 0);
}

/* What costs least, and stops most, first. */
static enum zg_err monitor_chain(struct zg_compiler *c, struct zg_table *table, const struct zg_monitor *m)
{
	static const enum zg_meter_kind order[] = { ZG_METER_FLOOD, ZG_METER_TARGET, ZG_METER_CONNECTIONS, ZG_METER_SCAN };
	const char *name = zg_plan_strf(c->plan, "monitor_%s", c->policy->zones[m->zone].name);
	struct zg_chain *chain = name != NULL ? zg_plan_chain(table, name, m->line) : NULL;
	enum zg_err err = chain == NULL ? ZG_ENOMEM : ZG_OK;

	for (int f = 0; f < 2 && err == ZG_OK && blocks(m); f++)
		err = blocked_rule(c, chain, m, f);
	for (size_t k = 0; k < 2 * (sizeof order / sizeof *order) && err == ZG_OK; k++)
		err = meter_rule(c, chain, m, order[k / 2], (int)(k % 2));
	for (int f = 0; f < 2 && err == ZG_OK && m->first_seen; f++)
		err = first_seen_rule(c, chain, m, f);
	return err;
}

enum zg_err zg_compile_monitor_chains(struct zg_compiler *c, struct zg_table *table)
{
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < c->policy->n_monitors && err == ZG_OK; i++)
		err = monitor_chain(c, table, &c->policy->monitors[i]);
	return err;
}
