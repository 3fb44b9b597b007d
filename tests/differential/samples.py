"""Random series for the differential test: counters with resets, gauges, gaps, stale markers, NaN and infinities, classic histograms.

One set is written twice: as `load` blocks of Prometheus's test language, and as remote-write messages. Most values are multiples of
1/8 below 2^20, so that sums of them are exact in whatever order they are made: where both engines must agree to the last bit, they can.
"""
import remote_write

STEP_S = 15
INSTANTS = 160  # 40 minutes
END_S = STEP_S * (INSTANTS - 1)

ZONES, INSTANCES, MODES, CODES = ["a", "b", "c"], ["0", "1", "2", "3"], ["idle", "user", "system"], ["200", "404", "500"]
BOUNDS = ["0.1", "0.5", "1", "2.5", "10", "+Inf"]

# Name → labels besides the name. queries.py draws from this table.
METRICS = {
    "cpu_seconds_total": ("zone", "instance", "mode"),
    "requests_total": ("zone", "instance", "code"),
    "temperature": ("zone", "instance"),
    "load": ("zone", "instance"),
    "up": ("zone", "instance"),
    "build_info": ("zone", "instance", "version"),
    "odd": ("instance",),
    "brief": ("zone", "instance"),
    "single": (),
    "latency_bucket": ("zone", "le"),
    "latency_sum": ("zone",),
    "latency_count": ("zone",),
}


def eighths(chance, limit):
    return chance.randint(-limit * 8, limit * 8) / 8


def counter(chance, increments):
    value, out = float(chance.choice([0, 0, 7, 1000])), []
    for _ in range(INSTANTS):
        out.append(value)
        value = float(chance.choice([0, 3])) if chance.random() < 0.02 else value + chance.choice(increments)
    return out


def gauge(chance):
    value, out = eighths(chance, 50), []
    for _ in range(INSTANTS):
        out.append(value)
        if chance.random() < 0.6:
            value += eighths(chance, 4)
    return out


def with_holes(chance, values, much):
    """None where there is no sample. Some holes are longer than the look-back of 5 minutes, some begin with a stale marker."""
    out = list(values)
    for _ in range(chance.randint(1, 6) if much else chance.choice([0, 0, 1])):
        begin, length = chance.randrange(INSTANTS), chance.choice([1, 2, 5, 12, 30])
        marked = chance.random() < 0.4
        for at in range(begin, min(begin + length, INSTANTS)):
            out[at] = remote_write.STALE if marked and at == begin else None
    return out


def odd(chance):
    choices = [float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 123456.0, 0.1]
    return [chance.choice(choices) for _ in range(INSTANTS)]


def values_of(chance, name):
    if name == "cpu_seconds_total":
        return with_holes(chance, counter(chance, [0, 0.125, 1, 3.5]), False)
    if name == "requests_total":
        return with_holes(chance, counter(chance, [0, 1, 1, 2, 40]), False)
    if name == "temperature":
        return with_holes(chance, gauge(chance), False)
    if name == "load":
        return with_holes(chance, gauge(chance), True)
    if name == "up":
        return with_holes(chance, [float(chance.random() < 0.8) for _ in range(INSTANTS)], True)
    if name == "odd":
        return with_holes(chance, odd(chance), False)
    if name == "brief":
        begin, length = chance.randrange(INSTANTS), chance.choice([1, 2, 3, 20])
        return [chance.randint(0, 9) * 1.0 if begin <= at < begin + length else None for at in range(INSTANTS)]
    return with_holes(chance, gauge(chance) if name == "single" else [1.0] * INSTANTS, False)


def label_sets(chance, names):
    domains = {"zone": ZONES, "instance": INSTANCES, "mode": MODES, "code": CODES}
    sets = [{}]
    for name in names:
        domain = [chance.choice(["1.0", "1.1"])] if name == "version" else domains[name]
        sets = [{**labels, name: value} for labels in sets for value in domain]
    kept = [labels for labels in sets if chance.random() < 0.85]
    return kept or sets[:1]


def histogram(chance, labels):
    """The three metrics of a classic histogram; now and then a bucket counts less than the one below, as scrapes that race do."""
    counts, total, columns, sums = [0.0] * len(BOUNDS), 0.0, [], []
    for _ in range(INSTANTS):
        if chance.random() < 0.01:
            counts, total = [0.0] * len(BOUNDS), 0.0
        for _ in range(chance.randint(0, 4)):
            at = chance.randrange(len(BOUNDS))
            total += (at + 1) / 8
            counts = [count + (i >= at) for i, count in enumerate(counts)]
        columns.append(list(counts))
        sums.append(total)
    for i, bound in enumerate(BOUNDS):
        yield {"__name__": "latency_bucket", "le": bound, **labels}, [column[i] for column in columns]
    yield {"__name__": "latency_sum", **labels}, sums
    yield {"__name__": "latency_count", **labels}, [column[-1] for column in columns]


def make(chance):
    """[(labels, values)], sorted by labels; a value is None where there is no sample."""
    found = []
    for name, names in METRICS.items():
        if not name.startswith("latency"):
            found += [({"__name__": name, **labels}, values_of(chance, name)) for labels in label_sets(chance, names)]
    for zone in ZONES:
        found += histogram(chance, {"zone": zone})
    return sorted((series for series in found if any(value is not None for value in series[1])),
                  key=lambda series: sorted(series[0].items()))


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def word(value):
    if value is None:
        return "_"
    if value == remote_write.STALE or value != value:
        return "stale" if remote_write.struct.pack("<d", value) == remote_write.struct.pack("<d", remote_write.STALE) else "NaN"
    return "Inf" if value == float("inf") else "-Inf" if value == float("-inf") else repr(value)


def load_text(series):
    """A `load` block of Prometheus's test language; its instants count from 1970."""
    lines = [f"load {STEP_S}s"]
    for labels, values in series:
        pairs = ",".join(f"{name}={quoted(value)}" for name, value in labels.items() if name != "__name__")
        lines.append(f"  {labels['__name__']}{{{pairs}}} " + " ".join(word(value) for value in values))
    return "\n".join(lines) + "\n"


def remote_messages(series):
    return [remote_write.one_series(labels, [(at * STEP_S * 1000, value) for at, value in enumerate(values) if value is not None])
            for labels, values in series]
