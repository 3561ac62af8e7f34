/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"
#include "zonegate/msg.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];
static uint8_t buf[ZG_MSG_MAX] __attribute__((aligned(8)));

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void teardown(void)
{
	close(pair[0]);
	close(pair[1]);
}

START_TEST(carries_body_and_descriptor)
{
	struct zg_chan_msg msg;
	int fd = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(zg_chan_send(pair[0], ZG_MSG_POLICY, 7, "abc", 3, &fd, 1), ZG_OK);
	close(fd);
	ck_assert_int_eq(zg_chan_recv(pair[1], buf, sizeof buf, true, &msg), ZG_OK);
	ck_assert_uint_eq(msg.hdr.type, ZG_MSG_POLICY);
	ck_assert_uint_eq(msg.hdr.number, 7);
	ck_assert_uint_eq(msg.body_len, 3);
	ck_assert_mem_eq(msg.body, "abc", 3);
	ck_assert_int_ge(msg.fds[0], 0);
	ck_assert_int_eq(msg.fds[1], -1);
	ck_assert(zg_msg_body(&msg, 4) == NULL);
	zg_chan_close_fds(&msg);
	ck_assert_int_eq(msg.fds[0], -1);
}
END_TEST

START_TEST(says_when_there_is_nothing_and_when_the_end_is_gone)
{
	struct zg_chan_msg msg;
	ck_assert_int_eq(zg_chan_recv(pair[1], buf, sizeof buf, false, &msg), ZG_EAGAIN);
	close(pair[0]);
	pair[0] = -1;
	ck_assert_int_eq(zg_chan_recv(pair[1], buf, sizeof buf, false, &msg), ZG_ENOENT);
}
END_TEST

/* What a process that was taken over might send. */
START_TEST(refuses_malformed_messages)
{
	const struct zg_msg_hdr good = { .type = ZG_MSG_PONG, .len = sizeof good };
	struct zg_msg_hdr bad[5] = { good, good, good, good, good };
	struct zg_chan_msg msg;
	bad[0].len = sizeof good + 1;
	bad[1].len = 0;
	bad[2].type = 0;
	bad[3].type = ZG_MSG_TYPE_END;
	bad[4].zero = 1;
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(send(pair[0], &bad[i], sizeof bad[i], 0), sizeof bad[i]);
		ck_assert_int_eq(zg_chan_recv(pair[1], buf, sizeof buf, true, &msg), ZG_EINVAL);
	}
	ck_assert_int_eq(send(pair[0], &good, 3, 0), 3);
	ck_assert_int_eq(zg_chan_recv(pair[1], buf, sizeof buf, true, &msg), ZG_EINVAL);
	ck_assert_int_eq(zg_chan_send(pair[0], ZG_MSG_PONG, 0, buf, 1000, NULL, 0), ZG_OK);
	ck_assert_int_eq(zg_chan_recv(pair[1], buf, 500, true, &msg), ZG_EINVAL);
}
END_TEST

START_TEST(descriptors_of_a_malformed_message_do_not_leak)
{
	struct zg_msg_hdr bad = { .type = ZG_MSG_TYPE_END, .len = sizeof bad };
	struct iovec iov = { &bad, sizeof bad };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
	struct zg_chan_msg msg;
	int fds[2] = { 0, 1 };
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(c), fds, sizeof fds);
	int before = dup(0);
	close(before);
	ck_assert_int_gt(sendmsg(pair[0], &mh, 0), 0);
	ck_assert_int_eq(zg_chan_recv(pair[1], buf, sizeof buf, true, &msg), ZG_EINVAL);
	int after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
}
END_TEST

static struct zg_inject inject(void)
{
	struct zg_inject i;
	memset(&i, 0, sizeof i);
	i.kind = ZG_INJECT_RST;
	i.tuple.client.family = i.tuple.server.family = ZG_IPV4;
	i.tuple.protocol = ZG_TCP;
	return i;
}

