#!/usr/bin/env python3
"""PromQL over HTTP: Railquest beside Debian's Prometheus and VictoriaMetrics, on the same samples, in the same run.

    bench/promql.py [--series 100,1000,10000] [--repeat N] [--documents]

Every query is asked of the servers in turn, so that what else the machine does meets all of them. Printed are the median of the wall
time as a client sees it, the server's CPU seconds from /proc for each answer, and its peak memory while it answered. --documents writes the
tables and the plot of docs/performance.md's section "Measured" anew.
"""
import argparse
import contextlib
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/differential")]
import promql_data as data  # noqa: E402
import promql_report as report  # noqa: E402
import remote_write  # noqa: E402
import servers  # noqa: E402

PLOT = ROOT / "build/performance.svg"
RAILQUEST = ROOT / "build/bin/railquest"
DASHBOARD_STEP_S = 15
SECONDS_PER_QUERY = 12  # a query is asked again and again until --repeat, or for so long

LEADERBOARD = " + ".join(f"opencodequest_leaderboard_{exercise}_lifetime_bonus:prod + sum_over_time(opencodequest_leaderboard_{exercise}:prod[1h])/60"
                         for exercise in ("hero", "villain", "fight"))
DASHBOARD = {
    "requests by service": "sum by (job) (rate(http_requests_total[5m]))",
    "requests by code": "sum by (code) (increase(http_requests_total[1m]))",
    "share of errors": 'sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total[5m]))',
    "95th percentile": "histogram_quantile(0.95, sum by (le, job) (rate(http_request_duration_seconds_bucket[5m])))",
    "busiest five": "topk(5, sum by (instance) (irate(http_requests_total[1m])))",
    "memory by service": "sum by (job) (process_resident_memory_bytes) / 1024 / 1024",
    "smoothed memory": 'avg_over_time(process_resident_memory_bytes{job="api"}[10m])',
    "highest memory": "max by (job) (max_over_time(process_resident_memory_bytes[30m]))",
    "memory in an hour": 'predict_linear(process_resident_memory_bytes{instance=~"node-00[01].*"}[1h], 3600)',
    "instances over 800 MB": "count by (job) (process_resident_memory_bytes > 8e8)",
}


def version_of(name):
    """VictoriaMetrics does not know its own in Debian: the package's."""
    if not shutil.which(name):
        return "not here (./setup --bench installs it)"
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], stdout=subprocess.PIPE, text=True).stdout or servers.version_of(name)


@contextlib.contextmanager
def victoria_metrics(folder, messages):
    port = servers.free_port()
    command = [shutil.which("victoria-metrics"), f"-storageDataPath={folder}/victoria", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y",
               "-search.latencyOffset=0s", "-loggerLevel=ERROR", "-search.maxQueryDuration=10m", "-search.maxSamplesPerQuery=10000000000"]
    with open(folder / "victoria.log", "wb") as log, servers.stopped_at_the_end(subprocess.Popen(command, stdout=log, stderr=log)) as process:
        servers.wait_until_ready(process, port, "/health")
        for at in range(0, len(messages), 100):
            remote_write.send(port, "/api/v1/write", messages[at:at + 100])
        wait_until_found(port)
        yield servers.Running(process, port)


def wait_until_found(port):
    """What was just written can be asked for after a second or so."""
    connection = servers.Connection(port)
    for _ in range(100):
        connection.ask("/api/v1/query", {"query": f"count({{__name__!=''}}) by (__name__)", "time": data.END_S, "nocache": "1"})
        if json.loads(connection.answer()[1])["data"]["result"]:
            break
        time.sleep(0.2)
    connection.close()


class Asked:
    """What one query cost one server."""

    def __init__(self):
        self.wall_s, self.cpu_s, self.count, self.bytes, self.series = [], 0.0, 0, 0, 0

    def median_ms(self):
        return statistics.median(self.wall_s) * 1e3

    def cpu_ms(self):
        return self.cpu_s / self.count * 1e3


def ask(connection, query, step_s):
    parameters = {"query": query, "nocache": "1"}
    if step_s:
        connection.ask("/api/v1/query_range", {**parameters, "start": data.START_S, "end": data.END_S, "step": step_s})
    else:
        connection.ask("/api/v1/query", {**parameters, "time": data.END_S})
    return connection.answer()


def ask_some(server, query, step_s, count):
    """[wall seconds] and the last (status, body), on a connection of its own: VictoriaMetrics closes those that are silent at first."""
    connection, taken = servers.Connection(server.port, 600), []
    for _ in range(count):
        begun = time.perf_counter()
        answer = ask(connection, query, step_s)
        taken.append(time.perf_counter() - begun)
    connection.close()
    return taken, answer


