/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs that change the policy have in common: options, the daemon's answer, waiting for the end of a trial. */
#ifndef ZONEGATE_CTL_CHANGE_ARG_H
#define ZONEGATE_CTL_CHANGE_ARG_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl/cmd.h"
#include "zonegate/policy.h"
#include "zonegate/text.h"

struct zg_change_options {
	const char *socket, *comment;
	uint32_t confirm_s; /* 0 = for good */
	bool json, wait;
	bool force; /* even if it cuts the SSH session from which this is called */
};

/* For argp tables. */
enum { ZG_OPT_CONFIRM = 0x200, ZG_OPT_WAIT };
#define ZG_CHANGE_OPTIONS \
	{ "confirm", ZG_OPT_CONFIRM, "TIME", OPTION_ARG_OPTIONAL, \
	  "on trial: unless `zonegatectl confirm` comes within TIME (60s; at most 1h), the last confirmed policy comes back by itself", 1 }, \
	{ "wait", ZG_OPT_WAIT, NULL, 0, "wait until it is confirmed (exit status 0) or taken back (5)", 1 }, \
	{ "force", 'f', NULL, 0, "even if it cuts the SSH session from which this is called", 1 }, \
	{ "comment", 'm', "TEXT", 0, "a remark for the history: why, or the number of the request", 1 }, \
	{ "json", 'j', NULL, 0, "one JSON object", 2 }

error_t zg_change_parse(int key, char *arg, struct argp_state *state, struct zg_change_options *o);
/* Shows what is to be said of the policy (diags), and refuses one that would cut the caller's SSH session, unless it is forced, or
 * only on trial: that comes back by itself. An enum zg_exit. */
int zg_change_admit(const struct zg_change_options *o, const struct zg_policy *policy, struct zg_diags *diags);
/* The members of a request that the options ask for; false = out of memory. */
bool zg_change_members(const struct zg_change_options *o, json_t *request);
/* Sends the request (reference taken) with the text (NULL = none), waits if it is to, says what became of it; what: the file, or
 * "policy 41". An enum zg_exit. */
int zg_change_ask(const struct zg_change_options *o, const char *what, json_t *request, const struct zg_text *text);

#endif
