/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spans of ordinary text against the octet machine: whatever the message and its cuts, both say the same at the same octet
 * and are in the same state after each chunk.
 *
 * Byte 0: charset (bits 0-2; 7: the input begins with the header), encoding (3-4), the body comes as it is and not encoded
 * here (5), a small max_message (6), no 8BITMIME (7). Byte 1: seed of the cuts. Byte 2: seed of a fault in what was
 * encoded; 0: none. The rest: the body.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/lockstep.h"
#include "proto/charset.h"
#include "proto/mime_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 16384

static size_t encode_base64(const uint8_t *p, size_t len, size_t line_max, uint8_t *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = 0, column = 0;
	for (size_t i = 0; i < len; i += 3) {
		uint32_t group = (uint32_t)p[i] << 16;
		group |= i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0;
		group |= i + 2 < len ? p[i + 2] : 0;
		out[n++] = (uint8_t)alphabet[group >> 18];
		out[n++] = (uint8_t)alphabet[group >> 12 & 63];
		out[n++] = i + 1 < len ? (uint8_t)alphabet[group >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? (uint8_t)alphabet[group & 63] : '=';
		column += 4;
		if (column + 4 <= line_max && i + 3 < len)
			continue;
		column = 0;
		out[n++] = '\r';
		out[n++] = '\n';
	}
	return n;
}

static size_t encode_qp(const uint8_t *p, size_t len, size_t line_max, uint8_t *out)
{
	size_t n = 0, column = 0;
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\r' && i + 1 < len && p[i + 1] == '\n') {
			n += (size_t)sprintf((char *)out + n, "\r\n");
			column = 0;
			i++;
			continue;
		}
		if (column + 4 > line_max) {
			n += (size_t)sprintf((char *)out + n, "=\r\n");
			column = 0;
		}
		const bool end = i + 1 == len || p[i + 1] == '\r', blank = p[i] == ' ' || p[i] == '\t';
		const bool literal = (blank && !end) || (p[i] > 0x20 && p[i] < 0x7F && p[i] != '=' && (p[i] != '.' || column > 0));
		const size_t octets = (size_t)sprintf((char *)out + n, literal ? "%c" : "=%02X", p[i]);
		n += octets;
		column += octets;
	}
	return n;
}

static size_t make_message(const uint8_t *data, size_t size, uint8_t *out)
{
	static const char *const encodings[] = { "7bit", "8bit", "quoted-printable", "base64" };
	const unsigned charset = data[0] & 7, encoding = data[0] >> 3 & 3, seed = data[2];
	const uint8_t *body = data + 3;
	size_t n = 0, len = size - 3;
	if (charset < ZG_CHARSET_COUNT)
		n = (size_t)sprintf((char *)out,
				    "From: <a@b>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=%s\r\n"
				    "Content-Transfer-Encoding: %s\r\n\r\n",
				    zg_charset_words[charset], encodings[encoding]);
	const size_t head = n;
	if (charset >= ZG_CHARSET_COUNT || (data[0] & 0x20) || encoding == ZG_ENCODING_7BIT || encoding == ZG_ENCODING_8BIT) {
		memcpy(out + n, body, len);
		return n + len;
	}
	n += encoding == ZG_ENCODING_QP ? encode_qp(body, len, 76 - seed % 5, out + n) :
					  encode_base64(body, len, 76 - seed % 3 * 8, out + n);
	if (seed > 0 && n > head)
		out[head + seed * 977u % (n - head)] = (uint8_t)(seed * 31u);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t message[BODY_MAX * 4 + 1024];
	static struct lockstep l;
	static const size_t cuts[] = { 0, 17, 70, 300, 1448 };
	if (size < 4 || size > BODY_MAX)
		return 0;
	const struct zg_smtp_config config = {
		.charsets = 31,
		.max_message = data[0] & 0x40 ? 700 : ZG_SMTP_MESSAGE_MAX,
		.max_recipients = 100,
	};
	size_t len = make_message(data, size, message);
	memcpy(message + len, "\r\n.\r\nQUIT\r\n", 11);
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		lockstep_begin(&l, &config);
		const char *fault = lockstep_until_data(&l, !(data[0] & 0x80));
		if (fault == NULL)
			fault = lockstep_give_cut(&l, ZG_CLIENT, message, len + 11, cuts[i], data[1] + (uint32_t)i);
		if (fault != NULL) {
			fprintf(stderr, "fuzz_smtp_span: %s, cut %zu, at %zu\n", fault, cuts[i], l.at);
			abort();
		}
	}
	return 0;
}
