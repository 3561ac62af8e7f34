/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which address belongs to which zone, and what the kernel needs to know of it. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "plan/compile.h"

const struct zg_family_desc zg_families[2] = {
	{ ZG_IPV4, NFPROTO_IPV4, ZG_T_IPV4, 4, 12, NFT_CT_SRC_IP, NFT_CT_DST_IP, "4" },
	{ ZG_IPV6, NFPROTO_IPV6, ZG_T_IPV6, 16, 8, NFT_CT_SRC_IP6, NFT_CT_DST_IP6, "6" },
};

/* Never the address of a host behind a router, whatever a zone like 0.0.0.0/0 says (RFC 6890, RFC 4291 2.5, 2.7). */
static const struct {
	uint8_t family, lo[16], hi[16];
} martians[] = {
	{ ZG_IPV4, { 0 }, { 0, 255, 255, 255 } },
	{ ZG_IPV4, { 127 }, { 127, 255, 255, 255 } },
	{ ZG_IPV4, { 224 }, { 239, 255, 255, 255 } },
	{ ZG_IPV4, { 255, 255, 255, 255 }, { 255, 255, 255, 255 } },
	/* unspecified, loopback, IPv4-compatible, IPv4-mapped, IPv4-translated: ::/64 */
	{ ZG_IPV6, { 0 }, { 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255 } },
	{ ZG_IPV6,
	  { 0xfe, 0x80 },
	  { 0xfe, 0xbf, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 } },
	{ ZG_IPV6, { 0xff }, { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 } },
};

static zg_u128 value_of(uint8_t family, const uint8_t bytes[16])
{
	struct zg_addr addr = { .family = family };
	memcpy(addr.b, bytes, sizeof addr.b);
	return zg_u128_of(&addr);
}

/* One range of a zone, less what other zones' narrower ranges take out of it: the narrowest wins. */
static enum zg_err own_part(struct zg_compiler *c, size_t zone, const struct zg_range *range, struct zg_intervals *into)
{
	struct zg_intervals part = { 0 };
	const zg_u128 lo = zg_u128_of(&range->lo), hi = zg_u128_of(&range->hi);
	enum zg_err err = zg_intervals_add(&part, lo, hi);

	for (size_t z = 0; z < c->policy->n_zones && err == ZG_OK; z++) {
		const struct zg_zone *other = &c->policy->zones[z];
		for (size_t i = 0; i < other->n_ranges && z != zone && err == ZG_OK; i++) {
			const struct zg_range *r = &other->ranges[i];
			const zg_u128 rlo = zg_u128_of(&r->lo), rhi = zg_u128_of(&r->hi);
			if (r->lo.family != range->lo.family || rhi < lo || rlo > hi || rhi - rlo > hi - lo)
				continue;
			if (rhi - rlo == hi - lo) {
				zg_diag_add(c->diags, ZG_DIAG_ERROR, other->line, 0,
					    "an address belongs to one zone only",
					    "zones \"%s\" and \"%s\" claim the same addresses",
					    c->policy->zones[zone].name, other->name);
				err = ZG_ECONF;
			} else {
				err = zg_intervals_subtract(&part, rlo, rhi);
			}
		}
	}
	for (size_t i = 0; i < part.n && err == ZG_OK; i++)
		err = zg_intervals_add(into, part.v[i].lo, part.v[i].hi);
	zg_intervals_free(&part);
	return err;
}

static enum zg_err own_ranges(struct zg_compiler *c, int f, size_t zone)
{
	const struct zg_zone *z = &c->policy->zones[zone];
	struct zg_intervals *own = &c->zones[f][zone];
	enum zg_err err = ZG_OK;

	for (size_t i = 0; i < z->n_ranges && err == ZG_OK; i++)
		if (z->ranges[i].lo.family == zg_families[f].family)
			err = own_part(c, zone, &z->ranges[i], own);
	zg_intervals_normalize(own);
	for (size_t i = 0; i < sizeof martians / sizeof *martians && err == ZG_OK; i++)
		if (martians[i].family == zg_families[f].family)
			err = zg_intervals_subtract(own, value_of(martians[i].family, martians[i].lo),
						    value_of(martians[i].family, martians[i].hi));
	return err;
}

