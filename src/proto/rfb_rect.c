/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFB: rectangles whose pixels are sent as they are, or in parts of one colour (RFC 6143 7.7.1 to 7.7.4, and CoRRE). */
#include "proto/rfb.h"

#define TILE	  16u  /* side in pixels */
#define CORRE_MAX 255u /* side of a CoRRE rectangle in pixels: places in it are told in bytes */

/* kind of a Hextile tile */
enum { RAW = 1, BACKGROUND = 2, FOREGROUND = 4, SUBRECTS = 8, COLOURED = 16, KNOWN = 31 };

static enum zg_reason over(struct zg_rfb_state *s)
{
	zg_rfb_follow(&s->side[ZG_SERVER], ZG_RFB_PASS, 0, ZG_RFB_NEXT);
	return ZG_R_NONE;
}

/* --- CopyRect, RRE, CoRRE ------------------------------------------------------------------------- */

static enum zg_reason copied(struct zg_rfb_state *s)
{
	const struct zg_rfb_rect *r = &s->rect;
	struct zg_rd rd = zg_rfb_field(&s->side[ZG_SERVER]);
	const uint32_t x = zg_rd_be16(&rd), y = zg_rd_be16(&rd);

	if (x + r->w > s->width || y + r->h > s->height)
		return ZG_R_RFB_RECTANGLE;
	return over(s);
}

/* x, y, width and height, in bytes of one or two */
static size_t place_len(const struct zg_rfb_rect *r)
{
	return r->encoding == ZG_RFB_RRE ? 8 : 4;
}

static enum zg_reason next_subrect(struct zg_rfb_state *s)
{
	if (s->rect.parts == 0)
		return over(s);
	zg_rfb_expect(&s->side[ZG_SERVER], ZG_RFB_SUBRECT, s->format.pixel + place_len(&s->rect));
	return ZG_R_NONE;
}

static enum zg_reason subrects(struct zg_rfb_state *s)
{
	struct zg_rfb_rect *r = &s->rect;
	struct zg_rd rd = zg_rfb_field(&s->side[ZG_SERVER]);
	const uint64_t pixels = (uint64_t)r->w * r->h;

	r->parts = zg_rd_be32(&rd);
	if (r->parts > pixels)
		return ZG_R_RFB_DATA;
	/* viewers have a buffer for the parts of CoRRE that takes a raw rectangle of its largest size; no server sends more */
	if (r->encoding == ZG_RFB_CORRE && r->parts * (place_len(r) + s->format.pixel) > pixels * s->format.pixel)
		return ZG_R_RFB_DATA;
	zg_rfb_follow(&s->side[ZG_SERVER], ZG_RFB_PASS, s->format.pixel, ZG_RFB_SUBRECT);
	return ZG_R_NONE;
}

static enum zg_reason subrect(struct zg_rfb_state *s)
{
	struct zg_rfb_rect *r = &s->rect;
	struct zg_rd rd = zg_rfb_field(&s->side[ZG_SERVER]);
	uint32_t place[4];

	if (s->side[ZG_SERVER].need == 0) /* the background came */
		return next_subrect(s);
	zg_rd_skip(&rd, s->format.pixel);
	for (int i = 0; i < 4; i++)
		place[i] = r->encoding == ZG_RFB_RRE ? zg_rd_be16(&rd) : zg_rd_u8(&rd);
	if (place[0] + place[2] > r->w || place[1] + place[3] > r->h)
		return ZG_R_RFB_RECTANGLE;
	r->parts--;
	return next_subrect(s);
}

/* --- Hextile ---------------------------------------------------------------------------------------- */

static uint32_t side(uint32_t from, uint32_t end)
{
	return end - from < TILE ? end - from : TILE;
}

static enum zg_reason next_tile(struct zg_rfb_state *s)
{
	struct zg_rfb_rect *r = &s->rect;

	if (r->tx + TILE < r->w) {
		r->tx = (uint16_t)(r->tx + TILE);
	} else {
		r->tx = 0;
		if (r->ty + TILE >= r->h)
			return over(s);
		r->ty = (uint16_t)(r->ty + TILE);
	}
	zg_rfb_expect(&s->side[ZG_SERVER], ZG_RFB_TILE, 1);
	return ZG_R_NONE;
}

