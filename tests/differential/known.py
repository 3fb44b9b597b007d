"""The differences between the peer and us that are meant: each is a rule here and an entry in docs/differences.md, with its source.

A rule is a function of (query, ours, theirs, ask_again), the query as queries.Grammar.query() made it and the answers as (status, body),
and says whether this difference is that one. A rule is narrow: it must not explain away what it was not written for.
"""
import json
import pathlib
import re

import answers

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/differences.md"

RULES = {}


def rule(name):
    def register(function):
        RULES[name] = function
        return function
    return register


def explain(query, ours, theirs, ask_again):
    """The name of the rule that a difference falls under, or None. `ask_again` gives the peer's answer to the query anew."""
    return next((name for name, holds in RULES.items() if holds(query, ours, theirs, ask_again)), None)


def undocumented():
    """Rules without an entry in the document, and entries without a rule."""
    documented = set(re.findall(r"^## `([a-z0-9-]+)`", DOCUMENT.read_text(), re.MULTILINE))
    return sorted(documented ^ set(RULES))


def nameless(answer):
    """The answer without metric names; None where it has no series, or one twice without them."""
    found = json.loads(answer[1])
    if answer[0] != 200 or found["data"]["resultType"] not in ("vector", "matrix"):
        return None
    for element in found["data"]["result"]:
        element["metric"].pop("__name__", None)
    keys = {answers.key(element) for element in found["data"]["result"]}
    return (200, json.dumps(found).encode()) if len(keys) == len(found["data"]["result"]) else None


@rule("atan2-keeps-name")
def atan2_keeps_name(query, ours, theirs, ask_again):
    if "atan2" not in query["query"]:
        return False
    mine, yours = nameless(ours), nameless(theirs)
    return bool(mine and yours) and not answers.difference(mine, yours, query["grade"])


@rule("order-of-series")
def order_of_series(query, ours, theirs, ask_again):
    """The peer says now one thing, now another."""
    return query["is_range"] and any(answers.difference(ask_again(), theirs, query["grade"]) for _ in range(40))
