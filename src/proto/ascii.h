/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character classes of the mail RFCs. No locale, unlike <ctype.h>. */
#ifndef ZONEGATE_PROTO_ASCII_H
#define ZONEGATE_PROTO_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint8_t zg_ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline bool zg_ascii_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool zg_ascii_alnum(uint8_t c)
{
	uint8_t l = zg_ascii_lower(c);
	return zg_ascii_digit(c) || (l >= 'a' && l <= 'z');
}

static inline bool zg_ascii_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* VCHAR of RFC 5234 */
static inline bool zg_ascii_visible(uint8_t c)
{
	return c > 0x20 && c < 0x7F;
}

/* A visible character that is none of these; NUL is never found in a set. */
static inline bool zg_ascii_visible_but(uint8_t c, const char *set)
{
	return zg_ascii_visible(c) && strchr(set, c) == NULL;
}

/* token of RFC 2045 5.1 */
static inline bool zg_ascii_token(uint8_t c)
{
	return zg_ascii_visible_but(c, "()<>@,;:\\\"/[]?=");
}

/* The value of an upper-case hexadecimal digit, or -1. */
static inline int zg_ascii_hex(uint8_t c)
{
	if (zg_ascii_digit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Whether n bytes are this lower-case word, in any letter case. */
static inline bool zg_ascii_equal(const uint8_t *s, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (word[i] == '\0' || zg_ascii_lower(s[i]) != (uint8_t)word[i])
			return false;
	return word[n] == '\0';
}

#endif
