/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which ICMP errors may be told across the boundary (RFC 792, RFC 4443): asked by the inspector, and again by the gate. */
#ifndef ZONEGATE_BASE_ICMP_H
#define ZONEGATE_BASE_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#define ZG_ICMP4 1u  /* protocol numbers */
#define ZG_ICMP6 58u

/* Type and code of that family. */
bool zg_icmp_allowed(uint8_t family, uint8_t type, uint8_t code);
/* "Fragmentation needed" (RFC 1191 4), "packet too big" (RFC 4443 3.2): the one that has an MTU. */
bool zg_icmp_too_big(uint8_t family, uint8_t type, uint8_t code);
/* One after which hosts may give up (RFC 1122 4.2.3.9, RFC 5461 2): nothing for a connection that is established. */
bool zg_icmp_hard(uint8_t family, uint8_t type, uint8_t code);
/* Within what a path can have: ZG_ICMP_MTU4_MIN or ZG_ICMP_MTU6_MIN to ZG_ICMP_MTU_MAX. */
bool zg_icmp_mtu_possible(uint8_t family, uint32_t mtu);

#endif
