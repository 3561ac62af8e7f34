/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/smtp_textify.h"

#include "proto/ascii.h"
#include "proto/smtp_message.h"

#define ESC 0x1B

#define N(word) (sizeof(word) - 1)

/* --- links ------------------------------------------------------------------------------------------ */

/* The same in base64, where one or two characters of the group have the bits, and what makes another character of a colon or
 * a dot; by the octet's place in its group. before: of the character before the one being read. */
static const struct {
	uint8_t t_before, t, w_before, w, end;
} in_group[3] = {
	{ ZG_LINK_T_TO_X >> 2, 0, ZG_LINK_W_TO_X >> 2, (ZG_LINK_W_TO_X & 0x03) << 4, 1 << 4 },
	{ 0, (ZG_LINK_T_TO_X & 0x0F) << 2, 0, (ZG_LINK_W_TO_X & 0x0F) << 2, 1 << 2 },
	{ 0, ZG_LINK_T_TO_X, 0, ZG_LINK_W_TO_X, 1 },
};

#define COLON_INSTEAD ';'
#define DOT_INSTEAD   '/'

bool zg_textify_character(const struct zg_message *message, const struct zg_charset_state *before, uint8_t octet,
			  uint8_t *ret_c)
{
	const struct zg_charset_state *now = &message->text.charset;

	*ret_c = ZG_LINK_OTHER;
	if (now->charset == ZG_CHARSET_ISO_2022_JP) {
		if (octet == ESC || zg_charset_in_escape(before))
			return false;
		if (!before->wide)
			*ret_c = octet;
		return true;
	}
	if (before->stage == 0 && octet < 0x80)
		*ret_c = octet;
	return true;
}

static uint8_t masked(bool base64, uint8_t octet, uint8_t mask)
{
	return base64 ? zg_b64_char((unsigned)zg_b64_value(octet) ^ mask) : octet ^ mask;
}

/* Changes an octet of the wire; behind 0: the one being read, which is *octet. */
static bool change(struct zg_rw *in, bool base64, uint8_t behind, uint8_t mask, uint8_t *octet)
{
	if (behind == 0) {
		*octet = masked(base64, *octet, mask);
		return true;
	}
	const uint8_t *at = zg_rw_behind(in, behind);
	return at != NULL && zg_rw_amend(in, behind, masked(base64, *at, mask));
}

/* The colon or dot of a link becomes another character; or "=3A" does, or "=2E", of which this is the second digit. */
static uint8_t end_instead(uint8_t octet)
{
	switch (octet) {
	case ':':
		return COLON_INSTEAD;
	case '.':
		return DOT_INSTEAD;
	case 'A':
		return 'B';
	default:
		return 'F';
	}
}

/* This is a link. Where its letters have gone on already, what ends its name becomes another character. */
static void defuse(struct zg_link *link, struct zg_rw *in, bool base64, unsigned place, uint8_t *octet)
{
	bool done = false;

	for (unsigned i = 0; i < link->n; i++)
		done |= change(in, base64, link->letter[i].behind, link->letter[i].mask, octet);
	zg_link_release(link);
	if (!done)
		*octet = base64 ? masked(true, *octet, in_group[place].end) : end_instead(*octet);
}

static void keep(struct zg_link *link, bool base64, unsigned place, uint8_t c)
{
	const bool t = zg_ascii_lower(c) == 't';
	const uint8_t before = !base64 ? 0 : t ? in_group[place].t_before : in_group[place].w_before;
	const uint8_t here = !base64 ? (t ? ZG_LINK_T_TO_X : ZG_LINK_W_TO_X) : t ? in_group[place].t : in_group[place].w;

	if (before != 0)
		zg_link_keep(link, 1, before);
	if (here != 0)
		zg_link_keep(link, 0, here);
}

void zg_textify_link(struct zg_message *message, struct zg_rw *in, unsigned place, uint8_t c, bool replayed, uint8_t *octet)
{
	struct zg_link *link = &message->link;
	const bool base64 = message->header.encoding == ZG_ENCODING_BASE64;

	switch (zg_link_feed(link, c)) {
	case ZG_LINK_LETTER:
		if (!replayed)
			keep(link, base64, place, c);
		break;
	case ZG_LINK_LIVE:
		message->textify.links++;
		defuse(link, in, base64, place, octet);
		break;
	case ZG_LINK_DEFUSED:
	case ZG_LINK_NOTHING:
		break;
	}
}

