/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a configuration into one text (zonegate/files.h): what is approved has to be all that counts. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"

/* A file that was read. */
struct seen {
	dev_t dev;
	ino_t ino;
	struct conf_at at; /* of the @include that named it; line 0 = the file itself */
};

struct gather {
	struct zg_diags *diags;
	char *dir; /* of the file itself, with its slash; "" = here */
	char *text;
	size_t len, cap;
	unsigned lines;
	struct seen seen[ZG_INCLUDE_FILES_MAX];
	size_t n_seen;
	enum zg_err err; /* ZG_ENOMEM */
	bool full;	 /* reported that it is too much */
};

static void append(struct gather *g, const char *bytes, size_t len)
{
	if (g->err != ZG_OK || len == 0)
		return;
	if (g->len + len + 1 > g->cap) {
		size_t cap = 2 * (g->len + len + 1);
		char *text = realloc(g->text, cap);
		if (text == NULL) {
			g->err = ZG_ENOMEM;
			return;
		}
		g->text = text;
		g->cap = cap;
	}
	memcpy(g->text + g->len, bytes, len);
	for (const char *p = g->text + g->len, *end = p + len; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		g->lines++;
	g->len += len;
	g->text[g->len] = '\0';
}

/* The line that says what begins behind it. */
static void mark(struct gather *g, const char *prefix, const char *path)
{
	if (g->len > 0 && g->text[g->len - 1] != '\n')
		append(g, "\n", 1);
	append(g, prefix, strlen(prefix));
	append(g, path, strlen(path));
	append(g, "\"\n", 2);
}

/* All of fd, at most one byte more than max; malloc'd, with a NUL behind. */
static enum zg_err read_all(int fd, size_t max, char **ret_text, size_t *ret_len)
{
	size_t len = 0, cap = max < 64 * 1024 ? max + 1 : 64 * 1024;
	char *text = malloc(cap + 1);
	while (text != NULL) {
		if (len == cap) {
			cap = 2 * cap > max ? max + 1 : 2 * cap;
			char *grown = realloc(text, cap + 1);
			if (grown == NULL)
				break;
			text = grown;
		}
		ssize_t n = read(fd, text + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return ZG_ESYS;
		}
		len += (size_t)n;
		if (n == 0 || len > max) {
			text[len] = '\0';
			*ret_text = text;
			*ret_len = len;
			return ZG_OK;
		}
	}
	free(text);
	return ZG_ENOMEM;
}

/* --- where the includes are ----------------------------------------------------------------------------- */

/* Behind "@include" on its line: the path in quotes, and nothing else but a comment. */
bool conf_include_path(const char *p, const char **ret_path, size_t *ret_len)
{
	p += strlen("@include");
	size_t blanks = strspn(p, " \t");
	if (blanks == 0 || p[blanks] != '"')
		return false;
	const char *path = p + blanks + 1;
	size_t len = strcspn(path, "\"\\\n");
	if (len == 0 || path[len] != '"')
		return false;
	p = path + len + 1;
	p += strspn(p, " \t\r");
	if (*p != '\n' && *p != '\0' && *p != '#' && strncmp(p, "//", 2) != 0)
		return false;
	*ret_path = path;
	*ret_len = len;
	return true;
}

/* Reads over what may hide an @include, as shape.c does. */
struct scan {
	const char *text;
	size_t at, end;
	unsigned line;
	size_t line_start;
	unsigned depth; /* of brackets */
};

static void skip_string(struct scan *s)
{
	for (s->at++; s->at < s->end && s->text[s->at] != '\n'; s->at++) {
		if (s->text[s->at] == '"') {
			s->at++;
			return;
		}
		if (s->text[s->at] == '\\' && s->text[s->at + 1] != '\n')
			s->at++;
	}
}

static void skip_block(struct scan *s)
{
	for (s->at += 2; s->at < s->end; s->at++) {
		if (s->text[s->at] == '\n') {
			s->line++;
			s->line_start = s->at + 1;
		} else if (strncmp(s->text + s->at, "*/", 2) == 0) {
			s->at += 2;
			return;
		}
	}
}

/* The next @include on the outermost level; false = there is no more. What does not have its form is for shape.c to report. */
static bool next_include(struct scan *s, const char **ret_path, size_t *ret_len, struct conf_at *ret_at)
{
	while (s->at < s->end) {
		const char *p = s->text + s->at;
		if (*p == '"') {
			skip_string(s);
		} else if (*p == '#' || strncmp(p, "//", 2) == 0) {
			s->at += strcspn(p, "\n");
		} else if (strncmp(p, "/*", 2) == 0) {
			skip_block(s);
		} else if (s->depth == 0 && strncmp(p, "@include", 8) == 0 && conf_include_path(p, ret_path, ret_len)) {
			*ret_at = (struct conf_at){ s->line, (uint32_t)(*ret_path - s->text - (ptrdiff_t)s->line_start) };
			s->at += strcspn(p, "\n");
			return true;
		} else {
			if (*p == '\n') {
				s->line++;
				s->line_start = s->at + 1;
			}
			s->depth += strchr("({[", *p) != NULL && *p != '\0';
			s->depth -= strchr(")}]", *p) != NULL && *p != '\0' && s->depth > 0;
			s->at++;
		}
	}
	return false;
}

/* --- files ------------------------------------------------------------------------------------------------ */

static void too_much(struct gather *g, struct conf_at at, const char *what)
{
	if (!g->full)
		CONF_ERROR(g->diags, at, "is this really a configuration?", "%s", what);
	g->full = true;
}

/* Has the file been read before? Then that is reported. */
static bool twice(struct gather *g, const struct stat *st, const char *path, struct conf_at at)
{
	struct zg_files files = { 0 };
	char line[ZG_LINE_STR_MAX];
	for (size_t i = 0; i < g->n_seen; i++) {
		const struct seen *seen = &g->seen[i];
		if (seen->dev != st->st_dev || seen->ino != st->st_ino)
			continue;
		if (seen->at.line == 0)
			CONF_ERROR(g->diags, at, "take it out", "%s is the file that everything begins with", path);
		else if (zg_files_of(g->diags->file, g->text, g->len, &files) == ZG_OK)
			CONF_ERROR(g->diags, at, "include each file once", "%s is included already, %s", path,
				   zg_files_line(&files, seen->at.line, line));
		zg_files_free(&files);
		return true;
	}
	return false;
}

/* What a file on disk may not hold. */
static void refuse_markers(struct gather *g, const char *text, size_t len)
{
	unsigned line = g->lines;
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t next = end != NULL ? (size_t)(end - text) + 1 : len;
		line++;
		if (zg_files_marker(text + at, next - at))
			CONF_ERROR(g->diags, ((struct conf_at){ line, 1 }), "take the line out, or include the file itself",
				   "this line marks the files of a text that was gathered from several");
		at = next;
	}
}

