# SPDX-License-Identifier: GPL-2.0-or-later
"""Zones cut off in an emergency; settings and tables that somebody else changes."""

import contextlib
import json
import os
import re
import sys
import threading
import time

from lablib import (MX, OUT, TO_DATA, Lab, Sink, Sniffer, dialogue, need, run_tests, sample, send_mail, test, text_mail,
                    wait_for)

REASON = "マルウェア感染の疑い"


def cut(lab, zone="internet", verb="isolate"):
    p = lab.ctl(verb, zone, "--reason", REASON)
    need(p.returncode == 0, lambda: f"{verb} {zone}: {p.returncode} {p.stdout}{p.stderr}")
    return p


def works(lab):
    def once():
        with contextlib.suppress(Exception):
            for version in (4, 6):
                with Sink(lab, family=version):
                    if send_mail(lab, text_mail(), MX[version])[0] != 250:
                        return False
            return True
        return False
    need(wait_for(once), "mail does not pass")


def nothing_crosses(lab):
    """No connection comes about, no packet arrives; each refusal is told with its reason."""
    for version in (4, 6):
        with Sink(lab, family=version) as sink, Sniffer(lab, "lgwan") as sniffer:
            need(lab.blocked("internet", MX[version]), f"IPv{version}: a connection came about")
            need(not sink.peers and not sniffer.packets(), f"IPv{version}: packets arrived")


def transfer(lab, stop):
    body = text_mail("休みなく送る。\r\n" * 4000)
    while not stop.is_set():
        with contextlib.suppress(OSError), lab.connect("internet", MX[4], timeout=2) as s:
            dialogue(s, *TO_DATA)
            s.sendall(body + b".\r\n")
            s.recv(100)