enum zg_err zg_compile_zone_ranges(struct zg_compiler *c)
{
	enum zg_err err = ZG_OK;
	for (int f = 0; f < 2; f++) {
		c->zones[f] = calloc(c->policy->n_zones + 1, sizeof *c->zones[f]);
		if (c->zones[f] == NULL)
			return ZG_ENOMEM;
	}
	for (size_t z = 0; z < c->policy->n_zones && err == ZG_OK; z++) {
		const struct zg_zone *zone = &c->policy->zones[z];
		for (int f = 0; f < 2 && err == ZG_OK; f++)
			err = own_ranges(c, f, z);
		if (err == ZG_OK && zone->n_ranges > 0 && c->zones[0][z].n + c->zones[1][z].n == 0)
			zg_diag_add(c->diags, ZG_DIAG_WARNING, zone->line, 0, NULL,
				    "no address is left to zone \"%s\": all are another zone's, or no host's",
				    zone->name);
		for (size_t i = 0; i < zone->n_ifaces && err == ZG_OK; i++) {
			size_t len = strlen(zone->ifaces[i]);
			if (len == 0 || len >= ZG_IFNAME_LEN) {
				zg_diag_add(c->diags, ZG_DIAG_ERROR, zone->line, 0, "1 to 15 bytes",
					    "\"%s\" cannot be an interface", zone->ifaces[i]);
				err = ZG_ECONF;
			}
		}
	}
	return err;
}

bool zg_iface_strange(const struct zg_compiler *c, const char *ifname)
{
	for (size_t i = 0; i < c->env->n_strange; i++)
		if (strcmp(c->env->strange[i], ifname) == 0)
			return true;
	return false;
}

size_t zg_key_bytes(uint8_t *key, size_t at, const void *bytes, size_t len)
{
	memcpy(key + at, bytes, len);
	return at + ((len + 3) & ~(size_t)3);
}

size_t zg_key_ifname(uint8_t *key, size_t at, const char *ifname)
{
	memcpy(key + at, ifname, strnlen(ifname, ZG_IFNAME_LEN - 1));
	return at + ZG_IFNAME_LEN;
}

enum zg_err zg_compile_elem(struct zg_compiler *c, struct zg_set *set, unsigned line, struct zg_elem **ret_elem)
{
	if (++c->n_elems > ZG_ELEMS_MAX) {
		zg_diag_add(c->diags, ZG_DIAG_ERROR, line, 0, "combine addresses into ranges",
			    "the policy needs more than %u map elements", ZG_ELEMS_MAX);
		return ZG_ECONF;
	}
	struct zg_elem *elem = zg_plan_elem(set);
	if (elem == NULL)
		return ZG_ENOMEM;
	elem->line = line;
	*ret_elem = elem;
	return ZG_OK;
}

/* source4, source6: interface . own ranges of its zone. */
static enum zg_err source_set(struct zg_compiler *c, struct zg_table *table, int f)
{
	const struct zg_family_desc *fam = &zg_families[f];
	struct zg_set *set = zg_plan_set(table, f == 0 ? "source4" : "source6");
	enum zg_err err = set == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	set->fields[0] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->fields[1] = (struct zg_field){ fam->type, fam->len };
	set->n_fields = 2;
	set->interval = true;
	for (size_t z = 0; z < c->policy->n_zones; z++) {
		const struct zg_zone *zone = &c->policy->zones[z];
		const struct zg_intervals *own = &c->zones[f][z];
		for (size_t k = 0; k < zone->n_ifaces * own->n && err == ZG_OK; k++) {
			const struct zg_interval *v = &own->v[k % own->n];
			const char *iface = zone->ifaces[k / own->n];
			struct zg_elem *elem;
			if (zg_iface_strange(c, iface))
				continue;
			err = zg_compile_elem(c, set, zone->line, &elem);
			if (err == ZG_OK) {
				zg_u128_put(v->lo, fam->family, elem->key + zg_key_ifname(elem->key, 0, iface));
				zg_u128_put(v->hi, fam->family, elem->end + zg_key_ifname(elem->end, 0, iface));
			}
		}
	}
	zg_plan_sort(set);
	return err;
}

