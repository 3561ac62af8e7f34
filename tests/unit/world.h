/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An engine with everything that it says written down. */
#ifndef ZONEGATE_TEST_WORLD_H
#define ZONEGATE_TEST_WORLD_H

#include <stdlib.h>

#include "inspect/engine.h"
#include "letters.h"
#include "pkt.h"
#include "unit.h"

#define WORLD_IDS     4096
#define WORLD_RECORDS 512

struct world_verdict {
	int times;
	bool accept;
	uint8_t *packet; /* the replacement, NULL = unchanged */
	size_t len;
};

struct world {
	struct zg_engine *engine;
	uint64_t now_ms;
	uint32_t next_id, mark;
	struct world_verdict verdicts[WORLD_IDS];
	struct zg_inject injects[WORLD_RECORDS];
	size_t n_injects;
	uint8_t again[65536]; /* the last that was sent again */
	size_t n_again;
	struct zg_flow_event events[WORLD_RECORDS];
	size_t n_events;
	uint8_t released[2][65536];
	size_t n_released[2];
	uint64_t identity; /* that every mark names; 0 = none */
	uint32_t revised;  /* the mark under which the newest policy permits everything; 0 = it permits nothing */
	const struct zg_inspector *inspector; /* letters, unless a test says another */
	bool v6;
	bool ts; /* segments carry timestamps */
	uint32_t ts_val[2];
	uint8_t buf[PKT_MAX];
};

static bool world_resolve(void *ctx, uint32_t mark, struct zg_flow_policy *ret_policy)
{
	const struct world *w = ctx;
	(void)mark;
	if (w->identity == 0)
		return false;
	*ret_policy = (struct zg_flow_policy){ .inspector = w->inspector, .config = "", .identity = w->identity };
	return true;
}

/* The server is 2. */
static bool world_permits(void *ctx, uint32_t mark, const struct zg_tuple *tuple)
{
	(void)ctx;
	(void)mark;
	return tuple->server.b[tuple->server.family == ZG_IPV4 ? 3 : 15] == 2;
}

static uint32_t world_revised(void *ctx, uint64_t identity, const struct zg_tuple *tuple)
{
	const struct world *w = ctx;
	(void)tuple;
	return identity == w->identity ? w->revised : 0;
}

static void world_verdict(void *ctx, uint32_t id, bool accept, const uint8_t *packet, size_t len)
{
	struct world *w = ctx;
	struct world_verdict *v = &w->verdicts[id % WORLD_IDS];
	ck_assert_uint_lt(id, w->next_id);
	v->times++;
	v->accept = accept;
	if (packet != NULL) {
		v->packet = malloc(len);
		ck_assert_ptr_nonnull(v->packet);
		memcpy(v->packet, packet, len);
		v->len = len;
	}
}

static void world_inject(void *ctx, const struct zg_inject *inject)
{
	struct world *w = ctx;
	w->injects[w->n_injects++ % WORLD_RECORDS] = *inject;
}

static void world_again(void *ctx, const struct zg_inject *inject, const uint8_t *bytes, size_t len)
{
	struct world *w = ctx;
	ck_assert(inject->kind == ZG_INJECT_AGAIN && len > 0 && len <= ZG_INJECT_AGAIN_MAX);
	world_inject(ctx, inject);
	memcpy(w->again, bytes, len);
	w->n_again = len;
}

static void world_event(void *ctx, const struct zg_flow_event *event)
{
	struct world *w = ctx;
	w->events[w->n_events++ % WORLD_RECORDS] = *event;
}

static void world_released(void *ctx, const struct zg_tuple *tuple, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	struct world *w = ctx;
	(void)tuple;
	ck_assert_uint_le(w->n_released[dir] + len, sizeof w->released[dir]);
	memcpy(w->released[dir] + w->n_released[dir], bytes, len);
	w->n_released[dir] += len;
}

static struct world *world_new_as(bool passive)
{
	struct world *w = calloc(1, sizeof *w);
	ck_assert_ptr_nonnull(w);
	w->identity = 1;
	w->inspector = &letters;
	w->mark = 1;
	w->now_ms = 1000;
	const struct zg_engine_owner owner = { .ctx = w,
					       .resolve = world_resolve,
					       .permits = world_permits,
					       .revised = world_revised,
					       .verdict = world_verdict,
					       .inject = world_inject,
					       .again = passive ? NULL : world_again,
					       .event = world_event,
					       .released = world_released,
					       .passive = passive };
	ck_assert_int_eq(zg_engine_new(&owner, 42, &w->engine), ZG_OK);
	return w;
}

static inline struct world *world_new(void)
{
	return world_new_as(false);
}

/* Every packet was decided exactly once, and nothing is left. */
static void world_free(struct world *w)
{
	zg_engine_free(w->engine);
	for (uint32_t id = 0; id < w->next_id; id++) {
		ck_assert_msg(w->verdicts[id].times == 1, "packet %u decided %d times", id, w->verdicts[id].times);
		free(w->verdicts[id].packet);
	}
	free(w);
}

/* Gives raw bytes to the engine; returns the packet's id. */
static uint32_t world_raw(struct world *w, const uint8_t *data, size_t len)
{
	ck_assert_uint_lt(w->next_id, WORLD_IDS);
	uint8_t *exact = malloc(len ? len : 1);
	ck_assert_ptr_nonnull(exact);
	memcpy(exact, data, len);
	const struct zg_packet packet = { .id = w->next_id++, .mark = w->mark, .data = exact, .len = len,
					  .wire_len = len, .now_ms = w->now_ms };
	zg_engine_packet(w->engine, &packet);
	free(exact);
	return packet.id;
}

