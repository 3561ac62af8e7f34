/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An RFB dialogue, said piece by piece, and what is expected of it. */
#ifndef ZONEGATE_TEST_RFB_TALK_H
#define ZONEGATE_TEST_RFB_TALK_H

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "dialogue.h"
#include "proto/rfb_config.h"

#define TURNS_MAX 200

struct talk {
	struct turn turns[TURNS_MAX];
	size_t n;
	uint8_t *bytes[TURNS_MAX];
	size_t given[2];
	uint8_t *want[2]; /* what is to pass */
	struct zg_rfb_config config;
	z_stream z;
};

static inline void say(struct talk *t, enum zg_dir dir, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	MUST(t->n < TURNS_MAX);
	uint8_t *copy = malloc(n);
	MUST(copy != NULL);
	memcpy(copy, bytes, n);
	t->bytes[t->n] = copy;
	t->turns[t->n++] = (struct turn){ dir, copy, n };
	t->want[dir] = realloc(t->want[dir], t->given[dir] + n);
	MUST(t->want[dir] != NULL);
	memcpy(t->want[dir] + t->given[dir], bytes, n);
	t->given[dir] += n;
}

/* The bytes of a literal. */
#define SAY(t, dir, ...)                                                                                                     \
	do {                                                                                                                 \
		const uint8_t said_[] = { __VA_ARGS__ };                                                                     \
		say(t, dir, said_, sizeof said_);                                                                            \
	} while (0)
#define U16(n) (uint8_t)((n) >> 8), (uint8_t)(n)
#define U32(n) (uint8_t)((uint32_t)(n) >> 24), (uint8_t)((uint32_t)(n) >> 16), (uint8_t)((uint32_t)(n) >> 8), (uint8_t)(n)

/* The last n bytes that dir said pass as these. */
static inline void as(struct talk *t, enum zg_dir dir, const void *bytes, size_t n)
{
	MUST(n <= t->given[dir]);
	memcpy(t->want[dir] + t->given[dir] - n, bytes, n);
}
#define AS(t, dir, ...)                                                                                                      \
	do {                                                                                                                 \
		const uint8_t as_[] = { __VA_ARGS__ };                                                                       \
		as(t, dir, as_, sizeof as_);                                                                                 \
	} while (0)

/* depth 24, 8 bits a colour, blue in the lowest byte */
#define F32 32, 24, 0, 1, U16(255), U16(255), U16(255), 16, 8, 0, 0, 0, 0
#define F16 16, 16, 0, 1, U16(31), U16(63), U16(31), 11, 5, 0, 0, 0, 0
#define F8  8, 8, 0, 1, U16(7), U16(7), U16(3), 0, 3, 6, 0, 0, 0

#define V38 "RFB 003.008\n"

static inline void to_init(struct talk *t)
{
	say(t, ZG_SERVER, V38, 12);
	say(t, ZG_CLIENT, V38, 12);
	SAY(t, ZG_SERVER, 1, 1);
	SAY(t, ZG_CLIENT, 1);
	SAY(t, ZG_SERVER, U32(0));
	SAY(t, ZG_CLIENT, 1);
}

/* A framebuffer of 100 x 80. */
static inline void to_session(struct talk *t)
{
	to_init(t);
	SAY(t, ZG_SERVER, U16(100), U16(80), F32, U32(4), 't', 'e', 's', 't');
}

#define SET_ENCODINGS(t, n, ...) SAY(t, ZG_CLIENT, 2, 0, U16(n), __VA_ARGS__)
#define ALL_ENCODINGS                                                                                                        \
	U32(7), U32(16), U32(6), U32(5), U32(4), U32(2), U32(1), U32(0), U32(-239), U32(-240), U32(-223), U32(-224), U32(-232), \
		U32(-307), U32(-308), U32(-250)
#define N_ALL 16

static inline void request(struct talk *t)
{
	SAY(t, ZG_CLIENT, 3, 0, U16(0), U16(0), U16(100), U16(80));
}

/* A client that takes everything has asked for an update. */
static inline void to_update(struct talk *t)
{
	to_session(t);
	SET_ENCODINGS(t, N_ALL, ALL_ENCODINGS);
	request(t);
}

static inline void set_format(struct talk *t, const uint8_t format[static 16])
{
	SAY(t, ZG_CLIENT, 0, 0, 0, 0);
	say(t, ZG_CLIENT, format, 16);
}

