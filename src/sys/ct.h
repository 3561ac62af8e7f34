/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's table of connections (ctnetlink): read in parts, single ones removed. Needs CAP_NET_ADMIN. */
#ifndef ZONEGATE_SYS_CT_H
#define ZONEGATE_SYS_CT_H

#include <stdbool.h>
#include <stdint.h>

#include "zonegate/err.h"
#include "zonegate/stream.h"

struct zg_ct;

struct zg_ct_entry {
	struct zg_tuple tuple; /* original direction; ports 0 if the protocol has none */
	bool over; /* TCP: ended, and remembered for a while */
	const void *message;   /* as it came, valid during the call */
};

enum zg_err zg_ct_open(struct zg_ct **ret_ct);
void zg_ct_close(struct zg_ct *ct);
/* Begins to read all connections of both families. */
enum zg_err zg_ct_list(struct zg_ct *ct);
/* Gives the next of them to fn, a few hundred at most. ZG_EAGAIN: there are more; ZG_OK: these were the last. Entries that
 * come or go meanwhile may be among them or not. */
enum zg_err zg_ct_next(struct zg_ct *ct, void (*fn)(void *ctx, const struct zg_ct_entry *entry), void *ctx);
/* Removes this very one; ZG_ENOENT: it has gone by itself. From within fn only. */
enum zg_err zg_ct_remove(struct zg_ct *ct, const struct zg_ct_entry *entry);

#endif
