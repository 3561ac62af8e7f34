# SPDX-License-Identifier: GPL-2.0-or-later
"""Remote Desktop inside TLS: FreeRDP's client and server reach each other with TLS and with CredSSP inside it; RDP's own security
does not pass, nor what is not RDP, nor another certificate where they are listed."""

import contextlib
import hashlib
import itertools
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

from lablib import LAB, SLOW, Lab, Sniffer, TlsServer, need, run_tests, sample, test, wait_for

CLIENT, SERVER = "10.20.0.25", "10.30.0.25"
NAME = "vdi.internet.example"
ASKED = b"Cookie: mstshash=taro\r\n" + bytes.fromhex("0100080003000000")  # TLS, or CredSSP inside it
REQUEST = bytes((3, 0, 0, 11 + len(ASKED), 6 + len(ASKED), 0xE0, 0, 0, 0, 0, 0)) + ASKED
CONFIRM = bytes.fromhex("030000130ed000001234000200080001000000")


def flow(name, port, settings):
    return f"""{{ name = "{name}"; from = "lgwan"; to = "internet"; source = [ "{CLIENT}" ]; destination = [ "{SERVER}" ];
        protocol = "tcp"; port = {port}; inspector = "rdp"; rdp = {{ {settings} }}; purpose = "test"; clause = "2.6(3)②";
        ticket = "T-1"; approver = "test"; }}"""


def certificate(directory, name):
    key, cert = os.path.join(directory, name + ".key"), os.path.join(directory, name + ".crt")
    p = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                        "-subj", "/CN=" + NAME], capture_output=True, text=True, check=False)
    need(p.returncode == 0, p.stderr)
    with open(cert, encoding="ascii") as f:
        return cert, key, hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()


class Program:
    """A program on a host with a home of its own; all that it says."""

    def __init__(self, lab, host, *command, **env):
        self.said = ""
        self.p = subprocess.Popen([LAB, "exec", "--name", lab.name, host, "--", "stdbuf", "-oL", "env",
                                   "HOME=" + lab.files,
                                   *(f"{k}={v}" for k, v in env.items()), *command], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.p.stdout:
            self.said += line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.p.pid, signal.SIGTERM)
        try:
            self.p.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.p.pid, signal.SIGKILL)
            self.p.wait(10)
        self.reader.join(10)


displays = itertools.count(1000 + os.getpid() % 30000 * 2)  # sockets lie in one directory, whatever the host


@contextlib.contextmanager
def display(lab, host):
    """An X server without a screen to look at; its name."""
    name = f":{next(displays)}"
    with Program(lab, host, "Xvfb", name, "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp",
                 "-noreset") as x:
        need(wait_for(lambda: name[1:] in x.said.split("\n")[:-1], 30 * SLOW), "no X server: " + x.said)
        yield name


def listens(lab, port):
    try:
        lab.connect("internet", SERVER, port).close()
        return True
    except OSError:
        return False


@contextlib.contextmanager
def desktop(lab, x, *args, port=3389):
    with Program(lab, "internet", "freerdp-shadow-cli", f"/port:{port}", *args, DISPLAY=x) as p:
        need(wait_for(lambda: listens(lab, port), 30 * SLOW), "no server: " + p.said)
        yield p


def freerdp(lab, x, *args, port=3389):
    return Program(lab, "lgwan", "xfreerdp", f"/v:{SERVER}:{port}", "/cert:ignore", "/u:taro", "/size:640x480", *args, DISPLAY=x)


def ended(p):
    need(wait_for(lambda: p.p.poll() is not None, 40 * SLOW), "xfreerdp does not end: " + p.said[-2000:])
    return p.p.returncode


@test("FreeRDP: sessions with TLS and with CredSSP; RDP's own security and a wrong password do not come in")
def sessions(lab, _good, _other):
    sam = lab.file("sam", "taro:::8846F7EAEE8FB117AD06BDD830B7586C:::\n")  # "password"
    with display(lab, "internet") as there, display(lab, "lgwan") as here:
        with desktop(lab, there, "-auth"):
            with freerdp(lab, here, "/sec:tls", "/p:password") as p:
                need(wait_for(lambda: "com.freerdp.gdi" in p.said or p.p.poll() is not None, 40 * SLOW), "no session: " + p.said[-2000:] + str(lab.events("flow-closed")))
                need(p.p.poll() is None, "ended: " + p.said[-2000:])
            before = len(lab.events("content-denied"))
            with freerdp(lab, here, "/sec:rdp", "/p:password") as p:
                need(ended(p) != 0, "RDP's own security came in: " + p.said[-2000:])
            need(lab.wait_event("content-denied", after=before)["reason"] == "rdp-security", "another reason")
        with desktop(lab, there, "/sec:nla", "/sam-file:" + sam, port=3390):
            for password in ("password", "wrong"):
                with freerdp(lab, here, "/sec:nla", "/p:" + password, "+auth-only", port=3390) as p:
                    need((ended(p) == 0) == (password == "password"), f"{password}: {p.said[-2000:]}")


