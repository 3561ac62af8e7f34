# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS to named servers: real clients and servers reach each other by the names that are permitted, and by no others; what is
not TLS does not pass."""

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading

from lablib import LAB, SLOW, TOP, Lab, TlsServer, need, run_tests, sample, test, wait_for

NAME, OTHER = "www.cloud.example", "www.evil.example"
CLIENT, SERVER = {4: "10.20.0.25", 6: "fd00:20::25"}, {4: "10.30.0.25", 6: "fd00:30::25"}
PAGE = 3 << 20  # bytes


def flow(name, port, settings):
    return f"""{{ name = "{name}"; from = "lgwan"; to = "internet"; source = [ "{CLIENT[4]}", "{CLIENT[6]}" ];
        destination = [ "{SERVER[4]}", "{SERVER[6]}" ]; protocol = "tcp"; port = {port}; inspector = "tls";
        tls = {{ {settings} }}; purpose = "test"; clause = "2.6(3)②"; ticket = "T-1"; approver = "test"; }}"""


FLOWS = ",\n".join((
    flow("web", "[ 443, 444, 445, 446, 447, 448 ]", 'names = [ "*.cloud.example" ]; alpn = [ "h2", "http/1.1" ]; alpn_optional = true;'),
    flow("strict", 8443, 'names = [ "www.cloud.example" ]; alpn = [ "h2" ]; min_version = "1.3";'),
    flow("any-protocol", 9443, 'names = [ "www.cloud.example" ];')))


class Site:
    """The server: its certificate, its page."""

    def __init__(self, lab):
        self.lab, self.dir = lab, lab.files
        self.key, self.cert = os.path.join(self.dir, "key.pem"), os.path.join(self.dir, "cert.pem")
        self.ca = os.path.join(self.dir, "ca.pem")
        for args in (("-keyout", self.ca + ".key", "-out", self.ca, "-subj", "/CN=CA"),
                     ("-keyout", self.key, "-out", self.cert, "-subj", "/CN=" + NAME, "-CA", self.ca, "-CAkey", self.ca + ".key",
                      "-addext", "basicConstraints=CA:FALSE", "-addext", f"subjectAltName=DNS:{NAME},DNS:{OTHER}")):
            p = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *args], capture_output=True,
                               text=True, check=False)
            need(p.returncode == 0, p.stderr)
        os.makedirs(os.path.join(self.dir, "www"))
        self.page = os.urandom(1 << 16) * (PAGE >> 16)
        with open(os.path.join(self.dir, "www", "page"), "wb") as f:
            f.write(self.page)
        with open(os.path.join(self.dir, "www", "text"), "w", encoding="utf-8") as f:
            f.write("text\n")

    @contextlib.contextmanager
    def program(self, port, *command, cwd=None):
        """A server program of Debian, until it listens."""
        p = subprocess.Popen([LAB, "exec", "--name", self.lab.name, "internet", "--", *command], cwd=cwd or self.dir,
                             stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            need(wait_for(lambda: self.listens(port), 15 * SLOW), f"{command[0]} does not serve")
            yield p
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(p.pid, signal.SIGKILL)
            p.wait(10)

    def listens(self, port):
        try:
            self.lab.connect("internet", SERVER[4], port).close()
            return True
        except OSError:
            return False

    def openssl(self, port, *args):
        return self.program(port, "openssl", "s_server", "-accept", str(port), "-cert", self.cert, "-key", self.key, "-WWW", "-quiet",
                            *args, cwd=os.path.join(self.dir, "www"))

    def gnutls(self, port):
        return self.program(port, "gnutls-serv", "--http", "--port", str(port), "--x509certfile", self.cert, "--x509keyfile", self.key,
                            "--quiet")

    def nghttpd(self, port):
        return self.program(port, "nghttpd", "-d", os.path.join(self.dir, "www"), str(port), self.key, self.cert)


class Answerer(TlsServer):
    """Says back what it reads, in capitals; knows what every client asked."""

    def __init__(self, lab, site, port, alpn=("h2", "http/1.1"), where=("internet", SERVER[4])):
        super().__init__(lab, *where, port, site.cert, site.key)
        if alpn:
            self.context.set_alpn_protocols(list(alpn))
        self.names = []
        self.context.sni_callback = lambda s, name, c: self.names.append(name)

    def serve(self, s):
        t = self.context.wrap_socket(s, server_side=True)
        while data := t.recv(65536):
            t.sendall(data.upper())


def context(**limits):
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    for key, value in limits.items():
        setattr(c, key, value)
    return c


def talk(lab, port, c, name=NAME, text=b"hello"):
    """A connection of Python's; what came back, and the version."""
    with lab.connect("lgwan", SERVER[4], port) as s, c.wrap_socket(s, server_hostname=name) as t:
        t.sendall(text)
        got = b""
        while len(got) < len(text):
            got += t.recv(65536)
        return got, t.version()


