/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocol, ports and inspector, of a flow or under a name that flows share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"

void take_protocol(struct reader *r, const config_setting_t *value, enum zg_transport *ret_transport)
{
	static const char *const words[] = { "tcp", "udp" };
	static const uint8_t numbers[] = { ZG_TCP, ZG_UDP };
	uint32_t i;
	if (take_word(r, value, words, sizeof words / sizeof words[0], &i))
		*ret_transport = (enum zg_transport)numbers[i];
}

/* "25" or "1000-2000" */
static bool parse_ports(const char *text, struct zg_ports *ret_ports)
{
	uint32_t number[2] = { 0, 0 };
	size_t k = 0, digits = 0;
	for (; *text != '\0'; text++) {
		if (*text == '-' && k == 0 && digits > 0) {
			k = 1;
			digits = 0;
			continue;
		}
		if (*text < '0' || *text > '9' || (digits > 0 && number[k] == 0))
			return false;
		number[k] = number[k] * 10 + (uint32_t)(*text - '0');
		digits++;
		if (number[k] > 65535)
			return false;
	}
	if (digits == 0)
		return false;
	if (k == 0)
		number[1] = number[0];
	if (number[0] == 0 || number[0] > number[1])
		return false;
	*ret_ports = (struct zg_ports){ (uint16_t)number[0], (uint16_t)number[1] };
	return true;
}

static bool take_ports(struct reader *r, const config_setting_t *value, struct zg_ports *ret_ports)
{
	uint32_t number;
	if (config_setting_type(value) == CONFIG_TYPE_INT && !place_of(value)->bad) {
		if (!take_int(r, value, 1, 65535, &number))
			return false;
		*ret_ports = (struct zg_ports){ (uint16_t)number, (uint16_t)number };
		return true;
	}
	const char *text = config_setting_get_string(value);
	if (text == NULL) {
		wrong_type(r, value, "a number or a string like \"1000-2000\"");
		return false;
	}
	if (!parse_ports(text, ret_ports)) {
		CONF_ERROR(r->diags, place_of(value)->value,
			   "write 25, \"25\" or \"1000-2000\"; ports go from 1 to 65535",
			   "\"%s\" is not a port or a range of ports", text);
		return false;
	}
	return true;
}

void take_port_list(struct reader *r, const config_setting_t *value, struct zg_ports **ret_ports, struct conf_at **ret_ats,
		    size_t *ret_n)
{
	size_t n = count_of(r, value, 65535);
	struct zg_ports *ports = *ret_ports = reader_alloc(r, n, sizeof *ports);
	struct conf_at *ats = *ret_ats = draft_alloc(r, n, sizeof *ats);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++) {
		const config_setting_t *element = element_of(value, i);
		if (take_ports(r, element, &ports[*ret_n]))
			ats[(*ret_n)++] = place_of(element)->value;
	}
}

void take_inspector(struct reader *r, const config_setting_t *value, const struct zg_inspector **ret_inspector)
{
	const char *words[64], *text = config_setting_get_string(value);
	const struct zg_inspector *inspector = text != NULL ? zg_inspector_by_name(text) : NULL;
	uint32_t n = 0, i;

	if (inspector != NULL && !zg_inspector_usable(inspector)) {
		CONF_ERROR(r->diags, place_of(value)->value, "only a test build (make test-build) takes it",
			   "inspector \"%s\" is for tests: it lets through what no policy should", text);
		return;
	}
	if (inspector != NULL && !place_of(value)->bad) {
		*ret_inspector = inspector;
		return;
	}
	for (uint32_t index = 1; n < 64 && (inspector = zg_inspector_by_index(index)) != NULL; index++)
		if (zg_inspector_usable(inspector))
			words[n++] = inspector->name;
	take_word(r, value, words, n, &i); /* to say what there is */
}

bool take_items(struct reader *r, const config_setting_t *value, const struct zg_inspector *inspector, const char *what,
		const config_setting_t **ret_items)
{
	const struct zg_inspector *meant = zg_inspector_by_name(config_setting_name(value));
	if (meant == NULL)
		return false;
	if (place_of(value)->bad || inspector == NULL)
		return true;
	if (meant != inspector)
		CONF_ERROR(r->diags, place_of(value)->key, "remove it, or change the inspector",
			   "settings of inspector \"%s\" on a %s with inspector \"%s\"", meant->name, what, inspector->name);
	else
		*ret_items = value;
	return true;
}

/* Without such an item the inspector could permit nothing. */
static void check_required(struct reader *r, const struct zg_inspector *inspector, struct conf_at at, const config_setting_t *items)
{
	char hint[128];
	for (size_t i = 0; i < inspector->n_items; i++) {
		const struct zg_item *item = &inspector->items[i];
		if (!item->required || (items != NULL && config_setting_get_member(items, item->key) != NULL))
			continue;
		snprintf(hint, sizeof hint, "%s = { %s = [ \"...\" ]; };", inspector->name, item->key);
		CONF_ERROR(r->diags, at, hint, "inspector \"%s\" needs \"%s\": %s", inspector->name, item->key, item->help);
	}
}

