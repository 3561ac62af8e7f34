# SPDX-License-Identifier: GPL-2.0-or-later
"""How mail readers may see a mail: Python's email package, GMime, and one of our own that forgives whatever some
reader was ever known to forgive, each thing for itself and all of them together.

A reader yields parts: Part(type, disposition, name, charset, content).
"""

import base64
import email
import email.policy
import itertools
import random
import re
from collections import namedtuple

Part = namedtuple("Part", "type disposition name charset content")

# --- Python ------------------------------------------------------------------------------------------------------


def python_parts(mail, policy):
    for p in email.message_from_bytes(mail, policy=policy).walk():
        content = b"" if p.is_multipart() else p.get_payload(decode=True) or b""
        yield Part(p.get_content_type(), p.get_content_disposition(), p.get_filename(), p.get_content_charset(), content)


def python_defects(mail):
    """What Python's parser has to say against a mail."""
    found = []
    for policy in (email.policy.compat32, email.policy.default):
        for p in email.message_from_bytes(mail, policy=policy).walk():
            found += p.defects
            if policy is email.policy.default:
                found += [d for v in p.values() for d in v.defects]
    return found


# --- a lenient reader ----------------------------------------------------------------------------------------------

# What it forgives: name -> what it does; the first is what RFC 5322 and 2045 say.
QUIRKS = {
    "ends": ("crlf", "any", "more"),  # what ends a line: also CR and LF alone; also VT, FF, FS to US, NEL
    "blank": (False, True),           # a line of blanks ends the header
    "junk": ("end", "skip"),          # a line that is no field ends the header, or is passed over
    "name": ("exact", "trim", "loose"),
    "which": ("first", "last"),       # of several fields, of several parameters
    "comments": (True, False),        # are cut out of values
    "continued": (True, False),       # name*0*=, name*= (RFC 2231)
    "words": (False, True),           # encoded words in values
    "quotes": ("strict", "open", "none"),
    "type": ("plain", "binary"),      # what a type is that cannot be read
    "encoding": ("exact", "token", "within"),
    "line": ("exact", "trim", "prefix", "case", "anywhere"),  # delimiters
    "guess": (False, True),           # a multipart without boundary has the first line with two hyphens
    "digest": (True, False),
    "base64": ("skip", "stop", "strict"),
    "inner": (True, False),           # looks into messages
}
STRICT = {name: values[0] for name, values in QUIRKS.items()}
LENIENT = dict(STRICT, ends="any", blank=True, junk="skip", name="loose", words=True, quotes="open", encoding="within",
               line="prefix", guess=True)


def quirk_sets(n_random=6, seed=1):
    """The strict one, each quirk alone, all at once with first and with last, and some at random."""
    yield STRICT
    for name, values in QUIRKS.items():
        for value in values[1:]:
            yield dict(STRICT, **{name: value})
    for which, line in itertools.product(("first", "last"), ("prefix", "case", "anywhere")):
        yield dict(LENIENT, which=which, line=line)
    rng = random.Random(seed)
    for _ in range(n_random):
        yield {name: rng.choice(values) for name, values in QUIRKS.items()}


LINE = {"crlf": re.compile(rb"\r\n"), "any": re.compile(rb"\r\n|\r|\n"),
        "more": re.compile(rb"\r\n|[\r\n\x0b\x0c\x1c-\x1f]|\xc2\x85")}
COMMENT = re.compile(rb"\((?:[^()\\]|\\.)*\)")
WORD = re.compile(rb"=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=")


def decode_word(m):
    data = m.group(3)
    try:
        return base64.b64decode(data + b"==") if m.group(2) in b"bB" else from_qp(data.replace(b"_", b" "))
    except ValueError:
        return m.group(0)


def from_qp(data):
    data = re.sub(rb"=[ \t]*\r?\n", b"", data)
    return re.sub(rb"=([0-9A-Fa-f]{2})", lambda m: bytes([int(m.group(1), 16)]), data)


def from_base64(data, how):
    if how == "strict":
        try:
            return base64.b64decode(re.sub(rb"[\r\n]", b"", data), validate=True)
        except ValueError:
            return data
    clean = re.sub(rb"[^A-Za-z0-9+/=]", b"", data)
    runs = [clean.partition(b"=")[0]] if how == "stop" else [r for r in clean.split(b"=") if r]
    return b"".join(base64.b64decode(r[: len(r) - (len(r) % 4 == 1)] + b"=" * (-len(r) % 4)) for r in runs)