static inline void update(struct talk *t, unsigned rectangles)
{
	SAY(t, ZG_SERVER, 0, 0, U16(rectangles));
}

static inline void rectangle(struct talk *t, unsigned x, unsigned y, unsigned w, unsigned h, int32_t encoding)
{
	SAY(t, ZG_SERVER, U16(x), U16(y), U16(w), U16(h), U32(encoding));
}

static inline void many(struct talk *t, enum zg_dir dir, uint8_t byte, size_t n)
{
	uint8_t *bytes = malloc(n);
	MUST(bytes != NULL);
	memset(bytes, byte, n);
	say(t, dir, bytes, n);
	free(bytes);
}

/* The next piece of a zlib stream, flushed; the length is written into *ret_len. Free it. */
static inline uint8_t *deflated(z_stream *z, const uint8_t *content, size_t n, size_t *ret_len)
{
	if (z->state == NULL)
		MUST(deflateInit(z, 6) == Z_OK);
	const size_t room = n * 2 + 200;
	uint8_t *out = malloc(room);
	MUST(out != NULL);
	z->next_in = (z_const Bytef *)(uintptr_t)content;
	z->avail_in = (uInt)n;
	z->next_out = out;
	z->avail_out = (uInt)room;
	MUST(deflate(z, Z_SYNC_FLUSH) == Z_OK && z->avail_in == 0 && z->avail_out > 0);
	*ret_len = room - z->avail_out;
	return out;
}

/* A piece with its length before it in four bytes (zlib, ZRLE) or in Tight's form. */
static inline void piece(struct talk *t, bool tight, const uint8_t *bytes, size_t n)
{
	if (!tight)
		SAY(t, ZG_SERVER, U32(n));
	else if (n < 128)
		SAY(t, ZG_SERVER, (uint8_t)n);
	else if (n < 16384)
		SAY(t, ZG_SERVER, (uint8_t)(n | 0x80), (uint8_t)(n >> 7));
	else
		SAY(t, ZG_SERVER, (uint8_t)(n | 0x80), (uint8_t)(n >> 7 | 0x80), (uint8_t)(n >> 14));
	say(t, ZG_SERVER, bytes, n);
}

static inline void packed(struct talk *t, bool tight, const uint8_t *content, size_t n)
{
	size_t len;
	uint8_t *bytes = deflated(&t->z, content, n, &len);
	piece(t, tight, bytes, len);
	free(bytes);
}

static inline void talk_free(struct talk *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->bytes[i]);
	free(t->want[0]);
	free(t->want[1]);
	if (t->z.state != NULL)
		deflateEnd(&t->z);
}

/* All of it passes, in the form that is wanted. */
static inline void passes(const char *label, struct talk *t)
{
	struct outcome *o = dialogue(label, &zg_rfb, &t->config, t->turns, t->n);
	if (o->say == ZG_SAY_DENY)
		ck_abort_msg("%s: refused, %s at %zu of dir %d", label, zg_reason_name(o->reason), o->at, o->dir);
	for (int d = 0; d < 2; d++)
		if (o->passed_len[d] != t->given[d] || (t->given[d] > 0 && memcmp(o->passed[d], t->want[d], t->given[d]) != 0))
			ck_abort_msg("%s: other bytes passed (dir %d)", label, d);
	free(o);
	talk_free(t);
}

/* The last byte that was said, and no other, is refused. */
static inline void refused_as(const char *label, struct talk *t, enum zg_reason reason, enum zg_refusal refusal)
{
	const enum zg_dir dir = t->turns[t->n - 1].dir;
	struct outcome *o = dialogue(label, &zg_rfb, &t->config, t->turns, t->n);
	if (o->say != ZG_SAY_DENY)
		ck_abort_msg("%s: passed", label);
	if (o->reason != reason || o->dir != dir || o->at != t->given[dir] - 1 || o->refusal != refusal)
		ck_abort_msg("%s: %s at %zu of dir %d (%zu given), refusal %d", label, zg_reason_name(o->reason), o->at, o->dir,
			     t->given[dir], (int)o->refusal);
	free(o);
	talk_free(t);
}

static inline void refused(const char *label, struct talk *t, enum zg_reason reason)
{
	refused_as(label, t, reason, ZG_REFUSAL_RESET);
}

#endif
