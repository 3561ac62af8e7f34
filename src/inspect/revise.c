/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another policy is in force. The kernel drops the packets of what it does not permit any more, so nobody would ever come to
 * tell the two ends: here each connection is held against the new table. One that is still permitted carries the new mark from
 * now on, so that a later change finds all of them under marks that the gate knows; the others are ended.
 */
#include "inspect/engine.h"

#define FLOWS_AT_ONCE  1024u /* connections looked at in one call: a millisecond */
#define PLACES_AT_ONCE 65536u /* empty places of the tables passed over in one call */

/* True: it is over, and the place has to be looked at again from its beginning. */
static bool revise_tcp(struct zg_engine *e, struct zg_flow *f)
{
	const enum zg_phase phase = f->phase;
	const uint32_t mark = e->owner.revised(e->owner.ctx, f->identity, &f->node.tuple);
	if (mark != 0)
		f->mark = mark;
	else
		zg_deny_withdrawn(e, f);
	return f->phase != phase;
}

static bool revise_udp(struct zg_engine *e, struct zg_udp_flow *f)
{
	const uint32_t mark = e->owner.revised(e->owner.ctx, f->identity, &f->node.tuple);
	if (mark != 0)
		f->mark = mark;
	else
		zg_udp_withdrawn(e, f);
	return mark == 0;
}

/* All of one place; how many were looked at. */
static uint32_t revise_place(struct zg_engine *e, uint32_t place)
{
	const bool udp = place >= ZG_FLOWTAB_BUCKETS;
	const struct zg_flowtab *tab = udp ? &e->udp.tab : &e->tab;
	uint32_t n = 0;

	place -= udp ? ZG_FLOWTAB_BUCKETS : 0;
	for (struct zg_flowtab_node *node = zg_flowtab_bucket(tab, place); node != NULL;) {
		const bool over = udp ? revise_udp(e, ZG_LIST_OF(node, struct zg_udp_flow, node)) : revise_tcp(e, zg_flow_of(node));
		/* an end may free others too */
		node = over ? zg_flowtab_bucket(tab, place) : node->chain;
		n++;
	}
	return n;
}

bool zg_engine_revise(struct zg_engine *engine, bool begin)
{
	uint32_t flows = 0, places = 0;

	if (begin)
		engine->revised = 0;
	while (engine->revised < 2 * ZG_FLOWTAB_BUCKETS && flows < FLOWS_AT_ONCE && places < PLACES_AT_ONCE) {
		flows += revise_place(engine, engine->revised++);
		places++;
	}
	return engine->revised < 2 * ZG_FLOWTAB_BUCKETS;
}
