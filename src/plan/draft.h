/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules in the making: one helper for each expression, shared by the files that write chains. */
#ifndef ZONEGATE_PLAN_DRAFT_H
#define ZONEGATE_PLAN_DRAFT_H

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "plan/compile.h"

#define LOG_SNAPLEN   128 /* bytes of a refused packet: both headers with options */
#define LOG_THRESHOLD 1	  /* packets per message: what is refused is told at once */

/* Registers, in words: a concatenation lies in one piece from word 0. */
#define W_IFNAME (ZG_IFNAME_LEN / 4)

/* A rule in the making. */
struct draft {
	struct zg_expr x[ZG_RULE_EXPRS_MAX];
	size_t n;
};

static inline void add(struct draft *d, struct zg_expr x)
{
	d->x[d->n++] = x;
}

static inline enum zg_err finish(struct draft *d, struct zg_chain *chain, unsigned line)
{
	enum zg_err err = zg_plan_rule(chain, d->x, d->n, line) == NULL ? ZG_ENOMEM : ZG_OK;
	d->n = 0;
	return err;
}

static inline void meta(struct draft *d, uint32_t key, uint8_t reg)
{
	add(d, (struct zg_expr){ .kind = ZG_X_META_LOAD, .key = key, .dreg = reg });
}

static inline void meta_set(struct draft *d, uint32_t key, uint8_t reg)
{
	add(d, (struct zg_expr){ .kind = ZG_X_META_SET, .key = key, .sreg = reg });
}

static inline void ct(struct draft *d, uint32_t key, uint8_t dir, uint8_t reg)
{
	add(d, (struct zg_expr){ .kind = ZG_X_CT_LOAD, .key = key, .dir = dir, .dreg = reg });
}

static inline void payload(struct draft *d, uint32_t base, uint32_t offset, uint32_t len, uint8_t reg)
{
	add(d, (struct zg_expr){ .kind = ZG_X_PAYLOAD, .base = base, .offset = offset, .len = len, .dreg = reg });
}

static inline void cmp(struct draft *d, uint32_t op, const void *data, uint32_t len)
{
	struct zg_expr x = { .kind = ZG_X_CMP, .op = op, .len = len };
	memcpy(x.data, data, len);
	add(d, x);
}

static inline void mask_u32(struct draft *d, uint32_t mask)
{
	struct zg_expr x = { .kind = ZG_X_BITWISE, .len = sizeof mask };
	memcpy(x.mask, &mask, sizeof mask);
	add(d, x);
}

static inline void value_u32(struct draft *d, uint32_t value, uint8_t reg)
{
	struct zg_expr x = { .kind = ZG_X_VALUE, .dreg = reg, .len = sizeof value };
	memcpy(x.data, &value, sizeof value);
	add(d, x);
}

static inline void lookup(struct draft *d, const char *set, bool inverted)
{
	add(d, (struct zg_expr){ .kind = ZG_X_LOOKUP, .dreg = ZG_REG_NONE, .inverted = inverted, .name = set });
}

static inline void map(struct draft *d, const char *set, uint8_t dreg)
{
	add(d, (struct zg_expr){ .kind = ZG_X_LOOKUP, .dreg = dreg, .name = set });
}

static inline void verdict(struct draft *d, int code, const char *chain)
{
	add(d, (struct zg_expr){ .kind = ZG_X_VERDICT, .op = (uint32_t)code, .name = chain });
}

static inline void counter(struct draft *d, const char *name)
{
	add(d, (struct zg_expr){ .kind = ZG_X_COUNTER, .name = name });
}

static inline void tell(struct draft *d, const char *prefix)
{
	add(d, (struct zg_expr){ .kind = ZG_X_LOG,
				 .name = prefix,
				 .group = ZG_PLAN_LOG_GROUP,
				 .snaplen = LOG_SNAPLEN,
				 .threshold = LOG_THRESHOLD });
}

/* Counted, told, dropped. */
static inline void refuse(struct draft *d, const char *count, const char *prefix)
{
	counter(d, count);
	tell(d, prefix);
	verdict(d, NF_DROP, NULL);
}

static inline void family(struct draft *d, const struct zg_family_desc *fam)
{
	meta(d, NFT_META_NFPROTO, 0);
	cmp(d, NFT_CMP_EQ, &fam->nfproto, 1);
}

/* iifname . source address, in words 0 ... */
static inline void iface_and_source(struct draft *d, const struct zg_family_desc *fam)
{
	meta(d, NFT_META_IIFNAME, 0);
	payload(d, NFT_PAYLOAD_NETWORK_HEADER, fam->saddr, fam->len, W_IFNAME);
}

static inline struct zg_chain *base_chain(struct zg_table *table, const char *name, uint32_t hook, int32_t priority,
					  uint32_t policy)
{
	struct zg_chain *chain = zg_plan_chain(table, name, 0);
	if (chain != NULL) {
		chain->base = true;
		chain->hook = hook;
		chain->priority = priority;
		chain->policy = policy;
	}
	return chain;
}

/* state & mask == 0 refuses, or != 0, by op. */
static inline void ct_bits(struct draft *d, uint32_t key, uint32_t mask, uint32_t op)
{
	static const uint32_t zero = 0;
	ct(d, key, ZG_DIR_NONE, 0);
	mask_u32(d, mask);
	cmp(d, op, &zero, sizeof zero);
}

#endif
