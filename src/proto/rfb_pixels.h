/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The content of a rectangle that came compressed, and whether it is exactly its pixels. */
#ifndef ZONEGATE_PROTO_RFB_PIXELS_H
#define ZONEGATE_PROTO_RFB_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/zrle.h"

enum zg_rfb_pixels_kind {
	ZG_RFB_PIXELS_ANY,     /* so many bytes of any value */
	ZG_RFB_PIXELS_INDEXES, /* so many bytes below colours */
	ZG_RFB_PIXELS_BITS,    /* rows of bits, each filled up with zeros to whole bytes */
	ZG_RFB_PIXELS_TILES,   /* of ZRLE */
};

/* Without pointers: see proto/inflate.h. */
struct zg_rfb_pixels {
	uint8_t kind;
	uint8_t last_mask; /* BITS: of the last byte of a row, what is no pixel */
	uint16_t colours;  /* INDEXES */
	uint16_t row, at;  /* BITS: bytes of a row, and how many of this one came */
	uint32_t left;	   /* bytes; not of TILES */
	struct zg_zrle tiles;
};

void zg_rfb_pixels_bits(struct zg_rfb_pixels *p, uint16_t width, uint16_t height);
/* ctx is a struct zg_rfb_pixels. false: one of the bytes offends, or is one too many. */
bool zg_rfb_pixels_take(void *ctx, const uint8_t *bytes, size_t n);
bool zg_rfb_pixels_complete(const struct zg_rfb_pixels *p);

#endif
