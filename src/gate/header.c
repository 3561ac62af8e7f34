/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header of a replaced packet, at fixed places: RFC 791 3.1, RFC 8200 3, RFC 9293 3.1, RFC 768. */
#include "gate/gate.h"
#include "zonegate/rd.h"

#include <netinet/in.h>

#define TCP_HEADER 20u /* bytes, without options */
#define UDP_HEADER 8u

static bool ip4(struct zg_rd *rd, size_t len, struct zg_tuple *t)
{
	t->client.family = t->server.family = ZG_IPV4;
	const bool plain = zg_rd_u8(rd) == 0x45; /* five words: no options */
	zg_rd_skip(rd, 1);
	const bool whole = zg_rd_be16(rd) == len;
	zg_rd_skip(rd, 2);
	const bool fragment = (zg_rd_be16(rd) & 0x3fff) != 0;
	zg_rd_skip(rd, 1);
	t->protocol = zg_rd_u8(rd);
	zg_rd_skip(rd, 2);
	zg_rd_copy(rd, t->client.b, 4);
	zg_rd_copy(rd, t->server.b, 4);
	return plain && whole && !fragment;
}

static bool ip6(struct zg_rd *rd, size_t len, struct zg_tuple *t)
{
	t->client.family = t->server.family = ZG_IPV6;
	zg_rd_skip(rd, 4);
	const bool whole = zg_rd_be16(rd) + 40u == len;
	t->protocol = zg_rd_u8(rd);
	zg_rd_skip(rd, 1);
	zg_rd_copy(rd, t->client.b, 16);
	zg_rd_copy(rd, t->server.b, 16);
	return whole;
}

/* From the ports on. */
static bool transport(struct zg_rd *rd, struct zg_tuple *t)
{
	const size_t left = zg_rd_left(rd);

	t->client_port = zg_rd_be16(rd);
	t->server_port = zg_rd_be16(rd);
	if (t->protocol == IPPROTO_TCP)
		return left >= TCP_HEADER;
	return t->protocol == IPPROTO_UDP && left >= UDP_HEADER && zg_rd_be16(rd) == left;
}

bool zg_gate_header(const uint8_t *packet, size_t len, struct zg_tuple *ret_tuple)
{
	struct zg_rd rd = zg_rd_init(packet, len);
	struct zg_tuple t = { 0 };
	const unsigned version = len > 0 ? packet[0] >> 4 : 0;

	if (!(version == 4 ? ip4(&rd, len, &t) : version == 6 && ip6(&rd, len, &t)) || !transport(&rd, &t) || rd.err)
		return false;
	*ret_tuple = t;
	return true;
}
