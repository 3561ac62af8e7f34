/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three-way handshake (RFC 9293 3.5), and SYNs where none belongs. */
#include "inspect/engine.h"

static void half_start(struct zg_half *half, const struct zg_seg *syn)
{
	half->isn = syn->seq;
	half->nxt = half->rel = half->fwd = half->una = syn->seq + 1;
	half->ring.start = half->nxt;
	half->vouched = half->again = half->nxt;
	half->edge = half->nxt; /* until the other end has opened a window */
	half->window = syn->window;
	half->max_wnd = syn->window; /* never scaled on a SYN (RFC 7323 2.2) */
	half->syn = (struct zg_syn_options){
		.mss = syn->opt.mss,
		.wscale = syn->opt.wscale,
		.wscale_given = syn->opt.wscale_given,
		.sack_ok = syn->opt.sack_ok,
		.ts_given = syn->opt.ts_given,
	};
	half->ts = syn->opt.ts_val;
}

void zg_open_start(struct zg_flow *f, const struct zg_seg *syn)
{
	for (int dir = 0; dir < 2; dir++) {
		zg_list_init(&f->half[dir].early);
		zg_list_init(&f->half[dir].wait);
	}
	half_start(&f->half[ZG_CLIENT], syn);
	f->phase = ZG_PHASE_SYN;
}

/* A repeated SYN says the same as the first one: the other end answers to whichever arrived. */
static bool syn_same(const struct zg_half *half, const struct zg_seg *seg)
{
	const struct zg_syn_options *a = &half->syn;
	const struct zg_tcp_options *b = &seg->opt;

	return seg->seq == half->isn && a->mss == b->mss && a->sack_ok == b->sack_ok &&
	       a->wscale_given == b->wscale_given && a->wscale == b->wscale && a->ts_given == b->ts_given &&
	       (!b->ts_given || zg_seq_le(half->ts, b->ts_val));
}

static struct zg_fate syn_repeated(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	if (!syn_same(&f->half[dir], &p->seg))
		return ZG_FATE_DROP(ZG_R_TCP_SYN_AGAIN);
	f->half[dir].ts = p->seg.opt.ts_val;
	zg_out_accept(e, f, dir, p);
	return ZG_FATE_DONE;
}

/* The server's answer to the SYN. */
static struct zg_fate synack(struct zg_engine *e, struct zg_flow *f, const struct zg_pkt *p)
{
	struct zg_half *c = &f->half[ZG_CLIENT], *s = &f->half[ZG_SERVER];
	const struct zg_syn_options *offer = &c->syn;
	const struct zg_tcp_options *opt = &p->seg.opt;

	if ((opt->wscale_given && !offer->wscale_given) || (opt->sack_ok && !offer->sack_ok) ||
	    (opt->ts_given && !offer->ts_given))
		return ZG_FATE_DROP(ZG_R_TCP_OPTION);
	half_start(s, &p->seg);
	c->wscale = opt->wscale_given ? offer->wscale : 0;
	s->wscale = opt->wscale_given ? opt->wscale : 0;
	f->ts_ok = opt->ts_given;
	f->sack_ok = opt->sack_ok;
	c->edge = c->nxt + s->window;
	s->edge = s->nxt + c->window;
	f->phase = ZG_PHASE_SYNACK;
	zg_out_accept(e, f, ZG_SERVER, p);
	return ZG_FATE_DONE;
}

static struct zg_fate from_server(struct zg_engine *e, struct zg_flow *f, const struct zg_pkt *p)
{
	const struct zg_half *c = &f->half[ZG_CLIENT];
	const struct zg_seg *seg = &p->seg;
	const uint8_t kind = seg->flags & (ZG_SYN | ZG_ACK);

	if (f->phase == ZG_PHASE_SYNACK && kind == (ZG_SYN | ZG_ACK) && seg->ack == c->nxt)
		return syn_repeated(e, f, ZG_SERVER, p);
	if (f->phase == ZG_PHASE_SYN && (kind & ZG_ACK)) {
		if (kind == (ZG_SYN | ZG_ACK) && seg->ack == c->nxt)
			return synack(e, f, p);
		/* The server still has a connection that the client has forgotten: reset it as the client would (RFC 9293
		 * 3.10.7.3), or it would never answer the new SYN. */
		if (seg->ack != c->nxt)
			zg_out_reset_sender(e, f, seg, f->mark, ZG_R_TCP_HANDSHAKE);
	}
	return ZG_FATE_DROP(ZG_R_TCP_HANDSHAKE); /* also the SYN of a simultaneous open */
}

