"""The train's decision service and a real Kafka: what arrives there, whatever happens to link, broker and service."""
import json
import re
import subprocess
import time
from datetime import datetime

import pytest

from kafka import cluster, kafka, needs_kafka  # noqa: F401 (fixtures)
from mqtt import broker, needs_mosquitto  # noqa: F401 (a fixture)
from railway import Service, Signs, wait_until
from serving import BUILD

pytestmark = [needs_mosquitto, needs_kafka]
PICTURE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 55 + b"\xff\xd9"  # of the size of a real one
EVENTS, FRAMES = "railquest.events", "railquest.frames"


def frame(signs, picture=PICTURE):
    """The frame message of the next result that `signs` makes."""
    result = signs.result()
    signs.sequence -= 1
    line = {key: value for key, value in result.items()
            if key not in ("model", "backend", "prepare_us", "infer_us", "finish_us", "detections")}
    return json.dumps({**line, "kind": "frame", "image": {**line["image"], "size": len(picture)}}).encode() + b"\n" + picture


class Line:
    """A decision service with a spool, and what feeds it: results, each with its picture."""

    def __init__(self, broker, kafka, folder, *options):
        self.broker, self.kafka, self.folder = broker, kafka, folder
        if not getattr(broker, "process", None):
            broker.start()
        self.options = ("--kafka", f"kafka://{kafka.address}", "--spool", folder / "spool", *options)
        self.start()
        self.signs = Signs(broker.port)

    def start(self):
        self.service = Service("decision", self.broker, *self.options)
        self.service.wait_ready("broker", "session")
        time.sleep(0.2)  # subscriptions follow the connection

    def feed(self, count, pause=0.0, pictures=True):
        for _ in range(count):
            if pictures:
                self.signs.publisher.publish("railquest/train/frame", frame(self.signs))
            self.signs.see()
            time.sleep(pause)

    def waiting(self, kind="event"):
        return self.service.metric(f'railquest_cloud_waiting{{kind="{kind}"}}')

    def arrived(self):
        return self.service.metric('railquest_cloud_events_total{outcome="arrived"}')

    def wait_drained(self, events, seconds=60):
        wait_until(lambda: self.arrived() >= events and self.waiting() == 0,
                   lambda: f"{self.arrived()} arrived, {self.waiting()} wait: {self.service.log()}", seconds)

    def wait_taken(self):
        """Until the session that the broker keeps for the cloud is empty: the newest result of all came over it."""
        wait_until(lambda: self.service.metric("railquest_cloud_result_sequence") == self.signs.sequence,
                   lambda: f"{self.service.metric('railquest_cloud_result_sequence')} of {self.signs.sequence}", 20)

    def decided(self):
        return self.service.metric('railquest_decision_results_total{outcome="decided"}')


@pytest.fixture
def line(broker, kafka, tmp_path):  # noqa: F811
    kafka.create(EVENTS, FRAMES)
    line = Line(broker, kafka, tmp_path)
    yield line
    if line.service.process.returncode is None:
        assert line.service.close() == 0, line.service.log()


def decisions(records):
    return [json.loads(record.value)["sequence"] for record in records if record.type == "railquest.decision.v1"]


def test_what_is_seen_and_decided_is_in_the_topics_as_cloudevents(line):
    line.feed(20, 0.05)
    line.wait_drained(40)
    records = line.kafka.read(EVENTS, 40)
    assert len(records) == 40 and len({record.id for record in records}) == 40
    for record in records:
        assert record.key == record.headers["ce_subject"] == "train" and record.headers["ce_specversion"] == "1.0"
        assert record.headers["ce_source"] == "/railquest/train/decision"
        assert record.headers["content-type"] == "application/json" and "ce_backlog" not in record.headers
        assert abs(datetime.fromisoformat(record.headers["ce_time"].replace("Z", "+00:00")).timestamp() - time.time()) < 600
        assert json.loads(record.value)["kind"] in ("result", "decision")
    assert decisions(records) == list(range(1, 21))
    frames = line.kafka.read(FRAMES, 15)
    assert len(frames) >= 15
    for record in frames:
        head, _, picture = record.value.partition(b"\n")
        assert picture == PICTURE and json.loads(head)["kind"] == "frame"
        size = len(record.value) + sum(len(name) + len(value) for name, value in record.headers.items()) + len(record.key)
        assert size <= 1.05 * (len(PICTURE) + len(head))
    assert "ok cloud" in line.service.ask("/ready")[1]


