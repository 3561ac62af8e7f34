/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to packets under a committed plan: a router and one host per zone, in network namespaces of the test's
 * own, and a gate that does what the test says. Needs root; says SKIP without.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nft/nft.h"
#include "plan_help.h"
#include "zonegate/mark.h"

#define QUEUES 4

enum host { MYNUMBER, LGWAN, INTERNET, HOSTS };

static const char *const iface[HOSTS] = { "mn0", "lg0", "in0" };
static const char *const net4[HOSTS] = { "10.10.0", "10.20.0", "10.30.0" };
static const char *const net6[HOSTS] = { "fd00:10:", "fd00:20:", "fd00:30:" };

static struct zg_nft *nft;
static struct zg_diags diags;
static enum zg_queue_kind kind;
static pid_t hosts[HOSTS]; /* each holds a namespace open */
static struct mnl_socket *queue[QUEUES];

static void ok(enum zg_err err)
{
	plan_ok(err, &diags);
}

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int run(const char *format, ...)
{
	char command[2048];
	va_list args;
	va_start(args, format);
	size_t at = (size_t)snprintf(command, sizeof command, "{ ");
	at += (size_t)vsnprintf(command + at, sizeof command - at, format, args);
	va_end(args);
	ck_assert_uint_lt(at + 32, sizeof command);
	strcat(command, "; } >/dev/null 2>&1");
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A child that ends with the test, however that ends. */
static pid_t fork_child(void)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() == 1))
		_exit(1);
	return pid;
}

static void enter(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setns(fd, CLONE_NEWNET), 0);
	close(fd);
}

/* A process that does nothing but hold a namespace; it ends with us. */
static pid_t make_host(void)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork_child();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) != 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		close(ready[0]);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void wire(enum host h)
{
	const int pid = (int)hosts[h];
	ck_assert_int_eq(run("ip link add %s type veth peer name e0 netns %d && ip link set %s up && "
			     "ip addr add %s.1/24 dev %s && ip -6 addr add %s:1/64 dev %s nodad",
			     iface[h], pid, iface[h], net4[h], iface[h], net6[h], iface[h]),
			 0);
	ck_assert_int_eq(
		run("nsenter -t %d -n sh -c 'ip link set lo up; ip link set e0 up; "
		    "ip addr add %s.25/24 dev e0; ip addr add %s.99/24 dev e0; ip -6 addr add %s:25/64 dev e0 nodad;"
		    "ip route add default via %s.1; ip -6 route add default via %s:1'",
		    pid, net4[h], net4[h], net6[h], net4[h], net6[h]),
		0);
}

static void start(const char *flows, const char *daemon)
{
	struct zg_plan *plan = plan_compile(plan_policy(PLAN_ZONES, flows, daemon, &diags), 3, kind, &diags);
	ok(zg_nft_commit(nft, plan, &diags));
	zg_plan_free(plan);
}

static void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	zg_diags_init(&diags);
	for (int h = 0; h < HOSTS; h++)
		hosts[h] = make_host();
	/* no waiting for duplicate address detection */
	ck_assert_int_eq(run("echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"), 0);
	for (int h = 0; h < HOSTS; h++)
		wire((enum host)h);
	ck_assert_int_eq(run("echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; "
			     "echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; for f in "
			     "/proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done"),
			 0);
	ok(zg_nft_open(-1, &nft));
	ok(zg_nft_probe(nft, &kind));
	start(PLAN_MAIL, PLAN_DAEMON(4));
}

static void teardown(void)
{
	for (int h = 0; h < HOSTS; h++) {
		if (hosts[h] > 0) {
			kill(hosts[h], SIGKILL);
			waitpid(hosts[h], NULL, 0);
		}
	}
	for (int q = 0; q < QUEUES; q++)
		if (queue[q] != NULL)
			mnl_socket_close(queue[q]);
	zg_nft_close(nft);
	zg_diags_free(&diags);
}

