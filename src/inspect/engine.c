/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/engine.h"
#include "zonegate/mark.h"

#include <stdlib.h>
#include <string.h>

/* ms a flow may stay in its list */
static const uint64_t patience[ZG_LIST_COUNT] = {
	[ZG_LIST_SYN] = ZG_SYN_MS,	   [ZG_LIST_OPEN] = ZG_IDLE_MS,     [ZG_LIST_CALM] = ZG_IDLE_LONG_MS,
	[ZG_LIST_HALF] = ZG_HALF_CLOSED_MS, [ZG_LIST_CLOSED] = ZG_CLOSED_MS, [ZG_LIST_REFUSED] = ZG_DRAIN_MS,
	[ZG_LIST_DEAD] = ZG_DEAD_MS,
};

enum zg_err zg_engine_new(const struct zg_engine_owner *owner, uint64_t seed, struct zg_engine **ret_engine)
{
	struct zg_engine *e = calloc(1, sizeof *e);
	if (e == NULL)
		return ZG_ENOMEM;
	if (zg_pool_init(&e->pool, ZG_ENGINE_BYTES_MAX) != ZG_OK) {
		free(e);
		return ZG_ENOMEM;
	}
	if (zg_flowtab_init(&e->tab, seed) != ZG_OK) {
		zg_pool_fini(&e->pool);
		free(e);
		return ZG_ENOMEM;
	}
	if (zg_udp_init(&e->udp, seed) != ZG_OK) {
		zg_flowtab_fini(&e->tab);
		free(e);
		return ZG_ENOMEM;
	}
	e->owner = *owner;
	zg_list_init(&e->held);
	zg_list_init(&e->told);
	zg_list_init(&e->vouched);
	*ret_engine = e;
	return ZG_OK;
}

void zg_engine_free(struct zg_engine *engine)
{
	struct zg_flowtab_node *node;

	if (engine == NULL)
		return;
	for (int list = 0; list < ZG_LIST_COUNT; list++)
		while ((node = zg_flowtab_oldest(&engine->tab, (enum zg_flow_list)list)) != NULL)
			zg_flow_free(engine, zg_flow_of(node), ZG_R_TCP_UNKNOWN);
	zg_flowtab_fini(&engine->tab);
	zg_udp_fini(engine);
	zg_pool_fini(&engine->pool);
	free(engine);
}

/* --- flows --------------------------------------------------------------------------------------- */

void *zg_engine_get(struct zg_engine *e, size_t size)
{
	void *object = zg_pool_get(&e->pool, size);
	return object != NULL ? memset(object, 0, size) : NULL;
}

/* A piece of memory that a flow's inspector has borrowed, in the list of all of them. */
struct zg_lent {
	struct zg_lent *next;
	size_t size;
	max_align_t bytes[];
};

_Static_assert(sizeof(struct zg_lent) + ZG_LEND_MAX <= ZG_POOL_OBJECT_MAX / 2, "two in a block of the pool");

static void *lend(struct zg_lender *lender, size_t size)
{
	struct zg_flow_lender *l = ZG_LIST_OF(lender, struct zg_flow_lender, lender);
	struct zg_lent *lent = NULL;

	if (size <= ZG_LEND_MAX && l->engine->pool.used + size <= ZG_LENT_BYTES_MAX)
		lent = zg_engine_get(l->engine, sizeof *lent + size);
	if (lent == NULL)
		return NULL;
	lent->next = l->flow->lent;
	lent->size = size;
	l->flow->lent = lent;
	return lent->bytes;
}

struct zg_flow_lender zg_flow_lender(struct zg_engine *e, struct zg_flow *f)
{
	return (struct zg_flow_lender){ { lend }, e, f };
}

void zg_flow_state_free(struct zg_engine *e, struct zg_flow *f)
{
	if (f->state == NULL)
		return;
	while (f->lent != NULL) {
		struct zg_lent *lent = f->lent;
		f->lent = lent->next;
		explicit_bzero(lent->bytes, lent->size);
		zg_pool_put(&e->pool, lent);
	}
	/* it may have seen mail */
	explicit_bzero(f->state, f->inspector->state_size);
	zg_pool_put(&e->pool, f->state);
	f->state = NULL;
}

void zg_flow_strip(struct zg_engine *e, struct zg_flow *f, enum zg_reason reason)
{
	for (int dir = 0; dir < 2; dir++) {
		zg_hold_drop_all(e, f, (enum zg_dir)dir, reason);
		zg_ring_free(&f->half[dir].ring, &e->pool);
	}
	zg_list_remove(&f->in_vouched);
	zg_flow_state_free(e, f);
}

