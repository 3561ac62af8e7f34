# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab tests share: a lab, sockets on its hosts, an SMTP sink, a TCP of our own, a sniffer, TAP.

A socket belongs to the network namespace in which it was made, whoever uses it: a test holds sockets of all hosts in one
process, servers in threads.
"""

import contextlib
import ctypes
import itertools
import json
import os
import random
import re
import select
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("ZONEGATE_BUILD") or os.path.join(TOP, "build")
TEST_BUILD = os.environ.get("ZONEGATE_TEST_BUILD") or os.path.join(TOP, "build-test")  # knows the inspector `stream`
SAN = bool(os.environ.get("ZONEGATE_SAN"))
SLOW = 4 if SAN else 1  # waits for the sanitised daemon are longer
LAB = os.path.join(TOP, "scripts", "lab")
SAMPLE = os.path.join(TOP, "conf", "zonegate.conf")
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

# The addresses of the shipped sample, as the lab gives them. OTHER: addresses that no flow names.
MX = {4: "10.20.0.25", 6: "fd00:20::25"}
OUT = {4: "10.30.0.25", 6: "fd00:30::25"}
MYNUMBER = {4: "10.10.0.10", 6: "fd00:10::10"}
LGWAN_OTHER = {4: "10.20.0.10", 6: "fd00:20::10"}
INTERNET_OTHER = {4: "10.30.0.10", 6: "fd00:30::10"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


class Failed(Exception):
    """A test's finding."""


def need(condition, message):
    if not condition:
        raise Failed(message() if callable(message) else message)


def wait_for(what, seconds=10.0, step=0.02):
    """The first true answer of what(), or its last answer when the time is over."""
    until = time.monotonic() + seconds * SLOW
    while True:
        answer = what()
        if answer or time.monotonic() > until:
            return answer
        time.sleep(step)


# --- the lab -------------------------------------------------------------------------------------


