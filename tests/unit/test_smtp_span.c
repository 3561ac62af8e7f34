/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spans of ordinary text against the octet machine, at every offset within a block and at every cut. */
#include "unit.h"

#include <stdio.h>

#include "lockstep.h"
#include "proto/octets.h"
#include "proto/text.h"

#define HEAD(charset, encoding)                                                                                              \
	"From: <a@b>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=" charset                                     \
	"\r\nContent-Transfer-Encoding: " encoding "\r\n\r\n"
#define UTF_8  HEAD("utf-8", "8bit")
#define ASCII  HEAD("us-ascii", "7bit")
#define JIS    HEAD("iso-2022-jp", "7bit")
#define QP     HEAD("utf-8", "quoted-printable")
#define BASE64 HEAD("utf-8", "base64")
#define TO_JIS "\x1b$B"
#define TO_ASC "\x1b(B"

#define MAIL_MAX 200000

struct mail {
	size_t len;
	uint8_t bytes[MAIL_MAX];
};

static void put(struct mail *m, const void *bytes, size_t len)
{
	ck_assert(m->len + len <= sizeof m->bytes);
	memcpy(m->bytes + m->len, bytes, len);
	m->len += len;
}

static void put_text(struct mail *m, const char *text)
{
	put(m, text, strlen(text));
}

static void put_times(struct mail *m, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_text(m, text);
}

static const struct zg_smtp_config defaults = { .charsets = 31, .max_message = ZG_SMTP_MESSAGE_MAX, .max_recipients = 100 };

/* How the mail ends when it is given in one piece; given in others it ends in the same way. */
static struct lockstep judged(const char *label, const struct zg_smtp_config *config, const struct mail *m, bool eight_bit)
{
	static const size_t cuts[] = { 17, 64, 100, 1448, 0 };
	static struct lockstep l;
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		lockstep_begin(&l, config);
		const char *fault = lockstep_until_data(&l, eight_bit);
		if (fault == NULL)
			fault = lockstep_give_cut(&l, ZG_CLIENT, m->bytes, m->len, cuts[i], (uint32_t)(m->len + i));
		if (fault != NULL)
			ck_abort_msg("%s, cut %zu: %s at %zu", label, cuts[i], fault, l.at);
	}
	return l;
}

static void passes(const char *label, const struct mail *m)
{
	const struct lockstep l = judged(label, &defaults, m, true);
	if (l.denied)
		ck_abort_msg("%s: %s at %zu of %zu", label, zg_reason_name(l.answer.reason), l.at, m->len);
}

static void refused(const char *label, const struct zg_smtp_config *config, const struct mail *m, enum zg_reason reason,
		    size_t at)
{
	const struct lockstep l = judged(label, config, m, true);
	if (!l.denied || l.answer.reason != reason || l.at != at)
		ck_abort_msg("%s: %s at %zu, expected %s at %zu", label, l.denied ? zg_reason_name(l.answer.reason) : "passed",
			     l.at, zg_reason_name(reason), at);
}

static struct mail mail;

/* --- characters ------------------------------------------------------------------------------------ */

#define CONTROL ZG_R_SMTP_BODY_CONTROL
#define CHARSET ZG_R_SMTP_BODY_CHARSET
#define LINE	ZG_R_SMTP_LINE_END

