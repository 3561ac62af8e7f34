/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processor a process runs on, and how much processor time it has taken. */
#ifndef ZONEGATE_SYS_PLACE_H
#define ZONEGATE_SYS_PLACE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#define ZG_PLACE_ANY (-1) /* wherever the scheduler likes */

struct zg_place {
	cpu_set_t allowed; /* at the start: what the administrator or the service manager has left us */
	bool known;
	int at; /* ZG_PLACE_ANY or the number of a processor */
};

/* Before the sandbox, which has no call for it. Where the set cannot be read (more than 1,024 processors), nothing is ever
 * moved. */
void zg_place_init(struct zg_place *ret_place);
/* Keeps this process on processor cpu, or sets it free. A processor that is not allowed is as good as any. */
void zg_place_go(struct zg_place *place, int cpu);
/* The processor that this process runs on now; ZG_PLACE_ANY if unknown. */
int zg_place_here(void);
/* Processor time of this process since its start, ns. */
uint64_t zg_place_used_ns(void);

#endif
