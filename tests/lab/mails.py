# SPDX-License-Identifier: GPL-2.0-or-later
"""Honest mails in the shapes that Japanese agents and servers write, for the mode textify.

mails() yields (name, mail, words that stay, words that do not). Alone: writes each to a file of a directory.
"""

import base64
import os
import quopri
import sys

BODY = "お世話になっております。山田です。\n会議は10時からです。資料は https://www.example.lg.jp/a?b=1&c=2 をご覧ください。\n\n-- \n山田太郎\n"
HTML = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><meta http-equiv="Content-Type" content="text/html">
<style><!-- p.MsoNormal {margin:0mm; font-family:"游ゴシック"} --></style><!--[if gte mso 9]><xml><o:x>SECRETXML</o:x></xml><![endif]-->
</head><body lang=JA><div class=WordSection1><p class=MsoNormal>お世話になっております。<b>山田</b>です。<o:p></o:p></p>
<p class=MsoNormal>資料は<a href="https://evil.example/SECRETHREF">https://www.example.lg.jp/</a>です。</p>
<script>document.write("SECRETSCRIPT")</script><img src="cid:image001.png@01D" alt="SECRETALT"></div></body></html>
"""
BINARY = b"MZ\x90\x00SECRETBINARY" * 60
KEEP = ["お世話になっております。", "hxxps://wwx.example.lg.jp/a?b=1&c=2"]
KEEP_HTML = ["お世話になっております。", "hxxps://wwx.example.lg.jp/"]
GONE = ["http:", "https:", "SECRETHREF", "SECRETSCRIPT", "SECRETBINARY", "SECRETALT", "SECRETXML", "invoice", "<", "見積"]


def b64(data):
    return base64.encodebytes(data)


def qp(data):
    return quopri.encodestring(data)


def b64_utf8(text):
    return b64(text.replace("\n", "\r\n").encode())


def word(text, charset="iso-2022-jp", name=None):
    return b"=?%s?B?%s?=" % ((name or charset).encode(), base64.b64encode(text.encode(charset)))


def head(subject=None, extra=b"", mime=b"MIME-Version: 1.0\n"):
    return (b"Received: from mail.example.jp (mail.example.jp [192.0.2.1])\n\tby mx.example.jp (Postfix) with ESMTPS id 4Zabc12345\n"
            b"\tfor <b@lgwan.example.jp>; Sat, 21 Nov 2026 12:00:00 +0900 (JST)\nFrom: " + word("山田太郎")
            + b" <yamada@example.jp>\nTo: <b@lgwan.example.jp>\nSubject: " + (subject or word("会議の件"))
            + b"\nDate: Sat, 21 Nov 2026 12:00:00 +0900\nMessage-ID: <20261121.1200@example.jp>\n" + mime + extra)


def part(fields, body):
    return fields + b"\n" + body


def multi(kind, boundary, *parts, params=b"", preamble=b""):
    """(Content-Type field, body)"""
    field = b"Content-Type: multipart/%s;%s\n\tboundary=\"%s\"\n" % (kind, params, boundary)
    body = preamble + b"".join(b"--%s\n%s\n" % (boundary, p) for p in parts) + b"--%s--\n" % boundary
    return field, body


def nested(*args, **kw):
    field, body = multi(*args, **kw)
    return part(field, body)


def plain(charset="utf-8", cte=b"base64", extra=b"", params=b"", text=BODY):
    data = text.replace("\n", "\r\n").encode(charset) if cte == b"base64" else text.encode(charset)
    encode = {b"base64": b64, b"quoted-printable": qp}.get(cte, bytes)
    return part(b"Content-Type: text/plain; charset=\"%s\"%s\nContent-Transfer-Encoding: %s\n" % (charset.encode(), params, cte)
                + extra, encode(data))


def html(charset="utf-8", cte=b"quoted-printable", extra=b"", text=HTML, name=None):
    encode = {b"base64": b64, b"quoted-printable": qp}.get(cte, bytes)
    return part(b"Content-Type: text/html; charset=\"%s\"\nContent-Transfer-Encoding: %s\n" % ((name or charset).encode(), cte)
                + extra, encode(text.encode(charset)))


def attached(kind=b"application/pdf", name=b'"invoice.pdf"', data=BINARY, extra=b""):
    return part(b"Content-Type: %s;\n\tname=%s\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment;\n\tfilename=%s\n"
                % (kind, name, name) + extra, b64(data))


def whole(fields_and_body, **kw):
    field, body = fields_and_body
    return head(extra=field, **kw) + b"\n" + body


def single(p, **kw):
    return head(extra=b"", **kw) + p


JIS_NAME = b'"' + word("見積書.xlsx") + b'"'
TNEF = attached(b"application/ms-tnef", b'"winmail.dat"')
ICS = part(b"Content-Type: text/calendar; charset=\"utf-8\"; method=REQUEST\nContent-Transfer-Encoding: base64\n",
           b64("BEGIN:VCALENDAR\r\nSUMMARY:SECRETBINARY\r\nEND:VCALENDAR\r\n".encode()))
INNER = b"From: c@example.jp\nSubject: SECRETBINARY\nMIME-Version: 1.0\nContent-Type: text/html\n\n<a href=http://x/>SECRETHREF</a>\n"
IMAGE = part(b"Content-Type: image/png; name=\"image001.png\"\nContent-Description: image001.png\n"
             b"Content-Disposition: inline; filename=\"image001.png\"; size=1024;\n\tcreation-date=\"Sat, 21 Nov 2026 03:00:00 GMT\"\n"
             b"Content-ID: <image001.png@01D>\nContent-Transfer-Encoding: base64\n", b64(BINARY))


def mails():
    """The list."""
    yield "becky-jis", single(
        plain("iso-2022-jp", b"7bit")), KEEP
    yield "thunderbird-flowed", single(plain("utf-8", b"8bit", params=b"; format=flowed")), KEEP
    yield "gmail-jis-delsp", single(plain("iso-2022-jp", b"7bit", params=b"; format=flowed; delsp=yes")), KEEP
    yield "outlook-plain", single(plain("utf-8", b"base64")), KEEP
    yield "python-qp", single(plain("utf-8", b"quoted-printable")), KEEP
    yield "webform", head(word("お問い合わせ", "utf-8")) + plain("utf-8", b"8bit"), KEEP
    yield "no-mime", head(b"hello", mime=b"") + b"\nplain https://example.jp/ text\n", ["hxxps://example.jp/"]
    yield "outlook-alternative", whole(multi(b"alternative", b"----=_NextPart_000_0001_01DA", plain("iso-2022-jp", b"7bit"), html(
        "iso-2022-jp"), preamble=b"This is a multi-part message in MIME format.\n\n")), KEEP
    yield "exchange-related", whole(multi(b"related", b"_004_TY2PR01MB_", nested(
        b"alternative", b"_000_TY2PR01MB_", plain(), html("utf-8", b"base64")), IMAGE,
        params=b"\n\ttype=\"multipart/alternative\";")), KEEP
    yield "gmail-alternative", whole(multi(b"alternative", b"000000000000a1b2c3", plain("utf-8", b"base64"), html(
        "utf-8", b"base64"))), KEEP
    yield "gmail-attachment", whole(multi(b"mixed", b"000000000000d4e5f6", nested(b"alternative", b"000000000000a1b2c3", plain(), html()),
                                          attached(extra=b"Content-ID: <f_abc>\nX-Attachment-Id: f_abc\n"))), KEEP
    yield "iphone", head(extra=b"Content-Type: text/plain;\n\tcharset=utf-8\nContent-Transfer-Encoding: base64\n",
                         mime=b"Mime-Version: 1.0 (1.0)\n") + b"\n" + b64_utf8(BODY), KEEP
    yield "iphone-photo", whole(multi(b"mixed", b"Apple-Mail-AB12-CD34", plain(), attached(
        b"image/jpeg", b"image0.jpeg"), plain(text="iPhoneから送信\n")), mime=b"Mime-Version: 1.0 (1.0)\n"), KEEP
    yield "apple-mail-html", whole(multi(b"alternative", b"Apple-Mail=_01234567-89AB", part(
        b"Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain;\n\tcharset=utf-8\n", qp(BODY.encode())), part(
            b"Content-Transfer-Encoding: quoted-printable\nContent-Type: text/html;\n\tcharset=utf-8\n", qp(HTML.encode()))),
        mime=b"Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3731.700.6\\))\n"), KEEP
    yield "thunderbird-attachment", whole(multi(b"mixed", b"------------0mVx2Yp7", plain("utf-8", b"8bit"), attached(
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", JIS_NAME)),
        ) , KEEP
    yield "rfc2231-name", whole(multi(b"mixed", b"b", plain(), part(
        b"Content-Type: application/octet-stream; name*0*=utf-8''%E8%A6%8B%E7%A9%8D; name*1=\"invoice.exe\"\n"
        b"Content-Disposition: attachment; filename*=utf-8''%E8%A6%8B%E7%A9%8D.exe\nContent-Transfer-Encoding: base64\n",
        b64(BINARY)))), KEEP
    yield "folded-name", whole(multi(b"mixed", b"b", plain(), attached(
        name=b'"' + word("見積書その一") + b"\n " + word("の二.pdf") + b'"'))), KEEP
    yield "outlook-tnef", whole(multi(b"mixed", b"----=_NextPart_000_0002_01DA", plain("iso-2022-jp", b"7bit"), TNEF)), KEEP
    yield "invitation", whole(multi(b"alternative", b"_000_inv_", plain(), html(), ICS)), KEEP
    yield "forwarded", whole(multi(b"mixed", b"fw", plain(), part(
        b"Content-Type: message/rfc822; name=\"invoice.eml\"\nContent-Disposition: attachment; filename=\"invoice.eml\"\n", INNER))), KEEP
    yield "signed", whole(multi(b"signed", b"----ABCDEF", plain("utf-8", b"base64"), attached(b"application/pkcs7-signature",
                                b"smime.p7s"), params=b" protocol=\"application/pkcs7-signature\"; micalg=sha-256;")), KEEP
    yield "pgp-encrypted", whole(multi(b"encrypted", b"pgp", part(
        b"Content-Type: application/pgp-encrypted\nContent-Description: PGP/MIME version identification\n", b"Version: 1\n"), part(
            b"Content-Type: application/octet-stream; name=\"encrypted.asc\"\n",
            b"-----BEGIN PGP MESSAGE-----\n\nSECRETBINARY\n-----END PGP MESSAGE-----\n"))), []
    yield "bounce", whole(multi(b"report", b"4Zabc.1/mx", plain("utf-8", b"8bit"), part(
        b"Content-Description: Delivery report\nContent-Type: message/delivery-status\n", b"Reporting-MTA: dns; mx.example.jp\n"), part(
            b"Content-Description: Undelivered Message\nContent-Type: message/rfc822\n", INNER),
        params=b" report-type=delivery-status;", preamble=b"This is a MIME-encapsulated message.\n\n")), KEEP
    yield "mailman-footer", whole(multi(b"mixed", b"===============123==", plain("iso-2022-jp", b"7bit"), part(
        b"Content-Type: text/plain; charset=\"us-ascii\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\nContent-Disposition: inline\n",
        b"_______________\nlist mailing list\nhttps://lists.example.jp/\n"))), KEEP + ["hxxps://lists.example.jp/"]
    for charset, name, cte in (("utf-8", "newsletter", b"base64"), ("utf-8", "newsletter-qp", b"quoted-printable"),
                               ("utf-8", "newsletter-8bit", b"8bit"), ("iso-2022-jp", "html-jis", b"7bit"),
                               ("iso-2022-jp", "html-jis-b64", b"base64")):
        yield name, single(html(charset, cte)), KEEP_HTML
    yield "notes", whole(multi(b"alternative", b"=_alternative 003A5E7649258A4B_=", plain("iso-2022-jp", b"7bit"), html("iso-2022-jp"))), KEEP
    yield "php-html", head(extra=b"Content-Type: text/html; charset=UTF-8\n") + b"\n<p>hello https://example.jp/</p>\n", ["hxxps://"]
    yield "docomo-deco", whole(multi(b"related", b"deco", html("iso-2022-jp", b"7bit"), part(
        b"Content-Type: image/gif; name=\"a.gif\"\nContent-Transfer-Encoding: base64\nContent-ID: <01@docomo>\n", b64(BINARY)))), KEEP_HTML
    yield "apple-html-around", whole(multi(b"mixed", b"Apple-Mail=_X", html(), attached(), html(text="<p>終わり</p>\n"))), KEEP_HTML
    yield "scanner", whole(multi(b"mixed", b"MFP_BOUNDARY", part(b"Content-Type: text/plain; charset=us-ascii\n", b"scan\n"), attached(
        name=b"invoice.pdf"))), ["scan"]
    yield "text-file", whole(multi(b"mixed", b"b", plain(), part(
        b"Content-Type: text/plain; charset=UTF-8; name=\"invoice.txt\"\nContent-Disposition: attachment; filename=\"invoice.txt\"\n"
        b"Content-Transfer-Encoding: base64\n", b64(BINARY)))), KEEP


def on_the_wire(mail):
    """As it is sent: line ends, and dots doubled."""
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in mail.split(b"\n"))


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for the_name, the_mail, _ in mails():
        with open(os.path.join(sys.argv[1], the_name), "wb") as f:
            f.write(on_the_wire(the_mail))
