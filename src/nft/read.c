/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel holds in our tables, as a plan. */
#include <arpa/inet.h>
#include <stdio.h>
#include <linux/netfilter/nf_tables.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"
#include "plan/compile.h"

#define READ_TRIES 10 /* of a picture that others keep changing */

struct reader {
	struct zg_nft_state *state;
	struct zg_table *table; /* whose things are read */
	struct zg_chain *chain; /* whose rule is read */
	struct zg_rule *rule;
	enum zg_err err;
};

static int stop(struct reader *r, enum zg_err err)
{
	r->err = err;
	return MNL_CB_STOP;
}

static bool ours(const char *name)
{
	return name != NULL && (strcmp(name, ZG_TABLE_POLICY) == 0 || strcmp(name, ZG_TABLE_BACKSTOP) == 0 ||
				 strcmp(name, ZG_TABLE_ROUTER) == 0);
}

static int take_table(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_table *t = nftnl_table_alloc();
	int result = MNL_CB_OK;
	if (t == NULL)
		return stop(r, ZG_ENOMEM);
	if (nftnl_table_nlmsg_parse(nlh, t) == 0 && nftnl_table_get_u32(t, NFTNL_TABLE_FAMILY) == NFPROTO_INET &&
	    ours(nftnl_table_get_str(t, NFTNL_TABLE_NAME)) && r->state->plan->n_tables < ZG_PLAN_TABLES) {
		const uint32_t flags = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS);
		const size_t i = r->state->plan->n_tables;
		const char *name = zg_plan_str(r->state->plan, nftnl_table_get_str(t, NFTNL_TABLE_NAME));
		if (name == NULL)
			result = stop(r, ZG_ENOMEM);
		else
			zg_plan_table(r->state->plan, name, flags & NFT_TABLE_F_OWNER);
		r->state->dormant[i] = flags & NFT_TABLE_F_DORMANT;
		r->state->persistent[i] = flags & ZG_TABLE_F_PERSIST;
		r->state->owner[i] =
			nftnl_table_is_set(t, NFTNL_TABLE_OWNER) ? nftnl_table_get_u32(t, NFTNL_TABLE_OWNER) : 0;
	}
	nftnl_table_free(t);
	return result;
}

static int take_chain(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_chain *c = nftnl_chain_alloc();
	int result = MNL_CB_OK;
	if (c == NULL)
		return stop(r, ZG_ENOMEM);
	if (nftnl_chain_nlmsg_parse(nlh, c) == 0 &&
	    strcmp(nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE), r->table->name) == 0) {
		const char *name = zg_plan_str(r->state->plan, nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
		struct zg_chain *chain = name != NULL ? zg_plan_chain(r->table, name, 0) : NULL;
		const char *type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);
		if (chain == NULL) {
			result = stop(r, ZG_ENOMEM);
		} else if (nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM)) {
			chain->base = true;
			chain->hook = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);
			chain->priority = nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO);
			chain->policy = nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY);
			if (type == NULL || strcmp(type, "filter") != 0)
				chain->hook = UINT32_MAX; /* another kind of hook than any of ours */
		}
	}
	nftnl_chain_free(c);
	return result;
}

static int take_counter(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_obj *o = nftnl_obj_alloc();
	int result = MNL_CB_OK;
	if (o == NULL)
		return stop(r, ZG_ENOMEM);
	if (nftnl_obj_nlmsg_parse(nlh, o) == 0 && strcmp(nftnl_obj_get_str(o, NFTNL_OBJ_TABLE), r->table->name) == 0 &&
	    nftnl_obj_get_u32(o, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER) {
		const char *name = zg_plan_str(r->state->plan, nftnl_obj_get_str(o, NFTNL_OBJ_NAME));
		if (name == NULL || zg_plan_counter(r->table, name) != ZG_OK) {
			result = stop(r, ZG_ENOMEM);
		} else {
			struct zg_counter *counter = &r->table->counters[r->table->n_counters - 1];
			counter->packets = nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_PKTS);
			counter->bytes = nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_BYTES);
		}
	}
	nftnl_obj_free(o);
	return result;
}

static uint8_t type_len(uint32_t type)
{
	static const struct zg_field known[] = {
		{ ZG_T_IPV4, 4 },    { ZG_T_IPV6, 16 }, { ZG_T_ETHER, 6 },  { ZG_T_PROTO, 1 },
		{ ZG_T_SERVICE, 2 }, { ZG_T_MARK, 4 },	{ ZG_T_CT_DIR, 1 }, { ZG_T_IFNAME, ZG_IFNAME_LEN },
		{ ZG_T_ICMP6_TYPE, 1 },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].type == type)
			return known[i].len;
	return 0;
}

