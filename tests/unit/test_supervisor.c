/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a taken-over inspector can make the supervisor do and write: we speak for it, the log is a file. */
#include "inspect/worker.h"
#include "main/supervisor.h"
#include "sys/sandbox.h"
#include "sys/spawn.h"
#include "unit.h"
#include "zonegate/rtab.h"
#include "zonegate/vring.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct zg_supervisor *s;
static struct zg_child *child;
static int other; /* the inspector's end */
static FILE *written;

static void start(void)
{
	int pair[2];

	s = calloc(1, sizeof *s);
	ck_assert_ptr_nonnull(s);
	s->log = ZG_LOG_TEXT;
	s->rtab_fd = -1;
	s->buf = malloc(ZG_MSG_MAX);
	zg_children_init(s);
	s->n_inspectors = 2;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	child = &s->inspectors[0];
	child->chan = pair[0];
	other = pair[1];
	written = tmpfile();
	ck_assert_ptr_nonnull(written);
	fflush(stderr);
	ck_assert_int_ge(dup2(fileno(written), STDERR_FILENO), 0);
}

static void stop(void)
{
	close(child->chan);
	close(other);
	free(s->buf);
	free(s);
	fclose(written);
}

/* Records in the log that have text in them. */
static unsigned records(const char *text)
{
	char line[4096];
	unsigned n = 0;

	fflush(stderr);
	rewind(written);
	while (fgets(line, sizeof line, written) != NULL)
		n += strstr(line, text) != NULL;
	fseek(written, 0, SEEK_END); /* where standard error goes on */
	return n;
}

static void tell(const struct zg_msg_stats *stats)
{
	ck_assert_int_eq(zg_chan_send(other, ZG_MSG_STATS, 0, stats, sizeof *stats, NULL, 0), ZG_OK);
	zg_children_ready(s, child->chan);
}

/* The main loop's way to a child that has said something. */
static void serve(void)
{
	struct pollfd fds[2 + ZG_INSPECTORS_MAX];
	const size_t n = zg_children_poll(s, fds, sizeof fds / sizeof fds[0]);

	ck_assert_int_ge(poll(fds, n, 1), 0);
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents != 0)
			zg_children_ready(s, fds[i].fd);
}

START_TEST(records_of_one_process_are_bounded)
{
	const uint64_t begin = zg_now_ms();
	const struct zg_msg_event e = { .flow.kind = ZG_FLOW_OPENED, .count = 1 };
	struct zg_msg_stats stats = { .queue_gaps = 0 };

	while (zg_now_ms() - begin < 2500) {
		enum zg_err err;
		do {
			stats.queue_gaps++;
			err = _i == 0 ? zg_chan_send(other, ZG_MSG_EVENT, 0, &e, sizeof e, NULL, 0) :
					zg_chan_send(other, ZG_MSG_STATS, 0, &stats, sizeof stats, NULL, 0);
		} while (err == ZG_OK);
		serve();
	}
	ck_assert_int_ge(child->chan, 0);
	ck_assert_uint_gt(records(""), 1000);
	ck_assert_uint_le(records(""), 4 * ZG_MESSAGES_PER_S); /* parts of four seconds */
}
END_TEST

/* Whatever an inspector tells of, true or not, its record says which one told it. */
START_TEST(a_record_names_its_inspector)
{
	const struct zg_msg_event e = { .flow.kind = _i == 0 ? ZG_FLOW_OPENED : ZG_PACKET_DENIED, .count = 1 };

	s->log = ZG_LOG_JSON;
	ck_assert_int_eq(zg_chan_send(other, ZG_MSG_EVENT, 0, &e, sizeof e, NULL, 0), ZG_OK);
	zg_children_ready(s, child->chan);
	ck_assert_uint_eq(records(""), 1);
	ck_assert_uint_eq(records("\"index\":0"), 1);
}
END_TEST

/* The next inspector begins at nothing, and so does what the log has of it. */
START_TEST(losses_of_the_next_inspector_are_told)
{
	struct zg_msg_stats stats = { .engine.evicted = 7, .queue_gaps = 7, .queue_overrun = 7, .events_lost = 7 };

	tell(&stats);
	ck_assert_uint_eq(records("inspector 0: 7 "), 4);
	zg_record_seen(s, child);
	stats = (struct zg_msg_stats){ .engine.evicted = 3, .queue_gaps = 3, .queue_overrun = 3, .events_lost = 3 };
	tell(&stats);
	ck_assert_uint_eq(records("inspector 0: 3 "), 4);
}
END_TEST

/* Numbers that cannot be: the sums of all inspectors are made of them. */
START_TEST(impossible_numbers_are_no_numbers)
{
	struct zg_msg_stats stats = { .engine.packets = 1000, .queue_gaps = 2 };

	tell(&stats);
	ck_assert_uint_eq(child->stats.engine.packets, 1000);
	stats.engine.packets = 999; /* backwards */
	tell(&stats);
	ck_assert_uint_eq(child->stats.engine.packets, 1000);
	stats.engine.packets = UINT64_MAX;
	tell(&stats);
	ck_assert_uint_eq(child->stats.engine.packets, 1000);
	stats.engine.packets = 1000;
	stats.queue_gaps = UINT64_MAX - 1000;
	tell(&stats);
	ck_assert_uint_eq(child->stats.queue_gaps, 2);
	ck_assert_uint_eq(records("18446744073709"), 0);
}
END_TEST

