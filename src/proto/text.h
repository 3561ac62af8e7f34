/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the decoded text of a mail may be (zonegate-inspectors(7)): valid in its charset, no control characters, nothing
 * that reorders or hides the text, no line that makes a mail reader cut a file out of it.
 */
#ifndef ZONEGATE_PROTO_TEXT_H
#define ZONEGATE_PROTO_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/charset.h"
#include "zonegate/reason.h"

#define ZG_TEXT_MARKS 7 /* rows of the table of lines that begin a file */

struct zg_text {
	struct zg_charset_state charset;
	uint8_t cr;	/* the last character was CR */
	uint8_t indent; /* only blanks so far in this line */
	uint8_t live;	/* bit i: the line may still be mark i */
	uint8_t at;	/* characters of the marks that are live */
	uint8_t uu;	/* state of "begin 644 name" */
};

/* A control character (tab and line ends are the caller's), byte order mark, bidirectional embedding, override or
 * isolate, line or paragraph separator, or no character at all. */
bool zg_char_forbidden(uint32_t ch);

void zg_text_begin(struct zg_text *ret_text, enum zg_charset charset);
/* The next octet of the decoded text; ZG_R_NONE or why not. A line ends with CRLF, or with LF alone, which encoders of
 * base64 on Unix leave: whether one reader sees a line end there or not, both readings are checked. */
enum zg_reason zg_text_feed(struct zg_text *text, uint8_t byte);
/* The text ends here. */
enum zg_reason zg_text_end(const struct zg_text *text);

#endif
