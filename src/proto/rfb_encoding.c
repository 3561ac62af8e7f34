/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The encodings that may pass, by their numbers (RFC 6143 7.7, and the register of the community's protocol description). */
#include "proto/rfb.h"

static const struct {
	int32_t first, last;
	enum zg_rfb_encoding encoding;
} known[] = {
	{ 0, 0, ZG_RFB_RAW },
	{ 1, 1, ZG_RFB_COPYRECT },
	{ 2, 2, ZG_RFB_RRE },
	{ 4, 4, ZG_RFB_CORRE },
	{ 5, 5, ZG_RFB_HEXTILE },
	{ 6, 6, ZG_RFB_ZLIB },
	{ 7, 7, ZG_RFB_TIGHT },
	{ 16, 16, ZG_RFB_ZRLE },
	{ -223, -223, ZG_RFB_DESKTOP_SIZE },
	{ -224, -224, ZG_RFB_LAST_RECT },
	{ -232, -232, ZG_RFB_POINTER_POS },
	{ -239, -239, ZG_RFB_CURSOR },
	{ -240, -240, ZG_RFB_XCURSOR },
	{ -255, -247, ZG_RFB_LEVEL }, /* not 0, with which LibVNCServer sends Tight without zlib, which few can read */
	{ -307, -307, ZG_RFB_DESKTOP_NAME },
	{ -308, -308, ZG_RFB_EXTENDED_SIZE },
};

enum zg_rfb_encoding zg_rfb_encoding(uint32_t code)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if ((int32_t)code >= known[i].first && (int32_t)code <= known[i].last)
			return known[i].encoding;
	return ZG_RFB_ENCODINGS;
}
