"""The monitor's live pictures by WebSocket and as Motion JPEG: what is sent, to whom, and what a slow viewer gets."""
import json
import socket
import struct
import time

import pytest

from railway import Publisher, Signs
from test_monitor import JPEG, broker, frame, publish, running  # noqa: F401 (a fixture)
from test_monitor import pytestmark  # noqa: F401
from websocket import BINARY, CLOSE, TEXT, Refused, WebSocket

SECRET = "correct-horse-battery-staple"


class Live(WebSocket):
    """Messages by kind; says that it got a picture where it is told to."""

    def __init__(self, monitor, *words, **more):
        super().__init__(monitor.port, "/api/train/live", *words, **more)

    def news(self, wanted=lambda news: True):
        while True:
            kind, data = self.message()
            assert kind in (TEXT, BINARY), data
            if kind == TEXT and wanted(news := json.loads(data)):
                return news

    def picture(self, say=True):
        """(number, at_us, trace, bytes) of the next one."""
        while True:
            kind, data = self.message()
            assert kind in (TEXT, BINARY), data
            if kind != BINARY:
                continue
            magic, shape, number, at_us, trace = struct.unpack(">4sBxxxQq16s", data[:40])
            assert (magic, shape) == (b"RQP1", 1)
            if say:
                self.say(f"got {number}")
            return number, at_us, trace.hex(), data[40:]


def send_pictures(broker, monitor, first, last, size=0):  # noqa: F811
    """Each is on the monitor before the next goes out. One connection: a process each would outlast a silent viewer's 30 s."""
    publisher = Publisher(broker.port)
    for sequence in range(first, last + 1):
        publisher.publish("railquest/train/frame", frame(sequence, JPEG + bytes(size)))
        monitor.status(lambda status: status.get("frame", {}).get("sequence") == sequence)
    publisher.close()


def test_the_socket_tells_all_and_sends_pictures_as_they_came(broker):  # noqa: F811
    with running(broker) as monitor, Live(monitor) as live:
        first = live.news()
        assert first["hello"]["train"] == "train" and "now_us" in first
        send_pictures(broker, monitor, 1, 1)
        told = live.news(lambda news: "frame" in news)["frame"]
        number, at_us, trace, data = live.picture()
        assert data == JPEG and (number, at_us, trace) == (told["number"], told["at_us"], told["trace"])
        # Then a word a second, by which silence means a broken way.
        assert all(set(live.news()) == {"now_us"} for _ in range(2))
        assert monitor.metric('railquest_monitor_streams{transport="websocket"}') == 1
        big = JPEG + bytes(range(256)) * 4000  # many frames
        publish(broker, "railquest/train/frame", frame(2, big))
        assert live.picture()[3] == big


def test_a_viewer_that_does_not_say_it_got_pictures_gets_two_and_then_the_newest(broker):  # noqa: F811
    with running(broker) as monitor, Live(monitor) as live:
        for sequence in (1, 2):
            send_pictures(broker, monitor, sequence, sequence)
            assert live.picture(say=False)[2] == f"{sequence:032x}"
        send_pictures(broker, monitor, 3, 6)
        heard = [live.message()[0] for _ in range(6)]  # at least a heartbeat among them
        assert set(heard) == {TEXT}
        live.say("got 999")  # was never sent
        live.say("got 1")
        number, _, trace, _ = live.picture(say=False)
        assert trace == f"{6:032x}"
        send_pictures(broker, monitor, 7, 7)
        live.say(f"got {number}")
        assert live.picture(say=False)[2] == f"{7:032x}"
        assert monitor.metric('railquest_monitor_skipped_pictures_total{transport="websocket"}') == 3


