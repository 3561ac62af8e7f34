/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inspector process: packets from the queue socket into the engine, its answers to the gate and the supervisor. */
#include "inspect/worker.h"
#include "event/aggregate.h"
#include "inspect/run.h"
#include "sys/clock.h"
#include "sys/place.h"
#include "sys/sandbox.h"
#include "zonegate/msg.h"
#include "zonegate/rtab.h"
#include "zonegate/stream.h"
#include "zonegate/vring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Datagrams per receive: beyond 32 nothing more is gained; and of large ones as many as a processor's own cache holds, so
 * that what is copied here is still there when it is looked at. */
#define BATCH	  32u
#define BATCH_BIG 6u
/* One NFQUEUE message: the largest packet and its attributes. */
#define SLOT (80u * 1024)
/* ms between two looks at what is not the queue while packets come. */
#define LOOK_MS 10u
/* A message of the queue from which on its verdict is shown before the batch is through. */
#define BIG (16u * 1024)

struct worker {
	int chan, queue, gate, epoll;
	struct zg_vring ring; /* verdicts to the gate */
	struct zg_run run;    /* of them: what is not yet in the ring */
	struct zg_engine *engine;
	struct zg_rtabs rtabs;
	struct zg_aggregate *repeats; /* events that are told together */
	uint32_t credit;	      /* records that may still be told one by one */
	struct zg_msg_stats stats;
	struct zg_place place;
	uint64_t now_ms, flushed_ms, stats_ms, placed_ms;
	uint32_t last_id;
	uint32_t staged; /* the generation of the newest table */
	bool gate_gone, ack_due;
	bool revising; /* connections are being held against the newest table */
	unsigned vlen; /* datagrams of the next receive */
	uint8_t *slots; /* BATCH * SLOT */
	uint8_t *msg;	/* ZG_MSG_MAX, for the supervisor's messages */
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	uint8_t body[sizeof(struct zg_msg_replace) + ZG_PACKET_MAX]; /* of a message to the gate */
};

/* --- engine's owner --------------------------------------------------------------------------- */

static bool own_resolve(void *ctx, uint32_t mark, struct zg_flow_policy *ret_policy)
{
	const struct worker *w = ctx;
	const struct zg_rtab *rtab = zg_rtabs_of(&w->rtabs, mark);
	return rtab != NULL && zg_rtab_resolve(rtab, mark, ret_policy);
}

static bool own_permits(void *ctx, uint32_t mark, const struct zg_tuple *tuple)
{
	const struct worker *w = ctx;
	const struct zg_rtab *rtab = zg_rtabs_of(&w->rtabs, mark);
	return rtab != NULL && zg_rtab_permits(rtab, mark, tuple);
}

static uint32_t own_revised(void *ctx, uint64_t identity, const struct zg_tuple *tuple)
{
	const struct worker *w = ctx;
	return zg_rtab_find(w->rtabs.now, identity, tuple);
}

/* An entry for the gate. A ring that is full has no reader any more: nothing can be decided, so this process ends. */
static void put(struct worker *w, enum zg_vring_kind kind, uint32_t id)
{
	/* and nothing after it is told: "all up to" would cover the one that was lost */
	if (w->gate_gone || !zg_vring_put(&w->ring, kind, id))
		w->gate_gone = true;
}

static void tell_run(struct worker *w)
{
	uint32_t upto;
	if (zg_run_take(&w->run, &upto))
		put(w, ZG_VRING_UPTO, upto);
}

static void tell_gate(struct worker *w, enum zg_vring_kind kind, uint32_t id)
{
	tell_run(w);
	put(w, kind, id);
}

static void show(struct worker *w)
{
	tell_run(w);
	if (!w->gate_gone)
		zg_vring_show(&w->ring);
}

/* A message with a body, in order with the verdicts. Shown at once: a gate that sleeps would leave the channel full. */
static void message_gate(struct worker *w, enum zg_msg_type type, uint32_t number, const void *body, size_t len)
{
	if (zg_chan_send(w->gate, type, number, body, len, NULL, 0) != ZG_OK)
		w->gate_gone = true;
	tell_gate(w, ZG_VRING_MESSAGE, 0);
	show(w);
}

