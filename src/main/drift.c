/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others do to what the boundary stands on. The backstop belongs to nobody, so that it outlives the daemon; therefore
 * anybody's `flush ruleset` takes it away, and the router's own table with it. The policy table has an owner: the kernel lets nobody else touch it, and it keeps the
 * boundary closed until the backstop is back. Tables of others are theirs, but what they could do to packets of the boundary is
 * told. */
#include "main/supervisor.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS	  500u /* between two looks: with the main loop's own step less than a second */
#define URGENT_MS 50u  /* between two when somebody changes the rule set: it may go on and on */
#define FOREIGN_MS 500u /* the same for other tables, which may be large */
#define TOLD_MAX  16u  /* findings that are told one by one; status has the rest */

static bool backstop_stands(struct zg_supervisor *s, struct zg_diags *diags)
{
	struct zg_plan *plan = NULL;
	/* out of memory is no finding about the kernel: look again later */
	if (zg_plan_backstop(&plan) != ZG_OK)
		return true;
	bool ok = zg_nft_verify(s->nft, plan, diags) != ZG_EDRIFT;
	zg_plan_free(plan);
	return ok;
}

/* "nft (pid 71), firewalld (pid 9)", or "" if it is not known. */
static const char *actors(const struct zg_nft_changes *by, char text[static 160])
{
	size_t at = 0;
	text[0] = '\0';
	for (size_t i = 0; i < by->n && at < 160; i++)
		at += (size_t)snprintf(text + at, 160 - at, "%s%s (pid %u)", i > 0 ? ", " : "", by->actors[i].name, by->actors[i].pid);
	return text;
}

static void add_actors(struct zg_event *e, const struct zg_nft_changes *by)
{
	char text[160];
	if (by->n > 0)
		zg_event_str(e, ZG_F_PROCESS, actors(by, text));
}

static void restore_backstop(struct zg_supervisor *s, const struct zg_nft_changes *by)
{
	struct zg_diags diags;
	struct zg_event e;
	char text[160];

	zg_diags_init(&diags);
	if (backstop_stands(s, &diags))
		goto out;
	zg_event_init(&e, ZG_E_BACKSTOP_RESTORED);
	if (diags.n > 0)
		zg_event_str(&e, ZG_F_DETAIL, diags.items[0].message);
	enum zg_err err = zg_nft_backstop(s->nft, &diags);
	zg_event_str(&e, ZG_F_STATUS, err == ZG_OK ? "restored" : zg_strerror(err));
	add_actors(&e, by);
	zg_event_message(&e, "the backstop table was missing or changed%s: %s%s. The policy table kept the boundary",
			 err == ZG_OK ? " and is in place again" : " and could not be loaded again",
			 by->n > 0 ? "the rule set was changed by " : "did somebody flush the rule set?", actors(by, text));
	zg_record(s, &e);
out:
	zg_diags_free(&diags);
}

/* The router's own table of the policy in force, kept until the next policy; NULL = there is none. */
static const struct zg_plan *router_plan(struct zg_supervisor *s)
{
	const struct zg_plan_env env = { .queue = s->queue_kind, .hash_seed = s->hash_seed, .now = time(NULL) };
	struct zg_diags diags;
	if (s->policy == NULL || (s->drift.router != NULL && s->drift.router_generation == s->policy->generation))
		return s->drift.router;
	zg_plan_free(s->drift.router);
	s->drift.router = NULL;
	s->drift.router_generation = s->policy->generation;
	zg_diags_init(&diags);
	(void)zg_plan_router(s->policy, &env, &diags, &s->drift.router);
	zg_diags_free(&diags);
	return s->drift.router;
}

static bool router_stands(struct zg_supervisor *s, struct zg_diags *diags)
{
	const struct zg_plan *plan = router_plan(s);
	return plan == NULL || zg_nft_verify(s->nft, plan, diags) != ZG_EDRIFT;
}

static void restore_router(struct zg_supervisor *s, const struct zg_nft_changes *by)
{
	struct zg_diags diags;
	struct zg_event e;
	char text[160];

	zg_diags_init(&diags);
	s->drift.router_differs = !router_stands(s, &diags);
	if (!s->drift.router_differs)
		goto out;
	zg_event_init(&e, ZG_E_ROUTER_RESTORED);
	if (diags.n > 0)
		zg_event_str(&e, ZG_F_DETAIL, diags.items[0].message);
	enum zg_err err = zg_nft_commit(s->nft, s->drift.router, &diags);
	s->drift.router_differs = err != ZG_OK;
	zg_event_str(&e, ZG_F_STATUS, err == ZG_OK ? "restored" : zg_strerror(err));
	add_actors(&e, by);
	zg_event_message(&e, "the router's own table was missing or changed%s: %s%s",
			 err == ZG_OK ? " and is in place again" : " and could not be loaded again",
			 by->n > 0 ? "the rule set was changed by " : "did somebody flush the rule set?", actors(by, text));
	zg_record(s, &e);
out:
	zg_diags_free(&diags);
}