void zg_flow_free(struct zg_engine *e, struct zg_flow *f, enum zg_reason reason)
{
	zg_flow_strip(e, f, reason);
	zg_pool_put(&e->pool, f->digest);
	zg_list_remove(&f->in_told);
	zg_flowtab_remove(&e->tab, &f->node);
	zg_pool_put(&e->pool, f);
}

/* Makes room for one more flow of a client: of half-open ones the oldest goes, the client's own first, so that a flood in
 * somebody's name costs others nothing, and him what is older than a thousand attempts; then what has ended. */
static bool make_room(struct zg_engine *e, const struct zg_addr *client)
{
	struct zg_flowtab_node *node = zg_flowtab_excess(&e->tab, client, ZG_FLOWTAB_SYN_SOURCE_MAX);

	if (node == NULL && e->tab.n_in[ZG_LIST_SYN] >= ZG_FLOWTAB_SYN_MAX)
		node = zg_flowtab_oldest(&e->tab, ZG_LIST_SYN);
	if (node != NULL)
		e->stats.evicted++;
	else if (e->tab.n < ZG_FLOWTAB_MAX)
		return true;
	if (node == NULL)
		node = zg_flowtab_oldest(&e->tab, ZG_LIST_CLOSED);
	if (node == NULL)
		node = zg_flowtab_oldest(&e->tab, ZG_LIST_DEAD);
	if (node == NULL)
		return false;
	zg_flow_free(e, zg_flow_of(node), ZG_R_TCP_TABLE_FULL);
	return true;
}

void zg_engine_end(struct zg_engine *e, struct zg_flow *f, enum zg_flow_list list, uint32_t max)
{
	zg_flowtab_move(&e->tab, &f->node, list, e->now_ms);
	if (e->tab.n_in[list] > max)
		zg_flow_free(e, zg_flow_of(zg_flowtab_oldest(&e->tab, list)), ZG_R_TCP_CLOSED);
}

/* A packet without a flow: a SYN starts one, anything else is refused. */
static struct zg_fate birth(struct zg_engine *e, const struct zg_tuple *tuple, const struct zg_pkt *p)
{
	struct zg_flow_policy policy;

	if (!e->owner.resolve(e->owner.ctx, p->mark, &policy) || policy.inspector == NULL)
		return ZG_FATE_DROP(ZG_R_PKT_NO_FLOW);
	if (policy.inspector->transport != ZG_TCP)
		return ZG_FATE_DROP(ZG_R_PKT_PROTOCOL);
	if ((p->seg.flags & (ZG_SYN | ZG_ACK | ZG_RST)) != ZG_SYN) {
		zg_out_reset_sender(e, NULL, &p->seg, p->mark, ZG_R_TCP_UNKNOWN);
		return ZG_FATE_DROP(ZG_R_TCP_UNKNOWN);
	}
	/* The mark is that of the kernel's connection, which takes the SYN of a simultaneous open for a part of it: when we have
	 * forgotten the client's, the server does not become one. */
	if (e->owner.permits != NULL && !e->owner.permits(e->owner.ctx, p->mark, tuple))
		return ZG_FATE_DROP(ZG_R_TCP_HANDSHAKE);
	if (!make_room(e, &tuple->client))
		return ZG_FATE_DROP(ZG_R_TCP_TABLE_FULL);
	struct zg_flow *f = zg_engine_get(e, sizeof *f);
	if (f == NULL)
		return ZG_FATE_DROP(ZG_R_TCP_MEMORY);
	zg_list_init(&f->in_told);
	zg_list_init(&f->in_vouched);
	f->node.tuple = *tuple;
	f->mark = p->mark;
	f->identity = policy.identity;
	f->wants_digest = policy.digest;
	f->inspector = policy.inspector;
	zg_open_start(f, &p->seg);
	zg_flowtab_add(&e->tab, &f->node, ZG_LIST_SYN, e->now_ms);
	zg_out_accept(e, f, ZG_CLIENT, p);
	return ZG_FATE_DONE;
}

/* A connection that has ended makes place for the next one between the same ends (RFC 9293 3.6.1). So does a denied one,
 * soon: clients choose their ports at random and would run into a refusal that was not theirs. */
