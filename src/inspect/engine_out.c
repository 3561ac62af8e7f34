/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that leaves the engine: verdicts, injections, events. */
#include "base/checksum.h"
#include "inspect/engine.h"

#include <string.h>

#define TCP_CHECKSUM_OFF 16
#define UDP_CHECKSUM_OFF 6

/* Builds the packet with the payload as released; false if that is what it has anyway. */
static bool rewrite(struct zg_engine *e, const struct zg_half *half, const struct zg_pkt *p)
{
	const struct zg_seg *seg = &p->seg;

	if (!half->rewritten || seg->len == 0 || !zg_ring_changed(&half->ring, seg->seq, seg->len))
		return false;
	zg_ring_copy(&half->ring, seg->seq, e->packet + seg->data_off, seg->len);
	memcpy(e->packet, p->data, seg->data_off);
	uint8_t *field = e->packet + seg->tcp_off + TCP_CHECKSUM_OFF;
	field[0] = field[1] = 0;
	/* the whole sum even if hardware was to fill it: for a rewritten large packet nobody would */
	const uint16_t sum = zg_checksum_tcp(e->packet, p->len, seg->tcp_off);
	field[0] = (uint8_t)(sum >> 8);
	field[1] = (uint8_t)sum;
	return true;
}

/* The verdict: as it came, or as it stands in the engine's packet. */
static void accept_packet(struct zg_engine *e, uint32_t mark, const struct zg_pkt *p, bool changed)
{
	e->stats.accepted++;
	if (changed) {
		e->stats.rewritten++;
		e->rewrite_mark = mark;
	}
	e->owner.verdict(e->owner.ctx, p->id, true, changed ? e->packet : NULL, changed ? p->len : 0);
}

void zg_out_accept(struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	accept_packet(e, f->mark, p, rewrite(e, &f->half[dir], p));
}

/* The whole checksum even if hardware was to fill it; IPv4 without one keeps none (RFC 768). */
static void datagram_checksum(uint8_t *packet, const struct zg_pkt *p)
{
	uint8_t *field = packet + p->seg.tcp_off + UDP_CHECKSUM_OFF;

	if (p->seg.src.family == ZG_IPV4 && field[0] == 0 && field[1] == 0)
		return;
	field[0] = field[1] = 0;
	uint16_t sum = zg_checksum_transport(packet, p->len, p->seg.tcp_off, ZG_UDP);
	sum = sum == 0 ? 0xffff : sum;
	field[0] = (uint8_t)(sum >> 8);
	field[1] = (uint8_t)sum;
}

void zg_out_datagram(struct zg_engine *e, uint32_t mark, const struct zg_pkt *p, const uint8_t *payload)
{
	if (payload != NULL) {
		memcpy(e->packet, p->data, p->seg.data_off);
		memcpy(e->packet + p->seg.data_off, payload, p->seg.len);
		datagram_checksum(e->packet, p);
	}
	accept_packet(e, mark, p, payload != NULL);
}

void zg_out_drop(struct zg_engine *e, uint32_t id, enum zg_reason reason)
{
	e->stats.dropped++;
	e->stats.dropped_by[reason]++;
	e->owner.verdict(e->owner.ctx, id, false, NULL, 0);
}

/* The digests so far: a copy is finished, the connection may go on. */
static void add_digest(const struct zg_flow *f, struct zg_flow_event *event)
{
	event->digested = true;
	for (int dir = 0; dir < 2; dir++) {
		struct sha256_ctx sha256 = f->digest->sha256[dir];
		sha256_digest(&sha256, sizeof event->sha256[dir], event->sha256[dir]);
	}
}

void zg_out_event(struct zg_engine *e, const struct zg_flow *f, enum zg_flow_event_kind kind, enum zg_reason reason,
		  enum zg_dir dir)
{
	struct zg_flow_event event = {
		.kind = kind,
		.mark = f->mark,
		.tuple = f->node.tuple,
		.reason = reason,
		.dir = dir,
		.bytes = { f->half[ZG_CLIENT].released, f->half[ZG_SERVER].released },
		.duration_ms = f->opened ? e->now_ms - f->opened_ms : 0,
	};
	if (f->digest != NULL && kind != ZG_FLOW_OPENED)
		add_digest(f, &event);
	e->owner.event(e->owner.ctx, &event);
}

void zg_out_changed(struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir, const struct zg_note *note)
{
	struct zg_flow_event event = {
		.kind = ZG_CONTENT_CHANGED,
		.mark = f->mark,
		.tuple = f->node.tuple,
		.dir = dir,
		.note = *note,
	};
	event.bytes[dir] = note->octets;
	e->owner.event(e->owner.ctx, &event);
}

