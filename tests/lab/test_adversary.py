# SPDX-License-Identifier: GPL-2.0-or-later
"""An attacker who plays TCP's rules against zonegate: overlaps, holes, sequence numbers, the handshake, the end. Every case
with IPv4 and IPv6, the attacker once as the client and once as the server, before and after the sequence numbers wrap; on a
flow whose bytes pass as they are, and on one whose replies are rewritten. What a packet alone shows is in test_packets.py."""

import random
import sys

from attack import (CLIENT, FORGED, MESSAGE, MSS, REWRITTEN, ROT13, SERVER, Field, field_lab)
from lablib import ACK, FIN, PSH, RST, SYN, need, run_tests, test, wait_for

N = len(MESSAGE)
M, X = MESSAGE, FORGED
CUTS = range(1, N)


def at_every_cut(steps, label, wraps=True, **options):
    """At each cut, with sequence numbers that wrap exactly there, and with ones that lie anywhere."""
    cases = []
    for k in CUTS:
        cases.append((f"{label}, cut at {k}", steps, (k,), options))
        if wraps:
            cases.append((f"{label}, cut and wrap at {k}", steps, (k,), dict(options, isn=-1 - k)))
    return cases


# --- overlaps ----------------------------------------------------------------------------------------


def changed_before_ack(c, k):
    yield from c.open()
    c.data(0, M[:k])
    c.data(0, X[:k])
    yield from c.dies("tcp-overlap")


def changed_one_byte(c, k):
    yield from c.open()
    c.data(0, M)
    c.data(0, M[:k] + X[k: k + 1] + M[k + 1:])
    yield from c.dies("tcp-overlap")


def changed_after_ack(c, k):
    yield from c.open()
    c.data(0, M[:k])
    yield lambda: c.acked == k, 3
    need(c.acked == k, "not acknowledged")
    c.data(0, X[:k])
    c.refused("tcp-repeat", "invalid-state")
    yield from c.rest()


def changed_longer(c, k):
    yield from c.open()
    c.data(0, M[:k])
    c.data(0, X[:k] + M[k:])
    yield from c.dies("tcp-overlap")


def changed_longer_after_ack(c, k):
    yield from c.open()
    c.data(0, M[:k])
    yield lambda: c.acked == k, 3
    c.data(0, X)
    c.refused("tcp-repeat", "invalid-state")
    yield from c.rest()


def changed_shorter(c, k):
    yield from c.open()
    c.data(0, M)
    c.data(0, X[:k])
    yield from c.dies("tcp-overlap")


def changed_tail(c, k):
    yield from c.open()
    c.data(0, M)
    c.data(k, X[k:])
    yield from c.dies("tcp-overlap")


def changed_tail_beyond(c, k):
    """Overlaps on the right and goes on."""
    yield from c.open()
    c.data(0, M[:k])
    c.data(k - 1, X[k - 1: k] + M[k:])
    yield from c.dies("tcp-overlap")


def same_longer(c, k):
    yield from c.open()
    c.data(0, M[:k])
    c.data(0, M)
    yield from c.rest()


def same_in_parts(c, k):
    yield from c.open()
    c.data(0, M)
    c.data(k, M[k:])
    c.data(0, M[:k])
    yield from c.rest()


def keepalive_with_a_byte(c, k):
    """una - 1 with a byte of garbage: what some old systems send."""
    yield from c.open()
    c.data(0, M[:k])
    yield lambda: c.acked == k, 3
    c.data(k - 1, X[k - 1: k])
    c.refused("tcp-repeat", "invalid-state")
    yield from c.rest()


@test("a changed retransmission at every cut, the same place, shorter, longer, left, right: the connection dies", san=True)
def changed(field):
    return field.row([*at_every_cut(changed_before_ack, "changed"), *at_every_cut(changed_longer, "changed and longer"),
                      *at_every_cut(changed_shorter, "changed and shorter"), *at_every_cut(changed_tail, "changed tail"),
                      *at_every_cut(changed_one_byte, "one byte changed"),
                      *at_every_cut(changed_tail_beyond, "overlap on the right")])


