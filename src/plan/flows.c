/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows of a policy -> maps per zone pair and family, keyed by the connection's original tuple. */
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plan/compile.h"

/* What a flow names, cut to what belongs to the zone; disjoint. Neighbours stay apart: single addresses are hashed. */
static enum zg_err clip(const struct zg_intervals *own, uint8_t family, const struct zg_range *ranges, size_t n,
			struct zg_intervals *ret_set)
{
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < n && err == ZG_OK; i++)
		if (ranges[i].lo.family == family)
			err = zg_intervals_intersect(own, zg_u128_of(&ranges[i].lo), zg_u128_of(&ranges[i].hi),
						     ret_set);
	zg_intervals_disjoin(ret_set);
	return err;
}

static enum zg_err ports_of(const struct zg_flow *flow, struct zg_intervals *ret_set)
{
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < flow->n_ports && err == ZG_OK; i++)
		err = zg_intervals_add(ret_set, flow->ports[i].lo, flow->ports[i].hi);
	zg_intervals_disjoin(ret_set);
	return err;
}

static void fill_key(uint8_t *key, const struct zg_family_desc *fam, zg_u128 src, zg_u128 dst, uint8_t proto,
		     zg_u128 port)
{
	zg_u128_put(src, fam->family, key);
	zg_u128_put(dst, fam->family, key + fam->len);
	key[2 * fam->len] = proto;
	key[2 * fam->len + 4] = (uint8_t)(port >> 8);
	key[2 * fam->len + 5] = (uint8_t)port;
}

/* Sources x destinations x ports of one flow in one family; adds to *n how many. */
static enum zg_err flow_elems(struct zg_compiler *c, struct zg_set *set, int f, size_t index, size_t *n)
{
	const struct zg_family_desc *fam = &zg_families[f];
	const struct zg_flow *flow = &c->policy->flows[index];
	struct zg_intervals src = { 0 }, dst = { 0 }, ports = { 0 };
	enum zg_err err = clip(&c->zones[f][flow->from], fam->family, flow->sources, flow->n_sources, &src);
	if (err == ZG_OK)
		err = clip(&c->zones[f][flow->to], fam->family, flow->destinations, flow->n_destinations, &dst);
	if (err == ZG_OK)
		err = ports_of(flow, &ports);
	for (size_t s = 0; s < src.n && err == ZG_OK; s++) {
		for (size_t k = 0; k < dst.n * ports.n && err == ZG_OK; k++) {
			const struct zg_interval *d = &dst.v[k / ports.n], *p = &ports.v[k % ports.n];
			struct zg_elem *elem;
			err = zg_compile_elem(c, set, flow->line, &elem);
			if (err != ZG_OK)
				break;
			fill_key(elem->key, fam, src.v[s].lo, d->lo, (uint8_t)flow->transport, p->lo);
			fill_key(elem->end, fam, src.v[s].hi, d->hi, (uint8_t)flow->transport, p->hi);
			elem->mark = flow->mark;
			elem->flow = (uint32_t)index + 1;
			zg_times_set(&c->times, flow, elem);
			(*n)++;
		}
	}
	zg_intervals_free(&src);
	zg_intervals_free(&dst);
	zg_intervals_free(&ports);
	return err;
}

/* The checker looks at what is written, this at what the kernel is given. */
static enum zg_err refuse_overlap(struct zg_compiler *c, const struct zg_set *set)
{
	const struct zg_elem *a, *b;
	enum zg_err err = zg_set_overlap(set, &a, &b);
	if (err != ZG_OK || a == NULL)
		return err;
	zg_diag_add(c->diags, ZG_DIAG_ERROR, b->line, 0, "make the two disjoint, or one of them",
		    "flows \"%s\" and \"%s\" cover the same connections", c->policy->flows[a->flow - 1].name,
		    c->policy->flows[b->flow - 1].name);
	return ZG_ECONF;
}

/* An element of one source, one destination, one port. */
static bool is_exact(const struct zg_elem *elem)
{
	return memcmp(elem->key, elem->end, sizeof elem->key) == 0;
}

enum sort { EXACT, RANGES, OPAQUE };

static enum sort sort_of(const struct zg_compiler *c, const struct zg_elem *elem)
{
	if (c->policy->flows[elem->flow - 1].inspector == NULL)
		return OPAQUE;
	return is_exact(elem) ? EXACT : RANGES;
}

