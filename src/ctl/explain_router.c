/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets to the router itself, and from it. */
#include <netinet/icmp6.h>
#include <string.h>

#include "ctl/explain.h"
#include "ctl/show.h"
#include "zonegate/plan.h"

/* Neighbour discovery and its multicast listeners are judged by interface and type alone (zonegate.conf(5)). */
static bool is_discovery(const struct zg_question *q, bool in)
{
	static const uint8_t types_in[] = { 130, 131, 132, 133, 135, 136, 143 }, types_out[] = { 131, 132, 134, 135, 136, 143 };
	const struct zg_addr *peer = q->to_router ? &q->source : &q->destination;
	const uint8_t *types = in ? types_in : types_out;
	if (q->protocol != ZG_ROUTER_ICMP || peer->family != ZG_IPV6 || q->error)
		return false;
	for (size_t i = 0; i < (in ? sizeof types_in : sizeof types_out); i++)
		if (types[i] == q->icmp_type)
			return true;
	return false;
}

/* Of the link, or none yet: every interface of a zone may bring it. */
static bool is_of_link(const struct zg_addr *addr)
{
	static const struct zg_addr none = { .family = ZG_IPV6 };
	return zg_addr_link_local(addr) || (addr->family == ZG_IPV6 && zg_addr_cmp(addr, &none) == 0);
}

/* The interface is one of a zone, if it is known. */
static bool explain_iface(const struct zg_policy *policy, const char *iface, struct zg_explanation *answer)
{
	const struct zg_zone *zone = iface != NULL ? zg_policy_zone_of_iface(policy, iface) : NULL;
	if (iface == NULL)
		return true;
	if (zone == NULL)
		explain_step(answer, "interface", ZG_STEP_DENY, 0, "interface %s is in no zone", iface);
	else
		explain_step(answer, "interface", ZG_STEP_OK, zone->line, "interface %s belongs to zone %s (%s)", iface, zone->name,
			     zone->label);
	return zone != NULL;
}

/* Does the sender's address belong to where it came from, and to its MAC? */
static bool explain_sender(const struct zg_policy *policy, const struct zg_question *q, const struct zg_addr *sender,
			   struct zg_explanation *answer)
{
	static const char name[] = "source zone";
	char text[ZG_ADDRSTR_MAX];
	const struct zg_zone *zone = explain_zone_of(policy, sender);
	const struct zg_zone *from = q->iface_in != NULL ? zg_policy_zone_of_iface(policy, q->iface_in) : q->from;
	zg_addr_str(sender, text);
	if (is_of_link(sender)) {
		explain_step(answer, name, ZG_STEP_OK, 0, "%s belongs to the link", text);
		return true;
	}
	if (zone == NULL || (from != NULL && from != zone)) {
		explain_step(answer, name, ZG_STEP_DENY, zone != NULL ? zone->line : 0, "%s belongs to %s%s%s", text,
			     zone != NULL ? "zone " : "no zone", zone != NULL ? zone->name : "",
			     zone != NULL ? ": the source address is forged or the cable is in the wrong place" : "");
		return false;
	}
	explain_step(answer, name, ZG_STEP_OK, zone->line, "%s belongs to zone %s (%s)", text, zone->name, zone->label);
	return explain_station(zone, q, sender, answer);
}

/* The rule of the connection that the packet belongs to. */
static const struct zg_router_rule *rule_of(const struct zg_policy *policy, const struct zg_question *q, const char *iface)
{
	const struct zg_addr *peer = q->to_router ? &q->source : &q->destination;
	const uint8_t echo = peer->family == ZG_IPV6 ? EXPLAIN_ECHO6 : EXPLAIN_ECHO4;
	if (q->protocol == ZG_ROUTER_ICMP && q->icmp_type != echo)
		return NULL;
	const struct zg_router_rule *rule =
		zg_policy_router_rule(policy, q->from_router, iface, peer, q->protocol, q->destination_port);
	/* of a range of a zone only what a host can have */
	if (rule != NULL && !rule->group && !zg_addr_link_local(peer) && zg_plan_martian(peer))
		return NULL;
	return rule;
}

static void explain_rule(const struct zg_policy *policy, const struct zg_question *q, const char *iface,
			 struct zg_explanation *answer)
{
	static const char name[] = "entry";
	const struct zg_router_rule *rule = rule_of(policy, q, iface);
	answer->rule = rule;
	if (rule == NULL && !policy->has_router) {
		explain_step(answer, name, ZG_STEP_DENY, 0, "there is no group router: nothing is permitted to the router or from it");
	} else if (rule == NULL) {
		explain_step(answer, name, ZG_STEP_DENY, 0, "no entry of the group router permits it");
	} else {
		explain_step(answer, name, ZG_STEP_OK, rule->line, "entry %s permits it%s", rule->name,
			     q->reply ? ": it belongs to a connection of this entry" : "");
		if (rule->rate > 0 && !q->reply)
			explain_step(answer, "rate", ZG_STEP_NOTE, rule->line, "at most %u a second, of all who ask", (unsigned)rule->rate);
		answer->permit = true;
	}
}

static void explain_invalid(struct zg_explanation *answer)
{
	explain_step(answer, "state", ZG_STEP_DENY, 0, "it fits no connection that the kernel knows");
}

static void explain_in(const struct zg_policy *policy, const struct zg_question *q, const struct zg_addr *peer,
		       struct zg_explanation *answer)
{
	if (!explain_iface(policy, q->iface_in, answer) || !explain_sender(policy, q, peer, answer))
		return;
	if (is_discovery(q, true)) {
		explain_step(answer, "discovery", ZG_STEP_OK, 0, "hosts of a zone may look for their neighbours and for the router (RFC 4890)");
		answer->permit = true;
	} else if (q->invalid) {
		explain_invalid(answer);
	} else {
		explain_rule(policy, q, q->iface_in, answer);
	}
}

static void explain_out(const struct zg_policy *policy, const struct zg_question *q, struct zg_explanation *answer)
{
	const bool link = q->iface_out == NULL || zg_policy_zone_of_iface(policy, q->iface_out) != NULL;
	if (is_discovery(q, false) && link) {
		explain_step(answer, "discovery", ZG_STEP_OK, 0, "the router may look for its neighbours, and tell of itself (RFC 4890)");
		answer->permit = true;
	} else if (q->invalid) {
		explain_invalid(answer);
	} else if (q->error) {
		explain_step(answer, "error", ZG_STEP_OK, 0,
			     "the router tells both ends of a connection that the kernel knows what became of their packets");
		answer->permit = true;
	} else if (explain_iface(policy, q->iface_out, answer)) {
		explain_rule(policy, q, q->iface_out, answer);
	}
}

void explain_router(const struct zg_policy *policy, const struct zg_question *q, struct zg_explanation *answer)
{
	const struct zg_addr *peer = q->to_router ? &q->source : &q->destination;
	if (q->to_router && q->from_router) {
		explain_step(answer, "loopback", ZG_STEP_OK, 0, "what the router says to itself is not judged");
		answer->permit = true;
	} else if (q->to_router != q->reply) {
		explain_in(policy, q, peer, answer);
	} else {
		explain_out(policy, q, answer);
	}
}
