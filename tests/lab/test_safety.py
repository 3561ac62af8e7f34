# SPDX-License-Identifier: GPL-2.0-or-later
"""Under load, things break: processes die or hang, queues and memory run full, floods come in, interfaces and the policy
change. Each time: what a receiver read is a beginning of what was sent; connections that the trouble does not touch go on;
new ones come about again, soon; and every packet that was refused or lost is in a counter that somebody can read."""

import contextlib
import os
import random
import re
import signal
import socket
import struct
import sys
import threading
import time

from attack import ATTACKER, CLIENT, HONEST, SERVER, Conn, Field, config, field_lab, ip4, ip6, tcp_sum
from lablib import SLOW, SYN, Sniffer, need, run_tests, test, wait_for

POOL = random.Random(9).randbytes(1 << 20)
SOON = 1.0  # seconds in which the boundary works again, where nothing has to be found out first
PULSE_PORT, MUTE = 7990, 7991


class Pulse:
    """An honest connection in which bytes flow steadily from the client, and are compared as they arrive."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.sent = self.read = 0
        self.wrong, self.dead, self.last, self.gap = None, False, time.monotonic(), 0.0
        self.name = client.getsockname()[1]
        for s in (client, server):
            s.setblocking(False)

    def beat(self):
        if self.dead:
            return
        try:
            if self.sent - self.read < 65536:
                at = self.sent % len(POOL)
                self.sent += self.client.send(POOL[at: at + 500])
            self.dead = self.client.recv(1) == b""  # nothing comes here but an end
        except BlockingIOError:
            pass
        except OSError:
            self.dead = True
        try:
            while True:
                got = self.server.recv(65536)
                if not got:
                    self.dead = True
                    return
                at = self.read % len(POOL)
                if (POOL + POOL)[at: at + len(got)] != got or self.read + len(got) > self.sent:
                    self.wrong = f"at {self.read}: {got[:40]!r}"
                self.read += len(got)
                now = time.monotonic()
                self.gap, self.last = max(self.gap, now - self.last), now
        except BlockingIOError:
            pass
        except OSError:
            self.dead = True

    def close(self):
        self.client.close()
        self.server.close()


class Load(threading.Thread):
    """Pulses on both queues, all the time."""

    def __init__(self, lab, count=12):
        super().__init__(daemon=True)
        self.lab, self.lock, self.stop, self.pulses, self.count = lab, threading.Lock(), False, [], count
        self.listeners = {v: lab.listen("lgwan", HONEST[SERVER][v], PULSE_PORT) for v in (4, 6)}
        for i in range(count):
            self.pulses.append(self.begin(4 + 2 * (i & 1)))
        self.start()

    def begin(self, version, timeout=5.0):
        c = self.lab.connect("internet", HONEST[SERVER][version], PULSE_PORT,
                             HONEST[CLIENT][version], timeout / SLOW)
        self.listeners[version].settimeout(timeout)
        while True:
            s, peer = self.listeners[version].accept()
            if peer[1] == c.getsockname()[1]:
                return Pulse(c, s)
            s.close()

    def run(self):
        while not self.stop:
            with self.lock:
                for p in self.pulses:
                    p.beat()
            time.sleep(0.004)

    def mark(self):
        """From here on gaps are counted."""
        with self.lock:
            for p in self.pulses:
                p.gap, p.last = 0.0, time.monotonic()

    def gaps(self):
        with self.lock:
            now = time.monotonic()
            return {p: max(p.gap, now - p.last) for p in self.pulses if not p.dead}

    def check(self):
        wrong = [p.wrong for p in self.pulses if p.wrong]
        need(not wrong, f"bytes arrived that were not sent so: {wrong[:2]}")

    def again(self, seconds=10.0):
        """Replaces what died; the seconds until as many connections as before had come about and carried a byte each."""
        begin = time.monotonic()
        with self.lock:
            dead = [p for p in self.pulses if p.dead]
            self.pulses = [p for p in self.pulses if not p.dead]
        for p in dead:
            p.close()
        lacking = self.count - len(self.pulses)
        missing = [4 + 2 * (i & 1) for i in range(max(lacking, 6))]  # six look at both queues, whether any died or not
        fresh = []
        while missing:
            need(time.monotonic() - begin < seconds * SLOW, f"no new connection within {seconds} s")
            try:
                fresh.append(self.begin(missing[-1], 0.25 * SLOW))
                missing.pop()
            except OSError:
                pass
        with self.lock:
            extra = fresh[lacking:]
            self.pulses += fresh[:lacking]
        until = time.monotonic() + 5 * SLOW
        while not all(p.read for p in fresh):
            need(time.monotonic() < until, "a new connection carries nothing")
            for p in extra:
                p.beat()
            time.sleep(0.01)
        took = time.monotonic() - begin
        for p in extra:
            p.close()
        return took


class Stage:
    """A lab under load, and attackers."""

    def __init__(self, lab):
        self.lab, self.field = lab, Field(lab)
        self.load = Load(lab)

    def status(self):
        """Fresh: the inspectors report once a second."""
        time.sleep(1.2)
        return self.lab.status()

    def kernel(self):
        return {c["name"]: c["packets"] for c in self.lab.status()["counters"]}

    def sums(self):
        """Of each inspector what it saw is what it accepted, dropped with a reason, or holds."""
        for p in self.status()["processes"]:
            if p["role"] == "inspector":
                need(p["packets"] == p["accepted"] + p["dropped"] + p["held"], f"{p}")
                need(sum(p["dropped_by"].values()) == p["dropped"], f"{p}")

    def running(self, seconds=20):
        """All is well, and all pulses beat."""
        need(wait_for(lambda: self.lab.ctl("status").returncode == 0, seconds), "not running again")
        begin = time.monotonic()

        def beating():
            return [p for p in self.load.pulses if not p.dead and p.last > begin]
        while len(wait_for(lambda: len(beating()) == len(self.load.pulses) and beating(), 0.5) or ()) < self.load.count:
            need(time.monotonic() - begin < 8 * SLOW, lambda: "not all connections go on: " + ", ".join(
                f"{p.name} {'dead' if p.dead else f'{time.monotonic() - p.last:.1f} s'}" for p in self.load.pulses))
            self.load.again()


def on_both_queues(stage):
    """After an inspector was away, all connections may be the other one's: some are begun anew until each has two."""
    def index(p):
        opened = [e["index"] for e in stage.lab.events("flow-opened", src_port=p.name)]
        return opened[-1] if opened else None
    for _ in range(40):
        at = {p: index(p) for p in stage.load.pulses}
        if None in at.values():
            time.sleep(0.1)  # the record is on its way
            continue
        lacking = [i for i in (0, 1) if sum(x == i for x in at.values()) < 2]
        if not lacking:
            return
        with stage.load.lock:
            for p in [p for p, x in at.items() if x != lacking[0]][:3]:
                p.dead = True
        stage.load.again()
    need(False, f"connections by queue: {sorted(map(str, at.values()))}")


