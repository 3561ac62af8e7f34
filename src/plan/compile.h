/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the steps of the compiler. */
#ifndef ZONEGATE_PLAN_COMPILE_H
#define ZONEGATE_PLAN_COMPILE_H

#include "plan/interval.h"
#include "plan/plan.h"

/* nft's datatype numbers (nftables, include/datatype.h): part of its interface since sets carry them. */
enum {
	ZG_T_IPV4 = 7,
	ZG_T_IPV6 = 8,
	ZG_T_ETHER = 9,
	ZG_T_PROTO = 12,
	ZG_T_SERVICE = 13,
	ZG_T_MARK = 19,
	ZG_T_CT_DIR = 27,
	ZG_T_IFNAME = 41,
};

#define ZG_IFNAME_LEN 16 /* IFNAMSIZ: the key holds the whole name with its NULs */

/* The two families, everywhere in this order. */
struct zg_family_desc {
	uint8_t family;		 /* enum zg_family */
	uint8_t nfproto;	 /* NFPROTO_* */
	uint8_t type;		 /* datatype of an address */
	uint8_t len;		 /* bytes of an address */
	uint8_t saddr;		 /* its offset in the IP header */
	uint32_t ct_src, ct_dst; /* conntrack keys */
	const char *digit;	 /* "4", "6": suffix of names */
};

extern const struct zg_family_desc zg_families[2];

/* The windows of all schedules around a moment (times.c). */
struct zg_times {
	const struct zg_policy *policy;
	const struct zg_plan_env *env;
	struct zg_window *windows; /* per schedule; begin = ZG_NEVER: it does not open */
};
enum zg_err zg_times_init(struct zg_times *times, const struct zg_policy *policy, const struct zg_plan_env *env);
void zg_times_free(struct zg_times *times);
/* Has it expired for good? */
bool zg_times_expired(const struct zg_times *times, const struct zg_flow *flow);
/* Sets opens and expires of an element of the flow. */
void zg_times_set(const struct zg_times *times, const struct zg_flow *flow, struct zg_elem *elem);
/* Sets the plan's next and timed from its elements. */
void zg_times_next(struct zg_plan *plan, const struct zg_policy *policy);

struct zg_compiler {
	const struct zg_policy *policy;
	const struct zg_plan_env *env;
	struct zg_diags *diags;
	struct zg_plan *plan;
	struct zg_intervals *zones[2]; /* per family and zone: what is the zone's own, normal */
	struct zg_times times;
	size_t n_elems;
	bool limits;	  /* some flow has a limit */
	bool stations[2]; /* per family: there are any */
};

/* Everything of the policy table that depends on the flows: maps and chains per zone pair (flows.c). */
enum zg_err zg_compile_pairs(struct zg_compiler *c, struct zg_table *table);
/* Sets that tell which source belongs where (zones.c). */
enum zg_err zg_compile_zone_ranges(struct zg_compiler *c);
enum zg_err zg_compile_zone_sets(struct zg_compiler *c, struct zg_table *table);
enum zg_err zg_compile_isolated_set(const struct zg_plan_env *env, struct zg_table *table);
/* The chains that are the same for every policy (chains.c). */
enum zg_err zg_compile_forward(struct zg_compiler *c, struct zg_table *table);
enum zg_err zg_compile_queues(struct zg_compiler *c, struct zg_table *table);

/* Lists of refused addresses: their sets, the rules that ask for them before anything is permitted, what these lead to
 * (blocklist.c). */
enum zg_err zg_compile_blocklist_sets(struct zg_compiler *c, struct zg_table *table);
enum zg_err zg_compile_blocklist_rules(const struct zg_compiler *c, struct zg_chain *chain);
enum zg_err zg_compile_blocklist_chains(struct zg_compiler *c, struct zg_table *table);

/* Names of a zone pair's maps per family; NULL = it needs none. */
struct zg_pair_maps {
	const char *exact[2], *ranges[2];
	const char *opaque[2]; /* what passes uninspected */
};

/* Of its chains: permit takes what a flow permits and returns with the rest, judge refuses the rest. */
struct zg_pair_names {
	const char *permit, *judge;
};

enum zg_err zg_compile_pair_chains(struct zg_table *table, const struct zg_pair_names *names, const struct zg_pair_maps *maps,
				   unsigned line);
/* Limits of flows: a map from their marks to a chain for each; before the queues, on whose way it is. */
enum zg_err zg_compile_limits(struct zg_compiler *c, struct zg_table *table);
/* Rules that refuse what is beyond the limits of the flow. */
enum zg_err zg_compile_limit_chain(struct zg_table *table, const char *name, const struct zg_flow *flow);
/* The way of what passes uninspected; before the pairs that lead to it. */
enum zg_err zg_compile_opaque(struct zg_table *table);
enum zg_err zg_compile_backstop(struct zg_plan *plan);

/* May these two zones ever speak to each other? 2.6(3)①: My Number and Internet never, with no override. */
bool zg_zones_never(const struct zg_zone *a, const struct zg_zone *b);

/* Two elements of an interval set that one packet could match, *ret_a of the earlier flow; NULL: there are none. */
enum zg_err zg_set_overlap(const struct zg_set *set, const struct zg_elem **ret_a, const struct zg_elem **ret_b);

/* Is the interface kept out, whatever the policy says? It stays in the sets that only refuse. */
bool zg_iface_strange(const struct zg_compiler *c, const char *ifname);
/* The chain for packets between two interfaces of one zone; nothing if no zone permits them (chains.c). */
enum zg_err zg_compile_within(struct zg_compiler *c, struct zg_table *table);
bool zg_zone_within(const struct zg_zone *zone);

/* An element, counted against ZG_ELEMS_MAX (ZG_ECONF with a diagnostic); key bytes are put with zg_key_*. */
enum zg_err zg_compile_elem(struct zg_compiler *c, struct zg_set *set, unsigned line, struct zg_elem **ret_elem);
size_t zg_key_ifname(uint8_t *key, size_t at, const char *ifname);
size_t zg_key_bytes(uint8_t *key, size_t at, const void *bytes, size_t len);

#endif
