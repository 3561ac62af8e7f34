/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of one engine: one piece of address space, reserved at the start, in blocks; a block holds objects of one
 * size. Taking and giving back is a few instructions and no system call, and what is taken never exceeds what was
 * reserved: the bound is the reservation. What says where objects lie is kept apart from them.
 */
#ifndef ZONEGATE_INSPECT_POOL_H
#define ZONEGATE_INSPECT_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "inspect/list.h"
#include "zonegate/err.h"

#define ZG_POOL_CLASSES 16
/* The largest object: a largest packet, and what is known of it, fit. Whole pages of 4 KiB. */
#define ZG_POOL_OBJECT_MAX (68u * 1024)

struct zg_pool_block {
	struct zg_list link; /* of its class while it has room, of empty or cold while nothing is in it */
	uint16_t out;	     /* objects that are taken */
	uint16_t fresh;	     /* objects from here on were never taken since the block got its class */
	uint16_t free;	     /* first one given back, counted from 1; in its first bytes the next; 0 = none */
	uint8_t class;
};

struct zg_pool {
	uint8_t *base;
	struct zg_pool_block *blocks;
	uint32_t n_blocks, n_fresh; /* blocks from n_fresh on were never used */
	struct zg_list room[ZG_POOL_CLASSES];
	struct zg_list empty, cold; /* cold: its memory was given back to the kernel */
	uint32_t n_empty, low_empty; /* low: the fewest since the last give_back */
	uint64_t used;		     /* bytes that are taken, rounded up to their class */
};

/* bytes: address space to reserve. ZG_ENOMEM. */
enum zg_err zg_pool_init(struct zg_pool *pool, size_t bytes);
void zg_pool_fini(struct zg_pool *pool);
/* size <= ZG_POOL_OBJECT_MAX, aligned to 16, not zeroed. NULL: all is taken. */
void *zg_pool_get(struct zg_pool *pool, size_t size);
/* The bytes that get() really gives for size. */
size_t zg_pool_round(size_t size);
void zg_pool_put(struct zg_pool *pool, void *object); /* NULL is legal */
/* Gives the kernel back what was not needed since the last call, but for a little. Not for the verdict path. */
void zg_pool_give_back(struct zg_pool *pool);

#endif
