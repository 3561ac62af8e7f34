# SPDX-License-Identifier: GPL-2.0-or-later
"""Meters of what a zone opens: scans, floods, connection rates, first-seen destinations; what is told, and who is blocked."""

import contextlib
import socket
import struct
import sys
import time

from lablib import (FAMILY, LGWAN_OTHER, MX, OUT, SYN, Lab, Sink, checksum, dialogue, need, run_tests, sample, send_mail, test,
                    text_mail, wait_for)

BLOCK_S = 4


def monitor(meters):
    return sample() + 'monitor = ( { zone = "internet"; %s } );\n' % meters


def apply(lab, meters):
    p = lab.apply(monitor(meters))
    need(p.returncode == 0, lambda: p.stdout + p.stderr)


def syns(lab, version, targets):
    """A SYN to each (address, port), from a port each; nobody waits for an answer."""
    family, source = FAMILY[version], OUT[version]
    with contextlib.closing(lab.sock("internet", family, socket.SOCK_RAW, socket.IPPROTO_TCP)) as s:
        s.bind((source, 0))
        for i, (address, port) in enumerate(targets):
            def segment(total):
                return struct.pack("!HHIIBBHHH", 20000 + i, port, 1000 + i, 0, 5 << 4, SYN, 65535, total, 0)
            pseudo = socket.inet_pton(family, source) + socket.inet_pton(family, address)
            pseudo += struct.pack("!BBH", 0, 6, 20) if version == 4 else struct.pack("!II", 20, 6)
            s.sendto(segment(checksum(pseudo + segment(0))), (address, 0))


def counter(lab, name):
    return next(c["packets"] for c in lab.status()["counters"] if c["name"] == name)


class Told:
    """What is told from here on."""

    def __init__(self, lab, event, count):
        self.lab, self.event, self.count = lab, event, count
        self.had = self.counted = 0
        self.counted = self.sum()  # what came before has been told
        self.had = len(lab.events(event))

    def events(self):
        return self.lab.events(self.event)[self.had:]

    def sum(self):
        """When the records have all that the kernel has counted."""
        def agree():
            return sum(e["packets"] for e in self.events()) == counter(self.lab, self.count) - self.counted
        need(wait_for(agree), lambda: f"{self.event}: {[e['packets'] for e in self.events()]} told, "
             f"{counter(self.lab, self.count) - self.counted} counted")
        return counter(self.lab, self.count) - self.counted


def source_of(version):
    return OUT[4] if version == 4 else "fd00:30::"  # the /64


def delivered(lab, version):
    with Sink(lab, address=MX[version]) as sink:
        return send_mail(lab, text_mail(), MX[version])[0] == 250 and len(sink.mails) == 1


@test("a scan: more different destinations than the limit are told with source and sum; one destination again and again is none",
      san=True)
def scan(lab):
    apply(lab, "scan = { limit = 30; };")
    for version in (4, 6):
        told = Told(lab, "scan", "over_scan")
        syns(lab, version, [(LGWAN_OTHER[version], 7)] * 100)
        need(told.sum() == 0, f"{told.events()}")
        syns(lab, version, [(LGWAN_OTHER[version], port) for port in range(1000, 1200)])
        # thirty at once, one more every two seconds
        total = told.sum()
        need(150 <= total <= 171, f"{total} over the limit")
        e = told.events()[0]
        need((e["src_ip"], e["limit"], e["seconds"], e["verdict"], e["src_zone"]) == (source_of(version), 30, 60, "notice", "internet"),
             f"{e}")
        need(delivered(lab, version), "told only, and yet no mail")


@test("with block the source of a scan opens nothing for its time; what it has open goes on, and a change of policy frees nobody",
      san=True)
