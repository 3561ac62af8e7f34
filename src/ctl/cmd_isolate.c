/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl isolate, restore: cut a zone off in an emergency, and let it back. */
#include "ctl/client.h"

#include <argp.h>
#include <string.h>

struct isolate_options {
	const char *zone, *reason, *socket;
	bool all, json;
};

static const struct argp_option table[] = {
	{ "reason", 'r', "TEXT", 0, "why; it stands in the journal", 0 },
	{ "all", 'a', NULL, 0, "every zone at once, also those of a later policy", 0 },
	{ "json", 'j', NULL, 0, "one JSON object", 0 },
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct isolate_options *o = state->input;
	switch (key) {
	case 'r':
		o->reason = arg;
		return 0;
	case 'a':
		o->all = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'S':
		o->socket = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (o->zone != NULL)
			argp_error(state, "one ZONE, or --all");
		o->zone = arg;
		return 0;
	case ARGP_KEY_END:
		if ((o->zone != NULL) == o->all)
			argp_error(state, "which zone? One ZONE, or --all");
		if (o->reason == NULL || *o->reason == '\0')
			argp_error(state, "--reason=TEXT is needed: who reads the journal has to know why");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int show(const struct isolate_options *o, const char *verb, const json_t *answer)
{
	const json_t *exit = json_object_get(answer, "exit");
	const char *message = json_string_value(json_object_get(answer, "message"));
	const char *error = json_string_value(json_object_get(answer, "error")); /* of a daemon that does not know the verb */
	const int status = json_is_integer(exit) ? (int)json_integer_value(exit) : ZG_EXIT_FAILED;
	FILE *out = status == ZG_EXIT_OK ? stdout : stderr;

	if (o->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		return status;
	}
	if (status != ZG_EXIT_OK)
		fprintf(out, "zonegatectl %s: ", verb);
	zg_term_safe(out, o->all ? "every zone" : o->zone);
	fputs(": ", out);
	zg_term_safe(out, message != NULL ? message : error != NULL ? error : "no answer");
	fputc('\n', out);
	return status;
}

static int order(const struct argp *argp, const char *verb, int argc, char **argv)
{
	struct isolate_options o = { 0 };
	enum zg_exit exit;

	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(argp, argc, argv, 0, NULL, &o);
	FILE *link = zg_client_open(o.socket, &exit);
	if (link == NULL)
		return (int)exit;
	json_t *request = json_pack("{s:s,s:s,s:s,s:b}", "command", verb, "zone", o.zone != NULL ? o.zone : "", "reason", o.reason, "all", o.all);
	if (request == NULL) {
		fprintf(stderr, "zonegatectl %s: the zone and the reason have to be UTF-8\n", verb);
		fclose(link);
		return ZG_EXIT_USAGE;
	}
	json_t *answer = zg_client_send(link, request) ? zg_client_receive(link) : NULL;
	fclose(link);
	if (answer == NULL) {
		fprintf(stderr, "zonegatectl %s: the daemon gave no answer; look at `zonegatectl status`\n", verb);
		return ZG_EXIT_FAILED;
	}
	exit = (enum zg_exit)show(&o, verb, answer);
	json_decref(answer);
	return (int)exit;
}

int zg_cmd_isolate(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = parse, .args_doc = "ZONE --reason=TEXT\n--all --reason=TEXT",
		.doc = "Cut a zone off at once, in both directions, established connections too, whatever the policy says and until "
		       "`zonegatectl restore`, over restarts and reboots.\v"
		       "When this command has answered, nothing crosses any more. Exit status: 0 cut off, 1 not (or not kept for the "
		       "next start), 2 no such zone, 3 no daemon.",
	};
	return order(&argp, "isolate", argc, argv);
}

int zg_cmd_restore(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = parse, .args_doc = "ZONE --reason=TEXT\n--all --reason=TEXT",
		.doc = "Let a zone that was cut off back: what the policy permits may pass again.\v"
		       "Of zones that were cut off with --all one may be restored; the others stay cut off. Exit status: 0 restored, "
		       "1 not, 2 no such zone, 3 no daemon.",
	};
	return order(&argp, "restore", argc, argv);
}