/* --- parts ------------------------------------------------------------------------------------------- */

/* replayed: an octet of a line that might have been a delimiter; it has gone on as it is. */
static enum zg_reason text_octet(struct zg_message *m, struct zg_rw *in, bool replayed, uint8_t *octet)
{
	const struct zg_charset_state before = m->text.charset;
	const unsigned place = m->b64.n > 0 ? m->b64.n - 1u : 0;
	int decoded;
	uint8_t c;
	enum zg_reason reason = zg_message_text_octet(m, *octet, &decoded);

	if (reason == ZG_R_NONE && decoded >= 0 && zg_textify_character(m, &before, (uint8_t)decoded, &c))
		zg_textify_link(m, in, place, c, replayed, octet);
	return reason;
}

static enum zg_note_action action_of(const struct zg_textify *t)
{
	static const uint8_t actions[ZG_PART_KINDS] = {
		[ZG_PART_OTHER] = ZG_NOTE_FILE, [ZG_PART_IMAGE] = ZG_NOTE_IMAGE,     [ZG_PART_CALENDAR] = ZG_NOTE_CALENDAR,
		[ZG_PART_TNEF] = ZG_NOTE_TNEF,	[ZG_PART_SIGNED] = ZG_NOTE_SIGNED, [ZG_PART_MESSAGE] = ZG_NOTE_MESSAGE,
	};
	if (t->treatment == ZG_TREAT_TEXT)
		return ZG_NOTE_LINKS;
	if (t->treatment == ZG_TREAT_HTML)
		return ZG_NOTE_HTML;
	if (t->alternative && t->type.kind == ZG_PART_OTHER)
		return ZG_NOTE_FORM;
	return (enum zg_note_action)actions[t->type.kind == ZG_PART_IMAGE && t->type.attachment ? ZG_PART_OTHER : t->type.kind];
}

/* The body that was read is over. */
static void note_part(struct zg_textify *t)
{
	struct zg_note *note = &t->note;

	if (t->treatment == ZG_TREAT_BETWEEN || (t->treatment == ZG_TREAT_TEXT && t->links == 0))
		return;
	note->parts++;
	note->octets += t->octets;
	if (note->listed == ZG_NOTE_PARTS_MAX)
		return;
	note->part[note->listed].number = t->multipart ? t->parts : 1;
	note->part[note->listed].action = action_of(t);
	note->part[note->listed].octets = t->octets;
	note->part[note->listed++].links = t->links;
}

/* Visible, and no more than there is room for. */
static void note_id(struct zg_textify *t, uint8_t octet)
{
	static const char cut[] = "...";

	if (!zg_ascii_visible(octet))
		return;
	if (t->id_len == ZG_NOTE_ID_MAX)
		memcpy(t->note.id + ZG_NOTE_ID_MAX - N(cut), cut, N(cut));
	else
		t->note.id[t->id_len++] = (char)octet;
}

static const char blanks[] = ZG_TEXTIFY_BLANKS, last_blanks[] = ZG_TEXTIFY_LAST_BLANKS;

/* In the place of a file: the next octet of its name, or a blank. */
static uint8_t shown(struct zg_textify *t, uint8_t instead)
{
	return t->shown_at < t->shown_len ? (uint8_t)t->shown[t->shown_at++] : instead;
}

/* The group of the name that this character belongs to; false: it is blank. */
static bool shown_group(struct zg_textify *t, uint8_t n, char ret_group[static 4])
{
	uint8_t text[3] = { ' ', '\t', ' ' };

	if (t->shown_at >= t->shown_len)
		return false;
	for (unsigned i = 0; i < 3 && t->shown_at + i < t->shown_len; i++)
		text[i] = (uint8_t)t->shown[t->shown_at + i];
	ret_group[0] = (char)zg_b64_char(text[0] >> 2);
	ret_group[1] = (char)zg_b64_char((unsigned)text[0] << 4 | text[1] >> 4);
	ret_group[2] = (char)zg_b64_char((unsigned)text[1] << 2 | text[2] >> 6);
	ret_group[3] = (char)zg_b64_char(text[2]);
	if (n == 3)
		t->shown_at = (uint8_t)(t->shown_at + 3);
	return true;
}

