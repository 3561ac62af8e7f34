/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/rtab.h"
#include "zonegate/mark.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>

#define RTAB_MAGIC   0x5a475242u
#define BITS_MIN     2u
#define BITS_MAX     19u /* places for twice ZG_FLOWS_MAX */
#define CONFIG_UNIT  sizeof(uint64_t)
#define NO_INSPECTOR 0u /* an opaque flow: no packet of it comes to an inspector, and one that claims to is of no flow */

struct rtab_header {
	uint32_t magic, generation;
	uint32_t n_flows, n_ranges, n_ports;
	uint32_t n_configs; /* in units of CONFIG_UNIT */
	uint32_t flow_digest; /* 0 or 1 */
	uint32_t bits; /* 1 << bits places */
	/* followed by flows, names, places, configs, ranges, ports */
};

/* Open addressing by mark, at most half full: a packet's flow is found at the same cost among any number. */
struct rtab_place {
	uint32_t mark; /* 0 = free */
	uint32_t flow;
};

struct rtab_flow {
	uint64_t identity;
	uint32_t config, config_len; /* into configs, in units; bytes */
	uint32_t inspector, transport;
	uint32_t source, n_sources; /* into ranges */
	uint32_t destination, n_destinations;
	uint32_t port, n_ports; /* into ports */
	uint32_t mark, reserved;
};

/* Sorted by identity. */
struct rtab_name {
	uint64_t identity;
	uint32_t number; /* of the flow, from 1 on */
	uint32_t zero;
};

struct zg_rtab {
	void *map;
	size_t len;
	const struct rtab_header *header;
	const struct rtab_flow *flows;
	const struct rtab_name *names;
	const struct rtab_place *places;
	const uint64_t *configs;
	const struct zg_range *ranges;
	const struct zg_ports *ports;
};

uint64_t zg_flow_identity(const struct zg_flow *flow)
{
	struct sha256_ctx sha;
	uint8_t digest[SHA256_DIGEST_SIZE];
	uint64_t identity;

	sha256_init(&sha);
	sha256_update(&sha, strlen(flow->name) + 1, (const uint8_t *)flow->name);
	if (flow->inspector != NULL) {
		sha256_update(&sha, strlen(flow->inspector->name) + 1, (const uint8_t *)flow->inspector->name);
		sha256_update(&sha, flow->config.len, flow->config.bytes);
	}
	sha256_digest(&sha, sizeof digest, digest);
	memcpy(&identity, digest, sizeof identity);
	return identity;
}

static size_t table_size(const struct rtab_header *h)
{
	return sizeof *h + (size_t)h->n_flows * (sizeof(struct rtab_flow) + sizeof(struct rtab_name)) + (sizeof(struct rtab_place) << h->bits) + (size_t)h->n_configs * CONFIG_UNIT +
	       (size_t)h->n_ranges * sizeof(struct zg_range) + (size_t)h->n_ports * sizeof(struct zg_ports);
}

/* Numbers are given one after the other, mostly: Fibonacci's multiplication spreads these best of all. */
static uint32_t home(uint32_t mark, uint32_t bits)
{
	return (mark * 0x9e3779b1u) >> (32 - bits);
}

static void put_place(struct rtab_place *places, uint32_t bits, uint32_t mark, uint32_t flow)
{
	uint32_t at = home(mark, bits);
	while (places[at].mark != 0)
		at = (at + 1) & ((1u << bits) - 1);
	places[at] = (struct rtab_place){ mark, flow };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct zg_range *x = a, *y = b;
	return zg_addr_cmp(&x->lo, &y->lo);
}

/* Sorted, and overlapping ones made one, so that an address is found by halving; how many are left. */
static uint32_t put_ranges(struct zg_range *to, const struct zg_range *from, size_t n)
{
	uint32_t kept = 0;

	memcpy(to, from, n * sizeof *to);
	qsort(to, n, sizeof *to, compare_ranges);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && to[kept - 1].lo.family == to[i].lo.family && zg_addr_cmp(&to[i].lo, &to[kept - 1].hi) <= 0) {
			if (zg_addr_cmp(&to[kept - 1].hi, &to[i].hi) < 0)
				to[kept - 1].hi = to[i].hi;
		} else {
			to[kept++] = to[i];
		}
	}
	return kept;
}

