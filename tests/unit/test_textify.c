/* SPDX-License-Identifier: GPL-2.0-or-later */
/* textify: what a message becomes. Each is given at every cut; the outcome is the same. */
#include "unit.h"

#include "smtp_mail.h"

#define CONFIG(what)                                                                                                         \
	(&(struct zg_smtp_config){ .mode = ZG_SMTP_TEXTIFY, .charsets = 31, .max_message = ZG_SMTP_MESSAGE_MAX,             \
				   .max_recipients = 100, .attachments = (what), .max_depth = 3 })
#define TEXTIFY CONFIG(ZG_SMTP_BLANK)

#define H_TO   "From: a@example.jp\r\nTo: b@example.lg.jp\r\n"
#define H_MIME H_TO "MIME-Version: 1.0\r\n"
#define TYPE(type)     "Content-Type: " type "\r\n"
#define ENCODING(name) "Content-Transfer-Encoding: " name "\r\n"
#define TEXT_8BIT      H_MIME TYPE("text/plain; charset=utf-8") ENCODING("8bit") "\r\n"
#define TEXT_B64       H_MIME TYPE("text/plain; charset=utf-8") ENCODING("base64") "\r\n"
#define TEXT_QP	       H_MIME TYPE("text/plain; charset=utf-8") ENCODING("quoted-printable") "\r\n"
#define TEXT_JIS       H_MIME TYPE("text/plain; charset=iso-2022-jp") "\r\n"
#define MIXED	       H_MIME TYPE("multipart/mixed; boundary=\"b1\"") "\r\n"

struct row {
	const char *before, *after; /* NULL: the same */
};

static void becomes(const char *before, const char *after)
{
	struct script s;
	const char *expected = after != NULL ? after : before;
	script_mail(&s, OFFERS, MAIL, before, strlen(before));
	script_text(&s, ZG_CLIENT, ".\r\n");
	struct outcome *o = dialogue(before, &zg_smtp, TEXTIFY, s.turns, s.n);
	if (o->say == ZG_SAY_DENY)
		ck_abort_msg("refused: %s at %zu of\n%s", zg_reason_name(o->reason), o->at, before);
	ck_assert_msg(strlen(expected) == strlen(before), "another length expected of\n%s", before);
	const size_t at = o->passed_len[ZG_CLIENT] - strlen(before) - 3;
	if (memcmp(o->passed[ZG_CLIENT] + at, expected, strlen(expected)) != 0)
		ck_abort_msg("expected\n%s\nbut it became\n%.*s", expected, (int)strlen(before), o->passed[ZG_CLIENT] + at);
	free(o);
	script_free(&s);
}

static void rows_become(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		becomes(rows[i].before, rows[i].after);
}

#define BECOME(rows) rows_become(rows, sizeof(rows) / sizeof *(rows))

/* --- links ------------------------------------------------------------------------------------------ */

static const struct row links[] = {
	{ TEXT_8BIT "www.a WWW.b.c (www.d) http://www.e\r\n", TEXT_8BIT "wwx.a WWX.b.c (wwx.d) hxxp://wwx.e\r\n" },
	{ TEXT_8BIT "\xe4\xbc\x9awww.a awww.b 1www.c wwww.d www ww. w.w.w www,\r\n", TEXT_8BIT "\xe4\xbc\x9awwx.a awww.b 1www.c wwww.d www ww. w.w.w www,\r\n" },
	{ TEXT_8BIT "www\r\n..a\r\n", NULL },
	{ TEXT_QP "www.a =77=77=77=2Eb WWW=2Ec =57W=57.d ww=\r\nw=\r\n..e\r\n",
	  TEXT_QP "wwx.a =77=77=78=2Eb WWX=2Ec =57W=58.d ww=\r\nx=\r\n..e\r\n" },
	{ TEXT_QP "www=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=2Ea\r\n",
	  TEXT_QP "www=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=2Fa\r\n" },
	/* "www.", " www.", "  www.", " WWW." and a line end within */
	{ TEXT_B64 "d3d3Lg==\r\n", TEXT_B64 "d3d4Lg==\r\n" },
	{ TEXT_B64 "IHd3dy4=\r\n", TEXT_B64 "IHd3eC4=\r\n" },
	{ TEXT_B64 "ICB3d3cu\r\n", TEXT_B64 "ICB3d3gu\r\n" },
	{ TEXT_B64 "IFdX\r\nVy4=\r\n", TEXT_B64 "IFdX\r\nWC4=\r\n" },
	/* an octet above 0xFB, cut behind its upper six bits */
	{ H_MIME TYPE("text/plain; charset=shift_jis") ENCODING("base64") "\r\n/EB3d3cu\r\n",
	  H_MIME TYPE("text/plain; charset=shift_jis") ENCODING("base64") "\r\n/EB3d3gu\r\n" },
	{ TEXT_JIS "\x1b$B2q5D\x1b(Bwww.a \x1b$Bwww.!!\x1b(B\r\n", TEXT_JIS "\x1b$B2q5D\x1b(Bwwx.a \x1b$Bwww.!!\x1b(B\r\n" },
	{ TEXT_8BIT "http://a https://b HTTP://c Https:d\r\n", TEXT_8BIT "hxxp://a hxxps://b HXXP://c Hxxps:d\r\n" },
	{ TEXT_8BIT "ftp://a ftps:b mailto:c@d\r\n", TEXT_8BIT "fxp://a fxps:b mailto:c@d\r\n" },
	{ TEXT_8BIT "http https HTML ht htt httpx: ttp: ftp\r\n", NULL },
	{ TEXT_8BIT "xhttp:会http:。hhttp:ffftp:\r\n", TEXT_8BIT "xhxxp:会hxxp:。hhxxp:fffxp:\r\n" },
	{ TEXT_8BIT "http\r\n://a h\r\nttp: ht tp:\r\n", NULL },
	{ TEXT_8BIT "httphttp:httphttps:\r\n", TEXT_8BIT "httphxxp:httphxxps:\r\n" },
	{ TEXT_8BIT "..http:\r\n", TEXT_8BIT "..hxxp:\r\n" },
	/* " http:", "http:", "xxhttp:" */
	{ TEXT_B64 "IGh0dHA6\r\n", TEXT_B64 "IGh4eHA6\r\n" },
	{ TEXT_B64 "aHR0cDo=\r\n", TEXT_B64 "aHh4cDo=\r\n" },
	{ TEXT_B64 "eHhodHRwczo=\r\n", TEXT_B64 "eHhoeHhwczo=\r\n" },
	{ TEXT_B64 "aHR0\r\ncDo=\r\n", TEXT_B64 "aHh4\r\ncDo=\r\n" },
	{ TEXT_B64 "aHR0cGQ6\r\n", NULL },
	{ TEXT_QP "http: =68=74=74=70=3A =48=54=54=50: ht=\r\nt=\r\np=\r\n:\r\n",
	  TEXT_QP "hxxp: =68=78=78=70=3A =48=58=58=50: hx=\r\nx=\r\np=\r\n:\r\n" },
	{ TEXT_QP "=68=\r\n=74=\r\n=74=\r\n=70=\r\n=73=\r\n=3A\r\n", TEXT_QP "=68=\r\n=78=\r\n=78=\r\n=70=\r\n=73=\r\n=3A\r\n" },
	/* further apart than can be held: the colon becomes another character */
	{ TEXT_QP "htt=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\np://a\r\n",
	  TEXT_QP "htt=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\np;//a\r\n" },
	{ TEXT_QP "htt=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\np=3A//a\r\n",
	  TEXT_QP "htt=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\np=3B//a\r\n" },
	{ TEXT_JIS "\x1b$B2q5D\x1b(Bhttp://a \x1b$Bhttp:!\x1b(B\r\n", TEXT_JIS "\x1b$B2q5D\x1b(Bhxxp://a \x1b$Bhttp:!\x1b(B\r\n" },
	{ TEXT_JIS "ht\x1b(Bt\x1b$B\x1b(Bp\x1b(B://a\r\n", TEXT_JIS "hx\x1b(Bx\x1b$B\x1b(Bp\x1b(B://a\r\n" },
};

