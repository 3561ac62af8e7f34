# SPDX-License-Identifier: GPL-2.0-or-later
"""Names and included files over apply and boot; zones of several interfaces that permit traffic within; strange cards."""

import json
import os
import re
import shutil
import subprocess
import sys

from lablib import MX, OUT, Lab, Sink, Sniffer, need, run_tests, sample, send_mail, test, text_mail, wait_for

NAMES = """hosts = ( { name = "mail-out"; address = [ "10.30.0.25", "fd00:30::25" ]; } );
groups = ( { name = "servers"; members = [ "10.20.0.25", "fd00:20::25" ]; } );
services = ( { name = "mail"; protocol = "tcp"; port = 25; inspector = "smtp"; } );
"""
FLOWS = """flows = ( { name = "mail-named"; from = "internet"; to = "lgwan"; source = "mail-out"; destination = "servers";
	service = "mail"; ticket = "T-1"; approver = "test"; } );
"""


def split(text):
    """Zones and the rest in one file; flows come of a directory."""
    return re.sub(r"^flows = \(\n.*?^\);\n", '@include "town"\n', text, flags=re.M | re.S)


def two_interfaces(within, card=""):
    lg1 = f'{{ name = "lg1"; mac = "{card}"; }}' if card else '"lg1"'
    return sample().replace('interfaces = [ "lg0" ];', f'interfaces = ( "lg0", {lg1} ); within = "{within}";')


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def applied(lab, text):
    p = lab.apply(text)
    need(p.returncode == 0, lambda: f"apply: {p.stderr}")


def counter(lab, name):
    return next(c["packets"] for c in lab.status()["counters"] if c["table"] == "zonegate" and c["name"] == name)


def mails(lab):
    with Sink(lab) as sink:
        return send_mail(lab, text_mail())[0] == 250 and len(sink.mails) == 1


@test("what is included counts: applied from several files, edited, broken, booted without them", san=True)
def included(lab):
    main, town = lab.info["config"], os.path.join(lab.info["dir"], "town")
    before = open(main, encoding="utf-8").read()
    os.mkdir(town)
    try:
        write(main, split(sample()))
        write(os.path.join(town, "10-names.conf"), NAMES)
        write(os.path.join(town, "20-flows.conf"), FLOWS)
        need(lab.status()["config_differs"] is True, "other files, and status does not say so")
        p = lab.ctl("apply", main)
        need(p.returncode == 0, lambda: f"apply: {p.stderr}")
        status = lab.status()
        need(status["policy"]["flows"] == 1 and status["config_differs"] is False, lambda: f"{status['policy']}")
        shown = json.loads(lab.ctl("show", "--json", main).stdout)
        need(shown["sha256"] == status["policy"]["sha256"], "the client shows another digest than the daemon")
        need(mails(lab), "the named flow passes no mail")
        event = lab.wait_event("flow-closed", flow="mail-named")
        need(event["config_line"] == 1 and event["file"].endswith("town/20-flows.conf"), lambda: f"{event}")

        write(os.path.join(town, "20-flows.conf"), "# edited\n" + FLOWS)
        need(lab.status()["config_differs"] is True, "an edit of an included file is not seen")
        write(os.path.join(town, "20-flows.conf"), FLOWS.replace("servers", "servres"))
        p = lab.ctl("apply", main)
        need(p.returncode == 4 and "town/20-flows.conf:1:102: error: there is no host or group" in p.stderr, lambda: p.stderr)
        need(mails(lab), "a mistake in an included file stopped what was in force")

        shutil.rmtree(town)
        lab.lab("stop")
        lab.lab("start")
        need(wait_for(lambda: mails(lab), 10), "the policy does not outlive a boot without the included files")
        need(lab.status()["policy"]["sha256"] == status["policy"]["sha256"], "another policy after the boot")
        need(lab.status()["config_differs"] is True, "files are gone, and status does not say so")
    finally:
        shutil.rmtree(town, ignore_errors=True)
        write(main, before)
        applied(lab, sample())


def route(lab, host, address):
    """To an address on the link only through the router."""
    version = ["-6"] if ":" in address else []
    default = lab.exec(host, "ip", *version, "route", "show", "default").stdout.split("\n")[0].split()
    words = default[1:5] + (["onlink"] if "onlink" in default else [])
    p = lab.exec(host, "ip", *version, "route", "replace", address, *words)
    need(p.returncode == 0, lambda: f"{host}: {address} {words}: {p.stderr}")


def reach(lab, source, destination, address, port=2600):
    """A connection, and an answer over it."""
    with lab.listen(destination, address, port) as server:
        try:
            with lab.connect(source, address, port, timeout=1.0) as s:
                peer = server.accept()[0]
                with peer:
                    peer.sendall(b"within")
                    return s.recv(16) == b"within"
        except OSError:
            return False


