/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's rules of a policy cost a packet, of several policies in turn: bursts so short that most of them nobody
 * disturbs, and medians. Root; the network namespaces are made by tests/bench/run.
 *
 *   packet ROUNDS BURST WORLD...
 *   WORLD: NAME,CLIENT,ROUTER,CONFIG,LIST,KIND
 *
 * CLIENT and ROUTER are namespaces: what leaves CLIENT by its default route is forwarded by ROUTER, and comes back to CLIENT. LIST
 * is a file of addresses for the first blocklist of CONFIG, or "-". The packets are of its first flow; KIND: "open", SYNs, which the
 * rules send to a queue where nobody listens, so that they end there; or "known", segments of a connection, of an opaque flow,
 * which pass.
 *
 * One line per world: its name, then for each round the nanoseconds that a packet of its burst took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "nft/nft.h"
#include "zonegate/blocklist.h"
#include "zonegate/mark.h"

#define WORLDS_MAX 16
#define PACKET	   40 /* bytes: IPv4 and TCP without options */
#define SYN	   0x02
#define ACK	   0x10

struct world {
	char *name, *client, *router, *config, *list, *kind;
	struct zg_nft *nft; /* owns the tables */
	uint8_t packet[PACKET];
	int fd;
	uint64_t sent;
	double *ns; /* of each round */
};

static struct zg_diags diags;

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "packet: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void ok(const char *what, enum zg_err err)
{
	if (err != ZG_OK)
		fail(what, diags.n > 0 ? diags.items[0].message : zg_strerror(err));
}

static void enter(const char *ns)
{
	char path[256];
	snprintf(path, sizeof path, "/run/netns/%s", ns);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		fail(path, strerror(errno));
	close(fd);
}

static uint32_t sum_words(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

/* RFC 9293 3.1. IPv4's own checksum is the kernel's to fill in. */
static void make_segment(uint8_t *p, const struct zg_addr *from, const struct zg_addr *to, uint16_t from_port, uint16_t to_port, uint32_t seq,
			 uint32_t ack, uint8_t flags)
{
	const uint32_t numbers[2] = { htonl(seq), htonl(ack) };
	const uint16_t ports[2] = { htons(from_port), htons(to_port) };
	memset(p, 0, PACKET);
	p[0] = 0x45;
	p[3] = PACKET;
	p[8] = 64;
	p[9] = IPPROTO_TCP;
	memcpy(p + 12, from->b, 4);
	memcpy(p + 16, to->b, 4);
	memcpy(p + 20, ports, 4);
	memcpy(p + 24, numbers, 8);
	p[32] = 5 << 4;
	p[33] = flags;
	p[34] = 0x20; /* window 8192 */
	uint32_t sum = sum_words(p + 12, 8, IPPROTO_TCP + PACKET - 20);
	sum = sum_words(p + 20, PACKET - 20, sum);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	p[36] = (uint8_t)(~sum >> 8);
	p[37] = (uint8_t)~sum;
}

static void send_one(const struct world *w, int fd, const uint8_t *packet)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	memcpy(&to.sin_addr, packet + 16, 4);
	if (sendto(fd, packet, PACKET, 0, (struct sockaddr *)&to, sizeof to) != PACKET)
		fail(w->name, strerror(errno));
}

static int raw_socket(const struct world *w, const char *device)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0)
		fail(w->name, strerror(errno));
	return fd;
}

/* The packet of a flow; of a known connection, after its handshake. */
static void make_packet(struct world *w, const struct zg_flow *flow)
{
	const struct zg_addr *a = &flow->sources[0].lo, *b = &flow->destinations[0].lo;
	const uint16_t to = flow->ports[0].lo, from = 40000;
	uint8_t answer[PACKET];
	enter(w->client);
	w->fd = raw_socket(w, "eth0");
	make_segment(w->packet, a, b, from, to, 1000, 0, SYN);
	if (strcmp(w->kind, "known") != 0)
		return;
	int back = raw_socket(w, "eth1");
	send_one(w, w->fd, w->packet);
	make_segment(answer, b, a, to, from, 5000, 1001, SYN | ACK);
	send_one(w, back, answer);
	make_segment(w->packet, a, b, from, to, 1001, 5001, ACK);
	send_one(w, w->fd, w->packet);
	close(back);
}

