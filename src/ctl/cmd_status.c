/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"

#include <argp.h>
#include <inttypes.h>
#include <string.h>

#define GROUPS_MAX 256 /* lines for settings of the kernel */

static const struct argp_option table[] = {
	{ "json", 'j', NULL, 0, "one JSON object", 0 },
	ZG_CLIENT_OPTION,
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	return zg_client_parse(key, arg, state, state->input);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s != NULL ? s : "-";
}

static int64_t number_of(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

static void show_policy(const json_t *status)
{
	const json_t *p = json_object_get(status, "policy");
	if (!json_is_object(p)) {
		puts("Policy      none in force: everything is refused");
		return;
	}
	printf("Policy      %" PRId64 " from ", number_of(p, "generation"));
	zg_term_safe(stdout, text_of(p, "file"));
	printf(": %" PRId64 " zones, %" PRId64 " flows, SHA-256 %.16s...\n", number_of(p, "zones"), number_of(p, "flows"),
	       text_of(p, "sha256"));
	const json_t *trial = json_object_get(status, "trial");
	if (json_is_object(trial))
		printf("            on trial for another %" PRId64 " s: `zonegatectl confirm` keeps it, otherwise policy %" PRId64 " comes back\n",
		       number_of(trial, "seconds_left"), number_of(trial, "returns_to"));
	if (json_is_true(json_object_get(status, "config_differs"))) {
		fputs("            ", stdout);
		zg_term_safe(stdout, text_of(status, "config"));
		puts(" has been edited since: `zonegatectl apply` puts it in force");
	}
}

static void show_isolated(const json_t *status)
{
	size_t i;
	json_t *cut;
	json_array_foreach(json_object_get(status, "isolated"), i, cut) {
		const char *zone = text_of(cut, "zone");
		fputs("ISOLATED    ", stdout);
		zg_term_safe(stdout, strcmp(zone, "*") == 0 ? "every zone" : zone);
		printf(" since %s by %s: ", text_of(cut, "since"), text_of(cut, "who"));
		zg_term_safe(stdout, text_of(cut, "reason"));
		puts(json_is_false(json_object_get(cut, "in_policy")) ? " (not in this policy; its interfaces stay cut off)" : "");
	}
}

static void show_foreign(const json_t *status)
{
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(status, "foreign"), i, one) {
		fputs(i == 0 ? "Foreign     " : "            ", stdout);
		zg_term_safe(stdout, json_is_string(one) ? json_string_value(one) : "-");
		putchar('\n');
	}
}

static void show_processes(const json_t *status)
{
	size_t i;
	json_t *p;
	puts("\nProcess       PID      Restarts  Queue  Packets     Accepted    Dropped     Flows");
	json_array_foreach(json_object_get(status, "processes"), i, p) {
		char name[64];
		const bool inspector = strcmp(text_of(p, "role"), "inspector") == 0;
		if (inspector)
			snprintf(name, sizeof name, "%s %" PRId64, text_of(p, "role"), number_of(p, "index"));
		else
			snprintf(name, sizeof name, "%s", text_of(p, "role"));
		if (json_is_true(json_object_get(p, "running")))
			printf("%-13s %-8" PRId64 " %-9" PRId64, name, number_of(p, "pid"), number_of(p, "restarts"));
		else
			printf("%-13s %-8s %-9" PRId64, name, "DOWN", number_of(p, "restarts"));
		if (inspector)
			printf(" %-6" PRId64 " %-11" PRId64 " %-11" PRId64 " %-11" PRId64 " %" PRId64, number_of(p, "queue"),
			       number_of(p, "packets"), number_of(p, "accepted"), number_of(p, "dropped"), number_of(p, "flows"));
		putchar('\n');
	}
}

/* Settings that differ in nothing but the interface. */
struct group {
	char name[128]; /* with * for the interface */
	const json_t *first;
	size_t n;
};

static void name_without_iface(const char *name, char ret_name[static 128])
{
	const char *conf = strstr(name, "/conf/"), *end = strrchr(name, '/');
	if (conf == NULL || end < conf + 6 || strncmp(conf, "/conf/all/", 10) == 0)
		snprintf(ret_name, 128, "%s", name);
	else
		snprintf(ret_name, 128, "%.*s/conf/*%s", (int)(conf - name), name, end);
}

static struct group *group_of(struct group *groups, size_t *n, const json_t *setting)
{
	struct group fresh = { .first = setting };
	name_without_iface(text_of(setting, "name"), fresh.name);
	for (size_t i = 0; i < *n; i++)
		if (strcmp(groups[i].name, fresh.name) == 0 &&
		    json_equal(json_object_get(groups[i].first, "is"), json_object_get(setting, "is")) &&
		    json_equal(json_object_get(groups[i].first, "ok"), json_object_get(setting, "ok")))
			return &groups[i];
	if (*n == GROUPS_MAX)
		return NULL;
	groups[*n] = fresh;
	return &groups[(*n)++];
}

