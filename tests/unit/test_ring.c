/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/ring.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define MAX (1u << 16)

/* Against two flat arrays, with random steps, near the wrap of sequence numbers. */
START_TEST(against_a_model)
{
	static uint8_t sent[1 << 20], released[1 << 20], buf[MAX];
	struct zg_ring ring = { .start = (uint32_t)_i * 0x11111111u - 5000 };
	const uint32_t origin = ring.start;
	uint32_t una = 0, nxt = 0;
	uint64_t used = 0;

	srand((unsigned)_i + 1);
	while (nxt < sizeof sent - MAX) {
		uint32_t n = (uint32_t)rand() % 3000;
		switch (rand() % 5) {
		case 0:
		case 1:
			if (zg_ring_reserve(&ring, n, MAX, &used, 1 << 20) != ZG_OK) {
				ck_assert_uint_gt(nxt - una + n, MAX);
				break;
			}
			for (uint32_t i = 0; i < n; i++)
				sent[nxt + i] = released[nxt + i] = (uint8_t)rand();
			zg_ring_append(&ring, sent + nxt, n);
			nxt += n;
			break;
		case 2:
			if (rand() % 20 != 0 || nxt - una == 0)
				break;
			n = n % (nxt - una) + 1;
			for (uint32_t i = 0; i < n; i++)
				released[nxt - n + i] = buf[i] = (uint8_t)rand();
			ck_assert_int_eq(zg_ring_rewrite(&ring, origin + nxt - n, buf, n, &used, 1 << 20), ZG_OK);
			break;
		case 3:
			n = n < nxt - una ? n : nxt - una;
			una += n;
			zg_ring_trim(&ring, origin + una, &used);
			break;
		default:
			if (nxt == una)
				break;
			uint32_t at = una + (uint32_t)rand() % (nxt - una), len;
			n = (uint32_t)rand() % (nxt - at) + 1;
			ck_assert(zg_ring_same(&ring, origin + at, sent + at, n));
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
		ck_assert_uint_eq(used, (uint64_t)ring.cap * (ring.released ? 2 : 1));
		ck_assert(ring.len > 0 || ring.cap == 0);
	}
	zg_ring_free(&ring, &used);
	ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(bounds)
{
	struct zg_ring ring = { 0 };
	uint64_t used = 0;

	ck_assert_int_eq(zg_ring_reserve(&ring, 1001, 1000, &used, MAX), ZG_ELIMIT);
	ck_assert_int_eq(zg_ring_reserve(&ring, UINT32_MAX, 1000, &used, MAX), ZG_ELIMIT);
	ck_assert_ptr_null(ring.sent);
	ck_assert_int_eq(zg_ring_reserve(&ring, 1000, 1000, &used, 100), ZG_ELIMIT);
	used = MAX;
	ck_assert_int_eq(zg_ring_reserve(&ring, 1000, 1000, &used, MAX), ZG_ELIMIT);
	used = 0;
	ck_assert_int_eq(zg_ring_reserve(&ring, 4, 1000, &used, MAX), ZG_OK);
	zg_ring_append(&ring, (const uint8_t *)"abcd", 4);
	/* room for one buffer, not for a second */
	ck_assert_int_eq(zg_ring_rewrite(&ring, 0, (const uint8_t *)"x", 1, &used, used), ZG_ELIMIT);
	ck_assert_int_eq(zg_ring_reserve(&ring, 997, 1000, &used, MAX), ZG_ELIMIT);
	zg_ring_free(&ring, &used);
	ck_assert_uint_eq(used, 0);
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
