"""A real Kafka broker for a test (scripts/kafka fetches and runs it), and a stock client that reads what is there."""
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import pytest

from mqtt import free_port
from serving import ROOT

try:
    import confluent_kafka
    from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic
except ImportError:
    confluent_kafka = None

needs_kafka = pytest.mark.skipif(not confluent_kafka or not shutil.which("java") or not shutil.which("mvn"),
                                 reason="no Java, no Maven or no python3-confluent-kafka (./setup --test)")


def three_free_ports():
    """The broker's controller listens on the next one, and where TLS is asked for it has the one after that."""
    for _ in range(50):
        port = free_port()
        try:
            with socket.socket() as second, socket.socket() as third:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
                return port
        except OSError:
            pass
    raise AssertionError("no three ports side by side")


class Kafka:
    def __init__(self, *options, host="127.0.0.1"):
        subprocess.run([ROOT / "scripts/kafka", "--fetch"], check=True, timeout=300)
        self.folder = tempfile.mkdtemp(prefix="rq-kafka-", dir="/tmp")
        self.host, self.port, self.options = host, three_free_ports(), options
        self.address, self.secure = f"{host}:{self.port}", f"{host}:{self.port + 2}"
        self.process = None

    def start(self):
        log = open(f"{self.folder}/broker.log", "ab")
        self.process = subprocess.Popen([ROOT / "scripts/kafka", "--host", self.host, "--port", str(self.port), "--data", self.folder,
                                         "--no-topics", *self.options], stdout=log, stderr=log)
        deadline = time.monotonic() + 90
        while True:
            try:
                AdminClient({"bootstrap.servers": self.address, "log_level": 0}).list_topics(timeout=2)
                return
            except confluent_kafka.KafkaException:
                assert self.process.poll() is None and time.monotonic() < deadline, open(log.name).read()

    def create(self, *topics, **config):
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})  # its futures fail when it goes
        for future in admin.create_topics([NewTopic(topic, 1, 1, config=config) for topic in topics]).values():
            future.result(30)

    def show(self, keystore):
        """The listener with TLS shows another certificate from now on, of the same name."""
        change = ConfigResource("BROKER", "1", set_config={"listener.name.secure.ssl.keystore.location": str(keystore),
                                                           "listener.name.secure.ssl.keystore.type": "PEM"})
        admin = AdminClient({"bootstrap.servers": self.address})
        for future in admin.alter_configs([change]).values():
            future.result(30)
        wanted = keystore.read_text().partition("-----BEGIN CERTIFICATE")[2].split("-----")[1]
        deadline, seen = time.monotonic() + 30, 0
        while seen < 6:  # its threads, of which there are three, change one after the other, and take connections in turn
            seen = seen + 1 if wanted in ssl.get_server_certificate(("127.0.0.1", self.port + 2)) else 0
            assert time.monotonic() < deadline, "the broker shows the old certificate"
            time.sleep(0 if seen else 0.1)

    def clear(self):
        """No topics any more, and a broker that runs."""
        if self.process.poll() is not None:
            self.start()
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})

        def topics():
            return [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]

        for future in admin.delete_topics(topics()).values() if topics() else ():
            future.result(30)
        deadline = time.monotonic() + 30
        while topics():
            assert time.monotonic() < deadline, topics()
            time.sleep(0.1)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    def read(self, topic, wanted, seconds=30):
        """Records from the topic's first on: at least `wanted` of them, or what there is after so long."""
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.address, "group.id": "test", "fetch.wait.max.ms": 50,
                                             "fetch.message.max.bytes": 1 << 25})
        partition = confluent_kafka.TopicPartition(topic, 0, 0)
        consumer.assign([partition])
        records, deadline, end = [], time.monotonic() + seconds, None
        try:
            while time.monotonic() < deadline:
                if len(records) >= wanted:  # and whatever is there besides
                    end = consumer.get_watermark_offsets(partition)[1] if end is None else end
                    if max(consumer.position([partition])[0].offset, 0) >= end:
                        break
                message = consumer.poll(0.2)
                if message and not message.error():
                    records.append(Record(message))
            return records
        finally:
            consumer.close()


class Record:
    def __init__(self, message):
        self.key, self.value = (message.key() or b"").decode(), message.value()
        self.headers = {name: value.decode() for name, value in message.headers() or []}
        self.id, self.type = self.headers.get("ce_id"), self.headers.get("ce_type")


@pytest.fixture(scope="module")
def cluster():
    cluster = Kafka()
    cluster.start()
    yield cluster
    cluster.close()


@pytest.fixture
def kafka(cluster):
    """Without topics."""
    yield cluster
    cluster.clear()
