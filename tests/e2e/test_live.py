"""`railquest serve --quest`: races on clusters that are late, away, restarted, and wrong about the time."""
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
import yaml

from clusters import Cluster
from serving import RAILQUEST, ROOT, Server, Stream
from test_rehearse_prometheus import Prometheus, free_port

TOKEN = "a-token-of-this-test"


def quest(start, sources, exercises=("hero", "villain", "fight"), instant=True, **more):
    """A race of an hour; an exercise is done where its `ready` is 1."""
    ends = {"hero": "20m", "villain": "30m", "fight": "45m"}
    points = {"hero": 55, "villain": 25, "fight": 29}
    condition = lambda name: {"name": "ready", "expr": f'ready{{exercise="{name}"}}'} | (
        {"instant": f'ready_time_seconds{{exercise="{name}"}}'} if instant else {})
    return {"quest": "test", "start": start, "duration": "1h", "unit": "5m", "step": "1s",
            "participants": {"expr": "seat", "active": "workspace"},
            "exercises": [{"name": name, "nominal_end": ends[name], "points": points[name], "conditions": [condition(name)]}
                          for name in exercises],
            "sources": sources} | more


def scraped(cluster):
    return {"cluster": cluster.name, "scrape": [cluster.url + "/metrics"], "interval": "1s", "timeout": "900ms"}


class Race:
    """A quest file, a log, and the program that runs it."""

    def __init__(self, folder, what):
        self.folder, self.log, self.file = folder, folder / "race.db", folder / "race.yaml"
        (folder / "push.token").write_text(TOKEN + "\n")
        self.file.write_text(yaml.safe_dump(what))
        self.what = what

    def serve(self):
        return Server([RAILQUEST, "serve", "--quest", self.file, "--log", self.log, "--listen", "127.0.0.1:0"])

    def export(self):
        """The whole chain, a line an event."""
        return subprocess.run([RAILQUEST, "export", "--format", "ndjson", "--log", self.log], check=True, capture_output=True, text=True, timeout=60).stdout

    def events(self, kind="completion"):
        with sqlite3.connect(f"file:{self.log}?mode=ro", uri=True) as db:
            bodies = [json.loads(body) for body, in db.execute("SELECT body FROM event ORDER BY id")]
        return [body for body in bodies if body["kind"] == kind]


def board(server):
    return json.loads(server.request("/api/quest/standings")[2])


def rows(server):
    return {row["id"]: row for row in board(server)["rows"]}


def sources(server):
    return {source["name"]: source for source in json.loads(server.request("/api/quest/sources")[2])["sources"]}


def wait_for(what, seconds=30):
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.05)


def done(server, player, exercise=0):
    row = rows(server).get(player)
    return row and row["exercises"][exercise]


def test_a_completion_is_found_once_with_its_interval_and_evidence(tmp_path):
    with Cluster("gotham") as gotham:
        gotham.seat("batman")
        race = Race(tmp_path, quest(int(time.time()) - 60, [scraped(gotham)], instant=False))
        with race.serve() as server:
            wait_for(lambda: sources(server)["gotham"]["rounds"] >= 3)
            before = time.time()
            gotham.complete("batman", "hero")
            mark = wait_for(lambda: done(server, "batman@gotham"))
            after = time.time()
            start = board(server)["start"]
            # Last seen false before, first seen true after; both within an interval of the truth.
            assert mark["low_s"] <= before - start + 0.01 and before - start <= mark["high_s"] <= after - start
            assert mark["high_s"] - mark["low_s"] < 5 and mark["at_s"] == mark["high_s"]
            # 1 → 0 → 1 → gone → 1: nothing changes.
            for value in (0, 1, None, 1):
                gotham.set("ready", value, user="batman", exercise="hero")
                rounds = sources(server)["gotham"]["rounds"]
                wait_for(lambda: sources(server)["gotham"]["rounds"] > rounds + 1)
                assert done(server, "batman@gotham") == mark
        completion, = race.events()
        assert completion["source"] == "gotham" and completion["user"] == "batman"
        assert completion["evidence"].startswith("ready: ready{cluster=\"gotham\", exercise=\"hero\"")


