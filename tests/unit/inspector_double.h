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
	{ .key = "mode", .type = ZG_ITEM_ENUM, .offset = offsetof(struct double_config, mode), .words = double_modes, .help = "" },
	{ .key = "charsets",
	  .type = ZG_ITEM_FLAGS,
	  .offset = offsetof(struct double_config, charsets),
	  .preset = 7,
	  .words = double_charsets,
	  .help = "" },
	{ .key = "max_size",
	  .type = ZG_ITEM_INT,
	  .offset = offsetof(struct double_config, max_size),
	  .preset = 1000,
	  .min = 1,
	  .max = 1000000,
	  .help = "octets" },
	{ .key = "strict", .type = ZG_ITEM_BOOL, .offset = offsetof(struct double_config, strict), .preset = 1, .help = "" },
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
