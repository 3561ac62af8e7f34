/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate/gate.h"
#include "gate/placing.h"
#include "sys/clock.h"
#include "sys/place.h"
#include "sys/sandbox.h"
#include "zonegate/mark.h"
#include "zonegate/msg.h"
#include "zonegate/rtab.h"
#include "zonegate/vring.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Verdicts of one queue taken at a time: what one inspector has to say does not keep the others waiting. */
#define TURN 256u
/* Pings that may wait for us in the supervisor's channel: an answer to one of them is no answer to nothing. */
#define PINGS_AHEAD 4u
/* ms between two thoughts about where everybody runs. */
#define PLACE_MS 10u
/* Rounds between two looks at the supervisor while there is no pause. */
#define ROUNDS 16u

struct gate_queue {
	int socket;  /* shared with the inspector, which receives; -1 = closed */
	int channel; /* messages with a body come in here; -1 = closed */
	struct zg_vring ring; /* verdicts */
	uint32_t pong; /* the last answer to a ping that was passed on */
};

struct gate {
	int chan, epoll;
	struct zg_msg_config config;
	struct gate_queue queues[ZG_INSPECTORS_MAX];
	uint32_t ping; /* of the supervisor: the newest */
	struct zg_rtabs rtabs;
	struct zg_injector *injector;
	struct zg_verdicts *verdicts;
	struct zg_placing placing;
	struct zg_place place;
	uint64_t placed_ms;
	uint8_t *buf; /* ZG_MSG_MAX */
};

