/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a 特定通信: a communication with the My Number zone that was approved by itself. One client, one server, both
 * with their MAC addresses, single ports; who asked, who approved, what for, until when. The form is complete or refused.
 * What it is in the end is a flow, and two stations of its zones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/flow.h"

#define OPAQUE_HINT "write inspector = \"smtp\"; or, for what no inspector can read, opaque = true;"

static void read_end(struct reader *r, const config_setting_t *value, struct zg_range **ranges, uint32_t **objects,
		     struct conf_at **ats, size_t *n_ranges)
{
	struct addresses all = { 0 };
	if (!config_setting_is_scalar(value)) {
		wrong_type(r, value, "a string in quotes");
		return;
	}
	take_addresses(r, value, &all);
	*ranges = all.ranges;
	*objects = all.objects;
	*ats = all.ats;
	*n_ranges = all.n;
	if (all.n > 1 || (all.n == 1 && zg_addr_cmp(&all.ranges[0].lo, &all.ranges[0].hi) != 0))
		CONF_ERROR(r->diags, place_of(value)->value,
			   "each host is approved by itself (特定通信, clause 2.6(3)①): write one entry for each",
			   "\"%s\" is one address", key_of(value));
}

static void read_client(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->source = place_of(value)->value;
	read_end(r, value, &pair->flow->sources, &pair->flow->source_objects, &pair->draft->sources, &pair->flow->n_sources);
}

static void read_server(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->destination = place_of(value)->value;
	read_end(r, value, &pair->flow->destinations, &pair->flow->destination_objects, &pair->draft->destinations, &pair->flow->n_destinations);
}

static void read_client_mac(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->mac_at[0] = place_of(value)->value;
	take_mac(r, value, &pair->draft->macs[0]);
}

static void read_server_mac(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->mac_at[1] = place_of(value)->value;
	take_mac(r, value, &pair->draft->macs[1]);
}

/* true is all that there is to say: an inspected one names its inspector. */
static void read_opaque(struct reader *r, const config_setting_t *value, void *object)
{
	bool opaque;
	(void)object;
	if (take_bool(r, value, &opaque) && !opaque)
		CONF_ERROR(r->diags, place_of(value)->value, "take it out, and name the inspector", "opaque is true or not there");
}

static const struct key keys[] = {
	{ "name", "name = \"kihon-tsuchi\";", flow_read_name },
	{ "from", "from = \"mynumber\"; is the zone that opens the connection", flow_read_from },
	{ "to", "to = \"lgwan\"; is the zone that answers", flow_read_to },
	{ "client", "client = \"10.10.0.5\"; is the one host that opens the connection", read_client },
	{ "client_mac", "client_mac = \"00:53:00:00:00:01\"; a 特定通信 is limited by MAC address, IP address and port", read_client_mac },
	{ "server", "server = \"10.20.0.5\"; is the one host that answers", read_server },
	{ "server_mac", "server_mac = \"00:53:00:00:00:02\"; is its own or, behind a router, that of the router", read_server_mac },
	{ "protocol", "protocol = \"tcp\";", flow_read_protocol },
	{ "port", "port = 443;", flow_read_port },
	{ "inspector", NULL, flow_read_inspector },
	{ "opaque", NULL, read_opaque },
	{ "ticket", "ticket = \"...\"; is the number of the request", flow_read_ticket },
	{ "approver", "approver = \"...\"; a 特定通信 needs one who asks and one who approves", flow_read_approver },
	{ "purpose", "purpose = \"...\"; says what it was approved for", flow_read_purpose },
	{ "clause", NULL, flow_read_clause },
	{ "expires", "expires = \"2027-03-31\"; is its last day: an approval has a term", flow_read_expires },
	{ "schedule", NULL, flow_read_schedule },
};
static const struct group group = { "specific", keys, sizeof keys / sizeof keys[0], flow_other_key };

/* Inspected or opaque, one of both. */
static bool check_inspection(struct reader *r, const config_setting_t *setting)
{
	const config_setting_t *inspector = config_setting_get_member(setting, "inspector");
	const config_setting_t *opaque = config_setting_get_member(setting, "opaque");
	if (inspector == NULL && opaque == NULL)
		CONF_ERROR(r->diags, place_of(setting)->value, OPAQUE_HINT, "%s has neither key \"inspector\" nor \"opaque\"",
			   group.what);
	else if (inspector != NULL && opaque != NULL)
		CONF_ERROR(r->diags, place_of(opaque)->key, "what an inspector reads is not opaque: take one of both out",
			   "%s has both keys \"inspector\" and \"opaque\"", group.what);
	else
		return true;
	return false;
}

