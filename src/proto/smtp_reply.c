/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/smtp_reply.h"

#include "proto/ascii.h"
#include "zonegate/limits.h"

enum stage { CODE = 0, SEPARATOR, TEXT, LF };
enum key_stage { KEYWORD = 0, ARGUMENT, HIDDEN };

#define CODES_MAX 2

/* The replies that let a command succeed; 4yz and 5yz may always come (RFC 5321 4.3.2). */
static const char *const success[ZG_VERB_COUNT][CODES_MAX] = {
	[ZG_VERB_HELO] = { "250" },	   [ZG_VERB_EHLO] = { "250" }, [ZG_VERB_MAIL] = { "250" },
	[ZG_VERB_RCPT] = { "250", "251" }, [ZG_VERB_DATA] = { "354" }, [ZG_VERB_RSET] = { "250" },
	[ZG_VERB_NOOP] = { "250" },	   [ZG_VERB_QUIT] = { "221" }, [ZG_VERB_GREETING] = { "220" },
	[ZG_VERB_END_OF_DATA] = { "250" }, [ZG_VERB_NONE] = { "421" }, /* the server gives up */
};

/* What an EHLO reply may offer. No keyword is the beginning of another, none begins with X or goes on with X, and no
 * other registered keyword is a beginning of one of these: a hidden line can never be taken for a keyword. */
static const struct {
	const char *word;
	enum zg_offer offer;
	bool argument; /* a number may follow */
} keywords[] = {
	{ "pipelining", ZG_OFFER_PIPELINING, false },	    { "size", ZG_OFFER_SIZE, true },
	{ "8bitmime", ZG_OFFER_8BITMIME, false },	    { "dsn", ZG_OFFER_DSN, false },
	{ "enhancedstatuscodes", ZG_OFFER_NOTHING, false }, { "help", ZG_OFFER_NOTHING, false },
};

#define N_KEYWORDS (sizeof keywords / sizeof *keywords)

void zg_reply_begin(struct zg_reply *ret_reply, enum zg_verb verb)
{
	*ret_reply = (struct zg_reply){ .verb = (uint8_t)verb, .stage = CODE };
}

unsigned zg_reply_code(const struct zg_reply *reply)
{
	return (reply->code[0] - '0') * 100u + (reply->code[1] - '0') * 10u + (reply->code[2] - '0');
}

static bool code_fits(const uint8_t *code, size_t n, enum zg_verb verb)
{
	for (int i = 0; i < CODES_MAX; i++)
		if (success[verb][i] != NULL && memcmp(success[verb][i], code, n) == 0)
			return true;
	return verb != ZG_VERB_NONE && (code[0] == '4' || code[0] == '5') &&
	       (n < 2 || (code[1] >= '0' && code[1] <= '5')) && (n < 3 || zg_ascii_digit(code[2]));
}

static bool code_digit(struct zg_reply *r, uint8_t octet)
{
	if (r->later && r->code[r->at] != octet) /* all lines of a reply have one code */
		return false;
	r->code[r->at++] = octet;
	if (r->at == sizeof r->code)
		r->stage = SEPARATOR;
	return code_fits(r->code, r->at, (enum zg_verb)r->verb);
}

static bool separator(struct zg_reply *r, uint8_t octet)
{
	r->more = octet == '-';
	r->stage = TEXT;
	r->key_stage = KEYWORD;
	r->key_at = 0;
	r->keywords = (1u << N_KEYWORDS) - 1;
	return octet == '-' || octet == ' ';
}

/* Row of the keyword that the line so far is, or -1. */
static int whole_keyword(const struct zg_reply *r)
{
	for (int i = 0; i < (int)N_KEYWORDS; i++)
		if ((r->keywords & 1u << i) && keywords[i].word[r->key_at] == '\0')
			return i;
	return -1;
}

/* One visible octet of a line after the first in the reply to EHLO: what goes on in its place. */
static uint8_t keyword_octet(struct zg_reply *r, uint8_t octet)
{
	int row;
	switch ((enum key_stage)r->key_stage) {
	case KEYWORD:
		row = octet == ' ' ? whole_keyword(r) : -1;
		if (row >= 0 && keywords[row].argument) {
			r->offers |= (uint8_t)keywords[row].offer;
			r->key_stage = ARGUMENT;
			return octet;
		}
		for (unsigned i = 0; i < N_KEYWORDS; i++)
			if ((r->keywords & 1u << i) && (uint8_t)keywords[i].word[r->key_at] != zg_ascii_lower(octet))
				r->keywords = (uint8_t)(r->keywords & ~(1u << i));
		if (r->keywords != 0) {
			r->key_at++;
			return octet;
		}
		break;
	case ARGUMENT:
		if (zg_ascii_digit(octet))
			return octet;
		break;
	case HIDDEN:
		break;
	}
	r->key_stage = HIDDEN;
	return 'X';
}

static bool is_keyword_line(const struct zg_reply *r)
{
	return r->verb == ZG_VERB_EHLO && r->later && r->code[0] == '2';
}

static bool text_over(struct zg_reply *r)
{
	if (r->stage == CODE)
		return false;
	if (is_keyword_line(r) && r->stage == TEXT && r->key_stage == KEYWORD) {
		int row = whole_keyword(r);
		if (row >= 0)
			r->offers |= (uint8_t)keywords[row].offer;
	}
	if (r->stage == SEPARATOR) /* "250" alone */
		r->more = 0;
	r->stage = LF;
	return true;
}

static bool text_octet(struct zg_reply *r, uint8_t *octet)
{
	if (!zg_ascii_visible(*octet) && !zg_ascii_blank(*octet))
		return false;
	if (is_keyword_line(r))
		*octet = keyword_octet(r, *octet);
	return true;
}

static enum zg_reply_step line_over(struct zg_reply *r)
{
	r->stage = CODE;
	r->at = 0;
	r->octets = 0;
	r->later = 1;
	return r->more ? ZG_REPLY_MORE : ZG_REPLY_END;
}

enum zg_reply_step zg_reply_octet(struct zg_reply *reply, uint8_t *octet, enum zg_reason *ret_reason)
{
	bool ok = false;
	*ret_reason = ZG_R_SMTP_LINE_END;
	if (reply->stage == LF)
		return *octet == '\n' ? line_over(reply) : ZG_REPLY_BAD;
	if (*octet == '\n' || *octet == '\0')
		return ZG_REPLY_BAD;
	*ret_reason = ZG_R_SMTP_REPLY;
	if (*octet == '\r')
		return text_over(reply) ? ZG_REPLY_MORE : ZG_REPLY_BAD;
	if (reply->octets++ == ZG_SMTP_REPLY_MAX - 2) {
		*ret_reason = ZG_R_SMTP_REPLY_LENGTH;
		return ZG_REPLY_BAD;
	}
	switch ((enum stage)reply->stage) {
	case CODE:
		ok = code_digit(reply, *octet);
		break;
	case SEPARATOR:
		ok = separator(reply, *octet);
		break;
	case TEXT:
		ok = text_octet(reply, octet);
		break;
	case LF:
		break;
	}
	return ok ? ZG_REPLY_MORE : ZG_REPLY_BAD;
}
