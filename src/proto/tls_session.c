/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/tls_session.h"

#include "proto/tls_name.h"

enum phase {
	HELLO = 0, /* the client's comes */
	OFFERED,   /* the server's comes */
	RETRY,	   /* it was a HelloRetryRequest: the client's second comes */
	OFFERED_AGAIN,
	OLD, /* 1.2 */
	NEW, /* 1.3 */
};

enum type { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23 };

/* What is looked at in a record. */
enum content {
	MESSAGES, /* of the handshake, in the clear */
	NOTICE,	  /* an alert in the clear */
	CHANGE,	  /* the one octet of ChangeCipherSpec */
	PROTECTED,
};

/* RFC 8446 4, RFC 5246 7.4 */
enum message {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	NEW_SESSION_TICKET = 4,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CERTIFICATE_VERIFY = 15,
	CLIENT_KEY_EXCHANGE = 16,
	CERTIFICATE_STATUS = 22,
};

/* 1.2, in the clear: each comes once, and none after one of a higher rank (RFC 5246 7.3, RFC 6066 8, RFC 5077 3.3). */
enum { DONE_RANK = 5, TICKET_RANK = 6, KEY_RANK = 2 };
static const struct {
	uint8_t from, message, rank;
} flights[] = {
	{ ZG_SERVER, CERTIFICATE, 1 },
	{ ZG_SERVER, CERTIFICATE_STATUS, 2 },
	{ ZG_SERVER, SERVER_KEY_EXCHANGE, 3 },
	{ ZG_SERVER, CERTIFICATE_REQUEST, 4 },
	{ ZG_SERVER, SERVER_HELLO_DONE, DONE_RANK },
	{ ZG_SERVER, NEW_SESSION_TICKET, TICKET_RANK },
	{ ZG_CLIENT, CERTIFICATE, 1 },
	{ ZG_CLIENT, CLIENT_KEY_EXCHANGE, KEY_RANK },
	{ ZG_CLIENT, CERTIFICATE_VERIFY, 3 },
};

#define MESSAGE_HEADER	   4u
#define CERTIFICATE_HEADER 6u

struct reading {
	struct zg_tls_session *t;
	struct zg_tls_side *side, *other;
	enum zg_dir dir;
	const void *base;
	const struct zg_tls_config *c;
};

static enum phase phase_of(const struct reading *r)
{
	return (enum phase)r->t->phase;
}

/* Does the next hello come from this end? */
static bool hello_expected(const struct reading *r)
{
	const enum phase phase = phase_of(r);
	return r->dir == ZG_CLIENT ? phase == HELLO || phase == RETRY : phase == OFFERED || phase == OFFERED_AGAIN;
}

/* --- which record may come ------------------------------------------------------------------------- */

/* The handshake that keys are made in is over on this side as soon as the server has sent its ticket or its last word, and the
 * client its key; in one that resumes a session the server is first, and makes none. */
static bool old_change_may_come(const struct reading *r)
{
	const struct zg_tls_side *server = &r->t->side[ZG_SERVER];
	const bool whole = server->rank > 0 && server->rank != TICKET_RANK; /* else the server resumes */

	if (r->side->ccs > 0)
		return false;
	if (r->dir == ZG_CLIENT)
		return r->side->rank >= KEY_RANK || (server->ccs > 0 && r->side->rank == 0);
	return whole ? server->rank == DONE_RANK && r->other->ccs > 0 : server->rank == 0 || r->side->rank == TICKET_RANK;
}

static enum zg_reason change_begins(const struct reading *r)
{
	switch (phase_of(r)) {
	case OLD: /* a server that resumes a session shows no certificate, nor does one that needs none */
		if (r->c->certificates.n > 0 && !r->t->certificate.known)
			return ZG_R_TLS_CERTIFICATE;
		return old_change_may_come(r) ? ZG_R_NONE : ZG_R_TLS_HANDSHAKE;
	case NEW:
	case RETRY:
	case OFFERED_AGAIN:
		return r->side->protect == 0 && r->side->ccs < ZG_TLS_CCS_MAX ? ZG_R_NONE : ZG_R_TLS_RECORD;
	case OFFERED: /* before early data (RFC 8446 D.4) */
		return r->dir == ZG_CLIENT && r->t->offer.early_data && r->side->ccs == 0 && r->side->protect == 0 ? ZG_R_NONE :
														     ZG_R_TLS_RECORD;
	default:
		return ZG_R_TLS_RECORD;
	}
}

static enum zg_reason alert_begins(const struct reading *r)
{
	const enum phase phase = phase_of(r);

