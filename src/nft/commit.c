/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan into the kernel: one transaction, then what is there is read back and compared. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"

#define SCRATCH_TABLE  "zonegate_check" /* name for a dry run while the real table is somebody else's */
#define BACKSTOP_TRIES 10		/* when others change the rule set at the same time, as at boot */

enum mode { COMMIT, DRY_RUN };

/* One table of the plan and what is there of it. */
struct task {
	const struct zg_table *want;
	const struct zg_table *have; /* NULL = nothing */
	bool foreign;		     /* owned by another socket */
	bool dormant;
	bool persistent;
};

static void find_task(const struct zg_nft *nft, const struct zg_nft_state *state, const struct zg_table *want,
		      struct task *ret_task)
{
	*ret_task = (struct task){ .want = want };
	for (size_t i = 0; i < state->plan->n_tables; i++) {
		if (strcmp(state->plan->tables[i].name, want->name) != 0)
			continue;
		ret_task->have = &state->plan->tables[i];
		ret_task->foreign = state->plan->tables[i].owned && state->owner[i] != nft->portid;
		ret_task->dormant = state->dormant[i];
		ret_task->persistent = state->persistent[i];
	}
}

/* Can the table that is there be filled anew, its hooks and sums untouched? One that outlived its owner can be taken
 * over: the kernel gives it to whoever names it as owned. */
static bool reusable(const struct zg_nft *nft, const struct task *t)
{
	const bool orphan = t->want->owned && !t->have->owned && t->persistent;
	if ((t->have->owned != t->want->owned && !orphan) || t->dormant ||
	    t->persistent != (t->want->owned && nft->persist))
		return false;
	for (size_t i = 0; i < t->want->n_chains; i++) {
		const struct zg_chain *want = &t->want->chains[i];
		const struct zg_chain *have = zg_table_find_chain(t->have, want->name);
		if (have == NULL)
			continue;
		if (have->base != want->base ||
		    (want->base && (have->hook != want->hook || have->priority != want->priority)))
			return false;
	}
	return true;
}

static bool has_counter(const struct zg_table *table, const char *name)
{
	for (size_t i = 0; i < table->n_counters; i++)
		if (strcmp(table->counters[i].name, name) == 0)
			return true;
	return false;
}

/* What a dynamic set has counted goes on if the next policy counts it in the same way. */
static bool stays(const struct zg_table *want, const struct zg_table *have, const struct zg_set *set)
{
	const struct zg_set *a = zg_table_find_set(want, set->name), *b = have != NULL ? zg_table_find_set(have, set->name) : NULL;
	return a != NULL && b != NULL && a->dynamic && zg_set_same_type(a, b);
}

/* Takes out what is there. Base chains stay (packets that wait in a queue resume by their place among the hooks),
 * and so do counters that the plan has too: their sums go on. */
static void put_clearing(struct zg_batch *b, const struct zg_table *want, const struct zg_table *have)
{
	zg_put_del_rules(b, NULL);
	for (size_t i = 0; i < have->n_sets; i++) {
		if (stays(want, have, &have->sets[i]))
			continue;
		/* older kernels let go of the chains in a verdict map only with its elements */
		if (have->sets[i].data == ZG_SET_VERDICT)
			zg_put_flush_set(b, have->sets[i].name);
		zg_put_del_set(b, have->sets[i].name);
	}
	for (size_t i = 0; i < have->n_chains; i++)
		if (zg_table_find_chain(want, have->chains[i].name) == NULL)
			zg_put_del_chain(b, have->chains[i].name);
	for (size_t i = 0; i < have->n_counters; i++)
		if (!has_counter(want, have->counters[i].name))
			zg_put_del_counter(b, have->counters[i].name);
}

