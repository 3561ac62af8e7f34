/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a change: parse, compile, kernel's dry run, stage, commit, compare, open; then save, or wait for who confirms it. A
 * step that fails leaves everything as it was. */
#include "main/supervisor.h"
#include "zonegate/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESTORE_MS 5000u /* between tries to put a policy back in force */

static void hex32(const uint8_t digest[static 32], char ret_hex[static 65])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
}

static void record_change(struct zg_supervisor *s, enum zg_event_kind kind, const struct zg_policy *policy,
			  const struct zg_change_request *request, const struct zg_diags *diags)
{
	const char *file = request->file;
	struct zg_event e;
	char hex[65];

	zg_event_init(&e, kind);
	zg_event_str(&e, ZG_F_FILE, file);
	zg_event_str(&e, ZG_F_WHO, request->who);
	zg_event_str(&e, ZG_F_COMMENT, request->comment);
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
				 policy->n_flows, file, request->who);
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

/* After a start packets may still be on their way with marks of whoever was here before. */
static enum zg_err number_flows(struct zg_supervisor *s, struct zg_policy *policy, struct zg_diags *diags)
{
	enum zg_err err = s->next_mark == 0 ? zg_nft_unused_mark(s->nft, &s->next_mark) : ZG_OK;
	if (err == ZG_OK)
		err = zg_marks_give(policy, s->policy, &s->next_mark);
	if (err != ZG_OK)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "the flows cannot be numbered: %s", zg_strerror(err));
	return err;
}

struct zg_plan_env zg_change_env(const struct zg_supervisor *s)
{
	const time_t now = time(NULL);
	return (struct zg_plan_env){
		.queue = s->queue_kind, .hash_seed = s->hash_seed, .blocklists = s->lists.effective, .now = now,
		.clock_unset = now < ZG_CLOCK_FLOOR
	};
}

static enum zg_err compile(struct zg_supervisor *s, const struct zg_policy *policy, struct zg_diags *diags,
			   struct zg_plan **ret_plan)
{
	struct zg_plan_env env = zg_change_env(s);
	struct zg_cards cards;
	if (zg_cards_look(policy, &cards) != ZG_OK)
		return ZG_ENOMEM;
	zg_cards_free(&s->compiled);
	s->compiled = cards;
	env.strange = cards.names;
	env.n_strange = cards.n;
	const char **isolated = zg_isolation_ifaces(&s->isolation, policy, &env.n_isolated);
	env.isolated = isolated;
	enum zg_err err = isolated == NULL ? ZG_ENOMEM : zg_plan_compile(policy, &env, diags, ret_plan);
	free(isolated);
	return err;
}

#define COMMIT_TRIES 5 /* when somebody else changes an unrelated table in between */

/* By the difference to what is in force: what stays is not touched, and counts on. False: the whole is to be replaced. */
static bool step(struct zg_supervisor *s, const struct zg_plan *plan)
{
	struct zg_diags ignored;
	enum zg_err err = ZG_EAGAIN;
	if (s->plan == NULL || s->doubt || s->plan == plan)
		return false;
	zg_diags_init(&ignored);
	zg_record_leaving(s, s->plan, plan);
	for (int tries = 0; tries < COMMIT_TRIES && err == ZG_EAGAIN; tries++)
		err = zg_nft_step(s->nft, s->plan, plan, &ignored);
	zg_diags_free(&ignored);
	return err == ZG_OK;
}

static enum zg_err replace(struct zg_supervisor *s, const struct zg_plan *plan, struct zg_diags *diags)
{
	enum zg_err err = ZG_EAGAIN;
	zg_record_counters(s); /* the flows' counters go with the elements */
	for (int tries = 0; tries < COMMIT_TRIES && err == ZG_EAGAIN; tries++)
		err = zg_nft_commit(s->nft, plan, diags);
	if (err == ZG_OK || err == ZG_EDRIFT)
		zg_record_flows_reset(s);
	return err;
}

