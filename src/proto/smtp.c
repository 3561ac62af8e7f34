/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smtp: mail as text (RFC 5321, RFC 2920; rules in zonegate-inspectors(7)). The dialogue: who may say what and when,
 * and which reply belongs to which command. An allow-list: what is not written here is refused.
 */
#include "proto/smtp.h"

#include "proto/smtp_domain.h"
#include "zonegate/inspector.h"

enum phase { COMMANDS = 0, MESSAGE, QUIT, DRAINING, DRAINED, REFUSED };

/* --- commands that wait for their reply ------------------------------------------------------- */

static enum zg_verb first_waiting(const struct zg_smtp_state *s)
{
	return s->waiting > 0 ? (enum zg_verb)s->queue[s->first] : ZG_VERB_NONE;
}

static enum zg_verb last_waiting(const struct zg_smtp_state *s)
{
	if (s->waiting == 0)
		return ZG_VERB_NONE;
	return (enum zg_verb)s->queue[(s->first + s->waiting - 1u) % ZG_SMTP_PIPELINE_MAX];
}

/* There is room: command_may_begin() has looked. */
static void wait_for_reply(struct zg_smtp_state *s, enum zg_verb verb)
{
	s->queue[(s->first + s->waiting) % ZG_SMTP_PIPELINE_MAX] = (uint8_t)verb;
	s->waiting++;
}

static void stop_waiting(struct zg_smtp_state *s)
{
	if (s->waiting == 0)
		return;
	s->first = (uint16_t)((s->first + 1u) % ZG_SMTP_PIPELINE_MAX);
	s->waiting--;
}

/* --- client ------------------------------------------------------------------------------------ */

/* Commands after which a client waits for the reply, pipelining or not (RFC 2920 3.1). */
static bool ends_group(enum zg_verb verb)
{
	switch (verb) {
	case ZG_VERB_GREETING:
	case ZG_VERB_HELO:
	case ZG_VERB_EHLO:
	case ZG_VERB_DATA:
	case ZG_VERB_NOOP:
	case ZG_VERB_QUIT:
		return true;
	default:
		return false;
	}
}

/* The first octet of a command line. */
static enum zg_reason command_may_begin(const struct zg_smtp_state *s)
{
	if (ends_group(last_waiting(s)))
		return ZG_R_SMTP_SEQUENCE;
	if (s->waiting > 0 && !(s->offers & ZG_OFFER_PIPELINING))
		return ZG_R_SMTP_PIPELINE;
	return s->waiting < ZG_SMTP_PIPELINE_MAX ? ZG_R_NONE : ZG_R_SMTP_PIPELINE;
}

/* The verb is known, its arguments are not. */
static enum zg_reason verb_may_come(const struct zg_smtp_state *s, const struct zg_smtp_config *config,
				    enum zg_verb verb)
{
	bool ok = true;
	if (!s->greeted && verb != ZG_VERB_QUIT) /* RFC 5321 3.1 */
		return ZG_R_SMTP_SEQUENCE;
	if (verb == ZG_VERB_MAIL)
		ok = s->hello && (!s->mail || s->mail_again);
	else if (verb == ZG_VERB_RCPT)
		ok = s->mail;
	else if (verb == ZG_VERB_DATA)
		ok = s->mail && s->recipients > 0;
	if (!ok)
		return ZG_R_SMTP_SEQUENCE;
	if (verb == ZG_VERB_RCPT && s->recipients >= config->max_recipients)
		return ZG_R_SMTP_RECIPIENTS;
	return ZG_R_NONE;
}

static void transaction_over(struct zg_smtp_state *s)
{
	s->mail = 0;
	s->mail_again = 0;
	s->seven_bit = 0;
	s->recipients = 0;
}

/* A whole command line went. */
static void command_sent(struct zg_smtp_state *s)
{
	enum zg_verb verb = (enum zg_verb)s->command.verb;

	s->within_command = 0;
	wait_for_reply(s, verb);
	switch (verb) {
	case ZG_VERB_HELO:
	case ZG_VERB_EHLO:
	case ZG_VERB_RSET:
		transaction_over(s);
		break;
	case ZG_VERB_MAIL:
		transaction_over(s);
		s->mail = 1;
		s->seven_bit = s->command.seven_bit;
		break;
	case ZG_VERB_RCPT:
		s->recipients++;
		break;
	case ZG_VERB_QUIT:
		s->phase = QUIT;
		break;
	default:
		break;
	}
}

