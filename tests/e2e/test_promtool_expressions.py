"""Expressions evaluated by Debian's promtool and by railquest, in one run, on the same random series.

promtool 2.42 has closed windows. (`a atan2 b` keeps the name there, not in 3.x: left out.) Each expression test expects a sample that cannot be, so that both programs print
what they got; that is compared, to a relative 1e-9 (2.42 sums some things without compensation).
"""

import math
import os
import pathlib
import random
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RAILQUEST = os.environ.get("RAILQUEST_BIN", str(ROOT / "build/bin/railquest"))

EXPRESSIONS = """
a
a{u="1"}
a{u=~"1|2",v!="x"}
{__name__=~"a|b",u!~"[23]"}
a offset 1m
a offset -1m
a @ 300
a @ 300 offset 1m
a @ start()
sum_over_time(a[2m] @ end())
-a
+a
a + 1
1 - a
a * a
a / b
a % 3
a ^ 2
2 ^ 3 ^ 2
-2 ^ 2
1 + 2 * 3 - 4 / 5
a == 3
a != 3
a > 2
a >= 2
a < 2
a <= 2
2 < a
2 == bool 2
a == bool 3
a > bool 2
a >= bool 2 or b
a and b
a or b
a unless b
a and on(u) b
a or on(u) b
a unless on(u) b
a and ignoring(v) b
a or ignoring(v) b
a or b or c
a or on(u) b or on(u) c
(a or b) and c
a + on(u) group_left b_one
a * on(u) group_left(w) b_one
b_one / on(u) group_right a
b_one - on(u) group_right(w) a
a + ignoring(v) group_left(w) b_one
a > on(u) group_left b_one
a > bool on(u) group_left b_one
a + on(u) b
a + on(v) b
a + ignoring(v) b
sum(a)
sum by (u) (a)
sum(a) by (u)
sum without (u) (a)
sum without () (a)
min by (u) (a)
max(a) by (v)
avg by (u) (a)
count by (v) (a)
count(a > 2)
group(a)
group by (u) (a)
sum(a + b)
sum by (missing) (a)
rate(a[1m])
rate(c[5m])
increase(a[30s])
increase(c[10m])
delta(a[2m])
irate(c[1m])
idelta(a[1m])
resets(a[10m])
changes(a[10m])
sum_over_time(a[1m])
sum_over_time(a[10m])
avg_over_time(a[5m])
min_over_time(a[5m])
max_over_time(a[5m])
count_over_time(a[5m])
last_over_time(a[5m])
present_over_time(a[5m])
sum_over_time(a[5m] offset 2m)
sum_over_time(a[5m] @ 400)
increase(a[10s]) >= bool 0.5
sum_over_time(a[5m:])
sum_over_time(a[5m:30s])
sum_over_time(a[5m:7s])
max_over_time(rate(c[1m])[5m:30s])
sum_over_time((a + b)[4m:20s])
sum_over_time(sum(a)[4m:20s] offset 1m)
sum_over_time(a[4m:20s] @ 300)
avg_over_time((a > 1)[3m:15s])
rate(sum by (u) (c)[3m:15s])
sum_over_time(sum_over_time(a[30s:10s])[2m:20s])
min_over_time((1 + 1)[1m:10s])
timestamp(a)
timestamp(-a)
timestamp(a offset 1m)
timestamp(timestamp(a))
time()
vector(1)
vector(time())
scalar(a{u="1",v="x"})
scalar(a)
sum_over_time(vector(1)[1m:10s])
abs(-a)
ceil(a / 3)
floor(a / 3)
round(a / 3)
round(a / 3, 0.5)
round(-a / 3, 2)
exp(a)
sqrt(a)
ln(a)
log2(a)
log10(a)
sgn(a - 2)
clamp(a, 1, 3)
clamp(a, 3, 1)
clamp_min(a, 2)
clamp_max(a, 2)
sin(a)
deg(a)
rad(a)
pi()
absent(a)
absent(nothing)
absent(nothing{u="1",v=~"x"})
absent(sum(nothing))
label_replace(a, "w", "$1-$2", "u", "(.)()")
label_replace(a, "w", "x", "", "")
label_replace(a, "u", "", "u", ".*")
label_replace(a, "w", "${1}!", "missing", "(.*)")
label_replace(a, "w", "y", "u", "1")
label_replace(a, "__name__", "d", "", "")
label_replace(a, "v", "", "", "")
label_join(a, "w", "-", "u", "v")
label_join(a, "w", ",", "u", "missing", "v")
sum(timestamp(label_replace(a, "w", "k", "", "") or label_replace(b, "w", "l", "", "")) >= bool 500) by (w)
(increase(a[10s]) >= bool 0.5) * (55 + sum((3300 - timestamp(a)) / 300) by (u, v))
sum by (u) (a) / on(u) group_left sum by (u) (b)
a + on(u) group_left b
rate({__name__=~"a|b"}[5m])
a == on() group_left scalar(b)
sum(a) + vector(1)
(a - b) > 0 or -(a - b)
a and (b > 2) unless on(v) c
stale
stale or a
sum_over_time(stale[10m])
count_over_time(stale[10m])
rate(stale[10m])
last_over_time(stale[1m])
timestamp(stale)
odd
odd > 0
sum(odd)
max(odd)
min(odd)
avg(odd)
sum_over_time(odd[2m])
max_over_time(odd[2m])
min_over_time(odd[2m])
odd == odd
changes(odd[5m])
""".strip().splitlines()