/* As sent: the sender stands as the client. */
static struct zg_tuple tuple_as_sent(const struct zg_seg *seg)
{
	return (struct zg_tuple){
		.client = seg->src,
		.server = seg->dst,
		.client_port = seg->sport,
		.server_port = seg->dport,
		.protocol = seg->protocol,
	};
}

static enum zg_dir sender(const struct zg_flow *f, const struct zg_seg *seg)
{
	return zg_tuple_sender(&f->node.tuple, seg);
}

void zg_out_packet_denied(struct zg_engine *e, const struct zg_flow *f, const struct zg_seg *seg, uint32_t mark,
			  enum zg_reason reason)
{
	struct zg_flow_event event = { .kind = ZG_PACKET_DENIED, .mark = mark, .reason = reason };

	if (f != NULL) {
		event.tuple = f->node.tuple;
		event.dir = sender(f, seg);
	} else if (seg->src.family != 0) {
		event.tuple = tuple_as_sent(seg);
	}
	e->owner.event(e->owner.ctx, &event);
}

void zg_out_inject(struct zg_engine *e, const struct zg_inject *inject)
{
	e->stats.injected++;
	e->owner.inject(e->owner.ctx, inject);
}

struct zg_inject zg_out_template(const struct zg_flow *f, enum zg_inject_kind kind, bool to_client,
				 enum zg_reason reason)
{
	const enum zg_dir from = to_client ? ZG_SERVER : ZG_CLIENT;

	return (struct zg_inject){
		.kind = kind,
		.mark = f->mark,
		.tuple = f->node.tuple,
		.to_client = to_client,
		.timestamps = f->ts_ok,
		.ts_val = f->half[from].ts,
		.ts_ecr = f->half[zg_dir_other(from)].ts,
		.reason = reason,
	};
}

void zg_out_reset_sender(struct zg_engine *e, const struct zg_flow *f, const struct zg_seg *seg, uint32_t mark,
			 enum zg_reason reason)
{
	struct zg_inject rst = {
		.kind = ZG_INJECT_RST,
		.mark = mark,
		.tuple = f != NULL ? f->node.tuple : tuple_as_sent(seg),
		.to_client = f == NULL || sender(f, seg) == ZG_CLIENT,
		.reason = reason,
	};

	if (seg->flags & ZG_RST)
		return;
	if (seg->flags & ZG_ACK) {
		rst.seq = seg->ack;
	} else {
		rst.has_ack = true;
		rst.ack = seg->seq + seg->len + ((seg->flags & ZG_SYN) ? 1 : 0) + ((seg->flags & ZG_FIN) ? 1 : 0);
	}
	zg_out_inject(e, &rst);
}

static struct zg_inject ack_to(const struct zg_flow *f, enum zg_dir dir, enum zg_reason reason)
{
	const struct zg_half *to = &f->half[dir], *from = &f->half[zg_dir_other(dir)];
	struct zg_inject ack = zg_out_template(f, ZG_INJECT_ACK, dir == ZG_CLIENT, reason);

	ack.seq = from->fwd;
	ack.ack = to->una;
	ack.has_ack = true;
	ack.window = from->window;
	return ack;
}

void zg_out_ack(struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir, enum zg_reason reason)
{
	const struct zg_inject ack = ack_to(f, dir, reason);
	zg_out_inject(e, &ack);
}

void zg_out_ack_early(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, uint32_t seq, uint32_t end)
{
	struct zg_inject ack = ack_to(f, dir, ZG_R_NONE);

	zg_hold_around(&f->half[dir], &seq, &end);
	ack.sack = f->sack_ok && seq != end;
	if (ack.sack) {
		ack.sack_left = seq;
		ack.sack_right = end;
	}
	zg_out_inject(e, &ack);
	if (ack.sack)
		zg_again_vouch(e, f, dir, end);
}

/* Should it be lost behind us once it is released, we send it again: its sender has been told that it came. */
void zg_out_ack_held(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir)
{
	struct zg_inject ack = ack_to(f, dir, ZG_R_NONE);

	ack.ack = f->half[dir].nxt;
	zg_out_inject(e, &ack);
	zg_again_vouch(e, f, dir, ack.ack);
}

void zg_out_again(struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir, uint32_t n)
{
	const struct zg_half *half = &f->half[dir];
	struct zg_inject again = ack_to(f, zg_dir_other(dir), ZG_R_NONE);
	uint8_t bytes[ZG_INJECT_AGAIN_MAX];

	again.kind = ZG_INJECT_AGAIN;
	again.seq = half->una;
	zg_ring_copy(&half->ring, half->una, bytes, n);
	e->stats.again++;
	e->owner.again(e->owner.ctx, &again, bytes, n);
}
