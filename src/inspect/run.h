/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accepted packets that the gate may accept as one: "all up to this id". The kernel then lets everything pass that waits in
 * the queue with that id or a lower one, so it may be said only while every packet that came has its verdict. Whoever
 * cannot be sure of that for once, says it never again.
 */
#ifndef ZONEGATE_INSPECT_RUN_H
#define ZONEGATE_INSPECT_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct zg_run {
	uint32_t undecided; /* packets that came and have no verdict yet */
	uint32_t upto;	    /* id of the newest in the run */
	bool open;	    /* there is one, to be told before anything else */
	bool broken;	    /* a packet came that nobody can name: it may wait in the kernel for ever */
};

static inline void zg_run_came(struct zg_run *run)
{
	run->undecided++;
}

/* A packet was decided. plain: accepted as it is. True: it is part of the run, and nothing is to be told now. */
static inline bool zg_run_decided(struct zg_run *run, uint32_t id, bool plain)
{
	run->undecided--;
	if (!plain || run->undecided != 0 || run->broken)
		return false;
	run->upto = id;
	run->open = true;
	return true;
}

static inline void zg_run_break(struct zg_run *run)
{
	run->broken = true;
}

/* True: "all up to *ret_upto" is to be told. */
static inline bool zg_run_take(struct zg_run *run, uint32_t *ret_upto)
{
	const bool open = run->open;
	*ret_upto = run->upto;
	run->open = false;
	return open;
}

#endif