def test_a_token_is_the_first_message_or_a_header_and_nothing_is_told_before(broker, tmp_path):  # noqa: F811
    (tmp_path / "token").write_text(SECRET + "\n")
    with running(broker, "--token-file", str(tmp_path / "token"), token=SECRET) as monitor:
        with Live(monitor) as live:
            live.socket.settimeout(1.5)
            with pytest.raises(OSError):
                live.frame()
        with Live(monitor) as live:
            live.say(f"token {SECRET}")
            assert live.news()["hello"]["train"] == "train"
        with Live(monitor, {"Authorization": f"Bearer {SECRET}"}) as live:
            assert live.news()["hello"]["train"] == "train"
        with pytest.raises(Refused) as found:
            Live(monitor, {"Authorization": f"Bearer {SECRET}x"})
        assert found.value.status == 401 and SECRET.encode() not in found.value.body
        for wrong in ("token nonsense", f"token {SECRET}x", f"token {SECRET[:-1]}", "got 1"):
            with Live(monitor) as live:
                live.say(wrong)
                assert live.message() == (CLOSE, struct.pack(">H", 4401)), wrong
        with Live(monitor) as live:
            live.say("hello?")
            assert live.message() == (CLOSE, struct.pack(">H", 1008))
        with Live(monitor) as live:
            assert live.closed_with() == 4401  # who says nothing does not stay


