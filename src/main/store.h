/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Confirmed policies on disk, each whole or not at all, also when the power fails. A version is one file,
 * confirmed-GENERATION.conf: a sealed head of comment lines, then the text as it was. The newest one is what a start puts
 * in force; it is kept twice (.copy), so that a bad sector does not cost a town its network. No older one is ever taken in
 * its place without being asked for: it might permit what the newest has withdrawn.
 */
#ifndef ZONEGATE_MAIN_STORE_H
#define ZONEGATE_MAIN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "zonegate/err.h"
#include "zonegate/limits.h"

#define ZG_STORE_NAME_MAX 40 /* bytes of a file's name with NUL */

struct zg_version {
	uint32_t generation;
	time_t when;   /* of its confirmation, realtime */
	char who[64];  /* who asked for it */
	char file[256]; /* that it was read from */
	char comment[ZG_LABEL_MAX + 1]; /* "" = none */
	uint32_t zones, flows;
	uint64_t bytes;	    /* of the text */
	uint8_t sha256[32]; /* of the text */
	bool damaged; /* zg_store_list(): no copy has a good head and the right length; only generation and name are known */
	char name[ZG_STORE_NAME_MAX]; /* of the file, set by the store */
};

/* Saves durably as the newest version (control characters in the strings become '?'), with its copy, and removes what is
 * more than ZG_HISTORY_MAX versions or ZG_HISTORY_BYTES_MAX bytes. On failure the older ones are as they were. */
enum zg_err zg_store_save(const char *dir, const struct zg_version *version, const char *text);
/* One version, its checksum compared; malloc'd text. *ret_damaged: name of a file of it that is damaged or missing, "" =
 * none; with ZG_OK the other one is good. ZG_EINVAL: all there is of it is damaged. ZG_ENOENT: there is none. */
enum zg_err zg_store_load(const char *dir, uint32_t generation, struct zg_version *ret_version, char **ret_text,
			  char ret_damaged[static ZG_STORE_NAME_MAX]);
/* Heads only, the newest first; malloc'd array. */
enum zg_err zg_store_list(const char *dir, struct zg_version **ret_versions, size_t *ret_n);

/* The newest number that was given to a policy which is not kept here; unconfirmed: it was in force on trial. */
enum zg_err zg_store_mark(const char *dir, uint32_t generation, bool unconfirmed);
/* 0, false if there is none. */
void zg_store_marked(const char *dir, uint32_t *ret_generation, bool *ret_unconfirmed);

#endif
