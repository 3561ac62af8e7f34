/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is a script of packets for two connections, mostly near what the stream expects, of datagrams, and of ICMP errors
 * about any of them. After every step: each packet decided at most once, the sums right, memory within bounds, what goes out a
 * good packet; what a receiver that loses nothing would read is the beginning of what was released; no more answers passed
 * than requests; no ICMP message passed. At the end: each packet decided exactly once.
 *
 * A step: kind, connection and direction, flags, sequence number (base and distance), acknowledgement (the same), length,
 * payload. Bytes that are missing are 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/letters.h"
#include "../unit/numbers.h"
#include "../unit/pkt.h"
#include "zonegate/limits.h"
#include "zonegate/msg.h"
#include "zonegate/rd.h"

#define STEPS	400
#define PAYLOAD 64
#define STREAM	16384 /* bytes of one direction that are followed */
#define FLOWS	2
#define UDP_FLOWS 4 /* client ports 40000 ...; odd ones IPv6 */
enum { MARK_TCP = 1, MARK_UDP };

static void fail(const char *what, int line)
{
	fprintf(stderr, "fuzz_engine.c:%d: %s\n", line, what);
	abort();
}

#define must(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

struct direction {
	uint32_t isn;
	bool isn_known; /* its SYN went out */
	uint32_t top; /* of what was sent, offset */
	uint8_t read[STREAM], released[STREAM];
	bool have[STREAM];
	uint32_t n_read;
	uint64_t n_released;
};

static struct {
	struct zg_engine *engine;
	struct direction dir[FLOWS][2];
	struct {
		uint8_t data[400]; /* both headers, all options and the payload */
		size_t len;
		unsigned times;
	} packets[STEPS];
	uint32_t n_packets;
	unsigned requests[UDP_FLOWS], answers[UDP_FLOWS]; /* passed */
	uint64_t now_ms, identity;
} z;

static bool own_resolve(void *ctx, uint32_t mark, struct zg_flow_policy *ret_policy)
{
	(void)ctx;
	*ret_policy = (struct zg_flow_policy){ .inspector = mark == MARK_UDP ? &numbers : &letters, .config = "",
					       .identity = z.identity };
	return z.identity != 0;
}

static bool own_permits(void *ctx, uint32_t mark, const struct zg_tuple *tuple)
{
	(void)ctx;
	return mark != MARK_UDP || tuple->server_port == 53;
}

/* By who sent it: the end with port 25 may have opened the connection. */
static struct direction *sent_by(uint16_t port, uint16_t other)
{
	return port == 25 ? &z.dir[other == 40000 ? 0 : 1][1] : &z.dir[port == 40000 ? 0 : 1][0];
}

/* A receiver in order and without loss; the first bytes win. */
static void receive(struct direction *d, const uint8_t *data, const struct zg_seg *seg)
{
	if (seg->flags & ZG_SYN) {
		if (d->isn_known && d->isn == seg->seq)
			return;
		memset(d, 0, sizeof *d);
		d->isn = seg->seq;
		d->isn_known = true;
		return;
	}
	if (!d->isn_known)
		return;
	const uint32_t from = seg->seq - (d->isn + 1);
	for (uint32_t i = 0; i < seg->len && from + i < STREAM; i++) {
		if (d->have[from + i])
			continue;
		d->have[from + i] = true;
		d->read[from + i] = data[seg->data_off + i];
	}
	while (d->n_read < STREAM && d->have[d->n_read]) {
		must(d->n_read < d->n_released);
		must(d->read[d->n_read] == d->released[d->n_read]);
		d->n_read++;
	}
}

static void own_verdict(void *ctx, uint32_t id, bool accept, const uint8_t *packet, size_t len)
{
	struct zg_seg seg;
	(void)ctx;
	must(id < z.n_packets);
	must(z.packets[id].times++ == 0);
	if (!accept)
		return;
	must(packet == NULL || len == z.packets[id].len);
	static uint8_t data[UINT16_MAX + 64];
	memcpy(data, packet != NULL ? packet : z.packets[id].data, z.packets[id].len);
	const struct zg_packet p = { .data = data, .len = z.packets[id].len, .wire_len = z.packets[id].len };
	must(zg_decode(&p, &seg) == ZG_R_NONE);
	must(seg.protocol == ZG_TCP || seg.protocol == ZG_UDP);
	if (seg.protocol == ZG_UDP) {
		if (seg.dport == 53)
			z.requests[seg.sport % UDP_FLOWS]++;
		else
			must(++z.answers[seg.dport % UDP_FLOWS] <= z.requests[seg.dport % UDP_FLOWS]);
		return;
	}
	receive(sent_by(seg.sport, seg.dport), data, &seg);
}

