/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of others, as far as packets of the boundary may meet them: what hooks where, and what its rules could do to them. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"
#include "zonegate/limits.h"

struct other_table {
	uint8_t family;
	char name[ZG_PLAN_NAME_MAX];
};

struct finder {
	struct zg_nft_foreign *list;
	size_t n, looked;
	struct other_table *tables;
	size_t n_tables;
	bool partial;
};

struct name_of {
	uint32_t value;
	const char *name;
};

static const struct name_of families[] = {
	{ NFPROTO_INET, "inet" }, { NFPROTO_IPV4, "ip" }, { NFPROTO_IPV6, "ip6" }, { NFPROTO_NETDEV, "netdev" },
	{ NFPROTO_BRIDGE, "bridge" }, { NFPROTO_ARP, "arp" }, { 0, NULL },
};

/* Of IP; netdev has ingress and egress, in these places. */
static const struct name_of hooks[] = {
	{ NF_INET_PRE_ROUTING, "prerouting" }, { NF_INET_LOCAL_IN, "input" }, { NF_INET_FORWARD, "forward" },
	{ NF_INET_LOCAL_OUT, "output" }, { NF_INET_POST_ROUTING, "postrouting" }, { NF_INET_INGRESS, "ingress" }, { 0, NULL },
};

/* Expressions that change where a packet goes or who judges it, and targets of the older kind that do. */
static const char *const exprs[] = { "queue", "notrack", "tproxy", "dup", "fwd", "flow_offload", "nat", "masq", "redir", "synproxy" };
static const char *const targets[] = { "NFQUEUE", "CT", "NOTRACK", "TPROXY", "TEE", "DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP" };

static const char *name_in(const struct name_of *names, uint32_t value)
{
	for (; names->name != NULL; names++)
		if (names->value == value)
			return names->name;
	return "other";
}

/* Names of others may be anything: they are shown as text, and escaped where they are shown. */
static void found(struct finder *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void found(struct finder *f, const char *format, ...)
{
	struct zg_nft_foreign one;
	va_list args;
	va_start(args, format);
	vsnprintf(one.text, sizeof one.text, format, args);
	va_end(args);
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].text, one.text) == 0)
			return;
	if (f->n == ZG_FOREIGN_MAX) {
		f->partial = true;
		return;
	}
	f->list[f->n++] = one;
}

/* One more message looked at; false: enough. */
static bool may_look(struct finder *f)
{
	if (f->looked++ < ZG_FOREIGN_LOOKED)
		return true;
	f->partial = true;
	return false;
}

static bool is_ours(uint8_t family, const char *table)
{
	return family == NFPROTO_INET && (strcmp(table, ZG_TABLE_POLICY) == 0 || strcmp(table, ZG_TABLE_BACKSTOP) == 0 ||
					  strcmp(table, ZG_TABLE_ROUTER) == 0);
}

static uint8_t family_of(const struct nlmsghdr *nlh)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family;
}

static const char *string_of(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 ? mnl_attr_get_str(attr) : "?";
}

static uint32_t number_of(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) == 0 ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

static const char *hook_name(uint8_t family, uint32_t hook)
{
	if (family == NFPROTO_NETDEV)
		return hook == 0 ? "ingress" : "egress";
	return name_in(hooks, hook);
}

static int take_table(const struct nlmsghdr *nlh, void *data)
{
	struct finder *f = data;
	const struct nlattr *attr;
	zg_attrs_of(attr, nlh)
	{
		if (mnl_attr_get_type(attr) != NFTA_TABLE_NAME || is_ours(family_of(nlh), string_of(attr)))
			continue;
		if (f->n_tables == ZG_FOREIGN_MAX) {
			f->partial = true;
			return MNL_CB_STOP;
		}
		f->tables[f->n_tables].family = family_of(nlh);
		snprintf(f->tables[f->n_tables++].name, ZG_PLAN_NAME_MAX, "%s", string_of(attr));
	}
	return MNL_CB_OK;
}

static int take_chain(const struct nlmsghdr *nlh, void *data)
{
	struct finder *f = data;
	const char *table = "?", *chain = "?", *type = "filter";
	const struct nlattr *attr, *in, *hook = NULL;
	uint32_t number = 0, priority = 0, policy = NF_ACCEPT;

	zg_attrs_of(attr, nlh)
	{
		switch (mnl_attr_get_type(attr)) {
		case NFTA_CHAIN_TABLE:
			table = string_of(attr);
			break;
		case NFTA_CHAIN_NAME:
			chain = string_of(attr);
			break;
		case NFTA_CHAIN_TYPE:
			type = string_of(attr);
			break;
		case NFTA_CHAIN_POLICY:
			policy = number_of(attr);
			break;
		case NFTA_CHAIN_HOOK:
			hook = attr;
			break;
		default:
			break;
		}
	}
	/* what ends at the router itself is no packet of the boundary, and ARP crosses none */
	if (is_ours(family_of(nlh), table))
		return MNL_CB_OK;
	if (!may_look(f))
		return MNL_CB_STOP;
	if (hook == NULL || family_of(nlh) == NFPROTO_ARP)
		return MNL_CB_OK;
	zg_attrs_in(in, hook)
	{
		if (mnl_attr_get_type(in) == NFTA_HOOK_HOOKNUM)
			number = number_of(in);
		else if (mnl_attr_get_type(in) == NFTA_HOOK_PRIORITY)
			priority = number_of(in);
	}
	if (family_of(nlh) == NFPROTO_NETDEV || number != NF_INET_LOCAL_IN)
		found(f, "table %s %.64s: chain %.64s hooks %s (%.16s, priority %d, policy %s)", name_in(families, family_of(nlh)), table,
		      chain, hook_name(family_of(nlh), number), type, (int)priority, policy == NF_DROP ? "drop" : "accept");
	return MNL_CB_OK;
}

