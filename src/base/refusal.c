/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/refusal.h"

#include <stdio.h>
#include <string.h>

/* RFC 8446 6.2: what the client's people see. */
static uint8_t alert_of(enum zg_reason reason)
{
	static const struct {
		enum zg_reason reason;
		uint8_t alert;
	} rows[] = {
		{ ZG_R_TLS_RECORD, 10 },       /* unexpected_message */
		{ ZG_R_TLS_LENGTH, 22 },       /* record_overflow */
		{ ZG_R_TLS_VERSION, 70 },      /* protocol_version */
		{ ZG_R_TLS_HANDSHAKE, 10 },    /* unexpected_message */
		{ ZG_R_TLS_HELLO, 50 },	       /* decode_error */
		{ ZG_R_TLS_COMPRESSION, 47 },  /* illegal_parameter */
		{ ZG_R_TLS_NO_NAME, 112 },     /* unrecognized_name */
		{ ZG_R_TLS_NAME_FORM, 112 },
		{ ZG_R_TLS_NAME, 112 },
		{ ZG_R_TLS_ALPN, 120 },	       /* no_application_protocol */
		{ ZG_R_TLS_TWICE, 47 },
		{ ZG_R_TLS_CHANGED, 47 },
		{ ZG_R_TLS_EARLY_DATA, 10 },   /* at this Firefox goes on without, at 49 it gives up */
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].reason == reason)
			return rows[i].alert;
	return 49; /* access_denied */
}

/* One record of type alert, level fatal; not text, and with NULs. */
static size_t tls_alert(enum zg_reason reason, char *buf)
{
	const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, alert_of(reason) };

	memcpy(buf, alert, sizeof alert);
	return sizeof alert;
}

/* The precisions keep every text within the buffer, whatever the table of reasons says. */
static size_t smtp_554(enum zg_reason reason, char buf[static ZG_REFUSAL_MAX])
{
	const int n = snprintf(buf, ZG_REFUSAL_MAX, "554 5.7.1 zonegate: %.110s (%.40s)\r\n", zg_reason_text(reason),
			       zg_reason_name(reason));
	return n > 0 && n < ZG_REFUSAL_MAX ? (size_t)n : 0;
}

/* zeros: how a version says "no security type". */
static size_t rfb_failure(size_t zeros, enum zg_reason reason, char buf[static ZG_REFUSAL_MAX])
{
	const size_t head = zeros + 4;
	const int n = snprintf(buf + head, ZG_REFUSAL_MAX - head, "zonegate: %.110s (%.40s)", zg_reason_text(reason),
			       zg_reason_name(reason));
	if (n <= 0 || (size_t)n >= ZG_REFUSAL_MAX - head)
		return 0;
	memset(buf, 0, head);
	buf[head - 1] = (char)(unsigned char)n;
	return head + (size_t)n;
}

_Static_assert(ZG_REFUSAL_MAX <= UINT8_MAX, "a length in one byte");

size_t zg_refusal_text(enum zg_refusal refusal, enum zg_reason reason, char buf[static ZG_REFUSAL_MAX])
{
	size_t len = 0;

	if (refusal == ZG_REFUSAL_SMTP_554)
		len = smtp_554(reason, buf);
	else if (refusal == ZG_REFUSAL_TLS_ALERT)
		len = tls_alert(reason, buf);
	else if (refusal == ZG_REFUSAL_RFB_33)
		len = rfb_failure(4, reason, buf);
	else if (refusal == ZG_REFUSAL_RFB)
		len = rfb_failure(1, reason, buf);
	if (len == 0)
		buf[0] = '\0';
	return len;
}
