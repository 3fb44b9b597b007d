"""/api/v1/format_query beside Debian's Prometheus: random expressions, laid out to the same lines."""
import json
import os
import pathlib
import random
import shutil
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("RAILQUEST", ROOT / "build/bin/railquest"))
sys.path.insert(0, str(ROOT / "tests/differential"))

import queries  # noqa: E402
import servers  # noqa: E402

EXPRESSIONS = 1000


def expressions(chance):
    """One in two longer than a line."""
    while True:
        text, _ = queries.Grammar(chance).expression(True)
        while chance.random() < 0.5:
            text += f" {chance.choice(['+', 'or', 'and', '/'])} {queries.Grammar(chance).vector(3).text}"
        # What 3.0 renamed is another name, so other lines.
        if "holt_winters" not in text:
            yield text


@pytest.mark.skipif(not shutil.which("prometheus"), reason="Debian's prometheus is not installed")
def test_random_expressions_are_laid_out_as_prometheus_does(tmp_path):
    (tmp_path / "data.prom").write_text("up 1\n")
    source, split = expressions(random.Random(4)), 0
    with servers.prometheus(tmp_path, []) as theirs, servers.railquest(PROGRAM, [tmp_path / "data.prom"]) as ours:
        asked = [servers.Connection(server.port) for server in (ours, theirs)]
        for _ in range(EXPRESSIONS):
            text = next(source)
            for connection in asked:
                connection.ask("/api/v1/format_query", {"query": text})
            left, right = (json.loads(connection.answer()[1]) for connection in asked)
            if right["status"] == "success":
                assert left["status"] == "success" and left["data"] == right["data"], text
                split += "\n" in right["data"]
    assert split > EXPRESSIONS / 4
