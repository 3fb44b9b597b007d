"""kill -9 of the decision service, over and over, while its spool drains and the train drives: what anybody heard of is in Kafka, and is shown once."""
import json
import os
import random
import threading
import time

from kafka import cluster, kafka, needs_kafka  # noqa: F401 (fixtures)
from mqtt import broker, needs_mosquitto  # noqa: F401 (a fixture)
from railway import Service, wait_until
from test_cloud import EVENTS, FRAMES, Line
from test_monitor_kafka import COMMANDS, Room

pytestmark = [needs_mosquitto, needs_kafka]
KILLS = int(os.environ.get("RAILQUEST_KILLS", "20"))
BEFORE = 1000  # results that wait when the first kill comes, two events each
PAUSE = 0.01  # of the train, which is ten times as fast as a real one


class Witness:
    """Whoever else is at the broker: what it heard of has happened."""

    def __init__(self, broker):  # noqa: F811
        self.orders, self.results = [], set()
        self.thread = threading.Thread(target=self.listen, args=(broker,), daemon=True)
        self.is_there = threading.Event()
        self.thread.start()
        assert self.is_there.wait(10)

    def listen(self, broker):  # noqa: F811
        with broker.collector("railquest/train/decision", "railquest/train/result", "test/end") as next_message:
            self.is_there.set()
            while True:
                topic, payload = next_message()
                if topic == "test/end":
                    return
                heard = json.loads(payload)
                if topic.endswith("decision"):
                    self.orders.append((heard["trace"], heard["id"]))
                else:
                    self.results.add(heard["trace"])

    def close(self, broker):  # noqa: F811
        broker.publish("test/end", "end")
        self.thread.join(20)
        assert not self.thread.is_alive()


class Driving:
    """Results without a break, whoever hears them."""

    def __init__(self, line):
        self.line, self.leaving = line, threading.Event()
        self.thread = threading.Thread(target=self.drive)
        self.thread.start()

    def drive(self):
        while not self.leaving.wait(PAUSE):
            self.line.feed(1, pictures=False)

    def close(self):
        self.leaving.set()
        self.thread.join()


def fill(line):
    """A spool that will take a while to drain: the cluster is away."""
    line.kafka.kill()
    for decided in range(50, BEFORE + 1, 50):  # no faster than it takes them: the bus holds 64 at most
        line.feed(50, pictures=False)
        wait_until(lambda: line.decided() == decided, lambda: f"{line.decided()} of {decided}", 30)
    wait_until(lambda: line.waiting() == 2 * BEFORE, lambda: f"{line.waiting()} wait", 30)


def kill_over_and_over(line, random_moments):
    """How many of the kills came while something waited on disk."""
    while_draining = 0
    for _ in range(KILLS):
        wait_until(lambda: "ok broker" in line.service.ask("/ready")[1], "it does not come back", 20)
        time.sleep(random_moments.uniform(0, 0.5))
        while_draining += line.waiting() > 0
        line.service.kill()
        line.service = Service("decision", line.broker, *line.options)
    return while_draining


def runs_of(numbers):
    """How many stretches without a gap."""
    return sum(number - 1 not in numbers for number in numbers)


def test_what_anybody_heard_of_is_in_the_cloud_and_shown_once_however_often_it_is_killed(broker, kafka, tmp_path):  # noqa: F811
    kafka.create(EVENTS, FRAMES, COMMANDS)
    line = Line(broker, kafka, tmp_path)
    witness = Witness(broker)
    fill(line)
    room = Room(kafka)
    driving = Driving(line)
    kafka.start()
    while_draining = kill_over_and_over(line, random.Random(20))
    line.service.wait_ready("broker", "session")
    driving.close()
    line.wait_taken()
    wait_until(lambda: line.waiting() == 0, lambda: f"{line.waiting()} wait: {line.service.log()}", 90)
    assert line.service.close() == 0, line.service.log()
    witness.close(broker)
    records = kafka.read(EVENTS, 2 * BEFORE)
    once = list({record.id: record for record in reversed(records)}.values())[::-1]  # the first of each
    told = {kind: [json.loads(record.value) for record in once if record.type == f"railquest.{kind}.v1"] for kind in ("result", "decision")}
    decisions = {(told["trace"], told["id"]) for told in told["decision"]}
    results = {told["trace"] for told in told["result"]}
    # Whoever heard an order finds it in the cloud, and the result that it came from.
    assert len(witness.orders) > BEFORE
    assert not [order for order in witness.orders if order not in decisions]
    assert not [order for order in witness.orders if order[0] not in results]
    # Nor is anything else there, or out of order.
    assert {trace for trace, _ in decisions} <= results
    for kind in told.values():
        sequences = [told["sequence"] for told in kind]
        assert sequences == sorted(sequences)
    # Also what came while no decision service was there, with nobody to decide on it: a stretch for each kill.
    assert results == witness.results, sorted(int(trace, 16) for trace in witness.results - results)
    undecided = {int(trace, 16) for trace in results - {trace for trace, _ in decisions}}
    assert undecided and runs_of(undecided) <= KILLS, sorted(undecided)
    # A monitor that was there all the time has left out what came twice.
    twice = len(records) - len(once)
    wait_until(lambda: room.metric('railquest_monitor_lag_records{topic="railquest.events"}') == 0, "the monitor lags", 30)
    wait_until(lambda: room.metric("railquest_monitor_duplicates_total") == twice,
               lambda: f"{room.metric('railquest_monitor_duplicates_total')} of {twice}: {room.log()}", 10)
    print(f"{KILLS} kills, {while_draining} of them while the spool drained: {len(witness.orders)} orders heard, {len(once)} events in the cloud, "
          f"{twice} there twice, {len(undecided)} results that nobody decided on")
    assert while_draining >= KILLS / 2
    assert room.close() == 0, room.log()
