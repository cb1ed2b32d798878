"""What the user may name, and writing rejects."""

from __future__ import annotations

import csv
import glob
import io
import os
import stat
import sys
from pathlib import Path

import pytest

from fwbill_tui.files.folders import matches
from fwbill_tui.files.inputs import UnreadableFile, expand
from fwbill_tui.files.rejects import write_rejects
from fwbill_tui.usage.schema import Reject


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "b.csv",
        "a.csv.gz",
        "deep/er/c.parquet",
        "deep/d.CSV.ZST",
        "notes.txt",
        ".hidden.csv",
        ".git/e.csv",
        "odd[1].csv",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def names(*arguments: str | Path) -> list[str]:
    return [Path(found.name).name for found in expand([str(argument) for argument in arguments])]


def test_folders_are_searched_to_their_depth_in_order(folder: Path) -> None:
    assert names(folder) == ["a.csv.gz", "b.csv", "odd[1].csv", "d.CSV.ZST", "c.parquet"]


def test_patterns_quoted_by_the_user(folder: Path) -> None:
    assert names(folder / "*.csv*") == ["a.csv.gz", "b.csv", "odd[1].csv"]
    assert names(folder / "**" / "*.parquet") == ["c.parquet"]
    assert names(folder / "d*") == ["d.CSV.ZST", "c.parquet"]


def test_a_name_is_a_file_before_it_is_a_pattern(folder: Path) -> None:
    assert names(folder / "odd[1].csv") == ["odd[1].csv"]


def test_any_file_that_is_named_is_taken(folder: Path) -> None:
    assert names(folder / "notes.txt", folder / ".hidden.csv") == ["notes.txt", ".hidden.csv"]


def test_a_file_named_twice_is_read_once(folder: Path) -> None:
    (folder / "link.csv").symlink_to(folder / "b.csv")
    assert names(folder / "b.csv", folder / "*.csv", folder / "link.csv", folder / "deep" / ".." / "b.csv") == [
        "b.csv",
        "odd[1].csv",
    ]


def test_home_is_understood_in_quoted_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert names("~/b.csv", "~/a*") == ["b.csv", "a.csv.gz"]


@pytest.mark.parametrize(
    ("argument", "reason"),
    [("missing.csv", "no such file or folder"), ("*.nothing", "no file matches"), ("empty", r"no \.csv, .* file in")],
)
def test_what_stands_for_nothing_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch, argument: str, reason: str) -> None:
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(UnreadableFile, match=reason) as caught:
        expand(["b.csv", argument])
    assert str(caught.value).startswith(f"{argument}: ")


def test_links_to_folders_are_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "march.csv").touch()
    (folder / "archive").symlink_to(elsewhere)
    (folder / "again").symlink_to(elsewhere)
    (elsewhere / "all").symlink_to(folder)
    (folder / "deep" / "round").symlink_to("..")
    (folder / "nowhere").symlink_to("gone")
    (folder / "circle").symlink_to("circle")
    assert sorted(names(folder)) == sorted(["a.csv.gz", "b.csv", "odd[1].csv", "d.CSV.ZST", "c.parquet", "march.csv"])
    assert sorted(names(folder / "**" / "*.csv")) == sorted(["b.csv", "odd[1].csv", "march.csv"])
    assert names(folder / "*" / "march.csv") == ["march.csv"]
    assert names(folder / "archive", folder) == ["march.csv", "a.csv.gz", "b.csv", "odd[1].csv", "d.CSV.ZST", "c.parquet"]


@pytest.mark.parametrize(
    "pattern",
    [
        "*", "*.csv", "**", "**/*", "**/*.csv", "*/*", "*/**", "deep/**/c*", "**/er/*", "?.csv", ".*", ".git/*", "[ab].*",
        "d*p/er/*.parquet", "deep/*/../*", "**/deep", "nothing/*", "b.csv/*", "*/",
    ],
)  # fmt: skip
def test_a_pattern_stands_for_what_it_stands_for_in_python(folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    def refuse(error: OSError) -> None:
        raise error

    monkeypatch.chdir(folder)
    for asked in (Path(pattern), folder / pattern):
        expected = glob.glob(str(asked), recursive=True)  # noqa: PTH207 - takes whole patterns
        assert {Path(path) for path in expected} == {*matches(asked, refuse)} - {Path()}


def test_a_dangling_link_is_left_to_reading(folder: Path) -> None:
    (folder / "dangling.csv").symlink_to(folder / "gone.csv")
    assert names(folder / "dangling.csv") == ["dangling.csv"]


def test_a_terminal_is_not_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    master, terminal = os.openpty()
    with os.fdopen(terminal, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(UnreadableFile, match="is a terminal"):
            expand(["-"])
        monkeypatch.undo()
    os.close(master)


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    (found,) = expand(["-", "-"])
    assert (found.name, found.path, found.size) == ("standard input", None, None)


REJECTS = [
    Reject("a.csv", 3, "prompt_tokens", "'x' is not a whole number", 'a,"b\nc",x'),
    Reject("b.csv", 9, None, "short", "é\x1b[31m"),
]


def test_rejects_are_written_whole_and_private(tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    assert write_rejects(file, iter(REJECTS)) == 2
    with file.open(newline="", encoding="utf-8") as written:
        rows = list(csv.reader(written))
    assert rows[0] == ["source", "line", "column", "reason", "text"]
    assert rows[1:] == [[r.source, str(r.line), r.column or "", r.reason, r.text] for r in REJECTS]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["rejects.csv"]


def test_rejects_that_cannot_be_written_leave_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    file.write_text("old")

    def failing() -> object:
        yield REJECTS[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_rejects(file, failing())  # type: ignore[arg-type]
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["rejects.csv"]
    with pytest.raises(FileNotFoundError):
        write_rejects(tmp_path / "no" / "where.csv", REJECTS)
