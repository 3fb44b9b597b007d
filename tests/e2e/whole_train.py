"""A whole train under its supervisor: five programs, a broker of its own, a hub behind the fake BlueZ or a stand-in."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.request

from railway import wait_until
from serving import BUILD, ninja

TRAIN = BUILD / "bin/railquest-train"
FILM = BUILD / "film/track.avi"


def make_film():
    """The film and what must be ordered in it; drawn once."""
    ninja("track-film")
    return json.loads(FILM.with_suffix(".json").read_text())


class Train:
    """`railquest-train run`; all that it said is in `lines`, each with when it came (monotonic, in µs)."""

    def __init__(self, *options, bluetooth=None):
        environment = {**os.environ, **({"DBUS_SYSTEM_BUS_ADDRESS": bluetooth.address} if bluetooth else {})}
        self.process = subprocess.Popen(
            [str(word) for word in (TRAIN, "run", "--listen", "127.0.0.1:0", "--free-ports", *options)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append((time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000, line.rstrip("\n")))

    def text(self):
        return "\n".join(line for _, line in list(self.lines))

    def wait_for(self, pattern, seconds=30, after=0):
        """(when, match) of the first line from number `after` on that the pattern is found in."""
        found = []

        def look():
            for at, line in list(self.lines)[after:]:
                match = re.search(pattern, line)
                if match:
                    found.append((at, match))
                    return True
            return False

        wait_until(lambda: look() or self.process.poll() is not None, lambda: f"no {pattern!r} in\n{self.text()}", seconds)
        assert found or look(), f"it ended without {pattern!r}:\n{self.text()}"
        return found[0]

    def broker_url(self):
        return self.wait_for(r"this train has its own at (\S+)")[1][1]

    def address(self, name):
        """Of one program's HTTP; the supervisor's own is "train"."""
        mark = r"^" if name == "train" else rf"^{name} +\| "
        return self.wait_for(mark + r"listening on http://(\S+)")[1][1]

    def ask(self, name, path, data=None):
        request = urllib.request.Request(f"http://{self.address(name)}{path}", data=data)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def post(self, name, path):
        return self.ask(name, path, b"")

    def metric(self, name, label=""):
        for line in self.ask("train", "/metrics")[1].splitlines():
            if line.startswith(name) and label in line:
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no metric {name}")

    def wait_ready(self, *names, seconds=30):
        """Until these programs say that they are ready; all of them where none is named."""
        def ready():
            status, text = self.ask("train", "/ready")
            return all(f"ok {name}" in text.splitlines() for name in names) if names else status == 200

        wait_until(ready, lambda: f"{self.ask('train', '/ready')[1]}\n{self.text()}", seconds)

    def wait_connected(self):
        """Until all have the broker, and the controller its hub; subscriptions follow at once."""
        wanted = [(name, "broker") for name in ("capture", "inference", "decision", "controller")] + [("controller", "hub")]
        for name, condition in wanted:
            wait_until(lambda: f"ok {condition}" in self.ask(name, "/ready")[1],
                       lambda: f"{name}: {self.ask(name, '/ready')[1]}\n{self.text()}", 30)
        time.sleep(0.3)

    def pid(self, name):
        """Of one program; None while it does not run."""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                status = (folder / "stat").read_text()
                first = (folder / "cmdline").read_bytes().split(b"\0")[0].decode()
            except OSError:
                continue
            if int(status.rpartition(")")[2].split()[1]) == self.process.pid and \
                    os.path.basename(first) in (name, f"railquest-{name}"):
                return int(folder.name)
        return None

    def pids(self):
        names = ("mosquitto", "controller", "decision", "inference", "capture", "monitor")
        return {name: pid for name in names if (pid := self.pid(name))}

    def kill(self, name):
        """kill -9; returns when."""
        pid = self.pid(name)
        assert pid, f"{name} does not run"
        at = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        os.kill(pid, signal.SIGKILL)
        return at

    def close(self):
        """Orderly; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(40)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.reader.join(10)


def orders_of(log):
    """The orders of a decision log, in order."""
    return [json.loads(line)["order"] for line in pathlib.Path(log).read_text().splitlines()]


def check_orders(orders, truth):
    """Holds the decisions on the film's pictures against what must be ordered."""
    assert len(orders) == truth["frames"], len(orders)
    for span in truth["expected"]:
        given = orders[span["from"]:span["to"] + 1]
        assert given.count(span["order"]) >= span["at_least"], (span, given)
        assert set(given) <= {span["order"], "go"}, (span, given)