static void show_settings(const json_t *status)
{
	static struct group groups[GROUPS_MAX];
	const json_t *list = json_object_get(status, "settings"), *one;
	size_t i, n = 0, more = 0;

	json_array_foreach(list, i, one) {
		struct group *g = group_of(groups, &n, one);
		if (g != NULL)
			g->n++;
		else
			more++;
	}
	if (n > 0)
		puts("\nKernel setting                              Wanted  Is");
	for (i = 0; i < n; i++) {
		const json_t *is = json_object_get(groups[i].first, "is");
		zg_term_pad(stdout, groups[i].n > 1 ? groups[i].name : text_of(groups[i].first, "name"), 43);
		printf(" %-7" PRId64 " ", number_of(groups[i].first, "wanted"));
		if (json_is_integer(is))
			printf("%-7" PRId64, number_of(groups[i].first, "is"));
		else
			fputs("?      ", stdout);
		fputs(json_is_true(json_object_get(groups[i].first, "ok")) ? " ok" : " NOT AS WANTED", stdout);
		if (groups[i].n > 1)
			printf(", %zu interfaces", groups[i].n);
		putchar('\n');
	}
	if (more > 0)
		printf("... and %zu more: --json has all\n", more);
}

static void show_blocklists(const json_t *status)
{
	const json_t *lists = json_object_get(status, "blocklists");
	size_t i;
	json_t *l;
	if (json_array_size(lists) == 0)
		return;
	puts("\nBlocklist                        Entries   Left out  File");
	json_array_foreach(lists, i, l) {
		printf("%-32s %-9" PRId64 " %-9" PRId64 " ", text_of(l, "name"), number_of(l, "entries"), number_of(l, "left_out"));
		zg_term_safe(stdout, text_of(l, "file"));
		if (strcmp(text_of(l, "state"), "good") != 0)
			printf(": BROKEN: %s", text_of(l, "fault"));
		putchar('\n');
	}
}

static void show_counters(const json_t *status)
{
	size_t i;
	json_t *c;
	puts("\nKernel counter                              Packets     Bytes");
	json_array_foreach(json_object_get(status, "counters"), i, c) {
		char name[128];
		snprintf(name, sizeof name, "%s/%s", text_of(c, "table"), text_of(c, "name"));
		printf("%-43s %-11" PRId64 " %" PRId64 "\n", name, number_of(c, "packets"), number_of(c, "bytes"));
	}
}

static void show_strange(const json_t *names)
{
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name) {
		fputs(i == 0 ? "Interfaces  not what the policy expects, nothing passes there:" : "", stdout);
		printf(" %s", json_string_value(name));
	}
	if (json_array_size(names) > 0)
		putchar('\n');
}

static void show(const json_t *status)
{
	printf("zonegated   %s, %s, up %" PRId64 " s\n", text_of(status, "version"), text_of(status, "state"), number_of(status, "uptime_s"));
	show_policy(status);
	printf("Backstop    %s\n", text_of(status, "backstop"));
	printf("Router      %s\n", text_of(status, "router"));
	printf("Forwarding  %s\n", json_is_true(json_object_get(status, "forwarding")) ? "on" : "off: nothing crosses");
	printf("Queue       %s\n", text_of(status, "queue"));
	show_isolated(status);
	show_foreign(status);
	show_strange(json_object_get(status, "strange_interfaces"));
	show_processes(status);
	show_settings(status);
	show_blocklists(status);
	show_counters(status);
}

int zg_cmd_status(int argc, char **argv)
{
	static const struct argp argp = { .options = table, .parser = parse, .doc = "The state of every part of the running daemon.\v"
		"Exit status: 0 running, 1 running but degraded, 3 not running." };
	struct zg_client_options o = { 0 };
	enum zg_exit exit;

	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	FILE *link = zg_client_open(o.socket, &exit);
	if (link == NULL)
		return (int)exit;
	json_t *status = zg_client_send(link, json_pack("{s:s}", "command", "status")) ? zg_client_receive(link) : NULL;
	fclose(link);
	if (status == NULL) {
		fputs("zonegatectl: the daemon gave no answer; see its journal\n", stderr);
		return ZG_EXIT_FAILED;
	}
	if (o.json) {
		json_dumpf(status, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		show(status);
	}
	exit = strcmp(text_of(status, "state"), "running") == 0 ? ZG_EXIT_OK : ZG_EXIT_FAILED;
	json_decref(status);
	return (int)exit;
}
