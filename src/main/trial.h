/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy on trial: in force until somebody confirms it or its time is over. Who is on trial, what comes after it and
 * when, without a clock or a kernel of its own.
 *
 *   - What comes after it is always the last confirmed policy: another one put on trial meanwhile begins a new time, and does
 *     not make the first one good.
 *   - A policy that is put in force for good ends the trial: whoever did so has decided.
 *   - A change that fails changes nothing: the trial goes on, and its time too.
 */
#ifndef ZONEGATE_MAIN_TRIAL_H
#define ZONEGATE_MAIN_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "main/store.h"
#include "zonegate/policy.h"

enum zg_trial_end { ZG_TRIAL_NONE, ZG_TRIAL_RUNNING, ZG_TRIAL_CONFIRMED, ZG_TRIAL_RETURNED, ZG_TRIAL_REPLACED };

struct zg_trial {
	bool running;
	uint64_t until_ms;
	uint32_t generation;	    /* of the policy on trial, or of the last one that was */
	enum zg_trial_end end;	    /* of that */
	struct zg_policy *fallback; /* owned; NULL = there was none: closed comes after it */
	struct zg_version version;  /* as it will be kept when it is confirmed */
};

/* "running", "confirmed", "returned", "replaced"; "unknown". */
const char *zg_trial_end_name(enum zg_trial_end end);
/* fresh is in force in the place of *policy, which is kept or freed; for good, or on trial until until_ms (version says of
 * what). */
void zg_trial_applied(struct zg_trial *t, struct zg_policy **policy, struct zg_policy *fresh);
void zg_trial_begin(struct zg_trial *t, struct zg_policy **policy, struct zg_policy *fresh, const struct zg_version *version,
		    uint64_t until_ms);
bool zg_trial_due(const struct zg_trial *t, uint64_t now_ms);
/* Seconds that are left, rounded up; 0 = none, or no trial. */
uint32_t zg_trial_left(const struct zg_trial *t, uint64_t now_ms);
/* False: nothing is on trial, or it is not that generation (0 = whichever it is). */
bool zg_trial_confirm(struct zg_trial *t, uint32_t generation);
/* The time is over: *policy is what is to be in force instead (NULL = nothing). Gives what was on trial, for the caller to
 * free. */
struct zg_policy *zg_trial_return(struct zg_trial *t, struct zg_policy **policy);
/* What became of a generation. */
enum zg_trial_end zg_trial_of(const struct zg_trial *t, uint32_t generation);

#endif