static uint64_t count(const char *name)
{
	struct zg_nft_counter *counters;
	size_t n;
	uint64_t packets = UINT64_MAX;
	ok(zg_nft_counters(nft, true, &counters, &n));
	for (size_t i = 0; i < n; i++)
		if (strcmp(counters[i].name, name) == 0)
			packets = counters[i].packets;
	free(counters);
	ck_assert_msg(packets != UINT64_MAX, "no counter %s", name);
	return packets;
}

/* A packet is judged when the kernel finds time: on a busy machine after its sender has gone on. */
static bool rises(const char *name, uint64_t above)
{
	for (int tries = 0; tries < 300 && count(name) <= above; tries++)
		usleep(10000);
	return count(name) > above;
}

/* --- senders ---------------------------------------------------------------------------------------------------- */

static socklen_t address(const char *ip, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	memset(ret, 0, sizeof *ret);
	if (strchr(ip, ':') == NULL) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET, ip, &v4->sin_addr), 1);
		return sizeof *v4;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	ck_assert_int_eq(inet_pton(AF_INET6, ip, &v6->sin6_addr), 1);
	return sizeof *v6;
}

/* One first packet (SYN or datagram) from a host. src may be any address: bound without belonging to the host. */
static void send_one(enum host h, int type, const char *src, const char *dst, uint16_t port)
{
	pid_t pid = fork_child();
	if (pid == 0) {
		const int on = 1;
		struct sockaddr_storage a, b;
		socklen_t a_len = address(src, 0, &a), b_len = address(dst, port, &b);
		enter(hosts[h]);
		int fd = socket(a.ss_family, type | SOCK_NONBLOCK, 0);
		setsockopt(fd, a.ss_family == AF_INET ? SOL_IP : SOL_IPV6,
			   a.ss_family == AF_INET ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof on);
		if (fd < 0 || bind(fd, (struct sockaddr *)&a, a_len) != 0)
			_exit(2);
		(void)connect(fd, (struct sockaddr *)&b, b_len);
		if (type == SOCK_DGRAM && send(fd, "x", 1, 0) != 1)
			_exit(3);
		usleep(200000); /* neighbour discovery goes first */
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

/* --- the gate --------------------------------------------------------------------------------------------------- */

static void configure(struct mnl_socket *nl, uint16_t num)
{
	char buf[256];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, num);
	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	ck_assert_int_gt((int)mnl_socket_sendto(nl, nlh, nlh->nlmsg_len), 0);
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, num);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 0xffff);
	ck_assert_int_gt((int)mnl_socket_sendto(nl, nlh, nlh->nlmsg_len), 0);
}

static void open_queues(void)
{
	for (uint16_t q = 0; q < QUEUES; q++) {
		queue[q] = mnl_socket_open(NETLINK_NETFILTER);
		ck_assert_ptr_nonnull(queue[q]);
		ck_assert_int_eq(mnl_socket_bind(queue[q], 0, MNL_SOCKET_AUTOPID), 0);
		configure(queue[q], (uint16_t)(100 + q));
	}
}

struct seen {
	uint32_t id, mark;
	uint16_t client_port; /* of TCP: the port that is not 25 */
	uint8_t protocol;
};

static int take_packet(const struct nlmsghdr *nlh, void *data)
{
	struct nlattr *attr[NFQA_MAX + 1] = { 0 };
	struct seen *seen = data;
	if (nlh->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) || nfq_nlmsg_parse(nlh, attr) < 0)
		return MNL_CB_OK;
	const struct nfqnl_msg_packet_hdr *head = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	const uint8_t *p = mnl_attr_get_payload(attr[NFQA_PAYLOAD]);
	const uint8_t *tcp = p + (p[0] >> 4 == 4 ? (p[0] & 15) * 4 : 40);
	uint16_t a = (uint16_t)(tcp[0] << 8 | tcp[1]), b = (uint16_t)(tcp[2] << 8 | tcp[3]);
	seen->id = ntohl(head->packet_id);
	seen->mark = attr[NFQA_MARK] != NULL ? ntohl(mnl_attr_get_u32(attr[NFQA_MARK])) : 0;
	seen->client_port = a == 25 ? b : a;
	seen->protocol = p[0] >> 4 == 4 ? p[9] : p[6];
	return MNL_CB_OK;
}

