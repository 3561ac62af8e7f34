/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a flow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/flow.h"

void flow_read_name(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->at = place_of(value)->value;
	take_name(r, value, &pair->flow->name);
}

size_t read_zone_name(struct reader *r, const config_setting_t *value)
{
	const struct zg_policy *policy = r->draft->policy;
	const char *words[ZG_ZONES_MAX];
	size_t n = 0, nameless = 0;
	const char *text = text_of(r, value);
	if (text == NULL)
		return SIZE_MAX;
	for (; n < policy->n_zones; n++) {
		words[n] = policy->zones[n].name;
		nameless += words[n] == NULL;
		if (words[n] != NULL && strcmp(words[n], text) == 0)
			return n;
	}
	if (nameless > 0 || n == 0) {
		r->skipped++; /* perhaps it is that one, whose name could not be read */
		return SIZE_MAX;
	}
	char hint[64] = "zones are defined in the list \"zones\"";
	const char *near = conf_suggest(text, words, n);
	if (near != NULL)
		snprintf(hint, sizeof hint, "did you mean \"%s\"?", near);
	CONF_ERROR(r->diags, place_of(value)->value, hint, "there is no zone \"%s\"", text);
	return SIZE_MAX;
}

void flow_read_from(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->from = place_of(value)->value;
	pair->flow->from = read_zone_name(r, value);
}

void flow_read_to(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->to = place_of(value)->value;
	pair->flow->to = read_zone_name(r, value);
}

static void read_source(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	struct addresses all = { 0 };
	take_addresses(r, value, &all);
	pair->draft->source = place_of(value)->value;
	pair->draft->sources = all.ats;
	pair->flow->sources = all.ranges;
	pair->flow->source_objects = all.objects;
	pair->flow->n_sources = all.n;
}

static void read_destination(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	struct addresses all = { 0 };
	take_addresses(r, value, &all);
	pair->draft->destination = place_of(value)->value;
	pair->draft->destinations = all.ats;
	pair->flow->destinations = all.ranges;
	pair->flow->destination_objects = all.objects;
	pair->flow->n_destinations = all.n;
}

static void read_service_name(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->service = place_of(value)->value;
	pair->flow->service = take_service(r, value);
	pair->serviced = true;
}

void flow_read_protocol(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->protocol = place_of(value)->value;
	take_protocol(r, value, &pair->flow->transport);
}

void flow_read_port(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->port = place_of(value)->value;
	take_port_list(r, value, &pair->flow->ports, &pair->draft->ports, &pair->flow->n_ports);
}

void flow_read_inspector(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	pair->draft->inspector = place_of(value)->value;
	take_inspector(r, value, &pair->flow->inspector);
}

void flow_read_purpose(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	take_string(r, value, ZG_LABEL_MAX, &pair->flow->purpose);
}

void flow_read_ticket(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	take_string(r, value, ZG_LABEL_MAX, &pair->flow->ticket);
}

void flow_read_approver(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	take_string(r, value, ZG_LABEL_MAX, &pair->flow->approver);
}

void flow_read_clause(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	take_string(r, value, ZG_LABEL_MAX, &pair->flow->clause);
}

/* How far a term may reach: its last day. */
static void check_term(struct reader *r, const config_setting_t *value, time_t end)
{
	const uint32_t days = r->draft->policy->max_term;
	struct tm tm;
	char hint[128], last[16];
	localtime_r(&r->draft->now, &tm);
	tm.tm_mday += (int)days;
	tm.tm_hour = 12;
	tm.tm_isdst = -1;
	const zg_day day = zg_day_of(mktime(&tm));
	if (end <= zg_day_end(day))
		return;
	snprintf(last, sizeof last, "%04u-%02u-%02u", day / 10000, day / 100 % 100, day % 100);
	snprintf(hint, sizeof hint, "today the last day that may be named is \"%s\"; max_term sets how many days there may be", last);
	CONF_ERROR(r->diags, place_of(value)->value, hint, "this is more than the %u days for which a flow may be approved", days);
}

