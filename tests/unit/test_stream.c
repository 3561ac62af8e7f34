/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table "TCP, below every inspector" of PROTOCOLS.md, row by row, and the connection's life. */
#include "world.h"

static struct world *w;

static void setup(void)
{
	w = world_new();
	world_open(w);
}

static void setup_ts(void)
{
	w = world_new();
	w->ts = true;
	world_open(w);
}

static void setup_closed(void)
{
	w = world_new();
}

static void teardown(void)
{
	world_free(w);
}

#define accepted(id) ck_assert_int_eq(world_fate(w, id), ACCEPTED)
#define held(id)     ck_assert_int_eq(world_fate(w, id), HELD)
#define dropped(id)  ck_assert_int_eq(world_fate(w, id), DROPPED)

/* --- overlap, changed retransmission ------------------------------------------------------------- */

START_TEST(retransmission_repeats)
{
	accepted(client_says(w, 0, "hello", 0));
	accepted(client_says(w, 0, "hello", 0));
	accepted(client_says(w, 1, "ell", 0));
	accepted(client_says(w, 2, "llo world", 0)); /* old and new together */
	world_read(w, ZG_CLIENT, "hello world");
}
END_TEST

START_TEST(changed_retransmission_kills)
{
	accepted(client_says(w, 0, "hello", 0));
	dropped(client_says(w, 0, "jello", 0));
	world_killed(w, ZG_R_TCP_OVERLAP);
	world_refused(w, client_says(w, 5, "more", 0), ZG_R_TCP_DEAD);
	world_refused(w, server_says(w, 0, "more", 5), ZG_R_TCP_DEAD);
	world_read(w, ZG_CLIENT, "hello");
}
END_TEST

START_TEST(changed_overlap_kills)
{
	accepted(client_says(w, 0, "hello", 0));
	dropped(client_says(w, 3, "lX or something else", 0));
	world_killed(w, ZG_R_TCP_OVERLAP);
	world_read(w, ZG_CLIENT, "hello");
}
END_TEST

START_TEST(rewritten_retransmission_is_rewritten_again)
{
	uint32_t first = client_says(w, 0, "azb", 0), again = client_says(w, 0, "azb", 0);
	accepted(first);
	accepted(again);
	struct zg_seg seg;
	for (uint32_t id = first; id <= again; id++) {
		const struct world_verdict *v = &w->verdicts[id];
		ck_assert_ptr_nonnull(v->packet);
		/* decodes with a good checksum, and has the same length */
		const struct zg_packet packet = { .data = v->packet, .len = v->len, .wire_len = v->len };
		ck_assert_int_eq(zg_decode(&packet, &seg), ZG_R_NONE);
		ck_assert_uint_eq(seg.len, 3);
		ck_assert_int_eq(memcmp(v->packet + seg.data_off, "aZb", 3), 0);
	}
	world_read(w, ZG_CLIENT, "aZb");
	/* the sender does not know of the change: what it repeats is compared with what it sent */
	dropped(client_says(w, 0, "aZb", 0));
	world_killed(w, ZG_R_TCP_OVERLAP);
}
END_TEST

START_TEST(rewriting_covers_only_its_bytes)
{
	accepted(client_says(w, 0, "az", 0));
	uint32_t plain = client_says(w, 2, "bc", 0);
	accepted(plain);
	ck_assert_ptr_null(w->verdicts[plain].packet);
	/* a differently cut repetition */
	uint32_t again = client_says(w, 1, "zbc", 0);
	accepted(again);
	ck_assert_int_eq(memcmp(w->verdicts[again].packet + w->verdicts[again].len - 3, "Zbc", 3), 0);
}
END_TEST

START_TEST(acknowledged_bytes_are_answered)
{
	accepted(client_says(w, 0, "hello", 0));
	accepted(server_says(w, 0, "ok", 5));
	/* nothing left to compare with: the receiver's acknowledgement comes again */
	world_refused(w, client_says(w, 0, "jello", 0), ZG_R_TCP_REPEAT);
	ck_assert_uint_eq(w->n_injects, 1);
	const struct zg_inject *ack = &w->injects[0];
	ck_assert_int_eq(ack->kind, ZG_INJECT_ACK);
	ck_assert(ack->to_client && ack->has_ack);
	ck_assert_uint_eq(ack->seq, S + 1 + 2);
	ck_assert_uint_eq(ack->ack, C + 1 + 5);
	ck_assert_uint_eq(ack->window, 65535);
	world_refused(w, client_says(w, 3, "lo and new", 0), ZG_R_TCP_REPEAT); /* partly */
	accepted(client_says(w, 5, " and new", 2));
	world_read(w, ZG_CLIENT, "hello and new");
}
END_TEST

/* --- before the first byte ------------------------------------------------------------------------- */

START_TEST(bytes_before_the_first)
{
	world_refused(w, client_says(w, (uint32_t)-1, "Xa", 0), ZG_R_TCP_BEFORE_ISN);
	world_refused(w, client_says(w, (uint32_t)-5, "abc", 0), ZG_R_TCP_BEFORE_ISN);
	world_refused(w, client_says(w, (uint32_t)-1, "x", 0), ZG_R_TCP_BEFORE_ISN); /* keep-alive with a byte */
	ck_assert_int_eq(w->injects[w->n_injects - 1].kind, ZG_INJECT_ACK);
	accepted(client_says(w, (uint32_t)-1, "", 0)); /* keep-alive without */
	accepted(client_says(w, 0, "a", 0));
	world_read(w, ZG_CLIENT, "a");
}
END_TEST

/* --- gap, out of order ------------------------------------------------------------------------------ */

START_TEST(out_of_order_waits)
{
	uint32_t c = client_says(w, 2, "c", 0), b = client_says(w, 1, "b", 0);
	held(c);
	held(b);
	world_refused(w, client_says(w, 1, "b", 0), ZG_R_TCP_REPEAT);
	world_read(w, ZG_CLIENT, "");
	accepted(client_says(w, 0, "a", 0));
	accepted(b);
	accepted(c);
	world_read(w, ZG_CLIENT, "abc");
}
END_TEST

/* What waits here never reaches the receiver, so the sender hears from us that a segment was lost: RFC 5681 3.2, RFC 2018 4. */
static void check_early(uint32_t left, uint32_t right)
{
	const struct zg_inject *ack = &w->injects[w->n_injects - 1];
	ck_assert_int_eq(ack->kind, ZG_INJECT_ACK);
	ck_assert(ack->to_client && ack->has_ack && ack->sack);
	ck_assert_uint_eq(ack->ack, C + 1);
	ck_assert_uint_eq(ack->seq, S + 1);
	ck_assert_uint_eq(ack->sack_left, C + 1 + left);
	ck_assert_uint_eq(ack->sack_right, C + 1 + right);
}

START_TEST(out_of_order_is_answered)
{
	held(client_says(w, 5, "fg", 0));
	check_early(5, 7);
	held(client_says(w, 2, "c", 0));
	check_early(2, 3);
	held(client_says(w, 3, "de", 0)); /* joins the two */
	check_early(2, 7);
	dropped(client_says(w, 3, "d", 0));
	check_early(2, 7);
	held(client_says(w, 9, "j", 0));
	check_early(9, 10);
	ck_assert_uint_eq(w->n_injects, 5);
	held(client_ends(w, 12, "", 0)); /* no byte, no block */
	ck_assert_uint_eq(w->n_injects, 6);
	ck_assert(!w->injects[5].sack);
	accepted(client_says(w, 0, "ab", 0));
	ck_assert_uint_eq(w->n_injects, 6);
	world_read(w, ZG_CLIENT, "abcdefg");
}
END_TEST

/* --- what we vouched for ---------------------------------------------------------------------------- */

static uint32_t server_has(uint32_t upto, uint32_t left, uint32_t right)
{
	struct pkt ack = FROM_SERVER(.seq = S + 1, .ack = C + 1 + upto);
	pkt_opt_sack(&ack, C + 1 + left, C + 1 + right);
	return world_send(w, ack);
}

static uint64_t times_again(void)
{
	struct zg_engine_stats stats;
	zg_engine_stats(w->engine, &stats);
	return stats.again;
}

