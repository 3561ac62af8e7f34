#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A bad line: a process in a network namespace of its own that passes frames between two interfaces and loses, repeats, delays
and reorders those of TCP, by a seeded random generator.

As a program: says "ready" once it is in its namespace, reads "IF1 IF2" and then settings, one JSON object a line:
lose, again, late: shares of 0..1; copies: of each frame; delay, late_by: seconds; seed. It ends with its standard input."""

import ctypes
import heapq
import json
import os
import random
import select
import socket
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
PACKET_IGNORE_OUTGOING = 23


def is_tcp(frame):
    kind = frame[12:14]
    return (kind == b"\x08\x00" and frame[23] == 6) or (kind == b"\x86\xdd" and frame[20] == 6)


def is_syn(frame):
    """Of TCP without options or extension headers in the IP header. Such a frame is never late: when a copy of a SYN comes after the
    client's FIN has come twice, the kernel's connection tracking takes it for a new connection and forgets the one that is (it has
    put it into TIME_WAIT), before zonegate sees the packet."""
    return bool(frame[14 + (20 if frame[12:14] == b"\x08\x00" else 40) + 13] & 2)


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    print("ready", flush=True)
    names = sys.stdin.readline().split()
    ends = {}
    for name in names:
        with open(f"/proc/self/net/../../sys/net/ipv6/conf/{name}/disable_ipv6", "w") as f:
            f.write("1")
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.setsockopt(263, PACKET_IGNORE_OUTGOING, 1)  # SOL_PACKET
        for option in (32, 33):  # SO_SNDBUFFORCE, SO_RCVBUFFORCE
            s.setsockopt(socket.SOL_SOCKET, option, 256 << 20)
        s.bind((name, 3))
        s.setblocking(False)
        ends[s.fileno()] = s
    a, b = ends.values()
    other = {a.fileno(): b, b.fileno(): a}
    print("open", flush=True)
    now = {"lose": 0.0, "again": 0.0, "late": 0.0, "copies": 1, "delay": 0.0, "late_by": 0.003, "seed": 1}
    rng, queue, number, text = random.Random(1), [], 0, b""
    poll = select.poll()
    for fd in [*ends, 0]:
        poll.register(fd, select.POLLIN)
    while True:
        wait = max(queue[0][0] - time.monotonic(), 0) * 1000 if queue else None
        for fd, _ in poll.poll(wait):
            if fd == 0:
                got = os.read(0, 65536)
                if not got:
                    return
                text += got
                while b"\n" in text:
                    line, text = text.split(b"\n", 1)
                    now.update(json.loads(line))
                    rng.seed(now["seed"])
                continue
            s, out = ends[fd], other[fd]
            quiet = not (now["lose"] or now["again"] or now["late"] or now["delay"]) and now["copies"] == 1
            for _ in range(64):
                try:
                    frame = s.recv(70000)
                except BlockingIOError:
                    break
                if quiet or not is_tcp(frame):
                    give(out, frame)
                    continue
                for _ in range(now["copies"] + (rng.random() < now["again"])):
                    if rng.random() < now["lose"]:
                        continue
                    late = rng.random() < now["late"] and not is_syn(frame)
                    by = now["delay"] + (rng.random() * now["late_by"] if late else 0)
                    if by == 0 and now["delay"] == 0:
                        give(out, frame)
                    else:
                        number += 1
                        heapq.heappush(queue, (time.monotonic() + by, number, out, frame))
        t = time.monotonic()
        while queue and queue[0][0] <= t:
            _, _, out, frame = heapq.heappop(queue)
            give(out, frame)


def give(out, frame):
    try:
        out.send(frame)
    except OSError:  # full, or larger than the line's MTU: lost, as on a line
        pass


class BadLine:
    """A shuffler between the router and a host of a lab; the host keeps its MAC and its addresses."""

    def __init__(self, lab, host):
        self.lab, self.host = lab, host
        self.p = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        self.expect("ready")
        h, netns = lab.hosts[host], lab.netns(host)
        dev = h["router_interface"]

        def ip(*args):
            p = subprocess.run(["ip", *args], capture_output=True, text=True, check=False)
            if p.returncode != 0:
                raise RuntimeError(f"ip {' '.join(args)}: {p.stderr}")
            return p.stdout
        routes = [ip("-n", netns, f"-{v}", "route", "show", "default").strip() for v in (4, 6)]
        known = json.loads(ip("-n", netns, "-json", "addr", "show", "dev", "eth0"))[0]["addr_info"]
        ip("-n", netns, "link", "set", "eth0", "down")
        ip("-n", netns, "link", "set", "eth0", "netns", str(self.p.pid), "name", "router")
        ip("-n", netns, "link", "add", "eth0", "address", h["mac"], "type", "veth", "peer", "name", "host", "netns", str(self.p.pid))
        for ns, name in ((netns, "eth0"), (lab.netns("router"), dev)):
            # frames as on a wire: with their checksums, none larger than the MTU
            subprocess.run(["ip", "netns", "exec", ns, "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off"], check=True,
                           capture_output=True)
        ip("-n", netns, "link", "set", "eth0", "up")
        for a in known:
            if a["scope"] == "global":
                ip("-n", netns, "addr", "add", f"{a['local']}/{a['prefixlen']}", "dev", "eth0", *(["nodad"] if a["family"] == "inet6" else []))
        for v, route in zip((4, 6), routes):
            ip("-n", netns, f"-{v}", "route", "replace", *route.split())
        self.say("router host")
        self.expect("open")
        # the interfaces changed place: both sides ask again
        for v in (4, 6):
            lab.exec(host, "ping", "-c", "1", "-W", "2", h[f"router_ipv{v}"])

    def say(self, text):
        self.p.stdin.write(text + "\n")
        self.p.stdin.flush()

    def expect(self, word):
        line = self.p.stdout.readline().strip()
        if line != word:
            raise RuntimeError(f"the shuffler said {line!r}")

    def be(self, **settings):
        """What is not named is as on a good line."""
        good = {"lose": 0.0, "again": 0.0, "late": 0.0, "copies": 1, "delay": 0.0, "late_by": 0.003, "seed": 1}
        self.say(json.dumps(dict(good, **settings)))

    def close(self):
        self.p.stdin.close()
        self.p.wait(10)


if __name__ == "__main__":
    main()
