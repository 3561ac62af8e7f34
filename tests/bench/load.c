/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The endpoints of the benchmark, made cheap so that the boundary between them is what is measured: one process and one
 * epoll each. A server says "ready" when it listens and prints what it has seen when it is told to end (SIGTERM); a client
 * works for a given time, then finishes what is under way, orderly, and prints what it has done. One JSON object per line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define CHUNK	 (256u * 1024) /* bytes per call of a bulk stream: stays in the second-level cache */
#define PICTURE	 (1920u * 1080 * 4) /* bytes of a raw update, without its header */
#define AHEAD	 2		    /* of them are asked for at once */
#define REQUEST	 100u
#define ANSWER	 200u
#define PAIRS	 64
#define EVENTS	 256
#define DRAIN_S	 10.0 /* how long a client waits for what is under way when its time is over: then it has failed */
#define DEADLINE 900  /* seconds after which a forgotten process ends by itself */

static const char usage[] =
	"usage: load sink PORT...                              take connections, discard what comes\n"
	"       load echo PORT...                              answer each request of 100 bytes with 200\n"
	"       load display PORT                              show one viewer after the other raw pictures of a full screen\n"
	"       load accept PORT...                            the same, and close after the first answer\n"
	"       load source SECONDS STREAMS PORT PAIR...       send as fast as it goes\n"
	"       load ping SECONDS CONNECTIONS PORT PAIR...     requests on kept connections, one at a time on each\n"
	"       load connect SECONDS PARALLEL PORT PAIR...     connect, request, answer, close\n"
	"       load tls-sink PORT...                          the same as sink, inside TLS as it looks from outside\n"
	"       load tls-source SECONDS STREAMS PORT PAIR...   the same as source\n"
	"       load screen SECONDS 1 PORT PAIR...             view a display: the next two pictures are always asked for\n"
	"       load hold SECONDS CONNECTIONS PORT PAIR...     open connections that say nothing, keep them until SIGTERM\n"
	"PAIR is SOURCE,DESTINATION, addresses of one family; connections take the pairs in turn.\n";

struct conn {
	int fd;
	bool open;	/* connected */
	uint32_t got;	/* bytes of the message under way that have come */
	uint32_t unsent; /* of the message under way */
	uint64_t count; /* of this connection */
};

struct pair {
	struct sockaddr_storage from, to;
	socklen_t len;
};

static struct pair pairs[PAIRS];
static size_t npairs, next_pair;
static int epfd;
static volatile sig_atomic_t ended;
static uint8_t chunk[CHUNK];
static uint64_t bytes, messages, connections, failures;

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, ap);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(ap);
	exit(EXIT_FAILURE);
}

static void on_end(int sig)
{
	(void)sig;
	ended = 1;
}

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void watch(struct conn *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &e) != 0)
		die("epoll_ctl");
}

static void report(const char *role, double seconds)
{
	printf("{\"role\":\"%s\",\"bytes\":%llu,\"messages\":%llu,\"connections\":%llu,\"failures\":%llu,\"seconds\":%.6f}\n", role,
	       (unsigned long long)bytes, (unsigned long long)messages, (unsigned long long)connections,
	       (unsigned long long)failures, seconds);
	fflush(stdout);
}

/* --- servers ---------------------------------------------------------------------------------------------------------- */

enum served { OVER, STAYS };

static enum served serve_sink(struct conn *c)
{
	/* one receive per event: all streams in turn */
	const ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
	if (n > 0) {
		bytes += (uint64_t)n;
		return STAYS;
	}
	if (n < 0 && errno == EAGAIN)
		return STAYS;
	failures += n < 0;
	return OVER;
}

/* --- TLS 1.3 as it looks from outside: two hellos, and records of the largest size -------------------------------------- */

#define RECORD 16384u /* with its header; CHUNK is a multiple */
static const uint8_t client_hello[] =
	"\x16\3\1\0\x50\1\0\0\x4c\3\3" "01234567890123456789012345678901" "\0\0\2\x13\1\1\0\0\x21"
	"\0\0\0\x12\0\x10\0\0\x0d" "bench.example" "\0\x2b\0\3\2\3\4" "\0\x17\0\0";
static const uint8_t server_hello[] =
	"\x16\3\3\0\x32\2\0\0\x2e\3\3" "01234567890123456789012345678901" "\0\x13\1\0\0\6" "\0\x2b\0\2\3\4";
