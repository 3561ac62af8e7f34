/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool begins(const char *line, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

bool zg_files_marker(const char *line, size_t len)
{
	return begins(line, len, ZG_FILES_INCLUDE) || begins(line, len, ZG_FILES_FILE);
}

/* A path in the text is relative to the directory of the first file, so that the text does not depend on from where that was
 * named; people see it from where they are. */
static char *shown(const char *first, const char *path, size_t len)
{
	const char *slash = strrchr(first, '/');
	char *name = NULL;
	int dir = (len > 0 && *path == '/') || slash == NULL ? 0 : (int)(slash + 1 - first);
	return asprintf(&name, "%.*s%.*s", dir, first, (int)len, path) < 0 ? NULL : name;
}

static enum zg_err add(struct zg_files *files, char *name, size_t mark, size_t offset, unsigned before, bool include)
{
	struct zg_file *v = name != NULL ? reallocarray(files->v, files->n + 1, sizeof *v) : NULL;
	if (v == NULL) {
		free(name);
		return ZG_ENOMEM;
	}
	files->v = v;
	files->v[files->n++] = (struct zg_file){ name, mark, offset, before, include };
	return ZG_OK;
}

enum zg_err zg_files_of(const char *name, const char *text, size_t len, struct zg_files *ret_files)
{
	struct zg_files files = { 0 };
	unsigned line = 0;
	enum zg_err err = add(&files, strdup(name), 0, 0, 0, false);
	for (size_t at = 0, next; at < len && err == ZG_OK; at = next) {
		const char *p = text + at, *end = memchr(p, '\n', len - at);
		next = end != NULL ? (size_t)(end - text) + 1 : len;
		line++;
		if (*p != '#' || !zg_files_marker(p, next - at))
			continue;
		bool include = begins(p, next - at, ZG_FILES_INCLUDE);
		const char *path = p + strlen(include ? ZG_FILES_INCLUDE : ZG_FILES_FILE);
		const char *quote = memchr(path, '"', (size_t)(text + next - path));
		size_t path_len = (size_t)((quote != NULL ? quote : text + next) - path);
		err = add(&files, shown(name, path, path_len), at, next, line, include);
	}
	if (err != ZG_OK) {
		zg_files_free(&files);
		return err;
	}
	*ret_files = files;
	return ZG_OK;
}

void zg_files_free(struct zg_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->v[i].name);
	free(files->v);
	*files = (struct zg_files){ 0 };
}

const struct zg_file *zg_files_at(const struct zg_files *files, unsigned line, unsigned *ret_line)
{
	size_t lo = 0, hi = files->n;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (files->v[mid].before < line)
			lo = mid;
		else
			hi = mid;
	}
	*ret_line = files->n > 0 ? line - files->v[lo].before : line;
	return files->n > 0 ? &files->v[lo] : NULL;
}

const char *zg_files_line(const struct zg_files *files, unsigned line, char buf[static ZG_LINE_STR_MAX])
{
	const struct zg_file *file = zg_files_at(files, line, &line);
	if (files->n > 1)
		snprintf(buf, ZG_LINE_STR_MAX, "line %u of %.200s", line, file->name);
	else
		snprintf(buf, ZG_LINE_STR_MAX, "line %u", line);
	return buf;
}
