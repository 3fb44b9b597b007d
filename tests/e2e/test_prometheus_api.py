"""
Prometheus's API as Prometheus 3.5 answers it, on the data that the golden answers were made on
(tests/support/fake_rehearsal.c). The golden bodies are in the study folder; what is said here in full was derived
from them and from Prometheus's documentation.
"""
import json
import os
import pathlib
import re
import time
import urllib.parse

import pytest

from serving import BUILD, ROOT, Server

SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))
GOLDEN = SHARED / "prometheus" / "http_golden"
NOW = 1795303575


@pytest.fixture(scope="module")
def server():
    with Server([BUILD / "tests" / "support" / "fake_serve"]) as running:
        for _ in range(200):
            if b'"finished"' in running.request("/api/quest/standings")[2]:
                break
            time.sleep(0.02)
        yield running


def get(server, path, **parameters):
    status, headers, body = server.request(path + "?" + urllib.parse.urlencode(parameters, doseq=True))
    assert headers["Content-Type"] == "application/json"
    return status, body.decode()


def post(server, path, **parameters):
    status, headers, body = server.request(path, body=urllib.parse.urlencode(parameters, doseq=True))
    assert headers["Content-Type"] == "application/json"
    return status, body.decode()


def rows():
    """name, method, target, parameters of each golden request that asks for what we serve."""
    path = GOLDEN / "requests.tsv"
    if not path.exists():
        return []
    answered = {"health_1plus1", "query_vector", "query_matrix_instant", "query_string", "query_empty",
                "query_special", "query_range", "query_range_toomany", "query_range_badstep", "err_parse",
                "err_time", "err_404", "labels_match", "label_values_user", "series", "series_err_nomatch",
                "alerts", "exemplars", "format_query"}
    found = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    return [row[:4] for row in found if row[0] in answered]


def parameters_of(text):
    pairs = []
    for pair in filter(None, text.split(" & ")):
        name, value = pair.split("=", 1)
        value = re.sub(r"^NOW(-\d+)?$", lambda found: str(NOW + int(found[1] or 0)), value)
        pairs.append((name, value))
    return urllib.parse.urlencode(pairs)


@pytest.mark.skipif(not GOLDEN.exists(), reason="no study folder")
@pytest.mark.parametrize("name,method,target,parameters", rows(), ids=lambda value: str(value)[:30])
def test_answers_are_prometheus_s_to_the_byte(server, name, method, target, parameters):
    form = parameters_of(parameters)
    if method == "POST":
        status, headers, body = server.request(target, body=form)
    else:
        status, headers, body = server.request(target + ("?" + form if form else ""))
    head = (GOLDEN / f"{name}.headers").read_text().splitlines()
    assert status == int(head[0].split()[1])
    golden_type = next(line.split(": ", 1)[1] for line in head if line.startswith("Content-Type"))
    assert headers["Content-Type"] == golden_type
    assert body.decode() == (GOLDEN / f"{name}.body").read_text()


@pytest.mark.skipif(not GOLDEN.exists(), reason="no study folder")
@pytest.mark.parametrize("name,target", [("buildinfo", "/api/v1/status/buildinfo"), ("rules", "/api/v1/rules"),
                                         ("labels", "/api/v1/labels")])
def test_answers_have_the_shape_of_prometheus_s(server, name, target):
    status, _, body = server.request(target)
    golden, ours = json.loads((GOLDEN / f"{name}.body").read_text()), json.loads(body)
    assert status == 200
    assert list(ours) == list(golden)
    assert isinstance(ours["data"], type(golden["data"]))
    if isinstance(golden["data"], dict):
        assert list(ours["data"]) == list(golden["data"])


def test_an_execution_error_is_422(server):
    status, body = post(server, "/api/v1/query", time=NOW,
                        query='{job="prometheus"} + on(job) group_left {job="prometheus"}')
    assert status == 422
    assert body.startswith('{"status":"error","errorType":"execution","error":"found duplicate series for the '
                           'match group {job=\\"prometheus\\"} on the right hand-side of the operation: [{')
    assert body.endswith('];many-to-many matching not allowed: matching labels must be unique on one side"}')


