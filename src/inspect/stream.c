/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The established connection. Whatever is forwarded is, to the byte, a piece of one canonical stream per direction that
 * the inspector has seen in order and released; so a receiver cannot read anything else, however segments were cut,
 * repeated, reordered or lost on either side of us.
 */
#include "inspect/engine.h"


/* Below this many bytes a sequence number can still be told to lie before the first one. */
#define ISN_NEAR (1u << 30)

/* --- what needs no look at the payload ------------------------------------------------------ */

/* The highest number that the other end can know of what half sent. */
static uint32_t known_to_peer(const struct zg_engine *e, const struct zg_half *half)
{
	uint32_t edge = half->fwd;

	if (!e->owner.passive)
		return edge;
	/* nothing was really withheld: all that was seen may have arrived */
	if (zg_seq_lt(edge, zg_half_end(half)))
		edge = zg_half_end(half);
	if (!zg_list_empty(&half->early)) {
		const struct zg_seg *last = &ZG_LIST_OF(half->early.prev, struct zg_held, in_flow)->pkt.seg;
		const uint32_t end = last->seq + last->len + ((last->flags & ZG_FIN) ? 1 : 0);
		if (zg_seq_lt(edge, end))
			edge = end;
	}
	return edge;
}

/* RFC 5961 5: una - largest window <= ack <= what was sent. */
static bool ack_valid(const struct zg_engine *e, const struct zg_half *acker, const struct zg_half *acked, uint32_t ack)
{
	if (zg_seq_lt(known_to_peer(e, acked), ack))
		return false;
	if (acked->released < ISN_NEAR && zg_seq_lt(ack, acked->isn + 1))
		return false;
	return zg_seq_le(acked->una - acker->max_wnd, ack);
}

enum zg_reason zg_stream_check(const struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir,
			       const struct zg_seg *seg)
{
	const struct zg_half *s = &f->half[dir], *o = &f->half[zg_dir_other(dir)];
	const struct zg_tcp_options *opt = &seg->opt;

	if (opt->ts_given != f->ts_ok)
		return f->ts_ok ? ZG_R_TCP_TIMESTAMP : ZG_R_TCP_OPTION;
	if (f->ts_ok && zg_seq_lt(opt->ts_val, s->ts))
		return ZG_R_TCP_TIMESTAMP;
	if (!ack_valid(e, s, o, seg->ack))
		return ZG_R_TCP_ACK;
	if (opt->n_sacks > 0 && !f->sack_ok)
		return ZG_R_TCP_OPTION;
	for (size_t i = 0; i < opt->n_sacks; i++)
		if (!zg_seq_lt(opt->sacks[i].left, opt->sacks[i].right) ||
		    zg_seq_lt(known_to_peer(e, o), opt->sacks[i].right))
			return ZG_R_TCP_ACK;
	return ZG_R_NONE;
}

/* --- forwarding ------------------------------------------------------------------------------ */

/* What a packet that goes out (passive: that came in) says about both directions. */
static void learn(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_seg *seg)
{
	struct zg_half *s = &f->half[dir], *o = &f->half[zg_dir_other(dir)];
	const uint32_t wnd = (uint32_t)seg->window << s->wscale;
	/* passive: what is held here was acknowledged out there; keep it until it is released */
	const uint32_t ack = zg_seq_lt(o->fwd, seg->ack) ? o->fwd : seg->ack;

	if (zg_seq_le(o->una, ack)) {
		o->una = ack;
		if (!zg_again_due(o))
			o->vouched = ack;
		s->window = seg->window;
		zg_ring_trim(&o->ring, &e->pool, zg_seq_lt(ack, o->nxt) ? ack : o->nxt);
	}
	if (zg_seq_lt(o->edge, seg->ack + wnd))
		o->edge = seg->ack + wnd;
	if (wnd > s->max_wnd)
		s->max_wnd = wnd;
	/* of what stands in order, and of acknowledgements behind the FIN: our own ones must not look older (RFC 7323 5.3) */
	if (f->ts_ok && zg_seq_le(seg->seq, zg_half_end(s)) && zg_seq_lt(s->ts, seg->opt.ts_val))
		s->ts = seg->opt.ts_val;
}

static bool fin_acked(const struct zg_half *half)
{
	return half->fin_seen && half->una == half->fin + 1;
}

