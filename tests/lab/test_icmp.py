# SPDX-License-Identifier: GPL-2.0-or-later
"""ICMP errors: path MTU discovery works across the boundary, and nothing of an error crosses but what zonegate says itself."""

import contextlib
import re
import socket
import struct
import sys
import time

from lablib import (FAMILY, INTERNET_OTHER, LGWAN_OTHER, MX, OUT, SLOW, TO_DATA, Lab, Sink, Sniffer, checksum, dialogue, need,
                    run_tests, send_mail, test, text_mail, wait_for)

ICMP = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
TOO_BIG, HOST, PORT = {4: (3, 4), 6: (2, 0)}, {4: (3, 1), 6: (1, 3)}, {4: (3, 3), 6: (1, 4)}
SMUGGLED = b"SMUGGLED-THROUGH-A-QUOTATION"


def address(version, text):
    return socket.inet_pton(FAMILY[version], text)


def quotation(version, source, destination, sport, dport, seq, total=3000, protocol=6, rest=SMUGGLED):
    """A packet as its sender would have sent it, as far as an error quotes it."""
    a, b = address(version, source), address(version, destination)
    if version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, total, 0x534D, 0x4000, 60, protocol, 0) + a + b
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    else:
        head = struct.pack("!IHBB", 0x60000000, total - 40, protocol, 60) + a + b
    return head + struct.pack("!HHI", sport, dport, seq & 0xFFFFFFFF) + rest


def send_error(lab, version, host, source, destination, kind, quoted, word=0):
    """An ICMP error from a router in the host's zone."""
    s = lab.sock(host, FAMILY[version], socket.SOCK_RAW, ICMP[version])
    body = struct.pack("!BBHI", *kind[version], 0, word) + quoted
    if version == 4:  # ICMPv6's is the kernel's business
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    with s:
        s.bind((source, 0))
        s.sendto(body, (destination, 0))


def mtu_of(lab, host, version, source, destination):
    """Of the path, as the host has learnt it. (A socket that waits for its retransmission forgets its own.)"""
    p = lab.exec(host, "ip", "route", "get", destination, "from", source)
    m = re.search(r" mtu (\d+)", p.stdout)
    return int(m.group(1)) if m else 1500


def errors_in(packets, version):
    return [p for p in packets if p[0] >> 4 == version and p[9 if version == 4 else 6] == ICMP[version]]


@contextlib.contextmanager
def rule(lab, host, text):
    """A rule on what the host receives."""
    table = f"table inet of_the_test {{\n chain in {{\n type filter hook input priority 0\n {text}\n }}\n}}\n"
    p = lab.exec(host, "nft", "-f", "-", input=table)
    need(p.returncode == 0, lambda: p.stderr)
    try:
        yield
    finally:
        lab.exec(host, "nft", "delete", "table", "inet", "of_the_test")


class Stalled:
    """A mail under way whose bytes arrive at the server's host and are not acknowledged, until go_on()."""

    def __init__(self, lab, version, stack):
        self.lab, self.version = lab, version
        self.sink = stack.enter_context(Sink(lab, family=version))
        self.s = stack.enter_context(lab.connect("internet", MX[version], source=OUT[version]))
        need(dialogue(self.s, *TO_DATA)[-1].startswith(b"354"), "no DATA")
        self.mail = text_mail("x" * 70 + "\r\n", "us-ascii") + (b"y" * 70 + b"\r\n") * 200
        self.wall = stack.enter_context(contextlib.ExitStack())
        self.wall.enter_context(rule(lab, "lgwan", "tcp dport 25 drop"))
        self.go_on = self.wall.close
        with Sniffer(lab, "lgwan") as wire:
            self.s.sendall(self.mail + b".\r\n")
            seen = [p for p in wire.packets(0.5) if p[0] >> 4 == version and p[9 if version == 4 else 6] == 6 and len(p) > 200]
        need(seen, "no segment arrived")
        off = 20 if version == 4 else 40
        self.sport, _, self.seq = struct.unpack("!HHI", seen[0][off: off + 8])

    def error(self, kind, word=0, **changes):
        a = dict(source=OUT[self.version], destination=MX[self.version], sport=self.sport, dport=25, seq=self.seq)
        a.update(changes)
        send_error(self.lab, self.version, "lgwan", LGWAN_OTHER[self.version], OUT[self.version], kind,
                   quotation(self.version, **a), word)