static void sent_again(uint64_t times, uint32_t at, const char *text)
{
	ck_assert_uint_eq(times_again(), times);
	const struct zg_inject *again = &w->injects[w->n_injects - 1];
	ck_assert_int_eq(again->kind, ZG_INJECT_AGAIN);
	ck_assert(!again->to_client && again->has_ack);
	ck_assert_uint_eq(again->seq, C + 1 + at);
	ck_assert_uint_eq(again->ack, S + 1);
	ck_assert_msg(w->n_again == strlen(text) && memcmp(w->again, text, strlen(text)) == 0, "\"%.*s\"", (int)w->n_again, w->again);
}

/* "abcde": c and d came early, b filled the hole; of what went on, some is lost behind us. */
static void vouched(void)
{
	accepted(client_says(w, 0, "a", 0));
	held(client_says(w, 2, "zd", 0));
	accepted(client_says(w, 1, "b", 0));
	accepted(client_says(w, 4, "e", 0));
	accepted(server_says(w, 0, "", 2));
}

START_TEST(vouched_for_and_lost)
{
	vouched();
	accepted(server_has(2, 4, 5)); /* e is there: what was held is not, nor was it late, as nothing else is under way */
	sent_again(1, 2, "Zd");	       /* as it was released */
	accepted(server_has(2, 4, 5)); /* said at the same time */
	sent_again(1, 2, "Zd");
	world_wait(w, ZG_AGAIN_ACK_MS);
	accepted(server_has(2, 4, 5));
	sent_again(2, 2, "Zd");
	accepted(server_says(w, 0, "", 5));
	world_wait(w, 10 * ZG_AGAIN_MS);
	sent_again(2, 2, "Zd"); /* nothing more */
	world_read(w, ZG_CLIENT, "abZde");
}
END_TEST

START_TEST(vouched_for_and_lost_with_all_behind)
{
	vouched();
	for (unsigned i = 1; i <= ZG_AGAIN_TRIES; i++) {
		world_wait(w, ZG_AGAIN_MS - 1);
		world_wait(w, 1);
		sent_again(i, 2, "Zd");
	}
	world_wait(w, ZG_AGAIN_MS); /* the rest is the sender's */
	world_wait(w, ZG_AGAIN_MS);
	sent_again(ZG_AGAIN_TRIES, 2, "Zd");
	accepted(client_says(w, 2, "zd", 0));
	accepted(server_says(w, 0, "", 5));
}
END_TEST

START_TEST(vouched_for_but_not_let_through)
{
	held(client_says(w, 1, "(b", 0));
	accepted(client_says(w, 0, "a", 0));
	accepted(server_says(w, 0, "", 1));
	world_wait(w, ZG_AGAIN_MS);
	world_wait(w, ZG_AGAIN_MS);
	ck_assert_uint_eq(times_again(), 0); /* the inspector holds it */
	accepted(client_says(w, 3, ")", 0));
	world_wait(w, ZG_AGAIN_MS);
	sent_again(1, 1, "(b");
}
END_TEST

START_TEST(vouched_for_and_withdrawn)
{
	vouched();
	w->identity = 0;
	world_wait(w, ZG_AGAIN_MS);
	world_wait(w, ZG_AGAIN_MS);
	ck_assert_uint_eq(times_again(), 0);
}
END_TEST

START_TEST(vouched_for_and_silent)
{
	held(client_says(w, 1, "b", 0));
	accepted(client_says(w, 0, "a", 0));
	world_wait(w, ZG_AGAIN_FRESH_MS); /* whether the kernel would let it through is not known any more */
	ck_assert_uint_eq(times_again(), 0);
}
END_TEST

/* Whoever makes us vouch, again and again, and acknowledges nothing gets no more than the first tries. */
START_TEST(vouching_without_end)
{
	uint32_t at = 1;
	accepted(client_says(w, 0, "a", 0));
	for (int round = 0; round < 50; round++) {
		held(client_says(w, at + 1, "c", 0));
		(void)client_says(w, at + 1, "c", 0);
		accepted(client_says(w, at, "b", 0));
		at += 2;
		for (int i = 0; i < 18; i++)
			world_wait(w, 100);
	}
	ck_assert_uint_le(times_again(), ZG_AGAIN_TRIES);
	accepted(server_says(w, 0, "", at)); /* it is there again */
	held(client_says(w, at + 1, "c", 0));
	accepted(client_says(w, at, "b", 0));
	const uint64_t before = times_again();
	world_wait(w, ZG_AGAIN_MS);
	ck_assert_uint_eq(times_again(), before + 1);
}
END_TEST

START_TEST(not_vouched_for)
{
	accepted(client_says(w, 0, "a", 0));
	accepted(client_says(w, 1, "b", 0));
	accepted(server_has(0, 1, 2));
	world_wait(w, ZG_AGAIN_MS);
	ck_assert_uint_eq(times_again(), 0); /* its sender knows */
}
END_TEST

START_TEST(out_of_order_with_two_stories_kills)
{
	uint32_t one = client_says(w, 2, "cd", 0);
	held(one);
	dropped(client_says(w, 1, "bX", 0));
	dropped(one);
	world_killed(w, ZG_R_TCP_OVERLAP);
}
END_TEST

START_TEST(out_of_order_overlapping_alike)
{
	uint32_t one = client_says(w, 2, "cd", 0), two = client_says(w, 1, "bc", 0);
	held(one);
	held(two);
	accepted(client_says(w, 0, "a", 0));
	accepted(one);
	accepted(two);
	world_read(w, ZG_CLIENT, "abcd");
}
END_TEST

START_TEST(out_of_order_differs_from_what_came)
{
	uint32_t early = client_says(w, 2, "cd", 0);
	held(early);
	/* fills the gap and says something else for its place */
	dropped(client_says(w, 0, "abx", 0));
	dropped(early);
	world_killed(w, ZG_R_TCP_OVERLAP);
	world_read(w, ZG_CLIENT, "");
}
END_TEST

START_TEST(out_of_order_bound)
{
	for (uint32_t i = 0; i < ZG_STREAM_HOLD_PKTS; i++)
		held(client_says(w, 1 + i, "a", 0));
	world_refused(w, client_says(w, 1 + ZG_STREAM_HOLD_PKTS, "a", 0), ZG_R_TCP_HOLD);
	/* only that packet was lost */
	accepted(client_says(w, 0, "a", 0));
	accepted(client_says(w, 1 + ZG_STREAM_HOLD_PKTS, "a", 0));
	ck_assert_uint_eq(w->n_released[ZG_CLIENT], ZG_STREAM_HOLD_PKTS + 2);
}
END_TEST

START_TEST(out_of_order_bytes_bound)
{
	static char big[60000];
	struct pkt p = FROM_CLIENT(.seq = C + 2, .ack = S + 1, .data = big, .len = sizeof big);
	struct zg_engine_stats stats;

	memset(big, 'a', sizeof big);
	held(world_send(w, p));
	for (unsigned i = 1; i < ZG_STREAM_HOLD_BYTES / sizeof big + 3; i++) { /* overlapping, never the same */
		p.seq++;
		(void)world_send(w, p);
	}
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_le(stats.bytes, ZG_STREAM_HOLD_BYTES / 60000 * ZG_POOL_OBJECT_MAX + 24 * 1024);
	ck_assert_uint_gt(stats.dropped_by[ZG_R_TCP_HOLD], 0);
}
END_TEST

START_TEST(out_of_order_timeout)
{
	uint32_t id = client_says(w, 2, "c", 0);
	world_wait(w, ZG_HOLD_MS - 1);
	held(id);
	world_wait(w, 1);
	world_refused(w, id, ZG_R_TCP_HOLD);
	accepted(client_says(w, 0, "ab", 0));
	accepted(client_says(w, 2, "c", 0));
}
END_TEST

/* --- memory that an inspector borrows ----------------------------------------------------------------- */

struct borrowed {
	uint8_t *piece;
};