static const struct {
	const char *octets;
	size_t len, at; /* the octet that is refused */
	enum zg_reason reason;
} faults[] = {
	{ "\0", 1, 0, LINE },		       { "\n", 1, 0, LINE },
	{ "\rx", 2, 1, LINE },		       { "\r\rx", 3, 1, LINE },
	{ "\x01", 1, 0, CONTROL },	       { "\x08", 1, 0, CONTROL },
	{ "\x0B", 1, 0, CONTROL },	       { "\x0C", 1, 0, CONTROL },
	{ "\x1B", 1, 0, CONTROL },	       { "\x1F", 1, 0, CONTROL },
	{ "\x7F", 1, 0, CONTROL },	       { "\xC2\x80", 2, 1, CONTROL },
	{ "\xC2\x9F", 2, 1, CONTROL },	       { "\xE2\x80\xA8", 3, 2, CONTROL },
	{ "\xE2\x80\xAA", 3, 2, CONTROL },     { "\xE2\x80\xAE", 3, 2, CONTROL },
	{ "\xE2\x81\xA6", 3, 2, CONTROL },     { "\xE2\x81\xA9", 3, 2, CONTROL },
	{ "\xEF\xB7\x90", 3, 2, CONTROL },     { "\xEF\xB7\xAF", 3, 2, CONTROL },
	{ "\xEF\xBB\xBF", 3, 2, CONTROL },     { "\xEF\xBF\xBE", 3, 2, CONTROL },
	{ "\xEF\xBF\xBF", 3, 2, CONTROL },     { "\xF0\x9F\xBF\xBE", 4, 3, CONTROL },
	{ "\xF3\xBF\xBF\xBF", 4, 3, CONTROL }, { "\xF4\x8F\xBF\xBF", 4, 3, CONTROL },
	{ "\x80", 1, 0, CHARSET },	       { "\xBF", 1, 0, CHARSET },
	{ "\xC0\x80", 2, 0, CHARSET },	       { "\xC1\xBF", 2, 0, CHARSET },
	{ "\xC3x", 2, 1, CHARSET },	       { "\xC3\xC3", 2, 1, CHARSET },
	{ "\xC3\x81\x81", 3, 2, CHARSET },     { "\xE0\x9F\xBF", 3, 1, CHARSET },
	{ "\xE3\x81x", 3, 2, CHARSET },	       { "\xE3\x81\xE3", 3, 2, CHARSET },
	{ "\xE3x", 2, 1, CHARSET },	       { "\xE3\x81\x81\x81", 4, 3, CHARSET },
	{ "\xED\xA0\x80", 3, 1, CHARSET },     { "\xED\xBF\xBF", 3, 1, CHARSET },
	{ "\xF0\x8F\xBF\xBF", 4, 1, CHARSET }, { "\xF0\x9F\x98x", 4, 3, CHARSET },
	{ "\xF0\x9F\x98\x80\x80", 5, 4, CHARSET }, { "\xF4\x90\x80\x80", 4, 1, CHARSET },
	{ "\xF5\x80\x80\x80", 4, 0, CHARSET }, { "\xF8\x88\x80\x80\x80", 5, 0, CHARSET },
	{ "\xFF", 1, 0, CHARSET },	       { "\xE3\x81\r\n", 4, 2, CHARSET },
};

START_TEST(faults_are_found_at_every_offset)
{
	static const char *const fillers[] = { "a", "\xE3\x81\x82", "x \xC3\xA9\xF0\x9F\x98\x80", "\r\n" };
	for (size_t f = 0; f < sizeof fillers / sizeof *fillers; f++) {
		for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
			for (size_t n = i % STRIDE; n < 70; n += STRIDE) {
				mail.len = 0;
				put_text(&mail, UTF_8);
				put_times(&mail, fillers[f], n);
				size_t at = mail.len + faults[i].at;
				put(&mail, faults[i].octets, faults[i].len);
				put_times(&mail, "b", 80);
				refused("fault", &defaults, &mail, faults[i].reason, at);
			}
		}
	}
}
END_TEST

START_TEST(characters_beside_the_forbidden_pass)
{
	static const char *const good[] = { "\t", " ", "~", "\xC2\xA0", "\xDF\xBF", "\xE0\xA0\x80", "\xE2\x80\xA7", "\xE2\x80\xAF",
					    "\xE2\x81\xA5", "\xE2\x81\xAA", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xB7\x8F",
					    "\xEF\xB7\xB0", "\xEF\xBB\xBE", "\xEF\xBF\xBD", "\xF0\x90\x80\x80", "\xF0\x9F\xBF\xBD",
					    "\xF4\x8F\xBF\xBD" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		for (size_t n = i % STRIDE; n < 70; n += STRIDE) {
			mail.len = 0;
			put_text(&mail, UTF_8);
			put_times(&mail, "a", n);
			put_times(&mail, good[i], 40);
			put_text(&mail, "\r\n.\r\n");
			passes(good[i], &mail);
		}
	}
}
END_TEST

/* What the octet machine takes of a block, until it refuses. */
static size_t by_octets(const uint8_t *block, size_t len)
{
	struct zg_text text;
	zg_text_begin(&text, ZG_CHARSET_UTF_8);
	for (size_t i = 0; i < len; i++)
		if (zg_text_feed(&text, block[i]) != ZG_R_NONE)
			return i;
	return len;
}

