/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control socket tells of policies: those that are kept, and the one on trial. */
#include "ctl/cmd.h"
#include "ctl/json.h"
#include "main/supervisor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static json_t *__attribute__((format(printf, 1, 2))) refusal(const char *format, ...)
{
	char error[256];
	va_list args;
	va_start(args, format);
	vsnprintf(error, sizeof error, format, args);
	va_end(args);
	return json_pack("{s:i,s:b,s:s,s:i}", "schema", ZG_JSON_SCHEMA, "ok", 0, "error", error, "exit", ZG_EXIT_FAILED);
}

static json_t *version_json(const struct zg_supervisor *s, const struct zg_version *v)
{
	char hex[2 * sizeof v->sha256 + 1], when[32];
	struct tm tm;

	if (v->damaged)
		return json_pack("{s:I,s:b,s:s}", "number", (json_int_t)v->generation, "damaged", 1, "name", v->name);
	for (size_t i = 0; i < sizeof v->sha256; i++)
		snprintf(hex + 2 * i, 3, "%02x", v->sha256[i]);
	if (gmtime_r(&v->when, &tm) == NULL || strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		when[0] = '\0';
	return json_pack("{s:I,s:b,s:s,s:s,s:o,s:o,s:o,s:i,s:i,s:I,s:s,s:b}", "number", (json_int_t)v->generation, "damaged", 0, "name",
			 v->name, "time", when, "who", zg_json_text(v->who), "file", zg_json_text(v->file), "comment",
			 v->comment[0] != '\0' ? zg_json_text(v->comment) : json_null(), "zones", (int)v->zones, "flows", (int)v->flows,
			 "bytes", (json_int_t)v->bytes, "sha256", hex, "in_force", v->generation == s->kept && !s->trial.running);
}

json_t *zg_history_trial(const struct zg_supervisor *s)
{
	if (!s->trial.running)
		return json_null();
	return json_pack("{s:I,s:i,s:o}", "generation", (json_int_t)s->trial.generation, "seconds_left",
			 (int)zg_trial_left(&s->trial, zg_now_ms()), "returns_to",
			 s->trial.fallback != NULL ? json_integer(s->kept) : json_null());
}

json_t *zg_history_json(struct zg_supervisor *s)
{
	struct zg_version *all;
	size_t n;
	if (zg_store_list(s->options.state_dir, &all, &n) != ZG_OK)
		return refusal("the kept policies cannot be read");
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, version_json(s, &all[i]));
	free(all);
	return json_pack("{s:i,s:b,s:i,s:o,s:o}", "schema", ZG_JSON_SCHEMA, "ok", 1, "generation",
			 s->policy != NULL ? (int)s->policy->generation : 0, "trial", zg_history_trial(s), "versions", list);
}

static json_t *text_json(const char *text, size_t len, const char *file, uint32_t number)
{
	/* a text that is in force or kept was read as UTF-8 */
	json_t *string = json_stringn(text, len);
	if (string == NULL)
		return refusal("policy %u does not fit into memory", number);
	return json_pack("{s:i,s:b,s:I,s:o,s:o}", "schema", ZG_JSON_SCHEMA, "ok", 1, "number", (json_int_t)number, "file", zg_json_text(file),
			 "text", string);
}

json_t *zg_history_text(struct zg_supervisor *s, uint32_t number)
{
	struct zg_version version;
	char *text, damaged[ZG_STORE_NAME_MAX];

	if (number == 0)
		return s->policy == NULL ? refusal("no policy is in force") :
					   text_json(s->policy->text, s->policy->text_len, s->policy->file, s->policy->generation);
	enum zg_err err = zg_store_load(s->options.state_dir, number, &version, &text, damaged);
	if (err == ZG_ENOENT)
		return refusal("policy %u is not kept: zonegatectl history lists those that are", number);
	if (err != ZG_OK)
		return refusal("policy %u cannot be read: %s is damaged", number, damaged);
	json_t *answer = text_json(text, (size_t)version.bytes, version.file, number);
	free(text);
	return answer;
}