/* Each byte borrows the largest piece, fills it, and is refused when there is none. */
static void borrow_data(void *state, const void *config, enum zg_dir dir, struct zg_rw *in, struct zg_answer *ret_answer)
{
	struct borrowed *b = state;
	uint8_t octet;
	(void)config;
	(void)dir;

	*ret_answer = (struct zg_answer){ .say = ZG_SAY_MORE };
	for (; zg_rw_peek(in, &octet); zg_rw_advance(in)) {
		ck_assert_ptr_null(in->lender->lend(in->lender, ZG_LEND_MAX + 1));
		b->piece = in->lender->lend(in->lender, ZG_LEND_MAX);
		if (b->piece == NULL) {
			*ret_answer = (struct zg_answer){ .say = ZG_SAY_DENY, .reason = ZG_R_RFB_MEMORY };
			return;
		}
		for (size_t i = 0; i < ZG_LEND_MAX; i++)
			ck_assert_uint_eq(b->piece[i], 0);
		memset(b->piece, 0xff, ZG_LEND_MAX);
	}
}

static void borrow_begin(void *state, const void *config)
{
	(void)state;
	(void)config;
}

static const struct zg_inspector borrower = {
	.name = "borrower",
	.transport = ZG_TCP,
	.state_size = sizeof(struct borrowed),
	.begin = borrow_begin,
	.data = borrow_data,
};

/* Zeroed whatever it was before, bounded by the pool, and given back with the connection. */
START_TEST(lent_memory)
{
	world_free(w);
	w = world_new();
	w->inspector = &borrower;
	world_open(w);
	struct zg_pool *pool = &w->engine->pool;
	void *others = zg_pool_get(pool, ZG_LEND_MAX);
	memset(others, 0xff, ZG_LEND_MAX);
	zg_pool_put(pool, others);
	const uint64_t before = pool->used;
	accepted(client_says(w, 0, "abc", 0));
	ck_assert_uint_ge(pool->used - before, 3 * ZG_LEND_MAX);
	pool->n_blocks = pool->n_fresh; /* as if others had all the rest */
	dropped(client_says(w, 3, "defg", 0));
	world_killed(w, ZG_R_RFB_MEMORY);
	ck_assert_uint_lt(pool->used, before);
}
END_TEST

/* Who borrows all that he can leaves a part of the pool to those who do not. */
START_TEST(lent_memory_leaves_some)
{
	world_free(w);
	w = world_new();
	w->inspector = &borrower;
	world_open(w);
	struct zg_pool *pool = &w->engine->pool;
	accepted(client_says(w, 0, "a", 0));
	pool->used += ZG_LENT_BYTES_MAX; /* as if others had borrowed it */
	accepted(server_says(w, 0, "", 0));
	dropped(client_says(w, 1, "b", 0));
	world_killed(w, ZG_R_RFB_MEMORY);
	pool->used -= ZG_LENT_BYTES_MAX;
}
END_TEST

START_TEST(memory_bounds)
{
	/* as if other connections had taken so much */
	struct zg_pool *pool = &w->engine->pool;
	void *taken[ZG_POOL_OBJECT_MAX / 64 + 1];
	size_t n = 0;

	pool->used += ZG_ENGINE_BYTES_MAX / 2;
	world_refused(w, client_says(w, 1, "b", 0), ZG_R_TCP_MEMORY);
	accepted(client_says(w, 0, "a", 0));
	held(client_says(w, 1, "(", 0));
	accepted(client_says(w, 2, ")", 0));
	pool->used -= ZG_ENGINE_BYTES_MAX / 2;
	pool->n_blocks = pool->n_fresh;
	while ((taken[n] = zg_pool_get(pool, 300)) != NULL)
		n++;
	world_refused(w, server_says(w, 0, "no room for a ring", 0), ZG_R_TCP_MEMORY);
	zg_pool_put(pool, taken[0]);
	accepted(server_says(w, 0, "room", 0));
}
END_TEST

START_TEST(nobody_acknowledges)
{
	static char data[60000];
	struct pkt syn = { .flags = ZG_SYN, .seq = C }, synack = { .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1 };
	uint32_t at = 0;

	world_free(w);
	w = world_new();
	memset(data, 'a', sizeof data);
	pkt_opt_wscale(&syn, 14);
	pkt_opt_wscale(&synack, 14);
	(void)world_send(w, syn);
	(void)world_send(w, synack);
	(void)client_says(w, 0, "", 0);
	accepted(server_says(w, 0, "", 0));
	for (; at + sizeof data <= ZG_STREAM_BUF_MAX; at += sizeof data) {
		w->n_released[ZG_CLIENT] = 0;
		accepted(world_send(w, FROM_CLIENT(.seq = C + 1 + at, .ack = S + 1, .data = data, .len = sizeof data)));
	}
	const struct pkt p = FROM_CLIENT(.seq = C + 1 + at, .ack = S + 1, .data = data, .len = sizeof data);
	world_refused(w, world_send(w, p), ZG_R_TCP_MEMORY);
	w->n_released[ZG_CLIENT] = 0;
	accepted(server_says(w, 0, "", at));
	accepted(world_send(w, p));
}
END_TEST

/* Ends that leave holes on purpose leave places for those that lose a packet. */
START_TEST(places_that_are_left)
{
	const uint32_t others = ZG_ENGINE_EARLY_PKTS - 200;
	uint32_t n = 0;

	w->engine->stats.held += others; /* as if other connections had taken so many */
	while (n < ZG_STREAM_HOLD_PKTS && world_fate(w, client_says(w, 1 + 2 * n, "a", 0)) == HELD)
		n++;
	ck_assert_uint_ge(n, 32);
	ck_assert_uint_lt(n, 64);
	ck_assert_uint_eq(world_dropped(w, ZG_R_TCP_HOLD), 1);
	held(server_says(w, 5, "lost one", 0));
	w->engine->stats.held -= others;
}
END_TEST

/* Ends that acknowledge nothing leave room for those that do. */
START_TEST(memory_that_is_left)
{
	static char data[60000];
	struct pkt syn = { .flags = ZG_SYN, .seq = C }, synack = { .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1 };
	const uint64_t others = ZG_ENGINE_BYTES_MAX - 4 * 1024 * 1024;
	struct zg_pool *pool = &w->engine->pool;
	uint32_t at = 0;

	memset(data, 'a', sizeof data);
	pkt_opt_wscale(&syn, 14);
	pkt_opt_wscale(&synack, 14);
	syn.client_port = synack.client_port = 40001;
	(void)world_send(w, syn);
	(void)world_send(w, synack);
	(void)world_send(w, FROM_CLIENT(.seq = C + 1, .ack = S + 1, .client_port = 40001));
	accepted(world_send(w, FROM_SERVER(.seq = S + 1, .ack = C + 1, .client_port = 40001)));
	pool->used += others;
	uint32_t id = 0;
	for (; at < ZG_STREAM_BUF_MAX; at += sizeof data) {
		w->n_released[ZG_CLIENT] = 0;
		id = world_send(w, FROM_CLIENT(.seq = C + 1 + at, .ack = S + 1, .data = data, .len = sizeof data, .client_port = 40001));
		if (world_fate(w, id) != ACCEPTED)
			break;
	}
	world_refused(w, id, ZG_R_TCP_MEMORY);
	ck_assert_uint_gt(at, 0);
	ck_assert_uint_lt(pool->used, ZG_ENGINE_BYTES_MAX - 2 * 1024 * 1024);
	w->n_released[ZG_CLIENT] = 0;
	accepted(client_says(w, 0, "others go on", 0));
	pool->used -= others;
}
END_TEST

/* --- acknowledgements -------------------------------------------------------------------------------- */

START_TEST(ack_of_nothing_sent)
{
	accepted(server_says(w, 0, "hello", 0));
	world_refused(w, client_says(w, 0, "", 6), ZG_R_TCP_ACK);
	world_refused(w, client_says(w, 0, "a", 6), ZG_R_TCP_ACK);
	accepted(client_says(w, 0, "", 5));
	accepted(client_says(w, 0, "", 3)); /* an old one, late */
	world_refused(w, client_says(w, 0, "", (uint32_t)-1), ZG_R_TCP_ACK);
	world_read(w, ZG_CLIENT, "");
}
END_TEST

START_TEST(ack_of_what_is_held)
{
	uint32_t id = server_says(w, 0, "a(b", 0);
	held(id);
	world_refused(w, client_says(w, 0, "", 3), ZG_R_TCP_ACK);
	world_refused(w, client_says(w, 0, "", 1), ZG_R_TCP_ACK); /* the packet has not gone, though 'a' is released */
	accepted(server_says(w, 3, ")", 0));
	accepted(id);
	accepted(client_says(w, 0, "", 4));
}
END_TEST

