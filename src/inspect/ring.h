/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of one direction that the receiver has not acknowledged yet, addressed by TCP sequence number: as the sender
 * sent them, and, once an inspector has changed one, also as they were released. A retransmission is compared with the
 * first and goes out as the second.
 */
#ifndef ZONEGATE_INSPECT_RING_H
#define ZONEGATE_INSPECT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/err.h"

struct zg_ring {
	uint8_t *sent;	   /* cap bytes; NULL = nothing allocated */
	uint8_t *released; /* cap bytes; NULL = nothing in the ring was ever changed */
	uint32_t cap;	   /* a power of two */
	uint32_t len;	   /* bytes held */
	uint32_t start;	   /* sequence number of the first one; its place is start modulo cap */
};

/* Makes room for n more bytes, at most max in all. *used is the owner's count of bytes allocated, bounded by limit.
 * ZG_ELIMIT, ZG_ENOMEM: nothing changed. */
enum zg_err zg_ring_reserve(struct zg_ring *ring, uint32_t n, uint32_t max, uint64_t *used, uint64_t limit);
/* Appends n bytes at start + len; there is room. Not yet changed. */
void zg_ring_append(struct zg_ring *ring, const uint8_t *p, uint32_t n);
/* Says that the n bytes from seq on are released as p has them. They are in the ring. */
enum zg_err zg_ring_rewrite(struct zg_ring *ring, uint32_t seq, const uint8_t *p, uint32_t n, uint64_t *used,
			    uint64_t limit);
/* The n bytes from seq on (in the ring) compared with p: as sent. */
bool zg_ring_same(const struct zg_ring *ring, uint32_t seq, const uint8_t *p, uint32_t n);
/* Copies them as released. */
void zg_ring_copy(const struct zg_ring *ring, uint32_t seq, uint8_t *p, uint32_t n);
/* Longest piece as released from seq on that lies together: for reading in place. n > 0. */
const uint8_t *zg_ring_piece(const struct zg_ring *ring, uint32_t seq, uint32_t n, uint32_t *ret_len);
/* Forgets what lies before seq (start <= seq <= start + len); gives the memory back when nothing is left. */
void zg_ring_trim(struct zg_ring *ring, uint32_t seq, uint64_t *used);
void zg_ring_free(struct zg_ring *ring, uint64_t *used);

#endif
