"""railquest-monitor --people: who may look, who may drive, and what the audit says of it."""
import hashlib
import json
import subprocess

import pytest

from mqtt import broker, needs_mosquitto  # noqa: F401 (a fixture)
from railway import Service, wait_until
from serving import BUILD

pytestmark = needs_mosquitto
TOKENS = {"ada": "ada-0123456789abcdef", "bob": "bob-0123456789abcdef"}


def people(folder):
    file = folder / "people"
    file.write_text("".join(f"{name} {role} {hashlib.sha256(TOKENS[name].encode()).hexdigest()}\n"
                            for name, role in (("ada", "driver"), ("bob", "viewer"))))
    return file


def headers(name):
    return {"content-type": "application/json", "authorization": f"Bearer {TOKENS.get(name, name)}"}


@pytest.fixture
def room(broker, tmp_path):  # noqa: F811
    broker.start()
    controller = Service("controller", broker, "--hub", "print")
    room = Service("monitor", broker, "--people", people(tmp_path))
    controller.wait_ready("broker", "hub")
    room.wait_ready("broker")
    yield room
    assert room.close() == 0 and controller.close() == 0, room.log()
    assert not any(token in room.log() for token in TOKENS.values())


def test_viewers_look_drivers_drive_and_each_order_is_in_the_audit(room):
    assert room.ask("/api/trains")[0] == 401 and room.ask("/api/trains", **headers("somebody-else-entirely"))[0] == 401
    for name in TOKENS:
        assert room.ask("/api/trains", **headers(name))[0] == 200
    status, text = room.post("/api/train/arm", **headers("bob"))
    assert status == 403 and json.loads(text)["error"] == "bob may look, not drive"
    assert room.post("/api/train/stop", **{"content-type": "application/json"})[0] == 401
    status, text = room.post("/api/train/arm", **headers("ada"))
    assert status == 202, text
    id = json.loads(text)["id"]
    room.wait_log("audit who=bob what=arm train=train result=forbidden id=")
    room.wait_log(f"audit who=ada what=arm train=train result=sent id={id}")
    room.wait_log(f"audit who=ada what=arm train=train result=done id={id}")
    assert room.post("/api/train/stop", **headers("ada"))[0] == 202
    wait_until(lambda: room.log().count("audit who=ada what=stop train=train result=done") == 1, room.log)


def test_a_file_that_cannot_be_meant_is_refused_without_a_word_of_it(tmp_path):
    file = tmp_path / "people"
    for text, part in (("ada driver secret-token-in-clear", "line 1: after the role of ada"), ("", "nobody is in it")):
        file.write_text(text)
        told = subprocess.run([BUILD / "bin/railquest-monitor", "--listen", "127.0.0.1:0", "--people", file],
                              capture_output=True, text=True, timeout=20)
        assert told.returncode == 1 and part in told.stderr and "secret" not in told.stderr, told.stderr
