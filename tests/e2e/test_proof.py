"""What a person does to a race, and how anybody can check it: event, standings, explain, score, verify, export."""
import csv
import io
import json
import random
import signal
import re
import sqlite3
import subprocess
import sys
import time
from decimal import Decimal

import pytest

from serving import RAILQUEST, ROOT, Server

QUEST = """
quest: bench
title: {en: The bench, fr: Le banc}
start: 2024-10-08T13:00:00Z
duration: 150m
unit: 5m
freeze: 140m
environments: [dev, prod]
environment: prod
prize: 2
scorings:
  - {name: soft, formula: weight + (nominal - t) / unit / 3}
exercises:
  - {name: hero, nominal_end: 55m, points: {author-2024: {weight: 55}, octave-design: {weight: 55, slope: 1}, soft: {weight: 55}},
     conditions: [{name: done, award: true}]}
  - {name: villain, nominal_end: 85m, points: {author-2024: {weight: 25}, octave-design: {weight: 24, slope: 2}, soft: {weight: 25}},
     conditions: [{name: done, award: true}]}
  - {name: fight, nominal_end: 130m, points: {author-2024: {weight: 29}, octave-design: {weight: 27, slope: 3}, soft: {weight: 29}},
     conditions: [{name: done, award: true}]}
participants:
  hide: ['rh[0-9]+']
tables:
  - {name: one, clusters: [gotham]}
  - {name: two, clusters: [metropolis]}
"""
HEROES = {"gotham/batman": (65, 70, 100), "gotham/catwoman": (50, 75, 115),
          "metropolis/superman": (55, 85, 130), "metropolis/invisibleman": (60, 95, 145)}
EXERCISES = ("hero", "villain", "fight")
ACT = ("--who", "anna", "--why", "a test")


