"""Screens are painted once for what happened at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import Compositor, ReflowResult
from textual.app import App, ComposeResult
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Label

import fwbill_tui.tui.screens
from fwbill_tui.tui.screens import painting
from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.confirm import ConfirmScreen
from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.screens.help import HelpScreen
from fwbill_tui.tui.screens.painting import PaintedOnce
from fwbill_tui.tui.screens.palette import Palette


@pytest.fixture
def paints(monkeypatch: pytest.MonkeyPatch) -> list[Screen[Any]]:
    """The screens, in the order in which they are painted, as often as they are."""
    painted: list[Screen[Any]] = []
    update = Compositor.render_update

    def counted(compositor: Compositor, *arguments: Any, **options: Any) -> Any:
        rendered = update(compositor, *arguments, **options)
        if rendered is not None:
            painted.append(compositor.root)  # type: ignore[arg-type]
        return rendered

    monkeypatch.setattr(Compositor, "render_update", counted)
    return painted


class Two(PaintedOnce, Screen[None]):
    def compose(self) -> ComposeResult:
        yield Label("one", id="one")
        yield Label("two", id="two")


class Notes(Dialog[None]):
    CSS_PATH = str(Path(fwbill_tui.tui.screens.__file__).parent / "dialog.tcss")

    def compose_content(self) -> ComposeResult:
        for text in ("one", "two", "three"):
            yield Note(text)


async def test_a_dialog_is_painted_once_as_it_opens(paints: list[Screen[Any]]) -> None:
    async with App[None]().run_test(size=(60, 20)) as pilot:
        for dialog in (ConfirmScreen("Replace?"), HelpScreen(())):
            pilot.app.push_screen(dialog)
            await pilot.pause(0.1)
            assert paints.count(dialog) == 1


async def test_the_loop_goes_on_while_the_parts_of_a_dialog_are_painted(
    paints: list[Screen[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, painted = 0, dict[Widget, int]()
    render_lines = Note.render_lines

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def noted(note: Note, crop: Region) -> list[Strip]:
        painted.setdefault(note, turns)
        return render_lines(note, crop)

    monkeypatch.setattr(Note, "render_lines", noted)
    async with App[None]().run_test(size=(60, 20)) as pilot:
        counting = asyncio.create_task(count())
        pilot.app.push_screen(dialog := Notes())
        await pilot.pause(0.2)
        counting.cancel()
        assert len(set(painted.values())) == len(painted) == 3
        assert paints.count(dialog) == 1
        assert [strip.text.strip("│ ") for strip in dialog._compositor.render_strips()][7:10] == ["one", "two", "three"]


@pytest.mark.parametrize("kind", [ConfirmScreen, Palette])
async def test_what_is_closed_twice_closes_nothing_else(kind: type[Screen[Any]]) -> None:
    answers: list[object] = []
    async with App[None]().run_test(size=(60, 20)) as pilot:
        pilot.app.push_screen(below := Two())
        pilot.app.push_screen(dialog := ConfirmScreen("Replace?") if kind is ConfirmScreen else Palette(), answers.append)
        await pilot.pause(0.1)
        dialog.dismiss(None)
        dialog.dismiss(None)
        await pilot.pause(0.1)
        assert pilot.app.screen is below
        assert answers == [None]


async def test_a_dialog_that_is_left_before_it_is_painted_is_never_painted(
    paints: list[Screen[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    render_lines = Note.render_lines

    def leaving(note: Note, crop: Region) -> list[Strip]:
        if dialog.is_current:
            dialog.dismiss()
        return render_lines(note, crop)

    monkeypatch.setattr(Note, "render_lines", leaving)
    async with App[None]().run_test(size=(60, 20)) as pilot:
        below = pilot.app.screen
        pilot.app.push_screen(dialog := Notes())
        await pilot.pause(0.2)
        assert pilot.app.screen is below
        assert dialog not in paints


async def test_a_dialog_is_painted_when_it_is_on_top_again(paints: list[Screen[Any]]) -> None:
    async with App[None]().run_test(size=(60, 20)) as pilot:
        pilot.app.push_screen(dialog := Notes())
        pilot.app.push_screen(above := ConfirmScreen("Replace?"))
        await pilot.pause(0.2)
        assert above in paints
        paints.clear()
        above.dismiss(False)
        await pilot.pause(0.2)
        assert dialog in paints
        assert [strip.text.strip("│ ") for strip in dialog._compositor.render_strips()][7:10] == ["one", "two", "three"]


async def test_a_screen_is_not_laid_out_because_a_dialog_opens_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out: list[object] = []
    reflow = Compositor.reflow

    def counted(compositor: Compositor, parent: Widget, size: Size) -> ReflowResult:
        laid_out.append(parent)
        return reflow(compositor, parent, size)

    async with App[None]().run_test(size=(60, 20)) as pilot:
        pilot.app.push_screen(screen := Two())
        await pilot.pause(0.1)
        monkeypatch.setattr(Compositor, "reflow", counted)
        pilot.app.push_screen(dialog := ConfirmScreen("Replace?"))
        await pilot.pause(0.1)
        assert dialog in laid_out
        assert screen not in laid_out
        await pilot.resize_terminal(50, 18)
        await pilot.pause(0.1)
        assert screen in laid_out
        assert len(screen._compositor.render_strips()) == 18


async def test_parts_that_change_together_are_painted_together(paints: list[Screen[Any]]) -> None:
    async with App[None]().run_test(size=(60, 20)) as pilot:
        pilot.app.push_screen(screen := Two())
        await pilot.pause(0.1)
        paints.clear()
        for word in ("1", "2", "3"):
            for part in ("#one", "#two"):
                screen.query_one(part, Label).styles.color = f"#00{word * 4}"
            await pilot.pause(0.05)
        assert paints == [screen] * 3


async def test_what_comes_within_a_frame_is_painted_together(paints: list[Screen[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(painting, "monotonic", lambda: now)
    async with App[None]().run_test(size=(60, 20)) as pilot:
        pilot.app.push_screen(screen := Two())
        await pilot.pause(0.1)
        paints.clear()
        now += 1
        for count, color in ((1, "red"), (1, "green"), (1, "blue")):
            screen.query_one("#one", Label).styles.color = color
            screen.paint_soon()
            assert len(paints) == count
        await pilot.pause(0.05)
        assert paints == [screen] * 2
        now += 1
        screen.query_one("#two", Label).styles.color = "red"
        screen.paint_soon()
        assert paints == [screen] * 3


async def test_what_changes_later_is_painted_too(paints: list[Screen[Any]]) -> None:
    async with App[None]().run_test(size=(60, 20)) as pilot:
        pilot.app.push_screen(screen := Two())
        await pilot.pause(0.1)
        screen.query_one("#one", Label).update("another and longer")
        await pilot.pause(0.05)
        screen.query_one("#two", Label).visible = False
        await pilot.pause(0.05)
        lines = [strip.text.rstrip() for strip in screen._compositor.render_strips()]
        assert lines[:2] == ["another and longer", ""]
