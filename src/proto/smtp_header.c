/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/smtp_header.h"

#include "proto/ascii.h"
#include "proto/octets.h"

enum stage { LINE_BEGIN = 0, NAME, BODY };

enum field {
	F_MIME_VERSION,
	F_CONTENT_TYPE,
	F_ENCODING,
	F_DISPOSITION,
	F_LANGUAGE,
	F_UNDERSTOOD, /* the rows before are read, the rest only counted */
	F_FIRST_COUNTED = F_UNDERSTOOD,
	F_MESSAGE_ID,
	F_SUBJECT,
	F_COVERED = 0xFE,
	F_NONE = 0xFF,
};

/* Fields that may be there once (RFC 5322 3.6, RFC 2045). */
static const char *const once[] = {
	[F_MIME_VERSION] = "mime-version",
	[F_CONTENT_TYPE] = "content-type",
	[F_ENCODING] = "content-transfer-encoding",
	[F_DISPOSITION] = "content-disposition",
	[F_LANGUAGE] = "content-language",
	[F_FIRST_COUNTED] = "from",
	[F_MESSAGE_ID] = "message-id",
	[F_SUBJECT] = "subject",
	"sender",
	"reply-to",
	"to",
	"cc",
	"bcc",
	"in-reply-to",
	"references",
	"date",
};

/* Fields that say something about the content besides; only where their values are covered. */
static const char *const covered[] = { "content-id",	   "content-description", "content-location",
				       "content-base",	   "content-md5",	  "content-class",
				       "content-duration", "content-features" };

/* Beginnings of names that make some reader see another body: every other Content-* and what looks like one; RFC 1505;
 * Sun's attachments; the note of a detached attachment that Thunderbird turns into a link. */
static const char *const forbidden[] = { "content", "mime", "encoding", "x-sun-", "x-mozilla-" };

#define N(table) (sizeof(table) / sizeof *(table))

void zg_header_begin(struct zg_header *ret_header)
{
	*ret_header = (struct zg_header){ .stage = LINE_BEGIN, .field = F_NONE };
}

enum zg_field_kind zg_header_rewritten(const struct zg_header *header)
{
	if (!header->rewritten)
		return ZG_FIELD_NONE;
	switch ((enum field)header->field) {
	case F_MIME_VERSION:
		return ZG_FIELD_VERSION;
	case F_CONTENT_TYPE:
		return ZG_FIELD_TYPE;
	case F_DISPOSITION:
		return ZG_FIELD_DISPOSITION;
	case F_COVERED:
		return ZG_FIELD_COVERED;
	default:
		return ZG_FIELD_NONE;
	}
}

bool zg_header_in_message_id(const struct zg_header *header)
{
	return header->stage == BODY && header->field == F_MESSAGE_ID;
}

bool zg_header_at_line(const struct zg_header *header)
{
	return header->stage == LINE_BEGIN;
}

static bool name_begins(const struct zg_header *h, const char *prefix)
{
	size_t n = strlen(prefix);
	return h->name_len >= n && memcmp(h->name, prefix, n) == 0;
}

/* The colon after a name. */
static enum zg_reason name_over(struct zg_header *h)
{
	if (h->name_len == 0)
		return ZG_R_SMTP_HEADER_SYNTAX;
	h->stage = BODY;
	h->field = F_NONE;
	h->value_len = 0;
	h->fields++;
	zg_word_begin(&h->word);

	for (uint8_t i = 0; h->name_len <= ZG_HEADER_NAME_KEPT && i < N(once); i++) {
		if (!zg_ascii_equal(h->name, h->name_len, once[i]))
			continue;
		if (h->seen & 1u << i)
			return ZG_R_SMTP_HEADER_DUPLICATE;
		h->seen |= 1u << i;
		h->field = i;
		h->content |= name_begins(h, "content-");
		return ZG_R_NONE;
	}
	for (size_t i = 0; h->rewritten && h->name_len <= ZG_HEADER_NAME_KEPT && i < N(covered); i++) {
		if (zg_ascii_equal(h->name, h->name_len, covered[i])) {
			h->field = F_COVERED;
			h->content = 1;
			return ZG_R_NONE;
		}
	}
	for (size_t i = 0; i < N(forbidden); i++)
		if (name_begins(h, forbidden[i]))
			return ZG_R_SMTP_HEADER_FORBIDDEN;
	return ZG_R_NONE;
}

