# SPDX-License-Identifier: GPL-2.0-or-later
"""The router itself: who reaches it, whom it speaks to, what stands while the daemon is away."""

import contextlib
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

from lablib import (FAMILY, SLOW, Failed, Lab, Sniffer, checksum, flow, need, ping_packet, run_tests, test, wait_for)

ADMIN = {4: "10.40.0.5", 6: "fd00:40::5"}
ADMIN_MAC = "00:53:00:00:40:05"
NEAR = {4: "10.20.0.25", 6: "fd00:20::25"}  # the named neighbour and server
ROUTER = {"management": {4: "10.40.0.1", 6: "fd00:40::1"}, "lgwan": {4: "10.20.0.1", 6: "fd00:20::1"},
          "internet": {4: "10.30.0.1", 6: "fd00:30::1"}}
OTHER = {"management": {4: "10.40.0.10", 6: "fd00:40::10"}, "lgwan": {4: "10.20.0.10", 6: "fd00:20::10"},
         "internet": {4: "10.30.0.10", 6: "fd00:30::10"}}
MANAGE = 'manage = ( { name = "ssh"; from = "management"; source = [ "10.40.0.5", "fd00:40::5" ]; port = 22; } );'


def config(manage=MANAGE):
    zones = ",\n".join(f"""{{ name = "{name}"; kind = "{name}"; interfaces = [ "{dev}" ]; addresses = [ "10.{n}.0.0/24", "fd00:{n}::/64" ];
        {more} }}""" for name, dev, n, more in (
            ("lgwan", "lg0", 20, ""), ("internet", "in0", 30, ""),
            ("management", "mg0", 40, f'stations = ( {{ address = "{ADMIN[4]}"; mac = "{ADMIN_MAC}"; }},'
                                      f' {{ address = "{ADMIN[6]}"; mac = "{ADMIN_MAC}"; }} );')))
    return f"""version = 1; body = "test";
zones = ( {zones} );
flows = ( {flow("mail", source="10.30.0.25 fd00:30::25", destination="10.20.0.25 fd00:20::25", port=25)} );
router = {{
    {manage}
    ping = ( {{ from = "management"; source = [ "10.40.0.0/24", "fd00:40::/64" ]; rate = "5/s"; }} );
    ntp = [ "{NEAR[4]}", "{NEAR[6]}" ]; dns = "{NEAR[4]}"; syslog = "{ADMIN[4]}";
    services = ( {{ name = "look"; to = "lgwan"; destination = "{NEAR[4]}"; protocol = "icmp"; }} );
    vrrp = ( {{ interface = "lg0"; address = [ "{NEAR[4]}", "fe80::25" ]; }} );
    ospf = ( {{ interface = "lg0"; address = "{NEAR[4]}"; }} );
}};
"""


