"""Clusters for tests: each an HTTP server that exposes what its players did, on a clock that may be wrong, and may be away."""
import email.utils
import http.server
import threading
import time


class Cluster:
    """`rows` are samples by (metric, labels); an instant of `since` is on the cluster's own clock, in whole seconds."""

    def __init__(self, name, ahead_s=0):
        self.name, self.ahead_s, self.is_down, self.posts = name, ahead_s, False, []
        self.rows, self.services, self.lock = {}, set(), threading.Lock()
        cluster = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def date_time_string(self, timestamp=None):
                return email.utils.formatdate(time.time() + cluster.ahead_s, usegmt=True)

            def do_GET(self):
                if cluster.is_down:
                    return self.answer(503, "down")
                if self.path == "/metrics":
                    return self.answer(200, cluster.exposition())
                if self.path.startswith("/service/"):
                    ready = self.path[9:] in cluster.services
                    return self.answer(200 if ready else 503, "hello, world" if ready else "not yet")
                self.answer(404, "")

            def answer(self, status, text):
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def exposition(self):
        with self.lock:
            return "".join(f"{name}{{{labels}}} {value}\n" for (name, labels), value in self.rows.items())

    def set(self, metric, value, **labels):
        text = ",".join(f'{name}="{label}"' for name, label in labels.items())
        with self.lock:
            if value is None:
                self.rows.pop((metric, text), None)
            else:
                self.rows[metric, text] = value

    def seat(self, user, active=True):
        self.set("seat", 1, user=user)
        self.set("workspace", int(active), user=user)
        for exercise in ("hero", "villain", "fight"):
            self.set("ready", 0, user=user, exercise=exercise)

    def complete(self, user, exercise, at=None):
        """Ready since an instant (Unix seconds of the true clock), which this cluster writes down on its own."""
        if at is not None:
            self.set("ready_time_seconds", int(at) + self.ahead_s, user=user, exercise=exercise)
        self.set("ready", 1, user=user, exercise=exercise)
