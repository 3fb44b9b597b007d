#!/usr/bin/env python3
"""The control room's part of `make bench`: what a picture takes from its publishing to the screen of a real Chromium; fifty viewers of
ten pictures a second, by each way that pictures come, and twenty trains of ten pictures a second from a real Kafka, on one core of the
monitor: its CPU, its memory, what each viewer got and how old; what a record on Kafka adds to a picture, and what telling of an
event costs the order.

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
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import chromium  # noqa: E402
from kafka import Kafka, confluent_kafka  # noqa: E402
from mqtt import running_broker  # noqa: E402
from railway import Publisher, Service, Signs, now_us  # noqa: E402
from serving import BUILD  # noqa: E402
from test_cloud import EVENTS, FRAMES, PICTURE, frame  # noqa: E402
from test_monitor_kafka import COMMANDS, Room  # noqa: E402
from viewers import KINDS, AllTrains, Poll  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
RATE = 10  # pictures a second, of each train
PAGES = 3  # viewers of all trains at once: 200 pictures a second each


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


class Feed(threading.Thread):
    """Pictures of some trains at a steady pace; `sent` says when each was published, by its trace."""

    def __init__(self, sent, trains, publish):
        super().__init__(daemon=True)
        self.sent, self.trains, self.publish, self.leaving, self.count = sent, trains, publish, threading.Event(), 0

    def run(self):
        begun, number = now_us(), 0
        while not self.leaving.is_set():
            number += 1
            for train in range(self.trains):  # one after the other, not all at the same instant
                self.leaving.wait(max(0, begun + number * 1_000_000 // RATE + train * 1_000_000 // RATE // self.trains - now_us()) / 1e6)
                trace = f"{train + 1:016x}{number:016x}"
                self.sent[trace] = now_us()
                self.publish(train, trace, number)
                self.count += 1

    def close(self):
        self.leaving.set()
        self.join()


def message_of(signs, trace, number, picture=PICTURE):
    """A frame as capture publishes it, with this trace."""
    signs.sequence = number - 1
    line = json.loads(frame(signs).partition(b"\n")[0])
    line["image"]["size"] = len(picture)
    return json.dumps({**line, "trace": trace}).encode() + b"\n" + picture


def to_mqtt(broker, picture=PICTURE):
    signs, publisher = Signs(broker.port), Publisher(broker.port)
    return lambda train, trace, number: publisher.publish("railquest/train/frame", message_of(signs, trace, number, picture))


def captured(broker):
    """A picture that a browser can show: the test card, as our capture makes it."""
    with broker.collector("railquest/train/frame") as next_message:
        capture = Service("capture", broker, "--source", "test:")
        try:
            return next_message()[1].partition(b"\n")[2]
        finally:
            capture.close()


def to_kafka(broker, kafka):
    """As a train's decision service sends them, whose part this plays."""
    signs = Signs(broker.port)
    producer = confluent_kafka.Producer({"bootstrap.servers": kafka.address, "linger.ms": 2, "acks": "all"})

    def publish(train, trace, number):
        name = f"train-{train:02}"
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        headers = {"ce_specversion": "1.0", "ce_id": f"{trace}-frame", "ce_source": f"/railquest/{name}/capture", "ce_type": "railquest.frame.v1",
                   "ce_subject": name, "ce_time": stamp, "content-type": "application/vnd.railquest.frame"}
        producer.produce(FRAMES, message_of(signs, trace, number), name, headers=list(headers.items()))
        producer.poll(0)
    return publish, producer


def attend(viewers, selector, seconds):
    begun = time.monotonic()
    while (now := time.monotonic()) - begun < seconds:
        for key, _ in selector.select(0.02):
            key.data()
        for viewer in viewers:
            if isinstance(viewer, Poll):
                viewer.tick(now)


