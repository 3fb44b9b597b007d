"""
What is in no golden answer: UTF-8 names, heads, packing, limits of lists, remote read's refusals, and that a large answer
takes little memory. What is expected was asked of Debian's Prometheus, or stands in Prometheus's documentation.
"""
import gzip
import json
import urllib.parse

import pytest

from serving import RAILQUEST, Server

SAMPLES = """# HELP requests Requests.
# TYPE requests counter
requests_total{path="/",job="web"} 1
requests_total{path="a\\"b\\\\c",job="web"} 2
# TYPE heat gauge
heat{job="rooms"} NaN
heat{job="yard"} -Inf
# EOF
"""
UTF8 = """load 1s
  {"my.metric","a.b"="x","le"="0.5"} 1 2 3
  plain{job="old"} 1 2 stale
  {"hist","a.b"="y"} {{schema:0 sum:5 count:4 buckets:[1 2 1]}}x2
""" + "".join(f"  gauge{i} 1 2 3\n" for i in range(13))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("endpoints")
    (folder / "samples.om").write_text(SAMPLES)
    (folder / "utf8.test").write_text(UTF8)
    # The test language's samples are of 1970: with such a look-back they are of now, too.
    with Server([RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--lookback", "30000d", "--load", folder / "samples.om",
                 "--load", folder / "utf8.test"]) as running:
        yield running


def target(path, **parameters):
    return f"{path}?{urllib.parse.urlencode(parameters, doseq=True)}"


def data(server, path, **parameters):
    status, _, body = server.request(target(path, **parameters))
    assert status == 200, body
    return json.loads(body)["data"]


# --- heads ---

def test_a_page_of_another_site_may_read_as_with_prometheus(server):
    _, headers, _ = server.request("/api/v1/labels", headers={"Origin": "http://elsewhere"})
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert headers["Access-Control-Allow-Headers"] == "Accept, Authorization, Content-Type, Origin"
    assert headers["Access-Control-Expose-Headers"] == "Date" and headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in server.request("/api/v1/labels")[1]
    status, headers, body = server.request("/api/v1/query", method="OPTIONS", headers={"Origin": "http://elsewhere"})
    assert (status, body, headers["Access-Control-Allow-Origin"]) == (204, b"", "*")


@pytest.mark.parametrize("method,path,status", [
    ("GET", "/api/v1/nope", 404), ("POST", "/api/v1/nope", 404), ("DELETE", "/api/v1/query", 405),
    ("GET", "/api/v1/read", 405), ("POST", "/federate", 405), ("GET", "/-/reload", 405), ("POST", "/-/reload", 403),
    ("PUT", "/-/reload", 403), ("HEAD", "/api/v1/labels", 200), ("PUT", "/api/v1/query", 405)])
def test_methods_that_are_not_there(server, method, path, status):
    assert server.request(path, body="" if method in ("POST", "PUT") else None, method=method)[0] == status


