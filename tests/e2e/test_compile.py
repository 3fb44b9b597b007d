"""`railquest compile`: the rules of a quest on the real Prometheus and on our engine, against our own scores."""
import http.server
import json
import math
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest
import yaml

from serving import RAILQUEST, ROOT, free_port

EXAMPLE = ROOT / "examples/open-code-quest-2024.yaml"
START = 1728047700  # of the shipped workshop
WEIGHTS, ENDS = (55, 25, 29), (55 * 60, 85 * 60, 130 * 60)


def railquest(*arguments):
    return subprocess.run([RAILQUEST, *map(str, arguments)], capture_output=True, text=True, check=True, timeout=300).stdout


def compile_text(folder, text, *arguments):
    (folder / "quest.yaml").write_text(text)
    railquest("compile", folder / "quest.yaml", "--out", folder / "new/out", *arguments)  # folders are made
    return folder / "new/out"


def workshop_quest():
    """What the shipped workshop is judged by, as a quest file."""
    world = yaml.safe_load((ROOT / "scenarios/workshop.yaml").read_text())
    return yaml.safe_dump({"quest": "workshop", "start": "2024-10-04T13:15:00Z", "duration": "150m", "unit": "5m", "step": "5s",
                           "variables": world["variables"], "exercises": world["exercises"]}, sort_keys=False, allow_unicode=True)


# --- what is written --------------------------------------------------------------------------------------------------

def test_every_reader_gets_its_own_quoting(tmp_path):
    out = compile_text(tmp_path, EXAMPLE.read_text())
    rules = yaml.safe_load((out / "prometheus-rules.yaml").read_text())
    thanos = yaml.safe_load((out / "thanos-ruler-configmap.yaml").read_text())
    inner = yaml.safe_load(thanos["data"]["custom_rules.yaml"])
    assert thanos["metadata"]["name"] == "thanos-ruler-custom-rules" and len(inner["groups"]) == len(rules["groups"]) == 1
    assert not any("\\\"" in rule["expr"] for rule in inner["groups"][0]["rules"])
    allow = yaml.safe_load((out / "acm-allowlist-configmap.yaml").read_text())
    assert allow["metadata"]["name"] == "observability-metrics-custom-allowlist"
    spoke = yaml.safe_load(allow["data"]["metrics_list.yaml"])["rules"]
    quotes = [rule["expr"].count('"') for rule in spoke]
    assert sum(quotes) > 100 and all(rule["expr"].count('\\"') == count for rule, count in zip(spoke, quotes))
    # What the spokes record is what the hub reads, and user-workload metrics are forwarded as they are.
    hub = " ".join(rule["expr"] for rule in inner["groups"][0]["rules"])
    assert all(rule["record"] in hub for rule in spoke)
    assert yaml.safe_load(allow["data"].get("uwl_metrics_list.yaml", "names: []"))["names"] in ([], ["fights_total"])
    board = json.loads((out / "grafana-dashboard.json").read_text())
    assert [panel["type"] for panel in board["panels"]] == ["barchart", "timeseries", "table", "bargauge"]
    assert {variable["name"] for variable in board["templating"]["list"]} == {"datasource", "environment", "user"}


def test_what_was_written_is_told_to_people_and_to_programs(tmp_path):
    lines = railquest("compile", EXAMPLE, "--out", tmp_path / "out").splitlines()
    told = json.loads(railquest("compile", EXAMPLE, "--out", tmp_path / "out/", "--scoring", "arrival", "--json"))
    assert told == {"quest": "open-code-quest-2024", "scoring": "arrival", "files": lines}
    assert all(pathlib.Path(line).stat().st_size for line in lines) and len(lines) == 4


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not here")
def test_promtool_accepts_all_of_it(tmp_path):
    out = compile_text(tmp_path, EXAMPLE.read_text())
    inner = yaml.safe_load((out / "thanos-ruler-configmap.yaml").read_text())["data"]["custom_rules.yaml"]
    (tmp_path / "thanos.yaml").write_text(inner)
    allow = yaml.safe_load((out / "acm-allowlist-configmap.yaml").read_text())["data"]["metrics_list.yaml"]
    unescaped = yaml.safe_load(allow.replace('\\"', '"'))
    (tmp_path / "spoke.yaml").write_text(yaml.safe_dump({"groups": [{"name": "spoke", "rules": unescaped["rules"]}]}))
    for path in (out / "prometheus-rules.yaml", tmp_path / "thanos.yaml", tmp_path / "spoke.yaml"):
        done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        railquest("check", "rules", path)


