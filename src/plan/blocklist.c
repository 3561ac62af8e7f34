/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of refused addresses. Every packet is asked, of established connections too: an address that comes onto a list is cut
 * off with its next packet. All lists without zones share one set per family, so that their number costs nothing; one with
 * zones is asked only for packets that come in or go out there.
 */
#include <string.h>

#include "plan/draft.h"

/* The set of the lists without zones is named as if it were one of this name, which no list can have. */
#define EVERYWHERE ""

static bool of_all(const struct zg_blocklist_conf *list)
{
	return list->n_zones == 0;
}

static bool any_everywhere(const struct zg_policy *policy)
{
	for (size_t i = 0; i < policy->n_blocklists; i++)
		if (of_all(&policy->blocklists[i]))
			return true;
	return false;
}

static const char *name_of(const struct zg_compiler *c, const char *what, const char *list)
{
	return zg_plan_strf(c->plan, "%s%s%s", what, list[0] != '\0' ? "_" : "", list);
}

static enum zg_err put_entries(const struct zg_blocklist *list, uint8_t family, struct zg_intervals *into)
{
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < list->n && err == ZG_OK; i++)
		if (list->entries[i].range.lo.family == family)
			err = zg_intervals_add(into, zg_u128_of(&list->entries[i].range.lo), zg_u128_of(&list->entries[i].range.hi));
	return err;
}

/* block4_NAME, block6_NAME: the addresses of the list, or without a name of all lists without zones. */
static enum zg_err address_set(struct zg_compiler *c, struct zg_table *table, int f, const char *name)
{
	const struct zg_family_desc *fam = &zg_families[f];
	const struct zg_policy *policy = c->policy;
	struct zg_intervals all = { 0 };
	struct zg_set *set = zg_plan_set(table, name_of(c, f == 0 ? "block4" : "block6", name));
	enum zg_err err = set == NULL || set->name == NULL ? ZG_ENOMEM : ZG_OK;

	for (size_t i = 0; i < policy->n_blocklists && err == ZG_OK && c->env->blocklists != NULL; i++)
		if (name[0] == '\0' ? of_all(&policy->blocklists[i]) : strcmp(policy->blocklists[i].name, name) == 0)
			err = put_entries(&c->env->blocklists[i], fam->family, &all);
	if (err == ZG_OK) {
		set->fields[0] = (struct zg_field){ fam->type, fam->len };
		set->n_fields = 1;
		set->interval = true;
		zg_intervals_normalize(&all);
	}
	for (size_t i = 0; i < all.n && err == ZG_OK; i++) {
		struct zg_elem *elem = zg_plan_elem(set);
		if (elem == NULL) {
			err = ZG_ENOMEM;
			break;
		}
		zg_u128_put(all.v[i].lo, fam->family, elem->key);
		zg_u128_put(all.v[i].hi, fam->family, elem->end);
	}
	zg_intervals_free(&all);
	return err;
}

/* block_on_NAME: interfaces of the zones that the list is for. */
static enum zg_err iface_set(struct zg_compiler *c, struct zg_table *table, const struct zg_blocklist_conf *list)
{
	struct zg_set *set = zg_plan_set(table, name_of(c, "block_on", list->name));
	enum zg_err err = set == NULL || set->name == NULL ? ZG_ENOMEM : ZG_OK;
	if (err != ZG_OK)
		return err;
	set->fields[0] = (struct zg_field){ ZG_T_IFNAME, ZG_IFNAME_LEN };
	set->n_fields = 1;
	set->line = list->line;
	for (size_t z = 0; z < list->n_zones; z++) {
		const struct zg_zone *zone = &c->policy->zones[list->zones[z]];
		for (size_t i = 0; i < zone->n_ifaces; i++) {
			struct zg_elem *elem = zg_plan_elem(set);
			if (elem == NULL)
				return ZG_ENOMEM;
			zg_key_ifname(elem->key, 0, zone->ifaces[i]);
			elem->line = list->line;
		}
	}
	zg_plan_sort(set);
	return ZG_OK;
}

