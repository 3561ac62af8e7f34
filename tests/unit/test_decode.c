/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/decode.h"

#include <stdlib.h>

#include "pkt.h"
#include "unit.h"
#include "zonegate/limits.h"

static uint8_t buf[PKT_MAX + 64];
static size_t len;

static enum zg_reason decode_as(size_t wire_len, bool unfilled, struct zg_seg *seg)
{
	/* an exact copy, so that a sanitizer sees a read behind the packet */
	uint8_t *exact = malloc(len ? len : 1);
	ck_assert_ptr_nonnull(exact);
	memcpy(exact, buf, len);
	const struct zg_packet packet = { .data = exact, .len = len, .wire_len = wire_len, .checksum_unfilled = unfilled };
	enum zg_reason reason = zg_decode(&packet, seg);
	free(exact);
	return reason;
}

static enum zg_reason decode(void)
{
	struct zg_seg seg;
	return decode_as(len, false, &seg);
}

static void plain(bool v6)
{
	const struct pkt p = { .v6 = v6, .flags = ZG_ACK | ZG_PSH, .seq = 7, .ack = 9, .data = "hello", .len = 5 };
	len = pkt_build(&p, buf);
}

START_TEST(reads_every_field)
{
	struct pkt p = { .v6 = _i, .flags = ZG_ACK | ZG_PSH | ZG_FIN, .seq = 0xfffffff0, .ack = 0x80000001, .window = 513,
			 .data = "abc", .len = 3 };
	struct zg_seg seg;

	pkt_opt_ts(&p, 11, 22);
	pkt_opt_sack(&p, 100, 200);
	len = pkt_build(&p, buf);
	ck_assert_int_eq(decode_as(len, false, &seg), ZG_R_NONE);
	ck_assert_uint_eq(seg.src.family, _i ? ZG_IPV6 : ZG_IPV4);
	ck_assert_uint_eq(seg.src.b[_i ? 15 : 3], 1);
	ck_assert_uint_eq(seg.dst.b[_i ? 15 : 3], 2);
	ck_assert_uint_eq(seg.sport, 40000);
	ck_assert_uint_eq(seg.dport, 25);
	ck_assert_uint_eq(seg.seq, 0xfffffff0);
	ck_assert_uint_eq(seg.ack, 0x80000001);
	ck_assert_uint_eq(seg.window, 513);
	ck_assert_uint_eq(seg.flags, ZG_ACK | ZG_PSH | ZG_FIN);
	ck_assert_uint_eq(seg.len, 3);
	ck_assert_int_eq(memcmp(buf + seg.data_off, "abc", 3), 0);
	ck_assert(seg.opt.ts_given && seg.opt.ts_val == 11 && seg.opt.ts_ecr == 22);
	ck_assert_uint_eq(seg.opt.n_sacks, 1);
	ck_assert_uint_eq(seg.opt.sacks[0].left, 100);
	ck_assert_uint_eq(seg.opt.sacks[0].right, 200);
}
END_TEST

