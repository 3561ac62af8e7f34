/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel would do with one packet under a plan: an interpreter of the expressions of src/plan/plan.h, written from
 * the kernel's nft_*.c and nothing of ours, so that a plan that was read back can be asked.
 */
#ifndef ZONEGATE_TEST_PLAN_EVAL_H
#define ZONEGATE_TEST_PLAN_EVAL_H

#include <check.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "plan/plan.h"

/* A packet as the hooks see it. Numbers in host order unless said otherwise. */
struct eval_packet {
	uint8_t nfproto, l4proto;
	char iif[16], oif[16];
	uint16_t iiftype, oiftype;
	uint32_t mark;
	uint8_t network[40]; /* the IP header */
	uint8_t transport[20];
	uint8_t ether[14];
	/* conntrack */
	bool tracked;
	uint32_t state, status; /* bits */
	uint8_t direction, ct_protocol;
	uint8_t ct_src[16], ct_dst[16]; /* of the original direction */
	uint8_t ct_sport[2], ct_dport[2]; /* network order */
};

enum eval_verdict { EVAL_CONTINUE, EVAL_RETURN, EVAL_DROP, EVAL_ACCEPT, EVAL_QUEUE };

struct eval {
	const struct zg_table *table;
	struct eval_packet *packet;
	uint8_t regs[64];
	const char *counter; /* the last one that counted it */
	unsigned depth;
};

/* A value shorter than its words leaves zeros behind it. */
static inline void eval_store(struct eval *e, uint8_t reg, const void *bytes, size_t len)
{
	ck_assert_uint_le(reg * 4u + ((len + 3) & ~(size_t)3), sizeof e->regs);
	memset(e->regs + reg * 4, 0, (len + 3) & ~(size_t)3);
	memcpy(e->regs + reg * 4, bytes, len);
}

/* False: the rule ends here (NFT_BREAK). */
static inline bool eval_meta(struct eval *e, const struct zg_expr *x)
{
	const struct eval_packet *p = e->packet;
	switch (x->key) {
	case NFT_META_NFPROTO:
		eval_store(e, x->dreg, &p->nfproto, 1);
		return true;
	case NFT_META_L4PROTO:
		eval_store(e, x->dreg, &p->l4proto, 1);
		return true;
	case NFT_META_IIFNAME:
		eval_store(e, x->dreg, p->iif, 16);
		return true;
	case NFT_META_OIFNAME:
		eval_store(e, x->dreg, p->oif, 16);
		return true;
	case NFT_META_IIFTYPE:
		eval_store(e, x->dreg, &p->iiftype, 2);
		return p->iif[0] != '\0';
	case NFT_META_OIFTYPE:
		eval_store(e, x->dreg, &p->oiftype, 2);
		return p->oif[0] != '\0';
	case NFT_META_MARK:
		eval_store(e, x->dreg, &p->mark, 4);
		return true;
	default:
		ck_abort_msg("meta key %u", x->key);
	}
	return false;
}

static inline bool eval_ct(struct eval *e, const struct zg_expr *x)
{
	const struct eval_packet *p = e->packet;
	if (x->key == NFT_CT_STATE) {
		eval_store(e, x->dreg, &p->state, 4);
		return true;
	}
	if (!p->tracked)
		return false;
	/* an address of the other family is none */
	if (((x->key == NFT_CT_SRC_IP || x->key == NFT_CT_DST_IP) && p->nfproto != NFPROTO_IPV4) ||
	    ((x->key == NFT_CT_SRC_IP6 || x->key == NFT_CT_DST_IP6) && p->nfproto != NFPROTO_IPV6))
		return false;
	ck_assert(x->dir == ZG_DIR_NONE || x->dir == 0); /* no plan asks for the reply's tuple */
	switch (x->key) {
	case NFT_CT_STATUS:
		eval_store(e, x->dreg, &p->status, 4);
		return true;
	case NFT_CT_DIRECTION:
		eval_store(e, x->dreg, &p->direction, 1);
		return true;
	case NFT_CT_PROTOCOL:
		eval_store(e, x->dreg, &p->ct_protocol, 1);
		return true;
	case NFT_CT_SRC_IP:
	case NFT_CT_SRC_IP6:
		eval_store(e, x->dreg, p->ct_src, x->key == NFT_CT_SRC_IP ? 4 : 16);
		return true;
	case NFT_CT_DST_IP:
	case NFT_CT_DST_IP6:
		eval_store(e, x->dreg, p->ct_dst, x->key == NFT_CT_DST_IP ? 4 : 16);
		return true;
	case NFT_CT_PROTO_SRC:
		eval_store(e, x->dreg, p->ct_sport, 2);
		return true;
	case NFT_CT_PROTO_DST:
		eval_store(e, x->dreg, p->ct_dport, 2);
		return true;
	default:
		ck_abort_msg("ct key %u", x->key);
	}
	return false;
}