@test("a changed retransmission of what the receiver has acknowledged is not forwarded; the connection goes on")
def changed_late(field):
    return field.row([*at_every_cut(changed_after_ack, "changed after its ACK"),
                      *at_every_cut(changed_longer_after_ack, "changed and longer after its ACK"),
                      *at_every_cut(keepalive_with_a_byte, "a byte before the window")])


@test("an honest retransmission at every cut, longer, in parts: all bytes arrive once")
def same(field):
    return field.row([*at_every_cut(same_longer, "longer"), *at_every_cut(same_in_parts, "in parts")])


# --- order -------------------------------------------------------------------------------------------


def two_swapped(c, k):
    yield from c.open()
    c.data(k, M[k:])
    c.data(0, M[:k])
    yield from c.rest()


def filler_overlaps(c, k):
    yield from c.open()
    c.data(k, M[k:])
    c.data(0, M[: k + 1])
    yield from c.rest()


def filler_covers(c, k):
    yield from c.open()
    c.data(k, M[k:])
    c.data(0, M)
    yield from c.rest()


def filler_forges(c, k):
    """The hole is filled by a segment that says something else about the bytes behind it, which came first."""
    yield from c.open()
    c.data(k, M[k:])
    c.data(0, M[:k] + X[k: k + 1])
    yield from c.dies("tcp-overlap")


def filler_forges_all(c, k):
    yield from c.open()
    c.data(k, M[k:])
    c.data(0, M[:k] + X[k:])
    yield from c.dies("tcp-overlap")


def early_changed(c, k):
    yield from c.open()
    c.data(k, M[k:])
    c.data(k, X[k:])
    yield from c.dies("tcp-overlap")


def early_changed_left(c, k):
    yield from c.open()
    if k == 1:
        c.data(2, M[2:])
        c.data(1, M[1:2] + X[2:3])
    else:
        c.data(k, M[k:])
        c.data(k - 1, M[k - 1: k] + X[k: k + 1])
    yield from c.dies("tcp-overlap")


def early_changed_right(c, k):
    yield from c.open()
    if k == N - 1:
        c.data(k - 1, M[k - 1: k])
        c.data(k - 1, X[k - 1:])
    else:
        c.data(k, M[k: k + 1])
        c.data(k, X[k: k + 1] + M[k + 1:])
    yield from c.dies("tcp-overlap")


def early_changed_when_due(c, k):
    yield from c.open()
    c.data(k, M[k:])
    c.data(0, M[:k])
    c.data(k, X[k:])
    yield from c.dies("tcp-overlap")


def three_shuffled(c, k):
    cuts = sorted(random.Random(k).sample(range(1, N), 2))
    pieces = [(a, M[a:b]) for a, b in zip([0, *cuts], [*cuts, N])]
    random.Random(k).shuffle(pieces)
    yield from c.open()
    for a, piece in pieces:
        c.data(a, piece)
    yield from c.rest()


def single_bytes_backwards(c):
    yield from c.open()
    for i in reversed(range(N)):
        c.data(i, M[i: i + 1])
    yield from c.rest()


def every_other_byte_first(c):
    yield from c.open()
    for i in [*range(1, N, 2), *range(0, N, 2)]:
        c.data(i, M[i: i + 1])
        c.data(i, M[i: i + 1])
    yield from c.rest()


@test("segments in any order, cut everywhere: the receiver reads the stream", san=True)
def order(field):
    return field.row([*at_every_cut(two_swapped, "swapped"), *at_every_cut(filler_overlaps, "the hole's filler overlaps"),
                      *at_every_cut(filler_covers, "the hole's filler covers all"),
                      *at_every_cut(three_shuffled, "three shuffled"),
                      ("single bytes backwards", single_bytes_backwards, (), {}),
                      ("every other byte first, each twice", every_other_byte_first, (), {"isn": -10})])


