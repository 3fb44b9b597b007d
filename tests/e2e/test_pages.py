"""The pages in Debian's Chromium (tests/e2e/pages, Playwright), each of its tests counted here by its name."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from serving import BUILD, RAILQUEST

FOLDER = pathlib.Path(__file__).resolve().parent / "pages"
SOURCE = FOLDER / "pages.test.mjs"
NAMES = re.findall(r"^test\('(.*)', async", SOURCE.read_text(), re.MULTILINE)
OUT = BUILD / "pages-test"

pytestmark = [
    pytest.mark.skipif(not os.path.exists(os.environ.get("CHROMIUM", "/usr/bin/chromium")), reason="no chromium here"),
    pytest.mark.skipif(not shutil.which("npm"), reason="no npm here"),
]


@pytest.fixture(scope="module")
def verdicts():
    """Name of a test: (passed, what was said of it). Run once, in a copy: npm writes nothing into the tree."""
    work = OUT / "work"
    shutil.copytree(FOLDER, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    lock = (FOLDER / "package-lock.json").read_bytes()
    installed = work / "node_modules" / ".railquest-lock"
    if not installed.exists() or installed.read_bytes() != lock:
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=work, check=True)
        installed.write_bytes(lock)
    done = subprocess.run(["node", "--test", "--test-reporter=tap", SOURCE.name], cwd=work, text=True, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "RAILQUEST_BIN": str(RAILQUEST), "OUT": str(OUT)})
    found = {}
    # Node 18 nests a file's tests below the file, Node 20 does not.
    for said in re.split(r"^ *# Subtest: ", done.stdout, flags=re.MULTILINE)[1:]:
        verdict = re.search(r"^ *(not )?ok \d+ - (.*)$", said, re.MULTILINE)
        if verdict:
            found[verdict[2]] = (not verdict[1], said)
    return found or {None: (False, done.stdout)}


@pytest.mark.parametrize("name", NAMES)
def test_pages(verdicts, name):
    passed, said = verdicts.get(name, (False, "\n".join(said for _, said in verdicts.values())))
    assert passed, said
