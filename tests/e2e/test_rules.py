"""`railquest check rules` and `test rules`: promtool's words, and Debian's promtool beside them in the same run."""
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import pytest

import rule_files

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("RAILQUEST", ROOT / "build/bin/railquest"))
SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))
RULE_TESTS = SHARED / "prometheus/rule-tests"
QUEST = SHARED / "opencodequest"
PROMTOOL = shutil.which("promtool")

needs_study = pytest.mark.skipif(not SHARED.is_dir(), reason="the study folder is not here")
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="Debian's prometheus is not installed")


def run(*arguments, **options):
    return subprocess.run([str(word) for word in (PROGRAM, *arguments)], capture_output=True, text=True, timeout=300,
                          **options)


def promtool(file):
    """Its standard output and error as one text: it prints verdicts on the one and details on the other."""
    told = subprocess.run([PROMTOOL, "test", "rules", str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=600)
    return told.returncode, told.stdout


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


# --- check rules


@needs_study
def test_every_rule_file_of_the_author_passes_the_check():
    files = [QUEST / "recording_rules.yaml.template", QUEST / "observability-metrics-custom-allowlist.yaml",
             QUEST / "thanos-ruler-custom-rules.yaml"]
    told = run("check", "rules", *files)
    assert told.returncode == 0, told.stderr
    assert told.stderr == ""
    assert told.stdout == "".join(f"Checking {file}\n  SUCCESS: {count} rules found\n\n"
                                  for file, count in zip(files, (12, 20, 30)))


def test_a_bad_rule_is_answered_with_place_text_and_what_would_be_right(tmp_path):
    write(tmp_path, rules="groups:\n- name: g\n  rules:\n  - record: x\n    expr: |\n      sum(\n        up * * 2\n"
                          "      )\n  - recrod: y\n    expr: up\n")
    told = run("check", "rules", "rules.yaml", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stdout == "Checking rules.yaml\n\n"
    assert told.stderr.startswith("  FAILED:\nrules.yaml:7:14: group \"g\", rule 1, \"x\": could not parse expression: ")
    assert "            up * * 2\n                 ^\n" in told.stderr
    assert "rules.yaml:9:5: group \"g\", rule 2, \"\": \"recrod\" is no field of a rule; did you mean \"record\"?" \
        in told.stderr


def test_rules_come_from_standard_input_where_no_file_is_named():
    for arguments in ([], ["-"]):
        told = run("check", "rules", *arguments, input="groups: [{name: g, rules: [{record: a, expr: up}]}]\n")
        assert (told.returncode, told.stdout) == (0, "Checking standard input\n  SUCCESS: 1 rules found\n\n")


def test_duplicate_rules_are_lint_and_fatal_only_on_demand(tmp_path):
    write(tmp_path, rules="groups:\n- name: g\n  rules:\n  - {record: a, expr: up}\n  - {record: a, expr: up}\n")
    for options, status in (([], 0), (["--lint=all"], 0), (["--lint-fatal"], 1), (["--lint=none", "--lint-fatal"], 0)):
        told = run("check", "rules", *options, tmp_path / "rules.yaml")
        assert told.returncode == status
        assert ("1 duplicate rule(s) found." in told.stderr) == ("--lint=none" not in options)
    assert run("check", "rules", "--lint=some", tmp_path / "rules.yaml").returncode == 2
    assert run("check", "rules", tmp_path / "missing.yaml").returncode == 1


def test_names_are_filled_from_set_then_from_the_environment(tmp_path):
    write(tmp_path, rules="groups: [{name: g, rules: [{record: a, expr: 'vector(${RQ_A}) + ${RQ_B}'}]}]\n",
          test="rule_files: [rules.yaml]\nevaluation_interval: 5s\ntests:\n- promql_expr_test:\n"
               "  - {expr: a, eval_time: 0s, exp_samples: [{labels: a, value: 42}]}\n")
    assert run("check", "rules", tmp_path / "rules.yaml").returncode == 0
    environment = {**os.environ, "RQ_A": "40", "RQ_B": "1"}
    told = run("test", "rules", "--set", "RQ_B=2", tmp_path / "test.yaml", env=environment)
    assert told.returncode == 0, told.stdout
    missing = run("test", "rules", "--set=RQ_B=2", tmp_path / "test.yaml")
    assert missing.returncode == 1
    assert "rules.yaml:1:54: " in missing.stdout
    assert "${RQ_A} has no value: give --set RQ_A=VALUE" in missing.stdout
    assert run("test", "rules", "--set", "RQ_B", tmp_path / "test.yaml").returncode == 2


# --- test rules


@needs_study
@pytest.mark.parametrize("version,edge,status", [("3.5", "open", 0), ("2.42", "open", 1), ("3.5", "closed", 1),
                                                 ("2.42", "closed", 0)])
def test_the_bench_passes_with_the_windows_of_its_version_and_fails_with_the_others(version, edge, status):
    told = run("test", "rules", f"--range-selectors={edge}", RULE_TESTS / f"t4_expected_v{version}.yaml")
    assert told.returncode == status
    assert told.stderr == ""
    assert told.stdout.splitlines()[1] == ("  SUCCESS" if status == 0 else "  FAILED:")


@needs_promtool
@needs_study
def test_failures_are_told_in_promtools_words():
    file = RULE_TESTS / "t4_expected_v3.5.yaml"
    status, text = promtool(file)
    ours = run("test", "rules", "--range-selectors=closed", file)
    assert (ours.returncode, ours.stdout) == (status, text)


@needs_promtool
@needs_study
@pytest.mark.parametrize("style,step,window", [("series", 30, "3h"), ("template", 60, "3h"), ("series", 60, "1h")])
def test_a_simulated_workshop_is_what_promtool_makes_of_it(tmp_path, style, step, window):
    subprocess.run([sys.executable, RULE_TESTS / "gen_players.py", tmp_path, "6", style, str(step), window], check=True)
    status, text = promtool(tmp_path / "test.yaml")
    ours = run("test", "rules", "--range-selectors=closed", tmp_path / "test.yaml")
    assert (ours.returncode, ours.stdout) == (status, text)


def real_day(folder, step):
    """The generator's day with every score asked for every five minutes; the rules' constant shifted to 0."""
    subprocess.run([sys.executable, RULE_TESTS / "gen_real_day.py", folder, "4", str(step)], check=True, cwd=RULE_TESTS,
                   stdout=subprocess.DEVNULL)
    text = (folder / "test.yaml").read_text()
    total = re.search(r"expr: '(.*?)'", text)[1]
    names = [f"opencodequest_leaderboard_{exercise}{kind}:{stage}" for exercise in ("hero", "villain", "fight")
             for kind in ("", "_onetime_bonus", "_lifetime_bonus") for stage in ("dev", "preprod", "prod")]
    head = text[:text.index("    promql_expr_test:")] + "    promql_expr_test:\n"
    return head + "".join(
        f"      - {{eval_time: {at}s, expr: '{expression}', exp_samples: [{{labels: '{{none=\"1\"}}', value: -1}}]}}\n"
        for at in range(0, 9001, 300) for expression in [total, *names])


@needs_promtool
@needs_study
@pytest.mark.parametrize("step", [30, 120])
def test_the_real_days_rules_with_their_real_constant_are_what_promtool_makes_of_the_shifted_ones(tmp_path, step):
    text = real_day(tmp_path, step)
    write(tmp_path, test=text)
    status, theirs = promtool(tmp_path / "test.yaml")
    shutil.copy(RULE_TESTS / "thanos_rules.yaml", tmp_path)
    assert "1728047700" in (tmp_path / "thanos_rules.yaml").read_text()
    for start in ("1728047700", "2024-10-04T13:15:00Z", "'2024-10-04T15:15:00+02:00'"):
        write(tmp_path, test=text.replace("  - interval:", f"  - start_timestamp: {start}\n    interval:"))
        ours = run("test", "rules", "--range-selectors=closed", tmp_path / "test.yaml")
        assert (ours.returncode, ours.stdout) == (status, theirs)
    assert "got: {" in theirs


@needs_promtool
@needs_study
@pytest.mark.parametrize("seed", range(4))
def test_the_authors_rules_with_any_timings_are_what_promtool_makes_of_them(tmp_path, seed):
    dice = random.Random(seed)
    template = (QUEST / "recording_rules.yaml.template").read_text()
    names = sorted(set(re.findall(r"\$\{(\w+)\}", template)))
    values = {name: dice.randint(5, 190) for name in names}
    filled = re.sub(r"\$\{(\w+)\}", lambda name: str(values[name[1]]), template)
    recorded = re.findall(r"record: (\S+)", template)
    total = " + ".join(f"opencodequest_leaderboard_{exercise}_lifetime_bonus:prod + "
                       f"sum_over_time(opencodequest_leaderboard_{exercise}:prod[1h])"
                       for exercise in ("hero", "villain", "fight"))
    test = ("rule_files: [rules.yaml]\nevaluation_interval: 5s\n"
            "group_eval_order: [opencodequest_base, opencodequest_step1, opencodequest_step2]\n"
            "tests:\n- interval: 5s\n  input_series:\n"
            "  - {series: 'up{job=\"prometheus\",instance=\"localhost:9090\"}', values: '1x41'}\n  promql_expr_test:\n")
    test += "".join(f"  - {{eval_time: {at}s, expr: '{expression}', exp_samples: [{{labels: '{{none=\"1\"}}', value: -1}}]}}\n"
                    for at in range(0, 206, 5) for expression in [total, *recorded])
    write(tmp_path, rules=filled, test=test)
    status, theirs = promtool(tmp_path / "test.yaml")
    write(tmp_path, rules=template)
    variables = [f"--set={name}={value}" for name, value in values.items()]
    ours = run("test", "rules", "--range-selectors=closed", *variables, tmp_path / "test.yaml")
    assert (ours.returncode, ours.stdout) == (status, theirs)
    assert theirs.count("got: {") > 400


def without_reasons(text):
    """Why an evaluation failed is said in other words here and there; that it failed, and when, is compared."""
    return [re.sub(r"(    (?:rule|expr): .*?, time: [^,]*, err:).*", r"\1", line) for line in text.splitlines()]


@needs_promtool
def test_rules_made_from_seeds_are_what_promtool_makes_of_them(tmp_path):
    """Cycles, shared names, staleness, sub-queries, groups in any order. `make soak` sets more SEEDS."""
    first, count = int(os.environ.get("FIRST_SEED", 0)), int(os.environ.get("SEEDS", 80))
    told = 0
    for seed in range(first, first + count):
        folder = tmp_path / str(seed)
        folder.mkdir()
        rule_files.make(seed, folder)
        status, theirs = promtool(folder / "test.yaml")
        ours = run("test", "rules", "--range-selectors=closed", folder / "test.yaml")
        left, right = without_reasons(ours.stdout), without_reasons(theirs)
        told += not any(line.startswith("    rule:") for line in right)
        assert (ours.returncode, left) == (status, right), f"seed {seed}"
        shutil.rmtree(folder)
    assert told > count / 4


GROUPS = "groups:\n- {name: one, rules: [{record: r, expr: a * 2}]}\n"
TEST = "rule_files: ['*les.yaml']\nevaluation_interval: 10s\n"
CASES = "  promql_expr_test:\n  - {expr: r, eval_time: 10s, exp_samples: [{labels: r, value: 4}]}\n"
INPUT = "  input_series: [{series: a, values: 1 2 3}]\n"


def test_a_file_of_tests_answers_with_success(tmp_path):
    write(tmp_path, rules=GROUPS, test=TEST + "tests:\n- interval: 10s\n" + INPUT + CASES)
    told = run("test", "rules", "test.yaml", cwd=tmp_path)
    assert (told.returncode, told.stdout, told.stderr) == (0, "Unit Testing:  test.yaml\n  SUCCESS\n\n", "")


@pytest.mark.parametrize("extra,answer", [
    ("- alert_rule_test: [{alertname: x}]\n", "test.yaml:4:20: not supported yet: alert_rule_test"),
    ("- promql_expr_test: [{expr: a, exp_samples: [{labels: a, histogram: '{{}} {{}}'}]}]\n",
     "labels \"a\": expected 1 value, got 2"),
    ("- input_series: [{series: a, values: '{{counts:1}}'}]\n",
     "test.yaml:4:38: values \"{{counts:1}}\": 1:3: parse error: unexpected \"counts\" in a histogram"),
    ("- interval: 5s\n  input_serie: []\n", "test.yaml:5:3: \"input_serie\" is no field of a test group; did you mean "
                                           "\"input_series\"?"),
    ("- interval: soon\n", "test.yaml:4:13: interval must be a duration such as 30s or 1h30m, not \"soon\""),
    ("- start_timestamp: yesterday\n", "test.yaml:4:20: start_timestamp must be Unix seconds"),
    ("- input_series: [{series: 'a{', values: 1}]\n", "test.yaml:4:27: series \"a{\": "),
    ("- input_series: [{series: a, values: 1xx}]\n", "test.yaml:4:38: values \"1xx\": "),
    ("- promql_expr_test: [{expr: a + }]\n", "err: 1:4: parse error: unexpected end of input (test.yaml:4:29)"),
])
def test_what_is_not_understood_is_an_error_and_never_ignored(tmp_path, extra, answer):
    write(tmp_path, rules=GROUPS, test=TEST + "tests:\n" + extra)
    told = run("test", "rules", "test.yaml", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stdout.startswith("Unit Testing:  test.yaml\n  FAILED:\n")
    assert answer in told.stdout


def test_experiments_of_the_language_need_their_feature(tmp_path):
    write(tmp_path, rules="groups: [{name: g, rules: [{record: r, expr: 'limitk(1, a)'}]}]\n",
          test=TEST + "tests:\n- interval: 10s\n" + INPUT
          + "  promql_expr_test: [{expr: 'max_of(2, 1)', exp_samples: [{value: 2}]}]\n")
    told = run("check", "rules", tmp_path / "rules.yaml")
    assert told.returncode == 1
    assert "limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions" \
        in told.stderr
    told = run("test", "rules", tmp_path / "test.yaml")
    assert told.returncode == 1
    assert "limitk() is experimental" in told.stdout
    told = run("check", "rules", "--enable-feature=promql-experimental-functions", tmp_path / "rules.yaml")
    assert (told.returncode, told.stderr) == (0, "")


def test_alerting_rules_are_checked_and_not_evaluated_yet(tmp_path):
    write(tmp_path, rules="groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 5m}]}]\n",
          test=TEST + "tests:\n- {}\n")
    assert run("check", "rules", tmp_path / "rules.yaml").returncode == 0
    told = run("test", "rules", tmp_path / "test.yaml")
    assert told.returncode == 1
    assert "not supported yet: alerting rules" in told.stdout


def test_groups_run_in_the_order_asked_for_else_in_the_files(tmp_path):
    rules = ("groups:\n- {name: late, rules: [{record: sum2, expr: sum1}]}\n"
             "- {name: early, rules: [{record: sum1, expr: a}]}\n")
    case = "  promql_expr_test:\n  - {expr: sum2, eval_time: 20s, exp_samples: [{labels: sum2, value: %d}]}\n"
    for order, value in (("", 2), ("group_eval_order: [early, late]\n", 3), ("group_eval_order: [late, early]\n", 2)):
        write(tmp_path, rules=rules, test=TEST + order + "tests:\n- interval: 10s\n" + INPUT + case % value)
        told = run("test", "rules", tmp_path / "test.yaml")
        assert told.returncode == 0, told.stdout


def test_values_are_compared_exactly_or_up_to_the_last_bit_when_asked(tmp_path):
    case = "tests:\n- promql_expr_test:\n  - {expr: vector(0.1 + 0.2), exp_samples: [{value: 0.3}]}\n"
    write(tmp_path, exact=case, fuzzy="fuzzy_compare: true\n" + case)
    told = run("test", "rules", tmp_path / "exact.yaml")
    assert told.returncode == 1
    assert "        exp: {} 3E-01\n        got: {} 3.0000000000000004E-01\n" in told.stdout
    assert run("test", "rules", tmp_path / "fuzzy.yaml").returncode == 0


def test_only_the_groups_that_match_are_run_and_junit_says_how_each_went(tmp_path):
    group = "- name: %s\n  interval: 10s\n" + INPUT + CASES
    write(tmp_path, rules=GROUPS,
          test=TEST + "tests:\n" + group % "good one" + (group % "bad <one>").replace("value: 4", "value: 5"))
    junit = tmp_path / "junit.xml"
    assert run("test", "rules", "--run=^good", tmp_path / "test.yaml").returncode == 0
    assert run("test", "rules", "--run=good", "--run", "bad", tmp_path / "test.yaml").returncode == 1
    assert run("test", "rules", "--run=(", tmp_path / "test.yaml").returncode == 2
    assert run("test", "rules", "--junit", junit, tmp_path / "test.yaml").returncode == 1
    suite = xml.etree.ElementTree.parse(junit).getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [(case.get("name"), case.find("failure") is not None) for case in suite] == [
        ("good one", False), ("bad <one>", True)]


def test_several_files_are_all_run(tmp_path):
    write(tmp_path, rules=GROUPS, good=TEST + "tests:\n- interval: 10s\n" + INPUT + CASES)
    told = run("test", "rules", "good.yaml", "missing.yaml", "good.yaml", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stdout.count("  SUCCESS\n") == 2
    assert "Unit Testing:  missing.yaml\n  FAILED:\n" in told.stdout
