"""Scores, places and fairness: Railquest beside SQL over the same events (SQLite), and beside promtool for compiled rules."""
import csv
import io
import json
import pathlib
import re
import resource
import sqlite3
import subprocess
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
RAILQUEST = ROOT / "build/bin/railquest"
RACE = ROOT / "build/bench/race"
EXAMPLE = ROOT / "examples/open-code-quest-2024.yaml"

# The author's scoring at each step, and places by points, exercises done and the last completion.
SQL = """
WITH RECURSIVE step (t) AS (VALUES (0) UNION ALL SELECT t + 5 FROM step WHERE t < :end),
score AS (
    SELECT t, player.id AS player,
           coalesce(sum(weight + (nominal - at) / 300.0 + (t - at) / 300 + 1), 0) AS points, count(at) AS done, max(at) AS last
    FROM step CROSS JOIN player LEFT JOIN event ON event.player = player.id AND at <= t
    LEFT JOIN exercise ON exercise.id = event.exercise
    GROUP BY t, player.id)
SELECT sum(points), sum(place) FROM (
    SELECT points, rank() OVER (PARTITION BY t ORDER BY round(points, 9) DESC, done DESC, last) AS place FROM score)
"""


def cpu_s(command, **options):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def redraw(players, exercises, steps):
    return json.loads(subprocess.run([RACE, str(players), str(exercises), str(steps)], capture_output=True, text=True, check=True).stdout)


def sql_redraw(players, exercises, steps):
    """The same race in SQLite, in memory, with an index; CPU seconds and the two sums."""
    text = subprocess.run([RACE, "--events", str(players), str(exercises), str(steps)], capture_output=True, text=True, check=True).stdout
    end = (steps - 1) * 5
    db = sqlite3.connect(":memory:")
    db.executescript("CREATE TABLE player (id INTEGER PRIMARY KEY); CREATE TABLE exercise (id INTEGER PRIMARY KEY, nominal, weight);"
                     "CREATE TABLE event (player, exercise, at); CREATE INDEX by_player ON event (player, at)")
    db.executemany("INSERT INTO player VALUES (?)", [(i,) for i in range(players)])
    db.executemany("INSERT INTO exercise VALUES (?, ?, ?)", [(i, end * (i + 1) // exercises, 30 + i) for i in range(exercises)])
    db.executemany("INSERT INTO event VALUES (?, ?, ?)", [tuple(map(int, row)) for row in csv.reader(io.StringIO(text))])
    begun = time.process_time()
    points, places = db.execute(SQL, {"end": end}).fetchone()
    return time.process_time() - begun, points, places


def bench_redraw():
    print("\n## A change of the scoring: everybody's scores and places at every step, drawn anew\n")
    print("| players | exercises | steps | railquest, ms | one score, ns | SQLite over the same events, ms |\n|---|---|---|---|---|---|")
    for players, exercises, steps, sql in ((96, 3, 1801, True), (10000, 20, 151, False)):
        ours = redraw(players, exercises, steps)
        theirs = "not run: minutes"
        if sql:
            taken, points, places = sql_redraw(players, exercises, steps)
            theirs = f"{taken * 1000:.0f}"
            if abs(points - ours["scores"]) > 1e-3 or places != ours["places"]:
                theirs += f" (differs: {points} {places})"
        print(f"| {players} | {exercises} | {steps} | {ours['redraw_ms']:.1f} | {ours['score_ns']:.0f} | {theirs} |")


def bench_fairness():
    taken, text = cpu_s([RAILQUEST, "fairness", EXAMPLE, "--players", 96, "--runs", 10000])
    print(f"\n## Races on paper\n\n10,000 races of 96, three scorings, four samplings: {taken:.2f} s on one core.\n")
    print("\n".join("    " + line for line in text.splitlines()[:3]))


def rule_test(folder, players):
    """Compiled rules of a quest with one condition an exercise, and a test file that plays `players` through it."""
    quest = {"quest": "bench", "start": 0, "duration": "150m", "unit": "5m", "step": "30s", "exercises": [
        {"name": name, "nominal_end": f"{end}m", "points": {"author-2024": {"weight": weight}},
         "conditions": [{"name": "done", "expr": f'done{{exercise="{name}"}}'}]}
        for name, end, weight in (("hero", 55, 55), ("villain", 85, 25), ("fight", 130, 29))]}
    (folder / "quest.yaml").write_text(yaml.safe_dump(quest, sort_keys=False))
    subprocess.run([RAILQUEST, "compile", folder / "quest.yaml", "--out", folder / "rules"], check=True, capture_output=True)
    series, points = [], 0.0
    for player in range(players):
        for index, (name, end, weight) in enumerate((("hero", 55, 55), ("villain", 85, 25), ("fight", 130, 29))):
            step = 2 * (end - 20 + (player * 37 + index * 11) % 30)  # of 30 s
            series.append({"series": f'done{{cluster="c",user="p{player}",exercise="{name}"}}', "values": f"0x{step - 1} 1x{300 - step}"})
            if player == 0:
                at = step * 30
                points += weight + (end * 60 - at) / 300 + (9000 - at) // 300 + 1
    group = "railquest_bench"
    (folder / "test.yaml").write_text(yaml.safe_dump({
        "rule_files": ["rules/prometheus-rules.yaml"], "evaluation_interval": "30s", "group_eval_order": [group],
        "tests": [{"interval": "30s", "input_series": series, "promql_expr_test": [
            {"expr": 'railquest_points{user="p0"}', "eval_time": "150m",
             "exp_samples": [{"labels": 'railquest_points{cluster="c",user="p0"}', "value": points}]}]}]}, sort_keys=False))
    return folder / "test.yaml"


def bench_compiled(folder, promtool):
    folder.mkdir()
    test = rule_test(folder, 96)
    print("\n## Compiled rules, 96 players, 150 min at 30 s\n\n| | CPU s | passes |\n|---|---|---|")
    for name, command in (("railquest test rules", [RAILQUEST, "test", "rules"]), ("promtool test rules", [promtool, "test", "rules"])):
        taken, text = cpu_s([*command, test], cwd=folder)
        print(f"| {name} | {taken:.2f} | {'yes' if re.search('SUCCESS', text) else 'no'} |")


def bench_race(folder, promtool):
    bench_redraw()
    bench_fairness()
    bench_compiled(folder / "compiled", promtool)
