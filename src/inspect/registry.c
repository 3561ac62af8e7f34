/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inspectors that a flow can name. */
#include "zonegate/inspector.h"

#include <string.h>

/* An inspector's index goes into the runtime table that is shared between processes of one build: order is free. */
static const struct zg_inspector *const inspectors[] = {
	NULL, /* index 0 names none */
	&zg_smtp,
	&zg_tls,
	&zg_rdp,
	&zg_rfb,
	&zg_stream,
	&zg_datagram,
};

#define N_INSPECTORS (sizeof inspectors / sizeof *inspectors)

const struct zg_inspector *zg_inspector_by_name(const char *name)
{
	for (size_t i = 1; i < N_INSPECTORS; i++)
		if (strcmp(inspectors[i]->name, name) == 0)
			return inspectors[i];
	return NULL;
}

const struct zg_inspector *zg_inspector_by_index(uint32_t index)
{
	return index < N_INSPECTORS ? inspectors[index] : NULL;
}

uint32_t zg_inspector_index(const struct zg_inspector *inspector)
{
	for (uint32_t i = 1; i < N_INSPECTORS; i++)
		if (inspectors[i] == inspector)
			return i;
	return 0;
}

void zg_inspector_defaults(const struct zg_inspector *inspector, void *ret_config)
{
	uint8_t *config = ret_config;

	memset(config, 0, inspector->config_size);
	for (size_t i = 0; i < inspector->n_items; i++) {
		const struct zg_item *item = &inspector->items[i];
		if (item->type == ZG_ITEM_BOOL)
			config[item->offset] = (uint8_t)(item->preset != 0);
		else
			memcpy(config + item->offset, &item->preset, sizeof item->preset);
	}
}
