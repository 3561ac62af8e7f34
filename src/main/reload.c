/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocklists that are read again: their sets are filled anew, nothing else is touched. */
#include "main/supervisor.h"

#include <stdlib.h>
#include <string.h>

#define LISTS_MS 60000u /* between two looks at the files */

static const struct zg_list *find(const struct zg_lists *lists, const char *name)
{
	for (size_t i = 0; i < lists->n; i++)
		if (strcmp(lists->lists[i].name, name) == 0)
			return &lists->lists[i];
	return NULL;
}

static void record_list(struct zg_supervisor *s, enum zg_event_kind kind, const struct zg_list *list)
{
	const size_t entries = list->raw.n - list->spared.n;
	char range[2 * ZG_ADDRSTR_MAX];
	struct zg_event e;

	zg_event_init(&e, kind);
	zg_event_str(&e, ZG_F_LIST, list->name);
	zg_event_str(&e, ZG_F_FILE, list->file);
	zg_event_u64(&e, ZG_F_ENTRIES, entries);
	switch (kind) {
	case ZG_E_BLOCKLIST_BROKEN:
		zg_event_str(&e, ZG_F_DETAIL, list->fault);
		zg_event_message(&e, "blocklist %s: file %s is broken (%s): the %zu entries that it had before stay in force", list->name,
				 list->file, list->fault, entries);
		break;
	case ZG_E_BLOCKLIST_SPARED:
		zg_event_u64(&e, ZG_F_LIST_LINE, list->spared.line);
		zg_event_str(&e, ZG_F_DETAIL, list->spared.zone != NULL ? "own network" : "too broad");
		zg_event_message(&e, "blocklist %s: %zu entries are not put in force, the first in line %u: %s %s%s", list->name, list->spared.n,
				 list->spared.line, zg_range_str(&list->spared.range, range),
				 list->spared.zone != NULL ? "touches a network of zone " : "is broader than any network",
				 list->spared.zone != NULL ? list->spared.zone : "");
		break;
	default:
		zg_event_message(&e, "blocklist %s: %zu entries from %s are in force", list->name, entries, list->file);
	}
	zg_record(s, &e);
}

void zg_lists_record(struct zg_supervisor *s, const struct zg_lists *before)
{
	for (size_t i = 0; i < s->lists.n; i++) {
		const struct zg_list *now = &s->lists.lists[i], *old = find(before, now->name);
		/* broken and still the same file: told already */
		if (old != NULL && old->broken == now->broken && memcmp(&old->seen.st_ctim, &now->seen.st_ctim, sizeof now->seen.st_ctim) == 0 &&
		    old->seen.st_ino == now->seen.st_ino && old->spared.n == now->spared.n)
			continue;
		record_list(s, now->broken ? ZG_E_BLOCKLIST_BROKEN : ZG_E_BLOCKLIST_LOADED, now);
		if (now->spared.n > 0)
			record_list(s, ZG_E_BLOCKLIST_SPARED, now);
	}
}

/* The sets of s->lists into the kernel. */
static enum zg_err fill(struct zg_supervisor *s, struct zg_diags *diags)
{
	const struct zg_plan_env env = { .blocklists = s->lists.effective };
	struct zg_plan *plan = NULL;
	enum zg_err err = zg_plan_blocklists(s->policy, &env, &plan);
	if (err == ZG_OK)
		err = zg_nft_refill(s->nft, plan, diags);
	/* what the kernel was found to hold */
	if (err == ZG_OK && s->plan != NULL)
		zg_plan_trade(s->plan, plan);
	zg_plan_free(plan);
	return err;
}

enum zg_err zg_lists_reload(struct zg_supervisor *s, struct zg_diags *diags)
{
	struct zg_lists now = { 0 }, before = s->lists;

	s->lists_ms = zg_now_ms();
	if (s->policy == NULL || s->closed) {
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "the lists are read when a policy is put in force", "no policy is in force");
		return ZG_ENOENT;
	}
	enum zg_err err = zg_lists_load(s->options.lists_dir, s->policy, &before, false, diags, &now);
	if (err != ZG_OK || now.n == 0) {
		zg_lists_free(&now);
		return err;
	}
	s->lists = now;
	err = fill(s, diags);
	if (err == ZG_OK) {
		zg_lists_record(s, &before);
		zg_lists_free(&before);
		return err;
	}
	/* what was in force is put back: nobody knows how far it came */
	struct zg_event e;
	s->lists = before;
	zg_lists_free(&now);
	const bool back = fill(s, diags) == ZG_OK;
	zg_event_init(&e, ZG_E_BLOCKLIST_BROKEN);
	zg_event_str(&e, ZG_F_DETAIL, diags->n > 0 ? diags->items[0].message : zg_strerror(err));
	zg_event_message(&e, "the blocklists could not be loaded: %s; those before %s in force", diags->n > 0 ? diags->items[0].message : zg_strerror(err),
			 back ? "are" : "could not be put back, and may not all be");
	zg_record(s, &e);
	return err;
}

void zg_lists_tick(struct zg_supervisor *s)
{
	const uint64_t now = zg_now_ms();
	struct zg_diags diags;

	if (now - s->lists_ms < LISTS_MS || s->closed)
		return;
	s->lists_ms = now;
	if (!zg_lists_changed(s->options.lists_dir, &s->lists, time(NULL)))
		return;
	zg_diags_init(&diags);
	(void)zg_lists_reload(s, &diags);
	zg_diags_free(&diags);
}
