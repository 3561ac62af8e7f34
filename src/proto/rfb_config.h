/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rfb inspector's settings, as the table of items in rfb.c describes them. */
#ifndef ZONEGATE_PROTO_RFB_CONFIG_H
#define ZONEGATE_PROTO_RFB_CONFIG_H

#include <stdint.h>

/* The order is that of the configuration's words. */
enum zg_rfb_clipboard { ZG_RFB_CLIPBOARD_BLANK = 0, ZG_RFB_CLIPBOARD_KILL };
enum zg_rfb_view_only { ZG_RFB_VIEW_ONLY_OFF = 0, ZG_RFB_VIEW_ONLY_BLANK, ZG_RFB_VIEW_ONLY_KILL };
enum zg_rfb_name { ZG_RFB_NAME_ASCII = 0, ZG_RFB_NAME_BLANK };

struct zg_rfb_config {
	uint32_t clipboard_to_server; /* enum zg_rfb_clipboard */
	uint32_t clipboard_to_client; /* the same */
	uint32_t desktop_name;	      /* enum zg_rfb_name */
	uint32_t view_only;	      /* enum zg_rfb_view_only: nothing that is typed or pointed at reaches the server */
};

#endif