@contextlib.contextmanager
def listener(lab, port=22):
    """On every address of the router."""
    s = lab.sock("router", socket.AF_INET6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(64)
    try:
        yield s
    finally:
        s.close()


def all_counters(lab):
    """{(table, name): packets}"""
    p = subprocess.run(["ip", "netns", "exec", lab.netns("router"), "nft", "-j", "list", "counters"], capture_output=True, check=True)
    return {(c["table"], c["name"]): c["packets"] for c in (o.get("counter") for o in json.loads(p.stdout)["nftables"]) if c}


def counters(lab):
    return {name: n for (table, name), n in all_counters(lab).items() if table == "zonegate_router"}


@test("TCP to the router: from the administrator's address in the management zone, and from nowhere else", san=True)
def manage(lab):
    with listener(lab), listener(lab, 23):
        for v in (4, 6):
            lab.connect("management", ROUTER["management"][v], 22, ADMIN[v]).close()
            lab.connect("management", ROUTER["internet"][v], 22, ADMIN[v]).close()  # any address of the router's own
            need(lab.blocked("management", ROUTER["management"][v], 22, OTHER["management"][v]), f"IPv{v}: another address of the zone")
            need(lab.blocked("management", ROUTER["management"][v], 23, ADMIN[v]), f"IPv{v}: another port")
            for zone in ("lgwan", "internet"):
                for target in (zone, "management"):
                    need(lab.blocked(zone, ROUTER[target][v], 22), f"IPv{v}: {zone} reached {target}'s address of the router")
    e = lab.wait_event("router-opened", src_ip=ADMIN[4], dst_ip=ROUTER["management"][4])
    need(e["message"].startswith("opened ssh: tcp " + ADMIN[4] + ":") and e["flow"] == "ssh" and e["router"] == "in" and e["src_zone"] == "management" and e["config_line"] > 0, f"{e}")
    e = lab.wait_event("packet-denied", reason="router-closed", src_ip=OTHER["management"][4], dst_port=22)
    need(e["router"] == "in" and e["iface_in"] == "mg0" and "dst_zone" not in e and "(the router)" in e["message"]
         and "denied tcp " in e["message"], f"{e}")


@test("the administrator's address with another MAC, or from another zone's interface, does not reach it")
def forged(lab):
    with listener(lab):
        lab.exec("management", "ip", "link", "set", "eth0", "address", "00:53:00:00:40:99")
        lab.exec("router", "ip", "neigh", "flush", "dev", "mg0")
        try:
            need(lab.blocked("management", ROUTER["management"][4], 22, ADMIN[4]), "another MAC")
        finally:
            lab.exec("management", "ip", "link", "set", "eth0", "address", ADMIN_MAC)
            lab.exec("router", "ip", "neigh", "flush", "dev", "mg0")
        need(wait_for(lambda: not lab.blocked("management", ROUTER["management"][4], 22, ADMIN[4]), 5), "does not recover")
    lab.wait_event("packet-denied", reason="wrong-station", router="in")
    send4(lab, "internet", ADMIN[4], ROUTER["internet"][4], 6, tcp_syn(ADMIN[4], ROUTER["internet"][4], 4000, 22))
    lab.wait_event("packet-denied", reason="spoofed-source", src_ip=ADMIN[4], router="in", iface_in="in0")


@test("withdrawn, an established connection stops at its next packet; given back, it goes on")
def withdrawn(lab):
    with listener(lab) as server:
        client = lab.connect("management", ROUTER["management"][4], 22, ADMIN[4])
        there, _ = server.accept()
        there.settimeout(1.5 * SLOW)
        client.sendall(b"one")
        need(there.recv(10) == b"one", "does not work")
        try:
            p = lab.apply(config(manage=""))
            need(p.returncode == 0, lambda: p.stderr)
            client.sendall(b"two")
            try:
                need(False, f"arrived: {there.recv(10)!r}")
            except TimeoutError:
                pass
        finally:
            need(lab.apply(config()).returncode == 0, "apply")
        there.settimeout(10 * SLOW)
        need(there.recv(10) == b"two", "does not go on")
        client.close()
        there.close()


def pings(lab, host, address, n, source=None, wait=1.0):
    """How many of n echo requests, sent at once, are answered."""
    v = 6 if ":" in address else 4
    s = lab.sock(host, FAMILY[v], socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v == 6 else socket.IPPROTO_ICMP)
    if source:
        s.bind((source, 0))
    ident, got = random.randrange(1, 60000), 0
    for _ in range(n):
        s.sendto(ping_packet(v, ident), (address, 0))
    until = time.monotonic() + wait * SLOW
    while got < n and select.select([s], [], [], max(until - time.monotonic(), 0))[0]:
        answer = s.recv(2000)[0 if v == 6 else 20:]
        got += answer[0] == (129 if v == 6 else 0) and struct.unpack("!H", answer[4:6])[0] == ident
    s.close()
    return got


@test("ping: who may, at the rate that was stated; the rest is refused and counted")
def ping(lab):
    for v in (4, 6):
        need(pings(lab, "management", ROUTER["management"][v], 1) == 1, f"IPv{v}: no answer")
        need(wait_for(lambda v=v: pings(lab, "management", ROUTER["management"][v], 1, wait=0.2) == 1, 3), "no answer")
        time_before = time.monotonic()
        before = counters(lab)["in_rate"]
        got = pings(lab, "management", ROUTER["management"][v], 60)
        most = 5 + 5 * (time.monotonic() - time_before) + 1
        need(1 <= got <= most, f"IPv{v}: {got} of 60 answered at 5 a second")
        need(counters(lab)["in_rate"] - before == 60 - got, f"IPv{v}: {got} answered, counted {counters(lab)['in_rate'] - before}")
        for zone in ("lgwan", "internet"):
            need(pings(lab, zone, ROUTER[zone][v], 2, wait=0.3) == 0, f"IPv{v}: {zone} was answered")
    e = lab.wait_event("packet-denied", reason="router-rate", router="in", src_ip=ADMIN[4])
    need(e["packets"] >= 1, f"{e}")


@test("the router's own services: NTP, DNS, syslog, ping to those named, and nothing else", san=True)
def services(lab):
    def reaches(kind, host, address, port):
        """What the router sends arrives, and the answer too."""
        with lab.listen(host, address, port, kind) as server, lab.sock("router", FAMILY[6 if ":" in address else 4], kind) as s:
            server.settimeout(1.5 * SLOW)
            try:
                if kind == socket.SOCK_STREAM:
                    s.settimeout(1.0)
                    s.connect((address, port))
                    return True
                s.sendto(b"?", (address, port))
                got, who = server.recvfrom(10)
                server.sendto(b"!", who)
                return got == b"?" and s.recv(10) == b"!"
            except OSError:
                return False
    udp, tcp = socket.SOCK_DGRAM, socket.SOCK_STREAM
    for v in (4, 6):
        need(reaches(udp, "lgwan", NEAR[v], 123), f"NTP over IPv{v}")
    need(reaches(udp, "lgwan", NEAR[4], 53) and reaches(tcp, "lgwan", NEAR[4], 53), "DNS")
    need(reaches(udp, "management", ADMIN[4], 514), "syslog")
    need(pings(lab, "router", NEAR[4], 1) == 1, "ping")
    for kind, host, address, port, what in ((udp, "lgwan", NEAR[4], 124, "another port"), (tcp, "lgwan", NEAR[4], 123, "TCP"),
                                            (udp, "lgwan", OTHER["lgwan"][4], 123, "another host"),
                                            (udp, "internet", OTHER["internet"][4], 123, "another zone"),
                                            (udp, "lgwan", NEAR[6], 53, "the other family")):
        need(not reaches(kind, host, address, port), what)
    with contextlib.suppress(PermissionError):
        need(pings(lab, "router", OTHER["lgwan"][4], 1, wait=0.3) == 0, "ping of another host")
    e = lab.wait_event("router-opened", dst_ip=NEAR[4], dst_port=123, proto="udp")
    need(e["router"] == "out" and e["flow"] == "ntp" and e["dst_zone"] == "lgwan" and e["iface_out"] == "lg0", f"{e}")
    e = lab.wait_event("packet-denied", reason="router-closed", router="out", dst_ip=NEAR[4], dst_port=124)
    need("src_zone" not in e and e["dst_zone"] == "lgwan", f"{e}")


@test("IPv6 neighbours find each other; nobody tells the router of another router")
def neighbours(lab):
    def addresses():
        return lab.exec("router", "ip", "-6", "route", "show", "default").stdout
    before = addresses()
    for host, dev in (("management", "mg0"), ("lgwan", "lg0")):
        lab.exec("router", "ip", "-6", "neigh", "flush", "dev", dev)
        lab.exec(host, "ip", "-6", "neigh", "flush", "dev", "eth0")
    with listener(lab):
        lab.connect("management", ROUTER["management"][6], 22, ADMIN[6]).close()  # the host asks, then the router
    for host, dev in (("management", "mg0"), ("lgwan", "lg0")):
        lab.exec("router", "ip", "-6", "neigh", "flush", "dev", dev)
        lab.exec(host, "ip", "-6", "neigh", "flush", "dev", "eth0")
    with lab.listen("lgwan", NEAR[6], 123, socket.SOCK_DGRAM) as server, lab.sock("router", socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.sendto(b"?", (NEAR[6], 123))  # the router asks, then the host
        need(server.recv(10) == b"?", "the router does not find its neighbour")
    invalid = counters(lab)["in_invalid"]
    s = lab.sock("internet", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    scope = int(lab.exec("internet", "cat", "/sys/class/net/eth0/ifindex").stdout)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, scope)
    s.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0), ("ff02::1", 0, 0, scope))
    s.close()
    need(wait_for(lambda: counters(lab)["in_invalid"] > invalid, 5), "a router's advertisement was not refused")
    need(addresses() == before, "the router believed it")


