# SPDX-License-Identifier: GPL-2.0-or-later
"""The privileged side under attack: processes that hang or die at the wrong moment, changes that fail, hostile clients of the
control socket, floods. What is asked every time: closed or as before, noticed, recorded, and well again by itself."""

import contextlib
import json
import os
import re
import signal
import socket
import struct
import sys
import threading
import time

from lablib import (MX, MYNUMBER, OUT, TO_DATA, Lab, RawTcp, Sink, dialogue, flow, need, run_tests, sample, send_mail, test,
                    text_mail, wait_for)

HANG_SECONDS = 20  # six pings of two seconds, and a restart


def mail(lab, port=25):
    with Sink(lab, port=port):
        code, text = send_mail(lab, text_mail(), port=port)
        need(code == 250, f"answered {code} {text!r}")


def mail_again(lab, seconds=15):
    def once():
        with contextlib.suppress(Exception):
            mail(lab)
            return True
        return False
    need(wait_for(once, seconds), "mail does not pass any more")


def forwarding(lab):
    return lab.exec("router", "cat", "/proc/sys/net/ipv4/ip_forward").stdout.strip() == "1"


def running(lab, seconds=15):
    need(wait_for(lambda: lab.ctl("status").returncode == 0, seconds), lambda: lab.ctl("status").stdout)


def number_of(fds_of):
    """Descriptors; the last client's may be open for a moment yet."""
    def look():
        time.sleep(0.1)
        return len(os.listdir(f"/proc/{fds_of}/fd"))
    return min(look() for _ in range(5))


def with_inspectors(n, base=100):
    return sample(daemon=f"inspectors = {n}; queue_base = {base};")


def backoff(lab, times=5):
    """Kills inspector 0 until its next start is more than a second away."""
    for _ in range(times):
        pid = wait_for(lambda: lab.pids("inspector")[:1] if len(lab.pids("inspector")) == 2 else None)
        need(pid, "an inspector is not started again")
        os.kill(pid[0], signal.SIGKILL)
        need(wait_for(lambda: pid[0] not in lab.pids("inspector")), "it lives")


@test("an apply while an inspector waits for its restart takes effect, and the boundary stays open", san=True)
def apply_in_backoff(lab):
    running(lab)
    backoff(lab)
    need(len(lab.pids("inspector")) == 1, "there is no inspector down")
    p = lab.apply(sample(flow("more")))
    need(p.returncode == 0, f"{p.returncode} {p.stderr}")
    need(forwarding(lab), "forwarding is off")
    running(lab)
    mail(lab)
    mail(lab, 2525)
    need(lab.apply(sample()).returncode == 0, "apply")


@test("an apply while an inspector hangs takes effect; the one that hangs is ended and starts again")
def apply_in_hang(lab):
    running(lab)
    pid = lab.pids("inspector")[0]
    os.kill(pid, signal.SIGSTOP)
    p = lab.apply(sample(flow("more")))
    need(p.returncode == 0, f"{p.returncode} {p.stderr}")
    need(forwarding(lab), "forwarding is off")
    need(wait_for(lambda: not os.path.exists(f"/proc/{pid}")), "it hangs still")
    running(lab)
    mail(lab, 2525)
    need(lab.apply(sample()).returncode == 0, "apply")


@test("an apply while the gate hangs or dies: in force or as before, and well again by itself", san=True)
def apply_without_gate(lab):
    for sig in (signal.SIGKILL, signal.SIGSTOP):
        running(lab)
        gate = lab.pids("gate")[0]
        os.kill(gate, sig)
        p = lab.apply(sample(flow("more")))
        need(p.returncode in (0, 1), f"{p.returncode} {p.stderr}")
        need("closed" in p.stderr or forwarding(lab), f"the answer {p.stderr!r} and forwarding {forwarding(lab)} disagree")
        running(lab, HANG_SECONDS)
        need(forwarding(lab), "forwarding is off")
        need(lab.pids("gate")[0] != gate, "the same gate")
        mail_again(lab)
        if p.returncode == 0:
            mail(lab, 2525)
        else:
            need(lab.blocked("internet", MX[4], 2525), "refused and yet open")
        need(lab.apply(sample()).returncode == 0, "apply")


