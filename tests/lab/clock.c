/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LD_PRELOAD of a lab test: the clock on the wall, moved by as many seconds as the file $ZG_LAB_CLOCK holds (8 bytes). The file
 * is mapped at the start, so that processes in a sandbox follow it too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *moved;

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("ZG_LAB_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	void *map = mmap(NULL, sizeof *moved, PROT_READ, MAP_SHARED, fd, 0);
	moved = map != MAP_FAILED ? map : NULL;
	close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	static int (*real)(clockid_t, struct timespec *);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	int rc = real(clock, ret_time);
	if (rc == 0 && clock == CLOCK_REALTIME && moved != NULL)
		ret_time->tv_sec += *moved;
	return rc;
}

time_t time(time_t *ret_time)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (ret_time != NULL)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}
