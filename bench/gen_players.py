#!/usr/bin/env python3
"""Writes a promtool unit test of a whole workshop's leaderboard: N players, 3 exercises, 150 minutes at 5 s.

    gen_players.py FOLDER PLAYERS STYLE [WINDOW]

STYLE is how the rules come by a completion:
  series    an input series of 0 and 1 per player and exercise, `max by (user)` over them
  template  one long `or` chain of label_replace(up) per rule, a link per player, instants as constants in it
WINDOW is the range over which bonuses are summed (default 3h). FOLDER gets rules.yaml, test.yaml and query.txt. The test
expects what is not there, so a runner prints FAILED with every player's score at the end: what two runners got can be compared.
"""
import pathlib
import sys

STEP_S, END_S = 5, 9000
EXERCISES = {"hero": (55, 3300), "villain": (25, 5100), "fight": (29, 7800)}  # nominal points, nominal end


def completions(index):
    """When a player completes each exercise, in seconds: spread evenly, crossing often, some never within the day."""
    hero = 2400 + 18 * (37 * index % 97)
    villain = hero + 900 + 18 * (53 * index % 97)
    return {"hero": hero, "villain": villain, "fight": villain + 1500 + 15 * (71 * index % 97)}


def series_rules(done):
    base = {exercise: f'max(ocq_done{{exercise="{exercise}"}}) by (user)' for exercise in EXERCISES}
    return base, 'sum(ocq_done{exercise="hero"}) by (user)'


def template_rules(done):
    def link(user):
        return f'label_replace(up{{instance="localhost:9090"}}, "user", "{user}", "", "")'

    base = {}
    for exercise in EXERCISES:
        chain = " or ".join(f"timestamp({link(user)}) >= bool {at[exercise]}" for user, at in done.items())
        base[exercise] = f"sum({chain}) by (user)"
    return base, " or ".join(link(user) for user in done)


def rules(base, everybody, window):
    name = "opencodequest_leaderboard_"
    groups = [("base", {f"{name}{exercise}:prod": base[exercise] for exercise in EXERCISES})]
    groups.append(("step1", {
        f"{name}{exercise}_onetime_bonus:prod":
            f"(increase({name}{exercise}:prod[10s]) >= bool 0.5) * "
            f"({points} + sum(({end_s} - timestamp({everybody})) / 300) by (user))"
        for exercise, (points, end_s) in EXERCISES.items()}))
    groups.append(("step2", {
        f"{name}{exercise}_lifetime_bonus:prod": f"sum_over_time({name}{exercise}_onetime_bonus:prod[{window}])"
        for exercise in EXERCISES}))
    lines = ["groups:"]
    for group, records in groups:
        lines += [f"  - name: {group}", "    rules:"]
        for record, expr in records.items():
            lines += [f"      - record: {record}", f"        expr: {expr}"]
    query = " + ".join(f"{name}{exercise}_lifetime_bonus:prod + sum_over_time({name}{exercise}:prod[{window}])/60"
                       for exercise in EXERCISES)
    return "\n".join(lines) + "\n", query


def input_series(style, done):
    steps = END_S // STEP_S
    if style == "template":
        yield 'up{job="prometheus",instance="localhost:9090"}', f"1x{steps}"
        return
    for user, at in done.items():
        for exercise in EXERCISES:
            first = -(-at[exercise] // STEP_S)
            values = f"0x{steps}" if first > steps else f"0x{first - 1} 1x{steps - first}"
            yield f'ocq_done{{user="{user}",exercise="{exercise}"}}', values


def write(folder, players, style, window):
    done = {f"u{index:03}": completions(index) for index in range(players)}
    base, everybody = (series_rules if style == "series" else template_rules)(done)
    text, query = rules(base, everybody, window)
    lines = ["rule_files: [rules.yaml]", "evaluation_interval: 5s", "group_eval_order: [base, step1, step2]", "tests:",
             "  - interval: 5s", "    input_series:"]
    lines += [f"      - {{series: '{series}', values: '{values}'}}" for series, values in input_series(style, done)]
    lines += ["    promql_expr_test:", f"      - {{eval_time: {END_S}s, expr: '{query}', "
              "exp_samples: [{labels: '{user=\"nobody\"}', value: -1}]}"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yaml").write_text(text)
    (folder / "query.txt").write_text(query + "\n")
    (folder / "test.yaml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5) or sys.argv[3] not in ("series", "template") or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    write(pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], (sys.argv[4:] or ["3h"])[0])
