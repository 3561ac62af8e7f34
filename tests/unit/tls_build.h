/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes TLS: hellos field by field, records, and dialogues of them. */
#ifndef ZONEGATE_TEST_TLS_BUILD_H
#define ZONEGATE_TEST_TLS_BUILD_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dialogue.h"
#include "zonegate/config.h"

#define TLS_TURNS 64

struct bytes {
	size_t n;
	uint8_t at[40000];
};

static inline void put(struct bytes *b, const void *from, size_t n)
{
	MUST(b->n + n <= sizeof b->at);
	memcpy(b->at + b->n, from, n);
	b->n += n;
}

static inline void put_number(struct bytes *b, uint32_t number, unsigned octets)
{
	for (unsigned i = octets; i-- > 0;)
		put(b, &(uint8_t){ (uint8_t)(number >> (8 * i)) }, 1);
}

static inline void put_zeros(struct bytes *b, size_t n)
{
	MUST(b->n + n <= sizeof b->at);
	memset(b->at + b->n, 0, n);
	b->n += n;
}

/* Behind its length. */
static inline void put_vector(struct bytes *b, unsigned octets, const void *from, size_t n)
{
	put_number(b, (uint32_t)n, octets);
	put(b, from, n);
}

struct extension {
	uint16_t type;
	uint16_t n;
	uint8_t at[600];
};

/* A hello before it is written; what is there can be made wrong. */
struct spec {
	uint16_t version;
	uint8_t random[32];
	uint8_t sid_len, sid[40];
	size_t n_suites; /* of a server: 1 */
	uint16_t suites[300];
	size_t n_compressions;
	uint8_t compressions[4];
	size_t n_extensions;
	struct extension extensions[80];
	int block_off;	 /* what the length of the extensions says too much */
	int message_off; /* the same of the message */
	size_t tail;	 /* octets behind the extensions, within the message */
	bool bare;	 /* no extensions, no length of them */
};

static inline struct extension *add(struct spec *s, uint16_t type, const void *body, size_t n)
{
	struct extension *e = &s->extensions[s->n_extensions++];
	MUST(s->n_extensions <= 80 && n <= sizeof e->at);
	e->type = type;
	e->n = (uint16_t)n;
	memcpy(e->at, body, n);
	return e;
}

static inline struct extension *find(struct spec *s, uint16_t type)
{
	for (size_t i = 0; i < s->n_extensions; i++)
		if (s->extensions[i].type == type)
			return &s->extensions[i];
	ck_abort_msg("no extension %u", type);
	return NULL;
}

static inline void drop(struct spec *s, uint16_t type)
{
	struct extension *e = find(s, type);
	memmove(e, e + 1, (size_t)(s->extensions + s->n_extensions - e - 1) * sizeof *e);
	s->n_extensions--;
}

static inline void name_body(struct extension *e, const char *name, size_t n)
{
	const uint8_t head[] = { (uint8_t)((n + 3) >> 8), (uint8_t)(n + 3), 0, (uint8_t)(n >> 8), (uint8_t)n };
	e->type = 0;
	e->n = (uint16_t)(n + 5);
	memcpy(e->at, head, 5);
	memcpy(e->at + 5, name, n);
}

static inline void set_name(struct spec *s, const char *name)
{
	name_body(find(s, 0), name, strlen(name));
}

/* Of lists like "h2,http/1.1". */
static inline void alpn_body(struct extension *e, const char *list)
{
	size_t n = 2;
	for (;;) {
		const size_t len = strcspn(list, ",");
		e->at[n++] = (uint8_t)len;
		memcpy(e->at + n, list, len);
		n += len;
		if (list[len] == '\0')
			break;
		list += len + 1;
	}
	e->type = 16;
	e->n = (uint16_t)n;
	e->at[0] = (uint8_t)((n - 2) >> 8);
	e->at[1] = (uint8_t)(n - 2);
}

#define GREASE 0x4a4a

/* As a browser writes one, of 1.3 and 1.2. */
static inline struct spec client_hello(void)
{
	static const uint16_t suites[] = { 0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0x009c, 0x00ff };
	struct spec s = { .version = 0x0303, .sid_len = 32, .n_suites = 8, .n_compressions = 1 };
	memset(s.random, 0x5a, sizeof s.random);
	memset(s.sid, 0xa5, 32);
	memcpy(s.suites, suites, sizeof suites);
	add(&s, GREASE, "", 0);
	name_body(add(&s, 0, "", 0), "www.example.lg.jp", 17);
	add(&s, 23, "", 0);
	add(&s, 0xff01, "", 1);
	add(&s, 10, "\0\4\x4a\x4a\0\x1d", 6);
	add(&s, 35, "", 0);
	alpn_body(add(&s, 16, "", 0), "h2,http/1.1");
	add(&s, 43, "\x06\x4a\x4a\3\4\3\3", 7);
	add(&s, 51, "\0\x26\0\x1d\0\x22" "abcdefghijabcdefghijabcdefghijab", 38);
	return s;
}

