"""
Proxies that do to HTTP what software between a browser and a server has been seen to do. One request a connection, then it is
closed: what is tested is what becomes of answers, not of keep-alive.
"""
import collections
import contextlib
import select
import socket
import threading
import time

MAX_HEAD, MAX_HELD = 64 * 1024, 64 * 1024 * 1024


class Proxy:
    """
    `buffers`: an answer is passed on once it is whole, so an endless one never. `strips`: no Upgrade goes through. `idle_s`: a
    connection on which nobody said anything for so long is cut; `idle_client_s`: the same, where only the client counts.
    `http10`: the server hears HTTP/1.0, and the client does. `did` counts what it was to each of them.
    """

    def __init__(self, port, buffers=False, strips=False, idle_s=None, idle_client_s=None, http10=False):
        self.upstream = ("127.0.0.1", port)
        self.buffers, self.strips, self.http10 = buffers, strips, http10
        self.idle_s, self.idle_client_s = idle_s, idle_client_s
        self.did = collections.Counter()
        self.leaving = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        # Whoever leaves in the middle of something has left.
        with contextlib.suppress(ConnectionError, TimeoutError), client:
            client.settimeout(30)
            head, rest = read_head(client)
            if not head:
                return
            request, tunnels = self.request(head)
            with socket.create_connection(self.upstream, 10) as server:
                server.sendall(request + rest)
                self.carry(client, server, tunnels)

    def request(self, head):
        first, *lines = head.split(b"\r\n")
        asks = any(line.lower().startswith(b"upgrade:") for line in lines)
        tunnels = asks and not self.strips and not self.http10
        self.did["refused upgrades"] += asks and not tunnels
        if not tunnels:
            dropped = (b"connection:", b"upgrade:", b"sec-websocket-", b"accept-encoding:")
            lines = [line for line in lines if not line.lower().startswith(dropped)] + [b"Connection: close"]
        if self.http10:
            first = first.replace(b"HTTP/1.1", b"HTTP/1.0")
            self.did["requests in HTTP/1.0"] += 1
        return b"\r\n".join([first, *lines]) + b"\r\n\r\n", tunnels

    def carry(self, client, server, tunnels):
        """Bytes in both directions, until either end, or the proxy, has had enough."""
        held, heard = bytearray(), {client: time.monotonic(), server: time.monotonic()}
        is_first = True
        while not self.leaving:
            for side in select.select([client, server], [], [], 0.1)[0]:
                heard[side] = time.monotonic()
                data = side.recv(65536)
                if side is client:
                    if not data:
                        self.did["endless answers held"] += bool(held)
                        return
                    server.sendall(data)
                    continue
                if is_first and self.http10 and data:
                    assert data.startswith(b"HTTP/1."), data[:40]
                    data = b"HTTP/1.0" + data[8:]
                is_first = False
                if self.buffers and not tunnels:
                    held += data
                    assert len(held) <= MAX_HELD
                    if not data:
                        client.sendall(held)
                elif data:
                    client.sendall(data)
                if not data:
                    return
            if self.is_idle(heard[client], heard[server]):
                self.did["cuts"] += 1
                return

    def is_idle(self, client_s, server_s):
        now = time.monotonic()
        return (self.idle_s is not None and now - max(client_s, server_s) >= self.idle_s) or (
            self.idle_client_s is not None and now - client_s >= self.idle_client_s)

    def close(self):
        self.leaving = True
        self.listener.shutdown(socket.SHUT_RDWR)  # which wakes accept()
        self.listener.close()


def read_head(client):
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(65536)
        if not part or len(data) > MAX_HEAD:
            return None, b""
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest
