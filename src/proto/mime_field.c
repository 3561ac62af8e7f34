/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/mime_field.h"

#include "proto/ascii.h"
#include "zonegate/limits.h"

enum stage { LEAD = 0, TOKEN, AFTER, NAME_LEAD, NAME, VALUE_BEGIN, VALUE };

static const char plain[] = "text/plain", multipart[] = "multipart/", mixed[] = "mixed", inlined[] = "inline";

#define N(word) (sizeof(word) - 1)

#define CHARSET_MAX (ZG_HELD_REWRITE - N("charset=") - 1) /* octets: can be held with its name and a quote */

enum { MAY_BE_PLAIN = 1, MAY_BE_MULTIPART = 2 };

/* Parameters that stay. */
enum kept { KEPT_CHARSET, KEPT_FORMAT, KEPT_BOUNDARY, KEPT_COUNT, KEPT_NONE = 0xFF };
static const struct {
	const char *name;
	uint8_t media; /* bit per enum zg_media */
} kept[KEPT_COUNT] = {
	[KEPT_CHARSET] = { "charset", 1u << ZG_MEDIA_PLAIN | 1u << ZG_MEDIA_HTML },
	[KEPT_FORMAT] = { "format", 1u << ZG_MEDIA_PLAIN },
	[KEPT_BOUNDARY] = { "boundary", 1u << ZG_MEDIA_MIXED | 1u << ZG_MEDIA_ALTERNATIVE },
};

void zg_field_begin(struct zg_field *ret_field, enum zg_field_kind kind)
{
	*ret_field = (struct zg_field){ .kind = (uint8_t)kind, .letter = 'a' - 1, .may = MAY_BE_PLAIN | MAY_BE_MULTIPART };
}

static void forget_held(struct zg_field *f)
{
	f->held = 0;
	f->spare = 0;
}

void zg_field_release(struct zg_field *field)
{
	forget_held(field);
	field->released = 1;
}

static void word_begin(struct zg_field *f)
{
	f->len = 0;
}

static void word_octet(struct zg_field *f, uint8_t octet)
{
	if (f->len < ZG_FIELD_WORD_MAX)
		f->word[f->len] = zg_ascii_lower(octet);
	if (f->len < UINT16_MAX)
		f->len++;
}

static bool word_is(const struct zg_field *f, const char *word)
{
	return f->len <= ZG_FIELD_WORD_MAX && zg_ascii_equal(f->word, f->len, word);
}

/* --- the type ------------------------------------------------------------------------------------- */

/* The n octets before the one that in shows become the beginning of text/plain. */
static bool become_plain(const struct zg_field *f, struct zg_rw *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (f->word[i] != (uint8_t)plain[i] && !zg_rw_amend(in, n - i, (uint8_t)plain[i]))
			return false;
	return true;
}

static enum zg_reason type_octet(struct zg_field *f, struct zg_rw *in, uint8_t *octet)
{
	const size_t at = f->len;
	const uint8_t lower = zg_ascii_lower(*octet), before = f->may;

	f->slashes = (uint8_t)(f->slashes + (lower == '/' && f->slashes < 2));
	word_octet(f, lower);
	if (at >= N(plain) || lower != (uint8_t)plain[at])
		f->may &= (uint8_t)~MAY_BE_PLAIN;
	if (at < N(multipart) && lower != (uint8_t)multipart[at])
		f->may &= (uint8_t)~MAY_BE_MULTIPART;
	if (f->may == 0) {
		/* beyond its length text/plain stands there already */
		if (before != 0 && at < N(plain) && !become_plain(f, in, at))
			return ZG_R_SMTP_IN_PLACE;
		*octet = at < N(plain) ? (uint8_t)plain[at] : ' ';
	} else if (f->may == MAY_BE_MULTIPART && at >= N(multipart)) {
		*octet = at - N(multipart) < N(mixed) ? (uint8_t)mixed[at - N(multipart)] : ' ';
	}
	f->held = at + 1 < N(plain) && !f->released ? (uint8_t)(f->spare + at + 1) : 0;
	return ZG_R_NONE;
}

/* A type that is shorter than text/plain takes the blank before it, or the ';' behind it, or both. */
static enum zg_reason stretch(struct zg_field *f, struct zg_rw *in, uint8_t *octet)
{
	const size_t missing = N(plain) - f->len;
	const bool back = f->spare, on = missing > (size_t)back && *octet == ';';