@contextlib.contextmanager
def stalled(lab, version):
    with contextlib.ExitStack() as stack:
        try:
            yield Stalled(lab, version, stack)
        finally:  # what the senders learnt is not for the next test
            for host in ("internet", "lgwan"):
                lab.exec(host, "ip", "route", "flush", "cache")
                lab.exec(host, "ip", "-6", "route", "flush", "cache")


def wrong_then_right(lab, version):
    with stalled(lab, version) as m:
        def mtu():
            return mtu_of(lab, "internet", version, OUT[version], MX[version])
        need(mtu() == 1500, f"the path's MTU was {mtu()} before")
        for reason, kind, word, changes in (
            ("icmp-seq", TOO_BIG, 1400, dict(seq=m.seq + (1 << 20))),
            ("icmp-seq", TOO_BIG, 1400, dict(seq=m.seq - 1000)),
            ("icmp-mtu", TOO_BIG, 68 if version == 4 else 1279, {}),
            ("icmp-mtu", TOO_BIG, 1400, dict(total=1400)),
            ("icmp-hard-error", PORT, 0, {}),
            ("icmp-type", {4: (5, 1), 6: (4, 0)}, 0, {}),  # redirect; parameter problem
        ):
            count = sum(int(e["packets"]) for e in lab.events("packet-denied", reason=reason))
            m.error(kind, word, **changes)
            more = wait_for(lambda r=reason, n=count: sum(int(e["packets"])
                                                         for e in lab.events("packet-denied", reason=r)) > n, 5)
            if not more and reason == "icmp-type":
                continue  # conntrack took it for no error at all: the rule set has dropped it
            need(more, f"no record of {reason}")
            need(mtu() == 1500, f"{reason}: the MTU is {mtu()}")
        m.error(TOO_BIG, 1400)
        need(wait_for(lambda: mtu() == 1400, 5), lambda: f"the MTU is {mtu()}")
        m.go_on()
        m.s.settimeout(30 * SLOW)
        need(m.s.recv(4096).startswith(b"250"), "the mail was not taken")
        need(m.sink.mails == [m.mail], "another mail arrived")


@test("IPv4: the sender learns the path's MTU from a true error only, and the mail arrives", san=True)
def learns4(lab):
    wrong_then_right(lab, 4)


@test("IPv6: the sender learns the path's MTU from a true error only, and the mail arrives", san=True)
def learns6(lab):
    wrong_then_right(lab, 6)


@test("of an error nothing crosses: what arrives is zonegate's own, 28 or 48 bytes of quotation, in the server's name", san=True)
def nothing_crosses(lab):
    for version in (4, 6):
        with stalled(lab, version) as m, Sniffer(lab, "internet") as wire:
            for kind, word in ((TOO_BIG, 1380), (HOST, 0x534D5547)):
                m.error(kind, word)
            got = wire.packets(1)
            need(not any(SMUGGLED[:8] in p for p in got), "the quoted bytes arrived")
            errors = errors_in(got, version)
            need(len(errors) == 2, f"{len(errors)} errors arrived")
            ip = 20 if version == 4 else 40
            for p, kind, word in zip(errors, (TOO_BIG, HOST), (1380, 0)):
                source = p[12:16] if version == 4 else p[8:24]
                need(source == address(version, MX[version]), f"it came from {source!r}")
                need(len(p) == ip + 8 + ip + 8, f"{len(p)} bytes arrived")
                need((p[ip], p[ip + 1]) == kind[version] and struct.unpack("!I", p[ip + 4: ip + 8])[0] == word,
                     f"it says {p[ip:ip + 8].hex()}")
                quoted = p[ip + 8:]
                need(quoted[ip:] == struct.pack("!HHI", m.sport, 25, m.seq), f"it quotes {quoted.hex()}")
                need(b"\x53\x4d" not in quoted[:8], "a field of the quoted header crossed")


