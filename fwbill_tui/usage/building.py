"""Building a Ledger from batches, and snapshots of it while more are coming."""

from __future__ import annotations

import polars as pl

from fwbill_tui.usage import rollup
from fwbill_tui.usage.day_sums import Told
from fwbill_tui.usage.groups import GROUP_MEASURES
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.names import COLUMNS, DIMENSION_COLUMNS, TIME_GROUPS, TOKEN_MEASURES
from fwbill_tui.usage.schema import Batch, EventTypes, Reject

_MOST_REJECTS = 10_000
"""Rejected rows kept with their text; beyond that they are only counted."""
_MOST_INT32 = 2**31 - 1
_ROLLED_AT_ONCE = 1 << 20
"""Events that are rolled up together: of fewer, the cores wait for each other."""
_OUR_WORDS = frozenset({*DIMENSION_COLUMNS, *TIME_GROUPS, *GROUP_MEASURES, rollup.BUCKET})
"""A further column of such a name can't be a dimension beside ours; it is free text."""


class LedgerBuilder:
    """Collects batches of one load. They are rolled up as they come, so `build()` costs little however many there were.

    A further column is a dimension, with a dictionary, as long as it has at most `most_labels` different values; beyond
    that it is free text: shown, searched, exported, without facet. With more than `most_rolled` it is not in the rollup,
    which stays small, and its facet and groups are computed from the events when asked for. Empty texts become null.
    """

    def __init__(
        self, types: EventTypes, *, most_labels: int = 1000, most_rolled: int = 60, rolled_at_once: int = _ROLLED_AT_ONCE
    ) -> None:
        self._types = types
        self._rolled_at_once = rolled_at_once
        self._most_labels, self._most_rolled = most_labels, most_rolled
        self._begun = False
        self._columns: set[str] = set()
        self._waiting: list[tuple[pl.DataFrame, Batch]] = []  # to be rolled up together
        self._frames: list[pl.DataFrame] = []
        self._rollups: list[pl.DataFrame] = []
        self._rejects: list[Reject] = []
        self._values: dict[str, pl.Series] = {}  # of further columns that are dimensions, their different values so far
        self._free_text: set[str] = set()
        self._rolled = [column for column in DIMENSION_COLUMNS.values() if column not in types.unread]
        self._largest = dict.fromkeys(TOKEN_MEASURES, 0)
        self._narrow = list(TOKEN_MEASURES)
        self.rejected = 0
        self.events = 0
        self.day_sums = 0
        self._told = Told()

    @property
    def types(self) -> EventTypes:
        """The types that batches must have."""
        return self._types

    def add(self, batch: Batch) -> None:
        """Take a batch in."""
        self.rejected += len(batch.rejects)
        self._rejects += batch.rejects[: max(0, _MOST_REJECTS - len(self._rejects))]
        if self._begun and batch.events.is_empty() and self._columns.issuperset(batch.events.columns):
            return
        self._begun = True
        self._columns.update(batch.events.columns)
        self._told.add(batch)
        frame = self._with_dictionaries(batch.events)
        self._waiting.append((frame, batch))
        self.events += frame.height
        self.day_sums += frame.height if batch.by_day else 0
        if sum(waiting.height for waiting, _ in self._waiting) >= self._rolled_at_once:
            self._roll_up()

    def _roll_up(self) -> None:
        """Sum the batches that wait for it, and keep their events."""
        if not self._waiting:
            return
        frames, batches = zip(*self._waiting, strict=True)
        self._waiting.clear()
        together = pl.concat(frames, how="diagonal", rechunk=False)
        rolled = [column for column in self._rolled if column in together.columns]
        largest = rollup.largest_counts(together)
        rollup_ = rollup.roll_up(together, rolled, largest=largest)
        if empty := [column for column in rolled if (rollup_.get_column(column).cast(pl.String) == "").any()]:
            frames = tuple(_without_empty_text(frame, [name for name in empty if name in frame.columns]) for frame in frames)
            rollup_ = rollup.roll_up(pl.concat(frames, how="diagonal", rechunk=False), rolled, largest=largest)
        self._largest = {name: max(most, largest[name]) for name, most in self._largest.items()}
        for frame, batch in zip(frames, batches, strict=True):
            self._keep(frame, batch)
        self._rollups.append(rollup_)

    def _keep(self, frame: pl.DataFrame, batch: Batch) -> None:
        """Hold on to the events of a batch, in their final form: token counts in 32 bits as long as all of them fit."""
        del batch
        if outgrown := [name for name in self._narrow if self._largest[name] > _MOST_INT32]:
            self._narrow = [name for name in self._narrow if name not in outgrown]
            self._frames = [kept.with_columns(pl.col(outgrown).cast(pl.Int64)) for kept in self._frames]
        # That they fit is known: to look again takes longer than the rest.
        self._frames.append(frame.with_columns(pl.col(self._narrow).cast(pl.Int32, wrap_numerical=True)))

    def build(self) -> Ledger:
        """The ledger of everything added so far; the builder may go on."""
        self._roll_up()
        empty = self._types.frame_schema().to_frame()
        events = pl.concat(self._frames or [empty], how="diagonal", rechunk=False)
        return Ledger(
            events, self._hourly(), rolled=self._rolled, rejects=self._rejects, rejected=self.rejected, largest=self._largest,
            day_sums=self.day_sums, untold=self._told.untold(),
        )  # fmt: skip

    def _hourly(self) -> pl.DataFrame:
        """The rollup of all batches; their own give way to it."""
        rollups = self._rollups or [rollup.roll_up(self._types.frame_schema().to_frame(), self._rolled)]
        self._rollups = [rollup.merge(rollups, self._rolled)] if len(rollups) > 1 else rollups
        return self._rollups[0]

    def _with_dictionaries(self, frame: pl.DataFrame) -> pl.DataFrame:
        further = [column for column in frame.columns if column not in COLUMNS]
        if not further:  # any query waits for Polars' threads, which are at the next batches
            return frame
        frame = _without_empty_text(frame, [column for column in further if (frame.get_column(column) == "").any()])
        for column in further:
            if column not in self._free_text:
                self._classify(column, frame.get_column(column))
        return frame.with_columns(
            frame.get_column(column).cast(self._types.label(column)) for column in further if column in self._values
        )

    def _classify(self, column: str, values: pl.Series) -> None:
        """Decide what a further column is, knowing these values of it too."""
        new = column not in self._values
        different = values.drop_nulls().unique()
        if not new:
            different = pl.concat([self._values[column], different]).unique()
        if len(different) > self._most_labels or column in _OUR_WORDS:
            self._roll_up()
            self._values.pop(column, None)
            self._free_text.add(column)
            self._frames = [
                frame.with_columns(pl.col(column).cast(pl.String)) if column in frame.columns else frame for frame in self._frames
            ]
            self._unroll(column)
            return
        self._values[column] = different
        if len(different) > self._most_rolled:
            self._unroll(column)
        elif new:
            self._rolled.append(column)

    def _unroll(self, column: str) -> None:
        if column in self._rolled:
            self._roll_up()
            self._rolled.remove(column)
            self._rollups = [
                rollup.regroup(part, [rollup.BUCKET, *(name for name in self._rolled if name in part.columns)])
                for part in self._rollups
            ]  # fmt: skip


def _without_empty_text(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """The frame with null for '' in these columns: a quoted nothing is an empty cell too."""
    texts = {column: frame.get_column(column).cast(pl.String) for column in columns}
    return frame.with_columns(
        text.set(text == "", None).cast(frame.schema[column]) for column, text in texts.items()
    )  # fmt: skip
