/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "unit.h"
#include "zonegate/diag.h"
#include "zonegate/limits.h"

static struct zg_diags diags;

static void begin(const char *text)
{
	zg_diags_init(&diags);
	ck_assert_int_eq(zg_diags_source(&diags, "f.conf", text, strlen(text)), ZG_OK);
}

/* Compares what is printed, and frees. */
static void expect(const char *expected)
{
	char *text = zg_diags_text(&diags, false);
	ck_assert_str_eq(text, expected);
	free(text);
	zg_diags_free(&diags);
}

START_TEST(form)
{
	begin("one\ntwo three\n");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 2, 5, "hint here", "bad %s", "three");
	zg_diag_add(&diags, ZG_DIAG_WARNING, 1, 0, NULL, "no column");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 0, 0, NULL, "no line");
	ck_assert_uint_eq(diags.errors, 2);
	zg_diags_sort(&diags);
	expect("f.conf: error: no line\n"
	       "f.conf:1: warning: no column\none\n"
	       "f.conf:2:5: error: bad three\ntwo three\n    ^\n  hint: hint here\n");
}
END_TEST

START_TEST(caret_under_wide_text)
{
	begin("\tlabel = \"住民\"; x\r\n");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 1, 20, NULL, "here"); /* bytes: a tab, 9, 6 of two characters (4 cells), 3 */
	expect("f.conf:1:20: error: here\n\tlabel = \"住民\"; x\n\t                ^\n");
}
END_TEST

START_TEST(nothing_unsafe_is_shown)
{
	begin("a\033[2Jb \xe2\x80\xae\xff\n");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 1, 6, "x\ny", "say %s", "\033]0;\xc2\x9b");
	expect("f.conf:1:6: error: say \\x1b]0;\\xc2\\x9b\na\\x1b[2Jb \\xe2\\x80\\xae\\xff\n        ^\n  hint: "
	       "x\\x0ay\n");
}
END_TEST

START_TEST(long_line_is_cut_at_characters)
{
	char line[3001];
	for (size_t i = 0; i < 1000; i++)
		memcpy(line + 3 * i, "字", 3);
	line[3000] = '\0';
	begin(line);
	zg_diag_add(&diags, ZG_DIAG_ERROR, 1, 1501, NULL, "middle");
	char *text = zg_diags_text(&diags, false);
	ck_assert_ptr_null(strstr(text, "\\x")); /* no half characters */
	ck_assert_uint_lt(strlen(text), 500);
	free(text);
	zg_diags_free(&diags);
}
END_TEST

START_TEST(columns_and_lines_out_of_the_text)
{
	begin("ab\n");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 1, 99, NULL, "column");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 9, 1, NULL, "line");
	expect("f.conf:1:99: error: column\nab\n  ^\nf.conf:9:1: error: line\n");
}
END_TEST

START_TEST(more_than_are_shown)
{
	begin("");
	for (unsigned i = 0; i < ZG_ERRORS_MAX; i++)
		zg_diag_add(&diags, ZG_DIAG_WARNING, i + 1, 1, NULL, "warning");
	zg_diag_add(&diags, ZG_DIAG_WARNING, 1, 1, NULL, "one warning too many");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 1, 1, NULL, "an error is never lost to warnings");
	ck_assert_uint_eq(diags.n, ZG_ERRORS_MAX);
	ck_assert_uint_eq(diags.dropped, 2);
	ck_assert_uint_eq(diags.errors, 1);
	ck_assert_int_eq(diags.items[ZG_ERRORS_MAX - 1].severity, ZG_DIAG_ERROR);
	char *text = zg_diags_text(&diags, false);
	ck_assert_ptr_nonnull(strstr(text, "\nand 2 more\n"));
	free(text);
	zg_diags_free(&diags);
}
END_TEST

START_TEST(sort_is_stable)
{
	begin("");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 2, 1, NULL, "c");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 1, 9, NULL, "a");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 2, 1, NULL, "d");
	zg_diag_add(&diags, ZG_DIAG_ERROR, 1, 10, NULL, "b");
	zg_diags_sort(&diags);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(diags.items[i].message[0], 'a' + (int)i);
	zg_diags_free(&diags);
}
END_TEST

START_TEST(utf8_is_strict)
{
	static const struct {
		const char *bytes;
		size_t n;
	} cases[] = {
		{ "a", 1 },
		{ "\xc2\x80", 2 },
		{ "\xe3\x81\x82", 3 },
		{ "\xf0\xa0\xae\xb7", 4 },
		{ "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\x80", 0 },
		{ "\xe3\x81", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xff", 0 },
	};
	uint32_t cp;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ck_assert_msg(zg_utf8_next(cases[i].bytes, strlen(cases[i].bytes), &cp) == cases[i].n, "case %zu", i);
	ck_assert_uint_eq(zg_utf8_next("", 0, &cp), 0);
	zg_utf8_next("\xf0\xa0\xae\xb7", 4, &cp);
	ck_assert_uint_eq(cp, 0x20bb7);
}
END_TEST

START_TEST(widths)
{
	static const struct {
		const char *text;
		int cells;
	} cases[] = { { "abc", 3 },
		      { "住民", 4 },
		      { "ﾊﾝｶｸ", 4 },
		      { "Ａ", 2 },
		      { "か\xe3\x82\x99", 2 },
		      { "葛\xf3\xa0\x84\x80", 2 },
		      { "\x1b", 4 },
		      { "①", 1 },
		      { "\xff\xfe", 8 } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ck_assert_int_eq(zg_utf8_safe_width(cases[i].text, strlen(cases[i].text)), cases[i].cells);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diag");
	TCase *tc = tcase_create("diag");
	tcase_add_test(tc, form);
	tcase_add_test(tc, caret_under_wide_text);
	tcase_add_test(tc, nothing_unsafe_is_shown);
	tcase_add_test(tc, long_line_is_cut_at_characters);
	tcase_add_test(tc, columns_and_lines_out_of_the_text);
	tcase_add_test(tc, more_than_are_shown);
	tcase_add_test(tc, sort_is_stable);
	tcase_add_test(tc, utf8_is_strict);
	tcase_add_test(tc, widths);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
