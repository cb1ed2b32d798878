"""Usage over time as stacked columns, one per day or hour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui import cells
from fwbill_tui.tui.bars import EIGHTHS_UP, compact
from fwbill_tui.tui.widgets.facets import shown_values, title_of
from fwbill_tui.tui.widgets.painted import Painted
from fwbill_tui.usage.answers import Series
from fwbill_tui.usage.names import dimension_of
from fwbill_tui.usage.ranges import day_said

if TYPE_CHECKING:
    from fwbill_tui.archive.manifest import DayState

_AXIS = 7
_WIDEST_BAR = 6
_LEAST_WITH_LEGEND = 62
"""Cells of the whole below which columns get all of them."""
_NARROWEST_LEGEND, _NARROW_LEGEND, _WIDE_LEGEND = 19, 26, 40
_MEASURES = {
    "total_tokens": "tokens", "prompt_tokens": "prompt", "cached_prompt_tokens": "cached", "uncached_prompt_tokens": "uncached",
    "completion_tokens": "completion", "accelerator_seconds": "GPU h",
}  # fmt: skip
_HOUR = 3600
_TEXTURES = "█▓▒░▚▞▤"
"""Fill of each series where colours are off: nothing is told by hue alone."""


class UsageChart(Painted, Widget):
    """Stacked columns with a legend that gives each part's total, so that colours only repeat what is written.

    The columns use whole eighths of a cell for the top of a stack and whole cells within it. A click on a column asks for
    its day or hour alone.
    """

    PART = "chart"
    SERIES = 7
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--axis", "chart--legend", *(f"chart--series-{n}" for n in range(SERIES))}
    DEFAULT_CSS = """
    UsageChart {
        height: 6; width: 1fr; background: $background;
        & > .chart--axis { color: $text-muted; }
        & > .chart--legend { color: $foreground; }
        & > .chart--series-0 { color: $primary; }
        & > .chart--series-1 { color: $accent; }
        & > .chart--series-2 { color: $success; }
        & > .chart--series-3 { color: $secondary; }
        & > .chart--series-4 { color: $error; }
        & > .chart--series-5 { color: $warning; }
        & > .chart--series-6 { color: $text-muted; }
    }
    """

    class Picked(Message):
        """A column was clicked: the first and the last day (date) or hour (instant) that it stands for."""

        def __init__(self, first: date | datetime, last: date | datetime) -> None:
            super().__init__()
            self.first, self.last = first, last

    row_names: reactive[tuple[str, str]] = reactive(("event", "events"))
    """What one and several rows are called."""
    series: reactive[Series | None] = reactive[Series | None](None)
    day_states: reactive[Mapping[date, DayState]] = reactive(dict)
    """What is known of each UTC day; days that are missing or provisional are marked under their columns."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own parameter
        super().__init__(id=id)
        self._painted: tuple[object, list[Strip]] = (None, [])
        self._bars: list[tuple[int, int, date | datetime, date | datetime]] = []

    def render_line(self, y: int) -> Strip:
        key = (self.series, self.row_names, self.size, self.app.theme, self.app.no_color, id(self.day_states))
        if self._painted[0] != key:
            self._painted = (key, self._paint())
        lines = self._painted[1]
        return lines[y] if y < len(lines) else Strip.blank(self.size.width, self.ground)

    def on_click(self, event: events.Click) -> None:
        if event.chain > 1:
            return  # the columns are others by then
        for left, right, first, last in self._bars:
            if left <= event.x < right:
                self.post_message(self.Picked(first, last))

    def _style(self, index: int) -> Style:
        return self.part(f"series-{min(index, self.SERIES - 1)}")

    def _paint(self) -> list[Strip]:
        width, height = self.size
        self._bars = []
        if self.series is None or not self.series.starts or height < 3:
            return []
        legend_width = _legend_width(width, width - _AXIS - 1 - len(self.series.starts)) if width >= _LEAST_WITH_LEGEND else 0
        plot_width = width - legend_width - _AXIS - 1
        marks_height = 1 if any(state != "have" for state in self.day_states.values()) else 0
        plot = _Plot(self.series, plot_width, height - 1 - marks_height)
        left = _AXIS
        for index, (_, _, first, last) in enumerate(plot.columns):
            self._bars.append((left + index * plot.bar, left + (index + 1) * plot.bar, first, last))
        axis, legend = self.part("axis"), self._legend(legend_width, plot)
        styles, textured = [self._style(number) for number in range(len(self.series.names))], self.app.no_color
        lines = []
        for row in range(plot.height):
            mark = self._amount(plot.most) if row == 0 and plot.most else "0" if row == plot.height - 1 else ""
            label = Segment(cells.fit(mark, _AXIS - 1, right=True) + " ", axis)
            strip = Strip([label, *self._row(plot, row, styles, textured=textured)])
            lines.append(strip.adjust_cell_length(width - legend_width, self.ground))
        if marks_height:
            marks = Segment(" " * _AXIS + plot.marks(self.day_states), axis)
            lines.append(Strip([marks]).adjust_cell_length(width - legend_width, self.ground))
        feet = Segment(" " * _AXIS + plot.feet(self._foot(plot, legend=bool(legend_width))), axis)
        lines.append(Strip([feet]).adjust_cell_length(width - legend_width, self.ground))
        beside = [*legend, *[Strip([])] * height]
        joined = (Strip.join(pair) for pair in zip(lines, beside, strict=False))
        return [line.adjust_cell_length(width, self.ground) for line in joined]

    def _row(self, plot: _Plot, row: int, styles: Sequence[Style], *, textured: bool) -> list[Segment]:
        """One line of the plot; `row` 0 is the top. Neighbours of one style are one segment."""
        floor = (plot.height - 1 - row) * 8
        gap = " " if plot.bar > 2 else ""
        filled, blank = plot.bar - len(gap), " " * plot.bar
        segments: list[Segment] = []
        run, style, ground = "", self.ground, self.ground
        for stack, top, *_ in plot.columns:
            if top <= floor:
                run += blank
                continue
            glyph, own = _cell(stack, floor, min(8, top - floor), styles, textured=textured)
            if own is not style:
                if run:
                    segments.append(Segment(run, style))
                run, style = "", own
            run += glyph * filled
            if own.bgcolor != ground.bgcolor:
                segments.append(Segment(run, style))
                run, style = gap, ground
            else:
                run += gap
        return [*segments, Segment(run, style)]

    def _measured(self, plot: _Plot, *, short: bool = False) -> str:
        """What a column is: `tokens per 2 days`, or `tokens/2 d`."""
        if self.series is None:
            return ""
        measure, unit = self.series.measure, self.series.unit
        measured = self.row_names[1] if measure == "events" else _MEASURES.get(measure, measure)
        if short:
            return f"{measured}/" + (unit if plot.units == 1 else f"{plot.units:,} {unit[0]}")
        return f"{measured} per " + (unit if plot.units == 1 else f"{plot.units:,} {unit}s")

    def _foot(self, plot: _Plot, *, legend: bool) -> str:
        """What stands between the first and the last day: what must be known of the columns, else what they are."""
        if plot.below_zero:
            return "sums below 0 are not drawn"
        return "" if legend else self._measured(plot)

    def _amount(self, value: float) -> str:
        hours = self.series is not None and self.series.measure == "accelerator_seconds"
        return compact(value / _HOUR if hours else value)

    def _legend(self, width: int, plot: _Plot) -> list[Strip]:
        if not width or self.series is None:
            return []
        style, axis = self.part("legend"), self.part("axis")
        dimension = dimension_of(self.series.dimension)
        by = f" by {title_of(dimension).lower()}"
        head = self._measured(plot) + by
        if cell_len(head) > width:
            head = self._measured(plot, short=True) + by
        lines = [Strip([Segment(cells.fit(head, width), axis)], width)]
        labels = shown_values(dimension, [name for name in self.series.names if name is not None])
        for index, (name, values) in enumerate(zip(self.series.names, self.series.values, strict=True)):
            label = "other" if name is None else labels[name]
            total = self._amount(sum(values))
            mark = _TEXTURES[index % len(_TEXTURES)] if self.app.no_color else "■"
            text = cells.fit(label, width - len(total) - 4)
            lines.append(Strip([Segment(f"{mark} ", self._style(index)), Segment(text, style), Segment(f" {total} ", axis)]))
        room = self.size.height
        if len(lines) > room:
            more = cells.fit(f"  … {len(lines) - room + 1} more", width)
            lines = [*lines[: room - 1], Strip([Segment(more, axis)])]
        return [line.adjust_cell_length(width, self.ground) for line in lines]


