/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What textify does with many octets at once: files in base64 become blanks, and text without a link in reach goes on as it is.
 * The definition is zg_textify_octet(); what is not plainly ordinary is left to it.
 */
#include "proto/smtp_message.h"
#include "proto/smtp_textify.h"

#define CONTENT_MAX  (ZG_SMTP_TEXT_MAX - 2)
#define DECODED_MAX  1024 /* octets that are decoded before the text is looked at */
#define B64_LINE_OUT (ZG_B64_LINE_MAX / 4 * 3)

/* n octets were read, and the line is at m->column. */
static void advance(struct zg_message *m, size_t n)
{
	struct zg_textify *t = &m->textify;

	m->octets += (uint32_t)n;
	t->octets += (uint32_t)n;
	m->line = m->column == 0 ? ZG_LINE_BEGIN : ZG_LINE_WITHIN;
	t->line_open = m->column == 0 && t->multipart;
	if (m->column == 0)
		zg_tree_line_begin(&t->tree);
}

/* Before so many octets were read one by one there is no use in trying again. */
static void wait_for(struct zg_message *m, size_t octets)
{
	m->textify.wait = (uint16_t)octets;
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* Whole groups of a line; 0: none, or not only. */
static size_t blank_groups(struct zg_message *m, uint32_t room, struct zg_rw *in)
{
	uint8_t line[ZG_B64_LINE_MAX], decoded[B64_LINE_OUT + ZG_B64_SLACK];
	struct zg_rd rd = zg_rw_rest(in, room);
	const size_t groups = m->column < ZG_B64_LINE_MAX ? zg_b64_groups(&m->b64, &rd, (ZG_B64_LINE_MAX - m->column) / 4u, decoded) : 0;

	static const char blanks[] = ZG_TEXTIFY_BLANKS, last_blanks[] = ZG_TEXTIFY_LAST_BLANKS;

	for (size_t i = 0; i < groups; i++)
		memcpy(line + 4 * i, m->column + 4 * i == ZG_B64_LINE_MAX - 4 ? last_blanks : blanks, 4);
	zg_rw_write(in, line, 4 * groups);
	return groups;
}

static bool is_crlf(const struct zg_rd *rd)
{
	struct zg_rd ahead = *rd;
	const uint8_t *c = zg_rd_bytes(&ahead, 2);

	return c != NULL && c[0] == '\r' && c[1] == '\n';
}

static bool blank_line_end(struct zg_message *m, uint32_t room, struct zg_rw *in)
{
	const struct zg_rd rd = zg_rw_rest(in, room);

	if (!is_crlf(&rd) || !zg_b64_line_end(&m->b64))
		return false;
	zg_rw_skip(in, 2);
	return true;
}

/* A line, or what is there of it; false: there is nothing more that is ordinary. */
static bool blank(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rw *in)
{
	const size_t groups = blank_groups(m, config->max_message - m->octets, in);

	if (groups == 0)
		return false;
	m->column = (uint16_t)(m->column + 4 * groups);
	advance(m, 4 * groups);
	if (!blank_line_end(m, config->max_message - m->octets, in))
		return false;
	m->column = 0;
	advance(m, 2);
	return true;
}

/* --- text ----------------------------------------------------------------------------------------------- */

/* The block without what a delimiter may begin with: zg_tree_within() sees that octet by octet. */
static const uint8_t *before_hyphen(const uint8_t block[static ZG_RD_BLOCK], uint8_t ret_cut[static ZG_RD_BLOCK])
{
	const uint8_t *hyphen = memchr(block, '-', ZG_RD_BLOCK);

	if (hyphen == NULL)
		return block;
	memset(ret_cut, 0, ZG_RD_BLOCK);
	memcpy(ret_cut, block, (size_t)(hyphen - block));
	return ret_cut;
}

/* 7bit and 8bit */
static bool plain(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rw *in)
{
	const bool eight = m->header.encoding == ZG_ENCODING_8BIT && m->eight_bit;
	const struct zg_rd rd = zg_rw_rest(in, config->max_message - m->octets);
	uint8_t pad[ZG_RD_BLOCK], shorter[ZG_RD_BLOCK], cut[ZG_RD_BLOCK];
	size_t line = SIZE_MAX, suspect;

	if (m->column > CONTENT_MAX - ZG_RD_BLOCK || m->textify.tree.hyphens)
		return false;
	const uint8_t *block = zg_rd_block(&rd, pad);
	if (m->textify.multipart)
		block = before_hyphen(block, cut);
	block = zg_link_block(&m->link, block, shorter, &suspect);
	const size_t n = zg_text_block(&m->text, eight ? ZG_TEXT_WIRE : ZG_TEXT_WIRE_7BIT, block, &line);
	if (n == 0) {
		if (suspect < ZG_RD_BLOCK)
			wait_for(m, suspect + 1);
		return false;
	}
	m->column = (uint16_t)(line == SIZE_MAX ? m->column + n : n - line);
	zg_tree_passed(&m->textify.tree, m->column);
	zg_link_take(&m->link, block, n, true);
	zg_rw_skip(in, n);
	advance(m, n);
	return true;
}

/* Lines of whole groups, no more than there is room for; their text, and how many groups they have. */
static size_t decode_lines(const struct zg_message *m, struct zg_rd rd, uint8_t ret_text[static DECODED_MAX + ZG_B64_SLACK])
{
	struct zg_b64 b64 = m->b64;
	size_t column = m->column, groups = 0;

	while (column <= ZG_B64_LINE_MAX && 3 * groups + B64_LINE_OUT <= DECODED_MAX) {
		groups += zg_b64_groups(&b64, &rd, (ZG_B64_LINE_MAX - column) / 4, ret_text + 3 * groups);
		if (!b64.filled || !is_crlf(&rd))
			break;
		zg_rd_skip(&rd, 2);
		(void)zg_b64_line_end(&b64);
		column = 0;
	}
	return groups;
}

/* These groups, which decode_lines() has found, are read; their line ends too, but for one behind the last. */
static void take_groups(struct zg_message *m, struct zg_rw *in, size_t groups)
{
	uint8_t decoded[B64_LINE_OUT + ZG_B64_SLACK];

	while (groups > 0) {
		struct zg_rd rd = zg_rw_rest(in, SIZE_MAX);
		const size_t room = (ZG_B64_LINE_MAX - m->column) / 4u;
		const size_t n = zg_b64_groups(&m->b64, &rd, room < groups ? room : groups, decoded);
		zg_rw_skip(in, 4 * n);
		m->column = (uint16_t)(m->column + 4 * n);
		advance(m, 4 * n);
		groups -= n;
		if (groups == 0)
			return;
		zg_rw_skip(in, 2);
		(void)zg_b64_line_end(&m->b64);
		m->column = 0;
		advance(m, 2);
	}
}

static bool base64(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rw *in)
{
	uint8_t decoded[DECODED_MAX + ZG_B64_SLACK];
	struct zg_text text = m->text;
	size_t suspect;

	if (m->b64.ended || m->column > ZG_B64_LINE_MAX || !zg_link_rests(&m->link))
		return false;
	const size_t there = decode_lines(m, zg_rw_rest(in, config->max_message - m->octets), decoded);
	const size_t groups = zg_link_groups(decoded, there, &suspect);
	if (groups == 0 || zg_text_feed_all(&text, zg_rd_init(decoded, 3 * groups)) != ZG_R_NONE) {
		wait_for(m, (suspect + 3) / 3 * 4);
		return false;
	}
	m->text = text;
	m->link = (struct zg_link){ .n = 0 };
	take_groups(m, in, groups);
	return true;
}

/* -------------------------------------------------------------------------------------------------------- */

static bool some(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rw *in)
{
	const struct zg_textify *t = &m->textify;
	const enum zg_charset charset = (enum zg_charset)m->header.charset;
	const bool b64 = m->header.encoding == ZG_ENCODING_BASE64;

	if ((m->line != ZG_LINE_WITHIN && m->line != ZG_LINE_BEGIN) || (t->line_open != 0 && t->tree.at != 0) ||
	    m->octets >= config->max_message || (b64 && m->b64.n != 0))
		return false;
	if (t->treatment == ZG_TREAT_BLANK)
		return b64 && t->shown_at >= t->shown_len && blank(m, config, in);
	/* in the other charsets an octet is not yet a character */
	if (t->treatment != ZG_TREAT_TEXT || m->header.encoding == ZG_ENCODING_QP ||
	    (charset != ZG_CHARSET_US_ASCII && charset != ZG_CHARSET_UTF_8))
		return false;
	return b64 ? base64(m, config, in) : plain(m, config, in);
}

void zg_textify_span(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in)
{
	while (message->body && message->textify.wait == 0 && some(message, config, in))
		;
}
