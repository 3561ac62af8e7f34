/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/diff.h"
#include "ctl/cmd.h"
#include "ctl/show.h"

#include <stdlib.h>
#include <string.h>

/* One side of a comparison: a policy, and one thing of it; object NULL = it is not there. */
struct side {
	const struct zg_policy *policy;
	const void *object;
};

const char *zg_diff_kind_name(enum zg_diff_kind kind)
{
	static const char *const names[] = { "added", "withdrawn", "altered" };
	return names[kind];
}

/* --- building ------------------------------------------------------------------------------------------- */

/* Room for one more in an array that grows at powers of two. */
static void *more(void *array, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? realloc(array, (n > 0 ? 2 * n : 1) * size) : array;
}

static struct zg_diff_change *add_change(struct zg_diff *diff, enum zg_diff_kind kind, const char *what, const char *name)
{
	struct zg_diff_change *grown = more(diff->changes, diff->n, sizeof *grown);
	char *copy = strdup(name);
	if (grown != NULL)
		diff->changes = grown;
	if (grown == NULL || copy == NULL) {
		free(copy);
		diff->failed = true;
		return NULL;
	}
	diff->changes[diff->n] = (struct zg_diff_change){ .kind = kind, .what = what, .name = copy };
	return &diff->changes[diff->n++];
}

/* Takes the texts. */
static void add_key(struct zg_diff *diff, struct zg_diff_change *change, char *key, char *old, char *now)
{
	struct zg_diff_key *grown = change != NULL ? more(change->keys, change->n_keys, sizeof *grown) : NULL;
	if (grown != NULL)
		change->keys = grown;
	if (grown == NULL || key == NULL) {
		free(key);
		free(old);
		free(now);
		diff->failed = true;
		return;
	}
	change->keys[change->n_keys++] = (struct zg_diff_key){ key, old, now };
}

