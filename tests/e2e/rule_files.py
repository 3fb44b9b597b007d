"""Rule files and their tests made from a seed, for comparing two programs that evaluate them."""
import random

NAMES = ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]
USERS = ["ann", "bob", "eve"]
RANGE_FUNCTIONS = ["sum_over_time", "count_over_time", "max_over_time", "min_over_time", "last_over_time",
                   "increase", "delta", "changes"]


class Author:
    """Writes expressions that read inputs (a, b) and recorded series, their own too."""

    def __init__(self, dice):
        self.dice = dice
        # Prometheus misplaces `@` inside a sub-query with an offset where its grid begins at the instant itself.
        self.may_fix_time = True

    def selector(self, modifiers=True):
        dice = self.dice
        name = dice.choice(["a", "a", "b"] + NAMES)
        text = name + dice.choice(["", "", "", "{u=\"ann\"}", "{u!=\"bob\"}", "{k=\"\"}", "{k=~\"x|\"}"])
        if modifiers and dice.random() < 0.25:
            fixed = [" @ 20", " @ start()", " @ end()"] if self.may_fix_time else []
            text += dice.choice([" offset 5s", " offset 7s", " offset -5s"] + fixed)
        return text

    def several(self):
        """A selector over more than one name, without duplicates in what comes out."""
        names = self.dice.choice(["r[0-2]", "a|r1", ".+", "r3|r4|b"])
        return f"{self.dice.choice(['sum', 'max', 'count'])}({{__name__=~\"{names}\"}}) by (u)"

    def windowed(self, depth):
        dice = self.dice
        function = dice.choice(RANGE_FUNCTIONS)
        if dice.random() < 0.35:
            step = dice.choice(["5s", "5s", "7s", ""])
            modifier = dice.choice(["", "", "", " offset 5s", " offset -5s", " @ 25"])
            before, self.may_fix_time = self.may_fix_time, self.may_fix_time and not modifier
            inner = self.vector(depth - 1)
            self.may_fix_time = before
            return f"{function}(({inner})[{dice.choice(['10s', '15s', '30s'])}:{step}]{modifier})"
        text = self.selector(modifiers=False) + f"[{dice.choice(['5s', '10s', '20s', '1h'])}]"
        fixed = [" @ 20"] if self.may_fix_time else []
        return f"{function}({text}{dice.choice(['', '', '', ' offset 5s', ' offset -5s'] + fixed)})"

    def vector(self, depth):
        dice = self.dice
        if depth <= 0:
            return self.selector()
        inner = lambda: self.vector(depth - 1)
        return dice.choice([
            self.selector,
            self.several,
            lambda: self.windowed(depth),
            lambda: self.windowed(depth),
            lambda: f"{dice.choice(['sum', 'max', 'min', 'count', 'avg'])}({inner()}) by (u)",
            lambda: f"({inner()}) {dice.choice(['+', '-', '*'])} {dice.choice(['1', '2', '0.5', 'time()'])}",
            lambda: f"({inner()}) {dice.choice(['>', '<', '>='])} {dice.choice(['bool ', ''])}{dice.choice('012')}",
            lambda: f"sum({inner()}) by (u) {dice.choice(['+', '-', '*'])} sum({inner()}) by (u)",
            lambda: f"({inner()}) {dice.choice(['or', 'and', 'unless'])} ({inner()})",
            lambda: f"timestamp({self.selector()})",
            lambda: f"clamp_max({inner()}, 3)",
            lambda: "vector(time())",
        ])()


def values(dice):
    parts = []
    for _ in range(dice.randint(2, 5)):
        parts.append(dice.choice([
            lambda: str(dice.randint(0, 4)),
            lambda: f"{dice.randint(0, 3)}x{dice.randint(1, 4)}",
            lambda: f"{dice.randint(0, 3)}+1x{dice.randint(1, 4)}",
            lambda: "_",
            lambda: f"_x{dice.randint(1, 3)}",
            lambda: "stale",
        ])())
    return " ".join(parts)


def make(seed, folder):
    """Writes rules.yaml and test.yaml into the folder."""
    dice = random.Random(seed)
    author = Author(dice)
    order, text = [], "groups:\n"
    # Rules that share a name mostly fail ("duplicate sample"): one file in three may have some.
    shared = dice.random() < 0.33
    left = NAMES[:]
    dice.shuffle(left)
    for g in range(dice.randint(1, 4)):
        order.append(f"g{g}")
        text += f"- name: g{g}\n  rules:\n"
        for _ in range(dice.randint(1, 4)):
            expression = author.vector(3).replace("'", "''")
            name = dice.choice(NAMES) if shared or not left else left.pop()
            labels = dice.choice(["", "", "", ", labels: {k: x}", ", labels: {u: ann}", ", labels: {u: ''}"])
            text += f"  - {{record: {name}, expr: '{expression}'{labels}}}\n"
    (folder / "rules.yaml").write_text(text)
    dice.shuffle(order)
    test = ("rule_files: [rules.yaml]\nevaluation_interval: 5s\n"
            f"group_eval_order: [{', '.join(order)}]\ntests:\n- interval: {dice.choice(['5s', '5s', '3s', '10s'])}\n"
            "  input_series:\n")
    for name in ("a", "b"):
        for user in USERS[:dice.randint(1, 3)]:
            test += f"  - {{series: '{name}{{u=\"{user}\"}}', values: '{values(dice)}'}}\n"
    if dice.random() < 0.2:  # an input that a rule records as well
        test += f"  - {{series: '{dice.choice(NAMES)}{{u=\"ann\"}}', values: '{values(dice)}'}}\n"
    test += "  promql_expr_test:\n"
    asked = NAMES + ["{__name__=~\"r.\"}", "sum(count_over_time({__name__=~\"r.\"}[1h])) by (__name__)",
                     author.vector(3), author.vector(2)]
    for at in range(0, 61, 5):
        for expression in asked:
            quoted = expression.replace("'", "''")
            test += f"  - {{eval_time: {at}s, expr: '{quoted}', exp_samples: [{{labels: '{{never=\"1\"}}', value: 1}}]}}\n"
    (folder / "test.yaml").write_text(test)