START_TEST(checks_bytes_of_injections)
{
	uint8_t body[sizeof(struct zg_inject) + ZG_INJECT_AGAIN_MAX + 1] __attribute__((aligned(8)));
	const uint8_t *bytes;
	size_t len;
	struct zg_chan_msg msg = { .body = body };
	struct zg_inject i = inject();

	memset(body, 'x', sizeof body);
	memcpy(body, &i, sizeof i);
	for (msg.body_len = 0; msg.body_len <= sizeof body; msg.body_len++) /* a reset is the struct, no more, no less */
		ck_assert_int_eq(zg_msg_inject(&msg, &bytes, &len) != NULL, msg.body_len == sizeof i);
	i.kind = ZG_INJECT_AGAIN;
	memcpy(body, &i, sizeof i);
	for (msg.body_len = 0; msg.body_len <= sizeof body; msg.body_len++) {
		const bool good = msg.body_len > sizeof i && msg.body_len < sizeof body;
		ck_assert_int_eq(zg_msg_inject(&msg, &bytes, &len) != NULL, good);
		if (good)
			ck_assert(bytes == body + sizeof i && len == msg.body_len - sizeof i);
	}
	i.tuple.protocol = 17;
	memcpy(body, &i, sizeof i);
	msg.body_len = sizeof i + 1;
	ck_assert_ptr_null(zg_msg_inject(&msg, &bytes, &len));
}
END_TEST

START_TEST(checks_injections)
{
	struct zg_inject i = inject();
	ck_assert(zg_inject_valid(&i));
	i.kind = (enum zg_inject_kind)6;
	ck_assert(!zg_inject_valid(&i));
	i = inject();
	i.tuple.server.family = ZG_IPV6;
	ck_assert(!zg_inject_valid(&i));
	i = inject();
	i.tuple.client.family = i.tuple.server.family = 0;
	ck_assert(!zg_inject_valid(&i));
	i = inject();
	i.reason = ZG_REASON_COUNT;
	ck_assert(!zg_inject_valid(&i));
	i = inject();
	i.tuple.protocol = 17;
	ck_assert(!zg_inject_valid(&i));
	i = inject();
	memset(&i.to_client, 2, 1);
	ck_assert(!zg_inject_valid(&i));
	i = inject();
	i.sack = true; /* with an acknowledgement only */
	ck_assert(!zg_inject_valid(&i));
	i.kind = ZG_INJECT_ACK;
	ck_assert(zg_inject_valid(&i));
	memset(&i.sack, 2, 1);
	ck_assert(!zg_inject_valid(&i));
	i = inject();
	i.kind = ZG_INJECT_REFUSAL; /* a refusal text goes to clients only, and must be one */
	i.refusal = ZG_REFUSAL_SMTP_554;
	ck_assert(!zg_inject_valid(&i));
	i.to_client = true;
	ck_assert(zg_inject_valid(&i));
	i.refusal = ZG_REFUSAL_RESET;
	ck_assert(!zg_inject_valid(&i));
}
END_TEST

