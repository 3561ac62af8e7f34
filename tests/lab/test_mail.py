# SPDX-License-Identifier: GPL-2.0-or-later
"""Mail between real mail servers: text arrives unchanged, the rest is refused in a way that the sender sees."""

import email
import email.policy
import glob
import os
import signal
import subprocess
import sys

from lablib import (ATTACHMENT, HTML, LAB, MX, OUT, TOP, Client, Lab, need, run_tests, send_mail, test, text_mail,
                    wait_for, headers)

MTA = os.path.join(TOP, "scripts", "mta")
TEXT = "住民税のお知らせです。\r\n\r\n・期限は月末です。\r\n..先頭の点も、そのまま。\r\n.\r\nおわり\r\n"


class Mta:
    """A postfix on a host; its inbox."""

    def __init__(self, lab, host, domain, *relays):
        self.lab, self.host = lab, host
        self.dir = os.path.join(lab.files, "mta-" + host)
        self.process = subprocess.Popen([LAB, "exec", "--name", lab.name, host, "--", MTA, "run", self.dir, domain, *relays],
                                        stdin=subprocess.DEVNULL)

    def __enter__(self):
        need(wait_for(self.serves, 15), "postfix does not serve")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    def serves(self):
        try:
            self.lab.connect(self.host, "127.0.0.1", 25).close()
            return True
        except OSError:
            return False

    def inbox(self):
        return {p: open(p, "rb").read() for p in glob.glob(self.dir + "/inbox/new/*")}

    def find(self, token, seconds=10):
        """The one mail that has the token; None if there is none."""
        found = wait_for(lambda: [m for m in self.inbox().values() if token in m], seconds)
        need(len(found) <= 1, f"{len(found)} copies of {token!r}")
        return email.message_from_bytes(found[0], policy=email.policy.default) if found else None

    def queue(self, mail, sender, recipient):
        p = self.lab.exec(self.host, MTA, "send", self.dir, sender, recipient, input=mail.decode("utf-8").replace("\r\n", "\n"))
        need(p.returncode == 0, lambda: "sendmail: " + p.stderr)


def tokens():
    n = 0
    while True:
        n += 1
        yield b"T%dx%d" % (os.getpid(), n)


token = tokens()


def delivered(mx, text, charset, version, lab, mail=None):
    t = next(token)
    code, answer = send_mail(lab, mail(t) if mail else text_mail(text, charset, t), MX[version])
    need(code == 250, f"{charset} over IPv{version}: answered {code} {answer!r}")
    got = mx.find(t)
    need(got is not None, f"{charset} over IPv{version}: accepted, but not delivered")
    body = got.get_payload(decode=True).decode(charset).replace("\n", "\r\n").replace("\r\r\n", "\r\n")
    need(body == text, f"{charset} over IPv{version}: sent {text!r}, delivered {body!r}")


@test("Japanese text arrives unchanged: ISO-2022-JP and UTF-8, IPv4 and IPv6", san=True)
def japanese(lab, mx, _out):
    for version in (4, 6):
        for charset in ("iso-2022-jp", "utf-8"):
            delivered(mx, TEXT, charset, version, lab)


@test("plain text in base64 and quoted-printable arrives unchanged")
def encodings(lab, mx, _out):
    import base64
    import quopri
    for name, encode in (("base64", base64.encodebytes), ("quoted-printable", quopri.encodestring)):
        def mail(t, name=name, encode=encode):
            mime = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n"
            body = encode(TEXT.encode().replace(b"\r\n", b"\n") if name != "base64" else TEXT.encode())
            return headers(t, mime % name.encode()) + b"\r\n" + body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        delivered(mx, TEXT, "utf-8", 4, lab, mail)


def refused(lab, mx, mail, reason, version=4):
    t = next(token)
    before = len(lab.events("content-denied"))
    code, answer = send_mail(lab, mail.replace(b"Subject: ", b"Subject: " + t + b" "), MX[version])
    need(code == 554 and b"zonegate" in answer and answer.startswith(b"5.7.1"), f"answered {code} {answer!r}")
    need(mx.find(t, 0.5) is None, "delivered all the same")
    event = lab.wait_event("content-denied", after=before)
    need(event["reason"] == reason, f"reason {event.get('reason')}, not {reason}")
    return event


