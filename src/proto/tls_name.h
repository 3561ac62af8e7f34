/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of servers (RFC 6066 3) and of application protocols (RFC 7301), digests of certificates, and the lists of those that are
 * permitted. */
#ifndef ZONEGATE_PROTO_TLS_NAME_H
#define ZONEGATE_PROTO_TLS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/item.h"

/* For items: a name, or one behind "*."; made small. NULL, or what should be written. */
const char *zg_tls_check_name(char *text);
/* The same of an ALPN identifier. */
const char *zg_tls_check_alpn(char *text);

/* SHA-256 of a certificate, as OpenSSL writes it or without colons; made 64 small digits. */
const char *zg_tls_check_digest(char *text);

/* A name that DNS could have, in small letters: labels of letters, digits, hyphens and underscores, no last dot, no address. */
bool zg_tls_name_good(const uint8_t *name, size_t len);
/* Is it on the list? "*." stands for exactly one label (RFC 6125 6.4.3). */
bool zg_tls_name_listed(const void *config, const struct zg_item_list *list, const uint8_t *name, size_t len);
/* Is the digest, of n octets, on the list? */
bool zg_tls_digest_listed(const void *config, const struct zg_item_list *list, const uint8_t *digest, size_t n);
/* The place of an ALPN identifier in the list, from 0 on; -1 = it is not there. */
int zg_tls_alpn_place(const void *config, const struct zg_item_list *list, const uint8_t *id, size_t len);

static inline uint8_t zg_tls_small(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet | 0x20) : octet;
}

#endif
