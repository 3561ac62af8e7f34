/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate with us as its supervisor and as a taken-over inspector, in a network namespace of its own. */
#include "gate/gate.h"
#include "pkt.h"
#include "unit.h"
#include "zonegate/mark.h"
#include "zonegate/msg.h"
#include "zonegate/policy.h"
#include "zonegate/rtab.h"
#include "zonegate/vring.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUEUES 2
#define FLOW_MARK 1u

static const char conf[] =
	"version = 1; body = \"x\"; model = \"alpha\";\n"
	"zones = ( { name = \"lgwan\"; kind = \"lgwan\"; label = \"l\"; interfaces = [ \"lg0\" ]; addresses = [ \"10.20.0.0/24\", \"fd00:20::/64\" ]; },\n"
	"  { name = \"internet\"; kind = \"internet\"; label = \"i\"; interfaces = [ \"in0\" ]; addresses = [ \"10.30.0.0/24\", \"fd00:30::/64\" ]; } );\n"
	"flows = ( { name = \"mail\"; from = \"internet\"; to = \"lgwan\"; source = [ \"10.30.0.25\", \"fd00:30::25\" ];\n"
	"  destination = [ \"10.20.0.25\", \"fd00:20::25\" ]; protocol = \"tcp\"; port = 25; inspector = \"smtp\"; smtp = { mode = \"verify\"; };\n"
	"  purpose = \"p\"; clause = \"c\"; ticket = \"t\"; approver = \"a\"; } );\n";

static uint8_t buf[ZG_MSG_MAX] __attribute__((aligned(8)));
static pid_t gate;
static int chan, queue[QUEUES], verdicts[QUEUES];
static struct zg_vring ring[QUEUES];

static struct zg_policy *policy(void)
{
	struct zg_diags diags;
	struct zg_policy *p = NULL;
	zg_diags_init(&diags);
	enum zg_err err = zg_conf_parse("test", conf, sizeof conf - 1, &diags, &p);
	char *text = zg_diags_text(&diags, false);
	ck_assert_msg(err == ZG_OK, "%s", text);
	free(text);
	zg_diags_free(&diags);
	p->generation = 1;
	return p;
}

static int table(void)
{
	int fd = -1;
	struct zg_policy *p = policy();
	ck_assert_int_eq(zg_rtab_make(p, &fd), ZG_OK);
	zg_policy_free(p);
	return fd;
}

/* The next message of a channel, or false after a second. */
static bool receive(int from, struct zg_chan_msg *ret_msg)
{
	struct pollfd pfd = { .fd = from, .events = POLLIN };
	return poll(&pfd, 1, 1000) == 1 && zg_chan_recv(from, buf, sizeof buf, false, ret_msg) == ZG_OK;
}

static void start(void)
{
	const struct zg_msg_config config = { .queue_base = 700, .queues = QUEUES };
	struct zg_chan_msg msg;
	int pair[2], fd;

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	gate = fork();
	if (gate == 0) {
		close(pair[0]);
		_exit(zg_gate_run(pair[1]));
	}
	close(pair[1]);
	chan = pair[0];
	fd = table();
	ck_assert_int_eq(zg_chan_send(chan, ZG_MSG_POLICY, 1, NULL, 0, &fd, 1), ZG_OK);
	close(fd);
	ck_assert_int_eq(zg_chan_send(chan, ZG_MSG_CONFIG, 0, &config, sizeof config, NULL, 0), ZG_OK);
	ck_assert(receive(chan, &msg));
	ck_assert_uint_eq(msg.hdr.type, ZG_MSG_POLICY_ACK);
	for (int i = 0; i < QUEUES; i++) {
		ck_assert(receive(chan, &msg));
		ck_assert_uint_eq(msg.hdr.type, ZG_MSG_QUEUE);
		queue[msg.hdr.number] = msg.fds[0];
		verdicts[msg.hdr.number] = msg.fds[1];
		ck_assert_int_eq(zg_vring_map(msg.fds[2], msg.fds[3], &ring[msg.hdr.number]), ZG_OK);
		/* what the gate maps nobody can take away under it */
		ck_assert_int_ne(ftruncate(msg.fds[2], 0), 0);
		close(msg.fds[2]);
	}
}

static void stop(void)
{
	int status;
	close(chan);
	for (int i = 0; i < QUEUES; i++) {
		close(queue[i]);
		close(verdicts[i]);
		zg_vring_free(&ring[i]);
	}
	ck_assert_int_eq(waitpid(gate, &status, 0), gate);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the gate ended with status %#x", (unsigned)status);
}

