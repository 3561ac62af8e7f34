/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/flowtab.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS (ZG_FLOWTAB_BUCKETS)

_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "the mask needs a power of two");

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static void sip_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[1] = ROTL(v[1], 13) ^ v[0];
	v[0] = ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = ROTL(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = ROTL(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = ROTL(v[1], 17) ^ v[2];
	v[2] = ROTL(v[2], 32);
}

uint64_t zg_siphash(const uint64_t key[static 2], const uint8_t *p, size_t len)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u,
			  key[1] ^ 0x7465646279746573u };
	uint64_t last = (uint64_t)len << 56;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t m;
		memcpy(&m, p, sizeof m);
		m = le64toh(m);
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	for (unsigned i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static int endpoint_cmp(const struct zg_addr *a, uint16_t a_port, const struct zg_addr *b, uint16_t b_port)
{
	int cmp = memcmp(a->b, b->b, sizeof a->b);
	return cmp != 0 ? cmp : (a_port > b_port) - (a_port < b_port);
}

static bool endpoint_eq(const struct zg_addr *a, uint16_t a_port, const struct zg_addr *b, uint16_t b_port)
{
	return a->family == b->family && endpoint_cmp(a, a_port, b, b_port) == 0;
}

/* Equal for both directions: the lower endpoint first. */
static uint64_t tuple_hash(const struct zg_flowtab *tab, const struct zg_tuple *t)
{
	const bool swap = endpoint_cmp(&t->client, t->client_port, &t->server, t->server_port) > 0;
	const struct zg_addr *lo = swap ? &t->server : &t->client, *hi = swap ? &t->client : &t->server;
	const uint16_t ports[2] = { swap ? t->server_port : t->client_port, swap ? t->client_port : t->server_port };
	const size_t len = zg_addr_len(t->client.family);
	uint8_t key[8 + 2 * 16] = { t->client.family, t->protocol };

	memcpy(key + 4, ports, 4);
	memcpy(key + 8, lo->b, len);
	memcpy(key + 8 + len, hi->b, len);
	return zg_siphash(tab->key, key, 8 + 2 * len);
}

static bool tuple_same(const struct zg_tuple *a, const struct zg_tuple *b)
{
	if (a->protocol != b->protocol)
		return false;
	return (endpoint_eq(&a->client, a->client_port, &b->client, b->client_port) &&
		endpoint_eq(&a->server, a->server_port, &b->server, b->server_port)) ||
	       (endpoint_eq(&a->client, a->client_port, &b->server, b->server_port) &&
		endpoint_eq(&a->server, a->server_port, &b->client, b->client_port));
}

enum zg_err zg_flowtab_init(struct zg_flowtab *tab, uint64_t seed)
{
	memset(tab, 0, sizeof *tab);
	tab->buckets = calloc(BUCKETS, sizeof *tab->buckets);
	if (tab->buckets == NULL)
		return ZG_ENOMEM;
	tab->key[0] = seed;
	/* 64 secret bits are what the owner gives; the other half only keeps the two words apart */
	tab->key[1] = ROTL(seed, 29) * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < ZG_LIST_COUNT; i++)
		zg_list_init(&tab->lists[i]);
	if (zg_sources_init(&tab->half_open, ZG_FLOWTAB_SYN_MAX, tab->key) != ZG_OK) {
		zg_flowtab_fini(tab);
		return ZG_ENOMEM;
	}
	return ZG_OK;
}

void zg_flowtab_fini(struct zg_flowtab *tab)
{
	zg_sources_fini(&tab->half_open);
	free(tab->buckets);
	tab->buckets = NULL;
}

struct zg_flowtab_node *zg_flowtab_find(const struct zg_flowtab *tab, const struct zg_tuple *tuple)
{
	const uint64_t hash = tuple_hash(tab, tuple);
	struct zg_flowtab_node *node = tab->buckets[hash & (BUCKETS - 1)];

	while (node != NULL && (node->hash != hash || !tuple_same(&node->tuple, tuple)))
		node = node->chain;
	return node;
}

struct zg_flowtab_node *zg_flowtab_bucket(const struct zg_flowtab *tab, uint32_t place)
{
	return tab->buckets[place];
}

static void leave(struct zg_flowtab *tab, struct zg_flowtab_node *node)
{
	zg_list_remove(&node->in_list);
	tab->n_in[node->list]--;
	if (node->list != ZG_LIST_SYN)
		return;
	struct zg_source *source = zg_sources_find(&tab->half_open, &node->tuple.client);
	if (node->older != NULL)
		node->older->newer = node->newer;
	else
		source->oldest = node->newer;
	if (node->newer != NULL)
		node->newer->older = node->older;
	else
		source->newest = node->older;
	zg_sources_remove(&tab->half_open, source);
}

static void enter(struct zg_flowtab *tab, struct zg_flowtab_node *node, enum zg_flow_list list, uint64_t now_ms)
{
	node->list = list;
	node->since_ms = now_ms;
	zg_list_insert(&node->in_list, &tab->lists[list]);
	tab->n_in[list]++;
	if (list != ZG_LIST_SYN)
		return;
	struct zg_source *source = zg_sources_add(&tab->half_open, &node->tuple.client);
	if (source == NULL) /* there is a place for each: the list is bounded by the same number */
		abort();
	node->older = source->newest;
	node->newer = NULL;
	if (node->older != NULL)
		node->older->newer = node;
	else
		source->oldest = node;
	source->newest = node;
}

void zg_flowtab_add(struct zg_flowtab *tab, struct zg_flowtab_node *node, enum zg_flow_list list, uint64_t now_ms)
{
	node->hash = tuple_hash(tab, &node->tuple);
	struct zg_flowtab_node **bucket = &tab->buckets[node->hash & (BUCKETS - 1)];
	node->chain = *bucket;
	*bucket = node;
	enter(tab, node, list, now_ms);
	tab->n++;
}

void zg_flowtab_remove(struct zg_flowtab *tab, struct zg_flowtab_node *node)
{
	struct zg_flowtab_node **at = &tab->buckets[node->hash & (BUCKETS - 1)];

	while (*at != node)
		at = &(*at)->chain;
	*at = node->chain;
	leave(tab, node);
	tab->n--;
}

void zg_flowtab_move(struct zg_flowtab *tab, struct zg_flowtab_node *node, enum zg_flow_list list, uint64_t now_ms)
{
	if (node->list == list && now_ms - node->since_ms < ZG_FLOWTAB_LAZY_MS)
		return;
	leave(tab, node);
	enter(tab, node, list, now_ms);
}

struct zg_flowtab_node *zg_flowtab_oldest(const struct zg_flowtab *tab, enum zg_flow_list list)
{
	struct zg_list *first = tab->lists[list].next;
	return first == &tab->lists[list] ? NULL : ZG_LIST_OF(first, struct zg_flowtab_node, in_list);
}

struct zg_flowtab_node *zg_flowtab_excess(const struct zg_flowtab *tab, const struct zg_addr *client, uint32_t max)
{
	const struct zg_source *source = zg_sources_find(&tab->half_open, client);
	return source != NULL && source->count >= max ? source->oldest : NULL;
}
