/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/supervisor.h"
#include "ctl/cmd.h"
#include "sys/notify.h"
#include "sys/sandbox.h"
#include "sys/spawn.h"
#include "sys/sysctl.h"

#include <errno.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS	    250
#define BUSY_MS	    10 /* between two rounds of work that is done in parts */
#define COUNTERS_MS 60000u /* between records of the kernel's counters */

static void fail(struct zg_supervisor *s, const char *what, const char *why)
{
	struct zg_event e;
	zg_event_init(&e, ZG_E_DAEMON_FAILED);
	zg_event_str(&e, ZG_F_DETAIL, what);
	zg_event_message(&e, "cannot start: %s%s%s; the boundary stays closed", what, why[0] != '\0' ? ": " : "", why);
	zg_record(s, &e);
	/* who starts it by hand looks at the terminal, not into the journal */
	if (s->log == ZG_LOG_JOURNAL)
		fprintf(stderr, "zonegated: %s\n", e.message);
}

static void print_diags(const struct zg_diags *diags)
{
	char *text = diags->n > 0 ? zg_diags_text(diags, false) : NULL;
	if (text != NULL)
		fputs(text, stderr);
	free(text);
}

/* --- control requests ---------------------------------------------------------------------------- */

static json_t *refusal(const char *error, int exit)
{
	return json_pack("{s:i,s:b,s:s,s:i}", "schema", ZG_JSON_SCHEMA, "ok", 0, "error", error, "exit", exit);
}

static json_t *change_answer(const struct zg_supervisor *s, enum zg_change change, const struct zg_diags *diags)
{
	static const struct {
		const char *result;
		int exit;
	} results[] = {
		[ZG_CHANGE_DONE] = { "applied", ZG_EXIT_OK },
		[ZG_CHANGE_INVALID] = { "invalid", ZG_EXIT_CONFIG },
		[ZG_CHANGE_REFUSED] = { "refused", ZG_EXIT_FAILED },
		[ZG_CHANGE_ROLLED_BACK] = { "rolled-back", ZG_EXIT_ROLLED_BACK },
		[ZG_CHANGE_CLOSED] = { "closed", ZG_EXIT_FAILED },
	};
	char *text = zg_diags_text(diags, false);
	json_t *o = json_pack("{s:i,s:b,s:s,s:i,s:i,s:s,s:o}", "schema", ZG_JSON_SCHEMA, "ok", change == ZG_CHANGE_DONE, "result",
			      results[change].result, "exit", results[change].exit, "generation",
			      s->policy != NULL ? (int)s->policy->generation : 0, "diagnostics", text != NULL ? text : "", "trial",
			      zg_history_trial(s));
	free(text);
	return o;
}

/* A whole number from 0 on; false: it is there and is none. */
static bool number_of(const json_t *request, const char *key, uint32_t max, uint32_t *ret_number)
{
	const json_t *value = json_object_get(request, key);
	const json_int_t number = json_integer_value(value);
	*ret_number = (uint32_t)number;
	return value == NULL || (json_is_integer(value) && number >= 0 && number <= (json_int_t)max);
}

/* What apply and rollback have in common. */
static bool change_request(const json_t *request, const char *who, struct zg_change_request *ret_request)
{
	const char *file = json_string_value(json_object_get(request, "file"));
	*ret_request = (struct zg_change_request){
		.file = file != NULL ? file : "(unnamed)",
		.who = who,
		.comment = json_string_value(json_object_get(request, "comment")),
	};
	return number_of(request, "confirm_s", ZG_CONFIRM_S_MAX, &ret_request->confirm_s);
}

static json_t *on_apply(struct zg_supervisor *s, const json_t *request, struct zg_text *text, const char *who)
{
	struct zg_change_request asked;
	struct zg_diags diags;

	if (!change_request(request, who, &asked) || text == NULL)
		return refusal("apply needs a text, and a time from 1 to 3600 seconds if it is to be confirmed", ZG_EXIT_USAGE);
	asked.text = text;
	zg_diags_init(&diags);
	json_t *answer = change_answer(s, zg_change_apply(s, &asked, &diags), &diags);
	zg_diags_free(&diags);
	return answer;
}

static json_t *on_reload_lists(struct zg_supervisor *s, const json_t *request, const char *who)
{
	struct zg_diags diags;
	bool broken = false;

	(void)request;
	(void)who;
	zg_diags_init(&diags);
	const bool ok = zg_lists_reload(s, &diags) == ZG_OK;
	for (size_t i = 0; i < s->lists.n; i++)
		broken = broken || s->lists.lists[i].broken;
	char *text = zg_diags_text(&diags, false);
	json_t *o = json_pack("{s:i,s:b,s:i,s:o,s:s}", "schema", ZG_JSON_SCHEMA, "ok", ok && !broken, "exit",
			      ok && !broken ? ZG_EXIT_OK : ZG_EXIT_FAILED, "blocklists", zg_lists_json(&s->lists), "diagnostics",
			      text != NULL ? text : "");
	free(text);
	zg_diags_free(&diags);
	return o;
}