@test("HTML mail is refused with a 554 that says why, IPv4 and IPv6", san=True)
def html(lab, mx, _out):
    for version in (4, 6):
        event = refused(lab, mx, HTML, "smtp-content-type", version)
        for key, value in {"src_zone": "internet", "dst_zone": "lgwan", "flow": "mail-in", "src_ip": OUT[version],
                           "dst_ip": MX[version], "dst_port": 25, "ticket": "2026-0001"}.items():
            need(str(event.get(key)) == str(value), f"the record says {key}={event.get(key)!r}, not {value!r}: {event}")


@test("mail with an attachment is refused with a 554 that says why", san=True)
def attachment(lab, mx, _out):
    refused(lab, mx, ATTACHMENT, "smtp-content-type")


@test("a file hidden in plain text is refused (uuencode)")
def hidden(lab, mx, _out):
    body = b"begin 644 a.exe\r\n#0V%T\r\n`\r\nend\r\n"
    mail = text_mail("x\r\n", "us-ascii") + body
    refused(lab, mx, mail, "smtp-hidden-file")


@test("after a refusal the next mail passes")
def next_one(lab, mx, _out):
    refused(lab, mx, HTML, "smtp-content-type")
    delivered(mx, TEXT, "utf-8", 4, lab)


@test("two mails in one connection; the second refused, the first delivered")
def two(lab, mx, _out):
    t1, t2 = next(token), next(token)
    with Client(lab) as c:
        c.ehlo()
        answers = []
        for mail in (text_mail(subject=t1), HTML.replace(b"Subject: ", b"Subject: " + t2)):
            c.mail("a@internet.example")
            c.rcpt("b@lgwan.example.jp")
            answers.append(c.data(mail)[0])
    need(answers == [250, 554], f"answered {answers}")
    need(mx.find(t1) is not None, "the first was not delivered")
    need(mx.find(t2, 0.5) is None, "the second was delivered")


@test("a real sending server delivers text, and bounces HTML with our reason to its author", san=True)
def real_sender(lab, mx, out):
    good, bad = next(token), next(token)
    out.queue(text_mail(TEXT, "utf-8", good), "author@internet.example", "b@lgwan.example.jp")
    out.queue(HTML.replace(b"Subject: ", b"Subject: " + bad), "author@internet.example", "b@lgwan.example.jp")
    got = mx.find(good, 15)
    need(got is not None, "the text was not delivered")
    need(got.get_payload(decode=True).decode().replace("\n", "\r\n") == TEXT, "the text was changed")
    bounce = out.find(bad, 15)
    need(bounce is not None, "the author got no bounce")
    report = bounce.as_bytes()
    need(b"554 5.7.1" in report and b"zonegate" in report, f"the bounce does not tell why: {report[:1500]!r}")
    need(mx.find(bad, 0.5) is None, "the HTML was delivered")


@test("an address that the server itself refuses: the server's own answer reaches the sender")
def unknown_user(lab, _mx, _out):
    with Client(lab) as c:
        c.ehlo()
        c.mail("a@internet.example")
        code, text = c.rcpt("b@elsewhere.example")
        need(code == 554 and b"Relay access denied" in text, f"{code} {text!r}")


@test("a clean connection leaves two records with its byte counts")
def records(lab, _mx, _out):
    mail = text_mail("長い本文\r\n" * 2000)
    with Client(lab) as c:
        port = c.sock.getsockname()[1]
        need(c.sendmail("a@internet.example", ["b@lgwan.example.jp"], mail) == {}, "refused")
    lab.wait_event("flow-opened", src_port=port, flow="mail-in", src_ip=OUT[4])
    event = lab.wait_event("flow-closed", src_port=port, flow="mail-in", src_ip=OUT[4])
    need(int(event["bytes_client"]) > len(mail), f"{event['bytes_client']} bytes recorded, mail has {len(mail)}")


if __name__ == "__main__":
    with Lab() as the_lab, Mta(the_lab, "lgwan", "lgwan.example.jp") as the_mx, Mta(
            the_lab, "internet", "internet.example", f"lgwan.example.jp={MX[4]}") as the_out:
        status = run_tests(the_lab, the_mx, the_out)
    sys.exit(status)
