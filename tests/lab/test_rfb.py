# SPDX-License-Identifier: GPL-2.0-or-later
"""Screen transfer through the boundary: real servers and viewers, pictures compared pixel by pixel, and what may not ride along.

ZG_TEST_LONG=1: more viewers, and the frame rate with the boundary and without."""

import contextlib
import itertools
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

from lablib import BUILD, SLOW, TOP, Failed, Lab, need, run_tests, test, wait_for
from rfb_view import (COPY, CORRE, CURSOR, EXTENDED_SIZE, HEXTILE, LAST, NAME, RAW, RRE, SIZE, TIGHT, ZLIB, ZRLE, Closed, Viewer,
                      ppm_picture, within, x_picture)

LONG = bool(os.environ.get("ZG_TEST_LONG"))
TERMINAL, DESK, DESK6 = "10.20.0.100", "10.30.0.50", "fd00:30::50"
WATCHER, WATCHED = "10.20.0.60", "10.30.0.60"
PASSWORD = "secret12"
PSEUDO = (CURSOR, SIZE, EXTENDED_SIZE, LAST, NAME)
JPEG, FINE_JPEG, EXTENDED_CLIPBOARD, FENCE, CONTINUOUS, ALPHA_CURSOR = -23, -412, 0xC0A1E5CE - (1 << 32), -312, -313, -314


def sample(name):
    with open(os.path.join(TOP, "conf", "models", name + ".conf"), encoding="utf-8") as f:
        return f.read()


class Programs:
    """What is started ends with the test file, and nothing else."""

    def __init__(self, lab):
        self.lab, self.all = lab, []

    def start(self, host, *cmd, keep=(), env=None, stdin=subprocess.DEVNULL, stdout=None):
        log = open(os.path.join(self.lab.files, os.path.basename(cmd[0]) + f".{len(self.all)}.log"), "wb")
        with self.lab.inside(host):
            p = subprocess.Popen(cmd, pass_fds=keep, stdin=stdin, stdout=stdout or log, stderr=log, start_new_session=True,
                                 env=dict(os.environ, HOME=self.lab.files, **(env or {})))
        p.log = log.name
        self.all.append(p)
        return p

    def end(self, p):
        p.terminate()
        try:
            p.wait(5 * SLOW)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in reversed(self.all):
            self.end(p)

    numbers = itertools.count(100 + os.getpid() % 4000 * 12)

    def display(self, host, *cmd):
        """An X server, once it is ready. It cannot find a free number itself: some of its sockets are the network namespace's."""
        name = f":{next(Programs.numbers)}"
        r, w = os.pipe()
        p = self.start(host, cmd[0], name, *cmd[1:], "-noreset", "-displayfd", str(w), keep=(w,))
        os.close(w)
        with os.fdopen(r) as f:
            ready = f.readline().strip()
        need(ready, lambda: f"{cmd[0]} did not start: " + open(p.log, errors="replace").read()[-500:])
        return name

    def xvnc(self, host, port, *options, geometry="320x240"):
        return self.display(host, "Xvnc", "-rfbport", str(port), "-geometry", geometry, "-depth", "24",
                            "-desktop", "desk 画面", *options)

    def paint(self, host, display):
        """Colours and text, which stand still then; on the background a pointer cannot be seen."""
        empty = self.lab.file("empty.xbm", "#define e_width 8\n#define e_height 1\n#define e_x_hot 0\n#define e_y_hot 0\nstatic unsigned char e_bits[] = {\n   0x00};\n")
        with self.lab.inside(host):
            for options in (["-mod", "7", "5", "-fg", "#c06020", "-bg", "#104080"], ["-cursor", empty, empty]):
                subprocess.run(["xsetroot", "-display", display, *options], check=True)
        self.start(host, "xterm", "-display", display, "-geometry", "40x12+9+9", "-fn", "fixed", "+bc", "-e", "sh", "-c",
                   "for i in 1 2 3 4 5 6 7; do printf '\\033[3%dm%d: 0123456789 abcdefghijk\\n' $i $i; done; exec sleep 1000")
        self.start(host, "xlogo", "-display", display, "-geometry", "90x90+200+120")

    def moving(self, host, display):
        """Text that scrolls without end, and eyes."""
        return self.start(host, "xterm", "-display", display, "-geometry", "60x18+0+0", "-fn", "fixed", "-e", "sh", "-c",
                          "while :; do echo $((i=i+1)) moving text of a terminal; done")