START_TEST(links_are_defused)
{
	BECOME(links);
}
END_TEST

/* --- fields --------------------------------------------------------------------------------------------- */

#define FIELDS(fields) H_MIME fields "\r\n"
#define END_B64	       "\r\nQQ==\r\n"
#define END_BLANK      "\r\nIA==\r\n"

static const struct row fields[] = {
	{ H_TO "MIME-Version: 1.0 (1.0)\r\n\r\nx\r\n", H_TO "MIME-Version: 1.0      \r\n\r\nx\r\n" },
	{ H_TO "MIME-Version:\r\n 1.0\r\n\r\nx\r\n", NULL },
	{ FIELDS(TYPE("TEXT/Plain ; Charset=\"UTF-8\" ; format=flowed; delsp=yes")) "x\r\n",
	  FIELDS(TYPE("TEXT/Plain ; Charset=\"UTF-8\" ; format=flowed; aaaaa=aaa")) "x\r\n" },
	{ FIELDS(TYPE("text/plain; name=\"=?ISO-2022-JP?B?GyRC?=\r\n =?x?=.txt\"; name*0*=utf-8''%E4; name=a")) "x\r\n",
	  FIELDS(TYPE("text/plain; aaaa=\"aaaaaaaaaaaaaaaaaaaaaa\r\n aaaaaaaaa\"; ddddddd=dddddddddd; eeee=e")) "x\r\n" },
	{ FIELDS(TYPE("application/pdf; name=a.pdf") ENCODING("base64")) "QQ==\r\n",
	  FIELDS(TYPE("text/plain     ; aaaa=aaaaa") ENCODING("base64")) "IA==\r\n" },
	{ FIELDS(TYPE("message/rfc822")) "Subject: x\r\n\r\n<x>\r\n", FIELDS(TYPE("text/plain    ")) "          \r\n\r\n   \r\n" },
	{ FIELDS(TYPE("multipar/x")) "x\r\n", FIELDS(TYPE("text/plain")) " \r\n" },
	{ FIELDS(TYPE("text/plainer")) "x\r\n", FIELDS(TYPE("text/plain  ")) " \r\n" },
	{ FIELDS(TYPE("image/png")) "x\r\n", FIELDS("Content-Type:text/plain\r\n") " \r\n" },
	{ FIELDS(TYPE("image/png; name=a.png")) "x\r\n", FIELDS("Content-Type:text/plain; aaaa=aaaaa\r\n") " \r\n" },
	{ FIELDS("Content-Type:image/png; name=a.png\r\n") "x\r\n", FIELDS("Content-Type:text/plain;aaaa=aaaaa\r\n") " \r\n" },
	{ FIELDS("Content-Type:image/png;\r\n\tname=a.png\r\n") "x\r\n", FIELDS("Content-Type:text/plain\r\n\t;aaa=aaaaa\r\n") " \r\n" },
	{ FIELDS(TYPE("text/plain; name=a; charset=cp932; x=\"y\"") "Content-Disposition: attachment\r\n") "\x83\x41\r\n",
	  FIELDS(TYPE("text/plain; aaaa=a; ddddddd=ddddd; e=\"e\"") "Content-Disposition: inline    \r\n") "  \r\n" },
	{ FIELDS(TYPE("text/plain; charset=\"windows-31j\"") "Content-Disposition: attachment\r\n") "x\r\n",
	  FIELDS(TYPE("text/plain; aaaaaaa=\"aaaaaaaaaaa\"") "Content-Disposition: inline    \r\n") " \r\n" },
	{ FIELDS(TYPE("text/csv; charset=\"US-ASCII\"; name=\"a.csv\"")) "x\r\n",
	  FIELDS("Content-Type:text/plain;aaaaaaa=\"aaaaaaaa\"; dddd=\"ddddd\"\r\n") " \r\n" },
	{ FIELDS(TYPE("text/xml;\r\n name=a.xml")) "x\r\n", FIELDS("Content-Type:text/plain\r\n ;aaa=aaaaa\r\n") " \r\n" },
	{ FIELDS("Content-Type:\r\n  image/png\r\n") "x\r\n", FIELDS("Content-Type:\r\n text/plain\r\n") " \r\n" },
	{ FIELDS("Content-Type:text/html; charset=utf-8\r\n") "x<b>\r\n", FIELDS("Content-Type:text/plain;charset=utf-8\r\n") "x   \r\n" },
	{ FIELDS("Content-Disposition: inline\r\nContent-ID: <a@b> x\r\nContent-Language: ja\r\n") "x\r\n",
	  FIELDS("Content-Disposition: inline\r\nContent-ID: xxxxx x\r\nContent-Language: ja\r\n") "x\r\n" },
	{ FIELDS("Content-Disposition: attachment;\r\n filename=\"a b.txt\"; size=3\r\n") "x\r\n",
	  FIELDS("Content-Disposition: inline    ;\r\n aaaaaaaa=\"aaaaaaa\"; dddd=d\r\n") " \r\n" },
};

