"""Opening files by a path, a pattern, and by walking folders."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from fwbill_tui.tui.screens.open_files import OpenFiles, OpenFilesScreen
from fwbill_tui.tui.screens.open_files_listing import MOST_SHOWN, Listing, look
from fwbill_tui.tui.widgets.button import Button


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "home"  # pytest's own folder above may have more entries than the screen lists
    home.mkdir()
    (home / "exports" / "old").mkdir(parents=True)
    for name in ("usage-1.csv", "usage-2.csv.gz", "notes.txt", ".hidden.csv", "exports/jan.parquet", "exports/feb.CSV"):
        (home / name).write_bytes(b"x" * 1500)
    (home / "gone.csv").symlink_to(home / "nowhere")
    return home


async def settled(pilot) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def names(pilot) -> list[str]:
    entries = pilot.app.screen.query_one("#entries", OptionList)
    return [str(entries.get_option_at_index(index).prompt) for index in range(entries.option_count)]


async def test_a_typed_path_is_opened(show, size, folder) -> None:
    async with show(OpenFilesScreen(folder), size) as pilot:
        await pilot.press(*"usage-1.csv")
        await settled(pilot)
        assert pilot.app.text_of("#status") == "↵ opens usage-1.csv"
        await pilot.press("enter")
        assert pilot.app.answer == OpenFiles((str(folder / "usage-1.csv"),))


async def test_folders_come_first_and_only_exports_are_listed(show, size, folder) -> None:
    async with show(OpenFilesScreen(folder), size) as pilot:
        await settled(pilot)
        assert names(pilot) == ["  exports/", "□ usage-1.csv  1.5 kB", "□ usage-2.csv.gz  1.5 kB"]
        box = pilot.app.screen.query_one("#box").region
        assert box in pilot.app.screen.region
        assert all(widget.region in box for widget in pilot.app.screen.query("Input, OptionList, Button"))


async def test_tab_completes_then_goes_on_to_the_list(show, folder) -> None:
    async with show(OpenFilesScreen(folder)) as pilot:
        line = pilot.app.screen.query_one("#path", Input)
        await pilot.press("u")
        await settled(pilot)
        await pilot.press("tab")
        assert line.value == "usage-"
        await settled(pilot)
        await pilot.press("tab")
        assert pilot.app.focused is pilot.app.screen.query_one("#entries")
        await pilot.press("down", "enter")
        assert pilot.app.answer == OpenFiles((str(folder / "usage-2.csv.gz"),))


async def test_walking_into_a_folder_and_back(show, size, folder) -> None:
    async with show(OpenFilesScreen(folder), size) as pilot:
        await settled(pilot)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert names(pilot) == ["  old/", "□ feb.CSV  1.5 kB", "□ jan.parquet  1.5 kB"]
        await pilot.press("left")
        await settled(pilot)
        assert pilot.app.screen.query_one("#path", Input).value == ""
        await pilot.press("left")
        await settled(pilot)
        assert pilot.app.screen.query_one("#path", Input).value == "../"
        assert f"  {folder.name}/" in names(pilot)


async def test_files_are_marked_and_opened_together(show, size, folder) -> None:
    async with show(OpenFilesScreen(folder), size) as pilot:
        await settled(pilot)
        assert pilot.app.screen.query_one("#open", Button).disabled
        await pilot.press("down", "space", "down", "space")
        assert pilot.app.text_of("#status") == "1 file marked, 1.5 kB"
        await pilot.press("space", "space", "space")
        assert pilot.app.text_of("#status") == "2 files marked, 3 kB"
        await pilot.press("tab", "enter")
        assert pilot.app.answer == OpenFiles((str(folder / "usage-1.csv"), str(folder / "usage-2.csv.gz")))


async def test_enter_on_a_file_without_mark_opens_those_with_one(show, folder) -> None:
    async with show(OpenFilesScreen(folder)) as pilot:
        await settled(pilot)
        await pilot.press("down", "down", "space", "up", "enter")
        assert pilot.app.answer == OpenFiles((str(folder / "usage-1.csv"),))


async def test_more_files_than_are_listed_are_not_told_as_so_many(show, tmp_path) -> None:
    for number in range(MOST_SHOWN + 1):
        (tmp_path / f"{number}.csv").write_text("x")
    async with show(OpenFilesScreen(tmp_path)) as pilot:
        await pilot.press(*"*.csv")
        await settled(pilot)
        assert pilot.app.text_of("#status") == f"↵ opens all files that match, more than the {MOST_SHOWN} listed"


async def test_enter_waits_for_the_look_at_a_slow_disk(show, folder, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(typed: str, folder: Path) -> Listing:
        go_on.wait(5)
        return look(typed, folder)

    async with show(OpenFilesScreen(folder)) as pilot:
        await settled(pilot)
        monkeypatch.setattr("fwbill_tui.tui.screens.open_files.look", slow)
        await pilot.press(*"usage-1.csv", "enter")
        assert pilot.app.answer is pilot.app.no_answer
        go_on.set()
        await settled(pilot)
        await settled(pilot)
        assert pilot.app.answer == OpenFiles((str(folder / "usage-1.csv"),))


async def test_a_pattern_shows_what_it_matches_and_is_handed_on_as_it_is(show, folder) -> None:
    async with show(OpenFilesScreen(folder)) as pilot:
        await pilot.press(*"usage-*")
        await settled(pilot)
        assert pilot.app.text_of("#status") == "↵ opens the 2 files that match, 3 kB"
        await pilot.press("enter")
        assert pilot.app.answer == OpenFiles((str(folder / "usage-*"),))


@pytest.mark.parametrize("typed", ["nothing", "nowhere/x", "*.xlsx", "~nosuchuser/x", "usage-1.csv/x", "a\x00b"])
async def test_what_is_not_there_is_said(show, folder, typed: str) -> None:
    async with show(OpenFilesScreen(folder)) as pilot:
        pilot.app.screen.query_one("#path", Input).value = typed
        await settled(pilot)
        assert pilot.app.text_of("#status").startswith("✗ ")
        await pilot.press("enter")
        assert pilot.app.answer is pilot.app.no_answer
        await pilot.press("escape")
        assert pilot.app.answer is None


async def test_names_that_would_steer_a_terminal_are_shown_literally(show, tmp_path) -> None:
    (tmp_path / "[red]\x1b[31m.csv").write_text("x")
    async with show(OpenFilesScreen(tmp_path)) as pilot:
        await settled(pilot)
        assert names(pilot) == ["□ [red]␛[31m.csv  1 B"]
        assert "\x1b" not in "".join(pilot.app.lines())


async def test_the_line_shows_such_a_name_literally_too_with_its_cursor_in_place(show, tmp_path) -> None:
    name = "exports\x1b]0;PWNED\x1b\\\x9bx"
    (tmp_path / name).mkdir()
    (tmp_path / name / "usage.csv").write_text("x")
    async with show(OpenFilesScreen(tmp_path)) as pilot:
        line = pilot.app.screen.query_one("#path", Input)
        await settled(pilot)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert line.value == f"{name}/"  # the folder is still found by its name
        painted = "".join(pilot.app.lines())
        assert "exports␛]0;PWNED␛\\�x/" in painted
        assert not any(letter in painted for letter in "\x1b\x9b")
        assert names(pilot) == ["□ usage.csv  1 B"]
        await pilot.press("tab", "home", *["right"] * 8)
        assert line.cursor_screen_offset.x - line.content_region.x == 8
        await pilot.click(line, offset=(line.gutter.left + 9, line.gutter.top))
        assert line.cursor_position == 9


def test_looking(folder: Path) -> None:
    assert look("exports", folder).opens == str(folder / "exports")
    assert [entry.name for entry in look("EXP", folder).entries] == ["exports/"]
    assert [entry.name for entry in look(".h", folder).entries] == [".hidden.csv"]
    assert [entry.name for entry in look("exports/*", folder).entries] == ["feb.CSV", "jan.parquet"]
    assert look("**/*.csv", folder).opens == str(folder / "**/*.csv")
    assert "no exports" in look("exports/old/", folder).problem
    (folder / "a[1].csv").write_text("x")
    assert not look("a[1].csv", folder).pattern