def signalled(stage, role, sig, index=0):
    pid = stage.lab.pids(role)[index]
    os.kill(pid, sig)
    return pid


# --- processes ---------------------------------------------------------------------------------------------


@test("kill -9 of an inspector: its connections end, those of the other queue do not notice, new ones come about within a second", san=True)
def kill_inspector(stage):
    said = []
    for index in (0, 1):
        stage.running()
        on_both_queues(stage)
        before = list(stage.load.pulses)
        stage.load.mark()
        signalled(stage, "inspector", signal.SIGKILL, index)
        took = stage.load.again()
        stage.running()
        others = {p: g for p, g in stage.load.gaps().items() if p in before}
        need(0 < len(others) < len(before), f"{len(others)} of {len(before)} connections lived on")
        worst = max(others.values())
        stage.load.check()
        need(worst < 1.0 * SLOW, f"a connection of the other queue stood still for {worst:.2f} s")
        need(took < SOON * SLOW + 0.25, f"{took:.2f} s until new connections came about")
        said.append(f"again after {took:.2f} s, longest gap of the {len(others)} others {worst * 1000:.0f} ms")
    return "; ".join(said)


@test("kill -9 of the gate, of the watch: within a second new connections; without the watch none ends")
def kill_gate_watch(stage):
    stage.running()
    stage.load.mark()
    signalled(stage, "watch", signal.SIGKILL)
    time.sleep(1)
    need(not any(p.dead for p in stage.load.pulses), "a connection ended")
    worst = max(stage.load.gaps().values())
    need(worst < 0.5 * SLOW, f"a gap of {worst:.2f} s")
    stage.running()
    signalled(stage, "gate", signal.SIGKILL)
    took = stage.load.again()
    stage.running()
    stage.load.check()
    need(took < SOON * SLOW + 0.25, f"{took:.2f} s until new connections came about")
    return f"watch: longest gap {worst * 1000:.0f} ms; gate: again after {took:.2f} s"


