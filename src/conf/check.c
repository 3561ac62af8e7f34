/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold between zones and flows. Clause numbers are those of the Kashiwa policies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

#define PARTS_SHOWN 4 /* ranges in a hint */

struct station_of {
	const struct zg_station *station;
	size_t zone, index;
};

struct check {
	const struct conf_draft *draft;
	const struct zg_policy *policy;
	struct zg_diags *diags;
	struct conf_space space;
	bool space_good;	     /* what lies in which zone is known */
	struct station_of *stations; /* by address */
	size_t n_stations;
};

/* --- names that must be there once ------------------------------------------------------------ */

struct named {
	const char *name;
	size_t owner; /* zone or flow */
	struct conf_at at;
};

static int compare_named(const void *a_, const void *b_)
{
	const struct named *a = a_, *b = b_;
	int order = strcmp(a->name, b->name);
	if (order == 0 && a->at.line != b->at.line)
		order = a->at.line < b->at.line ? -1 : 1;
	return order != 0 ? order : a->at.column < b->at.column ? -1 : a->at.column > b->at.column;
}

static void report_twins(const struct check *c, struct named *names, size_t n, const char *what, const char *hint)
{
	char line[ZG_LINE_STR_MAX];
	qsort(names, n, sizeof *names, compare_named);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(names[i - 1].name, names[i].name) == 0)
			CONF_ERROR(c->diags, names[i].at, hint, "%s \"%s\" is there already, %s", what, names[i].name,
				   zg_files_line(c->draft->files, names[i - 1].at.line, line));
	}
}

static enum zg_err check_names(const struct check *c)
{
	const struct zg_policy *policy = c->policy;
	size_t n_ifaces = 0, n = 0;
	for (size_t z = 0; z < policy->n_zones; z++)
		n_ifaces += policy->zones[z].n_ifaces;
	size_t most = policy->n_zones > policy->n_flows ? policy->n_zones : policy->n_flows;
	most = most > policy->n_schedules ? most : policy->n_schedules;
	struct named *names = calloc((most > n_ifaces ? most : n_ifaces) + 1, sizeof *names);
	if (names == NULL)
		return ZG_ENOMEM;

	for (size_t z = 0; z < policy->n_zones; z++) {
		if (policy->zones[z].name != NULL)
			names[n++] = (struct named){ policy->zones[z].name, z, c->draft->zones[z].at };
	}
	report_twins(c, names, n, "zone", "give each zone a name of its own");
	n = 0;
	for (size_t f = 0; f < policy->n_flows; f++) {
		if (policy->flows[f].name != NULL)
			names[n++] = (struct named){ policy->flows[f].name, f, c->draft->flows[f].at };
	}
	report_twins(c, names, n, "flow", "give each flow a name of its own");
	n = 0;
	for (size_t i = 0; i < policy->n_schedules; i++) {
		if (policy->schedules[i].name != NULL)
			names[n++] = (struct named){ policy->schedules[i].name, i, c->draft->schedules[i] };
	}
	report_twins(c, names, n, "schedule", "give each schedule a name of its own");
	n = 0;
	for (size_t z = 0; z < policy->n_zones; z++) {
		for (size_t i = 0; i < policy->zones[z].n_ifaces; i++)
			names[n++] = (struct named){ policy->zones[z].ifaces[i], z, c->draft->zones[z].ifaces[i] };
	}
	report_twins(c, names, n, "interface", "an interface belongs to one zone, and is named once");
	free(names);
	return ZG_OK;
}

/* --- places in zones --------------------------------------------------------------------------- */

static const char *zone_name(const struct check *c, size_t zone)
{
	return zone < c->policy->n_zones && c->policy->zones[zone].name != NULL ? c->policy->zones[zone].name : "?";
}

/* What of range may be written: "a", "b" ... */
static void own_parts(const struct check *c, const struct zg_range *range, size_t zone, char *buf, size_t size)
{
	char text[2 * ZG_ADDRSTR_MAX];
	struct zg_range part;
	size_t cursor = 0, used = 0, n = 0;
	buf[0] = '\0';
	while (used < size && conf_space_own(&c->space, range, zone, &cursor, &part)) {
		if (n++ == PARTS_SHOWN) {
			snprintf(buf + used, size - used, " ...");
			return;
		}
		used += (size_t)snprintf(buf + used, size - used, "%s\"%s\"", n > 1 ? ", " : "",
					 zg_range_str(&part, text));
	}
}