static void connection_ended(struct zg_engine *e, struct zg_flow *f, enum zg_phase phase)
{
	for (int dir = 0; dir < 2; dir++)
		zg_hold_drop_all(e, f, (enum zg_dir)dir, ZG_R_TCP_CLOSED);
	/* a RST after both FINs ends nothing that was not told of */
	if (f->opened && f->phase != ZG_PHASE_CLOSED)
		zg_out_event(e, f, ZG_FLOW_CLOSED, ZG_R_NONE, ZG_CLIENT);
	zg_flow_strip(e, f, ZG_R_TCP_CLOSED);
	f->phase = phase;
	zg_engine_end(e, f, ZG_LIST_CLOSED, ZG_FLOWTAB_CLOSED_MAX);
}

static struct zg_fate forward(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	const enum zg_dir other = zg_dir_other(dir);
	struct zg_half *s = &f->half[dir];
	const uint32_t end = p->seg.seq + p->seg.len + ((p->seg.flags & ZG_FIN) ? 1 : 0);

	zg_out_accept(e, f, dir, p);
	/* an empty segment may stand anywhere in the window: it moves nothing */
	if ((p->seg.len > 0 || (p->seg.flags & ZG_FIN)) && zg_seq_lt(s->fwd, end))
		s->fwd = end;
	const uint32_t una = f->half[other].una;
	learn(e, f, dir, &p->seg);
	if (zg_again_due(&f->half[other]))
		zg_again_acked(e, f, other, &p->seg, f->half[other].una != una);
	if (f->phase == ZG_PHASE_OPEN && fin_acked(&f->half[ZG_CLIENT]) && fin_acked(&f->half[ZG_SERVER]))
		connection_ended(e, f, ZG_PHASE_CLOSED);
	return ZG_FATE_DONE;
}

/* The first bytes of a packet came to the receiver in another one, and how they were released is forgotten: it cannot be
 * written. The sender repeats the rest. */
static bool rewriting_forgotten(const struct zg_half *s, const struct zg_seg *seg)
{
	return s->rewritten && seg->len > 0 && zg_seq_lt(seg->seq, s->ring.start);
}

/* Packets whose bytes are all released now go out, in order. */
static void forward_waiting(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir)
{
	struct zg_half *s = &f->half[dir];

	while (!zg_list_empty(&s->wait)) {
		struct zg_held *held = ZG_LIST_OF(s->wait.next, struct zg_held, in_flow);
		if (zg_seq_lt(s->rel, held->pkt.seg.seq + held->pkt.seg.len))
			return;
		if (rewriting_forgotten(s, &held->pkt.seg)) {
			zg_hold_drop(e, held, ZG_R_TCP_REPEAT);
			continue;
		}
		zg_hold_take(e, held);
		(void)forward(e, f, dir, &held->pkt);
		zg_pool_put(&e->pool, held);
	}
}

/* --- the inspector --------------------------------------------------------------------------- */

/* Moves the edge of what is released to held bytes before edge; never back. */
static void release(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, uint32_t edge, size_t held)
{
	struct zg_half *s = &f->half[dir];
	const uint32_t have = edge - s->rel;

	if ((int32_t)have <= 0 || held >= have)
		return;
	uint32_t n = have - (uint32_t)held;
	s->released += n;
	while (n > 0) {
		uint32_t len;
		const uint8_t *piece = zg_ring_piece(&s->ring, s->rel, n, &len);
		if (f->digest != NULL)
			sha256_update(&f->digest->sha256[dir], len, piece);
		if (e->owner.released != NULL)
			e->owner.released(e->owner.ctx, &f->node.tuple, dir, piece, len);
		s->rel += len;
		n -= len;
	}
}

/* Acts on an answer; edge is how far dir was accepted. false: the connection is denied. */
static bool answered(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, uint32_t edge,
		     const struct zg_answer *answer, uint8_t *rest, uint32_t n_rest)
{
	const enum zg_dir other = zg_dir_other(dir);

	release(e, f, dir, edge, answer->held[dir]);
	release(e, f, other, f->half[other].nxt, answer->held[other]);
	forward_waiting(e, f, dir);
	forward_waiting(e, f, other);
	if (answer->note != NULL)
		zg_out_changed(e, f, dir, answer->note);
	if (answer->say != ZG_SAY_DENY)
		return true;
	zg_deny(e, f, dir, answer->reason, answer, rest, n_rest);
	return false;
}

/* Bytes that one direction may have without an acknowledgement: a part of what is left, so that ends which acknowledge nothing
 * get less and less, and who acknowledges goes on. */
