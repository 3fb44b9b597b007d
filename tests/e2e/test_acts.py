"""What people do to a running race over HTTP, and what the public sees of one whose board is frozen."""
import json
import subprocess
import time

from clusters import Cluster
from serving import RAILQUEST, Server, Stream
from test_live import TOKEN, Race, board, push, pushed_quest, quest, rows, scraped, sources, wait_for

ADMIN = "a-token-of-the-jury"


def admin_race(folder, start, **more):
    (folder / "admin.token").write_text(ADMIN + "\n")
    return Race(folder, pushed_quest(start) | {"admin": {"token_file": "admin.token"}} | more)


def act(server, body, token=ADMIN):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    status, _, text = server.request("/api/quest/acts", json.dumps({"who": "anna", "why": "a test"} | body), headers)
    return status, json.loads(text)


def complete(server, user, at, cluster="gotham"):
    assert push(server, {"user": user, "cluster": cluster, "exercise": "hero", "condition": "quiz", "time": at})[0] == 200


def get(server, path):
    status, _, text = server.request(path)
    return status, text.decode()


def test_acts_need_the_admin_token_and_say_what_is_wrong(tmp_path):
    start = int(time.time()) - 600
    with admin_race(tmp_path, start).serve() as server:
        complete(server, "batman", start + 100)
        wait_for(lambda: rows(server).get("batman@gotham", {}).get("done") == 1)
        void = {"act": "void", "player": "gotham/batman", "exercise": "hero"}
        assert act(server, void, token=None)[0] == 401
        assert act(server, void, token=TOKEN)[0] == 401  # whoever may push may not act
        for wrong, says in (({"act": "party"}, '"act" must be void'), ({"act": "void", "of": 99}, "no event of that number"),
                            ({"act": "void", "of": "1"}, "number of an event"), (void | {"who": 3}, '"who" must be a text'),
                            (void | {"why": ""}, "who does it and why"), (void | {"exercise": "zero"}, "there are hero"),
                            (void | {"zest": 1}, '"zest" is not known'), ({"act": "completion"}, "no acts of people"),
                            ({"act": "add", "player": "gotham/batman", "exercise": "hero", "time": "soon"}, "is no instant"),
                            ({"act": "thaw"}, "has no freeze")):
            status, answer = act(server, wrong)
            assert (status, answer["status"]) == (400, "error") and says in answer["error"], (wrong, answer)
        for places, says in ((0, "1 to "), (1e9, "whole number"), (10**9, "1 to "), ("3", "whole number")):
            status, answer = act(server, {"act": "prize", "places": places})
            assert status == 400 and says in answer["error"], answer
        # A page of another site cannot act for whoever is logged in.
        assert server.request("/api/quest/acts", json.dumps(void), {
            "Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json", "Origin": "http://evil.example"})[0] == 403
        assert json.loads(get(server, "/api/quest/verify")[1])["ok"]


def test_without_an_admin_token_nobody_acts_over_http(tmp_path):
    with Race(tmp_path, pushed_quest(int(time.time()) - 600)).serve() as server:
        status, answer = act(server, {"act": "void", "of": 1})
        assert status == 403 and "names no admin token" in answer["error"]


