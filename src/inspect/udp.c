/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/engine.h"

#include <stdlib.h>
#include <string.h>

static struct zg_udp_flow *flow_of(struct zg_flowtab_node *node)
{
	return ZG_LIST_OF(node, struct zg_udp_flow, node);
}

static struct zg_transaction *in_flow(struct zg_list *node)
{
	return ZG_LIST_OF(node, struct zg_transaction, in_flow);
}

enum zg_err zg_udp_init(struct zg_udp *udp, uint64_t seed)
{
	zg_list_init(&udp->waiting);
	enum zg_err err = zg_flowtab_init(&udp->tab, seed);
	if (err != ZG_OK)
		return err;
	err = zg_flowtab_init(&udp->sources, seed);
	if (err != ZG_OK)
		zg_flowtab_fini(&udp->tab);
	return err;
}

/* --- what leaves ------------------------------------------------------------------------------- */

static struct zg_flow_event event_of(const struct zg_engine *e, const struct zg_udp_flow *f, enum zg_flow_event_kind kind)
{
	return (struct zg_flow_event){
		.kind = kind,
		.mark = f->mark,
		.tuple = f->node.tuple,
		.reason = kind == ZG_FLOW_CLOSED && f->unanswered ? ZG_R_UDP_UNANSWERED : ZG_R_NONE,
		.bytes = { f->bytes[ZG_CLIENT], f->bytes[ZG_SERVER] },
		.duration_ms = f->opened_ms != 0 ? e->now_ms - f->opened_ms : 0,
	};
}

/* The datagram goes on, as it came or as it stands in the engine. */
static void pass(struct zg_engine *e, struct zg_udp_flow *f, enum zg_dir dir, const struct zg_pkt *p, bool changed)
{
	f->bytes[dir] += p->seg.len;
	if (e->owner.released != NULL && p->seg.len > 0)
		e->owner.released(e->owner.ctx, &f->node.tuple, dir, e->datagram, p->seg.len);
	zg_out_datagram(e, f->mark, p, changed ? e->datagram : NULL);
}

/* --- the inspector's answer ----------------------------------------------------------------------- */

/* A copy of the datagram for the inspector, in the engine. */
static struct zg_rw copy_of(struct zg_engine *e, const struct zg_pkt *p)
{
	if (p->seg.len > 0)
		memcpy(e->datagram, p->data + p->seg.data_off, p->seg.len);
	return zg_rw_init(e->datagram, p->seg.len);
}

/* NONE: the datagram may pass. */
static enum zg_reason refused(const struct zg_answer *answer, const struct zg_rw *in)
{
	if (answer->say == ZG_SAY_DENY && answer->reason != ZG_R_NONE)
		return answer->reason;
	return answer->say == ZG_SAY_DENY || in->pos < in->len ? ZG_R_UDP_UNREAD : ZG_R_NONE;
}

/* --- transactions ----------------------------------------------------------------------------------- */

static enum zg_reason room(const struct zg_engine *e, const struct zg_udp_flow *f)
{
	if (f->n_waiting >= ZG_UDP_WAITING_FLOW)
		return ZG_R_UDP_FLOW_LIMIT;
	if (f->source->waiting >= ZG_UDP_WAITING_SOURCE)
		return ZG_R_UDP_SOURCE_LIMIT;
	return e->udp.n_waiting >= ZG_UDP_WAITING_MAX ? ZG_R_UDP_TABLE_FULL : ZG_R_NONE;
}

static void wait_for_answer(struct zg_engine *e, struct zg_udp_flow *f, struct zg_transaction *t)
{
	t->flow = f;
	t->since_ms = e->now_ms;
	zg_list_insert(&t->in_flow, &f->waiting);
	zg_list_insert(&t->in_engine, &e->udp.waiting);
	f->n_waiting++;
	f->source->waiting++;
	e->udp.n_waiting++;
}

static void transaction_free(struct zg_engine *e, const struct zg_inspector *inspector, struct zg_transaction *t)
{
	/* it may have seen names */
	explicit_bzero(t->state, inspector->state_size);
	zg_pool_put(&e->pool, t);
}

