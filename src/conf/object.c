/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts and groups: names for addresses, and the addresses that they stand for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"

bool is_name(const char *text)
{
	return text[0] >= 'a' && text[0] <= 'z' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* Capacities are powers of two. */
static size_t capacity(size_t n)
{
	size_t cap = 1;
	while (cap < n)
		cap *= 2;
	return cap;
}

bool reader_grow(struct reader *r, void *array, size_t have, size_t more, size_t size)
{
	void *items;
	memcpy(&items, array, sizeof items);
	size_t cap = capacity(have + more);
	if (items != NULL && cap == capacity(have))
		return true;
	/* the first time as pages that are zero, and not there until they are used */
	char *grown = items == NULL ? calloc(cap, size) : reallocarray(items, cap, size);
	if (grown == NULL) {
		r->err = ZG_ENOMEM;
		return false;
	}
	if (items != NULL)
		memset(grown + have * size, 0, (cap - have) * size);
	memcpy(array, &grown, sizeof grown);
	/* cppcheck-suppress memleak ; it is the array's now */
	return true;
}

bool reader_extend(struct reader *r, struct zg_arena *arena, void *array, size_t have, size_t size)
{
	void *items;
	memcpy(&items, array, sizeof items);
	if (items != NULL && capacity(have + 1) == capacity(have))
		return true;
	void *grown = zg_arena_take(arena, capacity(have + 1), size);
	if (grown == NULL) {
		r->err = ZG_ENOMEM;
		return false;
	}
	if (items != NULL)
		memcpy(grown, items, have * size);
	memcpy(array, &grown, sizeof grown);
	return true;
}

const char *conf_via(const struct conf_draft *draft, uint32_t object, char buf[static CONF_VIA_MAX])
{
	char line[ZG_LINE_STR_MAX];
	buf[0] = '\0';
	if (object == 0)
		return buf;
	const struct zg_object *o = &draft->policy->objects[object - 1];
	snprintf(buf, CONF_VIA_MAX, " (%s \"%s\", %s)", o->group ? "group" : "host", o->name,
		 zg_files_line(draft->files, o->line, line));
	return buf;
}

void unknown_name(struct reader *r, const config_setting_t *value, const struct conf_names *names, const char *what,
		  const char *where)
{
	char hint[128];
	const char *text = config_setting_get_string(value);
	if (r->draft->nameless > 0) {
		r->skipped++;
		return;
	}
	/* who sees a hundred errors has seen enough hints */
	const char *near = r->diags->n < ZG_ERRORS_MAX ? conf_suggest(text, names->words, names->n) : NULL;
	snprintf(hint, sizeof hint, near != NULL ? "did you mean \"%s\"?" : "%s", near != NULL ? near : where);
	CONF_ERROR(r->diags, place_of(value)->value, hint, "there is no %s \"%s\"", what, text);
}

/* --- addresses, written or named ------------------------------------------------------------------ */

static bool add_address(struct reader *r, struct addresses *a, const struct zg_range *range, uint32_t object,
			struct conf_at at)
{
	struct zg_arena *arena = &r->draft->policy->arena;
	if (!reader_extend(r, arena, &a->ranges, a->n, sizeof *a->ranges) || !reader_extend(r, arena, &a->objects, a->n, sizeof *a->objects) ||
	    !reader_extend(r, &r->draft->arena, &a->ats, a->n, sizeof *a->ats))
		return false;
	if (a->ranges == NULL || a->objects == NULL || a->ats == NULL) /* they are there: for static analysis, which cannot know */
		return false;
	a->ranges[a->n] = *range;
	a->objects[a->n] = object;
	a->ats[a->n++] = at;
	return true;
}

/* Adds the addresses of an object, or reports that they are too many by now. */
static void add_object(struct reader *r, struct addresses *into, uint32_t index, struct conf_at at)
{
	const struct zg_object *object = &r->draft->policy->objects[index];
	bool before = r->draft->n_expanded > ZG_ADDRESSES_MAX;
	r->draft->n_expanded += object->n_ranges;
	if (r->draft->n_expanded > ZG_ADDRESSES_MAX) {
		if (!before)
			CONF_ERROR(r->diags, at, "use prefixes and ranges in the groups instead of single addresses",
				   "up to here names stand for more than %u addresses", ZG_ADDRESSES_MAX);
		r->skipped++;
		return;
	}
	for (size_t i = 0; i < object->n_ranges; i++) {
		if (!add_address(r, into, &object->ranges[i], index + 1, at))
			return;
	}
}

static bool resolve(struct reader *r, uint32_t index, struct conf_at at);

/* Looks the name up and has its addresses ready; false = reported. */
static bool find_object(struct reader *r, const config_setting_t *value, uint32_t *ret_index)
{
	struct conf_draft *draft = r->draft;
	uint32_t index;
	if (!conf_names_find(&draft->object_names, config_setting_get_string(value), &index)) {
		unknown_name(r, value, &draft->object_names, "host or group",
			     "they are defined in the lists \"hosts\" and \"groups\"; DNS is not asked");
		return false;
	}
	draft->objects[index].used = true;
	*ret_index = index;
	return true;
}

void take_addresses(struct reader *r, const config_setting_t *value, struct addresses *into)
{
	size_t n = count_of(r, value, ZG_ELEMS_MAX);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		struct conf_at at = place_of(element)->value;
		const char *text = config_setting_get_string(element);
		struct zg_range range;
		uint32_t index;
		if (text != NULL && !place_of(element)->bad && is_name(text) && strcmp(text, "any") != 0) {
			if (!find_object(r, element, &index))
				continue;
			if (resolve(r, index, at))
				add_object(r, into, index, at);
			else
				r->skipped++; /* its own mistake, reported where it stands */
			if (r->draft->objects[index].depth > r->deepest)
				r->deepest = r->draft->objects[index].depth;
		} else if (take_range(r, element, &range)) {
			add_address(r, into, &range, 0, at);
		}
	}
}

