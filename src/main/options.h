/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ZONEGATE_MAIN_OPTIONS_H
#define ZONEGATE_MAIN_OPTIONS_H

#include <stdbool.h>

#include "event/event.h"

struct zg_options {
	const char *config;    /* what an administrator edits */
	const char *state_dir; /* last confirmed policy, generation */
	const char *run_dir;   /* control socket */
	const char *lists_dir; /* files of the blocklists */
	const char *user;      /* unprivileged user when started as root */
	const char *role;      /* NULL = supervisor */
	enum zg_log log;
	bool backstop; /* load the backstop and end */
};

/* Exits with 0 (help, version) or 2 (usage) by itself. */
void zg_options_parse(int argc, char **argv, struct zg_options *ret_options);

#endif
