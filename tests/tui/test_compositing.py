"""Parts are asked only for what will be seen of them, and the screen looks as Textual puts it together."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from explorer_support import Explorer, explorer
from textual._compositor import Compositor
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.tui.compositing import FrontCompositor
from fwbill_tui.tui.widgets.usage_table import UsageTable


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "usage.csv"
    write_csv(path, 1000)
    return path


def pieces(chops: Any, cuts: list[list[int]], crop: Region, lines: set[int]) -> dict[tuple[int, int], object]:
    """What is seen within a crop, by line and column."""
    return {
        (y, x): piece and list(piece.simplify())
        for y in crop.line_range
        if y in lines
        for (x, piece), end in zip(chops[y].items(), cuts[y][1:], strict=True)
        if x < crop.right and end > crop.x
    }


def assert_as_textual_has_it(screen: Screen[Any], seed: int) -> None:
    ours = screen._compositor
    assert isinstance(ours, FrontCompositor)
    width, height = ours.size
    chance = random.Random(seed)
    crops = [ours.size.region]
    for _ in range(40):
        x, y = chance.randrange(width), chance.randrange(height)
        crops.append(Region(x, y, chance.randint(1, width - x), chance.randint(1, height - y)))
    for crop in crops:
        lines = {y for y in crop.line_range if chance.random() < 0.7}
        found = ours._render_chops(crop, lines.__contains__)
        expected = Compositor._render_chops(ours, crop, lines.__contains__)
        assert pieces(found, ours.cuts, crop, lines) == pieces(expected, ours.cuts, crop, lines)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_it_looks_as_textual_puts_it_together(export: Path, size: tuple[int, int]) -> None:
    async with explorer(export, size) as seen:
        for number, keys in enumerate((["down"], ["g", "m", "enter"], ["escape", "slash", "k"], ["m"], ["question_mark"])):
            await seen.pilot.press(*keys)
            await seen.pilot.pause(0.1)
            assert_as_textual_has_it(seen.app.screen, number)


async def lines_painted(seen: Explorer, key: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many lines each kind of part was asked for by a key."""
    asked = dict[str, int]()

    def counted(kind: type[Widget]) -> None:
        render_lines = kind.render_lines

        def count(part: Widget, crop: Region) -> list[Strip]:
            name = type(part).__name__
            asked[name] = asked.get(name, 0) + crop.height
            return render_lines(part, crop)

        patch.setattr(kind, "render_lines", count)

    with monkeypatch.context() as patch:
        for kind in {type(part) for part in (seen.screen, *seen.screen.query())}:
            counted(kind)
        await seen.pilot.press(key)
        await seen.pilot.pause(0.1)
    return asked


async def test_a_cursor_that_moves_paints_its_two_lines(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with explorer(export) as seen:
        await seen.pilot.press("down")
        await seen.pilot.pause(0.1)
        assert await lines_painted(seen, "down", monkeypatch) == {"UsageTable": 2}


async def test_a_table_that_scrolls_paints_nothing_that_it_covers(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with explorer(export) as seen:
        await seen.pilot.press("end")
        await seen.pilot.pause(0.1)
        painted = await lines_painted(seen, "pageup", monkeypatch)
        assert painted.keys() <= {"UsageTable", "SteadyScrollBar"}
        assert painted["UsageTable"] >= seen.part(UsageTable).visible_rows
