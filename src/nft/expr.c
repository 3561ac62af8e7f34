/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions: plan <-> libnftnl, each kind once in each direction. */
#include <arpa/inet.h>
#include <stdio.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <stdlib.h>
#include <string.h>

#include "nft/nft_int.h"

#define TARGET_NAME	"NFQUEUE"
#define TARGET_REVISION 3
#define TARGET_SIZE	8 /* struct xt_NFQ_info_v3, six bytes, padded as xtables wants it */

/* The kernel's two names for a register: by 16 bytes and by 4. It dumps the first where it can. */
static uint32_t reg_name(uint8_t word)
{
	if (word == ZG_REG_VERDICT)
		return NFT_REG_VERDICT;
	return word % 4 == 0 ? NFT_REG_1 + word / 4u : NFT_REG32_00 + (uint32_t)word;
}

static uint8_t reg_word(uint32_t name)
{
	if (name == NFT_REG_VERDICT)
		return ZG_REG_VERDICT;
	if (name >= NFT_REG32_00 && name <= NFT_REG32_15)
		return (uint8_t)(name - NFT_REG32_00);
	return name >= NFT_REG_1 && name <= NFT_REG_4 ? (uint8_t)(4 * (name - NFT_REG_1)) : ZG_REG_NONE;
}

static const char *const expr_names[] = {
	[ZG_X_META_LOAD] = "meta",    [ZG_X_META_SET] = "meta",	  [ZG_X_CT_LOAD] = "ct",    [ZG_X_PAYLOAD] = "payload",
	[ZG_X_CMP] = "cmp",	      [ZG_X_BITWISE] = "bitwise", [ZG_X_LOOKUP] = "lookup", [ZG_X_VALUE] = "immediate",
	[ZG_X_VERDICT] = "immediate", [ZG_X_COUNTER] = "objref",  [ZG_X_HASH] = "hash",	    [ZG_X_LOG] = "log",
	[ZG_X_QUEUE] = "queue",	      [ZG_X_TARGET] = "target",	  [ZG_X_LIMIT] = "limit",   [ZG_X_CONNLIMIT] = "connlimit",
	[ZG_X_DYNSET] = "dynset",
};

static bool build_target(struct nftnl_expr *e, const struct zg_expr *x)
{
	const struct xt_NFQ_info_v3 info = { .queuenum = (uint16_t)x->group,
					     .queues_total = (uint16_t)x->modulus,
					     .flags = (uint16_t)x->key };
	uint8_t *bytes = calloc(1, TARGET_SIZE);
	if (bytes == NULL)
		return false;
	memcpy(bytes, &info, sizeof info);
	nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, TARGET_NAME);
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, TARGET_REVISION);
	nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, bytes, TARGET_SIZE);
	return true; /* the expression owns the bytes now: NOLINT(clang-analyzer-unix.Malloc) */
}

static bool build_dynset(struct nftnl_expr *e, const struct zg_expr *x)
{
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, reg_name(x->sreg));
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, x->op);
	nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, (uint64_t)x->timeout * 1000);
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, x->name);
	if (x->rate == 0)
		return true;
	struct nftnl_expr *limit = nftnl_expr_alloc("limit");
	if (limit == NULL)
		return false;
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, x->rate);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, x->unit);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, x->burst);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
	nftnl_expr_add_expr(e, NFTNL_EXPR_DYNSET_EXPRESSIONS, limit);
	return true;
}

static void build_lookup(struct nftnl_expr *e, const struct zg_expr *x)
{
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, reg_name(x->sreg));
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, x->name);
	if (x->dreg != ZG_REG_NONE)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, reg_name(x->dreg));
	if (x->inverted)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

