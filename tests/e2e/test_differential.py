"""Short runs of the differential tests; `make soak` and `make differential` run them for long, with seeds of their own."""
import os
import subprocess
import sys

import pytest

from serving import RAILQUEST, ROOT


def test_random_rules_and_queries_give_what_promtool_gives():
    done = subprocess.run([sys.executable, ROOT / "tests/differential/random_rules.py", "--rounds", "25",
                           "--program", RAILQUEST], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr


def test_random_queries_give_what_prometheus_gives():
    done = subprocess.run([sys.executable, ROOT / "tests/differential/random_queries.py", "--queries", "10000", "--program", RAILQUEST],
                          capture_output=True, text=True, timeout=900, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    print(done.stdout)