class Server(TlsServer):
    """Confirms TLS, and speaks it."""

    def __init__(self, lab, port, cert, key, version):
        super().__init__(lab, "internet", SERVER, port, cert, key)
        self.context.minimum_version = self.context.maximum_version = version
        self.read = b""

    def serve(self, s):
        request = s.recv(400)
        self.read += request
        if request:
            s.sendall(CONFIRM)
            with self.context.wrap_socket(s, server_side=True) as t:
                t.sendall(t.recv(100).upper())
                t.recv(100)


def ask(lab, port, name):
    """A session by hand: what is said comes back, or why not."""
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    try:
        with lab.connect("lgwan", SERVER, port) as s:
            s.sendall(REQUEST)
            need(s.recv(100) == CONFIRM, "no confirmation")
            with c.wrap_socket(s, server_hostname=name) as t:
                t.sendall(b"hello")
                return t.recv(100)
    except OSError as e:
        return e


def refused(lab, reason, act):
    before = len(lab.events("content-denied"))
    said = act()
    event = lab.wait_event("content-denied", after=before)
    need(event["reason"] == reason, lambda: f"reason {event['reason']}, not {reason}: {said}")


@test("names and certificates: those listed pass, others do not, and none that is hidden", san=True)
def lists(lab, good, other):
    old, new = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    with Server(lab, 3391, *good[:2], old):
        need(ask(lab, 3391, NAME) == b"HELLO", "the listed certificate does not pass")
        refused(lab, "tls-name", lambda: ask(lab, 3391, "other.internet.example"))
        refused(lab, "tls-no-name", lambda: ask(lab, 3391, None))
    with Server(lab, 3391, *other[:2], old):
        refused(lab, "tls-certificate", lambda: ask(lab, 3391, NAME))
    with Server(lab, 3391, *good[:2], new):
        refused(lab, "tls-certificate", lambda: ask(lab, 3391, NAME))
    with Server(lab, 3389, *other[:2], new):
        for name in (NAME, None):
            need(ask(lab, 3389, name) == b"HELLO", f"{name} does not pass where any may")


@test("what is not RDP does not pass: SSH, HTTP, SOCKS, TLS at once; nor UDP", san=True)
def not_rdp(lab, good, _other):
    first = (b"SSH-2.0-OpenSSH_9.2p1\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x05\x01\x00", b"\x16\x03\x01\x00\x05",
             b"\x03\x00\x00\x0c\x02\xf0\x80\x04\x01\x00\x01\x00")

    def speak(octets):
        with lab.connect("lgwan", SERVER, 3389) as s:
            s.sendall(octets)
            with contextlib.suppress(ConnectionResetError):
                return s.recv(100)

    with Server(lab, 3389, *good[:2], ssl.TLSVersion.TLSv1_3) as server:
        for octets in first:
            refused(lab, "rdp-request", lambda o=octets: speak(o))
        need(server.read == b"", f"the server read {server.read}")
    with Sniffer(lab, "internet") as sniffer, lab.sock("lgwan", socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"\xff\xff\xff\xff\x00\x40\x00\x01", (SERVER, 3389))  # MS-RDPEUDP: SYN
        need(not [p for p in sniffer.packets() if p[9] == 17], "UDP came through")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        good, other = certificate(scratch, "good"), certificate(scratch, "other")
        flows = ",\n".join((flow("desktop", "[ 3389, 3390 ]", 'min_version = "1.2";'),
                            flow("listed", 3391, f'names = [ "{NAME}" ]; certificates = [ "{good[2]}" ];')))
        with Lab(sample(flows)) as lab:
            return run_tests(lab, good, other)


if __name__ == "__main__":
    sys.exit(main())
