/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both ends see of a refusal. */
#include "world.h"
#include "zonegate/refusal.h"

static struct world *w;

static void setup(void)
{
	w = world_new();
	w->ts = true;
	world_open(w);
	ck_assert_int_eq(world_fate(w, server_says(w, 0, "220 hi", 0)), ACCEPTED);
	ck_assert_int_eq(world_fate(w, client_says(w, 0, "hello", 6)), ACCEPTED);
}

static void teardown(void)
{
	world_free(w);
}

#define accepted(id) ck_assert_int_eq(world_fate(w, id), ACCEPTED)
#define held(id)     ck_assert_int_eq(world_fate(w, id), HELD)
#define dropped(id)  ck_assert_int_eq(world_fate(w, id), DROPPED)

static const struct zg_inject *last(void)
{
	ck_assert_uint_gt(w->n_injects, 0);
	return &w->injects[(w->n_injects - 1) % WORLD_RECORDS];
}

static uint32_t text_len(void)
{
	char text[ZG_REFUSAL_MAX];
	return (uint32_t)zg_refusal_text(ZG_REFUSAL_SMTP_554, ZG_R_SMTP_LINE_END, text);
}

/* The last injection is an ACK to the client of so many of its bytes, from that place of the server's stream. */
static void acks(uint32_t server_at, uint32_t client_bytes)
{
	ck_assert_int_eq(last()->kind, ZG_INJECT_ACK);
	ck_assert(last()->to_client && last()->has_ack && last()->timestamps);
	ck_assert_uint_eq(last()->seq, S + 1 + server_at);
	ck_assert_uint_eq(last()->ack, C + 1 + client_bytes);
	ck_assert_uint_ge(last()->window, 1024);
}

static void refuses(uint32_t server_at, uint32_t client_bytes)
{
	ck_assert_int_eq(last()->kind, ZG_INJECT_REFUSAL);
	ck_assert(last()->to_client);
	ck_assert_int_eq(last()->refusal, ZG_REFUSAL_SMTP_554);
	ck_assert_int_eq(last()->reason, ZG_R_SMTP_LINE_END);
	ck_assert_uint_eq(last()->seq, S + 1 + server_at);
	ck_assert_uint_eq(last()->ack, C + 1 + client_bytes);
}

static void server_was_reset(uint32_t client_bytes)
{
	ck_assert_int_eq(w->injects[0].kind, ZG_INJECT_RST);
	ck_assert(!w->injects[0].to_client);
	ck_assert_uint_eq(w->injects[0].seq, C + 1 + client_bytes);
	ck_assert_uint_eq(w->injects[0].ack, S + 1 + 6);
}

static void is_dead(void)
{
	world_refused(w, client_says(w, 0, "x", 0), ZG_R_TCP_DEAD);
	ck_assert_int_eq(last()->kind, ZG_INJECT_RST);
	ck_assert(last()->to_client);
}

START_TEST(plain_reset)
{
	uint32_t before = client_says(w, 5, "a(b", 6);
	held(before);
	dropped(client_says(w, 8, "cXd", 6));
	dropped(before);
	world_killed(w, ZG_R_SMTP_LINE_END);
	world_read(w, ZG_CLIENT, "helloa"); /* held bytes are not released by a denial */
	ck_assert_uint_eq(w->n_injects, 2);
	server_was_reset(5); /* the packet with the 'a' never went */
	ck_assert_int_eq(w->injects[1].kind, ZG_INJECT_RST);
	ck_assert(w->injects[1].to_client);
	ck_assert_uint_eq(w->injects[1].seq, S + 1 + 6);
	ck_assert_uint_eq(w->injects[1].ack, C + 1 + 11);
	is_dead();
	/* the challenge of a server that lost something before our reset: answered where it stands */
	world_refused(w, server_says(w, 6, "", 2), ZG_R_TCP_DEAD);
	ck_assert(!last()->to_client);
	ck_assert_uint_eq(last()->seq, C + 1 + 2);
	/* no RST for a RST */
	size_t n = w->n_injects;
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C + 1 }), ZG_R_TCP_DEAD);
	ck_assert_uint_eq(w->n_injects, n);
}
END_TEST

