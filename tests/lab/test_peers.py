# SPDX-License-Identifier: GPL-2.0-or-later
"""Real mail servers as senders and as receivers, in both modes of the smtp inspector; many sessions, large and slow mails."""

import contextlib
import email
import email.policy
import glob
import itertools
import os
import pty
import select
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time

from lablib import (ATTACHMENT, HTML, LAB, MX, SAMPLE, SLOW, TO_DATA, TOP, Client, Lab, dialogue, need, run_tests, test, text_mail,
                    wait_for)

MTA = os.path.join(TOP, "scripts", "mta")
PEER = os.path.join(TOP, "scripts", "peer")
KINDS = ("postfix", "exim", "opensmtpd", "sendmail")
TEXT = "住民税のお知らせです。\r\n\r\n・期限は月末です。\r\n..先頭の点も、そのまま。\r\n.\r\nhttps://www.example.lg.jp/\r\nおわり\r\n"
MEGABYTES = 50


token = (b"T%dx%d." % (os.getpid(), n) for n in itertools.count())


def config(mode, size=None):
    text = open(SAMPLE, encoding="utf-8").read()
    more = f' max_message = {size};' if size else ""
    return text.replace('mode = "verify";', f'mode = "{mode}";{more}')


class Server:
    """One of the mail servers on a host; its inbox."""

    def __init__(self, lab, kind, host, domain, relay=None):
        self.lab, self.kind, self.host = lab, kind, host
        self.dir = os.path.join(lab.files, f"{kind}-{host}")
        command = [MTA, "run", self.dir] if kind == "postfix" else [PEER, "run", kind, self.dir]
        self.process = subprocess.Popen([LAB, "exec", "--name", lab.name, host, "--", *command, domain, *([relay] if relay else [])],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        try:
            need(wait_for(self.serves, 30, 0.1), f"{self.kind} does not serve")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def serves(self):
        try:
            with self.lab.connect(self.host, "127.0.0.1", 25, timeout=2) as s:
                return s.recv(10).startswith(b"220")
        except OSError:
            return False

    def inbox(self):
        found = []
        for path in glob.glob(self.dir + "/inbox/new/*"):
            with open(path, "rb") as f:
                found.append(f.read())
        return found

    def find(self, what, seconds=30):
        """The one mail that has it; None if there is none."""
        found = wait_for(lambda: [m for m in self.inbox() if what in m], seconds, 0.1)
        need(len(found) <= 1, lambda: f"{len(found)} copies of {what!r}")
        return email.message_from_bytes(found[0], policy=email.policy.default) if found else None

    def queue(self, mail, sender, recipient):
        command = [MTA, "send", self.dir] if self.kind == "postfix" else [PEER, "send", self.kind, self.dir]
        p = self.lab.exec(self.host, *command, sender, recipient, input=mail.decode("utf-8").replace("\r\n", "\n"))
        need(p.returncode == 0, lambda: f"{self.kind} did not take the mail: {p.stderr}")


def body_of(mail, charset):
    return mail.get_payload(decode=True).decode(charset).replace("\r\n", "\n").rstrip("\n")


def shown(mail):
    """All text that a reader shows, and that it finds nothing else."""
    text = ""
    for p in mail.walk():
        need(not p.defects, f"{p.defects}")
        need(p.get_content_type() in ("text/plain", "multipart/mixed") and p.get_filename() is None, f"{p.get_content_type()} {p.get_filename()}")
        if not p.is_multipart():
            text += p.get_payload(decode=True).decode(p.get_content_charset() or "ascii")
    return text


def text_goes(out, mx, defused):
    """From author to inbox, in both charsets."""
    said = TEXT.replace("https:", "hxxps:").replace("www.", defused) if defused else TEXT
    sent = {next(token): charset for charset in ("iso-2022-jp", "utf-8")}
    for t, charset in sent.items():
        out.queue(text_mail(TEXT, charset, t), "author@internet.example", "b@lgwan.example.jp")
    for t, charset in sent.items():
        got = mx.find(t)
        need(got is not None, f"{charset}: not delivered")
        need(body_of(got, charset) == said.replace("\r\n", "\n").rstrip("\n"), lambda: f"{charset}: delivered {body_of(got, charset)!r}")


def pairs(shift):
    for i, sender in enumerate(KINDS):
        yield sender, KINDS[(i + shift) % len(KINDS)]


def through(lab, sender, receiver, check):
    with Server(lab, receiver, "lgwan", "lgwan.example.jp") as mx, Server(
            lab, sender, "internet", "internet.example", f"lgwan.example.jp={MX[4]}") as out:
        check(out, mx)


def verify_check(out, mx):
    text_goes(out, mx, None)
    bad = next(token)
    out.queue(HTML.replace(b"Subject: ", b"Subject: " + bad + b" "), "author@internet.example", "b@lgwan.example.jp")
    bounce = out.find(bad)
    need(bounce is not None, "the author of the HTML got no bounce")
    need(b"zonegate" in bounce.as_bytes(), "the bounce does not tell why")
    need(mx.find(bad, 0.3) is None, "the HTML was delivered")


def textify_check(out, mx):
    text_goes(out, mx, "wwx.")
    for mail, words in ((HTML, ("click",)), (ATTACHMENT, ("see file",))):
        t = next(token)
        out.queue(mail.replace(b"Subject: ", b"Subject: " + t + b" "), "author@internet.example", "b@lgwan.example.jp")
        got = mx.find(t)
        need(got is not None, "not delivered")
        text = shown(got)
        need(all(w in text for w in words) and "http:" not in text and "<" not in text and b"TVqQ" not in got.as_bytes(), lambda: f"{text!r}")


# Each server sends and receives in each mode.
for the_mode, the_shift, the_check in (("verify", 1, verify_check), ("textify", 2, textify_check)):
    for the_sender, the_receiver in pairs(the_shift):
        @test(f"{the_mode}: {the_sender} sends to {the_receiver}")
        def one(labs, m=the_mode, s=the_sender, r=the_receiver, c=the_check):
            return through(labs[m], s, r, c)


@test("textify, exim behind it: 100 sessions side by side, 50 MB, an octet at a time, swaks; what mutt shows")
def load(labs):
    with Server(labs["textify"], "exim", "lgwan", "lgwan.example.jp") as mx:
        for step in (sessions, large, slow, swaks, mutt):
            step(labs["textify"], mx)


def delivered(mx, marks):
    together = b"\n".join(mx.inbox())
    return sum(mark in together for mark in marks)


def sessions(lab, mx):
    """All of them have said EHLO before the first sends."""
    n, ready, answers = 100, threading.Barrier(100), []
    marks = [next(token) for _ in range(n)]

    def session(mark):
        try:
            with Client(lab, timeout=60) as c:
                c.ehlo()
                ready.wait(60 * SLOW)
                c.mail("a@internet.example")
                c.rcpt("b@lgwan.example.jp")
                answers.append(c.data(text_mail(TEXT, "utf-8", mark))[0])
        except (OSError, smtplib.SMTPException, threading.BrokenBarrierError) as e:
            answers.append(repr(e))
    threads = [threading.Thread(target=session, args=(m,)) for m in marks]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    need(answers == [250] * n, lambda: f"answered {[a for a in answers if a != 250]}")
    need(wait_for(lambda: delivered(mx, marks) == n, 60, 0.3), lambda: f"{delivered(mx, marks)} of {n} were delivered")


def large(lab, _mx):
    """50 MB that nobody has to write down."""
    line = b"TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"
    head, tail = ATTACHMENT.split(b"TVqQAAMAAAAEAAAA\r\n")
    mail = head + line * (MEGABYTES * 1000 * 1000 // len(line)) + tail
    with lab.connect("internet", MX[4], timeout=120) as s:
        need(dialogue(s, *TO_DATA)[-1].startswith(b"354"), "no 354")
        s.sendall(mail + b".\r\n")
        answer = s.recv(200)
        need(answer.startswith(b"250"), f"answered {answer!r}")


def slow(lab, mx):
    """An octet at a time."""
    mark = next(token)
    with lab.connect("internet", MX[4], timeout=60) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        need(dialogue(s, *TO_DATA)[-1].startswith(b"354"), "no 354")
        for octet in text_mail("see https://a.example/\r\n", "utf-8", mark) + b".\r\n":
            s.sendall(bytes([octet]))
            time.sleep(0.002)
        answer = s.recv(200)
        need(answer.startswith(b"250"), f"answered {answer!r}")
    got = mx.find(mark)
    need(got is not None and "https:" not in got.get_content() and "a.example" in got.get_content(), "the slow mail")


def swaks(lab, mx):
    for options in (["--pipeline"], ["--attach", "@" + SAMPLE, "--attach-type", "application/octet-stream"], ["--body", "see http://a.example/"]):
        mark = next(token).decode()
        p = lab.exec("internet", "swaks", "--server", MX[4], "--local-interface", "10.30.0.25", "--from", "a@internet.example", "--to", "b@lgwan.example.jp",
                     "--h-Subject", mark, "--ehlo", "out.internet.example", *options)
        need(p.returncode == 0, lambda: f"swaks {options}: {p.returncode} {p.stdout[-400:]}{p.stderr}")
        got = mx.find(mark.encode())
        need(got is not None and "http:" not in shown(got) and "flows" not in shown(got), f"swaks {options}")


def mutt(lab, mx):
    """What mutt shows of an HTML mail with a file."""
    mark = next(token)
    with Client(lab) as c:
        c.sendmail("a@internet.example", ["b@lgwan.example.jp"], ATTACHMENT.replace(b"Subject: ", b"Subject: " + mark + b" ").replace(
            b"text/plain; charset=us-ascii\r\n\r\nsee file", b"text/html; charset=us-ascii\r\n\r\n<p>see <b>file</b> http://a.example/</p>"))
    need(mx.find(mark) is not None, "not delivered")
    folder, out = os.path.join(lab.files, "folder"), os.path.join(lab.files, "shown")
    for d in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(folder, d), exist_ok=True)
    with open(os.path.join(folder, "new", "1"), "wb") as f:
        f.write([m for m in mx.inbox() if mark in m][0])
    keys = [f"|cat >{out}\r".encode(), b"x"]  # pipe the message, leave
    screen, terminal = pty.openpty()
    with subprocess.Popen(["mutt", "-n", "-F", "/dev/null", "-R", "-f", folder, "-e", f"set folder={folder} pipe_decode=yes wait_key=no mark_old=no"], stdin=terminal,
                          stdout=terminal, stderr=terminal, env=dict(os.environ, TERM="vt100", HOME=lab.files, LC_ALL="C.UTF-8")) as p:
        os.close(terminal)
        drawn = b""
        with contextlib.suppress(OSError):  # its end
            while p.poll() is None and select.select([screen], [], [], 20 * SLOW)[0]:
                drawn += os.read(screen, 65536)
                if keys and b"(all)" in drawn:  # the list of mails stands
                    os.write(screen, keys.pop(0))
                    drawn = b""
        p.kill()
    os.close(screen)
    need(os.path.exists(out), lambda: f"mutt showed nothing: {drawn[-300:]!r}")
    text = open(out, encoding="utf-8", errors="replace").read()
    need("file" in text and "hxxp://a.example/" in text and "<" not in text.split("\n\n", 1)[1] and "invoice" not in text, lambda: f"mutt shows {text!r}")


if __name__ == "__main__":
    with Lab(config("verify")) as one_lab, Lab(config("textify", (MEGABYTES + 10) << 20)) as other_lab:
        status = run_tests({"verify": one_lab, "textify": other_lab})
    sys.exit(status)