/* Each row changes one octet of a good packet (offset from the IP or the TCP header), both checksums are right again. */
static const struct {
	const char *what;
	bool v6, tcp;
	unsigned at;
	uint8_t value;
	enum zg_reason reason;
} changes[] = {
	{ "version 5", false, false, 0, 0x55, ZG_R_PKT_LENGTH },
	{ "IHL 4", false, false, 0, 0x44, ZG_R_PKT_LENGTH },
	{ "IPv4 options", false, false, 0, 0x46, ZG_R_PKT_OPTIONS },
	{ "total length too small", false, false, 3, 44, ZG_R_PKT_LENGTH },
	{ "total length too large", false, false, 3, 46, ZG_R_PKT_LENGTH },
	{ "more fragments", false, false, 6, 0x20, ZG_R_PKT_FRAGMENT },
	{ "fragment offset", false, false, 7, 0x01, ZG_R_PKT_FRAGMENT },
	{ "reserved fragment bit", false, false, 6, 0x80, ZG_R_PKT_FRAGMENT },
	{ "TTL", false, false, 8, ZG_TTL_MIN - 1, ZG_R_PKT_TTL },
	{ "IGMP", false, false, 9, 2, ZG_R_PKT_PROTOCOL },
	{ "ICMPv6 over IPv4", false, false, 9, 58, ZG_R_PKT_PROTOCOL },
	{ "SCTP", false, false, 9, 132, ZG_R_PKT_PROTOCOL },
	{ "UDP-Lite", false, false, 9, 136, ZG_R_PKT_PROTOCOL },
	{ "source 0/8", false, false, 12, 0, ZG_R_PKT_ADDRESS },
	{ "source 224/4", false, false, 12, 224, ZG_R_PKT_ADDRESS },
	{ "destination 240/4", false, false, 16, 255, ZG_R_PKT_ADDRESS },
	{ "payload length too small", true, false, 5, 24, ZG_R_PKT_LENGTH },
	{ "payload length too large", true, false, 5, 26, ZG_R_PKT_LENGTH },
	{ "jumbogram", true, false, 5, 0, ZG_R_PKT_LENGTH },
	{ "hop-by-hop", true, false, 6, 0, ZG_R_PKT_EXTENSION },
	{ "routing", true, false, 6, 43, ZG_R_PKT_EXTENSION },
	{ "fragment header", true, false, 6, 44, ZG_R_PKT_FRAGMENT },
	{ "authentication", true, false, 6, 51, ZG_R_PKT_EXTENSION },
	{ "destination options", true, false, 6, 60, ZG_R_PKT_EXTENSION },
	{ "ICMP over IPv6", true, false, 6, 1, ZG_R_PKT_PROTOCOL },
	{ "UDP-Lite over IPv6", true, false, 6, 136, ZG_R_PKT_PROTOCOL },
	{ "no next header", true, false, 6, 59, ZG_R_PKT_PROTOCOL },
	{ "hop limit", true, false, 7, ZG_TTL_MIN - 1, ZG_R_PKT_TTL },
	{ "source group", true, false, 8, 0xff, ZG_R_PKT_ADDRESS },
	{ "destination group", true, false, 24, 0xff, ZG_R_PKT_ADDRESS },
	{ "data offset 4", false, true, 12, 0x40, ZG_R_PKT_LENGTH },
	{ "data offset behind the packet", false, true, 12, 0x70, ZG_R_PKT_LENGTH },
	{ "reserved bits", false, true, 12, 0x52, ZG_R_TCP_FLAGS },
	{ "AE, once NS", true, true, 12, 0x51, ZG_R_TCP_FLAGS },
	{ "no flag", false, true, 13, 0, ZG_R_TCP_FLAGS },
	{ "PSH alone", false, true, 13, ZG_PSH, ZG_R_TCP_FLAGS },
	{ "FIN without ACK", false, true, 13, ZG_FIN, ZG_R_TCP_FLAGS },
	{ "SYN and FIN", false, true, 13, ZG_SYN | ZG_FIN, ZG_R_TCP_FLAGS },
	{ "SYN and RST", false, true, 13, ZG_SYN | ZG_RST, ZG_R_TCP_FLAGS },
	{ "SYN, ACK and PSH", false, true, 13, ZG_SYN | ZG_ACK | ZG_PSH, ZG_R_TCP_FLAGS },
	{ "RST and FIN", false, true, 13, ZG_RST | ZG_FIN | ZG_ACK, ZG_R_TCP_FLAGS },
	{ "RST and PSH", false, true, 13, ZG_RST | ZG_ACK | ZG_PSH, ZG_R_TCP_FLAGS },
	{ "RST and ECE", false, true, 13, ZG_RST | ZG_ECE, ZG_R_TCP_FLAGS },
	{ "all flags but URG", false, true, 13, 0xdf, ZG_R_TCP_FLAGS },
	{ "URG", false, true, 13, ZG_ACK | ZG_URG, ZG_R_TCP_URGENT },
	{ "urgent pointer", false, true, 19, 1, ZG_R_TCP_URGENT },
	{ "SYN with data", false, true, 13, ZG_SYN | ZG_ACK, ZG_R_TCP_SYN_DATA },
	{ "SYN with data, IPv6", true, true, 13, ZG_SYN | ZG_ACK, ZG_R_TCP_SYN_DATA },
	{ "SYN with an acknowledgement number", false, true, 13, ZG_SYN, ZG_R_TCP_FLAGS },
	{ "RST with data", false, true, 13, ZG_RST, ZG_R_TCP_RST },
	{ "ECN: ECE and CWR", false, true, 13, ZG_ACK | ZG_ECE | ZG_CWR, ZG_R_NONE },
};