static void build_loads(struct nftnl_expr *e, const struct zg_expr *x)
{
	switch (x->kind) {
	case ZG_X_META_LOAD:
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, x->key);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg_name(x->dreg));
		break;
	case ZG_X_META_SET:
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, x->key);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, reg_name(x->sreg));
		break;
	case ZG_X_CT_LOAD:
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, x->key);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, reg_name(x->dreg));
		if (x->dir != ZG_DIR_NONE)
			nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, x->dir);
		break;
	case ZG_X_PAYLOAD:
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg_name(x->dreg));
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, x->base);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, x->offset);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, x->len);
		break;
	case ZG_X_VALUE:
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, reg_name(x->dreg));
		nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, x->data, x->len);
		break;
	case ZG_X_HASH:
		nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_SREG, reg_name(x->sreg));
		nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_DREG, reg_name(x->dreg));
		nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_LEN, x->len);
		nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_MODULUS, x->modulus);
		nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_SEED, x->seed);
		nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
		break;
	default:
		break;
	}
}

static bool build_acts(struct nftnl_expr *e, const struct zg_expr *x)
{
	switch (x->kind) {
	case ZG_X_CMP:
		nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, reg_name(x->sreg));
		nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, x->op);
		nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, x->data, x->len);
		break;
	case ZG_X_BITWISE:
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, reg_name(x->sreg));
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, reg_name(x->dreg));
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, x->len);
		nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, x->mask, x->len);
		nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, x->data, x->len);
		break;
	case ZG_X_LOOKUP:
		build_lookup(e, x);
		break;
	case ZG_X_VERDICT:
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, x->op);
		if (x->name != NULL)
			nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, x->name);
		break;
	case ZG_X_COUNTER:
		nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
		nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, x->name);
		break;
	case ZG_X_LOG:
		nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, x->name);
		nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, (uint16_t)x->group);
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_SNAPLEN, x->snaplen);
		nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_QTHRESHOLD, (uint16_t)x->threshold);
		break;
	case ZG_X_QUEUE:
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, (uint16_t)x->group);
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, (uint16_t)x->modulus);
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, (uint16_t)x->key);
		break;
	case ZG_X_LIMIT:
		nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, x->modulus);
		nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, x->len);
		nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, x->threshold);
		nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
		nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
		break;
	case ZG_X_CONNLIMIT:
		nftnl_expr_set_u32(e, NFTNL_EXPR_CONNLIMIT_COUNT, x->modulus);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
		break;
	case ZG_X_TARGET:
		return build_target(e, x);
	case ZG_X_DYNSET:
		return build_dynset(e, x);
	default:
		build_loads(e, x);
	}
	return true;
}

struct nftnl_expr *zg_nft_expr_build(const struct zg_expr *x)
{
	if (x->kind >= ZG_X_UNKNOWN)
		return NULL;
	struct nftnl_expr *e = nftnl_expr_alloc(expr_names[x->kind]);
	if (e != NULL && !build_acts(e, x)) {
		nftnl_expr_free(e);
		return NULL;
	}
	return e;
}

/* --- the way back ----------------------------------------------------------------------------------------------- */

/* Copies an attribute of at most 16 bytes; false if it is longer or missing. */
static bool take_bytes(const struct nftnl_expr *e, uint16_t attr, uint8_t ret_bytes[16], uint32_t *ret_len)
{
	uint32_t len = 0;
	const void *bytes = nftnl_expr_get(e, attr, &len);
	if (bytes == NULL || len > 16)
		return false;
	memcpy(ret_bytes, bytes, len);
	*ret_len = len;
	return true;
}

static bool parse_meta(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
	if (nftnl_expr_is_set(e, NFTNL_EXPR_META_SREG)) {
		x->kind = ZG_X_META_SET;
		x->sreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_META_SREG));
	} else {
		x->kind = ZG_X_META_LOAD;
		x->dreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_META_DREG));
	}
	return true;
}

static bool parse_ct(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->kind = ZG_X_CT_LOAD;
	x->key = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY);
	x->dreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_CT_DREG));
	x->dir = nftnl_expr_is_set(e, NFTNL_EXPR_CT_DIR) ? nftnl_expr_get_u8(e, NFTNL_EXPR_CT_DIR) : ZG_DIR_NONE;
	return !nftnl_expr_is_set(e, NFTNL_EXPR_CT_SREG);
}

static bool parse_payload(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->kind = ZG_X_PAYLOAD;
	x->dreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_DREG));
	x->base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	x->offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	x->len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	return !nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_SREG);
}

static bool parse_cmp(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->kind = ZG_X_CMP;
	x->sreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_SREG));
	x->op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP);
	return take_bytes(e, NFTNL_EXPR_CMP_DATA, x->data, &x->len);
}

