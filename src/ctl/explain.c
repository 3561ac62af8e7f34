/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/show.h"

#define NEAR_MISSES 3 /* flows that nearly match, named */

static void step(struct zg_explanation *answer, const char *name, enum zg_step_result result, unsigned line,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

static void step(struct zg_explanation *answer, const char *name, enum zg_step_result result, unsigned line,
		 const char *format, ...)
{
	if (answer->n_steps == EXPLAIN_STEPS_MAX)
		return;
	struct zg_step *s = &answer->steps[answer->n_steps++];
	s->name = name;
	s->result = result;
	s->line = line;
	va_list args;
	va_start(args, format);
	vsnprintf(s->text, sizeof s->text, format, args);
	va_end(args);
}

/* The zone that the packet comes from, or NULL = denied. */
static const struct zg_zone *explain_source(const struct zg_policy *policy, const struct zg_question *q,
					    struct zg_explanation *answer)
{
	static const char name[] = "source zone";
	char addr[ZG_ADDRSTR_MAX];
	const struct zg_zone *zone = zg_policy_zone_of(policy, &q->source);
	zg_addr_str(&q->source, addr);
	if (q->from != NULL)
		step(answer, "interface", ZG_STEP_OK, q->from->line, "it arrives on an interface of zone %s (%s)",
		     q->from->name, q->from->label);
	if (zone == NULL) {
		step(answer, name, ZG_STEP_DENY, 0, "%s belongs to no zone", addr);
		return NULL;
	}
	if (q->from != NULL && q->from != zone) {
		step(answer, name, ZG_STEP_DENY, zone->line,
		     "%s belongs to zone %s (%s): the source address is forged or the cable is in the wrong place",
		     addr, zone->name, zone->label);
		return NULL;
	}
	step(answer, name, ZG_STEP_OK, zone->line, "%s belongs to zone %s (%s)%s", addr, zone->name, zone->label,
	     q->from == NULL ? "; from an interface of another zone it would be dropped as forged" : "");
	return zone;
}

/* A station's address comes from its MAC address only. */
static bool explain_station(const struct zg_zone *zone, const struct zg_question *q, struct zg_explanation *answer)
{
	static const char name[] = "station";
	char addr[ZG_ADDRSTR_MAX], mac[18], other[18];
	for (size_t i = 0; i < zone->n_stations; i++) {
		const struct zg_station *station = &zone->stations[i];
		if (zg_addr_cmp(&station->addr, &q->source) != 0)
			continue;
		zg_addr_str(&station->addr, addr);
		zg_mac_str(&station->mac, mac);
		if (q->mac == NULL) {
			step(answer, name, ZG_STEP_NOTE, station->line,
			     "%s must come from MAC address %s, which is assumed here (say --mac)", addr, mac);
		} else if (memcmp(q->mac, &station->mac, sizeof station->mac) == 0) {
			step(answer, name, ZG_STEP_OK, station->line, "%s comes from its own MAC address %s", addr,
			     mac);
		} else {
			step(answer, name, ZG_STEP_DENY, station->line, "%s belongs to MAC address %s, not %s", addr,
			     mac, zg_mac_str(q->mac, other));
			return false;
		}
		return true;
	}
	return true;
}

static const struct zg_zone *explain_destination(const struct zg_policy *policy, const struct zg_question *q,
						 struct zg_explanation *answer)
{
	static const char name[] = "destination zone";
	char addr[ZG_ADDRSTR_MAX];
	const struct zg_zone *zone = zg_policy_zone_of(policy, &q->destination);
	zg_addr_str(&q->destination, addr);
	if (zone == NULL)
		step(answer, name, ZG_STEP_DENY, 0, "%s belongs to no zone", addr);
	else
		step(answer, name, ZG_STEP_OK, zone->line, "%s belongs to zone %s (%s)", addr, zone->name, zone->label);
	return zone;
}

/* Clause numbers of the Kashiwa policies. */
static const char *clause_of(const struct zg_zone *from, const struct zg_zone *to)
{
	return from->kind == ZG_KIND_MYNUMBER || to->kind == ZG_KIND_MYNUMBER ? "2.6(3)①" : "2.6(3)②";
}

static bool explain_pair(const struct zg_policy *policy, const struct zg_zone *from, const struct zg_zone *to,
			 struct zg_explanation *answer)
{
	static const char name[] = "zone pair";
	size_t n = 0, back = 0;
	if (from == to && from->within && from->n_ifaces > 1) {
		step(answer, name, ZG_STEP_OK, from->line,
		     "zone %s permits packets from one of its interfaces to another, uninspected; back through the same one they are dropped",
		     from->name);
		answer->pass = true;
		return false;
	}
	if (from == to) {
		step(answer, name, ZG_STEP_DENY, from->line, "no flow leads from zone %s into itself", from->name);
		return false;
	}
	answer->clause = clause_of(from, to);
	if (zg_kind_relation(from->kind, to->kind) == ZG_RELATION_FORBIDDEN) {
		step(answer, name, ZG_STEP_DENY, 0, "%s to %s is forbidden without exception (clause %s)", from->name,
		     to->name, answer->clause);
		return false;
	}
	for (size_t f = 0; f < policy->n_flows; f++) {
		const struct zg_flow *flow = &policy->flows[f];
		n += &policy->zones[flow->from] == from && &policy->zones[flow->to] == to;
		back += &policy->zones[flow->from] == to && &policy->zones[flow->to] == from;
	}
	if (n == 0) {
		step(answer, name, ZG_STEP_DENY, 0, "no flow is permitted from %s to %s%s", from->name, to->name,
		     back > 0 ? "; flows of the other direction let answers pass, not new connections" : "");
		return false;
	}
	step(answer, name, ZG_STEP_OK, 0, "%zu %s permitted from %s to %s", n, n == 1 ? "flow is" : "flows are",
	     from->name, to->name);
	return true;
}

static bool in_ranges(const struct zg_range *ranges, size_t n, const struct zg_addr *addr)
{
	for (size_t i = 0; i < n; i++) {
		if (zg_range_has(&ranges[i], addr))
			return true;
	}
	return false;
}

static bool in_ports(const struct zg_flow *flow, uint16_t port)
{
	for (size_t i = 0; i < flow->n_ports; i++) {
		if (port >= flow->ports[i].lo && port <= flow->ports[i].hi)
			return true;
	}
	return false;
}

static const struct zg_flow *explain_flow(const struct zg_policy *policy, const struct zg_question *q,
					  const struct zg_zone *from, const struct zg_zone *to,
					  struct zg_explanation *answer)
{
	static const char name[] = "flow";
	const enum zg_transport transport = q->protocol == ZG_ASKED_UDP ? ZG_UDP : ZG_TCP;
	const struct zg_flow *near[NEAR_MISSES];
	const char *why[NEAR_MISSES];
	size_t n_near = 0;
	for (size_t f = 0; f < policy->n_flows; f++) {
		const struct zg_flow *flow = &policy->flows[f];
		if (&policy->zones[flow->from] != from || &policy->zones[flow->to] != to)
			continue;
		bool source = in_ranges(flow->sources, flow->n_sources, &q->source);
		bool destination = in_ranges(flow->destinations, flow->n_destinations, &q->destination);
		bool port = in_ports(flow, q->destination_port), protocol = flow->transport == transport;
		if (source && destination && port && protocol) {
			step(answer, name, ZG_STEP_OK, flow->line, "flow %s permits it (ticket %s, approved by %s)",
			     flow->name, flow->ticket, flow->approver);
			return flow;
		}
		if (n_near < NEAR_MISSES && source + destination + port + protocol == 3) {
			near[n_near] = flow;
			why[n_near++] = !source ? "source" : !destination ? "destination" : !port ? "port" : "protocol";
		}
	}
	step(answer, name, ZG_STEP_DENY, 0, "no flow from %s to %s has this source, destination, protocol and port",
	     from->name, to->name);
	for (size_t i = 0; i < n_near; i++)
		step(answer, "near miss", ZG_STEP_NOTE, near[i]->line, "flow %s would permit it but for the %s",
		     near[i]->name, why[i]);
	return NULL;
}

static bool explain_schedule(const struct zg_policy *policy, const struct zg_flow *flow, time_t now,
			     struct zg_explanation *answer)
{
	static const char name[] = "schedule";
	struct zg_window window;
	char moment[32];
	if (flow->schedule == ZG_SCHEDULE_ALWAYS)
		return true;
	const struct zg_schedule *schedule = &policy->schedules[flow->schedule];
	if (!zg_flow_window(policy, flow, now, &window)) {
		step(answer, name, ZG_STEP_DENY, schedule->line, "outside its schedule %s, which does not open again",
		     schedule->name);
		return false;
	}
	if (window.begin > now) {
		step(answer, name, ZG_STEP_DENY, schedule->line, "outside its schedule %s; opens at %s", schedule->name,
		     zg_moment_str(window.begin, moment));
		return false;
	}
	step(answer, name, ZG_STEP_OK, schedule->line, "within its schedule %s, until %s", schedule->name,
	     zg_moment_str(window.end, moment));
	return true;
}

/* What depends on how many others there are. */
static void explain_limits(const struct zg_flow *flow, struct zg_explanation *answer)
{
	static const char name[] = "limit";
	if (flow->rate.count != 0)
		step(answer, name, ZG_STEP_NOTE, flow->line, "unless the flow has had %u new connections within a %s",
		     (unsigned)flow->rate.count, flow->rate.seconds == 1 ? "second" : "minute");
	if (flow->connections != 0)
		step(answer, name, ZG_STEP_NOTE, flow->line, "unless the flow has %u connections already",
		     (unsigned)flow->connections);
}

static void explain_inspector(const struct zg_policy *policy, const struct zg_flow *flow, const struct zg_question *q, struct zg_explanation *answer)
{
	char day[16];
	answer->flow = flow;
	if (flow->clause != NULL)
		answer->clause = flow->clause;
	if (flow->expires != 0 && flow->expires <= q->now) {
		step(answer, "expiry", ZG_STEP_DENY, flow->line, "flow %s expired at the end of %s", flow->name,
		     zg_expires_str(flow->expires, day));
		return;
	}
	if (flow->expires != 0)
		step(answer, "expiry", ZG_STEP_OK, flow->line, "until the end of %s",
		     zg_expires_str(flow->expires, day));
	if (!explain_schedule(policy, flow, q->now, answer))
		return;
	explain_limits(flow, answer);
	if (flow->inspector != NULL)
		step(answer, "inspector", ZG_STEP_OK, flow->line,
		     "inspector %s reads every byte in both directions; only what it accepts passes",
		     flow->inspector->name);
	else
		step(answer, "opaque", ZG_STEP_NOTE, flow->line,
		     "nothing reads what is said: 特定通信, limited by MAC address, IP address and port");
	answer->inspect = true;
}

static bool is_isolated(const struct zg_question *q, const struct zg_zone *zone)
{
	for (size_t i = 0; i < q->n_isolated && zone != NULL; i++)
		if (strcmp(q->isolated[i], "*") == 0 || strcmp(q->isolated[i], zone->name) == 0)
			return true;
	return false;
}

/* First of all: an emergency asks for nothing else. */
static bool explain_isolation(const struct zg_policy *policy, const struct zg_question *q, struct zg_explanation *answer)
{
	const struct zg_zone *const ends[] = { q->from != NULL ? q->from : zg_policy_zone_of(policy, &q->source),
					       zg_policy_zone_of(policy, &q->destination) };
	for (size_t i = 0; i < 2; i++) {
		if (!is_isolated(q, ends[i]))
			continue;
		step(answer, "isolation", ZG_STEP_DENY, ends[i]->line, "zone %s (%s) is cut off (zonegatectl isolate): nothing passes %s",
		     ends[i]->name, ends[i]->label, i == 0 ? "from it" : "to it");
		return false;
	}
	return true;
}

void zg_explain(const struct zg_policy *policy, const struct zg_question *question, struct zg_explanation *ret_answer)
{
	memset(ret_answer, 0, sizeof *ret_answer);
	if (question->source.family != question->destination.family) {
		step(ret_answer, "addresses", ZG_STEP_DENY, 0, "source and destination are of different families");
		return;
	}
	if (!explain_isolation(policy, question, ret_answer))
		return;
	const struct zg_zone *from = explain_source(policy, question, ret_answer);
	if (from == NULL || !explain_station(from, question, ret_answer))
		return;
	const struct zg_zone *to = explain_destination(policy, question, ret_answer);
	if (to == NULL || !explain_pair(policy, from, to, ret_answer))
		return;
	if (question->protocol == ZG_ASKED_ICMP) {
		step(ret_answer, "protocol", ZG_STEP_DENY, 0,
		     "ICMP crosses no boundary by itself; only errors that belong to a permitted connection do");
		return;
	}
	const struct zg_flow *flow = explain_flow(policy, question, from, to, ret_answer);
	if (flow != NULL)
		explain_inspector(policy, flow, question, ret_answer);
}
