/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl's subcommands: one function each, named after the verb; options with argp. */
#ifndef ZONEGATE_CTL_CMD_H
#define ZONEGATE_CTL_CMD_H

#include <stdbool.h>
#include <stdio.h>

/* Exit status, also in zonegatectl(8). */
enum zg_exit {
	ZG_EXIT_OK = 0,
	ZG_EXIT_FAILED = 1,
	ZG_EXIT_USAGE = 2,
	ZG_EXIT_NO_DAEMON = 3,
	ZG_EXIT_CONFIG = 4,
	ZG_EXIT_ROLLED_BACK = 5,
};

#define ZG_CONF_FILE   ZG_SYSCONFDIR "/zonegate.conf"
#define ZG_LISTS_DIR   ZG_SYSCONFDIR "/zonegate.lists"
#define ZG_RUN_DIR     "/run/zonegate"
#define ZG_STATE_DIR   "/var/lib/zonegate"
#define ZG_CTL_SOCKET  "control.sock" /* in the run directory */
#define ZG_JSON_SCHEMA 1 /* "schema" member of every JSON object that we print */

/* argv[0] is "zonegatectl VERB". Each returns an enum zg_exit and prints its own errors. */
int zg_cmd_check(int argc, char **argv);   /* cmd_check.c */
int zg_cmd_show(int argc, char **argv);	   /* cmd_show.c */
int zg_cmd_explain(int argc, char **argv); /* cmd_explain.c */
int zg_cmd_replay(int argc, char **argv);  /* cmd_replay.c */
int zg_cmd_apply(int argc, char **argv);   /* cmd_apply.c */
int zg_cmd_reload_lists(int argc, char **argv); /* cmd_reload_lists.c */
int zg_cmd_confirm(int argc, char **argv); /* cmd_confirm.c */
int zg_cmd_rollback(int argc, char **argv); /* cmd_rollback.c */
int zg_cmd_history(int argc, char **argv); /* cmd_history.c */
int zg_cmd_diff(int argc, char **argv);	   /* cmd_diff.c */
int zg_cmd_status(int argc, char **argv);  /* cmd_status.c */
int zg_cmd_observe(int argc, char **argv); /* cmd_observe.c */
int zg_cmd_isolate(int argc, char **argv); /* cmd_isolate.c */
int zg_cmd_restore(int argc, char **argv);

/* Shared by the subcommands (src/ctl/term.c). */
bool zg_term_color(FILE *out);		   /* a terminal, and NO_COLOR is not set */
int zg_term_width(const char *utf8);	   /* display cells; CJK is two */
void zg_term_pad(FILE *out, const char *utf8, int cells); /* the text and blanks up to cells */
/* Prints with control and other unsafe characters escaped as \xNN; valid UTF-8 passes. */
void zg_term_safe(FILE *out, const char *text);

#endif
