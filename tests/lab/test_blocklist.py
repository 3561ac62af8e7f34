# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists of refused addresses: in force with the next packet, whole or not at all, and never against the town itself."""

import os
import re
import sys
import threading
import time

from lablib import MX, OUT, Lab, Sink, dialogue, need, run_tests, sample, send_mail, test, text_mail, wait_for

LISTS = """
blocklists = (
    { name = "drop"; file = "drop.txt"; },
    { name = "own"; file = "own.txt"; zones = [ "internet" ]; own_networks = true; }
);
"""


def put(lab, name, text):
    """As an administrator should: a new file in the place of the old one."""
    path = os.path.join(os.path.dirname(lab.info["log"]), "lists", name)
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)


def reload_lists(lab, code=0):
    p = lab.ctl("reload-lists")
    need(p.returncode == code, lambda: f"reload-lists: exit {p.returncode}: {p.stdout}{p.stderr}")
    return p


def fresh(lab):
    put(lab, "drop.txt", "# nothing\n")
    put(lab, "own.txt", "# nothing\n")
    reload_lists(lab)


def delivered(lab, version):
    with Sink(lab, address=MX[version]) as sink:
        return send_mail(lab, text_mail(), MX[version])[0] == 250 and len(sink.mails) == 1


def dropped(lab):
    return next(c["packets"] for c in lab.status()["counters"] if c["name"] == "drop_blocklist")


@test("no file at the start: the policy is in force, the records say that the lists are empty; a file that comes is taken")
def start(lab):
    need(len(lab.events("blocklist-broken")) == 2, "not told")
    need(delivered(lab, 4), "no mail")
    fresh(lab)
    lab.wait_event("blocklist-loaded", list="drop", entries=0)
    need(delivered(lab, 4), "no mail with empty lists")


@test("an address that comes onto a list is cut off at once, established connections too, with list and line in the record",
      san=True)
def edit(lab):
    for version in (4, 6):
        fresh(lab)
        before = dropped(lab)
        told = len(lab.events("blocklist-matched"))
        with Sink(lab, address=MX[version]) as sink:
            s = lab.connect("internet", MX[version])
            dialogue(s, b"EHLO out.internet.example\r\n")
            put(lab, "own.txt", f"# a comment\n{OUT[version]}\n")
            reload_lists(lab)
            had = len(sink.raw[0])
            s.settimeout(1)
            s.sendall(b"MAIL FROM:<a@internet.example>\r\n")
            try:
                got = s.recv(100)
            except OSError:
                got = b""
            need(not got and len(sink.raw[0]) == had, f"the connection went on: {got!r}")
            s.close()
            need(lab.blocked("internet", MX[version]), "a new connection came about")
        e = lab.wait_event("blocklist-matched", after=told)
        need((e["list"], e["list_line"], e["file"], e["src_ip"], e["reason"]) == ("own", 2, "own.txt", OUT[version], "blocklist"), f"{e}")
        # the sums of the records are the kernel's
        need(wait_for(lambda: sum(e["packets"] for e in lab.events("blocklist-matched")[told:]) == dropped(lab) - before),
             lambda: f"{dropped(lab) - before} dropped, {[e['packets'] for e in lab.events('blocklist-matched')[told:]]} told")
        fresh(lab)
        need(delivered(lab, version), "still blocked")


@test("both directions: a listed destination is refused as a listed source is")
def directions(lab):
    put(lab, "own.txt", f"{MX[4]}\n{MX[6]}\n")
    reload_lists(lab)
    for version in (4, 6):
        need(lab.blocked("internet", MX[version]), "connected")
        lab.wait_event("blocklist-matched", dst_ip=MX[version], list_line=1 if version == 4 else 2)
    fresh(lab)


@test("a broken file keeps what was in force, and says so: answer, record, status")
def broken(lab):
    put(lab, "own.txt", f"{OUT[4]}\n")
    reload_lists(lab)
    for text, where in ((f"{OUT[4]}\nnot an address\n", "line 2"), ("", "empty"), (f"192.0.2.1\n{OUT[4]}", "cut short")):
        told = len(lab.events("blocklist-broken"))
        put(lab, "own.txt", text)
        p = reload_lists(lab, 1)
        need(where in p.stderr and "not an address" not in p.stderr, f"{p.stderr}")
        e = lab.wait_event("blocklist-broken", after=told)
        need(where in e["detail"] and e["entries"] == 1, f"{e}")
        listed = next(x for x in lab.status()["blocklists"] if x["name"] == "own")
        need(listed["state"] == "broken" and listed["entries"] == 1, f"{listed}")
        need(lab.blocked("internet", MX[4]), "the entry is gone")
    fresh(lab)
    need(delivered(lab, 4), "still blocked")


