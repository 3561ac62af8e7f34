/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/options.h"
#include "ctl/cmd.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_STATE = 256, OPT_LISTS, OPT_RUN, OPT_USER, OPT_LOG, OPT_BACKSTOP, OPT_ROLE };

static const struct argp_option table[] = {
	{ "config", 'c', "FILE", 0, "configuration that is used while nothing is confirmed yet (default " ZG_CONF_FILE ")", 0 },
	{ "state-dir", OPT_STATE, "DIR", 0, "where the last confirmed policy is kept (default " ZG_STATE_DIR ")", 0 },
	{ "run-dir", OPT_RUN, "DIR", 0, "where the control socket is made (default " ZG_RUN_DIR ")", 0 },
	{ "lists-dir", OPT_LISTS, "DIR", 0, "where the files of the blocklists are (default " ZG_LISTS_DIR ")", 0 },
	{ "user", OPT_USER, "NAME", 0, "who to become when started as root (default zonegate)", 0 },
	{ "log", OPT_LOG, "SINK", 0, "auto, journal, json or text; auto is the journal where there is one, else text on standard error", 0 },
	{ "backstop", OPT_BACKSTOP, NULL, 0, "load the backstop table, switch forwarding off, and end", 0 },
	{ "role", OPT_ROLE, "NAME", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const sinks[] = { [ZG_LOG_AUTO] = "auto", [ZG_LOG_JOURNAL] = "journal", [ZG_LOG_JSON] = "json", [ZG_LOG_TEXT] = "text" };
	struct zg_options *o = state->input;

	switch (key) {
	case 'c':
		o->config = arg;
		return 0;
	case OPT_STATE:
		o->state_dir = arg;
		return 0;
	case OPT_RUN:
		o->run_dir = arg;
		return 0;
	case OPT_LISTS:
		o->lists_dir = arg;
		return 0;
	case OPT_USER:
		o->user = arg;
		return 0;
	case OPT_BACKSTOP:
		o->backstop = true;
		return 0;
	case OPT_ROLE:
		o->role = arg;
		return 0;
	case OPT_LOG:
		for (size_t i = 0; i < sizeof sinks / sizeof sinks[0]; i++) {
			if (strcmp(arg, sinks[i]) == 0) {
				o->log = (enum zg_log)i;
				return 0;
			}
		}
		argp_error(state, "--log takes auto, journal, json or text, not '%s'", arg);
		return EINVAL;
	case ARGP_KEY_ARG:
		argp_error(state, "takes no arguments: '%s'", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void zg_options_parse(int argc, char **argv, struct zg_options *ret_options)
{
	static const struct argp argp = {
		.options = table, .parser = parse,
		.doc = "The zone boundary of a municipality's network.\v"
		       "Runs in the foreground. SIGTERM stops it and leaves the boundary closed; SIGHUP applies the configuration file. "
		       "zonegated(8) has the rest.",
	};
	struct zg_options o = {
		.config = ZG_CONF_FILE, .state_dir = ZG_STATE_DIR, .run_dir = ZG_RUN_DIR, .lists_dir = ZG_LISTS_DIR, .user = "zonegate", .log = ZG_LOG_AUTO,
	};
	argp_program_version = "zonegated " ZG_VERSION;
	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	*ret_options = o;
}