static inline struct spec server_hello(uint16_t suite, bool new)
{
	struct spec s = { .version = 0x0303, .sid_len = 32, .n_suites = 1, .suites = { suite } };
	memset(s.random, 0x77, sizeof s.random);
	memset(s.sid, 0xa5, 32);
	if (new) {
		add(&s, 43, "\3\4", 2);
		add(&s, 51, "\0\x1d\0\x20" "abcdefghijabcdefghijabcdefghijab", 36);
	} else {
		add(&s, 23, "", 0);
		add(&s, 0xff01, "", 1);
		alpn_body(add(&s, 16, "", 0), "h2");
	}
	return s;
}

static inline struct spec retry_request(void)
{
	static const uint8_t magic[] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
					 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c };
	struct spec s = server_hello(0x1301, true);
	memcpy(s.random, magic, sizeof magic);
	s.extensions[1].n = 2;
	return s;
}

/* The handshake message. */
static inline struct bytes *message_of(const struct spec *s, bool server)
{
	struct bytes *block = calloc(1, sizeof *block), *body = calloc(1, sizeof *body), *message = calloc(1, sizeof *message);
	MUST(block != NULL && body != NULL && message != NULL);
	for (size_t i = 0; i < s->n_extensions; i++) {
		put_number(block, s->extensions[i].type, 2);
		put_vector(block, 2, s->extensions[i].at, s->extensions[i].n);
	}
	put_number(body, s->version, 2);
	put(body, s->random, 32);
	put_vector(body, 1, s->sid, s->sid_len);
	if (!server)
		put_number(body, (uint32_t)s->n_suites * 2, 2);
	for (size_t i = 0; i < s->n_suites; i++)
		put_number(body, s->suites[i], 2);
	if (server)
		put_number(body, s->compressions[0], 1);
	else
		put_vector(body, 1, s->compressions, s->n_compressions);
	if (!s->bare) {
		put_number(body, (uint32_t)((int)block->n + s->block_off), 2);
		put(body, block->at, block->n);
		put_zeros(body, s->tail);
	}
	put_number(message, server ? 2 : 1, 1);
	put_vector(message, 3, body->at, body->n);
	if (s->message_off != 0)
		message->at[3] = (uint8_t)(message->at[3] + s->message_off);
	free(block);
	free(body);
	return message;
}

/* --- dialogues of records ------------------------------------------------------------------------ */

struct talk {
	size_t n;
	struct turn turns[TLS_TURNS];
};

/* Octets as they are. */
static inline void say(struct talk *t, enum zg_dir dir, const void *bytes, size_t n)
{
	uint8_t *copy = malloc(n + 1);
	MUST(copy != NULL && t->n < TLS_TURNS);
	memcpy(copy, bytes, n);
	t->turns[t->n++] = (struct turn){ dir, copy, n };
}

static inline void record_as(struct talk *t, enum zg_dir dir, uint8_t type, uint16_t version, const void *body, size_t n)
{
	struct bytes *b = calloc(1, sizeof *b);
	MUST(b != NULL);
	put_number(b, type, 1);
	put_number(b, version, 2);
	put_vector(b, 2, body, n);
	say(t, dir, b->at, b->n);
	free(b);
}

static inline void record(struct talk *t, enum zg_dir dir, uint8_t type, const void *body, size_t n)
{
	record_as(t, dir, type, 0x0303, body, n);
}

/* A protected record, or one of any content. */
static inline void filled(struct talk *t, enum zg_dir dir, uint8_t type, size_t n)
{
	uint8_t body[20000];
	MUST(n <= sizeof body);
	memset(body, 0xee, n);
	record(t, dir, type, body, n);
}

static inline void hello(struct talk *t, const struct spec *s, enum zg_dir dir)
{
	struct bytes *message = message_of(s, dir == ZG_SERVER);
	record_as(t, dir, 22, dir == ZG_SERVER ? 0x0303 : 0x0301, message->at, message->n);
	free(message);
}

/* A handshake message of n octets that mean nothing. */
static inline void message(struct talk *t, enum zg_dir dir, uint8_t type, size_t n)
{
	struct bytes *b = calloc(1, sizeof *b);
	MUST(b != NULL);
	put_number(b, type, 1);
	put_number(b, (uint32_t)n, 3);
	put_zeros(b, n);
	record(t, dir, 22, b->at, b->n);
	free(b);
}

static inline void talk_free(struct talk *t)
{
	for (size_t i = 0; i < t->n; i++)
		free((void *)(uintptr_t)t->turns[i].bytes);
	t->n = 0;
}

/* --- configuration -------------------------------------------------------------------------------- */

static inline const struct zg_item *item_of(const struct zg_inspector *inspector, const char *key)
{
	for (size_t i = 0; i < inspector->n_items; i++)
		if (strcmp(inspector->items[i].key, key) == 0)
			return &inspector->items[i];
	ck_abort_msg("no setting %s", key);
	return NULL;
}

static inline void config_strings(struct zg_config *c, const struct zg_inspector *inspector, const char *key, const char *const *list)
{
	for (; *list != NULL; list++)
		ck_assert_int_eq(zg_config_add(c, item_of(inspector, key), *list), ZG_OK);
}

static inline void config_set(struct zg_config *c, const struct zg_inspector *inspector, const char *key, uint32_t value)
{
	const struct zg_item *item = item_of(inspector, key);
	if (item->type == ZG_ITEM_BOOL)
		c->bytes[item->offset] = (uint8_t)value;
	else
		memcpy(c->bytes + item->offset, &value, sizeof value);
}

#endif