def test_every_act_is_an_event_that_another_takes_back(tmp_path):
    start = int(time.time()) - 600
    race = admin_race(tmp_path, start, environments=["dev", "prod"], environment="prod", prize=1)
    with race.serve() as server:
        complete(server, "batman", start + 100)
        complete(server, "robin", start + 130)
        wait_for(lambda: sum(row["done"] for row in rows(server).values()) == 2)

        def score(user="batman@gotham"):
            return rows(server)[user]["score"]

        def done(body, seen):
            before = score()
            status, answer = act(server, body)
            assert status == 200, answer
            event = answer["data"]["event"]
            assert (event["kind"], event["who"], event["why"]) == (body["act"], "anna", "a test")
            assert event["after"] and len(answer["data"]["hash"]) == 64
            wait_for(seen, 5)
            status, answer = act(server, {"act": "undo", "of": event["n"]})
            assert status == 200, answer
            wait_for(lambda: abs(score() - before) < 2, 5)  # the ramp goes on
            return event

        plain = score()
        done({"act": "void", "player": "gotham/batman", "exercise": "hero"}, lambda: score() == 0)
        done({"act": "adjust", "player": "gotham/batman", "points": -30.5}, lambda: score() < plain - 20)
        done({"act": "add", "player": "gotham/batman", "exercise": "hero", "time": start + 10},
             lambda: rows(server)["batman@gotham"]["exercises"][0]["at_s"] == 10)
        outage = done({"act": "exclude", "cluster": "gotham", "from": "10s", "to": 40},
                      lambda: rows(server)["batman@gotham"]["exercises"][0]["at_s"] == 70)
        assert (outage["from_ms"], outage["to_ms"]) == ((start + 10) * 1000, (start + 40) * 1000)
        done({"act": "prize", "places": 2}, lambda: board(server)["prize_line"] == 2)
        assert board(server)["prize_line"] == 1
        done({"act": "switch-env", "env": "dev"}, lambda: board(server)["state"] == "running")
        explained = json.loads(get(server, "/api/quest/explain?player=gotham/batman")[1])
        assert abs(sum(line["points"] for line in explained["lines"]) - explained["score"]) < 1e-9
        checked, head = json.loads(get(server, "/api/quest/verify")[1]), json.loads(get(server, "/api/quest/head")[1])
        assert checked == {"ok": True, "events": head["events"], "head": head["head"], "bad": None}
    verified = subprocess.run([RAILQUEST, "verify", "--log", race.log], capture_output=True, text=True, check=True)
    assert f"OK {head['events']} events, head {head['head']}" in verified.stdout


def test_photo_finishes_and_prizes_are_on_the_live_board(tmp_path):
    start = int(time.time()) - 600
    race = admin_race(tmp_path, start, prize={"places": 1, "ties": "jury"}, languages=["fr"], freeze="50m", title="Course")
    with race.serve() as server:
        complete(server, "batman", start + 100)
        complete(server, "robin", start + 100)
        complete(server, "alfred", start + 200)
        wait_for(lambda: sum(row["done"] for row in rows(server).values()) == 3)
        shown = board(server)
        assert (shown["prize_line"], shown["prize_ties"], shown["languages"]) == (1, "jury", ["fr"])
        assert (shown["freeze_s"], shown["state"], shown["title"]["fr"]) == (3000, "running", "Course")
        exported = json.loads(get(server, "/api/quest/export?format=json")[1])["rows"]
        seen = rows(server)
        assert [seen[f"{user}@gotham"]["on_line"] for user in ("batman", "robin", "alfred")] == [True, True, False]
        for row in exported:
            for field in ("prize", "on_line", "photo_finish"):
                assert seen[f"{row['user']}@{row['cluster']}"][field] == row[field], (row, field)


def test_awards_complete_exercises_and_photo_finishes_are_looked_at(tmp_path):
    start = int(time.time()) - 600
    what = pushed_quest(start) | {"admin": {"token_file": "admin.token"}}
    hero, = what["exercises"]
    what["exercises"] = [hero, hero | {"name": "talk", "conditions": [{"name": "heard", "award": True}, {"name": "liked", "award": True}]}]
    (tmp_path / "admin.token").write_text(ADMIN + "\n")
    race = Race(tmp_path, what)
    with race.serve() as server:
        award = {"act": "award", "player": "gotham/batman", "exercise": "talk", "condition": "heard", "time": "2m"}
        for wrong, says in (({"condition": "quiz"}, "is awarded"), ({"exercise": "hero"}, "is awarded"), ({"player": ""}, "names a player"),
                            ({"exercise": "zero"}, "there are hero, talk"), ({"env": "qa"}, "no environment")):
            status, answer = act(server, award | wrong)
            assert status == 400 and says in answer["error"], (wrong, answer)
        heard = act(server, award)[1]["data"]["event"]
        assert heard["after"] == "heard holds since 2:00"
        assert "the first stays" in act(server, award | {"time": "1m"})[1]["error"]
        liked = act(server, award | {"condition": "liked", "time": "3m"})[1]["data"]["event"]
        # Both hold since the third minute; without one of them it would not have been complete.
        mark = wait_for(lambda: rows(server).get("batman@gotham", {}).get("exercises", [None, None])[1])
        assert mark["at_s"] == 180
        completion, = race.events()
        assert completion["n"] > liked["n"] and completion["exercise"] == "talk"
        # A look is had at what happened so far, by somebody who takes part.
        assert act(server, {"act": "confirm", "player": "gotham/nobody"})[0] == 400
        look = act(server, {"act": "confirm", "player": "batman"})[1]["data"]["event"]
        assert (look["user"], look["cluster"]) == ("batman", "gotham")
        assert "looked at already" in act(server, {"act": "confirm", "player": "batman"})[1]["error"]
        assert act(server, {"act": "undo", "of": look["n"]})[0] == 200
        assert act(server, {"act": "confirm", "player": "batman"})[0] == 200
        assert json.loads(get(server, "/api/quest/verify")[1])["ok"]