static json_t *on_rollback(struct zg_supervisor *s, const json_t *request, const char *who)
{
	struct zg_change_request asked;
	struct zg_diags diags;
	uint32_t number;

	if (!change_request(request, who, &asked) || !number_of(request, "number", UINT32_MAX, &number))
		return refusal("rollback takes the number of a policy, and a time from 1 to 3600 seconds", ZG_EXIT_USAGE);
	zg_diags_init(&diags);
	json_t *answer = change_answer(s, zg_change_rollback(s, number, &asked, &diags), &diags);
	zg_diags_free(&diags);
	return answer;
}

static json_t *on_confirm(struct zg_supervisor *s, const json_t *request, const char *who)
{
	struct zg_diags diags;
	uint32_t number;
	json_t *answer;

	if (!number_of(request, "number", UINT32_MAX, &number))
		return refusal("confirm takes the number of a policy", ZG_EXIT_USAGE);
	zg_diags_init(&diags);
	if (zg_change_confirm(s, number, who, &diags))
		answer = change_answer(s, ZG_CHANGE_DONE, &diags);
	else
		answer = refusal(s->closed	   ? "the boundary is closed: there is nothing to confirm" :
				 s->trial.running ? "another policy is on trial: look at it first (zonegatectl diff)" :
						    "no policy is on trial",
				 ZG_EXIT_FAILED);
	zg_diags_free(&diags);
	return answer;
}

/* What became of a policy that was on trial: for who waits. */
static json_t *on_trial(struct zg_supervisor *s, const json_t *request, const char *who)
{
	uint32_t number;
	(void)who;
	if (!number_of(request, "number", UINT32_MAX, &number))
		return refusal("trial takes the number of a policy", ZG_EXIT_USAGE);
	return json_pack("{s:i,s:b,s:s,s:o}", "schema", ZG_JSON_SCHEMA, "ok", 1, "state", zg_trial_end_name(zg_trial_of(&s->trial, number)),
			 "trial", zg_history_trial(s));
}

static json_t *on_policy(struct zg_supervisor *s, const json_t *request, const char *who)
{
	uint32_t number;
	(void)who;
	if (!number_of(request, "number", UINT32_MAX, &number))
		return refusal("policy takes the number of a policy", ZG_EXIT_USAGE);
	/* the one that a rollback without a number would take */
	if (json_is_true(json_object_get(request, "before")) && zg_change_before(s, &number) != ZG_OK)
		return refusal("there is no earlier policy", ZG_EXIT_FAILED);
	return zg_history_text(s, number);
}

static json_t *on_history(struct zg_supervisor *s, const json_t *request, const char *who)
{
	(void)request;
	(void)who;
	return zg_history_json(s);
}

static json_t *on_connections(struct zg_supervisor *s, const json_t *request, struct zg_text *text, const char *who)
{
	struct zg_change_request asked;
	if (!change_request(request, who, &asked) || text == NULL)
		return refusal("connections needs a text", ZG_EXIT_USAGE);
	return zg_cut_count(s, asked.file, text);
}

static json_t *on_status(struct zg_supervisor *s, const json_t *request, const char *who)
{
	(void)request;
	(void)who;
	return zg_status_json(s);
}

static json_t *on_isolate(struct zg_supervisor *s, const json_t *request, const char *who)
{
	return zg_isolate_request(s, true, request, who);
}

static json_t *on_restore(struct zg_supervisor *s, const json_t *request, const char *who)
{
	return zg_isolate_request(s, false, request, who);
}

static json_t *on_isolated(struct zg_supervisor *s, const json_t *request, const char *who)
{
	(void)request;
	(void)who;
	return json_pack("{s:i,s:b,s:o}", "schema", ZG_JSON_SCHEMA, "ok", 1, "isolated", zg_isolation_json(&s->isolation, s->policy));
}

static json_t *on_request(void *ctx, const char *command, const json_t *request, struct zg_text *text, const char *who)
{
	static const struct {
		const char *command;
		json_t *(*serve)(struct zg_supervisor *s, const json_t *request, const char *who);
	} commands[] = {
		{ "status", on_status },     { "confirm", on_confirm }, { "trial", on_trial },
		{ "rollback", on_rollback }, { "history", on_history }, { "policy", on_policy },
		{ "isolate", on_isolate },   { "restore", on_restore },	{ "isolated", on_isolated },
		{ "reload-lists", on_reload_lists },
	};
	/* those that come with a configuration */
	if (strcmp(command, "apply") == 0)
		return on_apply(ctx, request, text, who);
	if (strcmp(command, "connections") == 0)
		return on_connections(ctx, request, text, who);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(command, commands[i].command) == 0)
			return commands[i].serve(ctx, request, who);
	return json_pack("{s:i,s:b,s:s}", "schema", ZG_JSON_SCHEMA, "ok", 0, "error", "no such command");
}