def connect(lab, port, address=DESK, host="lgwan", source=None):
    return lab.connect(host, address, port, source, timeout=20)


def viewer(lab, port, encodings, **kw):
    """With its pointer on the background: a server draws one that it takes for somebody else's."""
    v = Viewer(connect(lab, port, **kw), encodings, PASSWORD)
    v.pointer(0, v.width - 4, 4)
    return v


def until_same(v, truth, what, seconds=10):
    """Asks for updates until the viewer's picture is the truth."""
    v.request(False)
    end = time.monotonic() + seconds * SLOW
    while True:
        v.update()
        if v.picture == truth():
            return
        need(time.monotonic() < end, lambda: f"{what}: {sum(a != b for a, b in zip(v.picture, truth()))} rows differ")
        v.request()


def still(truth):
    """Waits until a picture stands still and shows something."""
    was = []

    def same():
        was.append(truth())
        time.sleep(0.2)
        return len(was) > 1 and was[-1] == was[-2] and len({r for r in was[-1]}) > 20
    need(wait_for(same, 20), "the picture does not come to rest")


EACH = ((RAW,), (COPY, RRE), (CORRE,), (HEXTILE,), (ZLIB,), (TIGHT, -247), (TIGHT, -256), (ZRLE,),
        # what viewers ask for by default: pseudo-encodings first, with all that may not pass
        (ALPHA_CURSOR, EXTENDED_CLIPBOARD, FENCE, CONTINUOUS, TIGHT, COPY, ZRLE, HEXTILE, RAW, -254, JPEG, FINE_JPEG))


def each_encoding(lab, port, truth):
    used, sizes = set(), []
    for encodings in EACH:
        v = viewer(lab, port, (*PSEUDO, *encodings))
        until_same(v, truth, f"{encodings}")
        used |= v.used
        sizes.append(v.bytes)
        v.s.close()
    return used


@test("Xvnc of TigerVNC with its defaults: every encoding, pixel by pixel", san=True)
def tiger(lab, run):
    display = lab.xvnc
    used = each_encoding(lab, 5901, lambda: x_picture(display))
    need({RAW, RRE, HEXTILE, TIGHT, ZRLE} <= used, f"only {used}")
    v = viewer(lab, 5901, (*PSEUDO, ZRLE), address=DESK6)
    until_same(v, lambda: x_picture(display), "IPv6")
    need(v.types == [2] * len(v.types), f"security types {v.types}")
    need(v.name == "desk ??????", v.name)
    v.s.close()


@test("x11vnc: every encoding, pixel by pixel", san=True)
def x11vnc(lab, run):
    display = run.display("internet", "Xvfb", "-screen", "0", "320x240x24", "-nolisten", "tcp")
    run.paint("internet", display)
    still(lambda: x_picture(display))
    run.start("internet", "x11vnc", "-display", display, "-rfbport", "5902", "-nopw", "-forever", "-shared", "-quiet", "-noxdamage",
              "-wait", "10", "-defer", "10", "-norc", "-noshm")
    need(wait_for(lambda: listening(lab, 5902), 20), "x11vnc does not listen")
    used = each_encoding(lab, 5902, lambda: x_picture(display))
    need({RAW, RRE, CORRE, HEXTILE, ZLIB, TIGHT, ZRLE} <= used, f"only {used}")


def listening(lab, port):
    try:
        connect(lab, port).close()
        return True
    except OSError:
        return False


