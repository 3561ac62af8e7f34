/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rdp: Remote Desktop inside TLS (rules in zonegate-inspectors(7)). The connection request and its confirmation are read whole
 * (MS-RDPBCGR 2.2.1.1, 2.2.1.2; TPKT: RFC 1006 6; X.224 13.3, 13.4), and have to agree on TLS; then the rules of tls hold. What
 * is inside nobody here can see.
 */
#include "proto/tls_name.h"
#include "proto/tls_session.h"
#include "zonegate/inspector.h"

#include <string.h>

#define TPKT_VERSION 3u
#define TPKT_HEADER  4u
#define X224_HEADER  7u /* octets: length, type, two references, class */
#define REQUEST	     0xe0u
#define CONFIRM	     0xd0u

/* MS-RDPBCGR 2.2.1.1.1, 2.2.1.2.1 */
#define NEGOTIATION	 8u /* octets of a request, of an answer, of a failure */
#define NEG_REQUEST	 1u
#define NEG_ANSWER	 2u
#define NEG_FAILURE	 3u
#define CORRELATION	 36u /* octets, 2.2.1.1.2 */
#define NEG_CORRELATION	 6u
#define FLAG_CORRELATION 0x08u
#define REQUEST_FLAGS	 0x0bu /* restricted administration, redirected authentication, correlation */
#define ANSWER_FLAGS	 0x1fu
#define PROTOCOLS	 0x0fu /* TLS; CredSSP, RDSTLS and CredSSP with early authorisation inside TLS */
#define FAILURES	 7u    /* codes from 1 on */

enum phase { ASKED = 0, ANSWERED, REFUSED_BY_SERVER, INSIDE };

struct rdp {
	uint8_t reason; /* enum zg_reason: refused */
	uint8_t phase;
	uint8_t requested; /* bits of security protocols */
	uint16_t have, length; /* octets of the packet */
	union {
		uint8_t packet[ZG_RDP_REQUEST_MAX];
		struct zg_tls_session session; /* INSIDE */
	};
};

/* Both start with it; octets behind it are *ret_rest. */
static bool header_good(const struct rdp *s, uint8_t type, struct zg_rd *ret_rest)
{
	struct zg_rd rd = zg_rd_init(s->packet, s->length);
	zg_rd_skip(&rd, TPKT_HEADER);
	const uint8_t length = zg_rd_u8(&rd), code = zg_rd_u8(&rd);
	const uint16_t destination = zg_rd_be16(&rd);
	zg_rd_skip(&rd, 2); /* the sender's own reference */
	const uint8_t class = zg_rd_u8(&rd);
	*ret_rest = rd;
	/* a request does not know the other's reference; a confirmation repeats the request's, which some servers leave at zero */
	return !rd.err && length == s->length - TPKT_HEADER - 1 && code == type && class == 0 && (type == CONFIRM || destination == 0);
}

/* Numbers of the negotiation are little-endian. */
static uint32_t le32(struct zg_rd *rd)
{
	const uint32_t lo = zg_rd_u8(rd), b1 = zg_rd_u8(rd), b2 = zg_rd_u8(rd), b3 = zg_rd_u8(rd);
	return b3 << 24 | b2 << 16 | b1 << 8 | lo;
}

/* A routing token or a cookie: a line, where no negotiation begins. False: malformed. */
static bool skip_cookie(struct zg_rd *rd)
{
	uint8_t last = 0;

	if (zg_rd_left(rd) == 0 || rd->p[rd->pos] == NEG_REQUEST)
		return true;
	while (zg_rd_left(rd) > 0) {
		const uint8_t octet = zg_rd_u8(rd);
		if (octet == '\n')
			return last == '\r';
		if (last == '\r' || (octet != '\r' && (octet < ' ' || octet == 0x7f)))
			return false;
		last = octet;
	}
	return false;
}

