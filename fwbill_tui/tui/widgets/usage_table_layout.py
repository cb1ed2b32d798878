"""Where the columns of the usage table stand: what each needs, what the screen has, what is cut and what scrolls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fwbill_tui.tui.cells import Kind, width
from fwbill_tui.usage.query import SortKey

ELASTIC = frozenset[Kind](("usage_type", "path", "label", "text"))
"""Kinds that may be cut; numbers and times are always shown whole."""

PADDING = 1
"""Blank cells on each side of a cell's text."""


class ColumnSpec(NamedTuple):
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


_LEAST_SHOWN = 8
"""Cells of a text at the right edge below which there is no use in showing a part of it."""


class Slot(NamedTuple):
    """A column in sight: its number, the cells its text has, and whether that is all it wants."""

    column: int
    width: int
    whole: bool


class Layout(NamedTuple):
    """Columns side by side in a line that may be longer than the screen. Widths are of texts, without their padding."""

    widths: tuple[int, ...] = ()
    frozen: int = 0
    """How many leading columns stay when the rest scrolls."""
    uncut: frozenset[int] = frozenset()
    """Columns of numbers and times, which a part of says nothing."""

    def start(self, column: int) -> int:
        """Cells before a column in the whole line."""
        return sum(self.widths[:column]) + 2 * PADDING * column

    @property
    def total(self) -> int:
        """Cells of the whole line."""
        return self.start(len(self.widths))

    def slots(self, scroll_x: int, room: int) -> tuple[Slot, ...]:
        """The columns in sight, from left to right, in a line of `room` cells.

        Behind the frozen columns stands the first column that starts at `scroll_x` or after it: columns leave at the
        left one by one, as half a number would read as another number.
        """
        edge, first = self.start(self.frozen), self.frozen
        while first < len(self.widths) - 1 and self.start(first) - edge < scroll_x:
            first += 1
        slots: list[Slot] = []
        for index in (*range(self.frozen), *range(first, len(self.widths))):
            wanted = self.widths[index]
            width_here = min(wanted, room - 2 * PADDING)
            least = wanted if index in self.uncut else min(wanted, _LEAST_SHOWN)
            if width_here <= 0 or (len(slots) > self.frozen and width_here < least):
                break
            slots.append(Slot(index, width_here, width_here == wanted))
            room -= width_here + 2 * PADDING
        return tuple(slots)

    def scroll_to(self, column: int, scroll_x: int, room: int) -> int:
        """The sideways scroll nearest to `scroll_x` at which a column is in sight, in a line of `room` cells."""
        if column < self.frozen:
            return scroll_x
        edge = self.start(self.frozen)
        return min(self.start(column) - edge, max(scroll_x, self.start(column + 1) - room))


def column_at(slots: Sequence[Slot], x: int) -> int | None:
    """The index of the column that is drawn at cell `x`; None behind the last one."""
    for slot in slots:
        x -= slot.width + 2 * PADDING
        if x < 0:
            return slot.column
    return None


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
    frozen = 0
    while frozen < len(columns) and columns[frozen].frozen:
        frozen += 1
    layout = Layout(tuple(widths), frozen, frozenset(range(len(columns))).difference(elastic))
    # Frozen columns that leave no room for others would make those unreachable.
    return layout if layout.start(frozen) <= room // 2 else layout._replace(frozen=0)
