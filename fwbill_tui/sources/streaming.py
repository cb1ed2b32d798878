"""Loading without holding the events: every batch is rolled up, and its rows stay on disk, or nowhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import polars as pl

from fwbill_tui.files.stored import StoredRows
from fwbill_tui.usage.building import LedgerBuilder
from fwbill_tui.usage.lazy_ledger import LazyLedger
from fwbill_tui.usage.names import COLUMNS, REQUIRED_COLUMNS
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import MOST_SUMMED, Batch, EventTypes

_LOOSE_ROWS = 200_000
"""Rows that the rollups of single batches may have together before they are merged."""


class StreamingBuilder(LedgerBuilder):
    """Collects batches as a LedgerBuilder does, in bounded memory: what grows is the rollup alone."""

    def __init__(self, types: EventTypes, rows: StoredRows | None, **limits: int) -> None:
        """`rows` takes the events; with None they are kept nowhere, and only the rollup can be asked. `limits` are those
        of a LedgerBuilder."""
        super().__init__(types, rolled_at_once=0, **limits)
        self.rows = rows
        self._filled = dict.fromkeys(COLUMNS, 0)  # events that have a value, by column
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, batch: Batch) -> None:
        """Take a batch in."""
        super().add(batch)
        for sums in batch.sums:
            self._rollups.append(sums.rollup)
            self._largest = {name: max(most, MOST_SUMMED) for name, most in self._largest.items()}
            self._filled |= {column: self._filled[column] + sums.events for column in COLUMNS}  # as far as is known
            self._span_to(*sums.span)
            self.events += sums.events
        if sum(part.height for part in self._rollups[1:]) > max(_LOOSE_ROWS, self._rollups[0].height):
            self._hourly()

    def build(self) -> LazyLedger:
        """The ledger of everything added so far; the builder may go on."""
        schema = pl.Schema({column: self._type(column) for column in self._filled})
        last = self._last + timedelta(microseconds=1) if self._last is not None else None
        empty = (column for column, filled in self._filled.items() if not filled and column not in REQUIRED_COLUMNS)
        unrolled = (column for column in self._values if column not in self._rolled)
        return LazyLedger(
            schema,
            self._hourly(),
            self.rows.scan(schema) if self.rows is not None else None,
            rolled=self._rolled,
            labels={column: self._labels_of(column) for column in unrolled},
            span=TimeRange(self._first, last),
            empty=frozenset(empty),
            largest=self._largest,
            rejects=self._rejects,
            rejected=self.rejected,
            day_sums=self.day_sums,
            untold=self._told.untold(),
        )

    def _keep(self, frame: pl.DataFrame, batch: Batch) -> None:
        for column, nulls in frame.null_count().row(0, named=True).items():
            self._filled[column] = self._filled.get(column, 0) + frame.height - nulls
        if frame.is_empty():
            return
        starts = frame.get_column("start_time")
        self._span_to(cast(datetime, starts.min()).astimezone(UTC), cast(datetime, starts.max()).astimezone(UTC))
        if self.rows is not None:
            self.rows.add(frame, batch)

    def _span_to(self, first: datetime, last: datetime) -> None:
        self._first = first if self._first is None else min(self._first, first)
        self._last = last if self._last is None else max(self._last, last)

    def _type(self, column: str) -> pl.DataType:
        return self._types.label(column) if column in self._values else self._types.of(column)

    def _labels_of(self, column: str) -> pl.Series:
        """The values of a dictionary column as events have them, an empty cell among them if there is one."""
        values = self._values[column]
        if self._filled[column] < self.events:
            values = pl.concat([values, pl.Series(column, [None], dtype=pl.String)])
        return values.cast(self._types.label(column))
