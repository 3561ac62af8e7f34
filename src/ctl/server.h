/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: one JSON object a line, both ways. A request with "bytes": N is followed by so many of a text, which need
 * not become JSON and be read as such: a configuration of 100,000 flows has 20 MB. root and the daemon's own user and group may speak to it. */
#ifndef ZONEGATE_CTL_SERVER_H
#define ZONEGATE_CTL_SERVER_H

#include <jansson.h>
#include <poll.h>

#include "event/event.h"
#include "zonegate/err.h"
#include "zonegate/text.h"

struct zg_ctl;

/* Answers a request (borrowed) with a new object; who is "uid N" of the peer. text: what came with it, or its member "text", or
 * NULL; borrowed, and may be held on to. Never NULL. "observe" is served here. */
typedef json_t *zg_ctl_handler(void *ctx, const char *command, const json_t *request, struct zg_text *text, const char *who);

/* Makes dir/control.sock (mode 0660), replacing one that nobody listens on. */
enum zg_err zg_ctl_open(const char *dir, zg_ctl_handler *handler, void *ctx, struct zg_ctl **ret_ctl);
void zg_ctl_close(struct zg_ctl *ctl);
size_t zg_ctl_poll(const struct zg_ctl *ctl, struct pollfd *fds, size_t max);
void zg_ctl_ready(struct zg_ctl *ctl, int fd, short events);
/* Keeps the event for observe --since and gives it to those who follow. */
void zg_ctl_publish(struct zg_ctl *ctl, const struct zg_event *e);

#endif
