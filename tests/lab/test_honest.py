# SPDX-License-Identifier: GPL-2.0-or-later
"""Honest hosts over good lines: large transfers, half-close, thousands of short connections, wrapping sequence numbers,
windows of every size, closed ones, keep-alives, resets, an MTU that shrinks."""

import contextlib
import hashlib
import queue
import socket
import struct
import sys
import threading
import time

from honest import MB, End, content, nobody_harmed, rate, run
from lablib import MX, SLOW, need, test, wait_for


@test("60 MB each way at once, IPv4 and IPv6, good lines", san=True)
def large(w):
    size = 60 * MB
    return ", ".join(f"IPv{v}: {rate(2 * size, w.transfer(size, size, v))}" for v in (4, 6))


@test("half-close: each end goes on sending long after the other has ended")
def half_close(w):
    for late in (0, 1):
        c, s = w.pair(6 if late else 4)
        ends = [End(c, 1, 3 * MB), End(s, 2, 3 * MB)]
        ends[0].port, ends[1].port = c.getsockname()[1], s.getsockname()[1]
        first, second = ends[1 - late], ends[late]
        first.start()
        second.threads[1].start()
        need(wait_for(lambda: second.ended, 10), "no end of the first half")
        time.sleep(0.5)
        second.threads[0].start()
        for e in ends:
            e.join(20)
        w.check(ends)
        c.close()
        s.close()


@test("3000 short connections, 60 at a time, IPv4 and IPv6: each complete, each recorded", san=True)
def short(w):
    count, wide, wrong, todo = 3000, 60, [], queue.Queue()
    had = len(w.lab.events("flow-closed"))
    listeners = {v: w.listen(v) for v in (4, 6)}

    def echo(s):
        with contextlib.suppress(OSError), s:
            s.settimeout(20 * SLOW)
            sha, n = hashlib.sha256(), 0
            while True:
                got = s.recv(65536)
                if not got:
                    break
                sha.update(got)
                n += len(got)
            s.sendall(sha.digest() + b"x" * (n % 3000))

    def serve(listener):
        with contextlib.suppress(OSError):
            while True:
                s, _ = listener.accept()
                threading.Thread(target=echo, args=(s,), daemon=True).start()

    def call():
        while True:
            i = todo.get()
            if i is None:
                return
            version = 4 + 2 * (i & 1)
            data = b"".join(content(i, 1 + i * 37 % 4000))
            try:
                with w.lab.sock("internet", socket.AF_INET if version == 4 else socket.AF_INET6) as s:
                    s.settimeout(20 * SLOW)
                    s.connect((MX[version], listeners[version][1]))
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                    got = b""
                    while chunk := s.recv(65536):
                        got += chunk
                    if got != hashlib.sha256(data).digest() + b"x" * (len(data) % 3000):
                        wrong.append(f"{i}: {len(got)} bytes of answer")
            except OSError as e:
                wrong.append(f"{i}: {e}")
    for listener, _ in listeners.values():
        listener.settimeout(None)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    begin = time.monotonic()
    threads = [threading.Thread(target=call, daemon=True) for _ in range(wide)]
    for i in range(count):
        todo.put(i)
    for t in threads:
        todo.put(None)
        t.start()
    for t in threads:
        t.join(120)
    took = time.monotonic() - begin
    for listener, _ in listeners.values():
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    need(not wrong, lambda: f"{len(wrong)} of {count}: {wrong[:3]}")

    def recorded():
        """Ends, and records that are told to be lost: on a slow machine they come faster than they can be written."""
        return len(w.lab.events("flow-closed")) - had, sum(e["lost"] for e in w.lab.events("record-lost"))
    wait_for(lambda: sum(recorded()) >= count, 10, 0.3)
    ended, lost = recorded()
    need(ended <= count <= ended + lost, f"{ended} ends recorded, {lost} records lost")
    need(not [e for e in w.lab.events("flow-closed")[had:] if "reason" in e], "some did not end properly")
    need(not w.lab.events("content-denied"), "somebody was denied")
    return f"{count / took:.0f} connections/s{f', {lost} records lost' if lost else ''}"


@test("the client's sequence numbers wrap in the handshake, at the first bytes, in mid-transfer", san=True)
def wrap(w):
    for before in (1, 2, 10, 1448, 5000, MB, 10 * MB):
        w.transfer(12 * MB if before >= MB else 100_000, 50_000, 4 if before % 2 else 6, isn=-before)