def block(lab):
    for version in (4, 6):
        apply(lab, "scan = { limit = 30; block = %d; };" % BLOCK_S)
        scans, blocked = Told(lab, "scan", "over_scan"), Told(lab, "source-blocked", "drop_blocked")
        with Sink(lab, address=MX[version]):
            s = lab.connect("internet", MX[version])
            dialogue(s, b"EHLO out.internet.example\r\n")
            syns(lab, version, [(LGWAN_OTHER[version], port) for port in range(2000, 2100)])
            begin = time.monotonic()
            need(scans.sum() >= 1 and scans.events()[0]["block_s"] == BLOCK_S, f"{scans.events()}")
            need(scans.events()[0]["verdict"] == "deny", f"{scans.events()}")
            apply(lab, "scan = { limit = 30; block = %d; }; first_seen = true;" % BLOCK_S)
            if time.monotonic() - begin < BLOCK_S - 1.5:
                need(lab.blocked("internet", MX[version], timeout=0.5), "not blocked")
            s.sendall(b"MAIL FROM:<a@internet.example>\r\n")
            need(s.recv(100).startswith(b"250"), "the open connection was cut")
            s.close()
            need(blocked.sum() >= 1 and blocked.events()[0]["src_ip"] == source_of(version), f"{blocked.events()}")
        need(wait_for(lambda: not lab.blocked("internet", MX[version], port=25, timeout=0.5)
                      or delivered(lab, version), 3 * BLOCK_S), "blocked for ever")


@test("a SYN flood is told for its source and for its target, with sums; the service goes on")
def flood(lab):
    apply(lab, "flood = { limit = 50; burst = 100; }; target = { limit = 100; burst = 200; };")
    for version in (4, 6):
        source, target = Told(lab, "flood", "over_flood"), Told(lab, "flood-target", "over_target")
        begin = time.monotonic()
        syns(lab, version, [(MX[version], 25)] * 1000)
        took = time.monotonic() - begin
        for told, burst, rate in ((source, 100, 50), (target, 200, 100)):
            total = told.sum()
            need(1000 - burst - rate * (took + 1) <= total <= 1000 - burst, f"{told.event}: {total} of 1000 in {took:.1f} s")
        need(source.events()[0]["src_ip"] == source_of(version) and source.events()[0]["proto"] == "tcp", f"{source.events()[0]}")
        need(target.events()[0]["dst_ip"] == MX[version], f"{target.events()[0]}")
        need(delivered(lab, version), "no mail after the flood")


@test("UDP and ICMP are counted each by itself")
def protocols(lab):
    apply(lab, "flood = { limit = 10; burst = 100; };")
    told = Told(lab, "flood", "over_flood")
    with contextlib.closing(lab.sock("internet", socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        for i in range(90):
            udp.sendto(b"x", (LGWAN_OTHER[4], 3000 + i))
    with contextlib.closing(lab.sock("internet", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)) as icmp:
        for i in range(90):
            head = struct.pack("!BBHHH", 8, 0, 0, 7, i)
            icmp.sendto(struct.pack("!BBHHH", 8, 0, checksum(head), 7, i), (LGWAN_OTHER[4], 0))
    need(told.sum() == 0, f"the protocols were added up: {told.events()}")
    with contextlib.closing(lab.sock("internet", socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        for i in range(300):
            udp.sendto(b"x", (LGWAN_OTHER[4], 4000 + i))
    need(told.sum() >= 150, f"{told.events()}")
    need({e["proto"] for e in told.events()} == {"udp"}, f"{told.events()}")


@test("connections of one source beyond the rate are told; a slow client is not")
def rate(lab):
    apply(lab, "connections = { limit = 20; burst = 40; };")
    told = Told(lab, "connection-rate", "over_connections")
    with Sink(lab):
        for _ in range(3):
            need(delivered_again(lab), "no mail")
        need(told.sum() == 0, f"{told.events()}")
        begin = time.monotonic()
        for _ in range(150):
            lab.connect("internet", MX[4]).close()
        took = time.monotonic() - begin
    total = told.sum()
    need(150 - 40 - 20 * (took + 1) <= total <= 150 - 37, f"{total} of 150 in {took:.1f} s")


def delivered_again(lab):
    return send_mail(lab, text_mail())[0] == 250


@test("a destination is told when it is spoken to for the first time, and over a change of policy not again")
def first_seen(lab):
    apply(lab, "first_seen = true;")
    told = Told(lab, "destination-first-seen", "first_seen")
    for version in (4, 6):
        fresh = {4: "10.20.0.77", 6: "fd00:20::77"}[version]
        for meters in ("first_seen = true;", "first_seen = true; target = { limit = 1000; };"):
            apply(lab, meters)
            syns(lab, version, [(fresh, 25), (fresh, 26)])
            need(wait_for(lambda: len([e for e in told.events() if e["dst_ip"] == fresh]) == 1), f"{told.events()}")
            told.sum()
        need(len([e for e in told.events() if e["dst_ip"] == fresh]) == 1, f"{told.events()}")


if __name__ == "__main__":
    with Lab(monitor("scan = { limit = 30; };")) as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
