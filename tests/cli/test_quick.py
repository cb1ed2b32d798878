"""Answers without a parser are those that click would give, and load none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import click.shell_completion
import pytest

from fwbill_tui.cli import quick
from fwbill_tui.cli.explore import explore
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.main import run
from fwbill_tui.cli.plain import plain_launch
from fwbill_tui.cli.root import root

SCRIPT = "import sys; from fwbill_tui.__main__ import main; sys.exit(main())"
TELL = f"import atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {SCRIPT.removeprefix('import sys; ')}"
COMPLETE = "_FWBILL_COMPLETE"


def fwbill(*arguments: str, program: str = SCRIPT, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("width", range(quick.NARROWEST, quick.WIDEST - 1))
def test_the_help_is_what_click_makes_of_the_explorer_and_the_commands(width: int) -> None:
    context = click.Context(root, info_name="fwbill", **root.context_settings)
    formatter = click.HelpFormatter(width=width)
    click.Group.format_commands(root, context, formatter)
    explore.format_options(click.Context(explore, parent=context), formatter)
    assert f"\n{formatter.getvalue()}\nVersion:\n" in quick.help_text(width)
    about = click.HelpFormatter(width=width)
    with about.indentation():
        about.write_text("\n\n".join(quick._ABOUT))
    assert f"\n{about.getvalue()}\n" in quick.help_text(width)


@pytest.mark.parametrize("columns", [20, 61, 80, 100, 300])
def test_the_help_is_as_wide_as_the_terminal(columns: int) -> None:
    shown = fwbill("--help", COLUMNS=str(columns)).stdout
    assert shown == fwbill("-h", COLUMNS=str(columns)).stdout
    by_click = "import sys; from fwbill_tui.cli.main import run; sys.exit(run(sys.argv[1:], open_explorer=lambda _: 0))"
    assert shown == fwbill("--help", program=by_click, COLUMNS=str(columns)).stdout
    assert shown == quick.help_text(max(50, min(columns, 100) - 2))


@pytest.mark.parametrize("incomplete", ["", "su", "d", "x.csv", "-", "--s", "--h", "-a", "--nothing"])
def test_the_first_word_completes_as_by_click(incomplete: str) -> None:
    context = click.Context(root, **root.context_settings)
    found = click.Group.shell_complete(root, context, incomplete)
    if incomplete.startswith("-"):
        found += explore.shell_complete(context, incomplete)
    by_click = {("plain", item.value, item.help or "") for item in found}
    by_us = list(quick.completions(incomplete))
    assert {item for item in by_us if item[0] == "plain"} == by_click
    assert [item for item in by_us if item[0] == "file"] == ([] if incomplete.startswith("-") else [("file", incomplete, "")])
    assert len(set(by_us)) == len(by_us)


@pytest.mark.parametrize("words", ["fwbill ", "fwbill su", "fwbill --s", "fwbill ./a:b"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_it_in_the_form_that_clicks_scripts_read(shell: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": words.removeprefix("fwbill ") if shell == "fish" else "1"}
    instruction = {COMPLETE: f"{shell}_complete"}
    quickly = quick.answer([], instruction | asked)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    kind = click.shell_completion.get_completion_class(shell)
    assert kind is not None
    assert quickly == kind(root, {}, "fwbill", COMPLETE).complete() + "\n"


@pytest.mark.parametrize(
    ("shell", "words", "word", "holds"),
    [
        ("bash", "fwbill export --form", "2", "plain,--format"),
        ("fish", "fwbill export --form", "--form", "plain,--format"),
        ("zsh", "fwbill 'su", "1", "plain\nsummary"),
        ("bash", "fwbill x --source=ga", "2", "plain,gateway"),
    ],
)
def test_further_words_and_quotes_are_clicks(shell: str, words: str, word: str, holds: str) -> None:
    asked = {COMPLETE: f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": word}
    assert quick.answer([], asked) is None
    assert holds in fwbill(**asked).stdout


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["-h"], []])
def test_quick_answers_load_no_parser_and_nothing_that_needs_one(arguments: list[str]) -> None:
    variables = {} if arguments else {COMPLETE: "bash_complete", "COMP_WORDS": "fwbill su", "COMP_CWORD": "1"}
    done = fwbill(*arguments, program="import sys; " + TELL, **variables)
    loaded = set(done.stderr.split())
    assert {name for name in loaded if name.startswith("fwbill_tui")} == {
        "fwbill_tui", "fwbill_tui.__main__", "fwbill_tui.cli", "fwbill_tui.cli.quick", "fwbill_tui.cli.flags",
        "fwbill_tui.cli.exits",
    }  # fmt: skip
    assert not loaded & {"click", "typing", "inspect", "dataclasses", "pathlib", "asyncio", "logging", "importlib.metadata"}


def test_a_command_loads_no_other_commands_module() -> None:
    loaded = set(fwbill("archive", "list", "--help", program="import sys; " + TELL).stderr.split())
    assert "fwbill_tui.cli.archive" in loaded
    assert not loaded & {f"fwbill_tui.cli.{name}" for name in ("explore", "export", "summary", "doctor", "signin", "inputs")}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert (command.name, command.short_help) == (name, COMMANDS[name][1])


def test_an_answer_that_cannot_be_written_is_said() -> None:
    command = [sys.executable, "-c", SCRIPT, "--help"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "fwbill: cannot write to stdout: No space left on device\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("arguments", "plain"),
    [
        ([], True), (["a.csv"], True), (["a.csv", "b*.csv", "."], True), (["demo"], False), (["a.csv", "--strict"], False),
        (["--", "a.csv"], False), (["-"], False), ([""], False), (["gone.csv"], False), (["sumary"], False),
    ],
)  # fmt: skip
def test_without_a_flag_the_explorer_starts_with_what_the_parser_would_make_of_it(
    arguments: list[str], plain: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").touch()
    (tmp_path / "b1.csv").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fwbill_tui.cli.explore.has_terminal", lambda: True)
    opened = []
    run(arguments, open_explorer=lambda launch: opened.append(launch) or 0)
    monkeypatch.setattr("fwbill_tui.cli.plain.has_terminal", lambda: True)
    launch = plain_launch(arguments)
    assert (launch is not None) is plain
    assert launch is None or [launch] == opened
