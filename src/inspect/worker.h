/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes that read packets. Both run without any capability under seccomp and Landlock. */
#ifndef ZONEGATE_INSPECT_WORKER_H
#define ZONEGATE_INSPECT_WORKER_H

/* What an inspector inherits. */
struct zg_worker_fds {
	int chan;   /* to the supervisor */
	int queue;  /* the NFQUEUE socket, to receive only */
	int gate;   /* channel to the gate: messages with a body */
	int memory; /* the ring to the gate, vring.h */
	int bell;
};
/* Returns the exit status. */
int zg_worker_run(const struct zg_worker_fds *fds);

/* Watch: chan to the supervisor, log = the inherited NFLOG socket. Turns logged refusals into counted events. */
int zg_watch_run(int chan, int log);

#endif
