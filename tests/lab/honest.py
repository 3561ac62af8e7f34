# SPDX-License-Identifier: GPL-2.0-or-later
"""Honest hosts: real kernels at both ends of real connections through zonegate, and what is asked of each: all bytes arrive, in
both directions; both ends see a proper end; the records' sums are those of the bytes; nobody is denied."""

import contextlib
import hashlib
import random
import socket
import struct
import threading
import time

from lablib import MX, OUT, SLOW, TEST_BUILD, Lab, flow, need, run_tests, sample, wait_for
from shuffle import BadLine

POOL = random.Random(1).randbytes(8 << 20)
MB = 1 << 20
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21


def content(seed, size):
    """size bytes that differ by seed, in pieces."""
    at = seed * 7919 % len(POOL)
    while size > 0:
        piece = POOL[at: at + min(size, 1 << 18)]
        yield piece
        size -= len(piece)
        at = (at + len(piece)) % len(POOL)


def digest(seed, size):
    h = hashlib.sha256()
    for piece in content(seed, size):
        h.update(piece)
    return h.hexdigest()


class End:
    """One end of a connection: sends its bytes, reads the other's, each in a thread."""

    def __init__(self, sock, seed, size, read=1 << 17, shut=True):
        self.sock, self.seed, self.size, self.read, self.shut = sock, seed, size, read, shut
        self.sha, self.n, self.error, self.ended = hashlib.sha256(), 0, None, False
        self.go = threading.Event()  # reading pauses while it is clear
        self.go.set()
        self.threads = [threading.Thread(target=self.guard, args=(f,), daemon=True) for f in (self.send, self.receive)]

    def guard(self, f):
        try:
            f()
        except OSError as e:
            self.error = f"{f.__name__}: {e}"

    def send(self):
        for piece in content(self.seed, self.size):
            self.sock.sendall(piece)
        if self.shut:
            self.sock.shutdown(socket.SHUT_WR)

    def receive(self):
        while True:
            self.go.wait()
            got = self.sock.recv(self.read)
            if not got:
                self.ended = True
                return
            self.sha.update(got)
            self.n += len(got)

    def start(self):
        for t in self.threads:
            t.start()

    def join(self, seconds):
        until = time.monotonic() + seconds * SLOW
        for t in self.threads:
            t.join(max(until - time.monotonic(), 0.01))
        need(not any(t.is_alive() for t in self.threads), lambda: f"not done: {self.n} bytes read {self.error or ''}")
        need(self.error is None, lambda: f"{self.error} after {self.n} bytes")
        need(self.ended, "no end")


class World:
    """The lab, a listener, and what the records say of the connections."""

    def __init__(self, lab):
        self.lab, self.lines, self.ports = lab, {}, iter(range(7000, 8000))

    def listen(self, version, **options):
        port = next(self.ports)
        s = self.lab.sock("lgwan", socket.AF_INET if version == 4 else socket.AF_INET6)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if "rcvbuf" in options:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["rcvbuf"])
        s.bind((MX[version], port))
        s.listen(512)
        return s, port

    def pair(self, version=4, rcvbuf=None, isn=None, server_rcvbuf=None):
        """(client's socket, server's socket) of a new connection."""
        listener, port = self.listen(version, **({"rcvbuf": server_rcvbuf} if server_rcvbuf else {}))
        c = self.lab.sock("internet", socket.AF_INET if version == 4 else socket.AF_INET6)
        if rcvbuf:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        if isn is not None:
            c.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            c.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, 2)  # the send queue
            c.setsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, struct.unpack("i", struct.pack("I", isn & 0xFFFFFFFF))[0])
            c.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, -1)  # off, without a window probe
        c.bind((OUT[version], 0))
        c.connect((MX[version], port))
        s, _ = listener.accept()
        listener.close()
        for x in (c, s):
            x.settimeout(60 * SLOW)
        return c, s

    def closed(self, ends, reason=None):
        """The record of this connection's end says what was sent."""
        client, server = ends
        port = client.sock.getsockname()[1] if client.sock.fileno() >= 0 else client.port
        e = self.lab.wait_event("flow-closed", src_port=port, dst_port=server.port)
        need(e.get("reason") == reason, f"closed: {e.get('reason')}")
        for way, end in (("client", client), ("server", server)):
            need(e[f"bytes_{way}"] == end.size, f"{way}: the record says {e[f'bytes_{way}']} bytes of {end.size}")
            need(e[f"sha256_{way}"] == digest(end.seed, end.size), f"{way}: the record's digest is another")

    def transfer(self, up, down, version=4, seconds=60, during=None, **options):
        """Both ways at once; the seconds that it took."""
        c, s = self.pair(version, **options)
        ends = End(c, 1, up), End(s, 2, down)
        ends[0].port, ends[1].port = c.getsockname()[1], s.getsockname()[1]
        begin = time.monotonic()
        for e in ends:
            e.start()
        if during:
            during(*ends)
        for e in ends:
            e.join(seconds)
        took = time.monotonic() - begin
        self.check(ends)
        for x in (c, s):
            x.close()
        return took

    def check(self, ends):
        for end, other in (ends, ends[::-1]):
            need(end.n == other.size, f"{end.n} bytes read, {other.size} sent")
            need(end.sha.hexdigest() == digest(other.seed, other.size), "other bytes than were sent")
        self.closed(ends)
        denied = self.lab.events("content-denied")
        need(not denied, lambda: f"an honest host was denied: {denied[-1]}")

    def sysctl(self, **values):
        for host in ("internet", "lgwan"):
            script = "".join(f"echo {v} >/proc/sys/net/ipv4/tcp_{k}\n" for k, v in values.items())
            need(self.lab.exec(host, "sh", "-ec", script).returncode == 0, "sysctl")

    def line(self, host):
        if host not in self.lines:
            self.lines[host] = BadLine(self.lab, host)
        return self.lines[host]

    @contextlib.contextmanager
    def bad(self, host, **settings):
        self.line(host).be(**settings)
        try:
            yield
        finally:
            self.line(host).be()

    def refused(self):
        """Packets refused so far, by reason: told in the test's line."""
        sums = {}
        for p in self.lab.status()["processes"]:
            for reason, n in p.get("dropped_by", {}).items():
                sums[reason] = sums.get(reason, 0) + n
        return sums


def rate(n, seconds):
    return f"{n * 8 / seconds / 1e6:.0f} Mbit/s"


def nobody_harmed(w):
    need(not w.lab.events("content-denied"), lambda: f"{w.lab.events('content-denied')[:1]}")
    need(not w.lab.events("inspector-died"), "a process was lost")

    def held():
        return [p["held"] for p in w.lab.status()["processes"] if p["role"] == "inspector"]
    need(wait_for(lambda: not any(held())), lambda: f"packets are held: {held()}")
    return f"refused: {w.refused()}"


def run():
    flows = flow("honest", source=" ".join(OUT.values()), destination=" ".join(MX.values()), port='"7000-7999"', inspector="stream")
    with Lab(sample(flows, mail_in=False, digest=True), build=TEST_BUILD) as lab:
        world = World(lab)
        try:
            return run_tests(world)
        finally:
            for line in world.lines.values():
                line.close()