/* Takes the plan when it is in force. */
enum zg_err zg_change_commit(struct zg_supervisor *s, struct zg_plan **plan, struct zg_diags *diags)
{
	const bool stepped = step(s, *plan);
	enum zg_err err = stepped ? ZG_OK : replace(s, *plan, diags);
	if (*plan != s->plan)
		zg_plan_free(s->plan);
	s->plan = NULL;
	if (err == ZG_OK) {
		s->plan = *plan;
		*plan = NULL;
		s->doubt = false;
		/* elements that stayed end when the clock that they came by says so */
		if (!stepped)
			s->timing.wall_ms = zg_wall_offset_ms();
	}
	if (err == ZG_EAGAIN)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "find out which program keeps changing nftables (nft monitor)",
			    "somebody else changes the rule set all the time");
	return err;
}

enum zg_err zg_change_again(struct zg_supervisor *s, struct zg_diags *diags)
{
	struct zg_plan *plan = NULL, *before = s->plan;
	enum zg_err err = compile(s, s->policy, diags, &plan);
	if (err == ZG_OK) {
		s->plan = NULL;
		err = zg_change_commit(s, &plan, diags);
		if (err == ZG_OK) {
			zg_plan_free(before);
			zg_cards_adopt(s, s->policy);
		} else {
			s->plan = before;
		}
		s->doubt = err != ZG_OK; /* the next try compares with the kernel again */
	}
	zg_plan_free(plan);
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

/* Those of s->policy, which may be another one than they were read for. */
static enum zg_err take_lists(struct zg_supervisor *s, struct zg_diags *diags)
{
	struct zg_lists before = s->lists, now = { 0 };
	enum zg_err err = zg_lists_load(s->options.lists_dir, s->policy, &before, false, diags, &now);
	if (err != ZG_OK)
		return err;
	s->lists = now;
	zg_lists_record(s, &before);
	zg_lists_free(&before);
	return ZG_OK;
}

/* What was committed is in force: what it does not permit comes to its end. */
static void withdraw(struct zg_supervisor *s)
{
	zg_children_in_force(s);
	zg_cut_begin(s);
}

/* Back to the policy that was in force, under a new number, its flows under their own. If even that fails, or there was none:
 * closed, and tried again. */
static bool restore(struct zg_supervisor *s, struct zg_diags *diags)
{
	struct zg_plan *plan = NULL;
	bool back = false;

	if (s->policy != NULL) {
		s->policy->generation = s->generation + 1;
		back = take_lists(s, diags) == ZG_OK && resize(s, s->policy, diags) == ZG_OK && zg_children_stage(s, s->policy, diags) == ZG_OK &&
		       compile(s, s->policy, diags, &plan) == ZG_OK && zg_change_commit(s, &plan, diags) == ZG_OK &&
		       zg_switches_open(s, s->policy, diags) == ZG_OK;
	}
	if (back) {
		withdraw(s);
		zg_cards_adopt(s, s->policy);
	} else {
		zg_switches_close(s);
	}
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

void zg_change_cards(struct zg_supervisor *s)
{
	struct zg_diags diags;

	zg_diags_init(&diags);
	if (zg_change_again(s, &diags) != ZG_OK && !restore(s, &diags) && s->closed)
		record_closed(s, &diags);
	zg_diags_free(&diags);
}

/* All the way to the kernel. On success the caller makes it s->policy. must: every blocklist has to have entries or a good
 * file; one whose file is away must not keep a router from starting, nor an earlier policy from coming back. */
static enum zg_change put_in_force(struct zg_supervisor *s, struct zg_policy *policy, bool must, struct zg_diags *diags)
{
	struct zg_lists before = s->lists, now = { 0 };
	struct zg_plan *plan = NULL;
	enum zg_change result = ZG_CHANGE_REFUSED;
	enum zg_err err;

	if (zg_lists_load(s->options.lists_dir, policy, &before, must, diags, &now) != ZG_OK)
		return ZG_CHANGE_INVALID;
	s->lists = now;
	policy->generation = s->generation + 1;
	if (number_flows(s, policy, diags) != ZG_OK || compile(s, policy, diags, &plan) != ZG_OK ||
	    zg_nft_dry_step(s->nft, s->doubt ? NULL : s->plan, plan, diags) != ZG_OK) {
		s->lists = before;
		zg_lists_free(&now);
		goto out;
	}
	if ((err = resize(s, policy, diags)) == ZG_OK && (err = zg_children_stage(s, policy, diags)) == ZG_OK) {
		err = zg_change_commit(s, &plan, diags);
		/* refused before it was in force, or taken back after it was */
		result = err == ZG_OK || err == ZG_EDRIFT ? ZG_CHANGE_ROLLED_BACK : ZG_CHANGE_REFUSED;
		if (err == ZG_OK)
			err = zg_switches_open(s, policy, diags);
	}
	if (err != ZG_OK) {
		s->lists = before;
		zg_lists_free(&now);
		if (!restore(s, diags) && s->closed) {
			record_closed(s, diags);
			result = ZG_CHANGE_CLOSED;
		}
		goto out;
	}
	withdraw(s);
	s->closed = false;
	zg_cards_adopt(s, policy);
	zg_lists_record(s, &before);
	zg_lists_free(&before);
	if (zg_isolation_follow(&s->isolation, policy, diags))
		(void)zg_isolation_save(s->options.state_dir, &s->isolation); /* what is kept cuts off the same zones */
	result = ZG_CHANGE_DONE;
out:
	zg_plan_free(plan);
	return result;
}

/* --- what is kept -------------------------------------------------------------------------------------- */

static void set_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

static struct zg_version version_of(const struct zg_policy *policy, const struct zg_change_request *request)
{
	struct zg_version v = { .zones = (uint32_t)policy->n_zones, .flows = (uint32_t)policy->n_flows, .bytes = policy->text_len };
	set_text(v.who, sizeof v.who, request->who);
	set_text(v.file, sizeof v.file, policy->file);
	set_text(v.comment, sizeof v.comment, request->comment);
	return v;
}

/* The policy in force is the last confirmed one from now on. */
static void keep(struct zg_supervisor *s, struct zg_version *version, struct zg_diags *diags)
{
	version->generation = s->policy->generation;
	version->when = time(NULL);
	if (zg_store_save(s->options.state_dir, version, s->policy->text) == ZG_OK)
		s->kept = version->generation;
	else
		zg_diag_add(diags, ZG_DIAG_WARNING, 0, 0, "free space and permissions of the state directory; then apply again",
			    "in force, but not saved for the next boot: %s: %s", s->options.state_dir, strerror(errno));
}

/* No number is ever given twice, not even to what is not kept. */
static void mark(struct zg_supervisor *s, uint32_t generation, bool unconfirmed, struct zg_diags *diags)
{
	if (generation > s->kept && zg_store_mark(s->options.state_dir, generation, unconfirmed) != ZG_OK)
		zg_diag_add(diags, ZG_DIAG_WARNING, 0, 0, "free space and permissions of the state directory",
			    "number %u is not written down: %s: %s", generation, s->options.state_dir, strerror(errno));
}

/* --- on trial ------------------------------------------------------------------------------------------- */

static void record_trial(struct zg_supervisor *s, uint32_t seconds)
{
	struct zg_event e;
	zg_event_init(&e, ZG_E_POLICY_ON_TRIAL);
	zg_event_u64(&e, ZG_F_GENERATION, s->trial.generation);
	zg_event_u64(&e, ZG_F_SECONDS, seconds);
	zg_event_str(&e, ZG_F_WHO, s->trial.version.who);
	zg_event_message(&e, "policy %u is on trial: unless it is confirmed within %u s, the last confirmed policy comes back",
			 s->trial.generation, seconds);
	zg_record(s, &e);
}

static void record_returned(struct zg_supervisor *s, uint32_t generation, const char *why)
{
	struct zg_event e;
	char now[96] = "nothing passes";
	if (s->policy != NULL && !s->closed)
		snprintf(now, sizeof now, "the last confirmed policy is in force again, as %u", s->policy->generation);
	zg_event_init(&e, ZG_E_POLICY_RETURNED);
	zg_event_u64(&e, ZG_F_GENERATION, generation);
	zg_event_str(&e, ZG_F_DETAIL, why);
	zg_event_message(&e, "policy %u was not confirmed (%s) and was taken back: %s", generation, why, now);
	zg_record(s, &e);
}

static void give_back(struct zg_supervisor *s)
{
	const uint32_t generation = s->trial.generation;
	struct zg_diags diags;

	zg_diags_init(&diags);
	zg_cut_stop(s);
	struct zg_policy *tried = zg_trial_return(&s->trial, &s->policy);
	if (!restore(s, &diags)) {
		s->closed = true;
		record_closed(s, &diags);
	}
	mark(s, s->generation, false, &diags);
	record_returned(s, generation, "its time is over");
	zg_policy_free(tried);
	zg_diags_free(&diags);
}

bool zg_change_confirm(struct zg_supervisor *s, uint32_t generation, const char *who, struct zg_diags *diags)
{
	struct zg_event e;

	if (s->closed || !zg_trial_confirm(&s->trial, generation))
		return false;
	keep(s, &s->trial.version, diags);
	zg_event_init(&e, ZG_E_POLICY_CONFIRMED);
	zg_event_u64(&e, ZG_F_GENERATION, s->policy->generation);
	zg_event_str(&e, ZG_F_WHO, who);
	zg_event_message(&e, "policy %u was confirmed by %s", s->policy->generation, who);
	zg_record(s, &e);
	return true;
}

/* --- changes --------------------------------------------------------------------------------------------- */

/* policy is in force now: what it is to be from here on. */
static void settle(struct zg_supervisor *s, struct zg_policy *policy, const struct zg_change_request *request, struct zg_diags *diags)
{
	struct zg_version version = version_of(policy, request);

	if (request->confirm_s == 0)
		zg_trial_applied(&s->trial, &s->policy, policy);
	else
		zg_trial_begin(&s->trial, &s->policy, policy, &version, zg_now_ms() + 1000u * (uint64_t)request->confirm_s);
	record_change(s, ZG_E_POLICY_APPLIED, policy, request, diags);
	if (request->confirm_s == 0)
		keep(s, &version, diags);
	else
		record_trial(s, request->confirm_s);
}

enum zg_change zg_change_apply(struct zg_supervisor *s, const struct zg_change_request *request, struct zg_diags *diags)
{
	struct zg_policy *policy = NULL;
	enum zg_change result = ZG_CHANGE_INVALID;

	if (zg_conf_parse_text(request->purpose, 0, request->file, request->text, diags, &policy) == ZG_OK && !zg_cards_refuse(policy, diags)) {
		if (request->confirm_s > 0)
			mark(s, s->generation + 1, true, diags); /* before it can be in force */
		result = put_in_force(s, policy, request->purpose == ZG_CONF_CHANGE, diags);
	}
	if (result == ZG_CHANGE_DONE) {
		settle(s, policy, request, diags);
	} else {
		record_change(s, result == ZG_CHANGE_ROLLED_BACK ? ZG_E_POLICY_ROLLED_BACK : ZG_E_POLICY_REFUSED, policy, request, diags);
		zg_policy_free(policy);
	}
	if (result != ZG_CHANGE_INVALID)
		mark(s, s->generation, s->trial.running, diags);
	malloc_trim(0); /* what a large policy took on its way */
	return result;
}

enum zg_err zg_change_before(struct zg_supervisor *s, uint32_t *ret_number)
{
	struct zg_version *all;
	size_t n;
	enum zg_err err = zg_store_list(s->options.state_dir, &all, &n);
	if (err != ZG_OK)
		return err;
	const size_t at = s->trial.running ? 0 : 1;
	if (at < n)
		*ret_number = all[at].generation;
	free(all);
	return at < n ? ZG_OK : ZG_ENOENT;
}

enum zg_change zg_change_rollback(struct zg_supervisor *s, uint32_t number, const struct zg_change_request *request,
				  struct zg_diags *diags)
{
	struct zg_version version = { 0 };
	struct zg_change_request back = *request;
	char *text = NULL, comment[64], damaged[ZG_STORE_NAME_MAX] = "";

	enum zg_err err = number == 0 ? zg_change_before(s, &number) : ZG_OK;
	if (err == ZG_OK)
		err = zg_store_load(s->options.state_dir, number, &version, &text, damaged);
	if (err != ZG_OK) {
		if (err != ZG_ENOENT && damaged[0] != '\0')
			zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "take another one, or put the file back from a backup",
				    "policy %u cannot be used: %s/%s is damaged", number, s->options.state_dir, damaged);
		else
			zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "zonegatectl history lists those that are kept",
				    number == 0 ? "there is no earlier policy" : "policy %u is not kept", number);
		return ZG_CHANGE_REFUSED;
	}
	snprintf(comment, sizeof comment, "rollback to policy %u", number);
	back.purpose = ZG_CONF_KNOWN;
	back.file = version.file;
	back.text = zg_text_of(text, (size_t)version.bytes);
	back.comment = request->comment != NULL ? request->comment : comment;
	const enum zg_change result = zg_change_apply(s, &back, diags);
	zg_text_drop(back.text);
	return result;
}