START_TEST(one_octet_changed)
{
	plain(changes[_i].v6);
	buf[changes[_i].at + (changes[_i].tcp ? pkt_tcp_off(buf) : 0)] = changes[_i].value;
	if (buf[0] >> 4 == 4 || buf[0] >> 4 == 6)
		pkt_checksums(buf, len);
	enum zg_reason reason = decode();
	ck_assert_msg(reason == changes[_i].reason, "%s: %s", changes[_i].what, zg_reason_name(reason));
}
END_TEST

/* Options on a segment with ACK (syn = false) or on a SYN. */
static const struct {
	const char *what;
	bool syn;
	uint8_t opt[40];
	size_t opt_len;
	enum zg_reason reason;
} option_rows[] = {
	{ "NOP", false, { 1, 1, 1, 1 }, 4, ZG_R_NONE },
	{ "end and zeros", false, { 0, 0, 0, 0 }, 4, ZG_R_NONE },
	{ "something after the end", false, { 0, 0, 1, 0 }, 4, ZG_R_TCP_OPTION },
	{ "length 0", false, { 8, 0, 0, 0 }, 4, ZG_R_TCP_OPTION },
	{ "length 1", false, { 8, 1, 0, 0 }, 4, ZG_R_TCP_OPTION },
	{ "kind without length", false, { 1, 1, 1, 8 }, 4, ZG_R_TCP_OPTION },
	{ "length behind the header", false, { 1, 1, 8, 10 }, 4, ZG_R_TCP_OPTION },
	{ "MSS", true, { 2, 4, 5, 180 }, 4, ZG_R_NONE },
	{ "MSS of 0", true, { 2, 4, 0, 0 }, 4, ZG_R_TCP_OPTION },
	{ "MSS twice", true, { 2, 4, 5, 180, 2, 4, 5, 180 }, 8, ZG_R_TCP_OPTION },
	{ "MSS of a wrong length", true, { 2, 3, 5, 1 }, 4, ZG_R_TCP_OPTION },
	{ "MSS without SYN", false, { 2, 4, 5, 180 }, 4, ZG_R_TCP_OPTION },
	{ "scale 14", true, { 3, 3, 14, 1 }, 4, ZG_R_NONE },
	{ "scale 15", true, { 3, 3, 15, 1 }, 4, ZG_R_TCP_OPTION },
	{ "scale without SYN", false, { 3, 3, 7, 1 }, 4, ZG_R_TCP_OPTION },
	{ "scale twice", true, { 3, 3, 7, 3, 3, 7, 1, 1 }, 8, ZG_R_TCP_OPTION },
	{ "SACK permitted", true, { 4, 2, 1, 1 }, 4, ZG_R_NONE },
	{ "SACK permitted twice", true, { 4, 2, 4, 2 }, 4, ZG_R_TCP_OPTION },
	{ "SACK permitted without SYN", false, { 4, 2, 1, 1 }, 4, ZG_R_TCP_OPTION },
	{ "SACK", false, { 5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1 }, 12, ZG_R_NONE },
	{ "SACK without a block", false, { 5, 2, 1, 1 }, 4, ZG_R_TCP_OPTION },
	{ "half a SACK block", false, { 5, 6, 0, 0, 0, 1, 1, 1 }, 8, ZG_R_TCP_OPTION },
	{ "SACK on a SYN", true, { 5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1 }, 12, ZG_R_TCP_OPTION },
	{ "SACK twice", false, { 5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2 }, 20, ZG_R_TCP_OPTION },
	{ "timestamps", false, { 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1 }, 12, ZG_R_NONE },
	{ "timestamps twice", false, { 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 }, 20, ZG_R_TCP_OPTION },
	{ "timestamps too short", false, { 8, 8, 0, 0, 0, 1, 0, 0 }, 8, ZG_R_TCP_OPTION },
	{ "MD5", false, { 19, 18, 0 }, 20, ZG_R_TCP_OPTION },
	{ "authentication", true, { 29, 4, 0, 0 }, 4, ZG_R_TCP_OPTION },
	{ "multipath", true, { 30, 4, 0, 0 }, 4, ZG_R_TCP_OPTION },
	{ "Fast Open", true, { 34, 2, 1, 1 }, 4, ZG_R_TCP_OPTION },
	{ "experiment", false, { 253, 4, 0, 0 }, 4, ZG_R_TCP_OPTION },
};

