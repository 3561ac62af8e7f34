/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dialogue: who may say what and when, and which reply belongs to which command. */
#include "unit.h"

#include "proto/smtp.h"
#include "smtp_mail.h"

#define LINES 24

struct row {
	const char *label;
	enum zg_reason reason; /* NONE: everything passes */
	const char *lines[LINES]; /* "C:" or "S:" and what is said */
};

static void script_lines(struct script *s, const char *const *lines)
{
	*s = (struct script){ .n = 0 };
	for (size_t i = 0; i < LINES && lines[i] != NULL; i++)
		script_text(s, lines[i][0] == 'C' ? ZG_CLIENT : ZG_SERVER, lines[i] + 2);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct script s;
		script_lines(&s, rows[i].lines);
		if (rows[i].reason == ZG_R_NONE)
			expect_passed(rows[i].label, DEFAULTS, &s);
		else
			expect_refused(rows[i].label, DEFAULTS, &s, rows[i].reason, false);
		script_free(&s);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

#define HELLO "S:" GREETING, "C:" EHLO, "S:" OFFERS
#define PLAIN "S:" GREETING, "C:HELO out.example.jp\r\n", "S:250 mx\r\n"
#define OK "S:" OK_250
#define CHARS_50  "12345678901234567890123456789012345678901234567890"
#define CHARS_254 CHARS_50 CHARS_50 CHARS_50 CHARS_50 CHARS_50 "1234"

#define PASS(label, ...)	 { label, ZG_R_NONE, { __VA_ARGS__ } }
#define DENY(label, reason, ...) { label, ZG_R_SMTP_##reason, { __VA_ARGS__ } }
#define BYE "C:QUIT\r\n", "S:221 2.0.0 Bye\r\n"

static const struct row dialogues[] = {
	PASS("two mails", HELLO, "C:" MAIL, OK, "C:" RCPT, OK, "C:DATA\r\n", "S:" GO, "C:A: b\r\n\r\nx\r\n.\r\n", OK, "C:" MAIL, OK,
	     "C:" RCPT, OK, "C:DATA\r\n", "S:" GO, "C:A: b\r\n\r\nx\r\n.\r\n", OK, BYE),
	PASS("postfix pipelines", HELLO,
	     "C:MAIL FROM:<a@example.jp> SIZE=403 BODY=8BITMIME\r\n"
	     "RCPT TO:<b@example.lg.jp> ORCPT=rfc822;b@example.lg.jp NOTIFY=SUCCESS,DELAY\r\nDATA\r\n",
	     OK, OK, "S:" GO, "C:A: b\r\n\r\nx\r\n.\r\nQUIT\r\n", "S:250 2.0.0 Ok: queued as 4Z\r\n221 2.0.0 Bye\r\n"),
	PASS("mail after mail in one group", HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 GO,
	     "C:A: b\r\n\r\nx\r\n.\r\nRSET\r\n" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 OK_250 OK_250 GO, "C:.\r\n", OK, BYE),
	PASS("letter case", PLAIN, "C:mail from:<A@Example.JP>\r\n", OK, "C:rcpt To:<b@c>\r\n", OK, "C:Data\r\n", "S:" GO, "C:.\r\n", OK,
	     "C:quit\r\n", "S:221 bye\r\n"),
	PASS("paths", HELLO, "C:MAIL FROM:<>\r\n", OK, "C:RCPT TO:<Postmaster>\r\n", OK, "C:RCPT TO:<\"a b\\\"@\"@[192.0.2.1]>\r\n", OK,
	     "C:RCPT TO:<a.b+c@[IPv6:2001:db8::1]>\r\n", OK, "C:RCPT TO:<a=b/c@xn--eckwd4c7cu47r2wf.jp>\r\n", OK, BYE),
	PASS("hello with literals", "S:" GREETING, "C:EHLO [192.0.2.1]\r\n", "S:250 mx\r\n", "C:EHLO [IPv6:fd00:30::25]\r\n",
	     "S:250 mx\r\n", BYE),
	PASS("greeting in two lines", "S:220-mx.example.jp wait\r\n", "S:220 mx.example.jp ESMTP\r\n", BYE),
	PASS("EHLO refused, HELO", "S:" GREETING, "C:" EHLO, "S:502 5.5.1 no\r\n", "C:HELO a\r\n", "S:250-mx\r\n250 hi\r\n", BYE),
	PASS("greeting refuses", "S:554 5.7.1 no\r\n", "C:QUIT\r\n", "S:221 bye\r\n"),
	PASS("greeting closes", "S:421 4.3.2 later\r\n"),
	PASS("421 at any time", HELLO, "S:421 4.4.2 timeout\r\n", "C:QUIT\r\n"),
	PASS("421 within a message", HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 GO, "C:A: b\r\n", "S:421 4.3.2 down\r\n",
	     "C:\r\nx\r\n.\r\n"),
	PASS("MAIL refused, again", HELLO, "C:" MAIL, "S:451 4.7.1 try\r\n", "C:" MAIL, OK, BYE),
	PASS("RCPT refused, none left", HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 "550 5.1.1 no\r\n554 5.5.1 no\r\n", "C:RSET\r\n", OK,
	     "C:" MAIL, OK, BYE),
	PASS("DATA refused, again", HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 "451 no\r\n", "C:" MAIL, OK, BYE),
	PASS("nobody left but 354", HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 "550 no\r\n" GO, "C:.\r\n", "S:554 no\r\n", BYE),
	PASS("NOOP RSET", HELLO, "C:NOOP\r\n", OK, "C:RSET\r\n", OK, "C:RSET\r\nRSET\r\nNOOP\r\n", "S:" OK_250 OK_250 OK_250, BYE),
	PASS("many lines", HELLO, "C:" MAIL, "S:250-2.1.0 a\r\n250-2.1.0 b\r\n250 2.1.0 c\r\n", BYE),
	PASS("code alone", HELLO, "C:" MAIL, "S:250\r\n", "C:" RCPT, "S:250-\r\n250\r\n", BYE),
	PASS("251", HELLO, "C:" MAIL, OK, "C:" RCPT, "S:251 elsewhere\r\n", BYE),
	PASS("DSN", HELLO, "C:MAIL FROM:<a@b> RET=HDRS ENVID=Q+2BQ\r\n", OK, "C:RCPT TO:<c@d> NOTIFY=NEVER ORCPT=rfc822;c+40d\r\n", OK,
	     BYE),
	PASS("silence after FIN of the server", HELLO),
	PASS("names of Japanese carriers, VERP, Windows", "S:" GREETING, "C:EHLO MAIL_SV01.city.example.jp\r\n", "S:" OFFERS,
	     "C:MAIL FROM:<a..b.@docomo.example.jp>\r\n", OK, "C:RCPT TO:<.a@mail_sv01.example.jp>\r\n", OK, "C:RSET\r\n", OK,
	     "C:MAIL FROM:<" CHARS_254 "@b>\r\n", OK, BYE),
};

START_TEST(dialogues_pass)
{
	CHECK_ROWS(dialogues);
}
END_TEST

static const struct row commands[] = {
	DENY("early talker", SEQUENCE, "C:" AT "EHLO a\r\n"),
	DENY("within the greeting", SEQUENCE, "S:220-mx\r\n", "C:" AT "EHLO a\r\n"),
	DENY("STARTTLS", COMMAND, HELLO, "C:" AT "STARTTLS\r\n"),
	DENY("AUTH", COMMAND, HELLO, "C:" AT "AUTH PLAIN\r\n"),
	DENY("BDAT", COMMAND, HELLO, "C:" AT "BDAT 5 LAST\r\n"),
	DENY("XCLIENT", COMMAND, HELLO, "C:" AT "XCLIENT ADDR=1.2.3.4\r\n"),
	DENY("VRFY", COMMAND, HELLO, "C:" AT "VRFY a\r\n"),
	DENY("EXPN", COMMAND, HELLO, "C:E" AT "XPN a\r\n"),
	DENY("ETRN", COMMAND, HELLO, "C:E" AT "TRN a\r\n"),
	DENY("HELP", COMMAND, HELLO, "C:HEL" AT "P\r\n"),
	DENY("BURL", COMMAND, HELLO, "C:" AT "BURL x\r\n"),
	DENY("SEND", COMMAND, HELLO, "C:" AT "SEND FROM:<a@b>\r\n"),
	DENY("TURN", COMMAND, HELLO, "C:" AT "TURN\r\n"),
	DENY("LHLO", COMMAND, HELLO, "C:" AT "LHLO a\r\n"),
	DENY("GET", COMMAND, HELLO, "C:" AT "GET / HTTP/1.0\r\n"),
	DENY("empty line", COMMAND, HELLO, "C:" AT "\r\n"),
	DENY("blank first", COMMAND, HELLO, "C:" AT " NOOP\r\n"),
	DENY("half a verb", COMMAND, HELLO, "C:NOO" AT "\r\n"),
	DENY("longer verb", COMMAND, HELLO, "C:DATA" AT "X\r\n"),
	DENY("tab after verb", COMMAND, HELLO, "C:MAIL" AT "\tFROM:<a@b>\r\n"),
	DENY("verb, bare LF", LINE_END, HELLO, "C:NOOP" AT "\n"),
	DENY("verb, bare CR", LINE_END, HELLO, "C:NOOP\r" AT "NOOP\r\n"),
	DENY("bare LF first", LINE_END, HELLO, "C:" AT "\nNOOP\r\n"),
	DENY("TLS hello", COMMAND, HELLO, "C:" AT "\x16\x03\x01"),
	DENY("EHLO alone", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO" AT "\r\n"),
	DENY("EHLO blank", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO " AT "\r\n"),
	DENY("EHLO two", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO a" AT " b\r\n"),
	DENY("EHLO dot first", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO " AT ".a\r\n"),
	DENY("EHLO dot last", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO a." AT "\r\n"),
	DENY("EHLO two dots", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO a." AT ".b\r\n"),
	DENY("EHLO hyphen first", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO " AT "-a\r\n"),
	DENY("EHLO hyphen last", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO a-" AT ".b\r\n"),
	DENY("EHLO literal", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO [192.0.2.256" AT "]\r\n"),
	DENY("EHLO empty literal", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO [" AT "]\r\n"),
	DENY("EHLO leading zero", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO [192.0.2.01" AT "]\r\n"),
	DENY("EHLO IPv6 without tag", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO [fd00::1" AT "]\r\n"),
	DENY("EHLO zone", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO [IPv6:fe80::1" AT "%eth0]\r\n"),
	DENY("EHLO after literal", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO [192.0.2.1]" AT "a\r\n"),
	DENY("EHLO 8 bit", COMMAND_SYNTAX, "S:" GREETING, "C:EHLO a" AT "\xC3\xA9\r\n"),
	DENY("DATA argument", COMMAND_SYNTAX, HELLO, "C:" MAIL, OK, "C:" RCPT, OK, "C:DATA" AT " \r\n"),
	DENY("QUIT argument", COMMAND_SYNTAX, HELLO, "C:QUIT" AT " now\r\n"),
	DENY("NOOP argument", COMMAND_SYNTAX, HELLO, "C:NOOP" AT " x\r\n"),
	DENY("MAIL alone", COMMAND_SYNTAX, HELLO, "C:MAIL" AT "\r\n"),
	DENY("MAIL no colon", COMMAND_SYNTAX, HELLO, "C:MAIL FROM" AT " <a@b>\r\n"),
	DENY("MAIL TO", COMMAND_SYNTAX, HELLO, "C:MAIL " AT "TO:<a@b>\r\n"),
	DENY("MAIL blank", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:" AT " <a@b>\r\n"),
	DENY("MAIL two blanks", COMMAND_SYNTAX, HELLO, "C:MAIL " AT " FROM:<a@b>\r\n"),
	DENY("MAIL no brackets", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:" AT "a@b\r\n"),
	DENY("MAIL no end", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<a@b" AT "\r\n"),
	DENY("MAIL route", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<" AT "@x:a@b>\r\n"),
	DENY("MAIL no domain", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<a" AT ">\r\n"),
	DENY("MAIL postmaster", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<postmaster" AT ">\r\n"),
	DENY("MAIL empty domain", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<a@" AT ">\r\n"),
	DENY("MAIL two ats", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<a@b" AT "@c>\r\n"),
	DENY("MAIL blank in path", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<a" AT " b@c>\r\n"),
	DENY("MAIL quote in the middle", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<a" AT "\"b\"@c>\r\n"),
	DENY("MAIL after quote", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<\"a\"" AT "b@c>\r\n"),
	DENY("MAIL open quote", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<\"a@b>" AT "\r\n"),
	DENY("MAIL 8 bit", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<" AT "\xC3\xA9@b>\r\n"),
	DENY("MAIL control", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<\"a" AT "\x08\"@b>\r\n"),
	DENY("MAIL bare LF", LINE_END, HELLO, "C:MAIL FROM:<a" AT "\n@b>\r\n"),
	DENY("MAIL glued", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<a@b>" AT "SIZE=1\r\n"),
	DENY("MAIL local too long", COMMAND_SYNTAX, HELLO, "C:MAIL FROM:<" CHARS_254 AT "5@b>\r\n"),
	DENY("label too long", COMMAND_SYNTAX, HELLO,
	     "C:MAIL FROM:<a@123456789012345678901234567890123456789012345678901234567890123" AT "4>\r\n"),
	DENY("RCPT empty", COMMAND_SYNTAX, HELLO, "C:" MAIL, OK, "C:RCPT TO:<" AT ">\r\n"),
	DENY("RCPT postmaste", COMMAND_SYNTAX, HELLO, "C:" MAIL, OK, "C:RCPT TO:<postmaste" AT ">\r\n"),
	DENY("RCPT postmasters", COMMAND_SYNTAX, HELLO, "C:" MAIL, OK, "C:RCPT TO:<postmasters" AT ">\r\n"),
	DENY("RCPT from", COMMAND_SYNTAX, HELLO, "C:" MAIL, OK, "C:RCPT " AT "FROM:<a@b>\r\n"),
};

START_TEST(bad_commands_are_refused)
{
	CHECK_ROWS(commands);
}
END_TEST

static const struct row parameters[] = {
	DENY("blank last", PARAMETER, HELLO, "C:MAIL FROM:<a@b> " AT "\r\n"),
	DENY("two blanks", PARAMETER, HELLO, "C:MAIL FROM:<a@b> " AT " SIZE=1\r\n"),
	DENY("SMTPUTF8", PARAMETER, HELLO, "C:MAIL FROM:<a@b> SMTPUT" AT "F8\r\n"),
	DENY("AUTH", PARAMETER, HELLO, "C:MAIL FROM:<a@b> AUTH" AT "=<>\r\n"),
	DENY("BY", PARAMETER, HELLO, "C:MAIL FROM:<a@b> BY" AT "=1;R\r\n"),
	DENY("REQUIRETLS", PARAMETER, HELLO, "C:MAIL FROM:<a@b> REQUIR" AT "ETLS\r\n"),
	DENY("BINARYMIME", PARAMETER, HELLO, "C:MAIL FROM:<a@b> BODY=BINARYMIME" AT "\r\n"),
	DENY("BODY empty", PARAMETER, HELLO, "C:MAIL FROM:<a@b> BODY=" AT "\r\n"),
	DENY("BODY alone", PARAMETER, HELLO, "C:MAIL FROM:<a@b> BODY" AT "\r\n"),
	DENY("BODY twice", PARAMETER, HELLO, "C:MAIL FROM:<a@b> BODY=7BIT body" AT "=8BITMIME\r\n"),
	DENY("SIZE empty", PARAMETER, HELLO, "C:MAIL FROM:<a@b> SIZE=" AT "\r\n"),
	DENY("SIZE sign", PARAMETER, HELLO, "C:MAIL FROM:<a@b> SIZE=" AT "-1\r\n"),
	DENY("SIZE hex", PARAMETER, HELLO, "C:MAIL FROM:<a@b> SIZE=0" AT "x1\r\n"),
	DENY("SIZE zeros", PARAMETER, HELLO, "C:MAIL FROM:<a@b> SIZE=00000000000000000000" AT "0\r\n"),
	DENY("SIZE too large", MESSAGE_SIZE, HELLO, "C:MAIL FROM:<a@b> SIZE=2621440" AT "1\r\n"),
	DENY("SIZE huge", MESSAGE_SIZE, HELLO, "C:MAIL FROM:<a@b> SIZE=18446744" AT "073709551617\r\n"),
	DENY("SIZE not offered", PARAMETER, PLAIN, "C:MAIL FROM:<a@b> SIZE" AT "=1\r\n"),
	DENY("BODY not offered", PARAMETER, PLAIN, "C:MAIL FROM:<a@b> BODY" AT "=8BITMIME\r\n"),
	DENY("RET not offered", PARAMETER, PLAIN, "C:MAIL FROM:<a@b> RET" AT "=FULL\r\n"),
	DENY("RET", PARAMETER, HELLO, "C:MAIL FROM:<a@b> RET=ALL" AT "\r\n"),
	DENY("ENVID", PARAMETER, HELLO, "C:MAIL FROM:<a@b> ENVID=a" AT "=b\r\n"),
	DENY("ENVID lower hex", PARAMETER, HELLO, "C:MAIL FROM:<a@b> ENVID=a+2" AT "b\r\n"),
	DENY("ENVID control", PARAMETER, HELLO, "C:MAIL FROM:<a@b> ENVID=a+0" AT "A\r\n"),
	DENY("ENVID half", PARAMETER, HELLO, "C:MAIL FROM:<a@b> ENVID=a+2" AT "\r\n"),
	DENY("ENVID empty", PARAMETER, HELLO, "C:MAIL FROM:<a@b> ENVID=" AT "\r\n"),
	DENY("NOTIFY with MAIL", PARAMETER, HELLO, "C:MAIL FROM:<a@b> NOTIFY" AT "=NEVER\r\n"),
	DENY("SIZE with RCPT", PARAMETER, HELLO, "C:" MAIL, OK, "C:RCPT TO:<a@b> SIZE" AT "=1\r\n"),
	DENY("NOTIFY both", PARAMETER, HELLO, "C:" MAIL, OK, "C:RCPT TO:<a@b> NOTIFY=NEVER,DELAY" AT "\r\n"),
	DENY("NOTIFY twice", PARAMETER, HELLO, "C:" MAIL, OK, "C:RCPT TO:<a@b> NOTIFY=DELAY,DELAY" AT "\r\n"),
	DENY("NOTIFY comma", PARAMETER, HELLO, "C:" MAIL, OK, "C:RCPT TO:<a@b> NOTIFY=DELAY," AT "\r\n"),
	DENY("NOTIFY long", PARAMETER, HELLO, "C:" MAIL, OK, "C:RCPT TO:<a@b> NOTIFY=SUCCESS,FAILURE,DELAY" AT ",\r\n"),
	DENY("ORCPT no type", PARAMETER, HELLO, "C:" MAIL, OK, "C:RCPT TO:<a@b> ORCPT=" AT ";a\r\n"),
	DENY("ORCPT no address", PARAMETER, HELLO, "C:" MAIL, OK, "C:RCPT TO:<a@b> ORCPT=rfc822;" AT "\r\n"),
	DENY("ORCPT no semicolon", PARAMETER, HELLO, "C:" MAIL, OK, "C:RCPT TO:<a@b> ORCPT=rfc822" AT "\r\n"),
	DENY("8 bit", PARAMETER, HELLO, "C:MAIL FROM:<a@b> ENVID=" AT "\xC3\xA9\r\n"),
	DENY("BODY blanked", PARAMETER, "S:" GREETING, "C:" EHLO, "S:250-mx\r\n250 8BITMIME\r\n", "C:HELO a\r\n", "S:250 mx\r\n",
	     "C:MAIL FROM:<a@b> BODY" AT "=8BITMIME\r\n"),
};

START_TEST(bad_parameters_are_refused)
{
	CHECK_ROWS(parameters);
}
END_TEST

static const struct row sequences[] = {
	DENY("MAIL before EHLO", SEQUENCE, "S:" GREETING, "C:MAIL" AT " FROM:<a@b>\r\n"),
	DENY("MAIL after a refused EHLO", SEQUENCE, "S:" GREETING, "C:" EHLO, "S:550 no\r\n", "C:MAIL" AT " FROM:<a@b>\r\n"),
	DENY("EHLO after a refusing greeting", SEQUENCE, "S:554 no\r\n", "C:EHLO" AT " a\r\n"),
	DENY("RCPT before MAIL", SEQUENCE, HELLO, "C:RCPT" AT " TO:<a@b>\r\n"),
	DENY("DATA before MAIL", SEQUENCE, HELLO, "C:DATA" AT "\r\n"),
	DENY("DATA before RCPT", SEQUENCE, HELLO, "C:" MAIL, OK, "C:DATA" AT "\r\n"),
	DENY("MAIL in MAIL", SEQUENCE, HELLO, "C:" MAIL, OK, "C:MAIL" AT " FROM:<a@b>\r\n"),
	DENY("DATA after RSET", SEQUENCE, HELLO, "C:" MAIL RCPT "RSET\r\nDATA" AT "\r\n"),
	DENY("DATA after EHLO", SEQUENCE, HELLO, "C:" MAIL RCPT EHLO, "S:" OK_250 OK_250 OFFERS, "C:DATA" AT "\r\n"),
	DENY("RCPT after end of data", SEQUENCE, HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 GO,
	     "C:A: b\r\n\r\n.\r\nRCPT" AT " TO:<a@b>\r\n"),
	DENY("message before 354", SEQUENCE, HELLO, "C:" MAIL RCPT "DATA\r\n" AT "From: a\r\n"),
	DENY("message within 354", SEQUENCE, HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 "354-a\r\n354", "C:" AT "From: a\r\n"),
	DENY("message before the LF of 354", SEQUENCE, HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 "354 a\r", "C:" AT "From: a\r\n"),
	DENY("command after EHLO", SEQUENCE, "S:" GREETING, "C:" EHLO AT MAIL),
	DENY("command after NOOP", SEQUENCE, HELLO, "C:NOOP\r\n" AT "NOOP\r\n"),
	DENY("message after refused DATA", COMMAND, HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 "451 no\r\n", "C:" AT "From: a\r\n"),
	DENY("after QUIT", AFTER_QUIT, HELLO, "C:QUIT\r\n" AT "N"),
	DENY("after QUIT's reply", AFTER_QUIT, HELLO, BYE, "C:" AT "N"),
	DENY("pipelining not offered", PIPELINE, PLAIN, "C:" MAIL AT RCPT),
	DENY("pipelining before EHLO", PIPELINE, "S:" GREETING, "C:RSET\r\n" AT "RSET\r\n"),
	DENY("pipelining withdrawn", PIPELINE, HELLO, "C:HELO a\r\n", "S:250 mx\r\n", "C:" MAIL AT RCPT),
};

START_TEST(bad_sequences_are_refused)
{
	CHECK_ROWS(sequences);
}
END_TEST

static const struct row replies[] = {
	DENY("greeting", REPLY, "S:2" AT "50 mx\r\n"),
	DENY("greeting 1yz", REPLY, "S:" AT "120 mx\r\n"),
	DENY("greeting text", REPLY, "S:" AT "mx\r\n"),
	DENY("SSH", REPLY, "S:" AT "SSH-2.0-x\r\n"),
	DENY("unasked", REPLY, HELLO, "S:" AT "250 ok\r\n"),
	DENY("unasked 42x", REPLY, HELLO, "S:42" AT "2 no\r\n"),
	DENY("twice", REPLY, HELLO, "C:" MAIL, "S:" OK_250 AT OK_250),
	DENY("before the command", REPLY, HELLO, "C:MAIL FROM:<a@b>", "S:" AT OK_250),
	DENY("begun before the command", REPLY, HELLO, "S:4", "C:" MAIL, "S:" AT "50 no\r\n"),
	DENY("unasked in a message", REPLY, HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 GO, "C:A: b\r\n", "S:" AT OK_250),
	DENY("354 to MAIL", REPLY, HELLO, "C:" MAIL, "S:" AT GO),
	DENY("250 to DATA", REPLY, HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 AT OK_250),
	DENY("354 to the end of data", REPLY, HELLO, "C:" MAIL RCPT "DATA\r\n", "S:" OK_250 OK_250 GO, "C:.\r\n", "S:" AT GO),
	DENY("220 to EHLO", REPLY, "S:" GREETING, "C:" EHLO, "S:2" AT "20 mx\r\n"),
	DENY("second digit", REPLY, HELLO, "C:" MAIL, "S:5" AT "60 x\r\n"),
	DENY("third digit", REPLY, HELLO, "C:" MAIL, "S:55" AT "x x\r\n"),
	DENY("four digits", REPLY, HELLO, "C:" MAIL, "S:250" AT "0 x\r\n"),
	DENY("tab", REPLY, HELLO, "C:" MAIL, "S:250" AT "\tx\r\n"),
	DENY("two digits", REPLY, HELLO, "C:" MAIL, "S:25" AT "\r\n"),
	DENY("empty", REPLY, HELLO, "C:" MAIL, "S:" AT "\r\n"),
	DENY("another code", REPLY, HELLO, "C:" MAIL, "S:250-a\r\n" AT "550 b\r\n"),
	DENY("another code at the end", REPLY, HELLO, "C:" MAIL, "S:451-a\r\n45" AT "2 b\r\n"),
	DENY("8 bit", REPLY, HELLO, "C:" MAIL, "S:250 " AT "\xC3\xA9\r\n"),
	DENY("escape", REPLY, HELLO, "C:" MAIL, "S:250 " AT "\x1b[2J\r\n"),
	DENY("bare LF", LINE_END, HELLO, "C:" MAIL, "S:250 ok" AT "\n"),
	DENY("bare CR", LINE_END, HELLO, "C:" MAIL, "S:250 ok\r" AT "250 ok\r\n"),
	DENY("after QUIT's reply", REPLY, HELLO, BYE, "S:" AT "421 x\r\n"),
	DENY("after 421", REPLY, HELLO, "S:421 x\r\n" AT "421 x\r\n"),
	DENY("after 421 to a command", REPLY, HELLO, "C:" MAIL RCPT, "S:421 x\r\n" AT "250 x\r\n"),
};

START_TEST(bad_replies_are_refused)
{
	CHECK_ROWS(replies);
}
END_TEST

START_TEST(reply_length)
{
	char line[700] = "S:250 ";
	const char *lines[LINES] = { HELLO, "C:" MAIL, line };
	struct script s;
	memset(line + 6, 'a', 506);
	memcpy(line + 512, "\r\n", 3);
	script_lines(&s, lines);
	expect_passed("512", DEFAULTS, &s);
	script_free(&s);
	memcpy(line + 512, AT "a\r\n", 5);
	script_lines(&s, lines);
	expect_refused("513", DEFAULTS, &s, ZG_R_SMTP_REPLY_LENGTH, false);
	script_free(&s);
}
END_TEST

START_TEST(command_length)
{
	char line[700] = "C:RCPT TO:<a@b> ORCPT=rfc822;";
	const char *lines[LINES] = { HELLO, "C:" MAIL, OK, line };
	size_t head = strlen(line);
	struct script s;
	memset(line + head, 'a', 512 - head);
	memcpy(line + 512, "\r\n", 3);
	script_lines(&s, lines);
	expect_passed("512", DEFAULTS, &s);
	script_free(&s);
	memcpy(line + 512, AT "a\r\n", 5);
	script_lines(&s, lines);
	expect_refused("513", DEFAULTS, &s, ZG_R_SMTP_COMMAND_LENGTH, false);
	script_free(&s);
}
END_TEST

START_TEST(recipients)
{
	const char *lines[LINES] = { HELLO, "C:" MAIL RCPT "RCPT TO:<c@d>\r\nRCPT" AT " TO:<e@f>\r\n" };
	const char *again[LINES] = { HELLO, "C:" MAIL RCPT RCPT "DATA\r\n", "S:" OK_250 OK_250 OK_250 GO, "C:.\r\n" MAIL RCPT RCPT };
	struct script s;
	script_lines(&s, lines);
	expect_refused("third", RECIPIENTS(2), &s, ZG_R_SMTP_RECIPIENTS, false);
	script_free(&s);
	script_lines(&s, again);
	expect_passed("counted for each message", RECIPIENTS(2), &s);
	script_free(&s);
}
END_TEST

/* The ring of commands without reply is full at its limit, and goes round. */
START_TEST(pipeline_limit)
{
	struct script s = { .n = 0 };
	char many[6 * ZG_SMTP_PIPELINE_MAX + 32] = "";
	char answers[8 * ZG_SMTP_PIPELINE_MAX + 32] = "";
	for (int i = 0; i < ZG_SMTP_PIPELINE_MAX; i++) {
		strcat(many, "RSET\r\n");
		strcat(answers, "250 ok\r\n");
	}
	script_text(&s, ZG_SERVER, GREETING);
	script_text(&s, ZG_CLIENT, EHLO);
	script_text(&s, ZG_SERVER, OFFERS);
	for (int i = 0; i < 3; i++) {
		script_text(&s, ZG_CLIENT, many);
		script_text(&s, ZG_SERVER, answers);
	}
	expect_passed("full", DEFAULTS, &s);
	strcat(many, AT "RSET\r\n");
	script_text(&s, ZG_CLIENT, many);
	expect_refused("over", DEFAULTS, &s, ZG_R_SMTP_PIPELINE, false);
	script_free(&s);
}
END_TEST

static const struct {
	const char *offered, *seen;
} keywords[] = {
	{ "PIPELINING", "PIPELINING" },
	{ "pipelining", "pipelining" },
	{ "SIZE", "SIZE" },
	{ "SIZE 10240000", "SIZE 10240000" },
	{ "8BITMIME", "8BITMIME" },
	{ "ENHANCEDSTATUSCODES", "ENHANCEDSTATUSCODES" },
	{ "DSN", "DSN" },
	{ "HELP", "HELP" },
	{ "STARTTLS", "SXXXXXXX" },
	{ "StartTLS", "SXXXXXXX" },
	{ "SMTPUTF8", "SXXXXXXX" },
	{ "CHUNKING", "XXXXXXXX" },
	{ "BINARYMIME", "XXXXXXXXXX" },
	{ "AUTH PLAIN LOGIN", "XXXXXXXXXXXXXXXX" },
	{ "AUTH=PLAIN", "XXXXXXXXXX" },
	{ "XCLIENT NAME ADDR", "XXXXXXXXXXXXXXXXX" },
	{ "XFORWARD", "XXXXXXXX" },
	{ "BURL imap", "XXXXXXXXX" },
	{ "VRFY", "XXXX" },
	{ "ETRN", "EXXX" },
	{ "EXPN", "EXXX" },
	{ "DELIVERBY", "DXXXXXXXX" },
	{ "PIPECONNECT", "PIPEXXXXXXX" },
	{ "SIZEX", "SIZEX" },
	{ "SIZE=1", "SIZEXX" },
	{ "SIZE 1 STARTTLS", "SIZE 1XXXXXXXXX" },
	{ "SIZE STARTTLS", "SIZE XXXXXXXX" },
	{ "SIZ", "SIZ" },
	{ "SI STARTTLS", "SIXXXXXXXXX" },
	{ "DSN STARTTLS", "DSNXXXXXXXXX" },
	{ "DSNX", "DSNX" },
	{ " STARTTLS", "XXXXXXXXX" },
	{ "\tSTARTTLS", "XXXXXXXXX" },
	{ "8BITMIME\tSTARTTLS", "8BITMIMEXXXXXXXXX" },
	{ "-STARTTLS", "XXXXXXXXX" },
	{ "REQUIRETLS", "XXXXXXXXXX" },
	{ "LIMITS RCPTMAX=1", "XXXXXXXXXXXXXXXX" },
	{ "MT-PRIORITY", "XXXXXXXXXXX" },
	{ "", "" },
};

/* One keyword in a reply to EHLO, as the last line and as one of several; in the second case, what follows is untouched. */
static void keyword_seen_as(const char *offered, const char *seen)
{
	for (int last = 0; last < 2; last++) {
		char given[256], wanted[256];
		char sep = last ? ' ' : '-';
		const char *rest = last ? "" : "250 HELP\r\n";
		snprintf(given, sizeof given, "250-mx STARTTLS\r\n250%c%s\r\n%s", sep, offered, rest);
		snprintf(wanted, sizeof wanted, "250-mx STARTTLS\r\n250%c%s\r\n%s", sep, seen, rest);
		struct script s = { .n = 0 };
		script_text(&s, ZG_SERVER, GREETING);
		script_text(&s, ZG_CLIENT, EHLO);
		script_text(&s, ZG_SERVER, given);
		struct outcome *o = dialogue(offered, &zg_smtp, DEFAULTS, s.turns, s.n);
		size_t at = strlen(GREETING), len = strlen(wanted);
		ck_assert_int_eq(o->say, ZG_SAY_MORE);
		ck_assert_uint_eq(o->passed_len[ZG_SERVER], at + len);
		ck_assert_msg(memcmp(o->passed[ZG_SERVER] + at, wanted, len) == 0, "%s became %.*s", offered, (int)len,
			      (char *)o->passed[ZG_SERVER] + at);
		free(o);
		script_free(&s);
	}
}

START_TEST(keywords_are_hidden)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		keyword_seen_as(keywords[i].offered, keywords[i].seen);
}
END_TEST

/* What hiding leaves of any registered keyword is no registered keyword, unless it may be offered. */
START_TEST(hidden_keywords_are_none)
{
	static const char *const registered[] = {
		"SEND",	       "SOML",	    "SAML",	"VRFY",	    "EXPN",	"HELP",		"TURN",	      "8BITMIME",
		"SIZE",	       "VERB",	    "ONEX",	"CHUNKING", "BINARYMIME", "CHECKPOINT", "DELIVERBY",  "PIPELINING",
		"DSN",	       "ETRN",	    "ENHANCEDSTATUSCODES", "STARTTLS", "NO-SOLICITING", "MTRK", "SUBMITTER", "ATRN",
		"AUTH",	       "FUTURERELEASE", "CONPERM", "CONNEG", "SMTPUTF8", "MT-PRIORITY", "RRVS",	      "REQUIRETLS",
		"LIMITS",      "BURL",	    "XCLIENT",	"XFORWARD", "XEXCH50",	"X-LINK2STATE", "X-EXPS",     "PIPECONNECT",
		"TLS",	       "XVERP",	    "XDEBUG",	"EVFY",	    "UTF8SMTP", "IDENT",	"PIPE_CONNECT", "SUBMIT",
	};
	size_t n = sizeof registered / sizeof *registered;
	for (size_t i = 0; i < n; i++) {
		struct script s = { .n = 0 };
		char reply[128];
		snprintf(reply, sizeof reply, "250-mx\r\n250 %s\r\n", registered[i]);
		script_text(&s, ZG_SERVER, GREETING);
		script_text(&s, ZG_CLIENT, EHLO);
		script_text(&s, ZG_SERVER, reply);
		struct outcome *o = dialogue_run(&zg_smtp, DEFAULTS, s.turns, s.n, CUT_NONE, 0);
		const char *left = (char *)o->passed[ZG_SERVER] + strlen(GREETING "250-mx\r\n250 ");
		for (size_t k = 0; k < n; k++) {
			bool allowed = strstr(" PIPELINING SIZE 8BITMIME ENHANCEDSTATUSCODES DSN HELP ", registered[k]) != NULL;
			size_t len = strlen(registered[k]);
			ck_assert_msg(allowed || memcmp(left, registered[k], len) != 0, "%s became %s", registered[i],
				      registered[k]);
		}
		free(o);
		script_free(&s);
	}
}
END_TEST

/* What was hidden is not in force: a client that goes on as if it were is refused. */
static const struct row hidden[] = {
	DENY("SIZE with junk", PARAMETER, "S:" GREETING, "C:" EHLO, "S:250-mx\r\n250 SIZEX\r\n", "C:MAIL FROM:<a@b> SIZE" AT "=1\r\n"),
	DENY("half a keyword", PIPELINE, "S:" GREETING, "C:" EHLO, "S:250-mx\r\n250 PIPELININ\r\n", "C:RSET\r\n" AT "RSET\r\n"),
	DENY("in the first line", PIPELINE, "S:" GREETING, "C:" EHLO, "S:250 PIPELINING\r\n", "C:RSET\r\n" AT "RSET\r\n"),
	DENY("in a refusal", PIPELINE, "S:" GREETING, "C:" EHLO, "S:550-a\r\n550 PIPELINING\r\n", "C:RSET\r\n" AT "RSET\r\n"),
};

START_TEST(hidden_keywords_are_not_in_force)
{
	CHECK_ROWS(hidden);
}
END_TEST

/* After a refusal within a message, the client is told at its end of data and not before, whatever the octet was that
 * was refused: within a line, its CR, a dot, the CR after the last dot. */
START_TEST(told_at_the_end_of_data)
{
	static const char *const messages[] = {
		"Subject: a\r\n\r\n\x0c..\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n",
		"Subject: a\r\n \r\n..\r\n\r\n.\r\n",
		"Subject: a\r\n \r\n.\r\n",
		"Subject: =?utf-8?q?\r\n.\r\n",
		"Subject: =?utf-8?q?a?=b\r\n.\r\n",
		"MIME-Version: 2\r\n.\r\n",
		"MIME-Version: 2\r\n..a: b\r\n.\r\n",
		"Content-Language: ja\r\n\r\n.\r\n",
	};
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		for (int cut = CUT_NONE; cut <= CUT_BYTES; cut++) {
			struct script s;
			script_mail(&s, OFFERS, MAIL, messages[i], strlen(messages[i]));
			struct outcome *o = dialogue_run(&zg_smtp, DEFAULTS, s.turns, s.n, (enum cut)cut, 0);
			ck_assert_int_eq(o->say, ZG_SAY_DENY);
			ck_assert_msg(o->drain && o->told && o->told_at == s.given[ZG_CLIENT], "message %zu", i);
			free(o);
			script_free(&s);
		}
	}
}
END_TEST

/* Where nobody can say where the message ends, the client is told at once. */
START_TEST(told_at_once_when_broken)
{
	static const char *const tails[] = { "a\n", "a\rb", "\r\n.\n", "\r\n.a", "\r\n.\rx" };
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		struct script s;
		char message[64];
		snprintf(message, sizeof message, "Subject: a\r\n\r\n\x0c%s", tails[i]);
		script_mail(&s, OFFERS, MAIL, message, strlen(message));
		struct outcome *o = dialogue_run(&zg_smtp, DEFAULTS, s.turns, s.n, CUT_BYTES, 0);
		ck_assert(o->drain && o->told);
		ck_assert_uint_eq(o->told_at, s.given[ZG_CLIENT]);
		free(o);
		script_free(&s);
	}
}
END_TEST

static struct zg_answer end_after(struct script *s, enum zg_dir dir)
{
	struct zg_answer answer;
	void *state = calloc(1, zg_smtp.state_size);
	ck_assert_ptr_nonnull(state);
	zg_smtp.begin(state, DEFAULTS);
	for (size_t i = 0; i < s->n; i++) {
		struct zg_rw in = zg_rw_init(s->bytes[i], s->turns[i].len);
		zg_smtp.data(state, DEFAULTS, s->turns[i].dir, &in, &answer);
	}
	zg_smtp.end(state, DEFAULTS, dir, &answer);
	free(state);
	script_free(s);
	return answer;
}

/* A server must never read an orderly end within a message. */
START_TEST(end_of_a_direction)
{
	struct script s;
	script_mail(&s, OFFERS, MAIL, "Subject: a\r\n\r\nx\r\n.", 18);
	struct zg_answer a = end_after(&s, ZG_CLIENT);
	ck_assert(a.say == ZG_SAY_DENY && a.reason == ZG_R_SMTP_END_OF_DATA && !a.drain);

	script_mail(&s, OFFERS, MAIL, "Subject: a\r\n\r\nx\r\n", 17);
	ck_assert_int_eq(end_after(&s, ZG_SERVER).say, ZG_SAY_MORE);

	script_mail(&s, OFFERS, MAIL, "\x0c", 1);
	ck_assert_int_eq(end_after(&s, ZG_CLIENT).say, ZG_SAY_DONE);

	script_lines(&s, (const char *[LINES]){ HELLO, "C:" MAIL });
	ck_assert_int_eq(end_after(&s, ZG_CLIENT).say, ZG_SAY_MORE);

	script_lines(&s, (const char *[LINES]){ HELLO, "C:MAIL FROM:<a@b>" });
	a = end_after(&s, ZG_CLIENT);
	ck_assert(a.say == ZG_SAY_DENY && a.reason == ZG_R_SMTP_COMMAND_SYNTAX);
}
END_TEST

START_TEST(quit_ends_the_connection)
{
	struct script s;
	script_lines(&s, (const char *[LINES]){ HELLO, BYE });
	struct outcome *o = dialogue("quit", &zg_smtp, DEFAULTS, s.turns, s.n);
	ck_assert_int_eq(o->say, ZG_SAY_DONE);
	free(o);
	script_free(&s);
}
END_TEST

/* A refusal stays: later bytes in either direction are refused at their first. */
START_TEST(refused_for_good)
{
	struct zg_answer answer;
	uint8_t early[] = "EHLO a\r\n", reply[] = GREETING;
	void *state = calloc(1, zg_smtp.state_size);
	ck_assert_ptr_nonnull(state);
	zg_smtp.begin(state, DEFAULTS);
	for (int i = 0; i < 3; i++) {
		struct zg_rw in = i == 1 ? zg_rw_init(reply, sizeof reply - 1) : zg_rw_init(early, sizeof early - 1);
		zg_smtp.data(state, DEFAULTS, i == 1 ? ZG_SERVER : ZG_CLIENT, &in, &answer);
		ck_assert(answer.say == ZG_SAY_DENY && in.pos == 0 && answer.reason == ZG_R_SMTP_SEQUENCE);
	}
	free(state);
}
END_TEST

/* NUL, which the rows above cannot hold. */
START_TEST(nul_is_refused)
{
	struct script s;
	script_lines(&s, (const char *[LINES]){ HELLO });
	script_say(&s, ZG_CLIENT, "MAIL FROM:<a" AT "\0@b>\r\n", 19);
	expect_refused("command", DEFAULTS, &s, ZG_R_SMTP_LINE_END, false);
	script_free(&s);
	script_lines(&s, (const char *[LINES]){ HELLO });
	script_say(&s, ZG_CLIENT, AT "\0", 2);
	expect_refused("first", DEFAULTS, &s, ZG_R_SMTP_LINE_END, false);
	script_free(&s);
	script_lines(&s, (const char *[LINES]){ HELLO, "C:" MAIL });
	script_say(&s, ZG_SERVER, "250 a" AT "\0\r\n", 9);
	expect_refused("reply", DEFAULTS, &s, ZG_R_SMTP_LINE_END, false);
	script_free(&s);
}
END_TEST

static const struct {
	const char *label, *list[4], *address;
	bool good;
} senders[] = {
	{ "the domain", { "example.jp" }, "a@example.jp", true },
	{ "in capitals", { "example.jp" }, "a@EXAMPLE.jp", true },
	{ "the second", { "x.jp", "example.jp" }, "a@example.jp", true },
	{ "another", { "x.jp", "example.jp" }, "a@example.com", false },
	{ "one below", { "example.jp" }, "a@mail.example.jp", false },
	{ "one that ends so", { "example.jp" }, "a@badexample.jp", false },
	{ "all below", { "*.example.jp" }, "a@x.mail.example.jp", true },
	{ "not itself", { "*.example.jp" }, "a@example.jp", false },
	{ "not what ends so", { "*.example.jp" }, "a@badexample.jp", false },
	{ "an address", { "*.1" }, "a@[127.0.0.1]", false },
	{ "no bounces", { "example.jp" }, "", false },
	{ "bounces", { "example.jp", "<>" }, "", true },
	{ "in the local part", { "example.jp" }, "\"a@example.jp\"@b", false },
};

static void settings_of(struct settings *s, bool sender, const char *const *list)
{
	*s = (struct settings){ .config = *DEFAULTS };
	for (size_t i = 0; i < 4 && list[i] != NULL; i++)
		settings_add(s, sender ? &s->config.sender_domains : &s->config.recipient_domains, list[i]);
}

static void command_judged(const char *label, const struct zg_smtp_config *config, const char *before, const char *address,
			   enum zg_reason reason)
{
	char line[300];
	struct script s;
	snprintf(line, sizeof line, "%s:<%s%s>\r\n", before, address, reason != ZG_R_NONE ? AT : "");
	script_lines(&s, (const char *[LINES]){ HELLO });
	if (strcmp(before, "RCPT TO") == 0) {
		script_text(&s, ZG_CLIENT, MAIL);
		script_text(&s, ZG_SERVER, OK_250);
	}
	script_text(&s, ZG_CLIENT, line);
	if (reason == ZG_R_NONE)
		expect_passed(label, config, &s);
	else
		expect_refused(label, config, &s, reason, false);
	script_free(&s);
}

START_TEST(domains_configured)
{
	struct settings s;
	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
		settings_of(&s, true, senders[i].list);
		command_judged(senders[i].label, &s.config, "MAIL FROM", senders[i].address, senders[i].good ? ZG_R_NONE : ZG_R_SMTP_SENDER);
		if (senders[i].address[0] == '\0')
			continue;
		settings_of(&s, false, senders[i].list);
		command_judged(senders[i].label, &s.config, "RCPT TO", senders[i].address, senders[i].good ? ZG_R_NONE : ZG_R_SMTP_RECIPIENT);
		settings_of(&s, true, (const char *[4]){ "example.jp" });
		command_judged(senders[i].label, &s.config, "RCPT TO", senders[i].address, ZG_R_NONE);
	}
	settings_of(&s, false, (const char *[4]){ "example.jp" });
	command_judged("no postmaster", &s.config, "RCPT TO", "Postmaster", ZG_R_SMTP_RECIPIENT);
	settings_of(&s, false, (const char *[4]){ "<postmaster>" });
	command_judged("postmaster", &s.config, "RCPT TO", "Postmaster", ZG_R_NONE);
	command_judged("postmaster somewhere", &s.config, "RCPT TO", "postmaster@a", ZG_R_SMTP_RECIPIENT);
}
END_TEST

static const struct {
	const char *key, *text, *kept; /* NULL: refused */
} words[] = {
	{ "sender_domains", "Example.JP", "example.jp" },	{ "sender_domains", "*.Example.jp", "*.example.jp" },
	{ "sender_domains", "<>", "<>" },			{ "sender_domains", "<postmaster>", NULL },
	{ "sender_domains", "a@example.jp", NULL },		{ "sender_domains", ".example.jp", NULL },
	{ "sender_domains", "example..jp", NULL },		{ "sender_domains", "*example.jp", NULL },
	{ "sender_domains", "*.*.jp", NULL },			{ "sender_domains", "[127.0.0.1]", NULL },
	{ "sender_domains", "", NULL },				{ "sender_domains", "*.", NULL },
	{ "recipient_domains", "<Postmaster>", "<postmaster>" }, { "recipient_domains", "<>", NULL },
	{ "subject_tag", "[Sanitized] ", "[Sanitized] " },	{ "subject_tag", "", NULL },
	{ "subject_tag", " x", NULL },				{ "subject_tag", "\xe7\x84\xa1", NULL },
	{ "subject_tag", "1234567890123456789012345678901", "1234567890123456789012345678901" },
	{ "subject_tag", "12345678901234567890123456789012", NULL },
};

START_TEST(lists_are_checked)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		char text[64];
		size_t at = 0;
		snprintf(text, sizeof text, "%s", words[i].text);
		while (strcmp(zg_smtp.items[at].key, words[i].key) != 0)
			at++;
		const char *wanted = zg_smtp.items[at].check(text);
		ck_assert_msg((wanted == NULL) == (words[i].kept != NULL), "%s", words[i].text);
		if (wanted == NULL)
			ck_assert_str_eq(text, words[i].kept);
	}
}
END_TEST

START_TEST(record)
{
	ck_assert_str_eq(zg_smtp.name, "smtp");
	ck_assert_uint_le(zg_smtp.config_size, ZG_INSPECTOR_CONFIG_MAX);
	ck_assert_uint_le(zg_smtp.state_size, 4096);
	for (size_t i = 0; i < zg_smtp.n_items; i++) {
		const struct zg_item *item = &zg_smtp.items[i];
		ck_assert_uint_le(item->offset + (item->type == ZG_ITEM_BOOL ? 1 : sizeof(uint32_t)), zg_smtp.config_size);
		if (item->type == ZG_ITEM_INT)
			ck_assert(item->preset >= item->min && item->preset <= item->max);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtp");
	TCase *tc = tcase_create("dialogue");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, dialogues_pass);
	tcase_add_test(tc, bad_commands_are_refused);
	tcase_add_test(tc, bad_parameters_are_refused);
	tcase_add_test(tc, bad_sequences_are_refused);
	tcase_add_test(tc, bad_replies_are_refused);
	tcase_add_test(tc, reply_length);
	tcase_add_test(tc, command_length);
	tcase_add_test(tc, recipients);
	tcase_add_test(tc, pipeline_limit);
	tcase_add_test(tc, keywords_are_hidden);
	tcase_add_test(tc, hidden_keywords_are_none);
	tcase_add_test(tc, hidden_keywords_are_not_in_force);
	tcase_add_test(tc, told_at_the_end_of_data);
	tcase_add_test(tc, told_at_once_when_broken);
	tcase_add_test(tc, end_of_a_direction);
	tcase_add_test(tc, quit_ends_the_connection);
	tcase_add_test(tc, refused_for_good);
	tcase_add_test(tc, nul_is_refused);
	tcase_add_test(tc, record);
	tcase_add_test(tc, domains_configured);
	tcase_add_test(tc, lists_are_checked);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