static int compare_names(const void *a, const void *b)
{
	const struct rtab_name *x = a, *y = b;
	return (x->identity > y->identity) - (x->identity < y->identity);
}

/* Flows of one service have one configuration, and so have neighbours that share theirs in the policy. Where each lies, in units; how many there are in all. */
static uint32_t place_configs(const struct zg_policy *policy, uint32_t *ret_at)
{
	uint32_t *of_service = ret_at + policy->n_flows; /* 1 + its place */
	uint32_t n = 0;

	for (size_t i = 0; i < policy->n_flows; i++) {
		const struct zg_flow *flow = &policy->flows[i];
		uint32_t *shared = flow->service != 0 ? &of_service[flow->service - 1] : NULL;
		if (shared == NULL && i > 0 && flow->config.len > 0 && flow->config.bytes == flow[-1].config.bytes) {
			ret_at[i] = ret_at[i - 1];
			continue;
		}
		ret_at[i] = shared != NULL && *shared != 0 ? *shared - 1 : n;
		if (shared != NULL && *shared != 0)
			continue;
		if (shared != NULL)
			*shared = n + 1;
		n += (uint32_t)((flow->config.len + CONFIG_UNIT - 1) / CONFIG_UNIT);
	}
	return n;
}

static void fill(const struct zg_policy *policy, const struct rtab_header *h, const uint32_t *config_at, uint8_t *at)
{
	struct rtab_flow *flows = (void *)(at + sizeof *h);
	struct rtab_name *names = (void *)(flows + h->n_flows);
	struct rtab_place *places = (void *)(names + h->n_flows);
	uint64_t *configs = (void *)(places + ((size_t)1 << h->bits));
	struct zg_range *ranges = (void *)(configs + h->n_configs);
	struct zg_ports *ports = (void *)(ranges + h->n_ranges);
	uint32_t r = 0, p = 0;

	memcpy(at, h, sizeof *h);
	for (size_t i = 0; i < policy->n_flows; i++) {
		const struct zg_flow *flow = &policy->flows[i];
		struct rtab_flow *row = &flows[i];
		put_place(places, h->bits, flow->mark, (uint32_t)i);
		row->mark = flow->mark;
		row->identity = zg_flow_identity(flow);
		names[i] = (struct rtab_name){ .identity = row->identity, .number = (uint32_t)i + 1 };
		row->config = config_at[i];
		row->config_len = (uint32_t)flow->config.len;
		if (flow->config.len > 0)
			memcpy(&configs[row->config], flow->config.bytes, flow->config.len);
		row->inspector = flow->inspector != NULL ? zg_inspector_index(flow->inspector) : NO_INSPECTOR;
		row->transport = flow->transport;
		row->source = r;
		row->n_sources = put_ranges(&ranges[r], flow->sources, flow->n_sources);
		r += (uint32_t)flow->n_sources;
		row->destination = r;
		row->n_destinations = put_ranges(&ranges[r], flow->destinations, flow->n_destinations);
		r += (uint32_t)flow->n_destinations;
		row->port = p;
		row->n_ports = (uint32_t)flow->n_ports;
		memcpy(&ports[p], flow->ports, flow->n_ports * sizeof *ports);
		p += row->n_ports;
	}
	if (policy->n_flows > 0)
		qsort(names, policy->n_flows, sizeof *names, compare_names);
}

