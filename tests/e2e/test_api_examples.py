"""The examples of docs/api.md, asked of a server that has loaded the samples that stand above them."""
import re

import pytest

from serving import RAILQUEST, ROOT, Server

TEXT = (ROOT / "docs" / "api.md").read_text()
SAMPLES = re.search(r"```openmetrics\n(.*?)```", TEXT, re.S)[1]
EXAMPLES = re.findall(r"```http\n(.*?)```", TEXT, re.S)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = tmp_path_factory.mktemp("examples") / "samples.om"
    path.write_text(SAMPLES)
    with Server([RAILQUEST, "serve", "--listen", "127.0.0.1:0", "--load", path]) as running:
        yield running


def ask(server, example):
    """What a block's first lines ask, answered as its last ones: STATUS TYPE, and the body."""
    request = example.split("\n\n")[0].splitlines()
    method, target = request[0].split(" ", 1)
    status, headers, body = server.request(target.replace(" ", "%20"), "\n".join(request[1:]) if method == "POST" else None)
    return f"{status} {headers['Content-Type']}\n{body.decode().rstrip()}"


def matches(expected, answer):
    """Equal, where … stands for anything."""
    pattern = ".*?".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, answer, re.S) is not None


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.splitlines()[0] for example in EXAMPLES])
def test_an_example_of_the_documentation_is_answered_so(server, example):
    _, _, expected = example.partition("\n\n")
    answer = ask(server, example)
    assert expected and matches(expected.rstrip(), answer), answer


def test_every_endpoint_has_an_example_or_a_word_why_not():
    server_c = (ROOT / "src" / "leaderboard" / "server" / "server.c").read_text()
    paths = re.findall(r'^\t\{"(/[^"]+)",', server_c, re.M)
    shown = {example.splitlines()[0].split(" ")[1].split("?")[0] for example in EXAMPLES}
    unshown = {path for path in paths if path.replace("*", "room") not in shown}
    assert unshown == {"/stage", "/api/quest/standings", "/api/quest/curves", "/api/quest/events", "/api/quest/stream",
                       "/api/quest/sources", "/api/quest/explain", "/api/quest/export", "/api/quest/head",
                       "/api/quest/acts", "/api/quest/verify",
                       "/api/v1/read", "/api/v1/*", "/metrics", "/*"}
