/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the kernel hold what the plan says? Everything is read back and compared, but for large sets of a table that is ours:
 * nobody else can change those (the kernel keeps others from an owned table), so what is left to be seen is whether the kernel
 * took what it was told to. It is asked for each element that was to come, and for each that was to go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"

#define WHOLE_MAX    4096u /* elements of a set that is listed in whole: listing costs the square of their number */
#define VERIFY_TRIES 10	   /* of a picture that others keep changing */

/* The part of a plan that is compared. */
struct view {
	struct zg_table table;	/* sets are a copy */
	struct zg_elem **elems; /* per set: owned; NULL = all of the plan's */
};

static enum zg_err view_init(struct view *view, const struct zg_table *table)
{
	*view = (struct view){ .table = *table };
	view->table.sets = calloc(table->n_sets + 1, sizeof *view->table.sets);
	view->elems = calloc(table->n_sets + 1, sizeof(struct zg_elem *));
	if (view->table.sets == NULL || view->elems == NULL)
		return ZG_ENOMEM;
	for (size_t i = 0; i < table->n_sets; i++)
		view->table.sets[i] = table->sets[i];
	return ZG_OK;
}

static void view_free(struct view *view)
{
	for (size_t i = 0; i < view->table.n_sets && view->elems != NULL; i++)
		free(view->elems[i]);
	free(view->elems);
	free(view->table.sets);
}

/* The view of set i is what was to come. */
static enum zg_err narrow(struct view *view, size_t i, const struct zg_delta *delta)
{
	struct zg_elem *elems = calloc(delta->n_come + 1, sizeof *elems);
	if (elems == NULL)
		return ZG_ENOMEM;
	for (size_t k = 0; k < delta->n_come; k++)
		elems[k] = *delta->come[k];
	view->elems[i] = view->table.sets[i].elems = elems;
	view->table.sets[i].n_elems = delta->n_come;
	return ZG_OK;
}

/* Of what was to go, what did not come again; both are sorted. How many are left. */
static size_t only_gone(const struct zg_delta *delta)
{
	size_t kept = 0;
	for (size_t g = 0, c = 0; g < delta->n_gone; g++) {
		while (c < delta->n_come && zg_elem_order(delta->come[c], delta->gone[g]) < 0)
			c++;
		if (c == delta->n_come || zg_elem_order(delta->come[c], delta->gone[g]) != 0)
			delta->gone[kept++] = delta->gone[g];
	}
	return kept;
}

/* from: the same set in the plan before, NULL = all of it was to come. */
static enum zg_err ask_set(struct zg_nft *nft, struct zg_nft_state *state, const char *table, const struct zg_set *from,
			   struct view *view, size_t i, time_t now, struct zg_set *have)
{
	const struct zg_set *want = &view->table.sets[i];
	struct zg_delta delta = { .n_gone = 0 };
	enum zg_err err = zg_delta_of(from, want, now, &delta);

	if (err == ZG_OK)
		err = zg_nft_ask_elems(nft, state->plan, table, want, delta.come, delta.n_come, have);
	if (err == ZG_OK)
		err = zg_nft_ask_elems(nft, state->plan, table, want, delta.gone, only_gone(&delta), have);
	if (err == ZG_OK)
		err = narrow(view, i, &delta);
	zg_plan_sort(have);
	zg_set_drop_twins(have);
	zg_delta_free(&delta);
	return err;
}

/* Nothing of a large set was to change: nothing of it is looked at. */
static enum zg_err skip_set(struct view *view, size_t i)
{
	return narrow(view, i, &(const struct zg_delta){ .n_come = 0 });
}

/* from: the same set in the plan before. */
static enum zg_err read_ends(struct zg_nft *nft, struct zg_nft_state *state, const char *table, const struct zg_set *from,
			     struct view *view, size_t i, time_t now, struct zg_set *have)
{
	struct zg_delta delta;
	enum zg_err err = zg_delta_of(from, &view->table.sets[i], now, &delta);
	if (err != ZG_OK)
		return err;
	const bool touched = delta.n_gone + delta.n_come > 0;
	zg_delta_free(&delta);
	return touched ? zg_nft_read_elems(nft, state->plan, table, have) : skip_set(view, i);
}