START_TEST(fields_are_rewritten)
{
	BECOME(fields);
}
END_TEST

/* --- parts ---------------------------------------------------------------------------------------------- */

static const struct row parts[] = {
	{ MIXED "This is a multi-part message.\r\n--b1\r\n" TYPE("text/plain") "\r\nhttp:\r\n--not\r\n--b\r\n-\r\n--b1--\r\nepilogue\r\n",
	  MIXED "                             \r\n--b1\r\n" TYPE("text/plain") "\r\nhxxp:\r\n--not\r\n--b\r\n-\r\n--b1--\r\n        \r\n" },
	{ H_MIME TYPE("multipart/mixed; boundary=\"=_mixed 00_=\"") "\r\n--=_mixed 00_=\r\n" TYPE("text/plain") "\r\nx\r\n--=_mixed 00_=--\r\n",
	  NULL },
	{ H_MIME TYPE("multipart/mixed; boundary=\"-http-\"") "\r\n---http-\r\n" TYPE("text/plain") "\r\n---http:\r\n---ht\r\n---http---\r\n",
	  H_MIME TYPE("multipart/mixed; boundary=\"-http-\"") "\r\n---http-\r\n" TYPE("text/plain") "\r\n---http;\r\n---ht\r\n---http---\r\n" },
	{ MIXED "--b1\r\n" TYPE("text/plain") "\r\n--b1\r\n" TYPE("text/plain") "\r\nx\r\n--b1--\r\n", NULL },
	{ MIXED "--b1\r\n" TYPE("text/plain") "\r\nx -b1 - -b1 --b 1--b--1\r\n--b\r\n1\r\n--b1--\r\n", NULL },
	{ MIXED "--b1\r\n" TYPE("application/x-sh") "\r\nx --b1\r\n--b1--\r\n",
	  MIXED "--b1\r\n" TYPE("text/plain      ") "\r\n      \r\n--b1--\r\n" },
	{ MIXED "--b1\r\n" TYPE("application/octet-stream") "Content-Disposition: attachment; filename=a.exe\r\n" ENCODING("base64")
	  "\r\nTVqQAAMAAAAEAAAA\r\n--b1--\r\n",
	  MIXED "--b1\r\n" TYPE("text/plain              ") "Content-Disposition: inline    ; aaaaaaaa=aaaaa\r\n" ENCODING("base64")
	  "\r\nIAkgIAkgIAkgIAkg\r\n--b1--\r\n" },
	{ MIXED "--b1\r\n" TYPE("application/x-sh") "\r\n#!/bin/sh\r\n..\r\n--x\r\n--b1--\r\n",
	  MIXED "--b1\r\n" TYPE("text/plain      ") "\r\n         \r\n..\r\n-- \r\n--b1--\r\n" },
	{ MIXED "--b1\r\n" TYPE("application/x-sh") ENCODING("quoted-printable") "\r\n=41=\r\n\xE3\x81=\r\n--b1--\r\n",
	  MIXED "--b1\r\n" TYPE("text/plain      ") ENCODING("quoted-printable") "\r\n    \r\n   \r\n--b1--\r\n" },
	{ H_MIME TYPE("multipart/alternative; boundary=b1; charset=x") "\r\n--b1\r\n" TYPE("text/plain; charset=utf-8")
	  ENCODING("8bit") "\r\n会議\r\n--b1\r\n" TYPE("text/html; charset=utf-8") "\r\n<p>x\r\n--b1--\r\n",
	  H_MIME TYPE("multipart/mixed      ; boundary=b1; aaaaaaa=a") "\r\n--b1\r\n" TYPE("text/plain; charset=utf-8")
	  ENCODING("8bit") "\r\n会議\r\n--b1\r\nContent-Type:text/plain; charset=utf-8\r\n\r\n    \r\n--b1--\r\n" },
	{ H_MIME TYPE("multipart/alternative; boundary=b1") "\r\n--b1\r\n" TYPE("text/plain") "\r\nx\r\n--b1\r\n"
	  TYPE("multipart/related; type=\"text/html\"; boundary=b2") "\r\n--b2\r\n" TYPE("text/html") "\r\n<p>x\r\n--b2--\r\n\r\n--b1--\r\n",
	  H_MIME TYPE("multipart/mixed      ; boundary=b1") "\r\n--b1\r\n" TYPE("text/plain") "\r\nx\r\n--b1\r\n"
	  TYPE("multipart/mixed  ; aaaa=\"aaaaaaaaa\"; boundary=b2") "\r\n--b2\r\nContent-Type:text/plain\r\n\r\n    \r\n--b2--\r\n\r\n--b1--\r\n" },
	{ H_MIME TYPE("multipart/mixed; boundary=\"----=_b\"") "\r\n------=_b\r\n" TYPE("text/plain") ENCODING("quoted-printable")
	  "\r\n-----=\r\n-\r\n------\r\n------=_b--\r\n", NULL },
	{ MIXED "--b1\r\n" TYPE("text/html; charset=utf-8") ENCODING("8bit") "\r\n会<b>議</b>\r\n--b1\r\n" TYPE("text/html") "\r\n<p>x\r\n--b1--\r\n",
	  MIXED "--b1\r\nContent-Type:text/plain; charset=utf-8\r\n" ENCODING("8bit") "\r\n会   議    \r\n--b1\r\nContent-Type:text/plain\r\n\r\n   x\r\n--b1--\r\n" },
};

