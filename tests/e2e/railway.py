"""The decision and controller services on a real broker and the fake BlueZ, and a small client that stands for inference."""
import http.client
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time
import uuid

from serving import BUILD

BRAKE = "08 00 81 00 11 51 00 7f"
LOW = "08 00 81 00 11 51 00 46"
DISCONNECT = "04 00 02 02"
DEADMAN_MS = 300
CLOCK = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")


def now_us():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def wait_until(condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.01)


class Publisher:
    """MQTT 3.1.1: what a small client needs and no more. At QoS 1 it does not wait for the answers."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = uuid.uuid4().hex[:20].encode()
        self.number = 0
        self._send(0x10, b"\0\4MQTT\4\2" + struct.pack(">HH", 0, len(name)) + name)
        answer = self.socket.recv(4)
        assert answer[:1] == b"\x20" and answer[3] == 0, answer

    def _send(self, kind, body):
        length, left = b"", len(body)
        while True:
            left, digit = left >> 7, left & 0x7f
            length += bytes([digit | (0x80 if left else 0)])
            if not left:
                break
        self.socket.sendall(bytes([kind]) + length + body)

    def publish(self, topic, payload, qos=0):
        topic, number = topic.encode(), b""
        if qos:
            self.number = self.number % 65535 + 1
            number = struct.pack(">H", self.number)
            if select.select([self.socket], [], [], 0)[0]:
                self.socket.recv(1 << 16)  # so that they do not pile up
        self._send(0x30 | qos << 1,
                   struct.pack(">H", len(topic)) + topic + number + (payload if isinstance(payload, bytes) else payload.encode()))

    def close(self):
        self.socket.close()


class Service:
    """One of our programs. Its output and its log are in files, so that it never waits for a test."""

    def __init__(self, name, broker, *options, bluetooth=None, url=None, stderr=None):
        self.out, self.errors = tempfile.NamedTemporaryFile("w+"), tempfile.NamedTemporaryFile("w+")
        environment = {**os.environ, **({"DBUS_SYSTEM_BUS_ADDRESS": bluetooth.address} if bluetooth else {})}
        self.process = subprocess.Popen(
            [str(word) for word in (BUILD / f"bin/railquest-{name}", "--listen", "127.0.0.1:0", "--broker",
                                    url or f"mqtt://127.0.0.1:{broker.port}", *options)],
            stdout=self.out, stderr=stderr or self.errors, env=environment)
        wait_until(lambda: "listening" in self.said() or self.process.poll() is not None, "it does not listen")
        assert self.process.poll() is None, self.log()
        self.address = self.said().split("http://")[1].split()[0]

    def said(self):
        return pathlib.Path(self.out.name).read_text()

    def log(self):
        return pathlib.Path(self.errors.name).read_text()

    def ask(self, path, method="GET", **headers):
        """(status, text) of a request."""
        connection = http.client.HTTPConnection(self.address, timeout=5)
        try:
            # http.client adds its own Host only where none is given.
            connection.request(method, path, headers={name.capitalize(): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def post(self, path, **headers):
        return self.ask(path, "POST", **headers)

    def metric(self, name):
        for line in self.ask("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no metric {name}")

    def wait_ready(self, *names):
        """Until these conditions of /ready hold."""
        wait_until(lambda: all(f"ok {name}" in self.ask("/ready")[1] for name in names),
                   lambda: f"not ready: {self.ask('/ready')[1]} {self.log()}")

    def wait_log(self, part, seconds=10):
        wait_until(lambda: part in self.log(), lambda: f"no {part!r} in\n{self.log()}", seconds)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        """Orderly; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


class Signs:
    """Results as inference publishes them, of pictures that are taken now."""

    def __init__(self, port, topic="railquest/train/result"):
        self.port, self.topic = port, topic
        self.publisher = Publisher(port)
        self.boot, self.sequence = uuid.uuid4().hex, 0

    def result(self, *signs, captured_us=None):
        self.sequence += 1
        return {"version": 1, "kind": "result", "trace": f"{self.sequence:032x}", "source": "test", "boot": self.boot,
                "sequence": self.sequence, "clock": CLOCK, "captured_wall_ms": int(time.time() * 1000),
                "captured_monotonic_us": now_us() if captured_us is None else captured_us, "deadline_ms": 300,
                "image": {"format": "jpeg", "width": 600, "height": 400, "size": 0}, "model": "test", "backend": "test",
                "prepare_us": 1, "infer_us": 1, "finish_us": 1,
                "detections": [{"class_id": int(name == "DangerAhead"), "class_name": name, "confidence": 0.9,
                                "box": [x, 100, 40, 40]} for name, x in signs]}

    def see(self, *signs):
        """Publishes one; returns when its picture was taken."""
        result = self.result(*signs)
        self.publisher.publish(self.topic, json.dumps(result), qos=1)
        return result["captured_monotonic_us"]

    def see_for(self, seconds, *signs):
        """Ten a second; returns when the last picture was taken."""
        end = time.monotonic() + seconds
        while True:
            sent = self.see(*signs)
            time.sleep(0.1)
            if time.monotonic() >= end:
                return sent

    def reconnect(self):
        self.publisher.close()
        self.publisher = Publisher(self.port)


class Railway:
    """A broker, both services, a hub; armed."""

    def __init__(self, broker, bluetooth, *options, rules=None):
        self.broker, self.bluetooth = broker, bluetooth
        if not getattr(broker, "process", None):
            broker.start()
        self.decision = Service("decision", broker, *(["--rules", rules] if rules else []))
        self.controller = Service("controller", broker, *options, bluetooth=bluetooth)
        self.decision.wait_ready("broker")
        self.controller.wait_ready("broker", "hub")
        bluetooth.fake.wait_for("05 00 01 03 05")  # the last question of the greeting
        time.sleep(0.1)  # subscriptions follow the connection
        self.signs = Signs(broker.port)
        assert self.controller.post("/arm")[0] == 200
        bluetooth.fake.forget()

    def written(self, message, seconds=5):
        """When the hub got the message, in microseconds on the monotonic clock."""
        return int(self.bluetooth.fake.wait_for(message, seconds).split()[1])

    def drive(self, seconds=0.4):
        """It goes; returns when the last picture was taken."""
        self.signs.see()
        self.written(LOW)
        last = self.signs.see_for(seconds)
        self.bluetooth.fake.forget()
        return last

    def motor(self, first=0):
        return [line[-2:] for line in self.bluetooth.writes()[first:] if line.startswith("08 00 81 00 11 51 00")]

    def mode(self):
        return json.loads(self.controller.ask("/telemetry")[1])["mode"]

    def wait_mode(self, mode, seconds=5):
        wait_until(lambda: self.mode() == mode, lambda: f"{self.mode()}, not {mode}: {self.controller.log()}", seconds)

    def close(self):
        self.signs.publisher.close()
        for service in (self.controller, self.decision):
            if service.process.returncode is None:
                assert service.close() == 0, service.log()
