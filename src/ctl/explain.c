/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/show.h"
#include "zonegate/plan.h"

#define NEAR_MISSES 3 /* flows that nearly match, named */

void explain_step(struct zg_explanation *answer, const char *name, enum zg_step_result result, unsigned line, const char *format,
		  ...)
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

const struct zg_zone *explain_zone_of(const struct zg_policy *policy, const struct zg_addr *addr)
{
	return zg_plan_martian(addr) ? NULL : zg_policy_zone_of(policy, addr);
}

/* The zone of the interface it arrives on. False: a step says that there is none. */
static bool explain_interface(const struct zg_policy *policy, const struct zg_question *q, const struct zg_zone **ret_from,
			      struct zg_explanation *answer)
{
	const struct zg_zone *from = q->iface_in != NULL ? zg_policy_zone_of_iface(policy, q->iface_in) : q->from;
	if (q->iface_in != NULL && from == NULL) {
		explain_step(answer, "interface", ZG_STEP_DENY, 0, "interface %s is in no zone", q->iface_in);
		return false;
	}
	if (from != NULL)
		explain_step(answer, "interface", ZG_STEP_OK, from->line, "it arrives on an interface of zone %s (%s)", from->name,
			     from->label);
	*ret_from = from;
	return true;
}

/* The zone that the packet comes from, or NULL = denied. */
static const struct zg_zone *explain_source(const struct zg_policy *policy, const struct zg_question *q,
					    const struct zg_addr *sender, struct zg_explanation *answer)
{
	static const char name[] = "source zone";
	char addr[ZG_ADDRSTR_MAX];
	const struct zg_zone *zone = explain_zone_of(policy, sender), *from = NULL;
	zg_addr_str(sender, addr);
	if (!explain_interface(policy, q, &from, answer))
		return NULL;
	if (zone == NULL) {
		explain_step(answer, name, ZG_STEP_DENY, 0, "%s belongs to no zone", addr);
		return NULL;
	}
	if (from != NULL && from != zone) {
		explain_step(answer, name, ZG_STEP_DENY, zone->line,
			     "%s belongs to zone %s (%s): the source address is forged or the cable is in the wrong place", addr,
			     zone->name, zone->label);
		return NULL;
	}
	explain_step(answer, name, ZG_STEP_OK, zone->line, "%s belongs to zone %s (%s)%s", addr, zone->name, zone->label,
		     from == NULL ? "; from an interface of another zone it would be dropped as forged" : "");
	return zone;
}

bool explain_station(const struct zg_zone *zone, const struct zg_question *q, const struct zg_addr *sender,
		     struct zg_explanation *answer)
{
	static const char name[] = "station";
	char addr[ZG_ADDRSTR_MAX], mac[18], other[18];
	for (size_t i = 0; i < zone->n_stations; i++) {
		const struct zg_station *station = &zone->stations[i];
		if (zg_addr_cmp(&station->addr, sender) != 0)
			continue;
		zg_addr_str(&station->addr, addr);
		zg_mac_str(&station->mac, mac);
		if (q->mac == NULL) {
			explain_step(answer, name, ZG_STEP_NOTE, station->line,
			     "%s must come from MAC address %s, which is assumed here (say --mac)", addr, mac);
		} else if (memcmp(q->mac, &station->mac, sizeof station->mac) == 0) {
			explain_step(answer, name, ZG_STEP_OK, station->line, "%s comes from its own MAC address %s", addr,
			     mac);
		} else {
			explain_step(answer, name, ZG_STEP_DENY, station->line, "%s belongs to MAC address %s, not %s", addr,
			     mac, zg_mac_str(q->mac, other));
			return false;
		}
		return true;
	}
	return true;
}

static const struct zg_zone *explain_destination(const struct zg_policy *policy, const struct zg_question *q,
						 const struct zg_addr *receiver, struct zg_explanation *answer)
{
	static const char name[] = "destination zone";
	char addr[ZG_ADDRSTR_MAX];
	const struct zg_zone *zone = explain_zone_of(policy, receiver);
	zg_addr_str(receiver, addr);
	if (zone == NULL) {
		explain_step(answer, name, ZG_STEP_DENY, 0, "%s belongs to no zone", addr);
	} else if (q->iface_out != NULL && zg_policy_zone_of_iface(policy, q->iface_out) != zone) {
		explain_step(answer, name, ZG_STEP_DENY, zone->line, "%s belongs to zone %s (%s), and interface %s does not", addr,
			     zone->name, zone->label, q->iface_out);
		zone = NULL;
	} else {
		explain_step(answer, name, ZG_STEP_OK, zone->line, "%s belongs to zone %s (%s)", addr, zone->name, zone->label);
	}
	return zone;
}