START_TEST(dead_for_a_while)
{
	const struct pkt syn = { .flags = ZG_SYN, .seq = 0x10000 }, old = { .flags = ZG_SYN, .seq = C };

	dropped(client_says(w, 5, "X", 6));
	const size_t n = w->n_injects;
	world_refused(w, world_send(w, syn), ZG_R_TCP_DEAD);
	world_wait(w, ZG_DEAD_SYN_MS - 1);
	world_refused(w, world_send(w, syn), ZG_R_TCP_DEAD);
	ck_assert_uint_eq(w->n_injects, n); /* nothing says that it shall not try again */
	world_wait(w, 1);
	world_refused(w, world_send(w, old), ZG_R_TCP_DEAD);
	world_refused(w, client_says(w, 5, "a", 6), ZG_R_TCP_DEAD);
	accepted(world_send(w, syn));
	world_refused(w, client_says(w, 5, "a", 6), ZG_R_TCP_HANDSHAKE);
}
END_TEST

START_TEST(forgotten_in_the_end)
{
	dropped(client_says(w, 5, "X", 6));
	world_wait(w, ZG_DEAD_MS - 1);
	world_refused(w, client_says(w, 5, "a", 6), ZG_R_TCP_DEAD);
	world_wait(w, 1);
	world_refused(w, client_says(w, 5, "a", 6), ZG_R_TCP_UNKNOWN);
}
END_TEST

START_TEST(bytes_of_the_event)
{
	dropped(client_says(w, 5, "abX", 6));
	const struct zg_flow_event *e = &w->events[w->n_events - 1];
	ck_assert_int_eq(e->kind, ZG_FLOW_DENIED);
	ck_assert_int_eq(e->dir, ZG_CLIENT);
	ck_assert_uint_eq(e->bytes[ZG_CLIENT], 7);
	ck_assert_uint_eq(e->bytes[ZG_SERVER], 6);
}
END_TEST

START_TEST(told_at_once)
{
	const uint32_t end = 6 + text_len() + 1;

	dropped(client_says(w, 5, "aNb", 6));
	ck_assert_uint_eq(w->n_injects, 2);
	server_was_reset(5);
	refuses(6, 8);
	/* it goes on for a while, then reads, and ends */
	dropped(client_says(w, 8, "cd", 6));
	acks(end, 10);
	dropped(client_says(w, 10, "", end));
	dropped(client_ends(w, 10, "", end));
	acks(end, 11);
	ck_assert_uint_eq(world_dropped(w, ZG_R_TCP_DEAD), 0);
	is_dead();
	ck_assert_uint_eq(w->n_events, 3); /* opened, denied, and the one packet of is_dead() */
}
END_TEST

START_TEST(told_after_its_end)
{
	const uint32_t end = 6 + text_len() + 1;

	uint32_t a = client_says(w, 5, "a(b", 6);
	held(a);
	dropped(client_says(w, 8, "D23", 6));
	dropped(a);
	server_was_reset(5);
	acks(6, 11);
	dropped(client_says(w, 11, "456", 6));
	acks(6, 14);
	dropped(client_says(w, 8, "D23", 6)); /* repeated: acknowledged again */
	acks(6, 14);
	dropped(client_says(w, 17, "too early", 6));
	acks(6, 14);
	dropped(client_says(w, 12, "567.89", 6)); /* partly known */
	refuses(6, 18);
	size_t n = w->n_injects;
	dropped(client_says(w, 18, "", end));
	ck_assert_uint_eq(w->n_injects, n);
	world_wait(w, 10000);
	ck_assert_uint_eq(w->n_injects, n); /* acknowledged: not repeated */
	dropped(client_ends(w, 18, "", end));
	acks(end, 19);
	is_dead();
	world_read(w, ZG_CLIENT, "helloa");
}
END_TEST

START_TEST(end_in_the_offending_segment)
{
	dropped(client_says(w, 5, "aD...", 6));
	ck_assert_uint_eq(w->n_injects, 2);
	refuses(6, 10);
}
END_TEST

START_TEST(fin_in_the_offending_segment)
{
	dropped(client_ends(w, 5, "aD", 6));
	acks(6, 7);
	dropped(client_ends(w, 5, "aD", 6)); /* it repeats what was not acknowledged: the FIN */
	refuses(6, 8);
	dropped(client_says(w, 8, "", 6 + text_len() + 1));
	is_dead();
}
END_TEST

START_TEST(client_ends_without_its_end)
{
	dropped(client_says(w, 5, "aD", 6));
	dropped(client_ends(w, 7, "xyz", 6));
	refuses(6, 11);
}
END_TEST

START_TEST(early_packets_are_dropped)
{
	uint32_t early = client_says(w, 9, "99", 6);
	held(early);
	dropped(client_says(w, 5, "D678", 6));
	dropped(early);
	acks(6, 9);
	dropped(client_says(w, 9, ".9", 6));
	refuses(6, 11);
}
END_TEST

