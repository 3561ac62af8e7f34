/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of a network interface now. No privilege is needed. */
#ifndef ZONEGATE_SYS_LINK_H
#define ZONEGATE_SYS_LINK_H

#include <stdbool.h>

#include "zonegate/addr.h"

/* Its own hardware address; false = it is not there, or is no Ethernet card. */
bool zg_link_mac(const char *name, struct zg_mac *ret_mac);
/* Is it a radio? What is not there is none. */
bool zg_link_wireless(const char *name);

#endif
