"""systemd's own opinion of the units, where systemd is installed."""
import shutil
import subprocess

import pytest

from serving import BUILD, ROOT

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
SERVICES = ("capture", "inference", "decision", "controller", "monitor")


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units as they are installed, but for programs of the build folder."""
    folder = tmp_path_factory.mktemp("units")
    bindir = next(line.split("=")[1].rsplit("/", 1)[0] for line in
                  (BUILD / "systemd/railquest-capture.service").read_text().splitlines() if line.startswith("ExecStart="))
    for name in SERVICES:
        text = (BUILD / f"systemd/railquest-{name}.service").read_text()
        # What the tests' machine may not have is not the unit's fault.
        text = text.replace(bindir, str(BUILD / "bin")).replace(f"Documentation=man:railquest-{name}(1)\n", "")
        (folder / f"railquest-{name}.service").write_text(text)
    (folder / "railquest.target").write_text(
        (ROOT / "systemd/railquest.target").read_text().replace("Documentation=man:railquest-train(1)\n", ""))
    return folder


def analyze(units, *words):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60,
                          env={"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})


def test_systemd_finds_nothing_wrong(units):
    told = analyze(units, "verify", *(units / f"railquest-{name}.service" for name in SERVICES), units / "railquest.target")
    ours = [line for line in (told.stdout + told.stderr).splitlines() if "railquest" in line]
    assert not ours, ours


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(units, name):
    told = analyze(units, "security", "--offline=yes", "--threshold=30", units / f"railquest-{name}.service")
    assert told.returncode == 0, told.stdout[-400:] + told.stderr


def test_the_controller_is_started_again_at_once_and_the_others_after_its_dead_man(units):
    for name in SERVICES:
        lines = (units / f"railquest-{name}.service").read_text().splitlines()
        assert "Restart=always" in lines
        assert [line for line in lines if line.startswith("RestartSec=")] == \
            ["RestartSec=0" if name == "controller" else "RestartSec=500ms"]
