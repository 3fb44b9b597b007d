"""Sources behind TLS: who is trusted, what is said of who is not, and where secrets go."""
import http.server
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

from authority import Authority
from serving import RAILQUEST, Server
from test_live import SAMPLES, Race, asked, board, expected_marks, quest, rows, sources, wait_for
from test_rehearse_prometheus import free_port

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
PASSWORD = "a-password-of-this-test"
# bcrypt of it: perl -e 'print crypt("a-password-of-this-test", q($2b$04$abcdefghijklmnopqrstuu))'
PASSWORD_HASH = "$2b$04$abcdefghijklmnopqrstuu4PjS.6bR4mrb9uvSnT58J85kaMhkZqq"
TOKEN = "eyJ-a-token-that-nobody-may-see"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "ours", "authority of this test")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "theirs", "authority of somebody else")


class Running:
    """A race being served, and everything that it wrote."""

    def __init__(self, race):
        self.race, self.server = race, Server([RAILQUEST, "serve", "--quest", race.file, "--log", race.log, "--listen", "127.0.0.1:0"],
                                              {"http_proxy": "", "https_proxy": ""})

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.server.process.poll() is None and self.server.process.send_signal(signal.SIGTERM)
        out, errors = self.server.process.communicate(timeout=20)
        self.said = out + errors
        if kind is None:
            assert self.server.process.returncode == 0, errors

    def source(self, name="central"):
        return sources(self.server)[name]

    def problem(self):
        """What the source's state says, once it was tried in vain."""
        return wait_for(lambda: self.source()["failures"] and self.source())["problem"]

    def everything(self):
        """What was printed, and what is in the log."""
        files = self.race.log.parent.glob(self.race.log.name + "*")
        return self.said.encode() + b"".join(path.read_bytes() for path in files)


# --- a real Prometheus ---


def start_prometheus(folder, web):
    base = f"https://127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
    (folder / "web.json").write_text(json.dumps(web))  # JSON is YAML
    log = open(folder / "prometheus.log", "w")
    process = subprocess.Popen(
        ["prometheus", f"--config.file={folder}/prometheus.yml", f"--web.config.file={folder}/web.json",
         f"--storage.tsdb.path={folder}/data", "--storage.tsdb.retention.time=100y", f"--web.listen-address={base[8:]}"],
        stdout=log, stderr=subprocess.STDOUT)
    log.close()
    return base, process


@pytest.fixture(scope="module")
def prometheus(authority, tmp_path_factory):
    """It has TLS, wants a client's certificate of our authority, and a password. The address, and files for who may ask."""
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        pytest.skip("prometheus is not installed")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "samples.txt").write_text(SAMPLES)
    made = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "samples.txt", folder / "data"],
                          capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stderr
    certificate, key = authority.sign("prometheus", "IP:127.0.0.1")
    client, client_key = authority.sign("railquest", "DNS:railquest", usage="clientAuth")
    base, process = start_prometheus(folder, {
        "tls_server_config": {"cert_file": str(certificate), "key_file": str(key), "client_ca_file": str(authority.file),
                              "client_auth_type": "RequireAndVerifyClientCert"},
        "basic_auth_users": {"railquest": PASSWORD_HASH}})
    context = ssl.create_default_context(cafile=authority.file)
    context.load_cert_chain(client, client_key)

    def answers():
        assert process.poll() is None, (folder / "prometheus.log").read_text()
        try:
            return urllib.request.urlopen(base + "/-/ready", timeout=5, context=context)
        except urllib.error.HTTPError as refused:
            return refused.code == 401
        except (urllib.error.URLError, OSError):
            return False
    try:
        wait_for(answers, 60)
        (folder / "password").write_text(PASSWORD + "\n")
        yield base, {"ca_file": str(authority.file), "certificate_file": str(client), "key_file": str(client_key),
                     "user": "railquest", "password_file": str(folder / "password")}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_a_prometheus_behind_tls_with_certificates_and_a_password(prometheus, tmp_path):
    base, access = prometheus
    with Running(Race(tmp_path, asked(base, **access))) as running:
        assert wait_for(lambda: len(rows(running.server)) == 2 and expected_marks(running.server))
        assert running.source()["up"] and running.source()["problem"] == ""
    assert PASSWORD.encode() not in running.everything()


def without(*names):
    return lambda access, folder, stranger: [access.pop(name) for name in names]


REFUSED_BY_PROMETHEUS = {
    "another authority": (lambda access, folder, stranger: access.update(ca_file=str(stranger.file)), "certificate"),
    "no authority but the system's": (without("ca_file"), "certificate"),
    "no client certificate": (without("certificate_file", "key_file"), "certificate"),
    "a wrong password": (lambda access, folder, stranger: (
        (folder / "wrong").write_text("another password"), access.update(password_file=str(folder / "wrong"))), "401"),
    "no password": (without("user", "password_file"), "401"),
    "a password file that is not there": (lambda access, folder, stranger: access.update(password_file="absent"), "absent"),
}


@pytest.mark.parametrize("mistake", REFUSED_BY_PROMETHEUS)
def test_what_a_prometheus_behind_tls_does_not_like_is_told(mistake, prometheus, stranger, tmp_path):
    base, access = prometheus[0], dict(prometheus[1])
    change, says = REFUSED_BY_PROMETHEUS[mistake]
    change(access, tmp_path, stranger)
    with Running(Race(tmp_path, asked(base, **access))) as running:
        problem = running.problem()
        assert says in problem, problem
        assert not running.source()["up"] and not rows(running.server)
        told = wait_for(lambda: [event for event in running.race.events("source") if event["condition"] == "down"])
        assert says in told[0]["evidence"]
    assert "source central is down" in running.said and says in running.said
    assert PASSWORD.encode() not in running.everything()


