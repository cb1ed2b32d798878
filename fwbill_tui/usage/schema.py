"""The columns of a usage event: names, types, units, and which of them are dimensions or measures.

The names are those of Fireworks' own export (`firectl billing export-metrics`, and the older header without the
cached split). Inside fwbill a frame of usage events always has all thirteen columns, in `COLUMNS` order and with the
types of one `EventTypes`, followed by any further columns of the file as text.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

TIME_COLUMNS = ("start_time", "end_time")
COUNT_COLUMNS = ("parameter_count", "prompt_tokens", "completion_tokens", "cached_prompt_tokens", "uncached_prompt_tokens")
COLUMNS_OLD = (
    "email", "start_time", "end_time", "usage_type", "accelerator_type", "accelerator_seconds", "base_model_name",
    "model_bucket", "parameter_count", "prompt_tokens", "completion_tokens",
)  # fmt: skip
COLUMNS = (*COLUMNS_OLD, "cached_prompt_tokens", "uncached_prompt_tokens")
REQUIRED_COLUMNS = ("start_time", "usage_type")

DIMENSION_COLUMNS: Mapping[str, str] = {
    "usage_type": "usage_type",
    "model": "base_model_name",
    "bucket": "model_bucket",
    "user": "email",
    "accelerator": "accelerator_type",
}
"""Dimension name (as flags, facets and JSON spell it) -> column. Any further text column is its own dimension."""

COLUMN_DIMENSIONS: Mapping[str, str] = {column: name for name, column in DIMENSION_COLUMNS.items()}

TOKEN_MEASURES = ("prompt_tokens", "cached_prompt_tokens", "uncached_prompt_tokens", "completion_tokens")
"""Summed exactly, as 64-bit integers. Unit: tokens. prompt = cached + uncached."""

MEASURES = (*TOKEN_MEASURES, "accelerator_seconds")
"""What the rollup sums beside the number of events; the rated or list cost of a group will be computed from these."""

TIME_GROUPS = ("hour", "day", "month")
"""Groupings that are cut from `start_time` in the query's time zone."""


def column_of(dimension: str) -> str:
    """The column behind a dimension; a further text column is its own dimension."""
    return DIMENSION_COLUMNS.get(dimension, dimension)


def dimension_of(column: str) -> str:
    """The dimension a column shows; a further text column is its own dimension."""
    return COLUMN_DIMENSIONS.get(column, column)


@dataclass(frozen=True, slots=True)
class EventTypes:
    """The types of one load. Labels are dictionary codes that every batch of the load shares.

    A set of categories belongs to one load, so that labels of files closed long ago do not pile up. Codes are 16 bits
    wide (ten million events then take some 0.4 of their size as strings); `wide=True` takes 32 bits, for a load in
    which a column has more than 65,000 different labels (Polars then raises `ComputeError` on the narrow type).
    """

    wide: bool = False
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


@dataclass(frozen=True, slots=True)
class Reject:
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


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of a load: events typed by one `EventTypes` (a single chunk in memory), and what was set aside."""

    events: pl.DataFrame
    rejects: tuple[Reject, ...] = ()
    bytes_read: int = 0


class ExportFormatError(Exception):
    """A file is not a usage export at all; the message names the file, what was expected and what was found."""
