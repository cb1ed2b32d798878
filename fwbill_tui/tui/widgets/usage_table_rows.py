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

    `order` holds row positions of the frame; None shows them as they stand. It may hold fewer than `total` rows while
    the rest is still being computed.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        order: pl.Series | None,
        columns: Sequence[ColumnSpec],
        *,
        time_zone: str,
        total: int | None = None,
        needs: Sequence[int] = (),
    ) -> None:
        self.frame = frame
        self.order = order
        self.columns = tuple(columns)
        self.time_zone = time_zone
        self.there = frame.height if order is None else len(order)
        """Rows that can be shown."""
        self.total = max(self.there, total or 0)
        """Rows that there will be."""
        self.needs = list(needs) if len(needs) == len(self.columns) else [0] * len(self.columns)
        """The widest text of each column met so far, in terminal cells."""
        self._taken = frame.select([column.name for column in self.columns])
        self._blocks: dict[int, list[tuple[str, ...]]] = {}

    def completed(self, order: pl.Series | None) -> TableRows:
        """These rows in an order that goes on where theirs ends; the texts that were taken out are kept."""
        whole = TableRows(self.frame, order, self.columns, time_zone=self.time_zone, total=self.total, needs=self.needs)
        last = self.there // BLOCK  # the block that may be incomplete
        whole._blocks = {number: texts for number, texts in self._blocks.items() if number < last}
        return whole

    def row_of(self, position: int | None) -> int | None:
        """The frame's row shown at a position; None when there is none, or none yet."""
        if position is None or not 0 <= position < self.there:
            return None
        return position if self.order is None else int(self.order[position])

    def read(self, first: int, last: int) -> bool:
        """Have the texts of the rows `first <= position < last` ready; True when a column needs more room than before."""
        before = tuple(self.needs)
        for number in range(max(first, 0) // BLOCK, -(-min(last, self.there) // BLOCK)):
            if number not in self._blocks:
                while len(self._blocks) >= KEPT:
                    del self._blocks[next(iter(self._blocks))]
                self._blocks[number] = self._read_block(number)
        return tuple(self.needs) != before

    def texts(self, position: int) -> tuple[str, ...] | None:
        """The cell texts of a row, one for each column; None when the row is not there yet."""
        if position >= self.there:
            return None
        number, line = divmod(position, BLOCK)
        if number not in self._blocks:
            self.read(position, position + 1)
        return self._blocks[number][line]

    def _read_block(self, number: int) -> list[tuple[str, ...]]:
        start = number * BLOCK
        picked = slice(start, start + BLOCK) if self.order is None else self.order.slice(start, BLOCK)
        rows = self._taken[picked]
        shown: list[list[str]] = []
        for index, column in enumerate(self.columns):
            column_texts = texts(rows.get_column(column.name), column.kind, self.time_zone)
            self.needs[index] = max(self.needs[index], *map(width, column_texts))
            shown.append(column_texts)
        return list(zip(*shown, strict=True)) if shown else [()] * BLOCK


NO_ROWS = TableRows(pl.DataFrame(), None, (), time_zone="UTC")
