"""Building a Ledger from batches, and snapshots of it while more are coming."""

from __future__ import annotations

import polars as pl

from fwbill_tui.usage import rollup
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.schema import COLUMNS, DIMENSION_COLUMNS, Batch, EventTypes, Reject

_MOST_LABELS = 1000
"""A further column with more different values than this in one batch is free text: shown, searched, exported, no facet."""
_MOST_ROLLED = 60
"""A further column with more labels than this is grouped from the events when asked, to keep the rollup small."""
_MOST_REJECTS = 10_000
"""Rejected rows kept with their text; beyond that they are only counted."""


class LedgerBuilder:
    """Collects batches of one load. Every batch is rolled up as it comes, so `build()` costs little however many there were."""

    def __init__(self, types: EventTypes) -> None:
        self._types = types
        self._frames: list[pl.DataFrame] = []
        self._rollups: list[pl.DataFrame] = []
        self._rejects: list[Reject] = []
        self._dictionary: dict[str, bool] = {}
        self._rolled = list(DIMENSION_COLUMNS.values())
        self.rejected = 0
        self.events = 0

    def add(self, batch: Batch) -> None:
        """Take a batch in. Its further columns become dictionaries, or stay free text, as their first batch suggests."""
        self.rejected += len(batch.rejects)
        self._rejects += batch.rejects[: max(0, _MOST_REJECTS - len(self._rejects))]
        if batch.events.is_empty() and self._frames:
            return
        frame = self._with_dictionaries(batch.events)
        self._frames.append(frame)
        self._rollups.append(rollup.roll_up(frame, [column for column in self._rolled if column in frame.columns]))
        self.events += frame.height

    def build(self) -> Ledger:
        """The ledger of everything added so far; the builder may go on."""
        empty = self._types.frame_schema().to_frame()
        events = pl.concat(self._frames or [empty], how="diagonal", rechunk=False)
        rollups = self._rollups or [rollup.roll_up(empty, self._rolled)]
        self._rollups = [rollup.merge(rollups, self._rolled)] if len(rollups) > 1 else rollups
        hourly = self._rollups[0]
        for column in self._rolled:
            if column not in hourly.columns:
                hourly = hourly.with_columns(pl.lit(None, dtype=self._types.label(column)).alias(column))
        return Ledger(events, hourly, rolled=self._rolled, rejects=self._rejects, rejected=self.rejected)

    def _with_dictionaries(self, frame: pl.DataFrame) -> pl.DataFrame:
        for column in frame.columns:
            if column in COLUMNS:
                continue
            if column not in self._dictionary:
                self._decide(column, frame.get_column(column))
            if self._dictionary[column]:
                frame = frame.with_columns(pl.col(column).cast(self._types.label(column)))
        return frame

    def _decide(self, column: str, values: pl.Series) -> None:
        different = values.n_unique()
        self._dictionary[column] = different <= _MOST_LABELS
        if different <= _MOST_ROLLED:
            self._rolled.append(column)
            if self._rollups:  # earlier batches did not have it
                self._rollups = [rollup.merge(self._rollups, [name for name in self._rolled if name != column])]
