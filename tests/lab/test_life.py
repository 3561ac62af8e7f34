# SPDX-License-Identifier: GPL-2.0-or-later
"""Closed is the resting state: stops, kills, restarts and changes of the policy, under traffic."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

from lablib import (HTML, LAB, MX, MYNUMBER, OUT, TO_DATA, Lab, Sink, Sniffer, dialogue, flow, need, read_rest, run_tests,
                    sample, send_mail, test, text_mail, wait_for)

BACKSTOP, POLICY = "table inet zonegate_backstop", "table inet zonegate "


def closed(lab):
    for version in (4, 6):
        with Sink(lab, family=version) as sink, Sniffer(lab, "lgwan") as sniffer:
            need(lab.blocked("internet", MX[version], 25), f"IPv{version}: a connection came about")
            need(not sink.peers and not sniffer.packets(), f"IPv{version}: packets arrived")


def works(lab):
    for version in (4, 6):
        with Sink(lab, family=version):
            code, text = send_mail(lab, text_mail(), MX[version])
            need(code == 250, f"IPv{version}: answered {code} {text!r}")


def works_again(lab):
    """Within ten seconds."""
    def once():
        with contextlib.suppress(Exception):
            works(lab)
            return True
        return False
    need(wait_for(once, 10), "mail does not pass any more")


def tables(lab):
    p = lab.exec("router", "nft", "list", "tables")
    return p.stdout if p.returncode == 0 else p.stderr


def both_tables(lab):
    there = tables(lab)
    need("inet zonegate_backstop" in there and "inet zonegate\n" in there, f"the tables are: {there!r}")


def mail_stream(lab, sink, sent, stop):
    """Mails one after another until stop; whatever was sent is kept in sent, by port."""
    body = text_mail("休みなく送る。\r\n" * 400)
    while not stop.is_set():
        try:
            s = lab.connect("internet", MX[4], timeout=1)
        except OSError:
            continue
        with s, contextlib.suppress(OSError):
            port = s.getsockname()[1]
            sent[port] = b"".join(TO_DATA)
            dialogue(s, *TO_DATA)
            sent[port] += body + b".\r\n"
            s.sendall(body + b".\r\n")
            s.recv(100)


@contextlib.contextmanager
def under_traffic(lab):
    """Mail flows all the time; afterwards every server socket has read a prefix of what its client sent."""
    sent, stop = {}, threading.Event()
    with Sink(lab) as sink, Sniffer(lab, "internet") as sniffer:
        threads = [threading.Thread(target=mail_stream, args=(lab, sink, sent, stop)) for _ in range(4)]
        for t in threads:
            t.start()
        knocking = subprocess.Popen([LAB, "exec", "--name", lab.name, "mynumber", "--", "ping", "-q", "-i", "0.02",
                                     OUT[4]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            need(wait_for(lambda: len(sink.mails) > 5, 10), "no traffic")
            yield sink
            time.sleep(0.5)
        finally:
            stop.set()
            knocking.terminate()
            knocking.wait()
            for t in threads:
                t.join()
        for peer, raw in zip(sink.peers, sink.raw):
            need(peer[0] == OUT[4], f"a connection from {peer[0]}")
            need(sent.get(peer[1], b"").startswith(bytes(raw)) or not raw, f"a server socket read bytes that were not sent")
        leaked = [p for p in sniffer.packets(0) if p[12:16] == bytes(map(int, MYNUMBER[4].split(".")))]
        need(not leaked, f"{len(leaked)} packets from My Number reached the Internet zone")


@test("an inspector has no capability, no new privileges, a seccomp filter, no socket of its own", san=True)
def powerless(lab):
    pids = lab.pids("inspector")
    need(len(pids) == 2, f"{len(pids)} inspectors")
    for pid in pids:
        status = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line)
        for cap in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            need(int(status[cap], 16) == 0, f"{cap} is {status[cap]}")
        need(status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2", "no filter")
        need(set(status["Uid"].split()) != {"0"}, "runs as root")


@test("kill -9 of an inspector under traffic: nothing unaccepted crosses, the next mail passes", san=True)
def kill_inspector(lab):
    before = lab.pids("inspector")
    died = len(lab.events("inspector-died"))
    with under_traffic(lab):
        for pid in before:
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.3)
        need(wait_for(lambda: len(set(lab.pids("inspector")) - set(before)) == 2), "not started again")
    both_tables(lab)
    works_again(lab)
    need(len(lab.events("inspector-died")) == died + 2, "the records do not tell of both deaths")


@test("kill -9 of an inspector in mid-mail: that mail is lost to the server, not half delivered")
def kill_mid_mail(lab):
    with Sink(lab) as sink:
        socks = []
        for _ in range(4):  # some on each queue
            s = lab.connect("internet", MX[4])
            need(dialogue(s, *TO_DATA)[-1].startswith(b"354"), "DATA refused")
            s.sendall(text_mail("前半\r\n"))
            socks.append(s)
        time.sleep(0.3)
        before = lab.pids("inspector")
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        need(wait_for(lambda: len(set(lab.pids("inspector")) - set(before)) == 2), "not started again")
        had = [len(r) for r in sink.raw]
        for s in socks:
            with contextlib.suppress(OSError):
                s.sendall(HTML + b".\r\n")
        time.sleep(1)
        need([len(r) for r in sink.raw] == had, "bytes crossed that no inspector had seen from the start")
        need(not sink.mails, "a mail was delivered")
        for s in socks:
            s.close()
    works_again(lab)


@test("kill -9 of the gate under traffic: nothing crosses unaccepted; the boundary works again or stays closed", san=True)
def kill_gate(lab):
    gate = lab.pids("gate")[0]
    with under_traffic(lab):
        os.kill(gate, signal.SIGKILL)
        time.sleep(0.5)
        both_tables(lab)
    need(wait_for(lambda: lab.ctl("status").returncode == 0 and lab.pids("gate") and lab.pids("gate")[0] != gate),
         "no new gate")
    works_again(lab)


@test("kill -9 of the supervisor under traffic: closed, tables stay; a new start works", san=True)
def kill_supervisor(lab):
    with under_traffic(lab):
        children = lab.pids("gate") + lab.pids("inspector")
        os.kill(lab.pids("supervisor")[0], signal.SIGKILL)
        need(wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in children)), "its children live on")
        both_tables(lab)
        closed_now = wait_for(lambda: lab.blocked("internet", MX[4], 25), 3)
        need(closed_now, "connections come about without a daemon")
    closed(lab)
    both_tables(lab)
    lab.lab("start")
    both_tables(lab)
    works_again(lab)


@test("kill -9 of the watch: mail passes meanwhile, and refused packets are told of again afterwards")
def kill_watch(lab):
    watch = lab.pids("watch")[0]
    os.kill(watch, signal.SIGKILL)
    works(lab)
    need(wait_for(lambda: lab.pids("watch") and lab.pids("watch")[0] != watch), "not started again")
    before = len(lab.events("packet-denied", src_zone="mynumber"))
    need(lab.blocked("mynumber", OUT[4]), "connected")
    need(wait_for(lambda: len(lab.events("packet-denied", src_zone="mynumber")) > before, 10), "no record")


@test("a clean stop leaves the boundary closed, established connections too; a new start works", san=True)
def clean_stop(lab):
    with Sink(lab) as sink:
        s = lab.connect("internet", MX[4])
        need(dialogue(s, TO_DATA[0])[-1].startswith(b"250"), "no answer")
        lab.lab("stop")
        had = len(sink.raw[0])
        with contextlib.suppress(OSError):
            s.sendall(b"NOOP\r\n" * 10)
        time.sleep(0.5)
        need(len(sink.raw[0]) == had, "an established connection went on")
        s.close()
    need(lab.events("daemon-stopped"), "no record of the stop")
    closed(lab)
    both_tables(lab)
    need(lab.ctl("status").returncode == 3, "status should say that no daemon runs (3)")
    lab.lab("start")
    works_again(lab)


@test("nft shows both tables at every moment of stop, start, kill and apply")
def always_tables(lab):
    missing, stop, looks = [], threading.Event(), [0]

    def look():
        while not stop.is_set():
            there = tables(lab)
            looks[0] += 1
            if "inet zonegate_backstop" not in there or "inet zonegate\n" not in there:
                missing.append(there)
    t = threading.Thread(target=look)
    t.start()
    try:
        lab.lab("stop")
        lab.lab("start")
        lab.lab("stop", "--kill")
        lab.lab("start")
        for port in (2526, 2527):
            need(lab.apply(sample(flow("more", port=port))).returncode == 0, "apply failed")
        need(lab.apply(sample()).returncode == 0, "apply failed")
    finally:
        stop.set()
        t.join()
    need(not missing, lambda: f"missing in {len(missing)} of {looks[0]} looks: {missing[0]!r}")
    need(looks[0] > 5, f"only {looks[0]} looks")
    return f"{looks[0]} looks"


@test("apply of a wrong configuration: exit 4, everything as it was, an established connection goes on", san=True)
def bad_apply(lab):
    before = lab.status()
    rules = lab.exec("router", "nft", "-s", "list", "ruleset").stdout
    with Sink(lab) as sink:
        s = lab.connect("internet", MX[4])
        dialogue(s, TO_DATA[0])
        for text in (sample().replace('"lgwan"', '"lgvan"', 1), sample() + "x", "", sample(flow(
                "leak", from_="mynumber", to="internet", source="10.10.0.10", destination="10.30.0.10"))):
            p = lab.apply(text)
            need(p.returncode == 4, f"exit status {p.returncode}: {p.stdout}{p.stderr}")
            need("error" in p.stderr + p.stdout, "says nothing")
        need(lab.exec("router", "nft", "-s", "list", "ruleset").stdout == rules, "the rules changed")
        s.sendall(b"NOOP\r\n")
        need(s.recv(100).startswith(b"250"), "the established connection broke")
        s.close()
        need(sink.raw, "")
    need(lab.status()["policy"] == before["policy"], "another generation")
    works(lab)


@test("a flow added by apply works at once; withdrawn, an established connection stops at once", san=True)
def add_and_withdraw(lab):
    need(lab.blocked("internet", MX[4], 2525), "open before")
    p = lab.apply(sample(flow("more")))
    need(p.returncode == 0, f"apply: {p.returncode} {p.stderr}")
    with Sink(lab, port=2525) as sink, Sink(lab):
        need(send_mail(lab, text_mail(), port=2525)[0] == 250, "the new flow does not work")
        old = lab.connect("internet", MX[4], 25)
        new = lab.connect("internet", MX[4], 2525)
        for s in (old, new):
            need(dialogue(s, TO_DATA[0])[-1].startswith(b"250"), "no answer")
        p = lab.apply(sample())
        need(p.returncode == 0, f"apply: {p.returncode} {p.stderr}")
        had = len(sink.raw[-1])
        with contextlib.suppress(OSError):
            new.sendall(b"NOOP\r\n" * 10)
        old.sendall(b"NOOP\r\n")
        need(old.recv(100).startswith(b"250"), "the flow that stayed broke")
        new.settimeout(3)
        got, how = read_rest(new)
        need(len(sink.raw[-1]) == had and b"250" not in got, f"the withdrawn flow went on ({got!r}, {how})")
        need(lab.blocked("internet", MX[4], 2525), "open after")
        old.close()
        new.close()


@test("the same configuration applied again disturbs no connection")
def same_again(lab):
    with Sink(lab):
        s = lab.connect("internet", MX[4])
        dialogue(s, *TO_DATA)
        s.sendall(text_mail("前半\r\n"))
        need(lab.apply(sample()).returncode == 0, "apply failed")
        s.sendall("後半\r\n.\r\n".encode())
        need(s.recv(100).startswith(b"250"), "the mail was lost")
        s.close()


@test("a change is one netlink transaction: one sendmsg with one batch (strace)")
def one_batch(lab):
    out = os.path.join(lab.files, "strace")
    pid = lab.pids("supervisor")[0]
    p = subprocess.Popen(["strace", "-f", "-e", "trace=sendmsg,sendto,sendmmsg", "-s", "64", "-o", out, "-p", str(pid)],
                         stderr=subprocess.PIPE, text=True)
    need("attached" in p.stderr.readline(), "strace cannot attach")
    try:
        need(lab.apply(sample(flow("traced"))).returncode == 0, "apply failed")
        need(send_mail_once(lab), "the flow does not work")
    finally:
        p.send_signal(signal.SIGINT)
        p.wait(10)
        p.stderr.close()
        lab.apply(sample())
    calls = open(out, errors="replace").read().splitlines()
    # NFNL_MSG_BATCH_BEGIN and _END as strace names them
    commits = [c for c in calls if "NFNL_MSG_BATCH_BEGIN" in c or "type=0x10 /* NLMSG" in c]
    need(commits, lambda: "no batch seen in: " + "\n".join(calls)[:2000])
    return f"{len(commits)} batch(es): dry run and commit"


def send_mail_once(lab):
    with Sink(lab, port=2525):
        return send_mail(lab, text_mail(), port=2525)[0] == 250


@test("the confirmed policy outlives a power cut; a broken file beside it does no harm")
def power_cut(lab):
    need(lab.apply(sample(flow("kept"))).returncode == 0, "apply failed")
    lab.lab("stop", "--kill")
    with open(lab.info["config"], "w") as f:
        f.write("zones = broken")
    try:
        lab.lab("start")
        need(send_mail_once(lab), "the flow that was in force is gone")
    finally:
        with open(lab.info["config"], "w", encoding="utf-8") as f:
            f.write(sample())
        need(lab.apply(sample()).returncode == 0, "apply failed")


@test("two labs side by side, with the same addresses, know nothing of each other")
def two_labs(lab):
    with Lab() as other:
        with Sink(lab) as a, Sink(other) as b:
            need(send_mail(other, text_mail())[0] == 250, "refused in the second lab")
            need(len(a.mails) == 0 and len(b.mails) == 1, "the mail went to the other lab")
            other.lab("stop")
            need(send_mail(lab, text_mail())[0] == 250, "refused in the first after the second stopped")
    works(lab)


@test("up of a name that is there, and of a wrong configuration: a clear message, nothing left behind")
def lab_messages(lab):
    def namespaces():
        return sorted(n for n in os.listdir("/run/netns") if n.startswith(f"zg-{lab.name}"))
    before = namespaces()
    p = subprocess.run([LAB, "up", "--name", lab.name, "--build", lab.info["build"]], capture_output=True, text=True)
    need(p.returncode == 1 and lab.name in p.stderr, f"{p.returncode} {p.stderr}")
    p = subprocess.run([LAB, "up", "--name", lab.name + "x", "--build", lab.info["build"], "--config",
                        lab.file("bad.conf", "zones = (")], capture_output=True, text=True)
    need(p.returncode == 1 and "bad.conf" in p.stderr, f"{p.returncode} {p.stderr}")
    need(namespaces() == before, "namespaces left behind")
    works(lab)


if __name__ == "__main__":
    with Lab() as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
