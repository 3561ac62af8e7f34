# SPDX-License-Identifier: GPL-2.0-or-later
"""An attacker who writes every bit of his packets, against real receivers behind zonegate; many connections side by side.

A Field is a lab with two attackers, one in each zone, beside the real hosts. A case is a generator that plays one
connection (a Conn); what it yields is what it waits for: seconds, or (condition, seconds). After a row of cases the oracle
is asked for each connection: what the receiver's recv() returned is what the record of the connection's end says that
zonegate released, and it is a beginning of what the attacker said first.
"""

import hashlib
import itertools
import json
import os
import random
import select
import socket
import struct
import time

from lablib import (ACK, FAMILY, FIN, PSH, RST, SLOW, SYN, TEST_BUILD, Failed, Lab, checksum, flow, need, sample,
                    wait_for)

CLIENT, SERVER = "client", "server"  # which end the attacker plays
HOST = {CLIENT: "internet", SERVER: "lgwan"}
HONEST = {CLIENT: {4: "10.30.0.25", 6: "fd00:30::25"}, SERVER: {4: "10.20.0.25", 6: "fd00:20::25"}}
ATTACKER = {CLIENT: {4: "10.30.0.66", 6: "fd00:30::66"}, SERVER: {4: "10.20.0.66", 6: "fd00:20::66"}}
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
OTHER = {CLIENT: SERVER, SERVER: CLIENT}
MSS = b"\x02\x04\x05\xb4"
MESSAGE = b"abcdefghijklmnopqrstuvwxyz012345"
FORGED = bytes(b ^ 0x20 for b in MESSAGE)  # another byte at every place
PORTS = "7000-7999"
REWRITTEN = 6999  # a flow of `stream` in which small letters become others, both ways
ROT13 = bytes.maketrans(b"abcdefghijklmnopqrstuvwxyz", b"nopqrstuvwxyzabcdefghijklm")


def config(**kw):
    def pair(sources, destinations, name, port, inspector):
        return flow(name, "internet", "lgwan", " ".join(sources.values()), " ".join(destinations.values()), port, inspector)
    flows = [(HONEST, ATTACKER, "attacking-server"), (ATTACKER, HONEST, "attacking-client"), (HONEST, HONEST, "honest")]
    text = [pair(a[CLIENT], b[SERVER], f"{inspector}-{who}", port, inspector)
            for a, b, who in flows for inspector, port in (("stream", f'"{PORTS}"'), ("smtp", 25))]
    text += [pair(a[CLIENT], b[SERVER], f"rewritten-{who}", REWRITTEN, "stream").replace(
        'inspector = "stream";', 'inspector = "stream"; stream = { rewrite = true; };') for a, b, who in flows]
    return sample(",\n".join(text), mail_in=False, digest=True, **kw)


def packed(address):
    return socket.inet_pton(FAMILY[6 if ":" in address else 4], address)


def ip4(source, destination, payload, proto=6, ttl=64, ident=1, frag=0x4000, options=b"", total=None, ihl=None, spoil=0):
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | (words if ihl is None else ihl), 0,
                       4 * words + len(payload) if total is None else total, ident, frag, ttl, proto, 0)
    head += packed(source) + packed(destination) + options
    return head[:10] + struct.pack("!H", checksum(head) ^ spoil) + head[12:] + payload


def ip6(source, destination, payload, proto=6, ttl=64, length=None):
    return struct.pack("!IHBB", 6 << 28, len(payload) if length is None else length, proto, ttl) + packed(source) + packed(
        destination) + payload


def tcp_sum(source, destination, segment):
    told = segment.rstrip(b"\0")  # zeros add nothing, and a flood of them is quickly made
    return checksum(packed(source) + packed(destination) + struct.pack("!II", len(segment), 6) + told)


def read_options(raw):
    found = {}
    while raw and raw[0] != 0:
        if raw[0] == 1:
            raw = raw[1:]
            continue
        if len(raw) < 2 or raw[1] < 2:
            break
        found[raw[0]] = raw[2: raw[1]]
        raw = raw[raw[1]:]
    return found


class Victim:
    """A real socket behind zonegate."""

    def __init__(self, sock):
        self.sock, self.got, self.state, self.read_at = sock, bytearray(), "open", time.monotonic()

    def gone(self):
        """Was it reset? After its peer's FIN recv() does not tell."""
        return self.state == "reset" or self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7  # TCP_CLOSE

    def close(self, abort=False):
        if self.sock.fileno() >= 0:
            if abort:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()


