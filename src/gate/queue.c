/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate/gate.h"
#include "zonegate/limits.h"
#include "zonegate/mark.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Bytes: 64 MiB cost nothing measurable less than the default's losses. */
#define QUEUE_RCVBUF (64 * 1024 * 1024)
/* Bytes of verdicts sent as one; the socket's send buffer has to hold them whatever the system's default is. */
#define BATCH_BYTES (256u * 1024)

static enum zg_err config_send(int fd, struct nlmsghdr *nlh)
{
	uint8_t answer[4096];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	nlh->nlmsg_flags |= NLM_F_ACK;
	if (sendto(fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		return ZG_ESYS;
	ssize_t n = recv(fd, answer, sizeof answer, 0);
	if (n < (ssize_t)sizeof(struct nlmsghdr))
		return ZG_ESYS;
	const struct nlmsghdr *h = (const void *)answer;
	if (h->nlmsg_type != NLMSG_ERROR || n < (ssize_t)(sizeof *h + sizeof(struct nlmsgerr)))
		return ZG_EKERNEL;
	int error = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(h))->error;
	if (error != 0) {
		errno = -error;
		return error == -EPERM ? ZG_EPERM : ZG_EKERNEL;
	}
	return ZG_OK;
}

/* From now on packets come: an answer could stand behind some of them, and so none is asked for. What the kernel refuses it
 * answers nevertheless, and then no packet stands before that. */
static enum zg_err packets_begin(int fd, uint16_t num)
{
	uint8_t buf[512] __attribute__((aligned(8)));
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr first;

	struct nlmsghdr *nlh = nfq_nlmsg_put((char *)buf, NFQNL_MSG_CONFIG, num);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 0xffff);
	if (sendto(fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		return ZG_ESYS;
	if (recv(fd, &first, sizeof first, MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof first && first.nlmsg_type == NLMSG_ERROR)
		return ZG_EKERNEL;
	return ZG_OK;
}

/* The kernel gives a process's own number to its first socket, and to the next one when that is closed: then a packet that was
 * on its way to the old one comes to the new one, with an id that means another packet there. All others get numbers that do
 * not come again; so that one is taken, once and for all. */
static bool own_number_taken(void)
{
	static int taken = -1;
	struct sockaddr_nl local = { .nl_family = AF_NETLINK };

	if (taken >= 0)
		return true;
	taken = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	return taken >= 0 && bind(taken, (struct sockaddr *)&local, sizeof local) == 0;
}

enum zg_err zg_queue_open(uint16_t num, int *ret_fd)
{
	uint8_t buf[512] __attribute__((aligned(8)));
	struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	const int size = QUEUE_RCVBUF, sndbuf = 2 * (int)BATCH_BYTES;
	const struct timeval wait = { .tv_usec = ZG_QUEUE_WAIT_MS * 1000 };
	const uint32_t flags = NFQA_CFG_F_GSO;
	enum zg_err err;

	int fd = own_number_taken() ? socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER) : -1;
	if (fd < 0)
		return ZG_ESYS;
	if (bind(fd, (struct sockaddr *)&local, sizeof local) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf, sizeof sndbuf) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0) {
		err = ZG_ESYS;
		goto fail;
	}
	struct nlmsghdr *nlh = nfq_nlmsg_put((char *)buf, NFQNL_MSG_CONFIG, num);
	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	if ((err = config_send(fd, nlh)) != ZG_OK)
		goto fail;
	nlh = nfq_nlmsg_put((char *)buf, NFQNL_MSG_CONFIG, num);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, ZG_QUEUE_PACKETS);
	/* the mask names fail-open too, so that it is written as off */
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	if ((err = config_send(fd, nlh)) != ZG_OK || (err = packets_begin(fd, num)) != ZG_OK)
		goto fail;
	*ret_fd = fd;
	return ZG_OK;
fail:
	close(fd);
	return err;
}

/* A verdict as the library writes it, but for its id. */
struct form {
	uint8_t bytes[64] __attribute__((aligned(8)));
	size_t len, id_at;
};

