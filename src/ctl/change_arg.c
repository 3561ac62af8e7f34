/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/change_arg.h"
#include "ctl/client.h"
#include "ctl/conf_arg.h"
#include "ctl/json.h"
#include "ctl/lockout.h"
#include "sys/clock.h"
#include "zonegate/limits.h"

#include <poll.h>
#include <string.h>

#define WAIT_MS	 200   /* between two questions what became of the trial */
#define GRACE_MS 30000 /* beyond the time of the trial: the daemon may be starting again */

error_t zg_change_parse(int key, char *arg, struct argp_state *state, struct zg_change_options *o)
{
	long seconds;
	switch (key) {
	case ZG_OPT_CONFIRM:
		seconds = arg != NULL ? zg_client_seconds(arg) : (long)ZG_CONFIRM_S;
		if (seconds < 1 || seconds > (long)ZG_CONFIRM_S_MAX)
			argp_error(state, "--confirm takes a time from 1s to 1h, as 60s or 5m, not '%s'", arg);
		o->confirm_s = (uint32_t)seconds;
		return 0;
	case ZG_OPT_WAIT:
		o->wait = true;
		return 0;
	case 'm':
		if (strlen(arg) > ZG_LABEL_MAX)
			argp_error(state, "a comment has at most %d bytes", ZG_LABEL_MAX);
		o->comment = arg;
		return 0;
	case 'f':
		o->force = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'S':
		o->socket = arg;
		return 0;
	case ARGP_KEY_END:
		if (o->wait && o->confirm_s == 0)
			argp_error(state, "--wait goes with --confirm: without it there is nothing to wait for");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int zg_change_admit(const struct zg_change_options *o, const struct zg_policy *policy, struct zg_diags *diags)
{
	struct zg_session session;
	const bool stays = zg_lockout_check(policy, zg_session_here(&session) ? &session : NULL, diags);

	if (!o->json)
		zg_ctl_print_diags(diags);
	if (stays || o->force || o->confirm_s > 0)
		return ZG_EXIT_OK;
	if (o->json)
		printf("{\"schema\":%d,\"ok\":false,\"result\":\"lockout\",\"exit\":%d}\n", ZG_JSON_SCHEMA, ZG_EXIT_FAILED);
	else
		fputs("zonegatectl: not applied: it would cut your own SSH session; --confirm tries it and comes back, --force does it\n"
		      "Nothing was changed.\n", stderr);
	return ZG_EXIT_FAILED;
}

bool zg_change_members(const struct zg_change_options *o, json_t *request)
{
	if (request == NULL)
		return false;
	return (o->comment == NULL || json_object_set_new(request, "comment", zg_json_text(o->comment)) == 0) &&
	       (o->confirm_s == 0 || json_object_set_new(request, "confirm_s", json_integer(o->confirm_s)) == 0);
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static int number_of(const json_t *o, const char *key)
{
	return (int)json_integer_value(json_object_get(o, key));
}

/* --- the end of a trial ------------------------------------------------------------------------------- */

/* What the daemon says of it now; NULL = no answer. */
static json_t *look(const char *socket, int generation)
{
	FILE *link = zg_client_try(socket);
	if (link == NULL)
		return NULL;
	json_t *answer = zg_client_send(link, json_pack("{s:s,s:i}", "command", "trial", "number", generation)) ?
				 zg_client_receive(link) :
				 NULL;
	fclose(link);
	return answer;
}

static const struct end {
	const char *state;
	enum zg_exit exit;
	const char *sentence;
} ends[] = {
	{ "confirmed", ZG_EXIT_OK, "was confirmed and stays in force" },
	{ "returned", ZG_EXIT_ROLLED_BACK, "was not confirmed: the last confirmed policy is in force again" },
	{ "replaced", ZG_EXIT_FAILED, "was replaced by another change before it was confirmed" },
	/* a daemon that began after the trial knows nothing of it, and began with the last confirmed policy */
	{ "unknown", ZG_EXIT_ROLLED_BACK, "was not confirmed when the daemon was started again: the last confirmed policy is in force" },
};
static const struct end no_daemon = { "no daemon", ZG_EXIT_NO_DAEMON, "was not confirmed when the daemon went away" };

static const struct end *wait_for_end(const struct zg_change_options *o, int generation)
{
	const uint64_t until = zg_now_ms() + 1000u * (uint64_t)o->confirm_s + GRACE_MS;
	while (zg_now_ms() < until) {
		json_t *answer = look(o->socket, generation);
		const char *state = text_of(answer, "state");
		for (size_t i = 0; state != NULL && i < sizeof ends / sizeof ends[0]; i++) {
			if (strcmp(state, ends[i].state) != 0)
				continue;
			json_decref(answer);
			return &ends[i];
		}
		json_decref(answer);
		poll(NULL, 0, WAIT_MS);
	}
	return &no_daemon;
}

/* --- the answer ----------------------------------------------------------------------------------------- */

static void show_done(const char *what, const json_t *answer)
{
	const char *diagnostics = text_of(answer, "diagnostics");
	const json_t *trial = json_object_get(answer, "trial");

	zg_term_safe(stdout, what);
	printf(": in force as policy %d", number_of(answer, "generation"));
	if (!json_is_object(trial)) {
		putchar('\n');
	} else {
		printf(", on trial for %d s\n", number_of(trial, "seconds_left"));
		fputs("Keep it with `zonegatectl confirm`; otherwise ", stdout);
		if (json_is_integer(json_object_get(trial, "returns_to")))
			printf("policy %d comes back by itself.\n", number_of(trial, "returns_to"));
		else
			puts("the boundary is closed then: there is none before it.");
	}
	/* warnings of the file itself were shown before; what is left is about saving it */
	if (diagnostics != NULL && (strstr(diagnostics, "not saved") != NULL || strstr(diagnostics, "not written") != NULL ||
				    strstr(diagnostics, "is isolated") != NULL))
		fputs(diagnostics, stderr);
}

static void show_failed(const json_t *answer, int exit)
{
	const char *result = text_of(answer, "result"), *error = text_of(answer, "error"), *diagnostics = text_of(answer, "diagnostics");

	fprintf(stderr, "zonegatectl: not applied (%s)\n", result != NULL ? result : error != NULL ? error : "no answer");
	if (diagnostics != NULL)
		fputs(diagnostics, stderr);
	if (result != NULL && strcmp(result, "closed") == 0)
		fputs("The policy before it could not be put back: the boundary is closed; the daemon keeps trying.\n", stderr);
	else
		fputs(exit == ZG_EXIT_ROLLED_BACK ? "The policy before it is in force again.\n" : "Nothing was changed.\n", stderr);
}

int zg_change_ask(const struct zg_change_options *o, const char *what, json_t *request, const struct zg_text *text)
{
	enum zg_exit failed = ZG_EXIT_FAILED;
	json_t *answer = zg_client_ask_with(o->socket, request, text, &failed);
	if (answer == NULL)
		return (int)failed;
	const json_t *status = json_object_get(answer, "exit");
	int exit = json_is_integer(status) ? (int)json_integer_value(status) : ZG_EXIT_FAILED;
	const bool done = exit == ZG_EXIT_OK, waits = done && o->wait;

	if (!o->json) {
		if (done)
			show_done(what, answer);
		else
			show_failed(answer, exit);
		fflush(stdout);
	}
	if (waits) {
		const int generation = number_of(answer, "generation");
		const struct end *end = wait_for_end(o, generation);
		exit = (int)end->exit;
		json_object_set_new(answer, "end", json_string(end->state));
		json_object_set_new(answer, "exit", json_integer(exit));
		if (!o->json)
			fprintf(exit == ZG_EXIT_OK ? stdout : stderr, "policy %d %s\n", generation, end->sentence);
	}
	if (o->json)
		zg_json_print(stdout, json_incref(answer));
	json_decref(answer);
	return exit;
}