static enum zg_reason name_octet(struct zg_header *h, uint8_t octet)
{
	if (octet == ':')
		return name_over(h);
	/* what comes before a name that is looked for is passed over by some readers: quotes, '>' */
	if (!zg_ascii_visible(octet) || (h->name_len == 0 && !zg_ascii_alnum(octet)))
		return ZG_R_SMTP_HEADER_SYNTAX;
	if (h->name_len < ZG_HEADER_NAME_KEPT)
		h->name[h->name_len] = zg_ascii_lower(octet);
	if (h->name_len <= ZG_HEADER_NAME_KEPT)
		h->name_len++;
	return ZG_R_NONE;
}

const char *zg_header_check_tag(char *text)
{
	size_t n = 0;

	while (text[n] >= 0x20 && text[n] <= 0x7E)
		n++;
	return text[n] == '\0' && n > 0 && n <= ZG_SUBJECT_TAG_MAX && text[0] != ' ' ? NULL : "1 to 31 characters of ASCII, not a blank first";
}

/* The tag that is asked for; false: none is. */
static bool tag_wanted(const struct zg_smtp_config *config, const uint8_t **ret_tag, size_t *ret_len)
{
	struct zg_item_list cursor = { 0, 0 };

	return zg_item_list_next(config, &config->subject_tag, &cursor, ret_tag, ret_len);
}

static void tag_character(struct zg_header *h, const uint8_t *tag, size_t len, uint32_t ch)
{
	if (h->tag_at == len || h->tag_missed || (h->tag_at == 0 && (ch == ' ' || ch == '\t')))
		return;
	if (ch == tag[h->tag_at])
		h->tag_at++;
	else
		h->tag_missed = 1;
}

/* What the last octet shows of the subject. */
static void subject(struct zg_header *h, const struct zg_smtp_config *config)
{
	const uint8_t *tag;
	size_t len;

	if (!tag_wanted(config, &tag, &len))
		return;
	if (h->word.equals_shown)
		tag_character(h, tag, len, '=');
	if (h->word.shown != ZG_WORD_NOTHING)
		tag_character(h, tag, len, h->word.shown);
}

static bool tagged(const struct zg_header *h, const struct zg_smtp_config *config)
{
	const uint8_t *tag;
	size_t len;

	return !tag_wanted(config, &tag, &len) || h->tag_at == len;
}

static enum zg_reason counted_octet(struct zg_header *h, const struct zg_smtp_config *config, uint8_t octet)
{
	const enum zg_reason reason = zg_word_feed(&h->word, config->charsets, octet);

	if (h->field == F_SUBJECT)
		subject(h, config);
	return reason;
}

static enum zg_reason body_octet(struct zg_header *h, const struct zg_smtp_config *config, uint8_t octet)
{
	if (!zg_ascii_visible(octet) && !zg_ascii_blank(octet))
		return ZG_R_SMTP_HEADER_SYNTAX;
	h->blank &= zg_ascii_blank(octet);
	if (h->field == F_COVERED)
		return ZG_R_NONE;
	if (h->field >= F_UNDERSTOOD)
		return counted_octet(h, config, octet);
	if (h->value_len == ZG_SMTP_FIELD_MAX)
		return ZG_R_SMTP_HEADER_SIZE;
	h->value[h->value_len++] = octet;
	return ZG_R_NONE;
}

/* The field before this line is over. */
static enum zg_reason field_over(struct zg_header *h, const struct zg_smtp_config *config)
{
	enum field field = h->field;
	enum zg_charset charset;
	enum zg_encoding encoding;
	enum zg_reason reason = ZG_R_NONE;

	h->field = F_NONE;
	if (h->rewritten && (field == F_MIME_VERSION || field == F_CONTENT_TYPE || field == F_DISPOSITION))
		return ZG_R_NONE;
	switch (field) {
	case F_MIME_VERSION:
		return zg_mime_version(h->value, h->value_len) ? ZG_R_NONE : ZG_R_SMTP_MIME_VERSION;
	case F_CONTENT_TYPE:
		reason = zg_mime_content_type(h->value, h->value_len, config->charsets, &charset);
		if (reason == ZG_R_NONE)
			h->charset = (uint8_t)charset;
		return reason;
	case F_ENCODING:
		reason = zg_mime_encoding(h->value, h->value_len, &encoding);
		if (reason == ZG_R_NONE)
			h->encoding = (uint8_t)encoding;
		return reason;
	case F_DISPOSITION:
		return zg_mime_is(h->value, h->value_len, "inline") ? ZG_R_NONE : ZG_R_SMTP_HEADER_FORBIDDEN;
	case F_LANGUAGE:
		return zg_mime_language(h->value, h->value_len) ? ZG_R_NONE : ZG_R_SMTP_HEADER_SYNTAX;
	default:
		return ZG_R_NONE;
	}
}

