/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate/gate.h"
#include "unit.h"
#include "zonegate/limits.h"
#include "zonegate/refusal.h"

#include <string.h>

/* RFC 1071, written anew: one's complement sum of 16-bit words with end-around carry at each step. */
static uint16_t ones_sum(uint16_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 2) {
		uint32_t next = (uint32_t)sum + (uint32_t)(p[i] << 8) + (i + 1 < len ? p[i + 1] : 0u);
		sum = (uint16_t)(next > 0xffff ? next - 0xffff : next);
	}
	return sum;
}

static struct zg_inject sample(uint8_t family, enum zg_inject_kind kind)
{
	struct zg_inject i;
	memset(&i, 0, sizeof i);
	i.kind = kind;
	i.tuple.client.family = i.tuple.server.family = family;
	memset(i.tuple.client.b, 0x11, zg_addr_len(family));
	memset(i.tuple.server.b, 0x22, zg_addr_len(family));
	i.tuple.client_port = 40000;
	i.tuple.server_port = 25;
	i.tuple.protocol = ZG_TCP;
	i.to_client = true;
	i.seq = 0x01020304;
	i.ack = 0xa0b0c0d0;
	i.has_ack = true;
	i.window = 501;
	i.timestamps = true;
	i.ts_val = 7;
	i.ts_ecr = 9;
	i.reason = ZG_R_SMTP_CONTENT_TYPE;
	i.refusal = ZG_REFUSAL_SMTP_554;
	return i;
}

static const uint8_t *tcp_of(const uint8_t *packet, uint8_t family)
{
	return packet + (family == ZG_IPV4 ? 20 : 40);
}

static void check_sums(const uint8_t *packet, size_t len, uint8_t family)
{
	const size_t ip = family == ZG_IPV4 ? 20 : 40, alen = zg_addr_len(family);
	const uint8_t pseudo[4] = { 0, 6, (uint8_t)((len - ip) >> 8), (uint8_t)(len - ip) };
	if (family == ZG_IPV4)
		ck_assert_uint_eq(ones_sum(0, packet, 20), 0xffff);
	uint16_t sum = ones_sum(0, packet + ip - 2 * alen, 2 * alen);
	sum = ones_sum(sum, pseudo, 4);
	ck_assert_uint_eq(ones_sum(sum, packet + ip, len - ip), 0xffff);
}

static const uint8_t families[] = { ZG_IPV4, ZG_IPV6 };

START_TEST(a_reset_is_bare)
{
	uint8_t p[ZG_INJECT_PACKET_MAX];
	struct zg_inject i = sample(families[_i], ZG_INJECT_RST);
	size_t len = zg_inject_build(&i, NULL, 0, p);
	const uint8_t *t = tcp_of(p, families[_i]);
	check_sums(p, len, families[_i]);
	ck_assert_uint_eq(len, (families[_i] == ZG_IPV4 ? 20u : 40u) + 20u);
	ck_assert_uint_eq(t[13], 0x14); /* RST ACK */
	ck_assert_uint_eq(t[0] << 8 | t[1], 25);
	ck_assert_uint_eq(t[2] << 8 | t[3], 40000);
	i.has_ack = false;
	i.to_client = false;
	zg_inject_build(&i, NULL, 0, p);
	ck_assert_uint_eq(t[13], 0x04);
	ck_assert_mem_eq(t + 8, "\0\0\0\0", 4);
	ck_assert_uint_eq(t[0] << 8 | t[1], 40000);
}
END_TEST

START_TEST(an_acknowledgement_carries_a_sack_block)
{
	uint8_t p[ZG_INJECT_PACKET_MAX];
	struct zg_inject i = sample(families[_i], ZG_INJECT_ACK);
	i.sack = true;
	i.sack_left = 0x11223344;
	i.sack_right = 0x55667788;
	size_t len = zg_inject_build(&i, NULL, 0, p);
	const uint8_t *t = tcp_of(p, families[_i]);
	check_sums(p, len, families[_i]);
	ck_assert_uint_eq(t[12] >> 4, 11); /* 20 and twice 12 octets */
	ck_assert_uint_eq(t[13], 0x10);
	ck_assert_mem_eq(t + 32, "\x01\x01\x05\x0a\x11\x22\x33\x44\x55\x66\x77\x88", 12);
	i.timestamps = false;
	zg_inject_build(&i, NULL, 0, p);
	ck_assert_uint_eq(t[12] >> 4, 8);
	ck_assert_mem_eq(t + 20, "\x01\x01\x05\x0a", 4);
}
END_TEST

