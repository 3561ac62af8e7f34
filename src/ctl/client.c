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

static const char *path_of(const char *socket_path)
{
	const char *path = socket_path != NULL ? socket_path : getenv("ZONEGATE_SOCKET");
	return path != NULL ? path : ZG_RUN_DIR "/" ZG_CTL_SOCKET;
}

/* -1 and errno. */
static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof addr.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

static FILE *stream_of(int fd)
{
	FILE *link = fd >= 0 ? fdopen(fd, "r+") : NULL;
	if (link == NULL && fd >= 0)
		close(fd);
	return link;
}

FILE *zg_client_try(const char *socket_path)
{
	return stream_of(connect_to(path_of(socket_path)));
}

FILE *zg_client_open(const char *socket_path, enum zg_exit *ret_exit)
{
	const char *path = path_of(socket_path);
	const int fd = connect_to(path);

	*ret_exit = ZG_EXIT_FAILED;
	if (fd >= 0)
		return stream_of(fd);
	switch (errno) {
	case ENAMETOOLONG:
		fprintf(stderr, "zonegatectl: the path of the control socket is too long: %s\n", path);
		*ret_exit = ZG_EXIT_USAGE;
		break;
	case EACCES:
	case EPERM:
		fprintf(stderr, "zonegatectl: %s: not permitted; run it as root (sudo)\n", path);
		break;
	default:
		fprintf(stderr, "zonegatectl: zonegated is not running (%s: %s); start it with `systemctl start zonegated`\n", path,
			strerror(errno));
		*ret_exit = ZG_EXIT_NO_DAEMON;
	}
	return NULL;
}

json_t *zg_client_quietly(const char *socket_path, const char *command)
{
	const struct timeval patience = { .tv_sec = QUIET_S };
	const int fd = connect_to(path_of(socket_path));
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	FILE *link = stream_of(fd);
	json_t *answer = link != NULL && zg_client_send(link, json_pack("{s:s}", "command", command)) ? zg_client_receive(link) : NULL;
	if (link != NULL)
		fclose(link);
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

static bool send_with(FILE *link, json_t *request, const struct zg_text *text)
{
	if (text == NULL)
		return zg_client_send(link, request);
	if (json_object_set_new(request, "bytes", json_integer((json_int_t)text->len)) != 0) {
		json_decref(request);
		return false;
	}
	return zg_client_send(link, request) && fwrite(text->bytes, 1, text->len, link) == text->len && fflush(link) == 0;
}

json_t *zg_client_ask_with(const char *socket_path, json_t *request, const struct zg_text *text, enum zg_exit *ret_exit)
{
	FILE *link = request != NULL ? zg_client_open(socket_path, ret_exit) : NULL;
	if (link == NULL) {
		json_decref(request);
		return NULL;
	}
	json_t *answer = send_with(link, request, text) ? zg_client_receive(link) : NULL;
	fclose(link);
	if (answer == NULL) {
		fputs("zonegatectl: the daemon closed the connection without an answer; see its journal\n", stderr);
		*ret_exit = ZG_EXIT_FAILED;
	}
	return answer;
}

json_t *zg_client_ask(const char *socket_path, json_t *request, enum zg_exit *ret_exit)
{
	return zg_client_ask_with(socket_path, request, NULL, ret_exit);
}

long zg_client_seconds(const char *text)
{
	static const char units[] = "smhd";
	static const long seconds[] = { 1, 60, 3600, 86400 };
	char *end;
	long n = strtol(text, &end, 10);
	const char *unit = *end != '\0' ? strchr(units, *end) : units;
	if (end == text || n < 0 || n > 1000000 || unit == NULL || (*end != '\0' && end[1] != '\0'))
		return -1;
	return n * seconds[unit - units];
}

bool zg_arg_number(const char *text, uint32_t *ret_number)
{
	const size_t len = strlen(text);
	const unsigned long long number = strtoull(text, NULL, 10);
	if (len == 0 || len > 10 || strspn(text, "0123456789") != len || number > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

error_t zg_client_parse(int key, char *arg, struct argp_state *state, struct zg_client_options *o)
{
	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 'S':
		o->socket = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "takes no arguments: '%s'", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