/* --- hosts ------------------------------------------------------------------------------------------- */

/* Both halves of an object in the making. */
struct object_pair {
	struct zg_object *object;
	struct draft_object *draft;
	uint32_t index;
};

static void read_name(struct reader *r, const config_setting_t *value, void *object)
{
	struct object_pair *pair = object;
	char line[ZG_LINE_STR_MAX];
	uint32_t twin = UINT32_MAX;
	pair->draft->at = place_of(value)->value;
	pair->object->line = pair->draft->at.line;
	if (!take_name(r, value, &pair->object->name))
		return;
	enum zg_err err = conf_names_add(&r->draft->object_names, pair->object->name, pair->index, &twin);
	if (err != ZG_OK)
		r->err = err;
	else if (twin != UINT32_MAX)
		CONF_ERROR(r->diags, pair->draft->at, "hosts and groups share their names; give each its own",
			   "\"%s\" is there already, %s", pair->object->name,
			   zg_files_line(r->draft->files, r->draft->policy->objects[twin].line, line));
}

static void read_host_address(struct reader *r, const config_setting_t *value, void *object)
{
	struct object_pair *pair = object;
	struct zg_object *host = pair->object;
	size_t n = count_of(r, value, ZG_ELEMS_MAX);
	host->ranges = reader_alloc(r, n, sizeof *host->ranges);
	pair->draft->ranges = draft_alloc(r, n, sizeof *pair->draft->ranges);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		struct zg_range range;
		if (!take_range(r, element, &range))
			continue;
		if (zg_addr_cmp(&range.lo, &range.hi) != 0) {
			CONF_ERROR(r->diags, place_of(element)->value, "put prefixes and ranges into the members of a group",
				   "a host's addresses are single ones");
			continue;
		}
		for (size_t k = 0; k < host->n_ranges; k++) {
			if (zg_addr_cmp(&host->ranges[k].lo, &range.lo) == 0)
				CONF_ERROR(r->diags, place_of(element)->value, "write it once",
					   "the host has this address already");
		}
		pair->draft->ranges[host->n_ranges] = place_of(element)->value;
		host->ranges[host->n_ranges++] = range;
	}
}

static void read_host_mac(struct reader *r, const config_setting_t *value, void *object)
{
	struct object_pair *pair = object;
	pair->object->has_mac = take_mac(r, value, &pair->object->mac);
	pair->draft->used = pair->draft->used || pair->object->has_mac; /* it makes stations */
}

/* Reads one element of hosts or groups. */
static void read_object(struct reader *r, const config_setting_t *setting, size_t index, const struct group *group)
{
	struct object_pair pair = { &r->draft->policy->objects[index], &r->draft->objects[index], (uint32_t)index };
	pair.draft->at = place_of(setting)->value;
	pair.object->line = pair.draft->at.line;
	if (!read_group(r, setting, group, &pair))
		pair.draft->state = CONF_OBJECT_BROKEN;
	r->draft->nameless += pair.object->name == NULL;
}

void read_host(struct reader *r, const config_setting_t *setting, size_t index)
{
	static const struct key keys[] = {
		{ "name", "name = \"mail-lgwan\";", read_name },
		{ "address", "address = [ \"10.20.0.25\", \"fd00:20::25\" ];", read_host_address },
		{ "mac", NULL, read_host_mac },
	};
	static const struct group group = { "host", keys, sizeof keys / sizeof keys[0], NULL };
	r->draft->objects[index].state = CONF_OBJECT_READY;
	read_object(r, setting, index, &group);
}

/* --- groups ------------------------------------------------------------------------------------------ */

static void read_member_list(struct reader *r, const config_setting_t *value, void *object)
{
	struct object_pair *pair = object;
	struct zg_object *group = pair->object;
	size_t n = count_of(r, value, ZG_ELEMS_MAX);
	pair->draft->members = value;
	group->members = reader_alloc(r, n, sizeof *group->members);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const char *text = text_of(r, element_of(value, i));
		if (text == NULL)
			continue;
		group->members[group->n_members] = reader_string(r, text);
		group->n_members += r->err == ZG_OK;
	}
}