def _legend_width(width: int, spare: int) -> int:
    """Cells of the legend. It is narrower than it likes to be where that leaves every day or hour a column of its own."""
    return spare if _NARROWEST_LEGEND <= spare < _NARROW_LEGEND else max(_NARROW_LEGEND, min(_WIDE_LEGEND, width // 3, spare))


def _cell(
    stack: Sequence[tuple[int, float]], floor: int, filled: int, styles: Sequence[Style], *, textured: bool
) -> tuple[str, Style]:
    """Glyph and colours of a cell whose lower `filled` eighths belong to the column.

    A cell can show two colours only where the column fills it: the lower part as a block, the upper as the ground.
    """
    within = [(number, edge) for number, edge in stack if edge > floor]
    if not within:
        return EIGHTHS_UP[filled], styles[0]
    index, edge = within[0]
    style = styles[index]
    if filled < 8:
        return EIGHTHS_UP[filled], style
    if textured:
        return _TEXTURES[index % len(_TEXTURES)], style
    part = round(edge - floor)
    if part >= 8 or len(within) == 1:
        return "█", style
    upper = styles[within[1][0]]
    return (EIGHTHS_UP[part], _below(style, upper)) if part else ("█", upper)


@lru_cache(maxsize=64)
def _below(lower: Style, upper: Style) -> Style:
    """A cell of two colours."""
    return lower + Style(bgcolor=upper.color)


class _Plot:
    """Columns in eighths of a cell: per column its stack [(series number, upper edge)], its top, its first and last day or hour.

    A column is the sum of several buckets where there are more of them than cells; it has `units` days or hours. Sums below
    zero, of corrections, are not drawn.
    """

    def __init__(self, series: Series, width: int, height: int) -> None:
        self.height = height
        starts, stacks = list(series.starts), list(zip(*series.values, strict=True)) if series.values else []
        stacks = stacks or [() for _ in starts]
        per_column = max(1, -(-len(starts) // max(1, width)))
        self.unit, self.units = series.unit, per_column * series.step
        summed = [list(map(sum, zip(*stacks[at : at + per_column], strict=True))) for at in range(0, len(starts), per_column)]
        self.below_zero = any(value < 0 for values in summed for value in values)
        merged = [[max(0.0, value) for value in values] for values in summed]
        self.bar = max(1, min(_WIDEST_BAR, width // max(1, len(merged))))
        self.most = max(map(sum, merged), default=0)
        firsts, lasts = starts[::per_column], [*starts[per_column - 1 :: per_column], *starts[-1:]]
        rest = timedelta(days=series.step - 1)
        self.columns = [
            # Nothing is not added: it would make the second of two equal hours the first.
            (*self._stack(values), first, last + rest if rest else last)
            for values, first, last in zip(merged, firsts, lasts, strict=False)
        ]

    def _stack(self, values: list[float]) -> tuple[list[tuple[int, float]], int]:
        if not self.most or math.isinf(self.most):
            return [], 0
        scale = self.height * 8 / self.most
        stack, edge = [], 0.0
        for number, value in enumerate(values):
            if value:
                edge += value * scale
                stack.append((number, edge))
        return stack, max(1, round(edge)) if edge else 0

    def marks(self, states: Mapping[date, DayState]) -> str:
        """`×` under a day that is missing, `~` under one that may still change; a column of several days has its worst."""
        text = ""
        for _, _, *edges in self.columns:
            first, last = (edge.date() if isinstance(edge, datetime) else edge for edge in edges)
            found = {states.get(first + timedelta(days=offset), "have") for offset in range((last - first).days + 1)}
            mark = "×" if "missing" in found else "~" if "provisional" in found else " "
            text += mark.ljust(self.bar)
        return text

    def feet(self, measured: str = "") -> str:
        """The first and last day or hour under the columns, and between them what is measured, as far as there is room."""
        if not self.columns:
            return ""
        begin, end = self.columns[0][2], self.columns[-1][3]
        first, last = (
            day_said(edge, with_year=begin.year != end.year) + ("" if self.unit == "day" else f" {edge:%H:%M}")
            for edge in (begin, end)
        )
        width = self.bar * len(self.columns)
        if len(first) + len(last) + 1 > width:
            return first
        between = width - len(first) - len(last)
        return first + (measured if len(measured) + 2 <= between else "").center(between) + last
