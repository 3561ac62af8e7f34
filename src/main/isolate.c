/* SPDX-License-Identifier: GPL-2.0-or-later */
/* isolate and restore: the kernel first when something is to be closed, the disk first when something is to be opened. */
#include "base/utf8.h"
#include "ctl/cmd.h"
#include "main/supervisor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct order {
	bool isolate;
	const char *zone; /* ZG_ISOLATION_ALL = all */
	const char *reason, *who;
};

static json_t *answer(bool ok, const char *result, enum zg_exit exit, const char *text)
{
	return json_pack("{s:i,s:b,s:s,s:i,s:s}", "schema", ZG_JSON_SCHEMA, "ok", ok, "result", result, "exit", (int)exit, "message", text);
}

static void record(struct zg_supervisor *s, const struct order *o, const char *status)
{
	const bool all = strcmp(o->zone, ZG_ISOLATION_ALL) == 0;
	const struct zg_zone *zone = s->policy != NULL ? zg_policy_zone(s->policy, o->zone) : NULL;
	struct zg_event e;

	zg_event_init(&e, o->isolate ? ZG_E_ZONE_ISOLATED : ZG_E_ZONE_RESTORED);
	zg_event_str(&e, ZG_F_ZONE, o->zone);
	zg_event_str(&e, ZG_F_WHO, o->who);
	zg_event_str(&e, ZG_F_REASON_TEXT, o->reason);
	zg_event_str(&e, ZG_F_STATUS, status);
	zg_event_message(&e, "%s%s%s%s%s %s: %s (%s)", all ? "every zone" : "zone ", all ? "" : o->zone, zone != NULL ? " (" : "",
			 zone != NULL ? zone->label : "", zone != NULL ? ")" : "",
			 !o->isolate			      ? "is restored: what the policy permits may pass again" :
			 strcmp(status, "kept") == 0 ? "is still cut off" :
								      "is cut off: nothing passes in either direction",
			 o->reason, o->who);
	zg_record(s, &e);
}

/* What is cut off is what the kernel's set says; while the boundary is closed the next policy's set will say it. */
static enum zg_err put_in_kernel(struct zg_supervisor *s, const struct zg_isolation *next, struct zg_diags *diags)
{
	struct zg_plan_env env = { .isolated = NULL };
	struct zg_plan *plan = NULL;
	const char **names = zg_isolation_ifaces(next, s->policy, &env.n_isolated);
	env.isolated = names;
	enum zg_err err = names == NULL ? ZG_ENOMEM : zg_plan_isolation(&env, &plan);
	if (err == ZG_OK)
		err = zg_nft_refill(s->nft, plan, diags);
	zg_plan_free(plan);
	free(names);
	return s->closed ? ZG_OK : err;
}

static void take(struct zg_supervisor *s, struct zg_isolation *next)
{
	zg_isolation_free(&s->isolation);
	s->isolation = *next;
}

static json_t *failed(const struct order *o, const struct zg_diags *diags, const char *why)
{
	char text[512];
	snprintf(text, sizeof text, "%s: %s", o->isolate ? "NOT cut off" : "not restored", diags->n > 0 ? diags->items[0].message : why);
	return answer(false, "failed", ZG_EXIT_FAILED, text);
}

static json_t *isolate(struct zg_supervisor *s, const struct order *o, struct zg_diags *diags)
{
	char text[512];
	struct zg_isolation next = zg_isolation_with(&s->isolation, s->policy, o->zone, o->who, o->reason);
	enum zg_err err = next.cuts == NULL ? ZG_ENOMEM : put_in_kernel(s, &next, diags);
	if (err != ZG_OK) {
		if (next.cuts != NULL)
			zg_isolation_free(&next);
		return failed(o, diags, zg_strerror(err));
	}
	const bool before = zg_isolation_find(&s->isolation, o->zone) != NULL;
	next.damaged = s->isolation.damaged && before;
	take(s, &next);
	err = zg_isolation_save(s->options.state_dir, &s->isolation);
	const int why = errno;
	record(s, o, err == ZG_OK ? "isolated" : "isolated, not saved");
	if (err == ZG_OK)
		return answer(true, before ? "already" : "isolated", ZG_EXIT_OK, "cut off");
	snprintf(text, sizeof text, "cut off, but not kept for the next start: cannot write in %s: %s", s->options.state_dir, strerror(why));
	return answer(true, "not-saved", ZG_EXIT_FAILED, text);
}

