"""Starting a server for a test and talking to it, down to the socket."""
import contextlib
import fcntl
import http.client
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("RAILQUEST_BUILD", ROOT / "build"))
RAILQUEST = BUILD / "bin" / "railquest"
HTTP_ECHO = BUILD / "tests" / "support" / "http_echo"


def free_port():
    """Where that can be, below those that the kernel gives to connections: one could take it before its owner listens, or while that
    is restarted; a client that tries it again and again could even meet itself there."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(100):
        port = random.SystemRandom().randrange(10000, lowest) if lowest > 20000 else 0
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise AssertionError("no free port")


def ninja(*targets):
    """Builds them. Of two that write into one folder the second waits."""
    with open(BUILD / "e2e.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["ninja", "-C", BUILD, *targets], check=True, stdout=subprocess.DEVNULL, timeout=600)


def is_sanitized(program):
    """Under a sanitizer freed memory stays resident: what a test says about memory is not meant for it."""
    data = pathlib.Path(program).read_bytes()
    return b"__asan_init" in data or b"__tsan_init" in data


class Server:
    """A running server; `with` stops it and sees that it stopped well."""

    def __init__(self, command, environment=None):
        self.started = time.monotonic()
        self.sanitized = is_sanitized(command[0])
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on http://(.+):(\d+)\n", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"no address in {line!r}; {self.process.stderr.read()}")
        self.host, self.port = found[1].strip("[]"), int(found[2])

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=20)
        if kind is None:
            assert self.process.returncode == 0, errors

    def request(self, target, body=None, headers=None, method=None):
        """(status, headers, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        headers = dict(headers or {})
        if isinstance(body, str):
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        try:
            connection.request(method or ("POST" if body is not None else "GET"), target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def send(self, data, wait=5):
        """Everything that comes back for raw bytes, until the server closes or is silent."""
        with self.connect(wait) as client:
            try:
                client.sendall(data)
            except OSError:
                pass  # closed on us in the middle: what it said before may still be there
            parts = []
            try:
                while part := client.recv(65536):
                    parts.append(part)
            except OSError:
                pass
            return b"".join(parts)

    def connect(self, timeout=10):
        return socket.create_connection((self.host, self.port), timeout)

    def memory_kib(self, name="VmRSS"):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+) kB", text)[1])

    def grew_kib(self, before):
        return 0 if self.sanitized else self.memory_kib() - before


class Stream:
    """A client of Server-Sent Events."""

    def __init__(self, server, target, headers=""):
        self.socket = server.connect()
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: test\r\n{headers}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, value = line.decode().split(": ", 1)
            self.headers[name.lower()] = value

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def event(self):
        """The next event's fields; None at the end of the stream."""
        fields = {}
        while line := self.file.readline():
            text = line.decode().rstrip("\n")
            if not text and fields:
                return fields
            if text and not text.startswith(":"):
                name, _, value = text.partition(": ")
                fields[name] = value
        return None

    def close(self):
        self.file.close()
        self.socket.close()