@test("SIGSTOP of each process for two seconds, then SIGCONT: nothing wrong is read, all goes on", san=True)
def stopped(stage):
    said = []
    for role, noticed in (("watch", False), ("supervisor", False), ("inspector", True), ("gate", True)):
        stage.running()
        stage.load.mark()
        pid = signalled(stage, role, signal.SIGSTOP)
        time.sleep(2)
        stage.load.check()
        gaps = sorted(stage.load.gaps().values())
        if not noticed:
            need(gaps[-1] < 1.0 * SLOW, f"{role}: a gap of {gaps[-1]:.2f} s")
        elif role == "inspector":
            need(gaps[0] < 1.0 * SLOW, f"the other queue stood still for {gaps[0]:.2f} s")
            need(gaps[-1] > 1.5, "nobody was on this queue")
        os.kill(pid, signal.SIGCONT)
        begin = time.monotonic()

        def flowing():
            return all(time.monotonic() - p.last < 0.2 * SLOW for p in stage.load.pulses if not p.dead)
        need(wait_for(flowing, 8), f"{role}: not all go on")
        said.append(f"{role} {time.monotonic() - begin:.2f} s")
        need(not any(p.dead for p in stage.load.pulses), f"{role}: a connection ended")
        stage.load.check()
    return "after SIGCONT all flow again: " + ", ".join(said)


@test("kill -9 of the supervisor: nothing crosses; after a new start it does, within a second", san=True)
def kill_supervisor(stage):
    stage.running()
    signalled(stage, "supervisor", signal.SIGKILL)
    time.sleep(0.3)
    with Sniffer(stage.lab, "lgwan") as sniffer:
        sniffer.packets(0.1)
        time.sleep(1)
        crossed = [p for p in sniffer.packets(0.1) if p[9 if p[0] >> 4 == 4 else 6] == 6]
    need(not crossed, f"{len(crossed)} packets crossed without a daemon")
    stage.lab.lab("start")
    took = stage.load.again()
    stage.load.check()
    need(took < SOON * SLOW + 0.25, f"{took:.2f} s")
    return f"again {took:.2f} s after the start"


# --- floods ----------------------------------------------------------------------------------------------------


def syn_flood(stage, count, version=4, port=7000):
    """SYNs of a permitted flow, from ports of which none will answer."""
    source, to = ATTACKER[CLIENT][version], HONEST[SERVER][version]
    for i in range(count):
        conn_port, seq = 1024 + i % 60000, i * 7919
        head = struct.pack("!HHIIBBHHH", conn_port, port, seq & 0xFFFFFFFF, 0, 5 << 4, SYN, 65000, 0, 0)
        head = head[:16] + struct.pack("!H", tcp_sum(source, to, head)) + head[18:]
        stage.field.send(CLIENT, version, (ip4 if version == 4 else ip6)(source, to, head))
        if i % 256 == 255:
            time.sleep(0.002)


@test("an inspector that stands still while SYNs flood its queue: the other queue goes on, every lost packet is counted", san=True)
def overflow(stage):
    stage.running()

    def sums():
        """(queued, seen), with nothing on its way."""
        time.sleep(2.5)
        processes = stage.lab.status()["processes"]
        return stage.kernel()["queued"], sum(p["packets"] + p["queue_gaps"] for p in processes if p["role"] == "inspector")
    with stage.load.lock:
        first, before = sums()
        told = sum(e["lost"] for e in stage.lab.events("queue-loss") if "role" not in e)
    stage.load.mark()
    pid = signalled(stage, "inspector", signal.SIGSTOP)
    try:
        syn_flood(stage, 14000)
        gaps = sorted(stage.load.gaps().values())
        need(gaps[0] < 1.0 * SLOW, f"the other queue stood still for {gaps[0]:.2f} s")
    finally:
        os.kill(pid, signal.SIGCONT)
    stage.load.check()
    took = stage.load.again()
    with stage.load.lock:
        queued, after = (a - b for a, b in zip(sums(), (first, before)))
        stage.lab.lab("stop")  # and says what it has not said yet
        lost = sum(e["lost"] for e in stage.lab.events("queue-loss") if "role" not in e) - told
        stage.lab.lab("start")
    need(queued >= 14000 and lost > 500, f"only {queued} queued, {lost} lost: the queue was not full")
    need(queued == after + lost, f"{queued} queued, {after} seen, {lost} told as lost")
    return f"{queued} queued = {after} seen + {lost} told as lost; again after {took:.2f} s"


