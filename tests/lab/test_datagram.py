# SPDX-License-Identifier: GPL-2.0-or-later
"""UDP across the boundary, with the inspector `datagram', which only a test build takes in a configuration: a datagram of the
server passes as the one answer to a request that waits, and nothing else does."""

import os
import socket
import struct
import sys
import threading
import time

from lablib import (FAMILY, INTERNET_OTHER, MX, OUT, SLOW, TEST_BUILD, Failed, Lab, Sink, Sniffer, checksum, need,
                    run_tests, sample, send_mail, test, text_mail, wait_for)

PLAIN, REWRITTEN = 5300, 5301  # ports
UDP_SEGMENT, SO_NO_CHECK, UDP_NO_CHECK6_TX = 103, 11, 101


def flow(name, port, rewrite="false"):
    return f"""{{ name = "{name}"; from = "internet"; to = "lgwan"; source = [ "10.30.0.25", "fd00:30::25" ];
        destination = [ "10.20.0.25", "fd00:20::25" ]; protocol = "udp"; port = {port}; inspector = "datagram";
        datagram = {{ max_size = 65507; rewrite = {rewrite}; }}; ticket = "T-1"; approver = "test"; }}"""


CONFIG = sample(flow("plain", PLAIN) + ",\n" + flow("rewritten", REWRITTEN, "true"), daemon=" inspectors = 1; queue_base = 100; ")


