# SPDX-License-Identifier: GPL-2.0-or-later
"""Only accepted bytes cross: what the receiving socket reads, against everything a sender may do to TCP and SMTP."""

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from lablib import (ACK, BUILD, FIN, HTML, MX, OUT, PSH, RST, SAN, SLOW, SYN, TO_DATA, URG, Client, Lab, RawTcp, Sink, Sniffer,
                    dialogue, headers, need, no_kernel_resets, read_rest, run_tests, send_mail, test, text_mail, wait_for)

QUIT = b"QUIT\r\n"


def at_data(lab, version=4):
    s = lab.connect("internet", MX[version])
    answers = dialogue(s, *TO_DATA)
    need(answers[-1].startswith(b"354"), f"DATA was answered {answers[-1]!r}")
    return s


def settled(sink, seconds=0.4):
    """The bytes of the newest connection when no more come."""
    before = None
    while before != sum(map(len, sink.raw)):
        before = sum(map(len, sink.raw))
        time.sleep(seconds)
    return bytes(sink.raw[-1])


@test("mail cut into single bytes passes, and arrives byte for byte", san=True)
def byte_by_byte(lab):
    mail = text_mail("一バイトずつ。\r\n", "iso-2022-jp") + b".\r\n"
    with Sink(lab) as sink:
        s = lab.connect("internet", MX[4])
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        f = s.makefile("rb")
        sent = b""
        f.readline()
        for line in (*TO_DATA, mail, QUIT):
            for byte in line:
                s.sendall(bytes([byte]))
                time.sleep(0.0005)
            sent += line
            answer = f.readline()
            need(answer[:1] in (b"2", b"3"), f"{line[:40]!r} was answered {answer!r}")
            while answer[3:4] == b"-":
                answer = f.readline()
        s.close()
        need(len(sink.mails) == 1, "no mail")
        need(bytes(sink.raw[0]) == sent, "the server read other bytes than were sent")


@test("the same mail, cut at every place in two, gets the same answer")
def every_cut(lab):
    for mail, code in ((text_mail("ab\r\n", "us-ascii"), b"250"), (HTML, b"554")):
        whole = mail + b".\r\n"
        with Sink(lab):
            for cut in range(len(whole) - 40, len(whole), 3):
                s = at_data(lab)
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s.sendall(whole[:cut])
                time.sleep(0.004)
                s.sendall(whole[cut:])
                answer = s.makefile("rb").readline()
                s.close()
                need(answer.startswith(code), f"cut at {cut}: {answer!r}")


@test("of refused mail nothing arrives from the offending byte on, and never an end of data", san=True)
def nothing_after(lab):
    with Sink(lab) as sink:
        s = at_data(lab)
        s.sendall(HTML + b".\r\n")
        got, _ = read_rest(s)
        s.close()
        need(got.startswith(b"554 5.7.1"), f"answered {got!r}")
        raw = settled(sink)
        need(b"<html" not in raw and b"evil.example" not in raw, f"the body arrived: {raw[-200:]!r}")
        need(b"\r\n.\r\n" not in raw and not sink.mails, "an end of data arrived")
        need((b"".join(TO_DATA) + HTML).startswith(raw), "the server read bytes that were not sent")


@test("in a long text, a bare LF at the end stops exactly there")
def late_offence(lab):
    good = text_mail("x" * 70 + "\r\n", "us-ascii") + (b"y" * 70 + b"\r\n") * 3000
    with Sink(lab) as sink:
        s = at_data(lab)
        s.sendall(good + b"bad\nline\r\n.\r\n")
        got, _ = read_rest(s)
        s.close()
        need(got.startswith(b"554 5.7.1"), f"answered {got!r}")
        raw = settled(sink)
        need((b"".join(TO_DATA) + good + b"bad").startswith(raw), f"read {len(raw)} bytes, the end: {raw[-60:]!r}")


SMUGGLE = [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r\n.\r\r\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n",
           b"\r\r\n.\r\n", b"\n\n.\r\n", b"\r\n.\x0b\r\n"]


