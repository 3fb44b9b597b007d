"""Prometheus's remote-write protocol (version 1), just enough to send series: protobuf by hand in Snappy's framing, not compressed.

Source: prompb/remote.proto and prompb/types.proto; Snappy's format_description.txt. Prometheus and VictoriaMetrics both take it.
"""
import http.client
import struct

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]  # bits survive struct, not arithmetic
MAX_LITERAL = 1 << 16


def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def snappy(data):
    """Literals only: tag 61 << 2 is a literal whose length - 1 stands in the next two bytes."""
    parts = [varint(len(data))]
    for at in range(0, len(data), MAX_LITERAL):
        literal = data[at:at + MAX_LITERAL]
        parts += [struct.pack("<BH", 61 << 2, len(literal) - 1), literal]
    return b"".join(parts)


class Samples:
    """Encodes columns of values at instants that many series share: all but the values is a template."""

    def __init__(self, times_ms):
        self.parts, layout = [], ["<"]
        for t_ms in times_ms:
            time = b"\x10" + varint(t_ms) if t_ms else b""
            self.parts.append((b"\x12" + varint(9 + len(time)) + b"\x09", time))
            layout.append(f"{len(self.parts[-1][0])}sd{len(time)}s")
        self.layout = struct.Struct("".join(layout))

    def encode(self, values):
        arguments = []
        for (head, time), value in zip(self.parts, values, strict=True):
            arguments += (head, value, time)
        return self.layout.pack(*arguments)


def series(labels, encoded):
    """A TimeSeries message from sorted label pairs and encoded samples."""
    pairs = b"".join(field(1, field(1, name.encode()) + field(2, value.encode())) for name, value in sorted(labels.items()))
    return field(1, pairs + encoded)


def one_series(labels, samples):
    """As series(), for samples with times of their own: (t_ms, value) pairs."""
    return series(labels, Samples([t_ms for t_ms, _ in samples]).encode([value for _, value in samples]))


def send(port, path, messages):
    """Sends TimeSeries messages in one request; raises where the server refuses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", path, snappy(b"".join(messages)), {
        "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status // 100 != 2:
        raise RuntimeError(f"remote write: {answer.status} {text[:300]!r}")