START_TEST(what_went_out_before_goes_out_again)
{
	static const size_t lens[] = { 1, 2, 3, ZG_INJECT_AGAIN_MAX };
	uint8_t p[ZG_INJECT_PACKET_MAX], bytes[ZG_INJECT_AGAIN_MAX];
	struct zg_inject i = sample(families[_i], ZG_INJECT_AGAIN);

	for (size_t k = 0; k < sizeof bytes; k++)
		bytes[k] = (uint8_t)k;
	for (size_t k = 0; k < sizeof lens / sizeof *lens; k++) {
		const size_t len = zg_inject_build(&i, bytes, lens[k], p);
		const uint8_t *t = tcp_of(p, families[_i]);
		check_sums(p, len, families[_i]);
		ck_assert_uint_eq(t[13], 0x10); /* ACK: nothing but bytes that have their place */
		ck_assert_uint_eq(t[12] >> 4, 8);
		ck_assert_uint_eq((size_t)(p + len - t), 32 + lens[k]);
		ck_assert_mem_eq(t + 32, bytes, lens[k]);
	}
}
END_TEST

START_TEST(a_refusal_carries_text_timestamps_and_fin)
{
	uint8_t p[ZG_INJECT_PACKET_MAX];
	char text[ZG_REFUSAL_MAX];
	struct zg_inject i = sample(families[_i], ZG_INJECT_REFUSAL);
	size_t len = zg_inject_build(&i, NULL, 0, p), n = zg_refusal_text(i.refusal, i.reason, text);
	const uint8_t *t = tcp_of(p, families[_i]);
	check_sums(p, len, families[_i]);
	ck_assert_uint_eq(t[13], 0x19); /* FIN PSH ACK */
	ck_assert_uint_eq(t[12] >> 4, 8);
	ck_assert_mem_eq(t + 4, "\x01\x02\x03\x04\xa0\xb0\xc0\xd0", 8);
	ck_assert_mem_eq(t + 22, "\x08\x0a\0\0\0\x07\0\0\0\x09", 10);
	ck_assert_uint_eq(len, (size_t)(t - p) + 32 + n);
	ck_assert_mem_eq(t + 32, text, n);
	ck_assert_mem_eq(text, "554 5.7.1 ", 10);
}
END_TEST

/* Every reason's text fits the reply line and is printable ASCII. */
START_TEST(every_reason_makes_a_legal_reply)
{
	for (int r = 1; r < ZG_REASON_COUNT; r++) {
		char text[ZG_REFUSAL_MAX];
		size_t n = zg_refusal_text(ZG_REFUSAL_SMTP_554, (enum zg_reason)r, text);
		ck_assert_uint_lt(n, ZG_REFUSAL_MAX);
		ck_assert_mem_eq(text + n - 2, "\r\n", 2);
		for (size_t k = 0; k < n - 2; k++)
			ck_assert(text[k] >= 0x20 && text[k] < 0x7f);
	}
}
END_TEST

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* --- ICMP ------------------------------------------------------------------------------------------------ */

static struct zg_inject sample_icmp(uint8_t family, uint8_t protocol)
{
	struct zg_inject i = sample(family, ZG_INJECT_ICMP);
	i.tuple.protocol = protocol;
	i.icmp_type = family == ZG_IPV4 ? 3 : 2;
	i.icmp_code = family == ZG_IPV4 ? 4 : 0;
	i.mtu = 1400;
	return i;
}

static const uint8_t protocols[] = { ZG_TCP, ZG_UDP };