static void own_inject(void *ctx, const struct zg_inject *inject)
{
	(void)ctx;
	must(zg_inject_valid(inject));
}

static void own_again(void *ctx, const struct zg_inject *inject, const uint8_t *bytes, size_t len)
{
	const struct zg_tuple *t = &inject->tuple;
	const struct zg_seg seg = { .seq = inject->seq, .len = (uint32_t)len };

	own_inject(ctx, inject);
	must(inject->kind == ZG_INJECT_AGAIN && len > 0 && len <= ZG_INJECT_AGAIN_MAX);
	receive(inject->to_client ? sent_by(t->server_port, t->client_port) : sent_by(t->client_port, t->server_port), bytes, &seg);
}

static void own_event(void *ctx, const struct zg_flow_event *event)
{
	(void)ctx;
	must((unsigned)event->reason < ZG_REASON_COUNT);
	must(event->kind != ZG_FLOW_DENIED || event->reason != ZG_R_NONE);
}

static void own_released(void *ctx, const struct zg_tuple *tuple, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	struct direction *d = dir == ZG_CLIENT ? sent_by(tuple->client_port, tuple->server_port) :
						 sent_by(tuple->server_port, tuple->client_port);
	(void)ctx;
	if (tuple->protocol != ZG_TCP)
		return;
	for (size_t i = 0; i < len; i++, d->n_released++)
		if (d->n_released < STREAM)
			d->released[d->n_released] = bytes[i];
}

/* A number near something that matters. */
static uint32_t number(struct zg_rd *rd, const struct direction *d)
{
	const uint8_t base = zg_rd_u8(rd);
	const uint32_t far = (uint32_t)(int32_t)(int8_t)zg_rd_u8(rd);

	switch (base % 5) {
	case 0:
	case 1:
		return d->isn + 1 + d->top + (base < 128 ? 0 : far);
	case 2:
		return d->isn + far;
	case 3:
		return d->isn + 1 + d->n_read + far;
	default:
		return d->isn + far * 0x1000000u;
	}
}

/* Something that is wrong; the new length. */
static size_t damage(struct zg_rd *rd, uint8_t *buf, size_t len)
{
	buf[zg_rd_u8(rd) % len] ^= zg_rd_u8(rd);
	return len - zg_rd_u8(rd) % 4;
}

static void give(const uint8_t *buf, size_t len, uint32_t mark)
{
	if (len > sizeof z.packets[0].data)
		return;
	memcpy(z.packets[z.n_packets].data, buf, len);
	z.packets[z.n_packets].len = len;
	uint8_t *exact = malloc(len);
	if (exact == NULL)
		return;
	memcpy(exact, buf, len);
	const struct zg_packet packet = { .id = z.n_packets++, .mark = mark, .data = exact, .len = len, .wire_len = len,
					  .now_ms = z.now_ms };
	zg_engine_packet(z.engine, &packet);
	free(exact);
}

static void one_packet(struct zg_rd *rd, uint8_t kind)
{
	static const uint8_t usual[] = { ZG_ACK, ZG_ACK, ZG_ACK, ZG_ACK | ZG_PSH, ZG_SYN, ZG_SYN | ZG_ACK, ZG_ACK | ZG_FIN,
					 ZG_RST, ZG_RST | ZG_ACK };
	static uint8_t buf[PKT_MAX];
	const uint8_t which = zg_rd_u8(rd), flags = zg_rd_u8(rd);
	const int flow = which & 1, from_server = which >> 1 & 1;
	struct direction *d = &z.dir[flow][from_server], *o = &z.dir[flow][!from_server];
	struct pkt p = { .v6 = flow, .from_server = from_server, .client_port = flow ? 40001 : 40000 };

	p.flags = flags < 250 ? usual[flags % sizeof usual] : flags;
	p.seq = number(rd, d);
	p.ack = (p.flags & ZG_ACK) ? number(rd, o) : 0;
	if (which & 4)
		p.window = (uint16_t)(1 + zg_rd_u8(rd));
	if (which & 8)
		pkt_opt_ts(&p, zg_rd_u8(rd), 0);
	if (which & 16)
		pkt_opt_sack(&p, p.ack + zg_rd_u8(rd), p.ack + zg_rd_u8(rd));
	if (p.flags & ZG_SYN) {
		if (!d->isn_known)
			p.seq = d->isn = zg_rd_be32(rd);
	} else {
		size_t len = zg_rd_u8(rd) % PAYLOAD;
		len = len < zg_rd_left(rd) ? len : zg_rd_left(rd);
		p.data = zg_rd_bytes(rd, len);
		p.len = p.data != NULL ? len : 0;
	}
	const uint32_t end = p.seq + (uint32_t)p.len - (d->isn + 1);
	if (end > d->top && end < STREAM)
		d->top = end;
	size_t len = pkt_build(&p, buf);
	if (kind == 1)
		len = damage(rd, buf, len);
	give(buf, len, MARK_TCP);
}

