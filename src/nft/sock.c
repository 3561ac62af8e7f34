/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The netlink socket: everything that we ask is answered before sendmsg() returns, so nothing here ever waits. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nft/nft_int.h"

#define RCVBUF (16 * 1024 * 1024) /* bytes: a refusal of each message of the largest policy fits */

static bool is_netfilter_socket(int fd)
{
	int domain = 0, protocol = 0;
	socklen_t a = sizeof domain, b = sizeof protocol;
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &a) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &b) == 0 && domain == AF_NETLINK &&
	       protocol == NETLINK_NETFILTER;
}

/* Binds if it is not bound yet, and learns our own port id. */
static enum zg_err know_port(struct zg_nft *nft, bool bind_it)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof addr;
	if (bind_it && bind(nft->fd, (struct sockaddr *)&addr, sizeof addr) != 0)
		return ZG_ESYS;
	if (getsockname(nft->fd, (struct sockaddr *)&addr, &len) != 0)
		return ZG_ESYS;
	nft->portid = addr.nl_pid;
	return ZG_OK;
}

enum zg_err zg_nft_open(int fd, struct zg_nft **ret_nft)
{
	const int on = 1, size = RCVBUF;
	struct zg_nft *nft = calloc(1, sizeof *nft);
	enum zg_err err = ZG_ENOMEM;
	if (nft == NULL)
		return ZG_ENOMEM;
	nft->fd = nft->listener = -1;
	nft->seq = (uint32_t)time(NULL);
	nft->buf = malloc(ZG_NFT_BUF);
	if (nft->buf == NULL)
		goto fail;
	if (fd >= 0 && !is_netfilter_socket(fd)) {
		err = ZG_EINVAL;
		goto fail;
	}
	nft->fd = fd >= 0 ? fd : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	err = nft->fd < 0 ? ZG_ESYS : know_port(nft, fd < 0);
	if (err != ZG_OK)
		goto fail;
	/* refusals come without the refused message but with the kernel's words */
	(void)setsockopt(nft->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	(void)setsockopt(nft->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	if (setsockopt(nft->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		(void)setsockopt(nft->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	*ret_nft = nft;
	return ZG_OK;
fail:
	if (nft->fd >= 0 && nft->fd != fd)
		close(nft->fd);
	free(nft->buf);
	free(nft);
	return err;
}

void zg_nft_close(struct zg_nft *nft)
{
	if (nft == NULL)
		return;
	close(nft->fd);
	if (nft->listener >= 0)
		close(nft->listener);
	free(nft->buf);
	free(nft);
}

int zg_nft_fd(const struct zg_nft *nft)
{
	return nft->fd;
}

/* Room for one datagram of len bytes; netlink takes it whole or not at all. */
static enum zg_err room_to_send(struct zg_nft *nft, size_t len)
{
	int have = 0, want;
	socklen_t size = sizeof have;
	if (len > INT32_MAX / 4) {
		errno = EMSGSIZE;
		return ZG_ESYS;
	}
	want = (int)len + 64 * 1024;
	if (getsockopt(nft->fd, SOL_SOCKET, SO_SNDBUF, &have, &size) != 0)
		return ZG_ESYS;
	if (have >= want)
		return ZG_OK;
	if (setsockopt(nft->fd, SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof want) == 0)
		return ZG_OK;
	(void)setsockopt(nft->fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof want);
	if (getsockopt(nft->fd, SOL_SOCKET, SO_SNDBUF, &have, &size) == 0 && have >= want)
		return ZG_OK;
	errno = EMSGSIZE;
	return ZG_ESYS;
}

enum zg_err zg_nft_send(struct zg_nft *nft, const void *data, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	const struct msghdr msg = {
		.msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = &iov, .msg_iovlen = 1
	};
	enum zg_err err = room_to_send(nft, len);
	if (err != ZG_OK)
		return err;
	/* what an earlier, failed question left behind */
	for (ssize_t left = 1; left > 0 || (left < 0 && (errno == ENOBUFS || errno == EMSGSIZE));)
		left = zg_nft_recv(nft);
	return sendmsg(nft->fd, &msg, 0) == (ssize_t)len ? ZG_OK : ZG_ESYS;
}

ssize_t zg_nft_recv(struct zg_nft *nft)
{
	ssize_t len;
	do
		len = recv(nft->fd, nft->buf, ZG_NFT_BUF, MSG_DONTWAIT | MSG_TRUNC);
	while (len < 0 && errno == EINTR);
	if (len < 0 && errno == EAGAIN)
		return 0;
	if (len > (ssize_t)ZG_NFT_BUF) {
		errno = EMSGSIZE;
		return -1;
	}
	return len;
}

struct nlmsghdr *zg_nft_request(struct zg_nft *nft, void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	/* a dump ends by itself, everything else with an acknowledgement */
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags | (flags & NLM_F_DUMP ? 0 : NLM_F_ACK));
	nlh->nlmsg_seq = ++nft->seq;
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof *nfg);
	nfg->nfgen_family = NFPROTO_INET;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

enum zg_err zg_nft_ask(struct zg_nft *nft, const struct nlmsghdr *request, mnl_cb_t cb, void *data)
{
	enum zg_err err = zg_nft_send(nft, request, request->nlmsg_len);
	int more = MNL_CB_OK;
	while (err == ZG_OK && more == MNL_CB_OK) {
		ssize_t len = zg_nft_recv(nft);
		if (len == 0)
			errno = EPROTO; /* the answer had no end */
		if (len <= 0)
			return ZG_ESYS;
		more = mnl_cb_run(nft->buf, (size_t)len, request->nlmsg_seq, nft->portid, cb, data);
	}
	if (err != ZG_OK || more != MNL_CB_ERROR)
		return err;
	return errno == EINTR ? ZG_EAGAIN : errno == ENOENT ? ZG_ENOENT : errno == ENOMEM ? ZG_ENOMEM : ZG_ESYS;
}

static int take_genid(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	zg_attrs_of(attr, nlh)
	{
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			*(uint32_t *)data = ntohl(mnl_attr_get_u32(attr));
	}
	return MNL_CB_OK;
}

enum zg_err zg_nft_genid(struct zg_nft *nft, uint32_t *ret_id)
{
	char buf[256];
	uint32_t id = 0;
	struct nlmsghdr *nlh = zg_nft_request(nft, buf, NFT_MSG_GETGEN, 0);
	enum zg_err err = zg_nft_ask(nft, nlh, take_genid, &id);
	if (err == ZG_OK)
		*ret_id = id;
	return err;
}