static void put_filling(struct zg_batch *b, const struct zg_table *want, const struct zg_table *have, time_t now)
{
	for (size_t i = 0; i < want->n_counters; i++)
		zg_put_counter(b, want->counters[i].name);
	for (size_t i = 0; i < want->n_chains; i++)
		zg_put_chain(b, &want->chains[i]);
	for (size_t i = 0; i < want->n_sets; i++)
		if (!stays(want, have, &want->sets[i]))
			zg_put_set(b, &want->sets[i], (uint32_t)i + 1);
	for (size_t i = 0; i < want->n_sets; i++)
		zg_put_elems(b, &want->sets[i], now);
	for (size_t i = 0; i < want->n_chains; i++)
		for (size_t k = 0; k < want->chains[i].n_rules; k++)
			zg_put_rule(b, &want->chains[i], &want->chains[i].rules[k]);
}

static enum zg_err put_table(const struct zg_nft *nft, struct zg_batch *b, const struct task *t, enum mode mode,
			     time_t now, struct zg_diags *diags)
{
	const struct zg_table *have = t->have;
	uint32_t flags = !t->want->owned ? 0 : NFT_TABLE_F_OWNER | (nft->persist ? ZG_TABLE_F_PERSIST : 0);

	b->table = t->want->name;
	if (t->foreign && mode == COMMIT) {
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "zonegatectl status tells whether a daemon runs; only one may",
			    "another process owns the table inet %s", t->want->name);
		return ZG_EPERM;
	}
	if (t->foreign) {
		b->table = SCRATCH_TABLE;
		have = NULL;
	}
	if (have != NULL && !reusable(nft, t)) {
		zg_put_del_table(b);
		have = NULL;
	}
	/* a dry run must not register a hook even for a moment: for that moment nothing would pass */
	if (have == NULL && mode == DRY_RUN)
		flags |= NFT_TABLE_F_DORMANT;
	zg_put_table(b, flags);
	if (have != NULL)
		put_clearing(b, t->want, have);
	put_filling(b, t->want, have, now);
	return ZG_OK;
}

/* A table that nobody owns and that is as it should be is left alone: the backstop, nearly always. */
static bool is_there(const struct task *t, time_t now)
{
	char *difference = NULL;
	if (t->have == NULL || t->want->owned || t->dormant)
		return false;
	enum zg_err err = zg_table_diff(t->want, t->have, now, &difference);
	free(difference);
	return err == ZG_OK;
}

static bool has_room(const struct zg_table *have, const struct zg_table *want)
{
	for (size_t i = 0; i < want->n_sets; i++) {
		const struct zg_set *set = zg_table_find_set(have, want->sets[i].name);
		if (set != NULL && set->room != 0 && want->sets[i].n_elems > set->room)
			return false;
	}
	return true;
}

/* Is of what is there all, and nothing else, that from names? Contents only its owner can have changed. */
static bool holds(const struct zg_table *have, const struct zg_table *from)
{
	if (have->n_chains != from->n_chains || have->n_sets != from->n_sets || have->n_counters != from->n_counters)
		return false;
	for (size_t i = 0; i < from->n_chains; i++)
		if (zg_table_find_chain(have, from->chains[i].name) == NULL)
			return false;
	for (size_t i = 0; i < from->n_sets; i++)
		if (zg_table_find_set(have, from->sets[i].name) == NULL)
			return false;
	for (size_t i = 0; i < from->n_counters; i++)
		if (!has_counter(have, from->counters[i].name))
			return false;
	return true;
}

/* Can the table be brought from one plan to the next by the difference alone? Only if we know what it holds: it is ours, so
 * nobody else may change it. */
static bool can_step(const struct zg_nft *nft, const struct zg_table *from, const struct task *t)
{
	return from != NULL && from->owned && t->want->owned && t->have != NULL && t->have->owned && !t->foreign &&
	       reusable(nft, t) && holds(t->have, from) && has_room(t->have, t->want);
}

