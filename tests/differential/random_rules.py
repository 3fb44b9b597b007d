#!/usr/bin/env python3
"""Random rules and queries on random series, evaluated by promtool and by Railquest: every value must be the same.

    random_rules.py [--seed N] [--rounds N] [--seconds N] [--program RAILQUEST]

Each round is a rule-test file in which every test expects what is not there, so both print what they got. Exit status 1, and
the file kept, where they differ. Only what means the same in Debian's promtool and today's Prometheus is generated.
"""
import argparse
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from promtool_output import alike, outcomes

ROOT = pathlib.Path(__file__).resolve().parents[2]
WINDOWS = ["10s", "25s", "1m", "2m", "5m", "15m"]
OVER_TIME = ["sum", "avg", "min", "max", "count", "last", "present"]
RANGE = [f"{name}_over_time" for name in OVER_TIME] + ["rate", "increase", "delta", "irate", "idelta", "changes", "resets"]
PLAIN = ["abs", "ceil", "floor", "sgn", "timestamp", "exp", "sqrt"]


class Source:
    """Expressions of a bounded depth. `metrics` are the names that may be selected."""

    def __init__(self, chance, metrics):
        self.chance, self.metrics = chance, metrics

    def matchers(self):
        kinds = ['g="a"', 'g!="a"', 'g=~"a|b"', 'i=~"[01]"', 'i!~"0"', 'absent=""', 'g=~".+"']
        chosen = [self.chance.choice(kinds) for _ in range(self.chance.choice([0, 0, 1, 1, 2]))]
        return "{" + ",".join(chosen) + "}" if chosen else ""

    def modifier(self):
        return self.chance.choice([""] * 6 + [" offset 30s", " offset 2m", " offset -15s", " @ 300", " @ 77.5", " @ 0"])

    def selector(self):
        return self.chance.choice(self.metrics) + self.matchers()

    def ranged(self, depth):
        window = self.chance.choice(WINDOWS)
        if depth > 0 and self.chance.random() < 0.25:
            step = self.chance.choice(["", "5s", "15s", "1m"])
            inner, modifier = self.vector(depth - 1), self.modifier()
            # docs/differences.md, pinned-inside-shifted-subquery.
            return f"({inner})[{window}:{step}]{'' if ' @ ' in inner and 'offset -' in modifier else modifier}"
        return f"{self.selector()}[{window}]{self.modifier()}"

    def scalar(self, depth):
        kind = self.chance.randrange(8)
        if kind == 0:
            return "time()"
        if kind == 1 and depth > 0:
            return f"scalar({self.vector(depth - 1)})"
        return self.chance.choice(["0", "1", "2", "0.5", "-3", "1e3", "Inf", "NaN"])

    def labels(self):
        return ", ".join(self.chance.sample(["g", "i", "user"], self.chance.randrange(3)))

    def pinned(self):
        """For absent(): two matchers on one label mean different things in different versions."""
        return self.chance.choice(self.metrics) + self.chance.choice(["", '{g="a"}', '{g="a",i!="1"}', '{g=~"a",i="0"}', '{absent="x"}'])

    def aggregate(self, depth):
        name = self.chance.choice(["sum", "min", "max", "count", "avg", "group"])
        how = self.chance.choice(["by", "without"])
        clause = f"{how} ({self.labels()})"
        inner = self.vector(depth - 1)
        return self.chance.choice([f"{name}({inner})", f"{name} {clause} ({inner})", f"{name}({inner}) {clause}"])

    def binary(self, depth):
        left, right = self.vector(depth - 1), self.vector(depth - 1)
        kind = self.chance.randrange(4)
        # A comparison that filters what it matched many to one is an error since 3.9 (docs/differences.md, filtered-many-to-one).
        operator = self.chance.choice(["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "> bool", "== bool", "<= bool"])
        if kind == 0:
            return f"{left} {self.chance.choice(['and', 'or', 'unless'])} {self.matching()}{right}"
        if kind == 1:
            pair = [left, self.scalar(depth - 1)]
            self.chance.shuffle(pair)
            return f" {operator} ".join(pair)
        if kind >= 2 and operator in ("==", "!=", ">", "<", ">=", "<="):
            operator += " bool"
        if kind == 2:
            grouped = self.chance.choice(["group_left()", "group_right()", "group_left(i)"])
            return f"{left} {operator} on (g) {grouped} max by (g) ({right})" if "left" in grouped else \
                f"max by (g) ({left}) {operator} on (g) {grouped} {right}"
        return f"{left} {operator} {self.matching()}{right}"

    def matching(self):
        return self.chance.choice(["", "", "on (g, i) ", "ignoring (user) ", "on (g) "])

    def relabelled(self, depth):
        inner = self.vector(depth - 1)
        return self.chance.choice([
            f'label_replace({inner}, "user", "$1-x", "g", "(.*)")', f'label_replace({inner}, "i", "", "i", "1")',
            f'label_replace({inner}, "user", "all", "", "")', f'label_join({inner}, "user", "/", "g", "i")'])

    def vector(self, depth):
        if depth <= 0:
            return self.selector() + self.modifier()
        kind = self.chance.randrange(12)
        if kind < 3:
            return f"{self.chance.choice(RANGE)}({self.ranged(depth - 1)})"
        if kind < 5:
            return self.aggregate(depth)
        if kind < 8:
            return f"({self.binary(depth)})"
        if kind == 8:
            return self.relabelled(depth)
        if kind == 9:
            return f"{self.chance.choice(PLAIN)}({self.vector(depth - 1)})"
        if kind == 10:
            return self.chance.choice([f"clamp({self.vector(depth - 1)}, 0, 3)", f"clamp_max({self.vector(depth - 1)}, 2)",
                                       f"-{self.vector(depth - 1)}", f"absent({self.pinned()})", f"vector({self.scalar(depth)})"])
        return self.selector() + self.modifier()


def values(chance):
    """A series' values in promtool's notation: steps, ramps, gaps, staleness, resets."""
    parts = []
    while len(parts) < chance.randint(2, 9):
        count = chance.randint(1, 30)
        parts.append(chance.choice([f"{chance.randint(0, 5)}x{count}", f"{chance.randint(0, 9)}+{chance.randint(1, 3)}x{count}",
                                    f"_x{count}", f"0+0.25x{count}", f"{chance.randint(-4, 40)}-1.5x{count}", "stale", "_", "NaN", "1 0 1 1"]))
    return " ".join(parts)


def write(chance, folder):
    """rules.yaml and test.yaml; returns the tests as (expression, time)."""
    inputs = [f'{name}{{g="{g}",i="{i}"}}' for name in ("m", "n", "done") for g in "abc" for i in range(3) if chance.random() < 0.8]
    source = Source(chance, ["m", "n", "done"])
    rules = ["groups:"]
    recorded = []
    for group in range(chance.randint(1, 3)):
        rules += [f"  - name: g{group}", f"    interval: {chance.choice(['5s', '15s', '1m'])}", "    rules:"]
        for _ in range(chance.randint(1, 3)):
            record = f"r:{len(recorded)}"
            rules += [f"      - record: {record}", f"        expr: {json.dumps(source.vector(2))}"]
            recorded.append(record)
            source.metrics = source.metrics + [record]
    tests = [(source.vector(chance.randint(0, 3)), chance.randrange(0, 1200)) for _ in range(60)]
    tests += [(record, at) for record in recorded for at in (0, 60, 305, 900)]
    lines = ["rule_files: [rules.yaml]", "evaluation_interval: 5s", "group_eval_order: [g0, g1, g2]", "tests:",
             f"  - interval: {chance.choice(['5s', '10s', '15s'])}", "    input_series:"]
    lines[2] = f"group_eval_order: [{', '.join(line.split()[-1] for line in rules if '- name:' in line)}]"
    lines += [f"      - {{series: {json.dumps(series)}, values: {json.dumps(values(chance))}}}" for series in inputs]
    lines += ["    promql_expr_test:"]
    lines += [f"      - {{eval_time: {at}s, expr: {json.dumps(expr)}, exp_samples: [{{labels: '{{nobody=\"1\"}}', value: -12345}}]}}"
              for expr, at in tests]
    (folder / "rules.yaml").write_text("\n".join(rules) + "\n")
    (folder / "test.yaml").write_text("\n".join(lines) + "\n")
    return tests


def run(command, folder):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    return done.stdout + "\n" + done.stderr


def compare(chance, folder, railquest, promtool, edges):
    """Differences of one round, as lines; with how many expressions were compared."""
    tests = write(chance, folder)
    theirs_text = run([promtool, "test", "rules", "test.yaml"], folder)
    ours_text = run([railquest, "test", "rules", f"--range-selectors={edges}", "test.yaml"], folder)
    try:
        theirs, ours = outcomes(theirs_text), outcomes(ours_text)
    except ValueError as error:
        return [str(error)], 0
    if len(theirs) != len(tests):
        # A rule that fails ends promtool's run: then ours has to fail too.
        failed = "err:" in ours_text or not ours
        return ([] if failed else [f"promtool stopped, we did not: {theirs_text[-600:]}"]), 0
    if len(ours) != len(tests):
        return [f"{len(ours)} of {len(tests)} answers: {ours_text[-1500:]}"], 0
    wrong = []
    for (expr, at), (_, a), (_, b) in zip(tests, theirs, ours):
        if (a is None) != (b is None):
            wrong.append(f"{expr} at {at}s: {'promtool' if a is None else 'ours'} is an error, the other is not")
        elif a is not None and (a.keys() != b.keys() or not all(alike(a[key], b[key]) for key in a)):
            odd = {key: (a.get(key), b.get(key)) for key in sorted(a.keys() | b.keys())
                   if key not in a or key not in b or not alike(a[key], b[key])}
            wrong.append(f"{expr} at {at}s: (promtool, ours) {dict(list(odd.items())[:4])}")
    return wrong, len(tests)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--seconds", type=float, default=0, help="go on for so long, whatever --rounds says")
    arguments.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bin/railquest")
    arguments.add_argument("--keep", type=pathlib.Path, default=ROOT / "build/differential", help="where files that differ go")
    given = arguments.parse_args()
    promtool = shutil.which("promtool")
    if not promtool:
        print("no promtool here to compare with")
        return 77
    version = run([promtool, "--version"], ".")
    edges = "closed" if re.search(r"version 2\.", version) else "open"
    begun, compared, differing, seed = time.monotonic(), 0, 0, given.seed
    while time.monotonic() - begun < given.seconds if given.seconds else seed < given.seed + given.rounds:
        with tempfile.TemporaryDirectory() as name:
            wrong, count = compare(random.Random(seed), pathlib.Path(name), given.program, promtool, edges)
            compared += count
            if wrong:
                differing += 1
                kept = given.keep / str(seed)
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(name, kept)
                print(f"seed {seed} ({kept}):", *wrong[:5], sep="\n  ", flush=True)
        seed += 1
    print(f"{compared} expressions compared in {seed - given.seed} rounds, {differing} rounds differ ({edges} windows)")
    return 1 if differing or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
