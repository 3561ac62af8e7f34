/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multiparts that are open and their delimiter lines (RFC 2046 5.1.1), one octet of a line at a time. A line is a delimiter
 * or it is not, for every reader: one that begins like a delimiter and goes on otherwise, has another letter case, belongs to
 * an outer multipart while an inner one is open, or to one that is closed, is refused; and no boundary begins like another.
 */
#ifndef ZONEGATE_PROTO_MIME_TREE_H
#define ZONEGATE_PROTO_MIME_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/mime_field.h"
#include "zonegate/limits.h"
#include "zonegate/reason.h"

#define ZG_TREE_RECENT 128 /* octets, a power of two: no delimiter is longer */

struct zg_level {
	uint8_t alternative;
	uint8_t has_text; /* a part of it, or of one within it, is text that stays */
	uint8_t has_part;
	uint8_t len;
	uint8_t boundary[ZG_BOUNDARY_MAX]; /* as it was declared */
};

struct zg_tree {
	uint8_t depth;	/* levels that are open */
	uint8_t closed; /* behind them one that was closed, and nothing of an outer one since */
	uint8_t stage;	/* of this line */
	uint8_t live;	/* bit per level whose delimiter the line may still be */
	uint8_t found;	/* that level, if the line is one */
	uint8_t at;	/* octets of the line so far */
	uint8_t other_case;
	uint8_t hyphens; /* two of them side by side are in this line: a delimiter may follow */
	uint8_t line[2 + ZG_BOUNDARY_MAX];
	uint8_t recent[ZG_TREE_RECENT]; /* of the line that is being read, by column: a ring */
	struct zg_level level[ZG_SMTP_DEPTH_MAX + 1];
};

enum zg_tree_step {
	ZG_TREE_MAYBE = 0, /* may be a delimiter; goes on as it is */
	ZG_TREE_CONTENT,   /* the line is none: line[0 .. at - 1] are content, and so is what follows */
	ZG_TREE_BAD,
};

enum zg_tree_line { ZG_LINE_CONTENT = 0, ZG_LINE_PART, ZG_LINE_CLOSE, ZG_LINE_BAD };

/* A multipart begins within those that are open. ZG_R_NONE, or why not. */
enum zg_reason zg_tree_open(struct zg_tree *tree, const struct zg_media_type *type, uint32_t max_depth);
void zg_tree_line_begin(struct zg_tree *tree);
/* The next octet of a line that is not known to be content. */
enum zg_tree_step zg_tree_octet(struct zg_tree *tree, uint8_t octet);
/* Such a line ends. CONTENT: as ZG_TREE_CONTENT. Else the tree has changed. */
enum zg_tree_line zg_tree_line_end(struct zg_tree *tree);
/* The octet at this column of a line that stays is the last of a delimiter that does not begin the line: readers that cut
 * a body wherever a delimiter stands would see a part begin behind it. To be asked for each octet of such lines, but for those before
 * two hyphens that are no hyphens themselves. */
bool zg_tree_within(struct zg_tree *tree, size_t column, uint8_t octet);
/* What came before this column of the line was no hyphen, and zg_tree_within() was not asked. */
void zg_tree_passed(struct zg_tree *tree, size_t column);
/* A part that is text begins, and stays. */
void zg_tree_has_text(struct zg_tree *tree);
/* Is there text already of which what begins now is another form (multipart/alternative)? */
bool zg_tree_is_alternative(const struct zg_tree *tree);

#endif