static inline void eval_payload(struct eval *e, const struct zg_expr *x)
{
	const struct eval_packet *p = e->packet;
	const uint8_t *base = x->base == NFT_PAYLOAD_LL_HEADER	      ? p->ether
			      : x->base == NFT_PAYLOAD_NETWORK_HEADER ? p->network
								      : p->transport;
	const size_t size = x->base == NFT_PAYLOAD_LL_HEADER	    ? sizeof p->ether
			    : x->base == NFT_PAYLOAD_NETWORK_HEADER ? sizeof p->network
								    : sizeof p->transport;
	ck_assert_uint_le(x->offset + x->len, size);
	eval_store(e, x->dreg, base + x->offset, x->len);
}

static inline bool eval_cmp(const struct eval *e, const struct zg_expr *x)
{
	const int order = memcmp(e->regs + x->sreg * 4, x->data, x->len);
	ck_assert(x->op == NFT_CMP_EQ || x->op == NFT_CMP_NEQ);
	return (order == 0) == (x->op == NFT_CMP_EQ);
}

static inline void eval_bitwise(struct eval *e, const struct zg_expr *x)
{
	for (uint32_t i = 0; i < x->len; i++)
		e->regs[x->dreg * 4 + i] = (e->regs[x->sreg * 4 + i] & x->mask[i]) ^ x->data[i];
}

static inline bool eval_elem_has(const struct zg_set *set, const struct zg_elem *elem, const uint8_t *key)
{
	size_t at = 0;
	for (size_t i = 0; i < set->n_fields; i++) {
		const uint8_t *end = set->interval ? elem->end : elem->key;
		if (memcmp(key + at, elem->key + at, set->fields[i].len) < 0 || memcmp(key + at, end + at, set->fields[i].len) > 0)
			return false;
		at += zg_field_padded(&set->fields[i]);
	}
	return true;
}

static inline enum eval_verdict eval_chain(struct eval *e, const char *name);

/* True and *ret_verdict: the rule ends here, with that verdict; CONTINUE goes on with the next rule. */
static inline bool eval_lookup(struct eval *e, const struct zg_expr *x, enum eval_verdict *ret_verdict)
{
	const struct zg_set *set = zg_table_find_set(e->table, x->name);
	const struct zg_elem *found = NULL;
	ck_assert_ptr_nonnull(set);
	for (size_t i = 0; i < set->n_elems && found == NULL; i++)
		if (eval_elem_has(set, &set->elems[i], e->regs + x->sreg * 4))
			found = &set->elems[i];
	*ret_verdict = EVAL_CONTINUE;
	if (x->dreg == ZG_REG_NONE)
		return (found != NULL) == x->inverted;
	if (found == NULL)
		return true;
	if (x->dreg != ZG_REG_VERDICT) {
		eval_store(e, x->dreg, &found->mark, 4);
		return false;
	}
	*ret_verdict = eval_chain(e, found->chain);
	/* after goto nothing is left of this chain */
	if (found->verdict == (uint32_t)NFT_GOTO && (*ret_verdict == EVAL_CONTINUE || *ret_verdict == EVAL_RETURN))
		*ret_verdict = EVAL_RETURN;
	else if (*ret_verdict == EVAL_RETURN)
		*ret_verdict = EVAL_CONTINUE;
	return true;
}

