/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct conf_place *place_of(const config_setting_t *setting)
{
	static const struct conf_place top = { .key = { 1, 1 }, .value = { 1, 1 } };
	const struct conf_place *place = config_setting_get_hook(setting);
	return place != NULL ? place : &top;
}

const char *key_of(const config_setting_t *setting)
{
	while (setting != NULL && config_setting_name(setting) == NULL)
		setting = config_setting_parent(setting);
	return setting != NULL ? config_setting_name(setting) : "";
}

static void *checked(struct reader *r, void *p)
{
	if (p == NULL)
		r->err = ZG_ENOMEM;
	return p;
}

void *reader_alloc(struct reader *r, size_t n, size_t size)
{
	return checked(r, zg_arena_take(&r->draft->policy->arena, n, size));
}

void *draft_alloc(struct reader *r, size_t n, size_t size)
{
	return checked(r, zg_arena_take(&r->draft->arena, n, size));
}

char *reader_string(struct reader *r, const char *text)
{
	return checked(r, zg_arena_string(&r->draft->policy->arena, text));
}

/* --- unknown words ---------------------------------------------------------------------------- */

/* Changes (insert, remove, replace, swap neighbours) from a to b; words longer than a name are never alike. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][ZG_NAME_MAX + 2], na = strlen(a), nb = strlen(b);
	if (na > ZG_NAME_MAX || nb > ZG_NAME_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *first = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);
			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && first[j - 2] + 1 < best)
				best = first[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[na % 3][nb];
}

const char *conf_suggest(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t least = strlen(word) < 6 ? 1 : strlen(word) / 3;
	for (size_t i = 0; i < n && least > 0; i++) {
		if (words[i] == NULL)
			continue;
		size_t d = distance(word, words[i]);
		if (d <= least && d < strlen(words[i])) {
			best = words[i];
			least = d > 0 ? d - 1 : 0;
		}
	}
	return best;
}

/* "did you mean "x"?" or what there is to choose from. */
static void unknown_hint(char *buf, size_t size, const char *word, const char *const *words, size_t n)
{
	const char *near = conf_suggest(word, words, n);
	if (near != NULL) {
		snprintf(buf, size, "did you mean \"%s\"?", near);
		return;
	}
	size_t used = (size_t)snprintf(buf, size, "known are:");
	for (size_t i = 0; i < n && used < size; i++) {
		if (words[i] != NULL)
			used += (size_t)snprintf(buf + used, size - used, " %s", words[i]);
	}
}

/* --- groups ------------------------------------------------------------------------------------ */

/* Is there such a key? Looked for from *guess on and around, and the guess is then the next one. */
static bool find_key(const struct group *group, const char *name, size_t *guess)
{
	for (size_t i = 0, k = *guess; i < group->n_keys; i++, k++) {
		k = k < group->n_keys ? k : 0;
		if (strcmp(group->keys[k].name, name) == 0) {
			*guess = k + 1;
			return true;
		}
	}
	return false;
}

static void unknown_key(struct reader *r, const config_setting_t *setting, const struct group *group)
{
	const char *words[CONF_KEYS_MAX];
	char hint[512];
	size_t n = 0;
	for (; n < group->n_keys && n < CONF_KEYS_MAX; n++)
		words[n] = group->keys[n].name;
	unknown_hint(hint, sizeof hint, config_setting_name(setting), words, n);
	CONF_ERROR(r->diags, place_of(setting)->key, hint, "unknown key \"%s\" in %s", config_setting_name(setting),
		   group->what);
}

