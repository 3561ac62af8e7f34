/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON output, the same for every subcommand. */
#ifndef ZONEGATE_CTL_JSON_H
#define ZONEGATE_CTL_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* A string; what is not UTF-8 in it becomes \xNN. NULL becomes null. */
json_t *zg_json_text(const char *text);
/* Prints one object and a newline, consumes it. False if it is NULL (out of memory) or could not be printed. */
bool zg_json_print(FILE *out, json_t *object);

#endif