/* Padding cuts the name within a group: what is left of the octet that is cut off becomes zero, as RFC 4648 3.5 wants it. */
static void cut_group(struct zg_rw *in, uint8_t n)
{
	const uint8_t *at = zg_rw_behind(in, 1);

	if (at != NULL && n >= 2)
		(void)zg_rw_amend(in, 1, zg_b64_char(zg_b64_value(*at) & (n == 2 ? 0x30u : 0x3Cu)));
}

static enum zg_reason blank_base64(struct zg_message *m, struct zg_rw *in, uint8_t *octet)
{
	struct zg_textify *t = &m->textify;
	const uint8_t n = m->b64.n;
	const bool padded = m->b64.ended;
	uint8_t decoded;
	char group[4];

	if (m->column > ZG_B64_LINE_MAX || zg_b64_feed(&m->b64, *octet, &decoded) < 0)
		return ZG_R_SMTP_ENCODING_SYNTAX;
	if (*octet != '=')
		*octet = (uint8_t)(shown_group(t, n, group) ? group : m->column > ZG_B64_LINE_MAX - 4 ? last_blanks : blanks)[n];
	else if (!padded && t->shown_at < t->shown_len)
		cut_group(in, n);
	return ZG_R_NONE;
}

static enum zg_reason body_octet(struct zg_message *m, struct zg_rw *in, bool replayed, uint8_t *octet)
{
	m->textify.octets++;
	switch ((enum zg_treatment)m->textify.treatment) {
	case ZG_TREAT_TEXT:
		return text_octet(m, in, replayed, octet);
	case ZG_TREAT_HTML:
		return zg_textify_html_octet(m, in, replayed, octet);
	case ZG_TREAT_BLANK:
		if (m->header.encoding == ZG_ENCODING_BASE64)
			return blank_base64(m, in, octet);
		*octet = replayed ? ' ' : shown(&m->textify, ' ');
		return ZG_R_NONE;
	case ZG_TREAT_BETWEEN:
		break;
	}
	*octet = ' ';
	return ZG_R_NONE;
}

/* Does something of the body stay? */
static bool stays(const struct zg_message *m)
{
	return m->textify.treatment == ZG_TREAT_TEXT || m->textify.treatment == ZG_TREAT_HTML;
}

static enum zg_reason body_line_end(struct zg_message *m)
{
	const bool base64 = m->header.encoding == ZG_ENCODING_BASE64;
	enum zg_reason reason = ZG_R_NONE;

	m->textify.octets += 2;
	if (m->textify.shown_at > 0) /* it has one line */
		m->textify.shown_len = 0;
	if (m->textify.treatment == ZG_TREAT_BLANK && base64)
		return zg_b64_line_end(&m->b64) ? ZG_R_NONE : ZG_R_SMTP_ENCODING_SYNTAX;
	if (!stays(m))
		return ZG_R_NONE;
	reason = zg_message_text_line_end(m);
	const bool of_text = !base64 && zg_qp_whole(&m->qp);
	if (m->textify.treatment == ZG_TREAT_HTML)
		zg_textify_html_line_end(m, of_text);
	else if (of_text)
		(void)zg_link_feed(&m->link, ZG_LINK_OTHER);
	return reason;
}

static enum zg_reason body_end(const struct zg_message *m)
{
	if (stays(m))
		return zg_message_text_end(m);
	return zg_b64_whole(&m->b64) ? ZG_R_NONE : ZG_R_SMTP_ENCODING_SYNTAX;
}

/* What began like a delimiter is content. */
static enum zg_reason replay(struct zg_message *m, struct zg_rw *in)
{
	struct zg_textify *t = &m->textify;
	enum zg_reason reason = ZG_R_NONE;

