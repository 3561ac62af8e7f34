/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Elements of a set, read back. There may be a million: straight from the attributes into the plan's array. */
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"

#define IS_END UINT32_MAX /* in flow, which is not read back otherwise */
#define ASK_ELEMS 512u			     /* of one question: their answers, a page each, fit the receive buffer */
#define ASK_BYTES (32u + 2 * ZG_PLAN_KEY_MAX) /* of one key with its end and their attributes */

struct elem_reader {
	struct zg_plan *plan;
	struct zg_set *set;
	const char *chain; /* the last verdict's: many elements go to the same */
	enum zg_err err;
};

static void take_key(const struct nlattr *attr, uint8_t key[static ZG_PLAN_KEY_MAX])
{
	const struct nlattr *data;
	zg_attrs_in(data, attr)
	{
		if (mnl_attr_get_type(data) == NFTA_DATA_VALUE && mnl_attr_get_payload_len(data) <= ZG_PLAN_KEY_MAX)
			memcpy(key, mnl_attr_get_payload(data), mnl_attr_get_payload_len(data));
	}
}

static void take_verdict(struct elem_reader *r, const struct nlattr *verdict, struct zg_elem *elem)
{
	const struct nlattr *attr;
	zg_attrs_in(attr, verdict)
	{
		if (mnl_attr_get_type(attr) == NFTA_VERDICT_CODE && mnl_attr_validate(attr, MNL_TYPE_U32) == 0) {
			elem->verdict = ntohl(mnl_attr_get_u32(attr));
		} else if (mnl_attr_get_type(attr) == NFTA_VERDICT_CHAIN &&
			   mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0) {
			if (r->chain == NULL || strcmp(r->chain, mnl_attr_get_str(attr)) != 0)
				r->chain = zg_plan_str(r->plan, mnl_attr_get_str(attr));
			if (r->chain == NULL)
				r->err = ZG_ENOMEM;
			elem->chain = r->chain;
		}
	}
}

static void take_data(struct elem_reader *r, const struct nlattr *data, struct zg_elem *elem)
{
	const struct nlattr *attr;
	zg_attrs_in(attr, data)
	{
		if (mnl_attr_get_type(attr) == NFTA_DATA_VALUE && mnl_attr_get_payload_len(attr) == sizeof elem->mark)
			memcpy(&elem->mark, mnl_attr_get_payload(attr), sizeof elem->mark);
		else if (mnl_attr_get_type(attr) == NFTA_DATA_VERDICT)
			take_verdict(r, attr, elem);
	}
}

/* NFTA_EXPR_NAME "counter", NFTA_EXPR_DATA { packets, bytes }. */
static void take_counter(const struct nlattr *expr, struct zg_elem *elem)
{
	const struct nlattr *attr, *value;
	zg_attrs_in(attr, expr)
	{
		if (mnl_attr_get_type(attr) != NFTA_EXPR_DATA)
			continue;
		zg_attrs_in(value, attr)
		{
			if (mnl_attr_validate(value, MNL_TYPE_U64) != 0)
				continue;
			if (mnl_attr_get_type(value) == NFTA_COUNTER_PACKETS)
				elem->packets = be64toh(mnl_attr_get_u64(value));
			else if (mnl_attr_get_type(value) == NFTA_COUNTER_BYTES)
				elem->bytes = be64toh(mnl_attr_get_u64(value));
		}
	}
}

/* The end of an interval of one field, until join_ends() has it; a catch-all, or another end: no plan has either. */
static void take_flags(struct elem_reader *r, const struct nlattr *attr, struct zg_elem *elem)
{
	const uint32_t flags = mnl_attr_validate(attr, MNL_TYPE_U32) == 0 ? ntohl(mnl_attr_get_u32(attr)) : 0;
	if (flags == NFT_SET_ELEM_INTERVAL_END && r->set->interval && r->set->n_fields == 1)
		elem->flow = IS_END;
	else if (flags != 0)
		r->set->other |= flags << 24;
}

static int compare_ends(const void *a_, const void *b_)
{
	const struct zg_elem *a = a_, *b = b_;
	int order = memcmp(a->key, b->key, sizeof a->key);
	return order != 0 ? order : (a->flow != IS_END) - (b->flow != IS_END);
}

/* Of an interval set of one field: each beginning gets the end that follows it, the last one may have none. An end without
 * a beginning, as some kernels put one at zero, is nothing. */
