"""railquest-monitor in the cloud: a real Kafka, real decision services, groups that rebalance, a broker that dies."""
import http.client
import json
import subprocess
import threading
import time
import uuid
from datetime import datetime, timezone

import pytest

import chromium
from kafka import Record, cluster, kafka, needs_kafka  # noqa: F401 (fixtures)
from mqtt import broker, needs_mosquitto  # noqa: F401 (a fixture)
from railway import Service, Signs, wait_until
from serving import BUILD
from test_cloud import EVENTS, FRAMES, PICTURE, frame
from test_monitor_ladder import png

pytestmark = [needs_mosquitto, needs_kafka]
COMMANDS = "railquest.commands"


class Train:
    """A decision service with a name, on the broker of all of them, and what feeds it."""

    def __init__(self, name, broker, kafka, folder):
        self.name, self.broker = name, broker
        self.options = ("--train", name, "--kafka", f"kafka://{kafka.address}", "--spool", folder / f"spool-{name}")
        self.start()
        self.signs = Signs(broker.port, f"railquest/{name}/result")

    def start(self):
        self.service = Service("decision", self.broker, *self.options)
        self.service.wait_ready("broker", "session")
        time.sleep(0.2)

    def picture(self, number):
        """One that is no other's: a JPEG may have anything behind its end."""
        return PICTURE + f"{self.name} {number}".encode()

    def feed(self, count, pause=0.03, pictures=True, picture=PICTURE):
        for _ in range(count):
            if pictures:
                self.signs.publisher.publish(f"railquest/{self.name}/frame", frame(self.signs, picture))
            self.signs.see()
            time.sleep(pause)

    def waiting(self):
        return self.service.metric('railquest_cloud_waiting{kind="event"}')


class Room(Service):
    """A monitor in the cloud."""

    def __init__(self, kafka, *options):
        super().__init__("monitor", None, "--source", f"kafka://{kafka.address}", *options, url="mqtt://127.0.0.1:1")

    def get(self, path):
        status, text = self.ask(path)
        return status, json.loads(text) if text else None

    def ask_bytes(self, path):
        client = http.client.HTTPConnection(self.address, timeout=5)
        client.request("GET", path)
        answer = client.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            client.close()

    def kafka(self):
        return self.get("/api/trains")[1]["kafka"]

    def wait_member(self, partitions):
        """Until it is a member that reads so many partitions."""
        def owned():
            return sum(len(topic["partitions"]) for topic in self.kafka()["topics"])
        wait_until(lambda: self.kafka() and self.kafka()["up"] and self.kafka()["membership"] == "member" and owned() == partitions,
                   lambda: f"{self.kafka()} {self.log()}", 40)

    def decision(self, train):
        """The number of the last decision shown of a train; 0: none."""
        status, told = self.get(f"/api/train/status?train={train}")
        return told.get("decision", {}).get("id", 0) if status == 200 else 0

    def wait_decision(self, train, number, seconds=30):
        wait_until(lambda: self.decision(train) == number,
                   lambda: f"{self.decision(train)}, not {number}: {self.get('/api/trains')} {self.log()}", seconds)


def read_one(kafka, topic):  # noqa: F811
    """The only record of a topic of two partitions."""
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": kafka.address, "group.id": "test"})
    consumer.assign([TopicPartition(topic, 0, 0), TopicPartition(topic, 1, 0)])
    try:
        for _ in range(100):
            message = consumer.poll(0.2)
            if message and not message.error():
                return Record(message)
        raise AssertionError(f"nothing in {topic}")
    finally:
        consumer.close()


@pytest.fixture
def trains(broker, kafka, tmp_path):  # noqa: F811
    """Two of them, and topics of two partitions."""
    from confluent_kafka.admin import AdminClient, NewTopic
    admin = AdminClient({"bootstrap.servers": kafka.address})
    for future in admin.create_topics([NewTopic(topic, 2, 1) for topic in (EVENTS, FRAMES, COMMANDS)]).values():
        future.result(30)
    if not getattr(broker, "process", None):
        broker.start()
    trains = [Train(name, broker, kafka, tmp_path) for name in ("blue", "red")]
    yield trains
    for train in trains:
        if train.service.process.returncode is None:
            assert train.service.close() == 0, train.service.log()


