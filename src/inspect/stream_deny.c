/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refusal. The server is reset, so that it acts on nothing unfinished. The client is reset too, or, where the
 * inspector's protocol has words for it, spoken to in the server's name: what it still sends is swallowed and
 * acknowledged until it listens, then it gets the text and a FIN, and its own FIN is acknowledged. From the denial on no
 * packet of the connection passes in either direction.
 */
#include "inspect/engine.h"
#include "zonegate/refusal.h"


#define TOLD_MS	   1000u /* ms until the text is sent again: RFC 6298's first retransmission timeout */
#define TOLD_TIMES 5u	 /* then the client is taken for gone */
#define WINDOW_MIN 1024u /* what the client may send us, if the server last said less: it has to come to its end */

static void untold(struct zg_flow *f)
{
	zg_list_remove(&f->in_told);
}

static void reset_client(struct zg_engine *e, const struct zg_flow *f)
{
	struct zg_inject rst = zg_out_template(f, ZG_INJECT_RST, true, f->reason);

	/* before the server's SYN there is nothing to count from (RFC 9293 3.10.7.3) */
	if (f->phase != ZG_PHASE_SYN)
		rst.seq = f->phase == ZG_PHASE_TOLD ? f->told_end : f->half[ZG_SERVER].fwd;
	rst.has_ack = true;
	rst.ack = zg_half_end(&f->half[ZG_CLIENT]);
	zg_out_inject(e, &rst);
}

static void reset_server(struct zg_engine *e, const struct zg_flow *f)
{
	struct zg_inject rst = zg_out_template(f, ZG_INJECT_RST, false, f->reason);

	rst.seq = f->half[ZG_CLIENT].fwd;
	rst.has_ack = f->phase != ZG_PHASE_SYN;
	rst.ack = rst.has_ack ? f->half[ZG_SERVER].fwd : 0;
	zg_out_inject(e, &rst);
}

void zg_deny_reset_ends(struct zg_engine *e, const struct zg_flow *f)
{
	reset_server(e, f);
	reset_client(e, f);
}

static void die(struct zg_engine *e, struct zg_flow *f)
{
	untold(f);
	zg_flow_strip(e, f, f->reason);
	f->phase = ZG_PHASE_DEAD;
	zg_engine_end(e, f, ZG_LIST_DEAD, ZG_FLOWTAB_DEAD_MAX);
}

/* --- words for the client ---------------------------------------------------------------------- */

static struct zg_inject to_client(const struct zg_flow *f, enum zg_inject_kind kind, uint32_t seq)
{
	struct zg_inject inject = zg_out_template(f, kind, true, f->reason);
	const uint16_t window = f->half[ZG_SERVER].window;

	inject.seq = seq;
	inject.has_ack = true;
	inject.ack = zg_half_end(&f->half[ZG_CLIENT]);
	inject.window = window > WINDOW_MIN ? window : WINDOW_MIN;
	inject.refusal = f->refusal;
	return inject;
}

static void send_text(struct zg_engine *e, struct zg_flow *f)
{
	const struct zg_inject text = to_client(f, ZG_INJECT_REFUSAL, f->told_seq);

	f->told++;
	f->told_ms = e->now_ms;
	zg_list_remove(&f->in_told);
	zg_list_insert(&f->in_told, &e->told);
	zg_out_inject(e, &text);
}

/* The client listens now. */
static void tell(struct zg_engine *e, struct zg_flow *f)
{
	const struct zg_half *s = &f->half[ZG_SERVER];
	char text[ZG_REFUSAL_MAX];
	const size_t len = zg_refusal_text(f->refusal, f->reason, text);

	/* after the server's FIN nobody reads any more */
	if (len == 0 || (s->fin_seen && s->fwd == s->fin + 1)) {
		reset_client(e, f);
		die(e, f);
		return;
	}
	f->told_seq = s->fwd;
	f->told_end = f->told_seq + (uint32_t)len + 1;
	f->phase = ZG_PHASE_TOLD;
	f->swallowed = 0; /* it may not read before it has sent all */
	zg_flow_state_free(e, f);
	send_text(e, f);
}

/* Gives swallowed bytes to the inspector, which says when the client listens. */
static void drain(struct zg_engine *e, struct zg_flow *f, uint8_t *bytes, uint32_t n)
{
	struct zg_answer answer = { .say = ZG_SAY_MORE };

	f->swallowed += n;
	if (n > 0) {
		struct zg_rw in = zg_rw_init(bytes, n);
		f->inspector->data(f->state, f->config, ZG_CLIENT, &in, &answer);
	}
	if (answer.say != ZG_SAY_MORE || f->swallowed > ZG_DRAIN_BYTES || f->half[ZG_CLIENT].fin_seen)
		tell(e, f);
}

void zg_deny(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, enum zg_reason reason,
	     const struct zg_answer *answer, uint8_t *rest, uint32_t n_rest)
{
	f->reason = reason;
	f->denied_dir = dir;
	f->refusal = answer != NULL ? answer->refusal : ZG_REFUSAL_RESET;
	for (int d = 0; d < 2; d++) {
		zg_hold_drop_all(e, f, (enum zg_dir)d, reason);
		zg_ring_free(&f->half[d].ring, &e->pool);
	}
	e->stats.flows_denied++;
	zg_out_event(e, f, ZG_FLOW_DENIED, reason, dir);
	reset_server(e, f);
	if (f->refusal == ZG_REFUSAL_RESET || f->phase != ZG_PHASE_OPEN) {
		reset_client(e, f);
		die(e, f);
		return;
	}
	f->phase = ZG_PHASE_DRAIN;
	zg_engine_end(e, f, ZG_LIST_REFUSED, ZG_FLOWTAB_REFUSED_MAX);
	if (answer == NULL || !answer->drain) {
		tell(e, f);
		return;
	}
	drain(e, f, rest, dir == ZG_CLIENT ? n_rest : 0);
	if (f->phase == ZG_PHASE_DRAIN) {
		const struct zg_inject ack = to_client(f, ZG_INJECT_ACK, f->half[ZG_SERVER].fwd);
		zg_out_inject(e, &ack);
	}
}

