/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/b64.h"

static int value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static int padding(struct zg_b64 *b64)
{
	if (b64->pad > 0) { /* "==": the second */
		b64->pad = 0;
		b64->n = 0;
		return 0;
	}
	unsigned unused = b64->n == 2 ? 0x0F : 0x03;
	if (b64->ended || b64->n < 2 || (b64->bits & unused) != 0)
		return -1;
	b64->ended = 1;
	b64->pad = b64->n == 2;
	if (b64->n == 3)
		b64->n = 0;
	return 0;
}

int zg_b64_feed(struct zg_b64 *b64, uint8_t c, uint8_t *ret_out)
{
	b64->filled = 1;
	if (c == '=')
		return padding(b64);
	int v = value(c);
	if (v < 0 || b64->ended)
		return -1;
	unsigned both = (unsigned)b64->bits << 6 | (unsigned)v;
	unsigned shift = b64->n == 1 ? 4 : b64->n == 2 ? 2 : 0;
	bool out = b64->n > 0;
	if (out)
		*ret_out = (uint8_t)(both >> shift);
	b64->bits = (uint8_t)v;
	b64->n = (b64->n + 1) & 3;
	return out;
}

bool zg_b64_line_end(struct zg_b64 *b64)
{
	if (b64->n != 0)
		return false;
	if (!b64->filled)
		b64->ended = 1; /* some decoders stop here, so nothing may follow */
	b64->filled = 0;
	return true;
}

bool zg_b64_whole(const struct zg_b64 *b64)
{
	return b64->n == 0;
}
