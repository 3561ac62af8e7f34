/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTML as textify sends it on: what is no text becomes blanks, in each transfer encoding. In base64 a character has bits of
 * two octets, so that what goes on for one that is not whole is a guess: it is no text within a tag, and text without, of
 * which only '<' and what stands behind it may turn out to be none. Then the guess is amended.
 */
#include "proto/ascii.h"
#include "proto/smtp_message.h"
#include "proto/smtp_textify.h"

#define INSTEAD '=' /* of a '<' whose bits have gone on in part: what is left of them decides between a few characters */

/* What is no text, by its place in a group; see blank_base64(). */
static const uint8_t blanks[3] = { ' ', '\t', ' ' };

static bool is_base64(const struct zg_message *m)
{
	return m->header.encoding == ZG_ENCODING_BASE64;
}

/* An octet of an escape sequence: text, where text is. If it stands behind '<', that begins no tag. */
static bool escape(struct zg_html *html)
{
	if (zg_html_open(html))
		(void)zg_html_feed(html, ZG_LINK_OTHER);
	return !zg_html_hides(html);
}

/* --- base64 --------------------------------------------------------------------------------------------- */

/* An octet that was taken for text and is none: the bits of it that have gone on become those of a blank. */
static uint8_t amended(struct zg_rw *in, unsigned place, uint8_t decoded)
{
	static const struct {
		uint8_t others, blank; /* bits of the character before that belong to the octet before, and to the blank */
	} bits[3] = { { 0, ' ' >> 2 }, { 0x30, '\t' >> 4 }, { 0x3C, ' ' >> 6 } };
	const uint8_t *at = zg_rw_behind(in, 1);

	if (decoded >> (2 + 2 * place) == bits[place].blank) /* they are */
		return blanks[place];
	if (at != NULL && zg_rw_amend(in, 1, zg_b64_char((zg_b64_value(*at) & bits[place].others) | bits[place].blank)))
		return blanks[place];
	return decoded == '<' ? INSTEAD : decoded;
}

/* The character that ends the octet at this place: its last bits, and the first of the next, of which is known what is
 * known of any that is not whole. */
static uint8_t put_together(const struct zg_message *m, unsigned place, uint8_t out, uint8_t octet)
{
	const unsigned next = zg_html_hides(&m->textify.html) ? 0 : zg_b64_value(octet);

	switch (place) {
	case 0:
		return zg_b64_char((out & 0x03u) << 4 | (next & 0x0F));
	case 1:
		return zg_b64_char((out & 0x0Fu) << 2 | (next & 0x03));
	default:
		return zg_b64_char(out & 0x3Fu);
	}
}

/* --- quoted-printable ------------------------------------------------------------------------------------- */

/* "=XX" becomes "=20"; the '=' has gone on, and the first digit may have too. */
static enum zg_reason blank_hex(struct zg_rw *in, uint8_t decoded, uint8_t *octet)
{
	if (zg_rw_amend(in, 1, '2')) {
		*octet = '0';
		return ZG_R_NONE;
	}
	if (decoded != '<')
		return ZG_R_SMTP_IN_PLACE;
	*octet = 'D';
	return ZG_R_NONE;
}

/* ------------------------------------------------------------------------------------------------------------ */

static void base64_octet(struct zg_message *m, struct zg_rw *in, bool hidden, int decoded, bool visible,
			 uint8_t *octet)
{
	const unsigned place = (m->b64.n + 2u) & 3; /* of the octet that is whole now; b64 is behind it */

	if (*octet == '=')
		return;
	if (decoded < 0) {
		if (hidden)
			*octet = zg_b64_char((unsigned)blanks[0] >> 2);
		return;
	}
	uint8_t out = (uint8_t)decoded;
	if (!visible)
		out = hidden ? blanks[place] : amended(in, place, out);
	*octet = put_together(m, place, out, *octet);
}

/* Without its tags the text can begin a file where the source did not. */
static enum zg_reason what_is_left(struct zg_message *m, int text, bool decoded, uint8_t wire)
{
	struct zg_textify *t = &m->textify;
	enum zg_reason reason = ZG_R_NONE;

	if (m->header.encoding == ZG_ENCODING_QP)
		reason = zg_text_feed(&t->left_undecoded, wire);
	if (reason == ZG_R_NONE && decoded)
		reason = zg_text_feed(&t->left, (uint8_t)text);
	return reason;
}

void zg_textify_html_line_end(struct zg_message *message, bool of_text)
{
	struct zg_textify *t = &message->textify;

	(void)zg_text_feed(&t->left_undecoded, '\n');
	if (!of_text)
		return;
	(void)zg_text_feed(&t->left, '\n');
	(void)zg_html_feed(&t->html, '\n');
	(void)zg_link_feed(&message->link, ZG_LINK_OTHER);
}

enum zg_reason zg_textify_html_octet(struct zg_message *message, struct zg_rw *in, bool replayed, uint8_t *octet)
{
	struct zg_message *m = message;
	const struct zg_charset_state before = m->text.charset;
	const unsigned place = m->b64.n > 0 ? m->b64.n - 1u : 0;
	const bool hidden = zg_html_hides(&m->textify.html), hex = m->qp.stage == 2;
	uint8_t c = ZG_LINK_OTHER;
	bool shown = false, visible = false;
	int decoded;

	enum zg_reason reason = zg_message_text_octet(m, *octet, &decoded);
	if (reason != ZG_R_NONE)
		return reason;
	if (decoded >= 0) {
		shown = zg_textify_character(m, &before, (uint8_t)decoded, &c);
		visible = shown ? zg_html_feed(&m->textify.html, c) : escape(&m->textify.html);
	}
	if (is_base64(m))
		base64_octet(m, in, hidden, decoded, visible, octet);
	else if (decoded >= 0 && !visible && hex)
		reason = blank_hex(in, (uint8_t)decoded, octet);
	else if (decoded >= 0 && !visible)
		*octet = ' ';
	if (shown)
		zg_textify_link(m, in, place, visible ? c : ZG_LINK_OTHER, replayed, octet);
	return reason == ZG_R_NONE ? what_is_left(m, visible ? decoded : ' ', decoded >= 0, *octet) : reason;
}

size_t zg_textify_html_held(const struct zg_message *message)
{
	const struct zg_message *m = message;
	const struct zg_html *html = &m->textify.html;

	if (m->header.encoding == ZG_ENCODING_QP)
		return m->qp.stage == 2;
	if (!is_base64(m) || zg_html_hides(html))
		return 0;
	if (m->b64.n == 0 || zg_html_open(html))
		return m->b64.n > 0;
	return m->b64.n == 1 ? m->b64.bits == '<' >> 2 : m->b64.n == 2 && (m->b64.bits & 0x0F) == '<' >> 4;
}
