/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/checksum.h"

#include <string.h>

#define PROTO_TCP 6

/* The sum is the same in either byte order (RFC 1071 2B): add native words, swap once at the end. */
static uint64_t to_host(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	uint8_t b[2];
	uint16_t native = (uint16_t)sum;
	memcpy(b, &native, sizeof b);
	return (uint64_t)b[0] << 8 | b[1];
}

uint64_t zg_sum(uint64_t sum, const uint8_t *p, size_t len)
{
	uint64_t native = 0;

	/* 32-bit words into 64 bits: no carry is lost below 2^32 words */
	for (; len >= 4; p += 4, len -= 4) {
		uint32_t word;
		memcpy(&word, p, sizeof word);
		native += word;
	}
	if (len > 0) {
		uint8_t rest[4] = { 0 };
		uint32_t word;
		memcpy(rest, p, len);
		memcpy(&word, rest, sizeof word);
		native += word;
	}
	return sum + to_host(native);
}

uint16_t zg_sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t zg_checksum_transport(const uint8_t *packet, size_t len, size_t off, uint8_t protocol)
{
	/* source and destination stand together at the end of both fixed headers */
	uint64_t sum = (packet[0] >> 4) == 4 ? zg_sum(0, packet + 12, 8) : zg_sum(0, packet + 8, 32);

	return zg_sum_fold(zg_sum(sum + protocol + (len - off), packet + off, len - off));
}

uint16_t zg_checksum_tcp(const uint8_t *packet, size_t len, size_t tcp_off)
{
	return zg_checksum_transport(packet, len, tcp_off, PROTO_TCP);
}