START_TEST(parts_are_kept_or_blanked)
{
	BECOME(parts);
}
END_TEST

/* --- HTML --------------------------------------------------------------------------------------------------- */

#define HTML(charset, encoding) H_MIME TYPE("text/html; charset=" charset) ENCODING(encoding) "\r\n"
#define NOW(charset, encoding)	H_MIME "Content-Type:text/plain; charset=" charset "\r\n" ENCODING(encoding) "\r\n"

static const struct row html[] = {
	{ HTML("utf-8", "8bit") "<p class='a>b'>1 < 2 &amp; <!-- <p> --> x</p>\r\n",
	  NOW("utf-8", "8bit") "               1   2 &amp;              x    \r\n" },
	{ HTML("utf-8", "8bit") "<STYLE>p {\r\n}</STYLE>x<script>if (a<b) '</p>';</script>y<title>t</title >z\r\n",
	  NOW("utf-8", "8bit") "          \r\n         x                                 y                 z\r\n" },
	{ HTML("utf-8", "8bit") "<会<1<<b>x</>y<!x>z<?p?>a<!-->b<!--->c\r\n", NOW("utf-8", "8bit") " 会 1    x   y    z     a     b      c\r\n" },
	{ HTML("utf-8", "8bit") "<a href=\"http://e/?a>b\"\r\n title='x'>http://e/</a>\r\n",
	  NOW("utf-8", "8bit") "                       \r\n           hxxp://e/    \r\n" },
	{ HTML("iso-2022-jp", "7bit") "\x1b$B<>\x1b(B<b title='\x1b$B<>\x1b(B'>\x1b$B2q\x1b(B<\x1b$B2q\x1b(B\r\n",
	  NOW("iso-2022-jp", "7bit") "\x1b$B<>\x1b(B                    \x1b$B2q\x1b(B \x1b$B2q\x1b(B\r\n" },
	{ HTML("utf-8", "quoted-printable") "<a hr=\r\nef=3D\"x\">=E4=BC=9A=3Cb=3Ex=3C 1\r\n",
	  NOW("utf-8", "quoted-printable") "     =\r\n  =20    =E4=BC=9A=20 =20x=20 1\r\n" },
	/* <b>x  x<b>x  xx<b>x< 1 */
	{ HTML("utf-8", "base64") "PGI+eA==\r\n", NOW("utf-8", "base64") "IAkgeA==\r\n" },
	{ HTML("utf-8", "base64") "eDxiPng=\r\n", NOW("utf-8", "base64") "eAkgIHg=\r\n" },
	{ HTML("utf-8", "base64") "eHg8Yj54PCAx\r\n", NOW("utf-8", "base64") "eHggIAl4ICAx\r\n" },
};

START_TEST(html_becomes_text)
{
	BECOME(html);
}
END_TEST

/* --- refusals --------------------------------------------------------------------------------------------------- */

