/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFB: messages of the server, and the rectangles that hold no pixels of the framebuffer (RFC 6143 7.6, 7.8). */
#include "proto/rfb.h"

enum {
	UPDATE = 0,
	COLOUR_MAP = 1,
	BELL = 2,
	CUT_TEXT = 3,
};

#define RECTANGLE_LEN 12
#define COLOUR_LEN    6 /* red, green and blue */
#define COLOURS_MAX   65536u
#define SCREEN_LEN    16
#define TWO_COLOURS   6 /* bytes of an XCursor's */
#define UNTIL_LAST    0xffffu /* rectangles: as many as come before LastRect, but a viewer counts them */

bool zg_rfb_size_ok(uint32_t width, uint32_t height)
{
	return width > 0 && height > 0 && width <= ZG_RFB_SIDE_MAX && height <= ZG_RFB_SIDE_MAX &&
	       width * height <= ZG_RFB_PIXELS_MAX;
}

static enum zg_reason message_over(struct zg_rfb_side *server)
{
	zg_rfb_expect(server, ZG_RFB_MESSAGE, 1);
	return ZG_R_NONE;
}

static enum zg_reason message(struct zg_rfb_state *s, const struct zg_rfb_config *config)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];

	server->message = server->field[0];
	switch (server->message) {
	case UPDATE:
		if (!s->listed)
			return ZG_R_RFB_UNASKED;
		if (s->changing)
			return ZG_R_RFB_FORMAT_RACE;
		zg_rfb_expect(server, ZG_RFB_BODY, 3);
		zg_rfb_pad(server, 0, 1);
		return ZG_R_NONE;
	case COLOUR_MAP: /* LibVNCClient reads no more than its type: it takes no such format, and must not be sent any */
		if (!s->listed || !s->next_format.mapped)
			return ZG_R_RFB_SERVER_MESSAGE;
		zg_rfb_expect(server, ZG_RFB_BODY, 5);
		zg_rfb_pad(server, 0, 1);
		return ZG_R_NONE;
	case BELL:
		return message_over(server);
	case CUT_TEXT:
		if (config->clipboard_to_client == ZG_RFB_CLIPBOARD_KILL)
			return ZG_R_RFB_CLIPBOARD;
		zg_rfb_expect(server, ZG_RFB_BODY, 7);
		zg_rfb_pad(server, 0, 3);
		return ZG_R_NONE;
	default:
		return ZG_R_RFB_SERVER_MESSAGE;
	}
}

static enum zg_reason next_rectangle(struct zg_rfb_state *s)
{
	if (s->rects_left == 0)
		return message_over(&s->side[ZG_SERVER]);
	zg_rfb_expect(&s->side[ZG_SERVER], ZG_RFB_RECTANGLE, RECTANGLE_LEN);
	return ZG_R_NONE;
}

static enum zg_reason update(struct zg_rfb_state *s, struct zg_rd *rd)
{
	s->rects_left = zg_rd_be16(rd);
	s->until_last = s->rects_left == UNTIL_LAST;
	if (s->until_last && !(s->asks_for & 1u << ZG_RFB_LAST_RECT))
		return ZG_R_RFB_ENCODING;
	s->format = s->next_format;
	s->asked--;
	s->hollow = s->rects_left == 0;
	return next_rectangle(s);
}

static enum zg_reason body(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	struct zg_rd rd = zg_rfb_field(server);

	if (server->message == UPDATE) {
		zg_rd_skip(&rd, 1);
		return update(s, &rd);
	}
	if (server->message == COLOUR_MAP) {
		zg_rd_skip(&rd, 1);
		const uint32_t first = zg_rd_be16(&rd), n = zg_rd_be16(&rd);
		if (first + n > COLOURS_MAX)
			return ZG_R_RFB_MESSAGE_SYNTAX;
		zg_rfb_follow(server, ZG_RFB_PASS, (uint64_t)n * COLOUR_LEN, ZG_RFB_MESSAGE);
		return ZG_R_NONE;
	}
	zg_rd_skip(&rd, 3);
	const uint32_t len = zg_rd_be32(&rd);
	if (len > ZG_RFB_CUT_MAX) /* as a negative number: the extended form */
		return ZG_R_RFB_CLIPBOARD;
	zg_rfb_follow(server, ZG_RFB_BLANK, len, ZG_RFB_MESSAGE);
	return ZG_R_NONE;
}

