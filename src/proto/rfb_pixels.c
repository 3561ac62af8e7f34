/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/rfb_pixels.h"

void zg_rfb_pixels_bits(struct zg_rfb_pixels *p, uint16_t width, uint16_t height)
{
	const uint16_t row = (uint16_t)((width + 7u) / 8);

	*p = (struct zg_rfb_pixels){
		.kind = ZG_RFB_PIXELS_BITS,
		.row = row,
		.last_mask = (uint8_t)((1u << (row * 8u - width)) - 1),
		.left = (uint32_t)row * height,
	};
}

static bool below(const uint8_t *bytes, size_t n, uint16_t colours)
{
	uint8_t largest = 0;
	for (size_t i = 0; i < n; i++)
		largest = bytes[i] > largest ? bytes[i] : largest;
	return largest < colours;
}

static bool rows(struct zg_rfb_pixels *p, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (++p->at < p->row)
			continue;
		p->at = 0;
		if (bytes[i] & p->last_mask)
			return false;
	}
	return true;
}

bool zg_rfb_pixels_take(void *ctx, const uint8_t *bytes, size_t n)
{
	struct zg_rfb_pixels *p = ctx;

	if (p->kind == ZG_RFB_PIXELS_TILES)
		return zg_zrle_take(&p->tiles, bytes, n);
	if (n > p->left)
		return false;
	p->left -= (uint32_t)n;
	switch ((enum zg_rfb_pixels_kind)p->kind) {
	case ZG_RFB_PIXELS_INDEXES:
		return below(bytes, n, p->colours);
	case ZG_RFB_PIXELS_BITS:
		return rows(p, bytes, n);
	default:
		return true;
	}
}

bool zg_rfb_pixels_complete(const struct zg_rfb_pixels *p)
{
	return p->kind == ZG_RFB_PIXELS_TILES ? zg_zrle_complete(&p->tiles) : p->left == 0;
}
