/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/refusal.h"

#include <stdio.h>
#include <string.h>

size_t zg_refusal_text(enum zg_refusal refusal, enum zg_reason reason, char buf[static ZG_REFUSAL_MAX])
{
	buf[0] = '\0';
	if (refusal != ZG_REFUSAL_SMTP_554)
		return 0;
	/* the precisions keep the line end in place whatever the table of reasons says */
	int n = snprintf(buf, ZG_REFUSAL_MAX, "554 5.7.1 zonegate: %.110s (%.40s)\r\n", zg_reason_text(reason),
			 zg_reason_name(reason));
	if (n <= 0 || n >= ZG_REFUSAL_MAX) {
		buf[0] = '\0';
		return 0;
	}
	return (size_t)n;
}
