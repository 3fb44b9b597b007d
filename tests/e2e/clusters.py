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


class Kube(Cluster):
    """What the exercises of 2024 leave in kube-state-metrics. Deployments, pods and namespaces are named as they were then."""

    def seat(self, user, active=True):
        for environment in ("dev", "preprod", "prod"):
            namespace = f"{user}-workshop-{environment}"
            self.set("kube_namespace_status_phase", 1, namespace=namespace, phase="Active")
            self.set("kube_namespace_status_phase", 0, namespace=namespace, phase="Terminating")
            for exercise in ("hero", "villain", "fight"):
                self.available(user, exercise, False, environment)
        self.set("kube_deployment_status_replicas_ready", int(active), namespace=f"{user}-devspaces", deployment="workspace")

    def available(self, user, exercise, is_so, environment="prod"):
        for status, value in (("true", is_so), ("false", not is_so)):
            self.set("kube_deployment_status_condition", int(value), namespace=f"{user}-workshop-{environment}", deployment=exercise,
                     condition="Available", status=status)

    def serve(self, user, exercise, at, environment="prod", restarts=0):
        """A pod that has been ready since an instant of the true clock; after a restart that is the last time."""
        pod = {"namespace": f"{user}-workshop-{environment}", "pod": f"{exercise}-5d8f-x2v"}
        self.set("kube_pod_status_ready_time", int(at) + self.ahead_s, **pod)
        self.set("kube_pod_container_status_restarts_total", restarts, container=exercise, **pod)
        self.available(user, exercise, True, environment)

    def database(self, user, exercise, at, environment):
        """A database of its own, as there is in dev and preprod."""
        pod = {"namespace": f"{user}-workshop-{environment}", "pod": f"{exercise}-database-1"}
        self.set("kube_pod_status_phase", 1, phase="Running", **pod)
        self.set("kube_pod_container_state_started", int(at) + self.ahead_s, container="postgres", **pod)

    def pipeline(self, user, exercise, at, run, phase="Succeeded"):
        """The last task's pod of a run of the pipeline, over since an instant, as it ended."""
        pod = {"namespace": f"{user}-workshop-dev", "pod": f"{user}-{exercise}-run-{run}-resync-pod"}
        for each in ("Running", "Succeeded", "Failed"):
            self.set("kube_pod_status_phase", int(each == phase), phase=each, **pod)
        self.set("kube_pod_completion_time", int(at) + self.ahead_s, **pod)
