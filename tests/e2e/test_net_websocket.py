"""WebSockets of the HTTP layer alone (tests/support/http_echo.c: /talk)."""
import time

import pytest

from serving import HTTP_ECHO, Server, Stream
from test_net import wait_for_stats
from websocket import BINARY, CONTINUATION, PING, PONG, TEXT, Refused, WebSocket


@pytest.fixture(scope="module")
def server():
    with Server([HTTP_ECHO]) as running:
        yield running


def refused(server, target="/talk", headers=(), **more):
    with pytest.raises(Refused) as found:
        WebSocket(server.port, target, headers, **more)
    return found.value.status


def number_of(block):
    return int(block.split(b"\n")[0].split()[1])


def test_what_is_said_comes_back_whole_and_in_order(server):
    with WebSocket(server.port, "/talk") as client:
        for text in "hello", "", "é" * 500, "x" * 1024:
            client.say(text)
            if text:
                assert client.message() == (TEXT, text.encode())
        client.send(TEXT, b"in ", final=False)
        client.send(PING, b"now")
        client.send(CONTINUATION, b"three ", final=False)
        client.send(CONTINUATION, b"parts")
        assert client.frame() == (PONG, True, b"now")
        assert client.message() == (TEXT, b"in three parts")


def test_a_block_comes_in_frames_and_is_the_block(server):
    with WebSocket(server.port, "/talk") as client, WebSocket(server.port, "/talk") as other:
        for talk in client, other:
            talk.say("feed 2")
        # The frames' heads were written in front of parts of a block that both were sent: it is as it was.
        for kind, data in (talk.message() for _ in range(2) for talk in (client, other)):
            head, _, rest = data.partition(b"\ndata: ")
            assert kind == BINARY and head.startswith(b"id: ")
            assert rest == b"0123456789abcdef" * ((len(rest) - 2) // 16) + b"\n\n" and len(data) > 65536
        client.say("big 1")
        kind, data = client.message()
        size = len(data) // 40
        assert kind == BINARY and size > 65536 and len({data[i * size:(i + 1) * size] for i in range(40)}) == 1


def test_a_slow_client_gets_the_newest_and_no_queue(server):
    before = server.memory_kib()
    with WebSocket(server.port, "/talk", receive_bytes=8192) as slow:
        slow.say("feed 1000000")
        time.sleep(3)  # 30 generations of 64 KiB
        assert server.grew_kib(before) < 1000
        with Stream(server, "/feed") as stream:
            now = int(stream.event()["id"])
        numbers = []
        while not numbers or numbers[-1] < now:
            numbers.append(number_of(slow.message()[1]))
        assert numbers == sorted(set(numbers))
        # What waited in the two kernels, and then what is new.
        assert len([number for number in numbers if number < now - 1]) <= 6, numbers


def test_only_who_asks_for_a_websocket_gets_one(server):
    status, headers, _ = server.request("/talk")
    assert status == 426 and headers["Upgrade"] == "websocket"
    assert server.request("/talk", method="POST", body=b"")[0] == 426
    assert refused(server, "/talk?refuse=1") == 403
    assert refused(server, "/nothing") == 404
    assert refused(server, "/post") == 405
    assert refused(server, "/echo") == 400
    assert refused(server, version="HTTP/1.0") == 426
    # Names of what libwebsockets calls protocols are no doors.
    for name in "http", "our listener", "listener", "our", "x" * 300:
        assert refused(server, headers={"Sec-WebSocket-Protocol": name}) == 400
    for headers in ({"Upgrade": "h2c"}, {"Upgrade": "nonsense"}, {"Upgrade": "w" * 200}, {"Connection": "close"}):
        assert refused(server, headers=headers) in (0, 403)
    for headers in ({"Sec-WebSocket-Key": None}, {"Sec-WebSocket-Key": "k" * 500}):
        assert refused(server, headers=headers) == 0
    assert wait_for_stats(server, streams=0, requests=1) == {"streams": 0, "requests": 1}


def test_what_may_not_be_said_closes_with_a_code(server):
    def code(*frames, **more):
        with WebSocket(server.port, "/talk", **more) as client:
            for opcode, data, final in frames:
                client.send(opcode, data, final)
            return client.closed_with()

    assert code((TEXT, b"bye", True)) == 4000
    assert code((BINARY, b"bytes", True)) == 1003
    assert code((TEXT, b"x" * 1025, True)) == 1009
    assert code(*[(TEXT if i == 0 else CONTINUATION, b"x" * 100, False) for i in range(11)]) == 1009
    # Frames that are none are libwebsockets' own business: it closes, and the server lives.
    assert code((3, b"?", True)) in (None, 1002)
    assert code((CONTINUATION, b"of nothing", True)) in (None, 1002)
    assert code((PING, b"x" * 126, True)) in (None, 1002)
    with WebSocket(server.port, "/talk") as client:
        client.say("still there")
        assert client.message() == (TEXT, b"still there")
    assert wait_for_stats(server, streams=0) == {"streams": 0}


def test_places_are_counted_with_the_streams_and_come_back(server):
    talks = [WebSocket(server.port, "/talk") for _ in range(2)]
    with Stream(server, "/feed"):
        assert refused(server) == 503
    assert wait_for_stats(server, streams=2) == {"streams": 2}
    for talk in talks:
        talk.close()
    assert wait_for_stats(server, streams=0) == {"streams": 0}
    WebSocket(server.port, "/talk").close()


def test_who_answers_pings_stays_and_who_does_not_is_dropped():
    with Server([HTTP_ECHO, "127.0.0.1:0", "2400"]) as server:
        with WebSocket(server.port, "/talk") as there, WebSocket(server.port, "/talk"):
            until = time.monotonic() + 6
            while time.monotonic() < until:
                kind, _, data = there.frame()
                assert kind == PING and 0 < len(data) < 126
                there.send(PONG, data)
            assert wait_for_stats(server, streams=1) == {"streams": 1}
            there.say("still there")
            assert there.message() == (TEXT, b"still there")


def test_a_signal_ends_it_with_sockets_on_line():
    with Server([HTTP_ECHO]) as server:
        client = WebSocket(server.port, "/talk")
        client.say("feed 100")
        client.message()
    assert client.closed_with() in (None, 1001)
    client.close()
