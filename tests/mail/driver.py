# SPDX-License-Identifier: GPL-2.0-or-later
"""The inspector (feed.c) and GMime (gmime.c) as the mail tests use them, and an SMTP dialogue around a mail."""

import base64
import json
import os
import struct
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(os.environ.get("ZONEGATE_BUILD") or os.path.join(TOP, "build"), "mail")
CLIENT, SERVER, CLIENT_ENDS, SERVER_ENDS = range(4)
OFFERS = b"250-mx.example.jp\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n250 DSN\r\n"
BEFORE = [(SERVER, b"220 mx.example.jp ESMTP\r\n"), (CLIENT, b"EHLO out.example.jp\r\n"), (SERVER, OFFERS),
          (CLIENT, b"MAIL FROM:<a@example.jp>\r\n"), (SERVER, b"250 ok\r\n"), (CLIENT, b"RCPT TO:<b@example.lg.jp>\r\n"),
          (SERVER, b"250 ok\r\n"), (CLIENT, b"DATA\r\n"), (SERVER, b"354 go on\r\n")]
AFTER = [(SERVER, b"250 kept\r\n"), (CLIENT, b"QUIT\r\n"), (SERVER, b"221 bye\r\n")]


class Outcome:
    """What became of a dialogue. released[CLIENT]: what the server got."""

    def __init__(self, f):
        def number():
            return struct.unpack("=I", f.read(4))[0]

        def string():
            return f.read(number())
        self.fault, self.reason = string().decode(), string().decode()
        self.who, self.at = number(), number()
        self.drain, self.told, self.done = bool(number()), bool(number()), bool(number())
        self.released = [string(), string()]
        self.settled, self.settled_denied = string(), bool(number())


class Feed:
    """One process that judges dialogues."""

    def __init__(self, cuts=24):
        self.cuts = cuts
        self.p = subprocess.Popen([os.path.join(BUILD, "feed")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.stdin.close()
        self.p.wait()

    def judge(self, turns, settings):
        def string(s):
            return struct.pack("=I", len(s)) + s
        joined = ";".join(f"{k}={v}" for k, v in settings.items()).encode()
        self.p.stdin.write(string(joined) + struct.pack("=II", self.cuts, len(turns))
                           + b"".join(struct.pack("=I", who) + string(octets) for who, octets in turns))
        self.p.stdin.flush()
        return Outcome(self.p.stdout)

    def mail(self, wire, settings):
        """A mail as it is on the wire, with its end of data."""
        return self.judge([*BEFORE, (CLIENT, wire), *AFTER], settings)


class Gmime:
    """GMime's parser; loose or strict."""

    def __init__(self, loose):
        self.p = subprocess.Popen([os.path.join(BUILD, "gmime"), *(["loose"] if loose else [])], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.stdin.close()
        self.p.wait()

    def parts(self, mail):
        self.p.stdin.write(struct.pack("=I", len(mail)) + mail)
        self.p.stdin.flush()
        found = []
        while True:
            line = self.p.stdout.readline()
            if line == b"\n":
                return found
            if not line:
                raise RuntimeError("GMime ended")
            part = json.loads(line)
            part["text"] = base64.b64decode(part["text"])
            found.append(part)


def wire(mail):
    """A mail with LF or CRLF as it is sent, dots doubled, with its end of data."""
    lines = mail.replace(b"\r\n", b"\n").split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


def received(stream):
    """The mails of what a server got that takes CRLF.CRLF for the end and nothing else; the last may be cut."""
    mails, rest = [], stream
    while True:
        at = rest.upper().find(b"DATA\r\n")
        if at < 0:
            return mails
        rest = b"\r\n" + rest[at + 6:]
        body, end, rest = rest.partition(b"\r\n.\r\n")
        mails.append((body[2:] + b"\r\n" if end else body[2:]).replace(b"\r\n..", b"\r\n."))
