/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a message may be: lines, end of data, header, body. */
#include "unit.h"

#include "smtp_mail.h"
#include "zonegate/limits.h"

#define H_TO   "From: =?ISO-2022-JP?B?GyRCOzNFRBsoQg==?= <a@example.jp>\r\nTo: b@example.lg.jp\r\n"
#define H_MIME "MIME-Version: 1.0\r\n"
#define H_UTF8 H_TO H_MIME "Content-Type: text/plain; charset=utf-8\r\n"
#define H_8BIT H_UTF8 "Content-Transfer-Encoding: 8bit\r\n\r\n"
#define H_QP   H_UTF8 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
#define H_B64  H_UTF8 "Content-Transfer-Encoding: base64\r\n\r\n"
#define H_JIS  H_TO H_MIME "Content-Type: text/plain; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"

#define PASS(label, message)   { label, message, sizeof(message) - 1, ZG_R_NONE, false }
#define DENY(reason, message)  { message, message, sizeof(message) - 1, ZG_R_SMTP_##reason, true }
#define BREAK(reason, message) { message, message, sizeof(message) - 1, ZG_R_SMTP_##reason, false }

struct row {
	const char *label;
	const char *message;
	size_t len;
	enum zg_reason reason;
	bool drain;
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		if (r->reason == ZG_R_NONE)
			message_passes(r->label, DEFAULTS, r->message, r->len);
		else
			message_refused(r->label, DEFAULTS, r->reason, r->drain, r->message, r->len);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static const struct row mails[] = {
	PASS("empty message", ""),
	PASS("header only", H_TO),
	PASS("header and empty line", H_TO "\r\n"),
	PASS("RFC 822", H_TO "Subject: hello\r\n\r\nhello\r\n"),
	PASS("dot-stuffed", H_TO "\r\n..\r\n...\r\n..a\r\n"),
	PASS("folded", "Subject: a\r\n b\r\n\tc\r\n" H_TO "\r\nx\r\n"),
	PASS("fold before the value", "Subject:\r\n a\r\n" H_TO "\r\nx\r\n"),
	PASS("empty field", "X-MS-Has-Attach:\r\nX-MS-TNEF-Correlator:\r\n" H_TO "\r\nx\r\n"),
	PASS("MIME-Version alone", H_TO H_MIME "\r\nx\r\n"),
	PASS("postfix, ISO-2022-JP, 7bit",
	     "Received: from out.example.jp (out.example.jp [192.0.2.1])\r\n"
	     "\tby mx.example.jp (Postfix) with ESMTPS id 4Zabc\r\n"
	     "\tfor <b@example.lg.jp>; Wed,  1 Apr 2026 09:00:00 +0900 (JST)\r\n"
	     "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.jp; s=k;\r\n"
	     "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
	     "\th=From:To:Subject:Date;\r\n"
	     "Message-ID: <20260401@example.jp>\r\nDate: Wed, 1 Apr 2026 09:00:00 +0900\r\n" H_TO
	     "Subject: =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=\r\n =?ISO-2022-JP?B?GyRCJE4bKEI=?=\r\n" H_MIME
	     "Content-Type: text/plain; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
	     "\x1b$B2q5D$N$*CN$i$;\x1b(B\r\n\r\nABC \x1b$@2q5D\x1b(B.\r\n"),
	PASS("thunderbird, utf-8, 8bit, flowed",
	     H_TO "Message-ID: <5e@example.jp>\r\nDate: Wed, 1 Apr 2026 09:00:00 +0900\r\n" H_MIME
		  "User-Agent: Mozilla Thunderbird\r\nContent-Language: ja\r\n"
		  "Subject: =?UTF-8?B?5Lya6K2w?=\r\nContent-Type: text/plain; charset=UTF-8; format=flowed\r\n"
		  "Content-Transfer-Encoding: 8bit\r\n\r\n会議のお知らせ\r\n> 引用 \r\n"),
	PASS("outlook, utf-8, base64",
	     "From: \"=?utf-8?B?5bGx55Sw?=\" <a@example.jp>\r\nTo: \"'b'\" <b@example.lg.jp>\r\nSubject: =?utf-8?B?5Lya6K2w?=\r\n"
	     "Date: Wed, 1 Apr 2026 09:00:00 +0900\r\nMessage-ID: <000001$@example.jp>\r\nMIME-Version: 1.0\r\n"
	     "Content-Type: text/plain;\r\n\tcharset=\"utf-8\"\r\nContent-Transfer-Encoding: base64\r\n"
	     "X-Mailer: Microsoft Outlook 16.0\r\nThread-Index: AdvB==\r\nContent-Language: ja\r\n\r\n"
	     "5Lya6K2w44Gu44GK55+l44KJ44GbDQoNCuWxseeUsA0K\r\n\r\n"),
	PASS("python, base64 with LF", H_B64 "5Lya6K2wCuWxseeUsAo=\r\n"),
	PASS("quoted-printable", H_QP "=E4=BC=9A=E8=AD=B0 a=3Db=\r\n=E5=B1=B1\r\n\r\n=20\r\n"),
	PASS("quoted-printable, a line that would begin no file", H_QP "begin=\r\n 64 x=\r\nbegin 64 x\r\n"),
	PASS("quoted-printable of .NET", H_QP "=E4=BC=9A=0D=0A=\r\nb\r\n"),
	PASS("quoted-printable, character over a soft break", H_QP "=E4=BC=\r\n=9A\r\n"),
	PASS("swaks", "Date: Wed, 01 Apr 2026 09:00:00 +0900\r\nTo: b@example.lg.jp\r\nFrom: a@example.jp\r\n"
		      "Subject: test Wed, 01 Apr 2026 09:00:00 +0900\r\nMessage-Id: <20260401090000.001@out>\r\n"
		      "X-Mailer: swaks v20201014.0 jetmore.org/john/code/swaks/\r\n\r\nThis is a test mailing\r\n\r\n\r\n"),
	PASS("opensmtpd", "Received: from localhost (out [local])\r\n\tby out (OpenSMTPD) with ESMTPA id 1a2b;\r\n"
			  "\tWed, 1 Apr 2026 09:00:00 +0900 (JST)\r\nFrom: <a@example.jp>\r\n\r\nhi\r\n"),
	PASS("inline", H_8BIT "x\r\n"),
	PASS("disposition inline", H_TO H_MIME "Content-Disposition: inline\r\nContent-Language: ja, en-US\r\n\r\nx\r\n"),
	PASS("quoted us-ascii", H_TO H_MIME "Content-Type: TEXT/Plain ; Charset=\"US-ASCII\" ; format=flowed; delsp=yes \r\n\r\nx\r\n"),
	PASS("iphone", H_TO "Content-Type: text/plain;\r\n\tcharset=utf-8\r\nMime-Version: 1.0 (1.0)\r\nX-Mailer: iPhone Mail (22G86)\r\n\r\nx\r\n"),
	PASS("apple mail", H_TO "Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3826.600.51.1.1\\))\r\nContent-Type: text/plain\r\n\r\nx\r\n"),
	PASS("windows live mail", H_TO H_MIME "Content-Type: text/plain;\r\n\tformat=flowed;\r\n\tcharset=\"iso-2022-jp\";\r\n"
		 "\treply-type=original\r\nContent-Transfer-Encoding: 7bit\r\n\r\nx\r\n"),
	PASS("words behind a prefix", "Subject: Re:=?utf-8?q?a?=\r\nX-A: [ml:1]=?utf-8?q?a?=\r\n" H_TO "\r\nx\r\n"),
	PASS("resent", "Resent-From: c@example.jp\r\nResent-To: d@example.jp\r\nResent-From: e@example.jp\r\n" H_TO "\r\nx\r\n"),
	PASS("not uuencode", H_TO "\r\nbegin 64 x\r\nbegin the day\r\nbeginning\r\nbegin 644\r\nbegin 6444\r\n"),
	PASS("not PGP", H_TO "\r\n-----Original Message-----\r\n-- \r\n-----BEGIN\r\n"),
	PASS("From in the body", H_TO "\r\nFrom here on\r\n"),
	PASS("emoji and marks", H_8BIT "😀 e\xCC\x81 \xE2\x80\x8E\r\n"),
};

START_TEST(real_mails_pass)
{
	CHECK_ROWS(mails);
}
END_TEST

static const struct row framing[] = {
	BREAK(LINE_END, H_TO "\r\na" AT "\n.\n"),
	BREAK(LINE_END, H_TO "\r\na" AT "\n.\r\n"),
	BREAK(LINE_END, H_TO "\r\na\r" AT ".\r\n"),
	BREAK(LINE_END, H_TO "\r\na\r" AT "\r\n.\r\n"),
	BREAK(LINE_END, H_TO "\r\na\r" AT "x"),
	BREAK(LINE_END, H_TO "\r\na\r\n" AT "\n.\r\n"),
	BREAK(LINE_END, H_TO "\r\n\r" AT "\0\n"),
	BREAK(LINE_END, H_TO "\r\na" AT "\0b"),
	BREAK(LINE_END, H_TO "\r\na\r\n" AT "\0.\r\n"),
	BREAK(LINE_END, "Sub" AT "\0ject: x"),
	BREAK(LINE_END, "Subject: x" AT "\n\r\n"),
	BREAK(LINE_END, "Subject: x\r" AT "\r\n\r\n"),
	BREAK(LINE_END, H_TO AT "\n"),
	BREAK(LINE_END, AT "\n.\r\n"),
	BREAK(END_OF_DATA, H_TO "\r\na\r\n.\r" AT "\r\n"),
	BREAK(END_OF_DATA, H_TO "\r\na\r\n." AT "\n"),
	BREAK(END_OF_DATA, H_TO "\r\na\r\n.\r" AT "X"),
	BREAK(END_OF_DATA, H_TO "\r\na\r\n.\r" AT "\0\n"),
	BREAK(END_OF_DATA, H_TO "\r\na\r\n." AT "\0\r\n"),
	BREAK(END_OF_DATA, H_TO "\r\na\r\n." AT " \r\n"),
	BREAK(END_OF_DATA, H_TO "\r\na\r\n." AT "a\r\n"),
	BREAK(END_OF_DATA, H_TO "\r\na\r\n.\r" AT ".\r\n"),
	BREAK(END_OF_DATA, "." AT "Subject: x\r\n"),
	BREAK(END_OF_DATA, "." AT "\n"),
	BREAK(LINE_END, H_TO "\r\n..\r" AT "x"),
	BREAK(LINE_END, H_TO "\r\n.." AT "\n"),
};

START_TEST(ambiguous_ends_are_refused)
{
	CHECK_ROWS(framing);
}
END_TEST

static const struct row headers[] = {
	DENY(HEADER_SYNTAX, AT "\r\nbody"),
	DENY(HEADER_SYNTAX, AT " folded first\r\n"),
	DENY(HEADER_SYNTAX, AT "\tfolded first\r\n"),
	DENY(HEADER_SYNTAX, "From" AT " someone Wed Apr 1\r\n" H_TO "\r\n"),
	DENY(HEADER_SYNTAX, "Subject" AT " : x\r\n"),
	DENY(HEADER_SYNTAX, "Subject" AT "\t: x\r\n"),
	DENY(HEADER_SYNTAX, "Content-Type" AT " : text/html\r\n"),
	DENY(HEADER_SYNTAX, "nocolon" AT "\r\n"),
	DENY(HEADER_SYNTAX, AT ": x\r\n"),
	DENY(HEADER_SYNTAX, "Subj" AT "\xC3\xA9"),
	DENY(HEADER_SYNTAX, H_TO "Subject: a\r\n " AT "\r\nX: y\r\n"),
	DENY(HEADER_SYNTAX, H_TO "Subject: a\r\n \t " AT "\r\n\r\n"),
	DENY(HEADER_SYNTAX, "Subject: " AT "\xE4\xBC\x9A\r\n"),
	DENY(HEADER_SYNTAX, "Subject: " AT "\x1b$B2q5D\x1b(B\r\n"),
	DENY(HEADER_SYNTAX, "Subject: a" AT "\x7F"),
	DENY(HEADER_SYNTAX, "Subject: a" AT "\x0C"),
	DENY(HEADER_SYNTAX, "Subject: a" AT "\x08"),
	DENY(HEADER_DUPLICATE, H_TO "from" AT ": x"),
	DENY(HEADER_DUPLICATE, "Subject: a\r\nSUBJECT" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, "Message-ID: a\r\nMessage-Id" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, "Date: a\r\nDate" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, "Sender: a\r\nSender" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, "Reply-To: a\r\nReply-To" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, "To: a\r\nTo" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, "Cc: a\r\nCC" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, "Bcc: a\r\nBcc" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, "In-Reply-To: a\r\nIn-Reply-To" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, "References: a\r\nReferences" AT ": b\r\n"),
	DENY(HEADER_DUPLICATE, H_MIME "Mime-Version" AT ": 1.0\r\n"),
	DENY(HEADER_DUPLICATE, H_UTF8 "Content-Type" AT ": text/html\r\n"),
	DENY(HEADER_DUPLICATE, "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding" AT ": base64\r\n"),
	DENY(HEADER_DUPLICATE, "Content-Disposition: inline\r\nContent-Disposition" AT ": inline\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-ID" AT ": <a@b>\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-Description" AT ": x\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-MD5" AT ": x\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-Location" AT ": x\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-Base" AT ": x\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-Length" AT ": 0\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content_Type" AT ": text/html\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "ContentType" AT ": text/html\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-Type." AT ": text/html\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-Type\\" AT ": text/html\r\n"),
	DENY(HEADER_FORBIDDEN, "MIMEVersion" AT ": 1.0\r\n"),
	DENY(HEADER_FORBIDDEN, "Encoding" AT ": 20 uuencode\r\n"),
	DENY(HEADER_FORBIDDEN, "X-Sun-Data-Type" AT ": x\r\n"),
	DENY(HEADER_FORBIDDEN, "X-Mozilla-External-Attachment-URL" AT ": http://x/\r\n"),
	DENY(HEADER_FORBIDDEN, "Content-a-name-that-is-longer-than-any-that-anybody-knows" AT ": x\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-Disposition: attachment; filename=a.exe\r\n" AT "\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-Disposition: inline; filename=a.exe\r\n" AT "X: y\r\n"),
	DENY(HEADER_SYNTAX, H_MIME "Content-Language: ja; x\r\n" AT "\r\n"),
	DENY(HEADER_SYNTAX, H_MIME "Content-Language:\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1.1\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1.0 (Apple\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1.0 (Apple\\)\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1.0 (a) 1\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1.0 (a (b))\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1.0(a)\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: (a) 1.0\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1.1 (1.0)\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1.0 (a)(\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version:\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1.0\r\n 1.0\r\n" AT "\r\n"),
	DENY(MIME_VERSION, H_TO "Content-Type: text/plain\r\n" AT "\r\nx"),
	DENY(MIME_VERSION, H_TO "Content-Language: ja\r\n" AT "\r\nx"),
	DENY(MIME_VERSION, H_TO "Content-Transfer-Encoding: 7bit\r\n" AT "\r\nx"),
	DENY(MIME_VERSION, H_TO "Content-Type: text/plain\r\n." AT ""),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: text/html; charset=utf-8\r\n." AT ""),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: text/html; charset=utf-8\r\n" AT "\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: text/html; charset=utf-8\r\n" AT "X: y\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: multipart/mixed; boundary=\"a b\"\r\n" AT "\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=x\r\n" AT "\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type:\r\n text/html\r\n" AT "\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: message/rfc822\r\n" AT "\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: application/pkcs7-mime\r\n" AT "\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: text/plainx\r\n" AT "\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: text/x-plain\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type:\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text / plain\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: (x)text/plain\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain (x)\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain, text/html\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain text/html\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset=utf-8;\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain;; charset=utf-8\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset = utf-8\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset=utf-8 x\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset=\"utf-8\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset=\"utf-\\8\"\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset=\"utf-8\"x\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset*=utf-8''utf-8\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset*0=utf; charset*1=-8\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset=utf-8; charset=utf-8\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; name=a.exe\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; boundary=x\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; format=html\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; delsp=maybe\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; reply-type=a.exe\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; reply-type=original; reply-type=response\r\n" AT "\r\n"),
	DENY(CHARSET, H_MIME "Content-Type: text/plain; charset=utf-7\r\n" AT "\r\n"),
	DENY(CHARSET, H_MIME "Content-Type: text/plain; charset=utf-16\r\n" AT "\r\n"),
	DENY(CHARSET, H_MIME "Content-Type: text/plain; charset=shift_jis\r\n" AT "\r\n"),
	DENY(CHARSET, H_MIME "Content-Type: text/plain; charset=\"\"\r\n" AT "\r\n"),
	DENY(CHARSET, H_MIME "Content-Type: text/plain; charset=\" utf-8\"\r\n" AT "\r\n"),
	DENY(CHARSET, H_MIME "Content-Type: text/plain; charset=iso-2022-jp-2\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Transfer-Encoding: binary\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Transfer-Encoding: x-uuencode\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Transfer-Encoding: base64 (x)\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Transfer-Encoding: \"base64\"\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Transfer-Encoding: 7bit base64\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Transfer-Encoding:\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Type: text/plain; charset=iso-2022-jp\r\nContent-Transfer-Encoding: 8bit\r\n" AT "\r\n"),
};

START_TEST(bad_headers_are_refused)
{
	CHECK_ROWS(headers);
}
END_TEST

static const struct row words[] = {
	PASS("two words", "Subject: =?utf-8?q?a_b?= =?UTF-8?Q?=e4=BC=9A?=\r\n"),
	PASS("comment", "Subject: (=?utf-8?q?a?=)\r\n"),
	PASS("before an address", "From: =?utf-8?q?a?=<a@b>, =?utf-8?q?a?= <c@d>,=?utf-8?q?a?= <e@f>\r\n"),
	PASS("folded after an equals sign", "DKIM-Signature: b=abc=\r\n\tdef==\r\n\t; bh==\r\nX: y\r\n"),
	DENY(ENCODED_WORD, "Subject: =\r\n " AT "?utf-8?q?=0D?=\r\n"),
	DENY(ENCODED_WORD, "Subject: a=\r\n \t" AT "?utf-8?q?=0D?=\r\n"),
	PASS("equals", "Subject: a=b ==c = ?\r\n"),
	PASS("one word of PHP", "Subject: =?UTF-8?B?"
				"56ys77yR5Zue5Lya6K2w44Gu6ZaL5YKs44Gr44Gk44GE44Gm77yI6YCa55+l77yJ44Gu5Lu244Gr44Gk44GE44Gm?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?" AT "X?a?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8" AT "\r\n ?q?a?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?q?a" AT " b?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?q?a?" AT "\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?q?a?" AT "x\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?q?" AT "?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?" AT "?q?a?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8" AT "*ja?q?a?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?q?=4" AT "?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?q?=" AT "G1?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?b?YWI" AT "?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?b?YWJ" AT "=?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?b?YQ==" AT "YQ==?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?b?YW" AT "_?=\r\n"),
	DENY(ENCODED_WORD, "Subject: a=" AT "?utf-8?q?a?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?q?a?=" AT "b\r\n"),
	DENY(ENCODED_WORD, "Subject: =?utf-8?q?a?=" AT "=?utf-8?q?a?=\r\n"),
	DENY(ENCODED_WORD, "Subject: =?" AT "\"\r\n"),
	DENY(CHARSET, "Subject: =?shift_jis" AT "?q?a?=\r\n"),
	DENY(CHARSET, "Subject: =?utf-7" AT "?q?a?=\r\n"),
	DENY(CHARSET, "Subject: =?a-charset-of" AT "-no-use?q?a?=\r\n"),
	DENY(BODY_CHARSET, "Subject: =?utf-8?q?=E4=BC" AT "?= =?utf-8?q?=9A?=\r\n"),
	DENY(BODY_CHARSET, "Subject: =?utf-8?q?=C" AT "0=80?=\r\n"),
	DENY(BODY_CHARSET, "Subject: =?us-ascii?q?=8" AT "0?=\r\n"),
	DENY(BODY_CHARSET, "Subject: =?iso-2022-jp?b?GyRCMnE1RA==" AT "?=\r\n"),
	DENY(BODY_CONTROL, "Subject: =?utf-8?q?a=0" AT "D=0AX: y?=\r\n"),
	DENY(BODY_CONTROL, "Subject: =?utf-8?q?=0" AT "0?=\r\n"),
	DENY(BODY_CONTROL, "Subject: =?utf-8?q?=0" AT "9?=\r\n"),
	DENY(BODY_CONTROL, "Subject: =?utf-8?q?=E2=80=A" AT "E?=\r\n"),
	DENY(BODY_CONTROL, "Subject: =?utf-8?b?4oC" AT "u?=\r\n"),
	DENY(BODY_CONTROL, "Subject: =?utf-8?q?=EF=BB=B" AT "F?=\r\n"),
	DENY(HEADER_SYNTAX, "X-Any: a\r\n =?utf-8?q?" AT "\xC3"),
};

START_TEST(encoded_words)
{
	CHECK_ROWS(words);
}
END_TEST

static const struct row bodies[] = {
	DENY(ENCODING_SYNTAX, H_TO "\r\n" AT "\xE4\xBC\x9A"),
	DENY(ENCODING_SYNTAX, H_UTF8 "\r\n" AT "\xE4\xBC\x9A"),
	DENY(BODY_CHARSET, H_TO H_MIME "Content-Transfer-Encoding: 8bit\r\n\r\n" AT "\xE4\xBC\x9A"),
	DENY(BODY_CHARSET, H_8BIT AT "\xC0\x80"),
	DENY(BODY_CHARSET, H_8BIT "\xED" AT "\xA0\x80"),
	DENY(BODY_CHARSET, H_8BIT "\xE4\xBC" AT "\r\n"),
	DENY(BODY_CHARSET, H_8BIT "\xE4\xBC" AT "a"),
	DENY(BODY_CHARSET, H_JIS "\x1b$B2q5D" AT "\r\n\x1b(B"),
	DENY(BODY_CHARSET, H_JIS "\x1b$B2q5" AT "\x1b(B"),
	DENY(BODY_CHARSET, H_JIS "\x1b(" AT "J\\"),
	DENY(BODY_CHARSET, H_JIS "\x1b(" AT "I1"),
	DENY(BODY_CHARSET, H_JIS "\x1b$" AT "(D"),
	DENY(BODY_CHARSET, H_JIS "\x1b" AT "N"),
	DENY(BODY_CONTROL, H_JIS AT "\x0e"),
	DENY(ENCODING_SYNTAX, H_JIS AT "\xA4\xA2"),
	DENY(BODY_CONTROL, H_TO "\r\na" AT "\x1b[31m"),
	DENY(BODY_CONTROL, H_TO "\r\na" AT "\x0c"),
	DENY(BODY_CONTROL, H_TO "\r\na" AT "\x0b"),
	DENY(BODY_CONTROL, H_TO "\r\na" AT "\x08"),
	DENY(BODY_CONTROL, H_TO "\r\na" AT "\x7f"),
	DENY(BODY_CONTROL, H_TO "\r\na" AT "\x1a"),
	DENY(BODY_CONTROL, H_8BIT "\xEF\xBB" AT "\xBFtext"),
	DENY(BODY_CONTROL, H_8BIT "a\xE2\x80" AT "\xAE" "fdp.exe"),
	DENY(BODY_CONTROL, H_8BIT "a\xE2\x81" AT "\xA6"),
	DENY(BODY_CONTROL, H_8BIT "a\xE2\x80" AT "\xA8"),
	DENY(BODY_CONTROL, H_8BIT "a\xC2" AT "\x85"),
	DENY(BODY_CONTROL, H_8BIT "a\xEF\xBF" AT "\xBF"),
	DENY(BODY_CONTROL, H_QP "a=0D" AT "b"),
	DENY(BODY_CONTROL, H_QP "a=0" AT "0"),
	DENY(BODY_CONTROL, H_QP "a=1" AT "B"),
	DENY(BODY_CONTROL, H_B64 "DW" AT "Fh"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\nbegin 644" AT " a.exe"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\nx\r\n  BEGIN 0755" AT "  a.exe"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\nbegin " AT " a.exe"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\nbegin-base6" AT "4\t644 a.exe"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\n=ybegin" AT " line=128 size=1 name=a"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\n(This file must be converted with BinHe" AT "x 4.0)"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\n-----BEGIN PG" AT "P MESSAGE-----"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\n-----BEGIN PKCS" AT "7-----"),
	DENY(BODY_HIDDEN_FILE, H_8BIT "begin 644" AT " \xE4\xBC\x9A"),
	DENY(BODY_HIDDEN_FILE, H_JIS "be\x1b(Bgin 644" AT " a"),
	DENY(BODY_HIDDEN_FILE, H_JIS "begin 644" AT " \x1b$B2q"),
	DENY(BODY_HIDDEN_FILE, H_QP "be=\r\ngin=20644" AT " a"),
	DENY(BODY_HIDDEN_FILE, H_QP "a=0Abegin 644" AT " a"),
	DENY(BODY_HIDDEN_FILE, H_B64 "YQpiZWdpbiA2NDQ" AT "gYQ=="),
	DENY(ENCODING_SYNTAX, H_QP "a=" AT "e4"),
	DENY(ENCODING_SYNTAX, H_QP "a=" AT " \r\n"),
	DENY(ENCODING_SYNTAX, H_QP "a " AT "\r\n"),
	DENY(ENCODING_SYNTAX, H_QP "a\t" AT "\r\n"),
	DENY(ENCODING_SYNTAX, H_QP "a=4" AT "\r\n"),
	DENY(ENCODING_SYNTAX, H_QP AT "\xE4"),
	DENY(ENCODING_SYNTAX, H_QP "a=\r\n." AT ""),
	DENY(ENCODING_SYNTAX,
	     H_QP "1234567890123456789012345678901234567890123456789012345678901234567890123456" AT "7"),
	DENY(BODY_CHARSET, H_QP "=E4=BC" AT "\r\n"),
	DENY(BODY_CHARSET, H_QP "=E4=BC=4" AT "1"),
	DENY(ENCODING_SYNTAX, H_B64 "YWJ" AT "\r\n"),
	DENY(ENCODING_SYNTAX, H_B64 "YWJj" AT " "),
	DENY(ENCODING_SYNTAX, H_B64 "YW" AT "*j"),
	DENY(ENCODING_SYNTAX, H_B64 "YWJ" AT "=\r\n"),
	DENY(ENCODING_SYNTAX, H_B64 "YR" AT "==\r\n"),
	DENY(ENCODING_SYNTAX, H_B64 "Y" AT "===\r\n"),
	DENY(ENCODING_SYNTAX, H_B64 AT "====\r\n"),
	DENY(ENCODING_SYNTAX, H_B64 "YQ=" AT "\r\n"),
	DENY(ENCODING_SYNTAX, H_B64 "YQ=" AT "a"),
	DENY(ENCODING_SYNTAX, H_B64 "YQ==" AT "YQ==\r\n"),
	DENY(ENCODING_SYNTAX, H_B64 "YWI=\r\n" AT "YWJj\r\n"),
	DENY(ENCODING_SYNTAX, H_B64 "YWJj\r\n\r\n" AT "YWJj\r\n"),
	DENY(ENCODING_SYNTAX,
	     H_B64 "YWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJj" AT "YWJj\r\n"),
	DENY(BODY_CHARSET, H_B64 "5Lya6K0=\r\n." AT ""),
};

START_TEST(bad_bodies_are_refused)
{
	CHECK_ROWS(bodies);
}
END_TEST

/* Each is what some reader is known to take, or would take, for something else than it says. */
static const struct row second_readings[] = {
	/* where the header ends */
	DENY(HEADER_SYNTAX, "Content-Type" AT "\r\n : text/html\r\n\r\n"),
	DENY(HEADER_SYNTAX, H_TO "\t " AT "\r\nContent-Type: text/html\r\n\r\n<p>"),
	DENY(HEADER_SYNTAX, AT "\r\nContent-Type: text/html\r\n\r\n<p>"),
	DENY(HEADER_SYNTAX, H_TO AT "--x\r\nContent-Type: text/html\r\n"),
	DENY(HEADER_SYNTAX, AT ">From a@b Wed Apr 1 09:00:00 2026\r\nTo: b\r\n"),
	DENY(HEADER_SYNTAX, "Subject: a" AT "\x0BContent-Type: text/html\r\n"),
	DENY(HEADER_SYNTAX, "Subject: a" AT "\x1E" "Content-Type: text/html\r\n"),
	DENY(HEADER_SYNTAX, "Subject: a" AT "\xC2\x85" "Content-Type: text/html\r\n"),
	DENY(HEADER_SYNTAX, "Subject: a" AT "\xE2\x80\xA8" "Content-Type: text/html\r\n"),
	DENY(HEADER_SYNTAX, H_TO "." AT ".\r\nbody"),
	BREAK(END_OF_DATA, H_TO "." AT "Content-Type: text/html\r\n"),
	BREAK(LINE_END, "Subject: a\r" AT " \nContent-Type: text/html\r\n"),
	/* names that are read as another name */
	DENY(HEADER_SYNTAX, "Content-Type" AT "\x0C: text/html\r\n"),
	DENY(HEADER_SYNTAX, AT "\"Content-Type\" : text/html\r\n"),
	DENY(HEADER_SYNTAX, H_TO AT "\"Content-Type\": text/html\r\n"),
	DENY(HEADER_SYNTAX, H_TO AT "_Content-Type: text/html\r\n"),
	DENY(HEADER_SYNTAX, "Content-Type" AT " (x): text/html\r\n"),
	DENY(HEADER_SYNTAX, AT "\xEF\xBB\xBF" "Content-Type: text/html\r\n"),
	DENY(HEADER_FORBIDDEN, "Content--Type" AT ": text/html\r\n"),
	DENY(HEADER_FORBIDDEN, "Content-Type;" AT ": text/html\r\n"),
	DENY(HEADER_FORBIDDEN, "Content-Transfer-Encoding\"" AT ": base64\r\n"),
	DENY(HEADER_FORBIDDEN, "Content-Type=text/html" AT ":\r\n"),
	/* types and parameters of which one reader takes the first, another the last */
	DENY(HEADER_DUPLICATE, H_UTF8 "CONTENT-TYPE" AT ": text/html\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain\r\n ;=; x=\"\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset=us-ascii\r\n charset=utf-8\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; \"charset\"=utf-8\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; charset=us-ascii (;charset=utf-8)\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain; CHARSET=utf-8; charset=us-ascii\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/\r\n plain\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: /plain\r\n" AT "\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: text/pl\r\n ain\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: =?utf-8?q?text/html?=\r\n" AT "\r\n"),
	DENY(CONTENT_TYPE, H_MIME "Content-Type: multipart/plain\r\n" AT "\r\n"),
	DENY(CONTENT_SYNTAX, H_MIME "Content-Type: text/plain/html\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: \"1.0\"\r\n" AT "\r\n"),
	DENY(MIME_VERSION, "MIME-Version: 1. 0\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Transfer-Encoding: base64; x=y\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Transfer-Encoding: quoted-\r\n printable\r\n" AT "\r\n"),
	DENY(ENCODING, H_MIME "Content-Transfer-Encoding: base64,7bit\r\n" AT "\r\n"),
	DENY(HEADER_FORBIDDEN, H_MIME "Content-Disposition: inline;\r\n filename*=utf-8''a.exe\r\n" AT "\r\n"),
	/* text that is another text after decoding, unfolding or joining */
	DENY(BODY_HIDDEN_FILE, H_B64 "YmVnaW4gNjQ0" "I" AT "GEu\r\n"),
	DENY(BODY_HIDDEN_FILE, H_B64 "YmVnaW4tYmFzZTY" AT "0IDY0\r\n"),
	DENY(BODY_HIDDEN_FILE, H_QP "=62=65=67=69=6E=20=36=34=34=2" AT "0=61"),
	/* a reader that does not know " quoted-printable" when it is folded, or followed by a blank, decodes nothing */
	DENY(BODY_HIDDEN_FILE, H_UTF8 "Content-Transfer-Encoding:\r\n quoted-printable\r\n\r\nx=\r\nbegin 644" AT " a\r\n"),
	DENY(BODY_HIDDEN_FILE, H_UTF8 "Content-Transfer-Encoding: quoted-printable\t\r\n\r\nx=\r\n begin-base6" AT "4-encoded 644 a\r\n"),
	DENY(BODY_HIDDEN_FILE, H_QP "x=\r\n-----BEGIN PG" AT "P MESSAGE-----\r\n"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\nbegin\t644" AT "\ta"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\nbegin 100644" AT " a"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\nbegin 899" AT " a"),
	DENY(BODY_HIDDEN_FILE, H_TO "\r\nbegin 644" AT " \r\n#0V%T\r\n"),
	DENY(BODY_CHARSET, H_JIS "\x1b$B2q5D\x1b(B\x1b$" AT "A"),
	DENY(BODY_CHARSET, H_JIS "\x1b$B" AT " 2q"),
	DENY(BODY_CHARSET, H_JIS "\x1b" AT "\r\n"),
	/* CR, a shift sequence, LF */
	DENY(BODY_CONTROL, H_MIME "Content-Type: text/plain; charset=iso-2022-jp\r\n"
				  "Content-Transfer-Encoding: quoted-printable\r\n\r\na=0D=1" AT "B(B=0A"),
	DENY(BODY_CHARSET, H_JIS "a\x1b$B" AT "\r\n"),
	DENY(BODY_CHARSET, H_8BIT "\xF4" AT "\x90\x80\x80"),
	DENY(BODY_CHARSET, H_8BIT AT "\xF5\x80\x80\x80"),
	DENY(BODY_CHARSET, H_8BIT "\xF0" AT "\x8F\xBF\xBF"),
	DENY(BODY_CHARSET, H_8BIT "\xE0" AT "\x9F\xBF"),
	DENY(BODY_CHARSET, H_8BIT AT "\xFE"),
};

START_TEST(second_readings_are_refused)
{
	CHECK_ROWS(second_readings);
}
END_TEST

/* 998 octets in a line and the CRLF; a stuffed dot does not count. */
START_TEST(line_length)
{
	char message[4096] = H_TO "\r\n..";
	size_t head = strlen(message);
	memset(message + head, 'a', 997);
	memcpy(message + head + 997, "\r\n", 3);
	message_passes("998", DEFAULTS, message, strlen(message));
	memcpy(message + head + 997, AT "a\r\n", 5);
	message_refused("999", DEFAULTS, ZG_R_SMTP_TEXT_LENGTH, true, message, strlen(message));
}
END_TEST

START_TEST(message_size)
{
	static const char whole[] = "Subject: a\r\n\r\n..b\r\n"; /* 18 octets and a stuffed dot */
	message_passes("exact", MESSAGE(18), whole, sizeof whole - 1);
	static const char octet[] = "Subject: a\r\n\r\n..bcd" AT "e\r\n";
	message_refused("octet", MESSAGE(18), ZG_R_SMTP_MESSAGE_SIZE, true, octet, sizeof octet - 1);
	static const char end[] = "Subject: a\r\n\r\n..b" AT "\r\n";
	message_refused("line end", MESSAGE(17), ZG_R_SMTP_MESSAGE_SIZE, true, end, sizeof end - 1);
}
END_TEST

START_TEST(header_size)
{
	size_t cap = ZG_SMTP_HEADER_MAX + 4096, len = 0;
	char *message = malloc(cap);
	ck_assert_ptr_nonnull(message);
	while (len + 500 < ZG_SMTP_HEADER_MAX) {
		memcpy(message + len, "X-Fill: ", 8);
		memset(message + len + 8, 'a', 490);
		memcpy(message + len + 498, "\r\n", 2);
		len += 500;
	}
	size_t left = ZG_SMTP_HEADER_MAX - len;
	memcpy(message + len, "X-Fill: ", 8);
	memset(message + len + 8, 'a', left - 8);
	memcpy(message + ZG_SMTP_HEADER_MAX, AT "a\r\n", 4);
	struct script s;
	script_mail(&s, OFFERS, MAIL, message, ZG_SMTP_HEADER_MAX + 4);
	script_text(&s, ZG_CLIENT, ".\r\n");
	expect_refused("header", DEFAULTS, &s, ZG_R_SMTP_HEADER_SIZE, true);
	script_free(&s);
	free(message);
}
END_TEST

START_TEST(field_size)
{
	char message[4096] = "MIME-Version: 1.0\r\nContent-Type:";
	size_t head = strlen(message), blanks = 0;
	while (blanks + 3 < ZG_SMTP_FIELD_MAX) { /* a fold each 64 octets */
		memset(message + head, ' ', 61);
		memcpy(message + head + 61, "x\r\n ", 5);
		head += 64;
		blanks += 62;
	}
	size_t at = strlen("MIME-Version: 1.0\r\nContent-Type:") + ZG_SMTP_FIELD_MAX + 2 * (ZG_SMTP_FIELD_MAX / 62);
	memmove(message + at + 1, message + at, head - at + 1);
	message[at] = AT_BYTE;
	message_refused("field", DEFAULTS, ZG_R_SMTP_HEADER_SIZE, true, message, strlen(message));
}
END_TEST

START_TEST(charsets_configured)
{
	static const char sjis[] = H_TO H_MIME "Content-Type: text/plain; charset=Shift_JIS\r\n"
					       "Content-Transfer-Encoding: 8bit\r\n\r\n\x89\xEF\x8B\x63\xB6\xFB\xFC\r\n";
	static const char euc[] = H_TO H_MIME "Content-Type: text/plain; charset=EUC-JP\r\n"
					      "Content-Transfer-Encoding: 8bit\r\n\r\n\xB2\xF1\x8E\xB6\x8F\xB0\xA1\r\n";
	static const char word[] = "Subject: =?us-ascii" AT "?q?a?=";
	message_passes("shift_jis", CHARSETS(12), sjis, sizeof sjis - 1);
	message_passes("euc-jp", CHARSETS(20), euc, sizeof euc - 1);
	message_refused("nameless us-ascii", CHARSETS(2), ZG_R_SMTP_CHARSET, true,
			"Subject: a\r\n" AT "\r\n", strlen("Subject: a\r\n" AT "\r\n"));
	message_refused("word", CHARSETS(2), ZG_R_SMTP_CHARSET, true, word, sizeof word - 1);
}
END_TEST

/* Octets above 0x7F go as they are only where the server has said that it takes them. */
START_TEST(eight_bit)
{
	static const char marked[] = H_8BIT AT "\xE4\xBC\x9A\r\n.\r\n";
	static const char plain[] = H_8BIT "\xE4\xBC\x9A\r\n.\r\n";
	struct script s;

	script_mail(&s, "250-mx\r\n250 SIZE\r\n", MAIL, marked, sizeof marked - 1);
	expect_refused("not offered", DEFAULTS, &s, ZG_R_SMTP_ENCODING_SYNTAX, true);
	script_free(&s);
	script_mail(&s, OFFERS, "MAIL FROM:<a@b> BODY=7BIT\r\n", marked, sizeof marked - 1);
	expect_refused("promised not to", DEFAULTS, &s, ZG_R_SMTP_ENCODING_SYNTAX, true);
	script_free(&s);
	script_mail(&s, OFFERS, "MAIL FROM:<a@b> BODY=8BITMIME\r\n", plain, sizeof plain - 1);
	expect_passed("announced", DEFAULTS, &s);
	script_free(&s);
}
END_TEST

/* --- options ------------------------------------------------------------------------------------------ */

static void judged(const char *label, const struct zg_smtp_config *config, enum zg_reason reason, const char *mail)
{
	if (reason == ZG_R_NONE)
		message_passes(label, config, mail, strlen(mail));
	else
		message_refused(label, config, reason, true, mail, strlen(mail));
}

enum { OPEN_LINK = 1, DEFUSED_LINK = 2 };

static const struct {
	unsigned has;
	const char *mail; /* with the mark if it has any */
} links[] = {
	{ 0, H_8BIT "http https // www wwx ttp: mailto:a@b aftp xftp\r\n:\r\nwww\r\n..a 1www.a\r\n" },
	{ OPEN_LINK, H_8BIT "see http" AT "://a\r\n" },
	{ OPEN_LINK, H_8BIT "see HTTPS" AT ":a\r\n" },
	{ OPEN_LINK, H_8BIT "aftp" AT "://a\r\n" },
	{ OPEN_LINK, H_8BIT "\xe4\xbc\x9awww" AT ".a\r\n" },
	{ OPEN_LINK, H_QP "ht=\r\n=74p=3" AT "A//a\r\n" },
	{ OPEN_LINK, H_QP "www=\r\n." AT ".a\r\n" },
	{ OPEN_LINK, H_B64 "aHR0cD" AT "o=\r\n" },
	{ OPEN_LINK, H_B64 "d3d3L" AT "g==\r\n" },
	{ OPEN_LINK, H_JIS "\x1b$B2q5D\x1b(Bhttp" AT "://a\r\n" },
	{ 0, H_JIS "\x1b$Bhttp:!\x1b(B\r\n" },
	{ 0, H_B64 "aHR0cA0KOg==\r\n" },
	{ DEFUSED_LINK, H_8BIT "see hxxp" AT "://a\r\n" },
	{ DEFUSED_LINK, H_8BIT "fxps" AT "://a\r\n" },
	{ DEFUSED_LINK, H_8BIT "WWX" AT ".a\r\n" },
	{ DEFUSED_LINK, H_B64 "aHh4cHM" AT "6Lw==\r\n" },
};

static void without_mark(const char *mail, char ret_mail[static 1024])
{
	size_t n = 0;
	for (; *mail != '\0'; mail++)
		if (*mail != AT_BYTE)
			ret_mail[n++] = *mail;
	ret_mail[n] = '\0';
}

START_TEST(links_configured)
{
	static const unsigned refused[] = { [ZG_SMTP_LINKS_ALLOW] = 0,
					    [ZG_SMTP_LINKS_DEFUSED] = OPEN_LINK,
					    [ZG_SMTP_LINKS_REFUSE] = OPEN_LINK | DEFUSED_LINK };
	char plain[1024];

	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		for (unsigned mode = 0; mode < 3; mode++) {
			struct zg_smtp_config config = *DEFAULTS;
			config.links = mode;
			without_mark(links[i].mail, plain);
			if (links[i].has & refused[mode])
				judged(links[i].mail, &config, ZG_R_SMTP_LINK, links[i].mail);
			else
				judged(links[i].mail, &config, ZG_R_NONE, plain);
		}
	}
}
END_TEST

/* "[Sanitized] " and more: "=?x?B?W1Nhbml0aXplZF0g...?=" */
static const struct {
	bool tagged;
	const char *mail;
} subjects[] = {
	{ true, "Subject: [Sanitized] hello\r\n" H_TO "\r\nx\r\n" },
	{ true, "Subject:[Sanitized]\r\n" H_TO "\r\nx\r\n" },
	{ true, "Subject:\r\n  [Sanitized] x\r\n" H_TO "\r\nx\r\n" },
	{ true, "Subject: [Sanitized] =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=\r\n" H_TO "\r\nx\r\n" },
	{ true, "Subject: =?UTF-8?B?W1Nhbml0aXplZF0g5Lya?=\r\n" H_TO "\r\nx\r\n" },
	{ true, "Subject: =?UTF-8?Q?=5BSanitized]_?=\r\n =?UTF-8?Q?_x?=\r\n" H_TO "\r\nx\r\n" },
	{ true, "Subject: =?ISO-2022-JP?B?W1Nhbml0aXplZF0gGyRCMnE1RBsoQg==?=\r\n" H_TO "\r\nx\r\n" },
	{ false, H_TO AT "\r\nx\r\n" },
	{ false, "Subject:\r\n" H_TO AT "\r\nx\r\n" },
	{ false, "Subject: [sanitized] hello\r\n" H_TO AT "\r\nx\r\n" },
	{ false, "Subject: Re: [Sanitized] hello\r\n" H_TO AT "\r\nx\r\n" },
	{ false, "Subject: =[Sanitized]\r\n" H_TO AT "\r\nx\r\n" },
	{ false, "Subject: [Sanitized\r\n" H_TO AT "\r\nx\r\n" },
	{ false, "Subject: [[Sanitized]\r\n" H_TO AT "\r\nx\r\n" },
	{ false, "Subject: =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?= [Sanitized]\r\n" H_TO AT "\r\nx\r\n" },
	{ false, "X-Subject: [Sanitized]\r\nSubject: x\r\n" H_TO AT "\r\nx\r\n" },
	{ false, "Comments: [Sanitized]\r\n" H_TO AT "\r\n\r\nSubject: [Sanitized]\r\n" },
};

START_TEST(subject_tag_configured)
{
	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
		struct settings s = { .config = *DEFAULTS };
		char plain[1024];
		without_mark(subjects[i].mail, plain);
		judged(subjects[i].mail, &s.config, ZG_R_NONE, plain);
		settings_add(&s, &s.config.subject_tag, "[Sanitized]");
		for (unsigned mode = ZG_SMTP_VERIFY; mode <= ZG_SMTP_TEXTIFY; mode++) {
			s.config.mode = mode;
			judged(subjects[i].mail, &s.config, subjects[i].tagged ? ZG_R_NONE : ZG_R_SMTP_SUBJECT, subjects[i].mail);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtp_message");
	TCase *tc = tcase_create("message");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, real_mails_pass);
	tcase_add_test(tc, ambiguous_ends_are_refused);
	tcase_add_test(tc, bad_headers_are_refused);
	tcase_add_test(tc, encoded_words);
	tcase_add_test(tc, bad_bodies_are_refused);
	tcase_add_test(tc, second_readings_are_refused);
	tcase_add_test(tc, line_length);
	tcase_add_test(tc, message_size);
	tcase_add_test(tc, header_size);
	tcase_add_test(tc, field_size);
	tcase_add_test(tc, charsets_configured);
	tcase_add_test(tc, eight_bit);
	tcase_add_test(tc, links_configured);
	tcase_add_test(tc, subject_tag_configured);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