def values(rng: random.Random, kind: str) -> str:
    """160 samples in the tests' own notation."""
    out = []
    while len(out) < 40:
        if kind == "counter":
            out.append(f"{rng.randint(0, 30)}+{rng.choice([0, 1, 2, 0.1, 7.3])}x{rng.randint(1, 9)}")
        elif kind == "odd":
            out.append(rng.choice(["NaN", "Inf", "-Inf", "1", "0x3", "-0", "2.5", "_"]))
        elif kind == "stale":
            out.append(rng.choice(["stale", "1x2", "2+1x3", "_x3", "stale", "5"]))
        else:
            out.append(rng.choice(["_", "_x7", "0x4", "1x5", "3", "1.5x2", "0+1x4", "9-2x3", "0.1+0.1x5"]))
    return " ".join(out)


def rule_test(rng: random.Random) -> str:
    series = []
    for u in "123":
        for v in "xy":
            series.append((f'a{{u="{u}",v="{v}"}}', values(rng, "state")))
            series.append((f'c{{u="{u}",v="{v}"}}', values(rng, "counter")))
        if u != "2":
            series.append((f'b{{u="{u}",v="x"}}', values(rng, "state")))
        series.append((f'b_one{{u="{u}",w="w{u}"}}', values(rng, "counter")))
    series.append(('stale{u="1"}', values(rng, "stale")))
    series.append(('odd{u="1"}', values(rng, "odd")))
    series.append(('odd{u="2"}', values(rng, "odd")))
    lines = ["evaluation_interval: 10s", "tests:", "  - interval: 10s", "    input_series:"]
    lines += [f"      - {{series: '{name}', values: '{text}'}}" for name, text in series]
    lines.append("    promql_expr_test:")
    for expr in EXPRESSIONS:
        for at in ("0s", "7s", "5m", f"{rng.randint(100, 1500)}s", "20m30s"):
            lines.append(f"      - expr: '{expr.strip()}'")
            lines.append(f"        eval_time: {at}")
            lines.append("        exp_samples: [{labels: '{nobody=\"1\"}', value: -1}]")
    return "\n".join(lines) + "\n"


ENTRY = re.compile(
    r'^    expr: "((?:[^"\\]|\\.)*)", time: (\S+),(?: err: (.*)|\n +exp: .*\n +got: (.*))$', re.M
)


def answers(command: list) -> dict:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    found = {}
    for expr, at, error, got in ENTRY.findall(done.stdout):
        found[(expr.replace('\\"', '"'), at)] = "error" if error else read_samples(got)
    assert found, done.stdout[:2000]
    return found


def read_samples(text: str) -> dict:
    if text == "nil":
        return {}
    samples = {}
    for labels, value in re.findall(r"(\{(?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*\}) ([^ ,]+)", text):
        samples[labels] = float(value)
    return samples


def same(a, b) -> bool:
    if a == "error" or b == "error":
        return a == b
    return a.keys() == b.keys() and all(
        (math.isnan(a[k]) and math.isnan(b[k])) or math.isclose(a[k], b[k], rel_tol=1e-9, abs_tol=1e-300) for k in a
    )


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_railquest_answers_as_promtool_does(tmp_path, seed):
    path = tmp_path / "test.yaml"
    path.write_text(rule_test(random.Random(seed)))
    theirs = answers(["promtool", "test", "rules", str(path)])
    ours = answers([RAILQUEST, "test", "rules", "--range-selectors=closed", str(path)])
    assert len(theirs) > 5 * len(set(EXPRESSIONS)) * 0.9
    different = [
        f"{expr} at {at}\n  promtool  {theirs[expr, at]}\n  railquest {ours.get((expr, at))}"
        for expr, at in theirs
        if not same(theirs[expr, at], ours.get((expr, at), "error"))
    ]
    assert not different, f"{len(different)} of {len(theirs)}:\n" + "\n".join(different[:40])