static void join_ends(struct zg_set *set)
{
	const size_t key_len = zg_set_key_len(set);
	size_t kept = 0;
	bool open = false;
	if (set->n_elems > 1)
		qsort(set->elems, set->n_elems, sizeof *set->elems, compare_ends);
	for (size_t i = 0; i < set->n_elems; i++) {
		struct zg_elem *elem = &set->elems[i];
		struct zg_elem *last = open ? &set->elems[kept - 1] : NULL;
		if (last != NULL) {
			memcpy(last->end, elem->key, key_len);
			for (size_t k = key_len; k > 0 && last->end[k - 1]-- == 0;)
				k--;
		}
		open = elem->flow != IS_END;
		if (open)
			set->elems[kept++] = *elem;
	}
	if (open)
		memset(set->elems[kept - 1].end, 0xff, key_len);
	set->n_elems = kept;
}

static int take_elem(struct elem_reader *r, const struct nlattr *nest)
{
	const struct nlattr *attr;
	struct zg_elem *elem = zg_plan_elem(r->set);
	if (elem == NULL) {
		r->err = ZG_ENOMEM;
		return MNL_CB_STOP;
	}
	zg_attrs_in(attr, nest)
	{
		switch (mnl_attr_get_type(attr)) {
		case NFTA_SET_ELEM_KEY:
			take_key(attr, elem->key);
			break;
		case NFTA_SET_ELEM_KEY_END:
			take_key(attr, elem->end);
			break;
		case NFTA_SET_ELEM_DATA:
			take_data(r, attr, elem);
			break;
		case NFTA_SET_ELEM_TIMEOUT:
			elem->expires = 1;
			break;
		case NFTA_SET_ELEM_EXPR:
			take_counter(attr, elem);
			break;
		case NFTA_SET_ELEM_FLAGS:
			take_flags(r, attr, elem);
			break;
		default:
			break;
		}
	}
	return r->err == ZG_OK ? MNL_CB_OK : MNL_CB_STOP;
}

static int take_elems(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *elem;
	zg_attrs_of(attr, nlh)
	{
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		zg_attrs_in(elem, attr)
		{
			if (take_elem(data, elem) != MNL_CB_OK)
				return MNL_CB_STOP;
		}
	}
	return MNL_CB_OK;
}

void zg_set_drop_twins(struct zg_set *set)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->n_elems; i++)
		if (kept == 0 || zg_elem_order(&set->elems[kept - 1], &set->elems[i]) != 0)
			set->elems[kept++] = set->elems[i];
	set->n_elems = kept;
}

enum zg_err zg_nft_read_elems(struct zg_nft *nft, struct zg_plan *plan, const char *table, struct zg_set *set)
{
	char buf[MNL_ALIGN(2 * ZG_PLAN_NAME_MAX) + 128];
	struct elem_reader r = { .plan = plan, .set = set };
	struct nlmsghdr *nlh = zg_nft_request(nft, buf, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
	enum zg_err err = zg_nft_ask(nft, nlh, take_elems, &r);
	if (set->interval && set->n_fields == 1)
		join_ends(set);
	else
		zg_plan_sort(set);
	zg_set_drop_twins(set);
	return r.err != ZG_OK ? r.err : err;
}

/* The kernel answers with one datagram for each, and with ZG_ENOENT at the first that it does not have. */
static enum zg_err ask(struct zg_nft *nft, const char *table, const struct zg_set *set, const struct zg_elem *const *elems, size_t n,
		       struct elem_reader *r)
{
	char buf[MNL_ALIGN(2 * ZG_PLAN_NAME_MAX) + 128 + ASK_ELEMS * ASK_BYTES];
	const size_t key_len = zg_set_key_len(set);
	struct nlmsghdr *nlh = zg_nft_request(nft, buf, NFT_MSG_GETSETELEM, 0);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
	struct nlattr *list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < n; i++)
		zg_put_key(nlh, set, elems[i], key_len);
	mnl_attr_nest_end(nlh, list);
	enum zg_err err = zg_nft_ask(nft, nlh, take_elems, r);
	return r->err != ZG_OK ? r->err : err;
}

enum zg_err zg_nft_ask_elems(struct zg_nft *nft, struct zg_plan *plan, const char *table, const struct zg_set *set,
			     const struct zg_elem *const *elems, size_t n, struct zg_set *got)
{
	struct elem_reader r = { .plan = plan, .set = got };
	for (size_t at = 0; at < n;) {
		const size_t before = got->n_elems, few = n - at < ASK_ELEMS ? n - at : ASK_ELEMS;
		enum zg_err err = ask(nft, table, set, elems + at, few, &r);
		if (err != ZG_OK && err != ZG_ENOENT)
			return err;
		/* the one behind those that came is the one that is not there */
		at += err == ZG_OK ? few : got->n_elems - before + 1;
	}
	return ZG_OK;
}
