/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel switches of this network namespace that the boundary rests on. CAP_NET_ADMIN is enough. */
#ifndef ZONEGATE_SYS_SYSCTL_H
#define ZONEGATE_SYS_SYSCTL_H

#include <stdbool.h>

#include "zonegate/err.h"

/* Forwarding of both families. ret_what names the file that failed. */
enum zg_err zg_forwarding_set(bool on, const char **ret_what);
/* True if any family forwards. */
bool zg_forwarding_get(void);
/* Connection tracking as strict as the inspectors expect: no pick-up in mid-stream, windows checked, checksums
 * checked. The files exist once the kernel tracks connections, so after the first commit. */
enum zg_err zg_conntrack_strict(const char **ret_what);

#endif