	if (phase == HELLO || r->side->alerts >= ZG_TLS_ALERTS_MAX || (phase == NEW && (r->dir == ZG_SERVER || r->side->protect)))
		return ZG_R_TLS_RECORD;
	r->side->content = phase == OLD && r->side->ccs > 0 ? PROTECTED : NOTICE;
	return ZG_R_NONE;
}

static enum zg_reason handshake_begins(const struct reading *r)
{
	struct zg_tls_side *side = r->side;

	r->side->content = MESSAGES;
	if (hello_expected(r))
		return ZG_R_NONE;
	if (phase_of(r) != OLD)
		return ZG_R_TLS_HANDSHAKE;
	if (side->ccs == 0)
		return ZG_R_NONE;
	side->content = PROTECTED;
	return side->protect ? ZG_R_TLS_RENEGOTIATION : ZG_R_NONE;
}

static enum zg_reason data_begin(const struct reading *r)
{
	r->side->content = PROTECTED;
	switch (phase_of(r)) {
	case NEW:
		return ZG_R_NONE;
	case OLD:
		return r->side->protect ? ZG_R_NONE : ZG_R_TLS_HANDSHAKE;
	case HELLO:
		return ZG_R_TLS_RECORD;
	default: /* early */
		return r->dir == ZG_CLIENT && r->t->offer.early_data ? ZG_R_NONE : ZG_R_TLS_RECORD;
	}
}

/* The first octet of a record. */
static enum zg_reason record_begins(const struct reading *r, uint8_t type)
{
	struct zg_tls_side *side = r->side;

	side->type = type;
	side->content = CHANGE;
	/* what a protected alert says is not seen: another may follow */
	if (side->ended && (type != ALERT || side->protect == 0 || side->alerts >= ZG_TLS_ALERTS_MAX))
		return ZG_R_TLS_AFTER_END;
	if (side->message > 0 && type != HANDSHAKE) /* RFC 8446 5.1: not interleaved */
		return ZG_R_TLS_HANDSHAKE;
	switch (type) {
	case CHANGE_CIPHER_SPEC:
		return change_begins(r);
	case ALERT:
		return alert_begins(r);
	case HANDSHAKE:
		return handshake_begins(r);
	case APPLICATION_DATA:
		return data_begin(r);
	default:
		return ZG_R_TLS_RECORD;
	}
}

/* RFC 8446 5.1: 0x0303, and until a version was agreed on the older ones that old servers were content with. */
static enum zg_reason version_came(const struct reading *r)
{
	const uint16_t version = r->side->version;
	const bool early = phase_of(r) < OLD;

	return version == 0x0303 || (early && (version == 0x0301 || version == 0x0302)) ? ZG_R_NONE : ZG_R_TLS_VERSION;
}

static bool length_good(const struct reading *r)
{
	const uint32_t length = r->side->length;
	const bool old = phase_of(r) == OLD;

	switch ((enum content)r->side->content) {
	case MESSAGES:
		return length > 0 && length <= ZG_TLS_PLAIN_MAX;
	case NOTICE:
		return length == 2;
	case CHANGE:
		return length == 1;
	default:
		break;
	}
	if (length < (old ? ZG_TLS_PROTECTED12_MIN : ZG_TLS_PROTECTED_MIN))
		return false;
	if (r->side->type == APPLICATION_DATA)
		return length <= (old ? ZG_TLS_PROTECTED12_MAX : ZG_TLS_PROTECTED_MAX);
	return length <= ZG_TLS_FINISHED_MAX;
}

/* The header is whole. */
static enum zg_reason length_came(const struct reading *r)
{
	struct zg_tls_side *side = r->side;

	if (!length_good(r))
		return ZG_R_TLS_LENGTH;
	side->left = side->length;
	if (side->content == CHANGE)
		side->ccs++;
	if (side->type == ALERT) {
		side->alerts++;
		side->ended = side->ended || side->content == PROTECTED;
	} else if (side->content == PROTECTED) {
		side->protect = 1;
	}
	return ZG_R_NONE;
}

static enum zg_reason header_octet(const struct reading *r, uint8_t octet)
{
	struct zg_tls_side *side = r->side;

	switch (side->have++) {
	case 0:
		return record_begins(r, octet);
	case 1:
		side->version = octet;
		return ZG_R_NONE;
	case 2:
		side->version = (uint16_t)(side->version << 8 | octet);
		return version_came(r);
	case 3:
		side->length = octet;
		return ZG_R_NONE;
	default:
		side->length = (uint16_t)(side->length << 8 | octet);
		return length_came(r);
	}
}

/* --- messages in the clear --------------------------------------------------------------------------- */

