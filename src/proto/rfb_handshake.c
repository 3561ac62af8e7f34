/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFB: version, security, and what both ends say of themselves (RFC 6143 7.1 to 7.3). One speaks, the other is silent. */
#include "proto/rfb.h"

#include <string.h>

#define VERSION	      "RFB 003.008\n"
#define VERSION_LEN   12
#define VERSION_33    "RFB 003.003\n"
#define TYPE_NONE     1
#define TYPE_VNC      2 /* a challenge of 16 bytes and its answer; nothing is hidden behind it */
#define AUTH_LEN      16
#define INIT_LEN      24 /* ServerInit, without the name */
#define RESULT_OK     0
#define RESULT_LAST   2 /* failed, too many attempts */

/* The turn goes to the other end. */
static void turn(struct zg_rfb_state *s, enum zg_dir to, enum zg_rfb_step step, size_t need)
{
	zg_rfb_expect(&s->side[zg_dir_other(to)], ZG_RFB_SILENT, 0);
	zg_rfb_expect(&s->side[to], step, need);
}

static bool may_pass(uint8_t type)
{
	return type == TYPE_NONE || type == TYPE_VNC;
}

static enum zg_reason version(struct zg_rfb_state *s, enum zg_dir dir)
{
	const uint8_t *field = s->side[dir].field;

	if (memcmp(field, VERSION, VERSION_LEN) != 0) {
		if (dir == ZG_CLIENT)
			s->refusal = memcmp(field, VERSION_33, VERSION_LEN) == 0 ? ZG_REFUSAL_RFB_33 : ZG_REFUSAL_RFB;
		return ZG_R_RFB_VERSION;
	}
	if (dir == ZG_SERVER)
		turn(s, ZG_CLIENT, ZG_RFB_VERSION, VERSION_LEN);
	else
		turn(s, ZG_SERVER, ZG_RFB_TYPES, 1);
	return ZG_R_NONE;
}

static enum zg_reason types(struct zg_rfb_state *s)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	const uint8_t n = server->field[0];

	if (n == 0) {
		zg_rfb_expect(server, ZG_RFB_REASON, 4);
		return ZG_R_NONE;
	}
	if (n > ZG_RFB_TYPES_MAX) {
		s->refusal = ZG_REFUSAL_RFB;
		return ZG_R_RFB_SECURITY;
	}
	s->types_left = n;
	zg_rfb_expect(server, ZG_RFB_TYPE, 1);
	return ZG_R_NONE;
}

/*
 * What may not pass becomes a repetition of the first that may: the list keeps its length, and whatever the client takes is
 * readable. Those before that first one wait for it; if the server waits for an acknowledgement meanwhile they go as VncAuth.
 */
static enum zg_reason offered(struct zg_rfb_state *s, struct zg_rw *in)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	const uint8_t type = server->field[0];

	s->types_seen++;
	if (may_pass(type)) {
		s->types |= (uint8_t)(1u << type);
		if (s->first_type == 0)
			for (size_t n = 2; n <= s->types_seen; n++)
				(void)zg_rw_amend(in, n, type);
		s->first_type = s->first_type != 0 ? s->first_type : type;
	} else {
		(void)zg_rw_amend(in, 1, s->first_type != 0 ? s->first_type : TYPE_VNC);
	}
	if (--s->types_left > 0) {
		server->have = 0;
		return ZG_R_NONE;
	}
	if (s->types == 0) {
		s->types_seen--; /* the one that offends is not among what passes or is held */
		s->refusal = server->released > 0 ? ZG_REFUSAL_RESET : ZG_REFUSAL_RFB;
		return ZG_R_RFB_SECURITY;
	}
	turn(s, ZG_CLIENT, ZG_RFB_TYPE, 1);
	return ZG_R_NONE;
}

static enum zg_reason chosen(struct zg_rfb_state *s)
{
	const uint8_t type = s->side[ZG_CLIENT].field[0];

	if (!may_pass(type) || !(s->types & 1u << type))
		return ZG_R_RFB_SECURITY;
	if (type == TYPE_VNC)
		turn(s, ZG_SERVER, ZG_RFB_AUTH, AUTH_LEN);
	else
		turn(s, ZG_SERVER, ZG_RFB_RESULT, 4);
	return ZG_R_NONE;
}

