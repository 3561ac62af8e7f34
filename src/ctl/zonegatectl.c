/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl: the verbs, each in a file of its own. */
#include "ctl/cmd.h"
#include "zonegate/limits.h"

#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *verb;
	int (*run)(int argc, char **argv);
	const char *summary;
} verbs[] = {
	{ "check", zg_cmd_check, "look for mistakes in a configuration; needs no root and no daemon" },
	{ "show", zg_cmd_show, "the effective configuration and the zone matrix" },
	{ "diff", zg_cmd_diff, "what a configuration would change in meaning, and which connections it would cut" },
	{ "apply", zg_cmd_apply, "put a configuration in force, in one step or not at all" },
	{ "reload-lists", zg_cmd_reload_lists, "read the files of the blocklists again" },
	{ "confirm", zg_cmd_confirm, "keep the policy that was applied on trial" },
	{ "rollback", zg_cmd_rollback, "put an earlier policy in force again" },
	{ "history", zg_cmd_history, "the policies that were confirmed, and by whom" },
	{ "status", zg_cmd_status, "state of every part of the running daemon" },
	{ "isolate", zg_cmd_isolate, "cut a zone off at once, in an emergency" },
	{ "restore", zg_cmd_restore, "let a zone that was cut off back" },
	{ "observe", zg_cmd_observe, "what is refused and permitted, as it happens" },
	{ "explain", zg_cmd_explain, "why a packet would pass or not, step by step" },
	{ "replay", zg_cmd_replay, "run an inspector over a capture file" },
};

#define N_VERBS (sizeof verbs / sizeof verbs[0])

static void usage(FILE *out)
{
	fputs("Usage: zonegatectl VERB [OPTION...]\n\n", out);
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(out, "  %-12s %s\n", verbs[i].verb, verbs[i].summary);
	fputs("\n`zonegatectl VERB --help` explains a verb; the whole is in zonegatectl(8).\n", out);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	mallopt(M_MMAP_THRESHOLD, ZG_MMAP_BYTES);
	if (argc < 2) {
		usage(stderr);
		return ZG_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return ZG_EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("zonegatectl " ZG_VERSION);
		return ZG_EXIT_OK;
	}
	for (size_t i = 0; i < N_VERBS; i++) {
		if (strcmp(argv[1], verbs[i].verb) != 0)
			continue;
		char name[32];
		snprintf(name, sizeof name, "zonegatectl %s", verbs[i].verb);
		argv[1] = name;
		int status = verbs[i].run(argc - 1, argv + 1);
		if (fflush(stdout) != 0 || ferror(stdout)) {
			perror("zonegatectl: standard output");
			return status == ZG_EXIT_OK ? ZG_EXIT_FAILED : status;
		}
		return status;
	}
	fprintf(stderr, "zonegatectl: no such verb: %s\n\n", argv[1]);
	usage(stderr);
	return ZG_EXIT_USAGE;
}