def test_two_trains_are_seen_each_with_its_own_and_with_its_age(trains, kafka):  # noqa: F811
    room = Room(kafka)
    room.wait_member(4)
    assert room.get("/api/train/status")[0] == 404  # none was heard of
    for train, count in zip(trains, (5, 9)):
        train.feed(count)
    room.wait_decision("blue", 5)
    room.wait_decision("red", 9)
    blue = room.get("/api/train/status?train=blue")[1]
    assert blue["hello"]["source"] == "kafka" and blue["hello"]["broker"]
    assert blue["frame"]["clock"] == "monotonic" and not blue["frame"]["late"]
    wait_until(lambda: "cloud_us" in room.get("/api/train/status?train=blue")[1]["hops"], "no hop to the cloud")
    rows = room.get("/api/trains")[1]["trains"]
    assert sorted(row["train"] for row in rows) == ["blue", "red"] and all(row["alive"] for row in rows)
    status, picture = room.ask_bytes("/api/train/frame.jpg?train=red")
    assert status == 200 and picture[:2] == b"\xff\xd8"
    assert room.metric("railquest_monitor_trains") == 2
    assert all(row["alerts"] == [] for row in rows) and room.metric('railquest_train_up{train="red"}') == 1
    assert room.metric('railquest_train_picture_age_seconds{train="red"}') < 5
    assert room.metric('railquest_train_alert{train="red",alert="silent"}') == 0
    assert room.metric('railquest_monitor_lag_records{topic="railquest.events"}') == 0
    assert "ok kafka" in room.ask("/ready")[1]
    # A command goes to the commands' topic, under the train's name.
    status, text = room.post("/api/train/stop?train=red", **{"content-type": "application/json"})
    assert status == 202, text
    record = read_one(kafka, COMMANDS)
    assert record.key == "red" and record.type == "railquest.command.v1"
    assert json.loads(record.value)["command"] == "stop" and json.loads(record.value)["id"] == json.loads(text)["id"]
    # Trains that say nothing are told of, on the page and to Prometheus.
    wait_until(lambda: [row["alerts"] for row in room.get("/api/trains")[1]["trains"]] == [["silent"], ["silent"]], "no alert")
    assert room.metric('railquest_train_up{train="blue"}') == 0
    assert room.metric('railquest_train_alert{train="blue",alert="silent"}') == 1
    # Nobody took it there: it is told as unanswered, later than over MQTT.
    wait_until(lambda: room.get("/api/train/status?train=red")[1]["commands"][-1]["outcome"] == "unanswered", "never unanswered")
    assert room.close() == 0, room.log()


def test_monitors_of_a_group_share_the_partitions_and_nothing_is_lost_when_one_is_killed(trains, kafka):  # noqa: F811
    first = Room(kafka, "--group", "night-shift")
    first.wait_member(4)
    second = Room(kafka, "--group", "night-shift")
    second.wait_member(2)
    first.wait_member(2)
    assert first.kafka()["rebalances"] >= 2 and first.kafka()["topics"][0]["total"] == 2
    for train in trains:
        train.feed(20, pictures=False)
    wait_until(lambda: sum(room.metric('railquest_monitor_records_total{outcome="taken"}') for room in (first, second)) == 80,
               "not all was taken", 30)
    half = first.metric('railquest_monitor_records_total{outcome="taken"}')
    time.sleep(1.5)  # and committed
    second.kill()
    for train in trains:
        train.feed(20, pictures=False)
    first.wait_member(4)
    for train in trains:
        first.wait_decision(train.name, 40)
    # All of the second half came to the one that is left, whoever had read the first half.
    wait_until(lambda: first.metric('railquest_monitor_records_total{outcome="taken"}') >= half + 80, "some were lost", 20)
    assert first.close() == 0, first.log()


def test_what_waited_while_a_monitor_was_away_is_lag_and_then_late_and_never_live(trains, kafka):  # noqa: F811
    room = Room(kafka, "--group", "day-shift")
    room.wait_member(4)
    trains[0].feed(3, pictures=False)
    room.wait_decision("blue", 3)
    assert room.close() == 0, room.log()
    trains[0].feed(30, pause=0.01, pictures=False)
    wait_until(lambda: trains[0].waiting() == 0, "it does not reach the cluster", 20)
    room = Room(kafka, "--group", "day-shift")
    room.wait_decision("blue", 33)
    told = room.get("/api/train/status?train=blue")[1]
    assert told["source"]["late"] == 60 and told["source"]["duplicates"] == 0  # where the group left off, and no record twice
    row = room.get("/api/trains")[1]["trains"][0]
    assert not row["alive"] and "heard_us" not in row  # nothing of it was news
    assert room.metric('railquest_monitor_lag_records{topic="railquest.events"}') == 0
    trains[0].feed(1, pictures=False)
    room.wait_decision("blue", 34)
    assert room.get("/api/trains")[1]["trains"][0]["alive"]
    assert room.close() == 0, room.log()


