/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/zrle.h"

#define TILE	    64u
#define PACKED_MAX  16u	 /* largest palette of packed indexes */
#define PLAIN_RLE   128u /* subencoding */
#define PALETTE_RLE 130u /* the first of them: two colours */
#define RUN_FOLLOWS 0x80u

enum step { SUBENCODING = 0, SKIP, TILE_END, PACKED, COLOUR, LENGTH, INDEX, COMPLETE };

static uint32_t side(uint32_t from, uint32_t end)
{
	return end - from < TILE ? end - from : TILE;
}

static uint32_t tile_width(const struct zg_zrle *z)
{
	return side(z->x, z->width);
}

static void tile_begin(struct zg_zrle *z)
{
	z->step = SUBENCODING;
	z->rows = (uint16_t)side(z->y, z->height);
	z->pixels = tile_width(z) * z->rows;
}

static void tile_end(struct zg_zrle *z)
{
	if (z->x + TILE < z->width) {
		z->x = (uint16_t)(z->x + TILE);
	} else {
		z->x = 0;
		if (z->y + TILE >= z->height) {
			z->step = COMPLETE;
			return;
		}
		z->y = (uint16_t)(z->y + TILE);
	}
	tile_begin(z);
}

static void skip(struct zg_zrle *z, uint32_t bytes, enum step then)
{
	z->skip = bytes;
	z->step = SKIP;
	z->then = (uint8_t)then;
}

static void go_on(struct zg_zrle *z, enum step step)
{
	if (step == TILE_END)
		tile_end(z);
	else if (step == COLOUR) /* of a run */
		skip(z, z->pixel, LENGTH);
	else
		z->step = (uint8_t)step;
}

static bool subencoding(struct zg_zrle *z, uint8_t code)
{
	z->run = 0;
	z->at = 0;
	if (code == 0) {
		skip(z, z->pixels * z->pixel, TILE_END);
	} else if (code == 1) {
		skip(z, z->pixel, TILE_END);
	} else if (code <= PACKED_MAX) {
		z->colours = code;
		z->bits = code <= 2 ? 1 : code <= 4 ? 2 : 4;
		skip(z, (uint32_t)code * z->pixel, PACKED);
	} else if (code == PLAIN_RLE) {
		go_on(z, COLOUR);
	} else if (code >= PALETTE_RLE) {
		z->colours = (uint8_t)(code - PLAIN_RLE);
		skip(z, (uint32_t)z->colours * z->pixel, INDEX);
	} else {
		return false;
	}
	return true;
}

/* A byte of packed indexes; what fills up the last one of a row is zero. */
static bool packed(struct zg_zrle *z, uint8_t byte)
{
	const uint32_t width = tile_width(z), in_byte = 8u / z->bits, first = z->at * in_byte;
	const uint32_t used = width - first < in_byte ? width - first : in_byte;
	const uint8_t mask = (uint8_t)((1u << z->bits) - 1);

	for (uint32_t i = 0; i < in_byte; i++) {
		const uint8_t index = (uint8_t)(byte >> (8u - z->bits * (i + 1)) & mask);
		if (index >= (i < used ? z->colours : 1))
			return false;
	}
	z->at++;
	if (first + used < width)
		return true;
	z->at = 0;
	if (--z->rows == 0)
		tile_end(z);
	return true;
}

static bool run_of(struct zg_zrle *z, uint32_t length, enum step next)
{
	if (length > z->pixels)
		return false;
	z->pixels -= length;
	z->run = 0;
	go_on(z, z->pixels == 0 ? TILE_END : next);
	return true;
}

static bool length_of_run(struct zg_zrle *z, uint8_t byte)
{
	z->run += byte;
	if (byte == UINT8_MAX)
		return z->run < z->pixels;
	return run_of(z, z->run + 1, z->then == INDEX ? INDEX : COLOUR);
}

static bool one(struct zg_zrle *z, uint8_t byte)
{
	switch ((enum step)z->step) {
	case SUBENCODING:
		return subencoding(z, byte);
	case PACKED:
		return packed(z, byte);
	case LENGTH:
		return length_of_run(z, byte);
	case INDEX:
		if ((byte & ~RUN_FOLLOWS) >= z->colours)
			return false;
		if (!(byte & RUN_FOLLOWS))
			return run_of(z, 1, INDEX);
		z->step = LENGTH;
		z->then = INDEX;
		return true;
	default:
		return false;
	}
}

void zg_zrle_begin(struct zg_zrle *z, uint16_t width, uint16_t height, uint8_t pixel)
{
	*z = (struct zg_zrle){ .width = width, .height = height, .pixel = pixel };
	tile_begin(z);
}

bool zg_zrle_take(struct zg_zrle *z, const uint8_t *bytes, size_t n)
{
	for (size_t at = 0; at < n;) {
		if (z->step != SKIP) {
			if (!one(z, bytes[at++]))
				return false;
			continue;
		}
		const size_t some = n - at < z->skip ? n - at : z->skip;
		at += some;
		z->skip -= (uint32_t)some;
		if (z->skip == 0)
			go_on(z, (enum step)z->then);
	}
	return true;
}

bool zg_zrle_complete(const struct zg_zrle *z)
{
	return z->step == COMPLETE;
}