static inline uint32_t world_send(struct world *w, struct pkt p)
{
	p.v6 = w->v6;
	if (w->ts && !(p.flags & (ZG_SYN | ZG_RST)))
		pkt_opt_ts(&p, ++w->ts_val[p.from_server], w->ts_val[!p.from_server]);
	return world_raw(w, w->buf, pkt_build(&p, w->buf));
}

static inline uint32_t world_send_udp(struct world *w, struct udp u)
{
	u.v6 = w->v6;
	return world_raw(w, w->buf, udp_build(&u, w->buf));
}

static inline void world_wait(struct world *w, uint64_t ms)
{
	w->now_ms += ms;
	zg_engine_tick(w->engine, w->now_ms);
}

static enum { HELD, ACCEPTED, DROPPED } world_fate(const struct world *w, uint32_t id)
{
	const struct world_verdict *v = &w->verdicts[id];
	return v->times == 0 ? HELD : v->accept ? ACCEPTED : DROPPED;
}

static uint64_t world_dropped(const struct world *w, enum zg_reason reason)
{
	struct zg_engine_stats stats;
	zg_engine_stats(w->engine, &stats);
	return stats.dropped_by[reason];
}

/* Drops are counted and told: the last event says so. */
static inline void world_refused(const struct world *w, uint32_t id, enum zg_reason reason)
{
	ck_assert_int_eq(world_fate(w, id), DROPPED);
	ck_assert_uint_gt(world_dropped(w, reason), 0);
	ck_assert_uint_gt(w->n_events, 0);
	const struct zg_flow_event *e = &w->events[(w->n_events - 1) % WORLD_RECORDS];
	ck_assert_msg(e->reason == reason, "%s instead of %s", zg_reason_name(e->reason), zg_reason_name(reason));
}

/* The connection is dead for that reason, both ends were reset. */
static inline void world_killed(const struct world *w, enum zg_reason reason)
{
	const struct zg_flow_event *denied = NULL;
	for (size_t i = 0; i < w->n_events; i++)
		if (w->events[i].kind == ZG_FLOW_DENIED) {
			ck_assert_ptr_null(denied);
			denied = &w->events[i];
		}
	ck_assert_ptr_nonnull(denied);
	ck_assert_msg(denied->reason == reason, "%s instead of %s", zg_reason_name(denied->reason),
		      zg_reason_name(reason));
	unsigned resets[2] = { 0, 0 };
	for (size_t i = 0; i < w->n_injects && i < WORLD_RECORDS; i++)
		if (w->injects[i].kind == ZG_INJECT_RST)
			resets[w->injects[i].to_client]++;
	ck_assert_uint_ge(resets[0], 1);
	ck_assert_uint_ge(resets[1], 1);
}

/* --- one connection: the client's first byte is C+1, the server's S+1 --- */

#define C 1000u
#define S 0xfffff000u /* wraps soon */

#define FROM_CLIENT(...) (struct pkt){ .flags = ZG_ACK, __VA_ARGS__ }
#define FROM_SERVER(...) (struct pkt){ .flags = ZG_ACK, .from_server = true, __VA_ARGS__ }

static inline uint32_t client_says(struct world *w, uint32_t seq, const char *text, uint32_t ack)
{
	return world_send(w, FROM_CLIENT(.seq = C + 1 + seq, .ack = S + 1 + ack, .data = text, .len = strlen(text)));
}

static inline uint32_t server_says(struct world *w, uint32_t seq, const char *text, uint32_t ack)
{
	return world_send(w, FROM_SERVER(.seq = S + 1 + seq, .ack = C + 1 + ack, .data = text, .len = strlen(text)));
}

static inline uint32_t client_ends(struct world *w, uint32_t seq, const char *text, uint32_t ack)
{
	return world_send(w, (struct pkt){ .flags = ZG_ACK | ZG_FIN, .seq = C + 1 + seq, .ack = S + 1 + ack, .data = text,
					   .len = strlen(text) });
}

static inline uint32_t server_ends(struct world *w, uint32_t seq, const char *text, uint32_t ack)
{
	return world_send(w, (struct pkt){ .flags = ZG_ACK | ZG_FIN, .from_server = true, .seq = S + 1 + seq,
					   .ack = C + 1 + ack, .data = text, .len = strlen(text) });
}

static inline void world_open(struct world *w)
{
	struct pkt syn = { .flags = ZG_SYN, .seq = C }, synack = { .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1 };

	pkt_opt_mss(&syn, 1460);
	pkt_opt_mss(&synack, 1460);
	pkt_opt_sack_ok(&syn);
	pkt_opt_sack_ok(&synack);
	if (w->ts) {
		pkt_opt_ts(&syn, ++w->ts_val[0], 0);
		pkt_opt_ts(&synack, ++w->ts_val[1], w->ts_val[0]);
	}
	ck_assert_int_eq(world_fate(w, world_send(w, syn)), ACCEPTED);
	ck_assert_int_eq(world_fate(w, world_send(w, synack)), ACCEPTED);
	ck_assert_int_eq(world_fate(w, client_says(w, 0, "", 0)), ACCEPTED);
	ck_assert_uint_eq(w->n_events, 1);
	ck_assert_int_eq(w->events[0].kind, ZG_FLOW_OPENED);
}

static inline void world_read(const struct world *w, enum zg_dir dir, const char *text)
{
	ck_assert_msg(w->n_released[dir] == strlen(text) && memcmp(w->released[dir], text, strlen(text)) == 0,
		      "released \"%.*s\" instead of \"%s\"", (int)w->n_released[dir], (const char *)w->released[dir], text);
}

#endif
