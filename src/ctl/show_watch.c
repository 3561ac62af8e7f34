/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is watched and refused besides the flows, as text and as JSON. */
#include <stdio.h>

#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/show.h"

static void show_monitor(const struct zg_policy *policy, const struct zg_monitor *monitor)
{
	printf("\nmonitor %s (line %u)\n", policy->zones[monitor->zone].name, monitor->line);
	for (int k = 0; k < ZG_METER_COUNT; k++) {
		const struct zg_meter *meter = &monitor->meters[k];
		if (meter->limit == 0)
			continue;
		printf("  %-12s %u in %u s, burst %u, ", zg_meter_name((enum zg_meter_kind)k), meter->limit, meter->seconds, meter->burst);
		if (meter->block > 0)
			printf("beyond: blocked for %u s\n", meter->block);
		else
			puts("beyond: told");
	}
	printf("  %-12s %s\n", "first_seen", monitor->first_seen ? "told" : "not told");
}

static void show_blocklist(const struct zg_policy *policy, const struct zg_blocklist_conf *list)
{
	printf("\nblocklist %s (line %u)\n  %-12s ", list->name, list->line, "file");
	zg_term_safe(stdout, list->file);
	printf("\n  %-12s", "zones");
	for (size_t i = 0; i < list->n_zones; i++)
		printf(" %s", policy->zones[list->zones[i]].name);
	printf("%s\n  %-12s %s\n", list->n_zones == 0 ? " all" : "", "own_networks", list->own_networks ? "may be named" : "are left out");
}

void zg_show_watch_text(const struct zg_policy *policy)
{
	for (size_t i = 0; i < policy->n_monitors; i++)
		show_monitor(policy, &policy->monitors[i]);
	for (size_t i = 0; i < policy->n_blocklists; i++)
		show_blocklist(policy, &policy->blocklists[i]);
}

static json_t *monitor_json(const struct zg_policy *policy, const struct zg_monitor *monitor)
{
	json_t *o = json_pack("{s:o, s:b, s:i}", "zone", zg_json_text(policy->zones[monitor->zone].name), "first_seen", monitor->first_seen,
			      "line", (int)monitor->line);
	for (int k = 0; k < ZG_METER_COUNT; k++) {
		const struct zg_meter *meter = &monitor->meters[k];
		if (meter->limit > 0)
			json_object_set_new(o, zg_meter_name((enum zg_meter_kind)k),
					    json_pack("{s:i, s:i, s:i, s:i}", "limit", (int)meter->limit, "seconds", (int)meter->seconds,
						      "burst", (int)meter->burst, "block", (int)meter->block));
	}
	return o;
}

json_t *zg_show_watch_json(const struct zg_policy *policy, json_t *object)
{
	json_t *monitors = json_array(), *lists = json_array();
	for (size_t i = 0; i < policy->n_monitors; i++)
		json_array_append_new(monitors, monitor_json(policy, &policy->monitors[i]));
	for (size_t i = 0; i < policy->n_blocklists; i++) {
		const struct zg_blocklist_conf *list = &policy->blocklists[i];
		json_t *zones = json_array();
		for (size_t k = 0; k < list->n_zones; k++)
			json_array_append_new(zones, zg_json_text(policy->zones[list->zones[k]].name));
		json_array_append_new(lists, json_pack("{s:o, s:o, s:o, s:b, s:i}", "name", zg_json_text(list->name), "file",
						       zg_json_text(list->file), "zones", zones, "own_networks", list->own_networks, "line",
						       (int)list->line));
	}
	json_object_set_new(object, "monitor", monitors);
	json_object_set_new(object, "blocklists", lists);
	return object;
}
