"""The rollup: usage summed per bucket of time and combination of dimensions.

However many events there are, a billing table has few distinct (hour, usage type, model, bucket, user, accelerator)
combinations. Totals, facets, series and groups are all answered from this table; integer sums stay exact. The
estimated cost of a group will be computed here too: every row has one bucket, model, usage type and accelerator, which
is what a price depends on, and exact sums to multiply it with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import MEASURES

BUCKET = "bucket"
EVENTS = "events"
HOUR = 60
QUARTER = 15
"""Bucket lengths in minutes. Every zone's offset since 1972 is a whole number of quarter hours."""

SUMS = (EVENTS, *MEASURES)


def roll_up(events: pl.DataFrame | pl.LazyFrame, columns: Sequence[str], minutes: int = HOUR) -> pl.DataFrame:
    """Sum usage events per bucket and combination of label `columns`.

    Result: `bucket` (Datetime us UTC, start of the bucket), the label columns as they were, `events` (Int64), the token
    measures (Int64, exact) and `accelerator_seconds` (Float64).
    """
    bucket = pl.col("start_time").dt.truncate(f"{minutes}m").alias(BUCKET)
    sums = [pl.col(measure).sum() for measure in MEASURES]
    return events.lazy().group_by(bucket, *columns).agg(pl.len().cast(pl.Int64).alias(EVENTS), *sums).collect()


def merge(parts: Iterable[pl.DataFrame], columns: Sequence[str]) -> pl.DataFrame:
    """One rollup from the rollups of several batches."""
    together = pl.concat(list(parts), how="diagonal")
    return regroup(together, [BUCKET, *columns])


def regroup(rollup: pl.DataFrame, keys: Sequence[str] | Sequence[str | pl.Expr]) -> pl.DataFrame:
    """Sum a rollup further, to fewer keys. No keys: one row, also of an empty rollup."""
    sums = [pl.col(name).sum() for name in SUMS]
    return rollup.group_by(*keys).agg(sums) if keys else rollup.select(sums)


def local_time(zone: str) -> pl.Expr:
    """The bucket's start on the clock of a zone."""
    return pl.col(BUCKET).dt.convert_time_zone(zone)


def time_group(name: str, zone: str) -> pl.Expr:
    """The key of a time grouping: `day` and `month` as local dates (a month is its first day), `hour` as the instant
    in the zone at which the local hour begins, so that the two like-named hours of an autumn night stay two."""
    local = local_time(zone)
    if name == "day":
        return local.dt.date().alias(name)
    if name == "month":
        return local.dt.date().dt.month_start().alias(name)
    return (local - pl.duration(minutes=local.dt.minute())).alias(name)


def bucket_minutes(zone: str, span: TimeRange, edges: TimeRange) -> int | None:
    """The longest bucket that lets days of `zone` and the `edges` of a range be cut exactly; None when no bucket does."""
    fits = [minutes for minutes in (HOUR, QUARTER) if _aligned(edges, minutes) and _zone_aligned(zone, span, minutes)]
    return fits[0] if fits else None


def _aligned(edges: TimeRange, minutes: int) -> bool:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return all(edge is None or (edge - epoch) % timedelta(minutes=minutes) == timedelta(0) for edge in (edges.start, edges.end))


def _zone_aligned(zone: str, span: TimeRange, minutes: int) -> bool:
    if zone == "UTC" or span.start is None or span.end is None:
        return True
    clock, step = ZoneInfo(zone), timedelta(minutes=minutes)
    moment, last = span.start, span.end + timedelta(days=1)
    while moment <= last:
        offset = moment.astimezone(clock).utcoffset()
        if offset is not None and offset % step:
            return False
        moment += timedelta(days=1)
    return True
