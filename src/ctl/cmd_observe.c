/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream of events, filtered and shown one line each, or as the JSON it is. */
#include "ctl/client.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct filter {
	const char *verdict, *zone, *event, *flow;
};

struct observe_options {
	const char *socket, *read;
	long since_s; /* -1 = all that is kept */
	bool json, follow, invert;
	struct filter filter;
};

enum { OPT_SINCE = 256, OPT_VERDICT, OPT_ZONE, OPT_EVENT, OPT_FLOW, OPT_NOT };

static const struct argp_option table[] = {
	{ "follow", 'f', NULL, 0, "go on with what comes; Ctrl-C ends it", 0 },
	{ "since", OPT_SINCE, "AGE", 0, "only events younger than AGE: 90s, 15m, 4h, 2d", 0 },
	{ "verdict", OPT_VERDICT, "WORD", 0, "only permit or deny", 1 },
	{ "zone", OPT_ZONE, "NAME", 0, "only what comes from or goes to that zone", 1 },
	{ "flow", OPT_FLOW, "NAME", 0, "only that flow", 1 },
	{ "event", OPT_EVENT, "NAME", 0, "only that kind of event, as content-denied", 1 },
	{ "not", OPT_NOT, NULL, 0, "turn the filter round: all that does not match", 1 },
	{ "read", 'r', "FILE", 0, "read saved JSON lines instead of asking the daemon; - is standard input", 2 },
	{ "json", 'j', NULL, 0, "one JSON object a line", 2 },
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct observe_options *o = state->input;
	switch (key) {
	case 'f':
		o->follow = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'r':
		o->read = arg;
		return 0;
	case 'S':
		o->socket = arg;
		return 0;
	case OPT_SINCE:
		o->since_s = zg_client_seconds(arg);
		if (o->since_s < 0)
			argp_error(state, "--since takes an age as 90s, 15m, 4h or 2d, not '%s'", arg);
		return 0;
	case OPT_VERDICT:
		if (strcmp(arg, "permit") != 0 && strcmp(arg, "deny") != 0)
			argp_error(state, "--verdict takes permit or deny, not '%s'", arg);
		o->filter.verdict = arg;
		return 0;
	case OPT_ZONE:
		o->filter.zone = arg;
		return 0;
	case OPT_EVENT:
		o->filter.event = arg;
		return 0;
	case OPT_FLOW:
		o->filter.flow = arg;
		return 0;
	case OPT_NOT:
		o->invert = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "takes no arguments: '%s'", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool is(const json_t *event, const char *key, const char *wanted)
{
	const char *s = json_string_value(json_object_get(event, key));
	return wanted == NULL || (s != NULL && strcmp(s, wanted) == 0);
}

static bool matches(const struct observe_options *o, const json_t *e)
{
	const struct filter *f = &o->filter;
	bool all = is(e, "verdict", f->verdict) && is(e, "event", f->event) && is(e, "flow", f->flow) &&
		   (is(e, "src_zone", f->zone) || is(e, "dst_zone", f->zone) || is(e, "zone", f->zone));
	return all != o->invert;
}

static const char *color_of(const json_t *e)
{
	const char *severity = json_string_value(json_object_get(e, "severity"));
	if (severity == NULL)
		return "";
	if (strcmp(severity, "critical") == 0 || strcmp(severity, "error") == 0)
		return "\033[1;31m";
	if (strcmp(severity, "warning") == 0)
		return "\033[31m";
	if (is(e, "verdict", "deny"))
		return "\033[33m";
	return is(e, "verdict", "permit") ? "\033[32m" : "";
}

static void show(const struct observe_options *o, const json_t *e)
{
	if (!matches(o, e))
		return;
	if (o->json) {
		json_dumpf(e, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		return;
	}
	const bool color = zg_term_color(stdout);
	const char *time = json_string_value(json_object_get(e, "time"));
	const char *name = json_string_value(json_object_get(e, "event"));
	const char *message = json_string_value(json_object_get(e, "message"));
	zg_term_safe(stdout, time != NULL ? time : "-");
	printf("  %s", color ? color_of(e) : "");
	zg_term_pad(stdout, name != NULL ? name : "-", 18);
	printf("%s ", color ? "\033[0m" : "");
	zg_term_safe(stdout, message != NULL ? message : "");
	putchar('\n');
	fflush(stdout);
}

/* Event times are RFC 3339 in UTC, so that they compare as text. */
static void stamp_since(long age_s, char ret_stamp[static 32])
{
	time_t t = time(NULL) - age_s;
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(ret_stamp, 32, "%Y-%m-%dT%H:%M:%S", &tm);
}

static int read_saved(const struct observe_options *o)
{
	FILE *in = strcmp(o->read, "-") == 0 ? stdin : fopen(o->read, "re");
	char *line = NULL, since[32] = "";
	size_t cap = 0, number = 0;
	int status = ZG_EXIT_OK;

	if (in == NULL) {
		fprintf(stderr, "zonegatectl: cannot read %s\n", o->read);
		return ZG_EXIT_FAILED;
	}
	if (o->since_s >= 0)
		stamp_since(o->since_s, since);
	while (getline(&line, &cap, in) > 0) {
		json_error_t error;
		json_t *e = json_loads(line, 0, &error);
		const char *when = json_string_value(json_object_get(e, "time"));
		number++;
		if (e == NULL) {
			/* what else a daemon's standard error holds is shown, not hidden */
			fprintf(stderr, "%s:%zu: not an event: ", o->read, number);
			line[strcspn(line, "\n")] = '\0';
			zg_term_safe(stderr, line);
			fputc('\n', stderr);
		} else if (when == NULL || strcmp(when, since) >= 0) {
			show(o, e);
		}
		json_decref(e);
	}
	free(line);
	if (in != stdin)
		fclose(in);
	return status;
}

int zg_cmd_observe(int argc, char **argv)
{
	static const struct argp argp = { .options = table, .parser = parse,
		.doc = "What is refused and permitted: the events that the daemon keeps, then those that come.\v"
		       "The daemon keeps the last few thousand events; the journal has them all." };
	struct observe_options o = { .since_s = -1 };
	enum zg_exit exit;

	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.read != NULL)
		return read_saved(&o);
	FILE *link = zg_client_open(o.socket, &exit);
	if (link == NULL)
		return (int)exit;
	json_int_t since = o.since_s >= 0 ? ((json_int_t)time(NULL) - o.since_s) * 1000 : 0;
	if (!zg_client_send(link, json_pack("{s:s,s:I,s:b}", "command", "observe", "since_ms", since, "follow", o.follow))) {
		fclose(link);
		return ZG_EXIT_FAILED;
	}
	for (json_t *e; (e = zg_client_receive(link)) != NULL; json_decref(e))
		show(&o, e);
	fclose(link);
	if (o.follow)
		fputs("zonegatectl: the daemon ended the connection\n", stderr);
	return o.follow ? ZG_EXIT_NO_DAEMON : ZG_EXIT_OK;
}
