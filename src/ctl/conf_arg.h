/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the configuration that a subcommand was given. */
#ifndef ZONEGATE_CTL_CONF_ARG_H
#define ZONEGATE_CTL_CONF_ARG_H

#include <stdbool.h>

#include "zonegate/policy.h"

/* Loads file; on a mistake prints all of them to standard error, or as the object of `check --json` to standard output.
 * Answers an enum zg_exit; the policy with ZG_EXIT_OK. diags is initialised here and freed by the caller. */
int zg_ctl_load(enum zg_conf_purpose purpose, const char *file, bool json, struct zg_diags *ret_diags, struct zg_policy **ret_policy);
/* Diagnostics to standard error. */
void zg_ctl_print_diags(const struct zg_diags *diags);
/* The object of `check --json`, printed; policy NULL = invalid. */
bool zg_ctl_print_json(const char *file, const struct zg_diags *diags, const struct zg_policy *policy);

#endif
