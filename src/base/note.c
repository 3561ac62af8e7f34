/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/note.h"

const char *zg_note_word(enum zg_note_action action)
{
	static const char *const words[ZG_NOTE_ACTIONS] = {
#define ZG_NOTE_ROW(id, word) [ZG_NOTE_##id] = word,
		ZG_NOTES(ZG_NOTE_ROW)
#undef ZG_NOTE_ROW
	};
	return (unsigned)action < ZG_NOTE_ACTIONS ? words[action] : "unknown";
}