static void own_verdict(void *ctx, uint32_t id, bool accept, const uint8_t *packet, size_t len)
{
	struct worker *w = ctx;

	if (zg_run_decided(&w->run, id, accept && packet == NULL))
		return;
	if (packet == NULL) {
		tell_gate(w, accept ? ZG_VRING_ACCEPT : ZG_VRING_DROP, id);
		return;
	}
	const struct zg_msg_replace r = { .id = id, .mark = zg_engine_rewrite_mark(w->engine) };
	if (len > ZG_PACKET_MAX) {
		tell_gate(w, ZG_VRING_DROP, id);
		return;
	}
	memcpy(w->body, &r, sizeof r);
	memcpy(w->body + sizeof r, packet, len);
	message_gate(w, ZG_MSG_REPLACE, 0, w->body, sizeof r + len);
}

static void own_inject(void *ctx, const struct zg_inject *inject)
{
	message_gate(ctx, ZG_MSG_INJECT, 0, inject, sizeof *inject);
}

static void own_again(void *ctx, const struct zg_inject *inject, const uint8_t *bytes, size_t len)
{
	struct worker *w = ctx;

	memcpy(w->body, inject, sizeof *inject);
	memcpy(w->body + sizeof *inject, bytes, len);
	message_gate(w, ZG_MSG_INJECT, 0, w->body, sizeof *inject + len);
}

static bool event_emit(void *ctx, const struct zg_msg_event *event)
{
	struct worker *w = ctx;
	return zg_chan_send(w->chan, ZG_MSG_EVENT, 0, event, sizeof *event, NULL, 0) == ZG_OK;
}

static void own_event(void *ctx, const struct zg_flow_event *event)
{
	struct worker *w = ctx;
	struct zg_msg_event e;
	memset(&e, 0, sizeof e);
	e.flow = *event;
	e.count = 1;
	/* a digest belongs to one connection */
	if (event->kind == ZG_PACKET_DENIED || (w->credit == 0 && !event->digested)) {
		zg_aggregate_add(w->repeats, &e);
		return;
	}
	if (w->credit > 0)
		w->credit--;
	if (!event_emit(w, &e))
		w->stats.events_lost++;
}

/* --- packets ------------------------------------------------------------------------------------ */

static int parse_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;
	if (mnl_attr_type_valid(attr, NFQA_MAX) > 0)
		tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static uint32_t attr_be32(const struct nlattr *attr)
{
	return attr != NULL && mnl_attr_get_payload_len(attr) >= 4 ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

static int on_packet(const struct nlmsghdr *nlh, void *data)
{
	struct worker *w = data;
	const struct nlattr *tb[NFQA_MAX + 1] = { NULL };
	struct nfqnl_msg_packet_hdr ph;

	if (nlh->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET))
		return MNL_CB_OK;
	if (mnl_attr_parse(nlh, sizeof(struct nfgenmsg), parse_attr, tb) < 0 || tb[NFQA_PACKET_HDR] == NULL ||
	    mnl_attr_get_payload_len(tb[NFQA_PACKET_HDR]) < sizeof ph) {
		zg_run_break(&w->run);
		return MNL_CB_OK;
	}
	memcpy(&ph, mnl_attr_get_payload(tb[NFQA_PACKET_HDR]), sizeof ph);
	struct zg_packet p = {
		.id = ntohl(ph.packet_id),
		.mark = attr_be32(tb[NFQA_MARK]),
		.checksum_unfilled = (attr_be32(tb[NFQA_SKB_INFO]) & NFQA_SKB_CSUMNOTREADY) != 0,
		.merged = (attr_be32(tb[NFQA_SKB_INFO]) & NFQA_SKB_GSO) != 0,
		.now_ms = w->now_ms,
	};
	if (tb[NFQA_PAYLOAD] != NULL) {
		/* the attribute's own length, never NFQA_CAP_LEN: that one says what the packet had */
		p.data = mnl_attr_get_payload(tb[NFQA_PAYLOAD]);
		p.len = mnl_attr_get_payload_len(tb[NFQA_PAYLOAD]);
	}
	p.wire_len = tb[NFQA_CAP_LEN] != NULL ? attr_be32(tb[NFQA_CAP_LEN]) : p.len;
	if (p.id != w->last_id + 1) { /* the kernel counts from 1 on */
		w->stats.queue_gaps += p.id - w->last_id - 1;
		zg_run_break(&w->run);
	}
	w->last_id = p.id;
	zg_run_came(&w->run);
	zg_engine_packet(w->engine, &p);
	return MNL_CB_OK;
}

static void on_datagram(struct worker *w, const uint8_t *p, size_t len, bool truncated)
{
	const struct nlmsghdr *first = (const void *)p;

	/* an error answers a verdict of the gate for a packet that is gone: nothing to do */
	if (len >= sizeof *first && first->nlmsg_type == NLMSG_ERROR)
		return;
	if (truncated || mnl_cb_run(p, len, 0, 0, on_packet, w) < MNL_CB_STOP)
		zg_run_break(&w->run);
}

