/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smtp inspector's settings, as the table of items in smtp.c describes them. */
#ifndef ZONEGATE_PROTO_SMTP_CONFIG_H
#define ZONEGATE_PROTO_SMTP_CONFIG_H

#include <stdint.h>

struct zg_smtp_config {
	uint32_t mode;		 /* 0 = verify */
	uint32_t charsets;	 /* bit per enum zg_charset */
	uint32_t max_message;	 /* octets of one message, dot-stuffing and end of data not counted */
	uint32_t max_recipients; /* RCPT commands per message */
};

#endif