static void announce(uint32_t i, enum zg_vring_kind kind, uint32_t id)
{
	ck_assert(zg_vring_put(&ring[i], kind, id));
	zg_vring_show(&ring[i]);
}

/* Does it still serve the supervisor and inspector i? */
static bool answers(uint32_t i)
{
	static uint32_t number;
	struct zg_chan_msg msg;
	number++;
	if (zg_chan_send(chan, ZG_MSG_PING, number, NULL, 0, NULL, 0) != ZG_OK || !receive(chan, &msg) ||
	    msg.hdr.number != ((ZG_PONG_GATE << 24) | number))
		return false;
	if (zg_chan_send(verdicts[i], ZG_MSG_PONG, number, NULL, 0, NULL, 0) != ZG_OK || !zg_vring_put(&ring[i], ZG_VRING_MESSAGE, 0))
		return false;
	zg_vring_show(&ring[i]);
	return receive(chan, &msg) && msg.hdr.type == ZG_MSG_PONG && msg.hdr.number == (i << 24 | number);
}

static void say(uint32_t i, enum zg_msg_type type, uint32_t number, const void *body, size_t len)
{
	ck_assert_int_eq(zg_chan_send(verdicts[i], type, number, body, len, NULL, 0), ZG_OK);
	announce(i, ZG_VRING_MESSAGE, 0);
}

static size_t packet_of(uint8_t family, uint8_t packet[static ZG_INJECT_PACKET_MAX]);

/* Nonsense costs the inspector that talks it its own queue, and nobody else anything. */
START_TEST(nonsense_ends_one_inspector_only)
{
	struct zg_msg_replace r = { .id = 1, .mark = FLOW_MARK };
	struct zg_inject inject = { .kind = (enum zg_inject_kind)77 };
	switch (_i) {
	case 0: /* not a verdict */
		announce(0, (enum zg_vring_kind)4, 1);
		break;
	case 1:
		announce(0, (enum zg_vring_kind)0x7fffffff, 1);
		break;
	case 2: /* more than there can be */
		atomic_store(&ring[0].shared->head, ZG_VRING_SLOTS + 1);
		atomic_store(&ring[0].shared->slots[0], UINT64_MAX);
		(void)!write(ring[0].bell, &(uint64_t){ 1 }, 8);
		break;
	case 3: /* backwards */
		atomic_store(&ring[0].shared->head, UINT32_MAX);
		(void)!write(ring[0].bell, &(uint64_t){ 1 }, 8);
		break;
	case 4: /* a message that was not sent */
		announce(0, ZG_VRING_MESSAGE, 0);
		break;
	case 5: /* the supervisor's messages are not the inspector's */
		say(0, ZG_MSG_REBIND, 1, NULL, 0);
		break;
	case 6:
		say(0, ZG_MSG_QUEUE, 1, NULL, 0);
		break;
	case 7:
		say(0, ZG_MSG_INJECT, 0, &inject, sizeof inject);
		break;
	case 8:
		say(0, ZG_MSG_INJECT, 0, &inject, sizeof inject - 1);
		break;
	case 9: /* no packet */
		say(0, ZG_MSG_REPLACE, 0, &r, sizeof r);
		break;
	case 10:
		say(0, ZG_MSG_REPLACE, 0, &r, sizeof r - 1);
		break;
	case 11: { /* a packet that is too long */
		static uint8_t big[sizeof r + ZG_PACKET_MAX + 1];
		say(0, ZG_MSG_REPLACE, 0, big, sizeof big);
		break;
	}
	default: /* no message at all */
		ck_assert_int_eq(send(verdicts[0], "x", 1, 0), 1);
		announce(0, ZG_VRING_MESSAGE, 0);
	}
	ck_assert(answers(1));
	ck_assert(!answers(0));
}
END_TEST