/* --- start ------------------------------------------------------------------------------------------------ */

static void record_damaged(struct zg_supervisor *s, const char *name, uint32_t generation, const char *what_now)
{
	struct zg_event e;
	zg_event_init(&e, ZG_E_POLICY_DAMAGED);
	zg_event_str(&e, ZG_F_FILE, name);
	zg_event_u64(&e, ZG_F_GENERATION, generation);
	zg_event_message(&e, "%s/%s, kept of policy %u, is damaged or missing: %s", s->options.state_dir, name, generation, what_now);
	zg_record(s, &e);
}

/* The newest kept policy is unreadable, both times. An older one may permit what this one had withdrawn: it is for a person to
 * say that it may be in force again. */
static void refuse_damaged(struct zg_supervisor *s, uint32_t generation, const struct zg_version *older, struct zg_diags *diags)
{
	char hint[512];
	if (older != NULL)
		snprintf(hint, sizeof hint,
			 "put one of them back from a backup; or, if policy %u (SHA-256 %02x%02x%02x%02x..., by %s) may be in force "
			 "again, move both away: the next start takes it",
			 older->generation, older->sha256[0], older->sha256[1], older->sha256[2], older->sha256[3], older->who);
	else
		snprintf(hint, sizeof hint, "put one of them back from a backup; or move both away: the next start takes %s",
			 s->options.config);
	zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, hint, "the last confirmed policy is damaged: %s/confirmed-%010u.conf and .copy",
		    s->options.state_dir, generation);
	record_damaged(s, "confirmed-*.conf and .copy", generation, "nothing passes until a person has decided");
}