void read_members(struct reader *r, const config_setting_t *setting, size_t index)
{
	static const struct key keys[] = {
		{ "name", "name = \"mail-servers\";", read_name },
		{ "members", "members = [ \"mail-lgwan\", \"10.20.0.26\" ];", read_member_list },
	};
	static const struct group group = { "group", keys, sizeof keys / sizeof keys[0], NULL };
	r->draft->policy->objects[index].group = true;
	read_object(r, setting, index, &group);
}

static int compare_ranges(const void *a_, const void *b_)
{
	const struct zg_range *a = a_, *b = b_;
	int order = zg_addr_cmp(&a->lo, &b->lo);
	return order != 0 ? order : -zg_addr_cmp(&a->hi, &b->hi);
}

/* The union, for people: what lies in another range goes; neighbours stay two. */
static void settle(struct zg_object *group, struct addresses *all)
{
	size_t n = 0;
	if (all->n > 1)
		qsort(all->ranges, all->n, sizeof *all->ranges, compare_ranges);
	for (size_t i = 0; i < all->n; i++) {
		struct zg_range *last = n > 0 ? &all->ranges[n - 1] : NULL;
		if (last == NULL || !zg_range_overlap(last, &all->ranges[i]))
			all->ranges[n++] = all->ranges[i];
		else if (zg_addr_cmp(&all->ranges[i].hi, &last->hi) > 0)
			last->hi = all->ranges[i].hi;
	}
	group->ranges = all->ranges;
	group->n_ranges = n;
}

/* The groups that are open, from the one that closes the circle on: "a", "b", "a". */
static void report_circle(struct reader *r, uint32_t index, struct conf_at at)
{
	char text[(ZG_GROUP_DEPTH_MAX + 2) * (ZG_NAME_MAX + 5)];
	const struct zg_object *objects = r->draft->policy->objects;
	size_t used = 0, i = r->n_open;
	while (i > 0 && r->open[i - 1] != index)
		i--;
	for (i = i > 0 ? i - 1 : 0; i < r->n_open; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "\"%s\", ", objects[r->open[i]].name);
	snprintf(text + used, sizeof text - used, "\"%s\"", objects[index].name);
	CONF_ERROR(r->diags, at, "take one of them out", "these groups contain each other: %s", text);
}

/* Has the addresses of the object that is named at a place ready; false = there is a mistake in it, which is reported. */
static bool resolve(struct reader *r, uint32_t index, struct conf_at at)
{
	struct draft_object *draft = &r->draft->objects[index];
	struct addresses all = { 0 };
	if (draft->state == CONF_OBJECT_OPEN)
		report_circle(r, index, at);
	if (draft->state != CONF_OBJECT_READ)
		return draft->state == CONF_OBJECT_READY;
	size_t errors = r->diags->errors, skipped = r->skipped;
	unsigned deepest = r->deepest;
	r->deepest = 0;
	draft->state = CONF_OBJECT_OPEN;
	r->open[r->n_open++] = index;
	if (r->n_open <= ZG_GROUP_DEPTH_MAX)
		take_addresses(r, draft->members, &all);
	r->n_open--;
	draft->depth = r->deepest + 1;
	r->deepest = deepest;
	bool good = r->err == ZG_OK && r->diags->errors == errors && r->skipped == skipped;
	if (r->n_open == ZG_GROUP_DEPTH_MAX || (good && draft->depth > ZG_GROUP_DEPTH_MAX)) {
		CONF_ERROR(r->diags, at, "put the members of some into one", "groups within groups, more than %u levels",
			   ZG_GROUP_DEPTH_MAX);
		good = false;
	}
	draft->state = good ? CONF_OBJECT_READY : CONF_OBJECT_BROKEN;
	if (good)
		settle(&r->draft->policy->objects[index], &all);
	return good;
}

void finish_objects(struct reader *r)
{
	const struct conf_draft *draft = r->draft;
	for (size_t i = 0; i < draft->policy->n_objects && r->err == ZG_OK; i++) {
		if (draft->policy->objects[i].name != NULL)
			resolve(r, (uint32_t)i, draft->objects[i].at);
	}
}

void warn_unused(struct reader *r)
{
	static const char hint[] = "take it out, unless a flow is to come";
	const struct conf_draft *draft = r->draft;
	for (size_t i = 0; i < draft->policy->n_objects; i++) {
		const struct zg_object *object = &draft->policy->objects[i];
		if (!draft->objects[i].used)
			CONF_WARNING(r->diags, draft->objects[i].at, hint, "%s \"%s\" is used nowhere",
				     object->group ? "group" : "host", object->name);
	}
	for (size_t i = 0; i < draft->policy->n_services; i++) {
		if (!draft->services[i].used)
			CONF_WARNING(r->diags, draft->services[i].at, hint, "service \"%s\" is used nowhere",
				     draft->policy->services[i].name);
	}
}