/* What an inspector may say of packets that are not there changes nothing. */
START_TEST(packets_that_are_not_there)
{
	uint8_t body[sizeof(struct zg_msg_replace) + ZG_INJECT_PACKET_MAX];
	const struct zg_msg_replace r = { .id = 77, .mark = FLOW_MARK }, other = { .id = 78, .mark = 6 };
	const size_t len = packet_of(ZG_IPV4, body + sizeof r);
	memcpy(body, &r, sizeof r);
	say(0, ZG_MSG_REPLACE, 0, body, sizeof r + len);
	memcpy(body, &other, sizeof other); /* of no flow: dropped */
	say(0, ZG_MSG_REPLACE, 0, body, sizeof r + len);
	announce(0, ZG_VRING_ACCEPT, 79);
	announce(0, ZG_VRING_DROP, 80);
	ck_assert(answers(0));
	ck_assert(answers(1));
}
END_TEST

START_TEST(descriptors_do_not_pile_up)
{
	for (uint32_t i = 0; i < 3000; i++) {
		ck_assert_int_eq(zg_chan_send(verdicts[0], ZG_MSG_PONG, i + 100, NULL, 0, queue, 2), ZG_OK);
		announce(0, ZG_VRING_MESSAGE, 0);
	}
	ck_assert(answers(0));
	ck_assert(answers(1));
}
END_TEST

/* As many verdicts as the ring holds, for packets that are not there; and then again. */
START_TEST(the_largest_batch_goes_through)
{
	for (int k = 0; k < 20; k++) {
		uint32_t n = 0;
		while (zg_vring_put(&ring[0], ZG_VRING_ACCEPT, n))
			n++;
		zg_vring_show(&ring[0]);
		ck_assert(k > 0 || n == ZG_VRING_SLOTS);
		ck_assert(answers(1));
		for (int tries = 0; atomic_load(&ring[0].shared->tail) != ring[0].at && tries < 1000; tries++)
			usleep(1000);
	}
	ck_assert(answers(0));
}
END_TEST

/* A flood of answers to pings that nobody sent does not reach the supervisor, so that the gate never waits for it. */
START_TEST(answers_are_not_a_way_to_the_supervisor)
{
	struct zg_chan_msg msg;
	for (uint32_t i = 0; i < 20000; i++)
		say(0, ZG_MSG_PONG, i + 100, NULL, 0);
	ck_assert(answers(1));
	ck_assert(!receive(chan, &msg));
}
END_TEST

/* On a slow machine the gate finds the ping and the inspector's answer to it, or to the one before, at once. */
START_TEST(answers_that_wait_beside_their_ping_count)
{
	struct zg_chan_msg msg;
	for (uint32_t round = 1; round <= 10; round++) {
		const uint32_t number = 2 * round;
		unsigned gate_said = 0, inspector_said = 0;
		ck_assert_int_eq(kill(gate, SIGSTOP), 0);
		ck_assert_int_eq(zg_chan_send(chan, ZG_MSG_PING, number - 1, NULL, 0, NULL, 0), ZG_OK);
		ck_assert_int_eq(zg_chan_send(chan, ZG_MSG_PING, number, NULL, 0, NULL, 0), ZG_OK);
		say(0, ZG_MSG_PONG, number, NULL, 0);
		say(1, ZG_MSG_PONG, number - 1, NULL, 0);
		ck_assert_int_eq(kill(gate, SIGCONT), 0);
		for (int i = 0; i < 4; i++) {
			ck_assert(receive(chan, &msg));
			ck_assert_uint_eq(msg.hdr.type, ZG_MSG_PONG);
			if (msg.hdr.number >> 24 == ZG_PONG_GATE)
				gate_said++;
			else
				inspector_said++;
		}
		ck_assert_uint_eq(gate_said, 2);
		ck_assert_uint_eq(inspector_said, 2);
	}
}
END_TEST