	t->line_open = 0;
	/* of "=3C" a part would have gone on already */
	if (t->treatment == ZG_TREAT_HTML && m->header.encoding == ZG_ENCODING_QP && memchr(t->tree.line, '=', t->tree.at) != NULL)
		return ZG_R_SMTP_BOUNDARY;
	for (unsigned i = 0; i < t->tree.at && reason == ZG_R_NONE; i++) {
		uint8_t gone = t->tree.line[i];
		reason = body_octet(m, in, true, &gone);
	}
	return reason;
}

static enum zg_reason between_octet(struct zg_message *m, struct zg_rw *in, bool stuffed, uint8_t *octet)
{
	struct zg_textify *t = &m->textify;
	enum zg_reason reason = ZG_R_NONE;

	if (t->line_open && !stuffed) {
		switch (zg_tree_octet(&t->tree, *octet)) {
		case ZG_TREE_MAYBE:
			return ZG_R_NONE;
		case ZG_TREE_BAD:
			return ZG_R_SMTP_BOUNDARY;
		case ZG_TREE_CONTENT:
			reason = replay(m, in);
			break;
		}
	}
	t->line_open = 0;
	if (reason == ZG_R_NONE)
		reason = body_octet(m, in, false, octet);
	if (stuffed) {
		/* the dot of a link whose letters have gone on: the framing wants it */
		if (*octet == DOT_INSTEAD && reason == ZG_R_NONE)
			return ZG_R_SMTP_IN_PLACE;
		*octet = '.';
	}
	return reason;
}

/* --- headers -------------------------------------------------------------------------------------------- */

static void header_begin(struct zg_message *m)
{
	struct zg_textify *t = &m->textify;

	zg_header_begin(&m->header);
	m->header.rewritten = 1;
	m->header.part = 1;
	m->body = 0;
	t->type = (struct zg_media_type){ .media = ZG_MEDIA_PLAIN };
	t->field = (struct zg_field){ .kind = ZG_FIELD_NONE };
}

static enum zg_smtp_kind_rule rule_of(const struct zg_message *m, const struct zg_smtp_config *config)
{
	const struct zg_media_type *type = &m->textify.type;
	const bool attached = type->kind == ZG_PART_IMAGE && type->attachment;

	return (enum zg_smtp_kind_rule)config->kinds[attached ? ZG_PART_OTHER : type->kind];
}

/* May this part, which is no text, become blanks? The other forms of a text (alternative) are no attachments. */
static enum zg_reason may_be_blanked(const struct zg_message *m, const struct zg_smtp_config *config, bool alternative)
{
	bool refuse = false;

	switch (rule_of(m, config)) {
	case ZG_SMTP_KIND_AS_ATTACHMENTS:
		refuse = config->attachments == ZG_SMTP_REFUSE && !alternative;
		break;
	case ZG_SMTP_KIND_REFUSE:
		refuse = true;
		break;
	case ZG_SMTP_KIND_BLANK:
		break;
	}
	return refuse ? ZG_R_SMTP_ATTACHMENT : ZG_R_NONE;
}

static enum zg_reason container(struct zg_message *m, const struct zg_smtp_config *config)
{
	struct zg_textify *t = &m->textify;

	if (rule_of(m, config) == ZG_SMTP_KIND_REFUSE)
		return ZG_R_SMTP_ATTACHMENT;
	if (m->header.encoding != ZG_ENCODING_7BIT && m->header.encoding != ZG_ENCODING_8BIT) /* RFC 2045 6.4 */
		return ZG_R_SMTP_ENCODING;
	t->treatment = ZG_TREAT_BETWEEN;
	t->multipart = 1;
	return zg_tree_open(&t->tree, &t->type, config->max_depth);
}

static enum zg_reason text(struct zg_message *m, const struct zg_smtp_config *config, enum zg_treatment treatment)
{
	const enum zg_charset charset = (enum zg_charset)m->textify.type.charset;

	if (!(config->charsets & 1u << charset))
		return ZG_R_SMTP_CHARSET;
	m->header.charset = (uint8_t)charset;
	m->textify.treatment = (uint8_t)treatment;
	zg_tree_has_text(&m->textify.tree);
	return ZG_R_NONE;
}

