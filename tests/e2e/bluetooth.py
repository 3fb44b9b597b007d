"""A private D-Bus daemon with the fake BlueZ on it (tests/support/fake_bluez), and programs that talk to it."""
import os
import pathlib
import queue
import shutil
import subprocess
import tempfile
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("RAILQUEST_BUILD", ROOT / "build"))
FAKE = BUILD / "tests/support/fake_bluez"
DRIVE = BUILD / "tests/support/hub_drive"

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
"""


class Program:
    """A program that is spoken to in lines. All that it said is in `lines`."""

    def __init__(self, command, address):
        self.process = subprocess.Popen([str(word) for word in command], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": address})
        self.lines = []
        self.unread = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self.unread.put(self.lines[-1])

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait_for(self, part, seconds=10):
        """The next line that was not read yet and has `part` in it."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self.unread.get(timeout=max(0.001, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {part!r} within {seconds} s; there was:\n" + "\n".join(self.lines))
            if part in line:
                return line

    def forget(self):
        """What was said until now is not waited for any more."""
        while not self.unread.empty():
            self.unread.get()

    def close(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            # The last lines may still be on their way from the pipe.
            self.reader.join(10)


class Bluetooth:
    """The daemon and the fake; `fake.say("drop")` and the like are its fault switches."""

    def __init__(self, folder):
        if not shutil.which("dbus-daemon"):
            pytest.skip("dbus-daemon is not installed (./setup --test)")
        socket = pathlib.Path(folder) / "bus"
        config = pathlib.Path(folder) / "bus.conf"
        config.write_text(CONFIG.format(socket=socket))
        self.address = f"unix:path={socket}"
        self.daemon = subprocess.Popen(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"],
                                       stdout=subprocess.PIPE, text=True)
        assert self.daemon.stdout.readline()
        self.start_fake()

    def start_fake(self):
        self.fake = Program([FAKE], self.address)
        self.fake.wait_for("ready")

    def order(self, command):
        self.fake.say(command)
        self.fake.wait_for("done " + command.split()[0])

    def drive(self, *allowed):
        return Program([DRIVE, *allowed], self.address)

    def writes(self, since_us=0):
        """The bytes written to the first hub, as hexadecimal text, in order: all that were written until now."""
        self.hear_out()
        return [line.split(" ", 3)[3] for line in self.fake.lines if line.startswith("write") and int(line.split()[1]) >= since_us]

    def hear_out(self):
        """Waits for what the fake has said already: its answer to a word that it does not know comes after that."""
        answers = self.fake.lines.count("unknown everything?")
        try:
            self.fake.say("everything?")
        except (OSError, ValueError):  # it was ended, and what it said was read to the end
            return
        deadline = time.monotonic() + 10
        while self.fake.lines.count("unknown everything?") == answers and self.fake.process.poll() is None:
            assert time.monotonic() < deadline, "the fake does not answer"
            time.sleep(0.002)

    def close(self):
        self.fake.close()
        self.daemon.terminate()
        self.daemon.wait(10)


@pytest.fixture
def bluetooth():
    # Not tmp_path: a socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="rq-bus-") as folder:
        bus = Bluetooth(folder)
        yield bus
        bus.close()