/* What costs the gate most, over and over. */
static _Noreturn void flood_with(int what)
{
	static uint8_t body[sizeof(struct zg_msg_replace) + ZG_PACKET_MAX];
	const struct zg_msg_replace r = { .id = 1, .mark = FLOW_MARK };
	struct zg_inject inject = { .kind = ZG_INJECT_ACK, .mark = FLOW_MARK };
	const uint16_t length = htons(ZG_PACKET_MAX);

	inject.tuple = (struct zg_tuple){ .client_port = 40000, .server_port = 25, .protocol = ZG_TCP };
	ck_assert_int_eq(zg_addr_parse("10.30.0.25", &inject.tuple.client), ZG_OK);
	ck_assert_int_eq(zg_addr_parse("10.20.0.25", &inject.tuple.server), ZG_OK);
	packet_of(ZG_IPV4, body + sizeof r);
	memcpy(body + sizeof r + 2, &length, sizeof length);
	memcpy(body, &r, sizeof r);
	for (uint32_t id = 0;; id++) {
		switch (what) {
		case 0:
			if (!zg_vring_put(&ring[0], ZG_VRING_ACCEPT, id))
				zg_vring_show(&ring[0]);
			break;
		case 1:
		case 2:
			(void)zg_chan_send(verdicts[0], what == 1 ? ZG_MSG_REPLACE : ZG_MSG_INJECT, 0,
					   what == 1 ? (const void *)body : &inject, what == 1 ? sizeof body : sizeof inject, NULL, 0);
			while (!zg_vring_put(&ring[0], ZG_VRING_MESSAGE, 0))
				sched_yield();
			zg_vring_show(&ring[0]);
			break;
		case 3:
			(void)!write(ring[0].bell, &(uint64_t){ id % 2 == 0 ? 1 : UINT64_MAX - 1 }, 8);
			break;
		default: /* there is something, there is nothing */
			atomic_store(&ring[0].shared->head, ring[0].at + (id & 1));
			atomic_store(&ring[0].shared->asleep, id & 2);
			if ((id & 1) != 0 && atomic_load(&ring[0].shared->tail) != ring[0].at)
				ring[0].at++;
		}
	}
}

/* An inspector that floods: the other one's message waits for one turn at a time. */
START_TEST(a_flood_does_not_starve_the_other)
{
	struct timespec begin, end;
	ck_assert_int_eq(system("ip link add d0 type veth peer d1 && ip link set d1 up && ip address add 10.20.0.1/24 dev d0 && ip link set d0 up"), 0);
	pid_t flood = fork();
	if (flood == 0)
		flood_with(_i);
	usleep(200000);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	bool all = true;
	for (int i = 0; i < 20; i++)
		all = answers(1) && all;
	clock_gettime(CLOCK_MONOTONIC, &end);
	kill(flood, SIGKILL);
	waitpid(flood, NULL, 0);
	ck_assert(all);
	ck_assert_int_lt((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000, 5000);
}
END_TEST

/* The next inspector of queue i: what the gate handed over. False when it did not. */
static bool take_queue(uint32_t i)
{
	struct zg_chan_msg msg;

	if (!receive(chan, &msg) || msg.hdr.type != ZG_MSG_QUEUE || msg.hdr.number != i)
		return false;
	queue[i] = msg.fds[0];
	verdicts[i] = msg.fds[1];
	ck_assert_int_eq(zg_vring_map(msg.fds[2], msg.fds[3], &ring[i]), ZG_OK);
	close(msg.fds[2]);
	return true;
}

/* What the death of an inspector does. */
static void leave_queue(uint32_t i)
{
	close(queue[i]);
	close(verdicts[i]);
	zg_vring_free(&ring[i]);
	queue[i] = verdicts[i] = -1;
}

static uint32_t port_of(int fd)
{
	struct sockaddr_nl local;
	socklen_t len = sizeof local;

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&local, &len), 0);
	return local.nl_pid;
}

/* Packets come while a queue is bound anew: one of them must not be taken for the kernel's answer, nor one that was on its
 * way to the socket before for one of the new. Few rounds meet it: about one in ten thousand. */
START_TEST(a_queue_is_bound_anew_under_traffic)
{
	ck_assert_int_eq(system("ip link set lo up && iptables -A OUTPUT -p udp --dport 9 -j NFQUEUE --queue-num 700"), 0);
	pid_t flood = fork();
	if (flood == 0) {
		leave_queue(0); /* our copy */
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		int s = socket(AF_INET, SOCK_DGRAM, 0);
		for (;;)
			(void)sendto(s, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to);
	}
	bool all = true;
	for (int k = 0; k < 1500 && all; k++) {
		const uint32_t port = port_of(queue[0]);
		leave_queue(0);
		ck_assert_int_eq(zg_chan_send(chan, ZG_MSG_REBIND, 0, NULL, 0, NULL, 0), ZG_OK);
		all = take_queue(0) && port_of(queue[0]) != port;
	}
	kill(flood, SIGKILL);
	waitpid(flood, NULL, 0);
	ck_assert(all);
	ck_assert(answers(0));
	ck_assert(answers(1));
}
END_TEST

/* What an inspector has sent itself lives on after it: its end of the channel, so that its end is not seen, and its queue's
 * socket. The queue is the next one's all the same. */
