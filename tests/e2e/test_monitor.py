"""railquest-monitor over HTTP and MQTT: who may ask, what is answered, what a broken message does."""
import contextlib
import http.client
import json
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

from bluetooth import BUILD
from mqtt import Broker
from serving import is_sanitized

PROGRAM = BUILD / "bin/railquest-monitor"
ROOT = pathlib.Path(__file__).resolve().parents[2]
ID = "0af7651916cd43dd8448eb211c80319c"
JPEG = b"\xff\xd8\xff\xe0 not much of a picture \xff\xd9"
pytestmark = pytest.mark.skipif(not shutil.which("mosquitto") or not shutil.which("mosquitto_pub"),
                                reason="mosquitto is not installed (./setup --test)")


@pytest.fixture
def broker():
    with tempfile.TemporaryDirectory(prefix="rq-monitor-") as folder:
        broker = Broker(folder)
        broker.start()
        yield broker
        broker.kill()


class Monitor:
    def __init__(self, broker, *options, listen="127.0.0.1:0"):
        self.process = subprocess.Popen(
            [PROGRAM, "--listen", listen, "--broker", f"mqtt://127.0.0.1:{broker.port}", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.match(r"listening on http://(.*):(\d+)$", line)
        assert found, line + self.process.stderr.read()
        self.port = int(found[2])
        self.token = None
        self.sanitized = is_sanitized(PROGRAM)

    def ask(self, method, path, body=None, timeout=10, **headers):
        """Status, headers, body."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named.setdefault("Authorization", f"Bearer {self.token}")
        client.request(method, path, body, named)
        answer = client.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        client.close()
        return found

    def post(self, path, **headers):
        return self.ask("POST", path, "{}", **{"Content_Type": "application/json", **headers})

    def status(self, wanted=lambda status: True):
        for _ in range(200):
            status = json.loads(self.ask("GET", "/api/train/status")[2])
            if wanted(status):
                return status
            time.sleep(0.05)
        raise AssertionError(f"never as wanted: {status}")

    def metric(self, name):
        for line in self.ask("GET", "/metrics")[2].decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no {name}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@contextlib.contextmanager
def running(broker, *options, token=None, **more):
    monitor = Monitor(broker, *options, **more)
    monitor.token = token
    monitor.status(lambda status: status["hello"]["broker"])
    time.sleep(0.1)
    try:
        yield monitor
    finally:
        code, errors = monitor.stop()
    assert code == 0, errors


def publish(broker, topic, payload):
    client = subprocess.run(["mosquitto_pub", "-p", str(broker.port), "-t", topic, "-q", "1", "-s"], input=payload, timeout=20)
    assert client.returncode == 0


def frame(sequence=1, picture=JPEG):
    line = {"version": 1, "kind": "frame", "trace": f"{sequence:032x}", "source": "front", "boot": ID,
            "sequence": sequence, "clock": ID, "captured_wall_ms": 1, "captured_monotonic_us": 1, "deadline_ms": 300,
            "image": {"format": "jpeg", "width": 600, "height": 400, "size": len(picture)}}
    return json.dumps(line).encode() + b"\n" + picture


def test_who_is_at_this_machine_may_stop_and_no_page_of_another_site(broker):
    with running(broker) as monitor:
        heard = broker.subscriber("railquest/train/command")
        status, _, body = monitor.post("/api/train/stop")
        assert status == 202, body
        line = heard.stdout.readline()
        while not line.startswith("railquest/"):
            line = heard.stdout.readline()
        message = json.loads(line.split(" ", 1)[1])
        heard.kill()
        assert message["command"] == "stop" and message["id"] == json.loads(body)["id"]
        here = f"127.0.0.1:{monitor.port}"
        assert monitor.post("/api/train/arm", Origin=f"http://{here}")[0] == 202
        for headers in ({"Origin": "https://example.org"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
                        {"Host": "rebound.example"}, {"Host": f"rebound.example:{monitor.port}"}):
            assert monitor.post("/api/train/stop", **headers)[0] == 403, headers
        assert monitor.post("/api/train/stop", Content_Type="text/plain")[0] == 415
        assert monitor.post("/api/train/stop", Content_Type="application/x-www-form-urlencoded")[0] == 415
        assert monitor.ask("GET", "/api/train/status", Host="rebound.example")[0] == 403
        assert monitor.ask("GET", "/api/train/stop")[0] == 405
        assert monitor.ask("POST", "/api/train/stop", "x" * 5000, Content_Type="application/json")[0] == 413
        assert monitor.metric("railquest_monitor_refused_requests_total") == 8
        assert monitor.metric('railquest_monitor_commands_total{command="stop",outcome="sent"}') == 1


def test_off_loopback_there_is_a_token_or_nobody_listens(broker, tmp_path):
    broker_url = f"mqtt://127.0.0.1:{broker.port}"
    refused = subprocess.run([PROGRAM, "--listen", "0.0.0.0:0", "--broker", broker_url], text=True, timeout=20,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert refused.returncode == 1 and "--token-file" in refused.stderr and not refused.stdout
    secret = "correct-horse-battery-staple"
    file = tmp_path / "token"
    file.write_text(secret + "\nmore\n")
    # A token on loopback works the same, and no test of ours listens elsewhere.
    with running(broker, "--token-file", str(file), token=secret) as monitor:
        assert monitor.post("/api/train/stop")[0] == 202
        for wrong in ("Bearer", "Bearer x", f"Bearer {secret}x", f"Basic {secret}"):
            status, headers, body = monitor.post("/api/train/stop", Authorization=wrong)
            assert status == 401 and headers["www-authenticate"] == "Bearer", body
            assert secret.encode() not in body
        for path in ("/api/train/status", "/api/train/stream", "/api/train/frame.jpg"):
            assert monitor.ask("GET", path, Authorization="Bearer no")[0] == 401
        assert monitor.ask("GET", "/", Authorization="")[0] == 200  # the page asks its viewer for it
    file.write_text("short\n")
    refused = subprocess.run([PROGRAM, "--listen", "127.0.0.1:0", "--broker", broker_url, "--token-file", file], text=True,
                             timeout=20, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert refused.returncode == 1 and "5 bytes" in refused.stderr


def test_the_page_comes_with_a_policy_and_nothing_from_elsewhere(broker):
    with running(broker) as monitor:
        status, headers, body = monitor.ask("GET", "/")
        assert status == 200 and b"train" in body
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        for path in re.findall(rb'(?:src|href)="\./(assets/[^"]+)"', body):
            assert monitor.ask("GET", "/" + path.decode())[0] == 200
        assert monitor.ask("GET", "/assets/../train.html")[0] in (400, 403, 404)
        assert monitor.ask("GET", "/nothing")[0] == 404


def test_the_newest_picture_comes_as_it_came(broker):
    with running(broker) as monitor:
        assert monitor.ask("GET", "/api/train/frame.jpg")[0] == 204
        for sequence in range(1, 4):
            publish(broker, "railquest/train/frame", frame(sequence, JPEG + bytes([sequence])))
        monitor.status(lambda status: status.get("frame", {}).get("sequence") == 3)
        status, headers, body = monitor.ask("GET", "/api/train/frame.jpg")
        assert status == 200 and body == JPEG + b"\x03"
        assert headers["Content-Type"] == "image/jpeg" and headers["cache-control"] == "no-store"
        assert headers["x-train-trace"] == f"{3:032x}"
        number = int(headers["x-train-picture"])
        status, headers, body = monitor.ask("GET", f"/api/train/frame.jpg?after={number}")
        assert status == 204 and not body
        assert monitor.ask("GET", f"/api/train/frame.jpg?after={number - 1}")[0] == 200
        for wrong in ("x", "-1", "1e3"):
            assert monitor.ask("GET", f"/api/train/frame.jpg?after={wrong}")[0] == 400


def test_a_big_picture_comes_whole(broker):
    with running(broker) as monitor:
        picture = JPEG + bytes(range(256)) * 12000  # 3 MB
        publish(broker, "railquest/train/frame", frame(1, picture))
        monitor.status(lambda status: "frame" in status)
        assert monitor.ask("GET", "/api/train/frame.jpg")[2] == picture


def test_broken_messages_are_counted_and_harm_nothing(broker):
    with running(broker) as monitor:
        kinds = ("frame", "result", "decision", "telemetry", "state/capture")
        for kind in kinds:
            for payload in (b"", b"{", b"\x00\xff" * 100, b"[" * 5000, frame(1)[:200]):
                if payload:
                    publish(broker, f"railquest/train/{kind}", payload)
        publish(broker, "railquest/train/frame", frame(7))
        monitor.status(lambda status: status.get("frame", {}).get("sequence") == 7)
        for kind in ("frame", "result", "decision", "telemetry", "state"):
            # The topics of pictures keep the newest alone: some of the broken ones are never read.
            count = monitor.metric(f'railquest_monitor_messages_total{{kind="{kind}",outcome="unreadable"}}')
            assert 1 <= count <= 4
        assert monitor.ask("GET", "/live")[0] == 200


def test_ready_says_whether_pictures_come(broker):
    with running(broker, "--stale-after", "500ms") as monitor:
        status, _, body = monitor.ask("GET", "/ready")
        assert status == 503 and b"no picture yet" in body
        for sequence in range(1, 100):
            publish(broker, "railquest/train/frame", frame(sequence))
            if monitor.ask("GET", "/ready")[0] == 200:
                break
        else:
            raise AssertionError("never ready")
        deadline = time.monotonic() + 10
        while monitor.ask("GET", "/ready")[0] == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        status, _, body = monitor.ask("GET", "/ready")
        assert status == 503 and b"s old" in body


def test_a_lost_broker_is_told_and_a_stop_is_not_taken_for_sent(broker):
    with running(broker) as monitor:
        broker.kill()
        monitor.status(lambda status: not status["hello"]["broker"])
        status, _, body = monitor.post("/api/train/stop")
        assert status == 503 and b"broker" in body
        assert monitor.status()["commands"][-1]["outcome"] == "unsent"
        broker.start()
        monitor.status(lambda status: status["hello"]["broker"])
        assert monitor.post("/api/train/stop")[0] == 202


class Stream:
    """Events of /api/train/stream, each with the time at which it came."""

    def __init__(self, monitor, path="/api/train/stream"):
        self.client = http.client.HTTPConnection("127.0.0.1", monitor.port, timeout=10)
        self.client.request("GET", path)
        self.answer = self.client.getresponse()
        self.events = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError, ValueError):
            for line in self.answer:
                if line.startswith(b"data:"):
                    self.events.put(json.loads(line[5:]))


def test_the_stream_tells_all_then_what_changes_and_is_never_silent(broker):
    with running(broker) as monitor:
        stream = Stream(monitor)
        first = stream.events.get(timeout=5)
        assert first["hello"]["train"] == "train" and len(first["services"]) == 4
        publish(broker, "railquest/train/frame", frame(1))
        told = stream.events.get(timeout=5)
        while "frame" not in told:
            told = stream.events.get(timeout=5)
        assert "hello" not in told and told["frame"]["sequence"] == 1
        # Then a word a second, by which silence means a broken way.
        for _ in range(3):
            assert set(stream.events.get(timeout=5)) == {"now_us"}
        assert monitor.metric("railquest_monitor_viewers") == 1
        stream.client.close()


def test_a_viewer_that_does_not_read_gets_no_queue(broker):
    with running(broker) as monitor, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        slow.connect(("127.0.0.1", monitor.port))
        slow.sendall(f"GET /api/train/stream HTTP/1.1\r\nHost: 127.0.0.1:{monitor.port}\r\n\r\n".encode())
        box = {"class_id": 0, "class_name": "SpeedLimit", "confidence": 0.5, "box": [1.25, 2.25, 3.25, 4.25]}
        client = subprocess.Popen(["mosquitto_pub", "-p", str(broker.port), "-t", "railquest/train/result", "-q", "1", "-l"],
                                  stdin=subprocess.PIPE, text=True)
        for sequence in range(1, 201):
            line = {"version": 1, "kind": "result", "trace": f"{sequence:032x}", "source": "front", "boot": ID,
                    "sequence": sequence, "clock": ID, "captured_wall_ms": 1, "captured_monotonic_us": 1,
                    "deadline_ms": 300, "image": {"format": "jpeg", "width": 600, "height": 400, "size": 0},
                    "model": "signs", "backend": "test", "prepare_us": 1, "infer_us": 1, "finish_us": 1,
                    "detections": [box] * 1000}
            client.stdin.write(json.dumps(line) + "\n")
            client.stdin.flush()
            time.sleep(0.01)
        client.communicate(timeout=20)
        last = f"{200:032x}"
        status = monitor.status(lambda status: status.get("result", {}).get("trace") == last)
        assert status["result"]["count"] == 1000 and len(status["result"]["detections"]) == 100
        taken = monitor.metric('railquest_monitor_messages_total{kind="result",outcome="taken"}')
        slow.settimeout(10)
        heard = b""
        while last.encode() not in heard:
            heard += slow.recv(65536)
        assert taken > 60  # each of 9 kB on the page's side
        assert heard.count(b'"result"') < taken / 2, (heard.count(b'"result"'), taken)


def test_trains_are_asked_for_by_name_and_listed(broker):
    with running(broker, "--train", "blue") as monitor:
        publish(broker, "railquest/blue/frame", frame(3))
        monitor.status(lambda status: "frame" in status)
        for path in ("status", "frame.jpg", "stream"):
            status, _, body = monitor.ask("GET", f"/api/train/{path}?train=red")
            assert status == 404 and "red" in json.loads(body)["error"]
        assert monitor.post("/api/train/stop?train=red")[0] == 404
        assert json.loads(monitor.ask("GET", "/api/train/status?train=blue")[2])["frame"]["sequence"] == 3
        assert monitor.post("/api/train/stop?train=blue")[0] == 202
        listed = json.loads(monitor.ask("GET", "/api/trains")[2])
        assert listed["broker"] and [row["train"] for row in listed["trains"]] == ["blue"]
        row = listed["trains"][0]
        assert row["alive"] and row["number"] == 1 and 0 <= listed["now_us"] - row["at_us"] < 60e6
        told = Stream(monitor, "/api/trains/stream")
        assert told.events.get(timeout=5)["trains"][0]["train"] == "blue"
        publish(broker, "railquest/blue/frame", frame(4))
        rows = []
        while not rows or rows[0]["number"] < 2:
            rows = told.events.get(timeout=5)["trains"]
        while not rows or rows[0]["alive"]:  # then nothing but the time, until it has been silent for long
            rows = told.events.get(timeout=5)["trains"]
        told.client.close()


def test_the_originals_messages_are_shown(broker):
    with running(broker, "--compat", "crazytrain") as monitor:
        image = {"id": int(time.time() * 1000), "image": "/9j/2Q=="}
        result = {"id": image["id"], "image": "", "scale": 2.0, "pre-process": "0.01s", "inference": "0.05s",
                  "post-process": "0.00s", "total": "0.06s",
                  "detections": [{"class_id": 1, "class_name": "DangerAhead", "confidence": "0.87",
                                  "box": ["270.00", "10.00", "40.00", "20.00"]}]}
        publish(broker, "train-image", json.dumps(image).encode())
        publish(broker, "train-model-result", json.dumps(result).encode())
        publish(broker, "train-command", b"1")
        status = monitor.status(lambda status: {"frame", "result", "decision"} <= set(status))
        assert status["frame"]["trace"] == status["result"]["trace"]
        assert status["result"]["detections"][0]["box"] == [540, 20, 80, 40]
        assert status["decision"]["order"] == "stop"
        heard = broker.subscriber("train-command")
        assert monitor.post("/api/train/stop")[0] == 202
        line = heard.stdout.readline()
        while not line.startswith("train-command"):
            line = heard.stdout.readline()
        heard.kill()
        assert line == "train-command 1\n"


def test_help_names_its_options_and_a_file_sets_them(broker, tmp_path):
    text = subprocess.run([PROGRAM, "run", "--help"], text=True, stdout=subprocess.PIPE, check=True).stdout
    for option in ("--token-file", "--stale-after", "--listen", "--broker", "--compat", "--config"):
        assert option in text
    schema = json.loads((ROOT / "docs/config/monitor.schema.json").read_text())
    assert set(schema["properties"]) == set(re.findall(r"^ +--([a-z-]+)", text, re.MULTILINE)) - {"config", "help"}
    config = pathlib.Path(tmp_path / "monitor.yaml")
    config.write_text("train: blue\nstale-after: 3s\n")
    with running(broker, "--config", str(config)) as monitor:
        hello = monitor.status()["hello"]
        assert hello["train"] == "blue" and hello["stale_ms"] == 3000