@test("two contents for a place that is not due yet: the connection dies, no byte of the second version arrives", san=True)
def order_changed(field):
    return field.row([*at_every_cut(early_changed, "early, changed"), *at_every_cut(early_changed_left, "overlap on the left"),
                      *at_every_cut(early_changed_right, "overlap on the right"),
                      *at_every_cut(early_changed_when_due, "changed when due")])


@test("what fills a hole and changes what came early behind it: the first bytes win", san=True)
def filler(field):
    return field.row([*at_every_cut(filler_forges, "one byte behind the hole changed"),
                      *at_every_cut(filler_forges_all, "all behind the hole changed")])


LONG = bytes(random.Random(5).choices(b"abcdefghijklmnopqrstuvwxyz", k=600))
BULK = random.Random(6).randbytes(600_000)


def many_early_pieces(c):
    """More pieces than may wait: what is over the bound is not taken, and the sender repeats it."""
    yield from c.open()
    for i in range(len(LONG) - 1, 0, -1):
        c.data(i, LONG[i: i + 1])
    c.refused("tcp-hold-limit", n=len(LONG) - 1 - 256)
    yield 0.05
    c.data(0, LONG[:1])
    yield from c.rest()


def many_early_bytes(c):
    """Few pieces, more bytes than may wait: they do not fit into the receiver's window, or not into the bound."""
    yield from c.open()
    for a in range(1000, len(BULK), 1400):
        c.data(a, BULK[a: a + 1400])
    c.refused("tcp-hold-limit", "tcp-window", "invalid-state", n=(len(BULK) - 1000) // 1400 - 256)
    yield 0.05
    for a in range(0, 20000, 1000):
        c.data(a, BULK[a: a + 1000])
    yield lambda: c.acked >= 20000, 1
    while c.acked < len(BULK):
        before = c.acked
        for a in range(before, min(before + 40 * 1400, len(BULK)), 1400):
            c.data(a, BULK[a: a + 1400])
        yield lambda: c.acked > before + 30 * 1400 or c.acked == len(BULK), 0.3
        need(c.acked > before, f"stuck at {before}")
    c.whole = True


def held(field):
    return sum(p["held"] for p in field.lab.status()["processes"] if p["role"] == "inspector")


@test("out of order over the bounds: refused and counted, nothing kept, the connection goes on")
def order_bounds(field):
    said = field.row([("600 pieces", many_early_pieces, (), {"truth": LONG}),
                      ("600 kB", many_early_bytes, (), {"truth": BULK, "options": MSS + b"\x03\x03\x07\0"})])
    need(wait_for(lambda: not held(field)), lambda: f"packets are still held: {held(field)}")
    return said


# --- before the first byte, beyond the window -----------------------------------------------------------


def spans_first(c, k):
    yield from c.open()
    c.data(-3, b"zzz" + X[:k])
    c.refused("tcp-before-isn", "invalid-state")
    yield from c.rest()


def before_first(c, k):
    yield from c.open()
    c.data(-k, X[:k])
    c.refused("tcp-before-isn", "invalid-state")
    yield from c.rest()


def before_first_later(c, k):
    yield from c.open()
    c.data(0, M[:k])
    c.data(-1, b"z" + X[: k + 1])
    c.refused("tcp-before-isn", "tcp-repeat", "invalid-state")
    yield from c.rest()


@test("bytes before the first one, and segments that span it, are dropped", san=True)
def before(field):
    return field.row([*at_every_cut(spans_first, "spans the first byte"), *at_every_cut(before_first, "before the first byte"),
                      *at_every_cut(before_first_later, "spans it later")])


def beyond_window(c, over):
    yield from c.open()
    c.data(0, M[:16])
    yield lambda: c.acked == 16, 3
    c.data(c.edge + over, X[16:])
    c.data(c.edge - 1, X[16:])
    c.refused("tcp-window", "invalid-state", n=2)
    yield from c.rest()


@test("data beyond the window that the receiver opened are dropped, with and without window scaling")
def window(field):
    return field.row([(f"{over} bytes beyond", beyond_window, (over,), {"options": options, "isn": isn})
                      for over in (0, 1, 1000, 70000, 1 << 20, 1 << 30, (1 << 31) - 100)
                      for options in (MSS, MSS + b"\x03\x03\x07\0") for isn in (None, -20)])


# --- acknowledgements -------------------------------------------------------------------------------------


def ack_of_unsent(c, ahead):
    yield from c.open()
    c.data(0, M[:16])
    yield lambda: c.acked == 16, 3
    ack = c.irs + 1 + len(c.stream)
    c.segment(16, ACK | PSH, X[16:], ack=ack + ahead)
    c.segment(16, ACK, b"", ack=ack + ahead)
    c.refused("tcp-ack", "invalid-state", n=2)
    yield from c.rest()


@test("an acknowledgement of what was never sent, or from before the connection, brings no byte across")
def acks(field):
    aheads = (1, 2, 1000, 65535, 1 << 20, (1 << 31) - 1, 1 << 31, -1, -2, -1000, -70000, -(1 << 20))
    return field.row([(f"{a} ahead", ack_of_unsent, (a,), {"isn": isn}) for a in aheads for isn in (None, -17)])


# --- RST ----------------------------------------------------------------------------------------------------


def blind_reset(c, offset):
    yield from c.open()
    c.data(0, M[:16])
    yield lambda: c.acked == 16, 3
    c.segment(16 + offset, RST)
    c.segment(16 + offset, RST | ACK)
    c.refused("tcp-rst", "invalid-state", n=2)
    yield from c.rest()


def exact_reset(c, flags):
    yield from c.open()
    c.data(0, M[:16])
    yield lambda: c.acked == 16, 3
    c.segment(16, flags)
    yield lambda: c.victim.state == "reset", 3
    need(c.victim.state == "reset", "the receiver was not told")
    c.data(16, X[16:])
    c.refused("tcp-closed", "invalid-state", "tcp-unknown")
    yield 0.05


def reset_with_data(c, flags):
    yield from c.open()
    c.data(0, M[:16])
    yield lambda: c.acked == 16, 3
    c.segment(16, flags, X[16:])
    c.refused("tcp-rst", "invalid-state")
    yield 0.05
    if c.victim.state == "open":
        yield from c.rest()


def reset_with_wrong_ack(c):
    yield from c.open()
    c.data(0, M[:16])
    yield lambda: c.acked == 16, 3
    c.segment(16, RST | ACK, ack=c.irs + 5000)
    c.refused("tcp-rst", "invalid-state")
    yield from c.rest()


def reset_of_hole(c):
    """Early bytes wait when the reset comes at the edge: they never arrive."""
    yield from c.open()
    c.data(0, M[:16])
    yield lambda: c.acked == 16, 3
    c.data(20, M[20:])
    c.segment(16, RST)
    yield lambda: c.victim.state == "reset", 3
    need(c.victim.state == "reset" and len(c.victim.got) == 16, f"{c.victim.state}, read {bytes(c.victim.got)!r}")


@test("a reset ends the connection only at the exact place; one with data brings none across", san=True)
def resets(field):
    offsets = (-17, -16, -1, 1, 2, 100, 1000, 30000, 1 << 20, 1 << 30, (1 << 31) - 1, -(1 << 31), -70000)
    return field.row([*((f"{o} from the place", blind_reset, (o,), {"isn": isn}) for o in offsets for isn in (None, -17)),
                      ("exact", exact_reset, (RST,), {}), ("exact, with ACK", exact_reset, (RST | ACK,), {}),
                      ("exact, at the wrap", exact_reset, (RST,), {"isn": -17}),
                      ("with data", reset_with_data, (RST,), {}), ("with ACK and data", reset_with_data, (RST | ACK,), {}),
                      ("wrong acknowledgement", reset_with_wrong_ack, (), {}), ("behind it a hole", reset_of_hole, (), {})])


# --- FIN ----------------------------------------------------------------------------------------------------


def fin_then_bytes(c, k):
    yield from c.open()
    c.data(0, M[:k], flags=ACK | FIN)
    c.data(k, X[k:])
    yield from c.dies("tcp-after-fin")


def fin_then_bytes_behind(c, k):
    yield from c.open()
    c.data(0, M[:k], flags=ACK | FIN)
    c.data(k + 1, X[k:])
    yield from c.dies("tcp-after-fin")


def fin_twice(c, k):
    yield from c.open()
    c.data(0, M[:k], flags=ACK | FIN)
    c.segment(N, ACK | FIN)
    yield from c.dies("tcp-after-fin")


def fin_in_the_middle(c, k):
    """A retransmission that ends earlier, with FIN."""
    yield from c.open()
    c.data(0, M)
    c.data(0, M[:k], flags=ACK | FIN)
    yield from c.dies("tcp-fin")


def fin_below_early(c, k):
    yield from c.open()
    c.data(k + 1 if k < N - 1 else k, M[k:][-1:])
    c.data(0, M[:k], flags=ACK | FIN)
    yield from c.dies("tcp-after-fin")


def fin_early(c, k):
    """FIN beyond a hole: it waits, and ends the stream there."""
    c.truth = M[:k]
    yield from c.open()
    c.segment(k, ACK | FIN)
    yield 0.02
    need(c.victim.state == "open", "the receiver saw the end before the bytes")
    c.data(0, M[:k])
    for _ in range(6):  # it may not have been kept
        if (yield lambda: c.acked == k + 1, 0.3):
            break
        c.data(0, M[:k], flags=ACK | FIN)
    need(c.acked == k + 1, f"{c.acked} acknowledged")
    c.whole = True
    yield lambda: c.victim.state == "end", 2
    need(c.victim.state == "end", "no end")


def fin_again(c, k):
    c.truth = M[:k]
    yield from c.open()
    for _ in range(3):
        c.data(0, M[:k], flags=ACK | FIN)
    yield lambda: c.acked == k + 1, 3
    need(c.acked == k + 1, f"{c.acked} acknowledged")
    c.whole = True
    c.segment(k, ACK | FIN)
    yield lambda: c.victim.state == "end", 2


@test("FIN stands at the edge of the stream only; bytes behind it, a second one elsewhere, one in the middle: dead", san=True)
def fins(field):
    return field.row([*at_every_cut(fin_then_bytes, "bytes in FIN's place"), *at_every_cut(fin_twice, "a second FIN"),
                      *at_every_cut(fin_then_bytes_behind, "bytes behind FIN"),
                      *at_every_cut(fin_in_the_middle, "FIN in the middle"), *at_every_cut(fin_early, "FIN before its bytes"),
                      *at_every_cut(fin_below_early, "FIN before what waits"), *at_every_cut(fin_again, "FIN repeated")])


# --- the handshake ---------------------------------------------------------------------------------------------


def odd_then_open(c, reasons, odd, again=False):
    """Something else first; then the connection comes about as if nothing had been. again: with the next SYN, since the
    kernel has forgotten the first."""
    def before(conn):
        odd(conn)
        conn.refused(*reasons)
        yield 0.05
        need(conn.victim is None or conn.role == SERVER, "accepted")
        conn.reset = False  # told, as by a host without that connection
        if again:
            conn.irs = None
            yield lambda: conn.irs is not None, 3
    yield from c.open(before)
    yield from c.rest()


def syn_again(c, when, change):
    """A second SYN (SYN-ACK) that differs: before the answer, or later."""
    if c.role == SERVER:
        yield from c.call()
    c.syn()
    if when == "at once":
        c.syn(**change)
    yield lambda: (c.irs if c.role == CLIENT else c.acked) is not None, 3
    if when == "at once" and c.irs is None:
        return  # the kernel's connection tracking followed the second SYN and lets no answer to the first one through
    if c.role == CLIENT:
        c.ack()
    yield lambda: c.victim is not None, 3
    if when == "open":
        c.syn(**change)
    c.refused("tcp-syn-again", "invalid-state", "tcp-handshake")
    yield 0.03
    yield from c.rest()


SYN_KINDS = [
    ("data on it", ("tcp-syn-data", "invalid-state"), dict(data=X)),
    ("Fast Open cookie request", ("tcp-option", "invalid-state"), dict(options=MSS + b"\x22\x02\0\0")),
    ("Fast Open cookie and data", ("tcp-option", "tcp-syn-data", "invalid-state"), dict(options=MSS + b"\x22\x0a" + b"c" * 8, data=X)),
    ("with FIN", ("tcp-flags", "invalid-state"), dict(flags=SYN | FIN)),
    ("with PSH", ("tcp-flags", "invalid-state"), dict(flags=SYN | PSH)),
    ("with RST", ("tcp-flags", "invalid-state"), dict(flags=SYN | RST)),
    ("with an acknowledgement number", ("tcp-flags", "invalid-state"), dict(ack=12345)),
]


@test("the handshake: data, Fast Open, flags on a SYN; no SYN, SYN-ACK first, an acknowledgement of nothing", san=True)
def handshake(field):
    client = {"roles": (CLIENT,)}
    server = {"roles": (SERVER,)}
    cases = [(f"SYN: {name}", odd_then_open, (reasons, lambda c, kw=kw: c.syn(**kw)), client) for name, reasons, kw in SYN_KINDS]
    cases += [(f"first packet {name}", odd_then_open,
               (("invalid-state", "tcp-unknown", "tcp-flags"), lambda c, flags=flags, data=data: c.segment(0, flags, data, ack=777)),
               client) for name, flags, data in (("SYN-ACK", SYN | ACK, b""), ("ACK", ACK, b""), ("data", ACK | PSH, X),
                                                 ("FIN", ACK | FIN, X), ("RST", RST, b""), ("RST-ACK", RST | ACK, b""))]
    answers = [
        ("a SYN: simultaneous open", ("tcp-handshake", "invalid-state", "tcp-flags"), lambda c: c.syn(flags=SYN)),
        ("data on SYN-ACK", ("tcp-syn-data", "invalid-state"), lambda c: c.syn(data=X)),
        ("Fast Open cookie", ("tcp-option", "invalid-state"), lambda c: c.syn(options=MSS + b"\x22\x0a" + b"c" * 8)),
        ("acknowledges less", ("tcp-handshake", "invalid-state"), lambda c: c.syn(ack=c.irs)),
        ("acknowledges more", ("tcp-handshake", "invalid-state"), lambda c: c.syn(ack=c.irs + 2)),
        ("timestamps that were not offered", ("tcp-option", "invalid-state"), lambda c: c.syn(options=MSS + b"\x13\x12" + b"m" * 16)),
        ("data before SYN-ACK", ("tcp-handshake", "invalid-state"), lambda c: c.segment(0, ACK | PSH, X)),
        ("ACK before SYN-ACK", ("tcp-handshake", "invalid-state"), lambda c: c.segment(0, ACK)),
        ("FIN before SYN-ACK", ("tcp-handshake", "invalid-state"), lambda c: c.segment(0, ACK | FIN)),
        ("RST that acknowledges something else", ("tcp-rst", "invalid-state"), lambda c: c.segment(0, RST | ACK, ack=c.irs + 77)),
    ]
    cases += [(f"answer: {name}", odd_then_open, (reasons, odd), server) for name, reasons, odd in answers]
    cases.append(("answer: RST without acknowledgement", odd_then_open,
                  (("tcp-rst", "invalid-state"), lambda c: c.segment(0, RST, ack=0), True), server))
    changes = [("another number", lambda c: dict(isn=c.isn + 1000)), ("half the numbers away", lambda c: dict(isn=c.isn + (1 << 31))),
               ("another MSS", lambda c: dict(options=b"\x02\x04\x02\x18")), ("window scale", lambda c: dict(options=MSS + b"\x03\x03\x07\0")),
               ("SACK", lambda c: dict(options=MSS + b"\x04\x02\0\0"))]

    def changed_syn(c, when, change):
        yield from syn_again(c, when, change(c))
    cases += [(f"second SYN {when}: {name}", changed_syn, (when, change), {}) for name, change in changes
              for when in ("at once", "open")]
    return field.row(cases)


# --- a flow that is rewritten -----------------------------------------------------------------------------------

GREETING = b"220 attacker ESMTP\r\n"
EHLO = b"EHLO out.internet.example\r\n"
REPLY = b"250-x\r\n250-STARTTLS\r\n250 HELP\r\n"  # of the second line nothing is left, in its place


def speak(victim):
    """The real client says EHLO when greeted."""
    if victim.got == GREETING:
        victim.sock.send(EHLO)


def to_reply(c):
    c.script, c.truth = speak, GREETING + c.field.shown
    yield from c.open()
    c.data(0, GREETING)
    yield lambda: bytes(c.stream) == EHLO, 3
    need(bytes(c.stream) == EHLO, f"the client said {bytes(c.stream)!r}")
    c.at = lambda k, data, **kw: c.data(len(GREETING) + k, data, **kw)


def rewritten_in_two(c, k):
    yield from to_reply(c)
    c.at(0, REPLY[:k])
    c.at(k, REPLY[k:])
    yield lambda: len(c.victim.got) == len(c.truth), 2
    c.whole = True


def rewritten_swapped(c, k):
    yield from to_reply(c)
    c.at(k, REPLY[k:])
    c.at(0, REPLY[:k])
    yield lambda: len(c.victim.got) == len(c.truth), 2
    c.whole = True


def rewritten_again(c, k):
    """Honest repetitions, cut otherwise: the rewriting is repeated, whatever reaches the receiver first."""
    yield from to_reply(c)
    c.at(0, REPLY[:k])
    c.at(0, REPLY[:k])
    c.at(0, REPLY)
    c.at(k, REPLY[k:])
    c.at(0, REPLY)
    yield lambda: len(c.victim.got) == len(c.truth), 2
    c.whole = True


def rewritten_changed(c, k):
    yield from to_reply(c)
    c.at(0, REPLY[:k])
    c.at(0, REPLY[: k - 1] + bytes([REPLY[k - 1] ^ 0x20]))
    yield from c.dies("tcp-overlap")


def rewritten_unveiled(c, k):
    """The first version says what is allowed, the second what is not, for the same place: the first stays."""
    yield from to_reply(c)
    c.truth = GREETING + b"250-x\r\n250-8BITMIME\r\n"
    c.at(0, b"250-x\r\n250-8BITMIME\r\n"[:k])
    c.at(0, REPLY)
    yield from c.dies("tcp-overlap")


def rewritten_as_released(c, k):
    """A repetition of what was released is not what was sent."""
    yield from to_reply(c)
    c.at(0, REPLY[:k])
    c.at(0, c.field.shown[:k])
    if c.field.shown[:k] != REPLY[:k]:
        yield from c.dies("tcp-overlap")
        return
    c.at(k, REPLY[k:])
    yield lambda: len(c.victim.got) == len(c.truth), 2
    c.whole = True


@test("replies that are rewritten: in two, swapped, repeated at every cut; a repetition comes out rewritten too", san=True)
def rewriting(field):
    def learn(c):
        """What becomes of the reply in one piece."""
        c.script, c.truth = speak, b""
        yield from c.open()
        c.data(0, GREETING)
        yield lambda: bytes(c.stream) == EHLO, 3
        c.data(len(GREETING), REPLY)
        yield lambda: len(c.victim.got) == len(GREETING + REPLY), 3
        c.truth = bytes(c.victim.got)
        field.shown = c.truth[len(GREETING):]
    server = {"roles": (SERVER,)}
    field.row([("whole", learn, (), {"roles": (SERVER,), "versions": (4,)})], port=25)
    need(len(field.shown) == len(REPLY) and field.shown != REPLY and b"STARTTLS" not in field.shown, f"shown: {field.shown!r}")

    def cuts(steps, label):
        return [(f"{label}, cut at {k}", steps, (k,), dict(server, isn=isn)) for k in range(1, len(REPLY))
                for isn in (None, -1 - len(GREETING) - k)]
    return field.row([*cuts(rewritten_in_two, "in two"), *cuts(rewritten_swapped, "swapped"), *cuts(rewritten_again, "repeated")],
                     port=25)


@test("replies that are rewritten: a changed repetition kills, one of the rewritten bytes too; nothing is unveiled", san=True)
def rewriting_changed(field):
    def cuts(steps, label):
        return [(f"{label}, cut at {k}", steps, (k,), {"roles": (SERVER,), "isn": isn}) for k in range(1, len(REPLY))
                for isn in (None, -1 - len(GREETING) - k)]

    return field.row([*cuts(rewritten_changed, "changed"), *cuts(rewritten_as_released, "as released"),
                      *(x for x in cuts(rewritten_unveiled, "unveiled") if 12 <= x[2][0] <= 19)], port=25)


def kernel_repeats(c, k):
    """A real server, whose kernel repeats what a deaf client acknowledges only in part."""
    def serve(victim):
        if victim.got == b"" and not getattr(victim, "greeted", False):
            victim.greeted = True
            victim.sock.send(GREETING)
        elif victim.got == EHLO:
            victim.sock.send(REPLY)
    c.script, c.truth, c.mute = serve, EHLO, True
    yield from c.open()
    yield lambda: bytes(c.stream) == GREETING, 3
    c.data(0, EHLO)
    whole = GREETING + c.field.shown
    yield lambda: len(c.stream) == len(whole), 3
    c.whole = True
    # part of the greeting or of the reply, never all
    c.segment(len(EHLO), ACK, ack=c.irs + 1 + k)
    c.segments.clear()
    yield lambda: len(c.segments) >= 2, 3
    need(len(c.segments) >= 2, "the server's kernel repeated nothing")
    for offset, data in c.segments:
        need(whole[offset: offset + len(data)] == data, f"repeated at {offset}: {data!r}")


@test("a real server's kernel repeats a rewritten reply from any byte on: every repetition is rewritten")
def kernel_repetition(field):
    return field.row([(f"acknowledged to {k}", kernel_repeats, (k,), {"roles": (CLIENT,), "options": MSS})
                      for k in range(len(GREETING), len(GREETING + REPLY))], port=25)


def as_released(c, k):
    """A repetition that says what the receiver was given, not what was sent first."""
    yield from c.open()
    c.data(0, M)
    c.data(0, M[:k].translate(ROT13))
    yield from c.dies("tcp-overlap")


@test("a flow that is rewritten in both directions: overlaps, repetitions, order, at every cut, from either end", san=True)
def rewritten_flow(field):
    rows = ((same_longer, "longer"), (same_in_parts, "in parts"), (two_swapped, "swapped"), (filler_overlaps, "overlapping filler"),
            (filler_covers, "covering filler"), (changed_before_ack, "changed"), (changed_tail_beyond, "overlap on the right"),
            (filler_forges, "filler forges"), (early_changed, "early changed"), (changed_after_ack, "changed after its ACK"),
            (as_released, "as released"))
    return field.row([case for steps, label in rows for case in at_every_cut(steps, label)], port=REWRITTEN)


@test("after all this the daemon has lost no process and no packet is held", san=True)
def still_there(field):
    field.sound()


if __name__ == "__main__":
    with field_lab() as the_lab:
        status = run_tests(Field(the_lab))
    sys.exit(status)
