"""The HTTP layer alone, through a program with one route for each kind of answer (tests/support/http_echo.c)."""
import gzip
import http.client
import json
import os
import signal
import subprocess
import time

import pytest

from serving import HTTP_ECHO, Server, Stream


@pytest.fixture(scope="module")
def server():
    with Server([HTTP_ECHO]) as running:
        yield running


def echo(server, target, **request):
    status, _, body = server.request(target, **request)
    assert status == 200, body
    return json.loads(body)


def test_query_parameters_are_decoded_and_may_come_again(server):
    answer = echo(server, "/echo?a=1&match[]=up%7Bx%3D%22%26%22%7D&match[]=b+c&d")
    assert answer["form"] == [["a", "1"], ["match[]", 'up{x="&"}'], ["match[]", "b c"], ["d", ""]]


def test_parameters_of_a_body_come_before_those_of_the_query(server):
    answer = echo(server, "/echo?a=query", body="a=body&b=%2B")
    assert answer["form"] == [["a", "body"], ["b", "+"], ["a", "query"]]


def test_a_body_of_another_type_is_no_form(server):
    answer = echo(server, "/echo", body=b"a=1", headers={"Content-Type": "text/plain"})
    assert answer["form"] == []


def test_a_post_without_a_body_is_answered(server):
    answer = server.send(b"POST /post HTTP/1.1\r\nHost: x\r\n\r\n", wait=2)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert echo(server, "/post", body=b"")["method"] == "POST"


def test_a_star_stands_for_one_segment_and_at_the_end_for_the_rest(server):
    assert echo(server, "/label/na%20me/values")["wildcard"] == "na me"
    assert echo(server, "/under/a/b")["wildcard"] == "a/b"
    assert server.request("/label/a/b/values")[0] == 404
    assert server.request("/label//values")[0] == 404


def test_a_path_that_is_not_there_is_404_and_a_wrong_method_405_with_allow(server):
    status, headers, body = server.request("/nope")
    assert (status, body) == (404, b"404 page not found\n")
    for method, target, allow in [("DELETE", "/echo", "GET, HEAD, POST"), ("POST", "/asset", "GET, HEAD"),
                                  ("GET", "/post", "POST"), ("PUT", "/post", "POST"),
                                  ("OPTIONS", "/asset", "GET, HEAD")]:
        status, headers, _ = server.request(target, method=method)
        assert (status, headers["Allow"]) == (405, allow), (method, target)


def test_head_has_the_length_and_no_body(server):
    status, headers, body = server.request("/echo", method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == len(server.request("/echo")[2])


def test_one_connection_serves_many_requests(server):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    for number in range(20):
        connection.request("POST" if number % 2 else "GET", "/echo",
                           f"n={number}" if number % 2 else None,
                           {"Content-Type": "application/x-www-form-urlencoded"})
        local = connection.sock.getsockname()
        answer = connection.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read())["form"] == ([["n", str(number)]] if number % 2 else [])
        assert number == 0 or local == before
        before = local
    connection.close()


@pytest.mark.parametrize("count", [0, 1, 700, 100000])
def test_a_produced_answer_arrives_whole(server, count):
    expected = "".join(f"line {n} of many that make a long answer\n" for n in range(count)).encode()
    status, headers, body = server.request(f"/lines/{count}")
    assert (status, body) == (200, expected)
    assert ("Content-Length" in headers) == (len(expected) < 32000)


