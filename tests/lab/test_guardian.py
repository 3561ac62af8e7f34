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


if __name__ == "__main__":
    with Lab() as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