def run(lab, *command, seconds=30, stdin=None):
    return lab.exec("lgwan", *command, timeout=seconds * SLOW, input=stdin)


def curl(lab, port, *args, name=NAME, version=4, path="page"):
    to = f"[{SERVER[6]}]" if version == 6 else SERVER[4]
    out = os.path.join(lab.files, "got")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(out)
    p = run(lab, "curl", "-sSk", "--noproxy", "*", "--resolve", f"{name}:{port}:{to}", "-o", out, "-w", "%{http_version}",
            f"https://{name}:{port}/{path}", *args)
    with contextlib.suppress(FileNotFoundError), open(out, "rb") as f:
        return p, f.read()
    return p, None


def refused(lab, reason, act, flow_name="web", told=None):
    """act() is refused for this reason, once, and the client is told."""
    before = len(lab.events("content-denied"))
    said = act()
    event = lab.wait_event("content-denied", after=before)
    need(event["reason"] == reason, lambda: f"reason {event['reason']}, not {reason}: {said}")
    need(event["flow"] == flow_name, f"flow {event['flow']}")
    need(told is None or told in str(said).lower(), lambda: f"the client says {said!r}, not {told!r}")


@test("curl gets a page of OpenSSL's server, with 1.2 and 1.3, IPv4 and IPv6", san=True)
def page(lab, site):
    with site.openssl(443):
        for version in (4, 6):
            for tls in ("1.2", "1.3"):
                p, got = curl(lab, 443, "--tls-max", tls, "--tlsv" + tls, version=version)
                need(p.returncode == 0 and got == site.page, f"IPv{version}, TLS {tls}: {p.stderr} {len(got or b'')} bytes")


@test("curl gets a page over HTTP/2")
def http2(lab, site):
    with site.nghttpd(444):
        for tls in ("1.2", "1.3"):
            p, got = curl(lab, 444, "--http2", "--tls-max", tls)
            need(p.returncode == 0 and p.stdout == "2" and got == site.page, f"TLS {tls}: HTTP {p.stdout}: {p.stderr}")


GNUTLS = ("NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL")


@test("OpenSSL's, GnuTLS' and Python's clients and servers, each with each, 1.2 and 1.3")
def each_with_each(lab, site):
    def openssl(port, tls):
        p = run(lab, "openssl", "s_client", "-connect", f"{SERVER[4]}:{port}", "-servername", NAME, "-quiet", "-no_ign_eof",
                "-tls" + tls.replace(".", "_"), stdin="GET /text HTTP/1.0\n\n" if port != 447 else "hello\n")
        return p.returncode == 0, p.stderr

    def gnutls(port, tls):
        p = run(lab, "gnutls-cli", "--insecure", "--sni-hostname", NAME, "--priority", GNUTLS[tls == "1.3"], "--port", str(port),
                "--alpn", "http/1.1", SERVER[4], stdin="GET / HTTP/1.0\r\n\r\n")
        return "Handshake was completed" in p.stdout, p.stdout + p.stderr

    def python(port, tls):
        v = ssl.TLSVersion.TLSv1_2 if tls == "1.2" else ssl.TLSVersion.TLSv1_3
        with lab.connect("lgwan", SERVER[4], port) as s, \
                context(minimum_version=v, maximum_version=v).wrap_socket(s, server_hostname=NAME) as t:
            return t.version() == "TLSv" + tls, t.version()

    with site.openssl(445), site.gnutls(446), Answerer(lab, site, 447):
        for client in (openssl, gnutls, python):
            for port in (445, 446, 447):
                for tls in ("1.2", "1.3"):
                    good, said = client(port, tls)
                    need(good, f"{client.__name__} to {port}, TLS {tls}: {said}")
    need(not lab.events("content-denied"), lambda: f"refused: {lab.events('content-denied')}")


