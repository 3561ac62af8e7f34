/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gate, inspectors and watch: start, staging of policies, death and restart. */
#include "main/supervisor.h"
#include "sys/nflog.h"
#include "sys/spawn.h"
#include "zonegate/mark.h"
#include "zonegate/rtab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS  10000u /* ms that a process may take to stage a policy */
#define PING_MS	   2000u
#define BACKOFF_MS 100u	  /* ms before the first restart; doubles with each death in short order */
#define BACKOFF_MAX 10000u
#define PINGS_MAX  5u	  /* pings without answer after which an inspector counts as hanging */
#define STABLE_MS  60000u /* ms of life after which a process counts as healthy again */

const char *zg_role_name(enum zg_role role)
{
	static const char *const names[] = { "gate", "inspector", "watch" };
	return names[role];
}

static void child_init(struct zg_child *c, enum zg_role role, uint32_t index)
{
	*c = (struct zg_child){ .role = role, .index = index, .chan = -1, .handed = { -1, -1, -1, -1 } };
}

void zg_children_init(struct zg_supervisor *s)
{
	child_init(&s->gate, ZG_ROLE_GATE, 0);
	child_init(&s->watch, ZG_ROLE_WATCH, 0);
	for (uint32_t i = 0; i < ZG_INSPECTORS_MAX; i++)
		child_init(&s->inspectors[i], ZG_ROLE_INSPECTOR, i);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_handed(struct zg_child *c)
{
	for (size_t i = 0; i < ZG_QUEUE_FDS; i++)
		close_fd(&c->handed[i]);
}

/* Calls fn for every child that is configured, running or not. */
static void each_child(struct zg_supervisor *s, void (*fn)(struct zg_supervisor *s, struct zg_child *c))
{
	fn(s, &s->gate);
	for (uint32_t i = 0; i < s->n_inspectors; i++)
		fn(s, &s->inspectors[i]);
	fn(s, &s->watch);
}

/* --- start ------------------------------------------------------------------------------------- */

static enum zg_err spawn(struct zg_supervisor *s, struct zg_child *c, const int *extra, size_t n_extra)
{
	const int size = 1024 * 1024;
	const enum zg_sandbox_role power = c->role == ZG_ROLE_GATE ? ZG_SANDBOX_GATE : ZG_SANDBOX_PARSER;
	int pair[2], fds[1 + ZG_QUEUE_FDS];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ZG_ESYS;
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	/* a process that parses must not wait for the log: what does not fit is counted as lost */
	if (c->role != ZG_ROLE_GATE)
		fcntl(pair[1], F_SETFL, O_NONBLOCK);
	fcntl(pair[0], F_SETFL, O_NONBLOCK); /* and one that hangs must not hang us */
	fds[0] = pair[1];
	for (size_t i = 0; i < n_extra; i++)
		fds[1 + i] = extra[i];
	enum zg_err err = zg_spawn(zg_role_name(c->role), power, fds, 1 + n_extra, &c->pid);
	close(pair[1]);
	if (err != ZG_OK) {
		close(pair[0]);
		return err;
	}
	c->chan = pair[0];
	c->acked = 0;
	c->pong = s->ping;
	c->started_ms = zg_now_ms();
	c->start_at_ms = 0;
	return ZG_OK;
}

static enum zg_err send_policy(struct zg_supervisor *s, struct zg_child *c)
{
	if (s->rtab_fd < 0 || c->role == ZG_ROLE_WATCH)
		return ZG_OK;
	return zg_chan_send(c->chan, ZG_MSG_POLICY, s->generation, NULL, 0, &s->rtab_fd, 1);
}

static enum zg_err start_gate(struct zg_supervisor *s)
{
	const struct zg_msg_config config = { .queue_base = s->queue_base, .queues = (uint16_t)s->n_inspectors };
	enum zg_err err = spawn(s, &s->gate, NULL, 0);
	if (err == ZG_OK)
		err = send_policy(s, &s->gate);
	if (err == ZG_OK)
		err = zg_chan_send(s->gate.chan, ZG_MSG_CONFIG, 0, &config, sizeof config, NULL, 0);
	return err;
}

static enum zg_err start_inspector(struct zg_supervisor *s, struct zg_child *c)
{
	if (c->handed[0] < 0)
		return ZG_ENOENT;
	enum zg_err err = spawn(s, c, c->handed, ZG_QUEUE_FDS);
	if (err != ZG_OK)
		return err; /* they serve the next try */
	close_handed(c);
	c->gate = s->gate.pid;
	err = send_policy(s, c);
	if (err == ZG_OK) {
		struct zg_event e;
		zg_event_init(&e, ZG_E_INSPECTOR_STARTED);
		zg_event_u64(&e, ZG_F_INDEX, c->index);
		zg_event_u64(&e, ZG_F_CHILD_PID, (uint64_t)c->pid);
		zg_event_message(&e, "inspector %u started, reading queue %u", c->index, s->queue_base + c->index);
		zg_record(s, &e);
	}
	return err;
}

static enum zg_err start_watch(struct zg_supervisor *s)
{
	int log;
	enum zg_err err = zg_nflog_open(ZG_LOG_GROUP, ZG_LOG_SNAPLEN, &log);
	if (err != ZG_OK)
		return err;
	err = spawn(s, &s->watch, &log, 1);
	close(log);
	return err;
}

/* --- messages ---------------------------------------------------------------------------------- */

static void on_message(struct zg_supervisor *s, struct zg_child *c, struct zg_chan_msg *msg)
{
	const void *body;

	switch ((enum zg_msg_type)msg->hdr.type) {
	case ZG_MSG_POLICY_ACK:
		c->acked = msg->hdr.number;
		return;
	case ZG_MSG_QUEUE:
		if (c->role == ZG_ROLE_GATE && msg->hdr.number < s->n_inspectors && msg->fds[ZG_QUEUE_FDS - 1] >= 0) {
			struct zg_child *i = &s->inspectors[msg->hdr.number];
			close_handed(i);
			for (int k = 0; k < ZG_QUEUE_FDS; k++) {
				i->handed[k] = msg->fds[k];
				msg->fds[k] = -1;
			}
			if (i->start_at_ms == 0)
				i->start_at_ms = 1;
		}
		return;
	case ZG_MSG_PONG:
		if (c->role == ZG_ROLE_GATE && msg->hdr.number >> 24 == ZG_PONG_GATE)
			c->pong = msg->hdr.number & 0xffffffu;
		else if (c->role == ZG_ROLE_GATE && (msg->hdr.number >> 24) < s->n_inspectors)
			s->inspectors[msg->hdr.number >> 24].pong = msg->hdr.number & 0xffffffu;
		return;
	case ZG_MSG_EVENT:
		body = zg_msg_body(msg, sizeof(struct zg_msg_event));
		if (body != NULL && c->role != ZG_ROLE_GATE && zg_msg_event_valid(body))
			zg_record_msg(s, c, body);
		return;
	case ZG_MSG_STATS:
		body = zg_msg_body(msg, sizeof(struct zg_msg_stats));
		if (body != NULL && c->role != ZG_ROLE_GATE)
			zg_record_stats(s, c, body);
		return;
	default:
		return;
	}
}

/* All that is there now. A peer that talks nonsense or has closed its channel is ended: without a channel it can neither
 * be pinged nor told of a new policy, and it may live on on purpose. Its death is noticed by reap. */
static void drain(struct zg_supervisor *s, struct zg_child *c)
{
	for (int i = 0; i < 256 && c->chan >= 0; i++) {
		struct zg_chan_msg msg;
		enum zg_err err = zg_chan_recv(c->chan, s->buf, ZG_MSG_MAX, false, &msg);
		if (err == ZG_EAGAIN)
			return;
		if (err != ZG_OK) {
			if (c->pid > 0)
				kill(c->pid, SIGKILL);
			close_fd(&c->chan);
			return;
		}
		if (c->role == ZG_ROLE_WATCH)
			c->pong = s->ping;
		/* the numbers may be a record for each kind of loss */
		c->heard += msg.hdr.type == ZG_MSG_STATS ? 4 : 1;
		on_message(s, c, &msg);
		zg_chan_close_fds(&msg);
	}
}

/* Each message may be a record: one process shall neither fill the log nor keep us from the others. What it has to say beyond
 * that waits in its channel, and an honest one counts what finds no place there. */
static bool has_its_say(const struct zg_child *c)
{
	return c->role == ZG_ROLE_GATE || c->heard < ZG_MESSAGES_PER_S || zg_now_ms() - c->heard_ms >= 1000;
}

static void hear(struct zg_supervisor *s, struct zg_child *c)
{
	const uint64_t now = zg_now_ms();

	if (!has_its_say(c))
		return;
	if (now - c->heard_ms >= 1000) {
		c->heard_ms = now;
		c->heard = 0;
	}
	drain(s, c);
}

static size_t add_poll(const struct zg_child *c, struct pollfd *fds, size_t n, size_t max)
{
	if (c->chan >= 0 && n < max && has_its_say(c))
		fds[n++] = (struct pollfd){ .fd = c->chan, .events = POLLIN };
	return n;
}

size_t zg_children_poll(const struct zg_supervisor *s, struct pollfd *fds, size_t max)
{
	size_t n = add_poll(&s->gate, fds, 0, max);
	for (uint32_t i = 0; i < s->n_inspectors; i++)
		n = add_poll(&s->inspectors[i], fds, n, max);
	return add_poll(&s->watch, fds, n, max);
}

void zg_children_ready(struct zg_supervisor *s, int fd)
{
	if (fd < 0)
		return;
	if (fd == s->gate.chan)
		hear(s, &s->gate);
	else if (fd == s->watch.chan)
		hear(s, &s->watch);
	else
		for (uint32_t i = 0; i < s->n_inspectors; i++)
			if (fd == s->inspectors[i].chan)
				hear(s, &s->inspectors[i]);
}

/* Serves the children until done() or the time is over or one of those needed is gone. */
static bool wait_children(struct zg_supervisor *s, bool (*done)(const struct zg_supervisor *s))
{
	const uint64_t until = zg_now_ms() + ANSWER_MS;
	while (!done(s)) {
		struct pollfd fds[2 + ZG_INSPECTORS_MAX];
		size_t n = zg_children_poll(s, fds, sizeof fds / sizeof fds[0]);
		uint64_t now = zg_now_ms();
		if (now >= until || s->gate.chan < 0)
			return false;
		if (poll(fds, n, (int)(until - now < 100 ? until - now : 100)) < 0 && errno != EINTR)
			return false;
		for (size_t i = 0; i < n; i++)
			if (fds[i].revents != 0)
				zg_children_ready(s, fds[i].fd);
		zg_children_reap(s);
	}
	return true;
}

static bool all_queues_bound(const struct zg_supervisor *s)
{
	for (uint32_t i = 0; i < s->n_inspectors; i++)
		if (s->inspectors[i].handed[0] < 0)
			return false;
	return true;
}

/* An inspector that is down gets the policy when it starts; until then its queue has no listener and the kernel drops. */
static bool all_staged(const struct zg_supervisor *s)
{
	if (s->gate.acked != s->generation)
		return false;
	for (uint32_t i = 0; i < s->n_inspectors; i++)
		if (s->inspectors[i].chan >= 0 && s->inspectors[i].acked != s->generation)
			return false;
	return true;
}

enum zg_err zg_children_start(struct zg_supervisor *s, struct zg_diags *diags)
{
	s->fresh = true;
	enum zg_err err = start_gate(s);
	if (err != ZG_OK || !wait_children(s, all_queues_bound)) {
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "standard error of the daemon has the reason",
			    "the gate could not bind queues %u to %u", s->queue_base, s->queue_base + s->n_inspectors - 1);
		return ZG_EKERNEL;
	}
	for (uint32_t i = 0; i < s->n_inspectors && err == ZG_OK; i++)
		err = start_inspector(s, &s->inspectors[i]);
	if (err == ZG_OK && s->watch.chan < 0)
		err = start_watch(s);
	if (err != ZG_OK)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "cannot start the processes: %s: %s", zg_strerror(err), strerror(errno));
	return err;
}

