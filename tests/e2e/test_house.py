"""The house's promises: help, man pages, completions, exit codes, and an install that leaves what it says."""
import shutil
import subprocess

import pytest

from serving import BUILD, RAILQUEST, ROOT


def run(*arguments, **options):
    return subprocess.run([RAILQUEST, *arguments], capture_output=True, text=True, timeout=60, **options)


def command_names():
    """Names as the program's own help lists them, between "Commands:" and the next empty line."""
    lines = run("--help").stdout.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    return [line[2:18].strip() for line in lines if line[2] != " "]


def test_help_of_every_command_is_on_standard_output_and_within_the_terminal():
    names = command_names()
    assert "completion" in names
    for name in names:
        told = run(*name.split(), "--help")
        assert told.returncode == 0, name
        assert told.stderr == ""
        assert told.stdout.startswith(f"usage: railquest {name} [OPTION]")
        assert told.stdout == run("help", *name.split()).stdout
        wide = [line for line in told.stdout.split("\nExamples:")[0].splitlines() if len(line) > 80]
        assert not wide, f"{name}: {wide}"


def test_a_usage_error_goes_to_standard_error_with_exit_status_2():
    for arguments in ([], ["chek", "rules"], ["completion"], ["completion", "tcsh"], ["completion", "bash", "fish"],
                      ["man", "--foler=x"], ["--verbose"]):
        wrong = run(*arguments)
        assert wrong.returncode == 2, arguments
        assert wrong.stdout == ""
        assert wrong.stderr != ""
    assert 'did you mean "completion"?' in run("completon").stderr
    assert "did you mean --folder?" in run("man", "--foler=x").stderr


def test_every_command_has_a_man_page(tmp_path):
    assert run("man", "--folder", tmp_path).returncode == 0
    pages = {page.name for page in tmp_path.iterdir()}
    assert pages == {"railquest.1"} | {f"railquest-{name.replace(' ', '-')}.1" for name in command_names()}
    for page in tmp_path.iterdir():
        text = page.read_text()
        assert text.startswith('.TH "railquest')
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS"):
            assert f".SH {section}\n" in text, page.name


@pytest.mark.parametrize("words,answer", [
    (["railquest", "compl"], "completion"),
    (["railquest", "man", "--fo"], "--folder"),
    (["railquest", "completion", "--h"], "--help"),
])
def test_bash_completes_commands_and_flags(words, answer):
    script = f"""source <({RAILQUEST} completion bash)
        COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _railquest; echo "${{COMPREPLY[*]}}" """
    told = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert told.stderr == ""
    assert told.stdout.split() == [answer]


def test_an_install_holds_the_program_its_pages_and_completions(tmp_path):
    done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", tmp_path],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {"railquest", "railquest.1", "railquest-man.1", "_railquest", "railquest.fish"} <= installed


def copy_of_the_tree(folder):
    """What the house's scripts look at, where a test may spoil it."""
    for name in ("src", "scripts", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "ARCHITECTURE.md", folder)
    return folder


def script(folder, name):
    return subprocess.run([folder / "scripts" / name], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("file,line,complaint", [
    ("src/engine/tsdb/spoilt.c", '#include "engine/promql/promql.h"', "engine/tsdb may not include engine/promql"),
    ("src/engine/rules/spoilt.c", '#include "engine/promql/parser.h"', "is private to engine/promql"),
    ("src/engine/promql/spoilt.c", "#include <sqlite3.h>", "engine/promql may not use sqlite3"),
    ("src/engine/series/meson.build", "x = declare_dependency(dependencies: [base, tsdb])", "may not depend on tsdb"),
    ("src/unheard/of.c", "int x;", "folder unheard has no line in ARCHITECTURE.md"),
])
def test_a_layer_that_is_broken_is_named(tmp_path, file, line, complaint):
    folder = copy_of_the_tree(tmp_path)
    assert script(folder, "layers").returncode == 0
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).open("a").write(line + "\n")
    spoilt = script(folder, "layers")
    assert spoilt.returncode == 1
    assert complaint in spoilt.stdout


@pytest.mark.parametrize("line", ["strcpy(a, b);", "x = atoi(text);", "now = time(NULL);", "sprintf (out, text);"])
def test_a_banned_call_is_found(tmp_path, line):
    folder = copy_of_the_tree(tmp_path)
    (folder / "tests").mkdir()
    assert script(folder, "banned").returncode == 0
    (folder / "src/base/spoilt.c").write_text(f"void f(void)\n{{\n\t{line}\n}}\n")
    assert script(folder, "banned").returncode == 1


def test_results_are_added_up_and_a_failed_step_counts(tmp_path):
    report = tmp_path / "a.xml"
    report.write_text("<testsuites><testsuite><testcase name='a'/><testcase name='b'><skipped/></testcase>"
                      "<testcase name='c'><system-out>\x01 not XML</system-out></testcase></testsuite></testsuites>")
    counts = ROOT / "scripts/counts"
    told = subprocess.run([counts, report], capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "2 passed, 0 failed, 1 skipped\n")
    told = subprocess.run([counts, "--failed", f"valgrind={report}", report], capture_output=True, text=True)
    assert told.returncode == 1
    assert told.stdout.endswith("2 passed, 1 failed, 1 skipped\n")
    report.write_text("<testsuite><testcase name='a'><failure/></testcase></testsuite>")
    told = subprocess.run([counts, "--failed", f"tests={report}", report], capture_output=True, text=True)
    assert told.stdout.endswith("0 passed, 1 failed, 0 skipped\n")
    assert subprocess.run([counts], capture_output=True).returncode == 1


def test_what_failed_and_passed_when_run_again_is_named(tmp_path):
    first, second = tmp_path / "first.xml", tmp_path / "second.xml"
    case = "<testcase classname='tests.e2e.test_x' name='{}[no way]'>{}</testcase>"
    failure = "<failure/>"
    first.write_text(f"<testsuite>{case.format('a', '')}{case.format('b', failure)}{case.format('c', failure)}</testsuite>")

    def counted():
        return subprocess.run([ROOT / "scripts/counts", "--again", f"{first}={second}", first], capture_output=True, text=True)

    names = subprocess.run([ROOT / "scripts/counts", "--names", first], capture_output=True, text=True)
    assert names.stdout == "tests/e2e/test_x.py::b[no way]\ntests/e2e/test_x.py::c[no way]\n"
    second.write_text(f"<testsuite>{case.format('b', '')}{case.format('c', failure)}</testsuite>")
    told = counted()
    assert told.returncode == 1 and told.stdout.endswith("2 passed, 1 failed, 0 skipped\n")
    assert "unsteady: tests.e2e.test_x b[no way]" in told.stdout and "failed: tests.e2e.test_x c[no way]" in told.stdout
    second.write_text(f"<testsuite>{case.format('b', '')}{case.format('c', '')}</testsuite>")
    assert counted().returncode == 0 and counted().stdout.endswith("3 passed, 0 failed, 0 skipped\n")
    second.write_text(f"<testsuite>{case.format('b', '')}</testsuite>")  # it broke off
    assert counted().returncode == 1 and counted().stdout.endswith("1 passed, 2 failed, 0 skipped\n")
