/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tls inspector against itself and against a reader that knows nothing of it.
 *
 * The first byte chooses the settings. Then chunks: a byte (bit 0 direction, bit 1: the rest of the byte counts in 8 octets) and
 * the chunk's bytes.
 *
 * Whatever the cut, the answer, the offset and what was released are the same; nothing is changed; and of a client's stream of
 * which anything was released, the first handshake message is a ClientHello that asks for a permitted server, once.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "zonegate/config.h"
#include "zonegate/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                                                      \
	do {                                                                                                                 \
		if (!(condition)) {                                                                                          \
			fprintf(stderr, "fuzz_tls: %s\n", #condition);                                                       \
			abort();                                                                                             \
		}                                                                                                            \
	} while (0)

#define SIZE_MAX_ 40000u

struct run {
	void *state;
	struct zg_answer answer;
	enum zg_dir dir;
	size_t len[2], released[2];
};

static struct zg_config configs[16];

static const struct zg_item *item(const char *key)
{
	size_t i = 0;
	while (strcmp(zg_tls.items[i].key, key) != 0)
		i++;
	return &zg_tls.items[i];
}

static void set(struct zg_config *c, const char *key, bool value)
{
	c->bytes[item(key)->offset] = value;
}

static const struct zg_config *config_of(uint8_t choice)
{
	struct zg_config *c = &configs[choice & 15];
	if (c->bytes != NULL)
		return c;
	MUST(zg_config_init(&zg_tls, c) == ZG_OK);
	MUST(zg_config_add(c, item("names"), "a.jp") == ZG_OK && zg_config_add(c, item("names"), "*.b.jp") == ZG_OK);
	if (choice & 1)
		MUST(zg_config_add(c, item("alpn"), "h2") == ZG_OK);
	set(c, "ech_grease", choice & 2);
	set(c, "early_data", choice & 4);
	set(c, "unknown_extensions", choice & 8);
	return c;
}

static void give(struct run *r, const void *config, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	if (r->answer.say == ZG_SAY_DENY || len == 0)
		return;
	uint8_t *copy = malloc(len);
	MUST(copy != NULL);
	memcpy(copy, bytes, len);
	struct zg_rw in = zg_rw_init(copy, len);
	zg_tls.data(r->state, config, dir, &in, &r->answer);
	MUST(!in.dirty && memcmp(copy, bytes, len) == 0);
	free(copy);
	r->len[dir] += in.pos;
	for (int d = 0; d < 2; d++) {
		MUST(r->answer.held[d] <= r->len[d] && r->len[d] - r->answer.held[d] >= r->released[d]);
		r->released[d] = r->len[d] - r->answer.held[d];
	}
	r->dir = dir;
	MUST(r->answer.say == ZG_SAY_DENY ? in.pos < len && r->answer.reason != ZG_R_NONE : in.pos == len);
}

static struct run run(const uint8_t *data, size_t size, size_t piece, uint8_t *ret_client)
{
	struct run r = { .state = calloc(1, zg_tls.state_size) };
	const struct zg_config *config = config_of(data[0]);
	size_t n_client = 0;
	MUST(r.state != NULL);
	zg_tls.begin(r.state, config->bytes);
	for (size_t pos = 1; pos < size;) {
		const uint8_t head = data[pos++];
		const enum zg_dir dir = head & 1 ? ZG_SERVER : ZG_CLIENT;
		size_t len = (size_t)(head >> 2) << (head & 2 ? 3 : 0);
		len = len < size - pos ? len : size - pos;
		for (size_t at = 0; at < len; at += piece)
			give(&r, config->bytes, dir, data + pos + at, len - at < piece ? len - at : piece);
		if (dir == ZG_CLIENT) {
			memcpy(ret_client + n_client, data + pos, len);
			n_client += len;
		}
		pos += len;
	}
	free(r.state);
	return r;
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
	static uint8_t m[SIZE_MAX_ + 4];
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
	static uint8_t client[SIZE_MAX_];
	static const size_t pieces[] = { 1, 7 };

	if (size < 2 || size > SIZE_MAX_)
		return 0;
	const struct run whole = run(data, size, size, client);
	for (size_t i = 0; i < 2; i++) {
		const struct run other = run(data, size, pieces[i], client);
		MUST(whole.answer.say == other.answer.say && whole.answer.reason == other.answer.reason);
		MUST(whole.answer.refusal == other.answer.refusal && whole.dir == other.dir);
		for (int d = 0; d < 2; d++)
			MUST(whole.len[d] == other.len[d] && whole.released[d] == other.released[d]);
	}
	if (whole.released[ZG_CLIENT] > 0)
		asks_for_permitted(client, whole.len[ZG_CLIENT]);
	return 0;
}