static enum zg_reason command_octet(struct zg_smtp_state *s, const struct zg_smtp_config *config, uint8_t octet)
{
	enum zg_reason reason = ZG_R_NONE;
	if (!s->within_command) {
		reason = command_may_begin(s);
		if (reason != ZG_R_NONE)
			return reason;
		s->within_command = 1;
		zg_command_begin(&s->command);
	}
	switch (zg_command_octet(&s->command, config, s->offers, octet, &reason)) {
	case ZG_COMMAND_VERB:
		return verb_may_come(s, config, (enum zg_verb)s->command.verb);
	case ZG_COMMAND_END:
		command_sent(s);
		return ZG_R_NONE;
	case ZG_COMMAND_BAD:
		return reason;
	case ZG_COMMAND_MORE:
		break;
	}
	return ZG_R_NONE;
}

/* *ret_drain: the client goes on with the message and can be told at its end. */
static enum zg_reason message_octet(struct zg_smtp_state *s, const struct zg_smtp_config *config, struct zg_rw *in,
				    uint8_t *octet, bool *ret_drain)
{
	enum zg_reason reason = ZG_R_NONE;
	switch (zg_message_octet(&s->message, config, in, octet, &reason)) {
	case ZG_MESSAGE_END:
		s->note = s->message.textify.note;
		s->noted = s->note.parts > 0;
		s->phase = COMMANDS;
		transaction_over(s);
		wait_for_reply(s, ZG_VERB_END_OF_DATA);
		break;
	case ZG_MESSAGE_REFUSE:
		*ret_drain = true;
		break;
	case ZG_MESSAGE_BROKEN:
	case ZG_MESSAGE_MORE:
		break;
	}
	return reason;
}

static enum zg_reason client_octet(struct zg_smtp_state *s, const struct zg_smtp_config *config, struct zg_rw *in,
				   uint8_t *octet, bool *ret_drain)
{
	switch ((enum phase)s->phase) {
	case COMMANDS:
		return command_octet(s, config, *octet);
	case MESSAGE:
		return message_octet(s, config, in, octet, ret_drain);
	default:
		return ZG_R_SMTP_AFTER_QUIT;
	}
}

/* --- server ------------------------------------------------------------------------------------ */

static void hello_answered(struct zg_smtp_state *s, enum zg_verb verb)
{
	s->hello = 1;
	s->offers = verb == ZG_VERB_EHLO ? s->reply.offers : 0;
}

/* A whole reply went. */
static void reply_sent(struct zg_smtp_state *s, const struct zg_smtp_config *config)
{
	enum zg_verb verb = (enum zg_verb)s->reply.verb;
	unsigned code = zg_reply_code(&s->reply);
	bool success = code < 400;

	s->within_reply = 0;
	stop_waiting(s);
	s->silent = code == 421 || verb == ZG_VERB_QUIT;
	switch (verb) {
	case ZG_VERB_GREETING:
		s->greeted = success;
		break;
	case ZG_VERB_HELO:
	case ZG_VERB_EHLO:
		if (success)
			hello_answered(s, verb);
		break;
	case ZG_VERB_DATA:
		s->mail_again = !success;
		if (success) {
			s->phase = MESSAGE;
			zg_message_begin(&s->message, config, (s->offers & ZG_OFFER_8BITMIME) && !s->seven_bit);
		}
		break;
	case ZG_VERB_MAIL:
		s->mail_again |= !success;
		break;
	default:
		break;
	}
}

static enum zg_reason server_octet(struct zg_smtp_state *s, const struct zg_smtp_config *config, uint8_t *octet)
{
	enum zg_reason reason;
	if (s->silent)
		return ZG_R_SMTP_REPLY;
	if (!s->within_reply) {
		s->within_reply = 1;
		zg_reply_begin(&s->reply, first_waiting(s));
	}
	switch (zg_reply_octet(&s->reply, octet, &reason)) {
	case ZG_REPLY_END:
		reply_sent(s, config);
		break;
	case ZG_REPLY_BAD:
		return reason;
	case ZG_REPLY_MORE:
		break;
	}
	return ZG_R_NONE;
}

/* --- the record ---------------------------------------------------------------------------------- */

static void refuse(struct zg_smtp_state *s, enum zg_reason reason, bool drain, struct zg_answer *ret_answer)
{
	s->reason = (uint8_t)reason;
	s->phase = drain ? DRAINING : REFUSED;
	*ret_answer = (struct zg_answer){
		.say = ZG_SAY_DENY,
		.reason = reason,
		.refusal = ZG_REFUSAL_SMTP_554,
		.drain = drain,
	};
}

/* What comes after a refusal. Nothing of it passes. */
static void data_refused(struct zg_smtp_state *s, enum zg_dir dir, struct zg_rw *in, struct zg_answer *ret_answer)
{
	uint8_t octet;
	if (s->phase == REFUSED) {
		refuse(s, (enum zg_reason)s->reason, false, ret_answer);
		return;
	}
	for (; zg_rw_peek(in, &octet); zg_rw_advance(in))
		if (dir == ZG_CLIENT && s->phase == DRAINING && zg_message_drain(&s->message, octet) == ZG_MESSAGE_END)
			s->phase = DRAINED;
	*ret_answer = (struct zg_answer){ .say = s->phase == DRAINED ? ZG_SAY_DONE : ZG_SAY_MORE };
}

