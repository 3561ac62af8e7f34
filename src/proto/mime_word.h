/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encoded words (RFC 2047) in the body of a header field, decoded strictly one octet at a time. Wherever "=?" stands,
 * some reader takes it for the beginning of an encoded word, so it has to be a whole one: a permitted charset, B or Q,
 * whole characters, ASCII designated at the end, no control character in the decoded text.
 *
 * RFC 2047's 75 characters are not asked for: much that sends Japanese mail (PHP, Python's email package) writes longer
 * words, and a reader that does not decode those shows the ASCII that it found, which was checked as well.
 */
#ifndef ZONEGATE_PROTO_MIME_WORD_H
#define ZONEGATE_PROTO_MIME_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/b64.h"
#include "proto/charset.h"
#include "zonegate/reason.h"

#define ZG_WORD_CHARSET_MAX 12 /* characters: longer than any name that is known */

#define ZG_WORD_NOTHING UINT32_MAX

struct zg_word {
	uint32_t shown;	     /* the character that the last octet completed, as a reader shows it, or ZG_WORD_NOTHING ... */
	uint8_t equals_shown; /* ... and '=' before it, which might have begun a word */
	uint8_t stage;
	uint8_t at_boundary; /* an encoded word may begin here */
	uint8_t name_len;
	uint8_t filled;	   /* the encoded text is not empty */
	uint8_t q;	   /* Q, else B */
	uint8_t hex_stage; /* Q: characters after '=' */
	uint8_t hex;
	uint8_t name[ZG_WORD_CHARSET_MAX];
	struct zg_b64 b64;
	struct zg_charset_state charset;
};

/* The body of a field begins. */
void zg_word_begin(struct zg_word *ret_word);
/* The next octet of it, without line ends. charsets: bit per permitted charset. */
enum zg_reason zg_word_feed(struct zg_word *word, uint32_t charsets, uint8_t byte);
/* No encoded word has begun: the last octet alone decides whether one may begin behind it. */
bool zg_word_outside(const struct zg_word *word);
/* A line of the field ends, folded or for good. */
enum zg_reason zg_word_line_end(struct zg_word *word);

#endif