@test("isolate under a running transfer: nothing crosses after its answer, in either direction; told, and shown")
def under_transfer(lab):
    stop = threading.Event()
    before = len(lab.events("packet-denied", reason="isolated"))
    with Sink(lab) as sink:
        threads = [threading.Thread(target=transfer, args=(lab, stop)) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            need(wait_for(lambda: len(sink.mails) > 10), "no traffic")
            begin = time.monotonic()
            cut(lab)
            took = time.monotonic() - begin
            with Sniffer(lab, "lgwan") as there, Sniffer(lab, "internet") as back:
                had = [len(r) for r in sink.raw]
                crossed = there.packets(1.5) + back.packets(0.1)
                need(not crossed, lambda: f"{len(crossed)} packets after the answer")
                need([len(r) for r in sink.raw] == had, "a server read bytes after the answer")
        finally:
            stop.set()
            for t in threads:
                t.join()
    e = lab.wait_event("zone-isolated", zone="internet", status="isolated")
    need(e["severity"] == "critical" and e["reason_text"] == REASON and e["who"] == "uid 0", f"the event is {e}")
    need(wait_for(lambda: len(lab.events("packet-denied", reason="isolated")) > before), "no record of what was refused")
    shown = lab.status()["isolated"]
    need([(c["zone"], c["reason"], c["in_policy"]) for c in shown] == [("internet", REASON, True)], f"status: {shown}")
    need("ISOLATED    internet" in lab.ctl("status").stdout, "not in the text of status")
    p = lab.ctl("explain", lab.info["config"], "tcp", f"{OUT[4]}:40000", f"{MX[4]}:25", "--json")
    answer = json.loads(p.stdout)
    need(answer["verdict"] == "deny" and answer["steps"][0]["step"] == "isolation", f"explain: {answer}")
    nothing_crosses(lab)
    cut(lab, verb="restore")
    need(lab.wait_event("zone-restored", zone="internet")["severity"] == "critical", "not critical")
    works(lab)
    return f"answer after {took * 1000:.0f} ms"


@test("what is cut off stays so over kill -9, restart, and a new policy, and again what it was when restored")
def kept(lab):
    cut(lab, "lgwan")
    nothing_crosses(lab)
    for args in (["--kill"], []):
        lab.lab("stop", *args)
        lab.lab("start")
        nothing_crosses(lab)
        need(lab.events("zone-isolated", zone="lgwan", status="kept"), "not told at the start")
    need(lab.apply(sample()).returncode == 0, "apply failed")
    nothing_crosses(lab)
    need([c["zone"] for c in lab.status()["isolated"]] == ["lgwan"], "status does not say so")
    cut(lab, "lgwan", verb="restore")
    lab.lab("stop", "--kill")
    lab.lab("start")
    works(lab)


@test("a policy that renames the zone does not let it back; its old name restores it")
def renamed(lab):
    def zones(text):
        return re.sub(r'\b(name|from)( *)= "internet"', r'\1\2= "outside"', text)
    cut(lab)
    try:
        p = lab.apply(sample(zones=zones))
        need(p.returncode == 0 and '"internet" is isolated' in p.stderr, f"apply: {p.returncode} {p.stderr}")
        nothing_crosses(lab)
        need(not lab.status()["isolated"][0]["in_policy"], "status takes the zone for one of the policy")
        cut(lab, verb="restore")
        works(lab)
    finally:
        need(lab.apply(sample()).returncode == 0, "apply failed")


@test("a damaged file cuts every zone off and says so; one zone is let back, then all")
def damaged(lab):
    cut(lab)
    lab.lab("stop", "--kill")
    path = os.path.join(os.path.dirname(lab.info["log"]), "state", "isolated")
    with open(path, "r+b") as f:
        f.write(b"x")
    lab.lab("start")
    lab.wait_event("isolation-damaged")
    nothing_crosses(lab)
    cut(lab, verb="restore")
    nothing_crosses(lab)  # lgwan still is
    cut(lab, "lgwan", verb="restore")
    works(lab)
    cut(lab, "--all", verb="isolate")
    nothing_crosses(lab)
    need(lab.ctl("restore", "lgwan", "--reason", REASON).returncode == 0, "restore of one")
    nothing_crosses(lab)
    cut(lab, "--all", verb="restore")
    works(lab)


@test("orders that make no sense change nothing: exit 2, and what is wrong")
def nonsense(lab):
    for args, word in ((["isolate", "lgvan", "--reason", "r"], "lgwan"), (["isolate", "lgwan", "--reason", "a\x1b[2Jb"], "control"),
                       (["isolate", "lgwan", "--reason", "r" * 401], "400"), (["restore", "nowhere", "--reason", "r"], "nowhere"),
                       (["isolate", "x" * 5000, "--reason", "r"], "long")):
        p = lab.ctl(*args)
        need(p.returncode == 2 and word in p.stderr, f"{args}: {p.returncode} {p.stderr}")
    p = lab.ctl("restore", "lgwan", "--reason", "r")
    need(p.returncode == 0 and "not cut off" in p.stdout, f"{p.returncode} {p.stdout}{p.stderr}")
    need(lab.status()["isolated"] == [], "something is cut off")
    works(lab)


@test("cut off without a disk to keep it: cut off, and the answer says that it is not kept")
def not_saved(lab):
    state = os.path.join(os.path.dirname(lab.info["log"]), "state")
    os.chmod(state, 0o500)
    try:
        p = lab.ctl("isolate", "internet", "--reason", REASON)
        need(p.returncode == 1 and "not kept" in p.stderr, f"{p.returncode} {p.stderr}")
        nothing_crosses(lab)
        p = lab.ctl("restore", "internet", "--reason", REASON)
        need(p.returncode == 1 and "not restored" in p.stderr, f"{p.returncode} {p.stderr}")
        nothing_crosses(lab)
    finally:
        os.chmod(state, 0o700)
    cut(lab, verb="restore")
    works(lab)


def settings(lab):
    return {s["name"]: s for s in lab.status()["settings"]}


def sysctl(lab, name, value=None):
    p = lab.exec("router", "sysctl", "-n" if value is None else "-qw", name if value is None else f"{name}={value}")
    need(p.returncode == 0, lambda: f"sysctl {name}: {p.stderr}")
    return p.stdout.strip()


@test("what the policy relies on is set, on every interface of a zone, and status lists it")
def set_at_apply(lab):
    there = settings(lab)
    for iface in (i["name"] for i in lab.info["router"]["interfaces"]):
        for name, value in (("ipv4/conf/%s/accept_redirects", 0), ("ipv4/conf/%s/arp_announce", 2),
                            ("ipv6/conf/%s/accept_source_route", -1), ("ipv6/conf/%s/accept_ra", 0)):
            full = "net/" + name % iface
            need(sysctl(lab, full) == str(value), lambda: f"{full} is {sysctl(lab, full)}")
            need(there.get(full, {}).get("is") == value, f"status has {there.get(full)} for {full}")
    need(all(s["ok"] for s in there.values()), f"not ok: {[s for s in there.values() if not s['ok']]}")
    need("net/ipv4/conf/*/rp_filter" in lab.ctl("status").stdout, "not in the text of status")


@test("a setting that somebody changes is back within a second, and a critical event says from what to what")
def set_back(lab):
    iface = lab.info["router"]["interfaces"][0]["name"]
    slowest = 0.0
    for name, value, wrong in ((f"net/ipv4/conf/{iface}/accept_redirects", "0", "1"), ("net/netfilter/nf_conntrack_tcp_loose", "0", "1"),
                               (f"net/ipv6/conf/{iface}/accept_ra", "0", "2"), ("net/ipv4/ip_forward", "1", "0"),
                               (f"net/ipv4/conf/{iface}/rp_filter", "0", "1")):
        before = len(lab.events("setting-changed"))
        sysctl(lab, name, wrong)
        begin = time.monotonic()
        need(wait_for(lambda: sysctl(lab, name) == value, 5), f"{name} stays {wrong}")
        slowest = max(slowest, time.monotonic() - begin)
        e = lab.wait_event("setting-changed", after=before)
        told = (e["setting"], e["wanted"], e["found"], e["status"], e["severity"])
        need(told == (name, value, wrong, "restored", "critical"), f"told {told}")
        need(len(lab.events("setting-changed")) == before + 1, "told more than once")
    works(lab)
    need(slowest < 2.0, f"after {slowest:.2f} s")
    return f"at most {slowest:.2f} s"


@test("an interface that goes and comes again has its settings within a second, without an event")
def new_interface(lab):
    extra = "zgnew0"
    text = sample(zones=lambda t: re.sub(r'interfaces( *)= \[ ', rf'interfaces\1= [ "{extra}", ', t, count=1))
    need(lab.apply(text).returncode == 0, "apply failed")
    try:
        before = len(lab.events("setting-changed"))
        for _ in range(2):
            p = lab.exec("router", "ip", "link", "add", extra, "type", "veth", "peer", "name", "zgpeer0")
            need(p.returncode == 0, f"ip: {p.stderr}")
            name = f"net/ipv4/conf/{extra}/arp_announce"
            need(wait_for(lambda: sysctl(lab, name) == "2", 5), "not set")
            need(settings(lab)[name]["ok"], "status does not know")
            lab.exec("router", "ip", "link", "del", extra)
            need(wait_for(lambda: name not in settings(lab), 5), "status still has it")
        need(len(lab.events("setting-changed")) == before, "told as a change")
    finally:
        need(lab.apply(sample()).returncode == 0, "apply failed")


def nft(lab, text):
    p = lab.exec("router", "nft", "-f", "-", input=text)
    return p


def backstop(lab):
    p = lab.exec("router", "nft", "list", "table", "inet", "zonegate_backstop")
    return p.stdout if p.returncode == 0 else ""


@test("a backstop that is flushed, deleted or changed is back within a second; the event names the process")
def backstop_back(lab):
    was, slowest = re.sub(r"packets \d+ bytes \d+", "", backstop(lab)), 0.0
    for order in ("flush ruleset", "delete table inet zonegate_backstop",
                  "insert rule inet zonegate_backstop forward accept", "flush chain inet zonegate_backstop forward",
                  "chain inet zonegate_backstop forward { policy accept; }"):
        before = len(lab.events("backstop-restored"))
        p = nft(lab, order)
        begin = time.monotonic()
        need(p.returncode == 0, f"{order}: {p.stderr}")
        e = lab.wait_event("backstop-restored", seconds=5, after=before)
        slowest = max(slowest, time.monotonic() - begin)
        need(re.match(r"nft \(pid \d+\)$", e.get("process", "")) and e["status"] == "restored", f"{order}: told {e}")
        now = re.sub(r"packets \d+ bytes \d+", "", backstop(lab))
        need(now == was, f"after {order}: {now!r}")
        need(len(lab.events("backstop-restored")) == before + 1, "told more than once")
    need(slowest < 1.0 * (4 if os.environ.get("ZONEGATE_SAN") else 1), f"after {slowest:.2f} s")
    works(lab)
    return f"at most {slowest:.2f} s"


@test("nobody else can change the policy table")
def policy_owned(lab):
    rules = lab.exec("router", "nft", "-s", "list", "table", "inet", "zonegate").stdout
    for order in ("delete table inet zonegate", "flush table inet zonegate", "add rule inet zonegate forward accept",
                  "flush set inet zonegate isolated", "flush chain inet zonegate judged",
                  'add element inet zonegate isolated { "in0" }', "add chain inet zonegate x { type filter hook forward priority 2; }"):
        need(nft(lab, order).returncode != 0, f"{order} was taken")
    need(nft(lab, "flush ruleset").returncode == 0, "flush ruleset")
    need(lab.exec("router", "nft", "-s", "list", "table", "inet", "zonegate").stdout == rules, "the policy table changed")
    need(wait_for(lambda: backstop(lab)), "no backstop")


@test("tables of others that could interfere are told with the process, listed, and forgotten when they go")
def others(lab):
    cases = (("table ip odd { chain pre { type nat hook prerouting priority -100; tcp dport 80 redirect to :8080; }; }",
              "table ip odd: chain pre hooks prerouting (nat, priority -100, policy accept)", "table ip odd: rules with redir"),
             ("table inet odd2 { chain f { type filter hook forward priority 10; meta mark set 1; udp checksum set 0; }; }",
              "table inet odd2: chain f hooks forward (filter, priority 10, policy accept)", "table inet odd2: rules that rewrite packets"),
             ("table ip6 odd3 { chain r { type filter hook prerouting priority -300; notrack; }; }",
              "table ip6 odd3: chain r hooks prerouting (filter, priority -300, policy accept)", "table ip6 odd3: rules with notrack"))
    need(lab.status()["foreign"] == [], f"there is something: {lab.status()['foreign']}")
    for text, *findings in cases:
        p = nft(lab, text)
        begin = time.monotonic()
        need(p.returncode == 0, f"nft: {p.stderr}")
        for finding in findings:
            e = lab.wait_event("foreign-rules", seconds=5, detail=finding)
            need(e["process"].startswith("nft (pid "), f"told {e}")
        need(time.monotonic() - begin < 2.0 * (4 if os.environ.get("ZONEGATE_SAN") else 1), "too late")
        need(set(findings) <= set(lab.status()["foreign"]), "status does not list it")
    need("Foreign     table inet odd2" in lab.ctl("status").stdout, "not in the text of status")
    told = len(lab.events("foreign-rules"))
    need(nft(lab, "table inet harmless { set s { type ipv4_addr; }; chain in { type filter hook input priority 0; accept; }; }")
         .returncode == 0, "nft")
    need(nft(lab, "delete table ip odd; delete table inet odd2; delete table ip6 odd3; delete table inet harmless").returncode == 0, "nft")
    need(wait_for(lambda: lab.status()["foreign"] == [], 5), f"still listed: {lab.status()['foreign']}")
    need(len(lab.events("foreign-rules")) == told, "told of what is harmless or goes")
    works(lab)


@test("a huge rule set of others: looked at in part, and said so; status and apply take as long as before")
def huge(lab):
    def took(what):
        begin = time.monotonic()
        need(what().returncode == 0, "failed")
        return time.monotonic() - begin
    small = [min(took(w) for _ in range(5)) for w in (lambda: lab.ctl("status"), lambda: lab.apply(sample()))]
    elements = ", ".join(f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(60000))
    rules = "\n".join(f"ip saddr 192.0.2.{i % 250} tcp dport {i % 60000 + 1} counter" for i in range(20000))
    p = nft(lab, f"table ip huge {{ set s {{ type ipv4_addr; elements = {{ {elements} }}; }}; chain x {{ {rules}\n }}; }}")
    need(p.returncode == 0, f"nft: {p.stderr[:300]}")
    try:
        lab.wait_event("foreign-rules", detail="there are more rules in other tables than are looked at")
        large = [min(took(w) for _ in range(5)) for w in (lambda: lab.ctl("status"), lambda: lab.apply(sample()))]
        need(all(b < 2 * a + 0.1 for a, b in zip(small, large)), f"status, apply: {small} s before, {large} s with it")
        works(lab)
    finally:
        nft(lab, "delete table ip huge")
    return "status %.0f -> %.0f ms, apply %.0f -> %.0f ms" % (1000 * small[0], 1000 * large[0], 1000 * small[1], 1000 * large[1])


if __name__ == "__main__":
    with Lab() as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
