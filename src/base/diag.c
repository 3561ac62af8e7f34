/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/diag.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "zonegate/limits.h"

#define QUOTE_BEFORE 100 /* bytes of a long line shown left of the place */
#define QUOTE_MAX    200 /* bytes of a line shown at all */
#define MESSAGE_MAX  800 /* bytes of a message or a hint, which may quote the text */

void zg_diags_init(struct zg_diags *d)
{
	*d = (struct zg_diags){ 0 };
}

static void diag_clear(struct zg_diag *diag)
{
	free(diag->message);
	free(diag->hint);
}

void zg_diags_free(struct zg_diags *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++)
		diag_clear(&d->items[i]);
	free(d->items);
	free(d->file);
	zg_text_drop(d->text);
	zg_files_free(&d->files);
	zg_diags_init(d);
}

/* The text is the diagnostics' from here on. */
static enum zg_err take_source(struct zg_diags *d, const char *file, struct zg_text *text)
{
	struct zg_files files = { 0 };
	char *name = strdup(file);
	enum zg_err err = zg_files_of(file, text != NULL ? text->bytes : NULL, text != NULL ? text->len : 0, &files);
	if (err != ZG_OK || name == NULL) {
		zg_files_free(&files);
		zg_text_drop(text);
		free(name);
		return ZG_ENOMEM;
	}
	free(d->file);
	zg_text_drop(d->text);
	zg_files_free(&d->files);
	d->files = files;
	d->file = name;
	d->text = text;
	return ZG_OK;
}

enum zg_err zg_diags_source(struct zg_diags *d, const char *file, const char *text, size_t len)
{
	struct zg_text *copy = text != NULL ? zg_text_copy(text, len) : NULL;
	return text != NULL && copy == NULL ? ZG_ENOMEM : take_source(d, file, copy);
}

