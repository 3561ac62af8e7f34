/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of connections when another policy is in force. */
#include "numbers.h"
#include "world.h"
#include "zonegate/mark.h"

static struct world *w;

static void setup(void)
{
	w = world_new();
}

static void teardown(void)
{
	world_free(w);
}

static void revise(void)
{
	for (bool more = zg_engine_revise(w->engine, true); more;)
		more = zg_engine_revise(w->engine, false);
}

static const struct zg_inject *reset_to(bool client)
{
	const struct zg_inject *found = NULL;
	for (size_t i = 0; i < w->n_injects; i++) {
		if (w->injects[i].kind != ZG_INJECT_RST || w->injects[i].to_client != client)
			continue;
		ck_assert_ptr_null(found);
		found = &w->injects[i];
	}
	ck_assert_ptr_nonnull(found);
	return found;
}

/* Told as closed, if it had come about, and for which reason. */
static void ended(bool was_open)
{
	ck_assert_uint_eq(w->n_events, was_open ? 2 : 0);
	if (!was_open)
		return;
	ck_assert_int_eq(w->events[1].kind, ZG_FLOW_CLOSED);
	ck_assert_int_eq(w->events[1].reason, ZG_R_TCP_POLICY);
}

/* Both hosts act on a reset only at the very number that they expect next (RFC 5961 3). */
START_TEST(withdrawn_both_ends_are_reset_with_the_numbers_they_expect)
{
	world_open(w);
	client_says(w, 0, "abcd", 0);
	server_says(w, 0, "xy", 4);
	client_says(w, 4, "", 2);
	w->revised = 0;
	revise();
	ended(true);
	const struct zg_inject *server = reset_to(false), *client = reset_to(true);
	ck_assert_uint_eq(server->seq, C + 1 + 4);
	ck_assert_uint_eq(client->seq, S + 1 + 2);
	ck_assert(server->has_ack && client->has_ack);
	ck_assert_uint_eq(server->ack, S + 1 + 2);
	ck_assert_uint_eq(client->ack, C + 1 + 4);
	/* the mark of before: the gate knows it, and it permitted these ends */
	ck_assert(server->mark == 1 && client->mark == 1);
	world_refused(w, client_says(w, 4, "more", 2), ZG_R_TCP_DEAD);
}
END_TEST

START_TEST(what_is_held_goes_with_it)
{
	world_open(w);
	const uint32_t early = client_says(w, 10, "late", 0);
	ck_assert_int_eq(world_fate(w, early), HELD);
	revise();
	ck_assert_int_eq(world_fate(w, early), DROPPED);
	ended(true);
}
END_TEST

START_TEST(half_open_ones_too)
{
	ck_assert_int_eq(world_fate(w, world_send(w, (struct pkt){ .flags = ZG_SYN, .seq = C })), ACCEPTED);
	revise();
	ended(false);
	ck_assert_uint_eq(reset_to(false)->seq, C + 1);
	ck_assert(!reset_to(false)->has_ack);
}
END_TEST

START_TEST(what_is_still_permitted_goes_on_under_the_new_mark)
{
	world_open(w);
	w->revised = 77;
	revise();
	ck_assert_uint_eq(w->n_injects, 0);
	ck_assert_int_eq(world_fate(w, client_says(w, 0, "abcd", 0)), ACCEPTED);
	/* idle through a second change, and withdrawn by it: the reset carries the mark of the first */
	w->mark = 77;
	w->revised = 78;
	revise();
	w->revised = 0;
	revise();
	ended(true);
	ck_assert_uint_eq(reset_to(true)->mark, 78);
}
END_TEST

START_TEST(a_late_packet_does_not_bring_the_old_mark_back)
{
	w->mark = 5;
	world_open(w);
	w->revised = 6;
	revise();
	ck_assert_int_eq(world_fate(w, client_says(w, 0, "abcd", 0)), ACCEPTED);
	w->revised = 0;
	revise();
	ended(true);
	ck_assert_uint_eq(reset_to(true)->mark, 6);
	ck_assert(zg_mark_older(ZG_MARK_FLOW_MAX, 3) && !zg_mark_older(3, ZG_MARK_FLOW_MAX) && !zg_mark_older(3, 3));
}
END_TEST

START_TEST(what_has_ended_is_left_alone)
{
	world_open(w);
	client_ends(w, 0, "", 0);
	server_ends(w, 0, "", 1);
	client_says(w, 1, "", 1);
	const size_t events = w->n_events;
	revise();
	ck_assert_uint_eq(w->n_injects, 0);
	ck_assert_uint_eq(w->n_events, events);
}
END_TEST

START_TEST(a_udp_flow_ends)
{
	w->inspector = &numbers;
	ck_assert_int_eq(world_fate(w, world_send_udp(w, (struct udp){ .data = "1", .len = 1 })), ACCEPTED);
	w->revised = 9;
	revise();
	ck_assert_uint_eq(w->n_events, 1);
	w->revised = 0;
	revise();
	ck_assert_uint_eq(w->n_events, 2);
	ck_assert_int_eq(w->events[1].kind, ZG_FLOW_CLOSED);
	ck_assert_int_eq(w->events[1].reason, ZG_R_UDP_POLICY);
	ck_assert_uint_eq(w->events[1].mark, 9);
	struct zg_engine_stats stats;
	zg_engine_stats(w->engine, &stats);
	ck_assert_uint_eq(stats.flows, 0);
}
END_TEST

/* Each call does a bounded part, and a packet between two of them is judged as ever. */
START_TEST(many_are_looked_at_in_parts)
{
	enum { N = 1500 };
	unsigned calls = 1, told = 0;
	for (uint16_t i = 0; i < N; i++)
		world_send(w, (struct pkt){ .flags = ZG_SYN, .seq = C, .client_port = (uint16_t)(20000 + i) });
	w->n_injects = 0;
	for (bool more = zg_engine_revise(w->engine, true); more; calls++) {
		ck_assert_uint_le(w->n_injects - told, 2 * 1200);
		told = (unsigned)w->n_injects;
		more = zg_engine_revise(w->engine, false);
	}
	ck_assert_uint_gt(calls, 2);
	/* a source has at most that many half open */
	ck_assert_uint_eq(w->n_injects, 2 * ZG_FLOWTAB_SYN_SOURCE_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("revise");
	TCase *t = tcase_create("revise");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, withdrawn_both_ends_are_reset_with_the_numbers_they_expect);
	tcase_add_test(t, what_is_held_goes_with_it);
	tcase_add_test(t, half_open_ones_too);
	tcase_add_test(t, what_is_still_permitted_goes_on_under_the_new_mark);
	tcase_add_test(t, a_late_packet_does_not_bring_the_old_mark_back);
	tcase_add_test(t, what_has_ended_is_left_alone);
	tcase_add_test(t, a_udp_flow_ends);
	tcase_add_test(t, many_are_looked_at_in_parts);
	suite_add_tcase(s, t);
	return unit_main(s);
}
