"""`railquest rehearse`: the bench against what the author saw and what promtool computes, the workshop against its own truth."""
import csv
import io
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest

from serving import RAILQUEST, ROOT

sys.path.insert(0, str(ROOT / "tests/differential"))
from promtool_output import outcomes  # noqa: E402

SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))
SAMPLINGS = ["1s", "15s", "60s", "300s"]
DASHBOARD = " + ".join(
    f"opencodequest_leaderboard_{name}_lifetime_bonus:prod + sum_over_time(opencodequest_leaderboard_{name}:prod[1h])"
    for name in ("hero", "villain", "fight"))


def run(*arguments, code=0):
    done = subprocess.run([RAILQUEST, "rehearse", *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr
    return done


def rows(text):
    table = list(csv.DictReader(io.StringIO(text)))
    return [(int(row["time_offset_s"]), row["user"], float(row["score"])) for row in table]


def rehearse_json(*arguments):
    return json.loads(run(*arguments, "--json", "-").stdout)


def by_exercise(entries):
    return {(entry["cluster"], entry["user"], entry["exercise"]): entry for entry in entries}


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip("the study folder is not here")
    return path


# --- the bench --------------------------------------------------------------------------------------------------------

def test_the_bench_ends_as_the_author_saw_it():
    race = rehearse_json("bench")
    assert [(row["rank"], row["user"], row["score"], row["done"]) for row in race["standings"]] == [
        (1, "batman", 162, 3), (2, "catwoman", 160, 3), (3, "superman", 148, 3), (4, "invisibleman", 136, 3)]
    assert [(lead["time_offset_s"], lead["user"]) for lead in race["lead_changes"]] == [
        (50, "catwoman"), (70, "batman"), (75, "catwoman"), (100, "batman")]
    assert race["times_s"] == list(range(0, 151, 5))
    assert {name: len(scores) for name, scores in race["scores"].items()} == dict.fromkeys(
        ["batman", "catwoman", "invisibleman", "superman"], 31)
    assert (race["scenario"], race["scoring"], race["unit_s"]) == ("bench", "author-2024", 5)


@pytest.mark.parametrize("scoring, expected", [
    ("octave-design", {"batman": 171, "catwoman": 162, "superman": 142, "invisibleman": 122}),
    ("arrival", {"batman": 3, "catwoman": 3, "superman": 3, "invisibleman": 3}),
])
def test_other_scorings_of_the_bench(scoring, expected):
    race = rehearse_json("bench", "--scoring", scoring)
    assert {row["user"]: row["score"] for row in race["standings"]} == expected
    assert [row["user"] for row in race["standings"]] == ["batman", "catwoman", "superman", "invisibleman"]
    assert [row["rank"] for row in race["standings"]] == [1, 2, 3, 4]


def test_the_board_is_for_people_and_the_csv_for_machines():
    done = run("bench", "--csv", "-")
    assert done.stdout.startswith("time_offset_s,user,score\n0,batman,0\n0,catwoman,0\n")
    assert "1  batman" in done.stderr and "\033" not in done.stderr
    french = run("bench", "--lang", "fr").stdout
    assert "En tête" in french and "Vilain" in french


@pytest.mark.parametrize("selectors, expected", [("open", "v3.5"), ("closed", "v2.42")])
@pytest.mark.parametrize("rules", ["opencodequest/recording_rules.yaml.template", "prometheus/rule-tests/rules4.yaml"])
def test_the_authors_rules_give_the_measured_scores(selectors, expected, rules):
    done = run("bench", "--rules", shared(rules), "--range-selectors", selectors, "--csv", "-")
    assert rows(done.stdout) == rows(shared(f"prometheus/expected_scores_virtual_{expected}.csv").read_text())


def scenario_with(times):
    text = (ROOT / "scenarios/bench.yaml").read_text()
    for user, (hero, villain, fight) in times.items():
        text, count = re.subn(rf"(- user: {user}\n    done: ).*", rf"\1{{hero: {hero}s, villain: {villain}s, fight: {fight}s}}", text)
        assert count == 1
    return text


def filled(template, times):
    values = {"TS_USERS_JOIN": 10, "TS_DEVSPACES": 20, "TS_EXERCISE_HERO": 55, "TS_EXERCISE_VILLAIN": 85,
              "TS_EXERCISE_FIGHT": 130, "TS_USER_SUPERMAN_FIGHT_CALL": 135, "TS_USER_CATWOMAN_FIGHT_CALL": 120,
              "TS_USER_INVISIBLEMAN_FIGHT_CALL": 150, "TS_USER_BATMAN_FIGHT_CALL": 110}
    for user, instants in times.items():
        for exercise, instant in zip(("HERO", "VILLAIN", "FIGHT"), instants):
            values[f"TS_USER_{user.upper()}_{exercise}"] = instant
    return re.sub(r"\$\{(\w+)\}", lambda match: str(values[match[1]]), template)


def promtool_scores(folder, rules):
    """What promtool prints for a test that expects what cannot be: every score at every step."""
    (folder / "rules.yaml").write_text(rules)
    steps = "".join(f"      - {{eval_time: {t}s, expr: '{DASHBOARD}', exp_samples: [{{labels: '{{user=\"nobody\"}}', value: -1}}]}}\n"
                    for t in range(0, 206, 5))
    (folder / "test.yaml").write_text(
        "rule_files: [rules.yaml]\nevaluation_interval: 5s\n"
        "group_eval_order: [opencodequest_base, opencodequest_step1, opencodequest_step2]\ntests:\n  - interval: 5s\n"
        "    input_series:\n      - {series: 'up{job=\"prometheus\",instance=\"localhost:9090\"}', values: '1+0x43'}\n"
        "    promql_expr_test:\n" + steps)
    done = subprocess.run(["promtool", "test", "rules", folder / "test.yaml"], capture_output=True, text=True, timeout=120)
    scores = []
    for (_, t), samples in outcomes(done.stdout + done.stderr):
        seconds = sum(int(number) * {"m": 60, "s": 1}[unit] for number, unit in re.findall(r"(\d+)([ms])", t))
        scores += [(seconds, re.fullmatch(r'\{user="(\w+)"\}', labels)[1], score) for labels, score in samples.items()]
    return sorted(scores)


@pytest.mark.parametrize("times", [
    {"superman": (30, 41, 77), "catwoman": (31, 40, 149), "invisibleman": (100, 60, 20), "batman": (55, 55, 55)},
    {"superman": (7, 12.5, 133), "catwoman": (151, 203, 204), "invisibleman": (62, 64, 66), "batman": (25, 26, 190)},
])
def test_other_timings_give_what_promtool_gives(tmp_path, times):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    template = shared("opencodequest/recording_rules.yaml.template")
    (tmp_path / "race.yaml").write_text(scenario_with(times))
    expected = promtool_scores(tmp_path, filled(template.read_text(), times))
    assert len(expected) > 100
    done = run(tmp_path / "race.yaml", "--rules", template, "--range-selectors", "closed", "--csv", "-")
    assert rows(done.stdout) == expected


# --- the workshop -----------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module", params=[1, 20])
def sampled(request):
    return {sampling: rehearse_json("workshop", "--seed", request.param, "--scrape-interval", sampling)
            for sampling in SAMPLINGS}


def test_the_interval_of_every_event_holds_the_true_instant(sampled):
    for sampling, race in sampled.items():
        truth, events = by_exercise(race["truth"]), by_exercise(race["events"])
        assert len(events) > 150
        for key, event in events.items():
            if key in truth:
                assert event["earliest_s"] <= truth[key]["time_s"] <= event["latest_s"] == event["time_s"], (sampling, key)
            else:
                assert event["earliest_s"] <= race["times_s"][-1] < event["latest_s"], (sampling, key)
        # The scrapes that follow the end find what was completed before it.
        assert events.keys() >= truth.keys()


def test_the_world_is_the_same_however_it_is_sampled(sampled):
    assert all(race["truth"] == sampled["1s"]["truth"] for race in sampled.values())


def test_sampling_changes_no_score_where_metrics_carry_the_instant(sampled):
    """A player all of whose events are exact has the same curve, whatever the sampling."""
    exact = {sampling: {key for key, event in by_exercise(race["events"]).items()
                        if event["earliest_s"] == event["latest_s"]} for sampling, race in sampled.items()}
    for sampling, race in sampled.items():
        events, finest = by_exercise(race["events"]), by_exercise(sampled["1s"]["events"])
        both = exact[sampling] & exact["1s"]
        assert len(both) > 100
        assert all(events[key]["time_s"] == finest[key]["time_s"] for key in both)
        # hero and villain carry their instants; only a pod that restarted before it was seen loses them.
        assert len([key for key in both if key[2] != "fight"]) > 0.85 * len([key for key in events if key[2] != "fight"])
        people = {key[:2] for key in events}
        whole = {who for who in people if all(key in both for key in finest if key[:2] == who)}
        assert whole
        for cluster, user in whole:
            assert race["scores"][f"{user}@{cluster}"] == sampled["1s"]["scores"][f"{user}@{cluster}"]


def test_a_gap_that_holds_no_completion_changes_no_score(tmp_path):
    """The same lives with and without gaps: exact events are the same, others may only have a wider interval."""
    text = (ROOT / "scenarios/workshop.yaml").read_text()
    races = {}
    for gaps in (0, 5):
        (tmp_path / f"{gaps}.yaml").write_text(re.sub("gaps: .*", f"gaps: {gaps}", text))
        races[gaps] = rehearse_json(tmp_path / f"{gaps}.yaml")
    assert races[0]["truth"] == races[5]["truth"]
    without, with_gaps = by_exercise(races[0]["events"]), by_exercise(races[5]["events"])
    assert without.keys() == with_gaps.keys()
    moved = [key for key in without if without[key]["time_s"] != with_gaps[key]["time_s"]]
    # Most completions fall in no gap; those of hero and villain carry their instants through it.
    assert len(moved) < 0.1 * len(without)
    assert all(key[2] == "fight" or without[key]["earliest_s"] < without[key]["latest_s"] or
               with_gaps[key]["earliest_s"] < with_gaps[key]["latest_s"] for key in moved)
    for name, scores in races[0]["scores"].items():
        user, cluster = name.split("@")
        if not any(key[:2] == (cluster, user) for key in moved):
            assert scores == races[5]["scores"][name]


def test_crashes_after_completion_change_no_score(tmp_path):
    text = (ROOT / "scenarios/workshop.yaml").read_text().replace("flapping: 8", "flapping: 60").replace("step: 5s", "step: 1s", 1)
    text = text.replace("scrape_interval: 5s", "scrape_interval: 1s")
    races = {}
    for rate in (0, 12):
        (tmp_path / f"{rate}.yaml").write_text(re.sub("restarts_per_hour: .*", f"restarts_per_hour: {rate}", text))
        races[rate] = rehearse_json(tmp_path / f"{rate}.yaml", "--players", 48)
    calm, rough = by_exercise(races[0]["truth"]), by_exercise(races[12]["truth"])
    # Scraped every second, whoever was done before his first crash has the points of a calm race.
    same = [key for key in calm if key[2] != "fight" and key in rough and rough[key]["time_s"] == calm[key]["time_s"]]
    assert len(same) > 40
    calm_events, rough_events = by_exercise(races[0]["events"]), by_exercise(races[12]["events"])
    for key in same:
        if rough_events[key]["earliest_s"] == rough_events[key]["latest_s"]:
            assert rough_events[key]["time_s"] == calm_events[key]["time_s"] == calm[key]["time_s"]


def author_2024(t, done):
    nominal = {"hero": (55, 3300), "villain": (25, 5100), "fight": (29, 7800)}
    return sum(nominal[name][0] + (nominal[name][1] - instant) / 300 + (t - instant) // 300 + 1
               for name, instant in done.items() if instant <= t)


def test_every_score_lies_between_those_of_its_intervals_ends(sampled):
    for race in sampled.values():
        for name, scores in race["scores"].items():
            user, cluster = name.split("@")
            own = [event for event in race["events"] if (event["user"], event["cluster"]) == (user, cluster)]
            for t, score in list(zip(race["times_s"], scores))[::60]:
                best = author_2024(t, {event["exercise"]: event["earliest_s"] for event in own})
                worst = author_2024(t, {event["exercise"]: event["latest_s"] for event in own})
                assert worst - 1e-9 <= score <= best + 1e-9
                assert score == pytest.approx(author_2024(t, {event["exercise"]: event["time_s"] for event in own}), abs=1e-9)


def test_everybody_is_on_the_board_once(sampled):
    race = sampled["15s"]
    names = [(row["cluster"], row["user"]) for row in race["standings"]]
    assert len(set(names)) == len(names) == 96 == len(race["scores"])
    assert {cluster for cluster, _ in names} == {"atlantis", "central", "gotham", "madripoor", "metropolis", "wakanda"}
    scores = [row["score"] for row in race["standings"]]
    assert scores == sorted(scores, reverse=True) and scores[0] > 100
    assert sum(row["done"] == 0 for row in race["standings"]) >= 5  # absent people
    assert [row["score"] for row in race["standings"]] == [race["scores"][f"{row['user']}@{row['cluster']}"][-1]
                                                           for row in race["standings"]]


def test_same_seed_same_bytes_and_another_seed_another_race(tmp_path):
    outputs = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        files = [tmp_path / f"{name}.{kind}" for kind in ("csv", "json", "txt")]
        run("workshop", "--players", 12, "--clusters", 3, "--seed", seed, "--scrape-interval", "60s", "--csv", files[0],
            "--json", files[1], "--openmetrics", files[2])
        outputs.append([file.read_bytes() for file in files])
    assert outputs[0] == outputs[1]
    assert all(a != b for a, b in zip(outputs[0], outputs[2]))


def test_the_csv_has_a_row_for_everybody_at_every_step():
    table = rows(run("workshop", "--players", 7, "--clusters", 2, "--duration", "60m", "--csv", "-").stdout)
    assert len(table) == 7 * 721
    assert [(t, user) for t, user, _ in table] == sorted((t, user) for t, user, _ in table)
    assert {user for _, user, _ in table} == {f"user{i}@gotham" for i in range(1, 5)} | {
        f"user{i}@metropolis" for i in range(1, 4)}


def test_the_real_days_rules_run_unmodified():
    day = rehearse_json("workshop", "--rules", shared("opencodequest/observability-metrics-custom-allowlist.yaml"),
                        "--rules", shared("opencodequest/thanos-ruler-custom-rules.yaml"))
    assert day["scoring"] == "rules"
    assert len(day["standings"]) == 96 and day["standings"][0]["score"] > 100
    # The same name on two clusters is two players.
    assert {(row["user"], row["cluster"]) for row in day["standings"]} >= {("user1", "gotham"), ("user1", "wakanda")}


def test_the_log_keeps_the_first_and_answers_again(tmp_path):
    log = tmp_path / "race.db"
    first = rehearse_json("workshop", "--players", 12, "--clusters", 2, "--log", log)
    again = rehearse_json("workshop", "--players", 12, "--clusters", 2, "--log", log, "--scrape-interval", "300s")
    assert first == again  # all events were there already
    table = sqlite3.connect(log).execute("SELECT user, cluster, exercise, t_ms FROM event WHERE kind = 'completion' ORDER BY id").fetchall()
    start = 1728047700000
    assert table == [(event["user"], event["cluster"], event["exercise"], round(start + event["time_s"] * 1000))
                     for event in first["events"]]
    other = run("workshop", "--players", 13, "--clusters", 2, "--log", log, code=1)
    assert "another race" in other.stderr


# --- mistakes ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("change, place, says", [
    (("step: 5s", "step: 5 parsecs"), "9:7", '"5 parsecs"'),
    (("scoring: author-2024", "scoring: author"), "11:10", "author-2024, octave-design or arrival"),
    (("nominal_end: 85s", "nominal_ned: 85s"), "27:5", 'did you mean "nominal_end"'),
    (('expr: exercise_completed{exercise="villain"}', 'expr: exercise_completed{exercise="villain"'), "34:52", "inside braces"),
    (("done: {hero: 55s, villain: 85s", "done: {hero: 55s, vilain: 85s"), "50:23", 'did you mean "villain"'),
])
def test_a_mistake_in_a_scenario_is_told_with_its_place(tmp_path, change, place, says):
    text = (ROOT / "scenarios/bench.yaml").read_text()
    assert change[0] in text
    (tmp_path / "race.yaml").write_text(text.replace(*change, 1))
    done = run(tmp_path / "race.yaml", code=1)
    assert f"race.yaml:{place}: " in done.stderr and says in done.stderr, done.stderr


@pytest.mark.parametrize("arguments, says", [
    (["nowhere"], "bench and workshop"),
    (["bench", "--players", "5"], "names its players itself"),
    (["workshop", "--players", "3", "--clusters", "9"], "cannot fill"),
    (["bench", "--set", "X"], "NAME=VALUE"),
    (["workshop", "--set", "ENV=${NO}"], "${NO}"),
])
def test_what_cannot_be_played_is_said(arguments, says):
    assert says in run(*arguments, code=1).stderr


def test_wrong_use_exits_with_2():
    assert "--json" in run("bench", "--jsno", "x", code=2).stderr
    run("bench", "--csv", "-", "--json", "-", code=2)
    run("bench", "--scoring", "arrival", "--rules", "x", code=2)
