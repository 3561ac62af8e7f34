/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys on the outermost level. */
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"

static void read_version(struct reader *r, const config_setting_t *value, void *object)
{
	(void)object;
	if (config_setting_type(value) != CONFIG_TYPE_INT)
		wrong_type(r, value, "a whole number");
	else if (config_setting_get_int(value) != 1)
		CONF_ERROR(r->diags, place_of(value)->value, "this zonegate reads version = 1",
			   "configuration version %d is not known", config_setting_get_int(value));
}

static void read_body(struct reader *r, const config_setting_t *value, void *object)
{
	(void)object;
	take_string(r, value, ZG_LABEL_MAX, &r->draft->policy->body);
}

static void read_model(struct reader *r, const config_setting_t *value, void *object)
{
	const char *words[ZG_MODEL_COUNT];
	uint32_t model;
	(void)object;
	for (uint32_t i = 0; i < ZG_MODEL_COUNT; i++)
		words[i] = zg_model_name((enum zg_model)i);
	if (take_word(r, value, words, ZG_MODEL_COUNT, &model))
		r->draft->policy->model = (enum zg_model)model;
}

/* Hosts or groups, by the reader of one. */
static void read_objects(struct reader *r, const config_setting_t *value,
			 void (*read)(struct reader *r, const config_setting_t *setting, size_t index))
{
	struct zg_policy *policy = r->draft->policy;
	size_t first = policy->n_objects, n = length_of(r, value, first, ZG_OBJECTS_MAX);
	if (!reader_grow(r, &policy->objects, first, n, sizeof *policy->objects) ||
	    !reader_grow(r, &r->draft->objects, first, n, sizeof *r->draft->objects))
		return;
	policy->n_objects += n;
	if (n > 0)
		read_elements(r, value, first, read);
}

static void read_hosts(struct reader *r, const config_setting_t *value, void *object)
{
	(void)object;
	read_objects(r, value, read_host);
}

static void read_groups_list(struct reader *r, const config_setting_t *value, void *object)
{
	(void)object;
	read_objects(r, value, read_members);
}

static void read_services(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_policy *policy = r->draft->policy;
	size_t first = policy->n_services, n = length_of(r, value, first, ZG_SERVICES_MAX);
	(void)object;
	if (!reader_grow(r, &policy->services, first, n, sizeof *policy->services) ||
	    !reader_grow(r, &r->draft->services, first, n, sizeof *r->draft->services))
		return;
	policy->n_services += n;
	for (size_t i = 0; i < n && r->err == ZG_OK; i++)
		read_service(r, element_of(value, i), first + i);
}

static void read_zones(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_policy *policy = r->draft->policy;
	size_t first = policy->n_zones, n = length_of(r, value, first, ZG_ZONES_MAX);
	(void)object;
	if (config_setting_is_list(value) && config_setting_length(value) == 0)
		CONF_ERROR(r->diags, place_of(value)->value, "name at least one", "\"zones\" is empty");
	if (!reader_grow(r, &policy->zones, first, n, sizeof *policy->zones) ||
	    !reader_grow(r, &r->draft->zones, first, n, sizeof *r->draft->zones))
		return;
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		policy->n_zones++;
		if (!read_zone(r, element_of(value, i), first + i))
			r->draft->zones_broken = true;
	}
}

static void read_flows(struct reader *r, const config_setting_t *value, void *object)
{
	struct zg_policy *policy = r->draft->policy;
	size_t first = policy->n_flows, n = length_of(r, value, first, ZG_FLOWS_MAX);
	(void)object;
	if (!reader_grow(r, &policy->flows, first, n, sizeof *policy->flows) ||
	    !reader_grow(r, &r->draft->flows, first, n, sizeof *r->draft->flows))
		return;
	policy->n_flows += n;
	if (n > 0)
		read_elements(r, value, first, read_flow);
}

static void read_max_term(struct reader *r, const config_setting_t *value, void *object)
{
	(void)object;
	take_int(r, value, 1, ZG_TERM_DAYS_MAX, &r->draft->policy->max_term);
}