static void smtp_begin(void *state, const void *config)
{
	struct zg_smtp_state *s = state;
	(void)config;
	wait_for_reply(s, ZG_VERB_GREETING);
}

/* A message has ended in these octets, of which something is to be told. */
static void tell_note(struct zg_smtp_state *s, struct zg_answer *answer)
{
	if (s->noted)
		answer->note = &s->note;
	s->noted = 0;
}

static void smtp_data(void *state, const void *config, enum zg_dir dir, struct zg_rw *in, struct zg_answer *ret_answer)
{
	struct zg_smtp_state *s = state;
	bool span = dir == ZG_CLIENT; /* ordinary parts of a message may be taken at once */
	uint8_t octet;

	if (s->phase >= DRAINING) {
		data_refused(s, dir, in, ret_answer);
		return;
	}
	for (;; zg_rw_advance(in)) {
		bool drain = false;
		if (span && s->phase == MESSAGE && zg_rw_left(in) >= ZG_MESSAGE_SPAN_MIN)
			span = zg_message_span(&s->message, config, in);
		if (!zg_rw_peek(in, &octet))
			break;
		enum zg_reason reason =
			dir == ZG_CLIENT ? client_octet(s, config, in, &octet, &drain) : server_octet(s, config, &octet);
		if (reason != ZG_R_NONE) {
			refuse(s, reason, drain, ret_answer);
			tell_note(s, ret_answer);
			return;
		}
		zg_rw_replace(in, octet);
	}
	*ret_answer = (struct zg_answer){ .say = s->phase == QUIT && s->silent ? ZG_SAY_DONE : ZG_SAY_MORE };
	if (s->phase == MESSAGE)
		ret_answer->held[ZG_CLIENT] = zg_textify_held(&s->message);
	tell_note(s, ret_answer);
}

static void smtp_settle(void *state, enum zg_dir dir, struct zg_answer *ret_answer)
{
	struct zg_smtp_state *s = state;

	*ret_answer = (struct zg_answer){ .say = ZG_SAY_MORE };
	if (dir == ZG_CLIENT && s->phase == MESSAGE)
		zg_textify_settle(&s->message);
}

/* A client that ends within a message or a line is refused, so that the server sees a reset: some take an orderly end
 * of the connection for the end of data. */
static void smtp_end(void *state, const void *config, enum zg_dir dir, struct zg_answer *ret_answer)
{
	struct zg_smtp_state *s = state;
	(void)config;

	*ret_answer = (struct zg_answer){ .say = ZG_SAY_MORE };
	if (s->phase == REFUSED) {
		refuse(s, (enum zg_reason)s->reason, false, ret_answer);
	} else if (s->phase >= DRAINING) {
		s->phase = DRAINED;
		ret_answer->say = ZG_SAY_DONE;
	} else if (dir == ZG_CLIENT && s->phase == MESSAGE) {
		refuse(s, ZG_R_SMTP_END_OF_DATA, false, ret_answer);
	} else if (dir == ZG_CLIENT && s->within_command) {
		refuse(s, ZG_R_SMTP_COMMAND_SYNTAX, false, ret_answer);
	}
}

static const char *const modes[] = { [ZG_SMTP_VERIFY] = "verify", [ZG_SMTP_TEXTIFY] = "textify", NULL };
static const char *const attachments[] = { [ZG_SMTP_BLANK] = "blank", [ZG_SMTP_REFUSE] = "refuse", NULL };
static const char *const links[] = { [ZG_SMTP_LINKS_ALLOW] = "allow",
				     [ZG_SMTP_LINKS_DEFUSED] = "defused",
				     [ZG_SMTP_LINKS_REFUSE] = "refuse",
				     NULL };
static const char *const kind_rules[] = { [ZG_SMTP_KIND_AS_ATTACHMENTS] = "as-attachments",
					  [ZG_SMTP_KIND_BLANK] = "blank",
					  [ZG_SMTP_KIND_REFUSE] = "refuse",
					  NULL };

#define KIND_ITEM(key_, kind, help_)                                                                                         \
	{ .key = (key_),                                                                                                     \
	  .type = ZG_ITEM_ENUM,                                                                                              \
	  .offset = offsetof(struct zg_smtp_config, kinds[kind]),                                                            \
	  .preset = ZG_SMTP_KIND_AS_ATTACHMENTS,                                                                             \
	  .words = kind_rules,                                                                                               \
	  .help = (help_) }

