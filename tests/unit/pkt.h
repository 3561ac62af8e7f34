/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds TCP, UDP and ICMP packets of both families, right unless told otherwise. */
#ifndef ZONEGATE_TEST_PKT_H
#define ZONEGATE_TEST_PKT_H

#include <stdbool.h>
#include <string.h>

#include "base/checksum.h"
#include "inspect/decode.h"

#define PKT_MAX (65535 + 40)

struct pkt {
	bool v6, from_server;
	uint8_t client_host; /* last byte of the client's address; 0 = 1 */
	uint16_t client_port, server_port; /* 0 = 40000 and 25 */
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t window; /* 0 = 65535, unless window_zero */
	bool window_zero;
	const void *data;
	size_t len;
	uint8_t opt[40]; /* as on the wire, padded to 4 by pkt_build with NOP */
	size_t opt_len;
};

static inline void pkt_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void pkt_be32(uint8_t *p, uint32_t v)
{
	pkt_be16(p, v >> 16);
	pkt_be16(p + 2, v & 0xffff);
}

static inline void pkt_opt(struct pkt *p, uint8_t kind, uint8_t len, const void *value)
{
	p->opt[p->opt_len++] = kind;
	p->opt[p->opt_len++] = len;
	if (value != NULL)
		memcpy(p->opt + p->opt_len, value, (size_t)len - 2);
	p->opt_len += (size_t)len - 2;
}

static inline void pkt_opt_mss(struct pkt *p, uint16_t mss)
{
	uint8_t v[2];
	pkt_be16(v, mss);
	pkt_opt(p, 2, 4, v);
}

static inline void pkt_opt_wscale(struct pkt *p, uint8_t scale)
{
	pkt_opt(p, 3, 3, &scale);
}

static inline void pkt_opt_sack_ok(struct pkt *p)
{
	pkt_opt(p, 4, 2, NULL);
}

static inline void pkt_opt_sack(struct pkt *p, uint32_t left, uint32_t right)
{
	uint8_t v[8];
	pkt_be32(v, left);
	pkt_be32(v + 4, right);
	pkt_opt(p, 5, 10, v);
}

static inline void pkt_opt_ts(struct pkt *p, uint32_t val, uint32_t ecr)
{
	uint8_t v[8];
	pkt_be32(v, val);
	pkt_be32(v + 4, ecr);
	pkt_opt(p, 8, 10, v);
}

static inline size_t pkt_tcp_off(const uint8_t *buf)
{
	return buf[0] >> 4 == 4 ? 20 : 40;
}

/* The transport checksum; field: offset in the transport header. */
static inline void pkt_transport_sum(uint8_t *buf, size_t len, uint8_t protocol, size_t field)
{
	const size_t off = pkt_tcp_off(buf);
	pkt_be16(buf + off + field, 0);
	const uint16_t sum = protocol == 1 ? zg_sum_fold(zg_sum(0, buf + off, len - off)) :
					     zg_checksum_transport(buf, len, off, protocol);
	pkt_be16(buf + off + field, protocol == 17 && sum == 0 ? 0xffff : sum);
}

/* Fills in both checksums; for packets that a test has changed. */
static inline void pkt_checksums(uint8_t *buf, size_t len)
{
	const size_t off = pkt_tcp_off(buf);
	const uint8_t protocol = off == 20 ? buf[9] : buf[6];
	if (off == 20) {
		pkt_be16(buf + 10, 0);
		pkt_be16(buf + 10, zg_sum_fold(zg_sum(0, buf, 20)));
	}
	if (protocol == 17)
		pkt_transport_sum(buf, len, 17, 6);
	else if (protocol == 1 || protocol == 58)
		pkt_transport_sum(buf, len, protocol, 2);
	else
		pkt_transport_sum(buf, len, 6, 16);
}

/* The IP header for len bytes behind it, between hosts 1 (client) and 2; its checksum is still to be filled. Returns its own
 * length. */