def test_a_broker_that_restarts_and_a_train_that_is_killed_show_each_event_once(trains, kafka):  # noqa: F811
    room = Room(kafka)
    room.wait_member(4)
    blue = trains[0]
    blue.feed(3, pictures=False)
    room.wait_decision("blue", 3)
    kafka.kill()
    wait_until(lambda: not room.kafka()["up"], "it does not notice", 20)
    status, text = room.ask("/ready")
    assert status == 503 and "kafka: the cluster does not answer" in text
    assert room.post("/api/train/stop?train=blue", **{"content-type": "application/json"})[0] == 503
    for _ in range(20):
        blue.feed(50, pause=0.002, pictures=False)
        time.sleep(0.05)
    wait_until(lambda: blue.waiting() >= 2000, lambda: f"{blue.waiting()} wait", 20)
    time.sleep(5.5)  # longer than a hiccup: then it is backlog
    kafka.start()
    wait_until(lambda: blue.waiting() < 1900, "it does not drain", 60)
    blue.service.kill()
    blue.start()
    wait_until(lambda: blue.waiting() == 0, lambda: f"{blue.waiting()} wait", 60)

    def shown():
        told = room.get("/api/train/status?train=blue")[1]["source"]
        return told["late"] + room.metric('railquest_monitor_messages_total{kind="decision",outcome="taken"}') \
            + room.metric('railquest_monitor_messages_total{kind="result",outcome="taken"}')

    room.wait_decision("blue", 1003, 60)
    told = room.get("/api/train/status?train=blue")[1]
    assert told["source"]["late"] > 0
    # Each event once: the 6 from before and 2000 from then; the last late ones of each kind are shown besides.
    assert 2006 <= shown() <= 2010, (shown(), told["source"])
    assert room.metric("railquest_monitor_duplicates_total") == told["source"]["duplicates"]
    assert room.close() == 0, room.log()


def history(room, train, began):
    """What is recorded of a train since then, as the history tells it."""
    status, told = room.get(f"/api/train/history/events?train={train}&from={began:.3f}")
    assert status == 200 and not told["cut"], told
    return told["events"]


def test_each_train_has_a_recording_of_its_own_also_of_what_came_while_nobody_listened(trains, kafka, tmp_path):  # noqa: F811
    began = time.time()
    options = ("--group", "recorder", "--record", tmp_path / "rings", "--record-size", "16")
    room = Room(kafka, *options)
    room.wait_member(4)
    sent = {}
    for train, count in zip(trains, (12, 20)):
        sent[train.name] = [train.picture(number) for number in range(count)]
        for picture in sent[train.name]:
            train.feed(1, picture=picture)
    room.wait_decision("blue", 12)
    room.wait_decision("red", 20)
    assert room.get("/api/train/status?train=red")[1]["hello"]["recorded"] is True
    assert room.close() == 0, room.log()
    trains[0].feed(15, pause=0.01, pictures=False)  # while no monitor is there
    wait_until(lambda: trains[0].waiting() == 0, "it does not reach the cluster", 20)
    room = Room(kafka, *options)
    room.wait_decision("blue", 27)
    # Written by a thread of its own, which may be a moment behind.
    for train, count in zip(trains, (27, 20)):
        for kind in ("decision", "result"):
            wait_until(lambda: sum(event["kind"] == kind for event in history(room, train.name, began)) >= count, "not all is recorded", 20)
    for train, count in zip(trains, (27, 20)):
        events = history(room, train.name, began)
        kinds = [event["kind"] for event in events]
        assert kinds.count("decision") == kinds.count("result") == count, (train.name, kinds)  # each once
        assert [event["at_ms"] for event in events] == sorted(event["at_ms"] for event in events)
        frames = [event["number"] for event in events if event["kind"] == "frame"]
        pictures = [room.ask_bytes(f"/api/train/history/frame.jpg?train={train.name}&number={number}")[1] for number in frames]
        places = [sent[train.name].index(picture) for picture in pictures]  # its own, byte for byte
        assert places and places == sorted(set(places)), (train.name, places)
        line = room.get(f"/api/train/history?train={train.name}&from={began:.3f}")[1]
        assert sum(count for _, _, count in line["pictures"]) == len(frames)
    assert sorted(path.name for path in (tmp_path / "rings").iterdir() if path.is_dir()) == ["blue", "red"]
    assert room.close() == 0, room.log()


def small_frame(signs):
    """The frame message of the next result that `signs` makes, with a picture that a browser can show."""
    message = frame(signs, png(64, 48))
    return message.replace(b'"format": "jpeg", "width": 600, "height": 400', b'"format": "png", "width": 64, "height": 48')


