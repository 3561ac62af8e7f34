/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFB: messages of the client (RFC 6143 7.5). */
#include "proto/rfb.h"

#include <string.h>

enum {
	SET_PIXEL_FORMAT = 0,
	SET_ENCODINGS = 2,
	UPDATE_REQUEST = 3,
	KEY = 4,
	POINTER = 5,
	CUT_TEXT = 6,
	SET_DESKTOP_SIZE = 251,
};

/*
 * What takes the place of an encoding that may not pass: nobody's number, which servers skip. Raw would be the first in many a
 * list, and so what a server prefers.
 */
static const uint8_t nobodys[4] = { 'z', 'o', 'n', 'e' };

#define SCREEN_LEN 16 /* bytes */

/* Bytes behind the type, of the message or its fixed part, and which of them pad. */
static const struct {
	uint8_t type, len, pad, n_pad, pad_end, n_pad_end;
} messages[] = {
	{ SET_PIXEL_FORMAT, 19, 0, 3, 16, 3 },
	{ SET_ENCODINGS, 3, 0, 1, 0, 0 },
	{ UPDATE_REQUEST, 9, 0, 0, 0, 0 },
	{ KEY, 7, 1, 2, 0, 0 },
	{ POINTER, 5, 0, 0, 0, 0 },
	{ CUT_TEXT, 7, 0, 3, 0, 0 },
	{ SET_DESKTOP_SIZE, 7, 0, 1, 6, 1 },
};

/* A key that is none (X11's VoidSymbol) is let go. */
static void key_of_nobody(struct zg_rfb_side *client)
{
	static const uint8_t up[7] = { 0, 0, 0, 0x00, 0xff, 0xff, 0xff };

	memcpy(client->put, up, sizeof up);
	client->put_at = (1u << sizeof up) - 1;
}

/* A pointer without buttons rests at the right edge, half way down: not in a corner, which some desktops watch. */
static void pointer_at_rest(struct zg_rfb_side *client, uint16_t width, uint16_t height)
{
	const uint16_t x = (uint16_t)(width - 1), y = height / 2;
	const uint8_t rest[5] = { 0, (uint8_t)(x >> 8), (uint8_t)x, (uint8_t)(y >> 8), (uint8_t)y };

	memcpy(client->put, rest, sizeof rest);
	client->put_at = (1u << sizeof rest) - 1;
}

static enum zg_reason message(struct zg_rfb_state *s, const struct zg_rfb_config *config)
{
	struct zg_rfb_side *client = &s->side[ZG_CLIENT];
	const uint8_t type = client->field[0];
	size_t m = 0;

	while (m < sizeof messages / sizeof *messages && messages[m].type != type)
		m++;
	if (m == sizeof messages / sizeof *messages)
		return ZG_R_RFB_CLIENT_MESSAGE;
	if (type == SET_DESKTOP_SIZE && (!s->screens || config->view_only))
		return ZG_R_RFB_CLIENT_MESSAGE;
	if ((type == KEY || type == POINTER) && config->view_only == ZG_RFB_VIEW_ONLY_KILL)
		return ZG_R_RFB_INPUT;
	if (type == CUT_TEXT && config->clipboard_to_server == ZG_RFB_CLIPBOARD_KILL)
		return ZG_R_RFB_CLIPBOARD;
	client->message = type;
	zg_rfb_expect(client, ZG_RFB_BODY, messages[m].len);
	zg_rfb_pad(client, messages[m].pad, messages[m].n_pad);
	zg_rfb_pad(client, messages[m].pad_end, messages[m].n_pad_end);
	if (type == KEY && config->view_only)
		key_of_nobody(client);
	if (type == POINTER && config->view_only)
		pointer_at_rest(client, s->width, s->height);
	return ZG_R_NONE;
}

static enum zg_reason message_over(struct zg_rfb_side *client)
{
	zg_rfb_expect(client, ZG_RFB_MESSAGE, 1);
	return ZG_R_NONE;
}

/*
 * How long a pixel is may change while no other update can be under way: before the first one, or when as many began as were
 * asked for. The one that has begun ends as it is, and the next may begin only when it is asked for. Viewers ask once for each
 * update that they read, so that the numbers tell whether this one has read all that passed; where they do not tell it any more
 * (updates that nobody asked for, two requests at once), the change is refused. TigerVNC changes at the end of an update, which
 * one without rectangles does not have.
 */
static bool may_change(const struct zg_rfb_state *s)
{
	return s->asked == 0 && !s->asked_twice && !s->hollow;
}

static enum zg_reason pixel_format(struct zg_rfb_state *s)
{
	struct zg_rfb_side *client = &s->side[ZG_CLIENT];
	struct zg_rfb_format format;

	if (!zg_rfb_format(client->field + 3, &format))
		return ZG_R_RFB_FORMAT;
	if (!zg_rfb_format_same(&format, &s->next_format)) {
		if (!may_change(s))
			return ZG_R_RFB_FORMAT_RACE;
		s->changing = true;
	}
	s->next_format = format;
	return message_over(client);
}

