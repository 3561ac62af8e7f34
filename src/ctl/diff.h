/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two policies say differently: by name and key, whatever the order, the spelling and the comments of their texts. */
#ifndef ZONEGATE_CTL_DIFF_H
#define ZONEGATE_CTL_DIFF_H

#include <stdbool.h>
#include <stdio.h>

#include "zonegate/policy.h"

enum zg_diff_kind { ZG_DIFF_ADDED, ZG_DIFF_WITHDRAWN, ZG_DIFF_ALTERED };

struct zg_diff_key {
	char *key;
	char *old, *now; /* NULL: nothing is said before, or after */
};

struct zg_diff_change {
	enum zg_diff_kind kind;
	const char *what; /* "setting", "zone", "flow", "schedule", "blocklist" */
	char *name;	  /* "" for settings */
	struct zg_diff_key *keys;
	size_t n_keys;
};

struct zg_diff {
	struct zg_diff_change *changes; /* settings, then by kind and name */
	size_t n;
	bool failed; /* out of memory */
};

/* NULL on out of memory; free with zg_diff_free(). */
struct zg_diff *zg_diff_make(const struct zg_policy *old, const struct zg_policy *now);
void zg_diff_free(struct zg_diff *diff);
void zg_diff_print(FILE *out, const struct zg_diff *diff);
/* "added", "withdrawn", "altered". */
const char *zg_diff_kind_name(enum zg_diff_kind kind);

/*
 * The fields of a policy, diff_fields.c: one line for each key of the configuration, put() writes what it means: equal text,
 * equal meaning; nothing where nothing is said. tests/static/run compares the table with the keys of src/conf.
 */
struct zg_diff_field {
	const char *group; /* that the key stands in, as src/conf calls it */
	const char *key;
	void (*put)(FILE *out, const struct zg_policy *policy, const void *object);
};
struct zg_diff_fields {
	const struct zg_diff_field *fields;
	size_t n;
};
/* object: the policy, a zone, a flow, a schedule, a blocklist */
extern const struct zg_diff_fields zg_diff_settings, zg_diff_zone, zg_diff_flow, zg_diff_schedule, zg_diff_blocklist;

#endif