class Conn:
    """The attacker's end of one connection. Offsets count from the first byte of his stream."""

    def __init__(self, field, role, version, port, label="", isn=None, timestamps=False, options=MSS, truth=MESSAGE,
                 lazy=True, mute=False):
        self.field, self.role, self.version, self.label = field, role, version, label
        self.source, self.peer = ATTACKER[role][version], HONEST[OTHER[role]][version]
        high = next(field.ports)
        self.lport, self.rport = (high, port) if role == CLIENT else (port, high)
        self.port = port
        self.isn = random.getrandbits(32) if isn is None else isn & 0xFFFFFFFF
        self.irs = None
        self.timestamps, self.ts, self.ts_echo = timestamps, 1000, 0
        self.options = options
        self.lazy, self.mute = lazy, mute  # lazy: the receiver's kernel delays its acknowledgements
        self.acked = None  # highest acknowledgement of our stream
        self.edge, self.scale, self.window = 0, 0, 0
        self.stream, self.reset, self.fin, self.segments = bytearray(), False, False, []
        self.victim, self.script = None, None
        # what the oracle is to find
        self.truth, self.whole, self.killed = truth, False, None
        self.expected = []
        self.sent = 0

    def name(self):
        return f"{self.label} (IPv{self.version}, attacking {self.role})"

    # --- out

    def tcp(self, seq, flags, data=b"", ack=None, options=None, window=65000, urgent=0, words=None, reserved=0, spoil=0):
        if options is None:
            options = b""
            if self.timestamps:
                options = b"\1\1\x08\x0a" + struct.pack("!II", self.ts & 0xFFFFFFFF, self.ts_echo)
        options += b"\0" * (-len(options) % 4)
        if ack is None:
            ack = 0 if self.irs is None or flags & (SYN | ACK) == SYN else self.irs + 1 + len(self.stream) + self.fin
        head = struct.pack("!HHIIBBHHH", self.lport, self.rport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                           (5 + len(options) // 4 if words is None else words) << 4 | reserved, flags, window, 0, urgent)
        segment = head + options + data
        return segment[:16] + struct.pack("!H", tcp_sum(self.source, self.peer, segment) ^ spoil) + segment[18:]

    def ip(self, payload, **kw):
        return (ip4 if self.version == 4 else ip6)(self.source, self.peer, payload, **kw)

    def out(self, packet):
        self.sent += 1
        self.field.send(self.role, self.version, packet)

    def segment(self, offset, flags, data=b"", ip=None, **kw):
        self.out(self.ip(self.tcp(self.isn + 1 + offset, flags, data, **kw), **(ip or {})))

    def data(self, offset, data, flags=ACK | PSH, **kw):
        self.segment(offset, flags, data, **kw)

    def ack(self):
        self.segment(max(self.acked or 0, 0), ACK)

    # --- in

    def packet(self, segment):
        _, _, seq, ack, off, flags, window = struct.unpack("!HHIIBBH", segment[:16])
        options, data = read_options(segment[20: (off >> 4) * 4]), segment[(off >> 4) * 4:]
        if flags & RST:
            self.reset = True
            return
        if 8 in options:
            self.ts_echo = struct.unpack("!I", options[8][:4])[0]
        if flags & SYN:
            self.irs = seq
            self.scale = options[3][0] if 3 in options and b"\x03\x03" in self.options else 0
        if flags & ACK:
            n = (ack - self.isn - 1) & 0xFFFFFFFF
            n -= (n >> 31) << 32
            if self.acked is None or n > self.acked:
                self.acked = n
            self.window = window if flags & SYN else window << self.scale
            self.edge = max(self.edge, n + self.window)
        if flags & SYN or self.irs is None:
            return
        offset = (seq - self.irs - 1) & 0xFFFFFFFF
        if data:
            self.segments.append((offset, data))
            if offset == len(self.stream):
                self.stream += data
        if flags & FIN and offset + len(data) == len(self.stream):
            self.fin = True
        if (data or flags & FIN) and not self.mute:
            self.ack()

    # --- steps of a case

    def syn(self, **kw):
        options = kw.pop("options", None)
        if options is None:
            options = self.options + (b"\1\1\x08\x0a" + struct.pack("!II", self.ts & 0xFFFFFFFF, self.ts_echo) if self.timestamps else b"")
        flags = SYN if self.role == CLIENT else SYN | ACK
        self.out(self.ip(self.tcp(kw.pop("isn", self.isn), kw.pop("flags", flags), kw.pop("data", b""), options=options, **kw)))

    def call(self):
        """The real client calls the attacker: his SYN."""
        self.victim = self.field.dial(self)
        yield lambda: self.irs is not None, 3
        need(self.irs is not None, "the client's SYN did not arrive")

    def open(self, before=None):
        if self.role == SERVER:
            yield from self.call()
        if before:
            yield from before(self)
        self.syn()
        if self.role == CLIENT:
            yield lambda: self.irs is not None, 3
            need(self.irs is not None, "no SYN-ACK")
            self.ack()
        else:
            yield lambda: self.acked is not None, 3
            need(self.acked is not None, "no acknowledgement of the SYN-ACK")
        yield lambda: self.victim is not None, 3
        need(self.victim is not None, "the receiver's accept() did not return")
        if self.lazy:
            self.victim.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)

    def rest(self, end=None):
        """As an honest sender would go on: from what was acknowledged."""
        end = len(self.truth) if end is None else end
        for _ in range(8):
            if self.acked < end:
                self.data(self.acked, self.truth[self.acked: end])
            if (yield lambda: self.acked >= end or self.reset, 0.3):
                break
        need(self.acked >= end, lambda: f"{self.acked} of {end} bytes acknowledged{', reset' if self.reset else ''}")
        self.whole = end == len(self.truth)

    def dies(self, reason):
        """The connection is denied for this reason, and both ends are told."""
        self.killed = reason
        yield lambda: self.reset and self.victim.gone(), 3
        need(self.victim.gone(), f"the receiver was not reset (it is {self.victim.state})")
        need(self.reset, "the attacker was not reset")

    def refused(self, *reasons, n=1):
        """n packets of ours are to be found in the records under one of these reasons."""
        self.expected.append((tuple(sorted(reasons)), n))

    def done(self):
        if self.victim is None:
            return
        yield lambda: time.monotonic() - self.victim.read_at > 0.05, 2
        if self.victim.state == "open":
            self.victim.close(abort=True)
            self.victim.state = "closed"


class Field:
    """The lab, and one loop over all its packets and sockets."""

    def __init__(self, lab):
        self.lab = lab
        self.rows = itertools.count(7000)
        self.ports = itertools.cycle(range(10000, 60000))
        self.epoll = select.epoll()
        self.conns, self.waiting, self.listeners, self.victims, self.raw, self.ended = {}, {}, {}, {}, {}, {}
        self.link, self.log_at, self.records = {}, 0, []
        self.attackers = {packed(a): role for role in ATTACKER for a in ATTACKER[role].values()}
        for role, host in HOST.items():
            # the attackers' kernels hear nothing of what comes for them
            rules = "table inet deaf {\n chain in {\n type filter hook input priority 0\n"
            for version, word in ((4, "ip"), (6, "ip6")):
                rules += f" {word} daddr {ATTACKER[role][version]} meta l4proto tcp drop\n"
            p = lab.exec(host, "nft", "-f", "-", input=rules + " }\n}\n")
            need(p.returncode == 0, lambda: "nft: " + p.stderr)
            s = lab.sock(host, socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
            s.bind(("eth0", 3))  # ETH_P_ALL
            s.setblocking(False)
            dev = lab.hosts[host]["router_interface"]
            mac = next(i["mac"] for i in lab.info["router"]["interfaces"] if i["name"] == dev)
            self.link[role] = s, bytes.fromhex(mac.replace(":", ""))
            self.raw[s.fileno()] = role
            self.epoll.register(s.fileno(), select.EPOLLIN)
            # the router knows the attacker's neighbour entry before the first burst
            for version in (4, 6):
                lab.exec("router", "ping", "-c", "1", "-W", "1", ATTACKER[role][version])

    # --- packets and sockets

    def send(self, role, version, packet):
        s, mac = self.link[role]
        for _ in range(200):
            try:
                s.sendto(packet, ("eth0", ETHERTYPE[version], 0, 0, mac))
                return
            except (BlockingIOError, OSError) as e:
                if isinstance(e, OSError) and e.errno not in (11, 105):
                    raise
                time.sleep(0.001)
        raise RuntimeError("the link does not take packets")

    def listen(self, port):
        for version in (4, 6):
            s = self.lab.listen(HOST[SERVER], HONEST[SERVER][version], port)
            s.setblocking(False)
            self.listeners[s.fileno()] = s
            self.epoll.register(s.fileno(), select.EPOLLIN)

    def add_victim(self, conn, sock):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        victim = Victim(sock)
        self.victims[sock.fileno()] = victim, conn
        self.epoll.register(sock.fileno(), select.EPOLLIN)
        return victim

    def dial(self, conn):
        s = self.lab.sock(HOST[CLIENT], FAMILY[conn.version])
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((conn.peer, conn.rport))
        s.setblocking(False)
        self.conns[conn.role, conn.version, conn.lport, conn.rport] = conn
        s.connect_ex((conn.source, conn.lport))
        return self.add_victim(conn, s)

    def on_raw(self, fd):
        role = self.raw[fd]
        s = self.link[role][0]
        for _ in range(512):
            try:
                packet, where = s.recvfrom(70000)
            except BlockingIOError:
                return
            if where[2] == 4:  # PACKET_OUTGOING
                continue
            if where[1] == 0x0800 and self.attackers.get(packet[16:20]) == role and packet[9] == 6:
                version, at, end = 4, (packet[0] & 15) * 4, struct.unpack("!H", packet[2:4])[0]
            elif where[1] == 0x86DD and self.attackers.get(packet[24:40]) == role and packet[6] == 6:
                version, at, end = 6, 40, 40 + struct.unpack("!H", packet[4:6])[0]
            else:
                continue
            sport, dport = struct.unpack("!HH", packet[at: at + 4])
            conn = self.conns.get((role, version, dport, sport))
            if conn is not None:
                conn.packet(packet[at: end])

    def on_victim(self, fd):
        victim, conn = self.victims[fd]
        try:
            while True:
                got = victim.sock.recv(65536)
                if not got:
                    victim.state = "end"
                    break
                victim.got += got
                victim.read_at = time.monotonic()
                if conn is not None and conn.script:
                    conn.script(victim)
                if len(got) < 65536:
                    return
        except BlockingIOError:
            return
        except OSError:
            victim.state = "reset"
        self.epoll.unregister(fd)
        del self.victims[fd]

    def poll(self, seconds):
        for fd, _ in self.epoll.poll(seconds):
            if fd in self.raw:
                self.on_raw(fd)
            elif fd in self.listeners:
                while True:
                    try:
                        s, peer = self.listeners[fd].accept()
                    except OSError:
                        break
                    version = 4 if self.listeners[fd].family == socket.AF_INET else 6
                    key = CLIENT, version, peer[1], s.getsockname()[1]
                    conn = self.conns.get(key)
                    victim = self.add_victim(conn, s)
                    if conn is not None:
                        conn.victim = victim
                        if conn.script:
                            conn.script(victim)
            elif fd in self.victims:
                self.on_victim(fd)

    def play(self, cases, width=200):
        """Runs [(conn, generator)], width of them at a time; [(conn, what was wrong)]."""
        todo, now, wrong = list(reversed(cases)), [], []
        while todo or now:
            while todo and len(now) < width:
                conn, steps = todo.pop()
                self.conns[conn.role, conn.version, conn.lport, conn.rport] = conn
                now.append((conn, steps, None, None))
            self.poll(0.002)
            t, still = time.monotonic(), []
            for entry in now:
                conn, steps, condition, until = entry
                answer = None
                if until is not None:  # it has begun, and waits
                    answer = bool(condition()) if condition else t >= until
                    if not answer and t < until:
                        still.append(entry)
                        continue
                try:
                    wish = steps.send(answer)
                except StopIteration:
                    continue
                except Exception as e:
                    wrong.append((conn, str(e) if isinstance(e, Failed) else f"{type(e).__name__}: {e}"))
                    continue
                condition, seconds = wish if isinstance(wish, tuple) else (None, wish)
                still.append((conn, steps, condition, t + seconds * (SLOW if condition else 1)))
            now = still
        return wrong

    # --- records

    def read_log(self):
        with open(self.lab.info["log"], "rb") as f:
            f.seek(self.log_at)
            for raw in f:
                if not raw.endswith(b"\n"):
                    break
                self.log_at += len(raw)
                if raw.startswith(b"{"):
                    e = json.loads(raw)
                    self.records.append(e)
                    if e["event"] in ("flow-closed", "content-denied"):
                        self.ended[e["src_ip"], e["src_port"], e["dst_port"]] = e

    def record_of(self, conn):
        client = conn.source if conn.role == CLIENT else conn.peer
        high, low = (conn.lport, conn.rport) if conn.role == CLIENT else (conn.rport, conn.lport)
        return self.ended.get((client, high, low))

    def told(self, port, since):
        """Packets refused, by reason, on this row's port. Records without ports (the packet had none to be read, or there
        were more groups than are kept) are of this row too: it is alone."""
        sums = {}
        for e in self.records[since:]:
            ports = {e.get("dst_port"), e.get("src_port")}
            if e["event"] == "packet-denied" and (port in ports or ports <= {0, None}):
                sums[e["reason"]] = sums.get(e["reason"], 0) + e["packets"]
            elif e["event"] == "content-denied" and e["dst_port"] == port:
                sums[e["reason"]] = sums.get(e["reason"], 0) + 1
        return sums

    # --- the oracle

    def judge(self, conn):
        """What is wrong with one connection that was played, or None."""
        if conn.victim is None:
            return None
        got, record = bytes(conn.victim.got), self.record_of(conn)
        truth = conn.truth.translate(ROT13) if REWRITTEN in (conn.lport, conn.rport) else conn.truth
        if not truth.startswith(got):
            return f"the receiver read {got!r}, the first version was {truth!r}"
        if record is None:
            return f"no record of its end; read {got!r}"
        way = conn.role
        if record[f"bytes_{way}"] != len(got):
            return f"released {record[f'bytes_{way}']} bytes, the receiver read {len(got)}: {got!r}"
        if record[f"sha256_{way}"] != hashlib.sha256(got).hexdigest():
            return f"the receiver read {got!r}, released was something else"
        if conn.killed and (record["event"] != "content-denied" or record.get("reason") != conn.killed):
            return f"ended by {record['event']} {record.get('reason', '')}, not by {conn.killed}"
        if not conn.killed and record["event"] != "flow-closed":
            return f"denied: {record.get('reason')}"
        if conn.whole and got != truth:
            return f"only {got!r} arrived"
        return None

    def row(self, cases, port=None, width=200):
        """cases: [(label, function(conn, *args), args, {options of the Conn})]. Plays each for both versions and both
        attackers unless its options say which; what is said back goes into the test's line."""
        port = next(self.rows) if port is None else port
        self.read_log()
        since = len(self.records)
        if port not in {s.getsockname()[1] for s in self.listeners.values()}:
            self.listen(port)
        played = []
        for label, steps, args, options in cases:
            options = dict(options)
            versions, roles = options.pop("versions", (4, 6)), options.pop("roles", (CLIENT, SERVER))
            for version in versions:
                for role in roles:
                    conn = Conn(self, role, version, port, label, **options)

                    def whole(conn=conn, steps=steps, args=args):
                        yield from steps(conn, *args)
                        yield from conn.done()
                    played.append((conn, whole()))
        begin = time.monotonic()
        wrong = self.play(played, width)
        failed = {c for c, _ in wrong}
        for conn, _ in played:  # after a case that broke off
            if conn.victim is not None:
                fd = conn.victim.sock.fileno()
                if fd in self.victims:
                    del self.victims[fd]
                    self.epoll.unregister(fd)
                conn.victim.close(abort=True)
        opened = [c for c, _ in played if c.victim is not None and c.acked is not None]

        def all_ended():
            self.read_log()
            return all(self.record_of(c) for c in opened if c not in failed)
        wait_for(all_ended, 5, 0.05)
        wishes = {}
        for conn, _ in played:
            if conn not in failed:
                fault = self.judge(conn) if conn in opened else None
                if fault:
                    wrong.append((conn, fault))
                for reasons, n in conn.expected:
                    wishes[reasons] = wishes.get(reasons, 0) + n

        def explained():
            self.read_log()
            told = self.told(port, since)
            return all(sum(told.get(r, 0) for r in reasons) >= n for reasons, n in wishes.items())
        if not wait_for(explained, 3, 0.1) and not wrong:
            wrong.append((played[0][0], f"refused packets are not explained: expected {wishes}, told {self.told(port, since)}"))
        for conn, _ in played:
            self.conns.pop((conn.role, conn.version, conn.lport, conn.rport), None)
        need(not wrong, lambda: f"{len(wrong)} of {len(played)} connections:\n"
             + "\n".join(f"{c.name()}: {fault}" for c, fault in wrong[:12]) + f"\ntold: {self.told(port, since)}")
        return f"{len(played)} connections in {time.monotonic() - begin:.1f} s"

    def sound(self):
        """No inspector has died, and what each says of its packets adds up."""
        need(not self.lab.events("inspector-died"), f"{self.lab.events('inspector-died')[:1]}")
        for p in self.lab.status()["processes"]:
            if p["role"] == "inspector":
                need(p["packets"] == p["accepted"] + p["dropped"] + p["held"], f"{p}")
                need(sum(p["dropped_by"].values()) == p["dropped"], f"{p}")


def field_lab(**kw):
    return Lab(config(**kw), build=TEST_BUILD)