def ip4(source, destination, protocol, body, ttl=64):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), random.randrange(65536), 0, ttl, protocol, 0)
    head += socket.inet_aton(source) + socket.inet_aton(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ip6(source, destination, protocol, body, hops=64):
    return (struct.pack("!IHBB", 6 << 28, len(body), protocol, hops) + socket.inet_pton(socket.AF_INET6, source)
            + socket.inet_pton(socket.AF_INET6, destination) + body)


def transport(source, destination, protocol, head, at):
    """head with its checksum at an offset."""
    f = socket.AF_INET6 if ":" in source else socket.AF_INET
    pseudo = socket.inet_pton(f, source) + socket.inet_pton(f, destination) + struct.pack("!IHBB", len(head), 0, 0, protocol)
    return head[:at] + struct.pack("!H", checksum(pseudo + head) or 0xFFFF) + head[at + 2:]


def tcp_syn(source, destination, sport, dport, flags=2):
    return transport(source, destination, 6, struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 5 << 4, flags, 1024, 0, 0), 16)


def send4(lab, host, source, destination, protocol, body, ttl=64):
    with lab.sock(host, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(ip4(source, destination, protocol, body, ttl), (destination, 0))


@test("VRRP and OSPF: from the named neighbour on its interface, and to its groups; nothing from or to others")
def routing(lab):
    for protocol, group in ((112, "224.0.0.18"), (89, "224.0.0.5")):
        with lab.sock("router", socket.AF_INET, socket.SOCK_RAW, protocol) as r:
            for dev, own in (("lg0", ROUTER["lgwan"][4]), ("in0", ROUTER["internet"][4])):
                r.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(own))

            def heard(host, source, destination):
                dev = "eth0"
                with lab.sock(host, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
                    s.sendto(ip4(source, destination, protocol, b"\x21" + os.urandom(19), 255), (destination, 0))
                r.settimeout(0.5 * SLOW)
                try:
                    return socket.inet_ntoa(r.recv(2000)[12:16]) == source
                except TimeoutError:
                    return False
            need(heard("lgwan", NEAR[4], group), f"protocol {protocol} from the neighbour")
            need(not heard("lgwan", OTHER["lgwan"][4], group), f"protocol {protocol} from another host of the zone")
            need(not heard("internet", NEAR[4], group), f"protocol {protocol} in the neighbour's name from another zone")
            need(not heard("internet", OTHER["internet"][4], group), f"protocol {protocol} from another zone")
            if protocol == 89:
                need(heard("lgwan", NEAR[4], ROUTER["lgwan"][4]), "OSPF, to the router alone")
            with Sniffer(lab, "lgwan") as near, Sniffer(lab, "internet") as far:
                for dev, own, may in (("lg0", "lgwan", True), ("in0", "internet", False)):
                    r.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(ROUTER[own][4]))
                    try:
                        r.sendto(b"\x21" + bytes(19), (group, 0))
                        need(may, f"protocol {protocol} may leave by {dev}")
                    except PermissionError:
                        need(not may, f"protocol {protocol} may not leave by {dev}")
                need(any(p[9] == protocol for p in near.packets()), f"protocol {protocol} did not reach the group")
                need(not any(p[9] == protocol for p in far.packets()), f"protocol {protocol} left by the other interface")
    e = lab.wait_event("router-opened", flow="vrrp", router="in", src_ip=NEAR[4])
    need(e["proto"] == "112" and e["iface_in"] == "lg0", f"{e}")
    lab.wait_event("packet-denied", reason="router-closed", router="in", src_ip=OTHER["lgwan"][4], proto="112")