@test("20,000 SYNs of a permitted flow: honest connections go on, new ones come about, the table keeps its bound")
def syns(stage):
    stage.running()
    stage.load.mark()
    p = stage.lab.exec("lgwan", "nft", "-f", "-", input="table inet mute {\n chain in {\n type filter hook input priority 0\n"
                       f" tcp dport {MUTE} drop\n }}\n}}\n")  # or its resets would end them
    need(p.returncode == 0, lambda: p.stderr)
    for version in (4, 6):
        syn_flood(stage, 10000, version, MUTE)
    took = stage.load.again()
    gap = max(stage.load.gaps().values())
    stage.load.check()
    need(gap < 2 * SLOW and took < 2 * SLOW, f"a gap of {gap:.2f} s, new connections after {took:.2f} s")
    flows = sum(p["flows"] for p in stage.status()["processes"] if p["role"] == "inspector")
    # of one source in each family, at each of two inspectors: ZG_FLOWTAB_SYN_SOURCE_MAX
    need(2 * 1024 < flows <= 4 * 1024 + 2000, f"{flows} flows are kept")
    stage.sums()
    return f"longest gap {gap * 1000:.0f} ms, new connections after {took:.2f} s, {flows} flows kept"


@test("20,000 UDP packets, 20,000 fragments, datagrams of 65,535 bytes: none crosses, the sums agree, honest connections go on", san=True)
def udp_and_fragments(stage):
    stage.running()
    time.sleep(2.2)
    first, had = stage.kernel(), len(stage.lab.events())
    stage.load.mark()
    to = {v: HONEST[SERVER][v] for v in (4, 6)}
    source = {v: ATTACKER[CLIENT][v] for v in (4, 6)}
    count = 20000 if SLOW == 1 else 5000
    with Sniffer(stage.lab, "lgwan") as sniffer:
        udp = {v: struct.pack("!HHHH", 9, 7000, 8, 0) for v in (4, 6)}
        packets = {4: ip4(source[4], to[4], udp[4], proto=17), 6: ip6(source[6], to[6], udp[6], proto=17)}
        for i in range(count):
            stage.field.send(CLIENT, 4, packets[4])  # checksum 0: none (IPv4)
            if i % 256 == 255:
                time.sleep(0.002)
        for i in range(count):  # beginnings of packets whose rest never comes
            stage.field.send(CLIENT, 4, ip4(source[4], to[4], bytes(24), proto=(6, 17)[i & 1], ident=i & 0xFFFF, frag=0x2000 | (i & 1) * 100))
            if i % 256 == 255:
                time.sleep(0.002)
        large = [stage.lab.sock("internet", socket.AF_INET if v == 4 else socket.AF_INET6, socket.SOCK_DGRAM) for v in (4, 6)]
        for s, v in zip(large, (4, 6)):
            s.bind((source[v], 0))
            for _ in range(20):
                s.sendto(bytes(65507 if v == 4 else 65527 - 8), (to[v], 7000))
            s.close()
        crossed = [p for p in sniffer.packets(0) if p[9 if p[0] >> 4 == 4 else 6] in (17, 44) or (p[0] >> 4 == 4 and p[6] & 0x3F)]
    need(not crossed, f"{len(crossed)} packets crossed: {[p[:40].hex() for p in crossed[:2]]}")
    gap = max(stage.load.gaps().values())
    stage.load.check()
    need(gap < 2 * SLOW, f"a gap of {gap:.2f} s")
    took = stage.load.again()
    time.sleep(2.5)
    now = stage.kernel()
    gained = sum(now[n] - first.get(n, 0) for n in now if n.startswith("drop_"))
    events = stage.lab.events()[had:]
    said = sum(e["packets"] for e in events if e["event"] == "packet-denied" and e["denied_by"] == "kernel")
    lost = sum(e["lost"] for e in events if e["event"] == "record-lost")
    need(gained >= count, f"the kernel counted {gained}")
    need(said == gained or lost, f"records say {said}, the kernel {gained}, {lost} lost")
    return f"{gained} refused = {said} recorded{f', {lost} records lost' if lost else ''}; longest gap {gap * 1000:.0f} ms; again {took:.2f} s"


