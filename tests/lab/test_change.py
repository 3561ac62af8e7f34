# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes with a way back: on trial, confirmed, taken back; what is kept, and what becomes of it when the power fails."""

import contextlib
import glob
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

from lablib import MX, OUT, SLOW, TO_DATA, Lab, Sink, dialogue, flow, need, read_rest, run_tests, sample, send_mail, test, text_mail, wait_for

PORT = 2525  # of the flow that comes and goes
MORE = sample(flow("more"))


def passes(lab, port):
    with Sink(lab, port=port):
        return lab.reachable("internet", MX[4], port)


def closed(lab, port):
    with Sink(lab, port=port):
        return lab.blocked("internet", MX[4], port)


def history(lab):
    p = lab.ctl("history", "--json")
    need(p.returncode == 0, lambda: f"history: {p.returncode} {p.stderr}")
    return json.loads(p.stdout)


def trial(lab):
    return history(lab)["trial"]


def numbers(lab):
    return [v["number"] for v in history(lab)["versions"]]


def ok(p, status=0):
    need(p.returncode == status, lambda: f"exit status {p.returncode}: {p.stdout}{p.stderr}")
    return p


def on_trial(lab, text=MORE, seconds=60, *args):
    return ok(lab.ctl("apply", f"--confirm={seconds}s", *args, lab.file("trial.conf", text)))


def fresh(lab):
    """The sample is in force, for good."""
    ok(lab.apply(sample()))
    need(trial(lab) is None, "something is on trial")


def returned(lab, seconds=10):
    need(wait_for(lambda: trial(lab) is None, seconds), "it is on trial still")


def state(lab, pattern):
    return sorted(glob.glob(os.path.join(os.path.dirname(lab.info["log"]), "state", pattern)))


@test("on trial: in force at once; confirmed it stays, over a restart too", san=True)
def confirmed(lab):
    fresh(lab)
    before = numbers(lab)
    p = on_trial(lab, MORE, 60, "-m", "申請 2026-0042")
    need("zonegatectl confirm" in p.stdout, p.stdout)
    need(passes(lab, PORT), "not in force")
    need(numbers(lab) == before, "kept before it was confirmed")
    need(trial(lab)["returns_to"] == before[0], trial(lab))
    need("on trial" in lab.ctl("status").stdout, "status does not say so")
    generation = trial(lab)["generation"]
    ok(lab.ctl("confirm", str(generation + 1)), 1)
    ok(lab.ctl("confirm", str(generation)))
    need(trial(lab) is None, "on trial still")
    ok(lab.ctl("confirm"), 1)
    now = history(lab)["versions"][0]
    need(now["in_force"] and now["comment"] == "申請 2026-0042" and now["who"] == "uid 0" and now["flows"] == 2, now)
    lab.wait_event("policy-confirmed", generation=generation)
    lab.lab("stop", "--kill")
    lab.lab("start")
    need(passes(lab, PORT), "gone after a restart")


@test("on trial and not confirmed: the one before is back by itself, exit status 5 for who waits, and he may go", san=True)
def not_confirmed(lab):
    fresh(lab)
    before = numbers(lab)
    p = ok(lab.ctl("apply", "--confirm=2s", "--wait", lab.file("trial.conf", MORE)), 5)
    need("not confirmed" in p.stderr, p.stderr)
    need(closed(lab, PORT) and passes(lab, 25), "not as before")
    need(numbers(lab) == before, "something was kept")
    on_trial(lab, MORE, 2)
    need(passes(lab, PORT), "not in force")  # the client that asked for it is gone
    returned(lab)
    need(closed(lab, PORT), "not as before")
    need(len(lab.events("policy-returned")) >= 2, "no record")


@test("who waits is told of the confirmation")
def waits(lab):
    fresh(lab)
    path = lab.file("trial.conf", MORE)
    waiter = subprocess.Popen([os.path.join(lab.build, "zonegatectl"), "apply", "--confirm=60s", "--wait", "--json", "-S",
                               lab.info["socket"], path], stdout=subprocess.PIPE, text=True)
    need(wait_for(lambda: trial(lab) is not None), "not on trial")
    ok(lab.ctl("confirm"))
    out, _ = waiter.communicate(timeout=20)
    need(waiter.returncode == 0 and json.loads(out)["end"] == "confirmed", f"{waiter.returncode} {out}")


