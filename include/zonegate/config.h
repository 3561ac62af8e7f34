/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An inspector's configuration: a fixed part, by the inspector's own struct, and the strings that its lists name. It holds no
 * pointers, so that it may lie anywhere, 8-byte aligned, and two are the same if their bytes are. */
#ifndef ZONEGATE_CONFIG_H
#define ZONEGATE_CONFIG_H

#include "zonegate/err.h"
#include "zonegate/inspector.h"

struct zg_config {
	uint8_t *bytes; /* malloc'd while it is made; of a policy, in its arena */
	size_t len;	/* >= inspector->config_size */
};

/* With the defaults of its items. The caller frees bytes. */
enum zg_err zg_config_init(const struct zg_inspector *inspector, struct zg_config *ret_config);
/* One more string for a list, the strings of one list one after the other. item->check has seen it; at most ZG_STRING_MAX bytes. */
enum zg_err zg_config_add(struct zg_config *config, const struct zg_item *item, const char *text);
/* Do its lists lie within len bytes? For bytes that come from another process. */
bool zg_config_valid(const struct zg_inspector *inspector, const uint8_t *bytes, size_t len);

#endif
