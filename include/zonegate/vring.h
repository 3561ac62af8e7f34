/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of verdicts from one inspector to the gate: a ring in memory that both have mapped, one writer, one reader. A
 * verdict costs no system call while the gate is awake; while it sleeps, one write to an eventfd wakes it.
 *
 * The gate trusts nothing in it: each entry is one word, read once; the number of entries is checked; where the gate has
 * read to, it knows by itself. The worst that an inspector can do here it could do by sending wrong verdicts.
 *
 * Messages with a body (a packet in another's place, an injection) go over the channel. Each is announced in the ring
 * after it was sent, so that what was decided before it is sent before it, and what comes after, after.
 */
#ifndef ZONEGATE_VRING_H
#define ZONEGATE_VRING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/err.h"
#include "zonegate/limits.h"

/* Twice the packets that the kernel keeps for one queue (each waits for one verdict): messages find room beside them. */
#define ZG_VRING_SLOTS (2 * ZG_QUEUE_PACKETS)

enum zg_vring_kind {
	ZG_VRING_DROP,
	ZG_VRING_ACCEPT,
	ZG_VRING_MESSAGE, /* the next one of the channel */
	ZG_VRING_UPTO	  /* accepts whatever waits in the queue with this id or a lower one, see inspect/run.h */
};

struct zg_vring_shared {
	_Alignas(64) _Atomic uint32_t head;   /* entries written, modulo 2^32; the inspector's */
	_Alignas(64) _Atomic uint32_t tail;   /* entries read; the gate's, only told */
	_Alignas(64) _Atomic uint32_t asleep; /* the gate waits for the bell */
	_Alignas(64) _Atomic uint64_t used_ns; /* processor time that the inspector has taken */
	_Atomic uint32_t processor; /* where the gate would have it run: number + 1; 0 = anywhere. See gate/placing.h */
	_Alignas(64) _Atomic uint64_t slots[ZG_VRING_SLOTS]; /* kind in bits 63..32, packet id below */
};

/* One end; the mapping and the eventfd. */
struct zg_vring {
	struct zg_vring_shared *shared; /* NULL = none */
	uint32_t at; /* writer: entries written, perhaps not yet shown; reader: entries read */
	int bell;    /* eventfd; -1 = none */
};

/* The gate's: memory that nobody can shrink, and an eventfd. The caller closes *ret_memory after it was handed over. */
enum zg_err zg_vring_make(struct zg_vring *ret_ring, int *ret_memory);
/* The inspector's end. bell becomes the ring's, memory stays the caller's. ZG_EINVAL: not such memory. */
enum zg_err zg_vring_map(int memory, int bell, struct zg_vring *ret_ring);
/* Unmaps and closes; a zeroed ring with bell -1 is legal. */
void zg_vring_free(struct zg_vring *ring);

/* Writer: false = full, which an honest writer never sees. */
bool zg_vring_put(struct zg_vring *ring, enum zg_vring_kind kind, uint32_t id);
/* Writer: shows what was put; wakes the reader if it sleeps. */
void zg_vring_show(struct zg_vring *ring);
/* Reader: the entries that are there to be read. ZG_EINVAL: more than can be. */
enum zg_err zg_vring_ready(const struct zg_vring *ring, uint32_t *ret_n);
/* Reader: the next one; only after ready() said that there is one. */
uint64_t zg_vring_next(struct zg_vring *ring);
/* Reader: tells the writer how far it has read. */
void zg_vring_done(struct zg_vring *ring);
/* Writer: tells how much processor time it has taken, ns. Returns the processor that the reader would have it run on, -1 =
 * anywhere. */
int zg_vring_account(struct zg_vring *ring, uint64_t used_ns);
/* Reader: the processor time that the writer says it has taken, ns; for guesses only. */
uint64_t zg_vring_used_ns(const struct zg_vring *ring);
/* Reader: tells the writer where to run, as above. */
void zg_vring_place(struct zg_vring *ring, int cpu);
/* Reader, before it waits for the bell: false = something has come, it is awake. */
bool zg_vring_sleep(struct zg_vring *ring);

#endif
