/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TLS connection, from its first octet (RFC 8446, RFC 5246): which record may come when, and in the clear what is in it.
 * The inspector tls is this and nothing else; others lead to it.
 */
#ifndef ZONEGATE_PROTO_TLS_SESSION_H
#define ZONEGATE_PROTO_TLS_SESSION_H

#include <nettle/sha2.h>

#include "proto/tls_hello.h"
#include "zonegate/inspector.h"

#define ZG_TLS_HEADER 5u /* octets of a record's header */

/* What one end sends. */
struct zg_tls_side {
	uint8_t have;	 /* octets of the record's header that came */
	uint8_t type;	 /* of the record */
	uint8_t content; /* what is looked at in it */
	uint8_t message; /* octets of a handshake message's header that came; 4: within it */
	uint8_t message_type;
	uint8_t rank;	 /* of the last message in the clear, 1.2 */
	uint8_t ccs;	 /* ChangeCipherSpec records so far */
	uint8_t protect; /* a protected record came; 1.2: Finished */
	uint8_t alerts, ended;
	uint16_t length; /* of the record; as far as it came */
	uint16_t left;	 /* octets of the record that are still to come */
	uint16_t version;
	uint32_t message_left;
};

/* The server's own, the first of its list, 1.2. */
struct zg_tls_certificate {
	uint8_t octets;	 /* of the two lengths before it that came */
	uint8_t known;	 /* it is permitted */
	uint32_t left;	 /* octets of it that are still to come */
	struct sha256_ctx sha256;
};

struct zg_tls_session {
	uint8_t phase;
	struct zg_tls_side side[2];
	uint32_t held[2]; /* octets of a hello that is not judged yet, with what is around it */
	struct zg_tls_offer offer;
	union {
		struct zg_tls_hello hello;
		struct zg_tls_certificate certificate; /* once a version was agreed on */
	};
};

/* The next octets of dir, all of them, or up to the one that offends. base: the beginning of the configuration that c lies in. */
enum zg_reason zg_tls_session_data(struct zg_tls_session *t, const void *base, const struct zg_tls_config *c, enum zg_dir dir,
				   struct zg_rw *in);
/* dir ends. */
enum zg_reason zg_tls_session_end(const struct zg_tls_session *t, enum zg_dir dir);
/* Can the client be told by an alert in the clear? Nothing that it would have to read before was released in part. */
bool zg_tls_session_speaks(const struct zg_tls_session *t);

#endif
