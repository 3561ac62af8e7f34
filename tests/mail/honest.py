# SPDX-License-Identifier: GPL-2.0-or-later
"""Honest mails in the shapes that agents, lists, servers and web forms in Japan write. mails() yields Mail(name, octets,
text_only): every line end LF. Written for these tests."""

import base64
import itertools
import quopri
import textwrap
from collections import namedtuple

Mail = namedtuple("Mail", "name octets text_only")

# --- texts ---------------------------------------------------------------------------------------------------------

LINK = "https://www.city.example.lg.jp/soshiki/12/index.html?a=1&b=2"
TEXTS = {
    "notice": "各位\n\nお世話になっております。総務課の山田です。\n次回の定例会議について、下記のとおりご案内いたします。\n\n　日時：令和8年4月10日（金）10:00～11:30\n"
              f"　場所：本庁舎3階　第2会議室\n\n資料は {LINK} に掲載しています。\n\n以上、よろしくお願いいたします。\n\n-- \n○○市役所 総務課 山田太郎\nTEL 04-0000-0000\n",
    "reply": "山田様\n\n承知しました。参加いたします。\n\n> お世話になっております。\n> 会議の件、いかがでしょうか。\n>> 前回の議事録\n>> http://intra.example.lg.jp/gijiroku\n\n"
             "On 2026/04/01 9:00, 山田太郎 wrote:\n> よろしくお願いします。\n\n鈴木\n",
    "short": "了解です。\n",
    "dots": ".\n..\n...先頭の点\n. 空白\n.\n終わり\n",
    "odd": "\tタブ\n行末に空白 \n\n\n\nFrom here on it is English.\nbegin the day with ftp: or http\n-----Original Message-----\n--\n------------\n=begin\n(注)\n",
    "flowed": "この段落は \n何行にも \nわたります。\n\n> 引用も \n> 同じです。\n\n-- \n署名\n",
    "long": ("長い行です。" * 48 + "\n") * 3 + "a" * 900 + "\n",
    "form": "お問い合わせがありました。\n----------------------------------------\n[お名前] 山田　太郎\n[E-mail] taro@example.jp\n[件名] ごみの収集について\n[本文]\n粗大ごみの申込み方法を教えてください。\n"
            "----------------------------------------\nIP: 192.0.2.33\nUA: Mozilla/5.0 (Windows NT 10.0; Win64; x64)\nURL: https://www.city.example.lg.jp/form/\n",
}
WIDE_KANA = "ハンカクカナ、ガギグゲゴ、パピプペポ\n"  # what agents make of half-width kana in ISO-2022-JP
UTF8_ONLY = "半角ｶﾅ ｶﾞｷﾞｸﾞ 髙﨑 ①②㈱ 😀 𠮷野家 é\u0301 葛\U000e0100城\n"
ENGLISH = "Hello,\n\nthe meeting is at 10 o'clock. See http://www.example.com/ for details.\n\nRegards,\nTaro\n"
PAGE = """<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><style type="text/css">
<!-- p {{margin:0mm;}} --></style></head><body lang="JA" link="#0563C1"><div class="WordSection1">
<p class="MsoNormal">お世話になっております。<span lang="EN-US"><o:p></o:p></span></p>
<p>資料は<a href="https://evil.example.com/GONE">{0}</a>です。&nbsp;1 &lt; 2 &amp; 3</p>
<img src="cid:image001.png@01DA" alt="GONE"><script>GONE()</script><br>
<table><tr><td>日時</td><td>4月10日</td></tr></table></div></body></html>
""".format(LINK)
BINARY = bytes(range(256)) * 7 + b"GONE" * 50
GONE = "GONE"

# --- encodings -----------------------------------------------------------------------------------------------------


def encode(text, charset):
    if charset.lower() != "iso-2022-jp":
        return text.encode(charset)
    return text.replace("～", "〜").encode("iso2022_jp")  # what Windows writes for its own character


def b64(data, width=76):
    text = base64.b64encode(data).decode()
    return "".join(line + "\n" for line in textwrap.wrap(text, width)).encode()


def qp(data):
    out = quopri.encodestring(data)
    return out if out.endswith(b"\n") else out + b"=\n\n"


def body(text, charset, cte):
    data = encode(text, charset)
    if cte == "base64":
        return b64(data.replace(b"\n", b"\r\n"))
    return qp(data) if cte == "quoted-printable" else data


def words(text, charset="ISO-2022-JP", kind="B", per=12):
    """Encoded words over several lines."""
    found = []
    for piece in (text[i:i + per] for i in range(0, len(text), per)):
        data = encode(piece, charset.lower())
        if kind.upper() == "B":
            coded = base64.b64encode(data)
        else:
            coded = b"".join(bytes([c]) if chr(c).isalnum() and c < 128 else b"_" if c == 32 else b"=%02X" % c for c in data)
        found.append(b"=?" + charset.encode() + b"?" + kind.encode() + b"?" + coded + b"?=")
    return b"\n ".join(found)


# --- headers --------------------------------------------------------------------------------------------------------

SUBJECT = "【重要】次回の定例会議の開催について（ご案内）ABC 123"
DATE = b"Date: Wed, 1 Apr 2026 09:00:00 +0900\n"


def received(n):
    return b"".join(b"Received: from relay%d.example.jp (relay%d.example.jp [192.0.2.%d])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n"
                    b"\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\n\t(No client certificate requested)\n\tby mx%d.example.jp (Postfix) with ESMTPS id 4Zab%02dQx0z5vV\n"
                    b"\tfor <b@city.example.lg.jp>; Wed,  1 Apr 2026 09:00:%02d +0900 (JST)\n" % (i, i, i + 1, i, i, i) for i in range(n))


DKIM = (b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.jp; s=s1;\n\th=from:to:subject:date:message-id:mime-version; t=1775001600;\n"
        b"\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n\tb=dGhpcyBpcyBub3QgYSBzaWduYXR1cmUgYnV0IGxvb2tzIGxpa2Ugb25lIGFuZCBpcyBsb25nIGVub3Vn\n"
        b"\t aCB0byBiZSBmb2xkZWQgb3ZlciBzZXZlcmFsIGxpbmVz==\n")
