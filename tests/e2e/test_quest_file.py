"""Quest files: the examples are right for the program and for editors, and both refuse the same mistakes."""
import json
import subprocess

import jsonschema
import pytest
import yaml

from serving import RAILQUEST, ROOT

SCHEMA = json.loads((ROOT / "docs/quest.schema.json").read_text())
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


class Loader(yaml.SafeLoader):
    """Instants stay the texts that they are."""


Loader.yaml_implicit_resolvers = {first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
                                  for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def for_editors(text):
    errors = jsonschema.Draft202012Validator(SCHEMA).iter_errors(yaml.load(text, Loader))
    return [error.message for error in errors]


def check(*words):
    return subprocess.run([RAILQUEST, "check", "quest", *words], capture_output=True, text=True, timeout=60)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_right(path):
    assert for_editors(path.read_text()) == []
    told = check(path)
    assert told.returncode == 0, told.stderr


def test_the_minimal_example_has_twelve_lines():
    assert len((ROOT / "examples/minimal.yaml").read_text().splitlines()) == 12


MINIMAL = yaml.load((ROOT / "examples/minimal.yaml").read_text(), Loader)


def changed(change):
    race = json.loads(json.dumps(MINIMAL))
    change(race)
    return yaml.safe_dump(race)


MISTAKES = {
    "an unknown key": lambda race: race.update(freze="1h"),
    "no exercises": lambda race: race.pop("exercises"),
    "no start": lambda race: race.pop("start"),
    "a duration that is none": lambda race: race.update(duration="long"),
    "a language that is not spoken": lambda race: race.update(languages=["de"]),
    "a source without an address": lambda race: race["sources"][0].pop("prometheus"),
    "a source that is asked and scraped": lambda race: race["sources"][0].update(scrape=["http://x/metrics"]),
    "a source without a name": lambda race: race["sources"][0].pop("cluster"),
    "an unknown key of a source": lambda race: race["sources"][0].update(token="secret"),
    "a condition without anything": lambda race: race["exercises"][0]["conditions"][0].pop("expr"),
    "a condition with two kinds": lambda race: race["exercises"][0]["conditions"][0].update(award=True),
    "no conditions": lambda race: race["exercises"][0].update(conditions=[]),
    "a probe without an address": lambda race: race["exercises"][0].update(conditions=[{"name": "x", "probe": {}}]),
    "a scoring without a formula": lambda race: race.update(scorings=[{"name": "mine"}]),
    "an alias that goes nowhere": lambda race: race.update(participants={"aliases": [{"from": "a@b"}]}),
    "a prize of minus one": lambda race: race.update(prize=-1),
    "clocks that are fixed": lambda race: race.update(clocks="fix"),
    "a spread without a median": lambda race: race["exercises"][0].update(duration={"spread": 0.3}),
    "ramps of a preset": lambda race: race["exercises"][0].update(points={"author-2024": {"ramp": 1}}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_for_both(mistake, tmp_path):
    path = tmp_path / "race.yaml"
    path.write_text(changed(MISTAKES[mistake]))
    assert for_editors(path.read_text())
    told = check(path)
    assert told.returncode == 1
    assert f"{path}:" in told.stderr


# Every key that the reader knows is in the schema, and the other way round: what the program lists when a key is unknown.
PLACES = {
    "": lambda race: race,
    "participants": lambda race: race.setdefault("participants", {}),
    "exercise": lambda race: race["exercises"][0],
    "condition": lambda race: race["exercises"][0]["conditions"][0],
    "probe": lambda race: race["exercises"][0]["conditions"].__setitem__(0, {"name": "x", "probe": {"url": "http://x"}})
    or race["exercises"][0]["conditions"][0]["probe"],
    "source": lambda race: race["sources"][0],
}


@pytest.mark.parametrize("place", PLACES)
def test_program_and_editors_know_the_same_keys(place, tmp_path):
    path = tmp_path / "race.yaml"
    path.write_text(changed(lambda race: PLACES[place](race).update(zzzzzz=1)))
    told = check(path).stderr
    schema = SCHEMA if place == "" else SCHEMA["properties"].get(place) or SCHEMA["$defs"][place]
    assert set(told.split("it has: ")[1].split("\n")[0].split(", ")) == set(schema["properties"])


def test_json_has_an_object_for_each_file(tmp_path):
    wrong, broken, absent = tmp_path / "wrong.yaml", tmp_path / "broken.yaml", tmp_path / "absent.yaml"
    wrong.write_text((ROOT / "examples/minimal.yaml").read_text().replace("unit: 5m", "unit: \"five\""))
    broken.write_text("quest: [\n")
    example = ROOT / "examples/open-code-quest-2024.yaml"
    told = check("--json", example, wrong, broken, absent)
    assert told.returncode == 1 and told.stderr == ""
    right, *others = json.loads(told.stdout)
    warnings = right.pop("warnings")
    assert right == {"file": str(example), "ok": True, "quest": "open-code-quest-2024", "start": 1728393300, "duration_s": 9000,
                     "exercises": 3, "conditions": 9, "sources": 6, "scoring": "author-2024", "env": "prod"}
    # Six sources and the organisers have a token each, and none of them is here.
    assert len(warnings) == 7 and all("cannot be read" in warning for warning in warnings)
    assert [(own["file"], own["ok"]) for own in others] == [(str(path), False) for path in (wrong, broken, absent)]
    assert (others[0]["line"], others[0]["column"]) == (4, 7) and "five" in others[0]["error"]
    assert str(wrong) not in others[0]["error"], "the place is told apart"
    assert others[1]["line"] >= 1 and "line" not in others[2] and str(absent) in others[2]["error"]
    assert check("--json", ROOT / "examples/minimal.yaml").returncode == 0


def test_json_tells_names_that_must_be_escaped(tmp_path):
    path = tmp_path / 'a "quoted"\nname.yaml'
    path.write_text("quest: [\n")
    assert json.loads(check("--json", path).stdout)[0]["file"] == str(path)


@pytest.mark.parametrize("url, is_clear", [
    ("http://prometheus.example:9090", True), ("http://10.0.0.1", True), ("http://127.0.0.1.example", True),
    ("http://localhost.example/x", True), ("http://[2001:db8::1]:9090", True),
    ("https://prometheus.example", False), ("http://127.0.0.1:9090", False), ("http://127.1.2.3/x", False),
    ("http://localhost", False), ("http://[::1]:9090/prometheus", False)])
def test_a_secret_that_would_go_to_another_machine_in_clear_is_warned_of(url, is_clear, tmp_path):
    (tmp_path / "token").write_text("a secret")
    path = tmp_path / "race.yaml"
    places = {
        "bearer": lambda race: race["sources"][0].update(prometheus=url, bearer_token_file="token"),
        "password": lambda race: race["sources"][0].update(prometheus=url, user="me", password_file="token"),
        "scrape": lambda race: (race["sources"][0].pop("prometheus"),
                                race["sources"][0].update(scrape=[url + "/metrics"], bearer_token_file="token")),
        "probe": lambda race: race["exercises"][0].update(conditions=[
            {"name": "answers", "probe": {"url": url + "/{user}", "bearer_token_file": "token"}}]),
    }
    for place, change in places.items():
        path.write_text(changed(change))
        own, = json.loads(check("--json", path).stdout)
        assert own["ok"] and ["in clear" in warning for warning in own["warnings"]] == [True] * is_clear, (place, own)
        assert "a secret" not in json.dumps(own)
    path.write_text(changed(lambda race: race["sources"][0].update(prometheus=url)))
    assert json.loads(check("--json", path).stdout)[0]["warnings"] == [], "without a secret there is nothing to read"
