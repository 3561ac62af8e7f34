/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/mime_tree.h"

#include "proto/ascii.h"
#include "proto/text.h"

enum stage { BEGINNING = 0, WHOLE, HYPHEN, CLOSING };

static unsigned levels_known(const struct zg_tree *t)
{
	return t->depth + (unsigned)t->closed;
}

/* Is one the beginning of the other, whatever the letter case? */
static bool alike(const struct zg_level *level, const uint8_t *boundary, size_t len)
{
	const size_t n = level->len < len ? level->len : len;

	for (size_t i = 0; i < n; i++)
		if (zg_ascii_lower(level->boundary[i]) != zg_ascii_lower(boundary[i]))
			return false;
	return true;
}

/* A delimiter is a line as well, and some readers cut a file out of the text wherever a line like this is. */
static bool begins_file(const struct zg_media_type *type)
{
	const uint8_t hyphens[] = { '-', '-' };
	struct zg_text text;

	zg_text_begin(&text, ZG_CHARSET_US_ASCII);
	return zg_text_feed_all(&text, zg_rd_init(hyphens, sizeof hyphens)) != ZG_R_NONE ||
	       zg_text_feed_all(&text, zg_rd_init(type->boundary, type->boundary_len)) != ZG_R_NONE;
}

enum zg_reason zg_tree_open(struct zg_tree *tree, const struct zg_media_type *type, uint32_t max_depth)
{
	if (tree->depth >= max_depth || tree->depth >= ZG_SMTP_DEPTH_MAX)
		return ZG_R_SMTP_PARTS;
	for (unsigned i = 0; i < tree->depth; i++)
		if (alike(&tree->level[i], type->boundary, type->boundary_len))
			return ZG_R_SMTP_BOUNDARY;
	if (begins_file(type))
		return ZG_R_SMTP_BOUNDARY;
	struct zg_level *level = &tree->level[tree->depth++];
	*level = (struct zg_level){ .alternative = type->media == ZG_MEDIA_ALTERNATIVE, .len = type->boundary_len };
	memcpy(level->boundary, type->boundary, type->boundary_len);
	tree->closed = 0;
	return ZG_R_NONE;
}

void zg_tree_line_begin(struct zg_tree *tree)
{
	tree->stage = BEGINNING;
	tree->at = 0;
	tree->hyphens = 0;
	tree->other_case = 0;
	tree->live = 0xFF;
	_Static_assert(ZG_SMTP_DEPTH_MAX <= 8, "a bit for each level that can be open");
}

/* The levels that go on with this octet; *ret_whole: one of them is complete with it. */
static uint8_t still_live(const struct zg_tree *t, uint8_t octet, unsigned *ret_whole)
{
	const size_t at = t->at;
	uint8_t live = 0;

	for (unsigned i = 0; i < levels_known(t); i++) {
		const struct zg_level *level = &t->level[i];
		if (!(t->live & 1u << i) || at >= 2u + level->len)
			continue;
		const uint8_t wanted = at < 2 ? '-' : level->boundary[at - 2];
		if (zg_ascii_lower(wanted) != zg_ascii_lower(octet))
			continue;
		live |= (uint8_t)(1u << i);
		if (at + 1 == 2u + level->len)
			*ret_whole = i;
	}
	return live;
}

enum zg_tree_step zg_tree_octet(struct zg_tree *tree, uint8_t octet)
{
	unsigned whole = UINT8_MAX;
	uint8_t live;

	switch ((enum stage)tree->stage) {
	case BEGINNING:
		live = still_live(tree, octet, &whole);
		if (live == 0)
			return ZG_TREE_CONTENT;
		tree->live = live;
		tree->line[tree->at++] = octet;
		if (whole == UINT8_MAX)
			return ZG_TREE_MAYBE;
		tree->found = (uint8_t)whole;
		tree->stage = WHOLE;
		return memcmp(tree->line + 2, tree->level[whole].boundary, tree->level[whole].len) == 0 ? ZG_TREE_MAYBE :
													   ZG_TREE_BAD;
	case WHOLE:
		tree->stage = HYPHEN;
		return octet == '-' ? ZG_TREE_MAYBE : ZG_TREE_BAD;
	case HYPHEN:
		tree->stage = CLOSING;
		return octet == '-' ? ZG_TREE_MAYBE : ZG_TREE_BAD;
	case CLOSING:
		break;
	}
	return ZG_TREE_BAD;
}

enum zg_tree_line zg_tree_line_end(struct zg_tree *tree)
{
	const enum stage stage = tree->stage;

	if (stage == BEGINNING)
		return ZG_LINE_CONTENT;
	/* of a multipart that is closed, or with another one open within it; or cut in its last hyphens */
	if (tree->found + 1u != tree->depth || stage == HYPHEN)
		return ZG_LINE_BAD;
	struct zg_level *level = &tree->level[tree->found];
	tree->closed = stage == CLOSING;
	if (stage == WHOLE) {
		level->has_part = 1;
		return ZG_LINE_PART;
	}
	tree->depth--;
	return level->has_part ? ZG_LINE_CLOSE : ZG_LINE_BAD;
}

static bool ends_at(const struct zg_tree *t, const struct zg_level *level, size_t column)
{
	for (size_t back = 0; back < 2u + level->len; back++) {
		const uint8_t wanted = back < level->len ? level->boundary[level->len - 1u - back] : '-';
		if (zg_ascii_lower(t->recent[(column - back) % ZG_TREE_RECENT]) != zg_ascii_lower(wanted))
			return false;
	}
	return true;
}

bool zg_tree_within(struct zg_tree *tree, size_t column, uint8_t octet)
{
	_Static_assert(ZG_TREE_RECENT >= 2 + ZG_BOUNDARY_MAX, "a whole delimiter");
	tree->recent[column % ZG_TREE_RECENT] = octet;
	tree->hyphens |= octet == '-' && column > 0 && tree->recent[(column - 1) % ZG_TREE_RECENT] == '-';
	for (unsigned i = 0; i < levels_known(tree); i++)
		if (column >= 2u + tree->level[i].len && ends_at(tree, &tree->level[i], column))
			return true;
	return false;
}

void zg_tree_passed(struct zg_tree *tree, size_t column)
{
	if (column > 0)
		tree->recent[(column - 1) % ZG_TREE_RECENT] = '\0';
}

void zg_tree_has_text(struct zg_tree *tree)
{
	for (unsigned i = 0; i < tree->depth; i++)
		tree->level[i].has_text = 1;
}

bool zg_tree_is_alternative(const struct zg_tree *tree)
{
	for (unsigned i = 0; i < tree->depth; i++)
		if (tree->level[i].alternative && tree->level[i].has_text)
			return true;
	return false;
}
