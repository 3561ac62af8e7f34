/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/trial.h"

const char *zg_trial_end_name(enum zg_trial_end end)
{
	static const char *const names[] = { "unknown", "running", "confirmed", "returned", "replaced" };
	return names[end];
}

static void end(struct zg_trial *t, enum zg_trial_end how)
{
	zg_policy_free(t->fallback);
	t->fallback = NULL;
	t->running = false;
	t->end = how;
}

void zg_trial_applied(struct zg_trial *t, struct zg_policy **policy, struct zg_policy *fresh)
{
	if (t->running)
		end(t, ZG_TRIAL_REPLACED);
	zg_policy_free(*policy);
	*policy = fresh;
}

void zg_trial_begin(struct zg_trial *t, struct zg_policy **policy, struct zg_policy *fresh, const struct zg_version *version,
		    uint64_t until_ms)
{
	if (t->running)
		zg_policy_free(*policy); /* it was on trial itself */
	else
		t->fallback = *policy;
	*policy = fresh;
	t->running = true;
	t->end = ZG_TRIAL_RUNNING;
	t->generation = fresh->generation;
	t->version = *version;
	t->until_ms = until_ms;
}

bool zg_trial_due(const struct zg_trial *t, uint64_t now_ms)
{
	return t->running && now_ms >= t->until_ms;
}

uint32_t zg_trial_left(const struct zg_trial *t, uint64_t now_ms)
{
	return t->running && now_ms < t->until_ms ? (uint32_t)((t->until_ms - now_ms + 999) / 1000) : 0;
}

bool zg_trial_confirm(struct zg_trial *t, uint32_t generation)
{
	if (!t->running || (generation != 0 && generation != t->generation))
		return false;
	end(t, ZG_TRIAL_CONFIRMED);
	return true;
}

struct zg_policy *zg_trial_return(struct zg_trial *t, struct zg_policy **policy)
{
	struct zg_policy *tried = *policy;
	*policy = t->fallback;
	t->fallback = NULL;
	end(t, ZG_TRIAL_RETURNED);
	return tried;
}

enum zg_trial_end zg_trial_of(const struct zg_trial *t, uint32_t generation)
{
	if (generation == t->generation)
		return t->end;
	return generation < t->generation ? ZG_TRIAL_REPLACED : ZG_TRIAL_NONE;
}
