"""
/api/quest, the live stream and the pages on a race whose completions are known (tests/support/fake_rehearsal.c):
catwoman hero 50 s (seen first not done at 45), superman hero 52.5 (seen at 55), batman hero 65 and villain 70.
"""
import json
import re
import time

import pytest

from serving import BUILD, Server, Stream

FAKE = BUILD / "tests" / "support" / "fake_serve"


def wait_for_end(server):
    for _ in range(400):
        if json.loads(server.request("/api/quest/standings")[2])["state"] == "finished":
            return
        time.sleep(0.02)
    raise AssertionError("the race does not end")


@pytest.fixture(scope="module")
def server():
    with Server([FAKE]) as running:
        wait_for_end(running)
        yield running


def get(server, target):
    status, headers, body = server.request(target)
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "application/json", "no-store"), body
    return json.loads(body)


def test_standings_say_what_is_raced_and_how_far_it_got(server):
    board = get(server, "/api/quest/standings")
    rows = board.pop("rows")
    exercises = board.pop("exercises")
    assert board == {
        "schema": 1, "scenario": "fake", "seed": 0, "scoring": "author-2024", "scoring_version": 3, "state": "finished", "live": True,
        "run": 1, "seq": 6, "start": 1795303425, "now_s": 150, "end_s": 150, "unit_s": 5, "speed": None,
        "delta_window_s": 10, "prize_line": 2, "suspense": {"contenders": 0}, "lead_changes": 1, "players": 4, "active": 3,
        "clusters": ["gotham", "metropolis"], "prize_ties": "split", "clock_s": 150, "freeze_s": None,
        "languages": ["en", "fr"]}
    assert [row["prize"] for row in rows] == [True, True, False, False]
    assert [(row["name"], row["end_s"], row["done"]) for row in exercises] == [
        ("hero", 50, 3), ("villain", 100, 1), ("fight", 150, 0)]
    assert [(row["rank"], row["id"], row["score"], row["done"]) for row in rows] == [
        (1, "batman@gotham", 53, 2), (2, "catwoman@gotham", 30, 1), (3, "superman@metropolis", 29, 1),
        (4, "invisible<man>@metropolis", 0, 0)]
    assert rows[1]["exercises"] == [{"at_s": 50, "low_s": 45, "high_s": 50}, None, None]


def test_standings_of_an_instant_are_those_of_then(server):
    board = get(server, "/api/quest/standings?at=60")
    assert (board["now_s"], board["live"], board["seq"], board["active"]) == (60, False, 3, 2)
    assert [row["id"] for row in board["rows"]][:2] == ["catwoman@gotham", "superman@metropolis"]
    assert board["suspense"] == {"contenders": 2, "until_s": 149}
    assert get(server, "/api/quest/standings?at=1m") == board
    assert get(server, "/api/quest/standings?at=1795303485") == board
    assert get(server, "/api/quest/standings?at=2026-11-21T23:24:45Z") == board


def test_before_the_start_is_the_start_and_after_now_is_now(server):
    assert get(server, "/api/quest/standings?at=-5")["now_s"] == 0
    later = get(server, "/api/quest/standings?at=10h")
    assert (later["now_s"], later["rows"]) == (150, get(server, "/api/quest/standings")["rows"])


def test_ranks_won_within_two_units_are_told(server):
    # At 70 batman is first; at 60 he shared the third place with one other.
    row = get(server, "/api/quest/standings?at=70")["rows"][0]
    assert (row["id"], row["rank"], row["delta"]) == ("batman@gotham", 1, 2)


@pytest.mark.parametrize("target", ["standings?at=noon", "curves?points=1", "curves?points=x", "curves?top=0",
                                    "events?since=-1", "events?limit=0", "events?at=%22"])
