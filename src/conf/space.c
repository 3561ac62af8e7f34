/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which address belongs to which zone: the narrowest range wins, so the ranges must nest. */
#include <stdlib.h>

#include "conf/conf.h"

struct piece_of {
	const struct zg_range *range;
	size_t zone, index;
};

/* Outer before inner: by first address, the longer one first, then as written. */
static int compare(const void *a_, const void *b_)
{
	const struct piece_of *a = a_, *b = b_;
	int order = zg_addr_cmp(&a->range->lo, &b->range->lo);
	if (order == 0)
		order = -zg_addr_cmp(&a->range->hi, &b->range->hi);
	if (order == 0)
		order = a->zone != b->zone ? (a->zone < b->zone ? -1 : 1) : (a->index < b->index ? -1 : 1);
	return order;
}

/* True if inner, which begins inside of outer, may not be there. */
static bool collide(const struct conf_draft *draft, struct zg_diags *diags, const struct piece_of *outer,
		    const struct piece_of *inner)
{
	char a[2 * ZG_ADDRSTR_MAX], b[2 * ZG_ADDRSTR_MAX], line[ZG_LINE_STR_MAX];
	const struct zg_zone *zones = draft->policy->zones;
	struct conf_at at = draft->zones[inner->zone].ranges[inner->index];
	struct conf_at other = draft->zones[outer->zone].ranges[outer->index];
	bool crosses = zg_addr_cmp(&inner->range->hi, &outer->range->hi) > 0;
	bool equal = !crosses && zg_addr_cmp(&inner->range->lo, &outer->range->lo) == 0 &&
		     zg_addr_cmp(&inner->range->hi, &outer->range->hi) == 0;

	const char *name = zones[outer->zone].name != NULL ? zones[outer->zone].name : "?";
	zg_range_str(inner->range, a);
	zg_range_str(outer->range, b);
	zg_files_line(draft->files, other.line, line);
	if (inner->zone == outer->zone)
		CONF_ERROR(diags, at, "write it once", "%s overlaps %s of the same zone, %s", a, b,
			   line);
	else if (equal)
		CONF_ERROR(diags, at, "an address belongs to one zone only",
			   "%s belongs to zone \"%s\" already, %s", a, name, line);
	else if (crosses)
		CONF_ERROR(diags, at, "a zone may lie wholly inside another (the narrower wins), not across its edge",
			   "%s overlaps %s of zone \"%s\" in part, %s", a, b, name, line);
	else
		return false;
	return true;
}

/* The space while it is being cut. */
struct cut {
	struct conf_space space;
	struct zg_addr cursor; /* first address that no piece has yet */
	bool ended;	       /* there is none: the family's last address is behind us */
};

/* The piece from the cursor to last goes to zone; both of one family. */
static void emit(struct cut *cut, const struct zg_addr *last, size_t zone)
{
	struct zg_addr next;
	if (cut->ended || zg_addr_cmp(&cut->cursor, last) > 0)
		return;
	struct conf_piece *before = cut->space.n > 0 ? &cut->space.pieces[cut->space.n - 1] : NULL;
	if (before != NULL && before->zone == zone && zg_addr_next(&before->range.hi, &next) &&
	    zg_addr_cmp(&next, &cut->cursor) == 0)
		before->range.hi = *last;
	else /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the builder has checked it */
		cut->space.pieces[cut->space.n++] = (struct conf_piece){ { cut->cursor, *last }, zone };
	cut->ended = !zg_addr_next(last, &cut->cursor);
}

static size_t collect(const struct zg_policy *policy, struct piece_of *all)
{
	size_t n = 0;
	for (size_t z = 0; z < policy->n_zones; z++) {
		for (size_t i = 0; i < policy->zones[z].n_ranges; i++) {
			if (all != NULL)
				all[n] = (struct piece_of){ &policy->zones[z].ranges[i], z, i };
			n++;
		}
	}
	return n;
}