/* The rules of the world's policy into its router. */
static void make_rules(struct world *w)
{
	struct zg_policy *policy = NULL;
	struct zg_plan *plan = NULL;
	struct zg_blocklist raw = { 0 }, list = { 0 };
	struct zg_blocklist_fault fault = { 0, "" };
	struct zg_blocklist_spared spared;
	struct stat st;
	struct zg_plan_env env = { .hash_seed = 1, .now = time(NULL) };
	uint32_t next_mark = 1;

	enter(w->router);
	ok("netlink", zg_nft_open(-1, &w->nft));
	ok("queue", zg_nft_probe(w->nft, &env.queue));
	ok(w->config, zg_conf_load(w->config, &diags, &policy));
	policy->generation = 1;
	if (strcmp(w->list, "-") != 0) {
		char *slash = strrchr(w->list, '/');
		*slash = '\0';
		ok(fault.what, zg_blocklist_read(w->list, slash + 1, &raw, &st, &fault));
		ok("list", zg_blocklist_effective(&raw, policy, false, &list, &spared));
		env.blocklists = &list;
	}
	ok("marks", zg_marks_give(policy, NULL, &next_mark));
	ok("backstop", zg_nft_backstop(w->nft, &diags));
	ok("compile", zg_plan_compile(policy, &env, &diags, &plan));
	ok("commit", zg_nft_commit(w->nft, plan, &diags));
	make_packet(w, &policy->flows[0]);
	zg_plan_free(plan);
	zg_policy_free(policy);
	zg_blocklist_free(&raw);
	zg_blocklist_free(&list);
}

/* Packets that the rules counted where they are to end. */
static uint64_t counted(const struct world *w)
{
	const char *name = strcmp(w->kind, "known") == 0 ? "opaque_passed" : "queued";
	struct zg_nft_counter *all = NULL;
	size_t n = 0;
	uint64_t packets = 0;
	ok("counters", zg_nft_counters(w->nft, false, &all, &n));
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			packets += all[i].packets;
	free(all);
	return packets;
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double burst(struct world *w, size_t n)
{
	const double begin = now_ns();
	for (size_t i = 0; i < n; i++)
		send_one(w, w->fd, w->packet);
	w->sent += n;
	return (now_ns() - begin) / (double)n;
}

static void parse_world(struct world *w, char *text)
{
	char *part[6];
	for (size_t i = 0; i < 6; i++)
		part[i] = strsep(&text, ",");
	if (part[5] == NULL || text != NULL)
		fail("WORLD", "NAME,CLIENT,ROUTER,CONFIG,LIST,KIND");
	*w = (struct world){ .name = part[0], .client = part[1], .router = part[2], .config = part[3], .list = part[4],
			     .kind = part[5] };
}

int main(int argc, char **argv)
{
	static struct world worlds[WORLDS_MAX];
	const size_t n = argc > 3 ? (size_t)argc - 3 : 0;
	const size_t rounds = n > 0 ? strtoul(argv[1], NULL, 10) : 0, length = n > 0 ? strtoul(argv[2], NULL, 10) : 0;
	if (rounds == 0 || length == 0 || n > WORLDS_MAX)
		fail("usage", "packet ROUNDS BURST NAME,CLIENT,ROUTER,CONFIG,LIST,KIND...");
	zg_diags_init(&diags);
	for (size_t i = 0; i < n; i++) {
		struct world *w = &worlds[i];
		parse_world(w, argv[3 + i]);
		make_rules(w);
		w->ns = calloc(rounds, sizeof *w->ns);
		const uint64_t before = counted(w);
		burst(w, length);
		if (counted(w) - before != length)
			fail(w->name, "the packets do not go where they should");
	}
	for (size_t r = 0; r < rounds; r++) {
		for (size_t k = 0; k < n; k++) {
			struct world *w = &worlds[(k + r) % n];
			w->ns[r] = burst(w, length);
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (counted(&worlds[i]) < worlds[i].sent)
			fail(worlds[i].name, "not all packets went where they should");
		printf("%s", worlds[i].name);
		for (size_t r = 0; r < rounds; r++)
			printf(" %.1f", worlds[i].ns[r]);
		putchar('\n');
	}
	return EXIT_SUCCESS;
}
