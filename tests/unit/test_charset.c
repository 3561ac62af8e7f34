/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The charset decoders against the whole of their input, and against the C library's. */
#include "unit.h"

#include <iconv.h>
#include <string.h>

#include "proto/charset.h"
#include "proto/text.h"

/* True if the bytes are whole characters, ending at rest; counts them and keeps the last. */
static bool whole(enum zg_charset charset, const uint8_t *bytes, size_t len, unsigned *ret_chars, uint32_t *ret_last)
{
	struct zg_charset_state st;
	zg_charset_begin(&st, charset);
	*ret_chars = 0;
	for (size_t i = 0; i < len; i++) {
		enum zg_charset_step step = zg_charset_feed(&st, bytes[i], ret_last);
		if (step == ZG_CHARSET_BAD)
			return false;
		*ret_chars += step == ZG_CHARSET_CHAR;
	}
	return zg_charset_at_rest(&st);
}

static size_t utf_8(uint32_t ch, uint8_t *ret_bytes)
{
	if (ch < 0x80) {
		ret_bytes[0] = (uint8_t)ch;
		return 1;
	}
	size_t n = ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, ch >>= 6)
		ret_bytes[i] = (uint8_t)(0x80 | (ch & 0x3F));
	ret_bytes[0] = (uint8_t)((0xF00 >> n) | ch);
	return n;
}

START_TEST(utf_8_every_scalar_value)
{
	uint8_t bytes[4];
	unsigned chars;
	uint32_t last;
	for (uint32_t ch = 0; ch < 0x110000; ch++) {
		size_t n = utf_8(ch, bytes);
		bool ok = whole(ZG_CHARSET_UTF_8, bytes, n, &chars, &last);
		bool surrogate = ch >= 0xD800 && ch < 0xE000;
		if (ok == surrogate || (ok && (chars != 1 || last != ch))) /* an assertion each costs too much */
			ck_abort_msg("U+%04X: %s, U+%04X", ch, ok ? "decoded" : "bad", last);
	}
}
END_TEST

/* Counts the sequences that go on from st and end with their first character; what is bad stays bad. */
static void count(struct zg_charset_state st, unsigned depth, unsigned *found)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		struct zg_charset_state next = st;
		uint32_t ch;
		enum zg_charset_step step = zg_charset_feed(&next, (uint8_t)byte, &ch);
		if (depth > 4)
			ck_abort_msg("a character of more than four bytes");
		if (step == ZG_CHARSET_CHAR)
			found[depth]++;
		else if (step == ZG_CHARSET_MORE)
			count(next, depth + 1, found);
	}
}

/* There are as many sequences of each length as characters that need it: none has two forms. */
START_TEST(utf_8_one_form_each)
{
	unsigned found[6] = { 0 };
	struct zg_charset_state st;
	zg_charset_begin(&st, ZG_CHARSET_UTF_8);
	count(st, 1, found);
	ck_assert_uint_eq(found[1], 0x80);
	ck_assert_uint_eq(found[2], 0x800 - 0x80);
	ck_assert_uint_eq(found[3], 0x10000 - 0x800 - 0x800);
	ck_assert_uint_eq(found[4], 0x100000);
}
END_TEST

static unsigned characters(const char *from, const char *to)
{
	unsigned n = 0;
	for (; from < to; from++)
		n += ((uint8_t)*from & 0xC0) != 0x80;
	return n;
}

/* What the C library decodes as one character is one here as well; where it does not know a character, that is no fault. */
static void covers(enum zg_charset charset, const char *name)
{
	iconv_t cd = iconv_open("UTF-8", name);
	ck_assert_msg(cd != (iconv_t)-1, "no iconv for %s", name);
	unsigned known = 0, chars;
	uint32_t last;
	for (unsigned v = 0xA0; v < 0x10000; v++) { /* below are control characters, which are refused anyway */
		char bytes[2] = { (char)(v >> 8), (char)v }, out[16], *to = out, *from = bytes;
		size_t n = 2, room = sizeof out;
		if (v < 0x100) {
			from = bytes + 1;
			n = 1;
		} else if (!(v & 0x8000)) {
			continue;
		}
		const uint8_t *given = (const uint8_t *)from;
		size_t len = n;
		iconv(cd, NULL, NULL, NULL, NULL);
		if (iconv(cd, &from, &n, &to, &room) == (size_t)-1 || n != 0 || characters(out, to) != 1)
			continue;
		known++;
		ck_assert_msg(whole(charset, given, len, &chars, &last), "%s %04x", name, v);
	}
	iconv_close(cd);
	ck_assert_uint_gt(known, 6000);
}

