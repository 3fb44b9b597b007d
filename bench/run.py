#!/usr/bin/env python3
"""What `make bench` prints: Railquest beside Debian's own Prometheus, on the same files, in the same run; and its detector beside
ONNX Runtime and OpenCV (bench/detector.py), and its train from frame to brake (bench/ride.py).

CPU seconds and peak memory are the kernel's (wait4), so other work on the machine changes them little; wall times it does.
--full adds 1,000 players and gives promtool an hour of CPU for each; --repeat N takes the best of N for Railquest.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/differential")]
import detector  # noqa: E402
import gen_players  # noqa: E402
import race  # noqa: E402
import ride  # noqa: E402
from promtool_output import alike, outcomes  # noqa: E402

RAILQUEST = ROOT / "build/bin/railquest"
MEASURE = ROOT / "build/bench/measure"
STEPS = gen_players.END_S // gen_players.STEP_S + 1


def measure(command, folder, cpu_limit_s=0):
    """Runs a command; returns what it took, with its output. `stopped` where it was ended after cpu_limit_s."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as result:
        process = subprocess.Popen(["bash", "-c", f'exec 3>&{write_end} {write_end}>&-; exec "$@"', "-", MEASURE,
                                    str(cpu_limit_s), *command],
                                   cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, pass_fds=[write_end])
        os.close(write_end)
        output, _ = process.communicate()
        taken = json.loads(result.read())
    return {**taken, "output": output, "stopped": taken["exit"] == 128 + signal.SIGKILL}


def memory_bytes_per_s():
    """How fast this machine copies memory that is there already: no engine can touch its samples faster."""
    source, target = memoryview(bytearray(64 << 20)), memoryview(bytearray(64 << 20))
    times = []
    for _ in range(5):
        begun = time.process_time()
        target[:] = source
        times.append(time.process_time() - begun)
    return 2 * len(source) / min(times)


def same(ours, theirs):
    """Whether two runners printed the same samples for every expression."""
    ours, theirs = outcomes(ours), outcomes(theirs)
    return bool(ours) and len(ours) == len(theirs) and all(
        a and b and a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
        for (_, a), (_, b) in zip(ours, theirs))


def row(name, taken):
    print(f"    {name:<24} {taken['cpu_s']:9.3f} s CPU {taken['wall_s']:9.3f} s wall {taken['peak_kib'] / 1024:8.1f} MiB peak")


