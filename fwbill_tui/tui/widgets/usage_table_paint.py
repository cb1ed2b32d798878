"""Lines of the usage table as strips of styled text: few segments, no measuring beyond the cells themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui.cells import ELLIPSIS, NUMBERS, fit
from fwbill_tui.tui.widgets.usage_table_layout import ELASTIC, PADDING, ColumnSpec, Slot

COMPONENTS = tuple(
    f"usage-table--{part}" for part in ("header", "sorted", "even-row", "odd-row", "cursor", "cursor-row", "empty")
)

MARK = "▸"
"""Stands before the row under the cursor, so that it is not told by colour alone."""

EDGE = "│"
"""Ends the frozen columns while others are hidden behind them."""

MORE = "›"
"""Ends the header while columns are hidden behind the last one."""


class Palette(NamedTuple):
    """The styles of a table's parts, in the theme and focus of the moment."""

    header: Style
    sorted: Style
    even: Style
    odd: Style
    cursor: Style
    cursor_row: Style
    empty: Style

    @classmethod
    def of(cls, table: Widget) -> Self:
        """Ask a widget with the component classes `COMPONENTS` for its styles."""
        return cls(*map(table.get_component_rich_style, COMPONENTS))


def paint_text(text: str, style: Style, room: int) -> Strip:
    """A line of text across all columns, `room` cells wide."""
    return Strip([Segment(fit(" " * PADDING + text, room), style)], room)


def with_more(line: Strip) -> Strip:
    """A line with a mark at its right end, where columns are hidden."""
    *segments, last = line
    return Strip([*segments, Segment(last.text[:-1] + MORE, last.style)], line.cell_length)


def paint_cells(
    cells: Sequence[str],
    columns: Sequence[ColumnSpec],
    slots: Sequence[Slot],
    frozen: int,
    room: int,
    base: Style,
    special: Mapping[int, Style],
    *,
    mark: bool = False,
) -> Strip:
    """A line of cells, `room` wide.

    Args:
        cells: The text of every column.
        columns: Every column.
        slots: The columns in sight.
        frozen: How many leading columns are frozen.
        room: The width of the line.
        base: The style of the line.
        special: Styles of single columns, by their index.
        mark: Whether this is the row under the cursor.
    """
    segments: list[Segment] = []
    run = ""
    for place, slot in enumerate(slots):
        column, cell = columns[slot.column], cells[slot.column]
        if not slot.whole and cell and column.kind not in ELASTIC:
            cell = ELLIPSIS
        behind = EDGE if place == frozen - 1 and slots[-1].column >= len(slots) else " "
        text = (MARK if mark and not place else " ") + fit(cell, slot.width, right=column.kind in NUMBERS) + behind
        style = special.get(slot.column)
        if style is None:
            run += text
        else:
            segments += (Segment(run, base), Segment(text, style)) if run else (Segment(text, style),)
            run = ""
        room -= slot.width + 2 * PADDING
    if run or room:
        segments.append(Segment(run + " " * room, base))
    return Strip(segments)