enum zg_err conf_space_build(const struct conf_draft *draft, struct zg_diags *diags, struct conf_space *ret_space)
{
	size_t n = collect(draft->policy, NULL), depth = 0;
	struct piece_of *all = calloc(n + 1, sizeof *all);
	const struct piece_of **stack = calloc(n + 1, sizeof *stack);
	/* each range begins one piece and lets its surroundings begin one more behind it */
	struct cut cut = { 0 };
	enum zg_err err = ZG_ENOMEM;
	cut.space.pieces = calloc(2 * n + 1, sizeof *cut.space.pieces);
	if (all == NULL || stack == NULL || cut.space.pieces == NULL)
		goto out;

	collect(draft->policy, all);
	qsort(all, n, sizeof *all, compare);
	for (size_t i = 0; i <= n; i++) {
		while (depth > 0 && (i == n || zg_addr_cmp(&stack[depth - 1]->range->hi, &all[i].range->lo) < 0)) {
			depth--;
			emit(&cut, &stack[depth]->range->hi, stack[depth]->zone);
		}
		if (i == n || (depth > 0 && collide(draft, diags, stack[depth - 1], &all[i])))
			continue;
		struct zg_addr last;
		if (depth > 0 && zg_addr_prev(&all[i].range->lo, &last))
			emit(&cut, &last, stack[depth - 1]->zone);
		stack[depth++] = &all[i];
		cut.cursor = all[i].range->lo;
		cut.ended = false;
	}
	*ret_space = cut.space;
	cut.space.pieces = NULL;
	err = ZG_OK;
out:
	free(cut.space.pieces);
	free(stack);
	free(all);
	return err;
}

void conf_space_free(struct conf_space *space)
{
	free(space->pieces);
	*space = (struct conf_space){ 0 };
}

/* Index of the first piece that ends at addr or behind it. */
static size_t find_piece(const struct conf_space *space, const struct zg_addr *addr)
{
	size_t lo = 0, hi = space->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (zg_addr_cmp(&space->pieces[mid].range.hi, addr) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool conf_space_foreign(const struct conf_space *space, const struct zg_range *range, size_t zone,
			struct zg_range *ret_part, size_t *ret_owner)
{
	struct zg_range part = *range;
	size_t owner = SIZE_MAX;
	for (size_t i = find_piece(space, &range->lo); i < space->n; i++) {
		const struct conf_piece *piece = &space->pieces[i];
		if (zg_addr_cmp(&piece->range.lo, &part.lo) > 0) {
			/* a gap; it ends before this piece if the piece is near enough */
			if (zg_range_has(range, &piece->range.lo))
				zg_addr_prev(&piece->range.lo, &part.hi);
			break;
		}
		bool last = zg_addr_cmp(&piece->range.hi, &range->hi) >= 0;
		if (piece->zone != zone) {
			owner = piece->zone;
			if (!last)
				part.hi = piece->range.hi;
			break;
		}
		if (last || !zg_addr_next(&piece->range.hi, &part.lo))
			return false;
	}
	*ret_part = part;
	*ret_owner = owner;
	return true;
}

bool conf_space_own(const struct conf_space *space, const struct zg_range *range, size_t zone, size_t *cursor,
		    struct zg_range *ret_part)
{
	size_t i = *cursor == 0 ? find_piece(space, &range->lo) : *cursor;
	for (; i < space->n && zg_addr_cmp(&space->pieces[i].range.lo, &range->hi) <= 0; i++) {
		struct zg_range part = space->pieces[i].range;
		if (space->pieces[i].zone != zone)
			continue;
		if (zg_addr_cmp(&part.lo, &range->lo) < 0)
			part.lo = range->lo;
		if (zg_addr_cmp(&part.hi, &range->hi) > 0)
			part.hi = range->hi;
		*ret_part = part;
		*cursor = i + 1;
		return true;
	}
	return false;
}
