/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <sys/socket.h>
#include <unistd.h>

#define NFLOG_RCVBUF (8 * 1024 * 1024) /* bytes: a second of records at 100,000 refused packets a second */

static struct nlmsghdr *request(uint8_t *buf, uint16_t group)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(nlh, sizeof *g);
	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = htons(group);
	return nlh;
}

static enum zg_err transact(int fd, const struct nlmsghdr *nlh)
{
	uint8_t answer[4096] __attribute__((aligned(8)));
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	if (sendto(fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		return ZG_ESYS;
	for (;;) {
		ssize_t n = recv(fd, answer, sizeof answer, 0);
		if (n < 0)
			return ZG_ESYS;
		const struct nlmsghdr *h = (const void *)answer;
		if (!mnl_nlmsg_ok(h, (int)n))
			return ZG_EKERNEL;
		if (h->nlmsg_type != NLMSG_ERROR)
			continue; /* a record that is already coming in */
		int error = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(h))->error;
		errno = -error;
		return error == 0 ? ZG_OK : ZG_EKERNEL;
	}
}

enum zg_err zg_nflog_open(uint16_t group, uint32_t snaplen, int *ret_fd)
{
	uint8_t buf[256] __attribute__((aligned(8)));
	struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	const int size = NFLOG_RCVBUF;
	struct nfulnl_msg_config_cmd bind_cmd = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(snaplen), .copy_mode = NFULNL_COPY_PACKET };
	enum zg_err err = ZG_ESYS;

	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return ZG_ESYS;
	if (bind(fd, (struct sockaddr *)&local, sizeof local) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		goto fail;
	struct nlmsghdr *nlh = request(buf, group);
	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof bind_cmd, &bind_cmd);
	if ((err = transact(fd, nlh)) != ZG_OK)
		goto fail;
	nlh = request(buf, group);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof mode, &mode);
	/* at most 64 records or 0.2 s (in hundredths) before they are handed over */
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(64));
	mnl_attr_put_u32(nlh, NFULA_CFG_TIMEOUT, htonl(20));
	if ((err = transact(fd, nlh)) != ZG_OK)
		goto fail;
	*ret_fd = fd;
	return ZG_OK;
fail:
	close(fd);
	return err;
}
