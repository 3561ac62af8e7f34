/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smtp inspector against itself and against a reader that knows nothing of it.
 *
 * First byte even: a dialogue; each chunk is a byte (bit 0 direction, rest length) and its bytes.
 * First byte odd: the rest is a message, after a dialogue that leads to it.
 *
 * Whatever the cut, the answer, the offset and the bytes are the same; what is overwritten keeps its length; and a message
 * that passed to its end of data has one end, clean lines, and claims no type but text/plain.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/smtp_config.h"
#include "zonegate/inspector.h"
#include "zonegate/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                                                      \
	do {                                                                                                                 \
		if (!(condition)) {                                                                                          \
			fprintf(stderr, "fuzz_smtp: %s\n", #condition);                                                      \
			abort();                                                                                             \
		}                                                                                                            \
	} while (0)

#define PASSED_MAX (1u << 17)

struct run {
	void *state;
	struct zg_smtp_config config;
	struct zg_answer answer;
	bool refused, over;
	enum zg_dir dir;
	size_t len[2];
	uint8_t passed[2][PASSED_MAX];
};

static const struct {
	enum zg_dir dir;
	const char *text;
} opening[] = {
	{ ZG_SERVER, "220 mx ESMTP\r\n" },
	{ ZG_CLIENT, "EHLO a\r\n" },
	{ ZG_SERVER, "250-mx\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n" },
	{ ZG_CLIENT, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n" },
	{ ZG_SERVER, "250 ok\r\n250 ok\r\n354 go\r\n" },
};

static void give(struct run *r, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	if (r->over || len == 0 || r->len[dir] + len > PASSED_MAX)
		return;
	uint8_t *copy = malloc(len);
	if (copy == NULL)
		return;
	memcpy(copy, bytes, len);
	struct zg_rw in = zg_rw_init(copy, len);
	zg_smtp.data(r->state, &r->config, dir, &in, &r->answer);
	MUST(in.pos <= len);
	if (r->refused) {
		MUST(r->answer.say != ZG_SAY_DENY && in.pos == len);
		r->over = r->answer.say == ZG_SAY_DONE;
		free(copy);
		return;
	}
	memcpy(r->passed[dir] + r->len[dir], copy, in.pos);
	r->len[dir] += in.pos;
	free(copy);
	if (r->answer.say != ZG_SAY_DENY) {
		MUST(in.pos == len);
		return;
	}
	MUST(in.pos < len && r->answer.reason != ZG_R_NONE);
	r->refused = true;
	r->dir = dir;
	r->over = !r->answer.drain;
	give(r, dir, bytes + in.pos, len - in.pos);
}

static void give_cut(struct run *r, enum zg_dir dir, const uint8_t *bytes, size_t len, size_t piece)
{
	for (size_t pos = 0; pos < len; pos += piece)
		give(r, dir, bytes + pos, len - pos < piece ? len - pos : piece);
}

static struct run *run(const uint8_t *data, size_t size, size_t piece)
{
	struct run *r = calloc(1, sizeof *r);
	if (r == NULL)
		exit(1);
	r->state = calloc(1, zg_smtp.state_size);
	if (r->state == NULL)
		exit(1);
	r->config = (struct zg_smtp_config){
		.charsets = data[0] & 2 ? 31 : 7,
		.max_message = data[0] & 4 ? 2000 : ZG_SMTP_MESSAGE_MAX,
		.max_recipients = data[0] & 8 ? 2 : 100,
	};
	zg_smtp.begin(r->state, &r->config);
	if (data[0] & 1) {
		for (size_t i = 0; i < sizeof opening / sizeof *opening; i++)
			give_cut(r, opening[i].dir, (const uint8_t *)opening[i].text, strlen(opening[i].text), piece);
		r->len[ZG_CLIENT] = 0;
		give_cut(r, ZG_CLIENT, data + 1, size - 1, piece);
		return r;
	}
	for (size_t pos = 1; pos < size;) {
		uint8_t head = data[pos++];
		size_t len = head >> 1;
		if (len > size - pos)
			len = size - pos;
		give_cut(r, head & 1 ? ZG_SERVER : ZG_CLIENT, data + pos, len, piece);
		pos += len;
	}
	return r;
}

static const uint8_t *find(const uint8_t *p, size_t len, const char *what, size_t n)
{
	return memmem(p, len, what, n);
}

static void clean_lines(const uint8_t *p, size_t len)
{
	size_t column = 0;
	for (size_t i = 0; i < len; i++) {
		MUST(p[i] != '\0');
		MUST(p[i] != '\n' || (i > 0 && p[i - 1] == '\r'));
		MUST(p[i] != '\r' || (i + 1 < len && p[i + 1] == '\n'));
		column = p[i] == '\n' ? 0 : column + 1;
		MUST(column <= ZG_SMTP_TEXT_MAX); /* with CR and a stuffed dot, without LF */
	}
}

/* Only the fields whose names a mail reader would know, found the way a careless one finds them. */
static void plain_text(const uint8_t *header, size_t len)
{
	static const char *const others[] = { "multipart/", "message/rfc822", "text/html", "application/" };
	size_t types = 0;
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && header[i - 1] != '\n')
			continue;
		const char *line = (const char *)header + i;
		size_t left = len - i;
		if (left < 13 || strncasecmp(line, "content-type:", 13) != 0)
			continue;
		MUST(++types == 1);
		size_t at = 13;
		while (at < left && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r' || line[at] == '\n'))
			at++;
		MUST(left - at >= 10 && strncasecmp(line + at, "text/plain", 10) == 0);
		for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
			size_t end = at;
			while (end < left && line[end] != '\n')
				end++;
			MUST(find(header + i, end, others[k], strlen(others[k])) == NULL);
		}
	}
}

static void check_message(const uint8_t *p, size_t len)
{
	const uint8_t *end = len >= 3 && memcmp(p, ".\r\n", 3) == 0 ? p : find(p, len, "\r\n.\r\n", 5);
	if (end == NULL) { /* not ended: no careless reader may see an end either */
		MUST(find(p, len, "\n.\n", 3) == NULL && find(p, len, "\n.\r\n", 4) == NULL);
		return;
	}
	size_t octets = (size_t)(end - p) + (end > p ? 2 : 0);
	clean_lines(p, octets);
	const uint8_t *over = find(p, octets, "\r\n\r\n", 4);
	plain_text(p, over != NULL ? (size_t)(over - p) + 2 : octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > PASSED_MAX / 2)
		return 0;
	struct run *whole = run(data, size, size);
	struct run *bytes = run(data, size, 1);
	struct run *odd = run(data, size, 7);
	for (int i = 0; i < 2; i++) {
		const struct run *other = i ? odd : bytes;
		MUST(whole->refused == other->refused && whole->dir == other->dir && whole->over == other->over);
		MUST(whole->answer.say == other->answer.say && whole->answer.reason == other->answer.reason);
		for (int d = 0; d < 2; d++) {
			MUST(whole->len[d] == other->len[d]);
			MUST(memcmp(whole->passed[d], other->passed[d], whole->len[d]) == 0);
		}
	}
	if (data[0] & 1)
		check_message(whole->passed[ZG_CLIENT], whole->len[ZG_CLIENT]);
	struct run *runs[] = { whole, bytes, odd };
	for (int i = 0; i < 3; i++) {
		free(runs[i]->state);
		free(runs[i]);
	}
	return 0;
}
