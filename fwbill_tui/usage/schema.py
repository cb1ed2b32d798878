"""The types of a usage event's columns, and what reading them gives: batches, and rows that were set aside.

Inside fwbill a frame of usage events always has all thirteen columns, in `COLUMNS` order and with the
types of one `EventTypes`, followed by any further columns of the file as text. (A ledger holds token counts in 32 bits as
long as all of them fit; ten million events then take some 0.37 of their size with labels as strings.)
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import polars as pl

from fwbill_tui.usage.names import COLUMN_DIMENSIONS, COLUMNS, COUNT_COLUMNS, TIME_COLUMNS


@dataclass(frozen=True, slots=True)
class EventTypes:
    """The types of one load. Labels are dictionary codes that every batch of the load shares.

    A set of categories belongs to one load, so that labels of files closed long ago do not pile up. Codes are 16 bits
    wide; `wide=True` takes 32 bits, for a load in which a column has more than 65,000 different labels (Polars then raises
    `ComputeError` on the narrow type).

    `summed` says that sums are all that is wanted: a reader may hand on `Sums` in place of events. `unread` are label columns
    that the load is not about: they need not be filled, where reading is faster without. What makes a row unreadable stays
    the same.
    """

    wide: bool = False
    summed: bool = False
    unread: frozenset[str] = frozenset()
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    def label(self, column: str) -> pl.Categorical:
        """The dictionary type of a label column; a user's e-mail is 32 bits wide always."""
        physical = pl.UInt32 if self.wide or column not in COLUMN_DIMENSIONS or column == "email" else pl.UInt16
        return pl.Categorical(pl.Categories(f"{column}.{self.key}", namespace="fwbill", physical=physical))

    def of(self, column: str) -> pl.DataType:
        """The type of a column as it stands in the frame; further columns are text."""
        if column in TIME_COLUMNS:
            return pl.Datetime("us", "UTC")
        if column in COUNT_COLUMNS:
            return pl.Int64()
        if column == "accelerator_seconds":
            return pl.Float64()
        return self.label(column) if column in COLUMN_DIMENSIONS else pl.String()

    def frame_schema(self, further: Iterable[str] = ()) -> pl.Schema:
        """The schema of a batch: the thirteen columns in Fireworks' order, then `further` as text."""
        return pl.Schema({column: self.of(column) for column in (*COLUMNS, *further)})


class Reject(NamedTuple):
    """A row that could not be read, set aside whole.

    `line` counts from 1 with the header, as an editor does (a Parquet row counts from 1); 0 means the whole file.
    `column` is None when the row as a whole is wrong (number of fields, bytes that are not UTF-8). `text` is the row as it
    stood, with undecodable bytes escaped, cut at 2,000 characters.
    """

    source: str
    line: int
    column: str | None
    reason: str
    text: str

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.column}: {self.reason}" if self.column else f"{where}: {self.reason}"


MOST_SUMMED = 1 << 32
"""The rest of a prompt of 32 bits when a correction of 32 bits was cached."""


class Sums(NamedTuple):
    """Events that were summed while they were read: their hourly `rollup`, over the label columns that the load is about.

    No count of tokens is beyond `MOST_SUMMED`. `span` is the start of the first event and of the last one.
    """

    rollup: pl.DataFrame
    events: int
    span: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of a load: events typed by one `EventTypes` (a single chunk in memory), and what was set aside.

    `sums` stand for further events, in loads that want no others. With `by_day` each row is no event but the usage of a
    local day, of one combination of dimensions, and starts with the day.
    """

    events: pl.DataFrame
    rejects: tuple[Reject, ...] = ()
    bytes_read: int = 0
    sums: tuple[Sums, ...] = ()
    by_day: bool = False

    @property
    def event_count(self) -> int:
        """How many events this is about."""
        return self.events.height + sum(part.events for part in self.sums)
