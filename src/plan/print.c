/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan as text, close to what nft prints: for people, for golden tests, for naming a difference. */
#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plan/compile.h"

struct name_of {
	uint32_t value;
	const char *name;
};

static const struct name_of meta_keys[] = {
	{ NFT_META_NFPROTO, "nfproto" }, { NFT_META_L4PROTO, "l4proto" }, { NFT_META_IIFNAME, "iifname" },
	{ NFT_META_OIFNAME, "oifname" }, { NFT_META_IIFTYPE, "iiftype" }, { NFT_META_MARK, "mark" },
	{ NFT_META_OIFTYPE, "oiftype" },
	{ 0, NULL },
};
static const struct name_of ct_keys[] = {
	{ NFT_CT_STATE, "state" },
	{ NFT_CT_STATUS, "status" },
	{ NFT_CT_DIRECTION, "direction" },
	{ NFT_CT_SRC_IP, "ip saddr" },
	{ NFT_CT_DST_IP, "ip daddr" },
	{ NFT_CT_SRC_IP6, "ip6 saddr" },
	{ NFT_CT_DST_IP6, "ip6 daddr" },
	{ NFT_CT_PROTOCOL, "protocol" },
	{ NFT_CT_PROTO_SRC, "proto-src" },
	{ NFT_CT_PROTO_DST, "proto-dst" },
	{ 0, NULL },
};
static const struct name_of states[] = {
	{ NF_CT_STATE_BIT(IP_CT_ESTABLISHED), "established" },
	{ NF_CT_STATE_BIT(IP_CT_RELATED), "related" },
	{ NF_CT_STATE_BIT(IP_CT_NEW), "new" },
	{ 0, NULL },
};
static const struct name_of statuses[] = {
	{ IPS_SRC_NAT, "snat" }, { IPS_DST_NAT, "dnat" }, { IPS_CONFIRMED, "confirmed" }, { 0, NULL },
};
static const struct name_of verdicts[] = {
	{ NF_DROP, "drop" },
	{ NF_ACCEPT, "accept" },
	{ (uint32_t)NFT_RETURN, "return" },
	{ (uint32_t)NFT_GOTO, "goto" },
	{ (uint32_t)NFT_JUMP, "jump" },
	{ 0, NULL },
};
static const struct name_of hooks[] = {
	{ NF_INET_PRE_ROUTING, "prerouting" }, { NF_INET_LOCAL_IN, "input" },		{ NF_INET_FORWARD, "forward" },
	{ NF_INET_LOCAL_OUT, "output" },       { NF_INET_POST_ROUTING, "postrouting" }, { 0, NULL },
};
static const struct name_of types[] = {
	{ ZG_T_IPV4, "ipv4_addr" },   { ZG_T_IPV6, "ipv6_addr" },	{ ZG_T_ETHER, "ether_addr" },
	{ ZG_T_PROTO, "inet_proto" }, { ZG_T_SERVICE, "inet_service" }, { ZG_T_MARK, "mark" },
	{ ZG_T_CT_DIR, "ct_dir" },    { ZG_T_IFNAME, "ifname" },	{ ZG_T_ICMP6_TYPE, "icmpv6_type" },
	{ 0, NULL },
};

static const char *find_name(const struct name_of *table, uint32_t value)
{
	for (; table->name != NULL; table++)
		if (table->value == value)
			return table->name;
	return NULL;
}

static const char *name_or_number(const struct name_of *table, uint32_t value, char buf[static 16])
{
	const char *name = find_name(table, value);
	if (name == NULL)
		snprintf(buf, 16, "%u", value);
	return name != NULL ? name : buf;
}

/* --- rules ------------------------------------------------------------------------------------------------------ */

#define REG_WORDS 16

/* What the registers hold, in words, while a rule is printed. */
struct registers {
	char text[REG_WORDS][160];
	uint8_t words[REG_WORDS]; /* 0 = empty */
};

