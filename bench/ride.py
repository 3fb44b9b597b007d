#!/usr/bin/env python3
"""The train's part of `make bench`: what its five programs add to the bare detector, hop by hop; ages under load; memory; what is
installed; and how soon it brakes when something is killed. Limits stand beside, and nothing is asserted.

Instants are the services' own, on the kernel's monotonic clock, joined by the pictures' trace ids.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
from railway import Signs, now_us, wait_until  # noqa: E402
from whole_train import TRAIN, Train  # noqa: E402

BRAKE = "08 00 81 00 11 51 00 7f"
EDGE = ("capture", "inference", "decision", "controller")


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def row(name, values, limit=""):
    """Milliseconds of microseconds."""
    print(f"    {name:<44} {quantile(values, 0.5) / 1e3:8.2f} {quantile(values, 0.99) / 1e3:9.2f}   {limit}"
          f"{'' if values else ' (nothing was measured)'}")


def recorded(folder):
    """Times by trace: topics' arrival at the recorder, and what messages say themselves."""
    frames = collections.defaultdict(dict)
    telemetry = {}
    for line in (folder / "index.ndjson").read_text().splitlines()[1:]:
        entry = json.loads(line)
        message = entry["message"]
        if entry["topic"] == "telemetry":
            for kind in ("taken", "acted"):
                if message.get(kind):
                    telemetry[(kind, message[kind]["trace"])] = message[kind]
            continue
        times = frames[message["trace"]]
        times[entry["topic"]] = entry["received_us"]
        times["captured"] = message["captured_monotonic_us"]
        if entry["topic"] == "result":
            times["looked"] = message["prepare_us"] + message["infer_us"] + message["finish_us"]
        if entry["topic"] == "decision":
            times["decided"] = message["decided_monotonic_us"]
    for (kind, trace), step in telemetry.items():
        times = frames[trace]
        times["taken"] = step["received_monotonic_us"]
        if step.get("written_monotonic_us"):
            times["written"] = step["written_monotonic_us"]
    return frames


def between(frames, first, last):
    return [times[last] - times[first] for times in frames.values() if first in times and last in times]


def ride(folder, name, seconds, *options):
    """Recorded times of a train that rides for so long, and the PSS of the four programs on the train, in KiB."""
    recording = folder / name
    train = Train("--hub", "print", "--arm", "--set", "capture.size=source", "--log-level", "warn", *options)
    try:
        train.wait_connected()
        recorder = subprocess.Popen([TRAIN, "record", recording, "--broker", train.broker_url(), "--listen", "127.0.0.1:0",
                                     "--log-level", "warn"], stdout=subprocess.PIPE, text=True)
        recorder.stdout.readline()
        time.sleep(seconds)
        memory = {program: pss_kib(train.pid(program)) for program in EDGE}
        recorder.send_signal(signal.SIGINT)
        recorder.communicate(timeout=20)
    finally:
        train.close()
    return recorded(recording), memory


def pss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def bench_hops(folder, frames_folder, seconds):
    files = sorted(frames_folder.iterdir())
    bare = [int(line) for line in subprocess.run([ROOT / "build/bench/look", "10", *files[:10 * seconds]], capture_output=True,
                                                 text=True, check=True).stdout.split()]
    frames, memory = ride(folder, "hops", seconds, "--source", f"dir:{frames_folder}", "--set", "capture.loop")
    total = between(frames, "captured", "taken")
    print(f"\ntrain: capture to hub at 10 fps, {len(between(frames, 'captured', 'decided'))} pictures    p50 ms    p99 ms")
    row("bare loop: decode and detect, nothing else", bare)
    row("capture to broker (frame)", between(frames, "captured", "frame"))
    row("broker to broker (inference)", between(frames, "frame", "result"))
    row("  of it decode and detect", [times["looked"] for times in frames.values() if "looked" in times])
    row("broker to broker (decision)", between(frames, "result", "decision"))
    row("decision made to controller", between(frames, "decided", "taken"))
    row("controller to hub (where it changes anything)", between(frames, "taken", "written"))
    row("capture to controller, all", total)
    added = [quantile(total, share) - quantile(bare, share) for share in (0.5, 0.99)]
    print(f"    {'added to the bare loop':<44} {added[0] / 1e3:8.2f} {added[1] / 1e3:9.2f}   limit 10 and 25")
    print("\ntrain: memory of the four programs on the train, PSS")
    for program, kib in memory.items():
        print(f"    {program:<44} {kib / 1024:8.1f} MiB")
    print(f"    {'together':<44} {sum(memory.values()) / 1024:8.1f} MiB   limit 60 (the original's controller alone: 69)")


def bench_age(folder, seconds):
    frames, _ = ride(folder, "age", seconds, "--source", "test:", "--set", "capture.fps=33", "--set", "inference.work=100ms")
    print("\ntrain: 33 fps and 100 ms of work on each picture                p50 ms    p99 ms")
    row("age of a picture when its decision is made", between(frames, "captured", "decided"), "limit 150 (original: 21 s after 30 s)")