def version_of(promtool):
    told = subprocess.run([promtool, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return re.search(r"version (\d[\w.]*)", told)[1]


def range_selectors(version):
    """Prometheus before 3 counts both ends of a window; ours does too when asked to."""
    return "closed" if version.startswith("2.") else "open"


def bench_rules(name, players, style, window, promtool, repeat, cpu_limit_s, copy_rate, folder):
    print(f"\n{name}: {players} players, 150 minutes at 5 s, style {style}, windows of {window}")
    folder = folder / f"{players}-{style}-{window}"
    gen_players.write(folder, players, style, window)
    version = version_of(promtool) if promtool else ""
    edges = range_selectors(version)
    command = [RAILQUEST, "test", "rules", f"--range-selectors={edges}", "test.yaml"]
    runs = [measure(command, folder) for _ in range(repeat)]
    ours = min(runs, key=lambda taken: taken["cpu_s"])
    row("railquest test rules", ours)
    recorded = players * 9 * STEPS
    limit_s = recorded * 8 / copy_rate
    print(f"    {recorded} samples recorded, {ours['cpu_s'] / recorded * 1e9:.1f} ns each; writing each once, 8 bytes at this "
          f"machine's memory speed ({copy_rate / 1e9:.0f} GB/s), takes {limit_s * 1e3:.1f} ms: we are {ours['cpu_s'] / limit_s:.0f} times from it")
    if not promtool:
        print("    no promtool here to compare with (./setup --test installs it)")
        return
    theirs = measure([promtool, "test", "rules", "test.yaml"], folder, cpu_limit_s)
    row("promtool test rules", theirs)
    if theirs["stopped"]:
        print(f"    ratio: promtool was ended after {cpu_limit_s} CPU seconds: at least {theirs['cpu_s'] / ours['cpu_s']:.0f} times less CPU")
        return
    if theirs["exit"] > 1:
        print(f"    ratio: none, promtool ended with {theirs['exit']}: {theirs['output'][-300:]}")
        return
    verdict = "the same scores" if same(ours["output"], theirs["output"]) else "DIFFERENT SCORES"
    print(f"    ratio: {theirs['cpu_s'] / ours['cpu_s']:.0f} times less CPU, {ours['peak_kib'] / theirs['peak_kib']:.3f} of its peak memory; "
          f"{verdict} ({edges} windows, as promtool {version})")


def bench_rehearse(folder, repeat):
    print("\nrehearse workshop: 96 players on 6 clusters, simulated, judged, scored and ranked at 1,801 steps")
    command = [RAILQUEST, "rehearse", "workshop", "--players", "96", "--clusters", "6", "--seed", "1"]
    runs = [measure(command, folder) for _ in range(max(repeat, 5))]
    row("railquest rehearse", min(runs, key=lambda taken: taken["wall_s"]))
    median_ms = statistics.median(taken["wall_s"] for taken in runs) * 1e3
    print(f"    median of {len(runs)}: {median_ms:.0f} ms (target: 200 ms; the workshop itself takes 9,000,000 ms)")


def request(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, port):
    """Starts a server and gives (process, milliseconds until /-/ready answered 200)."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - begun < 30:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if request(port, "/-/ready")[0] == 200:
                    break
            time.sleep(0.0005)
        yield process, (time.perf_counter() - begun) * 1e3
    finally:
        process.terminate()
        process.wait(timeout=30)


def resident_mib(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def ask_a_hundred(port, start_s, end_s):
    queries = ["count(kube_pod_status_phase)", "sum by (namespace) (kube_deployment_status_condition)", "max(up)",
               "count by (__name__) ({__name__!=\"\"})"]
    answered = 0
    for index in range(100):
        query = queries[index % len(queries)].replace(" ", "%20").replace("\"", "%22").replace("{", "%7B").replace("}", "%7D")
        query = query.replace("=", "%3D").replace("!", "%21")
        status, body = request(port, f"/api/v1/query_range?query={query}&start={start_s}&end={end_s}&step=60")
        answered += status == 200 and b'"result":[{' in body.replace(b" ", b"")
    return answered


def bench_serve(folder, promtool, prometheus):
    print("\nserve: the whole workshop queryable, after 100 range queries and with 10 listeners to the live stream")
    port = free_port()
    command = [RAILQUEST, "serve", "--rehearse", "workshop", "--speed", "max", "--listen", f"127.0.0.1:{port}"]
    readies = []
    for _ in range(3):
        with running(command, port) as (process, ready_ms):
            readies.append(ready_ms)
    with running(command, port) as (process, ready_ms):
        state = {}
        for _ in range(600):
            state = json.loads(request(port, "/api/quest/standings")[1])
            if state["now_s"] >= state["end_s"]:
                break
            time.sleep(0.05)
        listeners = []
        for _ in range(10):
            listener = socket.create_connection(("127.0.0.1", port))
            listener.sendall(b"GET /api/quest/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
            listener.recv(1)
            listeners.append(listener)
        answered = ask_a_hundred(port, state["start"], state["start"] + state["end_s"])
        rss = resident_mib(process)
        print(f"    {'railquest serve':<24} {rss:9.1f} MiB resident (target 24) {statistics.median(readies):9.1f} ms to ready "
              f"(target 50); {answered} of 100 queries had a result")
        for listener in listeners:
            listener.close()
    if prometheus:
        bench_prometheus(folder, promtool, prometheus, state["start"], state["start"] + state["end_s"], rss)


def bench_prometheus(folder, promtool, prometheus, start_s, end_s, ours_mib):
    """A real Prometheus on the very samples that the simulator emitted."""
    folder = folder / "prometheus"
    folder.mkdir()
    (folder / "empty.yml").write_text("global: {}\n")
    exported = subprocess.run([RAILQUEST, "rehearse", "workshop", "--openmetrics", folder / "workshop.om"],
                              stdout=subprocess.DEVNULL, timeout=120)
    loaded = exported.returncode == 0 and subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", folder / "workshop.om", folder / "data"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300).returncode == 0
    port = free_port()
    command = [prometheus, f"--config.file={folder}/empty.yml", f"--storage.tsdb.path={folder}/data",
               f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y", "--log.level=error"]
    with running(command, port) as (process, ready_ms):
        answered = ask_a_hundred(port, start_s, end_s)
        rss = resident_mib(process)
    print(f"    {'prometheus' + ('' if loaded else ' (no data loaded)'):<24} {rss:9.1f} MiB resident {'':11} {ready_ms:9.1f} ms to ready "
          f"{'':12}; {answered} of 100 queries had a result")
    print(f"    ratio: {ours_mib / rss:.3f} of its memory, with the pages and the race besides")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--full", action="store_true")
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--limit", type=int, default=0, help="CPU seconds for each run of promtool")
    given = arguments.parse_args()
    cpu_limit_s = given.limit or (3600 if given.full else 240)
    subprocess.run(["ninja", "-C", ROOT / "build", "bench/measure", "bench/race"], check=True, stdout=subprocess.DEVNULL)
    promtool, prometheus = shutil.which("promtool"), shutil.which("prometheus")
    copy_rate = memory_bytes_per_s()
    cases = [("reference", 96, "series", "3h"), ("short windows", 96, "series", "1h"), ("long rules", 96, "template", "3h")]
    if given.full:
        cases.append(("many players", 1000, "series", "3h"))
    detector.build()
    with tempfile.TemporaryDirectory(prefix="railquest-bench-") as name:
        folder = pathlib.Path(name)
        detector.compare(detector.model_bytes(None), 100, folder)
        ride.bench_ride()
        race.bench_race(folder, promtool)
        bench_rehearse(folder, given.repeat)
        bench_serve(folder, promtool, prometheus)
        for case in cases:
            bench_rules(*case, promtool, given.repeat, cpu_limit_s, copy_rate, folder)


if __name__ == "__main__":
    main()
