"""What bench/promql.py prints, and what it writes into docs/."""
import math
import statistics

OTHERS = ["prometheus", "victoria-metrics"]


def ratios(rows, other, is_range, cost):
    return [cost(asked[other]) / cost(asked["railquest"]) for _, _, step_s, asked in rows
            if bool(step_s) == is_range and other in asked and cost(asked["railquest"]) > 0 and cost(asked[other]) > 0]


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def print_row(row):
    _, title, step_s, asked = row
    parts = [f"{name} {each.median_ms():9.2f} ms, CPU {each.cpu_ms():9.2f} ms" for name, each in asked.items()]
    series = {name: each.series for name, each in asked.items()}
    differ = "" if len(set(series.values())) == 1 else f"  SERIES DIFFER {series}"
    print(f"    {title + (' range' if step_s else ' instant'):<32} {' | '.join(parts)}{differ}", flush=True)


def print_memory(memory):
    print("    peak memory while answering: " + ", ".join(f"{name} {mib:.0f} MiB" for name, mib in memory.items()), flush=True)


def print_verdict(rows, memory):
    print("\nhow many times less than the others take, geometric means over all queries above")
    for other in OTHERS:
        for is_range in (True, False):
            wall = ratios(rows, other, is_range, lambda asked: asked.median_ms())
            cpu = ratios(rows, other, is_range, lambda asked: asked.cpu_ms())
            if wall:
                goal = (8 if is_range else 5) if other == "prometheus" else 1
                print(f"    {other:<18} {'range' if is_range else 'instant':<8} wall {geometric_mean(wall):7.2f}   CPU {geometric_mean(cpu) if cpu else 0:7.2f}"
                      f"   worst {min(wall):7.2f}   goal {goal}")
    for name, each in memory.items():
        for other in OTHERS:
            if other in each:
                print(f"    {name}: {each['railquest'] / each[other]:.2f} of {other}'s peak memory" + (" (goal: below 0.5)" if other == "prometheus" else ""))
