/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a change: parse, compile, kernel's dry run, stage, commit, compare, open, save. A step that fails leaves
 * everything as it was. */
#include "main/supervisor.h"
#include "sys/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESTORE_MS 5000u /* between tries to put a policy back in force */

static void hex32(const uint8_t digest[static 32], char ret_hex[static 65])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
}

static void record_change(struct zg_supervisor *s, enum zg_event_kind kind, const struct zg_policy *policy, const char *file,
			  const char *who, const struct zg_diags *diags)
{
	struct zg_event e;
	char hex[65];

	zg_event_init(&e, kind);
	zg_event_str(&e, ZG_F_FILE, file);
	zg_event_str(&e, ZG_F_WHO, who);
	if (policy != NULL) {
		hex32(policy->sha256, hex);
		zg_event_str(&e, ZG_F_SHA256, hex);
		zg_event_u64(&e, ZG_F_GENERATION, policy->generation);
	}
	const char *first = diags->n > 0 ? diags->items[0].message : "";
	if (diags->errors > 0)
		zg_event_str(&e, ZG_F_DETAIL, first);
	switch (kind) {
	case ZG_E_POLICY_APPLIED:
		zg_event_message(&e, "policy %u is in force: %zu zones, %zu flows, from %s, by %s", policy->generation, policy->n_zones,
				 policy->n_flows, file, who);
		break;
	case ZG_E_POLICY_ROLLED_BACK:
		zg_event_message(&e, "policy from %s was taken back: %s", file, first);
		break;
	default:
		zg_event_message(&e, "policy from %s was refused, %s: %s%s", file,
				 s->closed ? "and the boundary is closed" : "nothing changed", first, diags->errors > 1 ? " (and more)" : "");
	}
	zg_record(s, &e);
}

static enum zg_err compile(const struct zg_supervisor *s, const struct zg_policy *policy, struct zg_diags *diags,
			   struct zg_plan **ret_plan)
{
	const struct zg_plan_env env = { .queue = s->queue_kind, .hash_seed = s->hash_seed, .blocklists = s->lists.effective, .now = time(NULL) };
	return zg_plan_compile(policy, &env, diags, ret_plan);
}

/* Commits; repeats when somebody else changed an unrelated table in between. */
static enum zg_err commit(struct zg_supervisor *s, const struct zg_plan *plan, struct zg_diags *diags)
{
	enum zg_err err = ZG_EAGAIN;
	zg_record_counters(s); /* the flows' counters go with the policy */
	for (int tries = 0; tries < 5 && err == ZG_EAGAIN; tries++)
		err = zg_nft_commit(s->nft, plan, diags);
	if (err == ZG_OK || err == ZG_EDRIFT)
		zg_record_flows_reset(s);
	if (err == ZG_EAGAIN)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "find out which program keeps changing nftables (nft monitor)",
			    "somebody else changes the rule set all the time");
	return err;
}

static enum zg_err open_boundary(struct zg_diags *diags)
{
	const char *what = "";
	enum zg_err err = zg_conntrack_strict(&what);
	if (err == ZG_OK)
		err = zg_forwarding_set(true, &what);
	if (err != ZG_OK)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "the daemon needs CAP_NET_ADMIN and a writable /proc/sys/net",
			    "cannot set %s: %s", what, strerror(errno));
	return err;
}

/* Another number of queues needs other processes. In between the old ones are gone and nothing passes. */
static enum zg_err resize(struct zg_supervisor *s, const struct zg_policy *policy, struct zg_diags *diags)
{
	zg_children_reap(s); /* a death that nobody has looked at yet */
	if (policy->inspectors == s->n_inspectors && policy->queue_base == s->queue_base && s->gate.pid != 0 && s->gate.chan >= 0)
		return ZG_OK;
	zg_children_stop(s);
	zg_children_init(s);
	s->n_inspectors = policy->inspectors;
	s->queue_base = policy->queue_base;
	return zg_children_start(s, diags);
}

/* Back to the policy that was in force, under a new number: marks of the refused generation must never come to mean
 * it. If even that fails, or there was none: closed, and tried again. */
static bool restore(struct zg_supervisor *s, struct zg_diags *diags)
{
	struct zg_plan *plan = NULL;
	const char *what = "";
	bool back = false;

	if (s->policy != NULL) {
		s->policy->generation = s->generation + 1;
		back = resize(s, s->policy, diags) == ZG_OK && zg_children_stage(s, s->policy, diags) == ZG_OK &&
		       compile(s, s->policy, diags, &plan) == ZG_OK && commit(s, plan, diags) == ZG_OK &&
		       open_boundary(diags) == ZG_OK;
	}
	if (!back)
		(void)zg_forwarding_set(false, &what);
	s->closed = !back && s->policy != NULL;
	s->restore_ms = zg_now_ms();
	zg_plan_free(plan);
	return back;
}

static void record_closed(struct zg_supervisor *s, const struct zg_diags *diags)
{
	struct zg_event e;
	zg_event_init(&e, ZG_E_BOUNDARY_CLOSED);
	zg_event_str(&e, ZG_F_DETAIL, diags->n > 0 ? diags->items[diags->n - 1].message : "");
	zg_event_message(&e, "the policy that was in force could not be put back (%s): nothing passes until it is; tried again every %u s",
			 diags->n > 0 ? diags->items[diags->n - 1].message : "", RESTORE_MS / 1000);
	zg_record(s, &e);
}