static void load(struct registers *regs, uint8_t reg, size_t bytes, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void load(struct registers *regs, uint8_t reg, size_t bytes, const char *format, ...)
{
	if (reg >= REG_WORDS)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(regs->text[reg], sizeof regs->text[reg], format, args);
	va_end(args);
	regs->words[reg] = (uint8_t)((bytes + 3) / 4);
}

/* The concatenation that begins in a register, as far as it goes; the registers are free again. */
static const char *concat(struct registers *regs, uint8_t reg, char *buf, size_t size)
{
	size_t at = 0;
	buf[0] = '\0';
	while (reg < REG_WORDS && regs->words[reg] > 0 && at < size) {
		at += (size_t)snprintf(buf + at, size - at, "%s%s", at > 0 ? " . " : "", regs->text[reg]);
		reg = (uint8_t)(reg + regs->words[reg]);
	}
	memset(regs->words, 0, sizeof regs->words);
	return buf;
}

static void print_bits(FILE *out, const struct name_of *names, uint32_t mask)
{
	const char *separator = "";
	for (; names->name != NULL; names++) {
		if ((mask & names->value) == 0)
			continue;
		fprintf(out, "%s%s", separator, names->name);
		mask &= ~names->value;
		separator = ",";
	}
	if (mask != 0)
		fprintf(out, "%s0x%x", separator, mask);
}

static uint32_t u32_of(const uint8_t *bytes)
{
	uint32_t value;
	memcpy(&value, bytes, sizeof value);
	return value;
}

static void bitwise_text(struct registers *regs, const struct zg_expr *x)
{
	char mask[INET6_ADDRSTRLEN];
	if (x->len == 16) {
		char whole[160];
		snprintf(whole, sizeof whole, "%s", x->sreg < REG_WORDS ? regs->text[x->sreg] : "?");
		load(regs, x->dreg, x->len, "%.100s & %s", whole, inet_ntop(AF_INET6, x->mask, mask, sizeof mask));
		return;
	}
	char left[160], *bits = NULL;
	size_t len;
	FILE *out = open_memstream(&bits, &len);
	if (out == NULL)
		return;
	snprintf(left, sizeof left, "%s", x->sreg < REG_WORDS ? regs->text[x->sreg] : "?");
	const struct name_of *names = strcmp(left, "ct state") == 0    ? states
				      : strcmp(left, "ct status") == 0 ? statuses
								       : &states[sizeof states / sizeof *states - 1];
	print_bits(out, names, u32_of(x->mask));
	if (u32_of(x->data) != 0)
		fprintf(out, " ^ 0x%x", u32_of(x->data));
	if (fclose(out) == 0)
		load(regs, x->dreg, x->len, "%.60s & %.80s", left, bits);
	free(bits);
}

static void print_cmp(FILE *out, struct registers *regs, const struct zg_expr *x)
{
	static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
	char left[512];
	concat(regs, x->sreg, left, sizeof left);
	fprintf(out, "%s %s ", left, x->op < sizeof ops / sizeof *ops ? ops[x->op] : "?");
	uint16_t u16;
	memcpy(&u16, x->data, sizeof u16);
	if (strcmp(left, "meta nfproto") == 0 && x->len == 1)
		fprintf(out, "%s", x->data[0] == NFPROTO_IPV4 ? "ipv4" : x->data[0] == NFPROTO_IPV6 ? "ipv6" : "?");
	else if (strcmp(left, "meta l4proto") == 0 && x->len == 1)
		fprintf(out, "%s", x->data[0] == IPPROTO_ICMP ? "icmp" : x->data[0] == IPPROTO_ICMPV6 ? "icmpv6" : "?");
	else if ((strcmp(left, "meta iiftype") == 0 || strcmp(left, "meta oiftype") == 0) && x->len == 2)
		fprintf(out, u16 == ARPHRD_ETHER ? "ether" : u16 == ARPHRD_LOOPBACK ? "loopback" : "%u", u16);
	else if (strcmp(left, "ct direction") == 0 && x->len == 1)
		fprintf(out, "%s", x->data[0] == IP_CT_DIR_ORIGINAL ? "original" : "reply");
	else if (x->len == 4)
		fprintf(out, "0x%08x", u32_of(x->data));
	else
		for (uint32_t i = 0; i < x->len && i < sizeof x->data; i++)
			fprintf(out, "%02x", x->data[i]);
}

static void payload_text(struct registers *regs, const struct zg_expr *x)
{
	static const struct {
		uint32_t base, offset, len;
		const char *name;
	} known[] = {
		{ NFT_PAYLOAD_NETWORK_HEADER, 12, 4, "ip saddr" },
		{ NFT_PAYLOAD_NETWORK_HEADER, 8, 16, "ip6 saddr" },
		{ NFT_PAYLOAD_NETWORK_HEADER, 16, 4, "ip daddr" },
		{ NFT_PAYLOAD_NETWORK_HEADER, 24, 16, "ip6 daddr" },
		{ NFT_PAYLOAD_LL_HEADER, 6, 6, "ether saddr" },
		{ NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, "icmpv6 type" },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (known[i].base == x->base && known[i].offset == x->offset && known[i].len == x->len) {
			load(regs, x->dreg, x->len, "%s", known[i].name);
			return;
		}
	}
	load(regs, x->dreg, x->len, "@%u,%u,%u", x->base, x->offset, x->len);
}

static void print_lookup(FILE *out, struct registers *regs, const struct zg_expr *x)
{
	struct registers copy = *regs;
	char left[512];
	/* behind a set's key may stand more, and be the key of the next */
	concat(x->dreg == ZG_REG_NONE ? &copy : regs, x->sreg, left, sizeof left);
	if (x->dreg == ZG_REG_NONE)
		fprintf(out, "%s %s@%s", left, x->inverted ? "!= " : "", x->name);
	else if (x->dreg == ZG_REG_VERDICT)
		fprintf(out, "%s vmap @%s", left, x->name);
	else
		load(regs, x->dreg, 4, "%.110s map @%.40s", left, x->name);
}

static void print_dynset(FILE *out, struct registers *regs, const struct zg_expr *x)
{
	struct registers copy = *regs;
	char left[512];
	/* what stands in the registers may be the key of the next, too */
	fprintf(out, "%s @%s { %s timeout %us", x->op == NFT_DYNSET_OP_ADD ? "add" : "update", x->name,
		concat(&copy, x->sreg, left, sizeof left), x->timeout);
	if (x->rate != 0)
		fprintf(out, " limit rate over %u/%us burst %u packets", x->rate, x->unit, x->burst);
	fputs(" }", out);
}

/* True if something was printed, so that a blank must follow. */
static bool print_expr(FILE *out, struct registers *regs, const struct zg_expr *x)
{
	char number[16], left[512];
	switch (x->kind) {
	case ZG_X_META_LOAD:
		load(regs, x->dreg, x->key == NFT_META_IIFNAME || x->key == NFT_META_OIFNAME ? ZG_IFNAME_LEN : 4,
		     "%s%s", x->key == NFT_META_IIFNAME || x->key == NFT_META_OIFNAME ? "" : "meta ",
		     name_or_number(meta_keys, x->key, number));
		return false;
	case ZG_X_CT_LOAD:
		load(regs, x->dreg, x->key == NFT_CT_SRC_IP6 || x->key == NFT_CT_DST_IP6 ? 16 : 4, "ct %s%s",
		     x->dir == IP_CT_DIR_ORIGINAL ? "original "
		     : x->dir == IP_CT_DIR_REPLY  ? "reply "
						  : "",
		     name_or_number(ct_keys, x->key, number));
		return false;
	case ZG_X_PAYLOAD:
		payload_text(regs, x);
		return false;
	case ZG_X_BITWISE:
		bitwise_text(regs, x);
		return false;
	case ZG_X_VALUE:
		load(regs, x->dreg, x->len, "0x%08x", u32_of(x->data));
		return false;
	case ZG_X_HASH:
		load(regs, x->dreg, 4, "jhash %.100s mod %u seed 0x%x", concat(regs, x->sreg, left, sizeof left),
		     x->modulus, x->seed);
		return false;
	case ZG_X_LOOKUP:
		print_lookup(out, regs, x);
		return x->dreg == ZG_REG_NONE || x->dreg == ZG_REG_VERDICT;
	case ZG_X_CMP:
		print_cmp(out, regs, x);
		return true;
	case ZG_X_META_SET:
		fprintf(out, "meta %s set %s", name_or_number(meta_keys, x->key, number),
			concat(regs, x->sreg, left, sizeof left));
		return true;
	case ZG_X_VERDICT:
		fprintf(out, "%s%s%s", name_or_number(verdicts, x->op, number), x->name != NULL ? " " : "",
			x->name != NULL ? x->name : "");
		return true;
	case ZG_X_COUNTER:
		fprintf(out, "counter name \"%s\"", x->name);
		return true;
	case ZG_X_LOG:
		fprintf(out, "log prefix \"%s\" group %u snaplen %u queue-threshold %u", x->name, x->group, x->snaplen,
			x->threshold);
		return true;
	case ZG_X_QUEUE:
	case ZG_X_TARGET:
		fprintf(out, "%s num %u", x->kind == ZG_X_QUEUE ? "queue" : "xt target NFQUEUE", x->group);
		if (x->modulus != 1)
			fprintf(out, " total %u", x->modulus);
		if (x->key != 0)
			fprintf(out, " flags 0x%x", x->key);
		return true;
	case ZG_X_LIMIT:
		fprintf(out, "limit rate over %u/%u s burst %u", x->modulus, x->len, x->threshold);
		return true;
	case ZG_X_CONNLIMIT:
		fprintf(out, "ct count over %u", x->modulus);
		return true;
	case ZG_X_DYNSET:
		print_dynset(out, regs, x);
		return true;
	case ZG_X_UNKNOWN:
		break;
	}
	fprintf(out, "[%s]", x->name != NULL ? x->name : "unknown");
	return true;
}

void zg_print_rule(FILE *out, const struct zg_rule *rule)
{
	struct registers regs = { 0 };
	bool blank = false;
	for (size_t i = 0; i < rule->n; i++) {
		if (blank)
			fputc(' ', out);
		/* a load prints nothing, and its blank has been written already */
		blank = print_expr(out, &regs, &rule->exprs[i]);
	}
}

/* --- sets ------------------------------------------------------------------------------------------------------- */

/* lo-hi as a prefix length, or -1. Both in network order. */
static int prefix_of(const uint8_t *lo, const uint8_t *hi, size_t len)
{
	int bits = 0;
	size_t i = 0;
	while (i < len && lo[i] == hi[i])
		i++, bits += 8;
	if (i == len)
		return bits;
	uint8_t differ = lo[i] ^ hi[i];
	if ((differ & (differ + 1)) != 0 || (lo[i] & differ) != 0 || (hi[i] & differ) != differ)
		return -1;
	for (uint8_t m = 0x80; (differ & m) == 0; m >>= 1)
		bits++;
	for (i++; i < len; i++)
		if (lo[i] != 0 || hi[i] != 0xff)
			return -1;
	return bits;
}

static void print_addresses(FILE *out, int af, const uint8_t *lo, const uint8_t *hi)
{
	const size_t len = af == AF_INET ? 4 : 16;
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];
	inet_ntop(af, lo, a, sizeof a);
	inet_ntop(af, hi, b, sizeof b);
	int bits = prefix_of(lo, hi, len);
	if (bits == (int)len * 8)
		fprintf(out, "%s", a);
	else if (bits >= 0)
		fprintf(out, "%s/%d", a, bits);
	else
		fprintf(out, "%s-%s", a, b);
}

