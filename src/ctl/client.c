/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define QUIET_S 2 /* seconds for an answer that can be done without */

/* -1 and errno; ENAMETOOLONG: no socket can have such a path. */
static int try_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof addr.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
		const int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

static const char *path_of(const char *socket_path)
{
	const char *path = socket_path;
	if (path == NULL)
		path = getenv("ZONEGATE_SOCKET");
	return path != NULL ? path : ZG_RUN_DIR "/" ZG_CTL_SOCKET;
}

FILE *zg_client_open(const char *socket_path, enum zg_exit *ret_exit)
{
	const char *path = path_of(socket_path);
	const int fd = try_connect(path);

	*ret_exit = ZG_EXIT_FAILED;
	if (fd < 0) {
		switch (errno) {
		case ENAMETOOLONG:
			fprintf(stderr, "zonegatectl: the path of the control socket is too long: %s\n", path);
			*ret_exit = ZG_EXIT_USAGE;
			return NULL;
		case EACCES:
		case EPERM:
			fprintf(stderr, "zonegatectl: %s: not permitted; run it as root (sudo)\n", path);
			return NULL;
		default:
			fprintf(stderr, "zonegatectl: zonegated is not running (%s: %s); start it with `systemctl start zonegated`\n", path,
				strerror(errno));
			*ret_exit = ZG_EXIT_NO_DAEMON;
			return NULL;
		}
	}
	FILE *link = fdopen(fd, "r+");
	if (link == NULL)
		close(fd);
	return link;
}

json_t *zg_client_quietly(const char *socket_path, const char *command)
{
	const struct timeval patience = { .tv_sec = QUIET_S };
	const int fd = try_connect(path_of(socket_path));
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	FILE *link = fd >= 0 ? fdopen(fd, "r+") : NULL;
	json_t *answer = link != NULL && zg_client_send(link, json_pack("{s:s}", "command", command)) ? zg_client_receive(link) : NULL;
	if (link != NULL)
		fclose(link);
	else if (fd >= 0)
		close(fd);
	return answer;
}

bool zg_client_send(FILE *link, json_t *request)
{
	int rc = json_dumpf(request, link, JSON_COMPACT);
	json_decref(request);
	return rc == 0 && fputc('\n', link) != EOF && fflush(link) == 0;
}

json_t *zg_client_receive(FILE *link)
{
	char *line = NULL;
	size_t cap = 0;
	json_error_t error;
	ssize_t n = getline(&line, &cap, link);
	json_t *o = n > 0 ? json_loadb(line, (size_t)n, 0, &error) : NULL;
	free(line);
	return o;
}