/* Clause numbers of the Kashiwa policies. */
static const char *clause_of(const struct zg_zone *from, const struct zg_zone *to)
{
	return from->kind == ZG_KIND_MYNUMBER || to->kind == ZG_KIND_MYNUMBER ? "2.6(3)①" : "2.6(3)②";
}

static bool explain_pair(const struct zg_policy *policy, const struct zg_question *q, const struct zg_zone *from,
			 const struct zg_zone *to, struct zg_explanation *answer)
{
	static const char name[] = "zone pair";
	size_t n = 0, back = 0;
	const bool back_out = q->iface_in != NULL && q->iface_out != NULL && strcmp(q->iface_in, q->iface_out) == 0;
	if (from == to && from->within && back_out) {
		explain_step(answer, name, ZG_STEP_DENY, from->line, "nothing goes back through interface %s, by which it came", q->iface_in);
		return false;
	}
	if (from == to && from->within && from->n_ifaces > 1) {
		explain_step(answer, name, ZG_STEP_OK, from->line,
		     "zone %s permits packets from one of its interfaces to another, uninspected; back through the same one they are dropped",
		     from->name);
		answer->pass = true;
		return false;
	}
	if (from == to) {
		explain_step(answer, name, ZG_STEP_DENY, from->line, "no flow leads from zone %s into itself", from->name);
		return false;
	}
	answer->clause = clause_of(from, to);
	if (zg_kind_relation(from->kind, to->kind) == ZG_RELATION_FORBIDDEN) {
		explain_step(answer, name, ZG_STEP_DENY, 0, "%s to %s is forbidden without exception (clause %s)", from->name,
		     to->name, answer->clause);
		return false;
	}
	for (size_t f = 0; f < policy->n_flows; f++) {
		const struct zg_flow *flow = &policy->flows[f];
		n += &policy->zones[flow->from] == from && &policy->zones[flow->to] == to;
		back += &policy->zones[flow->from] == to && &policy->zones[flow->to] == from;
	}
	if (n == 0) {
		explain_step(answer, name, ZG_STEP_DENY, 0, "no flow is permitted from %s to %s%s", from->name, to->name,
		     back > 0 ? "; flows of the other direction let answers pass, not new connections" : "");
		return false;
	}
	explain_step(answer, name, ZG_STEP_OK, 0, "%zu %s permitted from %s to %s", n, n == 1 ? "flow is" : "flows are",
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
	const struct zg_flow *near[NEAR_MISSES];
	const char *why[NEAR_MISSES];
	size_t n_near = 0;
	for (size_t f = 0; f < policy->n_flows; f++) {
		const struct zg_flow *flow = &policy->flows[f];
		if (&policy->zones[flow->from] != from || &policy->zones[flow->to] != to)
			continue;
		bool source = in_ranges(flow->sources, flow->n_sources, &q->source);
		bool destination = in_ranges(flow->destinations, flow->n_destinations, &q->destination);
		bool port = in_ports(flow, q->destination_port), protocol = (uint8_t)flow->transport == q->protocol;
		if (source && destination && port && protocol) {
			explain_step(answer, name, ZG_STEP_OK, flow->line, "flow %s permits it (ticket %s, approved by %s)",
			     flow->name, flow->ticket, flow->approver);
			return flow;
		}
		if (n_near < NEAR_MISSES && source + destination + port + protocol == 3) {
			near[n_near] = flow;
			why[n_near++] = !source ? "source" : !destination ? "destination" : !port ? "port" : "protocol";
		}
	}
	explain_step(answer, name, ZG_STEP_DENY, 0, "no flow from %s to %s has this source, destination, protocol and port",
	     from->name, to->name);
	for (size_t i = 0; i < n_near; i++)
		explain_step(answer, "near miss", ZG_STEP_NOTE, near[i]->line, "flow %s would permit it but for the %s",
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
		explain_step(answer, name, ZG_STEP_DENY, schedule->line, "outside its schedule %s, which does not open again",
		     schedule->name);
		return false;
	}
	if (window.begin > now) {
		explain_step(answer, name, ZG_STEP_DENY, schedule->line, "outside its schedule %s; opens at %s", schedule->name,
		     zg_moment_str(window.begin, moment));
		return false;
	}
	explain_step(answer, name, ZG_STEP_OK, schedule->line, "within its schedule %s, until %s", schedule->name,
	     zg_moment_str(window.end, moment));
	return true;
}

/* What depends on how many others there are. */
static void explain_limits(const struct zg_flow *flow, struct zg_explanation *answer)
{
	static const char name[] = "limit";
	if (flow->rate.count != 0)
		explain_step(answer, name, ZG_STEP_NOTE, flow->line, "unless the flow has had %u new connections within a %s",
		     (unsigned)flow->rate.count, flow->rate.seconds == 1 ? "second" : "minute");
	if (flow->connections != 0)
		explain_step(answer, name, ZG_STEP_NOTE, flow->line, "unless the flow has %u connections already",
		     (unsigned)flow->connections);
}

static void explain_inspector(const struct zg_policy *policy, const struct zg_flow *flow, const struct zg_question *q, struct zg_explanation *answer)
{
	char day[16];
	answer->flow = flow;
	if (flow->clause != NULL)
		answer->clause = flow->clause;
	if (flow->expires != 0 && flow->expires <= q->now) {
		explain_step(answer, "expiry", ZG_STEP_DENY, flow->line, "flow %s expired at the end of %s", flow->name,
		     zg_expires_str(flow->expires, day));
		return;
	}
	if (flow->expires != 0)
		explain_step(answer, "expiry", ZG_STEP_OK, flow->line, "until the end of %s",
		     zg_expires_str(flow->expires, day));
	if (!explain_schedule(policy, flow, q->now, answer))
		return;
	explain_limits(flow, answer);
	if (flow->inspector != NULL)
		explain_step(answer, "inspector", ZG_STEP_OK, flow->line,
		     "inspector %s reads every byte in both directions; only what it accepts passes",
		     flow->inspector->name);
	else
		explain_step(answer, "opaque", ZG_STEP_NOTE, flow->line,
		     "nothing reads what is said: 特定通信, limited by MAC address, IP address and port");
	answer->inspect = true;
	if (flow->inspector != NULL && flow->inspector->blind != NULL)
		explain_step(answer, "inspector", ZG_STEP_NOTE, flow->line, "%s", flow->inspector->blind);
}

static bool is_isolated(const struct zg_question *q, const struct zg_zone *zone)
{
	for (size_t i = 0; i < q->n_isolated; i++)
		if (strcmp(q->isolated[i], "*") == 0 || strcmp(q->isolated[i], zone->name) == 0)
			return true;
	return false;
}

/* First of all: an emergency asks for nothing else. The zones of both ends, and those of the interfaces that are known. */
static bool explain_isolation(const struct zg_policy *policy, const struct zg_question *q, struct zg_explanation *answer)
{
	const struct zg_addr *sender = q->reply ? &q->destination : &q->source;
	const struct zg_addr *receiver = q->reply ? &q->source : &q->destination;
	const struct zg_zone *const ends[] = {
		q->iface_in != NULL ? zg_policy_zone_of_iface(policy, q->iface_in) : q->from,
		zg_policy_zone_of(policy, sender),
		q->iface_out != NULL ? zg_policy_zone_of_iface(policy, q->iface_out) : NULL,
		zg_policy_zone_of(policy, receiver),
	};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		if (ends[i] == NULL || !is_isolated(q, ends[i]))
			continue;
		explain_step(answer, "isolation", ZG_STEP_DENY, ends[i]->line,
			     "zone %s (%s) is cut off (zonegatectl isolate): nothing passes %s", ends[i]->name, ends[i]->label,
			     i < 2 ? "from it" : "to it");
		return false;
	}
	return true;
}

