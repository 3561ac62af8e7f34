/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rfb: whatever is said and however it is cut, the same is answered at the same byte, and the same bytes pass, as many as came.
 * What passed, given once more, passes as it is.
 *
 * First byte: bit 0 view only, 1 and 2 clipboards, 3 names, 4 and 5 how the rest is read:
 *   0  a dialogue from its beginning; each chunk is a byte (bit 0 direction, rest length) and its bytes
 *   1  the same, within a session whose client takes everything
 *   2  one rectangle: encoding, width, height, pixel format, Tight's control and filter, and its content, which is compressed here
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/rfb_config.h"
#define ZLIB_CONST
#include <zlib.h>
#include "zonegate/inspector.h"
#include "zonegate/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSED_MAX (1u << 17)
#define TURNS_MAX  600
#define PIECES	   32

#define MUST(condition)                                                                                                      \
	do {                                                                                                                 \
		if (!(condition)) {                                                                                          \
			fprintf(stderr, "fuzz_rfb: %s, line %d\n", #condition, __LINE__);                                     \
			abort();                                                                                             \
		}                                                                                                            \
	} while (0)

struct turn {
	enum zg_dir dir;
	const uint8_t *bytes;
	size_t len;
};

struct script {
	struct zg_rfb_config config;
	struct turn turns[TURNS_MAX];
	size_t n;
};

struct run {
	struct zg_lender lender;
	void *pieces[PIECES];
	size_t n_pieces;
	void *state;
	struct zg_answer answer;
	bool refused;
	enum zg_dir dir;
	size_t len[2], held[2];
	uint8_t passed[2][PASSED_MAX];
};

static void *lend(struct zg_lender *lender, size_t size)
{
	struct run *r = (void *)lender;
	MUST(size <= ZG_LEND_MAX && r->n_pieces < 2 * 6); /* two for each stream */
	return r->pieces[r->n_pieces++] = calloc(1, size);
}

static void give(struct run *r, const struct script *s, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len); /* exact, for the sanitizer */
	MUST(copy != NULL && r->len[dir] + len <= PASSED_MAX);
	memcpy(copy, bytes, len);
	struct zg_rw in = zg_rw_init(copy, len);
	in.n_held = r->held[dir] < ZG_HELD_REWRITE ? r->held[dir] : ZG_HELD_REWRITE;
	in.held = r->passed[dir] + r->len[dir] - in.n_held;
	in.lender = &r->lender;
	zg_rfb.data(r->state, &s->config, dir, &in, &r->answer);
	memcpy(r->passed[dir] + r->len[dir], copy, in.pos);
	r->len[dir] += in.pos;
	free(copy);
	for (int d = 0; d < 2; d++) {
		r->held[d] = r->answer.held[d];
		MUST(r->held[d] <= r->len[d] && r->held[d] <= ZG_HELD_REWRITE);
	}
	r->refused = r->answer.say == ZG_SAY_DENY;
	r->dir = dir;
	MUST(r->refused ? in.pos < len : in.pos == len);
	MUST(!r->refused || r->answer.reason != ZG_R_RFB_MEMORY);
}

/* cut 0: as it is; else in pieces of up to that many bytes, with settling some after which the sender waits. */
static struct run *run(const struct script *s, size_t cut, bool settling)
{
	struct run *r = calloc(1, sizeof *r);
	uint32_t random = (uint32_t)(s->n + cut);
	MUST(r != NULL);
	r->lender.lend = lend;
	r->state = calloc(1, zg_rfb.state_size);
	MUST(r->state != NULL);
	zg_rfb.begin(r->state, &s->config);
	for (size_t i = 0; i < s->n; i++) {
		const struct turn *t = &s->turns[i];
		for (size_t pos = 0, n; pos < t->len && !r->refused; pos += n) {
			random = random * 1664525u + 1013904223u;
			n = t->len - pos;
			if (cut > 0 && n > 1 + (random >> 8) % cut)
				n = 1 + (random >> 8) % cut;
			give(r, s, t->dir, t->bytes + pos, n);
			if (settling && !r->refused && (random & 0x30000) == 0) {
				zg_rfb.settle(r->state, t->dir, &r->answer);
				MUST(r->answer.say == ZG_SAY_MORE && r->answer.held[t->dir] == 0);
				r->held[t->dir] = 0;
			}
		}
	}
	while (r->n_pieces > 0)
		free(r->pieces[--r->n_pieces]);
	free(r->state);
	return r;
}

static void same(const struct run *a, const struct run *b)
{
	MUST(a->refused == b->refused);
	MUST(!a->refused || (a->dir == b->dir && a->answer.reason == b->answer.reason && a->answer.refusal == b->answer.refusal));
	for (int d = 0; d < 2; d++)
		MUST(a->len[d] == b->len[d] && a->held[d] == b->held[d] && memcmp(a->passed[d], b->passed[d], a->len[d]) == 0);
}

/* --- scripts ------------------------------------------------------------------------------------------- */

#define V38 "RFB 003.008\n"

static void turn(struct script *s, enum zg_dir dir, const void *bytes, size_t len)
{
	if (len > 0 && s->n < TURNS_MAX)
		s->turns[s->n++] = (struct turn){ dir, bytes, len };
}

static void dialogue(struct script *s, const uint8_t *data, size_t size)
{
	while (size > 1) {
		const enum zg_dir dir = data[0] & 1 ? ZG_SERVER : ZG_CLIENT;
		size_t n = data[0] >> 1;
		data++, size--;
		n = n < size ? n : size;
		turn(s, dir, data, n);
		data += n, size -= n;
	}
}

