/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl show: the effective configuration with its defaults, and the zone matrix. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/conf_arg.h"
#include "ctl/show.h"
#include "zonegate/plan.h"

struct arguments {
	const char *file;
	bool json, plan;
};

enum { OPT_PLAN = 0x100 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'j':
		a->json = true;
		return 0;
	case OPT_PLAN:
		a->plan = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_usage(state);
		a->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (a->json && a->plan)
			argp_error(state, "--json and --plan exclude each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What the kernel would be given; the clock and the seed are fixed, so that the text is the same on every machine. */
static int show_plan(const struct zg_policy *policy, struct zg_diags *diags)
{
	const struct zg_plan_env env = { .queue = ZG_QUEUE_NATIVE, .hash_seed = 0, .now = 0 };
	struct zg_plan *plan = NULL;
	enum zg_err err = zg_plan_compile(policy, &env, diags, &plan);
	if (err == ZG_OK)
		err = zg_plan_print(plan, stdout);
	zg_plan_free(plan);
	if (err == ZG_OK)
		return ZG_EXIT_OK;
	zg_ctl_print_diags(diags);
	fprintf(stderr, "zonegatectl show: %s\n", zg_strerror(err));
	return ZG_EXIT_FAILED;
}

int zg_cmd_show(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
		{ "plan", OPT_PLAN, NULL, 0, "Print what the kernel would be given", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options,
		parse,
		"[FILE]",
		"Show the effective configuration with its defaults, and which zone may speak "
		"to which (" ZG_CONF_FILE "; - is standard input).",
		NULL,
		NULL,
		NULL
	};
	struct arguments a = { .file = ZG_CONF_FILE };
	struct zg_diags diags;
	struct zg_policy *policy = NULL;
	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &a);

	int status = zg_ctl_load(ZG_CONF_KNOWN, a.file, a.json, &diags, &policy);
	if (status == ZG_EXIT_OK) {
		if (diags.n > 0)
			zg_ctl_print_diags(&diags);
		if (a.plan)
			status = show_plan(policy, &diags);
		else if (!(a.json ? zg_show_json(policy) : zg_show_text(policy)))
			status = ZG_EXIT_FAILED;
	}
	zg_policy_free(policy);
	zg_diags_free(&diags);
	return status;
}