static int count_counter(struct nftnl_expr *e, void *data)
{
	struct zg_set *set = data;
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	if (name != NULL && strcmp(name, "counter") == 0 && !set->counter)
		set->counter = true;
	else
		set->other |= 1u << 30;
	return 0;
}

/* Flags and types; whatever no plan has is kept in other, so that it is a difference. */
static void fill_set(struct zg_set *set, const struct nftnl_set *s)
{
	const uint32_t known = NFT_SET_INTERVAL | NFT_SET_CONCAT | NFT_SET_TIMEOUT | NFT_SET_MAP | NFT_SET_EVAL;
	const uint32_t flags = nftnl_set_get_u32(s, NFTNL_SET_FLAGS);
	uint32_t type = nftnl_set_get_u32(s, NFTNL_SET_KEY_TYPE), n = 0;

	for (uint32_t t = type; t != 0; t >>= 6)
		n++;
	set->other = flags & ~known;
	set->room = nftnl_set_is_set(s, NFTNL_SET_DESC_SIZE) ? nftnl_set_get_u32(s, NFTNL_SET_DESC_SIZE) : 0;
	set->interval = (flags & NFT_SET_INTERVAL) != 0;
	set->timeout = (flags & NFT_SET_TIMEOUT) != 0;
	set->dynamic = (flags & NFT_SET_EVAL) != 0;
	if (set->dynamic && nftnl_set_is_set(s, NFTNL_SET_DESC_SIZE))
		set->size = nftnl_set_get_u32(s, NFTNL_SET_DESC_SIZE);
	/* intervals of several fields, and only these */
	if ((set->interval && n > 1) != ((flags & NFT_SET_CONCAT) != 0))
		set->other |= NFT_SET_CONCAT;
	if (flags & NFT_SET_MAP)
		set->data = nftnl_set_get_u32(s, NFTNL_SET_DATA_LEN) == 4 &&
					    nftnl_set_get_u32(s, NFTNL_SET_DATA_TYPE) == ZG_T_MARK
				    ? ZG_SET_MARK
				    : ZG_SET_VERDICT;
	if (nftnl_set_is_set(s, NFTNL_SET_TIMEOUT) && nftnl_set_get_u64(s, NFTNL_SET_TIMEOUT) != 0)
		set->other |= 1u << 29;
	for (set->n_fields = n < ZG_PLAN_FIELDS_MAX ? n : ZG_PLAN_FIELDS_MAX; n > 0; n--, type >>= 6)
		if (n <= ZG_PLAN_FIELDS_MAX)
			set->fields[n - 1] = (struct zg_field){ (uint8_t)(type & 0x3f), type_len(type & 0x3f) };
	if (zg_set_key_len(set) != nftnl_set_get_u32(s, NFTNL_SET_KEY_LEN))
		set->other |= 1u << 31;
	(void)nftnl_set_expr_foreach(s, count_counter, set);
	if (nftnl_set_is_set(s, NFTNL_SET_EXPR) && !set->counter)
		set->other |= 1u << 30;
}

static int take_set(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_set *s = nftnl_set_alloc();
	int result = MNL_CB_OK;
	if (s == NULL)
		return stop(r, ZG_ENOMEM);
	if (nftnl_set_nlmsg_parse(nlh, s) == 0 && strcmp(nftnl_set_get_str(s, NFTNL_SET_TABLE), r->table->name) == 0) {
		const char *name = zg_plan_str(r->state->plan, nftnl_set_get_str(s, NFTNL_SET_NAME));
		struct zg_set *set = name != NULL ? zg_plan_set(r->table, name) : NULL;
		if (set == NULL)
			result = stop(r, ZG_ENOMEM);
		else
			fill_set(set, s);
	}
	nftnl_set_free(s);
	return result;
}

