# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits of a flow: new connections in a time, connections at once. The kernel keeps them for all inspectors together."""

import sys

from lablib import MX, OUT, SLOW, Lab, Sink, flow, need, run_tests, sample, test, wait_for

RATE, COUNT = 2525, 2526


def limited(name, port, more):
    return flow(name, port=port, source=f"{OUT[4]} {OUT[6]}", destination=f"{MX[4]} {MX[6]}").replace(
        'approver = "test"; }', f'approver = "test"; {more} }}')


TEXT = sample(limited("slow", RATE, 'rate = "10/min";') + ",\n" + limited("few", COUNT, "connections = 5;"))


def counter(lab, name):
    return int(lab.exec("router", "nft", "list", "counter", "inet", "zonegate", name).stdout.split("packets")[1].split()[0])


def told(lab, reason):
    return sum(e["packets"] for e in lab.events("packet-denied", reason=reason))


def attempts(lab, port, n, version=4):
    """Connections that come about, of n at once."""
    made = []
    for _ in range(n):
        try:
            made.append(lab.connect("internet", MX[version], port, timeout=0.3 / SLOW))
        except OSError:
            pass
    return made


@test("connections at once: the sixth is refused, an end makes room for one", san=True)
def concurrency(lab):
    with Sink(lab, port=COUNT), Sink(lab):
        made = attempts(lab, COUNT, 9)
        need(len(made) == 5, f"{len(made)} connections came about")
        need(counter(lab, "drop_connections") >= 4, "not counted")
        e = lab.wait_event("packet-denied", reason="connection-limit")
        need((e["flow"], e["ticket"], e["dst_port"]) == ("few", "T-1", COUNT), f"{e}")
        need(lab.reachable("internet", MX[4]), "another flow suffers")
        for s in made:  # those that are there go on
            need(s.recv(100).startswith(b"220"), "no greeting")
            s.sendall(b"NOOP\r\n")
            need(s.recv(100).startswith(b"250"), "no answer")
        made[0].sendall(b"QUIT\r\n")
        made[0].recv(100)
        made[0].close()
        need(wait_for(lambda: not lab.blocked("internet", MX[4], COUNT), 20), "an end makes no room")
        for s in made[1:]:
            s.close()


@test("both address families of a flow share its limit, and so do all inspectors")
def shared(lab):
    need(lab.apply(TEXT.replace("connections = 5", "connections = 4")).returncode == 0, "apply")
    with Sink(lab, port=COUNT), Sink(lab, port=COUNT, address=MX[6]):
        made = attempts(lab, COUNT, 3) + attempts(lab, COUNT, 4, 6)
        need(len(made) == 4, f"{len(made)} connections came about")
        for s in made:
            s.close()


@test("new connections in a time: as many as permitted at once, then none until time has passed", san=True)
def rate(lab):
    with Sink(lab, port=RATE):
        made = attempts(lab, RATE, 14)
        need(10 <= len(made) <= 11, f"{len(made)} connections came about")  # one more where six seconds have passed
        for s in made:
            need(s.recv(100).startswith(b"220"), "no greeting")
            s.close()
        need(lab.wait_event("packet-denied", reason="rate-limit")["flow"] == "slow", "which flow?")
        need(wait_for(lambda: not lab.blocked("internet", MX[4], RATE), 15), "never again")


@test("what was refused and what was told agree")
def sums(lab):
    for name, reason in (("drop_rate", "rate-limit"), ("drop_connections", "connection-limit")):
        need(wait_for(lambda n=name, r=reason: counter(lab, n) == told(lab, r) > 0, 10),
             lambda n=name, r=reason: f"{n}: {counter(lab, n)}, told: {told(lab, r)}")


if __name__ == "__main__":
    with Lab(TEXT) as the_lab:
        status = run_tests(the_lab)
    sys.exit(status)
