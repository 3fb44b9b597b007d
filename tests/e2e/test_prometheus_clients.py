"""
The clients that people have, against us: Debian's promtool, and Debian's Prometheus, which federates what we serve and
reads it from afar. Both are the real programs; what they answer is compared with what we answer.
"""
import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from serving import RAILQUEST, Server, free_port

NOW = int(time.time()) // 5 * 5
PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")

pytestmark = pytest.mark.skipif(not PROMTOOL or not PROMETHEUS, reason="no prometheus")


@pytest.fixture(scope="module", autouse=True)
def now():
    """When this file's tests begin, not when it was read: a whole run takes longer than a sample is looked back to."""
    global NOW
    NOW = int(time.time()) // 5 * 5


def samples():
    """An hour of counters and gauges every 5 s, with a hole and a stale end; and a UTF-8 name, which 2.42 can't say."""
    lines = ["# HELP requests Requests that came in.", "# TYPE requests counter"]
    for path in "/", "/stage", '/q"uote\\\\d':
        for i in range(720):
            if not 100 < i < 120:
                lines.append(f'requests_total{{job="web",path="{path.replace(chr(34), chr(92) + chr(34))}"}} '
                             f"{(i * 7 + len(path)) % 3000} {NOW - 3600 + i * 5}")
    lines.append("# TYPE heat gauge")
    for room in range(4):
        lines += [f'heat{{instance="r{room}",job="rooms"}} {20 + room + i % 60 * 0.1} {NOW - 3600 + i * 5}'
                  for i in range(720)]
    lines += [f'up{{instance="r{room}",job="rooms"}} {int(room != 2)} {NOW - 5}' for room in range(4)]
    return "\n".join(lines) + "\n# EOF\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = tmp_path_factory.mktemp("clients") / "samples.om"
    path.write_text(samples())
    # Debian's are of 2.x, whose windows are closed.
    with Server([RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--range-selectors", "closed", "--load",
                 path]) as running:
        yield running


def address(server):
    return f"http://{server.host}:{server.port}"


def promtool(*words):
    return subprocess.run([PROMTOOL, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)


# --- promtool ---

def test_promtool_asks_an_instant(server):
    done = promtool("query", "instant", f"--time={NOW - 5}", address(server), "sum by (job) (heat)")
    assert (done.returncode, done.stdout) == (0, f'{{job="rooms"}} => 109.6 @[{NOW - 5}]\n'), done.stderr
    assert promtool("query", "instant", "--time=4", address(server), "1+1").stdout == "scalar: 2 @[4]\n"


def test_promtool_is_told_what_is_wrong(server):
    done = promtool("query", "instant", address(server), "sum(")
    assert done.returncode == 1
    assert 'bad_data: invalid parameter "query": 1:5: parse error: unclosed left parenthesis' in done.stderr
    done = promtool("query", "instant", f"--time={NOW - 5}", address(server), "heat + on(job) heat")
    assert done.returncode == 1 and "many-to-many matching not allowed" in done.stderr


def test_promtool_asks_a_range(server):
    done = promtool("query", "range", "-o", "json", f"--start={NOW - 600}", f"--end={NOW}", "--step=60s",
                    address(server), "rate(requests_total[2m])")
    assert done.returncode == 0, done.stderr
    series = json.loads(done.stdout)
    assert len(series) == 3 and all(len(one["values"]) == 11 for one in series)


def test_promtool_lists_series_labels_and_values(server):
    done = promtool("query", "series", "--match=heat", f"--start={NOW - 3600}", f"--end={NOW}", address(server))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 4), done.stderr
    assert '{__name__="heat", instance="r0", job="rooms"}' in done.stdout
    done = promtool("query", "labels", address(server), "path")
    assert done.stdout.splitlines() == sorted(["/", "/stage", '/q"uote\\d'])


@pytest.mark.skipif(b"healthy" not in subprocess.run([PROMTOOL or "false", "--help"], capture_output=True,
                                                     check=False).stdout, reason="this promtool has no check healthy")
def test_promtool_finds_us_well(server):
    for question in "healthy", "ready":
        done = promtool("check", question, f"--url={address(server)}")
        assert done.returncode == 0, done.stderr + done.stdout


# --- Prometheus ---

class Prometheus:
    """Debian's, with a configuration, on loopback; stopped at the end."""

    def __init__(self, folder, configuration):
        (folder / "prometheus.yml").write_text(configuration)
        self.port = free_port()
        with open(folder / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--enable-feature=native-histograms"],
                stdout=log, stderr=log)
        self.log = folder / "log"

    def __enter__(self):
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5):
                    return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)

    def ask(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}{path}?" + urllib.parse.urlencode(parameters, doseq=True)
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)


