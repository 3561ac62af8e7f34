/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP: a datagram of the server passes as the one answer to a request that waits, and nothing else does. */
#include "numbers.h"
#include "world.h"

static struct world *w;

static void setup(void)
{
	w = world_new();
	w->inspector = &numbers;
}

static void setup6(void)
{
	setup();
	w->v6 = true;
}

static void teardown(void)
{
	world_free(w);
}

#define accepted(id) ck_assert_int_eq(world_fate(w, id), ACCEPTED)

static uint32_t asks_from(uint16_t port, const char *text)
{
	return world_send_udp(w, (struct udp){ .client_port = port, .data = text, .len = strlen(text) });
}

static uint32_t asks(const char *text)
{
	return asks_from(40000, text);
}

static uint32_t answers_to(uint16_t port, const char *text)
{
	return world_send_udp(w, (struct udp){ .client_port = port, .from_server = true, .data = text, .len = strlen(text) });
}

static uint32_t answers(const char *text)
{
	return answers_to(40000, text);
}

static const struct zg_flow_event *last_event(void)
{
	ck_assert_uint_gt(w->n_events, 0);
	return &w->events[(w->n_events - 1) % WORLD_RECORDS];
}

static struct zg_engine_stats stats(void)
{
	struct zg_engine_stats s;
	zg_engine_stats(w->engine, &s);
	return s;
}

/* --- transactions --------------------------------------------------------------------------------- */

START_TEST(one_request_one_answer)
{
	accepted(asks("1 what"));
	ck_assert_int_eq(last_event()->kind, ZG_FLOW_OPENED);
	ck_assert_uint_eq(stats().waiting, 1);
	accepted(answers("1 that"));
	ck_assert_uint_eq(stats().waiting, 0);
	world_refused(w, answers("1 that"), ZG_R_UDP_UNASKED);
	ck_assert_int_eq(last_event()->dir, ZG_SERVER);
	ck_assert_uint_eq(last_event()->tuple.client_port, 40000);
	ck_assert_uint_eq(last_event()->tuple.protocol, ZG_UDP);
	world_read(w, ZG_CLIENT, "1 what");
	world_read(w, ZG_SERVER, "1 that");
}
END_TEST

START_TEST(answers_come_in_any_order)
{
	accepted(asks("1"));
	accepted(asks("2"));
	accepted(asks("3"));
	accepted(answers("2"));
	accepted(answers("3"));
	world_refused(w, answers("2"), ZG_R_UDP_UNASKED);
	world_refused(w, answers("4"), ZG_R_UDP_UNASKED);
	accepted(answers("1"));
	ck_assert_uint_eq(w->n_events, 3); /* opened once, and the two refusals */
}
END_TEST

/* The same request twice has two answers. */
START_TEST(a_repeated_request_waits_twice)
{
	accepted(asks("1"));
	accepted(asks("1"));
	accepted(answers("1a"));
	accepted(answers("1b"));
	world_refused(w, answers("1c"), ZG_R_UDP_UNASKED);
}
END_TEST

START_TEST(a_request_without_answer)
{
	accepted(asks("1!"));
	ck_assert_uint_eq(stats().waiting, 0);
	world_refused(w, answers("1"), ZG_R_UDP_UNASKED);
}
END_TEST

START_TEST(denied_request)
{
	world_refused(w, asks("1X"), ZG_R_UDP_SIZE);
	ck_assert_uint_eq(w->n_events, 1); /* nothing was opened */
	ck_assert_uint_eq(stats().flows, 0);
	world_refused(w, answers("1"), ZG_R_UDP_UNASKED);
	accepted(asks("1"));
	world_refused(w, asks("2X"), ZG_R_UDP_SIZE);
	ck_assert_int_eq(last_event()->dir, ZG_CLIENT);
	world_refused(w, answers("2"), ZG_R_UDP_UNASKED);
	accepted(answers("1"));
}
END_TEST

/* A forged answer does not take the true one's place. */
START_TEST(denied_answer)
{
	accepted(asks("1"));
	world_refused(w, answers("1X"), ZG_R_UDP_SIZE);
	ck_assert_uint_eq(stats().waiting, 1);
	accepted(answers("1"));
}
END_TEST

START_TEST(what_is_not_read_does_not_pass)
{
	world_refused(w, asks("1?"), ZG_R_UDP_UNREAD);
	accepted(asks("1"));
	world_refused(w, answers("1?"), ZG_R_UDP_UNREAD);
	accepted(answers("1"));
}
END_TEST

