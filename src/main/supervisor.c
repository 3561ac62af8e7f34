/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/supervisor.h"
#include "ctl/cmd.h"
#include "sys/notify.h"
#include "sys/sandbox.h"
#include "sys/spawn.h"
#include "sys/sysctl.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS	    250
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

static json_t *apply_answer(enum zg_change change, const struct zg_diags *diags, uint32_t generation)
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
	json_t *o = json_pack("{s:i,s:b,s:s,s:i,s:i,s:s}", "schema", ZG_JSON_SCHEMA, "ok", change == ZG_CHANGE_DONE, "result",
			      results[change].result, "exit", results[change].exit, "generation", (int)generation, "diagnostics",
			      text != NULL ? text : "");
	free(text);
	return o;
}

static json_t *on_apply(struct zg_supervisor *s, const json_t *request, const char *who)
{
	const json_t *text = json_object_get(request, "text");
	const char *file = json_string_value(json_object_get(request, "file"));
	struct zg_diags diags;

	if (!json_is_string(text))
		return json_pack("{s:i,s:b,s:s,s:i}", "schema", ZG_JSON_SCHEMA, "ok", 0, "error", "apply needs a text", "exit", ZG_EXIT_USAGE);
	zg_diags_init(&diags);
	enum zg_change change = zg_change_apply(s, file != NULL ? file : "(unnamed)", json_string_value(text), json_string_length(text), who,
						&diags);
	json_t *answer = apply_answer(change, &diags, s->policy != NULL ? s->policy->generation : 0);
	zg_diags_free(&diags);
	return answer;
}

static json_t *on_reload_lists(struct zg_supervisor *s)
{
	struct zg_diags diags;
	bool broken = false;

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

static json_t *on_request(void *ctx, const char *command, const json_t *request, const char *who)
{
	struct zg_supervisor *s = ctx;
	if (strcmp(command, "status") == 0)
		return zg_status_json(s);
	if (strcmp(command, "apply") == 0)
		return on_apply(s, request, who);
	if (strcmp(command, "reload-lists") == 0)
		return on_reload_lists(s);
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
	struct zg_diags diags;
	struct zg_policy *probe = NULL;

	zg_diags_init(&diags);
	if (zg_conf_load(s->options.config, &diags, &probe) == ZG_OK) {
		char *text = probe->text;
		zg_diags_free(&diags);
		zg_diags_init(&diags);
		(void)zg_change_apply(s, s->options.config, text, probe->text_len, "SIGHUP", &diags);
	} else {
		zg_change_refused(s, s->options.config, "SIGHUP", &diags);
	}
	print_diags(&diags);
	zg_policy_free(probe);
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
	zg_drift_tick(s);
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
		struct pollfd fds[3 + ZG_INSPECTORS_MAX + 1 + ZG_CTL_CLIENTS_MAX];
		const size_t max = sizeof fds / sizeof fds[0];
		fds[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
		size_t children = 1 + zg_children_poll(s, fds + 1, max - 1);
		size_t n = children + zg_ctl_poll(s->ctl, fds + children, max - children);
		if (poll(fds, n, TICK_MS) < 0 && errno != EINTR)
			return;
		for (size_t i = 1; i < n; i++) {
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
	const char *what = "";
	struct zg_event e;

	zg_notify_stopping();
	/* closed first; then those who judge may go */
	(void)zg_forwarding_set(false, &what);
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
	zg_policy_free(s->policy);
	zg_lists_free(&s->lists);
	if (s->rtab_fd >= 0)
		close(s->rtab_fd);
	free(s->counters);
	free(s->buf);
	free(s);
	return status;
}
