"""Stop and arm from the cloud: monitor, a real Kafka, decision service, a real MQTT broker, controller."""
import json
import subprocess
import time
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from kafka import cluster, kafka, needs_kafka  # noqa: F401 (fixtures)
from mqtt import broker, free_port, needs_mosquitto  # noqa: F401 (a fixture)
from railway import Service, Signs, wait_until
from serving import BUILD
from test_cloud import EVENTS, FRAMES
from test_monitor_kafka import COMMANDS, Room

pytestmark = [needs_mosquitto, needs_kafka]
ELSEWHERE = "f" * 32  # the monotonic clock of another machine
JSON = {"content-type": "application/json"}


class Office:
    """Writes commands into the topic, as a monitor on another machine does."""

    def __init__(self, kafka):
        from confluent_kafka import Producer
        self.producer = Producer({"bootstrap.servers": kafka.address})

    def say(self, verb, age=0.0, train="red", id=None, deadline_ms=3000):
        """The command's id. `age`: seconds since it was sent, by the wall clock."""
        id = id or uuid.uuid4().hex
        sent = datetime.now(timezone.utc) - timedelta(seconds=age)
        command = {"version": 1, "kind": "command", "id": id, "command": verb, "clock": ELSEWHERE, "sent_monotonic_us": 5,
                   "deadline_ms": deadline_ms}
        self.write(json.dumps(command), train, {
            "ce_specversion": "1.0", "ce_id": id, "ce_source": "/test", "ce_type": "railquest.command.v1", "ce_subject": train,
            "ce_time": sent.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z", "content-type": "application/json"})
        return id

    def write(self, value, key="red", headers=None):
        self.producer.produce(COMMANDS, value, key, headers=headers or {})
        assert self.producer.flush(20) == 0


class Cab:
    """A train that is called red: its decision service takes commands from the cloud; its controller has a hub that prints."""

    def __init__(self, broker, kafka, folder, *listening):
        if not getattr(broker, "process", None):
            broker.start()
        self.broker = broker
        self.controller = Service("controller", broker, "--train", "red", "--hub", "print")
        self.options = ("--train", "red", "--kafka", f"kafka://{kafka.address}", "--spool", folder / "spool", "--cloud-commands")
        self.controller.wait_ready("broker", "hub")
        self.start(*listening)

    def start(self, *listening):
        self.decision = Service("decision", self.broker, *self.options)
        self.decision.wait_ready("broker", *(listening or ("commands",)))

    def armed(self):
        return json.loads(self.controller.ask("/telemetry")[1])["armed"]

    def arm_here(self):
        assert self.controller.post("/arm")[0] == 200 and self.armed()

    def wait_armed(self, wanted, seconds=20):
        wait_until(lambda: self.armed() == wanted, lambda: self.decision.log() + self.controller.log(), seconds)

    def count(self, outcome):
        return self.decision.metric(f'railquest_cloud_commands_total{{outcome="{outcome}"}}')

    def wait_count(self, outcome, wanted, seconds=20):
        wait_until(lambda: self.count(outcome) == wanted, lambda: f"{self.count(outcome)} {outcome}: {self.decision.log()}", seconds)

    def close(self):
        for service in (self.decision, self.controller):
            if service.process.returncode is None:
                assert service.close() == 0, service.log()


@pytest.fixture
def cab(broker, kafka, tmp_path):  # noqa: F811
    kafka.create(EVENTS, FRAMES, COMMANDS)
    cab = Cab(broker, kafka, tmp_path)
    # A new group begins some time back: what is written from now on is live once a first record came through.
    office = Office(kafka)
    wait_until(lambda: office.say("stop", train="nobody") and cab.count("other") > 0, "it does not listen", 40)
    yield cab
    cab.close()


def test_arm_and_stop_from_the_page_reach_the_train_and_its_answer_comes_back(cab, kafka):  # noqa: F811
    room = Room(kafka)
    room.wait_member(2)
    wait_until(lambda: room.ask("/api/train/status?train=red")[0] == 200, "it was never heard of", 30)
    for verb, armed in (("arm", True), ("stop", False), ("arm", True), ("disarm", False)):
        status, text = room.post(f"/api/train/{verb}?train=red", **JSON)
        assert status == 202, text

        def told():
            return room.get("/api/train/status?train=red")[1]["commands"][-1]
        wait_until(lambda: told()["outcome"] == "done", lambda: f"{told()} {cab.decision.log()} {cab.controller.log()}", 20)
        assert told()["id"] == json.loads(text)["id"] and told()["command"] == verb and cab.armed() == armed
    assert cab.count("passed") == 4
    # Beside each command stands who gave it, and what became of it.
    def read():
        return [json.loads(record.value) for record in kafka.read(COMMANDS, 12) if record.type == "railquest.audit.v1"]
    wait_until(lambda: len(read()) == 8, read, 20)  # the last one may be on its way
    audits = read()
    assert [(one["who"], one["command"], one["result"]) for one in audits] == [
        ("this-machine", verb, result) for verb in ("arm", "stop", "arm", "disarm") for result in ("sent", "done")]
    assert all(one["train"] == "red" and one["from"] == "127.0.0.1" and one["at"].endswith("Z") for one in audits)
    assert room.close() == 0, room.log()


def test_an_arm_that_the_train_refuses_is_shown_as_refused_and_why(cab, kafka, monkeypatch):  # noqa: F811
    room = Room(kafka)
    room.wait_member(2)
    wait_until(lambda: room.ask("/api/train/status?train=red")[0] == 200, "it was never heard of", 30)

    def told():
        return room.get("/api/train/status?train=red")[1]["commands"][-1]

    def arm_and_hear(reason):
        status, text = room.post("/api/train/arm?train=red", **JSON)
        assert status == 202, text
        wait_until(lambda: told()["outcome"] == "refused", lambda: f"{told()} {cab.decision.log()} {cab.controller.log()}", 20)
        assert told()["id"] == json.loads(text)["id"] and told()["reason"] == reason
        return told()["id"]
    # By a controller that has no hub: the telemetry says so.
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    assert cab.controller.close() == 0
    cab.controller = Service("controller", cab.broker, "--train", "red", "--hub", "bluez")
    cab.controller.wait_ready("broker")
    arm_and_hear("the hub is not ready")
    # On its way to the controller: the decision service says so, once, though the command comes again.
    cab.broker.kill()
    wait_until(lambda: "not ready: broker" in cab.decision.ask("/ready")[1], "it does not notice", 20)
    id = arm_and_hear("the train's broker is not there")
    office = Office(kafka)
    office.say("arm", id=id)
    cab.wait_count("known", 1)
    unknown = office.say("whistle")  # a monitor that is newer than the train
    cab.wait_count("unreadable", 1)

    def read_answers():
        return [record for record in kafka.read(EVENTS, 1) if record.type == "railquest.answer.v1"]
    wait_until(lambda: len(read_answers()) == 2, lambda: [record.value for record in read_answers()], 20)
    answers = read_answers()
    assert json.loads(answers[0].value) == {"version": 1, "kind": "answer", "id": id, "command": "arm", "done": False,
                                            "reason": "the train's broker is not there"}
    assert answers[0].id == f"{id}-answer"
    assert json.loads(answers[1].value)["id"] == unknown and "whistle" in json.loads(answers[1].value)["reason"]
    # What another ordered, and what came twice, is no order of this page's.
    assert told()["id"] == id and room.log().count(f"result=refused id={id}") == 1
    assert f"result=refused id={id} from=127.0.0.1 reason=the train's broker is not there" in room.log()
    assert room.close() == 0, room.log()


def test_an_arm_holds_for_its_time_by_the_wall_clock_once_and_a_stop_for_ever(cab, kafka):  # noqa: F811
    office = Office(kafka)
    first = office.say("arm", age=0.2)  # of a machine with another clock
    cab.wait_armed(True)
    office.say("stop", age=24 * 3600)
    cab.wait_armed(False)
    office.say("arm", id=first)
    cab.wait_count("known", 1)
    office.say("arm", age=60)
    cab.wait_count("refused", 1)
    assert "60" in cab.decision.log() and "holds for 3000 ms" in cab.decision.log()
    office.say("arm", age=-60)
    cab.wait_count("refused", 2)
    assert "set the clocks of train and sender" in cab.decision.log()
    others = cab.count("other")
    office.say("arm", train="blue")
    cab.wait_count("other", others + 1)
    for junk in ("", "stop", "{}", "[" * 5000, "x" * 9000):
        office.write(junk)
    cab.wait_count("unreadable", 5)
    assert not cab.armed() and cab.count("passed") == 2
    # And none of it is in the way of what comes then.
    office.say("arm")
    cab.wait_armed(True)


def test_a_stop_that_was_given_while_the_train_was_away_is_done_and_an_arm_is_not(cab, kafka):  # noqa: F811
    office = Office(kafka)
    office.say("arm")
    cab.wait_armed(True)
    time.sleep(1.5)  # and committed
    assert cab.decision.close() == 0
    office.say("stop")
    office.say("arm", deadline_ms=60000)
    assert cab.armed()
    cab.start()
    cab.wait_armed(False)
    cab.wait_count("refused", 1)
    assert "before the train began to listen" in cab.decision.log() and not cab.armed()
    # The train's own broker is gone: the stop waits for it, the arm does not.
    cab.arm_here()
    cab.broker.kill()
    wait_until(lambda: "not ready: broker" in cab.decision.ask("/ready")[1], "it does not notice", 20)
    office.say("stop")
    office.say("arm")
    cab.wait_count("refused", 2)
    assert "the train's broker is not there" in cab.decision.log()
    cab.broker.start()
    cab.wait_armed(False)
    cab.decision.wait_log("the stop that waited is with the train's broker")


def test_without_the_topic_it_says_so_and_reads_it_once_it_is_there(broker, kafka, tmp_path):  # noqa: F811
    kafka.create(EVENTS, FRAMES)
    cab = Cab(broker, kafka, tmp_path, "broker")
    cab.decision.wait_log("no commands from the cloud: topic railquest.commands: ", 30)
    assert "not ready: commands: topic railquest.commands" in cab.decision.ask("/ready")[1]
    kafka.create(COMMANDS)
    office = Office(kafka)
    cab.arm_here()
    office.say("stop")  # given before the train found the topic: it is done all the same
    cab.wait_armed(False, 40)
    assert "ok commands" in cab.decision.ask("/ready")[1]
    cab.close()


def test_without_a_cluster_it_says_so_and_decides_as_before(broker, tmp_path):  # noqa: F811
    broker.start()
    decision = Service("decision", broker, "--kafka", f"kafka://127.0.0.1:{free_port()}", "--spool", tmp_path / "spool", "--cloud-commands")
    decision.wait_ready("broker")
    wait_until(lambda: "not ready: commands: the cluster does not answer" in decision.ask("/ready")[1], decision.log, 30)
    decision.wait_log("no commands from the cloud: the cluster does not answer")
    signs = Signs(broker.port)
    with broker.collector("railquest/train/decision") as next_message:
        for _ in range(20):
            signs.see()
            assert json.loads(next_message()[1])["kind"] == "decision"
    assert decision.close() == 0, decision.log()


def test_commands_from_the_cloud_need_a_cluster():
    told = subprocess.run([BUILD / "bin/railquest-decision", "--listen", "127.0.0.1:0", "--cloud-commands"],
                          capture_output=True, text=True, timeout=20)
    assert told.returncode == 1 and "--cloud-commands needs --kafka" in told.stderr, told.stderr
