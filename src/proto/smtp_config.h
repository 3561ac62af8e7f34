/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smtp inspector's settings, as the table of items in smtp.c describes them. */
#ifndef ZONEGATE_PROTO_SMTP_CONFIG_H
#define ZONEGATE_PROTO_SMTP_CONFIG_H

#include <stdint.h>

/* The order is that of the configuration's words. */
enum zg_smtp_mode { ZG_SMTP_VERIFY = 0, ZG_SMTP_TEXTIFY };
enum zg_smtp_attachments { ZG_SMTP_BLANK = 0, ZG_SMTP_REFUSE };

struct zg_smtp_config {
	uint32_t mode;		 /* enum zg_smtp_mode */
	uint32_t charsets;	 /* bit per enum zg_charset */
	uint32_t max_message;	 /* octets of one message, dot-stuffing and end of data not counted */
	uint32_t max_recipients; /* RCPT commands per message */
	uint32_t attachments;	 /* textify: enum zg_smtp_attachments */
	uint32_t max_depth;	 /* textify: multiparts within each other */
};

#endif
