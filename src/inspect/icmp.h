/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors of inspected flows, after RFC 5927. The error itself never crosses: what it quotes, and what stands behind the
 * quotation, could be anything. It is read, and the gate is asked to tell the same with a packet of its own.
 */
#ifndef ZONEGATE_INSPECT_ICMP_H
#define ZONEGATE_INSPECT_ICMP_H

#include <stdbool.h>
#include <stdint.h>

struct zg_engine;
struct zg_fate;
struct zg_pkt;

/* When the sender of each direction was last told of an error: [direction][too big or another], monotonic ms; 0 = never. A
 * part of every flow. */
struct zg_icmp_told {
	uint64_t ms[2][2];
};

/* A decoded ICMP message. It is always dropped. */
struct zg_fate zg_icmp_packet(struct zg_engine *e, const struct zg_pkt *p);

#endif