#define OCTETS(text) (sizeof(text) - 1)

static void fill_records(void)
{
	for (size_t at = 0; at < CHUNK; at += RECORD)
		memcpy(chunk + at, (const uint8_t[]){ 23, 3, 3, (RECORD - 5) >> 8, (RECORD - 5) & 0xff }, 5);
}

static enum served serve_tls(struct conn *c)
{
	if (c->got == OCTETS(client_hello))
		return serve_sink(c);
	const ssize_t n = recv(c->fd, chunk, OCTETS(client_hello) - c->got, MSG_DONTWAIT);
	if (n <= 0 && !(n < 0 && errno == EAGAIN)) {
		failures++;
		return OVER;
	}
	c->got += n > 0 ? (uint32_t)n : 0;
	if (c->got == OCTETS(client_hello) && send(c->fd, server_hello, OCTETS(server_hello), MSG_NOSIGNAL) != (ssize_t)OCTETS(server_hello))
		failures++;
	return STAYS;
}

/* Before the clock starts. */
static void shake_hands(struct conn *c)
{
	uint8_t answer[OCTETS(server_hello)];
	const double start = now();
	ssize_t n = send(c->fd, client_hello, OCTETS(client_hello), MSG_NOSIGNAL);

	for (size_t got = 0; n >= 0 && got < sizeof answer; got += n > 0 ? (size_t)n : 0) {
		n = recv(c->fd, answer + got, sizeof answer - got, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN) || now() - start > DRAIN_S)
			die("ServerHello");
		n = n < 0 ? 0 : n;
	}
}

/* The answer fits the send buffer always: the client waits for it before it asks again. */
static enum served serve_echo(struct conn *c)
{
	const ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return STAYS;
	if (n <= 0) {
		failures += n < 0 || c->got > 0;
		return OVER;
	}
	c->got += (uint32_t)n;
	bytes += (uint64_t)n;
	for (; c->got >= REQUEST; c->got -= REQUEST, messages++)
		if (send(c->fd, chunk, ANSWER, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)ANSWER)
			failures++;
	return STAYS;
}

/* The server closes first, and so it is the one who keeps the port in TIME-WAIT: the client's ports stay free. */
static enum served serve_once(struct conn *c)
{
	const uint64_t before = messages;
	return serve_echo(c) == OVER || messages > before ? OVER : STAYS;
}

static int listener(uint16_t port, bool deferred)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_ANY_INIT };
	const int on = 1, off = 0;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0 ||
	    /* woken when the request is there, not before */
	    (deferred && setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on) != 0) ||
	    bind(fd, (const struct sockaddr *)&any, sizeof any) != 0 || listen(fd, 65535) != 0)
		die("port %u", port);
	return fd;
}

static void take(int listening, enum served (*serve)(struct conn *))
{
	for (;;) {
		const int on = 1, fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno != EAGAIN && errno != ECONNABORTED)
				die("accept");
			return;
		}
		connections++;
		struct conn first = { .fd = fd };
		if (serve == serve_once) { /* its request is there: mostly done at once, without epoll */
			if (serve_once(&first) == OVER) {
				close(fd);
				continue;
			}
		} else if (serve == serve_echo)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		struct conn *c = malloc(sizeof *c);
		if (c == NULL)
			die("memory");
		*c = first;
		watch(c, EPOLLIN);
	}
}

static int server(const char *role, enum served (*serve)(struct conn *), int nports, char **ports)
{
	struct epoll_event events[EVENTS];
	struct conn *listening = calloc((size_t)nports, sizeof *listening);
	if (nports < 1 || listening == NULL) {
		fputs(usage, stderr);
		return 2;
	}
	for (int i = 0; i < nports; i++) {
		listening[i].fd = listener((uint16_t)atoi(ports[i]), serve == serve_once);
		watch(&listening[i], EPOLLIN);
	}
	puts("ready");
	fflush(stdout);
	const double start = now();
	while (!ended) {
		const int n = epoll_wait(epfd, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (c >= listening && c < listening + nports) {
				take(c->fd, serve);
			} else if (serve(c) == OVER) {
				close(c->fd);
				free(c);
			}
		}
	}
	report(role, now() - start);
	return EXIT_SUCCESS;
}

/* --- both ends of a screen: RFC 6143 with a picture of random bytes, blocking -------------------------------------- */

