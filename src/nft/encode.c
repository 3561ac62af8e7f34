/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plan objects as netlink messages. */
#include <arpa/inet.h>
#include <stdio.h>
#include <linux/netfilter/nf_tables.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"
#include "plan/compile.h"

#define ELEMS_BYTES                                                                                                    \
	30000 /* of one message: the list's length is 16 bits, and the largest element is far below the rest */
#define SET_ROOM_MIN 64u /* elements: a set of a few takes some more before it has to be made anew */
#define VERDICT_TYPE 0xffffff00u /* NFT_DATA_VERDICT */

void zg_put_table(struct zg_batch *b, uint32_t flags)
{
	struct nlmsghdr *nlh = zg_batch_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE,
						(struct zg_origin){ .what = "table", .name = b->table });
	if (nlh == NULL)
		return;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, b->table);
	mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(flags));
	zg_batch_finish(b, nlh);
}

/* The deletions name a table and at most one thing in it, under the attribute numbers 1 and 2 or 3. */
static void put_deletion(struct zg_batch *b, uint16_t type, uint16_t attr, const char *name, const char *what)
{
	struct nlmsghdr *nlh = zg_batch_message(
		b, type, 0, (struct zg_origin){ .what = what, .name = name != NULL ? name : b->table });
	if (nlh == NULL)
		return;
	mnl_attr_put_strz(nlh, 1, b->table);
	if (name != NULL)
		mnl_attr_put_strz(nlh, attr, name);
	if (type == NFT_MSG_DELOBJ)
		mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	zg_batch_finish(b, nlh);
}

_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_RULE_TABLE == 1 && NFTA_SET_TABLE == 1 && NFTA_CHAIN_TABLE == 1 &&
		       NFTA_OBJ_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1,
	       "the table is always attribute 1");

void zg_put_del_table(struct zg_batch *b)
{
	put_deletion(b, NFT_MSG_DELTABLE, 0, NULL, "removal of table");
}

void zg_put_del_rules(struct zg_batch *b, const char *chain)
{
	put_deletion(b, NFT_MSG_DELRULE, NFTA_RULE_CHAIN, chain,
		     chain == NULL ? "removal of the rules of table" : "removal of the rules of chain");
}

void zg_put_flush_set(struct zg_batch *b, const char *name)
{
	put_deletion(b, NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_SET, name, "removal of the elements of set");
}

void zg_put_del_set(struct zg_batch *b, const char *name)
{
	put_deletion(b, NFT_MSG_DELSET, NFTA_SET_NAME, name, "removal of set");
}

void zg_put_del_chain(struct zg_batch *b, const char *name)
{
	put_deletion(b, NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME, name, "removal of chain");
}

void zg_put_del_counter(struct zg_batch *b, const char *name)
{
	put_deletion(b, NFT_MSG_DELOBJ, NFTA_OBJ_NAME, name, "removal of counter");
}

/* Without NLM_F_EXCL: one that exists stays, with its sums. */
void zg_put_counter(struct zg_batch *b, const char *name)
{
	struct nlmsghdr *nlh = zg_batch_message(b, NFT_MSG_NEWOBJ, NLM_F_CREATE,
						(struct zg_origin){ .what = "counter", .name = name });
	if (nlh == NULL)
		return;
	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, b->table);
	mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	struct nlattr *data = mnl_attr_nest_start(nlh, NFTA_OBJ_DATA);
	mnl_attr_put_u64(nlh, NFTA_COUNTER_BYTES, 0);
	mnl_attr_put_u64(nlh, NFTA_COUNTER_PACKETS, 0);
	mnl_attr_nest_end(nlh, data);
	zg_batch_finish(b, nlh);
}

void zg_put_chain(struct zg_batch *b, const struct zg_chain *chain)
{
	struct nlmsghdr *nlh =
		zg_batch_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
				 (struct zg_origin){ .what = "chain", .name = chain->name, .line = chain->line });
	if (nlh == NULL)
		return;
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, b->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, chain->name);
	if (chain->base) {
		struct nlattr *hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
		mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(chain->hook));
		mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl((uint32_t)chain->priority));
		mnl_attr_nest_end(nlh, hook);
		mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(chain->policy));
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	}
	zg_batch_finish(b, nlh);
}

