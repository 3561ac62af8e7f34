/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/utf8.h"

size_t zg_utf8_next(const char *s, size_t len, uint32_t *ret_cp)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	if (len == 0)
		return 0;
	uint8_t first = (uint8_t)s[0];
	size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
	if (n == 0 || n > len)
		return 0;
	uint32_t cp = n == 1 ? first : first & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		uint8_t c = (uint8_t)s[i];
		if ((c & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (c & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret_cp = cp;
	return n;
}

struct span {
	uint32_t lo, hi;
};

static bool in_spans(const struct span *spans, size_t n, uint32_t cp)
{
	for (size_t i = 0; i < n; i++) {
		if (cp >= spans[i].lo && cp <= spans[i].hi)
			return true;
	}
	return false;
}

#define IN_SPANS(spans, cp) in_spans(spans, sizeof(spans) / sizeof((spans)[0]), cp)

int zg_utf8_width(uint32_t cp)
{
	static const struct span wide[] = {
		{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },	  { 0x23e9, 0x23ec },
		{ 0x2614, 0x2615 },   { 0x2648, 0x2653 },   { 0x26a1, 0x26a1 },	  { 0x26d4, 0x26d4 },
		{ 0x2705, 0x2705 },   { 0x274c, 0x274c },   { 0x2753, 0x2757 },	  { 0x2e80, 0x303e },
		{ 0x3041, 0x33ff },   { 0x3400, 0x4dbf },   { 0x4e00, 0x9fff },	  { 0xa000, 0xa4cf },
		{ 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },	  { 0xfe10, 0xfe19 },
		{ 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },   { 0xffe0, 0xffe6 },	  { 0x16fe0, 0x18aff },
		{ 0x1b000, 0x1b2ff }, { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff },
		{ 0x20000, 0x3fffd },
	};
	static const struct span none[] = {
		{ 0x0300, 0x036f }, { 0x200b, 0x200f }, { 0x202a, 0x202e },   { 0x2060, 0x206f },
		{ 0x20d0, 0x20ff }, { 0x302a, 0x302d }, { 0x3099, 0x309a },   { 0xfe00, 0xfe0f },
		{ 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0xe0000, 0xe0fff },
	};
	if (IN_SPANS(none, cp))
		return 0;
	return IN_SPANS(wide, cp) ? 2 : 1;
}

bool zg_utf8_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
}

bool zg_utf8_deceptive(uint32_t cp)
{
	static const struct span deceptive[] = {
		{ 0x00ad, 0x00ad },   /* soft hyphen */
		{ 0x061c, 0x061c },   /* Arabic letter mark */
		{ 0x115f, 0x1160 },   /* Hangul fillers, blank */
		{ 0x180e, 0x180e },   /* Mongolian vowel separator */
		{ 0x200b, 0x200f },   /* zero width, left-to-right and right-to-left marks */
		{ 0x2028, 0x202e },   /* line and paragraph separators, embeddings and overrides */
		{ 0x2060, 0x206f },   /* word joiner, isolates */
		{ 0x3164, 0x3164 },   /* Hangul filler, blank */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xffa0, 0xffa0 },   /* halfwidth Hangul filler, blank */
		{ 0xfff9, 0xfffb },   /* interlinear annotation */
		{ 0xe0000, 0xe007f }, /* tags */
	};
	return IN_SPANS(deceptive, cp);
}

/* Length of the next piece that is shown alike: one safe character, or one byte to be escaped (*ret_cp = 0). */
static size_t piece(const char *s, size_t len, uint32_t *ret_cp)
{
	uint32_t cp = 0;
	size_t n = zg_utf8_next(s, len, &cp);
	if (n == 0 || zg_utf8_control(cp) || zg_utf8_deceptive(cp)) {
		*ret_cp = 0;
		return n == 0 ? 1 : n;
	}
	*ret_cp = cp;
	return n;
}

void zg_utf8_safe(FILE *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = piece(s + i, len - i, &cp);
		if (cp != 0) {
			fwrite(s + i, 1, n, out);
		} else {
			for (size_t k = 0; k < n; k++)
				fprintf(out, "\\x%02x", (unsigned)(uint8_t)s[i + k]);
		}
		i += n;
	}
}

int zg_utf8_safe_width(const char *s, size_t len)
{
	int cells = 0;
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = piece(s + i, len - i, &cp);
		cells += cp != 0 ? zg_utf8_width(cp) : (int)(4 * n);
		i += n;
	}
	return cells;
}
