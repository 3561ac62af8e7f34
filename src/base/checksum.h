/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Internet checksum (RFC 1071). */
#ifndef ZONEGATE_BASE_CHECKSUM_H
#define ZONEGATE_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* One's complement sum of bytes in network order, added to sum (0, or a former result whose length was even). */
uint64_t zg_sum(uint64_t sum, const uint8_t *p, size_t len);
/* The checksum field's value, host order; 0 when a received field was part of a correct sum. */
uint16_t zg_sum_fold(uint64_t sum);
/* Over the pseudo header (RFC 9293 3.1, RFC 8200 8.1) of an IP packet whose transport header is at off, and everything
 * from there on. The packet was decoded: version, lengths and offset are right. */
uint16_t zg_checksum_transport(const uint8_t *packet, size_t len, size_t off, uint8_t protocol);
uint16_t zg_checksum_tcp(const uint8_t *packet, size_t len, size_t tcp_off);

#endif