static const struct {
	enum zg_reason reason;
	const char *mail;
} refusals[] = {
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1" AT "x\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1" AT " \r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--B" AT "1\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1-" AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1--" AT "-\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1--" AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("text/plain") "\r\nx\r\n." AT },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("text/plain") "\r\nx\r\n--b1--\r\n--b1" AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("text/plain") "\r\nx\r\n--b1--\r\n--b1--" AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" AT "--b1\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("text/plain") AT "--b1: x\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("multipart/mixed; boundary=b11") AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("multipart/mixed; boundary=B") AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("multipart/mixed; boundary=c") "\r\n--c\r\n" TYPE("text/plain") "\r\nx\r\n--b1" AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, H_MIME TYPE("multipart/mixed") AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, H_MIME "Content-Type: multipart/mixed; boundary=a" AT "*b\r\n" },
	{ ZG_R_SMTP_BOUNDARY, H_MIME "Content-Type: multipart/mixed; boundary=\"a " AT "\"\r\n" },
	{ ZG_R_SMTP_BOUNDARY, H_MIME "Content-Type: multipart/mixed; boundary=\"http" AT "://a/b\"\r\n" },
	{ ZG_R_SMTP_BOUNDARY, H_MIME "Content-Type: multipart/mixed; boundary=\"=_WWW.a" AT "\"\r\n" },
	{ ZG_R_SMTP_IN_PLACE, TEXT_QP "www=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n=\r\n." AT ".a\r\n" },
	{ ZG_R_SMTP_BOUNDARY, H_MIME TYPE("multipart/mixed; boundary=\"---BEGIN PGP MESSAGE-----\"") AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, H_MIME TYPE("multipart/mixed; boundary=\"---begin pkcs7 x\"") AT "\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("text/plain") "\r\n --b" AT "1\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("text/plain") "\r\n---b" AT "1\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("text/html") "\r\n<b>x --b" AT "1 \r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("text/plain") "X: --b" AT "1\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("text/plain") "\r\na long line - of text --\r\n> --b" AT "1 and more of it\r\n" },
	{ ZG_R_SMTP_BOUNDARY, MIXED "--b1\r\n" TYPE("multipart/mixed; boundary=c") "\r\n--c\r\n" TYPE("text/plain") "\r\n> --b" AT "1\r\n" },
	{ ZG_R_SMTP_CONTENT_SYNTAX, H_MIME "Content-Type: multipart/mixed; boundary=\"a\"; " AT "boundary=c\r\n" },
	{ ZG_R_SMTP_CONTENT_SYNTAX, H_MIME "Content-Type: multipart/mixed; boundary" AT "*=utf-8''a\r\n" },
	{ ZG_R_SMTP_CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; name=\"a" AT "\\\"b\"\r\n" },
	{ ZG_R_SMTP_CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; name=a" AT "(b)\r\n" },
	{ ZG_R_SMTP_CONTENT_SYNTAX, H_MIME "Content-Type: text" AT "\r\n\r\n" },
	{ ZG_R_SMTP_CONTENT_SYNTAX, H_MIME "Content-Type: text/html" AT ", text/plain\r\n" },
	{ ZG_R_SMTP_IN_PLACE, H_MIME "Content-Type:image/png" AT "\r\n\r\n" },
	{ ZG_R_SMTP_IN_PLACE, H_MIME "Content-Type: text/css" AT "\r\n\r\n" },
	{ ZG_R_SMTP_IN_PLACE, H_MIME "Content-Type:text/html;" "\r\n " AT "charset=utf-8\r\n\r\n" },
	{ ZG_R_SMTP_IN_PLACE, H_MIME "Content-Type: multipart/x" AT "; boundary=a\r\n\r\n" },
	{ ZG_R_SMTP_HEADER_DUPLICATE, H_MIME TYPE("text/plain") "Content-Type" AT ": text/html\r\n" },
	{ ZG_R_SMTP_HEADER_FORBIDDEN, H_MIME "Content-Foo" AT ": x\r\n" },
	{ ZG_R_SMTP_ENCODING, H_MIME TYPE("multipart/mixed; boundary=a") ENCODING("base64") AT "\r\n" },
	{ ZG_R_SMTP_ENCODING, H_MIME TYPE("application/x") ENCODING("x-uuencode") AT "\r\n" },
	{ ZG_R_SMTP_ENCODING_SYNTAX, H_MIME TYPE("application/x") ENCODING("base64") "\r\nQQ==" AT "Q\r\n" },
	{ ZG_R_SMTP_CHARSET, H_MIME "Content-Type: text/html; charset=utf-7\r\n" AT "\r\n" },
	{ ZG_R_SMTP_CHARSET, H_MIME "Content-Type: text/plain; charset=a-name-that-is-longer-than" AT "; x=y\r\n" },
	{ ZG_R_SMTP_CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset=x; " AT "charset=utf-8\r\n" },
	{ ZG_R_SMTP_PARTS, H_MIME TYPE("multipart/mixed; boundary=a") "\r\n--a\r\n" TYPE("multipart/mixed; boundary=b") "\r\n--b\r\n"
	  TYPE("multipart/mixed; boundary=c") "\r\n--c\r\n" TYPE("multipart/mixed; boundary=d") AT "\r\n" },
	{ ZG_R_SMTP_BODY_HIDDEN_FILE, HTML("utf-8", "8bit") "<b>begin 644" AT " x\r\n" },
	{ ZG_R_SMTP_HEADER_SYNTAX, MIXED "--b1\r\n" AT "\r\nx" },
	{ ZG_R_SMTP_BODY_CONTROL, HTML("utf-8", "8bit") "<b " AT "\x0E" "x\r\n" },
};

START_TEST(what_has_two_readings_is_refused)
{
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		message_refused(refusals[i].mail, TEXTIFY, refusals[i].reason, true, refusals[i].mail, strlen(refusals[i].mail));
}
END_TEST

START_TEST(attachments_can_be_refused)
{
	static const char part[] = MIXED "--b1\r\n" TYPE("application/pdf") AT "\r\n";
	static const char alternative[] = H_MIME TYPE("multipart/alternative; boundary=b1") "\r\n--b1\r\n" TYPE("text/plain")
		"\r\nx\r\n--b1\r\n" TYPE("text/html") "\r\nx\r\n--b1--\r\n";
	message_refused("attachment", CONFIG(ZG_SMTP_REFUSE), ZG_R_SMTP_ATTACHMENT, true, part, strlen(part));
	struct script s;
	script_mail(&s, OFFERS, MAIL, alternative, strlen(alternative));
	struct outcome *o = dialogue("alternative", &zg_smtp, CONFIG(ZG_SMTP_REFUSE), s.turns, s.n);
	ck_assert_int_eq(o->say, ZG_SAY_MORE);
	free(o);
	script_free(&s);
}
END_TEST

static const struct {
	const char *label;
	enum zg_part_kind kind;
	const char *mail; /* refused at the mark if this kind is */
} kinds[] = {
	{ "image", ZG_PART_IMAGE, MIXED "--b1\r\n" TYPE("image/jpeg") "Content-ID: <x>\r\n" AT "\r\n" },
	{ "inline image", ZG_PART_IMAGE, MIXED "--b1\r\n" TYPE("IMAGE/JPEG") "Content-Disposition: inline\r\n" AT "\r\n" },
	{ "invitation", ZG_PART_CALENDAR, MIXED "--b1\r\n" TYPE("text/calendar; method=REQUEST") AT "\r\n" },
	{ "invitation as a form of the text", ZG_PART_CALENDAR,
	  H_MIME TYPE("multipart/alternative; boundary=b1") "\r\n--b1\r\n" TYPE("text/plain") "\r\nx\r\n--b1\r\n"
	  TYPE("Text/Calendar") AT "\r\n" },
	{ "winmail.dat", ZG_PART_TNEF, MIXED "--b1\r\n" TYPE("application/vnd.ms-tnef") AT "\r\n" },
	{ "S/MIME signature", ZG_PART_SIGNED, MIXED "--b1\r\n" TYPE("application/x-pkcs7-signature; name=smime.p7s") AT "\r\n" },
	{ "S/MIME", ZG_PART_SIGNED, H_MIME TYPE("application/pkcs7-mime; smime-type=enveloped-data") AT "\r\n" },
	{ "multipart/signed", ZG_PART_SIGNED, H_MIME TYPE("multipart/signed; boundary=b1") AT "\r\n" },
	{ "multipart/encrypted", ZG_PART_SIGNED, H_MIME TYPE("multipart/encrypted; boundary=b1") AT "\r\n" },
	{ "message", ZG_PART_MESSAGE, MIXED "--b1\r\n" TYPE("message/rfc822") AT "\r\n" },
	{ "part of a message", ZG_PART_MESSAGE, H_MIME TYPE("message/partial; id=x") AT "\r\n" },
};

START_TEST(each_kind_of_part_can_be_refused)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct zg_smtp_config config = *TEXTIFY;
		config.kinds[kinds[i].kind] = ZG_SMTP_KIND_REFUSE;
		message_refused(kinds[i].label, &config, ZG_R_SMTP_ATTACHMENT, true, kinds[i].mail, strlen(kinds[i].mail));
	}
}
END_TEST