static inline enum eval_verdict eval_verdict_of(struct eval *e, const struct zg_expr *x)
{
	enum eval_verdict v;
	switch ((int)x->op) {
	case NF_DROP:
		return EVAL_DROP;
	case NF_ACCEPT:
		return EVAL_ACCEPT;
	case NFT_RETURN:
		return EVAL_RETURN;
	case NFT_GOTO:
		v = eval_chain(e, x->name);
		return v == EVAL_CONTINUE ? EVAL_RETURN : v;
	case NFT_JUMP:
		v = eval_chain(e, x->name);
		return v == EVAL_RETURN ? EVAL_CONTINUE : v;
	default:
		ck_abort_msg("verdict %d", (int)x->op);
	}
	return EVAL_DROP;
}

static inline enum eval_verdict eval_rule(struct eval *e, const struct zg_rule *rule)
{
	const uint32_t zero = 0;
	enum eval_verdict v;
	for (size_t i = 0; i < rule->n; i++) {
		const struct zg_expr *x = &rule->exprs[i];
		switch (x->kind) {
		case ZG_X_META_LOAD:
			if (!eval_meta(e, x))
				return EVAL_CONTINUE;
			break;
		case ZG_X_META_SET:
			ck_assert_uint_eq(x->key, NFT_META_MARK);
			memcpy(&e->packet->mark, e->regs + x->sreg * 4, 4);
			break;
		case ZG_X_CT_LOAD:
			if (!eval_ct(e, x))
				return EVAL_CONTINUE;
			break;
		case ZG_X_PAYLOAD:
			eval_payload(e, x);
			break;
		case ZG_X_CMP:
			if (!eval_cmp(e, x))
				return EVAL_CONTINUE;
			break;
		case ZG_X_BITWISE:
			eval_bitwise(e, x);
			break;
		case ZG_X_LOOKUP:
			if (eval_lookup(e, x, &v))
				return v;
			break;
		case ZG_X_VALUE:
			eval_store(e, x->dreg, x->data, x->len);
			break;
		case ZG_X_VERDICT:
			return eval_verdict_of(e, x);
		case ZG_X_COUNTER:
			e->counter = x->name;
			break;
		case ZG_X_HASH:
			eval_store(e, x->dreg, &zero, 4); /* any of the queues */
			break;
		case ZG_X_LOG:
			break;
		case ZG_X_DYNSET: /* remembers it; with a rate, goes on for what is beyond */
			if (x->rate > 0)
				return EVAL_CONTINUE;
			break;
		case ZG_X_LIMIT: /* true beyond: the first packet is never too many */
		case ZG_X_CONNLIMIT:
			return EVAL_CONTINUE;
		case ZG_X_QUEUE:
		case ZG_X_TARGET:
			return EVAL_QUEUE;
		default:
			ck_abort_msg("an expression that no plan holds: %s", x->name);
		}
	}
	return EVAL_CONTINUE;
}

static inline enum eval_verdict eval_chain(struct eval *e, const char *name)
{
	const struct zg_chain *chain = zg_table_find_chain(e->table, name);
	enum eval_verdict v = EVAL_CONTINUE;
	ck_assert_ptr_nonnull(chain);
	ck_assert_uint_lt(++e->depth, 16);
	for (size_t i = 0; i < chain->n_rules && v == EVAL_CONTINUE; i++)
		v = eval_rule(e, &chain->rules[i]);
	e->depth--;
	if (chain->base && (v == EVAL_CONTINUE || v == EVAL_RETURN))
		v = chain->policy == NF_DROP ? EVAL_DROP : EVAL_ACCEPT;
	return v;
}

/* The verdict of a table's base chain; the packet's mark is changed as the rules say. */
static inline enum eval_verdict eval_run(const struct zg_table *table, const char *chain, struct eval_packet *packet,
					 const char **ret_counter)
{
	struct eval e = { .table = table, .packet = packet };
	enum eval_verdict v = eval_chain(&e, chain);
	*ret_counter = e.counter;
	return v;
}

#endif
