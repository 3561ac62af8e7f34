/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime table: what gate and inspectors need of a frozen policy, in one sealed memory file that is shared
 * read-only. Written by the supervisor, checked by every reader before use.
 */
#ifndef ZONEGATE_RTAB_H
#define ZONEGATE_RTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/policy.h"
#include "zonegate/stream.h"

struct zg_rtab; /* a mapped table */

/* Makes the sealed file of a policy that has its generation and its marks; the caller closes the fd. */
enum zg_err zg_rtab_make(const struct zg_policy *policy, int *ret_fd);
/* Maps and checks it; the fd stays the caller's. ZG_EINVAL: not a table. Free with zg_rtab_unmap(). */
enum zg_err zg_rtab_map(int fd, struct zg_rtab **ret_rtab);
void zg_rtab_unmap(struct zg_rtab *rtab);
uint32_t zg_rtab_generation(const struct zg_rtab *rtab);
/* The flow that a mark names if it is in this table. */
bool zg_rtab_resolve(const struct zg_rtab *rtab, uint32_t mark, struct zg_flow_policy *ret_policy);
/* The mark of the flow with this identity, if there is one and it permits the connection; 0 = no. */
uint32_t zg_rtab_find(const struct zg_rtab *rtab, uint64_t identity, const struct zg_tuple *tuple);
/* Of a flow of a policy; see struct zg_flow_policy. */
uint64_t zg_flow_identity(const struct zg_flow *flow);
/* Does the flow that mark names permit this connection? Addresses, protocol and server port. */
bool zg_rtab_permits(const struct zg_rtab *rtab, uint32_t mark, const struct zg_tuple *tuple);

/* The two newest tables of a process: packets that were queued before a change may name flows that it took away. */
struct zg_rtabs {
	struct zg_rtab *now, *before;
};
void zg_rtabs_push(struct zg_rtabs *tabs, struct zg_rtab *rtab); /* takes ownership */
void zg_rtabs_clear(struct zg_rtabs *tabs);
const struct zg_rtab *zg_rtabs_of(const struct zg_rtabs *tabs, uint32_t mark);
/* Is it a flow of the newest table? For what no packet asks for. */
bool zg_rtabs_newest(const struct zg_rtabs *tabs, uint32_t mark);

#endif