START_TEST(every_sequence_of_three_octets)
{
	uint8_t block[ZG_RD_BLOCK];
	memset(block, 'a', sizeof block);
	for (unsigned lead = 0x80; lead < 0x100; lead++) {
		for (unsigned second = 0; second < 0x100; second++) {
			for (unsigned third = 0x7E; third < 0xC2; third++) {
				struct zg_text text;
				size_t line;
				block[20] = (uint8_t)lead;
				block[21] = (uint8_t)second;
				block[22] = (uint8_t)third;
				zg_text_begin(&text, ZG_CHARSET_UTF_8);
				size_t n = zg_text_block(&text, ZG_TEXT_DECODED, block, &line);
				size_t octets = by_octets(block, sizeof block);
				/* no more than is good; and all of it but for a mark, if all is good */
				if (n > octets || (octets == sizeof block && n != octets))
					ck_abort_msg("%02X %02X %02X: %zu, %zu", lead, second, third, n, octets);
			}
		}
	}
}
END_TEST

/* Both decoders see the same in a line with any octet at any place. */
START_TEST(every_octet_in_a_group)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t line[108], out[sizeof line], wanted[sizeof line];
	for (unsigned octet = 0; octet < 0x100; octet++) {
		for (size_t at = 0; at < sizeof line; at++) {
			struct zg_b64 octets = { .n = 0 }, groups = { .n = 0 };
			size_t n = 0, taken = 0;
			for (size_t i = 0; i < sizeof line; i++)
				line[i] = (uint8_t)alphabet[(i * 23 + octet) % 64];
			line[at] = (uint8_t)octet;
			while (taken < sizeof line && octet != '=') {
				int step = zg_b64_feed(&octets, line[taken], &wanted[n]);
				if (step < 0)
					break;
				n += step > 0;
				taken++;
			}
			taken = octet == '=' ? at : taken;
			struct zg_rd in = zg_rd_init(line, sizeof line);
			ck_assert_uint_eq(zg_b64_groups(&groups, &in, sizeof line, out), taken / 4);
			ck_assert_uint_eq(in.pos, taken / 4 * 4);
			ck_assert(octet == '=' || memcmp(out, wanted, taken / 4 * 3) == 0);
		}
	}
}
END_TEST

START_TEST(every_octet_in_quoted_printable)
{
	static const char *const lines[] = { "abc=3D=C3=9Aabcdefg", "=E3=81=82=E3=81=84x " };
	for (size_t i = 0; i < 2; i++) {
		for (unsigned octet = 0; octet < 0x100; octet++) {
			for (size_t at = 0; at < strlen(lines[i]); at++) {
				struct zg_qp octets = { .stage = 0 }, run = { .stage = 0 };
				uint8_t line[32], out[32], wanted[32];
				size_t n = 0, whole = 0, whole_n = 0;
				const size_t len = strlen(lines[i]);
				memcpy(line, lines[i], len);
				line[at] = (uint8_t)octet;
				for (size_t k = 0; k < len; k++) {
					int step = zg_qp_feed(&octets, line[k], &wanted[n]);
					if (step < 0)
						break;
					n += step > 0;
					whole = octets.stage == 0 ? k + 1 : whole;
					whole_n = octets.stage == 0 ? n : whole_n;
				}
				struct zg_rd in = zg_rd_init(line, len);
				ck_assert_uint_eq(zg_qp_run(&run, &in, out), whole_n);
				ck_assert_uint_eq(in.pos, whole);
				ck_assert(memcmp(out, wanted, whole_n) == 0);
			}
		}
	}
}
END_TEST

/* --- lines ------------------------------------------------------------------------------------------- */

START_TEST(line_length_is_exact)
{
	static const char *const fillers[] = { "a", "\xE3\x81\x82", "\xF0\x9F\x98\x80" };
	for (size_t f = 0; f < 3; f++) {
		for (size_t before = 0; before < 5; before++) {
			mail.len = 0;
			put_text(&mail, UTF_8);
			put_times(&mail, "x", before);
			put_times(&mail, fillers[f], (998 - before) / strlen(fillers[f]));
			put_times(&mail, "y", (998 - before) % strlen(fillers[f]));
			size_t at = mail.len;
			put_text(&mail, "\r\n.\r\n");
			passes("998", &mail);
			mail.len = at;
			put_text(&mail, "z\r\n.\r\n");
			refused("999", &defaults, &mail, ZG_R_SMTP_TEXT_LENGTH, at);
		}
	}
}
END_TEST

