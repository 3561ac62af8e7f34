/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The group router: what the router itself may be told, and may say. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"

#define PROTOCOL_VRRP 112 /* RFC 5798 5.1.1.4 */
#define PROTOCOL_OSPF 89  /* RFC 2328 A.1 */
#define PROTOCOL_IGMP 2	  /* RFC 3376 4: how a router says which groups it listens to */
#define PORT_BGP      179
#define PORT_BFD      3784 /* RFC 5881 4, single hop */

/* A rule in the making, and where its parts stand. */
struct rule_pair {
	struct zg_router_rule *rule;
	struct draft_router_rule *draft;
};

/* One more rule, both halves zeroed; they may move when the next is made. False: too many, or no memory. */
static bool new_rule(struct reader *r, struct conf_at at, const char *key, struct rule_pair *ret_pair)
{
	struct zg_policy *policy = r->draft->policy;
	size_t n = policy->n_router;
	if (n == ZG_ROUTER_RULES_MAX) {
		CONF_ERROR(r->diags, at, "an entry may name several addresses and ports",
			   "more than %d entries for the router itself", ZG_ROUTER_RULES_MAX);
		return false;
	}
	if ((n & (n - 1)) == 0) {
		const size_t cap = n == 0 ? 1 : 2 * n;
		struct zg_router_rule *rules = reallocarray(policy->router, cap, sizeof *rules);
		if (rules != NULL)
			policy->router = rules;
		struct draft_router_rule *drafts = reallocarray(r->draft->router, cap, sizeof *drafts);
		if (drafts != NULL)
			r->draft->router = drafts;
		if (rules == NULL || drafts == NULL) {
			r->err = ZG_ENOMEM;
			return false;
		}
	}
	policy->router[n] = (struct zg_router_rule){
		.zone = SIZE_MAX, .line = at.line, .key = key, .name = reader_string(r, key)
	};
	r->draft->router[n] = (struct draft_router_rule){ .at = at };
	policy->n_router = n + 1;
	*ret_pair = (struct rule_pair){ &policy->router[n], &r->draft->router[n] };
	return r->err == ZG_OK;
}

static bool add_peer(struct reader *r, struct rule_pair *pair, const struct zg_range *range, struct conf_at at)
{
	const size_t n = pair->rule->n_peers;
	if (!reader_extend(r, &r->draft->policy->arena, &pair->rule->peers, n, sizeof *pair->rule->peers) ||
	    !reader_extend(r, &r->draft->arena, &pair->draft->peers, n, sizeof *pair->draft->peers))
		return false;
	pair->rule->peers[n] = *range;
	pair->draft->peers[n] = at;
	pair->rule->n_peers = n + 1;
	return true;
}

static void add_port(struct reader *r, struct rule_pair *pair, uint16_t port)
{
	if (port == 0)
		return;
	pair->rule->ports = reader_alloc(r, 1, sizeof *pair->rule->ports);
	if (pair->rule->ports == NULL)
		return;
	pair->rule->ports[0] = (struct zg_ports){ port, port };
	pair->rule->n_ports = 1;
}

/* --- entries with addresses of a zone: manage, services, ping ------------------------------------------------ */

static void read_name(struct reader *r, const config_setting_t *value, void *object)
{
	struct rule_pair *pair = object;
	take_name(r, value, &pair->rule->name);
}

static void read_zone_of(struct reader *r, const config_setting_t *value, void *object)
{
	struct rule_pair *pair = object;
	pair->rule->zone = read_zone_name(r, value);
}

static void read_peers(struct reader *r, const config_setting_t *value, void *object)
{
	struct rule_pair *pair = object;
	struct addresses all = { 0 };
	take_addresses(r, value, &all);
	pair->draft->peers = all.ats;
	pair->rule->peers = all.ranges;
	pair->rule->peer_objects = all.objects;
	pair->rule->n_peers = all.n;
}

static void read_protocol(struct reader *r, const config_setting_t *value, void *object)
{
	static const char *const words[] = { "tcp", "udp", "icmp" };
	static const uint8_t numbers[] = { IPPROTO_TCP, IPPROTO_UDP, ZG_ROUTER_ICMP };
	struct rule_pair *pair = object;
	/* nobody has a service for echo requests on the router: those are under ping */
	const size_t n = pair->rule->out ? 3 : 2;
	uint32_t i;
	if (take_word(r, value, words, n, &i))
		pair->rule->protocol = numbers[i];
}

