/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows of which one packet could belong to two. Every flow is a set of boxes: source, destination, port. Boxes that
 * meet are found by halving: on the axis that separates best, boxes that end before the median go to one side, boxes
 * that begin before it to the other... a box across the cut goes to both. A hundred thousand flows to one server, or
 * from one, are cut along the other axes.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

#define BOXES_BRUTE 32 /* boxes compared each with each: below this, cutting costs more than it saves */
#define SAMPLES	    31 /* boxes of which the median is taken */
#define DEPTH_MAX   64 /* cuts in one branch; 2^20 boxes need 20 when they separate at all */

enum axis { AXIS_SOURCE, AXIS_DESTINATION, AXIS_PORT, AXIS_COUNT };

struct box {
	const struct zg_range *range[2]; /* AXIS_SOURCE, AXIS_DESTINATION */
	struct zg_ports ports;
	uint32_t flow, port_index;
};

struct overlap {
	const struct conf_draft *draft;
	struct zg_diags *diags;
	struct box *boxes;
	size_t n;
	uint32_t *reported; /* per flow: 1 + the flow that it was reported with; boxes across a cut meet twice */
	size_t errors_max;
};

/* End of box a against the beginning of box b on one axis: <0 = a ends before b begins. */
static int end_to_begin(const struct box *a, const struct box *b, enum axis axis)
{
	if (axis == AXIS_PORT)
		return (int)a->ports.hi - (int)b->ports.lo;
	return zg_addr_cmp(&a->range[axis]->hi, &b->range[axis]->lo);
}

static int begin_to_begin(const struct box *a, const struct box *b, enum axis axis)
{
	if (axis == AXIS_PORT)
		return (int)a->ports.lo - (int)b->ports.lo;
	return zg_addr_cmp(&a->range[axis]->lo, &b->range[axis]->lo);
}

static bool meet(const struct overlap *o, const struct box *a, const struct box *b)
{
	const struct zg_flow *flows = o->draft->policy->flows;
	for (int axis = 0; axis < AXIS_COUNT; axis++) {
		if (end_to_begin(a, b, (enum axis)axis) < 0 || end_to_begin(b, a, (enum axis)axis) < 0)
			return false;
	}
	return a->flow != b->flow && flows[a->flow].transport == flows[b->flow].transport &&
	       flows[a->flow].from == flows[b->flow].from && flows[a->flow].to == flows[b->flow].to;
}

/* "10.0.0.1 to 10.1.0.1 port 25": the packets of both. */
static void report(struct overlap *o, const struct box *a, const struct box *b)
{
	const struct zg_flow *flows = o->draft->policy->flows;
	const struct box *late = a->flow > b->flow ? a : b, *early = late == a ? b : a;
	if (o->reported[late->flow] == early->flow + 1)
		return;
	o->reported[late->flow] = early->flow + 1;
	const char *text[2];
	char buf[2][2 * ZG_ADDRSTR_MAX], line[ZG_LINE_STR_MAX];
	for (int axis = 0; axis < 2; axis++) {
		struct zg_range both = *a->range[axis];
		if (zg_addr_cmp(&both.lo, &b->range[axis]->lo) < 0)
			both.lo = b->range[axis]->lo;
		if (zg_addr_cmp(&both.hi, &b->range[axis]->hi) > 0)
			both.hi = b->range[axis]->hi;
		text[axis] = zg_range_str(&both, buf[axis]);
	}
	CONF_ERROR(o->diags, o->draft->flows[late->flow].at, "make the two disjoint, or one of them",
		   "flow \"%s\" overlaps flow \"%s\", %s: %s to %s port %u belongs to both",
		   flows[late->flow].name != NULL ? flows[late->flow].name : "?",
		   flows[early->flow].name != NULL ? flows[early->flow].name : "?", zg_files_line(o->draft->files, flows[early->flow].line, line), text[0],
		   text[1], (unsigned)(a->ports.lo > b->ports.lo ? a->ports.lo : b->ports.lo));
}

/* Each with each. */
static void compare_all(struct overlap *o, const uint32_t *set, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n && o->diags->errors < o->errors_max; k++) {
			if (meet(o, &o->boxes[set[i]], &o->boxes[set[k]]))
				report(o, &o->boxes[set[i]], &o->boxes[set[k]]);
		}
	}
}

