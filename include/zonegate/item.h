/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration key that an inspector understands, described by a table row, so that the schema,
 * `zonegatectl show` and the documentation speak of the same keys. */
#ifndef ZONEGATE_ITEM_H
#define ZONEGATE_ITEM_H

#include <stddef.h>
#include <stdint.h>

enum zg_item_type {
	ZG_ITEM_BOOL,  /* uint8_t at offset */
	ZG_ITEM_INT,   /* uint32_t at offset, min..max */
	ZG_ITEM_ENUM,  /* uint32_t at offset: index into words */
	ZG_ITEM_FLAGS, /* uint32_t at offset: bit i for words[i]; written as a list of words, not empty */
};

struct zg_item {
	const char *key;
	enum zg_item_type type;
	size_t offset;		  /* into the inspector's configuration struct */
	uint32_t preset;	  /* the default */
	uint32_t min, max;	  /* ZG_ITEM_INT */
	const char *const *words; /* ZG_ITEM_ENUM, ZG_ITEM_FLAGS; ends with NULL */
	const char *help;	  /* one line with the unit */
};

#endif