static bool is_among(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

/* The member of this name, looked for from *at on and around, where the next one probably is afterwards: keys mostly stand in
 * the order in which they are read. */
static const config_setting_t *member(const config_setting_t *group, const char *name, unsigned *at)
{
	const unsigned n = (unsigned)config_setting_length(group);
	for (unsigned i = 0, k = *at; i < n; i++, k++) {
		k = k < n ? k : 0;
		const config_setting_t *value = config_setting_get_elem(group, k);
		if (strcmp(config_setting_name(value), name) == 0) {
			*at = k + 1;
			return value;
		}
	}
	return NULL;
}

/* One value of a key; first: the one before it, of another file. */
static void read_value(struct reader *r, const config_setting_t *value, const config_setting_t *first, const struct key *key,
		       bool adds_up, void *object)
{
	char line[ZG_LINE_STR_MAX];
	if (place_of(value)->bad)
		r->skipped++;
	else if (first != NULL && !adds_up)
		CONF_ERROR(r->diags, place_of(value)->key, "keep one of them; only lists add up over files",
			   "\"%s\" is there already, %s", key->name,
			   zg_files_line(r->draft->files, place_of(first)->key.line, line));
	else
		key->read(r, value, object);
}

/* What is not in the table. */
static void read_others(struct reader *r, const config_setting_t *setting, const struct group *group, void *object)
{
	const unsigned length = (unsigned)config_setting_length(setting);
	size_t guess = 0;
	for (unsigned i = 0; i < length && r->err == ZG_OK; i++) {
		const config_setting_t *value = config_setting_get_elem(setting, i);
		if (!find_key(group, config_setting_name(value), &guess) &&
		    (group->other == NULL || !group->other(r, value, object)))
			unknown_key(r, value, group);
	}
}

bool read_groups(struct reader *r, const config_setting_t *const *settings, size_t n, const struct group *group,
		 const char *const *lists, void *object)
{
	size_t errors = r->diags->errors, skipped = r->skipped;
	unsigned at = 0;
	for (size_t i = 0; i < group->n_keys && r->err == ZG_OK; i++) {
		const struct key *key = &group->keys[i];
		const config_setting_t *first = NULL;
		for (size_t k = 0; k < n && r->err == ZG_OK; k++) {
			const config_setting_t *value = member(settings[k], key->name, &at);
			if (value == NULL)
				continue;
			read_value(r, value, first, key, is_among(key->name, lists), object);
			first = first != NULL ? first : value;
		}
		if (first == NULL && key->missing != NULL)
			CONF_ERROR(r->diags, place_of(settings[0])->value, key->missing, "%s has no key \"%s\"",
				   group->what, key->name);
	}
	for (size_t k = 0; k < n; k++)
		read_others(r, settings[k], group, object);
	return r->err == ZG_OK && r->diags->errors == errors && r->skipped == skipped;
}

bool read_group(struct reader *r, const config_setting_t *setting, const struct group *group, void *object)
{
	static const char *const none[] = { NULL };
	if (place_of(setting)->bad) {
		r->skipped++;
		return false;
	}
	if (!config_setting_is_group(setting)) {
		wrong_type(r, setting, "a group { ... }");
		return false;
	}
	return read_groups(r, &setting, 1, group, none, object);
}

/* --- values ------------------------------------------------------------------------------------ */

static const char *type_word(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group { ... }";
	case CONFIG_TYPE_LIST:
		return "a list ( ... )";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ... ]";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	default:
		return "a number";
	}
}

void wrong_type(struct reader *r, const config_setting_t *value, const char *wanted)
{
	char hint[128];
	if (place_of(value)->bad) {
		r->skipped++;
		return;
	}
	snprintf(hint, sizeof hint, "write %s", wanted);
	CONF_ERROR(r->diags, place_of(value)->value, hint, "%s\"%s\" must be %s, not %s",
		   config_setting_name(value) == NULL ? "an element of " : "", key_of(value), wanted, type_word(value));
}

const char *text_of(struct reader *r, const config_setting_t *value)
{
	const char *text = config_setting_get_string(value);
	if (text == NULL || place_of(value)->bad) {
		wrong_type(r, value, "a string in quotes");
		return NULL;
	}
	return text;
}

/* A text of at most max bytes that says something, or NULL. */
static const char *words_of(struct reader *r, const config_setting_t *value, size_t max)
{
	const char *text = text_of(r, value);
	if (text == NULL)
		return NULL;
	/* U+3000 is how a Japanese keyboard writes nothing */
	const char *p = text;
	while (*p == ' ' || *p == '\t' || strncmp(p, "\xe3\x80\x80", 3) == 0)
		p += *p == '\xe3' ? 3 : 1;
	if (*p == '\0') {
		CONF_ERROR(r->diags, place_of(value)->value,
			   "write what it is, or leave the key out if it may be left out", "\"%s\" is empty",
			   key_of(value));
		return NULL;
	}
	if (strlen(text) > max) {
		CONF_ERROR(r->diags, place_of(value)->value, "shorten it (a Japanese character takes three bytes)",
			   "\"%s\" is longer than %zu bytes", key_of(value), max);
		return NULL;
	}
	return text;
}

static bool keep(struct reader *r, const char *text, char **ret_string)
{
	char *copy = text != NULL ? reader_string(r, text) : NULL;
	if (copy != NULL)
		*ret_string = copy;
	return copy != NULL;
}

bool take_string(struct reader *r, const config_setting_t *value, size_t max, char **ret_string)
{
	return keep(r, words_of(r, value, max), ret_string);
}