/* --- start ----------------------------------------------------------------------------------------- */

/* Makes a directory that the unprivileged user owns, when we are root; else it has to be there. */
static bool own_directory(const char *path, const char *user)
{
	const struct passwd *pw = getpwnam(user);
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return false;
	return geteuid() != 0 || (pw != NULL && chown(path, pw->pw_uid, pw->pw_gid) == 0);
}

static bool open_kernel(struct zg_supervisor *s)
{
	struct zg_diags diags;
	const char *what = "";
	enum zg_err err;
	bool ok = false;

	zg_diags_init(&diags);
	if ((err = zg_nft_open(zg_notify_stored("nft"), &s->nft)) != ZG_OK) {
		fail(s, "netlink socket", zg_strerror(err));
		goto out;
	}
	/* without the socket in the store the tables of a crashed predecessor are gone already: closed until committed */
	if (zg_forwarding_set(false, &what) != ZG_OK) {
		fail(s, what, strerror(errno));
		goto out;
	}
	if (zg_nft_backstop(s->nft, &diags) != ZG_OK) {
		fail(s, "backstop table", diags.n > 0 ? diags.items[0].message : "");
		goto out;
	}
	if ((err = zg_nft_probe(s->nft, &s->queue_kind)) != ZG_OK) {
		fail(s, "this kernel has neither nft's queue expression nor the NFQUEUE target", zg_strerror(err));
		goto out;
	}
	ok = true;
out:
	zg_diags_free(&diags);
	return ok;
}

static bool start(struct zg_supervisor *s)
{
	const char *what = "";
	struct zg_diags diags;
	enum zg_err err;

	if (getrandom(&s->hash_seed, sizeof s->hash_seed, 0) != sizeof s->hash_seed || (s->buf = malloc(ZG_MSG_MAX)) == NULL)
		return false;
	if (zg_spawn_init() != ZG_OK || !own_directory(s->options.state_dir, s->options.user) ||
	    !own_directory(s->options.run_dir, s->options.user)) {
		fail(s, "state and run directories", strerror(errno));
		return false;
	}
	if ((err = zg_sandbox_drop(s->options.user, &what)) != ZG_OK) {
		fail(s, what, zg_strerror(err));
		return false;
	}
	if (zg_ctl_open(s->options.run_dir, on_request, s, &s->ctl) != ZG_OK) {
		fail(s, "control socket", errno == EADDRINUSE ? "another zonegated is running with this run directory" : strerror(errno));
		return false;
	}
	if ((err = zg_settings_new(ZG_SETTINGS_ROOT, &s->settings)) != ZG_OK) {
		fail(s, "settings of the kernel", zg_strerror(err));
		return false;
	}
	if (!zg_isolate_boot(s)) {
		fail(s, "zones that are cut off", zg_strerror(ZG_ENOMEM));
		return false;
	}
	if (!open_kernel(s))
		return false;
	zg_diags_init(&diags);
	enum zg_change change = zg_change_boot(s, &diags);
	print_diags(&diags);
	if (change != ZG_CHANGE_DONE)
		fail(s, diags.n > 0 ? diags.items[0].message : "the policy could not be put in force", "");
	zg_diags_free(&diags);
	return change == ZG_CHANGE_DONE;
}

static void record_started(struct zg_supervisor *s)
{
	struct zg_event e;
	zg_event_init(&e, ZG_E_DAEMON_STARTED);
	zg_event_str(&e, ZG_F_QUEUE, s->queue_kind == ZG_QUEUE_NATIVE ? "native" : "target");
	zg_event_u64(&e, ZG_F_GENERATION, s->policy->generation);
	zg_event_message(&e, "zonegated " ZG_VERSION " started: policy %u in force, %u inspectors, %s queue", s->policy->generation,
			 s->n_inspectors, s->queue_kind == ZG_QUEUE_NATIVE ? "native" : "target");
	zg_record(s, &e);
	zg_notify_ready(zg_nft_fd(s->nft), e.message);
}

/* --- the loop ---------------------------------------------------------------------------------------- */

