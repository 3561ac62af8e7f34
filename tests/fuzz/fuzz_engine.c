/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is a script of packets for two connections, mostly near what the stream expects. After every step: each packet
 * decided at most once, the sums right, memory within bounds, what goes out a good packet; and what a receiver that loses
 * nothing would read is the beginning of what was released. At the end: each packet decided exactly once.
 *
 * A step: kind, connection and direction, flags, sequence number (base and distance), acknowledgement (the same), length,
 * payload. Bytes that are missing are 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/letters.h"
#include "../unit/pkt.h"
#include "zonegate/limits.h"
#include "zonegate/rd.h"

#define STEPS	400
#define PAYLOAD 64
#define STREAM	16384 /* bytes of one direction that are followed */
#define FLOWS	2

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
	uint64_t now_ms, identity;
} z;

static bool own_resolve(void *ctx, uint32_t mark, struct zg_flow_policy *ret_policy)
{
	(void)ctx;
	(void)mark;
	*ret_policy = (struct zg_flow_policy){ .inspector = &letters, .config = "", .identity = z.identity };
	return z.identity != 0;
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
	const uint8_t *data = packet != NULL ? packet : z.packets[id].data;
	const struct zg_packet p = { .data = data, .len = z.packets[id].len, .wire_len = z.packets[id].len };
	must(zg_decode(&p, &seg) == ZG_R_NONE);
	receive(sent_by(seg.sport, seg.dport), data, &seg);
}

static void own_inject(void *ctx, const struct zg_inject *inject)
{
	(void)ctx;
	must(inject->kind >= ZG_INJECT_RST && inject->kind <= ZG_INJECT_REFUSAL);
	must(inject->tuple.client.family == inject->tuple.server.family);
	must((unsigned)inject->reason < ZG_REASON_COUNT && (unsigned)inject->refusal < ZG_REFUSAL_COUNT);
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
	if (kind == 1) { /* something that is wrong */
		buf[zg_rd_u8(rd) % len] ^= zg_rd_u8(rd);
		len -= zg_rd_u8(rd) % 4;
	}
	memcpy(z.packets[z.n_packets].data, buf, len);
	z.packets[z.n_packets].len = len;
	uint8_t *exact = malloc(len);
	if (exact == NULL)
		return;
	memcpy(exact, buf, len);
	const struct zg_packet packet = { .id = z.n_packets++, .mark = 1, .data = exact, .len = len, .wire_len = len,
					  .now_ms = z.now_ms };
	zg_engine_packet(z.engine, &packet);
	free(exact);
}

static void check(void)
{
	struct zg_engine_stats stats;
	zg_engine_stats(z.engine, &stats);
	must(stats.packets == stats.accepted + stats.dropped + stats.held);
	must(stats.flows <= FLOWS);
	must(stats.held <= FLOWS * 2 * ZG_STREAM_HOLD_PKTS);
	must(stats.bytes <= FLOWS * 2 * (2 * ZG_STREAM_BUF_MAX + 2 * ZG_STREAM_HOLD_BYTES));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct zg_engine_owner owner = { .resolve = own_resolve,
					       .verdict = own_verdict,
					       .inject = own_inject,
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
		if (kind < 240)
			one_packet(&rd, kind);
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