def test_a_client_of_http_1_0_gets_a_long_answer_unchunked(server):
    answer = server.send(b"GET /lines/100000 HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body.count(b"\n") == 100000


def test_a_long_answer_that_nobody_reads_costs_no_memory(server):
    before = server.memory_kib()
    clients = [server.connect() for _ in range(10)]
    for client in clients:
        client.sendall(b"GET /lines/2000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.5)
    assert server.grew_kib(before) < 2000
    for client in clients:
        client.close()


def test_a_page_is_packed_for_those_who_take_it(server):
    status, headers, body = server.request("/asset", headers={"Accept-Encoding": "br, gzip"})
    assert (status, headers["Content-Encoding"], len(body)) == (200, "gzip", 26)
    for accept in ["identity", "gzip;q=0", "br"]:
        status, headers, body = server.request("/asset", headers={"Accept-Encoding": accept})
        assert (status, headers["Content-Encoding"], body) == (200, None, b"hello\n"), accept


def test_a_known_page_is_304(server):
    status, headers, body = server.request("/asset", headers={"If-None-Match": '"a", "hello"'})
    assert (status, headers["ETag"], body) == (304, '"hello"', b"")


def test_pages_may_load_nothing_from_elsewhere(server):
    headers = server.request("/asset")[1]
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


GARBAGE = {
    "nothing": b"\r\n\r\n",
    "bytes": bytes(range(256)) * 40,
    "no method": b"/ HTTP/1.1\r\n\r\n",
    "an unknown method": b"BREW /echo HTTP/1.1\r\nHost: x\r\n\r\n",
    "a bad escape": b"GET /echo?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a bad escape in the path": b"GET /e%c HTTP/1.1\r\nHost: x\r\n\r\n",
    "a NUL": b"GET /echo%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long target": b"GET /echo?a=" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": b"GET /echo HTTP/1.1\r\nX: " + b"a" * 100000 + b"\r\n\r\n",
    "many headers": b"GET /echo HTTP/1.1\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
    "many parameters": b"GET /echo?" + b"a&" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a bad length": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
    "a negative length": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a huge length": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "a chunked body": b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n",
    "an upgrade": b"GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "TLS": bytes.fromhex("16030100a1010000") + bytes(157),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_and_the_next_one_served(server, name):
    answer = server.send(GARBAGE[name], wait=1)
    assert answer == b"" or answer[:9] in (b"HTTP/1.1 ", b"HTTP/1.0 "), answer[:80]
    assert answer == b"" or answer[9:10] == b"4", answer[:80]
    assert echo(server, "/echo?still=here")["form"] == [["still", "here"]]


def test_a_body_over_the_cap_is_413_and_a_full_one_fits(server):
    assert server.request("/echo", body="a=" + "b" * 99998)[0] == 200
    answer = server.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"A body may have 100000 bytes at most.\n")


def test_a_bad_escape_in_a_body_is_400_and_named(server):
    status, _, body = server.request("/echo", body="a=%zz")
    assert (status, body) == (400, b'invalid URL escape "%zz"\n')


def test_a_stream_pushes_and_keeps_ascending(server):
    with Stream(server, "/feed") as stream:
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
        ids = [int(stream.event()["id"]) for _ in range(4)]
    assert ids == list(range(ids[0], ids[0] + 4))


def test_a_stalled_stream_gets_the_newest_and_the_server_keeps_nothing(server):
    before = server.memory_kib()
    with Stream(server, "/feed") as stream:
        stream.event()
        time.sleep(4)  # 40 states of 64 KiB are made meanwhile
        assert server.grew_kib(before) < 1000
        ids = [int(stream.event()["id"]) for _ in range(30)]
    assert max(b - a for a, b in zip(ids, ids[1:])) > 5, "states were skipped"
    assert ids == sorted(set(ids))


def test_one_stream_too_many_is_503_with_a_word(server):
    time.sleep(0.3)
    streams = [Stream(server, "/feed") for _ in range(3)]
    status, headers, body = server.request("/feed")
    assert status == 503 and headers["Retry-After"] == "10" and b"place" in body
    streams.pop().close()
    time.sleep(0.3)
    another = Stream(server, "/feed")
    assert another.status == 200
    for stream in streams + [another]:
        stream.close()


def test_one_connection_too_many_is_503_with_a_word():
    with Server([HTTP_ECHO]) as server:
        clients = [server.connect() for _ in range(40)]
        time.sleep(0.3)
        assert server.send(b"", wait=2).startswith(b"HTTP/1.1 503 ")
        for client in clients:
            client.close()
        time.sleep(0.3)
        assert server.request("/echo")[0] == 200


def test_ipv6_is_served():
    if not os.path.exists("/proc/net/if_inet6") or not open("/proc/net/if_inet6").read():
        pytest.skip("this machine has no IPv6")
    with Server([HTTP_ECHO, "[::1]:0"]) as server:
        assert server.host == "::1"
        assert server.request("/echo")[0] == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_with_clients_on_line(number):
    with Server([HTTP_ECHO]) as server:
        stream = Stream(server, "/feed")
        server.process.send_signal(number)
        server.process.wait(timeout=10)
        assert server.process.returncode == 0
        stream.close()


def test_a_port_that_is_taken_is_an_error_with_advice(server):
    done = subprocess.run([HTTP_ECHO, f"127.0.0.1:{server.port}"], capture_output=True, text=True,
                          timeout=10, check=False)
    assert done.returncode == 1
    assert "another program has this port" in done.stderr


def wait_for_stats(server, **expected):
    """The counters once they are as expected; the last ones where they never are."""
    for _ in range(200):
        stats = echo(server, "/stats")
        if all(stats[name] == value for name, value in expected.items()):
            break
        time.sleep(0.02)
    return {name: stats[name] for name in expected}


def ask(server, target):
    client = server.connect()
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return client


def test_work_on_a_thread_is_answered_when_it_is_done(server):
    assert server.request("/work/3")[2] == b"3 steps\n"
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    for steps in 1, 2, 0:  # the connection stays for the next one
        connection.request("GET", f"/work/{steps}")
        assert connection.getresponse().read() == f"{steps} steps\n".encode()
    connection.close()


@pytest.mark.quiet
def test_while_threads_work_the_others_are_answered_at_once(server):
    clients = [ask(server, "/work/100") for _ in range(2)]
    assert wait_for_stats(server, running=2) == {"running": 2}
    began = time.monotonic()
    assert echo(server, "/echo?a=1")["form"] == [["a", "1"]]
    assert time.monotonic() - began < 0.9  # the work takes a second
    for client in clients:
        with client.makefile("rb") as answer:
            assert b"100 steps\n" in iter(answer.readline, b"")
        client.close()


def test_work_stops_when_the_client_leaves_and_is_counted(server):
    before = echo(server, "/stats")["abandoned"]
    for half_closed in False, True:
        client = ask(server, "/work/3000")
        assert wait_for_stats(server, running=1) == {"running": 1}
        if half_closed:
            client.shutdown(1)
        else:
            client.close()
        before += 1
        assert wait_for_stats(server, running=0, abandoned=before) == {"running": 0, "abandoned": before}
        client.close()


def test_work_that_waits_too_long_for_a_thread_is_told_so(server):
    busy = [ask(server, "/work/300") for _ in range(2)]
    assert wait_for_stats(server, running=2) == {"running": 2}
    status, _, body = server.request("/work/1")
    assert (status, body) == (503, b"0 steps\n")
    waiting = ask(server, "/work/1")
    assert wait_for_stats(server, waiting=1) == {"waiting": 1}
    waiting.close()  # leaves while it waits
    for client in busy:
        client.close()
    assert wait_for_stats(server, running=0, waiting=0) == {"running": 0, "waiting": 0}


def test_a_server_stops_in_the_middle_of_work():
    with Server([HTTP_ECHO]) as running:
        clients = [ask(running, "/work/3000") for _ in range(4)]
        assert wait_for_stats(running, running=2, waiting=2) == {"running": 2, "waiting": 2}
    for client in clients:
        client.close()


def test_a_bare_head_has_what_go_sends_and_nothing_else(server):
    status, headers, body = server.request("/bare/lines/3")
    assert status == 200 and len(body) == int(headers["Content-Length"])
    assert headers.keys() == ["Content-Type", "Date", "Content-Length"]
    assert server.request("/bare/lines/100")[1].keys() == ["Content-Type", "Date", "Transfer-Encoding"]
    status, headers, body = server.request("/bare/lines/3", method="OPTIONS")
    assert (status, headers.keys(), body) == (204, ["Date"], b"")
    assert server.request("/bare/work/1", method="POST")[1]["Allow"] == "GET, HEAD, PUT"
    assert server.request("/bare/work/1", method="PUT")[2] == b"1 steps\n"


@pytest.mark.parametrize("lines", [1, 20, 30, 100, 1000, 20000])
def test_what_may_be_packed_is_packed_from_a_kibibyte_on(server, lines):
    plain = server.request(f"/bare/lines/{lines}")[2]
    status, headers, body = server.request(f"/bare/lines/{lines}", headers={"Accept-Encoding": "deflate, gzip"})
    assert status == 200
    if len(plain) < 1024:
        assert body == plain and "Content-Encoding" not in headers and "Vary" not in headers
    else:
        assert headers["Content-Encoding"] == "gzip" and headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(body) == plain and len(body) < len(plain) / 2
        assert ("Content-Length" in headers) == (len(body) <= 2048)
    refused = server.request(f"/bare/lines/{lines}", headers={"Accept-Encoding": "gzip;q=0"})
    assert refused[2] == plain and "Content-Encoding" not in refused[1]
    assert "Content-Encoding" not in server.request(f"/lines/{lines}", headers={"Accept-Encoding": "gzip"})[1]