/*
 * The elements of all that are of one sort, as a map of the table; nothing if there are none. Exact
 * ones are hashed: a lookup costs the same whatever their number, which in an interval map it does not, and older
 * kernels take a time with the square of the number to fill one. Opaque ones are exact too: single hosts, single ports.
 */
static enum zg_err put_map(struct zg_compiler *c, struct zg_table *table, const struct zg_set *all, enum sort sort,
			   const char *name, const char **ret_name)
{
	struct zg_set *set = NULL;
	for (size_t i = 0; i < all->n_elems; i++) {
		if (sort_of(c, &all->elems[i]) != sort)
			continue;
		if (set == NULL) {
			set = zg_plan_set(table, zg_plan_str(c->plan, name));
			if (set == NULL || set->name == NULL)
				return ZG_ENOMEM;
			memcpy(set->fields, all->fields, sizeof set->fields);
			set->n_fields = all->n_fields;
			set->data = ZG_SET_MARK;
			set->timeout = set->counter = true;
			set->interval = sort == RANGES;
			*ret_name = set->name;
		}
		struct zg_elem *elem = zg_plan_elem(set);
		if (elem == NULL)
			return ZG_ENOMEM;
		*elem = all->elems[i];
		if (sort != RANGES)
			memset(elem->end, 0, sizeof elem->end);
	}
	if (set != NULL)
		zg_plan_sort(set);
	return ZG_OK;
}

/* The maps of one pair of zones in one family. */
static enum zg_err flow_maps(struct zg_compiler *c, struct zg_table *table, int f, const size_t *flows, size_t n,
			     size_t *n_elems, struct zg_pair_maps *ret_maps)
{
	const struct zg_family_desc *fam = &zg_families[f];
	const struct zg_flow *first = &c->policy->flows[flows[0]];
	const char *from = c->policy->zones[first->from].name, *to = c->policy->zones[first->to].name;
	struct zg_set all = { .interval = true };
	char name[ZG_PLAN_NAME_MAX];
	enum zg_err err = ZG_OK;

	all.fields[0] = all.fields[1] = (struct zg_field){ fam->type, fam->len };
	all.fields[2] = (struct zg_field){ ZG_T_PROTO, 1 };
	all.fields[3] = (struct zg_field){ ZG_T_SERVICE, 2 };
	all.n_fields = 4;
	for (size_t i = 0; i < n && err == ZG_OK; i++) {
		const struct zg_flow *flow = &c->policy->flows[flows[i]];
		if (!zg_times_expired(&c->times, flow))
			err = flow_elems(c, &all, f, flows[i], &n_elems[i]);
	}
	if (err == ZG_OK)
		err = refuse_overlap(c, &all);
	snprintf(name, sizeof name, "flows%s_%s_%s", fam->digit, from, to);
	if (err == ZG_OK)
		err = put_map(c, table, &all, EXACT, name, &ret_maps->exact[f]);
	snprintf(name, sizeof name, "ranges%s_%s_%s", fam->digit, from, to);
	if (err == ZG_OK)
		err = put_map(c, table, &all, RANGES, name, &ret_maps->ranges[f]);
	snprintf(name, sizeof name, "opaque%s_%s_%s", fam->digit, from, to);
	if (err == ZG_OK)
		err = put_map(c, table, &all, OPAQUE, name, &ret_maps->opaque[f]);
	free(all.elems);
	return err;
}

/* Says which flows came to nothing. */
static enum zg_err judge_flows(struct zg_compiler *c, const size_t *flows, size_t n, const size_t *n_elems)
{
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < n; i++) {
		const struct zg_flow *flow = &c->policy->flows[flows[i]];
		if (n_elems[i] > 0)
			continue;
		if (zg_times_expired(&c->times, flow)) {
			zg_diag_add(c->diags, ZG_DIAG_WARNING, flow->line, 0, "prolong or remove it",
				    "flow \"%s\" has expired and permits nothing", flow->name);
			continue;
		}
		zg_diag_add(c->diags, ZG_DIAG_ERROR, flow->line, 0,
			    "source and destination need an address of the same family in their zones",
			    "flow \"%s\" permits nothing", flow->name);
		err = ZG_ECONF;
	}
	return err;
}

