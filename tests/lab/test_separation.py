# SPDX-License-Identifier: GPL-2.0-or-later
"""What no flow names does not arrive, whatever is tried, over IPv4 and IPv6; seen from the receiving wire."""

import socket
import struct
import sys

from lablib import (INTERNET_OTHER, LGWAN_OTHER, MX, MYNUMBER, OUT, FAMILY, Lab, Sink, Sniffer, checksum, need,
                    ping_packet, run_tests, send_mail, source_of, test, text_mail)

OTHER = {"mynumber": MYNUMBER, "lgwan": LGWAN_OTHER, "internet": INTERNET_OTHER}


def knock(lab, host, version, destination, source=None):
    """TCP, UDP and ICMP from one host to an address: opens nothing, if the boundary stands."""
    for port in (25, 80, 443, 3389):
        s = lab.sock(host, FAMILY[version])
        s.setblocking(False)
        if source:
            s.bind((source, 0))
        try:
            s.connect((destination, port))
        except BlockingIOError:
            pass
        yield s
        s = lab.sock(host, FAMILY[version], socket.SOCK_DGRAM)
        if source:
            s.bind((source, 0))
        for p in (port, 53):
            s.sendto(b"knock", (destination, p))
        yield s
    icmp = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
    s = lab.sock(host, FAMILY[version], socket.SOCK_RAW, icmp)
    if source:
        s.bind((source, 0))
    s.sendto(ping_packet(version, 77), (destination, 0))
    yield s


def raw4(lab, host, source, destination, protocol, payload, mac_interface="eth0"):
    """An IPv4 packet with any source address."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, 0, 64, protocol, 0, socket.inet_aton(source),
                       socket.inet_aton(destination))
    s = lab.sock(host, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    s.sendto(head + payload, (destination, 0))
    s.close()


def syn4(source, destination, sport, dport):
    head = struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 5 << 4, 2, 65000, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, 20)
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def nothing_from(lab, sender, receiver, sources):
    """The receiver's sniffer, with proof afterwards that it sees what is permitted."""
    for version in (4, 6):
        with Sniffer(lab, receiver) as sniffer:
            socks = list(knock(lab, sender, version, sources[receiver][version]))
            got = sniffer.packets(0.4)
            for s in socks:
                s.close()
            need(not got, lambda: f"{len(got)} packets from {sender} reached {receiver}, the first from {source_of(got[0])}")


@test("the sniffer sees what is permitted, so its silence means something", san=True)
def control(lab):
    for version in (4, 6):
        for host in ("lgwan", "internet"):
            with Sniffer(lab, host) as sniffer, Sink(lab, family=version):
                code, text = send_mail(lab, text_mail(), MX[version])
                need(code == 250, f"a permitted mail was answered {code} {text!r}")
                need(sniffer.packets(), f"the sniffer on {host} did not see a permitted mail over IPv{version}")


@test("My Number to Internet: no TCP, UDP or ICMP packet arrives, IPv4 and IPv6", san=True)
def mynumber_internet(lab):
    nothing_from(lab, "mynumber", "internet", OTHER)
    nothing_from(lab, "mynumber", "internet", dict(OTHER, internet=OUT))
    for version in (4, 6):
        event = lab.wait_event("packet-denied", src_zone="mynumber", dst_zone="internet", src_ip=MYNUMBER[version])
        need(int(event["packets"]) >= 1, f"an event without packets: {event}")


@test("no zone reaches another where no flow says so, in any direction")
def every_pair(lab):
    for sender in OTHER:
        for receiver in OTHER:
            if sender != receiver:
                nothing_from(lab, sender, receiver, OTHER)


@test("the permitted pair of hosts: other ports, UDP and ping do not arrive")
def same_hosts(lab):
    for version in (4, 6):
        with Sniffer(lab, "lgwan") as sniffer:
            socks = [s for i, s in enumerate(knock(lab, "internet", version, MX[version], OUT[version])) if i != 0]
            # the first is TCP port 25, which is permitted: only its SYN may be there
            got = [p for p in sniffer.packets(0.4) if not is_smtp(p)]
            for s in socks:
                s.close()
            need(not got, lambda: f"{len(got)} packets arrived, protocol {protocol_of(got[0])}")


def protocol_of(p):
    return p[9] if p[0] >> 4 == 4 else p[6]


def is_smtp(p):
    at = (p[0] & 15) * 4 if p[0] >> 4 == 4 else 40
    return protocol_of(p) == 6 and struct.unpack("!H", p[at + 2: at + 4])[0] == 25


