/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base64 and quoted-printable: everything decodes back, and nothing decodes that a strict encoder would not have written. */
#include "unit.h"

#include <nettle/base64.h>
#include <stdio.h>
#include <string.h>

#include "proto/b64.h"
#include "proto/qp.h"

static uint32_t seed = 1;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/* One line without its end. Length, or -1. */
static int b64_decode(const char *text, size_t len, uint8_t *ret_out)
{
	struct zg_b64 b64 = { .n = 0 };
	int n = 0;
	for (size_t i = 0; i < len; i++) {
		int step = zg_b64_feed(&b64, (uint8_t)text[i], &ret_out[n]);
		if (step < 0)
			return -1;
		n += step;
	}
	return zg_b64_whole(&b64) ? n : -1;
}

START_TEST(b64_what_was_encoded_decodes)
{
	uint8_t data[300], out[300];
	char text[500];
	for (int round = 0; round < 3000; round++) {
		size_t n = any(sizeof data);
		for (size_t i = 0; i < n; i++)
			data[i] = (uint8_t)any(256);
		base64_encode_raw(text, n, data);
		ck_assert_int_eq(b64_decode(text, BASE64_ENCODE_RAW_LENGTH(n), out), (int)n);
		ck_assert_mem_eq(out, data, n);
	}
}
END_TEST

/* Whatever decodes is the one text that encodes it, so no two texts say the same. */
START_TEST(b64_one_text_each)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/==== \t-_*A";
	char text[16], back[32];
	uint8_t out[32];
	unsigned decoded = 0;
	for (int round = 0; round < 400000; round++) {
		size_t len = any(9);
		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[any(sizeof alphabet - 1)];
		int n = b64_decode(text, len, out);
		if (n < 0)
			continue;
		decoded++;
		base64_encode_raw(back, (size_t)n, out);
		ck_assert_uint_eq(BASE64_ENCODE_RAW_LENGTH((size_t)n), len);
		ck_assert_msg(memcmp(back, text, len) == 0, "%.*s", (int)len, text);
	}
	ck_assert_uint_gt(decoded, 10000);
}
END_TEST

START_TEST(b64_lines)
{
	struct zg_b64 b64 = { .n = 0 };
	uint8_t out;
	for (int i = 0; i < 4; i++)
		ck_assert_int_ge(zg_b64_feed(&b64, 'A', &out), 0);
	ck_assert(zg_b64_line_end(&b64));
	ck_assert_int_ge(zg_b64_feed(&b64, 'A', &out), 0);
	ck_assert(!zg_b64_line_end(&b64)); /* a group over two lines */

	b64 = (struct zg_b64){ .n = 0 };
	ck_assert(zg_b64_line_end(&b64)); /* an empty line is the end */
	ck_assert(zg_b64_line_end(&b64));
	ck_assert_int_eq(zg_b64_feed(&b64, 'A', &out), -1);
	ck_assert(zg_b64_whole(&b64));
}
END_TEST

/* Text with \n for line ends; soft breaks and hard ones. Length, or -1. */
static int qp_decode(const char *text, uint8_t *ret_out)
{
	struct zg_qp qp = { .stage = 0 };
	int n = 0;
	for (; *text != '\0'; text++) {
		int step;
		if (*text == '\n') {
			step = zg_qp_line_end(&qp);
			if (step == 1)
				ret_out[n] = '\n';
		} else {
			step = zg_qp_feed(&qp, (uint8_t)*text, &ret_out[n]);
		}
		if (step < 0)
			return -1;
		n += step;
	}
	return zg_qp_whole(&qp) ? n : -1;
}

START_TEST(qp_what_was_encoded_decodes)
{
	uint8_t data[200], out[2000];
	for (int round = 0; round < 2000; round++) {
		char text[2000];
		size_t n = any(sizeof data), len = 0, column = 0;
		for (size_t i = 0; i < n; i++) {
			data[i] = (uint8_t)any(256);
			if (column + 3 > 75) {
				len += (size_t)sprintf(text + len, "=\n");
				column = 0;
			}
			bool plain = data[i] > 0x20 && data[i] < 0x7F && data[i] != '=';
			int w = plain ? sprintf(text + len, "%c", data[i]) : sprintf(text + len, "=%02X", data[i]);
			len += (size_t)w;
			column += (size_t)w;
		}
		text[len++] = '\n';
		text[len] = '\0';
		ck_assert_int_eq(qp_decode(text, out), (int)n + 1);
		ck_assert_mem_eq(out, data, n);
	}
}
END_TEST

static const struct {
	const char *text, *decoded; /* NULL: malformed */
} lines[] = {
	{ "a b\tc\n", "a b\tc\n" },
	{ "a=20\n", "a \n" },
	{ "a =\nb\n", "a b\n" },
	{ "=\n\n", "\n" },
	{ "\n\n", "\n\n" },
	{ "=3D=3d\n", NULL },
	{ "a \n", NULL },
	{ "a\t\n", NULL },
	{ "=\n", NULL },
	{ "=4\n", NULL },
	{ "= \n", NULL },
	{ "=4G\n", NULL },
	{ "==\n", NULL },
	{ "\x7f\n", NULL },
	{ "\x80\n", NULL },
	{ "\x0c\n", NULL },
};

START_TEST(qp_lines)
{
	uint8_t out[100];
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		int n = qp_decode(lines[i].text, out);
		if (lines[i].decoded == NULL) {
			ck_assert_msg(n < 0, "line %zu", i);
			continue;
		}
		ck_assert_msg(n == (int)strlen(lines[i].decoded), "line %zu: %d", i, n);
		ck_assert_mem_eq(out, lines[i].decoded, (size_t)n);
	}
}
END_TEST

START_TEST(qp_line_length)
{
	char text[80];
	uint8_t out[100];
	memset(text, 'a', sizeof text);
	memcpy(text + ZG_QP_LINE_MAX, "\n", 2);
	ck_assert_int_eq(qp_decode(text, out), ZG_QP_LINE_MAX + 1);
	memcpy(text + ZG_QP_LINE_MAX, "a\n", 3);
	ck_assert_int_eq(qp_decode(text, out), -1);
	memcpy(text + ZG_QP_LINE_MAX - 1, "=\nb\n", 5);
	ck_assert_int_eq(qp_decode(text, out), ZG_QP_LINE_MAX + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transfer");
	TCase *tc = tcase_create("transfer");
	tcase_add_test(tc, b64_what_was_encoded_decodes);
	tcase_add_test(tc, b64_one_text_each);
	tcase_add_test(tc, b64_lines);
	tcase_add_test(tc, qp_what_was_encoded_decodes);
	tcase_add_test(tc, qp_lines);
	tcase_add_test(tc, qp_line_length);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