START_TEST(option_row)
{
	struct pkt p = { .flags = option_rows[_i].syn ? ZG_SYN : ZG_ACK, .ack = option_rows[_i].syn ? 0 : 5 };

	memcpy(p.opt, option_rows[_i].opt, option_rows[_i].opt_len);
	p.opt_len = option_rows[_i].opt_len;
	len = pkt_build(&p, buf);
	enum zg_reason reason = decode();
	ck_assert_msg(reason == option_rows[_i].reason, "%s: %s", option_rows[_i].what, zg_reason_name(reason));
}
END_TEST

START_TEST(every_flag_combination)
{
	static const uint8_t good[] = { ZG_SYN, ZG_SYN | ZG_ACK, ZG_ACK, ZG_ACK | ZG_PSH, ZG_ACK | ZG_FIN,
					ZG_ACK | ZG_PSH | ZG_FIN, ZG_RST, ZG_RST | ZG_ACK };
	for (unsigned flags = 0; flags < 0x40; flags++) {
		const struct pkt p = { .flags = (uint8_t)flags };
		bool allowed = false;
		for (size_t i = 0; i < sizeof good; i++)
			allowed |= good[i] == flags;
		len = pkt_build(&p, buf);
		ck_assert_msg((decode() == ZG_R_NONE) == allowed, "flags %02x", flags);
	}
}
END_TEST

START_TEST(checksums)
{
	struct zg_seg seg;

	plain(_i);
	buf[len - 1] ^= 1;
	ck_assert_int_eq(decode(), ZG_R_PKT_CHECKSUM);
	ck_assert_int_eq(decode_as(len, true, &seg), ZG_R_NONE);
	plain(false);
	buf[1] ^= 1; /* only the IP header's */
	ck_assert_int_eq(decode_as(len, true, &seg), ZG_R_PKT_CHECKSUM);
}
END_TEST

START_TEST(ends_and_addresses)
{
	struct pkt p = { .flags = ZG_ACK, .client_port = 25 };
	const size_t addr = _i ? 16 : 4;

	p.v6 = _i;
	len = pkt_build(&p, buf);
	ck_assert_int_eq(decode(), ZG_R_NONE);
	/* land: the same end on both sides */
	uint8_t *src = buf + (_i ? 8 : 12);
	memcpy(src, src + addr, addr);
	pkt_checksums(buf, len);
	ck_assert_int_eq(decode(), ZG_R_PKT_ADDRESS);
	plain(_i);
	memset(buf + pkt_tcp_off(buf), 0, 2);
	pkt_checksums(buf, len);
	ck_assert_int_eq(decode(), ZG_R_PKT_ADDRESS);
	plain(_i);
	memset(buf + pkt_tcp_off(buf) + 2, 0, 2);
	pkt_checksums(buf, len);
	ck_assert_int_eq(decode(), ZG_R_PKT_ADDRESS);
	plain(true);
	memset(buf + 8, 0, 16);
	pkt_checksums(buf, len);
	ck_assert_int_eq(decode(), ZG_R_PKT_ADDRESS);
	buf[18] = buf[19] = 0xff; /* ::ffff:0.0.0.0 */
	pkt_checksums(buf, len);
	ck_assert_int_eq(decode(), ZG_R_PKT_ADDRESS);
}
END_TEST

