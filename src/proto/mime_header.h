/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of the header fields that say what a body is (RFC 2045), read so strictly that there is one reading: no
 * comments (but behind MIME-Version), no RFC 2231, no quoted pairs, no parameter twice, nothing left over. A value is what follows the colon,
 * unfolded.
 */
#ifndef ZONEGATE_PROTO_MIME_HEADER_H
#define ZONEGATE_PROTO_MIME_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/charset.h"
#include "zonegate/reason.h"

enum zg_encoding { ZG_ENCODING_7BIT = 0, ZG_ENCODING_8BIT, ZG_ENCODING_QP, ZG_ENCODING_BASE64, ZG_ENCODING_COUNT };

/* Content-Type: text/plain with at most charset, format and delsp. charsets: bit per permitted charset.
 * ret_charset is us-ascii if none is named (RFC 2045 5.2). */
enum zg_reason zg_mime_content_type(const uint8_t *value, size_t len, uint32_t charsets, enum zg_charset *ret_charset);
/* Content-Transfer-Encoding */
enum zg_reason zg_mime_encoding(const uint8_t *value, size_t len, enum zg_encoding *ret_encoding);
/* The value is this one lower-case word (letter case ignored) and nothing else: Content-Disposition. */
bool zg_mime_is(const uint8_t *value, size_t len, const char *word);
/* MIME-Version: 1.0, and behind it at most one comment, as Apple's mailers write. */
bool zg_mime_version(const uint8_t *value, size_t len);
/* Content-Language: tags and commas (RFC 3282). */
bool zg_mime_language(const uint8_t *value, size_t len);

#endif
