/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet -> one TCP segment, UDP datagram or ICMP message, or the reason why it is none that may pass. No state, nothing
 * but this packet. */
#ifndef ZONEGATE_INSPECT_DECODE_H
#define ZONEGATE_INSPECT_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/addr.h"
#include "zonegate/reason.h"
#include "zonegate/stream.h"

enum { ZG_FIN = 0x01, ZG_SYN = 0x02, ZG_RST = 0x04, ZG_PSH = 0x08, ZG_ACK = 0x10, ZG_URG = 0x20, ZG_ECE = 0x40, ZG_CWR = 0x80 };

#define ZG_WSCALE_MAX 14 /* RFC 7323 2.3 */
#define ZG_SACKS_MAX  4	 /* RFC 2018 3: as many fit into the options */

struct zg_tcp_options {
	bool mss_given, wscale_given, sack_ok, ts_given;
	uint16_t mss;
	uint8_t wscale;
	uint32_t ts_val, ts_ecr;
	uint8_t n_sacks;
	struct {
		uint32_t left, right;
	} sacks[ZG_SACKS_MAX];
};

/* Everything in host order. Of UDP and ICMP what stands before the sequence number, tcp_off, and for UDP the payload. */
struct zg_seg {
	struct zg_addr src, dst; /* family 0: not even the addresses could be read */
	uint8_t protocol;	 /* as the IP header has it */
	uint16_t sport, dport;	 /* ICMP: 0 and the type */
	uint32_t seq, ack;
	uint16_t window; /* as on the wire */
	uint8_t flags;	 /* ZG_FIN ... */
	struct zg_tcp_options opt;
	uint16_t tcp_off, data_off; /* bytes from the IP header on; tcp_off: of the transport header, whichever it is */
	uint32_t len;		    /* bytes of payload, at data_off */
};

/* ZG_R_NONE, or why the packet is dropped; then ret_seg holds as much of the addresses and ports as could be read, for
 * the record. */
enum zg_reason zg_decode(const struct zg_packet *packet, struct zg_seg *ret_seg);

/* An ICMP error, and what it says of the packet that it quotes. Host order. */
struct zg_icmp {
	uint8_t type, code;	/* of the family of the tuple */
	uint32_t mtu;		/* bytes; with "too big", else 0 */
	struct zg_tuple quoted; /* as sent: client = its sender */
	uint32_t seq;		/* TCP */
};

/* decode_icmp.c: one of the errors that may pass (zg_icmp_allowed), with a quotation that its receiver can have sent: TCP or UDP,
 * whole, without options and extension headers, the first 8 bytes at least. data is decoded, seg its result. */
enum zg_reason zg_decode_icmp(const uint8_t *data, size_t len, const struct zg_seg *seg, struct zg_icmp *ret_icmp);

#endif
