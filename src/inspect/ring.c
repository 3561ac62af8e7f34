/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/ring.h"

#include <assert.h>
#include <string.h>

/* Bytes in the smallest chunk: a line of a dialogue. Larger ones as the ring grows, so that what is unused stays below what
 * is used, and the largest ring has few. */
#define CHUNK_MIN 256u

struct zg_chunk {
	struct zg_chunk *next;
	uint8_t *released; /* cap bytes; NULL = all are released as sent */
	uint32_t seq;	   /* of bytes[0] */
	uint32_t len, cap;
	uint8_t bytes[]; /* as sent */
};

#define CHUNK_MAX (ZG_POOL_OBJECT_MAX - (uint32_t)sizeof(struct zg_chunk))

/* A part of a range that lies in one chunk. */
struct part {
	const struct zg_chunk *chunk;
	uint32_t at, len; /* in the chunk */
};

/* The part at the beginning of seq .. seq + n, which is in the ring; n > 0. */
static struct part part_at(const struct zg_chunk *from, uint32_t seq, uint32_t n)
{
	while (seq - from->seq >= from->len) {
		from = from->next;
		assert(from != NULL); /* who asks for what is not there has lost count: better no inspector than a wrong byte */
	}
	const uint32_t at = seq - from->seq, left = from->len - at;
	return (struct part){ from, at, n < left ? n : left };
}

static const uint8_t *released(const struct part *part)
{
	return (part->chunk->released != NULL ? part->chunk->released : part->chunk->bytes) + part->at;
}

static struct zg_chunk *chunk_new(struct zg_pool *pool, uint32_t seq, uint32_t want)
{
	if (want < CHUNK_MIN)
		want = CHUNK_MIN;
	const size_t size = zg_pool_round(sizeof(struct zg_chunk) + (want < CHUNK_MAX ? want : CHUNK_MAX));
	struct zg_chunk *chunk = zg_pool_get(pool, size);
	if (chunk != NULL)
		*chunk = (struct zg_chunk){ .seq = seq, .cap = (uint32_t)(size - sizeof *chunk) };
	return chunk;
}

static void chunk_free(struct zg_pool *pool, struct zg_chunk *chunk)
{
	zg_pool_put(pool, chunk->released);
	zg_pool_put(pool, chunk);
}

static void fill(struct zg_chunk *chunk, const uint8_t *p, uint32_t n)
{
	memcpy(chunk->bytes + chunk->len, p, n);
	if (chunk->released != NULL)
		memcpy(chunk->released + chunk->len, p, n);
	chunk->len += n;
}

enum zg_err zg_ring_append(struct zg_ring *ring, struct zg_pool *pool, const uint8_t *p, uint32_t n, uint32_t bound)
{
	const uint32_t room = ring->last != NULL ? ring->last->cap - ring->last->len : 0;
	const uint32_t here = n < room ? n : room, rest = n - here;
	struct zg_chunk *chunk = NULL;

	if (ring->len > bound || n > bound - ring->len || rest > CHUNK_MAX)
		return ZG_ELIMIT;
	if (rest > 0) {
		chunk = chunk_new(pool, ring->start + ring->len + here, rest > ring->len ? rest : ring->len);
		if (chunk == NULL)
			return ZG_ENOMEM;
	}
	if (here > 0)
		fill(ring->last, p, here);
	if (chunk != NULL) {
		fill(chunk, p + here, rest);
		*(ring->last != NULL ? &ring->last->next : &ring->first) = chunk;
		ring->last = chunk;
	}
	ring->len += n;
	return ZG_OK;
}

enum zg_err zg_ring_rewrite(struct zg_ring *ring, struct zg_pool *pool, uint32_t seq, const uint8_t *p, uint32_t n)
{
	struct zg_chunk *chunk = ring->first;

	while (n > 0) {
		while (seq - chunk->seq >= chunk->len) {
			chunk = chunk->next;
			assert(chunk != NULL);
		}
		const uint32_t at = seq - chunk->seq, left = chunk->len - at, here = n < left ? n : left;
		if (chunk->released == NULL) {
			chunk->released = zg_pool_get(pool, chunk->cap);
			if (chunk->released == NULL)
				return ZG_ENOMEM;
			memcpy(chunk->released, chunk->bytes, chunk->len);
		}
		memcpy(chunk->released + at, p, here);
		p += here;
		seq += here;
		n -= here;
	}
	return ZG_OK;
}

bool zg_ring_same(const struct zg_ring *ring, uint32_t seq, const uint8_t *p, uint32_t n)
{
	const struct zg_chunk *chunk = ring->first;

	while (n > 0) {
		const struct part part = part_at(chunk, seq, n);
		if (memcmp(part.chunk->bytes + part.at, p, part.len) != 0)
			return false;
		chunk = part.chunk;
		p += part.len;
		seq += part.len;
		n -= part.len;
	}
	return true;
}

bool zg_ring_changed(const struct zg_ring *ring, uint32_t seq, uint32_t n)
{
	const struct zg_chunk *chunk = ring->first;

	while (n > 0) {
		const struct part part = part_at(chunk, seq, n);
		if (part.chunk->released != NULL && memcmp(part.chunk->bytes + part.at, released(&part), part.len) != 0)
			return true;
		chunk = part.chunk;
		seq += part.len;
		n -= part.len;
	}
	return false;
}

void zg_ring_copy(const struct zg_ring *ring, uint32_t seq, uint8_t *p, uint32_t n)
{
	const struct zg_chunk *chunk = ring->first;

	while (n > 0) {
		const struct part part = part_at(chunk, seq, n);
		memcpy(p, released(&part), part.len);
		chunk = part.chunk;
		p += part.len;
		seq += part.len;
		n -= part.len;
	}
}

const uint8_t *zg_ring_piece(const struct zg_ring *ring, uint32_t seq, uint32_t n, uint32_t *ret_len)
{
	/* what is new is read most */
	const struct part part = part_at(seq - ring->last->seq < ring->last->len ? ring->last : ring->first, seq, n);

	*ret_len = part.len;
	return released(&part);
}

void zg_ring_trim(struct zg_ring *ring, struct zg_pool *pool, uint32_t seq)
{
	ring->len -= seq - ring->start;
	ring->start = seq;
	/* signed: a chunk may begin before seq and lie in part behind it */
	while (ring->first != NULL && (int32_t)(seq - (ring->first->seq + ring->first->len)) >= 0) {
		struct zg_chunk *chunk = ring->first;
		ring->first = chunk->next;
		chunk_free(pool, chunk);
	}
	if (ring->first == NULL)
		ring->last = NULL;
}

void zg_ring_free(struct zg_ring *ring, struct zg_pool *pool)
{
	while (ring->first != NULL) {
		struct zg_chunk *chunk = ring->first;
		ring->first = chunk->next;
		chunk_free(pool, chunk);
	}
	ring->last = NULL;
	ring->len = 0;
}
