"""`railquest serve` as people run it: the real program on port 0."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest

from serving import RAILQUEST, ROOT, Server, Stream, is_sanitized

SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))


def serve(*words, environment=None):
    return Server([RAILQUEST, "serve", "--listen", "127.0.0.1:0", *words], environment)


def board_of(server, at=""):
    return json.loads(server.request("/api/quest/standings" + (f"?at={at}" if at else ""))[2])


def wait_for_end(server, seconds=60):
    until = time.monotonic() + seconds
    while board_of(server)["state"] != "finished":
        assert time.monotonic() < until, "the race does not end"
        time.sleep(0.05)


def query(server, path, **parameters):
    status, _, body = server.request(f"/api/v1/{path}", body=urllib.parse.urlencode(parameters, doseq=True))
    assert status == 200, body[:300]
    return json.loads(body)["data"]


@pytest.fixture(scope="module")
def bench():
    with serve("--rehearse", "bench", "--speed", "max") as server:
        wait_for_end(server)
        yield server


def scores(server, at=""):
    return {row["user"]: row["score"] for row in board_of(server, at)["rows"]}


def test_the_bench_ends_as_its_author_measured(bench):
    board = board_of(bench)
    assert (board["now_s"], board["end_s"], board["unit_s"]) == (150, 150, 5)
    assert [(row["rank"], row["user"], row["score"]) for row in board["rows"]] == [
        (1, "batman", 162), (2, "catwoman", 160), (3, "superman", 148), (4, "invisibleman", 136)]
    assert board["lead_changes"] == 3


def test_who_led_when_is_the_same_in_curves_and_events(bench):
    curves = json.loads(bench.request("/api/quest/curves")[2])
    leads = [(lead["user"], lead["at_s"]) for lead in curves["lead_changes"]]
    assert leads == [("catwoman", 50), ("batman", 70), ("catwoman", 75), ("batman", 100)]
    events = json.loads(bench.request("/api/quest/events")[2])["events"]
    assert [(event["user"], event["at_s"]) for event in events if event["kind"] == "lead"] == leads
    assert sum(event["kind"] == "completion" for event in events) == 12


def test_the_api_says_what_the_command_line_says(bench, tmp_path):
    path = tmp_path / "bench.json"
    subprocess.run([RAILQUEST, "rehearse", "bench", "--json", path], check=True, capture_output=True, timeout=60)
    told = json.loads(path.read_text())
    for at in (0, 50, 75, 100, 150):
        column = told["times_s"].index(at)
        assert scores(bench, f"{at}s") == {user: told["scores"][user][column] for user in told["scores"]}
    for row, expected in zip(board_of(bench)["rows"], told["standings"]):
        assert {name: row[name] for name in expected} == expected


def test_the_race_s_series_may_be_queried(bench):
    names = query(bench, "query", query='count({__name__=~".+"})')["result"]
    assert int(names[0]["value"][1]) > 0
    listed = json.loads(bench.request("/api/v1/label/__name__/values")[2])["data"]
    assert listed == sorted(listed) and listed


@pytest.mark.skipif(not (SHARED / "prometheus").exists(), reason="no study folder")
def test_with_rules_the_board_has_the_scores_that_they_compute():
    rules = SHARED / "prometheus" / "rule-tests" / "rules4.yaml"
    with serve("--rehearse", "bench", "--speed", "max", "--rules", rules) as server:
        wait_for_end(server)
        lines = (SHARED / "prometheus" / "expected_scores_virtual_v3.5.csv").read_text().splitlines()[1:]
        expected = {}
        for line in lines:
            offset, user, score = line.split(",")
            expected.setdefault(int(float(offset)), {})[user] = float(score)
        for at in (60, 100, 150, 205):
            assert scores(server, f"{at}s") == pytest.approx(expected[at])
        board = board_of(server)
        assert (board["scoring"], board["now_s"]) == ("rules", 205)
        groups = json.loads(server.request("/api/v1/rules")[2])["data"]["groups"]
        assert [group["interval"] for group in groups] and groups[0]["rules"][0]["type"] == "recording"
        recorded = query(server, "query", query="opencodequest_users")["result"]
        assert {series["metric"]["user"] for series in recorded} == set(expected[205])


def test_a_scenario_or_rules_that_are_wrong_say_where_and_never_listen(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("scenario: x\nnonsense: 1\n")
    done = subprocess.run([RAILQUEST, "serve", "--rehearse", bad, "--listen", "127.0.0.1:0"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"bad\.yaml:\d+:\d+: ", done.stderr)


@pytest.mark.parametrize("words,told", [
    (["--speed", "0"], "--speed"), (["--speed", "fast"], "--speed"), (["--speed", "nan"], "--speed"),
    (["--scoring", "best"], "author-2024"), (["--loop", "--log", "x.db"], "--loop"), (["--lisden", "x"], "--listen"),
    (["extra"], "extra")])
def test_a_wrong_option_is_a_usage_error(words, told):
    done = subprocess.run([RAILQUEST, "serve", *words], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_port_that_is_taken_is_told_with_advice(bench):
    done = subprocess.run([RAILQUEST, "serve", "--rehearse", "bench", "--listen", f"127.0.0.1:{bench.port}"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "another program has this port" in done.stderr and "--listen 127.0.0.1:PORT" in done.stderr


def test_an_address_that_is_none_is_told_with_what_would_be_right():
    done = subprocess.run([RAILQUEST, "serve", "--rehearse", "bench", "--listen", "nowhere"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "write HOST:PORT" in done.stderr


def test_by_default_only_this_machine_can_connect():
    """The listening socket of the process, as the kernel tells it: 127.0.0.1 and nothing else."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Server([RAILQUEST, "serve", "--rehearse", "bench"],
                {"RAILQUEST_LISTEN": f":{port}"}) as server:
        assert (server.host, server.port) == ("127.0.0.1", port)
        tables = [pathlib.Path(f"/proc/{server.process.pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
        listening = [line.split()[1] for table in tables for line in table.splitlines()
                     if f":{port:04X}" in line.split()[1] and line.split()[3] == "0A"]
        assert listening == [f"0100007F:{port:04X}"]


def test_it_stops_in_order_on_a_signal_with_clients_on_line():
    with serve("--rehearse", "bench", "--speed", "1") as server:
        with Stream(server, "/api/quest/stream") as stream:
            assert stream.event() == {"retry": "2000"}
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(timeout=10) == 0


def test_it_stops_after_its_duration():
    with serve("--rehearse", "bench", "--duration", "1s") as server:
        began = time.monotonic()
        assert server.process.wait(timeout=20) == 0
        assert 0.5 < time.monotonic() - began < 5


def test_while_a_large_workshop_is_played_requests_are_answered():
    with serve("--players", "400", "--clusters", "6", "--speed", "max") as server:
        waits, state, began = [], "running", time.monotonic()
        while state != "finished":
            time.sleep(0.05)
            asked = time.monotonic()
            assert server.request("/-/healthy")[0] == 200
            waits.append(time.monotonic() - asked)
            if len(waits) % 4 == 0:
                state = board_of(server)["state"]
        waits.sort()
        print(f"400 players played in {time.monotonic() - began:.1f} s; {len(waits)} requests meanwhile: "
              f"median {waits[len(waits) // 2] * 1000:.1f} ms, longest {waits[-1] * 1000:.1f} ms")
        assert waits[len(waits) // 2] < 0.5


def test_connections_that_say_nothing_hold_nobody_up(bench):
    """Browsers open some in advance: each takes libwebsockets' memory for a request's head."""
    silent = [bench.connect() for _ in range(200)]
    began = time.monotonic()
    assert bench.request("/-/ready")[0] == 200
    assert time.monotonic() - began < 5
    for client in silent:
        client.close()


def ready_ms():
    """From exec to the first answer of /-/ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.monotonic()
    process = subprocess.Popen([RAILQUEST, "serve", "--players", "96", "--clusters", "6", "--speed", "max",
                                "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as client:
                    client.sendall(b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n")
                    assert client.recv(100).startswith(b"HTTP/1.1 200 ")
                return (time.monotonic() - began) * 1000
            except ConnectionRefusedError:
                assert time.monotonic() - began < 20
                time.sleep(0.001)
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0


def test_it_is_ready_at_once():
    times = sorted(ready_ms() for _ in range(5))
    print(f"ready after {times[2]:.1f} ms (median of 5; {times[0]:.1f} to {times[-1]:.1f})")
    # The aim is 50 ms on an idle machine; this one may be busy.
    assert times[0] < (2000 if is_sanitized(RAILQUEST) else 250)


QUERIES = [
    ("query", {"query": "up"}),
    ("query", {"query": "sum by (user) (kube_deployment_status_condition{condition=\"Available\",status=\"true\"})"}),
    ("query", {"query": "max by (namespace) (max_over_time(kube_pod_status_phase[10m]))"}),
    ("query_range", {"query": "sum(kube_pod_status_phase) by (phase)", "step": 5}),
    ("query_range", {"query": "kube_deployment_status_condition{condition=\"Available\",status=\"true\","
                              "deployment=\"hero\"}", "step": 5}),
    ("series", {"match[]": "kube_deployment_status_condition"}),
    ("labels", {}),
]


def test_the_whole_workshop_with_queries_and_streams_fits_into_20_mb_of_its_own():
    with serve("--players", "96", "--clusters", "6", "--seed", "7", "--speed", "max") as server:
        began = time.monotonic()
        wait_for_end(server)
        played = time.monotonic() - began
        after_race = server.memory_kib()
        board = board_of(server)
        streams = [Stream(server, "/api/quest/stream") for _ in range(10)]
        for stream in streams:
            assert stream.event() and stream.event()["event"] == "standings"
        largest, began = 0, time.monotonic()
        for number in range(100):
            path, parameters = QUERIES[number % len(QUERIES)]
            if path == "query_range":
                parameters = {**parameters, "start": board["start"], "end": board["start"] + board["end_s"]}
            status, _, body = server.request(f"/api/v1/{path}", body=urllib.parse.urlencode(parameters))
            assert status == 200, body[:300]
            largest = max(largest, len(body))
        took = time.monotonic() - began
        resident = server.memory_kib()
        print(f"played in {played:.2f} s; resident {after_race} KiB after the race, {resident} KiB after 100 queries "
              f"({took:.2f} s, the largest answer {largest} bytes) with 10 streams; peak {server.memory_kib('VmHWM')} KiB")
        assert len(board["rows"]) == 96 and largest > 1000000
        if not server.sanitized:
            # What is the process's own, and with it the pages of libraries that it shares with others (libcurl brings many).
            assert server.memory_kib("RssAnon") < 20 * 1024 and resident < 32 * 1024
        for stream in streams:
            stream.close()
