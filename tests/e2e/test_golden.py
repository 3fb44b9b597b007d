"""
Answers of a real Prometheus 3.5.3, recorded (study/prometheus/http_golden), and ours to the same requests on the same
samples. requests.tsv says which of them are the same to the byte; of the others status, headers, keys and types are. The
samples that the recorded server had are read off its answers; they are moved to now, because /federate and some of the
requests are about now, and the times in the answers with them.
"""
import json
import os
import pathlib
import re
import time
import urllib.parse

import pytest

from serving import RAILQUEST, ROOT, Server

SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))
GOLDEN = SHARED / "prometheus" / "http_golden"
THEN = 1795303575  # NOW of the recorded answers
NOW = int(time.time())

pytestmark = pytest.mark.skipif(not GOLDEN.exists(), reason="no study folder")

RULES = """groups:
- name: opencodequest_base
  interval: 5s
  rules:
  - record: opencodequest_users
    expr: sum by (user) (up) >= bool 1
"""


@pytest.fixture(scope="module", autouse=True)
def now():
    """When this file's tests begin, not when it was read: a whole run takes longer than a sample is looked back to."""
    global NOW
    NOW = int(time.time())


def samples():
    """OpenMetrics of what the recorded answers show, and of six more names for the list that was cut at five."""
    job = 'instance="localhost:9090",job="prometheus"'
    lines = ["# TYPE go_goroutines gauge", "# HELP go_goroutines Number of goroutines that currently exist.",
             f"go_goroutines{{{job}}} 34 {NOW - 3}"]
    lines += [f"go_sched_{name}{{{job}}} 1 {NOW - 3}" for name in "abcdef"]
    lines += [f"up{{{job}}} 1 {NOW - 12.388 + 5 * i:.3f}" for i in range(3)]
    for user in ["superman", "invisibleman", "catwoman", "batman"]:
        lines += [f'opencodequest_users{{user="{user}"}} 1 {NOW - 11.053 + 5 * i:.3f}' for i in range(3)]
    return "\n".join(lines) + "\n# EOF\n"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    path = tmp_path_factory.mktemp("golden") / "samples.om"
    path.write_text(samples())
    with Server([RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--load", path]) as running:
        yield running


@pytest.fixture(scope="module")
def ruled(tmp_path_factory):
    """A race with rules: what the loaded samples have not."""
    path = tmp_path_factory.mktemp("golden") / "rules.yaml"
    path.write_text(RULES)
    with Server([RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--rehearse", "bench", "--rules", path]) as running:
        yield running


def rows():
    path = GOLDEN / "requests.tsv"
    return [line.split("\t") for line in path.read_text().splitlines()[1:]] if path.exists() else []


def form_of(text):
    pairs = []
    for pair in filter(None, text.split(" & ")):
        name, value = pair.split("=", 1)
        value = re.sub(r"^NOW(-\d+)?$", lambda found: str(NOW + int(found[1] or 0)), value)
        pairs.append((name, value))
    return urllib.parse.urlencode(pairs)


def moved(text):
    """The text with its instants as far from NOW as they were from THEN."""
    return re.sub(r"17953035\d\d(?=\D)", lambda found: str(int(found[0]) + NOW - THEN),
                  re.sub(r"17953035\d{5}(?=\D)", lambda found: str(int(found[0]) + (NOW - THEN) * 1000), text))


def shape(value):
    """Types and keys, in order; of a list its first element stands for all."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and not isinstance(value[0], (int, float)) else [type(e) for e in value]
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def is_like(ours, golden):
    """Every element of our lists has the shape of the recorded one's elements."""
    if isinstance(golden, dict):
        return list(ours) == list(golden) and all(is_like(ours[name], golden[name]) for name in golden)
    if isinstance(golden, list) and golden and isinstance(ours, list):
        if isinstance(golden[0], (int, float)):  # [time, "value"]
            return [shape(a) for a in ours] == [shape(b) for b in golden]
        return all(any(is_like(one, other) for other in golden) for one in ours)
    return shape(ours) == shape(golden)


def head_of(name):
    lines = (GOLDEN / f"{name}.headers").read_text().splitlines()
    headers = [tuple(line.split(": ", 1)) for line in lines[1:] if line]
    return lines[0], headers


def ask(server, method, target, form):
    """(status line, headers, body) as they come over the wire."""
    body = form if method == "POST" else ""
    target += "?" + form if method == "GET" and form else ""
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    if method == "POST":
        head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    answer = server.send((head + "\r\n" + body).encode(), wait=20)
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
    if ("Transfer-Encoding", "chunked") in headers:
        body = unchunk(body)
    return lines[0], headers, body.decode()


def unchunk(data):
    out = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if int(size, 16) == 0:
            assert data == b"\r\n"
            return out
        out, data = out + data[:int(size, 16)], data[int(size, 16) + 2:]


def compared(headers):
    """All headers but the instant, how long the body is, and that we were told to close."""
    left_out = {"Date", "Content-Length", "Transfer-Encoding", "Connection"}
    return sorted(header for header in headers if header[0] not in left_out)


@pytest.mark.parametrize("name,method,target,parameters,compare", rows(), ids=[row[0] for row in rows()])
def test_the_answer_is_the_recorded_one(loaded, ruled, name, method, target, parameters, compare):
    server = ruled if name == "rules" else loaded
    status, headers, body = ask(server, method, target, form_of(parameters))
    golden_status, golden_headers = head_of(name)
    golden = moved((GOLDEN / f"{name}.body").read_text())
    assert status == golden_status
    assert compared(headers) == compared(golden_headers)
    # As Go's net/http: chunks from 2 KiB on.
    assert (("Transfer-Encoding", "chunked") in headers) == (len(body.encode()) > 2048)
    if compare == "exact":
        assert body == golden
    elif body.startswith("{"):
        assert is_like(json.loads(body), json.loads(golden)), body
    elif name == "federate":
        assert body == golden
    else:
        assert re.sub(r"^\w+( Server)?", "", body) == re.sub(r"^\w+( Server)?", "", golden)


@pytest.mark.parametrize("name", ["query_vector", "query_matrix_instant", "query_range", "warn_info", "labels_match",
                                  "label_values_user", "series", "metadata"])
def test_on_the_same_samples_more_than_the_shape_is_the_same(loaded, name):
    _, method, target, parameters, _ = next(row for row in rows() if row[0] == name)
    _, _, body = ask(loaded, method, target, form_of(parameters))
    assert body == moved((GOLDEN / f"{name}.body").read_text())


def test_the_recorded_flags_are_all_told(loaded):
    golden = json.loads((GOLDEN / "status_flags.body").read_text())["data"]
    ours = json.loads(loaded.request("/api/v1/status/flags")[2])["data"]
    assert list(ours) == sorted(golden) and all(isinstance(value, str) for value in ours.values())
    assert ours["web.listen-address"] == f"{loaded.host}:{loaded.port}"
    assert (ours["query.timeout"], ours["query.max-samples"]) == ("2m", "50000000")