static uint32_t ring_bound(const struct zg_engine *e)
{
	const uint64_t left = e->pool.used < ZG_ENGINE_BYTES_MAX ? ZG_ENGINE_BYTES_MAX - e->pool.used : 0;
	const uint64_t share = left / ZG_STREAM_BUF_SHARE;
	return share < ZG_STREAM_BUF_MAX ? (uint32_t)share : ZG_STREAM_BUF_MAX;
}

/* The inspector has overwritten what it was given, or what it holds. */
static enum zg_err rewritten(struct zg_engine *e, struct zg_half *s, uint32_t base, const struct zg_rw *in)
{
	enum zg_err err = ZG_OK;

	s->rewritten = s->rewritten || in->dirty || in->held_dirty;
	if (in->held_dirty)
		err = zg_ring_rewrite(&s->ring, &e->pool, base - (uint32_t)in->n_held, in->held, (uint32_t)in->n_held);
	if (err == ZG_OK && in->dirty)
		err = zg_ring_rewrite(&s->ring, &e->pool, base, in->p, (uint32_t)in->len);
	return err;
}

/* Gives n new bytes at the edge to the inspector. */
static struct zg_fate feed(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, uint8_t *bytes, uint32_t n)
{
	struct zg_half *s = &f->half[dir];
	struct zg_answer answer = { .say = ZG_SAY_MORE };
	const uint32_t base = s->nxt, unreleased = base - s->rel;
	uint8_t held[ZG_HELD_REWRITE];

	/* the sender keeps what is dropped, and slows down */
	if (zg_ring_append(&s->ring, &e->pool, bytes, n, ring_bound(e)) != ZG_OK)
		return ZG_FATE_DROP(ZG_R_TCP_MEMORY);
	struct zg_flow_lender lender = zg_flow_lender(e, f);
	struct zg_rw in = zg_rw_init(bytes, n);
	in.lender = &lender.lender;
	in.held = held;
	in.n_held = unreleased < ZG_HELD_REWRITE ? unreleased : ZG_HELD_REWRITE;
	zg_ring_copy(&s->ring, base - (uint32_t)in.n_held, held, (uint32_t)in.n_held);
	f->inspector->data(f->state, f->config, dir, &in, &answer);
	s->nxt = base + n;
	if (rewritten(e, s, base, &in) != ZG_OK) {
		zg_deny(e, f, dir, ZG_R_TCP_MEMORY, NULL, NULL, 0);
		return ZG_FATE_TOLD(ZG_R_TCP_MEMORY);
	}
	/* bytes that an inspector leaves unread are held for ever */
	if (in.pos < n && answer.say != ZG_SAY_DENY) {
		answer.say = ZG_SAY_DENY;
		answer.reason = ZG_R_TCP_HOLD;
	}
	const uint32_t pos = answer.say == ZG_SAY_DENY && in.pos < n ? (uint32_t)in.pos : n;
	if (!answered(e, f, dir, base + pos, &answer, bytes + pos, n - pos))
		return ZG_FATE_TOLD(answer.reason);
	return ZG_FATE_DONE;
}

static struct zg_fate take_fin(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir)
{
	struct zg_half *s = &f->half[dir];
	struct zg_answer answer = { .say = ZG_SAY_MORE };

	s->fin_seen = true;
	s->fin = s->nxt;
	if (f->inspector->end == NULL)
		return ZG_FATE_DONE;
	f->inspector->end(f->state, f->config, dir, &answer);
	if (!answered(e, f, dir, s->nxt, &answer, NULL, 0))
		return ZG_FATE_TOLD(answer.reason);
	return ZG_FATE_DONE;
}

/* --- segments with data or FIN ---------------------------------------------------------------- */

static struct zg_fate kill_flow(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, enum zg_reason reason)
{
	/* a connection that has ended properly has nothing left to deny */
	if (f->phase == ZG_PHASE_CLOSED)
		return ZG_FATE_DROP(reason);
	zg_deny(e, f, dir, reason, NULL, NULL, 0);
	return ZG_FATE_TOLD(reason);
}

static struct zg_fate hold_early(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	bool covered;

	if (!zg_hold_agrees(&f->half[dir], p, &covered))
		return kill_flow(e, f, dir, ZG_R_TCP_OVERLAP);
	/* over the bound only the packet is lost: the sender repeats it once the gap is filled */
	enum zg_reason reason = covered ? ZG_R_TCP_REPEAT : zg_hold_add(e, f, dir, ZG_HOLD_EARLY, p);
	if (reason == ZG_R_NONE || covered)
		zg_out_ack_early(e, f, dir, p->seg.seq, p->seg.seq + p->seg.len);
	return ZG_FATE_DROP(reason);
}

