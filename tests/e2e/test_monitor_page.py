"""The train's page in Debian's Chromium, with a real broker and stock clients (tests/e2e/pages/train.test.mjs)."""
import shutil

import pytest

import chromium

pytestmark = [*chromium.MISSING, pytest.mark.quiet,
              pytest.mark.skipif(not shutil.which("mosquitto") or not shutil.which("mosquitto_pub"),
                                 reason="mosquitto is not installed (./setup --test)")]


@pytest.fixture(scope="module")
def verdicts():
    return chromium.run("train.test.mjs")


@pytest.mark.parametrize("name", chromium.names("train.test.mjs"))
def test_the_page(verdicts, name):
    chromium.check(verdicts, name)