@test("SMTP smuggling: no false end of data brings a second mail to the server", san=True)
def smuggling(lab):
    second = b"MAIL FROM:<ceo@lgwan.example.jp>\r\nRCPT TO:<b@lgwan.example.jp>\r\nDATA\r\n" + text_mail(
        "smuggled\r\n", "us-ascii") + b".\r\n"
    for end in SMUGGLE:
        with Sink(lab) as sink:
            s = at_data(lab)
            s.sendall(text_mail("first", "us-ascii").rstrip(b"\r\n") + end + second)
            got, how = read_rest(s) if end != b"\r\n.\x0b\r\n" else (s.recv(4096), "")
            s.close()
            raw = settled(sink, 0.2)
            need(b"smuggled" not in raw and b"ceo@" not in raw, f"{end!r}: the second mail arrived")
            need(not sink.mails, f"{end!r}: the first mail was ended")
            need(got.startswith(b"554"), f"{end!r}: the client was told {got!r} ({how})")


@test("STARTTLS, CHUNKING, SMTPUTF8, AUTH are not offered to the client, and refused if used")
def keywords(lab):
    offered = [b"PIPELINING", b"SIZE 52428800", b"STARTTLS", b"AUTH LOGIN PLAIN", b"8BITMIME", b"CHUNKING", b"SMTPUTF8",
               b"BINARYMIME", b"XCLIENT NAME", b"ENHANCEDSTATUSCODES"]
    with Sink(lab, keywords=offered) as sink:
        with Client(lab) as c:
            c.ehlo()
            forbidden = {"starttls", "auth", "chunking", "smtputf8", "binarymime", "xclient"} & set(c.esmtp_features)
            need(not forbidden, f"offered: {forbidden}")
            need({"8bitmime", "size", "pipelining"} <= set(c.esmtp_features), f"only {c.esmtp_features} is offered")
        for command in (b"STARTTLS\r\n", b"BDAT 3 LAST\r\n", b"AUTH PLAIN AGEAYg==\r\n", b"XCLIENT NAME=x\r\n"):
            s = lab.connect("internet", MX[4])
            dialogue(s, TO_DATA[0])
            s.sendall(command)
            read_rest(s)
            s.close()
            raw = settled(sink, 0.2)
            need(command not in raw, f"{command!r} arrived")


@test("a retransmission with other bytes kills the connection; the server keeps what came first", san=True)
def overlap(lab):
    with Sink(lab) as sink, RawTcp(lab) as t:
        t.to_data()
        first = headers(b"overlap") + b"\r\nfirst text\r\n"
        start = t.next
        t.send(first)
        t.until(lambda: len(sink.raw[0]) >= start + len(first))
        t.at(start, first.replace(b"first", b"other") + b".\r\n")
        need(t.until(lambda: t.reset, 3), "the connection was not reset")
        lab.wait_event("content-denied", reason="tcp-overlap", src_port=t.sport)
        raw = settled(sink)
        need(b"other" not in raw and raw.endswith(b"first text\r\n"), f"the server read {raw[-40:]!r}")


@test("an honest retransmission, whole or in part, does no harm")
def honest_retransmission(lab):
    with Sink(lab) as sink, RawTcp(lab) as t:
        t.to_data()
        body = text_mail("again\r\n", "us-ascii")
        start = t.next
        t.send(body)
        t.at(start, body)
        t.at(start + 10, body[10:40])
        t.at(start + 20, body[20:] + b".\r\n")  # repeats, and goes on
        t.next += 3
        t.until(lambda: b"kept" in t.stream, 0.2)
        t.at(t.next - 3, b".\r\n")  # as TCP does after the answer to that, if the rest of it was not taken
        need(t.until(lambda: b"kept" in t.stream), f"not delivered: {bytes(t.stream[-80:])!r}")
        need(sink.mails == [body], f"{sink.mails}")


@test("segments in any order are put in order; the server reads the stream", san=True)
def out_of_order(lab):
    with Sink(lab) as sink, RawTcp(lab) as t:
        t.to_data()
        body = text_mail("".join(f"line {i}\r\n" for i in range(60)), "us-ascii") + b".\r\n"
        start = t.next
        pieces = [(i, body[i: i + 37]) for i in range(0, len(body), 37)]
        random.Random(1).shuffle(pieces)
        for round_ in range(8):  # what was dropped for want of room is sent again, as TCP does
            for i, piece in pieces:
                t.at(start + i, piece)
            t.next = start + len(body)
            if t.until(lambda: b"kept" in t.stream, 0.7):
                break
        need(b"kept" in t.stream, f"not delivered: {bytes(t.stream[-80:])!r}")
        need(sink.mails == [body[:-3]], "the server read another mail")