@test("the permitted port from another address of the same zone does not arrive")
def other_source(lab):
    for version in (4, 6):
        with Sniffer(lab, "lgwan") as sniffer:
            need(lab.blocked("internet", MX[version], 25, INTERNET_OTHER[version]), "connected")
            need(lab.blocked("internet", LGWAN_OTHER[version], 25, OUT[version]), "connected to another host")
            need(not sniffer.packets(), "packets arrived")


@test("the permitted flow does not work backwards")
def backwards(lab):
    for version in (4, 6):
        with lab.listen("internet", OUT[version], 25), Sniffer(lab, "internet") as sniffer:
            need(lab.blocked("lgwan", OUT[version], 25, MX[version]), "LGWAN opened a connection to the Internet")
            s = lab.sock("lgwan", FAMILY[version])
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((MX[version], 25))  # from the port that replies come from
            s.settimeout(0.5)
            try:
                s.connect((OUT[version], 40000))
                need(False, "connected from port 25")
            except OSError:
                pass
            s.close()
            need(not sniffer.packets(), "packets arrived")


@test("the permitted sender's address, sent from another zone's interface, does not arrive", san=True)
def spoofed(lab):
    with Sniffer(lab, "lgwan") as sniffer:
        for sport in range(3000, 3010):
            raw4(lab, "mynumber", OUT[4], MX[4], 6, syn4(OUT[4], MX[4], sport, 25))
        need(not sniffer.packets(), "a SYN with a borrowed address arrived")
    event = lab.wait_event("packet-denied", src_ip=OUT[4], iface_in="mn0")
    need(event["dst_ip"] == MX[4], f"{event}")


@test("an inner address, sent from the Internet zone, does not arrive")
def spoofed_inner(lab):
    with Sniffer(lab, "lgwan") as lg, Sniffer(lab, "mynumber") as mn:
        for source in (MYNUMBER[4], "10.20.0.77", "127.0.0.1", "0.0.0.0"):
            raw4(lab, "internet", source, MX[4], 6, syn4(source, MX[4], 3100, 25))
            raw4(lab, "internet", source, MYNUMBER[4], 17, struct.pack("!HHHH", 53, 53, 9, 0) + b"x")
        need(not lg.packets() and not mn.packets(), "a packet with a borrowed address arrived")


@test("a connection's end that nobody opened: segments out of nothing do not arrive", san=True)
def out_of_nothing(lab):
    with Sniffer(lab, "lgwan") as sniffer:
        for flags in (0x10, 0x18, 0x11, 0x04, 0x12, 0x00, 0x29, 0x03, 0x06):  # ACK, PSH, FIN, RST, SYN-ACK, null, xmas, SYN+FIN, SYN+RST
            head = struct.pack("!HHIIBBHHH", 3200 + flags, 25, 1000, 1000, 5 << 4, flags, 65000, 0, 0) + b"EHLO x\r\n"
            pseudo = socket.inet_aton(OUT[4]) + socket.inet_aton(MX[4]) + struct.pack("!BBH", 0, 6, len(head))
            raw4(lab, "internet", OUT[4], MX[4], 6, head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:])
        got = sniffer.packets()
        need(not got, lambda: f"{len(got)} segments arrived, flags {got[0][33]:#x}")


@test("other protocols between the permitted hosts do not arrive (SCTP, GRE, ESP, IP in IP)")
def other_protocols(lab):
    with Sniffer(lab, "lgwan") as sniffer:
        for protocol in (132, 47, 50, 51, 4, 41, 2, 103, 255):
            raw4(lab, "internet", OUT[4], MX[4], protocol, b"\0\x19\0\x19" + bytes(28))
        need(not sniffer.packets(), "arrived")


@test("an IPv4 packet with options and a fragment do not arrive")
def odd_packets(lab):
    with Sniffer(lab, "lgwan") as sniffer:
        tcp = syn4(OUT[4], MX[4], 3300, 25)
        head = struct.pack("!BBHHHBBH4s4s4s", 0x46, 0, 24 + len(tcp), 7, 0, 64, 6, 0, socket.inet_aton(OUT[4]),
                           socket.inet_aton(MX[4]), b"\x94\x04\0\0")  # router alert
        s = lab.sock("internet", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        s.sendto(head + tcp, (MX[4], 0))
        # the first fragment of a TCP segment that never becomes whole
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + 16, 9, 0x2000, 64, 6, 0, socket.inet_aton(OUT[4]),
                           socket.inet_aton(MX[4]))
        s.sendto(head + tcp[:16], (MX[4], 0))
        s.close()
        need(not sniffer.packets(), "arrived")


if __name__ == "__main__":
    with Lab() as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