/* Every byte of it is known: nothing of the error that was told before is in it. */
START_TEST(an_icmp_error_is_made_of_its_fields)
{
	const uint8_t family = families[_i / 4], protocol = protocols[_i / 2 % 2];
	const bool v4 = family == ZG_IPV4, to_client = _i % 2;
	const size_t ip = v4 ? 20 : 40, alen = zg_addr_len(family), total = 1401;
	uint8_t p[ZG_INJECT_PACKET_MAX], quoted[48] = { 0 };
	struct zg_inject i = sample_icmp(family, protocol);
	i.to_client = to_client;
	const size_t len = zg_inject_build(&i, NULL, 0, p);

	ck_assert_uint_eq(len, ip + 8 + ip + 8);
	const struct zg_addr *to = to_client ? &i.tuple.client : &i.tuple.server, *from = to_client ? &i.tuple.server : &i.tuple.client;
	ck_assert_mem_eq(p + ip - 2 * alen, from->b, alen);
	ck_assert_mem_eq(p + ip - alen, to->b, alen);
	ck_assert_uint_eq(v4 ? p[9] : p[6], v4 ? 1 : 58);
	ck_assert_uint_eq(v4 ? be16(p + 2) : be16(p + 4) + 40, len);
	/* sums, RFC 792 and RFC 4443 2.3 */
	if (v4)
		ck_assert_uint_eq(ones_sum(0, p, 20), 0xffff);
	const uint8_t pseudo[4] = { 0, 58, 0, (uint8_t)(len - ip) };
	uint16_t sum = v4 ? 0 : ones_sum(ones_sum(0, p + 8, 32), pseudo, 4);
	ck_assert_uint_eq(ones_sum(sum, p + ip, len - ip), 0xffff);
	const uint8_t *icmp = p + ip, *q = icmp + 8;
	ck_assert_uint_eq(icmp[0], i.icmp_type);
	ck_assert_uint_eq(icmp[1], i.icmp_code);
	ck_assert_mem_eq(icmp + 4, "\0\0\x05\x78", 4);
	/* the quotation: from the receiver, just too long for the MTU */
	if (v4) {
		ck_assert_uint_eq(ones_sum(0, q, 20), 0xffff);
		memcpy(quoted, (const uint8_t[]){ 0x45, 0, total >> 8, total & 0xff, 0, 0, 0x40, 0, 64, protocol, q[10], q[11] }, 12);
	} else {
		memcpy(quoted, (const uint8_t[]){ 0x60, 0, 0, 0, (total - 40) >> 8, (total - 40) & 0xff, protocol, 64 }, 8);
	}
	memcpy(quoted + ip - 2 * alen, to->b, alen);
	memcpy(quoted + ip - alen, from->b, alen);
	uint8_t *t = quoted + ip;
	memcpy(t, to_client ? "\x9c\x40\0\x19" : "\0\x19\x9c\x40", 4);
	if (protocol == ZG_TCP)
		memcpy(t + 4, "\1\2\3\4", 4);
	else
		memcpy(t + 4, (const uint8_t[]){ (uint8_t)((total - ip) >> 8), (uint8_t)(total - ip), 0, 0 }, 4);
	ck_assert_mem_eq(q, quoted, ip + 8);
}
END_TEST

START_TEST(an_icmp_error_without_mtu)
{
	uint8_t p[ZG_INJECT_PACKET_MAX];
	for (size_t k = 0; k < 2; k++) {
		struct zg_inject i = sample_icmp(ZG_IPV4, protocols[k]);
		i.icmp_code = 1;
		i.mtu = 0;
		ck_assert_uint_eq(zg_inject_build(&i, NULL, 0, p), 56);
		ck_assert_mem_eq(p + 24, "\0\0\0\0", 4);
		ck_assert_uint_eq(be16(p + 30), k == 0 ? 40 : 28);
		/* the longest there can be */
		i.icmp_code = 4;
		i.mtu = ZG_ICMP_MTU_MAX;
		zg_inject_build(&i, NULL, 0, p);
		ck_assert_uint_eq(be16(p + 30), 65535);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("inject");
	TCase *t = tcase_create("inject");
	tcase_add_loop_test(t, a_reset_is_bare, 0, 2);
	tcase_add_loop_test(t, an_acknowledgement_carries_a_sack_block, 0, 2);
	tcase_add_loop_test(t, what_went_out_before_goes_out_again, 0, 2);
	tcase_add_loop_test(t, a_refusal_carries_text_timestamps_and_fin, 0, 2);
	tcase_add_test(t, every_reason_makes_a_legal_reply);
	tcase_add_loop_test(t, an_icmp_error_is_made_of_its_fields, 0, 8);
	tcase_add_test(t, an_icmp_error_without_mtu);
	suite_add_tcase(s, t);
	return unit_main(s);
}
