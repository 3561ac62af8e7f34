#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of the policy under traffic: a flow that stays does not lose a packet, however often others come, go and change.
What the test sends is counted at both ends, and in the kernel."""

import os
import socket
import struct
import subprocess
import sys
import threading
import time

from lablib import MX, OUT, SLOW, TEST_BUILD, Lab, need, run_tests, sample, test, wait_for

PLAIN, STREAM, OTHER = 5300, 5400, 5500  # ports
CHANGES = int(os.environ.get("ZG_TEST_CHANGES", 1000))
SECONDS = 50  # for all of them; where the machine is too slow fewer are made, and the test says how many


def flow(name, port, protocol="tcp", inspector="stream"):
    return f"""{{ name = "{name}"; from = "internet"; to = "lgwan"; source = [ "{OUT[4]}", "{OUT[6]}" ];
        destination = [ "{MX[4]}", "{MX[6]}" ]; protocol = "{protocol}"; port = {port}; inspector = "{inspector}";
        ticket = "T-1"; approver = "test"; }}"""


STAY = [flow("stream", STREAM), flow("plain", PLAIN, "udp", "datagram")]
CONFIG = sample(",\n".join(STAY), daemon=" inspectors = 1; queue_base = 100; ")
# one flow comes and goes, one changes, one moves behind another, a pair of zones gets its first and loses its last
VARIANTS = [
    sample(",\n".join(STAY + [flow("other", OTHER)]), daemon=" inspectors = 1; queue_base = 100; "),
    sample(",\n".join([flow("other", OTHER + 1)] + STAY[::-1]), daemon=" inspectors = 1; queue_base = 100; "),
    CONFIG,
]


class Changes:
    """zonegatectl apply, one variant after the other."""

    def __init__(self, lab):
        self.texts = [lab.file(f"variant{i}.conf", text) for i, text in enumerate(VARIANTS)]
        self.ctl = os.path.join(lab.build, "zonegatectl")
        self.env = dict(os.environ, ZONEGATE_SOCKET=lab.info["socket"])

    def apply(self, i):
        p = subprocess.run([self.ctl, "apply", self.texts[i % len(self.texts)]], env=self.env, capture_output=True, text=True,
                           check=False)
        need(p.returncode == 0, lambda: f"apply {i}: {p.stderr}")


class Transfer(threading.Thread):
    """One connection that sends all the time; the other end must read the same, and all of it."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.server = lab.listen("lgwan", MX[4], STREAM)
        self.client = lab.connect("internet", MX[4], STREAM, OUT[4])
        self.far, _ = self.server.accept()
        self.far.settimeout(10 * SLOW)
        self.stop, self.error, self.sent, self.read = threading.Event(), None, 0, 0
        self.reader = threading.Thread(target=self.receive, daemon=True)
        self.reader.start()
        self.start()

    def block(self, n):
        return struct.pack(">Q", n) * 2048

    def run(self):
        try:
            while not self.stop.is_set():
                self.client.sendall(self.block(self.sent))
                self.sent += 1
                time.sleep(0.001)
            self.client.shutdown(socket.SHUT_WR)
        except OSError as e:
            self.error = self.error or f"sending broke: {e}"

    def receive(self):
        rest = b""
        try:
            while data := self.far.recv(1 << 18):
                rest += data
                while len(rest) >= 16384:
                    if rest[:16384] != self.block(self.read):
                        self.error = f"block {self.read} arrived as something else"
                        return
                    self.read += 1
                    rest = rest[16384:]
        except OSError as e:
            self.error = self.error or f"receiving broke: {e}"

    def end(self):
        self.stop.set()
        self.join()
        self.reader.join()
        for s in (self.client, self.far, self.server):
            s.close()
        need(self.error is None, self.error)
        need(self.read == self.sent > 0, f"{self.sent} blocks sent, {self.read} arrived")


