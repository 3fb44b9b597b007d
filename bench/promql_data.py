"""What bench/promql.py measures on: series as a fleet of services has them, and a leaderboard's, 3 hours at 5 s.

Every set is written twice, with the same instants and values: as `load` blocks for us, as remote-write messages for the others.
Counters and gauges move as real ones do, a random step at nearly every scrape, so that no store finds a pattern in them.
"""
import pathlib
import random
import sys
from itertools import accumulate

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/differential"))
import remote_write  # noqa: E402

STEP_S, INSTANTS = 5, 2160
START_S = 1728040000
END_S = START_S + STEP_S * (INSTANTS - 1)
SERIES_PER_FILE = 100
SLICE = 360

BOUNDS = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"]
JOBS, CODES = ["api", "web", "worker", "auth", "search"], ["200", "201", "404", "429", "500"]


def counter(chance):
    """Grows by 0 to 255 a scrape; begins somewhere."""
    return [float(value) for value in accumulate(chance.randbytes(INSTANTS), initial=chance.randrange(10 ** 6))][1:]


def gauge(chance):
    """A process's memory in bytes: pages come and go."""
    return [float(value * 4096) for value in accumulate((byte - 127 for byte in chance.randbytes(INSTANTS)), initial=200000)][1:]


def buckets(chance):
    """Cumulative counts: each scrape some requests fall into one bucket or another."""
    columns = [list(accumulate(byte >> 5 for byte in chance.randbytes(INSTANTS))) for _ in BOUNDS]
    below = [0] * INSTANTS
    for column in columns:
        below = [a + b for a, b in zip(below, column)]
        yield [float(value) for value in below]


def fleet(count):
    """Exactly `count` series: half of them counters, about a quarter histogram buckets, the rest gauges."""
    chance = random.Random(count)
    for i in range(count // 2):
        yield {"__name__": "http_requests_total", "code": CODES[i % 5], "handler": f"/api/v{i // 5 % 4}", "instance": f"node-{i // 20:04}:9100",
               "job": JOBS[i // 20 % 5]}, counter(chance)
    for i in range(count // 40):
        labels = {"instance": f"node-{i:04}:9100", "job": JOBS[i % 5]}
        for bound, values in zip(BOUNDS, buckets(chance)):
            yield {"__name__": "http_request_duration_seconds_bucket", **labels, "le": bound}, values
    for i in range(count - count // 2 - count // 40 * len(BOUNDS)):
        yield {"__name__": "process_resident_memory_bytes", "instance": f"node-{i:04}:9100", "job": JOBS[i % 5]}, gauge(chance)


def leaderboard(players):
    """What the original's rules record for each player: twelve series, mostly 0 or 1 and long the same."""
    chance = random.Random(players)
    for i in range(players):
        user = {"cluster": f"cluster{i % 6}", "user": f"user{i:03}"}
        for exercise in ("hero", "villain", "fight"):
            done = chance.randrange(INSTANTS // 4, INSTANTS)
            bonus = float(chance.randrange(25, 60))
            name = f"opencodequest_leaderboard_{exercise}"
            yield {"__name__": f"{name}:prod", **user}, [float(at >= done) for at in range(INSTANTS)]
            yield {"__name__": f"{name}_onetime_bonus:prod", **user}, [bonus * (0 <= at - done < 2) for at in range(INSTANTS)]
            yield {"__name__": f"{name}_lifetime_bonus:prod", **user}, [bonus * max(0, min(2, at - done + 1)) for at in range(INSTANTS)]
            yield {"__name__": f"{name}_pods", **user}, [float(chance.random() < 0.9) for _ in range(INSTANTS)]


def write(series, folder):
    """(files of load blocks, remote-write messages) of a set. The messages are in order of time, half an hour of every series and then the
    next: Prometheus refuses what is an hour older than its newest."""
    files, batch = [], []
    slices = [(at, remote_write.Samples([(START_S + i * STEP_S) * 1000 for i in range(at, min(at + SLICE, INSTANTS))]).encode, [])
              for at in range(0, INSTANTS, SLICE)]

    def flush():
        files.append(folder / f"{len(files):04}.test")
        files[-1].write_text(f"load {STEP_S}s\n" + "".join(batch))
        batch.clear()

    for count, (labels, values) in enumerate(series):
        if count and count % SERIES_PER_FILE == 0:
            flush()
        pairs = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__")
        batch.append(f"  {labels['__name__']}{{{pairs}}} " + " ".join([f"{value:.0f}" for value in values]) + "\n")
        for at, encode, messages in slices:
            messages.append(remote_write.series(labels, encode(values[at:at + SLICE])))
    flush()
    return files, [message for _, _, messages in slices for message in messages]
