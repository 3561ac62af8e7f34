/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A registry with one inspector that has items of every type, in the place of src/inspect/registry.c: what is tested
 * with it must not change when a real inspector gets a new item. */
#ifndef ZONEGATE_TEST_INSPECTOR_DOUBLE_H
#define ZONEGATE_TEST_INSPECTOR_DOUBLE_H

#include <string.h>

#include "zonegate/inspector.h"

struct double_config {
	uint32_t mode, charsets, max_size;
	uint8_t strict;
};

static const char *const double_modes[] = { "verify", "sanitise", NULL };
static const char *const double_charsets[] = { "utf-8", "iso-2022-jp", "us-ascii", NULL };
static const struct zg_item double_items[] = {
	{ "mode", ZG_ITEM_ENUM, offsetof(struct double_config, mode), 0, 0, 0, double_modes, "" },
	{ "charsets", ZG_ITEM_FLAGS, offsetof(struct double_config, charsets), 7, 0, 0, double_charsets, "" },
	{ "max_size", ZG_ITEM_INT, offsetof(struct double_config, max_size), 1000, 1, 1000000, NULL, "octets" },
	{ "strict", ZG_ITEM_BOOL, offsetof(struct double_config, strict), 1, 0, 0, NULL, "" },
};
static const struct zg_inspector double_inspector = { .name = "smtp",
						      .transport = ZG_TCP,
						      .sanitises = true,
						      .config_size = sizeof(struct double_config),
						      .items = double_items,
						      .n_items = 4 };

/* One that models speak of, one that they speak of and that does not sanitise, and one that only looks on. */
static const struct zg_inspector double_rfb = { .name = "rfb", .transport = ZG_TCP, .sanitises = true };
static const struct zg_inspector double_tls = { .name = "tls", .transport = ZG_TCP };
static const struct zg_inspector double_count = { .name = "count", .transport = ZG_TCP };
static const struct zg_inspector *const double_registry[] = { NULL, &double_inspector, &double_rfb, &double_tls, &double_count };

const struct zg_inspector *zg_inspector_by_index(uint32_t index)
{
	return index < sizeof double_registry / sizeof double_registry[0] ? double_registry[index] : NULL;
}

const struct zg_inspector *zg_inspector_by_name(const char *name)
{
	for (uint32_t i = 1; zg_inspector_by_index(i) != NULL; i++) {
		if (strcmp(double_registry[i]->name, name) == 0)
			return double_registry[i];
	}
	return NULL;
}

uint32_t zg_inspector_index(const struct zg_inspector *inspector)
{
	for (uint32_t i = 1; zg_inspector_by_index(i) != NULL; i++) {
		if (double_registry[i] == inspector)
			return i;
	}
	return 0;
}

void zg_inspector_defaults(const struct zg_inspector *inspector, void *ret_config)
{
	const struct double_config config = { 0, 7, 1000, 1 };
	if (inspector == &double_inspector)
		memcpy(ret_config, &config, sizeof config);
}

#endif