/* What becomes of the body that begins. */
static enum zg_reason treat(struct zg_message *m, const struct zg_smtp_config *config)
{
	struct zg_textify *t = &m->textify;
	const enum zg_media media = (enum zg_media)t->type.media;

	if (media == ZG_MEDIA_MIXED || media == ZG_MEDIA_ALTERNATIVE)
		return container(m, config);
	if (t->type.charset == ZG_CHARSET_ISO_2022_JP && m->header.encoding == ZG_ENCODING_8BIT) /* RFC 1468: a 7-bit charset */
		return ZG_R_SMTP_ENCODING;
	if (media == ZG_MEDIA_PLAIN && !t->type.attachment)
		return text(m, config, ZG_TREAT_TEXT);
	const bool alternative = zg_tree_is_alternative(&t->tree);
	t->alternative = alternative;
	if (media == ZG_MEDIA_HTML && !t->type.attachment && !alternative)
		return text(m, config, ZG_TREAT_HTML);
	t->treatment = ZG_TREAT_BLANK;
	return may_be_blanked(m, config, alternative);
}

static enum zg_reason header_over(struct zg_message *m, const struct zg_smtp_config *config)
{
	m->body = 1;
	m->textify.octets = m->textify.links = 0;
	m->textify.shown_at = 0;
	m->textify.shown_len = config->names ? (uint8_t)zg_file_name_text(&m->textify.type.name, m->textify.shown) : 0;
	m->textify.html = (struct zg_html){ .stage = 0 };
	zg_text_begin(&m->textify.left, (enum zg_charset)m->textify.type.charset);
	zg_text_begin(&m->textify.left_undecoded, ZG_CHARSET_US_ASCII);
	enum zg_reason reason = treat(m, config);
	if (reason == ZG_R_NONE)
		zg_message_text_begin(m);
	return reason;
}

static enum zg_reason field_over(struct zg_textify *t)
{
	const enum zg_field_kind kind = t->field.kind;
	if (kind == ZG_FIELD_NONE)
		return ZG_R_NONE;
	const enum zg_reason reason = zg_field_over(&t->field, &t->type);
	t->field.kind = ZG_FIELD_NONE;
	return reason;
}

static enum zg_reason header_octet(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rw *in, uint8_t *octet)
{
	struct zg_textify *t = &m->textify;
	const bool line = zg_header_at_line(&m->header), id = zg_header_in_message_id(&m->header) && !m->header.part;
	const bool was = zg_header_rewritten(&m->header) != ZG_FIELD_NONE;
	enum zg_reason reason = ZG_R_NONE;

	if (line && !zg_ascii_blank(*octet))
		reason = field_over(t);
	if (line && *octet == '-' && m->header.part) /* a reader that looks for delimiters first could see one */
		return ZG_R_SMTP_BOUNDARY;
	if (reason == ZG_R_NONE)
		reason = zg_header_octet(&m->header, config, *octet);
	if (reason != ZG_R_NONE)
		return reason;
	if (id)
		note_id(t, *octet);
	const enum zg_field_kind kind = zg_header_rewritten(&m->header);
	if (kind == ZG_FIELD_NONE)
		return ZG_R_NONE;
	if (was)
		return zg_field_octet(&t->field, &t->type, config->charsets, in, octet);
	zg_field_begin(&t->field, kind); /* at the colon */
	return ZG_R_NONE;
}

static enum zg_reason header_line_end(struct zg_message *m, const struct zg_smtp_config *config, struct zg_rw *in)
{
	struct zg_textify *t = &m->textify;
	enum zg_reason reason = ZG_R_NONE;
	bool over = false;

	if (zg_header_at_line(&m->header))
		reason = field_over(t);
	else if (t->field.kind != ZG_FIELD_NONE)
		reason = zg_field_line_end(&t->field, &t->type, config->charsets, in);
	if (reason == ZG_R_NONE)
		reason = zg_header_line_end(&m->header, config, &over);
	if (reason == ZG_R_NONE && over)
		reason = header_over(m, config);
	return reason;
}

/* --- lines ---------------------------------------------------------------------------------------------- */

