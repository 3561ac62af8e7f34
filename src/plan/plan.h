/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a plan, for src/plan and src/nft: tables with their counters, sets, chains and rules as plain data,
 * in the words of the kernel. All strings belong to the plan. What the compiler makes and what is read back from the
 * kernel are the same type, so that comparing them is comparing two values.
 */
#ifndef ZONEGATE_PLAN_PLAN_H
#define ZONEGATE_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/plan.h"

#define ZG_PLAN_TABLES	   3
#define ZG_PLAN_LOG_GROUP  0x5a47 /* NFLOG group of refused packets */
#define ZG_PLAN_KEY_MAX	   40	  /* bytes: station_mac6, flows6 and to_router6, 16 + 16 + 4 + 4 or 16 + 16 + 8 */
#define ZG_PLAN_FIELDS_MAX 4
#define ZG_PLAN_NAME_MAX   256	/* bytes with NUL, the kernel's NFT_NAME_MAXLEN */
#define ZG_REG_VERDICT	   0xff /* instead of a register: the verdict */
#define ZG_REG_NONE	   0xfe /* instead of a register: a lookup in a set that is no map */
#define ZG_DIR_NONE	   0xff /* a conntrack key without direction */

/* Expressions; registers are counted in words of 4 bytes from NFT_REG32_00, whatever their names. */
enum zg_expr_kind {
	ZG_X_META_LOAD, /* key, dreg */
	ZG_X_META_SET,	/* key, sreg */
	ZG_X_CT_LOAD,	/* key, dir, dreg */
	ZG_X_PAYLOAD,	/* base, offset, len, dreg */
	ZG_X_CMP,	/* sreg, op, data, len */
	ZG_X_BITWISE,	/* sreg, dreg, len, mask, data = xor */
	ZG_X_LOOKUP,	/* sreg, dreg (verdict, a register, or none for a plain set), inverted, name */
	ZG_X_VALUE,	/* dreg = data, len */
	ZG_X_VERDICT,	/* op = NF_DROP, NF_ACCEPT, NFT_GOTO, NFT_JUMP, NFT_RETURN; name = chain */
	ZG_X_COUNTER,	/* name of the table's counter */
	ZG_X_HASH,	/* sreg, len, dreg, modulus, seed */
	ZG_X_LOG,	/* name = prefix, group, snaplen, threshold */
	ZG_X_QUEUE,	/* group = queue number, modulus = queues, key = flags; the nft expression */
	ZG_X_TARGET,	/* the same through the xtables target */
	ZG_X_LIMIT,	/* true beyond modulus packets in len seconds, threshold = as many at once */
	ZG_X_CONNLIMIT, /* true beyond modulus connections at once */
	ZG_X_DYNSET,	/* puts the key from sreg into a dynamic set: op = NFT_DYNSET_OP_*, name, timeout; with rate goes on only
			 * for what is over rate in unit seconds beyond burst, counted by key */
	ZG_X_UNKNOWN,	/* only read back: something that no plan holds; name = what */
};

struct zg_expr {
	enum zg_expr_kind kind;
	uint8_t sreg, dreg, dir;
	bool inverted;
	uint32_t key, base, offset, len, op;
	uint32_t modulus, seed, group, snaplen, threshold;
	uint32_t timeout, rate, unit, burst; /* timeout and unit in seconds; rate 0 = no meter */
	uint8_t data[16], mask[16];
	const char *name; /* NULL where the kind has none */
};

#define ZG_RULE_EXPRS_MAX 16

struct zg_rule {
	struct zg_expr *exprs;
	size_t n;
	unsigned line; /* of the configuration; 0 = of no line in particular */
};

struct zg_chain {
	const char *name;
	bool base; /* the rest of this block only then; type filter */
	uint32_t hook;
	int32_t priority;
	uint32_t policy; /* NF_DROP, NF_ACCEPT */
	struct zg_rule *rules;
	size_t n_rules;
	unsigned line;
};

/* What a set maps to. */
enum zg_set_data { ZG_SET_PLAIN, ZG_SET_MARK, ZG_SET_VERDICT };

/* One field of a key. */
struct zg_field {
	uint8_t type; /* nft's datatype number, so that nft can list it */
	uint8_t len;  /* bytes, before padding to 4 */
};

struct zg_elem {
	uint8_t key[ZG_PLAN_KEY_MAX], end[ZG_PLAN_KEY_MAX]; /* end: with intervals only, else zero */
	uint32_t mark;					    /* ZG_SET_MARK, host order */
	uint32_t verdict;				    /* ZG_SET_VERDICT: NFT_GOTO, NFT_JUMP ... */
	const char *chain;				    /* ZG_SET_VERDICT */
	time_t opens;					    /* begin of its window; 0 = at any time */
	time_t expires;					    /* 0 = never; read back: any other value if it ends */
	bool closed;					    /* its window has not come: the kernel has it not */
	bool due;					    /* to be added: it opened since the kernel was told */
	uint64_t packets, bytes;			    /* read back */
	uint32_t flow;					    /* 1-based number of the flow it was made for; 0 = none */
	unsigned line;
};