/* A copy that is the policy's: the last one again if it is the same, as it mostly is. */
static void keep_config(struct reader *r, const struct zg_config *config, struct zg_config *ret_config)
{
	if (r->config.len != config->len || r->config.bytes == NULL || memcmp(r->config.bytes, config->bytes, config->len) != 0) {
		uint64_t *copy = reader_alloc(r, (config->len + sizeof *copy - 1) / sizeof *copy, sizeof *copy);
		if (copy == NULL)
			return;
		r->config = (struct zg_config){ memcpy(copy, config->bytes, config->len), config->len };
	}
	*ret_config = r->config;
}

bool fill_config(struct reader *r, const struct zg_inspector *inspector, struct conf_at at, const config_setting_t *items,
		 struct zg_config *ret_config)
{
	size_t errors = r->diags->errors, skipped = r->skipped;
	struct zg_config config = { .bytes = NULL };
	r->err = zg_config_init(inspector, &config);
	if (r->err == ZG_OK && items != NULL)
		read_inspector_items(r, items, inspector, &config);
	if (r->err == ZG_OK && (items == NULL || config_setting_is_group(items)))
		check_required(r, inspector, at, items);
	if (r->err == ZG_OK)
		keep_config(r, &config, ret_config);
	free(config.bytes);
	return r->err == ZG_OK && r->diags->errors == errors && r->skipped == skipped;
}

/* --- services ---------------------------------------------------------------------------------------- */

/* Both halves of a service in the making. */
struct service_pair {
	struct zg_service *service;
	struct draft_service *draft;
	const config_setting_t *items;
	uint32_t index;
	struct conf_at inspector;
};

static void read_name(struct reader *r, const config_setting_t *value, void *object)
{
	struct service_pair *pair = object;
	char line[ZG_LINE_STR_MAX];
	uint32_t twin = UINT32_MAX;
	pair->draft->at = place_of(value)->value;
	if (!take_name(r, value, &pair->service->name))
		return;
	enum zg_err err = conf_names_add(&r->draft->service_names, pair->service->name, pair->index, &twin);
	if (err != ZG_OK)
		r->err = err;
	else if (twin != UINT32_MAX)
		CONF_ERROR(r->diags, pair->draft->at, "give each service a name of its own",
			   "service \"%s\" is there already, %s", pair->service->name,
			   zg_files_line(r->draft->files, r->draft->policy->services[twin].line, line));
}

static void read_protocol(struct reader *r, const config_setting_t *value, void *object)
{
	struct service_pair *pair = object;
	pair->draft->protocol = place_of(value)->value;
	take_protocol(r, value, &pair->service->transport);
}

static void read_port(struct reader *r, const config_setting_t *value, void *object)
{
	struct service_pair *pair = object;
	take_port_list(r, value, &pair->service->ports, &pair->draft->ports, &pair->service->n_ports);
}

static void read_inspector(struct reader *r, const config_setting_t *value, void *object)
{
	struct service_pair *pair = object;
	pair->inspector = place_of(value)->value;
	take_inspector(r, value, &pair->service->inspector);
}

static bool other_key(struct reader *r, const config_setting_t *value, void *object)
{
	struct service_pair *pair = object;
	return take_items(r, value, pair->service->inspector, "service", &pair->items);
}

void read_service(struct reader *r, const config_setting_t *setting, size_t index)
{
	static const struct key keys[] = {
		{ "name", "name = \"mail\";", read_name },
		{ "protocol", "protocol = \"tcp\";", read_protocol },
		{ "port", "port = 25;", read_port },
		{ "inspector", "inspector = \"smtp\"; without inspection nothing passes", read_inspector },
	};
	static const struct group group = { "service", keys, sizeof keys / sizeof keys[0], other_key };
	struct service_pair pair = { .service = &r->draft->policy->services[index], .draft = &r->draft->services[index],
				     .index = (uint32_t)index };
	pair.draft->at = place_of(setting)->value;
	bool good = read_group(r, setting, &group, &pair);
	pair.service->line = pair.draft->at.line;
	if (pair.service->inspector != NULL && r->err == ZG_OK)
		good = fill_config(r, pair.service->inspector, pair.inspector, pair.items, &pair.service->config) && good;
	pair.draft->broken = !good;
	r->draft->nameless += pair.service->name == NULL;
}

uint32_t take_service(struct reader *r, const config_setting_t *value)
{
	uint32_t index;
	if (text_of(r, value) == NULL)
		return 0;
	if (!conf_names_find(&r->draft->service_names, config_setting_get_string(value), &index)) {
		unknown_name(r, value, &r->draft->service_names, "service", "they are defined in the list \"services\"");
		return 0;
	}
	r->draft->services[index].used = true;
	return index + 1;
}