enum { DROP, ACCEPT, UPTO };

struct zg_verdicts {
	size_t used;
	uint16_t num; /* of the queue that the forms are of */
	bool formed;
	struct form forms[3]; /* DROP, ACCEPT, UPTO */
	uint8_t buf[BATCH_BYTES] __attribute__((aligned(8)));
};

enum zg_err zg_verdicts_new(struct zg_verdicts **ret_verdicts)
{
	struct zg_verdicts *v = malloc(sizeof *v);
	if (v == NULL)
		return ZG_ENOMEM;
	v->used = 0;
	v->formed = false;
	*ret_verdicts = v;
	return ZG_OK;
}

void zg_verdicts_free(struct zg_verdicts *v)
{
	free(v);
}

enum zg_err zg_verdicts_flush(struct zg_verdicts *v, int fd)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n = 0;
	if (v->used > 0) {
		do
			n = sendto(fd, v->buf, v->used, 0, (struct sockaddr *)&kernel, sizeof kernel);
		while (n < 0 && errno == EINTR);
	}
	v->used = 0;
	return n < 0 ? ZG_ESYS : ZG_OK;
}

static struct nlmsghdr *put_verdict(void *at, uint16_t num, uint32_t id, int kind)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(at, kind == UPTO ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT, num);
	nfq_nlmsg_verdict_put(nlh, (int)id, kind == DROP ? NF_DROP : NF_ACCEPT);
	if (kind != DROP)
		nfq_nlmsg_verdict_put_mark(nlh, ZG_MARK_PASS);
	return nlh;
}

static void form(struct zg_verdicts *v, uint16_t num)
{
	for (int kind = DROP; kind <= UPTO; kind++) {
		struct form *f = &v->forms[kind];
		const struct nlmsghdr *nlh = put_verdict(f->bytes, num, 0, kind);
		const struct nlattr *first = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg));
		const struct nfqnl_msg_verdict_hdr *hdr = mnl_attr_get_payload(first);
		f->len = (nlh->nlmsg_len + 3u) & ~3u;
		f->id_at = (size_t)((const uint8_t *)&hdr->id - f->bytes);
	}
	v->num = num;
	v->formed = true;
}

/* Room for a verdict and len bytes more. */
static enum zg_err make_room(struct zg_verdicts *v, int fd, size_t len)
{
	const size_t overhead = 128; /* header, verdict and mark attributes, with room */

	return v->used + overhead + len > sizeof v->buf ? zg_verdicts_flush(v, fd) : ZG_OK;
}

static enum zg_err put_form(struct zg_verdicts *v, int fd, uint16_t num, uint32_t id, int kind)
{
	const uint32_t wire_id = htonl(id);
	enum zg_err err = make_room(v, fd, 0);

	if (err != ZG_OK)
		return err;
	if (!v->formed || v->num != num)
		form(v, num);
	const struct form *f = &v->forms[kind];
	memcpy(v->buf + v->used, f->bytes, f->len);
	memcpy(v->buf + v->used + f->id_at, &wire_id, sizeof wire_id);
	v->used += f->len;
	return ZG_OK;
}

enum zg_err zg_verdicts_upto(struct zg_verdicts *v, int fd, uint16_t num, uint32_t id)
{
	return put_form(v, fd, num, id, UPTO);
}

enum zg_err zg_verdicts_add(struct zg_verdicts *v, int fd, uint16_t num, uint32_t id, bool accept, const uint8_t *packet,
			    size_t len)
{
	if (!accept || packet == NULL)
		return put_form(v, fd, num, id, accept ? ACCEPT : DROP);
	if (len > ZG_PACKET_MAX)
		return ZG_EINVAL;
	enum zg_err err = make_room(v, fd, len);
	if (err != ZG_OK)
		return err;
	struct nlmsghdr *nlh = put_verdict(v->buf + v->used, num, id, ACCEPT);
	nfq_nlmsg_verdict_put_pkt(nlh, packet, (uint32_t)len);
	v->used += (nlh->nlmsg_len + 3u) & ~3u;
	return ZG_OK;
}
