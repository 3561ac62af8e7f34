/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate/gate.h"
#include "sys/sandbox.h"
#include "zonegate/mark.h"
#include "zonegate/msg.h"
#include "zonegate/rtab.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct gate_queue {
	int socket;  /* shared with the inspector, which receives; -1 = closed */
	int channel; /* verdicts come in here; -1 = closed */
	uint32_t pong; /* the last answer to a ping that was passed on */
};

struct gate {
	int chan;
	struct zg_msg_config config;
	struct gate_queue queues[ZG_INSPECTORS_MAX];
	uint32_t ping; /* of the supervisor: the newest */
	struct zg_rtabs rtabs;
	struct zg_injector *injector;
	struct zg_verdicts *verdicts;
	uint8_t *buf; /* ZG_MSG_MAX */
};

static void queue_close(struct gate_queue *q)
{
	if (q->socket >= 0)
		close(q->socket);
	if (q->channel >= 0)
		close(q->channel);
	q->socket = q->channel = -1;
}

/* Binds queue i anew and hands the inspector's ends to the supervisor. */
static enum zg_err queue_bind(struct gate *g, uint32_t i)
{
	const int size = 4 * (int)ZG_MSG_MAX;
	struct gate_queue *q = &g->queues[i];
	int pair[2] = { -1, -1 }, fds[2];
	enum zg_err err;

	queue_close(q);
	/* the kernel frees a queue only after the last process has let go of its socket: wait for an inspector that is
	 * still dying */
	for (int tries = 0; (err = zg_queue_open((uint16_t)(g->config.queue_base + i), &q->socket)) != ZG_OK; tries++) {
		if (tries == 50 || err != ZG_EPERM)
			return err;
		poll(NULL, 0, 20);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		queue_close(q);
		return ZG_ESYS;
	}
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	q->channel = pair[0];
	q->pong = g->ping;
	fds[0] = q->socket;
	fds[1] = pair[1];
	err = zg_chan_send(g->chan, ZG_MSG_QUEUE, i, NULL, 0, fds, 2);
	close(pair[1]);
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
static bool replacement_permitted(const struct gate *g, const struct zg_msg_verdict *v, const uint8_t *packet)
{
	struct zg_tuple tuple;
	return zg_gate_header(packet, v->len, &tuple) && endpoints_permitted(g, v->mark, &tuple);
}

static enum zg_err on_verdicts(struct gate *g, uint32_t i, const struct zg_chan_msg *msg)
{
	struct gate_queue *q = &g->queues[i];
	struct zg_rd rd = zg_rd_init(msg->body, msg->body_len);
	const uint16_t num = (uint16_t)(g->config.queue_base + i);

	for (uint32_t k = 0; k < msg->hdr.number; k++) {
		struct zg_msg_verdict v;
		const uint8_t *packet = NULL;
		if (!zg_rd_copy(&rd, &v, sizeof v) || v.accept > 1 || v.len > ZG_PACKET_MAX)
			return ZG_EINVAL;
		if (v.len > 0) {
			packet = zg_rd_bytes(&rd, (v.len + 3u) & ~3u);
			if (packet == NULL || v.accept == 0)
				return ZG_EINVAL;
			/* may also be of a policy that is two changes old by now: dropped, and sent again by its host */
			if (!replacement_permitted(g, &v, packet)) {
				v.accept = 0;
				packet = NULL;
			}
		}
		if (zg_verdicts_add(g->verdicts, q->socket, num, v.id, v.accept == 1, packet, packet != NULL ? v.len : 0) != ZG_OK)
			return ZG_ESYS;
	}
	if (zg_rd_left(&rd) != 0)
		return ZG_EINVAL;
	/* a failed send leaves packets undecided: they stay in the kernel, nothing passes */
	(void)zg_verdicts_flush(g->verdicts, q->socket);
	return ZG_OK;
}

/* One answer for each ping: otherwise an inspector could fill our channel to the supervisor, and we would wait for it. A
 * slow one may answer an older ping, or the next, which we have not read yet. */
static enum zg_err on_pong(struct gate *g, uint32_t i, uint32_t number)
{
	struct gate_queue *q = &g->queues[i];
	const uint32_t ahead = (number - q->pong) & 0xffffffu, open = (g->ping + 1 - q->pong) & 0xffffffu;
	if (number > 0xffffffu || ahead == 0 || ahead > open)
		return ZG_OK;
	q->pong = number;
	return zg_chan_send(g->chan, ZG_MSG_PONG, (i << 24) | number, NULL, 0, NULL, 0);
}

static enum zg_err on_inspector(struct gate *g, uint32_t i)
{
	struct zg_chan_msg msg;
	const struct zg_inject *inject;
	enum zg_err err = zg_chan_recv(g->queues[i].channel, g->buf, ZG_MSG_MAX, false, &msg);
	if (err != ZG_OK)
		return err;
	zg_chan_close_fds(&msg);
	switch ((enum zg_msg_type)msg.hdr.type) {
	case ZG_MSG_VERDICTS:
		return on_verdicts(g, i, &msg);
	case ZG_MSG_INJECT:
		inject = zg_msg_body(&msg, sizeof *inject);
		if (inject == NULL || !zg_inject_valid(inject))
			return ZG_EINVAL;
		if (endpoints_permitted(g, inject->mark, &inject->tuple))
			(void)zg_injector_send(g->injector, inject);
		return ZG_OK;
	case ZG_MSG_PONG:
		return on_pong(g, i, msg.hdr.number);
	default:
		return ZG_EINVAL;
	}
}

/* One round: false when the gate has to end. */
static bool serve(struct gate *g)
{
	struct pollfd fds[1 + ZG_INSPECTORS_MAX];
	const nfds_t n = 1u + g->config.queues;

	fds[0] = (struct pollfd){ .fd = g->chan, .events = POLLIN };
	for (uint32_t i = 0; i < g->config.queues; i++)
		fds[1 + i] = (struct pollfd){ .fd = g->queues[i].channel, .events = POLLIN };
	if (poll(fds, n, -1) < 0)
		return errno == EINTR;
	/* first, so that a ping is known before its answer */
	if (fds[0].revents != 0) {
		enum zg_err err = on_supervisor(g);
		if (err != ZG_OK)
			return false;
	}
	for (uint32_t i = 0; i + 1 < n; i++) {
		if (fds[1 + i].revents == 0)
			continue;
		enum zg_err err = on_inspector(g, i);
		/* gone or talking nonsense: its packets die with the socket, the supervisor starts another */
		if (err != ZG_OK && err != ZG_EAGAIN)
			queue_close(&g->queues[i]);
	}
	return true;
}

int zg_gate_run(int chan)
{
	struct gate g = { .chan = chan };
	const char *what = "";
	int status = EXIT_FAILURE;

	for (size_t i = 0; i < ZG_INSPECTORS_MAX; i++)
		g.queues[i] = (struct gate_queue){ .socket = -1, .channel = -1 };
	g.buf = malloc(ZG_MSG_MAX);
	if (g.buf == NULL || zg_verdicts_new(&g.verdicts) != ZG_OK)
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
		;
	status = EXIT_SUCCESS;
out:
	for (size_t i = 0; i < ZG_INSPECTORS_MAX; i++)
		queue_close(&g.queues[i]);
	zg_injector_free(g.injector);
	zg_verdicts_free(g.verdicts);
	zg_rtabs_clear(&g.rtabs);
	free(g.buf);
	return status;
}