static void forget(struct zg_engine *e, struct zg_transaction *t)
{
	struct zg_udp_flow *f = t->flow;

	zg_list_remove(&t->in_flow);
	zg_list_remove(&t->in_engine);
	f->n_waiting--;
	f->source->waiting--;
	e->udp.n_waiting--;
	transaction_free(e, f->inspector, t);
}

static enum zg_reason request(struct zg_engine *e, struct zg_udp_flow *f, const void *config, const struct zg_pkt *p)
{
	struct zg_answer answer = { .say = ZG_SAY_DENY };

	enum zg_reason reason = room(e, f);
	if (reason != ZG_R_NONE)
		return reason;
	if (f->inspector->state_size > ZG_UDP_STATE_MAX)
		return ZG_R_UDP_MEMORY;
	struct zg_transaction *t = zg_engine_get(e, sizeof *t + f->inspector->state_size);
	if (t == NULL)
		return ZG_R_UDP_MEMORY;
	struct zg_rw in = copy_of(e, p);
	f->inspector->request(t->state, config, &in, &answer);
	reason = refused(&answer, &in);
	if (reason == ZG_R_NONE && answer.say == ZG_SAY_MORE)
		wait_for_answer(e, f, t);
	else
		transaction_free(e, f->inspector, t);
	if (reason == ZG_R_NONE)
		pass(e, f, ZG_CLIENT, p, in.dirty);
	return reason;
}

static enum zg_reason reply(struct zg_engine *e, struct zg_udp_flow *f, const void *config, const struct zg_pkt *p)
{
	struct zg_rw in = copy_of(e, p);

	for (struct zg_list *at = f->waiting.next; at != &f->waiting; at = at->next) {
		struct zg_transaction *t = in_flow(at);
		struct zg_answer answer = { .say = ZG_SAY_DENY };
		if (in.dirty)
			in = copy_of(e, p);
		in.pos = 0;
		f->inspector->reply(t->state, config, &in, &answer);
		if (answer.say == ZG_SAY_MORE)
			continue;
		const enum zg_reason reason = refused(&answer, &in);
		if (reason != ZG_R_NONE)
			return reason;
		forget(e, t);
		f->answered_ms = e->now_ms;
		pass(e, f, ZG_SERVER, p, in.dirty);
		return ZG_R_NONE;
	}
	return ZG_R_UDP_UNASKED;
}

/* --- flows ---------------------------------------------------------------------------------------------- */

static struct zg_udp_source *source_of(struct zg_engine *e, const struct zg_addr *client)
{
	const struct zg_tuple key = { .client = *client, .server = *client, .protocol = ZG_UDP };
	struct zg_flowtab_node *node = zg_flowtab_find(&e->udp.sources, &key);

	if (node != NULL)
		return ZG_LIST_OF(node, struct zg_udp_source, node);
	struct zg_udp_source *source = zg_engine_get(e, sizeof *source);
	if (source == NULL)
		return NULL;
	source->node.tuple = key;
	zg_flowtab_add(&e->udp.sources, &source->node, ZG_LIST_OPEN, e->now_ms);
	return source;
}

static void source_release(struct zg_engine *e, struct zg_udp_source *source)
{
	if (source->flows > 0)
		return;
	zg_flowtab_remove(&e->udp.sources, &source->node);
	zg_pool_put(&e->pool, source);
}

static void flow_free(struct zg_engine *e, struct zg_udp_flow *f)
{
	while (!zg_list_empty(&f->waiting))
		forget(e, in_flow(f->waiting.next));
	zg_flowtab_remove(&e->udp.tab, &f->node);
	f->source->flows--;
	source_release(e, f->source);
	zg_pool_put(&e->pool, f);
}

static void flow_end(struct zg_engine *e, struct zg_udp_flow *f, enum zg_reason reason)
{
	struct zg_flow_event closed = event_of(e, f, ZG_FLOW_CLOSED);

	if (reason != ZG_R_NONE)
		closed.reason = reason;
	flow_free(e, f);
	e->owner.event(e->owner.ctx, &closed);
}

