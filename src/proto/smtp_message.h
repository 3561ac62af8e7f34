/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One message between "354" and the end of data (RFC 5321 4.1.1.4, 4.5.2), one octet of the wire at a time: lines,
 * dot-stuffing, header, body. The end of data is CRLF.CRLF and nothing that resembles it passes.
 */
#ifndef ZONEGATE_PROTO_SMTP_MESSAGE_H
#define ZONEGATE_PROTO_SMTP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/b64.h"
#include "proto/link.h"
#include "proto/qp.h"
#include "proto/smtp_config.h"
#include "proto/smtp_header.h"
#include "proto/smtp_textify.h"
#include "proto/text.h"
#include "zonegate/rd.h"
#include "zonegate/reason.h"

/* Where in a line of the wire. */
enum zg_message_line { ZG_LINE_BEGIN = 0, ZG_LINE_DOT, ZG_LINE_DOT_CR, ZG_LINE_WITHIN, ZG_LINE_CR };

struct zg_message {
	uint8_t line;	   /* enum zg_message_line */
	uint8_t body;	   /* the header is over */
	uint8_t eight_bit; /* octets above 0x7F may be sent as they are */
	uint16_t column;   /* octets in this line, without the stuffed dot */
	uint32_t octets;   /* of the message so far */
	struct zg_header header;
	struct zg_text text;
	struct zg_text undecoded; /* quoted-printable as it came */
	struct zg_qp qp;
	struct zg_b64 b64;
	struct zg_link link; /* of the text */
	struct zg_textify textify; /* in that mode */
};

enum zg_message_step {
	ZG_MESSAGE_MORE = 0,
	ZG_MESSAGE_END,	   /* that octet ended the data */
	ZG_MESSAGE_REFUSE, /* the octet offends; the sender's end of data is beyond doubt, see zg_message_drain */
	ZG_MESSAGE_BROKEN, /* the octet offends; where the message ends depends on who reads it */
};

/* eight_bit: the server takes octets above 0x7F (8BITMIME) and the client did not promise to send none. */
void zg_message_begin(struct zg_message *ret_message, const struct zg_smtp_config *config, bool eight_bit);
/* The octet that in shows. textify: *octet is what goes on in its place, and what is held may be amended. */
enum zg_message_step zg_message_octet(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in,
				      uint8_t *octet, enum zg_reason *ret_reason);

/* --- for smtp_textify.c: the text of a part as verify reads it --------------------------------------------------- */

/* The header is over: text in its charset and encoding begins. */
void zg_message_text_begin(struct zg_message *message);
/* An octet of its line. *ret_decoded: the octet of the text that came out of it; -1: none. */
enum zg_reason zg_message_text_octet(struct zg_message *message, uint8_t octet, int *ret_decoded);
enum zg_reason zg_message_text_line_end(struct zg_message *message);
/* It may end here, at the beginning of a line. */
enum zg_reason zg_message_text_end(const struct zg_message *message);

#define ZG_MESSAGE_SPAN_MIN 16 /* octets: for fewer it is not worth asking */

/* Many octets at once: consumes of in what is certainly ordinary, exactly as zg_message_octet would have taken it octet by
 * octet, which has the rest. False: an octet of in will be refused, so there is no use in asking again for this in. */
bool zg_message_span(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in);
/* After REFUSE: what the client still sends, beginning with the octet that was refused. END when its end of data
 * has come, or something after which nobody can say where that is. */
enum zg_message_step zg_message_drain(struct zg_message *message, uint8_t octet);

#endif
