"""The schemas in docs/wire take and refuse the same messages as the program does (its side: `wire_cases`)."""
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = [case for case in json.loads((ROOT / "tests/conformance/wire/cases.json").read_text())
         if "message" in case]
jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is not installed (./setup --test)")


def validator(kind):
    schema = json.loads((ROOT / f"docs/wire/{kind}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}: {case['name']}")
def test_schema_and_program_agree(case):
    # "schema": "passes" marks what no schema can see: the bytes behind the line.
    good = "error" not in case or case.get("schema") == "passes"
    problems = [error.message for error in validator(case["kind"]).iter_errors(case["message"])]
    assert (not problems) == good, problems or "the schema takes what the program refuses"


def test_every_kind_has_good_and_bad_cases():
    kinds = {path.name.removesuffix(".schema.json") for path in (ROOT / "docs/wire").glob("*.schema.json")}
    assert kinds == {case["kind"] for case in CASES if "error" in case}
    assert kinds == {case["kind"] for case in CASES if "error" not in case}