def test_an_outage_is_seen_and_what_was_completed_meanwhile_is_found(tmp_path):
    with Cluster("gotham") as gotham, Cluster("wakanda") as wakanda:
        for cluster in (gotham, wakanda):
            cluster.seat("one"), cluster.seat("two")
        race = Race(tmp_path, quest(int(time.time()) - 60, [scraped(gotham), scraped(wakanda)], instant=False))
        with race.serve() as server:
            wait_for(lambda: all(source["rounds"] >= 3 for source in sources(server).values()))
            wakanda.complete("one", "hero")
            wait_for(lambda: done(server, "one@wakanda"))
            places = {player: row["rank"] for player, row in rows(server).items()}
            last_seen = time.time()
            wakanda.is_down = True
            stale = wait_for(lambda: sources(server)["wakanda"]["stale_since"])
            assert last_seen - 1 <= stale <= time.time()
            assert sources(server)["gotham"]["up"] and not sources(server)["wakanda"]["up"]
            assert {player: row["rank"] for player, row in rows(server).items()} == places
            assert "stale_since_s" in rows(server)["one@wakanda"] and "stale_since_s" not in rows(server)["one@gotham"]
            # Life goes on elsewhere, and unseen there.
            gotham.complete("two", "hero")
            wait_for(lambda: done(server, "two@gotham"))
            time.sleep(2)
            truth = time.time()
            wakanda.complete("two", "hero")
            time.sleep(2)
            assert not done(server, "two@wakanda")
            wakanda.is_down = False
            back = time.time()
            mark = wait_for(lambda: done(server, "two@wakanda"))
            start = board(server)["start"]
            assert mark["low_s"] <= last_seen - start + 0.01, "a gap is not a no"
            assert mark["low_s"] <= truth - start <= mark["high_s"]
            assert back - start - 0.01 <= mark["high_s"]
            assert wait_for(lambda: sources(server)["wakanda"]["up"])
        told = [(event["source"], event["condition"]) for event in race.events("source") if event["source"] == "wakanda"]
        assert told == [("wakanda", "up"), ("wakanda", "down"), ("wakanda", "up")]


@pytest.mark.parametrize("clocks, moved", [("correct", 0), ("show", 30)])
def test_a_clock_that_is_ahead_is_shown_and_taken_off(tmp_path, clocks, moved):
    with Cluster("gotham", ahead_s=30) as gotham:
        gotham.seat("batman")
        start = int(time.time()) - 600
        race = Race(tmp_path, quest(start, [scraped(gotham)], clocks=clocks))
        with race.serve() as server:
            def skew():
                own = sources(server)["gotham"]["skew_s"]
                return own and own[1] - own[0] < 0.5 and own
            low, high = wait_for(skew)
            assert low <= 30 <= high
            assert wait_for(lambda: sources(server)["gotham"]["corrected_s"] == (30 if clocks == "correct" else 0))
            gotham.complete("batman", "hero", at=start + 500)
            assert wait_for(lambda: done(server, "batman@gotham"))["at_s"] == 500 + moved
        assert ("corrected" in race.events()[0]["evidence"]) == (clocks == "correct")
        # The log says so once, and whoever explains a point from it alone does too.
        told, = [event for event in race.events("source") if event["condition"] == "skew"]
        assert told["source"] == "gotham" and 29_500 <= told["skew_low_ms"] <= told["skew_high_ms"] <= 30_500
        why = subprocess.run([RAILQUEST, "explain", "gotham/batman", "--quest", race.file, "--log", race.log, "--json"],
                             capture_output=True, text=True, check=True, timeout=60)
        assert abs(json.loads(why.stdout)["completions"][0]["skew_s"] - 30) < 0.5
        with race.serve() as server:
            wait_for(lambda: sources(server)["gotham"]["corrected_s"] == (30 if clocks == "correct" else 0) and skew())
            rounds = sources(server)["gotham"]["rounds"]
            wait_for(lambda: sources(server)["gotham"]["rounds"] > rounds + 1)
        assert len([event for event in race.events("source") if event["condition"] == "skew"]) == 1