static bool begins_anew(const struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir, const struct zg_seg *seg)
{
	const bool over = f->phase == ZG_PHASE_CLOSED || f->phase == ZG_PHASE_RESET ||
			  (f->phase == ZG_PHASE_DEAD && e->now_ms - f->node.since_ms >= ZG_DEAD_SYN_MS);
	return over && (seg->flags & (ZG_SYN | ZG_ACK | ZG_RST)) == ZG_SYN && seg->seq != f->half[dir].isn;
}

/* Does the mark still name the flow that the connection began under? Brings the configuration along: it lies in a table
 * that is valid for this packet only. */
static bool still_permitted(struct zg_engine *e, struct zg_flow *f, uint32_t mark)
{
	struct zg_flow_policy policy;

	f->config = NULL;
	if (!e->owner.resolve(e->owner.ctx, mark, &policy))
		return false;
	/* a packet that was under way at a change does not bring the old mark back */
	if (!zg_mark_older(mark, f->mark))
		f->mark = mark;
	if (policy.identity != f->identity || policy.inspector != f->inspector)
		return false;
	f->config = policy.config;
	return true;
}

static struct zg_fate known(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	const bool permitted = still_permitted(e, f, p->mark);

	switch (f->phase) {
	case ZG_PHASE_DRAIN:
	case ZG_PHASE_TOLD:
	case ZG_PHASE_DEAD:
		return zg_deny_packet(e, f, dir, p);
	case ZG_PHASE_RESET:
		zg_out_reset_sender(e, f, &p->seg, p->mark, ZG_R_TCP_CLOSED);
		return ZG_FATE_DROP(ZG_R_TCP_CLOSED);
	case ZG_PHASE_CLOSED:
		return permitted ? zg_stream_packet(e, f, dir, p) : ZG_FATE_DROP(ZG_R_TCP_POLICY);
	default:
		break;
	}
	if (!permitted) {
		zg_deny(e, f, dir, ZG_R_TCP_POLICY, NULL, NULL, 0);
		return ZG_FATE_TOLD(ZG_R_TCP_POLICY);
	}
	if (f->phase == ZG_PHASE_OPEN) {
		const bool half = f->half[ZG_CLIENT].fin_seen || f->half[ZG_SERVER].fin_seen;
		zg_flowtab_move(&e->tab, &f->node, half ? ZG_LIST_HALF : zg_flow_list_open(f), e->now_ms);
		return zg_stream_packet(e, f, dir, p);
	}
	return zg_open_packet(e, f, dir, p);
}

/* --- packets ------------------------------------------------------------------------------------- */

static struct zg_fate dispatch(struct zg_engine *e, const struct zg_pkt *p, struct zg_flow **ret_flow)
{
	const struct zg_seg *seg = &p->seg;

	if (seg->protocol == ZG_UDP)
		return zg_udp_packet(e, p);
	if (seg->protocol != ZG_TCP)
		return zg_icmp_packet(e, p);
	const struct zg_tuple tuple = {
		.client = seg->src,
		.server = seg->dst,
		.client_port = seg->sport,
		.server_port = seg->dport,
		.protocol = ZG_TCP,
	};
	struct zg_flowtab_node *node = zg_flowtab_find(&e->tab, &tuple);

	if (node != NULL) {
		struct zg_flow *f = zg_flow_of(node);
		const enum zg_dir dir = zg_tuple_sender(&node->tuple, seg);
		if (!begins_anew(e, f, dir, seg)) {
			*ret_flow = f;
			return known(e, f, dir, p);
		}
		zg_flow_free(e, f, ZG_R_TCP_CLOSED);
	}
	return birth(e, &tuple, p);
}

void zg_engine_packet(struct zg_engine *engine, const struct zg_packet *packet)
{
	struct zg_pkt p = { .id = packet->id, .mark = packet->mark, .data = packet->data, .len = packet->len };
	struct zg_flow *f = NULL;
	struct zg_fate fate = { ZG_R_NONE, false };

	if (packet->now_ms > engine->now_ms)
		engine->now_ms = packet->now_ms;
	engine->stats.packets++;
	fate.reason = zg_decode(packet, &p.seg);
	if (fate.reason == ZG_R_NONE)
		fate = dispatch(engine, &p, &f);
	if (fate.reason == ZG_R_NONE)
		return;
	zg_out_drop(engine, p.id, fate.reason);
	if (!fate.told)
		zg_out_packet_denied(engine, f, &p.seg, p.mark, fate.reason);
}

/* --- timers -------------------------------------------------------------------------------------- */