static struct zg_udp_flow *flow_new(struct zg_engine *e, const struct zg_tuple *tuple, uint32_t mark,
				    const struct zg_flow_policy *policy)
{
	struct zg_udp_flow *f = zg_engine_get(e, sizeof *f);
	if (f == NULL)
		return NULL;
	f->source = source_of(e, &tuple->client);
	if (f->source == NULL) {
		zg_pool_put(&e->pool, f);
		return NULL;
	}
	f->source->flows++;
	f->node.tuple = *tuple;
	f->mark = mark;
	f->identity = policy->identity;
	f->inspector = policy->inspector;
	zg_list_init(&f->waiting);
	zg_flowtab_add(&e->udp.tab, &f->node, ZG_LIST_CLOSED, e->now_ms);
	return f;
}

/* To the list that says whether it waits; its time there begins again. */
static void settle(struct zg_engine *e, struct zg_udp_flow *f)
{
	zg_flowtab_move(&e->udp.tab, &f->node, f->n_waiting > 0 ? ZG_LIST_OPEN : ZG_LIST_CLOSED, e->now_ms);
}

/* Of the flows that wait for nothing the oldest makes place. */
static bool make_room(struct zg_engine *e)
{
	if (e->udp.tab.n < ZG_UDP_FLOWS_MAX)
		return true;
	struct zg_flowtab_node *node = zg_flowtab_oldest(&e->udp.tab, ZG_LIST_CLOSED);
	if (node == NULL)
		return false;
	flow_end(e, flow_of(node), ZG_R_NONE);
	return true;
}

/* --- packets ------------------------------------------------------------------------------------------------ */

/* A datagram without a flow: of who may begin one, or unasked. */
static enum zg_reason birth(struct zg_engine *e, const struct zg_tuple *tuple, const struct zg_pkt *p)
{
	struct zg_flow_policy policy;

	if (!e->owner.resolve(e->owner.ctx, p->mark, &policy) || policy.inspector == NULL)
		return ZG_R_PKT_NO_FLOW;
	if (policy.inspector->transport != ZG_UDP)
		return ZG_R_PKT_PROTOCOL;
	if (e->owner.permits != NULL && !e->owner.permits(e->owner.ctx, p->mark, tuple))
		return ZG_R_UDP_UNASKED;
	if (!make_room(e))
		return ZG_R_UDP_TABLE_FULL;
	struct zg_udp_flow *f = flow_new(e, tuple, p->mark, &policy);
	if (f == NULL)
		return ZG_R_UDP_MEMORY;
	const enum zg_reason reason = request(e, f, policy.config, p);
	if (reason != ZG_R_NONE) {
		flow_free(e, f);
		return reason;
	}
	f->opened_ms = e->now_ms;
	settle(e, f);
	e->stats.flows_opened++;
	const struct zg_flow_event opened = event_of(e, f, ZG_FLOW_OPENED);
	e->owner.event(e->owner.ctx, &opened);
	return ZG_R_NONE;
}

static enum zg_reason known(struct zg_engine *e, struct zg_udp_flow *f, enum zg_dir dir, const struct zg_pkt *p)
{
	struct zg_flow_policy policy;

	if (!e->owner.resolve(e->owner.ctx, p->mark, &policy) || policy.identity != f->identity ||
	    policy.inspector != f->inspector) {
		flow_end(e, f, ZG_R_UDP_POLICY);
		return ZG_R_UDP_POLICY;
	}
	f->mark = p->mark;
	const enum zg_reason reason = dir == ZG_CLIENT ? request(e, f, policy.config, p) : reply(e, f, policy.config, p);
	/* what is refused keeps nothing alive */
	if (reason == ZG_R_NONE)
		settle(e, f);
	return reason;
}

static void waited_too_long(struct zg_engine *e)
{
	while (!zg_list_empty(&e->udp.waiting)) {
		struct zg_transaction *t = ZG_LIST_OF(e->udp.waiting.next, struct zg_transaction, in_engine);
		struct zg_udp_flow *f = t->flow;
		if (e->now_ms - t->since_ms < ZG_UDP_ANSWER_MS)
			return;
		f->unanswered = true;
		forget(e, t);
		if (f->n_waiting == 0)
			settle(e, f);
	}
}

