/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of a message (RFC 5322 2.2, 3.6) and what it says about the body. One octet at a time, dot-stuffing
 * already removed. A field is judged when it is known to be over, that is at the first octet of the next line, which is
 * before any octet of the body.
 */
#ifndef ZONEGATE_PROTO_SMTP_HEADER_H
#define ZONEGATE_PROTO_SMTP_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/mime_field.h"
#include "proto/mime_header.h"
#include "proto/mime_word.h"
#include "proto/smtp_config.h"
#include "zonegate/limits.h"
#include "zonegate/rd.h"

#define ZG_HEADER_NAME_KEPT 36 /* octets of a field name: longer than any name that is looked for */

struct zg_header {
	uint8_t stage;
	uint8_t field;	      /* row of the table of fields, or none */
	uint8_t name_len;     /* no more than ZG_HEADER_NAME_KEPT + 1 */
	uint8_t continuation; /* this line continues a field */
	uint8_t blank;	      /* only blanks so far in this line */
	uint8_t content;      /* a Content-* field was there */
	uint8_t charset;      /* enum zg_charset */
	uint8_t encoding;     /* enum zg_encoding */
	uint8_t part;	      /* of a part of a multipart, not of the message */
	uint8_t tag_at;	      /* characters of the subject's tag that were there */
	uint8_t tag_missed;   /* it begins otherwise */
	uint8_t rewritten;    /* textify: what the fields say about the content is the caller's to read (mime_field.h) */
	uint32_t seen;	      /* bit per row of the table */
	uint32_t octets;
	uint32_t fields;
	uint16_t value_len;
	uint8_t name[ZG_HEADER_NAME_KEPT]; /* lower case */
	struct zg_word word;
	uint8_t value[ZG_SMTP_FIELD_MAX]; /* of a field that has to be understood, unfolded */
};

/* As item->check, of the subject's tag. */
const char *zg_header_check_tag(char *text);
void zg_header_begin(struct zg_header *ret_header);
/* Which of the fields that the caller rewrites is being read. */
enum zg_field_kind zg_header_rewritten(const struct zg_header *header);
/* An octet of the Message-ID was the last. */
bool zg_header_in_message_id(const struct zg_header *header);
/* The next octet begins a line. */
bool zg_header_at_line(const struct zg_header *header);
/* The next octet of a line. */
enum zg_reason zg_header_octet(struct zg_header *header, const struct zg_smtp_config *config, uint8_t octet);
/* Takes a beginning of the block that is certainly ordinary, and says how long it is; not necessarily the longest. */
size_t zg_header_block(struct zg_header *header, const struct zg_smtp_config *config,
		       const uint8_t block[static ZG_RD_BLOCK]);
/* The line ends. *ret_over: it was the empty line that ends the header. */
enum zg_reason zg_header_line_end(struct zg_header *header, const struct zg_smtp_config *config, bool *ret_over);
/* The message ends within the header, at the beginning of a line. */
enum zg_reason zg_header_cut(struct zg_header *header, const struct zg_smtp_config *config);

#endif
