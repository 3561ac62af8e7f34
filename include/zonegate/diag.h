/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics: everything wrong with a text, gathered, each with its place and what to do. */
#ifndef ZONEGATE_DIAG_H
#define ZONEGATE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "zonegate/err.h"
#include "zonegate/files.h"
#include "zonegate/text.h"

enum zg_severity { ZG_DIAG_ERROR, ZG_DIAG_WARNING };

struct zg_diag {
	enum zg_severity severity;
	unsigned line, column; /* 1-based; 0 = unknown. Column counts display cells' first byte, i.e. bytes */
	char *message;	       /* owned */
	char *hint;	       /* owned; NULL = none */
};

struct zg_diags {
	char *file;	/* owned; the name shown */
	struct zg_text *text;  /* held; the source, for the quoted line; may be NULL */
	struct zg_files files; /* of the text; lines below count from its beginning, and are shown as the file's own */
	struct zg_diag *items;
	size_t n, errors;
	size_t dropped; /* beyond ZG_ERRORS_MAX, counted only */
};

void zg_diags_init(struct zg_diags *d);
void zg_diags_free(struct zg_diags *d);
/* Copies file name and text, so that they may be quoted later. */
enum zg_err zg_diags_source(struct zg_diags *d, const char *file, const char *text, size_t len);
/* The same without a copy of the text. */
enum zg_err zg_diags_hold(struct zg_diags *d, const char *file, struct zg_text *text);
/* Adds one; hint may be NULL. Out of memory is counted as dropped and still counts as an error. */
void zg_diag_add(struct zg_diags *d, enum zg_severity severity, unsigned line, unsigned column, const char *hint,
		 const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Sorts by line and column, stable. */
void zg_diags_sort(struct zg_diags *d);
/* "file:line:col: error: message", the line, a caret, "hint: ...", for all. Control characters of
 * the quoted line are escaped. Returns malloc'd text, NULL on out of memory. */
char *zg_diags_text(const struct zg_diags *d, bool color);

#endif
