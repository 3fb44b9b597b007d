"""--compat=crazytrain and a real Kafka: the original's topics, as its monitor reads and writes them."""
import base64
import contextlib
import json
import re
import time
import uuid
from datetime import datetime

import pytest

from kafka import cluster, kafka, needs_kafka  # noqa: F401 (fixtures)
from mqtt import broker, free_port, needs_mosquitto  # noqa: F401 (a fixture)
from railway import Publisher, Service, wait_until

pytestmark = [needs_mosquitto, needs_kafka]
MONITORING, CAPTURE = "train-monitoring", "train-command-capture"
FIELDS = ["id", "specversion", "source", "type", "subject", "time", "datacontenttype", "data"]
BOX = {"class_id": 1, "class_name": "DangerAhead", "confidence": "0.87", "box": ["270.00", "100.00", "40.00", "40.00"]}


def result(image, detections):
    """What the original's inference says of a `train-image`."""
    return {"id": image["id"], "image": image["image"], "detections": detections, "scale": 1.0, "pre-process": "0.01s",
            "inference": "0.12s", "post-process": "0.01s", "total": "0.14s"}


@contextlib.contextmanager
def running(*services):
    try:
        yield services
    finally:
        codes = [(service.close(), service.log()) for service in services]
    assert all(code == 0 for code, _ in codes), codes


def say(kafka, value):  # noqa: F811
    from confluent_kafka import Producer
    producer = Producer({"bootstrap.servers": kafka.address})
    producer.produce(CAPTURE, value)  # no key, no headers, as there
    assert producer.flush(20) == 0


def test_results_reach_the_originals_monitor_and_its_commands_the_capture(broker, kafka):  # noqa: F811
    kafka.create(MONITORING, CAPTURE)
    broker.start()
    compat = ("--compat", "crazytrain")
    capture = Service("capture", broker, *compat, "--source", "test:", "--size", "640x480", "--format", "webp", "--no-start")
    decision = Service("decision", broker, *compat, "--kafka", f"kafka://{kafka.address}", "--cloud-commands",
                       "--capture", f"http://{capture.address}/capture")
    with running(capture, decision):
        decision.wait_ready("broker")
        capture.wait_ready("broker")

        def commands(outcome):
            return decision.metric(f'railquest_cloud_capture_commands_total{{outcome="{outcome}"}}')

        # "start" moves nothing that did not listen yet; then it does.
        say(kafka, '{"command":"stop"}')
        wait_until(lambda: commands("done") == 1, decision.log, 40)
        with broker.collector("train-image") as next_image:
            say(kafka, '{"command":"start"}')
            images = [json.loads(next_image()[1]) for _ in range(2)]
        assert commands("done") == 2 and "Capture started" in decision.log()
        for junk in ("start", '{"command":"../q/metrics"}', "x" * 5000):
            say(kafka, junk)
        wait_until(lambda: commands("unreadable") == 3, decision.log, 20)
        publisher = Publisher(broker.port)
        for image, detections in zip(images, ([], [BOX])):
            publisher.publish("train-model-result", json.dumps(result(image, detections)))
            wanted = len(detections) + 1
            wait_until(lambda: decision.metric('railquest_cloud_pictures_total{outcome="live"}') == wanted, decision.log, 20)
        plain, boxed = kafka.read(MONITORING, 2)
        for record, image, detections in ((plain, images[0], []), (boxed, images[1], [BOX])):
            # The image once: the original has it in a header, too.
            assert record.headers == {}
            event = json.loads(record.value)
            assert list(event) == FIELDS and uuid.UUID(event["id"]).version == 4
            assert (event["specversion"], event["source"], event["type"], event["subject"], event["datacontenttype"]) == \
                ("1.0", "http://example.com", "result", "result-message", "application/json")
            assert re.fullmatch("[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} UTC [0-9]{4}", event["time"])
            assert abs(datetime.strptime(event["time"], "%a %b %d %H:%M:%S UTC %Y").timestamp() - datetime.utcnow().timestamp()) < 60
            assert event["data"] == {**result(image, detections), "id": str(image["id"]), "image": event["data"]["image"]}
            head, _, picture = event["data"]["image"].partition(",")
            assert head == "data:image/webp;base64"
            # Boxes are in the picture, which is encoded anew only then.
            same = base64.b64decode(picture, validate=True) == base64.b64decode(image["image"])
            assert same == (not detections) and base64.b64decode(picture)[8:12] == b"WEBP"
        say(kafka, '{"command":"stop"}')
        wait_until(lambda: commands("done") == 3 and "ok camera" not in capture.ask("/ready")[1], decision.log, 20)


def test_a_stop_that_the_capture_did_not_hear_is_said_and_asked_for_again(broker, kafka):  # noqa: F811
    kafka.create(MONITORING, CAPTURE)
    broker.start()
    port = free_port()
    # Of another name: the cluster remembers how far "train" had read in the topic of before.
    decision = Service("decision", broker, "--compat", "crazytrain", "--kafka", f"kafka://{kafka.address}", "--cloud-commands",
                       "--train", "blue", "--capture", f"http://127.0.0.1:{port}/capture")
    with running(decision):
        say(kafka, '{"command":"stop"}')
        decision.wait_log("the capture's stop, from the cloud, failed: ", 40)
        time.sleep(0.1)
        capture = Service("capture", broker, "--compat", "crazytrain", "--source", "test:", "--listen", f"127.0.0.1:{port}")
        with running(capture):
            decision.wait_log("Stop requested", 20)
            assert "POST /capture/start" in capture.ask("/ready")[1]
