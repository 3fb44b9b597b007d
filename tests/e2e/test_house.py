"""The house's promises: help, man pages, completions, exit codes, and an install that leaves what it says."""
import subprocess

import pytest

from serving import BUILD, RAILQUEST


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
    (["railquest", "comp"], "completion"),
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