struct zg_set {
	const char *name;
	struct zg_field fields[ZG_PLAN_FIELDS_MAX];
	size_t n_fields;
	enum zg_set_data data;
	bool interval, timeout, counter; /* intervals of one field are kept by their ends, of several with KEY_END */
	bool dynamic;	       /* filled by rules, never compared nor taken away: what is counted goes on over changes */
	uint32_t size;	       /* of a dynamic one: elements at most */
	bool grows;	       /* elements come after the set: the kernel is not told how many there are */
	uint32_t room;	       /* read back: elements it can have at most; 0 = any number */
	uint32_t other;	       /* read back: flags that no plan uses, or a key that does not match its type */
	struct zg_elem *elems; /* sorted by key, end */
	size_t n_elems;
	unsigned line;
};

struct zg_counter {
	const char *name;
	uint64_t packets, bytes; /* read back */
};

struct zg_table {
	const char *name;
	bool owned; /* NFT_TABLE_F_OWNER */
	struct zg_counter *counters;
	size_t n_counters;
	struct zg_set *sets;
	size_t n_sets;
	struct zg_chain *chains;
	size_t n_chains;
};

struct zg_strings;

struct zg_plan {
	struct zg_table tables[ZG_PLAN_TABLES];
	size_t n_tables;
	time_t now;  /* for which opens and expires hold */
	time_t next; /* when they have to be looked at again (zg_plan_retime); ZG_NEVER = never */
	bool timed;  /* something in it ends, or opens, with time */
	uint32_t generation;
	const char **flows; /* names; number - 1 is the index */
	size_t n_flows;
	struct zg_strings *strings;
};

/* --- building; all give NULL or ZG_ENOMEM when memory is out. Pointers into a plan's arrays hold until the next
 * addition to the same array. ------------------------------------------------------------------------------- */

struct zg_plan *zg_plan_new(void);
/* A copy that lives as long as the plan. */
const char *zg_plan_str(struct zg_plan *plan, const char *s);
const char *zg_plan_strf(struct zg_plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct zg_table *zg_plan_table(struct zg_plan *plan, const char *name, bool owned);
enum zg_err zg_plan_counter(struct zg_table *table, const char *name);
struct zg_set *zg_plan_set(struct zg_table *table, const char *name);
struct zg_chain *zg_plan_chain(struct zg_table *table, const char *name, unsigned line);
struct zg_rule *zg_plan_rule(struct zg_chain *chain, const struct zg_expr *exprs, size_t n, unsigned line);
/* Zeroed. */
struct zg_elem *zg_plan_elem(struct zg_set *set);
void zg_plan_sort(struct zg_set *set);
/* By key, then end: <0, 0, >0. */
int zg_elem_order(const struct zg_elem *a, const struct zg_elem *b);

/* Bytes of the key in registers: every field padded to 4. */
size_t zg_set_key_len(const struct zg_set *set);
size_t zg_field_padded(const struct zg_field *field);

struct zg_set *zg_table_find_set(const struct zg_table *table, const char *name);
struct zg_chain *zg_table_find_chain(const struct zg_table *table, const char *name);
struct zg_table *zg_plan_find_table(const struct zg_plan *plan, const char *name);

/* Is it one that the kernel has, and has not ended by now? */
bool zg_elem_in_force(const struct zg_elem *elem, time_t now);

/* --- text ------------------------------------------------------------------------------------------------------ */

void zg_print_rule(FILE *out, const struct zg_rule *rule);
/* "internet : 10.0.0.1 . 10.0.0.2 . tcp . 25 : mark 0x01000001" without counters. */
void zg_print_elem(FILE *out, const struct zg_set *set, const struct zg_elem *elem);
void zg_print_chain_head(FILE *out, const struct zg_chain *chain);
void zg_print_set_head(FILE *out, const struct zg_set *set);

/* --- comparing ------------------------------------------------------------------------------------------------- */

bool zg_rules_same(const struct zg_chain *a, const struct zg_chain *b);
bool zg_chain_same_head(const struct zg_chain *a, const struct zg_chain *b);
bool zg_set_same_type(const struct zg_set *a, const struct zg_set *b);
/* Of one key: what it maps to. When it ends is not looked at. */
bool zg_elem_same_data(const struct zg_elem *a, const struct zg_elem *b);

/*
 * Compares one table of a plan with what the kernel holds. Counters' values do not count, nor how long an element
 * still lives; one that must have ended by now may be missing. Returns ZG_OK, ZG_ENOMEM, or ZG_EDRIFT and a
 * malloc'd sentence that names the first difference.
 */
enum zg_err zg_table_diff(const struct zg_table *want, const struct zg_table *have, time_t now, char **ret_difference);

#endif