class Lab:
    """A lab of the sample configuration, or of a text; removed at the end of the with block."""

    numbers = itertools.count(1)

    def __init__(self, text=None, daemon=True, build=BUILD):
        self.build = build
        self.name = f"t{os.getpid()}-{next(Lab.numbers)}"
        self.text = text if text is not None else open(SAMPLE, encoding="utf-8").read()
        self.with_daemon = daemon
        self.files = tempfile.mkdtemp(prefix=f"zg-{self.name}-", dir="/tmp")
        os.chmod(self.files, 0o755)

    def __enter__(self):
        config = self.file("zonegate.conf", self.text)
        args = [LAB, "up", "--quiet", "--name", self.name, "--build", self.build, "--config", config]
        p = subprocess.run(args + ([] if self.with_daemon else ["--no-daemon"]), capture_output=True, text=True, check=False)
        if p.returncode != 0:
            self.__exit__()
            raise RuntimeError("lab up: " + p.stderr)
        self.reload()
        return self

    def __exit__(self, *_):
        subprocess.run([LAB, "down", "--name", self.name], check=False)
        subprocess.run(["rm", "-rf", self.files], check=False)

    def reload(self):
        self.info = json.loads(self.lab("hosts", "--json").stdout)
        self.hosts = self.info["hosts"]

    def file(self, name, text=""):
        path = os.path.join(self.files, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def lab(self, verb, *args, **kw):
        p = subprocess.run([LAB, verb, "--name", self.name, *args], capture_output=True, text=True, check=False, **kw)
        if p.returncode != 0 and verb != "exec":
            raise RuntimeError(f"lab {verb}: {p.stderr}")
        return p

    def exec(self, host, *cmd, **kw):
        return self.lab("exec", host, "--", *cmd, **kw)

    def ctl(self, *args):
        return subprocess.run([LAB, "ctl", "--name", self.name, *args], capture_output=True, text=True, check=False)

    def status(self):
        p = self.ctl("status", "--json")
        need(p.returncode in (0, 1), lambda: f"zonegatectl status: exit {p.returncode}: {p.stderr}")  # 1: a part is missing
        return json.loads(p.stdout)

    def pids(self, role):
        """Of the running daemon's processes with this role, by index."""
        procs = [p for p in self.status()["processes"] if p["role"] == role and p["pid"] > 0]
        return [p["pid"] for p in sorted(procs, key=lambda p: p.get("index", 0))]

    def apply(self, text):
        return self.ctl("apply", self.file("new.conf", text))

    def netns(self, host):
        if host == "router":
            return self.info["router"]["netns"]
        return self.hosts[self.info["aliases"].get(host, host)]["netns"]

    @contextlib.contextmanager
    def inside(self, host):
        """This thread in the host's network namespace."""
        with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{self.netns(host)}") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                if libc.setns(before.fileno(), CLONE_NEWNET) != 0:
                    os._exit(99)

    def sock(self, host, family, kind=socket.SOCK_STREAM, proto=0):
        with self.inside(host):
            s = socket.socket(family, kind, proto)
        s.settimeout(10 * SLOW)
        return s

    def connect(self, host, address, port=25, source=None, timeout=10):
        s = self.sock(host, FAMILY[6 if ":" in address else 4])
        try:
            s.settimeout(timeout * SLOW)
            if source:
                s.bind((source, 0))
            s.connect((address, port))
            return s
        except BaseException:
            s.close()
            raise

    def listen(self, host, address, port, kind=socket.SOCK_STREAM):
        s = self.sock(host, FAMILY[6 if ":" in address else 4], kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port))
        if kind == socket.SOCK_STREAM:
            s.listen(512)
        return s

    def blocked(self, host, address, port=25, source=None, timeout=1.0):
        """Nobody can be reached there: no connection comes about."""
        try:
            self.connect(host, address, port, source, timeout / SLOW).close()
            return False
        except OSError:
            return True

    def reachable(self, host, address, port=25, source=None):
        """There is time for the first packet to be sent again: a busy machine is not a closed boundary."""
        return not self.blocked(host, address, port, source, timeout=5.0 * SLOW)

    # The daemon's records.

    def events(self, name=None, **fields):
        found = []
        with open(self.info["log"], "rb") as f:
            for raw in f:
                if not raw.startswith(b"{") or not raw.endswith(b"}\n"):
                    continue
                e = json.loads(raw)
                if name in (None, e.get("event")) and all(str(e.get(k)) == str(v) for k, v in fields.items()):
                    found.append(e)
        return found

    def wait_event(self, name, seconds=10, after=0, **fields):
        """The (after+1)th such event."""
        found = wait_for(lambda: self.events(name, **fields)[after:], seconds)
        need(found, lambda: f"no event {name} {fields}; there are: "
             + ", ".join(f"{e.get('event')}({e.get('reason', '')})" for e in self.events()[-12:]))
        return found[0]


class TlsServer(threading.Thread):
    """A server with Python's TLS: serve(s) is given each connection, in a thread of its own, and what breaks it is no matter."""

    def __init__(self, lab, host, address, port, cert, key):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.socket = lab.listen(host, address, port)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.join(10)

    def run(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, s):
        s.settimeout(20 * SLOW)
        with contextlib.suppress(OSError):
            self.serve(s)
        s.close()


def sample(flows="", daemon="", mail_in=True, zones=None, digest=False):
    """The shipped sample with further flows (text), with or without its own; digest: the records tell SHA-256."""
    text = open(SAMPLE, encoding="utf-8").read()
    m = re.search(r"^flows = \(\n(.*?)^\);\n", text, re.M | re.S)
    own = m.group(1) if mail_in else ""
    joined = ",\n".join(f.strip().rstrip(",") for f in (own, flows) if f.strip())
    text = text[: m.start()] + "flows = (\n" + joined + "\n);\n" + text[m.end():]
    if daemon:
        text = re.sub(r"^daemon = \{.*?^\};\n", "daemon = {" + daemon + "};\n", text, flags=re.M | re.S)
    if digest:
        text += "log = { flow_digest = true; };\n"
    return zones(text) if zones else text


def flow(name, from_="internet", to="lgwan", source="10.30.0.25", destination="10.20.0.25", port=2525, inspector="smtp"):
    def listed(a):
        return ", ".join(f'"{x}"' for x in a.split())
    items = 'smtp = { mode = "verify"; }; ' if inspector == "smtp" else ""
    return f"""{{ name = "{name}"; from = "{from_}"; to = "{to}"; source = [ {listed(source)} ];
        destination = [ {listed(destination)} ]; protocol = "tcp"; port = {port}; inspector = "{inspector}";
        {items}purpose = "test"; clause = "2.6(3)②"; ticket = "T-1"; approver = "test"; }}"""


