/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine with a capture on one side and a list of connections on the other. What the hosts did after a denial was
 * captured without us: it is dropped, and what the engine would inject goes nowhere.
 */
#include "ctl/replay.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/icmp.h"
#include "inspect/decode.h"
#include "inspect/flowtab.h"

#define REPLAY_MARK 1u
#define REPLAY_SEED 0x7a6f6e6567617465u /* any: the same capture gives the same answer */

/* One connection of the capture. The table's list is the order of first packets; of several connections between the
 * same ends it finds the newest. */
struct connection {
	struct zg_flowtab_node node;
	struct zg_replay_flow flow;
	struct sha256_ctx sha256[2];
	bool has_syn;
	uint32_t syn_seq;
	bool passed; /* a packet was accepted */
	bool closed, denied, over; /* over: closed, denied or timed out */
	enum zg_reason first_drop;
};

struct zg_replay {
	struct zg_replay_config config;
	struct zg_engine *engine;
	struct zg_flowtab tab;
	struct zg_replay_rest rest;
	struct connection *now; /* of the packet that is being decided; NULL = none */
	struct zg_seg seg;	/* of that packet */
	uint32_t id;
	int64_t epoch_ms;
	uint64_t now_ms;
	uint8_t packet[256 * 1024]; /* the largest that a capture may hold by libpcap's own bound */
};

static struct connection *connection_of(struct zg_flowtab_node *node)
{
	return node != NULL ? ZG_LIST_OF(node, struct connection, node) : NULL;
}

/* --- the engine's owner ------------------------------------------------------------------------- */

static bool own_resolve(void *ctx, uint32_t mark, struct zg_flow_policy *ret_policy)
{
	const struct zg_replay *r = ctx;
	(void)mark;
	*ret_policy = (struct zg_flow_policy){ .inspector = r->config.inspector, .config = r->config.config, .identity = 1 };
	return true;
}

/* Who opens a TCP connection may. A datagram's ends say nothing of who asks: servers have the lower port, and some protocols
 * one for both (NTP). */
static bool own_permits(void *ctx, uint32_t mark, const struct zg_tuple *tuple)
{
	(void)ctx;
	(void)mark;
	return tuple->protocol == ZG_TCP || tuple->client_port >= tuple->server_port;
}

static void own_verdict(void *ctx, uint32_t id, bool accept, const uint8_t *packet, size_t len)
{
	struct zg_replay *r = ctx;
	(void)packet;
	(void)len;
	if (!accept || id != r->id || r->now == NULL)
		return;
	r->now->passed = true;
	/* the engine tells the end of opened connections only; this one was refused by the host itself */
	if (r->seg.flags & ZG_RST)
		r->now->closed = r->now->over = true;
}

static void own_inject(void *ctx, const struct zg_inject *inject)
{
	(void)ctx;
	(void)inject;
}

static void own_event(void *ctx, const struct zg_flow_event *event)
{
	struct zg_replay *r = ctx;
	struct connection *c = connection_of(zg_flowtab_find(&r->tab, &event->tuple));

	if (event->kind == ZG_PACKET_DENIED && event->reason == ZG_R_PKT_CHECKSUM)
		r->rest.checksum++;
	if (c == NULL) {
		if (event->kind == ZG_PACKET_DENIED)
			r->rest.dropped[event->reason]++;
		return;
	}
	switch (event->kind) {
	case ZG_PACKET_DENIED:
		c->flow.dropped[event->reason]++;
		if (c->first_drop == ZG_R_NONE)
			c->first_drop = event->reason;
		break;
	case ZG_FLOW_DENIED:
		c->denied = c->over = true;
		c->flow.reason = event->reason;
		c->flow.denied_in_flow = true;
		c->flow.denied_dir = event->dir;
		break;
	case ZG_FLOW_CLOSED:
		c->over = true;
		c->closed = event->reason == ZG_R_NONE;
		c->flow.reason = event->reason;
		break;
	case ZG_FLOW_OPENED:
	case ZG_CONTENT_CHANGED:
		break;
	}
}

static void own_released(void *ctx, const struct zg_tuple *tuple, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	struct zg_replay *r = ctx;
	struct connection *c = connection_of(zg_flowtab_find(&r->tab, tuple));

	if (c == NULL)
		return;
	sha256_update(&c->sha256[dir], len, bytes);
	c->flow.bytes[dir] += len;
}

/* --- connections ------------------------------------------------------------------------------- */

/* Who is who when the start was not captured: a SYN|ACK comes from the server, and servers have the lower port. */
static bool sender_is_server(const struct zg_seg *seg)
{
	if (seg->flags & ZG_SYN)
		return (seg->flags & ZG_ACK) != 0;
	return seg->sport < seg->dport;
}