/* Nothing but the header: what comes of the body says the header. */
static enum zg_say said_of(const char *label, const struct zg_smtp_config *config, const char *mail)
{
	struct script s;
	script_mail(&s, OFFERS, MAIL, mail, strlen(mail));
	struct outcome *o = dialogue(label, &zg_smtp, config, s.turns, s.n);
	const enum zg_say say = o->say;
	free(o);
	script_free(&s);
	return say;
}

START_TEST(each_kind_of_part_can_be_blanked_alone)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct zg_smtp_config config = *TEXTIFY;
		for (unsigned k = 0; k < ZG_PART_KINDS; k++)
			config.kinds[k] = ZG_SMTP_KIND_REFUSE;
		config.kinds[ZG_PART_OTHER] = ZG_SMTP_KIND_AS_ATTACHMENTS;
		config.kinds[kinds[i].kind] = ZG_SMTP_KIND_BLANK;
		config.attachments = ZG_SMTP_REFUSE;
		ck_assert_msg(said_of(kinds[i].label, &config, kinds[i].mail) == ZG_SAY_MORE, "%s", kinds[i].label);
		config.kinds[kinds[i].kind] = ZG_SMTP_KIND_AS_ATTACHMENTS;
		config.attachments = ZG_SMTP_BLANK;
		ck_assert_msg(said_of(kinds[i].label, &config, kinds[i].mail) == ZG_SAY_MORE, "%s", kinds[i].label);
	}
}
END_TEST

START_TEST(an_image_that_is_attached_is_an_attachment)
{
	static const char attached[] = MIXED "--b1\r\n" TYPE("image/jpeg") "Content-Disposition: attachment; filename=a.jpg\r\n" AT "\r\n";
	static const char other[] = MIXED "--b1\r\n" TYPE("application/pdf") "\r\n";
	struct zg_smtp_config config = *CONFIG(ZG_SMTP_REFUSE);
	config.kinds[ZG_PART_IMAGE] = ZG_SMTP_KIND_BLANK;
	message_refused("attached image", &config, ZG_R_SMTP_ATTACHMENT, true, attached, strlen(attached));
	config = *TEXTIFY;
	config.kinds[ZG_PART_IMAGE] = config.kinds[ZG_PART_MESSAGE] = ZG_SMTP_KIND_REFUSE;
	ck_assert_int_eq(said_of("attached image", &config, attached), ZG_SAY_MORE);
	ck_assert_int_eq(said_of("another type", &config, other), ZG_SAY_MORE);
}
END_TEST

/* --- names of files ------------------------------------------------------------------------------------------------ */

