/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash of names: a hundred thousand flows look theirs up. */
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

#define SLOTS_MIN 64u /* a power of two */

/* FNV-1a. The names are of who writes the policy: nobody gains by collisions, which cost time only. */
static size_t hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

/* The slot that holds the name, or the free one where it belongs. */
static uint32_t *slot_of(const struct conf_names *names, const char *name)
{
	size_t i = hash(name) & (names->n_slots - 1);
	while (names->slots[i] != 0 && strcmp(names->words[names->slots[i] - 1], name) != 0)
		i = (i + 1) & (names->n_slots - 1);
	return &names->slots[i];
}

/* At most half of the slots are taken. */
static enum zg_err widen(struct conf_names *names)
{
	if (2 * (names->n + 1) <= names->n_slots)
		return ZG_OK;
	size_t n_slots = names->n_slots != 0 ? 2 * names->n_slots : SLOTS_MIN;
	uint32_t *slots = calloc(n_slots, sizeof *slots);
	const char **words = reallocarray(names->words, n_slots / 2, sizeof *words);
	if (words != NULL)
		names->words = words;
	uint32_t *values = reallocarray(names->values, n_slots / 2, sizeof *values);
	if (values != NULL)
		names->values = values;
	if (slots == NULL || words == NULL || values == NULL) {
		free(slots);
		return ZG_ENOMEM;
	}
	free(names->slots);
	names->slots = slots;
	names->n_slots = n_slots;
	for (size_t i = 0; i < names->n; i++)
		*slot_of(names, names->words[i]) = (uint32_t)i + 1;
	return ZG_OK;
}

enum zg_err conf_names_add(struct conf_names *names, const char *name, uint32_t value, uint32_t *ret_twin)
{
	enum zg_err err = widen(names);
	if (err != ZG_OK)
		return err;
	uint32_t *slot = slot_of(names, name);
	*ret_twin = *slot != 0 ? names->values[*slot - 1] : UINT32_MAX;
	if (*slot != 0)
		return ZG_OK;
	names->words[names->n] = name;
	names->values[names->n] = value;
	*slot = (uint32_t)++names->n;
	return ZG_OK;
}

bool conf_names_find(const struct conf_names *names, const char *name, uint32_t *ret_value)
{
	const uint32_t *slot = names->n > 0 ? slot_of(names, name) : NULL;
	if (slot == NULL || *slot == 0)
		return false;
	*ret_value = names->values[*slot - 1];
	return true;
}

void conf_names_free(struct conf_names *names)
{
	free(names->words);
	free(names->values);
	free(names->slots);
	*names = (struct conf_names){ 0 };
}
