/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the inspector process tells the gate when the way to it fails. */
#include <fcntl.h>

#include "unit.h"
#include "zonegate/msg.h"

static int sends_that_fail;

static enum zg_err send_or_not(int chan, enum zg_msg_type type, uint32_t number, const void *body, size_t len, const int *fds,
			       size_t n_fds)
{
	if (sends_that_fail > 0) {
		sends_that_fail--;
		return ZG_ESYS; /* no memory for the datagram, once */
	}
	return zg_chan_send(chan, type, number, body, len, fds, n_fds);
}
#define zg_chan_send send_or_not
#include "inspect/worker.c"
#undef zg_chan_send

static struct worker w;
static struct zg_vring gate;
static int gate_end;

static void setup(void)
{
	const struct zg_engine_owner owner = { .ctx = &w };
	int memory, pair[2];

	memset(&w, 0, sizeof w);
	sends_that_fail = 0;
	ck_assert_int_eq(zg_vring_make(&gate, &memory), ZG_OK);
	ck_assert_int_eq(zg_vring_map(memory, fcntl(gate.bell, F_DUPFD_CLOEXEC, 3), &w.ring), ZG_OK);
	close(memory);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	gate_end = pair[0];
	w.gate = pair[1];
	ck_assert_int_eq(zg_engine_new(&owner, 1, &w.engine), ZG_OK);
}

static void teardown(void)
{
	zg_engine_free(w.engine);
	zg_vring_free(&w.ring);
	zg_vring_free(&gate);
	close(w.gate);
	close(gate_end);
}

static void decided(uint32_t id, bool accept, bool replaced)
{
	static const uint8_t packet[100];
	zg_run_came(&w.run);
	own_verdict(&w, id, accept, replaced ? packet : NULL, replaced ? sizeof packet : 0);
}

static void told(enum zg_vring_kind kind, uint32_t id)
{
	uint32_t n;
	ck_assert_int_eq(zg_vring_ready(&gate, &n), ZG_OK);
	ck_assert_uint_gt(n, 0);
	const uint64_t entry = zg_vring_next(&gate);
	ck_assert_uint_eq(entry >> 32, kind);
	ck_assert_uint_eq((uint32_t)entry, id);
}

static uint32_t left(void)
{
	uint32_t n;
	ck_assert_int_eq(zg_vring_ready(&gate, &n), ZG_OK);
	return n;
}

START_TEST(in_order_and_as_one)
{
	decided(1, true, false);
	decided(2, true, false);
	decided(3, true, true);
	decided(4, false, false);
	decided(5, true, false);
	ck_assert_uint_eq(left(), 2); /* a message is shown at once */
	show(&w);
	told(ZG_VRING_UPTO, 2);
	told(ZG_VRING_MESSAGE, 0);
	told(ZG_VRING_DROP, 4);
	told(ZG_VRING_UPTO, 5);
	ck_assert_uint_eq(left(), 0);
	ck_assert(!w.gate_gone);
}
END_TEST

/* Nothing is told after it: "all up to" would let the packet pass whose message was lost. */
START_TEST(nothing_follows_what_could_not_be_told)
{
	decided(1, true, false);
	show(&w);
	sends_that_fail = 1;
	decided(2, true, true);
	decided(3, true, false);
	decided(4, true, true);
	decided(5, true, false);
	show(&w);
	ck_assert(w.gate_gone);
	told(ZG_VRING_UPTO, 1);
	ck_assert_uint_eq(left(), 0);
}
END_TEST

START_TEST(nothing_follows_a_full_ring)
{
	uint32_t id = 0;
	while (!w.gate_gone)
		decided(++id, false, false);
	show(&w);
	zg_vring_done(&gate);
	gate.at = w.ring.at; /* the gate has read */
	zg_vring_done(&gate);
	decided(++id, true, false);
	show(&w);
	ck_assert_uint_eq(w.ring.at, ZG_VRING_SLOTS);
	ck_assert_uint_eq(atomic_load(&w.ring.shared->head), 0); /* not even the drops: the queue goes with us */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tc = tcase_create("gate");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, in_order_and_as_one);
	tcase_add_test(tc, nothing_follows_what_could_not_be_told);
	tcase_add_test(tc, nothing_follows_a_full_ring);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
