/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/reach.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define FLOWS 300

static struct zg_policy policy;
static struct zg_flow flows[FLOWS];
static struct zg_range ranges[FLOWS][2];
static struct zg_ports ports[FLOWS];
static struct zg_reach *reach;

static struct zg_addr addr(uint32_t n)
{
	return (struct zg_addr){ .family = ZG_IPV4, .b = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

/* Sources and destinations of every width, nested and crossing. */
static void setup(void)
{
	uint32_t x = 1;
	for (size_t i = 0; i < FLOWS; i++) {
		for (int k = 0; k < 2; k++) {
			x = x * 1103515245u + 12345u;
			const uint32_t lo = (x >> 8) % 600, width = (x >> 20) % 4 == 0 ? (x >> 4) % 200 : 0;
			ranges[i][k] = (struct zg_range){ addr(lo), addr(lo + width) };
		}
		ports[i] = (struct zg_ports){ (uint16_t)(20 + x % 4), (uint16_t)(22 + x % 4) };
		flows[i] = (struct zg_flow){ .sources = &ranges[i][0], .n_sources = 1, .destinations = &ranges[i][1], .n_destinations = 1,
					     .transport = ZG_TCP, .ports = &ports[i], .n_ports = 1 };
	}
	policy = (struct zg_policy){ .flows = flows, .n_flows = FLOWS };
	ck_assert_int_eq(zg_reach_new(&policy, &reach), ZG_OK);
}

static void teardown(void)
{
	zg_reach_free(reach);
}

static bool permitted(const struct zg_tuple *t)
{
	for (size_t i = 0; i < FLOWS; i++)
		if (zg_range_has(&ranges[i][0], &t->client) && zg_range_has(&ranges[i][1], &t->server) && t->server_port >= ports[i].lo &&
		    t->server_port <= ports[i].hi)
			return true;
	return false;
}

/* What a look at every flow finds is found, and nothing else. */
START_TEST(finds_what_a_look_at_each_finds)
{
	unsigned found = 0;
	for (uint32_t from = 0; from < 820; from += 13) {
		for (uint32_t to = 0; to < 820; to += 2) {
			const struct zg_tuple t = { .client = addr(from), .server = addr(to), .server_port = (uint16_t)(20 + to % 7),
						    .protocol = ZG_TCP };
			const bool yes = zg_reach_find(reach, &t, 1000) != NULL;
			ck_assert_int_eq(yes, permitted(&t));
			found += yes;
		}
	}
	ck_assert_uint_gt(found, 100);
}
END_TEST

START_TEST(neither_another_protocol_nor_what_has_expired)
{
	struct zg_tuple t = { .client = ranges[7][0].lo, .server = ranges[7][1].hi, .server_port = ports[7].lo, .protocol = ZG_TCP };
	policy.n_flows = 1;
	flows[0] = flows[7];
	zg_reach_free(reach);
	ck_assert_int_eq(zg_reach_new(&policy, &reach), ZG_OK);
	ck_assert_ptr_eq(zg_reach_find(reach, &t, 1000), &flows[0]);
	flows[0].expires = 1000;
	ck_assert_ptr_nonnull(zg_reach_find(reach, &t, 999));
	ck_assert_ptr_null(zg_reach_find(reach, &t, 1000));
	flows[0].expires = 0;
	t.protocol = ZG_UDP;
	ck_assert_ptr_null(zg_reach_find(reach, &t, 1000));
	t.protocol = ZG_TCP;
	t.server.family = ZG_IPV6;
	ck_assert_ptr_null(zg_reach_find(reach, &t, 1000));
}
END_TEST

START_TEST(a_policy_without_flows)
{
	const struct zg_tuple t = { .client = addr(1), .server = addr(2), .server_port = 25, .protocol = ZG_TCP };
	policy.n_flows = 0;
	zg_reach_free(reach);
	ck_assert_int_eq(zg_reach_new(&policy, &reach), ZG_OK);
	ck_assert_ptr_null(zg_reach_find(reach, &t, 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reach");
	TCase *t = tcase_create("reach");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, finds_what_a_look_at_each_finds);
	tcase_add_test(t, neither_another_protocol_nor_what_has_expired);
	tcase_add_test(t, a_policy_without_flows);
	suite_add_tcase(s, t);
	return unit_main(s);
}
