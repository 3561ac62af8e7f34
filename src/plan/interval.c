/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/interval.h"

#include <stdlib.h>
#include <string.h>

void zg_intervals_free(struct zg_intervals *set)
{
	free(set->v);
	*set = (struct zg_intervals){ 0 };
}

enum zg_err zg_intervals_add(struct zg_intervals *set, zg_u128 lo, zg_u128 hi)
{
	/* the room is at least the next power of two, also after n has shrunk */
	if ((set->n & (set->n - 1)) == 0) {
		struct zg_interval *v = reallocarray(set->v, set->n == 0 ? 1 : set->n * 2, sizeof *v);
		if (v == NULL)
			return ZG_ENOMEM;
		set->v = v;
	}
	set->v[set->n++] = (struct zg_interval){ lo, hi };
	return ZG_OK;
}

static int compare(const void *a_, const void *b_)
{
	const struct zg_interval *a = a_, *b = b_;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return a->hi < b->hi ? -1 : a->hi > b->hi;
}

static void join(struct zg_intervals *set, bool touching)
{
	size_t kept = 0;
	if (set->n < 2)
		return;
	qsort(set->v, set->n, sizeof *set->v, compare);
	for (size_t i = 1; i < set->n; i++) {
		struct zg_interval *last = &set->v[kept];
		/* hi + 1 wraps at the end of the space; then everything later lies inside anyway */
		if (set->v[i].lo <= last->hi || (touching && set->v[i].lo == last->hi + 1)) {
			if (set->v[i].hi > last->hi)
				last->hi = set->v[i].hi;
		} else {
			set->v[++kept] = set->v[i];
		}
	}
	set->n = kept + 1;
}

void zg_intervals_normalize(struct zg_intervals *set)
{
	join(set, true);
}

void zg_intervals_disjoin(struct zg_intervals *set)
{
	join(set, false);
}

enum zg_err zg_intervals_subtract(struct zg_intervals *set, zg_u128 lo, zg_u128 hi)
{
	struct zg_intervals rest = { 0 };
	for (size_t i = 0; i < set->n; i++) {
		const struct zg_interval *v = &set->v[i];
		enum zg_err err = ZG_OK;
		if (hi < v->lo || lo > v->hi) {
			err = zg_intervals_add(&rest, v->lo, v->hi);
		} else {
			if (v->lo < lo)
				err = zg_intervals_add(&rest, v->lo, lo - 1);
			if (err == ZG_OK && v->hi > hi)
				err = zg_intervals_add(&rest, hi + 1, v->hi);
		}
		if (err != ZG_OK) {
			zg_intervals_free(&rest);
			return err;
		}
	}
	zg_intervals_free(set);
	*set = rest;
	return ZG_OK;
}

/* Index of the first interval that ends at value or behind it. */
static size_t first_from(const struct zg_intervals *set, zg_u128 value)
{
	size_t lo = 0, hi = set->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (set->v[mid].hi < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum zg_err zg_intervals_intersect(const struct zg_intervals *set, zg_u128 lo, zg_u128 hi, struct zg_intervals *ret_set)
{
	for (size_t i = first_from(set, lo); i < set->n && set->v[i].lo <= hi; i++) {
		const struct zg_interval *v = &set->v[i];
		enum zg_err err = zg_intervals_add(ret_set, v->lo > lo ? v->lo : lo, v->hi < hi ? v->hi : hi);
		if (err != ZG_OK)
			return err;
	}
	return ZG_OK;
}

zg_u128 zg_u128_of(const struct zg_addr *addr)
{
	zg_u128 value = 0;
	for (size_t i = 0; i < zg_addr_len(addr->family); i++)
		value = value << 8 | addr->b[i];
	return value;
}

void zg_u128_put(zg_u128 value, uint8_t family, uint8_t *ret_bytes)
{
	for (size_t i = zg_addr_len(family); i-- > 0; value >>= 8)
		ret_bytes[i] = (uint8_t)value;
}
