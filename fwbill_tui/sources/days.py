"""Stretches of whole UTC days: which of them a range touches, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from fwbill_tui.archive.manifest import start_of
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.row_reader import REJECTED_TEXT
from fwbill_tui.usage.schema import Reject
from fwbill_tui.usage.zones import end_of_day, local_date, start_of_day

_DAY = timedelta(days=1)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d[ Tt]\d\d:\d\d:\d\d)(?:[.,]\d+)?\s*(?:([+-]\d\d)(?::?(\d\d))?)?", re.ASCII)
"""A time as exports may have it, without its fraction."""


def days_touched(wanted: TimeRange, last: date) -> list[date]:
    """The UTC days that a range with both edges touches, none after `last`."""
    assert wanted.start is not None
    assert wanted.end is not None
    first, final = wanted.start.date(), min((wanted.end - timedelta(microseconds=1)).date(), last)
    return [first + timedelta(days=number) for number in range((final - first).days + 1)]


def runs(days: Iterable[date]) -> Iterator[list[date]]:
    """Sorted days, those without a gap between them together."""
    run: list[date] = []
    for day in days:
        if run and day != run[-1] + _DAY:
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def whole(run: Sequence[date]) -> TimeRange:
    """The range of consecutive days."""
    return TimeRange(start_of(run[0]), start_of(run[-1] + _DAY))


def common(one: TimeRange, other: TimeRange) -> TimeRange | None:
    """What two ranges with both edges share; None when that is nothing."""
    assert one.start is not None
    assert one.end is not None
    assert other.start is not None
    assert other.end is not None
    start, end = max(one.start, other.start), min(one.end, other.end)
    return TimeRange(start, end) if start < end else None


def local_days(stretch: TimeRange, time_zone: str) -> TimeRange:
    """A range with both edges, widened to whole days of a time zone."""
    assert stretch.start is not None
    assert stretch.end is not None
    last = stretch.end - timedelta(microseconds=1)
    return TimeRange(
        start_of_day(local_date(stretch.start, time_zone), time_zone), end_of_day(local_date(last, time_zone), time_zone)
    )


def within(events: pl.DataFrame, wanted: TimeRange) -> pl.DataFrame:
    """The events that start in a range with both edges; the same frame when all do."""
    started = events.get_column("start_time")
    inside = (started >= wanted.start) & (started < wanted.end)
    return events if inside.all() else events.filter(inside)


def without(events: pl.DataFrame, parts: Iterable[TimeRange]) -> pl.DataFrame:
    """The events that start in none of some ranges with both edges; the same frame when none does."""
    for part in parts:
        started = events.get_column("start_time")
        inside = (started >= part.start) & (started < part.end)
        events = events.filter(~inside) if inside.any() else events
    return events


def on_days(events: pl.DataFrame, days: Iterable[date]) -> pl.DataFrame:
    """The events that start on some UTC days; the same frame when all do."""
    inside = events.get_column("start_time").dt.date().is_in(list(days))
    return events if inside.all() else events.filter(inside)


def may_start_in(reject: Reject, wanted: TimeRange) -> bool:
    """Whether a row that could not be read may belong to a range with both edges.

    It does not where it has times, and all of them lie beside the range: when it starts is one of them. Of a row without any,
    whose start is what cannot be read, or of which only the beginning is known, nobody can say.
    """
    assert wanted.start is not None
    assert wanted.end is not None
    if reject.column == "start_time" or not reject.line or len(reject.text) >= REJECTED_TEXT:
        return True
    try:
        times = [_moment(*match.groups()) for match in _MOMENT.finditer(reject.text)]
    except ValueError:  # February 30
        return True
    return not times or any(wanted.start <= time < wanted.end for time in times)


def _moment(clock: str, hours: str | None, minutes: str | None) -> datetime:
    return datetime.fromisoformat(f"{clock.upper()}{hours or '+00'}:{minutes or '00'}")


@dataclass(slots=True)
class Gathering:
    """Events that come window by window, until every window that has a part in a day has ended: then the day is whole."""

    days: Sequence[date]
    frames: list[pl.DataFrame] = field(default_factory=list)
    _had: list[TimeRange] = field(default_factory=list)
    _whole: set[date] = field(default_factory=set)

    def add(self, frames: Iterable[pl.DataFrame], window: TimeRange, missing: Sequence[TimeRange]) -> tuple[list[date], int]:
        """Take a window's events; `missing` are the parts of it that failed.

        Returns the days that are whole now, and how many events were left out because they start outside their window.
        """
        left_out = 0
        for frame in frames:
            inside = within(frame, window)
            left_out += frame.height - inside.height
            if not inside.is_empty():
                self.frames.append(inside)
        self._had += minus([window], missing)
        ready = [day for day in self.days if day not in self._whole and self._covers(whole([day]))]
        self._whole.update(ready)
        return ready, left_out

    def take(self, days: Sequence[date]) -> list[pl.DataFrame]:
        """Hand out the events of whole days, and forget them."""
        taken = [on_days(frame, days) for frame in self.frames]
        rest = [
            frame.filter(~frame.get_column("start_time").dt.date().is_in(list(days)))
            for frame, part in zip(self.frames, taken, strict=True)
            if part.height < frame.height
        ]
        self.frames = rest
        return [part for part in taken if not part.is_empty()]

    def _covers(self, day: TimeRange) -> bool:
        return not minus([day], self._had)


def minus(ranges: list[TimeRange], parts: Iterable[TimeRange]) -> list[TimeRange]:
    """What is left of ranges with both edges without some parts."""
    for part in parts:
        left: list[TimeRange] = []
        for each in ranges:
            shared = common(each, part)
            if shared is None:
                left.append(each)
                continue
            assert each.start is not None
            assert each.end is not None
            assert shared.start is not None
            assert shared.end is not None
            if each.start < shared.start:
                left.append(TimeRange(each.start, shared.start))
            if shared.end < each.end:
                left.append(TimeRange(shared.end, each.end))
        ranges = left
    return ranges
