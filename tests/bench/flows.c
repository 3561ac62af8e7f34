/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one packet costs the engine with 10 to 100,000 connections open: small segments and their acknowledgements on
 * connections in random order, inspector `stream`, no kernel. What grows is what the processor's caches do not hold.
 * Prints nanoseconds per packet, and what that is of the smallest case.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checksum.h"
#include "zonegate/stream.h"

#define HEADERS 40u
#define DATA	100u
#define PACKETS 2000000u

struct connection {
	uint32_t seq[2];
};

static uint64_t accepted, dropped;

static bool resolve(void *ctx, uint32_t mark, struct zg_flow_policy *ret_policy)
{
	(void)ctx;
	(void)mark;
	static uint8_t config[ZG_INSPECTOR_CONFIG_MAX]; /* the defaults are zero */
	*ret_policy = (struct zg_flow_policy){ .inspector = &zg_stream, .config = config, .identity = 1 };
	return true;
}

static void verdict(void *ctx, uint32_t id, bool accept, const uint8_t *packet, size_t len)
{
	(void)ctx;
	(void)id;
	(void)packet;
	(void)len;
	accepted += accept;
	dropped += !accept;
}

static void inject(void *ctx, const struct zg_inject *what)
{
	(void)ctx;
	(void)what;
}

static void event(void *ctx, const struct zg_flow_event *e)
{
	(void)ctx;
	(void)e;
}

static void be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void be32(uint8_t *p, uint32_t v)
{
	be16(p, v >> 16);
	be16(p + 2, v);
}

/* Connection i: client 10.30.x.y with port 1024 and up, to 10.20.0.25 port 25. */
static void packet_from(struct zg_engine *e, struct connection *c, uint32_t i, enum zg_dir dir, uint8_t flags,
			uint32_t len)
{
	static uint8_t packet[HEADERS + DATA];
	const uint8_t client[4] = { 10, 30, (uint8_t)(i >> 8 & 0xff), (uint8_t)i }, server[4] = { 10, 20, 0, 25 };
	const uint32_t cport = 1024 + (i >> 16);

	memset(packet, 0, HEADERS);
	packet[0] = 0x45;
	be16(packet + 2, HEADERS + len);
	packet[8] = 64;
	packet[9] = 6;
	memcpy(packet + 12, dir == ZG_CLIENT ? client : server, 4);
	memcpy(packet + 16, dir == ZG_CLIENT ? server : client, 4);
	be16(packet + 10, zg_sum_fold(zg_sum(0, packet, 20)));
	be16(packet + 20, dir == ZG_CLIENT ? cport : 25);
	be16(packet + 22, dir == ZG_CLIENT ? 25 : cport);
	be32(packet + 24, c->seq[dir]);
	be32(packet + 28, flags & 0x10 ? c->seq[zg_dir_other(dir)] : 0);
	packet[32] = 5 << 4;
	packet[33] = flags;
	be16(packet + 34, 65535);
	const struct zg_packet p = { .data = packet, .len = HEADERS + len, .wire_len = HEADERS + len, .mark = 1,
				     .checksum_unfilled = true, .now_ms = 1000 };
	c->seq[dir] += len + (flags & 2 ? 1 : 0);
	zg_engine_packet(e, &p);
}

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static double measure(uint32_t flows)
{
	const struct zg_engine_owner owner = { .resolve = resolve, .verdict = verdict, .inject = inject, .event = event };
	struct connection *c = calloc(flows, sizeof *c);
	struct zg_engine *e = NULL;
	uint32_t random = 1;

	accepted = dropped = 0;
	if (c == NULL || zg_engine_new(&owner, 0x5eed, &e) != ZG_OK) {
		free(c);
		return -1;
	}
	for (uint32_t i = 0; i < flows; i++) {
		packet_from(e, &c[i], i, ZG_CLIENT, 0x02, 0);
		packet_from(e, &c[i], i, ZG_SERVER, 0x12, 0);
		packet_from(e, &c[i], i, ZG_CLIENT, 0x10, 0);
	}
	const uint64_t begin = now_ns();
	for (uint32_t n = 0; n < PACKETS; n += 2) {
		random = random * 1664525u + 1013904223u;
		const uint32_t i = (uint32_t)((uint64_t)random * flows >> 32);
		packet_from(e, &c[i], i, ZG_CLIENT, 0x18, DATA);
		packet_from(e, &c[i], i, ZG_SERVER, 0x10, 0);
	}
	const double each = (double)(now_ns() - begin) / PACKETS;
	zg_engine_free(e);
	free(c);
	if (dropped == 0 && accepted == 3ull * flows + PACKETS)
		return each;
	fprintf(stderr, "not a measurement: %llu packets were dropped\n", (unsigned long long)dropped);
	return -1;
}

int main(void)
{
	static const uint32_t flows[] = { 10, 100, 1000, 10000, 100000 };
	double first = 0;

	for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
		double best = -1;
		for (int round = 0; round < 3; round++) {
			const double each = measure(flows[i]);
			if (each < 0)
				return EXIT_FAILURE;
			best = best < 0 || each < best ? each : best;
		}
		first = i == 0 ? best : first;
		printf("%6u connections: %6.0f ns/packet, %+.0f ns\n", flows[i], best, best - first);
	}
	return EXIT_SUCCESS;
}