/* Who has not answered in time hangs. */
static void end_unstaged(struct zg_supervisor *s)
{
	struct zg_child *c = &s->gate;
	for (uint32_t i = 0; i <= s->n_inspectors; c = &s->inspectors[i++])
		if (c->pid > 0 && c->acked != s->generation)
			kill(c->pid, SIGKILL);
	if (s->gate.acked != s->generation)
		close_fd(&s->gate.chan);
}

enum zg_err zg_children_stage(struct zg_supervisor *s, const struct zg_policy *policy, struct zg_diags *diags)
{
	int fd;
	enum zg_err err = zg_rtab_make(policy, &fd);
	if (err != ZG_OK) {
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "cannot make the runtime table: %s", zg_strerror(err));
		return err;
	}
	close_fd(&s->rtab_fd);
	s->rtab_fd = fd;
	s->generation = policy->generation;
	err = send_policy(s, &s->gate);
	for (uint32_t i = 0; i < s->n_inspectors; i++)
		if (s->inspectors[i].chan >= 0)
			(void)send_policy(s, &s->inspectors[i]); /* its death shows in reap */
	if (err == ZG_OK && !wait_children(s, all_staged))
		end_unstaged(s);
	if (s->gate.chan < 0 || s->gate.acked != s->generation) {
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "standard error of the daemon has the reason",
			    "the gate did not take the new policy within %u s", ANSWER_MS / 1000);
		return ZG_ESYS;
	}
	/* a process that could not enter its sandbox is gone by now: that is a failed start, not a degraded one */
	for (uint32_t i = 0; i < s->n_inspectors && s->fresh; i++) {
		if (s->inspectors[i].acked == s->generation)
			continue;
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "standard error of the daemon has the reason", "inspector %u is not running", i);
		return ZG_ESYS;
	}
	s->fresh = false;
	return ZG_OK;
}

