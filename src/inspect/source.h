/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each address has now: a count, and the oldest and newest of it, which are the owner's to link. */
#ifndef ZONEGATE_INSPECT_SOURCE_H
#define ZONEGATE_INSPECT_SOURCE_H

#include <stdint.h>

#include "zonegate/addr.h"
#include "zonegate/err.h"

struct zg_source {
	void *oldest, *newest; /* the owner's; NULL when count becomes 1 */
	struct zg_addr addr;   /* family 0 = free place */
	uint16_t count;
};

struct zg_sources {
	struct zg_source *places;
	uint32_t mask; /* places - 1 */
	uint32_t n;    /* addresses */
	uint64_t key[2];
};

/* At most max addresses at once (a power of two), max <= 65535 counts each. key: as in the flow table. */
enum zg_err zg_sources_init(struct zg_sources *sources, uint32_t max, const uint64_t key[static 2]);
void zg_sources_fini(struct zg_sources *sources);
/* NULL = has nothing. The pointer holds until the next add or remove. */
struct zg_source *zg_sources_find(const struct zg_sources *sources, const struct zg_addr *addr);
/* One more; NULL = no place, nothing counted. */
struct zg_source *zg_sources_add(struct zg_sources *sources, const struct zg_addr *addr);
/* One less; it was added. */
void zg_sources_remove(struct zg_sources *sources, struct zg_source *source);

#endif