@test("sessions are resumed, by ticket and by identifier, 1.2 and 1.3")
def resumption(lab, site):
    session = os.path.join(lab.files, "session")
    for server, tls in ((), "-tls1_2"), (("-no_ticket",), "-tls1_2"), ((), "-tls1_3"):
        with site.openssl(448, *server):
            for way in ("-sess_out", "-sess_in"):
                p = run(lab, "openssl", "s_client", "-connect", f"{SERVER[4]}:448", "-servername", NAME, tls, "-ign_eof", way, session,
                        stdin="GET /text HTTP/1.0\n\n")
                need(p.returncode == 0, f"{tls} {server} {way}: {p.stderr}")
            need("Reused, " in p.stdout, lambda t=tls, s=server, p=p: f"{t} {s}: not resumed: {p.stdout[-2000:]}")
    with site.gnutls(446):
        p = run(lab, "gnutls-cli", "--insecure", "--resume", "--sni-hostname", NAME, "--port", "446", SERVER[4],
                stdin="GET / HTTP/1.0\r\n\r\n")
        need("This is a resumed session" in p.stdout, "GnuTLS: " + p.stdout[-500:] + p.stderr)


@test("a HelloRetryRequest: the second ClientHello passes too", san=True)
def retry(lab, site):
    with site.openssl(443, "-groups", "P-384"):
        p = run(lab, "openssl", "s_client", "-connect", f"{SERVER[4]}:443", "-servername", NAME, "-groups", "X25519:P-384", "-msg",
                stdin="GET /text HTTP/1.0\n\n")
        need(p.returncode == 0 and p.stdout.count("ClientHello") == 2, lambda: p.stdout[-1500:] + p.stderr)


@test("a ClientHello of several segments, and of many small ones", san=True)
def segments(lab, site):
    many = ["protocol-%03d-with-a-long-name" % i for i in range(150)]  # 5 KB: as large as the largest with post-quantum shares
    with Answerer(lab, site, 9443, alpn=()):
        c = context()
        c.set_alpn_protocols(many)
        need(talk(lab, 9443, c)[0] == b"HELLO", "no answer")
        for piece, pause in ((3, False), (100, False), (1, True)):
            c = context()
            inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
            t = c.wrap_bio(inside, outside, server_hostname=NAME)
            with contextlib.suppress(ssl.SSLWantReadError):
                t.do_handshake()
            hello = outside.read()
            with lab.connect("lgwan", SERVER[4], 9443) as s:
                # pause: Nagle's algorithm holds back each octet until the one before is acknowledged
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0 if pause else 1)
                small = min(len(hello), 200 * piece)  # in more than 256 segments none passes
                for at in range(0, small, piece):
                    s.send(hello[at: min(at + piece, small)])
                s.send(hello[small:])
                while True:
                    try:
                        t.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        s.sendall(outside.read())
                        got = s.recv(65536)
                        need(got, "closed")
                        inside.write(got)
                s.sendall(outside.read())


@test("another name is refused, the client reads an alert, the server sees no octet", san=True)
def other_name(lab, site):
    with Answerer(lab, site, 443) as server:
        def python():
            try:
                return talk(lab, 443, context(), OTHER)
            except ssl.SSLError as e:
                return e.reason
        refused(lab, "tls-name", python, told="unrecognized_name")
        refused(lab, "tls-name", lambda: curl(lab, 443, name=OTHER)[0].stderr, told="unrecognized name")
        need(server.names == [], f"the server was asked for {server.names}")