class Server:
    """Keeps what it receives, with whom it is from; answers only when told to."""

    def __init__(self, lab, version, port=PLAIN):
        self.s = lab.listen("lgwan", MX[version], port, socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.version = version

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def receive(self, seconds=2.0):
        """The next datagram and who sent it; None when none comes."""
        self.s.settimeout(seconds * SLOW)
        try:
            return self.s.recvfrom(70000)
        except TimeoutError:
            return None


def client(lab, version, port=PLAIN):
    s = lab.sock("internet", FAMILY[version], socket.SOCK_DGRAM)
    s.bind((OUT[version], 0))
    s.connect((MX[version], port))
    s.settimeout(2.0 * SLOW)
    return s


def heard(s, seconds=2.0):
    s.settimeout(seconds * SLOW)
    try:
        return s.recv(70000)
    except TimeoutError:
        return None


def refusals(lab, reason):
    return sum(int(e["packets"]) for e in lab.events("packet-denied", reason=reason))


class Refused:
    """Within the block at least so many packets are refused for that reason."""

    def __init__(self, lab, reason, n=1):
        self.lab, self.reason, self.n = lab, reason, n

    def __enter__(self):
        self.before = refusals(self.lab, self.reason)

    def __exit__(self, kind, *_):
        if kind is None:
            more = wait_for(lambda: refusals(self.lab, self.reason) - self.before >= self.n, 5)
            need(more, lambda: f"{refusals(self.lab, self.reason) - self.before} packets refused as {self.reason}, not {self.n}; "
                 + ", ".join(str(e.get("reason")) for e in self.lab.events("packet-denied")[-8:]))


@test("a request and its answer pass, byte for byte; opening and closing are recorded with their bytes")
def request_and_answer(lab):
    for version in (4, 6):
        with Server(lab, version) as server, client(lab, version) as c:
            for i in range(20):
                text = b"%04d" % i + os.urandom(i * 60)
                c.send(text)
                got = server.receive()
                need(got and got[0] == text, "the server read something else")
                server.s.sendto(text[:4] + b" answer", got[1])
                need(heard(c) == text[:4] + b" answer", "the client read something else")
            lab.wait_event("flow-opened", flow="plain", src_port=c.getsockname()[1], proto="udp")
            last = c.getsockname()[1]
    closed = lab.wait_event("flow-closed", 60, flow="plain", src_port=last)
    need(int(closed["bytes_client"]) == sum(4 + 60 * i for i in range(20)), f"{closed}")
    need(int(closed["bytes_server"]) == 20 * 11, f"{closed}")


@test("two requests at once from a new port both arrive, as a resolver sends them")
def at_once(lab):
    for version in (4, 6):
        with Server(lab, version) as server:
            for i in range(50):
                with client(lab, version) as c:
                    c.send(b"A%03d" % i)
                    c.send(b"B%03d" % i)
                    got = [server.receive(), server.receive()]
                    need(all(got), f"IPv{version}, round {i}: {sum(map(bool, got))} of 2 arrived")
                    for text, peer in got:
                        server.s.sendto(text, peer)
                    heard_ = {heard(c), heard(c)}
                    need(heard_ == {b"A%03d" % i, b"B%03d" % i}, f"IPv{version}, round {i}: the client heard {heard_}")


@test("what nobody asked for does not arrive: unasked, a second answer, another number, to another port")
def unasked(lab):
    for version in (4, 6):
        with Server(lab, version) as server, client(lab, version) as c, client(lab, version) as other:
            server.s.sendto(b"0001 out of the blue", c.getsockname()[:2])
            need(heard(c, 0.3) is None, "it came out of the blue")
            c.send(b"0001")
            need(server.receive()[0] == b"0001", "no request")
            with Refused(lab, "udp-unasked", 2):
                server.s.sendto(b"0002 wrong", c.getsockname()[:2])
                server.s.sendto(b"0001 right", c.getsockname()[:2])
                server.s.sendto(b"0001 again", c.getsockname()[:2])
                need(heard(c) == b"0001 right", "not the right one")
                need(heard(c, 0.3) is None, "a second answer arrived")
            other.send(b"0007")
            need(server.receive() is not None, "no request")
            with Refused(lab, "udp-unasked"):
                server.s.sendto(b"0007", c.getsockname()[:2])
                need(heard(c, 0.3) is None, "another client's answer arrived")


@test("an answer that comes too late does not arrive")
def late(lab):
    with Server(lab, 4) as server, client(lab, 4) as c:
        c.send(b"0001")
        _, peer = server.receive()
        time.sleep(10.3)
        with Refused(lab, "udp-unasked"):
            server.s.sendto(b"0001 late", peer)
            need(heard(c, 0.3) is None, "it arrived")
        c.send(b"0002")
        server.s.sendto(b"0002 in time", server.receive()[1])
        need(heard(c) == b"0002 in time", "nothing passes any more")


@test("rewritten datagrams arrive with a good checksum, both ways; IPv4 without one keeps none")
def rewriting(lab):
    for version in (4, 6):
        for none in (False, True):
            with Server(lab, version, REWRITTEN) as server, client(lab, version, REWRITTEN) as c, Sniffer(lab, "lgwan") as wire:
                if none:
                    if version == 6:
                        continue
                    c.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
                text = b"0001" + b"pizza" * 200
                c.send(text)
                got = server.receive()
                need(got and got[0] == text.replace(b"z", b"Z"), f"IPv{version}: the server read {got}")
                server.s.sendto(b"0001fizz" * 3000, got[1])
                need(heard(c) == b"0001" + b"fiZZ0001" * 2999 + b"fiZZ", "the client read something else")
                seen = [p for p in wire.packets(0.2) if p[0] >> 4 == version and p[9 if version == 4 else 6] == 17]
                need(seen, "no datagram seen")
                field = seen[0][26:28] if version == 4 else seen[0][46:48]
                need((field == b"\0\0") == none, f"the checksum is {field.hex()}")


@test("datagrams up to what the queue can copy pass whole, beyond they are refused; fragments are put together before")
def sizes(lab):
    most = {4: 65531 - 28, 6: 65531 - 48}
    for version in (4, 6):
        with Server(lab, version) as server, client(lab, version) as c:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            for size in (4, 1472, 1473, 9000, 60000, most[version]):
                text = b"%04d" % (size % 10000) + os.urandom(size - 4)
                c.send(text)
                got = server.receive()
                need(got and got[0] == text, f"IPv{version}: {size} bytes did not arrive")
                server.s.sendto(text, got[1])
                need(heard(c) == text, f"IPv{version}: an answer of {size} bytes did not arrive")
            with Refused(lab, "packet-truncated"):
                c.send(bytes(most[version] + 1))
                need(server.receive(0.3) is None, "it arrived")
            with Refused(lab, "udp-size"):
                c.send(b"abc")
                need(server.receive(0.3) is None, "three bytes arrived")


@test("a first fragment alone, and a fragment with other bytes for the same place, bring nothing")
def fragments(lab):
    with Server(lab, 4) as server, Sniffer(lab, "lgwan") as wire:
        s = lab.sock("internet", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        a, b = socket.inet_aton(OUT[4]), socket.inet_aton(MX[4])

        def fragment(ident, offset, more, data):
            frag = (0x2000 if more else 0) | offset // 8
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), ident, frag, 64, 17, 0) + a + b
            s.sendto(head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data, (MX[4], 0))
        udp = struct.pack("!HHHH", 40000, PLAIN, 8 + 32, 0) + b"0001" + b"GOOD" * 7
        with s:
            fragment(1, 0, True, udp[:24])
            fragment(2, 0, True, udp[:24])
            fragment(2, 16, False, b"EVIL" * 6)  # overlaps
            fragment(3, 0, True, udp[:24])
            fragment(3, 24, False, udp[24:])
        got = server.receive()
        need(got and got[0] == udp[8:], f"the server read {got}")
        need(server.receive(0.3) is None, "the server read a second one")
        need(not any(b"EVIL" in p for p in wire.packets(0.2)), "the other content crossed")