static void include(struct gather *g, const char *dir, const char *path, size_t len, struct conf_at at, unsigned depth);

/* The text of a file that is open, and of all that it includes. dir: its directory beside that of the file itself, with slash. */
static void take_text(struct gather *g, const char *dir, const char *text, size_t len, unsigned depth)
{
	unsigned before = g->lines;
	const char *path;
	size_t path_len;
	struct conf_at at;
	refuse_markers(g, text, len);
	append(g, text, len);
	if (g->err != ZG_OK)
		return;
	struct scan scan = { .text = text, .end = len, .line = before + 1 };
	if (memmem(text, len, "@include", strlen("@include")) == NULL)
		return; /* the usual, and a configuration may be large */
	while (g->err == ZG_OK && next_include(&scan, &path, &path_len, &at))
		include(g, dir, path, path_len, at, depth + 1);
}

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return strndup(path, slash != NULL ? (size_t)(slash + 1 - path) : 0);
}

/* One regular file. fd is consumed. */
static void take_file(struct gather *g, int fd, const struct stat *st, const char *path, struct conf_at at, unsigned depth)
{
	char *text = NULL, *dir = NULL;
	size_t len = 0, room = ZG_CONF_BYTES_MAX - (g->len < ZG_CONF_BYTES_MAX ? g->len : ZG_CONF_BYTES_MAX);
	if (twice(g, st, path, at))
		goto out;
	if (g->n_seen == ZG_INCLUDE_FILES_MAX) {
		too_much(g, at, "more files than a configuration may have");
		goto out;
	}
	g->seen[g->n_seen++] = (struct seen){ st->st_dev, st->st_ino, at };
	enum zg_err err = read_all(fd, room, &text, &len);
	if (err == ZG_ESYS) {
		CONF_ERROR(g->diags, at, NULL, "%s cannot be read: %s", path, strerror(errno));
	} else if (err != ZG_OK || (dir = dir_of(path)) == NULL) {
		g->err = ZG_ENOMEM;
	} else if (len > room) {
		too_much(g, at, "all files together are larger than a configuration may be");
	} else {
		take_text(g, dir, text, len, depth);
	}
out:
	close(fd);
	free(dir);
	free(text);
}