static bool list_applies(const struct zg_policy *policy, const struct zg_blocklist_conf *list, const struct zg_zone *const ends[static 2])
{
	for (size_t i = 0; i < list->n_zones; i++)
		for (size_t end = 0; end < 2; end++)
			if (&policy->zones[list->zones[i]] == ends[end])
				return true;
	return list->n_zones == 0;
}

/* False, and a step: one of its addresses is on this list. */
static bool explain_list(const struct zg_blocklist_conf *conf, const struct zg_blocklist *list, const struct zg_addr *const addrs[static 2],
			 struct zg_explanation *answer)
{
	char text[ZG_ADDRSTR_MAX];
	for (size_t end = 0; end < 2; end++) {
		const struct zg_block_entry *entry = zg_blocklist_find(list, addrs[end]);
		if (entry == NULL)
			continue;
		explain_step(answer, "blocklist", ZG_STEP_DENY, conf->line, "%s is on the list %s: line %u of its file %s",
			     zg_addr_str(addrs[end], text), conf->name, (unsigned)entry->line, conf->file);
		return false;
	}
	return true;
}

/* Lists are asked before all flows, for every packet. False: one of them refuses it. */
static bool explain_lists(const struct zg_policy *policy, const struct zg_question *q, const struct zg_addr *sender,
			  const struct zg_addr *receiver, struct zg_explanation *answer)
{
	const struct zg_zone *const ends[] = {
		q->iface_in != NULL ? zg_policy_zone_of_iface(policy, q->iface_in) : q->from != NULL ? q->from : zg_policy_zone_of(policy, sender),
		q->iface_out != NULL ? zg_policy_zone_of_iface(policy, q->iface_out) : zg_policy_zone_of(policy, receiver),
	};
	size_t asked = 0, unknown = 0;
	unsigned line = 0;
	for (size_t i = 0; i < policy->n_blocklists; i++) {
		const struct zg_blocklist_conf *conf = &policy->blocklists[i];
		const struct zg_blocklist *list = q->lists != NULL ? q->lists[i] : NULL;
		if (!list_applies(policy, conf, ends))
			continue;
		line = list == NULL && unknown++ == 0 ? conf->line : line;
		asked++;
		if (list != NULL && !explain_list(conf, list, (const struct zg_addr *const[]){ sender, receiver }, answer))
			return false;
	}
	if (unknown > 0)
		explain_step(answer, "blocklist", ZG_STEP_NOTE, line, "%zu %s asked before all flows; what %s is not known here", unknown,
			     unknown == 1 ? "list is" : "lists are", unknown == 1 ? "it holds" : "they hold");
	else if (asked > 0)
		explain_step(answer, "blocklist", ZG_STEP_OK, 0, "on none of %zu lists", asked);
	return true;
}

