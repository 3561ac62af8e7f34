/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/server.h"
#include "ctl/cmd.h"
#include "zonegate/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define OUT_MAX (16u * 1024 * 1024) /* bytes of events waiting for a client that does not read: then it is let go */
#define ANSWER_MAX (2u * ZG_CTL_REQUEST_MAX) /* bytes of one answer: the largest policy with every quote and line end escaped */

#define BACKLOG 64
#define NO_LINE SIZE_MAX

struct client {
	int fd; /* -1 = free */
	char *in;
	size_t in_len, in_cap;
	size_t at, line; /* where the next request begins, and its length; line = NO_LINE: not all of it is there */
	json_t *request; /* one whose text has not come in whole, or NULL */
	char *text;
	size_t text_len, text_have;
	uint64_t used;	 /* when it last asked, for whom to let go when all places are taken */
	char *out;
	size_t out_len, out_cap;
	bool follow; /* gets events */
	bool close_when_sent;
};

struct kept {
	char *json;
	uint64_t time_ms; /* realtime */
};

struct zg_ctl {
	int listener;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	zg_ctl_handler *handler;
	void *ctx;
	struct client clients[ZG_CTL_CLIENTS_MAX];
	struct kept ring[ZG_EVENT_RING];
	size_t ring_next;
	uint64_t uses;
};

static void client_drop(struct client *c)
{
	close(c->fd);
	json_decref(c->request);
	free(c->text);
	free(c->in);
	free(c->out);
	*c = (struct client){ .fd = -1 };
}

static bool someone_listens(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof *addr) == 0;
	if (fd >= 0)
		close(fd);
	return yes;
}

enum zg_err zg_ctl_open(const char *dir, zg_ctl_handler *handler, void *ctx, struct zg_ctl **ret_ctl)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct zg_ctl *ctl = calloc(1, sizeof *ctl);
	enum zg_err err = ZG_ESYS;

	if (ctl == NULL)
		return ZG_ENOMEM;
	ctl->handler = handler;
	ctl->ctx = ctx;
	for (size_t i = 0; i < ZG_CTL_CLIENTS_MAX; i++)
		ctl->clients[i].fd = -1;
	ctl->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(ctl->path, sizeof ctl->path, "%s/" ZG_CTL_SOCKET, dir);
	if (ctl->listener < 0 || n < 0 || (size_t)n >= sizeof ctl->path) {
		errno = ctl->listener < 0 ? errno : ENAMETOOLONG;
		goto fail;
	}
	memcpy(addr.sun_path, ctl->path, sizeof addr.sun_path);
	if (someone_listens(&addr)) {
		errno = EADDRINUSE;
		goto fail;
	}
	unlink(ctl->path);
	mode_t mask = umask(0117);
	int rc = bind(ctl->listener, (struct sockaddr *)&addr, sizeof addr);
	umask(mask);
	if (rc != 0 || listen(ctl->listener, BACKLOG) != 0)
		goto fail;
	*ret_ctl = ctl;
	return ZG_OK;
fail:
	if (ctl->listener >= 0)
		close(ctl->listener);
	free(ctl);
	return err;
}

void zg_ctl_close(struct zg_ctl *ctl)
{
	if (ctl == NULL)
		return;
	for (size_t i = 0; i < ZG_CTL_CLIENTS_MAX; i++)
		if (ctl->clients[i].fd >= 0)
			client_drop(&ctl->clients[i]);
	for (size_t i = 0; i < ZG_EVENT_RING; i++)
		free(ctl->ring[i].json);
	close(ctl->listener);
	unlink(ctl->path);
	free(ctl);
}

size_t zg_ctl_poll(const struct zg_ctl *ctl, struct pollfd *fds, size_t max)
{
	size_t n = 0;
	if (n < max)
		fds[n++] = (struct pollfd){ .fd = ctl->listener, .events = POLLIN };
	for (size_t i = 0; i < ZG_CTL_CLIENTS_MAX && n < max; i++) {
		const struct client *c = &ctl->clients[i];
		/* one request a round, so that nobody's flood holds up the others; and nothing is read from a client that
		 * does not take its answers */
		if (c->fd >= 0)
			fds[n++] = (struct pollfd){ .fd = c->fd, .events = c->out_len > 0 || c->line != NO_LINE ? POLLOUT : POLLIN };
	}
	return n;
}

static void client_flush(struct client *c)
{
	while (c->out_len > 0) {
		ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			client_drop(c);
			return;
		}
		memmove(c->out, c->out + n, c->out_len - (size_t)n);
		c->out_len -= (size_t)n;
	}
	if (c->close_when_sent)
		client_drop(c);
}