/* An inspector that claims to have seen what was never queued, and dies, does not cover what is lost after it. */
START_TEST(claims_do_not_cover_losses_for_ever)
{
	struct zg_msg_stats stats = { .engine.packets = 1000 };

	child->pid = 1;
	tell(&stats);
	zg_record_queue_loss(s, 1000, 100000);
	ck_assert_uint_eq(records("packets of permitted flows"), 0);
	stats.engine.packets = 1000000;
	tell(&stats);
	zg_record_queue_loss(s, 1000, 200000);
	zg_record_seen(s, child);
	child->pid = 0;
	zg_record_queue_loss(s, 1000, 300000);
	zg_record_queue_loss(s, 1050, 400000);
	zg_record_queue_loss(s, 1050, 500000);
	ck_assert_uint_eq(records(" 50 packets of permitted flows"), 1);
	zg_record_queue_loss(s, 1060, 600000);
	zg_record_queue_loss(s, 1060, 700000);
	ck_assert_uint_eq(records(" 10 packets of permitted flows"), 1);
	ck_assert_uint_eq(records("packets of permitted flows"), 2);
}
END_TEST

/* Two changes in a row look twice before the inspectors have told what they saw. */
START_TEST(what_is_not_told_yet_is_not_lost)
{
	struct zg_msg_stats stats = { .engine.packets = 1000 };

	child->pid = 1;
	tell(&stats);
	zg_record_queue_loss(s, 1000, 100000);
	zg_record_queue_loss(s, 1500, 110000);
	zg_record_queue_loss(s, 1700, 110400);
	ck_assert_uint_eq(records("packets of permitted flows"), 0);
	stats.engine.packets = 1680;
	tell(&stats);
	zg_record_queue_loss(s, 1700, 120000);
	zg_record_queue_loss(s, 1700, 130000);
	ck_assert_uint_eq(records(" 20 packets of permitted flows"), 1);
	ck_assert_uint_eq(records("packets of permitted flows"), 1);
}
END_TEST

/* An inspector whose records fill its channel while the supervisor is busy with a new policy takes that policy all the same. */
START_TEST(a_full_channel_does_not_cost_the_inspector)
{
	const struct zg_msg_event e = { .flow.kind = ZG_FLOW_OPENED, .count = 1 };
	struct zg_policy *policy = calloc(1, sizeof *policy);
	int gate[2], queue[2], memory, table;
	struct zg_vring ring;
	struct zg_chan_msg msg;
	bool acked = false;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, gate), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, queue), 0);
	ck_assert_int_eq(zg_vring_make(&ring, &memory), ZG_OK);
	policy->generation = 77;
	ck_assert_int_eq(zg_rtab_make(policy, &table), ZG_OK);
	while (zg_chan_send(other, ZG_MSG_EVENT, 0, &e, sizeof e, NULL, 0) == ZG_OK)
		;
	ck_assert_int_eq(zg_chan_send(child->chan, ZG_MSG_POLICY, 77, NULL, 0, &table, 1), ZG_OK);
	const pid_t pid = fork();
	if (pid == 0) {
		const int from[] = { other, queue[1], gate[1], memory, ring.bell };
		int out_of_the_way[5];
		for (int i = 0; i < 5; i++)
			out_of_the_way[i] = fcntl(from[i], F_DUPFD, 100);
		for (int i = 0; i < 5; i++)
			(void)dup2(out_of_the_way[i], ZG_ROLE_FD + i);
		if (close_range(ZG_ROLE_FD + 5, ~0u, 0) != 0 || zg_sandbox_exec_caps(ZG_SANDBOX_PARSER) != ZG_OK)
			_exit(9);
		const struct zg_worker_fds fds = { .chan = 3, .queue = 4, .gate = 5, .memory = 6, .bell = 7 };
		_exit(zg_worker_run(&fds));
	}
	usleep(500000);
	for (int tries = 0; tries < 300 && !acked; tries++) {
		const enum zg_err err = zg_chan_recv(child->chan, s->buf, ZG_MSG_MAX, false, &msg);
		acked = err == ZG_OK && msg.hdr.type == ZG_MSG_POLICY_ACK && msg.hdr.number == 77;
		if (err != ZG_OK)
			usleep(10000);
		else
			tries = 0;
	}
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0); /* it lives */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert(acked);
	free(policy);
	close(table);
	close(memory);
	zg_vring_free(&ring);
	for (int i = 0; i < 2; i++) {
		close(gate[i]);
		close(queue[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("supervisor");
	TCase *t = tcase_create("supervisor");
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_loop_test(t, records_of_one_process_are_bounded, 0, 2);
	tcase_add_loop_test(t, a_record_names_its_inspector, 0, 2);
	tcase_add_test(t, losses_of_the_next_inspector_are_told);
	tcase_add_test(t, impossible_numbers_are_no_numbers);
	tcase_add_test(t, claims_do_not_cover_losses_for_ever);
	tcase_add_test(t, what_is_not_told_yet_is_not_lost);
	if (geteuid() == 0) /* otherwise the sandbox is not the one it is made for */
		tcase_add_test(t, a_full_channel_does_not_cost_the_inspector);
	tcase_set_timeout(t, 30);
	suite_add_tcase(suite, t);
	return unit_main(suite);
}
