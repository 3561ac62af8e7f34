/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of HTML is text, one character at a time: tags, comments, declarations and what stands in script, style, title and
 * head's like is not. Wherever a browser might see a tag begin, '<' is not text: no '<' remains. Entities are left as they
 * are.
 *
 * What this takes for text is shown as text/plain and can do nothing; a page that is built to mislead it shows some of its
 * source, or less of its text.
 */
#ifndef ZONEGATE_PROTO_HTML_TEXT_H
#define ZONEGATE_PROTO_HTML_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define ZG_HTML_NAME_MAX 9 /* characters of an element's name: longer than those whose content is no text, with '/' */

struct zg_html {
	uint8_t stage;
	uint8_t closing;  /* the tag is </... */
	uint8_t quote;	  /* of the attribute's value that is being read, or 0 */
	uint8_t equals;	  /* an attribute's value may begin */
	uint8_t hyphens;  /* of a comment's end so far */
	uint8_t raw;	  /* row of the table of elements whose content is no text; 0: none */
	uint8_t name_len;
	uint8_t name[ZG_HTML_NAME_MAX];
};

/* The next character of the source; 0 for any that is not ASCII. Is it text? */
bool zg_html_feed(struct zg_html *html, uint8_t c);
/* Is what comes next no text, whatever it is? */
bool zg_html_hides(const struct zg_html *html);
/* '<' was there, and what comes next says whether it begins a tag. */
bool zg_html_open(const struct zg_html *html);

#endif
