/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else changes the rule set: the kernel ends each transaction with a message that names the process. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nft/nft_int.h"

#define RCVBUF	     (256 * 1024) /* bytes: some hundred transactions between two looks; more are one change like any other */
#define HEARD_AT_ONCE 256	  /* messages */

static const int group = NFNLGRP_NFTABLES;

enum zg_err zg_nft_listen(struct zg_nft *nft)
{
	/* Only what begins with the end of a transaction: that comes by itself. The messages before it, one for each element, stay in
	 * the kernel. nlmsg_type is in host order, the filter loads in network order. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffffu),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { .len = sizeof code / sizeof code[0], .filter = code };
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	const int size = RCVBUF;

	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (fd < 0)
		return ZG_ESYS;
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
		close(fd);
		return ZG_ESYS;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	nft->listener = fd;
	return ZG_OK;
}

int zg_nft_listen_fd(const struct zg_nft *nft)
{
	return nft->listener;
}

void zg_nft_listen_pause(struct zg_nft *nft)
{
	if (nft->listener >= 0)
		(void)setsockopt(nft->listener, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof group);
}

void zg_nft_listen_resume(struct zg_nft *nft, uint32_t genid)
{
	uint32_t now;
	if (nft->listener < 0)
		return;
	if (setsockopt(nft->listener, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0 ||
	    zg_nft_genid(nft, &now) != ZG_OK || now != genid)
		nft->missed = true;
}

static void take_actor(const struct nlmsghdr *nlh, struct zg_nft_changes *changes)
{
	struct zg_nft_actor actor = { .pid = 0 };
	const struct nlattr *attr;

	zg_attrs_of(attr, nlh)
	{
		if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_PID && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			actor.pid = ntohl(mnl_attr_get_u32(attr));
		else if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_NAME && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			snprintf(actor.name, sizeof actor.name, "%s", mnl_attr_get_str(attr));
	}
	changes->any = true;
	for (size_t i = 0; i < changes->n; i++)
		if (changes->actors[i].pid == actor.pid)
			return;
	if (actor.name[0] != '\0' && changes->n < ZG_NFT_ACTORS)
		changes->actors[changes->n++] = actor;
}

void zg_nft_heard(struct zg_nft *nft, struct zg_nft_changes *ret_changes)
{
	uint8_t buf[4096] __attribute__((aligned(8)));

	*ret_changes = (struct zg_nft_changes){ .any = nft->missed };
	nft->missed = false;
	for (int i = 0; i < HEARD_AT_ONCE && nft->listener >= 0; i++) {
		ssize_t n = recv(nft->listener, buf, sizeof buf, 0);
		if (n < 0 && errno == ENOBUFS) {
			ret_changes->any = true;
			continue;
		}
		if (n <= 0)
			return;
		int len = (int)n;
		for (const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)buf; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len))
			if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN) && nlh->nlmsg_pid != nft->portid)
				take_actor(nlh, ret_changes);
	}
}