/* A framebuffer of 300 x 200; the client's pixel format is one of three. */
static void session(struct script *s, unsigned format)
{
	static const uint8_t init[] = { 1, 44, 0, 200, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t formats[][20] = {
		{ 0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, 16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, 8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 0, 3, 6, 0, 0, 0 },
	};
	static const int32_t codes[] = { 7, 16, 6, 5, 4, 2, 1, 0, -239, -240, -223, -224, -232, -307, -308, -250 };
	static uint8_t list[4 + sizeof codes];
	static const uint8_t request[] = { 3, 0, 0, 0, 0, 0, 1, 44, 0, 200 };

	list[0] = 2;
	list[3] = sizeof codes / sizeof *codes;
	for (size_t i = 0; i < sizeof codes; i++)
		list[4 + i] = (uint8_t)((uint32_t)codes[i / 4] >> (24 - i % 4 * 8));
	turn(s, ZG_SERVER, V38, 12);
	turn(s, ZG_CLIENT, V38, 12);
	turn(s, ZG_SERVER, "\1\1", 2);
	turn(s, ZG_CLIENT, "\1", 1);
	turn(s, ZG_SERVER, "\0\0\0\0", 4);
	turn(s, ZG_CLIENT, "\1", 1);
	turn(s, ZG_SERVER, init, sizeof init);
	turn(s, ZG_CLIENT, formats[format % 3], 20);
	turn(s, ZG_CLIENT, list, sizeof list);
	turn(s, ZG_CLIENT, request, sizeof request);
}

/* Returns the rectangle's bytes; free them. */
static uint8_t *rectangle(struct script *s, const uint8_t *data, size_t size)
{
	static const uint8_t encodings[] = { 6, 7, 16 };
	if (size < 6)
		return NULL;
	const uint8_t encoding = encodings[data[0] % 3], control = data[4], colours = data[5];
	const uint8_t *content = data + 6;
	size_t n = size - 6, at = 0;
	const size_t room = 32 + 1024 + n * 2 + 200;
	uint8_t *out = calloc(1, room);
	z_stream z = { 0 };
	MUST(out != NULL);

	session(s, data[3]);
	out[at + 3] = 1; /* an update of one rectangle */
	out[at + 9] = data[1] % 150 + 1;
	out[at + 11] = data[2] % 150 + 1;
	out[at + 15] = encoding;
	at = 16;
	if (encoding == 7) {
		out[at++] = control & 0x7f;
		if (control & 0x40) {
			out[at++] = control % 3;
			if (control % 3 == 1) {
				out[at++] = colours;
				const size_t palette = (colours + 1u) * (data[3] % 3 == 0 ? 3u : data[3] % 3 == 1 ? 2u : 1u);
				at += palette < 1024 ? palette : 1024;
			}
		}
	}
	MUST(deflateInit(&z, control & 0x80 ? 0 : 6) == Z_OK);
	uint8_t *length = out + at;
	z.next_in = content;
	z.avail_in = (uInt)n;
	z.next_out = length + (encoding == 7 ? 3 : 4);
	z.avail_out = (uInt)(room - at - 4);
	MUST(deflate(&z, Z_SYNC_FLUSH) >= Z_BUF_ERROR && z.avail_in == 0);
	const size_t len = (size_t)z.total_out;
	deflateEnd(&z);
	if (encoding == 7) {
		length[0] = (uint8_t)(len | 0x80);
		length[1] = (uint8_t)(len >> 7 | 0x80);
		length[2] = (uint8_t)(len >> 14);
	} else {
		length[2] = (uint8_t)(len >> 8);
		length[3] = (uint8_t)len;
		length[1] = (uint8_t)(len >> 16);
	}
	at += (encoding == 7 ? 3 : 4) + len;
	turn(s, ZG_SERVER, out, at);
	turn(s, ZG_SERVER, "\2", 1);
	return out;
}

/* What passed is what may pass: a second time it is not changed, and refused no earlier. */
static void passes_again(const struct script *s, const struct run *r)
{
	struct script again = { .config = s->config };
	size_t at[2] = { 0, 0 };

	if (r->refused || r->held[0] > 0 || r->held[1] > 0)
		return;
	for (size_t i = 0; i < s->n; i++) {
		const enum zg_dir dir = s->turns[i].dir;
		turn(&again, dir, r->passed[dir] + at[dir], s->turns[i].len);
		at[dir] += s->turns[i].len;
	}
	struct run *second = run(&again, 0, false);
	same(r, second);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t cuts[] = { 1, 7, 60, 1448 };
	uint8_t *bytes = NULL;
	struct script *s = calloc(1, sizeof *s);

	MUST(s != NULL);
	if (size < 2 || size > PASSED_MAX / 4) {
		free(s);
		return 0;
	}
	s->config.view_only = data[0] & 1 ? ZG_RFB_VIEW_ONLY_BLANK : ZG_RFB_VIEW_ONLY_OFF;
	s->config.clipboard_to_server = data[0] >> 1 & 1;
	s->config.clipboard_to_client = data[0] >> 2 & 1;
	s->config.desktop_name = data[0] >> 3 & 1;
	switch (data[0] >> 4 & 3) {
	case 0:
		dialogue(s, data + 1, size - 1);
		break;
	case 1:
		session(s, data[0] >> 6);
		dialogue(s, data + 1, size - 1);
		break;
	default:
		bytes = rectangle(s, data + 1, size - 1);
		break;
	}
	struct run *whole = run(s, 0, false);
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		struct run *other = run(s, cuts[i], false);
		same(whole, other);
		free(other);
	}
	free(run(s, 5, true));
	passes_again(s, whole);
	free(whole);
	free(bytes);
	free(s);
	return 0;
}
