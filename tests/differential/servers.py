"""The two servers under test, and a connection that is kept open and answers in the order that it was asked."""
import contextlib
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

import remote_write

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Connection:
    """HTTP/1.1 without a library's overhead: `ask` sends, `answer` reads, and other connections may be asked in between."""

    def __init__(self, port, timeout=60):
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 1 << 16)

    def ask(self, path, parameters):
        body = urllib.parse.urlencode(parameters).encode()
        self.socket.sendall(b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                            b"Content-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body))

    def answer(self):
        """(status, body). The caller opens another connection where the server closed this one."""
        status = self.file.readline()
        if not status:
            raise ConnectionError("the server closed the connection")
        length, chunked = None, False
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"transfer-encoding":
                chunked = value.strip().lower() == b"chunked"
        return int(status.split()[1]), self.chunks() if chunked else self.file.read(length or 0)

    def chunks(self):
        parts = []
        while size := int(self.file.readline(), 16):
            parts.append(self.file.read(size))
            self.file.readline()
        self.file.readline()
        return b"".join(parts)

    def close(self):
        self.file.close()
        self.socket.close()


def version_of(program):
    told = subprocess.run([program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return re.search(r"version (\d[\w.]*)", told)[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(process, port, path="/-/ready"):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            connection = Connection(port, 5)
            connection.socket.sendall(b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
            status, _ = connection.answer()
            connection.close()
            if status == 200:
                return
        time.sleep(0.02)
    raise RuntimeError(f"not ready: {process.args[0]}, exit status {process.poll()}")


class Running:
    """A server: where it listens, and what it has cost."""

    def __init__(self, process, port):
        self.process, self.port = process, port

    def cpu_s(self):
        """CPU seconds of its threads, to the nanosecond where the kernel counts so; of those that ended meanwhile none."""
        total_ns = 0
        for thread in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total_ns += int((thread / "schedstat").read_text().split()[0])
        return total_ns / 1e9

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def memory_mib(self, name):
        """VmHWM (the peak) or VmRSS."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1024


@contextlib.contextmanager
def stopped_at_the_end(process):
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def prometheus(folder, series_messages):
    """Debian's Prometheus with the given remote-write messages in its store."""
    folder = pathlib.Path(folder)
    (folder / "empty.yml").write_text("global: {}\n")
    port = free_port()
    command = [shutil.which("prometheus"), f"--config.file={folder}/empty.yml", f"--storage.tsdb.path={folder}/data",
               f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver",
               "--log.level=error", "--enable-feature=promql-per-step-stats"]
    with open(folder / "prometheus.log", "wb") as log, stopped_at_the_end(subprocess.Popen(command, stdout=log, stderr=log)) as process:
        wait_until_ready(process, port)
        for at in range(0, len(series_messages), 500):
            remote_write.send(port, "/api/v1/write", series_messages[at:at + 500])
        yield Running(process, port)


@contextlib.contextmanager
def railquest(program, files, arguments=()):
    """`railquest serve` with files loaded."""
    command = [str(program), "serve", "--listen", "127.0.0.1:0", *arguments]
    for file in files:
        command += ["--load", str(file)]
    with stopped_at_the_end(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
        line = process.stdout.readline()
        found = re.fullmatch(r"listening on http://.+:(\d+)\n", line)
        if not found:
            raise RuntimeError(f"railquest serve said {line!r}")
        yield Running(process, int(found[1]))