@test("a second policy on trial: its own time, the last confirmed one comes back; a failed change leaves the trial alone")
def second(lab):
    fresh(lab)
    on_trial(lab, MORE, 60)
    first = trial(lab)["generation"]
    ok(lab.apply("zones = broken"), 4)
    need(trial(lab)["generation"] == first, "the trial is gone")
    on_trial(lab, sample(flow("other", port=2526)), 2)
    ok(lab.ctl("confirm", str(first)), 1)
    need(closed(lab, PORT) and passes(lab, 2526), "the second is not in force")
    returned(lab)
    need(closed(lab, PORT) and closed(lab, 2526) and passes(lab, 25), "not the last confirmed one")
    on_trial(lab, MORE, 3)
    ok(lab.apply(sample(flow("other", port=2526))))  # for good
    need(trial(lab) is None, "on trial still")
    returns = len(lab.events("policy-returned"))
    need(not wait_for(lambda: len(lab.events("policy-returned")) > returns, 4) and passes(lab, 2526), "it was taken back")


@test("taken back to a policy with fewer schedules: the clock goes by that one", san=True)
def schedules(lab):
    fresh(lab)
    supervisor = lab.pids("supervisor")[0]
    hours = ", ".join(f'{{ name = "s{i}"; days = [ "mon-sun" ]; hours = "00:00-24:00"; holidays = true; }}' for i in range(40))
    timed = MORE.replace('name = "more";', 'name = "more"; schedule = "s39";')
    on_trial(lab, timed + f"schedules = ( {hours} );\n", 2)
    need(passes(lab, PORT), "not in force")
    returned(lab)
    on_trial(lab, timed + f"schedules = ( {hours} );\n", 60)
    ok(lab.ctl("rollback"))
    need(closed(lab, PORT) and passes(lab, 25), "not as before")
    need(lab.pids("supervisor")[0] == supervisor, "it died")


@test("killed while on trial: the next start begins with the last confirmed policy", san=True)
def killed(lab):
    for how in ("--kill", None):
        fresh(lab)
        on_trial(lab)
        generation = trial(lab)["generation"]
        need(passes(lab, PORT), "not in force")
        lab.lab("stop", *([how] if how else []))
        lab.lab("start")
        need(closed(lab, PORT) and passes(lab, 25), "not the last confirmed one")
        need(trial(lab) is None, "on trial still")
        lab.wait_event("policy-returned", generation=generation)
        need(lab.status()["policy"]["generation"] > generation, "a number was given twice")


@test("rollback: the one before, a certain one, on trial; while on trial the last confirmed")
def rollback(lab):
    fresh(lab)
    first = numbers(lab)[0]
    ok(lab.apply(MORE))
    ok(lab.ctl("rollback"))
    need(closed(lab, PORT), "not rolled back")
    need(history(lab)["versions"][0]["comment"] == f"rollback to policy {first}", history(lab)["versions"][0])
    with_more = numbers(lab)[1]
    ok(lab.ctl("rollback", "--confirm=2s", "--wait", str(with_more)), 5)
    need(closed(lab, PORT), "not taken back")
    ok(lab.ctl("rollback", str(with_more)))
    need(passes(lab, PORT), "not in force")
    on_trial(lab, sample())
    need(closed(lab, PORT), "not in force")
    ok(lab.ctl("rollback"))
    need(passes(lab, PORT) and trial(lab) is None, "not the last confirmed one")
    ok(lab.ctl("rollback", "999999"), 1)
    ok(lab.ctl("rollback", "x"), 2)


@test("diff: against the policy in force, against a kept one; exit status as diff(1)")
def diff(lab):
    fresh(lab)
    same, more = lab.file("same.conf", "# another remark\n" + sample()), lab.file("more.conf", MORE)
    first = numbers(lab)[0]
    ok(lab.ctl("diff", same), 0)
    p = ok(lab.ctl("diff", more), 1)
    need("+ flow more, added" in p.stdout, p.stdout)
    ok(lab.apply(MORE))
    p = ok(lab.ctl("diff", "--json", str(first)), 1)
    need([(c["change"], c["name"]) for c in json.loads(p.stdout)["changes"]] == [("withdrawn", "more")], p.stdout)
    ok(lab.ctl("diff", str(first), more), 1)
    ok(lab.ctl("diff", "999999"), 2)
    ok(lab.ctl("diff", lab.file("bad.conf", "x")), 2)


