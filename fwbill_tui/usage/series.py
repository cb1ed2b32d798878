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
"""In ranges of more days (1970 to 2024) a bucket is several of them."""


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
    # Zoned times that differ only in their offset are equal to Python; as UTC times they are not.
    start = pl.col(unit) if unit == "day" else pl.col(unit).dt.convert_time_zone("UTC")
    value = total_tokens() if measure == "total_tokens" else pl.col(measure)
    cells = facts.group_by(start.alias("start"), pl.col(column).alias("label")).agg(
        value.sum().alias("value"), pl.col(EVENTS).sum().alias(EVENTS), (value != 0).any().alias("used")
    )
    amounts = cells.get_column("value")
    if measure != EVENTS and not cells.get_column("used").any():
        measure, amounts = EVENTS, cells.get_column(EVENTS)
    # There are a thousand of them or so: one more step of Polars would take longer than all that follows.
    labels = cells.get_column("label").cast(pl.String).fill_null("").to_list()
    drawn = [cell for cell in zip(cells.get_column("start").to_list(), labels, amounts.to_list(), strict=True) if cell[2]]
    sums: dict[str, float] = {}
    for _, label, amount in drawn:
        sums[label] = sums.get(label, 0) + amount
    ranked = sorted(sums, key=lambda label: (-sums[label], not label, label))
    names: list[str | None] = [*ranked[:limit]]
    if len(ranked) > limit:
        names.append(None)
    starts, step = _starts(span, unit, zone)
    rows: list[list[float]] = [[0] * len(starts) for _ in names]
    row_of = {label: rows[min(rank, limit)] for rank, label in enumerate(ranked)}
    place = {start.astimezone(UTC) if isinstance(start, datetime) else start: index for index, start in enumerate(starts)}
    for begin, label, amount in drawn:
        index = place.get(begin) if step == 1 else (begin - starts[0]).days // step
        if index is not None:
            row_of[label][index] += amount
    return Series(unit, measure, column, tuple(starts), tuple(names), tuple(map(tuple, rows)), step)


def _starts(span: TimeRange, unit: Literal["day", "hour"], zone: str) -> tuple[list[date | datetime], int]:
    """Where the buckets begin, and how many days or hours each of them has."""
    if span.start is None or span.end is None:
        return [], 1
    if unit == "day":
        first, last = local_date(span.start, zone), local_date(span.end - timedelta.resolution, zone)
        days = (last - first).days + 1
        step = -(-days // _MOST_BUCKETS)
        return [first + timedelta(days=index) for index in range(0, days, step)], step
    hours: list[date | datetime] = []
    moment = hour_start(span.start, zone)
    while moment < span.end:
        hours.append(moment)
        moment = next_hour(moment, zone)
    return hours, 1