void zg_deny_withdrawn(struct zg_engine *e, struct zg_flow *f)
{
	switch (f->phase) {
	case ZG_PHASE_OPEN:
		zg_out_event(e, f, ZG_FLOW_CLOSED, ZG_R_TCP_POLICY, ZG_CLIENT);
		break;
	case ZG_PHASE_SYN:
	case ZG_PHASE_SYNACK:
	case ZG_PHASE_DRAIN:
	case ZG_PHASE_TOLD:
		break;
	default:
		return;
	}
	if (f->phase <= ZG_PHASE_OPEN) {
		f->reason = ZG_R_TCP_POLICY;
		reset_server(e, f);
	} /* else it was reset before, and the reason told */
	reset_client(e, f);
	die(e, f);
}

/* --- what still comes --------------------------------------------------------------------------- */

/* In order, as far as it is new; the rest comes again. */
static void swallow(struct zg_engine *e, struct zg_flow *f, const struct zg_pkt *p)
{
	struct zg_half *c = &f->half[ZG_CLIENT];
	const struct zg_seg *seg = &p->seg;
	const uint32_t end = seg->seq + seg->len;

	if (c->fin_seen || zg_seq_lt(c->nxt, seg->seq) || zg_seq_lt(end, c->nxt))
		return;
	const uint32_t n = end - c->nxt;
	uint8_t *bytes = p->data + seg->data_off + (seg->len - n);
	c->nxt = end;
	if (seg->flags & ZG_FIN) {
		c->fin_seen = true;
		c->fin = end;
	}
	if (f->ts_ok && seg->opt.ts_given && zg_seq_lt(c->ts, seg->opt.ts_val))
		c->ts = seg->opt.ts_val;
	if (f->phase == ZG_PHASE_DRAIN)
		drain(e, f, bytes, n);
	else
		f->swallowed += n;
}

static void from_refused_client(struct zg_engine *e, struct zg_flow *f, const struct zg_pkt *p)
{
	const struct zg_half *c = &f->half[ZG_CLIENT];
	const struct zg_seg *seg = &p->seg;
	const bool was_told = f->phase == ZG_PHASE_TOLD;

	if (seg->flags & ZG_RST) {
		if (seg->seq == zg_half_end(c))
			die(e, f);
		return;
	}
	if (was_told && seg->ack == f->told_end) {
		f->told_acked = true;
		untold(f);
	}
	swallow(e, f, p);
	if (f->phase == ZG_PHASE_DEAD)
		return;
	if (f->swallowed > ZG_DRAIN_BYTES) {
		reset_client(e, f);
		die(e, f);
		return;
	}
	/* what just went out as text acknowledges too */
	if ((seg->len > 0 || (seg->flags & ZG_FIN)) && was_told == (f->phase == ZG_PHASE_TOLD)) {
		const struct zg_inject ack = to_client(f, ZG_INJECT_ACK, was_told ? f->told_end : f->half[ZG_SERVER].fwd);
		zg_out_inject(e, &ack);
	}
	if (f->told_acked && c->fin_seen)
		die(e, f);
}

struct zg_fate zg_deny_packet(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	/* a client that begins anew too early repeats its SYN, if nothing tells it not to */
	if ((p->seg.flags & (ZG_SYN | ZG_ACK)) == ZG_SYN)
		return ZG_FATE_DROP(ZG_R_TCP_DEAD);
	if (f->phase == ZG_PHASE_DEAD || dir == ZG_SERVER) {
		zg_out_reset_sender(e, f, &p->seg, f->mark, ZG_R_TCP_DEAD);
		return ZG_FATE_DROP(ZG_R_TCP_DEAD);
	}
	if (f->config == NULL) { /* the policy is gone, and with it what the inspector needs */
		reset_client(e, f);
		die(e, f);
		return ZG_FATE_DROP(ZG_R_TCP_DEAD);
	}
	from_refused_client(e, f, p);
	return ZG_FATE_TOLD(f->reason);
}

/* --- timers -------------------------------------------------------------------------------------- */

void zg_deny_tick(struct zg_engine *e)
{
	while (!zg_list_empty(&e->told)) {
		struct zg_flow *f = ZG_LIST_OF(e->told.next, struct zg_flow, in_told);
		if (e->now_ms - f->told_ms < TOLD_MS)
			return;
		if (f->told < TOLD_TIMES) {
			send_text(e, f);
			continue;
		}
		reset_client(e, f);
		die(e, f);
	}
}

void zg_deny_expired(struct zg_engine *e, struct zg_flow *f)
{
	if (f->phase == ZG_PHASE_DRAIN) {
		/* it never came to an end: tell it all the same, and wait once more */
		tell(e, f);
		if (f->phase == ZG_PHASE_TOLD)
			zg_flowtab_move(&e->tab, &f->node, ZG_LIST_REFUSED, e->now_ms);
		return;
	}
	reset_client(e, f);
	die(e, f);
}
