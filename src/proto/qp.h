/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict quoted-printable (RFC 2045 6.7), one character in, at most one octet out: upper-case hexadecimal, lines of
 * 76, no blank at a line's end, no soft break as the last thing of the body.
 */
#ifndef ZONEGATE_PROTO_QP_H
#define ZONEGATE_PROTO_QP_H

#include <stdbool.h>
#include <stdint.h>

#include "zonegate/rd.h"

#define ZG_QP_LINE_MAX 76 /* characters without line end, RFC 2045 6.7 (5) */

struct zg_qp {
	uint8_t stage;	/* 0 text, 1 after '=', 2 after '=' and one digit */
	uint8_t high;	/* that digit's value */
	uint8_t blank;	/* the last character was a literal space or tab */
	uint8_t soft;	/* the last line ended with a soft break */
	uint8_t column; /* characters in this line */
};

/* 1: *ret_out is the next octet; 0: none yet; -1: not quoted-printable. */
int zg_qp_feed(struct zg_qp *qp, uint8_t c, uint8_t *ret_out);
/* The same for many: characters that mean themselves and whole "=XX", none but in this line. Consumes them, writes at most
 * as many octets as it consumes and ZG_QP_LINE_MAX, and returns how many. What stops it is left to zg_qp_feed. */
size_t zg_qp_run(struct zg_qp *qp, struct zg_rd *in, uint8_t *ret_out);
/* A line ends here. 1: a line end of the text; 0: a soft break, the text's line goes on; -1: malformed. */
int zg_qp_line_end(struct zg_qp *qp);
/* The body may end here, after a line end. */
bool zg_qp_whole(const struct zg_qp *qp);

#endif
