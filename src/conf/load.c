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

/* Hands out the places in document order; false when tree and text are not the same. */
static bool join(config_setting_t *setting, struct conf_source *source, size_t stop, size_t *next)
{
	int n = config_setting_length(setting);
	for (int i = 0; i < n; i++) {
		config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
		if (child == NULL || *next >= stop)
			return false;
		struct conf_place *place = &source->places[(*next)++];
		if (!same(source, place, child))
			return false;
		config_setting_set_hook(child, place);
		if (config_setting_is_aggregate(child) && !join(child, source, stop, next))
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

enum zg_err conf_load_tree(struct conf_source *source, size_t file, struct zg_diags *diags, config_t *tree)
{
	static const char hint[] = "see the grammar in zonegate.conf(5)";
	const struct zg_file *part = &source->files->v[file];
	char *end = source->text + conf_source_end(source, file), keep = *end;
	*end = '\0';
	int read = config_read_string(tree, source->text + part->offset);
	*end = keep;
	if (read != CONFIG_TRUE) {
		int line = config_error_line(tree);
		CONF_ERROR(diags, error_place(source, part->before + (line > 0 ? (unsigned)line : 1)), hint, "%s",
			   config_error_text(tree));
		return ZG_ECONF;
	}
	size_t first = source->first_places[file], next = first, stop = source->first_places[file + 1];
	if (!join(config_root_setting(tree), source, stop, &next) || next != stop) {
		/* Two readings of one text: neither may become a policy. */
		struct conf_at at = { part->before + 1, 1 };
		if (next > first)
			at = source->places[next - 1].key;
		CONF_ERROR(diags, at, hint, "the text can be read in two ways from here on");
		return ZG_ECONF;
	}
	return ZG_OK;
}