START_TEST(every_truncation)
{
	struct zg_seg seg;

	plain(_i);
	const size_t whole = len;
	for (len = 0; len < whole; len++) {
		ck_assert_int_eq(decode_as(whole, false, &seg), ZG_R_PKT_TRUNCATED);
		ck_assert_int_ne(decode_as(len, false, &seg), ZG_R_NONE);
	}
	ck_assert_int_eq(decode_as(whole - 1, false, &seg), ZG_R_PKT_LENGTH);
	/* the ends are known as soon as they can be read */
	plain(_i);
	len -= 5;
	ck_assert_int_eq(decode_as(whole, false, &seg), ZG_R_PKT_TRUNCATED);
	ck_assert_uint_eq(seg.sport, 40000);
}
END_TEST

START_TEST(largest_packet)
{
	static uint8_t data[65535];
	struct pkt p = { .v6 = _i, .flags = ZG_ACK, .data = data, .len = 65535 - (_i ? 20 : 40) };
	struct zg_seg seg;

	memset(data, 0xff, sizeof data);
	len = pkt_build(&p, buf);
	ck_assert_int_eq(decode_as(len, false, &seg), ZG_R_NONE);
	ck_assert_uint_eq(seg.len, p.len);
}
END_TEST

/* --- UDP --------------------------------------------------------------------------------------------- */

static void datagram(bool v6)
{
	const struct udp u = { .v6 = v6, .data = "hello", .len = 5 };
	len = udp_build(&u, buf);
}

START_TEST(reads_a_datagram)
{
	struct zg_seg seg;

	datagram(_i);
	ck_assert_int_eq(decode_as(len, false, &seg), ZG_R_NONE);
	ck_assert_uint_eq(seg.protocol, ZG_UDP);
	ck_assert_uint_eq(seg.sport, 40000);
	ck_assert_uint_eq(seg.dport, 53);
	ck_assert_uint_eq(seg.len, 5);
	ck_assert_int_eq(memcmp(buf + seg.data_off, "hello", 5), 0);
	const struct udp empty = { .v6 = _i };
	len = udp_build(&empty, buf);
	ck_assert_int_eq(decode_as(len, false, &seg), ZG_R_NONE);
	ck_assert_uint_eq(seg.len, 0);
}
END_TEST

/* The length has to be what IP carries, to the byte: what stands behind would pass unread. */
START_TEST(datagram_lengths)
{
	for (unsigned length = 0; length < 64; length++) {
		datagram(_i);
		pkt_be16(buf + pkt_tcp_off(buf) + 4, length);
		pkt_checksums(buf, len);
		ck_assert_int_eq(decode(), length == 13 ? ZG_R_NONE : ZG_R_PKT_LENGTH);
	}
	datagram(_i);
	pkt_be16(buf + pkt_tcp_off(buf) + 4, 0); /* a jumbogram's, RFC 2675 */
	pkt_checksums(buf, len);
	ck_assert_int_eq(decode(), ZG_R_PKT_LENGTH);
	for (size_t rest = 0; rest < 8; rest++) {
		len = pkt_ip(buf, _i, 17, rest, 1, 2) + rest;
		memset(buf + len - rest, 0, rest);
		if (!_i)
			pkt_be16(buf + 10, zg_sum_fold(zg_sum(0, buf, 20)));
		ck_assert_int_eq(decode(), ZG_R_PKT_LENGTH);
	}
}
END_TEST

START_TEST(datagram_checksums)
{
	struct zg_seg seg;

	datagram(_i);
	buf[len - 1] ^= 1;
	ck_assert_int_eq(decode(), ZG_R_PKT_CHECKSUM);
	ck_assert_int_eq(decode_as(len, true, &seg), ZG_R_NONE);
	/* none: permitted by RFC 768, refused by RFC 8200 8.1 */
	datagram(_i);
	pkt_be16(buf + pkt_tcp_off(buf) + 6, 0);
	ck_assert_int_eq(decode(), _i ? ZG_R_PKT_CHECKSUM : ZG_R_NONE);
}
END_TEST

