/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

json_t *zg_json_text(const char *text)
{
	if (text == NULL)
		return json_null();
	json_t *string = json_string(text);
	if (string != NULL)
		return string;
	char *safe = NULL;
	size_t len;
	FILE *out = open_memstream(&safe, &len);
	if (out == NULL)
		return NULL;
	zg_utf8_safe(out, text, strlen(text));
	if (fclose(out) == 0)
		string = json_string(safe);
	free(safe);
	return string;
}

bool zg_json_print(FILE *out, json_t *object)
{
	if (object == NULL)
		return false;
	bool good = json_dumpf(object, out, JSON_COMPACT) == 0 && fputc('\n', out) != EOF;
	json_decref(object);
	return good;
}
