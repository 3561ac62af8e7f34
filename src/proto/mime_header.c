/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/mime_header.h"

#include "proto/ascii.h"
#include "zonegate/rd.h"

struct word {
	const uint8_t *p;
	size_t len;
};

static const char *const encodings[ZG_ENCODING_COUNT] = {
	[ZG_ENCODING_7BIT] = "7bit",
	[ZG_ENCODING_8BIT] = "8bit",
	[ZG_ENCODING_QP] = "quoted-printable",
	[ZG_ENCODING_BASE64] = "base64",
};

static bool peek(const struct zg_rd *rd, uint8_t *ret_c)
{
	if (zg_rd_left(rd) == 0)
		return false;
	*ret_c = rd->p[rd->pos];
	return true;
}

static void skip_blanks(struct zg_rd *rd)
{
	uint8_t c;
	while (peek(rd, &c) && zg_ascii_blank(c))
		zg_rd_skip(rd, 1);
}

static bool take(struct zg_rd *rd, uint8_t wanted)
{
	uint8_t c;
	if (!peek(rd, &c) || c != wanted)
		return false;
	zg_rd_skip(rd, 1);
	return true;
}

static bool take_token(struct zg_rd *rd, struct word *ret_word)
{
	struct word w = { .p = rd->p + rd->pos, .len = 0 };
	uint8_t c;
	while (peek(rd, &c) && zg_ascii_token(c)) {
		zg_rd_skip(rd, 1);
		w.len++;
	}
	*ret_word = w;
	return w.len > 0;
}

/* A token, or a quoted string of characters that mean themselves. */
static bool take_value(struct zg_rd *rd, struct word *ret_word)
{
	if (!take(rd, '"'))
		return take_token(rd, ret_word);
	struct word w = { .p = rd->p + rd->pos, .len = 0 };
	uint8_t c;
	while (peek(rd, &c) && c != '"') {
		if (c == '\\' || (!zg_ascii_visible(c) && c != ' '))
			return false;
		zg_rd_skip(rd, 1);
		w.len++;
	}
	*ret_word = w;
	return take(rd, '"');
}

static bool is(const struct word *w, const char *word)
{
	return zg_ascii_equal(w->p, w->len, word);
}

enum { SEEN_CHARSET = 1, SEEN_FORMAT = 2, SEEN_DELSP = 4, SEEN_REPLY_TYPE = 8 };

/* One parameter after its ';'. */
static enum zg_reason parameter(struct zg_rd *rd, uint32_t charsets, unsigned *seen, enum zg_charset *charset)
{
	struct word name, value;
	skip_blanks(rd);
	if (!take_token(rd, &name) || !take(rd, '=') || !take_value(rd, &value))
		return ZG_R_SMTP_CONTENT_SYNTAX;

	unsigned bit = is(&name, "charset")  ? SEEN_CHARSET
		       : is(&name, "format") ? SEEN_FORMAT
		       : is(&name, "delsp")  ? SEEN_DELSP
		       : is(&name, "reply-type") ? SEEN_REPLY_TYPE
						 : 0;
	if (bit == 0 || (*seen & bit))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	*seen |= bit;
	if (bit == SEEN_FORMAT)
		return is(&value, "flowed") || is(&value, "fixed") ? ZG_R_NONE : ZG_R_SMTP_CONTENT_SYNTAX;
	if (bit == SEEN_DELSP)
		return is(&value, "yes") || is(&value, "no") ? ZG_R_NONE : ZG_R_SMTP_CONTENT_SYNTAX;
	if (bit == SEEN_REPLY_TYPE) /* of Windows Live Mail; says nothing about the content */
		return is(&value, "original") || is(&value, "response") ? ZG_R_NONE : ZG_R_SMTP_CONTENT_SYNTAX;
	if (!zg_charset_by_name(value.p, value.len, charset) || !(charsets & 1u << *charset))
		return ZG_R_SMTP_CHARSET;
	return ZG_R_NONE;
}

enum zg_reason zg_mime_content_type(const uint8_t *value, size_t len, uint32_t charsets, enum zg_charset *ret_charset)
{
	struct zg_rd rd = zg_rd_init(value, len);
	enum zg_charset charset = ZG_CHARSET_US_ASCII;
	struct word type, subtype;
	unsigned seen = 0;

	skip_blanks(&rd);
	if (!take_token(&rd, &type) || !take(&rd, '/') || !take_token(&rd, &subtype))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	if (!is(&type, "text") || !is(&subtype, "plain"))
		return ZG_R_SMTP_CONTENT_TYPE;
	skip_blanks(&rd);
	while (zg_rd_left(&rd) > 0) {
		if (!take(&rd, ';'))
			return ZG_R_SMTP_CONTENT_SYNTAX;
		enum zg_reason reason = parameter(&rd, charsets, &seen, &charset);
		if (reason != ZG_R_NONE)
			return reason;
		skip_blanks(&rd);
	}
	*ret_charset = charset;
	return ZG_R_NONE;
}

static struct word trimmed(const uint8_t *value, size_t len)
{
	while (len > 0 && zg_ascii_blank(value[0])) {
		value++;
		len--;
	}
	while (len > 0 && zg_ascii_blank(value[len - 1]))
		len--;
	return (struct word){ .p = value, .len = len };
}

enum zg_reason zg_mime_encoding(const uint8_t *value, size_t len, enum zg_encoding *ret_encoding)
{
	struct word w = trimmed(value, len);
	for (int i = 0; i < ZG_ENCODING_COUNT; i++) {
		if (is(&w, encodings[i])) {
			*ret_encoding = (enum zg_encoding)i;
			return ZG_R_NONE;
		}
	}
	return ZG_R_SMTP_ENCODING;
}

bool zg_mime_is(const uint8_t *value, size_t len, const char *word)
{
	struct word w = trimmed(value, len);
	return is(&w, word);
}

bool zg_mime_version(const uint8_t *value, size_t len)
{
	struct word w = trimmed(value, len);
	bool quoted = false;

	if (w.len <= 3)
		return is(&w, "1.0");
	const struct word number = { .p = w.p, .len = 3 };
	if (!is(&number, "1.0") || !zg_ascii_blank(w.p[3]))
		return false;
	const struct word comment = trimmed(w.p + 3, w.len - 3);
	for (size_t i = 1; i + 1 < comment.len; i++) {
		const uint8_t c = comment.p[i];
		if (!quoted && (c == '(' || c == ')'))
			return false;
		quoted = !quoted && c == '\\';
	}
	return comment.len >= 2 && comment.p[0] == '(' && comment.p[comment.len - 1] == ')' && !quoted;
}

bool zg_mime_language(const uint8_t *value, size_t len)
{
	struct word w = trimmed(value, len);
	for (size_t i = 0; i < w.len; i++) {
		uint8_t c = w.p[i];
		if (!zg_ascii_alnum(c) && c != '-' && c != ',' && !zg_ascii_blank(c))
			return false;
	}
	return w.len > 0;
}