static struct connection *connection_new(struct zg_replay *r, const struct zg_tuple *as_sent, const struct zg_seg *seg,
					 bool readable)
{
	struct connection *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->node.tuple = *as_sent;
	if (sender_is_server(seg)) {
		c->node.tuple.client = as_sent->server;
		c->node.tuple.server = as_sent->client;
		c->node.tuple.client_port = as_sent->server_port;
		c->node.tuple.server_port = as_sent->client_port;
	}
	c->has_syn = readable && seg->protocol == ZG_TCP && (seg->flags & (ZG_SYN | ZG_ACK)) == ZG_SYN;
	c->syn_seq = seg->seq;
	sha256_init(&c->sha256[ZG_CLIENT]);
	sha256_init(&c->sha256[ZG_SERVER]);
	zg_flowtab_add(&r->tab, &c->node, ZG_LIST_OPEN, 0);
	return c;
}

/* The connection that a packet belongs to, a new one where it begins one. *ret_connection NULL: it belongs to none. */
static enum zg_err attribute(struct zg_replay *r, const struct zg_seg *seg, bool readable,
			     struct connection **ret_connection)
{
	const struct zg_tuple as_sent = {
		.client = seg->src,
		.server = seg->dst,
		.client_port = seg->sport,
		.server_port = seg->dport,
		.protocol = seg->protocol,
	};
	const bool udp = seg->protocol == ZG_UDP;
	const bool syn = readable && !udp && (seg->flags & (ZG_SYN | ZG_ACK)) == ZG_SYN;
	struct connection *c = NULL;

	if (seg->src.family != 0 && seg->sport != 0 && seg->dport != 0) {
		c = connection_of(zg_flowtab_find(&r->tab, &as_sent));
		const bool syn_again = c != NULL && syn && (!c->has_syn || (c->syn_seq != seg->seq && c->over) ||
							    (!c->passed && c->syn_seq != seg->seq));
		if (c == NULL || syn_again || (udp && c->over)) {
			c = connection_new(r, &as_sent, seg, readable);
			if (c == NULL)
				return ZG_ENOMEM;
		}
		c->flow.packets++;
	}
	*ret_connection = c;
	return ZG_OK;
}

/* --- packets ------------------------------------------------------------------------------------- */

enum zg_err zg_replay_new(const struct zg_replay_config *config, struct zg_replay **ret_replay)
{
	struct zg_replay *r = calloc(1, sizeof *r);
	const struct zg_engine_owner owner = {
		.ctx = r,
		.resolve = own_resolve,
		.permits = own_permits,
		.verdict = own_verdict,
		.inject = own_inject,
		.event = own_event,
		.released = own_released,
		.passive = true,
	};

	if (r == NULL)
		return ZG_ENOMEM;
	r->config = *config;
	if (zg_flowtab_init(&r->tab, REPLAY_SEED) != ZG_OK ||
	    zg_engine_new(&owner, REPLAY_SEED, &r->engine) != ZG_OK) {
		zg_replay_free(r);
		return ZG_ENOMEM;
	}
	*ret_replay = r;
	return ZG_OK;
}

void zg_replay_free(struct zg_replay *replay)
{
	struct zg_flowtab_node *node;

	if (replay == NULL)
		return;
	replay->now = NULL;
	zg_engine_free(replay->engine);
	while (replay->tab.buckets != NULL && (node = zg_flowtab_oldest(&replay->tab, ZG_LIST_OPEN)) != NULL) {
		zg_flowtab_remove(&replay->tab, node);
		free(connection_of(node));
	}
	zg_flowtab_fini(&replay->tab);
	free(replay);
}

/* Simulated time begins at one second and never goes back. */
static void advance(struct zg_replay *r, int64_t time_ms)
{
	if (r->rest.packets == 0)
		r->epoch_ms = time_ms - 1000;
	const int64_t since = time_ms - r->epoch_ms;
	if (since > 0 && (uint64_t)since > r->now_ms)
		r->now_ms = (uint64_t)since;
	zg_engine_tick(r->engine, r->now_ms);
}

/* Where hardware segments, the capture shows headers that it has not completed: fill them in. */
static void complete_header(struct zg_replay *r, const struct zg_capture_packet *packet)
{
	if (packet->len < 20 || packet->data[0] != 0x45)
		return;
	if (r->packet[2] == 0 && r->packet[3] == 0 && packet->wire_len <= UINT16_MAX) {
		r->packet[2] = (uint8_t)(packet->wire_len >> 8);
		r->packet[3] = (uint8_t)packet->wire_len;
	}
	r->packet[10] = r->packet[11] = 0;
	const uint16_t sum = zg_sum_fold(zg_sum(0, r->packet, 20));
	r->packet[10] = (uint8_t)(sum >> 8);
	r->packet[11] = (uint8_t)sum;
}