void flow_read_expires(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	const bool change = r->draft->purpose == ZG_CONF_CHANGE;
	const char *text = text_of(r, value);
	zg_day day;
	if (text == NULL)
		return;
	pair->draft->expires = place_of(value)->value;
	if (!zg_day_parse(text, &day)) {
		CONF_ERROR(r->diags, place_of(value)->value,
			   "write the last day as \"2027-03-31\", in the western calendar, from 2000 to 2199",
			   "\"%s\" is not a date", text);
		return;
	}
	pair->flow->expires = zg_day_end(day);
	if (pair->flow->expires <= r->draft->now)
		zg_diag_add(r->diags, change ? ZG_DIAG_ERROR : ZG_DIAG_WARNING, place_of(value)->value.line,
			    place_of(value)->value.column, "have it approved anew, or take the flow out",
			    "this flow expired at the end of %s and passes nothing", text);
	else if (change && r->draft->now < ZG_CLOCK_FLOOR)
		CONF_WARNING(r->diags, place_of(value)->value, "see to the time service; until the clock is set the flow passes nothing",
			     "the clock is not set: how long the flow is permitted cannot be judged");
	else if (change)
		check_term(r, value, pair->flow->expires);
}

void flow_read_schedule(struct reader *r, const config_setting_t *value, void *object)
{
	const struct zg_policy *policy = r->draft->policy;
	struct flow_pair *pair = object;
	const char *words[ZG_SCHEDULES_MAX], *text = text_of(r, value);
	char hint[64] = "schedules are defined in the list \"schedules\"";
	if (text == NULL)
		return;
	for (size_t i = 0; i < policy->n_schedules; i++) {
		words[i] = policy->schedules[i].name;
		if (words[i] == NULL) {
			r->skipped++; /* perhaps it is that one, whose name could not be read */
			return;
		}
		if (strcmp(words[i], text) == 0) {
			pair->flow->schedule = i;
			return;
		}
	}
	const char *near = conf_suggest(text, words, policy->n_schedules);
	if (near != NULL)
		snprintf(hint, sizeof hint, "did you mean \"%s\"?", near);
	CONF_ERROR(r->diags, place_of(value)->value, hint, "there is no schedule \"%s\"", text);
}

/* "100/s", "20/min" */
static bool parse_rate(const char *text, struct zg_rate *ret_rate)
{
	static const struct {
		const char *word;
		uint32_t seconds;
	} units[] = { { "s", 1 }, { "min", 60 } };
	uint32_t count = 0;
	const char *at = text;
	for (; *at >= '0' && *at <= '9' && count <= ZG_RATE_MAX; at++)
		count = count * 10 + (uint32_t)(*at - '0');
	if (*at++ != '/' || count == 0 || count > ZG_RATE_MAX || text[0] == '0')
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(units[i].word, at) == 0) {
			*ret_rate = (struct zg_rate){ count, units[i].seconds };
			return true;
		}
	}
	return false;
}

static void read_rate(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	const char *text = text_of(r, value);
	if (text != NULL && !parse_rate(text, &pair->flow->rate))
		CONF_ERROR(r->diags, place_of(value)->value,
			   "write \"100/s\" or \"20/min\": new connections per second or minute, from 1 to 1000000",
			   "\"%s\" is not a rate", text);
}

static void read_connections(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	take_int(r, value, 1, ZG_CONNECTIONS_MAX, &pair->flow->connections);
}

static void read_log(struct reader *r, const config_setting_t *value, void *object)
{
	static const char *const words[ZG_FLOW_LOG_COUNT] = { "all", "refused" };
	struct flow_pair *pair = object;
	uint32_t level;
	if (take_word(r, value, words, ZG_FLOW_LOG_COUNT, &level))
		pair->flow->log = (enum zg_flow_log)level;
}

bool flow_other_key(struct reader *r, const config_setting_t *value, void *object)
{
	struct flow_pair *pair = object;
	if (!pair->serviced)
		return take_items(r, value, pair->flow->inspector, "flow", &pair->items);
	return zg_inspector_by_name(config_setting_name(value)) != NULL; /* refused with the rest that the service says */
}

