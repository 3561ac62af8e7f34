/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving up power. Every step either holds or the process must not go on: the caller exits. */
#ifndef ZONEGATE_SYS_SANDBOX_H
#define ZONEGATE_SYS_SANDBOX_H

#include <stdbool.h>

#include "zonegate/err.h"

enum zg_sandbox_role {
	ZG_SANDBOX_PARSER, /* inspector, watch: no capability, no file, no socket */
	ZG_SANDBOX_GATE,   /* keeps CAP_NET_ADMIN and CAP_NET_RAW; may open netlink sockets; no file */
};

/* Becomes user (if root) and keeps only CAP_NET_ADMIN and CAP_NET_RAW, inheritable for the gate. Sets no_new_privs.
 * ret_what names the step that failed. */
enum zg_err zg_sandbox_drop(const char *user, const char **ret_what);

/* In a child between fork and exec: capabilities that the role shall have after exec. Async-signal-safe enough: only
 * prctl and capset. */
enum zg_err zg_sandbox_exec_caps(enum zg_sandbox_role role);

/* After exec: limits, not dumpable, Landlock (no file system, no network), seccomp allow-list. A parser process that
 * still holds a capability fails here. */
enum zg_err zg_sandbox_enter(enum zg_sandbox_role role, const char **ret_what);

#endif
