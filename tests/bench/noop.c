/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limit of the mechanism: a queue program that accepts every packet and reads none. What zonegate costs is told against
 * this, since nothing in user space can be faster. It does all that is known to help: large packets (GSO), a large receive
 * buffer, many packets per receive, many verdicts per send. Usage: noop FIRST-QUEUE [NUMBER-OF-QUEUES]; a process each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH	   64u
#define SLOT	   (80u * 1024) /* one message: the largest packet and its attributes */
#define VERDICT	   64u		/* bytes of one verdict message, with room */
#define QUEUE_LEN  4096u	/* as zonegate's queues */
#define RCVBUF	   (64 * 1024 * 1024)
#define QUEUES_MAX 16

static uint8_t slots[BATCH][SLOT] __attribute__((aligned(8)));
static uint8_t verdicts[BATCH * VERDICT] __attribute__((aligned(8)));
static size_t used;
static uint16_t queue;

static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

static void die(const char *what)
{
	fprintf(stderr, "noop: queue %u: %s: %s\n", queue, what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void configure(int fd, struct nlmsghdr *nlh, const char *what)
{
	uint8_t answer[4096];

	nlh->nlmsg_flags |= NLM_F_ACK;
	if (sendto(fd, nlh, nlh->nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0)
		die(what);
	ssize_t n = recv(fd, answer, sizeof answer, 0);
	if (n < 0 || mnl_cb_run(answer, (size_t)n, 0, 0, NULL, NULL) < 0)
		die(what);
}

static int open_queue(void)
{
	char buf[512] __attribute__((aligned(8)));
	const struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	const int size = RCVBUF, on = 1;

	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&local, sizeof local) != 0)
		die("socket");
	/* an overrun shows in the kernel's own count of drops; the errno would only cost a call */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on) != 0)
		die("socket options");
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	configure(fd, nlh, "bind");
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 0xffff);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, QUEUE_LEN);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	configure(fd, nlh, "settings");
	return fd;
}

static int find_header(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) != NFQA_PACKET_HDR)
		return MNL_CB_OK;
	*(const struct nlattr **)data = attr;
	return MNL_CB_STOP;
}

static int on_packet(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr = NULL;
	struct nfqnl_msg_packet_hdr ph;

	(void)data;
	if (nlh->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET) ||
	    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), find_header, &attr) < 0 || attr == NULL)
		return MNL_CB_OK;
	memcpy(&ph, mnl_attr_get_payload(attr), sizeof ph);
	/* messages of their own and not one for all: that one would decide packets still unread, which zonegate cannot do */
	struct nlmsghdr *verdict = nfq_nlmsg_put((char *)verdicts + used, NFQNL_MSG_VERDICT, queue);
	nfq_nlmsg_verdict_put(verdict, (int)ntohl(ph.packet_id), NF_ACCEPT);
	used += NLMSG_ALIGN(verdict->nlmsg_len);
	return MNL_CB_OK;
}

static void serve(int fd)
{
	static struct mmsghdr msgs[BATCH];
	static struct iovec iov[BATCH];

	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ slots[i], SLOT };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	for (;;) {
		const int n = recvmmsg(fd, msgs, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR)
			die("recvmmsg");
		for (int i = 0; i < n; i++)
			(void)mnl_cb_run(slots[i], msgs[i].msg_len, 0, 0, on_packet, NULL);
		if (used > 0 && sendto(fd, verdicts, used, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0)
			die("verdicts");
		used = 0;
	}
}

int main(int argc, char **argv)
{
	const int first = argc > 1 ? atoi(argv[1]) : -1, number = argc > 2 ? atoi(argv[2]) : 1;

	if (first < 0 || number < 1 || number > QUEUES_MAX || first + number > 65535) {
		fprintf(stderr, "usage: noop FIRST-QUEUE [NUMBER-OF-QUEUES]\n");
		return 2;
	}
	for (int i = 1; i < number; i++) {
		const pid_t parent = getpid(), pid = fork();
		if (pid < 0)
			die("fork");
		if (pid > 0)
			continue;
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
			return EXIT_FAILURE;
		queue = (uint16_t)(first + i);
		serve(open_queue());
	}
	queue = (uint16_t)first;
	serve(open_queue());
}