static bool parse_bitwise(const struct nftnl_expr *e, struct zg_expr *x)
{
	uint32_t mask = 0, xor = 0;
	x->kind = ZG_X_BITWISE;
	x->sreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_SREG));
	x->dreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_DREG));
	x->len = nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_LEN);
	return nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_OP) == NFT_BITWISE_BOOL &&
	       take_bytes(e, NFTNL_EXPR_BITWISE_MASK, x->mask, &mask) && mask == x->len &&
	       take_bytes(e, NFTNL_EXPR_BITWISE_XOR, x->data, &xor) && xor == x->len;
}

static bool parse_lookup(const struct nftnl_expr *e, struct zg_expr *x)
{
	const uint32_t flags = nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS);
	x->kind = ZG_X_LOOKUP;
	x->sreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_SREG));
	x->dreg = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG) ? reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_DREG))
							       : ZG_REG_NONE;
	x->inverted = flags == NFT_LOOKUP_F_INV;
	x->name = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);
	return flags == 0 || flags == NFT_LOOKUP_F_INV;
}

static bool parse_immediate(const struct nftnl_expr *e, struct zg_expr *x)
{
	const uint8_t dreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_DREG));
	if (dreg == ZG_REG_VERDICT) {
		x->kind = ZG_X_VERDICT;
		x->op = nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT);
		if (nftnl_expr_is_set(e, NFTNL_EXPR_IMM_CHAIN))
			x->name = nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN);
		return true;
	}
	x->kind = ZG_X_VALUE;
	x->dreg = dreg;
	return take_bytes(e, NFTNL_EXPR_IMM_DATA, x->data, &x->len);
}

static bool parse_objref(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->kind = ZG_X_COUNTER;
	x->name = nftnl_expr_get_str(e, NFTNL_EXPR_OBJREF_IMM_NAME);
	return x->name != NULL && nftnl_expr_get_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE) == NFT_OBJECT_COUNTER;
}

static bool parse_hash(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->kind = ZG_X_HASH;
	x->sreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_SREG));
	x->dreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_DREG));
	x->len = nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_LEN);
	x->modulus = nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_MODULUS);
	x->seed = nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_SEED);
	return nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_TYPE) == NFT_HASH_JENKINS &&
	       nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_OFFSET) == 0;
}

static bool parse_log(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->kind = ZG_X_LOG;
	x->name = nftnl_expr_get_str(e, NFTNL_EXPR_LOG_PREFIX);
	x->group = nftnl_expr_get_u16(e, NFTNL_EXPR_LOG_GROUP);
	x->snaplen = nftnl_expr_get_u32(e, NFTNL_EXPR_LOG_SNAPLEN);
	x->threshold = nftnl_expr_get_u16(e, NFTNL_EXPR_LOG_QTHRESHOLD);
	return nftnl_expr_is_set(e, NFTNL_EXPR_LOG_GROUP) && x->name != NULL;
}

static bool parse_queue(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->kind = ZG_X_QUEUE;
	x->group = nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_NUM);
	x->modulus = nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_TOTAL);
	x->key = nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_FLAGS);
	return !nftnl_expr_is_set(e, NFTNL_EXPR_QUEUE_SREG_QNUM);
}

static bool parse_limit(const struct nftnl_expr *e, struct zg_expr *x)
{
	const uint64_t rate = nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_RATE), unit = nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_UNIT);
	x->kind = ZG_X_LIMIT;
	x->modulus = (uint32_t)rate;
	x->len = (uint32_t)unit;
	x->threshold = nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_BURST);
	return rate <= UINT32_MAX && unit <= UINT32_MAX && nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_TYPE) == NFT_LIMIT_PKTS &&
	       nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_FLAGS) == NFT_LIMIT_F_INV;
}

static bool parse_connlimit(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->kind = ZG_X_CONNLIMIT;
	x->modulus = nftnl_expr_get_u32(e, NFTNL_EXPR_CONNLIMIT_COUNT);
	return nftnl_expr_get_u32(e, NFTNL_EXPR_CONNLIMIT_FLAGS) == NFT_CONNLIMIT_F_INV;
}

