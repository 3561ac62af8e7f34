/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/ct.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PART 32768 /* bytes that the kernel gives at once */

struct zg_ct {
	int list, remove; /* two sockets: an answer to a removal does not come amid a list */
	uint32_t seq;
	uint8_t buf[PART] __attribute__((aligned(8)));
};

static int open_socket(void)
{
	struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&local, sizeof local) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

enum zg_err zg_ct_open(struct zg_ct **ret_ct)
{
	struct zg_ct *ct = calloc(1, sizeof *ct);
	if (ct == NULL)
		return ZG_ENOMEM;
	ct->list = open_socket();
	ct->remove = open_socket();
	if (ct->list < 0 || ct->remove < 0) {
		zg_ct_close(ct);
		return ZG_ESYS;
	}
	*ret_ct = ct;
	return ZG_OK;
}

void zg_ct_close(struct zg_ct *ct)
{
	if (ct == NULL)
		return;
	if (ct->list >= 0)
		close(ct->list);
	if (ct->remove >= 0)
		close(ct->remove);
	free(ct);
}

static struct nlmsghdr *request(struct zg_ct *ct, void *buf, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++ct->seq;
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof *nfg);
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

static enum zg_err send_request(int fd, const struct nlmsghdr *nlh)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	return sendto(fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) == (ssize_t)nlh->nlmsg_len ? ZG_OK : ZG_ESYS;
}

enum zg_err zg_ct_list(struct zg_ct *ct)
{
	uint8_t buf[64] __attribute__((aligned(8)));
	return send_request(ct->list, request(ct, buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC));
}

/* --- an entry ------------------------------------------------------------------------------------------- */

static void take_addr(const struct nlattr *attr, uint8_t family, struct zg_addr *ret_addr)
{
	if (mnl_attr_get_payload_len(attr) != zg_addr_len(family))
		return;
	ret_addr->family = family;
	memcpy(ret_addr->b, mnl_attr_get_payload(attr), zg_addr_len(family));
}

static int take_ip(const struct nlattr *attr, void *data)
{
	struct zg_tuple *t = data;
	switch (mnl_attr_get_type(attr)) {
	case CTA_IP_V4_SRC:
		take_addr(attr, ZG_IPV4, &t->client);
		break;
	case CTA_IP_V4_DST:
		take_addr(attr, ZG_IPV4, &t->server);
		break;
	case CTA_IP_V6_SRC:
		take_addr(attr, ZG_IPV6, &t->client);
		break;
	case CTA_IP_V6_DST:
		take_addr(attr, ZG_IPV6, &t->server);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int take_proto(const struct nlattr *attr, void *data)
{
	struct zg_tuple *t = data;
	const uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);
	if (type == CTA_PROTO_NUM && len == 1)
		t->protocol = mnl_attr_get_u8(attr);
	else if (type == CTA_PROTO_SRC_PORT && len == 2)
		t->client_port = ntohs(mnl_attr_get_u16(attr));
	else if (type == CTA_PROTO_DST_PORT && len == 2)
		t->server_port = ntohs(mnl_attr_get_u16(attr));
	return MNL_CB_OK;
}

static int take_tuple(const struct nlattr *attr, void *data)
{
	switch (mnl_attr_get_type(attr)) {
	case CTA_TUPLE_IP:
		return mnl_attr_parse_nested(attr, take_ip, data);
	case CTA_TUPLE_PROTO:
		return mnl_attr_parse_nested(attr, take_proto, data);
	default:
		return MNL_CB_OK;
	}
}

static int take_tcp(const struct nlattr *attr, void *data)
{
	struct zg_ct_entry *entry = data;
	if (mnl_attr_get_type(attr) == CTA_PROTOINFO_TCP_STATE && mnl_attr_get_payload_len(attr) == 1)
		entry->over = mnl_attr_get_u8(attr) >= TCP_CONNTRACK_LAST_ACK;
	return MNL_CB_OK;
}

static int take_protoinfo(const struct nlattr *attr, void *data)
{
	return mnl_attr_get_type(attr) == CTA_PROTOINFO_TCP ? mnl_attr_parse_nested(attr, take_tcp, data) : MNL_CB_OK;
}

static int take_entry(const struct nlattr *attr, void *data)
{
	struct zg_ct_entry *entry = data;
	switch (mnl_attr_get_type(attr)) {
	case CTA_TUPLE_ORIG:
		return mnl_attr_parse_nested(attr, take_tuple, &entry->tuple);
	case CTA_PROTOINFO:
		return mnl_attr_parse_nested(attr, take_protoinfo, entry);
	default:
		return MNL_CB_OK;
	}
}

struct receiver {
	void (*fn)(void *ctx, const struct zg_ct_entry *entry);
	void *ctx;
};

static int on_entry(const struct nlmsghdr *nlh, void *data)
{
	const struct receiver *r = data;
	struct zg_ct_entry entry = { .message = nlh };

	if (nlh->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
	    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_entry, &entry) < 0)
		return MNL_CB_OK;
	if (entry.tuple.client.family != 0 && entry.tuple.client.family == entry.tuple.server.family)
		r->fn(r->ctx, &entry);
	return MNL_CB_OK;
}

enum zg_err zg_ct_next(struct zg_ct *ct, void (*fn)(void *ctx, const struct zg_ct_entry *entry), void *ctx)
{
	struct receiver r = { fn, ctx };
	const ssize_t len = recv(ct->list, ct->buf, sizeof ct->buf, MSG_DONTWAIT);
	if (len <= 0)
		return len < 0 && errno == EINTR ? ZG_EAGAIN : ZG_ESYS;
	switch (mnl_cb_run(ct->buf, (size_t)len, 0, 0, on_entry, &r)) {
	case MNL_CB_STOP:
		return ZG_OK;
	case MNL_CB_ERROR:
		return ZG_EKERNEL;
	default:
		return ZG_EAGAIN;
	}
}

static int copy_identity(const struct nlattr *attr, void *data)
{
	struct nlmsghdr *to = data;
	const uint16_t type = mnl_attr_get_type(attr);
	/* with its id: another one between the same ends is not meant */
	if (type == CTA_TUPLE_ORIG || type == CTA_ID || type == CTA_ZONE)
		mnl_attr_put(to, attr->nla_type, mnl_attr_get_payload_len(attr), mnl_attr_get_payload(attr));
	return MNL_CB_OK;
}

enum zg_err zg_ct_remove(struct zg_ct *ct, const struct zg_ct_entry *entry)
{
	uint8_t buf[1024] __attribute__((aligned(8))), answer[1024] __attribute__((aligned(8)));
	const struct nlmsghdr *from = entry->message;
	struct nlmsghdr *nlh = request(ct, buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, entry->tuple.client.family == ZG_IPV4 ? AF_INET : AF_INET6);

	if (mnl_attr_parse(from, sizeof(struct nfgenmsg), copy_identity, nlh) < 0)
		return ZG_EINVAL;
	enum zg_err err = send_request(ct->remove, nlh);
	if (err != ZG_OK)
		return err;
	const ssize_t len = recv(ct->remove, answer, sizeof answer, MSG_DONTWAIT);
	if (len <= 0)
		return ZG_ESYS;
	if (mnl_cb_run(answer, (size_t)len, nlh->nlmsg_seq, 0, NULL, NULL) != MNL_CB_ERROR)
		return ZG_OK;
	return errno == ENOENT ? ZG_ENOENT : ZG_EKERNEL;
}
