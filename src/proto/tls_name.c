/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/tls_name.h"

#include <string.h>

#include "zonegate/limits.h"

#define DIGEST_DIGITS 64u /* of SHA-256 */
#define LABEL_MAX 63u /* octets, RFC 1035 2.3.4 */

/* 0 = has no place in a name. */
static bool in_label(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool label_good(const uint8_t *label, size_t len)
{
	if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!in_label(label[i]))
			return false;
	return true;
}

/* As a last label it makes an IPv4 address of the name (RFC 3696 2), for those too who read 0x7f000001 as one. */
static bool label_is_number(const uint8_t *label, size_t len)
{
	const bool hex = len >= 2 && label[0] == '0' && label[1] == 'x';

	for (size_t i = hex ? 2 : 0; i < len; i++)
		if (!(label[i] >= '0' && label[i] <= '9') && !(hex && label[i] >= 'a' && label[i] <= 'f'))
			return false;
	return true;
}

bool zg_tls_name_good(const uint8_t *name, size_t len)
{
	bool number = true;

	if (len == 0 || len > ZG_TLS_NAME_MAX)
		return false;
	for (size_t at = 0; at <= len;) {
		const uint8_t *dot = at < len ? memchr(name + at, '.', len - at) : NULL;
		const size_t n = dot != NULL ? (size_t)(dot - name) - at : len - at;
		if (!label_good(name + at, n))
			return false;
		number = label_is_number(name + at, n);
		at += n + 1;
	}
	return !number;
}

bool zg_tls_name_listed(const void *config, const struct zg_item_list *list, const uint8_t *name, size_t len)
{
	const uint8_t *dot = memchr(name, '.', len), *text;
	const size_t label = dot != NULL ? (size_t)(dot - name) : len;
	struct zg_item_list cursor = { 0 };
	size_t n;

	while (zg_item_list_next(config, list, &cursor, &text, &n)) {
		const bool any = n > 1 && text[0] == '*';
		const size_t skip = any ? label : 0;
		if (n - any == len - skip && memcmp(text + any, name + skip, len - skip) == 0)
			return true;
	}
	return false;
}

int zg_tls_alpn_place(const void *config, const struct zg_item_list *list, const uint8_t *id, size_t len)
{
	struct zg_item_list cursor = { 0 };
	const uint8_t *text;
	size_t n;

	while (zg_item_list_next(config, list, &cursor, &text, &n))
		if (n == len && memcmp(text, id, n) == 0)
			return (int)cursor.n - 1;
	return -1;
}

const char *zg_tls_check_name(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		*c = (char)zg_tls_small((uint8_t)*c);
	const bool any = text[0] == '*' && text[1] == '.';
	const char *name = any ? text + 2 : text;
	if (strchr(name, '*') != NULL)
		return "\"*.\" may stand at the beginning, for one label: \"*.example.jp\"";
	if (!zg_tls_name_good((const uint8_t *)name, strlen(name)))
		return "write a name as clients send it, \"www.example.jp\", without a last dot; Japanese ones as \"xn--...\"; an "
		       "address is no name";
	return any && strchr(name, '.') == NULL ? "\"*.\" and one label would permit half of the Internet: write \"*.example.jp\"" : NULL;
}

const char *zg_tls_check_alpn(char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return "write the identifier that IANA has registered: \"h2\", \"http/1.1\"";
	return NULL;
}

static bool is_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

const char *zg_tls_check_digest(char *text)
{
	static const char wanted[] = "write the 64 digits that `openssl x509 -noout -fingerprint -sha256` tells";
	size_t n = 0;

	for (const char *c = text; *c != '\0'; c++) {
		const char small = (char)zg_tls_small((uint8_t)*c);
		if (*c == ':' && n > 0 && n % 2 == 0)
			continue;
		if (!is_digit(small) || n >= DIGEST_DIGITS)
			return wanted;
		text[n++] = small;
	}
	text[n] = '\0';
	return n == DIGEST_DIGITS ? NULL : wanted;
}

bool zg_tls_digest_listed(const void *config, const struct zg_item_list *list, const uint8_t *digest, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	struct zg_item_list cursor = { 0 };
	uint8_t text[DIGEST_DIGITS] = { 0 };
	const uint8_t *listed;
	size_t len;

	for (size_t i = 0; i < n && 2 * i + 1 < DIGEST_DIGITS; i++) {
		text[2 * i] = (uint8_t)digits[digest[i] >> 4];
		text[2 * i + 1] = (uint8_t)digits[digest[i] & 15];
	}
	while (zg_item_list_next(config, list, &cursor, &listed, &len))
		if (len == DIGEST_DIGITS && memcmp(listed, text, len) == 0)
			return true;
	return false;
}