/* A file with these parameters becomes text of which this is the beginning; 100 octets are there. */
static void named(const char *disposition, const char *encoding, const char *body, const char *text)
{
	char mail[2000], expected[400];
	struct script s;
	struct zg_smtp_config config = *TEXTIFY;

	config.names = 1;
	snprintf(mail, sizeof mail, H_MIME "%s" ENCODING("%s") "\r\n%s\r\n", disposition, encoding, body);
	script_mail(&s, OFFERS, MAIL, mail, strlen(mail));
	script_text(&s, ZG_CLIENT, ".\r\n");
	struct outcome *o = dialogue(mail, &zg_smtp, &config, s.turns, s.n);
	ck_assert_msg(o->say == ZG_SAY_MORE, "refused: %s at %zu of\n%s", zg_reason_name(o->reason), o->at, mail);
	const uint8_t *after = o->passed[ZG_CLIENT] + o->passed_len[ZG_CLIENT] - 3 - 2 - strlen(body);
	snprintf(expected, sizeof expected, "%s", text);
	if (memcmp(after, expected, strlen(expected)) != 0)
		ck_abort_msg("expected\n%s\nbut it became\n%.*s\nof\n%s", expected, (int)strlen(body), after, mail);
	free(o);
	script_free(&s);
}

#define SIXTY	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define DISPOSITION "Content-Disposition: attachment; "

static const struct {
	const char *fields, *text;
} file_names[] = {
	{ DISPOSITION "filename=a.pdf\r\n", "[blanked: a.pdf]     " },
	{ DISPOSITION "filename=\"a b (1).pdf\"\r\n", "[blanked: a b (1).pdf]     " },
	{ DISPOSITION "filename=\"<b>'&:/@.pdf\"\r\n", "[blanked: _b______.pdf]   " },
	{ DISPOSITION "filename=\"WWW.a.pdf\"\r\n", "[blanked: WWW_a.pdf]   " },
	{ DISPOSITION "filename=\"=?UTF-8?B?5Lya?= =?ISO-2022-JP?B?GyRCMnE1RBsoQi54bHM=?=\"\r\n", "[blanked: _ __.xls]   " },
	{ DISPOSITION "filename=\"=?UTF-8?B?5Lya?=\r\n =?UTF-8?Q?.xls?=\"\r\n", "[blanked: _.xls]   " },
	{ DISPOSITION "filename*=utf-8'ja'%E4%BC%9a%2Exls; filename=no\r\n", "[blanked: _.xls]   " },
	{ DISPOSITION "filename*0*=utf-8''%E4%BC;\r\n filename*1*=%9A%2E; filename*2=\"xl%s\"; filename=no\r\n", "[blanked: _.xl_s]   " },
	{ DISPOSITION "filename=\"1234567890123456789012345678901234567890\"\r\n", "[blanked: 1234567890123456789012345678901234567890] " },
	{ DISPOSITION "filename=\"12345678901234567890123456789012345678901\"\r\n", "[blanked: 1234567890123456789012345678901234567890...] " },
	{ DISPOSITION "filename=\"=?x\"\r\n", "       " },
	{ DISPOSITION "filename=\" \"; xname=b\r\n", "       " },
	{ TYPE("application/x-y; name=b.doc") DISPOSITION "filename=c.doc\r\n", "[blanked: b.doc]   " },
	{ DISPOSITION "size=3\r\n", "       " },
};

