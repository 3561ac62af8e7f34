/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one plan to the next: what stays is not mentioned. */
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"

/* Has the kernel been told of it, and does it still have it? */
static bool is_there(const struct zg_elem *elem, time_t now)
{
	return zg_elem_in_force(elem, now) && !elem->due;
}

enum zg_err zg_delta_of(const struct zg_set *from, const struct zg_set *to, time_t now, struct zg_delta *ret_delta)
{
	const size_t n_from = from != NULL ? from->n_elems : 0;
	struct zg_delta d = { .gone = calloc(n_from + 1, sizeof(const struct zg_elem *)),
			      .come = calloc(to->n_elems + 1, sizeof(const struct zg_elem *)) };
	if (d.gone == NULL || d.come == NULL) {
		zg_delta_free(&d);
		return ZG_ENOMEM;
	}
	for (size_t f = 0, t = 0; f < n_from || t < to->n_elems;) {
		const struct zg_elem *old = f < n_from ? &from->elems[f] : NULL, *new = t < to->n_elems ? &to->elems[t] : NULL;
		const int order = old == NULL ? 1 : new == NULL ? -1 : zg_elem_order(old, new);
		const bool was = order <= 0 && is_there(old, now), will = order >= 0 && zg_elem_in_force(new, now);
		const bool stays = was && will && zg_elem_same_data(old, new) && old->expires == new->expires;
		if (was && !stays)
			d.gone[d.n_gone++] = old;
		if (will && !stays)
			d.come[d.n_come++] = new;
		f += order <= 0;
		t += order >= 0;
	}
	*ret_delta = d;
	return ZG_OK;
}

void zg_delta_free(struct zg_delta *delta)
{
	free(delta->gone);
	free(delta->come);
	*delta = (struct zg_delta){ .n_gone = 0 };
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

/* The set of the same name and type: it stays, whatever becomes of its elements. */
static const struct zg_set *kept(const struct zg_table *table, const struct zg_set *set)
{
	const struct zg_set *other = zg_table_find_set(table, set->name);
	return other != NULL && zg_set_same_type(other, set) ? other : NULL;
}

/* Does a rule of the chain look into a set that from has in another form, or to has no more? It would hold on to it. */
static bool names_lost_set(const struct zg_chain *chain, const struct zg_table *from, const struct zg_table *to)
{
	for (size_t r = 0; r < chain->n_rules; r++) {
		for (size_t i = 0; i < chain->rules[r].n; i++) {
			const struct zg_expr *x = &chain->rules[r].exprs[i];
			const struct zg_set *set = x->name != NULL ? zg_table_find_set(from, x->name) : NULL;
			if (set != NULL && kept(to, set) == NULL)
				return true;
		}
	}
	return false;
}

/* May the rules of the chain stay as they are? */
static bool rules_stay(const struct zg_chain *old, const struct zg_chain *new, const struct zg_table *from, const struct zg_table *to)
{
	return old != NULL && new != NULL && zg_rules_same(old, new) && !names_lost_set(old, from, to);
}

bool zg_set_has_ends(const struct zg_set *set)
{
	return set->interval && set->n_fields == 1;
}

/* Intervals of one field stand in the kernel as beginnings and ends, which the next interval may share: if one changes, all are
 * put anew. */
static bool refilled(const struct zg_set *set, const struct zg_delta *delta)
{
	return zg_set_has_ends(set) && delta->n_gone + delta->n_come > 0;
}

static bool has_counter(const struct zg_table *table, const char *name)
{
	for (size_t i = 0; i < table->n_counters; i++)
		if (strcmp(table->counters[i].name, name) == 0)
			return true;
	return false;
}

static void put_new_heads(struct zg_batch *b, const struct zg_table *from, const struct zg_table *to)
{
	for (size_t i = 0; i < to->n_counters; i++)
		if (!has_counter(from, to->counters[i].name))
			zg_put_counter(b, to->counters[i].name);
	for (size_t i = 0; i < to->n_chains; i++) {
		const struct zg_chain *old = zg_table_find_chain(from, to->chains[i].name);
		if (old == NULL || !zg_chain_same_head(old, &to->chains[i]))
			zg_put_chain(b, &to->chains[i]);
	}
}

/* Rules let go of sets, and these of chains. */
static void put_removals(struct zg_batch *b, const struct zg_table *from, const struct zg_table *to, const struct zg_delta *deltas,
			 time_t now)
{
	for (size_t i = 0; i < from->n_chains; i++) {
		const struct zg_chain *old = &from->chains[i];
		if (old->n_rules > 0 && !rules_stay(old, zg_table_find_chain(to, old->name), from, to))
			zg_put_del_rules(b, old->name);
	}
	for (size_t i = 0; i < to->n_sets; i++) {
		if (kept(from, &to->sets[i]) != NULL && refilled(&to->sets[i], &deltas[i]))
			zg_put_flush_set(b, to->sets[i].name);
		else
			zg_put_some_elems(b, NFT_MSG_DELSETELEM, &to->sets[i], deltas[i].gone, deltas[i].n_gone, now);
	}
	for (size_t i = 0; i < from->n_sets; i++) {
		if (kept(to, &from->sets[i]) != NULL)
			continue;
		if (from->sets[i].data == ZG_SET_VERDICT)
			zg_put_flush_set(b, from->sets[i].name);
		zg_put_del_set(b, from->sets[i].name);
	}
	for (size_t i = 0; i < from->n_chains; i++)
		if (zg_table_find_chain(to, from->chains[i].name) == NULL)
			zg_put_del_chain(b, from->chains[i].name);
	for (size_t i = 0; i < from->n_counters; i++)
		if (!has_counter(to, from->counters[i].name))
			zg_put_del_counter(b, from->counters[i].name);
}

static void put_additions(struct zg_batch *b, const struct zg_table *from, const struct zg_table *to, const struct zg_delta *deltas,
			  time_t now)
{
	for (size_t i = 0; i < to->n_sets; i++)
		if (kept(from, &to->sets[i]) == NULL)
			zg_put_set(b, &to->sets[i], (uint32_t)i + 1);
	for (size_t i = 0; i < to->n_sets; i++) {
		if (refilled(&to->sets[i], &deltas[i]))
			zg_put_elems(b, &to->sets[i], now);
		else
			zg_put_some_elems(b, NFT_MSG_NEWSETELEM, &to->sets[i], deltas[i].come, deltas[i].n_come, now);
	}
	for (size_t i = 0; i < to->n_chains; i++) {
		const struct zg_chain *new = &to->chains[i];
		if (rules_stay(zg_table_find_chain(from, new->name), new, from, to))
			continue;
		for (size_t k = 0; k < new->n_rules; k++)
			zg_put_rule(b, new, &new->rules[k]);
	}
}

enum zg_err zg_put_delta(struct zg_batch *b, const struct zg_table *from, const struct zg_table *to, time_t now)
{
	struct zg_delta *deltas = calloc(to->n_sets + 1, sizeof *deltas);
	enum zg_err err = deltas == NULL ? ZG_ENOMEM : ZG_OK;

	for (size_t i = 0; i < to->n_sets && err == ZG_OK; i++)
		err = zg_delta_of(kept(from, &to->sets[i]), &to->sets[i], now, &deltas[i]);
	if (err == ZG_OK) {
		put_new_heads(b, from, to);
		put_removals(b, from, to, deltas, now);
		put_additions(b, from, to, deltas, now);
	}
	for (size_t i = 0; i < to->n_sets && deltas != NULL; i++)
		zg_delta_free(&deltas[i]);
	free(deltas);
	return err;
}