def closed_and_open(lab, when):
    with listener(lab):
        for v in (4, 6):
            lab.connect("management", ROUTER["management"][v], 22, ADMIN[v]).close()
            need(lab.blocked("internet", ROUTER["internet"][v], 22), f"IPv{v}, {when}: open to the Internet zone")
    with lab.sock("router", socket.AF_INET, socket.SOCK_DGRAM) as s:
        with contextlib.suppress(PermissionError):
            s.sendto(b"?", (OTHER["internet"][4], 9))
            need(False, f"{when}: the router speaks to the Internet zone")


def has_table(lab):
    return "inet zonegate_router" in lab.exec("router", "nft", "list", "tables").stdout


@test("the daemon killed, and stopped: the administrator gets in, nobody else does; --backstop loads the same at boot")
def away(lab):
    for args in (["--kill"], []):
        lab.lab("stop", *args)
        closed_and_open(lab, "killed" if args else "stopped")
        if args:
            lab.lab("start")
    lab.exec("router", "nft", "flush", "ruleset")
    need(not has_table(lab), "the flush left it")
    run = ["router", os.path.join(lab.build, "zonegated"), "--backstop", "--state-dir", os.path.join(lab.info["dir"], "state")]
    p = lab.exec(*run)
    need(p.returncode == 0 and has_table(lab), lambda: f"{p.returncode} {p.stderr}")
    closed_and_open(lab, "at boot")
    # without a policy the machine stays as it is, and the boundary is closed all the same
    lab.exec("router", "nft", "flush", "ruleset")
    p = lab.exec(*run[:-1], lab.files)
    need(p.returncode == 0 and not has_table(lab), lambda: f"{p.returncode} {p.stderr}")
    lab.lab("start")
    closed_and_open(lab, "after the start")