/* Reports if range is not wholly the zone's own. object: by which name it came, or 0. */
static void check_inside(const struct check *c, const struct zg_range *range, size_t zone, struct conf_at at, uint32_t object)
{
	struct zg_range part;
	size_t owner;
	char all[2 * ZG_ADDRSTR_MAX], some[2 * ZG_ADDRSTR_MAX], own[384], hint[640], via[CONF_VIA_MAX];
	if (!c->space_good || !conf_space_foreign(&c->space, range, zone, &part, &owner))
		return;
	zg_range_str(range, all);
	zg_range_str(&part, some);
	const char *name = zone_name(c, zone);
	bool whole = strcmp(all, some) == 0;
	own_parts(c, range, zone, own, sizeof own);
	if (owner != SIZE_MAX && whole)
		snprintf(hint, sizeof hint, "it belongs to zone \"%s\"", zone_name(c, owner));
	else if (whole)
		snprintf(hint, sizeof hint, "it belongs to no zone; the addresses of \"%s\" are in its key addresses",
			 name);
	else
		snprintf(hint, sizeof hint, "%s belongs to %s%s%s", some, owner != SIZE_MAX ? "zone " : "no zone",
			 owner != SIZE_MAX ? zone_name(c, owner) : "", own[0] != '\0' ? "; write only: " : "");
	if (!whole)
		strncat(hint, own, sizeof hint - strlen(hint) - 1);
	CONF_ERROR(c->diags, at, hint, "%s%s does not lie %sin zone \"%s\"", all, conf_via(c->draft, object, via),
		   whole ? "" : "wholly ", name);
}

static int compare_stations(const void *a_, const void *b_)
{
	const struct station_of *a = a_, *b = b_;
	int order = zg_addr_cmp(&a->station->addr, &b->station->addr);
	if (order == 0)
		order = a->zone != b->zone ? (a->zone < b->zone ? -1 : 1) : (a->index < b->index ? -1 : 1);
	return order;
}

/* The zone that an address belongs to, or SIZE_MAX. */
static size_t zone_at(const struct check *c, const struct zg_addr *addr)
{
	struct zg_range range = { *addr, *addr }, part;
	size_t owner = SIZE_MAX;
	/* asked for a zone that there is not, all of it is foreign */
	return conf_space_foreign(&c->space, &range, SIZE_MAX - 1, &part, &owner) ? owner : SIZE_MAX;
}

/* All stations there are by now, by address. */
static enum zg_err collect_stations(struct check *c)
{
	size_t n = 0;
	for (size_t z = 0; z < c->policy->n_zones; z++)
		n += c->policy->zones[z].n_stations;
	free(c->stations);
	c->n_stations = 0;
	c->stations = calloc(n + 1, sizeof *c->stations);
	if (c->stations == NULL)
		return ZG_ENOMEM;
	for (size_t z = 0; z < c->policy->n_zones; z++) {
		const struct zg_zone *zone = &c->policy->zones[z];
		for (size_t i = 0; i < zone->n_stations; i++)
			c->stations[c->n_stations++] = (struct station_of){ &zone->stations[i], z, i };
	}
	qsort(c->stations, n, sizeof *c->stations, compare_stations);
	return ZG_OK;
}

