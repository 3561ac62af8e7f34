/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's table of connections after a change: what goes between two zones and is not permitted any more is removed, so
 * that nothing is left of it should it be permitted again. Its packets are dropped before that, by the policy's rules; the two
 * ends of an inspected one are reset by its inspector (inspect/revise.c). A bounded part of the work in each round of the main
 * loop.
 */
#ifndef ZONEGATE_MAIN_CUT_H
#define ZONEGATE_MAIN_CUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/addr.h"
#include "zonegate/text.h"

struct zg_supervisor;
struct zg_ct;
struct zg_reach;

struct zg_cut {
	bool due;	  /* a policy came into force and its connections were not looked at yet */
	uint64_t after_ms; /* not before */
	struct zg_ct *ct; /* while they are */
	struct zg_reach *reach; /* of the policy in force */
	struct zg_addr *own;	/* the router's addresses */
	size_t n_own;
	uint32_t removed;
};

/* Another policy is in force, or is about to be. */
void zg_cut_begin(struct zg_supervisor *s);
/* Before the policy in force is freed, and at the end. */
void zg_cut_stop(struct zg_supervisor *s);
void zg_cut_tick(struct zg_supervisor *s);
/* There is work: the main loop does not wait long. */
bool zg_cut_busy(const struct zg_supervisor *s);
/* How many open connections a configuration would cut: "cut" with "connections" and "complete", or an error. */
json_t *zg_cut_count(struct zg_supervisor *s, const char *file, struct zg_text *text);

#endif
