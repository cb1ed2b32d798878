"""The rollup: usage summed per bucket of time and combination of dimensions.

However many events there are, a billing table has few distinct (hour, usage type, model, bucket, user, accelerator)
combinations. Totals, facets, series and groups are all answered from this table.

Integer sums are exact always: where the largest value times the number of rows could leave 64 bits, 128 bits are used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from fwbill_tui.usage.hours import hour_start_of
from fwbill_tui.usage.names import MEASURES, TOKEN_MEASURES
from fwbill_tui.usage.query import TimeRange

BUCKET = "bucket"
EVENTS = "events"
HOUR = 60
_HALF = 30
QUARTER = 15
_MINUTE = 1
"""Bucket lengths in minutes. Every zone's offset since 1972 is a whole number of quarter hours."""

SUMS = (EVENTS, *MEASURES)
_COUNTS = (EVENTS, *TOKEN_MEASURES)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_INT64 = 2**63 - 1


def roll_up(
    events: pl.DataFrame,
    columns: Sequence[str],
    minutes: int | None = HOUR,
    *,
    where: pl.Expr | None = None,
    largest: Mapping[str, int] | None = None,
) -> pl.DataFrame:
    """Sum usage events per bucket (none when `minutes` is None) and combination of label `columns`.

    `where` leaves events out before they are summed; `largest` is `largest_counts(events)` if that is known already.

    Result: `bucket` (Datetime us UTC, start of the bucket), the label columns as they were, `events` (Int64), the token
    measures (Int64, or Int128 where needed) and `accelerator_seconds` (Float64).
    """
    largest = largest_counts(events) if largest is None else largest
    some = events.lazy() if where is None else events.lazy().filter(where)
    return summed(some, columns, minutes, largest=largest, rows=events.height).collect()


def summed(
    events: pl.LazyFrame, columns: Sequence[str], minutes: int | None, *, largest: Mapping[str, int], rows: int
) -> pl.LazyFrame:
    """What `roll_up` computes, of at most `rows` events whose counts are at most the `largest`, not computed yet."""
    keys: list[str | pl.Expr] = [*columns]
    if minutes is not None:
        keys.insert(0, pl.col("start_time").dt.truncate(f"{minutes}m").alias(BUCKET))
    wide = _too_wide(largest, rows)
    # Polars sums 32 bits in 32 bits.
    tokens = [pl.col(name).cast(pl.Int128 if name in wide else pl.Int64).sum() for name in TOKEN_MEASURES]
    return events.group_by(keys).agg(pl.len().cast(pl.Int64).alias(EVENTS), *tokens, pl.col("accelerator_seconds").sum())


def merge(parts: Iterable[pl.DataFrame], columns: Sequence[str]) -> pl.DataFrame:
    """One rollup from the rollups of several batches."""
    together = pl.concat(list(parts), how="diagonal_relaxed")
    return regroup(together, [BUCKET, *columns])


def regroup(rollup: pl.DataFrame, keys: Sequence[str | pl.Expr]) -> pl.DataFrame:
    """Sum a rollup further, to fewer keys. No keys: one row, also of an empty rollup."""
    sums = _sums(_too_wide(largest_counts(rollup, _COUNTS), rollup.height))
    return rollup.group_by(keys).agg(sums) if keys else rollup.select(sums)


def largest_counts(frame: pl.DataFrame, names: Sequence[str] = TOKEN_MEASURES) -> dict[str, int]:
    """The largest magnitude of each token measure in a frame, or of other whole numbers."""
    limits = frame.select(*(pl.col(name).min().alias(f"-{name}") for name in names), *(pl.col(name).max() for name in names))
    found = limits.row(0, named=True)
    return {name: max(-(found[f"-{name}"] or 0), found[name] or 0) for name in names}


def _too_wide(largest: Mapping[str, int], rows: int) -> frozenset[str]:
    """The counts whose sum over so many rows might not fit 64 bits."""
    return frozenset(name for name, most in largest.items() if most * rows > _MOST_INT64)


def _sums(wide: Collection[str]) -> list[pl.Expr]:
    return [(pl.col(name).cast(pl.Int128) if name in wide else pl.col(name)).sum() for name in SUMS]


def total_tokens() -> pl.Expr:
    """Prompt and completion tokens of a rollup's rows together, as Int128: exact whatever the sums are."""
    return pl.col("prompt_tokens").cast(pl.Int128) + pl.col("completion_tokens").cast(pl.Int128)


def narrowed(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its Int128 columns as Int64 where all values fit."""
    narrow = []
    for name, dtype in frame.schema.items():
        if dtype == pl.Int128:
            cast = frame.get_column(name).cast(pl.Int64, strict=False)
            if cast.null_count() == frame.get_column(name).null_count():
                narrow.append(cast)
    return frame.with_columns(narrow)


def time_group(name: str, zone: str) -> pl.Expr:
    """The key of a time grouping: `day` and `month` as local dates (a month is its first day), `hour` as the instant in
    the zone at which the local hour begins (see `usage.hours`)."""
    local = pl.col(BUCKET).dt.convert_time_zone(zone)
    if name == "day":
        return local.dt.date().alias(name)
    if name == "month":
        return local.dt.date().dt.month_start().alias(name)
    return hour_start_of(local).alias(name)


def aligned(edges: TimeRange, minutes: int) -> bool:
    """Whether buckets of that length are not cut by the edges of a range."""
    step = timedelta(minutes=minutes)
    return all(edge is None or (edge - _EPOCH) % step == timedelta(0) for edge in (edges.start, edges.end))


def longest_bucket(hours: pl.Series, zone: str) -> int:
    """The longest bucket, in minutes, whose local days and hours are cut exactly; `hours` are the hours with events.

    Raises Polars' ComputeError for a zone it does not know.
    """
    minutes = hours.unique().dt.convert_time_zone(zone).dt.minute()
    return next((length for length in (HOUR, _HALF, QUARTER) if (minutes % length == 0).all()), _MINUTE)
