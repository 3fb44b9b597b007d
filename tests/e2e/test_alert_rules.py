"""The alert rules for trains, as Prometheus reads them: their own tests pass, and they ask for metrics that the monitor has."""
import pathlib
import re
import shutil
import subprocess

import pytest

from mqtt import broker, needs_mosquitto  # noqa: F401 (a fixture)
from railway import Service
from serving import ROOT

RULES = pathlib.Path(ROOT) / "docs/alerts/railquest-train.rules.yml"
pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not here (./setup --test)")


def promtool(*words):
    done = subprocess.run(["promtool", *map(str, words)], cwd=RULES.parent, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_promtool_takes_the_rules_and_their_tests_pass():
    for words in (("check", "rules", RULES.name), ("test", "rules", "railquest-train.test.yml")):
        code, text = promtool(*words)
        assert code == 0 and "SUCCESS" in text, text


def test_a_rule_that_is_wrong_fails_its_test(tmp_path):
    for file in RULES.parent.iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace("railquest_train_up == 0", "railquest_train_up == 1"))
    done = subprocess.run(["promtool", "test", "rules", "railquest-train.test.yml"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0


@needs_mosquitto
def test_the_monitor_has_every_metric_that_a_rule_asks_for(broker):  # noqa: F811
    broker.start()
    monitor = Service("monitor", broker)
    told = monitor.ask("/metrics")[1]
    assert monitor.close() == 0
    names = set(re.findall(r"railquest_[a-z_]+", " ".join(re.findall(r"expr: (.*)", RULES.read_text()))))
    assert len(names) == 3
    for name in names:
        assert f'\n{name}{{train="train"}} ' in told, (name, told)