class Many(threading.Thread):
    """Many trains, as their decision services would speak: a picture and what was found in it, some times a second each."""

    def __init__(self, kafka, count, a_second=4):
        super().__init__(daemon=True)
        from confluent_kafka import Producer
        self.producer = Producer({"bootstrap.servers": kafka.address, "linger.ms": 2})
        self.names, self.pause = [f"train-{i:02}" for i in range(count)], 1 / count / a_second
        self.leaving = threading.Event()

    def run(self):
        signs = Signs.__new__(Signs)  # what it says, and nothing that it says it to
        signs.boot, signs.sequence = uuid.uuid4().hex, 0
        while not self.leaving.is_set():
            for name in self.names:
                message = small_frame(signs)
                result = signs.result(("DangerAhead", 8))
                result["detections"][0]["box"] = [8, 8, 24, 24]
                self.send(FRAMES, name, "frame", "application/vnd.railquest.frame", signs.sequence, message)
                self.send(EVENTS, name, "result", "application/json", signs.sequence, json.dumps(result))
                self.leaving.wait(self.pause)
        self.producer.flush(10)

    def send(self, topic, name, kind, content, sequence, message):
        stamp = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        headers = {"ce_specversion": "1.0", "ce_id": f"{sequence}-{kind}", "ce_source": f"/railquest/{name}/test", "ce_type": f"railquest.{kind}.v1",
                   "ce_subject": name, "ce_time": stamp, "content-type": content}
        self.producer.produce(topic, message, name, headers=list(headers.items()))
        self.producer.poll(0)

    def close(self):
        self.leaving.set()
        self.join()


@pytest.mark.skipif(any(mark.args[0] for mark in chromium.MISSING), reason="no Chromium, or no npm")
def test_twenty_trains_are_on_one_page_by_one_connection_and_so_is_one_that_was_recorded(trains, broker, kafka, tmp_path):  # noqa: F811
    options = ("--record", tmp_path / "rings", "--record-size", "16")
    yesterday = Service("monitor", broker, "--train", "old", *options)
    yesterday.wait_ready("broker")
    signs = Signs(broker.port, "railquest/old/result")
    for _ in range(5):
        signs.publisher.publish("railquest/old/frame", small_frame(signs))
        signs.see()
    wait_until(lambda: yesterday.metric('railquest_monitor_recorded_total{kind="result",outcome="written"}') == 5, "not all is recorded", 20)
    signs.publisher.close()
    assert yesterday.close() == 0, yesterday.log()
    room = Room(kafka, *options)
    assert room.get("/api/trains")[1]["trains"] == [{"train": "old", "place": 0, "heard": False, "alive": False, "alerts": []}]
    assert room.get("/api/train/status")[0] == 404 and room.get("/api/train/status?train=old")[1]["hello"]["recorded"]
    room.wait_member(4)
    many = Many(kafka, 20)
    many.start()
    try:
        done = subprocess.run(["node", "fleet.mjs", f"http://{room.address}/", "20", "old"], cwd=chromium.install(),
                              capture_output=True, text=True, timeout=240)
    finally:
        many.close()
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    for name, way in (("best", "ws"), ("last", "poll")):
        found = seen[name]
        assert sorted(found["drawn"]) == many.names and found["transport"] == way, found
        assert all(train["pictures"] >= 3 and train["boxes"] for train in found["drawn"].values()), found
    assert (seen["best"]["sockets"], seen["best"]["fetched"]) == (1, 0) and seen["best"]["streams"] <= 1, seen["best"]
    assert seen["last"]["sockets"] == seen["last"]["streams"] == 0 and seen["last"]["fetched"] >= 60, seen["last"]
    recorded = seen["recorded"]
    assert recorded["heard"] == "false" and "recorded" in recorded["tile"] and "old" not in recorded["alerts"], recorded
    assert "old" in recorded["title"].lower() and recorded["complaints"] == [], recorded
    assert room.metric("railquest_monitor_trains") == 20 and 'railquest_train_up{train="old"}' not in room.ask("/metrics")[1]
    assert room.close() == 0, room.log()


def test_a_missing_topic_is_named_and_read_once_it_is_there(broker, kafka):  # noqa: F811
    room = Room(kafka)
    wait_until(lambda: "topic railquest.events" in room.ask("/ready")[1], lambda: room.ask("/ready")[1] + room.log(), 30)
    kafka.create(EVENTS, FRAMES, COMMANDS)
    room.wait_member(2)
    assert room.ask("/ready")[0] == 200
    assert room.close() == 0, room.log()


def test_sources_that_cannot_be_meant_are_refused():
    for options, part in (
            (("--source", "localhost"), "write kafka://HOST:PORT"),
            (("--source", "kafka://localhost"), "each broker is HOST:PORT; write kafka://"),
            (("--source", "kafka://kafka.example:9092"), "--allow-plaintext"),
            (("--source", "kafka://127.0.0.1:1", "--group", ""), "group"),
            (("--source", "kafka://127.0.0.1:1", "--kafka-user", "x"), "--kafka-password-file"),
            (("--source", "kafka://127.0.0.1:1", "--compat", "crazytrain"), "CloudEvents")):
        told = subprocess.run([BUILD / "bin/railquest-monitor", "--listen", "127.0.0.1:0", *options],
                              capture_output=True, text=True, timeout=20)
        assert told.returncode == 1 and part in told.stderr, (options, told.stderr)
