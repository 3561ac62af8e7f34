/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plan -> one netlink transaction -> kernel, and back. Needs CAP_NET_ADMIN. */
#ifndef ZONEGATE_NFT_H
#define ZONEGATE_NFT_H

#include <stdbool.h>
#include <stdint.h>

#include "zonegate/plan.h"

struct zg_nft;

/* A netlink socket. fd < 0: opens one; else adopts fd (from the service manager's store), which owns the policy
 * table already. Free with zg_nft_close(): the policy table, owned by the socket, goes with its last holder
 * on kernels before 6.9; later it stays, without an owner, and the next one takes it over. */
enum zg_err zg_nft_open(int fd, struct zg_nft **ret_nft);
void zg_nft_close(struct zg_nft *nft);
int zg_nft_fd(const struct zg_nft *nft); /* borrowed, for the fd store */

/* Which queue expression this kernel has: tried with a batch that is never committed. ZG_ENOTSUP: neither. Finds out too
 * whether an owned table can stay when its socket closes (Linux 6.9); tables committed afterwards do. */
enum zg_err zg_nft_probe(struct zg_nft *nft, enum zg_queue_kind *ret_queue);

/* Validates the plan in the kernel without committing (a batch without its end). */
enum zg_err zg_nft_dry_run(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags);

/* One transaction: everything in the plan's tables is replaced, base chains stay. Bound to the generation id read
 * before it: ZG_EAGAIN if somebody else committed in between (retry). Then reads back and compares; ZG_EDRIFT with
 * a diagnostic that names the difference. Diagnostics carry the configuration line that a refused message came from. */
enum zg_err zg_nft_commit(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags);

/* Adds the elements of the plan in force that zg_plan_retime() found due, in one transaction, and nothing else; on an error
 * they are still due. */
enum zg_err zg_nft_open_due(struct zg_nft *nft, struct zg_plan *plan, struct zg_diags *diags);

/* The sets of the plan, and nothing else of its tables, get the plan's elements: one small transaction, whatever else the
 * tables hold, and one that nobody else's can hold up. Then they are read back and compared. */
enum zg_err zg_nft_refill(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags);

/* Compares the kernel's tables with the plan; counters and remaining timeouts do not count. */
enum zg_err zg_nft_verify(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags);

/* Loads the backstop if missing or different; never opens anything in between. */
enum zg_err zg_nft_backstop(struct zg_nft *nft, struct zg_diags *diags);

/* Named counters of both tables, and the flows' element counters summed per flow. */
struct zg_nft_counter {
	char table[32], name[64]; /* flow elements: name "flow:<index>" */
	uint64_t packets, bytes;
};
/* malloc'd array, the caller frees. */
enum zg_err zg_nft_counters(struct zg_nft *nft, struct zg_nft_counter **ret_counters, size_t *ret_n);

#endif
