/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"
#include "ctl/conf_arg.h"
#include "zonegate/policy.h"

#include <argp.h>
#include <string.h>

struct apply_options {
	const char *file, *socket;
	bool json;
};

static const struct argp_option table[] = {
	{ "json", 'j', NULL, 0, "one JSON object", 0 },
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct apply_options *o = state->input;
	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 'S':
		o->socket = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one FILE at most");
		o->file = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The file is checked here first: the errors are the same, and nothing is sent that cannot be meant. */
static struct zg_policy *load(const struct apply_options *o)
{
	struct zg_diags diags;
	struct zg_policy *policy = NULL;

	zg_diags_init(&diags);
	enum zg_err err = zg_conf_load(o->file, &diags, &policy);
	if (err != ZG_OK || !o->json)
		zg_ctl_print_diags(&diags);
	zg_diags_free(&diags);
	if (err != ZG_OK && o->json)
		printf("{\"schema\":%d,\"ok\":false,\"result\":\"invalid\",\"exit\":%d}\n", ZG_JSON_SCHEMA, ZG_EXIT_CONFIG);
	return policy;
}

static int show(const struct apply_options *o, const json_t *answer)
{
	const char *result = json_string_value(json_object_get(answer, "result"));
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *diagnostics = json_string_value(json_object_get(answer, "diagnostics"));
	const int exit = json_is_integer(json_object_get(answer, "exit")) ? (int)json_integer_value(json_object_get(answer, "exit")) :
									     ZG_EXIT_FAILED;
	if (o->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		return exit;
	}
	if (exit == ZG_EXIT_OK) {
		printf("%s: in force as policy %d\n", o->file, (int)json_integer_value(json_object_get(answer, "generation")));
		/* warnings of the file itself were shown above; what is left is about saving it, and zones that are cut off */
		if (diagnostics != NULL && (strstr(diagnostics, "not saved") != NULL || strstr(diagnostics, "is isolated") != NULL))
			fputs(diagnostics, stderr);
		return exit;
	}
	fprintf(stderr, "zonegatectl: not applied (%s)\n", result != NULL ? result : error != NULL ? error : "no answer");
	if (diagnostics != NULL)
		fputs(diagnostics, stderr);
	if (result != NULL && strcmp(result, "closed") == 0)
		fputs("The policy before it could not be put back: the boundary is closed; the daemon keeps trying.\n", stderr);
	else
		fputs(exit == ZG_EXIT_ROLLED_BACK ? "The policy before it is in force again.\n" : "Nothing was changed.\n", stderr);
	return exit;
}

int zg_cmd_apply(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = parse, .args_doc = "[FILE]",
		.doc = "Puts a configuration in force, in one step or not at all, and keeps it as the one that the next boot starts from.\v"
		       "FILE is " ZG_CONF_FILE " unless given; - is standard input. Exit status: 0 in force, 3 no daemon, "
		       "4 errors in the file, 5 taken back.",
	};
	struct apply_options o = { .file = ZG_CONF_FILE };
	enum zg_exit exit = ZG_EXIT_CONFIG;

	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	struct zg_policy *policy = load(&o);
	if (policy == NULL)
		return (int)exit;
	FILE *link = zg_client_open(o.socket, &exit);
	if (link == NULL)
		goto out;
	json_t *request = json_pack("{s:s,s:s,s:s%}", "command", "apply", "file", o.file, "text", policy->text, policy->text_len);
	json_t *answer = request != NULL && zg_client_send(link, request) ? zg_client_receive(link) : NULL;
	if (answer == NULL) {
		fputs("zonegatectl: the daemon closed the connection without an answer; see its journal\n", stderr);
		exit = ZG_EXIT_FAILED;
	} else {
		exit = (enum zg_exit)show(&o, answer);
	}
	json_decref(answer);
	fclose(link);
out:
	zg_policy_free(policy);
	return (int)exit;
}
