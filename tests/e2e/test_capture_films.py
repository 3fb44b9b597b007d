"""railquest-capture with what is not a camera of this machine: folders, films, and streams from GStreamer's RTSP server. What
FFmpeg reads is read on a thread, so this file also runs under ThreadSanitizer."""
import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import time

import pytest

from capturing import (CAPTURE, FRAME, capture, contents, frames, is_up, jpeg_size, pictures, read_frame,  # noqa: F401
                       ready, wait_until)
from mqtt import broker, free_port, needs_mosquitto  # noqa: F401 (fixtures)
from serving import BUILD, ROOT, is_sanitized

pytestmark = needs_mosquitto
PLUGIN = BUILD / "lib/railquest/railquest-ffmpeg.so"


# --- folders and films ---

def test_a_folder_comes_in_order_whole_and_untouched(broker, pictures, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for i, picture in enumerate(contents(pictures)):
        (folder / f"{i}.dat").write_bytes(picture)
    (folder / "3a.jpg").write_bytes(b"\xff\xd8\xff\xe0 damaged")
    with capture(broker, f"dir:{folder}", "--size", "source", "--fps", "20") as server:
        time.sleep(0.5)  # it waits for the broker, so that none is sent to nobody
        broker.start()
        wait_until(lambda: "the source is over" in ready(server)[1], "it does not end")
        assert (frames(server, "published"), frames(server, "damaged")) == (8, 1)
    with broker.collector(FRAME) as next_message, capture(broker, f"dir:{folder}", "--size", "source", "--fps", "20",
                                                          "--loop"):
        found = [read_frame(next_message()[1])[1] for _ in range(20)]
    assert found == (contents(pictures) * 3)[:20]


@pytest.fixture(scope="module")
def film(pictures, tmp_path_factory):
    """Sixteen pictures, 25 a second by the demuxer's word."""
    path = tmp_path_factory.mktemp("film") / "film.mjpeg"
    path.write_bytes(b"".join(contents(pictures) * 2))
    return path


def play(broker, film, count, *options):
    with broker.collector(FRAME) as next_message, capture(broker, f"file:{film}", *options):
        return [read_frame(next_message()[1]) for _ in range(count)]


def test_a_films_jpeg_passes_through_at_its_own_rate(broker, film, pictures):
    broker.start()
    found = play(broker, film, 16, "--size", "source", "--fps", "25")
    assert [picture for _, picture in found] == contents(pictures) * 2
    took_s = (found[-1][0]["captured_monotonic_us"] - found[0][0]["captured_monotonic_us"]) / 1e6
    assert 0.5 < took_s < 2


def test_which_pictures_are_seen_depends_on_the_film_and_the_rate_alone(broker, film, pictures):
    broker.start()
    whole = contents(pictures)
    # At 10 a second of 25: those of 0, 120, 200, 320, 400, 520 and 600 ms.
    expected = [whole[i % 8] for i in (0, 3, 5, 8, 10, 13, 15)]
    for _ in range(2):
        assert [picture for _, picture in play(broker, film, 7, "--size", "source")] == expected


def test_a_film_begins_again_where_it_is_to(broker, film, pictures):
    broker.start()
    found = play(broker, film, 40, "--size", "source", "--fps", "25", "--loop")
    assert [picture for _, picture in found] == (contents(pictures) * 5)[:40]


def test_a_film_that_is_not_there_or_none_is_said(broker, tmp_path):
    (tmp_path / "none").write_text("no film " * 1000)
    broker.start()
    for name, why in (("missing", "No such file"), ("none", "Invalid data")):
        with capture(broker, f"file:{tmp_path}/{name}") as server:
            wait_until(lambda: why in ready(server)[1], f"not said: {why}")
            assert server.request("/live")[0] == 200


def test_without_the_plugin_a_film_is_refused_and_the_rest_works(broker, film, tmp_path):
    nowhere = {"RAILQUEST_PLUGINS": str(tmp_path)}
    done = subprocess.run([CAPTURE, "--listen", "127.0.0.1:0", "--source", f"file:{film}"], capture_output=True,
                          text=True, timeout=20, env={**os.environ, **nowhere})
    assert done.returncode == 1 and "railquest-ffmpeg.so" in done.stderr
    broker.start()
    with capture(broker, "test:", environment=nowhere) as server:
        wait_until(lambda: ready(server)[0], "not ready")


# --- streams ---

@contextlib.contextmanager
def rtsp_server(port):
    process = subprocess.Popen([sys.executable, ROOT / "tests/support/rtsp_server.py", str(port)],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout.readline().strip() == str(port)
        yield
    finally:
        process.kill()
        process.wait()


needs_rtsp = pytest.mark.skipif(
    not importlib.util.find_spec("gi") or subprocess.run(
        [sys.executable, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"], capture_output=True).returncode,
    reason="GStreamer's RTSP server is not installed (./setup --test)")


@needs_rtsp
@pytest.mark.parametrize("path,options,size", [
    ("jpeg", ["--size", "source"], (320, 240)),
    ("vp8", [], (600, 400)),
    ("vp8", ["--rtsp-transport", "udp", "--size", "source"], (320, 240)),
])
def test_a_stream_is_taken_and_taken_up_again(broker, path, options, size):
    port = free_port()
    broker.start()
    with capture(broker, f"rtsp://user:secret-word@127.0.0.1:{port}/{path}", *options) as server:
        wait_until(lambda: not ready(server)[0] and "connect" in ready(server)[1], "why is not said")
        with rtsp_server(port), broker.collector(FRAME) as next_message:
            head, picture = read_frame(next_message()[1])
            assert jpeg_size(picture) == size == (head["image"]["width"], head["image"]["height"])
            found = [read_frame(next_message()[1])[0]["captured_monotonic_us"] for _ in range(10)]
            assert found == sorted(set(found))
            wait_until(lambda: ready(server)[0], "not ready")
        wait_until(lambda: not is_up(server), "the loss is not seen")
        assert server.request("/live")[0] == 200
        with rtsp_server(port):
            wait_until(lambda: is_up(server), "the return is not seen")
        server.process.terminate()
        assert "secret-word" not in server.process.stderr.read()


def test_stopping_is_prompt_though_a_camera_does_not_answer(broker):
    broker.start()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with capture(broker, f"rtsp://127.0.0.1:{silent.getsockname()[1]}/") as server:
            connection, _ = silent.accept()
            start = time.monotonic()
            assert server.request("/capture/stop", method="POST")[0] == 200
            assert time.monotonic() - start < 2
            connection.close()


@pytest.mark.skipif(is_sanitized(PLUGIN), reason="Python has no sanitizer")
def test_ffmpeg_says_nothing_in_a_process_that_has_the_plug_in():
    """Neither for the camera nor for clips: its lines would hold URLs with passwords. Asked in a process of its own."""
    told = subprocess.run([sys.executable, "-c", f"""if True:
        import ctypes
        ctypes.CDLL("{PLUGIN}", mode=ctypes.RTLD_GLOBAL)
        print(ctypes.CDLL(None).av_log_get_level())"""], capture_output=True, text=True, timeout=60)
    assert told.stdout == "-8\n", told  # AV_LOG_QUIET
