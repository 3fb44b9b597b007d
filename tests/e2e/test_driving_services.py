"""railquest-decision and railquest-controller as services: commands, rules that change, logs, hostile messages, TLS, the original's form."""
import base64
import json
import os
import re
import shutil
import subprocess
import time
import uuid

import jsonschema
import pytest

from mqtt import broker, messages, needs_mosquitto  # noqa: F401 (a fixture)
from railway import CLOCK, Publisher, Service, Signs, now_us, wait_until
from serving import BUILD, ROOT

pytestmark = [needs_mosquitto, pytest.mark.quiet]
DANGER, SPEED = "DangerAhead", "SpeedLimit"
DECISION = BUILD / "bin/railquest-decision"


def valid(kind, message):
    jsonschema.validate(message, json.loads((ROOT / f"docs/wire/{kind}.schema.json").read_text()))
    return message


@pytest.fixture
def run(broker, tmp_path):
    """run(NAME, OPTION…): a service that hears the broker; its hub, where it has one, is recorded in record.ndjson."""
    broker.start()
    started = []

    def start(name, *options, **more):
        if name == "controller":
            options = ("--hub", "record", "--record-file", tmp_path / "record.ndjson", "--ramp", "0s", *options)
        started.append(Service(name, broker, *options, **more))
        started[-1].wait_ready("broker")
        time.sleep(0.1)  # subscriptions follow the connection
        return started[-1]

    yield start
    for service in started:
        if service.process.returncode is None:
            assert service.close() == 0, service.log()


def motor(tmp_path):
    lines = (tmp_path / "record.ndjson").read_text().splitlines()
    return [each["bytes"][-2:] for each in map(json.loads, lines) if each["bytes"].startswith("08 00 81 00 11 51 00")]


def telemetry(controller):
    return valid("telemetry", json.loads(controller.ask("/telemetry")[1]))


# --- commands ---

def command(verb, **more):
    message = {"version": 1, "kind": "command", "id": uuid.uuid4().hex, "command": verb, "clock": CLOCK,
               "sent_monotonic_us": now_us(), "deadline_ms": 1000, **more}
    return valid("command", message)


def give(controller, publisher, message):
    """Publishes a command; the answer in the telemetry."""
    publisher.publish("railquest/train/command", json.dumps(message))
    wait_until(lambda: telemetry(controller).get("command", {}).get("id") == message["id"], "no answer")
    return telemetry(controller)["command"]


def test_commands_over_the_bus_are_done_and_answered(broker, run, tmp_path):
    controller, publisher = run("controller"), Publisher(broker.port)
    assert give(controller, publisher, command("arm"))["done"] and telemetry(controller)["mode"] == "waiting"
    assert give(controller, publisher, command("disarm"))["done"] and telemetry(controller)["mode"] == "disarmed"
    brakes = len(motor(tmp_path))
    assert give(controller, publisher, {"version": 1, "kind": "command", "id": uuid.uuid4().hex, "command": "stop"})["done"]
    assert motor(tmp_path)[brakes:] == ["7f"]  # again, though it is braked
    assert controller.metric('railquest_controller_commands_total{command="stop",outcome="done"}') == 1


def test_arming_must_come_in_time_from_this_clock_and_once(broker, run):
    controller, publisher = run("controller"), Publisher(broker.port)
    late = give(controller, publisher, command("arm", sent_monotonic_us=now_us() - 5_000_000))
    assert not late["done"] and "after it was sent" in late["reason"]
    foreign = give(controller, publisher, command("arm", clock="f" * 32))
    assert not foreign["done"] and "another clock" in foreign["reason"]
    timeless = give(controller, publisher, {"version": 1, "kind": "command", "id": uuid.uuid4().hex, "command": "arm"})
    assert not timeless["done"] and '"clock" is missing' in timeless["reason"]
    assert telemetry(controller)["mode"] == "disarmed"
    arm = command("arm")
    assert give(controller, publisher, arm)["done"]
    assert give(controller, publisher, command("disarm"))["done"]
    publisher.publish("railquest/train/command", json.dumps(arm))  # kept by somebody
    time.sleep(0.3)
    assert telemetry(controller)["mode"] == "disarmed"