@test("no name, an address as name, a version that is too old, another protocol: refused")
def others(lab, site):
    s_client = ("openssl", "s_client", "-connect", f"{SERVER[4]}:443")
    with Answerer(lab, site, 443), Answerer(lab, site, 8443):
        refused(lab, "tls-no-name", lambda: run(lab, *s_client, "-noservername").stderr)
        refused(lab, "tls-name-form", lambda: run(lab, *s_client, "-servername", "10.30.0.25").stderr)
        refused(lab, "tls-name-form", lambda: run(lab, *s_client, "-servername", NAME + ".").stderr)
        refused(lab, "tls-alpn", lambda: run(lab, *s_client, "-servername", NAME, "-alpn", "h2,ssh").stderr,
                told="no application protocol")
        refused(lab, "tls-version", lambda: run(lab, *s_client, "-servername", NAME, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0").stderr,
                told="protocol version")
        refused(lab, "tls-version", lambda: run(lab, *s_client[:3], f"{SERVER[4]}:8443", "-servername", NAME, "-alpn", "h2",
                                                "-tls1_2").stderr, "strict")
        refused(lab, "tls-alpn", lambda: run(lab, *s_client[:3], f"{SERVER[4]}:8443", "-servername", NAME).stderr, "strict")


@test("renegotiation is refused")
def renegotiation(lab, site):
    with site.openssl(443, "-tls1_2"):
        p = subprocess.Popen([LAB, "exec", "--name", lab.name, "lgwan", "--", "openssl", "s_client", "-connect", f"{SERVER[4]}:443",
                              "-servername", NAME, "-tls1_2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        try:
            need(any("Verify return code" in line for line in p.stdout), "no handshake")
            refused(lab, "tls-renegotiation", lambda: (p.stdin.write("R\n"), p.stdin.flush()))
        finally:
            p.kill()
            p.communicate()


@test("what is not TLS does not pass: SSH, HTTP, SOCKS, OpenVPN, a WebSocket, mail", san=True)
def not_tls(lab, site):
    first = (b"SSH-2.0-OpenSSH_9.2p1\r\n", b"GET / HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\n\r\n", b"\x05\x01\x00",
             b"\x04\x01\x01\xbb\x0a\x1e\x00\x19\x00", b"\x00\x0e\x38\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00",
             b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"EHLO x\r\n",
             b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10")
    got = []

    def listen():
        while True:
            try:
                s, _ = server.accept()
            except OSError:
                return
            s.settimeout(10 * SLOW)
            with contextlib.suppress(OSError):
                got.append(s.recv(100))
            s.close()

    server = lab.listen("internet", SERVER[4], 443)
    thread = threading.Thread(target=listen, daemon=True)
    thread.start()

    def speak(octets):
        with lab.connect("lgwan", SERVER[4], 443) as s:
            s.sendall(octets)
            try:
                return s.recv(100)
            except ConnectionResetError:
                return b"reset"

    try:
        for octets in first:
            refused(lab, "tls-record", lambda o=octets: speak(o))
        need(not any(got), f"the server read {got}")
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


@test("a tunnel that begins as TLS and goes on in the clear is refused")
def tunnel(lab, site):
    with Answerer(lab, site, 443):
        def speak():
            with lab.connect("lgwan", SERVER[4], 443) as s:
                t = context().wrap_socket(s, server_hostname=NAME)
                raw = socket.socket(fileno=os.dup(t.fileno()))
                raw.settimeout(10 * SLOW)
                raw.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
                try:
                    while raw.recv(10000):
                        pass
                except ConnectionResetError:
                    return "reset"
                finally:
                    raw.close()
                return "closed"
        refused(lab, "tls-record", speak, told="reset")


@test("the sample for alpha-prime: by its names and from its terminals, and no other way")
def alpha_prime(_lab, site):
    with open(os.path.join(TOP, "conf", "models", "alpha-prime.conf"), encoding="utf-8") as f, Lab(f.read()) as lab:
        of = {a: name for name, host in lab.hosts.items() for a in host["addresses"]}
        client, server = of["10.20.0.31"], of["203.0.113.10"]
        with Answerer(lab, site, 443, where=(server, "203.0.113.10")):
            def ask(name):
                c = context()
                c.set_alpn_protocols(["h2"])
                with lab.connect(client, "203.0.113.10", 443) as s, c.wrap_socket(s, server_hostname=name) as t:
                    t.sendall(b"hello")
                    return t.recv(100)
            for name in ("mail.office.example", "login.example.jp"):
                need(ask(name) == b"HELLO", name)
            for name in ("office.example", "www.login.example.jp"):
                try:
                    ask(name)
                    need(False, name + " passes")
                except ssl.SSLError as e:
                    need(e.reason == "TLSV1_UNRECOGNIZED_NAME", str(e))
            need(len(lab.events("content-denied", reason="tls-name", flow="office")) == 2, "not recorded")


PREFERENCES = {
    "network.dns.forceResolve": SERVER[4], "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False,
    "browser.safebrowsing.update.enabled": False, "services.settings.server": "http://127.0.0.1:1", "app.update.enabled": False,
    "toolkit.telemetry.enabled": False, "datareporting.policy.dataSubmissionEnabled": False, "browser.aboutwelcome.enabled": False,
    "network.http.http3.enable": False, "network.trr.mode": 5}


def firefox(lab, site):
    """Opens a page, of a server that speaks HTTP/2 only, and takes a picture of it."""
    profile = os.path.join(lab.files, "profile")
    os.makedirs(profile)
    with open(os.path.join(profile, "user.js"), "w", encoding="utf-8") as f:
        f.writelines(f'user_pref("{k}", {json.dumps(v)});\n' for k, v in PREFERENCES.items())
    for args in (("-N", "--empty-password"), ("-A", "-n", "lab", "-t", "CT,,", "-i", site.ca)):
        p = subprocess.run(["certutil", "-d", "sql:" + profile, *args], capture_output=True, text=True, check=False)
        need(p.returncode == 0, p.stderr)
    with open(os.path.join(site.dir, "www", "index.html"), "w", encoding="utf-8") as f:
        f.write("<!DOCTYPE html><title>t</title><p>text<img src=page alt=x>")
    picture = os.path.join(lab.files, "picture.png")
    p = run(lab, "env", "HOME=" + lab.files, "MOZ_HEADLESS=1", "firefox-esr", "--no-remote", "--profile", profile, "--screenshot", picture,
            f"https://{NAME}:444/index.html", seconds=90)
    need(os.path.exists(picture), lambda: f"no picture: {p.stdout[-1000:]}{p.stderr[-1000:]}")


@test("Firefox opens a page over HTTP/2; its encrypted ClientHello, which means nothing, passes where that is permitted")
def browser(lab, site):
    if not os.environ.get("ZG_TEST_LONG") or not shutil.which("firefox-esr") or not shutil.which("certutil"):
        return "only with ZG_TEST_LONG=1, firefox-esr and libnss3-tools"
    text = sample(FLOWS.replace('names = [ "*.cloud.example" ];', 'names = [ "*.cloud.example" ]; ech_grease = true;'))
    need(lab.apply(text.replace('model = "alpha"', 'model = "alpha-prime"')).returncode == 0, "not applied")
    with site.nghttpd(444):
        firefox(lab, site)
        need(not lab.events("content-denied", dst_port=444), lambda: str(lab.events("content-denied", dst_port=444)))
    return None


def main():
    with Lab(sample(FLOWS).replace('model = "alpha"', 'model = "alpha-prime"')) as lab:
        return run_tests(lab, Site(lab))


if __name__ == "__main__":
    sys.exit(main())
