/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "unit.h"
#include "zonegate/arena.h"
#include "zonegate/text.h"

static bool holds(const unsigned char *p, size_t n, unsigned char value)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* Every piece is zero, aligned for its size, and nobody else's. */
START_TEST(pieces)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 6, 8, 12, 24, 34, 312, 40000, 70000, 300000 };
	enum { N = 4000, KINDS = sizeof sizes / sizeof sizes[0] };
	static struct {
		unsigned char *p;
		size_t size;
	} all[N];
	struct zg_arena arena = { 0 };
	for (size_t i = 0; i < N; i++) {
		const size_t size = sizes[i % 97 == 96 ? 10 + i % 3 : i * 7 % 10], n = 1 + i % 3;
		unsigned char *p = zg_arena_take(&arena, n, size);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % (size % 8 == 0 ? 8 : size % 4 == 0 ? 4 : size % 2 == 0 ? 2 : 1), 0);
		ck_assert(holds(p, n * size, 0));
		memset(p, (int)(i % 255) + 1, n * size);
		all[i].p = p;
		all[i].size = n * size;
	}
	for (size_t i = 0; i < N; i++)
		ck_assert(holds(all[i].p, all[i].size, (unsigned char)(i % 255 + 1)));
	zg_arena_free(&arena);
	ck_assert_ptr_null(arena.blocks);
	zg_arena_free(&arena);
}
END_TEST

START_TEST(edges)
{
	struct zg_arena arena = { 0 };
	ck_assert_ptr_nonnull(zg_arena_take(&arena, 0, 8));
	ck_assert_ptr_nonnull(zg_arena_take(&arena, 8, 0));
	ck_assert_ptr_null(zg_arena_take(&arena, SIZE_MAX / 2, 8));
	ck_assert_ptr_null(zg_arena_take(&arena, 8, SIZE_MAX / 2));
	ck_assert_str_eq(zg_arena_string(&arena, ""), "");
	ck_assert_str_eq(zg_arena_string(&arena, "mail"), "mail");
	zg_arena_free(&arena);
}
END_TEST

START_TEST(text_is_held)
{
	struct zg_text *text = zg_text_copy("ab", 2), *held = zg_text_hold(text);
	ck_assert_ptr_eq(text, held);
	zg_text_drop(text);
	ck_assert_str_eq(held->bytes, "ab");
	ck_assert_uint_eq(held->len, 2);
	zg_text_drop(held);
	zg_text_drop(NULL);
	ck_assert_ptr_null(zg_text_of(NULL, 0));
	text = zg_text_copy(NULL, 0);
	ck_assert_str_eq(text->bytes, "");
	zg_text_drop(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena");
	TCase *tc = tcase_create("arena");
	tcase_add_test(tc, pieces);
	tcase_add_test(tc, edges);
	tcase_add_test(tc, text_is_held);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