static void print_field(FILE *out, const struct zg_field *field, const uint8_t *lo, const uint8_t *hi)
{
	switch (field->type) {
	case ZG_T_IPV4:
		print_addresses(out, AF_INET, lo, hi);
		return;
	case ZG_T_IPV6:
		print_addresses(out, AF_INET6, lo, hi);
		return;
	case ZG_T_ETHER:
		fprintf(out, "%02x:%02x:%02x:%02x:%02x:%02x", lo[0], lo[1], lo[2], lo[3], lo[4], lo[5]);
		return;
	case ZG_T_PROTO:
		if (lo[0] == IPPROTO_TCP || lo[0] == IPPROTO_UDP)
			fprintf(out, "%s", lo[0] == IPPROTO_TCP ? "tcp" : "udp");
		else
			fprintf(out, "%u", lo[0]);
		if (lo[0] != hi[0])
			fprintf(out, "-%u", hi[0]);
		return;
	case ZG_T_SERVICE:
		fprintf(out, "%u", (unsigned)lo[0] << 8 | lo[1]);
		if (memcmp(lo, hi, 2) != 0)
			fprintf(out, "-%u", (unsigned)hi[0] << 8 | hi[1]);
		return;
	case ZG_T_CT_DIR:
		fprintf(out, "%s", lo[0] == IP_CT_DIR_ORIGINAL ? "original" : lo[0] == IP_CT_DIR_REPLY ? "reply" : "?");
		return;
	case ZG_T_IFNAME:
		fprintf(out, "\"%.*s\"", ZG_IFNAME_LEN, (const char *)lo);
		return;
	case ZG_T_ICMP6_TYPE:
		fprintf(out, "%u", lo[0]);
		return;
	case ZG_T_MARK:
		fprintf(out, "%u", u32_of(lo));
		return;
	default:
		for (size_t i = 0; i < field->len; i++)
			fprintf(out, "%02x", lo[i]);
	}
}