@test("two contents for a hole that was not yet filled: the server reads one of them, and only what was inspected")
def ambiguous_hole(lab):
    with Sink(lab) as sink, RawTcp(lab) as t:
        t.to_data()
        head = headers(b"hole") + b"\r\n"
        start = t.next
        t.at(start + len(head), b"AAAA\r\n")  # ahead of the hole
        t.at(start + len(head), b"<ht>\r\n")  # another content for the same place
        t.at(start, head)
        t.next = start + len(head) + 6
        t.until(lambda: t.reset, 1)
        raw = settled(sink)
        need(not (b"AAAA" in raw and b"<ht>" in raw), "both arrived")
        need(b"<ht>" not in raw, "the later content won")


SEGMENTS = [
    ("bytes before the first sequence number", dict(offset=-9, data=b"x" * 8 + b"QUIT\r\n")),
    ("urgent data", dict(offset=0, data=b"QUIT\r\n", flags=ACK | PSH | URG, urgent=3)),
    ("data without ACK", dict(offset=0, data=b"QUIT\r\n", flags=PSH)),
    ("data on a SYN", dict(offset=-1, data=b"QUIT\r\n", flags=SYN)),
    ("SYN and FIN", dict(offset=0, data=b"QUIT\r\n", flags=SYN | FIN | ACK)),
    ("data on a RST", dict(offset=0, data=b"QUIT\r\n", flags=RST | ACK)),
    ("an unknown TCP option", dict(offset=0, data=b"QUIT\r\n", options=b"\xfd\x04ab")),
    ("an MD5 signature option", dict(offset=0, data=b"QUIT\r\n", options=b"\x13\x12" + bytes(16) + b"\1\1")),
    ("data far beyond the window", dict(offset=1 << 24, data=b"QUIT\r\n")),
]


@test("segments outside the allow-list bring no byte to the server (%s)" % ", ".join(n for n, _ in SEGMENTS))
def odd_segments(lab):
    for name, how in SEGMENTS:
        with Sink(lab) as sink, RawTcp(lab) as t:
            t.connect()
            need(t.until(lambda: b"220 " in t.stream), f"{name}: no greeting")
            args = dict(how)
            t.at(args.pop("offset"), args.pop("data"), **args)
            t.until(lambda: False, 0.15)
            need(not sink.raw or not sink.raw[0], f"{name}: the server read {bytes(sink.raw[0])!r}")


@test("an RST outside the exact place does not end a connection")
def blind_reset(lab):
    with Sink(lab) as sink, RawTcp(lab) as t:
        t.connect()
        need(t.until(lambda: b"220 " in t.stream), "no greeting")
        for off in (-1000, 5, 4000, 70000, 1 << 30):
            t.at(t.next + off, b"", flags=RST)
        t.say(TO_DATA[0], b"250")
        need(bytes(sink.raw[0]) == TO_DATA[0], "the server read something else")


@test("a FIN before the end of data leaves no mail behind")
def early_fin(lab):
    with Sink(lab) as sink:
        s = at_data(lab)
        s.sendall(text_mail("half\r\n", "us-ascii"))
        s.shutdown(socket.SHUT_WR)
        read_rest(s)
        s.close()
        settled(sink)
        need(not sink.mails, "a mail was kept")