@test("SIGHUP with an invalid file: refused and recorded, what is in force or on trial goes on; with a valid one, for good")
def hangup(lab):
    fresh(lab)
    on_trial(lab)
    config, supervisor = lab.info["config"], lab.pids("supervisor")[0]
    before = trial(lab)["generation"]
    try:
        for broken in ("zones = broken", sample().replace("10.30.0.25", "mail.example.jp", 1)):
            had = len(lab.events("policy-refused"))
            with open(config, "w", encoding="utf-8") as f:
                f.write(broken)
            os.kill(supervisor, signal.SIGHUP)
            lab.wait_event("policy-refused", after=had, who="SIGHUP")
            need(trial(lab)["generation"] == before and passes(lab, PORT), "not as before")
    finally:
        with open(config, "w", encoding="utf-8") as f:
            f.write(sample())
    os.kill(supervisor, signal.SIGHUP)
    need(wait_for(lambda: trial(lab) is None), "on trial still")
    need(closed(lab, PORT), "not in force")


# --- power -------------------------------------------------------------------------------------------


@test("power loss in the middle of a save, at each step of it: the next start has the old policy or the new one, whole")
def mid_save(lab):
    ends = {True: 0, False: 0}
    for call, when in [("openat", 1), ("openat", 2), ("write", 1), ("write", 2), ("write", 3), ("fsync", 1), ("fsync", 2), ("renameat", 1),
                       ("renameat", 2), ("fsync", 3)]:
        fresh(lab)
        kept = numbers(lab)
        supervisor = lab.pids("supervisor")[0]
        where = os.path.dirname(state(lab, "confirmed-*")[0])
        # only calls of the save: those that touch the state directory
        paths = [a for p in (where, where + "/new.conf", where + "/new.copy") for a in ("-P", p)]
        tracer = subprocess.Popen(["strace", "-e", f"trace={call}", *paths, "-e", f"inject={call}:signal=KILL:when={when}", "-o",
                                   "/dev/null", "-p", str(supervisor)], stderr=subprocess.PIPE, text=True)
        need(wait_for(lambda: "attached" in tracer.stderr.readline()), "strace cannot attach")
        p = lab.apply(MORE)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
        tracer.stderr.close()
        need(p.returncode != 0, f"{call} {when} does not happen in a save")
        need(wait_for(lambda: not os.path.exists(f"/proc/{supervisor}")), "it lives")
        lab.lab("stop", "--kill")
        lab.lab("start")
        new = passes(lab, PORT)
        ends[new] += 1
        need(passes(lab, 25), "the old flow does not pass")
        need((numbers(lab) == kept) != new, f"{numbers(lab)} kept, {kept} before, the new one in force: {new}")
        need(not [v for v in history(lab)["versions"] if v["damaged"]], "damaged")
    need(ends[False] >= 3 and ends[True] >= 1, f"ended with the old policy {ends[False]} times, the new one {ends[True]} times")
    return f"{ends[False]} times the old one, {ends[True]} times the new one"


def damage(path):
    with open(path, "r+b") as f:
        f.seek(-5, os.SEEK_END)
        f.write(b"\xff")


@test("a damaged file of the newest policy: its copy is used and both are written anew; both damaged: closed, and it is said why", san=True)
def damaged(lab):
    fresh(lab)
    ok(lab.apply(MORE))
    conf, copy = state(lab, "confirmed-*.conf")[-1], state(lab, "confirmed-*.copy")[-1]
    lab.lab("stop")
    damage(conf)
    lab.lab("start")
    need(passes(lab, PORT), "the copy was not used")
    lab.wait_event("policy-damaged", file=os.path.basename(conf))
    need(open(conf, "rb").read() == open(copy, "rb").read(), "not written anew")
    lab.lab("stop")
    whole = open(conf, "rb").read()
    damage(conf)
    damage(copy)
    had = len(lab.events("daemon-failed"))
    with contextlib.suppress(RuntimeError):
        lab.lab("start")
    told = lab.wait_event("daemon-failed", after=had)
    need("damaged" in told["message"] and os.path.basename(conf) in told["message"], told)
    need(lab.blocked("internet", MX[4], 25), "open")
    for path in (conf, copy):
        with open(path, "wb") as f:
            f.write(whole)
    lab.lab("start")
    need(passes(lab, PORT), "the files put back were not used")
    ok(lab.apply(sample()))
    older = state(lab, "confirmed-*.conf")[-2]
    damage(older)
    p = ok(lab.ctl("rollback"), 1)
    need(os.path.basename(older) in p.stderr, p.stderr)
    need("damaged" in lab.ctl("history").stdout or os.path.getsize(older), "")