START_TEST(ack_far_behind)
{
	static char data[40000];
	memset(data, 'a', sizeof data);
	for (uint32_t i = 0; i < 3; i++) {
		struct pkt p = FROM_SERVER(.seq = S + 1 + i * 40000, .ack = C + 1, .data = data, .len = sizeof data);
		w->n_released[ZG_SERVER] = 0;
		accepted(world_send(w, p));
		accepted(client_says(w, 0, "", (i + 1) * 40000));
	}
	accepted(client_says(w, 0, "", 120000 - 65535));
	world_refused(w, client_says(w, 0, "", 120000 - 65536), ZG_R_TCP_ACK);
}
END_TEST

START_TEST(ack_behind_by_a_window_that_grew)
{
	static char data[50000];
	struct pkt syn = { .flags = ZG_SYN, .seq = C, .window = 1000 }, synack = { .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1 };
	memset(data, 'a', sizeof data);
	pkt_opt_wscale(&syn, 7);
	pkt_opt_wscale(&synack, 7);
	accepted(world_send(w, syn));
	accepted(world_send(w, synack));
	accepted(client_says(w, 0, "", 0)); /* 65535 times 128 from here */
	for (uint32_t at = 0; at < 4 * sizeof data; at += sizeof data) {
		w->n_released[ZG_SERVER] = 0;
		accepted(world_send(w, FROM_SERVER(.seq = S + 1 + at, .ack = C + 1, .data = data, .len = sizeof data)));
	}
	accepted(client_says(w, 0, "", 4 * sizeof data));
	accepted(client_says(w, 0, "", sizeof data)); /* 150000 behind */
}
END_TEST

START_TEST(unread_bytes_are_not_accepted)
{
	dropped(client_says(w, 0, "ab?c", 0));
	world_killed(w, ZG_R_TCP_HOLD);
	world_read(w, ZG_CLIENT, "ab");
}
END_TEST

START_TEST(sack_beyond_what_was_sent)
{
	struct pkt good = FROM_CLIENT(.seq = C + 1, .ack = S + 1), bad = good, empty = good;

	accepted(server_says(w, 0, "hello", 0));
	pkt_opt_sack(&good, S + 3, S + 6);
	pkt_opt_sack(&bad, S + 3, S + 7);
	pkt_opt_sack(&empty, S + 3, S + 3);
	accepted(world_send(w, good));
	world_refused(w, world_send(w, bad), ZG_R_TCP_ACK);
	world_refused(w, world_send(w, empty), ZG_R_TCP_ACK);
}
END_TEST

/* --- window ------------------------------------------------------------------------------------------ */

START_TEST(beyond_the_window)
{
	accepted(world_send(w, FROM_SERVER(.seq = S + 1, .ack = C + 1, .window = 10)));
	/* the window moves no edge back (RFC 9293 3.8.6): 65535 was offered before */
	static char data[65535];
	memset(data, 'a', sizeof data);
	world_refused(w, client_says(w, 65535 - 4, "12345", 0), ZG_R_TCP_WINDOW);
	held(client_says(w, 65535 - 5, "12345", 0));
	world_refused(w, client_says(w, 65536 + 5, "", 0), ZG_R_TCP_WINDOW);
}
END_TEST

START_TEST(window_probe_of_one_byte)
{
	static char data[65500];
	memset(data, 'a', sizeof data);
	accepted(world_send(w, FROM_CLIENT(.seq = C + 1, .ack = S + 1, .data = data, .len = 65400)));
	w->n_released[ZG_CLIENT] = 0;
	accepted(world_send(w, FROM_CLIENT(.seq = C + 65401, .ack = S + 1, .data = data, .len = 135)));
	accepted(world_send(w, FROM_SERVER(.seq = S + 1, .ack = C + 1 + 65535, .window_zero = true)));
	w->n_released[ZG_CLIENT] = 0;
	world_refused(w, client_says(w, 65535, "pq", 0), ZG_R_TCP_WINDOW);
	accepted(client_says(w, 65535, "p", 0));
	accepted(client_says(w, 65535, "p", 0));
	world_refused(w, client_says(w, 65536, "q", 0), ZG_R_TCP_WINDOW);
	world_read(w, ZG_CLIENT, "p");
}
END_TEST

START_TEST(window_is_scaled)
{
	struct pkt syn = { .flags = ZG_SYN, .seq = C }, synack = { .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1, .window = 1000 };
	pkt_opt_wscale(&syn, 0);
	pkt_opt_wscale(&synack, 7);
	accepted(world_send(w, syn));
	accepted(world_send(w, synack));
	accepted(client_says(w, 0, "", 0));
	world_refused(w, client_says(w, 1000, "a", 0), ZG_R_TCP_WINDOW); /* not on the SYN itself */
	accepted(world_send(w, FROM_SERVER(.seq = S + 1, .ack = C + 1, .window = 1000)));
	held(client_says(w, 127999, "a", 0));
	world_refused(w, client_says(w, 128000, "a", 0), ZG_R_TCP_WINDOW);
}
END_TEST

/* --- RST ------------------------------------------------------------------------------------------------ */

START_TEST(rst_in_place)
{
	accepted(client_says(w, 0, "hello", 0));
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C + 1 + 6 }), ZG_R_TCP_RST);
	ck_assert_int_eq(w->injects[w->n_injects - 1].kind, ZG_INJECT_ACK); /* challenged: it lies in the window */
	const size_t n = w->n_injects;
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C - 100000 }), ZG_R_TCP_RST);
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C + 100000 }), ZG_R_TCP_RST);
	ck_assert_uint_eq(w->n_injects, n);
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_RST | ZG_ACK, .seq = C + 6, .ack = S + 9 }), ZG_R_TCP_RST);
	accepted(world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C + 1 + 5 }));
	ck_assert_int_eq(w->events[w->n_events - 1].kind, ZG_FLOW_CLOSED);
	ck_assert_uint_eq(w->events[w->n_events - 1].bytes[ZG_CLIENT], 5);
	world_refused(w, server_says(w, 0, "late", 5), ZG_R_TCP_CLOSED);
	ck_assert_int_eq(w->injects[w->n_injects - 1].kind, ZG_INJECT_RST);
	ck_assert_uint_eq(w->injects[w->n_injects - 1].seq, C + 1 + 5);
}
END_TEST

START_TEST(rst_where_the_receiver_says)
{
	/* bytes were lost behind us: the receiver still expects the first one */
	accepted(client_says(w, 0, "hello", 0));
	accepted(world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C + 1 }));
}
END_TEST

START_TEST(rst_behind_held_bytes)
{
	uint32_t id = client_says(w, 0, "ab(c", 0);
	held(id);
	dropped(world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C + 1 + 4 }));
	dropped(id);
	ck_assert_uint_eq(w->n_injects, 1);
	ck_assert_int_eq(w->injects[0].kind, ZG_INJECT_RST);
	ck_assert(!w->injects[0].to_client);
	ck_assert_uint_eq(w->injects[0].seq, C + 1);
	ck_assert_int_eq(w->events[w->n_events - 1].kind, ZG_FLOW_CLOSED);
}
END_TEST

/* --- FIN ------------------------------------------------------------------------------------------------- */

START_TEST(fin_closes)
{
	accepted(client_ends(w, 0, "bye", 0));
	accepted(server_says(w, 0, "bye", 4));
	accepted(server_ends(w, 3, "", 4));
	ck_assert_uint_eq(w->n_events, 1);
	accepted(client_says(w, 4, "", 4));
	ck_assert_uint_eq(w->n_events, 2);
	ck_assert_int_eq(w->events[1].kind, ZG_FLOW_CLOSED);
	ck_assert_int_eq(w->events[1].reason, ZG_R_NONE);
	ck_assert_uint_eq(w->events[1].bytes[ZG_CLIENT], 3);
	ck_assert_uint_eq(w->events[1].bytes[ZG_SERVER], 3);
	/* the last acknowledgement was lost: the FIN comes again and is answered */
	world_refused(w, server_ends(w, 3, "", 4), ZG_R_TCP_REPEAT);
	const struct zg_inject *ack = &w->injects[w->n_injects - 1];
	ck_assert_int_eq(ack->kind, ZG_INJECT_ACK);
	ck_assert(!ack->to_client);
	ck_assert_uint_eq(ack->seq, C + 5);
	ck_assert_uint_eq(ack->ack, S + 5);
	/* nothing new any more */
	world_refused(w, server_says(w, 4, "more", 4), ZG_R_TCP_AFTER_FIN);
	/* the same ends may begin again, with another number */
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_SYN, .seq = C }), ZG_R_TCP_SYN_AGAIN);
	accepted(world_send(w, (struct pkt){ .flags = ZG_SYN, .seq = C + 70000 }));
}
END_TEST

