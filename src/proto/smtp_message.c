/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/smtp_message.h"

/* What the framing makes of an octet. */
enum framed { CONTENT, STUFFED, NOTHING, LINE_END, LAST_LINE, END, BAD_LINE, BAD_END };

void zg_message_begin(struct zg_message *ret_message, const struct zg_smtp_config *config, bool eight_bit)
{
	*ret_message = (struct zg_message){ .line = ZG_LINE_BEGIN, .eight_bit = eight_bit };
	zg_header_begin(&ret_message->header);
	ret_message->header.rewritten = config->mode == ZG_SMTP_TEXTIFY;
}

/* The whole of the framing. LINE_END is told at the CR, LAST_LINE at the CR after a lone dot. */
static enum framed frame(uint8_t *line, uint8_t octet)
{
	switch ((enum zg_message_line) * line) {
	case ZG_LINE_DOT:
		if (octet == '\r') {
			*line = ZG_LINE_DOT_CR;
			return LAST_LINE;
		}
		*line = ZG_LINE_WITHIN;
		return octet == '.' ? CONTENT : BAD_END; /* a dot that is not doubled: readers differ on dropping it */
	case ZG_LINE_DOT_CR:
		*line = ZG_LINE_BEGIN;
		return octet == '\n' ? END : BAD_END;
	case ZG_LINE_CR:
		*line = ZG_LINE_BEGIN;
		return octet == '\n' ? NOTHING : BAD_LINE;
	case ZG_LINE_BEGIN:
		if (octet == '.') {
			*line = ZG_LINE_DOT;
			return STUFFED;
		}
		break;
	case ZG_LINE_WITHIN:
		break;
	}
	if (octet == '\r') {
		*line = ZG_LINE_CR;
		return LINE_END;
	}
	*line = ZG_LINE_WITHIN;
	return octet == '\n' || octet == '\0' ? BAD_LINE : CONTENT;
}

static enum zg_reason text_line_end(struct zg_text *text)
{
	enum zg_reason reason = zg_text_feed(text, '\r');
	return reason != ZG_R_NONE ? reason : zg_text_feed(text, '\n');
}

void zg_message_text_begin(struct zg_message *m)
{
	m->qp = (struct zg_qp){ .stage = 0 };
	m->b64 = (struct zg_b64){ .n = 0 };
	m->link = (struct zg_link){ .n = 0 };
	zg_text_begin(&m->text, (enum zg_charset)m->header.charset);
	zg_text_begin(&m->undecoded, ZG_CHARSET_US_ASCII);
}

enum zg_reason zg_message_text_octet(struct zg_message *m, uint8_t octet, int *ret_decoded)
{
	enum zg_reason reason;
	int n = 1;
	*ret_decoded = -1;
	switch ((enum zg_encoding)m->header.encoding) {
	case ZG_ENCODING_QP:
		/* A reader that does not unfold or trim the name of the encoding shows the body as it came: behind a soft line
		 * break a line begins for it. Undecoded base64 has no blanks, so no line of it begins a file. */
		reason = zg_text_feed(&m->undecoded, octet);
		n = zg_qp_feed(&m->qp, octet, &octet);
		if (n >= 0 && reason != ZG_R_NONE)
			return reason;
		break;
	case ZG_ENCODING_BASE64:
		n = m->column > ZG_B64_LINE_MAX ? -1 : zg_b64_feed(&m->b64, octet, &octet);
		break;
	case ZG_ENCODING_8BIT:
		n = octet < 0x80 || m->eight_bit ? 1 : -1;
		break;
	case ZG_ENCODING_7BIT:
	case ZG_ENCODING_COUNT:
		n = octet < 0x80 ? 1 : -1;
		break;
	}
	if (n < 0)
		return ZG_R_SMTP_ENCODING_SYNTAX;
	if (n == 0)
		return ZG_R_NONE;
	*ret_decoded = octet;
	return zg_text_feed(&m->text, octet);
}

enum zg_reason zg_message_text_line_end(struct zg_message *m)
{
	int n = 1;
	switch ((enum zg_encoding)m->header.encoding) {
	case ZG_ENCODING_QP:
		(void)text_line_end(&m->undecoded);
		n = zg_qp_line_end(&m->qp);
		break;
	case ZG_ENCODING_BASE64:
		n = zg_b64_line_end(&m->b64) ? 0 : -1;
		break;
	case ZG_ENCODING_7BIT:
	case ZG_ENCODING_8BIT:
	case ZG_ENCODING_COUNT:
		break;
	}
	if (n < 0)
		return ZG_R_SMTP_ENCODING_SYNTAX;
	return n > 0 ? text_line_end(&m->text) : ZG_R_NONE;
}

enum zg_reason zg_message_text_end(const struct zg_message *m)
{
	if (!zg_qp_whole(&m->qp) || !zg_b64_whole(&m->b64))
		return ZG_R_SMTP_ENCODING_SYNTAX;
	return zg_text_end(&m->text);
}

