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
    """{labels but the name: samples, in order of time} of an answer with series; None of another."""
    series, found = answers.by_series(answer), {}
    for labels, samples in (series or {}).items():
        found.setdefault(tuple(pair for pair in labels if pair[0] != "__name__"), []).extend(samples)
    return None if series is None else {labels: sorted(samples) for labels, samples in found.items()}


def has_subquery(query):
    return re.search(r"\[[^]]*:[^]]*\]", query["query"]) is not None


@rule("atan2-keeps-name")
def atan2_keeps_name(query, ours, theirs, ask_again):
    if "atan2" not in query["query"]:
        return False
    mine, yours = nameless(ours), nameless(theirs)
    return bool(mine and yours) and mine.keys() == yours.keys() and all(
        answers.same_samples({"values": mine[key]}, {"values": yours[key]}, query["grade"]) for key in mine)


@rule("order-of-series")
def order_of_series(query, ours, theirs, ask_again):
    """The peer says now one thing, now another, of what it walks through step by step."""
    return (query["is_range"] or has_subquery(query)) and any(answers.difference(ask_again(), theirs, query["grade"]) for _ in range(40))


@rule("filtered-many-to-one")
def filtered_many_to_one(query, ours, theirs, ask_again):
    """We refuse a match that is many-to-one before the comparison has filtered it."""
    return (ours[0] == 422 and theirs[0] == 200 and any(operator in query["query"] for operator in ("==", "!=", ">", "<")) and
            b"multiple matches for labels: " in ours[1])


@rule("deviation-of-the-infinite")
def deviation_of_the_infinite(query, ours, theirs, ask_again):
    """stddev or stdvar of one infinity or NaN: ours is NaN, theirs 0. Holds where the answers are the same but for that."""
    if "stddev" not in query["query"] and "stdvar" not in query["query"]:
        return False
    mine, yours = answers.by_series(ours), answers.by_series(theirs)
    return bool(mine and yours) and mine.keys() == yours.keys() and all(
        len(a) == len(b) and all(x[0] == y[0] and (answers.close(x[1], y[1], query["grade"]) or x[1] == "NaN") for x, y in zip(a, b))
        for a, b in ((mine[key], yours[key]) for key in mine))


@rule("pinned-prediction")
def pinned_prediction(query, ours, theirs, ask_again):
    """predict_linear() of a range with @, from the second step on."""
    return re.search(r"predict_linear\(.*\].* @ ", query["query"]) is not None and (query["is_range"] or has_subquery(query))


@rule("count-values-grouping")
def count_values_grouping(query, ours, theirs, ask_again):
    """count_values() by three labels or more, from the second step on."""
    by_many = re.search(r"count_values by \([^)]*,[^)]*,[^)]*\)|count_values\(.*\) by \([^)]*,[^)]*,[^)]*\)", query["query"])
    return by_many is not None and (query["is_range"] or has_subquery(query))


@rule("constant-in-empty-subquery")
def constant_in_empty_subquery(query, ours, theirs, ask_again):
    """A sub-query that has no step in its range, as the answer itself: we give nothing, the peer a sample behind the range."""
    if ours[0] == 200 and theirs[0] == 422:  # what it evaluates for nothing fails
        is_match = b"matching must be explicit" in theirs[1] or b"must be unique on one side" in theirs[1]
        return has_subquery(query) and ("@ " in query["query"] or is_match)
    mine, yours = answers.by_series(ours), answers.by_series(theirs)
    return not query["is_range"] and has_subquery(query) and mine == {} and bool(yours) and all(len(samples) <= 1 for samples in yours.values()) and (
        b'"matrix"' in theirs[1])


@rule("absence-in-empty-subquery")
def absence_in_empty_subquery(query, ours, theirs, ask_again):
    """The peer makes room for a negative number of steps, and fails."""
    return "absent_over_time" in query["query"] and has_subquery(query) and ours[0] == 200 and b"makeslice: cap out of range" in theirs[1]


@rule("merged-over-time")
def merged_over_time(query, ours, theirs, ask_again):
    """Series whose labels are the same without their names, but which never are there together."""
    return (query["is_range"] or has_subquery(query)) and ours[0] == 200 and b"vector cannot contain metrics with the same labelset" in theirs[1]


@rule("compensated-infinity")
def compensated_infinity(query, ours, theirs, ask_again):
    """A compensated sum that overflows: theirs is NaN, ours an infinity. Holds where nothing differs but that."""
    mine, yours = answers.by_series(ours), answers.by_series(theirs)
    return bool(mine and yours) and "_over_time" in query["query"] and mine.keys() == yours.keys() and all(
        len(a) == len(b) and all(x[0] == y[0] and (answers.close(x[1], y[1], query["grade"]) or (x[1].endswith("Inf") and y[1] == "NaN"))
                                 for x, y in zip(a, b))
        for a, b in ((mine[key], yours[key]) for key in mine))


@rule("timestamp-pinned-and-shifted")
def timestamp_pinned_and_shifted(query, ours, theirs, ask_again):
    """timestamp() of a selector with both @ and offset."""
    text = re.sub(r"(['\"`]).*?\1", "''", query["query"])  # matchers may hold parentheses
    return re.search(r"timestamp\(\(*[^()]*( @ [^ )]*(\(\))? offset | offset [^ ]* @ )", text) is not None


def is_outermost_topk(text):
    """Whether nothing but a sign stands around one topk or bottomk."""
    found = re.match(r"[-+]?(topk|bottomk)\s*((by|without)\s*\([^)]*\)\s*)?\(", text)
    if not found:
        return False
    depth, at = 1, found.end()
    while depth and at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return re.fullmatch(r"\s*((by|without)\s*\([^)]*\))?\s*(#.*)?", text[at:]) is not None


@rule("equal-values-in-topk")
def equal_values_in_topk(query, ours, theirs, ask_again):
    """Which of equal values pass. Holds where at each instant the same values are there; below other operations that cannot be seen."""
    if not re.search(r"\b(topk|bottomk)\b", query["query"]):
        return False
    mine, yours = answers.by_series(ours), answers.by_series(theirs)
    if not is_outermost_topk(query["query"]):
        return ours[0] in (200, 422) and theirs[0] in (200, 422)
    return mine is not None and yours is not None and values_by_time(mine) == values_by_time(yours)


def values_by_time(series):
    found = {}
    for samples in series.values():
        for t, value in samples:
            found.setdefault(t, []).append("0" if value == "-0" else value)
    return {t: sorted(values) for t, values in found.items()}


@rule("fraction-of-classic-buckets")
def fraction_of_classic_buckets(query, ours, theirs, ask_again):
    """histogram_fraction() of classic buckets: the peer knows it of native histograms only, and gives nothing."""
    return "histogram_fraction" in query["query"] and "latency_bucket" in query["query"] or (
        "histogram_fraction" in query["query"] and re.search(r"__name__=~\"[^\"]*lat", query["query"]) is not None)


@rule("pinned-inside-shifted-subquery")
def pinned_inside_shifted_subquery(query, ours, theirs, ask_again):
    """@ in a sub-query with a negative offset, or with @ of its own, that begins at the very instant at which the query does."""
    return re.search(r" @ .*\[[^]]*:[^]]*\][^]]*( offset -| @ )", query["query"]) is not None
