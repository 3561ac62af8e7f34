/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy for people and for programs. */
#ifndef ZONEGATE_CTL_SHOW_H
#define ZONEGATE_CTL_SHOW_H

#include <jansson.h>
#include <stdbool.h>

#include "zonegate/policy.h"

/* To standard output; false = out of memory or not writable. */
bool zg_show_json(const struct zg_policy *policy);
bool zg_show_text(const struct zg_policy *policy);

/* Of these the group router. */
void zg_show_router_text(const struct zg_policy *policy);
json_t *zg_show_router_json(const struct zg_policy *policy); /* null: there is no such group */
/* "tcp", "udp", "ping" or a number. */
const char *zg_router_protocol_str(const struct zg_router_rule *rule, char buf[static 16]);

/* "deny", "forbidden", "inspect", or "opaque" where something passes uninspected, for who opens a connection from one zone to another;
 * flows that have expired do not count. */
const char *zg_show_verdict(const struct zg_policy *policy, size_t from, size_t to);
/* "25" or "1000-2000". Returns buf. */
const char *zg_ports_str(const struct zg_ports *ports, char buf[static 16]);
/* Last day, local time, "2026-12-31"; "never" for 0. Returns buf. */
const char *zg_expires_str(time_t expires, char buf[static 16]);
/* Local time, "2026-12-28 08:30". Returns buf. */
const char *zg_moment_str(time_t moment, char buf[static 32]);
/* "mon-fri 08:30-17:15, not on holidays"; malloc'd. */
char *zg_schedule_str(const struct zg_schedule *schedule);
/* Value of an item as text: "verify", "utf-8 iso-2022-jp", "true", "42". malloc'd. */
char *zg_item_str(const struct zg_item *item, const void *config);

/* Monitors and blocklists: printed; put into an object, which is given back (show_watch.c). */
void zg_show_watch_text(const struct zg_policy *policy);
json_t *zg_show_watch_json(const struct zg_policy *policy, json_t *object);

#endif
