/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/conf_arg.h"

#include <stdio.h>
#include <stdlib.h>

#include "ctl/cmd.h"
#include "ctl/json.h"

void zg_ctl_print_diags(const struct zg_diags *diags)
{
	char *text = zg_diags_text(diags, zg_term_color(stderr));
	fputs(text != NULL ? text : "out of memory\n", stderr);
	free(text);
}

static json_t *diag_object(const struct zg_diags *diags, const struct zg_diag *diag)
{
	unsigned line;
	const struct zg_file *file = zg_files_at(&diags->files, diag->line, &line);
	return json_pack("{s:o, s:i, s:i, s:s, s:o, s:o}", "file", zg_json_text(file != NULL ? file->name : NULL), "line", (int)line, "column", (int)diag->column, "severity",
			 diag->severity == ZG_DIAG_ERROR ? "error" : "warning", "message", zg_json_text(diag->message),
			 "hint", zg_json_text(diag->hint));
}

bool zg_ctl_print_json(const char *file, const struct zg_diags *diags, const struct zg_policy *policy)
{
	json_t *lists[2] = { json_array(), json_array() };
	for (size_t i = 0; i < diags->n; i++)
		json_array_append_new(lists[diags->items[i].severity == ZG_DIAG_WARNING],
				      diag_object(diags, &diags->items[i]));
	json_t *object = json_pack("{s:i, s:o, s:b, s:o, s:o, s:I}", "schema", ZG_JSON_SCHEMA, "file",
				   zg_json_text(file), "ok", policy != NULL, "errors", lists[0], "warnings", lists[1],
				   "dropped", (json_int_t)diags->dropped);
	if (object != NULL && policy != NULL) {
		json_object_set_new(object, "zones", json_integer((json_int_t)policy->n_zones));
		json_object_set_new(object, "flows", json_integer((json_int_t)policy->n_flows));
	}
	return zg_json_print(stdout, object);
}

int zg_ctl_load(enum zg_conf_purpose purpose, const char *file, bool json, struct zg_diags *ret_diags,
		struct zg_policy **ret_policy)
{
	zg_diags_init(ret_diags);
	enum zg_err err = zg_conf_load_for(purpose, file, ret_diags, ret_policy);
	if (err == ZG_OK)
		return ZG_EXIT_OK;
	if (err != ZG_ECONF) {
		fprintf(stderr, "zonegatectl: %s\n", zg_strerror(err));
		return ZG_EXIT_FAILED;
	}
	if (json)
		zg_ctl_print_json(file, ret_diags, NULL);
	else
		zg_ctl_print_diags(ret_diags);
	return ZG_EXIT_CONFIG;
}