@test("replay of the captured wire accepts exactly what the server read", san=True)
def oracle(lab):
    rng = random.Random(7)
    mails = [text_mail("本文\r\n" * 50), HTML, text_mail("ok\r\n", "us-ascii") + b"bare\nline\r\n",
             text_mail("日本\r\n", "iso-2022-jp")]
    pcap = os.path.join(lab.files, "wire.pcap")
    capture = subprocess.Popen(["ip", "netns", "exec", lab.netns("internet"), "tcpdump", "-i", "eth0", "-s", "0", "-U",
                                "--immediate-mode", "-Z", "root", "-w", pcap, "tcp", "port", "25"], stderr=subprocess.PIPE)
    read = {}
    try:
        capture.stderr.readline()
        with Sink(lab) as sink:
            for mail in mails:
                s = at_data(lab)
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                whole, i = mail + b".\r\n", 0
                try:
                    while i < len(whole):
                        n = rng.randrange(1, 120)
                        s.sendall(whole[i: i + n])
                        i += n
                        time.sleep(0.001)
                    s.sendall(QUIT)
                except OSError:
                    pass
                port = s.getsockname()[1]
                read_rest(s)
                s.close()
                read[port] = settled(sink, 0.2)
        time.sleep(0.3)
    finally:
        capture.send_signal(signal.SIGINT)
        capture.wait(10)
        capture.stderr.close()
    p = subprocess.run([os.path.join(BUILD, "zonegatectl"), "replay", pcap, "--inspector", "smtp", "--json",
                        "--no-checksum"],
                       capture_output=True, text=True, check=False)
    need(p.returncode == 0, lambda: f"replay: exit {p.returncode}: {p.stderr}")
    flows = {int(f["client"].rpartition(":")[2]): f for f in map(json.loads, p.stdout.splitlines())}
    need(set(read) <= set(flows), f"replay tells of {sorted(flows)}, there were {sorted(read)}")
    for (port, raw), mail in zip(read.items(), mails):
        verdict, released = flows[port]["verdict"], flows[port]["released"]["client"]
        need(verdict == ("deny" if mail in (mails[1], mails[2]) else "accept"), f"replay says {flows[port]}")
        need(released["bytes"] >= len(raw), f"the server read {len(raw)} bytes, accepted are {released['bytes']}: {flows[port]}")
        if released["bytes"] == len(raw):
            need(released["sha256"] == hashlib.sha256(raw).hexdigest(), "the same number of bytes, but others")
        need((b"".join(TO_DATA) + mail + b".\r\n" + QUIT).startswith(raw), "not a prefix of what was sent")


@test("200 connections at once, each with a mail: all delivered, each once")
def many(lab):
    count, answers = 200, []

    def one(i):
        try:
            answers.append(send_mail(lab, text_mail(f"number {i}\r\n", "us-ascii"))[0])
        except Exception as e:  # counted below
            answers.append(repr(e))
    with Sink(lab) as sink:
        begin = time.monotonic()
        threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        took = time.monotonic() - begin
        need(answers.count(250) == count, f"{answers.count(250)} of {count} accepted: {[a for a in answers if a != 250][:3]}")
        numbers = sorted(m.rsplit(b"number ", 1)[1].strip() for m in sink.mails)
        need(numbers == sorted(b"%d" % i for i in range(count)), f"{len(sink.mails)} mails kept")
    return f"{count / took:.0f} mails/s"


def offload(lab, on):
    for host in ("internet", "lgwan"):
        p = lab.exec(host, "ethtool", "-K", "eth0", *(f for k in ("gso", "tso", "gro") for f in (k, "on" if on else "off")))
        need(p.returncode == 0, lambda: "ethtool: " + p.stderr)