# --- a server that wants a token ---


class Guarded:
    """Says what a Prometheus without series says, to whoever has the token; remembers what it was sent."""

    def __init__(self, certificate, key, token=TOKEN, redirect=None):
        self.token, self.sent = token, []
        guarded = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                guarded.sent.append(self.headers["Authorization"])
                if redirect:
                    return self.answer(307, "", ("Location", redirect + self.path))
                if self.headers["Authorization"] != f"Bearer {guarded.token}":
                    return self.answer(401, "Unauthorized")
                is_time = form.startswith("query=time%28%29")
                kind = "vector" if self.path.endswith("/query") else "matrix"
                data = {"resultType": "scalar", "result": [time.time(), str(time.time())]} if is_time else {"resultType": kind, "result": []}
                self.answer(200, json.dumps({"status": "success", "data": data}))

            def answer(self, status, text, *headers):
                self.send_response(status)
                for header in (*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(text)))):
                    self.send_header(*header)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # who does not trust us hangs up: that is the point

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = Quiet(("127.0.0.1", 0), Handler)
        # The handshake is the thread's of that connection: nobody who fails it holds up the others.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def guarded_race(folder, url, authority, token=TOKEN):
    (folder / "token").write_text(token + "\n")
    what = quest(int(time.time()) - 60, [{"name": "central", "prometheus": url, "interval": "1s", "timeout": "5s",
                                          "ca_file": str(authority.file), "bearer_token_file": "token"}])
    return Race(folder, what)


def test_a_token_is_sent_from_its_file_which_may_change_and_is_never_shown(authority, tmp_path):
    with Guarded(*authority.sign("token", "IP:127.0.0.1")) as guarded:
        race = guarded_race(tmp_path, guarded.url, authority)
        with Running(race) as running:
            wait_for(lambda: running.source()["up"] and running.source()["rounds"] >= 2)
            assert set(guarded.sent) == {f"Bearer {TOKEN}"}
            # The server has a new token before the file has: down, with the reason; and up again once the file has it.
            guarded.token = TOKEN + "-the-second"
            assert "401" in wait_for(lambda: not running.source()["up"] and running.source()["problem"])
            (tmp_path / "token").write_text(guarded.token)
            assert wait_for(lambda: running.source()["up"])
            answers = [running.server.request(path)[2] for path in ("/api/quest/sources", "/api/quest/standings", "/metrics")]
        assert guarded.sent[-1] == f"Bearer {guarded.token}"
    assert TOKEN.encode() not in b"".join(answers) + running.everything()


REFUSED = {
    "another authority": ("stranger", "IP:127.0.0.1", (-1, 2), "certificate"),
    "an expired certificate": ("authority", "IP:127.0.0.1", (-3, -1), "expired"),
    "a certificate that is not valid yet": ("authority", "IP:127.0.0.1", (1, 2), "not yet valid"),
    "a certificate for another name": ("authority", "DNS:elsewhere.example", (-1, 2), "127.0.0.1"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_certificate_that_is_wrong_is_told_and_gets_no_token(mistake, authority, stranger, tmp_path):
    signer, subject, days, says = REFUSED[mistake]
    signer = stranger if signer == "stranger" else authority
    with Guarded(*signer.sign(mistake.replace(" ", "-"), subject, days=days)) as guarded:
        with Running(guarded_race(tmp_path, guarded.url, authority)) as running:
            problem = running.problem()
            assert says in problem.split(guarded.url)[-1].split(": ", 1)[-1] and "SSL" in problem, problem
            assert not running.source()["up"]
            failures = running.source()["failures"]
            wait_for(lambda: running.source()["failures"] > failures)  # it is tried again
        assert guarded.sent == [], "nothing is asked before the server is known"
    assert "source central is down" in running.said and says in running.said
    assert TOKEN.encode() not in running.everything()


def test_a_redirect_to_another_host_gets_no_token(authority, tmp_path):
    with Guarded(*authority.sign("other", "DNS:localhost")) as other:
        there = f"https://localhost:{other.server.server_port}"
        with Guarded(*authority.sign("first", "IP:127.0.0.1"), redirect=there) as first:
            with Running(guarded_race(tmp_path, first.url, authority)) as running:
                assert "401" in running.problem()
            assert f"Bearer {TOKEN}" in first.sent
        assert other.sent and set(other.sent) == {None}


def test_a_server_without_tls_gets_no_token_over_https(authority, tmp_path):
    """Somebody who listens in plaintext where TLS was expected hears a handshake and no secret."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard = []

        def listen():
            try:
                while True:
                    with listener.accept()[0] as connection:
                        heard.append(connection.recv(4096))
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                return
        threading.Thread(target=listen, daemon=True).start()
        with Running(guarded_race(tmp_path, f"https://127.0.0.1:{listener.getsockname()[1]}", authority)) as running:
            assert "SSL" in running.problem()
        listener.shutdown(socket.SHUT_RDWR)
    assert heard and all(TOKEN.encode() not in part for part in heard)


def test_a_token_in_clear_to_another_machine_is_warned_of_at_the_start(tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    # Not this machine, and no packet leaves it: nobody connects to a broadcast address.
    what = asked("http://255.255.255.255:9090", bearer_token_file="token")
    with Running(Race(tmp_path, what)) as running:
        assert board(running.server)["state"] == "finished"
    assert "goes to http://255.255.255.255:9090 in clear" in running.said and TOKEN not in running.said
