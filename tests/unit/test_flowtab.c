/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/flowtab.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static struct zg_tuple tuple(unsigned i)
{
	struct zg_tuple t = { .protocol = ZG_TCP, .client_port = (uint16_t)(i % 65535 + 1), .server_port = 25 };
	t.client.family = t.server.family = i % 2 ? ZG_IPV6 : ZG_IPV4;
	t.client.b[0] = 10;
	t.client.b[3] = (uint8_t)(i / 65535);
	t.server.b[0] = 10;
	t.server.b[1] = 1;
	return t;
}

static struct zg_tuple turned(struct zg_tuple t)
{
	struct zg_tuple r = t;
	r.client = t.server;
	r.server = t.client;
	r.client_port = t.server_port;
	r.server_port = t.client_port;
	return r;
}

START_TEST(siphash)
{
	/* the paper's test vector: key 00 01 .. 0f, input 00 01 .. 0e */
	const uint64_t key[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	uint8_t in[15];
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)i;
	ck_assert_uint_eq(zg_siphash(key, in, sizeof in), 0xa129ca6149be45e5u);
}
END_TEST

#define N 3000

START_TEST(finds_both_directions)
{
	struct zg_flowtab tab;
	struct zg_flowtab_node *nodes = calloc(N, sizeof *nodes);

	ck_assert_ptr_nonnull(nodes);
	ck_assert_int_eq(zg_flowtab_init(&tab, 7), ZG_OK);
	for (unsigned i = 0; i < N; i++) {
		struct zg_tuple t = tuple(i * 37);
		ck_assert_ptr_null(zg_flowtab_find(&tab, &t));
		nodes[i].tuple = t;
		zg_flowtab_add(&tab, &nodes[i], ZG_LIST_SYN, i);
	}
	for (unsigned i = 0; i < N; i++) {
		struct zg_tuple t = tuple(i * 37), r = turned(t);
		ck_assert_ptr_eq(zg_flowtab_find(&tab, &t), &nodes[i]);
		ck_assert_ptr_eq(zg_flowtab_find(&tab, &r), &nodes[i]);
		r.server_port++;
		ck_assert_ptr_null(zg_flowtab_find(&tab, &r));
		t.protocol = ZG_UDP;
		ck_assert_ptr_null(zg_flowtab_find(&tab, &t));
	}
	for (unsigned i = 0; i < N; i += 2)
		zg_flowtab_remove(&tab, &nodes[i]);
	for (unsigned i = 0; i < N; i++) {
		struct zg_tuple t = tuple(i * 37);
		ck_assert_ptr_eq(zg_flowtab_find(&tab, &t), i % 2 ? &nodes[i] : NULL);
	}
	ck_assert_uint_eq(tab.n, N / 2);
	zg_flowtab_fini(&tab);
	free(nodes);
}
END_TEST

START_TEST(ends_that_differ_in_the_port_only)
{
	struct zg_flowtab tab;
	struct zg_flowtab_node node = { .tuple = tuple(0) };

	ck_assert_int_eq(zg_flowtab_init(&tab, 7), ZG_OK);
	node.tuple.server = node.tuple.client;
	zg_flowtab_add(&tab, &node, ZG_LIST_OPEN, 0);
	struct zg_tuple r = turned(node.tuple);
	ck_assert_ptr_eq(zg_flowtab_find(&tab, &r), &node);
	zg_flowtab_remove(&tab, &node);
	zg_flowtab_fini(&tab);
}
END_TEST

START_TEST(lists_are_in_order_of_age)
{
	struct zg_flowtab tab;
	struct zg_flowtab_node nodes[3] = { { .tuple = tuple(1) }, { .tuple = tuple(2) }, { .tuple = tuple(3) } };

	ck_assert_int_eq(zg_flowtab_init(&tab, 7), ZG_OK);
	ck_assert_ptr_null(zg_flowtab_oldest(&tab, ZG_LIST_OPEN));
	for (unsigned i = 0; i < 3; i++)
		zg_flowtab_add(&tab, &nodes[i], ZG_LIST_OPEN, i);
	ck_assert_ptr_eq(zg_flowtab_oldest(&tab, ZG_LIST_OPEN), &nodes[0]);
	/* too soon to be worth it */
	zg_flowtab_move(&tab, &nodes[0], ZG_LIST_OPEN, ZG_FLOWTAB_LAZY_MS - 1);
	ck_assert_ptr_eq(zg_flowtab_oldest(&tab, ZG_LIST_OPEN), &nodes[0]);
	zg_flowtab_move(&tab, &nodes[0], ZG_LIST_OPEN, ZG_FLOWTAB_LAZY_MS);
	ck_assert_ptr_eq(zg_flowtab_oldest(&tab, ZG_LIST_OPEN), &nodes[1]);
	zg_flowtab_move(&tab, &nodes[1], ZG_LIST_DEAD, 6);
	ck_assert_ptr_eq(zg_flowtab_oldest(&tab, ZG_LIST_OPEN), &nodes[2]);
	ck_assert_uint_eq(tab.n_in[ZG_LIST_OPEN], 2);
	ck_assert_uint_eq(tab.n_in[ZG_LIST_DEAD], 1);
	ck_assert_uint_eq(nodes[1].since_ms, 6);
	for (unsigned i = 0; i < 3; i++)
		zg_flowtab_remove(&tab, &nodes[i]);
	ck_assert_uint_eq(tab.n, 0);
	zg_flowtab_fini(&tab);
}
END_TEST

/* Against a plain count, with so few places that most stand away from home. */
START_TEST(sources_against_a_model)
{
	const uint64_t key[2] = { (uint64_t)_i, 99 };
	uint32_t model[64] = { 0 }, distinct = 0;
	struct zg_sources sources;

	srand((unsigned)_i);
	ck_assert_int_eq(zg_sources_init(&sources, 32, key), ZG_OK);
	for (int step = 0; step < 20000; step++) {
		const unsigned k = (unsigned)rand() % 64;
		struct zg_addr addr = { .family = k % 2 ? ZG_IPV4 : ZG_IPV6, .b = { 10, 0, 0, (uint8_t)k } };
		if (rand() % 2 == 0) {
			const bool room = model[k] > 0 || distinct < 32;
			ck_assert_int_eq(zg_sources_add(&sources, &addr) != NULL, room);
			distinct += room && model[k] == 0;
			model[k] += room;
		} else if (model[k] > 0) {
			zg_sources_remove(&sources, zg_sources_find(&sources, &addr));
			distinct -= --model[k] == 0;
		}
		const struct zg_source *source = zg_sources_find(&sources, &addr);
		ck_assert_uint_eq(source != NULL ? source->count : 0, model[k]);
		ck_assert_uint_eq(sources.n, distinct);
	}
	zg_sources_fini(&sources);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flowtab");
	TCase *tc = tcase_create("flowtab");
	tcase_add_test(tc, siphash);
	tcase_add_test(tc, finds_both_directions);
	tcase_add_test(tc, ends_that_differ_in_the_port_only);
	tcase_add_test(tc, lists_are_in_order_of_age);
	tcase_add_loop_test(tc, sources_against_a_model, 0, 8);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