/* A colour that a tile does not name is that of a tile before it, in the same rectangle: there has to be one. */
static enum zg_reason tile(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	struct zg_rfb_rect *r = &s->rect;
	const uint8_t kind = server->field[0];

	if ((kind & ~KNOWN) || ((kind & RAW) && kind != RAW) || ((kind & FOREGROUND) && (kind & COLOURED)))
		return ZG_R_RFB_DATA;
	if (kind == RAW) {
		const uint64_t pixels = side(r->tx, r->w) * side(r->ty, r->h);
		zg_rfb_follow(server, ZG_RFB_PASS, pixels * s->format.pixel, ZG_RFB_TILE_NEXT);
		return ZG_R_NONE;
	}
	r->tile = kind;
	r->control |= kind & (BACKGROUND | FOREGROUND);
	if (!(r->control & BACKGROUND) || ((kind & SUBRECTS) && !(kind & COLOURED) && !(r->control & FOREGROUND)))
		return ZG_R_RFB_DATA;
	const unsigned colours = (kind & BACKGROUND ? 1u : 0) + (kind & FOREGROUND ? 1u : 0);
	zg_rfb_follow(server, ZG_RFB_PASS, colours * s->format.pixel,
		      kind & SUBRECTS ? ZG_RFB_TILE_SUBRECTS : ZG_RFB_TILE_NEXT);
	return ZG_R_NONE;
}

static enum zg_reason next_tile_subrect(struct zg_rfb_state *s)
{
	if (s->rect.parts == 0)
		return next_tile(s);
	zg_rfb_expect(&s->side[ZG_SERVER], ZG_RFB_TILE_SUBRECT, (s->rect.tile & COLOURED ? s->format.pixel : 0u) + 2);
	return ZG_R_NONE;
}

static enum zg_reason tile_subrects(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];

	if (server->need == 0) { /* the colours came */
		zg_rfb_expect(server, ZG_RFB_TILE_SUBRECTS, 1);
		return ZG_R_NONE;
	}
	s->rect.parts = server->field[0];
	return next_tile_subrect(s);
}

static enum zg_reason tile_subrect(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	struct zg_rfb_rect *r = &s->rect;
	const uint8_t at = server->field[server->need - 2], size = server->field[server->need - 1];

	if ((at >> 4) + (size >> 4) + 1u > side(r->tx, r->w) || (at & 15) + (size & 15) + 1u > side(r->ty, r->h))
		return ZG_R_RFB_RECTANGLE;
	r->parts--;
	return next_tile_subrect(s);
}

/* --- any ---------------------------------------------------------------------------------------------- */

enum zg_reason zg_rfb_rect_begin(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	const struct zg_rfb_rect *r = &s->rect;
	const uint64_t pixels = (uint64_t)r->w * r->h;

	switch ((enum zg_rfb_encoding)r->encoding) {
	case ZG_RFB_RAW:
		zg_rfb_follow(server, ZG_RFB_PASS, pixels * s->format.pixel, ZG_RFB_NEXT);
		return ZG_R_NONE;
	default: /* programs differ in what they read of a rectangle without pixels: xtightvncviewer nothing at all */
		if (pixels == 0 || (r->encoding == ZG_RFB_CORRE && (r->w > CORRE_MAX || r->h > CORRE_MAX)))
			return ZG_R_RFB_RECTANGLE;
		if (r->encoding == ZG_RFB_COPYRECT)
			zg_rfb_expect(server, ZG_RFB_COPY, 4);
		else if (r->encoding == ZG_RFB_HEXTILE)
			zg_rfb_expect(server, ZG_RFB_TILE, 1);
		else
			zg_rfb_expect(server, ZG_RFB_SUBRECTS, 4);
		return ZG_R_NONE;
	}
}

enum zg_reason zg_rfb_rect(struct zg_rfb_state *s)
{
	switch ((enum zg_rfb_step)s->side[ZG_SERVER].step) {
	case ZG_RFB_COPY:
		return copied(s);
	case ZG_RFB_SUBRECTS:
		return subrects(s);
	case ZG_RFB_SUBRECT:
		return subrect(s);
	case ZG_RFB_TILE:
		return tile(s);
	case ZG_RFB_TILE_SUBRECTS:
		return tile_subrects(s);
	case ZG_RFB_TILE_SUBRECT:
		return tile_subrect(s);
	default: /* TILE_NEXT */
		return next_tile(s);
	}
}
