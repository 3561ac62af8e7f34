/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/change_arg.h"
#include "ctl/client.h"
#include "ctl/conf_arg.h"
#include "zonegate/policy.h"

struct apply_options {
	const char *file;
	struct zg_change_options change;
};

static const struct argp_option table[] = {
	ZG_CHANGE_OPTIONS,
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct apply_options *o = state->input;
	if (key != ARGP_KEY_ARG)
		return zg_change_parse(key, arg, state, &o->change);
	if (state->arg_num > 0)
		argp_error(state, "one FILE at most");
	o->file = arg;
	return 0;
}

/* The file is checked here first: the errors are the same, and nothing is sent that cannot be meant. */
static int load(const struct apply_options *o, struct zg_policy **ret_policy)
{
	struct zg_diags diags;
	int exit = ZG_EXIT_CONFIG;

	zg_diags_init(&diags);
	if (zg_conf_load(o->file, &diags, ret_policy) == ZG_OK) {
		exit = zg_change_admit(&o->change, *ret_policy, &diags);
	} else {
		zg_ctl_print_diags(&diags);
		if (o->change.json)
			printf("{\"schema\":%d,\"ok\":false,\"result\":\"invalid\",\"exit\":%d}\n", ZG_JSON_SCHEMA, ZG_EXIT_CONFIG);
	}
	zg_diags_free(&diags);
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

	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	struct zg_policy *policy = NULL;
	int exit = load(&o, &policy);
	if (exit != ZG_EXIT_OK) {
		zg_policy_free(policy);
		return exit;
	}
	json_t *request = json_pack("{s:s,s:s}", "command", "apply", "file", o.file);
	exit = ZG_EXIT_FAILED;
	if (zg_change_members(&o.change, request))
		exit = zg_change_ask(&o.change, o.file, request, policy->source);
	else
		json_decref(request);
	zg_policy_free(policy);
	return exit;
}
