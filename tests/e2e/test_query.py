"""`railquest query`: PromQL on a file of samples, and what it says where something is wrong."""
import json
import subprocess

import pytest

from serving import RAILQUEST

SAMPLES = """# TYPE ready gauge
ready{user="batman"} 0 1728047700
ready{user="batman"} 1 1728047705
ready{user="batman"} 1 1728047710
ready{user="catwoman",note="a,\\"b\\"\\nc"} 1 1728047700
ready{user="catwoman",note="a,\\"b\\"\\nc"} 1 1728047705.5
ready{user="catwoman",note="a,\\"b\\"\\nc"} 2 1728047710
# EOF
"""


@pytest.fixture
def samples(tmp_path):
    path = tmp_path / "samples.om"
    path.write_text(SAMPLES)
    return str(path)


def query(*words, stdin=None):
    return subprocess.run([RAILQUEST, "query", *words], input=stdin, capture_output=True, text=True, timeout=60)


def test_a_table_of_the_last_instant(samples):
    done = query("--openmetrics", samples, "sum by (user) (ready)")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "user      value\nbatman        1\ncatwoman      2\n"


def test_control_characters_do_not_reach_the_terminal(samples):
    done = query("--openmetrics", samples, "ready")
    assert r'a,"b"\nc' in done.stdout and len(done.stdout.splitlines()) == 3


def test_an_instant_as_unix_seconds_or_rfc_3339(samples):
    for instant in "1728047704", "2024-10-04T13:15:04Z", "2024-10-04T15:15:04+02:00":
        done = query("--openmetrics", samples, "--time", instant, "sum(ready)")
        assert done.stdout == "value\n    1\n", done.stderr


def test_a_range_as_csv_with_exact_times(samples):
    done = query("--openmetrics", samples, "--step", "5s", "--format", "csv", "ready * 1.5")
    assert done.stdout == ('time,note,user,value\n'
                           '1728047700,"a,""b""\nc",catwoman,1.5\n1728047705,"a,""b""\nc",catwoman,1.5\n'
                           '1728047710,"a,""b""\nc",catwoman,3\n'
                           '1728047700,,batman,0\n1728047705,,batman,1.5\n1728047710,,batman,1.5\n')


def test_json_as_prometheus_has_it(samples):
    def data(*words):
        return json.loads(query("--openmetrics", samples, "--format", "json", *words).stdout)

    assert data("1 + 1") == {"resultType": "scalar", "result": [1728047710, "2"]}
    assert data('"x"') == {"resultType": "string", "result": [1728047710, "x"]}
    assert data('ready{user="batman"}') == {"resultType": "vector", "result": [
        {"metric": {"__name__": "ready", "user": "batman"}, "value": [1728047710, "1"]}]}
    assert data("ready{user='catwoman'}[5s]")["result"][0]["values"] == [[1728047705.5, "1"], [1728047710, "2"]]
    assert data("--step", "10s", "sum(ready)") == {"resultType": "matrix", "result": [
        {"metric": {}, "values": [[1728047700, "1"], [1728047710, "3"]]}]}


def test_windows_open_or_closed_on_the_left(samples):
    words = "--openmetrics", samples, "count_over_time(ready{user='batman'}[10s])"
    assert query(*words).stdout.split()[-1] == "2"
    assert query("--range-selectors=closed", *words).stdout.split()[-1] == "3"


def test_the_look_back_is_an_option(samples):
    words = "--openmetrics", samples, "--time", "1728047720", "count(ready)"
    assert query(*words).stdout.split()[-1] == "2"
    done = query("--lookback", "5s", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no series\n")


def test_standard_input_is_a_file_too():
    assert query("--openmetrics", "-", "a + 1", stdin="a 1 5\n# EOF\n").stdout == "value\n    2\n"


@pytest.mark.parametrize("expression, message, excerpt", [
    ("sum(ready foo)", '1:11: parse error: unexpected identifier "foo" in aggregation',
     "    sum(ready foo)\n              ^^^\n"),
    ("1 +\n\trate(ready)",
     '2:7: parse error: expected type range vector in call to function "rate", got instant vector',
     "    \trate(ready)\n    \t     ^^^^^\n"),
    ('ready{user="é"} é', "1:18: parse error: unexpected character: 'é'",
     '    ready{user="é"} é\n                    ^\n'),
    ("sum(ready", "1:10: parse error: unclosed left parenthesis", "    sum(ready\n             ^\n"),
])
def test_an_error_shows_its_place(samples, expression, message, excerpt):
    done = query("--openmetrics", samples, expression)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"railquest query: {message}\n{excerpt}"


def test_a_bad_file_is_named_with_line_and_column(tmp_path):
    path = tmp_path / "bad.om"
    path.write_text('a 1 5\na{b="c"} x 6\n# EOF\n')
    done = query("--openmetrics", str(path), "a")
    assert done.returncode == 1
    assert done.stderr == f'{path}:2:10: expected a value (a number, NaN, +Inf or -Inf), got "x"\n'
    assert query("--openmetrics", str(tmp_path / "none"), "a").returncode == 1


@pytest.mark.parametrize("words", [
    ["ready"],
    ["--openmetrics", "FILE", "--time", "soon", "ready"],
    ["--openmetrics", "FILE", "--time", "1", "--step", "5s", "ready"],
    ["--openmetrics", "FILE", "--start", "10", "--end", "5", "ready"],
    ["--openmetrics", "FILE", "--start", "0", "--step", "1ms", "ready"],
    ["--openmetrics", "FILE", "--format", "xml", "ready"],
    ["--openmetrics", "FILE"],
])
def test_wrong_use_exits_with_2(samples, words):
    done = query(*[samples if word == "FILE" else word for word in words])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("railquest query: ")


def test_a_range_of_range_vectors_is_refused(samples):
    done = query("--openmetrics", samples, "--step", "5s", "ready[5s]")
    assert done.returncode == 1
    assert "expected an instant vector or a scalar" in done.stderr
