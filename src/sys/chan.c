/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/icmp.h"
#include "zonegate/msg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum zg_err zg_chan_send(int chan, enum zg_msg_type type, uint32_t number, const void *body, size_t body_len,
			 const int *fds, size_t n_fds)
{
	struct zg_msg_hdr hdr = { .type = type, .len = (uint32_t)(sizeof hdr + body_len), .number = number };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * ZG_CHAN_FDS)];
	} control = { 0 };
	/* sendmsg() only reads: the cast drops a const that struct iovec cannot express */
	struct iovec iov[2] = { { &hdr, sizeof hdr }, { (void *)(uintptr_t)body, body_len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = body_len ? 2 : 1 };

	if (body_len > ZG_MSG_MAX - sizeof hdr || n_fds > ZG_CHAN_FDS)
		return ZG_EINVAL;
	if (n_fds > 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	ssize_t n;
	do
		n = sendmsg(chan, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? ZG_EAGAIN : ZG_ESYS;
	return ZG_OK;
}

void zg_chan_close_fds(struct zg_chan_msg *msg)
{
	for (size_t i = 0; i < ZG_CHAN_FDS; i++) {
		if (msg->fds[i] >= 0)
			close(msg->fds[i]);
		msg->fds[i] = -1;
	}
}

static void take_fds(struct msghdr *msg, int fds[static ZG_CHAN_FDS])
{
	size_t n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (n < ZG_CHAN_FDS)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
}

enum zg_err zg_chan_recv(int chan, uint8_t *buf, size_t cap, bool block, struct zg_chan_msg *ret_msg)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * ZG_CHAN_FDS)];
	} control;
	struct iovec iov = { buf, cap };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof control.buf };
	struct zg_chan_msg msg = { .body = NULL };
	ssize_t n;

	for (size_t i = 0; i < ZG_CHAN_FDS; i++)
		msg.fds[i] = -1;
	do
		n = recvmsg(chan, &mh, MSG_CMSG_CLOEXEC | (block ? 0 : MSG_DONTWAIT));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno == ECONNRESET)
			return ZG_ENOENT;
		return errno == EAGAIN ? ZG_EAGAIN : ZG_ESYS;
	}
	if (n == 0)
		return ZG_ENOENT;
	take_fds(&mh, msg.fds);
	if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (size_t)n < sizeof msg.hdr)
		goto malformed;
	memcpy(&msg.hdr, buf, sizeof msg.hdr);
	if (msg.hdr.len != (size_t)n || msg.hdr.type == 0 || msg.hdr.type >= ZG_MSG_TYPE_END || msg.hdr.zero != 0)
		goto malformed;
	msg.body = buf + sizeof msg.hdr;
	msg.body_len = (size_t)n - sizeof msg.hdr;
	*ret_msg = msg;
	return ZG_OK;

malformed:
	zg_chan_close_fds(&msg);
	return ZG_EINVAL;
}

const void *zg_msg_body(const struct zg_chan_msg *msg, size_t size)
{
	return msg->body_len == size ? msg->body : NULL;
}

static bool tuple_valid(const struct zg_tuple *t, bool may_be_empty)
{
	if (t->client.family == 0 && t->server.family == 0)
		return may_be_empty;
	return t->client.family == t->server.family && (t->client.family == ZG_IPV4 || t->client.family == ZG_IPV6);
}

/* A bool that came over the wire may hold any byte; reading it as bool would be undefined. */
static bool bool_valid(const bool *b)
{
	uint8_t v;
	memcpy(&v, b, 1);
	return v <= 1;
}

static bool enum_in(const void *field, size_t size, uint32_t lo, uint32_t end)
{
	uint32_t v = 0;
	memcpy(&v, field, size < sizeof v ? size : sizeof v);
	return v >= lo && v < end;
}

#define ENUM_IN(field, lo, end) enum_in(&(field), sizeof(field), (uint32_t)(lo), (uint32_t)(end))

/* Only what the inspector may tell too, and for both transports; everything else is TCP. */
static bool icmp_valid(const struct zg_inject *i)
{
	const uint8_t family = i->tuple.client.family;

	if (i->kind != ZG_INJECT_ICMP)
		return i->tuple.protocol == ZG_TCP;
	if ((i->tuple.protocol != ZG_TCP && i->tuple.protocol != ZG_UDP) || !zg_icmp_allowed(family, i->icmp_type, i->icmp_code))
		return false;
	return zg_icmp_too_big(family, i->icmp_type, i->icmp_code) ? zg_icmp_mtu_possible(family, i->mtu) : i->mtu == 0;
}

bool zg_inject_valid(const struct zg_inject *i)
{
	return ENUM_IN(i->kind, ZG_INJECT_RST, ZG_INJECT_AGAIN + 1) && ENUM_IN(i->refusal, 0, ZG_REFUSAL_COUNT) &&
	       ENUM_IN(i->reason, 0, ZG_REASON_COUNT) && bool_valid(&i->to_client) && bool_valid(&i->has_ack) &&
	       bool_valid(&i->timestamps) && bool_valid(&i->sack) && (!i->sack || i->kind == ZG_INJECT_ACK) &&
	       tuple_valid(&i->tuple, false) && icmp_valid(i) &&
	       (i->kind != ZG_INJECT_REFUSAL || (i->to_client && i->refusal != ZG_REFUSAL_RESET));
}

const struct zg_inject *zg_msg_inject(const struct zg_chan_msg *msg, const uint8_t **ret_bytes, size_t *ret_len)
{
	const struct zg_inject *inject = (const void *)msg->body;

	if (msg->body_len < sizeof *inject || !zg_inject_valid(inject))
		return NULL;
	*ret_bytes = msg->body + sizeof *inject;
	*ret_len = msg->body_len - sizeof *inject;
	const bool fits = inject->kind == ZG_INJECT_AGAIN ? *ret_len > 0 && *ret_len <= ZG_INJECT_AGAIN_MAX : *ret_len == 0;
	return fits ? inject : NULL;
}

static bool note_valid(const struct zg_note *note)
{
	if (note->listed > ZG_NOTE_PARTS_MAX || note->listed > note->parts || memchr(note->id, 0, sizeof note->id) == NULL)
		return false;
	for (const char *c = note->id; *c != '\0'; c++)
		if (*c <= 0x20 || *c > 0x7E)
			return false;
	for (uint32_t i = 0; i < note->listed; i++)
		if (note->part[i].action >= ZG_NOTE_ACTIONS)
			return false;
	return true;
}

bool zg_msg_event_valid(const struct zg_msg_event *e)
{
	return ENUM_IN(e->flow.kind, ZG_FLOW_OPENED, ZG_CONTENT_CHANGED + 1) && note_valid(&e->flow.note) && ENUM_IN(e->flow.reason, 0, ZG_REASON_COUNT) &&
	       ENUM_IN(e->flow.dir, 0, 2) && bool_valid(&e->flow.digested) && tuple_valid(&e->flow.tuple, true) &&
	       memchr(e->iface_in, 0, sizeof e->iface_in) != NULL && memchr(e->iface_out, 0, sizeof e->iface_out) != NULL &&
	       memchr(e->prefix, 0, sizeof e->prefix) != NULL;
}