/* A sender that repeats what is held may have nothing else to send before an acknowledgement comes (Nagle's algorithm, a
 * congestion window of one segment). */
static void settle(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir)
{
	struct zg_answer answer = { .say = ZG_SAY_MORE };

	if (f->inspector->acknowledges)
		zg_out_ack_held(e, f, dir);
	if (f->inspector->settle == NULL)
		return;
	f->inspector->settle(f->state, dir, &answer);
	(void)answered(e, f, dir, f->half[dir].nxt, &answer, NULL, 0);
}

/* All its bytes were inspected: goes out as soon as all are released. */
static struct zg_fate forward_or_wait(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	const struct zg_half *s = &f->half[dir];
	const uint32_t end = p->seg.seq + p->seg.len;

	/* what it made the inspector release of the other end may acknowledge its own beginning */
	if (rewriting_forgotten(s, &p->seg))
		return ZG_FATE_DROP(ZG_R_TCP_REPEAT);
	if (zg_seq_le(end, s->rel))
		return forward(e, f, dir, p);
	if (zg_hold_covers(s, p->seg.seq, end + ((p->seg.flags & ZG_FIN) ? 1 : 0))) {
		settle(e, f, dir);
		return ZG_FATE_DROP(ZG_R_TCP_REPEAT);
	}
	enum zg_reason reason = zg_hold_add(e, f, dir, ZG_HOLD_WAIT, p);
	if (reason == ZG_R_NONE && f->inspector->acknowledges)
		zg_out_ack_held(e, f, dir);
	/* the inspector has these bytes already: a repetition would find the same bound again */
	return reason == ZG_R_NONE ? ZG_FATE_DONE : kill_flow(e, f, dir, reason);
}

/* RFC 9293 3.8.6.1: one byte against a closed window, with nothing else outstanding. */
static bool window_probe(const struct zg_half *s, const struct zg_seg *seg)
{
	return seg->len == 1 && seg->seq == s->edge && seg->seq == s->una;
}

/* Where the segment lies; NONE if it may be looked at further. */
static enum zg_reason place(const struct zg_half *s, const struct zg_seg *seg)
{
	const uint32_t end = seg->seq + seg->len;

	if (s->released < ISN_NEAR && zg_seq_lt(seg->seq, s->isn + 1))
		return ZG_R_TCP_BEFORE_ISN;
	/* Below una nothing is left to compare with; the receiver has it, and would not look at it either. */
	if (zg_seq_lt(seg->seq, s->una))
		return ZG_R_TCP_REPEAT;
	if (zg_seq_lt(s->edge, end) && !window_probe(s, seg))
		return ZG_R_TCP_WINDOW;
	return ZG_R_NONE;
}

static struct zg_fate with_data(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	const struct zg_half *s = &f->half[dir];
	const struct zg_seg *seg = &p->seg;
	uint8_t *bytes = p->data + seg->data_off;
	const uint32_t end = seg->seq + seg->len;
	const bool fin = seg->flags & ZG_FIN;

	enum zg_reason reason = place(s, seg);
	if (reason != ZG_R_NONE) {
		/* the acknowledgement that the sender waits for may have been lost */
		if (reason != ZG_R_TCP_WINDOW)
			zg_out_ack(e, f, dir, reason);
		return ZG_FATE_DROP(reason);
	}
	if (s->fin_seen && zg_seq_lt(s->fin, end))
		return kill_flow(e, f, dir, ZG_R_TCP_AFTER_FIN);
	if (zg_seq_lt(s->nxt, seg->seq))
		return hold_early(e, f, dir, p);
	const uint32_t seen = (zg_seq_lt(end, s->nxt) ? end : s->nxt) - seg->seq;
	/* first bytes win, those that wait behind a hole too: what fills it must not say something else about them */
	bool covered;
	if (!zg_ring_same(&s->ring, seg->seq, bytes, seen) || !zg_hold_agrees(s, p, &covered))
		return kill_flow(e, f, dir, ZG_R_TCP_OVERLAP);
	if (fin && zg_seq_lt(end, s->nxt))
		return kill_flow(e, f, dir, ZG_R_TCP_FIN);
	if (fin && zg_hold_beyond(s, end))
		return kill_flow(e, f, dir, ZG_R_TCP_AFTER_FIN);

	struct zg_fate fate = ZG_FATE_DONE;
	if (seen < seg->len)
		fate = feed(e, f, dir, bytes + seen, seg->len - seen);
	if (fate.reason == ZG_R_NONE && fin && !s->fin_seen)
		fate = take_fin(e, f, dir);
	return fate.reason == ZG_R_NONE ? forward_or_wait(e, f, dir, p) : fate;
}