# --- memory ------------------------------------------------------------------------------------------------------


def hoard(c, size, pieces):
    """Keeps as much out of order as may be kept."""
    yield from c.open()
    for i in range(pieces):
        c.data(1 + i * size, bytes(size))
    yield 0.02


@test("160 connections that each keep as many packets as they may: the queue is not full of them, honest connections go on",
      san=True)
def slots(stage):
    stage.running()
    stage.load.mark()
    field = stage.field
    port = next(field.rows)
    field.listen(port)
    played = [(c, hoard(c, 1, 60)) for c in (Conn(field, CLIENT, 4, port, lazy=False) for _ in range(160))]
    wrong = field.play(played)
    try:
        need(not wrong, lambda: f"{len(wrong)} did not come about: {wrong[0][1]}")
        took = stage.load.again(5)
        time.sleep(1)
        gap = max(stage.load.gaps().values())
        stage.load.check()
        need(gap < 1 * SLOW and took < SOON * SLOW, f"a gap of {gap:.2f} s, new connections after {took:.2f} s")
        held = sum(p["held"] for p in stage.status()["processes"] if p["role"] == "inspector")
    finally:
        end(field, played)
    stage.sums()
    return f"{held} packets kept; longest gap {gap * 1000:.0f} ms, new connections after {took:.2f} s"


def end(field, played):
    """The attackers' connections end."""
    for c, _ in played:
        if c.victim is not None:
            with contextlib.suppress(KeyError):
                del field.victims[c.victim.sock.fileno()]
                field.epoll.unregister(c.victim.sock.fileno())
            c.victim.close(abort=True)
        field.conns.pop((c.role, c.version, c.lport, c.rport), None)