static enum zg_err name_chains(struct zg_compiler *c, const struct zg_flow *flow, struct zg_pair_names *ret_names)
{
	const char *from = c->policy->zones[flow->from].name, *to = c->policy->zones[flow->to].name;

	ret_names->permit = zg_plan_strf(c->plan, "permit_%s_%s", from, to);
	ret_names->judge = zg_plan_strf(c->plan, "pair_%s_%s", from, to);
	return ret_names->permit == NULL || ret_names->judge == NULL ? ZG_ENOMEM : ZG_OK;
}

/* Maps and chains of one pair of zones, for the n flows between them. */
static enum zg_err pair(struct zg_compiler *c, struct zg_table *table, const size_t *flows, size_t n)
{
	const struct zg_flow *first = &c->policy->flows[flows[0]];
	const struct zg_zone *from = &c->policy->zones[first->from], *to = &c->policy->zones[first->to];
	struct zg_pair_maps maps = { .exact = { NULL, NULL } };
	size_t *n_elems = NULL;
	enum zg_err err = ZG_OK;

	if (zg_zones_never(from, to)) {
		for (size_t i = 0; i < n; i++)
			zg_diag_add(c->diags, ZG_DIAG_ERROR, c->policy->flows[flows[i]].line, 0,
				    "My Number and Internet do not communicate (2.6(3)①); there is no override",
				    "flow \"%s\" joins zones \"%s\" and \"%s\"", c->policy->flows[flows[i]].name,
				    from->name, to->name);
		return ZG_ECONF;
	}
	n_elems = calloc(n, sizeof *n_elems);
	if (n_elems == NULL)
		return ZG_ENOMEM;
	for (int f = 0; f < 2 && err == ZG_OK; f++)
		err = flow_maps(c, table, f, flows, n, n_elems, &maps);
	if (err == ZG_OK)
		err = judge_flows(c, flows, n, n_elems);
	if (err == ZG_OK) {
		struct zg_pair_names names;
		err = name_chains(c, first, &names);
		if (err == ZG_OK)
			err = zg_compile_pair_chains(table, &names, &maps, first->line);
	}
	free(n_elems);
	return err;
}

/* incoming interface . outgoing interface . conntrack direction -> the pair's chain. Replies of a connection from A to B go
 * from B to A and meet the same chain. */
static enum zg_err dispatch_elems(struct zg_compiler *c, struct zg_set *set, const struct zg_flow *flow, int code,
				  const char *chain)
{
	const struct zg_zone *from = &c->policy->zones[flow->from], *to = &c->policy->zones[flow->to];
	enum zg_err err = ZG_OK;

	for (size_t k = 0; k < 2 * from->n_ifaces * to->n_ifaces && err == ZG_OK; k++) {
		const uint8_t direction = k % 2; /* IP_CT_DIR_ORIGINAL, IP_CT_DIR_REPLY */
		const char *client = from->ifaces[k / 2 / to->n_ifaces], *server = to->ifaces[k / 2 % to->n_ifaces];
		struct zg_elem *elem;
		if (zg_iface_strange(c, client) || zg_iface_strange(c, server))
			continue;
		err = zg_compile_elem(c, set, flow->line, &elem);
		if (err != ZG_OK)
			break;
		size_t at = zg_key_ifname(elem->key, 0, direction == 0 ? client : server);
		at = zg_key_ifname(elem->key, at, direction == 0 ? server : client);
		zg_key_bytes(elem->key, at, &direction, 1);
		elem->verdict = (uint32_t)code;
		elem->chain = chain;
	}
	return err;
}

/* The same for each two interfaces of a zone that permits it, either way. Never back to where a packet came from. */
static enum zg_err within_elems(struct zg_compiler *c, struct zg_set *set, const struct zg_zone *zone)
{
	const size_t n = zg_zone_within(zone) ? zone->n_ifaces : 0;
	enum zg_err err = ZG_OK;

