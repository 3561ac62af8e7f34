/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocklists of the policy in force: read from their files, kept while a file is broken. */
#ifndef ZONEGATE_MAIN_LISTS_H
#define ZONEGATE_MAIN_LISTS_H

#include <jansson.h>
#include <sys/stat.h>

#include "zonegate/blocklist.h"
#include "zonegate/diag.h"

/* One list: what its file held when it was good for the last time, and how the file is now. */
struct zg_list {
	char *name, *file; /* owned */
	struct zg_blocklist raw;
	struct stat seen; /* when it was read, good or broken; zero = it could not be looked at */
	time_t loaded;	  /* when raw was read; 0 = never */
	bool broken;
	char fault[160]; /* why; of a broken one */
	struct zg_blocklist_spared spared;
};

struct zg_lists {
	struct zg_list *lists;
	struct zg_blocklist *effective; /* parallel to lists and to the policy's: what is in force */
	size_t n;
};

/*
 * Reads the files of a policy's lists. A file that is broken leaves what before (NULL = nothing) has of the same list; where
 * that is nothing, it is an error with the policy's line if must is set, else a list without entries. ZG_ECONF, ZG_ENOMEM.
 */
enum zg_err zg_lists_load(const char *dir, const struct zg_policy *policy, const struct zg_lists *before, bool must,
			  struct zg_diags *diags, struct zg_lists *ret_lists);
void zg_lists_free(struct zg_lists *lists);
/* Is some file another one than when it was read? One that is just being written (changed within QUIET_S) is left alone. */
bool zg_lists_changed(const char *dir, const struct zg_lists *lists, time_t now);
/* The list and the line that refuse a packet between two addresses, from a zone to a zone (NULL = of none); false = none. */
bool zg_lists_find(const struct zg_lists *lists, const struct zg_policy *policy, const struct zg_addr addrs[static 2],
		   const struct zg_zone *const zones[static 2], size_t *ret_list, unsigned *ret_line);
json_t *zg_lists_json(const struct zg_lists *lists);

#endif
