/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's server: requests with and without a text behind them, however they arrive. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/server.h"
#include "unit.h"
#include "zonegate/limits.h"

static char dir[] = "/tmp/zg-server-XXXXXX";
static struct zg_ctl *ctl;
static struct zg_text *held;
static unsigned served;

/* Says the command and the text's length, first and last byte. */
static json_t *answer(void *ctx, const char *command, const json_t *request, struct zg_text *text, const char *who)
{
	(void)ctx;
	(void)request;
	ck_assert_int_eq(strncmp(who, "uid ", 4), 0);
	served++;
	if (text == NULL)
		return json_pack("{s:s,s:n}", "command", command, "len");
	zg_text_drop(held);
	held = zg_text_hold(text);
	ck_assert_int_eq(text->bytes[text->len], '\0');
	return json_pack("{s:s,s:I}", "command", command, "len", (json_int_t)text->len);
}

static void setup(void)
{
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(zg_ctl_open(dir, answer, NULL, &ctl), ZG_OK);
	served = 0;
}

static void teardown(void)
{
	zg_ctl_close(ctl);
	zg_text_drop(held);
	held = NULL;
	rmdir(dir);
}

static int client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	snprintf(addr.sun_path, sizeof addr.sun_path, "%s/control.sock", dir);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	return fd;
}

/* All that there is to do; false = nothing was. */
static bool turn(void)
{
	struct pollfd fds[64];
	const size_t n = zg_ctl_poll(ctl, fds, 64);
	if (poll(fds, n, 0) <= 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents != 0)
			zg_ctl_ready(ctl, fds[i].fd, fds[i].revents);
	return true;
}

static void settle(void)
{
	for (int i = 0; i < 10000 && turn(); i++)
		;
}

/* Sends it in pieces, the server in between; what does not fit waits for it. */
static void send_pieces(int fd, const char *bytes, size_t len, size_t piece)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len < piece ? len : piece, MSG_NOSIGNAL);
		ck_assert(n > 0 || errno == EAGAIN);
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		turn();
	}
	settle();
}

static void send_text(int fd, const char *text)
{
	send_pieces(fd, text, strlen(text), 100);
}

/* Everything that was answered so far, and whether the server closed. */
static bool closed(int fd, char *buf, size_t size)
{
	size_t have = 0;
	ssize_t n;
	settle();
	while ((n = recv(fd, buf + have, size - 1 - have, 0)) > 0) {
		have += (size_t)n;
		settle();
	}
	buf[have] = '\0';
	return n == 0 || errno != EAGAIN;
}

#define SAID(fd, words)                                       \
	do {                                                  \
		char buf_[4096];                              \
		ck_assert(!closed(fd, buf_, sizeof buf_));    \
		ck_assert_str_eq(buf_, words);                \
	} while (0)

/* Two requests with texts and two without in one stream, cut at every place. */
START_TEST(pieces)
{
	static const char stream[] = "{\"command\":\"a\",\"bytes\":11}\n{\"command\"\n{\"command\":\"b\"}\n{\"bytes\":0,\"command\":\"c\"}\n"
				     "{\"command\":\"d\",\"text\":\"xyz\"}\n{\"command\":\"e\",\"bytes\":3}\n\0\n\0{\"command\":\"f\"}\n";
	for (size_t piece = 1; piece < sizeof stream; piece++) {
		int fd = client();
		settle();
		send_pieces(fd, stream, sizeof stream - 1, piece);
		SAID(fd, "{\"command\":\"a\",\"len\":11}\n{\"command\":\"b\",\"len\":null}\n{\"command\":\"c\",\"len\":0}\n"
			 "{\"command\":\"d\",\"len\":3}\n{\"command\":\"e\",\"len\":3}\n{\"command\":\"f\",\"len\":null}\n");
		ck_assert_int_eq(memcmp(held->bytes, "\0\n\0", 3), 0);
		close(fd);
		settle();
	}
}
END_TEST

/* A large text comes whole, and is the one that was sent. */
START_TEST(large)
{
	const size_t len = 5000000;
	char *text = malloc(len), head[64];
	int fd = client();
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(i * 31 >> 3);
	snprintf(head, sizeof head, "{\"command\":\"apply\",\"bytes\":%zu}\n", len);
	settle();
	send_text(fd, head);
	send_pieces(fd, text, len, 1 << 20);
	SAID(fd, "{\"command\":\"apply\",\"len\":5000000}\n");
	ck_assert_uint_eq(held->len, len);
	ck_assert_int_eq(memcmp(held->bytes, text, len), 0);
	free(text);
	close(fd);
}
END_TEST

/* Lengths that no text has end the connection: what follows could be taken for requests. */
START_TEST(bad_lengths)
{
	static const char *const lengths[] = { "-1", "67108865", "9223372036854775807", "-9223372036854775808" };
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		char line[128], buf[4096];
		int fd = client();
		snprintf(line, sizeof line, "{\"command\":\"a\",\"bytes\":%s}\n{\"command\":\"b\"}\n", lengths[i]);
		settle();
		send_text(fd, line);
		ck_assert(closed(fd, buf, sizeof buf));
		ck_assert_ptr_nonnull(strstr(buf, "64 MiB"));
		close(fd);
	}
	ck_assert_uint_eq(served, 0);
}
END_TEST

/* Who goes away in the middle has asked nothing; others are served meanwhile. */
START_TEST(unfinished)
{
	int half = client(), other = client();
	settle();
	send_text(half, "{\"command\":\"a\",\"bytes\":10}\n12345");
	send_text(other, "{\"command\":\"b\"}\n");
	SAID(other, "{\"command\":\"b\",\"len\":null}\n");
	SAID(half, "");
	close(half);
	settle();
	ck_assert_uint_eq(served, 1);
	/* more of them than there are places, each with a text begun */
	for (int i = 0; i < 2 * ZG_CTL_CLIENTS_MAX; i++) {
		int fd = client();
		settle();
		send_text(fd, "{\"command\":\"a\",\"bytes\":1000}\n1");
		if (i % 2)
			close(fd);
	}
	int last = client();
	settle();
	send_text(last, "{\"command\":\"c\",\"bytes\":1}\nx");
	SAID(last, "{\"command\":\"c\",\"len\":1}\n");
	ck_assert_uint_eq(served, 2);
}
END_TEST

START_TEST(nonsense)
{
	int fd = client();
	settle();
	send_text(fd, "[]\n{\"bytes\":2}\nab{\"command\":7,\"bytes\":1}\nc{\"command\":\"a\",\"bytes\":\"5\"}\n");
	char buf[4096];
	ck_assert(!closed(fd, buf, sizeof buf));
	ck_assert_uint_eq(served, 1); /* a length that is no number is none */
	ck_assert_ptr_nonnull(strstr(buf, "{\"command\":\"a\",\"len\":null}"));
	size_t refused = 0;
	for (const char *p = buf; (p = strstr(p, "not a request")) != NULL; p++)
		refused++;
	ck_assert_uint_eq(refused, 3);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("server");
	TCase *tc = tcase_create("server");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, pieces);
	tcase_add_test(tc, large);
	tcase_add_test(tc, bad_lengths);
	tcase_add_test(tc, unfinished);
	tcase_add_test(tc, nonsense);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
