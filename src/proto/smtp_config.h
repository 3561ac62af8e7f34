/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smtp inspector's settings, as the table of items in smtp.c describes them. */
#ifndef ZONEGATE_PROTO_SMTP_CONFIG_H
#define ZONEGATE_PROTO_SMTP_CONFIG_H

#include <stdint.h>

#include "zonegate/item.h"
#include "zonegate/limits.h"

/* The order is that of the configuration's words. */
enum zg_smtp_mode { ZG_SMTP_VERIFY = 0, ZG_SMTP_TEXTIFY };
enum zg_smtp_links { ZG_SMTP_LINKS_ALLOW = 0, ZG_SMTP_LINKS_DEFUSED, ZG_SMTP_LINKS_REFUSE };
enum zg_smtp_attachments { ZG_SMTP_BLANK = 0, ZG_SMTP_REFUSE };
/* Of one kind of part: as of attachments, or 1 + enum zg_smtp_attachments. */
enum zg_smtp_kind_rule { ZG_SMTP_KIND_AS_ATTACHMENTS = 0, ZG_SMTP_KIND_BLANK, ZG_SMTP_KIND_REFUSE };

/* Parts that are no text, as an administrator tells them apart. */
enum zg_part_kind {
	ZG_PART_OTHER = 0, /* files, and whatever is attached */
	ZG_PART_IMAGE,	   /* shown within the text, not attached */
	ZG_PART_CALENDAR,
	ZG_PART_TNEF,
	ZG_PART_SIGNED, /* S/MIME, PGP: signatures and what is encrypted */
	ZG_PART_MESSAGE,
	ZG_PART_KINDS
};

struct zg_smtp_config {
	uint32_t mode;		 /* enum zg_smtp_mode */
	uint32_t charsets;	 /* bit per enum zg_charset */
	uint32_t max_message;	 /* octets of one message, dot-stuffing and end of data not counted */
	uint32_t max_recipients; /* RCPT commands per message */
	uint32_t links;		 /* verify: enum zg_smtp_links */
	uint32_t attachments;	 /* textify: enum zg_smtp_attachments */
	uint32_t kinds[ZG_PART_KINDS]; /* textify: enum zg_smtp_kind_rule; of ZG_PART_OTHER none */
	uint32_t max_depth;	 /* textify: multiparts within each other */
	struct zg_item_list subject_tag;       /* one, printable ASCII, with which the subject begins; none: with anything */
	struct zg_item_list sender_domains;    /* of MAIL and of RCPT, in small letters; none: all. See smtp_domain.h */
	struct zg_item_list recipient_domains;
	uint8_t names; /* textify: of a file that is blanked the name stays, as text */
};

#endif
