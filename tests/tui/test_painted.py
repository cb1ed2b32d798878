"""A widget that paints its own lines looks as Textual would have it, cell for cell."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import ClassVar

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui.widgets.painted import Painted


class Lines(Painted, Widget):
    """Three lines of its own; the second is shorter than the widget, the third longer."""

    PART = "lines"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--loud"}
    DEFAULT_CSS = """
    Lines { background: #223344; color: #eeddcc; width: 20; & > .lines--loud { color: $error; text-style: bold; } }
    Lines.padded { padding: 0 2 0 1; }
    Lines.bordered { border: round red; padding: 0 1; border-title-color: green; }
    Lines.tall { border-top: tall blue; border-left: tall $warning 50%; }
    Lines.roomy { border: round red; padding: 1; }
    Lines:disabled { background: #554433; }
    """

    word = "plain"

    def __init__(self, *, classes: str) -> None:
        super().__init__(classes=classes)
        self.painted: list[int] = []

    def render_line(self, y: int) -> Strip:
        self.painted.append(y)
        texts = [f"{self.word:20}", "界 short", "longer than there is room for"]
        return Strip([Segment(texts[y % 3], self.ground), Segment("!", self.part("loud"))])


KINDS = ("bare", "padded", "bordered", "tall", "roomy")


class Three(App[None]):
    def compose(self) -> ComposeResult:
        for classes in KINDS:
            (lines := Lines(classes=classes)).border_title = "title"
            yield lines


def cells(lines: list[Strip]) -> Iterator[tuple[str, Style | None]]:
    """Cells, one after the other. Nobody sees the colour of a blank, nor whether it is bold."""
    for line in lines:
        for text, style, _ in line:
            for letter in text:
                blank = letter == " " and style is not None
                yield letter, Style(bgcolor=style.bgcolor) if blank and style is not None else style
        yield "\n", None


@pytest.mark.parametrize("no_color", [False, True])
@pytest.mark.parametrize("classes", KINDS)
@pytest.mark.parametrize("crop", [None, Region(0, 1, 20, 3), Region(4, 0, 9, 2)])
async def test_it_is_the_same_cell_for_cell(
    classes: str, no_color: bool, crop: Region | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    async with Three().run_test(size=(40, 30)) as pilot:
        lines = pilot.app.query_one(f".{classes}", Lines)
        region = crop or lines.outer_size.region
        ours, theirs = lines.render_lines(region), Widget.render_lines(lines, region)
        assert list(cells(ours)) == list(cells(theirs))
        assert {cell_len(line.text) for line in ours} == {region.width}


async def test_lines_are_painted_when_they_changed() -> None:
    async with Three().run_test(size=(40, 30)) as pilot:
        lines = pilot.app.query_one(".padded", Lines)
        everything = lines.outer_size.region

        def painted() -> list[int]:
            lines.painted.clear()
            lines.render_lines(everything)
            return sorted(lines.painted)

        painted()
        assert painted() == []
        lines.refresh(Region(0, 1, 20, 2))
        assert painted() == [1, 2]
        lines.refresh()
        assert painted() == list(range(everything.height))
        lines.styles.width = 30
        await pilot.pause()
        assert {line.cell_length for line in lines.render_lines(lines.outer_size.region)} == {30}


async def test_another_style_is_seen() -> None:
    async with Three().run_test(size=(40, 30)) as pilot:
        lines = pilot.app.query_one(".bare", Lines)
        before = list(cells(lines.render_lines(lines.outer_size.region)))
        lines.disabled = True
        await pilot.pause()
        ours, theirs = (render(lines.outer_size.region) for render in (lines.render_lines, super(Painted, lines).render_lines))
        assert list(cells(ours)) == list(cells(theirs)) != before


async def test_lines_that_are_painted_anew_are_freed_without_a_collection() -> None:
    async with Three().run_test() as pilot:
        lines = pilot.app.query_one(".bare", Lines)
        lines.refresh()
        await pilot.pause(0.1)
        gc.collect()
        gc.disable()
        try:
            before = sum(isinstance(thing, Strip) for thing in gc.get_objects())
            for _ in range(10):
                lines.refresh()
                await pilot.pause(0.05)
            assert sum(isinstance(thing, Strip) for thing in gc.get_objects()) <= before + 3
        finally:
            gc.enable()