static bool among(const struct zg_nft_foreign *one, const struct zg_nft_foreign *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].text, one->text) == 0)
			return true;
	return false;
}

static void record_foreign(struct zg_supervisor *s, const char *what, size_t more, const struct zg_nft_changes *by)
{
	struct zg_event e;
	char text[160];
	zg_event_init(&e, ZG_E_FOREIGN_RULES);
	zg_event_str(&e, ZG_F_DETAIL, what);
	add_actors(&e, by);
	zg_event_message(&e, "another program's rules may meet packets of the boundary: %s%s%s", what, by->n > 0 ? "; changed by " : "",
			 actors(by, text));
	if (more > 0)
		zg_event_message(&e, "%zu more findings of that kind: zonegatectl status", more);
	zg_record(s, &e);
}

static void look_at_others(struct zg_supervisor *s, const struct zg_nft_changes *by)
{
	struct zg_nft_foreign *list;
	size_t n, told = 0;
	bool partial;

	if (zg_nft_foreign(&list, &n, &partial) != ZG_OK) {
		s->drift.others_due = true; /* it changed under our eyes */
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!among(&list[i], s->drift.others, s->drift.n_others) && told++ < TOLD_MAX)
			record_foreign(s, list[i].text, 0, by);
	if (told > TOLD_MAX)
		record_foreign(s, "see zonegatectl status", told - TOLD_MAX, by);
	if (partial && !s->drift.others_partial)
		record_foreign(s, "there are more rules in other tables than are looked at", 0, by);
	free(s->drift.others);
	s->drift.others = list;
	s->drift.n_others = n;
	s->drift.others_partial = partial;
}

void zg_drift_start(struct zg_supervisor *s)
{
	/* without it there still is a look each second */
	(void)zg_nft_listen(s->nft);
	s->drift.others_due = true;
}

void zg_drift_stop(struct zg_supervisor *s)
{
	free(s->drift.others);
	s->drift.others = NULL;
	zg_plan_free(s->drift.router);
	s->drift.router = NULL;
}

static void add_changes(struct zg_nft_changes *all, const struct zg_nft_changes *more)
{
	all->any = all->any || more->any;
	for (size_t i = 0; i < more->n && all->n < ZG_NFT_ACTORS; i++)
		all->actors[all->n++] = more->actors[i];
}

void zg_drift_tick(struct zg_supervisor *s)
{
	const uint64_t now = zg_now_ms();
	struct zg_nft_changes by;

	zg_nft_heard(s->nft, &by);
	add_changes(&s->drift.by_backstop, &by);
	add_changes(&s->drift.by_others, &by);
	s->drift.others_due = s->drift.others_due || by.any;
	if (now - s->drift.look_ms >= (s->drift.by_backstop.any ? URGENT_MS : LOOK_MS)) {
		s->drift.look_ms = now;
		restore_backstop(s, &s->drift.by_backstop);
		restore_router(s, &s->drift.by_backstop);
		s->drift.by_backstop = (struct zg_nft_changes){ .any = false };
	}
	if (now - s->drift.settings_ms >= LOOK_MS) {
		s->drift.settings_ms = now;
		zg_switches_look(s);
	}
	if (s->drift.others_due && now - s->drift.others_ms >= FOREIGN_MS) {
		s->drift.others_ms = now;
		s->drift.others_due = false;
		look_at_others(s, &s->drift.by_others);
		s->drift.by_others = (struct zg_nft_changes){ .any = false };
	}
}

json_t *zg_drift_json(const struct zg_supervisor *s)
{
	json_t *list = json_array();
	for (size_t i = 0; i < s->drift.n_others; i++) {
		json_t *text = json_string(s->drift.others[i].text);
		json_array_append_new(list, text != NULL ? text : json_string("a table whose name is not UTF-8"));
	}
	if (s->drift.others_partial)
		json_array_append_new(list, json_string("and more: there are more rules in other tables than are looked at"));
	return list;
}
