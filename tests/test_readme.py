"""The README has every command, flag, exit code, environment variable and key, and none that is not there."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
from textual.binding import BindingsMap
from textual.dom import DOMNode

from fwbill_tui import tui
from fwbill_tui.cli import exits, flags
from fwbill_tui.cli.explore import explore
from fwbill_tui.cli.root import root

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS: dict[str, click.Command] = {"fwbill": explore}
PARENT = click.Context(root, **root.context_settings)  # a command keeps the help option that its first context asks for
BY_NAME = {name: root.get_command(PARENT, name) or explore for name in flags.COMMANDS}
for _name, _command in BY_NAME.items():
    parts = _command.commands if isinstance(_command, click.Group) else {"": _command}
    COMMANDS |= {f"{_name} {part}".strip(): command for part, command in parts.items()}


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
    for parameter in command.get_params(click.Context(command, parent=PARENT)):
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield from parameter.opts


def test_every_row_of_a_table_has_as_many_cells_as_its_heading() -> None:
    lines = README.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("|---"):
            edges = lines[number - 1].count("|")
            rows = itertools.takewhile(lambda row: row.startswith("|"), lines[number + 1 :])
            assert {row.count("|") for row in rows} == {edges}, lines[number - 1]


def test_commands() -> None:
    spelled = (spelling for row in table("command") for spelling in re.findall(r"`fwbill((?: [a-z]+)*)", row[0]))
    assert {spelling.strip() or "fwbill" for spelling in spelled} == set(COMMANDS)


def test_flags() -> None:
    there: dict[str, set[str]] = {}
    for name, command in COMMANDS.items():
        for flag in options(command):
            there.setdefault(flag, set()).add(name)
    there["--version"] = {"fwbill"}
    there["-h"] = set(COMMANDS)
    groups = {"all": set(COMMANDS), "usage": {"fwbill", "demo", "summary", "export"}}
    written = {
        flag: groups.get(row[1], set(row[1].split(", ")))
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
        BY_NAME[name].make_context(name, words.stdout.splitlines(), parent=PARENT)


def test_the_pictures_and_the_marker_are_there() -> None:
    assert all((ROOT / path).exists() for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README))
    assert re.search(r"<!-- the test command.*-->\n```sh\npython3 -m venv .*pytest.*\n```", README)


PLACES = {
    "the explorer": {"FwbillApp", "ExplorerScreen", "UsageTable"},
    "search": {"SearchBox"},
    "facets": {"FacetPanel"},
    "filters (chips)": {"FilterChips"},
    "date range": {"DateRangeScreen"},
    "calendar": {"RangeCalendar"},
    "columns": {"ColumnsDialog", "MarkList"},
    "group by": {"GroupDialog", "MarkList"},
    "row": {"RowDetailScreen", "FieldList"},
    "export": {"ExportDialog"},
    "question": {"ConfirmScreen"},
    "sign-in": {"LoginScreen"},
    "open files": {"PathLine", "EntryList"},
    "help": {"HelpScreen"},
    "every dialog": {"Dialog", "ChoiceList", "OneOf", "Check", "Line", "Button"},
    "command palette": {"Palette"},
}
"""Where the README tells keys, and the classes whose bindings they are."""


def test_keys() -> None:
    there = bound_keys()
    assert set(there) == set().union(*PLACES.values())
    written = {row[0]: keys(row[1]) for row in table("key, elsewhere")}
    written["the explorer"] = set().union(*(keys(row[0]) for row in table("key, in the explorer")))
    assert written == {place: set().union(*(there[name] for name in names)) for place, names in PLACES.items()}


def keys(text: str) -> set[str]:
    """The keys in a cell; `shift+` and the like alone are a way of speaking."""
    return {key for key in re.findall(r"`([^`]+)`", text) if not key.endswith("+")}


def bound_keys() -> dict[str, set[str]]:
    """Every class of the screens with bindings of its own -> its keys, as people write them."""
    found = {}
    for module_info in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        module = importlib.import_module(module_info.name)
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, DOMNode) and value.__module__ == module.__name__:
                bindings = BindingsMap(vars(value).get("BINDINGS", ()))
                written = {SIGNS.get(key, key) for key in bindings.key_to_bindings}
                found.update({name: written} if written else {})
    return found


SIGNS = {
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