def test_a_photo_finish_by_a_clock_that_is_off_is_flagged(tmp_path):
    with Cluster("gotham", ahead_s=-20) as gotham, Cluster("wakanda") as wakanda:
        for cluster, user in ((gotham, "batman"), (wakanda, "panther"), (wakanda, "shuri")):
            cluster.seat(user)
        race = Race(tmp_path, quest(int(time.time()) - 60, [scraped(gotham), scraped(wakanda)], exercises=("hero",), instant=False))
        with race.serve() as server:
            wait_for(lambda: sources(server)["gotham"]["corrected_s"] == -20 and len(rows(server)) == 3)
            wait_for(lambda: min(source["rounds"] for source in sources(server).values()) >= 3)
            # Nobody saw when: within the same round of scrapes.
            gotham.complete("batman", "hero"), wakanda.complete("panther", "hero")
            wait_for(lambda: done(server, "batman@gotham") and done(server, "panther@wakanda"))
            photos = lambda board: {row["id"]: row["photo_finish"] for row in board["rows"] if row["photo_finish"]}
            (player, photo), = photos(json.loads(server.request("/api/quest/export?format=json")[2])).items()
            assert player in ("batman@gotham", "panther@wakanda") and abs(photo["skew_s"] + 20) < 0.5
            assert not photo["confirmed"] and photo["margin_s"] > 0
            why = json.loads(server.request(f"/api/quest/explain?player={player}")[2])
            assert why["photo_finish"] == photo
        told = subprocess.run([RAILQUEST, "standings", "--quest", race.file, "--log", race.log, "--at", "10m"],
                              capture_output=True, text=True, check=True, timeout=60).stdout
        assert ", clock -20." in told or ", clock -19." in told, told


def test_test_users_no_shows_and_two_names_of_one_person(tmp_path):
    with Cluster("gotham") as gotham, Cluster("wakanda") as wakanda:
        for cluster in (gotham, wakanda):
            cluster.seat("rh1"), cluster.seat("player")
        gotham.seat("absent", active=False)
        gotham.seat("bruce"), wakanda.seat("batman")
        start = int(time.time()) - 1800
        what = quest(start, [scraped(gotham), scraped(wakanda)])
        what["participants"] |= {"hide": ["rh[0-9]+"], "aliases": [{"from": "bruce@gotham", "to": "batman@wakanda"}]}
        race = Race(tmp_path, what)
        with race.serve() as server:
            wait_for(lambda: len(rows(server)) == 3)
            gotham.complete("rh1", "hero", at=start + 100)
            gotham.complete("bruce", "hero", at=start + 900)
            wakanda.complete("batman", "villain", at=start + 1200)
            wakanda.complete("player", "hero", at=start + 1000)
            wait_for(lambda: len(race.events()) == 4)
            wait_for(lambda: done(server, "player@wakanda"))
            own = rows(server)
            # The same name on two clusters is two players; the hidden and the absent have no row, and ranks close up.
            assert set(own) == {"batman@wakanda", "player@gotham", "player@wakanda"}
            assert [own["batman@wakanda"]["rank"], own["player@wakanda"]["rank"], own["player@gotham"]["rank"]] == [1, 2, 3]
            assert [mark and mark["at_s"] for mark in own["batman@wakanda"]["exercises"]] == [900, 1200, None]
        told = subprocess.run([RAILQUEST, "standings", "--quest", race.file, "--log", race.log, "--json"],
                              capture_output=True, text=True, timeout=60)
        assert told.returncode == 0, told.stderr
        assert {row["user"] + "@" + row["cluster"] for row in json.loads(told.stdout)["rows"]} == set(own)


def push(server, events, token=TOKEN):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return server.request("/api/quest/events", json.dumps(events).encode(), headers, "POST")