/* What the field says of a side; NULL: nothing, or out of memory. */
static char *value_of(struct zg_diff *diff, const struct zg_diff_field *field, const struct side *side)
{
	char *text = NULL;
	size_t len;
	if (side->object == NULL)
		return NULL;
	FILE *out = open_memstream(&text, &len);
	if (out == NULL) {
		diff->failed = true;
		return NULL;
	}
	field->put(out, side->policy, side->object);
	diff->failed = fclose(out) != 0 || diff->failed;
	if (len == 0 || diff->failed) {
		free(text);
		return NULL;
	}
	return text;
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The change that keys are added to: made with the first of them. */
struct making {
	struct zg_diff *diff;
	struct zg_diff_change *change;
	enum zg_diff_kind kind;
	const char *what, *name;
};

static void differ(struct making *m, char *key, char *old, char *now)
{
	if (m->change == NULL)
		m->change = add_change(m->diff, m->kind, m->what, m->name);
	add_key(m->diff, m->change, key, old, now);
}

static void compare_fields(struct making *m, const struct zg_diff_fields *fields, const struct side *old, const struct side *now)
{
	for (size_t i = 0; i < fields->n && !m->diff->failed; i++) {
		char *before = value_of(m->diff, &fields->fields[i], old), *after = value_of(m->diff, &fields->fields[i], now);
		if (same_text(before, after)) {
			free(before);
			free(after);
		} else {
			differ(m, strdup(fields->fields[i].key), before, after);
		}
	}
}

/* The inspector's own settings: "smtp.mode". */
static void compare_items(struct making *m, const struct zg_flow *old, const struct zg_flow *now)
{
	const struct zg_flow *shown = now != NULL ? now : old;
	if (shown == NULL || shown->inspector == NULL)
		return;
	const struct zg_inspector *inspector = shown->inspector;
	if (inspector == NULL)
		return; /* an opaque one has no settings */
	if (old != NULL && now != NULL && old->inspector != inspector)
		old = NULL; /* the other one's settings mean nothing to this one */
	else if (old != NULL && now != NULL && old->config.len == now->config.len &&
		 memcmp(old->config.bytes, now->config.bytes, old->config.len) == 0)
		return;
	for (size_t i = 0; i < inspector->n_items && !m->diff->failed; i++) {
		char *before = old != NULL ? zg_item_str(&inspector->items[i], old->config.bytes) : NULL;
		char *after = now != NULL ? zg_item_str(&inspector->items[i], now->config.bytes) : NULL, *key = NULL;
		if (same_text(before, after)) {
			free(before);
			free(after);
			continue;
		}
		if (asprintf(&key, "%s.%s", inspector->name, inspector->items[i].key) < 0)
			key = NULL;
		differ(m, key, before, after);
	}
}

/* --- things with names ---------------------------------------------------------------------------------- */

/* Zones, flows and so on. */
struct kind_of_thing {
	const char *what;
	const struct zg_diff_fields *fields;
	size_t (*count)(const struct zg_policy *policy);
	const void *(*get)(const struct zg_policy *policy, size_t index);
	const char *(*name)(const void *object);
	bool has_items;
};

static size_t count_zones(const struct zg_policy *policy)
{
	return policy->n_zones;
}
static const void *get_zone(const struct zg_policy *policy, size_t index)
{
	return &policy->zones[index];
}
static const char *name_zone(const void *object)
{
	return ((const struct zg_zone *)object)->name;
}
static size_t count_flows(const struct zg_policy *policy)
{
	return policy->n_flows;
}
static const void *get_flow(const struct zg_policy *policy, size_t index)
{
	return &policy->flows[index];
}
static const char *name_flow(const void *object)
{
	return ((const struct zg_flow *)object)->name;
}

static size_t count_schedules(const struct zg_policy *policy)
{
	return policy->n_schedules;
}
static const void *get_schedule(const struct zg_policy *policy, size_t index)
{
	return &policy->schedules[index];
}
static const char *name_schedule(const void *object)
{
	return ((const struct zg_schedule *)object)->name;
}
static size_t count_blocklists(const struct zg_policy *policy)
{
	return policy->n_blocklists;
}
static const void *get_blocklist(const struct zg_policy *policy, size_t index)
{
	return &policy->blocklists[index];
}
static const char *name_blocklist(const void *object)
{
	return ((const struct zg_blocklist_conf *)object)->name;
}

static const struct kind_of_thing schedules = { "schedule", &zg_diff_schedule, count_schedules, get_schedule, name_schedule, false };
static const struct kind_of_thing blocklists = { "blocklist", &zg_diff_blocklist, count_blocklists, get_blocklist, name_blocklist,
						  false };
static const struct kind_of_thing zones = { "zone", &zg_diff_zone, count_zones, get_zone, name_zone, false };
static const struct kind_of_thing flows = { "flow", &zg_diff_flow, count_flows, get_flow, name_flow, true };

static int by_name(const void *a, const void *b, void *ctx)
{
	const struct kind_of_thing *kind = ctx;
	return strcmp(kind->name(*(const void *const *)a), kind->name(*(const void *const *)b));
}

/* All of them by name; malloc'd. */
static const void **sorted(const struct kind_of_thing *kind, const struct zg_policy *policy)
{
	const size_t n = kind->count(policy);
	const void **all = calloc(n + 1, sizeof *all);
	for (size_t i = 0; all != NULL && i < n; i++)
		all[i] = kind->get(policy, i);
	if (all != NULL)
		qsort_r(all, n, sizeof *all, by_name, (void *)(uintptr_t)kind);
	return all;
}

static void compare_thing(struct zg_diff *diff, const struct kind_of_thing *kind, const struct side *old, const struct side *now)
{
	struct making m = {
		.diff = diff,
		.kind = old->object == NULL ? ZG_DIFF_ADDED : now->object == NULL ? ZG_DIFF_WITHDRAWN : ZG_DIFF_ALTERED,
		.what = kind->what,
		.name = kind->name(old->object != NULL ? old->object : now->object),
	};
	compare_fields(&m, kind->fields, old, now);
	if (kind->has_items && !diff->failed)
		compare_items(&m, old->object, now->object);
}

static void compare_all(struct zg_diff *diff, const struct kind_of_thing *kind, const struct zg_policy *old, const struct zg_policy *now)
{
	const size_t n_old = kind->count(old), n_now = kind->count(now);
	const void **before = sorted(kind, old), **after = sorted(kind, now);
	size_t i = 0, k = 0;

	diff->failed = diff->failed || before == NULL || after == NULL;
	while (!diff->failed && (i < n_old || k < n_now)) {
		const int order = i == n_old ? 1 : k == n_now ? -1 : strcmp(kind->name(before[i]), kind->name(after[k]));
		const struct side a = { old, order <= 0 ? before[i] : NULL }, b = { now, order >= 0 ? after[k] : NULL };
		compare_thing(diff, kind, &a, &b);
		i += order <= 0;
		k += order >= 0;
	}
	free(before);
	free(after);
}

struct zg_diff *zg_diff_make(const struct zg_policy *old, const struct zg_policy *now)
{
	struct zg_diff *diff = calloc(1, sizeof *diff);
	if (diff == NULL)
		return NULL;
	struct making m = { .diff = diff, .kind = ZG_DIFF_ALTERED, .what = "setting", .name = "" };
	compare_fields(&m, &zg_diff_settings, &(struct side){ old, old }, &(struct side){ now, now });
	compare_all(diff, &schedules, old, now);
	compare_all(diff, &blocklists, old, now);
	compare_all(diff, &zones, old, now);
	compare_all(diff, &flows, old, now);
	if (diff->failed) {
		zg_diff_free(diff);
		return NULL;
	}
	return diff;
}

void zg_diff_free(struct zg_diff *diff)
{
	if (diff == NULL)
		return;
	for (size_t i = 0; i < diff->n; i++) {
		for (size_t k = 0; k < diff->changes[i].n_keys; k++) {
			free(diff->changes[i].keys[k].key);
			free(diff->changes[i].keys[k].old);
			free(diff->changes[i].keys[k].now);
		}
		free(diff->changes[i].keys);
		free(diff->changes[i].name);
	}
	free(diff->changes);
	free(diff);
}

/* --- text ------------------------------------------------------------------------------------------------- */

static void print_key(FILE *out, const struct zg_diff_key *key, enum zg_diff_kind kind)
{
	fputs("    ", out);
	zg_term_pad(out, key->key, 19);
	fputc(' ', out);
	if (kind != ZG_DIFF_ADDED)
		zg_term_safe(out, key->old != NULL ? key->old : "(none)");
	if (kind == ZG_DIFF_ALTERED)
		fputs(" -> ", out);
	if (kind != ZG_DIFF_WITHDRAWN)
		zg_term_safe(out, key->now != NULL ? key->now : "(none)");
	fputc('\n', out);
}

void zg_diff_print(FILE *out, const struct zg_diff *diff)
{
	static const char signs[] = { '+', '-', '~' };
	size_t counts[3] = { 0 };

	for (size_t i = 0; i < diff->n; i++) {
		const struct zg_diff_change *c = &diff->changes[i];
		counts[c->kind]++;
		fprintf(out, "%c %s%s%s, %s\n", signs[c->kind], c->what, c->name[0] != '\0' ? " " : "s", c->name, zg_diff_kind_name(c->kind));
		for (size_t k = 0; k < c->n_keys; k++)
			print_key(out, &c->keys[k], c->kind);
	}
	if (diff->n == 0)
		fputs("no difference in meaning\n", out);
	else
		fprintf(out, "%zu added, %zu withdrawn, %zu altered\n", counts[ZG_DIFF_ADDED], counts[ZG_DIFF_WITHDRAWN],
			counts[ZG_DIFF_ALTERED]);
}