static void read_port(struct reader *r, const config_setting_t *value, void *object)
{
	struct rule_pair *pair = object;
	struct conf_at *ats = NULL;
	take_port_list(r, value, &pair->rule->ports, &ats, &pair->rule->n_ports);
}

/* "10/s" */
static void read_rate(struct reader *r, const config_setting_t *value, void *object)
{
	struct rule_pair *pair = object;
	const char *text = text_of(r, value);
	char *end = NULL;
	if (text == NULL)
		return;
	unsigned long rate = text[0] >= '1' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
	if (rate == 0 || rate > 100000 || strcmp(end, "/s") != 0)
		CONF_ERROR(r->diags, place_of(value)->value, "write packets a second, as \"10/s\", from 1 to 100000",
			   "\"%s\" is not a rate", text);
	else
		pair->rule->rate = (uint32_t)rate;
}

/* A port belongs to TCP and UDP, and to nothing else. */
static void check_port(struct reader *r, const struct rule_pair *pair)
{
	const bool icmp = pair->rule->protocol == ZG_ROUTER_ICMP;
	if (icmp && pair->rule->n_ports > 0)
		CONF_ERROR(r->diags, pair->draft->at, "take the port out", "icmp has no ports");
	else if (!icmp && pair->rule->ports == NULL)
		CONF_ERROR(r->diags, pair->draft->at, "port = 22;", "tcp and udp need a port");
}

static const struct key manage_keys[] = {
	{ "name", NULL, read_name },
	{ "from", "from = \"management\"; is the zone that the administrators sit in", read_zone_of },
	{ "source", "source = [ \"10.40.0.5\" ];", read_peers },
	{ "protocol", NULL, read_protocol },
	{ "port", "port = 22;", read_port },
};
static const struct key service_keys[] = {
	{ "name", "name = \"backup\";", read_name },
	{ "to", "to = \"management\"; is the zone that answers", read_zone_of },
	{ "destination", "destination = [ \"10.40.0.7\" ];", read_peers },
	{ "protocol", "protocol = \"tcp\", \"udp\" or \"icmp\";", read_protocol },
	{ "port", NULL, read_port },
};
static const struct key ping_keys[] = {
	{ "from", "from = \"management\";", read_zone_of },
	{ "source", "source = [ \"10.40.0.0/24\" ];", read_peers },
	{ "rate", NULL, read_rate },
};

/* The lists of the group, by their key. */
static const struct list {
	const char *key;
	struct group group;
	bool out;
	uint8_t protocol; /* unless the entry says another */
	uint32_t rate;
} lists[] = {
	{ "manage", { "manage", manage_keys, sizeof manage_keys / sizeof *manage_keys, NULL }, false, IPPROTO_TCP, 0 },
	{ "services", { "services", service_keys, sizeof service_keys / sizeof *service_keys, NULL }, true, IPPROTO_TCP, 0 },
	{ "ping", { "ping", ping_keys, sizeof ping_keys / sizeof *ping_keys, NULL }, false, ZG_ROUTER_ICMP, ZG_ROUTER_PING_RATE },
};

static void read_list(struct reader *r, const config_setting_t *value, void *object)
{
	const struct list *list = lists;
	(void)object;
	while (strcmp(list->key, config_setting_name(value)) != 0)
		list++;
	if (!config_setting_is_list(value)) {
		wrong_type(r, value, "a list ( { ... }, { ... } )");
		return;
	}
	size_t n = (size_t)config_setting_length(value);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		struct rule_pair pair;
		if (!new_rule(r, place_of(element)->value, list->key, &pair))
			return;
		pair.rule->out = list->out;
		pair.rule->protocol = list->protocol;
		pair.rule->rate = list->rate;
		if (read_group(r, element, &list->group, &pair))
			check_port(r, &pair);
	}
}

/* --- services that every router has: a list of addresses says all ------------------------------------------------ */

static const struct {
	const char *key;
	uint8_t protocol;
	uint16_t port;
} known[] = {
	{ "ntp", IPPROTO_UDP, 123 },
	{ "dns", IPPROTO_UDP, 53 },
	{ "dns", IPPROTO_TCP, 53 }, /* RFC 7766: a resolver needs both */
	{ "syslog", IPPROTO_UDP, 514 },
	{ "syslog_tls", IPPROTO_TCP, 6514 },
	{ "journal_upload", IPPROTO_TCP, 19532 },
	{ "av_update", IPPROTO_TCP, 443 },
};

