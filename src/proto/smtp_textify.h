/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * textify: a message becomes text on its way, octet by octet, in its own length (zonegate-inspectors(7)). Parts that are text
 * stay, read by all the rules of verify, their links defused; the header says of every other part that it is text too, and
 * its content becomes blanks. What cannot be done so is refused.
 *
 * An octet goes on when it comes, but for the few that what follows decides about: they are held.
 */
#ifndef ZONEGATE_PROTO_SMTP_TEXTIFY_H
#define ZONEGATE_PROTO_SMTP_TEXTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/html_text.h"
#include "proto/mime_field.h"
#include "proto/mime_tree.h"
#include "proto/smtp_config.h"
#include "proto/text.h"
#include "zonegate/note.h"
#include "zonegate/rd.h"
#include "zonegate/reason.h"

struct zg_message;

/* What is done with the body that is being read. */
enum zg_treatment {
	ZG_TREAT_TEXT = 0, /* stays, without links */
	ZG_TREAT_HTML,	   /* what of it is text stays, the rest becomes blanks */
	ZG_TREAT_BLANK,	   /* becomes blanks */
	ZG_TREAT_BETWEEN,  /* around the parts of a multipart: becomes blanks */
};

struct zg_textify {
	uint8_t treatment;   /* enum zg_treatment */
	uint8_t multipart;   /* the message is one */
	uint8_t line_open;   /* this line may be a delimiter */
	uint8_t alternative; /* this body is another form of a text */
	uint8_t id_len;	     /* characters of the Message-ID so far */
	uint16_t wait; /* octets until many at once may be tried again */
	uint16_t parts;
	uint8_t shown_len, shown_at; /* of the text that stands in the place of a file, in the first line that has room; how far */
	char shown[ZG_FILE_NAME_TEXT];
	uint32_t octets, links; /* of this body so far, line ends included, as it came; that were defused in it */
	struct zg_note note;	/* what was done so far */
	struct zg_field field;	   /* of the header that is being read, if it is one that is rewritten */
	struct zg_media_type type; /* what that header says */
	struct zg_html html;
	struct zg_text left, left_undecoded; /* of HTML: its text, and as it goes on */
	struct zg_tree tree;
};

/* The next octet of a line. stuffed: it stands behind a dot that was added for the way, and is a dot itself. */
enum zg_reason zg_textify_octet(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in, bool stuffed,
				uint8_t *octet);
/* What blanks are in base64. " \t ": of all that is blank it alone, cut after any octet, is a group with the same characters;
 * and a line of it ends with a line end. */
#define ZG_TEXTIFY_BLANKS      "IAkg"
#define ZG_TEXTIFY_LAST_BLANKS "IAog"

/* textify_span.c: as zg_message_span, of files in base64 and of text without links, which is most of what mails are made of. */
void zg_textify_span(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in);
/* in shows the CR. */
enum zg_reason zg_textify_line_end(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in);
/* The message, which is not empty, ends at the beginning of a line. */
enum zg_reason zg_textify_end(struct zg_message *message, const struct zg_smtp_config *config);
/* An octet of the wire, of whatever meaning, has been read. */
void zg_textify_tick(struct zg_message *message);
/* textify_html.c: an octet of the source has been read, and is text or not. *octet: what goes on in its place. */
enum zg_reason zg_textify_html_octet(struct zg_message *message, struct zg_rw *in, bool replayed, uint8_t *octet);
/* A line of it ends. of_text: in the decoded text as well. */
void zg_textify_html_line_end(struct zg_message *message, bool of_text);
/* How many octets at the end it may still change. */
size_t zg_textify_html_held(const struct zg_message *message);

/* A decoded octet as a character of the text: ZG_LINK_OTHER for one that is not ASCII; false: it is none, only a part of an
 * escape sequence, which a reader does not show. before: the charset's state before it. */
bool zg_textify_character(const struct zg_message *message, const struct zg_charset_state *before, uint8_t octet,
			  uint8_t *ret_c);
/* A character of the text that stays; place: in its group of base64. Defuses links. */
void zg_textify_link(struct zg_message *message, struct zg_rw *in, unsigned place, uint8_t c, bool replayed, uint8_t *octet);

/* How many octets at the end of what was read must not go yet. */
size_t zg_textify_held(const struct zg_message *message);
/* They go now, as they are. */
void zg_textify_settle(struct zg_message *message);

#endif
