/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds TCP packets of both families, right unless told otherwise. */
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

/* Fills in both checksums; for packets that a test has changed. */
static inline void pkt_checksums(uint8_t *buf, size_t len)
{
	const size_t off = pkt_tcp_off(buf);
	if (off == 20) {
		pkt_be16(buf + 10, 0);
		pkt_be16(buf + 10, zg_sum_fold(zg_sum(0, buf, 20)));
	}
	pkt_be16(buf + off + 16, 0);
	pkt_be16(buf + off + 16, zg_checksum_tcp(buf, len, off));
}

/* Client 192.0.2.1 or 2001:db8::1, server ...2. Returns the length. */
static inline size_t pkt_build(const struct pkt *p, uint8_t buf[static PKT_MAX])
{
	const size_t opt_len = (p->opt_len + 3) & ~(size_t)3, off = p->v6 ? 40 : 20;
	const size_t tcp_len = 20 + opt_len + p->len, len = off + tcp_len;
	const uint16_t cport = p->client_port ? p->client_port : 40000, sport = p->server_port ? p->server_port : 25;

	const uint8_t host = p->client_host ? p->client_host : 1;

	memset(buf, 0, off + 20);
	if (p->v6) {
		static const uint8_t net[4] = { 0x20, 0x01, 0x0d, 0xb8 };
		buf[0] = 0x60;
		pkt_be16(buf + 4, (unsigned)tcp_len);
		buf[6] = 6;
		buf[7] = 64;
		memcpy(buf + 8, net, 4);
		memcpy(buf + 24, net, 4);
		buf[23] = p->from_server ? 2 : host;
		buf[39] = p->from_server ? host : 2;
	} else {
		static const uint8_t net[3] = { 192, 0, 2 };
		buf[0] = 0x45;
		pkt_be16(buf + 2, (unsigned)len);
		buf[6] = 0x40;
		buf[8] = 64;
		buf[9] = 6;
		memcpy(buf + 12, net, 3);
		memcpy(buf + 16, net, 3);
		buf[15] = p->from_server ? 2 : host;
		buf[19] = p->from_server ? host : 2;
	}
	uint8_t *t = buf + off;
	pkt_be16(t, p->from_server ? sport : cport);
	pkt_be16(t + 2, p->from_server ? cport : sport);
	pkt_be32(t + 4, p->seq);
	pkt_be32(t + 8, p->ack);
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

#endif