static int take_flowtable(const struct nlmsghdr *nlh, void *data)
{
	struct finder *f = data;
	const char *table = "?", *name = "?";
	const struct nlattr *attr;

	if (!may_look(f))
		return MNL_CB_STOP;
	zg_attrs_of(attr, nlh)
	{
		if (mnl_attr_get_type(attr) == NFTA_FLOWTABLE_TABLE)
			table = string_of(attr);
		else if (mnl_attr_get_type(attr) == NFTA_FLOWTABLE_NAME)
			name = string_of(attr);
	}
	found(f, "table %s %.64s: flowtable %.64s: established connections in it are forwarded past the policy",
	      name_in(families, family_of(nlh)), table, name);
	return MNL_CB_OK;
}

static bool is_one_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* NFTA_EXPR_NAME, NFTA_EXPR_DATA. */
static void take_expr(struct finder *f, const struct nlattr *expr, const char *table, uint8_t family)
{
	const char *name = "", *target = "";
	const struct nlattr *attr, *in;
	bool writes = false;

	zg_attrs_in(attr, expr)
	{
		if (mnl_attr_get_type(attr) == NFTA_EXPR_NAME)
			name = string_of(attr);
	}
	zg_attrs_in(attr, expr)
	{
		if (mnl_attr_get_type(attr) != NFTA_EXPR_DATA)
			continue;
		zg_attrs_in(in, attr)
		{
			if (strcmp(name, "target") == 0 && mnl_attr_get_type(in) == NFTA_TARGET_NAME)
				target = string_of(in);
			writes = writes || (strcmp(name, "payload") == 0 && mnl_attr_get_type(in) == NFTA_PAYLOAD_SREG);
		}
	}
	if (writes)
		found(f, "table %s %.64s: rules that rewrite packets", name_in(families, family), table);
	else if (is_one_of(exprs, sizeof exprs / sizeof *exprs, name))
		found(f, "table %s %.64s: rules with %s", name_in(families, family), table, name);
	else if (is_one_of(targets, sizeof targets / sizeof *targets, target))
		found(f, "table %s %.64s: rules with the target %s", name_in(families, family), table, target);
}

static int take_rule(const struct nlmsghdr *nlh, void *data)
{
	struct finder *f = data;
	const char *table = "?";
	const struct nlattr *attr, *expr;

	if (!may_look(f))
		return MNL_CB_STOP;
	zg_attrs_of(attr, nlh)
	{
		if (mnl_attr_get_type(attr) == NFTA_RULE_TABLE)
			table = string_of(attr);
	}
	zg_attrs_of(attr, nlh)
	{
		if (mnl_attr_get_type(attr) != NFTA_RULE_EXPRESSIONS)
			continue;
		zg_attrs_in(expr, attr)
			take_expr(f, expr, table, family_of(nlh));
	}
	return MNL_CB_OK;
}

/* One dump; of one table, or with table NULL of all. A kernel without such things has none. */
static enum zg_err look(struct zg_nft *nft, struct finder *f, uint16_t type, const struct other_table *table, mnl_cb_t cb)
{
	char buf[MNL_ALIGN(ZG_PLAN_NAME_MAX) + 128];
	struct nlmsghdr *nlh = zg_nft_request(nft, buf, type, NLM_F_DUMP);
	((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family = table != NULL ? table->family : NFPROTO_UNSPEC;
	if (table != NULL)
		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, table->name);
	/* a dump that is left in the middle blocks the socket: then nothing more is asked */
	enum zg_err err = f->partial ? ZG_OK : zg_nft_ask(nft, nlh, cb, f);
	return err == ZG_ENOENT || (err == ZG_ESYS && (errno == EOPNOTSUPP || errno == EINVAL)) ? ZG_OK : err;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct zg_nft_foreign *)a)->text, ((const struct zg_nft_foreign *)b)->text);
}

enum zg_err zg_nft_foreign(struct zg_nft_foreign **ret_list, size_t *ret_n, bool *ret_partial)
{
	struct finder f = { .list = calloc(ZG_FOREIGN_MAX, sizeof *f.list), .tables = calloc(ZG_FOREIGN_MAX, sizeof *f.tables) };
	struct zg_nft *nft = NULL;
	enum zg_err err = f.list == NULL || f.tables == NULL ? ZG_ENOMEM : zg_nft_open(-1, &nft);

	if (err == ZG_OK)
		err = look(nft, &f, NFT_MSG_GETTABLE, NULL, take_table);
	if (err == ZG_OK && f.n_tables > 0)
		err = look(nft, &f, NFT_MSG_GETCHAIN, NULL, take_chain);
	if (err == ZG_OK && f.n_tables > 0)
		err = look(nft, &f, NFT_MSG_GETFLOWTABLE, NULL, take_flowtable);
	for (size_t i = 0; i < f.n_tables && err == ZG_OK; i++)
		err = look(nft, &f, NFT_MSG_GETRULE, &f.tables[i], take_rule);
	zg_nft_close(nft);
	free(f.tables);
	if (err != ZG_OK) {
		free(f.list);
		return err;
	}
	qsort(f.list, f.n, sizeof *f.list, compare);
	*ret_list = f.list;
	*ret_n = f.n;
	*ret_partial = f.partial;
	return ZG_OK;
}