static enum zg_change put_in_force(struct zg_supervisor *s, struct zg_policy *policy, struct zg_diags *diags)
{
	const bool boot = s->policy == NULL;
	struct zg_lists before = s->lists, lists = { 0 };
	struct zg_plan *plan = NULL;
	enum zg_change result = ZG_CHANGE_REFUSED;
	enum zg_err err;

	/* a file that is away must not keep a router from starting */
	if (zg_lists_load(s->options.lists_dir, policy, &before, !boot, diags, &lists) != ZG_OK)
		return ZG_CHANGE_INVALID;
	s->lists = lists;
	policy->generation = s->generation + 1;
	if (compile(s, policy, diags, &plan) != ZG_OK || zg_nft_dry_run(s->nft, plan, diags) != ZG_OK)
		goto out;
	if ((err = resize(s, policy, diags)) == ZG_OK && (err = zg_children_stage(s, policy, diags)) == ZG_OK) {
		err = commit(s, plan, diags);
		/* refused before it was in force, or taken back after it was */
		result = err == ZG_OK || err == ZG_EDRIFT ? ZG_CHANGE_ROLLED_BACK : ZG_CHANGE_REFUSED;
		if (err == ZG_OK)
			err = open_boundary(diags);
	}
	if (err != ZG_OK) {
		s->lists = before;
		if (!restore(s, diags) && s->closed) {
			record_closed(s, diags);
			result = ZG_CHANGE_CLOSED;
		}
		goto out;
	}
	zg_policy_free(s->policy);
	s->policy = policy;
	s->closed = false;
	zg_lists_record(s, &before);
	result = ZG_CHANGE_DONE;
out:
	s->lists = result == ZG_CHANGE_DONE ? lists : before;
	zg_lists_free(result == ZG_CHANGE_DONE ? &before : &lists);
	zg_plan_free(plan);
	return result;
}

static enum zg_change save(struct zg_supervisor *s, enum zg_change result, const char *text, size_t len, struct zg_diags *diags)
{
	if (zg_store_save(s->options.state_dir, text, len, s->generation) != ZG_OK)
		zg_diag_add(diags, ZG_DIAG_WARNING, 0, 0, "free space and permissions of the state directory; then apply again",
			    "in force, but not saved for the next boot: %s: %s", s->options.state_dir, strerror(errno));
	return result;
}

enum zg_change zg_change_apply(struct zg_supervisor *s, const char *file, const char *text, size_t len, const char *who,
			       struct zg_diags *diags)
{
	struct zg_policy *policy = NULL;
	enum zg_change result = ZG_CHANGE_INVALID;

	if (zg_conf_parse(file, text, len, diags, &policy) == ZG_OK)
		result = put_in_force(s, policy, diags);
	switch (result) {
	case ZG_CHANGE_DONE:
		record_change(s, ZG_E_POLICY_APPLIED, policy, file, who, diags);
		return save(s, result, text, len, diags);
	case ZG_CHANGE_ROLLED_BACK:
		record_change(s, ZG_E_POLICY_ROLLED_BACK, policy, file, who, diags);
		break;
	default:
		record_change(s, ZG_E_POLICY_REFUSED, policy, file, who, diags);
	}
	zg_policy_free(policy);
	return result;
}

enum zg_change zg_change_boot(struct zg_supervisor *s, struct zg_diags *diags)
{
	struct zg_policy *policy = NULL;
	char *text = NULL;
	size_t len = 0;
	const char *file = s->options.config;
	enum zg_change result = ZG_CHANGE_INVALID;

	enum zg_err err = zg_store_load(s->options.state_dir, &text, &len, &s->generation);
	if (err == ZG_OK) {
		file = "the last confirmed policy";
		err = zg_conf_parse(file, text, len, diags, &policy);
	} else if (err == ZG_ENOENT) {
		err = zg_conf_load(file, diags, &policy);
	} else {
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0,
			    "repair or move away the file; without it the configuration file is used at the next start",
			    "cannot read the confirmed policy in %s: %s", s->options.state_dir, zg_strerror(err));
	}
	if (err == ZG_OK)
		result = put_in_force(s, policy, diags);
	if (result == ZG_CHANGE_DONE) {
		record_change(s, ZG_E_POLICY_APPLIED, policy, file, "boot", diags);
		(void)save(s, result, policy->text, policy->text_len, diags);
	} else {
		record_change(s, ZG_E_POLICY_REFUSED, policy, file, "boot", diags);
		zg_policy_free(policy);
	}
	free(text);
	return result;
}

void zg_change_tick(struct zg_supervisor *s)
{
	struct zg_diags diags;

	if (!s->closed || zg_now_ms() - s->restore_ms < RESTORE_MS)
		return;
	zg_diags_init(&diags);
	if (restore(s, &diags))
		record_change(s, ZG_E_POLICY_APPLIED, s->policy, s->policy->file, "the daemon, after a failure", &diags);
	zg_diags_free(&diags);
}

void zg_change_refused(struct zg_supervisor *s, const char *file, const char *who, const struct zg_diags *diags)
{
	record_change(s, ZG_E_POLICY_REFUSED, NULL, file, who, diags);
}
