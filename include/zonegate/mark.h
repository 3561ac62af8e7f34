/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 32 bits of a packet mark, host order. The backstop zeroes every mark on arrival.
 *
 *   bit 31 = 0: set by the policy table: generation modulo 128 in bits 30..24, flow number (index + 1) in 23..0
 *   ZG_MARK_PASS: set by the gate's verdict; the only value that the backstop passes
 *   ZG_MARK_SENT: of what the gate sends itself, in the name of one end of a flow; never on a forwarded packet. The router's own
 *                 table passes them on their way out
 */
#ifndef ZONEGATE_MARK_H
#define ZONEGATE_MARK_H

#include <stdbool.h>
#include <stdint.h>

#define ZG_MARK_PASS 0x9a7e0001u
#define ZG_MARK_SENT 0x9a7e0002u

/* NFLOG group in which the policy table tells what it refused, and how many bytes of each packet: the headers. */
#define ZG_LOG_GROUP   0x5a47u
#define ZG_LOG_SNAPLEN 128u
/* The prefix of what it does not refuse: the first packet of an opaque connection (with its flow's mark), of a connection to the
 * router itself, or of its own. */
#define ZG_LOG_OPENED "zg:opened"

static inline uint32_t zg_mark_flow(uint32_t generation, uint32_t flow_index)
{
	return ((generation & 0x7fu) << 24) | ((flow_index + 1) & 0xffffffu);
}
static inline uint32_t zg_mark_generation(uint32_t mark)
{
	return (mark >> 24) & 0x7fu;
}
/* Of an older generation than the other, as far as seven bits can tell. */
static inline bool zg_mark_older(uint32_t mark, uint32_t other)
{
	return ((zg_mark_generation(mark) - zg_mark_generation(other)) & 0x7fu) >= 0x40u;
}
/* Number, 1-based; 0 = not a flow mark. */
static inline uint32_t zg_mark_number(uint32_t mark)
{
	return (mark & 0x80000000u) ? 0 : mark & 0xffffffu;
}

#endif
