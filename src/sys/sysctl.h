/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forwarding, before anything else is known: the rest of what the policy relies on is in settings.h. */
#ifndef ZONEGATE_SYS_SYSCTL_H
#define ZONEGATE_SYS_SYSCTL_H

#include <stdbool.h>

#include "zonegate/err.h"

/* Forwarding of both families. ret_what names the file that failed. */
enum zg_err zg_forwarding_set(bool on, const char **ret_what);
/* True if any family forwards. */
bool zg_forwarding_get(void);

#endif