START_TEST(datagram_ends)
{
	for (size_t at = 0; at <= 2; at += 2) {
		datagram(_i);
		pkt_be16(buf + pkt_tcp_off(buf) + at, 0);
		pkt_checksums(buf, len);
		ck_assert_int_eq(decode(), ZG_R_PKT_ADDRESS);
	}
	const size_t addr = _i ? 16 : 4;
	const struct udp land = { .v6 = _i, .client_port = 53 };
	len = udp_build(&land, buf);
	ck_assert_int_eq(decode(), ZG_R_NONE); /* as NTP */
	memcpy(buf + (_i ? 8 : 12), buf + (_i ? 8 : 12) + addr, addr);
	pkt_checksums(buf, len);
	ck_assert_int_eq(decode(), ZG_R_PKT_ADDRESS);
}
END_TEST

/* What the kernel would cut into several datagrams behind us is not what we read. */
START_TEST(merged_datagrams)
{
	struct zg_seg seg;

	datagram(_i);
	struct zg_packet packet = { .data = buf, .len = len, .wire_len = len, .merged = true };
	ck_assert_int_eq(zg_decode(&packet, &seg), ZG_R_UDP_MERGED);
	plain(_i); /* a stream has no such borders */
	packet.len = packet.wire_len = len;
	ck_assert_int_eq(zg_decode(&packet, &seg), ZG_R_NONE);
}
END_TEST

START_TEST(datagram_truncations)
{
	struct zg_seg seg;

	datagram(_i);
	const size_t whole = len;
	for (len = 0; len < whole; len++) {
		ck_assert_int_eq(decode_as(whole, false, &seg), ZG_R_PKT_TRUNCATED);
		ck_assert_int_ne(decode_as(len, false, &seg), ZG_R_NONE);
	}
}
END_TEST

/* --- ICMP ---------------------------------------------------------------------------------------------- */

static uint8_t quoted[PKT_MAX];

static void quote_tcp(bool v6)
{
	static const uint8_t data[1400];
	const struct pkt p = { .v6 = v6, .flags = ZG_ACK, .seq = 0x01020304, .data = data, .len = sizeof data };
	pkt_build(&p, quoted);
}

static void quote_udp(bool v6)
{
	static const uint8_t data[1400];
	const struct udp u = { .v6 = v6, .data = data, .len = sizeof data };
	udp_build(&u, quoted);
}

/* A good "too big" of 1300 about what is quoted. */
static struct icmp too_big(bool v6)
{
	return (struct icmp){ .v6 = v6, .type = v6 ? 2 : 3, .code = v6 ? 0 : 4, .rest = 1300, .quoted = quoted,
			      .quoted_len = v6 ? 48 : 28 };
}

static enum zg_reason decode_icmp(const struct icmp *i, struct zg_icmp *icmp)
{
	struct zg_seg seg;

	len = icmp_build(i, buf);
	ck_assert_int_eq(decode_as(len, false, &seg), ZG_R_NONE);
	uint8_t *exact = malloc(len);
	ck_assert_ptr_nonnull(exact);
	memcpy(exact, buf, len);
	enum zg_reason reason = zg_decode_icmp(exact, len, &seg, icmp);
	free(exact);
	return reason;
}

START_TEST(reads_an_icmp_error)
{
	struct zg_icmp icmp;
	struct icmp i = too_big(_i);

	quote_tcp(_i);
	ck_assert_int_eq(decode_icmp(&i, &icmp), ZG_R_NONE);
	ck_assert_uint_eq(icmp.mtu, 1300);
	ck_assert_uint_eq(icmp.seq, 0x01020304);
	ck_assert_uint_eq(icmp.quoted.client_port, 40000);
	ck_assert_uint_eq(icmp.quoted.server_port, 25);
	ck_assert_uint_eq(icmp.quoted.client.b[_i ? 15 : 3], 1);
	ck_assert_uint_eq(icmp.quoted.protocol, ZG_TCP);
	quote_udp(_i);
	ck_assert_int_eq(decode_icmp(&i, &icmp), ZG_R_NONE);
	ck_assert_uint_eq(icmp.quoted.protocol, ZG_UDP);
	ck_assert_uint_eq(icmp.quoted.server_port, 53);
	/* longer quotations say nothing more */
	i.quoted_len = 500;
	ck_assert_int_eq(decode_icmp(&i, &icmp), ZG_R_NONE);
}
END_TEST