class Race:
    def __init__(self, folder):
        self.quest, self.log = folder / "quest.yaml", folder / "race.db"
        self.quest.write_text(QUEST)

    def run(self, *arguments, code=0, quest=True):
        files = (["--quest", self.quest] if quest else []) + ["--log", self.log]
        done = subprocess.run([RAILQUEST, *map(str, arguments), *map(str, files)], capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def act(self, kind, *arguments):
        return json.loads(self.run("event", kind, *arguments, *ACT, "--json"))

    def standings(self, *arguments):
        return json.loads(self.run("standings", "--json", "--at", "150m", *arguments))

    def scores(self, *arguments):
        return {row["user"]: row["score"] for row in self.standings(*arguments)["rows"]}


@pytest.fixture
def race(tmp_path):
    own = Race(tmp_path)
    own.run("score", "--apply", "author-2024", *ACT)
    for player, times in HEROES.items():
        for exercise, minutes in zip(EXERCISES, times):
            own.run("event", "add", player, exercise, "--time", f"{minutes}m", *ACT)
    return own


def test_the_bench_by_hand(race):
    assert race.scores() == {"batman": 162, "catwoman": 160, "superman": 148, "invisibleman": 136}
    board = race.standings()
    assert [row["rank"] for row in board["rows"]] == [1, 2, 3, 4]
    assert [row["prize"] for row in board["rows"]] == [True, True, False, False]
    assert [(row["name"], row["rank"], row["score"], row["members"]) for row in board["tables"]] == [("one", 1, 161, 2), ("two", 2, 142, 2)]
    assert (board["scoring"], board["scoring_version"], board["env"], board["events"]) == ("author-2024", 1, "prod", 13)
    leaders = {minute: json.loads(race.run("standings", "--json", "--at", f"{minute}m"))["rows"][0]["user"] for minute in (55, 70, 75, 95, 100)}
    assert leaders == {55: "catwoman", 70: "batman", 75: "catwoman", 95: "catwoman", 100: "batman"}
    assert "ligne des lots" in race.run("standings", "--at", "2:30:00", "--lang", "fr")


def test_the_public_sees_nothing_after_the_freeze(race):
    public = race.standings("--public")
    assert public["at_s"] == 140 * 60
    assert {row["user"]: row["score"] for row in public["rows"]}["invisibleman"] == 104


def test_acts_can_be_undone_and_stay_in_the_log(race):
    before = race.scores()
    void = race.act("void", "gotham/batman", "fight")["event"]
    assert (void["kind"], void["of"], void["who"], void["why"]) == ("void", 4, "anna", "a test")
    assert "event 4" in void["before"] and "does not count" in void["after"]
    assert race.scores()["batman"] == 162 - 29 - 6 - 11
    race.act("undo", void["n"])
    assert race.scores() == before
    adjust = race.act("adjust", "gotham/catwoman", "--points", "2.5")["event"]
    assert race.scores()["catwoman"] == 162.5
    outage = race.act("exclude", "metropolis", "--from", "70m", "--to", "80m")["event"]
    assert race.scores()["superman"] == 148 + 8 and race.scores()["batman"] == 162
    switch = race.act("switch-env", "dev")["event"]
    assert (switch["before"], switch["after"]) == ("prod", "dev")
    for number in (switch["n"], outage["n"], adjust["n"]):
        race.act("undo", number)
    assert race.scores() == before
    kinds = [row[0] for row in sqlite3.connect(race.log).execute("SELECT kind FROM event WHERE id > 13 ORDER BY id")]
    assert kinds == ["void", "undo", "adjust", "exclude", "switch-env", "undo", "undo", "undo"]


@pytest.mark.parametrize("arguments, says", [
    (("event", "void", "gotham/batman", "figth", *ACT), "there are hero, villain, fight"),
    (("event", "void", "99", *ACT), "no event of that number"),
    (("event", "undo", "2", "--who", "anna"), "who does it and why"),
    (("event", "undo", "1", *ACT), "apply another"),
    (("event", "switch-env", "qa", *ACT), 'no environment "qa"'),
    (("event", "exclude", "gotham", "--from", "9m", "--to", "3m", *ACT), "a later one"),
    (("event", "add", "gotham/batman", "hero", "--time", "soon", *ACT), "is no instant"),
    (("explain", "gotham/joker"), "nobody of this race"),
    (("standings", "--scoring-version", "9"), "no scoring of version 9"),
    (("score", "--diff", "now", "hard"), "is no scoring"),
])
def test_what_cannot_be_done_is_said_and_changes_nothing(race, arguments, says):
    before = race.run("verify", "--quiet")
    assert says in race.run(*arguments, code=1)
    assert race.run("verify", "--quiet") == before


@pytest.mark.parametrize("scoring", ["author-2024", "octave-design", "arrival", "soft"])
def test_explanations_add_up_to_the_last_digit(race, scoring):
    if scoring != "author-2024":
        race.run("score", "--apply", scoring, *ACT)
    race.act("adjust", "gotham/batman", "--points", "0.4")
    race.act("adjust", "gotham/batman", "--points", "-1.3")
    race.act("add", "gotham/batman", "hero", "--time", "1:04:59")
    for player in HEROES:
        for minute in (10, 66.6, 101, 150):
            raw = race.run("explain", player, "--at", f"{minute}m" if minute != 66.6 else "66m36s", "--json")
            told = json.loads(raw, parse_float=Decimal, parse_int=Decimal)
            board = json.loads(race.run("standings", "--json", "--at", told["at"]), parse_float=Decimal, parse_int=Decimal)
            row = next(row for row in board["rows"] if row["id"] == told["id"])
            assert sum((line["points"] for line in told["lines"]), Decimal(0)) == told["score"] == row["score"]
            assert told["rank"] == row["rank"]
    assert "early or late" in race.run("explain", "gotham/batman", "--at", "150m") or scoring in ("arrival", "soft")


def test_a_scoring_is_compared_before_it_is_applied(race):
    diff = json.loads(race.run("score", "--diff", "now", "arrival", "--at", "120m", "--json"))
    assert {row["id"]: (row["old_rank"], row["new_rank"]) for row in diff["rows"]}["superman@metropolis"] == (3, 3)
    assert diff["top"] == 2
    assert race.standings()["scoring_version"] == 1
    text = race.run("score", "--diff", "v1", "soft", "--at", "150m")
    assert text.startswith("v1 -> soft: ")
    other = race.quest.with_name("other.yaml")
    other.write_text(QUEST.replace("author-2024: {weight: 29}", "author-2024: {weight: 129}"))
    # Whoever finished gets 100 more: at 120 min batman and catwoman.
    changed = json.loads(race.run("score", "--diff", "now", other, "--at", "120m", "--json"))
    assert {row["id"]: row["new_score"] - row["old_score"] for row in changed["rows"]} == {
        "batman@gotham": 100, "catwoman@gotham": 100, "superman@metropolis": 0, "invisibleman@metropolis": 0}
    race.run("score", "--apply", "octave-design", *ACT)
    assert race.scores() == {"batman": 171, "catwoman": 162, "superman": 142, "invisibleman": 122}
    assert race.scores("--scoring-version", "1")["batman"] == 162
    assert "v2" in race.run("score") and "in force" in race.run("score")
    race.act("undo", 14)
    assert race.scores()["batman"] == 162


def test_anybody_can_check_the_log(race, tmp_path):
    race.act("adjust", "gotham/batman", "--points", "1")
    said = race.run("verify", "--quiet", quest=False)
    lines = race.run("export", "--format", "ndjson")
    checker = [sys.executable, str(ROOT / "tests/e2e/chain.py")]
    assert len((ROOT / "tests/e2e/chain.py").read_text().splitlines()) <= 20
    assert subprocess.run(checker, input=lines, capture_output=True, text=True).stdout == said
    wrong = lines.replace('"points":1', '"points":2')
    assert "event 14 was changed" in subprocess.run(checker, input=wrong, capture_output=True, text=True).stderr
    head = said.split()[-1]
    race.act("undo", 14)
    race.run("verify", "--quiet", "--events", 14, "--head", head)
    assert "the head is" in race.run("verify", "--quiet", "--head", head, code=1)
    assert "cut off" in race.run("verify", "--quiet", "--events", 99, "--head", head, code=1)
    early, late = (json.loads(race.run("verify", "--json", "--at", at)) for at in ("87m", "150m"))
    assert early == json.loads(race.run("standings", "--json", "--at", "87m")) != late
    # The log alone gives the standings.
    assert "batman" in race.run("verify", quest=False)


def test_verify_names_the_first_bad_event(race):
    db = sqlite3.connect(race.log)
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        db.execute("UPDATE event SET body = '{}' WHERE id = 3")
    db.execute("DROP TRIGGER event_stays")
    db.execute("""UPDATE event SET body = replace(body, '"villain"', '"fight"') WHERE id = 3""")
    db.commit()
    db.close()
    assert "event 3 is not as it was written" in race.run("verify", code=1)


def test_exports(race):
    race.act("add", "gotham/<script>", "hero", "--time", "70m")
    table = list(csv.DictReader(io.StringIO(race.run("export", "--format", "csv", "--at", "150m"))))
    assert [(row["rank"], row["user"], row["score"], row["hero_s"]) for row in table][0] == ("1", "batman", "162", "3900")
    feed = json.loads(race.run("export", "--format", "ctftime", "--at", "150m"))
    assert feed["tasks"] == list(EXERCISES)
    first = feed["standings"][0]
    assert (first["pos"], first["team"], first["score"]) == (1, "batman@gotham", 162)
    assert sum(task["points"] for task in first["taskStats"].values()) == 162
    contest = json.loads(race.run("export", "--format", "contest", "--at", "150m"))
    assert contest["scoreboard"]["rows"][0]["problems"][0] == {
        "problem_id": "hero", "num_judged": 1, "num_pending": 0, "solved": True, "time": "1:05:00.000"}
    awards = {award["id"]: award["team_ids"] for award in contest["awards"]}
    assert awards["winner"] == ["batman@gotham"] and awards["first-to-solve-hero"] == ["catwoman@gotham"]
    page = race.run("export", "--format", "html", "--at", "150m")
    assert "<script" not in page and "&lt;script&gt;" in page and "http" not in page.split("</head>")[1]
    assert "Le banc" in page and "The bench" in page
    table = race.run("export", "--format", "json", "--at", "150m")
    assert json.loads(table)["rows"][0]["user"] == "batman" and race.run("export", "--json", "--at", "150m") == table


def test_a_purge_forgets_everybody_and_keeps_counts(race):
    for index, minutes in enumerate((52, 58, 61, 66)):
        race.act("add", f"gotham/guest{index}", "hero", "--time", f"{minutes}m")
    text = race.run("purge", "--at", "150m")
    assert race.log.exists() and not re.search("man|guest|gotham|metropolis|anna|a test", text)
    kept = json.loads(text)
    assert (kept["players"], kept["players_by_exercises_done"]) == (8, [0, 4, 0, 4])
    hero, villain, _ = kept["exercises"]
    assert (hero["done"], hero["at_s"]["p50"]) == (8, (58 + 60) / 2 * 60) and hero["at_s"]["p10"] > 50 * 60
    assert (villain["done"], villain["at_s"]) == (4, None), "four are too few"
    reader = sqlite3.connect(race.log)
    assert reader.execute("SELECT count(*) FROM event").fetchone()
    assert "locked" in race.run("purge", "--yes", code=1)
    reader.close()
    assert "OK" in race.run("verify", "--quiet"), "nothing was lost"
    assert json.loads(race.run("purge", "--at", "150m", "--yes")) == kept
    assert not list(race.log.parent.glob("race.db*"))
    other = race.log.parent / "notes.txt"
    other.write_text("no log, and longer than a header of SQLite's, which has a hundred bytes, and then some more, to be sure of it\n")
    done = subprocess.run([RAILQUEST, "purge", "--log", other, "--yes"], capture_output=True, text=True)
    assert done.returncode == 1 and other.exists()


INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
OFFSET = re.compile(r"-?\d+:[0-5]\d:[0-5]\d\.\d{3}$")


def test_ctftimes_feed_has_the_shape_that_ctftime_asks_for(race):
    """https://ctftime.org/json-scoreboard-feed"""
    race.act("add", "gotham/caf\u00e9\U0001f682", "hero", "--time", "70m")
    text = race.run("export", "--format", "ctftime", "--at", "87m")
    assert text.isascii() and "caf\\u00e9\\ud83d\\ude82@gotham" in text
    feed = json.loads(text)
    assert set(feed) == {"tasks", "standings"} and all(isinstance(task, str) for task in feed["tasks"])
    assert "caf\u00e9\U0001f682@gotham" in [row["team"] for row in feed["standings"]]
    for row in feed["standings"]:
        assert {"pos", "team", "score", "taskStats"} <= set(row) <= {"pos", "team", "score", "taskStats", "lastAccept"}
        assert isinstance(row["pos"], int) and isinstance(row["score"], (int, float)) and round(row["score"], 4) == row["score"]
        assert set(row["taskStats"]) <= set(feed["tasks"]) and ("lastAccept" in row) == bool(row["taskStats"])
        for stats in row["taskStats"].values():
            assert set(stats) == {"points", "time"} and isinstance(stats["time"], int)
        assert not row["taskStats"] or row["lastAccept"] == max(stats["time"] for stats in row["taskStats"].values())


def test_the_contest_apis_scoreboard_has_its_shape(race):
    """ICPC's Contest API (ccs-specs): scoreboard, state, awards; times are RELTIME and TIME."""
    race.act("add", "gotham/alfred", "hero", "--time", "70m")
    told = json.loads(race.run("export", "--format", "contest", "--at", "87m"))
    board = told["scoreboard"]
    assert set(board) == {"event_id", "time", "contest_time", "state", "rows"} and isinstance(board["event_id"], str)
    assert INSTANT.match(board["time"]) and OFFSET.match(board["contest_time"])
    state = board["state"]
    assert set(state) == {"started", "ended", "frozen", "thawed", "finalized", "end_of_updates"} and INSTANT.match(state["started"])
    assert state["ended"] is None
    for row in board["rows"]:
        assert set(row) == {"rank", "team_id", "score", "problems"} and isinstance(row["rank"], int)
        assert row["score"]["num_solved"] == sum(problem["solved"] for problem in row["problems"])
        for problem in row["problems"]:
            assert {"problem_id", "num_judged", "num_pending", "solved"} <= set(problem)
            assert ("time" in problem) == problem["solved"] and (not problem["solved"] or OFFSET.match(problem["time"]))
    assert all(set(award) == {"id", "citation", "team_ids"} for award in told["awards"])
    ended = json.loads(race.run("export", "--format", "contest", "--at", "150m"))["scoreboard"]["state"]
    assert INSTANT.match(ended["ended"]) and INSTANT.match(ended["frozen"]) and ended["thawed"] is None
    race.act("thaw")
    assert INSTANT.match(json.loads(race.run("export", "--format", "contest", "--at", "150m"))["scoreboard"]["state"]["thawed"])


def test_a_rehearsal_that_is_killed_goes_on_where_it_was(tmp_path):
    """kill -9 at any instant: what was acknowledged is there, and the rest comes again."""
    whole, killed = tmp_path / "whole.db", tmp_path / "killed.db"
    command = [RAILQUEST, "rehearse", "workshop", "--players", "96", "--log"]
    subprocess.run([*command, whole], check=True, stdout=subprocess.DEVNULL)
    chance = random.Random(7)
    for _ in range(4):
        process = subprocess.Popen([*command, killed], stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.05, 0.6))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if killed.exists():
            # Made, or not yet begun: never half.
            done = subprocess.run([RAILQUEST, "verify", "--quiet", "--log", killed], capture_output=True, text=True)
            assert done.returncode == 0 or "not an event log" in done.stderr, done.stderr
    subprocess.run([*command, killed], check=True, stdout=subprocess.DEVNULL)
    outputs = [subprocess.run([RAILQUEST, *arguments, "--log", log], capture_output=True, text=True, check=True).stdout
               for arguments in (("verify",), ("export", "--format", "ndjson")) for log in (whole, killed)]
    assert outputs[0] == outputs[1] and outputs[2] == outputs[3]


