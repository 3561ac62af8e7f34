/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration key that an inspector understands, described by a table row, so that the schema,
 * `zonegatectl show` and the documentation speak of the same keys. */
#ifndef ZONEGATE_ITEM_H
#define ZONEGATE_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zg_item_type {
	ZG_ITEM_BOOL,  /* uint8_t at offset */
	ZG_ITEM_INT,   /* uint32_t at offset, min..max */
	ZG_ITEM_ENUM,  /* uint32_t at offset: index into words */
	ZG_ITEM_FLAGS, /* uint32_t at offset: bit i for words[i]; written as a list of words, not empty */
	ZG_ITEM_STRINGS, /* struct zg_item_list at offset: at most max of them; none unless written */
};

#define ZG_STRING_MAX 255 /* bytes of one string of a list */

/* Strings of the configuration. They lie behind its fixed part, each after a byte with its length. */
struct zg_item_list {
	uint32_t at; /* bytes from the beginning of the configuration */
	uint32_t n;
};

struct zg_item {
	const char *key;
	enum zg_item_type type;
	size_t offset;		  /* into the inspector's configuration struct */
	uint32_t preset;	  /* the default */
	uint32_t min, max;	  /* ZG_ITEM_INT; ZG_ITEM_STRINGS: max */
	const char *const *words; /* ZG_ITEM_ENUM, ZG_ITEM_FLAGS; ends with NULL */
	const char *help;	  /* one line with the unit */
	/* ZG_ITEM_STRINGS: looks at a string and gives it the form in which it is compared, never a longer one. NULL = good, else
	 * what should be written. May be NULL. */
	const char *(*check)(char *text);
	bool required; /* ZG_ITEM_STRINGS: at least one has to be written */
};

/* The next string, which is not terminated. *cursor is 0 at first. False: there is no more. */
static inline bool zg_item_list_next(const void *config, const struct zg_item_list *strings, struct zg_item_list *cursor,
				   const uint8_t **ret_text, size_t *ret_len)
{
	const uint8_t *at = (const uint8_t *)config + strings->at + cursor->at;

	if (cursor->n >= strings->n)
		return false;
	*ret_len = *at;
	*ret_text = at + 1;
	cursor->at += 1u + *at;
	cursor->n++;
	return true;
}

#endif
