#!/usr/bin/python3
"""The train's uplink in real weather and in real time: what the brake takes in each, what arrives, how old pictures are.

Ten pictures a second; danger comes in sight once a second, and the time from that result to the hub being told is measured. A second train
on the same machine sends nothing to a cloud: what slows both is the machine. Needs root. Prints a table, and JSON with --json FILE; ends
with 1 where a limit is broken.
"""
import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from namespaces import WHY_NOT  # noqa: E402
from railway import now_us, wait_until  # noqa: E402
from weather import EVENTS, FRAMES, Pace, Train, Watcher, quantile, two_hosts_with_kafka  # noqa: E402

SPOOL_MB = 48
BRAKE_LIMIT_MS, BACK_LIMIT_S = 2.0, 2.0


class Soak:
    def __init__(self, hosts, kafka, folder, seconds):
        self.hosts, self.seconds, self.rows, self.wrong = hosts, seconds, [], []
        self.train = Train(hosts, folder, "--spool-size", SPOOL_MB, kafka=kafka)
        self.other = Train(hosts, folder, name="other")
        self.watcher = Watcher(hosts, kafka.address)
        self.pace = Pace(self.train, self.other)
        self.largest_spool = 0
        wait_until(lambda: self.watcher.pictures(late=False), "nothing arrives", 60)

    def check(self, holds, what):
        if not holds:
            self.wrong.append(what)
            print(f"    WRONG: {what}", flush=True)

    def wait(self, name, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            spool = self.train.spool_bytes()
            self.largest_spool = max(self.largest_spool, spool)
            print(f"    {name}: {left:4.0f} s left, {self.train.signs.sequence} pictures taken, {len(self.watcher.pictures())} arrived, "
                  f"{self.train.waiting():.0f} events and {self.train.waiting('picture'):.0f} pictures wait in {spool / 1e6:.1f} MB", flush=True)
            time.sleep(min(30, left))

    def phase(self, name, seconds):
        """So long in the weather as it is."""
        since, load = now_us(), os.getloadavg()[0]
        first = self.pace.count
        self.wait(name, seconds)
        until = now_us() - 1_500_000  # what was begun by then is done
        brakes = [[took for took in train.brake_us(since, until)] for train in (self.train, self.other)]
        untold = brakes[0].count(None)
        self.check(untold == 0, f"{name}: the hub was not told {untold} times")
        took = [[one / 1e3 for one in some if one is not None] for some in brakes]
        ages = [one / 1e3 for one in self.watcher.ages_us(since)]
        self.rows.append({"weather": name, "seconds": seconds, "load": round((load + os.getloadavg()[0]) / 2, 1), "brakes": len(took[0]),
                          "brake_p50_ms": quantile(took[0], 0.5), "brake_p99_ms": quantile(took[0], 0.99),
                          "other_p50_ms": quantile(took[1], 0.5), "other_p99_ms": quantile(took[1], 0.99),
                          "live_share": len(ages) / max(1, self.pace.count - first),
                          "age_p50_ms": quantile(ages, 0.5), "age_p99_ms": quantile(ages, 0.99), "age_max_ms": max(ages, default=float("nan"))})

    def back(self, name):
        """The weather clears: how long until a picture arrives live that was taken since."""
        since = now_us()
        self.hosts.clear()
        cleared = now_us()  # by now for sure; it was somewhere in between
        wait_until(lambda: self.watcher.pictures(late=False, since_us=cleared), "no live picture comes back", 180)
        took = (self.watcher.pictures(late=False, since_us=cleared)[0].at_us - since) / 1e6
        print(f"    the link is back; a live picture after {took:.2f} s", flush=True)
        self.check(took <= BACK_LIMIT_S, f"{name}: the live picture was back after {took:.2f} s")
        self.rows[-1]["live_back_s"] = took
        begun = time.monotonic()
        wait_until(lambda: self.train.waiting() <= 4 and self.train.waiting("picture") <= 4, "the backlog does not drain", 900)
        self.rows[-1]["drained_s"] = time.monotonic() - begun

    def kill_while_draining(self):
        self.hosts.cut()
        self.wait("cut, then killed while it drains", max(10, self.seconds / 2))
        waited = self.train.waiting()
        self.hosts.clear()
        self.hosts.narrow("1mbit")
        wait_until(lambda: self.train.waiting() < 0.9 * waited, "nothing drains", 120)
        with self.hosts.train:
            self.train.decision.kill()
            self.train.start()
        self.hosts.clear()
        print(f"    killed with {waited:.0f} events on disk", flush=True)

    def verify(self):
        """Every result is there, and every decision, once, in order; there is none on what came while nobody was there to decide."""
        self.pace.close()
        time.sleep(2)
        wait_until(lambda: self.train.waiting() == 0 and self.train.waiting("picture") == 0, "the backlog does not drain", 900)
        time.sleep(1)
        found = {}
        for kind in ("result", "decision"):
            once = {}
            events = self.watcher.events(kind)
            for event in events:
                once.setdefault(event.id, event)
            sequences = [event.sequence for event in once.values()]
            missing = set(range(1, self.train.signs.sequence + 1)) - set(sequences)
            found[kind] = {"sent": self.train.signs.sequence, "arrived": len(once), "again_by_id": len(events) - len(once),
                           "missing": len(missing), "in_order": sequences == sorted(sequences)}
            self.check(sequences == sorted(sequences), f"{kind}s are out of order")
            gone = sorted(missing - (self.undecided if kind == "decision" else frozenset()))
            self.check(not gone, f"{kind}s are missing: {gone[:20]}")
        late = [one.sequence for one in self.watcher.pictures(late=True)]
        self.check(all(a <= b for a, b in zip(late, late[1:])), "the backlog is out of order")
        self.check(self.largest_spool <= SPOOL_MB << 20, f"the spool had {self.largest_spool} bytes")
        return {**found, "spool_most_bytes": self.largest_spool, "spool_cap_bytes": SPOOL_MB << 20, "pictures_late": len(late)}

    def judge_brakes(self):
        """Within 2 ms of before; or, where the machine slowed all, of the train beside it that sends nothing."""
        before = self.rows[0]["brake_p99_ms"]
        for row in self.rows[1:]:
            rise = min(row["brake_p99_ms"] - before, row["brake_p99_ms"] - row["other_p99_ms"])
            row["brake_rise_ms"] = row["brake_p99_ms"] - before
            self.check(rise <= BRAKE_LIMIT_MS, f"{row['weather']}: brake p99 {row['brake_p99_ms']:.2f} ms, {before:.2f} ms before")

    # Results that were published while no decision service ran.
    undecided = frozenset()

    def kill(self):
        first = self.train.signs.sequence
        self.kill_while_draining()
        told = {event.sequence for event in self.watcher.events("decision")}
        wait_until(lambda: self.train.waiting() <= 4, "the backlog does not drain", 300)
        time.sleep(2)
        told |= {event.sequence for event in self.watcher.events("decision")}
        span = [number for number in range(first, self.train.signs.sequence - 20) if number not in told]
        # One gap, of the time that a new process takes; anything else was lost.
        self.check(not span or span[-1] - span[0] < 40 and len(span) == span[-1] - span[0] + 1, f"lost besides the restart: {span}")
        self.undecided = frozenset(span)

    def run(self, minutes):
        self.phase("good", self.seconds)
        self.hosts.cut()
        self.phase("cut", 60 * minutes)
        self.back("cut")
        for name, change in (("1 Mbit/s", lambda: self.hosts.narrow("1mbit")), ("5 % lost", lambda: self.hosts.lose(5)),
                             ("100 ms each way", lambda: self.hosts.lengthen(100))):
            change()
            self.phase(name, self.seconds)
            self.back(name)
        self.kill()
        found = self.verify()
        self.judge_brakes()
        return found

    def close(self):
        self.pace.close()
        self.watcher.close()
        for train in (self.train, self.other):
            if not train.close():
                self.check(False, f"{train.name} did not end well: {train.decision.log()[-2000:]}")


def table(rows):
    print(f"\n    {'weather':<18}{'load':>6}{'brakes':>8}{'brake p50':>11}{'p99 ms':>9}{'beside: p50':>13}{'p99 ms':>9}"
          f"{'live':>7}{'age p50':>9}{'p99':>7}{'max ms':>8}{'back s':>8}{'drained s':>11}")
    for row in rows:
        back, drained = (f"{row[name]:.2f}" if name in row else "" for name in ("live_back_s", "drained_s"))
        print(f"    {row['weather']:<18}{row['load']:>6}{row['brakes']:>8}{row['brake_p50_ms']:>11.2f}{row['brake_p99_ms']:>9.2f}"
              f"{row['other_p50_ms']:>13.2f}{row['other_p99_ms']:>9.2f}{row['live_share']:>7.0%}{row['age_p50_ms']:>9.0f}{row['age_p99_ms']:>7.0f}"
              f"{row['age_max_ms']:>8.0f}{back:>8}{drained:>11}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=10, help="that the link is cut")
    arguments.add_argument("--seconds", type=float, default=60, help="of each other weather")
    arguments.add_argument("--json", type=pathlib.Path)
    given = arguments.parse_args()
    if WHY_NOT:
        print(f"weather: skipped, {WHY_NOT}")
        return 0
    with tempfile.TemporaryDirectory(prefix="rq-weather-") as name, two_hosts_with_kafka() as (hosts, kafka):
        pathlib.Path(name).chmod(0o755)
        with hosts.cloud:
            kafka.create(EVENTS, FRAMES)
        soak = Soak(hosts, kafka, pathlib.Path(name), given.seconds)
        try:
            found = soak.run(given.minutes)
        finally:
            hosts.clear()
            soak.close()
    table(soak.rows)
    for kind in ("result", "decision"):
        print(f"    {kind}s: {found[kind]}")
    print(f"    spool: at most {found['spool_most_bytes'] / 1e6:.1f} MB of {found['spool_cap_bytes'] / 1e6:.1f}; {found['pictures_late']} pictures came as backlog")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps({"weather": soak.rows, **found, "wrong": soak.wrong, "cores": os.cpu_count()}, indent=1))
    print("weather: " + ("; ".join(soak.wrong) or "all well"))
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