# --- connections ---------------------------------------------------------------------------------------


@test("a withdrawn flow is cut within a second: both applications get an error", san=True)
def cut(lab):
    ok(lab.apply(MORE))
    server = lab.listen("lgwan", MX[4], PORT)
    stays = lab.listen("lgwan", MX[4], 25)
    client, other = lab.connect("internet", MX[4], PORT), lab.connect("internet", MX[4], 25)
    peer, other_peer = server.accept()[0], stays.accept()[0]
    with client, other, peer, other_peer, server, stays:
        peer.sendall(b"220 a\r\n")
        need(client.recv(100) == b"220 a\r\n", "no greeting")
        other_peer.sendall(b"220 b\r\n")
        need(other.recv(100) == b"220 b\r\n", "no greeting")
        begin = time.monotonic()
        ok(lab.apply(sample()))
        for s in (client, peer):
            s.settimeout(5)
            got, how = read_rest(s)
            need(how == "ConnectionResetError", f"it ended with {how} after {got!r}")
        took = time.monotonic() - begin
        other.sendall(b"EHLO x\r\n")
        need(other_peer.recv(100) == b"EHLO x\r\n", "the flow that stayed broke")
    lab.wait_event("flow-closed", reason="tcp-policy-changed", dst_port=PORT, dst_zone="lgwan")
    need(took < 1.0 * (4 if lab.build.endswith("san") else 1), f"{took:.2f} s")
    return f"{took * 1000:.0f} ms"


@test("a connection that was silent through other changes is reset too")
def cut_idle(lab):
    ok(lab.apply(MORE))
    server = lab.listen("lgwan", MX[4], PORT)
    client = lab.connect("internet", MX[4], PORT)
    peer = server.accept()[0]
    with client, peer, server:
        peer.sendall(b"220 a\r\n")
        need(client.recv(100) == b"220 a\r\n", "no greeting")
        for port in range(2600, 2604):
            ok(lab.apply(sample(flow("more") + "," + flow("other", port=port))))
        ok(lab.apply("zones = broken"), 4)
        ok(lab.apply(sample()))
        for s in (client, peer):
            s.settimeout(5)
            got, how = read_rest(s)
            need(how == "ConnectionResetError", f"it ended with {how} after {got!r}")


def tracked(lab, port):
    """How many connections to this port the router's kernel knows."""
    with lab.inside("router"):
        s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
    n, wanted = 0, struct.pack("=HHH", 6, 3, socket.htons(port))  # CTA_PROTO_DST_PORT
    with s:
        s.bind((0, 0))
        s.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 1, 0x301, 1, 0, 0, 0, 0))  # IPCTNL_MSG_CT_GET, a dump
        while True:
            part = s.recv(1 << 20)
            while part:
                length, kind = struct.unpack("=IH", part[:6])
                if kind == 3:  # NLMSG_DONE
                    return n
                n += wanted in part[:length]
                part = part[length:]


def managed(text):
    """The router itself may be reached from the Internet zone's mail server."""
    entry = '{ name = "test"; from = "internet"; source = "10.30.0.25"; port = 2222; },'
    return text.replace("manage = (", "manage = ( " + entry, 1)


@test("the kernel's table of connections: what is withdrawn goes, what stays stays, and so does what is the router's own", san=True)
def forgotten(lab):
    port = 2530  # nobody has used it before
    ok(lab.apply(managed(sample(flow("more", port=port)))))
    own = "10.20.0.1"  # the router's, in another zone than who connects
    servers = [lab.listen("lgwan", MX[4], port), lab.listen("lgwan", MX[4], 25), lab.listen("router", own, 2222)]
    clients = [lab.connect("internet", MX[4], port), lab.connect("internet", MX[4], 25), lab.connect("internet", own, 2222)]
    peers = [s.accept()[0] for s in servers]
    before = [tracked(lab, n) for n in (port, 25, 2222)]
    need(before[0] == 1 and before[1] >= 1 and before[2] == 1, before)
    p = ok(lab.ctl("diff", lab.file("back.conf", managed(sample()))), 1)
    need("1 open connection would be cut" in p.stdout, p.stdout)
    had = len(lab.events("connections-cut"))
    ok(lab.apply(managed(sample())))
    need(wait_for(lambda: tracked(lab, port) == 0, 3), "it is there still")
    told = lab.wait_event("connections-cut", after=had)
    need(told["connections"] >= 1, told)  # those of other tests may be among them
    peers[1].sendall(b"220 b\r\n")
    need(clients[1].recv(100) == b"220 b\r\n", "the flow that stayed broke")
    need(tracked(lab, 25) >= 1 and tracked(lab, 2222) == 1, "one went that is permitted, or the router's own")
    for s in servers + clients + peers:
        s.close()