	if (missing != (size_t)back + on)
		return ZG_R_SMTP_IN_PLACE;
	for (size_t i = 0; back && i < N(plain) - on; i++)
		if (!zg_rw_amend(in, N(plain) - on - i, (uint8_t)plain[i]))
			return ZG_R_SMTP_IN_PLACE;
	if (on)
		*octet = (uint8_t)plain[N(plain) - 1];
	f->owed = on;
	return ZG_R_NONE;
}

/* What the administrator may want to have treated otherwise than a file. A type that ends with its slash is all of these. */
static const struct {
	const char *type;
	enum zg_part_kind kind;
} kinds[] = {
	{ "image/", ZG_PART_IMAGE },
	{ "text/calendar", ZG_PART_CALENDAR },
	{ "text/x-vcalendar", ZG_PART_CALENDAR },
	{ "application/ics", ZG_PART_CALENDAR },
	{ "application/ms-tnef", ZG_PART_TNEF },
	{ "application/vnd.ms-tnef", ZG_PART_TNEF },
	{ "application/pkcs7-mime", ZG_PART_SIGNED },
	{ "application/x-pkcs7-mime", ZG_PART_SIGNED },
	{ "application/pkcs7-signature", ZG_PART_SIGNED },
	{ "application/x-pkcs7-signature", ZG_PART_SIGNED },
	{ "application/pgp-signature", ZG_PART_SIGNED },
	{ "application/pgp-encrypted", ZG_PART_SIGNED },
	{ "multipart/signed", ZG_PART_SIGNED },
	{ "multipart/encrypted", ZG_PART_SIGNED },
	{ "message/", ZG_PART_MESSAGE },
};

static enum zg_part_kind kind_of(const struct zg_field *f)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const size_t n = strlen(kinds[i].type);
		if (kinds[i].type[n - 1] == '/' ? f->len > n && memcmp(f->word, kinds[i].type, n) == 0 : word_is(f, kinds[i].type))
			return kinds[i].kind;
	}
	return ZG_PART_OTHER;
}

/* *octet is what follows the type. */
static enum zg_reason type_over(struct zg_field *f, struct zg_media_type *type, struct zg_rw *in, uint8_t *octet)
{
	const bool container = f->may == MAY_BE_MULTIPART && f->len >= N(multipart);

	if (f->slashes != 1 || f->word[0] == '/' || (f->len <= ZG_FIELD_WORD_MAX && f->word[f->len - 1] == '/'))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	if (container && f->len < N(multipart) + N(mixed))
		return ZG_R_SMTP_IN_PLACE;
	if (container)
		type->media = word_is(f, "multipart/alternative") ? ZG_MEDIA_ALTERNATIVE : ZG_MEDIA_MIXED;
	else if (word_is(f, plain))
		type->media = ZG_MEDIA_PLAIN;
	else
		type->media = word_is(f, "text/html") ? ZG_MEDIA_HTML : ZG_MEDIA_OTHER;
	type->kind = (uint8_t)kind_of(f);
	f->held = 0;
	return f->len < N(plain) ? stretch(f, in, octet) : ZG_R_NONE;
}

/* --- the disposition -------------------------------------------------------------------------------- */

static void disposition_octet(struct zg_field *f, uint8_t *octet)
{
	const size_t at = f->len;

	word_octet(f, *octet);
	*octet = at < N(inlined) ? (uint8_t)inlined[at] : ' ';
}

static enum zg_reason disposition_over(const struct zg_field *f, struct zg_media_type *type)
{
	type->attachment = !word_is(f, inlined);
	return f->len < N(inlined) ? ZG_R_SMTP_IN_PLACE : ZG_R_NONE;
}

static enum zg_reason token_over(struct zg_field *f, struct zg_media_type *type, struct zg_rw *in, uint8_t *octet)
{
	f->stage = *octet == ';' ? NAME_LEAD : AFTER;
	return f->kind == ZG_FIELD_TYPE ? type_over(f, type, in, octet) : disposition_over(f, type);
}

/* --- the version ------------------------------------------------------------------------------------ */

/* "1.0", and blanks over the comment that Apple's mailers write behind it, which may not be folded. */
static enum zg_reason version_octet(struct zg_field *f, uint8_t *octet)
{
	static const char one[] = "1.0";

