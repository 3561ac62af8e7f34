/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zones that are cut off in an emergency, whatever the policy says: kept over stops, restarts and new policies. */
#ifndef ZONEGATE_MAIN_ISOLATION_H
#define ZONEGATE_MAIN_ISOLATION_H

#include <jansson.h>
#include <stdbool.h>

#include "zonegate/policy.h"

#define ZG_ISOLATION_ALL "*" /* in the place of a zone's name: every zone, those of later policies too */

struct zg_isolation {
	json_t *cuts; /* array of { zone, since, who, reason, interfaces: those it had when it was last in a policy } */
	bool damaged; /* the file could not be understood: everything is cut off */
};

/* Reads what is kept in dir. A file that is damaged or cannot be read cuts everything off; one that is not there, nothing.
 * ZG_ENOMEM: nothing was made. */
enum zg_err zg_isolation_load(const char *dir, struct zg_isolation *ret_isolation);
/* Atomically and durably. */
enum zg_err zg_isolation_save(const char *dir, const struct zg_isolation *isolation);
void zg_isolation_free(struct zg_isolation *isolation);

/* The cut of a zone (or of all zones), or NULL. Borrowed. */
json_t *zg_isolation_find(const struct zg_isolation *isolation, const char *zone);
/* Both answer another state and leave this one as it is; cuts == NULL: out of memory. A zone that is cut off already gets
 * the new reason. zone may be ZG_ISOLATION_ALL. */
struct zg_isolation zg_isolation_with(const struct zg_isolation *isolation, const struct zg_policy *policy, const char *zone,
				      const char *who, const char *reason);
/* Without a zone; where all were cut off, those of the policy but this one still are. Without ZG_ISOLATION_ALL: none. */
struct zg_isolation zg_isolation_without(const struct zg_isolation *isolation, const struct zg_policy *policy, const char *zone);
/* Names of the interfaces that are cut off under this policy: those of the zones, and of a zone that the policy does not have
 * those that it had. malloc'd; the strings belong to isolation and policy. NULL: out of memory. */
const char **zg_isolation_ifaces(const struct zg_isolation *isolation, const struct zg_policy *policy, size_t *ret_n);
/* Notes which interfaces the zones have in this policy, and warns of zones that it does not have. True if anything is new. */
bool zg_isolation_follow(struct zg_isolation *isolation, const struct zg_policy *policy, struct zg_diags *diags);
/* For status: the cuts, each with whether the policy has the zone. */
json_t *zg_isolation_json(const struct zg_isolation *isolation, const struct zg_policy *policy);

#endif