static enum zg_reason encodings(struct zg_rfb_state *s)
{
	struct zg_rfb_side *client = &s->side[ZG_CLIENT];
	struct zg_rd rd = zg_rd_init(client->field + 1, 2);

	s->codes_left = zg_rd_be16(&rd);
	if (s->codes_left > ZG_RFB_ENCODINGS_MAX)
		return ZG_R_RFB_MESSAGE_SYNTAX;
	s->listed = true;
	if (!s->asked_ever) /* no update could begin before this, and so before the format that came before this */
		s->changing = false;
	if (s->codes_left == 0)
		return message_over(client);
	zg_rfb_expect(client, ZG_RFB_CODE, 4);
	return ZG_R_NONE;
}

/* One code, whose bytes were held until it was whole. */
static enum zg_reason code(struct zg_rfb_state *s, const struct zg_rfb_config *config, struct zg_rw *in)
{
	struct zg_rfb_side *client = &s->side[ZG_CLIENT];
	struct zg_rd rd = zg_rfb_field(client);
	const enum zg_rfb_encoding encoding = zg_rfb_encoding(zg_rd_be32(&rd));
	const bool passes = encoding != ZG_RFB_ENCODINGS && !(config->view_only && encoding == ZG_RFB_EXTENDED_SIZE);

	if (passes)
		s->asks_for |= 1u << encoding;
	for (size_t i = 0; i < sizeof nobodys && !passes; i++)
		if (!zg_rw_amend(in, sizeof nobodys - i, nobodys[i]))
			return ZG_R_RFB_ENCODING; /* a part of it went before the whole was known */
	if (--s->codes_left == 0)
		return message_over(client);
	zg_rfb_expect(client, ZG_RFB_CODE, 4);
	return ZG_R_NONE;
}

static enum zg_reason update_request(struct zg_rfb_state *s)
{
	if (s->side[ZG_CLIENT].field[0] > 1) /* incremental or not */
		return ZG_R_RFB_MESSAGE_SYNTAX;
	s->listed = s->asked_ever = true;
	s->changing = false;
	s->asked++;
	s->asked_twice = s->asked_twice || s->asked > 1;
	return message_over(&s->side[ZG_CLIENT]);
}

static enum zg_reason cut_text(struct zg_rfb_side *client)
{
	struct zg_rd rd = zg_rd_init(client->field + 3, 4);
	const uint32_t len = zg_rd_be32(&rd);

	if (len > ZG_RFB_CUT_MAX) /* as a negative number: the extended form */
		return ZG_R_RFB_CLIPBOARD;
	zg_rfb_follow(client, ZG_RFB_BLANK, len, ZG_RFB_MESSAGE);
	return ZG_R_NONE;
}

static enum zg_reason desktop_size(struct zg_rfb_state *s)
{
	struct zg_rfb_side *client = &s->side[ZG_CLIENT];
	struct zg_rd rd = zg_rd_init(client->field + 1, 5);
	const uint32_t width = zg_rd_be16(&rd), height = zg_rd_be16(&rd);

	s->codes_left = zg_rd_u8(&rd);
	if (!zg_rfb_size_ok(width, height))
		return ZG_R_RFB_SIZE;
	if (s->codes_left == 0 || s->codes_left > ZG_RFB_SCREENS_MAX)
		return ZG_R_RFB_MESSAGE_SYNTAX;
	zg_rfb_expect(client, ZG_RFB_SCREEN, SCREEN_LEN);
	return ZG_R_NONE;
}

static enum zg_reason body(struct zg_rfb_state *s)
{
	struct zg_rfb_side *client = &s->side[ZG_CLIENT];

	switch (client->message) {
	case SET_PIXEL_FORMAT:
		return pixel_format(s);
	case SET_ENCODINGS:
		return encodings(s);
	case UPDATE_REQUEST:
		return update_request(s);
	case CUT_TEXT:
		return cut_text(client);
	case SET_DESKTOP_SIZE:
		return desktop_size(s);
	case KEY:
		return client->field[0] > 1 ? ZG_R_RFB_MESSAGE_SYNTAX : message_over(client);
	default:
		return message_over(client);
	}
}

enum zg_reason zg_rfb_client(struct zg_rfb_state *s, const struct zg_rfb_config *config, struct zg_rw *in)
{
	struct zg_rfb_side *client = &s->side[ZG_CLIENT];

	switch ((enum zg_rfb_step)client->step) {
	case ZG_RFB_MESSAGE:
		if (client->need == 0)
			return message_over(client);
		return message(s, config);
	case ZG_RFB_CODE:
		return code(s, config, in);
	case ZG_RFB_SCREEN:
		client->have = 0;
		return --s->codes_left > 0 ? ZG_R_NONE : message_over(client);
	default:
		return body(s);
	}
}
