/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoders of mail, each against itself in one step and octet by octet, and against what it says it is: base64 that was
 * accepted is what encoding its octets gives; UTF-8 is what iconv takes; of quoted-printable and encoded words nothing comes out
 * that may not stand in text.
 *
 * Byte 0: which; the rest: its input.
 */
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/b64.h"
#include "proto/charset.h"
#include "proto/link.h"
#include "proto/mime_word.h"
#include "proto/qp.h"
#include "proto/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 4096

#define MUST(condition)                                                                                                      \
	do {                                                                                                                 \
		if (!(condition)) {                                                                                          \
			fprintf(stderr, "fuzz_decode: %s, line %d\n", #condition, __LINE__);                                  \
			abort();                                                                                             \
		}                                                                                                            \
	} while (0)

static void base64(const uint8_t *p, size_t n)
{
	static uint8_t slow[INPUT_MAX], fast[INPUT_MAX + 64];
	struct zg_b64 one = { .n = 0 }, many = { .n = 0 };
	size_t len = 0, at = 0;

	while (at < n) {
		const int out = zg_b64_feed(&one, p[at], &slow[len]);
		if (out < 0)
			break;
		len += (size_t)out;
		at++;
	}
	struct zg_rd rd = zg_rd_init(p, n);
	const size_t groups = zg_b64_groups(&many, &rd, SIZE_MAX / 4, fast);
	MUST(4 * groups <= at && 3 * groups <= len && memcmp(slow, fast, 3 * groups) == 0);
	/* what it stops at is padding, its end, or a fault */
	MUST(at < 4 * groups + 4 || memchr(p + 4 * groups, '=', 4) != NULL);
	for (size_t i = 0; i < len; i++) {
		const unsigned bits[3] = { slow[i], i + 1 < len ? slow[i + 1] : 0, i + 2 < len ? slow[i + 2] : 0 };
		if (i % 3 != 0)
			continue;
		MUST(p[i / 3 * 4] == zg_b64_char(bits[0] >> 2));
		/* of a group that is not whole the bits are not all there */
		MUST(i + 1 >= len || p[i / 3 * 4 + 1] == zg_b64_char(bits[0] << 4 | bits[1] >> 4));
		MUST(i + 2 >= len || p[i / 3 * 4 + 2] == zg_b64_char(bits[1] << 2 | bits[2] >> 6));
		MUST(i + 2 >= len || p[i / 3 * 4 + 3] == zg_b64_char(bits[2]));
	}
}

/* A line of it. */
static void quoted_printable(const uint8_t *p, size_t n)
{
	uint8_t slow[ZG_QP_LINE_MAX], fast[ZG_QP_LINE_MAX];
	struct zg_qp one = { .stage = 0 }, many = { .stage = 0 };
	size_t len = 0, at = 0;
	struct zg_rd rd = zg_rd_init(p, n);
	const size_t run = zg_qp_run(&many, &rd, fast);

	for (int out; at < n; at++, len += (size_t)out) {
		if (at == rd.pos)
			MUST(len == run && one.stage == many.stage && one.column == many.column && one.blank == many.blank);
		out = zg_qp_feed(&one, p[at], &slow[len < sizeof slow ? len : 0]);
		if (out < 0)
			break;
		MUST(out == 0 || len < sizeof slow);
	}
	MUST(at >= rd.pos && len >= run && memcmp(slow, fast, run) == 0);
}

static bool iconv_takes(const uint8_t *p, size_t n, size_t *ret_at)
{
	static char wide[4 * INPUT_MAX];
	static iconv_t to;
	char in[INPUT_MAX], *from = in, *into = wide;
	size_t left = n, room = sizeof wide;

	if (to == NULL)
		to = iconv_open("UTF-16LE", "UTF-8") /* to UCS-4 it takes five octets too */;
	memcpy(in, p, n);
	(void)iconv(to, NULL, NULL, NULL, NULL);
	const bool whole = iconv(to, &from, &left, &into, &room) != (size_t)-1;
	*ret_at = n - left;
	return whole;
}

static void charset(enum zg_charset which, const uint8_t *p, size_t n)
{
	struct zg_charset_state state;
	struct zg_text text, spans;
	uint32_t ch;
	size_t at = 0, whole = 0, bad;

	zg_charset_begin(&state, which);
	for (; at < n; at++) {
		const enum zg_charset_step step = zg_charset_feed(&state, p[at], &ch);
		if (step == ZG_CHARSET_BAD)
			break;
		MUST(step != ZG_CHARSET_CHAR || ch <= ZG_CHAR_WIDE);
		if (state.stage == 0)
			whole = at + 1;
	}
	if (which == ZG_CHARSET_UTF_8) {
		MUST(iconv_takes(p, n, &bad) == (at == n && state.stage == 0));
		MUST(bad == whole);
	}
	/* text of it, octet by octet and as a whole */
	zg_text_begin(&text, which);
	enum zg_reason reason = ZG_R_NONE;
	for (size_t i = 0; i < n && reason == ZG_R_NONE; i++)
		reason = zg_text_feed(&text, p[i]);
	zg_text_begin(&spans, which);
	MUST(zg_text_feed_all(&spans, zg_rd_init(p, n)) == reason);
	MUST(reason != ZG_R_NONE || zg_text_end(&text) == zg_text_end(&spans));
}

static void words(const uint8_t *p, size_t n)
{
	struct zg_word word;

	zg_word_begin(&word);
	for (size_t i = 0; i < n; i++) {
		const bool outside = zg_word_outside(&word);
		if (p[i] == '\n' ? zg_word_line_end(&word) != ZG_R_NONE : zg_word_feed(&word, 31, p[i]) != ZG_R_NONE)
			return;
		MUST(p[i] == '\n' || word.shown == ZG_WORD_NOTHING || outside || word.equals_shown || !zg_char_forbidden(word.shown) ||
		     word.shown == p[i]);
	}
}

/* Links in blocks and character by character: the same, where there are any. */
static void links(const uint8_t *p, size_t n)
{
	struct zg_link one = { .n = 0 }, many = { .n = 0 };
	uint8_t pad[ZG_RD_BLOCK], shorter[ZG_RD_BLOCK];
	struct zg_rd rd = zg_rd_init(p, n);
	size_t suspect;

	while (zg_rd_left(&rd) > 0) {
		const uint8_t *there = zg_rd_block(&rd, pad), *block = zg_link_block(&many, there, shorter, &suspect);
		size_t k = zg_rd_left(&rd) < ZG_RD_BLOCK ? zg_rd_left(&rd) : ZG_RD_BLOCK;
		while (k > 0 && block != there && block[k - 1] == 0)
			k--;
		for (size_t i = 0; i < k; i++) {
			const enum zg_link_step step = zg_link_feed(&one, there[i] >= 0x20 && there[i] < 0x80 ? there[i] : ZG_LINK_OTHER);
			MUST(step == ZG_LINK_NOTHING || step == ZG_LINK_LETTER);
			if (step == ZG_LINK_LETTER)
				zg_link_keep(&one, 0, (there[i] | 0x20) == 't' ? ZG_LINK_T_TO_X : ZG_LINK_W_TO_X);
			zg_link_tick(&one);
		}
		zg_link_take(&many, there, k, true);
		MUST(one.stage == many.stage && one.within == many.within && one.n == many.n);
		MUST(memcmp(one.letter, many.letter, one.n * sizeof *one.letter) == 0);
		zg_rd_skip(&rd, k);
		if (k > 0)
			continue;
		/* the octet machine's turn */
		one = many = (struct zg_link){ .n = 0 };
		zg_rd_skip(&rd, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > INPUT_MAX)
		return 0;
	const unsigned which = data[0] % (4 + ZG_CHARSET_COUNT);
	data++;
	size--;
	if (which == 0)
		base64(data, size);
	else if (which == 1)
		quoted_printable(data, size);
	else if (which == 2)
		words(data, size);
	else if (which == 3)
		links(data, size);
	else
		charset((enum zg_charset)(which - 4), data, size);
	return 0;
}
