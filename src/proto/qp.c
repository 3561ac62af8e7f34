/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/qp.h"

#include "proto/ascii.h"

/* Values of the digits, and a bit that says that it is one. */
static const uint8_t digits[256] = {
	['0'] = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, ['A'] = 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F,
};

int zg_qp_feed(struct zg_qp *qp, uint8_t c, uint8_t *ret_out)
{
	if (qp->column >= ZG_QP_LINE_MAX)
		return -1;
	qp->column++;
	qp->soft = 0;
	qp->blank = 0;
	int digit = zg_ascii_hex(c);
	switch (qp->stage) {
	case 1:
		qp->high = (uint8_t)digit;
		qp->stage = 2;
		return digit < 0 ? -1 : 0;
	case 2:
		qp->stage = 0;
		if (digit < 0)
			return -1;
		*ret_out = (uint8_t)(qp->high << 4 | digit);
		return 1;
	default:
		break;
	}
	if (c == '=') {
		qp->stage = 1;
		return 0;
	}
	qp->blank = zg_ascii_blank(c);
	if (!qp->blank && !zg_ascii_visible(c))
		return -1;
	*ret_out = c;
	return 1;
}

size_t zg_qp_run(struct zg_qp *qp, struct zg_rd *in, uint8_t *ret_out)
{
	size_t n = 0;
	if (qp->stage != 0 || qp->column >= ZG_QP_LINE_MAX)
		return 0;
	const size_t room = ZG_QP_LINE_MAX - (size_t)qp->column, left = zg_rd_left(in), max = left < room ? left : room;
	struct zg_rd ahead = *in;
	const uint8_t *c = zg_rd_bytes(&ahead, max);
	size_t at = 0;
	while (at < max) {
		if (c[at] != '=') {
			if (!zg_ascii_visible(c[at]) && !zg_ascii_blank(c[at]))
				break;
			ret_out[n++] = c[at++];
			continue;
		}
		if (max - at < 3)
			break;
		const unsigned high = digits[c[at + 1]], low = digits[c[at + 2]];
		if (!(high & low & 0x10))
			break;
		ret_out[n++] = (uint8_t)(high << 4 | (low & 0x0F));
		at += 3;
	}
	if (at == 0)
		return 0;
	qp->column = (uint8_t)(qp->column + at);
	qp->soft = 0;
	qp->blank = zg_ascii_blank(c[at - 1]);
	zg_rd_skip(in, at);
	return n;
}

int zg_qp_line_end(struct zg_qp *qp)
{
	if (qp->blank || qp->stage == 2)
		return -1;
	qp->soft = qp->stage == 1;
	qp->stage = 0;
	qp->column = 0;
	return !qp->soft;
}

bool zg_qp_whole(const struct zg_qp *qp)
{
	return qp->stage == 0 && !qp->soft;
}
