/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors of inspected flows: none crosses, and what is true of them is told again (RFC 5927). */
#include "numbers.h"
#include "world.h"

static struct world *w;
static uint8_t quoted[PKT_MAX];

static void setup(void)
{
	w = world_new();
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

/* What an error quotes: a segment of that sender with a large payload, so that any MTU is below it. */
static void quote(bool from_server, uint32_t seq)
{
	static const uint8_t data[3000];
	struct pkt p = { .v6 = w->v6, .from_server = from_server, .flags = ZG_ACK, .seq = seq, .data = data, .len = sizeof data };
	pkt_build(&p, quoted);
}

static void quote_udp(bool from_server, uint16_t port)
{
	static const uint8_t data[3000];
	struct udp u = { .v6 = w->v6, .from_server = from_server, .client_port = port, .data = data, .len = sizeof data };
	udp_build(&u, quoted);
}

static uint32_t error(bool to_server, uint8_t type, uint8_t code, uint32_t rest)
{
	const struct icmp i = { .v6 = w->v6, .to_server = to_server, .type = type, .code = code, .rest = rest,
				.quoted = quoted, .quoted_len = w->v6 ? 48 : 28 };
	return world_raw(w, w->buf, icmp_build(&i, w->buf));
}

static uint32_t too_big(bool to_server, uint32_t mtu)
{
	return w->v6 ? error(to_server, 2, 0, mtu) : error(to_server, 3, 4, mtu);
}

static uint32_t port_unreachable(bool to_server)
{
	return w->v6 ? error(to_server, 1, 4, 0) : error(to_server, 3, 3, 0);
}

static uint32_t host_unreachable(bool to_server)
{
	return w->v6 ? error(to_server, 1, 3, 0) : error(to_server, 3, 1, 0);
}

/* It was dropped, told again, and no record says that something was refused. */
static const struct zg_inject *retold(uint32_t id, size_t n)
{
	ck_assert_int_eq(world_fate(w, id), DROPPED);
	ck_assert_uint_eq(world_dropped(w, ZG_R_ICMP_RETOLD), n);
	for (size_t i = 0; i < w->n_events; i++)
		ck_assert_int_ne(w->events[i].reason, ZG_R_ICMP_RETOLD);
	const struct zg_inject *last = &w->injects[w->n_injects - 1];
	ck_assert_uint_gt(w->n_injects, 0);
	ck_assert_int_eq(last->kind, ZG_INJECT_ICMP);
	return last;
}

static void refused(uint32_t id, enum zg_reason reason)
{
	const size_t injects = w->n_injects;
	world_refused(w, id, reason);
	ck_assert_uint_eq(w->n_injects, injects);
}

/* --- TCP ------------------------------------------------------------------------------------------------ */

START_TEST(too_big_is_told_to_the_sender)
{
	world_open(w);
	accepted(client_says(w, 0, "hello", 0));
	accepted(server_says(w, 0, "world!", 5));
	quote(true, S + 1);
	const struct zg_inject *i = retold(too_big(true, 1400), 1);
	ck_assert(!i->to_client);
	ck_assert_uint_eq(i->mtu, 1400);
	ck_assert_uint_eq(i->seq, S + 1);
	ck_assert_uint_eq(i->icmp_type, w->v6 ? 2 : 3);
	ck_assert_uint_eq(i->icmp_code, w->v6 ? 0 : 4);
	ck_assert_uint_eq(i->tuple.client_port, 40000);
	ck_assert_uint_eq(i->tuple.server_port, 25);
	ck_assert_uint_eq(i->mark, w->mark);
	accepted(client_says(w, 5, " again", 0));
	quote(false, C + 1 + 7);
	i = retold(too_big(false, 1300), 2);
	ck_assert(i->to_client);
	ck_assert_uint_eq(i->seq, C + 1 + 7);
}
END_TEST

START_TEST(only_what_is_under_way)
{
	world_open(w);
	accepted(client_says(w, 0, "hello", 0));
	accepted(server_says(w, 0, "ok", 2)); /* he is acknowledged */
	const struct {
		uint32_t seq;
		bool good;
	} rows[] = { { C, false }, { C + 1, false }, { C + 2, false }, { C + 3, true }, { C + 5, true }, { C + 6, false },
		     { C + 1000, false }, { C + 0x80000000u, false }, { 0, false } };
	size_t n = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		quote(false, rows[i].seq);
		w->now_ms += ZG_ICMP_MS;
		if (rows[i].good)
			retold(too_big(false, 1400), ++n);
		else
			refused(too_big(false, 1400), ZG_R_ICMP_SEQ);
	}
	/* what is held here has reached nobody */
	ck_assert_int_eq(world_fate(w, client_says(w, 5, "(held", 0)), HELD);
	quote(false, C + 1 + 6);
	refused(too_big(false, 1400), ZG_R_ICMP_SEQ);
	accepted(client_says(w, 10, ")", 0));
}
END_TEST