void zg_print_elem(FILE *out, const struct zg_set *set, const struct zg_elem *elem)
{
	char number[16];
	const uint8_t *end = set->interval ? elem->end : elem->key;
	size_t at = 0;
	for (size_t i = 0; i < set->n_fields; i++) {
		fputs(i > 0 ? " . " : "", out);
		print_field(out, &set->fields[i], elem->key + at, end + at);
		at += zg_field_padded(&set->fields[i]);
	}
	if (set->data == ZG_SET_MARK)
		fprintf(out, " : 0x%08x", elem->mark);
	else if (set->data == ZG_SET_VERDICT)
		fprintf(out, " : %s %s", name_or_number(verdicts, elem->verdict, number),
			elem->chain != NULL ? elem->chain : "");
}

void zg_print_set_head(FILE *out, const struct zg_set *set)
{
	char number[16];
	const char *separator = " flags ";
	fprintf(out, "%s %s { type ", set->data == ZG_SET_PLAIN ? "set" : "map", set->name);
	for (size_t i = 0; i < set->n_fields; i++)
		fprintf(out, "%s%s", i > 0 ? " . " : "", name_or_number(types, set->fields[i].type, number));
	fprintf(out, "%s;", set->data == ZG_SET_MARK ? " : mark" : set->data == ZG_SET_VERDICT ? " : verdict" : "");
	if (set->interval) {
		fprintf(out, "%sinterval", separator);
		separator = ",";
	}
	if (set->timeout)
		fprintf(out, "%stimeout", separator);
	if (set->dynamic)
		fprintf(out, ",dynamic; size %u", set->size);
	if (set->interval || set->timeout)
		fputc(';', out);
	if (set->counter)
		fputs(" counter;", out);
}