static bool digest_begin(struct zg_engine *e, struct zg_flow *f)
{
	f->digest = zg_pool_get(&e->pool, sizeof *f->digest);
	if (f->digest == NULL)
		return false;
	sha256_init(&f->digest->sha256[ZG_CLIENT]);
	sha256_init(&f->digest->sha256[ZG_SERVER]);
	return true;
}

static enum zg_reason establish(struct zg_engine *e, struct zg_flow *f)
{
	f->state = zg_engine_get(e, f->inspector->state_size);
	if (f->state == NULL)
		return ZG_R_TCP_MEMORY;
	if (f->wants_digest && !digest_begin(e, f)) {
		zg_flow_state_free(e, f);
		return ZG_R_TCP_MEMORY;
	}
	f->inspector->begin(f->state, f->config);
	f->phase = ZG_PHASE_OPEN;
	f->opened = true;
	f->opened_ms = e->now_ms;
	zg_flowtab_move(&e->tab, &f->node, zg_flow_list_open(f), e->now_ms);
	e->stats.flows_opened++;
	zg_out_event(e, f, ZG_FLOW_OPENED, ZG_R_NONE, ZG_CLIENT);
	return ZG_R_NONE;
}

static struct zg_fate from_client(struct zg_engine *e, struct zg_flow *f, const struct zg_pkt *p)
{
	const struct zg_half *s = &f->half[ZG_SERVER];
	const struct zg_seg *seg = &p->seg;

	if ((seg->flags & (ZG_SYN | ZG_ACK)) == ZG_SYN)
		return syn_repeated(e, f, ZG_CLIENT, p);
	if ((seg->flags & ZG_SYN) || f->phase != ZG_PHASE_SYNACK)
		return ZG_FATE_DROP(ZG_R_TCP_HANDSHAKE);
	if (seg->ack != s->nxt) {
		zg_out_reset_sender(e, f, seg, f->mark, ZG_R_TCP_HANDSHAKE);
		return ZG_FATE_DROP(ZG_R_TCP_HANDSHAKE);
	}
	/* Only what goes on to the server opens the connection: with segments that it never sees, who sends SYNs could take the
	 * whole table. */
	const struct zg_half *c = &f->half[ZG_CLIENT];
	if (!e->owner.passive && (seg->seq != c->nxt || zg_seq_lt(c->edge, seg->seq + seg->len)))
		return ZG_FATE_DROP(ZG_R_TCP_HANDSHAKE);
	enum zg_reason reason = zg_stream_check(e, f, ZG_CLIENT, seg);
	if (reason == ZG_R_NONE)
		reason = establish(e, f);
	if (reason != ZG_R_NONE)
		return ZG_FATE_DROP(reason);
	return zg_stream_packet(e, f, ZG_CLIENT, p);
}

struct zg_fate zg_open_packet(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	const struct zg_half *c = &f->half[ZG_CLIENT];

	if (!(p->seg.flags & ZG_RST))
		return dir == ZG_CLIENT ? from_client(e, f, p) : from_server(e, f, p);
	/* before the server has spoken its sequence number is unknown: the acknowledgement names the SYN instead
	 * (RFC 9293 3.10.7.3) */
	if (f->phase == ZG_PHASE_SYN && (dir == ZG_CLIENT ? (p->seg.flags & ZG_ACK) != 0
							   : !(p->seg.flags & ZG_ACK) || p->seg.ack != c->nxt))
		return ZG_FATE_DROP(ZG_R_TCP_RST);
	return zg_stream_rst(e, f, dir, p);
}

struct zg_fate zg_open_again(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	const struct zg_half *c = &f->half[ZG_CLIENT], *s = &f->half[ZG_SERVER];

	/* the ACK that completes the handshake was lost behind us: the client has to repeat it */
	if (dir == ZG_SERVER && f->phase == ZG_PHASE_OPEN && (p->seg.flags & ZG_ACK) && p->seg.ack == c->isn + 1 &&
	    zg_half_end(s) == s->isn + 1 && syn_same(s, &p->seg)) {
		zg_out_accept(e, f, dir, p);
		return ZG_FATE_DONE;
	}
	/* A host that lost the connection answers this challenge with a RST that fits, and can then begin anew (RFC 5961 4). */
	zg_out_ack(e, f, dir, ZG_R_TCP_SYN_AGAIN);
	return ZG_FATE_DROP(ZG_R_TCP_SYN_AGAIN);
}
