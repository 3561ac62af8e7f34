/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl's side of the control socket. */
#ifndef ZONEGATE_CTL_CLIENT_H
#define ZONEGATE_CTL_CLIENT_H

#include <argp.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/cmd.h"
#include "zonegate/text.h"

/* "--socket PATH" for argp tables; without it $ZONEGATE_SOCKET, then the usual place. */
#define ZG_CLIENT_OPTION { "socket", 'S', "PATH", 0, "control socket of the daemon (default $ZONEGATE_SOCKET or " ZG_RUN_DIR "/" ZG_CTL_SOCKET ")", 9 }

/* What every verb takes that asks the daemon. */
struct zg_client_options {
	const char *socket;
	bool json;
};
/* For a verb's own parser: -j and -S; an argument that the verb did not take itself is a mistake. */
error_t zg_client_parse(int key, char *arg, struct argp_state *state, struct zg_client_options *o);

/* Connects; on failure says why and answers the exit status in ret_exit. NULL on failure. fclose() ends it. */
FILE *zg_client_open(const char *socket_path, enum zg_exit *ret_exit);
/* The same without a word about a failure. */
FILE *zg_client_try(const char *socket_path);
/* The answer to a command without arguments, if a daemon is there that may be asked; else NULL, and nothing is said. */
json_t *zg_client_quietly(const char *socket_path, const char *command);
/* Sends one object (reference taken). */
bool zg_client_send(FILE *link, json_t *request);
/* The next object; NULL at the end or on nonsense. */
json_t *zg_client_receive(FILE *link);
/* One request and its answer; says why on failure, with ret_exit. The caller frees; a refusal ("ok" is false) is an answer. */
json_t *zg_client_ask(const char *socket_path, json_t *request, enum zg_exit *ret_exit);
/* The same with a text behind the request; NULL = none. */
json_t *zg_client_ask_with(const char *socket_path, json_t *request, const struct zg_text *text, enum zg_exit *ret_exit);

/* "90s", "15m", "4h", "2d", "90" -> seconds; -1 = none of these. */
long zg_client_seconds(const char *text);
/* Digits only, a 32-bit number. */
bool zg_arg_number(const char *text, uint32_t *ret_number);

#endif
