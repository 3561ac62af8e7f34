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
	ZG_ITEM_TEXT,  /* char[max + 1] at offset: printable ASCII, min..max characters and NULs; "" unless configured */
};

struct zg_item {
	const char *key;
	enum zg_item_type type;
	size_t offset;		  /* into the inspector's configuration struct */
	uint32_t preset;	  /* the default */
	uint32_t min, max;	  /* ZG_ITEM_INT; ZG_ITEM_TEXT: characters */
	const char *const *words; /* ZG_ITEM_ENUM, ZG_ITEM_FLAGS; ends with NULL */
	const char *help;	  /* one line with the unit */
};

/* The bytes that it has in the configuration. */
static inline size_t zg_item_size(const struct zg_item *item)
{
	switch (item->type) {
	case ZG_ITEM_BOOL:
		return sizeof(uint8_t);
	case ZG_ITEM_TEXT:
		return (size_t)item->max + 1;
	case ZG_ITEM_INT:
	case ZG_ITEM_ENUM:
	case ZG_ITEM_FLAGS:
		break;
	}
	return sizeof(uint32_t);
}

#endif