static void expired(struct zg_engine *e, struct zg_flow *f)
{
	switch (f->node.list) {
	case ZG_LIST_OPEN:
	case ZG_LIST_CALM:
	case ZG_LIST_HALF:
		zg_out_event(e, f, ZG_FLOW_CLOSED, ZG_R_TCP_IDLE, ZG_CLIENT);
		f->reason = ZG_R_TCP_IDLE;
		zg_deny_reset_ends(e, f);
		zg_flow_free(e, f, ZG_R_TCP_IDLE);
		break;
	case ZG_LIST_REFUSED:
		zg_deny_expired(e, f);
		break;
	default:
		zg_flow_free(e, f, ZG_R_TCP_IDLE);
	}
}

/* Nobody waits longer. Its sender repeats it; if it was told that we have it, the connection cannot go on. */
static void give_up(struct zg_engine *e, struct zg_held *held)
{
	struct zg_flow *f = held->flow;
	const bool inspected = zg_seq_lt(held->pkt.seg.seq, f->half[held->dir].nxt);

	if (inspected && f->inspector->acknowledges) {
		zg_deny(e, f, held->dir, ZG_R_TCP_HOLD, NULL, NULL, 0);
		return;
	}
	zg_out_packet_denied(e, f, &held->pkt.seg, held->pkt.mark, ZG_R_TCP_HOLD);
	zg_hold_drop(e, held, ZG_R_TCP_HOLD);
}

/* Costs what it expires: every list is in order of expiry. */
void zg_engine_tick(struct zg_engine *engine, uint64_t now_ms)
{
	struct zg_flowtab_node *node;

	if (now_ms > engine->now_ms)
		engine->now_ms = now_ms;
	now_ms = engine->now_ms;
	while (!zg_list_empty(&engine->held)) {
		struct zg_held *held = ZG_LIST_OF(engine->held.next, struct zg_held, in_engine);
		if (now_ms - held->since_ms < ZG_HOLD_MS)
			break;
		give_up(engine, held);
	}
	for (int list = 0; list < ZG_LIST_COUNT; list++)
		while ((node = zg_flowtab_oldest(&engine->tab, (enum zg_flow_list)list)) != NULL &&
		       now_ms - node->since_ms >= patience[list])
			expired(engine, zg_flow_of(node));
	zg_again_tick(engine);
	zg_deny_tick(engine);
	zg_udp_tick(engine);
	zg_pool_give_back(&engine->pool);
}

/* --- looking in ---------------------------------------------------------------------------------- */

uint32_t zg_engine_rewrite_mark(const struct zg_engine *engine)
{
	return engine->rewrite_mark;
}

void zg_engine_stats(const struct zg_engine *engine, struct zg_engine_stats *ret_stats)
{
	*ret_stats = engine->stats;
	ret_stats->flows = engine->tab.n + engine->udp.tab.n;
	ret_stats->waiting = engine->udp.n_waiting;
	ret_stats->bytes = engine->pool.used;
}

static enum zg_flow_event_kind state_of(const struct zg_flow *f)
{
	if (f->phase >= ZG_PHASE_DRAIN)
		return ZG_FLOW_DENIED;
	if (f->phase >= ZG_PHASE_CLOSED || (f->half[ZG_CLIENT].fin_seen && f->half[ZG_SERVER].fin_seen))
		return ZG_FLOW_CLOSED;
	return f->phase == ZG_PHASE_OPEN ? ZG_FLOW_OPENED : 0;
}

void zg_engine_each(const struct zg_engine *engine,
		    void (*fn)(void *ctx, const struct zg_tuple *tuple, const struct zg_flow_event *now), void *ctx)
{
	for (int list = 0; list < ZG_LIST_COUNT; list++) {
		const struct zg_list *head = &engine->tab.lists[list];
		for (struct zg_list *at = head->next; at != head; at = at->next) {
			const struct zg_flow *f = zg_flow_of(ZG_LIST_OF(at, struct zg_flowtab_node, in_list));
			const struct zg_flow_event now = {
				.kind = state_of(f),
				.mark = f->mark,
				.tuple = f->node.tuple,
				.reason = f->reason,
				.dir = f->denied_dir,
				.bytes = { f->half[ZG_CLIENT].released, f->half[ZG_SERVER].released },
				.duration_ms = f->opened ? engine->now_ms - f->opened_ms : 0,
			};
			fn(ctx, &f->node.tuple, &now);
		}
	}
	zg_udp_each(engine, fn, ctx);
}