START_TEST(what_is_under_way_does_not_keep_a_queue)
{
	for (int k = 0; k < 10; k++) {
		const int fds[] = { queue[0], verdicts[0], ring[0].bell };
		ck_assert_int_eq(zg_chan_send(verdicts[0], ZG_MSG_PONG, 1, NULL, 0, fds, 3), ZG_OK);
		leave_queue(0);
		ck_assert_int_eq(zg_chan_send(chan, ZG_MSG_REBIND, 0, NULL, 0, NULL, 0), ZG_OK);
		ck_assert(take_queue(0));
		struct pollfd end = { .fd = verdicts[0] };
		ck_assert_int_eq(poll(&end, 1, 5), 0);
	}
	ck_assert(answers(0));
	ck_assert(answers(1));
}
END_TEST

/* The end of an inspector and the binding of its queue for the next one come at once: the end is the old one's. */
START_TEST(an_end_is_not_taken_for_the_next_inspectors)
{
	pid_t busy = fork();
	if (busy == 0) { /* so that the gate looks around only now and then */
		leave_queue(0); /* our copy */
		for (uint32_t id = 0;; id++)
			if (!zg_vring_put(&ring[1], ZG_VRING_ACCEPT, id))
				zg_vring_show(&ring[1]);
	}
	struct zg_chan_msg msg;
	bool all = true;
	for (uint32_t k = 1; k <= 100 && all; k++) {
		ck_assert_int_eq(zg_chan_send(chan, ZG_MSG_PING, k + 1000, NULL, 0, NULL, 0), ZG_OK);
		ck_assert(receive(chan, &msg)); /* it has looked just now */
		leave_queue(0);
		ck_assert_int_eq(zg_chan_send(chan, ZG_MSG_REBIND, 0, NULL, 0, NULL, 0), ZG_OK);
		ck_assert(take_queue(0));
		struct pollfd end = { .fd = verdicts[0] };
		all = poll(&end, 1, 5) == 0;
	}
	kill(busy, SIGKILL);
	waitpid(busy, NULL, 0);
	ck_assert(all);
}
END_TEST

/* --- headers of replacements -------------------------------------------------------------------------------- */

static size_t packet_of(uint8_t family, uint8_t packet[static ZG_INJECT_PACKET_MAX])
{
	struct zg_inject i = { .kind = ZG_INJECT_ACK, .mark = FLOW_MARK };
	i.tuple.client_port = 40000;
	i.tuple.server_port = 25;
	i.tuple.protocol = ZG_TCP;
	ck_assert_int_eq(zg_addr_parse(family == ZG_IPV4 ? "10.30.0.25" : "fd00:30::25", &i.tuple.client), ZG_OK);
	ck_assert_int_eq(zg_addr_parse(family == ZG_IPV4 ? "10.20.0.25" : "fd00:20::25", &i.tuple.server), ZG_OK);
	return zg_inject_build(&i, NULL, 0, packet);
}

START_TEST(a_whole_packet_is_read)
{
	uint8_t packet[ZG_INJECT_PACKET_MAX];
	struct zg_tuple t;
	const uint8_t family = _i == 0 ? ZG_IPV4 : ZG_IPV6;
	size_t len = packet_of(family, packet);
	struct zg_addr client;
	ck_assert(zg_gate_header(packet, len, &t));
	ck_assert_int_eq(zg_addr_parse(family == ZG_IPV4 ? "10.30.0.25" : "fd00:30::25", &client), ZG_OK);
	ck_assert_int_eq(zg_addr_cmp(&t.client, &client), 0);
	ck_assert_uint_eq(t.client_port, 40000);
	ck_assert_uint_eq(t.server_port, 25);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!zg_gate_header(packet, cut, &t));
	ck_assert(!zg_gate_header(packet, len + 1, &t));
}
END_TEST

START_TEST(anything_else_is_not)
{
	static const struct {
		uint8_t family;
		size_t at;
		uint8_t value;
	} changes[] = {
		{ ZG_IPV4, 0, 0x46 }, { ZG_IPV4, 0, 0x55 }, { ZG_IPV4, 0, 0x65 }, { ZG_IPV4, 6, 0x20 }, { ZG_IPV4, 7, 1 },
		{ ZG_IPV4, 9, 17 },   { ZG_IPV4, 9, 1 },	 { ZG_IPV4, 3, 39 },   { ZG_IPV6, 0, 0x40 }, { ZG_IPV6, 6, 0 },	{ ZG_IPV6, 6, 44 },
		{ ZG_IPV6, 5, 19 },
	};
	uint8_t packet[ZG_INJECT_PACKET_MAX];
	struct zg_tuple t;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		size_t len = packet_of(changes[i].family, packet);
		packet[changes[i].at] = changes[i].value;
		ck_assert_msg(!zg_gate_header(packet, len, &t), "change %zu", i);
	}
}
END_TEST