START_TEST(message_size_is_exact)
{
	static const char *const bodies[] = { UTF_8 "abc\r\n\xE3\x81\x82\xE3\x81\x84 text of some length\r\n\r\n0123456789012345678901234567890123456\r\n",
					      QP "abc\r\n=E3=81=82=\r\n=E3=81=84 text of some length\r\n\r\n0123456789012345678901234567\r\n",
					      BASE64 "44GE44Gk44KC44GK5LiW6Kmx\r\n44GE44Gk44KC44GK5LiW6Kmx\r\n44GE44Gk44KC44GK\r\n" };
	for (size_t i = 0; i < 3; i++) {
		mail.len = 0;
		put_text(&mail, bodies[i]);
		const size_t len = mail.len;
		put_text(&mail, ".\r\n");
		for (size_t max = 0; max < len + 3; max++) {
			struct zg_smtp_config config = defaults;
			config.max_message = (uint32_t)max;
			const struct lockstep l = judged("size", &config, &mail, true);
			ck_assert_int_eq(l.denied, max < len);
			ck_assert(!l.denied || l.answer.reason == ZG_R_SMTP_MESSAGE_SIZE);
		}
	}
}
END_TEST

START_TEST(line_begins_are_looked_at)
{
	static const struct {
		const char *line;
		size_t at; /* 0: passes */
		enum zg_reason reason;
	} lines[] = {
		{ "..\r\n", 0, 0 },
		{ "...x\r\n", 0, 0 },
		{ " .x\r\n", 0, 0 },
		{ "bee\r\n", 0, 0 },
		{ "begin 64 x\r\n", 0, 0 },
		{ "-- \r\n", 0, 0 },
		{ "(this\r\n", 0, 0 },
		{ "=y\r\n", 0, 0 },
		{ "  \t\r\n", 0, 0 },
		{ ".x\r\n", 1, ZG_R_SMTP_END_OF_DATA },
		{ ".\n", 1, ZG_R_SMTP_END_OF_DATA },
		{ "begin 644 x\r\n", 9, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ " \t BEGIN 644 x\r\n", 12, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ "begin  x\r\n", 6, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ "begin-base64 644 x\r\n", 11, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ "=ybegin line\r\n", 7, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ " =yBegin line\r\n", 8, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ "(this file must be converted with binhex 4\r\n", 39, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ "-----BEGIN PGP MESSAGE-----\r\n", 13, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ "-----BEGIN PKCS7-----\r\n", 15, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ "-----begin cms-----\r\n", 13, ZG_R_SMTP_BODY_HIDDEN_FILE },
		{ "-----BEGIN PRIVACY-ENHANCED MESSAGE\r\n", 26, ZG_R_SMTP_BODY_HIDDEN_FILE },
	};
	static const char *const heads[] = { ASCII, UTF_8, JIS, HEAD("shift_jis", "8bit"), HEAD("euc-jp", "8bit") };
	for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
		for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
			for (size_t n = i % STRIDE; n < 70; n += STRIDE) {
				mail.len = 0;
				put_text(&mail, heads[h]);
				put_times(&mail, "a", n);
				put_text(&mail, n > 0 ? "\r\n" : "");
				size_t at = mail.len;
				put_text(&mail, lines[i].line);
				put_text(&mail, "and some text behind it that fills the rest of the block with octets\r\n.\r\n");
				if (lines[i].at == 0)
					passes(lines[i].line, &mail);
				else
					refused(lines[i].line, &defaults, &mail, lines[i].reason, at + lines[i].at);
			}
		}
	}
}
END_TEST

START_TEST(marks_behind_escapes)
{
	for (size_t n = 0; n < 70; n++) {
		mail.len = 0;
		put_text(&mail, JIS);
		put_times(&mail, "a", n);
		put_text(&mail, "\r\n" TO_JIS TO_ASC " " TO_ASC);
		size_t at = mail.len;
		put_text(&mail, "begin 644 x\r\nand some text behind it that fills the block\r\n.\r\n");
		refused("begin", &defaults, &mail, ZG_R_SMTP_BODY_HIDDEN_FILE, at + 9);
		mail.len = at;
		put_text(&mail, TO_JIS "!!" TO_ASC "begin 644 x\r\n.\r\n");
		passes("behind a character", &mail);
		mail.len = at;
		put_text(&mail, TO_JIS "!!!" TO_ASC "x\r\n.\r\n");
		refused("half a character", &defaults, &mail, CHARSET, at + 6);
		mail.len = at;
		put_text(&mail, TO_JIS "!! !" TO_ASC "x\r\n.\r\n");
		refused("blank", &defaults, &mail, CHARSET, at + 5);
		mail.len = at;
		put_text(&mail, TO_JIS "!!\r\n" TO_ASC "x\r\n.\r\n");
		refused("line end", &defaults, &mail, CHARSET, at + 5);
		mail.len = at;
		put_text(&mail, "\x1b(J!!" TO_ASC "x\r\n.\r\n");
		refused("JIS X 0201", &defaults, &mail, CHARSET, at + 2);
	}
}
END_TEST

