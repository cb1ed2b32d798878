"""The README has every command, flag, exit code, environment variable and key, and none that is not there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fwbill_tui.cli import exits
from fwbill_tui.cli.explore import explore
from fwbill_tui.cli.main import root

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS: dict[str, click.Command] = {"fwbill": explore, **root.commands}


def table(heading: str) -> list[list[str]]:
    """The cells of the README's table whose first column is called `heading`."""
    lines = README.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def options(command: click.Command) -> Iterator[str]:
    """The spellings of a command's flags, short and long."""
    for parameter in command.get_params(click.Context(command)):
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield from parameter.opts


def test_commands() -> None:
    written = {re.match(r"`fwbill(?: (\w+))?", row[0])[1] or "fwbill" for row in table("command")}  # type: ignore[index]
    assert written == set(COMMANDS)


def test_flags() -> None:
    there: dict[str, set[str]] = {}
    for name, command in COMMANDS.items():
        for flag in options(command):
            there.setdefault(flag, set()).add(name)
    there["--version"] = {"fwbill"}
    there["-h"] = set(COMMANDS)
    written = {
        flag: set(COMMANDS) if row[1] == "all" else set(row[1].split(", "))
        for row in table("flag")
        for flag in re.findall(r"(?<![\w-])--?[a-z][\w-]*", row[0])
    }
    assert written == there


def test_exit_codes() -> None:
    there = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert {int(row[0]) for row in table("exit code")} == there


def test_environment_variables() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "fwbill_tui").rglob("*.py"))
    # A variable is looked up by its quoted name; the libraries heed NO_COLOR for us.
    there = set(re.findall(r'"((?:FIREWORKS|FWBILL)_[A-Z_]+)"', sources)) | {"NO_COLOR"}
    assert {row[0].strip("`") for row in table("variable")} == there


def test_every_command_in_the_readme_is_understood() -> None:
    """Each `fwbill …` line of a code block parses, up to the point where it would read files or an account."""
    lines = re.findall(r"^fwbill (\w+) (.*?)(?:\s{2,}#.*)?$", README, re.MULTILINE)
    assert len(lines) >= 4
    for name, arguments in lines:
        words = subprocess.run(["bash", "-c", f"printf '%s\\n' {arguments}"], capture_output=True, text=True, check=True)
        root.commands[name].make_context(name, words.stdout.splitlines(), parent=click.Context(root))


def test_the_picture_and_the_marker_are_there() -> None:
    assert re.search(r"<!-- the test command.*-->\n```sh\npython3 -m venv .*pytest.*\n```", README)


def test_keys() -> None:
    app = pytest.importorskip("fwbill_tui.tui.app", exc_type=ImportError)
    there = {spelled(key) for key in app.documented_keys()}
    written = {spelled(key) for row in table("key") for key in re.findall(r"`([^`]+)`", " ".join(row))}
    assert written == there


def spelled(key: str) -> str:
    """One spelling per key: Textual's names for what people write as a character."""
    named = {"slash": "/", "question_mark": "?", "left_square_bracket": "[", "right_square_bracket": "]"}
    return named.get(key, f"shift+{key.lower()}" if len(key) == 1 and key.isupper() else key)
