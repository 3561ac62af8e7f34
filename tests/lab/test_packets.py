# SPDX-License-Identifier: GPL-2.0-or-later
"""An attacker whose packets are wrong in themselves: checksums, lengths, flags, options, TTL, IP options, extension headers,
fragments. Each is sent into an open connection where its bytes would be the next; the receiver reads none of them, and the
records say why. Then the connection goes on, unless the row says otherwise."""

import struct
import sys

from attack import CLIENT, FORGED, HONEST, MESSAGE, MSS, OTHER, SERVER, Field, field_lab, ip4, ip6
from lablib import ACK, FIN, PSH, RST, SYN, URG, need, run_tests, test

M, X = MESSAGE, FORGED
HALF = 16
KERNEL = "invalid-state"  # the kernel's connection tracking was first
ECE, CWR = 64, 128


def half(c):
    """Open, with the first half of the message acknowledged."""
    yield from c.open()
    c.data(0, M[:HALF])
    yield lambda: c.acked == HALF, 3
    need(c.acked == HALF, f"{c.acked} of {HALF} bytes acknowledged")


def refused(c, reasons, send):
    """send(c) sends one packet that must not pass. reasons: () = the kernel's IP layer drops it and zonegate never sees it."""
    yield from half(c)
    send(c)
    if reasons:
        c.refused(*reasons)
    yield 0.03
    need(not c.reset and c.victim.state == "open", "the connection was ended")
    yield from c.rest()


def passes(c, send):
    """send(c) sends M[HALF:], strangely but well."""
    yield from half(c)
    send(c)
    yield lambda: c.acked == len(M), 2
    need(c.acked == len(M), f"{c.acked} bytes acknowledged")
    c.whole = True


def forged(**kw):
    return lambda c: c.data(HALF, X[HALF:], **kw)


def honest(**kw):
    return lambda c: c.data(HALF, M[HALF:], **kw)


def snmp(lab, group, name):
    with lab.inside("router"):
        with open("/proc/thread-self/net/" + ("snmp6" if group == "Ip6" else "snmp")) as f:
            lines = f.read().splitlines()
    if group == "Ip6":
        return next(int(x.split()[1]) for x in lines if x.startswith(group + name + " "))
    names, values = (x.split()[1:] for x in lines if x.startswith(group + ":"))
    return int(values[names.index(name)])


# --- checksum, lengths -----------------------------------------------------------------------------


@test("wrong checksums: TCP's is refused with a record, IP's never gets as far", san=True)
def checksums(field):
    before = snmp(field.lab, "Ip", "InHdrErrors")
    spoils = (1, 0x8000, 0xFFFE, 0x0100)
    said = field.row([*((f"TCP, xor {s:04x}", refused, (("packet-checksum", KERNEL), forged(spoil=s)), {}) for s in spoils),
                      *((f"IP, xor {s:04x}", refused, ((), forged(ip={"spoil": s})), {"versions": (4,)}) for s in spoils)])
    need(snmp(field.lab, "Ip", "InHdrErrors") - before == 2 * len(spoils), "the router's IP layer counted others")
    return said


def short_by(c, n):
    """The IP header says less than the segment has: what follows is no part of it, and the sum is wrong."""
    t = c.tcp(c.isn + 1 + HALF, ACK | PSH, X[HALF:])
    c.out(ip4(c.source, c.peer, t, total=20 + len(t) - n) if c.version == 4 else ip6(c.source, c.peer, t, length=len(t) - n))


def padded(c):
    """Bytes behind the packet's end, as short Ethernet frames have."""
    t = c.tcp(c.isn + 1 + HALF, ACK | PSH, M[HALF:])
    c.out(c.ip(t + X, **({"total": 20 + len(t)} if c.version == 4 else {"length": len(t)})))


@test("lengths that disagree: total length, payload length, data offset; padding behind a packet is not read", san=True)
def lengths(field):
    cases = [(f"IP header {n} short", refused, (("packet-length", "packet-checksum", KERNEL), lambda c, n=n: short_by(c, n)), {})
             for n in (1, 5, len(X) - HALF)]
    cases += [(f"IP header {n} short of a TCP header", refused, (("packet-length", KERNEL, "no-flow"), lambda c, n=n: short_by(c, n)), {})
              for n in (len(X) - HALF + 1, len(X) - HALF + 12)]
    cases += [("IP header says more", refused, ((), lambda c: short_by(c, -7)), {}),
              ("IP header says its own length only", refused, ((), lambda c: c.data(HALF, X[HALF:], ip={"total": 19})), {"versions": (4,)}),
              ("IP header length 4 words", refused, ((), lambda c: c.data(HALF, X[HALF:], ip={"ihl": 4})), {"versions": (4,)}),
              ("padding", passes, (padded,), {})]
    cases += [(f"data offset {n}", refused, (("packet-length", "tcp-option", "packet-checksum", KERNEL), forged(words=n)), {})
              for n in (0, 1, 4, 6, 9, 10, 15)]
    cases.append(("data offset beyond the end", refused, (("packet-length", KERNEL), lambda c: c.data(HALF, b"abc", words=15)), {}))
    return field.row(cases)


