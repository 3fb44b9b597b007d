"""The whole train: a film past signs through five programs, a broker and the fake BlueZ to bytes at the hub; programs that
are killed; recordings and replays. Bounds are generous, since machines that run tests are busy."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import pytest

from bluetooth import Bluetooth, bluetooth  # noqa: F401 (a fixture)
from mqtt import needs_mosquitto
from railway import BRAKE, DEADMAN_MS, DISCONNECT, LOW, now_us, wait_until
from serving import BUILD, ROOT
from whole_train import FILM, TRAIN, Train, check_orders, make_film, orders_of

pytestmark = [needs_mosquitto, pytest.mark.quiet]
SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))
PHOTOS = SHARED / "lego-signs/images"
MOTOR = "08 00 81 00 11 51 00"
TIGHT = ("--set", "capture.size=source")


def replay(recording, log, *options):
    return subprocess.run([TRAIN, "replay", recording, "--log", log, *options], capture_output=True, text=True, timeout=120)


class Ride:
    """The film from its first picture to its last, at the film's own pace, with a recorder beside."""

    def __init__(self, folder):
        self.folder = folder
        self.truth = make_film()
        self.log, self.recording = folder / "decisions.ndjson", folder / "recording"
        bluetooth = Bluetooth(tempfile.mkdtemp(prefix="rq-bus-", dir="/tmp"))
        train = Train("--source", f"file:{FILM}", *TIGHT, "--set", "capture.no-start", "--set", f"decision.log={self.log}",
                      bluetooth=bluetooth)
        try:
            self._run(train, bluetooth)
        finally:
            self.exit_code = train.close()
            self.text = train.text()
            self.writes = bluetooth.writes()
            bluetooth.close()

    def _run(self, train, bluetooth):
        train.wait_connected()
        recorder = subprocess.Popen([TRAIN, "record", self.recording, "--broker", train.broker_url(), "--listen", "127.0.0.1:0"],
                                    stdout=subprocess.PIPE, text=True)
        assert "listening" in recorder.stdout.readline()
        time.sleep(1)
        assert train.post("controller", "/arm")[0] == 200
        assert train.post("capture", "/capture/start")[0] == 200
        train.wait_for("the source is over after 480 pictures", 90)
        time.sleep(0.5)
        recorder.send_signal(signal.SIGINT)
        self.recorded = recorder.communicate(timeout=20)[0]
        assert recorder.returncode == 0


@pytest.fixture(scope="module")
def ride(tmp_path_factory):
    return Ride(tmp_path_factory.mktemp("ride"))


def test_the_films_signs_stop_and_slow_and_its_distractors_do_nothing(ride):
    check_orders(orders_of(ride.log), ride.truth)
    assert ride.exit_code == 0, ride.text


def test_the_hub_is_told_in_the_protocols_bytes(ride):
    motor = [line[-2:] for line in ride.writes if line.startswith(MOTOR)]
    power = [int(each, 16) for each in motor]
    assert motor[0] == "7f" and motor[-1] == "7f" and ride.writes[-1] == DISCONNECT
    moves = [each for each in power if each != 0x7f]
    assert moves[0] == 70 and max(moves) == 100 and min(moves) == 70
    assert motor.count("64") >= 2, motor
    # Away, slow, away, stop, away, slow, stop, away. On a machine that is busy the dead-man may brake in between.
    colours = [line[-2:] for line in ride.writes if line.startswith("08 00 81 32 11 51 00")]
    rest = iter(colours)
    assert all(colour in rest for colour in ("06", "07", "06", "09", "06", "07", "09", "06")), colours
    stops = "".join("|" if each == 0x7f else "m" for each in power).strip("|").split("|")
    assert len([part for part in stops if part]) >= 3, motor


def test_a_replay_of_the_recording_is_the_runs_own_log(ride, tmp_path):
    assert "recorded 480 pictures, 480 results, 480 decisions" in ride.recorded
    logs = [tmp_path / name for name in ("a", "b", "results")]
    for log, options in zip(logs, (["--verify"], [], ["--results", "--verify"])):
        told = replay(ride.recording, log, *options)
        assert told.returncode == 0, told.stderr
        assert log.read_bytes() == ride.log.read_bytes()