bool take_int(struct reader *r, const config_setting_t *value, uint32_t min, uint32_t max, uint32_t *ret_int)
{
	char hint[64];
	if (config_setting_type(value) != CONFIG_TYPE_INT || place_of(value)->bad) {
		wrong_type(r, value, "a whole number");
		return false;
	}
	int number = config_setting_get_int(value);
	if (number < 0 || (uint32_t)number < min || (uint32_t)number > max) {
		snprintf(hint, sizeof hint, "it goes from %u to %u", (unsigned)min, (unsigned)max);
		CONF_ERROR(r->diags, place_of(value)->value, hint, "\"%s\" is out of range: %d", key_of(value), number);
		return false;
	}
	*ret_int = (uint32_t)number;
	return true;
}

bool take_bool(struct reader *r, const config_setting_t *value, bool *ret_bool)
{
	if (config_setting_type(value) != CONFIG_TYPE_BOOL || place_of(value)->bad) {
		wrong_type(r, value, "true or false");
		return false;
	}
	*ret_bool = config_setting_get_bool(value) != 0;
	return true;
}

bool take_word(struct reader *r, const config_setting_t *value, const char *const *words, size_t n, uint32_t *ret_index)
{
	char hint[512];
	const char *text = text_of(r, value);
	if (text == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], text) == 0) {
			*ret_index = (uint32_t)i;
			return true;
		}
	}
	unknown_hint(hint, sizeof hint, text, words, n);
	CONF_ERROR(r->diags, place_of(value)->value, hint, "unknown %s \"%s\"", key_of(value), text);
	return false;
}

bool take_name(struct reader *r, const config_setting_t *value, char **ret_name)
{
	const char *name = words_of(r, value, ZG_LABEL_MAX);
	if (name == NULL || (is_name(name) && strlen(name) <= ZG_NAME_MAX))
		return keep(r, name, ret_name);
	CONF_ERROR(r->diags, place_of(value)->value,
		   "a small letter, then small letters, digits and hyphens, at most 31; other words go into label or "
		   "purpose",
		   "\"%s\" is not a name", name);
	return false;
}

size_t count_of(struct reader *r, const config_setting_t *value, size_t max)
{
	if (!config_setting_is_list(value) && !config_setting_is_array(value))
		return 1;
	size_t n = (size_t)config_setting_length(value);
	if (n == 0)
		CONF_ERROR(r->diags, place_of(value)->value, "name at least one", "\"%s\" is empty", key_of(value));
	if (n > max)
		CONF_ERROR(r->diags, place_of(value)->value, NULL, "\"%s\" has more than %zu elements", key_of(value),
			   max);
	return n <= max ? n : 0;
}

size_t length_of(struct reader *r, const config_setting_t *value, size_t have, size_t max)
{
	if (!config_setting_is_list(value)) {
		wrong_type(r, value, "a list ( { ... }, { ... } )");
		return 0;
	}
	const struct conf_list *list = conf_source_list(r->source, place_of(value));
	size_t n = list != NULL ? list->n : (size_t)config_setting_length(value);
	if (have + n <= max)
		return n;
	CONF_ERROR(r->diags, place_of(value)->value, NULL, "more than %zu %s", max, key_of(value));
	return 0;
}

static void read_batch(struct reader *r, struct conf_batch *batch, const char *name, size_t first,
		       void (*read)(struct reader *r, const config_setting_t *setting, size_t index))
{
	config_t tree;
	config_init(&tree);
	r->err = conf_load_batch(r->source, batch, name, r->diags, &tree);
	const config_setting_t *list = config_setting_get_elem(config_root_setting(&tree), 0);
	for (size_t i = 0; i < batch->n && r->err == ZG_OK; i++)
		read(r, config_setting_get_elem(list, (unsigned)i), first + i);
	config_destroy(&tree);
	conf_places_free(&batch->places);
}

void read_elements(struct reader *r, const config_setting_t *value, size_t first,
		   void (*read)(struct reader *r, const config_setting_t *setting, size_t index))
{
	const struct conf_list *list = conf_source_list(r->source, place_of(value));
	const size_t n = list == NULL ? (size_t)config_setting_length(value) : 0;
	for (size_t i = 0; i < n && r->err == ZG_OK; i++)
		read(r, config_setting_get_elem(value, (unsigned)i), first + i);
	for (size_t b = 0; list != NULL && b < list->n_batches && r->err == ZG_OK; b++) {
		struct conf_batch *batch = &r->source->batches[list->first_batch + b];
		read_batch(r, batch, config_setting_name(value), first, read);
		first += batch->n;
	}
}

const config_setting_t *element_of(const config_setting_t *value, size_t index)
{
	if (!config_setting_is_list(value) && !config_setting_is_array(value))
		return value;
	return config_setting_get_elem(value, (unsigned)index);
}