enum zg_err zg_rtab_make(const struct zg_policy *policy, int *ret_fd)
{
	struct rtab_header h = {
		.magic = RTAB_MAGIC,
		.generation = policy->generation,
		.n_flows = (uint32_t)policy->n_flows,
		.flow_digest = policy->flow_digest,
		.bits = BITS_MIN,
	};
	while ((size_t)1 << h.bits < 2 * policy->n_flows)
		h.bits++;
	for (size_t i = 0; i < policy->n_flows; i++) {
		h.n_ranges += (uint32_t)(policy->flows[i].n_sources + policy->flows[i].n_destinations);
		h.n_ports += (uint32_t)policy->flows[i].n_ports;
	}
	uint32_t *config_at = calloc(policy->n_flows + policy->n_services + 1, sizeof *config_at);
	if (config_at == NULL)
		return ZG_ENOMEM;
	h.n_configs = place_configs(policy, config_at);
	size_t size = table_size(&h);
	int fd = memfd_create("zonegate-rtab", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		goto fail;
	if (ftruncate(fd, (off_t)size) != 0)
		goto fail;
	uint8_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		goto fail;
	fill(policy, &h, config_at, map);
	munmap(map, size);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		goto fail;
	free(config_at);
	*ret_fd = fd;
	return ZG_OK;
fail:
	free(config_at);
	if (fd >= 0)
		close(fd);
	return ZG_ESYS;
}

static bool span_ok(uint32_t first, uint32_t n, uint32_t total)
{
	return first <= total && n <= total - first;
}

static bool config_ok(const struct zg_rtab *t, const struct rtab_flow *f, const struct zg_inspector *inspector)
{
	const size_t units = (f->config_len + CONFIG_UNIT - 1) / CONFIG_UNIT;

	return f->config <= t->header->n_configs && units <= t->header->n_configs - f->config &&
	       zg_config_valid(inspector, (const uint8_t *)&t->configs[f->config], f->config_len);
}

static bool table_ok(const struct zg_rtab *t)
{
	const struct rtab_header *h = t->header;
	uint32_t used = 0;
	for (uint32_t i = 0; i < 1u << h->bits; i++) {
		if (t->places[i].mark != 0 && t->places[i].flow >= h->n_flows)
			return false;
		used += t->places[i].mark != 0;
	}
	if (used >= 1u << h->bits)
		return false; /* a search would have no end */
	for (uint32_t i = 0; i < h->n_flows; i++) {
		const struct rtab_flow *f = &t->flows[i];
		const struct zg_inspector *inspector = zg_inspector_by_index(f->inspector);
		if ((f->inspector != NO_INSPECTOR && (inspector == NULL || !zg_inspector_usable(inspector) || !config_ok(t, f, inspector))) || !span_ok(f->source, f->n_sources, h->n_ranges) || !span_ok(f->destination, f->n_destinations, h->n_ranges) ||
		    !span_ok(f->port, f->n_ports, h->n_ports) || t->names[i].number == 0 || t->names[i].number > h->n_flows)
			return false;
	}
	return true;
}

enum zg_err zg_rtab_map(int fd, struct zg_rtab **ret_rtab)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_WRITE;
	const int have = fcntl(fd, F_GET_SEALS);
	/* lseek: a process without files has no need of fstat(), which also looks at paths */
	const off_t size = have < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (have < 0 || (have & seals) != seals || size < (off_t)sizeof(struct rtab_header))
		return ZG_EINVAL;
	struct zg_rtab *t = calloc(1, sizeof *t);
	if (t == NULL)
		return ZG_ENOMEM;
	t->len = (size_t)size;
	t->map = mmap(NULL, t->len, PROT_READ, MAP_SHARED, fd, 0);
	if (t->map == MAP_FAILED) {
		free(t);
		return ZG_ESYS;
	}
	t->header = t->map;
	if (t->header->magic != RTAB_MAGIC || t->header->n_flows > ZG_FLOWS_MAX || t->header->bits < BITS_MIN ||
	    t->header->bits > BITS_MAX || table_size(t->header) != t->len)
		goto malformed;
	t->flows = (const void *)((const uint8_t *)t->map + sizeof *t->header);
	t->names = (const void *)(t->flows + t->header->n_flows);
	t->places = (const void *)(t->names + t->header->n_flows);
	t->configs = (const void *)(t->places + ((size_t)1 << t->header->bits));
	t->ranges = (const void *)(t->configs + t->header->n_configs);
	t->ports = (const void *)(t->ranges + t->header->n_ranges);
	if (!table_ok(t))
		goto malformed;
	*ret_rtab = t;
	return ZG_OK;
malformed:
	zg_rtab_unmap(t);
	return ZG_EINVAL;
}

