/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of plans: from configuration text to a plan, and diagnostics in the failure's message. */
#ifndef ZONEGATE_TEST_PLAN_HELP_H
#define ZONEGATE_TEST_PLAN_HELP_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plan/plan.h"
#include "unit.h"

#define PLAN_ZONES                                                                                                     \
	"version = 1; body = \"見本市\"; model = \"alpha\";\n"                                                      \
	"zones = (\n"                                                                                                  \
	" { name = \"mynumber\"; kind = \"mynumber\"; interfaces = [ \"mn0\" ];\n"                                     \
	"   addresses = [ \"10.10.0.0/24\", \"fd00:10::/64\" ]; },\n"                                                  \
	" { name = \"lgwan\"; kind = \"lgwan\"; interfaces = [ \"lg0\" ];\n"                                           \
	"   addresses = [ \"10.20.0.0/24\", \"fd00:20::/64\" ]; },\n"                                                  \
	" { name = \"internet\"; kind = \"internet\"; interfaces = [ \"in0\" ]; addresses = [ \"0.0.0.0/0\", "         \
	"\"::/0\" ]; } );\n"

#define PLAN_FLOW(name, source, destination, more)                                                                     \
	"{ name = \"" name "\"; from = \"internet\"; to = \"lgwan\"; source = [ " source                               \
	" ]; destination = [ " destination " ]; protocol = \"tcp\"; port = 25; inspector = \"smtp\"; purpose = "       \
					   "\"p\"; ticket = \"t\"; approver = \"a\"; " more " }"

#define PLAN_MAIL      PLAN_FLOW("mail-in", "\"10.30.0.25\", \"fd00:30::25\"", "\"10.20.0.25\", \"fd00:20::25\"", "")
#define PLAN_ROUTER                                                                                                    \
	"router = { manage = ( { name = \"ssh\"; from = \"lgwan\"; source = [ \"10.20.0.5\", \"fd00:20::5\" ]; port = 22; " \
	"} ); ping = ( { from = \"lgwan\"; source = \"10.20.0.0/24\"; rate = \"5/s\"; } ); ntp = \"10.20.0.7\";\n"   \
	"vrrp = ( { interface = \"in0\"; address = [ \"192.0.2.2\", \"fe80::2\" ]; } ); };\n"
#define PLAN_DAEMON(n) "daemon = { inspectors = " #n "; queue_base = 100; };\n"

/* Fails the test with what the diagnostics say. */
static inline void plan_ok(enum zg_err err, const struct zg_diags *diags)
{
	if (err != ZG_OK)
		ck_abort_msg("%s\n%s", zg_strerror(err), zg_diags_text(diags, false));
}

static inline bool plan_said(const struct zg_diags *diags, const char *text)
{
	for (size_t i = 0; i < diags->n; i++)
		if (strstr(diags->items[i].message, text) != NULL)
			return true;
	return false;
}

static inline void plan_forget(struct zg_diags *diags)
{
	zg_diags_free(diags);
	zg_diags_init(diags);
}

static inline struct zg_policy *plan_policy(const char *zones, const char *flows, const char *daemon,
					    struct zg_diags *diags)
{
	struct zg_policy *policy = NULL;
	char *text;
	ck_assert_int_gt(asprintf(&text, "%sflows = ( %s );\n%s", zones, flows, daemon), 0);
	plan_ok(zg_conf_parse("test.conf", text, strlen(text), diags, &policy), diags);
	free(text);
	return policy;
}

/* Frees the policy. */
static inline struct zg_plan *plan_compile(struct zg_policy *policy, uint32_t generation, enum zg_queue_kind kind,
					   struct zg_diags *diags)
{
	const struct zg_plan_env env = { .queue = kind, .hash_seed = 0xfeedface, .now = time(NULL) };
	struct zg_plan *plan = NULL;
	policy->generation = generation;
	plan_ok(zg_plan_compile(policy, &env, diags, &plan), diags);
	zg_policy_free(policy);
	return plan;
}

#endif