/* Only the one meter that plans have: packets over a rate. */
static int take_limit(struct nftnl_expr *limit, void *data)
{
	struct zg_expr *x = data;
	const char *name = nftnl_expr_get_str(limit, NFTNL_EXPR_NAME);
	if (x->rate != 0 || name == NULL || strcmp(name, "limit") != 0 ||
	    nftnl_expr_get_u32(limit, NFTNL_EXPR_LIMIT_TYPE) != NFT_LIMIT_PKTS ||
	    nftnl_expr_get_u32(limit, NFTNL_EXPR_LIMIT_FLAGS) != NFT_LIMIT_F_INV)
		return -1;
	x->rate = (uint32_t)nftnl_expr_get_u64(limit, NFTNL_EXPR_LIMIT_RATE);
	x->unit = (uint32_t)nftnl_expr_get_u64(limit, NFTNL_EXPR_LIMIT_UNIT);
	x->burst = nftnl_expr_get_u32(limit, NFTNL_EXPR_LIMIT_BURST);
	return 0;
}

static bool parse_dynset(const struct nftnl_expr *e, struct zg_expr *x)
{
	x->kind = ZG_X_DYNSET;
	x->sreg = reg_word(nftnl_expr_get_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY));
	x->op = nftnl_expr_get_u32(e, NFTNL_EXPR_DYNSET_OP);
	x->timeout = (uint32_t)(nftnl_expr_get_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT) / 1000);
	x->name = nftnl_expr_get_str(e, NFTNL_EXPR_DYNSET_SET_NAME);
	/* with flags it would go on where this one stops */
	return x->name != NULL && !nftnl_expr_is_set(e, NFTNL_EXPR_DYNSET_SREG_DATA) &&
	       nftnl_expr_get_u32(e, NFTNL_EXPR_DYNSET_FLAGS) == 0 && nftnl_expr_expr_foreach(e, take_limit, x) == 0;
}

static bool parse_target(const struct nftnl_expr *e, struct zg_expr *x)
{
	struct xt_NFQ_info_v3 info;
	uint32_t len = 0;
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);
	const void *bytes = nftnl_expr_get(e, NFTNL_EXPR_TG_INFO, &len);
	if (name == NULL || strcmp(name, TARGET_NAME) != 0 || bytes == NULL || len < sizeof info ||
	    nftnl_expr_get_u32(e, NFTNL_EXPR_TG_REV) != TARGET_REVISION)
		return false;
	memcpy(&info, bytes, sizeof info);
	x->kind = ZG_X_TARGET;
	x->group = info.queuenum;
	x->modulus = info.queues_total;
	x->key = info.flags;
	return true;
}

static const struct {
	const char *name;
	bool (*parse)(const struct nftnl_expr *e, struct zg_expr *x);
} parsers[] = {
	{ "meta", parse_meta },		  { "ct", parse_ct },
	{ "payload", parse_payload },	  { "cmp", parse_cmp },
	{ "bitwise", parse_bitwise },	  { "lookup", parse_lookup },
	{ "immediate", parse_immediate }, { "objref", parse_objref },
	{ "hash", parse_hash },		  { "log", parse_log },
	{ "queue", parse_queue },	  { "target", parse_target },
	{ "limit", parse_limit },	  { "connlimit", parse_connlimit },
	{ "dynset", parse_dynset },
};

enum zg_err zg_nft_expr_parse(const struct nftnl_expr *e, struct zg_plan *plan, struct zg_expr *ret_x)
{
	struct zg_expr x = { .kind = ZG_X_UNKNOWN };
	const char *kind = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	bool known = false;
	for (size_t i = 0; i < sizeof parsers / sizeof *parsers && kind != NULL && !known; i++)
		known = strcmp(parsers[i].name, kind) == 0 && parsers[i].parse(e, &x);
	if (!known)
		x = (struct zg_expr){ .kind = ZG_X_UNKNOWN, .name = kind != NULL ? kind : "?" };
	if (x.name != NULL && (x.name = zg_plan_str(plan, x.name)) == NULL)
		return ZG_ENOMEM;
	*ret_x = x;
	return ZG_OK;
}