static void verdict(int q, uint32_t id, uint32_t mark)
{
	char buf[256];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT, (uint32_t)(100 + q));
	nfq_nlmsg_verdict_put(nlh, (int)id, NF_ACCEPT);
	if (mark != 0)
		nfq_nlmsg_verdict_put_mark(nlh, mark);
	ck_assert_int_gt((int)mnl_socket_sendto(queue[q], nlh, nlh->nlmsg_len), 0);
}

/* The queue of the next packet, or -1 when none comes within ms. */
static int next_packet(struct seen *ret, int ms)
{
	static char buf[0x20000];
	struct pollfd fds[QUEUES];
	for (int q = 0; q < QUEUES; q++)
		fds[q] = (struct pollfd){ .fd = mnl_socket_get_fd(queue[q]), .events = POLLIN };
	while (poll(fds, QUEUES, ms) > 0) {
		for (int q = 0; q < QUEUES; q++) {
			if (!(fds[q].revents & POLLIN))
				continue;
			*ret = (struct seen){ 0 };
			ssize_t len = mnl_socket_recvfrom(queue[q], buf, sizeof buf);
			if (len > 0 && mnl_cb_run(buf, (size_t)len, 0, 0, take_packet, ret) >= 0 && ret->id != 0)
				return q;
		}
	}
	return -1;
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

#define SRC4 "10.30.0.25"
#define DST4 "10.20.0.25"
#define SRC6 "fd00:30::25"
#define DST6 "fd00:20::25"

/* Who sends what; which counter rises, and no other; nothing passes. */
static const struct {
	enum host host;
	int type;
	const char *src, *dst;
	uint16_t port;
	const char *counter;
} denied[] = {
	{ INTERNET, SOCK_STREAM, SRC4, DST4, 25, "queued" },
	{ INTERNET, SOCK_STREAM, SRC6, DST6, 25, "queued" },
	{ INTERNET, SOCK_STREAM, SRC4, DST4, 26, "drop_noflow" },
	{ INTERNET, SOCK_STREAM, SRC6, DST6, 26, "drop_noflow" },
	{ INTERNET, SOCK_DGRAM, SRC4, DST4, 25, "drop_noflow" },
	{ INTERNET, SOCK_DGRAM, SRC6, DST6, 25, "drop_noflow" },
	{ INTERNET, SOCK_STREAM, "10.30.0.99", DST4, 25, "drop_noflow" },
	{ INTERNET, SOCK_STREAM, SRC4, "10.20.0.99", 25, "drop_noflow" },
	{ INTERNET, SOCK_STREAM, "10.20.0.7", DST4, 25, "drop_spoof4" },
	{ INTERNET, SOCK_STREAM, "10.10.0.25", DST4, 25, "drop_spoof4" },
	{ INTERNET, SOCK_DGRAM, "fd00:10::25", DST6, 25, "drop_spoof6" },
	{ LGWAN, SOCK_DGRAM, SRC4, "10.30.0.99", 25, "drop_spoof4" },
	{ LGWAN, SOCK_DGRAM, SRC6, "fd00:30::99", 25, "drop_spoof6" },
	{ LGWAN, SOCK_STREAM, DST4, SRC4, 25, "drop_pair" },
	{ LGWAN, SOCK_DGRAM, DST6, SRC6, 25, "drop_pair" },
	{ LGWAN, SOCK_STREAM, DST4, "10.10.0.25", 25, "drop_pair" },
	{ MYNUMBER, SOCK_STREAM, "10.10.0.25", SRC4, 25, "drop_never" },
	{ MYNUMBER, SOCK_DGRAM, "fd00:10::25", SRC6, 25, "drop_never" },
	{ INTERNET, SOCK_STREAM, SRC4, "10.10.0.25", 25, "drop_never" },
	{ INTERNET, SOCK_DGRAM, SRC6, "fd00:10::25", 25, "drop_never" },
	{ MYNUMBER, SOCK_STREAM, "10.10.0.25", DST4, 25, "drop_pair" },
};

static const char *const counter_names[] = { "drop_invalid", "drop_spoof4", "drop_spoof6",     "drop_never", "drop_nat",
					     "drop_pair",    "drop_noflow", "drop_related", "queued" };

#define N_COUNTERS (sizeof counter_names / sizeof *counter_names)

START_TEST(test_denied)
{
	uint64_t before[N_COUNTERS];
	for (size_t i = 0; i < sizeof denied / sizeof *denied; i++) {
		for (size_t c = 0; c < N_COUNTERS; c++)
			before[c] = count(counter_names[c]);
		send_one(denied[i].host, denied[i].type, denied[i].src, denied[i].dst, denied[i].port);
		for (size_t c = 0; c < N_COUNTERS; c++)
			ck_assert_msg((count(counter_names[c]) > before[c]) ==
					      (strcmp(counter_names[c], denied[i].counter) == 0),
				      "case %zu, %s to %s: %s", i, denied[i].src, denied[i].dst, counter_names[c]);
	}
	ck_assert_uint_eq(count("passed"), 0);
	ck_assert_uint_eq(count("backstop_drop"), 0);
}
END_TEST

static const struct {
	const char *before, *counter;
	int type;
	const char *src, *dst;
} oddities[] = {
	/* not tracked */
	{ "nft 'table inet x { chain c { type filter hook prerouting priority -300;\n notrack\n }\n }'", "drop_invalid",
	  SOCK_STREAM, SRC4, DST4 },
	/* another destination than the packet's */
	{ "nft 'table ip x { chain c { type nat hook prerouting priority -100;\n tcp dport 25 dnat to 10.20.0.99\n }\n "
	  "}'",
	  "drop_nat", SOCK_STREAM, SRC4, DST4 },
	{ "nft 'table ip x { chain c { type nat hook prerouting priority -100;\n udp dport 25 dnat to 10.20.0.25\n }\n "
	  "}'",
	  "drop_nat", SOCK_DGRAM, SRC4, "10.20.0.98" },
	/* the pass mark given by somebody else, early */
	{ "nft 'table inet x { chain c { type filter hook forward priority -10;\n meta mark set 0x9a7e0001\n }\n }'",
	  "drop_noflow", SOCK_DGRAM, SRC4, DST4 },
	{ "nft 'table inet x { chain c { type filter hook prerouting priority -500;\n meta mark set 0x9a7e0001\n }\n "
	  "}'",
	  "drop_noflow", SOCK_DGRAM, SRC6, DST6 },
	/* accepted by somebody else, before and after */
	{ "nft 'table inet x { chain c { type filter hook forward priority -10;\n accept\n }\n"
	  "chain d { type filter hook forward priority 10;\n meta mark set 0x9a7e0001 accept\n }\n }'",
	  "drop_noflow", SOCK_STREAM, SRC4, "10.20.0.99" },
	/* the interface has got another name */
	{ "ip link set in0 down && ip link set in0 name in9 && ip link set in9 up && ip addr add 10.30.0.1/24 dev in9; "
	  "ip neigh flush all",
	  "drop_spoof4", SOCK_STREAM, SRC4, DST4 },
	/* another interface has got the name: its source addresses are wrong */
	{ "ip link set in0 down && ip link set in0 name in9 && ip link set in9 up && ip link set lg0 down && "
	  "ip link set lg0 name in0 && ip link set in0 up && ip link set in9 down && ip link set in9 name lg0 && ip "
	  "link set lg0 up; true",
	  "drop_spoof4", SOCK_STREAM, SRC4, DST4 },
	/* in and out by the same interface */
	{ "ip route add 10.40.0.0/24 via 10.30.0.98; ip neigh add 10.30.0.98 lladdr 00:53:00:00:00:98 dev in0",
	  "drop_pair", SOCK_STREAM, SRC4, "10.40.0.1" },
};

START_TEST(test_oddities)
{
	ck_assert_int_eq(run("%s", oddities[_i].before), 0);
	const uint64_t before = count(oddities[_i].counter), queued = count("queued");
	send_one(INTERNET, oddities[_i].type, oddities[_i].src, oddities[_i].dst, 25);
	ck_assert(rises(oddities[_i].counter, before));
	ck_assert_uint_eq(count("queued"), queued);
	ck_assert_uint_eq(count("passed"), 0);
}
END_TEST

START_TEST(test_wrong_mac)
{
	static const char zones[] =
		"version = 1; model = \"alpha\"; zones = (\n"
		"{ name = \"lgwan\"; kind = \"lgwan\"; interfaces = [ \"lg0\" ]; addresses = [ \"10.20.0.0/24\" ]; },\n"
		"{ name = \"internet\"; kind = \"internet\"; interfaces = [ \"in0\" ]; addresses = [ \"10.30.0.0/24\" "
		"];\n"
		"  stations = ( { address = \"10.30.0.25\"; mac = \"00:53:00:00:00:25\"; } ); } );\n";
	struct zg_plan *plan = plan_compile(
		plan_policy(zones, PLAN_FLOW("f", "\"10.30.0.25\"", "\"10.20.0.25\"", ""), PLAN_DAEMON(1), &diags), 4,
		kind, &diags);
	ok(zg_nft_commit(nft, plan, &diags));
	zg_plan_free(plan);
	send_one(INTERNET, SOCK_STREAM, SRC4, DST4, 25);
	ck_assert(rises("drop_station4", 0));
	ck_assert_uint_eq(count("queued"), 0);
	const uint64_t before = count("drop_station4");
	ck_assert_int_eq(run("nsenter -t %d -n sh -c 'ip link set e0 address 00:53:00:00:00:25'; ip neigh flush all",
			     (int)hosts[INTERNET]),
			 0);
	send_one(INTERNET, SOCK_STREAM, SRC4, DST4, 25);
	ck_assert(rises("queued", 0));
	ck_assert_uint_eq(count("drop_station4"), before);
}
END_TEST

/* A server on the LGWAN host that answers each connection with the client's bytes, and never ends. */
static pid_t serve(int family)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork_child();
	if (pid == 0) {
		struct sockaddr_storage a;
		socklen_t len = address(family == AF_INET ? DST4 : DST6, 25, &a);
		enter(hosts[LGWAN]);
		int fd = socket(family, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 64) != 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;) {
			int c = accept(fd, NULL, NULL);
			char buf[64];
			ssize_t n = c >= 0 ? read(c, buf, sizeof buf) : 0;
			if (n > 0 && write(c, buf, (size_t)n) != n)
				_exit(1);
			close(c);
		}
	}
	close(ready[1]);
	ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

