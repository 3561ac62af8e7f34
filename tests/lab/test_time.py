# SPDX-License-Identifier: GPL-2.0-or-later
"""Schedules and expiries: what the kernel ends by itself, what the daemon opens, and a clock that is set under way. The daemon's
clock on the wall is moved (clock.c); the machine's is not touched."""

import calendar
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

from lablib import MX, SAN, SLOW, Lab, Sink, flow, need, run_tests, sample, test, wait_for

PORT = {"office": 2525, "term": 2526}
JST = 9 * 3600

SCHEDULES = """holidays = [ "2027-01-11", "2027-12-31" ];
schedules = ( { name = "office"; days = [ "mon-fri" ]; hours = "08:30-17:15"; holidays = false; } );
"""


def timed(name, more):
    return flow(name, port=PORT[name]).replace('approver = "test"; }', f'approver = "test"; {more} }}')


TEXT = SCHEDULES + sample(timed("office", 'schedule = "office"; log = "refused";') + ",\n" + timed("term", 'expires = "2027-01-12";'))


def moment(text):
    """Of a router in Japan."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")) - JST


class Clock:
    """What programs of the lab take for the time; it goes on from where it is set."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="zg-clock-")
        os.chmod(self.directory, 0o755)
        self.path, library = os.path.join(self.directory, "clock"), os.path.join(self.directory, "clock.so")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
        self.set_offset(0)
        self.environ = {"LD_PRELOAD": library, "ZG_LAB_CLOCK": self.path, "TZ": "Asia/Tokyo"}

    def set_offset(self, seconds):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as f:
            f.write(struct.pack("=q", seconds))

    def set(self, text):
        self.set_offset(moment(text) - int(time.time()))

    def close(self):
        subprocess.run(["rm", "-rf", self.directory], check=False)


clock = Clock()


def passes(lab, name):
    return lab.reachable("internet", MX[4], PORT[name])


def closed(lab, name):
    return lab.blocked("internet", MX[4], PORT[name])


def elements(lab):
    p = lab.exec("router", "nft", "list", "map", "inet", "zonegate", "flows4_internet_lgwan")
    need(p.returncode == 0, lambda: p.stderr)
    return p.stdout


def handles(lab):
    """Of maps, chains and rules: made anew they have others."""
    listing = lab.exec("router", "nft", "-s", "-a", "list", "table", "inet", "zonegate").stdout
    return [line for line in listing.splitlines() if "# handle" in line]


def goes_on(s):
    """A command and its answer."""
    try:
        s.sendall(b"NOOP\r\n")
        s.settimeout(1.5)
        return s.recv(100).startswith(b"250")
    except OSError:
        return False


@test("before the clock is set, all that ends or opens with time is closed; the rest passes")
def unset(lab):
    with Sink(lab, port=PORT["office"]), Sink(lab, port=PORT["term"]), Sink(lab):
        need(lab.reachable("internet", MX[4]), "a flow without a time is closed")
        need(closed(lab, "office") and closed(lab, "term"), "open although nobody knows the time")
    lab.wait_event("clock-unset")
    need("2525" not in elements(lab) and "2526" not in elements(lab), "the kernel has elements of them")


@test("the clock is set: what is in its term opens, what is outside its schedule does not")
def set_clock(lab):
    clock.set("2027-01-08 18:00:00")  # a Friday evening
    lab.wait_event("clock-set")
    with Sink(lab, port=PORT["office"]), Sink(lab, port=PORT["term"]):
        need(wait_for(lambda: passes(lab, "term"), 5), "the flow in its term is closed")
        need(closed(lab, "office"), "open in the evening")
    e = lab.wait_event("flow-expires", flow="term")
    need(e["expires"] == "2027-01-12" and e["ticket"] == "T-1", f"{e}")
    p = lab.ctl("explain", lab.file("explain.conf", TEXT), "tcp", "10.30.0.25:4000", f"{MX[4]}:2525")
    need("outside its schedule office; opens at 2027-01-12 08:30" in p.stdout, lambda: p.stdout + p.stderr)  # Monday is a holiday


