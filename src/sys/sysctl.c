/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define IPV4_FORWARD "/proc/sys/net/ipv4/ip_forward"
#define IPV6_FORWARD "/proc/sys/net/ipv6/conf/all/forwarding"

static enum zg_err put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return ZG_ESYS;
	ssize_t n = write(fd, value, strlen(value));
	int saved = errno;
	close(fd);
	errno = saved;
	return n == (ssize_t)strlen(value) ? ZG_OK : ZG_ESYS;
}

static char first(const char *path)
{
	char c = '?';
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return c;
	if (read(fd, &c, 1) != 1)
		c = '?';
	close(fd);
	return c;
}

/* Writes only what differs: where the value is right already, no permission is needed. */
static enum zg_err ensure(const char *path, const char *value)
{
	return first(path) == value[0] ? ZG_OK : put(path, value);
}

enum zg_err zg_forwarding_set(bool on, const char **ret_what)
{
	static const char *const paths[] = { IPV4_FORWARD, IPV6_FORWARD };
	enum zg_err err = ZG_OK;
	/* closing goes on after a failure, so that one family's trouble does not leave the other open */
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		enum zg_err one = ensure(paths[i], on ? "1" : "0");
		if (one == ZG_OK || (errno == ENOENT && i > 0)) /* a kernel without IPv6 forwards none */
			continue;
		*ret_what = paths[i];
		err = one;
		if (on)
			return err;
	}
	return err;
}

bool zg_forwarding_get(void)
{
	return first(IPV4_FORWARD) == '1' || first(IPV6_FORWARD) == '1';
}
