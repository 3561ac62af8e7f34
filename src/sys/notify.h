/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service manager: readiness, watchdog, and the store that keeps a descriptor alive while the daemon is down.
 * All are no-ops without a service manager. */
#ifndef ZONEGATE_SYS_NOTIFY_H
#define ZONEGATE_SYS_NOTIFY_H

/* A stored descriptor of that name from before a restart, now ours; -1 = none. Call once, early. */
int zg_notify_stored(const char *name);
/* Ready; fd goes into the store as "nft" so that the policy table outlives a crash. */
void zg_notify_ready(int fd, const char *status);
void zg_notify_watchdog(void);
/* A stop that was asked for: the stored descriptor is given up, so that the policy table goes too. */
void zg_notify_stopping(void);

#endif