static bool correlation_good(struct zg_rd *rd)
{
	static const uint8_t begin[] = { NEG_CORRELATION, 0, CORRELATION, 0 }, reserved[16];
	const uint8_t *at = zg_rd_bytes(rd, CORRELATION);
	return at != NULL && memcmp(at, begin, sizeof begin) == 0 && memcmp(at + CORRELATION - sizeof reserved, reserved, sizeof reserved) == 0;
}

static enum zg_reason request_came(struct rdp *s)
{
	struct zg_rd rd;

	if (!header_good(s, REQUEST, &rd) || !skip_cookie(&rd))
		return ZG_R_RDP_REQUEST;
	if (zg_rd_left(&rd) == 0)
		return ZG_R_RDP_SECURITY; /* a client that negotiates nothing has its own only */
	const uint8_t type = zg_rd_u8(&rd), flags = zg_rd_u8(&rd), length = zg_rd_u8(&rd), zero = zg_rd_u8(&rd);
	const uint32_t protocols = le32(&rd);
	if (rd.err || type != NEG_REQUEST || length != NEGOTIATION || zero != 0)
		return ZG_R_RDP_REQUEST;
	if ((flags & ~REQUEST_FLAGS) != 0 || (protocols & ~PROTOCOLS) != 0)
		return ZG_R_RDP_PROTOCOL;
	if (protocols == 0)
		return ZG_R_RDP_SECURITY;
	if (((flags & FLAG_CORRELATION) != 0 && !correlation_good(&rd)) || zg_rd_left(&rd) > 0)
		return ZG_R_RDP_REQUEST;
	s->requested = (uint8_t)protocols;
	s->phase = ANSWERED;
	return ZG_R_NONE;
}

static enum zg_reason confirm_came(struct rdp *s)
{
	struct zg_rd rd;

	if (!header_good(s, CONFIRM, &rd))
		return ZG_R_RDP_CONFIRM;
	if (zg_rd_left(&rd) == 0)
		return ZG_R_RDP_SECURITY;
	const uint8_t type = zg_rd_u8(&rd), flags = zg_rd_u8(&rd), length = zg_rd_u8(&rd), zero = zg_rd_u8(&rd);
	const uint32_t chosen = le32(&rd);
	if (rd.err || zg_rd_left(&rd) > 0 || length != NEGOTIATION || zero != 0)
		return ZG_R_RDP_CONFIRM;
	if (type == NEG_FAILURE && flags == 0 && chosen >= 1 && chosen <= FAILURES) {
		s->phase = REFUSED_BY_SERVER;
		return ZG_R_NONE;
	}
	if (type != NEG_ANSWER || (flags & ~ANSWER_FLAGS) != 0)
		return ZG_R_RDP_CONFIRM;
	if (chosen == 0)
		return ZG_R_RDP_SECURITY;
	if ((chosen & ~(uint32_t)s->requested) != 0 || (chosen & (chosen - 1)) != 0)
		return ZG_R_RDP_CONFIRM;
	s->session = (struct zg_tls_session){ 0 };
	s->phase = INSIDE;
	return ZG_R_NONE;
}

static enum zg_reason packet_octet(struct rdp *s, enum zg_reason malformed, uint8_t octet)
{
	s->packet[s->have++] = octet;
	switch (s->have) {
	case 1:
		return octet == TPKT_VERSION ? ZG_R_NONE : malformed;
	case 2:
		return octet == 0 ? ZG_R_NONE : malformed;
	case TPKT_HEADER:
		s->length = (uint16_t)(s->packet[2] << 8 | octet);
		return s->length >= TPKT_HEADER + X224_HEADER && s->length <= ZG_RDP_REQUEST_MAX ? ZG_R_NONE : malformed;
	default:
		break;
	}
	if (s->have < TPKT_HEADER || s->have < s->length)
		return ZG_R_NONE;
	const enum zg_reason reason = s->phase == ASKED ? request_came(s) : confirm_came(s);
	if (reason == ZG_R_NONE)
		s->have = s->length = 0;
	return reason;
}