static bool send_whole(int fd, const void *from, size_t n)
{
	for (size_t sent = 0; sent < n;) {
		const ssize_t some = send(fd, (const uint8_t *)from + sent, n - sent, MSG_NOSIGNAL);
		if (some <= 0)
			return false;
		sent += (size_t)some;
	}
	return true;
}

static bool read_whole(int fd, void *to, size_t n)
{
	return n == 0 || recv(fd, to, n, MSG_WAITALL) == (ssize_t)n;
}

static const struct {
	bool server;
	uint8_t len, bytes[28];
} talk[] = {
	{ true, 12, "RFB 003.008\n" },
	{ false, 12, "RFB 003.008\n" },
	{ true, 2, { 1, 1 } },
	{ false, 1, { 1 } },
	{ true, 4, { 0 } },
	{ false, 1, { 1 } },
	{ true, 24, { 1920 >> 8, 1920 & 255, 1080 >> 8, 1080 & 255, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8 } },
	{ false, 8, { 2, 0, 0, 1 } },
};

static bool shaken(int fd, bool server)
{
	uint8_t other[sizeof talk[0].bytes];
	for (size_t i = 0; i < sizeof talk / sizeof talk[0]; i++)
		if (talk[i].server == server ? !send_whole(fd, talk[i].bytes, talk[i].len) : !read_whole(fd, other, talk[i].len))
			return false;
	return true;
}

static void show(int fd)
{
	static const uint8_t header[16] = { 0, 0, 0, 1, 0, 0, 0, 0, 1920 >> 8, 1920 & 255, 1080 >> 8, 1080 & 255 };
	uint8_t asked[10];

	while (read_whole(fd, asked, sizeof asked)) {
		bool sent = send_whole(fd, header, sizeof header);
		for (size_t left = PICTURE, n; sent && left > 0; left -= n) {
			n = left < CHUNK ? left : CHUNK;
			sent = send_whole(fd, chunk, n);
		}
		failures += !sent;
		bytes += sizeof header + PICTURE;
		messages++;
	}
}

static int display(char *port)
{
	const int listening = listener((uint16_t)atoi(port), false);
	const double start = now();

	fcntl(listening, F_SETFL, 0);
	puts("ready");
	fflush(stdout);
	while (!ended) {
		const int fd = accept(listening, NULL, NULL);
		if (fd < 0)
			continue;
		connections++;
		if (shaken(fd, true))
			show(fd);
		else
			failures++;
		close(fd);
	}
	report("display", now() - start);
	return EXIT_SUCCESS;
}

/* --- clients ---------------------------------------------------------------------------------------------------------- */

static bool address(const char *text, uint16_t port, struct sockaddr_storage *to, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof *to);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*len = sizeof *v4;
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*len = sizeof *v6;
	return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
}

static void parse_pair(char *text, uint16_t port)
{
	struct pair *p = &pairs[npairs++];
	socklen_t len;
	char *comma = strchr(text, ',');

	if (comma != NULL)
		*comma = '\0';
	errno = EINVAL;
	if (comma == NULL || npairs > PAIRS || !address(text, 0, &p->from, &len) || !address(comma + 1, port, &p->to, &p->len) ||
	    len != p->len)
		die("pair %s", text);
}

static void open_conn(struct conn *c, uint32_t events)
{
	const struct pair *p = &pairs[next_pair++ % npairs];
	const int on = 1;

	*c = (struct conn){ .fd = socket(p->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .unsent = REQUEST };
	/* without a port of its own at bind: it is chosen at connect, where many connections can share one */
	if (c->fd < 0 || setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
	    bind(c->fd, (const struct sockaddr *)&p->from, p->len) != 0)
		die("socket");
	if (connect(c->fd, (const struct sockaddr *)&p->to, p->len) != 0 && errno != EINPROGRESS)
		die("connect");
	watch(c, events);
}

static bool connected(struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof error;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		errno = error;
		die("connection");
	}
	c->open = true;
	connections++;
	return true;
}

/* All connections stand before the clock starts, except where connecting is what is measured. */
static struct conn *open_all(long number, uint32_t events)
{
	struct epoll_event got[EVENTS];
	struct conn *all = calloc((size_t)number, sizeof *all);
	const double start = now();
	long opened = 0;

