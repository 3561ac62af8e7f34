/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/charset.h"

#include "proto/ascii.h"

const char *const zg_charset_words[ZG_CHARSET_COUNT + 1] = {
	[ZG_CHARSET_US_ASCII] = "us-ascii",   [ZG_CHARSET_UTF_8] = "utf-8",   [ZG_CHARSET_ISO_2022_JP] = "iso-2022-jp",
	[ZG_CHARSET_SHIFT_JIS] = "shift_jis", [ZG_CHARSET_EUC_JP] = "euc-jp", [ZG_CHARSET_COUNT] = NULL,
};

#define ESC 0x1B

static bool in(uint8_t byte, uint8_t lo, uint8_t hi)
{
	return byte >= lo && byte <= hi;
}

void zg_charset_begin(struct zg_charset_state *ret_state, enum zg_charset charset)
{
	*ret_state = (struct zg_charset_state){ .charset = (uint8_t)charset };
}

bool zg_charset_at_rest(const struct zg_charset_state *state)
{
	return state->stage == 0 && !state->wide;
}

bool zg_charset_by_name(const uint8_t *name, size_t len, enum zg_charset *ret_charset)
{
	for (int i = 0; i < ZG_CHARSET_COUNT; i++) {
		if (zg_ascii_equal(name, len, zg_charset_words[i])) {
			*ret_charset = (enum zg_charset)i;
			return true;
		}
	}
	return false;
}

static enum zg_charset_step one(uint32_t ch, uint32_t *ret_char)
{
	*ret_char = ch;
	return ZG_CHARSET_CHAR;
}

/* The second and later bytes' ranges of RFC 3629 section 4 leave no long form, surrogate or value too large. */
static enum zg_charset_step utf_8(struct zg_charset_state *st, uint8_t byte, uint32_t *ret_char)
{
	if (st->stage > 0) {
		if (!in(byte, st->lo, st->hi))
			return ZG_CHARSET_BAD;
		st->lo = 0x80;
		st->hi = 0xBF;
		st->ch = st->ch << 6 | (byte & 0x3Fu);
		return --st->stage > 0 ? ZG_CHARSET_MORE : one(st->ch, ret_char);
	}
	if (byte < 0x80)
		return one(byte, ret_char);
	st->lo = 0x80;
	st->hi = 0xBF;
	if (in(byte, 0xC2, 0xDF)) {
		st->stage = 1;
		st->ch = byte & 0x1Fu;
	} else if (in(byte, 0xE0, 0xEF)) {
		st->stage = 2;
		st->ch = byte & 0x0Fu;
		if (byte == 0xE0)
			st->lo = 0xA0;
		else if (byte == 0xED)
			st->hi = 0x9F;
	} else if (in(byte, 0xF0, 0xF4)) {
		st->stage = 3;
		st->ch = byte & 0x07u;
		if (byte == 0xF0)
			st->lo = 0x90;
		else if (byte == 0xF4)
			st->hi = 0x8F;
	} else {
		return ZG_CHARSET_BAD;
	}
	return ZG_CHARSET_MORE;
}

enum jis_stage { JIS_REST = 0, JIS_ESC, JIS_ESC_SINGLE, JIS_ESC_DOUBLE, JIS_TRAIL };

bool zg_charset_in_escape(const struct zg_charset_state *state)
{
	return state->charset == ZG_CHARSET_ISO_2022_JP && state->stage != JIS_REST && state->stage != JIS_TRAIL;
}

