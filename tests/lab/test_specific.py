# SPDX-License-Identifier: GPL-2.0-or-later
"""特定通信 that nobody inspects: one client, one server, one port, both with their MAC addresses; what it begins is recorded."""

import datetime
import socket
import struct
import sys

from lablib import ACK, FAMILY, PSH, SLOW, Lab, RawTcp, Sniffer, checksum, need, run_tests, sample, test, wait_for

CLIENT = {4: "10.10.0.5", 6: "fd00:10::5"}
SERVER = {4: "10.20.0.5", 6: "fd00:20::5"}
CLIENT_MAC, SERVER_MAC, OTHER_MAC = "00:53:00:00:10:05", "00:53:00:00:20:05", "00:53:00:00:99:99"
PORT = 443


def day(days):
    return (datetime.date.today() + datetime.timedelta(days)).isoformat()


def specific(name, version, protocol="tcp", port=PORT, more=""):
    return f"""{{ name = "{name}"; from = "mynumber"; to = "lgwan"; client = "{CLIENT[version]}"; client_mac = "{CLIENT_MAC}";
        server = "{SERVER[version]}"; server_mac = "{SERVER_MAC}"; protocol = "{protocol}"; port = {port}; opaque = true;
        ticket = "T-7"; approver = "test"; purpose = "test"; clause = "2.6(3)①"; expires = "{day(30)}"; {more} }}"""


def config(*forms):
    return sample() + "specific = ( " + ",\n".join(forms) + " );\n"


TEXT = config(specific("kihon4", 4), specific("kihon6", 6), specific("dgram4", 4, "udp", 5000))


class Echo:
    """One connection on the server's host that answers what it hears."""

    def __init__(self, lab, version, port=PORT):
        self.server = lab.listen("lgwan", SERVER[version], port)
        self.client = lab.connect("mynumber", SERVER[version], port, CLIENT[version])
        self.peer, _ = self.server.accept()
        self.peer.settimeout(2 * SLOW)
        self.client.settimeout(2 * SLOW)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in (self.client, self.peer, self.server):
            s.close()

    def works(self):
        try:
            self.client.sendall(b"\x16\x03\x01 not for anybody")
            got = self.peer.recv(100)
            self.peer.sendall(got[::-1])
            return got != b"" and self.client.recv(100) == got[::-1]
        except OSError:
            return False


def set_mac(lab, host, interface, mac):
    for cmd in ([host, "ip", "link", "set", "eth0", "address", mac], ["router", "ip", "neigh", "flush", "dev", interface]):
        p = lab.exec(*cmd)
        need(p.returncode == 0, lambda: p.stderr)


@test("an opaque connection passes in both directions, and its opening is recorded once", san=True)
def passes(lab):
    for version in (4, 6):
        name = f"kihon{version}"
        before = len(lab.events("flow-opened", flow=name))
        with Echo(lab, version) as echo:
            need(all(echo.works() for _ in range(20)), f"IPv{version}: does not pass")
        e = lab.wait_event("flow-opened", flow=name, after=before)
        need((e["src_ip"], e["dst_ip"], e["dst_port"], e["proto"]) == (CLIENT[version], SERVER[version], PORT, "tcp"), f"{e}")
        need((e["inspector"], e["ticket"], e["src_zone"], e["dst_zone"]) == ("opaque", "T-7", "mynumber", "lgwan"), f"{e}")
        need(len(lab.events("flow-opened", flow=name)) == before + 1, "recorded more than once")


@test("a datagram of an opaque flow, and its answer")
def datagrams(lab):
    server = lab.listen("lgwan", SERVER[4], 5000, socket.SOCK_DGRAM)
    client = lab.sock("mynumber", FAMILY[4], socket.SOCK_DGRAM)
    with server, client:
        client.bind((CLIENT[4], 0))
        client.sendto(b"one", (SERVER[4], 5000))
        data, peer = server.recvfrom(100)
        server.sendto(b"two", peer)
        need(data == b"one" and client.recv(100) == b"two", "no answer")
        # the server begins nothing
        with Sniffer(lab, "mynumber") as sniffer:
            server.sendto(b"three", (CLIENT[4], peer[1] - 1 or 2))
            need(not sniffer.packets(), "arrived")
    lab.wait_event("flow-opened", flow="dgram4")


