/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content-Type, Content-Disposition and the like as `textify` sends them on, rewritten octet by octet, each line in its own
 * length:
 *
 *   text/plain              stays; charset and format stay
 *   multipart/anything      multipart/mixed; boundary stays. Every part is text then, and a reader shall show them all
 *   any other type          text/plain; of text/html the charset stays
 *   any disposition         inline
 *   other parameters        name and value become letters, so that nothing is left of a file's name, in whatever way it
 *                           was encoded, and no reader can take two things out of it
 *   MIME-Version            1.0 without a comment
 *   Content-ID and so on    the value becomes letters
 *
 * What goes on has one reading; what came needs none where it is covered with letters.
 */
#ifndef ZONEGATE_PROTO_MIME_FIELD_H
#define ZONEGATE_PROTO_MIME_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/charset.h"
#include "proto/file_name.h"
#include "proto/smtp_config.h"
#include "zonegate/rd.h"
#include "zonegate/reason.h"

#define ZG_BOUNDARY_MAX	 70 /* octets, RFC 2046 5.1.1 */
#define ZG_FIELD_WORD_MAX 32 /* octets: longer than any type, charset or format that is known */

enum zg_field_kind {
	ZG_FIELD_NONE = 0, /* not rewritten */
	ZG_FIELD_TYPE,
	ZG_FIELD_DISPOSITION,
	ZG_FIELD_VERSION,
	ZG_FIELD_COVERED,
};

enum zg_media { ZG_MEDIA_PLAIN = 0, ZG_MEDIA_HTML, ZG_MEDIA_MIXED, ZG_MEDIA_ALTERNATIVE, ZG_MEDIA_OTHER };

/* What the fields of a header say; zeroed: text/plain in us-ascii. */
struct zg_media_type {
	uint8_t media;	    /* enum zg_media */
	uint8_t kind;	    /* enum zg_part_kind */
	uint8_t charset;    /* enum zg_charset */
	uint8_t attachment; /* the disposition is not inline */
	uint8_t boundary_len;
	uint8_t boundary[ZG_BOUNDARY_MAX];
	struct zg_file_name name;
};

struct zg_field {
	uint8_t kind; /* enum zg_field_kind */
	uint8_t stage;
	uint8_t may;	  /* the type so far is the beginning of these */
	uint8_t slashes;
	uint8_t fold;	  /* a continuation line begins */
	uint8_t spare;	  /* a blank before the type that the type may take */
	uint8_t owed;	  /* the type has taken the place of the ';' behind it */
	uint8_t held;	  /* octets at the end that may still be overwritten */
	uint8_t released; /* some of them were released undecided */
	uint8_t kept;	  /* row of the table of parameters that stay, or none */
	uint8_t seen;	  /* bit per row */
	uint8_t letter;	  /* that covers this parameter */
	uint8_t quoted;
	uint16_t len;	  /* octets of the word so far */
	uint8_t word[ZG_FIELD_WORD_MAX]; /* its beginning, in small letters */
};

/* The body of a field begins, behind the colon. */
void zg_field_begin(struct zg_field *ret_field, enum zg_field_kind kind);
/* The octet that in shows, printable or blank. *octet: what goes on in its place. */
enum zg_reason zg_field_octet(struct zg_field *field, struct zg_media_type *type, uint32_t charsets, struct zg_rw *in,
			      uint8_t *octet);
/* A line ends; in shows its CR. */
enum zg_reason zg_field_line_end(struct zg_field *field, struct zg_media_type *type, uint32_t charsets, struct zg_rw *in);
/* The field is over. */
enum zg_reason zg_field_over(const struct zg_field *field, const struct zg_media_type *type);
/* What is held cannot be overwritten any more. */
void zg_field_release(struct zg_field *field);

#endif