START_TEST(text_is_repeated)
{
	dropped(client_says(w, 5, "N", 6));
	const size_t n = w->n_injects;
	dropped(client_says(w, 6, "", 6)); /* acknowledges only what it had before */
	world_wait(w, 999);
	ck_assert_uint_eq(w->n_injects, n);
	for (size_t i = 1; i < 5; i++) {
		world_wait(w, i == 1 ? 1 : 1000);
		ck_assert_uint_eq(w->n_injects, n + i);
		refuses(6, 6);
	}
	world_wait(w, 1000);
	ck_assert_int_eq(last()->kind, ZG_INJECT_RST);
	ck_assert_uint_eq(last()->seq, S + 1 + 6 + text_len() + 1);
	is_dead();
}
END_TEST

START_TEST(client_gives_up)
{
	dropped(client_says(w, 5, "D", 6));
	const size_t n = w->n_injects;
	dropped(world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C + 1 + 3 })); /* not in place */
	dropped(client_says(w, 6, "abc", 6));
	acks(6, 9);
	dropped(world_send(w, (struct pkt){ .flags = ZG_RST, .seq = C + 1 + 9 }));
	ck_assert_uint_eq(w->n_injects, n + 1);
	is_dead();
}
END_TEST

START_TEST(never_ends)
{
	dropped(client_says(w, 5, "D", 6));
	world_wait(w, ZG_DRAIN_MS - 1);
	acks(6, 6);
	world_wait(w, 1);
	refuses(6, 6);
	world_wait(w, 1000);
	refuses(6, 6);
	dropped(client_says(w, 6, "", 6 + text_len() + 1));
	world_wait(w, ZG_DRAIN_MS);
	ck_assert_int_eq(last()->kind, ZG_INJECT_RST);
	is_dead();
}
END_TEST

/* Sends until something else than an ACK comes back; returns where the stream is then. */
static uint32_t keep_sending(uint32_t at)
{
	static char data[60000];
	const uint32_t from = at;

	memset(data, 'a', sizeof data);
	do {
		/* the same number for all, or they would not fit */
		w->next_id = 0;
		for (int i = 0; i < 16; i++)
			w->verdicts[i].times = 0;
		dropped(world_send(w, FROM_CLIENT(.seq = C + 1 + at, .ack = S + 7, .data = data, .len = sizeof data)));
		at += sizeof data;
	} while (last()->kind == ZG_INJECT_ACK && at - from < 2 * ZG_DRAIN_BYTES);
	ck_assert_uint_gt(at - from, ZG_DRAIN_BYTES);
	ck_assert_uint_le(at - from, ZG_DRAIN_BYTES + sizeof data);
	w->next_id = 1;
	return at;
}

START_TEST(swallows_so_much)
{
	dropped(client_says(w, 5, "D", 6));
	const uint32_t at = keep_sending(6);
	refuses(6, at);
	const uint32_t end = keep_sending(at);
	ck_assert_int_eq(last()->kind, ZG_INJECT_RST);
	ck_assert_uint_eq(last()->ack, C + 1 + end);
	is_dead();
}
END_TEST

START_TEST(server_offends)
{
	dropped(server_says(w, 6, "okN", 5));
	world_read(w, ZG_SERVER, "220 hiok");
	server_was_reset(5);
	refuses(6, 5); /* what the packet had before the offence never went */
	ck_assert_int_eq(w->events[w->n_events - 1].dir, ZG_SERVER);
	world_refused(w, server_says(w, 9, "more", 5), ZG_R_TCP_DEAD);
	ck_assert(!last()->to_client);
}
END_TEST

START_TEST(after_the_servers_end)
{
	accepted(server_ends(w, 6, "", 5));
	dropped(client_says(w, 5, "N", 7));
	ck_assert_uint_eq(w->n_injects, 2);
	ck_assert_int_eq(last()->kind, ZG_INJECT_RST); /* nobody reads behind a FIN */
	ck_assert_uint_eq(last()->seq, S + 1 + 7);
	is_dead();
}
END_TEST

START_TEST(after_the_clients_end)
{
	accepted(client_ends(w, 5, "", 6));
	dropped(server_says(w, 6, "N", 6));
	refuses(6, 6);
	dropped(client_says(w, 6, "", 6 + text_len() + 1));
	is_dead();
}
END_TEST