	for (size_t k = 0; k < 2 * n * n && err == ZG_OK; k++) {
		const uint8_t direction = k % 2;
		const char *in = zone->ifaces[k / 2 / n], *out = zone->ifaces[k / 2 % n];
		struct zg_elem *elem;
		if (k / 2 / n == k / 2 % n || zg_iface_strange(c, in) || zg_iface_strange(c, out))
			continue;
		err = zg_compile_elem(c, set, zone->line, &elem);
		if (err != ZG_OK)
			break;
		zg_key_bytes(elem->key, zg_key_ifname(elem->key, zg_key_ifname(elem->key, 0, in), out), &direction, 1);
		elem->verdict = (uint32_t)NFT_GOTO;
		elem->chain = "within";
	}
	return err;
}

static struct zg_set *dispatch_map(struct zg_table *table, const char *name)
{
	struct zg_set *set = zg_plan_set(table, name);
	if (set == NULL)
		return NULL;
	set->fields[0] = set->fields[1] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->fields[2] = (struct zg_field){ ZG_T_CT_DIR, 1 };
	set->n_fields = 3;
	set->data = ZG_SET_VERDICT;
	return set;
}

/* Two maps with the same keys: quick (on the way to permit what a flow permits) and pairs (to judge what is left). Sets may
 * move when one is added, so one after the other. */
static enum zg_err dispatch_maps(struct zg_compiler *c, struct zg_table *table, const size_t *flows, const size_t *begins)
{
	const size_t n_pairs = c->policy->n_zones * c->policy->n_zones;
	enum zg_err err = ZG_OK;

	for (int quick = 1; quick >= 0 && err == ZG_OK; quick--) {
		struct zg_set *set = dispatch_map(table, quick ? "quick" : "pairs");
		err = set == NULL ? ZG_ENOMEM : ZG_OK;
		for (size_t p = 0; p < n_pairs && err == ZG_OK; p++) {
			if (begins[p] == begins[p + 1])
				continue;
			const struct zg_flow *flow = &c->policy->flows[flows[begins[p]]];
			struct zg_pair_names names;
			err = name_chains(c, flow, &names);
			if (err == ZG_OK)
				err = dispatch_elems(c, set, flow, quick ? NFT_JUMP : NFT_GOTO, quick ? names.permit : names.judge);
		}
		for (size_t z = 0; z < c->policy->n_zones && err == ZG_OK && !quick; z++)
			err = within_elems(c, set, &c->policy->zones[z]);
		if (err == ZG_OK)
			zg_plan_sort(set);
	}
	return err;
}

/* Flow indices in the order of their zone pairs; each pair's begin in ret_begins[pair], n_zones^2 + 1 entries. */
static enum zg_err sort_by_pair(const struct zg_policy *policy, size_t **ret_flows, size_t **ret_begins)
{
	const size_t nz = policy->n_zones, n_pairs = nz * nz;
	size_t *begins = calloc(n_pairs + 2, sizeof *begins), *flows = calloc(policy->n_flows + 1, sizeof *flows);
	if (begins == NULL || flows == NULL) {
		free(begins);
		free(flows);
		return ZG_ENOMEM;
	}
	/* begins[p + 2] counts, then begins[p + 1] is the write position, which ends as the begin of the next */
	for (size_t i = 0; i < policy->n_flows; i++)
		begins[policy->flows[i].from * nz + policy->flows[i].to + 2]++;
	for (size_t p = 2; p < n_pairs + 2; p++)
		begins[p] += begins[p - 1];
	for (size_t i = 0; i < policy->n_flows; i++)
		flows[begins[policy->flows[i].from * nz + policy->flows[i].to + 1]++] = i;
	*ret_flows = flows;
	*ret_begins = begins;
	return ZG_OK;
}

enum zg_err zg_compile_pairs(struct zg_compiler *c, struct zg_table *table)
{
	const size_t n_pairs = c->policy->n_zones * c->policy->n_zones;
	size_t *flows = NULL, *begins = NULL;
	enum zg_err err = sort_by_pair(c->policy, &flows, &begins), worst;
	if (err != ZG_OK)
		return err;

	worst = err = dispatch_maps(c, table, flows, begins);

	/* all pairs are tried, so that all errors are said at once */
	for (size_t p = 0; p < n_pairs && (err == ZG_OK || err == ZG_ECONF); p++) {
		if (begins[p] == begins[p + 1])
			continue;
		err = pair(c, table, &flows[begins[p]], begins[p + 1] - begins[p]);
		worst = err != ZG_OK ? err : worst;
	}
	free(flows);
	free(begins);
	return err != ZG_OK ? err : worst;
}
