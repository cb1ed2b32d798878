"""A measure over time, cut into local days or hours without gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import polars as pl

from fwbill_tui.usage.answers import Series
from fwbill_tui.usage.combinations import Amounts, Combinations, added
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
    way to others, see `_in_turn`.
    """
    measures = _in_turn(measure)
    cells = facts.group_by(_start(unit).alias("start"), pl.col(column).alias("label")).agg(
        *(_value(name).sum().alias(name) for name in measures),
        *((_value(name) != 0).any().alias(f"any {name}") for name in measures),
    )
    measure = next((name for name in measures if cells.get_column(f"any {name}").any()), EVENTS)
    amounts = cells.get_column(measure)
    # There are a thousand of them or so: one more step of Polars would take longer than all that follows.
    labels = cells.get_column("label").cast(pl.String).fill_null("").to_list()
    drawn = [cell for cell in zip(cells.get_column("start").to_list(), labels, amounts.to_list(), strict=True) if cell[2]]
    sums: dict[str, float] = {}
    for _, label, amount in drawn:
        sums[label] = sums.get(label, 0) + amount
    ranked, names = _named(sums, limit)
    starts, step = _starts(span, unit, zone)
    rows: list[list[float]] = [[0] * len(starts) for _ in names]
    row_of = {label: rows[min(rank, limit)] for rank, label in enumerate(ranked)}
    place = _places(starts)
    for begin, label, amount in drawn:
        index = place.get(begin) if step == 1 else (begin - starts[0]).days // step
        if index is not None:
            row_of[label][index] += amount
    return Series(unit, measure, column, tuple(starts), names, tuple(map(tuple, rows)), step)


def of_combinations(
    few: Combinations, shown: Sequence[int], facts: Callable[[], pl.DataFrame],
    unit: Literal["day", "hour"], span: TimeRange, zone: str, column: str, measure: str, limit: int,
) -> Series | None:  # fmt: skip
    """The same of few combinations, those `shown`; None where they are too many. `facts` are those of all combinations."""
    starts, step = _starts(span, unit, zone)
    if step > 1:
        return None
    places = _places(starts)

    def over_time(name: str) -> Amounts | None:
        return few.over_time(places, facts, _start(unit), _value(name), (unit, zone, name))

    amounts: Amounts = ()
    for name in _in_turn(measure):
        if (looked_at := over_time(name)) is None:
            return None
        measure, amounts = name, looked_at
        if any(any(amounts[place]) for place in shown):
            break
    found = few.by_label(column, shown, amounts)
    ranked, names = _named({label: sum(values) for label, values in found.items() if any(values)}, limit)
    rows = [found[label] for label in ranked[:limit]]
    if len(ranked) > limit:
        rows.append(added([found[label] for label in ranked[limit:]]))
    return Series(unit, measure, column, tuple(starts), names, tuple(map(tuple, rows)))


def _in_turn(measure: str) -> tuple[str, ...]:
    """A measure, and those that stand in for it where it is zero throughout, so that usage without tokens is still seen."""
    return tuple(dict.fromkeys((measure, "accelerator_seconds", EVENTS))) if measure != EVENTS else (EVENTS,)


def _start(unit: Literal["day", "hour"]) -> pl.Expr:
    """The bucket of a row. Zoned times that differ only in their offset are equal to Python; as UTC times they are not."""
    return pl.col(unit) if unit == "day" else pl.col(unit).dt.convert_time_zone("UTC")


def _value(measure: str) -> pl.Expr:
    return total_tokens() if measure == "total_tokens" else pl.col(measure)


def _places(starts: Sequence[date | datetime]) -> dict[object, int]:
    return {start.astimezone(UTC) if isinstance(start, datetime) else start: index for index, start in enumerate(starts)}


def _named(sums: Mapping[str, float], limit: int) -> tuple[list[str], tuple[str | None, ...]]:
    """Labels by what they amount to, and the names of a series: the `limit` largest, and None for the others if there are any."""
    ranked = sorted(sums, key=lambda label: (-sums[label], not label, label))
    return ranked, (*ranked[:limit], *((None,) if len(ranked) > limit else ()))


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