/* What meters have counted is not in the policy. */
static void explain_monitors(const struct zg_policy *policy, const struct zg_zone *from, struct zg_explanation *answer)
{
	for (size_t i = 0; i < policy->n_monitors; i++)
		if (&policy->zones[policy->monitors[i].zone] == from)
			explain_step(answer, "monitor", ZG_STEP_NOTE, policy->monitors[i].line,
				     "what zone %s opens is counted; a source that is blocked for now opens nothing", from->name);
}

/* An ICMP error about a connection of a permitted flow. */
static void explain_error(const struct zg_flow *flow, struct zg_explanation *answer)
{
	static const char name[] = "error";
	answer->inspect = flow->inspector != NULL;
	if (answer->inspect)
		explain_step(answer, name, ZG_STEP_NOTE, 0,
			     "an ICMP error goes to the connection's inspector; if it is true, zonegate tells the same in its own words");
	else
		explain_step(answer, name, ZG_STEP_DENY, flow->line,
			     "an ICMP error about a connection that nobody inspects cannot be checked, and does not pass");
}

/* Connections between two hosts. */
static void explain_forward(const struct zg_policy *policy, const struct zg_question *q, struct zg_explanation *answer)
{
	const struct zg_addr *sender = q->reply ? &q->destination : &q->source;
	const struct zg_addr *receiver = q->reply ? &q->source : &q->destination;
	if (q->source.family != q->destination.family) {
		explain_step(answer, "addresses", ZG_STEP_DENY, 0, "source and destination are of different families");
		return;
	}
	if (!explain_isolation(policy, q, answer) || !explain_lists(policy, q, sender, receiver, answer))
		return;
	const struct zg_zone *near = explain_source(policy, q, sender, answer);
	if (near == NULL || !explain_station(near, q, sender, answer))
		return;
	if (q->invalid) {
		explain_step(answer, "state", ZG_STEP_DENY, 0, "it fits no connection that the kernel knows");
		return;
	}
	const struct zg_zone *far = explain_destination(policy, q, receiver, answer);
	const struct zg_zone *from = q->reply ? far : near, *to = q->reply ? near : far;
	if (far == NULL)
		return;
	explain_monitors(policy, from, answer);
	if (!explain_pair(policy, q, from, to, answer))
		return;
	if (q->protocol == ZG_ROUTER_ICMP) {
		explain_step(answer, "protocol", ZG_STEP_DENY, 0,
			     "ICMP crosses no boundary by itself; only errors that belong to a permitted connection do");
		return;
	}
	const struct zg_flow *flow = explain_flow(policy, q, from, to, answer);
	if (flow != NULL)
		explain_inspector(policy, flow, q, answer);
	if (answer->inspect && q->error)
		explain_error(flow, answer);
}

void zg_explain(const struct zg_policy *policy, const struct zg_question *question, struct zg_explanation *ret_answer)
{
	memset(ret_answer, 0, sizeof *ret_answer);
	if (question->to_router || question->from_router)
		explain_router(policy, question, ret_answer);
	else
		explain_forward(policy, question, ret_answer);
}
