/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/change_arg.h"
#include "ctl/client.h"
#include "ctl/conf_arg.h"
#include "ctl/lockout.h"
#include "zonegate/policy.h"

struct apply_options {
	const char *file;
	bool force;
	struct zg_change_options change;
};

static const struct argp_option table[] = {
	ZG_CHANGE_OPTIONS,
	{ "force", 'f', NULL, 0, "even if it cuts the SSH session from which this is called", 1 },
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct apply_options *o = state->input;
	if (key == 'f') {
		o->force = true;
		return 0;
	}
	if (key != ARGP_KEY_ARG)
		return zg_change_parse(key, arg, state, &o->change);
	if (state->arg_num > 0)
		argp_error(state, "one FILE at most");
	o->file = arg;
	return 0;
}

/* The file is checked here first: the errors are the same, and nothing is sent that cannot be meant. */
static struct zg_policy *load(const struct apply_options *o, bool *ret_lockout)
{
	struct zg_diags diags;
	struct zg_policy *policy = NULL;
	struct zg_session session;

	zg_diags_init(&diags);
	enum zg_err err = zg_conf_load(o->file, &diags, &policy);
	if (err == ZG_OK)
		*ret_lockout = !zg_lockout_check(policy, zg_session_here(&session) ? &session : NULL, &diags);
	if (err != ZG_OK || !o->change.json)
		zg_ctl_print_diags(&diags);
	zg_diags_free(&diags);
	if (err != ZG_OK && o->change.json)
		printf("{\"schema\":%d,\"ok\":false,\"result\":\"invalid\",\"exit\":%d}\n", ZG_JSON_SCHEMA, ZG_EXIT_CONFIG);
	return policy;
}

static int refuse_lockout(const struct apply_options *o)
{
	if (o->change.json)
		printf("{\"schema\":%d,\"ok\":false,\"result\":\"lockout\",\"exit\":%d}\n", ZG_JSON_SCHEMA, ZG_EXIT_FAILED);
	else
		fputs("zonegatectl: not applied: it would cut your own SSH session; --confirm tries it and comes back, --force does it\n"
		      "Nothing was changed.\n", stderr);
	return ZG_EXIT_FAILED;
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
	bool lockout = false;
	struct zg_policy *policy = load(&o, &lockout);
	if (policy == NULL)
		return ZG_EXIT_CONFIG;
	/* what is only on trial comes back by itself */
	if (lockout && !o.force && o.change.confirm_s == 0) {
		zg_policy_free(policy);
		return refuse_lockout(&o);
	}
	json_t *request = json_pack("{s:s,s:s,s:s%}", "command", "apply", "file", o.file, "text", policy->text, policy->text_len);
	int exit = ZG_EXIT_FAILED;
	if (zg_change_members(&o.change, request))
		exit = zg_change_ask(&o.change, o.file, request);
	else
		json_decref(request);
	zg_policy_free(policy);
	return exit;
}