/* Asked for by the inspector, and checked again where the power is. */
START_TEST(checks_icmp_injections)
{
	struct zg_inject i = inject();
	i.kind = ZG_INJECT_ICMP;
	ck_assert(!zg_inject_valid(&i)); /* 0/0, echo reply */
	unsigned allowed[2] = { 0, 0 };
	for (int v6 = 0; v6 < 2; v6++) {
		i.tuple.client.family = i.tuple.server.family = v6 ? ZG_IPV6 : ZG_IPV4;
		for (unsigned k = 0; k < 65536; k++) {
			i.icmp_type = (uint8_t)(k >> 8);
			i.icmp_code = (uint8_t)k;
			i.mtu = k == (v6 ? 0x200 : 0x304) ? 1300 : 0;
			allowed[v6] += zg_inject_valid(&i);
		}
	}
	ck_assert_uint_eq(allowed[0], 9);
	ck_assert_uint_eq(allowed[1], 6);

	static const struct {
		uint8_t family, type, code;
		uint32_t mtu;
		bool valid;
	} rows[] = {
		{ ZG_IPV4, 3, 4, 0, false }, { ZG_IPV4, 3, 4, 575, false }, { ZG_IPV4, 3, 4, 576, true }, { ZG_IPV4, 3, 4, 65535, true },
		{ ZG_IPV4, 3, 4, 65536, false }, { ZG_IPV4, 3, 1, 1300, false }, { ZG_IPV6, 2, 0, 1279, false },
		{ ZG_IPV6, 2, 0, 1280, true }, { ZG_IPV6, 2, 0, UINT32_MAX, false }, { ZG_IPV6, 1, 0, 1, false },
	};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		i.tuple.client.family = i.tuple.server.family = rows[k].family;
		i.icmp_type = rows[k].type;
		i.icmp_code = rows[k].code;
		i.mtu = rows[k].mtu;
		i.tuple.protocol = k % 2 ? ZG_UDP : ZG_TCP;
		ck_assert_msg(zg_inject_valid(&i) == rows[k].valid, "row %zu", k);
	}
	i.mtu = 1300;
	i.icmp_type = 2;
	i.icmp_code = 0;
	ck_assert(zg_inject_valid(&i));
	i.tuple.protocol = 1;
	ck_assert(!zg_inject_valid(&i));
}
END_TEST

START_TEST(checks_events)
{
	struct zg_msg_event e;
	memset(&e, 0, sizeof e);
	e.flow.kind = ZG_PACKET_DENIED;
	ck_assert(zg_msg_event_valid(&e));
	memset(e.prefix, 'x', sizeof e.prefix);
	ck_assert(!zg_msg_event_valid(&e));
	memset(&e, 0, sizeof e);
	ck_assert(!zg_msg_event_valid(&e));
	e.flow.kind = ZG_FLOW_DENIED;
	e.flow.dir = (enum zg_dir)2;
	ck_assert(!zg_msg_event_valid(&e));
}
END_TEST

/* A process that was taken over may say anything of a mail. */
START_TEST(checks_notes)
{
	struct zg_msg_event good, e;
	memset(&good, 0, sizeof good);
	good.flow.kind = ZG_CONTENT_CHANGED;
	good.flow.note = (struct zg_note){ .parts = 2, .listed = 1, .part = { { .action = ZG_NOTE_HTML } }, .id = "<a@b>" };
	ck_assert(zg_msg_event_valid(&good));
	e = good;
	e.flow.kind = ZG_CONTENT_CHANGED + 1;
	ck_assert(!zg_msg_event_valid(&e));
	e = good;
	e.flow.note.listed = 3;
	ck_assert(!zg_msg_event_valid(&e));
	e.flow.note.parts = e.flow.note.listed = ZG_NOTE_PARTS_MAX + 1;
	ck_assert(!zg_msg_event_valid(&e));
	e = good;
	e.flow.note.part[0].action = ZG_NOTE_ACTIONS;
	ck_assert(!zg_msg_event_valid(&e));
	e = good;
	e.flow.note.id[1] = '\n';
	ck_assert(!zg_msg_event_valid(&e));
	memset(e.flow.note.id, 'a', sizeof e.flow.note.id);
	ck_assert(!zg_msg_event_valid(&e));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chan");
	TCase *t = tcase_create("chan");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, carries_body_and_descriptor);
	tcase_add_test(t, says_when_there_is_nothing_and_when_the_end_is_gone);
	tcase_add_test(t, refuses_malformed_messages);
	tcase_add_test(t, descriptors_of_a_malformed_message_do_not_leak);
	tcase_add_test(t, checks_injections);
	tcase_add_test(t, checks_bytes_of_injections);
	tcase_add_test(t, checks_icmp_injections);
	tcase_add_test(t, checks_events);
	tcase_add_test(t, checks_notes);
	suite_add_tcase(s, t);
	return unit_main(s);
}