void zg_rtab_unmap(struct zg_rtab *rtab)
{
	if (rtab == NULL)
		return;
	munmap(rtab->map, rtab->len);
	free(rtab);
}

uint32_t zg_rtab_generation(const struct zg_rtab *rtab)
{
	return rtab->header->generation;
}

static const struct rtab_flow *flow_of(const struct zg_rtab *rtab, uint32_t mark)
{
	const uint32_t bits = rtab->header->bits;
	if (!zg_mark_is_flow(mark))
		return NULL;
	for (uint32_t at = home(mark, bits); rtab->places[at].mark != 0; at = (at + 1) & ((1u << bits) - 1))
		if (rtab->places[at].mark == mark && rtab->flows[rtab->places[at].flow].inspector != NO_INSPECTOR)
			return &rtab->flows[rtab->places[at].flow];
	return NULL;
}

bool zg_rtab_resolve(const struct zg_rtab *rtab, uint32_t mark, struct zg_flow_policy *ret_policy)
{
	const struct rtab_flow *f = flow_of(rtab, mark);
	if (f == NULL)
		return false;
	*ret_policy = (struct zg_flow_policy){
		.inspector = zg_inspector_by_index(f->inspector),
		.config = &rtab->configs[f->config],
		.identity = f->identity,
		.digest = rtab->header->flow_digest != 0,
	};
	return true;
}

/* Sorted and apart from each other; a table that is not finds less. */
static bool any_range(const struct zg_range *r, uint32_t n, const struct zg_addr *a)
{
	uint32_t lo = 0, hi = n; /* the last one that begins at or before a is before hi */

	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;
		if (zg_addr_cmp(&r[mid].lo, a) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && zg_range_has(&r[lo - 1], a);
}

bool zg_rtab_permits(const struct zg_rtab *rtab, uint32_t mark, const struct zg_tuple *tuple)
{
	const struct rtab_flow *f = flow_of(rtab, mark);
	if (f == NULL || f->transport != tuple->protocol ||
	    !any_range(rtab->ranges + f->source, f->n_sources, &tuple->client) ||
	    !any_range(rtab->ranges + f->destination, f->n_destinations, &tuple->server))
		return false;
	for (uint32_t i = 0; i < f->n_ports; i++) {
		const struct zg_ports *p = &rtab->ports[f->port + i];
		if (tuple->server_port >= p->lo && tuple->server_port <= p->hi)
			return true;
	}
	return false;
}

uint32_t zg_rtab_find(const struct zg_rtab *rtab, uint64_t identity, const struct zg_tuple *tuple)
{
	const struct rtab_name key = { .identity = identity };
	const struct rtab_name *name = rtab->header->n_flows == 0 ? NULL :
				       bsearch(&key, rtab->names, rtab->header->n_flows, sizeof key, compare_names);
	const uint32_t mark = name != NULL ? rtab->flows[name->number - 1].mark : 0;
	return mark != 0 && zg_rtab_permits(rtab, mark, tuple) ? mark : 0;
}

void zg_rtabs_push(struct zg_rtabs *tabs, struct zg_rtab *rtab)
{
	zg_rtab_unmap(tabs->before);
	tabs->before = tabs->now;
	tabs->now = rtab;
}

void zg_rtabs_clear(struct zg_rtabs *tabs)
{
	zg_rtab_unmap(tabs->before);
	zg_rtab_unmap(tabs->now);
	tabs->before = tabs->now = NULL;
}

bool zg_rtabs_newest(const struct zg_rtabs *tabs, uint32_t mark)
{
	return tabs->now != NULL && flow_of(tabs->now, mark) != NULL;
}

const struct zg_rtab *zg_rtabs_of(const struct zg_rtabs *tabs, uint32_t mark)
{
	if (zg_rtabs_newest(tabs, mark))
		return tabs->now;
	if (tabs->before != NULL && flow_of(tabs->before, mark) != NULL)
		return tabs->before;
	return NULL;
}
