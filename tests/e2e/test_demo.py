"""`make demo` from nothing: what it builds is all that it opens."""
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.request

import pytest

from mqtt import needs_mosquitto
from railway import wait_until
from serving import BUILD, ROOT, is_sanitized, ninja

WAIT_S = 60


def targets_of_the_demo():
    """What `make demo` has ninja build, as make tells it without doing it."""
    told = subprocess.run(["make", "-n", "-C", ROOT, "demo"], capture_output=True, text=True, check=True).stdout
    found = [name for line in re.findall(r"ninja -C build (.*)", told) for name in line.split()]
    assert "programs" in found, told
    return found


def products(target):
    """Files that it builds: an alias is what it stands for, a file itself."""
    told = subprocess.run(["ninja", "-C", BUILD, "-t", "query", target], capture_output=True, text=True, check=True).stdout
    rule, _, names = told.partition("  input: ")[2].partition("  outputs:")[0].partition("\n")
    return [name.split()[-1] for name in names.splitlines()] if rule == "phony" else [target]


@pytest.fixture
def clone(tmp_path):
    """The demo's script, and of the build folder the demo's targets alone. Programs look for what is beside themselves, so no links."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/demo", tmp_path / "scripts")
    for target in targets_of_the_demo():
        ninja(target)
        for name in products(target):
            path = tmp_path / "build" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(BUILD / name, path)
    return tmp_path


class Demo:
    def __init__(self, folder):
        self.process = subprocess.Popen([folder / "scripts/demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env={**os.environ, "DURATION": "5m"}, start_new_session=True)
        self.log, self.said = folder / "build/demo-train.log", ""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.said += line

    def everything(self):
        return self.said + (self.log.read_text() if self.log.exists() else "")

    def address(self, name):
        wait_until(lambda: self.process.poll() is not None or re.search(rf"  {name} +http\S+", self.said), self.everything, WAIT_S)
        found = re.search(rf"  {name} +(http\S+)", self.said)
        assert found, self.everything()
        return found[1]

    def close(self):
        self.process.terminate()
        assert self.process.wait(40) == 0, self.everything()


def ask(address, path=""):
    with urllib.request.urlopen(address + path, timeout=10) as answer:
        return answer.status, answer.read().decode()


@needs_mosquitto
@pytest.mark.skipif(is_sanitized(BUILD / "bin/railquest"), reason="the build that `make demo` makes has no sanitizers")
def test_what_make_demo_builds_is_all_that_it_opens(clone):
    demo = Demo(clone)
    try:
        assert ask(demo.address("players"))[0] == ask(demo.address("stage"))[0] == 200
        train = demo.address("train").rstrip("/")

        def drives():
            """Pictures are looked at by the model, and the hub is told what they say."""
            status = json.loads(ask(train, "/api/train/status")[1])
            return status.get("result") and status.get("decision") and status["telemetry"]["armed"]
        wait_until(drives, lambda: ask(train, "/api/train/status")[1] + demo.everything(), WAIT_S)
    finally:
        demo.close()
    assert "started again" not in demo.log.read_text()