/* What the fields say together. */
static enum zg_reason together(const struct zg_header *h, const struct zg_smtp_config *config)
{
	if (h->content && !h->part && !(h->seen & 1u << F_MIME_VERSION))
		return ZG_R_SMTP_MIME_VERSION;
	if (!h->part && !tagged(h, config))
		return ZG_R_SMTP_SUBJECT;
	if (h->rewritten)
		return ZG_R_NONE;
	if (!(config->charsets & 1u << h->charset)) /* us-ascii that nobody named */
		return ZG_R_SMTP_CHARSET;
	if (h->charset == ZG_CHARSET_ISO_2022_JP && h->encoding == ZG_ENCODING_8BIT) /* RFC 1468: a 7-bit charset */
		return ZG_R_SMTP_ENCODING;
	return ZG_R_NONE;
}

static enum zg_reason line_begin(struct zg_header *h, const struct zg_smtp_config *config, uint8_t octet)
{
	h->blank = 1;
	h->continuation = zg_ascii_blank(octet);
	if (h->continuation) {
		h->stage = BODY;
		return h->fields > 0 ? body_octet(h, config, octet) : ZG_R_SMTP_HEADER_SYNTAX;
	}
	enum zg_reason reason = field_over(h, config);
	if (reason != ZG_R_NONE)
		return reason;
	h->stage = NAME;
	h->name_len = 0;
	return name_octet(h, octet);
}

enum zg_reason zg_header_octet(struct zg_header *header, const struct zg_smtp_config *config, uint8_t octet)
{
	if (header->octets == ZG_SMTP_HEADER_MAX)
		return ZG_R_SMTP_HEADER_SIZE;
	header->octets++;
	switch ((enum stage)header->stage) {
	case LINE_BEGIN:
		return line_begin(header, config, octet);
	case NAME:
		return name_octet(header, octet);
	case BODY:
		break;
	}
	return body_octet(header, config, octet);
}

/* Body of a field that is only counted, but for '=', with which an encoded word may begin */
#define ORDINARY(v) (ZG_PRINTABLE_OR_TAB(v) & ((v) != '='))

size_t zg_header_block(struct zg_header *header, const struct zg_smtp_config *config,
		       const uint8_t block[static ZG_RD_BLOCK])
{
	if (header->stage != BODY || header->field < F_UNDERSTOOD || header->field == F_SUBJECT || !zg_word_outside(&header->word) ||
	    header->octets >= ZG_SMTP_HEADER_MAX)
		return 0;
	const struct zg_octets octets = zg_octets_load(block);
	size_t n = zg_bits_first(~ZG_OCTETS_EACH(&octets, ORDINARY)), room = ZG_SMTP_HEADER_MAX - header->octets;
	n = n < room ? n : room;
	if (n == 0)
		return 0;
	for (size_t i = 0; i < n && header->blank; i++)
		header->blank = zg_ascii_blank(block[i]);
	(void)zg_word_feed(&header->word, config->charsets, block[n - 1]);
	header->octets += (uint32_t)n;
	return n;
}

enum zg_reason zg_header_line_end(struct zg_header *header, const struct zg_smtp_config *config, bool *ret_over)
{
	enum stage stage = header->stage;

	header->octets += 2;
	header->stage = LINE_BEGIN;
	if (stage == LINE_BEGIN) {
		*ret_over = true;
		return zg_header_cut(header, config);
	}
	*ret_over = false;
	if (stage == NAME)
		return ZG_R_SMTP_HEADER_SYNTAX;
	if (header->continuation && header->blank) /* some readers take it for the end of the header */
		return ZG_R_SMTP_HEADER_SYNTAX;
	return zg_word_line_end(&header->word);
}

enum zg_reason zg_header_cut(struct zg_header *header, const struct zg_smtp_config *config)
{
	enum zg_reason reason = field_over(header, config);
	if (reason != ZG_R_NONE)
		return reason;
	if (header->fields == 0) /* some readers skip empty lines before a header */
		return ZG_R_SMTP_HEADER_SYNTAX;
	return together(header, config);
}