static const struct key keys[] = {
	{ "name", "name = \"mail-in\";", flow_read_name },
	{ "from", "from = \"internet\"; is the zone that opens the connection", flow_read_from },
	{ "to", "to = \"lgwan\"; is the zone that answers", flow_read_to },
	{ "source", "source = [ \"10.30.0.25\" ];", read_source },
	{ "destination", "destination = [ \"10.20.0.25\" ];", read_destination },
	{ "service", NULL, read_service_name },
	{ "protocol", NULL, flow_read_protocol },
	{ "port", NULL, flow_read_port },
	{ "inspector", NULL, flow_read_inspector },
	{ "purpose", NULL, flow_read_purpose },
	{ "ticket", "ticket = \"...\"; is the number of the request; a flow needs one who asks and one who approves",
	  flow_read_ticket },
	{ "approver", "approver = \"...\"; a flow needs one who asks and one who approves", flow_read_approver },
	{ "clause", NULL, flow_read_clause },
	{ "expires", NULL, flow_read_expires },
	{ "schedule", NULL, flow_read_schedule },
	{ "rate", NULL, read_rate },
	{ "connections", NULL, read_connections },
	{ "log", NULL, read_log },
};
static const struct group group = { "flow", keys, sizeof keys / sizeof keys[0], flow_other_key };

bool flow_read_form(struct reader *r, const config_setting_t *setting, const struct group *form, struct flow_pair *pair)
{
	pair->draft->at = place_of(setting)->value;
	pair->flow->from = pair->flow->to = SIZE_MAX;
	pair->flow->schedule = ZG_SCHEDULE_ALWAYS;
	bool good = read_group(r, setting, form, pair);
	pair->flow->line = pair->draft->at.line;
	if (pair->flow->inspector != NULL && !pair->serviced && r->err == ZG_OK)
		good = fill_config(r, pair->flow->inspector, pair->draft->inspector, pair->items, &pair->flow->config) && good;
	return good;
}

/* What the service says, or else has to be said here; never both. */
static bool read_terms(struct reader *r, const config_setting_t *setting, const struct flow_pair *pair)
{
	const struct {
		const char *key, *missing;
		bool read;
	} terms[] = {
		{ "protocol", "protocol = \"tcp\";", pair->draft->protocol.line > 0 },
		{ "port", "port = 25;", pair->draft->port.line > 0 },
		{ "inspector", "inspector = \"smtp\"; without inspection nothing passes", pair->draft->inspector.line > 0 },
	};
	bool good = true;
	for (size_t i = 0; i < sizeof terms / sizeof terms[0] && !pair->serviced; i++) {
		if (terms[i].read || config_setting_get_member(setting, terms[i].key) != NULL)
			continue;
		CONF_ERROR(r->diags, place_of(setting)->value, terms[i].missing, "flow has no key \"%s\"", terms[i].key);
		good = false;
	}
	for (int i = 0; i < config_setting_length(setting) && pair->serviced; i++) {
		const config_setting_t *value = config_setting_get_elem(setting, (unsigned)i);
		const char *key = config_setting_name(value);
		bool term = zg_inspector_by_name(key) != NULL;
		for (size_t k = 0; k < sizeof terms / sizeof terms[0]; k++)
			term = term || strcmp(terms[k].key, key) == 0;
		if (!term)
			continue;
		CONF_ERROR(r->diags, place_of(value)->key, "write it into the service, or leave out the service",
			   "\"%s\" on a flow with a service, which says this itself", key);
		good = false;
	}
	return good;
}

/* The service's words as the flow's own; all of them stand where it is named. */
static bool copy_service(struct reader *r, struct flow_pair *pair)
{
	struct zg_flow *flow = pair->flow;
	if (flow->service == 0 || r->draft->services[flow->service - 1].broken)
		return false;
	const struct zg_service *service = &r->draft->policy->services[flow->service - 1];
	flow->transport = service->transport;
	flow->inspector = service->inspector;
	flow->config = service->config;
	pair->draft->protocol = pair->draft->port = pair->draft->inspector = pair->draft->service;
	flow->ports = reader_alloc(r, service->n_ports, sizeof *flow->ports);
	pair->draft->ports = draft_alloc(r, service->n_ports, sizeof *pair->draft->ports);
	for (size_t i = 0; i < service->n_ports && r->err == ZG_OK; i++) {
		flow->ports[i] = service->ports[i];
		pair->draft->ports[i] = pair->draft->service;
		flow->n_ports = i + 1;
	}
	return true;
}

void read_flow(struct reader *r, const config_setting_t *setting, size_t index)
{
	struct flow_pair pair = { &r->draft->policy->flows[index], &r->draft->flows[index], NULL, false };
	bool good = flow_read_form(r, setting, &group, &pair);
	if (config_setting_is_group(setting) && r->err == ZG_OK)
		good = read_terms(r, setting, &pair) && good;
	if (pair.serviced)
		good = good && copy_service(r, &pair);
	pair.draft->broken = !good;
}
