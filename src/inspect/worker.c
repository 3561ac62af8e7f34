/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inspector process: packets from the queue socket into the engine, its answers to the gate and the supervisor. */
#include "inspect/worker.h"
#include "event/aggregate.h"
#include "sys/clock.h"
#include "sys/sandbox.h"
#include "zonegate/msg.h"
#include "zonegate/rtab.h"
#include "zonegate/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Datagrams per receive: beyond 32 nothing more is gained. */
#define BATCH 32u
/* One NFQUEUE message: the largest packet and its attributes. */
#define SLOT (80u * 1024)

struct worker {
	int chan, queue, gate;
	struct zg_engine *engine;
	struct zg_rtabs rtabs;
	struct zg_aggregate *refused;
	struct zg_msg_stats stats;
	uint64_t now_ms, flushed_ms, stats_ms;
	uint32_t last_id;
	bool have_id, gate_gone;
	uint8_t *slots; /* BATCH * SLOT */
	uint8_t *msg;	/* ZG_MSG_MAX, for the supervisor's messages */
	size_t out_used;
	uint32_t out_count;
	uint8_t out[ZG_MSG_MAX - sizeof(struct zg_msg_hdr)];
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

static void verdicts_flush(struct worker *w)
{
	if (w->out_count == 0)
		return;
	if (zg_chan_send(w->gate, ZG_MSG_VERDICTS, w->out_count, w->out, w->out_used, NULL, 0) != ZG_OK)
		w->gate_gone = true;
	w->out_used = 0;
	w->out_count = 0;
}

static void own_verdict(void *ctx, uint32_t id, bool accept, const uint8_t *packet, size_t len)
{
	struct worker *w = ctx;
	struct zg_msg_verdict v = { .id = id, .accept = accept };
	if (packet != NULL) {
		v.mark = zg_engine_rewrite_mark(w->engine);
		v.len = (uint32_t)len;
	}
	size_t padded = (v.len + 3u) & ~3u;

	if (w->out_used + sizeof v + padded > sizeof w->out)
		verdicts_flush(w);
	memcpy(w->out + w->out_used, &v, sizeof v);
	w->out_used += sizeof v;
	if (v.len > 0) {
		memcpy(w->out + w->out_used, packet, v.len);
		memset(w->out + w->out_used + v.len, 0, padded - v.len);
		w->out_used += padded;
	}
	w->out_count++;
}

static void own_inject(void *ctx, const struct zg_inject *inject)
{
	struct worker *w = ctx;
	/* what was released before goes out before */
	verdicts_flush(w);
	if (zg_chan_send(w->gate, ZG_MSG_INJECT, 0, inject, sizeof *inject, NULL, 0) != ZG_OK)
		w->gate_gone = true;
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
	if (event->kind == ZG_PACKET_DENIED)
		zg_aggregate_add(w->refused, &e);
	else if (!event_emit(w, &e))
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

	/* an error message answers a verdict of the gate for a packet that is gone: nothing to do */
	if (nlh->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET))
		return MNL_CB_OK;
	if (mnl_attr_parse(nlh, sizeof(struct nfgenmsg), parse_attr, tb) < 0 || tb[NFQA_PACKET_HDR] == NULL ||
	    mnl_attr_get_payload_len(tb[NFQA_PACKET_HDR]) < sizeof ph)
		return MNL_CB_OK;
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
	if (w->have_id && p.id != w->last_id + 1)
		w->stats.queue_gaps += p.id - w->last_id - 1;
	w->last_id = p.id;
	w->have_id = true;
	zg_engine_packet(w->engine, &p);
	return MNL_CB_OK;
}

