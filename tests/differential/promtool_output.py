"""Reads what `promtool test rules` prints for tests that fail on purpose: what each expression gave."""
import re

SAMPLE = re.compile(r'(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)?(?P<labels>\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})? (?P<value>[-+]?(?:NaN|Inf|[0-9.]+(?:E[-+][0-9]+)?))')


def samples(text):
    """{'name{a="b"}': value} of a `got:` line; {} for nil."""
    found = {}
    at = 0
    text = text.strip()
    while at < len(text) and text != "nil":
        match = SAMPLE.match(text, at)
        if not match:
            raise ValueError(f"not a sample: {text[at:at + 80]!r}")
        key = (match["name"] or "") + (match["labels"] or "{}")
        if key in found:
            raise ValueError(f"{key} is there twice")
        found[key] = float(match["value"])
        at = match.end()
        if text[at:at + 2] == ", ":
            at += 2
        elif at < len(text):
            raise ValueError(f"not a sample: {text[at:at + 80]!r}")
    return found


def outcomes(output):
    """One per failed expression in the order printed: (head, samples), or (head, None) where it was an error."""
    found = []
    for match in re.finditer(r'^    expr: (?P<head>.*?), time: (?P<time>\w+),(?: err: (?P<err>.*)|\s*\n\s*exp:[^\n]*\n\s*got:(?P<got>[^\n]*))',
                             output, re.MULTILINE):
        found.append(((match["head"], match["time"]), None if match["err"] else samples(match["got"])))
    return found


def alike(a, b, tolerance=1e-9):
    """Equal up to the last bits: summation orders differ between versions. NaN is NaN."""
    if a != a or b != b:
        return a != a and b != b
    if a == b:
        return True
    return abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-3)
