/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a pixel format decides how many bytes follow (RFC 6143 7.4). */
#ifndef ZONEGATE_PROTO_RFB_FORMAT_H
#define ZONEGATE_PROTO_RFB_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#define ZG_RFB_FORMAT_LEN 16 /* bytes, three of them padding at the end */

/* Sizes in bytes; 0: not read alike by all programs. */
struct zg_rfb_format {
	uint8_t pixel;
	uint8_t cpixel; /* of ZRLE */
	uint8_t tpixel; /* of Tight */
	bool mapped;	/* pixels are numbers in a colour map */
};

/* false: malformed; *ret_format is untouched then. */
bool zg_rfb_format(const uint8_t bytes[static ZG_RFB_FORMAT_LEN], struct zg_rfb_format *ret_format);

/* Are pixels of the same sizes? */
static inline bool zg_rfb_format_same(const struct zg_rfb_format *a, const struct zg_rfb_format *b)
{
	return a->pixel == b->pixel && a->cpixel == b->cpixel && a->tpixel == b->tpixel;
}

#endif
