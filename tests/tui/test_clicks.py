"""The mouse: a click marks what is under it, and is for the screen on which it began."""

from __future__ import annotations

from pathlib import Path

import pytest
from explorer_support import Explorer, explorer
from textual.events import MouseDown, MouseUp
from textual.geometry import Offset

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.tui.screens.date_range import DateRangeScreen
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.group_dialog import GroupDialog
from fwbill_tui.tui.screens.row_detail import RowDetailScreen
from fwbill_tui.tui.widgets.facets import FacetPanel
from fwbill_tui.tui.widgets.fields import ChoiceList
from fwbill_tui.tui.widgets.usage_table import HEADER, UsageTable

LINES = 48


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "usage.csv"
    write_csv(path, 1500)
    return path


def facet_lines(seen: Explorer) -> list[str]:
    panel = seen.part(FacetPanel)
    return [panel.render_line(y).text.rstrip() for y in range(panel.size.height)]


async def click_value(seen: Explorer, title: str, number: int) -> str:
    """Click the `number`th value below a facet's title; what its line said."""
    lines = facet_lines(seen)
    place = next(y for y, line in enumerate(lines) if line.removeprefix("▸ ").startswith(title)) + number
    await seen.pilot.click(FacetPanel, offset=(4, place))
    await seen.settle()
    return lines[place].split()[0]


async def press_button(seen: Explorer, place: Offset) -> None:
    """Press the mouse as a terminal tells it: the app makes single and double clicks of that."""
    for kind in (MouseDown, MouseUp):
        seen.app.post_message(kind(None, *place, 0, 0, 1, False, False, False, *place))
    await seen.pilot.pause()


async def test_a_clicked_value_is_chosen_and_has_the_marker(export: Path) -> None:
    async with explorer(export, (160, LINES)) as seen:
        await seen.press("u", "escape")  # a long facet is the current one, which the focus unfolds
        assert any("more" in line for line in facet_lines(seen))
        model = await click_value(seen, "Model", 2)
        ((dimension, (value,)),) = seen.query.only
        assert dimension == "model"
        assert value.endswith(f"/{model}")
        assert any(line.startswith("▸ Model") for line in facet_lines(seen))
        await seen.press("space")  # the same value again
        assert not seen.query.only
        user = await click_value(seen, "User", 3)
        ((dimension, (value,)),) = seen.query.only
        assert dimension == "user"
        assert value.startswith(user.rstrip("…"))


async def test_a_clicked_title_stays_in_sight(export: Path) -> None:
    async with explorer(export, (110, 26)) as seen:
        await seen.press("u", "escape")
        panel = seen.part(FacetPanel)
        model = next(y for y, line in enumerate(panel._lines) if line.value is None and line.dimension == "model")
        panel.scroll_to(y=model, animate=False)
        await seen.pilot.pause()
        assert facet_lines(seen)[0].removeprefix("▸ ").startswith("Model")
        await seen.pilot.click(FacetPanel, offset=(4, 0))
        await seen.settle()
        assert any(line.startswith("▸ Model") for line in facet_lines(seen))


async def test_clicks_mark_groupings_and_columns(export: Path) -> None:
    async with explorer(export, (100, 40)) as seen:
        await seen.pilot.press("g")
        await seen.pilot.pause()
        for line in (4, 1):  # below the edge
            await seen.pilot.click("#groups", offset=(3, line))
        assert isinstance(seen.app.screen, GroupDialog)
        await seen.press("enter")
        assert seen.query.group_by == ("user", "usage_type")
        await seen.press("escape", "x")
        seen.screen.group_by(())
        await seen.settle()
        shown = [column.name for column in seen.part(UsageTable).columns]
        await seen.pilot.press("c")
        await seen.pilot.pause()
        await seen.pilot.click("#columns", offset=(3, 2))
        await seen.press("enter")
        assert [column.name for column in seen.part(UsageTable).columns] == [shown[0], *shown[2:]]


async def test_the_second_click_of_two_does_not_go_through_a_dialog_that_the_first_one_closed(export: Path) -> None:
    async with explorer(export, (90, 30)) as seen:
        await seen.pilot.press("d")
        await seen.until(lambda: isinstance(seen.app.screen, DateRangeScreen))
        await seen.pilot.pause()
        presets = seen.app.screen.query_one(ChoiceList)
        option = Offset(3, 9)
        place = presets.region.offset + option
        await press_button(seen, place)
        await seen.until(lambda: isinstance(seen.app.screen, ExplorerScreen))
        await press_button(seen, place)
        await seen.settle()
        assert seen.part(UsageTable).region.shrink((HEADER, 0, 0, 0)).contains_point(place)
        assert seen.part(UsageTable).cursor == 0
        for _ in range(2):
            await press_button(seen, place + Offset(0, 1))
        await seen.until(lambda: isinstance(seen.app.screen, RowDetailScreen))
