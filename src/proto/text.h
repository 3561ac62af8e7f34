/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the decoded text of a mail may be (zonegate-inspectors(7)): valid in its charset, no control characters, nothing
 * that reorders or hides the text, no line that makes a mail reader cut a file out of it.
 */
#ifndef ZONEGATE_PROTO_TEXT_H
#define ZONEGATE_PROTO_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/charset.h"
#include "zonegate/rd.h"
#include "zonegate/reason.h"

#define ZG_TEXT_MARKS 7 /* rows of the table of lines that begin a file */

struct zg_text {
	struct zg_charset_state charset;
	uint8_t cr;	/* the last character was CR */
	uint8_t indent; /* only blanks so far in this line */
	uint8_t live;	/* bit i: the line may still be mark i */
	uint8_t at;	/* characters of the marks that are live */
	uint8_t uu;	/* enum zg_uu */
};

/* "begin 644 name"; and "begin" with two blanks, where old mail readers cut whatever follows. */
enum zg_uu {
	ZG_UU_B = 0,
	ZG_UU_E,
	ZG_UU_G,
	ZG_UU_I,
	ZG_UU_N,
	ZG_UU_BLANK,
	ZG_UU_DIGIT,
	ZG_UU_DIGIT_2,
	ZG_UU_DIGIT_3,
	ZG_UU_MODE,
	ZG_UU_NOT
};

static inline void zg_text_line_begin(struct zg_text *text)
{
	text->indent = 1;
	text->live = (1u << ZG_TEXT_MARKS) - 1;
	text->at = 0;
	text->uu = ZG_UU_B;
}

/* This line is no mark and becomes none. */
static inline void zg_text_line_settle(struct zg_text *text)
{
	text->indent = 0;
	text->live = 0;
	text->at = 0;
	text->uu = ZG_UU_NOT;
}

static inline bool zg_text_line_is_settled(const struct zg_text *text)
{
	return text->live == 0 && text->uu == ZG_UU_NOT;
}

/* A line that has this behind its blanks may become a mark: the first characters of the marks and of "begin". */
static inline bool zg_text_may_be_mark(uint8_t c)
{
	return c == 'b' || c == 'B' || c == '=' || c == '(' || c == '-';
}

/* A control character (tab and line ends are the caller's), byte order mark, bidirectional embedding, override or
 * isolate, line or paragraph separator, or no character at all. */
static inline bool zg_char_forbidden(uint32_t ch)
{
	if (ch < 0x20 || (ch >= 0x7F && ch < 0xA0))
		return true;
	if (ch < 0x2028 || ch == ZG_CHAR_WIDE)
		return false;
	return ch <= 0x202E || (ch >= 0x2066 && ch <= 0x2069) || ch == 0xFEFF || (ch >= 0xFDD0 && ch <= 0xFDEF) ||
	       (ch & 0xFFFE) == 0xFFFE;
}

void zg_text_begin(struct zg_text *ret_text, enum zg_charset charset);
/* The next octet of the decoded text; ZG_R_NONE or why not. A line ends with CRLF, or with LF alone, which encoders of
 * base64 on Unix leave: whether one reader sees a line end there or not, both readings are checked. */
enum zg_reason zg_text_feed(struct zg_text *text, uint8_t byte);
/* The same for many octets of the decoded text. */
enum zg_reason zg_text_feed_all(struct zg_text *text, struct zg_rd octets);
/* The text ends here. */
enum zg_reason zg_text_end(const struct zg_text *text);

/* --- text_span.c: what is certainly ordinary, 64 octets at once ---------------------------------------------------- */

enum zg_text_form {
	ZG_TEXT_DECODED = 0, /* as zg_text_feed takes it */
	ZG_TEXT_WIRE,	     /* LF only behind CR, no dot first in a line */
	ZG_TEXT_WIRE_7BIT,   /* and no octet above 0x7F */
};

/* Feeds a beginning of the block that is ordinary, and says how long it is: what zg_text_feed would accept, whole characters
 * and whole line ends only. The state is afterwards as zg_text_feed would have left it. It need not be the longest such
 * beginning, and 0 says nothing. Zeros behind the text are no text. *ret_line: where in the block its last line begins;
 * untouched if that began earlier. */
size_t zg_text_block(struct zg_text *text, enum zg_text_form form, const uint8_t block[static ZG_RD_BLOCK],
		     size_t *ret_line);

#endif
