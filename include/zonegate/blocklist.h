/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of addresses with which nobody speaks: one address, prefix or range a line, '#' and ';' begin a comment. The text
 * comes from somebody else, over the network as a rule: all of it is good, or none of it is used.
 */
#ifndef ZONEGATE_BLOCKLIST_H
#define ZONEGATE_BLOCKLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "zonegate/addr.h"
#include "zonegate/err.h"
#include "zonegate/policy.h"

struct zg_block_entry {
	struct zg_range range;
	uint32_t line;
};

struct zg_blocklist {
	struct zg_block_entry *entries;
	size_t n;
};

/* What is wrong with a file. It says where, never what stands there: who may name a file need not be one who may read it. */
struct zg_blocklist_fault {
	unsigned line;	  /* 0 = the file as a whole */
	const char *what; /* static */
};

/* Entries of a list that must not be refused. */
struct zg_blocklist_spared {
	size_t n;
	unsigned line;	      /* of the first */
	const char *zone;     /* whose own network it names, NULL = too broad; the policy's */
	struct zg_range range; /* the first itself */
};

/* Text -> its entries, in their order. ZG_EINVAL with ret_fault, ZG_ENOMEM. Free with zg_blocklist_free(). */
enum zg_err zg_blocklist_parse(const char *text, size_t len, struct zg_blocklist *ret_list, struct zg_blocklist_fault *ret_fault);
/* The same from a regular file in the directory dir, no links followed. ret_stat: as it was before it was read. */
enum zg_err zg_blocklist_read(const char *dir, const char *file, struct zg_blocklist *ret_list, struct stat *ret_stat,
			      struct zg_blocklist_fault *ret_fault);
void zg_blocklist_free(struct zg_blocklist *list);

/*
 * What of a list is put in force: sorted and disjoint, each piece with the first line (in order of address) that names it. Left
 * out is what is broader than any network, and, unless conf permits it, what touches a network of one of the zones: a slip in
 * somebody's list must not cut the town off.
 */
enum zg_err zg_blocklist_effective(const struct zg_blocklist *list, const struct zg_policy *policy, bool own_networks,
				   struct zg_blocklist *ret_list, struct zg_blocklist_spared *ret_spared);
/* The entry of an effective list that holds the address; NULL = none. */
const struct zg_block_entry *zg_blocklist_find(const struct zg_blocklist *list, const struct zg_addr *addr);

#endif