void zg_children_in_force(struct zg_supervisor *s)
{
	for (uint32_t i = 0; i < s->n_inspectors; i++)
		if (s->inspectors[i].chan >= 0)
			(void)zg_chan_send(s->inspectors[i].chan, ZG_MSG_IN_FORCE, s->generation, NULL, 0, NULL, 0);
}

/* --- end and restart ---------------------------------------------------------------------------- */

/* The end of its channel tells it to go; what it still has to say can be heard. */
static void stop_child(struct zg_supervisor *s, struct zg_child *c)
{
	(void)s;
	if (c->chan >= 0)
		shutdown(c->chan, SHUT_WR);
	close_handed(c);
	c->start_at_ms = 0;
}

/* Everything that a dead child has left in its channel. */
static void drain_rest(struct zg_supervisor *s, struct zg_child *c)
{
	for (int i = 0; i < 64 && c->chan >= 0; i++)
		drain(s, c);
	close_fd(&c->chan);
}

static void bury_child(struct zg_supervisor *s, struct zg_child *c)
{
	for (int i = 0; c->pid > 0; i++) {
		/* the last words are heard while it lives: a full channel must not hold it up */
		drain(s, c);
		if (waitpid(c->pid, NULL, WNOHANG) != 0)
			c->pid = 0;
		else if (i == 50)
			kill(c->pid, SIGKILL);
		else
			poll(NULL, 0, 10);
	}
	drain_rest(s, c);
	zg_record_seen(s, c);
}