@test("a flush of the rule set: the table is back within two seconds, and a record says so")
def flushed(lab):
    had = len(lab.events("router-restored"))
    lab.exec("router", "nft", "flush", "ruleset")
    need(wait_for(lambda: has_table(lab), 2), "it is not back")
    closed_and_open(lab, "afterwards")
    need(lab.wait_event("router-restored", after=had)["status"] == "restored", "status")


def ctl(lab, *args, ssh=None, clean=False):
    env = dict(os.environ, ZONEGATE_SOCKET=lab.info["socket"], SSH_CONNECTION=ssh or "")
    cmd = [os.path.join(lab.build, "zonegatectl"), *args]
    if clean:  # as sudo does: the settings are gone, the shell that called has them
        cmd = ["sh", "-c", 'env -i ZONEGATE_SOCKET="$ZONEGATE_SOCKET" "$@"; exit $?', "sh", *cmd]
    return subprocess.run(["ip", "netns", "exec", lab.netns("router"), *cmd], env=env, capture_output=True, text=True, check=False)


@test("apply over SSH: what would cut the session is refused with the line to write, unless --force")
def lockout(lab):
    ssh = f"{ADMIN[4]} 50000 {ROUTER['management'][4]} 22"
    good, bad = lab.file("good.conf", config()), lab.file("bad.conf", config(manage=""))
    generation = lab.status()["policy"]["generation"]
    p = ctl(lab, "apply", good, ssh=ssh)
    need(p.returncode == 0 and p.stderr == "", lambda: f"{p.returncode} {p.stderr}")
    for clean in (False, True):
        p = ctl(lab, "apply", bad, ssh=ssh, clean=clean)
        line = f'add to manage in router: {{ from = "management"; source = "{ADMIN[4]}"; port = 22; }}'
        need(p.returncode == 1 and line in p.stderr and "--force" in p.stderr, lambda: f"{p.returncode} {p.stderr}")
    p = ctl(lab, "apply", good, ssh=f"{OTHER['internet'][4]} 50000 {ROUTER['internet'][4]} 22")
    need(p.returncode == 1 and 'from = "internet"' in p.stderr, lambda: p.stderr)
    need(lab.status()["policy"]["generation"] == generation + 1, "something was applied")
    p = ctl(lab, "check", bad, ssh=ssh)
    need(p.returncode == 0 and "would be cut" in p.stderr, lambda: f"{p.returncode} {p.stderr}")
    p = ctl(lab, "apply", "--confirm=3s", bad, ssh=ssh)
    need(p.returncode == 0 and "would be cut" in p.stderr, lambda: f"on trial: {p.returncode} {p.stderr}")
    with listener(lab):
        need(lab.blocked("management", ROUTER["management"][4], 22, ADMIN[4]), "the trial did not cut it")
        need(wait_for(lambda: not lab.blocked("management", ROUTER["management"][4], 22, ADMIN[4]), 10), "it does not come back")
    p = ctl(lab, "apply", "--force", bad, ssh=ssh)
    need(p.returncode == 0, lambda: p.stderr)
    with listener(lab):
        need(lab.blocked("management", ROUTER["management"][4], 22, ADMIN[4]), "it was not cut")
    p = ctl(lab, "apply", good)
    need(p.returncode == 0, lambda: p.stderr)