/* A box whose beginning on the axis is near the median and is not the least of the samples; NULL = all begin alike. */
static const struct box *pivot(const struct overlap *o, const uint32_t *set, size_t n, enum axis axis)
{
	const struct box *sample[SAMPLES];
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct box *box = &o->boxes[set[i * (n - 1) / (SAMPLES - 1)]];
		size_t k = i;
		for (; k > 0 && begin_to_begin(box, sample[k - 1], axis) < 0; k--)
			sample[k] = sample[k - 1];
		sample[k] = box;
	}
	for (size_t i = SAMPLES / 2; i < SAMPLES; i++) {
		if (begin_to_begin(sample[0], sample[i], axis) < 0)
			return sample[i];
	}
	return NULL;
}

/* How many boxes each side of a cut gets. */
static void weigh(const struct overlap *o, const uint32_t *set, size_t n, enum axis axis, const struct box *at,
		  size_t ret_sides[static 2])
{
	ret_sides[0] = ret_sides[1] = 0;
	for (size_t i = 0; i < n; i++) {
		ret_sides[0] += begin_to_begin(&o->boxes[set[i]], at, axis) < 0;
		ret_sides[1] += end_to_begin(&o->boxes[set[i]], at, axis) >= 0;
	}
}

static enum zg_err find(struct overlap *o, const uint32_t *set, size_t n, unsigned depth)
{
	const struct box *best = NULL;
	enum axis best_axis = AXIS_SOURCE;
	size_t least = n, best_sides[2] = { 0, 0 };
	for (int axis = 0; n > BOXES_BRUTE && depth < DEPTH_MAX && axis < AXIS_COUNT; axis++) {
		const struct box *at = pivot(o, set, n, (enum axis)axis);
		size_t sides[2];
		if (at == NULL)
			continue;
		weigh(o, set, n, (enum axis)axis, at, sides);
		size_t larger = sides[0] > sides[1] ? sides[0] : sides[1];
		if (larger < least) {
			least = larger;
			best = at;
			best_axis = (enum axis)axis;
			memcpy(best_sides, sides, sizeof sides);
		}
	}
	/* No progress worth the copies: they all lie across each other. */
	if (best == NULL || best_sides[0] + best_sides[1] > n + n / 2) {
		compare_all(o, set, n);
		return ZG_OK;
	}
	for (int side = 0; side < 2; side++) {
		uint32_t *part = malloc((best_sides[side] + 1) * sizeof *part);
		size_t k = 0;
		if (part == NULL)
			return ZG_ENOMEM;
		for (size_t i = 0; i < n; i++) {
			const struct box *box = &o->boxes[set[i]];
			if (side == 0 ? begin_to_begin(box, best, best_axis) < 0
				      : end_to_begin(box, best, best_axis) >= 0)
				part[k++] = set[i];
		}
		enum zg_err err = o->diags->errors < o->errors_max ? find(o, part, k, depth + 1) : ZG_OK;
		free(part);
		if (err != ZG_OK)
			return err;
	}
	return ZG_OK;
}

/* --- boxes ------------------------------------------------------------------------------------- */

static size_t count_family(const struct zg_range *ranges, size_t n, uint8_t family)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += ranges[i].lo.family == family;
	return count;
}

/* Saturates at ZG_ELEMS_MAX + 1. */
static size_t count_boxes(const struct zg_flow *flow)
{
	static const uint8_t families[] = { ZG_IPV4, ZG_IPV6 };
	size_t pairs = 0;
	for (size_t i = 0; i < sizeof families; i++)
		pairs += count_family(flow->sources, flow->n_sources, families[i]) *
			 count_family(flow->destinations, flow->n_destinations, families[i]);
	return pairs > ZG_ELEMS_MAX ? ZG_ELEMS_MAX + 1 : pairs * flow->n_ports;
}

static void add_boxes(struct overlap *o, uint32_t index)
{
	const struct zg_flow *flow = &o->draft->policy->flows[index];
	if (flow->from == SIZE_MAX || flow->to == SIZE_MAX)
		return; /* between which zones is not known */
	for (size_t s = 0; s < flow->n_sources; s++) {
		for (size_t d = 0; d < flow->n_destinations; d++) {
			if (flow->sources[s].lo.family != flow->destinations[d].lo.family)
				continue;
			for (size_t p = 0; p < flow->n_ports; p++)
				o->boxes[o->n++] = (struct box){ { &flow->sources[s], &flow->destinations[d] },
								 flow->ports[p],
								 index,
								 (uint32_t)p };
		}
	}
}

/* --- within one flow --------------------------------------------------------------------------- */

struct own {
	struct zg_range range;
	struct zg_ports ports;
	struct conf_at at;
	uint32_t object;
};

static int compare_own(const void *a_, const void *b_)
{
	const struct own *a = a_, *b = b_;
	int order = zg_addr_cmp(&a->range.lo, &b->range.lo);
	return order != 0 ? order : (int)a->ports.lo - (int)b->ports.lo;
}