def test_what_rules_cannot_do_is_said(tmp_path):
    base = ("quest: x\nstart: 2024-10-04T13:15:00Z\nduration: 2h\nunit: 5m\nscoring: own\nscorings: [{name: own, formula: '%s'}]\n"
            "exercises: [{name: a, nominal_end: 1h, points: 50, conditions: [{name: c, %s}]}]\n")
    for formula, condition, says in (("done * 2", "expr: up", "names done"), ("points", "award: true", "a push or an award")):
        (tmp_path / "quest.yaml").write_text(base % (formula, condition))
        done = subprocess.run([RAILQUEST, "compile", tmp_path / "quest.yaml", "--out", tmp_path], capture_output=True, text=True)
        assert done.returncode == 1 and says in done.stderr, done.stderr
    compile_text(tmp_path, base % ("weight + if(t < nominal, max(3, (nominal - t) / unit), -1)", "expr: up"))
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "rules", str(tmp_path / "new/out/prometheus-rules.yaml")], check=True, capture_output=True)


# --- virtual time -----------------------------------------------------------------------------------------------------

def author(times, now):
    return sum(w + (r - t) / 300 + math.floor((now - t) / 300) + 1 for w, r, t in zip(WEIGHTS, ENDS, times) if t is not None)


@pytest.mark.parametrize("seed, scrape", [(1, "5s"), (2, "15s"), (3, "30s"), (17, "15s")])
def test_compiled_rules_give_our_scores_at_every_step_of_a_workshop(tmp_path, seed, scrape):
    """Flaps, restarts and failed scrapes: the score is that of the completions observed by each step."""
    out = compile_text(tmp_path, workshop_quest())
    scenario = (ROOT / "scenarios/workshop.yaml").read_text() + "\nrules:\n  score: railquest_points\n"
    (tmp_path / "workshop.yaml").write_text(scenario)
    world = (tmp_path / "workshop.yaml", "--seed", seed, "--players", 36, "--clusters", 3, "--scrape-interval", scrape, "--json", "-")
    race = json.loads(railquest("rehearse", *world))
    ruled = json.loads(railquest("rehearse", *world, "--rules", out / "prometheus-rules.yaml"))
    exercises = ("hero", "villain", "fight")
    found = {}
    for event in race["events"]:
        found[f"{event['user']}@{event['cluster']}", event["exercise"]] = event
    assert len(found) > 40
    compared = 0
    for index, now in enumerate(ruled["times_s"]):
        for name, scores in ruled["scores"].items():
            events = [found.get((name, exercise)) for exercise in exercises]
            times = [event["time_s"] if event and event["observed_s"] <= now else None for event in events]
            if scores[index] is None:
                assert times == [None] * 3 or now < 60, (name, now, times)
                continue
            assert abs(scores[index] - author(times, now)) < 1e-6, (name, now, times, scores[index], author(times, now))
            compared += 1
    assert compared > 20000


# --- the real Prometheus ----------------------------------------------------------------------------------------------

class Exposition(http.server.BaseHTTPRequestHandler):
    """Four players who complete three exercises at given seconds; hero flaps after it was complete."""
    start, times, broken = 0.0, {}, False

    def do_GET(self):
        now = time.time()
        if Exposition.broken:
            self.send_error(503)
            return
        lines = []
        for (user, exercise), second in Exposition.times.items():
            at = Exposition.start + second
            is_done = now >= at
            flaps = exercise == "hero" and is_done and int(now - at) % 7 in (3, 4)
            labels = f'{{cluster="gotham",user="{user}",exercise="{exercise}"}}'
            lines.append(f"exercise_completed{labels} {int(is_done and not flaps)}")
            if is_done and not flaps:
                lines.append(f"exercise_completion_time{labels} {at:.3f}")
        body = ("\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Prometheus:
    def __init__(self, folder, port):
        self.folder, self.port, self.process = folder, port, None

    def start(self):
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1)
                return
            except OSError:
                time.sleep(0.1)
        pytest.fail("prometheus is not ready")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def query_range(self, expr, start, end):
        form = urllib.parse.urlencode({"query": expr, "start": start, "end": end, "step": 1})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query_range?{form}", timeout=10) as answer:
            return json.load(answer)["data"]["result"]