static int take_expr(struct nftnl_expr *e, void *data)
{
	struct reader *r = data;
	struct zg_expr *exprs = reallocarray(r->rule->exprs, r->rule->n + 1, sizeof *exprs);
	if (exprs == NULL) {
		r->err = ZG_ENOMEM;
		return -1;
	}
	r->rule->exprs = exprs;
	r->err = zg_nft_expr_parse(e, r->state->plan, &exprs[r->rule->n]);
	if (r->err != ZG_OK)
		return -1;
	r->rule->n++;
	return 0;
}

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;
	struct nftnl_rule *rule = nftnl_rule_alloc();
	int result = MNL_CB_OK;
	if (rule == NULL)
		return stop(r, ZG_ENOMEM);
	if (nftnl_rule_nlmsg_parse(nlh, rule) == 0 &&
	    strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), r->table->name) == 0) {
		const char *name = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
		/* rules of one chain come together */
		if (r->chain == NULL || strcmp(r->chain->name, name) != 0)
			r->chain = zg_table_find_chain(r->table, name);
		r->rule = r->chain != NULL ? zg_plan_rule(r->chain, NULL, 0, 0) : NULL;
		if (r->chain == NULL)
			result = stop(r, ZG_EAGAIN); /* a chain that was not there a moment ago */
		else if (r->rule == NULL)
			result = stop(r, ZG_ENOMEM);
		else if (nftnl_expr_foreach(rule, take_expr, r) < 0)
			result = MNL_CB_STOP;
	}
	nftnl_rule_free(rule);
	return result;
}

/* One dump of the things of one table. The table's name is attribute 1 of them all. */
static enum zg_err dump(struct zg_nft *nft, struct reader *r, uint16_t type, mnl_cb_t cb)
{
	char buf[MNL_ALIGN(ZG_PLAN_NAME_MAX) + 128];
	struct nlmsghdr *nlh = zg_nft_request(nft, buf, type, NLM_F_DUMP);
	if (r->table != NULL)
		mnl_attr_put_strz(nlh, 1, r->table->name);
	enum zg_err err = zg_nft_ask(nft, nlh, cb, r);
	return r->err != ZG_OK ? r->err : err;
}

/* Flow maps carry counters; nothing else does. */
static enum zg_err read_table(struct zg_nft *nft, struct reader *r, enum zg_read how)
{
	/* what anybody may change is small, and looked at in whole */
	if (how == ZG_READ_NAMES && !r->table->owned)
		how = ZG_READ_ALL;
	enum zg_err err = dump(nft, r, NFT_MSG_GETOBJ, take_counter);
	if (err == ZG_OK)
		err = dump(nft, r, NFT_MSG_GETSET, take_set);
	if (err == ZG_OK && how != ZG_READ_COUNTERS)
		err = dump(nft, r, NFT_MSG_GETCHAIN, take_chain);
	if (err == ZG_OK && (how == ZG_READ_RULES || how == ZG_READ_ALL))
		err = dump(nft, r, NFT_MSG_GETRULE, take_rule);
	for (size_t i = 0; i < r->table->n_sets && err == ZG_OK; i++)
		if ((how == ZG_READ_ALL && !r->table->sets[i].dynamic) || (how == ZG_READ_COUNTERS && r->table->sets[i].counter))
			err = zg_nft_read_elems(nft, r->state->plan, r->table->name, &r->table->sets[i]);
	return err;
}

static bool has_table(const struct zg_plan *of, const char *name)
{
	for (size_t i = 0; of != NULL && i < of->n_tables; i++)
		if (strcmp(of->tables[i].name, name) == 0)
			return true;
	return of == NULL;
}

static enum zg_err read_once(struct zg_nft *nft, enum zg_read how, const struct zg_plan *of, struct zg_nft_state *ret_state)
{
	struct zg_nft_state state = { .plan = zg_plan_new() };
	struct reader r = { .state = &state };
	uint32_t after = 0;
	enum zg_err err = state.plan == NULL ? ZG_ENOMEM : zg_nft_genid(nft, &state.genid);
	if (err == ZG_OK)
		err = dump(nft, &r, NFT_MSG_GETTABLE, take_table);
	for (size_t i = 0; err == ZG_OK && i < state.plan->n_tables; i++) {
		r.table = &state.plan->tables[i];
		r.chain = NULL;
		if (has_table(of, r.table->name))
			err = read_table(nft, &r, how);
	}
	if (err == ZG_OK)
		err = zg_nft_genid(nft, &after);
	/* something vanished, or appeared, while we were reading */
	if (err == ZG_ENOENT || (err == ZG_OK && after != state.genid))
		err = ZG_EAGAIN;
	if (err != ZG_OK)
		zg_nft_state_free(&state);
	else
		*ret_state = state;
	return err;
}

enum zg_err zg_nft_read(struct zg_nft *nft, enum zg_read how, const struct zg_plan *of, struct zg_nft_state *ret_state)
{
	enum zg_err err = ZG_EAGAIN;
	for (int i = 0; i < READ_TRIES && err == ZG_EAGAIN; i++)
		err = read_once(nft, how, of, ret_state);
	return err;
}

void zg_nft_state_free(struct zg_nft_state *state)
{
	zg_plan_free(state->plan);
	*state = (struct zg_nft_state){ 0 };
}
