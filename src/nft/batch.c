/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A transaction is one buffer that grows, and one sendmsg(): a buffer that is flushed in the middle is two. */
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"

static bool reserve(struct zg_batch *b)
{
	if (b->failed)
		return false;
	if (b->cap - b->len < 2 * ZG_BATCH_MESSAGE) {
		size_t cap = b->cap * 2 + 4 * ZG_BATCH_MESSAGE;
		uint8_t *data = realloc(b->data, cap);
		if (data == NULL) {
			b->failed = true;
			return false;
		}
		b->data = data;
		b->cap = cap;
	}
	if ((b->n & (b->n - 1)) == 0) {
		struct zg_origin *origins = reallocarray(b->origins, b->n == 0 ? 1 : b->n * 2, sizeof *origins);
		if (origins == NULL) {
			b->failed = true;
			return false;
		}
		b->origins = origins;
	}
	return true;
}

/* type is complete, with the subsystem. */
static struct nlmsghdr *start(struct zg_batch *b, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id,
			      struct zg_origin origin)
{
	if (!reserve(b))
		return NULL;
	origin.at = b->len;
	b->origins[b->n] = origin;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(b->data + b->len);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = b->seq + (uint32_t)b->n;
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof *nfg);
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

void zg_batch_finish(struct zg_batch *b, const struct nlmsghdr *nlh)
{
	b->len += zg_padded(nlh->nlmsg_len);
	b->n++;
}

void zg_batch_begin(struct zg_batch *b, uint32_t seq, uint32_t genid)
{
	*b = (struct zg_batch){ .seq = seq, .genid = genid };
	struct nlmsghdr *nlh = start(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES,
				     (struct zg_origin){ .what = "transaction" });
	if (nlh == NULL)
		return;
	mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(genid));
	zg_batch_finish(b, nlh);
}

struct nlmsghdr *zg_batch_message(struct zg_batch *b, uint16_t type, uint16_t flags, struct zg_origin origin)
{
	return start(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0, origin);
}

void zg_batch_end(struct zg_batch *b, bool commit)
{
	if (b->failed)
		return;
	struct nlmsghdr *last = (struct nlmsghdr *)(void *)(b->data + b->origins[b->n - 1].at);
	last->nlmsg_flags |= NLM_F_ACK;
	struct nlmsghdr *nlh = commit ? start(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES,
					      (struct zg_origin){ .what = "transaction" })
				      : NULL;
	if (nlh != NULL)
		zg_batch_finish(b, nlh);
	b->commits = nlh != NULL;
}

void zg_batch_free(struct zg_batch *b)
{
	free(b->data);
	free(b->origins);
	*b = (struct zg_batch){ 0 };
}