	if (all == NULL)
		die("memory");
	while (connections < (uint64_t)number) {
		while (opened < number && opened - (long)connections < 64)
			open_conn(&all[opened++], EPOLLOUT);
		const int n = epoll_wait(epfd, got, EVENTS, 1000);
		for (int i = 0; i < n; i++) {
			struct conn *c = got[i].data.ptr;
			if (c->open)
				continue; /* told again that it may send, while others are still connecting */
			connected(c);
			struct epoll_event e = { .events = events, .data.ptr = c };
			if (epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &e) != 0)
				die("epoll_ctl");
		}
		errno = ETIMEDOUT;
		if (now() - start > DRAIN_S + (double)number / 1000)
			die("%llu of %ld connections", (unsigned long long)connections, number);
	}
	return all;
}

/* What is left of the record that was begun: a stream does not end within one. */
static void end_record(struct conn *c)
{
	const double start = now();
	while (c->count % RECORD != 0) {
		const size_t at = c->count % CHUNK;
		const ssize_t sent = send(c->fd, chunk + at, RECORD - at % RECORD, MSG_DONTWAIT | MSG_NOSIGNAL);
		if ((sent < 0 && errno != EAGAIN) || now() - start > DRAIN_S)
			die("last record");
		c->count += sent > 0 ? (uint64_t)sent : 0;
		bytes += sent > 0 ? (uint64_t)sent : 0;
	}
}

/* Bytes count when the far side has read them: it closes then, and we see its end. */
static int stream(double seconds, long streams, bool tls)
{
	struct epoll_event events[EVENTS];
	struct conn *all = open_all(streams, EPOLLOUT);
	if (tls)
		fill_records();
	for (long i = 0; tls && i < streams; i++)
		shake_hands(&all[i]);
	const double start = now(), end = start + seconds;
	double t = start;
	long left = streams;
	bool closing = false;

	while (left > 0) {
		const int n = epoll_wait(epfd, events, EVENTS, 100);
		t = now();
		errno = ETIMEDOUT;
		if (t > end + DRAIN_S)
			die("%ld streams did not end", left);
		if (!closing && t >= end) {
			closing = true;
			for (long i = 0; i < streams; i++) {
				struct epoll_event e = { .events = EPOLLIN, .data.ptr = &all[i] };
				if (tls)
					end_record(&all[i]);
				if (shutdown(all[i].fd, SHUT_WR) != 0 || epoll_ctl(epfd, EPOLL_CTL_MOD, all[i].fd, &e) != 0)
					die("shutdown");
			}
			continue;
		}
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (closing) {
				if (recv(c->fd, chunk, 1, MSG_DONTWAIT) != 0)
					die("end of a stream");
				close(c->fd);
				left--;
				continue;
			}
			const size_t at = tls ? c->count % CHUNK : 0;
			const ssize_t sent = send(c->fd, chunk + at, sizeof chunk - at, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (sent > 0) {
				bytes += (uint64_t)sent;
				c->count += (uint64_t)sent;
			} else if (errno != EAGAIN)
				die("send");
		}
	}
	report(tls ? "tls-source" : "source", t - start);
	return EXIT_SUCCESS;
}

static int source(double seconds, long streams)
{
	return stream(seconds, streams, false);
}

static int tls_source(double seconds, long streams)
{
	return stream(seconds, streams, true);
}

static void ask(struct conn *c)
{
	/* a small message into an empty buffer goes whole */
	if (send(c->fd, chunk, REQUEST, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)REQUEST)
		die("request");
	c->unsent = 0;
	c->got = 0;
}

