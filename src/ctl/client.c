/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

FILE *zg_client_open(const char *socket_path, enum zg_exit *ret_exit)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = socket_path;

	if (path == NULL)
		path = getenv("ZONEGATE_SOCKET");
	if (path == NULL)
		path = ZG_RUN_DIR "/" ZG_CTL_SOCKET;
	*ret_exit = ZG_EXIT_FAILED;
	if (strlen(path) >= sizeof addr.sun_path) {
		fprintf(stderr, "zonegatectl: the path of the control socket is too long: %s\n", path);
		*ret_exit = ZG_EXIT_USAGE;
		return NULL;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		perror("zonegatectl: socket");
		return NULL;
	}
	if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
		int why = errno;
		close(fd);
		if (why == EACCES || why == EPERM) {
			fprintf(stderr, "zonegatectl: %s: not permitted; run it as root (sudo)\n", path);
			return NULL;
		}
		fprintf(stderr, "zonegatectl: zonegated is not running (%s: %s); start it with `systemctl start zonegated`\n", path,
			strerror(why));
		*ret_exit = ZG_EXIT_NO_DAEMON;
		return NULL;
	}
	FILE *link = fdopen(fd, "r+");
	if (link == NULL)
		close(fd);
	return link;
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
