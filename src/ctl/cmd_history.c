/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"
#include "ctl/json.h"

#include <argp.h>
#include <time.h>

#define SHOWN 20 /* versions, unless asked for more */

struct history_options {
	struct zg_client_options client;
	uint32_t most;
};

static const struct argp_option table[] = {
	{ "lines", 'n', "NUMBER", 0, "show at most so many, the newest (20); 0 = all", 0 },
	{ "json", 'j', NULL, 0, "one JSON object", 0 },
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct history_options *o = state->input;
	switch (key) {
	case 'n':
		if (!zg_arg_number(arg, &o->most))
			argp_error(state, "--lines takes a number, not '%s'", arg);
		return 0;
	default:
		return zg_client_parse(key, arg, state, &o->client);
	}
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s != NULL ? s : "";
}

static int number_of(const json_t *o, const char *key)
{
	return (int)json_integer_value(json_object_get(o, key));
}

/* "2026-11-21T10:00:00Z" as the reader's clock shows it. */
static void put_time(const char *utc)
{
	char buf[32] = "-";
	struct tm tm = { 0 };
	if (strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL) {
		const time_t when = timegm(&tm);
		if (localtime_r(&when, &tm) == NULL || strftime(buf, sizeof buf, "%Y-%m-%d %H:%M:%S", &tm) == 0)
			buf[0] = '\0';
	}
	printf("%-19s  ", buf);
}

static void show_version(const json_t *v)
{
	printf("%c %8d  ", json_is_true(json_object_get(v, "in_force")) ? '*' : ' ', number_of(v, "number"));
	if (json_is_true(json_object_get(v, "damaged"))) {
		printf("damaged: %s\n", text_of(v, "name"));
		return;
	}
	put_time(text_of(v, "time"));
	zg_term_pad(stdout, text_of(v, "who"), 10);
	printf("  %5d  %6d  %.12s  ", number_of(v, "zones"), number_of(v, "flows"), text_of(v, "sha256"));
	zg_term_pad(stdout, text_of(v, "file"), 24);
	if (text_of(v, "comment")[0] != '\0') {
		fputs("  ", stdout);
		zg_term_safe(stdout, text_of(v, "comment"));
	}
	putchar('\n');
}

static void show(const json_t *history, uint32_t most)
{
	const json_t *trial = json_object_get(history, "trial"), *versions = json_object_get(history, "versions");
	size_t i;
	json_t *v;

	if (json_is_object(trial))
		printf("Policy %d is on trial for another %d s: `zonegatectl confirm` keeps it.\n\n", number_of(trial, "generation"),
		       number_of(trial, "seconds_left"));
	puts("    Number  Confirmed            By          Zones   Flows  SHA-256       File                      Comment");
	json_array_foreach(versions, i, v) {
		if (most != 0 && i >= most)
			break;
		show_version(v);
	}
	if (most != 0 && json_array_size(versions) > most)
		printf("and %zu older ones: --lines=0 shows all\n", json_array_size(versions) - most);
}

int zg_cmd_history(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table, .parser = parse,
		.doc = "The policies that were confirmed, the newest first; * marks the one in force.\v"
		       "`zonegatectl diff NUMBER` compares with one, `zonegatectl rollback NUMBER` puts it in force again.",
	};
	struct history_options o = { .most = SHOWN };
	enum zg_exit exit = ZG_EXIT_FAILED;

	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	json_t *answer = zg_client_ask(o.client.socket, json_pack("{s:s}", "command", "history"), &exit);
	if (answer == NULL)
		return (int)exit;
	exit = json_is_true(json_object_get(answer, "ok")) ? ZG_EXIT_OK : ZG_EXIT_FAILED;
	if (o.client.json)
		zg_json_print(stdout, json_incref(answer));
	else if (exit == ZG_EXIT_OK)
		show(answer, o.most);
	else
		fprintf(stderr, "zonegatectl: %s\n", text_of(answer, "error"));
	json_decref(answer);
	return (int)exit;
}