/* A datagram between the same ends. */
static size_t datagram_of(bool v6, uint8_t packet[static PKT_MAX])
{
	const struct udp u = { .v6 = v6, .data = "hello", .len = 5 };
	return udp_build(&u, packet);
}

START_TEST(a_whole_datagram_is_read)
{
	static uint8_t packet[PKT_MAX];
	struct zg_tuple t;
	const size_t len = datagram_of(_i, packet);
	ck_assert(zg_gate_header(packet, len, &t));
	ck_assert_uint_eq(t.protocol, ZG_UDP);
	ck_assert_uint_eq(t.client_port, 40000);
	ck_assert_uint_eq(t.server_port, 53);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!zg_gate_header(packet, cut, &t));
	ck_assert(!zg_gate_header(packet, len + 1, &t));
	/* a UDP length that disagrees, and a packet that is no longer one */
	packet[_i ? 45 : 25]--;
	ck_assert(!zg_gate_header(packet, len, &t));
	packet[_i ? 45 : 25]++;
	packet[_i ? 6 : 9] = 136;
	ck_assert(!zg_gate_header(packet, len, &t));
	packet[_i ? 6 : 9] = ZG_TCP; /* too short for that */
	ck_assert(!zg_gate_header(packet, len, &t));
}
END_TEST

/* --- the table that the gate is given ------------------------------------------------------------------------ */

static int copy_of_table(bool seal)
{
	int from = table(), fd = memfd_create("copy", MFD_ALLOW_SEALING);
	char part[4096];
	ssize_t n;
	while ((n = read(from, part, sizeof part)) > 0)
		ck_assert_int_eq(write(fd, part, (size_t)n), n);
	if (seal)
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0);
	close(from);
	return fd;
}

START_TEST(only_a_sealed_table_is_mapped)
{
	struct zg_rtab *t = NULL;
	int sealed = copy_of_table(true), open_table = copy_of_table(false), pair[2];
	FILE *file = tmpfile(); /* which cannot be sealed at all */
	char part[4096];
	ssize_t n = pread(sealed, part, sizeof part, 0);

	ck_assert_int_eq(zg_rtab_map(sealed, &t), ZG_OK);
	zg_rtab_unmap(t);
	ck_assert_int_eq(zg_rtab_map(open_table, &t), ZG_EINVAL);
	ck_assert_int_eq(zg_rtab_map(-1, &t), ZG_EINVAL);
	ck_assert_int_eq(write(fileno(file), part, (size_t)n), n);
	ck_assert_int_eq(zg_rtab_map(fileno(file), &t), ZG_EINVAL);
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(zg_rtab_map(pair[0], &t), ZG_EINVAL);
	close(pair[0]);
	close(pair[1]);
	close(sealed);
	close(open_table);
	fclose(file);
}
END_TEST

/* Every byte of a table changed to every edge: it is refused or can be asked anything; the sanitizers watch. */
START_TEST(a_broken_table_is_harmless)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct zg_tuple tuple = { .client_port = 1, .server_port = 25, .protocol = ZG_TCP };
	struct zg_flow_policy p;
	int whole = table();
	char bytes[4096];
	ssize_t n = pread(whole, bytes, sizeof bytes, 0);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(zg_addr_parse("10.30.0.25", &tuple.client), ZG_OK);
	ck_assert_int_eq(zg_addr_parse("10.20.0.25", &tuple.server), ZG_OK);
	for (ssize_t at = 0; at < n; at++) {
		for (size_t k = 0; k < sizeof values; k++) {
			struct zg_rtab *t;
			int fd = memfd_create("broken", MFD_ALLOW_SEALING);
			ck_assert_int_eq(write(fd, bytes, (size_t)n), n);
			ck_assert_int_eq(pwrite(fd, &values[k], 1, at), 1);
			ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0);
			if (zg_rtab_map(fd, &t) == ZG_OK) {
				(void)zg_rtab_permits(t, FLOW_MARK, &tuple);
				(void)zg_rtab_resolve(t, FLOW_MARK, &p);
				(void)zg_rtab_find(t, p.identity, &tuple);
				zg_rtab_unmap(t);
			}
			close(fd);
		}
	}
	close(whole);
}
END_TEST

