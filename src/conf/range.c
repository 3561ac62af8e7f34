/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address values of the configuration, and what is no place for a host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"

/* "10.10.0.5/24" -> "10.10.0.0/24"; false if that is not what is wrong with it. */
static bool without_host_bits(const char *text, char *buf, size_t size)
{
	char address[ZG_ADDRSTR_MAX];
	struct zg_addr addr;
	const char *slash = strchr(text, '/');
	char *end;
	if (slash == NULL || (size_t)(slash - text) >= sizeof address)
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (zg_addr_parse(address, &addr) != ZG_OK)
		return false;
	unsigned long len = strtoul(slash + 1, &end, 10), bits = 8 * zg_addr_len(addr.family);
	if (end == slash + 1 || *end != '\0' || len > bits)
		return false;
	for (unsigned long bit = len; bit < bits; bit++)
		addr.b[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
	snprintf(buf, size, "the network is \"%s/%lu\"", zg_addr_str(&addr, address), len);
	return true;
}

/* Labels of letters, digits, hyphens and underscores between dots, the last not of digits only (RFC 1123 2.1). */
static bool is_host_name(const char *text)
{
	const char *last = strrchr(text, '.');
	size_t len = strlen(text);
	if (last == NULL || last == text || last[1] == '\0' || strspn(last + 1, "0123456789") == strlen(last + 1))
		return false;
	return len < 254 && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == len;
}

static void bad_range(struct reader *r, const config_setting_t *value, const char *text)
{
	struct conf_at at = place_of(value)->value;
	char hint[128];
	if (without_host_bits(text, hint, sizeof hint))
		CONF_ERROR(r->diags, at, hint, "\"%s\" has bits set behind the prefix", text);
	else if (strcmp(text, "any") == 0 || strcmp(text, "*") == 0)
		CONF_ERROR(r->diags, at, "write \"0.0.0.0/0\" or \"::/0\"", "there is no word for all addresses");
	else if (is_host_name(text))
		CONF_ERROR(r->diags, at,
			   "write its addresses: with a name, whoever answers DNS would decide what passes",
			   "\"%s\" is a host name, not an address", text);
	else
		CONF_ERROR(r->diags, at,
			   "write \"192.0.2.1\", \"192.0.2.0/24\", \"192.0.2.1-192.0.2.9\", \"2001:db8::/64\"; no host "
			   "names",
			   "\"%s\" is not an address, a prefix or a range", text);
}

#define N_SPECIALS 10

/* A range that holds a whole special block ("0.0.0.0/0") is fine; one inside of it, or across its edge, is a slip. */
static const char *special(const struct zg_range *range)
{
	static const struct {
		const char *block, *what;
	} specials[N_SPECIALS] = {
		{ "0.0.0.0/8", "unspecified" },
		{ "127.0.0.0/8", "loopback" },
		{ "169.254.0.0/16", "link-local" },
		{ "224.0.0.0/4", "multicast" },
		{ "240.0.0.0/4", "reserved or broadcast" },
		{ "::", "unspecified" },
		{ "::1", "loopback" },
		{ "fe80::/10", "link-local" },
		{ "ff00::/8", "multicast" },
		{ "::ffff:0:0/96", "IPv4-mapped" },
	};
	static struct zg_range blocks[N_SPECIALS]; /* the same, read once: every address is compared with them */
	for (size_t i = 0; i < N_SPECIALS; i++) {
		struct zg_range *block = &blocks[i];
		if (block->lo.family == 0 && zg_range_parse(specials[i].block, block) != ZG_OK)
			continue;
		if (!zg_range_overlap(range, block))
			continue;
		if (zg_addr_cmp(&range->lo, &block->lo) <= 0 && zg_addr_cmp(&range->hi, &block->hi) >= 0 &&
		    (zg_addr_cmp(&range->lo, &block->lo) != 0 || zg_addr_cmp(&range->hi, &block->hi) != 0))
			continue;
		return specials[i].what;
	}
	return NULL;
}

bool take_range(struct reader *r, const config_setting_t *value, struct zg_range *ret_range)
{
	struct zg_range range;
	const char *text = text_of(r, value);
	if (text == NULL)
		return false;
	if (zg_range_parse(text, &range) != ZG_OK) {
		bad_range(r, value, text);
		return false;
	}
	const char *what = special(&range);
	if (what != NULL) {
		CONF_ERROR(r->diags, place_of(value)->value,
			   "name addresses that a host can have and a router forwards",
			   "\"%s\" holds %s addresses, which no router forwards", text, what);
		return false;
	}
	*ret_range = range;
	return true;
}

bool take_mac(struct reader *r, const config_setting_t *value, struct zg_mac *ret_mac)
{
	const char *text = text_of(r, value);
	if (text == NULL)
		return false;
	if (zg_mac_parse(text, ret_mac) == ZG_OK)
		return true;
	CONF_ERROR(r->diags, place_of(value)->value,
		   "write it as \"00:53:00:00:00:01\"; group addresses (an odd first byte) name no station",
		   "\"%s\" is not a station's MAC address", text);
	return false;
}
