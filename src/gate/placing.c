/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate/placing.h"

/* ms of a look: soon apart, since one processor may be too little, and not so soon together. */
#define LOOK_TOGETHER_MS 200u
#define LOOK_FREE_MS	 1000u
/* Parts of a hundred of one processor. Apart they take more for the same work than together: the gap keeps them from
 * moving to and fro. */
#define TOGETHER_BELOW 75u
#define FREE_ABOVE     88u
/* The gate may move for so long, so often; ms. */
#define LOOSE_MS       40u
#define LOOSE_EVERY_MS 1000u

static bool become(struct zg_placing *p, enum zg_placing_state state, uint64_t now_ms, uint64_t used_ns)
{
	const bool changed = state != p->state;

	if (state == ZG_PLACING_LOOSE)
		p->loose_ms = now_ms;
	p->state = state;
	p->since_ms = now_ms;
	p->used_ns = used_ns;
	return changed;
}

bool zg_placing_look(struct zg_placing *p, uint64_t now_ms, uint64_t used_ns)
{
	const uint64_t ms = now_ms - p->since_ms;
	/* an inspector that was started anew begins at zero */
	const uint64_t used = used_ns >= p->used_ns ? used_ns - p->used_ns : 0;
	const uint64_t load = ms > 0 ? used / 10000 / ms : 0;

	if (!p->begun) {
		p->begun = true;
		return become(p, ZG_PLACING_FREE, now_ms, used_ns);
	}
	switch (p->state) {
	case ZG_PLACING_FREE:
		if (ms < LOOK_FREE_MS)
			return false;
		if (load >= TOGETHER_BELOW)
			return become(p, ZG_PLACING_FREE, now_ms, used_ns);
		p->loose_ms = now_ms;
		return become(p, ZG_PLACING_TOGETHER, now_ms, used_ns);
	case ZG_PLACING_TOGETHER:
		if (ms < LOOK_TOGETHER_MS)
			return false;
		if (load > FREE_ABOVE)
			return become(p, ZG_PLACING_FREE, now_ms, used_ns);
		return become(p, now_ms - p->loose_ms >= LOOSE_EVERY_MS ? ZG_PLACING_LOOSE : ZG_PLACING_TOGETHER, now_ms, used_ns);
	case ZG_PLACING_LOOSE:
		return ms >= LOOSE_MS && become(p, ZG_PLACING_TOGETHER, now_ms, used_ns);
	}
	return false;
}
