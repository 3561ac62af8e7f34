/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFB: compressed rectangles. zlib (encoding 6) and ZRLE (RFC 6143 7.7.6): a length and a piece of a zlib stream. Tight: a
 * control byte, what it says of filter and palette, and pieces of one of four streams; no JPEG. What a piece holds is looked
 * at, and is exactly the rectangle's pixels.
 */
#include "proto/rfb.h"

#define STREAM_ZLIB  0
#define STREAM_ZRLE  1
#define STREAM_TIGHT 2 /* the first of four */
#define TIGHT_WIDTH  2048u /* pixels of a row that is not of one colour: what viewers have room for, and servers keep to */
#define TIGHT_SHORT  12u /* bytes of content; less is not compressed */

/* the control byte; its low half says which streams begin anew */
enum { FILL = 0x80, NOT_BASIC = 0x80, FILTER_FOLLOWS = 0x40 };
enum { FILTER_COPY = 0, FILTER_PALETTE, FILTER_GRADIENT };


/* --- the content ---------------------------------------------------------------------------------- */

static void any_bytes(struct zg_rfb_pixels *p, uint64_t bytes)
{
	*p = (struct zg_rfb_pixels){ .kind = ZG_RFB_PIXELS_ANY, .left = (uint32_t)bytes };
}

static uint64_t pixels(const struct zg_rfb_rect *r)
{
	return (uint64_t)r->w * r->h;
}

static enum zg_reason content_short(struct zg_rfb_state *s, struct zg_rw *in)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	uint8_t octet;

	for (; server->span > 0 && zg_rw_peek(in, &octet); zg_rw_advance(in)) {
		if (!zg_rfb_pixels_take(&s->pixels, &octet, 1))
			return ZG_R_RFB_DATA;
		server->span--;
	}
	return ZG_R_NONE;
}

static enum zg_reason content_packed(struct zg_rfb_state *s, struct zg_rw *in)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	struct zg_inflate *stream = &s->streams[s->rect.stream];
	const struct zg_inflate_sink sink = { zg_rfb_pixels_take, &s->pixels, sizeof s->pixels };
	const size_t n = zg_rw_left(in) < server->span ? zg_rw_left(in) : (size_t)server->span;
	struct zg_rd rd = zg_rw_rest(in, n);
	const size_t read = zg_inflate_read(stream, in->lender, zg_rd_bytes(&rd, n), n, &sink);

	zg_rw_skip(in, read);
	server->span -= read;
	if (read < n)
		return stream->no_memory ? ZG_R_RFB_MEMORY : ZG_R_RFB_ZLIB;
	if (server->span == 0 && !(zg_rfb_pixels_complete(&s->pixels) && zg_inflate_flushed(stream))) {
		in->pos--; /* it is the last byte that offends */
		return ZG_R_RFB_ZLIB;
	}
	return ZG_R_NONE;
}

enum zg_reason zg_rfb_packed_span(struct zg_rfb_state *s, struct zg_rw *in)
{
	return s->side[ZG_SERVER].kind == ZG_RFB_SHORT ? content_short(s, in) : content_packed(s, in);
}

static enum zg_reason piece(struct zg_rfb_state *s, uint8_t stream, uint32_t len)
{
	if (len == 0)
		return ZG_R_RFB_ZLIB;
	s->rect.stream = stream;
	zg_inflate_piece(&s->streams[stream]);
	zg_rfb_follow(&s->side[ZG_SERVER], ZG_RFB_PACKED, len, ZG_RFB_NEXT);
	return ZG_R_NONE;
}

/* --- zlib, ZRLE ------------------------------------------------------------------------------------- */

static enum zg_reason packed_len(struct zg_rfb_state *s)
{
	const struct zg_rfb_rect *r = &s->rect;
	struct zg_rd rd = zg_rfb_field(&s->side[ZG_SERVER]);
	const uint32_t len = zg_rd_be32(&rd);

	if (r->encoding == ZG_RFB_ZLIB) {
		any_bytes(&s->pixels, pixels(r) * s->format.pixel);
		return piece(s, STREAM_ZLIB, len);
	}
	s->pixels = (struct zg_rfb_pixels){ .kind = ZG_RFB_PIXELS_TILES };
	zg_zrle_begin(&s->pixels.tiles, r->w, r->h, s->format.cpixel);
	return piece(s, STREAM_ZRLE, len);
}

/* --- Tight -------------------------------------------------------------------------------------------- */

static enum zg_reason tight_data(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];

	if (s->pixels.left < TIGHT_SHORT)
		zg_rfb_follow(server, ZG_RFB_SHORT, s->pixels.left, ZG_RFB_NEXT);
	else
		zg_rfb_expect(server, ZG_RFB_COMPACT_LEN, 1);
	return ZG_R_NONE;
}