# --- flags -----------------------------------------------------------------------------------------

ALLOWED = (ACK, ACK | PSH, ACK | FIN, ACK | PSH | FIN)


def flag_byte(c, flags, data):
    plain = flags & ~(ECE | CWR)
    if plain in ALLOWED:
        yield from half(c)
        c.data(HALF, M[HALF:20], flags=flags)
        yield lambda: c.acked == 20 + bool(flags & FIN), 3
        need(c.acked == 20 + bool(flags & FIN), f"{c.acked} acknowledged")
        if not flags & FIN:
            yield from c.rest()
        else:
            yield lambda: c.victim.state == "end", 2
            c.truth, c.whole = M[:20], True
        return
    if not data and plain in (RST, RST | ACK) and not flags & (ECE | CWR):
        yield from half(c)
        c.segment(HALF, flags)
        yield lambda: c.victim.state == "reset", 2
        need(c.victim.state == "reset", "a reset at the exact place did not pass")
        return
    yield from refused(c, ("tcp-flags", "tcp-urgent", "tcp-rst", "tcp-syn-data", "tcp-syn-again", KERNEL),
                       lambda conn: conn.data(HALF, X[HALF:] if data else b"", flags=flags))


@test("all 256 values of the flag byte, with and without data, and the reserved bits", san=True)
def flags(field):
    return field.row([*((f"flags {f:02x}, {'data' if d else 'no data'}", flag_byte, (f, d), {}) for f in range(256) for d in (True, False)),
                      *((f"reserved bits {r:x}", refused, (("tcp-flags", KERNEL), forged(reserved=r)), {}) for r in range(1, 16))])


@test("urgent data: the bit, the pointer, both, with or without the bytes that they point at")
def urgent(field):
    return field.row([(f"{'URG' if f else 'no URG'}, pointer {u}", refused, (("tcp-urgent", KERNEL), forged(flags=ACK | PSH | f, urgent=u)), {})
                      for f in (0, URG) for u in (0, 1, 4, 16, 17, 65535) if f or u])


# --- options ---------------------------------------------------------------------------------------

TS = b"\x08\x0a" + bytes(8)
ON_DATA = [
    ("MD5 signature", b"\x13\x12" + bytes(16)), ("TCP-AO", b"\x1d\x10" + bytes(14)), ("MPTCP", b"\x1e\x0c" + bytes(10)),
    ("MPTCP DSS", b"\x1e\x14\x20\x07" + bytes(16)), ("Fast Open", b"\x22\x0a" + bytes(8)), ("user timeout", b"\x1c\x04\x80\x01"),
    ("echo", b"\x06\x06abcd"), ("echo reply", b"\x07\x06abcd"), ("partial order", b"\x09\x02"), ("alternate checksum", b"\x0e\x03\x01"),
    ("experiment 253", b"\xfd\x04ab"), ("experiment 254", b"\xfe\x04ab"), ("kind 255", b"\xff\x04ab"), ("kind 77", b"\x4d\x02"),
    ("MSS on data", MSS), ("window scale on data", b"\x03\x03\x07\0"), ("SACK permitted on data", b"\x04\x02\0\0"),
    ("SACK that was not agreed", b"\1\1\x05\x0a" + bytes(8)), ("timestamps that were not agreed", b"\1\1" + TS),
    ("length 0", b"\x08\0\0\0"), ("length 1", b"\xfd\x01\0\0"), ("length beyond the header", b"\x08\x0a\0\0"),
    ("kind without length", b"\1\1\1\x08"), ("length 255", b"\xfd\xff\0\0"), ("timestamps too short", b"\x08\x09" + bytes(7)),
    ("timestamps too long", b"\x08\x0b" + bytes(9)), ("SACK of 9", b"\x05\x09" + bytes(7)), ("SACK of none", b"\x05\x02\0\0"),
    ("bytes behind the end", b"\0abc"), ("an option behind the end", b"\0" + b"\x13\x12" + bytes(16)),
]
ON_SYN = [
    ("MD5 signature", b"\x13\x12" + bytes(16)), ("TCP-AO", b"\x1d\x10" + bytes(14)), ("MPTCP", b"\x1e\x0c\0\x81" + bytes(8)),
    ("Fast Open", b"\x22\x02"), ("experiment 254 with Fast Open's magic", b"\xfe\x04\xf9\x89"), ("MSS twice", MSS), ("MSS 0", b"\x02\x04\0\0"),
    ("MSS of 3", b"\x02\x03\x05"), ("window scale twice", b"\x03\x03\x01\x03\x03\x02"), ("window scale 15", b"\x03\x03\x0f"),
    ("window scale of 4", b"\x03\x04\x01\x01"), ("SACK permitted twice", b"\x04\x02\x04\x02"), ("SACK on SYN", b"\x05\x0a" + bytes(8)),
    ("timestamps twice", TS + TS), ("length 0", b"\xfd\0"), ("kind without length", b"\1\1\1\x08"), ("bytes behind the end", b"\0\1\1\1"),
]


