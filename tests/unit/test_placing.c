/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where gate and inspectors run, against a machine in which their work costs less on one processor than on two. */
#include "gate/placing.h"
#include "sys/place.h"
#include "unit.h"

#include <string.h>

#define APART_COSTS 120u /* parts of a hundred of what it costs together */

static struct {
	struct zg_placing placing;
	uint64_t now_ms, used_ns;
	uint64_t together_ms, loose_ms; /* spent so */
	unsigned changes;
} m;

static void begin(void)
{
	memset(&m, 0, sizeof m);
	m.now_ms = 1000000;
	m.used_ns = 123456789;
}

/* Work that takes `load` parts of a hundred of a processor if done together. */
static void spend(uint64_t ms, unsigned load)
{
	for (uint64_t i = 0; i < ms; i += 10) {
		const bool apart = m.placing.state == ZG_PLACING_FREE;
		unsigned used = apart ? load * APART_COSTS / 100 : load;
		used = !apart && used > 100 ? 100 : used;
		m.now_ms += 10;
		m.used_ns += 10ull * 10000 * used;
		m.together_ms += m.placing.state == ZG_PLACING_TOGETHER ? 10 : 0;
		m.loose_ms += m.placing.state == ZG_PLACING_LOOSE ? 10 : 0;
		m.changes += zg_placing_look(&m.placing, m.now_ms, m.used_ns);
	}
}

START_TEST(little_work_is_done_together)
{
	begin();
	spend(2000, 30);
	m.together_ms = m.loose_ms = 0;
	spend(10000, 30);
	ck_assert_uint_ge(m.together_ms, 9400);
	/* but the gate may move now and then */
	ck_assert_uint_ge(m.loose_ms, 9 * 40);
}
END_TEST

START_TEST(too_much_for_one_is_done_apart)
{
	begin();
	spend(2000, 30);
	spend(300, 130); /* a short time is enough to see it */
	ck_assert_int_eq(m.placing.state, ZG_PLACING_FREE);
	m.together_ms = m.changes = 0;
	spend(10000, 130);
	ck_assert_uint_eq(m.together_ms, 0);
	ck_assert_uint_eq(m.changes, 0);
	spend(1100, 30);
	ck_assert_int_ne(m.placing.state, ZG_PLACING_FREE);
}
END_TEST

/* Whatever the load is, if it stays so, it does not drive them to and fro. */
START_TEST(a_steady_load_finds_its_place)
{
	begin();
	spend(3000, (unsigned)_i);
	const bool apart = m.placing.state == ZG_PLACING_FREE;
	m.together_ms = 0;
	spend(20000, (unsigned)_i);
	ck_assert_uint_eq(m.together_ms == 0, apart);
	ck_assert(apart || m.together_ms >= 18000);
}
END_TEST

/* The clock of the processor that an inspector tells begins anew with the process, and may say anything. */
START_TEST(what_goes_back_is_not_much)
{
	begin();
	spend(3000, 30);
	m.used_ns = 0;
	spend(1000, 30);
	ck_assert_int_ne(m.placing.state, ZG_PLACING_FREE);
	m.used_ns = UINT64_MAX / 2;
	spend(300, 30);
	ck_assert_int_eq(m.placing.state, ZG_PLACING_FREE);
}
END_TEST

START_TEST(a_process_goes_where_it_is_sent)
{
	struct zg_place place;
	zg_place_init(&place);
	ck_assert(place.known);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		const bool allowed = CPU_ISSET((size_t)cpu, &place.allowed);
		zg_place_go(&place, cpu);
		ck_assert_int_eq(place.at, allowed ? cpu : ZG_PLACE_ANY);
		ck_assert(!allowed || zg_place_here() == cpu);
	}
	zg_place_go(&place, INT32_MAX);
	cpu_set_t now;
	ck_assert_int_eq(sched_getaffinity(0, sizeof now, &now), 0);
	ck_assert(CPU_EQUAL(&now, &place.allowed));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placing");
	TCase *t = tcase_create("placing");
	tcase_add_test(t, little_work_is_done_together);
	tcase_add_test(t, too_much_for_one_is_done_apart);
	tcase_add_loop_test(t, a_steady_load_finds_its_place, 0, 200);
	tcase_add_test(t, what_goes_back_is_not_much);
	tcase_add_test(t, a_process_goes_where_it_is_sent);
	suite_add_tcase(s, t);
	return unit_main(s);
}
