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

/* Words as they stand there: names once, addresses as they are. */
static json_t *words_json(const struct zg_policy *policy, const struct zg_range *ranges, const uint32_t *objects, size_t n)
{
	char buf[2 * ZG_ADDRSTR_MAX];
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++) {
		if (objects[i] == 0)
			json_array_append_new(array, zg_json_text(zg_range_str(&ranges[i], buf)));
		else if (i == 0 || objects[i] != objects[i - 1])
			json_array_append_new(array, zg_json_text(policy->objects[objects[i] - 1].name));
	}
	return array;
}

/* Where it stands, into an object. */
static json_t *with_place(const struct zg_policy *policy, json_t *object, unsigned line)
{
	const struct zg_file *file = zg_files_at(&policy->files, line, &line);
	json_object_set_new(object, "line", json_integer(line));
	json_object_set_new(object, "file", zg_json_text(file->name));
	return object;
}

static json_t *object_json(const struct zg_policy *policy, const struct zg_object *object)
{
	char mac[18];
	json_t *o = json_pack("{s:o, s:o}", "name", zg_json_text(object->name), "addresses",
			      ranges_json(object->ranges, object->n_ranges));
	if (object->has_mac)
		json_object_set_new(o, "mac", json_string(zg_mac_str(&object->mac, mac)));
	if (object->group) {
		json_t *members = json_array();
		for (size_t i = 0; i < object->n_members; i++)
			json_array_append_new(members, zg_json_text(object->members[i]));
		json_object_set_new(o, "members", members);
	}
	return with_place(policy, o, object->line);
}

static json_t *zone_json(const struct zg_policy *policy, const struct zg_zone *zone)
{
	char addr[ZG_ADDRSTR_MAX], mac[18];
	static const struct zg_mac any;
	json_t *ifaces = json_array(), *stations = json_array(), *cards = json_object();
	for (size_t i = 0; i < zone->n_ifaces; i++) {
		json_array_append_new(ifaces, zg_json_text(zone->ifaces[i]));
		if (memcmp(&zone->iface_macs[i], &any, sizeof any) != 0)
			json_object_set_new(cards, zone->ifaces[i], json_string(zg_mac_str(&zone->iface_macs[i], mac)));
	}
	for (size_t i = 0; i < zone->n_stations; i++)
		json_array_append_new(stations,
				      json_pack("{s:s, s:s}", "address", zg_addr_str(&zone->stations[i].addr, addr),
						"mac", zg_mac_str(&zone->stations[i].mac, mac)));
	json_t *o = json_pack("{s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "name", zg_json_text(zone->name), "kind",
			      zg_kind_name(zone->kind), "label", zg_json_text(zone->label), "interfaces", ifaces, "interface_macs", cards, "within",
			      zone->within ? "permit" : "deny", "addresses",
			      ranges_json(zone->ranges, zone->n_ranges), "address_words",
			      words_json(policy, zone->ranges, zone->range_objects, zone->n_ranges), "stations", stations);
	return with_place(policy, o, zone->line);
}

static json_t *strings_json(const struct zg_item *item, const void *config)
{
	struct zg_item_list strings, cursor = { 0 };
	const uint8_t *text;
	char copy[ZG_STRING_MAX + 1];
	size_t len;
	json_t *array = json_array();
	memcpy(&strings, (const uint8_t *)config + item->offset, sizeof strings);
	while (zg_item_list_next(config, &strings, &cursor, &text, &len)) {
		memcpy(copy, text, len);
		copy[len] = '\0';
		json_array_append_new(array, zg_json_text(copy));
	}
	return array;
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
	if (item->type == ZG_ITEM_STRINGS)
		return strings_json(item, config);
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

static json_t *ports_json(const struct zg_ports *ports, size_t n)
{
	char buf[16];
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, zg_json_text(zg_ports_str(&ports[i], buf)));
	return array;
}

static json_t *config_json(const struct zg_inspector *inspector, const void *config)
{
	json_t *object = json_object();
	for (size_t i = 0; inspector != NULL && i < inspector->n_items; i++)
		json_object_set_new(object, inspector->items[i].key, item_json(&inspector->items[i], config));
	return object;
}

/* What passes the inspector unseen, where there is such. */
static json_t *with_blind(json_t *object, const struct zg_inspector *inspector)
{
	if (inspector != NULL && inspector->blind != NULL)
		json_object_set_new(object, "not_seen", json_string(inspector->blind));
	return object;
}