START_TEST(icmp_types)
{
	static const uint8_t good[2][9][2] = {
		{ { 3, 0 }, { 3, 1 }, { 3, 2 }, { 3, 3 }, { 3, 4 }, { 3, 9 }, { 3, 10 }, { 3, 13 }, { 11, 0 } },
		{ { 1, 0 }, { 1, 1 }, { 1, 3 }, { 1, 4 }, { 2, 0 }, { 3, 0 }, { 3, 0 }, { 3, 0 }, { 3, 0 } },
	};
	struct zg_icmp icmp;
	struct icmp i = too_big(_i);

	quote_tcp(_i);
	for (unsigned type = 0; type < 256; type++) {
		for (unsigned code = 0; code < 256; code += code < 20 ? 1 : 59) {
			bool allowed = false;
			for (size_t k = 0; k < 9; k++)
				allowed |= good[_i][k][0] == type && good[_i][k][1] == code;
			i.type = (uint8_t)type;
			i.code = (uint8_t)code;
			ck_assert_msg(decode_icmp(&i, &icmp) == (allowed ? ZG_R_NONE : ZG_R_ICMP_TYPE), "%u/%u", type, code);
		}
	}
}
END_TEST

START_TEST(icmp_quotations)
{
	static const struct {
		bool v6;
		unsigned at;
		uint8_t value;
		enum zg_reason reason;
	} rows[] = {
		{ false, 0, 0x46, ZG_R_ICMP_QUOTE },  /* options */
		{ false, 0, 0x44, ZG_R_ICMP_QUOTE },
		{ false, 0, 0x65, ZG_R_ICMP_QUOTE },  /* another version */
		{ false, 2, 0, ZG_R_ICMP_MTU },	      /* total length below the MTU */
		{ false, 6, 0x20, ZG_R_ICMP_QUOTE },  /* fragments */
		{ false, 7, 0x01, ZG_R_ICMP_QUOTE },
		{ false, 9, 1, ZG_R_ICMP_QUOTE },     /* an error about an error (RFC 1122 3.2.2) */
		{ false, 9, 17, ZG_R_ICMP_QUOTE },    /* UDP of another length */
		{ false, 10, 0xee, ZG_R_NONE },	      /* checksum of the quoted header */
		{ false, 8, 1, ZG_R_NONE },	      /* TTL */
		{ false, 15, 7, ZG_R_ICMP_QUOTE },    /* was not sent by whom the error goes to */
		{ true, 0, 0x40, ZG_R_ICMP_QUOTE },
		{ true, 4, 0, ZG_R_ICMP_MTU },
		{ true, 6, 0, ZG_R_ICMP_QUOTE },      /* hop-by-hop */
		{ true, 6, 44, ZG_R_ICMP_QUOTE },
		{ true, 6, 58, ZG_R_ICMP_QUOTE },
		{ true, 23, 7, ZG_R_ICMP_QUOTE },
	};
	struct zg_icmp icmp;

	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct icmp i = too_big(rows[k].v6);
		quote_tcp(rows[k].v6);
		quoted[rows[k].at] = rows[k].value;
		enum zg_reason reason = decode_icmp(&i, &icmp);
		ck_assert_msg(reason == rows[k].reason, "row %zu: %s", k, zg_reason_name(reason));
	}
}
END_TEST

START_TEST(icmp_lengths)
{
	struct zg_icmp icmp;
	struct icmp i = too_big(_i);
	const size_t least = i.quoted_len;

	quote_tcp(_i);
	for (i.quoted_len = 0; i.quoted_len < least; i.quoted_len++)
		ck_assert_int_eq(decode_icmp(&i, &icmp), ZG_R_ICMP_QUOTE);
	quote_udp(_i);
	pkt_be16(quoted + (_i ? 44 : 24), 8 + 1399);
	i.quoted_len = least;
	ck_assert_int_eq(decode_icmp(&i, &icmp), ZG_R_ICMP_QUOTE);
	/* shorter than its own header */
	for (size_t rest = 0; rest < 8; rest++) {
		len = pkt_ip(buf, _i, _i ? 58 : 1, rest, 9, 1) + rest;
		memset(buf + len - rest, 0, rest);
		if (!_i)
			pkt_be16(buf + 10, zg_sum_fold(zg_sum(0, buf, 20)));
		ck_assert_int_eq(decode(), ZG_R_PKT_LENGTH);
	}
}
END_TEST