@test("rollback over SSH: an earlier policy that would cut the session is refused too")
def lockout_back(lab):
    ssh = f"{ADMIN[4]} 50000 {ROUTER['management'][4]} 22"
    good, bad = lab.file("good.conf", config()), lab.file("bad.conf", config(manage=""))
    for file in (bad, good):
        p = ctl(lab, "apply", file)
        need(p.returncode == 0, lambda: p.stderr)
    generation = lab.status()["policy"]["generation"]
    for args in ([], [str(generation - 1)], ["--json"]):
        p = ctl(lab, "rollback", *args, ssh=ssh)
        need(p.returncode == 1 and ("lockout" in p.stdout if args == ["--json"] else "--force" in p.stderr), lambda: f"{p.returncode} {p.stdout}{p.stderr}")
    need(lab.status()["policy"]["generation"] == generation, "something was put in force")
    p = ctl(lab, "rollback", "4000000", ssh=ssh)
    need(p.returncode == 1 and "policy 4000000 is not kept" in p.stderr, lambda: f"{p.returncode} {p.stderr}")
    p = ctl(lab, "rollback", "--force", ssh=ssh)
    need(p.returncode == 0 and f"policy {generation - 1}: in force" in p.stdout, lambda: f"{p.returncode} {p.stdout}{p.stderr}")
    p = ctl(lab, "rollback", ssh=ssh)
    need(p.returncode == 0, lambda: p.stderr)


# --- explain and the kernel, with packets that are really sent ---------------------------------------------------------

SECRET = random.Random(int(os.environ.get("ZG_TEST_SEED", "1")))
ZONES = {"lgwan": 20, "internet": 30, "management": 40}
REFUSALS = {"zonegate": ("drop_",), "zonegate_router": ("in_", "out_")}


def sums(lab):
    """(refused, permitted) of both tables so far."""
    refused = permitted = 0
    for (table, name), n in all_counters(lab).items():
        if name.startswith(REFUSALS.get(table, ("-",))):
            refused += n
        elif name in ("opened", "queued"):
            permitted += n
    return refused, permitted


def settled(lab):
    """The sums once the answers to the packet before have come to their end."""
    last_ = [None]

    def same():
        now, before = sums(lab), last_[0]
        last_[0] = now
        return now if now == before else None
    return wait_for(same, 5) or last_[0]


def draw_packet(number):
    """(host, sender, receiver, router?, protocol, sport, dport, flags) of a first packet; each is its own connection."""
    v = SECRET.choice((4, 6))
    host = SECRET.choice(list(ZONES))
    home = host if SECRET.random() < 0.8 else SECRET.choice(list(ZONES))
    last = SECRET.choice((5, 10, 24, 25, 26))

    def address(zone, n):
        return f"10.{ZONES[zone]}.0.{n}" if v == 4 else f"fd00:{ZONES[zone]}::{n}"
    sender = address(home, last)
    to_router = SECRET.random() < 0.6
    target = SECRET.choice([z for z in ZONES if z != host])
    receiver = ROUTER[SECRET.choice((host, host, target))][v] if to_router else address(target, SECRET.choice((10, 24, 25)))
    protocol = SECRET.choice((6, 6, 6, 17, 1))
    kind = SECRET.random()
    if kind < 0.35:  # something that is permitted, or nearly
        host, to_router, protocol, sender = "management", True, SECRET.choice((6, 1)), address("management", 5)
        receiver = ROUTER[SECRET.choice(("management", "lgwan"))][v]
    elif kind < 0.6:
        host, to_router, protocol, sender, receiver = "internet", False, 6, address("internet", 25), address("lgwan", 25)
    return host, sender, receiver, to_router, protocol, 2000 + number, SECRET.choice((22, 22, 25, 25, 23, 53, 123)), \
        SECRET.choice((2, 2, 2, 2, 2, 16))


