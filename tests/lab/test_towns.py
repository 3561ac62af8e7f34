# SPDX-License-Identifier: GPL-2.0-or-later
"""The five worked samples in conf/towns: what each permits works, everything else between all its zones does not."""

import datetime
import glob
import json
import os
import re
import socket
import struct
import subprocess
import sys

from lablib import (HTML, TOP, Client, Lab, Sink, Sniffer, need, ping_packet, run_tests, send_mail, source_of, test,
                    text_mail)

# What the policies of the five bodies have, written down a second time: which zones, and who may speak to whom.
TOWNS = {
    "kashiwa-water": {
        "kinds": {"mynumber": "mynumber", "lgwan": "lgwan", "internet": "internet", "cloud": "uplink"},
        "permitted": {("internet", "lgwan"), ("internet", "cloud"), ("mynumber", "lgwan")},
        "labels": {"マイナンバー利用事務系", "LGWAN接続系", "インターネット接続系", "自治体情報セキュリティクラウド"},
    },
    "omaezaki": {
        "kinds": {"kikan": "mynumber", "joho": "lgwan", "kumiai": "lgwan", "internet": "internet", "cloud": "uplink"},
        "permitted": {("internet", "joho"), ("joho", "kumiai"), ("internet", "cloud")},
        "labels": {"基幹系業務及び関係事務", "情報系", "情報系（事務組合）", "インターネット接続系",
                   "自治体情報セキュリティクラウド"},
    },
    "kashiwa": {
        "kinds": {"mynumber": "mynumber", "lgwan": "lgwan", "internet": "internet", "cloud": "uplink"},
        "permitted": {("internet", "lgwan"), ("lgwan", "internet"), ("internet", "cloud"), ("mynumber", "lgwan")},
        "labels": {"マイナンバー利用事務系", "LGWAN接続系", "インターネット接続系", "自治体情報セキュリティクラウド"},
    },
    "ryugasaki-waste": {
        "kinds": {"kojin": "mynumber", "lgwan": "lgwan", "internet": "internet"},
        "permitted": {("internet", "lgwan")},
        "labels": {"個人番号利用事務系", "LGWAN接続系", "インターネット接続系"},
    },
    "osakasayama": {
        "kinds": {"mynumber": "mynumber", "mayor": "lgwan", "council": "lgwan", "committees": "lgwan",
                  "internet": "internet", "cloud": "uplink"},
        "permitted": {("internet", "mayor"), ("mayor", "council"), ("mayor", "committees"), ("internet", "cloud"),
                      ("mynumber", "mayor")},
        "labels": {"マイナンバー利用事務系", "LGWAN接続系（市長部局）", "LGWAN接続系（議会）",
                   "LGWAN接続系（委員会及び委員）", "インターネット接続系", "自治体情報セキュリティクラウド"},
    },
}
PORTS = (22, 25, 53, 80, 443, 3389, 5900)
STRANGER = "10.99.0.2"  # of a network that is in no zone


def text_of(town):
    """The sample, with flows that have not ended, whatever day it is."""
    with open(os.path.join(TOP, "conf", "towns", town + ".conf"), encoding="utf-8") as f:
        soon = (datetime.date.today() + datetime.timedelta(days=90)).isoformat()
        return re.sub(r'expires( *)= "[-0-9]+"', rf'expires\1= "{soon}"', f.read())


def version_of(address):
    return 6 if ":" in address else 4


def tuples(lab):
    """(flow, client host, client's address, server host, server's address) of all that is permitted."""
    of_zone = {}
    for name, host in lab.hosts.items():
        of_zone.setdefault(host["zone"], []).append(name)

    def owner(zone, address):
        return next(h for h in of_zone[zone] if address in lab.hosts[h]["addresses"])

    for f in lab.policy["flows"]:
        for source in f["source"]:
            for destination in f["destination"]:
                if version_of(source) == version_of(destination):
                    yield f, owner(f["from"], source), source, owner(f["to"], destination), destination


def says_what_the_body_says(lab, town):
    want = TOWNS[town]
    have = {(m["from"], m["to"]) for m in lab.policy["matrix"] if m["flows"]}
    need(have == want["permitted"], f"permitted: {sorted(have)}")
    need({z["name"]: z["kind"] for z in lab.policy["zones"]} == want["kinds"], "zones or their kinds")
    need({z["label"] for z in lab.policy["zones"]} == want["labels"], "labels")
    for m in lab.policy["matrix"]:
        kinds = {want["kinds"][m["from"]], want["kinds"][m["to"]]}
        if kinds in ({"mynumber", "internet"}, {"mynumber", "uplink"}):
            need(m["verdict"] == "forbidden", f"{m}")
    for f in lab.policy["flows"]:
        need(all(f[k] for k in ("purpose", "clause", "ticket", "approver", "expires")), f"{f['name']} is not complete")


