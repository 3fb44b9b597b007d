"""railquest-inference as a service: pictures over a real Mosquitto in, results out, in our form and in the original's."""
import base64
import json
import os
import pathlib
import subprocess
import sys
import time

import jsonschema
import pytest

from mqtt import broker, needs_mosquitto  # noqa: F401 (a fixture)
from serving import BUILD, ROOT, Server

SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))
PHOTOS = sorted((SHARED / "lego-signs/images").glob("*.jpg"))
sys.path.insert(0, str(ROOT / "learn"))
import modelfile  # noqa: E402
import onnxfile  # noqa: E402

pytestmark = [needs_mosquitto, pytest.mark.skipif(not PHOTOS, reason="no photos beside the checkout")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Random weights: it sees something in every picture, though nothing that is there."""
    path = tmp_path_factory.mktemp("model") / "random.model"
    path.write_bytes(modelfile.random_model(1, min_confidence=0.3))
    return path


def inference(broker, model, *options):
    return Server([BUILD / "bin/railquest-inference", "--listen", "127.0.0.1:0", "--broker", f"mqtt://127.0.0.1:{broker.port}",
                   *(["--model", model] if model else []), *options])


def frame(picture, sequence, width=640, height=480):
    """A message as capture sends it."""
    wire_format = "webp" if picture[8:12] == b"WEBP" else "jpeg"
    head = {"version": 1, "kind": "frame", "trace": f"{sequence:032x}", "source": "test", "boot": "b" * 32, "sequence": sequence,
            "clock": "c" * 32, "captured_wall_ms": 1720432800000 + sequence, "captured_monotonic_us": sequence * 1000,
            "deadline_ms": 300, "image": {"format": wire_format, "width": width, "height": height, "size": len(picture)}}
    return json.dumps(head).encode() + b"\n" + picture


def wait_until(condition, what, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def metric(server, name):
    text = server.request("/metrics")[2].decode()
    found = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name + " ")]
    assert found, f"no {name} in\n{text}"
    return float(found[0])


def wait_for_broker(server):
    wait_until(lambda: metric(server, "railquest_bus_connected") == 1, "no connection to the broker")
    time.sleep(0.1)  # the subscription follows the connection


def valid(kind, message):
    jsonschema.validate(message, json.loads((ROOT / f"docs/wire/{kind}.schema.json").read_text()))
    return message


def test_each_picture_gets_a_result_that_says_where_it_came_from(broker, model):
    broker.start()
    with inference(broker, model) as server, broker.collector("railquest/train/result") as next_message:
        wait_for_broker(server)
        for sequence, photo in enumerate(PHOTOS[:4], 1):
            broker.publish_bytes("railquest/train/frame", frame(photo.read_bytes(), sequence))
            _, payload = next_message()
            head, _, rest = payload.partition(b"\n")
            result = valid("result", json.loads(head))
            assert result["sequence"] == sequence and result["trace"] == f"{sequence:032x}"
            assert (result["image"]["width"], result["image"]["height"]) == (640, 480)
            assert result["model"] == "random.model" and rest == b""
        assert metric(server, 'railquest_inference_frames_total{outcome="looked"}') == 4
        assert server.request("/ready")[0] == 200
        wait_until(lambda: server.request("/ready")[0] == 503, "stays ready without pictures")
        assert b"frames: no picture came for a while" in server.request("/ready")[2]


def test_without_a_model_named_it_takes_the_one_that_comes_along(broker):
    broker.start()
    with inference(broker, None) as server, broker.collector("railquest/train/result") as next_message:
        wait_for_broker(server)
        broker.publish_bytes("railquest/train/frame", frame(PHOTOS[0].read_bytes(), 1))
        assert json.loads(next_message()[1].partition(b"\n")[0])["model"] == "signs.model"


def test_an_onnx_model_runs_on_what_there_is_and_a_metric_says_on_what(broker, model, tmp_path):
    fetched = subprocess.run([ROOT / "scripts/onnxruntime"], stdout=subprocess.PIPE, text=True, timeout=600)
    if fetched.returncode == 77:
        pytest.skip("no ONNX Runtime for this processor")
    path = tmp_path / "random.onnx"
    path.write_bytes(onnxfile.from_model(model.read_bytes()))
    broker.start()
    with inference(broker, path, "--onnxruntime", fetched.stdout.strip(), "--providers", "cuda,cpu") as server, \
            broker.collector("railquest/train/result") as next_message:
        wait_for_broker(server)
        assert metric(server, 'railquest_inference_provider_info{provider="cpu"}') == 1
        broker.publish_bytes("railquest/train/frame", frame(PHOTOS[0].read_bytes(), 1))
        result = valid("result", json.loads(next_message()[1].partition(b"\n")[0]))
        assert result["model"] == "random.onnx" and result["detections"]
        assert result["backend"] == "ONNX Runtime:cpu"


def test_what_is_no_picture_is_counted_and_the_next_one_is_seen(broker, model):
    broker.start()
    photo = PHOTOS[0].read_bytes()
    with inference(broker, model) as server, broker.collector("railquest/train/result") as next_message:
        wait_for_broker(server)
        bad = [b"", b"{", b"[" * 100000, frame(photo[:len(photo) // 2], 1), frame(b"x" * 1000, 2), b"\n" + photo,
               frame(photo, 3).replace(b'"kind": "frame"', b'"kind": "decision"')]
        for i, payload in enumerate(bad, 1):
            broker.publish_bytes("railquest/train/frame", payload)
            wait_until(lambda: metric(server, 'railquest_inference_frames_total{outcome="failed"}') +
                       metric(server, 'railquest_inference_frames_total{outcome="unreadable"}') == i, f"message {i} not counted")
        assert metric(server, 'railquest_inference_frames_total{outcome="looked"}') == 0
        broker.publish_bytes("railquest/train/frame", frame(photo, 4))
        assert json.loads(next_message()[1].partition(b"\n")[0])["sequence"] == 4


def test_a_slow_model_sees_the_newest_picture_and_never_a_queue(broker, model):
    broker.start()
    photo = PHOTOS[0].read_bytes()
    with inference(broker, model, "--work", "300ms") as server, broker.collector("railquest/train/result") as next_message:
        wait_for_broker(server)
        for sequence in range(1, 31):
            broker.publish_bytes("railquest/train/frame", frame(photo, sequence))
        seen = []
        while not seen or seen[-1] != 30:
            seen.append(json.loads(next_message()[1].partition(b"\n")[0])["sequence"])
        assert seen == sorted(seen) and len(seen) < 20
        assert metric(server, 'railquest_bus_messages_total{outcome="replaced"}') == 30 - len(seen)


def test_it_stands_in_for_the_original(broker, model):
    broker.start()
    photo = PHOTOS[0].read_bytes()
    with inference(broker, model, "--compat=crazytrain") as server, broker.collector("train-model-result") as next_message:
        wait_for_broker(server)
        for given in (1720432800000, "2024-07-08T10:00:00Z"):
            broker.publish_bytes("train-image", json.dumps({"id": given, "image": base64.b64encode(photo).decode()}).encode())
            result = valid("train-model-result", json.loads(next_message()[1]))
            assert result["id"] == given and result["scale"] == 1 and base64.b64decode(result["image"]) == photo


def test_a_lost_broker_is_found_again(broker, model):
    broker.start()
    with inference(broker, model) as server:
        wait_for_broker(server)
        broker.kill()
        wait_until(lambda: metric(server, "railquest_bus_connected") == 0, "the loss was not noticed")
        assert server.request("/ready")[0] == 503 and server.request("/live")[0] == 200
        broker.start()
        wait_for_broker(server)
        with broker.collector("railquest/train/result") as next_message:
            broker.publish_bytes("railquest/train/frame", frame(PHOTOS[0].read_bytes(), 1))
            assert json.loads(next_message()[1].partition(b"\n")[0])["sequence"] == 1


def test_settings_that_cannot_be_meant_end_with_advice(broker, model, tmp_path):
    def told(*options):
        return subprocess.run([BUILD / "bin/railquest-inference", "--listen", "127.0.0.1:0", "--model", model, *options],
                              capture_output=True, text=True, timeout=20)

    far = told("--broker", "mqtt://192.0.2.1")
    assert far.returncode == 2 and "TLS" in far.stderr and "plaintext" in far.stderr
    assert "mqtts://HOST:PORT" in told("--broker", "192.0.2.1").stderr
    (tmp_path / "config.yaml").write_text("train: a/b\n")
    config = told("--config", tmp_path / "config.yaml")
    assert config.returncode == 2 and "a name without blanks" in config.stderr
    (tmp_path / "config.yaml").write_text("model: x\nbrocker: y\n")
    config = told("--config", tmp_path / "config.yaml")
    assert config.returncode == 2 and "config.yaml:2:1" in config.stderr and "broker" in config.stderr