static inline size_t pkt_ip(uint8_t *buf, bool v6, uint8_t protocol, size_t len, uint8_t from, uint8_t to)
{
	static const uint8_t net6[4] = { 0x20, 0x01, 0x0d, 0xb8 }, net4[3] = { 192, 0, 2 };

	memset(buf, 0, v6 ? 40 : 20);
	if (v6) {
		buf[0] = 0x60;
		pkt_be16(buf + 4, (unsigned)len);
		buf[6] = protocol;
		buf[7] = 64;
		memcpy(buf + 8, net6, 4);
		memcpy(buf + 24, net6, 4);
		buf[23] = from;
		buf[39] = to;
		return 40;
	}
	buf[0] = 0x45;
	pkt_be16(buf + 2, (unsigned)(len + 20));
	buf[6] = 0x40;
	buf[8] = 64;
	buf[9] = protocol;
	memcpy(buf + 12, net4, 3);
	memcpy(buf + 16, net4, 3);
	buf[15] = from;
	buf[19] = to;
	return 20;
}

/* Client 192.0.2.1 or 2001:db8::1, server ...2. Returns the length. */
static inline size_t pkt_build(const struct pkt *p, uint8_t buf[static PKT_MAX])
{
	const size_t opt_len = (p->opt_len + 3) & ~(size_t)3, off = p->v6 ? 40 : 20;
	const size_t tcp_len = 20 + opt_len + p->len, len = off + tcp_len;
	const uint16_t cport = p->client_port ? p->client_port : 40000, sport = p->server_port ? p->server_port : 25;

	const uint8_t host = p->client_host ? p->client_host : 1;

	pkt_ip(buf, p->v6, 6, tcp_len, p->from_server ? 2 : host, p->from_server ? host : 2);
	uint8_t *t = buf + off;
	pkt_be16(t, p->from_server ? sport : cport);
	pkt_be16(t + 2, p->from_server ? cport : sport);
	pkt_be32(t + 4, p->seq);
	pkt_be32(t + 8, p->ack);
	memset(t + 12, 0, 8);
	t[12] = (uint8_t)((20 + opt_len) / 4 << 4);
	t[13] = p->flags;
	pkt_be16(t + 14, p->window_zero ? 0 : p->window ? p->window : 65535);
	memset(t + 20, 1, opt_len);
	memcpy(t + 20, p->opt, p->opt_len);
	if (p->len > 0)
		memcpy(t + 20 + opt_len, p->data, p->len);
	pkt_checksums(buf, len);
	return len;
}

struct udp {
	bool v6, from_server, no_checksum;
	uint16_t client_port; /* 0 = 40000; the server's is 53 */
	const void *data;
	size_t len;
};

/* The same hosts. Returns the length. */
static inline size_t udp_build(const struct udp *u, uint8_t buf[static PKT_MAX])
{
	const uint16_t cport = u->client_port ? u->client_port : 40000;
	const size_t off = pkt_ip(buf, u->v6, 17, 8 + u->len, u->from_server ? 2 : 1, u->from_server ? 1 : 2);
	uint8_t *t = buf + off;

	pkt_be16(t, u->from_server ? 53 : cport);
	pkt_be16(t + 2, u->from_server ? cport : 53);
	pkt_be16(t + 4, (unsigned)(8 + u->len));
	if (u->len > 0)
		memcpy(t + 8, u->data, u->len);
	pkt_checksums(buf, off + 8 + u->len);
	if (u->no_checksum)
		pkt_be16(t + 6, 0);
	return off + 8 + u->len;
}

/* An ICMP error from host 9 to the sender of the quoted packet, of which as much as quoted_len says is quoted. */
struct icmp {
	bool v6, to_server;
	uint8_t type, code;
	uint32_t rest; /* second word of the header: the MTU */
	const uint8_t *quoted;
	size_t quoted_len;
};

static inline size_t icmp_build(const struct icmp *i, uint8_t buf[static PKT_MAX])
{
	const size_t off = pkt_ip(buf, i->v6, i->v6 ? 58 : 1, 8 + i->quoted_len, 9, i->to_server ? 2 : 1);
	uint8_t *t = buf + off;

	memset(t, 0, 8);
	t[0] = i->type;
	t[1] = i->code;
	pkt_be32(t + 4, i->rest);
	if (i->quoted_len > 0)
		memcpy(t + 8, i->quoted, i->quoted_len);
	pkt_checksums(buf, off + 8 + i->quoted_len);
	return off + 8 + i->quoted_len;
}

#endif