START_TEST(errors_while_a_connection_opens)
{
	accepted(world_send(w, (struct pkt){ .flags = ZG_SYN, .seq = C }));
	quote(false, C + 1);
	refused(host_unreachable(false), ZG_R_ICMP_SEQ);
	quote(true, S);
	refused(host_unreachable(true), ZG_R_ICMP_UNKNOWN); /* the server has sent nothing */
	quote(false, C);
	retold(port_unreachable(false), 1);
	w->now_ms += ZG_ICMP_MS;
	retold(host_unreachable(false), 2);
	accepted(world_send(w, (struct pkt){ .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1 }));
	quote(true, S);
	retold(host_unreachable(true), 3);
	quote(true, S + 1);
	refused(host_unreachable(true), ZG_R_ICMP_SEQ);
}
END_TEST

/* RFC 5927 5, RFC 5461: hosts may give up on these, and should not once they have spoken with each other. */
START_TEST(hard_errors_do_not_end_a_connection)
{
	static const uint8_t hard4[][2] = { { 3, 2 }, { 3, 3 }, { 3, 9 }, { 3, 10 }, { 3, 13 } }, hard6[][2] = { { 1, 1 }, { 1, 4 } };
	world_open(w);
	accepted(client_says(w, 0, "hello", 0));
	quote(false, C + 1);
	for (size_t i = 0; i < (w->v6 ? sizeof hard6 / 2 : sizeof hard4 / 2); i++)
		refused(w->v6 ? error(false, hard6[i][0], hard6[i][1], 0) : error(false, hard4[i][0], hard4[i][1], 0),
			ZG_R_ICMP_HARD);
	retold(host_unreachable(false), 1);
	accepted(client_says(w, 5, "on", 0));
}
END_TEST

START_TEST(errors_of_no_flow)
{
	quote(false, C + 1);
	refused(too_big(false, 1400), ZG_R_ICMP_UNKNOWN);
	ck_assert_uint_eq(w->events[w->n_events - 1].tuple.protocol, w->v6 ? 58 : 1);
	w->n_events = 0;
	world_open(w);
	ck_assert_int_eq(world_fate(w, client_says(w, 0, "aX", 0)), DROPPED);
	world_killed(w, ZG_R_SMTP_LINE_END);
	refused(too_big(false, 1400), ZG_R_ICMP_UNKNOWN); /* of one that was denied */
}
END_TEST

START_TEST(errors_after_the_end)
{
	world_open(w);
	accepted(client_says(w, 0, "hello", 0));
	accepted(client_ends(w, 5, "", 0));
	accepted(server_ends(w, 0, "", 6));
	accepted(client_says(w, 6, "", 1));
	quote(false, C + 1);
	refused(too_big(false, 1400), ZG_R_ICMP_UNKNOWN);
}
END_TEST

START_TEST(a_change_of_policy)
{
	world_open(w);
	accepted(client_says(w, 0, "hello", 0));
	quote(false, C + 1);
	w->identity = 2;
	refused(too_big(false, 1400), ZG_R_PKT_NO_FLOW);
	w->identity = 0;
	refused(too_big(false, 1400), ZG_R_PKT_NO_FLOW);
	w->identity = 1;
	retold(too_big(false, 1400), 1); /* an error did not end the connection */
}
END_TEST

START_TEST(malformed_errors)
{
	world_open(w);
	accepted(client_says(w, 0, "hello", 0));
	quote(false, C + 1);
	refused(error(false, w->v6 ? 128 : 8, 0, 0), ZG_R_ICMP_TYPE); /* echo */
	refused(error(false, w->v6 ? 137 : 5, 1, 0), ZG_R_ICMP_TYPE); /* redirect */
	refused(too_big(false, 500), ZG_R_ICMP_MTU);
	refused(too_big(false, 9000), ZG_R_ICMP_MTU);
	refused(too_big(true, 1400), ZG_R_ICMP_QUOTE); /* to the one who did not send it */
	const uint32_t id = too_big(false, 1400);
	retold(id, 1);
}
END_TEST