static void read_inspectors(struct reader *r, const config_setting_t *value, void *object)
{
	(void)object;
	take_int(r, value, 1, ZG_INSPECTORS_MAX, &r->draft->policy->inspectors);
}

static void read_queue_base(struct reader *r, const config_setting_t *value, void *object)
{
	uint32_t base, last = 65535 - r->draft->policy->inspectors;
	(void)object;
	if (take_int(r, value, 0, last, &base))
		r->draft->policy->queue_base = (uint16_t)base;
}

static void read_daemon(struct reader *r, const config_setting_t *value, void *object)
{
	static const struct key keys[] = {
		{ "inspectors", NULL, read_inspectors }, /* before queue_base, whose range depends on it */
		{ "queue_base", NULL, read_queue_base },
	};
	static const struct group group = { "daemon", keys, sizeof keys / sizeof keys[0], NULL };
	read_group(r, value, &group, object);
}

static void read_flow_digest(struct reader *r, const config_setting_t *value, void *object)
{
	(void)object;
	take_bool(r, value, &r->draft->policy->flow_digest);
}

static void read_log(struct reader *r, const config_setting_t *value, void *object)
{
	static const struct key keys[] = {
		{ "flow_digest", NULL, read_flow_digest },
	};
	static const struct group group = { "log", keys, sizeof keys / sizeof keys[0], NULL };
	read_group(r, value, &group, object);
}

enum zg_err conf_schema(struct conf_source *source, const config_t *trees, struct zg_diags *diags, struct conf_draft *draft)
{
	static const struct key keys[] = {
		{ "version", "begin the file with: version = 1;", read_version },
		{ "body", NULL, read_body },
		{ "model", NULL, read_model },
		{ "hosts", NULL, read_hosts }, /* before those who use them */
		{ "groups", NULL, read_groups_list },
		{ "services", NULL, read_services },
		{ "zones", "zones = ( { name = ...; kind = ...; interfaces = ...; addresses = ...; }, ... );",
		  read_zones },
		{ "max_term", NULL, read_max_term },
		{ "holidays", NULL, read_holidays },
		{ "schedules", NULL, read_schedules },
		{ "flows", NULL, read_flows }, /* after the zones and schedules that they name */
		{ "specific", NULL, read_specifics }, /* adds to the flows, and to the stations of the zones */
		{ "monitor", NULL, read_monitors },
		{ "blocklists", NULL, read_blocklists },
		{ "router", NULL, read_router },
		{ "log", NULL, read_log },
		{ "daemon", NULL, read_daemon },
	};
	static const char *const lists[] = { "hosts", "groups", "services", "zones",
					     "holidays", "schedules", "flows", "specific", "blocklists", NULL };
	static const struct group group = { "the file", keys, sizeof keys / sizeof keys[0], NULL };
	const size_t n = source->files->n;
	struct reader r = { .diags = diags, .draft = draft, .source = source, .err = ZG_OK };
	const config_setting_t **roots = calloc(n, sizeof *roots);
	if (roots == NULL)
		return ZG_ENOMEM;
	for (size_t i = 0; i < n; i++)
		roots[i] = config_root_setting(&trees[i]);
	draft->policy->model = ZG_MODEL_ALPHA;
	draft->policy->max_term = ZG_TERM_DAYS;
	draft->policy->inspectors = 2;
	draft->policy->queue_base = 100;
	read_groups(&r, roots, n, &group, lists, NULL);
	finish_objects(&r);
	if (diags->errors == 0)
		warn_unused(&r);
	free(roots);
	return r.err;
}

void conf_draft_free(struct conf_draft *draft)
{
	free(draft->objects);
	free(draft->services);
	conf_names_free(&draft->object_names);
	conf_names_free(&draft->service_names);
	conf_names_free(&draft->stations);
	for (size_t i = 0; draft->zones != NULL && i < draft->policy->n_zones; i++)
		free(draft->zones[i].stations);
	free(draft->router);
	free(draft->zones);
	free(draft->flows);
	free(draft->schedules);
	zg_arena_free(&draft->arena);
}