def test_a_replay_with_other_rules_decides_otherwise_and_says_so(ride, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nsigns:\n  - {class: SpeedLimit, order: stop}\n")
    told = replay(ride.recording, tmp_path / "log", "--results", "--verify", "--rules", rules)
    assert told.returncode == 1 and "differs from the recorded one" in told.stderr
    assert "stop" in orders_of(tmp_path / "log")[40:95]


def test_a_folder_with_a_recording_is_not_recorded_into(ride):
    told = subprocess.run([TRAIN, "record", ride.recording, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=20)
    assert told.returncode == 1 and "holds a recording already" in told.stderr


def play_folder(frames, log):
    """A folder's pictures through a whole train; the lines of its decision log."""
    train = Train("--source", f"dir:{frames}", *TIGHT, "--set", "capture.no-start", "--set", f"decision.log={log}",
                  "--hub", "print")
    try:
        train.wait_connected()
        train.post("capture", "/capture/start")
        train.wait_for("the source is over after 70 pictures", 40)
        wait_until(lambda: len(orders_of(log)) == 70, lambda: f"{len(orders_of(log))} decisions")
    finally:
        assert train.close() == 0
    return [json.loads(line) for line in log.read_text().splitlines()]


def play_on_every_beat(frames, log):
    """As above, once more where the machine was so busy that capture left a beat out: those are other times."""
    for attempt in range(5):
        lines = play_folder(frames, log.with_suffix(f".{attempt}"))
        times = [line["captured_monotonic_us"] for line in lines]
        if {after - before for before, after in zip(times, times[1:])} == {100_000}:
            return [{key: value for key, value in line.items() if key in DECIDED} for line in lines]
    raise AssertionError(f"five runs, and each left beats out: {times}")


DECIDED = ("sequence", "order", "class", "class_name", "box", "track", "reason")


def test_two_runs_over_the_same_pictures_decide_the_same(tmp_path):
    """Pictures of a folder, so that both runs see every one, each at its beat; what was decided does not differ, nor why."""
    make_film()
    frames = tmp_path / "frames"
    subprocess.run([BUILD / "film/film", f"{frames}/", tmp_path / "truth.json"], check=True, timeout=300)
    for path in sorted(frames.iterdir()):
        if not 190 <= int(path.stem) < 260:
            path.unlink()
    one, two = (play_on_every_beat(frames, tmp_path / f"{run}.ndjson") for run in ("one", "two"))
    assert one == two
    assert "stop" in {line["order"] for line in one} and "reason" in one[0]


@pytest.fixture
def moving(bluetooth):
    """A train on the test card, which has no sign: it goes."""
    train = Train("--source", "test:", *TIGHT, bluetooth=bluetooth)
    try:
        train.wait_ready()
        assert train.post("controller", "/arm")[0] == 200
        bluetooth.fake.wait_for(LOW, 20)
        time.sleep(0.5)
        bluetooth.fake.forget()
        yield train
    finally:
        train.close()


@pytest.mark.parametrize("name", ["capture", "inference", "decision", "mosquitto"])
def test_whatever_is_killed_the_train_brakes_and_goes_on_when_it_is_back(moving, bluetooth, name):
    killed = moving.kill(name)
    late = (int(bluetooth.fake.wait_for(BRAKE, 10).split()[1]) - killed) / 1000 - DEADMAN_MS
    print(f"{name} killed: brake {late:.0f} ms after the dead-man's time")
    assert late < 1000
    bluetooth.fake.wait_for(LOW, 30)  # fresh decisions again
    assert moving.metric("railquest_train_restarts_total", f'"{name}"') == 1
    assert moving.metric("railquest_train_restarts_total", '"controller"') == 0


def test_a_killed_controllers_successor_brakes_first_and_waits_for_arming(moving, bluetooth):
    killed = moving.kill("controller")
    took = -1
    while took < 0:  # the killed one may have written between our last look and its end
        took = int(bluetooth.fake.wait_for("write", 10).split()[1]) - killed
    print(f"controller killed: the next one's first write after {took / 1000:.0f} ms")
    assert bluetooth.writes(killed)[0] == BRAKE and took < 2_000_000
    moving.wait_connected()
    time.sleep(1)
    assert {line[-2:] for line in bluetooth.writes(killed) if line.startswith(MOTOR)} == {"7f"}
    assert moving.post("controller", "/arm")[0] == 200
    bluetooth.fake.wait_for(LOW, 10)


def test_a_hung_controller_is_killed_and_its_successor_brakes(moving, bluetooth):
    os.kill(moving.pid("controller"), signal.SIGSTOP)
    stopped = now_us()
    bluetooth.fake.wait_for(BRAKE, 20)
    assert bluetooth.writes(stopped)[0] == BRAKE
    assert moving.metric("railquest_train_hung_total", '"controller"') == 1


def test_when_the_supervisor_is_killed_the_controller_brakes_and_all_end(moving, bluetooth):
    pids = moving.pids()
    assert len(pids) == 6, pids
    moving.process.kill()
    bluetooth.fake.wait_for(BRAKE, 10)
    bluetooth.fake.wait_for(DISCONNECT, 10)

    def gone():
        return not any(is_running(pid) for pid in pids.values())

    wait_until(gone, lambda: f"still there: {[name for name, pid in pids.items() if is_running(pid)]}", 20)


def is_running(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_orderly_end_brakes_first_and_leaves_nothing(moving, bluetooth):
    pids = moving.pids()
    assert moving.close() == 0, moving.text()
    bluetooth.fake.wait_for(BRAKE, 5)
    assert not any(is_running(pid) for pid in pids.values())
    lines = moving.text()
    assert lines.index("controller | ", lines.index("stopping: Terminated")) < lines.rindex("capture    | ")


def test_a_detector_that_is_behind_its_camera_is_not_taken_for_hung():
    train = Train("--source", "test:", *TIGHT, "--set", "capture.fps=33", "--set", "inference.work=100ms", "--hub", "print")
    try:
        train.wait_ready()
        time.sleep(6)  # twice the time after which one is
        begun = time.monotonic()
        assert train.ask("inference", "/ready")[0] == 200
        assert time.monotonic() - begun < 3
        assert train.metric("railquest_train_restarts_total", '"inference"') == 0
    finally:
        assert train.close() == 0


def test_the_photos_run_through_the_whole_train(tmp_path):
    if not PHOTOS.is_dir():
        pytest.skip("the photos are not there (RAILQUEST_SHARED)")
    log = tmp_path / "decisions.ndjson"
    train = Train("--source", f"dir:{PHOTOS}", "--set", f"decision.log={log}", "--hub", "print", "--arm")
    try:
        train.wait_for("the source is over after 40 pictures", 60)
        wait_until(lambda: log.exists() and len(orders_of(log)) >= 30, lambda: f"decisions: {orders_of(log)}", 20)
        text = train.ask("inference", "/metrics")[1]
    finally:
        assert train.close() == 0
    assert "stop" in orders_of(log)
    found = [line for line in text.splitlines() if line.startswith("railquest_inference_detections_total")]
    assert all(float(line.rsplit(" ", 1)[1]) > 5 for line in found) and len(found) == 2, found


def test_options_that_are_wrong_end_it_with_2(tmp_path):
    config = tmp_path / "train.yaml"
    config.write_text("capture:\n  source: 'test:'\n\n  fsp: 20\n")
    told = subprocess.run([TRAIN, "--config", config, "--free-ports", "--listen", "127.0.0.1:0", "--hub", "print"],
                          capture_output=True, text=True, timeout=60)
    assert told.returncode == 2
    assert "capture.yaml:4:" in told.stderr and 'did you mean "fps"?' in told.stderr
    told = subprocess.run([TRAIN, "--set", "camera.fps=20"], capture_output=True, text=True, timeout=20)
    assert told.returncode == 2 and "SERVICE.OPTION=VALUE" in told.stderr
