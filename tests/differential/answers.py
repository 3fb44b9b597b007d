"""Whether two answers of the query API say the same."""
import json
import math

import queries

RELATIVE = 1e-9  # for what libraries compute in different last bits: sines, logarithms, interpolation
RELATIVE_TO_SUMMANDS = 1e-10  # for sums that may have cancelled: relative to the largest value that they can have been made of
LARGEST_SUMMAND = 1e6


def close(ours, theirs, grade):
    """Two values as the API prints them."""
    if ours == theirs:
        return True
    a, b = float(ours), float(theirs)
    if grade <= queries.SAME or math.isnan(a) or math.isnan(b) or math.isinf(a) or math.isinf(b):
        return a == b or (math.isnan(a) and math.isnan(b))
    slack = RELATIVE_TO_SUMMANDS * LARGEST_SUMMAND if grade == queries.FRAGILE else 1e-300
    return abs(a - b) <= RELATIVE * max(abs(a), abs(b)) + slack


def samples_of(element):
    return element["values"] if "values" in element else [element["value"]] if "value" in element else []


def same_samples(ours, theirs, grade):
    a, b = samples_of(ours), samples_of(theirs)
    return len(a) == len(b) and all(x[0] == y[0] and close(x[1], y[1], grade) for x, y in zip(a, b))


def key(element):
    return tuple(sorted(element["metric"].items()))


def difference(ours, theirs, grade):
    """What two (status, body) say differently, in words; "" where they agree."""
    if ours == theirs:
        return ""
    if ours[0] // 100 == 5 or theirs[0] // 100 == 5:
        return f"a server failed: ours {ours[0]}, theirs {theirs[0]}"
    a, b = json.loads(ours[1]), json.loads(theirs[1])
    if a["status"] != b["status"]:
        return f"ours: {a.get('error', 'an answer')}, theirs: {b.get('error', 'an answer')}"
    if a["status"] == "error":
        same = a["errorType"] == b["errorType"] and ours[0] == theirs[0]
        return "" if same else f"ours: {ours[0]} {a['errorType']} ({a['error']}), theirs: {theirs[0]} {b['errorType']} ({b['error']})"
    return between_data(a["data"], b["data"], grade) or between_totals(a["data"], b["data"])


def between_totals(ours, theirs):
    """How many samples were looked at, in all and at each instant."""
    for name in ("totalQueryableSamples", "totalQueryableSamplesPerStep"):
        a, b = (data.get("stats", {}).get("samples", {}).get(name) for data in (ours, theirs))
        if a != b:
            return f"{name} of ours {a}, of theirs {b}"
    return ""


def between_data(a, b, grade):
    if a["resultType"] != b["resultType"]:
        return f"ours is a {a['resultType']}, theirs a {b['resultType']}"
    if a["resultType"] in ("scalar", "string"):
        (at, mine), (when, yours) = a["result"], b["result"]
        same = at == when and (mine == yours if a["resultType"] == "string" else close(mine, yours, grade))
        return "" if same else f"ours {a['result']}, theirs {b['result']}"
    return between_series(a["result"], b["result"], grade)


def between_series(ours, theirs, grade):
    a, b = {key(element): element for element in ours}, {key(element): element for element in theirs}
    if len(a) != len(ours):
        return "ours has a label set twice"
    if a.keys() != b.keys():
        only = [f"only {who}: {json.dumps(dict(one))}" for who, keys in (("ours", a.keys() - b.keys()), ("theirs", b.keys() - a.keys()))
                for one in sorted(keys)[:2]]
        return f"{len(a)} and {len(b)} series, {', '.join(only)}"
    for one, mine in a.items():
        if not same_samples(mine, b[one], grade):
            return f"{json.dumps(dict(one))}: {first_difference(samples_of(mine), samples_of(b[one]), grade)}"
    return ""


def by_series(answer):
    """{labels: samples} of a vector or matrix; None of anything else."""
    if answer[0] != 200:
        return None
    data = json.loads(answer[1])["data"]
    if data["resultType"] not in ("vector", "matrix"):
        return None
    return {key(element): samples_of(element) for element in data["result"]}


def first_difference(ours, theirs, grade):
    for x, y in zip(ours, theirs):
        if x[0] != y[0] or not close(x[1], y[1], grade):
            return f"ours {x}, theirs {y}"
    return f"ours has {len(ours)} samples, theirs {len(theirs)}"


def is_empty(answer):
    """An answer without an error and without a value."""
    if answer[0] != 200:
        return True
    data = json.loads(answer[1])["data"]
    return data["resultType"] in ("vector", "matrix") and not data["result"]
