/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/text.h"

#include "proto/ascii.h"

/* A line that begins with one of these, after blanks and in any letter case, begins a file. */
static const char *const marks[ZG_TEXT_MARKS] = {
	"begin-base64",
	"=ybegin ",
	"(this file must be converted with binhex",
	"-----begin pgp",
	"-----begin pkcs7",
	"-----begin cms",
	"-----begin privacy-enhanced",
};

/* "begin 644 name"; and "begin" with two blanks, where old mail readers cut whatever follows. */
enum uu { UU_B, UU_E, UU_G, UU_I, UU_N, UU_BLANK, UU_DIGIT, UU_DIGIT_2, UU_DIGIT_3, UU_MODE, UU_NOT };

bool zg_char_forbidden(uint32_t ch)
{
	if (ch < 0x20 || (ch >= 0x7F && ch < 0xA0))
		return true;
	if (ch < 0x2028 || ch == ZG_CHAR_WIDE)
		return false;
	return ch <= 0x202E || (ch >= 0x2066 && ch <= 0x2069) || ch == 0xFEFF || (ch >= 0xFDD0 && ch <= 0xFDEF) ||
	       (ch & 0xFFFE) == 0xFFFE;
}

static void line_begin(struct zg_text *text)
{
	text->indent = 1;
	text->live = (1u << ZG_TEXT_MARKS) - 1;
	text->uu = UU_B;
	text->at = 0;
}

void zg_text_begin(struct zg_text *ret_text, enum zg_charset charset)
{
	*ret_text = (struct zg_text){ .cr = 0 };
	zg_charset_begin(&ret_text->charset, charset);
	line_begin(ret_text);
}

/* True when the line has become a mark. */
static bool marked(struct zg_text *text, uint8_t c)
{
	for (unsigned i = 0; i < ZG_TEXT_MARKS; i++) {
		if (!(text->live & 1u << i))
			continue;
		if ((uint8_t)marks[i][text->at] != zg_ascii_lower(c))
			text->live = (uint8_t)(text->live & ~(1u << i));
		else if (marks[i][text->at + 1] == '\0')
			return true;
	}
	text->at = text->live != 0 ? (uint8_t)(text->at + 1) : 0;
	return false;
}

/* True when the line has become the beginning of a uuencoded file. */
static bool uuencoded(struct zg_text *text, uint8_t c)
{
	static const char word[] = "begin";
	/* munpack takes 8 and 9 for digits of a mode as well; Thunderbird asks for no name behind the blank */
	bool digit = zg_ascii_digit(c), blank = zg_ascii_blank(c);

	switch ((enum uu)text->uu) {
	case UU_B:
	case UU_E:
	case UU_G:
	case UU_I:
	case UU_N:
		text->uu = zg_ascii_lower(c) == (uint8_t)word[text->uu] ? text->uu + 1 : UU_NOT;
		return false;
	case UU_BLANK:
		text->uu = blank ? UU_DIGIT : UU_NOT;
		return false;
	case UU_DIGIT:
		text->uu = digit ? UU_DIGIT_2 : UU_NOT;
		return blank;
	case UU_DIGIT_2:
	case UU_DIGIT_3:
		text->uu = digit ? text->uu + 1 : UU_NOT;
		return false;
	case UU_MODE:
		if (!digit)
			text->uu = UU_NOT;
		return blank;
	case UU_NOT:
		break;
	}
	return false;
}

static enum zg_reason character(struct zg_text *text, uint32_t ch)
{
	if (text->cr && ch != '\n')
		return ZG_R_SMTP_BODY_CONTROL;
	text->cr = ch == '\r';
	if (text->cr)
		return ZG_R_NONE;
	if (ch == '\n') {
		line_begin(text);
		return ZG_R_NONE;
	}
	if (ch != '\t' && zg_char_forbidden(ch))
		return ZG_R_SMTP_BODY_CONTROL;
	if (text->live == 0 && text->uu == UU_NOT)
		return ZG_R_NONE;
	uint8_t c = ch < 0x80 ? (uint8_t)ch : 0xFF; /* 0xFF: of no mark */
	if (text->indent && zg_ascii_blank(c))
		return ZG_R_NONE;
	text->indent = 0;
	bool file = marked(text, c);
	return uuencoded(text, c) || file ? ZG_R_SMTP_BODY_HIDDEN_FILE : ZG_R_NONE;
}

enum zg_reason zg_text_feed(struct zg_text *text, uint8_t byte)
{
	uint32_t ch;
	switch (zg_charset_feed(&text->charset, byte, &ch)) {
	case ZG_CHARSET_CHAR:
		return character(text, ch);
	case ZG_CHARSET_MORE:
		/* a shift sequence is no character, so CR must not wait behind it */
		return text->cr ? ZG_R_SMTP_BODY_CONTROL : ZG_R_NONE;
	case ZG_CHARSET_BAD:
		break;
	}
	return ZG_R_SMTP_BODY_CHARSET;
}

enum zg_reason zg_text_end(const struct zg_text *text)
{
	if (!zg_charset_at_rest(&text->charset))
		return ZG_R_SMTP_BODY_CHARSET;
	return text->cr ? ZG_R_SMTP_BODY_CONTROL : ZG_R_NONE;
}