/* from NULL: whole tables. Else what makes plan of it; ZG_ENOTSUP where that is not possible. */
static enum zg_err put_plan(struct zg_nft *nft, struct zg_batch *b, const struct zg_plan *from, const struct zg_plan *plan,
			    const struct zg_nft_state *state, enum mode mode, struct zg_diags *diags)
{
	const time_t now = time(NULL);
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < plan->n_tables && err == ZG_OK; i++) {
		const struct zg_table *old = from != NULL ? zg_plan_find_table(from, plan->tables[i].name) : NULL;
		struct task task;
		find_task(nft, state, &plan->tables[i], &task);
		if (is_there(&task, now))
			continue;
		if (from == NULL || !task.want->owned) {
			err = put_table(nft, b, &task, mode, now, diags);
		} else if (can_step(nft, old, &task)) {
			b->table = task.want->name;
			err = zg_put_delta(b, old, task.want, now);
		} else {
			err = ZG_ENOTSUP;
		}
	}
	return err;
}

static enum zg_err transact(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *plan, enum mode mode,
			    struct zg_diags *diags)
{
	struct zg_nft_state state = { 0 };
	struct zg_batch b = { 0 };
	enum zg_err err = zg_nft_read(nft, ZG_READ_NAMES, NULL, &state);
	if (err == ZG_ESYS)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "CAP_NET_ADMIN is needed, and a kernel with nf_tables",
			    "the kernel's rule set cannot be read: %s", strerror(errno));
	if (err != ZG_OK)
		return err;

	zg_batch_begin(&b, nft->seq + 1, state.genid);
	err = put_plan(nft, &b, from, plan, &state, mode, diags);
	if (err == ZG_OK && b.n > 1) { /* more than its begin */
		zg_batch_end(&b, mode == COMMIT);
		err = zg_nft_transact(nft, &b, plan, diags);
	}
	zg_batch_free(&b);
	zg_nft_state_free(&state);
	return err;
}

enum zg_err zg_nft_dry_run(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags)
{
	enum zg_err err = ZG_EAGAIN;
	for (int i = 0; i < BACKSTOP_TRIES && err == ZG_EAGAIN; i++)
		err = transact(nft, NULL, plan, DRY_RUN, diags);
	return err;
}

enum zg_err zg_nft_commit(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags)
{
	enum zg_err err = transact(nft, NULL, plan, COMMIT, diags);
	return err == ZG_OK ? zg_nft_verify(nft, plan, diags) : err;
}

enum zg_err zg_nft_dry_step(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *plan, struct zg_diags *diags)
{
	struct zg_diags ignored;
	enum zg_err err = from != NULL ? ZG_EAGAIN : ZG_ENOTSUP;
	zg_diags_init(&ignored);
	for (int i = 0; i < BACKSTOP_TRIES && err == ZG_EAGAIN; i++)
		err = transact(nft, from, plan, DRY_RUN, &ignored);
	zg_diags_free(&ignored);
	/* in doubt, and for the words about a plan that is refused */
	return err != ZG_OK ? zg_nft_dry_run(nft, plan, diags) : ZG_OK;
}

enum zg_err zg_nft_step(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *plan, struct zg_diags *diags)
{
	enum zg_err err = transact(nft, from, plan, COMMIT, diags);
	return err == ZG_OK ? zg_nft_verify_step(nft, from, plan, diags) : err;
}

enum zg_err zg_nft_backstop(struct zg_nft *nft, struct zg_diags *diags)
{
	struct zg_plan *plan = NULL;
	struct zg_diags ignored;
	enum zg_err err = zg_plan_backstop(&plan);
	if (err != ZG_OK)
		return err;
	zg_diags_init(&ignored);
	err = zg_nft_verify(nft, plan, &ignored);
	zg_diags_free(&ignored);
	if (err != ZG_OK)
		err = ZG_EAGAIN;
	for (int i = 0; i < BACKSTOP_TRIES && err == ZG_EAGAIN; i++)
		err = zg_nft_commit(nft, plan, diags);
	zg_plan_free(plan);
	return err;
}
