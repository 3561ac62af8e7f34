/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other elements for a set that is there, at once: what an emergency changes. */
#include <stdlib.h>

#include "nft/nft_int.h"

#define ANY_GENERATION 0u /* of the rule set: what others do at the same time is no reason to wait */

static enum zg_err compare(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags)
{
	struct zg_plan *there = zg_plan_new();
	char *difference = NULL;
	enum zg_err err = there == NULL ? ZG_ENOMEM : ZG_OK;

	for (size_t t = 0; t < plan->n_tables && err == ZG_OK; t++) {
		const struct zg_table *want = &plan->tables[t];
		struct zg_table *have = zg_plan_table(there, want->name, want->owned);
		for (size_t i = 0; i < want->n_sets && err == ZG_OK && have != NULL; i++) {
			struct zg_set *set = zg_plan_set(have, want->sets[i].name);
			if (set == NULL) {
				err = ZG_ENOMEM;
				break;
			}
			for (size_t f = 0; f < want->sets[i].n_fields; f++)
				set->fields[f] = want->sets[i].fields[f];
			set->n_fields = want->sets[i].n_fields;
			err = zg_nft_read_elems(nft, there, want->name, set);
		}
		if (err == ZG_OK)
			err = have == NULL ? ZG_ENOMEM : zg_table_diff(want, have, time(NULL), &difference);
	}
	if (difference != NULL)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "%s", difference);
	else if (err != ZG_OK)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "the set cannot be read back: %s", zg_strerror(err));
	free(difference);
	zg_plan_free(there);
	return err;
}

enum zg_err zg_nft_refill(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags)
{
	struct zg_batch b;

	zg_batch_begin(&b, nft->seq + 1, ANY_GENERATION);
	for (size_t t = 0; t < plan->n_tables; t++) {
		b.table = plan->tables[t].name;
		for (size_t i = 0; i < plan->tables[t].n_sets; i++) {
			zg_put_flush_set(&b, plan->tables[t].sets[i].name);
			zg_put_elems(&b, &plan->tables[t].sets[i], time(NULL));
		}
	}
	zg_batch_end(&b, true);
	enum zg_err err = zg_nft_transact(nft, &b, plan, diags);
	zg_batch_free(&b);
	return err == ZG_OK ? compare(nft, plan, diags) : err;
}
