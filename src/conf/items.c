/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of an inspector, by the table that the inspector itself publishes. */
#include <stdio.h>
#include <string.h>

#include "conf/schema.h"

#define WORDS_MAX 32 /* bits of a ZG_ITEM_FLAGS */

static size_t count_words(const char *const *words)
{
	size_t n = 0;
	while (n < WORDS_MAX && words[n] != NULL)
		n++;
	return n;
}

static bool read_flags(struct reader *r, const config_setting_t *value, const struct zg_item *item, uint32_t *ret_flags)
{
	uint32_t flags = 0, bit;
	size_t n = count_of(r, value, WORDS_MAX);
	bool good = n > 0;
	for (size_t i = 0; i < n; i++) {
		if (take_word(r, element_of(value, i), item->words, count_words(item->words), &bit))
			flags |= UINT32_C(1) << bit;
		else
			good = false;
	}
	if (good)
		*ret_flags = flags;
	return good;
}

static void read_string(struct reader *r, const config_setting_t *value, const struct zg_item *item, struct zg_config *config)
{
	char *text;
	if (!take_string(r, value, ZG_STRING_MAX, &text))
		return;
	const char *wanted = item->check != NULL ? item->check(text) : NULL;
	if (wanted != NULL)
		CONF_ERROR(r->diags, place_of(value)->value, wanted, "\"%s\" cannot stand in \"%s\"", config_setting_get_string(value),
			   item->key);
	else
		r->err = zg_config_add(config, item, text);
}

static void read_strings(struct reader *r, const config_setting_t *value, const struct zg_item *item, struct zg_config *config)
{
	const size_t n = count_of(r, value, item->max);
	for (size_t i = 0; i < n && r->err == ZG_OK; i++)
		read_string(r, element_of(value, i), item, config);
}

static void read_item(struct reader *r, const config_setting_t *value, const struct zg_item *item, struct zg_config *config)
{
	uint8_t *at = config->bytes + item->offset;
	uint32_t number = 0;
	bool truth = false, good = false;
	switch (item->type) {
	case ZG_ITEM_BOOL:
		if (take_bool(r, value, &truth))
			*at = truth;
		return;
	case ZG_ITEM_INT:
		good = take_int(r, value, item->min, item->max, &number);
		break;
	case ZG_ITEM_ENUM:
		good = take_word(r, value, item->words, count_words(item->words), &number);
		break;
	case ZG_ITEM_FLAGS:
		good = read_flags(r, value, item, &number);
		break;
	case ZG_ITEM_STRINGS:
		read_strings(r, value, item, config);
		return;
	}
	if (good)
		memcpy(at, &number, sizeof number);
}

static const struct zg_item *find_item(const struct zg_inspector *inspector, const char *key)
{
	for (size_t i = 0; i < inspector->n_items; i++) {
		if (strcmp(inspector->items[i].key, key) == 0)
			return &inspector->items[i];
	}
	return NULL;
}

static void unknown_item(struct reader *r, const config_setting_t *value, const struct zg_inspector *inspector)
{
	const char *words[CONF_KEYS_MAX];
	char hint[128] = "zonegate.conf(5) lists the settings of each inspector";
	size_t n = 0;
	for (; n < inspector->n_items && n < CONF_KEYS_MAX; n++)
		words[n] = inspector->items[n].key;
	const char *near = conf_suggest(config_setting_name(value), words, n);
	if (near != NULL)
		snprintf(hint, sizeof hint, "did you mean \"%s\"?", near);
	CONF_ERROR(r->diags, place_of(value)->key, hint, "inspector \"%s\" has no setting \"%s\"", inspector->name,
		   config_setting_name(value));
}

void read_inspector_items(struct reader *r, const config_setting_t *group, const struct zg_inspector *inspector,
			  struct zg_config *config)
{
	if (!config_setting_is_group(group)) {
		wrong_type(r, group, "a group { ... }");
		return;
	}
	int n = config_setting_length(group);
	for (int i = 0; i < n; i++) {
		const config_setting_t *value = config_setting_get_elem(group, (unsigned)i);
		const struct zg_item *item = find_item(inspector, config_setting_name(value));
		if (item == NULL)
			unknown_item(r, value, inspector);
	}
	/* in the table's order: the same settings make the same bytes */
	for (size_t i = 0; i < inspector->n_items && r->err == ZG_OK; i++) {
		const config_setting_t *value = config_setting_get_member(group, inspector->items[i].key);
		if (value != NULL && !place_of(value)->bad)
			read_item(r, value, &inspector->items[i], config);
	}
}