/* An octet of the text, which stays as it is: is it the end of a link that may not be there? */
static enum zg_reason permitted_link(struct zg_message *m, const struct zg_smtp_config *config,
				     const struct zg_charset_state *before, int decoded)
{
	uint8_t c;

	if (decoded < 0 || config->links == ZG_SMTP_LINKS_ALLOW || !zg_textify_character(m, before, (uint8_t)decoded, &c))
		return ZG_R_NONE;
	switch (zg_link_feed(&m->link, c)) {
	case ZG_LINK_LIVE:
		return ZG_R_SMTP_LINK;
	case ZG_LINK_DEFUSED:
		return config->links == ZG_SMTP_LINKS_REFUSE ? ZG_R_SMTP_LINK : ZG_R_NONE;
	case ZG_LINK_LETTER:
	case ZG_LINK_NOTHING:
		break;
	}
	return ZG_R_NONE;
}

static enum zg_reason verified_octet(struct zg_message *m, const struct zg_smtp_config *config, uint8_t octet)
{
	const struct zg_charset_state before = m->text.charset;
	int decoded;
	const enum zg_reason reason = zg_message_text_octet(m, octet, &decoded);

	return reason == ZG_R_NONE ? permitted_link(m, config, &before, decoded) : reason;
}

static enum zg_reason verified_line_end(struct zg_message *m)
{
	const enum zg_reason reason = zg_message_text_line_end(m);

	if (m->header.encoding != ZG_ENCODING_BASE64 && zg_qp_whole(&m->qp))
		(void)zg_link_feed(&m->link, ZG_LINK_OTHER);
	return reason;
}

static enum zg_reason content(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rw *in, bool stuffed,
			      uint8_t *octet)
{
	if (m->column == ZG_SMTP_TEXT_MAX - 2)
		return ZG_R_SMTP_TEXT_LENGTH;
	if (m->octets >= config->max_message)
		return ZG_R_SMTP_MESSAGE_SIZE;
	m->column++;
	m->octets++;
	if (m->header.rewritten)
		return zg_textify_octet(m, config, in, stuffed, octet);
	return m->body ? verified_octet(m, config, *octet) : zg_header_octet(&m->header, config, *octet);
}

static enum zg_reason line_end(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rw *in)
{
	bool over = false;
	if (config->max_message < 2 || m->octets > config->max_message - 2)
		return ZG_R_SMTP_MESSAGE_SIZE;
	m->octets += 2;
	m->column = 0;
	if (m->header.rewritten)
		return zg_textify_line_end(m, config, in);
	if (m->body)
		return verified_line_end(m);
	enum zg_reason reason = zg_header_line_end(&m->header, config, &over);
	if (reason == ZG_R_NONE && over) {
		m->body = 1;
		zg_message_text_begin(m);
	}
	return reason;
}

/* Everything that can only be known at the end is known before the last line end passes. */
static enum zg_reason last_line(struct zg_message *m, const struct zg_smtp_config *config)
{
	if (m->header.rewritten && m->octets > 0)
		return zg_textify_end(m, config);
	if (!m->body)
		return m->octets > 0 ? zg_header_cut(&m->header, config) : ZG_R_NONE; /* an empty message is one */
	return zg_message_text_end(m);
}

enum zg_message_step zg_message_octet(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in,
				      uint8_t *octet, enum zg_reason *ret_reason)
{
	uint8_t before = message->line;
	enum zg_reason reason = ZG_R_NONE;

	switch (frame(&message->line, *octet)) {
	case END:
		return ZG_MESSAGE_END;
	case BAD_LINE:
		*ret_reason = ZG_R_SMTP_LINE_END;
		return ZG_MESSAGE_BROKEN;
	case BAD_END:
		*ret_reason = ZG_R_SMTP_END_OF_DATA;
		return ZG_MESSAGE_BROKEN;
	case CONTENT:
		reason = content(message, config, in, before == ZG_LINE_DOT, octet);
		break;
	case LINE_END:
		reason = line_end(message, config, in);
		break;
	case LAST_LINE:
		reason = last_line(message, config);
		break;
	case STUFFED:
	case NOTHING:
		break;
	}
	if (reason == ZG_R_NONE) {
		zg_textify_tick(message);
		return ZG_MESSAGE_MORE;
	}
	message->line = before; /* the octet comes again while draining */
	*ret_reason = reason;
	return ZG_MESSAGE_REFUSE;
}

enum zg_message_step zg_message_drain(struct zg_message *message, uint8_t octet)
{
	switch (frame(&message->line, octet)) {
	case END:
	case BAD_LINE:
	case BAD_END:
		return ZG_MESSAGE_END;
	default:
		return ZG_MESSAGE_MORE;
	}
}