START_TEST(icmp_mtu)
{
	const uint32_t least = _i ? ZG_ICMP_MTU6_MIN : ZG_ICMP_MTU4_MIN, total = _i ? 1460 : 1440;
	const struct {
		uint32_t rest;
		enum zg_reason reason;
	} rows[] = {
		{ 0, ZG_R_ICMP_MTU }, { 68, ZG_R_ICMP_MTU }, { least - 1, ZG_R_ICMP_MTU }, { least, ZG_R_NONE },
		{ total - 1, ZG_R_NONE }, { total, ZG_R_ICMP_MTU }, { 65535, ZG_R_ICMP_MTU },
		/* the upper half is unused in one family and counts in the other */
		{ 0x10000 + 1300, _i ? ZG_R_ICMP_MTU : ZG_R_NONE },
	};
	struct zg_icmp icmp;

	quote_tcp(_i);
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct icmp i = too_big(_i);
		i.rest = rows[k].rest;
		ck_assert_int_eq(decode_icmp(&i, &icmp), rows[k].reason);
	}
	/* in another error the same bytes are nothing */
	struct icmp i = too_big(_i);
	i.type = _i ? 3 : 11;
	i.code = 0;
	ck_assert_int_eq(decode_icmp(&i, &icmp), ZG_R_NONE);
	ck_assert_uint_eq(icmp.mtu, 0);
}
END_TEST

START_TEST(icmp_checksum)
{
	struct icmp i = too_big(_i);

	quote_tcp(_i);
	len = icmp_build(&i, buf);
	buf[len - 1] ^= 1;
	ck_assert_int_eq(decode(), ZG_R_PKT_CHECKSUM);
}
END_TEST

START_TEST(sum_of_any_length)
{
	/* RFC 1071 3's example, and a plain loop as oracle */
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t bytes[67];

	ck_assert_uint_eq(zg_sum_fold(zg_sum(0, example, sizeof example)), (uint16_t)~0xddf2);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		uint64_t sum = 0;
		for (size_t i = 0; i < n; i++) {
			bytes[i] = (uint8_t)(i * 97 + n * 31);
			sum += i % 2 ? bytes[i] : (unsigned)bytes[i] << 8;
		}
		ck_assert_uint_eq(zg_sum_fold(zg_sum(0, bytes, n)), zg_sum_fold(sum));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decode");
	TCase *tc = tcase_create("packet");
	tcase_add_loop_test(tc, reads_every_field, 0, 2);
	tcase_add_loop_test(tc, one_octet_changed, 0, (int)(sizeof changes / sizeof *changes));
	tcase_add_loop_test(tc, option_row, 0, (int)(sizeof option_rows / sizeof *option_rows));
	tcase_add_test(tc, every_flag_combination);
	tcase_add_loop_test(tc, checksums, 0, 2);
	tcase_add_loop_test(tc, ends_and_addresses, 0, 2);
	tcase_add_loop_test(tc, every_truncation, 0, 2);
	tcase_add_loop_test(tc, largest_packet, 0, 2);
	tcase_add_test(tc, sum_of_any_length);
	tcase_add_loop_test(tc, reads_a_datagram, 0, 2);
	tcase_add_loop_test(tc, datagram_lengths, 0, 2);
	tcase_add_loop_test(tc, datagram_checksums, 0, 2);
	tcase_add_loop_test(tc, datagram_ends, 0, 2);
	tcase_add_loop_test(tc, merged_datagrams, 0, 2);
	tcase_add_loop_test(tc, datagram_truncations, 0, 2);
	tcase_add_loop_test(tc, reads_an_icmp_error, 0, 2);
	tcase_add_loop_test(tc, icmp_types, 0, 2);
	tcase_add_test(tc, icmp_quotations);
	tcase_add_loop_test(tc, icmp_lengths, 0, 2);
	tcase_add_loop_test(tc, icmp_mtu, 0, 2);
	tcase_add_loop_test(tc, icmp_checksum, 0, 2);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