void zg_children_stop(struct zg_supervisor *s)
{
	each_child(s, stop_child);
	each_child(s, bury_child);
}

static void schedule(struct zg_child *c)
{
	uint64_t now = zg_now_ms(), wait = BACKOFF_MS;
	if (now - c->started_ms > STABLE_MS)
		c->restarts = 0;
	for (uint32_t i = 0; i < c->restarts && wait < BACKOFF_MAX; i++)
		wait *= 2;
	c->restarts++;
	c->start_at_ms = now + (wait < BACKOFF_MAX ? wait : BACKOFF_MAX);
}

static void died(struct zg_supervisor *s, const struct zg_child *c, pid_t pid, int status)
{
	struct zg_event e;
	char how[64];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof how, "exit status %d", WEXITSTATUS(status));
	zg_event_init(&e, ZG_E_INSPECTOR_DIED);
	zg_event_str(&e, ZG_F_ROLE, zg_role_name(c->role));
	zg_event_u64(&e, ZG_F_INDEX, c->index);
	zg_event_u64(&e, ZG_F_CHILD_PID, (uint64_t)pid);
	zg_event_str(&e, ZG_F_STATUS, how);
	zg_event_message(&e, "%s %u ended unexpectedly (%s); what it held is dropped, its connections are refused, a new one starts",
			 zg_role_name(c->role), c->index, how);
	zg_record(s, &e);
}