/* The newest kept policy. ZG_ENOENT: none is kept. */
static enum zg_err load_kept(struct zg_supervisor *s, struct zg_version *ret_version, char **ret_text, struct zg_diags *diags)
{
	struct zg_version *all = NULL;
	char damaged[ZG_STORE_NAME_MAX] = "";
	size_t n = 0, older = 1;
	enum zg_err err = zg_store_list(s->options.state_dir, &all, &n);

	if (err == ZG_OK && n == 0)
		err = ZG_ENOENT;
	if (err == ZG_OK)
		err = zg_store_load(s->options.state_dir, all[0].generation, ret_version, ret_text, damaged);
	if (err == ZG_OK) {
		s->kept = ret_version->generation;
		if (damaged[0] != '\0')
			record_damaged(s, damaged, s->kept,
				       zg_store_save(s->options.state_dir, ret_version, *ret_text) == ZG_OK ?
					       "the other one is good and both are written anew; look after the disk" :
					       "the other one is good; it could not be written anew");
	} else if (n > 0 && (err == ZG_EINVAL || err == ZG_ENOENT)) {
		while (older < n && all[older].damaged)
			older++;
		refuse_damaged(s, all[0].generation, older < n ? &all[older] : NULL, diags);
		err = ZG_EINVAL;
	} else if (err != ZG_ENOENT) {
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, "permissions and state of the disk", "cannot read the confirmed policies in %s: %s",
			    s->options.state_dir, err == ZG_ESYS ? strerror(errno) : zg_strerror(err));
	}
	free(all);
	return err;
}

