/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The content of a ZRLE rectangle (RFC 6143 7.7.6): tiles of 64 x 64 pixels. */
#ifndef ZONEGATE_PROTO_ZRLE_H
#define ZONEGATE_PROTO_ZRLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zg_zrle {
	uint16_t width, height; /* of the rectangle */
	uint16_t x, y;		/* of the tile */
	uint8_t pixel;		/* bytes of a CPIXEL */
	uint8_t step, then;
	uint8_t colours; /* of the tile's palette */
	uint8_t bits;	 /* of an index in it */
	uint8_t at;	 /* bytes of a row of packed indexes that came */
	uint16_t rows;	 /* of packed indexes that are still to come */
	uint32_t pixels; /* of the tile that are still to come */
	uint32_t skip;	 /* bytes that may have any value, and then comes then */
	uint32_t run;	 /* pixels of this run so far */
};

/* Both sides > 0; pixel: 1 .. 4 bytes. */
void zg_zrle_begin(struct zg_zrle *z, uint16_t width, uint16_t height, uint8_t pixel);
/* false: one of the bytes is no part of a valid rectangle, or lies behind its end. */
bool zg_zrle_take(struct zg_zrle *z, const uint8_t *bytes, size_t n);
bool zg_zrle_complete(const struct zg_zrle *z);

#endif
