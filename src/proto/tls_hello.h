/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ClientHello and ServerHello, octet by octet (RFC 8446 4.1, RFC 5246 7.4.1): every length has to end where the one around it
 * says, to the octet, so that nothing can be read in two ways. Of the client's offer as much is kept as the server's answer,
 * and a second ClientHello, are compared with.
 */
#ifndef ZONEGATE_PROTO_TLS_HELLO_H
#define ZONEGATE_PROTO_TLS_HELLO_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/tls_config.h"
#include "zonegate/limits.h"
#include "zonegate/reason.h"

#define ZG_TLS_SID_MAX	  32u
#define ZG_TLS_RANDOM_LEN 32u

/* What the client offered. */
struct zg_tls_offer {
	uint8_t versions; /* bit 1 << enum zg_tls_version */
	uint8_t early_data;
	uint8_t sid_len;
	uint8_t name_len; /* 0 = no server was named */
	uint16_t n_suites, n_extensions;
	uint32_t alpn;	/* bits of places in the configuration's list */
	uint8_t sid[ZG_TLS_SID_MAX];
	uint8_t name[ZG_TLS_NAME_MAX]; /* small letters */
	uint16_t suites[ZG_TLS_SUITES_MAX];
	uint16_t extensions[ZG_TLS_EXTENSIONS_MAX];
};

/* One hello being read. */
struct zg_tls_hello {
	uint8_t step;
	uint8_t server; /* a ServerHello */
	uint8_t again;	/* a second ClientHello, to be compared with the first */
	uint8_t octets; /* of a number that came so far */
	uint8_t versions; /* that an extension named: bit 1 << enum zg_tls_version */
	uint8_t versioned, named, last; /* these came: supported_versions, server_name, what has to be the last extension */
	uint8_t retry;	   /* a ServerHello that is a HelloRetryRequest */
	uint8_t other_sid; /* the server's session identifier is not the client's */
	uint8_t only12, only13; /* the server's answer has extensions that belong to this version only */
	uint8_t string_len;
	uint16_t count;	   /* suites so far */
	uint16_t extension, n_extensions;
	uint16_t suite;	   /* that the server chose */
	uint32_t number;
	uint32_t run;	   /* octets that are still to come in a field without form */
	uint32_t message, block, body, vector; /* octets left: of the message, its extensions, the extension, a list in it */
	uint32_t alpn;
	uint64_t met; /* bits of places in offer.extensions, and the highest */
	uint8_t string[ZG_STRING_MAX]; /* a name or an identifier */
};

_Static_assert(ZG_TLS_EXTENSIONS_MAX < 64, "bits of a word, and one more");

#define ZG_TLS_HELLO_MIN 38u /* octets: version, random, three lengths */

/* A hello of length octets begins, at least ZG_TLS_HELLO_MIN. */
void zg_tls_hello_begin(struct zg_tls_hello *h, bool server, bool again, uint32_t length);
/* The next octet. ZG_R_NONE, or what is wrong with it; after the last one (h->message == 0) the whole was judged. base: the
 * beginning of the configuration that c lies in. */
enum zg_reason zg_tls_hello_octet(struct zg_tls_hello *h, struct zg_tls_offer *offer, const void *base,
				  const struct zg_tls_config *c, uint8_t octet);

#endif
