/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * textify: whatever the message and its cuts, the same is said at the same octet, the same octets go on, and as many. What
 * has gone on is text: given once more, as a message of its own, it passes and is not changed. (Not asked of quoted-printable,
 * where a line of blanks has blanks at its end, which a sender of text may not write.) The same is asked of what goes on to a
 * server when the sender waits in between, and what is held has to be settled.
 *
 * And a reader that minds nothing (mail_reader.h) finds in it only text/plain, no '<' where HTML was, nothing where no text was,
 * no live link; where a part began, the message that came says what it was, since no length has changed.
 *
 * The input is the message as it is on the wire, without its end of data. An odd number of octets: names of files are shown.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail_reader.h"
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

static struct zg_smtp_config config = {
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

/* Of the multiparts that are open, the outermost first; with the hyphens. */
static char boundaries[READER_DEPTH][80];

/* How far a line begins like a delimiter: until it goes on otherwise it may be one, and passes. */
static size_t like_delimiter(const char *p, size_t n, unsigned depth)
{
	size_t longest = 0;
	for (unsigned d = 0; d < depth; d++) {
		size_t i = 0;
		while (i < n && boundaries[d][i] != '\0' && tolower((unsigned char)p[i]) == tolower((unsigned char)boundaries[d][i]))
			i++;
		longest = i > longest ? i : longest;
	}
	return longest;
}

static bool is_blank(const char *p, size_t n, unsigned depth)
{
	for (size_t at = 0; at < n;) {
		const struct piece line = reader_line((struct piece){ p + at, n - at });
		const size_t skip = like_delimiter(line.p, line.len, depth);
		if (!reader_only_blank(line.p + skip, line.len - skip))
			return false;
		at += line.len;
	}
	return true;
}

/* A part as it went on, and the header that it had. */
static void judge_leaf(struct piece header, struct piece body, struct piece was, unsigned depth)
{
	static char text[READER_MAX + 1];
	char type[2048] = "text/plain", before[2048] = "text/plain", encoding[2048] = "7bit", disposition[2048] = "inline";
	size_t n;

	(void)reader_field(header, "content-type:", type);
	(void)reader_field(header, "content-transfer-encoding:", encoding);
	(void)reader_field(was, "content-type:", before);
	(void)reader_field(was, "content-disposition:", disposition);
	MUST(strncasecmp(type, "text/plain", 10) == 0);
	n = reader_decode(body, encoding, text);
	text[n] = '\0';
	const bool html = strncasecmp(before, "text/html", 9) == 0, plain = strncasecmp(before, "text/plain", 10) == 0;
	if (((!html && !plain) || strncasecmp(disposition, "inline", 6) != 0) && !config.names)
		MUST(is_blank(text, n, depth));
	if (strcasestr(type, "2022") != NULL || strcasestr(type, "shift") != NULL) /* where an octet may be half a character */
		return;
	MUST(!html || memchr(text, '<', n) == NULL);
	MUST(reader_live_link(text, n) == NULL);
}

/* came: the same octets before. */
static void judge(struct piece mail, struct piece came, unsigned depth)
{
	char type[2048] = "", *boundary = depth < READER_DEPTH ? boundaries[depth] : NULL;
	struct piece header, body, was = { came.p, 0 };

	reader_split(mail, &header, &body);
	was.len = header.len;
	(void)reader_field(header, "content-type:", type);
	if (strncasecmp(type, "multipart/", 10) != 0 || depth == READER_DEPTH) {
		judge_leaf(header, body, was, depth);
		return;
	}
	const char *at = strcasestr(type, "boundary=");
	strcpy(boundary, "--");
	MUST(at != NULL && sscanf(at + 9, at[9] == '"' ? "\"%70[^\"]" : "%70[^; \t]", boundary + 2) == 1);
	/* from delimiter to delimiter */
	for (size_t pos = 0, begin = SIZE_MAX; pos < body.len;) {
		const struct piece line = reader_line((struct piece){ body.p + pos, body.len - pos });
		if (reader_begins(line, boundary)) {
			if (begin != SIZE_MAX)
				judge((struct piece){ body.p + begin, pos - begin }, (struct piece){ came.p + header.len + begin, pos - begin },
				      depth + 1);
			begin = reader_begins((struct piece){ line.p + strlen(boundary), line.len - strlen(boundary) }, "--") ? SIZE_MAX : pos + line.len;
		}
		pos += line.len;
	}
}

static void is_harmless(const struct run *r, const uint8_t *message)
{
	const uint8_t *end = memmem(message, r->len, END, strlen(END));
	if (r->refused || end == NULL)
		return;
	const size_t len = (size_t)(end - message) + 2;
	judge((struct piece){ (const char *)r->out, len }, (struct piece){ (const char *)message, len }, 0);
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
	config.names = size & 1;

	struct run *whole = run(message, len, 0, false);
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		struct run *other = run(message, len, cuts[i], false);
		same(whole, other);
		free(other);
	}
	MUST(whole->refused || whole->len == len);
	is_text(whole);
	is_harmless(whole, message);
	struct run *settled = run(message, len, 5, true);
	MUST(settled->refused || settled->len == len);
	is_text(settled);
	is_harmless(settled, message);
	free(settled);
	free(whole);
	return 0;
}