static bool grow(char **buf, size_t *cap, size_t need)
{
	size_t want = *cap ? *cap : 4096;
	while (want < need)
		want *= 2;
	if (want == *cap)
		return true;
	char *p = realloc(*buf, want);
	if (p == NULL)
		return false;
	*buf = p;
	*cap = want;
	return true;
}

static void client_say(struct client *c, const char *line, size_t max)
{
	size_t len = strlen(line);
	if (c->fd < 0)
		return;
	if (c->out_len + len + 1 > max || !grow(&c->out, &c->out_cap, c->out_len + len + 1)) {
		client_drop(c);
		return;
	}
	memcpy(c->out + c->out_len, line, len);
	c->out[c->out_len + len] = '\n';
	c->out_len += len + 1;
}

static void say_json(struct client *c, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (text == NULL) {
		client_drop(c);
		return;
	}
	client_say(c, text, ANSWER_MAX);
	free(text);
}

static json_t *refuse(const char *why)
{
	return json_pack("{s:i,s:b,s:s}", "schema", ZG_JSON_SCHEMA, "ok", 0, "error", why);
}

/* {"command":"observe","since_ms":N,"follow":bool}: what is kept, then what comes. */
static void observe(struct zg_ctl *ctl, struct client *c, const json_t *request)
{
	const json_int_t asked = json_integer_value(json_object_get(request, "since_ms"));
	const uint64_t since = asked > 0 ? (uint64_t)asked : 0;
	for (size_t i = 0; i < ZG_EVENT_RING; i++) {
		const struct kept *k = &ctl->ring[(ctl->ring_next + i) % ZG_EVENT_RING];
		if (k->json != NULL && k->time_ms >= since)
			client_say(c, k->json, OUT_MAX);
	}
	c->follow = json_is_true(json_object_get(request, "follow"));
	c->close_when_sent = !c->follow;
}

/* The text that a request brings in itself; NULL = none. */
static struct zg_text *own_text(const json_t *request)
{
	const json_t *text = json_object_get(request, "text");
	return json_is_string(text) ? zg_text_copy(json_string_value(text), json_string_length(text)) : NULL;
}

/* text: taken. */
static void serve(struct zg_ctl *ctl, struct client *c, const json_t *request, struct zg_text *text)
{
	char who[32] = "unknown";
	struct ucred cred;
	socklen_t cred_len = sizeof cred;
	const char *command = json_string_value(json_object_get(request, "command"));

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) == 0)
		snprintf(who, sizeof who, "uid %u", cred.uid);
	if (command == NULL)
		say_json(c, refuse("not a request"));
	else if (strcmp(command, "observe") == 0)
		observe(ctl, c, request);
	else
		say_json(c, ctl->handler(ctl->ctx, command, request, text, who));
	zg_text_drop(text);
	if (c->fd >= 0)
		client_flush(c);
}

/* The text behind the request has come in whole: both are served. */
static void serve_with_text(struct zg_ctl *ctl, struct client *c)
{
	json_t *request = c->request;
	struct zg_text *text = zg_text_of(c->text, c->text_len);
	c->request = NULL;
	c->text = NULL;
	if (text == NULL)
		client_drop(c);
	else
		serve(ctl, c, request, text);
	json_decref(request);
}

/* A text of so many bytes follows the request (taken), a part of it perhaps here already, behind the line. */
static void await_text(struct client *c, json_t *request, json_int_t bytes)
{
	if (bytes < 0 || bytes > (json_int_t)ZG_CONF_BYTES_MAX) {
		json_decref(request);
		c->close_when_sent = true; /* where the next request begins cannot be known */
		say_json(c, refuse("a text has 64 MiB at most"));
		if (c->fd >= 0)
			client_flush(c);
		return;
	}
	c->request = request;
	c->text_len = (size_t)bytes;
	c->text = malloc(c->text_len + 1);
	if (c->text == NULL) {
		client_drop(c);
		return;
	}
	const size_t here = c->in_len - c->at;
	c->text_have = here < c->text_len ? here : c->text_len;
	memcpy(c->text, c->in + c->at, c->text_have);
	c->text[c->text_len] = '\0';
	c->at += c->text_have;
}

/* Is there a whole request from c->at on? Bytes before known are known to have no end in them. */
static void client_find_line(struct client *c, size_t known)
{
	const char *end = c->in_len > known ? memchr(c->in + known, '\n', c->in_len - known) : NULL;
	c->line = end != NULL ? (size_t)(end - c->in) - c->at : NO_LINE;
	if (end != NULL || c->at == 0)
		return;
	memmove(c->in, c->in + c->at, c->in_len - c->at);
	c->in_len -= c->at;
	c->at = 0;
}

