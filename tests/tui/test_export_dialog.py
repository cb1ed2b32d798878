"""The export dialog and the question before a file is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from fwbill_tui.tui.screens.confirm import ConfirmScreen
from fwbill_tui.tui.screens.export_dialog import ExportChoice, ExportDialog, ExportSizes
from fwbill_tui.tui.widgets.checkbox import Check
from fwbill_tui.tui.widgets.choices import OneOf

SIZES = ExportSizes(shown_rows=812_204, all_rows=1_204_331, visible_columns=8, all_columns=13)


def name_of(scope: str, kind: str) -> str:
    return f"fwbill-acme{'-kimi-k3' if scope == 'shown' else ''}.{kind}"


def dialog(folder: Path, sizes: ExportSizes = SIZES, **options: str) -> ExportDialog:
    return ExportDialog(sizes, folder, name_of, **options)


async def settled(pilot) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_enter_exports_what_is_shown_as_csv(show, size, tmp_path) -> None:
    async with show(dialog(tmp_path), size) as pilot:
        assert pilot.app.text_of("#status") == "Writes 812,204 events, 8 columns."
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.answer == ExportChoice("shown", "visible", "csv", tmp_path / "fwbill-acme-kimi-k3.csv")


async def test_what_comes_before_the_dialog_is_there_is_shown_with_it(show, tmp_path) -> None:
    early = dialog(tmp_path)
    early.follow(ExportSizes(shown_rows=5, all_rows=6, visible_columns=7, all_columns=13), "partial: still loading")
    async with show(early) as pilot:
        assert pilot.app.text_of("#status") == "Writes 5 events, 7 columns. ⚠ partial: still loading"
        early.sizes = SIZES  # as if that came between its parts and its beginning
        early.on_mount()
        assert "812,204 events" in early.query_one("#scope", OneOf).render().plain
        await pilot.press("escape")
        await pilot.pause()
        early.follow(SIZES, "")  # too late, and no fault


async def test_every_choice_by_keys(show, size, tmp_path) -> None:
    async with show(dialog(tmp_path), size) as pilot:
        await pilot.press("down", "tab", "right", "tab", "tab", "space")
        assert pilot.app.text_of("#status") == "Writes 1,204,331 events, 13 columns."
        await pilot.press("tab", "enter")
        await settled(pilot)
        expected = ExportChoice("range", "all", "csv", tmp_path / "fwbill-acme.csv", neutralise_formulas=True)
        assert pilot.app.answer == expected


async def test_the_suggested_name_follows_until_it_is_changed(show, tmp_path) -> None:
    async with show(dialog(tmp_path)) as pilot:
        line, kind = pilot.app.screen.query_one("#path", Input), pilot.app.screen.query_one("#format", OneOf)
        kind.value = "parquet"
        await pilot.pause()
        assert line.value == "fwbill-acme-kimi-k3.parquet"
        assert pilot.app.screen.query_one("#neutralise", Check).disabled
        line.value = "mine.json"
        kind.value = "ndjson"
        await pilot.pause()
        assert line.value == "mine.json"
        line.focus()
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.answer.path == tmp_path / "mine.json"


async def test_the_name_follows_the_format(show, tmp_path) -> None:
    async with show(dialog(tmp_path)) as pilot:
        line, kind = pilot.app.screen.query_one("#path", Input), pilot.app.screen.query_one("#format", OneOf)
        line.value = "sub.d/mine.CSV"
        await pilot.pause()
        for chosen, name in (("parquet", "sub.d/mine.parquet"), ("ndjson", "sub.d/mine.ndjson"), ("csv", "sub.d/mine.csv")):
            kind.value = chosen
            await pilot.pause()
            assert (line.value, kind.value) == (name, chosen)


@pytest.mark.parametrize("typed", ["q.csv.gz", "q.xlsx", "q.json"])
async def test_no_name_that_promises_another_kind_of_file(show, tmp_path, typed: str) -> None:
    async with show(dialog(tmp_path)) as pilot:
        pilot.app.screen.query_one("#path", Input).value = typed
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.text_of("#status").startswith(f"✗ no {Path(typed).suffix} is written: use a name that ends in .csv,")
        assert pilot.app.answer is pilot.app.no_answer


@pytest.mark.parametrize(("typed", "kind"), [("mine.parquet", "parquet"), ("mine.JSONL", "ndjson"), ("mine.txt", "csv")])
async def test_the_format_follows_the_name(show, tmp_path, typed: str, kind: str) -> None:
    async with show(dialog(tmp_path)) as pilot:
        pilot.app.screen.query_one("#path", Input).value = typed
        await pilot.pause()
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.answer == ExportChoice("shown", "visible", kind, tmp_path / typed)


async def test_an_existing_file_is_asked_about(show, size, tmp_path) -> None:
    (tmp_path / "fwbill-acme-kimi-k3.csv").write_text("old")
    async with show(dialog(tmp_path), size) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, ExportDialog)
        assert pilot.app.answer is pilot.app.no_answer
        await pilot.press("ctrl+s")
        await settled(pilot)
        await pilot.press("y")
        await pilot.pause()
        assert pilot.app.answer.overwrite


@pytest.mark.parametrize(
    ("typed", "says"),
    [("", "write a file name"), ("x/", "write a file name"), (".", "is a folder"), ("no/such.csv", "there is no folder"),
     ("~nosuchuser/x", "~nosuchuser"), ("a\x00b", "write a file name")],
)  # fmt: skip
async def test_a_path_that_cannot_be_written_is_refused(show, tmp_path, typed: str, says: str) -> None:
    async with show(dialog(tmp_path)) as pilot:
        pilot.app.screen.query_one("#path", Input).value = typed
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.text_of("#status").startswith("✗ ")
        assert says in pilot.app.text_of("#status")
        assert pilot.app.answer is pilot.app.no_answer


async def test_groups_have_their_own_columns(show, tmp_path) -> None:
    sizes = ExportSizes(shown_rows=12, all_rows=1_204_331, visible_columns=8, all_columns=13, groups=True)
    async with show(dialog(tmp_path, sizes)) as pilot:
        assert pilot.app.text_of("#status") == "Writes 12 groups with all measures."
        assert pilot.app.screen.query_one("#columns", OneOf).disabled
        await pilot.press("down")
        assert not pilot.app.screen.query_one("#columns", OneOf).disabled


async def test_groups_of_a_rollup_are_not_called_events(show, tmp_path) -> None:
    async with show(dialog(tmp_path, ExportSizes(3, 5, 8, 13, what="groups"))) as pilot:
        assert pilot.app.text_of("#status") == "Writes 3 groups, 8 columns."


async def test_a_warning_stands_beside_the_number(show, tmp_path) -> None:
    async with show(dialog(tmp_path, note="one window is [missing]")) as pilot:
        assert pilot.app.text_of("#status").endswith("⚠ one window is [missing]")


async def test_choices_by_mouse(show, size, tmp_path) -> None:
    async with show(dialog(tmp_path), size) as pilot:
        await pilot.click("#scope", offset=(3, 1))
        await pilot.click("#format", offset=(10, 0))
        await pilot.pause()
        assert pilot.app.screen.query_one("#scope", OneOf).value == "range"
        assert pilot.app.screen.query_one("#format", OneOf).value == "parquet"
        await pilot.click("#export")
        await settled(pilot)
        assert pilot.app.answer.format == "parquet"


async def test_esc_leaves_everything(show, tmp_path) -> None:
    async with show(dialog(tmp_path)) as pilot:
        await pilot.press("escape")
        assert pilot.app.answer is None


@pytest.mark.parametrize(("keys", "answer"), [("y", True), ("n", False), ("enter", False), ("escape", None)])
async def test_the_question(show, keys: str, answer: bool | None) -> None:
    async with show(ConfirmScreen("[b]x\x1b.csv is there already. Replace it?")) as pilot:
        assert pilot.app.text_of("#question") == "[b]x␛.csv is there already. Replace it?"
        await pilot.press(keys)
        assert pilot.app.answer is answer


async def test_the_question_by_arrows(show) -> None:
    async with show(ConfirmScreen("Replace?")) as pilot:
        await pilot.press("right", "enter")
        assert pilot.app.answer is True