def test_a_look_at_a_photo_finish_is_seen_on_the_board(tmp_path):
    start = int(time.time()) - 600
    with Cluster("gotham") as gotham:
        gotham.seat("batman"), gotham.seat("robin")
        what = quest(start, [scraped(gotham)], exercises=("hero",), instant=False, admin={"token_file": "admin.token"})
        (tmp_path / "admin.token").write_text(ADMIN + "\n")
        with Race(tmp_path, what).serve() as server:
            wait_for(lambda: sources(server)["gotham"]["rounds"] >= 3)
            # Seen within the same round: nobody knows who was first.
            gotham.complete("batman", "hero"), gotham.complete("robin", "hero")
            wait_for(lambda: sum(row["done"] for row in rows(server).values()) == 2)
            photo, = [row for row in rows(server).values() if row["photo_finish"]]
            assert not photo["photo_finish"]["confirmed"]
            assert act(server, {"act": "confirm", "player": photo["id"]})[0] == 200
            wait_for(lambda: rows(server)[photo["id"]]["photo_finish"]["confirmed"], 5)


def test_a_frozen_board_tells_nothing_until_its_thaw(tmp_path):
    start = int(time.time()) - 602
    race = admin_race(tmp_path, start, freeze=f"{602 + 6}s")
    with race.serve() as server:
        complete(server, "batman", start + 300)
        wait_for(lambda: rows(server).get("batman@gotham", {}).get("done") == 1)
        wait_for(lambda: board(server)["state"] == "frozen")
        before = board(server)
        complete(server, "robin", start + 10)  # earlier than batman: he leads
        act(server, {"act": "adjust", "player": "gotham/batman", "points": 500})
        time.sleep(1.5)
        after = board(server)
        assert after.pop("clock_s") > before.pop("clock_s")
        assert after == before and "robin" not in json.dumps(after)
        for path in ("/api/quest/curves", "/api/quest/events", "/api/quest/export?format=csv", "/api/quest/export?format=html",
                     "/api/quest/export?format=json", "/api/quest/export?format=contest", "/metrics", "/",
                     "/api/quest/explain?player=gotham/batman"):
            status, text = get(server, path)
            assert status == 200 and "robin" not in text, path
        assert "frozen" in get(server, "/api/quest/export?format=ndjson")[1]
        with Stream(server, "/api/quest/stream") as stream:
            told = [stream.event() for _ in range(4)]
        assert any(event.get("event") == "standings" for event in told) and "robin" not in json.dumps(told)
        assert get(server, "/api/quest/explain?player=gotham/robin")[0] == 400
        thaw = act(server, {"act": "thaw"})[1]["data"]["event"]
        wait_for(lambda: "robin@gotham" in rows(server), 5)
        assert board(server)["state"] == "running" and rows(server)["batman@gotham"]["score"] > 500
        assert act(server, {"act": "thaw"})[0] == 400
        act(server, {"act": "undo", "of": thaw["n"]})
        wait_for(lambda: board(server)["state"] == "frozen", 5)
        assert "robin@gotham" not in rows(server)
    with Server([RAILQUEST, "serve", "--quest", race.file, "--log", race.log, "--listen", "127.0.0.1:0"]) as server:
        assert wait_for(lambda: board(server)["state"] == "frozen") and "robin@gotham" not in rows(server)
