/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A zlib stream (RFC 1950) that goes on over many pieces, each flushed, read strictly: which byte offends does not depend on
 * how a piece is cut. zlib does the work, in borrowed memory.
 */
#ifndef ZONEGATE_PROTO_INFLATE_H
#define ZONEGATE_PROTO_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define ZLIB_CONST
#include <zlib.h>

#include "zonegate/inspector.h"

/* Zeroed memory is a stream that has not begun. */
struct zg_inflate {
	z_stream z;
	struct {
		void *bytes;
		size_t size;
	} lent[2]; /* what zlib keeps, and its window */
	void *spare; /* a window that was lent for a step that was undone */
	uint64_t block_in, block_out; /* where the block of deflate began */
	uint8_t empty;		      /* blocks without content in this piece */
	bool begun;
	bool no_memory;
};

/* What takes the content. ctx has size bytes without pointers, at most ZG_INFLATE_SINK_MAX, and may be put back to what it was
 * before a call. */
struct zg_inflate_sink {
	bool (*take)(void *ctx, const uint8_t *bytes, size_t n); /* false: one of them offends */
	void *ctx;
	size_t size;
};

#define ZG_INFLATE_SINK_MAX 64

/* The stream begins anew. */
void zg_inflate_reset(struct zg_inflate *s);
/* A piece begins. */
void zg_inflate_piece(struct zg_inflate *s);
/* The next n bytes of the piece; their content goes to sink, all of it. Returns how many were read before the offending one;
 * n: none. After one that offends, or without memory (no_memory), the stream is dead. */
size_t zg_inflate_read(struct zg_inflate *s, struct zg_lender *lender, const uint8_t *bytes, size_t n,
		       const struct zg_inflate_sink *sink);
/* Has a block of deflate just ended? A piece that is flushed ends there; what came behind would be read as the beginning of
 * another, and be content for nobody. */
static inline bool zg_inflate_flushed(const struct zg_inflate *s)
{
	return s->begun && s->block_in == s->z.total_in;
}

#endif
