/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 32 bits of a packet mark, host order. The backstop zeroes every mark on arrival.
 *
 *   bit 31 = 0: set by the policy table: the number of a flow, from 1 on. A number is given once: a flow that stays from
 *   policy to policy keeps its own, one that changes gets a new one, and one that goes takes its own along. Each change of
 *   the policy uses up at most ZG_FLOWS_MAX numbers, so that none comes back before ten thousand changes.
 *   ZG_MARK_PASS: set by the gate's verdict; the only value that the backstop passes
 *   ZG_MARK_SENT: of what the gate sends itself, in the name of one end of a flow; never on a forwarded packet. The router's own
 *                 table passes them on their way out
 */
#ifndef ZONEGATE_MARK_H
#define ZONEGATE_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/err.h"

struct zg_policy;

#define ZG_MARK_PASS	 0x9a7e0001u
#define ZG_MARK_SENT	 0x9a7e0002u
#define ZG_MARK_FLOW_MAX 0x7fffffffu

/* NFLOG group in which the policy table tells what it refused, and how many bytes of each packet: the headers. */
#define ZG_LOG_GROUP   0x5a47u
#define ZG_LOG_SNAPLEN 128u
/* The prefix of what it does not refuse: the first packet of an opaque connection (with its flow's mark), of a connection to the
 * router itself, or of its own. */
#define ZG_LOG_OPENED "zg:opened"

static inline bool zg_mark_is_flow(uint32_t mark)
{
	return mark != 0 && mark <= ZG_MARK_FLOW_MAX;
}
/* Given before the other, since no two that are about are so far apart that the numbers have begun anew in between. */
static inline bool zg_mark_older(uint32_t mark, uint32_t other)
{
	return ((mark - other) & ZG_MARK_FLOW_MAX) > ZG_MARK_FLOW_MAX / 2;
}

/* Gives the flows of a policy that shall come after before (NULL: after nothing) their numbers, and brings *next, the number
 * that is given next, on. A flow keeps the number of one in before that has its name and permits and inspects the same; where
 * an address belongs to another zone than before, none does. */
enum zg_err zg_marks_give(struct zg_policy *policy, const struct zg_policy *before, uint32_t *next);
/* Index of the flow that a mark names, SIZE_MAX: none. Only after zg_marks_give(). */
size_t zg_marks_find(const struct zg_policy *policy, uint32_t mark);

#endif