def compare(running, query, step_s, repeat, seconds=SECONDS_PER_QUERY):
    """{server: Asked} after asking all in turn; the first answer of each is left out of the times."""
    found, slowest_s = {}, 0
    for name, server in running.items():
        taken, (status, body) = ask_some(server, query, step_s, 1)
        if status != 200:
            raise RuntimeError(f"{name}: {status} {body[:300]!r} for {query}")
        found[name] = Asked()
        found[name].bytes, found[name].series = len(body), len(json.loads(body)["data"]["result"])
        slowest_s = max(slowest_s, *taken)
    begun = time.monotonic()
    batch = max(1, min(20, int(0.2 / slowest_s)))  # what takes little is asked some times in a row
    while found["railquest"].count < repeat * batch and (time.monotonic() - begun < seconds or found["railquest"].count < 3 * batch):
        for name, server in running.items():
            before = server.cpu_s()
            found[name].wall_s += ask_some(server, query, step_s, batch)[0]
            found[name].cpu_s += server.cpu_s() - before
            found[name].count += batch
    return found


@contextlib.contextmanager
def all_servers(series, folder, programs):
    files, messages = data.write(series, folder)
    with contextlib.ExitStack() as stack:
        running = {"railquest": stack.enter_context(servers.railquest(programs["railquest"], files, programs["arguments"]))}
        for file in files:
            file.unlink()
        loaded = running["railquest"].memory_mib("VmRSS")
        if programs["prometheus"]:
            running["prometheus"] = stack.enter_context(servers.prometheus(folder, messages))
        if programs["victoria-metrics"]:
            running["victoria-metrics"] = stack.enter_context(victoria_metrics(folder, messages))
        samples = len(messages) * data.SLICE
        print(f"    railquest holds {samples} samples in {loaded:.0f} MiB ({loaded * 2 ** 20 / samples:.1f} bytes each, the whole process)")
        messages.clear()
        yield running


def measure(name, series, queries, step_s, programs, repeat):
    """[(set, query, step, {server: Asked})], and {server: (peak, resident) MiB} of all of them together."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="railquest-bench-", dir="/var/tmp") as folder, \
            all_servers(series, pathlib.Path(folder), programs) as running:
        for server in running.values():
            server.forget_peak()
        for title, query in queries.items():
            for step in (step_s, 0):
                rows.append((name, title, step, compare(running, query, step, repeat)))
                report.print_row(rows[-1])
        memory = {each: server.memory_mib("VmHWM") for each, server in running.items()}
        report.print_memory(memory)
        growth = grow_steps(running, repeat) if name.startswith("1000 ") else []
    return rows, memory, growth


def grow_steps(running, repeat):
    """How the cost of one query grows with its steps."""
    rows = []
    for steps in (10, 100, 1000, 2160):
        step_s = max(1, (data.END_S - data.START_S) // (steps - 1))
        rows.append((steps, compare(running, DASHBOARD["requests by service"], step_s, repeat, 6)))
    return rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--series", default="100,1000,10000")
    arguments.add_argument("--repeat", type=int, default=9)
    arguments.add_argument("--program", type=pathlib.Path, default=RAILQUEST)
    arguments.add_argument("--only", default="", help="queries whose title contains this")
    arguments.add_argument("--documents", action="store_true")
    given = arguments.parse_args()
    programs = {name: shutil.which(name) for name in ("prometheus", "victoria-metrics")}
    programs["railquest"], programs["arguments"] = given.program, [f"--load-origin={data.START_S}"]
    versions = {name: version_of(name) for name in report.OTHERS}
    print(*[f"{name}: {version}" for name, version in versions.items()], sep="\n")
    if programs["prometheus"] and servers.version_of(programs["prometheus"]).startswith("2."):
        programs["arguments"].append("--range-selectors=closed")
    sets = [("leaderboard", lambda: data.leaderboard(96), {"leaderboard": LEADERBOARD}, data.STEP_S)]
    for count in map(int, filter(None, given.series.split(","))):
        sets.append((f"{count} series", lambda count=count: data.fleet(count), DASHBOARD, DASHBOARD_STEP_S))
    rows, memory, growth = [], {}, []
    for name, series, queries, step_s in sets:
        queries = {title: query for title, query in queries.items() if given.only in title}
        if not queries:
            continue
        print(f"\n{name}, 3 h at 5 s, ranges every {step_s} s")
        found, memory[name], more = measure(name, series(), queries, step_s, programs, given.repeat)
        rows, growth = rows + found, growth + more
    report.print_verdict(rows, memory)
    report.print_growth(rows, growth)
    if growth:
        PLOT.write_text(report.plot(rows, growth))
        print(f"as a plot: {PLOT.relative_to(ROOT)}")
    if given.documents:
        report.write_documents(ROOT / "docs", rows, memory, growth, versions)


if __name__ == "__main__":
    main()