@test("another port, another client, another server, the other direction: nothing")
def tuples(lab):
    for address in ("10.10.0.77/24", "fd00:10::77/64"):
        need(lab.exec("mynumber", "ip", "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else [])).returncode == 0, "")
    with Sniffer(lab, "lgwan") as lg, Sniffer(lab, "mynumber") as mn:
        for version in (4, 6):
            need(lab.blocked("mynumber", SERVER[version], PORT + 1, CLIENT[version]), "another port")
            need(lab.blocked("mynumber", SERVER[version], PORT, {4: "10.10.0.77", 6: "fd00:10::77"}[version]), "another client")
            need(lab.blocked("mynumber", {4: "10.20.0.25", 6: "fd00:20::25"}[version], PORT, CLIENT[version]), "another server")
            need(lab.blocked("lgwan", CLIENT[version], PORT, SERVER[version]), "the other direction")
        need(not [p for p in lg.packets() + mn.packets() if p[6 if p[0] >> 4 == 6 else 9] == 6], "packets arrived")


@test("with another MAC address of the client or of the server nothing passes, not of an established connection either", san=True)
def macs(lab):
    for version in (4, 6):
        for host, interface, mac in (("mynumber", "mn0", CLIENT_MAC), ("lgwan", "lg0", SERVER_MAC)):
            with Echo(lab, version) as echo:
                need(echo.works(), "does not pass")
                set_mac(lab, host, interface, OTHER_MAC)
                try:
                    need(not echo.works(), f"{host}: the connection goes on with another MAC address")
                    need(lab.blocked("mynumber", SERVER[version], PORT, CLIENT[version]), f"{host}: connected")
                finally:
                    set_mac(lab, host, interface, mac)
            lab.wait_event("packet-denied", reason="wrong-station", src_ip=(CLIENT if host == "mynumber" else SERVER)[version])
            def again():
                try:
                    with Echo(lab, version) as other:
                        return other.works()
                except OSError:
                    return False
            need(wait_for(again, 10), "does not recover")


@test("no connection is taken up in its middle, and no error about one passes")
def state(lab):
    with Echo(lab, 4) as echo, Sniffer(lab, "lgwan") as sniffer:
        need(echo.works(), "does not pass")
        with RawTcp(lab, "mynumber", CLIENT[4], SERVER[4], PORT) as raw:
            raw.irs = 0
            sniffer.packets(0.05)
            raw.at(0, b"from the middle", ACK | PSH)
            need(not [p for p in sniffer.packets() if b"from the middle" in p], "a segment without a connection arrived")
        # an ICMP error that quotes the connection, from its client
        icmp = lab.sock("mynumber", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        with icmp:
            icmp.bind((CLIENT[4], 0))
            quoted = (struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + socket.inet_aton(SERVER[4])
                      + socket.inet_aton(CLIENT[4]) + struct.pack("!HHI", PORT, echo.client.getsockname()[1], 0))
            body = struct.pack("!BBHHH", 3, 4, 0, 0, 576) + quoted
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
            icmp.sendto(body, (SERVER[4], 0))
            lab.wait_event("packet-denied", reason="opaque-error", src_ip=CLIENT[4])
            need(not [p for p in sniffer.packets(0.1) if p[0] >> 4 == 4 and p[9] == 1], "the error arrived")
        need(echo.works(), "the connection broke")


@test("what passed and what was told agree with the kernel's counters")
def counters(lab):
    def sums():
        listing = lab.exec("router", "nft", "list", "counter", "inet", "zonegate", "opaque_opened").stdout
        return int(listing.split("packets")[1].split()[0]), sum(
            e.get("connections", 1) for e in lab.events("flow-opened", inspector="opaque"))
    need(wait_for(lambda: sums()[0] == sums()[1] > 0, 10), lambda: f"kernel and records: {sums()}")


@test("withdrawn, an opaque connection stops at once; an incomplete form changes nothing", san=True)
def withdraw(lab):
    with Echo(lab, 4) as echo:
        need(echo.works(), "does not pass")
        p = lab.apply(config(specific("kihon4", 4)).replace('ticket = "T-7"; ', ""))
        need(p.returncode == 4 and 'has no key "ticket"' in p.stderr, f"{p}")
        need(echo.works(), "an incomplete form did something")
        need(lab.apply(config(specific("kihon6", 6))).returncode == 0, "apply failed")
        need(not echo.works(), "goes on after it was withdrawn")
        p = lab.apply(TEXT)
        need(p.returncode == 0, lambda: p.stderr)


if __name__ == "__main__":
    with Lab(TEXT) as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