struct zg_fate zg_udp_packet(struct zg_engine *e, const struct zg_pkt *p)
{
	const struct zg_tuple tuple = {
		.client = p->seg.src,
		.server = p->seg.dst,
		.client_port = p->seg.sport,
		.server_port = p->seg.dport,
		.protocol = ZG_UDP,
	};
	struct zg_tuple told = tuple;
	enum zg_dir dir = ZG_CLIENT;
	enum zg_reason reason;

	waited_too_long(e);
	struct zg_udp_flow *f = zg_udp_find(&e->udp, &tuple);
	if (f != NULL) {
		told = f->node.tuple;
		dir = zg_tuple_sender(&told, &p->seg);
		reason = known(e, f, dir, p);
	} else {
		reason = birth(e, &tuple, p);
	}
	if (reason == ZG_R_NONE)
		return ZG_FATE_DONE;
	const struct zg_flow_event denied = { .kind = ZG_PACKET_DENIED, .mark = p->mark, .tuple = told, .reason = reason,
					      .dir = dir };
	e->owner.event(e->owner.ctx, &denied);
	return ZG_FATE_TOLD(reason);
}

/* --- the engine's ---------------------------------------------------------------------------------------------- */

/* Costs what it expires. Who waits is in ZG_LIST_OPEN, and leaves it when all its requests are given up. */
void zg_udp_tick(struct zg_engine *e)
{
	struct zg_flowtab_node *node;

	waited_too_long(e);
	while ((node = zg_flowtab_oldest(&e->udp.tab, ZG_LIST_CLOSED)) != NULL && e->now_ms - node->since_ms >= ZG_UDP_IDLE_MS)
		flow_end(e, flow_of(node), ZG_R_NONE);
}

void zg_udp_withdrawn(struct zg_engine *e, struct zg_udp_flow *f)
{
	flow_end(e, f, ZG_R_UDP_POLICY);
}

void zg_udp_fini(struct zg_engine *e)
{
	struct zg_flowtab_node *node;

	while ((node = zg_flowtab_oldest(&e->udp.tab, ZG_LIST_OPEN)) != NULL ||
	       (node = zg_flowtab_oldest(&e->udp.tab, ZG_LIST_CLOSED)) != NULL)
		flow_free(e, flow_of(node));
	zg_flowtab_fini(&e->udp.tab);
	zg_flowtab_fini(&e->udp.sources);
}

struct zg_udp_flow *zg_udp_find(const struct zg_udp *udp, const struct zg_tuple *tuple)
{
	struct zg_flowtab_node *node = zg_flowtab_find(&udp->tab, tuple);
	return node != NULL ? flow_of(node) : NULL;
}

bool zg_udp_under_way(const struct zg_engine *e, const struct zg_udp_flow *f, enum zg_dir dir)
{
	if (dir == ZG_CLIENT)
		return f->n_waiting > 0;
	return f->answered_ms != 0 && e->now_ms - f->answered_ms < ZG_UDP_ANSWER_MS;
}

void zg_udp_each(const struct zg_engine *e,
		 void (*fn)(void *ctx, const struct zg_tuple *tuple, const struct zg_flow_event *now), void *ctx)
{
	static const enum zg_flow_list lists[] = { ZG_LIST_OPEN, ZG_LIST_CLOSED };

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		const struct zg_list *head = &e->udp.tab.lists[lists[i]];
		for (struct zg_list *at = head->next; at != head; at = at->next) {
			const struct zg_udp_flow *f = flow_of(ZG_LIST_OF(at, struct zg_flowtab_node, in_list));
			const struct zg_flow_event now = event_of(e, f, f->n_waiting > 0 || f->unanswered ? ZG_FLOW_OPENED :
													    ZG_FLOW_CLOSED);
			fn(ctx, &f->node.tuple, &now);
		}
	}
}
