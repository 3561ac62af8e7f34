/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/smtp_command.h"

#include "proto/ascii.h"
#include "proto/smtp_domain.h"
#include "zonegate/limits.h"

enum stage { VERB = 0, DOMAIN, KEYWORD, PATH, PARAMETERS, NO_ARGUMENT, LF };

static const struct {
	const char *word;
	enum stage after;    /* the verb */
	const char *keyword; /* between verb and path */
} verbs[ZG_VERB_COMMANDS] = {
	[ZG_VERB_HELO] = { "helo", DOMAIN, NULL },	[ZG_VERB_EHLO] = { "ehlo", DOMAIN, NULL },
	[ZG_VERB_MAIL] = { "mail", KEYWORD, "from:" },	[ZG_VERB_RCPT] = { "rcpt", KEYWORD, "to:" },
	[ZG_VERB_DATA] = { "data", NO_ARGUMENT, NULL }, [ZG_VERB_RSET] = { "rset", NO_ARGUMENT, NULL },
	[ZG_VERB_NOOP] = { "noop", NO_ARGUMENT, NULL }, [ZG_VERB_QUIT] = { "quit", NO_ARGUMENT, NULL },
};

#define VERB_LEN 4 /* of all of them */

void zg_command_begin(struct zg_command *ret_command)
{
	*ret_command = (struct zg_command){ .stage = VERB };
}

/* A letter of the verb: some verb has to begin like this. */
static bool verb_letter(struct zg_command *c, uint8_t octet)
{
	c->letters[c->at++] = zg_ascii_lower(octet);
	for (uint8_t v = 0; v < ZG_VERB_COMMANDS; v++) {
		if (memcmp(verbs[v].word, c->letters, c->at) == 0) {
			c->verb = v;
			return true;
		}
	}
	return false;
}

/* What follows a whole verb, CR excepted. */
static bool verb_over(struct zg_command *c, uint8_t octet)
{
	c->stage = (uint8_t)verbs[c->verb].after;
	c->at = 0;
	if (c->verb == ZG_VERB_MAIL || c->verb == ZG_VERB_RCPT)
		zg_path_begin(&c->path, c->verb == ZG_VERB_MAIL ? ZG_PATH_REVERSE : ZG_PATH_FORWARD);
	return octet == ' ' && c->stage != NO_ARGUMENT;
}

static bool keyword_octet(struct zg_command *c, uint8_t octet)
{
	const char *keyword = verbs[c->verb].keyword;
	if (zg_ascii_lower(octet) != (uint8_t)keyword[c->at])
		return false;
	if (keyword[++c->at] == '\0')
		c->stage = PATH;
	return true;
}

static enum zg_reason path_octet(struct zg_command *c, const struct zg_smtp_config *config, uint8_t octet)
{
	if (!zg_path_feed(&c->path, octet))
		return ZG_R_SMTP_COMMAND_SYNTAX;
	if (!zg_path_whole(&c->path))
		return ZG_R_NONE;
	c->stage = PARAMETERS;
	if (c->verb == ZG_VERB_MAIL)
		return zg_smtp_domain_listed(config, &config->sender_domains, &c->path) ? ZG_R_NONE : ZG_R_SMTP_SENDER;
	return zg_smtp_domain_listed(config, &config->recipient_domains, &c->path) ? ZG_R_NONE : ZG_R_SMTP_RECIPIENT;
}

/* CR: the command has to be whole. */
static enum zg_reason line_over(struct zg_command *c)
{
	switch ((enum stage)c->stage) {
	case VERB:
		if (c->at < VERB_LEN)
			return ZG_R_SMTP_COMMAND;
		return verbs[c->verb].after == NO_ARGUMENT ? ZG_R_NONE : ZG_R_SMTP_COMMAND_SYNTAX;
	case DOMAIN:
		return zg_domain_whole(&c->domain) ? ZG_R_NONE : ZG_R_SMTP_COMMAND_SYNTAX;
	case PARAMETERS:
		return zg_parameter_end(c);
	default:
		return ZG_R_SMTP_COMMAND_SYNTAX;
	}
}

static enum zg_reason within(struct zg_command *c, const struct zg_smtp_config *config, unsigned offers, uint8_t octet)
{
	bool ok = false;
	switch ((enum stage)c->stage) {
	case VERB:
		if (c->at < VERB_LEN)
			return verb_letter(c, octet) ? ZG_R_NONE : ZG_R_SMTP_COMMAND;
		if (octet != ' ')
			return ZG_R_SMTP_COMMAND;
		ok = verb_over(c, octet);
		break;
	case DOMAIN:
		ok = zg_domain_feed(&c->domain, octet);
		break;
	case KEYWORD:
		ok = keyword_octet(c, octet);
		break;
	case PATH:
		return path_octet(c, config, octet);
	case PARAMETERS:
		return zg_parameter_octet(c, config, offers, octet);
	case NO_ARGUMENT:
	case LF:
		break;
	}
	return ok ? ZG_R_NONE : ZG_R_SMTP_COMMAND_SYNTAX;
}

enum zg_command_step zg_command_octet(struct zg_command *command, const struct zg_smtp_config *config, unsigned offers,
				      uint8_t octet, enum zg_reason *ret_reason)
{
	bool verb = command->stage == VERB && command->at == VERB_LEN;
	enum zg_reason reason;

	if (command->stage == LF) {
		if (octet == '\n')
			return ZG_COMMAND_END;
		reason = ZG_R_SMTP_LINE_END;
	} else if (octet == '\r') {
		reason = line_over(command);
		command->stage = LF;
	} else if (octet == '\n' || octet == '\0') {
		reason = ZG_R_SMTP_LINE_END;
	} else if (command->octets == ZG_SMTP_COMMAND_MAX - 2) {
		reason = ZG_R_SMTP_COMMAND_LENGTH;
	} else {
		command->octets++;
		reason = within(command, config, offers, octet);
	}
	if (reason == ZG_R_NONE)
		return verb ? ZG_COMMAND_VERB : ZG_COMMAND_MORE;
	*ret_reason = reason;
	return ZG_COMMAND_BAD;
}
