/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open addressing, never more than half full; a removal moves what it would cut off (Knuth, 6.4, algorithm R). */
#include "inspect/source.h"
#include "inspect/flowtab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum zg_err zg_sources_init(struct zg_sources *sources, uint32_t max, const uint64_t key[static 2])
{
	assert((max & (max - 1)) == 0);
	*sources = (struct zg_sources){ .mask = 2 * max - 1, .key = { key[0], key[1] } };
	sources->places = calloc((size_t)sources->mask + 1, sizeof *sources->places);
	return sources->places != NULL ? ZG_OK : ZG_ENOMEM;
}

void zg_sources_fini(struct zg_sources *sources)
{
	free(sources->places);
	sources->places = NULL;
}

static uint32_t home(const struct zg_sources *s, const struct zg_addr *addr)
{
	uint8_t bytes[1 + sizeof addr->b];
	bytes[0] = addr->family;
	memcpy(bytes + 1, addr->b, sizeof addr->b);
	return (uint32_t)zg_siphash(s->key, bytes, sizeof bytes) & s->mask;
}

/* Where it is, or the free place where it would be. */
static uint32_t place_of(const struct zg_sources *s, const struct zg_addr *addr)
{
	uint32_t i = home(s, addr);
	while (s->places[i].addr.family != 0 && zg_addr_cmp(&s->places[i].addr, addr) != 0)
		i = (i + 1) & s->mask;
	return i;
}

struct zg_source *zg_sources_find(const struct zg_sources *sources, const struct zg_addr *addr)
{
	struct zg_source *place = &sources->places[place_of(sources, addr)];
	return place->count > 0 ? place : NULL;
}

struct zg_source *zg_sources_add(struct zg_sources *sources, const struct zg_addr *addr)
{
	struct zg_source *place = &sources->places[place_of(sources, addr)];

	if (place->addr.family == 0) {
		if (sources->n > sources->mask / 2)
			return NULL;
		place->addr = *addr;
		sources->n++;
	}
	if (place->count == UINT16_MAX)
		return NULL;
	place->count++;
	return place;
}

void zg_sources_remove(struct zg_sources *sources, struct zg_source *source)
{
	uint32_t hole = (uint32_t)(source - sources->places);

	assert(source->count > 0);
	if (--source->count > 0)
		return;
	sources->n--;
	for (uint32_t i = (hole + 1) & sources->mask; sources->places[i].addr.family != 0; i = (i + 1) & sources->mask) {
		/* may it stand in the hole? Only if its home does not lie behind it */
		if (((i - home(sources, &sources->places[i].addr)) & sources->mask) < ((i - hole) & sources->mask))
			continue;
		sources->places[hole] = sources->places[i];
		hole = i;
	}
	sources->places[hole] = (struct zg_source){ .count = 0 };
}