ARC = (b"ARC-Seal: i=1; a=rsa-sha256; s=arcselector9901; d=microsoft.com; cv=none;\n b=c2VhbA==\n"
       b"ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=microsoft.com;\n s=arcselector9901;\n"
       b" h=From:Date:Subject:Message-ID:Content-Type:MIME-Version:X-MS-Exchange-AntiSpam-MessageData-0;\n bh=Ym9keQ==; b=c2ln\n"
       b"ARC-Authentication-Results: i=1; mx.microsoft.com 1; spf=pass\n smtp.mailfrom=example.jp; dmarc=pass action=none header.from=example.jp;\n dkim=pass header.d=example.jp; arc=none\n"
       b"Authentication-Results: mx.example.jp; dkim=pass (2048-bit key; unprotected) header.d=example.jp\n header.i=@example.jp header.b=\"dGhpcy\"; spf=pass (mx.example.jp: domain of\n a@example.jp designates 192.0.2.1 as permitted sender) smtp.mailfrom=a@example.jp\n")
FILTERS = (b"X-Virus-Scanned: Debian amavisd-new at mx.example.jp\nX-Spam-Flag: NO\nX-Spam-Score: -1.9\nX-Spam-Level:\nX-Spam-Status: No, score=-1.9 tagged_above=2\n required=6.2 tests=[BAYES_00=-1.9,\n HTML_MESSAGE=0.001] autolearn=ham\n")
REFERENCES = b"References:" + b"".join(b"\n <CAK%04dabcdefghijklmnopqrstuvwxyz0123456789+ABCDEFG@mail.example.jp>" % i for i in range(30)) + b"\nIn-Reply-To: <CAK0029abcdefghijklmnopqrstuvwxyz0123456789+ABCDEFG@mail.example.jp>\n"


def address(name="From", charset="ISO-2022-JP", kind="B", quoted=False):
    w = words("山田太郎（総務課）", charset, kind)
    return name.encode() + b": " + (b'"' + w + b'"' if quoted else w) + b" <yamada@example.jp>\n"


def top(subject=None, charset="ISO-2022-JP", kind="B", more=b"", before=b"", mime=b"MIME-Version: 1.0\n", message_id=b"<20260401090000.1A2B@example.jp>", quoted=False):
    return (before + address("From", charset, kind, quoted) + b"To: <b@city.example.lg.jp>\nSubject: " + (subject or words(SUBJECT, charset, kind)) + b"\n" + DATE
            + b"Message-ID: " + message_id + b"\n" + mime + more)


# --- agents: what each writes around a text: (header, charset, encoding) -> mail ------------------------------------------------

AGENTS = {}


def agent(*encodings):
    def add(function):
        AGENTS[function.__name__] = (function, encodings)
        return function
    return add


JIS7, UTF_B64, UTF_QP, UTF_8 = ("iso-2022-jp", "7bit"), ("utf-8", "base64"), ("utf-8", "quoted-printable"), ("utf-8", "8bit")


@agent(JIS7, UTF_B64, UTF_QP)
def outlook_exchange(charset, cte):
    return top(charset=charset, before=received(4) + ARC, more=b'Content-Type: text/plain; charset="%s"\nContent-Transfer-Encoding: %s\n' % (charset.encode(), cte.encode()), mime=(
        b"Thread-Topic: " + words(SUBJECT, charset) + b"\nThread-Index: AdvBx0lqkP4Kq1nVQm2Yc1nX3w==\nAccept-Language: ja-JP, en-US\nContent-Language: ja-JP\nX-MS-Has-Attach:\n"
        b"X-MS-TNEF-Correlator:\nx-ms-publictraffictype: Email\nx-ms-office365-filtering-correlation-id: 01234567-89ab-cdef-0123-456789abcdef\nx-forefront-antispam-report: CIP:255.255.255.255;CTRY:;LANG:ja;SCL:1;SRV:;\n"
        b"x-ms-exchange-antispam-messagedata-chunkcount: 1\nx-ms-exchange-antispam-messagedata-0: =?utf-8?B?QUJD?=\nMIME-Version: 1.0\nX-OriginatorOrg: example.jp\n"))


@agent(JIS7, UTF_B64)
def outlook_pop(charset, cte):
    return top(charset=charset, quoted=True, before=received(1), more=b'Content-Type: text/plain;\n\tcharset="%s"\nContent-Transfer-Encoding: %s\nX-Mailer: Microsoft Outlook 16.0\n'
               b"Thread-Index: AdvBx0lqkP4Kq1nVQm2Yc1nX3w==\nContent-Language: ja\n" % (charset.encode(), cte.encode()), message_id=b"<000001dbc1c7$496a90fe$dc3fb2fa$@example.jp>")


@agent(JIS7)
def windows_live_mail(charset, cte):
    return top(mime=b'MIME-Version: 1.0\nContent-Type: text/plain;\n\tformat=flowed;\n\tcharset="iso-2022-jp";\n\treply-type=original\nContent-Transfer-Encoding: 7bit\nX-Priority: 3\nX-MSMail-Priority: Normal\n'
               b"Importance: Normal\nX-Mailer: Microsoft Windows Live Mail 16.4.3528.331\nX-MimeOLE: Produced By Microsoft MimeOLE V16.4.3528.331\n", message_id=b"<5A1B2C3D4E5F@YamadaPC>")


@agent(UTF_B64, UTF_QP)
def gmail(charset, cte):
    return top(charset="UTF-8", before=b"Delivered-To: b@city.example.lg.jp\nReceived: by 2002:a05:6a10:abcd:0:0:0:0 with SMTP id abc1234567890pxb;\n        Tue, 31 Mar 2026 17:00:01 -0700 (PDT)\n"
               b"X-Google-Smtp-Source: AGHT+IEabcdefgh\nX-Received: by 2002:a17:90b:1234:b0:2ee:f076:20fb with SMTP id\n d9443c01a7336-abcdef.12.1775001601234;\n" + ARC + DKIM.replace(b"DKIM", b"X-Google-DKIM")
               + DKIM + b"X-Gm-Message-State: AOJu0YxKabcdefghijklmnopqrstuvwxyz\n\t0123456789==\n", more=b'Content-Type: text/plain; charset="UTF-8"\nContent-Transfer-Encoding: %s\n' % cte.encode(),
               message_id=b"<CAKabc+defGHI=jkl_mno@mail.gmail.com>")