enum zg_change zg_change_boot(struct zg_supervisor *s, struct zg_diags *diags)
{
	struct zg_policy *policy = NULL;
	struct zg_version version = { 0 };
	struct zg_change_request request = { .file = s->options.config, .who = "boot" };
	char *bytes = NULL;
	enum zg_change result = ZG_CHANGE_INVALID;
	uint32_t marked;
	bool unconfirmed;

	zg_store_marked(s->options.state_dir, &marked, &unconfirmed);
	enum zg_err err = load_kept(s, &version, &bytes, diags);
	const bool kept = err == ZG_OK;
	if (kept) {
		request.file = "the last confirmed policy";
		/* what has expired since stands in nobody's way */
		struct zg_text *text = zg_text_of(bytes, (size_t)version.bytes);
		err = zg_conf_parse_text(ZG_CONF_KNOWN, 0, request.file, text, diags, &policy);
		zg_text_drop(text);
	} else if (err == ZG_ENOENT) {
		err = zg_conf_load(request.file, diags, &policy);
	}
	s->generation = marked > s->kept ? marked : s->kept;
	if (err == ZG_OK)
		result = put_in_force(s, policy, false, diags);
	if (result == ZG_CHANGE_DONE && kept) {
		s->policy = policy;
		record_change(s, ZG_E_POLICY_APPLIED, policy, &request, diags);
		mark(s, s->generation, false, diags);
	} else if (result == ZG_CHANGE_DONE) {
		settle(s, policy, &request, diags);
	} else {
		record_change(s, ZG_E_POLICY_REFUSED, policy, &request, diags);
		zg_policy_free(policy);
	}
	if (result == ZG_CHANGE_DONE && unconfirmed && marked > version.generation)
		record_returned(s, marked, "the daemon was restarted");
	malloc_trim(0);
	return result;
}

void zg_change_tick(struct zg_supervisor *s)
{
	struct zg_diags diags;

	if (zg_trial_due(&s->trial, zg_now_ms()))
		give_back(s);
	const struct zg_policy *policy = s->policy;
	if (!s->closed || policy == NULL || zg_now_ms() - s->restore_ms < RESTORE_MS)
		return;
	const struct zg_change_request request = { .file = policy->file, .who = "the daemon, after a failure" };
	zg_diags_init(&diags);
	if (restore(s, &diags)) {
		record_change(s, ZG_E_POLICY_APPLIED, policy, &request, &diags);
		mark(s, s->generation, s->trial.running, &diags);
	}
	zg_diags_free(&diags);
}

void zg_change_refused(struct zg_supervisor *s, const char *file, const char *who, const struct zg_diags *diags)
{
	record_change(s, ZG_E_POLICY_REFUSED, NULL, &(struct zg_change_request){ .file = file, .who = who }, diags);
}
