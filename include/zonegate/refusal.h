/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a refused client is told. The engine needs the length, to count sequence numbers; the gate sends the text. */
#ifndef ZONEGATE_REFUSAL_H
#define ZONEGATE_REFUSAL_H

#include <stddef.h>

#include "zonegate/inspector.h"
#include "zonegate/reason.h"

#define ZG_REFUSAL_MAX 200 /* bytes with NUL: a reply line with a reason's text and name */

/* "554 5.7.1 zonegate: <reason text> (<reason name>)
" (RFC 5321 4.2.1, RFC 3463), ASCII; or the octets of a TLS alert (RFC
 * 8446 6); or security type 0 and the reason with its length before it (RFC 6143 7.1.2, A.1). Returns the length without a NUL at
 * the end; 0 and an empty string where the refusal has no text or is unknown. */
size_t zg_refusal_text(enum zg_refusal refusal, enum zg_reason reason, char buf[static ZG_REFUSAL_MAX]);

#endif