/* --- how often --------------------------------------------------------------------------------------------- */

START_TEST(one_in_a_while)
{
	world_open(w);
	accepted(client_says(w, 0, "hello", 0));
	accepted(server_says(w, 0, "world", 0));
	quote(false, C + 1);
	retold(too_big(false, 1400), 1);
	refused(too_big(false, 1300), ZG_R_ICMP_RATE);
	retold(host_unreachable(false), 2); /* another class */
	refused(host_unreachable(false), ZG_R_ICMP_RATE);
	quote(true, S + 1);
	retold(too_big(true, 1400), 3); /* to the other end */
	w->now_ms += ZG_ICMP_MS - 1;
	quote(false, C + 1);
	refused(too_big(false, 1300), ZG_R_ICMP_RATE);
	w->now_ms++;
	retold(too_big(false, 1300), 4);
}
END_TEST

/* --- UDP --------------------------------------------------------------------------------------------------- */

static uint32_t datagram(bool server, const char *text)
{
	return world_send_udp(w, (struct udp){ .from_server = server, .data = text, .len = strlen(text) });
}

START_TEST(errors_of_a_request)
{
	w->inspector = &numbers;
	quote_udp(false, 40000);
	refused(port_unreachable(false), ZG_R_ICMP_UNKNOWN);
	accepted(datagram(false, "1"));
	const struct zg_inject *i = retold(port_unreachable(false), 1);
	ck_assert(i->to_client);
	ck_assert_uint_eq(i->tuple.protocol, ZG_UDP);
	ck_assert_uint_eq(i->tuple.server_port, 53);
	ck_assert_uint_eq(i->seq, 0);
	i = retold(too_big(false, 1400), 2);
	ck_assert_uint_eq(i->mtu, 1400);
	quote_udp(true, 40000); /* nothing was answered */
	refused(too_big(true, 1400), ZG_R_ICMP_UNKNOWN);
	quote_udp(false, 40001); /* another port */
	refused(too_big(false, 1400), ZG_R_ICMP_UNKNOWN);
	accepted(datagram(true, "1"));
	w->now_ms += ZG_ICMP_MS;
	quote_udp(false, 40000); /* nothing waits any more */
	refused(port_unreachable(false), ZG_R_ICMP_UNKNOWN);
}
END_TEST

START_TEST(errors_of_an_answer)
{
	w->inspector = &numbers;
	accepted(datagram(false, "1"));
	accepted(datagram(true, "1"));
	quote_udp(true, 40000);
	const struct zg_inject *i = retold(too_big(true, 1400), 1);
	ck_assert(!i->to_client);
	w->now_ms += ZG_UDP_ANSWER_MS;
	refused(too_big(true, 1400), ZG_R_ICMP_UNKNOWN);
	ck_assert_uint_eq(w->events[w->n_events - 1].mark, w->mark);
}
END_TEST

START_TEST(udp_flow_under_another_policy)
{
	w->inspector = &numbers;
	accepted(datagram(false, "1"));
	w->identity = 2;
	quote_udp(false, 40000);
	refused(port_unreachable(false), ZG_R_PKT_NO_FLOW);
	w->identity = 1;
	accepted(datagram(true, "1"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("icmp");
	static void (*const setups[])(void) = { setup, setup6 };
	for (size_t i = 0; i < 2; i++) {
		TCase *tc = tcase_create(i == 0 ? "ipv4" : "ipv6");
		tcase_add_checked_fixture(tc, setups[i], teardown);
		tcase_add_test(tc, too_big_is_told_to_the_sender);
		tcase_add_test(tc, only_what_is_under_way);
		tcase_add_test(tc, errors_while_a_connection_opens);
		tcase_add_test(tc, hard_errors_do_not_end_a_connection);
		tcase_add_test(tc, errors_of_no_flow);
		tcase_add_test(tc, errors_after_the_end);
		tcase_add_test(tc, a_change_of_policy);
		tcase_add_test(tc, malformed_errors);
		tcase_add_test(tc, one_in_a_while);
		tcase_add_test(tc, errors_of_a_request);
		tcase_add_test(tc, errors_of_an_answer);
		tcase_add_test(tc, udp_flow_under_another_policy);
		suite_add_tcase(suite, tc);
	}
	return unit_main(suite);
}
