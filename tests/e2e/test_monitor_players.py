"""The players that people have, on the monitor's Motion JPEG: FFmpeg and VLC show moving pictures of the right size, and a token is asked for."""
import ctypes.util
import json
import shutil
import subprocess

import pytest

from capturing import capture
from mqtt import needs_mosquitto, running_broker
from railway import Service
from serving import ROOT

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg") or not shutil.which("ffprobe"), reason="no ffmpeg (./setup --test)")
needs_vlc = pytest.mark.skipif(not ctypes.util.find_library("vlc"), reason="no libvlc5 (./setup --test)")
pytestmark = needs_mosquitto
SECRET = "correct-horse-battery-staple"
LOGIN = ("-headers", f"Authorization: Bearer {SECRET}\r\n")


def player(*words):
    told = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)
    return told.returncode, told.stdout, told.stderr


@pytest.fixture(scope="module")
def live():
    """The address of a camera's live pictures, each of which differs from the last."""
    with running_broker("allow_anonymous true") as broker, capture(broker, "test:", "--size", "320x240", "--format", "jpeg"):
        monitor = Service("monitor", broker)
        monitor.wait_ready("broker")
        yield f"http://{monitor.address}/api/train/live.mjpeg"
        assert monitor.close() == 0, monitor.log()


@needs_ffmpeg
def test_ffprobe_knows_what_it_is_and_how_large(live):
    code, told, errors = player("ffprobe", "-v", "error", "-count_frames", "-read_intervals", "%+#8",
                                "-show_entries", "format=format_name:stream=codec_name,width,height,nb_read_frames", "-of", "json", live)
    assert code == 0 and not errors, errors
    told = json.loads(told)
    assert told["format"]["format_name"] == "mpjpeg"
    assert told["streams"] == [{"codec_name": "mjpeg", "width": 320, "height": 240, "nb_read_frames": "8"}]


@needs_ffmpeg
def test_ffmpeg_reads_pictures_that_move(live):
    code, told, errors = player("ffmpeg", "-v", "error", "-i", live, "-frames:v", "12", "-f", "framehash", "-")
    assert code == 0 and not errors, errors
    assert "#dimensions 0: 320x240" in told
    hashes = [line.rsplit(",", 1)[1] for line in told.splitlines() if line and not line.startswith("#")]
    assert len(hashes) == 12
    # A machine that is busy may show one twice: where nothing new came for a second the last one comes again.
    assert len(set(hashes)) >= 10, hashes


@needs_ffmpeg
def test_ffmpeg_makes_a_film_of_it_that_lasts_as_long_as_it_took(live, tmp_path):
    code, _, errors = player("ffmpeg", "-v", "error", "-use_wallclock_as_timestamps", "1", "-i", live, "-t", "2", "-c", "copy",
                             tmp_path / "live.mkv")
    assert code == 0 and not errors, errors
    code, told, errors = player("ffprobe", "-v", "error", "-show_entries", "format=duration:stream=codec_name,width,height",
                                "-of", "json", tmp_path / "live.mkv")
    assert code == 0 and not errors, errors
    told = json.loads(told)
    assert told["streams"] == [{"codec_name": "mjpeg", "width": 320, "height": 240}]
    assert 1 <= float(told["format"]["duration"]) < 4  # by the frames' number at 25 a second it would be less than one


@needs_vlc
def test_vlc_shows_pictures_that_move(live):
    code, told, errors = player("/usr/bin/python3", ROOT / "tests/support/vlc_look.py", live, 8, 30)
    assert code == 0, errors
    assert json.loads(told)["size"] == [320, 240] and json.loads(told)["pictures"] >= 8, told + errors


@needs_ffmpeg
def test_ffmpeg_brings_a_token_where_one_is_wanted(tmp_path):
    (tmp_path / "token").write_text(SECRET + "\n")
    with running_broker("allow_anonymous true") as broker, capture(broker, "test:", "--size", "320x240", "--format", "jpeg"):
        monitor = Service("monitor", broker, "--token-file", tmp_path / "token")
        address = f"http://{monitor.address}/api/train/live.mjpeg"
        frames = ("-frames:v", "3", "-f", "null", "-")
        code, _, errors = player("ffmpeg", "-v", "error", "-i", address, *frames)
        assert code != 0 and "401" in errors, errors
        code, _, errors = player("ffmpeg", "-v", "error", *LOGIN, "-i", address, *frames)
        assert code == 0 and not errors, errors
        assert monitor.close() == 0 and SECRET not in monitor.log()
