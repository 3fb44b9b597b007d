"""A short run of the differential test; `make soak` runs it for long, with seeds of its own."""
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