def test_a_bad_parameter_says_what_would_be_right(server, target):
    status, headers, body = server.request("/api/quest/" + target)
    answer = json.loads(body)
    assert (status, headers["Content-Type"], answer["errorType"]) == (400, "application/json", "bad_data")
    assert re.match(r'invalid parameter "\w+": ".*" is ', answer["error"])


def test_events_come_in_the_order_in_which_they_were_learnt(server):
    answer = get(server, "/api/quest/events")
    assert answer["seq"] == 6
    assert [(event["seq"], event["kind"], event["at_s"], event["seen_s"], event["user"])
            for event in answer["events"]] == [
        (1, "completion", 50, 50, "catwoman"), (2, "lead", 50, 50, "catwoman"),
        (3, "completion", 52.5, 55, "superman"), (4, "completion", 65, 65, "batman"),
        (5, "completion", 70, 70, "batman"), (6, "lead", 70, 70, "batman")]
    assert [event["nth"] for event in answer["events"] if event.get("exercise") == "hero"] == [1, 2, 3]
    assert answer["events"][1]["previous"] is None
    assert answer["events"][5]["previous"] == "catwoman@gotham"


def test_events_may_be_asked_for_from_one_on_up_to_an_instant_and_only_the_newest(server):
    def numbers(query):
        return [event["seq"] for event in get(server, "/api/quest/events" + query)["events"]]
    assert numbers("?since=4") == [5, 6]
    assert numbers("?since=99") == []
    assert numbers("?limit=2") == [5, 6]
    assert numbers("?at=55") == [1, 2, 3]


def test_curves_end_now_and_have_as_many_columns_as_asked_for(server):
    curves = get(server, "/api/quest/curves?points=5")
    assert curves["times_s"] == [0, 40, 80, 120, 150]
    assert [series["user"] for series in curves["series"]] == ["batman", "catwoman", "superman", "invisible<man>"]
    assert curves["series"][0]["scores"] == [0, 0, 25, 41, 53]
    assert [(lead["at_s"], lead["user"]) for lead in curves["lead_changes"]] == [(50, "catwoman"), (70, "batman")]
    assert len(get(server, "/api/quest/curves")["times_s"]) == 31
    assert len(get(server, "/api/quest/curves?top=2")["series"]) == 2
    assert get(server, "/api/quest/curves?at=60")["times_s"][-1] == 60


def test_the_curves_of_an_instant_are_its_standings(server):
    for at in [0, 50, 65, 150]:
        board = get(server, f"/api/quest/standings?at={at}")
        curves = get(server, f"/api/quest/curves?at={at}")
        assert [(row["id"], row["score"]) for row in board["rows"]] == [
            (series["id"], series["scores"][-1]) for series in curves["series"]]


def test_a_stream_begins_with_the_board_and_says_when_it_is_over(server):
    with Stream(server, "/api/quest/stream") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.event() == {"retry": "2000"}
        board = stream.event()
        assert board["event"] == "standings"
        assert json.loads(board["data"]) == get(server, "/api/quest/standings")
        assert stream.event() == {"event": "end", "data": '{"run":1}'}


def test_a_stream_goes_on_after_the_last_event_that_was_seen(server):
    with Stream(server, "/api/quest/stream", "Last-Event-ID: 1-4\r\n") as stream:
        events = [stream.event() for _ in range(4)]
    assert [event.get("id") for event in events] == [None, "1-5", "1-6", None]
    assert [event.get("event") for event in events] == [None, "completion", "lead", "standings"]
    assert json.loads(events[2]["data"]) == get(server, "/api/quest/events")["events"][5]


@pytest.mark.parametrize("last", ["1-99", "7-1", "x", "1-", "-", "1--3"])
def test_an_event_id_that_is_none_of_this_race_s_starts_with_now(server, last):
    with Stream(server, "/api/quest/stream", f"Last-Event-ID: {last}\r\n") as stream:
        assert stream.event() == {"retry": "2000"}
        assert stream.event()["event"] == "standings"