static json_t *restore(struct zg_supervisor *s, const struct order *o, struct zg_diags *diags)
{
	char text[512];
	struct zg_isolation next = zg_isolation_without(&s->isolation, s->policy, o->zone);
	enum zg_err err = next.cuts == NULL ? ZG_ENOMEM : zg_isolation_save(s->options.state_dir, &next);
	if (err != ZG_OK) {
		snprintf(text, sizeof text, "cannot write in %s: %s", s->options.state_dir, err == ZG_ESYS ? strerror(errno) : zg_strerror(err));
		if (next.cuts != NULL)
			zg_isolation_free(&next);
		return failed(o, diags, text);
	}
	if ((err = put_in_kernel(s, &next, diags)) != ZG_OK) {
		/* what the kernel still cuts off is to be cut off at the next start too */
		(void)zg_isolation_save(s->options.state_dir, &s->isolation);
		zg_isolation_free(&next);
		return failed(o, diags, zg_strerror(err));
	}
	take(s, &next);
	record(s, o, "restored");
	return answer(true, "restored", ZG_EXIT_OK, "restored");
}

/* What is wrong with the order, in words; NULL = nothing. */
static const char *wrong(const struct zg_supervisor *s, const struct order *o, char text[static 512])
{
	const size_t len = o->reason != NULL ? strlen(o->reason) : 0;
	if (o->zone == NULL || *o->zone == '\0')
		return "which zone?";
	if (s->policy == NULL)
		return "no policy is in force: everything is refused";
	if (len == 0 || len > ZG_ISOLATE_REASON_MAX)
		return "a reason is needed, of at most 400 bytes: it stands in the journal";
	_Static_assert(ZG_ISOLATE_REASON_MAX == 400, "said in the message");
	uint32_t cp;
	for (size_t at = 0, n; at < len; at += n) {
		n = zg_utf8_next(o->reason + at, len - at, &cp);
		if (n == 0 || zg_utf8_control(cp) || zg_utf8_deceptive(cp))
			return "the reason is one line of UTF-8 without control characters";
	}
	if (strcmp(o->zone, ZG_ISOLATION_ALL) == 0 || zg_policy_zone(s->policy, o->zone) != NULL ||
	    (!o->isolate && zg_isolation_find(&s->isolation, o->zone) != NULL))
		return json_array_size(s->isolation.cuts) < ZG_ISOLATED_MAX || !o->isolate ? NULL : "too many zones are cut off: isolate all";
	if (strlen(o->zone) > ZG_NAME_MAX)
		return "no zone has such a long name";
	snprintf(text, 512, "no zone \"%s\" is in the policy in force; its zones:", o->zone);
	for (size_t z = 0; z < s->policy->n_zones && strlen(text) + ZG_NAME_MAX + 2 < 512; z++) {
		strncat(text, " ", 511 - strlen(text));
		strncat(text, s->policy->zones[z].name, 511 - strlen(text));
	}
	return text;
}

static bool is_cut(const struct zg_supervisor *s, const char *zone)
{
	return strcmp(zone, ZG_ISOLATION_ALL) == 0 ? json_array_size(s->isolation.cuts) > 0 :
						     zg_isolation_find(&s->isolation, zone) != NULL ||
							     zg_isolation_find(&s->isolation, ZG_ISOLATION_ALL) != NULL;
}

json_t *zg_isolate_request(struct zg_supervisor *s, bool isolating, const json_t *request, const char *who)
{
	const struct order o = {
		.isolate = isolating,
		.zone = json_is_true(json_object_get(request, "all")) ? ZG_ISOLATION_ALL : json_string_value(json_object_get(request, "zone")),
		.reason = json_string_value(json_object_get(request, "reason")),
		.who = who,
	};
	struct zg_diags diags;
	char text[512];
	const char *why = wrong(s, &o, text);
	if (why != NULL)
		return answer(false, "refused", ZG_EXIT_USAGE, why);
	if (!isolating && !is_cut(s, o.zone))
		return answer(true, "already", ZG_EXIT_OK, "it was not cut off");
	zg_diags_init(&diags);
	json_t *said = isolating ? isolate(s, &o, &diags) : restore(s, &o, &diags);
	zg_diags_free(&diags);
	return said;
}

bool zg_isolate_boot(struct zg_supervisor *s)
{
	struct zg_event e;
	if (zg_isolation_load(s->options.state_dir, &s->isolation) != ZG_OK)
		return false;
	if (!s->isolation.damaged)
		return true;
	zg_event_init(&e, ZG_E_ISOLATION_DAMAGED);
	zg_event_str(&e, ZG_F_FILE, s->options.state_dir);
	zg_event_message(&e, "the file in %s that says which zones are cut off is damaged: every zone is, until `zonegatectl restore`",
			 s->options.state_dir);
	zg_record(s, &e);
	return true;
}

void zg_isolate_kept(struct zg_supervisor *s)
{
	size_t i;
	const json_t *cut;
	json_array_foreach(s->isolation.cuts, i, cut)
	{
		const struct order o = { .isolate = true,
					 .zone = json_string_value(json_object_get(cut, "zone")),
					 .reason = json_string_value(json_object_get(cut, "reason")),
					 .who = json_string_value(json_object_get(cut, "who")) };
		record(s, &o, "kept");
	}
}