/* The packets before TLS. */
static enum zg_reason plain(struct rdp *s, enum zg_dir dir, struct zg_rw *in)
{
	uint8_t octet;

	while (s->phase != INSIDE && zg_rw_peek(in, &octet)) {
		if (dir != (s->phase == ASKED ? ZG_CLIENT : ZG_SERVER) || s->phase == REFUSED_BY_SERVER)
			return ZG_R_RDP_SEQUENCE;
		const enum zg_reason reason = packet_octet(s, dir == ZG_CLIENT ? ZG_R_RDP_REQUEST : ZG_R_RDP_CONFIRM, octet);
		if (reason != ZG_R_NONE) {
			s->have--; /* the offending one is not held */
			return reason;
		}
		zg_rw_advance(in);
	}
	return ZG_R_NONE;
}

static void rdp_begin(void *state, const void *config)
{
	(void)state;
	(void)config;
}

static void answer(const struct rdp *s, struct zg_answer *ret_answer)
{
	const struct zg_tls_session *t = &s->session;

	*ret_answer = (struct zg_answer){ .say = s->reason != ZG_R_NONE ? ZG_SAY_DENY : ZG_SAY_MORE, .reason = (enum zg_reason)s->reason };
	if (s->phase != INSIDE) {
		ret_answer->held[s->phase == ASKED ? ZG_CLIENT : ZG_SERVER] = s->have;
		return;
	}
	for (int dir = 0; dir < 2; dir++) {
		ret_answer->held[dir] = t->held[dir];
		if (s->reason != ZG_R_NONE && t->held[dir] > 0 && zg_tls_session_speaks(t))
			ret_answer->refusal = ZG_REFUSAL_TLS_ALERT;
	}
}

static void rdp_data(void *state, const void *config, enum zg_dir dir, struct zg_rw *in, struct zg_answer *ret_answer)
{
	struct rdp *s = state;

	if (s->reason == ZG_R_NONE)
		s->reason = (uint8_t)plain(s, dir, in);
	if (s->reason == ZG_R_NONE && s->phase == INSIDE)
		s->reason = (uint8_t)zg_tls_session_data(&s->session, config, config, dir, in);
	answer(s, ret_answer);
}

static void rdp_end(void *state, const void *config, enum zg_dir dir, struct zg_answer *ret_answer)
{
	struct rdp *s = state;
	(void)config;

	if (s->reason == ZG_R_NONE && s->phase == INSIDE)
		s->reason = (uint8_t)zg_tls_session_end(&s->session, dir);
	else if (s->reason == ZG_R_NONE && s->have > 0 && dir == (s->phase == ASKED ? ZG_CLIENT : ZG_SERVER))
		s->reason = ZG_R_TLS_TRUNCATED;
	answer(s, ret_answer);
}

/* Of tls those that RDP has a use for; the rest stays as strict as it is there. */
static const struct zg_item items[] = {
	{ .key = "names",
	  .type = ZG_ITEM_STRINGS,
	  .offset = offsetof(struct zg_tls_config, names),
	  .max = ZG_TLS_NAMES_MAX,
	  .help = "names of servers that clients may ask for, \"*.\" for one label; without it any, and none",
	  .check = zg_tls_check_name },
	ZG_TLS_ITEM_CERTIFICATES,
	ZG_TLS_ITEM_MIN_VERSION("oldest version of TLS that the server may choose"),
};

const struct zg_inspector zg_rdp = {
	.name = "rdp",
	.transport = ZG_TCP,
	.blind = "what is inside TLS is not seen: clipboard, files, drives, printers, and with 1.3 the server's certificate",
	.acknowledges = true,
	.patient = true,
	.state_size = sizeof(struct rdp),
	.config_size = sizeof(struct zg_tls_config),
	.items = items,
	.n_items = sizeof items / sizeof *items,
	.begin = rdp_begin,
	.data = rdp_data,
	.end = rdp_end,
};