@pytest.mark.parametrize("path,parameters,error", [
    ("query", {"query": "up", "limit": "x"},
     'invalid parameter \\"limit\\": strconv.Atoi: parsing \\"x\\": invalid syntax'),
    ("query", {"query": "up", "limit": "-1"}, 'invalid parameter \\"limit\\": limit must be non-negative'),
    ("query", {"query": "up", "timeout": "x"},
     'invalid parameter \\"timeout\\": cannot parse \\"x\\" to a valid duration'),
    ("query", {"query": "up", "lookback_delta": "x"},
     'error parsing lookback delta duration: cannot parse \\"x\\" to a valid duration'),
    ("query", {"query": "up", "time": "2026-13-01T00:00:00Z"},
     'invalid parameter \\"time\\": invalid time value for \'time\': cannot parse '
     '\\"2026-13-01T00:00:00Z\\" to a valid timestamp'),
    ("query_range", {"query": "up", "end": 1, "step": 1},
     'invalid parameter \\"start\\": cannot parse \\"\\" to a valid timestamp'),
    ("query_range", {"query": "up", "start": 2, "end": 1, "step": 1},
     'invalid parameter \\"end\\": end timestamp must not be before start time'),
    ("query_range", {"query": "up", "start": 1, "end": 2},
     'invalid parameter \\"step\\": cannot parse \\"\\" to a valid duration'),
    ("query_range", {"query": "up", "start": 1, "end": 2, "step": "1e30"},
     'invalid parameter \\"step\\": cannot parse \\"1e30\\" to a valid duration. It overflows int64'),
    ("query_range", {"query": "up[5m]", "start": 1, "end": 2, "step": 1},
     'invalid parameter \\"query\\": invalid expression type \\"range vector\\" for range query, must be Scalar or '
     'instant Vector'),
    ("query_range", {"query": '"x"', "start": 1, "end": 2, "step": 1},
     'invalid parameter \\"query\\": invalid expression type \\"string\\" for range query, must be Scalar or '
     'instant Vector'),
    ("series", {"match[]": "up{", "start": 1}, None),
    ("series", {"match[]": '{job=~".*"}'},
     'invalid parameter \\"match[]\\": match[] must contain at least one non-empty matcher'),
    ("labels", {"match[]": '{job=~".*"}'}, "match[] must contain at least one non-empty matcher"),
    ("labels", {"match[]": "up{"}, "1:4: parse error: unexpected end of input inside braces"),
    ("series", {"match[]": "sum(up)"}, 'invalid parameter \\"match[]\\": 1:4: parse error: unexpected \\"(\\"'),
    ("query_exemplars", {"query": "up("}, "1:4: parse error: unclosed left parenthesis"),
    ("query_exemplars", {"query": "1", "start": 5, "end": 3}, "end timestamp must not be before start timestamp"),
    ("format_query", {"query": "up("},
     'invalid parameter \\"query\\": 1:4: parse error: unclosed left parenthesis'),
    ("parse_query", {}, None),
    ("labels", {"start": "x"},
     'invalid parameter \\"start\\": invalid time value for \'start\': cannot parse \\"x\\" to a valid timestamp'),
    ("query", {"query": "<script>&"}, None),
])
def test_a_bad_parameter_is_400_in_prometheus_s_words(server, path, parameters, error):
    for ask in (get, post):
        status, body = ask(server, f"/api/v1/{path}", **parameters)
        assert status == 400
        assert body.startswith('{"status":"error","errorType":"bad_data","error":"')
        assert "<" not in body and "&" not in body
        if error:
            assert body == '{"status":"error","errorType":"bad_data","error":"' + error + '"}'


def test_without_a_time_a_query_is_about_the_race_s_now(server):
    assert get(server, "/api/v1/query", query="up") == get(server, "/api/v1/query", query="up", time=NOW)


def test_times_are_unix_seconds_or_rfc_3339(server):
    expected = get(server, "/api/v1/query", query="up", time="1795303575.25")
    assert '"value":[1795303575.250,"1"]' in expected[1]
    assert get(server, "/api/v1/query", query="up", time="2026-11-21T23:26:15.25Z") == expected
    assert get(server, "/api/v1/query", query="up", time="2026-11-22T00:26:15.25+01:00") == expected
    # A scalar's time goes through another encoder.
    assert '"result":[1795303575.25,"7"]' in get(server, "/api/v1/query", query="7", time="1795303575.25")[1]


@pytest.mark.parametrize("query,value", [
    ("vector(1e21)", "1e+21"), ("vector(123456789012345678901)", "123456789012345680000"),
    ("vector(0.000001)", "0.000001"), ("vector(0.0000001)", "1e-07"), ("vector(-0.1)", "-0.1"),
    ("vector(0)", "0"), ("vector(1/3)", "0.3333333333333333"),
])
def test_values_are_printed_as_prometheus_prints_them(server, query, value):
    assert f'"value":[4,"{value}"]' in get(server, "/api/v1/query", query=query, time=4)[1]


def test_a_lookback_delta_is_obeyed(server):
    assert '"result":[]' in get(server, "/api/v1/query", query="up", time=NOW, lookback_delta="1s")[1]
    assert '"result":[{' in get(server, "/api/v1/query", query="up", time=NOW, lookback_delta=5)[1]


def test_a_limit_cuts_and_says_so(server):
    warning = ',"warnings":["results truncated due to limit"]}'
    for path, parameters in [("query", {"query": "opencodequest_users"}),
                             ("query_range", {"query": "opencodequest_users", "start": NOW, "end": NOW, "step": 5}),
                             ("series", {"match[]": "opencodequest_users"}), ("labels", {}),
                             ("label/user/values", {})]:
        limited = get(server, f"/api/v1/{path}", limit=2, **parameters)[1]
        whole = get(server, f"/api/v1/{path}", limit=100, **parameters)[1]
        assert limited.endswith(warning) and "warnings" not in whole
        data = json.loads(limited)["data"]
        assert len(data["result"] if isinstance(data, dict) else data) == 2


