/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks that stay warm: a burst after a pause finds them. */
#define KEEP 8u

#if defined(__SANITIZE_ADDRESS__)
#define POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON 1
#endif
#endif
#ifdef POISON
#include <sanitizer/asan_interface.h>
#define poison(p, n) __asan_poison_memory_region(p, n)
#define unpoison(p, n) __asan_unpoison_memory_region(p, n)
#else
#define poison(p, n) ((void)(p), (void)(n))
#define unpoison(p, n) ((void)(p), (void)(n))
#endif

#define BLOCK ZG_POOL_OBJECT_MAX

/* Multiples of 64, the size of a cache line. */
static const uint32_t sizes[ZG_POOL_CLASSES] = { 64,   128,  192,  256,	 448,  576,  896,   1344,
						 1728, 2304, 3456, 5760, 9920, 17408, 34816, BLOCK };

_Static_assert(BLOCK % 4096 == 0, "blocks are pages");
_Static_assert(BLOCK / 64 < UINT16_MAX, "an object's number fits");

static unsigned class_of(size_t size)
{
	unsigned c = 0;
	while (sizes[c] < size)
		c++;
	return c;
}

enum zg_err zg_pool_init(struct zg_pool *pool, size_t bytes)
{
	memset(pool, 0, sizeof *pool);
	pool->n_blocks = (uint32_t)(bytes / BLOCK);
	pool->blocks = calloc(pool->n_blocks, sizeof *pool->blocks);
	if (pool->blocks == NULL)
		return ZG_ENOMEM;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	/* cppcheck-suppress invalidFunctionArg ; it wants a descriptor also for memory that has none */
	void *base = mmap(NULL, (size_t)pool->n_blocks * BLOCK, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (base == MAP_FAILED) {
		free(pool->blocks);
		return ZG_ENOMEM;
	}
	pool->base = base;
	for (unsigned c = 0; c < ZG_POOL_CLASSES; c++)
		zg_list_init(&pool->room[c]);
	zg_list_init(&pool->empty);
	zg_list_init(&pool->cold);
	return ZG_OK;
}

void zg_pool_fini(struct zg_pool *pool)
{
	const size_t bytes = (size_t)pool->n_blocks * BLOCK;
	/* the addresses may come to be somebody else's */
	unpoison(pool->base, bytes);
	munmap(pool->base, bytes);
	free(pool->blocks);
}

static uint8_t *bytes_of(const struct zg_pool *pool, const struct zg_pool_block *block)
{
	return pool->base + (size_t)(block - pool->blocks) * BLOCK;
}

/* A block with nothing in it becomes one of class c. */
static struct zg_pool_block *block_for(struct zg_pool *pool, unsigned c)
{
	struct zg_list *from = !zg_list_empty(&pool->empty) ? &pool->empty : &pool->cold;
	struct zg_pool_block *block;

	if (!zg_list_empty(from)) {
		block = ZG_LIST_OF(from->next, struct zg_pool_block, link);
		zg_list_remove(&block->link);
		if (from == &pool->empty && --pool->n_empty < pool->low_empty)
			pool->low_empty = pool->n_empty;
	} else if (pool->n_fresh < pool->n_blocks) {
		block = &pool->blocks[pool->n_fresh++];
		zg_list_init(&block->link);
		poison(bytes_of(pool, block), BLOCK);
	} else {
		return NULL;
	}
	block->class = (uint8_t)c;
	block->out = block->fresh = block->free = 0;
	zg_list_insert(&block->link, pool->room[c].next);
	return block;
}

void *zg_pool_get(struct zg_pool *pool, size_t size)
{
	if (size < sizeof(((struct zg_pool_block *)NULL)->free)) /* which stands in it once it is given back */
		size = sizeof(((struct zg_pool_block *)NULL)->free);
	const unsigned c = class_of(size);
	struct zg_pool_block *block = zg_list_empty(&pool->room[c]) ?
					      block_for(pool, c) :
					      ZG_LIST_OF(pool->room[c].next, struct zg_pool_block, link);
	uint8_t *object;

	if (block == NULL)
		return NULL;
	if (block->free != 0) {
		object = bytes_of(pool, block) + (size_t)(block->free - 1) * sizes[c];
		unpoison(object, size);
		memcpy(&block->free, object, sizeof block->free);
	} else {
		object = bytes_of(pool, block) + (size_t)block->fresh++ * sizes[c];
		unpoison(object, size);
	}
	block->out++;
	if (block->free == 0 && (size_t)(block->fresh + 1u) * sizes[c] > BLOCK)
		zg_list_remove(&block->link);
	pool->used += sizes[c];
	return object;
}

size_t zg_pool_round(size_t size)
{
	return sizes[class_of(size)];
}

void zg_pool_put(struct zg_pool *pool, void *object)
{
	if (object == NULL)
		return;
	const size_t at = (size_t)((uint8_t *)object - pool->base);
	struct zg_pool_block *block = &pool->blocks[at / BLOCK];
	const uint32_t size = sizes[block->class];

	pool->used -= size;
	memcpy(object, &block->free, sizeof block->free);
	poison(object, size);
	block->free = (uint16_t)(at % BLOCK / size + 1);
	if (--block->out == 0) {
		zg_list_remove(&block->link);
		zg_list_insert(&block->link, pool->empty.next);
		pool->n_empty++;
	} else if (zg_list_empty(&block->link)) {
		zg_list_insert(&block->link, pool->room[block->class].next);
	}
}

void zg_pool_give_back(struct zg_pool *pool)
{
	/* the coldest stand at the end */
	for (uint32_t n = pool->low_empty > KEEP ? pool->low_empty - KEEP : 0; n > 0; n--) {
		struct zg_pool_block *block = ZG_LIST_OF(pool->empty.prev, struct zg_pool_block, link);
		if (madvise(bytes_of(pool, block), BLOCK, MADV_DONTNEED) != 0)
			break;
		zg_list_remove(&block->link);
		zg_list_insert(&block->link, &pool->cold);
		pool->n_empty--;
	}
	pool->low_empty = pool->n_empty;
}