/* nft's number for a concatenation: six bits per field. */
static uint32_t key_type(const struct zg_set *set)
{
	uint32_t type = 0;
	for (size_t i = 0; i < set->n_fields; i++)
		type = type << 6 | set->fields[i].type;
	return type;
}

/* Twice as many, rounded up. */
static uint32_t room_for(size_t n)
{
	uint32_t room = SET_ROOM_MIN;
	while (room < 2 * n)
		room *= 2;
	return room;
}

static void put_set_attrs(struct nftnl_set *s, const struct zg_set *set, const char *table, uint32_t id)
{
	const uint32_t host = 1; /* nft's BYTEORDER_HOST_ENDIAN */
	uint8_t host_order[2 + sizeof host] = { NFTNL_UDATA_SET_KEYBYTEORDER, sizeof host };
	uint8_t lens[ZG_PLAN_FIELDS_MAX];
	uint32_t flags = 0;
	nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(s, NFTNL_SET_NAME, set->name);
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(s, NFTNL_SET_ID, id);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, key_type(set));
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, (uint32_t)zg_set_key_len(set));
	if (set->data != ZG_SET_PLAIN) {
		flags |= NFT_SET_MAP;
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, set->data == ZG_SET_MARK ? ZG_T_MARK : VERDICT_TYPE);
		nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, set->data == ZG_SET_MARK ? 4 : 0);
	}
	if (set->interval)
		flags |= NFT_SET_INTERVAL;
	if (set->interval && set->n_fields > 1) {
		flags |= NFT_SET_CONCAT;
		for (size_t i = 0; i < set->n_fields; i++)
			lens[i] = set->fields[i].len;
		nftnl_set_set_data(s, NFTNL_SET_DESC_CONCAT, lens, (uint32_t)set->n_fields);
	}
	if (set->timeout)
		flags |= NFT_SET_TIMEOUT;
	if (set->dynamic) {
		flags |= NFT_SET_EVAL;
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, set->size);
	}
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, flags);
	/* for nft's listing only: a mark is in host order */
	memcpy(host_order + 2, &host, sizeof host);
	if (set->fields[0].type == ZG_T_MARK)
		nftnl_set_set_data(s, NFTNL_SET_USERDATA, host_order, sizeof host_order);
	/* a hash of the right size from the beginning; with room, since it is the most that it ever takes */
	if (!set->interval && !set->grows && !set->dynamic)
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, room_for(set->n_elems));
}

void zg_put_set(struct zg_batch *b, const struct zg_set *set, uint32_t id)
{
	struct nlmsghdr *nlh =
		zg_batch_message(b, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL,
				 (struct zg_origin){ .what = "set", .name = set->name, .line = set->line });
	struct nftnl_set *s = nftnl_set_alloc();
	struct nftnl_expr *counter = set->counter ? nftnl_expr_alloc("counter") : NULL;
	if (nlh == NULL || s == NULL || (set->counter && counter == NULL)) {
		b->failed = true;
		goto out;
	}
	put_set_attrs(s, set, b->table, id);
	if (counter != NULL) {
		nftnl_set_add_expr(s, counter);
		counter = NULL;
	}
	nftnl_set_nlmsg_build_payload(nlh, s);
	zg_batch_finish(b, nlh);
out:
	if (counter != NULL)
		nftnl_expr_free(counter);
	if (s != NULL)
		nftnl_set_free(s);
}

static void put_value(struct nlmsghdr *nlh, uint16_t attr, const void *value, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, attr);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, value);
	mnl_attr_nest_end(nlh, nest);
}

static void put_verdict(struct nlmsghdr *nlh, const struct zg_elem *elem)
{
	struct nlattr *data = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = mnl_attr_nest_start(nlh, NFTA_DATA_VERDICT);
	mnl_attr_put_u32(nlh, NFTA_VERDICT_CODE, htonl(elem->verdict));
	if (elem->chain != NULL)
		mnl_attr_put_strz(nlh, NFTA_VERDICT_CHAIN, elem->chain);
	mnl_attr_nest_end(nlh, verdict);
	mnl_attr_nest_end(nlh, data);
}

static void put_keys(struct nlmsghdr *nlh, const struct zg_set *set, const struct zg_elem *elem, size_t key_len)
{
	put_value(nlh, NFTA_SET_ELEM_KEY, elem->key, key_len);
	if (set->interval && set->n_fields > 1)
		put_value(nlh, NFTA_SET_ELEM_KEY_END, elem->end, key_len);
}