/* The elements of all sets that both have. */
static enum zg_err read_sets(struct zg_nft *nft, struct zg_nft_state *state, const struct zg_table *from, struct view *view,
			     struct zg_table *have, time_t now)
{
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < view->table.n_sets && err == ZG_OK; i++) {
		const struct zg_set *want = &view->table.sets[i];
		const struct zg_set *old = from != NULL ? zg_table_find_set(from, want->name) : NULL;
		struct zg_set *set = zg_table_find_set(have, want->name);
		if (set == NULL || !zg_set_same_type(want, set) || want->dynamic)
			continue; /* a difference that will be told; or what rules fill */
		if (old != NULL && !zg_set_same_type(old, want))
			old = NULL;
		if (!view->table.owned || want->n_elems <= WHOLE_MAX || (zg_set_has_ends(want) && old == NULL))
			err = zg_nft_read_elems(nft, state->plan, have->name, set);
		else if (zg_set_has_ends(want))
			err = read_ends(nft, state, have->name, old, view, i, now, set);
		else
			err = ask_set(nft, state, have->name, old, view, i, now, set);
	}
	return err;
}

static enum zg_err compare(struct zg_nft *nft, struct zg_nft_state *state, const struct zg_table *from, const struct zg_table *want,
			   struct zg_table *have, struct zg_diags *diags)
{
	const time_t now = time(NULL);
	char *difference = NULL;
	struct view view;
	enum zg_err err = view_init(&view, want);
	if (err == ZG_OK)
		err = read_sets(nft, state, from, &view, have, now);
	if (err == ZG_OK)
		err = zg_table_diff(&view.table, have, time(NULL), &difference);
	if (difference != NULL)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "somebody changed it: nft monitor", "%s", difference);
	free(difference);
	view_free(&view);
	return err;
}

static enum zg_err verify_table(struct zg_nft *nft, struct zg_nft_state *state, const struct zg_table *from,
				const struct zg_table *want, struct zg_diags *diags)
{
	size_t i = 0;
	while (i < state->plan->n_tables && strcmp(state->plan->tables[i].name, want->name) != 0)
		i++;
	if (i == state->plan->n_tables)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "the kernel has no table inet %s", want->name);
	else if (state->plan->tables[i].owned && state->owner[i] != nft->portid)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "another process owns the table inet %s", want->name);
	else if (state->dormant[i])
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "the table inet %s is dormant", want->name);
	else
		return compare(nft, state, from, want, &state->plan->tables[i], diags);
	return ZG_EDRIFT;
}

static enum zg_err verify_once(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *plan, struct zg_diags *diags)
{
	struct zg_nft_state state = { 0 };
	uint32_t after = 0;
	enum zg_err worst = ZG_OK, err = zg_nft_read(nft, ZG_READ_RULES, plan, &state);
	if (err != ZG_OK)
		return err;
	for (size_t i = 0; i < plan->n_tables; i++) {
		const struct zg_table *want = &plan->tables[i];
		err = verify_table(nft, &state, from != NULL ? zg_plan_find_table(from, want->name) : NULL, want, diags);
		if (err != ZG_OK)
			worst = err;
	}
	/* the elements were read after the rest */
	err = zg_nft_genid(nft, &after);
	if (err == ZG_OK && after != state.genid)
		err = ZG_EAGAIN;
	zg_nft_state_free(&state);
	return err != ZG_OK ? err : worst;
}

enum zg_err zg_nft_verify_step(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *plan, struct zg_diags *diags)
{
	enum zg_err err = ZG_EAGAIN;
	for (int i = 0; i < VERIFY_TRIES && (err == ZG_EAGAIN || err == ZG_ENOENT); i++) {
		struct zg_diags found;
		zg_diags_init(&found);
		err = verify_once(nft, from, plan, &found);
		for (size_t k = 0; k < found.n && err == ZG_EDRIFT; k++)
			zg_diag_add(diags, found.items[k].severity, 0, 0, found.items[k].hint, "%s", found.items[k].message);
		zg_diags_free(&found);
	}
	if (err != ZG_OK && err != ZG_EDRIFT)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "the kernel's rule set cannot be read back: %s",
			    err == ZG_ESYS ? strerror(errno) : zg_strerror(err));
	return err;
}

enum zg_err zg_nft_verify(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags)
{
	return zg_nft_verify_step(nft, NULL, plan, diags);
}