void zg_print_chain_head(FILE *out, const struct zg_chain *chain)
{
	char number[16], policy[16];
	fprintf(out, "chain %s {", chain->name);
	if (chain->base)
		fprintf(out, " type filter hook %s priority %d; policy %s;", name_or_number(hooks, chain->hook, number),
			chain->priority, name_or_number(verdicts, chain->policy, policy));
}

static void print_moment(FILE *out, const char *word, time_t moment)
{
	char day[32];
	struct tm tm;
	if (moment == ZG_NEVER)
		fprintf(out, " %s never", word);
	else if (moment != 0 && gmtime_r(&moment, &tm) != NULL && strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		fprintf(out, " %s %s", word, day);
}

static void print_set(FILE *out, const struct zg_plan *plan, const struct zg_set *set)
{
	fputs("\n\t", out);
	zg_print_set_head(out, set);
	fputc('\n', out);
	for (size_t i = 0; i < set->n_elems; i++) {
		const struct zg_elem *elem = &set->elems[i];
		fputs("\t\t", out);
		zg_print_elem(out, set, elem);
		print_moment(out, "opens", elem->opens);
		print_moment(out, "expires", elem->expires);
		if (elem->flow > 0 && elem->flow <= plan->n_flows)
			fprintf(out, " # %s", plan->flows[elem->flow - 1]);
		fputc('\n', out);
	}
	fputs("\t}\n", out);
}

enum zg_err zg_plan_print(const struct zg_plan *plan, FILE *out)
{
	for (size_t t = 0; t < plan->n_tables; t++) {
		const struct zg_table *table = &plan->tables[t];
		fprintf(out, "%stable inet %s {%s\n", t > 0 ? "\n" : "", table->name,
			table->owned ? " flags owner;" : "");
		for (size_t i = 0; i < table->n_counters; i++)
			fprintf(out, "\tcounter %s\n", table->counters[i].name);
		for (size_t i = 0; i < table->n_sets; i++)
			print_set(out, plan, &table->sets[i]);
		for (size_t i = 0; i < table->n_chains; i++) {
			const struct zg_chain *chain = &table->chains[i];
			fputs("\n\t", out);
			zg_print_chain_head(out, chain);
			fputc('\n', out);
			for (size_t k = 0; k < chain->n_rules; k++) {
				fputs("\t\t", out);
				zg_print_rule(out, &chain->rules[k]);
				fputc('\n', out);
			}
			fputs("\t}\n", out);
		}
		fputs("}\n", out);
	}
	return ferror(out) ? ZG_ESYS : ZG_OK;
}
