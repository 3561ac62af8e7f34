/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_S 2 /* seconds without a change until a file counts as written */

static void list_clear(struct zg_list *list)
{
	free(list->name);
	free(list->file);
	zg_blocklist_free(&list->raw);
}

void zg_lists_free(struct zg_lists *lists)
{
	for (size_t i = 0; i < lists->n; i++) {
		list_clear(&lists->lists[i]);
		zg_blocklist_free(&lists->effective[i]);
	}
	free(lists->lists);
	free(lists->effective);
	*lists = (struct zg_lists){ 0 };
}

static const struct zg_list *same_list(const struct zg_lists *before, const struct zg_blocklist_conf *conf)
{
	for (size_t i = 0; before != NULL && i < before->n; i++)
		if (strcmp(before->lists[i].name, conf->name) == 0 && strcmp(before->lists[i].file, conf->file) == 0)
			return &before->lists[i];
	return NULL;
}

static enum zg_err copy_raw(const struct zg_blocklist *from, struct zg_blocklist *ret_list)
{
	struct zg_block_entry *entries = calloc(from->n + 1, sizeof *entries);
	if (entries == NULL)
		return ZG_ENOMEM;
	if (from->n > 0)
		memcpy(entries, from->entries, from->n * sizeof *entries);
	ret_list->entries = entries;
	ret_list->n = from->n;
	return ZG_OK;
}

/* The file is broken: what it held before stays. */
static enum zg_err keep(struct zg_list *list, const struct zg_blocklist_conf *conf, const struct zg_list *old,
			const struct zg_blocklist_fault *fault, bool must, struct zg_diags *diags)
{
	list->broken = true;
	if (fault->line > 0)
		snprintf(list->fault, sizeof list->fault, "line %u: %s", fault->line, fault->what);
	else
		snprintf(list->fault, sizeof list->fault, "%s", fault->what);
	if (old != NULL && old->loaded != 0) {
		zg_diag_add(diags, ZG_DIAG_WARNING, conf->line, 0, "repair the file; then: zonegatectl reload-lists",
			    "blocklist \"%s\" keeps the entries that it has: file %s: %s", conf->name, conf->file, list->fault);
		list->loaded = old->loaded;
		return copy_raw(&old->raw, &list->raw);
	}
	zg_diag_add(diags, must ? ZG_DIAG_ERROR : ZG_DIAG_WARNING, conf->line, 0,
		    "the file belongs into the directory of the lists (zonegated --lists-dir)", "blocklist \"%s\": file %s: %s", conf->name,
		    conf->file, list->fault);
	return must ? ZG_ECONF : ZG_OK;
}

static enum zg_err load_one(const char *dir, const struct zg_policy *policy, size_t i, const struct zg_list *old, bool must,
			    struct zg_diags *diags, struct zg_lists *lists)
{
	const struct zg_blocklist_conf *conf = &policy->blocklists[i];
	struct zg_list *list = &lists->lists[i];
	struct zg_blocklist_fault fault = { 0, "" };
	enum zg_err err = ZG_OK;

	list->name = strdup(conf->name);
	list->file = strdup(conf->file);
	if (list->name == NULL || list->file == NULL)
		return ZG_ENOMEM;
	if (zg_blocklist_read(dir, conf->file, &list->raw, &list->seen, &fault) == ZG_OK)
		list->loaded = time(NULL);
	else
		err = keep(list, conf, old, &fault, must, diags);
	/* the zones may be others than when it was read */
	if (err == ZG_OK)
		err = zg_blocklist_effective(&list->raw, policy, conf->own_networks, &lists->effective[i], &list->spared);
	return err;
}

enum zg_err zg_lists_load(const char *dir, const struct zg_policy *policy, const struct zg_lists *before, bool must,
			  struct zg_diags *diags, struct zg_lists *ret_lists)
{
	const size_t n = policy->n_blocklists;
	struct zg_lists lists = { .lists = calloc(n + 1, sizeof *lists.lists), .effective = calloc(n + 1, sizeof *lists.effective) };
	enum zg_err worst = ZG_OK;

	if (lists.lists == NULL || lists.effective == NULL) {
		zg_lists_free(&lists);
		return ZG_ENOMEM;
	}
	for (size_t i = 0; i < n && worst != ZG_ENOMEM; i++) {
		lists.n = i + 1;
		enum zg_err err = load_one(dir, policy, i, same_list(before, &policy->blocklists[i]), must, diags, &lists);
		worst = err != ZG_OK ? err : worst;
	}
	if (worst != ZG_OK)
		zg_lists_free(&lists);
	else
		*ret_lists = lists;
	return worst;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

bool zg_lists_changed(const char *dir, const struct zg_lists *lists, time_t now)
{
	for (size_t i = 0; i < lists->n; i++) {
		static const struct stat nothing;
		char path[4096];
		struct stat st;
		if (snprintf(path, sizeof path, "%s/%s", dir, lists->lists[i].file) >= (int)sizeof path)
			continue;
		if (lstat(path, &st) != 0)
			st = nothing;
		else if (now - st.st_mtim.tv_sec < QUIET_S && now >= st.st_mtim.tv_sec)
			continue;
		if (!same_file(&st, &lists->lists[i].seen))
			return true;
	}
	return false;
}

static bool applies(const struct zg_policy *policy, const struct zg_blocklist_conf *conf, const struct zg_zone *const zones[static 2])
{
	for (size_t i = 0; i < conf->n_zones; i++)
		if (&policy->zones[conf->zones[i]] == zones[0] || &policy->zones[conf->zones[i]] == zones[1])
			return true;
	return conf->n_zones == 0;
}

bool zg_lists_find(const struct zg_lists *lists, const struct zg_policy *policy, const struct zg_addr addrs[static 2],
		   const struct zg_zone *const zones[static 2], size_t *ret_list, unsigned *ret_line)
{
	for (size_t i = 0; i < lists->n; i++) {
		for (int k = 0; k < 2 && applies(policy, &policy->blocklists[i], zones); k++) {
			const struct zg_block_entry *e = addrs[k].family != 0 ? zg_blocklist_find(&lists->effective[i], &addrs[k]) : NULL;
			if (e == NULL)
				continue;
			*ret_list = i;
			*ret_line = e->line;
			return true;
		}
	}
	return false;
}

json_t *zg_lists_json(const struct zg_lists *lists)
{
	json_t *all = json_array();
	for (size_t i = 0; i < lists->n; i++) {
		const struct zg_list *list = &lists->lists[i];
		json_t *o = json_pack("{s:s,s:s,s:I,s:I,s:s,s:I}", "name", list->name, "file", list->file, "entries",
				      (json_int_t)(list->raw.n - list->spared.n), "left_out", (json_int_t)list->spared.n, "state",
				      list->broken ? "broken" : "good", "loaded", (json_int_t)list->loaded);
		if (list->broken)
			json_object_set_new(o, "fault", json_string(list->fault));
		json_array_append_new(all, o);
	}
	return all;
}
