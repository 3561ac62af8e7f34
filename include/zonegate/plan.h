/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan: what the kernel shall hold, as plain data. Compiled from a policy without any side effect, printed as
 * stable text, turned into netlink messages by src/nft/, and compared with what the kernel gives back.
 */
#ifndef ZONEGATE_PLAN_H
#define ZONEGATE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "zonegate/blocklist.h"
#include "zonegate/policy.h"

#define ZG_TABLE_POLICY	  "zonegate"
#define ZG_TABLE_BACKSTOP "zonegate_backstop"
#define ZG_SET_ISOLATED	  "isolated"

enum zg_queue_kind {
	ZG_QUEUE_NATIVE, /* nft's queue expression */
	ZG_QUEUE_TARGET, /* xtables NFQUEUE target through the compatibility expression */
};

/* What a plan depends on besides the policy. */
struct zg_plan_env {
	enum zg_queue_kind queue;
	uint32_t hash_seed; /* random per start: who opens connections shall not choose the queue */
	const struct zg_blocklist *blocklists; /* what is in force of the policy's lists, in their order; NULL = of none an entry */
	char *const *strange; /* interfaces that no packet may pass: not there, or another card than expected */
	size_t n_strange;
	time_t now;	    /* flows already expired at this time get no element; elements get the rest as timeout */
	/* The clock has not been set since the machine started: nobody knows what has expired or which window is open, so
	 * whatever ends or opens with time is closed. */
	bool clock_unset;
	const char *const *isolated; /* interfaces of the zones that are cut off; the same one may be there twice */
	size_t n_isolated;
};

struct zg_plan; /* src/plan/plan.h has the inside for src/nft and src/plan */

enum zg_err zg_plan_compile(const struct zg_policy *policy, const struct zg_plan_env *env, struct zg_diags *diags,
			    struct zg_plan **ret_plan);
/* The backstop table alone: the same for every policy. */
enum zg_err zg_plan_backstop(struct zg_plan **ret_plan);
/* The plan of policy for another moment: windows that have opened since get their elements, *ret_due of them, which
 * zg_nft_open_due() adds; those that have ended go by themselves. */
enum zg_err zg_plan_retime(struct zg_plan *plan, const struct zg_policy *policy, const struct zg_plan_env *env,
			   size_t *ret_due);
/* When that is to be called again; ZG_NEVER = never. */
time_t zg_plan_next(const struct zg_plan *plan);
/* Does anything in it depend on the clock? */
bool zg_plan_timed(const struct zg_plan *plan);
/* The sets of the blocklists, alone in their table: what a list that is read again changes. */
enum zg_err zg_plan_blocklists(const struct zg_policy *policy, const struct zg_plan_env *env, struct zg_plan **ret_plan);
/* The set of interfaces that are cut off, alone in its table: what isolate and restore change. */
enum zg_err zg_plan_isolation(const struct zg_plan_env *env, struct zg_plan **ret_plan);
/* The plan, in the kernel, has been given another isolation: it holds the same now, and isolation what it had. */
void zg_plan_isolate(struct zg_plan *plan, struct zg_plan *isolation);
void zg_plan_free(struct zg_plan *plan);
/* Stable, readable text of the whole plan (golden tests, show --plan). */
enum zg_err zg_plan_print(const struct zg_plan *plan, FILE *out);

#endif