START_TEST(empty_datagrams)
{
	accepted(asks(""));
	accepted(answers(""));
	world_refused(w, answers(""), ZG_R_UDP_UNASKED);
}
END_TEST

/* --- who begins -------------------------------------------------------------------------------------- */

START_TEST(a_server_does_not_begin)
{
	world_refused(w, answers("1"), ZG_R_UDP_UNASKED);
	ck_assert_uint_eq(stats().flows, 0);
	/* nor when its client is forgotten */
	accepted(asks("1"));
	accepted(answers("1"));
	world_wait(w, ZG_UDP_IDLE_MS);
	ck_assert_uint_eq(stats().flows, 0);
	world_refused(w, answers("1"), ZG_R_UDP_UNASKED);
}
END_TEST

START_TEST(other_ports_are_another_flow)
{
	accepted(asks_from(40000, "1"));
	accepted(asks_from(40001, "2"));
	world_refused(w, answers_to(40000, "2"), ZG_R_UDP_UNASKED);
	world_refused(w, answers_to(40001, "1"), ZG_R_UDP_UNASKED);
	accepted(answers_to(40001, "2"));
	accepted(answers_to(40000, "1"));
}
END_TEST

START_TEST(the_flow_has_to_be_for_udp)
{
	w->inspector = &letters;
	world_refused(w, asks("1"), ZG_R_PKT_PROTOCOL);
	w->inspector = &numbers;
	world_refused(w, world_send(w, (struct pkt){ .flags = ZG_SYN, .seq = 1 }), ZG_R_PKT_PROTOCOL);
}
END_TEST

START_TEST(a_change_of_policy)
{
	accepted(asks("1"));
	w->identity = 2;
	world_refused(w, answers("1"), ZG_R_UDP_POLICY);
	ck_assert_uint_eq(stats().flows, 0);
	world_refused(w, answers("1"), ZG_R_UDP_UNASKED);
	accepted(asks("1")); /* under the new one */
	w->identity = 0;
	const size_t before = w->n_events;
	world_refused(w, asks("2"), ZG_R_UDP_POLICY);
	ck_assert_int_eq(w->events[before].kind, ZG_FLOW_CLOSED);
	ck_assert_int_eq(w->events[before].reason, ZG_R_UDP_POLICY);
	world_refused(w, asks("2"), ZG_R_PKT_NO_FLOW);
}
END_TEST

/* --- rewriting ----------------------------------------------------------------------------------------- */

static void rewritten(uint32_t id, const char *text, bool summed)
{
	const struct world_verdict *v = &w->verdicts[id];
	struct zg_seg seg;

	ck_assert_int_eq(world_fate(w, id), ACCEPTED);
	ck_assert_ptr_nonnull(v->packet);
	const struct zg_packet packet = { .data = v->packet, .len = v->len, .wire_len = v->len };
	ck_assert_int_eq(zg_decode(&packet, &seg), ZG_R_NONE);
	ck_assert_uint_eq(seg.len, strlen(text));
	ck_assert_int_eq(memcmp(v->packet + seg.data_off, text, seg.len), 0);
	ck_assert_int_eq(v->packet[seg.tcp_off + 6] != 0 || v->packet[seg.tcp_off + 7] != 0, summed);
}

START_TEST(rewriting_goes_both_ways)
{
	rewritten(asks("1azb"), "1aZb", true);
	rewritten(answers("1zzz"), "1ZZZ", true);
	world_read(w, ZG_CLIENT, "1aZb");
	world_read(w, ZG_SERVER, "1ZZZ");
	uint32_t plain = asks("2abc");
	ck_assert_ptr_null(w->verdicts[plain].packet);
}
END_TEST

START_TEST(what_another_request_changed_is_undone)
{
	/* numbers says z first, and then that it is another's */
	accepted(asks("1"));
	accepted(asks("z"));
	rewritten(answers("zabc"), "Zabc", true);
	world_read(w, ZG_SERVER, "Zabc");
	world_refused(w, answers("2z"), ZG_R_UDP_UNASKED);
	accepted(answers("1"));
}
END_TEST

START_TEST(no_checksum_stays_none)
{
	rewritten(world_send_udp(w, (struct udp){ .data = "1z", .len = 2, .no_checksum = true }), "1Z", false);
	rewritten(world_send_udp(w, (struct udp){ .data = "1z", .len = 2 }), "1Z", true);
}
END_TEST

