"""
The train's page, and that of all trains, in Chromium behind proxies as are known to break live streams: pictures move behind each, with
their boxes, and the page says by what way.
"""
import json
import os
import struct
import subprocess
import threading
import zlib

import pytest

import chromium
from mqtt import running_broker
from proxies import Proxy
from railway import CLOCK, Signs, now_us
from test_monitor import ID, running
from test_monitor import pytestmark as needs_mosquitto

pytestmark = [*chromium.MISSING, needs_mosquitto]

PICTURES_A_SECOND = 5
REFUSED = "WebSocket: refused on the way"
# Name, proxy, ?transport=, what the page is to name as its way, and why it is none better; by how it begins.
IDLE = [
    ("one that cuts idle connections", {"idle_s": 10}, None, "ws", ""),
    ("one that strips, and cuts where the client is silent", {"strips": True, "idle_client_s": 10}, None, "sse", "ws:refused"),
    ("one that buffers and strips", {"buffers": True, "strips": True}, None, "poll", "ws:refused sse:silent mjpeg:"),
]
OTHERS = [
    ("one that strips Upgrade", {"strips": True}, None, "sse", "ws:refused"),
    ("one that buffers endless answers", {"buffers": True}, None, "ws", ""),
    ("one that speaks HTTP/1.0", {"http10": True}, None, "sse", "ws:refused"),
]
ASKED = [(f"nobody, by {rung}", {}, rung, rung, "") for rung in ("sse", "mjpeg", "poll")]
ALL_TRAINS = ", all trains"


def of_all_trains(some):
    """The same, for their page."""
    return [(name + ALL_TRAINS, *rest) for name, *rest in some]


# A few at a time, for so many seconds: those behind who cuts for longer than idle connections live.
LISTS = [(13, [*IDLE, *of_all_trains(IDLE)]), (4, [*OTHERS, *of_all_trains(OTHERS)]), (4, [*ASKED, *of_all_trains(ASKED)])]
ALL = [one for _, some in LISTS for one in some]


def png(width=64, height=48):
    """Noise, of a real picture's size, so that no two are alike."""
    rows = b"".join(b"\0" + os.urandom(width * 3) for _ in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def frame(sequence):
    picture = png()
    line = {"version": 1, "kind": "frame", "trace": f"{sequence:032x}", "source": "front", "boot": ID, "sequence": sequence,
            "clock": CLOCK, "captured_wall_ms": 1, "captured_monotonic_us": now_us(), "deadline_ms": 300,
            "image": {"format": "png", "width": 64, "height": 48, "size": len(picture)}}
    return json.dumps(line).encode() + b"\n" + picture


def publish_until(leaving, port):
    """Pictures, and what was found in each."""
    signs = Signs(port)
    while not leaving.wait(1 / PICTURES_A_SECOND):
        signs.publisher.publish("railquest/train/frame", frame(signs.sequence + 1))
        result = signs.result(("DangerAhead", 8))
        result["detections"][0]["box"] = [8, 8, 24, 24]  # in so small a picture
        signs.publisher.publish(signs.topic, json.dumps(result))
    signs.publisher.close()


def view(lists):
    done = subprocess.run(["node", "ladder.mjs", json.dumps(lists)], cwd=chromium.install(), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def page_of(proxies, name, _, asked, transport, because):
    url = proxies[name].url + ("trains" if name.endswith(ALL_TRAINS) else "")
    return {"name": name, "url": f"{url}?transport={asked}" if asked else url, "transport": transport, "because": because}


@pytest.fixture(scope="module")
def seen():
    """What each page had by the end."""
    leaving = threading.Event()
    with running_broker("allow_anonymous true") as broker, running(broker) as monitor:
        feeder = threading.Thread(target=publish_until, args=(leaving, broker.port))
        feeder.start()
        proxies = {name: Proxy(monitor.port, **how) for name, how, *_ in ALL}
        try:
            answer = view([{"seconds": seconds, "pages": [page_of(proxies, *one) for one in some]} for seconds, some in LISTS])
        finally:
            leaving.set()
            feeder.join()
            for proxy in proxies.values():
                proxy.close()
    return {name: {**page, "did": proxies[name].did} for name, page in answer.items()}


@pytest.mark.parametrize("name", [name for name, *_ in ALL])
def test_pictures_move_within_ten_seconds_and_go_on(seen, name):
    """Seconds in which the page could run: on a busy machine that is not all of them."""
    page = seen[name]
    assert len(page["pictures"]) >= 3 and page["pictures"][2] <= 10_000 and page["moves"], page
    assert page["again"] == 0, "a picture was drawn twice"
    assert page["boxes"], "no picture had its box"


@pytest.mark.parametrize("name, transport, because", [(name, *expected) for name, _, _, *expected in ALL])
def test_the_page_names_its_way_and_why_it_is_none_better(seen, name, transport, because):
    page = seen[name]
    assert page["transport"] == transport and page["because"].startswith(because) and bool(page["because"]) == bool(because), page
    assert page["link"] == ("polling" if transport == "poll" else "live")
    names = {"ws": "WebSocket", "sse": "SSE", "mjpeg": "Motion JPEG", "poll": "single requests"}
    said = page["said"].replace("\xa0", " ")
    assert said.startswith(f"by {names[transport]}") and (REFUSED in said) == ("ws:refused" in because)
    assert ("SSE: connected, but nothing comes through" in said) == ("sse:silent" in because)
    assert ("as the address asks" in said) == name.startswith("nobody")


@pytest.mark.parametrize("name, what", [
    ("one that strips Upgrade", "refused upgrades"),
    ("one that strips, and cuts where the client is silent", "cuts"),
    ("one that buffers and strips", "endless answers held"),
    ("one that speaks HTTP/1.0", "requests in HTTP/1.0"),
])
def test_the_proxy_did_what_it_is_there_for(seen, name, what):
    assert seen[name]["did"][what] > 0, seen[name]["did"]
