/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between zonegate's own processes, over SOCK_SEQPACKET pairs: one send, one message. The receiver trusts
 * nothing: length, type and every enum are checked before use (zg_chan_recv and the zg_msg_*_get functions).
 * Native byte order: both ends are the same program on the same machine.
 *
 *   supervisor -> gate       CONFIG POLICY REBIND PING
 *   gate -> supervisor       QUEUE(4 fds) POLICY_ACK PONG
 *   supervisor -> inspector  POLICY(1 fd) IN_FORCE PING
 *   inspector -> supervisor  POLICY_ACK EVENT STATS
 *   inspector -> gate        REPLACE INJECT PONG, each announced in the verdict ring (vring.h)
 *   watch -> supervisor      EVENT STATS
 */
#ifndef ZONEGATE_MSG_H
#define ZONEGATE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/err.h"
#include "zonegate/limits.h"
#include "zonegate/stream.h"

enum zg_msg_type {
	ZG_MSG_CONFIG = 1, /* struct zg_msg_config */
	ZG_MSG_POLICY,	   /* generation in number; one fd: the sealed runtime table (rtab.h) */
	ZG_MSG_POLICY_ACK, /* generation in number */
	ZG_MSG_IN_FORCE,   /* generation in number: what was staged is in force, and what it does not permit is to end */
	ZG_MSG_REBIND,	   /* queue index in number: its inspector is gone */
	ZG_MSG_QUEUE,	   /* queue index in number; four fds: queue socket, channel to the gate, verdict ring, its bell */
	ZG_MSG_PING,	   /* number echoed in PONG, which goes through the gate: the whole verdict path */
	ZG_MSG_PONG,
	ZG_MSG_REPLACE,	 /* struct zg_msg_replace and the packet; accepts */
	ZG_MSG_INJECT,	 /* struct zg_inject; ZG_INJECT_AGAIN: and the bytes */
	ZG_MSG_EVENT,	 /* struct zg_msg_event */
	ZG_MSG_STATS,	 /* struct zg_msg_stats */
	ZG_MSG_TYPE_END
};

/* In the upper eight bits of a PONG to the supervisor: the queue's index, or the gate itself. */
#define ZG_PONG_GATE 0xffu

struct zg_msg_hdr {
	uint32_t type;
	uint32_t len;	 /* of the whole message, header included */
	uint32_t number; /* meaning by type */
	uint32_t zero;
};

struct zg_msg_config {
	uint16_t queue_base;
	uint16_t queues;
};

/* A packet goes out in the place of the one with this id. */
struct zg_msg_replace {
	uint32_t id;
	uint32_t mark; /* the flow that it belongs to */
};

/* An event of a connection or a group of equal packets. */
struct zg_msg_event {
	struct zg_flow_event flow;
	uint64_t count;	     /* packets in the group; 1 for connections */
	char iface_in[16];   /* watch only: as the kernel named them, NUL-terminated */
	char iface_out[16];
	char prefix[24];     /* watch only: the rule's log prefix */
};

struct zg_msg_stats {
	struct zg_engine_stats engine;
	uint64_t queue_gaps;	/* packets that the kernel dropped before they reached us (id gaps) */
	uint64_t queue_overrun; /* ENOBUFS seen */
	uint64_t events_lost;	/* events that did not fit the channel */
};

/* Sends one message; fds may be NULL. ZG_EAGAIN when a non-blocking channel is full, ZG_ESYS otherwise. */
enum zg_err zg_chan_send(int chan, enum zg_msg_type type, uint32_t number, const void *body, size_t body_len,
			 const int *fds, size_t n_fds);
#define ZG_CHAN_FDS 4
#define ZG_QUEUE_FDS 4 /* of a QUEUE */
struct zg_chan_msg {
	struct zg_msg_hdr hdr;
	const uint8_t *body; /* into the caller's buffer, 8-byte aligned if the buffer is */
	size_t body_len;
	int fds[ZG_CHAN_FDS]; /* -1 = none; the caller owns them */
};
/* Receives one message into buf (cap >= ZG_MSG_MAX for any message). ZG_ENOENT: the other end is gone; ZG_EAGAIN: nothing
 * there (non-blocking); ZG_EINVAL: malformed, to be treated as a broken peer. On error no fd is left open. */
enum zg_err zg_chan_recv(int chan, uint8_t *buf, size_t cap, bool block, struct zg_chan_msg *ret_msg);
void zg_chan_close_fds(struct zg_chan_msg *msg);
/* The body as a struct of exactly that size, or NULL. */
const void *zg_msg_body(const struct zg_chan_msg *msg, size_t size);
/* Enums and families in range? For messages from processes that parse. */
bool zg_inject_valid(const struct zg_inject *inject);
/* The body of ZG_MSG_INJECT and the bytes that it brings along, valid as the body is; NULL = malformed. */
const struct zg_inject *zg_msg_inject(const struct zg_chan_msg *msg, const uint8_t **ret_bytes, size_t *ret_len);
bool zg_msg_event_valid(const struct zg_msg_event *event);

#endif
