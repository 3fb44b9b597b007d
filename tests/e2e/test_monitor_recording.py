"""What the monitor records of a train: a whole train with its own broker looks at a piece of the film, its monitor is killed in
the midst of it, and the past is asked for afterwards: history, pictures, clips, and decisions decided again."""
import http.client
import json
import shutil
import subprocess
import time

import pytest

import chromium
from mqtt import needs_mosquitto
from railway import wait_until
from serving import BUILD, ROOT
from whole_train import TRAIN, Train, make_film

pytestmark = [needs_mosquitto, pytest.mark.quiet]
MONITOR = BUILD / "bin/railquest-monitor"
FIRST, BEHIND = 190, 260  # pictures of the film: away, a STOP sign, away
PICTURES = BEHIND - FIRST


class Past:
    """A train that rode past a STOP sign, its monitor killed on the way; the train stands there, still recording."""

    def __init__(self, folder):
        make_film()
        self.frames, self.recording, self.log = folder / "frames", folder / "recording", folder / "decisions.ndjson"
        self.frames.mkdir()
        subprocess.run([BUILD / "film/film", f"{self.frames}/", folder / "truth.json"], check=True, timeout=300)
        for path in self.frames.iterdir():
            if not FIRST <= int(path.stem) < BEHIND:
                path.unlink()
        self.train = Train("--source", f"dir:{self.frames}", "--set", "capture.size=source", "--set", "capture.no-start", "--hub",
                           "print", "--set", f"decision.log={self.log}", "--set", f"monitor.record={self.recording}",
                           "--set", "monitor.record-size=64")
        try:
            self._ride()
        except BaseException:
            self.train.close()
            raise

    def _ride(self):
        self.train.wait_connected()
        wait_until(lambda: "ok broker" in self.train.ask("monitor", "/ready")[1], "the monitor has no broker", 20)
        time.sleep(0.5)
        self.train.post("controller", "/arm")
        self.began = time.time()
        self.train.post("capture", "/capture/start")
        time.sleep(5)
        self.killed = time.time()
        self.train.kill("monitor")
        self.train.wait_for(f"the source is over after {PICTURES} pictures", 60)
        # On a busy machine the detector may have left some out, but not the last.
        wait_until(lambda: self.log.exists() and f'"sequence":{PICTURES},' in self.log.read_text(), "the last picture was not decided on", 20)
        time.sleep(0.5)
        self.ended = time.time()

    def ask(self, path, **parameters):
        """(status, headers, body)"""
        address = self.train.address("monitor")
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        client = http.client.HTTPConnection(address, timeout=60)
        client.request("GET", f"{path}?{query}")
        answer = client.getresponse()
        found = answer.status, answer.headers, answer.read()
        client.close()
        return found

    def json(self, path, **parameters):
        status, _, body = self.ask(path, **parameters)
        assert status == 200, body
        return json.loads(body)

    def range(self):
        return {"from": f"{self.began - 1:.3f}", "to": f"{self.ended + 1:.3f}"}


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    past = Past(tmp_path_factory.mktemp("past"))
    yield past
    assert past.train.close() == 0, past.train.text()


def frames_of(past, events):
    """By their bytes: each recorded picture is one of the folder's."""
    known = {path.read_bytes(): int(path.stem) for path in past.frames.iterdir()}
    found = []
    for event in events:
        if event["kind"] != "frame":
            continue
        status, headers, body = past.ask("/api/train/history/frame.jpg", number=event["number"])
        assert status == 200 and headers["content-type"] == "image/jpeg" and headers["x-train-picture"] == str(event["number"])
        found.append(known[body])
    return found


def test_all_is_there_but_what_was_said_while_the_monitor_was_dead(past):
    events = past.json("/api/train/history/events", **past.range())
    assert not events["cut"]
    frames = frames_of(past, events["events"])
    assert frames == sorted(set(frames)), "in order, each once"
    gone = {int(n) for n in range(FIRST, BEHIND)} - set(frames)
    assert frames[0] == FIRST and frames[-1] == BEHIND - 1
    assert gone and max(gone) - min(gone) + 1 == len(gone), f"one gap, where it was killed: {sorted(gone)}"
    by_key = {}
    for event in events["events"]:
        by_key.setdefault(event.get("key"), {})[event["kind"]] = event
    whole = [each for each in by_key.values() if {"frame", "result", "decision"} <= set(each)]
    assert len(whole) >= len(frames) - 3
    signs = [each for each in whole if each["result"]["detections"]]
    assert signs and signs[-1]["result"]["detections"][0]["class_name"] in ("DangerAhead", "SpeedLimit")
    assert {event["command"] for event in events["events"] if event["kind"] == "command"} <= {"arm", "stop"}
    assert any(event["kind"] == "telemetry" and event["mode"] == "stopped" for event in events["events"])


