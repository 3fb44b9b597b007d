"""Tests in tests/e2e/pages run in Debian's Chromium by Playwright; each is counted by its name."""
import fcntl
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from serving import BUILD, RAILQUEST

FOLDER = pathlib.Path(__file__).resolve().parent / "pages"
OUT = BUILD / "pages-test"

MISSING = [
    pytest.mark.skipif(not os.path.exists(os.environ.get("CHROMIUM", "/usr/bin/chromium")), reason="no chromium here"),
    pytest.mark.skipif(not shutil.which("npm"), reason="no npm here"),
]


def names(source):
    return re.findall(r"^test\('(.*)', async", (FOLDER / source).read_text(), re.MULTILINE)


def install():
    """In a copy: npm writes nothing into the tree. Where several files are tested at a time each looks in turn."""
    work = OUT / "work"
    work.mkdir(parents=True, exist_ok=True)
    with open(OUT / "lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for file in FOLDER.iterdir():
            if file.is_file() and (not (copy := work / file.name).exists() or copy.read_bytes() != file.read_bytes()):
                shutil.copy(file, copy)
        lock = (FOLDER / "package-lock.json").read_bytes()
        installed = work / "node_modules" / ".railquest-lock"
        if not installed.exists() or installed.read_bytes() != lock:
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=work, check=True)
            installed.write_bytes(lock)
    return work


def run(source):
    """Name of a test: (passed, what was said of it)."""
    done = subprocess.run(["node", "--test", "--test-reporter=tap", source], cwd=install(), text=True, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "RAILQUEST_BIN": str(RAILQUEST), "OUT": str(OUT),
                               "MONITOR_BIN": str(BUILD / "bin/railquest-monitor")})
    found = {}
    # Node 18 nests a file's tests below the file, Node 20 does not.
    for said in re.split(r"^ *# Subtest: ", done.stdout, flags=re.MULTILINE)[1:]:
        verdict = re.search(r"^ *(not )?ok \d+ - (.*)$", said, re.MULTILINE)
        if verdict:
            found[verdict[2]] = (not verdict[1], said)
    return found or {None: (False, done.stdout)}


def check(verdicts, name):
    passed, said = verdicts.get(name, (False, "\n".join(said for _, said in verdicts.values())))
    assert passed, said
