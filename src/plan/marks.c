/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of flows, kept from policy to policy: an element of the kernel's maps that stays is not touched. */
#include "zonegate/mark.h"

#include <stdlib.h>
#include <string.h>

#include "zonegate/policy.h"

/* Flows of a policy by name: open addressing, never more than half full. */
struct names {
	const struct zg_policy *policy;
	uint32_t *slots; /* index + 1; 0 = free */
	size_t mask;
};

/* FNV-1a: names come from the administrator, and are unique. */
static size_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static enum zg_err names_init(struct names *names, const struct zg_policy *policy)
{
	size_t size = 4;
	while (size < 2 * policy->n_flows)
		size *= 2;
	*names = (struct names){ .policy = policy, .slots = calloc(size, sizeof *names->slots), .mask = size - 1 };
	if (names->slots == NULL)
		return ZG_ENOMEM;
	for (size_t i = 0; i < policy->n_flows; i++) {
		size_t at = hash_name(policy->flows[i].name) & names->mask;
		while (names->slots[at] != 0)
			at = (at + 1) & names->mask;
		names->slots[at] = (uint32_t)i + 1;
	}
	return ZG_OK;
}

static const struct zg_flow *names_find(const struct names *names, const char *name)
{
	for (size_t at = hash_name(name) & names->mask; names->slots[at] != 0; at = (at + 1) & names->mask) {
		const struct zg_flow *flow = &names->policy->flows[names->slots[at] - 1];
		if (strcmp(flow->name, name) == 0)
			return flow;
	}
	return NULL;
}

static bool same_bytes(const void *a, size_t n_a, const void *b, size_t n_b, size_t size)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * size) == 0);
}

/* Whether both policies have one opinion of what address belongs to which zone. */
static bool same_space(const struct zg_policy *a, const struct zg_policy *b)
{
	if (a->n_zones != b->n_zones)
		return false;
	for (size_t z = 0; z < a->n_zones; z++) {
		const struct zg_zone *x = &a->zones[z], *y = &b->zones[z];
		if (strcmp(x->name, y->name) != 0 || x->kind != y->kind ||
		    !same_bytes(x->ranges, x->n_ranges, y->ranges, y->n_ranges, sizeof *x->ranges))
			return false;
	}
	return true;
}

/* All that says what a flow permits and how it is inspected; zones are the same, see same_space(). Who approved it, and why,
 * may change while the flow stays. */
static bool same_flow(const struct zg_flow *a, const struct zg_flow *b)
{
	return a->from == b->from && a->to == b->to && a->transport == b->transport && a->expires == b->expires &&
	       a->schedule == b->schedule && a->specific == b->specific && a->log == b->log &&
	       same_bytes(a->sources, a->n_sources, b->sources, b->n_sources, sizeof *a->sources) &&
	       same_bytes(a->destinations, a->n_destinations, b->destinations, b->n_destinations, sizeof *a->destinations) &&
	       same_bytes(a->ports, a->n_ports, b->ports, b->n_ports, sizeof *a->ports) && a->inspector == b->inspector &&
	       same_bytes(a->config.bytes, a->config.len, b->config.bytes, b->config.len, 1);
}

static int compare_marks(const void *a_, const void *b_, void *flows_)
{
	const struct zg_flow *flows = flows_;
	const uint32_t a = flows[*(const uint32_t *)a_].mark, b = flows[*(const uint32_t *)b_].mark;
	return a < b ? -1 : a > b;
}

static enum zg_err sort_marks(struct zg_policy *policy)
{
	uint32_t *by_mark = calloc(policy->n_flows + 1, sizeof *by_mark);
	if (by_mark == NULL)
		return ZG_ENOMEM;
	for (size_t i = 0; i < policy->n_flows; i++)
		by_mark[i] = (uint32_t)i;
	qsort_r(by_mark, policy->n_flows, sizeof *by_mark, compare_marks, policy->flows);
	free(policy->by_mark);
	policy->by_mark = by_mark;
	return ZG_OK;
}

size_t zg_marks_find(const struct zg_policy *policy, uint32_t mark)
{
	size_t lo = 0, hi = policy->by_mark != NULL ? policy->n_flows : 0;
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const uint32_t at = policy->flows[policy->by_mark[mid]].mark;
		if (at == mark)
			return policy->by_mark[mid];
		if (at < mark)
			lo = mid + 1;
		else
			hi = mid;
	}
	return SIZE_MAX;
}

/* The next number that no flow of before has. */
static uint32_t fresh(const struct zg_policy *before, uint32_t *next)
{
	uint32_t mark;
	do {
		mark = zg_mark_is_flow(*next) ? *next : 1;
		*next = mark + 1;
	} while (before != NULL && zg_marks_find(before, mark) != SIZE_MAX);
	return mark;
}

enum zg_err zg_marks_give(struct zg_policy *policy, const struct zg_policy *before, uint32_t *next)
{
	const bool keep = before != NULL && same_space(policy, before);
	struct names names = { .slots = NULL };
	enum zg_err err = keep ? names_init(&names, before) : ZG_OK;

	for (size_t i = 0; i < policy->n_flows && err == ZG_OK; i++) {
		struct zg_flow *flow = &policy->flows[i];
		const struct zg_flow *old = keep ? names_find(&names, flow->name) : NULL;
		flow->mark = old != NULL && same_flow(flow, old) ? old->mark : fresh(before, next);
	}
	free(names.slots);
	return err == ZG_OK ? sort_marks(policy) : err;
}