/* A sum of 0 is written as 0xffff: 0 would say that there is none (RFC 768). */
START_TEST(a_sum_of_zero)
{
	unsigned found = 0;
	for (unsigned i = 0; i < 65536; i++) {
		struct udp u = { .client_port = 40000, .from_server = true };
		uint8_t text[4] = { 'q', (uint8_t)(i >> 8), (uint8_t)i, 'z' };
		u.data = text;
		u.len = sizeof text;
		const size_t len = udp_build(&u, w->buf);
		w->buf[len - 1] = 'Z';
		pkt_be16(w->buf + 26, 0);
		if (zg_checksum_transport(w->buf, len, 20, 17) != 0 || text[1] == 'X' || text[2] == 'X' || text[1] == '?' ||
		    text[2] == '?' || text[1] == 'z' || text[2] == 'z')
			continue;
		found++;
		accepted(asks("q"));
		const uint32_t id = world_send_udp(w, u);
		accepted(id);
		ck_assert_ptr_nonnull(w->verdicts[id].packet);
		ck_assert_int_eq(memcmp(w->verdicts[id].packet + 26, "\xff\xff", 2), 0);
	}
	ck_assert_uint_gt(found, 0);
}
END_TEST

/* --- time ------------------------------------------------------------------------------------------------ */

START_TEST(a_late_answer_is_refused)
{
	accepted(asks("1"));
	w->now_ms += ZG_UDP_ANSWER_MS - 1;
	accepted(answers("1"));
	accepted(asks("2"));
	w->now_ms += ZG_UDP_ANSWER_MS; /* no tick between */
	world_refused(w, answers("2"), ZG_R_UDP_UNASKED);
	ck_assert_uint_eq(stats().waiting, 0);
}
END_TEST

START_TEST(closed_when_idle)
{
	accepted(asks("1 four"));
	w->now_ms += 500;
	accepted(answers("1 reply"));
	world_wait(w, ZG_UDP_IDLE_MS - 1);
	ck_assert_uint_eq(stats().flows, 1);
	world_wait(w, 1);
	const struct zg_flow_event *e = last_event();
	ck_assert_int_eq(e->kind, ZG_FLOW_CLOSED);
	ck_assert_int_eq(e->reason, ZG_R_NONE);
	ck_assert_uint_eq(e->bytes[ZG_CLIENT], 6);
	ck_assert_uint_eq(e->bytes[ZG_SERVER], 7);
	ck_assert_uint_eq(e->duration_ms, ZG_UDP_IDLE_MS + 500);
	ck_assert_uint_eq(stats().flows, 0);
}
END_TEST

START_TEST(never_answered)
{
	accepted(asks("1"));
	world_wait(w, ZG_UDP_ANSWER_MS);
	ck_assert_uint_eq(stats().waiting, 0);
	ck_assert_uint_eq(stats().flows, 1);
	world_wait(w, ZG_UDP_IDLE_MS);
	ck_assert_int_eq(last_event()->kind, ZG_FLOW_CLOSED);
	ck_assert_int_eq(last_event()->reason, ZG_R_UDP_UNANSWERED);
}
END_TEST

/* What is refused keeps no flow alive. */
START_TEST(refused_datagrams_do_not_count_as_life)
{
	accepted(asks("1"));
	accepted(answers("1"));
	world_wait(w, ZG_UDP_IDLE_MS - 1);
	world_refused(w, answers("1"), ZG_R_UDP_UNASKED);
	world_refused(w, asks("1X"), ZG_R_UDP_SIZE);
	world_wait(w, 1);
	ck_assert_uint_eq(stats().flows, 0);
}
END_TEST

/* --- bounds ------------------------------------------------------------------------------------------------ */

START_TEST(requests_between_two_ports)
{
	for (unsigned i = 0; i < ZG_UDP_WAITING_FLOW; i++)
		accepted(asks("1"));
	world_refused(w, asks("1"), ZG_R_UDP_FLOW_LIMIT);
	accepted(answers("1"));
	accepted(asks("1"));
	world_refused(w, asks("1"), ZG_R_UDP_FLOW_LIMIT);
	accepted(asks_from(40001, "1"));
	world_wait(w, ZG_UDP_ANSWER_MS);
	accepted(asks("1"));
}
END_TEST

/* From any source port, and client 3 to 250: more than one source. */
static uint32_t flood(unsigned i, uint8_t host)
{
	struct udp u = { .client_port = (uint16_t)(1024 + i), .data = "1", .len = 1 };
	const size_t len = udp_build(&u, w->buf);
	w->buf[15] = host;
	pkt_checksums(w->buf, len);
	/* ids are reused: a million packets do not need a record each */
	const struct zg_packet packet = { .id = 0, .mark = 1, .data = w->buf, .len = len, .wire_len = len, .now_ms = w->now_ms };
	w->verdicts[0].times = 0;
	w->next_id = 1;
	zg_engine_packet(w->engine, &packet);
	return packet.id;
}