static const struct zg_item items[] = {
	{ .key = "mode",
	  .type = ZG_ITEM_ENUM,
	  .offset = offsetof(struct zg_smtp_config, mode),
	  .preset = 0,
	  .words = modes,
	  .help = "verify: only mail that is text/plain already may pass; textify: it is made so on its way" },
	{ .key = "charsets",
	  .type = ZG_ITEM_FLAGS,
	  .offset = offsetof(struct zg_smtp_config, charsets),
	  .preset = 1u << ZG_CHARSET_US_ASCII | 1u << ZG_CHARSET_UTF_8 | 1u << ZG_CHARSET_ISO_2022_JP,
	  .words = zg_charset_words,
	  .help = "charsets that text may have; without us-ascii, mail must name its charset" },
	{ .key = "max_message",
	  .type = ZG_ITEM_INT,
	  .offset = offsetof(struct zg_smtp_config, max_message),
	  .preset = ZG_SMTP_MESSAGE_MAX,
	  .min = 1024,
	  .max = 1u << 30,
	  .help = "largest message, in octets" },
	{ .key = "max_recipients",
	  .type = ZG_ITEM_INT,
	  .offset = offsetof(struct zg_smtp_config, max_recipients),
	  .preset = 100,
	  .min = 1,
	  .max = 1000,
	  .help = "RCPT commands per message; RFC 5321 4.5.3.1.8 asks for 100" },
	{ .key = "sender_domains",
	  .type = ZG_ITEM_STRINGS,
	  .offset = offsetof(struct zg_smtp_config, sender_domains),
	  .max = ZG_SMTP_DOMAINS_MAX,
	  .check = zg_smtp_check_sender,
	  .help = "domains of MAIL FROM; \"*.example.jp\" are those below example.jp, \"<>\" are bounces" },
	{ .key = "recipient_domains",
	  .type = ZG_ITEM_STRINGS,
	  .offset = offsetof(struct zg_smtp_config, recipient_domains),
	  .max = ZG_SMTP_DOMAINS_MAX,
	  .check = zg_smtp_check_recipient,
	  .help = "domains of RCPT TO, the same; \"<postmaster>\" is the one without a domain" },
	{ .key = "subject_tag",
	  .type = ZG_ITEM_STRINGS,
	  .offset = offsetof(struct zg_smtp_config, subject_tag),
	  .max = 1,
	  .check = zg_header_check_tag,
	  .help = "the subject has to begin with these characters" },
	{ .key = "links",
	  .type = ZG_ITEM_ENUM,
	  .offset = offsetof(struct zg_smtp_config, links),
	  .preset = ZG_SMTP_LINKS_ALLOW,
	  .words = links,
	  .help = "verify: the text may have links; or only defused ones, as hxxp:; or none" },
	{ .key = "attachments",
	  .type = ZG_ITEM_ENUM,
	  .offset = offsetof(struct zg_smtp_config, attachments),
	  .preset = ZG_SMTP_BLANK,
	  .words = attachments,
	  .help = "textify: what is no text is overwritten with blanks, or such mail is refused" },
	KIND_ITEM("images", ZG_PART_IMAGE, "textify: the same of images within the text"),
	KIND_ITEM("calendars", ZG_PART_CALENDAR, "textify: the same of invitations"),
	KIND_ITEM("tnef", ZG_PART_TNEF, "textify: the same of winmail.dat"),
	KIND_ITEM("signatures", ZG_PART_SIGNED, "textify: the same of S/MIME and PGP, signed or encrypted"),
	KIND_ITEM("messages", ZG_PART_MESSAGE, "textify: the same of messages within the message"),
	{ .key = "names",
	  .type = ZG_ITEM_BOOL,
	  .offset = offsetof(struct zg_smtp_config, names),
	  .help = "textify: in the place of a file stands its name, in ASCII, if there is room" },
	{ .key = "max_depth",
	  .type = ZG_ITEM_INT,
	  .offset = offsetof(struct zg_smtp_config, max_depth),
	  .preset = 4,
	  .min = 1,
	  .max = ZG_SMTP_DEPTH_MAX,
	  .help = "textify: multiparts within each other" },
};

_Static_assert(sizeof(struct zg_smtp_config) <= ZG_INSPECTOR_CONFIG_MAX, "fits the runtime table");

const struct zg_inspector zg_smtp = {
	.name = "smtp",
	.transport = ZG_TCP,
	.sanitises = true,
	.state_size = sizeof(struct zg_smtp_state),
	.config_size = sizeof(struct zg_smtp_config),
	.items = items,
	.n_items = sizeof items / sizeof *items,
	.begin = smtp_begin,
	.data = smtp_data,
	.settle = smtp_settle,
	.end = smtp_end,
};
