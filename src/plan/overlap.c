/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of an interval map of which one packet could match two. The kernel refuses some of these, takes others and
 * then uses whichever it finds first: which inspector reads a connection must not depend on that. The elements are
 * boxes; a set of boxes that falls apart along one axis is looked at part by part, what does not is swept.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/compile.h"

#define DEPTH_MAX 64 /* cuts in one branch: beyond, the sweep decides */

/* A field of the key as an axis. */
struct axis {
	size_t at, len; /* bytes */
};

struct overlap {
	struct axis axes[ZG_PLAN_FIELDS_MAX];
	size_t n_axes;
	const struct zg_elem *a, *b; /* the first two that meet */
};

static int compare_begins(const void *a_, const void *b_, void *axis_)
{
	const struct zg_elem *const *a = a_, *const *b = b_;
	const struct axis *axis = axis_;
	return memcmp((*a)->key + axis->at, (*b)->key + axis->at, axis->len);
}

/* Does b, which begins no earlier, begin behind the end of a? */
static bool behind(const struct zg_elem *a, const struct zg_elem *b, const struct axis *axis)
{
	return memcmp(b->key + axis->at, a->end + axis->at, axis->len) > 0;
}

static bool meet(const struct overlap *o, const struct zg_elem *a, const struct zg_elem *b)
{
	for (size_t i = 0; i < o->n_axes; i++)
		if (behind(a, b, &o->axes[i]) || behind(b, a, &o->axes[i]))
			return false;
	return true;
}

static bool find(struct overlap *o, const struct zg_elem **elems, size_t n, int depth);

/* Cuts along one axis wherever nothing reaches across, and looks into the parts. False: it is one part. */
static bool cut(struct overlap *o, const struct zg_elem **elems, size_t n, size_t axis, int depth, bool *ret_found)
{
	const struct axis *x = &o->axes[axis];
	const struct zg_elem *farthest = NULL;
	size_t begin = 0;
	bool found = false;

	qsort_r(elems, n, sizeof *elems, compare_begins, &o->axes[axis]);
	/* elems[i] is overwritten by the parts' own sorting only before i: parts are looked at as they end */
	for (size_t i = 0; i < n && !found; i++) {
		if (farthest != NULL && behind(farthest, elems[i], x)) {
			found = find(o, elems + begin, i - begin, depth + 1);
			begin = i;
			farthest = NULL;
		}
		if (farthest == NULL || memcmp(elems[i]->end + x->at, farthest->end + x->at, x->len) > 0)
			farthest = elems[i];
	}
	if (begin == 0 && !found)
		return false;
	*ret_found = found || find(o, elems + begin, n - begin, depth + 1);
	return true;
}

/* How many pairs meet on this axis alone. */
static size_t count_pairs(struct overlap *o, const struct zg_elem **elems, size_t n, size_t axis)
{
	size_t pairs = 0;
	qsort_r(elems, n, sizeof *elems, compare_begins, &o->axes[axis]);
	for (size_t i = 0; i < n; i++) {
		size_t lo = i + 1, hi = n;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			if (behind(elems[i], elems[mid], &o->axes[axis]))
				hi = mid;
			else
				lo = mid + 1;
		}
		pairs += lo - i - 1;
	}
	return pairs;
}

static bool sweep(struct overlap *o, const struct zg_elem **elems, size_t n)
{
	size_t best = 0, fewest = SIZE_MAX;
	for (size_t a = 0; a < o->n_axes && n > 8; a++) {
		size_t pairs = count_pairs(o, elems, n, a);
		if (pairs < fewest) {
			fewest = pairs;
			best = a;
		}
	}
	qsort_r(elems, n, sizeof *elems, compare_begins, &o->axes[best]);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n && !behind(elems[i], elems[k], &o->axes[best]); k++) {
			if (meet(o, elems[i], elems[k])) {
				o->a = elems[i];
				o->b = elems[k];
				return true;
			}
		}
	}
	return false;
}

static bool find(struct overlap *o, const struct zg_elem **elems, size_t n, int depth)
{
	bool found = false;
	if (n < 2)
		return false;
	for (size_t a = 0; a < o->n_axes && depth < DEPTH_MAX && n > 8; a++)
		if (cut(o, elems, n, a, depth, &found))
			return found;
	return sweep(o, elems, n);
}

enum zg_err zg_set_overlap(const struct zg_set *set, const struct zg_elem **ret_a, const struct zg_elem **ret_b)
{
	struct overlap o = { .n_axes = set->n_fields };
	const struct zg_elem **elems = calloc(set->n_elems + 1, sizeof *elems);
	if (elems == NULL)
		return ZG_ENOMEM;
	for (size_t i = 0, at = 0; i < set->n_fields; i++) {
		o.axes[i] = (struct axis){ at, set->fields[i].len };
		at += zg_field_padded(&set->fields[i]);
	}
	for (size_t i = 0; i < set->n_elems; i++)
		elems[i] = &set->elems[i];
	if (find(&o, elems, set->n_elems, 0)) {
		/* the later flow is the one to be told */
		bool swap = o.a->flow > o.b->flow;
		*ret_a = swap ? o.b : o.a;
		*ret_b = swap ? o.a : o.b;
	} else {
		*ret_a = *ret_b = NULL;
	}
	free(elems);
	return ZG_OK;
}