/* --- rectangles that are none ------------------------------------------------------------------- */

static uint32_t bitmap_len(const struct zg_rfb_rect *r)
{
	return (r->w + 7u) / 8 * r->h;
}

static enum zg_reason cursor(struct zg_rfb_state *s)
{
	const struct zg_rfb_rect *r = &s->rect;
	struct zg_rfb_side *server = &s->side[ZG_SERVER];

	if (r->w > ZG_RFB_CURSOR_MAX || r->h > ZG_RFB_CURSOR_MAX || r->x > r->w || r->y > r->h)
		return ZG_R_RFB_CURSOR;
	if (r->w == 0 || r->h == 0)
		zg_rfb_follow(server, ZG_RFB_PASS, 0, ZG_RFB_NEXT);
	else if (r->encoding == ZG_RFB_CURSOR)
		zg_rfb_follow(server, ZG_RFB_PASS, (uint64_t)r->w * r->h * s->format.pixel, ZG_RFB_MASK);
	else
		zg_rfb_follow(server, ZG_RFB_PASS, TWO_COLOURS, ZG_RFB_MASK);
	return ZG_R_NONE;
}

/* The mask of a cursor; an XCursor's picture before it is one too. */
static enum zg_reason mask(struct zg_rfb_state *s)
{
	const struct zg_rfb_rect *r = &s->rect;

	zg_rfb_pixels_bits(&s->pixels, r->w, r->h);
	zg_rfb_follow(&s->side[ZG_SERVER], ZG_RFB_BITMAP, bitmap_len(r) * (r->encoding == ZG_RFB_XCURSOR ? 2 : 1), ZG_RFB_NEXT);
	return ZG_R_NONE;
}

static enum zg_reason resized(struct zg_rfb_state *s)
{
	if (!zg_rfb_size_ok(s->rect.w, s->rect.h))
		return ZG_R_RFB_SIZE;
	s->width = s->rect.w;
	s->height = s->rect.h;
	return ZG_R_NONE;
}

/* x: who asked for it (0 the server, 1 this client, 2 another one); y: with 1, why it is refused. */
static enum zg_reason extended_size(struct zg_rfb_state *s)
{
	const struct zg_rfb_rect *r = &s->rect;

	if (r->x > 2 || r->y > 4 || (r->x != 1 && r->y != 0))
		return ZG_R_RFB_DATA;
	zg_rfb_expect(&s->side[ZG_SERVER], ZG_RFB_SCREENS, 4);
	zg_rfb_pad(&s->side[ZG_SERVER], 1, 3);
	return r->y == 0 ? resized(s) : ZG_R_NONE;
}

static enum zg_reason screens(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	const uint8_t n = server->field[0];

	if (n > ZG_RFB_SCREENS_MAX)
		return ZG_R_RFB_DATA;
	s->screens = true;
	zg_rfb_follow(server, ZG_RFB_PASS, (uint64_t)n * SCREEN_LEN, ZG_RFB_NEXT);
	return ZG_R_NONE;
}

static enum zg_reason name(struct zg_rfb_state *s, const struct zg_rfb_config *config)
{
	struct zg_rd rd = zg_rfb_field(&s->side[ZG_SERVER]);
	const uint32_t len = zg_rd_be32(&rd);

	if (len > ZG_RFB_TEXT_MAX)
		return ZG_R_RFB_TEXT;
	zg_rfb_follow(&s->side[ZG_SERVER], config->desktop_name == ZG_RFB_NAME_BLANK ? ZG_RFB_BLANK : ZG_RFB_ASCII, len,
		      ZG_RFB_NEXT);
	return ZG_R_NONE;
}

static enum zg_reason nothing_follows(struct zg_rfb_state *s)
{
	return next_rectangle(s);
}

/* --- any rectangle -------------------------------------------------------------------------------- */