def test_a_dead_cluster_costs_no_event_and_holds_up_no_order(line):
    line.feed(10, 0.02)
    line.wait_drained(20)
    line.kafka.kill()
    with line.broker.collector("railquest/train/decision") as next_message:
        for _ in range(100):
            line.feed(1)
            assert json.loads(next_message()[1])["kind"] == "decision"
    assert line.waiting() >= 190
    wait_until(lambda: "ok cloud" not in line.service.ask("/ready")[1], "it is ready though nothing arrives", 20)
    assert "the cloud cannot be reached" in line.service.log()
    line.kafka.start()
    line.wait_drained(220)
    records = line.kafka.read(EVENTS, 220)
    # None is lost, none is there twice, none is out of order.
    assert len(records) == 220 and len({record.id for record in records}) == 220
    assert decisions(records) == list(range(1, 111))
    line.feed(5, 0.2)
    wait_until(lambda: line.waiting("picture") == 0, lambda: f"{line.waiting('picture')} pictures wait", 60)
    frames = line.kafka.read(FRAMES, 30)
    late = [json.loads(record.value.partition(b"\n")[0])["sequence"] for record in frames if "ce_backlog" in record.headers]
    assert late and late == sorted(late)
    assert "ok cloud" in line.service.ask("/ready")[1]


def test_a_service_that_is_killed_while_its_spool_drains_loses_nothing(line):
    line.feed(5, pictures=False)
    line.wait_drained(10)
    line.kafka.kill()
    for decided in range(55, 1506, 50):  # no faster than it takes them: the bus holds 64 at most
        line.feed(50, pictures=False)
        wait_until(lambda: line.decided() == decided, lambda: f"{line.decided()} of {decided}", 30)
    wait_until(lambda: line.waiting() >= 2 * 1500, lambda: f"{line.waiting()} wait", 30)
    line.service.kill()
    line.kafka.start()
    line.start()
    wait_until(lambda: line.arrived() > 200, "nothing drains", 60)
    line.service.kill()
    line.start()
    wait_until(lambda: line.waiting() == 0, lambda: f"{line.waiting()} wait: {line.service.log()}", 60)
    records = line.kafka.read(EVENTS, 3010)
    seen, once = set(), []
    for record in records:
        if record.id not in seen:
            once.append(record)
        seen.add(record.id)
    assert decisions(once) == list(range(1, 1506))
    assert len(once) == 3010


def test_a_record_that_is_too_large_is_said_and_nothing_else_is_lost(broker, kafka, tmp_path):  # noqa: F811
    kafka.create(EVENTS, FRAMES, **{"max.message.bytes": "8000"})
    line = Line(broker, kafka, tmp_path)
    line.feed(10, 0.02)
    line.wait_drained(20)
    assert decisions(kafka.read(EVENTS, 20)) == list(range(1, 11))
    wait_until(lambda: line.service.metric('railquest_cloud_pictures_total{outcome="lost"}') > 0, "no picture is counted as lost", 20)
    assert "for the topic railquest.frames cannot be sent, ever" in line.service.log()
    assert line.service.close() == 0


def test_a_missing_topic_is_named_and_found_once_it_is_there(broker, kafka, tmp_path):  # noqa: F811
    line = Line(broker, kafka, tmp_path)
    line.feed(5, pictures=False)
    wait_until(lambda: re.search("not ready: cloud: topic railquest.events: .*[Uu]nknown topic", line.service.ask("/ready")[1]),
               lambda: line.service.ask("/ready")[1] + line.service.log(), 60)
    kafka.create(EVENTS, FRAMES)
    line.wait_drained(10)
    assert decisions(kafka.read(EVENTS, 10)) == [1, 2, 3, 4, 5]
    assert line.service.close() == 0


def test_structured_mode_puts_all_into_one_object(broker, kafka, tmp_path):  # noqa: F811
    kafka.create(EVENTS, FRAMES)
    line = Line(broker, kafka, tmp_path, "--kafka-mode", "structured")
    line.feed(3, 0.05)
    line.wait_drained(6)
    records = kafka.read(EVENTS, 6)
    assert line.service.close() == 0
    for record in records:
        event = json.loads(record.value)
        assert record.headers == {"content-type": "application/cloudevents+json; charset=UTF-8"}
        assert event["specversion"] == "1.0" and event["data"]["kind"] in ("result", "decision")
    assert len({json.loads(record.value)["id"] for record in records}) == 6


def refused(*options):
    told = subprocess.run([str(word) for word in (BUILD / "bin/railquest-decision", "--listen", "127.0.0.1:0", *options)],
                          capture_output=True, text=True, timeout=20)
    return told.returncode, told.stderr


def test_settings_that_cannot_be_meant_are_refused(tmp_path):
    spool = ("--spool", tmp_path / "spool")
    for options, part in (
            (("--kafka", "kafka://127.0.0.1:9092"), "--spool DIR"),
            (("--kafka", "localhost", *spool), "write kafka://HOST:PORT"),
            (("--kafka", "kafka://kafka.example:9092", *spool), "--allow-plaintext"),
            (("--kafka", "kafkas://127.0.0.1:1", "--kafka-ca-file", "/nowhere", *spool), "/nowhere"),
            (("--kafka", "kafka://127.0.0.1:1", "--spool", "/proc/nowhere"), "/proc/nowhere")):
        code, text = refused(*options)
        assert code == 1 and part in text, (options, code, text)
