/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an inspector changed in a message that it let pass, for the record: which message, which of its parts, what was done,
 * how much. Nothing of the content but the message's own identifier.
 */
#ifndef ZONEGATE_NOTE_H
#define ZONEGATE_NOTE_H

#include <stdint.h>

#include "zonegate/limits.h"

/* N(identifier, "word in records") */
#define ZG_NOTES(N) \
	N(LINKS, "links")	      /* links of a text were defused */ \
	N(HTML, "html")		      /* HTML became text */ \
	N(FORM, "alternative")	      /* another form of a text became blanks */ \
	N(FILE, "file")		      /* a file did, */ \
	N(IMAGE, "image")	      /* an image within the text, */ \
	N(CALENDAR, "calendar")	      /* an invitation, */ \
	N(TNEF, "tnef")		      /* winmail.dat, */ \
	N(SIGNED, "signature")	      /* S/MIME or PGP, */ \
	N(MESSAGE, "message")	      /* a message within the message */

enum zg_note_action {
#define ZG_NOTE_ENUM(id, word) ZG_NOTE_##id,
	ZG_NOTES(ZG_NOTE_ENUM)
#undef ZG_NOTE_ENUM
	ZG_NOTE_ACTIONS
};

struct zg_note {
	uint64_t octets; /* in all the parts that were changed, as they came */
	uint32_t parts;	 /* that were changed */
	uint32_t listed; /* of these; <= ZG_NOTE_PARTS_MAX */
	struct {
		uint32_t number; /* by the order of their headers; 1 for a message without parts */
		uint32_t action; /* enum zg_note_action */
		uint32_t octets; /* of its body, as it came */
		uint32_t links;	 /* that were defused */
	} part[ZG_NOTE_PARTS_MAX];
	char id[ZG_NOTE_ID_MAX + 1]; /* Message-ID: visible ASCII; "" if there was none, "..." at the end of a longer one */
};

const char *zg_note_word(enum zg_note_action action);

#endif
