"""A measure over time, cut into local days or hours without gaps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

import polars as pl

from fwbill_tui.usage.answers import Series
from fwbill_tui.usage.hours import hour_start, next_hour
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.rollup import EVENTS, total_tokens
from fwbill_tui.usage.zones import local_date

TWO_DAYS = timedelta(days=2)
_MOST_BUCKETS = 20_000
"""Ranges of more days (1970 to 2024) show their last ones."""


def unit_for(span: TimeRange) -> Literal["day", "hour"]:
    """Hours for up to two days (and an hour, for the night the clocks go back), days beyond."""
    if span.start is None or span.end is None:
        return "day"
    return "hour" if span.end - span.start <= TWO_DAYS + timedelta(hours=1) else "day"


def build(
    facts: pl.DataFrame, unit: Literal["day", "hour"], span: TimeRange, zone: str, column: str, measure: str, limit: int
) -> Series:  # fmt: skip
    """The series of `measure` by the labels of `column`; the `limit` largest by name, the rest as None.

    `facts` has the time key named `unit`, `column`, and the sums of a rollup. A measure that is zero throughout gives
    way to the number of events, so that usage without tokens (GPU hours) is still seen.
    """
    starts = _starts(span, unit, zone)
    value = total_tokens() if measure == "total_tokens" else pl.col(measure)
    if measure != EVENTS and not facts.select((value != 0).any()).item():
        measure, value = EVENTS, pl.col(EVENTS)
    # Zoned times that differ only in their offset are equal to Python; as UTC times they are not.
    start = pl.col(unit) if unit == "day" else pl.col(unit).dt.convert_time_zone("UTC")
    cells = facts.select(start.alias("start"), pl.col(column).cast(pl.String).fill_null("").alias("label"), value.alias("value"))
    cells = cells.group_by("start", "label").agg(_sum()).filter(pl.col("value") != 0)
    ranked = cells.group_by("label").agg(_sum()).sort("value", pl.col("label") == "", "label", descending=[True, False, False])
    named = ranked.head(limit).select("label").with_row_index("name")
    names: list[str | None] = named.get_column("label").to_list()
    if ranked.height > limit:
        names.append(None)
    rows: list[list[float]] = [[0] * len(starts) for _ in names]
    place = {start.astimezone(UTC) if isinstance(start, datetime) else start: index for index, start in enumerate(starts)}
    drawn = cells.join(named, on="label", how="left").group_by("start", pl.col("name").fill_null(limit)).agg(_sum())
    for begin, name, amount in drawn.iter_rows():
        if (index := place.get(begin)) is not None:
            rows[name][index] = amount
    return Series(unit, measure, column, tuple(starts), tuple(names), tuple(map(tuple, rows)))


def _sum() -> pl.Expr:
    return pl.col("value").sum()


def _starts(span: TimeRange, unit: Literal["day", "hour"], zone: str) -> list[date | datetime]:
    if span.start is None or span.end is None:
        return []
    if unit == "day":
        first, last = local_date(span.start, zone), local_date(span.end - timedelta.resolution, zone)
        days = (last - first).days + 1
        return [first + timedelta(days=index) for index in range(max(0, days - _MOST_BUCKETS), days)]
    hours: list[date | datetime] = []
    moment = hour_start(span.start, zone)
    while moment < span.end:
        hours.append(moment)
        moment = next_hour(moment, zone)
    return hours
