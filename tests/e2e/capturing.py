"""Running railquest-capture for a test, and reading what it publishes and counts."""
import hashlib
import json
import time

import jsonschema
import pytest

from mqtt import running_broker
from serving import BUILD, ROOT, Server

CAPTURE = BUILD / "bin/railquest-capture"
FRAME = "railquest/train/frame"


def capture(broker, source, *options, environment=None):
    return Server([CAPTURE, "--listen", "127.0.0.1:0", "--broker", f"mqtt://127.0.0.1:{broker.port}", "--source", source,
                   *options], environment)


def valid(kind, message):
    jsonschema.validate(message, json.loads((ROOT / f"docs/wire/{kind}.schema.json").read_text()))
    return message


def read_frame(payload):
    """(the line of JSON, the picture) of a message in our form."""
    head, _, picture = payload.partition(b"\n")
    frame = valid("frame", json.loads(head))
    assert frame["image"]["size"] == len(picture)
    return frame, picture


def jpeg_size(picture):
    at = picture.index(b"\xff\xc0")
    return int.from_bytes(picture[at + 7:at + 9], "big"), int.from_bytes(picture[at + 5:at + 7], "big")


def metric(server, name, labels=""):
    text = server.request("/metrics")[2].decode()
    found = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(f"{name}{labels} ")]
    assert found, f"no {name}{labels} in\n{text}"
    return float(found[0])


def frames(server, outcome):
    return metric(server, "railquest_capture_frames_total", f'{{outcome="{outcome}"}}')


def is_up(server):
    return metric(server, "railquest_capture_camera_up") == 1


def ready(server):
    status, _, text = server.request("/ready")
    return status == 200, text.decode()


def wait_until(condition, what, timeout_s=20):
    """Seconds that it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + timeout_s, what
        time.sleep(0.02)
    return time.monotonic() - start


def sha(data):
    return hashlib.sha256(data).hexdigest()


def collect_card(broker, count, *options):
    with capture(broker, "test:", "--fps", "50", *options), broker.collector(FRAME) as next_message:
        return [read_frame(next_message()[1])[1] for _ in range(count)]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of eight different JPEG pictures, 640×480: drawn by the program itself."""
    folder = tmp_path_factory.mktemp("pictures")
    with running_broker("allow_anonymous true") as broker:
        for i, picture in enumerate(collect_card(broker, 8, "--size", "640x480")):
            (folder / f"{i:02}.jpg").write_bytes(picture)
    return folder


def contents(folder):
    return [path.read_bytes() for path in sorted(folder.iterdir())]