@test("between two interfaces of a zone packets pass if the zone permits it, both ways, IPv4 and IPv6, uninspected", san=True)
def within(lab):
    one, two = lab.hosts["lgwan"], lab.hosts["lgwan-2"]
    for v in ("ipv4", "ipv6"):
        route(lab, "lgwan", two[v])
        route(lab, "lgwan-2", one[v])
        route(lab, "lgwan-2", one[v + "_other"])  # it may choose that as its source
    for v in ("ipv4", "ipv6"):
        need(not reach(lab, "lgwan", "lgwan-2", two[v]), f"{v}: passes by default")
    applied(lab, two_interfaces("permit"))
    passed, queued = counter(lab, "within"), counter(lab, "queued")
    for v in ("ipv4", "ipv6"):
        need(reach(lab, "lgwan", "lgwan-2", two[v]), f"{v}: lg0 to lg1 does not pass")
        need(reach(lab, "lgwan-2", "lgwan", one[v]), f"{v}: lg1 to lg0 does not pass")
    p = lab.exec("lgwan", "ping", "-n", "-c1", "-W2", two["ipv4"])
    need(p.returncode == 0, lambda: f"ping: {p.stdout}")
    need(counter(lab, "within") >= passed + 20, "not counted")
    need(counter(lab, "queued") == queued, "inspected")
    need(mails(lab), "the flow between zones does not pass any more")
    need(lab.blocked("lgwan-2", OUT[4]) and lab.blocked("internet", two["ipv4"]), "the boundary is open")


@test("within a zone: not back through the same interface, not to or from an address of another zone")
def within_only(lab):
    applied(lab, two_interfaces("permit"))
    two = lab.hosts["lgwan-2"]
    # an address of the zone that the router would send back to where the packet came from
    subprocess.run(["ip", "-n", lab.netns("router"), "route", "add", "10.20.0.99/32", "via", "10.20.0.10", "dev", "lg0"], check=True)
    # one of another zone, behind the other interface, in the router's opinion
    subprocess.run(["ip", "-n", lab.netns("router"), "route", "add", "10.10.0.77/32", "via", two["ipv4"], "dev", "lg1"], check=True)
    for address in ("10.20.0.99", "10.10.0.77"):
        route(lab, "lgwan", address)
        before, passed = counter(lab, "drop_pair"), counter(lab, "within")
        with Sniffer(lab, "lgwan-2") as sniffer:
            need(lab.blocked("lgwan", address), f"{address}: connected")
            need(not [p for p in sniffer.packets(0.05) if p[9] == 6], f"{address}: packets arrived")
        need(counter(lab, "drop_pair") > before and counter(lab, "within") == passed, f"{address}: dropped elsewhere")


def set_router_mac(lab, name, mac):
    subprocess.run(["ip", "-n", lab.netns("router"), "link", "set", name, "address", mac], check=True)
    for host in ("lgwan-2", "router"):
        lab.exec(host, "ip", "neigh", "flush", "all")


@test("a strange card in a known slot is denied both ways, told and listed, until the known one is back", san=True)
def strange_card(lab):
    known, other = "02:53:00:00:00:01", "02:53:00:00:00:02"
    two = lab.hosts["lgwan-2"]["ipv4"]
    route(lab, "lgwan", two)
    route(lab, "lgwan-2", lab.hosts["lgwan"]["ipv4"])
    set_router_mac(lab, "lg1", known)
    applied(lab, two_interfaces("permit", known))
    need(lab.status()["strange_interfaces"] == [], "the known card is strange")
    need(wait_for(lambda: reach(lab, "lgwan", "lgwan-2", two), 5), "the known card passes nothing")

    told = len(lab.events("interface-strange"))
    set_router_mac(lab, "lg1", other)
    event = lab.wait_event("interface-strange", after=told)
    need(event["severity"] == "critical" and event["iface_in"] == "lg1" and other in event["message"], lambda: f"{event}")
    need(wait_for(lambda: lab.status()["strange_interfaces"] == ["lg1"], 5), lambda: f"{lab.status()['strange_interfaces']}")
    need("lg1" in lab.ctl("status").stdout, "status does not list it")
    need(not reach(lab, "lgwan", "lgwan-2", two), "passes out through a strange card")
    need(not reach(lab, "lgwan-2", "lgwan", lab.hosts["lgwan"]["ipv4"]), "passes in through a strange card")
    need(mails(lab), "the other interfaces stopped")

    well = len(lab.events("interface-well"))
    set_router_mac(lab, "lg1", known)
    lab.wait_event("interface-well", after=well)
    need(wait_for(lambda: reach(lab, "lgwan", "lgwan-2", two), 5), "does not recover")

    # at apply the answer is the same: what is not the expected card is denied
    applied(lab, two_interfaces("permit", other))
    need(lab.status()["strange_interfaces"] == ["lg1"], "denied only after a while")
    need(not reach(lab, "lgwan", "lgwan-2", two), "passes after apply")


def address_second(lab):
    """The router's second interface gets an address: it answers ARP for its own only, as the daemon sets it."""
    for cmd in (["router", "ip", "addr", "add", "10.20.0.2/32", "dev", "lg1"],
                ["lgwan-2", "ip", "route", "replace", "default", "via", "10.20.0.2", "dev", "eth0", "onlink"]):
        p = lab.exec(*cmd)
        need(p.returncode == 0, lambda: p.stderr)


if __name__ == "__main__":
    with Lab(two_interfaces("deny")) as the_lab:
        address_second(the_lab)
        status = run_tests(the_lab)
    sys.exit(status)