@test("what a flood of true errors brings across is bounded, and counted")
def bounded(lab):
    with stalled(lab, 4) as m, Sniffer(lab, "internet") as wire:
        begin = time.monotonic()
        for _ in range(200):
            m.error(TOO_BIG, 1400)
        took = time.monotonic() - begin
        got = errors_in(wire.packets(1), 4)
        need(1 <= len(got) <= took * 10 + 2, f"{len(got)} of 200 errors in {took:.1f} s were told")
        lab.wait_event("packet-denied", reason="icmp-rate")
    return f"{len(got)} of 200"


@test("an error about what the server sent reaches the server")
def to_the_server(lab):
    for version in (4, 6):
        with Sink(lab, family=version) as sink, Sniffer(lab, "internet") as wire:
            ip = 20 if version == 4 else 40
            # the client's host does not take the greeting, so it stays unacknowledged
            with rule(lab, "internet", "tcp sport 25 tcp flags & (syn | ack | psh) == ack | psh drop"), \
                    lab.connect("internet", MX[version], source=OUT[version]):
                seen = wait_for(lambda: [p for p in wire.packets(0.2) if b"220 " in p], 5)
                need(seen, "no greeting")
                _, dport, seq = struct.unpack("!HHI", seen[0][ip: ip + 8])
                send_error(lab, version, "internet", INTERNET_OTHER[version], MX[version], TOO_BIG,
                           quotation(version, MX[version], OUT[version], 25, dport, seq), 1350)
                need(wait_for(lambda v=version: mtu_of(lab, "lgwan", v, MX[v], OUT[v]) == 1350, 5), "the server did not learn it")
            lab.exec("lgwan", "ip", "route", "flush", "cache")
            lab.exec("lgwan", "ip", "-6", "route", "flush", "cache")
        need(not sink.mails, "a mail?")


@test("a server that refuses by ICMP: the client is told at once", san=True)
def unreachable(lab):
    for version in (4, 6):
        what = "icmp type port-unreachable" if version == 4 else "icmpv6 type port-unreachable"
        with rule(lab, "lgwan", f"meta nfproto ipv{version} tcp dport 25 reject with {what}"):
            begin = time.monotonic()
            try:
                lab.connect("internet", MX[version], source=OUT[version], timeout=8).close()
                need(False, "connected")
            except OSError as e:
                need(isinstance(e, ConnectionRefusedError), f"IPv{version}: {e!r}")
            need(time.monotonic() - begin < 3 * SLOW, "it took long")


@test("errors about nothing, about other zones' connections, and echo requests stay where they are")
def about_nothing(lab):
    for version in (4, 6):
        with Sniffer(lab, "internet") as inet, Sniffer(lab, "mynumber") as mynumber:
            for host, source, to, quoted in (
                ("lgwan", LGWAN_OTHER, OUT, quotation(version, OUT[version], MX[version], 50000, 25, 1)),
                ("lgwan", LGWAN_OTHER, OUT, quotation(version, OUT[version], MX[version], 50000, 53, 0, protocol=17)),
                ("lgwan", LGWAN_OTHER, INTERNET_OTHER, quotation(version, INTERNET_OTHER[version], MX[version], 50000, 25, 1)),
                ("lgwan", LGWAN_OTHER, OUT, b"SMUGGLED"),
            ):
                for kind, word in ((TOO_BIG, 1400), (PORT, 0), ({4: (8, 0), 6: (128, 0)}, 1)):
                    send_error(lab, version, host, source[version], to[version], kind, quoted, word)
            need(not errors_in(inet.packets(0.6), version), "something arrived")
            need(not errors_in(mynumber.packets(0.1), version), "something arrived at mynumber")


@test("after all this the daemon has lost no process, and mail passes", san=True)
def still_there(lab):
    need(not lab.events("inspector-died"), f"{lab.events('inspector-died')[:1]}")
    with Sink(lab):
        need(send_mail(lab, text_mail())[0] == 250, "refused")


if __name__ == "__main__":
    with Lab() as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
