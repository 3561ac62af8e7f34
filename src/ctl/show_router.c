/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router itself may be told and may say, for people and for programs. */
#include <netinet/in.h>
#include <stdio.h>

#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/show.h"

const char *zg_router_protocol_str(const struct zg_router_rule *rule, char buf[static 16])
{
	switch (rule->protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case ZG_ROUTER_ICMP:
		return "ping";
	default:
		snprintf(buf, 16, "%u", (unsigned)rule->protocol);
		return buf;
	}
}

static void show_rule(const struct zg_policy *policy, const struct zg_router_rule *rule)
{
	char buf[16], range[2 * ZG_ADDRSTR_MAX];
	printf("  %-3s  %-15s %s %s", rule->out ? "out" : "in", rule->name, rule->out ? "to" : "from",
	       policy->zones[rule->zone].name);
	if (rule->iface != NULL)
		printf(" %s", rule->iface);
	printf(", %s", zg_router_protocol_str(rule, buf));
	for (size_t i = 0; i < rule->n_ports; i++)
		printf(" %s", zg_ports_str(&rule->ports[i], buf));
	putchar(':');
	for (size_t i = 0; i < rule->n_peers; i++)
		printf(" %s", zg_range_str(&rule->peers[i], range));
	if (rule->rate > 0)
		printf(", at most %u a second", (unsigned)rule->rate);
	putchar('\n');
}

void zg_show_router_text(const struct zg_policy *policy)
{
	puts("\nthe router itself");
	if (!policy->has_router)
		puts("  closed: there is no group router");
	for (size_t i = 0; i < policy->n_router; i++)
		show_rule(policy, &policy->router[i]);
}

static json_t *rule_json(const struct zg_policy *policy, const struct zg_router_rule *rule)
{
	char buf[16], range[2 * ZG_ADDRSTR_MAX];
	json_t *ports = json_array(), *peers = json_array();
	for (size_t i = 0; i < rule->n_ports; i++)
		json_array_append_new(ports, zg_json_text(zg_ports_str(&rule->ports[i], buf)));
	for (size_t i = 0; i < rule->n_peers; i++)
		json_array_append_new(peers, zg_json_text(zg_range_str(&rule->peers[i], range)));
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:i}", "direction", rule->out ? "out" : "in", "name",
			 zg_json_text(rule->name), "zone", zg_json_text(policy->zones[rule->zone].name), "interface",
			 zg_json_text(rule->iface), "protocol", zg_router_protocol_str(rule, buf), "ports", ports, "peers",
			 peers, "rate", rule->rate > 0 ? json_integer(rule->rate) : json_null(), "line", (int)rule->line);
}

json_t *zg_show_router_json(const struct zg_policy *policy)
{
	json_t *rules = policy->has_router ? json_array() : json_null();
	for (size_t i = 0; i < policy->n_router; i++)
		json_array_append_new(rules, rule_json(policy, &policy->router[i]));
	return rules;
}
