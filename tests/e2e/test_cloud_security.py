"""The decision service and a Kafka that wants TLS and a password: what is wrong is said, nothing is lost, and a cure is found."""
import json
import re
import time

import pytest

from authority import Authority
from kafka import Kafka, needs_kafka
from mqtt import needs_mosquitto, running_broker
from railway import Service, wait_until
from test_cloud import EVENTS, FRAMES, PICTURE, Line, decisions

pytestmark = [needs_mosquitto, needs_kafka]
PASSWORD = "correct-horse-battery"


def keystore(authority, name, **days):
    """Key and certificate in a file, all of one name: a broker takes no other while it runs."""
    certificate, key = authority.sign("kafka", "IP:127.0.0.1", **days)
    file = authority.folder / f"{name}.pem"
    file.write_text(key.read_text() + certificate.read_text())
    return file


class Fortress(Kafka):
    """A broker whose second listener wants TLS and a password."""

    def __init__(self, folder):
        self.authority, other = Authority(folder / "authority", "ours"), Authority(folder / "other", "another")
        self.good = keystore(self.authority, "good")
        self.expired = keystore(self.authority, "expired", days=(-3, -1))
        self.foreign = keystore(other, "foreign")
        super().__init__("--secure", str(self.good), "--user", f"train={PASSWORD}")


@pytest.fixture(scope="module")
def fortress(tmp_path_factory):
    fortress = Fortress(tmp_path_factory.mktemp("fortress"))
    fortress.start()
    yield fortress
    fortress.close()


@pytest.fixture(scope="module")
def bus():
    with running_broker("allow_anonymous true") as broker:
        yield broker


class SecureLine(Line):
    """PLAIN, which inside TLS is no weaker, and which every librdkafka proves to every Kafka."""

    def __init__(self, bus, fortress, folder, mechanism="PLAIN"):
        self.password = folder / "password"
        self.password.write_text(PASSWORD + "\n")
        self.url = f"kafkas://{fortress.secure}"
        self.login = ("--kafka-ca-file", fortress.authority.file, "--kafka-user", "train", "--kafka-password-file", self.password,
                      "--kafka-mechanism", mechanism)
        super().__init__(bus, fortress, folder)

    def start(self):
        self.options = ("--kafka", self.url, "--spool", self.folder / "spool", *self.login)
        super().start()

    def wait_trouble(self, pattern):
        """/ready and the log name it, and the service lives."""
        wait_until(lambda: re.search(f"not ready: cloud: .*{pattern}", self.service.ask("/ready")[1]),
                   lambda: self.service.ask("/ready")[1] + self.service.log(), 40)
        wait_until(lambda: re.search(f"level=(warn|error) .*{pattern}", self.service.log()), self.service.log, 20)
        assert self.service.ask("/live")[0] == 200 and PASSWORD not in self.service.log()

    def check(self, count):
        """All of so many pictures' events arrived: none is lost, none twice, none out of order."""
        self.wait_drained(2 * count)
        records = self.kafka.read(EVENTS, 2 * count)
        assert len(records) == len({record.id for record in records}) == 2 * count
        assert decisions(records) == list(range(1, count + 1))
        wait_until(lambda: "ok cloud" in self.service.ask("/ready")[1], lambda: self.service.ask("/ready")[1], 20)


class SecureRoom(Service):
    """A monitor in the cloud that looks at the same cluster."""

    def __init__(self, line):
        super().__init__("monitor", None, "--source", line.url, *line.login, url="mqtt://127.0.0.1:1")

    def wait_trouble(self, pattern):
        wait_until(lambda: re.search(f"not ready: kafka: .*{pattern}", self.ask("/ready")[1]), lambda: self.ask("/ready")[1] + self.log(), 40)
        assert self.ask("/live")[0] == 200 and PASSWORD not in self.log()

    def wait_found(self):
        wait_until(lambda: "ok kafka" in self.ask("/ready")[1], lambda: self.ask("/ready")[1] + self.log(), 40)
        assert self.close() == 0, self.log()


@pytest.fixture
def secure(bus, fortress, tmp_path):
    fortress.create(EVENTS, FRAMES)
    line = SecureLine(bus, fortress, tmp_path)
    yield line
    try:
        assert line.service.close() == 0, line.service.log()
    finally:
        fortress.clear()