enum zg_err zg_diags_hold(struct zg_diags *d, const char *file, struct zg_text *text)
{
	return take_source(d, file, zg_text_hold(text));
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* A copy in which nothing unsafe is left: what is wrong with a text is often the text itself. And not all of it, if a
 * word is as long as a file. */
static char *safe_copy(const char *s)
{
	char *copy = NULL;
	size_t len;
	FILE *out = open_memstream(&copy, &len);
	if (out == NULL)
		return NULL;
	size_t shown = strnlen(s, MESSAGE_MAX + 1);
	bool cut = shown > MESSAGE_MAX;
	while (cut && shown > 0 && (shown > MESSAGE_MAX || is_continuation(s[shown])))
		shown--;
	zg_utf8_safe(out, s, shown);
	if (cut)
		fputs("...", out);
	if (fclose(out) != 0) {
		free(copy);
		return NULL;
	}
	return copy;
}

/* Where the next one goes; SIZE_MAX = nowhere. An error that comes late takes the place of a warning. */
static size_t diag_room(const struct zg_diags *d, enum zg_severity severity)
{
	if (d->n < ZG_ERRORS_MAX)
		return d->n;
	for (size_t i = d->n; severity == ZG_DIAG_ERROR && i-- > 0;) {
		if (d->items[i].severity == ZG_DIAG_WARNING)
			return i;
	}
	return SIZE_MAX;
}

static enum zg_err diag_put(struct zg_diags *d, size_t at, const struct zg_diag *diag)
{
	if (d->items == NULL)
		d->items = calloc(ZG_ERRORS_MAX, sizeof *d->items);
	if (d->items == NULL)
		return ZG_ENOMEM;
	if (at < d->n) {
		diag_clear(&d->items[at]);
		d->dropped++;
	} else {
		d->n++;
	}
	d->items[at] = *diag;
	return ZG_OK;
}

void zg_diag_add(struct zg_diags *d, enum zg_severity severity, unsigned line, unsigned column, const char *hint,
		 const char *format, ...)
{
	struct zg_diag diag = { .severity = severity, .line = line, .column = column };
	size_t at = diag_room(d, severity);
	char *raw = NULL;
	va_list args;
	if (severity == ZG_DIAG_ERROR)
		d->errors++;
	if (at == SIZE_MAX) {
		d->dropped++;
		return;
	}
	va_start(args, format);
	if (vasprintf(&raw, format, args) < 0)
		raw = NULL;
	va_end(args);
	diag.message = raw != NULL ? safe_copy(raw) : NULL;
	diag.hint = hint != NULL ? safe_copy(hint) : NULL;
	free(raw);
	if (diag.message == NULL || diag_put(d, at, &diag) != ZG_OK) {
		diag_clear(&diag);
		d->dropped++;
	}
}

/* Insertion: at most ZG_ERRORS_MAX, and qsort() is not stable. */
void zg_diags_sort(struct zg_diags *d)
{
	for (size_t i = 1; i < d->n; i++) {
		struct zg_diag item = d->items[i];
		size_t k = i;
		for (; k > 0; k--) {
			const struct zg_diag *before = &d->items[k - 1];
			if (before->line < item.line || (before->line == item.line && before->column <= item.column))
				break;
			d->items[k] = *before;
		}
		d->items[k] = item;
	}
}

/* The line numbered from 1, without its end; false if the text has no such line. */
static bool find_line(const struct zg_diags *d, unsigned line, const char **ret_line, size_t *ret_len)
{
	if (d->text == NULL || line == 0)
		return false;
	const char *p = d->text->bytes, *end = p + d->text->len;
	for (unsigned i = 1; i < line; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (p == NULL)
			return false;
		p++;
	}
	const char *stop = memchr(p, '\n', (size_t)(end - p));
	size_t len = (size_t)((stop != NULL ? stop : end) - p);
	if (len > 0 && p[len - 1] == '\r')
		len--;
	*ret_line = p;
	*ret_len = len;
	return true;
}

/* Cuts a long line down to the neighbourhood of the offset, at character boundaries. */
static void clip(const char **line, size_t *len, size_t *offset)
{
	if (*offset > QUOTE_BEFORE && *len > QUOTE_MAX) {
		size_t skip = *offset - QUOTE_BEFORE;
		while (skip < *offset && is_continuation((*line)[skip]))
			skip++;
		*line += skip;
		*len -= skip;
		*offset -= skip;
	}
	if (*len > QUOTE_MAX) {
		*len = QUOTE_MAX;
		while (*len > 0 && is_continuation((*line)[*len]))
			(*len)--;
	}
}

/* The line with its tabs, everything else unsafe escaped. */
static void put_line(FILE *out, const char *line, size_t len)
{
	for (size_t i = 0; i < len;) {
		if (line[i] == '\t') {
			fputc('\t', out);
			i++;
			continue;
		}
		const char *tab = memchr(line + i, '\t', len - i);
		size_t n = tab != NULL ? (size_t)(tab - line) - i : len - i;
		zg_utf8_safe(out, line + i, n);
		i += n;
	}
	fputc('\n', out);
}

/* Blanks as wide as the text before the place; tabs stay tabs, so that the terminal's stops agree. */
static void put_caret(FILE *out, const char *line, size_t offset, bool color)
{
	for (size_t i = 0; i < offset;) {
		const char *tab = memchr(line + i, '\t', offset - i);
		size_t n = tab != NULL ? (size_t)(tab - line) - i : offset - i;
		fprintf(out, "%*s", zg_utf8_safe_width(line + i, n), "");
		i += n;
		if (tab != NULL) {
			fputc('\t', out);
			i++;
		}
	}
	fputs(color ? "\033[1;32m^\033[0m\n" : "^\n", out);
}

static void put_diag(FILE *out, const struct zg_diags *d, const struct zg_diag *diag, bool color)
{
	static const char *const words[] = { [ZG_DIAG_ERROR] = "error", [ZG_DIAG_WARNING] = "warning" };
	static const char *const paints[] = { [ZG_DIAG_ERROR] = "\033[1;31m", [ZG_DIAG_WARNING] = "\033[1;35m" };
	const char *line;
	size_t len;
	unsigned number = diag->line;
	const struct zg_file *file = zg_files_at(&d->files, diag->line, &number);

	if (file != NULL) {
		zg_utf8_safe(out, file->name, strlen(file->name));
		fputs(":", out);
	}
	if (diag->line > 0)
		fprintf(out, "%u:", number);
	if (diag->line > 0 && diag->column > 0)
		fprintf(out, "%u:", diag->column);
	fprintf(out, "%s%s%s:%s %s\n", file != NULL ? " " : "", color ? paints[diag->severity] : "",
		words[diag->severity], color ? "\033[0m" : "", diag->message);
	if (find_line(d, diag->line, &line, &len)) {
		size_t offset = diag->column > 0 ? diag->column - 1 : 0;
		if (offset > len)
			offset = len;
		clip(&line, &len, &offset);
		put_line(out, line, len);
		if (diag->column > 0)
			put_caret(out, line, offset, color);
	}
	if (diag->hint != NULL)
		fprintf(out, "  hint: %s\n", diag->hint);
}

char *zg_diags_text(const struct zg_diags *d, bool color)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < d->n; i++)
		put_diag(out, d, &d->items[i], color);
	if (d->dropped > 0)
		fprintf(out, "and %zu more\n", d->dropped);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
