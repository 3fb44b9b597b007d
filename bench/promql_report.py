"""What bench/promql.py prints, and what it writes into docs/: tables and a plot that needs nothing else to be seen."""
import datetime
import math
import os
import re
import statistics

OTHERS = ["prometheus", "victoria-metrics"]
GOALS = {("prometheus", True): 8, ("prometheus", False): 5, ("victoria-metrics", True): 1, ("victoria-metrics", False): 1}
TITLE_OF_GROWTH = "requests by service"
COLOURS = {"railquest": "#d6336c", "prometheus": "#495057", "victoria-metrics": "#1c7ed6"}


def ratios(rows, other, is_range, cost):
    return [cost(asked[other]) / cost(asked["railquest"]) for _, _, step_s, asked in rows
            if bool(step_s) == is_range and other in asked and cost(asked["railquest"]) > 0 and cost(asked[other]) > 0]


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else float("nan")


def wall_ms(asked):
    return asked.median_ms()


def cpu_ms(asked):
    return asked.cpu_ms()


# --- printed ---

def print_row(row):
    _, title, step_s, asked = row
    parts = [f"{name} {each.median_ms():9.2f} ms, CPU {each.cpu_ms():9.2f} ms" for name, each in asked.items()]
    series = {name: each.series for name, each in asked.items()}
    differ = "" if len(set(series.values())) == 1 else f"  SERIES DIFFER {series}"
    print(f"    {title + (' range' if step_s else ' instant'):<32} {' | '.join(parts)}{differ}", flush=True)


def print_memory(memory):
    print("    peak memory while answering: " + ", ".join(f"{name} {mib:.0f} MiB" for name, mib in memory.items()), flush=True)


def verdicts(rows):
    """(other, is_range, wall, CPU, worst wall, goal): geometric means of how many times less we take."""
    for (other, is_range), goal in GOALS.items():
        wall = ratios(rows, other, is_range, wall_ms)
        if wall:
            yield other, is_range, geometric_mean(wall), geometric_mean(ratios(rows, other, is_range, cpu_ms)), min(wall), goal


def print_verdict(rows, memory):
    print("\nhow many times less than the others take, geometric means over all queries above")
    for other, is_range, wall, cpu, worst, goal in verdicts(rows):
        print(f"    {other:<18} {'range' if is_range else 'instant':<8} wall {wall:7.2f}   CPU {cpu:7.2f}   worst {worst:7.2f}   goal {goal}")
    for name, each in memory.items():
        for other in OTHERS:
            if other in each:
                goal = " (goal: below 0.5)" if other == "prometheus" else ""
                print(f"    {name}: {each['railquest'] / each[other]:.2f} of {other}'s peak memory{goal}")


def print_growth(rows, growth):
    """How the cost of one query grows with series, then with steps."""
    with_series = [(int(name.split()[0]), asked) for name, title, step_s, asked in rows if title == TITLE_OF_GROWTH and step_s]
    for what, points in (("series, 721 steps", with_series), ("steps, 1,000 series", growth)):
        if points:
            print(f"\n{TITLE_OF_GROWTH}, milliseconds for so many {what} (CPU)")
        for at, asked in points:
            print(f"    {at:>6}  " + "   ".join(f"{name} {each.median_ms():9.2f} ({each.cpu_ms():8.2f})" for name, each in asked.items()))


# --- the plot ---

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 300, 80, 110, 30, 45


def power(at):
    return f"{at:g}"


def panel(x, title, unit, lines):
    """One pair of logarithmic axes. `lines`: {server: [(x, ms)]}."""
    points = [point for line in lines.values() for point in line]
    spans = []
    for axis in (0, 1):
        values = [math.log10(point[axis]) for point in points]
        spans.append((math.floor(min(values)) if axis else min(values), math.ceil(max(values)) if axis else max(values)))
    (least_x, most_x), (least_y, most_y) = spans

    def place(point):
        across = (math.log10(point[0]) - least_x) / (most_x - least_x or 1)
        up = (math.log10(point[1]) - least_y) / (most_y - least_y or 1)
        return x + LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    out = [f'<text x="{x + LEFT}" y="18" class="title">{title}</text>']
    for exponent in range(least_y, most_y + 1):
        _, y = place((10 ** least_x, 10 ** exponent))
        out.append(f'<line x1="{x + LEFT}" y1="{y:.1f}" x2="{x + WIDTH - RIGHT}" y2="{y:.1f}" class="grid"/>'
                   f'<text x="{x + LEFT - 6}" y="{y + 4:.1f}" class="right">{power(10 ** exponent)} ms</text>')
    for value in sorted({point[0] for point in points}):
        at, _ = place((value, 10 ** least_y))
        out.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" class="middle">{value:g}</text>')
    out.append(f'<text x="{x + (LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" class="middle">{unit}</text>')
    free_y = 0.0  # names at the right stand below one another, however close their lines end
    for name, line in sorted(lines.items(), key=lambda item: place(item[1][-1])[1]):
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in map(place, line))
        px, py = place(line[-1])
        free_y = max(py + 4, free_y + 13)
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>' +
                   "".join(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="3" fill="{COLOURS[name]}"/>' for cx, cy in map(place, line)) +
                   f'<text x="{px + 7:.1f}" y="{free_y:.1f}" fill="{COLOURS[name]}">{name}</text>')
    return "\n".join(out)