/* What wakes the gate. */
static bool watch(const struct gate *g, int fd, uint32_t events, uint32_t tag)
{
	struct epoll_event e = { .events = events, .data.u32 = tag };
	return epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static void queue_close(const struct gate *g, struct gate_queue *q)
{
	/* it would stay in the set for as long as the inspector has the other descriptor of it */
	if (q->ring.bell >= 0)
		(void)epoll_ctl(g->epoll, EPOLL_CTL_DEL, q->ring.bell, NULL);
	if (q->socket >= 0)
		close(q->socket);
	if (q->channel >= 0)
		close(q->channel);
	zg_vring_free(&q->ring);
	q->socket = q->channel = -1;
}

/* Binds queue i anew and hands the inspector's ends to the supervisor. */
static enum zg_err queue_bind(struct gate *g, uint32_t i)
{
	const int size = 4 * (int)ZG_MSG_MAX;
	struct gate_queue *q = &g->queues[i];
	int pair[2] = { -1, -1 }, memory = -1;
	enum zg_err err;

	queue_close(g, q);
	/* the kernel frees a queue only after the last process has let go of its socket: wait for an inspector that is
	 * still dying */
	for (int tries = 0; (err = zg_queue_open((uint16_t)(g->config.queue_base + i), &q->socket)) != ZG_OK; tries++) {
		if (tries == 50 || err != ZG_EPERM)
			return err;
		poll(NULL, 0, 20);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 || zg_vring_make(&q->ring, &memory) != ZG_OK) {
		err = ZG_ESYS;
		goto out;
	}
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	q->channel = pair[0];
	pair[0] = -1;
	q->pong = g->ping;
	/* the bell by edges, so that it need not be read; of the channel only its end */
	err = watch(g, q->ring.bell, EPOLLIN | EPOLLET, i) && watch(g, q->channel, 0, i) ? ZG_OK : ZG_ESYS;
	if (err == ZG_OK) {
		const int fds[] = { q->socket, pair[1], memory, q->ring.bell };
		err = zg_chan_send(g->chan, ZG_MSG_QUEUE, i, NULL, 0, fds, sizeof fds / sizeof fds[0]);
	}
out:
	if (err != ZG_OK)
		queue_close(g, q);
	for (int k = 0; k < 2; k++)
		if (pair[k] >= 0)
			close(pair[k]);
	if (memory >= 0)
		close(memory);
	return err;
}

static enum zg_err on_config(struct gate *g, const struct zg_chan_msg *msg)
{
	const struct zg_msg_config *config = zg_msg_body(msg, sizeof *config);
	if (config == NULL || config->queues == 0 || config->queues > ZG_INSPECTORS_MAX || g->config.queues != 0)
		return ZG_EINVAL;
	memcpy(&g->config, config, sizeof g->config);
	for (uint32_t i = 0; i < g->config.queues; i++) {
		enum zg_err err = queue_bind(g, i);
		if (err != ZG_OK) {
			fprintf(stderr, "zonegated gate: queue %u: %s: %s\n", g->config.queue_base + i, zg_strerror(err),
				strerror(errno));
			return err;
		}
	}
	return ZG_OK;
}

static enum zg_err on_supervisor(struct gate *g)
{
	struct zg_chan_msg msg;
	struct zg_rtab *rtab;
	enum zg_err err = zg_chan_recv(g->chan, g->buf, ZG_MSG_MAX, true, &msg);
	if (err != ZG_OK)
		return err;
	switch ((enum zg_msg_type)msg.hdr.type) {
	case ZG_MSG_CONFIG:
		err = on_config(g, &msg);
		break;
	case ZG_MSG_POLICY:
		err = zg_rtab_map(msg.fds[0], &rtab);
		if (err != ZG_OK)
			break;
		zg_rtabs_push(&g->rtabs, rtab);
		err = zg_chan_send(g->chan, ZG_MSG_POLICY_ACK, zg_rtab_generation(rtab), NULL, 0, NULL, 0);
		break;
	case ZG_MSG_REBIND:
		err = msg.hdr.number < g->config.queues ? queue_bind(g, msg.hdr.number) : ZG_EINVAL;
		break;
	case ZG_MSG_PING:
		g->ping = msg.hdr.number & 0xffffffu;
		err = zg_chan_send(g->chan, ZG_MSG_PONG, (ZG_PONG_GATE << 24) | g->ping, NULL, 0, NULL, 0);
		break;
	default:
		err = ZG_EINVAL;
	}
	zg_chan_close_fds(&msg);
	return err;
}

/* What we send may only go between endpoints that a flow of the policy names, in either direction: a connection whose
 * start was not seen has no known client. */
static bool endpoints_permitted(const struct gate *g, uint32_t mark, const struct zg_tuple *tuple)
{
	const struct zg_rtab *rtab = zg_rtabs_of(&g->rtabs, mark);
	const struct zg_tuple turned = {
		.client = tuple->server,
		.server = tuple->client,
		.client_port = tuple->server_port,
		.server_port = tuple->client_port,
		.protocol = tuple->protocol,
	};
	return rtab != NULL && (zg_rtab_permits(rtab, mark, tuple) || zg_rtab_permits(rtab, mark, &turned));
}

/* The gate holds the power to send what the kernel did not receive: what an inspector wants in a packet's place has to be a
 * whole TCP or UDP packet between endpoints of the flow that it names. Only fixed places of the headers are looked at. */
static bool replacement_permitted(const struct gate *g, uint32_t mark, const uint8_t *packet, size_t len)
{
	struct zg_tuple tuple;
	return zg_gate_header(packet, len, &tuple) && endpoints_permitted(g, mark, &tuple);
}

static enum zg_err on_replace(struct gate *g, uint32_t i, const struct zg_chan_msg *msg)
{
	const uint16_t num = (uint16_t)(g->config.queue_base + i);
	struct zg_rd rd = zg_rd_init(msg->body, msg->body_len);
	struct zg_msg_replace r;

	if (!zg_rd_copy(&rd, &r, sizeof r) || zg_rd_left(&rd) == 0 || zg_rd_left(&rd) > ZG_PACKET_MAX)
		return ZG_EINVAL;
	const size_t len = zg_rd_left(&rd);
	const uint8_t *packet = zg_rd_bytes(&rd, len);
	/* may also be of a policy that is two changes old by now: dropped, and sent again by its host */
	const bool accept = replacement_permitted(g, r.mark, packet, len);
	return zg_verdicts_add(g->verdicts, g->queues[i].socket, num, r.id, accept, accept ? packet : NULL, accept ? len : 0);
}

/* One answer for each ping: otherwise an inspector could fill our channel to the supervisor, and we would wait for it. A
 * slow one may answer an older ping, or one of the next few, which we have not read yet. */
static enum zg_err on_pong(struct gate *g, uint32_t i, uint32_t number)
{
	struct gate_queue *q = &g->queues[i];
	const uint32_t ahead = (number - q->pong) & 0xffffffu, open = (g->ping + PINGS_AHEAD - q->pong) & 0xffffffu;
	if (number > 0xffffffu || ahead == 0 || ahead > open)
		return ZG_OK;
	q->pong = number;
	return zg_chan_send(g->chan, ZG_MSG_PONG, (i << 24) | number, NULL, 0, NULL, 0);
}

/* The message that an entry of the ring announced: it was sent before. */
static enum zg_err on_message(struct gate *g, uint32_t i)
{
	struct zg_chan_msg msg;
	const struct zg_inject *inject;
	const uint8_t *bytes;
	size_t len;
	enum zg_err err = zg_chan_recv(g->queues[i].channel, g->buf, ZG_MSG_MAX, false, &msg);
	if (err != ZG_OK)
		return err;
	zg_chan_close_fds(&msg);
	switch ((enum zg_msg_type)msg.hdr.type) {
	case ZG_MSG_REPLACE:
		return on_replace(g, i, &msg);
	case ZG_MSG_INJECT:
		inject = zg_msg_inject(&msg, &bytes, &len);
		if (inject == NULL)
			return ZG_EINVAL;
		/* what was accepted before goes out before; bytes that no packet asks for only under today's policy */
		err = zg_verdicts_flush(g->verdicts, g->queues[i].socket);
		if (err == ZG_OK && (inject->kind != ZG_INJECT_AGAIN || zg_rtabs_newest(&g->rtabs, inject->mark)) &&
		    endpoints_permitted(g, inject->mark, &inject->tuple))
			(void)zg_injector_send(g->injector, inject, bytes, len);
		return err;
	case ZG_MSG_PONG:
		return on_pong(g, i, msg.hdr.number);
	default:
		return ZG_EINVAL;
	}
}

/* One entry. Whether a packet with that id waits in that queue is known to the kernel, which refuses any other id. */
static enum zg_err on_entry(struct gate *g, uint32_t i, uint64_t entry)
{
	const uint16_t num = (uint16_t)(g->config.queue_base + i);

	switch (entry >> 32) {
	case ZG_VRING_DROP:
	case ZG_VRING_ACCEPT:
		return zg_verdicts_add(g->verdicts, g->queues[i].socket, num, (uint32_t)entry, entry >> 32 == ZG_VRING_ACCEPT,
				       NULL, 0);
	case ZG_VRING_UPTO:
		return zg_verdicts_upto(g->verdicts, g->queues[i].socket, num, (uint32_t)entry);
	case ZG_VRING_MESSAGE:
		return on_message(g, i);
	default:
		return ZG_EINVAL;
	}
}

/* Takes a turn's verdicts of one queue. An inspector that is gone or talks nonsense loses its queue: its packets die with
 * the socket, the supervisor starts another. So does one whose verdicts could not be sent: a packet that was to be dropped
 * may still wait, and "all up to" a later one would let it pass. True if there was something. */
static bool on_ring(struct gate *g, uint32_t i)
{
	struct gate_queue *q = &g->queues[i];
	uint32_t n;
	enum zg_err err = q->ring.shared != NULL ? zg_vring_ready(&q->ring, &n) : ZG_EAGAIN;

	if (err == ZG_EAGAIN || (err == ZG_OK && n == 0))
		return false;
	for (n = n < TURN ? n : TURN; err == ZG_OK && n > 0; n--)
		err = on_entry(g, i, zg_vring_next(&q->ring));
	zg_vring_done(&q->ring);
	const enum zg_err sent = zg_verdicts_flush(g->verdicts, q->socket);
	if (err != ZG_OK || sent != ZG_OK)
		queue_close(g, q);
	return true;
}

static bool on_rings(struct gate *g)
{
	bool any = false;
	for (uint32_t i = 0; i < g->config.queues; i++)
		any = on_ring(g, i) || any;
	return any;
}

/* May the gate wait? Not if a ring was filled meanwhile. */
static bool rings_sleep(struct gate *g)
{
	bool all = true;
	for (uint32_t i = 0; i < g->config.queues; i++)
		if (g->queues[i].ring.shared != NULL)
			all = zg_vring_sleep(&g->queues[i].ring) && all;
	return all;
}

#define SUPERVISOR UINT32_MAX /* tag in the epoll set; others are a queue's index */

/* Waits for what comes, or only looks. False when the gate has to end. */
static bool look(struct gate *g, int timeout)
{
	struct epoll_event events[16];
	bool supervisor = false;
	int n;

	/* after a stop too: whose answer came meanwhile has its ping beside it, which is to be read first */
	do
		n = epoll_wait(g->epoll, events, sizeof events / sizeof events[0], timeout);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	for (int k = 0; k < n; k++) {
		if (events[k].data.u32 == SUPERVISOR)
			supervisor = true;
		else if (events[k].events & (EPOLLHUP | EPOLLERR))
			queue_close(g, &g->queues[events[k].data.u32]);
	}
	/* last: it may bind a queue anew, and an end that was seen before is not that one's */
	return !supervisor || on_supervisor(g) == ZG_OK;
}

/* The processor time of us and all inspectors, ns. */
static uint64_t used_ns(const struct gate *g)
{
	uint64_t ns = zg_place_used_ns();
	for (uint32_t i = 0; i < g->config.queues; i++)
		if (g->queues[i].ring.shared != NULL)
			ns += zg_vring_used_ns(&g->queues[i].ring);
	return ns;
}

/* Everybody to where they cost least. */
static void settle(struct gate *g)
{
	const uint64_t now_ms = zg_now_ms();
	if (now_ms - g->placed_ms < PLACE_MS)
		return;
	g->placed_ms = now_ms;
	if (!zg_placing_look(&g->placing, now_ms, used_ns(g)))
		return;
	/* loose: only the gate may move, and the others come after */
	const int cpu = g->placing.state == ZG_PLACING_TOGETHER ? zg_place_here() : ZG_PLACE_ANY;
	zg_place_go(&g->place, cpu);
	for (uint32_t i = 0; i < g->config.queues && g->placing.state != ZG_PLACING_LOOSE; i++)
		if (g->queues[i].ring.shared != NULL)
			zg_vring_place(&g->queues[i].ring, cpu);
}

/* One round: false when the gate has to end. */
static bool serve(struct gate *g)
{
	bool worked = false;

	for (unsigned round = 0; round < ROUNDS; round++) {
		if (on_rings(g)) {
			worked = true;
			continue;
		}
		if (!worked)
			return look(g, rings_sleep(g) ? -1 : 0);
		/* Where processors are scarce, the inspectors run first, and nobody has to wake us. */
		sched_yield();
		worked = false;
	}
	return look(g, 0);
}

int zg_gate_run(int chan)
{
	struct gate g = { .chan = chan };
	const char *what = "";
	int status = EXIT_FAILURE;

	for (size_t i = 0; i < ZG_INSPECTORS_MAX; i++)
		g.queues[i] = (struct gate_queue){ .socket = -1, .channel = -1, .ring.bell = -1 };
	zg_place_init(&g.place);
	g.buf = malloc(ZG_MSG_MAX);
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (g.epoll < 0 || !watch(&g, chan, EPOLLIN, SUPERVISOR) || g.buf == NULL || zg_verdicts_new(&g.verdicts) != ZG_OK)
		goto out;
	if (zg_injector_new(&g.injector) != ZG_OK) {
		fprintf(stderr, "zonegated gate: raw sockets: %s\n", strerror(errno));
		goto out;
	}
	if (zg_sandbox_enter(ZG_SANDBOX_GATE, &what) != ZG_OK) {
		fprintf(stderr, "zonegated gate: sandbox: %s: %s\n", what, strerror(errno));
		goto out;
	}
	while (serve(&g))
		settle(&g);
	status = EXIT_SUCCESS;
out:
	for (size_t i = 0; i < ZG_INSPECTORS_MAX; i++)
		queue_close(&g, &g.queues[i]);
	zg_injector_free(g.injector);
	zg_verdicts_free(g.verdicts);
	zg_rtabs_clear(&g.rtabs);
	free(g.buf);
	if (g.epoll >= 0)
		close(g.epoll);
	return status;
}