static void reload(struct zg_supervisor *s)
{
	const char *file = s->options.config;
	struct zg_change_request request = { .file = file, .who = "SIGHUP" };
	struct zg_diags diags;
	char *text = NULL;
	size_t len = 0;

	zg_diags_init(&diags);
	if (zg_conf_gather(file, &diags, &text, &len) == ZG_OK && diags.errors == 0) {
		request.text = zg_text_of(text, len);
		text = NULL;
		(void)zg_change_apply(s, &request, &diags);
	} else {
		/* with the mistakes of what could be read */
		struct zg_policy *none = NULL;
		zg_diags_free(&diags);
		zg_diags_init(&diags);
		(void)zg_conf_load(file, &diags, &none);
		zg_policy_free(none);
		zg_change_refused(s, file, "SIGHUP", &diags);
	}
	free(text);
	zg_text_drop(request.text);
	print_diags(&diags);
	zg_diags_free(&diags);
}

static void on_signal(struct zg_supervisor *s, int fd)
{
	struct signalfd_siginfo info;
	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			s->stopping = true;
			break;
		case SIGHUP:
			reload(s);
			break;
		default:
			break;
		}
	}
	zg_children_reap(s); /* several deaths may share one signal */
}

static void tick(struct zg_supervisor *s)
{
	uint64_t now = zg_now_ms();
	zg_children_tick(s);
	zg_change_tick(s);
	zg_timing_tick(s); /* before the drift: what opens now is there then */
	zg_cut_tick(s);
	zg_drift_tick(s);
	zg_cards_tick(s);
	zg_lists_tick(s);
	if (now - s->counters_ms >= COUNTERS_MS) {
		s->counters_ms = now;
		zg_record_counters(s);
	}
	if (zg_children_healthy(s) && !s->closed && now - s->watchdog_ms >= 1000) {
		s->watchdog_ms = now;
		zg_notify_watchdog();
	}
}

static void loop(struct zg_supervisor *s, int signals)
{
	while (!s->stopping) {
		struct pollfd fds[4 + ZG_INSPECTORS_MAX + 1 + ZG_CTL_CLIENTS_MAX];
		const size_t max = sizeof fds / sizeof fds[0];
		fds[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
		/* who has changed the rule set is asked in the tick, which comes at once */
		fds[1] = (struct pollfd){ .fd = zg_nft_listen_fd(s->nft), .events = POLLIN };
		size_t children = 2 + zg_children_poll(s, fds + 2, max - 2);
		size_t n = children + zg_ctl_poll(s->ctl, fds + children, max - children);
		if (poll(fds, n, zg_cut_busy(s) ? BUSY_MS : TICK_MS) < 0 && errno != EINTR)
			return;
		for (size_t i = 2; i < n; i++) {
			if (fds[i].revents == 0)
				continue;
			if (i < children)
				zg_children_ready(s, fds[i].fd);
			else
				zg_ctl_ready(s->ctl, fds[i].fd, fds[i].revents);
		}
		if (fds[0].revents != 0)
			on_signal(s, signals);
		tick(s);
	}
}

static void stop(struct zg_supervisor *s)
{
	struct zg_event e;

	zg_notify_stopping();
	/* closed first; then those who judge may go */
	zg_switches_close(s);
	zg_children_stop(s);
	zg_record_counters(s);
	zg_event_init(&e, ZG_E_DAEMON_STOPPED);
	zg_event_message(&e, "zonegated stopped; the boundary is closed: forwarding is off and the backstop drops what it did not pass");
	zg_record(s, &e);
}

int zg_supervisor_run(const struct zg_options *options)
{
	struct zg_supervisor *s = calloc(1, sizeof *s);
	int status = EXIT_FAILURE;
	sigset_t set;

	if (s == NULL)
		return status;
	mallopt(M_MMAP_THRESHOLD, ZG_MMAP_BYTES);
	s->options = *options;
	s->log = zg_log_choose(options->log);
	s->rtab_fd = -1;
	s->started_ms = s->counters_ms = zg_now_ms();
	zg_children_init(s);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		fail(s, "signals", strerror(errno));
	} else if (start(s)) {
		record_started(s);
		zg_isolate_kept(s);
		zg_drift_start(s);
		zg_record_counters(s);
		loop(s, signals);
		stop(s);
		status = EXIT_SUCCESS;
	} else {
		zg_children_stop(s);
	}
	if (signals >= 0)
		close(signals);
	zg_nft_close(s->nft);
	zg_ctl_close(s->ctl);
	zg_drift_stop(s);
	zg_isolation_free(&s->isolation);
	zg_cut_stop(s);
	zg_settings_free(s->settings);
	zg_policy_free(s->policy);
	zg_lists_free(&s->lists);
	zg_policy_free(s->trial.fallback);
	zg_cards_free(&s->strange);
	zg_cards_free(&s->compiled);
	if (s->rtab_fd >= 0)
		close(s->rtab_fd);
	free(s->counters);
	zg_plan_free(s->plan);
	free(s->timing.open);
	free(s->buf);
	free(s);
	return status;
}
