/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's replies (RFC 5321 4.2), one octet at a time. In the reply to EHLO every keyword outside the allow-list
 * is overwritten with X from the first octet on that makes it none of the list, so nothing has to be held back.
 */
#ifndef ZONEGATE_PROTO_SMTP_REPLY_H
#define ZONEGATE_PROTO_SMTP_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/smtp_command.h"
#include "zonegate/reason.h"

struct zg_reply {
	uint8_t verb; /* enum zg_verb: what is replied to */
	uint8_t stage;
	uint8_t at;	  /* digits of the code so far */
	uint8_t more;	  /* further lines follow */
	uint8_t later;	  /* this is not the first line */
	uint8_t keywords; /* keywords that this line may still be */
	uint8_t key_at;	  /* octets of it */
	uint8_t key_stage;
	uint8_t offers;	 /* enum zg_offer, of the lines so far */
	uint16_t octets; /* of this line */
	uint8_t code[3];
};

enum zg_reply_step { ZG_REPLY_MORE = 0, ZG_REPLY_END /* that octet was the last of the reply */, ZG_REPLY_BAD };

/* verb: what waited for its reply when the first octet came. */
void zg_reply_begin(struct zg_reply *ret_reply, enum zg_verb verb);
/* The next octet. *octet is overwritten where a keyword is hidden. *ret_reason with BAD. */
enum zg_reply_step zg_reply_octet(struct zg_reply *reply, uint8_t *octet, enum zg_reason *ret_reason);
/* The code of a whole reply. */
unsigned zg_reply_code(const struct zg_reply *reply);

#endif
