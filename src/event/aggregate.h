/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Equal events become one record with a count, so that a flood of packets or connections is not a flood of records; the
 * sums stay exact: what finds no room of its own is counted under its kind, reason and rule without addresses. */
#ifndef ZONEGATE_EVENT_AGGREGATE_H
#define ZONEGATE_EVENT_AGGREGATE_H

#include "zonegate/msg.h"

#define ZG_AGGREGATE_GROUPS 256u /* distinct groups between two flushes; beyond, addresses are left out */

struct zg_aggregate;

enum zg_err zg_aggregate_new(struct zg_aggregate **ret_aggregate);
void zg_aggregate_free(struct zg_aggregate *a);
/* Counts one event, and adds up its bytes and its time. Equal: same kind, reason, mark, addresses, server port, protocol,
 * interfaces and prefix; the client's port of the first is kept. */
void zg_aggregate_add(struct zg_aggregate *a, const struct zg_msg_event *event);
/* Gives each group to emit; a group for which emit answers false stays for the next flush. */
void zg_aggregate_flush(struct zg_aggregate *a, bool (*emit)(void *ctx, const struct zg_msg_event *event), void *ctx);

#endif
