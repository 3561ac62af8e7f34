/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/interval.h"
#include "unit.h"

static const zg_u128 end = ~(zg_u128)0;

static void expect(const struct zg_intervals *set, size_t n, const zg_u128 *bounds)
{
	ck_assert_uint_eq(set->n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert(set->v[i].lo == bounds[2 * i] && set->v[i].hi == bounds[2 * i + 1]);
}

#define EXPECT(set, ...)                                                                                               \
	do {                                                                                                           \
		const zg_u128 bounds_[] = { __VA_ARGS__ };                                                             \
		expect((set), sizeof bounds_ / sizeof *bounds_ / 2, bounds_);                                          \
	} while (0)

START_TEST(test_normalize)
{
	struct zg_intervals s = { 0 };
	zg_intervals_normalize(&s);
	ck_assert_uint_eq(s.n, 0);
	zg_intervals_add(&s, 30, 40);
	zg_intervals_add(&s, 1, 5);
	zg_intervals_add(&s, 6, 9);   /* touches */
	zg_intervals_add(&s, 35, 36); /* inside */
	zg_intervals_add(&s, 11, 12); /* a gap of one */
	zg_intervals_normalize(&s);
	EXPECT(&s, 1, 9, 11, 12, 30, 40);
	/* and it can still grow */
	for (zg_u128 i = 100; i < 140; i += 2)
		ck_assert_int_eq(zg_intervals_add(&s, i, i), ZG_OK);
	zg_intervals_normalize(&s);
	ck_assert_uint_eq(s.n, 23);
	zg_intervals_free(&s);
}
END_TEST

START_TEST(test_disjoin)
{
	struct zg_intervals s = { 0 };
	zg_intervals_add(&s, 2, 2);
	zg_intervals_add(&s, 1, 1);
	zg_intervals_add(&s, 3, 5);
	zg_intervals_add(&s, 5, 6);
	zg_intervals_add(&s, 1, 1);
	zg_intervals_disjoin(&s);
	EXPECT(&s, 1, 1, 2, 2, 3, 6);
	zg_intervals_free(&s);
}
END_TEST

START_TEST(test_normalize_at_the_end_of_space)
{
	struct zg_intervals s = { 0 };
	zg_intervals_add(&s, 5, end);
	zg_intervals_add(&s, 7, 8);
	zg_intervals_add(&s, end, end);
	zg_intervals_add(&s, 0, 3);
	zg_intervals_normalize(&s);
	EXPECT(&s, 0, 3, 5, end);
	zg_intervals_free(&s);
}
END_TEST

START_TEST(test_subtract)
{
	struct zg_intervals s = { 0 };
	zg_intervals_add(&s, 10, 20);
	zg_intervals_add(&s, 30, 40);
	zg_intervals_subtract(&s, 21, 29);
	EXPECT(&s, 10, 20, 30, 40);
	zg_intervals_subtract(&s, 12, 13);
	EXPECT(&s, 10, 11, 14, 20, 30, 40);
	zg_intervals_subtract(&s, 20, 30);
	EXPECT(&s, 10, 11, 14, 19, 31, 40);
	zg_intervals_subtract(&s, 0, 10);
	EXPECT(&s, 11, 11, 14, 19, 31, 40);
	zg_intervals_subtract(&s, 0, end);
	ck_assert_uint_eq(s.n, 0);
	zg_intervals_free(&s);

	zg_intervals_add(&s, 0, end);
	zg_intervals_subtract(&s, 0, 0);
	zg_intervals_subtract(&s, end, end);
	EXPECT(&s, 1, end - 1);
	zg_intervals_free(&s);
}
END_TEST

START_TEST(test_intersect)
{
	struct zg_intervals s = { 0 }, out = { 0 };
	zg_intervals_add(&s, 10, 20);
	zg_intervals_add(&s, 30, 40);
	zg_intervals_add(&s, 50, end);
	zg_intervals_intersect(&s, 0, 9, &out);
	zg_intervals_intersect(&s, 21, 29, &out);
	ck_assert_uint_eq(out.n, 0);
	zg_intervals_intersect(&s, 15, 35, &out);
	EXPECT(&out, 15, 20, 30, 35);
	zg_intervals_free(&out);
	zg_intervals_intersect(&s, 0, end, &out);
	EXPECT(&out, 10, 20, 30, 40, 50, end);
	zg_intervals_free(&out);
	zg_intervals_intersect(&s, 20, 20, &out);
	EXPECT(&out, 20, 20);
	zg_intervals_free(&out);
	zg_intervals_free(&s);
}
END_TEST

/* Against a bit map, thousands of random steps. */
START_TEST(test_against_bitmap)
{
	unsigned char bits[64] = { 0 };
	struct zg_intervals s = { 0 };
	unsigned seed = 1;
	for (int step = 0; step < 5000; step++) {
		unsigned lo = (unsigned)rand_r(&seed) % 64, hi = lo + (unsigned)rand_r(&seed) % (64 - lo);
		int put = rand_r(&seed) % 2;
		if (put) {
			ck_assert_int_eq(zg_intervals_add(&s, lo, hi), ZG_OK);
			zg_intervals_normalize(&s);
		} else {
			ck_assert_int_eq(zg_intervals_subtract(&s, lo, hi), ZG_OK);
		}
		for (unsigned i = lo; i <= hi; i++)
			bits[i] = put != 0;
		size_t k = 0;
		for (unsigned i = 0; i < 64; i++) {
			while (k < s.n && s.v[k].hi < i)
				k++;
			ck_assert_int_eq(k < s.n && s.v[k].lo <= i, bits[i]);
		}
		for (size_t i = 1; i < s.n; i++)
			ck_assert(s.v[i - 1].hi + 1 < s.v[i].lo);
	}
	zg_intervals_free(&s);
}
END_TEST

START_TEST(test_addresses)
{
	struct zg_addr a;
	uint8_t bytes[16];
	ck_assert_int_eq(zg_addr_parse("10.1.2.3", &a), ZG_OK);
	ck_assert(zg_u128_of(&a) == 0x0a010203);
	zg_u128_put(zg_u128_of(&a), ZG_IPV4, bytes);
	ck_assert_mem_eq(bytes, a.b, 4);
	ck_assert_int_eq(zg_addr_parse("2001:db8::ff00:1", &a), ZG_OK);
	zg_u128_put(zg_u128_of(&a), ZG_IPV6, bytes);
	ck_assert_mem_eq(bytes, a.b, 16);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("interval");
	TCase *tc = tcase_create("sets");
	tcase_add_test(tc, test_normalize);
	tcase_add_test(tc, test_disjoin);
	tcase_add_test(tc, test_normalize_at_the_end_of_space);
	tcase_add_test(tc, test_subtract);
	tcase_add_test(tc, test_intersect);
	tcase_add_test(tc, test_against_bitmap);
	tcase_add_test(tc, test_addresses);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