START_TEST(bytes_after_fin_kill)
{
	accepted(client_ends(w, 0, "bye", 0));
	accepted(client_ends(w, 0, "bye", 0));
	dropped(client_says(w, 3, "X", 0));
	world_killed(w, ZG_R_TCP_AFTER_FIN);
}
END_TEST

START_TEST(fin_with_more_kills)
{
	accepted(client_ends(w, 0, "bye", 0));
	dropped(client_ends(w, 0, "bye!", 0));
	world_killed(w, ZG_R_TCP_AFTER_FIN);
}
END_TEST

START_TEST(fin_too_early_kills)
{
	accepted(client_says(w, 0, "hello", 0));
	dropped(client_ends(w, 0, "hel", 0));
	world_killed(w, ZG_R_TCP_FIN);
}
END_TEST

START_TEST(fin_before_held_bytes_kills)
{
	uint32_t early = client_says(w, 4, "more", 0);
	held(early);
	dropped(client_ends(w, 0, "abc", 0));
	dropped(early);
	world_killed(w, ZG_R_TCP_AFTER_FIN);
}
END_TEST

START_TEST(fin_out_of_order_waits)
{
	uint32_t fin = client_ends(w, 2, "c", 0);
	held(fin);
	accepted(client_says(w, 0, "ab", 0));
	accepted(fin);
	world_read(w, ZG_CLIENT, "abc");
}
END_TEST

START_TEST(fin_on_a_retransmission)
{
	accepted(client_says(w, 0, "bye", 0));
	accepted(client_ends(w, 0, "bye", 0));
	accepted(world_send(w, FROM_SERVER(.seq = S + 1, .ack = C + 5)));
}
END_TEST

START_TEST(fin_waits_for_held_bytes)
{
	uint32_t a = client_says(w, 0, "a[b", 0);
	uint32_t fin = client_ends(w, 3, "", 0);
	held(a);
	held(fin);
	world_refused(w, client_ends(w, 3, "", 0), ZG_R_TCP_REPEAT);
	accepted(server_says(w, 0, "]", 0));
	accepted(a);
	accepted(fin);
}
END_TEST

START_TEST(fin_denied_by_the_inspector)
{
	accepted(client_says(w, 0, "a!", 0));
	dropped(client_ends(w, 2, "", 0));
	world_killed(w, ZG_R_SMTP_LINE_END);
}
END_TEST

/* --- what the inspector holds ------------------------------------------------------------------------- */

START_TEST(held_until_released)
{
	uint32_t a = client_says(w, 0, "a(z", 0), b = client_says(w, 3, "b", 0);
	held(a);
	held(b);
	world_read(w, ZG_CLIENT, "a");
	world_refused(w, client_says(w, 0, "a(z", 0), ZG_R_TCP_REPEAT);
	accepted(client_says(w, 4, ")c", 0));
	accepted(a);
	accepted(b);
	ck_assert_int_eq(memcmp(w->verdicts[a].packet + w->verdicts[a].len - 3, "a(Z", 3), 0);
	world_read(w, ZG_CLIENT, "a(Zb)c");
}
END_TEST

START_TEST(held_byte_is_overwritten)
{
	uint32_t a = client_says(w, 0, "a{", 0);
	held(a);
	world_read(w, ZG_CLIENT, "a");
	accepted(client_says(w, 2, "}b", 0));
	accepted(a);
	ck_assert_int_eq(memcmp(w->verdicts[a].packet + w->verdicts[a].len - 2, "a<", 2), 0);
	world_read(w, ZG_CLIENT, "a<}b");
	/* what is sent again is the same again; what was sent is compared */
	uint32_t again = client_says(w, 0, "a{}", 0);
	accepted(again);
	ck_assert_int_eq(memcmp(w->verdicts[again].packet + w->verdicts[again].len - 3, "a<}", 3), 0);
	dropped(client_says(w, 0, "a<}", 0));
	world_killed(w, ZG_R_TCP_OVERLAP);
}
END_TEST

/* A sender that waits for an acknowledgement before it goes on would wait for ever. */
START_TEST(repeated_held_byte_is_settled)
{
	uint32_t a = client_says(w, 0, "a{", 0);
	held(a);
	world_refused(w, client_says(w, 0, "a{", 0), ZG_R_TCP_REPEAT);
	accepted(a);
	ck_assert_ptr_null(w->verdicts[a].packet);
	world_read(w, ZG_CLIENT, "a{");
	accepted(client_says(w, 2, "}b", 0));
	world_read(w, ZG_CLIENT, "a{}b");
}
END_TEST

/* --- what is held is acknowledged at once, where the inspector says so -------------------------------- */

static struct zg_inspector acknowledging;

static void set_up_acknowledging(void)
{
	acknowledging = letters;
	acknowledging.acknowledges = true;
	acknowledging.settle = NULL;
	w = world_new();
	w->inspector = &acknowledging;
	world_open(w);
}

static void acknowledged(size_t n_injects, uint32_t ack)
{
	ck_assert_uint_eq(w->n_injects, n_injects);
	const struct zg_inject *last = &w->injects[n_injects - 1];
	ck_assert_int_eq(last->kind, ZG_INJECT_ACK);
	ck_assert(last->to_client && last->ack == C + 1 + ack && last->seq == S + 1);
}

START_TEST(held_bytes_are_acknowledged)
{
	const uint32_t first = client_says(w, 0, "a(b", 0);
	held(first);
	acknowledged(1, 3);
	const uint32_t second = client_says(w, 3, "c", 0);
	held(second);
	acknowledged(2, 4);
	world_refused(w, client_says(w, 0, "a(b", 0), ZG_R_TCP_REPEAT); /* the acknowledgement was lost */
	acknowledged(3, 4);
	accepted(client_says(w, 4, ")d", 0));
	accepted(first);
	accepted(second);
	world_read(w, ZG_CLIENT, "a(bc)d");
	ck_assert_uint_eq(w->n_injects, 3);
	/* lost behind us: the sender believes that it came */
	world_wait(w, ZG_AGAIN_MS);
	sent_again(1, 0, "a(bc");
	accepted(server_says(w, 0, "", 6));
	world_wait(w, ZG_AGAIN_MS);
	sent_again(1, 0, "a(bc");
}
END_TEST

START_TEST(acknowledged_and_denied)
{
	held(client_says(w, 0, "(b", 0));
	dropped(client_says(w, 2, "X", 0));
	world_killed(w, ZG_R_SMTP_LINE_END);
	world_read(w, ZG_CLIENT, "");
}
END_TEST

/* Its sender would not repeat it: the connection could not go on. */
START_TEST(acknowledged_and_never_completed)
{
	const uint32_t a = client_says(w, 0, "(b", 0);
	held(a);
	world_wait(w, ZG_HOLD_MS);
	dropped(a);
	world_killed(w, ZG_R_TCP_HOLD);
}
END_TEST

/* What is released by a segment may acknowledge the beginning of that very segment: how it was rewritten is forgotten then. */
START_TEST(acknowledged_while_it_is_read)
{
	char text[5002];
	memset(text, 'z', sizeof text);
	text[500] = '\0';
	for (uint32_t at = 0; at < 5000; at += 500)
		accepted(client_says(w, at, text, 0));
	const uint32_t answer = server_says(w, 0, "a[b", 5000);
	held(answer);
	/* all of it again, and more */
	memcpy(text + 500, "z", 1);
	memcpy(text + 5000, "]", 2);
	world_refused(w, client_says(w, 0, text, 0), ZG_R_TCP_REPEAT);
	accepted(answer);
	world_read(w, ZG_SERVER, "a[b");
	ck_assert_uint_eq(w->n_released[ZG_CLIENT], 5001);
	accepted(client_says(w, 5000, "]z", 3));
}
END_TEST