START_TEST(a_table_permits_its_flows_and_nothing_else)
{
	struct zg_rtab *t = NULL;
	struct zg_tuple good = { .client_port = 40000, .server_port = 25, .protocol = ZG_TCP }, bad;
	int fd = table();

	ck_assert_int_eq(zg_rtab_map(fd, &t), ZG_OK);
	ck_assert_int_eq(zg_addr_parse("10.30.0.25", &good.client), ZG_OK);
	ck_assert_int_eq(zg_addr_parse("10.20.0.25", &good.server), ZG_OK);
	ck_assert(zg_rtab_permits(t, FLOW_MARK, &good));
	ck_assert(!zg_rtab_permits(t, 2, &good)); /* no such flow */
	ck_assert(!zg_rtab_permits(t, ZG_MARK_FLOW_MAX, &good));
	ck_assert(!zg_rtab_permits(t, 0, &good));
	ck_assert(!zg_rtab_permits(t, ZG_MARK_PASS, &good));
	/* the same flow, known by what it is */
	struct zg_flow_policy known;
	ck_assert(zg_rtab_resolve(t, FLOW_MARK, &known));
	ck_assert_uint_eq(zg_rtab_find(t, known.identity, &good), FLOW_MARK);
	ck_assert_uint_eq(zg_rtab_find(t, known.identity + 1, &good), 0);
	struct zg_tuple narrowed = good;
	narrowed.server_port = 26;
	ck_assert_uint_eq(zg_rtab_find(t, known.identity, &narrowed), 0);
	bad = good;
	bad.server_port = 445;
	ck_assert(!zg_rtab_permits(t, FLOW_MARK, &bad));
	bad = good;
	bad.protocol = ZG_UDP;
	ck_assert(!zg_rtab_permits(t, FLOW_MARK, &bad));
	bad = good;
	bad.server.b[3]++;
	ck_assert(!zg_rtab_permits(t, FLOW_MARK, &bad));
	bad = good;
	bad.client.b[3]--;
	ck_assert(!zg_rtab_permits(t, FLOW_MARK, &bad));
	zg_rtab_unmap(t);
	close(fd);
}
END_TEST

/* The same flow for UDP: its marks permit datagrams, and no segment. */
START_TEST(a_table_for_udp)
{
	struct zg_rtab *t = NULL;
	struct zg_flow_policy p;
	struct zg_tuple tuple = { .client_port = 40000, .server_port = 25, .protocol = ZG_UDP };
	struct zg_policy *changed = policy();
	int fd = -1;

	changed->flows[0].transport = ZG_UDP; /* no other inspector takes it yet, outside a test build */
	ck_assert_int_eq(zg_rtab_make(changed, &fd), ZG_OK);
	zg_policy_free(changed);
	ck_assert_int_eq(zg_rtab_map(fd, &t), ZG_OK);
	ck_assert_int_eq(zg_addr_parse("10.30.0.25", &tuple.client), ZG_OK);
	ck_assert_int_eq(zg_addr_parse("10.20.0.25", &tuple.server), ZG_OK);
	ck_assert(zg_rtab_permits(t, FLOW_MARK, &tuple));
	ck_assert(zg_rtab_resolve(t, FLOW_MARK, &p));
	ck_assert_ptr_eq(p.inspector, &zg_smtp);
	const struct zg_addr client = tuple.client;
	tuple.client = tuple.server;
	tuple.server = client; /* a server does not begin */
	ck_assert(!zg_rtab_permits(t, FLOW_MARK, &tuple));
	tuple.server = tuple.client;
	tuple.client = client;
	tuple.protocol = ZG_TCP;
	ck_assert(!zg_rtab_permits(t, FLOW_MARK, &tuple));
	zg_rtab_unmap(t);
	close(fd);
}
END_TEST

