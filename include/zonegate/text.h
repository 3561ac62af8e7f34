/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text that several hold: the policy that was made of it, and what was found wrong with it. It may be large, and never changes. */
#ifndef ZONEGATE_TEXT_H
#define ZONEGATE_TEXT_H

#include <stddef.h>

struct zg_text {
	char *bytes; /* len of them, and a NUL behind */
	size_t len;
	size_t holders;
};

/* bytes: malloc'd, its own from here on, also on failure (NULL: out of memory, or bytes is NULL). One holder. */
struct zg_text *zg_text_of(char *bytes, size_t len);
struct zg_text *zg_text_copy(const char *bytes, size_t len);
struct zg_text *zg_text_hold(struct zg_text *text);
void zg_text_drop(struct zg_text *text); /* NULL is none */

#endif