@test("a gate, an inspector, a watch that hang are noticed, ended and replaced")
def hang(lab):
    running(lab)
    old = {role: lab.pids(role)[0] for role in ("gate", "inspector", "watch")}
    for role in ("inspector", "watch", "gate"):  # all at once: each has to be found by itself
        os.kill(old[role], signal.SIGSTOP)
    for role, pid in old.items():
        need(wait_for(lambda: lab.pids(role) and pid not in lab.pids(role), HANG_SECONDS), f"the {role} hangs still")
    running(lab)
    mail_again(lab, 30)
    for role, pid in old.items():
        lab.wait_event("inspector-died", role=role, child_pid=pid)


@test("kill -9 of the supervisor ends even processes that hang; the next start works")
def no_survivors(lab):
    running(lab)
    children = lab.pids("gate") + lab.pids("inspector") + lab.pids("watch")
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    os.kill(lab.pids("supervisor")[0], signal.SIGKILL)
    need(wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in children), 3), "one lives on and holds its queue")
    lab.lab("start")
    mail_again(lab)


@test("300 changes in a row: an established connection goes on, nothing leaks")
def many_changes(lab):
    running(lab)
    texts = [lab.file(f"many{i}.conf", sample(flow("more")) if i else sample()) for i in (0, 1)]
    supervisor, gate = lab.pids("supervisor")[0], lab.pids("gate")[0]
    with Sink(lab):
        s = lab.connect("internet", MX[4])
        dialogue(s, TO_DATA[0])
        for i in range(10):
            need(lab.ctl("apply", texts[i % 2]).returncode == 0, "apply")
        before = number_of(supervisor), number_of(gate)
        begin = time.monotonic()
        for i in range(290):
            p = lab.ctl("apply", texts[i % 2])
            need(p.returncode == 0, lambda: p.stderr)
            if i % 29 == 0:
                s.sendall(b"NOOP\r\n")
                need(s.recv(100).startswith(b"250"), f"the connection broke after {i} changes")
        took = time.monotonic() - begin
        s.close()
    now = number_of(supervisor), number_of(gate)
    need(now == before, f"{before} descriptors before, {now} after")
    need(lab.apply(sample()).returncode == 0, "apply")
    mail(lab)
    return f"{took / 290 * 1000:.0f} ms each"


@test("from 2 to 64 inspectors and back, and other queues, while mail flows: all work, nothing leaks")
def resize(lab):
    running(lab)
    supervisor = lab.pids("supervisor")[0]
    before = number_of(supervisor)
    for n, base in ((64, 100), (1, 100), (3, 40000), (64, 65471), (2, 100)):
        p = lab.apply(with_inspectors(n, base))
        need(p.returncode == 0, f"{n} from {base}: {p.returncode} {p.stderr}")
        need(len(lab.pids("inspector")) == n, f"{len(lab.pids('inspector'))} of {n} run")
        mail_again(lab)
    running(lab)
    need(number_of(supervisor) == before, f"{before} descriptors before, {number_of(supervisor)} after")


@test("an inspector killed 30 times over: no descriptor, no zombie stays behind")
def many_deaths(lab):
    need(lab.apply(with_inspectors(8)).returncode == 0, "apply")
    running(lab)
    supervisor, gate = lab.pids("supervisor")[0], lab.pids("gate")[0]
    before = number_of(supervisor), number_of(gate)
    for _ in range(4):
        for pid in lab.pids("inspector"):
            os.kill(pid, signal.SIGKILL)
        need(wait_for(lambda: len(lab.pids("inspector")) == 8 and lab.ctl("status").returncode == 0, 15), "not all again")
    now = number_of(supervisor), number_of(gate)
    need(now == before, f"{before} before, {now} after")
    state = [open(f"/proc/{p}/stat").read().rpartition(")")[2].split() for p in os.listdir("/proc") if p.isdigit()
             and os.path.exists(f"/proc/{p}/stat")]
    need(not [x for x in state if x[0] == "Z" and x[1] == str(supervisor)], "zombies")
    need(lab.apply(sample()).returncode == 0, "apply")
    mail_again(lab)


# --- the control socket ----------------------------------------------------------------------------


def control(lab, timeout=10):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(lab.info["socket"])
    return s


def answer(s):
    got = b""
    while not got.endswith(b"\n"):
        chunk = s.recv(65536)
        if not chunk:
            return got
        got += chunk
    return got


