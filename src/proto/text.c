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

void zg_text_begin(struct zg_text *ret_text, enum zg_charset charset)
{
	*ret_text = (struct zg_text){ .cr = 0 };
	zg_charset_begin(&ret_text->charset, charset);
	zg_text_line_begin(ret_text);
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

	switch ((enum zg_uu)text->uu) {
	case ZG_UU_B:
	case ZG_UU_E:
	case ZG_UU_G:
	case ZG_UU_I:
	case ZG_UU_N:
		text->uu = zg_ascii_lower(c) == (uint8_t)word[text->uu] ? text->uu + 1 : ZG_UU_NOT;
		return false;
	case ZG_UU_BLANK:
		text->uu = blank ? ZG_UU_DIGIT : ZG_UU_NOT;
		return false;
	case ZG_UU_DIGIT:
		text->uu = digit ? ZG_UU_DIGIT_2 : ZG_UU_NOT;
		return blank;
	case ZG_UU_DIGIT_2:
	case ZG_UU_DIGIT_3:
		text->uu = digit ? text->uu + 1 : ZG_UU_NOT;
		return false;
	case ZG_UU_MODE:
		if (!digit)
			text->uu = ZG_UU_NOT;
		return blank;
	case ZG_UU_NOT:
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
		zg_text_line_begin(text);
		return ZG_R_NONE;
	}
	if (ch != '\t' && zg_char_forbidden(ch))
		return ZG_R_SMTP_BODY_CONTROL;
	if (zg_text_line_is_settled(text))
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

enum zg_reason zg_text_feed_all(struct zg_text *text, struct zg_rd octets)
{
	uint8_t pad[ZG_RD_BLOCK];
	size_t line;
	enum zg_reason reason = ZG_R_NONE;
	while (reason == ZG_R_NONE && zg_rd_left(&octets) > 0) {
		size_t n = zg_text_block(text, ZG_TEXT_DECODED, zg_rd_block(&octets, pad), &line);
		if (n > 0)
			zg_rd_skip(&octets, n);
		else
			reason = zg_text_feed(text, zg_rd_u8(&octets));
	}
	return reason;
}

enum zg_reason zg_text_end(const struct zg_text *text)
{
	if (!zg_charset_at_rest(&text->charset))
		return ZG_R_SMTP_BODY_CHARSET;
	return text->cr ? ZG_R_SMTP_BODY_CONTROL : ZG_R_NONE;
}
