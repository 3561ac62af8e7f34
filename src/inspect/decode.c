/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/decode.h"
#include "base/checksum.h"
#include "base/icmp.h"
#include "zonegate/limits.h"
#include "zonegate/rd.h"

#include <string.h>

#define IP4_HDR	  20
#define IP6_HDR	  40
#define TCP_HDR	  20
#define UDP_HDR	  8
#define ICMP_HDR  8

enum { OPT_END = 0, OPT_NOP, OPT_MSS, OPT_WSCALE, OPT_SACK_OK, OPT_SACK, OPT_TS = 8 };

static bool addr4_possible(const uint8_t *a)
{
	/* 0/8 "this network", 224/4 groups, 240/4 reserved with the broadcast. 127/8 is left to the kernel's own check
	 * on forwarding, so that captures of a loopback interface can be replayed. */
	return a[0] != 0 && a[0] < 224;
}

static bool addr6_possible(const uint8_t *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t none[16];

	/* groups; the unspecified address; IPv4-mapped ones, which never belong on a wire */
	return a[0] != 0xff && memcmp(a, none, sizeof none) != 0 && memcmp(a, mapped, sizeof mapped) != 0;
}

/* For the record of a refusal; they are read again where they count. */
static void ports_peek(struct zg_rd rd, struct zg_seg *seg)
{
	if (seg->protocol != ZG_TCP && seg->protocol != ZG_UDP)
		return;
	seg->sport = zg_rd_be16(&rd);
	seg->dport = zg_rd_be16(&rd);
}

static enum zg_reason decode_ip4(const struct zg_packet *packet, struct zg_seg *seg)
{
	struct zg_rd rd = zg_rd_init(packet->data, packet->len);
	const uint8_t *h = zg_rd_bytes(&rd, IP4_HDR);
	if (h == NULL)
		return ZG_R_PKT_LENGTH;
	struct zg_rd f = zg_rd_init(h, IP4_HDR);
	const uint8_t ihl = zg_rd_u8(&f) & 0x0f;
	zg_rd_skip(&f, 1);
	const uint16_t total = zg_rd_be16(&f);
	zg_rd_skip(&f, 2);
	const uint16_t frag = zg_rd_be16(&f);
	const uint8_t ttl = zg_rd_u8(&f), protocol = zg_rd_u8(&f);
	zg_rd_skip(&f, 2);
	seg->src.family = seg->dst.family = ZG_IPV4;
	zg_rd_copy(&f, seg->src.b, 4);
	zg_rd_copy(&f, seg->dst.b, 4);
	seg->protocol = protocol;
	if (ihl == IP4_HDR / 4 && (frag & 0x1fff) == 0)
		ports_peek(rd, seg);

	if (ihl < IP4_HDR / 4 || total != packet->len)
		return ZG_R_PKT_LENGTH;
	if (ihl > IP4_HDR / 4)
		return ZG_R_PKT_OPTIONS;
	if (zg_sum_fold(zg_sum(0, h, IP4_HDR)) != 0)
		return ZG_R_PKT_CHECKSUM;
	/* everything but "don't fragment": more fragments, an offset, the reserved bit */
	if ((frag & 0xbfff) != 0)
		return ZG_R_PKT_FRAGMENT;
	if (!addr4_possible(seg->src.b) || !addr4_possible(seg->dst.b))
		return ZG_R_PKT_ADDRESS;
	if (protocol != ZG_TCP && protocol != ZG_UDP && protocol != ZG_ICMP4)
		return ZG_R_PKT_PROTOCOL;
	if (ttl < ZG_TTL_MIN)
		return ZG_R_PKT_TTL;
	seg->tcp_off = IP4_HDR;
	return ZG_R_NONE;
}

static enum zg_reason next_header(uint8_t number)
{
	switch (number) {
	case ZG_TCP:
	case ZG_UDP:
	case ZG_ICMP6:
		return ZG_R_NONE;
	case 44: /* fragment */
		return ZG_R_PKT_FRAGMENT;
	case 0: /* hop-by-hop */
	case 43: /* routing */
	case 50: /* ESP */
	case 51: /* AH */
	case 60: /* destination options */
	case 135: /* mobility */
	case 139: /* HIP */
	case 140: /* shim6 */
	case 253: /* experiments */
	case 254:
		return ZG_R_PKT_EXTENSION;
	default:
		return ZG_R_PKT_PROTOCOL;
	}
}

static enum zg_reason decode_ip6(const struct zg_packet *packet, struct zg_seg *seg)
{
	struct zg_rd rd = zg_rd_init(packet->data, packet->len);
	zg_rd_skip(&rd, 4);
	const uint16_t payload = zg_rd_be16(&rd);
	const uint8_t next = zg_rd_u8(&rd), hops = zg_rd_u8(&rd);
	uint8_t src[16], dst[16];
	if (!zg_rd_copy(&rd, src, sizeof src) || !zg_rd_copy(&rd, dst, sizeof dst))
		return ZG_R_PKT_LENGTH;
	seg->src.family = seg->dst.family = ZG_IPV6;
	memcpy(seg->src.b, src, sizeof src);
	memcpy(seg->dst.b, dst, sizeof dst);