/* --- encodings ---------------------------------------------------------------------------------------- */

static const char *const encoded[] = {
	UTF_8 "いつもお世話に\xE2\x80\xA6\r\n（第1会議室）\r\n\r\n  字下げ\r\nbegin\r\n..\r\nlast line without much in it\r\n.\r\n",
	JIS TO_JIS "$\"$$$&" TO_ASC " abc " TO_JIS "$\"" TO_ASC "\r\n" TO_JIS "$\"$$$&$\"$$$&$\"$$$&$\"$$$&" TO_ASC "\r\nend\r\n.\r\n",
	HEAD("shift_jis", "8bit") "\x82\xA0\x82\xA2 \xB1\xB2 \x95\x5C\x8E\xA6 abc\r\n\xFA\x40 x\r\n..\r\nbegin\r\n.\r\n",
	HEAD("euc-jp", "8bit") "\xA4\xA2\xA4\xA4 \x8E\xB1 \x8F\xB0\xA1 abc\r\n\xA4\xA2\r\n..\r\nbegin\r\n.\r\n",
	QP "=E3=81=82=E3=81=84=\r\n=E3=81=86 begin=\r\nbegin and more\r\n=\r\n b=C3=\r\n=A9 =20\r\n=E2=80=A6\r\n\r\n=2E\r\n.\r\n",
	QP "  =E3=81=82\r\n\t\r=\n\r\n.\r\n",
	QP "caf=C3=A9 \r\n.\r\n",
	QP "x=e3=81=82 lower case is refused, and what follows does not matter\r\n.\r\n",
	QP "=E3=81 and a broken character that is refused at the octet behind it\r\n.\r\n",
	QP "begin=20644 x, hidden when decoded and not before, with some text\r\n.\r\n",
	QP "text=\r\nbegin 644 x: hidden as it came, with some text behind it to fill\r\n.\r\n",
	QP "=3Dybegin line, hidden when decoded, with some text behind it to fill\r\n.\r\n",
	BASE64 "44GE44Gk44KC44GK5LiW6Kmx44Gr44Gq44Gj44Gm44GK44KK44G+44GZ44CC57eP5YuZ6Kqy44Gu\r\n44GE\r\nYWJj\r\nDQo=\r\n.\r\n",
	BASE64 "YmVnaW4gNjQ0IHgKYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJj\r\n.\r\n",
	BASE64 "YWJjCmJlZ2luIDY0NCB4CmFiY2FiY2FiY2FiY2FiY2FiY2Fi\r\n.\r\n",
	BASE64 "YWJjDWFiY2FiY2FiY2FiY2FiY2FiY2FiY2FiY2FiY2FiY2Fi\r\n.\r\n",
	BASE64 "44GE44Gk44KC44GK5LiW6Kmx44Gr44Gq44Gj44Gm44GK44KK44G+44GZ44CC57eP5YuZ6Kqy44GuYWJj\r\n.\r\n",
	BASE64 "44GE44Gk44KC44GK5LiW6Kmx\r\n\r\n44GE44Gk44KC44GK5LiW6Kmx\r\n.\r\n",
	BASE64 "44GE44Gk44KC44GK5LiW6Km\r\nx44GE44Gk44KC44GK5LiW6Kmx\r\n.\r\n",
	BASE64 "44GE44Gk44KC44GK5LiW!!!!44GE44Gk44KC44GK5LiW6Kmx\r\n.\r\n",
	BASE64 "44GE44Gk44KC44GK5LiWYWI=YWJj44Gk44KC44GK5LiW6Kmx\r\n.\r\n",
	"Received: from a (b [192.0.2.1])\r\n\tby c with ESMTPS id 1;\r\n\tWed, 1 Apr 2026 09:00:00 +0900 (JST)\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=abcdefghijklmnopqrstuvwxyz=\r\n"
	"Subject: =?utf-8?B?5Lya6K2w?= and more text behind the word\r\nX: \t \r\n \t z\r\n\r\nbody\r\n.\r\n",
	"Subject: blanks only in the next line\r\n                                                                      \r\n\r\n.\r\n",
	"Subject: a word glued to its neighbour in a long line x=?utf-8?q?a?=\r\n\r\n.\r\n",
	"Subject: an octet above 0x7F in a long line of the header \xE3\x81\x82\r\n\r\n.\r\n",
};

