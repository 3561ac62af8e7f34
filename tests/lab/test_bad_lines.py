# SPDX-License-Identifier: GPL-2.0-or-later
"""Honest hosts over bad lines: a shuffler between the router and a host loses, repeats, delays and reorders."""

import queue
import sys
import threading

from honest import MB, SLOW, End, digest, nobody_harmed, rate, run
from lablib import need, test


@test("52 MB each way at once over a line that loses, repeats, delays and reorders; before the router, then behind it", san=True)
def bad_lines(w):
    size, said = 52 * MB, []
    for host in ("internet", "lgwan"):
        with w.bad(host, lose=0.001, again=0.001, late=0.005, late_by=0.002, seed=7):
            n = size if host == "internet" and SLOW == 1 else size // 8
            took = w.transfer(n, n, 4 if host == "internet" else 6, seconds=100)
            said.append(f"{host}: {rate(2 * n, took)}")
    return ", ".join(said) + f", refused in all {w.refused()}"


@test("SACK, timestamps and window scaling, each on and off, over a line that loses and reorders")
def features(w):
    try:
        with w.bad("internet", lose=0.01, late=0.03, seed=3):
            for i in range(8):
                w.sysctl(sack=i & 1, timestamps=i >> 1 & 1, window_scaling=i >> 2)
                size = MB if i & 1 else MB // 4  # without SACK each loss may cost a timeout
                w.transfer(size, size, 4 + 2 * (i & 1), seconds=60)
    finally:
        w.sysctl(sack=1, timestamps=1, window_scaling=1)


@test("every frame five times, both ways: nobody minds")
def storm(w):
    with w.bad("internet", copies=5, late=0.1, seed=5):
        took = w.transfer(5 * MB, 5 * MB, seconds=60)
    with w.bad("lgwan", copies=5, late=0.1, seed=5):
        w.transfer(2 * MB, 2 * MB, 6, seconds=60)
    return rate(10 * MB, took)


@test("one frame in twelve is lost, on both lines at once")
def heavy_loss(w):
    with w.bad("internet", lose=0.08, late=0.1, seed=11), w.bad("lgwan", lose=0.08, late=0.1, seed=12):
        took = w.transfer(MB // 2, MB // 2, seconds=90)
    return rate(MB, took)


@test("300 short connections over a line that loses and repeats: each complete, each end proper")
def short_bad(w):
    wrong, todo = [], queue.Queue()

    def call():
        while True:
            i = todo.get()
            if i is None:
                return
            try:
                c, s = w.pair(4 + 2 * (i & 1))
                ends = [End(c, i, 500 * (i % 7)), End(s, i + 1, 700 * (i % 5))]
                for e in ends:
                    e.start()
                for e in ends:
                    e.join(40)
                for end, other in (ends, ends[::-1]):
                    need(end.n == other.size and end.sha.hexdigest() == digest(other.seed, other.size), "other bytes")
                c.close()
                s.close()
            except Exception as e:  # counted below
                wrong.append(f"{i}: {type(e).__name__} {e}")
    with w.bad("internet", lose=0.03, again=0.1, late=0.1, seed=21):
        threads = [threading.Thread(target=call, daemon=True) for _ in range(50)]
        for i in range(300):
            todo.put(i)
        for t in threads:
            todo.put(None)
            t.start()
        for t in threads:
            t.join(90)
    need(not wrong, lambda: f"{len(wrong)} of 300: {wrong[:3]}")
    denied = w.lab.events("content-denied")
    need(not denied, lambda: f"denied: {denied[-1]}")


@test("after all this nobody was denied, no process lost, no packet is held", san=True)
def at_the_end(w):
    return nobody_harmed(w)


if __name__ == "__main__":
    sys.exit(run())
