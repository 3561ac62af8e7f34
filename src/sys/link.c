/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/link.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool zg_link_mac(const char *name, struct zg_mac *ret_mac)
{
	struct ifreq request = { .ifr_ifindex = 0 };
	/* any socket will do: the kernel answers for the network namespace */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	memcpy(request.ifr_name, name, strnlen(name, sizeof request.ifr_name - 1));
	int rc = ioctl(fd, SIOCGIFHWADDR, &request);
	close(fd);
	if (rc != 0 || request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return false;
	memcpy(ret_mac->b, request.ifr_hwaddr.sa_data, sizeof ret_mac->b);
	return true;
}

/* Drivers of the old interface have the first, those of cfg80211 both. */
bool zg_link_wireless(const char *name)
{
	static const char *const signs[] = { "wireless", "phy80211" };
	char path[128];
	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
		snprintf(path, sizeof path, "/sys/class/net/%.15s/%s", name, signs[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}