def pushed_quest(start):
    what = quest(start, [], exercises=("hero",), push={"token_file": "push.token"})
    what["participants"] = {}
    what["exercises"][0]["conditions"] = [{"name": "quiz", "push": True}]
    return what


def test_pushes_need_the_token_and_say_what_is_wrong(tmp_path):
    start = int(time.time()) - 600
    with Race(tmp_path, pushed_quest(start)).serve() as server:
        event = {"cluster": "gotham", "user": "batman", "exercise": "hero", "condition": "quiz", "time": start + 60}
        assert push(server, event, token=None)[0] == 401
        assert push(server, event, token="another token of this length")[0] == 401
        for wrong, says in [({"exercise": "zero"}, "no exercise"), ({"condition": "x"}, "no condition"), ({"user": ""}, "user"),
                            ({"time": start - 5}, "between the start"), ({"time": time.time() + 60}, "between the start"),
                            ({"env": "dev"}, "no environment"), ({"points": 5}, "is not known")]:
            status, _, body = push(server, event | wrong)
            assert status == 400 and says in json.loads(body)["error"], (wrong, body)
        assert push(server, [event, event | {"exercise": "zero"}])[0] == 400
        assert not rows(server), "all or none"
        assert json.loads(push(server, event)[2])["data"] == {"events": 1, "new": 1}
        assert json.loads(push(server, [event])[2])["data"] == {"events": 1, "new": 0}
        assert wait_for(lambda: done(server, "batman@gotham"))["at_s"] == 60