/* Bytes to a place in memory; how many, 0 = none for now or the client is gone. */
static size_t client_receive(struct client *c, char *to, size_t max)
{
	ssize_t n = recv(c->fd, to, max, MSG_DONTWAIT);
	if (n <= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR)))
		client_drop(c);
	return n > 0 ? (size_t)n : 0;
}

static void client_read(struct client *c)
{
	const size_t known = c->in_len;
	if (!grow(&c->in, &c->in_cap, known + 65536)) {
		client_drop(c);
		return;
	}
	const size_t n = client_receive(c, c->in + known, c->in_cap - known);
	if (n == 0)
		return;
	c->in_len += n;
	client_find_line(c, known);
	if (c->line == NO_LINE && c->in_len > ZG_CTL_REQUEST_MAX)
		client_drop(c);
}

/* The request is over; is there another? */
static void client_next(struct zg_ctl *ctl, struct client *c)
{
	if (c->fd >= 0 && c->request != NULL && c->text_have == c->text_len)
		serve_with_text(ctl, c);
	if (c->fd >= 0 && c->request == NULL)
		client_find_line(c, c->at);
}

static void client_serve(struct zg_ctl *ctl, struct client *c)
{
	json_error_t error;
	json_t *request = json_loadb(c->in + c->at, c->line, JSON_REJECT_DUPLICATES, &error);
	const json_t *bytes = json_object_get(request, "bytes");
	c->used = ++ctl->uses;
	c->at += c->line + 1;
	c->line = NO_LINE;
	if (json_is_integer(bytes)) {
		await_text(c, request, json_integer_value(bytes));
	} else {
		serve(ctl, c, request, own_text(request));
		json_decref(request);
	}
	client_next(ctl, c);
}

static void client_read_text(struct zg_ctl *ctl, struct client *c)
{
	const size_t n = client_receive(c, c->text + c->text_have, c->text_len - c->text_have);
	if (n == 0)
		return;
	c->text_have += n;
	client_next(ctl, c);
}

/* A free place, or that of who has been silent for longest; who follows the events is silent by nature and goes last. */
static struct client *place(struct zg_ctl *ctl)
{
	struct client *longest = &ctl->clients[0];
	for (size_t i = 0; i < ZG_CTL_CLIENTS_MAX; i++) {
		struct client *c = &ctl->clients[i];
		if (c->fd < 0)
			return c;
		if (c->follow != longest->follow ? longest->follow : c->used < longest->used)
			longest = c;
	}
	client_drop(longest);
	return longest;
}

static void client_accept(struct zg_ctl *ctl)
{
	int fd;
	for (int i = 0; i < BACKLOG && (fd = accept4(ctl->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0; i++)
		*place(ctl) = (struct client){ .fd = fd, .line = NO_LINE, .used = ++ctl->uses };
}

void zg_ctl_ready(struct zg_ctl *ctl, int fd, short events)
{
	if (fd == ctl->listener) {
		client_accept(ctl);
		return;
	}
	for (size_t i = 0; i < ZG_CTL_CLIENTS_MAX; i++) {
		struct client *c = &ctl->clients[i];
		if (c->fd != fd || fd < 0)
			continue;
		if (c->out_len > 0)
			client_flush(c);
		else if (c->request != NULL && (events & (POLLIN | POLLHUP | POLLERR)))
			client_read_text(ctl, c);
		else if (c->line == NO_LINE && (events & (POLLIN | POLLHUP | POLLERR)))
			client_read(c);
		if (c->fd == fd && c->line != NO_LINE && c->out_len == 0)
			client_serve(ctl, c);
		return;
	}
}

void zg_ctl_publish(struct zg_ctl *ctl, const struct zg_event *e)
{
	char *json = zg_event_json(e);
	if (json == NULL)
		return;
	struct kept *k = &ctl->ring[ctl->ring_next];
	ctl->ring_next = (ctl->ring_next + 1) % ZG_EVENT_RING;
	free(k->json);
	k->json = json;
	k->time_ms = (uint64_t)e->when.tv_sec * 1000 + (uint64_t)e->when.tv_nsec / 1000000;
	for (size_t i = 0; i < ZG_CTL_CLIENTS_MAX; i++) {
		struct client *c = &ctl->clients[i];
		if (c->fd >= 0 && c->follow) {
			client_say(c, json, OUT_MAX);
			if (c->fd >= 0)
				client_flush(c);
		}
	}
}