/* Receives a batch; false when the socket is unusable. *ret_any: something was there. flags: MSG_DONTWAIT, or
 * MSG_WAITFORONE to wait for as long as the gate has set the socket's time. */
static bool on_queue(struct worker *w, int flags, bool *ret_any)
{
	int n = recvmmsg(w->queue, w->msgs, w->vlen, flags, NULL);

	*ret_any = n > 0;
	w->vlen = BATCH;
	if (n < 0) {
		if (errno == ENOBUFS) /* the kernel dropped some: closed, and counted */
			w->stats.queue_overrun++;
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
	}
	w->now_ms = zg_now_ms();
	for (int i = 0; i < n && !w->gate_gone; i++) {
		on_datagram(w, w->slots + (size_t)i * SLOT, w->msgs[i].msg_len, w->msgs[i].msg_hdr.msg_flags & MSG_TRUNC);
		/* what takes the gate long enough it may begin with */
		if (w->msgs[i].msg_len >= BIG) {
			show(w);
			w->vlen = BATCH_BIG;
		}
	}
	show(w);
	return true;
}

/* --- the supervisor ------------------------------------------------------------------------------ */

/* While the supervisor makes a policy, our events fill its channel: then it is told when there is room again. */
static void acknowledge(struct worker *w)
{
	if (w->ack_due)
		w->ack_due = zg_chan_send(w->chan, ZG_MSG_POLICY_ACK, w->staged, NULL, 0, NULL, 0) != ZG_OK;
}

static bool on_supervisor(struct worker *w)
{
	struct zg_chan_msg msg;
	struct zg_rtab *rtab;
	bool ok = false;

	if (zg_chan_recv(w->chan, w->msg, ZG_MSG_MAX, true, &msg) != ZG_OK)
		return false;
	if (msg.hdr.type == ZG_MSG_POLICY && zg_rtab_map(msg.fds[0], &rtab) == ZG_OK) {
		/* what is withdrawn is reset under the table that the gate is about to forget */
		while (w->revising)
			w->revising = zg_engine_revise(w->engine, false);
		zg_rtabs_push(&w->rtabs, rtab);
		w->staged = zg_rtab_generation(rtab);
		w->ack_due = ok = true;
		acknowledge(w);
	} else if (msg.hdr.type == ZG_MSG_IN_FORCE) {
		ok = true;
		if (msg.hdr.number == w->staged)
			w->revising = zg_engine_revise(w->engine, true);
	} else if (msg.hdr.type == ZG_MSG_PING) {
		message_gate(w, ZG_MSG_PONG, msg.hdr.number & 0xffffffu, NULL, 0);
		ok = !w->gate_gone;
	}
	zg_chan_close_fds(&msg);
	return ok;
}

static void housekeeping(struct worker *w)
{
	zg_engine_tick(w->engine, w->now_ms);
	show(w);
	acknowledge(w);
	if (w->now_ms - w->flushed_ms >= 1000) {
		zg_aggregate_flush(w->repeats, event_emit, w);
		w->flushed_ms = w->now_ms;
		w->credit = w->credit + ZG_RECORDS_PER_S < ZG_RECORDS_BURST ? w->credit + ZG_RECORDS_PER_S : ZG_RECORDS_BURST;
	}
	if (w->now_ms - w->stats_ms >= 1000) {
		zg_engine_stats(w->engine, &w->stats.engine);
		/* a full channel: the next second's numbers say the same and more */
		(void)zg_chan_send(w->chan, ZG_MSG_STATS, 0, &w->stats, sizeof w->stats, NULL, 0);
		w->stats_ms = w->now_ms;
	}
}

/* The supervisor still listens until we are gone: what was refused in the last second is not lost. */
static void last_words(struct worker *w)
{
	zg_aggregate_flush(w->repeats, event_emit, w);
	zg_engine_stats(w->engine, &w->stats.engine);
	(void)zg_chan_send(w->chan, ZG_MSG_STATS, 0, &w->stats, sizeof w->stats, NULL, 0);
}

enum { FROM_SUPERVISOR, FROM_QUEUE, FROM_GATE };

/* What has come, as bits of the enum above; wait: at most until something does. -1: unusable. */
static int wait_for_work(struct worker *w, bool wait)
{
	struct epoll_event events[3];
	int ready = 0, n = epoll_wait(w->epoll, events, 3, !wait ? 0 : w->revising ? (int)LOOK_MS : 250);

	w->now_ms = zg_now_ms();
	if (n < 0)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++)
		ready |= 1 << events[i].data.u32;
	return ready;
}