@test("a list with the whole world and the zones' own networks does not cut the town off")
def slip(lab):
    put(lab, "drop.txt", "0.0.0.0/0\n::/0\n10.0.0.0/8\n10.20.0.0/24\nfd00::/8\n192.0.2.0/24\n")
    p = reload_lists(lab)
    need("1 entries in force, 5 left out" in p.stdout, p.stdout)
    e = lab.wait_event("blocklist-spared", list="drop", list_line=1)
    need(e["severity"] == "warning", f"{e}")
    for version in (4, 6):
        need(delivered(lab, version), "the town is cut off")
    fresh(lab)


@test("what the daemon may read is a file of one directory: no link out of it, nothing of it is quoted")
def secrets(lab):
    path = os.path.join(os.path.dirname(lab.info["log"]), "lists", "drop.txt")
    os.remove(path)
    os.symlink("/etc/passwd", path)
    p = reload_lists(lab, 1)
    need("symbolic link" in p.stderr and "root:" not in p.stderr, p.stderr)
    p = lab.apply(sample() + LISTS.replace("drop.txt", "gone.txt").replace('"drop"', '"other"'))
    need(p.returncode == 4 and "no such file" in p.stderr, f"{p.returncode} {p.stderr}")
    os.remove(path)
    fresh(lab)


@test("100,000 entries, read again and again under a transfer: nothing of it is lost")
def many(lab):
    text = "".join(f"{11 + i // 65536}.{i // 256 % 256}.{i % 256}.{i % 250}\n" for i in range(100_000))
    put(lab, "drop.txt", text)
    reload_lists(lab)  # the first has nothing to take out
    failures, ended = [], threading.Event()

    def mails():
        while not ended.is_set():
            code, answer = send_mail(lab, text_mail("行\r\n" * 20000))
            if code != 250:
                failures.append((code, answer))
    took = []
    with Sink(lab) as sink:
        thread = threading.Thread(target=mails)
        thread.start()
        for i in range(5):
            put(lab, "drop.txt", text + f"203.0.113.{i}\n")
            begin = time.monotonic()
            p = reload_lists(lab)
            took.append(time.monotonic() - begin)
            need("100001 entries" in p.stdout, p.stdout)
        ended.set()
        thread.join()
        need(not failures and sink.mails, f"{failures[:2]} {len(sink.mails)} mails")
    fresh(lab)
    return f"{len(sink.mails)} mails, reload {min(took):.2f} to {max(took):.2f} s"


@test("a policy on trial has its own lists, here none; when the one before comes back, so do its lists")
def trial(lab):
    put(lab, "own.txt", f"{OUT[4]}\n")
    reload_lists(lab)
    had = len(lab.events("policy-returned"))
    p = lab.ctl("apply", "--confirm=3", lab.file("trial.conf", sample()))
    need(p.returncode == 0, p.stderr)
    need(lab.events("policy-returned")[had:] or delivered(lab, 4), "the lists of another policy are in force")
    lab.wait_event("policy-returned", seconds=20, after=had)
    need(lab.blocked("internet", MX[4]), "the list did not come back")
    need([x["entries"] for x in lab.status()["blocklists"]] == [0, 1], f"{lab.status()['blocklists']}")
    fresh(lab)
    need(delivered(lab, 4), "still blocked")


@test("a file that is only put there is taken within the minute")
def watched(lab):
    told = len(lab.events("blocklist-loaded", list="own"))
    put(lab, "own.txt", f"{OUT[6]}\n")
    lab.wait_event("blocklist-loaded", seconds=90, after=told, list="own")
    need(lab.blocked("internet", MX[6]) and delivered(lab, 4), "not in force")
    p = lab.ctl("status")
    need(re.search(r"^own +1 +0 +own.txt$", p.stdout, re.M), p.stdout)
    fresh(lab)


if __name__ == "__main__":
    with Lab(sample() + LISTS) as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
