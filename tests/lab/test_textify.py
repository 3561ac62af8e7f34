# SPDX-License-Identifier: GPL-2.0-or-later
"""Mail becomes text on its way (mode textify): what a client sends, and what the server and a mail reader see of it."""

import base64
import email
import email.policy
import random
import socket
import sys
import time

from lablib import SAMPLE, TO_DATA, Lab, RawTcp, Sink, dialogue, headers, need, no_kernel_resets, run_tests, send_mail, test, wait_for
from mails import BINARY, GONE, attached, mails, multi, on_the_wire, plain, whole

MAILS = list(mails())


def config():
    text = open(SAMPLE, encoding="utf-8").read()
    return text.replace('mode = "verify"', 'mode = "textify"')


def arrived(sink, known):
    need(wait_for(lambda: len(sink.mails) > known, 15), "no mail arrived")
    return sink.mails[known]


def visible(name, mail, policy):
    """All text that a reader shows; that it finds nothing else, and no fault."""
    text = ""
    for p in email.message_from_bytes(mail, policy=policy).walk():
        need(not p.defects, f"{name}: {p.defects}")
        faults = [d for v in p.values() for d in getattr(v, "defects", ())]
        need(not faults, f"{name}: {faults}")
        need(p.get_content_type() in ("text/plain", "multipart/mixed"), f"{name}: {p.get_content_type()}")
        need(p.get_filename() is None and p.get_content_disposition() in (None, "inline"), f"{name}: a file")
        if not p.is_multipart():
            text += p.get_payload(decode=True).decode(p.get_content_charset() or "ascii")
    return text


def check(name, sent, got, keep):
    need(len(got) == len(sent), f"{name}: {len(sent)} octets sent, {len(got)} arrived")
    for policy in (email.policy.compat32, email.policy.default, email.policy.strict):
        text = visible(name, got, policy)
        for word in keep:
            need(word in text, f"{name}: {word!r} is gone: {text!r}")
        for word in GONE:
            need(word not in text, f"{name}: {word!r} is there: {text!r}")


def crlf(mail):
    return mail.replace(b"\n", b"\r\n")


@test(f"{len(MAILS)} honest mails of Japanese agents arrive as text", san=True)
def honest(lab, sink):
    for name, mail, keep in MAILS:
        known = len(sink.mails)
        code, answer = send_mail(lab, crlf(mail))
        need(code == 250, f"{name}: answered {code} {answer!r}")
        check(name, crlf(mail), arrived(sink, known), keep)


@test("the same arrives however the sender cuts it", san=True)
def cuts(lab, sink):
    rng = random.Random(5)
    for name, mail, _ in MAILS[::3]:
        known, wire = len(sink.mails), on_the_wire(mail) + b".\r\n"
        need(send_mail(lab, crlf(mail))[0] == 250, f"{name}: refused")
        whole_mail = arrived(sink, known)
        with lab.connect("internet", "10.20.0.25") as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            need(dialogue(s, *TO_DATA)[-1].startswith(b"354"), "no 354")
            at = 0
            while at < len(wire):
                n = rng.choice((1, 2, 3, 40, 700))
                s.sendall(wire[at: at + n])
                at += n
            need(s.recv(100).startswith(b"250"), f"{name}: refused in pieces")
        need(arrived(sink, known + 1) == whole_mail, f"{name}: in pieces it arrives otherwise")


@test("a sender that waits for the acknowledgement of what is held goes on, and its link is defused all the same")
def settled(lab, sink):
    known = len(sink.mails)
    no_kernel_resets(lab, "internet")
    with RawTcp(lab) as c:
        c.to_data()
        head = headers() + b"\r\nsee ht"
        c.send(head)
        before = c.next - len(head)
        c.pump(0.3)
        c.at(before, head)  # as after a retransmission timeout
        need(c.until(lambda: any(m for m in (bytes(sink.raw[-1]),) if m.endswith(b"see ht"))), "what is held was not let go")
        c.send(b"tp://a.example/\r\n.\r\n")
        need(c.until(lambda: c.stream.count(b"250") >= 4), "no answer")
    mail = arrived(sink, known)
    need(b"see htxp://a.example/\r\n" in mail or b"see http;//a.example/\r\n" in mail, f"{mail[-40:]!r}")


@test("20 MB in base64 become blanks; the text beside them stays")
def large(lab, sink):
    known = len(sink.mails)
    mail = crlf(whole(multi(b"mixed", b"b", plain(), attached(data=BINARY * 15000))))
    began = time.monotonic()
    code, answer = send_mail(lab, mail)
    took = time.monotonic() - began
    need(code == 250, f"answered {code} {answer!r}")
    got = arrived(sink, known)
    need(len(got) == len(mail) and "お世話になっております。" in visible("large", got, email.policy.default), "the text is gone")
    need(b"U0VDUkVU" not in got, "something of the file arrived")
    return f"{len(mail) / took / 1e6:.0f} MB/s"


@test("a record says what was done to which mail, and nothing of its content", san=True)
def recorded(lab, sink):
    mail = whole(multi(b"mixed", b"b", plain(), attached())).replace(b"<20261121.1200@example.jp>", b"<z.1@a.example>")
    need(b"Message-ID: <z.1@a.example>" in mail, "the mail has no Message-ID")
    code, answer = send_mail(lab, crlf(mail))
    need(code == 250, f"answered {code} {answer!r}")
    event = lab.wait_event("content-changed", mail_id="<z.1@a.example>")
    number, what, octets = event["mail_parts"].split()[-1].split(":")
    need((number, what) == ("2", "file") and 0 < int(octets) <= event["mail_bytes"] and event["mails"] == 1, f"{event}")
    need("IDENT" not in str(event) and "filename" not in str(event), f"{event}")


REFUSED = {
    "smtp-boundary": whole(multi(b"mixed", b"b", plain())).replace(b"--b--\n", b""),
    "smtp-charset": whole(multi(b"mixed", b"b", plain("utf-16"))),
    "smtp-transfer-encoding": whole(multi(b"mixed", b"b", attached())).replace(b"base64", b"x-uuencode"),
    "smtp-encoding-syntax": whole(multi(b"mixed", b"b", attached())).replace(b"\n--b--", b"\n" + base64.b64encode(b"x") + b"=\n--b--"),
}


@test("what cannot become text is refused with a reason, and never delivered")
def refused(lab, sink):
    for reason, mail in REFUSED.items():
        known, after = len(sink.mails), len(lab.events("content-denied"))
        code, answer = send_mail(lab, crlf(mail))
        need(code == 554 and reason.encode() in answer, f"{reason}: answered {code} {answer!r}")
        need(lab.wait_event("content-denied", after=after)["reason"] == reason, "another reason recorded")
        need(len(sink.mails) == known, f"{reason}: delivered")


if __name__ == "__main__":
    with Lab(config()) as the_lab, Sink(the_lab, keywords=(b"PIPELINING", b"8BITMIME", b"SIZE 50000000")) as the_sink:
        status = run_tests(the_lab, the_sink)
    sys.exit(status)
