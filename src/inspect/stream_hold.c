/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that wait for their turn, as whole copies, within bounds. */
#include "inspect/engine.h"

#include <string.h>

static struct zg_held *held_in_flow(struct zg_list *node)
{
	return ZG_LIST_OF(node, struct zg_held, in_flow);
}

/* Whoever sends out of order without end shall not take the memory from streams that go on: those may use all of it. */
static bool memory_for(const struct zg_engine *e, enum zg_hold which, size_t size)
{
	return which != ZG_HOLD_EARLY || e->pool.used + size <= ZG_ENGINE_BYTES_MAX / 2;
}

/* Nor the places in the kernel's queue, where every packet stays until its verdict; and of these no more than a part of what
 * is left, so that others may lose a packet too, or begin slowly. */
static bool place_for(const struct zg_engine *e, enum zg_hold which, const struct zg_half *half)
{
	const uint32_t most = which == ZG_HOLD_WAIT ? ZG_ENGINE_HELD_PKTS : ZG_ENGINE_EARLY_PKTS;

	return e->stats.held < most && half->n_held <= (most - e->stats.held) / ZG_ENGINE_HELD_SHARE;
}

/* Where a packet belongs in a list ordered by sequence number: before the returned node. Packets mostly come in order,
 * so the search starts at the end. */
static struct zg_list *place_of(struct zg_list *head, uint32_t seq)
{
	struct zg_list *at = head;

	while (at->prev != head && zg_seq_lt(seq, held_in_flow(at->prev)->pkt.seg.seq))
		at = at->prev;
	return at;
}

enum zg_reason zg_hold_add(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, enum zg_hold which,
			   const struct zg_pkt *p)
{
	struct zg_half *half = &f->half[dir];
	struct zg_list *head = which == ZG_HOLD_EARLY ? &half->early : &half->wait;
	const size_t size = sizeof(struct zg_held) + p->len;

	if (half->n_held >= ZG_STREAM_HOLD_PKTS || half->held_bytes + p->len > ZG_STREAM_HOLD_BYTES ||
	    !place_for(e, which, half))
		return ZG_R_TCP_HOLD;
	struct zg_held *held = memory_for(e, which, size) ? zg_pool_get(&e->pool, size) : NULL;
	if (held == NULL)
		return ZG_R_TCP_MEMORY;
	held->flow = f;
	held->dir = dir;
	held->since_ms = e->now_ms;
	held->pkt = *p;
	held->pkt.data = held->bytes;
	memcpy(held->bytes, p->data, p->len);
	zg_list_insert(&held->in_flow, place_of(head, p->seg.seq));
	zg_list_insert(&held->in_engine, &e->held);
	half->n_held++;
	half->held_bytes += p->len;
	e->stats.held++;
	return ZG_R_NONE;
}

void zg_hold_take(struct zg_engine *e, struct zg_held *held)
{
	struct zg_half *half = &held->flow->half[held->dir];

	zg_list_remove(&held->in_flow);
	zg_list_remove(&held->in_engine);
	half->n_held--;
	half->held_bytes -= held->pkt.len;
	e->stats.held--;
}

void zg_hold_drop(struct zg_engine *e, struct zg_held *held, enum zg_reason reason)
{
	zg_hold_take(e, held);
	zg_out_drop(e, held->pkt.id, reason);
	zg_pool_put(&e->pool, held);
}

void zg_hold_drop_all(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, enum zg_reason reason)
{
	struct zg_half *half = &f->half[dir];

	while (!zg_list_empty(&half->wait))
		zg_hold_drop(e, held_in_flow(half->wait.next), reason);
	while (!zg_list_empty(&half->early))
		zg_hold_drop(e, held_in_flow(half->early.next), reason);
}

bool zg_hold_covers(const struct zg_half *half, uint32_t seq, uint32_t end)
{
	for (struct zg_list *at = half->wait.next; at != &half->wait; at = at->next) {
		const struct zg_seg *seg = &held_in_flow(at)->pkt.seg;
		const uint32_t fin = (seg->flags & ZG_FIN) ? 1 : 0;
		if (zg_seq_le(seg->seq, seq) && zg_seq_le(end, seg->seq + seg->len + fin))
			return true;
	}
	return false;
}

bool zg_hold_agrees(const struct zg_half *half, const struct zg_pkt *p, bool *ret_covered)
{
	const uint32_t seq = p->seg.seq, end = seq + p->seg.len;

	*ret_covered = false;
	for (struct zg_list *at = half->early.next; at != &half->early; at = at->next) {
		const struct zg_pkt *q = &held_in_flow(at)->pkt;
		const uint32_t q_end = q->seg.seq + q->seg.len;
		const uint32_t lo = zg_seq_lt(seq, q->seg.seq) ? q->seg.seq : seq;
		const uint32_t hi = zg_seq_lt(end, q_end) ? end : q_end;
		if (zg_seq_lt(lo, hi) && memcmp(p->data + p->seg.data_off + (lo - seq),
						q->data + q->seg.data_off + (lo - q->seg.seq), hi - lo) != 0)
			return false;
		if (zg_seq_le(q->seg.seq, seq) && zg_seq_le(end, q_end) &&
		    (!(p->seg.flags & ZG_FIN) || (end == q_end && (q->seg.flags & ZG_FIN))))
			*ret_covered = true;
	}
	return true;
}

void zg_hold_around(const struct zg_half *half, uint32_t *seq, uint32_t *end)
{
	for (struct zg_list *at = half->early.next; at != &half->early; at = at->next) {
		const struct zg_seg *seg = &held_in_flow(at)->pkt.seg;
		const uint32_t seg_end = seg->seq + seg->len;
		if (zg_seq_le(seg->seq, *end) && zg_seq_lt(*end, seg_end))
			*end = seg_end;
	}
	for (struct zg_list *at = half->early.prev; at != &half->early; at = at->prev) {
		const struct zg_seg *seg = &held_in_flow(at)->pkt.seg;
		if (zg_seq_lt(seg->seq, *seq) && zg_seq_le(*seq, seg->seq + seg->len))
			*seq = seg->seq;
	}
}

bool zg_hold_beyond(const struct zg_half *half, uint32_t seq)
{
	for (struct zg_list *at = half->early.next; at != &half->early; at = at->next) {
		const struct zg_seg *seg = &held_in_flow(at)->pkt.seg;
		if (zg_seq_lt(seq, seg->seq + seg->len))
			return true;
	}
	return false;
}