# --- the same over HTTP -----------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def served(tmp_path_factory):
    log = tmp_path_factory.mktemp("served") / "race.db"
    with Server([RAILQUEST, "serve", "--rehearse", "bench", "--speed", "max", "--log", log, "--listen", "127.0.0.1:0"]) as server:
        for _ in range(400):
            if json.loads(server.request("/api/quest/standings")[2])["state"] == "finished":
                break
            time.sleep(0.02)
        yield server, log


def test_served_explanations_are_those_of_the_command_line(served):
    server, log = served
    status, headers, body = server.request("/api/quest/explain?player=batman&at=87s")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    told = json.loads(body)
    assert (told["score"], told["rank"], sum(line["points"] for line in told["lines"])) == (90, 2, 90)
    mine = subprocess.run([RAILQUEST, "explain", "batman", "--log", log, "--at", "87s", "--json"], capture_output=True, text=True, check=True).stdout
    assert json.loads(mine) == told
    assert server.request("/api/quest/explain?player=joker")[0] == 400
    assert b"nobody of this race" in server.request("/api/quest/explain?player=joker")[2]


@pytest.mark.parametrize("format", ["csv", "json", "ndjson", "ctftime", "contest", "html"])
def test_served_exports_are_those_of_the_command_line(served, format):
    server, log = served
    status, _, body = server.request(f"/api/quest/export?format={format}")
    mine = subprocess.run([RAILQUEST, "export", "--format", format, "--log", log], capture_output=True, check=True).stdout
    assert status == 200 and body == mine
    assert server.request("/api/quest/export?format=xml")[0] == 400


def test_the_head_is_served_and_verifies(served):
    server, log = served
    head = json.loads(server.request("/api/quest/head")[2])
    subprocess.run([RAILQUEST, "verify", "--quiet", "--log", log, "--events", str(head["events"]), "--head", head["head"]], check=True)
    metrics = server.request("/metrics")[2].decode()
    assert 'leaderboard_rank{user="batman",cluster=""} 1' in metrics and 'leaderboard_points{user="batman",cluster=""} 162' in metrics
