/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

int zg_addr_cmp(const struct zg_addr *a, const struct zg_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, zg_addr_len(a->family));
}

bool zg_range_has(const struct zg_range *r, const struct zg_addr *a)
{
	return a->family == r->lo.family && zg_addr_cmp(&r->lo, a) <= 0 && zg_addr_cmp(a, &r->hi) <= 0;
}

bool zg_range_overlap(const struct zg_range *a, const struct zg_range *b)
{
	return a->lo.family == b->lo.family && zg_addr_cmp(&a->lo, &b->hi) <= 0 && zg_addr_cmp(&b->lo, &a->hi) <= 0;
}

bool zg_addr_link_local(const struct zg_addr *a)
{
	return a->family == ZG_IPV6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool zg_addr_next(const struct zg_addr *a, struct zg_addr *ret_next)
{
	struct zg_addr next = *a;
	for (size_t i = zg_addr_len(a->family); i-- > 0;) {
		if (++next.b[i] != 0) {
			*ret_next = next;
			return true;
		}
	}
	return false;
}

bool zg_addr_prev(const struct zg_addr *a, struct zg_addr *ret_prev)
{
	struct zg_addr prev = *a;
	for (size_t i = zg_addr_len(a->family); i-- > 0;) {
		if (prev.b[i]-- != 0) {
			*ret_prev = prev;
			return true;
		}
	}
	return false;
}

/* inet_pton() takes dotted quads without leading zeros only, and no zone index: as strict as wanted. */
enum zg_err zg_addr_parse(const char *s, struct zg_addr *ret_addr)
{
	struct zg_addr addr = { 0 };
	if (inet_pton(AF_INET, s, addr.b) == 1)
		addr.family = ZG_IPV4;
	else if (inet_pton(AF_INET6, s, addr.b) == 1)
		addr.family = ZG_IPV6;
	else
		return ZG_EINVAL;
	*ret_addr = addr;
	return ZG_OK;
}

/* Decimal without sign, blank or leading zero, 0..max. */
static bool parse_decimal(const char *s, unsigned max, unsigned *ret_value)
{
	unsigned value = 0;
	if (*s == '\0' || (s[0] == '0' && s[1] != '\0'))
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		value = value * 10 + (unsigned)(*s - '0');
		if (value > max)
			return false;
	}
	*ret_value = value;
	return true;
}

/* First and last address of addr/len. */
static struct zg_range prefix_range(const struct zg_addr *addr, unsigned len)
{
	struct zg_range range = { *addr, *addr };
	for (unsigned bit = len; bit < 8 * zg_addr_len(addr->family); bit++) {
		uint8_t mask = (uint8_t)(0x80u >> (bit % 8));
		range.lo.b[bit / 8] &= (uint8_t)~mask;
		range.hi.b[bit / 8] |= mask;
	}
	return range;
}

static enum zg_err parse_prefix(const char *address, const char *length, struct zg_range *ret_range)
{
	struct zg_addr addr;
	unsigned len;
	if (zg_addr_parse(address, &addr) != ZG_OK ||
	    !parse_decimal(length, 8 * (unsigned)zg_addr_len(addr.family), &len))
		return ZG_EINVAL;
	struct zg_range range = prefix_range(&addr, len);
	if (zg_addr_cmp(&range.lo, &addr) != 0)
		return ZG_EINVAL; /* host bits */
	*ret_range = range;
	return ZG_OK;
}

enum zg_err zg_range_parse(const char *s, struct zg_range *ret_range)
{
	char buf[2 * ZG_ADDRSTR_MAX];
	if (strlen(s) >= sizeof buf)
		return ZG_EINVAL;
	memcpy(buf, s, strlen(s) + 1);