def test_a_range_of_one_step_is_a_sorted_matrix(server):
    body = json.loads(get(server, "/api/v1/query_range", query="opencodequest_users", start=NOW, end=NOW, step=5)[1])
    assert body["data"]["resultType"] == "matrix"
    users = [series["metric"]["user"] for series in body["data"]["result"]]
    assert users == sorted(users)


def test_a_scalar_over_a_range_is_a_series_without_labels(server):
    body = get(server, "/api/v1/query_range", query="1", start=10, end=20, step="5s")[1]
    assert body == ('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":'
                    '[[10,"1"],[15,"1"],[20,"1"]]}]}}')


def test_11000_points_fit_and_one_more_does_not(server):
    status, body = get(server, "/api/v1/query_range", query="vector(1)", start=0, end=11000, step=1)
    assert status == 200
    assert len(json.loads(body)["data"]["result"][0]["values"]) == 11001
    assert get(server, "/api/v1/query_range", query="vector(1)", start=0, end=11001, step=1)[0] == 400


def test_several_selectors_give_each_series_once_sorted(server):
    body = json.loads(post(server, "/api/v1/series", **{"match[]": ["up", '{job="prometheus"}', "other"]})[1])
    assert [series["__name__"] for series in body["data"]] == ["other", "up"]


def test_series_without_a_sample_in_the_span_are_left_out(server):
    selector = {"match[]": "up"}
    assert json.loads(get(server, "/api/v1/series", start=NOW - 3, end=NOW, **selector)[1])["data"] != []
    assert json.loads(get(server, "/api/v1/series", start=NOW - 2, end=NOW, **selector)[1])["data"] == []
    assert json.loads(get(server, "/api/v1/series", end=NOW - 13, **selector)[1])["data"] == []
    assert json.loads(get(server, "/api/v1/label/job/values", start=NOW + 1)[1])["data"] == []


def test_label_values_may_be_asked_for_any_name(server):
    assert json.loads(get(server, "/api/v1/label/no%20such/values")[1]) == {"status": "success", "data": []}
    status, body = get(server, "/api/v1/label/%ff/values")
    assert (status, json.loads(body)["error"]) == (400, 'invalid label name: "\\xff"')


def test_what_grafana_asks_when_it_connects_is_answered(server):
    """The calls of "Save & test" and of the start of a session (study/README, section 2)."""
    assert json.loads(post(server, "/api/v1/query", query="1+1", time=4)[1])["data"]["result"] == [4, "2"]
    info = json.loads(get(server, "/api/v1/status/buildinfo")[1])["data"]
    assert info["version"].startswith("3.") and "features" not in info
    assert json.loads(get(server, "/api/v1/rules")[1])["data"] == {"groups": []}
    assert json.loads(post(server, "/api/v1/query_exemplars", query="test")[1])["data"] == []
    assert json.loads(get(server, "/api/v1/metadata")[1])["data"] == {}
    assert json.loads(post(server, "/api/v1/labels", start=NOW - 60, end=NOW)[1])["data"][0] == "__name__"


def test_a_post_to_label_values_is_405_as_in_prometheus(server):
    status, headers, _ = server.request("/api/v1/label/job/values", body="")
    assert (status, headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_five_megabytes_stream_and_leave_no_memory_behind(server):
    target = "/api/v1/query_range?" + urllib.parse.urlencode(
        {"query": "many", "start": NOW - 10800, "end": NOW, "step": 5})
    server.request(target)
    before, began = server.memory_kib(), time.monotonic()
    status, headers, body = server.request(target)
    took_ms = (time.monotonic() - began) * 1000
    result = json.loads(body)["data"]["result"]
    print(f"query_range 3 h @5 s, 96 series: {len(body)} bytes in {took_ms:.0f} ms, "
          f"peak {server.memory_kib('VmHWM')} KiB, after {server.memory_kib()} KiB")
    assert (status, headers["Transfer-Encoding"]) == (200, "chunked")
    assert len(result) == 96 and all(len(series["values"]) == 2161 for series in result)
    assert server.grew_kib(before) < 1000


def test_clients_that_leave_in_the_middle_of_a_large_answer_cost_nothing(server):
    target = f"/api/v1/query_range?query=many&start={NOW - 10800}&end={NOW}&step=5"
    server.request(target)
    before = server.memory_kib()
    for _ in range(10):
        client = server.connect()
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.recv(1000)
        client.close()
    time.sleep(0.3)
    assert server.request("/-/healthy")[0] == 200
    assert server.grew_kib(before) < 1500
