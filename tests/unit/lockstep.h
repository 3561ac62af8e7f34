/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two smtp inspectors on one stream: the first gets single octets, which never are a span, the second gets whole chunks.
 * After each chunk answer, offset, bytes and state have to be the same. Knows no test framework: a fuzz target uses it too.
 */
#ifndef ZONEGATE_TEST_LOCKSTEP_H
#define ZONEGATE_TEST_LOCKSTEP_H

#include <stdlib.h>
#include <string.h>

#include "proto/smtp.h"
#include "zonegate/inspector.h"

struct lockstep {
	struct zg_smtp_config config;
	struct zg_smtp_state octets, chunks;
	struct zg_answer answer; /* the last one; a denial stays */
	size_t at;		 /* client bytes that passed */
	bool denied, over;
};

static inline void lockstep_begin(struct lockstep *ret_l, const struct zg_smtp_config *config)
{
	memset(ret_l, 0, sizeof *ret_l);
	ret_l->config = *config;
	zg_smtp.begin(&ret_l->octets, config);
	zg_smtp.begin(&ret_l->chunks, config);
}

static inline void lockstep_forget_charset(struct zg_charset_state *c)
{
	if (c->stage == 0) /* utf-8: these are of the character that is not whole */
		*c = (struct zg_charset_state){ .charset = c->charset, .wide = c->wide };
}

/* Without what is left over from before and means nothing. The dialogue does not reach as far into the union. */
static inline struct zg_smtp_state lockstep_meaning(const struct zg_smtp_state *s)
{
	struct zg_smtp_state m;
	memcpy(&m, s, sizeof m);
	lockstep_forget_charset(&m.message.text.charset);
	if (m.message.qp.stage != 2)
		m.message.qp.high = 0;
	return m;
}

static inline bool lockstep_same_answer(const struct zg_answer *a, const struct zg_answer *b)
{
	return a->say == b->say && a->held[0] == b->held[0] && a->held[1] == b->held[1] && a->reason == b->reason &&
	       a->refusal == b->refusal && a->drain == b->drain;
}

/* NULL, or what differs. */
static inline const char *lockstep_give(struct lockstep *l, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	struct zg_answer one = { .say = ZG_SAY_MORE }, all = { .say = ZG_SAY_MORE };
	const char *fault = NULL;
	size_t pos = 0;
	if (l->over || len == 0)
		return NULL;
	uint8_t *a = malloc(len), *b = malloc(len); /* exact, for the sanitizer */
	if (a == NULL || b == NULL)
		abort();
	memcpy(a, bytes, len);
	memcpy(b, bytes, len);
	for (; pos < len; pos++) {
		struct zg_rw in = zg_rw_init(a + pos, 1);
		zg_smtp.data(&l->octets, &l->config, dir, &in, &one);
		if (in.pos != (one.say == ZG_SAY_DENY ? 0u : 1u))
			fault = "an octet is neither refused nor consumed";
		if (one.say == ZG_SAY_DENY)
			break;
	}
	struct zg_rw in = zg_rw_init(b, len);
	zg_smtp.data(&l->chunks, &l->config, dir, &in, &all);
	const struct zg_smtp_state x = lockstep_meaning(&l->octets), y = lockstep_meaning(&l->chunks);
	if (!lockstep_same_answer(&one, &all))
		fault = "another answer";
	else if (in.pos != pos)
		fault = "another offset";
	else if (memcmp(a, b, pos) != 0)
		fault = "other bytes";
	else if (one.say != ZG_SAY_DENY && memcmp(&x, &y, sizeof x) != 0)
		fault = "another state";
	free(a);
	free(b);
	if (dir == ZG_CLIENT && !l->denied)
		l->at += pos;
	if (fault != NULL || one.say != ZG_SAY_DENY) {
		l->over = l->denied && one.say == ZG_SAY_DONE;
		return fault;
	}
	l->denied = true;
	l->over = !one.drain;
	l->answer = one;
	return lockstep_give(l, dir, bytes + pos, len - pos);
}

/* In chunks of random length, up to max; 0: whole. */
static inline const char *lockstep_give_cut(struct lockstep *l, enum zg_dir dir, const uint8_t *bytes, size_t len, size_t max,
					    uint32_t seed)
{
	for (size_t pos = 0; pos < len;) {
		size_t n = len - pos;
		seed = seed * 1664525u + 1013904223u;
		if (max > 0 && n > 1 + (seed >> 8) % max)
			n = 1 + (seed >> 8) % max;
		const char *fault = lockstep_give(l, dir, bytes + pos, n);
		if (fault != NULL)
			return fault;
		pos += n;
	}
	return NULL;
}

static inline const char *lockstep_until_data(struct lockstep *l, bool eight_bit)
{
	const struct {
		enum zg_dir dir;
		const char *text;
	} lines[] = {
		{ ZG_SERVER, "220 mx ESMTP\r\n" },
		{ ZG_CLIENT, "EHLO a\r\n" },
		{ ZG_SERVER, eight_bit ? "250-mx\r\n250 8BITMIME\r\n" : "250-mx\r\n250 PIPELINING\r\n" },
		{ ZG_CLIENT, "MAIL FROM:<a@b>\r\n" },
		{ ZG_SERVER, "250 ok\r\n" },
		{ ZG_CLIENT, "RCPT TO:<c@d>\r\n" },
		{ ZG_SERVER, "250 ok\r\n" },
		{ ZG_CLIENT, "DATA\r\n" },
		{ ZG_SERVER, "354 go\r\n" },
	};
	const char *fault = NULL;
	for (size_t i = 0; i < sizeof lines / sizeof *lines && fault == NULL; i++)
		fault = lockstep_give(l, lines[i].dir, (const uint8_t *)lines[i].text, strlen(lines[i].text));
	l->at = 0;
	return fault;
}

#endif
