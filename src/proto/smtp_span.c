/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ordinary parts of a message, many octets at once. The definition of what passes is zg_message_octet(); what is not
 * plainly ordinary is left to it, so that every refusal and its offset are its own.
 */
#include "proto/ascii.h"
#include "proto/smtp_message.h"
#include "zonegate/limits.h"

#define DECODED_MAX  1024 /* octets that are decoded before the text is looked at */
#define CONTENT_MAX  (ZG_SMTP_TEXT_MAX - 2)
#define B64_LINE_OUT (ZG_B64_LINE_MAX / 4 * 3)

static bool take_crlf(struct zg_rd *rd)
{
	struct zg_rd ahead = *rd;
	const uint8_t *c = zg_rd_bytes(&ahead, 2);
	if (c == NULL || c[0] != '\r' || c[1] != '\n')
		return false;
	*rd = ahead;
	return true;
}

static void header(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rd *rd)
{
	uint8_t pad[ZG_RD_BLOCK];
	size_t n = ZG_RD_BLOCK;
	while (n == ZG_RD_BLOCK && m->column <= CONTENT_MAX - ZG_RD_BLOCK) {
		n = zg_header_block(&m->header, config, zg_rd_block(rd, pad));
		m->column = (uint16_t)(m->column + n);
		zg_rd_skip(rd, n);
	}
}

/* 7bit and 8bit */
static void plain(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rd *rd)
{
	const bool links = config->links != ZG_SMTP_LINKS_ALLOW;
	const bool eight = m->header.encoding == ZG_ENCODING_8BIT && m->eight_bit;
	uint8_t pad[ZG_RD_BLOCK], shorter[ZG_RD_BLOCK];
	size_t suspect;
	while (zg_rd_left(rd) > 0 && m->column <= CONTENT_MAX - ZG_RD_BLOCK) {
		size_t line = SIZE_MAX;
		const uint8_t *block = zg_rd_block(rd, pad);
		if (links)
			block = zg_link_block(&m->link, block, shorter, &suspect);
		size_t n = zg_text_block(&m->text, eight ? ZG_TEXT_WIRE : ZG_TEXT_WIRE_7BIT, block, &line);
		if (n == 0)
			break;
		if (links)
			zg_link_take(&m->link, block, n, false);
		m->column = (uint16_t)(line == SIZE_MAX ? m->column + n : n - line);
		zg_rd_skip(rd, n);
	}
}

/* The text is looked at when the lines are decoded; if it is refused nothing has happened, and zg_message_octet finds the
 * offset. */
static bool base64(struct zg_message *m, struct zg_rd *rd)
{
	if (m->b64.n != 0 || m->b64.ended)
		return true;
	struct zg_rd ahead = *rd;
	struct zg_b64 b64 = m->b64;
	struct zg_text text = m->text;
	size_t column = m->column, n = 0;
	uint8_t decoded[DECODED_MAX + ZG_B64_SLACK];

	while (column <= ZG_B64_LINE_MAX && n + B64_LINE_OUT <= DECODED_MAX) {
		size_t groups = zg_b64_groups(&b64, &ahead, (ZG_B64_LINE_MAX - column) / 4, decoded + n);
		n += 3 * groups;
		column += 4 * groups;
		if (!b64.filled || !take_crlf(&ahead))
			break;
		(void)zg_b64_line_end(&b64);
		column = 0;
	}
	if (zg_text_feed_all(&text, zg_rd_init(decoded, n)) != ZG_R_NONE)
		return false;
	m->text = text;
	m->b64 = b64;
	m->column = (uint16_t)column;
	*rd = ahead;
	return true;
}

/* How a line goes on as it came: no reader takes it for a mark. "=" is of none here, for what would have to follow it is not
 * quoted-printable. *ret_blanks: how many blanks come before anything else in a line. */