def test_telemetry_comes_five_times_a_second_and_at_each_change(broker, run):
    controller = run("controller")
    reader = broker.subscriber("railquest/train/telemetry")
    begun = time.monotonic()
    told = [valid("telemetry", json.loads(text)) for text in messages(reader, "railquest/train/telemetry", 8)]
    assert 0.8 < time.monotonic() - begun < 5
    assert [each["sequence"] for each in told] == list(range(told[0]["sequence"], told[0]["sequence"] + 8))
    assert {each["hub"] for each in told} == {"record"} and {each["battery_percent"] for each in told} == {100}
    controller.post("/arm")
    changed = next(each for each in iter(lambda: json.loads(messages(reader, "railquest/train/telemetry", 1)[0]), None)
                   if each["mode"] == "waiting")
    assert changed["armed"]
    reader.kill()


def test_requests_are_for_this_machine_and_its_own_pages(run):
    controller = run("controller")
    for headers in ({"origin": "http://elsewhere.example"}, {"host": "rebound.example"}):
        status, why = controller.post("/arm", **headers)
        assert status == 403 and why
    assert controller.ask("/arm")[0] == 405
    assert telemetry(controller)["mode"] == "disarmed"
    assert controller.post("/arm", origin=f"http://{controller.address}")[0] == 200
    assert controller.post("/stop")[0] == 200 and telemetry(controller)["mode"] == "disarmed"


def test_beyond_this_machine_requests_need_the_token(broker, run, tmp_path):
    refused = subprocess.run([BUILD / "bin/railquest-controller", "--hub=print", "--listen", "0.0.0.0:0"], capture_output=True,
                             text=True, timeout=10)
    assert refused.returncode == 1 and "--token-file" in refused.stderr
    (tmp_path / "token").write_text("a-token-of-sixteen\n")
    controller = run("controller", "--token-file", tmp_path / "token")
    assert controller.post("/arm")[0] == 401
    assert controller.post("/arm", authorization="Bearer a-token-of-sixteex")[0] == 401
    assert controller.post("/arm", authorization="Bearer a-token-of-sixteen")[0] == 200
    assert "a-token" not in controller.log()


def test_arm_arms_once_and_not_after_a_stop(broker, run, tmp_path):
    controller = run("controller", "--arm")
    assert telemetry(controller)["mode"] == "waiting"
    controller.post("/stop")
    time.sleep(0.5)
    assert telemetry(controller)["mode"] == "disarmed"


def test_what_was_decided_can_be_followed_to_the_hub_by_its_trace(broker, run):
    run("decision")
    controller, signs = run("controller", "--arm", "--deadman", "10s"), Signs(broker.port)
    signs.see_for(0.3)
    told = telemetry(controller)
    assert told["mode"] == "going" and told["percent"] == 100 and told["speed_mps"] == 1 and told["stop_distance_m"] > 0.5
    assert told["acted"]["order"] == "go" and told["acted"]["trace"] == f"{told['acted']['id']:032x}"
    assert told["acted"]["captured_monotonic_us"] <= told["acted"]["received_monotonic_us"] <= told["acted"]["written_monotonic_us"]
    assert told["taken"]["id"] > told["acted"]["id"]
    signs.see((DANGER, 100))
    wait_until(lambda: telemetry(controller)["mode"] == "stopped", "no stop")
    assert telemetry(controller)["stop_distance_m"] == 0
    assert controller.metric("railquest_controller_latency_seconds_count") == 2
    assert controller.metric("railquest_hub_write_seconds_count") > 5
    assert controller.metric('railquest_controller_mode{mode="stopped"}') == 1


# --- rules, logs ---