/* Receives a batch; false when the socket is unusable. */
static bool on_queue(struct worker *w)
{
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];

	memset(msgs, 0, sizeof msgs);
	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ w->slots + i * SLOT, SLOT };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	int n = recvmmsg(w->queue, msgs, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) {
		if (errno == ENOBUFS) /* the kernel dropped some: closed, and counted */
			w->stats.queue_overrun++;
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
	}
	for (int i = 0; i < n; i++)
		if (!(msgs[i].msg_hdr.msg_flags & MSG_TRUNC))
			(void)mnl_cb_run(w->slots + (size_t)i * SLOT, msgs[i].msg_len, 0, 0, on_packet, w);
	verdicts_flush(w);
	return true;
}

/* --- the supervisor ------------------------------------------------------------------------------ */

static bool on_supervisor(struct worker *w)
{
	struct zg_chan_msg msg;
	struct zg_rtab *rtab;
	bool ok = false;

	if (zg_chan_recv(w->chan, w->msg, ZG_MSG_MAX, true, &msg) != ZG_OK)
		return false;
	if (msg.hdr.type == ZG_MSG_POLICY && zg_rtab_map(msg.fds[0], &rtab) == ZG_OK) {
		zg_rtabs_push(&w->rtabs, rtab);
		ok = zg_chan_send(w->chan, ZG_MSG_POLICY_ACK, zg_rtab_generation(rtab), NULL, 0, NULL, 0) == ZG_OK;
	} else if (msg.hdr.type == ZG_MSG_PING) {
		ok = zg_chan_send(w->gate, ZG_MSG_PONG, msg.hdr.number & 0xffffffu, NULL, 0, NULL, 0) == ZG_OK;
	}
	zg_chan_close_fds(&msg);
	return ok;
}

static void housekeeping(struct worker *w)
{
	zg_engine_tick(w->engine, w->now_ms);
	verdicts_flush(w);
	if (w->now_ms - w->flushed_ms >= 1000) {
		zg_aggregate_flush(w->refused, event_emit, w);
		w->flushed_ms = w->now_ms;
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
	zg_aggregate_flush(w->refused, event_emit, w);
	zg_engine_stats(w->engine, &w->stats.engine);
	(void)zg_chan_send(w->chan, ZG_MSG_STATS, 0, &w->stats, sizeof w->stats, NULL, 0);
}

static void loop(struct worker *w)
{
	struct pollfd fds[3] = {
		{ .fd = w->chan, .events = POLLIN },
		{ .fd = w->queue, .events = POLLIN },
		{ .fd = w->gate, .events = 0 },
	};
	uint64_t ticked = 0;

	while (!w->gate_gone) {
		int n = poll(fds, 3, 250);
		if (n < 0 && errno != EINTR)
			return;
		w->now_ms = zg_now_ms();
		if (fds[2].revents & (POLLHUP | POLLERR))
			return;
		if (n > 0 && fds[0].revents != 0 && !on_supervisor(w))
			return;
		if (n > 0 && fds[1].revents != 0 && !on_queue(w))
			return;
		if (w->now_ms - ticked >= 100) {
			housekeeping(w);
			ticked = w->now_ms;
		}
	}
}

int zg_worker_run(int chan, int queue, int gate)
{
	const char *what = "";
	uint64_t seed;
	int status = EXIT_FAILURE;
	struct worker *w = calloc(1, sizeof *w);

	if (w == NULL)
		return status;
	w->chan = chan;
	w->queue = queue;
	w->gate = gate;
	w->slots = malloc(BATCH * SLOT);
	w->msg = malloc(ZG_MSG_MAX);
	const struct zg_engine_owner owner = {
		.ctx = w, .resolve = own_resolve, .permits = own_permits, .verdict = own_verdict, .inject = own_inject, .event = own_event,
	};
	if (w->slots == NULL || w->msg == NULL || getrandom(&seed, sizeof seed, 0) != sizeof seed ||
	    zg_aggregate_new(&w->refused) != ZG_OK || zg_engine_new(&owner, seed, &w->engine) != ZG_OK)
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
	zg_aggregate_free(w->refused);
	zg_rtabs_clear(&w->rtabs);
	free(w->slots);
	free(w->msg);
	free(w);
	return status;
}