/* A capture on the sending host, or behind it on the same machine, shows checksums that are still to be filled: the field
 * holds the sum of the pseudo header alone. The queue tells the live inspector so; here the value does. */
static bool checksum_unfilled(const struct zg_packet *p, const struct zg_seg *seg)
{
	const bool udp = seg->protocol == ZG_UDP;
	if (seg->tcp_off == 0 || p->len < seg->tcp_off + (udp ? 8u : 20u))
		return false;
	const size_t rest = p->len - seg->tcp_off, field = seg->tcp_off + (udp ? 6u : 16u);
	const uint64_t addresses = seg->src.family == ZG_IPV4 ? zg_sum(0, p->data + 12, 8) : zg_sum(0, p->data + 8, 32);

	const uint16_t sum = zg_sum_fold(addresses + seg->protocol + rest); /* complemented; the field is not */
	return ((unsigned)p->data[field] << 8 | p->data[field + 1]) == (sum ^ 0xffffu);
}

/* A whole packet of a transport that is not the inspector's. What an IPv6 fragment carries is not known. */
static bool other_transport(const struct zg_replay *r)
{
	const uint8_t protocol = r->seg.protocol;
	return protocol != r->config.inspector->transport &&
	       (protocol == ZG_TCP || protocol == ZG_UDP || protocol == ZG_ICMP4 || protocol == ZG_ICMP6);
}

enum zg_err zg_replay_packet(struct zg_replay *replay, const struct zg_capture_packet *packet)
{
	advance(replay, packet->time_ms);
	replay->rest.packets++;
	if (packet->len == 0) {
		replay->rest.other++;
		return ZG_OK;
	}
	struct zg_packet p = {
		.id = ++replay->id,
		.mark = REPLAY_MARK,
		.data = replay->packet, /* an inspector may overwrite it */
		.len = packet->len < sizeof replay->packet ? packet->len : sizeof replay->packet,
		.wire_len = packet->wire_len,
		.checksum_unfilled = replay->config.no_checksum,
		.now_ms = replay->now_ms,
	};
	memcpy(replay->packet, packet->data, p.len);
	if (replay->config.no_checksum)
		complete_header(replay, packet);
	enum zg_reason reason = zg_decode(&p, &replay->seg);
	if (reason == ZG_R_PKT_CHECKSUM && checksum_unfilled(&p, &replay->seg)) {
		p.checksum_unfilled = true;
		replay->rest.unfilled++;
		reason = zg_decode(&p, &replay->seg);
	}
	if (reason == ZG_R_PKT_PROTOCOL || other_transport(replay)) {
		replay->rest.other++;
		return ZG_OK;
	}
	enum zg_err err = attribute(replay, &replay->seg, reason == ZG_R_NONE, &replay->now);
	if (err == ZG_OK)
		zg_engine_packet(replay->engine, &p);
	replay->now = NULL;
	return err;
}

/* --- the end -------------------------------------------------------------------------------------- */

/* Both ends have said FIN, though the last acknowledgement was not captured. */
static void note_closed(void *ctx, const struct zg_tuple *tuple, const struct zg_flow_event *now)
{
	struct zg_replay *r = ctx;
	struct connection *c = connection_of(zg_flowtab_find(&r->tab, tuple));

	if (c != NULL && now->kind == ZG_FLOW_CLOSED)
		c->closed = true;
}

static void conclude(struct connection *c)
{
	struct zg_replay_flow *flow = &c->flow;

	flow->tuple = c->node.tuple;
	if (c->denied) {
		flow->verdict = ZG_REPLAY_DENY;
	} else if (!c->passed && c->first_drop != ZG_R_NONE) {
		/* nothing of it would have come through */
		flow->verdict = ZG_REPLAY_DENY;
		flow->reason = c->first_drop;
	} else {
		flow->verdict = c->closed ? ZG_REPLAY_ACCEPT : ZG_REPLAY_INCOMPLETE;
	}
	for (int dir = 0; dir < 2; dir++) {
		uint8_t digest[SHA256_DIGEST_SIZE];
		sha256_digest(&c->sha256[dir], sizeof digest, digest);
		for (size_t i = 0; i < sizeof digest; i++)
			snprintf(flow->sha256[dir] + 2 * i, 3, "%02x", digest[i]);
	}
}

void zg_replay_finish(struct zg_replay *replay, void (*fn)(void *ctx, const struct zg_replay_flow *flow), void *ctx,
		      struct zg_replay_rest *ret_rest)
{
	const struct zg_list *head = &replay->tab.lists[ZG_LIST_OPEN];

	zg_engine_each(replay->engine, note_closed, replay);
	for (struct zg_list *at = head->next; at != head; at = at->next) {
		struct connection *c = connection_of(ZG_LIST_OF(at, struct zg_flowtab_node, in_list));
		conclude(c);
		fn(ctx, &c->flow);
	}
	*ret_rest = replay->rest;
}