void zg_children_reap(struct zg_supervisor *s)
{
	struct zg_child *all[2 + ZG_INSPECTORS_MAX] = { &s->gate, &s->watch };
	const uint32_t n = s->n_inspectors;
	for (uint32_t i = 0; i < n; i++)
		all[2 + i] = &s->inspectors[i];
	for (uint32_t i = 0; i < 2 + n; i++) {
		struct zg_child *c = all[i];
		int status;
		if (c->pid <= 0 || waitpid(c->pid, &status, WNOHANG) != c->pid)
			continue;
		const pid_t pid = c->pid;
		c->pid = 0; /* nobody's any more: not to be signalled */
		drain_rest(s, c);
		zg_record_seen(s, c);
		died(s, c, pid, status);
		schedule(c);
		/* a gate that has come meanwhile has bound the queue anew already, maybe for the next inspector */
		if (c->role == ZG_ROLE_INSPECTOR && s->gate.chan >= 0 && c->gate == s->gate.pid)
			(void)zg_chan_send(s->gate.chan, ZG_MSG_REBIND, c->index, NULL, 0, NULL, 0);
		if (c->role == ZG_ROLE_GATE) /* the inspectors end by themselves; their queues come with the new gate */
			for (uint32_t k = 0; k < s->n_inspectors; k++)
				close_handed(&s->inspectors[k]);
	}
}

static bool due(const struct zg_child *c, uint64_t now)
{
	return c->pid == 0 && c->start_at_ms != 0 && now >= c->start_at_ms;
}

/* The answer to the last ping may be on its way: a few may be missing. */
static uint32_t pings_missing(const struct zg_supervisor *s, const struct zg_child *c)
{
	return (s->ping - c->pong) & 0xffffffu;
}

/* A gate that hangs takes every answer with it: then it is the one to end. The watch is not asked, it tells its numbers
 * every second. All is counted in pings and not in time: after a pause of the whole machine everybody gets a chance. */
static void ping(struct zg_supervisor *s)
{
	const uint32_t gate_missing = s->gate.chan >= 0 ? pings_missing(s, &s->gate) : 0;

	s->ping = (s->ping + 1) & 0xffffffu;
	if (s->gate.chan >= 0)
		(void)zg_chan_send(s->gate.chan, ZG_MSG_PING, s->ping, NULL, 0, NULL, 0);
	if (gate_missing > PINGS_MAX)
		kill(s->gate.pid, SIGKILL);
	for (uint32_t i = 0; i < s->n_inspectors; i++) {
		struct zg_child *c = &s->inspectors[i];
		if (c->chan < 0)
			continue;
		(void)zg_chan_send(c->chan, ZG_MSG_PING, s->ping, NULL, 0, NULL, 0);
		if (pings_missing(s, c) > PINGS_MAX && gate_missing <= 1)
			kill(c->pid, SIGKILL);
		/* it has outlived its gate and still holds the queue that the next one has to bind */
		if (c->gate != s->gate.pid)
			kill(c->pid, SIGKILL);
	}
	if (s->watch.pid > 0 && pings_missing(s, &s->watch) > PINGS_MAX)
		kill(s->watch.pid, SIGKILL);
}

void zg_children_tick(struct zg_supervisor *s)
{
	uint64_t now = zg_now_ms();

	if (due(&s->gate, now) && start_gate(s) != ZG_OK)
		schedule(&s->gate);
	if (due(&s->watch, now) && start_watch(s) != ZG_OK)
		schedule(&s->watch);
	for (uint32_t i = 0; i < s->n_inspectors; i++) {
		struct zg_child *c = &s->inspectors[i];
		if (due(c, now) && c->handed[0] >= 0 && start_inspector(s, c) != ZG_OK)
			schedule(c);
	}
	if (now - s->ping_ms >= PING_MS) {
		s->ping_ms = now;
		ping(s);
	}
}

bool zg_children_healthy(const struct zg_supervisor *s)
{
	if (s->gate.pid == 0)
		return false;
	for (uint32_t i = 0; i < s->n_inspectors; i++)
		if (s->inspectors[i].pid == 0 || pings_missing(s, &s->inspectors[i]) > 2)
			return false;
	return true;
}
