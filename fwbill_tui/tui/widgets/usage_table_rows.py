"""The rows of the usage table as texts: only those that come on screen are ever taken out of the frame."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fwbill_tui.tui.cells import texts, width
from fwbill_tui.tui.widgets.usage_table_layout import ColumnSpec

BLOCK = 64
"""Rows taken out at once: a screen is one or two blocks, and scrolling by single lines mostly finds them there."""

KEPT = 16
"""Blocks kept; a thousand rows are more than any terminal is high."""


class TableRows:
    """A frame, the order in which its rows are shown, and the texts of the rows looked at lately.

    `order` holds row positions of the frame; None shows them as they stand. It may hold fewer than `total` rows, those from
    `begin` on, while the rest is still being computed.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        order: pl.Series | None,
        columns: Sequence[ColumnSpec],
        *,
        time_zone: str,
        begin: int = 0,
        total: int | None = None,
        needs: Sequence[int] = (),
    ) -> None:
        self.frame = frame
        self.order = order
        self.columns = tuple(columns)
        self.time_zone = time_zone
        self.begin = begin
        self.end = begin + (frame.height if order is None else len(order))
        """The rows from `begin` on and before `end` can be shown."""
        self.total = max(self.end, total or 0)
        """Rows that there will be."""
        self.needs = list(needs) if len(needs) == len(self.columns) else [0] * len(self.columns)
        """The widest text of each column met so far, in terminal cells."""
        # Column by column: what takes rows out of a frame waits for Polars' threads, which may be at a sort of all events.
        self._values = [frame.get_column(column.name) for column in self.columns]
        self._blocks: dict[int, list[tuple[str, ...]]] = {}

    def completed(self, order: pl.Series | None) -> TableRows:
        """These rows in an order that goes on where theirs ends; the texts that were taken out are kept."""
        whole = TableRows(self.frame, order, self.columns, time_zone=self.time_zone, total=self.total, needs=self.needs)
        known = range(-(-self.begin // BLOCK), self.end // BLOCK)  # those at the edges may be incomplete
        whole._blocks = {number: texts for number, texts in self._blocks.items() if number in known}
        return whole

    def row_of(self, position: int | None) -> int | None:
        """The frame's row shown at a position; None when there is none, or none yet."""
        if position is None or not self.begin <= position < self.end:
            return None
        return position if self.order is None else int(self.order[position - self.begin])

    def read(self, first: int, last: int) -> bool:
        """Have the texts of the rows `first <= position < last` ready; True when a column needs more room than before."""
        before = tuple(self.needs)
        for number in range(max(first, self.begin) // BLOCK, -(-min(last, self.end) // BLOCK)):
            if number not in self._blocks:
                while len(self._blocks) >= KEPT:
                    del self._blocks[next(iter(self._blocks))]
                self._blocks[number] = self._read_block(number)
        return tuple(self.needs) != before

    def texts(self, position: int) -> tuple[str, ...] | None:
        """The cell texts of a row, one for each column; None when the row is not there yet."""
        if not self.begin <= position < self.end:
            return None
        number = position // BLOCK
        if number not in self._blocks:
            self.read(position, position + 1)
        return self._blocks[number][position - self._first_of(number)]

    def _first_of(self, number: int) -> int:
        """The position of the first row of a block that can be shown."""
        return max(number * BLOCK, self.begin)

    def _read_block(self, number: int) -> list[tuple[str, ...]]:
        start, end = self._first_of(number), (number + 1) * BLOCK
        picked = slice(start, end) if self.order is None else self.order.slice(start - self.begin, end - start)
        shown: list[list[str]] = []
        for index, (column, values) in enumerate(zip(self.columns, self._values, strict=True)):
            column_texts = texts(values[picked], column.kind, self.time_zone)
            self.needs[index] = max(self.needs[index], *map(width, column_texts))
            shown.append(column_texts)
        return list(zip(*shown, strict=True)) if shown else [()] * BLOCK


NO_ROWS = TableRows(pl.DataFrame(), None, (), time_zone="UTC")
