"""Random valid PromQL, by a grammar that knows types and how exact a value is.

Two right engines may differ in the last bits: Prometheus 2 adds what it aggregates in order of series, ours (as Prometheus 3) with a
compensation, and no two libraries agree on the last bit of a sine. So each expression carries how its values compare:

  EXACT    multiples of a power of two that a double holds with room to spare: any order of adding them gives the same bits
  SAME     each engine computes it by the same IEEE operations in the same order: the same bits
  CLOSE    a relative error of some last bits
  FRAGILE  sums of both signs may have cancelled: an error relative to what was added, not to what came out

and what would turn a last bit into another answer (==, floor, topk, histogram_quantile's search …) is only ever drawn above EXACT
or SAME operands.
"""
import collections

import samples

EXACT, SAME, CLOSE, FRAGILE = range(4)

# What a function takes, and how exact its result is: "up" keeps the operand's grade, "same" wants SAME and gives SAME, "close" wants
# SAME and gives CLOSE. Prometheus 2.42 knows all of them.
ELEMENTWISE = {
    "abs": "up", "ceil": "same", "floor": "same", "sgn": "same", "sqrt": "same", "deg": "same", "rad": "same", "sort": "same", "sort_desc": "same",
    "exp": "close", "ln": "close", "log2": "close", "log10": "close", "sin": "close", "cos": "close", "tan": "close", "asin": "close",
    "acos": "close", "atan": "close", "sinh": "close", "cosh": "close", "tanh": "close", "asinh": "close", "acosh": "close", "atanh": "close",
    "histogram_count": "same", "histogram_sum": "same",
}
CALENDAR = ["day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"]
OVER_TIME = {
    "count_over_time": EXACT, "present_over_time": EXACT, "last_over_time": EXACT, "min_over_time": EXACT, "max_over_time": EXACT,
    "changes": EXACT, "resets": EXACT, "idelta": SAME, "irate": SAME, "delta": SAME, "increase": SAME, "rate": SAME, "sum_over_time": SAME,
    "avg_over_time": FRAGILE, "stddev_over_time": FRAGILE, "stdvar_over_time": FRAGILE, "deriv": FRAGILE,
}
KEEPS_NAME = {"last_over_time"}
# Functions of a form of their own below; with the above, all of Prometheus 2.42.
SPECIAL = ["absent", "absent_over_time", "clamp", "clamp_max", "clamp_min", "histogram_fraction", "histogram_quantile", "holt_winters",
           "label_join", "label_replace", "pi", "predict_linear", "quantile_over_time", "round", "scalar", "time", "timestamp", "vector"]
ARITHMETIC, COMPARISON, SETS = ["+", "-", "*", "/", "%", "^", "atan2"], ["==", "!=", ">", "<", ">=", "<="], ["and", "or", "unless"]
AGGREGATORS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values"]

MUST_DRAW = sorted(
    [f"function {name}" for name in [*ELEMENTWISE, *CALENDAR, *OVER_TIME, *SPECIAL]] +
    [f"operator {name}" for name in ARITHMETIC + COMPARISON + SETS] + [f"bool {name}" for name in COMPARISON] +
    [f"operator {name} {how}" for name in ARITHMETIC + COMPARISON for how in ("scalars", "scalar vector", "vector scalar", "vectors")] +
    [f"aggregation {name} {how}" for name in AGGREGATORS for how in ("plain", "by", "without")] +
    [f"matcher {kind}" for kind in ("=", "!=", "=~", "!~", "absent label", "name", "name regex")] +
    ["unary -", "unary +", "parentheses", "string", "offset", "offset negative", "@ time", "@ start()", "@ end()", "subquery", "subquery default step",
     "subquery offset", "subquery @", "range selector", "on", "ignoring", "group_left", "group_right", "group_left labels", "group_right labels",
     "number decimal", "number hexadecimal", "number exponent", "number Inf", "number NaN", "comment", "result scalar", "result string",
     "result vector", "result matrix", "instant", "range"])