	if (f->stage == AFTER) {
		*octet = ' ';
		return f->fold ? ZG_R_SMTP_MIME_VERSION : ZG_R_NONE;
	}
	f->fold = 0;
	if (zg_ascii_blank(*octet) && f->len == 0)
		return ZG_R_NONE;
	if (zg_ascii_blank(*octet) && f->len == N(one)) {
		f->stage = AFTER;
		return ZG_R_NONE;
	}
	if (f->len == N(one) || *octet != (uint8_t)one[f->len])
		return ZG_R_SMTP_MIME_VERSION;
	f->len++;
	return ZG_R_NONE;
}

static enum zg_reason version_line_end(struct zg_field *f)
{
	if (f->stage != AFTER && f->len > 0 && f->len < 3)
		return ZG_R_SMTP_MIME_VERSION;
	f->stage = f->len > 0 ? AFTER : LEAD;
	return ZG_R_NONE;
}

/* --- parameters --------------------------------------------------------------------------------------- */

static uint8_t kept_by_letter(const struct zg_field *f, const struct zg_media_type *type, uint8_t first)
{
	for (uint8_t i = 0; f->kind == ZG_FIELD_TYPE && i < KEPT_COUNT; i++)
		if ((kept[i].media & 1u << type->media) && (uint8_t)kept[i].name[0] == zg_ascii_lower(first))
			return i;
	return KEPT_NONE;
}

/* The n octets of a charset and its name may become letters when it is over; longer than can be held it is refused. */
static void hold_charset(struct zg_field *f, size_t n)
{
	f->held = f->kept == KEPT_CHARSET && !f->released && n <= ZG_HELD_REWRITE ? (uint8_t)n : 0;
}

/* A parameter whose name begins like one that stays is that one, or refused: its letters are on their way. */
static enum zg_reason name_octet(struct zg_field *f, struct zg_media_type *type, uint8_t *octet)
{
	const uint8_t lower = zg_ascii_lower(*octet);

	if (*octet == '=') {
		f->stage = VALUE_BEGIN;
		hold_charset(f, f->len + 1u);
		if (f->len == 0)
			return ZG_R_SMTP_CONTENT_SYNTAX;
		if (f->kept == KEPT_NONE) {
			zg_file_name_begin(&type->name, f->word, f->len <= ZG_FIELD_WORD_MAX ? f->len : 0);
			return ZG_R_NONE;
		}
		return kept[f->kept].name[f->len] == '\0' ? ZG_R_NONE : ZG_R_SMTP_CONTENT_SYNTAX;
	}
	if (!zg_ascii_token(*octet))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	if (f->kept == KEPT_NONE)
		*octet = f->letter;
	else if (f->len > N("boundary") || (uint8_t)kept[f->kept].name[f->len] != lower)
		return ZG_R_SMTP_CONTENT_SYNTAX;
	word_octet(f, lower);
	hold_charset(f, f->len);
	return ZG_R_NONE;
}

/* Each parameter has a letter of its own: two of one name are two readings. False: there are too many. */
static bool next_letter(struct zg_field *f)
{
	if (f->letter == 'z')
		return false;
	do
		f->letter++; /* none that the name of one that stays begins with */
	while (f->letter == 'b' || f->letter == 'c' || f->letter == 'f');
	return true;
}

static enum zg_reason name_begin(struct zg_field *f, struct zg_media_type *type, uint8_t *octet)
{
	const bool fold = f->fold;

	f->fold = 0;
	if (zg_ascii_blank(*octet)) {
		if (f->owed && !fold) {
			*octet = ';';
			f->owed = 0;
		}
		return ZG_R_NONE;
	}
	f->stage = NAME;
	word_begin(f);
	f->kept = kept_by_letter(f, type, *octet);
	if (f->kept != KEPT_NONE) {
		if (f->owed)
			return ZG_R_SMTP_IN_PLACE;
		if (f->seen & 1u << f->kept)
			return ZG_R_SMTP_CONTENT_SYNTAX;
		f->seen |= (uint8_t)(1u << f->kept);
		return name_octet(f, type, octet);
	}
	if (!next_letter(f))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	if (!f->owed)
		return name_octet(f, type, octet);
	if (!zg_ascii_token(*octet))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	f->owed = 0;
	*octet = ';';
	return ZG_R_NONE;
}

/* bchars of RFC 2046 5.1.1 but for the colon: a line that begins like a delimiter goes on as it is, and no link shall. */
static bool boundary_octet(uint8_t c)
{
	return zg_ascii_alnum(c) || (c != '\0' && strchr("'()+_,-./=? ", c) != NULL);
}