QUEST = """
quest: bench
start: {start}
duration: 45s
unit: 2s
step: 1s
exercises:
"""
EXERCISE = """  - name: {name}
    nominal_end: {end}s
    points: {{author-2024: {{weight: {weight}}}}}
    conditions:
      - name: done
        expr: exercise_completed{{exercise="{name}"}}
        instant: exercise_completion_time{{exercise="{name}"}}
"""


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not here")
def test_a_real_prometheus_beside_us_gives_our_scores_through_flaps_a_gap_and_a_restart(tmp_path):
    heroes = {"batman": (12, 15, 30), "catwoman": (6, 17, 38), "superman": (8, 22, 41), "invisibleman": (10, 24, 34)}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exposition)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    start = math.floor(time.time()) + 4
    Exposition.start, Exposition.broken = start, False
    Exposition.times = {(user, exercise): second + 0.25 for user, times in heroes.items()
                        for exercise, second in zip(("hero", "villain", "fight"), times)}
    text = QUEST.format(start=start) + "".join(
        EXERCISE.format(name=name, end=end, weight=weight)
        for name, end, weight in (("hero", 11, 55), ("villain", 17, 25), ("fight", 26, 29)))
    out = compile_text(tmp_path, text)
    (tmp_path / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{out}/prometheus-rules.yaml]\n"
        f"scrape_configs: [{{job_name: race, static_configs: [{{targets: ['127.0.0.1:{server.server_port}']}}]}}]\n")
    prometheus = Prometheus(tmp_path, free_port())
    prometheus.start()
    try:
        time.sleep(max(0, start + 13 - time.time()))
        prometheus.kill()  # over batman's villain and catwoman's
        time.sleep(max(0, start + 19 - time.time()))
        prometheus.start()
        back = time.time() - start
        time.sleep(max(0, start + 28 - time.time()))
        Exposition.broken = True  # over batman's fight
        time.sleep(max(0, start + 32 - time.time()))
        Exposition.broken = False
        time.sleep(max(0, start + 46 - time.time()))
        series = prometheus.query_range("railquest_points", start, start + 45)
        latched = prometheus.query_range("railquest_completed_timestamp_seconds", start, start + 45)
    finally:
        prometheus.kill()
        server.shutdown()
        server.server_close()
    # Ours, from the same instants.
    log = tmp_path / "race.db"
    for (user, exercise), second in Exposition.times.items():
        railquest("event", "add", f"gotham/{user}", exercise, "--time", f"{start + second:.3f}", "--quest", tmp_path / "quest.yaml", "--log", log,
                  "--who", "test", "--why", "the exposition says so")
    ours = {}
    for second in range(46):
        board = json.loads(railquest("standings", "--json", "--at", start + second, "--quest", tmp_path / "quest.yaml", "--log", log))
        ours[second] = {row["user"]: row["score"] for row in board["rows"]}
    # Each instant was recorded once, exactly, and never moved.
    for one in latched:
        wanted = start + Exposition.times[one["metric"]["user"], one["metric"]["exercise"]]
        assert {float(value) for _, value in one["values"]} == {wanted}
    assert len(latched) == 12
    # The rules are evaluated in a phase of their own: what stands at a whole second was computed within the second before.
    compared = 0
    for one in series:
        user = one["metric"]["user"]
        for at, value in one["values"]:
            second = round(float(at) - start)
            dark = 12 <= second <= back + 8 or 27 <= second <= 35  # killed, and Prometheus begins to scrape 5 s after it started; or blind
            fresh = any(abs(second - done) <= 3 for (who, _), done in Exposition.times.items() if who == user)
            if dark or fresh:
                continue
            scores = {round(ours[max(0, second + off)][user], 6) for off in (-2, -1, 0)}
            assert round(float(value), 6) in scores, (user, second, value, scores)
            compared += 1
    assert compared > 15
    # At the end everybody has what he would have had without a restart and a gap.
    assert {one["metric"]["user"]: round(float(one["values"][-1][1]), 6) for one in series}.keys() == heroes.keys()
    for one in series:
        user = one["metric"]["user"]
        assert round(float(one["values"][-1][1]), 6) in {round(ours[second][user], 6) for second in (44, 45)}