/* Is the address a station with this MAC address already? A 特定通信 says so too. */
static bool is_station(const struct check *c, const struct zg_addr *addr, const struct zg_mac *mac)
{
	size_t lo = 0, hi = c->n_stations;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (zg_addr_cmp(&c->stations[mid].station->addr, addr) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->n_stations && zg_addr_cmp(&c->stations[lo].station->addr, addr) == 0 &&
	       memcmp(&c->stations[lo].station->mac, mac, sizeof *mac) == 0;
}

/* An address that a host's MAC address makes a station, and of which zone. */
struct adopted {
	size_t zone;
	struct zg_station station;
	struct conf_at at;
};

/* Finds them; what lies in no zone is reported. */
static size_t find_adopted(const struct check *c, struct adopted *all)
{
	char text[ZG_ADDRSTR_MAX];
	size_t n = 0;
	for (size_t o = 0; o < c->policy->n_objects; o++) {
		const struct zg_object *host = &c->policy->objects[o];
		for (size_t i = 0; host->has_mac && i < host->n_ranges; i++) {
			const struct zg_addr *addr = &host->ranges[i].lo;
			struct conf_at at = c->draft->objects[o].ranges[i];
			size_t zone = zone_at(c, addr);
			if (zone == SIZE_MAX)
				CONF_ERROR(c->diags, at,
					   "a MAC address makes it a station of its zone: one zone has to have it in its key addresses",
					   "%s belongs to no zone", zg_addr_str(addr, text));
			else if (!is_station(c, addr, &host->mac))
				all[n++] = (struct adopted){ zone, { *addr, host->mac, at.line }, at };
		}
	}
	return n;
}

/* Hosts with a MAC address are stations of the zones in which their addresses lie. */
static enum zg_err adopt_hosts(struct check *c)
{
	size_t n = 0, counts[ZG_ZONES_MAX] = { 0 };
	for (size_t o = 0; o < c->policy->n_objects && c->space_good; o++)
		n += c->policy->objects[o].has_mac ? c->policy->objects[o].n_ranges : 0;
	if (n == 0)
		return ZG_OK;
	struct adopted *all = calloc(n, sizeof *all);
	enum zg_err err = all == NULL ? ZG_ENOMEM : collect_stations(c);
	n = err == ZG_OK ? find_adopted(c, all) : 0;
	for (size_t i = 0; i < n; i++)
		counts[all[i].zone]++;
	for (size_t z = 0; z < c->policy->n_zones && err == ZG_OK; z++) {
		struct zg_zone *zone = &c->draft->policy->zones[z];
		struct draft_zone *draft = &c->draft->zones[z];
		struct zg_station *stations = reallocarray(zone->stations, zone->n_stations + counts[z] + 1, sizeof *stations);
		if (stations != NULL)
			zone->stations = stations;
		struct conf_at *ats = reallocarray(draft->stations, zone->n_stations + counts[z] + 1, sizeof *ats);
		if (ats != NULL)
			draft->stations = ats;
		if (stations == NULL || ats == NULL)
			err = ZG_ENOMEM;
	}
	for (size_t i = 0; i < n && err == ZG_OK; i++) {
		struct zg_zone *zone = &c->draft->policy->zones[all[i].zone];
		c->draft->zones[all[i].zone].stations[zone->n_stations] = all[i].at;
		zone->stations[zone->n_stations++] = all[i].station;
	}
	free(all);
	return err;
}

static enum zg_err check_stations(struct check *c)
{
	char text[ZG_ADDRSTR_MAX], line[ZG_LINE_STR_MAX];
	enum zg_err err = adopt_hosts(c);
	if (err == ZG_OK)
		err = collect_stations(c);
	for (size_t i = 0; i < c->n_stations && err == ZG_OK; i++) {
		const struct station_of *s = &c->stations[i];
		struct zg_range range = { s->station->addr, s->station->addr };
		struct conf_at at = c->draft->zones[s->zone].stations[s->index];
		check_inside(c, &range, s->zone, at, 0);
		if (i > 0 && zg_addr_cmp(&s[-1].station->addr, &s->station->addr) == 0)
			CONF_ERROR(c->diags, at, "an address has one MAC address", "station %s is there already, %s",
				   zg_addr_str(&s->station->addr, text),
				   zg_files_line(c->draft->files, s[-1].station->line, line));
	}
	return err;
}

/* --- flows ------------------------------------------------------------------------------------- */

/* Clause 2.6(3)(1): a communication with the My Number zone that was approved one by one is limited by route
 * (MAC address, IP address) and application protocol (port); its form has all of it. */
static void check_form(const struct check *c, const struct zg_flow *flow, const struct draft_flow *draft,
		       enum zg_relation relation)
{
	if (relation == ZG_RELATION_SPECIFIC && !flow->specific)
		CONF_ERROR(c->diags, draft->at,
			   "write it as specific = ( { name = ...; from = ...; to = ...; client = ...; client_mac = ...; server = "
			   "...; server_mac = ...; protocol = ...; port = ...; inspector = ...; ticket = ...; approver = ...; "
			   "purpose = ...; expires = ...; } );",
			   "a flow with the My Number zone is a 特定通信, and has a form of its own (clause 2.6(3)①)");
	else if (relation != ZG_RELATION_SPECIFIC && flow->specific)
		CONF_ERROR(c->diags, draft->at, "write it into flows",
			   "zones \"%s\" and \"%s\" have no 特定通信: that is one between My Number and LGWAN or management",
			   zone_name(c, flow->from), zone_name(c, flow->to));
}

/* Clause 2.6(3)(2): between LGWAN and Internet only what is sanitised, or what the body's model is made of. */
static void check_sanitised(const struct check *c, const struct zg_flow *flow, const struct draft_flow *draft)
{
	const enum zg_model model = c->policy->model;
	const struct zg_zone *from = &c->policy->zones[flow->from], *to = &c->policy->zones[flow->to];
	enum zg_model other;
	char hint[128];
	if (flow->inspector == NULL)
		return; /* missing, or an opaque one: reported already */
	switch (zg_model_says(model, from->kind, to->kind, flow->inspector->name, &other)) {
	case ZG_MODEL_EXPECTED:
		return;
	case ZG_MODEL_CONTRADICTS:
		snprintf(hint, sizeof hint, "such a flow belongs to model = \"%s\"; zonegate.conf(5) has the table of each model",
			 zg_model_name(other));
		CONF_ERROR(c->diags, draft->inspector, hint, "%s from zone \"%s\" (%s) to zone \"%s\" (%s) contradicts the model %s",
			   flow->inspector->name, from->name, zg_kind_name(from->kind), to->name, zg_kind_name(to->kind),
			   zg_model_name(model));
		return;
	case ZG_MODEL_NOTHING:
		break;
	}
	if (!flow->inspector->sanitises)
		CONF_ERROR(c->diags, draft->inspector, "take an inspector that sanitises, as smtp does",
			   "inspector \"%s\" does not sanitise; between zone \"%s\" (%s) and zone \"%s\" (%s) only what is sanitised may "
			   "pass (無害化通信, clause 2.6(3)②)",
			   flow->inspector->name, from->name, zg_kind_name(from->kind), to->name, zg_kind_name(to->kind));
}

static void check_pair(const struct check *c, const struct zg_flow *flow, const struct draft_flow *draft)
{
	enum zg_kind from = c->policy->zones[flow->from].kind, to = c->policy->zones[flow->to].kind;
	if (flow->from == flow->to) {
		CONF_ERROR(c->diags, draft->to, "zonegate stands between zones; name two",
			   "the flow leads from zone \"%s\" into itself", zone_name(c, flow->from));
		return;
	}
	if (from == ZG_KIND_COUNT || to == ZG_KIND_COUNT)
		return; /* not known what they are: reported already */
	const enum zg_relation relation = zg_kind_relation(from, to);
	if (relation == ZG_RELATION_FORBIDDEN) {
		CONF_ERROR(c->diags, draft->to,
			   "take the flow out: nothing passes between the My Number zone and the Internet, and "
			   "there is no override",
			   "zone \"%s\" (%s) to zone \"%s\" (%s) is forbidden by clause 2.6(3)①",
			   zone_name(c, flow->from), zg_kind_name(from), zone_name(c, flow->to), zg_kind_name(to));
		return;
	}
	check_form(c, flow, draft, relation);
	if (relation == ZG_RELATION_SANITISED)
		check_sanitised(c, flow, draft);
}

/* One side of a flow. */
struct side {
	const struct zg_range *ranges;
	const uint32_t *objects;
	const struct conf_at *ats;
	size_t n;
	const char *name;
};

/* Ranges that can be used with none of the other side, since they are of another family. Of a name one address of the other
 * side's family is enough: a host with both may serve one with only one. */
static void check_families(const struct check *c, const struct side *side, const struct side *other)
{
	char via[CONF_VIA_MAX];
	bool has[2] = { false, false };
	for (size_t i = 0; i < other->n; i++)
		has[other->ranges[i].lo.family == ZG_IPV6] = true;
	for (size_t i = 0, end; i < side->n; i = end) {
		bool used = false;
		end = i;
		do {
			used = used || has[side->ranges[end].lo.family == ZG_IPV6];
			end++;
		} while (end < side->n && side->objects[i] != 0 && side->objects[end] == side->objects[i]);
		int family = side->ranges[i].lo.family == ZG_IPV6 ? 6 : 4;
		if (!used)
			CONF_ERROR(c->diags, side->ats[i], "add the other side's address of this family, or remove this one",
				   "IPv%d here%s, but no IPv%d %s", family, conf_via(c->draft, side->objects[i], via), family,
				   other->name);
	}
}

static void check_transport(const struct check *c, enum zg_transport transport, const struct zg_inspector *inspector,
			    struct conf_at at)
{
	const char *word = transport == ZG_UDP ? "udp" : "tcp";
	if (transport == 0)
		return;
	for (uint32_t i = 1; zg_inspector_by_index(i) != NULL; i++) {
		if (zg_inspector_by_index(i)->transport == transport && zg_inspector_usable(zg_inspector_by_index(i))) {
			if (inspector != NULL && inspector->transport != transport)
				CONF_ERROR(c->diags, at, "choose the inspector's own protocol",
					   "inspector \"%s\" does not inspect %s", inspector->name, word);
			return;
		}
	}
	CONF_ERROR(c->diags, at, "only what is inspected may pass; write protocol = \"tcp\"", "no inspector takes %s yet",
		   word);
}

static void check_flow(const struct check *c, const struct zg_flow *flow, const struct draft_flow *draft)
{
	const struct side source = { flow->sources, flow->source_objects, draft->sources, flow->n_sources, "source" };
	const struct side destination = { flow->destinations, flow->destination_objects, draft->destinations,
					  flow->n_destinations, "destination" };
	bool from = flow->from != SIZE_MAX, to = flow->to != SIZE_MAX;
	for (size_t i = 0; from && i < flow->n_sources; i++)
		check_inside(c, &flow->sources[i], flow->from, draft->sources[i], flow->source_objects[i]);
	for (size_t i = 0; to && i < flow->n_destinations; i++)
		check_inside(c, &flow->destinations[i], flow->to, draft->destinations[i], flow->destination_objects[i]);
	if (from && to)
		check_pair(c, flow, draft);
	if (flow->service == 0 && (!flow->specific || flow->inspector != NULL)) /* what is opaque has no inspector to fit */
		check_transport(c, flow->transport, flow->inspector, draft->protocol);
	if (draft->broken)
		return; /* the missing address may be of the missing family */
	check_families(c, &source, &destination);
	check_families(c, &destination, &source);
}

enum zg_err conf_check(const struct conf_draft *draft, struct zg_diags *diags)
{
	struct check c = { .draft = draft, .policy = draft->policy, .diags = diags };
	enum zg_err err = check_names(&c);
	if (err != ZG_OK)
		return err;
	size_t errors = diags->errors;
	err = conf_space_build(draft, diags, &c.space);
	if (err != ZG_OK)
		return err;
	c.space_good = !draft->zones_broken && diags->errors == errors;
	err = check_stations(&c);
	if (err != ZG_OK)
		goto out;
	for (size_t i = 0; i < c.policy->n_services; i++)
		check_transport(&c, c.policy->services[i].transport, c.policy->services[i].inspector, draft->services[i].protocol);
	for (size_t f = 0; f < c.policy->n_flows; f++)
		check_flow(&c, &c.policy->flows[f], &draft->flows[f]);
	err = conf_check_overlap(draft, diags);
	if (err == ZG_OK && diags->errors == 0) /* who uses what is known only then */
		err = conf_check_times(draft, diags);
out:
	free(c.stations);
	conf_space_free(&c.space);
	return err;
}