# --- mail ----------------------------------------------------------------------------------------


class Sink(threading.Thread):
    """An SMTP server on a host that keeps every byte it read, per connection."""

    def __init__(self, lab, host="lgwan", address=None, port=25, keywords=(b"8BITMIME", b"PIPELINING"), pause=0.0,
                 family=4):
        super().__init__(daemon=True)
        self.keywords, self.pause = keywords, pause
        self.raw, self.mails, self.peers = [], [], []  # raw: one bytearray per connection
        self.lock = threading.Lock()
        self.server = lab.listen(host, address or MX[family], port)
        self.server.settimeout(0.2)
        self.ended = False
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join()
        self.server.close()

    def run(self):
        while not self.ended:
            try:
                s, peer = self.server.accept()
            except (TimeoutError, OSError):
                continue
            with self.lock:
                raw = bytearray()
                self.raw.append(raw)
                self.peers.append(peer)
            threading.Thread(target=self.serve, args=(s, raw), daemon=True).start()

    def serve(self, s, raw):
        with contextlib.suppress(OSError), s:
            s.settimeout(60 * SLOW)
            s.sendall(b"220 sink.lgwan.example.jp ESMTP\r\n")
            pending, data, body = b"", False, bytearray()
            while True:
                got = s.recv(65536)
                if not got:
                    return
                raw += got
                if self.pause:
                    time.sleep(self.pause)
                pending += got
                while pending:
                    if data:
                        known = max(len(body) - 4, 0)
                        body += pending
                        pending = b""
                        end = body.find(b"\r\n.\r\n", known)
                        if end < 0:
                            break
                        mail, pending = bytes(body[2: end + 2]), bytes(body[end + 5:])
                        data = False
                        with self.lock:
                            self.mails.append(mail.replace(b"\r\n..", b"\r\n."))
                        s.sendall(b"250 2.0.0 kept\r\n")
                        continue
                    line, nl, rest = pending.partition(b"\r\n")
                    if not nl:
                        break
                    pending = rest
                    verb = line[:4].upper()
                    if verb == b"EHLO":
                        lines = [b"sink.lgwan.example.jp", *self.keywords]
                        s.sendall(b"".join(b"250-" + k + b"\r\n" for k in lines[:-1]) + b"250 " + lines[-1] + b"\r\n")
                    elif verb == b"DATA":
                        data, body = True, bytearray(b"\r\n")  # the line end of DATA counts (RFC 5321 4.1.1.4)
                        s.sendall(b"354 go on\r\n")
                    elif verb == b"QUIT":
                        s.sendall(b"221 bye\r\n")
                        return
                    else:
                        s.sendall(b"250 2.0.0 ok\r\n")


class Client(smtplib.SMTP):
    """smtplib on a host of the lab."""

    def __init__(self, lab, host="internet", address=None, port=25, timeout=20, source=None):
        self.lab, self.host_, self.source_ = lab, host, source
        super().__init__(address or MX[4], port, local_hostname="out.internet.example", timeout=timeout * SLOW)

    def _get_socket(self, host, port, timeout):
        s = self.lab.connect(self.host_, host, port, self.source_)
        s.settimeout(timeout)
        return s


def headers(subject=b"test", extra=b""):
    return (b"From: a@internet.example\r\nTo: b@lgwan.example.jp\r\nSubject: " + subject
            + b"\r\nMessage-ID: <%d@internet.example>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0900\r\n" % random.getrandbits(60)
            + extra)


def text_mail(text="本文です。\r\n", charset="utf-8", subject=b"test"):
    cte = b"7bit" if charset in ("iso-2022-jp", "us-ascii") else b"8bit"
    mime = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: %s\r\n"
    return headers(subject, mime % (charset.encode(), cte)) + b"\r\n" + text.encode(charset)


HTML = headers(b"html", b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n") + (
    b"\r\n<html><body>click <a href='http://evil.example/'>here</a></body></html>\r\n")
