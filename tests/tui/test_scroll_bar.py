"""Our scroll bar is Textual's own, cell for cell, the mouse's handles included."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBarRender
from textual.strip import Strip

from fwbill_tui.tui.widgets.scroll_bar import SteadyBars, SteadyScrollBar, StripScrollBar


class View(ScrollView):
    DEFAULT_CSS = "View { overflow: scroll scroll; }"

    def render_line(self, y: int) -> Strip:
        return Strip.blank(self.size.width)


class SteadyView(SteadyBars, View):
    """With a bar that is painted anew only where it looks different."""


class Both(App[None]):
    def compose(self) -> ComposeResult:
        yield View()
        yield SteadyView()


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


def lines_of(view: ScrollView) -> list[Strip]:
    bar = view.vertical_scrollbar
    return [line.simplify() for line in bar.render_lines(Region(0, 0, *bar.size))]


async def test_the_steady_one_looks_the_same_wherever_it_stands() -> None:
    app = Both()
    async with app.run_test(size=(60, 40)) as pilot:
        view, steady = app.query(View)
        view.vertical_scrollbar.renderer = StripScrollBar
        assert isinstance(steady.vertical_scrollbar, SteadyScrollBar)
        for rows, at in ((40, 0), (40, 7), (1000, 7), (1000, 981), (30, 11), (5, 0), (10**7, 5_000_003), (10**7, 10**7)):
            for each in (view, steady):
                each.virtual_size = Size(60, rows)
            await pilot.pause()
            for each in (view, steady):
                each.scroll_to(y=at, animate=False)
            await pilot.pause()
            assert lines_of(steady) == lines_of(view)
            steady.vertical_scrollbar.mouse_over = True  # it has other colours then
            view.vertical_scrollbar.mouse_over = True
            await pilot.pause()
            assert lines_of(steady) == lines_of(view)
            for each in (view, steady):
                each.vertical_scrollbar.mouse_over = False
            await pilot.pause()
            assert lines_of(steady) == lines_of(view)
        app.theme = "textual-light"
        await pilot.pause()
        assert lines_of(steady) == lines_of(view)


async def test_it_is_painted_anew_only_where_it_looks_different() -> None:
    app = Both()
    async with app.run_test(size=(60, 40)) as pilot:
        steady = app.query_one(SteadyView)
        steady.virtual_size = Size(60, 1_000_000)
        await pilot.pause(0.1)
        bar = steady.vertical_scrollbar
        steady.scroll_to(y=1, animate=False)
        assert not bar._repaint_regions
        steady.scroll_to(y=20_000, animate=False)
        assert {region.y for region in bar._repaint_regions} == {0, 1}


async def test_it_has_the_colours_of_now_when_it_is_shown_again() -> None:
    app = Both()
    async with app.run_test(size=(60, 40)) as pilot:
        view, steady = app.query(View)
        view.vertical_scrollbar.renderer = StripScrollBar
        for each in (view, steady):
            each.virtual_size = Size(60, 1000)
        await pilot.pause()
        before = lines_of(steady)
        steady.styles.overflow_y = "hidden"
        await pilot.pause()
        app.theme = "textual-light"
        await pilot.pause()
        steady.styles.overflow_y = "scroll"
        await pilot.pause()
        assert lines_of(steady) == lines_of(view) != before


@pytest.mark.parametrize("at", [69, 70, 99, 150, 1000])
def test_it_is_as_wide_as_its_place_wherever_it_stands(at: int) -> None:
    (line,) = StripScrollBar(virtual_size=100, window_size=30, position=at, vertical=False).strips(30, 1, Style.null())
    assert cell_len(line.text) == line.cell_length == 30


async def test_it_follows_while_it_is_hidden() -> None:
    app = Both()
    async with app.run_test(size=(60, 40)) as pilot:
        steady = app.query_one(SteadyView)
        steady.virtual_size = Size(200, 1000)
        await pilot.pause()
        steady.scroll_to(x=50, y=500, animate=False)
        await pilot.pause()
        assert (steady.horizontal_scrollbar.position, steady.vertical_scrollbar.position) == (50, 500)
        steady.show_horizontal_scrollbar = steady.show_vertical_scrollbar = False
        steady.scroll_x = steady.scroll_y = 0
        assert (steady.horizontal_scrollbar.position, steady.vertical_scrollbar.position) == (0, 0)