/* A list of a flow or a service: ranges with the objects that they came of, or ports, the others NULL. */
struct own_list {
	const struct zg_range *ranges;
	const uint32_t *objects;
	const struct zg_ports *ports;
	const struct conf_at *ats;
	size_t n;
	const char *what, *whose;
};

/* Elements of one list that overlap. */
static enum zg_err check_own(const struct conf_draft *draft, struct zg_diags *diags, const struct own_list *list)
{
	char via[CONF_VIA_MAX];
	struct own *own = list->n > 1 ? calloc(list->n, sizeof *own) : NULL;
	if (list->n <= 1)
		return ZG_OK;
	if (own == NULL)
		return ZG_ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		own[i].at = list->ats[i];
		if (list->ranges != NULL) {
			own[i].range = list->ranges[i];
			own[i].object = list->objects[i];
		} else {
			own[i].ports = list->ports[i];
		}
	}
	qsort(own, list->n, sizeof *own, compare_own);
	for (size_t i = 1, widest = 0; i < list->n; i++) {
		bool overlap = list->ranges != NULL ? zg_range_overlap(&own[widest].range, &own[i].range)
						    : own[widest].ports.hi >= own[i].ports.lo;
		if (overlap)
			CONF_ERROR(diags, own[i].at, "write it once", "this %s%s overlaps another one of the same %s",
				   list->what, conf_via(draft, own[i].object != 0 ? own[i].object : own[widest].object, via),
				   list->whose);
		else
			widest = i;
		if (list->ranges != NULL ? zg_addr_cmp(&own[i].range.hi, &own[widest].range.hi) > 0
					 : own[i].ports.hi > own[widest].ports.hi)
			widest = i;
	}
	free(own);
	return ZG_OK;
}

static enum zg_err check_flow(const struct conf_draft *draft, struct zg_diags *diags, size_t f)
{
	const struct zg_flow *flow = &draft->policy->flows[f];
	const struct draft_flow *at = &draft->flows[f];
	const struct own_list lists[] = {
		{ flow->sources, flow->source_objects, NULL, at->sources, flow->n_sources, "source", "flow" },
		{ flow->destinations, flow->destination_objects, NULL, at->destinations, flow->n_destinations,
		  "destination", "flow" },
		{ NULL, NULL, flow->ports, at->ports, flow->service == 0 ? flow->n_ports : 0, "port", "flow" },
	};
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0] && err == ZG_OK; i++)
		err = check_own(draft, diags, &lists[i]);
	return err;
}

static enum zg_err check_services(const struct conf_draft *draft, struct zg_diags *diags)
{
	enum zg_err err = ZG_OK;
	for (size_t i = 0; i < draft->policy->n_services && err == ZG_OK; i++) {
		const struct zg_service *service = &draft->policy->services[i];
		err = check_own(draft, diags, &(struct own_list){ .ports = service->ports,
								  .ats = draft->services[i].ports,
								  .n = service->n_ports,
								  .what = "port",
								  .whose = "service" });
	}
	return err;
}

enum zg_err conf_check_overlap(const struct conf_draft *draft, struct zg_diags *diags)
{
	const struct zg_policy *policy = draft->policy;
	struct overlap o = { .draft = draft, .diags = diags };
	uint32_t *set = NULL;
	size_t total = 0;
	enum zg_err err = check_services(draft, diags);
	for (size_t f = 0; f < policy->n_flows && err == ZG_OK; f++) {
		total += count_boxes(&policy->flows[f]);
		if (total > ZG_ELEMS_MAX) {
			CONF_ERROR(
				diags, draft->flows[f].at,
				"use prefixes and ranges instead of single addresses and ports",
				"up to here the flows make more than %u combinations of source, destination and port",
				ZG_ELEMS_MAX);
			return ZG_OK;
		}
		err = check_flow(draft, diags, f);
	}
	if (err != ZG_OK || total == 0)
		return err;
	o.boxes = calloc(total, sizeof *o.boxes);
	o.reported = calloc(policy->n_flows, sizeof *o.reported);
	set = calloc(total, sizeof *set);
	if (o.boxes == NULL || o.reported == NULL || set == NULL) {
		err = ZG_ENOMEM;
		goto out;
	}
	for (size_t f = 0; f < policy->n_flows; f++)
		add_boxes(&o, (uint32_t)f);
	for (size_t i = 0; i < o.n; i++)
		set[i] = (uint32_t)i;
	o.errors_max = diags->errors + ZG_ERRORS_MAX;
	err = find(&o, set, o.n, 0);
out:
	free(set);
	free(o.reported);
	free(o.boxes);
	return err;
}
