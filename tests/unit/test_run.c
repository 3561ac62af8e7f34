/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs of accepted packets against a model of the kernel's queue: each packet gets the verdict that it was given, no other. */
#include "inspect/run.h"
#include "unit.h"

#include <string.h>

#define PACKETS 4000u

enum fate { WAITS, ACCEPTED, DROPPED };

static struct {
	struct zg_run run;
	enum fate meant[PACKETS + 1], is[PACKETS + 1]; /* by id; is: in the kernel, for what has been told */
	uint32_t came;
	uint64_t seed, told, as_one;
} m;

static uint32_t rnd(uint32_t n)
{
	m.seed = m.seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(m.seed >> 33) % n;
}

static void kernel(uint32_t id, enum fate fate)
{
	ck_assert_int_eq(m.is[id], WAITS);
	ck_assert_int_eq(fate, m.meant[id]);
	m.is[id] = fate;
}

static void tell_run(void)
{
	uint32_t upto;
	if (!zg_run_take(&m.run, &upto))
		return;
	m.as_one++;
	for (uint32_t id = 1; id <= upto; id++)
		if (m.is[id] == WAITS) {
			kernel(id, ACCEPTED);
			m.told++;
		}
}

static void decide(uint32_t id, enum fate fate, bool plain)
{
	m.meant[id] = fate;
	if (zg_run_decided(&m.run, id, plain && fate == ACCEPTED))
		return;
	tell_run();
	kernel(id, fate);
}

START_TEST(each_packet_gets_its_verdict)
{
	uint32_t held[64], n = 0;

	memset(&m, 0, sizeof m);
	m.seed = (uint64_t)_i + 1;
	while (m.came < PACKETS) {
		const uint32_t id = ++m.came, what = rnd(100);
		zg_run_came(&m.run);
		/* some wait and are decided within a later packet, before it or after it, or by a timer */
		if (what < 8 && n < 64) {
			held[n++] = id;
		} else {
			const bool before = rnd(2);
			if (!before)
				decide(id, what < 15 ? DROPPED : ACCEPTED, what > 20);
			while (n > 0 && rnd(3) != 0) {
				const uint32_t k = rnd(n), old = held[k];
				held[k] = held[--n];
				decide(old, rnd(5) == 0 ? DROPPED : ACCEPTED, true);
			}
			if (before)
				decide(id, what < 15 ? DROPPED : ACCEPTED, what > 20);
		}
		if (rnd(6) == 0)
			tell_run();
	}
	tell_run();
	for (uint32_t id = 1; id <= PACKETS; id++)
		ck_assert_int_eq(m.is[id], m.meant[id]);
	ck_assert_uint_gt(m.told, 2 * m.as_one); /* it was of use */
}
END_TEST

START_TEST(never_again_after_a_packet_without_a_name)
{
	struct zg_run run = { .undecided = 0 };
	uint32_t upto;

	zg_run_came(&run);
	ck_assert(zg_run_decided(&run, 1, true));
	zg_run_break(&run);
	ck_assert(zg_run_take(&run, &upto)); /* what was decided before it */
	ck_assert_uint_eq(upto, 1);
	zg_run_came(&run);
	ck_assert(!zg_run_decided(&run, 3, true));
	ck_assert(!zg_run_take(&run, &upto));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run");
	TCase *tc = tcase_create("run");
	tcase_add_loop_test(tc, each_packet_gets_its_verdict, 0, 20);
	tcase_add_test(tc, never_again_after_a_packet_without_a_name);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