@test("thousands of connections that each keep all they may out of order: memory has its bound, honest connections go on")
def memory(stage):
    stage.running()
    field, lab = stage.field, stage.lab
    links = (("internet", "eth0"), ("router", "in0"), ("router", "lg0"), ("lgwan", "eth0"))

    def mtu(size):
        for host, dev in links:
            need(lab.exec(host, "ip", "link", "set", dev, "mtu", str(size)).returncode == 0, "mtu")
    mtu(32000)
    stage.load.mark()
    port, played = 7900, []
    field.listen(port)
    try:
        for _ in range(3000):
            c = Conn(field, CLIENT, 4, port, options=b"\x02\x04\x7c\x00", lazy=False)
            played.append((c, hoard(c, 30000, 2)))
        wrong = field.play(played, 100)
        full = stage.status()
        bytes_ = [p["buffer_bytes"] for p in full["processes"] if p["role"] == "inspector"]
        rss = [int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{p}/status").read()).group(1)) // 1024 for p in lab.pids("inspector")]
        refused = sum(p["dropped_by"].get("tcp-memory", 0) for p in full["processes"] if p["role"] == "inspector")
        held = sum(p["held"] for p in full["processes"] if p["role"] == "inspector")
        need(len(wrong) < 100, lambda: f"{len(wrong)} did not come about: {wrong[0][1]}")
        need(max(bytes_) <= 512 << 20 and max(rss) < 700, f"{bytes_} bytes, {rss} MB resident")
        need(max(bytes_) > 20 << 20, f"only {bytes_} bytes: that was no attack")
        gap = max(stage.load.gaps().values())
        need(not any(p.dead for p in stage.load.pulses), "an honest connection ended")
        stage.load.check()
        took = stage.load.again()
        need(gap < 3 * SLOW, f"a gap of {gap:.2f} s")
        for c, _ in played:
            need(not c.victim or not c.victim.got, "bytes that were out of order were read")
    finally:
        end(field, played)
        mtu(1500)
    need(wait_for(lambda: max(p["buffer_bytes"] for p in lab.status()["processes"] if p["role"] == "inspector") < 20 << 20, 8),
         "the memory was not given back")
    return (f"{held} packets kept, {max(bytes_) >> 20} MB, {max(rss)} MB resident, {refused} refused for memory; "
            f"longest gap {gap * 1000:.0f} ms, new connections after {took:.2f} s")


# --- interfaces, offloads, the policy ----------------------------------------------------------------------------------


@test("GSO, TSO, GRO and checksum offload switched on and off in mid-flow", san=True)
def offloads(stage):
    stage.running()
    stage.load.mark()
    for i in range(8):
        for host, dev in (("internet", "eth0"), ("router", "in0"), ("router", "lg0"), ("lgwan", "eth0")):
            on = "on" if i & 1 else "off"
            p = stage.lab.exec(host, "ethtool", "-K", dev, "tx", on, "tso", on, "gso", on, "gro", on)
            need(p.returncode == 0, lambda: p.stderr)
        time.sleep(0.1)
    time.sleep(0.3)
    stage.load.check()
    need(not any(p.dead for p in stage.load.pulses), "a connection ended")
    gap = max(stage.load.gaps().values())
    need(gap < 1.5 * SLOW, f"a gap of {gap:.2f} s")
    return f"longest gap {gap * 1000:.0f} ms"


@test("an interface down for a second and up again: nothing wrong is read, connections go on")
def interface(stage):
    stage.running()
    stage.load.mark()
    router = stage.lab.exec("router", "ip", "-6", "addr", "show", "dev", "in0", "scope", "global").stdout
    address = re.search(r"inet6 (\S+)", router).group(1)
    stage.lab.exec("router", "ip", "link", "set", "in0", "down")
    time.sleep(1)
    stage.lab.exec("router", "ip", "link", "set", "in0", "up")
    for a in (address, "fe80::1/64"):  # the kernel forgets IPv6 addresses of an interface that is down
        stage.lab.exec("router", "ip", "addr", "replace", a, "dev", "in0", "nodad")
    begin = time.monotonic()

    def flowing():
        return all(time.monotonic() - p.last < 0.2 * SLOW for p in stage.load.pulses if not p.dead)
    need(wait_for(flowing, 10), lambda: f"not all go on: {sorted(stage.load.gaps().values())}")
    took = time.monotonic() - begin
    stage.load.check()
    need(not any(p.dead for p in stage.load.pulses), "a connection ended")
    again = stage.load.again()
    return f"all flow again {took:.2f} s after it is up; new connections {again:.2f} s"


@test("apply in a loop, forty times under load: no connection ends, none stands still", san=True)
def apply_loop(stage):
    stage.running()
    texts = [stage.lab.file(f"apply{i}.conf", config() if i else config().replace('purpose = "test"', 'purpose = "again"', 1)) for i in (0, 1)]
    stage.load.mark()
    worst = 0.0
    for i in range(40 if SLOW == 1 else 10):
        begin = time.monotonic()
        p = stage.lab.ctl("apply", texts[i % 2])
        need(p.returncode == 0, lambda: p.stderr)
        worst = max(worst, time.monotonic() - begin)
    stage.load.check()
    need(not any(p.dead for p in stage.load.pulses), "a connection ended")
    gap = max(stage.load.gaps().values())
    need(gap < 1 * SLOW, f"a gap of {gap:.2f} s")
    stage.sums()
    return f"longest gap {gap * 1000:.0f} ms, apply {worst * 1000:.0f} ms at worst"


@test("after all this: running, the sums agree, nobody honest was denied", san=True)
def at_the_end(stage):
    stage.running()
    stage.sums()
    denied = [e for e in stage.lab.events("content-denied") if e.get("flow", "").endswith("honest")]
    need(not denied, lambda: f"{denied[:1]}")
    stage.load.stop = True
    stage.load.join()
    for p in stage.load.pulses:
        p.close()


if __name__ == "__main__":
    with field_lab() as the_lab:
        status = run_tests(Stage(the_lab))
    sys.exit(status)
