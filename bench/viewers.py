"""Viewers of the monitor, one for each way that pictures come, for bench/control_room.py: many in one thread, and none decodes.

A viewer says which pictures it got whole, and when: `ages` in microseconds since they were published, by their traces.
"""
import os
import re
import selectors
import socket
import struct
import time


def now_us():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


class Viewer:
    def __init__(self, address, selector, sent, query=""):
        self.host, port = address.rsplit(":", 1)
        self.place, self.name, self.query = (self.host, int(port)), address.encode(), query.encode()
        self.selector, self.sent, self.ages, self.seen, self.sockets = selector, sent, [], set(), []
        self.open()

    def connect(self, hear):
        connection = socket.create_connection(self.place, 5)
        self.selector.register(connection, selectors.EVENT_READ, hear)
        self.sockets.append(connection)
        return connection

    def ask(self, connection, path, *headers, version=b"1.1"):
        path += (b"&" if b"?" in path else b"?") + self.query if self.query else b""
        connection.sendall(b"GET %s HTTP/%s\r\nHost: %s\r\n%s\r\n" % (path, version, self.name, b"".join(header + b"\r\n" for header in headers)))

    def got(self, trace):
        """A picture is there, whole. One that is sent again is no other one."""
        if trace not in self.seen and trace in self.sent:
            self.seen.add(trace)
            self.ages.append(now_us() - self.sent[trace])

    def drop(self, connection):
        self.selector.unregister(connection)
        self.sockets.remove(connection)
        connection.close()

    def close(self):
        for connection in list(self.sockets):
            self.drop(connection)


class WebSocket(Viewer):
    """/api/train/live: pictures as binary messages, each answered."""

    PATH = b"/api/train/live"

    def open(self):
        self.data, self.upgraded = b"", False
        self.connection = self.connect(self.hear)
        self.ask(self.connection, self.PATH, b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
                 b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")

    def hear(self):
        part = self.connection.recv(1 << 18)
        assert part, "the monitor closed a WebSocket"
        self.data += part
        if not self.upgraded:
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if not end:
                return
            assert b" 101 " in head.splitlines()[0] + b" ", head
            self.data, self.upgraded = rest, True
        while self.take():
            pass

    def take(self):
        """One message off the front, where it is whole. The monitor sends each in one piece, or the sizes add up all the same."""
        if len(self.data) < 2:
            return False
        size, at = self.data[1] & 0x7f, 2
        if size >= 126:
            at = 4 if size == 126 else 10
            if len(self.data) < at:
                return False
            size, = struct.unpack(">H" if at == 4 else ">Q", self.data[2:at])
        if len(self.data) < at + size:
            return False
        opcode, payload = self.data[0] & 0x0f, self.data[at:at + size]
        self.data = self.data[at + size:]
        if opcode == 2:
            magic, place, number, trace = struct.unpack(">4s2xHQ8x16s", payload[:40])
            assert magic == b"RQP1"
            self.got(trace.hex())
            self.answer(place, number)
        elif opcode == 9:
            self.say(10, payload)
        return True

    def answer(self, place, number):
        self.say(1, b"got %d" % number)

    def say(self, opcode, text):
        mask = os.urandom(4)
        self.connection.sendall(bytes([0x80 | opcode, 0x80 | len(text)]) + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(text)))


class AllTrains(WebSocket):
    """/api/trains/live: those of every train over one connection, as the page of many trains has them."""

    PATH = b"/api/trains/live"

    def answer(self, place, number):
        self.say(1, b"got %d %d" % (place, number))


class Fetcher(Viewer):
    """Pictures by GET on a connection that is kept."""

    def open(self):
        self.number, self.asked, self.answer = 0, False, b""
        self.pictures = self.connect(self.receive)

    def fetch(self):
        self.asked = True
        self.ask(self.pictures, b"/api/train/frame.jpg?after=%d" % self.number)

    def receive(self):
        part = self.pictures.recv(1 << 18)
        if not part:  # after so many requests the server wants another connection, as browsers know
            self.drop(self.pictures)
            self.pictures, self.answer = self.connect(self.receive), b""
            if self.asked:
                self.fetch()
            return
        self.answer += part
        head, end, body = self.answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head) if end else None
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self.answer, self.asked = b"", False
        if head.startswith(b"HTTP/1.1 200"):
            self.number = int(re.search(rb"(?i)x-train-picture: *(\d+)", head)[1])
            self.got(re.search(rb"(?i)x-train-trace: *([0-9a-f]+)", head)[1].decode())


class Events(Fetcher):
    """/api/train/stream, and each picture that it tells of, unless one is asked for already."""

    def open(self):
        super().open()
        self.stream = self.connect(self.hear)
        self.ask(self.stream, b"/api/train/stream")

    def hear(self):
        told = self.stream.recv(1 << 18)
        assert told, "the stream ended"
        if b'"frame"' in told and not self.asked:
            self.fetch()


class Poll(Fetcher):
    """As the page's last way: a GET four times a second (POLL_MS of web/src/train/link.ts)."""

    EVERY_S = 0.25

    def open(self):
        super().open()
        self.next_s = time.monotonic() + os.urandom(1)[0] / 255 * self.EVERY_S

    def tick(self, now_s):
        if now_s >= self.next_s:
            self.next_s += self.EVERY_S
            if not self.asked:
                self.fetch()


class MotionJpeg(Viewer):
    """/api/train/live.mjpeg: parts with a length each."""

    def open(self):
        self.data = b""
        self.connection = self.connect(self.hear)
        self.ask(self.connection, b"/api/train/live.mjpeg", version=b"1.0")

    def hear(self):
        part = self.connection.recv(1 << 18)
        assert part, "the monitor closed a Motion JPEG"
        self.data += part
        while self.take():
            pass

    def take(self):
        length = re.search(rb"(?i)content-length: *(\d+)", self.data)
        end = self.data.find(b"\r\n\r\n", length.end()) if length else -1
        if end < 0 or len(self.data) < end + 4 + int(length[1]):
            return False
        self.got(re.search(rb"(?i)x-train-trace: *([0-9a-f]+)", self.data[:end])[1].decode())
        self.data = self.data[end + 4 + int(length[1]):]
        return True


KINDS = {"WebSocket": WebSocket, "SSE and GET": Events, "Motion JPEG": MotionJpeg, "GET 4 times a second": Poll}