@test("a window opens within a second, by its element alone")
def opens(lab):
    clock.set("2027-01-12 08:29:54")
    lab.wait_event("clock-set", after=1)
    with Sink(lab, port=PORT["office"]), Sink(lab):
        need(lab.reachable("internet", MX[4]), "mail")
        before, generation = elements(lab), lab.status()["policy"]["generation"]
        need("2525" not in before, "open too early")
        table = handles(lab)
        need(wait_for(lambda: "2525" in elements(lab), 30), "does not open")
        late = time.time() + struct.unpack("=q", open(clock.path, "rb").read())[0] - moment("2027-01-12 08:30:00")
        need(0 <= late < 2.5 * SLOW, f"opened {late:.2f} s after its time")
        need(passes(lab, "office"), "does not pass")
        need(lab.status()["policy"]["generation"] == generation, "another generation")
        need(handles(lab) == table != [], "more was changed")
    lab.wait_event("schedule", schedule="office", status="open")
    return f"{late:.2f} s"


@test("at its end a running connection stops, with the daemon standing still")
def ends(lab):
    supervisor = lab.pids("supervisor")[0]
    with Sink(lab, port=PORT["office"]) as sink:
        s = lab.connect("internet", MX[4], PORT["office"])
        need(s.recv(100).startswith(b"220"), "no greeting")
        before = len(lab.events("clock-set"))
        clock.set("2027-01-12 17:14:54")
        lab.wait_event("clock-set", after=before)
        need(goes_on(s), "stopped too early")
        os.kill(supervisor, signal.SIGSTOP)
        try:
            need(wait_for(lambda: "2525" not in elements(lab), 30), "the kernel does not end it")
            heard = len(sink.raw[0])
            need(not goes_on(s), "the connection goes on")
            need(len(sink.raw[0]) == heard, "bytes arrived")
        finally:
            os.kill(supervisor, signal.SIGCONT)
        s.close()
        need(closed(lab, "office"), "open again")
    lab.wait_event("schedule", schedule="office", status="closed", after=len(lab.events("schedule", status="closed")) - 1)
    need("2525" not in elements(lab), "open again")


@test("openings of a flow that tells refusals only are not told; its refusals are")
def quiet(lab):
    need(not lab.events("flow-opened", flow="office") and lab.events("flow-opened", flow="term"), "told")
    lab.wait_event("packet-denied", dst_port=PORT["office"], reason="no-flow")


@test("a policy on trial brings its own schedules, and goes with them")
def trial(lab):
    more = "".join(f'{{ name = "s{n}"; days = "mon"; hours = "01:00-02:00"; holidays = true; }}, ' for n in range(200))
    before = len(lab.events("schedule", schedule="office"))
    p = lab.ctl("apply", "--confirm=2s", lab.file("trial.conf", TEXT.replace("schedules = (", "schedules = (" + more)))
    need(p.returncode == 0, lambda: p.stderr)
    lab.wait_event("schedule", schedule="s199", status="closed")
    lab.wait_event("policy-returned")
    # once with the trial, once when the policy before it has come back
    lab.wait_event("schedule", schedule="office", after=before + 1)
    need(lab.status()["policy"], "no policy")


@test("a term ends; then the same text is refused, and a restart comes up with it")
def term(lab):
    before = len(lab.events("clock-set"))
    clock.set("2027-01-12 23:59:54")
    lab.wait_event("clock-set", after=before)
    with Sink(lab, port=PORT["term"]):
        need(passes(lab, "term"), "closed too early")
        need(wait_for(lambda: "2526" not in elements(lab), 30), "does not end")
        need(closed(lab, "term"), "passes after its end")
        p = lab.apply(TEXT)
        need(p.returncode == 4 and "this flow expired at the end of 2027-01-12" in p.stderr, f"{p}")
        lab.lab("stop")
        lab.lab("start")
        need(lab.status()["policy"], "no policy after the restart")
        need(closed(lab, "term"), "passes after the restart")
    with Sink(lab):
        need(lab.reachable("internet", MX[4]), "mail does not pass after the restart")


if __name__ == "__main__":
    if SAN:  # the sanitizers' own library has to come first, and so does the clock
        clock.close()
        print("1..0")
        sys.exit(0)
    os.environ.update(clock.environ)
    clock.set_offset(-int(time.time()) + 60)
    try:
        with Lab(TEXT) as the_lab:
            status = run_tests(the_lab)
    finally:
        clock.close()
    sys.exit(status)