/* Opens a path beside the file itself. */
static int open_beside(struct gather *g, const char *path, struct stat *ret_stat)
{
	char *full = NULL;
	int fd;
	if (asprintf(&full, "%s%s", *path == '/' ? "" : g->dir, path) < 0)
		return -1;
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	free(full);
	if (fd >= 0 && fstat(fd, ret_stat) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of a directory's *.conf in byte order, without hidden ones; at most one more than may be. */
static size_t list_names(struct gather *g, DIR *dir, char **names)
{
	size_t n = 0;
	/* cppcheck-suppress readdirCalled ; the directory is ours alone */
	for (const struct dirent *d; n <= ZG_INCLUDE_FILES_MAX && (d = readdir(dir)) != NULL;) {
		size_t len = strlen(d->d_name);
		if (d->d_name[0] == '.' || len <= 5 || strcmp(d->d_name + len - 5, ".conf") != 0)
			continue;
		names[n] = strdup(d->d_name);
		if (names[n] == NULL) {
			g->err = ZG_ENOMEM;
			break;
		}
		n++;
	}
	qsort(names, n, sizeof *names, by_bytes);
	return n;
}

/* A member of a directory that was included. */
static void take_member(struct gather *g, const char *dir, const char *name, struct conf_at at, unsigned depth)
{
	struct stat st;
	char *path = NULL;
	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		g->err = ZG_ENOMEM;
		return;
	}
	int fd = -1;
	bool plain = true;
	for (const char *p = name; *p != '\0'; p++)
		plain = plain && (unsigned char)*p >= ' ' && *p != 0x7f && *p != '"' && *p != '\\';
	if (!plain)
		CONF_ERROR(g->diags, at, "rename it", "the name of %s holds a quote, a backslash or a control character", path);
	else if ((fd = open_beside(g, path, &st)) < 0)
		CONF_ERROR(g->diags, at, NULL, "%s cannot be read: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		CONF_ERROR(g->diags, at, "move it away", "%s is not a regular file", path);
	if (plain && fd >= 0 && S_ISREG(st.st_mode)) {
		mark(g, ZG_FILES_FILE, path);
		take_file(g, fd, &st, path, at, depth);
	} else if (fd >= 0) {
		close(fd);
	}
	free(path);
}

/* fd is consumed. */
static void take_directory(struct gather *g, int fd, char *path, struct conf_at at, unsigned depth)
{
	char **names = calloc(ZG_INCLUDE_FILES_MAX + 1, sizeof *names);
	DIR *dir = names != NULL ? fdopendir(fd) : NULL;
	size_t n = 0, len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	if (dir == NULL) {
		g->err = ZG_ENOMEM;
		close(fd);
		goto out;
	}
	n = list_names(g, dir, names);
	closedir(dir);
	if (n > ZG_INCLUDE_FILES_MAX)
		too_much(g, at, "more files than a configuration may have");
	for (size_t i = 0; i < n && n <= ZG_INCLUDE_FILES_MAX && g->err == ZG_OK; i++)
		take_member(g, path, names[i], at, depth);
out:
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* What one @include names. Its line comes in any case, so that only the mistake itself is reported. */
static void include(struct gather *g, const char *dir, const char *written, size_t len, struct conf_at at, unsigned depth)
{
	struct stat st;
	char *path = NULL;
	int fd;
	if (asprintf(&path, "%s%.*s", *written == '/' ? "" : dir, (int)len, written) < 0) {
		g->err = ZG_ENOMEM;
		return;
	}
	mark(g, ZG_FILES_INCLUDE, path);
	if (depth > ZG_INCLUDE_DEPTH_MAX) {
		CONF_ERROR(g->diags, at, "include it from a file further up", "files within files, more than %u levels",
			   ZG_INCLUDE_DEPTH_MAX);
	} else if ((fd = open_beside(g, path, &st)) < 0) {
		CONF_ERROR(g->diags, at, "a relative path is looked up beside the file that includes it",
			   "%s cannot be read: %s", path, strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		take_directory(g, fd, path, at, depth);
	} else if (S_ISREG(st.st_mode)) {
		take_file(g, fd, &st, path, at, depth);
	} else {
		CONF_ERROR(g->diags, at, "include files and directories", "%s is not a regular file", path);
		close(fd);
	}
	free(path);
}

/* The file itself: "-" and devices are all right, as long as they end. */
static enum zg_err begin(struct gather *g, int fd)
{
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	enum zg_err err = read_all(fd, ZG_CONF_BYTES_MAX, &text, &len);
	if (err == ZG_OK && fstat(fd, &st) == 0)
		g->seen[g->n_seen++] = (struct seen){ .dev = st.st_dev, .ino = st.st_ino };
	if (err == ZG_OK)
		take_text(g, "", text, len, 0);
	free(text);
	return err != ZG_OK ? err : g->err;
}

enum zg_err zg_conf_gather(const char *file, struct zg_diags *diags, char **ret_text, size_t *ret_len)
{
	bool standard = strcmp(file, "-") == 0;
	struct gather *g = calloc(1, sizeof *g);
	enum zg_err err = zg_diags_source(diags, standard ? "<stdin>" : file, NULL, 0);
	if (g == NULL || (g->dir = dir_of(file)) == NULL || (g->text = calloc(1, 1)) == NULL)
		err = ZG_ENOMEM;
	if (err != ZG_OK)
		goto out;
	g->diags = diags;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	err = fd < 0 ? ZG_ESYS : begin(g, fd);
	if (err == ZG_ESYS) {
		zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0, NULL, "cannot be read: %s", strerror(errno));
		err = ZG_ECONF;
	}
	if (fd >= 0 && !standard)
		close(fd);
	if (err == ZG_OK) {
		*ret_text = g->text;
		*ret_len = g->len;
		g->text = NULL;
	}
out:
	if (g != NULL) {
		free(g->dir);
		free(g->text);
	}
	free(g);
	return err;
}
