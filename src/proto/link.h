/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links that a mail reader would make of text: "http:", "https:", "ftp:", "ftps:", and "www." where no letter or digit stands
 * before it, all in any letter case. Defused, each t of the former becomes x, and the last w of the latter, once the colon or
 * the dot says that it is one: hxxp:, hxxps:, fxp:, fxps:, wwx.; a word without colon or dot stays. "mailto:" and plain
 * addresses stay too: answering a mail is what mail is for.
 *
 * Fed with the characters of the text. Where they stand on the wire is counted in octets behind the one being read.
 */
#ifndef ZONEGATE_PROTO_LINK_H
#define ZONEGATE_PROTO_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/rd.h"

#define ZG_LINK_LETTERS 2

/* What makes x of t and X of T: in the octet itself, and in the last digit of "=74" and "=54" too; and of w and W, "=77" and
 * "=57". */
#define ZG_LINK_T_TO_X 0x0C
#define ZG_LINK_W_TO_X 0x0F

struct zg_link {
	uint8_t stage;
	uint8_t within; /* the character before was a letter or a digit */
	uint8_t n; /* octets that become others should this be a link; the oldest first */
	struct {
		uint8_t behind;
		uint8_t mask; /* for the caller: what changes that octet */
	} letter[ZG_LINK_LETTERS];
};

#define ZG_LINK_OTHER 0 /* a character that is in no link's name */

enum zg_link_step {
	ZG_LINK_NOTHING = 0,
	ZG_LINK_LETTER, /* the character is to be changed if this is a link: zg_link_keep */
	ZG_LINK_LIVE,	/* this is one: the letters are to be changed, and if none is left, this colon or dot */
	ZG_LINK_DEFUSED, /* this was one */
};

/* The next character of the text. */
enum zg_link_step zg_link_feed(struct zg_link *link, uint8_t c);
/* Remembers an octet of the letter. */
void zg_link_keep(struct zg_link *link, uint8_t behind, uint8_t mask);
/* An octet of the wire has been read. */
void zg_link_tick(struct zg_link *link);
/* The letters cannot be changed any more. */
void zg_link_release(struct zg_link *link);
/* Would a character that comes next, of which these are the upper six bits, be a letter to be changed? */
bool zg_link_wants(const struct zg_link *link, uint8_t upper);

/* --- many octets at once, of us-ascii or utf-8 ---------------------------------------------------------------- */

/* The block, or its beginning with zeros behind it (in ret_cut), that certainly has no end of a link, nor a part of one that
 * ends in the rest. *ret_suspect: where one may end; ZG_RD_BLOCK: nowhere. */
const uint8_t *zg_link_block(const struct zg_link *link, const uint8_t block[static ZG_RD_BLOCK],
			     uint8_t ret_cut[static ZG_RD_BLOCK], size_t *ret_suspect);
/* That beginning was read, from the wire, where each octet is one of the text or of a line end. keep: its letters are remembered. */
void zg_link_take(struct zg_link *link, const uint8_t *octets, size_t n, bool keep);
/* Nothing has begun, so that what comes next is looked at alone. */
bool zg_link_rests(const struct zg_link *link);
/* How many whole groups of three of the text have no end of a link and leave nothing begun, if nothing was. *ret_suspect: where
 * one may end, else how much text there is. */
size_t zg_link_groups(const uint8_t *text, size_t groups, size_t *ret_suspect);

/* Octets at the end of what was read that may still be changed. */
static inline uint8_t zg_link_held(const struct zg_link *link)
{
	return link->n > 0 ? link->letter[0].behind : 0;
}

#endif