	char *cut = strpbrk(buf, "/-");
	struct zg_range range;
	if (cut == NULL) {
		if (zg_addr_parse(buf, &range.lo) != ZG_OK)
			return ZG_EINVAL;
		range.hi = range.lo;
	} else if (*cut == '/') {
		*cut = '\0';
		return parse_prefix(buf, cut + 1, ret_range);
	} else {
		*cut = '\0';
		if (zg_addr_parse(buf, &range.lo) != ZG_OK || zg_addr_parse(cut + 1, &range.hi) != ZG_OK ||
		    range.lo.family != range.hi.family || zg_addr_cmp(&range.lo, &range.hi) > 0)
			return ZG_EINVAL;
	}
	*ret_range = range;
	return ZG_OK;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum zg_err zg_mac_parse(const char *s, struct zg_mac *ret_mac)
{
	static const struct zg_mac zero;
	struct zg_mac mac;
	if (strlen(s) != 17)
		return ZG_EINVAL;
	for (size_t i = 0; i < 6; i++, s += 3) {
		int high = hex_digit(s[0]), low = hex_digit(s[1]);
		if (high < 0 || low < 0 || s[2] != (i < 5 ? ':' : '\0'))
			return ZG_EINVAL;
		mac.b[i] = (uint8_t)(high << 4 | low);
	}
	/* A group address names no station, nor does the zero address. */
	if ((mac.b[0] & 1) != 0 || memcmp(&mac, &zero, sizeof mac) == 0)
		return ZG_EINVAL;
	*ret_mac = mac;
	return ZG_OK;
}

const char *zg_addr_str(const struct zg_addr *a, char buf[static ZG_ADDRSTR_MAX])
{
	if ((a->family != ZG_IPV4 && a->family != ZG_IPV6) ||
	    inet_ntop(a->family == ZG_IPV4 ? AF_INET : AF_INET6, a->b, buf, ZG_ADDRSTR_MAX) == NULL)
		memcpy(buf, "none", sizeof "none");
	return buf;
}

/* Length of the prefix that the range spans, or -1. */
static int range_prefix(const struct zg_range *r)
{
	unsigned bits = 8 * (unsigned)zg_addr_len(r->lo.family), len = 0;
	while (len < bits && ((r->lo.b[len / 8] ^ r->hi.b[len / 8]) & (0x80u >> (len % 8))) == 0)
		len++;
	struct zg_range span = prefix_range(&r->lo, len);
	return zg_addr_cmp(&span.lo, &r->lo) == 0 && zg_addr_cmp(&span.hi, &r->hi) == 0 ? (int)len : -1;
}

const char *zg_range_str(const struct zg_range *r, char buf[static 2 * ZG_ADDRSTR_MAX])
{
	char lo[ZG_ADDRSTR_MAX], hi[ZG_ADDRSTR_MAX];
	zg_addr_str(&r->lo, lo);
	int len = range_prefix(r);
	if (len == 8 * (int)zg_addr_len(r->lo.family))
		snprintf(buf, 2 * ZG_ADDRSTR_MAX, "%s", lo);
	else if (len >= 0)
		snprintf(buf, 2 * ZG_ADDRSTR_MAX, "%s/%d", lo, len);
	else
		snprintf(buf, 2 * ZG_ADDRSTR_MAX, "%s-%s", lo, zg_addr_str(&r->hi, hi));
	return buf;
}

const char *zg_mac_str(const struct zg_mac *m, char buf[static 18])
{
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)m->b[0], (unsigned)m->b[1], (unsigned)m->b[2],
		 (unsigned)m->b[3], (unsigned)m->b[4], (unsigned)m->b[5]);
	return buf;
}

const char *zg_endpoint_str(const struct zg_addr *a, uint16_t port, char buf[static ZG_ADDRSTR_MAX])
{
	char addr[ZG_ADDRSTR_MAX];
	zg_addr_str(a, addr);
	/* 46 bytes of address and ":65535" with brackets always fit */
	snprintf(buf, ZG_ADDRSTR_MAX, a->family == ZG_IPV6 ? "[%.46s]:%u" : "%.46s:%u", addr, (unsigned)port);
	return buf;
}

enum zg_err zg_endpoint_parse(const char *s, struct zg_addr *ret_addr, uint16_t *ret_port)
{
	char buf[ZG_ADDRSTR_MAX];
	struct zg_addr addr;
	unsigned port;
	if (strlen(s) >= sizeof buf)
		return ZG_EINVAL;
	memcpy(buf, s, strlen(s) + 1);

	char *start = buf, *colon = strrchr(buf, ':');
	if (colon == NULL || !parse_decimal(colon + 1, 65535, &port))
		return ZG_EINVAL;
	*colon = '\0';
	bool brackets = buf[0] == '[';
	if (brackets) {
		if (colon[-1] != ']')
			return ZG_EINVAL;
		colon[-1] = '\0';
		start++;
	}
	if (zg_addr_parse(start, &addr) != ZG_OK || (addr.family == ZG_IPV6) != brackets)
		return ZG_EINVAL;
	*ret_addr = addr;
	*ret_port = (uint16_t)port;
	return ZG_OK;
}