static enum zg_reason tight_control(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	struct zg_rfb_rect *r = &s->rect;
	const uint8_t control = server->field[0];

	for (unsigned i = 0; i < 4; i++)
		if (control & 1u << i)
			zg_inflate_reset(&s->streams[STREAM_TIGHT + i]);
	r->control = control & 0xf0;
	if (r->control == FILL) {
		zg_rfb_follow(server, ZG_RFB_PASS, s->format.tpixel, ZG_RFB_NEXT);
		return ZG_R_NONE;
	}
	if (control & NOT_BASIC) /* JPEG, PNG, and what is yet to come */
		return ZG_R_RFB_ENCODING;
	if (r->w > TIGHT_WIDTH)
		return ZG_R_RFB_RECTANGLE;
	if (control & FILTER_FOLLOWS) {
		zg_rfb_expect(server, ZG_RFB_FILTER, 1);
		return ZG_R_NONE;
	}
	any_bytes(&s->pixels, pixels(r) * s->format.tpixel);
	return tight_data(s);
}

static enum zg_reason tight_filter(struct zg_rfb_state *s)
{
	switch (s->side[ZG_SERVER].field[0]) {
	case FILTER_GRADIENT:
		if (s->format.pixel == 1) /* which colours a pixel has is not known there */
			return ZG_R_RFB_DATA;
		/* fall through */
	case FILTER_COPY:
		any_bytes(&s->pixels, pixels(&s->rect) * s->format.tpixel);
		return tight_data(s);
	case FILTER_PALETTE:
		zg_rfb_expect(&s->side[ZG_SERVER], ZG_RFB_COLOURS, 1);
		return ZG_R_NONE;
	default:
		return ZG_R_RFB_DATA;
	}
}

static enum zg_reason tight_colours(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	const struct zg_rfb_rect *r = &s->rect;
	const uint16_t colours = (uint16_t)(server->field[0] + 1);

	if (colours < 2) /* programs differ in what follows */
		return ZG_R_RFB_DATA;
	if (colours == 2)
		zg_rfb_pixels_bits(&s->pixels, r->w, r->h);
	else
		s->pixels = (struct zg_rfb_pixels){ .kind = ZG_RFB_PIXELS_INDEXES, .colours = colours, .left = (uint32_t)pixels(r) };
	zg_rfb_follow(server, ZG_RFB_PASS, (uint64_t)colours * s->format.tpixel, ZG_RFB_TIGHT_DATA);
	return ZG_R_NONE;
}

/* Seven bits in the first two bytes, the lowest first, and a bit that says whether another one follows; eight in the third. */
static enum zg_reason compact_len(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	const uint8_t byte = server->field[server->need - 1];
	const unsigned shift = 7u * (server->need - 1u);
	const bool last = server->need == 3 || !(byte & 0x80);

	s->rect.packed |= (uint32_t)(server->need == 3 ? byte : byte & 0x7f) << shift;
	if (last)
		return piece(s, (uint8_t)(STREAM_TIGHT + (s->rect.control >> 4 & 3)), s->rect.packed);
	server->need++;
	return ZG_R_NONE;
}

/* --- any ------------------------------------------------------------------------------------------------ */

enum zg_reason zg_rfb_packed_begin(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	const uint8_t encoding = s->rect.encoding;

	if (pixels(&s->rect) == 0) /* programs differ in what they read of it */
		return ZG_R_RFB_RECTANGLE;
	if ((encoding == ZG_RFB_ZRLE && s->format.cpixel == 0) || (encoding == ZG_RFB_TIGHT && s->format.tpixel == 0))
		return ZG_R_RFB_FORMAT;
	if (encoding == ZG_RFB_TIGHT)
		zg_rfb_expect(server, ZG_RFB_CONTROL, 1);
	else
		zg_rfb_expect(server, ZG_RFB_PACKED_LEN, 4);
	return ZG_R_NONE;
}

enum zg_reason zg_rfb_packed(struct zg_rfb_state *s)
{
	switch ((enum zg_rfb_step)s->side[ZG_SERVER].step) {
	case ZG_RFB_PACKED_LEN:
		return packed_len(s);
	case ZG_RFB_CONTROL:
		return tight_control(s);
	case ZG_RFB_FILTER:
		return tight_filter(s);
	case ZG_RFB_COLOURS:
		return tight_colours(s);
	case ZG_RFB_TIGHT_DATA:
		return tight_data(s);
	default: /* COMPACT_LEN */
		return compact_len(s);
	}
}