class Reader:
    def __init__(self, quirks):
        self.q = quirks

    def lines(self, data):
        """(line, where it begins, where the next begins)"""
        at = 0
        for m in LINE[self.q["ends"]].finditer(data):
            yield data[at: m.start()], at, m.end()
            at = m.end()
        if at < len(data):
            yield data[at:], at, len(data)

    def split(self, data):
        """(fields, body)"""
        fields = []
        for line, at, after in self.lines(data):
            if not line or (self.q["blank"] and not line.strip(b" \t")):
                return fields, data[after:]
            if line[:1] in b" \t":
                if fields:
                    fields[-1][1] += b" " + line.strip()
                continue
            name, colon, value = line.partition(b":")
            if not colon or not name.strip():
                if self.q["junk"] == "end":
                    return fields, data[at:]
                continue
            fields.append([self.name(name), value.strip()])
        return fields, b""

    def name(self, name):
        if self.q["name"] == "trim":
            name = name.strip()
        if self.q["name"] == "loose":
            name = re.sub(rb"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", b"", COMMENT.sub(b"", name).replace(b"_", b"-"))
        return name.lower()

    def field(self, fields, name):
        found = [v for n, v in fields if n == name]
        if not found:
            return None
        value = found[0] if self.q["which"] == "first" else found[-1]
        if self.q["words"]:
            value = WORD.sub(decode_word, value)
        return COMMENT.sub(b"", value).strip() if self.q["comments"] else value

    def parameters(self, value):
        found = {}
        quoted = {"strict": rb'"((?:[^"\\]|\\.)*)"|', "open": rb'"([^"]*)(?:"|$)|', "none": rb"(?!)()|"}[self.q["quotes"]]
        for m in re.finditer(rb";?\s*([^\s=;\"]+)\s*=\s*(?:" + quoted + rb"([^;\s]*))", value):
            name, v = m.group(1).lower(), m.group(2) if m.group(2) is not None else m.group(3)
            if self.q["continued"] and b"*" in name:
                name = name.partition(b"*")[0]
                v = re.sub(rb"%([0-9A-Fa-f]{2})", lambda x: bytes([int(x.group(1), 16)]), re.sub(rb"^[\w-]*'[^']*'", b"", v))
                v = found.get(name, b"") + v
            elif self.q["which"] == "first" and name in found:
                continue
            found[name] = v
        return found

    def parts(self, data, default=b"text/plain", depth=0):
        fields, body = self.split(data)
        value = self.field(fields, b"content-type")
        kind, params = default, {}
        if value is not None:
            kind = re.split(rb"[\s;,]", value, maxsplit=1)[0].lower().strip(b'"')
            params = self.parameters(value[len(kind):])
            if kind.count(b"/") != 1:
                kind = b"text/plain" if self.q["type"] == "plain" else b"application/octet-stream"
        where = self.field(fields, b"content-disposition") or b""
        names = self.parameters(where)
        name = names.get(b"filename") or params.get(b"name")
        disposition = re.split(rb"[\s;]", where, maxsplit=1)[0].lower()
        charset = params.get(b"charset")
        yield Part(kind.decode("latin-1"), disposition.decode("latin-1") or None, name,
                   charset.decode("latin-1").lower() if charset else None,
                   b"" if kind.startswith(b"multipart/") else self.content(fields, body))
        if depth > 20:
            return
        if kind.startswith(b"multipart/"):
            inner = b"message/rfc822" if kind.endswith(b"digest") and self.q["digest"] else b"text/plain"
            for p in self.cut(body, params.get(b"boundary")):
                yield from self.parts(p, inner, depth + 1)
        elif kind.startswith(b"message/") and self.q["inner"]:
            yield from self.parts(self.content(fields, body), depth=depth + 1)

    def content(self, fields, body):
        encoding = (self.field(fields, b"content-transfer-encoding") or b"").lower()
        if self.q["encoding"] == "token":
            encoding = re.split(rb"[^\w-]", encoding.strip(b' "'), maxsplit=1)[0]
        if self.q["encoding"] == "within":
            encoding = next((e for e in (b"base64", b"quoted-printable", b"uuencode") if e in encoding), encoding)
        if encoding == b"base64":
            return from_base64(body, self.q["base64"])
        return from_qp(body) if encoding == b"quoted-printable" else body

    def is_delimiter(self, line, boundary):
        wanted, how = b"--" + boundary, self.q["line"]
        if how == "case":
            line, wanted = line.lower(), wanted.lower()
        if how == "prefix":
            return line.startswith(wanted)
        if how == "anywhere":  # as PEAR's Mail_mimeDecode does
            return re.search(re.escape(wanted) + rb"(?:--|\s|$)", line) is not None
        if how == "trim":
            line = line.strip()
        line = line.rstrip(b" \t")
        return line in (wanted, wanted + b"--")

    def cut(self, body, boundary):
        lines = list(self.lines(body))
        if not boundary:
            found = [line[2:].rstrip() for line, _, _ in lines if line.startswith(b"--")]
            if not self.q["guess"] or not found:
                return
            boundary = found[0]
        begin = None
        for line, at, after in lines:
            if not self.is_delimiter(line, boundary):
                continue
            if begin is not None:
                yield body[begin:at]
            begin = None if line.rstrip(b" \t").endswith(boundary + b"--") else after
        if begin is not None:
            yield body[begin:]


# --- servers -------------------------------------------------------------------------------------------------------

# What some server takes for the end of data.
ENDS = {
    "strict": rb"\r\n\.\r\n",
    "bare LF": rb"\r?\n\.\r?\n",
    "bare CR": rb"(?:\r\n|\r|\n)\.(?:\r\n|\r|\n)",
    "CRs": rb"\r*\n\.\r*\n",
    "blanks": rb"\r?\n\.[ \t]*\r?\n",
    "no line end before": rb"(?:^|\r|\n)\.(?:\r|\n)+",
    "NUL": rb"[\r\n]\0*\.\0*\r?\0*\n",
    "dot and anything": rb"\r\n\.\r[^\n]?\n?",
}


def as_server(stream, end):
    """Commands and messages, without line ends behind them, as a server sees them that ends data with this."""
    seen, rest = [], stream
    while rest:
        line, nl, rest = rest.partition(b"\n")
        seen.append(line.strip() + nl)
        if line.strip().upper() != b"DATA":
            continue
        m = re.search(end, b"\r\n" + rest)
        if m is None:
            seen.append(rest.rstrip(b"\r\n"))
            return seen
        whole = b"\r\n" + rest
        seen.append(whole[2: m.start()].rstrip(b"\r\n"))
        rest = whole[m.end():]
    return seen