static enum zg_reason of_pixels(struct zg_rfb_state *s)
{
	const struct zg_rfb_rect *r = &s->rect;

	if ((uint32_t)r->x + r->w > s->width || (uint32_t)r->y + r->h > s->height)
		return ZG_R_RFB_RECTANGLE;
	switch ((enum zg_rfb_encoding)r->encoding) {
	case ZG_RFB_ZLIB:
	case ZG_RFB_ZRLE:
	case ZG_RFB_TIGHT:
		return zg_rfb_packed_begin(s);
	default:
		return zg_rfb_rect_begin(s);
	}
}

/* Bits of place and size that an encoding has no use for are zero. */
static bool empty(const struct zg_rfb_rect *r, bool place_counts)
{
	return r->w == 0 && r->h == 0 && (place_counts || (r->x == 0 && r->y == 0));
}

static enum zg_reason rectangle(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	struct zg_rd rd = zg_rfb_field(server);
	struct zg_rfb_rect *r = &s->rect;

	*r = (struct zg_rfb_rect){ 0 };
	r->x = zg_rd_be16(&rd);
	r->y = zg_rd_be16(&rd);
	r->w = zg_rd_be16(&rd);
	r->h = zg_rd_be16(&rd);
	const enum zg_rfb_encoding encoding = zg_rfb_encoding(zg_rd_be32(&rd));
	/* of the levels nothing is ever a rectangle */
	if (encoding == ZG_RFB_ENCODINGS || encoding == ZG_RFB_LEVEL ||
	    (encoding != ZG_RFB_RAW && !(s->asks_for & 1u << encoding)))
		return ZG_R_RFB_ENCODING;
	r->encoding = (uint8_t)encoding;
	s->rects_left--;
	if (s->until_last && s->rects_left == 0 && encoding != ZG_RFB_LAST_RECT)
		return ZG_R_RFB_DATA;
	switch (encoding) {
	case ZG_RFB_CURSOR:
	case ZG_RFB_XCURSOR:
		return cursor(s);
	case ZG_RFB_POINTER_POS:
		return empty(r, true) && r->x < s->width && r->y < s->height ? nothing_follows(s) : ZG_R_RFB_RECTANGLE;
	case ZG_RFB_DESKTOP_SIZE:
		if (r->x != 0 || r->y != 0)
			return ZG_R_RFB_RECTANGLE;
		if (s->rects_left > 0) /* TightVNC's and UltraVNC's viewers go on with the next message */
			return ZG_R_RFB_DATA;
		(void)nothing_follows(s);
		return resized(s);
	case ZG_RFB_EXTENDED_SIZE:
		return extended_size(s);
	case ZG_RFB_DESKTOP_NAME:
		zg_rfb_expect(server, ZG_RFB_NAME, 4);
		return empty(r, false) ? ZG_R_NONE : ZG_R_RFB_RECTANGLE;
	case ZG_RFB_LAST_RECT:
		s->rects_left = 0;
		return empty(r, false) ? nothing_follows(s) : ZG_R_RFB_RECTANGLE;
	default:
		return of_pixels(s);
	}
}

enum zg_reason zg_rfb_server(struct zg_rfb_state *s, const struct zg_rfb_config *config, struct zg_rw *in)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	(void)in;

	switch ((enum zg_rfb_step)server->step) {
	case ZG_RFB_MESSAGE:
		return server->need == 0 ? message_over(server) : message(s, config);
	case ZG_RFB_BODY:
		return body(s);
	case ZG_RFB_RECTANGLE:
		return rectangle(s);
	case ZG_RFB_NEXT:
		return next_rectangle(s);
	case ZG_RFB_MASK:
		return mask(s);
	case ZG_RFB_SCREENS:
		return screens(s);
	case ZG_RFB_NAME:
		return name(s, config);
	case ZG_RFB_PACKED_LEN:
	case ZG_RFB_CONTROL:
	case ZG_RFB_FILTER:
	case ZG_RFB_COLOURS:
	case ZG_RFB_TIGHT_DATA:
	case ZG_RFB_COMPACT_LEN:
		return zg_rfb_packed(s);
	default:
		return zg_rfb_rect(s);
	}
}
