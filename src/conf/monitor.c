/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is watched and refused besides the flows: meters of what a zone opens, lists of addresses. */
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"

/* --- blocklists --------------------------------------------------------------------------------- */

static void read_list_name(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_blocklist_conf *list = object;
	const struct zg_policy *policy = r->draft->policy;
	char line[ZG_LINE_STR_MAX];
	if (!take_name(r, value, &list->name))
		return;
	for (const struct zg_blocklist_conf *other = policy->blocklists; other != list; other++) {
		if (other->name != NULL && strcmp(other->name, list->name) == 0)
			CONF_ERROR(r->diags, place_of(value)->value, "give each list a name of its own",
				   "blocklist \"%s\" is there already, %s", list->name,
				   zg_files_line(r->draft->files, other->line, line));
	}
}

/* One directory, and nothing that leads out of it: who may change the policy may not therefore make the daemon read whatever
 * its user can. */
static void read_list_file(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_blocklist_conf *list = object;
	if (!take_string(r, value, ZG_LABEL_MAX, &list->file))
		return;
	if (list->file[0] == '.' || strchr(list->file, '/') != NULL)
		CONF_ERROR(r->diags, place_of(value)->value,
			   "put the file into the directory of the lists (zonegated --lists-dir), and write its name only",
			   "\"%s\" is not the name of a file in the directory of the lists", list->file);
}

static void read_list_zones(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_blocklist_conf *list = object;
	size_t n = count_of(r, value, ZG_ZONES_MAX);
	list->zones = reader_alloc(r, n, sizeof *list->zones);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		size_t zone = read_zone_name(r, element);
		for (size_t k = 0; k < list->n_zones && zone != SIZE_MAX; k++) {
			if (list->zones[k] == zone)
				CONF_ERROR(r->diags, place_of(element)->value, "keep one of them", "the zone stands twice here");
		}
		if (zone != SIZE_MAX)
			list->zones[list->n_zones++] = zone;
	}
}

static void read_list_own(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_blocklist_conf *list = object;
	take_bool(r, value, &list->own_networks);
}

void read_blocklists(struct reader *r, const config_setting_t *value, void *object)
{
	static const struct key keys[] = {
		{ "name", "name = \"drop\";", read_list_name },
		{ "file", "file = \"drop.txt\"; in the directory of the lists", read_list_file },
		{ "zones", NULL, read_list_zones },
		{ "own_networks", NULL, read_list_own },
	};
	static const struct group group = { "blocklist", keys, sizeof keys / sizeof keys[0], NULL };
	struct zg_policy *policy = r->draft->policy;
	(void)object;
	size_t first = policy->n_blocklists, n = length_of(r, value, first, ZG_BLOCKLISTS_MAX);
	if (!reader_grow(r, &policy->blocklists, first, n, sizeof *policy->blocklists))
		return;
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		struct zg_blocklist_conf *list = &policy->blocklists[policy->n_blocklists++];
		list->line = place_of(element_of(value, i))->value.line;
		read_group(r, element_of(value, i), &group, list);
	}
}

/* --- monitor ------------------------------------------------------------------------------------ */

static void read_limit(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_meter *meter = object;
	take_int(r, value, 1, ZG_METER_LIMIT_MAX, &meter->limit);
}

static void read_seconds(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_meter *meter = object;
	take_int(r, value, 1, ZG_METER_SECONDS_MAX, &meter->seconds);
}

static void read_burst(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_meter *meter = object;
	take_int(r, value, 1, ZG_METER_LIMIT_MAX, &meter->burst);
}

static void read_block(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_meter *meter = object;
	take_int(r, value, 1, ZG_METER_BLOCK_MAX, &meter->block);
}

static void read_meter(struct reader *r, const config_setting_t *value, struct zg_monitor *monitor, enum zg_meter_kind kind)
{
	/* behind the others, since many sources may be too much for one target: there is nobody to block */
	static const struct key keys[] = {
		{ "limit", "limit = 100;", read_limit },
		{ "seconds", NULL, read_seconds },
		{ "burst", NULL, read_burst },
		{ "block", NULL, read_block },
	};
	const struct group group = { zg_meter_name(kind), keys, kind == ZG_METER_TARGET ? 3 : 4, NULL };
	struct zg_meter *meter = &monitor->meters[kind];
	meter->seconds = kind == ZG_METER_SCAN ? 60 : 1;
	if (!read_group(r, value, &group, meter))
		return;
	if (meter->burst == 0)
		meter->burst = meter->limit;
	if (meter->burst < meter->limit)
		CONF_ERROR(r->diags, place_of(value)->value, "burst is what may come at once, at least as much as limit",
			   "the burst of %u is smaller than the limit of %u", meter->burst, meter->limit);
	else if ((uint64_t)meter->burst * meter->seconds / meter->limit > ZG_METER_SECONDS_MAX)
		CONF_ERROR(r->diags, place_of(value)->value, "make burst smaller or limit larger",
			   "a burst of %u at %u in %u s is remembered for more than an hour", meter->burst, meter->limit, meter->seconds);
}

static void read_connections(struct reader *r, const config_setting_t *value, void *object)
{
	read_meter(r, value, object, ZG_METER_CONNECTIONS);
}

static void read_scan(struct reader *r, const config_setting_t *value, void *object)
{
	read_meter(r, value, object, ZG_METER_SCAN);
}

static void read_flood(struct reader *r, const config_setting_t *value, void *object)
{
	read_meter(r, value, object, ZG_METER_FLOOD);
}

static void read_target(struct reader *r, const config_setting_t *value, void *object)
{
	read_meter(r, value, object, ZG_METER_TARGET);
}

static void read_first_seen(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_monitor *monitor = object;
	take_bool(r, value, &monitor->first_seen);
}

static void read_monitored_zone(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_monitor *monitor = object;
	monitor->zone = read_zone_name(r, value);
	for (const struct zg_monitor *other = r->draft->policy->monitors; other != monitor && monitor->zone != SIZE_MAX; other++) {
		if (other->zone == monitor->zone)
			CONF_ERROR(r->diags, place_of(value)->value, "write all of the zone into one of them",
				   "the zone is monitored already, line %u", other->line);
	}
}

void read_monitors(struct reader *r, const config_setting_t *value, void *object)
{
	static const struct key keys[] = {
		{ "zone", "zone = \"internet\";", read_monitored_zone },
		{ "connections", NULL, read_connections },
		{ "scan", NULL, read_scan },
		{ "flood", NULL, read_flood },
		{ "target", NULL, read_target },
		{ "first_seen", NULL, read_first_seen },
	};
	static const struct group group = { "monitor", keys, sizeof keys / sizeof keys[0], NULL };
	struct zg_policy *policy = r->draft->policy;
	(void)object;
	if (!config_setting_is_list(value)) {
		wrong_type(r, value, "a list ( { ... }, { ... } )");
		return;
	}
	size_t n = count_of(r, value, ZG_ZONES_MAX);
	policy->monitors = reader_alloc(r, n, sizeof *policy->monitors);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		policy->n_monitors = i + 1;
		policy->monitors[i].zone = SIZE_MAX;
		policy->monitors[i].line = place_of(element_of(value, i))->value.line;
		read_group(r, element_of(value, i), &group, &policy->monitors[i]);
	}
}