static void check_ports(struct reader *r, const struct flow_pair *pair)
{
	for (size_t i = 0; i < pair->flow->n_ports; i++) {
		if (pair->flow->ports[i].lo != pair->flow->ports[i].hi)
			CONF_ERROR(r->diags, pair->draft->ports[i],
				   "list the ports: each is approved by itself (特定通信, clause 2.6(3)①)",
				   "a range of ports in a 特定通信");
	}
}

/* Was this station not there yet? Now it is. */
static bool is_new_station(struct reader *r, size_t zone, const struct zg_addr *addr, const struct zg_mac *mac)
{
	char key[2 * ZG_ADDRSTR_MAX + 32], address[ZG_ADDRSTR_MAX], card[18];
	uint32_t twin = UINT32_MAX;
	snprintf(key, sizeof key, "%zu %s %s", zone, zg_addr_str(addr, address), zg_mac_str(mac, card));
	if (conf_names_find(&r->draft->stations, key, &twin))
		return false;
	const char *kept = zg_arena_string(&r->draft->arena, key);
	if (kept == NULL || conf_names_add(&r->draft->stations, kept, 0, &twin) != ZG_OK)
		r->err = ZG_ENOMEM;
	return r->err == ZG_OK;
}

/* Those that the zones name themselves. */
static void know_stations(struct reader *r)
{
	const struct zg_policy *policy = r->draft->policy;
	if (r->draft->stations.n > 0)
		return; /* for another file's list */
	for (size_t z = 0; z < policy->n_zones; z++)
		for (size_t i = 0; i < policy->zones[z].n_stations && r->err == ZG_OK; i++)
			is_new_station(r, z, &policy->zones[z].stations[i].addr, &policy->zones[z].stations[i].mac);
}

/* A station of its zone, once: the same host may have several communications. Another MAC address is found by the checks. */
static void add_station(struct reader *r, size_t zone_index, const struct zg_range *end, const struct zg_mac *mac,
			struct conf_at at)
{
	struct zg_zone *zone = &r->draft->policy->zones[zone_index];
	struct draft_zone *draft = &r->draft->zones[zone_index];
	if (!is_new_station(r, zone_index, &end->lo, mac))
		return;
	if (!reader_grow(r, &zone->stations, zone->n_stations, 1, sizeof *zone->stations) ||
	    !reader_grow(r, &draft->stations, zone->n_stations, 1, sizeof *draft->stations))
		return;
	zone->stations[zone->n_stations] = (struct zg_station){ end->lo, *mac, at.line };
	draft->stations[zone->n_stations++] = at;
}

static void read_specific(struct reader *r, const config_setting_t *setting, size_t index)
{
	struct flow_pair pair = { &r->draft->policy->flows[index], &r->draft->flows[index], NULL, false };
	struct zg_flow *flow = pair.flow;
	size_t errors = r->diags->errors;
	flow->specific = true;
	bool good = flow_read_form(r, setting, &group, &pair);
	if (config_setting_is_group(setting))
		good = check_inspection(r, setting) && good;
	check_ports(r, &pair);
	pair.draft->broken = !good || r->diags->errors != errors;
	if (pair.draft->broken || r->err != ZG_OK)
		return;
	add_station(r, flow->from, &flow->sources[0], &pair.draft->macs[0], pair.draft->mac_at[0]);
	if (r->err == ZG_OK)
		add_station(r, flow->to, &flow->destinations[0], &pair.draft->macs[1], pair.draft->mac_at[1]);
}

void read_specifics(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_policy *policy = r->draft->policy;
	(void)object;
	size_t begin = policy->n_flows, n = length_of(r, value, begin, ZG_FLOWS_MAX);
	if (!reader_grow(r, &policy->flows, begin, n, sizeof *policy->flows) ||
	    !reader_grow(r, &r->draft->flows, begin, n, sizeof *r->draft->flows))
		return;
	policy->n_flows = begin + n;
	know_stations(r);
	if (n > 0 && r->err == ZG_OK)
		read_elements(r, value, begin, read_specific);
}
