/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/config.h"

#include <stdlib.h>
#include <string.h>

enum zg_err zg_config_init(const struct zg_inspector *inspector, struct zg_config *ret_config)
{
	struct zg_config config = { malloc(inspector->config_size + 1), inspector->config_size };

	if (config.bytes == NULL)
		return ZG_ENOMEM;
	zg_inspector_defaults(inspector, config.bytes);
	*ret_config = config;
	return ZG_OK;
}

enum zg_err zg_config_add(struct zg_config *config, const struct zg_item *item, const char *text)
{
	const size_t len = strlen(text);
	struct zg_item_list strings;

	if (len > ZG_STRING_MAX || config->len > UINT32_MAX - 1 - ZG_STRING_MAX)
		return ZG_EINVAL;
	uint8_t *bytes = realloc(config->bytes, config->len + 1 + len + 1); /* with the NUL, which does not count */
	if (bytes == NULL)
		return ZG_ENOMEM;
	memcpy(&strings, bytes + item->offset, sizeof strings);
	if (strings.n++ == 0)
		strings.at = (uint32_t)config->len;
	memcpy(bytes + item->offset, &strings, sizeof strings);
	bytes[config->len] = (uint8_t)len;
	memcpy(bytes + config->len + 1, text, len + 1);
	config->bytes = bytes;
	config->len += 1 + len;
	return ZG_OK;
}

static bool strings_valid(const struct zg_item_list *strings, const uint8_t *bytes, size_t len)
{
	size_t at = strings->at;

	for (uint32_t i = 0; i < strings->n; i++) {
		if (at >= len || bytes[at] >= len - at)
			return false;
		at += 1u + bytes[at];
	}
	return true;
}

bool zg_config_valid(const struct zg_inspector *inspector, const uint8_t *bytes, size_t len)
{
	struct zg_item_list strings;

	if (len < inspector->config_size)
		return false;
	for (size_t i = 0; i < inspector->n_items; i++) {
		if (inspector->items[i].type != ZG_ITEM_STRINGS)
			continue;
		memcpy(&strings, bytes + inspector->items[i].offset, sizeof strings);
		if (strings.n > inspector->items[i].max || !strings_valid(&strings, bytes, len))
			return false;
	}
	return true;
}
