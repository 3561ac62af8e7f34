/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/change_arg.h"
#include "ctl/client.h"

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
	if (o.number != 0)
		snprintf(what, sizeof what, "policy %u", (unsigned)o.number);
	json_t *request = json_pack("{s:s,s:I}", "command", "rollback", "number", (json_int_t)o.number);
	if (zg_change_members(&o.change, request))
		return zg_change_ask(&o.change, what, request);
	json_decref(request);
	return ZG_EXIT_FAILED;
}