def plot(rows, growth):
    by_series, by_steps = {}, {}
    for name, title, step_s, asked in rows:
        if title == TITLE_OF_GROWTH and step_s:
            for server, each in asked.items():
                by_series.setdefault(server, []).append((int(name.split()[0]), each.median_ms()))
    for steps, asked in growth:
        for server, each in asked.items():
            by_steps.setdefault(server, []).append((steps, each.median_ms()))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH + 20} {HEIGHT}" font-family="sans-serif" font-size="11">\n'
            "<style>.title { font-size: 13px; font-weight: bold } .grid { stroke: #dee2e6 } .right { text-anchor: end } .middle { text-anchor: middle }"
            " text:not([fill]) { fill: #495057 }</style>\n"
            '<rect width="100%" height="100%" fill="#ffffff"/>\n' +
            panel(0, "time of one range query, 721 steps", "series in the store", by_series) + "\n" +
            panel(WIDTH + 20, "the same with 1,000 series", "steps", by_steps) + "\n</svg>\n")


# --- the tables ---

def tables(rows, memory, growth, versions):
    names = ["railquest", *[name for name in OTHERS if name in rows[0][3]]]
    out = [f"{os.cpu_count()} cores shared with other work, {datetime.date.today():%d %B %Y}; Prometheus {versions['prometheus']}, "
           f"VictoriaMetrics {versions['victoria-metrics']}. Times are medians in milliseconds as a client on the same machine sees them, in brackets the "
           "server's CPU milliseconds; the last columns are ratios of the times.", "", "![time against series and steps](performance.svg)", ""]
    out += ["| how many times less we take (geometric mean) | wall time | CPU time | the query where it is least | goal |", "|---|---|---|---|---|"]
    out += [f"| than {other}, {'range' if is_range else 'instant'} queries | **{wall:.1f}** | {cpu:.1f} | {worst:.1f} | {goal} |"
            for other, is_range, wall, cpu, worst, goal in verdicts(rows)]
    out += ["", "| peak memory while answering, MiB | " + " | ".join(names) + " | ours / Prometheus's |", "|---|" + "---|" * (len(names) + 1)]
    for name, each in memory.items():
        share = f"{each['railquest'] / each['prometheus']:.2f}" if "prometheus" in each else ""
        out.append(f"| {name} | " + " | ".join(f"{each[server]:.0f}" for server in names) + f" | {share} |")
    out += ["", "| set | query | " + " | ".join(names) + " | Prometheus / ours | VictoriaMetrics / ours |", "|---|---|" + "---|" * (len(names) + 2)]
    for name, title, step_s, asked in rows:
        cells = [f"{asked[server].median_ms():.2f} ({asked[server].cpu_ms():.2f})" for server in names]
        shares = [f"{asked[other].median_ms() / asked['railquest'].median_ms():.1f}" if other in asked else "" for other in OTHERS]
        out.append(f"| {name} | {title}, {'range' if step_s else 'instant'} | " + " | ".join(cells + shares) + " |")
    out += ["", f"How `{TITLE_OF_GROWTH}` grows with its steps, 1,000 series in the store:", "",
            "| steps | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    out += [f"| {steps} | " + " | ".join(f"{asked[server].median_ms():.2f} ({asked[server].cpu_ms():.2f})" for server in names) + " |"
            for steps, asked in growth]
    return "\n".join(out)


def write_documents(folder, rows, memory, growth, versions):
    page = folder / "performance.md"
    text = page.read_text()
    measured = f"<!-- measured: written by bench/promql.py --documents -->\n{tables(rows, memory, growth, versions)}\n<!-- end -->"
    page.write_text(re.sub(r"<!-- measured.*?<!-- end -->", lambda _: measured, text, flags=re.DOTALL))
    if growth:
        (folder / "performance.svg").write_text(plot(rows, growth))