static enum zg_reason value_octet(struct zg_field *f, struct zg_media_type *type, uint8_t *octet)
{
	if (*octet == '\\' || (!f->quoted && !zg_ascii_token(*octet)))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	word_octet(f, *octet);
	hold_charset(f, N("charset=") + f->quoted + f->len);
	if (f->kept == KEPT_NONE) {
		zg_file_name_octet(&type->name, *octet);
		*octet = f->letter;
		return ZG_R_NONE;
	}
	if (f->kept != KEPT_BOUNDARY)
		return zg_ascii_visible(*octet) ? ZG_R_NONE : ZG_R_SMTP_CONTENT_SYNTAX;
	if (!boundary_octet(*octet) || type->boundary_len == ZG_BOUNDARY_MAX)
		return ZG_R_SMTP_BOUNDARY;
	type->boundary[type->boundary_len++] = *octet;
	return ZG_R_NONE;
}

/* The same with a dot. */
static bool names_a_link(const struct zg_media_type *type)
{
	static const char www[] = "www.";

	for (unsigned i = 0; i + N(www) <= type->boundary_len; i++)
		if (zg_ascii_equal(type->boundary + i, N(www), www))
			return true;
	return false;
}

/* A charset that is not permitted says nothing about a part that becomes blanks: name and value become letters as well. in
 * shows what follows the value. Whether the part is text that stays says the whole header. */
static enum zg_reason cover_charset(struct zg_field *f, struct zg_media_type *type, struct zg_rw *in)
{
	const size_t name = f->len + f->quoted + 2u; /* its last letter, behind '=' */

	type->charset = ZG_CHARSET_COUNT;
	if (f->len > CHARSET_MAX)
		return ZG_R_SMTP_CHARSET;
	if (!next_letter(f))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	for (size_t i = 1; i <= f->len; i++)
		if (!zg_rw_amend(in, i, f->letter))
			return ZG_R_SMTP_CHARSET;
	for (size_t i = 0; i < N("charset"); i++)
		if (!zg_rw_amend(in, name + i, f->letter))
			return ZG_R_SMTP_CHARSET;
	return ZG_R_NONE;
}

static enum zg_reason value_over(struct zg_field *f, struct zg_media_type *type, uint32_t charsets, struct zg_rw *in)
{
	enum zg_charset charset;

	f->stage = AFTER;
	if (f->len == 0)
		return ZG_R_SMTP_CONTENT_SYNTAX;
	if (f->kept == KEPT_FORMAT)
		return word_is(f, "flowed") || word_is(f, "fixed") ? ZG_R_NONE : ZG_R_SMTP_CONTENT_SYNTAX;
	if (f->kept == KEPT_BOUNDARY && (names_a_link(type) || type->boundary[type->boundary_len - 1] == ' ')) /* RFC 2046 5.1.1 */
		return ZG_R_SMTP_BOUNDARY;
	if (f->kept != KEPT_CHARSET)
		return ZG_R_NONE;
	f->held = 0;
	if (f->len > ZG_FIELD_WORD_MAX || !zg_charset_by_name(f->word, f->len, &charset) || !(charsets & 1u << charset))
		return cover_charset(f, type, in);
	type->charset = (uint8_t)charset;
	return ZG_R_NONE;
}

static enum zg_reason after(struct zg_field *f, uint8_t octet)
{
	if (zg_ascii_blank(octet))
		return ZG_R_NONE;
	f->stage = NAME_LEAD;
	return octet == ';' && !f->owed ? ZG_R_NONE : ZG_R_SMTP_CONTENT_SYNTAX;
}

static enum zg_reason value(struct zg_field *f, struct zg_media_type *type, uint32_t charsets, struct zg_rw *in, uint8_t *octet)
{
	enum zg_reason reason;

	if (f->quoted && *octet != '"')
		return value_octet(f, type, octet);
	if (!f->quoted && *octet != ';' && !zg_ascii_blank(*octet))
		return value_octet(f, type, octet);
	reason = value_over(f, type, charsets, in);
	if (reason != ZG_R_NONE || f->quoted)
		return reason;
	return after(f, *octet);
}

/* --- the field ------------------------------------------------------------------------------------------- */

