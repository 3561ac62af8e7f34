/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/inflate.h"

#include <string.h>

#include "zonegate/limits.h"

#define CONTENT	   4096 /* bytes that are looked at in one step */
#define FEW	   32u	/* bytes up to which reading them one by one costs less than keeping what was before */
#define BETWEEN_BLOCKS 128 /* in data_type, see inflate() in zlib.h */
#define MEMORY_MAX (48u * 1024) /* bytes that zlib asks for, for one stream: its own state and a window of 32 KiB */

/* --- memory ------------------------------------------------------------------------------------- */

struct borrower {
	struct zg_inflate *stream;
	struct zg_lender *lender;
};

static voidpf borrow(voidpf opaque, uInt items, uInt size)
{
	struct borrower *b = opaque;
	struct zg_inflate *s = b->stream;
	const size_t n = (size_t)items * size, at = s->lent[0].bytes == NULL ? 0 : 1;
	void *bytes = NULL;

	if (s->lent[at].bytes == NULL && n <= MEMORY_MAX - s->lent[0].size)
		bytes = s->spare != NULL ? s->spare : b->lender->lend(b->lender, n);
	if (bytes == NULL) {
		s->no_memory = true;
		return NULL;
	}
	s->lent[at].bytes = bytes;
	s->lent[at].size = n;
	return bytes;
}

/* Who lent takes back. */
static void keep(voidpf opaque, voidpf address)
{
	(void)opaque;
	(void)address;
}

/* --- one step ------------------------------------------------------------------------------------ */

static bool begin(struct zg_inflate *s)
{
	s->z.zalloc = borrow;
	s->z.zfree = keep;
	s->begun = inflateInit(&s->z) == Z_OK;
	return s->begun;
}

/* A block that holds nothing is what a flush leaves; many, or large ones, would hold something for somebody else. */
static bool block_ended(struct zg_inflate *s)
{
	const bool empty = s->block_in > 0 && s->z.total_out == s->block_out; /* the first is the stream's header */

	if (empty && (s->z.total_in - s->block_in > ZG_RFB_EMPTY_BYTES || ++s->empty > ZG_RFB_EMPTY_BLOCKS))
		return false;
	s->block_in = s->z.total_in;
	s->block_out = s->z.total_out;
	return true;
}

/* Reads n bytes, and hands on all content that they complete. */
static bool read_all(struct zg_inflate *s, const uint8_t *bytes, size_t n, const struct zg_inflate_sink *sink)
{
	uint8_t content[CONTENT];
	bool more = true;

	s->z.next_in = bytes;
	s->z.avail_in = (uInt)n;
	while (more) {
		const uInt left = s->z.avail_in;
		const int place = s->z.data_type; /* within a byte, and whether between two blocks */
		s->z.next_out = content;
		s->z.avail_out = sizeof content;
		const int result = inflate(&s->z, Z_BLOCK);
		const size_t got = sizeof content - s->z.avail_out;
		if (result != Z_OK && result != Z_BUF_ERROR) /* the end of the stream too: it goes on as long as the connection */
			return false;
		if (got > 0 && !sink->take(sink->ctx, content, got))
			return false;
		more = got > 0 || s->z.avail_in != left || s->z.data_type != place;
		if (more && (s->z.data_type & BETWEEN_BLOCKS) && !block_ended(s))
			return false;
	}
	return s->z.avail_in == 0;
}

static size_t read_each(struct zg_inflate *s, const uint8_t *bytes, size_t n, const struct zg_inflate_sink *sink)
{
	size_t at = 0;
	while (at < n && read_all(s, bytes + at, 1, sink))
		at++;
	return at;
}

/* --- a step that can be undone -------------------------------------------------------------------- */

struct before {
	struct zg_inflate stream;
	uint8_t sink[ZG_INFLATE_SINK_MAX];
	uint8_t memory[MEMORY_MAX];
};

static void remember(struct before *b, const struct zg_inflate *s, const struct zg_inflate_sink *sink)
{
	b->stream = *s;
	memcpy(b->sink, sink->ctx, sink->size);
	memcpy(b->memory, s->lent[0].bytes, s->lent[0].size);
	if (s->lent[1].bytes != NULL)
		memcpy(b->memory + s->lent[0].size, s->lent[1].bytes, s->lent[1].size);
}

static void put_back(const struct before *b, struct zg_inflate *s, const struct zg_inflate_sink *sink)
{
	void *window = s->lent[1].bytes;

	*s = b->stream;
	if (s->lent[1].bytes == NULL)
		s->spare = window;
	memcpy(sink->ctx, b->sink, sink->size);
	memcpy(s->lent[0].bytes, b->memory, s->lent[0].size);
	if (s->lent[1].bytes != NULL)
		memcpy(s->lent[1].bytes, b->memory + s->lent[0].size, s->lent[1].size);
}

/* --- the stream ------------------------------------------------------------------------------------- */

void zg_inflate_reset(struct zg_inflate *s)
{
	if (s->begun)
		(void)inflateReset(&s->z);
	s->block_in = s->block_out = 0;
}

void zg_inflate_piece(struct zg_inflate *s)
{
	s->empty = 0;
}

size_t zg_inflate_read(struct zg_inflate *s, struct zg_lender *lender, const uint8_t *bytes, size_t n,
		       const struct zg_inflate_sink *sink)
{
	struct borrower borrower = { s, lender };
	struct before before __attribute__((uninitialized)); /* a copy that is made here, and large */
	size_t read = n;

	s->z.opaque = &borrower;
	if (!s->begun && !begin(s))
		return 0;
	if (n <= FEW) {
		read = read_each(s, bytes, n, sink);
	} else {
		remember(&before, s, sink);
		if (!read_all(s, bytes, n, sink)) {
			put_back(&before, s, sink);
			read = read_each(s, bytes, n, sink);
		}
	}
	s->z.opaque = NULL;
	return read;
}
