/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl diff: what a configuration would change in meaning. */
#include "ctl/client.h"
#include "ctl/conf_arg.h"
#include "ctl/diff.h"
#include "ctl/json.h"
#include "ctl/kept.h"

#include <argp.h>
#include <string.h>

/* As diff(1). */
enum { SAME, DIFFERENT, TROUBLE };

struct diff_options {
	const char *socket;
	const char *args[2];
	size_t n_args;
	bool json;
};

static const struct argp_option table[] = {
	{ "json", 'j', NULL, 0, "one JSON object", 0 },
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct diff_options *o = state->input;
	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 'S':
		o->socket = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "two at most: OLD NEW");
		o->args[o->n_args++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- the two policies ------------------------------------------------------------------------------------ */

/* One of the daemon's; number 0 = the one in force. */
static struct zg_policy *ask_policy(const struct diff_options *o, uint32_t number, char *ret_name, size_t size)
{
	struct zg_diags diags;
	enum zg_exit exit;
	json_t *answer = zg_kept_ask(o->socket, number, false, &exit);

	zg_diags_init(&diags);
	struct zg_policy *policy = zg_kept_policy(answer, &diags);
	if (policy != NULL) {
		snprintf(ret_name, size, "policy %u", (unsigned)zg_kept_number(answer));
	} else if (json_object_get(answer, "text") != NULL) {
		zg_ctl_print_diags(&diags);
	} else if (answer != NULL) {
		const char *error = json_string_value(json_object_get(answer, "error"));
		fprintf(stderr, "zonegatectl: %s\n", error != NULL ? error : "the daemon gave no policy");
	}
	zg_diags_free(&diags);
	json_decref(answer);
	return policy;
}

/* A number is one of the history, anything else a file. */
static struct zg_policy *load(const struct diff_options *o, const char *arg, char *ret_name, size_t size)
{
	struct zg_diags diags;
	struct zg_policy *policy = NULL;
	uint32_t number;

	if (zg_arg_number(arg, &number))
		return ask_policy(o, number, ret_name, size);
	snprintf(ret_name, size, "%s", arg);
	(void)zg_ctl_load(ZG_CONF_KNOWN, arg, false, &diags, &policy);
	zg_diags_free(&diags);
	return policy;
}

/* --- connections ------------------------------------------------------------------------------------------ */

/* How many open connections the policy in force permits and this one does not; null = not known. */
static json_t *ask_connections(const struct diff_options *o, const struct zg_policy *policy)
{
	enum zg_exit exit;
	json_t *answer = zg_client_ask_with(o->socket, json_pack("{s:s,s:s}", "command", "connections", "file", policy->file),
					    policy->source, &exit);
	json_t *cut = json_incref(json_object_get(answer, "cut"));
	json_decref(answer);
	return json_is_object(cut) ? cut : json_null();
}

static void print_connections(const json_t *cut)
{
	const int n = (int)json_integer_value(json_object_get(cut, "connections"));
	if (json_is_object(cut))
		printf("%s%d open connection%s would be cut\n", json_is_true(json_object_get(cut, "complete")) ? "" : "at least ", n,
		       n == 1 ? "" : "s");
}

/* --- the answer ------------------------------------------------------------------------------------------- */

static json_t *keys_json(const struct zg_diff_change *c)
{
	json_t *keys = json_array();
	for (size_t i = 0; i < c->n_keys; i++)
		json_array_append_new(keys, json_pack("{s:s,s:o,s:o}", "key", c->keys[i].key, "old", zg_json_text(c->keys[i].old), "new",
						      zg_json_text(c->keys[i].now)));
	return keys;
}

static bool print_json(const char *const names[static 2], const struct zg_diff *diff, json_t *cut)
{
	json_t *changes = json_array();
	for (size_t i = 0; i < diff->n; i++) {
		const struct zg_diff_change *c = &diff->changes[i];
		json_array_append_new(changes, json_pack("{s:s,s:s,s:o,s:o}", "change", zg_diff_kind_name(c->kind), "what", c->what, "name",
							 zg_json_text(c->name), "keys", keys_json(c)));
	}
	return zg_json_print(stdout, json_pack("{s:i,s:b,s:o,s:o,s:o,s:O}", "schema", ZG_JSON_SCHEMA, "same", diff->n == 0, "old",
					       zg_json_text(names[0]), "new", zg_json_text(names[1]), "changes", changes, "cut", cut));
}

static int show(const struct diff_options *o, const char *const names[static 2], const struct zg_diff *diff, const struct zg_policy *now)
{
	/* of two that are not in force nobody knows what they would cut */
	json_t *cut = o->n_args < 2 && diff->n > 0 ? ask_connections(o, now) : json_null();
	bool good = true;

	if (o->json) {
		good = print_json(names, diff, cut);
	} else {
		zg_term_safe(stdout, names[0]);
		fputs(" -> ", stdout);
		zg_term_safe(stdout, names[1]);
		putchar('\n');
		zg_diff_print(stdout, diff);
		print_connections(cut);
	}
	json_decref(cut);
	return !good ? TROUBLE : diff->n == 0 ? SAME : DIFFERENT;
}

int zg_cmd_diff(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = parse, .args_doc = "[[OLD] NEW]",
		.doc = "What NEW would change in meaning against OLD: settings, zones and flows added, withdrawn and altered, and how many open "
		       "connections it would cut. Order, spelling and comments do not count.\v"
		       "Each is a file (- is standard input) or the number of a policy of `zonegatectl history`. OLD is the policy in force "
		       "unless given, NEW is " ZG_CONF_FILE ". Two files need no daemon. Exit status as of diff(1): 0 the same, 1 different, "
		       "2 trouble.",
	};
	struct diff_options o = { 0 };
	char names[2][256];
	int status = TROUBLE;

	argp_err_exit_status = TROUBLE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	const char *arg = o.n_args > 0 ? o.args[o.n_args - 1] : ZG_CONF_FILE;
	struct zg_policy *now = load(&o, arg, names[1], sizeof names[1]), *old = NULL;
	if (now != NULL)
		old = o.n_args == 2 ? load(&o, o.args[0], names[0], sizeof names[0]) : ask_policy(&o, 0, names[0], sizeof names[0]);
	struct zg_diff *diff = old != NULL ? zg_diff_make(old, now) : NULL;
	if (diff != NULL)
		status = show(&o, (const char *const[]){ names[0], names[1] }, diff, now);
	else if (old != NULL)
		fputs("zonegatectl: out of memory\n", stderr);
	zg_diff_free(diff);
	zg_policy_free(old);
	zg_policy_free(now);
	return status;
}