def test_answers_are_packed_for_who_takes_that(server):
    path = target("/api/v1/query_range", query="vector(1)", start=0, end=1000, step=1)
    plain = server.request(path)
    packed = server.request(path, headers={"Accept-Encoding": "gzip"})
    assert packed[1]["Content-Encoding"] == "gzip" and gzip.decompress(packed[2]) == plain[2]
    assert packed[1].get_all("Vary") == ["Origin", "Accept-Encoding"] and len(packed[2]) < len(plain[2]) / 3
    small = server.request("/api/v1/query?query=1", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small[1]


# --- names ---

def test_utf_8_names_are_found_and_escaped(server):
    assert "a.b" in data(server, "/api/v1/labels")
    assert data(server, "/api/v1/label/a.b/values") == ["x", "y"]
    assert data(server, "/api/v1/label/U__a_2e_b/values") == ["x", "y"]
    assert data(server, "/api/v1/series", **{"match[]": '{"my.metric"}'}) == [
        {"__name__": "my.metric", "a.b": "x", "le": "0.5"}]
    status, _, body = server.request("/api/v1/label/U__/values")
    assert (status, json.loads(body)["error"]) == (400, 'invalid label name: ""')


def federate(server, match, accept=""):
    _, headers, body = server.request(target("/federate", **{"match[]": match}), headers={"Accept": accept})
    return headers["Content-Type"], body.decode()


def test_federation_writes_names_as_the_client_takes_them(server):
    kind, body = federate(server, '{"my.metric"}')
    assert kind == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    assert body == '# TYPE my_metric untyped\nmy_metric{a_b="x",le="0.5",instance=""} 3 2000\n'
    kind, body = federate(server, '{"my.metric"}', "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.1")
    assert kind == "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    assert body == '# TYPE "my.metric" untyped\n{"my.metric","a.b"="x",le="0.5",instance=""} 3 2000\n'


def test_federation_leaves_out_what_it_cannot_say_and_sorts_by_name(server):
    assert federate(server, ["plain", "hist"])[1] == ""
    lines = federate(server, ["requests_total", "heat", '{job="web"}'])[1].splitlines()
    assert [line.split("{")[0] for line in lines] == [
        "# TYPE heat untyped", "heat", "heat", "# TYPE requests_total untyped", "requests_total", "requests_total"]
    assert [line.split(" ")[1] for line in lines if line[0] != "#"] == ["NaN", "-Inf", "1", "2"]
    assert lines[-1].startswith('requests_total{job="web",path="a\\"b\\\\c",instance=""} 2 ')
    assert federate(server, [])[1] == ""
    status, headers, body = server.request(target("/federate", **{"match[]": "sum(up)"}))
    assert (status, body) == (400, b'1:4: parse error: unexpected "("\n')
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


# --- lists ---

def test_metadata_is_filtered_and_limited(server):
    everything = data(server, "/api/v1/metadata")
    assert everything == {"heat": [{"type": "gauge", "unit": "", "help": ""}],
                          "requests": [{"type": "counter", "unit": "", "help": "Requests."}]}
    assert list(data(server, "/api/v1/metadata", metric="heat")) == ["heat"]
    assert list(data(server, "/api/v1/metadata", limit=1)) == ["heat"]
    assert data(server, "/api/v1/metadata", limit=0) == {}
    assert data(server, "/api/v1/metadata", metric="nope") == {}
    status, _, body = server.request("/api/v1/metadata?limit=x")
    assert (status, json.loads(body)["error"]) == (400, "limit must be a number")


def test_rules_are_asked_by_type(server):
    assert data(server, "/api/v1/rules", type="alert") == {"groups": []}
    status, _, body = server.request("/api/v1/rules?type=xx")
    assert (status, json.loads(body)["error"]) == (400, 'invalid parameter "type": not supported value "xx"')


def test_rules_of_a_race_are_filtered(tmp_path):
    (tmp_path / "rules.yaml").write_text("groups:\n" + "".join(
        f"- name: {group}\n  rules:\n  - {{record: {rule}, expr: vector(1)}}\n"
        for group, rule in [("one", "a"), ("two", "b")]))
    with Server([RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--rehearse", "bench", "--rules",
                 tmp_path / "rules.yaml"]) as server:
        def names(**parameters):
            return [group["name"] for group in data(server, "/api/v1/rules", **parameters)["groups"]]
        assert names() == ["one", "two"] and names(type="record") == ["one", "two"] and names(type="alert") == []
        assert names(**{"rule_name[]": "b"}) == ["two"] and names(**{"rule_group[]": ["one", "x"]}) == ["one"]
        assert names(**{"file[]": "elsewhere"}) == []
        assert "rule_files:" in data(server, "/api/v1/status/config")["yaml"]


def test_a_thousand_selectors_are_merged_as_they_come(server):
    body = urllib.parse.urlencode([("match[]", '{job=~".+"}')] * 900)
    status, _, body = server.request("/api/v1/series", body=body)
    assert status == 200 and len(json.loads(body)["data"]) == 5
    status, _, body = server.request("/api/v1/series", body="&".join(["match[]=up"] * 1001))
    assert (status, body) == (400, b"more than 1000 parameters\n")


# --- remote read ---

@pytest.mark.parametrize("body,answer", [
    (b"abc", b"snappy: corrupt input\n"), (b"", b"snappy: corrupt input\n"),
    (b"\x80\x80\x80\x80\x04\x00", b"the request has 1073741824 bytes; 1048576 are the most that is taken\n"),
    (b"\x04\x0c\x0a\x05zz", b"the body is no ReadRequest in protobuf\n"),
    (b"\x02\x04\x10\x01", b"server does not support any of the requested response types: [STREAMED_XOR_CHUNKS]; "
                          b"supported: map[SAMPLES:{}]\n")])
def test_what_is_no_request_is_refused_in_plain_words(server, body, answer):
    status, headers, got = server.request("/api/v1/read", body=body, headers={"Content-Type": "application/x-protobuf"})
    assert (status, got) == (400, answer)
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


def test_an_empty_request_has_an_empty_answer(server):
    status, headers, body = server.request("/api/v1/read", body=b"\x00", headers={"Content-Type": "application/x-protobuf"})
    assert (status, body) == (200, b"\x00")
    assert (headers["Content-Type"], headers["Content-Encoding"]) == ("application/x-protobuf", "snappy")


# --- histograms, annotations ---

def test_histograms_are_told_as_prometheus_tells_them(server):
    result = data(server, "/api/v1/query", query="hist", time=1)["result"]
    assert result == [{"metric": {"__name__": "hist", "a.b": "y"}, "histogram": [1, {
        "count": "4", "sum": "5",
        "buckets": [[0, "0.5", "1", "1"], [0, "1", "2", "2"], [0, "2", "4", "1"]]}]}]
    result = data(server, "/api/v1/query_range", query="hist", start=0, end=2, step=1)["result"]
    assert list(result[0]) == ["metric", "histograms"] and [t for t, _ in result[0]["histograms"]] == [0, 1, 2]


def test_remarks_are_listed_to_ten_of_a_kind(server):
    query = " or ".join(f"rate(gauge{i}[2s])" for i in range(13))
    status, _, body = server.request(target("/api/v1/query", query=query, time=2))
    infos = json.loads(body)["infos"]
    assert status == 200 and len(infos) == 11 and infos[10] == "3 more info annotations omitted"
    assert infos[0] == ("PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
                        '"gauge0" (1:6)')


# --- size ---

def test_fifty_megabytes_are_streamed(tmp_path):
    (tmp_path / "many.test").write_text("load 1s\n" + "".join(f'  many{{i="{i}"}} 0.125+1.0625x10000\n' for i in range(300)))
    with Server([RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--load", tmp_path / "many.test"]) as server:
        client = server.connect(60)
        path = target("/api/v1/query_range", query="many", start=0, end=10000, step=1)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        size = len(client.recv(65536))
        # The result itself, 16 bytes a sample, stays until it is out; the text never is in memory as a whole.
        held = most = server.memory_kib()
        while part := client.recv(1 << 20):
            size += len(part)
            most = max(most, server.memory_kib())
    assert size > 44_000_000
    if not server.sanitized:
        assert most - held < 4000 and held < 2 * 300 * 10001 * 16 / 1024 + 40000
