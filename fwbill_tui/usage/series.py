"""A measure over time, cut into local days or hours without gaps."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from fwbill_tui.usage.answers import Series
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.rollup import EVENTS

TWO_DAYS = timedelta(days=2)
_MOST_BUCKETS = 4000
"""Ranges beyond ten years of days show their last ones."""


def unit_for(span: TimeRange) -> Literal["day", "hour"]:
    """Hours for up to two days (and an hour, for the night the clocks go back), days beyond."""
    if span.start is None or span.end is None:
        return "day"
    return "hour" if span.end - span.start <= TWO_DAYS + timedelta(hours=1) else "day"


def value_of(measure: str) -> pl.Expr:
    """The column or sum behind a measure's name."""
    return pl.col("prompt_tokens") + pl.col("completion_tokens") if measure == "total_tokens" else pl.col(measure)


def build(
    facts: pl.DataFrame, unit: Literal["day", "hour"], span: TimeRange, zone: str, column: str, measure: str, limit: int
) -> Series:  # fmt: skip
    """The series of `measure` by the labels of `column`; the `limit` largest by name, the rest as None.

    `facts` has the time key named `unit`, `column`, and the sums of a rollup. A measure that is zero throughout gives
    way to the number of events, so that usage without tokens (GPU hours) is still seen.
    """
    starts = _starts(span, unit, zone)
    if measure != EVENTS and not facts.select(value_of(measure).sum()).item():
        measure = EVENTS
    summed = facts.group_by(unit, column).agg(value_of(measure).sum().alias("value")).filter(pl.col("value") != 0)
    by_label = summed.group_by(column).agg(pl.col("value").sum()).with_columns(pl.col(column).cast(pl.String))
    ranked = by_label.sort(["value", column], descending=[True, False], nulls_last=True)
    labels = [label or "" for label in ranked.get_column(column)]
    names: list[str | None] = list(labels[:limit])
    if len(labels) > limit:
        names.append(None)
    place = {start: index for index, start in enumerate(starts)}
    rows: list[list[float]] = [[0] * len(starts) for _ in names]
    row_of = {label: min(index, limit) for index, label in enumerate(labels)}
    for start, label, value in summed.with_columns(pl.col(column).cast(pl.String)).select(unit, column, "value").iter_rows():
        if (index := place.get(start)) is not None:
            rows[row_of[label or ""]][index] += value
    return Series(unit, measure, column, tuple(starts), tuple(names), tuple(map(tuple, rows)))


def _starts(span: TimeRange, unit: Literal["day", "hour"], zone: str) -> list[date | datetime]:
    if span.start is None or span.end is None:
        return []
    clock = ZoneInfo(zone)
    first, last = span.start.astimezone(clock), (span.end - timedelta(microseconds=1)).astimezone(clock)
    if unit == "day":
        days = (last.date() - first.date()).days + 1
        return [first.date() + timedelta(days=index) for index in range(max(0, days - _MOST_BUCKETS), days)]
    moment = span.start - timedelta(minutes=first.minute, seconds=first.second, microseconds=first.microsecond)
    hours: list[date | datetime] = []
    while moment < span.end:
        hours.append(moment.astimezone(clock))
        moment += timedelta(hours=1)
    return hours