START_TEST(held_bound_kills)
{
	held(client_says(w, 0, "(", 0));
	for (uint32_t i = 1; i < ZG_STREAM_HOLD_PKTS; i++)
		held(client_says(w, i, "a", 0));
	dropped(client_says(w, ZG_STREAM_HOLD_PKTS, "a", 0));
	world_killed(w, ZG_R_TCP_HOLD);
	world_read(w, ZG_CLIENT, "");
}
END_TEST

START_TEST(held_timeout_then_repeated)
{
	uint32_t a = client_says(w, 0, "(a", 0);
	world_wait(w, ZG_HOLD_MS);
	dropped(a);
	uint32_t again = client_says(w, 0, "(a", 0);
	held(again);
	accepted(client_says(w, 2, ")", 0));
	accepted(again);
}
END_TEST

/* --- timestamps ------------------------------------------------------------------------------------------ */

START_TEST(timestamps_go_on)
{
	accepted(client_says(w, 0, "a", 0));
	w->ts = false;
	world_refused(w, client_says(w, 1, "b", 0), ZG_R_TCP_TIMESTAMP);
	w->ts = true;
	w->ts_val[0] -= 2;
	world_refused(w, client_says(w, 1, "b", 0), ZG_R_TCP_TIMESTAMP);
	w->ts_val[0]--; /* the same again is no step back */
	w->ts_val[0] += 1;
	accepted(client_says(w, 1, "b", 0));
	world_read(w, ZG_CLIENT, "ab");
	accepted(world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C + 3 })); /* a RST needs none */
}
END_TEST

START_TEST(timestamps_wrap)
{
	world_free(w);
	w = world_new();
	w->ts = true;
	w->ts_val[0] = 0xfffffffd;
	world_open(w);
	accepted(client_says(w, 0, "a", 0));
	accepted(client_says(w, 1, "b", 0)); /* 0x00000001 */
	ck_assert_uint_lt(w->ts_val[0], 10);
	w->ts_val[0] = 0xfffffff0;
	world_refused(w, client_says(w, 2, "c", 0), ZG_R_TCP_TIMESTAMP);
}
END_TEST

START_TEST(timestamps_of_empty_segments_ahead)
{
	/* a segment was lost before us; the acknowledgement behind it overtook its repetition */
	w->ts_val[0] += 100;
	accepted(client_says(w, 3, "", 0));
	w->ts_val[0] -= 50;
	accepted(client_says(w, 0, "abc", 0));
}
END_TEST

START_TEST(timestamps_in_injections)
{
	accepted(client_says(w, 0, "hello", 0));
	accepted(server_says(w, 0, "", 5));
	uint32_t newest = w->ts_val[0];
	dropped(client_says(w, 0, "hello", 0));
	ck_assert(w->injects[0].timestamps);
	ck_assert_uint_eq(w->injects[0].ts_val, w->ts_val[1]);
	ck_assert_uint_eq(w->injects[0].ts_ecr, newest);
}
END_TEST

START_TEST(timestamps_in_injections_after_fin)
{
	/* the server has ended and still acknowledges: what the client knows of its clock goes on, and an older one in our ACK
	 * would be ignored (RFC 7323 5.3) */
	accepted(server_ends(w, 0, "", 0));
	accepted(client_says(w, 0, "hello", 1));
	w->ts_val[1] += 500;
	accepted(world_send(w, FROM_SERVER(.seq = S + 2, .ack = C + 6)));
	const size_t n = w->n_injects;
	dropped(client_says(w, 0, "hello", 1));
	ck_assert_uint_eq(w->n_injects, n + 1);
	ck_assert_uint_eq(w->injects[n].ts_val, w->ts_val[1]);
}
END_TEST

START_TEST(timestamps_not_agreed)
{
	w->ts = true;
	world_refused(w, client_says(w, 0, "a", 0), ZG_R_TCP_OPTION);
}
END_TEST

/* --- the handshake ----------------------------------------------------------------------------------------- */

static const struct pkt syn = { .flags = ZG_SYN, .seq = C };
static const struct pkt synack = { .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1 };

START_TEST(nothing_but_a_syn_begins)
{
	static const uint8_t kinds[] = { ZG_ACK, ZG_SYN | ZG_ACK, ZG_ACK | ZG_FIN, ZG_ACK | ZG_PSH };
	for (size_t i = 0; i < sizeof kinds; i++) {
		world_refused(w, world_send(w, (struct pkt){ .flags = kinds[i], .seq = 5, .ack = 77 }), ZG_R_TCP_UNKNOWN);
		ck_assert_uint_eq(w->n_injects, i + 1);
		ck_assert_int_eq(w->injects[i].kind, ZG_INJECT_RST);
		ck_assert_uint_eq(w->injects[i].seq, 77);
		ck_assert(!w->injects[i].has_ack);
	}
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_RST, .seq = 5 }), ZG_R_TCP_UNKNOWN);
	ck_assert_uint_eq(w->n_injects, sizeof kinds);
	w->identity = 0;
	world_refused(w, world_send(w, syn), ZG_R_PKT_NO_FLOW);
}
END_TEST

START_TEST(syn_repeated)
{
	accepted(world_send(w, syn));
	accepted(world_send(w, syn));
	struct pkt other = syn, options = syn;
	other.seq++;
	world_refused(w, world_send(w, other), ZG_R_TCP_SYN_AGAIN);
	pkt_opt_wscale(&options, 3);
	world_refused(w, world_send(w, options), ZG_R_TCP_SYN_AGAIN);
	accepted(world_send(w, synack));
	accepted(world_send(w, syn));
	accepted(world_send(w, synack));
	other = synack;
	other.seq++;
	world_refused(w, world_send(w, other), ZG_R_TCP_SYN_AGAIN);
	accepted(client_says(w, 0, "", 0));
	/* the ACK was lost behind us */
	accepted(world_send(w, synack));
	accepted(server_says(w, 0, "hi", 0));
	world_refused(w, world_send(w, synack), ZG_R_TCP_SYN_AGAIN); /* it has gone on since */
	ck_assert(!w->injects[w->n_injects - 1].to_client);
	/* a client that has forgotten: challenged */
	world_refused(w, world_send(w, syn), ZG_R_TCP_SYN_AGAIN);
	ck_assert_int_eq(w->injects[w->n_injects - 1].kind, ZG_INJECT_ACK);
	ck_assert(w->injects[w->n_injects - 1].to_client);
	accepted(world_send(w, (struct pkt){ .flags = ZG_RST, .seq = w->injects[w->n_injects - 1].ack }));
	other = syn;
	other.seq += 4711;
	accepted(world_send(w, other));
}
END_TEST

START_TEST(synack_does_not_fit)
{
	struct pkt p = synack;
	accepted(world_send(w, syn));
	p.ack++;
	world_refused(w, world_send(w, p), ZG_R_TCP_HANDSHAKE);
	ck_assert_int_eq(w->injects[0].kind, ZG_INJECT_RST);
	ck_assert(!w->injects[0].to_client);
	ck_assert_uint_eq(w->injects[0].seq, C + 2);
	for (size_t i = 0; i < 3; i++) {
		p = synack;
		if (i == 0)
			pkt_opt_sack_ok(&p);
		else if (i == 1)
			pkt_opt_wscale(&p, 1);
		else
			pkt_opt_ts(&p, 1, 1);
		world_refused(w, world_send(w, p), ZG_R_TCP_OPTION); /* not offered */
	}
}
END_TEST

START_TEST(simultaneous_open)
{
	accepted(world_send(w, syn));
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_SYN, .from_server = true, .seq = S }), ZG_R_TCP_HANDSHAKE);
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_SYN | ZG_ACK, .seq = C, .ack = S + 1 }), ZG_R_TCP_HANDSHAKE);
	accepted(world_send(w, synack));
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_SYN | ZG_ACK, .seq = C, .ack = S + 1 }), ZG_R_TCP_HANDSHAKE);
}
END_TEST

/* The kernel takes the SYN of a simultaneous open for one of the client's connection. When that is forgotten here, the
 * server must not become the client: its bytes would be read as the client's. */