enum zg_err zg_compile_blocklist_sets(struct zg_compiler *c, struct zg_table *table)
{
	enum zg_err err = ZG_OK;
	for (int f = 0; f < 2 && err == ZG_OK && any_everywhere(c->policy); f++)
		err = address_set(c, table, f, EVERYWHERE);
	for (size_t i = 0; i < c->policy->n_blocklists && err == ZG_OK; i++) {
		const struct zg_blocklist_conf *list = &c->policy->blocklists[i];
		for (int f = 0; f < 2 && err == ZG_OK && !of_all(list); f++)
			err = address_set(c, table, f, list->name);
		if (err == ZG_OK && !of_all(list))
			err = iface_set(c, table, list);
	}
	return err;
}

/* The list's chain for what comes in or goes out at its zones. */
static enum zg_err zone_rules(const struct zg_compiler *c, struct zg_chain *chain, const struct zg_blocklist_conf *list)
{
	static const uint32_t ways[] = { NFT_META_IIFNAME, NFT_META_OIFNAME };
	const char *ifaces = name_of(c, "block_on", list->name), *target = name_of(c, "block", list->name);
	struct draft d = { .n = 0 };
	enum zg_err err = ifaces == NULL || target == NULL ? ZG_ENOMEM : ZG_OK;

	for (size_t i = 0; i < sizeof ways / sizeof *ways && err == ZG_OK; i++) {
		meta(&d, ways[i], 0);
		lookup(&d, ifaces, false);
		verdict(&d, NFT_JUMP, target);
		err = finish(&d, chain, list->line);
	}
	return err;
}

enum zg_err zg_compile_blocklist_rules(const struct zg_compiler *c, struct zg_chain *chain)
{
	struct draft d = { .n = 0 };
	enum zg_err err = ZG_OK;

	if (any_everywhere(c->policy)) {
		verdict(&d, NFT_JUMP, "block");
		err = finish(&d, chain, 0);
	}
	for (size_t i = 0; i < c->policy->n_blocklists && err == ZG_OK; i++)
		if (!of_all(&c->policy->blocklists[i]))
			err = zone_rules(c, chain, &c->policy->blocklists[i]);
	return err;
}

/* block_NAME: source or destination in the list's set is refused. */
static enum zg_err address_chain(struct zg_compiler *c, struct zg_table *table, const char *name, unsigned line)
{
	const char *chain_name = name_of(c, "block", name);
	struct zg_chain *chain = chain_name != NULL ? zg_plan_chain(table, chain_name, line) : NULL;
	struct draft d = { .n = 0 };
	enum zg_err err = chain == NULL ? ZG_ENOMEM : ZG_OK;

	for (int k = 0; k < 4 && err == ZG_OK; k++) {
		const struct zg_family_desc *fam = &zg_families[k / 2];
		const char *set = name_of(c, k / 2 == 0 ? "block4" : "block6", name);
		family(&d, fam);
		/* the destination stands behind the source */
		payload(&d, NFT_PAYLOAD_NETWORK_HEADER, k % 2 == 0 ? fam->saddr : (uint32_t)fam->saddr + fam->len, fam->len, 0);
		lookup(&d, set, false);
		verdict(&d, NFT_GOTO, "blocked");
		err = set == NULL ? ZG_ENOMEM : finish(&d, chain, line);
	}
	return err;
}

enum zg_err zg_compile_blocklist_chains(struct zg_compiler *c, struct zg_table *table)
{
	struct draft d = { .n = 0 };
	enum zg_err err = ZG_OK;

	if (c->policy->n_blocklists == 0)
		return ZG_OK;
	struct zg_chain *chain = zg_plan_chain(table, "blocked", 0);
	if (chain == NULL)
		return ZG_ENOMEM;
	refuse(&d, "drop_blocklist", "zg:blocklist");
	err = finish(&d, chain, 0);
	if (err == ZG_OK && any_everywhere(c->policy))
		err = address_chain(c, table, EVERYWHERE, 0);
	for (size_t i = 0; i < c->policy->n_blocklists && err == ZG_OK; i++)
		if (!of_all(&c->policy->blocklists[i]))
			err = address_chain(c, table, c->policy->blocklists[i].name, c->policy->blocklists[i].line);
	return err;
}