def large(lab, gso):
    mail = text_mail("これは長い本文です。" * 6 + "\r\n", "utf-8") + ("行" * 25 + "\r\n").encode() * (10_000_000 // 77)
    offload(lab, gso)
    with Sink(lab) as sink:
        s = at_data(lab)
        begin = time.monotonic()
        s.sendall(mail + b".\r\n")
        s.settimeout(60)
        answer = s.recv(4096)
        took = time.monotonic() - begin
        s.close()
        need(answer.startswith(b"250"), f"answered {answer!r}")
        need(sink.mails == [mail], "the mail was changed on its way")
    return f"{len(mail) / 1e6:.0f} MB, {len(mail) * 8 / took / 1e6:.0f} Mbit/s"


@test("a mail of 10 MB of text arrives complete, with large packets (GSO)", san=True)
def large_gso(lab):
    return large(lab, True)


@test("a mail of 10 MB of text arrives complete, with packets of wire size")
def large_wire(lab):
    try:
        return large(lab, False)
    finally:
        offload(lab, True)


LOSSY = """table inet lossy {
    chain in {
        type filter hook input priority 0
        meta l4proto tcp numgen random mod 100 < 4 drop
    }
}
"""


@test("a network that loses four packets of a hundred each way: mail of 1 MB arrives complete, IPv4 and IPv6", san=True)
def lossy(lab):
    mail = text_mail("失われても届く。\r\n" * 40000)
    for host in ("internet", "lgwan"):
        need(lab.exec(host, "nft", "-f", "-", input=LOSSY).returncode == 0, "nft")
    offload(lab, False)  # many packets, so that many are lost
    try:
        begin = time.monotonic()
        for version in (4, 6):
            with Sink(lab, family=version) as sink:
                code, answer = send_mail(lab, mail, MX[version])
                need(code == 250, f"IPv{version}: answered {code} {answer!r}")
                need(sink.mails == [mail], f"IPv{version}: the mail was changed on its way")
        return f"{2 * len(mail) / 1e6:.1f} MB, {2 * len(mail) * 8 / (time.monotonic() - begin) / 1e6:.1f} Mbit/s"
    finally:
        for host in ("internet", "lgwan"):
            lab.exec(host, "nft", "delete", "table", "inet", "lossy")
        offload(lab, True)


@test("a smaller MTU behind the router: mail arrives, IPv4 and IPv6")
def small_mtu(lab):
    def mtu(size):
        for host, dev in (("lgwan", "eth0"), ("router", "lg0")):
            p = lab.exec(host, "ip", "link", "set", dev, "mtu", str(size))
            need(p.returncode == 0, lambda: p.stderr)
    mail = text_mail("狭い道も通る。\r\n" * 20000)
    mtu(1300)
    try:
        # the server announces a segment size that fits; a sender that does not heed it learns by ICMP
        lab.exec("lgwan", "sh", "-c", "ip route change default via 10.20.0.1 dev eth0 src 10.20.0.25 advmss 1460")
        for version in (4, 6):
            with Sink(lab, family=version) as sink:
                code, answer = send_mail(lab, mail, MX[version])
                need(code == 250 and sink.mails == [mail], f"IPv{version}: answered {code} {answer!r}")
    finally:
        mtu(1500)
        lab.exec("lgwan", "sh", "-c", "ip route change default via 10.20.0.1 dev eth0 src 10.20.0.25")


@test("more connections than are told one by one: equal ones are told together, and the numbers add up")
def told_together(lab):
    count = 3000  # two records each, for two inspectors with a budget of 2,000
    # IPv6: over IPv4 raw sockets have left connections open here, whose ports an honest client could meet, and this host sends
    # no RST that would end them
    had = {e: len(lab.events(e)) for e in ("flow-opened", "flow-closed")}
    server = lab.listen("lgwan", MX[6], 25)
    server.settimeout(10 * SLOW)

    def accept():
        for _ in range(count):
            s, _ = server.accept()
            s.recv(1)  # until the client has ended
            s.close()
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        for _ in range(count):
            with lab.connect("internet", MX[6]) as c:
                c.shutdown(socket.SHUT_WR)
                c.recv(1)  # until the server has: its queue of connections does not overflow
        thread.join(20 * SLOW)
    finally:
        server.close()

    def told(event):
        return sum(e.get("connections", 1) for e in lab.events(event)[had[event]:])
    need(wait_for(lambda: told("flow-closed") >= count and told("flow-opened") >= count, 10),
         lambda: f"{told('flow-opened')} opened, {told('flow-closed')} closed")
    need((told("flow-opened"), told("flow-closed")) == (count, count), lambda: f"{told('flow-opened')}, {told('flow-closed')}")
    groups = [e for e in lab.events("flow-closed")[had["flow-closed"]:] if "connections" in e]
    need(groups and all(e["suppressed"] == e["connections"] - 1 for e in groups), "none was told together")
    return f"{len(groups)} records for {sum(e['connections'] for e in groups)} of them"


@test("after all this the daemon has lost no process, and mail passes", san=True)
def still_there(lab):
    need(not lab.events("inspector-died"), f"{lab.events('inspector-died')[:1]}")
    with Sink(lab):
        need(send_mail(lab, text_mail())[0] == 250, "refused")


if __name__ == "__main__":
    with Lab() as the_lab:
        no_kernel_resets(the_lab, "internet")
        status = run_tests(the_lab)
    sys.exit(status)
