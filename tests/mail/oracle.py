# SPDX-License-Identifier: GPL-2.0-or-later
"""What may reach a receiver: what every server and every reader of readers.py sees in it has to be text.

complaints() is empty if it is.
"""

import email.policy
import re

from driver import CLIENT, received
from readers import ENDS, Reader, as_server, python_defects, python_parts

CHARSETS = {None, "us-ascii", "utf-8", "iso-2022-jp"}
LINK = re.compile(rb"(?:https?|ftps?):", re.I)
FILE = re.compile(rb"(?:^|[\r\n\x0b\x0c])[ \t]*(?:begin[ \t]+[0-7]{3,4}[ \t]|begin-base64[ \t]|=ybegin |\(this file must be converted with binhex"
                  rb"|-----begin (?:pgp|pkcs7|cms|privacy-enhanced))", re.I)
TYPES = {"verify": {"text/plain"}, "textify": {"text/plain", "multipart/mixed"}}


def characters(part):
    """What of a text is ASCII: double-byte characters of ISO-2022-JP look like it and are none."""
    if (part.charset or "").lower().strip('"') != "iso-2022-jp":
        return part.content
    return re.sub(rb"\x1b\$[@B][^\x1b]*", b"", part.content).replace(b"\x1b(B", b"")


class Oracle:
    def __init__(self, strict, loose, quirks):
        self.gmime = {"GMime, strict": strict, "GMime, loose": loose}
        self.readers = [(f"lenient reader {n}", Reader(q)) for n, q in enumerate(quirks)]

    def read(self, mail):
        """(reader, parts)"""
        for name, policy in (("Python, compat32", email.policy.compat32), ("Python, default", email.policy.default)):
            yield name, list(python_parts(mail, policy))
        for name, gmime in self.gmime.items():
            yield name, [Gpart(p) for p in gmime.parts(mail)]
        for name, reader in self.readers:
            yield name, list(reader.parts(mail))

    def text_only(self, mail, mode, gone):
        """Of a mail that a server got, whole or cut. gone: what no reader may find in it."""
        found = []
        for reader, parts in self.read(mail):
            for p in parts:
                if p.type not in TYPES[mode]:
                    found.append(f"{reader}: a part is {p.type}")
                if p.disposition not in (None, "inline"):
                    found.append(f"{reader}: disposition {p.disposition}")
                if p.name:
                    found.append(f"{reader}: a file {p.name}")
                if p.charset and p.charset.lower().strip('"') not in CHARSETS:
                    found.append(f"{reader}: charset {p.charset}")
                if mode == "textify" and LINK.search(characters(p)):
                    found.append(f"{reader}: a link {LINK.search(characters(p)).group(0)!r}")
                if FILE.search(p.content):
                    found.append(f"{reader}: a file within text {FILE.search(p.content).group(0)!r}")
                if gone and gone in p.content:
                    found.append(f"{reader}: {gone!r} in {p.content[:200]!r}")
            if mode == "verify" and len(parts) != 1:
                found.append(f"{reader}: {len(parts)} parts")
        return found

    def defects(self, mail):
        """What strict parsers have to say against a mail."""
        found = [f"Python: {d!r}" for d in python_defects(mail)]
        return found + [f"GMime warns: {w}" for p in self.gmime["GMime, strict"].parts(mail) for w in p["warnings"]]

    def complaints(self, outcome, mode, gone=None, known_defects=None):
        """known_defects: those that the mail had when it was sent; None: nobody asks."""
        found = [outcome.fault] if outcome.fault else []
        for stream, denied in ((outcome.released[CLIENT], bool(outcome.reason)), (outcome.settled, outcome.settled_denied)):
            if denied and stream.endswith(b"\r\n.\r"):
                stream = stream[:-2]  # whoever takes this for the end gets a mail that was read to its end
            strict = as_server(stream, ENDS["strict"])
            for name, end in ENDS.items():
                if as_server(stream, end) != strict:
                    found.append(f"a server that takes {name} for the end sees other messages")
            mails = received(stream)
            for i, mail in enumerate(mails):
                cut = denied and i + 1 == len(mails)
                if cut:
                    found += self.cut_short(mail, mode, gone)
                    continue
                found += self.text_only(mail, mode, gone)
                if known_defects is not None:
                    found += [d for d in self.defects(mail) if d not in known_defects]
        return found

    def cut_short(self, mail, mode, gone):
        """What was refused: its beginning went on, and nobody finds there what should be gone."""
        if not gone or b"\r\n\r\n" not in mail:
            return []
        return [f"refused, and {what}" for what in self.text_only(mail, mode, gone) if repr(gone) in what]


class Gpart:
    """GMime's part as the others are."""

    def __init__(self, p):
        self.type, self.charset, self.disposition, self.name, self.content = (
            p["type"].lower(), p["charset"], p["disposition"], p["filename"], p["text"])
