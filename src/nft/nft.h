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

/*
 * zg_nft_commit() from one plan to the next: from is what the last commit or step through this socket put there, and was found to be
 * there. Only the difference is sent, so that what stays is not touched for a moment, and only the difference is read back in
 * large sets; the table has an owner, so that nobody else can have changed it. ZG_ENOTSUP: it cannot be done by a difference.
 * After this error and any other the whole is to be replaced: an element that ended at the wrong moment is one.
 */
enum zg_err zg_nft_step(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *plan, struct zg_diags *diags);
/* Validates the step, or if there is none (from NULL, too) the whole plan, without committing. */
enum zg_err zg_nft_dry_step(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *plan, struct zg_diags *diags);

/* Compares the kernel's tables with the plan; counters and remaining timeouts do not count. */
enum zg_err zg_nft_verify(struct zg_nft *nft, const struct zg_plan *plan, struct zg_diags *diags);

/* Loads the backstop if missing or different; never opens anything in between. */
enum zg_err zg_nft_backstop(struct zg_nft *nft, struct zg_diags *diags);

/* --- what others do (monitor.c, foreign.c) --- */

/* A process that has committed a transaction, as the kernel names it: the name is whatever the process calls itself. */
struct zg_nft_actor {
	uint32_t pid;
	char name[16];
};
#define ZG_NFT_ACTORS 4

/* Since the last time it was asked. */
struct zg_nft_changes {
	bool any; /* somebody else has committed something */
	struct zg_nft_actor actors[ZG_NFT_ACTORS]; /* the first ones, each once */
	size_t n;				   /* 0 with any: it is not known who */
};

/* Listens from now on: one small message for each transaction, whatever its size. */
enum zg_err zg_nft_listen(struct zg_nft *nft);
/* To wait for; -1 before zg_nft_listen(). */
int zg_nft_listen_fd(const struct zg_nft *nft);
/* Takes what has come, at most so much at once that it does not hold up anything else. */
void zg_nft_heard(struct zg_nft *nft, struct zg_nft_changes *ret_changes);

/* Something of another table that packets of the boundary may meet: "table ip nat: chain x hooks postrouting ...". */
#define ZG_NFT_FOREIGN_MAX 256 /* bytes with NUL */
struct zg_nft_foreign {
	char text[ZG_NFT_FOREIGN_MAX];
};
/* malloc'd array, sorted, each once, at most ZG_FOREIGN_MAX; the caller frees. At most ZG_FOREIGN_LOOKED chains and as many rules are
 * looked at; ret_partial says that there are more. */
enum zg_err zg_nft_foreign(struct zg_nft_foreign **ret_list, size_t *ret_n, bool *ret_partial);

/* Named counters of both tables, and the flows' element counters summed per flow. */
struct zg_nft_counter {
	char table[32], name[64]; /* flow elements: name "flow:<mark>" */
	uint32_t mark;		  /* of a flow; else 0 */
	uint64_t packets, bytes;
};
/* malloc'd array, the caller frees. idle: with flows that have had no packet; of 100,000 they are nearly all. */
enum zg_err zg_nft_counters(struct zg_nft *nft, bool idle, struct zg_nft_counter **ret_counters, size_t *ret_n);
/* Only those of flows that a step from one plan to the other takes away. */
enum zg_err zg_nft_counters_leaving(struct zg_nft *nft, const struct zg_plan *from, const struct zg_plan *to,
				    struct zg_nft_counter **ret_counters, size_t *ret_n);
/* A mark that no element in the kernel has, nor one of the next 2^30 or so: where numbers begin after a start. */
enum zg_err zg_nft_unused_mark(struct zg_nft *nft, uint32_t *ret_mark);

#endif
