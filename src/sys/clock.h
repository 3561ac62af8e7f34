/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock of all timers. */
#ifndef ZONEGATE_SYS_CLOCK_H
#define ZONEGATE_SYS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Monotonic, ms. */
static inline uint64_t zg_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* How far the clock on the wall is ahead of the monotonic one, ms: the same until it is set. */
static inline int64_t zg_wall_offset_ms(void)
{
	struct timespec wall, mono;
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (int64_t)(wall.tv_sec - mono.tv_sec) * 1000 + (wall.tv_nsec - mono.tv_nsec) / 1000000;
}

#endif
