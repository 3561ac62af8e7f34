/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of addresses of one family as sorted, disjoint, closed intervals. IPv4 stands in the low 32 bits. */
#ifndef ZONEGATE_PLAN_INTERVAL_H
#define ZONEGATE_PLAN_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

#include "zonegate/addr.h"

typedef unsigned __int128 zg_u128;

struct zg_interval {
	zg_u128 lo, hi;
};

struct zg_intervals {
	struct zg_interval *v;
	size_t n;
};

void zg_intervals_free(struct zg_intervals *set);
/* Adds [lo, hi]; the set is not normal until zg_intervals_normalize(). */
enum zg_err zg_intervals_add(struct zg_intervals *set, zg_u128 lo, zg_u128 hi);
/* Sorts, joins what overlaps or touches: the set is normal then. */
void zg_intervals_normalize(struct zg_intervals *set);
/* Sorts, joins only what overlaps: two single neighbours stay two. */
void zg_intervals_disjoin(struct zg_intervals *set);
/* Takes [lo, hi] out of a normal set; it stays normal. */
enum zg_err zg_intervals_subtract(struct zg_intervals *set, zg_u128 lo, zg_u128 hi);
/* Adds to ret_set (not normalized) what [lo, hi] shares with the normal set. */
enum zg_err zg_intervals_intersect(const struct zg_intervals *set, zg_u128 lo, zg_u128 hi,
				   struct zg_intervals *ret_set);

zg_u128 zg_u128_of(const struct zg_addr *addr);
/* Network order, 4 or 16 bytes. */
void zg_u128_put(zg_u128 value, uint8_t family, uint8_t *ret_bytes);

#endif
