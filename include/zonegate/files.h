/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a configuration in one text. A configuration that includes others is gathered: the file itself, then each
 * included one behind a line that says what begins there, depth first, in the order in which they are named:
 *   #zonegate-include "conf.d"        answers one @include; the file follows, or, of a directory,
 *   #zonegate-file "conf.d/a.conf"    each of its files
 * No file on disk may hold such a line. The gathered text holds all that counts: it is hashed, sent, saved and approved. A line
 * number always counts from its beginning; here it becomes a file's.
 */
#ifndef ZONEGATE_FILES_H
#define ZONEGATE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "zonegate/err.h"

#define ZG_FILES_INCLUDE "#zonegate-include \""
#define ZG_FILES_FILE	 "#zonegate-file \""
#define ZG_LINE_STR_MAX	 256 /* bytes with NUL; a long path is cut */

struct zg_file {
	char *name;	 /* beside the file that includes it, for people */
	size_t mark;	 /* where in the text the line stands that begins it */
	size_t offset;	 /* of its first byte in the text */
	unsigned before; /* lines of the text in front of it */
	bool include;	 /* its line answers an @include */
};

struct zg_files {
	struct zg_file *v; /* [0] is the file itself */
	size_t n;
};

/* Does this line begin one of the files? */
bool zg_files_marker(const char *line, size_t len);
/* Finds the files of a text; name is that of the first. Free with zg_files_free(). */
enum zg_err zg_files_of(const char *name, const char *text, size_t len, struct zg_files *ret_files);
void zg_files_free(struct zg_files *files);
/* The file that holds a line of the text, and its line there. NULL without files. */
const struct zg_file *zg_files_at(const struct zg_files *files, unsigned line, unsigned *ret_line);
/* "line 12", or "line 12 of conf.d/a.conf" where there are several files. Returns buf. */
const char *zg_files_line(const struct zg_files *files, unsigned line, char buf[static ZG_LINE_STR_MAX]);

#endif