	seg->protocol = next;
	ports_peek(rd, seg);
	/* a jumbogram (RFC 2675) says 0 and does not pass here */
	if ((size_t)payload + IP6_HDR != packet->len)
		return ZG_R_PKT_LENGTH;
	if (!addr6_possible(src) || !addr6_possible(dst))
		return ZG_R_PKT_ADDRESS;
	enum zg_reason reason = next_header(next);
	if (reason != ZG_R_NONE)
		return reason;
	if (hops < ZG_TTL_MIN)
		return ZG_R_PKT_TTL;
	seg->tcp_off = IP6_HDR;
	return ZG_R_NONE;
}

static bool flags_allowed(uint8_t flags)
{
	switch (flags & (ZG_FIN | ZG_SYN | ZG_RST | ZG_PSH | ZG_ACK | ZG_URG)) {
	case ZG_SYN:
	case ZG_SYN | ZG_ACK:
	case ZG_ACK:
	case ZG_ACK | ZG_PSH:
	case ZG_ACK | ZG_FIN:
	case ZG_ACK | ZG_PSH | ZG_FIN:
		return true; /* with ECE and CWR, RFC 3168 6.1 */
	case ZG_RST:
	case ZG_RST | ZG_ACK:
		return (flags & (ZG_ECE | ZG_CWR)) == 0;
	default:
		return false;
	}
}

/* One option after its kind was read. */
static bool option(struct zg_rd *rd, uint8_t kind, bool syn, struct zg_tcp_options *opt)
{
	const uint8_t len = zg_rd_u8(rd);

	switch (kind) {
	case OPT_MSS:
		if (len != 4 || !syn || opt->mss_given)
			return false;
		opt->mss_given = true;
		opt->mss = zg_rd_be16(rd);
		return !rd->err && opt->mss != 0;
	case OPT_WSCALE:
		if (len != 3 || !syn || opt->wscale_given)
			return false;
		opt->wscale_given = true;
		opt->wscale = zg_rd_u8(rd);
		/* a receiver would take more as 14: two readings */
		return !rd->err && opt->wscale <= ZG_WSCALE_MAX;
	case OPT_SACK_OK:
		if (len != 2 || !syn || opt->sack_ok)
			return false;
		opt->sack_ok = true;
		return !rd->err;
	case OPT_SACK:
		if (len < 10 || (len - 2) % 8 != 0 || (len - 2) / 8 > ZG_SACKS_MAX || syn || opt->n_sacks > 0)
			return false;
		opt->n_sacks = (uint8_t)((len - 2) / 8);
		for (size_t i = 0; i < opt->n_sacks; i++) {
			opt->sacks[i].left = zg_rd_be32(rd);
			opt->sacks[i].right = zg_rd_be32(rd);
		}
		return !rd->err;
	case OPT_TS:
		if (len != 10 || opt->ts_given)
			return false;
		opt->ts_given = true;
		opt->ts_val = zg_rd_be32(rd);
		opt->ts_ecr = zg_rd_be32(rd);
		return !rd->err;
	default:
		return false;
	}
}

static bool options(struct zg_rd rd, bool syn, struct zg_tcp_options *opt)
{
	while (zg_rd_left(&rd) > 0) {
		const uint8_t kind = zg_rd_u8(&rd);
		if (kind == OPT_NOP)
			continue;
		if (kind != OPT_END) {
			if (!option(&rd, kind, syn, opt))
				return false;
			continue;
		}
		/* what follows the end is padding and says nothing (RFC 9293 3.2) */
		while (zg_rd_left(&rd) > 0)
			if (zg_rd_u8(&rd) != 0)
				return false;
	}
	return true;
}

/* Port 0 is nobody's (RFC 9293 3.10.1, RFC 768), and nobody speaks to himself across a boundary. */
static bool ports_possible(const struct zg_seg *seg)
{
	return seg->sport != 0 && seg->dport != 0 && (seg->sport != seg->dport || zg_addr_cmp(&seg->src, &seg->dst) != 0);
}