/* Mostly between ports that are known, short, and with few different numbers. */
static void one_datagram(struct zg_rd *rd, uint8_t kind)
{
	static uint8_t buf[PKT_MAX];
	const uint8_t which = zg_rd_u8(rd);
	struct udp u = { .v6 = which & 1, .client_port = (uint16_t)(40000 + which % UDP_FLOWS), .from_server = which & 8,
			 .no_checksum = which & 16 };
	size_t len = zg_rd_u8(rd) % PAYLOAD;

	len = len < zg_rd_left(rd) ? len : zg_rd_left(rd);
	u.data = zg_rd_bytes(rd, len);
	u.len = u.data != NULL ? len : 0;
	len = udp_build(&u, buf);
	if (kind & 1)
		len = damage(rd, buf, len);
	give(buf, len, MARK_UDP);
}

/* About a packet of before. */
static void one_error(struct zg_rd *rd, uint8_t kind)
{
	static const uint8_t usual[][2] = { { 3, 4 }, { 2, 0 }, { 3, 1 }, { 1, 3 }, { 3, 3 }, { 1, 4 }, { 11, 0 }, { 3, 0 } };
	static uint8_t buf[PKT_MAX], quoted[400];
	const uint8_t which = zg_rd_u8(rd), back = zg_rd_u8(rd), type = zg_rd_u8(rd);
	if (z.n_packets == 0)
		return;
	const uint32_t index = (z.n_packets - 1) - back % z.n_packets;
	const size_t q_len = z.packets[index].len;
	if (q_len < 40)
		return;
	memcpy(quoted, z.packets[index].data, q_len);
	const bool v6 = quoted[0] >> 4 == 6;
	pkt_be16(quoted + (v6 ? 4 : 2), 2000); /* so that an MTU is smaller */
	if (v6 ? quoted[6] == 17 : quoted[9] == 17)
		pkt_be16(quoted + (v6 ? 44 : 24), v6 ? 2000 : 1980);
	const struct icmp i = { .v6 = v6, .to_server = quoted[v6 ? 23 : 15] == 2, .type = usual[type % 8][0],
				.code = usual[type % 8][1], .rest = 1000u + (type & 0xf8u) * 4,
				.quoted = quoted, .quoted_len = q_len };
	size_t len = icmp_build(&i, buf);
	if (kind & 1)
		len = damage(rd, buf, len);
	give(buf, len, which & 1 ? MARK_TCP : MARK_UDP);
}

static void check(void)
{
	struct zg_engine_stats stats;
	unsigned requests = 0;
	for (size_t i = 0; i < UDP_FLOWS; i++)
		requests += z.requests[i];
	zg_engine_stats(z.engine, &stats);
	must(stats.packets == stats.accepted + stats.dropped + stats.held);
	must(stats.flows <= FLOWS + requests);
	must(stats.waiting <= requests);
	must(stats.held <= FLOWS * 2 * ZG_STREAM_HOLD_PKTS);
	must(stats.bytes <= FLOWS * 2 * (2 * ZG_STREAM_BUF_MAX + 2 * ZG_STREAM_HOLD_BYTES));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct zg_engine_owner owner = { .resolve = own_resolve,
					       .permits = own_permits,
					       .verdict = own_verdict,
					       .inject = own_inject,
					       .again = own_again,
					       .event = own_event,
					       .released = own_released,
					       .passive = size > 0 && (data[0] & 1) };
	struct zg_rd rd = zg_rd_init(data, size);

	zg_rd_skip(&rd, 1);
	memset(&z, 0, sizeof z);
	z.now_ms = 1000;
	z.identity = 1;
	if (zg_engine_new(&owner, 1, &z.engine) != ZG_OK)
		return 0;
	while (zg_rd_left(&rd) > 0 && z.n_packets < STEPS) {
		const uint8_t kind = zg_rd_u8(&rd);
		if (kind < 200)
			one_packet(&rd, kind);
		else if (kind < 220)
			one_datagram(&rd, kind);
		else if (kind < 240)
			one_error(&rd, kind);
		else if (kind < 254)
			zg_engine_tick(z.engine, z.now_ms += (uint64_t)zg_rd_u8(&rd) << (kind - 240));
		else
			z.identity = kind - 254;
		check();
	}
	zg_engine_free(z.engine);
	for (uint32_t i = 0; i < z.n_packets; i++)
		must(z.packets[i].times == 1);
	return 0;
}
