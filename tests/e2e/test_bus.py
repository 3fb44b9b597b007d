"""The MQTT bus against a real Mosquitto, and stock clients: round trips, pictures that are too many, losses, TLS."""
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from bluetooth import BUILD, Program
from mqtt import broker, messages, needs_mosquitto  # noqa: F401 (a fixture)
from railway import wait_until

ECHO = BUILD / "tests/support/bus_echo"
pytestmark = needs_mosquitto


def start_echo(broker, work_ms=0, *options):
    return Program([ECHO, broker.port, work_ms, *options], "")


def test_stock_clients_are_heard_and_answered(broker):
    broker.start()
    echo = start_echo(broker)
    echo.wait_for("state up")
    reader = broker.subscriber("all/echo")
    texts = [f"message {i}" for i in range(50)]
    broker.publish("all", *texts)
    assert messages(reader, "all/echo", 50) == texts
    reader.kill()
    assert echo.close() == 0
    assert "received=50 replaced=0 dropped=0 connected=1" in echo.lines[-1]


def taken(echo):
    """In order, each once."""
    return list(dict.fromkeys(line.removeprefix("took ") for line in list(echo.lines) if line.startswith("took ")))


def test_what_is_refused_or_comes_while_nobody_is_there_is_sent_again(broker):
    broker.start()
    texts = [f"message {i}" for i in range(40)]
    echo = start_echo(broker, 0, "session=keeper", "refuse=3")
    echo.wait_for("state up")
    time.sleep(0.2)  # the subscription follows the connection
    broker.publish("certain", *texts[:10])
    wait_until(lambda: taken(echo) == texts[:10], lambda: echo.lines, 30)
    assert sum(line.startswith("refused ") for line in echo.lines) == 3
    echo.process.kill()
    echo.close()
    broker.publish("certain", *texts[10:30])
    echo = start_echo(broker, 0, "session=keeper")
    wait_until(lambda: taken(echo) == texts[10:30], lambda: echo.lines, 30)
    assert echo.close() == 0
    broker.publish("certain", *texts[30:])
    echo = start_echo(broker, 0, "session=keeper")
    wait_until(lambda: taken(echo) == texts[30:], lambda: echo.lines, 30)
    assert echo.close() == 0
    # Another one's session is another.
    other = start_echo(broker, 0, "session=other")
    other.wait_for("state up")
    time.sleep(0.3)
    assert other.close() == 0 and not taken(other)


def test_a_slow_reader_gets_the_newest_and_never_old_ones(broker):
    broker.start()
    echo = start_echo(broker, 100)
    echo.wait_for("state up")
    reader = broker.subscriber("latest/echo")
    ages = []

    def read():
        last = ""
        while not last.startswith("59 "):
            last = messages(reader, "latest/echo", 1)[0]
            ages.append(time.monotonic() - float(last.split()[1]))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    client = broker.client("mosquitto_pub", "-t", "latest", "-l")
    for i in range(60):  # 33 a second for 1.8 s, of which it can do 10 a second
        client.stdin.write(f"{i} {time.monotonic()}\n")
        client.stdin.flush()
        time.sleep(0.03)
    client.stdin.close()
    thread.join(10)
    reader.kill()
    echo.close()
    print(f"{len(ages)} of 60 were worked on; age in ms: max {1000 * max(ages):.0f}")
    assert len(ages) < 30 and "received=60" in echo.lines[-1]
    assert max(ages) < 1.5  # without the one place, the last one would be 4 s old


def test_a_broker_that_is_late_dies_and_comes_back_is_found_again(broker):
    echo = start_echo(broker)
    echo.wait_for("state down")
    broker.start()
    echo.wait_for("state up")
    broker.kill()
    echo.wait_for("state down")
    broker.start()
    echo.wait_for("state up")
    reader = broker.subscriber("all/echo")
    broker.publish("all", "again")
    assert messages(reader, "all/echo", 1) == ["again"]
    reader.kill()
    echo.close()
    assert "connected=2 lost=1" in echo.lines[-1]


def test_its_will_is_published_when_it_is_killed(broker):
    broker.start()
    echo = start_echo(broker)
    echo.wait_for("state up")
    reader = broker.subscriber("echo/status")
    assert messages(reader, "echo/status", 1) == ["up"]
    echo.process.send_signal(signal.SIGKILL)
    assert messages(reader, "echo/status", 1) == ["down"]
    reader.kill()
    echo.close()


def test_a_message_of_50_mb_does_no_harm(broker):
    broker.start("allow_anonymous true", "message_size_limit 0")
    echo = start_echo(broker)
    echo.wait_for("state up")
    large = f"{broker.folder}/large"
    with open(large, "wb") as file:
        file.truncate(50_000_000)
    assert broker.client("mosquitto_pub", "-t", "all", "-q", "1", "-f", large).wait(30) == 0
    time.sleep(0.5)
    reader = broker.subscriber("all/echo")
    broker.publish("all", "small")
    assert messages(reader, "all/echo", 1) == ["small"]
    reader.kill()
    echo.close()


def test_a_wrong_password_is_told_and_a_right_one_lets_in(broker):
    passwords = f"{broker.folder}/passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "train", "secret"], check=True)
    subprocess.run(["chmod", "644", passwords], check=True)
    broker.start("allow_anonymous false", f"password_file {passwords}")
    echo = start_echo(broker, 0, "user=train", "password=wrong")
    assert "authori" in echo.wait_for("state down").lower()
    echo.close()
    echo = start_echo(broker, 0, "user=train", "password=secret")
    echo.wait_for("state up")
    echo.close()


def certificates(folder):
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
            "-subj", "/CN=test authority")
    for name in ("localhost", "train"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.crt", "-days", "2")
    subprocess.run("chmod 644 *", shell=True, check=True, cwd=folder)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_tls_with_a_clients_certificate(broker):
    folder = broker.folder
    certificates(folder)
    broker.start("allow_anonymous true", f"cafile {folder}/ca.crt", f"certfile {folder}/localhost.crt",
                 f"keyfile {folder}/localhost.key", "require_certificate true")
    stranger = start_echo(broker, 0, f"ca={folder}/ca.crt")
    stranger.wait_for("state down")
    stranger.close()
    echo = start_echo(broker, 0, f"ca={folder}/ca.crt", f"certificate={folder}/train.crt", f"key={folder}/train.key")
    echo.wait_for("state up")
    broker.options = ["--cafile", f"{folder}/ca.crt", "--cert", f"{folder}/train.crt", "--key", f"{folder}/train.key"]
    reader = broker.subscriber("all/echo")
    broker.publish("all", "in private")
    assert messages(reader, "all/echo", 1) == ["in private"]
    reader.kill()
    assert echo.close() == 0