@test("QEMU's own server: every encoding, pixel by pixel")
def qemu(lab, run):
    p = run.start("internet", "qemu-system-x86_64", "-accel", "tcg", "-m", "32", "-nodefaults", "-vga", "std", "-vnc", ":3",
                  "-monitor", "stdio", stdin=subprocess.PIPE)
    path = os.path.join(lab.files, "screen.ppm")

    def truth():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        p.stdin.write(b"screendump " + path.encode() + b"\n")
        p.stdin.flush()
        need(wait_for(lambda: os.path.exists(path) and os.path.getsize(path) > 640 * 400, 10), "no screendump")
        with open(path, "rb") as f:
            return ppm_picture(f.read())
    need(wait_for(lambda: listening(lab, 5903), 20), "QEMU does not listen")
    still(truth)
    used = each_encoding(lab, 5903, truth)
    need({RAW, HEXTILE, ZLIB, TIGHT, ZRLE} <= used, f"only {used}")


# --- real viewers ----------------------------------------------------------------------------------


def password_file(lab):
    path = os.path.join(lab.files, "passwd")
    if not os.path.exists(path):
        made = subprocess.run(["vncpasswd", "-f"], input=PASSWORD.encode() + b"\n", capture_output=True, check=True).stdout
        with open(path, "wb") as f:
            f.write(made)
        os.chmod(path, 0o600)
    return path


VIEWERS = {
    "xtigervncviewer": lambda lab, port: ["xtigervncviewer", "-passwd", password_file(lab), f"{DESK}::{port}"],
    "xtightvncviewer": lambda lab, port: ["xtightvncviewer", "-passwd", password_file(lab), f"{DESK}::{port}"],
}


def shown(lab, run, name, far):
    """The viewer's screen shows the far one, while that moves and when it rests."""
    near = run.display("lgwan", "Xvfb", "-screen", "0", "800x600x24", "-nolisten", "tcp")
    p = run.start("lgwan", *VIEWERS[name](lab, 5904), env={"DISPLAY": near})
    need(wait_for(lambda: p.poll() is not None or within(x_picture(far), x_picture(near)), 20),
         lambda: f"{name} does not show the screen: " + open(p.log, errors="replace").read()[-400:])
    need(p.poll() is None, lambda: f"{name} ended: " + open(p.log, errors="replace").read()[-400:])
    mover = run.moving("internet", far)
    pictures = set()

    def looked():
        pictures.add(b"".join(x_picture(near)))
        return len(pictures) >= (12 if LONG else 4)

    moved = wait_for(looked, 20, 0.25)
    run.end(mover)
    need(moved, f"{name}: only {len(pictures)} pictures of a moving screen")
    need(wait_for(lambda: within(x_picture(far), x_picture(near)), 15), f"{name} does not show the last picture")
    need(p.poll() is None, f"{name} ended")
    run.end(p)


@test("TigerVNC's and TightVNC's viewers with their defaults show the far screen, pixel by pixel")
def viewers(lab, run):
    far = run.xvnc("internet", 5904, "-rfbauth", password_file(lab), geometry="400x300")
    run.paint("internet", far)
    viewer(lab, 5904, (RAW,)).s.close()
    still(lambda: x_picture(far))
    for name in VIEWERS:
        shown(lab, run, name, far)
    need(not lab.events("content-denied"), lambda: f"refused: {lab.events('content-denied')[-1]}")


# --- what may not ride along -------------------------------------------------------------------------