def test_kill_9_in_a_storm_of_events_loses_nothing_that_was_acknowledged(tmp_path):
    start = int(time.time()) - 600
    race, acknowledged, lock = Race(tmp_path, pushed_quest(start)), {}, threading.Lock()
    kills, chain = int(os.environ.get("RAILQUEST_KILLS", 3)), ""
    for turn in range(kills):
        server = race.serve()
        stop = threading.Event()

        def storm(thread):
            number = 0
            while not stop.is_set() and number < 400:
                number += 1
                user = f"u{turn}-{thread}-{number}"
                t = start + 1 + (number * 7 + thread * 31) % 500
                try:
                    if push(server, {"user": user, "exercise": "hero", "condition": "quiz", "time": t})[0] == 200:
                        with lock:
                            acknowledged[user] = t
                except (OSError, http.client.HTTPException):
                    return  # it was killed in the middle of an answer

        threads = [threading.Thread(target=storm, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(acknowledged) > 40 * (turn + 1))
        server.process.send_signal(signal.SIGKILL)
        stop.set()
        for thread in threads:
            thread.join()
        server.process.communicate(timeout=20)
        longer = race.export()
        assert longer.startswith(chain), "what was in the chain stays in it, to the byte"
        chain = longer
    known = {event["user"]: event["t_ms"] / 1000 for event in race.events("push")}
    assert len(acknowledged) > 40 * kills
    assert {user: known[user] for user in acknowledged} == acknowledged
    verified = subprocess.run([RAILQUEST, "verify", "--log", race.log], capture_output=True, text=True, timeout=60)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    with race.serve() as server:
        wait_for(lambda: sum(row["done"] for row in board(server)["rows"]) == len(known))
        first = [(row["rank"], row["id"], row["exercises"]) for row in board(server)["rows"]]
        assert {row[1]: row[2][0]["at_s"] + start for row in first} == known
    with race.serve() as server:
        wait_for(lambda: sum(row["done"] for row in board(server)["rows"]) == len(known))
        assert [(row["rank"], row["id"], row["exercises"]) for row in board(server)["rows"]] == first
    assert race.export().startswith(chain)


def test_another_environment_ranks_a_running_race_anew_and_back(tmp_path):
    start = int(time.time()) - 1800
    chance = random.Random(96)
    players = [(f"p{number}", cluster) for number in range(16) for cluster in ("atlantis", "central", "gotham", "madripoor", "metropolis", "wakanda")]
    done_at = {env: dict(zip(players, chance.sample(range(10, 1700), len(players)))) for env in ("dev", "prod")}
    order = {env: sorted(players, key=done_at[env].get) for env in done_at}
    race = Race(tmp_path, pushed_quest(start) | {"environments": ["dev", "prod"], "environment": "prod"})
    shown = lambda server: [(row["user"], row["cluster"]) for row in board(server)["rows"]]

    def act(*arguments):
        told = subprocess.run([RAILQUEST, "event", *map(str, arguments), "--who", "anna", "--why", "prod is down", "--quest", race.file,
                               "--log", race.log, "--json"], capture_output=True, text=True, timeout=60)
        assert told.returncode == 0, told.stderr
        return json.loads(told.stdout)["event"], time.monotonic()

    with race.serve() as server:
        for env, instants in done_at.items():
            status, _, body = push(server, [{"user": user, "cluster": cluster, "exercise": "hero", "condition": "quiz", "env": env,
                                             "time": start + t} for (user, cluster), t in instants.items()])
            assert status == 200, body
        wait_for(lambda: len(race.events()) == 2 * len(players))
        wait_for(lambda: shown(server) == order["prod"])
        run = board(server)["run"]
        with Stream(server, "/api/quest/stream") as stream:
            switch, began = act("switch-env", "dev")
            while (told := stream.event()).get("event") != "standings" or json.loads(told["data"])["run"] == run:
                pass
            # Under a second where nothing else runs; here others do.
            assert time.monotonic() - began < 5
            assert [(row["user"], row["cluster"]) for row in json.loads(told["data"])["rows"]] == order["dev"]
        assert shown(server) == order["dev"] and order["dev"] != order["prod"]
        first = order["dev"][0]
        assert [mark["at_s"] for mark in rows(server)["@".join(first)]["exercises"]] == [done_at["dev"][first]]
        why = json.loads(server.request(f"/api/quest/explain?player={first[1]}/{first[0]}")[2])
        assert why["env"] == "dev" and why["rank"] == 1
        undo, began = act("undo", switch["n"])
        wait_for(lambda: shown(server) == order["prod"], 5)
    assert [(event["who"], event["why"], event["before"], event["after"]) for event in race.events("switch-env")] == [
        ("anna", "prod is down", "prod", "dev")]
    assert [(event["who"], event["of"]) for event in race.events("undo")] == [("anna", switch["n"])]
    verified = subprocess.run([RAILQUEST, "verify", "--quiet", "--log", race.log], capture_output=True, text=True, timeout=60)
    assert verified.returncode == 0 and verified.stdout.startswith(f"OK {undo['n']} events"), verified.stdout
    with race.serve() as server:
        wait_for(lambda: shown(server) == order["prod"])


def test_a_service_that_answers_completes_an_exercise(tmp_path):
    with Cluster("gotham") as gotham:
        gotham.seat("bat man"), gotham.seat("robin")
        what = quest(int(time.time()) - 60, [scraped(gotham)], exercises=("hero",), instant=False)
        what["exercises"][0]["conditions"].append({"name": "answers", "probe": {
            "url": gotham.url + "/service/{user}", "interval": "1s", "timeout": "900ms", "contains": "hello, \\w+"}})
        race = Race(tmp_path, what)
        with race.serve() as server:
            wait_for(lambda: len(rows(server)) == 2)
            for user in ("bat man", "robin"):
                gotham.complete(user, "hero")
            time.sleep(3)
            assert not done(server, "robin@gotham"), "it runs, and does not answer"
            began = time.time()
            gotham.services.add("bat%20man")
            mark = wait_for(lambda: done(server, "bat man@gotham"))
            start = board(server)["start"]
            assert mark["low_s"] <= began - start <= mark["high_s"] and mark["high_s"] - mark["low_s"] < 6
            assert not done(server, "robin@gotham")
        assert race.events()[0]["evidence"].startswith("answers: quest_condition{")


# --- other servers ---


SAMPLES = "".join(
    f"# TYPE {metric} gauge\n" + "".join(
        f'{metric}{{cluster="gotham",user="{user}",exercise="hero"}} {value(user, t)} {t}\n'
        for user in ("batman", "robin") for t in range(T0, T0 + 1800, 15) if value(user, t) is not None)
    for T0 in [1728392400] for metric, value in [
        ("ready", lambda user, t: int(t >= 1728392400 + {"batman": 600, "robin": 907}[user])),
        ("seat", lambda user, t: 1),
        ("workspace", lambda user, t: 1)]) + "# EOF\n"


def expected_marks(server):
    """Batman is seen at the grid's instant itself, robin at the next: what was false before is fifteen seconds older."""
    own = rows(server)
    return [own[player]["exercises"][0] for player in ("batman@gotham", "robin@gotham")] == [
        {"at_s": 600, "low_s": 585, "high_s": 600}, {"at_s": 915, "low_s": 900, "high_s": 915}]


def asked(base, **more):
    what = quest(1728392400, [{"name": "central", "prometheus": base, "interval": "15s"} | more], exercises=("hero",), instant=False)
    return what | {"duration": "30m", "participants": {"expr": 'seat{exercise="hero"}', "active": "workspace"}}


def test_a_prometheus_is_asked_for_what_was_missed(tmp_path):
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        pytest.skip("prometheus is not installed")
    (tmp_path / "samples.txt").write_text(SAMPLES)
    made = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", tmp_path / "samples.txt", tmp_path / "data"],
                          capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stderr
    prometheus = Prometheus(tmp_path)
    try:
        race = Race(tmp_path, asked(prometheus.base))
        with race.serve() as server:
            wait_for(lambda: len(race.events()) == 2)
            assert wait_for(lambda: len(rows(server)) == 2 and expected_marks(server))
            own = sources(server)["central"]
            assert own["up"] and own["skew_s"] and abs(own["skew_s"][0]) < 1
            # It goes, and comes back: nothing is lost, nothing told twice.
            prometheus.process.send_signal(signal.SIGSTOP)
            prometheus.process.send_signal(signal.SIGCONT)
        completion = race.events()[0]
        assert 'ready{cluster="gotham", exercise="hero", user="batman"} = 1' in completion["evidence"]
    finally:
        prometheus.stop()


def test_a_victoria_metrics_is_asked_for_what_was_missed(tmp_path):
    if not shutil.which("victoria-metrics"):
        pytest.skip("victoria-metrics is not installed")
    base = f"http://127.0.0.1:{free_port()}"
    process = subprocess.Popen(["victoria-metrics", f"-storageDataPath={tmp_path}/vm", f"-httpListenAddr={base[7:]}",
                                "-retentionPeriod=100y"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def is_up():
            try:
                return urllib.request.urlopen(base + "/health", timeout=5).status == 200
            except (urllib.error.URLError, OSError):
                return False
        wait_for(is_up)
        text = "".join(line.rsplit(" ", 1)[0] + " " + line.rsplit(" ", 1)[1] + "000\n" for line in SAMPLES.splitlines() if line[0] != "#")
        urllib.request.urlopen(base + "/api/v1/import/prometheus", text.encode(), timeout=30)
        urllib.request.urlopen(base + "/internal/force_flush", timeout=30)
        race = Race(tmp_path, asked(base))
        with race.serve() as server:
            wait_for(lambda: len(race.events()) == 2)
            assert wait_for(lambda: len(rows(server)) == 2 and expected_marks(server))
    finally:
        process.terminate()
        process.wait(30)


def test_a_server_that_is_none_is_told_and_tried_again(tmp_path):
    with Cluster("gotham") as gotham:
        race = Race(tmp_path, asked(gotham.url))
        with race.serve() as server:
            problem = wait_for(lambda: sources(server)["central"]["problem"])
            assert "HTTP status 501" in problem and not sources(server)["central"]["up"]
            failures = sources(server)["central"]["failures"]
            wait_for(lambda: sources(server)["central"]["failures"] > failures)


def test_a_simulated_workshop_through_a_real_prometheus_has_the_rehearsals_completions(tmp_path):
    """96 seats on six clusters with gaps, restarts and repetitions: what the rehearsal found, and its ground truth."""
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        pytest.skip("prometheus is not installed")
    rehearsed = subprocess.run([RAILQUEST, "rehearse", "workshop", "--players", "24", "--clusters", "6", "--seed", "5",
                                "--openmetrics", tmp_path / "samples.txt", "--json", tmp_path / "race.json"],
                               capture_output=True, text=True, timeout=120)
    assert rehearsed.returncode == 0, rehearsed.stderr
    made = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", tmp_path / "samples.txt", tmp_path / "data"],
                          capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stderr
    (tmp_path / "samples.txt").unlink()
    scenario = yaml.load((ROOT / "scenarios/workshop.yaml").read_text(), yaml.BaseLoader)
    prometheus = Prometheus(tmp_path)
    try:
        user = lambda expr, end: f'label_replace({expr}, "user", "$1", "namespace", "(.+){end}")'
        what = {"quest": "workshop", "start": 1728047700, "duration": "150m", "unit": "5m", "step": "5s",
                "variables": scenario["variables"], "exercises": json.loads(json.dumps(scenario["exercises"]).replace('"55"', "55")),
                "participants": {
                    "expr": user('kube_namespace_status_phase{phase="Active",namespace=~".+-workshop-dev"}', "-workshop-dev"),
                    "active": user('kube_deployment_status_replicas_ready{namespace=~".+-devspaces"}', "-devspaces")},
                "sources": [{"name": "central", "prometheus": prometheus.base, "interval": "5s"}]}
        for exercise in what["exercises"]:
            exercise["points"] = {name: {key: float(value) for key, value in own.items()} for name, own in exercise["points"].items()}
        race = Race(tmp_path, what)
        with race.serve() as server:
            wait_for(lambda: sources(server)["central"]["observed"] == 1728047700 + 9000 + 3600, 120)
            final = [(row["rank"], row["user"], row["cluster"], row["done"]) for row in wait_for(lambda: board(server)["rows"])]
        found = json.loads((tmp_path / "race.json").read_text())
        name = lambda event: (event["user"], event["cluster"], event["exercise"])
        expected = {name(event): event["time_s"] for event in found["events"]}
        own = {name(event): (event["t_ms"] - 1728047700000) / 1000 for event in race.events()}
        assert own == expected and len(own) > 30
        truth = {name(event): event["time_s"] for event in found["truth"]}
        for event in race.events():
            low, high = ((event[end] - 1728047700000) / 1000 for end in ("earliest_ms", "latest_ms"))
            assert low <= truth.get(name(event), high) <= high, event
        # Ranks are those of the rehearsal, closed up over the seats where nobody was.
        present = {(row[1], row[2]) for row in final}
        places = [(row["user"], row["cluster"], row["done"]) for row in found["standings"] if (row["user"], row["cluster"]) in present]
        assert [row[1:] for row in final] == places and len(places) < 24
    finally:
        prometheus.stop()


# --- everything at once ---


def points(marks, start, now):
    """author-2024 on a race of an hour in units of five minutes; `now` from the start."""
    ends, weights = [1200, 1800, 2700], [55, 25, 29]
    return sum(weights[i] + (ends[i] - t + start) / 300 + (now - t + start) // 300 + 1 for i, t in enumerate(marks) if t is not None)


def test_six_clusters_with_everything_going_wrong_rank_as_the_ground_truth_does(tmp_path):
    chance = random.Random(20241008)
    ahead = {"atlantis": 0, "central": 30, "gotham": -45, "madripoor": 0, "metropolis": 7, "wakanda": 0}
    clusters = {name: Cluster(name, seconds) for name, seconds in ahead.items()}
    start = int(time.time()) - 3500
    truth, plan = {}, []
    for cluster in clusters.values():
        cluster.seat("rh1")
        plan.append((chance.uniform(0, 20), cluster, "rh1", "hero", start + 50))
        for number in range(4):
            user = f"p{number}"
            cluster.seat(user, active=number < 3)
            if number == 3:
                continue
            marks, t = [], start
            for exercise in ("hero", "villain", "fight"):
                t += chance.randint(300, 1000)
                marks.append(t if chance.random() < 0.85 else None)
                if marks[-1] is None:
                    break
                plan.append((chance.uniform(0, 20), cluster, user, exercise, t))
            truth[user, cluster.name] = marks + [None] * (3 - len(marks))
    # Renamed in the middle of the race; and one who began on one cluster and went on on another.
    gotham, wakanda = clusters["gotham"], clusters["wakanda"]
    gotham.seat("old"), gotham.seat("new"), wakanda.seat("guest"), gotham.seat("guest")
    plan += [(2, gotham, "old", "hero", start + 400), (12, gotham, "new", "villain", start + 1100),
             (3, wakanda, "guest", "hero", start + 500), (14, gotham, "guest", "villain", start + 900),
             (16, gotham, "guest", "hero", start + 700)]
    truth["new", "gotham"] = [start + 400, start + 1100, None]
    truth["guest", "wakanda"] = [start + 500, start + 900, None]
    what = quest(start, [scraped(cluster) for cluster in clusters.values()])
    what["participants"] |= {"hide": ["rh[0-9]+"], "aliases": [{"from": "old@gotham", "to": "new@gotham"},
                                                            {"from": "guest@gotham", "to": "guest@wakanda"}]}
    race = Race(tmp_path, what)
    try:
        server = race.serve()
        # The late cluster is away from the beginning, another for a while, and the program is killed in between.
        clusters["madripoor"].is_down = True
        corrected = lambda: all(abs(sources(server)[name]["corrected_s"] - seconds) <= 0.5
                                for name, seconds in ahead.items() if abs(seconds) >= 2)
        wait_for(corrected, 60)
        begun, killed = time.monotonic(), False
        for at, cluster, user, exercise, t in sorted(plan, key=lambda item: item[0]):
            while time.monotonic() - begun < at:
                passed = time.monotonic() - begun
                clusters["madripoor"].is_down = passed < 11
                clusters["metropolis"].is_down = 5 < passed < 13
                if passed > 9 and not killed:
                    killed = True
                    server.process.send_signal(signal.SIGKILL)
                    server.process.communicate(timeout=20)
                    server = race.serve()
                time.sleep(0.05)
            cluster.complete(user, exercise, at=t)
            if chance.random() < 0.3:  # it flaps
                cluster.set("ready", 0, user=user, exercise=exercise)
                threading.Timer(2.5, cluster.set, ("ready", 1), {"user": user, "exercise": exercise}).start()
        for cluster in clusters.values():
            cluster.is_down = False
        count = sum(mark is not None for marks in truth.values() for mark in marks)
        wait_for(lambda: sum(row["done"] for row in board(server)["rows"]) >= count, 60)
        wait_for(lambda: board(server)["state"] == "finished" or time.time() < start + 3600, 60)
        own = board(server)
        marks = {(row["user"], row["cluster"]): [mark and mark["at_s"] + start for mark in row["exercises"]] for row in own["rows"]}
        assert marks == truth
        now = own["now_s"]
        order = lambda key: (-points(truth[key], start, now), -sum(mark is not None for mark in truth[key]),
                             sorted((mark for mark in truth[key] if mark is not None), reverse=True), f"{key[0]}@{key[1]}")
        assert [(row["user"], row["cluster"]) for row in own["rows"]] == sorted(truth, key=order)
        for row in own["rows"]:
            assert row["score"] == pytest.approx(points(truth[row["user"], row["cluster"]], start, now))
        server.process.send_signal(signal.SIGTERM)
        server.process.communicate(timeout=20)
    finally:
        server.process.poll() is None and server.process.kill()
        for cluster in clusters.values():
            cluster.__exit__()
