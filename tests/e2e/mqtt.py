"""A real Mosquitto for a test, and stock clients that speak to it: text lines, or bytes as they are."""
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

from serving import free_port

needs_mosquitto = pytest.mark.skipif(not shutil.which("mosquitto") or not shutil.which("mosquitto_pub"),
                                     reason="mosquitto is not installed (./setup --test)")


class Broker:
    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.lines = []
        self.options = []  # of stock clients

    def start(self, *lines):
        self.lines = lines or self.lines or ("allow_anonymous true",)
        config = f"{self.folder}/mosquitto.conf"
        with open(config, "w") as file:
            file.write(f"listener {self.port} 127.0.0.1\n" + "\n".join(self.lines) + "\nset_tcp_nodelay true\n")
        self.process = subprocess.Popen(["mosquitto", "-c", config], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("mosquitto does not listen")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def client(self, name, *words, **more):
        return subprocess.Popen(["stdbuf", "-oL", name, "-h", "localhost", "-p", str(self.port), *self.options, *words],
                                stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, **more)

    def subscriber(self, topic):
        client = self.client("mosquitto_sub", "-d", "-t", topic, "-v", "-q", "1")
        for line in client.stdout:
            if "SUBACK" in line:
                return client
        raise AssertionError("no subscription")

    def publish(self, topic, *texts, qos=1):
        client = self.client("mosquitto_pub", "-t", topic, "-q", str(qos), "-l")
        client.communicate("\n".join(texts) + "\n", timeout=20)
        assert client.returncode == 0

    def publish_bytes(self, topic, data, qos=0):
        subprocess.run(["mosquitto_pub", "-h", "localhost", "-p", str(self.port), *self.options, "-t", topic, "-q",
                        str(qos), "-s" if data else "-n"], input=data, check=True, timeout=20)

    @contextlib.contextmanager
    def collector(self, *topics):
        """`with broker.collector(TOPIC, …) as next_message`: each call gives the next (topic, bytes)."""
        words = [word for topic in topics for word in ("-t", topic)]
        client = self.client("mosquitto_sub", *words, "-q", "1", "-d", "-F", "%t %x")
        while "SUBACK" not in client.stdout.readline():
            assert client.poll() is None, "no subscription"

        def next_message():
            for line in client.stdout:
                topic, _, payload = line.rstrip("\n").partition(" ")
                if topic in topics:
                    return topic, bytes.fromhex(payload)
            raise AssertionError("the client ended")

        try:
            yield next_message
        finally:
            client.kill()
            client.wait()


def messages(client, topic, count):
    """The next so many payloads of the topic, among the client's own remarks."""
    found = []
    while len(found) < count:
        line = client.stdout.readline()
        assert line, "the client ended"
        if line.startswith(topic + " "):
            found.append(line.rstrip("\n")[len(topic) + 1:])
    return found


@contextlib.contextmanager
def running_broker(*lines):
    """A broker that was not started yet, or, with lines of its configuration, one that runs; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rq-mqtt-") as folder:
        # Mosquitto gives up root's rights and must still read its files.
        subprocess.run(["chmod", "755", folder], check=True)
        broker = Broker(folder)
        if lines:
            broker.start(*lines)
        yield broker
        if getattr(broker, "process", None):
            broker.kill()


@pytest.fixture
def broker():
    with running_broker() as found:
        yield found