/* station_ip4: interface . address that has a MAC stated; station_mac4: the same with that MAC. */
static enum zg_err station_set(struct zg_compiler *c, struct zg_table *table, int f, bool with_mac)
{
	static const char *const names[2][2] = { { "station_ip4", "station_mac4" }, { "station_ip6", "station_mac6" } };
	const struct zg_family_desc *fam = &zg_families[f];
	struct zg_set *set = zg_plan_set(table, names[f][with_mac]);
	enum zg_err err = set == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	set->fields[0] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->fields[1] = (struct zg_field){ fam->type, fam->len };
	set->fields[2] = (struct zg_field){ ZG_T_ETHER, 6 };
	set->n_fields = with_mac ? 3 : 2;
	for (size_t z = 0; z < c->policy->n_zones; z++) {
		const struct zg_zone *zone = &c->policy->zones[z];
		for (size_t k = 0; k < zone->n_ifaces * zone->n_stations && err == ZG_OK; k++) {
			const struct zg_station *station = &zone->stations[k % zone->n_stations];
			struct zg_elem *elem;
			if (station->addr.family != fam->family)
				continue;
			err = zg_compile_elem(c, set, station->line, &elem);
			if (err != ZG_OK)
				break;
			size_t at = zg_key_ifname(elem->key, 0, zone->ifaces[k / zone->n_stations]);
			at = zg_key_bytes(elem->key, at, station->addr.b, fam->len);
			if (with_mac)
				zg_key_bytes(elem->key, at, station->mac.b, sizeof station->mac.b);
		}
	}
	zg_plan_sort(set);
	return err;
}

bool zg_zones_never(const struct zg_zone *a, const struct zg_zone *b)
{
	if (b->kind == ZG_KIND_MYNUMBER) {
		const struct zg_zone *swap = a;
		a = b;
		b = swap;
	}
	return a->kind == ZG_KIND_MYNUMBER && (b->kind == ZG_KIND_INTERNET || b->kind == ZG_KIND_UPLINK);
}

/* never: interface pairs between zones that no policy may join. */
static enum zg_err never_set(struct zg_compiler *c, struct zg_table *table)
{
	struct zg_set *set = zg_plan_set(table, "never");
	enum zg_err err = set == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	set->fields[0] = set->fields[1] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->n_fields = 2;
	for (size_t p = 0; p < c->policy->n_zones * c->policy->n_zones; p++) {
		const struct zg_zone *a = &c->policy->zones[p / c->policy->n_zones];
		const struct zg_zone *b = &c->policy->zones[p % c->policy->n_zones];
		if (!zg_zones_never(a, b))
			continue;
		for (size_t k = 0; k < a->n_ifaces * b->n_ifaces && err == ZG_OK; k++) {
			struct zg_elem *elem;
			err = zg_compile_elem(c, set, a->line, &elem);
			if (err == ZG_OK)
				zg_key_ifname(elem->key, zg_key_ifname(elem->key, 0, a->ifaces[k / b->n_ifaces]),
					      b->ifaces[k % b->n_ifaces]);
		}
	}
	zg_plan_sort(set);
	return err;
}

/* isolated: interfaces of the zones that are cut off. */
enum zg_err zg_compile_isolated_set(const struct zg_plan_env *env, struct zg_table *table)
{
	struct zg_set *set = zg_plan_set(table, ZG_SET_ISOLATED);
	if (set == NULL)
		return ZG_ENOMEM;
	set->fields[0] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->n_fields = 1;
	set->grows = true;
	for (size_t i = 0; i < env->n_isolated; i++) {
		uint8_t key[ZG_PLAN_KEY_MAX] = { 0 };
		bool twice = false;
		zg_key_ifname(key, 0, env->isolated[i]);
		for (size_t k = 0; k < set->n_elems && !twice; k++)
			twice = memcmp(set->elems[k].key, key, sizeof key) == 0;
		struct zg_elem *elem = twice ? NULL : zg_plan_elem(set);
		if (!twice && elem == NULL)
			return ZG_ENOMEM;
		if (!twice)
			memcpy(elem->key, key, sizeof key);
	}
	zg_plan_sort(set);
	return ZG_OK;
}

enum zg_err zg_compile_zone_sets(struct zg_compiler *c, struct zg_table *table)
{
	enum zg_err err = ZG_OK;
	for (int f = 0; f < 2 && err == ZG_OK; f++)
		err = source_set(c, table, f);
	for (size_t z = 0; z < c->policy->n_zones; z++)
		for (size_t i = 0; i < c->policy->zones[z].n_stations; i++)
			c->stations[c->policy->zones[z].stations[i].addr.family == ZG_IPV6] = true;
	for (int f = 0; f < 2 && err == ZG_OK; f++) {
		if (!c->stations[f])
			continue;
		err = station_set(c, table, f, false);
		if (err == ZG_OK)
			err = station_set(c, table, f, true);
	}
	return err == ZG_OK ? never_set(c, table) : err;
}
