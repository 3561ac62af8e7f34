/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which flow of a policy permits a connection, asked of many. */
#ifndef ZONEGATE_MAIN_REACH_H
#define ZONEGATE_MAIN_REACH_H

#include "zonegate/policy.h"
#include "zonegate/stream.h"

struct zg_reach;

/* Borrows the policy. */
enum zg_err zg_reach_new(const struct zg_policy *policy, struct zg_reach **ret_reach);
void zg_reach_free(struct zg_reach *reach);
/* NULL: none. A flow that has expired permits nothing. */
const struct zg_flow *zg_reach_find(const struct zg_reach *reach, const struct zg_tuple *tuple, time_t now);

#endif
