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

/* An interface in the making. */
struct iface {
	const char *name; /* the tree's; NULL = reported */
	struct conf_at at;
	struct zg_mac mac;
};

static void read_iface_name(struct reader *r, const config_setting_t *value, void *object)
{
	struct iface *iface = object;
	const char *name = text_of(r, value), *objection = name != NULL ? iface_objection(name) : NULL;
	iface->at = place_of(value)->value;
	if (objection != NULL)
		CONF_ERROR(r->diags, iface->at, objection, "\"%s\" is not an interface", name);
	else
		iface->name = name;
}

static void read_iface_mac(struct reader *r, const config_setting_t *value, void *object)
{
	struct iface *iface = object;
	take_mac(r, value, &iface->mac);
}

static void read_interfaces(struct reader *r, const config_setting_t *value, void *object)
{
	static const struct key keys[] = {
		{ "name", "name = \"eth3\";", read_iface_name },
		{ "mac", NULL, read_iface_mac },
	};
	static const struct group group = { "interface", keys, sizeof keys / sizeof keys[0], NULL };
	struct zone_pair *pair = object;
	struct zg_zone *zone = pair->zone;
	size_t n = count_of(r, value, ZG_ZONE_IFACES_MAX);
	zone->ifaces = reader_alloc(r, n, sizeof *zone->ifaces);
	zone->iface_macs = reader_alloc(r, n, sizeof *zone->iface_macs);
	pair->draft->ifaces = draft_alloc(r, n, sizeof *pair->draft->ifaces);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		struct iface iface = { 0 };
		if (config_setting_is_group(element))
			read_group(r, element, &group, &iface);
		else
			read_iface_name(r, element, &iface);
		if (iface.name == NULL)
			continue;
		size_t k = zone->n_ifaces;
		pair->draft->ifaces[k] = iface.at;
		zone->iface_macs[k] = iface.mac;
		zone->ifaces[k] = reader_string(r, iface.name);
		zone->n_ifaces += r->err == ZG_OK;
	}
}

static void read_within(struct reader *r, const config_setting_t *value, void *object)
{
	static const char *const words[] = { "deny", "permit" };
	struct zone_pair *pair = object;
	uint32_t i;
	if (!take_word(r, value, words, sizeof words / sizeof words[0], &i))
		return;
	pair->zone->within = i == 1;
	if (pair->zone->within && pair->zone->n_ifaces == 1)
		CONF_WARNING(r->diags, place_of(value)->value, "name the other interfaces, or leave it out",
			     "a zone with one interface has no traffic between its interfaces");
}

static void read_addresses(struct reader *r, const config_setting_t *value, void *object)
{
	struct zone_pair *pair = object;
	struct addresses all = { 0 };
	take_addresses(r, value, &all);
	pair->zone->ranges = all.ranges;
	pair->zone->range_objects = all.objects;
	pair->zone->n_ranges = all.n;
	pair->draft->ranges = all.ats;
}

/* A station in the making: the addresses of one element, with one MAC address. */
struct station {
	struct addresses addresses;
	struct zg_mac mac;
};

static void read_station_address(struct reader *r, const config_setting_t *value, void *object)
{
	struct station *station = object;
	char via[CONF_VIA_MAX];
	if (!config_setting_is_scalar(value)) {
		wrong_type(r, value, "a string in quotes");
		return;
	}
	take_addresses(r, value, &station->addresses);
	for (size_t i = 0; i < station->addresses.n; i++) {
		const struct zg_range *range = &station->addresses.ranges[i];
		if (zg_addr_cmp(&range->lo, &range->hi) == 0)
			continue;
		CONF_ERROR(r->diags, place_of(value)->value, "a station has one address; write one line for each",
			   "a station's address is a single one%s",
			   conf_via(r->draft, station->addresses.objects[i], via));
		return;
	}
}

static void read_station_mac(struct reader *r, const config_setting_t *value, void *object)
{
	struct station *station = object;
	take_mac(r, value, &station->mac);
}

static void add_stations(struct reader *r, struct zone_pair *pair, const struct station *station)
{
	struct zg_zone *zone = pair->zone;
	const struct addresses *addresses = &station->addresses;
	if (!reader_grow(r, &zone->stations, zone->n_stations, addresses->n, sizeof *zone->stations) ||
	    !reader_grow(r, &pair->draft->stations, zone->n_stations, addresses->n, sizeof *pair->draft->stations))
		return;
	for (size_t i = 0; i < addresses->n; i++) {
		pair->draft->stations[zone->n_stations] = addresses->ats[i];
		zone->stations[zone->n_stations++] = (struct zg_station){
			.addr = addresses->ranges[i].lo, .mac = station->mac, .line = addresses->ats[i].line
		};
	}
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
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		struct station station = { 0 };
		if (read_group(r, element_of(value, i), &group, &station))
			add_stations(r, pair, &station);
	}
}

static const struct key keys[] = {
	{ "name", "name = \"lgwan\";", read_name },
	{ "kind", "kind = \"mynumber\", \"lgwan\", \"internet\", \"uplink\" or \"management\";", read_kind },
	{ "label", NULL, read_label },
	{ "interfaces", "interfaces = [ \"eth1\" ];", read_interfaces },
	{ "within", NULL, read_within }, /* after the interfaces */
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
	if (pair.zone->label == NULL)
		pair.zone->label = pair.zone->name;
	return good;
}