def test_a_race_is_pushed_as_it_goes_at_most_once_a_second():
    # 150 virtual seconds at 50 a second: three seconds.
    with Server([FAKE, "127.0.0.1:0", "50"]) as server, Stream(server, "/api/quest/stream") as stream:
        boards, events, began = [], [], time.monotonic()
        while (event := stream.event())["event" if "event" in event else "retry"] != "end":
            if event.get("event") == "standings":
                boards.append((time.monotonic() - began, json.loads(event["data"])))
            elif "event" in event:
                events.append(json.loads(event["data"]))
        assert 2.5 < time.monotonic() - began < 6
        assert [event["seq"] for event in events] == [1, 2, 3, 4, 5, 6]
        now = [board["now_s"] for _, board in boards]
        assert now == sorted(set(now)) and now[-1] == 150
        assert 3 <= len(boards) <= 6
        assert boards[-1][1] == json.loads(server.request("/api/quest/standings")[2])


def test_a_loop_starts_a_new_run():
    with Server([FAKE, "127.0.0.1:0", "0", "loop"]) as server:
        wait_for_end(server)
        with Stream(server, "/api/quest/stream") as stream:
            stream.socket.settimeout(25)
            kinds = []
            while True:
                event = stream.event()
                kinds.append(event.get("event"))
                if event.get("id", "").startswith("2-"):
                    break
        assert kinds[:3] == [None, "standings", "end"]
        assert json.loads(server.request("/api/quest/standings")[2])["run"] == 2


def test_the_home_page_has_the_standings_without_javascript(server):
    for headers, target, caption, points in [
            ({}, "/", "Standings, at 0:02:30", "53.0"), ({}, "/?lang=fr", "Classement, à 0:02:30", "53,0"),
            ({"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.8"}, "/", "Classement, à", "53,0"),
            ({"Accept-Language": "en-GB,fr;q=0.5"}, "/", "Standings, at", "53.0"),
            ({"Accept-Language": "fr"}, "/?lang=en", "Standings, at", "53.0")]:
        status, sent, body = server.request(target, headers=headers)
        page = body.decode()
        assert (status, sent["Content-Type"]) == (200, "text/html; charset=utf-8")
        table = re.search(r"<noscript>\s*<table.*</table>\s*</noscript>", page, re.DOTALL)[0]
        assert f"<caption>{caption}" in table
        assert re.search(rf"<td>1</td><th scope=\"row\">batman</th><td>gotham</td>.*<td>{points}</td>", table)
        assert "invisible&#60;man&#62;" in table and "invisible<" not in page


def test_stage_and_every_file_of_the_pages_are_served(server):
    pages = [server.request(path)[2].decode() for path in ("/", "/stage")]
    files = sorted(set(re.findall(r'(?:src|href)="\.?(/[^"]+)"', "".join(pages))))
    assert files
    for path in files:
        status, headers, body = server.request(path)
        assert (status, len(body) > 0) == (200, True), path
        status, headers, _ = server.request(path, headers={"If-None-Match": headers["ETag"]})
        assert status == 304, path


def test_the_program_tells_of_itself(server):
    status, headers, body = server.request("/metrics")
    text = body.decode()
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'leaderboard_points{user="batman",cluster="gotham"} 53\n' in text
    assert 'leaderboard_completed{user="batman",cluster="gotham"} 2\n' in text
    assert "leaderboard_now_seconds 150\n" in text
    resident = float(re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)[1])
    assert 0.8 < resident / 1024 / server.memory_kib() < 1.25
    for name in set(re.findall(r"^([a-z_]+)[{ ]", text, re.MULTILINE)):
        assert f"# TYPE {name} " in text


def test_it_is_ready_and_healthy(server):
    assert server.request("/-/ready")[0] == 200
    assert server.request("/-/healthy")[0] == 200
    assert server.request("/-/ready", method="HEAD")[0] == 200
