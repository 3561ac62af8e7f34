/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of MAIL and RCPT: SIZE (RFC 1870), BODY (RFC 6152), RET, ENVID, NOTIFY, ORCPT (RFC 3461). */
#include "proto/ascii.h"
#include "proto/smtp_command.h"

enum stage { OUTSIDE = 0, NAME, VALUE };
enum row { P_SIZE, P_BODY, P_RET, P_ENVID, P_NOTIFY, P_ORCPT, P_COUNT };

static const struct {
	const char *name;
	enum zg_verb verb;
	enum zg_offer offer; /* that permits it */
} rows[P_COUNT] = {
	[P_SIZE] = { "size", ZG_VERB_MAIL, ZG_OFFER_SIZE },    [P_BODY] = { "body", ZG_VERB_MAIL, ZG_OFFER_8BITMIME },
	[P_RET] = { "ret", ZG_VERB_MAIL, ZG_OFFER_DSN },       [P_ENVID] = { "envid", ZG_VERB_MAIL, ZG_OFFER_DSN },
	[P_NOTIFY] = { "notify", ZG_VERB_RCPT, ZG_OFFER_DSN }, [P_ORCPT] = { "orcpt", ZG_VERB_RCPT, ZG_OFFER_DSN },
};

static enum zg_reason verdict(bool ok)
{
	return ok ? ZG_R_NONE : ZG_R_SMTP_PARAMETER;
}

/* '=' after a name. */
static bool name_over(struct zg_parameter *p, enum zg_verb verb, unsigned offers)
{
	for (uint8_t i = 0; i < P_COUNT; i++) {
		if (!zg_ascii_equal(p->name, p->name_len, rows[i].name))
			continue;
		if (rows[i].verb != verb || !(offers & rows[i].offer) || (p->seen & 1u << i))
			return false;
		p->row = i;
		p->seen = (uint8_t)(p->seen | 1u << i);
		p->stage = VALUE;
		p->value_len = 0;
		p->number = 0;
		p->hex = 0;
		return true;
	}
	return false;
}

/* xtext of RFC 3461 4; what it encodes has to be printable as well. */
static bool xtext(struct zg_parameter *p, uint8_t octet)
{
	if (p->hex == 0) {
		p->hex = octet == '+';
		return p->hex || zg_ascii_visible_but(octet, "=");
	}
	int digit = zg_ascii_hex(octet);
	if (digit < 0)
		return false;
	if (p->hex == 1) {
		p->high = (uint8_t)digit;
		p->hex = 2;
		return true;
	}
	uint8_t encoded = (uint8_t)(p->high << 4 | digit);
	p->hex = 0;
	return encoded == ' ' || zg_ascii_visible(encoded);
}

/* ORCPT is type ";" xtext. */
static bool orcpt(struct zg_parameter *p, uint8_t octet)
{
	if (p->number > 0) {
		p->number = 2;
		return xtext(p, octet);
	}
	p->number = octet == ';';
	return p->number ? p->value_len > 0 : zg_ascii_alnum(octet) || octet == '-';
}

static enum zg_reason value_octet(struct zg_parameter *p, const struct zg_smtp_config *config, uint8_t octet)
{
	bool ok = false;
	switch ((enum row)p->row) {
	case P_SIZE:
		if (!zg_ascii_digit(octet) || p->value_len == ZG_SIZE_DIGITS_MAX)
			return ZG_R_SMTP_PARAMETER;
		p->number = p->number * 10 + (octet - '0');
		if (p->number > config->max_message)
			return ZG_R_SMTP_MESSAGE_SIZE;
		ok = true;
		break;
	case P_ENVID:
		ok = p->value_len < ZG_ENVID_MAX && xtext(p, octet);
		break;
	case P_ORCPT:
		ok = orcpt(p, octet);
		break;
	case P_BODY:
	case P_RET:
	case P_NOTIFY:
		ok = p->value_len < ZG_PARAMETER_VALUE_MAX && zg_ascii_visible(octet);
		if (ok)
			p->value[p->value_len] = octet;
		break;
	case P_COUNT:
		break;
	}
	p->value_len++;
	return verdict(ok);
}

/* NEVER, or a list of the others, each once. */
static bool notify(const struct zg_parameter *p)
{
	static const char *const words[] = { "success", "failure", "delay" };
	unsigned seen = 0;
	size_t begin = 0;

	if (zg_ascii_equal(p->value, p->value_len, "never"))
		return true;
	for (size_t i = 0; i <= p->value_len; i++) {
		if (i < p->value_len && p->value[i] != ',')
			continue;
		unsigned word = 0;
		while (word < 3 && !zg_ascii_equal(p->value + begin, i - begin, words[word]))
			word++;
		if (word == 3 || (seen & 1u << word))
			return false;
		seen |= 1u << word;
		begin = i + 1;
	}
	return true;
}

static bool value_over(struct zg_command *c)
{
	struct zg_parameter *p = &c->parameter;
	switch ((enum row)p->row) {
	case P_SIZE:
		return p->value_len > 0;
	case P_BODY:
		c->seven_bit = zg_ascii_equal(p->value, p->value_len, "7bit");
		return c->seven_bit || zg_ascii_equal(p->value, p->value_len, "8bitmime");
	case P_RET:
		return zg_ascii_equal(p->value, p->value_len, "full") || zg_ascii_equal(p->value, p->value_len, "hdrs");
	case P_NOTIFY:
		return notify(p);
	case P_ENVID:
		return p->value_len > 0 && p->hex == 0;
	case P_ORCPT:
		return p->number == 2 && p->hex == 0;
	case P_COUNT:
		break;
	}
	return false;
}

enum zg_reason zg_parameter_octet(struct zg_command *command, const struct zg_smtp_config *config, unsigned offers,
				  uint8_t octet)
{
	struct zg_parameter *p = &command->parameter;
	switch ((enum stage)p->stage) {
	case OUTSIDE:
		p->stage = NAME;
		p->name_len = 0;
		return octet == ' ' ? ZG_R_NONE : ZG_R_SMTP_COMMAND_SYNTAX;
	case NAME:
		if (octet == '=')
			return verdict(name_over(p, command->verb, offers));
		if (!zg_ascii_alnum(octet) || p->name_len == ZG_PARAMETER_NAME_MAX)
			return ZG_R_SMTP_PARAMETER;
		p->name[p->name_len++] = octet;
		return ZG_R_NONE;
	case VALUE:
		if (octet != ' ')
			return value_octet(p, config, octet);
		p->stage = NAME;
		p->name_len = 0;
		return verdict(value_over(command));
	}
	return ZG_R_SMTP_PARAMETER;
}

enum zg_reason zg_parameter_end(struct zg_command *command)
{
	switch ((enum stage)command->parameter.stage) {
	case OUTSIDE:
		return ZG_R_NONE;
	case VALUE:
		return verdict(value_over(command));
	case NAME:
		break;
	}
	return ZG_R_SMTP_PARAMETER;
}
