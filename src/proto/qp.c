/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/qp.h"

#include "proto/ascii.h"

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
