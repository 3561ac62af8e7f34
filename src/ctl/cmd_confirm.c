/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"
#include "ctl/json.h"

#include <argp.h>

struct confirm_options {
	struct zg_client_options client;
	uint32_t number; /* 0 = whichever is on trial */
};

static const struct argp_option table[] = {
	{ "json", 'j', NULL, 0, "one JSON object", 0 },
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct confirm_options *o = state->input;
	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 0 || !zg_arg_number(arg, &o->number))
			argp_error(state, "one number at most, as apply told it: '%s'", arg);
		return 0;
	default:
		return zg_client_parse(key, arg, state, &o->client);
	}
}

int zg_cmd_confirm(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = parse, .args_doc = "[NUMBER]",
		.doc = "Keeps the policy that `apply --confirm` or `rollback --confirm` put in force on trial.\v"
		       "With NUMBER only if it is that one. Exit status: 0 confirmed, 1 nothing to confirm, 3 no daemon.",
	};
	struct confirm_options o = { 0 };
	enum zg_exit exit = ZG_EXIT_FAILED;

	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	json_t *answer = zg_client_ask(o.client.socket, json_pack("{s:s,s:I}", "command", "confirm", "number", (json_int_t)o.number), &exit);
	if (answer == NULL)
		return (int)exit;
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *diagnostics = json_string_value(json_object_get(answer, "diagnostics"));
	exit = json_is_true(json_object_get(answer, "ok")) ? ZG_EXIT_OK : ZG_EXIT_FAILED;
	if (o.client.json) {
		zg_json_print(stdout, json_incref(answer));
	} else if (exit == ZG_EXIT_OK) {
		printf("policy %d is confirmed\n", (int)json_integer_value(json_object_get(answer, "generation")));
		fputs(diagnostics != NULL ? diagnostics : "", stderr);
	} else {
		fprintf(stderr, "zonegatectl: not confirmed: %s\n", error != NULL ? error : "no answer");
	}
	json_decref(answer);
	return (int)exit;
}
