/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/ring.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define MAX (1u << 18)

/* Against two flat arrays, with random steps, near the wrap of sequence numbers. */
START_TEST(against_a_model)
{
	static uint8_t sent[4 << 20], released[4 << 20], buf[MAX];
	struct zg_ring ring = { .start = (uint32_t)_i * 0x11111111u - 5000 };
	const uint32_t origin = ring.start;
	uint32_t una = 0, nxt = 0, changed = 0; /* changed: nothing before it is */
	struct zg_pool pool;

	ck_assert_int_eq(zg_pool_init(&pool, 8 << 20), ZG_OK);
	srand((unsigned)_i + 1);
	while (nxt < sizeof sent - MAX) {
		uint32_t n = (uint32_t)rand() % (rand() % 8 == 0 ? 65000 : 3000);
		switch (rand() % 5) {
		case 0:
		case 1:
			for (uint32_t i = 0; i < n; i++)
				sent[nxt + i] = released[nxt + i] = (uint8_t)rand();
			if (zg_ring_append(&ring, &pool, sent + nxt, n, MAX) == ZG_OK)
				nxt += n;
			else
				ck_assert_uint_gt(nxt - una + n, MAX);
			break;
		case 2:
			if (rand() % 20 != 0 || nxt - una == 0)
				break;
			n = n % (nxt - una) + 1;
			for (uint32_t i = 0; i < n; i++)
				released[nxt - n + i] = buf[i] = (uint8_t)~sent[nxt - n + i];
			ck_assert_int_eq(zg_ring_rewrite(&ring, &pool, origin + nxt - n, buf, n), ZG_OK);
			changed = changed > nxt - n ? changed : nxt - n;
			ck_assert(zg_ring_changed(&ring, origin + nxt - 1, 1));
			break;
		case 3:
			n = n < nxt - una ? n : nxt - una;
			una += n;
			zg_ring_trim(&ring, &pool, origin + una);
			break;
		default:
			if (nxt == una)
				break;
			uint32_t at = una + (uint32_t)rand() % (nxt - una), len;
			n = (uint32_t)rand() % (nxt - at) + 1;
			ck_assert(zg_ring_same(&ring, origin + at, sent + at, n));
			ck_assert_int_eq(zg_ring_changed(&ring, origin + at, n), memcmp(sent + at, released + at, n) != 0);
			memcpy(buf, sent + at, n);
			buf[n / 2] ^= 0x40;
			ck_assert(!zg_ring_same(&ring, origin + at, buf, n));
			zg_ring_copy(&ring, origin + at, buf, n);
			ck_assert_mem_eq(buf, released + at, n);
			const uint8_t *piece = zg_ring_piece(&ring, origin + at, n, &len);
			ck_assert_uint_ge(len, 1);
			ck_assert_uint_le(len, n);
			ck_assert_mem_eq(piece, released + at, len);
		}
		ck_assert_uint_eq(ring.len, nxt - una);
		ck_assert(ring.len > 0 || pool.used == 0);
		/* what is unused stays below what is used, of two copies at most, but for the smallest and the last chunk */
		ck_assert_uint_le(pool.used, 5 * (uint64_t)ring.len + 3 * ZG_POOL_OBJECT_MAX);
	}
	ck_assert_uint_gt(changed, 0);
	zg_ring_free(&ring, &pool);
	ck_assert_uint_eq(pool.used, 0);
	zg_pool_fini(&pool);
}
END_TEST

START_TEST(bounds)
{
	static uint8_t big[ZG_POOL_OBJECT_MAX];
	struct zg_ring ring = { 0 };
	struct zg_pool pool;

	/* room for one block */
	ck_assert_int_eq(zg_pool_init(&pool, ZG_POOL_OBJECT_MAX), ZG_OK);
	ck_assert_int_eq(zg_ring_append(&ring, &pool, big, 1001, 1000), ZG_ELIMIT);
	ck_assert_int_eq(zg_ring_append(&ring, &pool, big, UINT32_MAX, 1000), ZG_ELIMIT);
	ck_assert_ptr_null(ring.first);
	ck_assert_int_eq(zg_ring_append(&ring, &pool, (const uint8_t *)"abcd", 4, 1000), ZG_OK);
	ck_assert_int_eq(zg_ring_append(&ring, &pool, big, 997, 1000), ZG_ELIMIT);
	/* another size of object would need another block */
	ck_assert_int_eq(zg_ring_append(&ring, &pool, big, 60000, 1 << 20), ZG_ENOMEM);
	ck_assert_uint_eq(ring.len, 4);
	ck_assert(zg_ring_same(&ring, 0, (const uint8_t *)"abcd", 4));
	zg_ring_free(&ring, &pool);
	ck_assert_uint_eq(pool.used, 0);
	ck_assert_int_eq(zg_ring_append(&ring, &pool, big, 60000, 1 << 20), ZG_OK);
	ck_assert_int_eq(zg_ring_rewrite(&ring, &pool, 0, big, 1), ZG_ENOMEM);
	zg_ring_free(&ring, &pool);
	zg_pool_fini(&pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tc = tcase_create("ring");
	tcase_add_loop_test(tc, against_a_model, 0, 16);
	tcase_add_test(tc, bounds);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