@agent(UTF_8, JIS7, UTF_B64)
def thunderbird(charset, cte):
    return top(charset=charset.upper(), before=received(2), mime=b"MIME-Version: 1.0\nUser-Agent: Mozilla Thunderbird\nContent-Language: ja\n",
               more=b"Autocrypt: addr=yamada@example.jp; keydata=\n xsBNBGabcdefBCAC7abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWX\n YZ==\nContent-Type: text/plain; charset=%s; format=flowed\nContent-Transfer-Encoding: %s\n"
               % (charset.upper().encode(), cte.encode()), message_id=b"<5e0f1a2b-3c4d-5e6f-7a8b-9c0d1e2f3a4b@example.jp>")


@agent(UTF_B64, UTF_QP)
def iphone(charset, cte):
    return top(charset="utf-8", before=received(2), mime=b"", more=b"Content-Type: text/plain;\n\tcharset=utf-8\nContent-Transfer-Encoding: %s\nMime-Version: 1.0 (1.0)\nX-Mailer: iPhone Mail (22G86)\n" % cte.encode(),
               message_id=b"<0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0@example.jp>")


@agent(UTF_B64, UTF_QP, JIS7)
def apple_mail(charset, cte):
    return top(charset=charset, mime=b"Content-Transfer-Encoding: %s\nMime-Version: 1.0 (Mac OS X Mail 16.0 \\(3826.600.51.1.1\\))\nX-Mailer: Apple Mail (2.3826.600.51.1.1)\n" % cte.encode(),
               more=b"Content-Type: text/plain;\n\tcharset=%s\n" % charset.encode())


@agent(JIS7)
def becky(charset, cte):
    return top(more=b'Content-Type: text/plain; charset="ISO-2022-JP"\nContent-Transfer-Encoding: 7bit\nX-Mailer: Becky! ver. 2.81.03 [ja]\n', message_id=b"<20260401090000.A1B2.YAMADA@example.jp>")


@agent(JIS7, UTF_B64)
def docomo(charset, cte):
    return top(charset=charset.upper(), before=received(1), more=b'Content-Type: text/plain; charset="%s"\nContent-Transfer-Encoding: %s\n' % (charset.upper().encode(), cte.encode()),
               subject=b"Re:" + words("会議", charset.upper()), message_id=b"<20260401090000abc@docomo.ne.jp>").replace(b"<yamada@example.jp>", b"<ya..mada.@docomo.example.jp>")


@agent(JIS7)
def au(charset, cte):
    return top(before=received(1), more=b"Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: 7bit\nX-Mailer: EZweb\n", subject=b"=?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=")


@agent(JIS7)
def shuriken(charset, cte):
    return top(more=b"Content-Type: text/plain; charset=ISO-2022-JP\nContent-Transfer-Encoding: 7bit\nX-Mailer: JsvMail (Shuriken Pro) 12.0.0.0\nX-Priority: 3\nDisposition-Notification-To: yamada@example.jp\n")


@agent(JIS7, UTF_8)
def sylpheed(charset, cte):
    return top(charset=charset.upper(), mime=b"X-Mailer: Sylpheed 3.7.0 (GTK+ 2.24.30; i686-pc-mingw32)\nMime-Version: 1.0\n", more=b"Content-Type: text/plain; charset=%s\nContent-Transfer-Encoding: %s\n" % (charset.upper().encode(), cte.encode()))


@agent(JIS7)
def mew(charset, cte):
    return top(mime=b"X-Mailer: Mew version 6.8 on Emacs 27.1\nMime-Version: 1.0\n", more=b"Content-Type: Text/Plain; charset=iso-2022-jp\nContent-Transfer-Encoding: 7bit\n")


@agent(UTF_8, UTF_QP)
def mutt(charset, cte):
    return top(charset="utf-8", kind="Q", more=b"Content-Type: text/plain; charset=utf-8\nContent-Disposition: inline\nContent-Transfer-Encoding: %s\nUser-Agent: Mutt/2.2.12 (2023-09-09)\n" % cte.encode())


@agent(UTF_8, UTF_QP)
def roundcube(charset, cte):
    return top(charset="UTF-8", kind="Q", more=b"Content-Type: text/plain; charset=UTF-8;\n format=flowed\nContent-Transfer-Encoding: %s\nOrganization: " % cte.encode() + words("市役所", "UTF-8", "Q") + b"\nX-Sender: yamada@example.jp\nUser-Agent: Roundcube Webmail/1.6.5\n")


@agent(JIS7)
def active_mail(charset, cte):
    return top(more=b"Content-Type: text/plain; charset=ISO-2022-JP\nContent-Transfer-Encoding: 7bit\nX-Mailer: Active! mail 6.60.060901310\nX-Originating-IP: [192.0.2.7]\n")


@agent(JIS7, UTF_B64)
def cybozu(charset, cte):
    return top(charset=charset.upper(), more=b"Content-Type: text/plain;\n charset=%s\nContent-Transfer-Encoding: %s\nX-Mailer: Cybozu Office 10\n" % (charset.upper().encode(), cte.encode()))


@agent(JIS7)
def notes(charset, cte):
    return top(more=b"Content-Type: text/plain; charset=ISO-2022-JP\nContent-Transfer-Encoding: 7bit\nX-KeepSent: 01234567:89ABCDEF-49258A4B:003A5E76;\n type=4; name=$KeepSent\nX-MIMETrack: Serialize by Router on SV01/Example(Release 12.0.2|November 03, 2022) at\n 2026/04/01 09:00:00\nX-Disclaimed: 1\n")


