/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/peek.h"
#include "zonegate/rd.h"

#include <netinet/in.h>

void zg_peek_tuple(const uint8_t *packet, size_t len, struct zg_tuple *ret_tuple)
{
	struct zg_rd rd = zg_rd_init(packet, len);
	struct zg_tuple t = { 0 };
	uint8_t first = zg_rd_u8(&rd);
	bool first_fragment = true;

	if (first >> 4 == 4) {
		t.client.family = t.server.family = ZG_IPV4;
		zg_rd_skip(&rd, 5);
		first_fragment = (zg_rd_be16(&rd) & 0x1fff) == 0;
		zg_rd_skip(&rd, 1);
		t.protocol = zg_rd_u8(&rd);
		zg_rd_skip(&rd, 2);
		zg_rd_copy(&rd, t.client.b, 4);
		zg_rd_copy(&rd, t.server.b, 4);
		zg_rd_skip(&rd, (size_t)(first & 0xf) * 4 < 20 ? 0 : (size_t)(first & 0xf) * 4 - 20);
	} else if (first >> 4 == 6) {
		t.client.family = t.server.family = ZG_IPV6;
		zg_rd_skip(&rd, 5);
		t.protocol = zg_rd_u8(&rd);
		zg_rd_skip(&rd, 1);
		zg_rd_copy(&rd, t.client.b, 16);
		zg_rd_copy(&rd, t.server.b, 16);
	} else {
		return;
	}
	if (rd.err)
		return;
	if (first_fragment && (t.protocol == IPPROTO_TCP || t.protocol == IPPROTO_UDP)) {
		t.client_port = zg_rd_be16(&rd);
		t.server_port = zg_rd_be16(&rd);
	} else if (first_fragment && (t.protocol == IPPROTO_ICMP || t.protocol == IPPROTO_ICMPV6)) {
		t.server_port = zg_rd_u8(&rd);
	}
	*ret_tuple = t;
}
