/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and ranges of both families; bytes in network order. */
#ifndef ZONEGATE_ADDR_H
#define ZONEGATE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/err.h"

#define ZG_ADDRSTR_MAX 64 /* bytes with NUL: "[v6]:port" and "v6/len" fit */

enum zg_family { ZG_IPV4 = 4, ZG_IPV6 = 6 };

struct zg_addr {
	uint8_t family; /* enum zg_family; 0 is "none" */
	uint8_t b[16];	/* IPv4 in the first four, rest zero */
};

/* A closed range of addresses of one family. A prefix is the range it spans. */
struct zg_range {
	struct zg_addr lo, hi;
};

struct zg_ports {
	uint16_t lo, hi; /* closed, host order */
};

struct zg_mac {
	uint8_t b[6];
};

static inline size_t zg_addr_len(uint8_t family)
{
	return family == ZG_IPV4 ? 4 : 16;
}

/* Both of one family: <0, 0, >0 as memcmp. Families order 4 before 6. */
int zg_addr_cmp(const struct zg_addr *a, const struct zg_addr *b);
bool zg_range_has(const struct zg_range *r, const struct zg_addr *a);
bool zg_range_overlap(const struct zg_range *a, const struct zg_range *b);
/* fe80::/10: means something on one link only. */
bool zg_addr_link_local(const struct zg_addr *a);
/* Successor / predecessor; false at the end of the space (ret_ untouched). */
bool zg_addr_next(const struct zg_addr *a, struct zg_addr *ret_next);
bool zg_addr_prev(const struct zg_addr *a, struct zg_addr *ret_prev);

/* "192.0.2.1" or "2001:db8::1"; no zone index, no port. ZG_EINVAL on anything else. */
enum zg_err zg_addr_parse(const char *s, struct zg_addr *ret_addr);
/* "192.0.2.0/24", "2001:db8::/32", a single address, or "a-b". Host bits set below the prefix
 * length are an error (ZG_EINVAL): usually a slip, and the two readings differ. */
enum zg_err zg_range_parse(const char *s, struct zg_range *ret_range);
/* "00:53:00:00:00:01"; a group address is ZG_EINVAL. */
enum zg_err zg_mac_parse(const char *s, struct zg_mac *ret_mac);

/* Text forms; RFC 5952 for IPv6; a range as a prefix where it is one, else "lo-hi". Return buf. */
const char *zg_addr_str(const struct zg_addr *a, char buf[static ZG_ADDRSTR_MAX]);
const char *zg_range_str(const struct zg_range *r, char buf[static 2 * ZG_ADDRSTR_MAX]);
const char *zg_mac_str(const struct zg_mac *m, char buf[static 18]);
/* "192.0.2.1:25" or "[2001:db8::1]:25". */
const char *zg_endpoint_str(const struct zg_addr *a, uint16_t port, char buf[static ZG_ADDRSTR_MAX]);
/* The inverse. */
enum zg_err zg_endpoint_parse(const char *s, struct zg_addr *ret_addr, uint16_t *ret_port);

#endif
