/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/text.h"

#include <stdlib.h>
#include <string.h>

struct zg_text *zg_text_of(char *bytes, size_t len)
{
	struct zg_text *text = bytes != NULL ? malloc(sizeof *text) : NULL;
	if (text == NULL) {
		free(bytes);
		return NULL;
	}
	*text = (struct zg_text){ bytes, len, 1 };
	return text;
}

struct zg_text *zg_text_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1);
	if (copy != NULL) {
		if (len > 0)
			memcpy(copy, bytes, len);
		copy[len] = '\0';
	}
	return zg_text_of(copy, len);
}

struct zg_text *zg_text_hold(struct zg_text *text)
{
	text->holders++;
	return text;
}

void zg_text_drop(struct zg_text *text)
{
	if (text == NULL || --text->holders > 0)
		return;
	free(text->bytes);
	free(text);
}