void zg_put_key(struct nlmsghdr *nlh, const struct zg_set *set, const struct zg_elem *elem, size_t key_len)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	put_keys(nlh, set, elem, key_len);
	mnl_attr_nest_end(nlh, nest);
}

/* An interval of a set of one field ends before the next element, which says that it is an end; at the end of the space it
 * needs none. */
static void put_end(struct nlmsghdr *nlh, const struct zg_elem *elem, size_t key_len)
{
	uint8_t behind[ZG_PLAN_KEY_MAX];
	size_t i = key_len;
	memcpy(behind, elem->end, key_len);
	while (i > 0 && ++behind[i - 1] == 0)
		i--;
	if (i == 0)
		return;
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	put_value(nlh, NFTA_SET_ELEM_KEY, behind, key_len);
	mnl_attr_put_u32(nlh, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	mnl_attr_nest_end(nlh, nest);
}

static void put_elem(struct nlmsghdr *nlh, const struct zg_set *set, const struct zg_elem *elem, size_t key_len,
		     time_t now)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	put_keys(nlh, set, elem, key_len);
	if (set->data == ZG_SET_MARK)
		put_value(nlh, NFTA_SET_ELEM_DATA, &elem->mark, sizeof elem->mark);
	else if (set->data == ZG_SET_VERDICT)
		put_verdict(nlh, elem);
	if (elem->expires != 0)
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT, htobe64((uint64_t)(elem->expires - now) * 1000));
	mnl_attr_nest_end(nlh, nest);
	if (set->interval && set->n_fields == 1)
		put_end(nlh, elem, key_len);
}

/* Elements that have ended by now, or are not open yet, are not added. */
void zg_put_some_elems(struct zg_batch *b, uint16_t type, const struct zg_set *set, const struct zg_elem *const *elems, size_t n,
		       time_t now)
{
	const bool add = type == NFT_MSG_NEWSETELEM;
	const size_t key_len = zg_set_key_len(set);
	size_t i = 0;
	while (i < n) {
		struct nlmsghdr *nlh = zg_batch_message(b, type, add ? NLM_F_CREATE | NLM_F_EXCL : 0,
							(struct zg_origin){ .what = add ? "element of" : "removal of an element of",
									    .name = set->name,
									    .set = add ? set : NULL,
									    .first = add ? (size_t)(elems[i] - set->elems) : 0,
									    .line = elems[i]->line });
		if (nlh == NULL)
			return;
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, b->table);
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
		struct nlattr *list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
		for (; i < n && nlh->nlmsg_len < ELEMS_BYTES; i++) {
			if (add && !zg_elem_in_force(elems[i], now))
				continue;
			if (add)
				put_elem(nlh, set, elems[i], key_len, now);
			else
				zg_put_key(nlh, set, elems[i], key_len);
		}
		mnl_attr_nest_end(nlh, list);
		zg_batch_finish(b, nlh);
	}
}

void zg_put_elems(struct zg_batch *b, const struct zg_set *set, time_t now)
{
	const struct zg_elem **elems = calloc(set->n_elems + 1, sizeof(const struct zg_elem *));
	if (elems == NULL) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < set->n_elems; i++)
		elems[i] = &set->elems[i];
	zg_put_some_elems(b, NFT_MSG_NEWSETELEM, set, elems, set->n_elems, now);
	free(elems);
}

void zg_put_rule(struct zg_batch *b, const struct zg_chain *chain, const struct zg_rule *rule)
{
	struct nlmsghdr *nlh = zg_batch_message(
		b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
		(struct zg_origin){ .what = "rule of chain", .name = chain->name, .line = rule->line });
	struct nftnl_rule *r = nftnl_rule_alloc();
	if (nlh == NULL || r == NULL) {
		b->failed = true;
		goto out;
	}
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, b->table);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain->name);
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	for (size_t i = 0; i < rule->n; i++) {
		struct nftnl_expr *e = zg_nft_expr_build(&rule->exprs[i]);
		if (e == NULL) {
			b->failed = true;
			goto out;
		}
		nftnl_rule_add_expr(r, e);
	}
	nftnl_rule_nlmsg_build_payload(nlh, r);
	zg_batch_finish(b, nlh);
out:
	if (r != NULL)
		nftnl_rule_free(r);
}