/* One chunk up to the cut, one behind it. */
START_TEST(every_cut)
{
	static struct lockstep l;
	for (size_t i = 0; i < sizeof encoded / sizeof *encoded; i++) {
		const size_t len = strlen(encoded[i]);
		for (int eight_bit = 0; eight_bit < 2; eight_bit++) {
			for (size_t cut = 1; cut < len; cut++) {
				lockstep_begin(&l, &defaults);
				const char *fault = lockstep_until_data(&l, eight_bit);
				if (fault == NULL)
					fault = lockstep_give(&l, ZG_CLIENT, (const uint8_t *)encoded[i], cut);
				if (fault == NULL)
					fault = lockstep_give(&l, ZG_CLIENT, (const uint8_t *)encoded[i] + cut, len - cut);
				if (fault != NULL)
					ck_abort_msg("mail %zu, cut at %zu: %s at %zu", i, cut, fault, l.at);
			}
		}
	}
}
END_TEST

/* Every octet in turn replaced by ones that may matter. */
START_TEST(every_octet_replaced)
{
	static const uint8_t octets[] = { 0, '\t', '\n', '\r', 0x1B, ' ', '(', '.', '=', 'B', 'b', 0x7F, 0x80, 0xE3, 0xFF };
	for (size_t i = 0; i < sizeof encoded / sizeof *encoded; i++) {
		mail.len = 0;
		put_text(&mail, encoded[i]);
		for (size_t at = i % STRIDE; at < mail.len; at += STRIDE) {
			const uint8_t was = mail.bytes[at];
			for (size_t k = 0; k < sizeof octets; k++) {
				mail.bytes[at] = octets[k];
				(void)judged("replaced", &defaults, &mail, true);
			}
			mail.bytes[at] = was;
		}
	}
}
END_TEST

START_TEST(header_size_is_exact)
{
	mail.len = 0;
	put_text(&mail, "From: a\r\n");
	while (mail.len + 100 < 65536)
		put_text(&mail, "X-Field: value value value value value value value value value value\r\n");
	put_text(&mail, "Y: ");
	put_times(&mail, "y", 65536 - mail.len);
	const size_t at = mail.len;
	put_text(&mail, "\r\n\r\nbody\r\n.\r\n");
	passes("65536", &mail);
	mail.len = at;
	put_text(&mail, "y and more of it that does not fit into the header any longer\r\n");
	refused("65537", &defaults, &mail, ZG_R_SMTP_HEADER_SIZE, at);
}
END_TEST

START_TEST(seven_bits_are_asked_for)
{
	for (size_t n = 0; n < 70; n++) {
		mail.len = 0;
		put_text(&mail, UTF_8);
		put_times(&mail, "a", n);
		const size_t at = mail.len;
		put_times(&mail, "\xE3\x81\x82", 30);
		const struct lockstep l = judged("not offered", &defaults, &mail, false);
		ck_assert(l.denied && l.answer.reason == ZG_R_SMTP_ENCODING_SYNTAX && l.at == at);
	}
}
END_TEST

static void narrow(void)
{
#ifdef ZG_WIDE
	zg_octets_narrow = true;
#endif
}

/* Each with the widest vectors of this processor, and with those that every one has. */
static void add(Suite *suite, const char *name, SFun setup)
{
	TCase *tc = tcase_create(name);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, faults_are_found_at_every_offset);
	tcase_add_test(tc, characters_beside_the_forbidden_pass);
	tcase_add_test(tc, every_sequence_of_three_octets);
	tcase_add_test(tc, every_octet_in_a_group);
	tcase_add_test(tc, every_octet_in_quoted_printable);
	tcase_add_test(tc, line_length_is_exact);
	tcase_add_test(tc, message_size_is_exact);
	tcase_add_test(tc, line_begins_are_looked_at);
	tcase_add_test(tc, marks_behind_escapes);
	tcase_add_test(tc, every_cut);
	tcase_add_test(tc, every_octet_replaced);
	tcase_add_test(tc, header_size_is_exact);
	tcase_add_test(tc, seven_bits_are_asked_for);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	Suite *suite = suite_create("smtp_span");
	add(suite, "wide", NULL);
	add(suite, "narrow", narrow);
	return unit_main(suite);
}