@test("who may speak to the control socket: owner and group, nobody else")
def control_mode(lab):
    st = os.stat(lab.info["socket"])
    need(st.st_mode & 0o7777 == 0o660, oct(st.st_mode))
    need(st.st_uid != 0, "owned by root")


@test("nonsense on the control socket is answered or ends the connection; the daemon serves the next", san=True)
def control_nonsense(lab):
    running(lab)
    for text in (b"\n", b"{}\n", b"[]\n", b"\0\n", b'{"command":7}\n', b'{"command":"\\u0000"}\n', b'{"command":"no"}\n',
                 b"[" * 100000 + b"\n", b'{"command":"apply"}\n', b'{"command":"apply","text":7}\n', b"\xff\xfe\n",
                 b'{"command":"status","command":"apply"}\n'):
        with control(lab) as s:
            s.sendall(text)
            need(answer(s), f"{text[:40]!r}: no answer")
    with control(lab) as s, contextlib.suppress(OSError):  # larger than any configuration
        for _ in range(70):
            s.sendall(b"x" * (1 << 20))
    with control(lab) as s:  # gone in the middle of an apply
        s.sendall(json.dumps({"command": "apply", "file": "gone", "text": sample()}).encode() + b"\n")
    need(wait_for(lambda: lab.ctl("status").returncode == 0), "does not answer")
    mail(lab)


@test("a flood of commands and clients that do not read hold up nobody else")
def control_flood(lab):
    running(lab)
    flood, deaf = [control(lab) for _ in range(4)], [control(lab) for _ in range(8)]
    stop = threading.Event()

    def pour(s):
        with contextlib.suppress(OSError):
            while not stop.is_set():
                s.sendall(b'{"command":"status"}\n' * 2000)

    def drink(s):
        with contextlib.suppress(OSError):
            while not stop.is_set() and s.recv(1 << 20):
                pass
    for s in deaf:
        s.sendall(b'{"command":"observe","follow":true}\n')
    threads = [threading.Thread(target=t, args=(s,), daemon=True) for s in flood for t in (pour, drink)]
    for t in threads:
        t.start()
    try:
        time.sleep(1)
        worst = 0
        for _ in range(5):
            begin = time.monotonic()
            p = lab.ctl("status")
            worst = max(worst, time.monotonic() - begin)
            need(p.returncode == 0, lambda: p.stdout + p.stderr)
            mail(lab)
        need(worst < 3, f"status took {worst:.1f} s")
    finally:
        stop.set()
        for s in flood + deaf:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()
        for t in threads:
            t.join(5)
    running(lab)
    return f"status took {worst:.2f} s at worst"


@test("clients that connect and say nothing do not lock the administrator out")
def control_full(lab):
    running(lab)
    idle = [control(lab) for _ in range(40)]
    try:
        need(wait_for(lambda: lab.ctl("status").returncode == 0, 3), "locked out")
    finally:
        for s in idle:
            s.close()


# --- sums --------------------------------------------------------------------------------------------


def kernel(lab):
    return {c["name"]: c["packets"] for c in lab.status()["counters"]}


