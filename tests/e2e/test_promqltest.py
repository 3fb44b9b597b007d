"""`railquest promqltest`: Prometheus's test language, its totals and its exit codes."""
import re
import subprocess

import pytest

from serving import RAILQUEST, ROOT

GOOD = """
# Two series, a question of each kind.
load 1m
  up{job="a"} 1+1x10
  up{job="b"} 0 _ 2 stale

eval instant at 1m up{job="a"}
  up{job="a"} 2

eval range from 0 to 3m step 1m up
  up{job="a"} 1 2 3 4
  up{job="b"} 0 0 2 _

eval instant at 1m scalar(up{job="a"})
  2

eval instant at 1m "text"
  expect string "text"

eval instant at 1m up + on() up
  expect fail regex: found duplicate series

clear

eval instant at 1m up
"""


@pytest.fixture
def run(tmp_path):
    def run(*texts, words=()):
        paths = []
        for number, text in enumerate(texts):
            paths.append(tmp_path / f"{number}.test")
            paths[-1].write_text(text)
        return subprocess.run([RAILQUEST, "promqltest", *words, *paths], capture_output=True, text=True, timeout=60,
                              cwd=tmp_path)
    return run


def totals(done):
    return done.stdout.splitlines()[-1]


def test_a_file_whose_cases_pass(run):
    done = run(GOOD)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "6 passed, 0 failed\n")


def test_a_failed_case_is_told_with_its_place_and_both_sides(run):
    done = run(GOOD.replace("up{job=\"a\"} 2\n", "up{job=\"a\"} 3\n"))
    assert done.returncode == 1
    place, *lines = done.stdout.splitlines()
    assert place.endswith('0.test:7: eval instant at 1m up{job="a"}')
    assert [line.strip() for line in lines[:5]] == [
        'values differ of up{job="a"}', "expected:", 'up{job="a"} 3', "found:", 'up{job="a"} 2']
    assert totals(done) == "5 passed, 1 failed"


def test_totals_are_of_all_files(run):
    assert totals(run(GOOD, GOOD)) == "12 passed, 0 failed"


def test_quiet_prints_the_totals_alone_and_verbose_everything(run):
    bad = GOOD.replace("up{job=\"a\"} 2\n", "up{job=\"a\"} 3\n")
    assert run(bad, words=["--quiet"]).stdout == "5 passed, 1 failed\n"
    assert run(bad, words=["--verbose"]).stdout.count(": passed: ") == 5


def test_run_picks_cases_by_their_line(run):
    assert totals(run(GOOD, words=["--run", "range from"])) == "1 passed, 0 failed"
    done = run(GOOD, words=["--run", "("])
    assert done.returncode == 2 and "--run" in done.stderr


def test_an_expression_that_does_not_parse_is_a_failed_case_even_where_failure_is_expected(run):
    done = run("eval_fail instant at 0 sum(\n\neval instant at 0 1\n  1\n")
    assert done.returncode == 1 and "parse error" in done.stdout and totals(done) == "1 passed, 1 failed"


@pytest.mark.parametrize("wrong, told", [
    ("what is this\n", ":3: expected clear, load or eval"),
    ("load 5m\n  up 1x\n", ":4:8: parse error"),
    ("load soon\n", ":3: "),
    ("load 1m\n  up 1 2\n\nload 1m\n  up 3\n", ":7: sample of up"),
    ("eval instant at 0 up\n  expect warn\n  expect no_warn\n", ":5: "),
    ("eval range from 1m to 0 step 1m up\n", ":3: the range ends before it starts"),
])
def test_a_wrong_file_stops_there_and_its_other_cases_have_failed(run, wrong, told):
    done = run("eval instant at 0 1\n  1\n" + wrong + "\neval instant at 0 2\n  2\n")
    assert done.returncode == 1
    assert told in done.stderr
    failed = 2 if wrong.startswith("eval") else 1
    assert totals(done) == f"1 passed, {failed} failed"


def test_a_file_that_is_not_there(tmp_path):
    done = subprocess.run([RAILQUEST, "promqltest", tmp_path / "none.test"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "0 passed, 0 failed\n") and "none.test" in done.stderr


def test_no_file_is_a_usage_error():
    assert subprocess.run([RAILQUEST, "promqltest"], capture_output=True, timeout=60).returncode == 2


def test_standard_input(run):
    done = subprocess.run([RAILQUEST, "promqltest", "-"], input=GOOD, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "6 passed, 0 failed\n")


def test_the_example_in_the_docs_is_what_happens(tmp_path):
    page = (ROOT / "docs" / "promql.md").read_text()
    block = re.search(r"^    \$ cat rate\.test\n((?:(?:    .*)?\n)+)", page, re.M)[1]
    text, told = re.sub(r"^    ", "", block, flags=re.M).split("$ railquest promqltest rate.test\n")
    (tmp_path / "rate.test").write_text(text)
    done = subprocess.run([RAILQUEST, "promqltest", "rate.test"], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (1, "", told.rstrip("\n") + "\n")


def test_features_can_be_taken_away(run):
    text = "load 1m\n  a 1 2\n\neval instant at 1m limitk(1, a)\n  a 2\n"
    assert totals(run(text)) == "1 passed, 0 failed"
    done = run(text, words=["--disable-feature", "promql-experimental-functions"])
    assert done.returncode == 1 and "experimental" in done.stdout
