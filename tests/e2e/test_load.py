"""`--load`: samples from files, for `railquest serve` without a race and for `railquest query`."""
import json
import subprocess
import time
import urllib.parse

import pytest

from serving import RAILQUEST, Server

OPENMETRICS = """# TYPE http_requests counter
# HELP http_requests Requests that were answered.
http_requests_total{code="200"} 5 100
http_requests_total{code="200"} 6 101.5
# EOF
"""
PROMETHEUS = """# TYPE temperature gauge
# HELP temperature Of the room.
temperature{room="kitchen"} 21.5 100000
fresh 7
"""
TEST = """
load 30s
  forgotten 1x10

clear

load 1m
  up{job="a"} 1+1x10

eval instant at 0 up
  up{job="a"} 99
"""


@pytest.fixture
def files(tmp_path):
    for name, text in [("a.om", OPENMETRICS), ("b.prom", PROMETHEUS), ("c.test", TEST)]:
        (tmp_path / name).write_text(text)
    return [tmp_path / name for name in ("a.om", "b.prom", "c.test")]


def loads(paths):
    return [word for path in paths for word in ("--load", path)]


def serve(*words):
    return Server([RAILQUEST, "serve", "--listen", "127.0.0.1:0", *words])


def query(server, expression, at=None):
    form = {"query": expression} | ({"time": at} if at is not None else {})
    status, _, body = server.request("/api/v1/query", body=urllib.parse.urlencode(form))
    assert status == 200, body
    return [(element["metric"], element["value"][1]) for element in json.loads(body)["data"]["result"]]


def test_all_kinds_of_files_are_served_together_without_a_race(files):
    with serve(*loads(files)) as server:
        assert query(server, "http_requests_total", 102) == [
            ({"__name__": "http_requests_total", "code": "200"}, "6")]
        assert query(server, "temperature", 100) == [({"__name__": "temperature", "room": "kitchen"}, "21.5")]
        assert query(server, "up", 300) == [({"__name__": "up", "job": "a"}, "6")]
        # A sample without a time has that of the start, and so have queries without one.
        assert query(server, "fresh") == [({"__name__": "fresh"}, "7")]
        assert query(server, "up") == []
        # What `clear` came after is not there.
        assert query(server, "forgotten", 60) == []
        status, _, body = server.request("/api/v1/rules")
        assert (status, json.loads(body)["data"]["groups"]) == (200, [])
        for path in ("/stage", "/api/quest/standings", "/api/quest/stream"):
            assert server.request(path)[0] == 404
        assert b"without a race" in server.request("/")[2]
        assert b"\nrailquest_series 4\n" in server.request("/metrics")[2]
        assert server.request("/-/ready")[0] == 200


def test_the_origin_of_load_blocks_can_be_moved(files):
    with serve("--load", files[2], "--load-origin", "2024-10-04T13:15:00Z") as server:
        assert query(server, "up", 1728047700 + 120) == [({"__name__": "up", "job": "a"}, "3")]
    with serve("--load", files[2], "--load-origin", "now") as server:
        assert query(server, "up") == [({"__name__": "up", "job": "a"}, "1")]