static enum zg_reason authenticated(struct zg_rfb_state *s, enum zg_dir dir)
{
	if (dir == ZG_SERVER)
		turn(s, ZG_CLIENT, ZG_RFB_AUTH, AUTH_LEN);
	else
		turn(s, ZG_SERVER, ZG_RFB_RESULT, 4);
	return ZG_R_NONE;
}

static enum zg_reason result(struct zg_rfb_state *s)
{
	struct zg_rd rd = zg_rfb_field(&s->side[ZG_SERVER]);
	const uint32_t code = zg_rd_be32(&rd);

	if (code > RESULT_LAST)
		return ZG_R_RFB_HANDSHAKE;
	if (code == RESULT_OK)
		turn(s, ZG_CLIENT, ZG_RFB_INIT, 1);
	else
		zg_rfb_expect(&s->side[ZG_SERVER], ZG_RFB_REASON, 4);
	return ZG_R_NONE;
}

/* A text of the server's, its length in the last four bytes of the field. */
static enum zg_reason text(struct zg_rfb_side *server, enum zg_rfb_span kind, enum zg_rfb_step then)
{
	struct zg_rd rd = zg_rd_init(server->field + server->need - 4, 4);
	const uint32_t len = zg_rd_be32(&rd);

	if (len > ZG_RFB_TEXT_MAX)
		return ZG_R_RFB_TEXT;
	zg_rfb_follow(server, kind, len, then);
	return ZG_R_NONE;
}

static enum zg_reason client_init(struct zg_rfb_state *s)
{
	if (s->side[ZG_CLIENT].field[0] > 1) /* shared or not */
		return ZG_R_RFB_HANDSHAKE;
	turn(s, ZG_SERVER, ZG_RFB_INIT, INIT_LEN);
	zg_rfb_pad(&s->side[ZG_SERVER], 17, 3);
	return ZG_R_NONE;
}

static enum zg_reason server_init(struct zg_rfb_state *s, const struct zg_rfb_config *config)
{
	struct zg_rfb_side *server = &s->side[ZG_SERVER];
	struct zg_rd rd = zg_rfb_field(server);

	s->width = zg_rd_be16(&rd);
	s->height = zg_rd_be16(&rd);
	if (!zg_rfb_size_ok(s->width, s->height))
		return ZG_R_RFB_SIZE;
	if (!zg_rfb_format(server->field + 4, &s->format))
		return ZG_R_RFB_FORMAT;
	s->next_format = s->format;
	return text(server, config->desktop_name == ZG_RFB_NAME_BLANK ? ZG_RFB_BLANK : ZG_RFB_ASCII, ZG_RFB_READY);
}

enum zg_reason zg_rfb_handshake(struct zg_rfb_state *s, const struct zg_rfb_config *config, enum zg_dir dir,
				struct zg_rw *in)
{
	switch ((enum zg_rfb_step)s->side[dir].step) {
	case ZG_RFB_VERSION:
		return version(s, dir);
	case ZG_RFB_TYPES:
		return types(s);
	case ZG_RFB_TYPE:
		return dir == ZG_SERVER ? offered(s, in) : chosen(s);
	case ZG_RFB_AUTH:
		return authenticated(s, dir);
	case ZG_RFB_RESULT:
		return result(s);
	case ZG_RFB_REASON:
		return text(&s->side[ZG_SERVER], ZG_RFB_ASCII, ZG_RFB_END);
	case ZG_RFB_INIT:
		return dir == ZG_CLIENT ? client_init(s) : server_init(s, config);
	case ZG_RFB_READY:
		zg_rfb_expect(&s->side[ZG_CLIENT], ZG_RFB_MESSAGE, 1);
		zg_rfb_expect(&s->side[ZG_SERVER], ZG_RFB_MESSAGE, 1);
		return ZG_R_NONE;
	default: /* SILENT, END: told before a byte is consumed */
		return ZG_R_RFB_HANDSHAKE;
	}
}