START_TEST(requests_of_one_source)
{
	for (unsigned i = 0; i < ZG_UDP_WAITING_SOURCE; i++)
		accepted(flood(i, 1));
	world_refused(w, flood(ZG_UDP_WAITING_SOURCE, 1), ZG_R_UDP_SOURCE_LIMIT);
	accepted(flood(0, 3));
	/* an answer makes room for another */
	ck_assert_uint_eq(stats().flows, ZG_UDP_WAITING_SOURCE + 1);
	accepted(answers_to(1024, "1"));
	accepted(flood(0, 1));
	world_refused(w, flood(1, 1), ZG_R_UDP_SOURCE_LIMIT);
	world_wait(w, ZG_UDP_ANSWER_MS);
	accepted(flood(1, 1));
}
END_TEST

START_TEST(requests_in_all)
{
	unsigned n = 0;
	for (uint8_t host = 3; n < ZG_UDP_WAITING_MAX; host++)
		for (unsigned i = 0; i < ZG_UDP_WAITING_SOURCE && n < ZG_UDP_WAITING_MAX; i++, n++)
			accepted(flood(i, host));
	world_refused(w, flood(0, 250), ZG_R_UDP_TABLE_FULL);
	/* TCP does not notice */
	w->inspector = &letters;
	w->n_events = 0;
	world_open(w);
	accepted(client_says(w, 0, "hello", 0));
	w->inspector = &numbers;
	world_wait(w, ZG_UDP_ANSWER_MS);
	accepted(flood(0, 250));
}
END_TEST

/* Flows that wait for nothing make place for new ones. */
START_TEST(the_oldest_that_waits_for_nothing_goes)
{
	unsigned n = 0;
	for (uint8_t host = 3; n < ZG_UDP_FLOWS_MAX; host++)
		for (unsigned i = 0; i < ZG_UDP_WAITING_SOURCE && n < ZG_UDP_FLOWS_MAX; i++, n++)
			accepted(flood(i, host));
	world_wait(w, ZG_UDP_ANSWER_MS);
	ck_assert_uint_eq(stats().flows, ZG_UDP_FLOWS_MAX);
	w->n_events = 0;
	accepted(flood(0, 250));
	ck_assert_uint_eq(stats().flows, ZG_UDP_FLOWS_MAX);
	ck_assert_uint_eq(w->n_events, 2);
	ck_assert_int_eq(w->events[0].kind, ZG_FLOW_CLOSED);
	ck_assert_uint_eq(w->events[0].tuple.client.b[3], 3);
	ck_assert_uint_eq(w->events[0].tuple.client_port, 1024);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udp");
	static void (*const setups[])(void) = { setup, setup6 };
	for (size_t i = 0; i < 2; i++) {
		TCase *tc = tcase_create(i == 0 ? "ipv4" : "ipv6");
		tcase_add_checked_fixture(tc, setups[i], teardown);
		tcase_add_test(tc, one_request_one_answer);
		tcase_add_test(tc, answers_come_in_any_order);
		tcase_add_test(tc, a_repeated_request_waits_twice);
		tcase_add_test(tc, a_request_without_answer);
		tcase_add_test(tc, denied_request);
		tcase_add_test(tc, denied_answer);
		tcase_add_test(tc, what_is_not_read_does_not_pass);
		tcase_add_test(tc, empty_datagrams);
		tcase_add_test(tc, a_server_does_not_begin);
		tcase_add_test(tc, other_ports_are_another_flow);
		tcase_add_test(tc, the_flow_has_to_be_for_udp);
		tcase_add_test(tc, a_change_of_policy);
		tcase_add_test(tc, rewriting_goes_both_ways);
		tcase_add_test(tc, a_late_answer_is_refused);
		tcase_add_test(tc, closed_when_idle);
		tcase_add_test(tc, never_answered);
		tcase_add_test(tc, refused_datagrams_do_not_count_as_life);
		tcase_add_test(tc, requests_between_two_ports);
		suite_add_tcase(suite, tc);
	}
	TCase *tc = tcase_create("once");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_another_request_changed_is_undone);
	tcase_add_test(tc, no_checksum_stays_none);
	tcase_add_test(tc, a_sum_of_zero);
	tcase_add_test(tc, requests_of_one_source);
	tcase_add_test(tc, requests_in_all);
	tcase_add_test(tc, the_oldest_that_waits_for_nothing_goes);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
