/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Roles of the daemon: the same program, executed anew with a role, inherited descriptors and less power. */
#ifndef ZONEGATE_SYS_SPAWN_H
#define ZONEGATE_SYS_SPAWN_H

#include <sys/types.h>

#include "sys/sandbox.h"

#define ZG_ROLE_FD 3 /* first inherited descriptor: the channel to the supervisor */

/* The program that is running, kept open so that a later upgrade on disk does not mix versions. */
enum zg_err zg_spawn_init(void);

/* fork + exec with "--role=NAME"; fds become 3, 4, ... in the child and stay the caller's here. */
enum zg_err zg_spawn(const char *role, enum zg_sandbox_role power, const int *fds, size_t n_fds, pid_t *ret_pid);

#endif
