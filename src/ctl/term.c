/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "ctl/cmd.h"

/* https://no-color.org: set and not empty. */
bool zg_term_color(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	if ((no != NULL && no[0] != '\0') || (term != NULL && strcmp(term, "dumb") == 0))
		return false;
	int fd = fileno(out);
	return fd >= 0 && isatty(fd) == 1;
}

int zg_term_width(const char *utf8)
{
	return zg_utf8_safe_width(utf8, strlen(utf8));
}

void zg_term_pad(FILE *out, const char *utf8, int cells)
{
	int width = zg_term_width(utf8);
	zg_term_safe(out, utf8);
	if (width < cells)
		fprintf(out, "%*s", cells - width, "");
}

void zg_term_safe(FILE *out, const char *text)
{
	zg_utf8_safe(out, text, strlen(text));
}
