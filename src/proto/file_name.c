/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/file_name.h"

#include "proto/ascii.h"
#include "proto/link.h"

enum reading { NOT = 0, PLAIN, PERCENT };

/* What is behind "name" or "filename": NULL if it is another parameter. */
static const uint8_t *behind_name(const uint8_t *p, size_t len, size_t *ret_left)
{
	static const char *const words[] = { "filename", "name" };

	for (size_t i = 0; i < 2; i++) {
		const size_t n = strlen(words[i]);
		if (len >= n && memcmp(p, words[i], n) == 0 && (len == n || p[n] == '*')) {
			*ret_left = len - n;
			return p + n;
		}
	}
	return NULL;
}

void zg_file_name_begin(struct zg_file_name *name, const uint8_t *parameter, size_t len)
{
	size_t left;
	const uint8_t *p = behind_name(parameter, len, &left);

	name->reading = NOT;
	if (p == NULL)
		return;
	/* "" "*" "*0" "*0*": the first piece; "*1" and so on go on with it */
	const bool percent = left > 0 && p[left - 1] == '*', piece = left > 1, first = !piece || p[1] == '0';
	if (first ? name->source != NOT : name->source < PERCENT + 1)
		return;
	name->reading = percent ? PERCENT : PLAIN;
	name->quotes = percent && first ? 2 : 0;
	name->hex = 0;
	name->source = (uint8_t)(piece ? PERCENT + 1 : PLAIN);
	zg_word_begin(&name->word);
}

static bool plain(uint32_t ch)
{
	return ch < 0x80 && (zg_ascii_alnum((uint8_t)ch) || (ch != 0 && strchr(" ._-()+,#", (int)ch) != NULL));
}

static void add(struct zg_file_name *name, uint32_t ch)
{
	if (name->len == ZG_FILE_NAME_SHOWN)
		name->cut = 1;
	else
		name->text[name->len++] = plain(ch) ? (char)ch : '_';
}

/* Of UTF-8 the first octet of a character stands for it. */
static void add_octet(struct zg_file_name *name, uint8_t octet)
{
	if (octet < 0x80 || octet >= 0xC0)
		add(name, octet);
}

static void percent(struct zg_file_name *name, uint8_t octet)
{
	if (name->quotes > 0) {
		name->quotes = (uint8_t)(name->quotes - (octet == '\''));
		return;
	}
	if (name->hex == 0) {
		name->hex = octet == '%';
		name->value = 0;
		if (octet != '%')
			add_octet(name, octet);
		return;
	}
	const int digit = zg_ascii_hex(octet >= 'a' && octet <= 'f' ? (uint8_t)(octet - 0x20) : octet);
	if (digit < 0) {
		name->reading = NOT;
		return;
	}
	name->value = (uint8_t)(name->value << 4 | digit);
	name->hex = name->hex == 1 ? 2 : 0;
	if (name->hex == 0)
		add_octet(name, name->value);
}

void zg_file_name_octet(struct zg_file_name *name, uint8_t octet)
{
	switch ((enum reading)name->reading) {
	case NOT:
		return;
	case PERCENT:
		percent(name, octet);
		return;
	case PLAIN:
		break;
	}
	if (zg_word_feed(&name->word, UINT32_MAX, octet) != ZG_R_NONE) {
		name->reading = NOT;
		return;
	}
	if (name->word.equals_shown)
		add(name, '=');
	if (name->word.shown != ZG_WORD_NOTHING)
		add(name, name->word.shown);
}

void zg_file_name_fold(struct zg_file_name *name)
{
	if (name->reading == PLAIN && zg_word_line_end(&name->word) != ZG_R_NONE)
		name->reading = NOT;
}

size_t zg_file_name_text(const struct zg_file_name *name, char ret_text[static ZG_FILE_NAME_TEXT])
{
	static const char before[] = "[blanked: ";
	struct zg_link link = { .n = 0 };
	size_t n = sizeof before - 1, len = name->len;

	while (len > 0 && name->text[len - 1] == ' ')
		len--;
	if (len == 0)
		return 0;
	memcpy(ret_text, before, n);
	for (size_t i = 0; i < len; i++)
		ret_text[n++] = zg_link_feed(&link, (uint8_t)name->text[i]) == ZG_LINK_LIVE ? '_' : name->text[i];
	for (unsigned i = 0; name->cut && i < 3; i++)
		ret_text[n++] = '.';
	ret_text[n++] = ']';
	return n;
}
