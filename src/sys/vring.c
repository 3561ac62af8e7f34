/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/vring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static struct zg_vring_shared *map(int memory)
{
	void *p = mmap(NULL, sizeof(struct zg_vring_shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (p == MAP_FAILED)
		return NULL;
	return p; /* cppcheck-suppress memleak ; zg_vring_free() unmaps */
}

enum zg_err zg_vring_make(struct zg_vring *ret_ring, int *ret_memory)
{
	struct zg_vring ring = { .bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	int memory = memfd_create("zonegate-verdicts", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (ring.bell < 0 || memory < 0 || ftruncate(memory, sizeof *ring.shared) != 0 ||
	    fcntl(memory, F_ADD_SEALS, SEALS) != 0 || (ring.shared = map(memory)) == NULL) {
		if (memory >= 0)
			close(memory);
		zg_vring_free(&ring);
		return ZG_ESYS;
	}
	*ret_ring = ring;
	*ret_memory = memory;
	return ZG_OK;
}

enum zg_err zg_vring_map(int memory, int bell, struct zg_vring *ret_ring)
{
	struct zg_vring ring = { .bell = bell };

	if (fcntl(memory, F_GET_SEALS) != SEALS || lseek(memory, 0, SEEK_END) != sizeof *ring.shared)
		return ZG_EINVAL;
	ring.shared = map(memory);
	if (ring.shared == NULL)
		return ZG_ESYS;
	*ret_ring = ring;
	return ZG_OK;
}

void zg_vring_free(struct zg_vring *ring)
{
	if (ring->shared != NULL)
		munmap(ring->shared, sizeof *ring->shared);
	if (ring->bell >= 0)
		close(ring->bell);
	*ring = (struct zg_vring){ .bell = -1 };
}

/* --- writer ------------------------------------------------------------------------------------ */

bool zg_vring_put(struct zg_vring *ring, enum zg_vring_kind kind, uint32_t id)
{
	if (ring->at - atomic_load_explicit(&ring->shared->tail, memory_order_relaxed) >= ZG_VRING_SLOTS)
		return false;
	atomic_store_explicit(&ring->shared->slots[ring->at % ZG_VRING_SLOTS], (uint64_t)kind << 32 | id, memory_order_relaxed);
	ring->at++;
	return true;
}

void zg_vring_show(struct zg_vring *ring)
{
	const uint64_t one = 1;

	/* both sequentially consistent: either the reader sees the head, or we see that it sleeps */
	atomic_store(&ring->shared->head, ring->at);
	if (atomic_load(&ring->shared->asleep) != 0 && atomic_exchange(&ring->shared->asleep, 0) != 0)
		/* fails only where the counter is full, and then the reader has been woken */
		(void)!write(ring->bell, &one, sizeof one);
}

/* --- reader ------------------------------------------------------------------------------------ */

enum zg_err zg_vring_ready(const struct zg_vring *ring, uint32_t *ret_n)
{
	const uint32_t n = atomic_load_explicit(&ring->shared->head, memory_order_acquire) - ring->at;
	if (n > ZG_VRING_SLOTS)
		return ZG_EINVAL;
	*ret_n = n;
	return ZG_OK;
}

uint64_t zg_vring_next(struct zg_vring *ring)
{
	return atomic_load_explicit(&ring->shared->slots[ring->at++ % ZG_VRING_SLOTS], memory_order_relaxed);
}

void zg_vring_done(struct zg_vring *ring)
{
	atomic_store_explicit(&ring->shared->tail, ring->at, memory_order_release);
}

bool zg_vring_sleep(struct zg_vring *ring)
{
	atomic_store(&ring->shared->asleep, 1);
	if (atomic_load(&ring->shared->head) == ring->at)
		return true;
	atomic_store(&ring->shared->asleep, 0);
	return false;
}

/* --- where they run ----------------------------------------------------------------------------- */

int zg_vring_account(struct zg_vring *ring, uint64_t used_ns)
{
	const uint32_t processor = atomic_load_explicit(&ring->shared->processor, memory_order_relaxed);

	atomic_store_explicit(&ring->shared->used_ns, used_ns, memory_order_relaxed);
	return processor <= INT_MAX ? (int)processor - 1 : -1;
}

uint64_t zg_vring_used_ns(const struct zg_vring *ring)
{
	return atomic_load_explicit(&ring->shared->used_ns, memory_order_relaxed);
}

void zg_vring_place(struct zg_vring *ring, int cpu)
{
	atomic_store_explicit(&ring->shared->processor, (uint32_t)(cpu + 1), memory_order_relaxed);
}