START_TEST(simultaneous_open_after_the_timeout)
{
	accepted(world_send(w, syn));
	world_wait(w, ZG_SYN_MS);
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_SYN, .from_server = true, .seq = S }), ZG_R_TCP_HANDSHAKE);
	accepted(world_send(w, syn));
	accepted(world_send(w, synack));
}
END_TEST

/* Only what goes on to the server opens the connection here: else who sends SYNs would take the table all the same, with
 * segments that no server sees. */
START_TEST(handshake_completed_out_of_place)
{
	accepted(world_send(w, syn));
	accepted(world_send(w, synack));
	world_refused(w, client_says(w, 70000, "", 0), ZG_R_TCP_HANDSHAKE);
	world_refused(w, client_says(w, (uint32_t)-1, "", 0), ZG_R_TCP_HANDSHAKE);
	world_refused(w, client_says(w, 70000, "a", 0), ZG_R_TCP_HANDSHAKE);
	struct zg_engine_stats stats;
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.flows_opened, 0);
	accepted(client_says(w, 0, "a", 0));
}
END_TEST

START_TEST(data_before_the_handshake)
{
	accepted(world_send(w, syn));
	world_refused(w, client_says(w, 0, "a", 0), ZG_R_TCP_HANDSHAKE);
	world_refused(w, server_says(w, 0, "a", 0), ZG_R_TCP_HANDSHAKE);
	accepted(world_send(w, synack));
	world_refused(w, server_says(w, 0, "a", 0), ZG_R_TCP_HANDSHAKE);
	world_refused(w, client_says(w, 0, "a", 1), ZG_R_TCP_HANDSHAKE);
	world_refused(w, client_says(w, 1, "b", 0), ZG_R_TCP_HANDSHAKE);
	/* with the ACK that completes it, or later */
	accepted(client_says(w, 0, "a", 0));
	accepted(client_says(w, 1, "b", 0));
	world_read(w, ZG_CLIENT, "ab");
}
END_TEST

START_TEST(connection_refused_by_the_server)
{
	accepted(world_send(w, syn));
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_RST, .from_server = true, .seq = 0 }), ZG_R_TCP_RST);
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_RST | ZG_ACK, .from_server = true, .ack = C + 2 }), ZG_R_TCP_RST);
	accepted(world_send(w, (struct pkt){ .flags = ZG_RST | ZG_ACK, .from_server = true, .seq = 0, .ack = C + 1 }));
	struct pkt again = syn;
	again.seq += 9;
	accepted(world_send(w, again));
}
END_TEST

START_TEST(handshake_timeout)
{
	accepted(world_send(w, syn));
	world_wait(w, ZG_SYN_MS);
	world_refused(w, world_send(w, synack), ZG_R_TCP_UNKNOWN);
	struct zg_engine_stats stats;
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.flows, 0);
}
END_TEST

START_TEST(syn_flood_is_bounded)
{
	struct zg_engine_stats stats;
	for (unsigned i = 0; i < ZG_FLOWTAB_SYN_MAX + 500; i++) {
		struct pkt p = syn;
		p.client_port = (uint16_t)(1 + i % 60000);
		p.client_host = (uint8_t)(10 + i % 100);
		w->next_id = 0;
		w->verdicts[0].times = 0;
		accepted(world_send(w, p));
	}
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.flows, ZG_FLOWTAB_SYN_MAX);
	ck_assert_uint_eq(stats.evicted, 500);
	/* the newest is among them */
	struct pkt p = synack;
	p.client_port = ZG_FLOWTAB_SYN_MAX + 500;
	p.client_host = (uint8_t)(10 + (ZG_FLOWTAB_SYN_MAX + 499) % 100);
	accepted(world_send(w, p));
}
END_TEST

/* One source cannot have more than its share: its own oldest makes way, nobody else's. */
START_TEST(syn_flood_of_one_source)
{
	struct zg_engine_stats stats;
	struct pkt other = syn, other_answer = synack, p = syn, answer = synack;
	other.client_host = other_answer.client_host = 7;
	accepted(world_send(w, other));
	for (unsigned i = 0; i < 3 * ZG_FLOWTAB_SYN_SOURCE_MAX; i++) {
		p.client_port = (uint16_t)(1 + i);
		w->next_id = 0;
		w->verdicts[0].times = 0;
		accepted(world_send(w, p));
	}
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.flows, ZG_FLOWTAB_SYN_SOURCE_MAX + 1);
	ck_assert_uint_eq(stats.evicted, 2 * ZG_FLOWTAB_SYN_SOURCE_MAX);
	accepted(world_send(w, other_answer));
	answer.client_port = 2 * ZG_FLOWTAB_SYN_SOURCE_MAX + 1; /* the oldest that is left */
	accepted(world_send(w, answer));
	answer.client_port--;
	world_refused(w, world_send(w, answer), ZG_R_TCP_UNKNOWN);
	world_wait(w, ZG_SYN_MS);
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.flows, 0);
}
END_TEST

START_TEST(ended_connections_are_bounded)
{
	struct zg_engine_stats stats;
	for (unsigned i = 0; i < ZG_FLOWTAB_CLOSED_MAX + 100; i++) {
		struct pkt p = syn, rst = { .flags = ZG_RST | ZG_ACK, .from_server = true, .ack = C + 1 };
		p.client_port = rst.client_port = (uint16_t)(1 + i);
		w->next_id = 0;
		w->verdicts[0].times = w->verdicts[1].times = 0;
		accepted(world_send(w, p));
		accepted(world_send(w, rst));
	}
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.flows, ZG_FLOWTAB_CLOSED_MAX);
}
END_TEST

START_TEST(half_closed_connection_ends)
{
	world_open(w);
	accepted(client_says(w, 0, "a", 0));
	accepted(world_send(w, (struct pkt){ .flags = ZG_ACK | ZG_FIN, .seq = C + 2, .ack = S + 1 }));
	world_wait(w, ZG_HALF_CLOSED_MS / 2);
	accepted(server_says(w, 0, "still here", 2));
	const size_t injected = w->n_injects;
	world_wait(w, ZG_HALF_CLOSED_MS);
	ck_assert_int_eq(w->events[w->n_events - 1].kind, ZG_FLOW_CLOSED);
	ck_assert_int_eq(w->events[w->n_events - 1].reason, ZG_R_TCP_IDLE);
	ck_assert_uint_eq(w->n_injects, injected + 2); /* both ends are told */
}
END_TEST

START_TEST(idle_connection_ends)
{
	world_open(w);
	world_wait(w, ZG_IDLE_MS - 1);
	accepted(client_says(w, 0, "a", 0));
	world_wait(w, ZG_IDLE_MS - 1);
	ck_assert_uint_eq(w->n_events, 1);
	world_wait(w, 1);
	ck_assert_uint_eq(w->n_events, 2);
	ck_assert_int_eq(w->events[1].kind, ZG_FLOW_CLOSED);
	ck_assert_int_eq(w->events[1].reason, ZG_R_TCP_IDLE);
	world_refused(w, client_says(w, 1, "b", 0), ZG_R_TCP_UNKNOWN);
}
END_TEST

/* Somebody reads a screen that stands still. */
START_TEST(patient_inspector_waits_longer)
{
	static struct zg_inspector patient; /* the world ends after this function */
	patient = letters;
	patient.patient = true;
	w->inspector = &patient;
	world_open(w);
	world_wait(w, ZG_IDLE_LONG_MS - 1);
	accepted(client_says(w, 0, "a", 0));
	world_wait(w, ZG_IDLE_LONG_MS - 1);
	ck_assert_uint_eq(w->n_events, 1);
	world_wait(w, 1);
	ck_assert_int_eq(w->events[1].kind, ZG_FLOW_CLOSED);
	ck_assert_int_eq(w->events[1].reason, ZG_R_TCP_IDLE);
}
END_TEST

/* A server may take 10 minutes to answer the end of data (RFC 5321 4.5.3.2.6): a client that never reads the answer sends
 * the mail again. */
START_TEST(idle_connection_waits_for_its_answer)
{
	world_open(w);
	accepted(client_says(w, 0, "a", 0));
	world_wait(w, 10u * 60 * 1000);
	ck_assert_uint_eq(w->n_events, 1);
	accepted(server_says(w, 0, "b", 1));
}
END_TEST