/* Against a look at each: many ranges of both families, overlapping, nested and touching. */
START_TEST(addresses_are_found_among_many)
{
	static struct zg_range ranges[400];
	struct zg_rtab *t = NULL;
	struct zg_policy *changed = policy();
	struct zg_range *own = changed->flows[0].sources;
	const size_t n_own = changed->flows[0].n_sources;
	int fd = -1;

	srand((unsigned)_i + 1);
	for (size_t i = 0; i < 400; i++) {
		struct zg_range *r = &ranges[i];
		memset(r, 0, sizeof *r);
		r->lo.family = i % 3 ? ZG_IPV4 : ZG_IPV6;
		r->lo.b[0] = 10;
		r->lo.b[2] = (uint8_t)(rand() % 256);
		r->lo.b[3] = (uint8_t)(rand() % 256);
		r->hi = r->lo;
		r->hi.b[3] = (uint8_t)(r->lo.b[3] + rand() % (256 - r->lo.b[3]));
	}
	changed->flows[0].sources = ranges;
	changed->flows[0].n_sources = 400;
	ck_assert_int_eq(zg_rtab_make(changed, &fd), ZG_OK);
	changed->flows[0].sources = own;
	changed->flows[0].n_sources = n_own;
	zg_policy_free(changed);
	ck_assert_int_eq(zg_rtab_map(fd, &t), ZG_OK);
	for (int k = 0; k < 20000; k++) {
		struct zg_tuple tuple = { .client_port = 40000, .server_port = 25, .protocol = ZG_TCP };
		bool among = false;
		tuple.client.family = k % 2 ? ZG_IPV4 : ZG_IPV6;
		tuple.client.b[0] = 10;
		tuple.client.b[2] = (uint8_t)(rand() % 256);
		tuple.client.b[3] = (uint8_t)(rand() % 256);
		ck_assert_int_eq(zg_addr_parse("10.20.0.25", &tuple.server), ZG_OK);
		for (size_t i = 0; i < 400; i++)
			among = among || zg_range_has(&ranges[i], &tuple.client);
		ck_assert_int_eq(zg_rtab_permits(t, FLOW_MARK, &tuple), among);
	}
	zg_rtab_unmap(t);
	close(fd);
}
END_TEST

/* Whoever could make such a table: only a test build takes an inspector that inspects nothing. */
START_TEST(a_table_with_an_inspector_for_tests)
{
	static const struct zg_inspector *const for_tests[] = { &zg_stream, &zg_datagram };
	struct zg_rtab *t = NULL;
	struct zg_policy *changed = policy();
	int fd = -1;

	changed->flows[0].inspector = for_tests[_i];
	ck_assert_int_eq(zg_rtab_make(changed, &fd), ZG_OK);
	zg_policy_free(changed);
	ck_assert_int_eq(zg_rtab_map(fd, &t), ZG_TEST_BUILD ? ZG_OK : ZG_EINVAL);
	zg_rtab_unmap(t);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gate");
	TCase *pure = tcase_create("pure"), *live = tcase_create("live");
	tcase_add_loop_test(pure, a_whole_packet_is_read, 0, 2);
	tcase_add_test(pure, anything_else_is_not);
	tcase_add_loop_test(pure, a_whole_datagram_is_read, 0, 2);
	tcase_add_test(pure, a_table_for_udp);
	tcase_add_loop_test(pure, addresses_are_found_among_many, 0, 4);
	tcase_add_loop_test(pure, a_table_with_an_inspector_for_tests, 0, 2);
	tcase_add_test(pure, only_a_sealed_table_is_mapped);
	tcase_add_test(pure, a_broken_table_is_harmless);
	tcase_add_test(pure, a_table_permits_its_flows_and_nothing_else);
	tcase_set_timeout(pure, 60);
	suite_add_tcase(s, pure);
	if (geteuid() == 0) { /* namespaces and queues */
		tcase_add_checked_fixture(live, start, stop);
		tcase_add_loop_test(live, nonsense_ends_one_inspector_only, 0, 13);
		tcase_add_test(live, packets_that_are_not_there);
		tcase_add_test(live, descriptors_do_not_pile_up);
		tcase_add_test(live, the_largest_batch_goes_through);
		tcase_add_test(live, answers_are_not_a_way_to_the_supervisor);
		tcase_add_test(live, answers_that_wait_beside_their_ping_count);
		tcase_add_loop_test(live, a_flood_does_not_starve_the_other, 0, 5);
		tcase_add_test(live, a_queue_is_bound_anew_under_traffic);
		tcase_add_test(live, what_is_under_way_does_not_keep_a_queue);
		tcase_add_test(live, an_end_is_not_taken_for_the_next_inspectors);
		tcase_set_timeout(live, 60);
		suite_add_tcase(s, live);
	}
	return unit_main(s);
}
