/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/change_arg.h"
#include "ctl/client.h"
#include "ctl/kept.h"

struct rollback_options {
	uint32_t number; /* 0 = the one before */
	struct zg_change_options change;
};

static const struct argp_option table[] = {
	ZG_CHANGE_OPTIONS,
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct rollback_options *o = state->input;
	if (key != ARGP_KEY_ARG)
		return zg_change_parse(key, arg, state, &o->change);
	if (state->arg_num > 0 || !zg_arg_number(arg, &o->number))
		argp_error(state, "one number at most, as `zonegatectl history` lists them: '%s'", arg);
	return 0;
}

/* Would the policy cut the caller's own session? And which is it: the one that was looked at is the one that is put in force. What
 * is not there, or damaged, is the daemon's to say. */
static int admit(struct rollback_options *o)
{
	struct zg_diags diags;
	enum zg_exit failed = ZG_EXIT_FAILED;
	json_t *answer = zg_kept_ask(o->change.socket, o->number, o->number == 0, &failed);
	int exit = answer != NULL ? ZG_EXIT_OK : (int)failed;

	zg_diags_init(&diags);
	struct zg_policy *policy = zg_kept_policy(answer, &diags);
	if (policy != NULL) {
		o->number = zg_kept_number(answer);
		exit = zg_change_admit(&o->change, policy, &diags);
	}
	zg_policy_free(policy);
	zg_diags_free(&diags);
	json_decref(answer);
	return exit;
}

int zg_cmd_rollback(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = parse, .args_doc = "[NUMBER]",
		.doc = "Puts an earlier policy in force again, under a new number.\v"
		       "NUMBER is one of `zonegatectl history`; without it, the policy before the one in force, and while a policy is on trial, "
		       "the last confirmed one. Exit status as of apply.",
	};
	struct rollback_options o = { 0 };
	char what[32] = "the policy before";

	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	const int exit = admit(&o);
	if (exit != ZG_EXIT_OK)
		return exit;
	if (o.number != 0)
		snprintf(what, sizeof what, "policy %u", (unsigned)o.number);
	json_t *request = json_pack("{s:s,s:I}", "command", "rollback", "number", (json_int_t)o.number);
	if (zg_change_members(&o.change, request))
		return zg_change_ask(&o.change, what, request, NULL);
	json_decref(request);
	return ZG_EXIT_FAILED;
}
