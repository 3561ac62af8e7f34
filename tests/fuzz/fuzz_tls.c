/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tls inspector against itself (streams.h) and against a reader that knows nothing of it: of a client's stream of which
 * anything was released, the first handshake message is a ClientHello that asks for a permitted server, once.
 */
#include <stdint.h>
#include <strings.h>

#include "streams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct zg_config configs[16];

static void set(struct zg_config *c, const char *key, bool value)
{
	c->bytes[item_of(&zg_tls, key)->offset] = value;
}

static const struct zg_config *config_of(uint8_t choice)
{
	struct zg_config *c = &configs[choice & 15];
	if (c->bytes != NULL)
		return c;
	MUST(zg_config_init(&zg_tls, c) == ZG_OK);
	MUST(zg_config_add(c, item_of(&zg_tls, "names"), "a.jp") == ZG_OK && zg_config_add(c, item_of(&zg_tls, "names"), "*.b.jp") == ZG_OK);
	if (choice & 1)
		MUST(zg_config_add(c, item_of(&zg_tls, "alpn"), "h2") == ZG_OK);
	set(c, "ech_grease", choice & 2);
	set(c, "early_data", choice & 4);
	set(c, "unknown_extensions", choice & 8);
	return c;
}

static uint32_t number(const uint8_t *p, size_t octets)
{
	uint32_t n = 0;
	while (octets-- > 0)
		n = n << 8 | *p++;
	return n;
}

static bool permitted(const uint8_t *name, size_t len)
{
	const uint8_t *dot = memchr(name, '.', len);
	return (len == 4 && strncasecmp((const char *)name, "a.jp", 4) == 0) ||
	       (dot != NULL && dot > name && len - (size_t)(dot - name) == 5 && strncasecmp((const char *)dot, ".b.jp", 5) == 0);
}

/* As one reads it who trusts every length: joins the records, jumps from field to field. */
static void asks_for_permitted(const uint8_t *p, size_t len)
{
	static uint8_t m[STREAM_MAX + 4];
	size_t n = 0, names = 0, at = 0;

	while (at + 5 <= len && (n < 4 || n < 4 + number(m + 1, 3))) {
		const size_t length = number(p + at + 3, 2);
		MUST(p[at] == 22 && p[at + 1] == 3 && length > 0 && at + 5 + length <= len);
		memcpy(m + n, p + at + 5, length);
		n += length;
		at += 5 + length;
	}
	MUST(n > 4 && m[0] == 1 && n == 4 + number(m + 1, 3));
	at = 4 + 2 + 32;
	at += 1 + m[at];
	at += 2 + number(m + at, 2);
	at += 1 + m[at];
	MUST(at + 2 + number(m + at, 2) == n);
	for (at += 2; at + 4 <= n; at += 4 + number(m + at + 2, 2)) {
		const uint8_t *body = m + at + 4;
		MUST(number(m + at, 2) != 0xffce);
		if (number(m + at, 2) != 0)
			continue;
		names++;
		MUST(number(body, 2) + 2 == number(m + at + 2, 2) && body[2] == 0 && number(body + 3, 2) + 3 == number(body, 2));
		MUST(permitted(body + 5, number(body + 3, 2)));
	}
	MUST(at == n && names == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t client[STREAM_MAX];

	if (size < 2 || size > STREAM_MAX)
		return 0;
	const struct run r = run_all(&zg_tls, config_of(data[0]), data, size, client);
	if (r.released[ZG_CLIENT] > 0)
		asks_for_permitted(client, r.len[ZG_CLIENT]);
	return 0;
}
