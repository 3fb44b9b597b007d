"""A train and its cloud on two hosts (namespaces.py), what feeds the train, and who watches what arrives on the other side.

Both hosts have the kernel's one monotonic clock: an age is the time of arrival less that of the capture, with nothing to estimate.
"""
import collections
import contextlib
import json
import os
import threading
import time

from kafka import Kafka, confluent_kafka
from mqtt import running_broker
from namespaces import CLOUD, two_hosts
from railway import BRAKE, Service, Signs, now_us, wait_until
from test_cloud import EVENTS, FRAMES, frame

DANGER = ("DangerAhead", 100)
# Every sign acts at once, and no longer than it is seen: as many orders as can be, for measuring.
RULES = """version: 1
signs:
  - {class: DangerAhead, order: stop, confirm: 1 of 1, cooldown: 10ms}
stop: {resume: clear, hold: 10ms, clear_for: 100ms}
"""

Arrival = collections.namedtuple("Arrival", "at_us topic type id sequence captured_us late bytes")


class Watcher:
    """A stock client in the cloud; all that arrives is in `seen`, in order of arrival."""

    def __init__(self, hosts, address, train="train"):
        self.hosts, self.address, self.train = hosts, address, train
        self.seen = []
        self.leaving = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        with self.hosts.cloud:
            client = confluent_kafka.Consumer({"bootstrap.servers": self.address, "group.id": "weather", "fetch.wait.max.ms": 10,
                                               "fetch.message.max.bytes": 1 << 25, "log_level": 0})
            client.assign([confluent_kafka.TopicPartition(topic, 0, 0) for topic in (EVENTS, FRAMES)])
            while not self.leaving.is_set():
                message = client.poll(0.1)
                if message and not message.error():
                    self._take(message, now_us())
            client.close()

    def _take(self, message, at_us):
        headers = dict(message.headers() or [])
        line = json.loads(message.value().partition(b"\n")[0])
        self.seen.append(Arrival(at_us, message.topic(), headers["ce_type"].decode(), headers["ce_id"].decode(), line.get("sequence", 0),
                                 line.get("captured_monotonic_us", 0), "ce_backlog" in headers, len(message.value())))

    def events(self, kind):
        return [one for one in list(self.seen) if one.type == f"railquest.{kind}.v1"]

    def pictures(self, late=None, since_us=0):
        return [one for one in list(self.seen) if one.topic == FRAMES and one.captured_us >= since_us and late in (None, one.late)]

    def ages_us(self, since_us):
        """Of the live pictures that were taken since."""
        return [one.at_us - one.captured_us for one in self.pictures(late=False, since_us=since_us)]

    def close(self):
        self.leaving.set()
        self.thread.join(10)


class Train:
    """A broker, decision and a controller with a hub that writes down what it is told; armed. All in the train's namespace."""

    def __init__(self, hosts, folder, *options, name="train", kafka=None):
        self.hosts, self.folder, self.name = hosts, folder / name, name
        self.folder.mkdir()
        self.hub, rules = self.folder / "hub.ndjson", self.folder / "rules.yaml"
        self.hub.write_text("")
        rules.write_text(RULES)
        self.options = ("--train", name, "--rules", rules, *options) + (
            ("--kafka", f"kafka://{kafka.address}", "--allow-plaintext", "--spool", self.folder / "spool") if kafka else ())
        self.left = contextlib.ExitStack()
        with self.hosts.train:
            self.broker = self.left.enter_context(running_broker("allow_anonymous true"))
            self.start()
            self.controller = Service("controller", self.broker, "--train", name, "--hub", "record", "--record-file", self.hub)
            self.controller.wait_ready("broker", "hub")
            self.signs = Signs(self.broker.port, f"railquest/{name}/result")
            self.decided = self.left.enter_context(self.broker.collector(f"railquest/{name}/decision"))
            self.see()
            wait_until(lambda: self.controller.post("/arm")[0] == 200 or self.see(), "it cannot be armed")
        self.brakes = []  # when each result that must brake was published

    def start(self):
        self.decision = Service("decision", self.broker, *self.options)
        self.decision.wait_ready("broker", *(["session"] if "--kafka" in self.options else []))
        time.sleep(0.2)  # subscriptions follow the connection

    def see(self, *signs, picture=True):
        """One picture and its result; when it was taken."""
        if picture:
            self.signs.publisher.publish(f"railquest/{self.name}/frame", frame(self.signs))
        return self.signs.see(*signs)

    def drive(self, count, danger_every, danger_for=3):
        """As fast as it decides, one picture after the other, and a moment for each: the bus keeps the newest alone. Danger comes
        in sight again and again."""
        for number in range(count):
            danger = number % danger_every < danger_for
            at_us = self.see(*((DANGER,) if danger else ()))
            if number % danger_every == 0:
                self.brakes.append(at_us)
            self.decided()
            time.sleep(0.001)

    def ask(self, path):
        with self.hosts.train:
            return self.decision.ask(path)[1]

    def metric(self, name):
        with self.hosts.train:
            return self.decision.metric(name)

    def pictures(self, outcome):
        return self.metric(f'railquest_cloud_pictures_total{{outcome="{outcome}"}}')

    def waiting(self, kind="event"):
        return self.metric(f'railquest_cloud_waiting{{kind="{kind}"}}')

    def spool_bytes(self):
        """As the file system has it."""
        total = 0
        for folder, _, names in os.walk(self.folder / "spool"):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    total += os.path.getsize(os.path.join(folder, name))
        return total

    def told(self):
        """When the hub was told to brake, in order."""
        orders = [json.loads(line) for line in self.hub.read_text().splitlines()]
        return [order["at_us"] for order in orders if order["bytes"].lower() == BRAKE]

    def brake_us(self, since_us=0, until_us=1 << 62):
        """From each result that must brake, published in this time, to the hub; None where it was not told."""
        told, found, place = self.told(), [], 0
        for sent in self.brakes:
            while place < len(told) and told[place] < sent:
                place += 1
            if since_us <= sent < until_us:
                found.append(told[place] - sent if place < len(told) else None)
        return found

    def close(self):
        """Orderly; True where both ended well."""
        with self.hosts.train:
            codes = [service.close() for service in (self.controller, self.decision)]
            self.signs.publisher.close()
            self.left.close()
        return codes == [0, 0]


class Pace(threading.Thread):
    """Pictures at a steady rate, in a thread; each `danger_every` of them danger comes in sight for three."""

    def __init__(self, *trains, fps=10, danger_every=10):
        super().__init__(daemon=True)
        self.trains, self.fps, self.danger_every = trains, fps, danger_every
        self.leaving = threading.Event()
        self.count = 0
        self.start()

    def run(self):
        begun = now_us()
        while not self.leaving.is_set():
            danger = self.count % self.danger_every < 3
            for train in self.trains:
                at_us = train.see(*((DANGER,) if danger else ()))
                if self.count % self.danger_every == 0:
                    train.brakes.append(at_us)
            self.count += 1
            self.leaving.wait(max(0, begun + self.count * 1_000_000 // self.fps - now_us()) / 1e6)

    def close(self):
        self.leaving.set()
        self.join(10)


@contextlib.contextmanager
def two_hosts_with_kafka():
    """(hosts, kafka): the broker on the cloud's host."""
    with two_hosts() as hosts:
        kafka = Kafka(host=CLOUD)
        try:
            with hosts.cloud:
                kafka.start()
            yield hosts, kafka
        finally:
            kafka.close()


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