/* Early packets whose turn has come. */
static void take_early(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir)
{
	struct zg_half *s = &f->half[dir];

	while (f->phase == ZG_PHASE_OPEN && !zg_list_empty(&s->early)) {
		struct zg_held *held = ZG_LIST_OF(s->early.next, struct zg_held, in_flow);
		if (zg_seq_lt(s->nxt, held->pkt.seg.seq))
			return;
		zg_hold_take(e, held);
		struct zg_fate fate = with_data(e, f, dir, &held->pkt);
		if (fate.reason != ZG_R_NONE) {
			zg_out_drop(e, held->pkt.id, fate.reason);
			if (!fate.told)
				zg_out_packet_denied(e, f, &held->pkt.seg, held->pkt.mark, fate.reason);
		}
		zg_pool_put(&e->pool, held);
	}
}

/* --- every packet ------------------------------------------------------------------------------ */

static struct zg_fate without_data(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	const struct zg_half *s = &f->half[dir];
	const uint32_t top = zg_seq_lt(s->edge, zg_half_end(s)) ? zg_half_end(s) : s->edge;

	/* una - 1 is the keep-alive (RFC 9293 3.8.4) */
	if (zg_seq_lt(p->seg.seq, s->una - 1)) {
		zg_out_ack(e, f, dir, ZG_R_TCP_REPEAT);
		return ZG_FATE_DROP(ZG_R_TCP_REPEAT);
	}
	if (zg_seq_lt(top, p->seg.seq))
		return ZG_FATE_DROP(ZG_R_TCP_WINDOW);
	return forward(e, f, dir, p);
}

struct zg_fate zg_stream_packet(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	struct zg_fate fate;

	if (p->seg.flags & ZG_RST)
		return zg_stream_rst(e, f, dir, p);
	if (p->seg.flags & ZG_SYN)
		return zg_open_again(e, f, dir, p);
	enum zg_reason reason = zg_stream_check(e, f, dir, &p->seg);
	if (reason != ZG_R_NONE)
		return ZG_FATE_DROP(reason);
	if (e->owner.passive)
		learn(e, f, dir, &p->seg);
	if (p->seg.len == 0 && !(p->seg.flags & ZG_FIN))
		return without_data(e, f, dir, p);
	fate = with_data(e, f, dir, p);
	take_early(e, f, dir);
	return fate;
}

struct zg_fate zg_stream_rst(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	const struct zg_half *s = &f->half[dir], *o = &f->half[zg_dir_other(dir)];
	const struct zg_seg *seg = &p->seg;
	/* a RST in answer to a SYN has no sequence number yet */
	const bool answers_syn = f->phase == ZG_PHASE_SYN && dir == ZG_SERVER;

	if (!answers_syn) {
		if ((seg->flags & ZG_ACK) && !ack_valid(e, s, o, seg->ack))
			return ZG_FATE_DROP(ZG_R_TCP_RST);
		/* The edge, or what the receiver last said that it expects: after a loss behind us the two differ. */
		if (seg->seq != zg_half_end(s) && seg->seq != s->una) {
			if (zg_seq_lt(s->una, seg->seq) && zg_seq_le(seg->seq, s->edge))
				zg_out_ack(e, f, dir, ZG_R_TCP_RST);
			return ZG_FATE_DROP(ZG_R_TCP_RST);
		}
		if (seg->seq != s->una && s->fwd != seg->seq) {
			/* bytes before it are held and will never go: the receiver expects another number */
			struct zg_inject rst = zg_out_template(f, ZG_INJECT_RST, dir == ZG_SERVER, ZG_R_NONE);
			rst.seq = s->fwd;
			zg_out_inject(e, &rst);
			connection_ended(e, f, ZG_PHASE_RESET);
			return ZG_FATE_TOLD(ZG_R_TCP_RST);
		}
	}
	zg_out_accept(e, f, dir, p);
	connection_ended(e, f, ZG_PHASE_RESET);
	return ZG_FATE_DONE;
}
