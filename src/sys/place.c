/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/place.h"

#include <time.h>

void zg_place_init(struct zg_place *ret_place)
{
	CPU_ZERO(&ret_place->allowed);
	ret_place->known = sched_getaffinity(0, sizeof ret_place->allowed, &ret_place->allowed) == 0;
	ret_place->at = ZG_PLACE_ANY;
}

void zg_place_go(struct zg_place *place, int cpu)
{
	cpu_set_t one;

	if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET((size_t)cpu, &place->allowed))
		cpu = ZG_PLACE_ANY;
	if (!place->known || cpu == place->at)
		return;
	CPU_ZERO(&one);
	if (cpu != ZG_PLACE_ANY)
		CPU_SET((size_t)cpu, &one);
	/* a processor may be taken out of service meanwhile: then everything stays as it is */
	(void)sched_setaffinity(0, sizeof one, cpu != ZG_PLACE_ANY ? &one : &place->allowed);
	place->at = cpu;
}

int zg_place_here(void)
{
	const int cpu = sched_getcpu();
	return cpu >= 0 ? cpu : ZG_PLACE_ANY;
}

uint64_t zg_place_used_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}
