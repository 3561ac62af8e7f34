/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends a transaction; turns what the kernel says to it into lines of the configuration. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/socket.h>

#include "nft/nft_int.h"

#define TOLD_BYTES (64u * 1024) /* beyond, a transaction of ours is not told to ourselves: the kernel makes a message of each element */

struct answers {
	const struct zg_batch *b;
	const struct zg_plan *plan;
	struct zg_diags *diags;
	bool done;     /* the last message was acknowledged */
	bool conflict; /* somebody committed in between */
	bool lost;     /* an answer did not fit */
	enum zg_err err;
};

/* The extended acknowledgement: the kernel's words, and where in the message. */
struct ext {
	char text[128];
	uint32_t offset; /* 0 = not said */
};

static void take_ext(const struct nlmsghdr *nlh, struct ext *ret)
{
	*ret = (struct ext){ .offset = 0 };
	/* with NETLINK_CAP_ACK only the header of the refused message is there */
	size_t at = sizeof(struct nlmsgerr);
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		at += zg_padded(e->msg.nlmsg_len) - sizeof(struct nlmsghdr);
	if (at > mnl_nlmsg_get_payload_len(nlh))
		return;
	const struct nlattr *attr;
	zg_attrs(attr, (const void *)((const char *)e + at), mnl_nlmsg_get_payload_len(nlh) - at)
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(ret->text, sizeof ret->text, "%.*s", (int)mnl_attr_get_payload_len(attr),
				 mnl_attr_get_str(attr));
		else if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS &&
			 mnl_attr_get_payload_len(attr) >= sizeof(uint32_t))
			ret->offset = mnl_attr_get_u32(attr);
	}
}

/* Value of a nested key attribute of an element. */
static const void *elem_key(const struct nlattr *elem, uint16_t type, size_t *ret_len)
{
	const struct nlattr *attr, *data;
	zg_attrs_in(attr, elem)
	{
		if (mnl_attr_get_type(attr) != type)
			continue;
		zg_attrs_in(data, attr)
		{
			*ret_len = mnl_attr_get_payload_len(data);
			return mnl_attr_get_payload(data);
		}
	}
	return NULL;
}

static const struct zg_elem *find_elem(const struct zg_origin *o, const struct nlattr *attr)
{
	size_t key_len = 0, end_len = 0;
	const void *key = elem_key(attr, NFTA_SET_ELEM_KEY, &key_len);
	const void *end = elem_key(attr, NFTA_SET_ELEM_KEY_END, &end_len);
	for (size_t i = o->first; i < o->set->n_elems && key != NULL && key_len <= ZG_PLAN_KEY_MAX; i++) {
		const struct zg_elem *e = &o->set->elems[i];
		if (memcmp(e->key, key, key_len) == 0 &&
		    (end == NULL || (end_len <= ZG_PLAN_KEY_MAX && memcmp(e->end, end, end_len) == 0)))
			return e;
	}
	return NULL;
}

/* The element of our own message that the offset points into; NULL = unknown. */
static const struct zg_elem *elem_at(const struct zg_batch *b, const struct zg_origin *o, uint32_t offset)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)(b->data + o->at);
	const struct nlattr *attr, *elem;
	if (o->set == NULL || offset == 0)
		return NULL;
	zg_attrs_of(attr, nlh)
	{
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		zg_attrs_in(elem, attr)
		{
			size_t begin = (size_t)((const uint8_t *)elem - (const uint8_t *)nlh);
			if (offset >= begin && offset < begin + zg_padded(elem->nla_len))
				return find_elem(o, elem);
		}
	}
	return NULL;
}

static void say(struct answers *a, const struct zg_origin *o, int error, const struct ext *ext)
{
	const struct zg_elem *elem = elem_at(a->b, o, ext->offset);
	const char *colon = ext->text[0] != '\0' ? ": " : "";
	const char *hint = error == ENOENT || error == EOPNOTSUPP ? "the kernel may lack a feature of nf_tables"
			   : error == EPERM ? "the daemon needs CAP_NET_ADMIN, and only one may run"
					    : NULL;
	if (elem != NULL && elem->flow > 0 && elem->flow <= a->plan->n_flows)
		zg_diag_add(a->diags, ZG_DIAG_ERROR, elem->line, 0, hint,
			    "the kernel refused an element of flow \"%s\": %s%s%s", a->plan->flows[elem->flow - 1],
			    strerror(error), colon, ext->text);
	else
		zg_diag_add(a->diags, ZG_DIAG_ERROR, elem != NULL ? elem->line : o->line, 0, hint,
			    "the kernel refused the %s%s%s: %s%s%s", o->what, o->name != NULL ? " " : "",
			    o->name != NULL ? o->name : "", strerror(error), colon, ext->text);
}

static void take_answer(struct answers *a, const struct nlmsghdr *nlh)
{
	const uint32_t index = nlh->nlmsg_seq - a->b->seq;
	if (nlh->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nlmsgerr) ||
	    index >= a->b->n)
		return;
	const int error = -((const struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
	struct ext ext;
	if (error == 0) {
		a->done = true;
		return;
	}
	if (error == ERESTART) {
		a->conflict = true;
		return;
	}
	take_ext(nlh, &ext);
	say(a, &a->b->origins[index], error, &ext);
	if (a->err == ZG_OK)
		a->err = error == EPERM ? ZG_EPERM : error == ENOMEM ? ZG_ENOMEM : ZG_EKERNEL;
}

static void take_datagram(struct zg_nft *nft, struct answers *a, int len)
{
	for (const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)nft->buf; mnl_nlmsg_ok(nlh, len);
	     nlh = mnl_nlmsg_next(nlh, &len))
		take_answer(a, nlh);
}

static enum zg_err transact(struct zg_nft *nft, const struct zg_batch *b, const struct zg_plan *plan, struct zg_diags *diags)
{
	struct answers a = { .b = b, .plan = plan, .diags = diags };
	if (b->failed)
		return ZG_ENOMEM;
	nft->seq = b->seq + (uint32_t)b->n;
	if (zg_nft_send(nft, b->data, b->len) != ZG_OK) {
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "a transaction of %zu bytes cannot be sent: %s", b->len,
			    strerror(errno));
		return ZG_ESYS;
	}
	for (;;) {
		ssize_t len = zg_nft_recv(nft);
		if (len == 0)
			break;
		if (len > 0)
			take_datagram(nft, &a, (int)len);
		else if (errno == ENOBUFS || errno == EMSGSIZE)
			a.lost = true;
		else
			return ZG_ESYS;
	}
	if (a.conflict)
		return ZG_EAGAIN;
	/* refused is refused; where words were lost, what is read back after a commit decides */
	if (a.err != ZG_OK || a.done || (a.lost && b->commits))
		return a.err;
	zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "the kernel did not answer a transaction");
	return ZG_EKERNEL;
}

enum zg_err zg_nft_transact(struct zg_nft *nft, const struct zg_batch *b, const struct zg_plan *plan,
			    struct zg_diags *diags)
{
	const bool large = b->commits && b->genid != 0 && b->len > TOLD_BYTES;
	if (large)
		zg_nft_listen_pause(nft);
	enum zg_err err = transact(nft, b, plan, diags);
	if (large)
		zg_nft_listen_resume(nft, b->genid + (err == ZG_OK));
	return err;
}