@test("window scaling with large buffers, with small ones, and a receiver that reads by the spoonful")
def windows(w):
    took = w.transfer(20 * MB, 20 * MB, rcvbuf=16 * MB, server_rcvbuf=16 * MB)
    w.transfer(MB, MB, 6, rcvbuf=8192, server_rcvbuf=8192)
    c, s = w.pair(4, rcvbuf=1, server_rcvbuf=1)  # the least that the kernel gives: 2304 bytes
    ends = End(c, 1, 150_000, read=100), End(s, 2, 150_000, read=100)
    ends[0].port, ends[1].port = c.getsockname()[1], s.getsockname()[1]
    for e in ends:
        e.start()
    for e in ends:
        e.join(40)
    w.check(ends)
    c.close()
    s.close()
    return rate(40 * MB, took)


@test("a closed window for seconds, with probes, in both directions at once; then all arrives")
def closed_window(w):
    def pause(client, server):
        for e in (client, server):
            e.go.clear()
        time.sleep(4)
        had = client.n, server.n
        need(had[0] < 30 * MB and had[1] < 30 * MB, "nobody stopped")
        for e in (client, server):
            e.go.set()
    w.transfer(30 * MB, 30 * MB, during=pause)
    w.transfer(2 * MB, 2 * MB, 6, during=pause_short, rcvbuf=4096, server_rcvbuf=4096)


def pause_short(client, server):
    for _ in range(3):
        for e in (client, server):
            e.go.clear()
        time.sleep(0.7)
        for e in (client, server):
            e.go.set()
        time.sleep(0.05)


@test("keep-alives on an idle connection are answered across the boundary; then it goes on")
def keepalive(w):
    for version in (4, 6):
        c, s = w.pair(version)
        for x in (c, s):
            x.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2)):
                x.setsockopt(socket.IPPROTO_TCP, option, value)
        c.sendall(b"a")
        need(s.recv(1) == b"a", "nothing came")
        if version == 4:
            kept = c, s
    time.sleep(4.5)  # unanswered ones would have ended both
    for a, b in (kept, kept[::-1], (c, s), (s, c)):
        a.sendall(b"still here")
        need(b.recv(100) == b"still here", "the connection is gone")
    for x in (*kept, c, s):
        x.close()


@test("both ends close at the same time, 60 times over")
def close_together(w):
    for i in range(60):
        c, s = w.pair(4 + 2 * (i & 1))
        ends = [End(c, i, 1000 * (i % 3)), End(s, i + 1, 1000 * (i % 5))]
        ends[0].port, ends[1].port = c.getsockname()[1], s.getsockname()[1]
        for e in ends:
            e.start()
        for e in ends:
            e.join(10)
        if i % 10 == 0:
            w.check(ends)
        c.close()
        s.close()
    denied = w.lab.events("content-denied")
    need(not denied, lambda: f"denied: {denied[-1]}")


@test("a reset (linger 0) reaches the peer at once, from either end, with data on the way before it")
def reset(w):
    worst = 0.0
    for version in (4, 6):
        for turned in (False, True):
            for amount in (0, 1, 100_000):
                c, s = w.pair(version)
                a, b = (s, c) if turned else (c, s)
                a.sendall(b"x" * amount)
                got = 0
                while got < amount:
                    got += len(b.recv(65536))
                begin = time.monotonic()
                a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                a.close()
                b.settimeout(5)
                try:
                    said = b.recv(1)
                except OSError as e:
                    said = type(e).__name__
                need(said == "ConnectionResetError", f"IPv{version}: the peer saw {said!r}")
                worst = max(worst, time.monotonic() - begin)
                b.close()
    need(worst < 1, f"{worst:.2f} s")
    return f"{worst * 1000:.0f} ms at worst"


@test("the MTU shrinks in mid-transfer, at the sender, then behind the router: the segments are cut anew, all arrives")
def mtu(w):
    def at(size, *links):
        for host, dev in links:
            p = w.lab.exec(host, "ip", "link", "set", dev, "mtu", str(size))
            need(p.returncode == 0, lambda: p.stderr)
    near, far = (("internet", "eth0"), ("router", "in0")), (("lgwan", "eth0"), ("router", "lg0"))

    def shrink(client, server):
        for size, links, so_far in ((1400, near, 1), (1320, far, 4), (1281, near + far, 8)):
            wait_for(lambda: max(client.n, server.n) > so_far * MB, 20, 0.001)
            at(size, *links)
    try:
        for version in (4, 6):
            at(1500, *near, *far)
            w.transfer(40 * MB, 40 * MB, version, during=shrink)
    finally:
        at(1500, *near, *far)


@test("after all this nobody was denied, no process lost, no packet is held", san=True)
def at_the_end(w):
    return nobody_harmed(w)


if __name__ == "__main__":
    sys.exit(run())