def watch(monitor, viewers, feed, selector, seconds):
    """What the viewers got in so many seconds, and what it cost the monitor."""
    attend(viewers, selector, 2)  # all are connected then, and what was sent before has been heard
    for viewer in viewers:
        viewer.ages.clear()
    used, first = cpu_s(monitor.process.pid), feed.count
    attend(viewers, selector, seconds)
    used, published = cpu_s(monitor.process.pid) - used, feed.count - first
    ages = sorted(age / 1e3 for viewer in viewers for age in viewer.ages) or [0]
    got = [len(viewer.ages) for viewer in viewers]
    of_one = published / (1 if isinstance(viewers[0], AllTrains) else feed.trains)
    return {"viewers": len(viewers), "trains": feed.trains, "of_each_train": of_one, "each_got_least": min(got), "each_got_most": max(got),
            "missed_share": max(0, 1 - sum(got) / (of_one * len(viewers))), "age_p50_ms": ages[len(ages) // 2],
            "age_p99_ms": ages[int(len(ages) * 0.99)], "cpu_share_of_a_core": used / seconds,
            "memory_mib": resident_mib(monitor.process.pid), "load": os.getloadavg()[0]}


def on_one_core(monitor):
    subprocess.run(["taskset", "-a", "-p", "-c", "0", str(monitor.process.pid)], check=True, stdout=subprocess.DEVNULL)


def bench_viewers(kind, viewers, seconds):
    selector, sent = selectors.DefaultSelector(), {}
    with running_broker("allow_anonymous true") as broker:
        monitor = Service("monitor", broker)
        try:
            monitor.wait_ready("broker")
            on_one_core(monitor)
            feed = Feed(sent, 1, to_mqtt(broker))
            all_viewers = [KINDS[kind](monitor.address, selector, sent) for _ in range(viewers)]
            feed.start()
            return watch(monitor, all_viewers, feed, selector, seconds)
        finally:
            feed.close()
            monitor.close()


def age_ms(monitor):
    """Of the newest picture of the first train, as the monitor knows it."""
    told = monitor.get("/api/train/status?train=train-00")[1]
    return (told["now_us"] - told["frame"]["at_us"]) / 1e3


def viewers_of_trains(kind, trains, viewers, *common):
    if kind is AllTrains:
        return [kind(*common) for _ in range(viewers)]
    return [kind(*common, f"train=train-{i % trains:02}") for i in range(viewers)]


def bench_trains(kind, trains, viewers, seconds):
    """Viewers of all trains in turn, or of all at once, on a monitor that reads all of them from Kafka."""
    selector, sent, kafka = selectors.DefaultSelector(), {}, Kafka()
    kafka.start()
    try:
        kafka.create(EVENTS, FRAMES, COMMANDS)
        with running_broker("allow_anonymous true") as broker:
            monitor = Room(kafka)
            monitor.wait_member(2)
            on_one_core(monitor)
            publish, producer = to_kafka(broker, kafka)
            feed = Feed(sent, trains, publish)
            feed.start()
            # A broker that began a moment ago takes some seconds until it keeps up.
            while monitor.metric("railquest_monitor_trains") < trains or len(producer) > trains or age_ms(monitor) > 1000:
                time.sleep(0.2)
            all_viewers = viewers_of_trains(kind, trains, viewers, monitor.address, selector, sent)
            found = watch(monitor, all_viewers, feed, selector, seconds)
            found["lag"] = monitor.metric('railquest_monitor_lag_records{topic="railquest.frames"}')
            feed.close()
            producer.flush(10)
            monitor.close()
            return found
    finally:
        kafka.close()


def bench_pixels(rung, seconds):
    """From publishing to the painted frame, in a real Chromium on this machine. Wall clock: the browser knows no other of ours."""
    work = chromium.install()
    shutil.copy(ROOT / "bench/pixels.mjs", work)
    sent, wall = {}, {}
    with running_broker("allow_anonymous true") as broker:
        monitor = Service("monitor", broker)
        browser = None
        try:
            monitor.wait_ready("broker")
            picture = captured(broker)
            send = to_mqtt(broker, picture)

            def publish(train, trace, number):
                wall[trace] = time.time() * 1000
                send(train, trace, number)
            feed = Feed(sent, 1, publish)
            feed.start()
            browser = subprocess.Popen(["node", "pixels.mjs", f"http://{monitor.address}/?transport={rung}"], cwd=work, text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert browser.stdout.readline() == "ready\n"
            time.sleep(2)  # its first pictures are slow: programs are compiled
            threading.Timer(seconds + 1, browser.stdin.close).start()
            drawn, since_ms = {}, time.time() * 1000
            for line in browser.stdout:
                told = json.loads(line)
                if wall.get(told["trace"], 0) >= since_ms:
                    drawn.setdefault(told["trace"], told["drawn_ms"])
        finally:
            feed.close()
            monitor.close()
            if browser:
                browser.wait(20)
    took = sorted(at_ms - wall[trace] for trace, at_ms in drawn.items() if trace in wall)
    assert took, "the page drew nothing"
    taken = sum(since_ms <= at_ms <= max(wall[trace] for trace in drawn) for at_ms in wall.values())  # up to the last that was drawn
    return {"bytes": len(picture), "pictures": taken, "drawn": len(drawn), "p50_ms": took[len(took) // 2], "p99_ms": took[int(len(took) * 0.99)], "load": os.getloadavg()[0]}


def bench_event(count=2000):
    subprocess.run(["ninja", "-C", BUILD, "bench/event_cost"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="rq-bench-", dir=BUILD) as folder:
        told = subprocess.run([BUILD / "bench/event_cost", folder, str(count)], check=True, capture_output=True, text=True).stdout
    took = sorted(int(line) / 1e3 for line in told.split())
    return {"events": count, "p50_us": took[len(took) // 2], "p99_us": took[int(len(took) * 0.99)]}


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


def show(name, found):
    print(f"    {name:<22} {found['each_got_least']:5} to {found['each_got_most']:5} of {found['of_each_train']:5.0f}, {found['missed_share']:6.1%} missed  "
          f"p50 {found['age_p50_ms']:6.1f} p99 {found['age_p99_ms']:6.1f} ms  {found['cpu_share_of_a_core']:5.0%} of a core  "
          f"{found['memory_mib']:6.1f} MiB  load {found['load']:.1f}", flush=True)


def bench_all_pixels(out, seconds):
    print("  from publishing to the pixels of a page in Chromium, which has no core of its own")
    for rung in ("ws", "sse", "mjpeg", "poll"):
        out[rung] = found = bench_pixels(rung, seconds)
        print(f"    {rung:<6} {found['drawn']:4} of {found['pictures']} drawn, {found['bytes']} bytes each  p50 {found['p50_ms']:6.1f} p99 {found['p99_ms']:6.1f} ms  "
              f"load {found['load']:.1f}", flush=True)


def bench_control_room(viewers=50, trains=20, seconds=20):
    print(f"\ncontrol room: {RATE} pictures a second of {len(PICTURE)} bytes; the machine has {os.cpu_count()} cores, the monitor one of them")
    out = {"cores": os.cpu_count(), "viewers": {}, "trains": {}, "pixels": {}}
    print(f"  {viewers} viewers of one train, over MQTT: pictures each got; published to whole at the viewer")
    for kind in KINDS:
        out["viewers"][kind] = bench_viewers(kind, viewers, seconds)
        show(kind, out["viewers"][kind])
    print(f"  {viewers} viewers of {trains} trains, over Kafka")
    for kind in list(KINDS)[:2] if confluent_kafka else ():
        out["trains"][kind] = bench_trains(KINDS[kind], trains, viewers, seconds)
        show(kind, out["trains"][kind])
    if confluent_kafka:
        print(f"  {PAGES} viewers of the page of all {trains} trains: each gets all of them over one WebSocket")
        out["trains"]["all at once"] = bench_trains(AllTrains, trains, PAGES, seconds)
        show("all at once", out["trains"]["all at once"])
    bench_all_pixels(out["pixels"], seconds)
    out["event"] = event = bench_event()
    print(f"  telling the cloud of an event: p50 {event['p50_us']:.0f} us, p99 {event['p99_us']:.0f} us")
    out["record"] = record = bench_record()
    print(f"  a record on Kafka: {record['record_bytes']} bytes, {record['ratio']:.3f} of picture and metadata (limit 1.05); the original's, by its "
          f"contract: {record['original_bytes']}, {record['original_ratio']:.2f}")
    file = ROOT / "build/bench/control_room.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(out, indent=1))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--viewers", type=int, default=50)
    arguments.add_argument("--trains", type=int, default=20)
    arguments.add_argument("--seconds", type=int, default=20)
    arguments.add_argument("--pixels", action="store_true", help="these alone")
    given = arguments.parse_args()
    if given.pixels:
        bench_all_pixels({}, given.seconds)
        sys.exit()
    bench_control_room(given.viewers, given.trains, given.seconds)