@test("several datagrams in one packet (UDP_SEGMENT): none of them arrives uninspected")
def merged(lab):
    for version in (4, 6):
        with Server(lab, version) as server, client(lab, version) as c:
            c.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 100)
            # each of the later pieces would be refused on its own: the last has three bytes
            c.send(b"0001" + b"a" * 96 + b"b" * 100 + b"xyz")
            got = []
            while True:
                one = server.receive(0.4)
                if one is None:
                    break
                got.append(one[0])
            need(b"xyz" not in got, "a datagram arrived that its inspector would have refused")
            if not got:
                need(wait_for(lambda: refusals(lab, "udp-merged") > 0, 5), "no record of udp-merged")
    return "refused whole" if not got else f"{len(got)} arrived, each inspected"


@test("no checksum: none needed with IPv4, refused with IPv6; a wrong one is refused")
def checksums(lab):
    with Server(lab, 4) as server, client(lab, 4) as c:
        c.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        c.send(b"0001")
        need(server.receive() is not None, "IPv4 without a checksum did not arrive")
    with Server(lab, 6) as server, client(lab, 6) as c:
        s = lab.sock("internet", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
        with s, Sniffer(lab, "lgwan") as wire:
            s.bind((OUT[6], 0))
            for sum_ in (0, 0x1234):
                s.sendto(struct.pack("!HHHH", 41000, PLAIN, 12, sum_) + b"0001", (MX[6], 0))
            need(not any(p[0] >> 4 == 6 and p[6] == 17 for p in wire.packets(0.4)), "it crossed")
        need(server.receive(0.2) is None, "it arrived")


@test("nobody listens: the client learns that at once, by an error in zonegate's own words")
def port_unreachable(lab):
    for version in (4, 6):
        with client(lab, version) as c, Sniffer(lab, "internet") as wire:
            c.send(b"0001" + b"SMUGGLED" * 4)
            try:
                need(heard(c) is not None, "no answer, and no error")
                raise Failed("an answer")
            except ConnectionRefusedError:
                pass
            got = wire.packets(0.2)
            need(got and not any(b"SMUG" in p for p in got), "the quotation crossed")


@test("a flood of requests without answer: its own bounds, and mail passes meanwhile")
def flood(lab):
    with Server(lab, 4) as server:
        c = client(lab, 4)
        with c, Refused(lab, "udp-flow-limit", 36):
            for i in range(100):
                c.send(b"%04d" % i)
        many = []
        ended = threading.Event()

        def send():
            while not ended.is_set():
                s = client(lab, 4)
                many.append(s)
                s.send(b"0001")
                if len(many) % 20 == 0:
                    time.sleep(0.001)
                if len(many) > 900:
                    many.pop(0).close()
        with Refused(lab, "udp-source-limit"):
            t = threading.Thread(target=send)
            t.start()
            try:
                with Sink(lab):
                    for _ in range(10):
                        need(send_mail(lab, text_mail())[0] == 250, "mail is refused")
                need(wait_for(lambda: lab.status()["processes"] and refusals(lab, "udp-source-limit") > 0, 30), "no bound was met")
            finally:
                ended.set()
                t.join()
                for s in many:
                    s.close()
        seen = 0
        while server.receive(0.3) is not None:
            seen += 1
        need(64 <= seen, f"{seen} arrived")
        time.sleep(10.5)
        with client(lab, 4) as c:
            c.send(b"0001")
            server.s.sendto(b"0001 again", server.receive()[1])
            need(heard(c) == b"0001 again", "nothing passes after the flood")


@test("a flow that is withdrawn stops with its next datagram")
def withdrawn(lab):
    with Server(lab, 4) as server, client(lab, 4) as c:
        c.send(b"0001")
        _, peer = server.receive()
        p = lab.apply(sample(flow("rewritten", REWRITTEN, "true"), daemon=" inspectors = 1; queue_base = 100; "))
        need(p.returncode == 0, lambda: p.stderr)
        try:
            server.s.sendto(b"0001", peer)
            need(heard(c, 0.4) is None, "an answer arrived")
            c.send(b"0002")
            need(server.receive(0.4) is None, "a request arrived")
        finally:
            need(lab.apply(CONFIG).returncode == 0, "the old policy does not come back")
        server.s.sendto(b"0001 before", peer)
        c.send(b"0003")
        server.s.sendto(b"0003", server.receive()[1])
        need(heard(c) in (b"0003", b"0001 before"), "nothing passes any more")


@test("other hosts have no part in it")
def others(lab):
    with Server(lab, 4) as server:
        s = lab.sock("internet", socket.AF_INET, socket.SOCK_DGRAM)
        with s:
            s.bind((INTERNET_OTHER[4], 0))
            s.sendto(b"0001", (MX[4], PLAIN))
        need(server.receive(0.4) is None, "it arrived")


@test("after all this the daemon has lost no process")
def still_there(lab):
    need(not lab.events("inspector-died"), f"{lab.events('inspector-died')[:1]}")
    need(not lab.events("gate-died"), "the gate died")


if __name__ == "__main__":
    with Lab(CONFIG, build=TEST_BUILD) as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