def option_on_syn(c, options, with_mss):
    def before(conn):
        conn.syn(options=(MSS if with_mss else b"") + options)
        conn.refused("tcp-option", KERNEL)
        yield 0.03
        need(conn.victim is None or conn.role == SERVER, "accepted")
    yield from c.open(before)
    yield from c.rest()


@test("TCP options outside the list, malformed, twice, on the wrong segment", san=True)
def options(field):
    cases = [(f"{n} on data", refused, (("tcp-option", KERNEL), forged(options=o)), {}) for n, o in ON_DATA]
    cases += [(f"{n} on data, with timestamps", refused, (("tcp-option", KERNEL), lambda c, o=o: c.data(
        HALF, X[HALF:], options=b"\1\1\x08\x0a" + struct.pack("!II", c.ts, c.ts_echo) + o)), {"timestamps": True})
        for n, o in ON_DATA if len(o) <= 28 and n not in ("timestamps that were not agreed",)]
    cases += [(f"{n} on SYN", option_on_syn, (o, n not in ("MSS 0", "MSS of 3")), {}) for n, o in ON_SYN]
    cases.append(("padding behind the end", passes, (honest(options=b"\0\0\0\0"),), {}))
    cases.append(("no-operation", passes, (honest(options=b"\1" * 40),), {}))
    return field.row(cases)


def timestamp_back(c, by):
    yield from c.open()
    c.ts += 5000
    c.data(0, M[:HALF])
    yield lambda: c.acked == HALF, 3
    c.ts -= by
    c.data(HALF, X[HALF:])
    c.refused("tcp-timestamp", KERNEL)
    c.ts += by
    yield 0.02
    yield from c.rest()


@test("timestamps that go back, vanish, or come where none were agreed", san=True)
def timestamps(field):
    cases = [(f"back by {by}", timestamp_back, (by,), {"timestamps": True}) for by in (1, 2, 1000, 5000, 6000, 1 << 20, (1 << 31) - 1)]
    cases += [("vanish", refused, (("tcp-timestamp", KERNEL), forged(options=b"")), {"timestamps": True}),
              ("appear", refused, (("tcp-option", KERNEL), forged(options=b"\1\1" + TS)), {}),
              ("forward", passes, (lambda c: (setattr(c, "ts", c.ts + 1000), c.data(HALF, M[HALF:])),), {"timestamps": True})]
    return field.row(cases)


# --- IP ------------------------------------------------------------------------------------------------


@test("TTL and hop limit below the floor; the floor itself passes")
def ttl(field):
    return field.row([*((f"TTL {n}", refused, (("packet-ttl",), forged(ip={"ttl": n})), {}) for n in (2, 3, 4)),
                      ("TTL 1", refused, ((), forged(ip={"ttl": 1})), {}), ("TTL 5", passes, (honest(ip={"ttl": 5}),), {})])


IP4_OPTIONS = [("no-operation", b"\1\1\1\1"), ("end", b"\0\0\0\0"), ("record route", b"\x07\x0b\x04" + bytes(8)), ("timestamp", b"\x44\x0c\x05\0" + bytes(8)),
               ("security", b"\x82\x0b" + bytes(9)), ("stream id", b"\x88\x04\0\0"), ("router alert", b"\x94\x04\0\0"),
               ("experiment", b"\x9e\x04ab")]