static json_t *service_json(const struct zg_policy *policy, const struct zg_service *service)
{
	json_t *o = json_pack("{s:o, s:s, s:o, s:s, s:o}", "name", zg_json_text(service->name), "protocol",
			      service->transport == ZG_UDP ? "udp" : "tcp", "ports", ports_json(service->ports, service->n_ports),
			      "inspector", service->inspector->name, "config", config_json(service->inspector, service->config.bytes));
	return with_place(policy, with_blind(o, service->inspector), service->line);
}

static json_t *flow_json(const struct zg_policy *policy, const struct zg_flow *flow)
{
	char buf[16];
	json_t *o = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:s, s:o, s:o}", "name",
		zg_json_text(flow->name), "from", zg_json_text(policy->zones[flow->from].name), "to",
		zg_json_text(policy->zones[flow->to].name), "source", ranges_json(flow->sources, flow->n_sources), "destination",
		ranges_json(flow->destinations, flow->n_destinations), "source_words",
		words_json(policy, flow->sources, flow->source_objects, flow->n_sources), "destination_words",
		words_json(policy, flow->destinations, flow->destination_objects, flow->n_destinations), "service",
		zg_json_text(flow->service != 0 ? policy->services[flow->service - 1].name : NULL), "protocol",
		flow->transport == ZG_UDP ? "udp" : "tcp", "ports", ports_json(flow->ports, flow->n_ports), "inspector",
		zg_flow_inspector(flow), "config", config_json(flow->inspector, flow->config.bytes), "purpose", zg_json_text(flow->purpose),
		"ticket", zg_json_text(flow->ticket), "approver", zg_json_text(flow->approver), "clause", zg_json_text(flow->clause),
		"expires", flow->expires != 0 ? zg_json_text(zg_expires_str(flow->expires, buf)) : json_null(), "specific", flow->specific,
		"schedule", flow->schedule != ZG_SCHEDULE_ALWAYS ? zg_json_text(policy->schedules[flow->schedule].name) : json_null(),
		"log", flow->log == ZG_FLOW_LOG_REFUSED ? "refused" : "all", "rate", rate_json(&flow->rate),
		"connections", flow->connections != 0 ? json_integer(flow->connections) : json_null());
	return with_place(policy, with_blind(o, flow->inspector), flow->line);
}

static json_t *schedules_json(const struct zg_policy *policy)
{
	json_t *array = json_array();
	for (size_t i = 0; i < policy->n_schedules; i++) {
		char *text = zg_schedule_str(&policy->schedules[i]);
		json_array_append_new(array, with_place(policy, json_pack("{s:o, s:o}", "name", zg_json_text(policy->schedules[i].name),
									"when", zg_json_text(text)),
						policy->schedules[i].line));
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
	json_t *zones = json_array(), *flows = json_array(), *hosts = json_array(), *groups = json_array(),
	       *services = json_array();
	for (size_t i = 0; i < sizeof policy->sha256; i++)
		snprintf(digest + 2 * i, 3, "%02x", (unsigned)policy->sha256[i]);
	for (size_t i = 0; i < policy->n_zones; i++)
		json_array_append_new(zones, zone_json(policy, &policy->zones[i]));
	for (size_t i = 0; i < policy->n_objects; i++)
		json_array_append_new(policy->objects[i].group ? groups : hosts, object_json(policy, &policy->objects[i]));
	for (size_t i = 0; i < policy->n_services; i++)
		json_array_append_new(services, service_json(policy, &policy->services[i]));
	for (size_t i = 0; i < policy->n_flows; i++)
		json_array_append_new(flows, flow_json(policy, &policy->flows[i]));
	return zg_json_print(
		stdout, zg_show_watch_json(policy, json_pack("{s:i, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:b}, s:{s:I, s:I}, s:o, s:I}", "schema", ZG_JSON_SCHEMA,
				  "file", zg_json_text(policy->file), "body", zg_json_text(policy->body), "model",
				  zg_model_name(policy->model), "sha256", digest, "hosts", hosts, "groups", groups, "services", services, "zones", zones, "flows", flows,
				  "matrix", matrix_json(policy), "router", zg_show_router_json(policy), "log", "flow_digest", policy->flow_digest, "daemon", "inspectors", (json_int_t)policy->inspectors,
				  "queue_base", (json_int_t)policy->queue_base, "schedules", schedules_json(policy), "max_term",
				  (json_int_t)policy->max_term)));
}