static enum zg_charset_step iso_2022_jp(struct zg_charset_state *st, uint8_t byte, uint32_t *ret_char)
{
	switch ((enum jis_stage)st->stage) {
	case JIS_ESC:
		if (byte != '(' && byte != '$')
			return ZG_CHARSET_BAD;
		st->stage = byte == '(' ? JIS_ESC_SINGLE : JIS_ESC_DOUBLE;
		return ZG_CHARSET_MORE;
	case JIS_ESC_SINGLE:
		if (byte != 'B')
			return ZG_CHARSET_BAD;
		st->stage = JIS_REST;
		st->wide = 0;
		return ZG_CHARSET_MORE;
	case JIS_ESC_DOUBLE:
		if (byte != '@' && byte != 'B')
			return ZG_CHARSET_BAD;
		st->stage = JIS_REST;
		st->wide = 1;
		return ZG_CHARSET_MORE;
	case JIS_TRAIL:
		st->stage = JIS_REST;
		return in(byte, 0x21, 0x7E) ? one(ZG_CHAR_WIDE, ret_char) : ZG_CHARSET_BAD;
	case JIS_REST:
		break;
	}
	if (byte == ESC) {
		st->stage = JIS_ESC;
		return ZG_CHARSET_MORE;
	}
	if (!st->wide)
		return byte < 0x80 ? one(byte, ret_char) : ZG_CHARSET_BAD;
	st->stage = JIS_TRAIL;
	return in(byte, 0x21, 0x7E) ? ZG_CHARSET_MORE : ZG_CHARSET_BAD;
}

static enum zg_charset_step shift_jis(struct zg_charset_state *st, uint8_t byte, uint32_t *ret_char)
{
	if (st->stage > 0) {
		st->stage = 0;
		return in(byte, 0x40, 0x7E) || in(byte, 0x80, 0xFC) ? one(ZG_CHAR_WIDE, ret_char) : ZG_CHARSET_BAD;
	}
	if (byte < 0x80)
		return one(byte, ret_char);
	if (in(byte, 0xA1, 0xDF)) /* half-width katakana */
		return one(ZG_CHAR_WIDE, ret_char);
	st->stage = 1;
	return in(byte, 0x81, 0x9F) || in(byte, 0xE0, 0xEF) || in(byte, 0xFA, 0xFC) ? ZG_CHARSET_MORE : ZG_CHARSET_BAD;
}

enum euc_stage { EUC_REST = 0, EUC_TRAIL, EUC_KANA, EUC_LEAD };

static enum zg_charset_step euc_jp(struct zg_charset_state *st, uint8_t byte, uint32_t *ret_char)
{
	switch ((enum euc_stage)st->stage) {
	case EUC_TRAIL:
		st->stage = EUC_REST;
		return in(byte, 0xA1, 0xFE) ? one(ZG_CHAR_WIDE, ret_char) : ZG_CHARSET_BAD;
	case EUC_KANA:
		st->stage = EUC_REST;
		return in(byte, 0xA1, 0xDF) ? one(ZG_CHAR_WIDE, ret_char) : ZG_CHARSET_BAD;
	case EUC_LEAD:
		st->stage = EUC_TRAIL;
		return in(byte, 0xA1, 0xFE) ? ZG_CHARSET_MORE : ZG_CHARSET_BAD;
	case EUC_REST:
		break;
	}
	if (byte < 0x80)
		return one(byte, ret_char);
	if (byte == 0x8E)
		st->stage = EUC_KANA;
	else if (byte == 0x8F)
		st->stage = EUC_LEAD;
	else if (in(byte, 0xA1, 0xFE))
		st->stage = EUC_TRAIL;
	else
		return ZG_CHARSET_BAD;
	return ZG_CHARSET_MORE;
}

enum zg_charset_step zg_charset_feed(struct zg_charset_state *state, uint8_t byte, uint32_t *ret_char)
{
	switch ((enum zg_charset)state->charset) {
	case ZG_CHARSET_UTF_8:
		return utf_8(state, byte, ret_char);
	case ZG_CHARSET_ISO_2022_JP:
		return iso_2022_jp(state, byte, ret_char);
	case ZG_CHARSET_SHIFT_JIS:
		return shift_jis(state, byte, ret_char);
	case ZG_CHARSET_EUC_JP:
		return euc_jp(state, byte, ret_char);
	case ZG_CHARSET_US_ASCII:
	case ZG_CHARSET_COUNT:
		break;
	}
	return byte < 0x80 ? one(byte, ret_char) : ZG_CHARSET_BAD;
}
