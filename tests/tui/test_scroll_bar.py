"""Our scroll bar is Textual's own, cell for cell, the mouse's handles included."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBarRender
from textual.strip import Strip

from fwbill_tui.tui.widgets.scroll_bar import StripScrollBar


class View(ScrollView):
    DEFAULT_CSS = "View { overflow: scroll scroll; }"

    def render_line(self, y: int) -> Strip:
        return Strip.blank(self.size.width)


class Scrolled(App[None]):
    def compose(self) -> ComposeResult:
        yield View()


async def bars(renderer: type[ScrollBarRender], rows: int, at: int, thickness: int) -> list[list[Strip]]:
    app = Scrolled()
    async with app.run_test(size=(60, 20)) as pilot:
        view = app.query_one(View)
        view.styles.scrollbar_size_vertical = thickness
        view.virtual_size = Size(130, rows)
        await pilot.pause()
        view.scroll_to(x=at % 130, y=at, animate=False)
        await pilot.pause()
        for bar in (view.vertical_scrollbar, view.horizontal_scrollbar):
            bar.renderer = renderer
            bar.refresh()
        return [
            [line.simplify() for line in bar.render_lines(Region(0, 0, *bar.size))]
            for bar in (view.vertical_scrollbar, view.horizontal_scrollbar)
        ]


@pytest.mark.parametrize(("rows", "at"), [(1, 0), (19, 0), (40, 7), (100, 81), (10_000_000, 5_000_003)])
@pytest.mark.parametrize("thickness", [1, 2])
async def test_it_is_the_same_cell_for_cell(rows: int, at: int, thickness: int) -> None:
    assert await bars(StripScrollBar, rows, at, thickness) == await bars(ScrollBarRender, rows, at, thickness)
