/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of one direction that the receiver has not acknowledged yet, addressed by TCP sequence number: as the sender
 * sent them, and, where an inspector has changed one, also as they were released. A retransmission is compared with the
 * first and goes out as the second. In chunks: what lies in the ring is never moved.
 */
#ifndef ZONEGATE_INSPECT_RING_H
#define ZONEGATE_INSPECT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/pool.h"
#include "zonegate/err.h"

struct zg_chunk;

struct zg_ring {
	struct zg_chunk *first, *last; /* by sequence number; NULL = nothing held */
	uint32_t len;	/* bytes held */
	uint32_t start; /* sequence number of the first one */
};

/* Appends n bytes at start + len. bound: bytes that the ring may hold. ZG_ELIMIT, ZG_ENOMEM: nothing changed. */
enum zg_err zg_ring_append(struct zg_ring *ring, struct zg_pool *pool, const uint8_t *p, uint32_t n, uint32_t bound);
/* Says that the n bytes from seq on are released as p has them. They are in the ring. ZG_ENOMEM: the ring is to be freed. */
enum zg_err zg_ring_rewrite(struct zg_ring *ring, struct zg_pool *pool, uint32_t seq, const uint8_t *p, uint32_t n);
/* The n bytes from seq on (in the ring) compared with p: as sent. */
bool zg_ring_same(const struct zg_ring *ring, uint32_t seq, const uint8_t *p, uint32_t n);
/* Was one of the n bytes from seq on (in the ring) released in another form than it was sent? */
bool zg_ring_changed(const struct zg_ring *ring, uint32_t seq, uint32_t n);
/* Copies them as released. */
void zg_ring_copy(const struct zg_ring *ring, uint32_t seq, uint8_t *p, uint32_t n);
/* Longest piece as released from seq on that lies together: for reading in place. n > 0. */
const uint8_t *zg_ring_piece(const struct zg_ring *ring, uint32_t seq, uint32_t n, uint32_t *ret_len);
/* Forgets what lies before seq (start <= seq <= start + len). */
void zg_ring_trim(struct zg_ring *ring, struct zg_pool *pool, uint32_t seq);
void zg_ring_free(struct zg_ring *ring, struct zg_pool *pool);

#endif