def test_the_timeline_has_the_stop_and_the_gap(past):
    line = past.json("/api/train/history", **past.range())
    assert "stop" in {order for _, _, order in line["orders"]} and "go" in {order for _, _, order in line["orders"]}
    assert "stopped" in {mode for _, _, mode in line["modes"]}
    spans = line["pictures"]
    assert 1 <= len(spans) <= 3 and PICTURES - 30 < sum(count for _, _, count in spans) < PICTURES
    assert all(a < b for a, b, _ in spans) and line["oldest_ms"] <= past.killed * 1000 <= line["newest_ms"]
    coarse = past.json("/api/train/history", **{"from": past.began - 86400 * 365, "to": past.ended})
    assert len(json.dumps(coarse)) < 100_000
    assert "stop" in {order for _, _, order in coarse["orders"]}, "a short stop is seen in a year"


def test_an_instant_is_answered_with_the_picture_of_then(past):
    events = past.json("/api/train/history/events", **past.range())["events"]
    frame = [event for event in events if event["kind"] == "frame"][7]
    status, headers, _ = past.ask("/api/train/history/frame.jpg", at=f"{frame['at_ms'] / 1000:.3f}")
    assert status == 200 and headers["x-train-picture"] == str(frame["number"]) and headers["x-train-at"] == str(frame["at_ms"])
    assert past.ask("/api/train/history/frame.jpg", at="1")[0] == 404
    assert past.ask("/api/train/history/frame.jpg", number=10**9)[0] == 404


# --- clips ---

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffmpeg is not here")


def probe(path):
    """(duration in seconds, when each picture is shown)"""
    text = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration:stream=codec_name,pix_fmt:frame=pts_time", "-of", "json",
                           str(path)], check=True, capture_output=True, text=True).stdout
    told = json.loads(text)
    assert [(stream["codec_name"], stream["pix_fmt"]) for stream in told["streams"]] == [("h264", "yuv420p")]
    return float(told["format"]["duration"]), [float(frame["pts_time"]) for frame in told["frames"]]


