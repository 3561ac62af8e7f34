/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the two ways into a queue this kernel has, and whether a table can outlive its owner. */
#include <linux/netfilter/nf_tables.h>

#include "nft/nft_int.h"

#define PROBE_TABLE "zonegate_probe" /* exists only inside of a batch that has no end */

/* A table with these flags and, if there is one, this rule: would the kernel take it? */
static enum zg_err try_once(struct zg_nft *nft, uint32_t flags, const struct zg_rule *rule)
{
	const struct zg_chain chain = { .name = "queue" };
	const struct zg_plan plan = { .n_flows = 0 };
	struct zg_batch b;
	struct zg_diags ignored;
	uint32_t genid;
	enum zg_err err = zg_nft_genid(nft, &genid);
	if (err != ZG_OK)
		return err;
	zg_diags_init(&ignored);
	zg_batch_begin(&b, nft->seq + 1, genid);
	b.table = PROBE_TABLE;
	zg_put_table(&b, flags);
	if (rule != NULL) {
		zg_put_chain(&b, &chain);
		zg_put_rule(&b, &chain, rule);
	}
	zg_batch_end(&b, false);
	err = zg_nft_transact(nft, &b, &plan, &ignored);
	zg_batch_free(&b);
	zg_diags_free(&ignored);
	return err;
}

static enum zg_err try(struct zg_nft *nft, uint32_t flags, const struct zg_rule *rule)
{
	enum zg_err err = ZG_EAGAIN;
	for (int tries = 0; tries < 10 && err == ZG_EAGAIN; tries++)
		err = try_once(nft, flags, rule);
	return err;
}

enum zg_err zg_nft_probe(struct zg_nft *nft, enum zg_queue_kind *ret_queue)
{
	static const struct {
		enum zg_expr_kind expr;
		enum zg_queue_kind kind;
	} kinds[] = { { ZG_X_QUEUE, ZG_QUEUE_NATIVE }, { ZG_X_TARGET, ZG_QUEUE_TARGET } };

	nft->persist = try(nft, NFT_TABLE_F_OWNER | ZG_TABLE_F_PERSIST, NULL) == ZG_OK;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct zg_expr queue = { .kind = kinds[i].expr, .group = 1, .modulus = 1 };
		const struct zg_rule rule = { .exprs = &queue, .n = 1 };
		enum zg_err err = try(nft, 0, &rule);
		if (err == ZG_OK)
			*ret_queue = kinds[i].kind;
		if (err != ZG_EKERNEL)
			return err;
	}
	return ZG_ENOTSUP;
}