/* The zone is that of the address. */
static size_t zone_of(struct reader *r, const struct zg_range *range, struct conf_at at)
{
	char text[2 * ZG_ADDRSTR_MAX];
	const struct zg_zone *zone = r->draft->zones_broken ? NULL : zg_policy_zone_of(r->draft->policy, &range->lo);
	if (zone != NULL)
		return (size_t)(zone - r->draft->policy->zones);
	if (!r->draft->zones_broken)
		CONF_ERROR(r->diags, at, "name an address of one of the zones", "%s belongs to no zone",
			   zg_range_str(range, text));
	return SIZE_MAX;
}

static void read_known(struct reader *r, const config_setting_t *value, void *object)
{
	const char *key = config_setting_name(value);
	const size_t n = count_of(r, value, ZG_ROUTER_RULES_MAX);
	(void)object;
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *element = element_of(value, i);
		const struct conf_at at = place_of(element)->value;
		struct zg_range range;
		if (!take_range(r, element, &range))
			continue;
		const size_t zone = zone_of(r, &range, at);
		for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
			struct rule_pair pair;
			if (strcmp(known[k].key, key) != 0)
				continue;
			if (!new_rule(r, at, known[k].key, &pair) || !add_peer(r, &pair, &range, at))
				return;
			pair.rule->out = true;
			pair.rule->zone = zone;
			pair.rule->protocol = known[k].protocol;
			add_port(r, &pair, known[k].port);
		}
	}
}

/* --- other routers: named neighbours on named interfaces --------------------------------------------------------- */

static const struct neighbour_protocol {
	const char *key;
	uint8_t protocol;
	uint16_t port;
	bool unicast;		  /* the router speaks to the neighbour itself too */
	const char *groups[3];	  /* to which the router speaks */
} protocols[] = {
	{ "vrrp", PROTOCOL_VRRP, 0, false, { "224.0.0.18", "ff02::12", NULL } },
	{ "ospf", PROTOCOL_OSPF, 0, true, { "224.0.0.5-224.0.0.6", "ff02::5-ff02::6", NULL } },
	{ "bgp", IPPROTO_TCP, PORT_BGP, true, { NULL } },
	{ "bfd", IPPROTO_UDP, PORT_BFD, true, { NULL } },
};

struct neighbour {
	size_t zone;
	const char *iface; /* lives as long as the tree */
	struct zg_range *peers;
	struct conf_at *ats;
	size_t n_peers;
};

static void read_interface(struct reader *r, const config_setting_t *value, void *object)
{
	struct neighbour *neighbour = object;
	const struct zg_policy *policy = r->draft->policy;
	neighbour->iface = text_of(r, value);
	const struct zg_zone *zone =
		neighbour->iface != NULL ? zg_policy_zone_of_iface(policy, neighbour->iface) : NULL;
	if (zone != NULL)
		neighbour->zone = (size_t)(zone - policy->zones);
	else if (neighbour->iface != NULL && !r->draft->zones_broken)
		CONF_ERROR(r->diags, place_of(value)->value, "name an interface of one of the zones",
			   "\"%s\" is in no zone", neighbour->iface);
}

/* An address of the zone, or of the link alone (fe80::): there routers meet. */
static bool take_neighbour(struct reader *r, const config_setting_t *value, struct zg_range *ret_range)
{
	struct zg_addr addr;
	const char *text = text_of(r, value);
	if (text == NULL)
		return false;
	if (zg_addr_parse(text, &addr) == ZG_OK && zg_addr_link_local(&addr)) {
		*ret_range = (struct zg_range){ addr, addr };
		return true;
	}
	if (!take_range(r, value, ret_range))
		return false;
	if (zg_addr_cmp(&ret_range->lo, &ret_range->hi) == 0)
		return true;
	CONF_ERROR(r->diags, place_of(value)->value, "name each neighbour",
		   "\"%s\" is more than one neighbour", text);
	return false;
}

static void read_neighbours(struct reader *r, const config_setting_t *value, void *object)
{
	struct neighbour *neighbour = object;
	const size_t n = count_of(r, value, ZG_ROUTER_RULES_MAX);
	neighbour->peers = draft_alloc(r, n, sizeof *neighbour->peers);
	neighbour->ats = draft_alloc(r, n, sizeof *neighbour->ats);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		if (take_neighbour(r, element, &neighbour->peers[neighbour->n_peers]))
			neighbour->ats[neighbour->n_peers++] = place_of(element)->value;
	}
}

