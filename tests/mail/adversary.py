# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails and dialogues built to bring something through that is no text. Written from the rules of zonegate-inspectors(7).

cases() yields Case(name, turns, verify, textify): what each mode must do, PASS or the reasons of which one is given.
What no reader may find in what a server received says EVIL. combinations() yields mails without a wanted verdict: what
passes of them is judged by the readers alone.
"""

import base64
import itertools
import quopri
import random
import re
from collections import namedtuple

from driver import AFTER, BEFORE, CLIENT, CLIENT_ENDS, OFFERS, SERVER, wire

Case = namedtuple("Case", "name turns verify textify")
PASS = frozenset({""})
EVIL = b"EVIL"
SMUGGLED = (b"MAIL FROM:<EVIL@example.jp>\r\nRCPT TO:<b@example.lg.jp>\r\nDATA\r\nSubject: EVIL\r\n\r\nEVIL\r\n.\r\n")
FROM = b"From: a@example.jp\r\nTo: b@example.lg.jp\r\nSubject: test\r\n"
MIME = FROM + b"MIME-Version: 1.0\r\n"
PAGE = b"<html><a href='http://EVIL.example/'>x</a><script>EVIL()</script></html>\r\n"
FILE = b"MZ\x90EVIL" * 20
B64 = base64.encodebytes(FILE).replace(b"\n", b"\r\n")


def reasons(words):
    return PASS if words == "pass" else frozenset("smtp-" + w if w else "" for w in words.replace("pass", "").split(" "))


def case(name, mail, verify, textify=None):
    """A mail, as it is but for its end of data."""
    return Case(name, [*BEFORE, (CLIENT, mail + b".\r\n"), *AFTER], reasons(verify), reasons(textify or verify))


def raw(name, octets, verify, textify=None):
    """What a client sends behind 354, to its end."""
    return Case(name, [*BEFORE, (CLIENT, octets), *AFTER], reasons(verify), reasons(textify or verify))


def crlf(octets):
    return octets.replace(b"\n", b"\r\n")


def field(name, value):
    return name + b": " + value + b"\r\n"


def typed(value, body=PAGE, more=b""):
    return MIME + field(b"Content-Type", value) + more + b"\r\n" + body


def multi(boundary, *parts, kind=b"mixed", declared=None, close=True):
    """Parts are headers, an empty line, a body."""
    body = b"".join(b"--" + boundary + b"\r\n" + p for p in parts) + (b"--" + boundary + b"--\r\n" if close else b"")
    return typed(b"multipart/" + kind + b"; boundary=" + (declared or b'"' + boundary + b'"'), body)


TEXT = b"Content-Type: text/plain; charset=us-ascii\r\n\r\nsafe\r\n"
HTML = b"Content-Type: text/html; charset=us-ascii\r\n\r\n" + PAGE
BLOB = (b"Content-Type: application/octet-stream; name=\"EVIL.exe\"\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename=\"EVIL.exe\"\r\n\r\n" + B64)

# --- the end of data -----------------------------------------------------------------------------------------------


def ends():
    """Everything that some server takes for CRLF.CRLF."""
    begin = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\0", b"\r\0\n", b"\x0b", b"\x0c", b"\xc2\x85")
    end = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b" \r\n", b"\t\r\n", b"\0\r\n", b"\r\0\n", b"\r \n", b"\x0b", b"")
    for b, e in itertools.product(begin, end):
        if (b, e) != (b"\r\n", b"\r\n"):
            words = "line-end end-of-data"
            if b in (b"\x0b", b"\x0c", b"\xc2\x85"):
                words = "body-control encoding-syntax"
            yield raw(f"ends {b!r} . {e!r}", FROM + b"\r\nx" + b + b"." + e + SMUGGLED, words)
    for b in (b".\r\n.\r\n", b"..\r\n", b"...\r\n", b"..x\r\n"):  # stuffed: these are text
        yield raw(f"ends stuffed {b!r}", FROM + b"\r\n." + b + b".\r\n" if b.startswith(b"..") else FROM + b"\r\n" + b"." + b, "pass")
    yield raw("ends in the header", FROM + b"\n.\r\n" + SMUGGLED, "line-end")
    yield raw("ends in a part", multi(b"b", TEXT, close=False) + b"\n.\r\n" + SMUGGLED, "content-type", "line-end")
    yield raw("ends behind quoted-printable", typed(b"text/plain", b"x=\r\n.\r\n", field(b"Content-Transfer-Encoding",
                                                                                       b"quoted-printable")) + SMUGGLED, "encoding-syntax")


def eight_bits():
    """Line ends and dots with their high bit set, for servers that clear it."""
    for name, trick in (("end", b"\x8d\x8a\xae\x8d\x8a"), ("end LF", b"\x8a\xae\x8a"), ("within UTF-8", b"\xf1\x8a\xae\x8a")):
        offers = b"250-mx.example.jp\r\n250 SIZE\r\n"
        mail = MIME + field(b"Content-Type", b"text/plain; charset=utf-8") + field(
            b"Content-Transfer-Encoding", b"8bit") + b"\r\nx" + trick + SMUGGLED
        turns = [(w, offers if o == OFFERS else o) for w, o in BEFORE] + [(CLIENT, mail)]
        yield Case(f"eight bits: {name}, a server that takes seven", turns, reasons("encoding-syntax"), reasons("encoding-syntax"))


def cut_short():
    """The client ends before its end of data; nobody may see one."""
    whole = multi(b"b", TEXT, HTML, BLOB)
    for name, mail in (("text", FROM + b"\r\nsafe\r\n"), ("multipart", whole)):
        for at in sorted({0, 1, len(FROM), len(FROM) + 1, len(mail) - 2, len(mail) - 1, len(mail), *range(3, len(mail), 29)}):
            sent = mail[:at]
            yield Case(f"cut short: {name} at {at}", [*BEFORE, (CLIENT, sent), (CLIENT_ENDS, b"")],
                       reasons("end-of-data content-type"), reasons("end-of-data"))
    for tail in (b".", b".\r", b"\r", b"\r\n"):
        yield Case(f"cut short: {tail!r}", [*BEFORE, (CLIENT, FROM + b"\r\nx\r\n" + tail), (CLIENT_ENDS, b"")],
                   reasons("end-of-data line-end"), reasons("end-of-data line-end"))

# --- the dialogue --------------------------------------------------------------------------------------------------


def hello(offers=OFFERS):
    return [(SERVER, b"220 mx\r\n"), (CLIENT, b"EHLO a\r\n"), (SERVER, offers)]


MAIL, RCPT, OK, GO = b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"250 ok\r\n", b"354 go\r\n"
EVERYTHING = (b"250-mx\r\n250-PIPELINING\r\n250-STARTTLS\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-SMTPUTF8\r\n250-AUTH PLAIN\r\n"
              b"250-XCLIENT NAME\r\n250-BURL imap\r\n250-8BITMIME\r\n250-XEXCH50\r\n250 SIZE 1\r\n")


def said(name, turns, words):
    return Case("dialogue: " + name, turns, reasons(words), reasons(words))


def dialogues():
    evil = FROM + b"Content-Type: text/html\r\n\r\n" + PAGE
    for verb in (b"BDAT %d LAST\r\n" % len(evil) + evil, b"BDAT 0 LAST\r\n", b"STARTTLS\r\n", b"starttls\r\nEHLO x\r\n", b"AUTH PLAIN AA==\r\n",
                 b"XCLIENT NAME=x\r\n", b"XFORWARD NAME=x\r\n", b"BURL imap://EVIL/ LAST\r\n", b"VRFY a\r\n", b"EXPN a\r\n", b"HELP\r\n",
                 b"ETRN x\r\n", b"ATRN x\r\n", b"TURN\r\n", b"SEND FROM:<a@b>\r\n", b"XEXCH50 5 2\r\nEVIL", b"LHLO a\r\n", b"\x16\x03\x01",
                 b"GET / HTTP/1.1\r\n", b"XDATA\r\n", b"X-LINK2STATE\r\n", b"POST / HTTP/1.1\r\n", b"EHLOX a\r\n"):
        yield said(f"hidden, and used all the same: {verb[:12]!r}", [*hello(EVERYTHING), (CLIENT, verb)], "command")
        yield said(f"in a transaction: {verb[:12]!r}", [*hello(EVERYTHING), (CLIENT, MAIL + RCPT + verb)], "command")
    for parameter in (b"BODY=BINARYMIME", b"SMTPUTF8", b"AUTH=<>", b"BY=1;R", b"SIZE=1 SIZE=1", b"BODY=8BITMIME BODY=8BITMIME", b"X=y",
                      b"REQUIRETLS", b"HOLDFOR=1", b"MT-PRIORITY=9", b"BODY=8BITMIME\0", b"CONPERM"):
        word = "line-end" if b"\0" in parameter else "parameter"
        yield said(f"MAIL with {parameter!r}", [*hello(EVERYTHING), (CLIENT, MAIL[:-2] + b" " + parameter + b"\r\n")], word)
    for line, word in ((b"MAIL FROM:<a@b>\nRCPT TO:<EVIL@d>\r\n", "line-end"), (b"MAIL FROM:<a@b>\rRCPT TO:<EVIL@d>\r\n", "line-end"),
                       (b"MAIL FROM:<a@b>\0\r\n", "line-end"), (b"MAIL FROM:<\"a\r\nRCPT TO:<EVIL@b>\"@c>\r\n", "command-syntax"),
                       (b"MAIL FROM:<a@b> SIZE=1" + b"0" * 600 + b"\r\n", "message-size parameter command-length"),
                       (b"EHLO " + b"a" * 600 + b"\r\n", "command-syntax command-length"), (b"NOOP\r\r\n", "line-end"),
                       (b"MAIL FROM:<@x,@y:a@b>\r\n", "command-syntax"), (b"\r\n", "command"), (b"DATA\n", "sequence line-end"),
                       (b"MAIL FROM:<a@b\xe2\x80\xa8>\r\n", "command-syntax")):
        yield said(f"line {line[:30]!r}", [*hello(), (CLIENT, line)], word)
    before = [*hello(), (CLIENT, MAIL + RCPT + b"DATA\r\n")]
    yield said("message before 354", [*before, (CLIENT, evil)], "sequence")
    yield said("message with DATA", [*hello(), (CLIENT, MAIL + RCPT + b"DATA\r\n" + evil + b".\r\n")], "sequence")
    yield said("message within 354", [*before, (SERVER, OK + OK + b"354-a\r\n"), (CLIENT, evil)], "sequence")
    yield said("message before the LF of 354", [*before, (SERVER, OK + OK + b"354 a\r"), (CLIENT, evil)], "sequence")
    yield said("message after DATA was refused", [*before, (SERVER, OK + OK + b"451 no\r\n"), (CLIENT, evil)], "command")
    yield said("command behind DATA", [*hello(), (CLIENT, MAIL + RCPT + b"DATA\r\nRSET\r\n")], "sequence")
    yield said("DATA twice", [*hello(), (CLIENT, MAIL + RCPT + b"DATA\r\nDATA\r\n")], "sequence")
    yield said("DATA without RCPT", [*hello(), (CLIENT, MAIL + b"DATA\r\n")], "sequence")
    yield said("RCPT without MAIL", [*hello(), (CLIENT, RCPT)], "sequence")
    yield said("MAIL before EHLO", [(SERVER, b"220 mx\r\n"), (CLIENT, MAIL)], "sequence")
    yield said("client speaks first", [(CLIENT, b"EHLO a\r\n")], "sequence")
    yield said("client in the greeting", [(SERVER, b"220-mx\r\n"), (CLIENT, b"EHLO a\r\n")], "sequence")
    yield said("pipelining that nobody offered", [*hello(b"250 mx\r\n"), (CLIENT, MAIL + RCPT)], "pipeline")
    yield said("pipelining that is hidden", [*hello(b"250-mx\r\n250 XPIPELINING\r\n"), (CLIENT, MAIL + RCPT)], "pipeline")
    yield said("behind EHLO", [(SERVER, b"220 mx\r\n"), (CLIENT, b"EHLO a\r\n" + MAIL)], "sequence")
    yield said("behind STARTTLS", [*hello(EVERYTHING), (CLIENT, b"STARTTLS\r\n" + MAIL + RCPT)], "command")
    yield said("behind QUIT", [*hello(), (CLIENT, b"QUIT\r\n" + MAIL)], "after-quit")
    yield said("behind QUIT's answer", [*hello(), (CLIENT, b"QUIT\r\n"), (SERVER, b"221 bye\r\n"), (CLIENT, MAIL)], "after-quit")
    yield said("the second message is not text", [*BEFORE, (CLIENT, FROM + b"\r\nsafe\r\n.\r\n" + MAIL + RCPT + b"DATA\r\n"),
                                                  (SERVER, OK + OK + OK + GO), (CLIENT, FROM + b"\r\nx\n.\n" + SMUGGLED)], "line-end")
    yield said("a transaction that goes on after its message", [*BEFORE, (CLIENT, FROM + b"\r\nx\r\n.\r\n" + b"DATA\r\n")], "sequence")
    yield said("EHLO ends the transaction", [*hello(), (CLIENT, MAIL + RCPT + b"EHLO a\r\n"), (SERVER, OK + OK + OFFERS), (CLIENT, b"DATA\r\n")],
               "sequence")


def servers():
    """A server that helps the attacker, or is one."""
    before = [*hello(), (CLIENT, MAIL + RCPT + b"DATA\r\n")]
    mail = [(CLIENT, FROM + b"\r\nsafe\r\n.\r\n")]
    for name, turns, words in (
            ("354 for a greeting", [(SERVER, GO)], "reply"), ("354 to EHLO", [(SERVER, b"220 a\r\n"), (CLIENT, b"EHLO a\r\n"), (SERVER, GO)], "reply"),
            ("354 to MAIL", [*hello(), (CLIENT, MAIL), (SERVER, GO)], "reply"), ("354 to RCPT", [*before, (SERVER, OK + GO)], "reply"),
            ("354 at once", [*before, (SERVER, GO)], "reply"), ("250 to DATA", [*before, (SERVER, OK * 3)], "reply"),
            ("354 unasked", [*hello(), (SERVER, GO)], "reply"), ("354 twice", [*before, (SERVER, OK + OK + GO + GO)], "reply"),
            ("354 in the message", [*BEFORE, (CLIENT, FROM), (SERVER, GO)], "reply"),
            ("354 to the end of data", [*BEFORE, *mail, (SERVER, GO)], "reply"),
            ("250 before the end of data", [*BEFORE, (CLIENT, FROM), (SERVER, OK)], "reply"),
            ("250 in the middle of a command", [*hello(), (CLIENT, MAIL[:9]), (SERVER, OK)], "reply"),
            ("250 twice", [*hello(), (CLIENT, MAIL), (SERVER, OK + OK)], "reply"),
            ("another code in a reply", [*before, (SERVER, OK + OK + b"250-a\r\n354 b\r\n")], "reply"),
            ("354 behind 250-", [*hello(), (CLIENT, MAIL), (SERVER, b"250-a\r\n354 b\r\n")], "reply"),
            ("bare LF in a reply", [*hello(), (CLIENT, MAIL), (SERVER, b"250 a\n354 b\r\n")], "line-end"),
            ("bare CR in a reply", [*hello(), (CLIENT, MAIL), (SERVER, b"250 a\r354 b\r\n")], "line-end"),
            ("NUL in a reply", [*hello(), (CLIENT, MAIL), (SERVER, b"250 a\0\r\n")], "line-end"),
            ("8 bit in a reply", [*hello(), (CLIENT, MAIL), (SERVER, b"250 \x8d\x8a\r\n")], "reply"),
            ("STARTTLS unasked", [*hello(), (SERVER, b"220 go ahead\r\n")], "reply"),
            ("extensions once more", [*hello(), (SERVER, b"250-mx\r\n250 STARTTLS\r\n")], "reply"),
            ("a longer code", [*hello(), (CLIENT, MAIL), (SERVER, b"2500 a\r\n")], "reply"),
            ("334, as for AUTH", [*hello(), (CLIENT, MAIL), (SERVER, b"334 AAAA\r\n")], "reply"),
            ("after 421", [*hello(), (CLIENT, MAIL), (SERVER, b"421 bye\r\n250 ok\r\n")], "reply"),
            ("after its answer to QUIT", [*hello(), (CLIENT, b"QUIT\r\n"), (SERVER, b"221 bye\r\n220 EVIL\r\n")], "reply"),
            ("a line without end", [*hello(), (CLIENT, MAIL), (SERVER, b"250 " + b"a" * 600)], "reply-length"),
            ("no SMTP", [(SERVER, b"HTTP/1.1 200 OK\r\n")], "reply"), ("SSH", [(SERVER, b"SSH-2.0-x\r\n")], "reply")):
        yield Case("server: " + name, turns, reasons(words), reasons(words))
    yield Case("server: hides and goes on", [*hello(EVERYTHING), (CLIENT, MAIL + RCPT + b"DATA\r\n"), (SERVER, OK + OK + GO), *mail, *AFTER],
               PASS, PASS)
    yield Case("server: multi-line 354", [*before, (SERVER, OK + OK + b"354-a\r\n354-STARTTLS\r\n354 b\r\n"), *mail, *AFTER], PASS, PASS)
    yield Case("server: keywords that begin like permitted ones", [
        *hello(b"250-mx\r\n250-PIPELININGX\r\n250-SIZE=9\r\n250-8BITMIME BINARYMIME\r\n250-DSNX\r\n250 HELPME STARTTLS\r\n"),
        (CLIENT, MAIL + RCPT)], reasons("pipeline"), reasons("pipeline"))


def sessions():
    """Several messages in one connection: what is refused ends it, what came before has passed."""
    texts = [FROM + b"\r\nsafe %d\r\n.\r\n" % i for i in range(3)]
    evil = typed(b"text/html", PAGE) + b".\r\n"
    again = [(CLIENT, MAIL), (SERVER, OK), (CLIENT, RCPT), (SERVER, OK), (CLIENT, b"DATA\r\n"), (SERVER, GO)]
    for at in range(4):
        mails = texts[:at] + [evil] + texts[at:]
        turns = [*BEFORE]
        for i, m in enumerate(mails):
            turns += ([*again] if i else []) + [(CLIENT, m), (SERVER, OK)]
        yield Case(f"sessions: HTML as number {at + 1} of 4", turns, reasons("content-type"), PASS)

# --- the header ----------------------------------------------------------------------------------------------------


def names():
    """Names that some reader takes for those that say what a body is."""
    fields = ((b"Content-Type", b"text/html"), (b"Content-Transfer-Encoding", b"base64"), (b"Content-Disposition", b"attachment; filename=EVIL.exe"),
              (b"MIME-Version", b"1.0"))
    tricks = (("blank", lambda n: n + b" "), ("tab", lambda n: n + b"\t"), ("comment", lambda n: n + b"(x)"), ("quotes", lambda n: b'"' + n + b'"'),
              ("NUL", lambda n: n + b"\0"), ("form feed", lambda n: n + b"\x0c"), ("8 bit", lambda n: n + b"\xa0"), ("no-break space", lambda n: n + b"\xc2\xa0"),
              ("BOM", lambda n: b"\xef\xbb\xbf" + n), ("fold", lambda n: n + b"\r\n "), ("underscore", lambda n: n.replace(b"-", b"_")),
              ("no hyphen", lambda n: n.replace(b"-", b"")), ("two hyphens", lambda n: n.replace(b"-", b"--")), ("blank first", lambda n: b" " + n),
              ("equals", lambda n: n + b"="), ("semicolon", lambda n: n + b";"), ("bare CR before", lambda n: b"X: y\r" + n),
              ("bare LF before", lambda n: b"X: y\n" + n), ("vertical tab before", lambda n: b"X: y\x0b" + n), ("NEL before", lambda n: b"X: y\xc2\x85" + n),
              ("CRCRLF before", lambda n: b"X: y\r\r\n" + n), ("blank line before", lambda n: b"X: y\r\n \t\r\n" + n))
    for (name, value), (trick, change) in itertools.product(fields, tricks):
        # what folds into the field before it is its value
        folded = trick == "blank first"
        words = "pass" if folded else "header-syntax header-forbidden line-end"
        body = b"safe\r\n" if folded else PAGE
        yield case(f"names: {name.decode()} with {trick}", FROM + b"X-First: y\r\n" + change(name) + b": " + value + b"\r\n\r\n" + body, words)
    for name in (b"Content-Length", b"Content-Encoding", b"Content-Features", b"Content-Foo", b"X-Sun-Data-Type", b"Encoding", b"Mime-Foo",
                 b"X-Mozilla-External-Attachment-URL", b"Content-Type-X", b"ContentTransferEncoding"):
        textify = "pass" if name == b"Content-Features" else "header-forbidden"
        yield case(f"names: {name.decode()}", MIME + field(name, b"EVIL" if textify == "pass" else b"20") + b"\r\nsafe\r\n", "header-forbidden", textify)


def twice():
    """Fields of which one reader takes the first, another the last."""
    for name, one, two in ((b"Content-Type", b"text/plain", b"text/html"), (b"Content-Type", b"text/html", b"text/plain"),
                           (b"Content-Transfer-Encoding", b"7bit", b"base64"), (b"Content-Transfer-Encoding", b"base64", b"7bit"),
                           (b"MIME-Version", b"1.0", b"2.0"), (b"Content-Disposition", b"inline", b"attachment; filename=EVIL.exe"),
                           (b"Subject", b"a", b"EVIL"), (b"From", b"a@example.jp", b"EVIL@example.jp"), (b"Date", b"a", b"b"),
                           (b"Message-ID", b"<a@b>", b"<c@d>")):
        for second in (name, name.lower(), name.upper()):
            mail = (FROM.replace(b"Subject", b"X").replace(b"From", b"Y") + (b"" if name == b"MIME-Version" else b"MIME-Version: 1.0\r\n")
                    + field(name, one) + b"X-Between: x\r\n" + field(second, two) + b"\r\n" + PAGE)
            yield case(f"twice: {name.decode()} {one!r} {two!r} {second[:4]!r}", mail, "header-duplicate content-type header-forbidden mime-version",
                       "header-duplicate mime-version")


def folds():
    for name, mail, words in (
            ("header begins folded", b" x\r\n" + FROM + b"\r\nx\r\n", "header-syntax"), ("empty line first", b"\r\n" + typed(b"text/html"), "header-syntax"),
            ("no colon", FROM + b"nocolon\r\n\r\n" + PAGE, "header-syntax"), ("From of mbox", b"From a@b Wed Apr 1\r\n" + FROM + b"\r\nx\r\n", "header-syntax"),
            ("empty name", FROM + b": x\r\n\r\nx\r\n", "header-syntax"), ("a delimiter", FROM + b"--b\r\n\r\nx\r\n", "header-syntax"),
            ("control in a value", FROM + b"X: a\x08b\r\n\r\nx\r\n", "header-syntax"), ("8 bit in a value", FROM + b"X: \xe4\xbc\x9a\r\n\r\nx\r\n", "header-syntax"),
            ("ISO-2022-JP in a value", FROM + b"X: \x1b$B2q\x1b(B\r\n\r\nx\r\n", "header-syntax"),
            ("blank continuation", FROM + b"X: a\r\n \r\nContent-Type: text/html\r\n\r\n" + PAGE, "header-syntax"),
            ("a line of 999", FROM + b"X: " + b"a" * 996 + b"\r\n\r\nx\r\n", "text-length"),
            ("70,000 octets", FROM + b"X: a\r\n" * 12000 + b"\r\nx\r\n", "header-size"),
            ("a word across lines", FROM + b"X: =?utf-8?q?a\r\n b?=\r\n\r\nx\r\n", "encoded-word"),
            ("a word that is a line end", FROM + b"X: =?utf-8?q?a=0D=0AContent-Type:_text/html?=\r\n\r\nx\r\n", "body-control"),
            ("a word in B that is a line end", FROM + b"X: =?utf-8?b?YQ0KQ29udGVudA==?=\r\n\r\nx\r\n", "body-control"),
            ("a word with an override", FROM + b"X: =?utf-8?b?4oCuZXhlLg==?=\r\n\r\nx\r\n", "body-control"),
            ("a word in UTF-7", FROM + b"X: =?utf-7?q?+ADw-?=\r\n\r\nx\r\n", "charset"),
            ("a word in another charset", FROM + b"X: =?windows-1252?q?a?=\r\n\r\nx\r\n", "charset"),
            ("a word with half a character", FROM + b"X: =?utf-8?b?5LyA5w==?=\r\n\r\nx\r\n", "body-charset"),
            ("a word that stays in JIS", FROM + b"X: =?iso-2022-jp?b?GyRCMnE=?=\r\n\r\nx\r\n", "body-charset")):
        yield case("folds: " + name, mail, words)


def types():
    """Values of Content-Type with two readings."""
    for value, verify, textify in (
            (b"text/plain, text/html", "content-syntax", ""), (b"text/plain text/html", "content-syntax", ""),
            (b"text/plain; (text/html)", "content-syntax", ""), (b"(x) text/html", "content-syntax", ""), (b"text/(x)html", "content-syntax", ""),
            (b"text / html", "content-syntax", ""), (b"\"text/html\"", "content-syntax", ""), (b"text/html/plain", "content-type", "content-syntax"),
            (b"=?utf-8?q?text/html?=", "content-syntax", ""), (b"text/\r\n html", "content-syntax", ""), (b"text", "content-syntax", ""),
            (b"text/", "content-syntax", ""), (b"/html", "content-syntax", ""), (b"", "content-syntax", ""), (b";", "content-syntax", ""),
            (b"text/plain; charset=us-ascii; charset=utf-7", "content-syntax charset", ""),
            (b"text/plain; charset=utf-7; charset=us-ascii", "charset", "content-syntax"), (b"text/plain; charset*=utf-7''x", "content-syntax", ""),
            (b"text/plain; charset*0=utf; charset*1=-7", "content-syntax", ""), (b"text/plain; charset=\"us-ascii\\\"", "content-syntax", ""),
            (b"text/plain; charset=us-ascii\"; x=\"", "content-syntax", ""), (b"text/plain; x=\"; charset=utf-7", "content-syntax", ""),
            (b"text/plain\0; charset=us-ascii", "line-end", ""), (b"text/plain\x0b; charset=us-ascii", "header-syntax", ""),
            (b"text/plain; charset=us-ascii;;", "content-syntax", ""), (b"text/plain; =x", "content-syntax", ""),
            (b"text/plain; charset=\"us-ascii", "content-syntax", ""), (b"text/plain; charset = us-ascii", "content-syntax", ""),
            (b"text/plain; charset='us-ascii'", "charset", ""), (b"text/plain; charset=us-ascii'", "charset", ""),
            (b"text/plain; charset=unicode-1-1-utf-7", "charset", ""), (b"text/plain; charset=utf-16", "charset", ""),
            (b"text/plain; charset=utf-32", "charset", ""), (b"text/plain; charset=hz-gb-2312", "charset", ""),
            (b"text/plain; charset=iso-2022-kr", "charset", ""), (b"text/plain; charset=x-user-defined", "charset", ""),
            (b"text/plain; charset=IBM037", "charset", ""), (b"text/plain; charset=\"\"", "charset content-syntax", ""),
            (b"text/plain; format=flowed; format=fixed", "content-syntax", "")):
        yield case(f"types: {value!r}", typed(value, PAGE), verify, textify or verify)


FORBIDDEN = (b"text/html", b"text/richtext", b"text/enriched", b"text/xml", b"text/x-vcard", b"text/calendar", b"text/css", b"text/rtf",
             b"text/x-amp-html", b"application/octet-stream", b"application/x-msdownload", b"application/pdf", b"application/ms-tnef",
             b"application/x-pkcs7-mime; smime-type=enveloped-data", b"application/pkcs7-mime; smime-type=signed-data; name=EVIL.p7m",
             b"application/pgp-encrypted", b"application/mac-binhex40", b"application/applefile", b"application/xhtml+xml", b"image/svg+xml",
             b"image/png; name=EVIL.png", b"audio/mpeg", b"video/mp4", b"message/rfc822", b"message/global", b"message/delivery-status",
             b"message/disposition-notification", b"message/partial; id=\"EVIL\"; number=1; total=2",
             b"message/external-body; access-type=URL; URL=\"http://EVIL.example/\"",
             b"message/external-body; access-type=local-file; name=\"EVIL\"", b"message/http", b"model/vrml", b"x-world/x-vrml", b"font/woff",
             b"chemical/x-pdb", b"application/x-shockwave-flash", b"application/hta", b"text/plainhtml", b"text/x-plain", b"text/javascript")


def kinds():
    """Whatever is no text, alone and in a part."""
    for kind in FORBIDDEN:
        for encoding, body in ((b"7bit", PAGE), (b"base64", B64), (b"quoted-printable", crlf(quopri.encodestring(PAGE.replace(b"\r\n", b"\n"))))):
            cte = field(b"Content-Transfer-Encoding", encoding)
            html = kind == b"text/html" and encoding == b"base64"  # the file is no text
            textify = "body-charset" if html else "in-place" if len(kind) < 9 else "pass"
            yield case(f"kinds: {kind!r} {encoding.decode()}", typed(kind, body, cte), "content-type content-syntax", textify)
            part = field(b"Content-Type", kind) + cte + b"\r\n" + body
            yield case(f"kinds: part {kind!r} {encoding.decode()}", multi(b"b", TEXT, part), "content-type", textify)


def boundaries():
    """Lines that are delimiters for one reader and not for another."""
    inner = multi(b"b", HTML)[len(MIME):]  # a multipart with the same boundary
    for name, mail, textify in (
            ("no boundary", typed(b"multipart/mixed", b"--b\r\n" + HTML + b"--b--\r\n"), "boundary"),
            ("empty", typed(b"multipart/mixed; boundary=\"\"", b"--\r\n" + HTML + b"----\r\n"), "content-syntax"),
            ("never there", typed(b"multipart/mixed; boundary=b", PAGE), "boundary"),
            ("only the close", typed(b"multipart/mixed; boundary=b", b"--b--\r\n" + HTML), "boundary"),
            ("no close", multi(b"b", TEXT, HTML, close=False), "boundary"),
            ("twice, other", typed(b"multipart/mixed; boundary=a; boundary=b", b"--a\r\n" + TEXT + b"--a--\r\n--b\r\n" + HTML + b"--b--\r\n"), "content-syntax"),
            ("twice, in two fields", MIME + field(b"Content-Type", b"multipart/mixed; boundary=a") + field(b"Content-Type", b"multipart/mixed; boundary=b")
             + b"\r\n--b\r\n" + HTML + b"--b--\r\n", "header-duplicate"),
            ("RFC 2231", typed(b"multipart/mixed; boundary*=utf-8''b", b"--b\r\n" + HTML + b"--b--\r\n"), "content-syntax"),
            ("RFC 2231, in pieces", typed(b"multipart/mixed; boundary*0=a; boundary*1=b", b"--ab\r\n" + HTML + b"--ab--\r\n"), "content-syntax"),
            ("an escaped quote", typed(b'multipart/mixed; boundary="a\\"b"', b'--a"b\r\n' + HTML + b'--a"b--\r\n'), "content-syntax"),
            ("an escape", typed(b'multipart/mixed; boundary="a\\b"', b"--ab\r\n" + HTML + b"--ab--\r\n"), "content-syntax"),
            ("no end of quotes", typed(b'multipart/mixed; boundary="b', b"--b\r\n" + HTML + b"--b--\r\n"), "content-syntax boundary"),
            ("a comment behind", typed(b"multipart/mixed; boundary=b (x)", b"--b\r\n" + HTML + b"--b--\r\n"), "content-syntax"),
            ("a comment in it", typed(b"multipart/mixed; boundary=b(x)", b"--b\r\n" + HTML + b"--b--\r\n"), "content-syntax"),
            ("a blank behind, in quotes", typed(b'multipart/mixed; boundary="b "', b"--b\r\n" + HTML + b"--b--\r\n"), "boundary"),
            ("folded in quotes", typed(b'multipart/mixed; boundary="a\r\n b"', b"--a b\r\n" + HTML + b"--a b--\r\n"), "content-syntax"),
            ("71 octets", multi(b"b" * 71, TEXT), "boundary"), ("8 bit", typed(b"multipart/mixed; boundary=\"\xe4\"", PAGE), "header-syntax"),
            ("two names", typed(b"multipart/mixed; boundary=b boundary=c", b"--c\r\n" + HTML + b"--c--\r\n"), "content-syntax"),
            ("two values", typed(b"multipart/mixed; boundary=b,c", b"--b\r\n" + HTML + b"--b--\r\n"), "content-syntax"),
            ("armour", multi(b"---BEGIN PGP MESSAGE-----", TEXT), "boundary"),
            ("armour in small letters", multi(b"---begin pkcs7-----", TEXT), "boundary"),
            ("begins armour", multi(b"---BEGIN PGP MESSAGE", TEXT, b"Content-Type: application/x\r\n\r\n-----BEGIN PGP MESSAG\r\n"), "boundary"),
            ("a blank behind the delimiter", multi(b"b", TEXT) .replace(b"--b\r\n", b"--b \r\n"), "boundary"),
            ("a tab behind the close", multi(b"b", TEXT).replace(b"--b--\r\n", b"--b--\t\r\n") + b"--b\r\n" + HTML, "boundary"),
            ("text behind the delimiter", multi(b"b", TEXT).replace(b"--b\r\n", b"--bx\r\n"), "boundary"),
            ("another case", multi(b"b", TEXT) + b"--B\r\n" + HTML, "boundary"),
            ("another case, within", multi(b"b", TEXT + b"--B\r\n" + HTML), "boundary"),
            ("one hyphen in the close", multi(b"b", TEXT).replace(b"--b--", b"--b-"), "boundary"),
            ("three hyphens in the close", multi(b"b", TEXT).replace(b"--b--", b"--b---"), "boundary"),
            ("a part behind the close", multi(b"b", TEXT) + b"--b\r\n" + HTML + b"--b--\r\n", "boundary"),
            ("a blank before", multi(b"b", TEXT + b" --b\r\n" + HTML), "boundary"), ("a tab before", multi(b"b", TEXT + b"\t--b\r\n" + HTML), "boundary"),
            ("quoted", multi(b"b", TEXT + b"> --b\r\n" + HTML), "boundary"), ("stuffed", multi(b"b", TEXT + b"..--b\r\n" + HTML), "boundary"),
            ("behind a bare CR", multi(b"b", TEXT + b"x\r--b\r\n" + HTML), "line-end"), ("behind a bare LF", multi(b"b", TEXT + b"x\n--b\r\n" + HTML), "line-end"),
            ("behind a form feed", multi(b"b", TEXT + b"x\x0c--b\r\n" + HTML), "body-control"), ("behind NUL", multi(b"b", TEXT + b"\0--b\r\n" + HTML), "line-end"),
            ("in base64", multi(b"b", b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"x\r\n--b\r\n" + HTML)[:76] + b"\r\n"), "pass"),
            ("in quoted-printable", multi(b"b", b"Content-Transfer-Encoding: quoted-printable\r\n\r\nx=0D=0A--b=0D=0A\r\n=2D-b\r\n"), "boundary"),
            ("behind a soft line end", multi(b"b", b"Content-Transfer-Encoding: quoted-printable\r\n\r\nx=\r\n--b\r\n" + HTML), "encoding-syntax"),
            ("within a group of base64", multi(b"b", b"Content-Transfer-Encoding: base64\r\n\r\nYW\r\n--b\r\n" + HTML), "encoding-syntax"),
            ("within a character of JIS", multi(b"b", b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B2q\r\n--b\r\n" + HTML), "body-charset"),
            ("within a header", multi(b"b", b"Content-Type: text/plain\r\n--b\r\n" + HTML), "boundary"),
            ("at once", multi(b"b", b"--b\r\n" + HTML), "boundary header-syntax"),
            ("in the preamble", typed(b"multipart/mixed; boundary=b", b"Content-Type: text/html\r\n\r\n" + PAGE + b"--b\r\n" + TEXT + b"--b--\r\n"), "pass"),
            ("in the epilogue", multi(b"b", TEXT) + HTML, "pass"),
            ("in the header", MIME + b"X: y\r\n --b\r\n" + field(b"Content-Type", b"multipart/mixed; boundary=b") + b"\r\n--b\r\n" + TEXT + b"--b--\r\n", "pass"),
            ("the same again", multi(b"b", inner), "boundary"), ("the beginning of the inner", multi(b"b", multi(b"bb", HTML)[len(MIME):]), "boundary"),
            ("the inner is its beginning", multi(b"bb", multi(b"b", HTML)[len(MIME):]), "boundary"),
            ("the same in other case", multi(b"b", multi(b"B", HTML)[len(MIME):]), "boundary"),
            ("outer in inner", multi(b"a", multi(b"c", TEXT + b"--a\r\n" + HTML)[len(MIME):]), "boundary"),
            ("outer closed in inner", multi(b"a", multi(b"c", TEXT + b"--a--\r\n" + HTML)[len(MIME):]), "boundary"),
            ("inner not closed", multi(b"a", multi(b"c", TEXT, close=False)[len(MIME):]), "boundary"),
            ("inner behind its close", multi(b"a", multi(b"c", TEXT)[len(MIME):] + b"--c\r\n" + HTML), "boundary"),
            ("inner of one that is closed", multi(b"a", multi(b"c", TEXT)[len(MIME):], HTML + b"--c\r\n" + HTML), "pass"),
            ("the same for two, one after another", multi(b"a", multi(b"c", TEXT)[len(MIME):], multi(b"c", TEXT)[len(MIME):]), "pass"),
            ("one that begins like one that is closed", multi(b"a", multi(b"c", TEXT)[len(MIME):], multi(b"cc", TEXT)[len(MIME):]), "pass boundary"),
            ("of a type that is none", multi(b"a", typed(b"text/plain; boundary=b", b"--b\r\n" + HTML + b"--b--\r\n")[len(MIME):]), "pass"),
            ("a multipart in base64", typed(b"multipart/mixed; boundary=b", base64.encodebytes(b"--b\r\n" + HTML).replace(b"\n", b"\r\n"),
                                            b"Content-Transfer-Encoding: base64\r\n"), "transfer-encoding"),
            ("a multipart in quoted-printable", typed(b"multipart/mixed; boundary=b", b"--b\r\n" + TEXT + b"=2D-b\r\n" + HTML + b"--b--\r\n",
                                                      b"Content-Transfer-Encoding: quoted-printable\r\n"), "transfer-encoding"),
            ("too deep", multi(b"1", multi(b"2", multi(b"3", multi(b"4", multi(b"5", TEXT)[len(MIME):])[len(MIME):])[len(MIME):])[len(MIME):]), "parts"),
            ("1,001 parts", multi(b"b", *[TEXT] * 1001), "parts"),
            ("an attachment that is a multipart", multi(b"a", multi(b"c", HTML)[len(MIME):].replace(b"\r\n\r\n", b"\r\nContent-Disposition: attachment; filename=EVIL\r\n\r\n", 1)), "pass"),
            ("alternative: HTML first", multi(b"b", HTML, TEXT, kind=b"alternative"), "pass"), ("alternative: HTML twice", multi(b"b", TEXT, HTML, HTML, kind=b"alternative"), "pass"),
            ("digest", multi(b"b", b"X: y\r\n\r\n" + typed(b"text/html"), kind=b"digest"), "pass"),
            ("a part without header", multi(b"b", b"\r\n" + HTML), "header-syntax"), ("parallel", multi(b"b", TEXT, HTML, BLOB, kind=b"parallel"), "pass"),
            ("signed", multi(b"b", HTML, BLOB, kind=b"signed"), "pass"), ("encrypted", multi(b"b", BLOB, BLOB, kind=b"encrypted"), "pass"),
            ("report", multi(b"b", TEXT, HTML, kind=b"report"), "pass"), ("related", multi(b"b", HTML, BLOB, kind=b"related"), "pass"),
            ("form-data", multi(b"b", TEXT, BLOB, kind=b"form-data"), "pass"), ("x-mixed-replace", multi(b"b", TEXT, HTML, kind=b"x-mixed-replace"), "pass"),
            ("appledouble", multi(b"b", BLOB, BLOB, kind=b"appledouble"), "pass"), ("byteranges", multi(b"b", HTML, kind=b"byteranges"), "pass")):
        yield case("boundaries: " + name, mail, "content-type content-syntax header-duplicate header-syntax header-forbidden", textify)


def encodings():
    """Names of encodings, and data that decoders differ on. The data is HTML, or a file, in a body that says text."""
    for value in (b"base64 (7bit)", b"(7bit) base64", b"base64;", b"base64, 7bit", b"7bit, base64", b"\"base64\"", b"base64 7bit", b"7bit base64",
                  b"x-uuencode", b"uuencode", b"x-yenc", b"binary", b"base-64", b"base64\0", b"quoted printable", b"quoted-printable; x=y", b"",
                  b"=?utf-8?q?base64?=", b"base64\r\n base64", b"BASE64\x0b", b"mac-binhex40", b"x-gzip64", b"6bit", b"bas\r\n e64"):
        yield case(f"encodings: {value!r}", typed(b"text/plain", B64, field(b"Content-Transfer-Encoding", value)),
                   "transfer-encoding line-end header-syntax")
        yield case(f"encodings: of a file {value!r}", multi(b"b", b"Content-Type: application/x\r\n" + field(b"Content-Transfer-Encoding", value) + b"\r\n" + B64),
                   "content-type", "transfer-encoding line-end header-syntax")
    good = base64.b64encode(b"begin 6x")
    for data in (b"QUJD\r\nREVG QUJD\r\n", b"QU=JD\r\n", b"QUI=\r\nQUJD\r\n", b"QQ==QQ==\r\n", b"QR==\r\n", b"QUJ\r\n", b"Q\r\n", b"=\r\n",
                 b"====\r\n", b"QUJD=\r\n", b"QUJD\r\n\r\nQUJD\r\n", b"-_-_\r\n", b"QUJD*QUJD\r\n", b"QUJD--b\r\n", good + b"!\r\n",
                 b"QU\r\nJD\r\n", b"Q" * 80 + b"\r\n", b"QUJD\xe3\x80\x80\r\n", b"QUJD\r\n-----\r\nQUJD\r\n", b"\tQUJD\r\n", b"QUJD \r\n",
                 b"PGh0bWw+\r\n<html>EVIL\r\n", b"QQ=\r\n", b"QQ=\r\n=\r\n", b"QQ==\r\nsee EVIL\r\n"):
        cte = field(b"Content-Transfer-Encoding", b"base64")
        yield case(f"base64: text {data!r}", typed(b"text/plain", data, cte), "encoding-syntax body-charset body-control")
        yield case(f"base64: file {data!r}", typed(b"application/x", data, cte), "content-type", "encoding-syntax")
        yield case(f"base64: HTML {data!r}", typed(b"text/html", data, cte), "content-type", "encoding-syntax body-charset body-control")
    for data in (b"=4", b"=", b"=4 1", b"= \r\nx", b"=\t\r\nx", b"=3c=53", b"=zz", b"==41", b"a ", b"a\t", b"=C0=BC", b"=00", b"=0D", b"=0Dx", b"=1B[31m",
                 b"=7F", b"=E2=80=AE", b"=FE=FF", b"=EF=BB=BFx", b"=E4=BC", b"x" * 77, b"=\r\n=\r\n=", b"\xe4\xbc\x9a"):
        yield case(f"quoted-printable: {data!r}", typed(b"text/plain; charset=utf-8", data + b"\r\n", field(b"Content-Transfer-Encoding", b"quoted-printable")),
                   "encoding-syntax body-charset body-control")


def charsets():
    """Text that is another text for who reads another charset, or forgives."""
    page = b"+ADw-html+AD4-EVIL"
    for charset, encoding, body, words in (
            (b"utf-8", b"8bit", b"\xc0\xbchtml\xc0\xbe", "body-charset"), (b"utf-8", b"8bit", b"\xe0\x80\xbchtml", "body-charset"),
            (b"utf-8", b"8bit", b"\xf0\x80\x80\xbc", "body-charset"), (b"utf-8", b"8bit", b"\xed\xa0\xbd\xed\xb8\x80", "body-charset"),
            (b"utf-8", b"8bit", b"\xf8\x88\x80\x80\x80", "body-charset"), (b"utf-8", b"8bit", b"\xff\xfe<\0", "body-charset line-end"),
            (b"utf-8", b"8bit", b"\xef\xbb\xbfx", "body-control"), (b"utf-8", b"8bit", b"a\xe2\x80\xaefdp.exe", "body-control"),
            (b"utf-8", b"8bit", b"\xe2\x81\xa6x", "body-control"), (b"utf-8", b"8bit", b"\xc2\x9b31m", "body-control"), (b"utf-8", b"8bit", b"\xe2\x80\xa8x", "body-control"),
            (b"utf-8", b"7bit", b"\xe4\xbc\x9a", "encoding-syntax"), (b"us-ascii", b"8bit", b"\xe4\xbc\x9a", "body-charset"),
            (b"us-ascii", b"7bit", b"\x1b$B2q5D\x1b(B", "body-control"), (b"utf-8", b"8bit", b"\x1b$B2q5D\x1b(B", "body-control"),
            (b"iso-2022-jp", b"7bit", b"\x1b$B2q5D", "body-charset"), (b"iso-2022-jp", b"7bit", b"\x1b$B2q5D\r\n\x1b(B", "body-charset"),
            (b"iso-2022-jp", b"7bit", b"\x1b$B<a\x1b(", "body-charset"), (b"iso-2022-jp", b"7bit", b"\x1b(J\\\x1b(B", "body-charset"),
            (b"iso-2022-jp", b"7bit", b"\x1b(I1\x1b(B", "body-charset"), (b"iso-2022-jp", b"7bit", b"\x1b$(D0!\x1b(B", "body-charset"),
            (b"iso-2022-jp", b"7bit", b"\x1b.A\x1bNa", "body-charset"), (b"iso-2022-jp", b"7bit", b"\x0eabc\x0f", "body-control"),
            (b"iso-2022-jp", b"7bit", b"\x1b%G<html>", "body-charset"), (b"iso-2022-jp", b"8bit", b"\xe4\xbc\x9a", "transfer-encoding"),
            (b"iso-2022-jp", b"7bit", b"\x1b$B2\x1b(B", "body-charset"), (b"iso-2022-jp", b"7bit", b"\x1b", "body-charset"),
            (b"iso-2022-jp", b"7bit", b"\x1b$B2q \x1b(B", "body-charset"), (b"iso-2022-jp", b"7bit", b"\x1b$B\n2q\x1b(B", "line-end body-charset"),
            (b"utf-7", b"7bit", page, "charset"), (b"utf-16le", b"base64", b"PABoAHQAbQBsAD4A", "charset"), (b"shift_jis", b"8bit", b"\x83\x41", "charset"),
            (b"euc-jp", b"8bit", b"\xa4\xa2", "charset"), (b"iso-2022-jp-2", b"7bit", b"x", "charset"), (b"windows-31j", b"8bit", b"x", "charset"),
            (b"utf-8", b"8bit", b"a\x0cb", "body-control"), (b"utf-8", b"8bit", b"a\x08b", "body-control"), (b"utf-8", b"8bit", b"\x1b[2J", "body-control"),
            (b"utf-8", b"8bit", b"\x1a", "body-control"), (b"utf-8", b"8bit", b"\x7f", "body-control"), (b"utf-8", b"8bit", b"\xef\xbf\xbe", "body-control")):
        cte = field(b"Content-Transfer-Encoding", encoding)
        kind = b"text/plain; charset=" + charset
        yield case(f"charsets: {charset.decode()} {body!r}", typed(kind, body + b"\r\n", cte), words)
        yield case(f"charsets: part {charset.decode()} {body!r}", multi(b"b", field(b"Content-Type", kind) + cte + b"\r\n" + body + b"\r\n"),
                   "content-type", words)
    yield case("charsets: UTF-7 that says ASCII", typed(b"text/plain; charset=us-ascii", page + b"\r\n"), "pass")


def file_names():
    """Every way to give a file a name; of none something may be left."""
    ways = (b'filename="EVIL.exe"', b"filename=EVIL.exe", b"filename*=utf-8''%45VIL.exe", b"filename*0=EV; filename*1=IL.exe", b"filename*0*=utf-8''EV; filename*1*=IL%2Eexe",
            b'filename="a.txt"; filename*=utf-8\'\'EVIL.exe', b'filename="=?utf-8?B?RVZJTC5leGU=?="', b'filename==?utf-8?B?RVZJTC5leGU=?=', b'name="EVIL.exe"',
            b'filename="EVIL.exe"; filename="a.txt"', b'filename=\r\n "EVIL.exe"', b'FILENAME="EVIL.exe"', b'filename="\r\n EVIL.exe"', b"filename = EVIL.exe",
            b'filename="EVIL\\.exe"', b'filename="EVIL.exe', b"filename='EVIL.exe'", b'filename="EVIL.exe";', b'filename:"EVIL.exe"', b'"filename"="EVIL.exe"')
    for way, where in itertools.product(ways, ("type", "disposition")):
        head = (field(b"Content-Type", b"application/x-msdownload; " + way) if where == "type"
                else field(b"Content-Type", b"application/octet-stream") + field(b"Content-Disposition", b"attachment; " + way))
        mail = multi(b"b", TEXT, head + b"Content-Transfer-Encoding: base64\r\n\r\n" + B64)
        yield case(f"file names: {where} {way!r}", mail, "content-type", "pass content-syntax")


def hidden():
    """Files in text that is text."""
    marks = (b"begin 644 EVIL.exe\r\n#0V%T\r\n`\r\nend\r\n", b"begin 0755 EVIL\r\n", b"begin-base64 644 EVIL\r\nQUJD\r\n====\r\n", b"BEGIN 644 EVIL\r\n", b"begin\t644\tEVIL\r\n",
             b"begin  EVIL\r\n", b"=ybegin line=128 size=4 name=EVIL\r\n", b"=ybegin part=1 total=2 line=128\r\n", b"(This file must be converted with BinHex 4.0)\r\n:EVIL:\r\n",
             b"-----BEGIN PGP MESSAGE-----\r\n\r\nEVIL\r\n", b"-----BEGIN PGP SIGNED MESSAGE-----\r\n", b"-----BEGIN PKCS7-----\r\n", b"-----BEGIN CMS-----\r\n",
             b"-----BEGIN PRIVACY-ENHANCED MESSAGE-----\r\n")
    for mark, indent, encoding in itertools.product(marks, (b"", b"  ", b"\t"), (b"7bit", b"quoted-printable", b"base64")):
        text = b"safe\r\n" + indent + mark
        body = {b"7bit": text, b"base64": base64.encodebytes(text).replace(b"\n", b"\r\n"),
                b"quoted-printable": text.replace(b"=", b"=3D").replace(b"b", b"=62", 1).replace(b"\t\r", b"=09\r")}[encoding]
        yield case(f"hidden: {mark[:20]!r} behind {indent!r}, {encoding.decode()}", typed(b"text/plain", body, field(b"Content-Transfer-Encoding", encoding)), "hidden-file")
        html = b"<p>" + text if encoding == b"7bit" else None
        if html:
            yield case(f"hidden: HTML {mark[:20]!r} behind {indent!r}", typed(b"text/html", b"x\r\n<b>" + indent + mark, field(b"Content-Transfer-Encoding", encoding)),
                       "content-type", "hidden-file")
    for name, text in (("over a soft line end", b"be=\r\ngin 644 EVIL\r\n"), ("behind a soft line end", b"x=\r\nbegin 644 EVIL\r\n"), ("over an encoded line end", b"x=0D=0Abegin 644 EVIL\r\n"),
                       ("an encoded blank", b"begin=20644=20EVIL\r\n"), ("an encoded LF", b"x=0Abegin 644 EVIL\r\n")):
        yield case("hidden: " + name, typed(b"text/plain", text, field(b"Content-Transfer-Encoding", b"quoted-printable")), "hidden-file")


def pages():
    """HTML that hides from who takes its tags away: in what goes on no tag is left and nothing of a tag."""
    for page in (b"<<b EVIL>x>", b"<b title='>'EVIL>x</b>", b"<a\r\nhref=EVIL\r\n>x</a>", b"<!--><b EVIL>-->x", b"<!-- -- EVIL>x-->", b"<!--EVIL--!>x<b>", b"<!EVIL><b EVIL>x",
                 b"<?php EVIL ?>x", b"<![CDATA[<EVIL>]]>", b"<script>EVIL</scrip></script>x", b"<script>'</script'EVIL</script >x", b"<SCRIPT\tEVIL>EVIL</SCRIPT\r\n>x",
                 b"<style><!--</style EVIL--></style>x", b"<title><b EVIL></title>x", b"<b/EVIL>x", b"</EVIL>x", b"</ EVIL>x", b"<b EVIL", b"<b EVIL='>", b"<b EVIL=\"x", b"<b =EVIL>x",
                 b"<b\x0cEVIL>x", b"< b>x", b"<\r\nb>x", b"&lt;script&gt;x", b"<b a='\"EVIL>'>x", b"<b a=x'EVIL>'>x", b"<xml EVIL>EVIL</xml>x", b"<p>x" * 50, b"<" * 50, b"<b>" * 50 + b"x",
                 b"<svg/onload=EVIL>", b"<img src=x onerror=EVIL//", b"<iframe src=EVIL", b"<script/EVIL>EVIL</script>", b"<script>x</script<b>EVIL</script>"):
        for encoding in (b"7bit", b"quoted-printable", b"base64"):
            body = {b"7bit": page, b"base64": base64.encodebytes(page).replace(b"\n", b"\r\n").rstrip(b"\r\n"),
                    b"quoted-printable": quopri.encodestring(page.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")}[encoding]
            yield case(f"pages: {page[:40]!r} {encoding.decode()}", typed(b"text/html", body + b"\r\n", field(b"Content-Transfer-Encoding", encoding)), "content-type",
                       "pass body-control" if b"\x0c" in page else "pass")


LINKS = (b"http://EVIL.example/", b"https://EVIL.example/", b"HTTP://EVIL/", b"hTtPs://EVIL/", b"ftp://EVIL/", b"FTPS://EVIL/", b"http:EVIL", b"httphttp://EVIL/", b"hhttp://EVIL/",
         b"hthttp://EVIL/", b"hhthttp://EVIL/", b"httpshttps://EVIL/", b"ffthttp://EVIL", b"fftp://EVIL", b"fhttps://EVIL", b"<http://EVIL/>", b"(http://EVIL/)", b"URL:http://EVIL/", b"\"https://EVIL/\"")


def links():
    """No link stays alive, however it is written and encoded, cut and settled."""
    for link in LINKS:
        text = b"see " + link + b" and " + link + b"\r\n"
        for n in range(3):
            encoded = base64.encodebytes(b"x" * n + text).replace(b"\n", b"\r\n")
            yield case(f"links: {link!r} base64 {n}", typed(b"text/plain", encoded, field(b"Content-Transfer-Encoding", b"base64")), "pass")
        short = base64.b64encode(text)
        yield case(f"links: {link!r} base64, short lines", typed(b"text/plain", b"".join(short[i:i + 4] + b"\r\n" for i in range(0, len(short), 4)),
                                                                field(b"Content-Transfer-Encoding", b"base64")), "pass")
        yield case(f"links: {link!r}", typed(b"text/plain", text), "pass")
        cte = field(b"Content-Transfer-Encoding", b"quoted-printable")
        yield case(f"links: {link!r} quoted-printable", typed(b"text/plain", b"".join(b"=%02X" % c for c in link[:20]) + b"\r\n", cte), "pass")
        yield case(f"links: {link!r} soft line ends", typed(b"text/plain", b"=\r\n".join(b".." if c == 46 else bytes([c]) for c in link) + b"\r\n", cte), "pass")
        yield case(f"links: {link!r} HTML", typed(b"text/html", text.replace(b"<", b"").replace(b">", b"")), "content-type", "pass")
        yield case(f"links: {link!r} HTML base64", typed(b"text/html", base64.encodebytes(b"<p>" + text).replace(b"\n", b"\r\n"),
                                                        field(b"Content-Transfer-Encoding", b"base64")), "content-type", "pass")
        yield case(f"links: {link!r} ISO-2022-JP", typed(b"text/plain; charset=iso-2022-jp", b"\x1b$B2q\x1b(B".join((b"", text)) ), "pass")
        escaped = link[:2] + b"\x1b(B" + link[2:4] + b"\x1b$B\x1b(B" + link[4:]
        yield case(f"links: {link!r} behind escapes", typed(b"text/plain; charset=iso-2022-jp", escaped + b"\r\n"), "pass")


def cases():
    for family in (ends, eight_bits, cut_short, dialogues, servers, sessions, names, twice, folds, types, kinds, boundaries, encodings, charsets, file_names, hidden, pages, links):
        yield from family()


# --- combinations --------------------------------------------------------------------------------------------------


def combinations(seed, n):
    """Mails put together at random from what the families are made of: (name, mail as it is on the wire)."""
    rng = random.Random(seed)
    pick = rng.choice

    def value():
        kind = pick((b"text/plain", b"text/html", b"Text/Plain", b"multipart/mixed", b"multipart/alternative", b"multipart/related", *FORBIDDEN))
        params = [pick((b"charset=utf-8", b"charset=us-ascii", b"charset=\"iso-2022-jp\"", b"format=flowed", b"boundary=b", b"boundary=\"b\"", b"boundary=bb", b"boundary=c",
                        b"name=EVIL.exe", b"name*=utf-8''EVIL.exe", b"name=\"=?utf-8?B?RVZJTC5leGU=?=\"", b"type=\"text/html\"", b"x=y", b"delsp=yes", b"boundary=B",
                        b"Charset=UTF-8", b"charset=utf-7", b"boundary=\"a b\"")) for _ in range(rng.randrange(4))]
        return kind + b"".join(pick((b"; ", b";", b";\r\n\t", b" ; ")) + p for p in params) + pick((b"", b"", b"", b" ", b";"))

    def header(top):
        fields = [field(b"Content-Type", value())] if rng.random() < 0.9 else []
        if rng.random() < 0.5:
            fields.append(field(b"Content-Transfer-Encoding", pick((b"7bit", b"8bit", b"base64", b"quoted-printable", b"Base64 ", b"binary", b"x-y"))))
        if rng.random() < 0.3:
            fields.append(field(b"Content-Disposition", pick((b"inline", b"attachment; filename=EVIL.exe", b"attachment", b"inline; filename=\"EVIL.html\""))))
        if rng.random() < 0.2:
            fields.append(field(pick((b"Content-ID", b"Content-Description", b"Content-Location", b"X-Y", b"Content-Foo")), pick((b"<EVIL>", b"EVIL", b"http://EVIL/"))))
        rng.shuffle(fields)
        return (FROM + (b"MIME-Version: 1.0" + pick((b"", b"", b" (x)", b" (1.0)")) + b"\r\n" if rng.random() < 0.95 else b"") if top else b"") + b"".join(fields) + b"\r\n"

    def body(depth):
        lines = []
        for _ in range(rng.randrange(1, 7)):
            lines.append(pick((b"safe\r\n", b"--b\r\n" + header(False), b"--b--\r\n", b"--bb\r\n" + header(False), b"--c\r\n" + header(False), b"--c--\r\n", b"--B\r\n", b"--a b\r\n", PAGE,
                               B64, b"..\r\n", b"\r\n", b"see http://EVIL.example/\r\n", b"begin 644 EVIL\r\n", b"\xe4\xbc\x9a\r\n", b"\x1b$B2q\x1b(B\r\n", b"QUJD\r\n", b"=41=\r\n",
                               b"<b EVIL\r\n", b"--b \r\n", b"--\r\n", b" --b\r\n", b"<!-- EVIL\r\n", b"-->\r\n", b"ht=\r\ntp:=\r\n", base64.b64encode(b"<p>http://EVIL/</p>") + b"\r\n")))
            if depth < 2 and rng.random() < 0.3:
                lines.append(body(depth + 1))
        return b"".join(lines) + (pick((b"--b--\r\n", b"--c--\r\n--b--\r\n", b"")) if depth == 0 else b"")

    for i in range(n):
        yield f"combination {seed}.{i}", header(True) + body(0) + b".\r\n"


TOKENS = (b"\r\n", b"\n", b"\r", b"\0", b".", b"\r\n.\r\n", b"--", b";", b'"', b"=", b"=\r\n", b"<", b">", b"<!--", b"-->", b"<b>", b"(", b")", b"\\", b" ", b"\t", b"\r\n ", b"\r\n\r\n", b":", b"http:", b"=3C",
          b"\x1b$B", b"\x1b(B", b"\xe4", b"\xff", b"base64", b"quoted-printable", b"text/html", b"multipart/mixed", b"attachment", b"charset=utf-7", b"boundary=b", b"begin 644 x\r\n", b"/", b"*", b"=?", b"?=",
          b"Content-Type: text/html\r\n", b"Content-Transfer-Encoding: base64\r\n", b"Content-Disposition: attachment; filename=EVIL\r\n", b"\r\nContent-Type: text/html\r\n\r\n")


def mutations(mails, seed, n):
    """Honest mails, hurt: (name, mail as it is on the wire, its end of data intact)."""
    rng = random.Random(seed)
    for i in range(n):
        mail = rng.choice(mails)
        octets = bytearray(wire(mail.octets)[:-3])
        lines = [m.start() for m in re.finditer(rb"(?m)^(?:--|Content)", octets)] or [0]
        for _ in range(rng.randrange(1, 4)):
            at = min(rng.choice(lines) + rng.randrange(80), len(octets)) if rng.random() < 0.7 else rng.randrange(len(octets) + 1)
            how = rng.randrange(6)
            if how == 0:
                octets[at:at] = rng.choice(TOKENS)
            elif how == 1:
                del octets[at: at + rng.randrange(1, 12)]
            elif how == 2 and at < len(octets):
                octets[at] = rng.choice((rng.randrange(256), octets[at] ^ 0x20, octets[at] ^ 1))
            elif how == 3:
                token = rng.choice(TOKENS)
                octets[at: at + len(token)] = token
            elif how == 4:  # a piece of it once more
                begin = rng.choice(lines)
                octets[at:at] = octets[begin: begin + rng.randrange(1, 300)]
            else:
                octets[at:at] = b"\r\n" + bytes(octets[rng.choice(lines):][:rng.randrange(2, 60)])
        if not octets.endswith(b"\r\n"):
            octets += b"\r\n"
        yield f"mutation {seed}.{i} of {mail.name}", bytes(octets) + b".\r\n"
