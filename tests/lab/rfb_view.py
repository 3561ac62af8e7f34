# SPDX-License-Identifier: GPL-2.0-or-later
"""An RFB viewer that keeps the picture, for tests: every encoding that may pass, read from its description; pictures of X11."""

import struct
import subprocess
import zlib

RAW, COPY, RRE, CORRE, HEXTILE, ZLIB, TIGHT, ZRLE = 0, 1, 2, 4, 5, 6, 7, 16
CURSOR, XCURSOR, SIZE, LAST, POINTER_POS, NAME, EXTENDED_SIZE = -239, -240, -223, -224, -232, -307, -308
FORMAT = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)


class Closed(Exception):
    """The other end has closed or reset the connection."""


def des_response(password, challenge):
    """VNC authentication: DES with the bits of each byte of the key turned round (RFC 6143 7.2.2), by openssl."""
    key = bytes(int(f"{b:08b}"[::-1], 2) for b in password.encode()[:8].ljust(8, b"\0"))
    p = subprocess.run(["openssl", "enc", "-des-ecb", "-nopad", "-provider", "legacy", "-provider", "default", "-K", key.hex()],
                       input=challenge, capture_output=True, check=True)
    return p.stdout


class Viewer:
    """On a connected socket. picture: rows of bytes B G R, without the fourth byte of each pixel."""

    def __init__(self, s, encodings=(RAW,), password=None, version=b"RFB 003.008\n"):
        self.s, self.buffer, self.used, self.bytes, self.updates = s, b"", set(), 0, 0
        self.cut_texts, self.bells = [], 0
        self.server_version = self.take(12)
        s.sendall(version)
        n = self.take(1)[0]
        if n == 0:
            raise Closed(self.text())
        self.types = list(self.take(n))
        if 1 in self.types:
            s.sendall(b"\1")
        else:
            s.sendall(b"\2")
            s.sendall(des_response(password, self.take(16)))
        if struct.unpack(">I", self.take(4))[0] != 0:
            raise Closed(self.text())
        s.sendall(b"\1")
        self.width, self.height = struct.unpack(">HH", self.take(4))
        self.take(16)
        self.name = self.text()
        self.streams = {}
        self.clear()
        s.sendall(b"\0\0\0\0" + FORMAT)
        s.sendall(struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings))

    def clear(self):
        self.rows = [bytearray(self.width * 3) for _ in range(self.height)]

    @property
    def picture(self):
        return [bytes(r) for r in self.rows]

    def take(self, n):
        parts = [self.buffer]
        have = len(self.buffer)
        while have < n:
            try:
                got = self.s.recv(262144)
            except ConnectionError as e:
                raise Closed(type(e).__name__) from e
            if not got:
                raise Closed("end")
            parts.append(got)
            have += len(got)
        whole = b"".join(parts)
        self.buffer = whole[n:]
        self.bytes += n
        return whole[:n]

    def text(self):
        return self.take(struct.unpack(">I", self.take(4))[0]).decode("latin-1")

    def request(self, incremental=True):
        self.s.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def key(self, down, sym):
        self.s.sendall(struct.pack(">BBxxI", 4, down, sym))

    def pointer(self, buttons, x, y):
        self.s.sendall(struct.pack(">BBHH", 5, buttons, x, y))

    def cut(self, text):
        self.s.sendall(struct.pack(">BxxxI", 6, len(text)) + text)

    def message(self):
        """The next one; True: an update."""
        kind = self.take(1)[0]
        if kind == 0:
            n = struct.unpack(">xH", self.take(3))[0]
            while n > 0 and self.rectangle():
                n -= 1
            self.updates += 1
            return True
        if kind == 1:
            self.take(struct.unpack(">xHH", self.take(5))[1] * 6)
        elif kind == 2:
            self.bells += 1
        elif kind == 3:
            self.take(3)
            self.cut_texts.append(self.text())
        else:
            raise AssertionError(f"message {kind}")
        return False

    def update(self):
        while not self.message():
            pass

    # --- rectangles

    def rectangle(self):
        x, y, w, h, encoding = struct.unpack(">HHHHi", self.take(12))
        self.used.add(encoding)
        if encoding == LAST:
            return False
        if encoding in (SIZE, EXTENDED_SIZE):
            if encoding == EXTENDED_SIZE:
                self.take(self.take(4)[0] * 16)
            if (w, h) != (self.width, self.height):
                self.width, self.height = w, h
                self.clear()
        elif encoding in (CURSOR, XCURSOR):
            mask = (w + 7) // 8 * h
            self.take(w * h * 4 + mask if encoding == CURSOR else 6 + 2 * mask if w * h else 0)
        elif encoding == NAME:
            self.name = self.text()
        elif encoding != POINTER_POS:
            {RAW: self.raw, COPY: self.copy, RRE: self.rre, CORRE: self.rre, HEXTILE: self.hextile, ZLIB: self.zlib,
             TIGHT: self.tight, ZRLE: self.zrle}[encoding](x, y, w, h, encoding)
        return True

    def put(self, x, y, w, h, pixels):
        """pixels: three bytes each, row by row."""
        for i in range(h):
            self.rows[y + i][x * 3: (x + w) * 3] = pixels[i * w * 3: (i + 1) * w * 3]

    def fill(self, x, y, w, h, pixel):
        self.put(x, y, w, h, pixel[:3] * (w * h))

    @staticmethod
    def three(pixels):
        """Without every fourth byte."""
        out = bytearray(len(pixels) // 4 * 3)
        for i in range(3):
            out[i::3] = pixels[i::4]
        return bytes(out)

    def inflate(self, stream, data):
        d = self.streams.setdefault(stream, zlib.decompressobj())
        return d.decompress(data)

    def raw(self, x, y, w, h, _):
        self.put(x, y, w, h, self.three(self.take(w * h * 4)))

    def copy(self, x, y, w, h, _):
        sx, sy = struct.unpack(">HH", self.take(4))
        was = [bytes(self.rows[sy + i][sx * 3: (sx + w) * 3]) for i in range(h)]
        self.put(x, y, w, h, b"".join(was))

    def rre(self, x, y, w, h, encoding):
        n = struct.unpack(">I", self.take(4))[0]
        self.fill(x, y, w, h, self.take(4))
        for _ in range(n):
            pixel = self.take(4)
            a, b, c, d = struct.unpack(">4H", self.take(8)) if encoding == RRE else self.take(4)
            self.fill(x + a, y + b, c, d, pixel)

    def hextile(self, x, y, w, h, _):
        back = front = b"\0\0\0\0"
        for ty in range(y, y + h, 16):
            th = min(16, y + h - ty)
            for tx in range(x, x + w, 16):
                tw, kind = min(16, x + w - tx), self.take(1)[0]
                if kind & 1:
                    self.raw(tx, ty, tw, th, RAW)
                    continue
                back = self.take(4) if kind & 2 else back
                front = self.take(4) if kind & 4 else front
                self.fill(tx, ty, tw, th, back)
                for _ in range(self.take(1)[0] if kind & 8 else 0):
                    pixel = self.take(4) if kind & 16 else front
                    at, size = self.take(2)
                    self.fill(tx + (at >> 4), ty + (at & 15), (size >> 4) + 1, (size & 15) + 1, pixel)

    def zlib(self, x, y, w, h, _):
        self.put(x, y, w, h, self.three(self.inflate("zlib", self.take(struct.unpack(">I", self.take(4))[0]))))

    @staticmethod
    def indexes(data, w, h, bits):
        row = (w * bits + 7) // 8
        for i in range(h):
            number = int.from_bytes(data[i * row: (i + 1) * row], "big")
            for j in range(w):
                yield number >> (row * 8 - bits * (j + 1)) & (1 << bits) - 1

    def zrle(self, x, y, w, h, _):
        data = self.inflate("zrle", self.take(struct.unpack(">I", self.take(4))[0]))
        at = 0

        def run():
            nonlocal at
            n = 1
            while data[at] == 255:
                n += 255
                at += 1
            at += 1
            return n + data[at - 1]
        for ty in range(y, y + h, 64):
            th = min(64, y + h - ty)
            for tx in range(x, x + w, 64):
                tw = min(64, x + w - tx)
                code, at = data[at], at + 1
                count = 1 if code == 1 else code & 127 if code not in (0, 128) else 0
                palette = [data[at + 3 * i: at + 3 * i + 3] for i in range(count)]
                at += 3 * count
                if code == 0:
                    pixels, at = data[at: at + tw * th * 3], at + tw * th * 3
                elif code == 1:
                    pixels = palette[0] * (tw * th)
                elif code < 128:
                    bits = 1 if code == 2 else 2 if code <= 4 else 4
                    size = (tw * bits + 7) // 8 * th
                    pixels = b"".join(palette[i] for i in self.indexes(data[at: at + size], tw, th, bits))
                    at += size
                else:
                    parts, have = [], 0
                    while have < tw * th:
                        if code == 128:
                            pixel, at = data[at: at + 3], at + 3
                            n = run()
                        else:
                            index, at = data[at], at + 1
                            pixel = palette[index & 127]
                            n = run() if index & 128 else 1
                        parts.append(pixel * n)
                        have += n
                    pixels = b"".join(parts)
                self.put(tx, ty, tw, th, pixels)
        assert at == len(data), "more than the pixels"

    # Tight sends its three bytes as red, green, blue.
    @staticmethod
    def turned(pixels):
        out = bytearray(pixels)
        out[0::3], out[2::3] = pixels[2::3], pixels[0::3]
        return bytes(out)

    def tight_data(self, stream, size):
        if size < 12:
            return self.take(size)
        n = shift = 0
        for i in range(3):
            byte = self.take(1)[0]
            n |= (byte & 0x7f if i < 2 else byte) << shift
            shift += 7
            if i < 2 and not byte & 0x80:
                break
        return self.inflate(("tight", stream), self.take(n))

    def tight(self, x, y, w, h, _):
        control = self.take(1)[0]
        for i in range(4):
            if control >> i & 1:
                self.streams.pop(("tight", i), None)
        if control >> 4 == 8:
            self.fill(x, y, w, h, self.turned(self.take(3)))
            return
        assert control < 0x80, f"Tight {control:#x}"
        stream, kind = control >> 4 & 3, self.take(1)[0] if control & 0x40 else 0
        if kind == 1:
            n = self.take(1)[0] + 1
            colours = self.turned(self.take(3 * n))
            palette = [colours[3 * i: 3 * i + 3] for i in range(n)]
            bits = 1 if n == 2 else 8
            data = self.tight_data(stream, (w * bits + 7) // 8 * h)
            pixels = b"".join(palette[i] for i in self.indexes(data, w, h, bits))
        else:
            pixels = self.tight_data(stream, w * h * 3)
            pixels = self.turned(pixels if kind == 0 else self.gradient(pixels, w, h))
        self.put(x, y, w, h, pixels)

    @staticmethod
    def gradient(data, w, h):
        out, above = bytearray(), [0] * (w * 3 + 3)
        for i in range(h):
            row = [0, 0, 0]
            for j in range(w * 3):
                guess = row[j] + above[j + 3] - above[j]
                row.append(data[i * w * 3 + j] + min(max(guess, 0), 255) & 255)
            out += bytes(row[3:])
            above = row
        return bytes(out)


def x_picture(display):
    """The root window of an X server, in the form of Viewer.picture."""
    dump = subprocess.run(["xwd", "-root", "-silent", "-display", display], capture_output=True, check=True).stdout
    f = struct.unpack(">25I", dump[:100])
    width, height, big, line, colours = f[4], f[5], f[7], f[12], f[19]
    assert line == width * 4 and not big, "another picture than expected"
    pixels = dump[f[0] + colours * 12:]
    return [Viewer.three(pixels[i * line: i * line + width * 4]) for i in range(height)]


def ppm_picture(data):
    """A PPM file (P6), in the same form."""
    magic, size, _, pixels = data.split(b"\n", 3)
    assert magic == b"P6"
    w, h = map(int, size.split())
    return [Viewer.turned(pixels[i * w * 3: (i + 1) * w * 3]) for i in range(h)]


def within(small, large):
    """Is one picture wholly within another one?"""
    for y in range(len(large) - len(small) + 1):
        x = large[y].find(small[0])
        while x >= 0:
            if x % 3 == 0 and all(large[y + i][x: x + len(row)] == row for i, row in enumerate(small)):
                return True
            x = large[y].find(small[0], x + 1)
    return False
