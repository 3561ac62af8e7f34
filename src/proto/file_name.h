/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name of a file as its part's header says it, made plain: "name" or "filename" as it stands, with encoded words, or by RFC 2231
 * with percent signs and in pieces; the first of them counts. Letters, digits, blanks and a few signs of ASCII stay, any other
 * character becomes '_'. It is to be shown, never to be used: what cannot be understood is shown as far as it was.
 */
#ifndef ZONEGATE_PROTO_FILE_NAME_H
#define ZONEGATE_PROTO_FILE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/mime_word.h"
#include "zonegate/limits.h"

struct zg_file_name {
	uint8_t len;
	uint8_t cut;	  /* it went on */
	uint8_t source;	  /* parameters that gave some of it: how that one is to be read, 0 none */
	uint8_t reading;  /* of the parameter that is being read: 0 not a name */
	uint8_t quotes;	  /* RFC 2231: apostrophes that are still to come */
	uint8_t hex, value; /* digits after '%', and what they are so far */
	struct zg_word word;
	char text[ZG_FILE_NAME_SHOWN];
};

/* A parameter of this name, in small letters, begins its value. */
void zg_file_name_begin(struct zg_file_name *name, const uint8_t *parameter, size_t len);
/* The next octet of the value, without quotes. */
void zg_file_name_octet(struct zg_file_name *name, uint8_t octet);
/* The value is folded here. */
void zg_file_name_fold(struct zg_file_name *name);
/* "[blanked: a.pdf]", without a link in it; 0: there is no name. */
#define ZG_FILE_NAME_TEXT (ZG_FILE_NAME_SHOWN + 16)
size_t zg_file_name_text(const struct zg_file_name *name, char ret_text[static ZG_FILE_NAME_TEXT]);

#endif
