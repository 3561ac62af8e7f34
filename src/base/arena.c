/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (256u * 1024) /* bytes: from the system as pages, which are zero and not there until they are used */

struct zg_arena_block {
	struct zg_arena_block *next;
	size_t size;
	alignas(8) char bytes[];
};

/* What is as large as a block gets one of its own, and the one that is being filled stays in front. */
static void *own_block(struct zg_arena *arena, size_t size)
{
	struct zg_arena_block *block = calloc(1, sizeof *block + size);
	if (block == NULL)
		return NULL;
	block->size = size;
	if (arena->blocks == NULL) {
		arena->blocks = block;
	} else {
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	}
	return block->bytes;
}

static size_t alignment_of(size_t size)
{
	const size_t lowest = size & -size;
	return lowest < 8 ? lowest : 8;
}

void *zg_arena_take(struct zg_arena *arena, size_t n, size_t size)
{
	if (n == 0 || size == 0)
		n = size = 1;
	if (size > SIZE_MAX / 4 / n)
		return NULL;
	const size_t align = alignment_of(size), want = n * size;
	if (want >= BLOCK / 4)
		return own_block(arena, want);
	size_t left = arena->left & ~(align - 1); /* blocks end aligned */
	if (left < want) {
		struct zg_arena_block *block = calloc(1, sizeof *block + BLOCK);
		if (block == NULL)
			return NULL;
		block->size = BLOCK;
		block->next = arena->blocks;
		arena->blocks = block;
		left = BLOCK;
	}
	arena->left = left - want;
	return arena->blocks->bytes + arena->blocks->size - left;
}

char *zg_arena_string(struct zg_arena *arena, const char *s)
{
	const size_t size = strlen(s) + 1;
	char *copy = zg_arena_take(arena, size, 1);
	return copy != NULL ? memcpy(copy, s, size) : NULL;
}

void zg_arena_free(struct zg_arena *arena)
{
	for (struct zg_arena_block *b = arena->blocks, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	*arena = (struct zg_arena){ 0 };
}