@test("keys and pointer arrive; with view_only none does")
def view_only(lab, run):
    display = lab.xvnc
    p = run.start("internet", "xterm", "-display", display, "-geometry", "20x2+0+200", "-fn", "fixed", "+bc", "-e", "cat")
    try:
        still(lambda: x_picture(display))
        watcher = viewer(lab, 5901, (CURSOR, ZRLE), address=WATCHED, source=WATCHER)
        need(watcher.name == " " * len(watcher.name), f"name {watcher.name!r}")
        before = x_picture(display)
        watcher.request(False)
        watcher.update()
        need(watcher.picture == before, "the watcher sees another picture")
        v = viewer(lab, 5901, (CURSOR, ZRLE))
        v.pointer(0, 30, 212)
        watcher.pointer(1, 3, 3)
        for key in b"secret":
            watcher.key(1, key)
            watcher.key(0, key)
        watcher.request(False)
        watcher.update()  # the server has read all of it
        v.pointer(0, 30, 212)
        v.key(1, ord("x"))
        v.key(0, ord("x"))
        need(wait_for(lambda: x_picture(display) != before, 10), "a key does not arrive")
        time.sleep(0.3)
        now = x_picture(display)
        cells = {x // 18 for a, b in zip(before, now) for x in range(0, 960) if a[x] != b[x]}
        need(len(cells) <= 3, f"more than one letter appeared: columns {sorted(cells)}")
        watcher.s.close()
        v.s.close()
    finally:
        run.end(p)


@test("a server that offers only what hides the content is refused, and the viewer is told why", san=True)
def hidden(lab, run):
    run.xvnc("internet", 5905, "-SecurityTypes", "TLSVnc,TLSNone", "-rfbauth", password_file(lab))
    try:
        viewer(lab, 5905, (RAW,))
        raise Failed("a session came about")
    except Closed as e:
        need("rfb-security" in str(e) and "VncAuth" in str(e), f"told: {e}")
    # RFB 3.3
    s = connect(lab, 5901)
    s.recv(12)
    s.sendall(b"RFB 003.003\n")
    got = b""
    with contextlib.suppress(OSError):
        while len(got) < 300:
            more = s.recv(300)
            if not more:
                break
            got += more
    need(got[:7] == bytes(7) and b"rfb-version" in got and got[7] == len(got) - 8, f"told: {got}")
    s.close()


class FarEnd(threading.Thread):
    """A server that shakes hands and then says what it is told to; what comes to it is kept."""

    INIT = struct.pack(">HH", 100, 80) + struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0) + struct.pack(">I", 4) + b"evil"

    def __init__(self, lab, words):
        super().__init__(daemon=True)
        self.words, self.got, self.port = words, b"", 5990
        self.listener = lab.listen("internet", DESK, self.port)
        self.listener.settimeout(20 * SLOW)
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            s, _ = self.listener.accept()
            with s:
                s.settimeout(20 * SLOW)
                f = s.makefile("rb")
                s.sendall(b"RFB 003.008\n")
                f.read(12)
                s.sendall(b"\1\1")
                f.read(1)
                s.sendall(bytes(4))
                f.read(1)
                s.sendall(self.INIT)
                self.got += f.read(20)
                header = f.read(4)
                self.got += header + f.read(4 * struct.unpack(">H", header[2:])[0]) + f.read(10)
                s.sendall(self.words)
                while more := f.read1():
                    self.got += more
        self.listener.close()


def said(lab, words, answer=b""):
    """What a client reads after the handshake, and what the server read, when one says words and the other answer."""
    far = FarEnd(lab, words)
    s = connect(lab, far.port)
    v = Viewer(s, (TIGHT, ZRLE, ZLIB, HEXTILE, RRE, COPY, *PSEUDO, EXTENDED_CLIPBOARD, RAW))
    v.request(False)
    got = v.buffer
    if answer:
        s.sendall(answer)
    s.settimeout(1.0 if not words else 20 * SLOW)
    with contextlib.suppress(OSError):
        while len(got) < len(words) and (more := s.recv(65536)):
            got += more
    if answer:
        wait_for(lambda: not far.is_alive() or len(far.got) >= 34 + 4 * 13 + len(answer), 5)
    s.close()
    far.join(30 * SLOW)
    return got, far.got


def rect(x, y, w, h, encoding):
    return struct.pack(">BxHHHHHi", 0, 1, x, y, w, h, encoding)


def piece(content, tail=b"", flush=zlib.Z_SYNC_FLUSH):
    z = zlib.compressobj()
    data = z.compress(content) + z.flush(flush) + tail
    return struct.pack(">I", len(data)) + data


