/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for many small things that live and end together: no header for each, and freed in one go. */
#ifndef ZONEGATE_ARENA_H
#define ZONEGATE_ARENA_H

#include <stddef.h>

struct zg_arena_block;

/* All zero is an empty one. */
struct zg_arena {
	struct zg_arena_block *blocks; /* the newest first */
	size_t left;		       /* bytes of it that are not given yet */
};

/* Zeroed, aligned for size: to 8 bytes, or to 4 or 2 or 1 if size is no multiple of that. NULL: out of memory. n or size 0 is one
 * byte. */
void *zg_arena_take(struct zg_arena *arena, size_t n, size_t size);
char *zg_arena_string(struct zg_arena *arena, const char *s);
void zg_arena_free(struct zg_arena *arena);

#endif