ATTACHMENT = headers(b"attachment", b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b1"\r\n') + (
    b"\r\n--b1\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nsee file\r\n"
    b'--b1\r\nContent-Type: application/octet-stream; name="invoice.exe"\r\nContent-Transfer-Encoding: base64\r\n'
    b'Content-Disposition: attachment; filename="invoice.exe"\r\n\r\nTVqQAAMAAAAEAAAA\r\n--b1--\r\n')


def send_mail(lab, mail, address=None, host="internet", port=25, source=None):
    """(code, text) of the answer to the message, as a sending server sees it."""
    with Client(lab, host, address, port, source=source) as c:
        c.ehlo()
        c.mail("a@internet.example")
        c.rcpt("b@lgwan.example.jp")
        return c.data(mail)


def dialogue(s, *lines):
    """Each line waits for its answer; the answers."""
    f = s.makefile("rb")

    def answer():
        got = b""
        while True:
            line = f.readline()
            got += line
            if not line or line[3:4] != b"-":
                return got
    said = [answer()]
    for line in lines:
        s.sendall(line)
        said.append(answer())
    return said


TO_DATA = (b"EHLO out.internet.example\r\n", b"MAIL FROM:<a@internet.example>\r\n", b"RCPT TO:<b@lgwan.example.jp>\r\n",
           b"DATA\r\n")


def read_rest(s):
    """What comes until the end, and how it ended: b"", or the error's name."""
    got = b""
    try:
        while True:
            chunk = s.recv(65536)
            if not chunk:
                return got, "end"
            got += chunk
    except OSError as e:
        return got, type(e).__name__


# --- packets -------------------------------------------------------------------------------------


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def no_kernel_resets(lab, host):
    """The host's kernel does not answer for ports that only a raw socket uses."""
    rules = """table inet quiet {
    chain out {
        type filter hook output priority 0
        meta mark 0x77 accept
        tcp flags & rst == rst drop
    }
}
"""
    p = lab.exec(host, "nft", "-f", "-", input=rules)
    need(p.returncode == 0, lambda: "nft: " + p.stderr)


