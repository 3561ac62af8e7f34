/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every registered inspector is whole: its transport's functions are there, its sizes within their bounds. */
#include <string.h>

#include "unit.h"
#include "zonegate/inspector.h"
#include "zonegate/limits.h"

START_TEST(every_inspector_is_whole)
{
	const struct zg_inspector *in;
	uint32_t n = 0;

	ck_assert_ptr_null(zg_inspector_by_index(0));
	for (uint32_t i = 1; (in = zg_inspector_by_index(i)) != NULL; i++, n++) {
		ck_assert_ptr_eq(zg_inspector_by_name(in->name), in);
		ck_assert_uint_eq(zg_inspector_index(in), i);
		ck_assert_uint_le(in->config_size, ZG_INSPECTOR_CONFIG_MAX);
		const bool tcp = in->transport == ZG_TCP;
		ck_assert(tcp || in->transport == ZG_UDP);
		ck_assert_msg((in->begin != NULL) == tcp && (in->data != NULL) == tcp && (tcp || in->end == NULL), "%s", in->name);
		ck_assert_msg((in->request == NULL) == tcp && (in->reply == NULL) == tcp, "%s", in->name);
		ck_assert(tcp || in->state_size <= ZG_UDP_STATE_MAX);
		for (size_t k = 0; k < in->n_items; k++)
			ck_assert_uint_lt(in->items[k].offset, in->config_size);
	}
	ck_assert_uint_ge(n, 1);
}
END_TEST

/* --- datagram ------------------------------------------------------------------------------------------ */

static uint8_t config[ZG_INSPECTOR_CONFIG_MAX] __attribute__((aligned(8))), state[ZG_UDP_STATE_MAX] __attribute__((aligned(8)));

static struct zg_answer ask(bool reply, const char *text, size_t len, bool *ret_read)
{
	static uint8_t bytes[2000];
	struct zg_answer answer = { .say = ZG_SAY_DENY };
	ck_assert_uint_le(len, sizeof bytes);
	memcpy(bytes, text, len);
	struct zg_rw in = zg_rw_init(bytes, len);
	(reply ? zg_datagram.reply : zg_datagram.request)(state, config, &in, &answer);
	*ret_read = in.pos == in.len;
	return answer;
}

START_TEST(datagram_asks_and_answers)
{
	static const char large[1473];
	bool whole;

	zg_inspector_defaults(&zg_datagram, config);
	ck_assert(zg_datagram.test_only);
	for (size_t len = 0; len < 4; len++)
		ck_assert_int_eq(ask(false, "abcd", len, &whole).reason, ZG_R_UDP_SIZE);
	ck_assert_int_eq(ask(false, large, 1473, &whole).say, ZG_SAY_DENY);
	ck_assert_int_eq(ask(false, "\0\0\0\0", 4, &whole).say, ZG_SAY_DONE);
	ck_assert_int_eq(ask(false, "abcdef", 6, &whole).say, ZG_SAY_MORE);
	ck_assert(whole);
	ck_assert_int_eq(ask(true, "abc", 3, &whole).say, ZG_SAY_DENY);
	ck_assert_int_eq(ask(true, "abce", 4, &whole).say, ZG_SAY_MORE);
	ck_assert_int_eq(ask(true, "abcd and more", 13, &whole).say, ZG_SAY_DONE);
	ck_assert(whole);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry");
	TCase *tc = tcase_create("registry");
	tcase_add_test(tc, every_inspector_is_whole);
	tcase_add_test(tc, datagram_asks_and_answers);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
