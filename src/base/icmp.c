/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/icmp.h"
#include "zonegate/addr.h"
#include "zonegate/limits.h"

#include <stddef.h>

static const struct {
	uint8_t family, type, code;
	bool too_big, hard;
} errors[] = {
	{ ZG_IPV4, 3, 0, false, false },  /* net unreachable */
	{ ZG_IPV4, 3, 1, false, false },  /* host unreachable */
	{ ZG_IPV4, 3, 2, false, true },	  /* protocol unreachable */
	{ ZG_IPV4, 3, 3, false, true },	  /* port unreachable */
	{ ZG_IPV4, 3, 4, true, false },	  /* fragmentation needed */
	{ ZG_IPV4, 3, 9, false, true },	  /* net prohibited (RFC 1122 3.2.2.1) */
	{ ZG_IPV4, 3, 10, false, true },  /* host prohibited */
	{ ZG_IPV4, 3, 13, false, true },  /* communication prohibited (RFC 1812 5.2.7.1) */
	{ ZG_IPV4, 11, 0, false, false }, /* time to live exceeded in transit */
	{ ZG_IPV6, 1, 0, false, false },  /* no route */
	{ ZG_IPV6, 1, 1, false, true },	  /* communication prohibited */
	{ ZG_IPV6, 1, 3, false, false },  /* address unreachable */
	{ ZG_IPV6, 1, 4, false, true },	  /* port unreachable */
	{ ZG_IPV6, 2, 0, true, false },	  /* packet too big */
	{ ZG_IPV6, 3, 0, false, false },  /* hop limit exceeded in transit */
};

#define N_ERRORS (sizeof errors / sizeof *errors)

static size_t index_of(uint8_t family, uint8_t type, uint8_t code)
{
	size_t i = 0;

	while (i < N_ERRORS && (errors[i].family != family || errors[i].type != type || errors[i].code != code))
		i++;
	return i;
}

bool zg_icmp_allowed(uint8_t family, uint8_t type, uint8_t code)
{
	return index_of(family, type, code) < N_ERRORS;
}

bool zg_icmp_too_big(uint8_t family, uint8_t type, uint8_t code)
{
	const size_t i = index_of(family, type, code);
	return i < N_ERRORS && errors[i].too_big;
}

bool zg_icmp_hard(uint8_t family, uint8_t type, uint8_t code)
{
	const size_t i = index_of(family, type, code);
	return i < N_ERRORS && errors[i].hard;
}

bool zg_icmp_mtu_possible(uint8_t family, uint32_t mtu)
{
	return mtu >= (family == ZG_IPV4 ? ZG_ICMP_MTU4_MIN : ZG_ICMP_MTU6_MIN) && mtu <= ZG_ICMP_MTU_MAX;
}
