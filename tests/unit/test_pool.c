/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/pool.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define OBJECTS 4000

struct object {
	uint8_t *p;
	size_t size;
	uint8_t mark;
};

static void check(const struct object *o)
{
	size_t same = 0;
	while (same < o->size && o->p[same] == o->mark)
		same++;
	ck_assert_uint_eq(same, o->size);
}

/* Random sizes taken and given back: nothing overlaps, and all comes back. */
START_TEST(nothing_overlaps)
{
	static struct object objects[OBJECTS];
	struct zg_pool pool;
	uint64_t used = 0;

	memset(objects, 0, sizeof objects);
	ck_assert_int_eq(zg_pool_init(&pool, 64 << 20), ZG_OK);
	srand((unsigned)_i + 1);
	for (int step = 0; step < 60000; step++) {
		struct object *o = &objects[rand() % OBJECTS];
		if (o->p != NULL) {
			check(o);
			zg_pool_put(&pool, o->p);
			used -= zg_pool_round(o->size);
			o->p = NULL;
		} else {
			o->size = (size_t)rand() % (rand() % 16 == 0 ? ZG_POOL_OBJECT_MAX : 2000) + 1;
			o->mark = (uint8_t)rand();
			o->p = zg_pool_get(&pool, o->size);
			ck_assert_ptr_nonnull(o->p);
			ck_assert_uint_eq((uintptr_t)o->p % 16, 0);
			memset(o->p, o->mark, o->size);
			used += zg_pool_round(o->size);
		}
		ck_assert_uint_eq(pool.used, used);
		if (step % 5000 == 0)
			zg_pool_give_back(&pool);
	}
	for (size_t i = 0; i < OBJECTS; i++) {
		if (objects[i].p != NULL)
			check(&objects[i]);
		zg_pool_put(&pool, objects[i].p);
	}
	ck_assert_uint_eq(pool.used, 0);
	ck_assert_uint_le(pool.n_fresh, pool.n_blocks);
	zg_pool_fini(&pool);
}
END_TEST

/* The bound is what was reserved; what comes back can be taken in another size. */
START_TEST(bound)
{
	void *blocks[4];
	struct zg_pool pool;

	ck_assert_int_eq(zg_pool_init(&pool, 4 * ZG_POOL_OBJECT_MAX + 1000), ZG_OK);
	for (size_t i = 0; i < 4; i++)
		ck_assert_ptr_nonnull(blocks[i] = zg_pool_get(&pool, ZG_POOL_OBJECT_MAX));
	ck_assert_ptr_null(zg_pool_get(&pool, 1));
	ck_assert_ptr_null(zg_pool_get(&pool, ZG_POOL_OBJECT_MAX));
	zg_pool_put(&pool, blocks[2]);
	void *small = zg_pool_get(&pool, 1);
	ck_assert_ptr_eq(small, blocks[2]);
	ck_assert_ptr_null(zg_pool_get(&pool, ZG_POOL_OBJECT_MAX));
	zg_pool_put(&pool, small);
	ck_assert_ptr_eq(zg_pool_get(&pool, ZG_POOL_OBJECT_MAX), blocks[2]);
	zg_pool_fini(&pool);
}
END_TEST

/* What was given back to the kernel is there again when it is needed. */
START_TEST(given_back)
{
	static void *blocks[200];
	struct zg_pool pool;

	ck_assert_int_eq(zg_pool_init(&pool, sizeof blocks / sizeof *blocks * ZG_POOL_OBJECT_MAX), ZG_OK);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 200; i++) {
			ck_assert_ptr_nonnull(blocks[i] = zg_pool_get(&pool, ZG_POOL_OBJECT_MAX));
			memset(blocks[i], 0xAA, ZG_POOL_OBJECT_MAX);
		}
		for (size_t i = 0; i < 200; i++)
			zg_pool_put(&pool, blocks[i]);
		zg_pool_give_back(&pool); /* they were needed until now */
		ck_assert_uint_eq(pool.n_empty, 200);
		zg_pool_give_back(&pool);
		ck_assert_uint_lt(pool.n_empty, 100);
	}
	zg_pool_fini(&pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *tc = tcase_create("pool");
	tcase_add_loop_test(tc, nothing_overlaps, 0, 4);
	tcase_add_test(tc, bound);
	tcase_add_test(tc, given_back);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
