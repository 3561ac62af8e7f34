/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a configuration, before anybody gives them a meaning. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "conf/conf.h"

enum zg_err conf_source_init(struct conf_source *source, const char *text, size_t len, const struct zg_files *files)
{
	char *copy = malloc(len + 2);
	size_t *first_places = calloc(files->n + 1, sizeof *first_places);
	if (copy == NULL || first_places == NULL) {
		free(copy);
		free(first_places);
		return ZG_ENOMEM;
	}
	if (len > 0)
		memcpy(copy, text, len);
	/* libconfig does not see a comment that ends with the file and not with a line */
	copy[len] = '\n';
	copy[len + 1] = '\0';
	*source = (struct conf_source){ .text = copy, .len = len + 1, .files = files, .first_places = first_places };
	return ZG_OK;
}

size_t conf_source_end(const struct conf_source *source, size_t file)
{
	return file + 1 < source->files->n ? source->files->v[file + 1].mark : source->len;
}

void conf_places_free(struct conf_places *places)
{
	free(places->v);
	*places = (struct conf_places){ 0 };
}

const struct conf_list *conf_source_list(const struct conf_source *source, const struct conf_place *place)
{
	for (size_t i = 0; i < source->n_lists; i++) {
		if (&source->places.v[source->lists[i].place] == place)
			return &source->lists[i];
	}
	return NULL;
}

void conf_source_free(struct conf_source *source)
{
	for (size_t i = 0; i < source->n_batches; i++)
		conf_places_free(&source->batches[i].places);
	free(source->batches);
	free(source->lists);
	free(source->text);
	conf_places_free(&source->places);
	free(source->first_places);
	*source = (struct conf_source){ 0 };
}

/* What is wrong with one character; NULL = nothing. n = 0: the bytes are not UTF-8. */
static const char *objection(size_t n, uint32_t cp, const char *at, bool first, const char **ret_hint)
{
	if (n == 0) {
		*ret_hint = "save the file as UTF-8 (not Shift_JIS or EUC-JP)";
		return "byte 0x%02x is not valid UTF-8";
	}
	if (cp == '\n' || cp == '\t' || (cp == '\r' && at[1] == '\n'))
		return NULL;
	if (cp == 0) {
		*ret_hint = "remove it: what follows would not have been read";
		return "NUL byte";
	}
	if (cp == '\r') {
		*ret_hint = "end lines with LF or CR LF: an editor may show here what is part of a comment";
		return "carriage return inside a line";
	}
	if (zg_utf8_control(cp)) {
		*ret_hint = "remove it";
		return "control character U+%04X";
	}
	if (cp == 0xfeff && first) {
		*ret_hint = "save the file as UTF-8 without a byte order mark";
		return "byte order mark";
	}
	if (zg_utf8_deceptive(cp)) {
		*ret_hint = "remove it: the text would read differently from what it is";
		return "invisible or text-reversing character U+%04X";
	}
	return NULL;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* formats of objection() only; an unused argument is harmless */
static void report(struct zg_diags *diags, struct conf_at at, const char *hint, const char *format, uint32_t number)
{
	CONF_ERROR(diags, at, hint, format, (unsigned)number);
}
#pragma GCC diagnostic pop

/* How many characters from p on nobody can object to: nearly all are. */
static size_t plain_ascii(const char *p, size_t len)
{
	size_t n = 0;
	while (n < len && p[n] >= ' ' && p[n] <= '~')
		n++;
	return n;
}

void conf_guard(struct conf_source *source, struct zg_diags *diags)
{
	struct conf_at at = { 1, 1 };
	char *text = source->text;
	bool foreign = false; /* one file in another encoding is one mistake, not thousands */
	for (size_t i = 0; i < source->len;) {
		const size_t plain = plain_ascii(text + i, source->len - i);
		at.column += (uint32_t)plain;
		i += plain;
		if (i == source->len)
			break;
		uint32_t cp = 0;
		const char *hint = NULL;
		size_t n = zg_utf8_next(text + i, source->len - i, &cp);
		const char *format = objection(n, cp, text + i, i == 0, &hint);
		if (format != NULL) {
			if (n > 0 || !foreign)
				report(diags, at, hint, format, n == 0 ? (uint8_t)text[i] : cp);
			foreign = foreign || n == 0;
			memset(text + i, CONF_REPAIRED, n == 0 ? 1 : n);
		}
		n = n == 0 ? 1 : n;
		if (text[i] == '\n') {
			at.line++;
			at.column = 1;
		} else {
			at.column += (uint32_t)n;
		}
		i += n;
	}
}
