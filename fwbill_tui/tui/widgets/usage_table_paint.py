"""Lines of the usage table as strips of styled text: few segments, no measuring beyond the cells themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui.cells import NUMBERS, fit
from fwbill_tui.tui.widgets.usage_table_layout import PADDING, ColumnSpec, Layout

COMPONENTS = tuple(
    f"usage-table--{part}" for part in ("header", "sorted", "even-row", "odd-row", "frozen", "cursor", "cursor-row", "empty")
)

MARK = "▸"
"""Stands before the row under the cursor, so that it is not told by colour alone."""

EDGE = "│"
"""Ends the frozen columns while others are hidden behind them."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The styles of a table's parts, in the theme and focus of the moment."""

    header: Style
    sorted: Style
    even: Style
    odd: Style
    even_frozen: Style
    odd_frozen: Style
    cursor: Style
    cursor_row: Style
    empty: Style

    @classmethod
    def of(cls, table: Widget) -> Self:
        """Ask a widget with the component classes `COMPONENTS` for its styles."""
        parts = {name.removeprefix("usage-table--"): table.get_component_rich_style(name) for name in COMPONENTS}
        frozen = table.get_component_rich_style("usage-table--frozen", partial=True)
        return cls(
            header=parts["header"],
            sorted=parts["sorted"],
            even=parts["even-row"],
            odd=parts["odd-row"],
            even_frozen=parts["even-row"] + frozen,
            odd_frozen=parts["odd-row"] + frozen,
            cursor=parts["cursor"],
            cursor_row=parts["cursor-row"],
            empty=parts["empty"],
        )

    def row(self, chosen: Sequence[bool], frozen: int, *, odd: bool, cursor: bool, in_cells: bool) -> tuple[Style, list[Style]]:
        """The style of a row and those of its cells. `chosen` tells which cell the cell cursor is on."""
        if cursor and in_cells:
            return self.cursor_row, [self.cursor if here else self.cursor_row for here in chosen]
        if cursor:
            return self.cursor, [self.cursor] * len(chosen)
        base, aside = (self.odd, self.odd_frozen) if odd else (self.even, self.even_frozen)
        return base, [aside if index < frozen else base for index in range(len(chosen))]


def paint_text(text: str, style: Style, room: int) -> Strip:
    """A line of text across all columns."""
    return Strip([Segment(fit(" " * PADDING + text, room), style)], room)


def paint_cells(
    columns: Sequence[ColumnSpec],
    cells: Sequence[str],
    layout: Layout,
    styles: Sequence[Style],
    base: Style,
    room: int,
    scroll_x: int,
    *,
    mark: bool = False,
) -> Strip:
    """A line of cells, `room` wide, its unfrozen part scrolled sideways by `scroll_x`; `base` fills the rest."""
    blank = " " * PADDING
    texts = [
        blank + fit(cell, cells_wide, right=column.kind in NUMBERS) + blank
        for column, cell, cells_wide in zip(columns, cells, layout.widths, strict=True)
    ]
    if mark and texts:
        texts[0] = MARK + texts[0][len(MARK) :]
    segments = _segments(texts[: layout.frozen], styles)
    scrolled = _segments(texts[layout.frozen :], styles[layout.frozen :])
    if scroll_x:
        if layout.frozen:
            last, style, _ = segments[-1]
            segments[-1] = Segment(last[: -len(EDGE)] + EDGE, style)
        scrolled = list(Strip(scrolled, layout.total - layout.edge).crop(scroll_x))
    filled = layout.total - scroll_x
    if filled < room:
        scrolled.append(Segment(" " * (room - filled), base))
    line = Strip(segments + scrolled, max(filled, room))
    return line.crop(0, room) if filled > room else line


def _segments(texts: Sequence[str], styles: Sequence[Style]) -> list[Segment]:
    """One segment for each run of the same style."""
    segments: list[Segment] = []
    run: list[str] = []
    for index, text in enumerate(texts):
        run.append(text)
        if index + 1 == len(texts) or styles[index + 1] is not styles[index]:
            segments.append(Segment("".join(run), styles[index]))
            run = []
    return segments