def send_packet(lab, host, sender, receiver, protocol, sport, dport, flags):
    v = 6 if ":" in sender else 4
    number = protocol
    if protocol == 6:
        body = tcp_syn(sender, receiver, sport, dport, flags)
    elif protocol == 17:
        body = transport(sender, receiver, 17, struct.pack("!HHHH", sport, dport, 9, 0) + b"?", 6)
    elif v == 4:
        body = ping_packet(4, sport)
    else:
        number, body = 58, transport(sender, receiver, 58, ping_packet(6, sport), 2)
    if v == 4:
        send4(lab, host, sender, receiver, number, body)
        return
    with lab.sock(host, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(ip6(sender, receiver, number, body), (receiver, 0))


def ask(lab, host, sender, receiver, to_router, protocol, sport, dport, flags):
    """The verdict of explain."""
    ports = protocol in (6, 17)
    end = (lambda a, p: (f"[{a}]:{p}" if ":" in a else f"{a}:{p}") if ports else a)
    dev = lab.hosts[host]["router_interface"]
    args = ["--json", "--in", dev, "--mac", lab.hosts[host]["mac"], "--state", "invalid" if protocol == 6 and flags != 2 else "new",
            lab.info["config"], {6: "tcp", 17: "udp", 1: "icmp"}[protocol], end(sender, sport),
            (f"router:{dport}" if ports else "router") if to_router else end(receiver, dport)]
    p = ctl(lab, "explain", *args)
    need(p.returncode == 0, lambda: p.stderr)
    return json.loads(p.stdout)


@test("200 packets really sent, to the router and through it: the kernel's counters say what explain says")
def agree(lab):
    need(lab.apply(config().replace('rate = "5/s"', 'rate = "1000/s"')).returncode == 0, "apply")
    text = config().replace('rate = "5/s"', 'rate = "1000/s"')
    with open(lab.info["config"], "w", encoding="utf-8") as f:
        f.write(text)
    for host in ZONES:  # neighbours are known: what goes out for one packet is not counted for the next
        for v in (4, 6):
            lab.exec("router", "ip", "neigh", "replace", OTHER[host][v], "lladdr", lab.hosts[host]["mac"], "dev", lab.hosts[host]["router_interface"])
    seen = {"deny": 0, "permit": 0, "inspect": 0}
    for n in range(200):
        packet = draw_packet(n)
        verdict = ask(lab, *packet)
        before = settled(lab)
        host, sender, receiver, _, protocol, sport, dport, flags = packet
        send_packet(lab, host, sender, receiver, protocol, sport, dport, flags)

        def moved():
            now = sums(lab)
            return now if now != before else None
        now = wait_for(moved, 3)
        need(now, f"{packet}: no counter moved; explain says {verdict['verdict']}")
        refused, permitted = now[0] - before[0], now[1] - before[1]
        got = "deny" if refused and not permitted else "pass" if permitted and not refused else f"{refused} refused, {permitted} passed"
        need(got == ("deny" if verdict["verdict"] == "deny" else "pass"),
             f"packet {n}, {packet}: the counters say {got}, explain: {verdict['verdict']} {verdict['reason']} {verdict['steps']}")
        seen[verdict["verdict"]] += 1
    need(all(k >= 10 for k in seen.values()), f"too few of a kind: {seen}")
    return ", ".join(f"{k} {n}" for k, n in seen.items())


def told(lab):
    """Refused packets of the router itself in the records."""
    return sum(e["packets"] for e in lab.events("packet-denied") if e.get("router"))


def counted(lab):
    return sum(n for name, n in counters(lab).items() if name.startswith(REFUSALS["zonegate_router"]))


def at_rest(lab):
    """(counted, told) when nothing is on its way any more: the watch tells each second what it has."""
    for _ in range(10):
        now = counted(lab), told(lab)
        if not wait_for(lambda n=now: (counted(lab), told(lab)) != n, 1.3, 0.2):
            return now
    raise Failed("the lab does not come to rest")


@test("every refusal of the router itself is told: the records' sums agree with the kernel's; no process was lost", san=True)
def last(lab):
    had, before = at_rest(lab)
    for n in range(40):
        send4(lab, "internet", OTHER["internet"][4], ROUTER["internet"][4], 17,
              transport(OTHER["internet"][4], ROUTER["internet"][4], 17, struct.pack("!HHHH", 3000 + n, 1 + n % 3, 8, 0), 6))
        with lab.sock("router", socket.AF_INET, socket.SOCK_DGRAM) as s, contextlib.suppress(PermissionError):
            s.sendto(b"?", (OTHER["internet"][4], 1 + n % 3))
    need(wait_for(lambda: counted(lab) - had >= 80, 5), lambda: f"counted {counted(lab) - had}")
    need(wait_for(lambda: told(lab) - before == counted(lab) - had, 6),
         lambda: f"told {told(lab) - before}, counted {counted(lab) - had}")
    need(all(p["pid"] > 0 for p in lab.status()["processes"]), "a process is missing")


if __name__ == "__main__":
    with Lab(config()) as the_lab:
        sys.exit(run_tests(the_lab))