/* 1.2, after the hellos. */
static enum zg_reason message_ranks(const struct reading *r)
{
	struct zg_tls_side *side = r->side;

	for (size_t i = 0; i < sizeof flights / sizeof flights[0]; i++) {
		if (flights[i].from != r->dir || flights[i].message != side->message_type)
			continue;
		/* the client answers the server's last word; the ticket follows the client's, unless the server resumes */
		const bool turn = r->dir == ZG_CLIENT	      ? r->other->rank == DONE_RANK :
				  flights[i].rank != TICKET_RANK ? true :
								   side->rank == 0 || (side->rank == DONE_RANK && r->other->ccs > 0);
		if (!turn || flights[i].rank <= side->rank)
			return ZG_R_TLS_HANDSHAKE;
		side->rank = flights[i].rank;
		return ZG_R_NONE;
	}
	return ZG_R_TLS_HANDSHAKE;
}

static enum zg_reason message_begins(const struct reading *r)
{
	struct zg_tls_side *side = r->side;
	const enum phase phase = phase_of(r);

	if (phase == OLD)
		return message_ranks(r);
	return hello_expected(r) && side->message_type == (r->dir == ZG_CLIENT ? CLIENT_HELLO : SERVER_HELLO) ? ZG_R_NONE :
													       ZG_R_TLS_HANDSHAKE;
}

/* Its length came. */
static enum zg_reason message_sized(const struct reading *r)
{
	const uint32_t length = r->side->message_left;
	const enum phase phase = phase_of(r);

	if (phase == OLD) /* RFC 5246 7.4.5: nothing is in the server's last word */
		return length <= (r->side->message_type == SERVER_HELLO_DONE ? 0 : ZG_TLS_MESSAGE_MAX) ? ZG_R_NONE : ZG_R_TLS_SIZE;
	if (length > ZG_TLS_HELLO_MAX)
		return ZG_R_TLS_SIZE;
	if (length < ZG_TLS_HELLO_MIN)
		return ZG_R_TLS_HELLO;
	zg_tls_hello_begin(&r->t->hello, r->dir == ZG_SERVER, phase == RETRY, length);
	return ZG_R_NONE;
}

static enum phase after_hello(const struct reading *r)
{
	const struct zg_tls_hello *h = &r->t->hello;

	if (r->dir == ZG_CLIENT)
		return phase_of(r) == HELLO ? OFFERED : OFFERED_AGAIN;
	return h->retry ? RETRY : h->versioned ? NEW : OLD;
}

/* A hello was judged, and may go. */
static enum zg_reason hello_over(const struct reading *r)
{
	struct zg_tls_session *t = r->t;
	const enum phase next = after_hello(r);

	if (phase_of(r) == OFFERED_AGAIN && next != NEW) /* RFC 8446 4.1.4: one is enough, and leads to 1.3 */
		return next == RETRY ? ZG_R_TLS_HANDSHAKE : ZG_R_TLS_CHOICE;
	/* where other keys begin, and behind a ClientHello, its record ends too (RFC 8446 5.1) */
	if (next != OLD && r->side->left > 0)
		return ZG_R_TLS_HANDSHAKE;
	if (next == NEW && r->c->certificates.n > 0)
		return ZG_R_TLS_CERTIFICATE; /* it would be encrypted */
	t->phase = (uint8_t)next;
	t->held[r->dir] = 0;
	if (next == OLD)
		t->certificate = (struct zg_tls_certificate){ 0 };
	return ZG_R_NONE;
}

/* RFC 5246 7.4.2: the length of all, the length of the first, the first. */
static enum zg_reason certificate_octet(const struct reading *r, uint8_t octet)
{
	struct zg_tls_certificate *certificate = &r->t->certificate;
	uint8_t digest[SHA256_DIGEST_SIZE];

	if (certificate->octets < CERTIFICATE_HEADER) {
		certificate->left = (certificate->left << 8 | octet) & 0xffffff;
		if (++certificate->octets == CERTIFICATE_HEADER / 2 && certificate->left != r->side->message_left)
			return ZG_R_TLS_CERTIFICATE;
		if (certificate->octets == CERTIFICATE_HEADER) {
			if (certificate->left == 0 || certificate->left > r->side->message_left)
				return ZG_R_TLS_CERTIFICATE;
			sha256_init(&certificate->sha256);
		}
		return ZG_R_NONE;
	}
	if (certificate->left == 0)
		return ZG_R_NONE;
	sha256_update(&certificate->sha256, 1, &octet);
	if (--certificate->left > 0)
		return ZG_R_NONE;
	sha256_digest(&certificate->sha256, sizeof digest, digest);
	certificate->known = zg_tls_digest_listed(r->base, &r->c->certificates, digest, sizeof digest);
	return certificate->known ? ZG_R_NONE : ZG_R_TLS_CERTIFICATE;
}