static enum zg_reason lead(struct zg_field *f, struct zg_rw *in, uint8_t *octet)
{
	if (zg_ascii_blank(*octet)) {
		f->spare = !f->fold; /* a continuation line keeps its first blank */
		f->held = f->spare;
		f->fold = 0;
		return ZG_R_NONE;
	}
	if (!zg_ascii_token(*octet))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	f->stage = TOKEN;
	if (f->kind == ZG_FIELD_TYPE)
		return type_octet(f, in, octet);
	f->held = 0;
	disposition_octet(f, octet);
	return ZG_R_NONE;
}

static enum zg_reason token(struct zg_field *f, struct zg_media_type *type, struct zg_rw *in, uint8_t *octet)
{
	const bool slash = f->kind == ZG_FIELD_TYPE && *octet == '/';

	if (*octet == ';' || zg_ascii_blank(*octet))
		return token_over(f, type, in, octet);
	if (!slash && !zg_ascii_token(*octet))
		return ZG_R_SMTP_CONTENT_SYNTAX;
	if (f->kind == ZG_FIELD_TYPE)
		return type_octet(f, in, octet);
	disposition_octet(f, octet);
	return ZG_R_NONE;
}

enum zg_reason zg_field_octet(struct zg_field *field, struct zg_media_type *type, uint32_t charsets, struct zg_rw *in,
			      uint8_t *octet)
{
	const bool fold = field->fold;

	if (field->kind == ZG_FIELD_COVERED) {
		*octet = zg_ascii_blank(*octet) ? *octet : 'x';
		return ZG_R_NONE;
	}
	if (field->kind == ZG_FIELD_VERSION)
		return version_octet(field, octet);
	switch ((enum stage)field->stage) {
	case LEAD:
		return lead(field, in, octet);
	case TOKEN:
		return token(field, type, in, octet);
	case AFTER:
		return after(field, *octet);
	case NAME_LEAD:
		return name_begin(field, type, octet);
	case NAME:
		return name_octet(field, type, octet);
	case VALUE_BEGIN:
		field->stage = VALUE;
		field->quoted = *octet == '"';
		word_begin(field);
		hold_charset(field, N("charset=") + 1u);
		return field->quoted ? ZG_R_NONE : value_octet(field, type, octet);
	case VALUE:
		break;
	}
	field->fold = 0;
	if (fold && field->kept == KEPT_NONE) /* the blank of a fold within quotes stays */
		return ZG_R_NONE;
	return value(field, type, charsets, in, octet);
}

static enum zg_reason within_line_end(struct zg_field *f, struct zg_media_type *type, uint32_t charsets, struct zg_rw *in)
{
	uint8_t cr = '\r';

	if (f->kind == ZG_FIELD_COVERED)
		return ZG_R_NONE;
	if (f->kind == ZG_FIELD_VERSION)
		return version_line_end(f);
	switch ((enum stage)f->stage) {
	case TOKEN:
		return token_over(f, type, in, &cr);
	case VALUE:
		if (!f->quoted)
			return value_over(f, type, charsets, in);
		zg_file_name_fold(&type->name);
		return f->kept == KEPT_NONE ? ZG_R_NONE : ZG_R_SMTP_CONTENT_SYNTAX;
	case NAME:
	case VALUE_BEGIN:
		return ZG_R_SMTP_CONTENT_SYNTAX;
	case LEAD:
	case AFTER:
	case NAME_LEAD:
		break;
	}
	return ZG_R_NONE;
}

enum zg_reason zg_field_line_end(struct zg_field *field, struct zg_media_type *type, uint32_t charsets, struct zg_rw *in)
{
	const enum zg_reason reason = within_line_end(field, type, charsets, in);

	field->fold = 1;
	forget_held(field);
	return reason;
}

enum zg_reason zg_field_over(const struct zg_field *field, const struct zg_media_type *type)
{
	const bool container = type->media == ZG_MEDIA_MIXED || type->media == ZG_MEDIA_ALTERNATIVE;

	if (field->kind == ZG_FIELD_COVERED)
		return ZG_R_NONE;
	if (field->stage != AFTER)
		return field->kind == ZG_FIELD_VERSION ? ZG_R_SMTP_MIME_VERSION : ZG_R_SMTP_CONTENT_SYNTAX;
	if (field->kind == ZG_FIELD_TYPE && container && type->boundary_len == 0)
		return ZG_R_SMTP_BOUNDARY;
	return ZG_R_NONE;
}