LABEL_VALUES = {"zone": samples.ZONES, "instance": samples.INSTANCES, "mode": samples.MODES, "code": samples.CODES,
                "version": ["1.0", "1.1"], "le": samples.BOUNDS}


class Vector:
    """Text of an instant vector, its labels but the name, whether a name is left, and how exact its values are."""

    def __init__(self, text, labels, named, grade, tight=True):
        self.text, self.labels, self.named, self.grade, self.tight = text, tuple(labels), named, grade, tight

    def operand(self):
        return self.text if self.tight else f"({self.text})"


class Grammar:
    def __init__(self, chance):
        self.chance, self.drawn = chance, collections.Counter()
        self.depth = 0

    def draw(self, what):
        self.drawn[what] += 1

    def choose(self, prefix, names):
        """One of the names, those drawn least somewhat more often, so that a short run covers all."""
        pair = self.chance.sample(list(names), min(2, len(names)))
        name = min(pair, key=lambda each: self.drawn[f"{prefix} {each}"])
        self.draw(f"{prefix} {name}")
        return name

    def maybe(self, probability):
        return self.chance.random() < probability

    # --- numbers ---

    def number(self):
        kind = self.choose("number", ["decimal", "decimal", "decimal", "hexadecimal", "exponent", "Inf", "NaN"]
                           if self.maybe(0.3) else ["decimal"])
        if kind == "decimal":
            return self.chance.choice(["0", "1", "2", "3", "0.5", "10", "0.125", "100", ".25", "4."])
        return self.chance.choice({"hexadecimal": ["0x10", "0xFf"], "exponent": ["1e3", "2.5e-1", "5E+1"], "Inf": ["Inf", "-Inf", "inf"],
                                   "NaN": ["NaN", "nan"]}[kind])

    def moderate(self):
        return self.chance.choice(["0", "1", "2", "3", "0.5", "10", "-1", "-4", "0.125"])

    def scalar(self, depth):
        """Text of a scalar and its grade."""
        kind = self.chance.randrange(10)
        if kind < 5 or depth <= 0:
            return self.number(), SAME
        if kind == 5:
            self.draw("function time")
            return "time()", SAME
        if kind == 6:
            self.draw("function pi")
            return "pi()", SAME
        if kind == 7:
            self.draw("function scalar")
            inner = self.single(depth - 1)
            return f"scalar({inner.text})", max(inner.grade, SAME)
        if kind == 8:
            return self.scalars(depth)
        inner, grade = self.scalar(depth - 1)
        self.draw("unary -")
        return f"-({inner})", grade

    def scalars(self, depth):
        left, right = self.sensible_scalar(depth - 1), self.sensible_scalar(depth - 1)
        if self.maybe(0.35):
            name = self.choose("bool", COMPARISON)
            self.draw(f"operator {name}")
            self.draw(f"operator {name} scalars")
            return f"({left} {name} bool {right})", SAME
        name = self.choose("operator", ARITHMETIC)
        self.draw(f"operator {name} scalars")
        return f"({left} {name} {right})", CLOSE if name in ("^", "atan2") else SAME

    def sensible_scalar(self, depth):
        for _ in range(20):
            text, grade = self.scalar(depth)
            if grade <= SAME:
                return text
        return "1"

    # --- selectors ---

    def matcher(self, labels):
        kind = self.choose("matcher", ["=", "!=", "=~", "!~", "absent label"])
        if kind == "absent label" or not labels:
            self.draw("matcher absent label")
            return self.chance.choice(['nothing=""', 'nothing!="x"', 'nothing=~".*"', 'nothing=~"|x"', 'nothing!~".+"'])
        label = self.chance.choice(labels)
        values = LABEL_VALUES[label]
        value = self.chance.choice(values).replace("+", "\\\\+") if "~" in kind else self.chance.choice(values)
        if kind == "=~":
            value = self.chance.choice([value, "|".join(v.replace("+", "\\\\+") for v in self.chance.sample(values, 2)), ".+", ".*", f"{value}|nobody",
                                        f"(?i:{value})"])
        if kind == "!~":
            value = self.chance.choice([value, f"{value}|nobody", "nobody.*"])
        quote = self.chance.choice(['"', "'", "`"])
        if quote == "`":
            value = value.replace("\\\\", "\\")
        return f"{label}{kind}{quote}{value}{quote}"

    def selector(self, name=None):
        """Text without modifiers, and its labels."""
        name = name or self.chance.choice(list(samples.METRICS))
        labels = samples.METRICS[name]
        matchers = [self.matcher(labels) for _ in range(self.chance.choice([0, 0, 0, 1, 1, 2]))]
        if self.maybe(0.05):
            self.draw("matcher name")
            matchers.insert(self.chance.randrange(len(matchers) + 1), f'__name__="{name}"')
            return "{" + ",".join(matchers) + "}", labels
        if self.maybe(0.05):
            self.draw("matcher name regex")
            pattern = self.chance.choice([name, f"{name}|nothing", name[:-1] + ".", name[:3] + ".*" + name[3:]])
            return "{" + ",".join([f'__name__=~"{pattern}"', *matchers]) + "}", labels
        tail = self.chance.choice(["", ","]) if matchers else ""
        return name + ("{" + ",".join(matchers) + tail + "}" if matchers or self.maybe(0.1) else ""), labels

    def offset(self):
        if self.maybe(0.6):
            self.draw("offset")
            return f" offset {self.chance.choice(['15s', '1m', '7m', '2m30s', '1ms'])}"
        self.draw("offset negative")
        return f" offset -{self.chance.choice(['15s', '1m', '4m', '1m1ms'])}"

    def pin(self):
        kind = self.choose("@", ["time", "start()", "end()"])
        return f" @ {self.chance.choice(['300', '777.5', '1800.001', '0', '1.2e3'])}" if kind == "time" else f" @ {kind}"

    def modifiers(self, prefix=""):
        if self.maybe(0.7):
            return ""
        kind = self.chance.randrange(3)
        parts = [self.offset] if kind == 0 else [self.pin] if kind == 1 else self.chance.sample([self.offset, self.pin], 2)
        if prefix:
            self.draw(f"{prefix} {'@' if self.pin in parts else 'offset'}")
            if len(parts) == 2:
                self.draw(f"{prefix} offset")
        return "".join(part() for part in parts)

    def plain(self, name=None):
        text, labels = self.selector(name)
        grade = SAME if "odd" in text or "name__=~" in text else EXACT
        return Vector(text + self.modifiers(), labels, True, grade)

    def single(self, depth):
        """A vector of one series at most, for scalar()."""
        if self.maybe(0.6):
            return Vector("single" + self.modifiers(), (), True, EXACT)
        name = self.choose("aggregation", ["sum", "max", "count"])
        self.draw(f"aggregation {name} plain")
        inner = self.graded(depth - 1, EXACT)
        return Vector(f"{name}({inner.text})", (), False, EXACT)

    # --- ranges ---

    def window(self):
        return self.chance.choice(["1m", "90s", "5m", "5m", "10m", "20s", "15s", "30s", "3m7s", "1ms", "1h"])

    def ranged(self, depth, worst=SAME):
        """Text of a range vector, its labels, its grade."""
        if depth > 0 and self.maybe(0.25):
            inner = self.graded(depth - 1, worst)
            step = self.chance.choice(["15s", "1m", "20s", "7s", ""])
            self.draw("subquery" if step else "subquery default step")
            window = self.chance.choice(["1m", "5m", "4m3s", "10m", "15s"])
            return f"{inner.operand()}[{window}:{step}]{self.modifiers('subquery')}", inner.labels, max(inner.grade, EXACT), inner.named
        self.draw("range selector")
        text, labels = self.selector()
        return f"{text}[{self.window()}]{self.modifiers()}", labels, SAME if "odd" in text or "name__=~" in text else EXACT, True

    def over_time(self, depth):
        name = self.choose("function", OVER_TIME)
        text, labels, grade, named = self.ranged(depth)
        least = OVER_TIME[name]
        if name == "sum_over_time":
            result = EXACT if grade == EXACT else FRAGILE
        elif name == "last_over_time" or name in ("min_over_time", "max_over_time"):
            result = grade
        else:
            result = least
        return Vector(f"{name}({text})", labels, named and name in KEEPS_NAME, result)

    def special_window(self, depth):
        name = self.choose("function", ["predict_linear", "quantile_over_time", "holt_winters", "absent_over_time"])
        text, labels, _, _ = self.ranged(depth)
        if name == "predict_linear":
            return Vector(f"predict_linear({text}, {self.moderate()})", labels, False, FRAGILE)
        if name == "quantile_over_time":
            return Vector(f"quantile_over_time({self.quantile()}, {text})", labels, False, CLOSE)
        if name == "holt_winters":
            return Vector(f"holt_winters({text}, {self.chance.choice(['0.5', '0.1', '0.9'])}, {self.chance.choice(['0.5', '0.3'])})",
                          labels, False, FRAGILE)
        return Vector(f"absent_over_time({text})", ("zone",), False, EXACT)

    def quantile(self):
        return self.chance.choice(["0.5", "0.9", "0.99", "0", "1", "0.25", "-1", "2", "NaN"] if self.maybe(0.4) else ["0.5", "0.9", "0.99"])

    # --- functions of vectors ---

    def elementwise(self, depth):
        name = self.choose("function", ELEMENTWISE)
        rule = ELEMENTWISE[name]
        inner = self.graded(depth - 1, SAME)
        grade = inner.grade if rule == "up" or name in ("ceil", "floor", "sgn", "sort", "sort_desc") else SAME if rule == "same" else CLOSE
        return Vector(f"{name}({inner.text})", inner.labels, name in ("sort", "sort_desc") and inner.named, grade)

    def calendar(self, depth):
        name = self.choose("function", CALENDAR)
        if self.maybe(0.25):
            return Vector(f"{name}()", (), False, EXACT)
        inner = self.graded(depth - 1, EXACT)  # the year of NaN differs between versions of Go
        if self.maybe(0.6):
            self.draw("function timestamp")
            return Vector(f"{name}(timestamp({inner.text}) * {self.chance.choice(['1', '1000', '86400'])})", inner.labels, False, EXACT)
        return Vector(f"{name}({inner.text})", inner.labels, False, EXACT)

    def special(self, depth):
        name = self.choose("function", ["absent", "clamp", "clamp_max", "clamp_min", "histogram_fraction", "histogram_quantile", "label_join",
                                        "label_replace", "round", "timestamp", "vector"])
        if name == "vector":
            return Vector(f"vector({self.sensible_scalar(depth - 1)})", (), False, SAME)
        if name == "absent":
            inner = self.plain() if self.maybe(0.5) else self.graded(depth - 1, FRAGILE)
            text = inner.text if self.maybe(0.5) else self.chance.choice(['nothing', 'nothing{zone="a",mode=~"x"}', 'nothing{zone="a"} or nothing'])
            return Vector(f"absent({text})", ("zone",), False, EXACT)
        if name == "histogram_quantile":
            return self.histogram_quantile(depth)
        if name == "histogram_fraction":
            inner = self.graded(depth - 1, FRAGILE)
            return Vector(f"histogram_fraction(0, {self.moderate()}, {inner.text})", inner.labels, False, SAME)
        if name in ("label_join", "label_replace"):
            return self.relabelled(name, depth)
        if name == "timestamp":
            inner = self.plain() if self.maybe(0.6) else self.graded(depth - 1, FRAGILE)
            return Vector(f"timestamp({inner.text})", inner.labels, False, SAME)
        inner = self.graded(depth - 1, SAME)
        if name == "clamp":
            return Vector(f"clamp({inner.text}, {self.moderate()}, {self.sensible_scalar(depth - 2)})", inner.labels, False, SAME)
        if name == "round":
            to = self.chance.choice(["", ", 5", ", 0.1", ", 0.5", ", 10", ", -2", ", 1e-3", ", 0"])
            return Vector(f"round({inner.text}{to})", inner.labels, False, SAME)
        return Vector(f"{name}({inner.text}, {self.sensible_scalar(depth - 2)})", inner.labels, False, SAME)

    def histogram_quantile(self, depth):
        window = self.chance.choice(["1m", "5m", "10m", "90s"])
        buckets = self.chance.choice(["latency_bucket", f"rate(latency_bucket[{window}])", f"sum by (le, zone) (increase(latency_bucket[{window}]))",
                                      "sum by (le) (latency_bucket)", 'latency_bucket{le!="+Inf"}', 'latency_bucket{le=~"1|10|\\\\+Inf"}',
                                      "latency_bucket - latency_bucket offset 5m"])
        labels = () if "by (le)" in buckets else ("zone",)
        quantile = self.quantile() if self.maybe(0.8) else self.sensible_scalar(depth - 1)
        return Vector(f"histogram_quantile({quantile}, {buckets})", labels, False, CLOSE)

    def relabelled(self, name, depth):
        inner = self.graded(depth - 1, FRAGILE)
        source = self.chance.choice(inner.labels or ("nothing",))
        if name == "label_join":
            arguments = self.chance.choice([f'"joined", "/", "{source}", "zone"', f'"joined", "", "{source}"', '"joined", "-"', f'"{source}", "", "nothing"'])
        else:
            arguments = self.chance.choice([
                f'"copy", "$1-x", "{source}", "(.*)"', f'"copy", "all", "", ""', f'"{source}", "", "{source}", "1"', f'"copy", "${{1}}", "{source}", "(.)"',
                f'"copy", "$name", "{source}", "(?P<name>[ab])"', f'"copy", "$$1", "{source}", ".*"', f'"{source}", "x$1", "{source}", "(.+)"'])
        labels = (*inner.labels, "joined" if name == "label_join" else "copy") if "copy" in arguments or "joined" in arguments else inner.labels
        return Vector(f"{name}({inner.text}, {arguments})", labels, inner.named, inner.grade)

    # --- aggregations ---

    def grouping(self, labels):
        kind = self.chance.choice(["plain", "by", "without"])
        if kind == "plain":
            return kind, "", ()
        chosen = self.chance.sample(list(labels), self.chance.randrange(len(labels) + 1)) if labels else []
        if self.maybe(0.05):
            chosen.append("nothing")
        kept = [label for label in labels if (label in chosen) == (kind == "by")]
        return kind, f"{kind} ({', '.join(chosen)})", kept

    def aggregate(self, depth):
        name = self.choose("aggregation", AGGREGATORS)
        sensitive = name in ("topk", "bottomk", "quantile", "count_values", "stddev", "stdvar")
        inner = self.graded(depth - 1, SAME if sensitive else FRAGILE)
        kind, clause, kept = self.grouping(inner.labels)
        self.draw(f"aggregation {name} {kind}")
        named = False
        if name in ("sum", "avg", "stddev", "stdvar"):
            grade = EXACT if name == "sum" and inner.grade == EXACT else FRAGILE
        elif name in ("count", "group", "count_values"):
            grade = EXACT
        else:
            grade = CLOSE if name == "quantile" else inner.grade
        arguments = inner.text
        if name in ("topk", "bottomk"):
            arguments = f"{self.chance.choice(['1', '2', '3', '5', '0', '100', '1.9'])}, {inner.text}"
            kept, named = inner.labels, inner.named
        elif name == "quantile":
            arguments = f"{self.quantile()}, {inner.text}"
        elif name == "count_values":
            arguments = f'"value", {inner.text}'
            kept = [*kept, "value"]
        text = f"{name} {clause} ({arguments})" if clause and self.maybe(0.5) else f"{name}({arguments}) {clause}".rstrip()
        return Vector(text, kept, named, grade)

    # --- operators ---

    def with_scalar(self, depth):
        name = self.choose("operator", ARITHMETIC + COMPARISON)
        vector, scalar = self.graded(depth - 1, SAME), self.sensible_scalar(depth - 1)
        if name == "^":
            scalar = self.chance.choice(["2", "0.5", "3", "-1", "0"])
        boolean = name in COMPARISON and self.maybe(0.4)
        if boolean:
            self.draw(f"bool {name}")
        middle = f" {name}{' bool' if boolean else ''} "
        swapped = self.maybe(0.4)
        self.draw(f"operator {name} {'scalar vector' if swapped else 'vector scalar'}")
        text = f"({scalar}){middle}{vector.operand()}" if swapped else f"{vector.operand()}{middle}({scalar})"
        grade = CLOSE if name in ("^", "atan2") else SAME
        if name in COMPARISON:
            grade = EXACT if boolean else vector.grade
        return Vector(text, vector.labels, vector.named and name in COMPARISON and not boolean, grade, False)

    def operation(self):
        """An operator between vectors, its text with bool, and the grade of its result from the operands'."""
        name = self.choose("operator", ARITHMETIC + COMPARISON)
        boolean = name in COMPARISON and self.maybe(0.4)
        if boolean:
            self.draw(f"bool {name}")
        self.draw(f"operator {name} vectors")
        return name, f"{name}{' bool' if boolean else ''}", boolean

    def matching(self, left, right):
        """A clause under which the two may well meet: on what both have, or ignoring what one has."""
        common = [label for label in left.labels if label in right.labels]
        rest = sorted(set(left.labels) ^ set(right.labels))
        if self.maybe(0.5) or not rest:
            if not rest and self.maybe(0.5):
                return ""
            self.draw("on")
            return f" on ({', '.join(common)})"
        self.draw("ignoring")
        return f" ignoring ({', '.join(rest)})"

    def alike(self, vector, depth):
        """Another vector with the labels of this one, from the metrics that have them."""
        names = [name for name, labels in samples.METRICS.items() if labels == vector.labels]
        if names and self.maybe(0.8):
            text, labels = self.selector(self.chance.choice(names))
            if self.maybe(0.3):
                return Vector(f"rate({text}[5m])", labels, False, SAME)
            return Vector(text + self.modifiers(), labels, True, SAME if "odd" in text or "name__=~" in text else EXACT)
        return self.graded(depth, SAME)

    def between_vectors(self, depth):
        name, middle, boolean = self.operation()
        kind = self.chance.randrange(10)
        left = self.graded(depth - 1, SAME)
        if kind < 5:
            right = self.alike(left, depth - 1)
            text = f"{left.operand()} {middle}{self.matching(left, right)} {right.operand()}"
            labels = left.labels
        elif kind < 9:
            text, labels = self.grouped(left, middle, depth)
        else:
            right = self.graded(depth - 1, SAME)
            text, labels = f"{left.operand()} {middle}{self.matching(left, right)} {right.operand()}", left.labels
        grade = CLOSE if name in ("^", "atan2") else SAME
        if name in COMPARISON:
            grade = EXACT if boolean else SAME
        return Vector(text, labels, name in COMPARISON and not boolean, grade, False)

    def grouped(self, many, middle, depth):
        """Many to one: the one side is aggregated, or build_info."""
        clause, include = "", ""
        if set(("zone", "instance")) <= set(many.labels) and self.maybe(0.4):
            one, clause, include = "build_info", " on (zone, instance)", self.chance.choice(["version", "version, nothing", ""])
        else:
            on = self.chance.sample(list(many.labels), self.chance.randrange(len(many.labels) + 1)) if many.labels else []
            inner = self.alike(many, depth - 2)
            inner = inner if inner.grade == EXACT else Vector(f"{inner.operand()} * 0", inner.labels, False, EXACT, False)
            one, clause = f"max by ({', '.join(on)}) ({inner.text})", f" on ({', '.join(on)})"
        self.draw("on")
        side = self.choose("group", ["left", "right"])
        self.draw(f"group_{side}" + (" labels" if include else ""))
        group = f" group_{side}" + f" ({include})"
        if side == "left":
            return f"{many.operand()} {middle}{clause}{group} {one}", many.labels
        return f"{one} {middle}{clause}{group} {many.operand()}", many.labels

    def set_operation(self, depth):
        name = self.choose("operator", SETS)
        left = self.graded(depth - 1, FRAGILE)
        right = self.alike(left, depth - 1) if self.maybe(0.6) else self.graded(depth - 1, FRAGILE)
        grade = max(left.grade, right.grade) if name == "or" else left.grade
        return Vector(f"{left.operand()} {name}{self.matching(left, right)} {right.operand()}", left.labels, left.named, grade, False)

    def unary(self, depth):
        sign = self.choose("unary", ["-", "+"])
        inner = self.graded(depth - 1, FRAGILE)
        return Vector(f"{sign}{inner.operand()}", inner.labels, inner.named and sign == "+", inner.grade, False)

    def parentheses(self, depth):
        self.draw("parentheses")
        inner = self.graded(depth - 1, FRAGILE)
        return Vector(f"({inner.text})", inner.labels, inner.named, inner.grade)

    # --- expressions ---

    def vector(self, depth):
        if depth <= 0:
            return self.plain()
        kind = self.chance.choices(
            [self.over_time, self.special_window, self.aggregate, self.elementwise, self.calendar, self.special, self.with_scalar,
             self.between_vectors, self.set_operation, self.unary, self.parentheses, lambda _: self.plain()],
            [18, 5, 16, 10, 2, 10, 10, 14, 6, 3, 2, 4])[0]
        return kind(depth)

    def graded(self, depth, worst):
        """A vector no less exact than `worst`."""
        for attempt in range(20):
            found = self.vector(depth if attempt < 10 else 0)
            if found.grade <= worst:
                return found
        return self.plain("temperature")

    def expression(self, is_range):
        """(text, grade, result type) of one query."""
        depth = self.chance.choice([0, 1, 1, 2, 2, 2, 3, 3, 4])
        kind = self.chance.random()
        if kind < 0.04:
            self.draw("result scalar")
            text, grade = self.scalar(max(depth, 1))
            return text, grade
        if kind < 0.05 and not is_range:
            self.draw("result string")
            self.draw("string")
            return self.chance.choice(['"text"', "'single'", "`raw\\n`", '"\\u00e9\\n\\x41"', '""']), EXACT
        if kind < 0.08 and not is_range:
            self.draw("result matrix")
            text, _, grade, _ = self.ranged(depth)
            return text, grade
        self.draw("result vector")
        found = self.vector(depth)
        return found.text, found.grade

    def query(self):
        """{"query", "is_range", "grade", times…}, times in seconds as text."""
        is_range = self.maybe(0.5)
        self.draw("range" if is_range else "instant")
        text, grade = self.expression(is_range)
        if self.maybe(0.02):
            self.draw("comment")
            text = f"{text} # a remark"
        if not is_range:
            at = self.chance.choice([f"{self.chance.randrange(0, samples.END_S + 400)}", f"{self.chance.randrange(0, samples.END_S, 15)}",
                                     f"{self.chance.uniform(0, samples.END_S):.3f}"])
            return {"query": text, "is_range": False, "grade": grade, "time": at}
        step = self.chance.choice([1, 5, 15, 15, 30, 60, 7.5, 301])
        steps = self.chance.choice([1, 2, 5, 12, 40] if self.maybe(0.93) else [129, 300])  # longer than our blocks of 128
        start = self.chance.choice([self.chance.randrange(0, samples.END_S, 15), round(self.chance.uniform(0, samples.END_S), 3)])
        return {"query": text, "is_range": True, "grade": grade, "start": f"{start:g}" if start == int(start) else f"{start:.3f}",
                "end": f"{start + step * (steps - 1):.3f}", "step": f"{step:g}"}