@agent(UTF_QP, UTF_B64)
def kmail(charset, cte):
    return top(charset="utf-8", kind="B", more=b'Content-Transfer-Encoding: %s\nContent-Type: text/plain; charset="utf-8"\nX-Face: abc"def\'ghi\n' % cte.encode())


@agent(JIS7)
def php_mb_send_mail(charset, cte):
    return top(subject=words(SUBJECT, "ISO-2022-JP", "B", 40), before=b"X-PHP-Originating-Script: 1000:mail.php\n", more=b"Content-Type: text/plain; charset=ISO-2022-JP\nContent-Transfer-Encoding: 7bit\nX-Mailer: PHP/8.2.7\n")


@agent(UTF_8, UTF_B64, UTF_QP)
def phpmailer(charset, cte):
    return top(charset="UTF-8", more=b"X-Mailer: PHPMailer 6.9.1 (https://github.com/PHPMailer/PHPMailer)\nX-Auto-Response-Suppress: OOF\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: %s\n" % cte.encode())


@agent(UTF_B64, UTF_QP)
def dot_net(charset, cte):
    return top(charset="utf-8", mime=b"MIME-Version: 1.0\n", more=b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: %s\n" % cte.encode())


@agent(UTF_B64, JIS7)
def python_email(charset, cte):
    return top(charset=charset, mime=b'Content-Type: text/plain; charset="%s"\nMIME-Version: 1.0\nContent-Transfer-Encoding: %s\n' % (charset.encode(), cte.encode()))


@agent(JIS7, UTF_B64, UTF_QP)
def java_mail(charset, cte):
    return top(charset=charset.upper(), more=b"Content-Type: text/plain; charset=%s\nContent-Transfer-Encoding: %s\n" % (charset.upper().encode(), cte.encode()), message_id=b"<1234567890.1.1775001600000.JavaMail.tomcat@ap01>")


@agent(UTF_B64, UTF_8)
def rails(charset, cte):
    return top(charset="UTF-8", mime=b"Mime-Version: 1.0\nContent-Type: text/plain;\n charset=UTF-8\nContent-Transfer-Encoding: %s\n" % cte.encode())


LISTS = {
    "mailman2": b"X-BeenThere: all@lists.example.jp\nX-Mailman-Version: 2.1.39\nPrecedence: list\nList-Id: " + words("職員全員", "utf-8", "q") + b" <all.lists.example.jp>\n"
                b"List-Unsubscribe: <https://lists.example.jp/mailman/options/all>,\n <mailto:all-request@lists.example.jp?subject=unsubscribe>\nList-Archive: <https://lists.example.jp/pipermail/all/>\n"
                b"List-Post: <mailto:all@lists.example.jp>\nList-Help: <mailto:all-request@lists.example.jp?subject=help>\nErrors-To: all-bounces@lists.example.jp\nSender: \"all\" <all-bounces@lists.example.jp>\n",
    "fml": b"Reply-To: all@lists.example.jp\nX-ML-Name: all\nX-Mail-Count: 01234\nX-MLServer: fml [fml 4.0 STABLE (20010218)](fml commands only mode);\n\tpost only (members only)\nX-ML-INFO: If you have a question,\n\tplease contact all-admin@lists.example.jp;\n\t<mailto:all-admin@lists.example.jp>\n"
           b"List-Software: fml [fml 4.0 STABLE (20010218)]\nPrecedence: bulk\n",
    "google groups": b"X-Original-Sender: yamada@example.jp\nX-Original-Authentication-Results: mx.google.com;       dkim=pass\n header.i=@example.jp\nPrecedence: list\nMailing-list: list all@example.jp; contact all+owners@example.jp\n"
                     b"List-ID: <all.example.jp>\nX-Google-Group-Id: 123456789012\nList-Post: <https://groups.google.com/a/example.jp/group/all/post>, <mailto:all@example.jp>\n",
    "one-click": b"List-Unsubscribe: <https://mail.example.jp/u?x=1>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\nFeedback-ID: 123:example.jp:news\nX-SES-Outgoing: 2026.04.01-192.0.2.9\nX-Report-Abuse: https://mail.example.jp/abuse\n",
}


def text_mails():
    """Nothing but text."""
    for (name, (function, encodings)), (kind, text) in itertools.product(AGENTS.items(), TEXTS.items()):
        for charset, cte in encodings:
            if kind not in ("notice", "reply", "odd") and (charset, cte) != encodings[0]:
                continue
            if kind == "long" and cte not in ("base64", "quoted-printable"):
                text = "\n".join(line[:300] for line in text.split("\n"))
            yield f"{name} {charset} {cte}: {kind}", function(charset, cte) + b"\n" + body(text, charset, cte)
    for name, fields in LISTS.items():
        for charset, cte in (JIS7, UTF_B64):
            subject = b"[all:01234] " + words(SUBJECT, charset.upper())
            yield f"list {name} {charset}", top(subject=subject, before=received(3), more=fields + b"Content-Type: text/plain; charset=%s\nContent-Transfer-Encoding: %s\n" % (
                charset.encode(), cte.encode())) + b"\n" + body(TEXTS["notice"] + "_______________________________________________\nall mailing list\nhttps://lists.example.jp/\n", charset, cte)
    plain = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
    jis_plain = b"Content-Type: text/plain; charset=ISO-2022-JP\nContent-Transfer-Encoding: 7bit\n"
    utf = TEXTS["notice"].encode()
    yield "UTF-8 beyond JIS", top(more=plain) + b"\n" + UTF8_ONLY.encode()
    yield "half-width kana made full-width", top(more=jis_plain) + b"\n" + encode(WIDE_KANA, "iso-2022-jp")
    yield "NEC row 13 in ISO-2022-JP", top(more=jis_plain) + b"\n\x1b$B-!-\"-#-j\x1b(B 1\n\x1b$B3t<02q<R\x1b(B\x1b$B-j\x1b(B\n"
    yield "ESC $ @", top(more=jis_plain) + b"\n\x1b$@2q5D\x1b(B ABC \x1b$@2q\x1b(B\n"
    yield "escapes that change nothing", top(more=jis_plain) + b"\n\x1b$B2q\x1b$B5D\x1b(B\x1b(B\n"
    yield "many hops", top(before=received(14) + FILTERS, more=plain) + b"\n" + utf
    yield "long references", top(more=REFERENCES + plain) + b"\n" + utf
    yield "DKIM, ARC, filters", top(before=b"Return-Path: <yamada@example.jp>\nX-Original-To: b@city.example.lg.jp\nDelivered-To: b@city.example.lg.jp\n" + received(3) + ARC + DKIM + DKIM + FILTERS, more=plain) + b"\n" + utf
    yield "a hundred recipients", top(more=b"Cc: " + b",\n\t".join(words(f"職員{i:03}", "utf-8", "q") + b" <u%03d@example.jp>" % i for i in range(100)) + b"\n" + plain) + b"\n" + utf
    yield "group syntax", top(more=b"Cc: undisclosed-recipients:;\n" + plain) + b"\n" + utf
    yield "words of every kind", top(subject=b"=?utf-8?q?a?= =?UTF-8?B?5Lya?=\n =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?= (=?us-ascii?Q?a=5Fb?=) 100%", more=plain) + b"\n" + utf
    for prefix in (b"Re:", b"Re: ", b"Fwd:", b"RE: FW:", b"[all:123]", b"[SPAM] ", b"Re[2]: "):
        yield f"prefix {prefix!r}", top(subject=prefix + words("会議", "ISO-2022-JP"), more=jis_plain) + b"\n" + encode(TEXTS["short"], "iso-2022-jp")
    yield "one long word", top(subject=words(SUBJECT * 2, "UTF-8", "B", 200), more=plain) + b"\n" + utf
    yield "many words in Q", top(subject=words(SUBJECT * 4, "utf-8", "Q", 5), more=plain) + b"\n" + utf
    yield "subject folded before its words", top(subject=b"\n " + words(SUBJECT), more=jis_plain) + b"\n" + encode("本文\n", "iso-2022-jp")
    yield "empty subject", top(subject=b" ", more=plain) + b"\n" + utf
    yield "resent", b"Resent-From: c@example.jp\nResent-To: d@example.jp\nResent-Date: Wed, 1 Apr 2026 10:00:00 +0900\nResent-Message-ID: <r@example.jp>\n" + top(more=plain) + b"\n" + utf
    yield "no body", top(more=plain) + b"\n"
    yield "no empty line", top(more=plain)
    yield "only empty lines", top(more=plain) + b"\n\n\n\n"
    yield "delsp", top(more=b"Content-Type: text/plain; charset=ISO-2022-JP; format=flowed; delsp=yes\nContent-Transfer-Encoding: 7bit\n") + b"\n" + encode("長い段落を \n折り返す \nもの。\n", "iso-2022-jp")
    yield "no MIME", top(subject=b"hello", mime=b"") .replace(address(), b"From: Taro Yamada <yamada@example.jp>\n") + b"\n" + ENGLISH.encode()
    yield "cron", b"From: root@sv01.example.jp (Cron Daemon)\nTo: root@sv01.example.jp\nSubject: Cron <root@sv01> /usr/local/bin/backup\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n" \
        b"X-Cron-Env: <SHELL=/bin/sh>\nX-Cron-Env: <HOME=/root>\nX-Cron-Env: <PATH=/usr/bin:/bin>\nX-Cron-Env: <LOGNAME=root>\nMessage-Id: <20260401000001.ABC@sv01.example.jp>\n" + DATE + "\n完了\n".encode()
    yield "mailx", b"To: b@city.example.lg.jp\nSubject: report\nUser-Agent: s-nail v14.9.22\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 7bit\nFrom: a@example.jp\n" + DATE + b"\n" + ENGLISH.encode()
    yield "UPS", b"From:ups@example.jp\nTo:b@city.example.lg.jp\nSubject:UPS: On battery power\nDate:Wed, 01 Apr 2026 09:00:00 +0900\nX-Priority:1\n\nUPS on battery\n"
    yield "swaks", DATE + b"To: b@example.lg.jp\nFrom: a@example.jp\nSubject: test\nMessage-Id: <20260401090000.001@out>\nX-Mailer: swaks v20201014.0 jetmore.org/john/code/swaks/\n\nThis is a test mailing\n\n\n"
    yield "vacation", top(subject=b"Auto: " + words("不在通知", "UTF-8"), more=b"Auto-Submitted: auto-replied (vacation)\nX-Auto-Response-Suppress: All\nPrecedence: bulk\nX-Autoreply: yes\n" + plain) + b"\n" + "ただいま外出しております。\n".encode()
    yield "qmail bounce", b"Return-Path: <>\nDate: 1 Apr 2026 00:00:00 -0000\nFrom: MAILER-DAEMON@mx.example.jp\nTo: b@city.example.lg.jp\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.jp.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<x@example.jp>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 User unknown\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <b@city.example.lg.jp>\nSubject: =?ISO-2022-JP?B?GyRC?=\n\nhello\n"
    yield "exim bounce of old", b"X-Failed-Recipients: x@example.jp\nAuto-Submitted: auto-replied\nFrom: Mail Delivery System <Mailer-Daemon@mx.example.jp>\nTo: b@city.example.lg.jp\nSubject: Mail delivery failed: returning message to sender\nMessage-Id: <E1abc-0001@mx.example.jp>\n" + DATE + b"\nThis message was created automatically by mail delivery software.\n\n  x@example.jp\n    host mx [192.0.2.1]: 550 unknown user\n\n------ This is a copy of the message, including all the headers. ------\n\nReceived: from a\nContent-Type: text/html\n\n<html>\n"
    yield "challenge of a form, PHP without MIME-Version's letters", top(subject=words("受付完了", "UTF-8", "B", 30), mime=b"Mime-Version: 1.0\n", more=b"Content-Type: text/plain;charset=utf-8\nContent-Transfer-Encoding: 8bit\n") + b"\n" + TEXTS["form"].encode()
    for value in (b'text/plain; charset="utf-8"', b"text/plain;charset=UTF-8", b"TEXT/PLAIN; CHARSET=utf-8", b"text/plain;\n\tcharset=utf-8", b"text/plain;\n        charset=\"utf-8\"", b"text/plain; format=flowed; charset=utf-8", b"Text/Plain; Charset=\"UTF-8\"; Format=Fixed"):
        yield f"type {value!r}", top(charset="utf-8", more=b"Content-Type: " + value + b"\nContent-Transfer-Encoding: 8bit\n") + b"\n" + utf
    for value in (b"7bit", b"7BIT", b"Base64", b"BASE64", b"Quoted-Printable", b"QUOTED-PRINTABLE"):
        cte = value.decode().lower()
        yield f"encoding {value.decode()}", top(more=b"Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: " + value + b"\n") + b"\n" + body(TEXTS["reply"], "iso-2022-jp", cte)
    for width in (4, 60, 64, 72, 76):
        yield f"base64 in lines of {width}", top(more=b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n") + b"\n" + b64(utf, width)


# --- with more than text --------------------------------------------------------------------------------------------

NAMES = {
    "plain": (b'name="GONE.%s"', b'filename="GONE.%s"'), "token": (b"name=GONE.%s", b"filename=GONE.%s"),
    "words": (b'name="' + words("見積書GONE", "UTF-8") + b'.%s"', b'filename="' + words("見積書GONE", "UTF-8") + b'.%s"'),
    "JIS words, folded": (b'name="' + words("令和八年度当初予算見積書一覧表", "ISO-2022-JP", "B", 8) + b'.%s"', b'filename="' + words("令和八年度当初予算見積書一覧表", "ISO-2022-JP", "B", 8) + b'.%s"'),
    "words without quotes": (b'name="GONE.%s"', b'filename="' + words("見積", "ISO-2022-JP") + b'.%s"'),
    "2231": (b'name="=?UTF-8?B?6KaL56mN?=.%s"', b"filename*=UTF-8''%%E8%%A6%%8BGONE.%s"),
    "2231, continued": (b"name*0*=UTF-8''%%E8%%A6%%8BGONE;\n name*1*=%%E7%%A9%%8D.%s", b"filename*0*=UTF-8''%%E8%%A6%%8B;\n filename*1*=%%E7%%A9%%8DGONE.%s"),
    "2231, JIS": (b'name="GONE.%s"', b"filename*0*=ISO-2022-JP''%%1B%%24%%42%%38%%2B;\n\tfilename*1*=%%1B%%28%%42GONE.%s"),
    "both": (b'name="GONE.%s"', b"filename=\"GONE\";\n filename*=utf-8''GONE.%s"),
    "blanks": (b'name="a GONE  b.%s"', b'filename="a GONE  b.%s"; size=1234;\n\tcreation-date="Wed, 01 Apr 2026 00:00:00 GMT";\n\tmodification-date="Wed, 01 Apr 2026 00:00:00 GMT"'),
}
KINDS = {"pdf": b"application/pdf", "xlsx": b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "doc": b"application/msword", "zip": b"application/x-zip-compressed",
         "bin": b"application/octet-stream", "jpg": b"image/jpeg", "png": b"image/png", "tif": b"image/tiff", "csv": b"text/csv", "xml": b"text/xml", "vcf": b"text/x-vcard", "rtf": b"text/rtf", "wav": b"audio/wav",
         "mp4": b"video/mp4", "jtd": b"application/x-js-taro", "ics": b"application/ics", "p7s": b"application/pkcs7-signature", "dat": b"application/ms-tnef", "eml": b"application/octet-stream"}


def part(fields, content):
    return fields + b"\n" + content


def plain_part(charset="utf-8", cte="base64", text=None, extra=b"", params=b""):
    return part(b'Content-Type: text/plain; charset="%s"%s\nContent-Transfer-Encoding: %s\n' % (charset.encode(), params, cte.encode()) + extra, body(text or TEXTS["notice"], charset, cte))


def html_part(charset="utf-8", cte="quoted-printable", extra=b"", text=PAGE):
    return part(b'Content-Type: text/html; charset="%s"\nContent-Transfer-Encoding: %s\n' % (charset.encode(), cte.encode()) + extra, body(text, charset, cte))


def attachment(ext="pdf", name="plain", extra=b"", cte="base64", disposition=b"attachment"):
    a, b = (n % ext.encode() for n in NAMES[name])
    data = b64(BINARY) if cte == "base64" else qp(b"GONE,1\n" * 20) if cte == "quoted-printable" else b"GONE,1\n" * 20
    return part(b"Content-Type: " + KINDS[ext] + b";\n\t" + a + b"\nContent-Transfer-Encoding: " + cte.encode() + b"\nContent-Disposition: " + disposition + b";\n\t" + b + b"\n" + extra, data)


IMAGE = attachment("png", "plain", b"Content-ID: <image001.png@01DA>\nContent-Description: GONE.png\n", disposition=b"inline")
INVITATION = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:GONE\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
ICS = part(b'Content-Type: text/calendar; charset="utf-8"; method=REQUEST\nContent-Transfer-Encoding: base64\n', b64(INVITATION))
INNER = top(more=b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 7bit\n") + b"\n<a href=http://GONE.example/>GONE</a>\n"
MESSAGE = part(b"Content-Type: message/rfc822\nContent-Disposition: attachment\n", INNER)
INLINE_MESSAGE = part(b"Content-Type: message/rfc822; name=\"=?UTF-8?B?6Lui6YCB?=.eml\"\nContent-Transfer-Encoding: 8bit\nContent-Disposition: inline\n", INNER)


def multi(kind, boundary, *parts, params=b"", preamble=b"", epilogue=b"", quote=b'"'):
    return (b"Content-Type: multipart/" + kind + b";" + params + b"\n\tboundary=" + quote + boundary + quote + b"\n",
            preamble + b"".join(b"--" + boundary + b"\n" + p + b"\n" for p in parts) + b"--" + boundary + b"--\n" + epilogue)


def nested(*args, **kw):
    return b"\n".join(multi(*args, **kw))


PREAMBLE = b"This is a multi-part message in MIME format.\n\n"
# How agents put several parts together: name -> (kind, boundary, what is declared besides, preamble)
STYLES = {
    "outlook": (b"----=_NextPart_000_0001_01DBC1C7.496A90FE", b"", PREAMBLE), "exchange": (b"_000_TY2PR01MB1234A1B2C3D4E5F6TY2PR01MB1234jpnp_", b"", b""),
    "gmail": (b"000000000000a1b2c306312345", b"", b""), "thunderbird": (b"------------0mVx2Yp7Qk3Lr9Ts5Uv1Wx4Y", b"", PREAMBLE),
    "apple": (b"Apple-Mail=_01234567-89AB-CDEF-0123-456789ABCDEF", b"", b"\n"), "iphone": (b"Apple-Mail-0F1E2D3C-4B5A-6978", b"", b""), "java": (b"----=_Part_123_456789.1775001600000", b"", b""),
    "notes": (b"=_mixed 003A5E7649258A4B_=", b"", b"\n"), "python": (b"===============1234567890123456789==", b"", b""), "phpmailer": (b"b1_0123456789abcdef0123456789abcdef", b"", PREAMBLE),
    "becky": (b"------_69CB1A2B00000000C5E8_MULTIPART_MIXED_", b"", b""), "eudora": (b"=====================_12345678==_.ALT", b"", b""), "rails": (b"--==_mimepart_69cb1a2b_1a2b3c4d", b"", b"\n"),
}


def mixed_mails():
    for (name, (boundary, params, preamble)), charset in itertools.product(STYLES.items(), ("utf-8", "iso-2022-jp")):
        cte = "7bit" if charset == "iso-2022-jp" else "base64"
        text = plain_part(charset, cte)
        alternative = multi(b"alternative", boundary, text, html_part(charset, "quoted-printable" if charset == "utf-8" else "7bit", text=PAGE.replace("&nbsp;", " ")), params=params, preamble=preamble)
        yield f"{name} {charset}: text and HTML", alternative
        yield f"{name} {charset}: text and a file", multi(b"mixed", boundary, text, attachment("xlsx", "words"), params=params, preamble=preamble)
        if charset == "utf-8":
            yield f"{name}: all", multi(b"mixed", boundary, nested(b"related", b"r" + boundary, nested(b"alternative", b"a" + boundary, text, html_part()), IMAGE), attachment("pdf"), preamble=preamble)
    for (name, _), ext in itertools.product(NAMES.items(), ("pdf", "csv", "jpg")):
        yield f"file name {name}.{ext}", multi(b"mixed", b"b1", plain_part(), attachment(ext, name))
    for ext in KINDS:
        yield f"a file .{ext}", multi(b"mixed", b"b1", plain_part("iso-2022-jp", "7bit"), attachment(ext))
    for cte, ext in itertools.product(("7bit", "quoted-printable"), ("csv", "bin", "xml")):
        yield f"a file .{ext} in {cte}", multi(b"mixed", b"b1", plain_part(), attachment(ext, cte=cte))
    for name, cte in itertools.product(("utf-8", "iso-2022-jp"), ("base64", "quoted-printable", "8bit")):
        if (name, cte) != ("iso-2022-jp", "8bit"):
            fields, _, content = html_part(name, cte).partition(b"\n\n")
            yield f"HTML alone {name} {cte}", (fields + b"\n", content)
    text, jis_text = plain_part(), plain_part("iso-2022-jp", "7bit")
    yield "invitation of Outlook", multi(b"alternative", b"_000_inv_", text, html_part(), ICS)
    yield "invitation of Google", multi(b"mixed", b"m1", nested(b"alternative", b"a1", text, html_part(), ICS), attachment("ics"))
    yield "winmail.dat", multi(b"mixed", b"----=_NextPart_000_0002_01DA", jis_text, attachment("dat"), preamble=PREAMBLE)
    yield "S/MIME signed", multi(b"signed", b"----6F1A2B3C", text, attachment("p7s"), params=b" protocol=\"application/pkcs7-signature\";\n\tmicalg=sha-256;", preamble=b"This is an S/MIME signed message\n\n")
    yield "S/MIME signed of Outlook", multi(b"signed", b"----=_NextPart_000_0003_01DA", nested(b"alternative", b"----=_NextPart_001_0004_01DA", jis_text, html_part("iso-2022-jp", "7bit")), attachment("p7s"),
                                           params=b"\n\tprotocol=\"application/x-pkcs7-signature\";\n\tmicalg=SHA1;", preamble=PREAMBLE)
    yield "PGP signed", multi(b"signed", b"------------sig1", nested(b"mixed", b"------------m1", text), part(b"Content-Type: application/pgp-signature; name=\"OpenPGP_signature.asc\"\nContent-Description: OpenPGP digital signature\nContent-Disposition: attachment; filename=\"OpenPGP_signature\"\n",
                              b"-----BEGIN PGP SIGNATURE-----\n\nGONE\n-----END PGP SIGNATURE-----\n"), params=b" micalg=pgp-sha256;\n protocol=\"application/pgp-signature\";")
    yield "PGP encrypted", multi(b"encrypted", b"enc1", part(b"Content-Type: application/pgp-encrypted\nContent-Description: PGP/MIME version identification\n", b"Version: 1\n"), part(
        b"Content-Type: application/octet-stream; name=\"encrypted.asc\"\n", b"-----BEGIN PGP MESSAGE-----\n\nGONE\n-----END PGP MESSAGE-----\n"), params=b" protocol=\"application/pgp-encrypted\";")
    yield "S/MIME encrypted", (b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data;\n\tname=\"smime.p7m\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"smime.p7m\"\n", b64(BINARY))
    yield "forwarded as a file", multi(b"mixed", b"fw", text, MESSAGE)
    yield "forwarded inline", multi(b"mixed", b"fw", text, INLINE_MESSAGE, INLINE_MESSAGE)
    deep = part(b"Content-Type: message/rfc822\n", top(more=multi(b"mixed", b"inner", plain_part(), MESSAGE)[0]) + b"\n" + multi(b"mixed", b"inner", plain_part(), MESSAGE)[1])
    yield "forwarded twice", multi(b"mixed", b"fw", text, deep)
    yield "digest", multi(b"mixed", b"outer", text, nested(b"digest", b"inner", MESSAGE, MESSAGE))
    for mta, kind in ((b"Postfix", b"4Zabc1.1775/mx.example.jp"), (b"Exim", b"1abcdE-eximdsn-0001"), (b"sendmail", b"631A2B3C.1775/mx.example.jp")):
        yield f"bounce of {mta.decode()}", multi(b"report", kind, part(b"Content-Description: Notification\nContent-Type: text/plain; charset=us-ascii\n", b"This is the mail system at host mx.example.jp.\n\n<x@example.jp>: host unknown, see http://www.example.com/\n"), part(
            b"Content-Description: Delivery report\nContent-Type: message/delivery-status\n", b"Reporting-MTA: dns; mx.example.jp\nArrival-Date: Wed, 1 Apr 2026 09:00:00 +0900\n\nFinal-Recipient: rfc822; GONE@example.jp\nAction: failed\nStatus: 5.1.1\n"), part(
                b"Content-Description: Undelivered Message\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n", INNER), params=b" report-type=delivery-status;", preamble=b"This is a MIME-encapsulated message.\n\n")
    yield "bounce of Exchange", multi(b"report", b"_004_abc_", nested(b"alternative", b"_000_abc_", text, html_part()), part(b"Content-Type: message/delivery-status\n", b"Reporting-MTA: dns;GONE\n"), part(b"Content-Type: message/rfc822\n", INNER), params=b" report-type=delivery-status;")
    yield "headers of a bounce", multi(b"report", b"b1", text, part(b"Content-Type: message/delivery-status\n", b"Reporting-MTA: dns;GONE\n"), part(b"Content-Type: text/rfc822-headers\n", b"Subject: GONE\n"), params=b" report-type=delivery-status;")
    yield "read receipt", multi(b"report", b"mdn1", text, part(b"Content-Type: message/disposition-notification\nContent-Disposition: inline\n", b"Reporting-UA: GONE\nDisposition: manual-action/MDN-sent-manually; displayed\n"), params=b" report-type=disposition-notification;")
    yield "list footer of mailman", multi(b"mixed", b"===============123==", jis_text, part(b'MIME-Version: 1.0\nContent-Type: text/plain; charset="us-ascii"\nContent-Transfer-Encoding: 7bit\nContent-Disposition: inline\n', b"_______________________________________________\nall mailing list\nhttps://lists.example.jp/\n"))
    yield "photo between texts", multi(b"mixed", b"Apple-Mail-AB12", text, attachment("jpg"), plain_part(text="iPhoneから送信\n"))
    yield "HTML around a file", multi(b"mixed", b"Apple-Mail=_X", html_part(), attachment("pdf"), html_part(text="<p>終わり</p>\n"))
    yield "decoration mail", multi(b"related", b"deco", nested(b"alternative", b"dec2", jis_text, html_part("iso-2022-jp", "7bit")), part(b'Content-Type: image/gif; name="GONE.gif"\nContent-Transfer-Encoding: base64\nContent-ID: <01@docomo>\n', b64(BINARY)))
    yield "copier", multi(b"mixed", b"MFP_BOUNDARY", part(b"Content-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n", b"scan\n"), attachment("tif", "token"))
    yield "a text file", multi(b"mixed", b"b1", text, part(b'Content-Type: text/plain; charset=UTF-8; name="GONE.txt"\nContent-Disposition: attachment; filename="GONE.txt"\nContent-Transfer-Encoding: base64\n', b64(BINARY)))
    yield "a text file in Shift_JIS", multi(b"mixed", b"b1", text, part(b'Content-Type: text/plain; charset=Shift_JIS; name="GONE.txt"\nContent-Disposition: attachment; filename="GONE.txt"\nContent-Transfer-Encoding: base64\n', b64(BINARY)))
    yield "an empty file", multi(b"mixed", b"b1", text, part(b'Content-Type: application/octet-stream; name="GONE"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="GONE"\n', b""))
    yield "an empty text", multi(b"mixed", b"b1", part(b"Content-Type: text/plain; charset=us-ascii\n", b""), attachment("pdf"))
    yield "one part", multi(b"mixed", b"b1", text)
    yield "twenty files", multi(b"mixed", b"b1", text, *[attachment("pdf", name) for name in NAMES] * 2)
    yield "an epilogue", multi(b"mixed", b"b1", text, epilogue=b"\nend\n")
    yield "a boundary without quotes", multi(b"mixed", b"0016e6d58f8a", text, attachment("pdf"), quote=b"")
    yield "flowed, with delsp", multi(b"mixed", b"b1", plain_part("iso-2022-jp", "7bit", params=b"; format=flowed; delsp=yes"), attachment("pdf"))
    yield "reply-type", multi(b"mixed", b"b1", plain_part("iso-2022-jp", "7bit", params=b";\n\treply-type=original"), attachment("pdf"))
    yield "a card", multi(b"mixed", b"b1", text, part(b"Content-Type: text/x-vcard; charset=utf-8;\n name=\"GONE.vcf\"\nContent-Transfer-Encoding: 8bit\nContent-Disposition: attachment;\n filename=\"GONE.vcf\"\n", "begin:vcard\nn:GONE;山田\nend:vcard\n".encode()))
    yield "newsletter", multi(b"alternative", b"news", plain_part("utf-8", "quoted-printable"), html_part("utf-8", "base64", text=PAGE * 20))


def mails():
    for name, octets in text_mails():
        yield Mail("text: " + name, octets, True)
    for name, (fields, content) in mixed_mails():
        agent_mime = b"Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3826.600.51.1.1\\))\n" if "Apple" in str(fields) or "apple" in name else b"MIME-Version: 1.0\n"
        yield Mail("parts: " + name, top(charset="UTF-8", before=received(2) + DKIM, mime=agent_mime, more=fields) + b"\n" + content, False)