MARK = b"PK\3\4 smuggled file"
PIXELS = bytes(20 * 20 * 4)
CUT = struct.pack(">BxxxI", 3, len(MARK)) + MARK
HOSTILE = {  # what a server says: (reason, bytes)
    "extended clipboard": ("rfb-clipboard", struct.pack(">Bxxxi", 3, -len(MARK)) + MARK),
    "file transfer of UltraVNC": ("rfb-server-message", b"\7\1" + MARK),
    "chat of UltraVNC": ("rfb-server-message", b"\x0b\0\0\0" + MARK),
    "TightVNC's messages": ("rfb-server-message", b"\xfc\0\1\2" + MARK),
    "file list of TightVNC 1.3": ("rfb-server-message", b"\x82" + MARK),
    "fence": ("rfb-server-message", b"\xf8\0\0\0\0\0\0\0\x12" + MARK),
    "xvp": ("rfb-server-message", b"\xfa\0\1\2" + MARK),
    "QEMU's messages": ("rfb-server-message", b"\xff\1\0\1" + MARK),
    "socks": ("rfb-server-message", b"\5\0" + MARK),
    "ssh": ("rfb-server-message", b"SSH-2.0-OpenSSH_9.2\r\n" + MARK),
    "bytes behind a compressed piece": ("rfb-zlib", rect(0, 0, 20, 20, ZLIB) + piece(PIXELS, MARK)),
    "content behind the pixels": ("rfb-zlib", rect(0, 0, 20, 20, ZLIB) + piece(PIXELS + MARK)),
    "a stream that ends, and a file": ("rfb-zlib", rect(0, 0, 20, 20, ZLIB) + piece(PIXELS, MARK, zlib.Z_FINISH)),
    "content behind the tiles": ("rfb-zlib", rect(0, 0, 20, 20, ZRLE) + piece(b"\1\0\0\0" + MARK)),
    "JPEG with a comment": ("rfb-encoding", rect(0, 0, 20, 20, TIGHT) + b"\x90\x20\xff\xd8\xff\xfe" + MARK),
    "cursor of 4096 x 4096": ("rfb-cursor", rect(0, 0, 4096, 4096, CURSOR) + MARK * 9),
    "a long name": ("rfb-text", rect(0, 0, 0, 0, NAME) + struct.pack(">I", 70000) + MARK * 9),
    "an alpha cursor": ("rfb-encoding", rect(0, 0, 8, 8, ALPHA_CURSOR) + MARK),
    "outside the framebuffer": ("rfb-rectangle", rect(90, 70, 20, 20, RAW) + MARK * 9),
}
FROM_CLIENT = {
    "extended clipboard": ("rfb-clipboard", struct.pack(">Bxxxi", 6, -len(MARK)) + MARK),
    "file transfer of UltraVNC": ("rfb-client-message", b"\7\2" + MARK),
    "TightVNC's upload": ("rfb-client-message", b"\xfc\0\1\6" + MARK),
    "upload of TightVNC 1.3": ("rfb-client-message", b"\x84" + MARK),
    "chat": ("rfb-client-message", b"\x0b\0\0\0" + MARK),
    "fence": ("rfb-client-message", b"\xf8\0\0\0\0\0\0\0\x12" + MARK),
    "QEMU's audio": ("rfb-client-message", b"\xff\1\0\0" + MARK),
    "socks in the session": ("rfb-message-syntax", b"\4\2" + MARK),
    "a format while an update is asked for": ("rfb-format-race", struct.pack(">BxxxBBBBHHHBBBxxx", 0, 8, 8, 0, 1, 7, 7, 3, 0, 3, 6) + MARK),
}


@test("clipboards arrive as blanks; file transfer, chat, tunnels and slack of every kind do not arrive", san=True)
def adversaries(lab, run):
    got, _ = said(lab, CUT + b"\2")
    need(got == CUT[:8] + b" " * len(MARK) + b"\2", f"clipboard: {got}")
    cut = struct.pack(">BxxxI", 6, len(MARK)) + MARK
    _, got = said(lab, b"", cut)
    need(got.endswith(cut[:8] + b" " * len(MARK)), f"clipboard of the client: {got[-40:]}")
    for name, (reason, words) in HOSTILE.items():
        after = len(lab.events("content-denied"))
        got, _ = said(lab, words)
        need(lab.wait_event("content-denied", after=after)["reason"] == reason, f"{name}: another reason recorded")
        need(MARK not in got and words.startswith(got), f"{name}: the client read {got[-60:]}")
    for name, (reason, words) in FROM_CLIENT.items():
        after = len(lab.events("content-denied"))
        _, got = said(lab, b"", words)
        need(lab.wait_event("content-denied", after=after)["reason"] == reason, f"{name}: another reason recorded")
        need(MARK not in got, f"{name}: the server read {got[-60:]}")
    return f"{len(HOSTILE) + len(FROM_CLIENT)} kinds"