static enum zg_reason decode_tcp(const struct zg_packet *packet, struct zg_seg *seg)
{
	struct zg_rd rd = zg_rd_init(packet->data, packet->len);
	zg_rd_skip(&rd, seg->tcp_off);
	struct zg_rd h = zg_rd_sub(&rd, TCP_HDR);
	seg->sport = zg_rd_be16(&h);
	seg->dport = zg_rd_be16(&h);
	seg->seq = zg_rd_be32(&h);
	seg->ack = zg_rd_be32(&h);
	const uint8_t offset = zg_rd_u8(&h);
	seg->flags = zg_rd_u8(&h);
	seg->window = zg_rd_be16(&h);
	zg_rd_skip(&h, 2);
	const uint16_t urgent = zg_rd_be16(&h);
	const size_t hdr = (size_t)(offset >> 4) * 4;
	if (h.err || hdr < TCP_HDR || hdr - TCP_HDR > zg_rd_left(&rd))
		return ZG_R_PKT_LENGTH;
	if (!packet->checksum_unfilled && zg_checksum_tcp(packet->data, packet->len, seg->tcp_off) != 0)
		return ZG_R_PKT_CHECKSUM;
	if (!ports_possible(seg))
		return ZG_R_PKT_ADDRESS;
	if ((seg->flags & ZG_URG) || urgent != 0)
		return ZG_R_TCP_URGENT;
	/* an acknowledgement number that nobody reads is a place to hide something */
	if ((offset & 0x0f) != 0 || !flags_allowed(seg->flags) || ((seg->flags & (ZG_SYN | ZG_ACK)) == ZG_SYN && seg->ack != 0))
		return ZG_R_TCP_FLAGS;
	if (!options(zg_rd_sub(&rd, hdr - TCP_HDR), seg->flags & ZG_SYN, &seg->opt))
		return ZG_R_TCP_OPTION;
	seg->data_off = (uint16_t)(seg->tcp_off + hdr);
	seg->len = (uint32_t)zg_rd_left(&rd);
	if (seg->len > 0 && (seg->flags & ZG_SYN))
		return ZG_R_TCP_SYN_DATA;
	if (seg->len > 0 && (seg->flags & ZG_RST))
		return ZG_R_TCP_RST;
	return ZG_R_NONE;
}

static enum zg_reason decode_udp(const struct zg_packet *packet, struct zg_seg *seg)
{
	struct zg_rd rd = zg_rd_init(packet->data, packet->len);
	zg_rd_skip(&rd, seg->tcp_off);
	seg->sport = zg_rd_be16(&rd);
	seg->dport = zg_rd_be16(&rd);
	const uint16_t length = zg_rd_be16(&rd), sum = zg_rd_be16(&rd);
	/* bytes behind the datagram would belong to nobody, and pass unread */
	if (rd.err || length != UDP_HDR + zg_rd_left(&rd))
		return ZG_R_PKT_LENGTH;
	if (packet->merged)
		return ZG_R_UDP_MERGED;
	/* 0 = none, which IPv6 does not know (RFC 768; RFC 8200 8.1) */
	const bool none = sum == 0 && seg->src.family == ZG_IPV4;
	if (!packet->checksum_unfilled && !none &&
	    (sum == 0 || zg_checksum_transport(packet->data, packet->len, seg->tcp_off, ZG_UDP) != 0))
		return ZG_R_PKT_CHECKSUM;
	if (!ports_possible(seg))
		return ZG_R_PKT_ADDRESS;
	seg->data_off = (uint16_t)(seg->tcp_off + UDP_HDR);
	seg->len = (uint32_t)zg_rd_left(&rd);
	return ZG_R_NONE;
}

/* What every ICMP message has; the rest is for zg_decode_icmp(). */
static enum zg_reason decode_icmp(const struct zg_packet *packet, struct zg_seg *seg)
{
	struct zg_rd rd = zg_rd_init(packet->data, packet->len);
	zg_rd_skip(&rd, seg->tcp_off);
	const uint8_t *h = zg_rd_bytes(&rd, ICMP_HDR);
	if (h == NULL)
		return ZG_R_PKT_LENGTH;
	seg->dport = h[0];
	const uint16_t sum = seg->src.family == ZG_IPV4 ?
				     zg_sum_fold(zg_sum(0, h, ICMP_HDR + zg_rd_left(&rd))) :
				     zg_checksum_transport(packet->data, packet->len, seg->tcp_off, ZG_ICMP6);
	return packet->checksum_unfilled || sum == 0 ? ZG_R_NONE : ZG_R_PKT_CHECKSUM;
}

static enum zg_reason decode_transport(const struct zg_packet *packet, struct zg_seg *seg)
{
	switch (seg->protocol) {
	case ZG_TCP:
		return decode_tcp(packet, seg);
	case ZG_UDP:
		return decode_udp(packet, seg);
	default:
		return decode_icmp(packet, seg);
	}
}

enum zg_reason zg_decode(const struct zg_packet *packet, struct zg_seg *ret_seg)
{
	enum zg_reason reason;

	memset(ret_seg, 0, sizeof *ret_seg);
	if (packet->len == 0)
		return packet->wire_len > 0 ? ZG_R_PKT_TRUNCATED : ZG_R_PKT_LENGTH;
	if (packet->data[0] >> 4 == 4)
		reason = decode_ip4(packet, ret_seg);
	else if (packet->data[0] >> 4 == 6)
		reason = decode_ip6(packet, ret_seg);
	else
		reason = ZG_R_PKT_LENGTH;
	/* a packet cut short disagrees with its own lengths: name the cause */
	if (packet->wire_len > packet->len)
		return ZG_R_PKT_TRUNCATED;
	if (packet->wire_len < packet->len || packet->len > UINT16_MAX + (size_t)IP6_HDR)
		return ZG_R_PKT_LENGTH;
	return reason != ZG_R_NONE ? reason : decode_transport(packet, ret_seg);
}
