/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/ring.h"

#include <stdlib.h>
#include <string.h>

#define RING_MIN 2048u /* bytes: one segment of an Ethernet */

static uint32_t at(const struct zg_ring *ring, uint32_t seq)
{
	return seq & (ring->cap - 1);
}

/* Bytes from seq on before the buffer wraps, at most n. */
static uint32_t straight(const struct zg_ring *ring, uint32_t seq, uint32_t n)
{
	const uint32_t to_end = ring->cap - at(ring, seq);
	return n < to_end ? n : to_end;
}

static void put(const struct zg_ring *ring, uint8_t *buf, uint32_t seq, const uint8_t *p, uint32_t n)
{
	const uint32_t first = straight(ring, seq, n);
	memcpy(buf + at(ring, seq), p, first);
	memcpy(buf, p + first, n - first);
}

static void get(const struct zg_ring *ring, const uint8_t *buf, uint32_t seq, uint8_t *p, uint32_t n)
{
	const uint32_t first = straight(ring, seq, n);
	memcpy(p, buf + at(ring, seq), first);
	memcpy(p + first, buf, n - first);
}

/* Moves a ring's bytes from one buffer to one of another capacity. */
static void move(const struct zg_ring *from, const uint8_t *old, const struct zg_ring *to, uint8_t *new)
{
	const uint32_t first = straight(from, from->start, from->len);
	put(to, new, from->start, old + at(from, from->start), first);
	put(to, new, from->start + first, old, from->len - first);
}

enum zg_err zg_ring_reserve(struct zg_ring *ring, uint32_t n, uint32_t max, uint64_t *used, uint64_t limit)
{
	if (ring->len > max || n > max - ring->len)
		return ZG_ELIMIT;
	if (ring->len + n <= ring->cap)
		return ZG_OK;
	struct zg_ring grown = *ring;
	for (grown.cap = ring->cap ? ring->cap : RING_MIN; grown.cap < ring->len + n; grown.cap *= 2)
		;
	const uint64_t each = grown.cap - ring->cap, more = ring->released ? 2 * each : each;
	if (*used > limit || more > limit - *used)
		return ZG_ELIMIT;
	grown.sent = malloc(grown.cap);
	grown.released = ring->released ? malloc(grown.cap) : NULL;
	if (grown.sent == NULL || (ring->released != NULL && grown.released == NULL)) {
		free(grown.sent);
		free(grown.released);
		return ZG_ENOMEM;
	}
	if (ring->len > 0) {
		move(ring, ring->sent, &grown, grown.sent);
		if (ring->released != NULL)
			move(ring, ring->released, &grown, grown.released);
	}
	free(ring->sent);
	free(ring->released);
	*ring = grown;
	*used += more;
	return ZG_OK;
}

void zg_ring_append(struct zg_ring *ring, const uint8_t *p, uint32_t n)
{
	put(ring, ring->sent, ring->start + ring->len, p, n);
	if (ring->released != NULL)
		put(ring, ring->released, ring->start + ring->len, p, n);
	ring->len += n;
}

enum zg_err zg_ring_rewrite(struct zg_ring *ring, uint32_t seq, const uint8_t *p, uint32_t n, uint64_t *used,
			    uint64_t limit)
{
	if (ring->released == NULL) {
		if (*used > limit || ring->cap > limit - *used)
			return ZG_ELIMIT;
		ring->released = malloc(ring->cap);
		if (ring->released == NULL)
			return ZG_ENOMEM;
		memcpy(ring->released, ring->sent, ring->cap);
		*used += ring->cap;
	}
	put(ring, ring->released, seq, p, n);
	return ZG_OK;
}

bool zg_ring_same(const struct zg_ring *ring, uint32_t seq, const uint8_t *p, uint32_t n)
{
	const uint32_t first = n > 0 ? straight(ring, seq, n) : 0;
	return n == 0 ||
	       (memcmp(ring->sent + at(ring, seq), p, first) == 0 && memcmp(ring->sent, p + first, n - first) == 0);
}

void zg_ring_copy(const struct zg_ring *ring, uint32_t seq, uint8_t *p, uint32_t n)
{
	if (n > 0)
		get(ring, ring->released ? ring->released : ring->sent, seq, p, n);
}

const uint8_t *zg_ring_piece(const struct zg_ring *ring, uint32_t seq, uint32_t n, uint32_t *ret_len)
{
	*ret_len = straight(ring, seq, n);
	return (ring->released ? ring->released : ring->sent) + at(ring, seq);
}

void zg_ring_trim(struct zg_ring *ring, uint32_t seq, uint64_t *used)
{
	ring->len -= seq - ring->start;
	ring->start = seq;
	if (ring->len == 0)
		zg_ring_free(ring, used);
}

void zg_ring_free(struct zg_ring *ring, uint64_t *used)
{
	*used -= (uint64_t)ring->cap * (ring->released ? 2 : 1);
	free(ring->sent);
	free(ring->released);
	ring->sent = ring->released = NULL;
	ring->cap = ring->len = 0;
}