def bench_installed(folder):
    done = subprocess.run(["meson", "install", "-C", ROOT / "build", "--no-rebuild", "--destdir", folder / "installed"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout[-1000:] + done.stderr, file=sys.stderr)
    sizes = collections.Counter()
    for path in (folder / "installed").rglob("*"):
        if path.is_file() and not path.is_symlink():
            sizes["programs" if "/bin/" in str(path) else "man pages and completions" if "/man/" in str(path) or "complet" in str(path)
                  else "the rest (model, plug-ins, units)"] += path.stat().st_size
    print("\ninstalled: our own files" + ("" if done.returncode == 0 else " (the install failed)"))
    for name, size in sizes.items():
        print(f"    {name:<44} {size / 1e6:8.2f} MB")
    print(f"    {'together':<44} {sum(sizes.values()) / 1e6:8.2f} MB    limit 5")


def writes(log):
    return [(line["at_us"], line["bytes"]) for line in map(json.loads, pathlib.Path(log).read_text().splitlines())]


def wait_write(log, after_us, wanted, seconds=15):
    """When the hub was first told one of these after an instant."""
    def first():
        return next((at for at, message in writes(log) if at > after_us and message.lower() in wanted), None)

    wait_until(lambda: first() is not None, "the hub was not told", seconds)
    return first()


def bench_kills(folder, rounds):
    log = folder / "hub.ndjson"
    log.write_text("")
    low = "08 00 81 00 11 51 00 46"
    train = Train("--hub", "record", "--set", f"controller.record-file={log}", "--source", "test:", "--log-level", "warn")
    took = collections.defaultdict(list)
    try:
        train.wait_connected()
        for name in ("capture", "inference", "decision", "mosquitto", "controller"):
            for _ in range(rounds):
                begun = now_us()
                train.wait_connected()
                train.wait_ready()
                train.post("controller", "/arm")
                time.sleep(1.5)
                killed = train.kill(name)
                took[name].append(wait_write(log, killed, {BRAKE}) - killed)
                if name != "controller":
                    wait_write(log, killed, {low})  # it goes again
    finally:
        train.close()
    print("\ntrain: kill -9 to brake, from the kill (dead-man 300 ms)        median ms    max ms")
    for name, values in took.items():
        limit = "limit 2000, first write" if name == "controller" else "limit 350 after the last fresh decision"
        print(f"    {name:<44} {statistics.median(values) / 1e3:12.1f} {max(values) / 1e3:9.1f}   {limit}")


RULES = """version: 1
signs:
  - {class: DangerAhead, order: stop, confirm: 1 of 1, cooldown: 10ms}
  - {class: SpeedLimit, order: slow, confirm: 1 of 1, cooldown: 10ms}
stop: {resume: clear, hold: 10ms, clear_for: 100ms}
slow: {resume: clear, hold: 10ms, clear_for: 100ms}
"""


def bench_danger(folder, rounds):
    """DangerAhead while the light blinks for a speed limit, and while the train ramps up."""
    log, rules = folder / "danger.ndjson", folder / "rules.yaml"
    log.write_text("")
    rules.write_text(RULES)
    train = Train("--hub", "record", "--set", f"controller.record-file={log}", "--rules", rules, "--without", "capture",
                  "--without", "inference", "--without", "monitor", "--log-level", "warn")
    took = []
    try:
        for name, condition in (("decision", "broker"), ("controller", "hub"), ("controller", "broker")):
            wait_until(lambda: f"ok {condition}" in train.ask(name, "/ready")[1], "not ready")
        time.sleep(0.5)
        signs = Signs(int(train.broker_url().rsplit(":", 1)[1]))
        signs.see_for(0.3)
        train.post("controller", "/arm")
        for turn in range(rounds):
            signs.see_for(0.5 + 0.07 * (turn % 5))
            if turn % 2:
                signs.see_for(0.1 + 0.05 * (turn % 7), ("SpeedLimit", 300))
            sent = signs.see(("DangerAhead", 100))
            took.append(wait_write(log, sent, {BRAKE}) - sent)
            signs.see_for(0.6)
    finally:
        train.close()
    print("\ntrain: DangerAhead during another action                        p50 ms    p99 ms")
    row("result on the bus to brake at the hub", took, "limit 20 (original: 2,050)")


def bench_ride(seconds=30, rounds=3):
    if not shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"):
        print("\ntrain: mosquitto is not installed (./setup), so nothing is measured")
        return
    subprocess.run(["ninja", "-C", ROOT / "build", "programs", "bench/look", "film/film"], check=True, stdout=subprocess.DEVNULL)
    print(f"\ntrain: load of this machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="railquest-bench-") as name:
        folder = pathlib.Path(name)
        subprocess.run([ROOT / "build/film/film", f"{folder}/frames/", folder / "truth.json"], check=True)
        bench_hops(folder, folder / "frames", seconds)
        bench_age(folder, seconds)
        bench_danger(folder, 20)
        bench_kills(folder, rounds)
        bench_installed(folder)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=int, default=30, help="of each ride")
    arguments.add_argument("--rounds", type=int, default=3, help="of each kill")
    given = arguments.parse_args()
    bench_ride(given.seconds, given.rounds)
