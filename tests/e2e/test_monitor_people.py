"""railquest-monitor --people: who may look, who may drive, and what the audit says of it."""
import hashlib
import http.client
import json
import signal
import subprocess
from datetime import datetime, timezone

import pytest

from mqtt import broker, needs_mosquitto  # noqa: F401 (a fixture)
from railway import Service, wait_until
from serving import BUILD
from websocket import CLOSE, TEXT, WebSocket

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
    room = Service("monitor", broker, "--people", people(tmp_path), "--audit", tmp_path / "audit")
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


def test_the_audit_is_in_a_file_that_can_be_moved_away_and_on_the_page(room, tmp_path):
    file, moved = tmp_path / "audit", tmp_path / "audit.1"

    def lines(file):
        return [json.loads(line) for line in file.read_text().splitlines()]
    before = datetime.now(timezone.utc)
    assert room.post("/api/train/arm", **headers("bob"))[0] == 403
    assert room.post("/api/train/arm", **headers("ada"))[0] == 202
    # Whoever is answered knows that it is written.
    assert [(line["who"], line["command"], line["result"]) for line in lines(file)[:2]] == [("bob", "arm", "forbidden"), ("ada", "arm", "sent")]
    wait_until(lambda: len(lines(file)) == 3, room.log)
    done = lines(file)[2]
    assert before <= datetime.fromisoformat(done.pop("at").replace("Z", "+00:00")) <= datetime.now(timezone.utc)
    assert done == {"version": 1, "kind": "audit", "who": "ada", "from": "127.0.0.1", "command": "arm", "id": lines(file)[1]["id"],
                    "train": "train", "result": "done", "reason": ""}
    shown = json.loads(room.ask("/api/train/status", **headers("bob"))[1])["commands"]
    assert [(one["who"], one["from"], one["outcome"]) for one in shown] == [("ada", "127.0.0.1", "done")]
    assert 0 <= shown[0]["given_ms"] - before.timestamp() * 1000 + 1 < 20_000
    # Moved away, and opened anew.
    file.rename(moved)
    room.process.send_signal(signal.SIGHUP)
    wait_until(file.exists, room.log)
    assert room.post("/api/train/stop", **headers("ada"))[0] == 202
    wait_until(lambda: [line["result"] for line in lines(file)] == ["sent", "done"], lambda: file.read_text())
    assert len(lines(moved)) == 3 and room.metric('railquest_monitor_audit_lines_total{outcome="written"}') == 5
    assert "ok audit" in room.ask("/ready")[1]


def test_a_full_disk_of_the_audit_is_told_and_stops_no_order(broker):  # noqa: F811
    broker.start()
    room = Service("monitor", broker, "--audit", "/dev/full")
    room.wait_ready("broker")
    json_only = {"content-type": "application/json"}
    assert room.post("/api/train/stop", **json_only)[0] == 202 and room.post("/api/train/stop", **json_only)[0] == 202
    room.wait_log("audit who=this-machine what=stop train=train result=sent")
    assert room.log().count("--audit: /dev/full: No space left on device; orders are carried out all the same") == 1
    assert "not ready: audit: /dev/full" in room.ask("/ready")[1]
    assert room.metric('railquest_monitor_audit_lines_total{outcome="lost"}') >= 2
    assert room.close() == 0
    told = subprocess.run([BUILD / "bin/railquest-monitor", "--listen", "127.0.0.1:0", "--audit", "/nowhere/audit"],
                          capture_output=True, text=True, timeout=20)
    assert told.returncode == 1 and "--audit: /nowhere/audit: No such file" in told.stderr


def test_whoever_is_removed_is_shown_out_at_once_and_a_broken_file_changes_nothing(room, tmp_path):
    file, both = tmp_path / "people", (tmp_path / "people").read_text()
    port = int(room.address.rsplit(":", 1)[1])

    def hang_up(text, log):
        file.write_text(text)
        before = room.log().count(log)
        room.process.send_signal(signal.SIGHUP)
        wait_until(lambda: room.log().count(log) > before, room.log)

    def look(name):
        """All ways that go on for long, by header, and one whose token is its first message."""
        streams = []
        for path in ("/api/train/stream", "/api/trains/stream", "/api/train/live.mjpeg", "/api/trains/live.mjpeg"):
            client = http.client.HTTPConnection(room.address, timeout=10)
            client.request("GET", path, headers=headers(name))
            streams.append(client.getresponse())
        late = WebSocket(port, "/api/train/live")
        late.say(f"token {TOKENS[name]}")
        sockets = [WebSocket(port, f"/api/{what}/live", headers(name).items()) for what in ("train", "trains")] + [late]
        for socket in sockets:
            assert socket.message()[0] == TEXT
        return streams, sockets

    def next_close(socket):
        while (message := socket.message())[0] != CLOSE:
            pass
        return int.from_bytes(message[1][:2], "big")
    (_, ada), (streams, bob) = look("ada"), look("bob")
    hang_up("ada driver nothing-that-is-a-hash\n", "; whoever might look and drive still may")
    assert f"--people {file}: line 1: after the role of ada" in room.log() and "nothing-that" not in room.log()
    assert "not ready: people: the new file is refused" in room.ask("/ready")[1]
    assert room.ask("/api/trains", **headers("bob"))[0] == 200 and bob[0].message()[0] == TEXT
    hang_up("".join(line for line in both.splitlines(True) if "bob" not in line), "read who may look and drive anew")
    assert room.ask("/api/trains", **headers("bob"))[0] == 401 and "ok people" in room.ask("/ready")[1]
    for stream in streams:
        stream.read()  # to its end, which comes
    assert [next_close(socket) for socket in bob] == [4401] * 3
    for socket in ada:  # who is in both goes on as before
        assert socket.message()[0] == TEXT
    assert room.metric('railquest_monitor_people_reloads_total{outcome="refused"}') == 1
    assert room.metric('railquest_monitor_people_reloads_total{outcome="taken"}') == 1
    # A driver who may only look from now on.
    hang_up(both.replace("ada driver", "ada viewer"), "read who may look and drive anew")
    assert room.post("/api/train/stop", **headers("ada"))[0] == 403
    assert room.ask("/api/trains", **headers("bob"))[0] == 200
    for socket in (*ada, *bob):
        socket.close()


def test_a_file_that_cannot_be_meant_is_refused_without_a_word_of_it(tmp_path):
    file = tmp_path / "people"
    for text, part in (("ada driver secret-token-in-clear", "line 1: after the role of ada"), ("", "nobody is in it")):
        file.write_text(text)
        told = subprocess.run([BUILD / "bin/railquest-monitor", "--listen", "127.0.0.1:0", "--people", file],
                              capture_output=True, text=True, timeout=20)
        assert told.returncode == 1 and part in told.stderr and "secret" not in told.stderr, told.stderr
