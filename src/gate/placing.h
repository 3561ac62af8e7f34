/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the gate and its inspectors run. They hand each packet to each other. On one processor that costs a switch; on two,
 * an interrupt of the other processor and the way of the data between their caches, which is more than an inspector does
 * with a small packet. So they share one for as long as that one is enough for all of them, and are free otherwise.
 *
 * A decision about time only: nothing of what is let through depends on it.
 */
#ifndef ZONEGATE_GATE_PLACING_H
#define ZONEGATE_GATE_PLACING_H

#include <stdbool.h>
#include <stdint.h>

enum zg_placing_state {
	ZG_PLACING_FREE,     /* everybody where the scheduler likes */
	ZG_PLACING_TOGETHER, /* the inspectors where the gate is, and the gate stays there */
	ZG_PLACING_LOOSE     /* the gate may move for a moment, since something else may have come to its processor */
};

struct zg_placing {
	enum zg_placing_state state;
	bool begun;
	uint64_t since_ms; /* of the present look */
	uint64_t used_ns;  /* processor time of all of them then */
	uint64_t loose_ms; /* when the gate could move last */
};

/* now_ms, used_ns: the time, and the processor time that gate and inspectors have taken by now. To be called often; most
 * calls change nothing. True: the state has changed. */
bool zg_placing_look(struct zg_placing *p, uint64_t now_ms, uint64_t used_ns);

#endif