static bool no_mark(const struct zg_text *undecoded, const struct zg_rd *rd, size_t *ret_blanks)
{
	*ret_blanks = 0;
	if (!undecoded->indent)
		return zg_text_line_is_settled(undecoded);
	struct zg_rd line = *rd;
	uint8_t c = zg_rd_u8(&line);
	for (; zg_ascii_blank(c) && *ret_blanks < ZG_QP_LINE_MAX; ++*ret_blanks)
		c = zg_rd_u8(&line);
	return !line.err && c != '.' && (c == '=' || !zg_text_may_be_mark(c));
}

/* The rest of a line; false: its end is not here, or not ordinary. */
static bool quoted_line(struct zg_qp *qp, struct zg_rd *rd, uint8_t *out, size_t *n)
{
	*n += zg_qp_run(qp, rd, out + *n);
	struct zg_rd ahead = *rd;
	bool soft = zg_rd_left(&ahead) > 0 && qp->column < ZG_QP_LINE_MAX && zg_rd_u8(&ahead) == '=';
	struct zg_qp next = *qp;
	if (soft) {
		next.stage = 1;
		next.blank = 0;
	} else {
		ahead = *rd;
	}
	if (!take_crlf(&ahead) || zg_qp_line_end(&next) < 0)
		return false;
	if (!soft) {
		out[(*n)++] = '\r';
		out[(*n)++] = '\n';
	}
	*qp = next;
	*rd = ahead;
	return true;
}

static bool quoted_printable(struct zg_message *m, struct zg_rd *rd)
{
	size_t n = 0, blanks;
	if (m->qp.stage != 0 || !no_mark(&m->undecoded, rd, &blanks))
		return true;
	struct zg_rd ahead = *rd;
	struct zg_qp qp = m->qp;
	struct zg_text text = m->text, undecoded = m->undecoded;
	uint8_t decoded[DECODED_MAX];

	do {
		size_t before = ahead.pos;
		if (!quoted_line(&qp, &ahead, decoded, &n)) {
			if (ahead.pos - before > blanks)
				zg_text_line_settle(&undecoded);
			break;
		}
		zg_text_line_begin(&undecoded);
	} while (n + ZG_QP_LINE_MAX + 2 <= sizeof decoded && no_mark(&undecoded, &ahead, &blanks));
	if (zg_text_feed_all(&text, zg_rd_init(decoded, n)) != ZG_R_NONE)
		return false;
	m->text = text;
	m->undecoded = undecoded;
	m->qp = qp;
	m->column = qp.column;
	*rd = ahead;
	return true;
}

/* Can links be looked for in many octets at once? */
static bool in_blocks(const struct zg_message *m)
{
	return (m->header.encoding == ZG_ENCODING_7BIT || m->header.encoding == ZG_ENCODING_8BIT) &&
	       (m->header.charset == ZG_CHARSET_US_ASCII || m->header.charset == ZG_CHARSET_UTF_8);
}

bool zg_message_span(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in)
{
	struct zg_message *m = message;
	bool good = true;
	if (m->header.rewritten) {
		zg_textify_span(m, config, in);
		return true;
	}
	if ((m->line != ZG_LINE_BEGIN && m->line != ZG_LINE_WITHIN) || m->octets >= config->max_message)
		return true;
	if (m->body && config->links != ZG_SMTP_LINKS_ALLOW && !in_blocks(m))
		return false;
	struct zg_rd rd = zg_rw_rest(in, config->max_message - m->octets);
	if (!m->body)
		header(m, config, &rd);
	else if (m->header.encoding == ZG_ENCODING_BASE64)
		good = base64(m, &rd);
	else if (m->header.encoding == ZG_ENCODING_QP)
		good = quoted_printable(m, &rd);
	else
		plain(m, config, &rd);
	if (rd.pos > 0) {
		m->octets += (uint32_t)rd.pos;
		m->line = m->column == 0 ? ZG_LINE_BEGIN : ZG_LINE_WITHIN;
		zg_rw_skip(in, rd.pos);
	}
	return good;
}