START_TEST(policy_changes)
{
	world_open(w);
	w->mark = 2; /* a new generation, the same flow */
	accepted(client_says(w, 0, "a", 0));
	ck_assert_int_eq(world_fate(w, server_says(w, 0, "b", 1)), ACCEPTED);
	w->identity = 2;
	dropped(client_says(w, 1, "b", 0));
	world_killed(w, ZG_R_TCP_POLICY);
	ck_assert_uint_eq(w->injects[0].mark, 2);
}
END_TEST

START_TEST(policy_gone_during_handshake)
{
	accepted(world_send(w, syn));
	w->identity = 0;
	dropped(world_send(w, synack));
	world_killed(w, ZG_R_TCP_POLICY);
	ck_assert(!w->injects[0].to_client);
	ck_assert_uint_eq(w->injects[0].seq, C + 1);
	ck_assert(!w->injects[0].has_ack);
	ck_assert(w->injects[1].to_client && w->injects[1].has_ack);
	ck_assert_uint_eq(w->injects[1].seq, 0);
	ck_assert_uint_eq(w->injects[1].ack, C + 1);
}
END_TEST

START_TEST(ipv6_too)
{
	w->v6 = true;
	world_open(w);
	accepted(client_says(w, 0, "hello", 0));
	accepted(server_says(w, 0, "z", 5));
	world_read(w, ZG_CLIENT, "hello");
	world_read(w, ZG_SERVER, "Z");
}
END_TEST

/* As if n bytes had passed and been acknowledged. */
static void pass(uint32_t n)
{
	struct zg_flow *f = zg_flow_of(zg_flowtab_oldest(&w->engine->tab, ZG_LIST_OPEN));
	struct zg_half *c = &f->half[ZG_CLIENT];
	uint32_t *const numbers[] = { &c->nxt, &c->rel, &c->fwd, &c->una, &c->edge, &c->ring.start };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		*numbers[i] += n;
	c->released += n;
}

START_TEST(numbers_wrap)
{
	uint32_t at = 0;

	world_open(w);
	for (int i = 0; i < 14; i++) {
		uint32_t early = client_says(w, at + 3, "z", 0);
		held(early);
		accepted(client_says(w, at, "abc", 0));
		accepted(early);
		accepted(client_says(w, at + 1, "bcz", 0));
		accepted(server_says(w, 0, "", at + 4));
		if (i > 0) /* at first there is nothing before it */
			world_refused(w, client_says(w, at - 1, "x", 0), ZG_R_TCP_REPEAT);
		world_refused(w, client_says(w, at + 4 + 65535, "x", 0), ZG_R_TCP_WINDOW);
		at += 4 + 0x30000000;
		pass(0x30000000);
	}
	ck_assert_uint_eq(w->n_released[ZG_CLIENT], 14 * 4);
}
END_TEST

static TCase *with(const char *name, SFun before)
{
	TCase *tc = tcase_create(name);
	tcase_add_checked_fixture(tc, before, teardown);
	tcase_set_timeout(tc, 60);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("stream");
	TCase *tc = with("open", setup);
	tcase_add_test(tc, retransmission_repeats);
	tcase_add_test(tc, changed_retransmission_kills);
	tcase_add_test(tc, changed_overlap_kills);
	tcase_add_test(tc, rewritten_retransmission_is_rewritten_again);
	tcase_add_test(tc, rewriting_covers_only_its_bytes);
	tcase_add_test(tc, acknowledged_bytes_are_answered);
	tcase_add_test(tc, bytes_before_the_first);
	tcase_add_test(tc, out_of_order_waits);
	tcase_add_test(tc, out_of_order_is_answered);
	tcase_add_test(tc, vouched_for_and_lost);
	tcase_add_test(tc, vouched_for_and_lost_with_all_behind);
	tcase_add_test(tc, vouched_for_but_not_let_through);
	tcase_add_test(tc, vouched_for_and_withdrawn);
	tcase_add_test(tc, vouched_for_and_silent);
	tcase_add_test(tc, vouching_without_end);
	tcase_add_test(tc, not_vouched_for);
	tcase_add_test(tc, out_of_order_with_two_stories_kills);
	tcase_add_test(tc, out_of_order_overlapping_alike);
	tcase_add_test(tc, out_of_order_differs_from_what_came);
	tcase_add_test(tc, out_of_order_bound);
	tcase_add_test(tc, out_of_order_bytes_bound);
	tcase_add_test(tc, out_of_order_timeout);
	tcase_add_test(tc, lent_memory);
	tcase_add_test(tc, lent_memory_leaves_some);
	tcase_add_test(tc, memory_bounds);
	tcase_add_test(tc, nobody_acknowledges);
	tcase_add_test(tc, memory_that_is_left);
	tcase_add_test(tc, places_that_are_left);
	tcase_add_test(tc, ack_of_nothing_sent);
	tcase_add_test(tc, ack_of_what_is_held);
	tcase_add_test(tc, ack_far_behind);
	tcase_add_test(tc, sack_beyond_what_was_sent);
	tcase_add_test(tc, unread_bytes_are_not_accepted);
	tcase_add_test(tc, beyond_the_window);
	tcase_add_test(tc, window_probe_of_one_byte);
	tcase_add_test(tc, rst_in_place);
	tcase_add_test(tc, rst_where_the_receiver_says);
	tcase_add_test(tc, rst_behind_held_bytes);
	tcase_add_test(tc, fin_closes);
	tcase_add_test(tc, bytes_after_fin_kill);
	tcase_add_test(tc, fin_with_more_kills);
	tcase_add_test(tc, fin_too_early_kills);
	tcase_add_test(tc, fin_before_held_bytes_kills);
	tcase_add_test(tc, fin_out_of_order_waits);
	tcase_add_test(tc, fin_on_a_retransmission);
	tcase_add_test(tc, fin_waits_for_held_bytes);
	tcase_add_test(tc, fin_denied_by_the_inspector);
	tcase_add_test(tc, held_until_released);
	tcase_add_test(tc, held_byte_is_overwritten);
	tcase_add_test(tc, repeated_held_byte_is_settled);
	tcase_add_test(tc, acknowledged_while_it_is_read);
	tcase_add_test(tc, held_bound_kills);
	tcase_add_test(tc, held_timeout_then_repeated);
	tcase_add_test(tc, timestamps_not_agreed);
	suite_add_tcase(suite, tc);

	tc = with("timestamps", setup_ts);
	tcase_add_test(tc, timestamps_go_on);
	tcase_add_test(tc, timestamps_wrap);
	tcase_add_test(tc, timestamps_in_injections);
	tcase_add_test(tc, timestamps_in_injections_after_fin);
	tcase_add_test(tc, timestamps_of_empty_segments_ahead);
	suite_add_tcase(suite, tc);

	tc = with("handshake", setup_closed);
	tcase_add_test(tc, nothing_but_a_syn_begins);
	tcase_add_test(tc, syn_repeated);
	tcase_add_test(tc, synack_does_not_fit);
	tcase_add_test(tc, simultaneous_open);
	tcase_add_test(tc, simultaneous_open_after_the_timeout);
	tcase_add_test(tc, handshake_completed_out_of_place);
	tcase_add_test(tc, data_before_the_handshake);
	tcase_add_test(tc, connection_refused_by_the_server);
	tcase_add_test(tc, handshake_timeout);
	tcase_add_test(tc, window_is_scaled);
	tcase_add_test(tc, ack_behind_by_a_window_that_grew);
	tcase_add_test(tc, syn_flood_is_bounded);
	tcase_add_test(tc, syn_flood_of_one_source);
	tcase_add_test(tc, ended_connections_are_bounded);
	tcase_add_test(tc, half_closed_connection_ends);
	tcase_add_test(tc, idle_connection_ends);
	tcase_add_test(tc, idle_connection_waits_for_its_answer);
	tcase_add_test(tc, patient_inspector_waits_longer);
	tcase_add_test(tc, policy_changes);
	tcase_add_test(tc, policy_gone_during_handshake);
	tcase_add_test(tc, ipv6_too);
	tcase_add_test(tc, numbers_wrap);
	suite_add_tcase(suite, tc);
	tc = with("acknowledging", set_up_acknowledging);
	tcase_add_test(tc, held_bytes_are_acknowledged);
	tcase_add_test(tc, acknowledged_and_denied);
	tcase_add_test(tc, acknowledged_and_never_completed);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
