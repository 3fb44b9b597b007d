#!/usr/bin/env python3
"""The control room's part of `make bench`: fifty viewers of ten pictures a second on one core of the monitor, over Server-Sent
Events and GET: its CPU, its memory, what each viewer got and how old; and what a record on Kafka adds to a picture.

Ages are from the publishing of a picture to its last byte at the viewer, on the kernel's monotonic clock. Prints a table, and writes
build/bench/control_room.json. The load of the machine stands beside.
"""
import argparse
import base64
import json
import os
import pathlib
import re
import selectors
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
from mqtt import running_broker  # noqa: E402
from railway import Publisher, Service, Signs, now_us  # noqa: E402
from test_cloud import PICTURE, frame  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


class Viewer:
    """The stream on one connection; on another each picture that it tells of, unless one is asked for already."""

    def __init__(self, address, selector, sent):
        self.sent, self.ages, self.number, self.asked, self.text = sent, [], 0, False, b""
        host, port = address.rsplit(":", 1)
        self.host = address.encode()
        self.place, self.selector, self.answer = (host, int(port)), selector, b""
        self.stream, self.pictures = (socket.create_connection(self.place, 5) for _ in range(2))
        self.stream.sendall(b"GET /api/train/stream HTTP/1.1\r\nHost: " + self.host + b"\r\n\r\n")
        selector.register(self.stream, selectors.EVENT_READ, self.hear)
        selector.register(self.pictures, selectors.EVENT_READ, self.receive)

    def hear(self):
        told = self.stream.recv(1 << 16)
        assert told, "the stream ended"
        if b'"frame"' in told and not self.asked:
            self.ask()

    def ask(self):
        self.asked = True
        self.pictures.sendall(b"GET /api/train/frame.jpg?after=%d HTTP/1.1\r\nHost: %s\r\n\r\n" % (self.number, self.host))

    def reconnect(self):
        self.selector.unregister(self.pictures)
        self.pictures.close()
        self.pictures, self.answer = socket.create_connection(self.place, 5), b""
        self.selector.register(self.pictures, selectors.EVENT_READ, self.receive)
        if self.asked:
            self.ask()

    def receive(self):
        part = self.pictures.recv(1 << 16)
        if not part:  # after so many requests the server wants another connection, as browsers know
            self.reconnect()
            return
        self.answer += part
        head, end, body = self.answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head) if end else None
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self.answer, self.asked = b"", False
        if head.startswith(b"HTTP/1.1 200"):
            self.number = int(re.search(rb"(?i)x-train-picture: *(\d+)", head)[1])
            sequence = int(re.search(rb"(?i)x-train-trace: *([0-9a-f]+)", head)[1], 16)
            self.ages.append(now_us() - self.sent[sequence])


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def publish(signs, sent, leaving):
    begun = now_us()
    while not leaving.is_set():
        sent[signs.sequence + 1] = now_us()
        signs.publisher.publish("railquest/train/frame", frame(signs))
        signs.see()
        leaving.wait(max(0, begun + signs.sequence * 100_000 - now_us()) / 1e6)


def bench_viewers(viewers, seconds):
    selector, sent, leaving = selectors.DefaultSelector(), {}, threading.Event()
    with running_broker("allow_anonymous true") as broker:
        monitor = Service("monitor", broker)
        try:
            monitor.wait_ready("broker")
            subprocess.run(["taskset", "-a", "-p", "-c", "0", str(monitor.process.pid)], check=True, stdout=subprocess.DEVNULL)
            os.sched_setaffinity(0, {os.cpu_count() - 1})  # the viewers have the other one
            signs = Signs(broker.port)
            all_viewers = [Viewer(monitor.address, selector, sent) for _ in range(viewers)]
            feeder = threading.Thread(target=publish, args=(signs, sent, leaving))
            feeder.start()
            begun, before, first = time.monotonic(), cpu_s(monitor.process.pid), signs.sequence
            while time.monotonic() - begun < seconds:
                for key, _ in selector.select(0.2):
                    key.data()
            taken, used = signs.sequence - first, cpu_s(monitor.process.pid) - before
            memory = resident_mib(monitor.process.pid)
            leaving.set()
            feeder.join()
        finally:
            leaving.set()
            os.sched_setaffinity(0, range(os.cpu_count()))
            monitor.close()
    ages = sorted(age / 1e3 for viewer in all_viewers for age in viewer.ages)
    got = [len(viewer.ages) for viewer in all_viewers]
    return {"viewers": viewers, "pictures": taken, "each_got_least": min(got), "each_got_most": max(got),
            "missed_share": 1 - len(ages) / (taken * viewers), "age_p50_ms": ages[len(ages) // 2], "age_p99_ms": ages[int(len(ages) * 0.99)],
            "cpu_share_of_a_core": used / seconds, "cpu_us_a_picture_sent": used * 1e6 / len(ages), "memory_mib": memory}


def bench_record():
    """By the contract (docs/cloud.md; shared/train.md 1.2d), of a picture of the usual size with two signs."""
    signs = Signs.__new__(Signs)
    signs.boot, signs.sequence = "0" * 32, 0
    message = frame(signs)
    metadata = len(message) - len(PICTURE)
    headers = {"ce_specversion": "1.0", "ce_id": "0" * 32 + "-frame", "ce_source": "/railquest/train/capture", "ce_type": "railquest.frame.v1",
               "ce_subject": "train", "ce_time": "2026-11-27T09:00:00.000Z", "content-type": "application/vnd.railquest.frame"}
    ours = len(message) + sum(len(name) + len(value) for name, value in headers.items()) + len("train")
    # The original: the picture as base64 in the data, and the whole original message once more in the header `origin`.
    theirs = 2 * len(base64.b64encode(PICTURE)) + 2 * metadata
    return {"picture_bytes": len(PICTURE), "metadata_bytes": metadata, "record_bytes": ours, "ratio": ours / (len(PICTURE) + metadata),
            "original_bytes": theirs, "original_ratio": theirs / (len(PICTURE) + metadata)}


def bench_control_room(viewers=50, seconds=20):
    load = os.getloadavg()[0]
    print(f"\ncontrol room: {viewers} viewers of 10 pictures a second, {len(PICTURE)} bytes each, the monitor on one core; load {load:.1f} on "
          f"{os.cpu_count()} cores")
    found = bench_viewers(viewers, seconds)
    print(f"    a viewer got {found['each_got_least']} to {found['each_got_most']} of {found['pictures']} pictures; missed, because a newer one came: "
          f"{found['missed_share']:.1%}")
    print(f"    published to whole at the viewer: p50 {found['age_p50_ms']:.1f} ms, p99 {found['age_p99_ms']:.1f} ms")
    print(f"    the monitor: {found['cpu_share_of_a_core']:.0%} of a core, {found['cpu_us_a_picture_sent']:.0f} us for each picture sent, "
          f"{found['memory_mib']:.1f} MiB resident")
    record = bench_record()
    print(f"    a record on Kafka: {record['record_bytes']} bytes, {record['ratio']:.3f} of picture and metadata (limit 1.05); the original's, by its "
          f"contract: {record['original_bytes']}, {record['original_ratio']:.2f}")
    out = ROOT / "build/bench/control_room.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"load": load, "cores": os.cpu_count(), "sse_and_get": found, "record": record}, indent=1))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--viewers", type=int, default=50)
    arguments.add_argument("--seconds", type=int, default=20)
    given = arguments.parse_args()
    bench_control_room(given.viewers, given.seconds)