class RawTcp:
    """A TCP client whose every segment the test writes itself. One address family: IPv4."""

    ports = itertools.count(20000 + os.getpid() % 20000)

    def __init__(self, lab, host="internet", source=OUT[4], address=MX[4], port=25, options=b"\x02\x04\x05\xb4"):
        self.s = lab.sock(host, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0x77)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.s.bind((source, 0))
        self.source, self.address, self.port = source, address, port
        self.sport = 1024 + next(RawTcp.ports) % 60000
        self.options = options
        self.isn = random.getrandbits(32)
        self.next = 0  # offset of the next byte of ours, the first is 0
        self.irs = None
        self.stream, self.reset, self.fin = bytearray(), False, False

    def close(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def segment(self, seq, ack, flags, data=b"", options=b"", window=65000, urgent=0):
        options += b"\0" * (-len(options) % 4)
        head = struct.pack("!HHIIBBHHH", self.sport, self.port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                           (5 + len(options) // 4) << 4, flags, window, 0, urgent) + options
        pseudo = socket.inet_aton(self.source) + socket.inet_aton(self.address) + struct.pack("!BBH", 0, 6,
                                                                                              len(head) + len(data))
        c = checksum(pseudo + head + data)
        self.s.sendto(head[:16] + struct.pack("!H", c) + head[18:] + data, (self.address, 0))

    def connect(self):
        self.segment(self.isn, 0, SYN, options=self.options)
        need(self.until(lambda: self.irs is not None), "no SYN-ACK")
        self.ack()

    def ack(self):
        self.segment(self.isn + 1 + self.next, self.irs + 1 + len(self.stream), ACK)

    def at(self, offset, data, flags=ACK | PSH, **kw):
        """A segment with data at an offset of our stream, whatever was sent before."""
        self.segment(self.isn + 1 + offset, self.irs + 1 + len(self.stream), flags, data, **kw)

    def send(self, data):
        self.at(self.next, data)
        self.next += len(data)

    def say(self, line, code=None):
        """A line and its answer."""
        before = len(self.stream)
        self.send(line)
        need(self.until(lambda: b"\n" in self.stream[before:] or self.reset), f"no answer to {line!r}")
        answer = bytes(self.stream[before:])
        need(code is None or answer.startswith(code), f"{line!r} was answered {answer!r}")
        return answer

    def pump(self, seconds=0.0):
        """Takes what has come; answers data with acknowledgements."""
        while select.select([self.s], [], [], seconds)[0]:
            packet = self.s.recv(65600)
            ihl = (packet[0] & 15) * 4
            tcp = packet[ihl: struct.unpack("!H", packet[2:4])[0]]
            sport, dport, seq, ack, off, flags = struct.unpack("!HHIIBB", tcp[:14])
            if socket.inet_ntoa(packet[12:16]) != self.address or (sport, dport) != (self.port, self.sport):
                continue
            if flags & RST:
                self.reset = True
                return
            if flags & SYN:
                self.irs = seq
                continue
            data = tcp[(off >> 4) * 4:]
            fresh = (seq - self.irs - 1 - len(self.stream)) & 0xFFFFFFFF
            if data and fresh == 0:
                self.stream += data
            if data or flags & FIN:
                self.fin = self.fin or bool(flags & FIN)
                self.ack()

    def until(self, what, seconds=5.0):
        end = time.monotonic() + seconds * SLOW
        while not what() and time.monotonic() < end:
            self.pump(0.02)
            if self.reset:
                break
        return what()

    def to_data(self):
        self.connect()
        need(self.until(lambda: b"220 " in self.stream), "no greeting")
        for line, code in zip(TO_DATA, (b"250", b"250", b"250", b"354")):
            self.say(line, code)


class Sniffer:
    """Every packet that a host's interface receives (not what it sends), from its IP header on."""

    def __init__(self, lab, host, interface="eth0"):
        self.s = lab.sock(host, socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))  # ETH_P_ALL
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.s.bind((interface, 3))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def packets(self, wait=0.3):
        """What came so far and within the next seconds; IPv4 and IPv6 only, neighbour discovery and multicast left out."""
        got = []
        while select.select([self.s], [], [], wait * SLOW)[0]:
            packet, where = self.s.recvfrom(65600)
            if where[2] == 4 or where[1] not in (0x0800, 0x86DD):  # PACKET_OUTGOING
                continue
            if where[1] == 0x86DD and (packet[24] == 0xFF or (packet[6] == 58 and packet[40] in range(133, 138))):
                continue
            got.append(packet)
        return got


def source_of(packet):
    if packet[0] >> 4 == 4:
        return socket.inet_ntoa(packet[12:16])
    return socket.inet_ntop(socket.AF_INET6, packet[8:24])


def ping_packet(version, ident, source=None, destination=None):
    """An echo request; the kernel fills ICMPv6's checksum."""
    body = struct.pack("!HH", ident, 1) + b"zonegate"
    if version == 4:
        return struct.pack("!BBH", 8, 0, checksum(b"\x08\0\0\0" + body)) + body
    return struct.pack("!BBH", 128, 0, 0) + body


# --- TAP -----------------------------------------------------------------------------------------

tests = []


def test(name, san=False):
    """A test of this file; san: one of those that run with the sanitised daemon too."""
    def add(function):
        if san or not SAN:
            tests.append((name, function))
        return function
    return add


def run_tests(*args):
    """All tests of the file, each called with args; exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, (name, function) in enumerate(tests, 1):
        begin = time.monotonic()
        had = [len(a.events()) for a in args if isinstance(a, Lab)]
        try:
            note = function(*args)
        except Exception as e:  # a test that breaks has failed; the next ones still run
            failed += 1
            print(f"not ok {number} - {name}")
            told = str(e) if isinstance(e, Failed) else traceback.format_exc()
            print("\n".join("# " + line for line in told.splitlines()), flush=True)
            for a, n in zip((a for a in args if isinstance(a, Lab)), had):
                tell_log(a, n)
        else:
            took = f"{time.monotonic() - begin:.1f} s"
            print(f"ok {number} - {name} ({note + ', ' if note else ''}{took})", flush=True)
    return 1 if failed else 0


def tell_log(lab, skip=0):
    """The last records since the first skip ones, and what is no record (a crash's report) whole."""
    with contextlib.suppress(OSError), open(lab.info["log"], errors="backslashreplace") as f:
        lines = f.read().splitlines()
        for line in [x for x in lines if not x.startswith("{")][-60:] + [x for x in lines if x.startswith("{")][skip:][-10:]:
            print("# log: " + line[:300], flush=True)
