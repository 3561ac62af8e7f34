/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be sent again, since its sender was told that it came. */
#include "inspect/engine.h"

/* RFC 9293 3.7.1: what an end takes that said nothing. */
#define MSS4 536u
#define MSS6 1220u
#define TIMESTAMPS 12u /* bytes of the option in a segment */

/* Bytes of one segment to the receiver of dir. */
static uint32_t segment_size(const struct zg_flow *f, enum zg_dir dir)
{
	const uint32_t said = f->half[zg_dir_other(dir)].syn.mss;
	const uint32_t mss = said != 0 ? said : f->node.tuple.client.family == ZG_IPV4 ? MSS4 : MSS6;
	const uint32_t size = f->ts_ok && mss > TIMESTAMPS ? mss - TIMESTAMPS : mss;

	return size < ZG_INJECT_AGAIN_MAX ? size : ZG_INJECT_AGAIN_MAX;
}

static void stamp(struct zg_engine *e, struct zg_flow *f)
{
	f->vouched_ms = e->now_ms;
	zg_list_remove(&f->in_vouched);
	zg_list_insert(&f->in_vouched, &e->vouched);
}

/* Sends what lies at the front, before edge. false: nothing of it was forwarded. */
static bool send_again(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, uint32_t edge)
{
	struct zg_half *half = &f->half[dir];

	if (zg_seq_lt(half->rel, edge))
		edge = half->rel;
	if (zg_seq_lt(half->fwd, edge))
		edge = half->fwd;
	if (!zg_seq_lt(half->una, edge))
		return false;
	const uint32_t n = edge - half->una, most = segment_size(f, dir);
	half->again = half->una;
	half->again_ms = (uint32_t)e->now_ms;
	zg_out_again(e, f, dir, n < most ? n : most);
	return true;
}

void zg_again_vouch(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, uint32_t end)
{
	struct zg_half *half = &f->half[dir];

	if (e->owner.again == NULL)
		return;
	if (zg_seq_lt(half->vouched, end))
		half->vouched = end;
	if (half->again != half->una)
		f->tries = 0;
	if (zg_list_empty(&f->in_vouched) && f->tries < ZG_AGAIN_TRIES)
		stamp(e, f);
}

/* RFC 6675 4, IsLost(): so much came behind the front that it does not come late, it does not come; or all that follows
 * did. *ret_edge: where what came begins. */
static bool front_lost(const struct zg_flow *f, enum zg_dir dir, const struct zg_seg *seg, uint32_t *ret_edge)
{
	const struct zg_half *half = &f->half[dir];
	uint32_t came = 0;
	bool all = false;

	*ret_edge = half->fwd;
	for (size_t i = 0; i < seg->opt.n_sacks; i++) {
		const uint32_t left = seg->opt.sacks[i].left, right = seg->opt.sacks[i].right;
		if (!zg_seq_lt(half->una, left)) /* a duplicate, RFC 2883 */
			continue;
		came += right - left;
		all = all || right == half->fwd;
		if (zg_seq_lt(left, *ret_edge))
			*ret_edge = left;
	}
	return all || came > 2 * segment_size(f, dir);
}

void zg_again_acked(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_seg *seg, bool moved)
{
	const struct zg_half *half = &f->half[dir];
	uint32_t edge;

	if (f->phase != ZG_PHASE_OPEN)
		return;
	if (moved) {
		f->tries = 0;
		stamp(e, f);
	}
	if (seg->ack != half->una || !front_lost(f, dir, seg, &edge) ||
	    (half->again == half->una && (uint32_t)e->now_ms - half->again_ms < ZG_AGAIN_ACK_MS))
		return;
	if (send_again(e, f, dir, edge))
		stamp(e, f);
}

/* false: there is nothing to wait for any more. What the kernel does not let through any longer is not helped either: the
 * policy may have changed, or the flow's time be over. */
static bool help(struct zg_engine *e, struct zg_flow *f)
{
	struct zg_flow_policy policy;
	bool sent = false, held = false;

	if (!e->owner.resolve(e->owner.ctx, f->mark, &policy) || policy.identity != f->identity)
		return false;
	if (f->phase != ZG_PHASE_OPEN || f->tries >= ZG_AGAIN_TRIES || e->now_ms - f->node.since_ms >= ZG_AGAIN_FRESH_MS)
		return false;
	for (int dir = 0; dir < 2; dir++) {
		const struct zg_half *half = &f->half[dir];
		if (!zg_again_due(half))
			continue;
		sent = send_again(e, f, (enum zg_dir)dir, half->vouched) || sent;
		held = held || half->n_held > 0; /* a hole is still open, or the inspector waits */
	}
	f->tries = (uint8_t)(f->tries + sent);
	return sent || held;
}

void zg_again_tick(struct zg_engine *e)
{
	for (unsigned n = 0; n < ZG_AGAIN_AT_ONCE && !zg_list_empty(&e->vouched); n++) {
		struct zg_flow *f = ZG_LIST_OF(e->vouched.next, struct zg_flow, in_vouched);
		if (e->now_ms - f->vouched_ms < ZG_AGAIN_MS)
			return;
		if (help(e, f))
			stamp(e, f);
		else
			zg_list_remove(&f->in_vouched);
	}
}
