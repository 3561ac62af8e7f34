/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `show --json`. Members are only ever added; scripts/lab and other people's scripts read this. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/show.h"

static json_t *ranges_json(const struct zg_range *ranges, size_t n)
{
	char buf[2 * ZG_ADDRSTR_MAX];
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, zg_json_text(zg_range_str(&ranges[i], buf)));
	return array;
}

static json_t *zone_json(const struct zg_zone *zone)
{
	char addr[ZG_ADDRSTR_MAX], mac[18];
	json_t *ifaces = json_array(), *stations = json_array();
	for (size_t i = 0; i < zone->n_ifaces; i++)
		json_array_append_new(ifaces, zg_json_text(zone->ifaces[i]));
	for (size_t i = 0; i < zone->n_stations; i++)
		json_array_append_new(stations,
				      json_pack("{s:s, s:s}", "address", zg_addr_str(&zone->stations[i].addr, addr),
						"mac", zg_mac_str(&zone->stations[i].mac, mac)));
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:i}", "name", zg_json_text(zone->name), "kind",
			 zg_kind_name(zone->kind), "label", zg_json_text(zone->label), "interfaces", ifaces,
			 "addresses", ranges_json(zone->ranges, zone->n_ranges), "stations", stations, "line",
			 (int)zone->line);
}

static json_t *item_json(const struct zg_item *item, const void *config)
{
	const uint8_t *at = (const uint8_t *)config + item->offset;
	uint32_t number = 0;
	if (item->type == ZG_ITEM_BOOL)
		return json_boolean(*at);
	memcpy(&number, at, sizeof number);
	if (item->type == ZG_ITEM_INT)
		return json_integer(number);
	if (item->type == ZG_ITEM_ENUM)
		return zg_json_text(item->words[number]);
	json_t *array = json_array();
	for (uint32_t bit = 0; bit < 32 && item->words[bit] != NULL; bit++) {
		if ((number >> bit & 1) != 0)
			json_array_append_new(array, zg_json_text(item->words[bit]));
	}
	return array;
}

/* As it is written: "100/s". */
static json_t *rate_json(const struct zg_rate *rate)
{
	return rate->count == 0 ? json_null() : json_sprintf("%u/%s", rate->count, rate->seconds == 1 ? "s" : "min");
}

static json_t *flow_json(const struct zg_policy *policy, const struct zg_flow *flow)
{
	char buf[16];
	json_t *ports = json_array(), *config = json_object();
	for (size_t i = 0; i < flow->n_ports; i++)
		json_array_append_new(ports, zg_json_text(zg_ports_str(&flow->ports[i], buf)));
	for (size_t i = 0; flow->inspector != NULL && i < flow->inspector->n_items; i++)
		json_object_set_new(config, flow->inspector->items[i].key,
				    item_json(&flow->inspector->items[i], flow->config));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:b, s:o, s:s, s:o, s:o}", "name",
			 zg_json_text(flow->name), "from", zg_json_text(policy->zones[flow->from].name), "to",
			 zg_json_text(policy->zones[flow->to].name), "source",
			 ranges_json(flow->sources, flow->n_sources), "destination",
			 ranges_json(flow->destinations, flow->n_destinations), "protocol",
			 flow->transport == ZG_UDP ? "udp" : "tcp", "ports", ports, "inspector", zg_flow_inspector(flow),
			 "config", config, "purpose", zg_json_text(flow->purpose), "ticket", zg_json_text(flow->ticket),
			 "approver", zg_json_text(flow->approver), "clause", zg_json_text(flow->clause), "expires",
			 flow->expires != 0 ? zg_json_text(zg_expires_str(flow->expires, buf)) : json_null(), "line",
			 (int)flow->line, "specific", flow->specific, "schedule",
			 flow->schedule != ZG_SCHEDULE_ALWAYS ? zg_json_text(policy->schedules[flow->schedule].name)
							      : json_null(),
			 "log", flow->log == ZG_FLOW_LOG_REFUSED ? "refused" : "all", "rate", rate_json(&flow->rate), "connections",
			 flow->connections != 0 ? json_integer(flow->connections) : json_null());
}

static json_t *schedules_json(const struct zg_policy *policy)
{
	json_t *array = json_array();
	for (size_t i = 0; i < policy->n_schedules; i++) {
		char *text = zg_schedule_str(&policy->schedules[i]);
		json_array_append_new(array, json_pack("{s:o, s:o, s:i}", "name", zg_json_text(policy->schedules[i].name), "when",
						       zg_json_text(text), "line", (int)policy->schedules[i].line));
		free(text);
	}
	return array;
}

static json_t *matrix_json(const struct zg_policy *policy)
{
	json_t *matrix = json_array();
	for (size_t from = 0; from < policy->n_zones; from++) {
		for (size_t to = 0; to < policy->n_zones; to++) {
			if (from != to)
				json_array_append_new(matrix,
						      json_pack("{s:s, s:s, s:s, s:[]}", "from",
								policy->zones[from].name, "to", policy->zones[to].name,
								"verdict", zg_show_verdict(policy, from, to), "flows"));
		}
	}
	for (size_t f = 0; f < policy->n_flows; f++) {
		const struct zg_flow *flow = &policy->flows[f];
		size_t index = flow->from * (policy->n_zones - 1) + flow->to - (flow->to > flow->from);
		json_array_append_new(json_object_get(json_array_get(matrix, index), "flows"),
				      zg_json_text(flow->name));
	}
	return matrix;
}

bool zg_show_json(const struct zg_policy *policy)
{
	char digest[2 * sizeof policy->sha256 + 1];
	json_t *zones = json_array(), *flows = json_array();
	for (size_t i = 0; i < sizeof policy->sha256; i++)
		snprintf(digest + 2 * i, 3, "%02x", (unsigned)policy->sha256[i]);
	for (size_t i = 0; i < policy->n_zones; i++)
		json_array_append_new(zones, zone_json(&policy->zones[i]));
	for (size_t i = 0; i < policy->n_flows; i++)
		json_array_append_new(flows, flow_json(policy, &policy->flows[i]));
	return zg_json_print(
		stdout, json_pack("{s:i, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:{s:b}, s:{s:I, s:I}, s:o, s:I}", "schema", ZG_JSON_SCHEMA,
				  "file", zg_json_text(policy->file), "body", zg_json_text(policy->body), "model",
				  zg_model_name(policy->model), "sha256", digest, "zones", zones, "flows", flows,
				  "matrix", matrix_json(policy), "router", zg_show_router_json(policy), "log", "flow_digest", policy->flow_digest,
				  "daemon", "inspectors", (json_int_t)policy->inspectors, "queue_base", (json_int_t)policy->queue_base,
				  "schedules", schedules_json(policy), "max_term", (json_int_t)policy->max_term));
}