def test_pages_of_other_sites_get_no_socket(broker):  # noqa: F811
    with running(broker) as monitor:
        here = f"127.0.0.1:{monitor.port}"
        with Live(monitor, {"Origin": f"http://{here}"}) as live:
            assert "hello" in live.news()
        for headers in ({"Origin": "https://example.org"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
                        {"Host": "rebound.example"}):
            with pytest.raises(Refused) as found:
                Live(monitor, headers)
            assert found.value.status == 403
        assert monitor.ask("GET", "/api/train/live")[0] == 426
        with pytest.raises(Refused) as found:
            WebSocket(monitor.port, "/api/train/live?train=green")
        assert found.value.status == 404
        assert monitor.metric('railquest_monitor_streams{transport="websocket"}') == 0


def test_a_train_is_named_in_the_address(broker):  # noqa: F811
    with running(broker, "--train", "blue") as monitor:
        with WebSocket(monitor.port, "/api/train/live?train=blue") as live:
            assert json.loads(live.message()[1])["hello"]["train"] == "blue"
        assert monitor.ask("GET", "/api/train/live.mjpeg?train=green")[0] == 404
        publish(broker, "railquest/blue/frame", frame(1))
        monitor.status(lambda status: "frame" in status)
        with socket.create_connection(("127.0.0.1", monitor.port), 10) as stream:
            stream.sendall(f"GET /api/train/live.mjpeg?train=blue HTTP/1.1\r\nHost: 127.0.0.1:{monitor.port}\r\n\r\n".encode())
            heard = b""
            while JPEG not in heard:
                part = stream.recv(65536)
                assert part, heard
                heard += part
            assert b"X-Train-At-Us: " in heard and b"X-Train-Picture: 1\r\n" in heard


def test_one_socket_tells_of_all_trains_and_brings_their_pictures(broker, tmp_path):  # noqa: F811
    (tmp_path / "token").write_text(SECRET + "\n")
    with running(broker, "--token-file", str(tmp_path / "token"), token=SECRET) as monitor:
        with WebSocket(monitor.port, "/api/trains/live") as live:
            live.say("got 0 1")
            assert live.closed_with() == 4401  # nothing is told to whom nothing is known of
        with WebSocket(monitor.port, "/api/trains/live") as live:
            live.say(f"token {SECRET}")
            kind, data = live.message()
            row = json.loads(data)["trains"][0]
            assert kind == TEXT and row["train"] == "train" and row["place"] == 0
            signs = Signs(broker.port)
            rows, pictures, results, taken = {}, [], [], 0
            while len(pictures) < 4 or not results or rows.get("number", 0) < 4:
                if len(pictures) == taken:  # the next one, once the last one came
                    taken += 1
                    signs.publisher.publish("railquest/train/frame", frame(taken, JPEG))
                    signs.see(("DangerAhead", 270))
                kind, data = live.message()
                if kind == TEXT:
                    told = json.loads(data)
                    results += told.get("results", [])
                    rows.update(*told["trains"])
                    continue
                magic, shape, place, number, _, trace = struct.unpack(">4sBxHQq16s", data[:40])
                assert (magic, shape, place, data[40:]) == (b"RQP1", 1, 0, JPEG)
                pictures.append((number, trace.hex()))
                live.say(f"got {place} {number}")
            assert [number for number, _ in pictures] == list(range(1, len(pictures) + 1))
            assert results[0]["place"] == 0 and results[0]["result"]["trace"] in [trace for _, trace in pictures]
            assert results[0]["result"]["detections"][0]["class_name"] == "DangerAhead"
            assert (rows["width"], rows["height"]) == (600, 400)
            live.say("got 4")  # of which train?
            assert live.closed_with() == 1008
            signs.publisher.close()
        assert json.loads(monitor.ask("GET", "/api/trains?results=1")[2])["results"][0]["result"]["model"] == "test"
        assert "results" not in json.loads(monitor.ask("GET", "/api/trains")[2])


def parts(stream, boundary):
    """Headers and body of each part, read as a browser does: by the boundary."""
    heard = b""
    while True:
        while boundary not in heard:
            got = stream.recv(65536)
            assert got
            heard += got
        part, _, heard = heard.partition(boundary)
        if b"\r\n\r\n" in part:
            head, _, body = part.strip(b"\r\n").partition(b"\r\n\r\n")
            yield dict(line.split(": ", 1) for line in head.decode().split("\r\n")), body


@pytest.mark.parametrize("version, of", [("1.0", "train"), ("1.1", "train"), ("1.1", "trains")])
def test_motion_jpeg_comes_in_parts_each_whole_at_once(broker, version, of):  # noqa: F811
    with running(broker) as monitor, socket.create_connection(("127.0.0.1", monitor.port), 10) as stream:
        stream.sendall(f"GET /api/{of}/live.mjpeg HTTP/{version}\r\nHost: 127.0.0.1:{monitor.port}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += stream.recv(1)
        assert b"multipart/x-mixed-replace; boundary=" in head and b"no-store" in head and b"chunked" not in head.lower()
        boundary = b"--" + head.split(b"boundary=")[1].split(b"\r\n")[0]
        found = parts(stream, boundary)
        for sequence in range(1, 4):
            send_pictures(broker, monitor, sequence, sequence)
            headers, body = next(found)
            assert body == JPEG and int(headers["Content-Length"]) == len(JPEG) and headers["Content-Type"] == "image/jpeg"
            assert headers["X-Train-Trace"] == f"{sequence:032x}" and headers["X-Train-Place"] == "0"
        # Nothing new: the last one again, by which silence means a broken way.
        began = time.monotonic()
        assert next(found)[0]["X-Train-Trace"] == headers["X-Train-Trace"]
        assert time.monotonic() - began > 0.5
        assert monitor.metric('railquest_monitor_streams{transport="mjpeg"}') == 1


def test_slow_viewers_lose_pictures_and_get_no_old_ones_in_bounded_memory(broker):  # noqa: F811
    with running(broker) as monitor:
        def memory_kib():
            text = open(f"/proc/{monitor.process.pid}/status").read()
            return int(text.split("VmRSS:")[1].split()[0])

        send_pictures(broker, monitor, 1, 2, size=100_000)
        before = memory_kib()
        lives = [Live(monitor, receive_bytes=8192) for _ in range(5)]
        streams = []
        for _ in range(5):
            stream = socket.socket()
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            stream.settimeout(10)
            stream.connect(("127.0.0.1", monitor.port))
            stream.sendall(f"GET /api/train/live.mjpeg HTTP/1.1\r\nHost: 127.0.0.1:{monitor.port}\r\n\r\n".encode())
            streams.append(stream)
        time.sleep(0.3)
        send_pictures(broker, monitor, 3, 60, size=100_000)  # 5.8 MB for each of them
        assert memory_kib() - before < 4000 or monitor.sanitized
        last = f"{60:032x}"
        for live in lives:
            traces = []
            while not traces or traces[-1] != last:
                traces.append(live.picture()[2])
            assert len(traces) <= 4, traces  # two that were on their way, then the newest
            live.close()
        for stream in streams:
            heard = b""
            while last.encode() not in heard:
                heard += stream.recv(65536)
            assert heard.count(b"X-Train-Trace") <= 5
            stream.close()
        assert monitor.metric('railquest_monitor_skipped_pictures_total{transport="websocket"}') >= 5 * 50
        assert monitor.metric('railquest_monitor_skipped_pictures_total{transport="mjpeg"}') >= 5 * 50
