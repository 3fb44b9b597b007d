#!/usr/bin/env python3
"""Random valid PromQL over HTTP, asked of Debian's Prometheus and of Railquest with the same samples: every answer must be the same.

    random_queries.py [--seed N] [--queries N] [--jobs N] [--program RAILQUEST] [--progress FILE]

A round is one random set of series in two fresh servers, and up to 5,000 queries. Exit status 1 where answers differ that
docs/differences.md does not know, where something of the grammar was not drawn, or where fewer than 60 % of the answers had a value;
77 where there is no Prometheus. With --progress, a run that was ended goes on after its last whole round when it is started again.
"""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time
from itertools import repeat

import answers
import known
import queries
import samples
import servers

ROUND = 5000
SHOWN = 20
LEAST_NON_EMPTY = 0.6


def path_of(query):
    return "/api/v1/query_range" if query["is_range"] else "/api/v1/query"


def parameters_of(query, text):
    return {"query": text, "stats": "all", **{name: query[name] for name in ("time", "start", "end", "step") if name in query}}


def renamed(text):
    """Prometheus 3 calls it so, and keeps it behind an option, which is on in our server here."""
    return text.replace("holt_winters(", "double_exponential_smoothing(")


def ask_both(ours, theirs, query):
    ours.ask(path_of(query), parameters_of(query, renamed(query["query"])))
    theirs.ask(path_of(query), parameters_of(query, query["query"]))
    return ours.answer(), theirs.answer()


def command_line(query):
    times = " ".join(f"{name}={query[name]}" for name in ("time", "start", "end", "step") if name in query)
    return f"{query['query']}   ({times})"


def run_round(seed, count, program, keep):
    """Everything that a round found, as a dictionary that JSON can hold."""
    chance = random.Random(seed)
    data = samples.make(chance)
    grammar = queries.Grammar(chance)
    found = {"queries": 0, "non_empty": 0, "errors": 0, "known": collections.Counter(), "wrong": []}
    with tempfile.TemporaryDirectory(prefix="railquest-differential-") as name:
        folder = pathlib.Path(name)
        load = folder / "samples.test"
        load.write_text(samples.load_text(data))
        arguments = ["--enable-feature=promql-experimental-functions,promql-per-step-stats"]
        if servers.version_of(shutil.which("prometheus")).startswith("2."):
            arguments.append("--range-selectors=closed")
        with servers.prometheus(folder, samples.remote_messages(data)) as peer, \
                servers.railquest(program, [load], arguments) as us:
            ours, theirs = servers.Connection(us.port), servers.Connection(peer.port)
            for _ in range(count):
                compare(grammar.query(), ours, theirs, found)
        if found["wrong"]:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(load, keep / f"{seed}.test")
            (keep / f"{seed}.txt").write_text("\n\n".join(found["wrong"]) + "\n")
    return {**found, "drawn": dict(grammar.drawn)}


def compare(query, ours, theirs, found):
    mine, yours = ask_both(ours, theirs, query)
    found["queries"] += 1
    found["errors"] += yours[0] != 200
    found["non_empty"] += not answers.is_empty(yours)
    said = answers.difference(mine, yours, query["grade"])
    if yours[0] == 400:
        said = f"the grammar made what Prometheus refuses: {yours[1].decode()}"
    if not said:
        return

    def ask_again():
        theirs.ask(path_of(query), parameters_of(query, query["query"]))
        return theirs.answer()

    rule = known.explain(query, mine, yours, ask_again)
    if rule:
        found["known"][rule] += 1
    else:
        found["wrong"].append(f"{command_line(query)}\n    {said}")


class Totals:
    """What all rounds found, kept in a file so that a long run can go on."""

    def __init__(self, path, seed):
        self.path = path
        self.state = {"seed": seed, "rounds": 0, "queries": 0, "non_empty": 0, "errors": 0, "known": {}, "drawn": {}, "wrong": 0}
        if path and path.exists():
            self.state = json.loads(path.read_text())
            print(f"going on after {self.state['queries']} queries, seed {self.state['seed']}", flush=True)

    def take(self, found):
        state = self.state
        state["rounds"] += 1
        state["wrong"] += len(found["wrong"])
        for name in ("queries", "non_empty", "errors"):
            state[name] += found[name]
        for name in ("known", "drawn"):
            state[name] = dict(collections.Counter(state[name]) + collections.Counter(found[name]))
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.with_suffix(".new").write_text(json.dumps(state))
            self.path.with_suffix(".new").replace(self.path)

    def never_drawn(self):
        return [what for what in queries.MUST_DRAW if not self.state["drawn"].get(what)]


def run(given, totals):
    """Rounds in order of their seeds, `jobs` of them at a time."""
    shown, first = 0, totals.state["rounds"]
    sizes = [min(ROUND, given.queries - at) for at in range(0, given.queries, ROUND)][first:]
    seeds = range(totals.state["seed"] + first, totals.state["seed"] + first + len(sizes))
    with concurrent.futures.ProcessPoolExecutor(given.jobs) as pool:
        for seed, found in zip(seeds, pool.map(run_round, seeds, sizes, repeat(given.program), repeat(given.keep))):
            totals.take(found)
            for text in found["wrong"][:max(0, SHOWN - shown)]:
                print(f"seed {seed}: {text}", flush=True)
            shown += len(found["wrong"])
            if len(sizes) > 2:
                print(f"{totals.state['queries']} of {given.queries} queries, seed {seed}: {totals.state['wrong']} differ", flush=True)


def verdict(totals, version, seconds):
    state = totals.state
    never, share = totals.never_drawn(), state["non_empty"] / max(1, state["queries"])
    print(f"{state['queries']} queries from seed {state['seed']} in {seconds:.0f} s against Prometheus {version}: {state['wrong']} differ; "
          f"{share:.0%} with a value, {state['errors']} with an error; known differences: {state['known'] or 'none met'}")
    if never:
        print("never drawn: " + ", ".join(never))
    if share < LEAST_NON_EMPTY:
        print(f"too few answers with a value: at least {LEAST_NON_EMPTY:.0%} are wanted")
    for name in known.undocumented():
        print(f"{name}: a rule without an entry in docs/differences.md, or the other way round")
    return bool(state["wrong"] or never or share < LEAST_NON_EMPTY or known.undocumented())


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--queries", type=int, default=10000)
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--program", type=pathlib.Path, default=servers.ROOT / "build/bin/railquest")
    arguments.add_argument("--progress", type=pathlib.Path)
    arguments.add_argument("--keep", type=pathlib.Path, default=servers.ROOT / "build/differential", help="where samples of rounds that differ go")
    given = arguments.parse_args()
    prometheus = shutil.which("prometheus")
    if not prometheus:
        print("no prometheus here to compare with (./setup --test installs it)")
        return 77
    begun = time.monotonic()
    totals = Totals(given.progress, given.seed)
    run(given, totals)
    return 1 if verdict(totals, servers.version_of(prometheus), time.monotonic() - begun) else 0


if __name__ == "__main__":
    sys.exit(main())
