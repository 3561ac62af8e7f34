/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libconfig, and its tree joined with the places that shape.c found. */
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/* Does the tree hold the string that stands at p (on its opening quote)? */
static bool same_string(const char *p, const char *value)
{
	for (p++; *p != '"'; p++, value++) {
		if (*p == '\\')
			p++;
		if (*p == '\0' || *p != *value)
			return false;
	}
	return *value == '\0';
}

/* Does the tree hold what a reader of the text sees at this place? */
static bool same(const struct conf_source *source, const struct conf_place *place, const config_setting_t *setting)
{
	const char *name = config_setting_name(setting), *value = source->text + place->value_off;
	const char *key = source->text + place->key_off;
	if (name != NULL && (strncmp(name, key, strlen(name)) != 0 || strchr(" \t\r\n=:#/", key[strlen(name)]) == NULL))
		return false;
	if (place->bad)
		return true;
	if (config_setting_type(setting) != place->type)
		return false;
	switch (place->type) {
	case CONFIG_TYPE_INT:
		return config_setting_get_int(setting) == strtol(value, NULL, value[0] == '0' ? 16 : 10);
	case CONFIG_TYPE_BOOL:
		return config_setting_get_bool(setting) == (*value == 't' || *value == 'T');
	case CONFIG_TYPE_STRING:
		return same_string(value, config_setting_get_string(setting));
	default:
		return true;
	}
}

/* Hands out the places in document order, up to stop; false when tree and text are not the same. */
static bool join(config_setting_t *setting, const struct conf_source *source, const struct conf_places *places, size_t stop, size_t *next)
{
	int n = config_setting_length(setting);
	for (int i = 0; i < n; i++) {
		config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
		if (child == NULL || *next >= stop)
			return false;
		struct conf_place *place = &places->v[(*next)++];
		if (!same(source, place, child))
			return false;
		config_setting_set_hook(child, place);
		if (config_setting_is_aggregate(child) && !join(child, source, places, stop, next))
			return false;
	}
	return true;
}

/* libconfig tells the line only: the first character on it that is not blank. */
static struct conf_at error_place(const struct conf_source *source, unsigned line)
{
	struct conf_at at = { line, 1 };
	const char *p = source->text;
	for (unsigned i = 1; i < line && p != NULL; i++) {
		p = strchr(p, '\n');
		p = p != NULL ? p + 1 : NULL;
	}
	if (p != NULL)
		at.column += (uint32_t)strspn(p, " \t");
	return at;
}

static const char grammar_hint[] = "see the grammar in zonegate.conf(5)";

/* Into the tree; before: lines of the source in front of the text. */
static enum zg_err read_text(const struct conf_source *source, const char *text, unsigned before, struct zg_diags *diags, config_t *tree)
{
	if (config_read_string(tree, text) == CONFIG_TRUE)
		return ZG_OK;
	int line = config_error_line(tree);
	CONF_ERROR(diags, error_place(source, before + (line > 0 ? (unsigned)line : 1)), grammar_hint, "%s", config_error_text(tree));
	return ZG_ECONF;
}

/* Two readings of one text: neither may become a policy. */
static enum zg_err two_readings(struct zg_diags *diags, struct conf_at at)
{
	CONF_ERROR(diags, at, grammar_hint, "the text can be read in two ways from here on");
	return ZG_ECONF;
}

/* A file's text from at to end without the elements of its long lists, but with their lines; malloc'd. */
static char *without_elements(const struct conf_source *source, size_t at, size_t end)
{
	size_t size = end - at + 1, used = 0;
	const struct conf_list *list = source->lists, *stop = list + source->n_lists;
	while (list < stop && list->begin < at)
		list++;
	for (const struct conf_list *l = list; l < stop && l->begin < end; l++)
		size -= l->end - l->begin - l->lines;
	char *text = malloc(size);
	for (; text != NULL && list < stop && list->begin < end; list++) {
		memcpy(text + used, source->text + at, list->begin - at);
		used += list->begin - at;
		memset(text + used, '\n', list->lines);
		used += list->lines;
		at = list->end;
	}
	if (text != NULL) {
		memcpy(text + used, source->text + at, end - at);
		text[used + end - at] = '\0';
	}
	return text;
}

enum zg_err conf_load_tree(struct conf_source *source, size_t file, struct zg_diags *diags, config_t *tree)
{
	const struct zg_file *part = &source->files->v[file];
	char *text = without_elements(source, part->offset, conf_source_end(source, file));
	enum zg_err err = text != NULL ? read_text(source, text, part->before, diags, tree) : ZG_ENOMEM;
	free(text);
	if (err != ZG_OK)
		return err;
	size_t first = source->first_places[file], next = first, stop = source->first_places[file + 1];
	if (join(config_root_setting(tree), source, &source->places, stop, &next) && next == stop)
		return ZG_OK;
	return two_readings(diags, next > first ? source->places.v[next - 1].key : (struct conf_at){ part->before + 1, 1 });
}

/* name = ( the text of the batch ), malloc'd. */
static char *batch_text(const struct conf_source *source, const struct conf_batch *batch, const char *name)
{
	const size_t named = strlen(name), len = batch->end - batch->begin;
	char *text = malloc(named + len + sizeof "=()"), *p = text;
	if (text == NULL)
		return NULL;
	p = mempcpy(p, name, named);
	p = mempcpy(p, "=(", 2);
	p = mempcpy(p, source->text + batch->begin, len);
	memcpy(p, ")", 2);
	return text;
}

enum zg_err conf_load_batch(struct conf_source *source, const struct conf_batch *batch, const char *name, struct zg_diags *diags,
			    config_t *tree)
{
	char *text = batch_text(source, batch, name);
	enum zg_err err = text != NULL ? read_text(source, text, batch->line - 1, diags, tree) : ZG_ENOMEM;
	free(text);
	if (err != ZG_OK)
		return err;
	config_setting_t *root = config_root_setting(tree), *list = config_setting_get_elem(root, 0);
	size_t next = 0;
	if (config_setting_length(root) == 1 && list != NULL && config_setting_is_list(list) && (size_t)config_setting_length(list) == batch->n &&
	    join(list, source, &batch->places, batch->places.n, &next) && next == batch->places.n)
		return ZG_OK;
	return two_readings(diags, next > 0 ? batch->places.v[next - 1].key : (struct conf_at){ batch->line, 1 });
}
