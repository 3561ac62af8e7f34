/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the kernel that the policy relies on (sys/settings.h), for its interfaces, with records. */
#include "main/supervisor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void record(struct zg_supervisor *s, const struct zg_setting *found)
{
	char number[16];
	struct zg_event e;

	zg_event_init(&e, ZG_E_SETTING_CHANGED);
	zg_event_str(&e, ZG_F_SETTING, found->name);
	snprintf(number, sizeof number, "%d", found->wanted);
	zg_event_str(&e, ZG_F_WANTED, number);
	snprintf(number, sizeof number, "%d", found->is);
	zg_event_str(&e, ZG_F_FOUND, number);
	zg_event_str(&e, ZG_F_STATUS, found->ok ? "restored" : strerror(found->error));
	if (found->ok)
		zg_event_message(&e, "something changed the kernel's setting %s from %d to %d; it is %d again", found->name, found->wanted,
				 found->is, found->wanted);
	else
		zg_event_message(&e, "the kernel's setting %s has to be %d and cannot be set: %s", found->name, found->wanted,
				 strerror(found->error));
	zg_record(s, &e);
}

/* Where failures go while a policy comes into force. */
struct opening {
	struct zg_supervisor *s;
	struct zg_diags *diags;
};

static void on_failure(void *ctx, const struct zg_setting *found)
{
	struct opening *o = ctx;
	record(o->s, found);
	zg_diag_add(o->diags, found->needed ? ZG_DIAG_ERROR : ZG_DIAG_WARNING, 0, 0,
		    found->error == ENOENT ? "this kernel lacks what zonegate needs" :
					     "the daemon needs CAP_NET_ADMIN and a writable /proc/sys/net",
		    "cannot set %s to %d: %s", found->name, found->wanted, strerror(found->error));
}

/* Of all zones; malloc'd, the names are the policy's. */
static const char **interfaces(const struct zg_policy *policy, size_t *ret_n)
{
	size_t n = 0;
	for (size_t z = 0; z < policy->n_zones; z++)
		n += policy->zones[z].n_ifaces;
	const char **names = calloc(n + 1, sizeof *names);
	*ret_n = n;
	for (size_t z = policy->n_zones; z > 0 && names != NULL; z--)
		for (size_t i = policy->zones[z - 1].n_ifaces; i > 0; i--)
			names[--n] = policy->zones[z - 1].ifaces[i - 1];
	return names;
}

enum zg_err zg_switches_open(struct zg_supervisor *s, const struct zg_policy *policy, struct zg_diags *diags)
{
	struct opening o = { s, diags };
	size_t n;
	const char **names = interfaces(policy, &n);
	enum zg_err err = names == NULL ? ZG_ENOMEM : zg_settings_interfaces(s->settings, names, n);
	free(names);
	if (err != ZG_OK)
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "the kernel's settings: %s", zg_strerror(err));
	return err == ZG_OK ? zg_settings_set(s->settings, true, on_failure, &o) : err;
}

static void on_found(void *ctx, const struct zg_setting *found)
{
	record(ctx, found);
}

void zg_switches_close(struct zg_supervisor *s)
{
	(void)zg_settings_set(s->settings, false, on_found, s);
}

void zg_switches_look(struct zg_supervisor *s)
{
	zg_settings_look(s->settings, on_found, s);
}

static void on_listed(void *ctx, const struct zg_setting *each)
{
	json_array_append_new(ctx, json_pack("{s:s,s:i,s:o,s:b,s:b}", "name", each->name, "wanted", each->wanted, "is",
					     each->error != 0 && !each->ok ? json_null() : json_integer(each->is), "ok", each->ok, "needed",
					     each->needed));
}

json_t *zg_switches_json(const struct zg_supervisor *s)
{
	json_t *list = json_array();
	zg_settings_list(s->settings, on_listed, list);
	return list;
}
