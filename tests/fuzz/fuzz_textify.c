/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * textify: whatever the message and its cuts, the same is said at the same octet, the same octets go on, and as many. What
 * has gone on is text: given once more, as a message of its own, it passes and is not changed. (Not asked of quoted-printable,
 * where a line of blanks has blanks at its end, which a sender of text may not write.) The same is asked of what goes on to a
 * server when the sender waits in between, and what is held has to be settled.
 *
 * The input is the message as it is on the wire, without its end of data.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/charset.h"
#include "proto/smtp_config.h"
#include "zonegate/inspector.h"
#include "zonegate/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_MAX 65536
#define END	    "\r\n.\r\n"

#define MUST(condition)                                                                                                      \
	do {                                                                                                                 \
		if (!(condition)) {                                                                                          \
			fprintf(stderr, "fuzz_textify: %s, line %d\n", #condition, __LINE__);                                 \
			abort();                                                                                             \
		}                                                                                                            \
	} while (0)

static const struct zg_smtp_config config = {
	.mode = ZG_SMTP_TEXTIFY,
	.charsets = (1u << ZG_CHARSET_COUNT) - 1,
	.max_message = MESSAGE_MAX,
	.max_recipients = 1,
	.max_depth = ZG_SMTP_DEPTH_MAX,
};

struct run {
	void *state;
	struct zg_answer answer;
	bool refused;
	size_t len, held;
	uint8_t out[MESSAGE_MAX + 16];
};

static void give(struct run *r, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len); /* exact, for the sanitizer */
	MUST(copy != NULL);
	memcpy(copy, bytes, len);
	struct zg_rw in = zg_rw_init(copy, len);
	if (dir == ZG_CLIENT) {
		in.n_held = r->held < ZG_HELD_REWRITE ? r->held : ZG_HELD_REWRITE;
		in.held = r->out + r->len - in.n_held;
	}
	zg_smtp.data(r->state, &config, dir, &in, &r->answer);
	if (dir == ZG_CLIENT) {
		memcpy(r->out + r->len, copy, in.pos);
		r->len += in.pos;
		r->held = r->answer.held[ZG_CLIENT];
		MUST(r->held <= r->len && r->held <= ZG_HELD_REWRITE);
	}
	free(copy);
	r->refused = r->answer.say == ZG_SAY_DENY;
	MUST(r->refused || in.pos == len);
}

static void opening(struct run *r)
{
	static const struct {
		enum zg_dir dir;
		const char *text;
	} lines[] = {
		{ ZG_SERVER, "220 mx\r\n" },	  { ZG_CLIENT, "EHLO a\r\n" }, { ZG_SERVER, "250-mx\r\n250 8BITMIME\r\n" },
		{ ZG_CLIENT, "MAIL FROM:<a@b>\r\n" }, { ZG_SERVER, "250 ok\r\n" }, { ZG_CLIENT, "RCPT TO:<c@d>\r\n" },
		{ ZG_SERVER, "250 ok\r\n" },	  { ZG_CLIENT, "DATA\r\n" },   { ZG_SERVER, "354 go\r\n" },
	};
	r->state = calloc(1, zg_smtp.state_size);
	MUST(r->state != NULL);
	zg_smtp.begin(r->state, &config);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		give(r, lines[i].dir, (const uint8_t *)lines[i].text, strlen(lines[i].text));
	r->len = 0;
}

/* The sender repeats what is held. */
static void settle(struct run *r)
{
	if (r->refused || r->held == 0)
		return;
	zg_smtp.settle(r->state, ZG_CLIENT, &r->answer);
	MUST(r->answer.say == ZG_SAY_MORE && r->answer.held[ZG_CLIENT] == 0);
	r->held = 0;
}

/* cut 0: in one piece; else in pieces of up to that many octets, and with settling the sender waits after some. */
static struct run *run(const uint8_t *message, size_t len, size_t cut, bool settling)
{
	struct run *r = calloc(1, sizeof *r);
	uint32_t random = (uint32_t)(len + cut);
	MUST(r != NULL);
	opening(r);
	for (size_t pos = 0; pos < len && !r->refused;) {
		size_t n = len - pos;
		random = random * 1664525u + 1013904223u;
		if (cut > 0 && n > 1 + (random >> 8) % cut)
			n = 1 + (random >> 8) % cut;
		give(r, ZG_CLIENT, message + pos, n);
		pos += n;
		if (settling && random & 0x10000)
			settle(r);
	}
	free(r->state);
	return r;
}

static void same(const struct run *a, const struct run *b)
{
	MUST(a->refused == b->refused && a->len == b->len && memcmp(a->out, b->out, a->len) == 0);
	MUST(!a->refused || (a->answer.reason == b->answer.reason && a->answer.drain == b->answer.drain));
}

static bool has(const struct run *r, const char *word)
{
	for (size_t i = 0; i + strlen(word) <= r->len; i++)
		if (strncasecmp((const char *)r->out + i, word, strlen(word)) == 0)
			return true;
	return false;
}

/* What follows an end of data within the input is commands, which are refused. */
static void is_text(const struct run *r)
{
	if (r->refused || has(r, "quoted-printable"))
		return;
	struct run *again = run(r->out, r->len, 0, false);
	same(r, again);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t message[MESSAGE_MAX];
	static const size_t cuts[] = { 1, 7, 60, 1448 };
	if (size + sizeof END > sizeof message)
		return 0;
	memcpy(message, data, size);
	memcpy(message + size, END, sizeof END - 1);
	const size_t len = size + sizeof END - 1;

	struct run *whole = run(message, len, 0, false);
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		struct run *other = run(message, len, cuts[i], false);
		same(whole, other);
		free(other);
	}
	MUST(whole->refused || whole->len == len);
	is_text(whole);
	struct run *settled = run(message, len, 5, true);
	MUST(settled->refused || settled->len == len);
	is_text(settled);
	free(settled);
	free(whole);
	return 0;
}