@test("IPv4 options are refused")
def ip_options(field):
    v4 = {"versions": (4,)}
    cases = [(n, refused, (("packet-ip-options", KERNEL), forged(ip={"options": o})), v4) for n, o in IP4_OPTIONS]
    # these the router's IP layer may refuse before
    cases += [(n, refused, ((), forged(ip={"options": o})), v4) for n, o in (
        ("loose source route", b"\x83\x07\x04\x0a\x14\0\x19"), ("strict source route", b"\x89\x07\x04\x0a\x14\0\x19"),
        ("length 0", b"\x07\0\0\0"), ("length beyond the header", b"\x07\x27\x04\0"))]
    return field.row(cases)


def ext(next_, body=b"\1\4\0\0\0\0"):
    """One extension header (options padded to 8 bytes) before what follows."""
    return bytes([next_, (len(body) + 2) // 8 - 1]) + body


def with_ext(number, header, data=X):
    return lambda c: c.out(ip6(c.source, c.peer, header + c.tcp(c.isn + 1 + HALF, ACK | PSH, data[HALF:]), proto=number))


@test("IPv6 extension headers before TCP are refused: hop-by-hop, destination, routing, AH, mobility, chains; no jumbogram")
def extensions(field):
    v6 = {"versions": (6,)}
    routing = bytes([6, 2, 4, 1]) + bytes(4) + bytes(16)  # type 4, nothing left to go would be 0
    cases = [(name, refused, (("packet-extension-header", "packet-protocol", KERNEL, "no-flow", "zone-pair"), with_ext(number, header)), v6) for name, number, header in (
        ("hop-by-hop", 0, ext(6)), ("destination options", 60, ext(6)), ("two destination options", 60, ext(60) + ext(6)),
        ("hop-by-hop and destination", 0, ext(60) + ext(6)), ("routing 0, none left", 43, bytes([6, 2, 0, 0]) + bytes(4) + bytes(16)),
        ("routing 2", 43, bytes([6, 2, 2, 0]) + bytes(4) + bytes(16)), ("routing 4", 43, routing), ("AH", 51, bytes([6, 4]) + bytes(22)),
        ("mobility", 135, ext(6)), ("HIP", 139, ext(6)), ("shim6", 140, ext(6)), ("experiment 253", 253, ext(6)),
        ("experiment 254", 254, ext(6)), ("a hundred destination options", 60, ext(60) * 100 + ext(6)),
        ("destination options of 256 bytes", 60, ext(6, b"\1\xfc" + bytes(252))))]
    cases.append(("no next header", refused, (("packet-protocol", KERNEL, "no-flow", "zone-pair"), with_ext(59, b"")), v6))

    def jumbo(c):
        t = c.tcp(c.isn + 1 + HALF, ACK | PSH, X[HALF:])
        c.out(ip6(c.source, c.peer, b"\6\0\xc2\4" + struct.pack("!I", len(t) + 8) + t, proto=0, length=0))
    cases.append(("jumbogram", refused, ((), jumbo), v6))
    cases.append(("payload length 0", refused, ((), lambda c: c.out(ip6(c.source, c.peer, c.tcp(c.isn + 1 + HALF, ACK, X[HALF:]), length=0))), v6))
    return field.row(cases)


# --- fragments ---------------------------------------------------------------------------------------------


def fragments(c, cuts, data=None, order=None, forge=None):
    """The segment in pieces that end at these offsets into it (multiples of 8). forge: index of the piece that comes a second
    time with other bytes, before the last."""
    segment = c.tcp(c.isn + 1 + HALF, ACK | PSH, M[HALF:] if data is None else data)
    c.ident = getattr(c, "ident", c.lport ^ c.rport) + 1
    bounds = [0, *cuts, len(segment)]
    pieces = [(a, b, b < len(segment), segment[a:b]) for a, b in zip(bounds, bounds[1:])]
    if forge is not None:
        a, b, more, piece = pieces[forge]
        pieces.insert(len(pieces) - 1, (a, b, more, bytes(x ^ 0x20 for x in piece)))
    for i in order or range(len(pieces)):
        a, _, more, piece = pieces[i]
        fragment(c, a, more, piece)


def fragment(c, at, more, piece):
    if c.version == 4:
        c.out(ip4(c.source, c.peer, piece, ident=c.ident & 0xFFFF, frag=(0x2000 if more else 0) | at // 8))
    else:
        c.out(ip6(c.source, c.peer, struct.pack("!BBHI", 6, 0, at | more, c.ident) + piece, proto=44))


def in_fragments(c, *args, **kw):
    yield from passes(c, lambda conn: fragments(conn, *args, **kw))


def lost_fragments(c, send, perhaps=False):
    """Nothing of it can be put together, or not in one way only: the receiver reads none of it (perhaps: or it right)."""
    yield from half(c)
    c.ident = c.lport ^ c.rport
    send(c)
    yield 0.05
    need(perhaps or len(c.victim.got) == HALF, f"read {bytes(c.victim.got)!r}")
    yield from c.rest()


def overlap(c, shift):
    """The second piece begins inside the first and says something else there."""
    segment = c.tcp(c.isn + 1 + HALF, ACK | PSH, M[HALF:])
    other = segment[: 24 - shift] + bytes(b ^ 0x20 for b in segment[24 - shift:])
    fragment(c, 0, True, segment[:24])
    fragment(c, 24 - shift, False, other[24 - shift:])


def reaches_over(c):
    """A piece that covers the one before."""
    segment = c.tcp(c.isn + 1 + HALF, ACK | PSH, M[HALF:])
    fragment(c, 24, False, segment[24:])
    fragment(c, 0, True, segment[:24] + X[:8])


def too_long(c):
    fragment(c, 0, True, c.tcp(c.isn + 1 + HALF, ACK | PSH, X[HALF:])[:24])
    fragment(c, 65528, False, b"x" * 16)


def headless(c):
    segment = c.tcp(c.isn + 1 + HALF, ACK | PSH, X[HALF:])
    fragment(c, 24, False, segment[24:])


def odd_piece(c):
    """A piece that is not the last and no multiple of 8."""
    segment = c.tcp(c.isn + 1 + HALF, ACK | PSH, M[HALF:])
    fragment(c, 0, True, segment[:21])
    fragment(c, 16, False, segment[16:])


def atomic(c):
    c.ident = 7
    fragment(c, 0, False, c.tcp(c.isn + 1 + HALF, ACK | PSH, M[HALF:]))


def atomic_or_not(c):
    """A fragment header around a whole packet: as if it were not there (RFC 6946), or refused."""
    yield from half(c)
    atomic(c)
    yield lambda: c.acked == len(M), 0.3
    yield from c.rest()


def two_stories(c):
    """The same numbers, the second time with other bytes: as two segments."""
    yield from half(c)
    fragments(c, (8, 24))
    fragments(c, (8, 24), data=X[HALF:])
    yield lambda: c.reset or len(c.victim.got) == len(M), 2
    yield 0.05
    if c.reset:
        c.killed = "tcp-overlap"
    else:
        c.refused("tcp-repeat", KERNEL)


@test("fragments: what fits together passes as one and is read right; overlaps, gaps, tiny and odd ones bring nothing across", san=True)
def fragmented(field):
    tiny, some = tuple(range(8, 36, 8)), (24, 32)
    cases = [("two", in_fragments, ((24,),), {}), ("three", in_fragments, (some,), {}), ("backwards", in_fragments, (some, None, (2, 1, 0)), {}),
             ("shuffled", in_fragments, (some, None, (1, 0, 2)), {})]
    # the first piece without TCP's whole header: in IPv6 not put together at all (RFC 7112)
    for name, cuts, pieces in (("header cut", (8,), None), ("of eight bytes", tiny, None), ("of eight bytes, backwards", tiny, (4, 3, 2, 1, 0))):
        cases += [(name, in_fragments, (cuts, None, pieces), {"versions": (4,)}),
                  (name, lost_fragments, (lambda c, cuts=cuts, pieces=pieces: fragments(c, cuts, order=pieces),), {"versions": (6,)})]
    cases += [
             ("the second is missing", lost_fragments, (lambda c: fragments(c, (8, 24), order=(0, 2)),), {}),
             ("only the last", lost_fragments, (headless,), {}), ("longer than a packet may be", lost_fragments, (too_long,), {}),
             ("a piece of odd length", lost_fragments, (odd_piece, True), {}), ("a piece over the one before", lost_fragments, (reaches_over,), {}),
             ("atomic", atomic_or_not, (), {"versions": (6,)}), ("two stories", two_stories, (), {})]
    cases += [(f"overlap of {s}", lost_fragments, (lambda c, s=s: overlap(c, s),), {}) for s in (8, 16, 24)]

    def forged_piece(c, i):
        """A piece twice, the second time with other bytes: nothing, or the first."""
        yield from half(c)
        fragments(c, (8, 24), forge=i)
        yield 0.05
        yield from c.rest()
    cases += [(f"piece {i} changed", forged_piece, (i,), {}) for i in (0, 1)]
    return field.row(cases)


@test("after all this the daemon has lost no process, and its sums agree", san=True)
def still_there(field):
    field.sound()


if __name__ == "__main__":
    with field_lab() as the_lab:
        status = run_tests(Field(the_lab))
    sys.exit(status)
