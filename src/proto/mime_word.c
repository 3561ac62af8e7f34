/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/mime_word.h"

#include "proto/ascii.h"
#include "proto/text.h"

enum stage { OUTSIDE = 0, EQUALS, EQUALS_FOLDED, CHARSET, ENCODING, ENCODING_END, TEXT, CLOSING, CLOSED };

/* RFC 2047 5 wants blanks around a word, or a comment's parentheses. Quotes, commas and angle brackets beside one
 * are common in address fields, "Re:" and "[list:12]" before one in subjects; they leave no doubt where it begins and ends. */
static bool boundary_before(uint8_t c)
{
	return zg_ascii_blank(c) || c == '(' || c == '"' || c == ',' || c == ':' || c == ']';
}

static bool boundary_after(uint8_t c)
{
	return zg_ascii_blank(c) || c == ')' || c == '"' || c == ',' || c == '<';
}

void zg_word_begin(struct zg_word *ret_word)
{
	*ret_word = (struct zg_word){ .stage = OUTSIDE, .at_boundary = 1 };
}

static enum zg_reason charset_name(struct zg_word *w, uint32_t charsets, uint8_t c)
{
	enum zg_charset charset;
	if (c != '?') {
		if (!zg_ascii_token(c) || c == '*') /* '*' would be RFC 2231's language */
			return ZG_R_SMTP_ENCODED_WORD;
		if (w->name_len == ZG_WORD_CHARSET_MAX)
			return ZG_R_SMTP_CHARSET;
		w->name[w->name_len++] = c;
		return ZG_R_NONE;
	}
	if (w->name_len == 0)
		return ZG_R_SMTP_ENCODED_WORD;
	if (!zg_charset_by_name(w->name, w->name_len, &charset) || !(charsets & 1u << charset))
		return ZG_R_SMTP_CHARSET;
	zg_charset_begin(&w->charset, charset);
	w->stage = ENCODING;
	return ZG_R_NONE;
}

static enum zg_reason decoded(struct zg_word *w, uint8_t byte)
{
	uint32_t ch;
	switch (zg_charset_feed(&w->charset, byte, &ch)) {
	case ZG_CHARSET_CHAR:
		w->shown = ch;
		return zg_char_forbidden(ch) ? ZG_R_SMTP_BODY_CONTROL : ZG_R_NONE;
	case ZG_CHARSET_MORE:
		return ZG_R_NONE;
	case ZG_CHARSET_BAD:
		break;
	}
	return ZG_R_SMTP_BODY_CHARSET;
}

static enum zg_reason q_text(struct zg_word *w, uint8_t c)
{
	if (w->hex_stage > 0) {
		/* RFC 2047 4.2 only recommends upper case here */
		int digit = zg_ascii_hex(c >= 'a' && c <= 'f' ? (uint8_t)(c - 0x20) : c);
		if (digit < 0)
			return ZG_R_SMTP_ENCODED_WORD;
		w->hex = (uint8_t)(w->hex << 4 | digit);
		w->hex_stage = w->hex_stage == 1 ? 2 : 0;
		return w->hex_stage == 0 ? decoded(w, w->hex) : ZG_R_NONE;
	}
	if (c == '=') {
		w->hex_stage = 1;
		w->hex = 0;
		return ZG_R_NONE;
	}
	if (!zg_ascii_visible(c))
		return ZG_R_SMTP_ENCODED_WORD;
	return decoded(w, c == '_' ? ' ' : c);
}

static enum zg_reason encoded_text(struct zg_word *w, uint8_t c)
{
	if (c == '?') {
		bool whole = w->q ? w->hex_stage == 0 : zg_b64_whole(&w->b64);
		if (!whole || !w->filled)
			return ZG_R_SMTP_ENCODED_WORD;
		if (!zg_charset_at_rest(&w->charset))
			return ZG_R_SMTP_BODY_CHARSET;
		w->stage = CLOSING;
		return ZG_R_NONE;
	}
	w->filled = 1;
	if (w->q)
		return q_text(w, c);
	uint8_t out;
	int n = zg_b64_feed(&w->b64, c, &out);
	if (n < 0)
		return ZG_R_SMTP_ENCODED_WORD;
	return n > 0 ? decoded(w, out) : ZG_R_NONE;
}

static enum zg_reason outside(struct zg_word *w, uint8_t c)
{
	w->shown = c == '=' ? ZG_WORD_NOTHING : c;
	w->stage = c == '=' ? EQUALS : OUTSIDE;
	if (c != '=')
		w->at_boundary = boundary_before(c);
	return ZG_R_NONE;
}

static enum zg_reason equals(struct zg_word *w, uint8_t c)
{
	bool may_begin = w->at_boundary;
	w->at_boundary = 0;
	if (c != '?') {
		w->equals_shown = 1;
		return outside(w, c);
	}
	if (!may_begin)
		return ZG_R_SMTP_ENCODED_WORD;
	*w = (struct zg_word){ .stage = CHARSET, .shown = ZG_WORD_NOTHING };
	return ZG_R_NONE;
}

enum zg_reason zg_word_feed(struct zg_word *w, uint32_t charsets, uint8_t c)
{
	w->shown = ZG_WORD_NOTHING;
	w->equals_shown = 0;
	if (w->stage == OUTSIDE)
		return outside(w, c);
	if (w->stage == EQUALS)
		return equals(w, c);
	if (w->stage == EQUALS_FOLDED && zg_ascii_blank(c))
		return ZG_R_NONE;
	if (w->stage == EQUALS_FOLDED) { /* a reader that unfolds without a blank would see "=?" */
		w->equals_shown = 1;
		return c == '?' ? ZG_R_SMTP_ENCODED_WORD : outside(w, c);
	}
	if (w->stage == CLOSED)
		return boundary_after(c) ? outside(w, c) : ZG_R_SMTP_ENCODED_WORD;

	switch ((enum stage)w->stage) {
	case CHARSET:
		return charset_name(w, charsets, c);
	case ENCODING:
		w->q = zg_ascii_lower(c) == 'q';
		w->stage = ENCODING_END;
		return w->q || zg_ascii_lower(c) == 'b' ? ZG_R_NONE : ZG_R_SMTP_ENCODED_WORD;
	case ENCODING_END:
		w->stage = TEXT;
		return c == '?' ? ZG_R_NONE : ZG_R_SMTP_ENCODED_WORD;
	case TEXT:
		return encoded_text(w, c);
	case CLOSING:
		w->stage = CLOSED;
		return c == '=' ? ZG_R_NONE : ZG_R_SMTP_ENCODED_WORD;
	case OUTSIDE:
	case EQUALS:
	case EQUALS_FOLDED:
	case CLOSED:
		break;
	}
	return ZG_R_SMTP_ENCODED_WORD;
}

bool zg_word_outside(const struct zg_word *w)
{
	return w->stage == OUTSIDE;
}

enum zg_reason zg_word_line_end(struct zg_word *w)
{
	switch ((enum stage)w->stage) {
	case EQUALS:
	case EQUALS_FOLDED:
		w->stage = EQUALS_FOLDED;
		return ZG_R_NONE;
	case OUTSIDE:
	case CLOSED:
		zg_word_begin(w);
		return ZG_R_NONE;
	default:
		return ZG_R_SMTP_ENCODED_WORD;
	}
}