@pytest.mark.parametrize("which, pattern", [("expired", "the broker's certificate: certificate has expired"), ("foreign", "the broker's certificate: .*local issuer")])
def test_a_certificate_that_cannot_be_trusted_is_named_and_a_new_one_found(secure, fortress, which, pattern):
    secure.service.kill()
    fortress.show(getattr(fortress, which))
    try:
        secure.start()
        room = SecureRoom(secure)
        secure.feed(10, pictures=False)
        secure.wait_trouble(pattern)
        room.wait_trouble(pattern)
        assert secure.arrived() == 0 and secure.waiting() == 20
    finally:
        fortress.show(fortress.good)
    room.wait_found()
    secure.feed(5, pictures=False)
    secure.check(15)


def test_a_wrong_password_is_named_and_a_new_one_taken_from_its_file(secure):
    secure.service.kill()
    secure.password.write_text("not-this-one\n")
    secure.start()
    secure.feed(10, pictures=False)
    room = SecureRoom(secure)
    secure.wait_trouble("(Authentication failed|authentication)")
    room.wait_trouble("(Authentication failed|authentication)")
    assert "not-this-one" not in secure.service.log() + room.log() and secure.arrived() == 0
    secure.password.write_text(PASSWORD + "\n")
    room.wait_found()
    secure.check(10)


def test_commands_with_a_wrong_password_are_none_and_a_new_one_is_taken_from_its_file(bus, fortress, tmp_path):
    fortress.create(EVENTS, FRAMES, "railquest.commands")
    password = tmp_path / "password"
    password.write_text("not-this-one\n")
    service = Service("decision", bus, "--kafka", f"kafkas://{fortress.secure}", "--spool", tmp_path / "spool", "--cloud-commands",
                      "--kafka-ca-file", fortress.authority.file, "--kafka-user", "train", "--kafka-password-file", password,
                      "--kafka-mechanism", "PLAIN")
    wait_until(lambda: re.search("not ready: commands: .*[Aa]uthentication", service.ask("/ready")[1]), service.log, 40)
    wait_until(lambda: re.search("no commands from the cloud: .*[Aa]uthentication", service.log()), service.log, 40)
    assert "not-this-one" not in service.log() and service.ask("/live")[0] == 200
    password.write_text(PASSWORD + "\n")
    wait_until(lambda: "ok commands" in service.ask("/ready")[1], lambda: service.ask("/ready")[1] + service.log(), 40)
    assert PASSWORD not in service.log() and service.close() == 0, service.log()
    fortress.clear()


def test_scram_works_or_its_library_is_named(bus, fortress, tmp_path):
    """Before 2.6.1 librdkafka proved its password in a way that Kafka 4 refuses: nobody shall look for a wrong password then."""
    fortress.create(EVENTS, FRAMES)
    line = SecureLine(bus, fortress, tmp_path, "SCRAM-SHA-512")
    line.feed(3, pictures=False)
    wait_until(lambda: line.arrived() or "not ready: cloud: " in line.service.ask("/ready")[1], line.service.log, 40)
    if line.arrived():
        line.check(3)
    else:
        line.wait_trouble("librdkafka 2[.][0-6][.][0-9].* PLAIN")
    assert line.service.close() == 0
    fortress.clear()


def test_a_missing_topic_a_record_too_large_and_a_restart_lose_nothing_else(bus, fortress, tmp_path):
    line = SecureLine(bus, fortress, tmp_path)
    line.feed(3, pictures=False)
    line.wait_trouble("topic railquest.events: .*[Uu]nknown topic")
    fortress.create(EVENTS, FRAMES, **{"max.message.bytes": "20000"})
    line.wait_drained(6)
    many = [("SpeedLimit", 2 * x) for x in range(300)]
    line.signs.see(*many)  # 30 kB
    line.feed(3, pictures=False)
    wait_until(lambda: line.service.metric('railquest_cloud_events_total{outcome="lost"}') == 1, line.service.log, 20)
    assert "for the topic railquest.events cannot be sent, ever" in line.service.log()
    line.wait_drained(13)  # the decision on the large one is small
    fortress.kill()
    line.feed(20, pictures=False)
    fortress.start()
    line.feed(3, 0.02)
    line.wait_drained(59)
    records = fortress.read(EVENTS, 59)
    assert len({record.id for record in records}) == 59
    assert decisions(records) == list(range(1, 31))
    frames = fortress.read(FRAMES, 1)
    assert frames and all(record.value.endswith(PICTURE) for record in frames)
    assert line.service.close() == 0
    fortress.clear()
