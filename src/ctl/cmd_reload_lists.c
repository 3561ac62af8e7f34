/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"

#include <argp.h>
#include <inttypes.h>
#include <string.h>

static const struct argp_option table[] = {
	{ "json", 'j', NULL, 0, "one JSON object", 0 },
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	return zg_client_parse(key, arg, state, state->input);
}

static void show(const json_t *answer)
{
	const char *diagnostics = json_string_value(json_object_get(answer, "diagnostics"));
	const json_t *lists = json_object_get(answer, "blocklists");
	size_t i;
	json_t *l;
	if (json_array_size(lists) == 0)
		puts("the policy in force names no blocklist");
	json_array_foreach(lists, i, l) {
		const json_int_t left_out = json_integer_value(json_object_get(l, "left_out"));
		zg_term_safe(stdout, json_string_value(json_object_get(l, "name")));
		printf(": %" PRId64 " entries in force", (int64_t)json_integer_value(json_object_get(l, "entries")));
		if (left_out > 0)
			printf(", %" PRId64 " left out", (int64_t)left_out);
		puts(strcmp(json_string_value(json_object_get(l, "state")), "good") == 0 ? "" : ", those of before: the file is broken");
	}
	if (diagnostics != NULL)
		fputs(diagnostics, stderr);
}

int zg_cmd_reload_lists(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = parse,
		.doc = "Reads the files of the blocklists again and puts them in force, each list whole or not at all.\v"
		       "Exit status: 0 all are in force as their files are, 1 some keep what they had, 3 no daemon.",
	};
	struct zg_client_options o = { 0 };
	enum zg_exit exit;

	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	FILE *link = zg_client_open(o.socket, &exit);
	if (link == NULL)
		return (int)exit;
	json_t *answer = zg_client_send(link, json_pack("{s:s}", "command", "reload-lists")) ? zg_client_receive(link) : NULL;
	fclose(link);
	if (answer == NULL) {
		fputs("zonegatectl: the daemon gave no answer; see its journal\n", stderr);
		return ZG_EXIT_FAILED;
	}
	if (o.json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		show(answer);
	}
	exit = json_is_true(json_object_get(answer, "ok")) ? ZG_EXIT_OK : ZG_EXIT_FAILED;
	json_decref(answer);
	return (int)exit;
}