@test("β: the terminal in the Internet zone sees a desktop of the LGWAN zone, never the other way round")
def beta(lab, run):
    with Lab(sample("beta"), build=BUILD) as other, Programs(other) as there:
        other.exec("internet", "ip", "addr", "add", "10.30.0.100/24", "dev", "eth0")
        display = there.xvnc("lgwan", 5901, "-rfbauth", password_file(other))
        there.xvnc("internet", 5901, "-rfbauth", password_file(other))
        there.paint("lgwan", display)
        still(lambda: x_picture(display))
        v = Viewer(other.connect("internet", "10.20.0.50", 5901, "10.30.0.100"), (CURSOR, TIGHT), PASSWORD)
        v.pointer(0, v.width - 4, 4)
        until_same(v, lambda: x_picture(display), "β")
        v.cut(b"into LGWAN")
        try:
            v.request(False)
            while True:
                v.update()
                v.request(False)
        except (Closed, ConnectionError): # the reset may come before the next request is sent
            pass
        need(other.wait_event("content-denied")["reason"] == "rfb-clipboard", "another reason")
        need(other.blocked("lgwan", "10.30.0.100", 5901), "LGWAN reaches the Internet zone")


def frames(v, seconds):
    v.request(False)
    v.update()
    begin, n, known = time.monotonic(), 0, v.bytes
    while time.monotonic() - begin < seconds:
        v.request()
        v.update()
        n += 1
    return n / (time.monotonic() - begin), (v.bytes - known) / (time.monotonic() - begin) / 1e6


if LONG:
    @test("frame rate of a screen that moves, through the boundary and without it")
    def frame_rate(lab, run):
        far = run.xvnc("internet", 5906, "-SecurityTypes", "None", "-FrameRate", "60", geometry="1024x768")
        told = []
        for encodings in ((CURSOR, RAW), (CURSOR, TIGHT, COPY), (CURSOR, ZRLE, COPY)):
            rates = []
            for _ in range(3):
                mover = run.moving("internet", far)
                for s in (connect(lab, 5906), lab.connect("internet", DESK, 5906)):
                    v = Viewer(s, encodings)
                    v.put = lambda *_: None
                    rates.append(frames(v, 2))
                    s.close()
                run.end(mover)
            through, without = (sorted(r[i::2])[1] for r in [rates] for i in (0, 1))
            told.append(f"{encodings[1]}: {through[0]:.0f} of {without[0]:.0f} /s")
            need(through[0] >= 0.9 * without[0], f"encoding {encodings[1]}: {through[0]:.1f} updates a second, {without[0]:.1f} without the boundary")
        return "; ".join(told)


if __name__ == "__main__":
    with Lab(sample("alpha")) as the_lab, Programs(the_lab) as programs:
        the_lab.exec("lgwan", "ip", "addr", "add", TERMINAL + "/24", "dev", "eth0")
        the_lab.exec("lgwan", "ip", "route", "replace", "default", "via", "10.20.0.1", "src", TERMINAL)
        the_lab.exec("lgwan", "ip", "addr", "add", "fd00:20::100/64", "dev", "eth0", "nodad")
        the_lab.exec("lgwan", "ip", "-6", "route", "replace", "default", "via", "fd00:20::1", "src", "fd00:20::100")
        the_lab.xvnc = programs.xvnc("internet", 5901, "-rfbauth", password_file(the_lab))
        programs.paint("internet", the_lab.xvnc)
        still(lambda: x_picture(the_lab.xvnc))
        status = run_tests(the_lab, programs)
    sys.exit(status)
