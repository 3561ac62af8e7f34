/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a zone. */
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"

/* Both halves of a zone in the making. */
struct zone_pair {
	struct zg_zone *zone;
	struct draft_zone *draft;
};

static void read_name(struct reader *r, const config_setting_t *value, void *object)
{
	struct zone_pair *pair = object;
	pair->draft->at = place_of(value)->value;
	take_name(r, value, &pair->zone->name);
}

static void read_kind(struct reader *r, const config_setting_t *value, void *object)
{
	struct zone_pair *pair = object;
	const char *words[ZG_KIND_COUNT];
	uint32_t kind;
	for (uint32_t i = 0; i < ZG_KIND_COUNT; i++)
		words[i] = zg_kind_name((enum zg_kind)i);
	pair->draft->kind = place_of(value)->value;
	if (take_word(r, value, words, ZG_KIND_COUNT, &kind))
		pair->zone->kind = (enum zg_kind)kind;
}

static void read_label(struct reader *r, const config_setting_t *value, void *object)
{
	struct zone_pair *pair = object;
	take_string(r, value, ZG_LABEL_MAX, &pair->zone->label);
}

/* What is wrong with an interface name; NULL = nothing. The kernel's dev_valid_name(), and no wildcard. */
static const char *iface_objection(const char *name)
{
	static const char *const reserved[] = { "lo", "all", "default", ".", ".." };
	size_t len = strlen(name);
	if (len == 0 || len > 15)
		return "a name has 1 to 15 bytes";
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
		if (strcmp(name, reserved[i]) == 0)
			return "this one belongs to the machine itself, not to a zone";
	}
	if (strpbrk(name, "*+?%") != NULL)
		return "there are no wildcards: name each interface";
	for (size_t i = 0; i < len; i++) {
		if (name[i] <= ' ' || name[i] > '~' || strchr("/:\"\\", name[i]) != NULL)
			return "letters, digits, dot, hyphen, underscore";
	}
	return NULL;
}

static void read_interfaces(struct reader *r, const config_setting_t *value, void *object)
{
	struct zone_pair *pair = object;
	size_t n = count_of(r, value, ZG_ZONE_IFACES_MAX);
	pair->zone->ifaces = reader_alloc(r, n, sizeof *pair->zone->ifaces);
	pair->draft->ifaces = reader_alloc(r, n, sizeof *pair->draft->ifaces);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		const char *name = text_of(r, element);
		if (name == NULL)
			continue;
		const char *objection = iface_objection(name);
		if (objection != NULL) {
			CONF_ERROR(r->diags, place_of(element)->value, objection, "\"%s\" is not an interface", name);
			continue;
		}
		size_t k = pair->zone->n_ifaces;
		pair->draft->ifaces[k] = place_of(element)->value;
		pair->zone->ifaces[k] = strdup(name);
		if (pair->zone->ifaces[k] == NULL)
			r->err = ZG_ENOMEM;
		else
			pair->zone->n_ifaces++;
	}
}

static void read_addresses(struct reader *r, const config_setting_t *value, void *object)
{
	struct zone_pair *pair = object;
	size_t n = count_of(r, value, ZG_ELEMS_MAX);
	pair->zone->ranges = reader_alloc(r, n, sizeof *pair->zone->ranges);
	pair->draft->ranges = reader_alloc(r, n, sizeof *pair->draft->ranges);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		size_t k = pair->zone->n_ranges;
		if (take_range(r, element, &pair->zone->ranges[k])) {
			pair->draft->ranges[k] = place_of(element)->value;
			pair->zone->n_ranges++;
		}
	}
}

static void read_station_address(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_station *station = object;
	struct zg_range range;
	if (!take_range(r, value, &range))
		return;
	if (zg_addr_cmp(&range.lo, &range.hi) != 0)
		CONF_ERROR(r->diags, place_of(value)->value, "a station has one address; write one line for each",
			   "a station's address is a single one");
	station->addr = range.lo;
}

static void read_station_mac(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_station *station = object;
	take_mac(r, value, &station->mac);
}

static void read_stations(struct reader *r, const config_setting_t *value, void *object)
{
	static const struct key keys[] = {
		{ "address", "address = \"10.10.0.5\";", read_station_address },
		{ "mac", "mac = \"00:53:00:00:00:01\";", read_station_mac },
	};
	static const struct group group = { "station", keys, sizeof keys / sizeof keys[0], NULL };
	struct zone_pair *pair = object;
	if (!config_setting_is_list(value)) {
		wrong_type(r, value, "a list ( { address = ...; mac = ...; }, ... )");
		return;
	}
	size_t n = (size_t)config_setting_length(value);
	pair->zone->stations = reader_alloc(r, n, sizeof *pair->zone->stations);
	pair->draft->stations = reader_alloc(r, n, sizeof *pair->draft->stations);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		size_t k = pair->zone->n_stations;
		if (!read_group(r, element, &group, &pair->zone->stations[k]))
			continue;
		pair->draft->stations[k] = place_of(config_setting_get_member(element, "address"))->value;
		pair->zone->stations[k].line = pair->draft->stations[k].line;
		pair->zone->n_stations++;
	}
}

static const struct key keys[] = {
	{ "name", "name = \"lgwan\";", read_name },
	{ "kind", "kind = \"mynumber\", \"lgwan\", \"internet\", \"uplink\" or \"management\";", read_kind },
	{ "label", NULL, read_label },
	{ "interfaces", "interfaces = [ \"eth1\" ];", read_interfaces },
	{ "addresses", "addresses = [ \"10.20.0.0/24\", \"fd00:20::/64\" ];", read_addresses },
	{ "stations", NULL, read_stations },
};
static const struct group group = { "zone", keys, sizeof keys / sizeof keys[0], NULL };

bool read_zone(struct reader *r, const config_setting_t *setting, size_t index)
{
	struct zone_pair pair = { &r->draft->policy->zones[index], &r->draft->zones[index] };
	pair.draft->at = place_of(setting)->value;
	pair.draft->kind = pair.draft->at;
	pair.zone->kind = ZG_KIND_COUNT; /* until it is known */
	bool good = read_group(r, setting, &group, &pair);
	pair.zone->line = pair.draft->at.line;
	if (pair.zone->label == NULL && pair.zone->name != NULL && r->err == ZG_OK) {
		pair.zone->label = strdup(pair.zone->name);
		if (pair.zone->label == NULL)
			r->err = ZG_ENOMEM;
	}
	/* cppcheck-suppress memleak ; the label belongs to the policy */
	return good;
}