def test_changed_rules_are_taken_and_wrong_ones_refused(broker, run, tmp_path):
    rules = tmp_path / "rules.yaml"
    built_in = subprocess.run([DECISION, "rules"], capture_output=True, text=True, check=True).stdout
    rules.write_text(built_in)
    decision, signs = run("decision", "--rules", rules), Signs(broker.port)
    with broker.collector("railquest/train/decision") as next_message:
        def decide(*seen):
            signs.see(*seen)
            return valid("decision", json.loads(next_message()[1]))["order"]

        assert decide((SPEED, 300)) == "go" and decide((SPEED, 300)) == "slow"
        rules.write_text(built_in.replace("order: slow", "order: halt"))
        decision.wait_log("the new rules are refused, the old ones stay in force")
        line = built_in.splitlines().index("    order: slow") + 1
        assert f'{rules}:{line}:12: order must be stop or slow, not \\"halt\\"' in decision.log()
        assert decision.ask("/ready")[0] == 503 and f"{rules}:{line}:12" in decision.ask("/ready")[1]
        assert decision.metric('railquest_decision_rules_reloads_total{outcome="refused"}') == 1
        assert decide((SPEED, 300)) == "slow"
        # Renamed over, as editors and Kubernetes do, and told by a signal.
        (tmp_path / "new.yaml").write_text(built_in.replace("order: slow", "order: stop"))
        (tmp_path / "new.yaml").rename(rules)
        decision.process.send_signal(1)
        decision.wait_log("new rules from")
        assert "ok rules" in decision.ask("/ready")[1]
        assert decide((SPEED, 20)) == "slow"  # another sign; seen once of three
        assert decide((SPEED, 20)) == "stop"
        rules.unlink()
        wait_until(lambda: decision.metric('railquest_decision_rules_reloads_total{outcome="refused"}') >= 2, "not missed")
        assert decide((SPEED, 20)) == "stop"