/* One direction of what is said between the router and a neighbour. */
static bool neighbour_rule(struct reader *r, const struct neighbour_protocol *p, const struct neighbour *neighbour,
			   struct conf_at at, bool out, struct rule_pair *ret_pair)
{
	if (!new_rule(r, at, p->key, ret_pair))
		return false;
	ret_pair->rule->out = out;
	ret_pair->rule->zone = neighbour->zone;
	ret_pair->rule->iface = reader_string(r, neighbour->iface);
	ret_pair->rule->protocol = p->protocol;
	add_port(r, ret_pair, p->port);
	return r->err == ZG_OK;
}

/* To the groups of the protocol in this family, and that the router listens to them. */
static void group_rules(struct reader *r, const struct neighbour_protocol *p, const struct neighbour *neighbour,
			struct conf_at at)
{
	static const struct neighbour_protocol igmp = { "igmp", PROTOCOL_IGMP, 0, false, { "224.0.0.22", NULL } };
	bool has[2] = { false, false };
	for (size_t i = 0; i < neighbour->n_peers; i++)
		has[neighbour->peers[i].lo.family == ZG_IPV6] = true;
	for (size_t i = 0; p->groups[i] != NULL && r->err == ZG_OK; i++) {
		struct rule_pair pair;
		struct zg_range range;
		if (zg_range_parse(p->groups[i], &range) != ZG_OK || !has[range.lo.family == ZG_IPV6])
			continue;
		if (!neighbour_rule(r, p, neighbour, at, true, &pair) || !add_peer(r, &pair, &range, at))
			return;
		pair.rule->group = true;
		/* IPv6 says it by MLD, which neighbour discovery's rules have */
		if (range.lo.family == ZG_IPV4 && p != &igmp)
			group_rules(r, &igmp, neighbour, at);
	}
}

static void add_neighbour(struct reader *r, const struct neighbour_protocol *p, const struct neighbour *neighbour,
			  struct conf_at at)
{
	for (int out = 0; out < (p->unicast ? 2 : 1); out++) {
		struct rule_pair pair;
		if (!neighbour_rule(r, p, neighbour, at, out == 1, &pair))
			return;
		for (size_t i = 0; i < neighbour->n_peers; i++)
			if (!add_peer(r, &pair, &neighbour->peers[i], neighbour->ats[i]))
				return;
	}
	group_rules(r, p, neighbour, at);
}

static void read_protocol_list(struct reader *r, const config_setting_t *value, void *object)
{
	static const struct key keys[] = {
		{ "interface", "interface = \"eth1\"; is where the neighbour is", read_interface },
		{ "address", "address = [ \"10.40.0.2\" ];", read_neighbours },
	};
	const struct neighbour_protocol *p = protocols;
	(void)object;
	while (strcmp(p->key, config_setting_name(value)) != 0)
		p++;
	const struct group group = { p->key, keys, sizeof keys / sizeof *keys, NULL };
	if (!config_setting_is_list(value)) {
		wrong_type(r, value, "a list ( { interface = ...; address = ...; }, ... )");
		return;
	}
	size_t n = (size_t)config_setting_length(value);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		struct neighbour neighbour = { .zone = SIZE_MAX };
		if (read_group(r, element, &group, &neighbour) && neighbour.zone != SIZE_MAX)
			add_neighbour(r, p, &neighbour, place_of(element)->value);
	}
}

void read_router(struct reader *r, const config_setting_t *setting, void *object)
{
	static const struct key keys[] = {
		{ "manage", NULL, read_list },
		{ "ping", NULL, read_list },
		{ "services", NULL, read_list },
		{ "ntp", NULL, read_known },
		{ "dns", NULL, read_known },
		{ "syslog", NULL, read_known },
		{ "syslog_tls", NULL, read_known },
		{ "journal_upload", NULL, read_known },
		{ "av_update", NULL, read_known },
		{ "vrrp", NULL, read_protocol_list },
		{ "ospf", NULL, read_protocol_list },
		{ "bgp", NULL, read_protocol_list },
		{ "bfd", NULL, read_protocol_list },
	};
	static const struct group group = { "router", keys, sizeof keys / sizeof *keys, NULL };
	r->draft->policy->has_router = true;
	read_group(r, setting, &group, object);
}