@pytest.mark.parametrize("name, text, told", [
    ("x.om", "up 1 a\n# EOF\n", "x.om:1:6: "),
    ("x.prom", "up 1 5\nup{ 2\n", "x.prom:2:5: "),
    ("x.test", "load 5m\n  up 1x\n", "x.test:2:8: parse error"),
    ("x.test", "load 5m\n  up 1\n\nload 5m\n  up 2\n", "x.test:5: sample of up at 0 ms"),
])
def test_a_wrong_file_is_told_with_its_place(tmp_path, name, text, told):
    path = tmp_path / name
    path.write_text(text)
    for command in (["serve", "--load", path], ["query", "--load", path, "up"]):
        done = subprocess.run([RAILQUEST, *command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and told in done.stderr, done.stderr


def test_a_race_and_loaded_samples_exclude_each_other(files):
    done = subprocess.run([RAILQUEST, "serve", "--load", files[0], "--rehearse", "bench"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 2 and "--load" in done.stderr


def test_query_takes_the_same_files(files):
    done = subprocess.run([RAILQUEST, "query", *loads(files), "--time", "102", "--format", "csv", "sum({__name__=~'.+'})"],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("29.5")  # 6 + 21.5 + 2


def test_the_format_can_be_said(tmp_path):
    path = tmp_path / "loads"
    path.write_text("load 5\n")  # a metric called load: no step is written without a unit
    done = subprocess.run([RAILQUEST, "query", "--load", path, "load"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.split()[-1] == "5"
    done = subprocess.run([RAILQUEST, "query", "--load", path, "--load-format", "openmetrics", "load"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "# EOF" in done.stderr


def test_unknown_features_are_warned_of_as_in_prometheus(files):
    done = subprocess.run([RAILQUEST, "query", "--load", files[0], "--time", "102",
                           "--enable-feature=promql-duration-expr,no-such-thing", "http_requests_total"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "no-such-thing" in done.stderr and "promql-duration-expr" not in done.stderr


def test_queries_have_the_limits_that_were_given(files):
    with serve("--load", files[2], "--lookback", "30s", "--query-max-samples", "5") as server:
        assert query(server, "up", 660) == []  # the last sample is at 600
        form = urllib.parse.urlencode({"query": "up[10m]", "time": 600})
        status, _, body = server.request("/api/v1/query", body=form)
        assert status == 422 and b"too many samples" in body


def test_histograms_are_printed_in_every_format(tmp_path):
    path = tmp_path / "h.test"
    path.write_text("load 1m\n  h {{schema:0 sum:5 count:4 buckets:[1 2 1]}}x2 7\n")

    def answer(*words):
        done = subprocess.run([RAILQUEST, "query", "--load", path, *words, "h"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout
    text = "{count:4, sum:5, (0.5,1]:1, (1,2]:2, (2,4]:1}"
    assert text in answer("--time", "60")
    assert f'60,h,"{text}"' in answer("--time", "60", "--format", "csv")
    series, = json.loads(answer("--step", "1m", "--end", "180", "--format", "json"))["result"]
    value = {"count": "4", "sum": "5", "buckets": [[0, "0.5", "1", "1"], [0, "1", "2", "2"], [0, "2", "4", "1"]]}
    assert series["histograms"] == [[0, value], [60, value], [120, value]] and series["values"] == [[180, "7"]]


def test_ranges_can_be_closed_and_features_enabled(files):
    with serve("--load", files[2], "--range-selectors", "closed", "--enable-feature", "promql-duration-expr") as server:
        assert query(server, "count_over_time(up[1m])", 120)[0][1] == "2"
        assert query(server, "count_over_time(up[30s * 2])", 120)[0][1] == "2"
    with serve("--load", files[2]) as server:
        assert query(server, "count_over_time(up[1m])", 120)[0][1] == "1"
        form = urllib.parse.urlencode({"query": "up[30s * 2]", "time": 120})
        status, _, body = server.request("/api/v1/query", body=form)
        assert status == 400 and b"experimental duration expression" in body


def test_metadata_histograms_and_annotations_of_loaded_files(files, tmp_path):
    path = tmp_path / "h.test"
    path.write_text("load 1m\n  h {{schema:0 sum:5 count:4 buckets:[1 2 1]}}x5\n  g 1+1x5\n")
    with serve(*loads(files), "--load", path) as server:
        data = json.loads(server.request("/api/v1/metadata")[2])["data"]
        assert data["http_requests"] == [{"type": "counter", "unit": "", "help": "Requests that were answered."}]
        assert data["temperature"][0]["type"] == "gauge"
        form = urllib.parse.urlencode({"query": "h", "time": 60})
        answer = json.loads(server.request("/api/v1/query", body=form)[2])
        assert answer["data"]["result"][0]["histogram"] == [60, {
            "count": "4", "sum": "5", "buckets": [[0, "0.5", "1", "1"], [0, "1", "2", "2"], [0, "2", "4", "1"]]}]
        form = urllib.parse.urlencode({"query": "rate(g[2m])", "time": 120})
        answer = json.loads(server.request("/api/v1/query", body=form)[2])
        assert any("metric might not be a counter" in text for text in answer["infos"])
