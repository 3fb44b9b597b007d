"""The simulator bypasses nothing: a real Prometheus, given its samples, says the same of every condition at every step.

The samples go through the OpenMetrics file. It has no stale markers: NaN stands where a series ends, which no comparison
holds for, so the truth of a condition is the same. Conditions are asked as they stand in the scenario, with `> 0` behind.
"""
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml

from serving import RAILQUEST, ROOT, free_port

ARGUMENTS = ["workshop", "--players", "10", "--clusters", "2", "--seed", "11", "--scrape-interval", "30s"]
START, STEP, STEPS = 1728047700, 5, 1801


def conditions():
    """{(exercise, condition): expression} of the shipped scenario, with its variables filled in."""
    scenario = yaml.safe_load((ROOT / "scenarios/workshop.yaml").read_text())
    fill = lambda text: re.sub(r"\$\{(\w+)\}", lambda match: str(scenario["variables"][match[1]]), text)
    return {(exercise["name"], condition["name"]): f"({fill(condition['expr'])}) > 0"
            for exercise in scenario["exercises"] for condition in exercise["conditions"]}


class Prometheus:
    def __init__(self, folder):
        self.base = f"http://127.0.0.1:{free_port()}"
        (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
        self.log = open(folder / "prometheus.log", "w+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             "--storage.tsdb.retention.time=100y", f"--web.listen-address={self.base[7:]}", "--log.level=warn"],
            stdout=self.log, stderr=subprocess.STDOUT)
        for _ in range(150):
            try:
                if urllib.request.urlopen(self.base + "/-/ready", timeout=5).status == 200:
                    return
            except (urllib.error.URLError, OSError):
                assert self.process.poll() is None, "prometheus ended"
                time.sleep(0.2)
        raise AssertionError("prometheus does not become ready")

    def query_range(self, expression):
        form = urllib.parse.urlencode({"query": expression, "start": START, "end": START + STEP * (STEPS - 1), "step": STEP})
        answer = json.load(urllib.request.urlopen(self.base + "/api/v1/query_range", form.encode(), timeout=120))
        assert answer["status"] == "success" and not answer.get("warnings")
        return answer["data"]["result"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        pytest.skip("prometheus is not installed")
    folder = tmp_path_factory.mktemp("prometheus")
    done = subprocess.run([RAILQUEST, "rehearse", *ARGUMENTS, "--openmetrics", folder / "samples.txt", "--conditions", "-"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    made = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "samples.txt", folder / "data"],
                          capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr
    os.remove(folder / "samples.txt")
    prometheus = Prometheus(folder)
    yield prometheus, list(csv.DictReader(io.StringIO(done.stdout)))
    prometheus.stop()


def expected_truth(changes, exercise, condition):
    """{player: set of steps at which it holds} from the changes that railquest saw."""
    truth = {}
    for player in {change["user"] for change in changes}:
        since, steps = None, set()
        own = [change for change in changes if (change["user"], change["exercise"], change["condition"]) == (player, exercise, condition)]
        for change in own + [{"time_offset_s": STEP * STEPS, "holds": "0"}]:
            t = int(change["time_offset_s"]) // STEP
            if since is not None:
                steps |= set(range(since, t))
            since = t if change["holds"] == "1" else None
        if steps:
            truth[player] = steps
    return truth


@pytest.mark.parametrize("exercise, condition", conditions())
def test_prometheus_says_the_same_of_every_condition_at_every_step(rehearsed, exercise, condition):
    prometheus, changes = rehearsed
    truth = {}
    for series in prometheus.query_range(conditions()[exercise, condition]):
        player = f"{series['metric']['user']}@{series['metric']['cluster']}"
        steps = {(int(t) - START) // STEP for t, _ in series["values"]}
        truth[player] = truth.get(player, set()) | steps
    expected = expected_truth(changes, exercise, condition)
    assert len(expected) >= 5 and truth == expected


def test_the_race_that_was_compared_has_gaps_restarts_and_repetitions(rehearsed):
    prometheus, changes = rehearsed
    assert prometheus.query_range("up{job='kube-state-metrics'} == 0")
    assert prometheus.query_range("kube_pod_container_status_restarts_total > 0")
    falls = [change for change in changes if change["holds"] == "0"]
    assert len(falls) > 20