def test_wrong_rules_do_not_begin(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nsigns: 3\n")
    for command in ("run", "check", "replay"):
        words = [DECISION, command, rules] if command == "check" else [DECISION, command, "--rules", rules]
        done = subprocess.run(words + (["-"] if command == "replay" else []), capture_output=True, text=True, timeout=10, input="")
        assert done.returncode == 1 and f"{rules}:2:8" in done.stderr, command


def recording(count=60):
    """Results with both signs, some flashes, and a restarted capture."""
    signs = Signs.__new__(Signs)
    signs.boot, signs.sequence = "1" * 32, 0
    lines = []
    for i in range(count):
        if i == 50:
            signs.boot, signs.sequence = "2" * 32, 0
        seen = [(DANGER, 5 * i)] if i % 25 in (10, 11, 12) else [(SPEED, 10 * (i % 25))] if 3 < i % 25 < 8 else []
        lines.append(json.dumps(signs.result(*seen, captured_us=5_000_000 + 100_000 * i)))
    return lines


def test_the_same_results_give_the_same_log_and_replay_gives_it_again(broker, run, tmp_path):
    lines = recording()
    for name in ("first", "second"):
        decision, publisher = run("decision", "--log", tmp_path / name), Publisher(broker.port)
        for line in lines:
            publisher.publish("railquest/train/result", line)
        wait_until(lambda: decision.metric('railquest_decision_log_lines_total{outcome="written"}') == len(lines), "lines missing")
        assert decision.close() == 0
        publisher.close()
    first = (tmp_path / "first").read_bytes()
    assert first == (tmp_path / "second").read_bytes()
    (tmp_path / "results.ndjson").write_text("\n".join(lines) + "\n")
    replayed = subprocess.run([DECISION, "replay", tmp_path / "results.ndjson"], capture_output=True, check=True).stdout
    assert replayed == first
    orders = [valid("decision", json.loads(line))["order"] for line in first.splitlines()]
    assert orders[10] == "stop" and orders[5] == "slow" and orders[0] == "go"


def test_a_replay_tells_what_is_no_result_and_goes_on(tmp_path):
    lines = recording(3)
    done = subprocess.run([DECISION, "replay", "-"], capture_output=True, text=True,
                          input="\n".join([lines[0], "", "{}", "x" * 600_000, lines[1], lines[2]]))
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 3
    assert "standard input:3: a result message" in done.stderr and "standard input:4:" in done.stderr


def test_a_full_disk_is_counted_and_stops_nothing(broker, run, tmp_path):
    decision, signs = run("decision", "--log", "/dev/full"), Signs(broker.port)
    with broker.collector("railquest/train/decision") as next_message:
        for _ in range(3):
            signs.see((DANGER, 100))
            assert json.loads(next_message()[1])["order"] == "stop"
    assert decision.metric('railquest_decision_log_lines_total{outcome="lost"}') == 3
    assert decision.log().count("takes no lines") == 1 and "No space left" in decision.log()


def test_the_log_goes_on_after_half_a_line_and_after_being_moved_away(broker, run, tmp_path):
    log = tmp_path / "log"
    log.write_text('{"half":')
    decision, signs = run("decision", "--log", log), Signs(broker.port)

    def wait_lines(count):
        wait_until(lambda: log.exists() and log.read_text().count("\n") == count, lambda: log.read_text())
    signs.see()
    wait_lines(2)
    assert json.loads(log.read_text().splitlines()[1])["order"] == "go"
    log.rename(tmp_path / "old")
    decision.process.send_signal(1)
    wait_until(log.exists, "not opened anew")
    signs.see()
    wait_lines(1)


def test_a_record_on_a_full_disk_does_not_hold_the_train(broker, run):
    run("decision")
    controller, signs = run("controller", "--record-file", "/dev/full", "--arm"), Signs(broker.port)
    signs.see_for(0.5)
    wait_until(lambda: telemetry(controller)["acted"]["order"] == "go", "does not go")
    assert controller.metric("railquest_hub_record_failures_total") >= 2
    assert controller.log().count("/dev/full takes no lines") == 1


# --- hostile messages ---

def test_hostile_messages_harm_nothing_and_the_train_stands(broker, run, tmp_path):
    broker.kill()
    broker.start("allow_anonymous true", "message_size_limit 0")
    decision, controller = run("decision"), run("controller", "--arm", "--deadman", "2s")
    signs, attacker = Signs(broker.port), Publisher(broker.port)
    signs.see_for(0.3)
    wait_until(lambda: telemetry(controller)["mode"] == "going", "does not go")
    good = signs.result((DANGER, 100))
    hostile = [b"", b"\0" * 1000, b"\xff\xfe{", b"{" * 100_000, b'{"version":1}', b"[" * 20 + b"]" * 20, b"1e999", b"null",
               json.dumps({**good, "sequence": -1}).encode(), json.dumps({**good, "image": {"size": 2**63}}).encode(),
               json.dumps({**good, "detections": [good["detections"][0]] * 2000}).encode(),
               json.dumps({**good, "captured_monotonic_us": 1e300}).encode(),
               json.dumps({**good, "kind": "decision", "order": "fly", "id": 1, "reason": ""}).encode()]
    for topic in ("result", "decision", "command"):
        for message in hostile:
            attacker.publish(f"railquest/train/{topic}", message)
    wait_until(lambda: telemetry(controller)["mode"] == "dead", "rubbish kept it going")
    assert motor(tmp_path)[-1] == "7f"
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.truncate(50_000_000)
    for topic in ("result", "decision", "command"):
        assert broker.client("mosquitto_pub", "-t", f"railquest/train/{topic}", "-q", "1", "-f", str(large)).wait(30) == 0
    time.sleep(0.5)
    for service in (decision, controller):
        service.wait_ready("broker")
        assert service.ask("/live")[0] == 200
    assert decision.metric('railquest_decision_results_total{outcome="refused"}') >= 10
    assert controller.metric('railquest_controller_decisions_total{outcome="refused"}') >= 10
    time.sleep(0.2)
    signs.reconnect()
    signs.see_for(0.3)
    wait_until(lambda: telemetry(controller)["mode"] == "going", "does not go again")
    assert decision.log().count("cannot be read") <= 2  # told, but not each one


def test_a_log_that_nobody_reads_does_not_hold_the_brake(broker, run, tmp_path):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    run("decision")
    controller, signs = run("controller", "--arm", "--log-level", "debug", stderr=writer), Signs(broker.port)
    signs.see_for(0.3)
    wait_until(lambda: "64" in motor(tmp_path), "does not go")
    wait_until(lambda: motor(tmp_path)[-1] == "7f", "silence does not brake")
    assert set(os.read(reader, 1 << 20)) == {ord("x")}
    controller.post("/stop")
    assert b"lines before this one were dropped" in os.read(reader, 1 << 16)


# --- the broker ---

def test_where_a_service_is_and_is_not_is_retained(broker, run):
    topic = "railquest/train/state/decision"

    def state():
        done = subprocess.run(["mosquitto_sub", "-p", str(broker.port), "-t", topic, "-C", "1", "-W", "5"], capture_output=True,
                              text=True, check=True)
        return json.loads(done.stdout)
    for end in (Service.kill, Service.close):
        decision = run("decision")
        assert state()["is_up"] is True
        end(decision)
        wait_until(lambda: state()["is_up"] is False, "still up")


def test_plaintext_to_another_machine_needs_a_word(broker):
    for name, more in (("decision", []), ("controller", ["--hub=print"])):
        words = [BUILD / f"bin/railquest-{name}", "--listen", "127.0.0.1:0", "--broker", "mqtt://192.0.2.1:1883", *more]
        refused = subprocess.run(words, capture_output=True, text=True, timeout=10)
        assert refused.returncode == 1 and "192.0.2.1 is another machine: use TLS" in refused.stderr
        allowed = Service(name, None, "--allow-plaintext", *more, url="mqtt://192.0.2.1:1883")
        assert allowed.ask("/live")[0] == 200
        allowed.kill()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs/services.md").read_text(), re.M | re.S)


def documented_broker(broker, *more, without=()):
    """The broker as docs/services.md sets it up."""
    lines = []
    for line in blocks("conf")[0].splitlines():
        name, _, value = line.partition(" ")
        if name == "listener" or name in without:
            continue
        lines.append(f"{name} {broker.folder}/{value}" if name.endswith("file") else line)
    broker.start(*lines, *more)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("authority")
    subprocess.run(["sh", "-eu", "-c", blocks("sh")[0]], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


def use(authority, broker):
    subprocess.run(f"cp {authority}/* {broker.folder} && chmod 644 {broker.folder}/*", shell=True, check=True)
    broker.options = ["--cafile", f"{broker.folder}/ca.crt", "--cert", f"{broker.folder}/monitor.crt", "--key",
                      f"{broker.folder}/monitor.key", "-u", "train", "-P", "a-long-password"]


def tls(broker, name, *options, password="password.txt"):
    folder = broker.folder
    words = ["--ca-file", f"{folder}/ca.crt", *options]
    if name:
        words += ["--certificate", f"{folder}/{name}.crt", "--key", f"{folder}/{name}.key"]
    if password:
        words += ["--mqtt-user", "train", "--mqtt-password-file", f"{folder}/{password}"]
    return words


def test_tls_with_certificates_and_passwords_as_documented(broker, authority, tmp_path):
    use(authority, broker)
    documented_broker(broker)
    url = f"mqtts://localhost:{broker.port}"
    (tmp_path / "wrong").write_text("wrong\n")
    stranger = Service("decision", broker, *tls(broker, None), url=url)
    guesser = Service("decision", broker, *tls(broker, "decision", password=None), "--mqtt-user", "train", "--mqtt-password-file",
                      tmp_path / "wrong", url=url)
    decision = Service("decision", broker, *tls(broker, "decision"), url=url)
    decision.wait_ready("broker")
    time.sleep(0.1)
    line = recording(11)[10]
    with broker.collector("railquest/train/decision") as next_message:
        broker.publish("railquest/train/result", line)
        assert json.loads(next_message()[1])["order"] == "stop"
    for service in (stranger, guesser):
        assert "not ready: broker" in service.ask("/ready")[1]
    guesser.wait_log("uthori")  # "not authorised", as the broker says
    assert "wrong" not in guesser.log() and "a-long-password" not in decision.log()
    for service in (stranger, guesser, decision):
        assert service.close() == 0


def test_an_access_list_by_certificate_as_documented(broker, authority):
    use(authority, broker)
    acl = blocks("acl")[0]
    (authority / "acl").write_text(acl)
    use(authority, broker)
    documented_broker(broker, "use_identity_as_username true", f"acl_file {broker.folder}/acl", without=("password_file",))
    controller = Service("controller", broker, "--hub=print", *tls(broker, "controller", password=None),
                         url=f"mqtts://localhost:{broker.port}")
    controller.wait_ready("broker", "hub")
    time.sleep(0.1)
    for name, mode in (("capture", "disarmed"), ("monitor", "waiting")):
        broker.options = ["--cafile", f"{broker.folder}/ca.crt", "--cert", f"{broker.folder}/{name}.crt", "--key",
                          f"{broker.folder}/{name}.key"]
        broker.publish("railquest/train/command", json.dumps(command("arm", deadline_ms=5000)))
        time.sleep(0.3)
        assert telemetry(controller)["mode"] == mode
    assert controller.close() == 0


# --- the original's form ---

def original(*detections, number=1720432800000):
    """`train-model-result` as the original's inference sends it, of a 640x480 picture."""
    return json.dumps({
        "id": number, "image": base64.b64encode(b"RIFF\x10\0\0\0WEBPVP8 ").decode(),
        "detections": [{"class_id": class_id, "class_name": name, "confidence": "0.87", "box": ["270.00", "100.00", "60.00", "60.00"],
                        "scale": 1.0} for class_id, name in detections],
        "scale": 1.0, "pre-process": "0.01s", "inference": "0.05s", "post-process": "0.01s", "total": "0.07s"})


def test_the_originals_results_are_answered_with_its_commands(broker, run):
    run("decision", "--compat", "crazytrain")
    reader = broker.subscriber("train-command")

    def answer(*detections):
        broker.publish("train-model-result", original(*detections))
        return messages(reader, "train-command", 1)[0]
    assert answer() == "-1"
    assert answer((0, SPEED)) == "-1"  # seen once
    assert answer((0, SPEED)) == "0"
    assert answer((0, SPEED), (1, DANGER)) == "1"  # whichever comes first
    assert answer() == "1"  # held
    broker.publish("train-model-result", "{}", '{"id":1}', "no JSON")
    assert answer() == "1"
    reader.kill()


def test_the_originals_commands_drive_the_train(broker, run, tmp_path):
    controller = run("controller", "--compat", "crazytrain", "--arm", "--deadman", "1500ms")
    publisher = Publisher(broker.port)

    def command_for(text, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            publisher.publish("train-command", text)
            time.sleep(0.1)
    broker.publish("train-command", "-1")
    time.sleep(0.4)
    assert motor(tmp_path) == ["7f"]  # one alone moves nothing: a broker may have kept it
    command_for("-1", 0.4)
    assert motor(tmp_path)[1:] == ["46", "64"]
    command_for("0", 0.4)
    assert motor(tmp_path)[3:] == ["46"]
    command_for("1", 0.3)
    command_for("-1", 1)
    assert motor(tmp_path)[4:] == ["7f"]  # held for two seconds
    command_for("-1", 1.6)
    assert motor(tmp_path)[5:6] == ["46"]
    wait_until(lambda: telemetry(controller)["mode"] == "dead", "silence does not brake")
    assert motor(tmp_path)[-1] == "7f"
    command_for("rubbish", 0.5)
    assert telemetry(controller)["mode"] == "dead"


def test_our_own_decision_and_controller_understand_each_other_in_that_form(broker, run, tmp_path):
    run("decision", "--compat", "crazytrain")
    run("controller", "--compat", "crazytrain", "--arm", "--deadman", "5s")
    publisher = Publisher(broker.port)
    for _ in range(5):
        publisher.publish("train-model-result", original())
        time.sleep(0.1)
    publisher.publish("train-model-result", original((1, DANGER)))
    wait_until(lambda: motor(tmp_path) == ["7f", "46", "64", "7f"], lambda: motor(tmp_path))


# --- options ---

def test_file_environment_and_flags_beat_each_other_in_this_order(broker, tmp_path, monkeypatch):
    broker.start()
    config = tmp_path / "controller.yaml"
    monkeypatch.setenv("RAILQUEST_ALLOW_HUB", "90:84:2B:01:02:03, 90:84:2B:0A:0B:0C")
    config.write_text("hub: print\ntrain: filed\nlow-power: 60\nallow-hub: ['90:84:2B:01:02:03', '90:84:2B:0A:0B:0C']\n")
    controller = Service("controller", broker, "--config", config)
    controller.wait_ready("broker", "hub")
    with broker.collector("railquest/filed/telemetry") as next_message:
        assert next_message()[1]
    assert controller.close() == 0
    monkeypatch.setenv("RAILQUEST_TRAIN", "surrounded")
    controller = Service("controller", broker, "--config", config)
    with broker.collector("railquest/surrounded/telemetry") as next_message:
        assert next_message()[1]
    controller.close()
    controller = Service("controller", broker, "--config", config, "--train", "flagged")
    with broker.collector("railquest/flagged/telemetry") as next_message:
        assert next_message()[1]
    controller.close()


@pytest.mark.parametrize("words, part", [
    (["--low-power", "80", "--full-power", "70"], "--low-power 80 must not be above --full-power 70"),
    (["--hub=record"], "--record-file"), (["--allow-hub", "90:84:2B"], "an address like"), (["--deadman", "10ms"], "from 0.05 to 10 seconds"),
    (["--hub=lego"], "bluez")])
def test_options_that_cannot_be_meant_are_refused(words, part):
    done = subprocess.run([BUILD / "bin/railquest-controller", *words], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and part in done.stderr
