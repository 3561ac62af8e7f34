# SPDX-License-Identifier: GPL-2.0-or-later
"""Zones of several interfaces, registered stations, an interface of no zone."""

import subprocess
import sys

from lablib import MX, OUT, Lab, Sink, Sniffer, need, run_tests, sample, send_mail, test, text_mail, wait_for

STATION = "00:53:00:00:30:25"
OTHER_MAC = "00:53:00:00:30:99"


def with_stations(text):
    """The sending host of the sample is registered; LGWAN has two interfaces."""
    text = text.replace('interfaces = [ "in0" ];', 'interfaces = [ "in0" ]; stations = ( { address = "%s"; mac = "%s"; },'
                        ' { address = "%s"; mac = "%s"; } );' % (OUT[4], STATION, OUT[6], STATION))
    return text.replace('interfaces = [ "lg0" ];', 'interfaces = [ "lg0", "lg1" ];')


def set_mac(lab, mac):
    """The host gets another card; the router forgets what it knew."""
    for cmd in (["internet", "ip", "link", "set", "eth0", "address", mac], ["router", "ip", "neigh", "flush", "dev", "in0"]):
        p = lab.exec(*cmd)
        need(p.returncode == 0, lambda: p.stderr)


@test("the lab: one host per interface, named addresses, registered MAC addresses")
def hosts(lab):
    h = lab.hosts
    need({"mynumber", "lgwan", "lgwan-2", "internet"} == set(h), f"{sorted(h)}")
    need(h["internet"]["mac"] == STATION and h["internet"]["ipv4"] == OUT[4], f"{h['internet']}")
    need(h["lgwan"]["ipv6"] == MX[6] and h["lgwan-2"]["router_interface"] == "lg1", f"{h['lgwan']} {h['lgwan-2']}")
    inner = lab.exec("lgwan", "sh", "-c", "ip -br addr; exit 7")
    need(inner.returncode == 7 and MX[4] in inner.stdout, f"exec: {inner}")
    need(lab.exec("lgwan", "cat", input="through").stdout == "through", "exec does not pass input on")


@test("a registered station sends with its MAC address, and with no other", san=True)
def station(lab):
    for version in (4, 6):
        with Sink(lab, family=version):
            need(send_mail(lab, text_mail(), MX[version])[0] == 250, f"IPv{version}: refused with the right MAC")
            set_mac(lab, OTHER_MAC)
            try:
                with Sniffer(lab, "lgwan") as sniffer:
                    need(lab.blocked("internet", MX[version]), f"IPv{version}: connected with another MAC")
                    need(not sniffer.packets(), "packets arrived")
            finally:
                set_mac(lab, STATION)
            need(wait_for(lambda v=version: not lab.blocked("internet", MX[v]), 5), "does not recover")


@test("an established connection stops when its packets come from another MAC")
def station_changes(lab):
    with Sink(lab) as sink:
        s = lab.connect("internet", MX[4])
        s.recv(100)
        set_mac(lab, OTHER_MAC)
        try:
            s.sendall(b"NOOP\r\n")
            s.settimeout(1)
            try:
                got = s.recv(100)
            except OSError:
                got = b""
            need(not got and not sink.raw[0], f"went on: {got!r} {bytes(sink.raw[0])!r}")
        finally:
            set_mac(lab, STATION)
            s.close()


@test("the second interface of a zone is as closed as the first, and takes no part in flows that name others")
def second_interface(lab):
    second = lab.hosts["lgwan-2"]
    for version in (4, 6):
        with Sniffer(lab, "lgwan-2") as sniffer:
            need(lab.blocked("internet", second[f"ipv{version}"]), "connected")
            need(lab.blocked("mynumber", second[f"ipv{version}"]), "connected")
            need(not sniffer.packets(), "packets arrived")


@test("an interface that is in no zone is never forwarded, in or out")
def no_zone(lab):
    router, guest = lab.netns("router"), lab.netns("lgwan-2")
    for cmd in (f"ip -n {router} link add ed0 type veth peer name ed0 netns {guest}",
                f"ip -n {router} link set ed0 up", f"ip -n {router} addr add 10.99.0.1/24 dev ed0",
                f"ip -n {guest} link set ed0 up", f"ip -n {guest} addr add 10.99.0.2/24 dev ed0",
                f"ip -n {guest} route add 10.30.0.0/24 via 10.99.0.1", f"ip -n {guest} route add {MX[4]}/32 via 10.99.0.1"):
        subprocess.run(cmd.split(), check=True)
    with Sniffer(lab, "internet") as inet, Sniffer(lab, "lgwan") as lg, Sniffer(lab, "lgwan-2", "ed0") as ed:
        for source in ("10.99.0.2", None):
            need(lab.blocked("lgwan-2", OUT[4], 25, source), "reached the Internet zone")
            need(lab.blocked("lgwan-2", MX[4], 25, source), "reached LGWAN")
        need(lab.blocked("internet", "10.99.0.2"), "was reached from the Internet zone")
        need(not inet.packets() and not lg.packets(0.05), "packets arrived")
        need(not [p for p in ed.packets(0.05) if p[9] == 6], "packets arrived on the foreign interface")


if __name__ == "__main__":
    with Lab(with_stations(sample())) as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