def pixels(path, number=0):
    """(width, RGB bytes) of a picture of a film, or of a picture."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-vf", f"select=eq(n\\,{number})", "-frames:v", "1", "-f", "image2pipe", "-c:v", "ppm",
                          "-"], check=True, capture_output=True).stdout
    _, size, _, rgb = raw.split(b"\n", 3)
    return int(size.split()[0]), rgb


def amber(rgb, width, x, y):
    red, green, blue = rgb[(y * width + x) * 3:][:3]
    return red > 190 and 130 < green < 230 and blue < 110


@pytest.fixture(scope="module")
def clips(past, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name, boxes in (("plain", 0), ("boxes", 1)):
        status, headers, body = past.ask("/api/train/history/clip.mp4", boxes=boxes, **past.range())
        assert status == 200 and headers["content-type"] == "video/mp4" and "attachment" in headers["content-disposition"], body[:200]
        (folder / f"{name}.mp4").write_bytes(body)
    return folder


@needs_ffmpeg
def test_a_clip_is_a_film_whose_pictures_come_when_they_were_taken(past, clips):
    frames = [event for event in past.json("/api/train/history/events", **past.range())["events"] if event["kind"] == "frame"]
    duration, shown = probe(clips / "plain.mp4")
    assert shown == pytest.approx([(frame["at_ms"] - frames[0]["at_ms"]) / 1000 for frame in frames], abs=0.002)
    assert shown[-1] < duration < shown[-1] + 1
    picture = past.frames.parent / "first.jpg"
    picture.write_bytes(past.ask("/api/train/history/frame.jpg", number=frames[0]["number"])[2])
    (width, film), (_, camera) = pixels(clips / "plain.mp4"), pixels(picture)
    off = [abs(film[i] - camera[i]) for i in range(0, len(camera), 997)]
    assert width and len(film) == len(camera) and sum(off) / len(off) < 8, "the camera's picture, as far as H.264 keeps it"


@needs_ffmpeg
def test_boxes_are_where_the_detector_found_signs_and_only_where_they_are_wanted(past, clips):
    events = past.json("/api/train/history/events", **past.range())["events"]
    frames = [event["key"] for event in events if event["kind"] == "frame"]
    large = [(event["key"], event["detections"][0]["box"]) for event in events if event["kind"] == "result" and event["detections"]
             and event["key"] in frames and event["detections"][0]["box"][2] > 40]
    assert large
    for key, (left, top, width, height) in large[:3]:
        at = frames.index(key)
        (row, plain), (_, drawn) = pixels(clips / "plain.mp4", at), pixels(clips / "boxes.mp4", at)
        down = range(int(top) + 4, int(top + height) - 4, 3)
        seen = lambda rgb: sum(amber(rgb, row, int(left), y) or amber(rgb, row, int(left) + 1, y) for y in down) / len(down)
        assert seen(drawn) > 0.8 and seen(plain) < 0.2, (key, seen(drawn), seen(plain))


@needs_ffmpeg
def test_the_command_line_makes_the_same_film_and_overwrites_none(past, clips, tmp_path):
    film = tmp_path / "film.mp4"
    command = [TRAIN, "clip", past.recording, "--boxes", "-o", film, "--from", past.range()["from"], "--to", past.range()["to"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "pictures from" in done.stderr, done.stderr
    assert probe(film) == probe(clips / "boxes.mp4") and pixels(film, 20) == pixels(clips / "boxes.mp4", 20)
    assert "is there already" in subprocess.run(command, capture_output=True, text=True, timeout=120).stderr
    nothing = subprocess.run([TRAIN, "clip", past.recording, "-o", tmp_path / "none.mp4", "--to", "1"], capture_output=True, text=True, timeout=120)
    assert nothing.returncode == 1 and "no picture of that time" in nothing.stderr and not (tmp_path / "none.mp4").exists()


@pytest.mark.skipif(any(mark.args[0] for mark in chromium.MISSING), reason="no browser here")
@needs_ffmpeg
def test_the_page_plays_any_minute_of_the_past(past, tmp_path):
    events = past.json("/api/train/history/events", **past.range())["events"]
    frames = {event["key"]: event for event in events if event["kind"] == "frame"}
    signs = [frames[event["key"]] for event in events if event["kind"] == "result" and event["detections"] and event["key"] in frames]
    sign = signs[len(signs) // 2]
    done = subprocess.run(["node", "past.mjs", f"http://{past.train.address('monitor')}/", str(sign["at_ms"] + 1), tmp_path / "past.png"],
                          cwd=chromium.install(), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["marks"].lower() == "past" and found["stop_is_there"] and found["orders"] >= 1
    assert abs(found["sought"] - sign["at_ms"]) <= 100, "the timeline is in tenths of a second"
    assert found["boxes"] and set(found["boxes"]) <= {"DangerAhead", "SpeedLimit"} and found["order"] in ("stop", "slow", "go")
    assert "pixels, seen in" in found["reason"] and 0 <= found["percent"] <= 100
    assert any(event["kind"] == "decision" and event["order"] == "stop" and event["at_ms"] == found["at"] for event in events)
    assert found["is_drawn"] and found["went_on_ms"] > 0 and found["stood"]
    stands, after, before = found["steps"]
    numbers = [event["number"] for event in sorted(frames.values(), key=lambda event: (event["at_ms"], event["number"]))]
    assert numbers[numbers.index(stands) + 1] == after and before == stands, (found["steps"], numbers)
    assert found["day"] == 2020 and found["is_back"]
    assert found["clip"].endswith("-boxes.mp4") and 0 < probe(tmp_path / "past.png.mp4")[0] < 15
    assert found["stops"] == 1
    assert found["french"] and found["is_closed"] and not found["complaints"]


@pytest.mark.parametrize("path, status", [
    ("/api/train/history/clip.mp4?from=0&to=601", 400), ("/api/train/history/clip.mp4?boxes=yes", 400),
    ("/api/train/history/clip.mp4?from=0&to=1", 404), ("/api/train/history/clip.mp4?train=none", 404),
    ("/api/train/history?from=yesterday", 400), ("/api/train/history?from=20&to=10", 400),
    ("/api/train/history?train=none", 404), ("/api/train/history/events?from=0&to=1e9", 400),
    ("/api/train/history/frame.jpg?number=0", 400), ("/api/train/history?train=../..", 404)])
def test_what_cannot_be_meant_is_said_to_be(past, path, status):
    name, _, query = path.partition("?")
    got, _, body = past.ask(name, **dict(part.split("=") for part in query.split("&")))
    assert got == status and "error" in json.loads(body)


def replay(past, log, *options):
    return subprocess.run([TRAIN, "replay", past.recording, "--log", log, "--train", "train", *options], capture_output=True,
                          text=True, timeout=120)


def test_what_was_recorded_is_decided_again_byte_for_byte(past, tmp_path):
    """Up to the gap; what was followed before a later beginning is found out from the start of the run."""
    lines = past.log.read_bytes().splitlines(keepends=True)
    told = replay(past, tmp_path / "a", "--to", f"{past.killed - 0.6:.3f}", "--verify")
    assert told.returncode == 0, told.stderr
    made = (tmp_path / "a").read_bytes()
    count = made.count(b"\n")
    assert count > 30 and made == b"".join(lines[:count])
    assert b'"order":"stop"' in made
    told = replay(past, tmp_path / "b", "--from", f"{past.killed - 2:.3f}", "--to", f"{past.killed - 0.6:.3f}", "--verify")
    assert told.returncode == 0, told.stderr
    part = (tmp_path / "b").read_bytes()
    assert 5 < part.count(b"\n") < count and made.endswith(part)
    assert replay(past, tmp_path / "c", "--results", "--to", f"{past.killed - 0.6:.3f}", "--verify").returncode == 0
    assert (tmp_path / "c").read_bytes() == made


def test_a_replay_with_other_rules_differs_and_says_so(past, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nsigns:\n  - {class: DangerAhead, order: slow}\n")
    told = replay(past, tmp_path / "a", "--to", f"{past.killed - 0.6:.3f}", "--verify", "--rules", rules)
    assert told.returncode == 1 and "differs from the recorded one" in told.stderr
