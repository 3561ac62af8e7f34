/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies that the daemon keeps, as their text says. */
#ifndef ZONEGATE_CTL_KEPT_H
#define ZONEGATE_CTL_KEPT_H

#include <jansson.h>
#include <stdint.h>

#include "zonegate/policy.h"

/* The daemon's answer: "number", "file" and "text", or why not in "error". number 0 = the one in force; before: the one that a
 * rollback without a number takes. NULL = no answer, which has been said, and *ret_exit. */
json_t *zg_kept_ask(const char *socket, uint32_t number, bool before, enum zg_exit *ret_exit);
/* The policy of such an answer; diags as zg_conf_parse_for() fills them. NULL = it has none, or it cannot be read any more. */
struct zg_policy *zg_kept_policy(const json_t *answer, struct zg_diags *diags);
uint32_t zg_kept_number(const json_t *answer);

#endif