START_TEST(names_of_files_stay_if_so_configured)
{
	for (size_t i = 0; i < sizeof file_names / sizeof *file_names; i++)
		named(file_names[i].fields, "8bit", SIXTY "\r\n" SIXTY, file_names[i].text);
	named(file_names[0].fields, "7bit", "\r\n..x\r\n" SIXTY, "\r\n..b\r\n      ");
	named(file_names[0].fields, "quoted-printable", "=41=42=\r\n" SIXTY, "[blanke\r\n      ");
	/* "[blanked: a.pdf]" and blanks; cut by padding behind one octet, and behind two */
	named(file_names[0].fields, "base64", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY\r\nQUJD", "W2JsYW5rZWQ6IGEucGRmXQkgIAkgIAkg\r\nIAkg");
	named(file_names[0].fields, "base64", "QUJDRA==", "W2JsYQ==");
	named(file_names[0].fields, "base64", "QUJDREU=", "W2JsYW4=");
	named(file_names[0].fields, "base64", "QUJD\r\nQUJD", "W2Js\r\nIAkg");
}
END_TEST

/* --- what is noted ---------------------------------------------------------------------------------------------- */

#define ID     "Message-ID: <1.a@b>\r\n"
#define ID_120 "<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct outcome *of_mail(const char *mail)
{
	struct script s;
	script_mail(&s, OFFERS, MAIL, mail, strlen(mail));
	script_text(&s, ZG_CLIENT, ".\r\n");
	struct outcome *o = dialogue(mail, &zg_smtp, TEXTIFY, s.turns, s.n);
	ck_assert_msg(o->say == ZG_SAY_MORE, "refused: %s at %zu of\n%s", zg_reason_name(o->reason), o->at, mail);
	script_free(&s);
	return o;
}

static const struct {
	const char *mail, *id;
	uint32_t parts;
	struct {
		uint32_t number;
		enum zg_note_action action;
		uint32_t octets, links;
	} part[4];
} noted[] = {
	{ H_TO ID "\r\nx\r\n", "", 0, { { 0, 0, 0, 0 } } },
	{ H_TO "\r\nhttp: www. ftp:\r\n", "", 1, { { 1, ZG_NOTE_LINKS, 17, 3 } } },
	{ H_MIME ID TYPE("text/html") "\r\n<b>www.\r\n", "<1.a@b>", 1, { { 1, ZG_NOTE_HTML, 9, 1 } } },
	{ H_MIME "Message-ID: " ID_120 "12345678@b>\r\n" TYPE("image/png") "\r\nx\r\n", ID_120 "1234...", 1, { { 1, ZG_NOTE_IMAGE, 3, 0 } } },
	{ H_MIME "Message-ID:\r\n <a\r\n  b>\r\n" TYPE("multipart/mixed; boundary=b1") "\r\nx\r\n--b1\r\n" TYPE("multipart/alternative; boundary=c")
	  "\r\n--c\r\n" TYPE("text/plain") "\r\nx\r\n--c\r\nMessage-ID: <no>\r\n" TYPE("text/html") "\r\n<p>\r\n--c--\r\n--b1\r\n" TYPE("image/png")
	  "Content-Disposition: attachment\r\n" ENCODING("base64") "\r\nQUJD\r\nQUJD\r\n--b1\r\n" TYPE("message/rfc822") "\r\n\r\n--x\r\n--b1--\r\n",
	  "<ab>", 3, { { 3, ZG_NOTE_FORM, 5, 0 }, { 4, ZG_NOTE_FILE, 12, 0 }, { 5, ZG_NOTE_MESSAGE, 7, 0 } } },
};

START_TEST(what_was_done_is_noted)
{
	for (size_t i = 0; i < sizeof noted / sizeof *noted; i++) {
		struct outcome *o = of_mail(noted[i].mail);
		uint64_t octets = 0;
		ck_assert_uint_eq(o->notes, noted[i].parts > 0);
		ck_assert_str_eq(o->note.id, noted[i].id);
		ck_assert_uint_eq(o->note.parts, noted[i].parts);
		ck_assert_uint_eq(o->note.listed, noted[i].parts);
		for (uint32_t k = 0; k < noted[i].parts; k++) {
			ck_assert_uint_eq(o->note.part[k].number, noted[i].part[k].number);
			ck_assert_str_eq(zg_note_word(o->note.part[k].action), zg_note_word(noted[i].part[k].action));
			ck_assert_uint_eq(o->note.part[k].octets, noted[i].part[k].octets);
			ck_assert_uint_eq(o->note.part[k].links, noted[i].part[k].links);
			octets += noted[i].part[k].octets;
		}
		ck_assert_uint_eq(o->note.octets, octets);
		free(o);
	}
}
END_TEST

/* More parts than a record lists are added up; and a second message has a note of its own. */
START_TEST(notes_are_bounded)
{
	char mail[4096] = MIXED;
	struct script s;

	for (unsigned i = 0; i < ZG_NOTE_PARTS_MAX + 5; i++)
		strcat(mail, "--b1\r\n" TYPE("application/pdf") "\r\nab\r\n");
	strcat(mail, "--b1--\r\n");
	script_mail(&s, OFFERS, MAIL, mail, strlen(mail));
	script_text(&s, ZG_CLIENT, ".\r\n");
	struct outcome *o = dialogue("many", &zg_smtp, TEXTIFY, s.turns, s.n);
	ck_assert_uint_eq(o->notes, 1);
	ck_assert_uint_eq(o->note.parts, ZG_NOTE_PARTS_MAX + 5);
	ck_assert_uint_eq(o->note.listed, ZG_NOTE_PARTS_MAX);
	ck_assert_uint_eq(o->note.octets, 4 * (ZG_NOTE_PARTS_MAX + 5));
	free(o);
	static const char *const next[] = { OK_250, MAIL, OK_250, RCPT, OK_250, "DATA\r\n", GO, H_TO "\r\nhttp:\r\n.\r\n" };
	for (size_t i = 0; i < sizeof next / sizeof *next; i++)
		script_text(&s, i % 2 == 0 ? ZG_SERVER : ZG_CLIENT, next[i]);
	o = dialogue("second", &zg_smtp, TEXTIFY, s.turns, s.n);
	ck_assert_uint_eq(o->notes, 2);
	ck_assert_uint_eq(o->note.parts, 1);
	ck_assert_uint_eq(o->note.part[0].action, ZG_NOTE_LINKS);
	free(o);
	/* what is refused behind it takes nothing from the note */
	script_text(&s, ZG_CLIENT, "x");
	o = dialogue("refused behind", &zg_smtp, TEXTIFY, s.turns, s.n);
	ck_assert_int_eq(o->say, ZG_SAY_DENY);
	ck_assert_uint_eq(o->notes, 2);
	free(o);
	script_free(&s);
	script_mail(&s, OFFERS, MAIL, H_TO "\r\nhttp:\r\n.\r\nX", strlen(H_TO "\r\nhttp:\r\n.\r\nX"));
	o = dialogue("refused in one piece", &zg_smtp, TEXTIFY, s.turns, s.n);
	ck_assert_int_eq(o->say, ZG_SAY_DENY);
	ck_assert_uint_eq(o->notes, 1);
	free(o);
	script_free(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("textify");
	TCase *tc = tcase_create("message");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, links_are_defused);
	tcase_add_test(tc, fields_are_rewritten);
	tcase_add_test(tc, parts_are_kept_or_blanked);
	tcase_add_test(tc, html_becomes_text);
	tcase_add_test(tc, what_has_two_readings_is_refused);
	tcase_add_test(tc, attachments_can_be_refused);
	tcase_add_test(tc, each_kind_of_part_can_be_refused);
	tcase_add_test(tc, each_kind_of_part_can_be_blanked_alone);
	tcase_add_test(tc, an_image_that_is_attached_is_an_attachment);
	tcase_add_test(tc, names_of_files_stay_if_so_configured);
	tcase_add_test(tc, what_was_done_is_noted);
	tcase_add_test(tc, notes_are_bounded);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
