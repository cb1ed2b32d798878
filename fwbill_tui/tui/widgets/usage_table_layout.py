"""Where the columns of the usage table stand: what each needs, what the screen has, what is cut and what scrolls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fwbill_tui.tui.cells import Kind, width
from fwbill_tui.usage.query import SortKey

ELASTIC = frozenset[Kind](("usage_type", "path", "label", "text"))
"""Kinds that may be cut; numbers and times are always shown whole."""

PADDING = 1
"""Blank cells on each side of a cell's text."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column on show: which column of the frame, under which title, and how wide in terminal cells.

    `width` is what the content needs if the caller knows it (the longest label, the largest count); otherwise the
    rows that come on screen are measured, and the column grows when they need it but never shrinks. Texts are cut at
    `maximum` when the screen has no room left and at `minimum` before columns leave the screen. Frozen columns come
    first and stay when the table scrolls sideways.
    """

    name: str
    title: str
    kind: Kind = "text"
    width: int = 0
    minimum: int = 12
    maximum: int = 32
    frozen: bool = False


def header_text(column: ColumnSpec, sort: Sequence[SortKey], time_zone: str) -> str:
    """Title, zone of a time (its city is enough) and sort badge: `start (UTC) ▼1`, without digit for a single key."""
    title = column.title
    if column.kind in {"time", "hour"}:
        title += f" ({time_zone.rpartition('/')[2].replace('_', ' ')})"
    for place, key in enumerate(sort, start=1):
        if key.column == column.name:
            return f"{title} {'▼' if key.descending else '▲'}{place if len(sort) > 1 else ''}"
    return title


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns side by side. `starts` are positions in the whole line; `widths` are of texts, without their padding."""

    starts: tuple[int, ...]
    widths: tuple[int, ...]
    frozen: int
    """How many leading columns stay when the rest scrolls."""
    total: int
    """Cells of the whole line."""

    @property
    def edge(self) -> int:
        """Cells taken by the frozen columns."""
        return self.starts[self.frozen] if self.frozen < len(self.starts) else self.total

    def column_at(self, x: int, scroll_x: int) -> int | None:
        """The column drawn at cell `x` of a line that is scrolled sideways by `scroll_x`."""
        place = x if x < self.edge else x + scroll_x
        for index in reversed(range(len(self.starts))):
            if place >= self.starts[index]:
                return index if place < self.total else None
        return None

    def scroll_to(self, column: int, scroll_x: int, room: int) -> int:
        """The sideways scroll nearest to `scroll_x` at which a column is in sight, in a line of `room` cells."""
        if column < self.frozen:
            return scroll_x
        start, size = self.starts[column] - self.edge, self.widths[column] + 2 * PADDING
        return min(start, max(scroll_x, start + size - (room - self.edge)))


NOTHING = Layout((), (), 0, 0)


def lay_out(columns: Sequence[ColumnSpec], titles: Sequence[str], needs: Sequence[int], room: int) -> Layout:
    """Give each column its width in a line of `room` cells; `needs` are the widths of the contents so far."""
    wanted = [max(width(title), need, column.width) for column, title, need in zip(columns, titles, needs, strict=True)]
    widths = list(wanted)
    elastic = [index for index, column in enumerate(columns) if column.kind in ELASTIC]
    for index in elastic:
        widths[index] = min(wanted[index], columns[index].maximum)
    spare = room - sum(widths) - 2 * PADDING * len(widths)
    for index in elastic:
        given = min(max(spare, 0), wanted[index] - widths[index])
        widths[index] += given
        spare -= given
    while spare < 0 and (cuttable := [index for index in elastic if widths[index] > columns[index].minimum]):
        widths[max(cuttable, key=widths.__getitem__)] -= 1
        spare += 1
    starts, total = [], 0
    for text_width in widths:
        starts.append(total)
        total += text_width + 2 * PADDING
    frozen = 0
    while frozen < len(columns) and columns[frozen].frozen:
        frozen += 1
    layout = Layout(tuple(starts), tuple(widths), frozen, total)
    if layout.edge > room // 2:  # nothing else would fit beside them
        return Layout(layout.starts, layout.widths, 0, total)
    return layout
