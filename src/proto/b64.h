/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict base64 (RFC 2045 6.8, RFC 4648 3.5), one character in, at most one octet out.
 * A line holds whole groups of four; padding ends the data; unused bits are zero. Lenient decoders differ on
 * everything beyond that, so it is refused.
 */
#ifndef ZONEGATE_PROTO_B64_H
#define ZONEGATE_PROTO_B64_H

#include <stdbool.h>
#include <stdint.h>

#include "zonegate/rd.h"

#define ZG_B64_LINE_MAX 76 /* characters of a body's line without line end, RFC 2045 6.8; for the caller to check */

struct zg_b64 {
	uint8_t n;	/* characters of the group so far, 0-3 */
	uint8_t bits;	/* the last character's value */
	uint8_t pad;	/* '=' still to come in this group */
	uint8_t ended;	/* padding or an empty line was seen: no more data */
	uint8_t filled; /* this line is not empty */
};

#define ZG_B64_NO_VALUE 0x80u

/* What a character of the alphabet stands for, else ZG_B64_NO_VALUE; and the other way, of the lower six bits. */
uint8_t zg_b64_value(uint8_t c);
uint8_t zg_b64_char(unsigned value);

#define ZG_B64_SLACK 4 /* octets */

/* 1: *ret_out is the next octet; 0: none yet; -1: not base64. */
int zg_b64_feed(struct zg_b64 *b64, uint8_t c, uint8_t *ret_out);
/* Whole groups without padding, as many as there are but no more than max, where a group may begin: consumes 4 octets for
 * each and writes 3, and behind these up to ZG_B64_SLACK more, of no meaning. Returns the number of groups; what stops it is
 * left to zg_b64_feed. */
size_t zg_b64_groups(struct zg_b64 *b64, struct zg_rd *in, size_t max, uint8_t *ret_out);
/* A line of the body ends here (not used in encoded words). */
bool zg_b64_line_end(struct zg_b64 *b64);
/* The data may end here. */
bool zg_b64_whole(const struct zg_b64 *b64);

#endif