static enum zg_reason body_octet(const struct reading *r, uint8_t octet)
{
	enum zg_reason reason = ZG_R_NONE;

	r->side->message_left--;
	if (phase_of(r) != OLD) {
		reason = zg_tls_hello_octet(&r->t->hello, &r->t->offer, r->base, r->c, octet);
		if (reason == ZG_R_NONE && r->side->message_left == 0)
			reason = hello_over(r);
	} else if (r->c->certificates.n > 0 && r->dir == ZG_SERVER && r->side->message_type == CERTIFICATE) {
		reason = certificate_octet(r, octet);
	}
	if (r->side->message_left == 0)
		r->side->message = 0;
	return reason;
}

static enum zg_reason message_octet(const struct reading *r, uint8_t octet)
{
	struct zg_tls_side *side = r->side;

	if (side->message == MESSAGE_HEADER)
		return body_octet(r, octet);
	side->message++;
	if (side->message == 1) {
		side->message_type = octet;
		side->message_left = 0;
		return message_begins(r);
	}
	side->message_left = side->message_left << 8 | octet;
	if (side->message < MESSAGE_HEADER)
		return ZG_R_NONE;
	const enum zg_reason reason = message_sized(r);
	if (side->message_left == 0)
		r->side->message = 0;
	return reason;
}

/* RFC 8446 6: 1 warning, 2 fatal; closing is a warning, and the end. */
static enum zg_reason notice_octet(const struct reading *r, uint8_t octet)
{
	struct zg_tls_side *side = r->side;

	if (side->left > 0) {
		side->message_type = octet;
		return octet == 1 || octet == 2 ? ZG_R_NONE : ZG_R_TLS_RECORD;
	}
	side->ended = side->ended || side->message_type == 2 || octet == 0;
	return ZG_R_NONE;
}

/* --- octets -------------------------------------------------------------------------------------------- */

static enum zg_reason next_octet(const struct reading *r, uint8_t octet)
{
	struct zg_tls_side *side = r->side;

	if (side->left == 0) {
		const enum zg_reason reason = header_octet(r, octet);
		side->have = side->left > 0 ? 0 : side->have;
		return reason;
	}
	side->left--;
	switch ((enum content)side->content) {
	case MESSAGES:
		return message_octet(r, octet);
	case NOTICE:
		return notice_octet(r, octet);
	case CHANGE:
		return octet == 1 ? ZG_R_NONE : ZG_R_TLS_RECORD;
	default:
		return ZG_R_NONE;
	}
}

/* What nobody can read here passes in one step. */
static bool skip_protected(struct zg_tls_side *side, struct zg_rw *in)
{
	const size_t left = zg_rw_left(in);

	if (side->left == 0 || side->content != PROTECTED)
		return false;
	const uint16_t n = (uint16_t)(left < side->left ? left : side->left);
	zg_rw_skip(in, n);
	side->left = (uint16_t)(side->left - n);
	return true;
}

enum zg_reason zg_tls_session_data(struct zg_tls_session *t, const void *base, const struct zg_tls_config *c, enum zg_dir dir,
				   struct zg_rw *in)
{
	struct reading r = { t, &t->side[dir], &t->side[zg_dir_other(dir)], dir, base, c };
	uint8_t octet;

	while (zg_rw_peek(in, &octet)) {
		if (skip_protected(r.side, in))
			continue;
		const enum zg_reason reason = next_octet(&r, octet);
		if (reason != ZG_R_NONE)
			return reason;
		zg_rw_advance(in);
		/* from the first octet of the record that a hello begins in */
		if (hello_expected(&r) && (r.side->type == HANDSHAKE && (r.side->left > 0 || r.side->have > 0 || r.side->message > 0)))
			t->held[dir]++;
	}
	return ZG_R_NONE;
}

enum zg_reason zg_tls_session_end(const struct zg_tls_session *t, enum zg_dir dir)
{
	const struct zg_tls_side *side = &t->side[dir];
	return side->have > 0 || side->left > 0 || side->message > 0 ? ZG_R_TLS_TRUNCATED : ZG_R_NONE;
}

bool zg_tls_session_speaks(const struct zg_tls_session *t)
{
	const struct zg_tls_side *server = &t->side[ZG_SERVER];
	const size_t partial = server->left > 0 || server->have > 0 || server->message > 0;
	return t->phase < OLD && (!partial || t->held[ZG_SERVER] > 0);
}
