"""Queries that take long: nobody else waits for them, they end in time, and they end when nobody waits for them."""
import json
import re
import threading
import time
import urllib.parse

import pytest

from serving import BUILD, RAILQUEST, Server, Stream

NOW = 1795303575
# A million instants of a sub-query, of 96 series.
SLOW = {"query": "count_over_time(many[3h:10ms])", "start": NOW - 10000, "end": NOW, "step": 1}


@pytest.fixture(scope="module")
def server():
    with Server([BUILD / "tests" / "support" / "fake_serve"]) as running:
        yield running


def target(path, **parameters):
    return f"{path}?{urllib.parse.urlencode(parameters)}"


def ask(server, path, **parameters):
    status, _, body = server.request(target(path, **parameters))
    return status, json.loads(body)


def metric(server, name):
    return float(re.search(rf"^{name} (\S+)$", server.request("/metrics")[2].decode(), re.M)[1])


def wait_for(server, name, value):
    for _ in range(600):
        if metric(server, name) == value:
            return True
        time.sleep(0.05)
    return False


def begin(server, **parameters):
    """A client that asks and does not listen yet."""
    client = server.connect(60)
    client.sendall(f"GET {target('/api/v1/query_range', **parameters)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return client


@pytest.mark.quiet
def test_others_are_answered_while_queries_run_and_the_query_ends_when_its_client_leaves(server):
    abandoned = metric(server, "railquest_queries_abandoned_total")
    clients = [begin(server, **SLOW) for _ in range(3)]
    assert wait_for(server, "railquest_queries_running", 3)
    began = time.monotonic()
    for path in "/-/healthy", "/metrics", "/api/quest/standings", "/api/v1/labels", "/api/v1/query?query=1":
        assert server.request(path)[0] == 200
    took = time.monotonic() - began
    with Stream(server, "/api/quest/stream") as stream:
        assert stream.event()
    running = metric(server, "railquest_queries_running")
    for client in clients:
        client.close()
    print(f"five requests beside three slow queries took {took * 1000:.0f} ms")
    # Each of the slow ones takes many seconds: whoever waited for one of them would show.
    assert took < 4 and running == 3
    assert wait_for(server, "railquest_queries_running", 0)
    assert metric(server, "railquest_queries_abandoned_total") == abandoned + 3


def test_a_query_ends_when_its_time_is_up(server):
    before = metric(server, "railquest_queries_timed_out_total")
    status, answer = ask(server, "/api/v1/query_range", timeout="300ms", **SLOW)
    assert status == 503
    assert answer == {"status": "error", "errorType": "timeout",
                      "error": "query timed out in expression evaluation"}
    assert ask(server, "/api/v1/query", query="up", timeout="-1") == (503, {
        "status": "error", "errorType": "timeout", "error": "query timed out in query execution"})
    assert metric(server, "railquest_queries_timed_out_total") == before + 2
    assert wait_for(server, "railquest_queries_running", 0)


def test_the_server_s_own_limits_hold(tmp_path):
    (tmp_path / "samples.test").write_text("load 1s\n" + "".join(f'  many{{i="{i}"}} 0+1x10000\n' for i in range(100)))
    command = [RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--load", tmp_path / "samples.test"]
    with Server([*command, "--query-timeout", "300ms", "--query-max-samples", "100000"]) as server:
        flags = ask(server, "/api/v1/status/flags")[1]["data"]
        assert (flags["query.timeout"], flags["query.max-samples"]) == ("300ms", "100000")
        status, answer = ask(server, "/api/v1/query_range", query="many", start=0, end=9000, step=1)
        assert (status, answer["errorType"]) == (422, "execution")
        assert answer["error"] == "query processing would load too many samples into memory in query execution"
        assert metric(server, "railquest_queries_limited_total") == 1
        status, answer = ask(server, "/api/v1/query_range", query="count_over_time(max(many)[50m:1ms])",
                             start=0, end=9000, step=1)
        assert (status, answer["errorType"]) == (503, "timeout")


def test_a_query_waits_for_its_turn_no_longer_than_its_time(tmp_path):
    (tmp_path / "samples.test").write_text("load 1s\n" + "".join(f'  many{{i="{i}"}} 0+1x10000\n' for i in range(96)))
    command = [RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--load", tmp_path / "samples.test"]
    slow = {"query": "count_over_time(many[50m:1ms])", "start": 0, "end": 9999, "step": 1}
    with Server([*command, "--query-max-concurrency", "2"]) as server:
        clients = [begin(server, **slow) for _ in range(2)]
        assert wait_for(server, "railquest_queries_running", 2)
        status, answer = ask(server, "/api/v1/query", query="1", timeout="200ms")
        assert (status, answer["error"]) == (503, "query timed out in query queue")
        for client in clients:
            client.close()
        assert ask(server, "/api/v1/query", query="1")[0] == 200


def test_a_race_goes_on_while_queries_run(tmp_path):
    """Threads read the store while the race adds to it: nobody is starved, and what they read makes sense."""
    command = [RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--rehearse", "workshop", "--players", "40", "--speed", "200"]
    with Server(command) as server:
        stop, answers = threading.Event(), []

        def keep_asking():
            while not stop.is_set():
                start = json.loads(server.request("/api/quest/standings")[2])["start"]
                status, answer = ask(server, "/api/v1/query_range", start=start, end=start + 9000, step=1,
                                     query='count(last_over_time({__name__=~".+"}[10m]))')
                answers.append((status, len(answer.get("data", {}).get("result", []))))
        threads = [threading.Thread(target=keep_asking) for _ in range(3)]
        for thread in threads:
            thread.start()
        instants = []
        for _ in range(20):
            instants.append(json.loads(server.request("/api/quest/standings")[2])["now_s"])
            time.sleep(0.2)
        stop.set()
        for thread in threads:
            thread.join()
    assert instants == sorted(instants) and instants[-1] > instants[0] + 50
    assert answers and {status for status, _ in answers} == {200}
