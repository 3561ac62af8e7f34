/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows that open: elements into maps that are there already. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"

#define OPEN_TRIES 5 /* when somebody else changes an unrelated table in between */

/* The elements of a set that are due, as a set of their own; *ret_due has to be freed. */
static enum zg_err due_of(const struct zg_set *set, struct zg_set *ret_due)
{
	*ret_due = *set;
	ret_due->elems = calloc(set->n_elems + 1, sizeof *ret_due->elems);
	ret_due->n_elems = 0;
	if (ret_due->elems == NULL)
		return ZG_ENOMEM;
	for (size_t i = 0; i < set->n_elems; i++) {
		if (set->elems[i].due)
			ret_due->elems[ret_due->n_elems++] = set->elems[i];
	}
	return ZG_OK;
}

/* The batch keeps pointers to the sets, for its diagnostics: ret_sets lives as long as it does. */
static enum zg_err put_due(struct zg_batch *b, const struct zg_table *table, time_t now, struct zg_set *sets, size_t *n)
{
	for (size_t i = 0; i < table->n_sets; i++) {
		const enum zg_err err = table->sets[i].timeout ? due_of(&table->sets[i], &sets[*n]) : ZG_ENOENT;
		if (err == ZG_ENOMEM)
			return err;
		if (err == ZG_OK)
			zg_put_elems(b, &sets[(*n)++], now);
	}
	return ZG_OK;
}

static enum zg_err open_once(struct zg_nft *nft, const struct zg_plan *plan, const struct zg_table *table,
			     struct zg_diags *diags)
{
	struct zg_batch b = { 0 };
	struct zg_set *sets = calloc(table->n_sets + 1, sizeof *sets);
	size_t n = 0;
	uint32_t genid;
	enum zg_err err = sets == NULL ? ZG_ENOMEM : zg_nft_genid(nft, &genid);
	if (err != ZG_OK)
		goto out;
	zg_batch_begin(&b, nft->seq + 1, genid);
	b.table = table->name;
	err = put_due(&b, table, time(NULL), sets, &n);
	if (err == ZG_OK) {
		zg_batch_end(&b, true);
		err = zg_nft_transact(nft, &b, plan, diags);
	}
	zg_batch_free(&b);
out:
	for (size_t i = 0; i < n; i++)
		free(sets[i].elems);
	free(sets);
	return err;
}

static void forget_due(struct zg_table *table)
{
	for (size_t s = 0; s < table->n_sets; s++) {
		for (size_t i = 0; i < table->sets[s].n_elems; i++)
			table->sets[s].elems[i].due = false;
	}
}

enum zg_err zg_nft_open_due(struct zg_nft *nft, struct zg_plan *plan, struct zg_diags *diags)
{
	struct zg_table *table = zg_plan_find_table(plan, ZG_TABLE_POLICY);
	enum zg_err err = table == NULL ? ZG_EINVAL : ZG_EAGAIN;
	for (int tries = 0; tries < OPEN_TRIES && err == ZG_EAGAIN; tries++)
		err = open_once(nft, plan, table, diags);
	if (err == ZG_OK)
		forget_due(table);
	return err;
}
