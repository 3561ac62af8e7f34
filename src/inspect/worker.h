/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes that read packets. Both run without any capability under seccomp and Landlock. */
#ifndef ZONEGATE_INSPECT_WORKER_H
#define ZONEGATE_INSPECT_WORKER_H

/* Inspector: chan to the supervisor, queue = the inherited NFQUEUE socket (receive only), gate = where verdicts go.
 * Returns the exit status. */
int zg_worker_run(int chan, int queue, int gate);

/* Watch: chan to the supervisor, log = the inherited NFLOG socket. Turns logged refusals into counted events. */
int zg_watch_run(int chan, int log);

#endif
