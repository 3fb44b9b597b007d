"""The differences between the peer and us that are meant: each is a rule here and an entry in docs/differences.md, with its source.

A rule is a function of (query, ours, theirs), the query as queries.Grammar.query() made it and the answers as (status, body), and
says whether this difference is that one. A rule is narrow: it must not explain away what it was not written for.
"""
import pathlib
import re

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/differences.md"

RULES = {}


def rule(name):
    def register(function):
        RULES[name] = function
        return function
    return register


def explain(query, ours, theirs):
    """The name of the rule that a difference falls under, or None."""
    return next((name for name, holds in RULES.items() if holds(query, ours, theirs)), None)


def undocumented():
    """Rules without an entry in the document, and entries without a rule."""
    documented = set(re.findall(r"^## `([a-z0-9-]+)`", DOCUMENT.read_text(), re.MULTILINE))
    return sorted(documented ^ set(RULES))
