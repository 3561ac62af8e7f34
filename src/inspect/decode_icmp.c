/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors: RFC 792, RFC 1191 4, RFC 4443 3. What is not read here reaches nobody: the message itself never passes. */
#include "base/icmp.h"
#include "inspect/decode.h"
#include "zonegate/rd.h"

#define IP4_HDR	    20u
#define IP6_HDR	    40u
#define QUOTED_LEAST 8u /* bytes of the quoted transport header: RFC 792, and all that is needed */

/* The quoted IPv4 header. Its checksum is not looked at: a router has changed the TTL, and may quote from before or after. Returns
 * the packet's total length, 0 = not what may be quoted. */
static uint32_t quoted_ip4(struct zg_rd *rd, struct zg_tuple *t)
{
	const bool plain = zg_rd_u8(rd) == 0x45;
	zg_rd_skip(rd, 1);
	const uint16_t total = zg_rd_be16(rd);
	zg_rd_skip(rd, 2);
	const bool fragment = (zg_rd_be16(rd) & 0x3fff) != 0;
	zg_rd_skip(rd, 1);
	t->protocol = zg_rd_u8(rd);
	zg_rd_skip(rd, 2);
	t->client.family = t->server.family = ZG_IPV4;
	zg_rd_copy(rd, t->client.b, 4);
	zg_rd_copy(rd, t->server.b, 4);
	return !rd->err && plain && !fragment && total >= IP4_HDR + QUOTED_LEAST ? total : 0;
}

static uint32_t quoted_ip6(struct zg_rd *rd, struct zg_tuple *t)
{
	const bool plain = zg_rd_u8(rd) >> 4 == 6;
	zg_rd_skip(rd, 3);
	const uint16_t payload = zg_rd_be16(rd);
	t->protocol = zg_rd_u8(rd);
	zg_rd_skip(rd, 1);
	t->client.family = t->server.family = ZG_IPV6;
	zg_rd_copy(rd, t->client.b, 16);
	zg_rd_copy(rd, t->server.b, 16);
	return !rd->err && plain && payload >= QUOTED_LEAST ? payload + IP6_HDR : 0;
}

/* The first 8 bytes of the quoted transport header. */
static bool quoted_transport(struct zg_rd *rd, uint32_t ip_payload, struct zg_icmp *icmp)
{
	icmp->quoted.client_port = zg_rd_be16(rd);
	icmp->quoted.server_port = zg_rd_be16(rd);
	const uint32_t next = zg_rd_be32(rd);
	if (rd->err)
		return false;
	if (icmp->quoted.protocol == ZG_TCP) {
		icmp->seq = next;
		return true;
	}
	return icmp->quoted.protocol == ZG_UDP && next >> 16 == ip_payload;
}

enum zg_reason zg_decode_icmp(const uint8_t *data, size_t len, const struct zg_seg *seg, struct zg_icmp *ret_icmp)
{
	const bool v4 = seg->src.family == ZG_IPV4;
	struct zg_rd rd = zg_rd_init(data, len);
	struct zg_icmp icmp = { 0 };

	zg_rd_skip(&rd, seg->tcp_off);
	icmp.type = zg_rd_u8(&rd);
	icmp.code = zg_rd_u8(&rd);
	zg_rd_skip(&rd, 2);
	const uint32_t rest = zg_rd_be32(&rd); /* RFC 1191: the MTU in its lower half, RFC 4443: in all of it */
	if (rd.err || !zg_icmp_allowed(seg->src.family, icmp.type, icmp.code))
		return ZG_R_ICMP_TYPE;
	const uint32_t total = v4 ? quoted_ip4(&rd, &icmp.quoted) : quoted_ip6(&rd, &icmp.quoted);
	if (total == 0 || !quoted_transport(&rd, total - (v4 ? IP4_HDR : IP6_HDR), &icmp) ||
	    zg_addr_cmp(&icmp.quoted.client, &seg->dst) != 0)
		return ZG_R_ICMP_QUOTE;
	if (zg_icmp_too_big(seg->src.family, icmp.type, icmp.code)) {
		icmp.mtu = v4 ? rest & 0xffff : rest;
		if (!zg_icmp_mtu_possible(seg->src.family, icmp.mtu) || icmp.mtu >= total)
			return ZG_R_ICMP_MTU;
	}
	*ret_icmp = icmp;
	return ZG_R_NONE;
}