START_TEST(policy_goes_while_draining)
{
	dropped(client_says(w, 5, "D", 6));
	w->identity = 0;
	world_refused(w, client_says(w, 6, "abc", 6), ZG_R_TCP_DEAD);
	ck_assert_int_eq(last()->kind, ZG_INJECT_RST);
	is_dead();
}
END_TEST

START_TEST(nothing_is_left)
{
	struct zg_engine_stats stats;

	held(client_says(w, 5, "a(b", 6));
	held(server_says(w, 6, "a(b", 5));
	held(client_says(w, 100, "early", 6));
	dropped(client_says(w, 8, "X", 6));
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.bytes, zg_pool_round(sizeof(struct zg_flow))); /* the tuple is remembered */
	ck_assert_uint_eq(stats.held, 0);
	ck_assert_uint_eq(stats.flows, 1);
	ck_assert_uint_eq(stats.packets, stats.accepted + stats.dropped);
	world_wait(w, ZG_DEAD_MS);
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.flows, 0);
}
END_TEST

/* The server is rid of them at once, so nothing but the table bounds those that never come to their end. */
START_TEST(refused_clients_are_bounded)
{
	struct zg_engine_stats stats;
	w->ts = false;
	struct pkt syn = { .flags = ZG_SYN, .seq = C }, synack = { .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1 },
		   offence = FROM_CLIENT(.seq = C + 1, .ack = S + 1, .data = "D", .len = 1);

	for (unsigned i = 0; i < ZG_FLOWTAB_REFUSED_MAX + 100; i++) {
		syn.client_port = synack.client_port = offence.client_port = (uint16_t)(1 + i);
		w->next_id = 0;
		for (int k = 0; k < 5; k++)
			w->verdicts[k].times = 0;
		accepted(world_send(w, syn));
		accepted(world_send(w, synack));
		dropped(world_send(w, offence));
	}
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.flows, ZG_FLOWTAB_REFUSED_MAX + 1);
	/* the oldest is told when it goes on, the newest still drains */
	offence.client_port = 1;
	world_refused(w, world_send(w, offence), ZG_R_TCP_UNKNOWN);
	ck_assert_int_eq(last()->kind, ZG_INJECT_RST);
	offence.client_port = syn.client_port;
	dropped(world_send(w, offence));
	ck_assert_int_eq(last()->kind, ZG_INJECT_ACK);
}
END_TEST

/* The same stream in every cut: the same bytes are released in each direction. */
START_TEST(cut_does_not_matter)
{
	static const char stream[] = "hello(az)b[c]de(fXg";

	for (size_t first = 1; first < sizeof stream - 1; first++) {
		for (size_t second = first; second < sizeof stream - 1; second++) {
			struct world *v = world_new();
			const size_t cuts[] = { 0, first, second, sizeof stream - 1 };
			world_open(v);
			for (int i = 0; i < 3; i++)
				if (cuts[i + 1] > cuts[i])
					(void)world_send(v, FROM_CLIENT(.seq = C + 1 + (uint32_t)cuts[i], .ack = S + 1,
									.data = stream + cuts[i], .len = cuts[i + 1] - cuts[i]));
			world_read(v, ZG_CLIENT, "hello(aZ)b");
			world_killed(v, ZG_R_SMTP_LINE_END);
			world_free(v);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deny");
	TCase *tc = tcase_create("refusal");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, plain_reset);
	tcase_add_test(tc, dead_for_a_while);
	tcase_add_test(tc, forgotten_in_the_end);
	tcase_add_test(tc, bytes_of_the_event);
	tcase_add_test(tc, told_at_once);
	tcase_add_test(tc, told_after_its_end);
	tcase_add_test(tc, end_in_the_offending_segment);
	tcase_add_test(tc, fin_in_the_offending_segment);
	tcase_add_test(tc, client_ends_without_its_end);
	tcase_add_test(tc, early_packets_are_dropped);
	tcase_add_test(tc, text_is_repeated);
	tcase_add_test(tc, client_gives_up);
	tcase_add_test(tc, never_ends);
	tcase_add_test(tc, swallows_so_much);
	tcase_add_test(tc, server_offends);
	tcase_add_test(tc, after_the_servers_end);
	tcase_add_test(tc, after_the_clients_end);
	tcase_add_test(tc, policy_goes_while_draining);
	tcase_add_test(tc, nothing_is_left);
	tcase_add_test(tc, refused_clients_are_bounded);
	tcase_add_test(tc, cut_does_not_matter);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
