"""The leaderboard's pages in Debian's Chromium (tests/e2e/pages/pages.test.mjs)."""
import pytest

import chromium

pytestmark = [*chromium.MISSING, pytest.mark.quiet]


@pytest.fixture(scope="module")
def verdicts():
    return chromium.run("pages.test.mjs")


@pytest.mark.parametrize("name", chromium.names("pages.test.mjs"))
def test_pages(verdicts, name):
    chromium.check(verdicts, name)