/* Goes where the gate would have us, see gate/placing.h. */
static void settle(struct worker *w)
{
	if (w->now_ms - w->placed_ms < LOOK_MS)
		return;
	w->placed_ms = w->now_ms;
	zg_place_go(&w->place, zg_vring_account(&w->ring, zg_place_used_ns()));
}

/* While packets come, the process waits at their socket alone, one system call for each batch, and looks at the others now
 * and then; otherwise at all of them. */
static void loop(struct worker *w)
{
	uint64_t ticked = 0;
	bool busy = false;

	while (!w->gate_gone) {
		const int ready = wait_for_work(w, !busy);
		const uint64_t looked = w->now_ms;
		if (ready < 0 || (ready & 1 << FROM_GATE)) /* of the gate only its end is heard */
			return;
		if ((ready & 1 << FROM_SUPERVISOR) && !on_supervisor(w))
			return;
		if ((ready & 1 << FROM_QUEUE) && !on_queue(w, MSG_DONTWAIT, &busy))
			return;
		while (busy && !w->gate_gone && w->now_ms - looked < LOOK_MS) {
			/* Where processors are scarce, who makes the next packets runs first: they come as one batch, and nobody
			 * has to wake us. Where they are not, this does nothing. */
			sched_yield();
			if (!on_queue(w, MSG_WAITFORONE, &busy))
				return;
		}
		if (w->revising)
			w->revising = zg_engine_revise(w->engine, false);
		settle(w);
		if (w->now_ms - ticked >= 100) {
			housekeeping(w);
			ticked = w->now_ms;
		}
	}
}

static bool watch(struct worker *w, int fd, uint32_t events, uint32_t tag)
{
	struct epoll_event e = { .events = events, .data.u32 = tag };
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* All that needs a right which the sandbox takes away. */
static bool set_up(struct worker *w, const struct zg_worker_fds *fds)
{
	w->chan = fds->chan;
	w->queue = fds->queue;
	w->gate = fds->gate;
	zg_place_init(&w->place);
	w->slots = malloc(BATCH * SLOT);
	w->msg = malloc(ZG_MSG_MAX);
	if (w->slots == NULL || w->msg == NULL || zg_vring_map(fds->memory, fds->bell, &w->ring) != ZG_OK)
		return false;
	close(fds->memory);
	for (size_t i = 0; i < BATCH; i++) {
		w->iov[i] = (struct iovec){ w->slots + i * SLOT, SLOT };
		w->msgs[i].msg_hdr.msg_iov = &w->iov[i];
		w->msgs[i].msg_hdr.msg_iovlen = 1;
	}
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	return w->epoll >= 0 && watch(w, w->chan, EPOLLIN, FROM_SUPERVISOR) && watch(w, w->queue, EPOLLIN, FROM_QUEUE) &&
	       watch(w, w->gate, 0, FROM_GATE);
}

int zg_worker_run(const struct zg_worker_fds *fds)
{
	const char *what = "";
	uint64_t seed;
	int status = EXIT_FAILURE;
	struct worker *w = calloc(1, sizeof *w);

	if (w == NULL)
		return status;
	w->ring.bell = w->epoll = -1;
	w->vlen = BATCH;
	w->credit = ZG_RECORDS_BURST;
	const struct zg_engine_owner owner = {
		.ctx = w,
		.resolve = own_resolve,
		.permits = own_permits,
		.revised = own_revised,
		.verdict = own_verdict,
		.inject = own_inject,
		.again = own_again,
		.event = own_event,
	};
	if (!set_up(w, fds) || getrandom(&seed, sizeof seed, 0) != sizeof seed ||
	    zg_aggregate_new(&w->repeats) != ZG_OK || zg_engine_new(&owner, seed, &w->engine) != ZG_OK)
		goto out;
	if (zg_sandbox_enter(ZG_SANDBOX_PARSER, &what) != ZG_OK) {
		fprintf(stderr, "zonegated inspector: sandbox: %s: %s\n", what, strerror(errno));
		goto out;
	}
	w->now_ms = zg_now_ms();
	loop(w);
	last_words(w);
	status = EXIT_SUCCESS;
out:
	zg_engine_free(w->engine);
	zg_aggregate_free(w->repeats);
	zg_rtabs_clear(&w->rtabs);
	zg_vring_free(&w->ring);
	if (w->epoll >= 0)
		close(w->epoll);
	free(w->slots);
	free(w->msg);
	free(w);
	return status;
}