/* n connections, one after the other, that send and want back a word; exits 0 if all did. */
static pid_t talk(int family, int n)
{
	pid_t pid = fork_child();
	if (pid > 0)
		return pid;
	close(zg_nft_fd(nft)); /* the policy table goes with the last holder of its socket */
	enter(hosts[INTERNET]);
	for (int i = 0; i < n; i++) {
		struct sockaddr_storage a, b;
		socklen_t a_len = address(family == AF_INET ? SRC4 : SRC6, 0, &a),
			  b_len = address(family == AF_INET ? DST4 : DST6, 25, &b);
		const struct timeval wait = { .tv_sec = 2 };
		char buf[8] = "";
		int fd = socket(family, SOCK_STREAM, 0);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
		if (bind(fd, (struct sockaddr *)&a, a_len) != 0 || connect(fd, (struct sockaddr *)&b, b_len) != 0 ||
		    write(fd, "hello", 5) != 5 || read(fd, buf, sizeof buf) != 5 || memcmp(buf, "hello", 5) != 0)
			_exit(1);
		close(fd);
	}
	_exit(0);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Accepted with the pass mark: arrives. Both directions of a connection come by one queue, connections spread. */
START_TEST(test_passes_with_the_mark)
{
	const int family = _i == 0 ? AF_INET : AF_INET6;
	int of_port[65536], used[QUEUES] = { 0 }, status = -1;
	memset(of_port, -1, sizeof of_port);
	open_queues();
	pid_t server = serve(family), client = talk(family, 30);
	while (waitpid(client, &status, WNOHANG) == 0) {
		struct seen seen;
		int q = next_packet(&seen, 20);
		if (q < 0)
			continue;
		ck_assert_uint_eq(seen.mark, 1);
		ck_assert(of_port[seen.client_port] == -1 || of_port[seen.client_port] == q);
		of_port[seen.client_port] = q;
		used[q]++;
		verdict(q, seen.id, ZG_MARK_PASS);
	}
	end(server);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_ge(count("passed"), 30 * 6);
	ck_assert_uint_ge(count("flow:1"), count("passed"));
	for (int q = 0; q < QUEUES; q++)
		ck_assert_int_gt(used[q], 0);
}
END_TEST

/* Accepted without it, or with another: the backstop drops. */
START_TEST(test_backstop_without_the_mark)
{
	static const uint32_t marks[] = { 0, 0x03000001, 0x9a7e0000, 1 };
	int status = -1, n = 0;
	open_queues();
	pid_t server = serve(AF_INET), client = talk(AF_INET, 1);
	while (waitpid(client, &status, WNOHANG) == 0) {
		struct seen seen;
		int q = next_packet(&seen, 20);
		if (q >= 0)
			verdict(q, seen.id, marks[n++ % 4]);
	}
	end(server);
	ck_assert_int_ne(status, 0);
	ck_assert_int_gt(n, 1);
	ck_assert_uint_eq(count("passed"), 0);
	ck_assert_uint_ge(count("backstop_drop"), 2);
}
END_TEST

/* A withdrawn flow stops at once, in the middle of a connection; a kept one goes on over the commit. */
START_TEST(test_withdrawn_in_mid_connection)
{
	int status = -1, n = 0;
	const bool keep = _i == 0;
	open_queues();
	pid_t server = serve(AF_INET), client = talk(AF_INET, 20);
	while (waitpid(client, &status, WNOHANG) == 0) {
		struct seen seen;
		int q = next_packet(&seen, 20);
		if (q < 0)
			continue;
		if (++n == 40)
			start(keep ? PLAN_MAIL "," PLAN_FLOW("more", "\"10.30.7.7\"", "\"10.20.0.25\"", "")
				   : PLAN_FLOW("other", "\"10.30.7.7\"", "\"10.20.0.25\"", ""),
			      PLAN_DAEMON(4));
		verdict(q, seen.id, ZG_MARK_PASS);
	}
	end(server);
	if (keep) {
		ck_assert_int_eq(status, 0);
	} else {
		ck_assert_int_ne(status, 0);
		ck_assert_uint_gt(count("drop_noflow"), 0);
		ck_assert_uint_le(count("passed"), 60); /* those that waited in the queues then */
	}
}
END_TEST

static void isolate(const char *const *names, size_t n)
{
	const struct zg_plan_env env = { .isolated = names, .n_isolated = n };
	struct zg_plan *plan = NULL;
	ok(zg_plan_isolation(&env, &plan));
	ok(zg_nft_refill(nft, plan, &diags));
	zg_plan_free(plan);
}

/* Cut off at one end or the other, in the middle of a connection: what an inspector had in its hands and accepts afterwards
 * does not arrive either. Restored, connections pass as before. */
START_TEST(test_isolated_in_mid_connection)
{
	static const char *const cut[] = { "in0", "lg0", "mn0" };
	const char *const *const names = _i == 3 ? cut : &cut[_i];
	const bool passes = _i == 2;
	uint64_t passed = 0;
	int status = -1, n = 0;
	open_queues();
	pid_t server = serve(AF_INET), client = talk(AF_INET, 20);
	while (waitpid(client, &status, WNOHANG) == 0) {
		struct seen seen;
		int q = next_packet(&seen, 20);
		if (q < 0)
			continue;
		if (++n == 40) {
			isolate(names, _i == 3 ? 3 : 1);
			passed = count("passed");
		}
		verdict(q, seen.id, ZG_MARK_PASS);
	}
	if (passes) {
		ck_assert_int_eq(status, 0);
	} else {
		ck_assert_int_ne(status, 0);
		ck_assert_uint_eq(count("passed"), passed);
		ck_assert_uint_ge(count("drop_isolated"), 1);
	}
	isolate(NULL, 0);
	for (client = talk(AF_INET, 1); waitpid(client, &status, WNOHANG) == 0;) {
		struct seen seen;
		int q = next_packet(&seen, 20);
		if (q >= 0)
			verdict(q, seen.id, ZG_MARK_PASS);
	}
	end(server);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* A policy applied meanwhile holds what is cut off, and agrees with what is read back. */
START_TEST(test_isolation_and_commit)
{
	static const char *const names[] = { "lg0", "in0", "lg0" };
	const struct zg_plan_env env = { .queue = kind, .hash_seed = 1, .now = time(NULL), .isolated = names, .n_isolated = 3 };
	struct zg_policy *policy = plan_policy(PLAN_ZONES, PLAN_MAIL, PLAN_DAEMON(4), &diags);
	struct zg_plan *plan = NULL;
	plan_ok(zg_plan_compile(policy, &env, &diags, &plan), &diags);
	isolate(names, 3);
	ok(zg_nft_commit(nft, plan, &diags));
	isolate(&names[1], 1);
	ck_assert_int_eq(zg_nft_verify(nft, plan, &diags), ZG_EDRIFT);
	isolate(names, 2);
	ok(zg_nft_verify(nft, plan, &diags));
	/* another isolation, noted in the plan that the kernel holds */
	struct zg_plan *other = NULL;
	ok(zg_plan_isolation(&(struct zg_plan_env){ .isolated = &names[1], .n_isolated = 1 }, &other));
	ok(zg_nft_refill(nft, other, &diags));
	zg_plan_isolate(plan, other);
	zg_plan_free(other);
	ok(zg_nft_verify(nft, plan, &diags));
	zg_plan_free(plan);
	zg_policy_free(policy);
}
END_TEST

/* What the gate sends by itself does not go there either; what the router says in its own name does. */
START_TEST(test_isolated_from_what_is_sent)
{
	static const char *const names[] = { "lg0" };
	const uint32_t mark = _i == 0 ? ZG_MARK_SENT : 0;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	start(PLAN_MAIL, PLAN_DAEMON(4) "router = { services = ( { name = \"discard\"; to = \"lgwan\"; destination = \"10.20.0.25\"; "
					"protocol = \"udp\"; port = 9; } ); };\n");
	ck_assert_int_eq(inet_pton(AF_INET, "10.20.0.25", &to.sin_addr), 1);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark), 0);
	ck_assert_int_eq(sendto(fd, "a", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
	isolate(names, 1);
	ck_assert_int_eq(sendto(fd, "a", 1, 0, (struct sockaddr *)&to, sizeof to), _i == 0 ? -1 : 1);
	ck_assert_uint_eq(count("drop_isolated"), _i == 0);
	isolate(NULL, 0);
	ck_assert_int_eq(sendto(fd, "a", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
	close(fd);
}
END_TEST

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void send_icmp_error(const struct seen *about)
{
	int status;
	pid_t pid = fork_child();
	if (pid == 0) {
		struct {
			struct icmphdr icmp;
			struct iphdr ip;
			uint16_t sport, dport;
			uint32_t seq;
		} __attribute__((packed)) packet = { .icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_PORT_UNREACH } };
		struct sockaddr_storage to, from;
		socklen_t len = address(SRC4, 0, &to);
		address(DST4, 0, &from);
		packet.ip = (struct iphdr){
			.version = 4, .ihl = 5, .ttl = 60, .protocol = IPPROTO_TCP, .tot_len = htons(40)
		};
		packet.ip.saddr = ((struct sockaddr_in *)&to)->sin_addr.s_addr;
		packet.ip.daddr = ((struct sockaddr_in *)&from)->sin_addr.s_addr;
		packet.ip.check = checksum(&packet.ip, sizeof packet.ip);
		packet.sport = htons(about->client_port);
		packet.dport = htons(25);
		packet.icmp.checksum = checksum(&packet, sizeof packet);
		enter(hosts[LGWAN]);
		int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
		_exit(sendto(fd, &packet, sizeof packet, 0, (struct sockaddr *)&to, len) == (ssize_t)sizeof packet ? 0
														   : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

/* "Port unreachable" from the LGWAN host about a connection that exists: has its original tuple, and goes where that goes. When
 * the connection is withdrawn, so is what speaks of it. */
START_TEST(test_icmp_error_of_a_connection)
{
	struct seen seen, error = { 0 };
	int q, of_error = -1;
	open_queues();
	pid_t server = serve(AF_INET), client = talk(AF_INET, 1);
	while ((q = next_packet(&seen, 2000)) < 0)
		continue;
	verdict(q, seen.id, ZG_MARK_PASS); /* conntrack confirms it */
	usleep(100000);
	send_icmp_error(&seen);
	while (error.protocol != IPPROTO_ICMP && (of_error = next_packet(&error, 2000)) >= 0)
		continue;
	ck_assert_int_eq(of_error, q);
	ck_assert_uint_eq(error.mark, seen.mark);
	start("", PLAN_DAEMON(4));
	send_icmp_error(&seen);
	usleep(100000);
	end(client);
	end(server);
	ck_assert_uint_eq(count("drop_related"), 0);
	ck_assert_uint_ge(count("drop_pair"), 1);
	while (next_packet(&error, 100) >= 0)
		ck_assert_uint_ne(error.protocol, IPPROTO_ICMP);
}
END_TEST

/* A connection that conntrack expects because of another one is RELATED too, and no ICMP error. */
START_TEST(test_expected_connection)
{
	struct seen seen;
	int q;
	open_queues();
	ck_assert_int_eq(run("nft 'table inet x {\n ct expectation e {\n protocol tcp\n dport 26\n timeout 1m\n size 9\n l3proto ip\n }\n"
			     "chain c { type filter hook forward priority -10;\n tcp dport 25 ct expectation set \"e\"\n }\n }'"),
			 0);
	pid_t server = serve(AF_INET), client = talk(AF_INET, 1);
	while ((q = next_packet(&seen, 2000)) < 0)
		continue;
	verdict(q, seen.id, ZG_MARK_PASS);
	usleep(100000);
	send_one(LGWAN, SOCK_STREAM, DST4, SRC4, 26); /* back to the client */
	end(client);
	end(server);
	ck_assert_uint_ge(count("drop_related"), 1);
	ck_assert_uint_eq(count("drop_pair"), 0);
}
END_TEST

/* The policy table goes, with the daemon's socket or by somebody's hand: what the gate accepts then does not pass
 * either. */
START_TEST(test_closed_without_the_policy_table)
{
	struct seen seen;
	int q;
	open_queues();
	pid_t client = talk(AF_INET, 1);
	while ((q = next_packet(&seen, 2000)) < 0)
		continue;
	zg_nft_close(nft);
	(void)run(
		"nft delete table inet zonegate"); /* a kernel that keeps it without its owner lets anybody delete it */
	verdict(q, seen.id, ZG_MARK_PASS);	   /* the kernel has dropped it with the hook */
	usleep(1500000);			   /* the client sends again */
	ok(zg_nft_open(-1, &nft));
	ck_assert_uint_eq(count("passed"), 0);
	ck_assert_uint_ge(count("backstop_drop"), 1);
	end(client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nft_packets");
	TCase *tc = tcase_create("router");
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_denied);
	tcase_add_loop_test(tc, test_oddities, 0, (int)(sizeof oddities / sizeof *oddities));
	tcase_add_test(tc, test_wrong_mac);
	tcase_add_loop_test(tc, test_passes_with_the_mark, 0, 2);
	tcase_add_test(tc, test_backstop_without_the_mark);
	tcase_add_loop_test(tc, test_withdrawn_in_mid_connection, 0, 2);
	tcase_add_loop_test(tc, test_isolated_in_mid_connection, 0, 4);
	tcase_add_test(tc, test_isolation_and_commit);
	tcase_add_loop_test(tc, test_isolated_from_what_is_sent, 0, 2);
	tcase_add_test(tc, test_icmp_error_of_a_connection);
	tcase_add_test(tc, test_expected_connection);
	tcase_add_test(tc, test_closed_without_the_policy_table);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
