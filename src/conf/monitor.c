/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is watched and refused besides the flows: lists of addresses. */
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
