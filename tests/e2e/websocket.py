"""A client of WebSockets that does what it is told, also what no browser does: odd frames, and reading nothing."""
import base64
import os
import socket
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class WebSocket:
    def __init__(self, port, target, headers=(), host="127.0.0.1", receive_bytes=0, version="HTTP/1.1", timeout=10):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        named = {"Host": f"{host}:{port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                 "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(), **dict(headers)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value is not None)
        self.socket.sendall(f"GET {target} {version}\r\n{lines}\r\n".encode())
        self.file = self.socket.makefile("rb")
        first = self.file.readline()
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        status = int(first.split()[1]) if first else 0
        if status != 101:
            body = self.file.read()
            self.close()
            raise Refused(status, body)

    def send(self, opcode, data=b"", final=True, masked=True):
        size = len(data)
        head = bytes([opcode | (0x80 if final else 0)])
        mark = 0x80 if masked else 0
        head += bytes([mark | size]) if size < 126 else bytes([mark | 126]) + struct.pack(">H", size)
        mask = os.urandom(4) if masked else b""
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)) if masked else data
        self.socket.sendall(head + mask + body)

    def say(self, text):
        self.send(TEXT, text.encode())

    def frame(self):
        """(opcode, final, payload), as it came."""
        first, second = self.exactly(2)
        size = second & 0x7f
        if size == 126:
            size, = struct.unpack(">H", self.exactly(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.exactly(8))
        assert not second & 0x80, "a server masks nothing"
        return first & 0x0f, bool(first & 0x80), self.exactly(size)

    def exactly(self, size):
        data = self.file.read(size)
        if len(data) != size:
            raise ConnectionError("the server closed")
        return data

    def message(self):
        """(opcode, payload) of the next one, put together; pings are answered."""
        opcode, data, final = None, b"", False
        while not final:
            kind, final, part = self.frame()
            if kind == PING:
                self.send(PONG, part)
                final = False
            elif kind >= CLOSE:
                return kind, part
            else:
                assert (kind == CONTINUATION) == (opcode is not None)
                opcode = kind if opcode is None else opcode
                data += part
        return opcode, data

    def closed_with(self):
        """The code with which the server closes, whatever it says before; None where it just hangs up."""
        try:
            while True:
                kind, data = self.message()
                if kind == CLOSE:
                    return struct.unpack(">H", data[:2])[0] if data else 1005
        except (ConnectionError, OSError):
            return None

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
