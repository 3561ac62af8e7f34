/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Switches of the kernel's network code that the policy relies on: set when a policy comes into force, looked at each second,
 * put back when something has changed them. CAP_NET_ADMIN is enough. */
#ifndef ZONEGATE_SYS_SETTINGS_H
#define ZONEGATE_SYS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "zonegate/err.h"

#define ZG_SETTINGS_ROOT "/proc/sys/net"
#define ZG_SETTING_NAME_MAX 96 /* bytes with NUL: "net/ipv6/conf/INTERFACE/accept_source_route" fits */

struct zg_settings;

struct zg_setting {
	char name[ZG_SETTING_NAME_MAX]; /* as sysctl(8) takes it, with slashes: interfaces may have dots */
	int wanted, is;
	bool ok;     /* as wanted now */
	bool needed; /* safety relies on it; else it is good to have */
	int error;   /* errno, where it could not be read or set */
};

/* Told of each setting that was found changed: is = what was found, ok = it is as wanted again. */
typedef void zg_settings_told(void *ctx, const struct zg_setting *found);

/* root: where the tree is (ZG_SETTINGS_ROOT). Free with zg_settings_free(). */
enum zg_err zg_settings_new(const char *root, struct zg_settings **ret_settings);
void zg_settings_free(struct zg_settings *s);
/* Of which interfaces; the names are copied, twins left out. On ZG_ENOMEM those before stay. */
enum zg_err zg_settings_interfaces(struct zg_settings *s, const char *const *names, size_t n);
/* Sets all, forwarding last when it comes on and first when it goes off. What differed is no news, a failure is: told of
 * each; ZG_ESYS if one of them is needed, and then forwarding does not come on. */
enum zg_err zg_settings_set(struct zg_settings *s, bool forward, zg_settings_told *told, void *ctx);
/* The next part of them, at most ZG_SETTINGS_AT_ONCE: tells of each that somebody has changed, once if it cannot be set back. An
 * interface that is new gets its settings without a word. */
void zg_settings_look(struct zg_settings *s, zg_settings_told *told, void *ctx);
/* All that are there, as of the last look. */
void zg_settings_list(const struct zg_settings *s, zg_settings_told *each, void *ctx);

#endif
