/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict, incremental decoders of the charsets that mail text may have. One byte in, at most one
 * character out; whatever the charset's own document does not define is bad.
 *
 *   us-ascii      RFC 20: 0x00-0x7F
 *   utf-8         RFC 3629: shortest form, no surrogates, up to U+10FFFF
 *   iso-2022-jp   RFC 1468, with three of its four designations: ESC ( B, ESC $ @, ESC $ B. The fourth,
 *                 ESC ( J (JIS X 0201 Roman), is refused: it writes the same bytes as ASCII but gives two of
 *                 them (0x5C, 0x7E) another meaning, so two readers see two texts; no current mailer needs it.
 *   shift_jis     JIS X 0208 appendix 1, with IBM's extensions (0xFA-0xFC: personal names need them) and without the
 *                 user-defined rows (0xF0-0xF9: every reader shows another character)
 *   euc-jp        code sets 0 to 3
 */
#ifndef ZONEGATE_PROTO_CHARSET_H
#define ZONEGATE_PROTO_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zg_charset {
	ZG_CHARSET_US_ASCII = 0, /* the order is that of the configuration's words */
	ZG_CHARSET_UTF_8,
	ZG_CHARSET_ISO_2022_JP,
	ZG_CHARSET_SHIFT_JIS,
	ZG_CHARSET_EUC_JP,
	ZG_CHARSET_COUNT
};

extern const char *const zg_charset_words[ZG_CHARSET_COUNT + 1]; /* lower-case names; ends with NULL */

/* A character of a Japanese double-byte set: it is none of the characters that a rule asks for. */
#define ZG_CHAR_WIDE 0x110000u

enum zg_charset_step { ZG_CHARSET_BAD = -1, ZG_CHARSET_MORE = 0, ZG_CHARSET_CHAR = 1 };

struct zg_charset_state {
	uint8_t charset; /* enum zg_charset */
	uint8_t stage;	 /* 0 = between characters */
	uint8_t wide;	 /* iso-2022-jp: a double-byte set is designated */
	uint8_t lo, hi;	 /* utf-8: range of the next byte */
	uint32_t ch;	 /* utf-8: bits so far */
};

void zg_charset_begin(struct zg_charset_state *ret_state, enum zg_charset charset);
/* The next byte. CHAR: *ret_char is a Unicode scalar value or ZG_CHAR_WIDE. After BAD the state is of no use. */
enum zg_charset_step zg_charset_feed(struct zg_charset_state *state, uint8_t byte, uint32_t *ret_char);
/* Text may end here: no character is begun and ASCII is designated. */
bool zg_charset_at_rest(const struct zg_charset_state *state);
/* iso-2022-jp: an escape sequence has begun and is not over. */
bool zg_charset_in_escape(const struct zg_charset_state *state);
/* Looks a name up, letter case ignored; false if it is none of the five. Aliases are not known. */
bool zg_charset_by_name(const uint8_t *name, size_t len, enum zg_charset *ret_charset);

#endif