enum zg_reason zg_textify_octet(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in, bool stuffed,
				uint8_t *octet)
{
	struct zg_textify *t = &message->textify;
	const bool goes_on = message->body ? stays(message) : message->header.part;

	if (t->multipart && goes_on && zg_tree_within(&t->tree, message->column - 1u, *octet))
		return ZG_R_SMTP_BOUNDARY;
	if (!message->body)
		return header_octet(message, config, in, octet);
	return between_octet(message, in, stuffed, octet);
}

/* The line that ends may be a delimiter. */
static enum zg_reason delimiter(struct zg_message *m, struct zg_rw *in)
{
	struct zg_textify *t = &m->textify;
	enum zg_reason reason;

	const enum zg_tree_line line = zg_tree_line_end(&t->tree);
	if (line == ZG_LINE_BAD)
		return ZG_R_SMTP_BOUNDARY;
	reason = line == ZG_LINE_CONTENT ? replay(m, in) : body_end(m);
	if (reason != ZG_R_NONE)
		return reason;
	if (line == ZG_LINE_CONTENT)
		return body_line_end(m);
	note_part(t);
	t->treatment = ZG_TREAT_BETWEEN;
	m->b64 = (struct zg_b64){ .n = 0 };
	if (line == ZG_LINE_CLOSE)
		return ZG_R_NONE;
	header_begin(m);
	return t->parts++ < ZG_SMTP_PARTS_MAX ? ZG_R_NONE : ZG_R_SMTP_PARTS;
}

enum zg_reason zg_textify_line_end(struct zg_message *message, const struct zg_smtp_config *config, struct zg_rw *in)
{
	struct zg_textify *t = &message->textify;
	enum zg_reason reason;

	if (!message->body)
		reason = header_line_end(message, config, in);
	else if (t->line_open)
		reason = delimiter(message, in);
	else
		reason = body_line_end(message);
	zg_tree_line_begin(&t->tree);
	t->line_open = message->body && t->multipart;
	return reason;
}

enum zg_reason zg_textify_end(struct zg_message *message, const struct zg_smtp_config *config)
{
	struct zg_textify *t = &message->textify;
	enum zg_reason reason;

	if (t->multipart)
		return message->body && t->tree.depth == 0 ? ZG_R_NONE : ZG_R_SMTP_BOUNDARY;
	if (message->body) {
		note_part(t);
		return body_end(message);
	}
	reason = field_over(t);
	if (reason == ZG_R_NONE)
		reason = zg_header_cut(&message->header, config);
	/* without a body nothing has to become of it, but a multipart would never be closed */
	if (reason == ZG_R_NONE)
		reason = treat(message, config);
	return reason == ZG_R_NONE && t->multipart ? ZG_R_SMTP_BOUNDARY : reason;
}

void zg_textify_tick(struct zg_message *message)
{
	zg_link_tick(&message->link);
	if (message->textify.wait > 0)
		message->textify.wait--;
}

/* The first character of a group may be the one that has the bits of a letter. */
static bool begins_letter(const struct zg_message *m)
{
	return m->header.encoding == ZG_ENCODING_BASE64 && m->b64.n == 1 &&
	       zg_link_wants(&m->link, (uint8_t)(m->b64.bits << 2 & 0xFF));
}

static size_t body_held(const struct zg_message *m)
{
	const size_t letters = zg_link_held(&m->link);

	if (m->textify.treatment == ZG_TREAT_BLANK) /* padding may come */
		return m->header.encoding == ZG_ENCODING_BASE64 && m->b64.n >= 2 && m->textify.shown_at < m->textify.shown_len;
	if (letters > 0 || !stays(m))
		return letters;
	if (m->textify.treatment == ZG_TREAT_HTML && zg_textify_html_held(m) > 0)
		return zg_textify_html_held(m);
	return begins_letter(m);
}

size_t zg_textify_held(const struct zg_message *message)
{
	return message->body ? body_held(message) : message->textify.field.held;
}

void zg_textify_settle(struct zg_message *message)
{
	zg_link_release(&message->link);
	zg_field_release(&message->textify.field);
}