static int ping(double seconds, long number)
{
	struct epoll_event events[EVENTS];
	const int on = 1;
	struct conn *all = open_all(number, EPOLLIN);
	const double start = now(), end = start + seconds;
	double t = start;
	long left = number;

	for (long i = 0; i < number; i++) {
		setsockopt(all[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		ask(&all[i]);
	}
	while (left > 0) {
		const int n = epoll_wait(epfd, events, EVENTS, 100);
		t = now();
		errno = ETIMEDOUT;
		if (t > end + DRAIN_S)
			die("%ld answers did not come", left);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			const ssize_t got = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
			if (got <= 0) {
				if (got < 0 && errno == EAGAIN)
					continue;
				die("answer");
			}
			bytes += (uint64_t)got;
			c->got += (uint32_t)got;
			if (c->got < ANSWER)
				continue;
			messages++;
			c->count++;
			if (t < end)
				ask(c);
			else
				left--;
		}
	}
	report("ping", t - start);
	/* no connection may have been left behind while others were served */
	for (long i = 0; i < number; i++)
		if (all[i].count == 0)
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

static int connect_rate(double seconds, long parallel)
{
	struct epoll_event events[EVENTS];
	struct conn *all = calloc((size_t)parallel, sizeof *all);
	const double start = now(), end = start + seconds;
	double t = start;
	long left = parallel;

	if (all == NULL)
		die("memory");
	for (long i = 0; i < parallel; i++)
		open_conn(&all[i], EPOLLIN | EPOLLOUT | EPOLLET);
	while (left > 0) {
		const int n = epoll_wait(epfd, events, EVENTS, 100);
		t = now();
		errno = ETIMEDOUT;
		if (t > end + DRAIN_S)
			die("%ld connections did not end", left);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (!c->open && (events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) && connected(c))
				ask(c);
			if (!(events[i].events & EPOLLIN))
				continue;
			ssize_t got;
			while ((got = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT)) > 0)
				c->got += (uint32_t)got;
			if (got < 0 && errno == EAGAIN)
				continue;
			if (got < 0 || c->got != ANSWER)
				die("answer of %u bytes", c->got);
			bytes += c->got;
			messages++;
			close(c->fd);
			if (t < end)
				open_conn(c, EPOLLIN | EPOLLOUT | EPOLLET);
			else
				left--;
		}
	}
	report("connect", t - start);
	return EXIT_SUCCESS;
}

static int hold(double seconds, long number)
{
	struct conn *all = open_all(number, EPOLLIN);
	const double start = now();

	report("held", 0);
	while (!ended && now() - start < seconds)
		usleep(20000);
	/* whoever has been closed from the far side was not kept */
	for (long i = 0; i < number; i++)
		if (recv(all[i].fd, chunk, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
			failures++;
	report("hold", now() - start);
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int screen(double seconds, long number)
{
	static const uint8_t ask_for_all[10] = { 3, 0, 0, 0, 0, 0, 1920 >> 8, 1920 & 255, 1080 >> 8, 1080 & 255 };
	struct conn *c = open_all(number, EPOLLIN);
	uint8_t header[16];
	int under_way = 0;

	fcntl(c->fd, F_SETFL, 0);
	failures += !shaken(c->fd, false);
	const double start = now();
	while (failures == 0 && (under_way > 0 || now() - start < seconds)) {
		for (; under_way < AHEAD && now() - start < seconds; under_way++)
			failures += !send_whole(c->fd, ask_for_all, sizeof ask_for_all);
		if (under_way == 0)
			break;
		bool came = read_whole(c->fd, header, sizeof header);
		for (size_t left = PICTURE, n; came && left > 0; left -= n) {
			n = left < CHUNK ? left : CHUNK;
			came = read_whole(c->fd, chunk, n);
		}
		failures += !came;
		under_way--;
		bytes += sizeof header + PICTURE;
		messages++;
	}
	const double took = now() - start;
	close(c->fd);
	report("screen", took);
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum served (*serve)(struct conn *);
		int (*load)(double, long);
	} roles[] = {
		{ "sink", serve_sink, NULL }, { "echo", serve_echo, NULL },    { "accept", serve_once, NULL }, { "source", NULL, source },
		{ "tls-sink", serve_tls, NULL }, { "tls-source", NULL, tls_source },
		{ "ping", NULL, ping },	      { "connect", NULL, connect_rate }, { "hold", NULL, hold },
		{ "screen", NULL, screen },
	};
	const struct sigaction end = { .sa_handler = on_end };
	struct rlimit files = { 0 };

	sigaction(SIGTERM, &end, NULL);
	alarm(DEADLINE);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	memset(chunk, 'z', sizeof chunk);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0)
		die("epoll");
	if (argc == 3 && strcmp(argv[1], "display") == 0)
		return display(argv[2]);
	for (size_t i = 0; argc > 2 && i < sizeof roles / sizeof roles[0]; i++) {
		if (strcmp(argv[1], roles[i].name) != 0)
			continue;
		if (roles[i].serve != NULL)
			return server(roles[i].name, roles[i].serve, argc - 2, argv + 2);
		if (argc < 6 || atof(argv[2]) <= 0 || atol(argv[3]) < 1)
			break;
		for (int k = 5; k < argc; k++)
			parse_pair(argv[k], (uint16_t)atoi(argv[4]));
		return roles[i].load(atof(argv[2]), atol(argv[3]));
	}
	fputs(usage, stderr);
	return 2;
}