def ask(server, path, **parameters):
    status, _, body = server.request(path + "?" + urllib.parse.urlencode(parameters, doseq=True))
    assert status == 200, body
    return json.loads(body)


def test_a_prometheus_federates_us(server, tmp_path):
    configuration = f"""
scrape_configs:
- job_name: federate
  scrape_interval: 1s
  honor_labels: true
  metrics_path: /federate
  params: {{'match[]': ['{{job="rooms"}}', 'up', 'requests_total']}}
  static_configs: [{{targets: ['{server.host}:{server.port}']}}]
"""
    query = '{job=~"rooms|web"}'
    with Prometheus(tmp_path, configuration) as prometheus:
        for _ in range(300):
            theirs = prometheus.ask("/api/v1/query", query=query, time=NOW)["data"]["result"]
            if theirs:
                break
            time.sleep(0.2)
        health = prometheus.ask("/api/v1/targets")["data"]["activeTargets"][0]
    assert (health["health"], health["lastError"]) == ("up", "")
    ours = ask(server, "/api/v1/query", query=query, time=NOW)["data"]["result"]

    def key(one):
        return json.dumps(one, sort_keys=True)
    assert sorted(theirs, key=key) == sorted(ours, key=key) and len(ours) == 11


QUERIES = ["heat", "requests_total", "rate(requests_total[2m])", "sum by (job) (heat)", "heat offset 3m",
           "avg_over_time(heat[10m:30s])", 'requests_total{path=~"/s.*"}', 'heat{instance!~"r[01]"}',
           "max_over_time(heat[5m]) - min_over_time(heat[5m])", "changes(requests_total[10m])", "nope"]


def test_a_prometheus_reads_from_us_and_answers_the_same(server, tmp_path):
    configuration = f"""
remote_read:
- url: {address(server)}/api/v1/read
  read_recent: true
"""
    with Prometheus(tmp_path, configuration) as prometheus:
        for query in QUERIES:
            parameters = {"query": query, "start": NOW - 3000, "end": NOW, "step": 30}
            theirs = prometheus.ask("/api/v1/query_range", **parameters)["data"]
            ours = ask(server, "/api/v1/query_range", **parameters)["data"]
            assert [one["metric"] for one in theirs["result"]] == [one["metric"] for one in ours["result"]], query
            for a, b in zip(theirs["result"], ours["result"]):
                assert [t for t, _ in a["values"]] == [t for t, _ in b["values"]], query
                for (_, x), (_, y) in zip(a["values"], b["values"]):
                    assert abs(float(x) - float(y)) <= 1e-9 * max(abs(float(x)), 1), query
        found = prometheus.ask("/api/v1/series", **{"match[]": "heat", "start": NOW - 3600, "end": NOW})["data"]
    assert found == ask(server, "/api/v1/series", **{"match[]": "heat"})["data"]


HISTOGRAMS = """load 30s
  latency{job="web"} {{schema:0 sum:5 count:4 buckets:[1 2 1]}}+{{schema:0 sum:2.5 count:2 buckets:[1 0 1]}}x20
  latency{job="batch"} {{schema:1 sum:-3 count:7 z_bucket:2 z_bucket_w:0.001 buckets:[1 1] n_buckets:[2 1] offset:2}}x20
"""


def version():
    """(2, 42)"""
    done = subprocess.run([PROMETHEUS, "--version"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr).groups()))


def test_a_prometheus_reads_native_histograms_from_us(tmp_path):
    if version() < (2, 43):
        pytest.skip("this Prometheus reads no histograms from afar")
    (tmp_path / "histograms.test").write_text(HISTOGRAMS)
    command = [RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--load", tmp_path / "histograms.test"]
    with Server(command) as server:
        configuration = f"remote_read:\n- url: {address(server)}/api/v1/read\n  read_recent: true\n"
        with Prometheus(tmp_path, configuration) as prometheus:
            parameters = {"query": "latency", "start": 0, "end": 600, "step": 60}
            theirs = prometheus.ask("/api/v1/query_range", **parameters)["data"]["result"]
            instant = prometheus.ask("/api/v1/query", query="latency", time=300)["data"]["result"]
        assert theirs == ask(server, "/api/v1/query_range", **parameters)["data"]["result"]
        ours = ask(server, "/api/v1/query", query="latency", time=300)["data"]["result"]
    assert sorted(instant, key=json.dumps) == sorted(ours, key=json.dumps)
    assert len(theirs) == 2 and len(theirs[0]["histograms"]) == 11