class Flood(threading.Thread):
    """Datagrams, each with a number, each answered: how many were sent, arrived, were answered."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.server = lab.listen("lgwan", MX[4], PLAIN, socket.SOCK_DGRAM)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.server.settimeout(0.2)
        self.client = lab.sock("internet", socket.AF_INET, socket.SOCK_DGRAM)
        self.client.bind((OUT[4], 0))
        self.client.connect((MX[4], PLAIN))
        self.client.settimeout(1.0 * SLOW)
        self.stop, self.closed = threading.Event(), threading.Event()
        self.sent = self.arrived = self.answered = 0
        self.answering = threading.Thread(target=self.answer, daemon=True)
        self.answering.start()
        self.start()

    def run(self):
        """Eight at a time, so that no buffer of an end overflows: a loss is a loss on the way."""
        while not self.stop.is_set():
            for _ in range(8):
                self.sent += 1
                self.client.send(struct.pack(">I", self.sent) + b"x" * 60)
            self.take(8)
            time.sleep(0.001)
        self.take(self.sent - self.answered)  # what a busy machine has been late with

    def take(self, n):
        for _ in range(n):
            try:
                self.client.recv(100)
                self.answered += 1
            except TimeoutError:
                return

    def answer(self):
        while not self.closed.is_set():
            try:
                data, peer = self.server.recvfrom(100)
            except TimeoutError:
                continue
            self.arrived += 1
            self.server.sendto(data, peer)

    def end(self):
        self.stop.set()
        self.join()
        self.closed.set()
        self.answering.join()
        self.client.close()
        self.server.close()
        need(self.sent > 0, "nothing was sent")
        need(self.sent == self.arrived == self.answered,
             f"{self.sent} datagrams sent, {self.arrived} arrived, {self.answered} answers came back")


# An end that waits a little longer than it is used to sends its last segment again, and the inspector knows it already; on a busy
# machine one acknowledgement overtakes another, and the older one says nothing more.
HARMLESS = {"tcp-repeat", "tcp-timestamp"}


def denied(lab):
    return sum(int(e["packets"]) for e in lab.events("packet-denied"))


def sums(lab):
    return {c["name"]: c["packets"] for c in lab.status()["counters"]}


def gain(lab, before):
    return {n: k - before.get(n, 0) for n, k in sums(lab).items()}


def absent(lab, before):
    gained = gain(lab, before)
    return gained["queued"] - gained["passed"]


def accounted(lab, before):
    """The last packets of a connection are on their way while its ends are closed."""
    return absent(lab, before) == denied(lab)


@test(f"{CHANGES} changes of the policy under a transfer and a flood of requests: what stays does not lose a packet")
def nothing_is_lost(lab):
    changes = Changes(lab)
    changes.apply(0)
    before = sums(lab)
    transfer, flood = Transfer(lab), Flood(lab)
    need(wait_for(lambda: transfer.read > 20 and flood.answered > 20), "no traffic")
    begin, made = time.monotonic(), 0
    try:
        while made < CHANGES and time.monotonic() - begin < SECONDS * max(1, CHANGES / 1000):
            made += 1
            changes.apply(made)
        took = time.monotonic() - begin
    finally:
        flood.stop.set()
        transfer.stop.set()
    flood.end()
    transfer.end()
    need(wait_for(lambda: accounted(lab, before), 3),
         lambda: f"{absent(lab, before)} packets did not go on, {denied(lab)} were told of")
    gained = gain(lab, before)
    refused = {n: k for n, k in gained.items() if k > 0 and n.startswith(("drop_", "backstop_"))}
    need(not refused, f"packets were refused: {refused}")
    need(gained["flow:plain"] == 2 * flood.sent, "the kernel counted other datagrams than were sent")
    need({e["reason"] for e in lab.events("packet-denied")} <= HARMLESS and not lab.events("queue-loss"), "losses were recorded")
    need(made == CHANGES or made > 300, f"only {made} changes in {took:.0f} s")
    return f"{made} changes, {took / made * 1000:.0f} ms each; {transfer.sent} blocks of 16 KiB, {flood.sent} requests"


if __name__ == "__main__":
    with Lab(CONFIG, build=TEST_BUILD) as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