START_TEST(japanese_covers_the_c_library)
{
	covers(ZG_CHARSET_SHIFT_JIS, "SHIFT_JIS");
	covers(ZG_CHARSET_EUC_JP, "EUC-JP");
}
END_TEST

static const struct {
	enum zg_charset charset;
	const char *bytes;
	bool ok;
} samples[] = {
	{ ZG_CHARSET_US_ASCII, "a\x7f", true },
	{ ZG_CHARSET_US_ASCII, "\x80", false },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b$B2q5D\x1b(B", true },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b$@2q\x1b$B5D\x1b(Babc", true },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b(B\x1b$B\x1b(B", true },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b$B2q", false },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b$B2\x1b(B", false },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b(J", false },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b(I", false },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b$(D", false },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b", false },
	{ ZG_CHARSET_ISO_2022_JP, "\x1b$B\xb2\xf1\x1b(B", false },
	{ ZG_CHARSET_SHIFT_JIS, "\xfa\x40\xfc\x4b", true },
	{ ZG_CHARSET_SHIFT_JIS, "\x89", false },
	{ ZG_CHARSET_SHIFT_JIS, "\x89\x7f", false },
	{ ZG_CHARSET_SHIFT_JIS, "\x89\x3c", false },
	{ ZG_CHARSET_SHIFT_JIS, "\x89\xfd", false },
	{ ZG_CHARSET_SHIFT_JIS, "\x80", false },
	{ ZG_CHARSET_SHIFT_JIS, "\xa0", false },
	{ ZG_CHARSET_SHIFT_JIS, "\xf0\x40", false },
	{ ZG_CHARSET_SHIFT_JIS, "\xfd", false },
	{ ZG_CHARSET_EUC_JP, "\x8f\xb0\xa1\x8e\xb6", true },
	{ ZG_CHARSET_EUC_JP, "\xb2", false },
	{ ZG_CHARSET_EUC_JP, "\xb2\x41", false },
	{ ZG_CHARSET_EUC_JP, "\x8e\xe0", false },
	{ ZG_CHARSET_EUC_JP, "\x8f\xb0", false },
	{ ZG_CHARSET_EUC_JP, "\x8f\xb0\x41", false },
	{ ZG_CHARSET_EUC_JP, "\x80", false },
	{ ZG_CHARSET_EUC_JP, "\xff", false },
};

START_TEST(sample_texts)
{
	unsigned chars;
	uint32_t last;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		bool ok = whole(samples[i].charset, (const uint8_t *)samples[i].bytes, strlen(samples[i].bytes), &chars, &last);
		ck_assert_msg(ok == samples[i].ok, "sample %zu", i);
	}
}
END_TEST

START_TEST(names)
{
	enum zg_charset charset;
	for (int i = 0; i < ZG_CHARSET_COUNT; i++) {
		const char *word = zg_charset_words[i];
		ck_assert(zg_charset_by_name((const uint8_t *)word, strlen(word), &charset) && (int)charset == i);
		ck_assert(!zg_charset_by_name((const uint8_t *)word, strlen(word) - 1, &charset));
	}
	ck_assert(zg_charset_by_name((const uint8_t *)"ISO-2022-JP", 11, &charset));
	ck_assert(!zg_charset_by_name((const uint8_t *)"", 0, &charset));
	ck_assert(!zg_charset_by_name((const uint8_t *)"utf8", 4, &charset));
	ck_assert_ptr_null(zg_charset_words[ZG_CHARSET_COUNT]);
}
END_TEST

START_TEST(forbidden_characters)
{
	static const uint32_t bad[] = { 0,      8,      0x1B,   0x7F,   0x80,   0x9F,   0x2028,  0x2029,  0x202A,
					0x202E, 0x2066, 0x2069, 0xFEFF, 0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF };
	static const uint32_t good[] = { 0x20,   0x7E,   0xA0,   0x200E, 0x2027, 0x202F, 0x2065,  0x206A,
					 0x3042, 0xFDCF, 0xFDF0, 0xFFFD, 0x10000, 0x1F600, ZG_CHAR_WIDE };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(zg_char_forbidden(bad[i]), "U+%04X", bad[i]);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_msg(!zg_char_forbidden(good[i]), "U+%04X", good[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("charset");
	TCase *tc = tcase_create("charset");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, utf_8_every_scalar_value);
	tcase_add_test(tc, utf_8_one_form_each);
	tcase_add_test(tc, japanese_covers_the_c_library);
	tcase_add_test(tc, sample_texts);
	tcase_add_test(tc, names);
	tcase_add_test(tc, forbidden_characters);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