def what_is_permitted_works(lab, _town):
    n = 0
    for f, client, source, server, destination in tuples(lab):
        version = version_of(source)
        with Sink(lab, server, destination, family=version) as sink:
            one = Client(lab, client, destination, source=source)
            with one:
                one.ehlo()
                one.mail("a@example.jp")
                one.rcpt("b@example.jp")
                code, answer = one.data(text_mail())
            need(code == 250, f"{f['name']}: {source} to {destination}: {code} {answer!r}")
            need(len(sink.mails) == 1 and "本文です。".encode() in sink.mails[0], f"{f['name']}: not what was sent")
            code, answer = send_mail(lab, HTML, destination, client, source=source)
            need(code == 554, f"{f['name']}: HTML was answered {code} {answer!r}")
            need(len(sink.mails) == 1, f"{f['name']}: HTML arrived")
        n += 1
    need(n >= len(lab.policy["flows"]), f"{n} pairs of hosts for {len(lab.policy['flows'])} flows")
    return f"{n} pairs of hosts"


def stranger(lab, host):
    """A network of the router's that is in no zone, behind a second interface of a host."""
    router, guest = lab.netns("router"), lab.netns(host)
    for cmd in (f"ip -n {router} link add ed0 type veth peer name ed0 netns {guest}",
                f"ip -n {router} link set ed0 up", f"ip -n {router} addr add 10.99.0.1/24 dev ed0",
                f"ip -n {guest} link set ed0 up", f"ip -n {guest} addr add {STRANGER}/24 dev ed0",
                f"ip -n {guest} route add default via 10.99.0.1 table 99",
                f"ip -n {guest} rule add from {STRANGER} table 99"):
        subprocess.run(cmd.split(), check=True)


def knock(lab, host, source, destination, ports):
    """TCP, UDP and ICMP; whoever keeps what this gives keeps the connections trying."""
    version = version_of(source)
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    for port in ports:
        s = lab.sock(host, family)
        s.setblocking(False)
        s.bind((source, 0))
        try:
            s.connect((destination, port))
        except BlockingIOError:
            pass
        yield s
    s = lab.sock(host, family, socket.SOCK_DGRAM)
    s.bind((source, 0))
    for port in PORTS:
        s.sendto(b"knock", (destination, port))
    yield s
    s = lab.sock(host, family, socket.SOCK_RAW, socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6)
    s.bind((source, 0))
    s.sendto(ping_packet(version, 77), (destination, 0))
    yield s


def told(packet):
    ports = struct.unpack("!HH", packet[20:24] if packet[0] >> 4 == 4 else packet[40:44])
    return f"from {source_of(packet)}, protocol {packet[9] if packet[0] >> 4 == 4 else packet[6]}, ports {ports}"


def nothing_else_does(lab, _town):
    permitted = {(source, destination) for _, _, source, _, destination in tuples(lab)}
    stranger(lab, list(lab.hosts)[-1])
    n = 0
    for receiver, there in lab.hosts.items():
        for sender, here in lab.hosts.items():
            if sender == receiver:
                continue
            socks = []
            with Sniffer(lab, receiver) as sniffer:
                for source in here["addresses"] + ([STRANGER] if sender == list(lab.hosts)[-1] else []):
                    for destination in there["addresses"]:
                        if version_of(source) == version_of(destination):
                            ports = [p for p in PORTS if p != 25 or (source, destination) not in permitted]
                            socks += knock(lab, sender, source, destination, ports)
                            n += len(ports) + len(PORTS) + 1
                got = sniffer.packets(0.1)
                for s in socks:
                    s.close()
            need(not got, lambda: f"{len(got)} packets from {sender} reached {receiver}, the first {told(got[0])}")
    return f"{n} kinds of packets"


def the_sniffers_see(lab, _town):
    for f, client, source, server, destination in tuples(lab):
        with Sniffer(lab, server) as sniffer, Sink(lab, server, destination, family=version_of(source)):
            lab.connect(client, destination, 25, source).close()
            need(sniffer.packets(0.1), f"{f['name']}: the sniffer on {server} saw nothing")


@test("every sample in conf/towns is tested here")
def all_of_them(_labs):
    files = {os.path.basename(p)[:-5] for p in glob.glob(os.path.join(TOP, "conf", "towns", "*.conf"))}
    need(files == set(TOWNS), f"{sorted(files)}")


def add(town, title, function):
    def run(labs):
        return function(labs[town], town)
    test(f"{town}: {title}")(run)


for name in TOWNS:
    add(name, "zones, words and permitted pairs are those of the body's policy", says_what_the_body_says)
    add(name, "every permitted flow carries a mail as text, and refuses HTML", what_is_permitted_works)
    add(name, "control: the sniffers see what is permitted", the_sniffers_see)
    add(name, "TCP, UDP and ICMP between all pairs of zones, and from an interface of no zone: nothing else arrives",
        nothing_else_does)


class Labs(dict):
    """One lab per town, made when it is asked for; only one at a time is up."""

    lab = None

    def __missing__(self, town):
        self.close()
        self.lab = Lab(text_of(town))
        self.lab.__enter__()
        shown = self.lab.ctl("show", "--json", self.lab.info["config"])
        self.lab.policy = json.loads(shown.stdout)
        self.clear()
        self[town] = self.lab
        return self.lab

    def close(self):
        if self.lab is not None:
            self.lab.__exit__()
            self.lab = None


if __name__ == "__main__":
    labs_ = Labs()
    try:
        status = run_tests(labs_)
    finally:
        labs_.close()
    sys.exit(status)
