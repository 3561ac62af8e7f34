/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One mail in a whole SMTP dialogue, for tests of what a message may be. */
#ifndef ZONEGATE_TEST_SMTP_MAIL_H
#define ZONEGATE_TEST_SMTP_MAIL_H

#include "dialogue.h"
#include "proto/smtp_config.h"
#include "zonegate/limits.h"

#define SETTINGS(set, size, n)                                                                                               \
	(&(struct zg_smtp_config){ .charsets = (set), .max_message = (size), .max_recipients = (n), .max_depth = 4 })
#define DEFAULTS      SETTINGS(7, ZG_SMTP_MESSAGE_MAX, 100)
#define CHARSETS(n)   SETTINGS(n, ZG_SMTP_MESSAGE_MAX, 100)
#define MESSAGE(n)    SETTINGS(7, n, 100)
#define RECIPIENTS(n) SETTINGS(7, ZG_SMTP_MESSAGE_MAX, n)

/* A configuration with a list of strings, as the runtime table has it. */
struct settings {
	struct zg_smtp_config config;
	uint8_t strings[512];
	size_t used;
};

static inline void settings_add(struct settings *s, struct zg_item_list *list, const char *text)
{
	const size_t len = strlen(text);
	ck_assert(s->used + 1 + len <= sizeof s->strings && len <= ZG_STRING_MAX);
	if (list->n++ == 0)
		list->at = (uint32_t)(offsetof(struct settings, strings) + s->used);
	s->strings[s->used++] = (uint8_t)len;
	memcpy(s->strings + s->used, text, len);
	s->used += len;
}

#define GREETING "220 mx.example.jp ESMTP\r\n"
#define EHLO	 "EHLO out.example.jp\r\n"
#define OFFERS                                                                                                               \
	"250-mx.example.jp\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 DSN\r\n"
#define MAIL "MAIL FROM:<a@example.jp>\r\n"
#define RCPT "RCPT TO:<b@example.lg.jp>\r\n"
#define OK_250 "250 2.0.0 Ok\r\n"
#define GO "354 End data with <CR><LF>.<CR><LF>\r\n"

struct script {
	struct turn turns[64];
	size_t n;
	bool marked;
	enum zg_dir dir; /* where AT was */
	size_t at;
	size_t given[2];
	uint8_t *bytes[64];
};

static inline void script_say(struct script *s, enum zg_dir dir, const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	ck_assert(copy != NULL && s->n < 64);
	memcpy(copy, bytes, len);
	uint8_t *mark = memchr(copy, AT_BYTE, len);
	if (mark != NULL) {
		s->marked = true;
		s->dir = dir;
		s->at = s->given[dir] + (size_t)(mark - copy);
		len--;
		memmove(mark, mark + 1, len - (size_t)(mark - copy));
	}
	s->bytes[s->n] = copy;
	s->turns[s->n++] = (struct turn){ dir, copy, len };
	s->given[dir] += len;
}

static inline void script_text(struct script *s, enum zg_dir dir, const char *text)
{
	script_say(s, dir, text, strlen(text));
}

static inline void script_free(struct script *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->bytes[i]);
}

static inline void script_until_data(struct script *s, const char *offers, const char *mail)
{
	*s = (struct script){ .n = 0 };
	script_text(s, ZG_SERVER, GREETING);
	script_text(s, ZG_CLIENT, EHLO);
	script_text(s, ZG_SERVER, offers);
	script_text(s, ZG_CLIENT, mail);
	script_text(s, ZG_SERVER, OK_250);
	script_text(s, ZG_CLIENT, RCPT);
	script_text(s, ZG_SERVER, OK_250);
	script_text(s, ZG_CLIENT, "DATA\r\n");
	script_text(s, ZG_SERVER, GO);
}

/* Nothing is refused, everything passes unchanged, and the connection is over. */
static inline void expect_passed(const char *label, const struct zg_smtp_config *config, struct script *s)
{
	struct outcome *o = dialogue(label, &zg_smtp, config, s->turns, s->n);
	ck_assert_msg(o->say != ZG_SAY_DENY, "%s: refused: %s at %zu of %s", label, zg_reason_name(o->reason), o->at,
		      o->dir == ZG_CLIENT ? "client" : "server");
	size_t at[2] = { 0, 0 };
	for (size_t i = 0; i < s->n; i++) {
		enum zg_dir d = s->turns[i].dir;
		ck_assert_msg(memcmp(o->passed[d] + at[d], s->turns[i].bytes, s->turns[i].len) == 0, "%s: changed", label);
		at[d] += s->turns[i].len;
	}
	ck_assert_uint_eq(o->passed_len[0], at[0]);
	ck_assert_uint_eq(o->passed_len[1], at[1]);
	free(o);
}

/* The mark is the first byte that does not pass. */
static inline void expect_refused(const char *label, const struct zg_smtp_config *config, struct script *s,
				  enum zg_reason reason, bool drain)
{
	struct outcome *o = dialogue(label, &zg_smtp, config, s->turns, s->n);
	ck_assert_msg(s->marked, "%s: no mark", label);
	ck_assert_msg(o->say == ZG_SAY_DENY, "%s: passed", label);
	ck_assert_msg(o->reason == reason, "%s: %s", label, zg_reason_name(o->reason));
	ck_assert_msg(o->dir == s->dir && o->at == s->at, "%s: %s at %zu of %s, expected %zu", label, zg_reason_name(reason),
		      o->at, o->dir == ZG_CLIENT ? "client" : "server", s->at);
	ck_assert_msg(o->drain == drain, "%s: drain %d", label, o->drain);
	ck_assert_msg(o->told == drain, "%s: told %d", label, o->told);
	ck_assert_int_eq(o->refusal, ZG_REFUSAL_SMTP_554);
	free(o);
}

static inline void script_mail(struct script *s, const char *offers, const char *mail, const void *message, size_t len)
{
	script_until_data(s, offers, mail);
	script_say(s, ZG_CLIENT, message, len);
}

static inline void message_passes(const char *label, const struct zg_smtp_config *config, const void *message, size_t len)
{
	struct script s;
	script_mail(&s, OFFERS, MAIL, message, len);
	script_text(&s, ZG_CLIENT, ".\r\n");
	script_text(&s, ZG_SERVER, OK_250);
	script_text(&s, ZG_CLIENT, "QUIT\r\n");
	script_text(&s, ZG_SERVER, "221 2.0.0 Bye\r\n");
	expect_passed(label, config, &s);
	script_free(&s);
}

/* drain: the message goes on after the mark and is ended here; else it is given as it stands. */
static inline void message_refused(const char *label, const struct zg_smtp_config *config, enum zg_reason reason, bool drain,
				   const void *message, size_t len)
{
	struct script s;
	script_mail(&s, OFFERS, MAIL, message, len);
	if (drain)
		script_text(&s, ZG_CLIENT, "\r\n.\r\n");
	expect_refused(label, config, &s, reason, drain);
	script_free(&s);
}

#endif
