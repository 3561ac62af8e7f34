/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/rfb_format.h"

#include "zonegate/rd.h"

struct channel {
	uint32_t max, shift;
};

/* max is 2^n - 1, the field lies within bits, and none of the others is in it. */
static bool channel_ok(const struct channel *c, uint32_t bits, uint32_t *taken)
{
	uint64_t field = (uint64_t)c->max << (c->shift & 31);

	if (c->max == 0 || (c->max & (c->max + 1)) != 0 || c->shift >= bits || field >> bits != 0 || (field & *taken) != 0)
		return false;
	*taken |= (uint32_t)field;
	return true;
}

/* A CPIXEL has three bytes if all colours lie in the first or the last three. The RFC asks for a depth of at most 24 too,
 * which some programs do not look at. */
static uint8_t cpixel(uint32_t taken, uint32_t depth)
{
	if (taken >> 24 != 0 && (taken & 0xff) != 0)
		return 4;
	return depth <= 24 ? 3 : 0;
}

/* A TPIXEL has three bytes if the depth is 24 and each colour has a byte's values; gtk-vnc looks at the depth only, and not all
 * programs let a colour lie across bytes. */
static uint8_t tpixel(const struct channel c[static 3], uint32_t depth)
{
	if (depth != 24)
		return 4;
	if (c[0].max != 255 || c[1].max != 255 || c[2].max != 255)
		return 0;
	return ((c[0].shift | c[1].shift | c[2].shift) & 7) == 0 ? 3 : 0;
}

bool zg_rfb_format(const uint8_t bytes[static ZG_RFB_FORMAT_LEN], struct zg_rfb_format *ret_format)
{
	struct zg_rd rd = zg_rd_init(bytes, ZG_RFB_FORMAT_LEN);
	const uint32_t bits = zg_rd_u8(&rd), depth = zg_rd_u8(&rd);
	zg_rd_skip(&rd, 1); /* the order of bytes */
	const bool colours = zg_rd_u8(&rd) != 0; /* LibVNCServer says 255 */
	struct channel c[3];
	uint32_t taken = 0;

	for (int i = 0; i < 3; i++)
		c[i].max = zg_rd_be16(&rd);
	for (int i = 0; i < 3; i++)
		c[i].shift = zg_rd_u8(&rd);
	if ((bits != 8 && bits != 16 && bits != 32) || depth == 0 || depth > bits)
		return false;
	const uint8_t pixel = (uint8_t)(bits / 8);
	struct zg_rfb_format format = { pixel, pixel, pixel, !colours };
	if (!colours) {
		if (bits != 8)
			return false;
		*ret_format = format;
		return true;
	}
	for (int i = 0; i < 3; i++)
		if (!channel_ok(&c[i], bits, &taken))
			return false;
	if (bits == 32) {
		format.cpixel = cpixel(taken, depth);
		format.tpixel = tpixel(c, depth);
	}
	*ret_format = format;
	return true;
}