@test("twenty thousand connections of a withdrawn flow are removed while the daemon answers")
def many_forgotten(lab):
    port = 2531
    ok(lab.apply(sample(flow("more", port=port))))
    with lab.inside("router"):
        s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    with s:
        s.bind((0, 0))
        for i in range(20000):
            s.send(conntrack_entry(OUT[4], MX[4], 1024 + i, port))
    need(tracked(lab, port) == 20000, f"{tracked(lab, port)} made")
    begin = time.monotonic()
    ok(lab.apply(sample()))
    during, left = 0, 20000
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(lab.info["socket"])
        control.settimeout(30)
        while left > 0 and time.monotonic() - begin < 30 * SLOW:
            control.sendall(b'{"command":"trial"}\n')
            need(control.recv(4096), "no answer")
            during += 0 < left < 20000  # asked and answered in the middle of it
            left = tracked(lab, port)
    need(left == 0, f"{left} are left")
    need(during >= 1, f"{during} answers while they were being removed")
    return f"{time.monotonic() - begin:.1f} s, {during} answers meanwhile"


def attr(kind, payload):
    return struct.pack("=HH", 4 + len(payload), kind) + payload + b"\0" * (-len(payload) % 4)


def conntrack_entry(source, destination, sport, dport):
    """IPCTNL_MSG_CT_NEW: an established TCP connection."""
    def tuple_of(a, b, x, y):
        return (attr(0x8001, attr(1, socket.inet_aton(a)) + attr(2, socket.inet_aton(b)))
                + attr(0x8002, attr(1, b"\6") + attr(2, struct.pack("!H", x)) + attr(3, struct.pack("!H", y))))
    body = (struct.pack("=BBH", socket.AF_INET, 0, 0) + attr(0x8001, tuple_of(source, destination, sport, dport))
            + attr(0x8002, tuple_of(destination, source, dport, sport)) + attr(7, struct.pack("!I", 600))
            + attr(0x8004, attr(0x8001, attr(1, b"\3"))))  # CTA_TIMEOUT; CTA_PROTOINFO: established
    return struct.pack("=IHHII", 16 + len(body), 1 << 8, 0x401, 1, 0) + body  # NLM_F_REQUEST | NLM_F_CREATE


@test("narrowed: the host that is no longer named is cut, the other goes on; taken back from trial cuts as well")
def narrowed(lab):
    wide = sample(flow("more", source="10.30.0.25 10.30.0.10"))
    ok(lab.apply(wide))
    with Sink(lab, port=PORT):
        kept, gone = lab.connect("internet", MX[4], PORT), lab.connect("internet", MX[4], PORT, source="10.30.0.10")
        for s in (kept, gone):
            need(dialogue(s, TO_DATA[0])[-1].startswith(b"250"), "no answer")
        ok(lab.apply(MORE))
        gone.settimeout(5)
        need(read_rest(gone)[1] == "ConnectionResetError", "not reset")
        kept.sendall(b"NOOP\r\n")
        need(kept.recv(100).startswith(b"250"), "the one that stayed broke")
        on_trial(lab, wide, 2)
        gone = lab.connect("internet", MX[4], PORT, source="10.30.0.10")
        need(dialogue(gone, TO_DATA[0])[-1].startswith(b"250"), "no answer")
        gone.settimeout(10)
        need(read_rest(gone)[1] == "ConnectionResetError", "not reset")
        kept.sendall(b"NOOP\r\n")
        need(kept.recv(100).startswith(b"250"), "the one that stayed broke")
        kept.close()
        gone.close()


if __name__ == "__main__":
    with Lab() as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