def blast(lab, host, source, address, count, sources=1):
    """UDP packets to an address that no flow permits, as fast as this machine makes them."""
    s = lab.sock(host, socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    s.bind((source, 0))
    for i in range(count):
        s.sendto(b"x" * 20, (address, 1000 + i % sources))
    s.close()


@test("after a flood of refused packets the records' sum is the kernel's, reason by reason")
def flood_sums(lab):
    running(lab)
    time.sleep(2)
    before, had = kernel(lab), len(lab.events())
    threads = [threading.Thread(target=blast, args=(lab, "internet", "10.30.0.10", MX[4], 15000, 900)),
               threading.Thread(target=blast, args=(lab, "mynumber", MYNUMBER[4], OUT[4], 15000, 900)),
               threading.Thread(target=blast, args=(lab, "internet", OUT[4], MYNUMBER[4], 5000, 10))]
    begin = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - begin
    time.sleep(3)
    after = kernel(lab)
    gained = {n: after[n] - before[n] for n in after if n.startswith("drop_") and after[n] != before[n]}
    events = lab.events()[had:]
    said, lost = {}, 0
    for e in events:
        if e["event"] == "packet-denied":
            said[e["reason"]] = said.get(e["reason"], 0) + e["packets"]
        if e["event"] == "record-lost":
            lost += e["lost"]
    need(sum(said.values()) + lost == sum(gained.values()), f"records {said}, lost {lost}; kernel {gained}")
    names = {"no-flow": ("drop_noflow",), "zone-pair": ("drop_pair", "drop_never")}
    for reason, counters in names.items():
        if not lost:
            need(said.get(reason, 0) == sum(gained.get(c, 0) for c in counters), f"{reason}: {said} {gained}")
    return f"{sum(gained.values())} packets in {took:.1f} s, {len(events)} records, {lost} lost"


@test("what was refused in the last second before a stop is in the log", san=True)
def stop_sums(lab):
    running(lab)
    time.sleep(2)
    before, had = kernel(lab), len(lab.events())
    blast(lab, "internet", "10.30.0.10", MX[4], 50)
    after = kernel(lab)
    lab.lab("stop")
    said = sum(e["packets"] for e in lab.events("packet-denied")[0:] if e in lab.events()[had:])
    lab.lab("start")
    gained = sum(after[n] - before[n] for n in after if n.startswith("drop_"))
    need(said == gained == 50, f"records {said}, kernel {gained}")
    mail_again(lab)


@test("what a full queue drops is recorded: the sum is what the kernel queued and no inspector saw")
def queue_full(lab):
    running(lab)
    had = len(lab.events("queue-loss"))
    for pid in lab.pids("inspector"):
        os.kill(pid, signal.SIGSTOP)
    first = kernel(lab)["queued"]
    try:
        with RawTcp(lab) as tcp:
            for port in range(20000, 32000):
                tcp.sport = port
                tcp.segment(1, 0, 2)
                if port % 500 == 0:
                    time.sleep(0.01)
    finally:
        for pid in lab.pids("inspector"):
            os.kill(pid, signal.SIGCONT)
    time.sleep(3)
    status = lab.status()
    queued = kernel(lab)["queued"]
    seen = sum(p["packets"] + p["queue_gaps"] for p in status["processes"] if p["role"] == "inspector")
    need(queued - first > 9000, f"only {queued - first} queued")
    lab.lab("stop")
    told = sum(e["lost"] for e in lab.events("queue-loss")[had:] if "role" not in e)
    lab.lab("start")
    need(told > 1000, f"{told} told; queued {queued}, seen {seen}")
    running(lab)
    mail_again(lab, 30)
    return f"{queued - first} queued, {told} dropped by full queues and told"


@test("a wrong file at SIGHUP is refused with a record")
def hangup(lab):
    running(lab)
    had = len(lab.events("policy-refused", who="SIGHUP"))
    with open(lab.info["config"], "w") as f:
        f.write("zones = broken")
    os.kill(lab.pids("supervisor")[0], signal.SIGHUP)
    try:
        lab.wait_event("policy-refused", after=had, who="SIGHUP")
    finally:
        with open(lab.info["config"], "w", encoding="utf-8") as f:
            f.write(sample())
    mail(lab)


@test("the sums of a flow survive a change of the policy: it counts on where it stays, and is told where it goes")
def counters_survive(lab):
    running(lab)
    name = next(n for n in kernel(lab) if n.startswith("flow:"))
    said = lambda: sum(e["packets"] for e in lab.events("counters", counter=name))  # noqa: E731
    told, first = said(), kernel(lab)[name]
    mail(lab)
    between = kernel(lab)[name]
    need(between > first, "the flow does not count")
    need(lab.apply(sample() + "# the same in other words\n").returncode == 0, "apply")
    need(kernel(lab)[name] >= between, "a flow that stays began to count anew")
    mail(lab)
    before = kernel(lab)[name]
    need(lab.apply(re.sub(r"port\s*= 25;", "port = [ 25, 2525 ];", sample(), count=1)).returncode == 0, "apply")
    mail(lab)
    last = kernel(lab)[name]
    need(lab.apply(sample()).returncode == 0, "apply")
    lab.lab("stop")
    told = said() - told
    lab.lab("start")
    need(told >= before - first + last, f"records tell {told}; the kernel counted {before - first} and {last}")


if __name__ == "__main__":
    with Lab() as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
